"""Plant small errors in modules, one at a time, and see which tests notice.

The tests are collected once.  Each mutant has a fork of its own, in which its function
gets the changed code and the tests that reach the changed line run, the cheapest
first, until one fails.  Where a line runs on import, a mutant that survives this way
is tried again with the package imported anew.
"""

import ast
import gc
import hashlib
import importlib.machinery
import inspect
import json
import os
import re
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

OPPOSITES = (
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div),
    (ast.Is, ast.IsNot),
    (ast.Eq, ast.NotEq),
    (ast.Lt, ast.GtE),
    (ast.Gt, ast.LtE),
    (ast.In, ast.NotIn),
    (ast.And, ast.Or),
)
SWAPS = dict(OPPOSITES) | {b: a for a, b in OPPOSITES} | {ast.Pow: ast.Mult}
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}
NAMES |= {"any": "all", "all": "any"}
WORDING = {"__repr__", "__str__", "_repr_html_"}  # what these return is read, not used
ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = str(ROOT / "hamodel"), str(ROOT / "tests")
FAST = ["-m", "not slow and not browser", "-p", "no:randomly", "-p", "no:cacheprovider"]
FAST += ["--assert=plain", "-q", "--hypothesis-profile=mutants"]
CLOCKS = re.compile(r"perf_counter|process_time|monotonic|cost_of_a_redraw")
ENOUGH = 5  # tests of a line; where fewer reach it, those of the module run too
FILES = 24  # of tests, that are imported anew for one mutant
settings.register_profile(  # few examples: the same tests run many times
    "mutants",
    deadline=None,
    derandomize=True,
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow],
)


# ---- what is planted ---------------------------------------------------------------


@dataclass(frozen=True)
class Mutant:
    """A small error: where, in which function, and what was done."""

    module: str
    line: int
    function: str
    what: str
    place: int | None  # of the node among all; None: no error after all
    start: int = 0  # first line of the function; 0: the error is outside of any
    slip: tuple[str, str] = "", ""  # what is replaced by what, not a node

    @property
    def name(self):
        return f"`{self.module}`, `{self.function}`: {self.what}"

    @property
    def key(self):
        return f"{_digest(source_of(self.module))} {self.place} {self.name}"

    def sound(self):
        """Return the same place without the error."""
        return replace(self, what="nothing", place=None, slip=("", ""))

    @property
    def file(self):
        return str(ROOT / Path(*self.module.split(".")).with_suffix(".py"))

    @cached_property
    def code(self):
        tree = ast.parse(source_of(self.module).replace(*self.slip, 1))
        if self.place is not None:
            node = list(ast.walk(tree))[self.place]
            setattr(node, *_changed(node, _states(tree)))
        return compile(tree, self.file, "exec")


def source_of(module):
    return (ROOT / Path(*module.split("."))).with_suffix(".py").read_text("utf-8")


def mutants(module, source=""):
    """Yield the mutants of a module.

    A number grows by one, True becomes False, an operator or a comparison turns into
    its opposite, least into greatest, each state that a `match` tells apart into the
    next.  Messages, annotations, metadata and representations are left alone.
    """
    tree = ast.parse(source or source_of(module))
    words = _states(tree)
    idle, homes = _idle(tree), _homes(tree)
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in idle or not (change := _changed(node, words)):
            continue
        attribute, new = change
        before, old = _text(node), getattr(node, attribute)
        setattr(node, attribute, new)
        what = f"{before} became {_text(node)}"
        setattr(node, attribute, old)
        function, start = homes.get(id(node), ("module", 0))
        yield Mutant(module, node.lineno, function, what, place, start)


def slip(module, old, new):
    """Return the mutant with a text in place of another, which stands there once."""
    source = source_of(module)
    assert source.count(old) == 1, f"{module} has not one {old!r}: list another"
    line = source[: source.index(old)].count("\n") + 1
    tree = ast.parse(source)
    homes = _homes(tree)
    at = [n for n in ast.walk(tree) if getattr(n, "lineno", 0) == line]
    function, start = next((homes[id(n)] for n in at if id(n) in homes), ("module", 0))
    return Mutant(
        module, line, function, f"{old} became {new}", None, start, (old, new)
    )


