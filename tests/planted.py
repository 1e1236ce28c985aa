"""Plant small errors over whole rooms and see which of them no test notices.

A whole run would take a day, so each room is judged by a sample of its mutants; the
same seed takes the same sample.  `make mutants` writes the score of each room and the
survivors to `benchmarks/mutants.md`; `ARGS="quorum 100"` takes more of one room.
"""

import ast
import gc
import os
import random
import sys
import time
from pathlib import Path

from tests.support import mutants

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "mutants.md"
SAMPLE, SEED = 25, 1  # mutants of each room
ROOMS = {  # the quickest tests first: a mutant costs the time to its first failure
    "architectures": (
        "joint_chains",
        "active_passive_nodes",
        "architectures",
        "active_passive",
        "architectures_limits",
        "architectures_waiting",
        "second_road",
        "assessment",
    ),
    "assessment": (
        "joint_chains",
        "assessment",
        "assessment_second_road",
        "assessment_budget",
        "objectives",
        "journeys",
    ),
    "failover": (
        "failover",
        "failover_details",
        "failover_vigilance",
        "failover_products",
        "failover_election",
    ),
    "replication": ("replication", "replication_modes", "replication_loss"),
    "conflicts": ("conflicts_rates", "conflicts_history", "assessment"),
    "quorum": ("quorum", "quorum_staleness", "assessment"),
}


def planted(room):
    """All mutants of a room: (module, line, what was done, source)."""
    for file in sorted((ROOT / "hamodel" / room).glob("*.py")):
        if file.name == "__init__.py":
            continue
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        source = file.read_text(encoding="utf-8")
        words = mutants.states(ast.parse(source))
        for mutant in mutants.mutants(source, words):
            yield module, *mutant


def planted_nowhere(tests):
    """Run the tests in a fork as they are; return its exit status."""
    child = os.fork()
    if child == 0:
        os._exit(int(mutants._run(tests)))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def judged(room, count):
    """Return how many there are, how many were tried, and those no test noticed."""
    files = [f"tests/test_{name}.py" for name in ROOMS[room]]
    tests = [name for name in files if (ROOT / name).exists()]
    tests += ["-m", "not slow and not browser"]
    mutants._run(tests, "--collect-only")  # so that children find libraries loaded
    gc.freeze()
    began = time.monotonic()  # a mutant that takes four times as long hangs
    whole = planted_nowhere(tests)
    mutants.LIMIT = int(max(mutants.LIMIT, 4 * (time.monotonic() - began)))
    if whole:
        raise RuntimeError("the tests fail without a planted error")
    every = list(planted(room))
    sample = random.Random(SEED).sample(every, min(count, len(every)))
    passed = []
    for module, line, what, source in sample:
        child = mutants._fork(module, source, tests)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            passed.append((module, line, what))
    return len(every), len(sample), sorted(passed)


def report(room, every, tried, passed):
    """Return the lines of one room."""
    share = 1 - len(passed) / tried
    yield (
        f"| `{room}` | {every} | {tried} | {len(passed)} | {share:.0%} |",
        [f"- `{module}`, line {line}: {what}" for module, line, what in passed],
    )


def main(room="", count=SAMPLE):
    """Judge one room, or all and write the page."""
    rows, survivors = [], []
    for name in [room] if room else ROOMS:
        for row, lines in report(name, *judged(name, int(count))):
            rows.append(row)
            survivors += lines
            print(row, *lines, sep="\n", flush=True)  # noqa: T201
    if not room:
        head = [
            "# Planted errors",
            "",
            *(__doc__ or "").strip().splitlines(),
            "",
            "| Room | Mutants | Tried | Survived | Noticed |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        page = [*head, *rows, "", "## Survivors", "", *survivors, ""]
        RESULTS.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
