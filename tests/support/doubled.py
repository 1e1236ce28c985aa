"""Whether the tests that a row of roads names notice its fields: each is doubled once.

`python -m tests.support.doubled` runs, for each field of each row, the tests that the
row names until one fails; it prints the fields that none of them notices.  It takes a
quarter of an hour, and belongs to no other run.
"""

import copy
import os
import subprocess
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np

from hamodel.assessment.results import Assessment
from hamodel.duration import Duration
from tests.support import roads

FIELD = "HAMODEL_DOUBLED"


def doubled(value, rest):
    """A value of which what a path leads to is twice as much; 1 in place of 0."""
    if value is None:
        return None
    if not rest or (rest == ["law"] and isinstance(value, Duration)):
        if isinstance(value, (bool, np.bool_)):
            return not value
        if isinstance(value, tuple):
            return (*value, "another")
        if isinstance(value, str):
            return value
        none = value.mean if isinstance(value, Duration) else value
        return 2 * value if np.any(none) else value + 1.0
    head, *below = rest
    if isinstance(value, Mapping):
        hit = {k: fnmatchcase(str(k), head) for k in value}
        return {k: doubled(v, below) if hit[k] else v for k, v in value.items()}
    kind, made = type(value), copy.copy(value)
    names = [n for n in dir(kind) if not n.startswith("_")] + [*vars(value)]
    for name in {n for n in names if fnmatchcase(n, head)}:
        new = doubled(getattr(value, name), below)
        other = type(kind.__name__, (type(made),), {name: property(lambda _, x=new: x)})
        object.__setattr__(made, "__class__", other)
    return made


def asked(method, *below):
    """A question whose answer is twice as much."""

    def ask(self, *args, **named):
        return doubled(method(self, *args, **named), [*below])

    return ask


def pytest_configure():
    """Double the field that is asked for."""
    path = os.environ.get(FIELD, "")
    if not path:
        return
    root, *rest = path.split(".")
    names = [n for n in roads.public(Assessment) if fnmatchcase(n + "()", root)]
    for name in names:
        method = getattr(Assessment, name)
        below = ("probability",) if name == "chance_of_missing" else ()
        setattr(Assessment, name, asked(method, *below))
    for name, what in roads.public(Assessment).items():
        if root in ("*", name) and not callable(what) and name not in roads.NO_NUMBERS:
            read = getattr(what, "func", None) or what.fget
            new = property(lambda self, r=read: doubled(r(self), rest))
            setattr(Assessment, name, new)
    if root == "latency":
        read = Assessment.latency.func
        rest = ["*", *rest]
        Assessment.latency = property(lambda self: doubled(read(self), rest))


def noticed(path, test):
    file, name = test.split("::")
    command = [sys.executable, "-m", "pytest", f"tests/{file}.py", "-k", name]
    more = ["-x", "-q", "-p", "no:randomly", "-p", "tests.support.doubled"]
    environment = os.environ | {FIELD: path}
    done = subprocess.run(command + more, env=environment, capture_output=True)
    if done.returncode > 1:
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    return done.returncode == 1


def main():
    for road in roads.ROADS:
        for path in road.fields:
            seen = next((t for t in road.tests if noticed(path, t)), None)
            told = f"{path} of {', '.join(road.kinds)}: {seen or 'NOT NOTICED'}\n"
            sys.stdout.write(told)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