def _changed(node, words):
    """Return which attribute of a node to change into what, or None."""
    kind = type(getattr(node, "op", None) or (getattr(node, "ops", None) or [0])[0])
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and kind in SWAPS:
        return "ops", [SWAPS[kind]()]
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and kind in SWAPS:
        return "op", SWAPS[kind]()
    for attribute in ("id", "attr"):
        if (name := getattr(node, attribute, None)) in NAMES:
            return attribute, NAMES[name]
    if isinstance(node, ast.Constant):
        return _changed_value(node.value, words)
    return None


def _changed_value(value, words):
    if type(value) is bool:
        return "value", not value
    if type(value) in {int, float}:
        return "value", value + 1
    if value in words:
        return "value", words[(words.index(value) + 1) % len(words)]
    return None


def _states(tree):
    """Return the strings that a `match` tells apart: the states of a model."""
    values = [n.value for n in ast.walk(tree) if isinstance(n, ast.MatchValue)]
    names = [v.value for v in values if isinstance(v, ast.Constant)]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _idle(tree):
    """Return the nodes that no number depends on."""
    parts = []
    for node in ast.walk(tree):
        parts += getattr(node, "decorator_list", ())
        parts += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert):
            parts.append(node)
        if isinstance(node, ast.FunctionDef) and node.name in WORDING:
            parts.append(node)
        if isinstance(node, ast.keyword) and node.arg in {"metadata", "strict"}:
            parts.append(node)
        if isinstance(node, ast.Call):
            parts += _idle_of(node)
    return {id(n) for part in parts if part for n in ast.walk(part)}


def _idle_of(call):
    """Return the arguments of a call that say how something is written, or checked."""
    called, flags = _text(call.func), {"repr", "compare", "init", "hash", "kw_only"}
    if called.startswith(("text.", "_html.")):
        return [call]
    if called == "field":
        return [k for k in call.keywords if k.arg in flags]
    if called.startswith("fields."):  # kind, label and limits
        values = {"default", "default_factory"}
        return [*call.args, *(k for k in call.keywords if k.arg not in values)]
    return []


def _homes(tree):
    """Return the outermost function around each node: its name and first line."""
    homes = {}

    def enter(node, within):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                enter(child, [*within, child.name])
            elif isinstance(child, ast.FunctionDef):
                lines = [child, *child.decorator_list]
                start = min(part.lineno for part in lines)
                name = ".".join([*within, child.name])
                for statement in child.body:
                    homes.update(
                        {id(inner): (name, start) for inner in ast.walk(statement)}
                    )

    enter(tree, [])
    return homes


def _text(node):
    return " ".join(ast.unparse(node).split())[:80]


# ---- which tests reach a line ------------------------------------------------------


class Seconds:
    """A plugin that keeps how long each passing test took, in s of CPU."""

    def __init__(self, file):
        self.file, self.took = file, {}

    def pytest_collection_modifyitems(self, items):
        """Leave out what reads the clock: on a busy machine it fails by itself."""
        items[:] = [
            item
            for item in items
            if not hasattr(item, "function")
            or not CLOCKS.search(inspect.getsource(item.function))
        ]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        began = time.process_time()
        said = yield
        self.took.setdefault(item.nodeid, time.process_time() - began)
        return said

    def pytest_runtest_logreport(self, report):
        if not report.passed:
            self.took[report.nodeid] = None

    def pytest_sessionfinish(self):
        self.file.write_text(json.dumps(self.took), encoding="utf-8")


