"""Plant every small error of a kind in a module, and see which tests notice none.

Run as a script it forks once per mutant from a process that has loaded everything
else, so that a mutant costs the time of its first failing test and not of the imports:
`python tests/support/mutants.py MODULE TEST...` prints the survivors as JSON.
"""

import ast
import contextlib
import copy
import gc
import importlib.machinery
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = str(ROOT / "hamodel"), str(ROOT / "tests")
settings.register_profile(  # few examples: the same suite runs many times
    "mutants",
    deadline=None,
    derandomize=True,
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow],
)
LIMIT = 120  # seconds; a mutant that hangs is a mutant noticed


def mutants(source, words=()):
    """Yield (line, what was done, mutated source).

    A number grows by one, an operator turns into its opposite, a comparison into its
    denial, and each of some words into the next one.
    """
    tree = ast.parse(source)
    places = {i for i, node in enumerate(ast.walk(tree)) if _changed(node, words)}
    for place in sorted(places - _idle(tree)):
        changed = copy.deepcopy(tree)
        node = list(ast.walk(changed))[place]
        before = _text(node)
        _changed(node, words)()
        yield node.lineno, f"{before} became {_text(node)}", ast.unparse(changed)


def _changed(node, words):
    """Return a function that plants an error in a node, or None."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        if swap := SWAPS.get(type(node.op)):
            return lambda: setattr(node, "op", swap())
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        if swap := SWAPS.get(type(node.ops[0])):
            return lambda: setattr(node, "ops", [swap()])
    elif isinstance(node, ast.Constant):
        if type(node.value) in {int, float}:
            return lambda: setattr(node, "value", node.value + 1)
        if node.value in words:
            following = words[(words.index(node.value) + 1) % len(words)]
            return lambda: setattr(node, "value", following)
    return None


def _idle(tree):
    """Return the places that nothing computes with: decorators and annotations."""
    idle = set()
    for node in ast.walk(tree):
        parts = [
            *getattr(node, "decorator_list", ()),
            getattr(node, "annotation", None),
        ]
        for part in [*parts, getattr(node, "returns", None)]:
            idle |= {id(n) for n in ast.walk(part)} if part else set()
    return {i for i, node in enumerate(ast.walk(tree)) if id(node) in idle}


def _text(node):
    return " ".join(ast.unparse(node).split())[:80]


def states(tree):
    """Return the strings that a `match` tells apart: the states of a model."""
    values = [n.value for n in ast.walk(tree) if isinstance(n, ast.MatchValue)]
    names = [v.value for v in values if isinstance(v, ast.Constant)]
    return [name for name in names if isinstance(name, str)]


def survivors(module, found, tests):
    """Run the tests on each mutant in a fork; return the mutants that all pass."""
    running, passed = {}, []
    for mutant in found:
        if len(running) == os.cpu_count():
            _wait(running, passed)
        running[_fork(module, mutant[2], tests)] = mutant[:2]
    while running:
        _wait(running, passed)
    return sorted(passed)


def _wait(running, passed):
    child, status = os.wait()
    mutant = running.pop(child)
    if os.waitstatus_to_exitcode(status) == 0:
        passed.append(mutant)


def _fork(module, source, tests):
    """Start a child in which a mutant has a module's place and the tests run."""
    child = os.fork()
    if child == 0:
        status = 1  # a mutant that cannot even be imported is noticed
        try:
            signal.alarm(LIMIT)
            _become(module, source)
            status = int(_run(tests))
        finally:
            os._exit(status)
    return child


def _become(module, source):
    """Let the next import of a module, and of all that use it, find the mutant."""
    for name, loaded in list(sys.modules.items()):
        if str(getattr(loaded, "__file__", "")).startswith((PACKAGE, TESTS)):
            del sys.modules[name]
    sys.meta_path.insert(0, _Finder(module, source))


class _Finder:
    """Find one module, whose source is the mutant's."""

    def __init__(self, module, source):
        self.module, self.source = module, source

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002
        if name != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader.get_code = lambda _: compile(self.source, spec.origin, "exec")
        return spec


def _run(tests, *options):
    """Run pytest without a word; return its exit status."""
    quiet = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider"]
    quiet.append("--hypothesis-profile=mutants")
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        return pytest.main([*quiet, "-p", "no:randomly", *options, *tests])


def main(module, *tests):
    """Print how many mutants there are, and those that no test notices."""
    _run(tests, "--collect-only")  # so that every child finds the libraries loaded
    gc.freeze()
    source = Path(sys.modules[module].__file__).read_text(encoding="utf-8")
    found = [*mutants(source, states(ast.parse(source))), (0, "nothing", source)]
    passed = survivors(module, found, tests)
    if (0, "nothing") not in passed:
        raise RuntimeError("the tests fail without a planted error")
    passed.remove((0, "nothing"))
    report = {"planted": len(found) - 1, "survivors": passed}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