class Reach:
    """The passing tests that ran each line, and how long they took (s of CPU)."""

    def __init__(self, folder):
        self.folder = folder
        self.seconds, self.lines = {}, defaultdict(lambda: defaultdict(set))
        for file in folder.glob("*.json"):
            took = json.loads(file.read_text(encoding="utf-8"))
            self.seconds |= {k: v for k, v in took.items() if v is not None}
        for file in folder.glob("*.coverage"):
            kept = coverage.CoverageData(str(file))
            kept.read()
            for source in kept.measured_files():
                for line, contexts in kept.contexts_by_lineno(source).items():
                    names = {context.rsplit("|", 1)[0] for context in contexts}
                    self.lines[source][line] |= names
            kept.close()

    def on_import(self, mutant):
        """Tell whether a mutant's line ran before any test."""
        return not mutant.start or "" in self.lines[mutant.file][mutant.line]

    def tests(self, mutant):
        """Return tests, those of the line first; of each function one, then others."""
        lines = self.lines[mutant.file]
        near = lines[mutant.line] if mutant.start else set()
        if len(near) >= ENOUGH:
            return self._dealt(near)
        far = set().union(*lines.values()) - near
        return [*self._dealt(near), *self._dealt(far)]

    def _dealt(self, names):
        functions = defaultdict(list)
        known = names & self.seconds.keys()
        for name in sorted(known, key=lambda name: (self.seconds[name], name)):
            functions[name.partition("[")[0]].append(name)
        rounds = [
            (turn, self.seconds[name], name)
            for ordered in functions.values()
            for turn, name in enumerate(ordered)
        ]
        return [name for _, _, name in sorted(rounds)]


# ---- who notices -------------------------------------------------------------------


class Judge:
    """A plugin of pytest that in place of running the tests tries mutants on them.

    `noticed` says of each mutant the test that failed, or "" where none did.  A test
    that fails without the error, too, is no evidence and is left out.  Those noticed
    before are not tried again while their module and the test's file stay as they are.
    """

    def __init__(self, found, reach, *, budget=90.0, jobs=1, said=lambda *_: None):
        self.found, self.reach, self.said = found, reach, said
        self.budget, self.jobs = budget, jobs
        self.kept = reach.folder / "noticed.txt"
        lines = self.kept.read_text("utf-8").splitlines() if self.kept.exists() else []
        known = dict(line.split("\t") for line in lines)
        before = {mutant: known.get(mutant.key, "") for mutant in found}
        self.noticed = {
            mutant: test
            for mutant, said in before.items()
            if said and (test := said.split(" ", 1)[1]) and said == _dated(test)
        }

    def files(self):
        """Return the files of the tests to collect."""
        new = [n for m in self.found if m not in self.noticed for n in self._chosen(m)]
        return sorted({n.split("::")[0] for n in [*new, *self.noticed.values()]})

    def _chosen(self, mutant):
        spent = 0.0
        for name in self.reach.tests(mutant):
            if spent > self.budget:
                return
            spent += self.reach.seconds[name]
            yield name

    def pytest_runtestloop(self, session):
        self.items = {item.nodeid: item for item in session.items}
        self.functions = defaultdict(list)
        self.caches = []
        for thing in gc.get_objects():
            if hasattr(type(thing), "cache_clear") and _ours(thing):
                self.caches.append(thing)
            if isinstance(thing, FunctionType):
                code = thing.__code__
                key = code.co_filename, code.co_firstlineno, code.co_qualname
                self.functions[key].append(thing)
        gc.freeze()
        new = [mutant for mutant in self.found if mutant not in self.noticed]
        waiting = {mutant: list(self._chosen(mutant)) for mutant in new}
        sound = set()
        while waiting:
            self.noticed |= self._all(waiting)
            twins = {
                test: mutant.sound()
                for mutant, test in self.noticed.items()
                if test in self.items and test not in sound
            }
            checked = self._all({twin: [test] for test, twin in twins.items()})
            unsound = set(checked.values()) - {""}
            self._import_soundly()
            sound |= twins.keys() - unsound
            for test in unsound:
                self.said("fails by itself", test)
                self.items.pop(test, None)
            waiting = {
                mutant: list(self._chosen(mutant))
                for mutant, test in self.noticed.items()
                if test in unsound
            }
        return True

    def _import_soundly(self):
        """Raise where tests imported anew do not pass without an error either."""
        broken = {m.module: m for m, test in self.noticed.items() if test == "import"}
        twins = {m.sound(): list(self._chosen(m)) for m in broken.values()}
        if failing := {m.module for m, test in self._all(twins).items() if test}:
            raise RuntimeError(f"the tests of {failing} fail when imported anew")

    def _all(self, waiting):
        """Try each mutant on its tests; return by which it is noticed."""
        running, noticed, waiting = {}, {}, [*waiting.items()][::-1]
        while running or waiting:
            while waiting and len(running) < self.jobs:
                mutant, tests = waiting.pop()
                running[self._fork(mutant, tests)] = mutant
            child, _ = os.wait()
            mutant = running.pop(child)
            noticed[mutant] = self._read(child)
            if mutant.what != "nothing":
                self.said(mutant.name, noticed[mutant] or "SURVIVED")
                if noticed[mutant] in self.items:
                    with self.kept.open("a", encoding="utf-8") as kept:
                        kept.write(f"{mutant.key}\t{_dated(noticed[mutant])}\n")
        return noticed

    def _fork(self, mutant, tests):
        child = os.fork()
        if child == 0:
            self.log = (self.reach.folder / str(os.getpid())).open("w", buffering=1)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            try:
                self._try(mutant, [name for name in tests if name in self.items])
            finally:
                os._exit(0)
        return child

    def _read(self, child):
        """Return the last test that was begun, unless all passed."""
        file = self.reach.folder / str(child)
        if not file.exists():
            return "nothing ran"
        lines = file.read_text(encoding="utf-8").splitlines()
        file.unlink()
        return "" if lines[-1:] == ["passed"] else (lines or ["nothing ran"])[-1]

    def _try(self, mutant, tests):
        swapped = bool(mutant.start) and self._swap(mutant)
        if swapped:
            self._run([self.items[name] for name in tests])
        if not swapped or self.reach.on_import(mutant):
            self._anew(mutant, tests)
        self.log.write("passed\n")

    def _swap(self, mutant):
        """Give the live function the mutant's code."""
        changed = _code_at(mutant.code, mutant.function, mutant.start)
        key = mutant.file, mutant.start, mutant.function
        for function in self.functions[key]:
            function.__code__ = changed
        for cache in self.caches:  # of what was answered without the error
            cache.cache_clear()
        return bool(self.functions[key]) and changed is not None

    def _run(self, items):
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.log.write(item.nodeid + "\n")
            _at_most(5 + 4 * self.reach.seconds[item.nodeid])
            reports = runtestprotocol(item, log=False, nextitem=following)
            if any(report.failed for report in reports):
                os._exit(1)
        _at_most(0)

    def _anew(self, mutant, names):
        """Import the package, with the mutant in it, and the tests anew."""
        for name, loaded in list(sys.modules.items()):
            if str(getattr(loaded, "__file__", "")).startswith((PACKAGE, TESTS)):
                del sys.modules[name]
        sys.meta_path.insert(0, _Finder(mutant))
        self.log.write("import\n")
        files = list(dict.fromkeys(name.split("::")[0] for name in names))[:FILES]
        names = [name for name in names if name.split("::")[0] in files]
        _at_most(60 + 4 * sum(self.reach.seconds[name] for name in names))
        if pytest.main(["-x", *FAST, *names], [_Naming(self.log)]):
            os._exit(1)


def _ours(function):
    return str(getattr(function, "__module__", "")).startswith("hamodel")


def _dated(test):
    """Return a test with what its file holds."""
    file = ROOT / test.split("::")[0]
    return f"{_digest(file.read_text('utf-8') if file.exists() else '')} {test}"


def _digest(text):
    return hashlib.sha1(text.encode()).hexdigest()[:12]


class _Naming:
    """A plugin that writes which test runs."""

    def __init__(self, log):
        self.log = log

    def pytest_runtest_logstart(self, nodeid):
        self.log.write(nodeid + "\n")


class _Finder:
    """Find one module, whose code is the mutant's."""

    def __init__(self, mutant):
        self.mutant = mutant

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002
        if name != self.mutant.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader.get_code = lambda _: self.mutant.code
        return spec


def _at_most(seconds):
    """Let the process die after so much CPU time; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _code_at(code, name, start):
    """Return the code of a function within the code of its module."""
    for part in code.co_consts:
        if isinstance(part, CodeType):
            if (part.co_qualname, part.co_firstlineno) == (name, start):
                return part
            if (found := _code_at(part, name, start)) is not None:
                return found
    return None
