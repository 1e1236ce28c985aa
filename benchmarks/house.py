"""How large the house is, and how it hangs together.

`python -m benchmarks.house` prints a table; `--beside TREE` with the lines of another
state of the project in its last column; `--list NAME` prints what a row counts
(`circles`, `private`, `islands`, `any`, `minutes`, `latency` or `long`).  Nothing here
is a bar: the gates of the tests hold those figures that must not grow.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tempfile
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
PACKAGE, LESSONS = ROOT / "hamodel", ROOT / "notebooks" / "lessons"
#: Rooms that answer: whatever they use is used.
ANSWERS = frozenset(
    [
        "architectures",
        "assessment",
        "simulation",
        "sweeping",
        "decision",
        "calibration",
        "uncertainty",
        "catalogue",
        "specfile",
        "cli",
        "plots",
        "course",
        "lessons",
        "recordings",
    ]
)
#: What stands for `Any`, each for what only its maker knows.
OPEN = frozenset(
    [
        "Quantity",
        "Value",
        "State",
        "Json",
        "Sparse",
        "Number",
        "Known",
        "Assessed",
        "Members",
        "Skin",
        "Answer",
        "Connection",
    ]
)
#: Public by promise, used or not.
PROMISED = {
    "chain": "Chain",
    "duration": "uniform constant lognormal exponential erlang hyperexponential "
    "empirical phase_type mixture maximum minimum order_statistic",
    "markov": "steady_state transient mean_time_to first_passage_cdf "
    "interval_unavailability downtime_cdf",
    "queueing": "erlang_b erlang_c MMc MG1 MGc Network",
    "quorum": "load",
    "structure": "parse",
}
SYSTEM = """\
architecture: active-passive
sites: [fra, dub]
database: {mttf: 6/yr, mttr: 3 h}
failover: {promotion: 30 s, coverage: 99 %}
workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
"""


# ---- files -------------------------------------------------------------------------


@cache
def files() -> dict[str, Path]:
    """Return {module: file} of the package and the lessons beside their notebooks."""
    found = {}
    for base in (PACKAGE, LESSONS):
        for path in sorted(base.rglob("*.py")):
            parts = list(path.relative_to(base.parent).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            found[".".join(parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    """Return a file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def room(module: str) -> str:
    """Return the room that a module is in."""
    parts = module.split(".")
    return parts[0] if parts[0] != "hamodel" else (parts[1:] or ["hamodel"])[0]


def lines(path: Path) -> dict[str, int]:
    """Count the lines of a file that hold code, docstring, comment alone, nothing."""
    text = path.read_text(encoding="utf-8")
    said: set[int] = set()
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            said |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    count = {"code": 0, "docstring": len(said), "comment": 0, "blank": 0}
    for number, line in enumerate(text.splitlines(), 1):
        if number in said:
            continue
        plain = line.strip()
        kind = "comment" if plain.startswith("#") else "code" if plain else "blank"
        count[kind] += 1
    return count


# ---- imports -----------------------------------------------------------------------


@cache
def known(module: str) -> list[tuple[str, str, str]]:
    """Return (local name, module, name there) of all that a module imports of ours.

    Where the whole module is imported, the name there is empty.
    """
    found = []
    for node in ast.walk(tree(files()[module])):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole, local = f"{node.module}.{alias.name}", alias.asname or alias.name
                target = (whole, "") if whole in files() else (node.module, alias.name)
                found.append((local, *target))
        elif isinstance(node, ast.Import):
            found.extend((a.asname or a.name, a.name, "") for a in node.names)
    return [f for f in found if f[1] in files()]


def circles() -> list[list[str]]:
    """Return the groups of files that need one another, for their types or in calls."""
    graph = nx.DiGraph()
    for module in files():
        for _, target, _ in known(module):
            within = target == module or module.startswith(f"{target}.")
            if not within:
                graph.add_edge(module, target)
    groups = nx.strongly_connected_components(graph)
    return sorted(sorted(group) for group in groups if len(group) > 1)


def private_imports() -> list[str]:
    """Return who imports which private file or name of another room."""
    found = set()
    for module in files():
        for _, target, name in known(module):
            parts = [*target.split(".")[2:], name]
            hidden = any(re.match("_(?!_)", part) for part in parts)
            if room(target) != room(module) and hidden:
                found.add(f"{module} -> {target}")
    return sorted(found)


# ---- public names and islands ------------------------------------------------------


def listed(module: str) -> list[str]:
    """Return `__all__` of a module."""
    for node in tree(files()[module]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def public() -> set[str]:
    """Return `room.name` of everything that a room lists as public."""
    rooms = [m for m in files() if m.count(".") == 1 and m.startswith("hamodel.")]
    return {f"{room(m)}.{name}" for m in rooms for name in listed(m)}


def _home(module: str, name: str, depth: int = 0) -> tuple[str, str]:
    """Return where a name that a module offers is defined."""
    body = tree(files()[module]).body
    defined = any(name in _bound(node) for node in body)
    if defined or depth > 9:
        return module, name
    for local, target, there in known(module):
        if local == name:
            return _home(target, there, depth + 1) if there else (target, "")
    return module, name


def _bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return set()


def _uses(module: str, node: ast.AST) -> set[tuple[str, str]]:
    """Return the definitions, of this module or others, that a statement names."""
    imported = {local: rest for local, *rest in known(module)}
    own = {name for inner in tree(files()[module]).body for name in _bound(inner)}
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in own:
            found.add((module, inner.id))
        elif isinstance(inner, ast.Name) and inner.id in imported:
            target, name = imported[inner.id]
            found.add(_home(target, name) if name else (target, ""))
        elif isinstance(inner, ast.Attribute):
            found |= _dotted(inner, imported)
    return found


def _dotted(node: ast.Attribute, imported: dict) -> set[tuple[str, str]]:
    """Return what `room.name` or `ha.room.name` names, if it is ours."""
    names, inner = [node.attr], node.value
    while isinstance(inner, ast.Attribute):
        names.insert(0, inner.attr)
        inner = inner.value
    if not isinstance(inner, ast.Name) or inner.id not in imported:
        return set()
    module, name = imported[inner.id]
    if name:
        return set()
    while names and f"{module}.{names[0]}" in files():
        module = f"{module}.{names.pop(0)}"
    return {_home(module, names[0])} if names else set()


def graph() -> nx.DiGraph:
    """Return which definition of the package names which other."""
    found = nx.DiGraph()
    for module, path in files().items():
        for node in tree(path).body:
            bound = _bound(node)
            for name in bound:
                found.add_node((module, name), lines=_length(node))
            sources = bound or {""}  # a bare statement runs when the file is loaded
            if isinstance(node, (ast.Import, ast.ImportFrom)) or "__all__" in bound:
                continue
            for name in sources:
                found.add_edges_from(
                    ((module, name), use) for use in _uses(module, node)
                )
    return found


def _length(node: ast.stmt) -> int:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    return (node.end_lineno or first) - first + 1


def _roots(names: nx.DiGraph) -> set[tuple[str, str]]:
    """Return what is used by itself: answers, promises, notebooks and pages."""
    found = {n for n in names if room(n[0]) in ANSWERS or n[0] == "hamodel"}
    found |= {_home("hamodel", name) for name in listed("hamodel")}
    found |= {
        _home(f"hamodel.{home}", name)
        for home, names_ in PROMISED.items()
        if f"hamodel.{home}" in files()
        for name in names_.split()
    }
    pages = [*ROOT.glob("notebooks/*.ipynb"), ROOT / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for home, name in re.findall(r"\b(\w+)\.(?=(\w+))", text):
        if f"hamodel.{home}" in files():
            found.add(_home(f"hamodel.{home}", name))
    for home, names_ in re.findall(r"from hamodel\.(\w+) import ([\w, ]+)", text):
        if f"hamodel.{home}" in files():
            found |= {_home(f"hamodel.{home}", n.strip()) for n in names_.split(",")}
    return found & set(names)


def islands() -> dict[str, int]:
    """Return {definition: lines} of what nothing that answers a question reaches."""
    names = graph()
    reached = set(_roots(names))
    for root in list(reached):
        reached |= nx.descendants(names, root)
    return {
        f"{module}.{name}": names.nodes[module, name]["lines"]
        for module, name in sorted(set(names) - reached)
        if name and name != "__all__" and "lines" in names.nodes[module, name]
    }


# ---- the way of a number -----------------------------------------------------------


def way(question: str) -> tuple[list[str], list[str]]:
    """Return the files and the functions of ours that answer, from a YAML file on."""
    import hamodel as ha

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "system.yaml"
        path.write_text(SYSTEM, encoding="utf-8")
        _answer(ha, path, question)  # once, so that imports and caches are not counted
        _forget()
        seen: set[tuple[str, str]] = set()

        def watch(frame, event, _):
            name = frame.f_code.co_filename
            if event == "call" and name.startswith(str(PACKAGE)):
                seen.add((name, frame.f_code.co_qualname))

        sys.setprofile(watch)
        try:
            _answer(ha, path, question)
        finally:
            sys.setprofile(None)
    hidden = re.compile(r"<(?:lambda|genexpr|listcomp|dictcomp|setcomp|module)>")
    functions = {f for f in seen if not hidden.search(f[1].rsplit(".", 1)[-1])}
    return (
        sorted({str(Path(f).relative_to(ROOT)) for f, _ in seen}),
        sorted(f"{Path(f).relative_to(ROOT)}: {name}" for f, name in functions),
    )


def _answer(ha, path: Path, question: str) -> object:
    spec = ha.load(path)
    found = ha.assess(spec.architecture, spec.workload)
    if question == "minutes":
        return found.write.minutes_per_year
    site = next(site for site, operation in found.latency if operation == "write")
    return found.latency[site, "write"].quantile(0.99)


def _forget() -> None:
    """Empty the caches of the package, so that the way is walked in full."""
    for module in [m for n, m in sys.modules.items() if n.startswith("hamodel")]:
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()


# ---- the table ---------------------------------------------------------------------


def any_lines() -> list[str]:
    """Return the lines that say `Any`, imports aside."""
    found = []
    for module, path in files().items():
        text = path.read_text(encoding="utf-8")
        if "Any" not in text:
            continue
        rows = text.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            row = rows[token.start[0] - 1].strip() if token.string == "Any" else ""
            if token.type == tokenize.NAME and row and "import" not in row:
                found.append(f"{module}:{token.start[0]}: {row}")
    return sorted(set(found))


def uses_of_open_names() -> int:
    """Count where a name that stands for `Any` is used."""
    nodes = (node for path in files().values() for node in ast.walk(tree(path)))
    return sum(isinstance(node, ast.Name) and node.id in OPEN for node in nodes)


def long_modules() -> list[str]:
    """Return the modules above 400 lines."""
    texts = ((m, path.read_text(encoding="utf-8")) for m, path in files().items())
    counts = ((m, len(text.splitlines())) for m, text in texts)
    return [f"{m}: {n}" for m, n in sorted(counts) if n > 400]


def sizes(root: Path) -> dict[str, dict[str, int]]:
    """Count the lines of each room of a state of the project, by what they hold."""
    count: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for base in (root / "hamodel", root / "notebooks" / "lessons"):
        for path in base.rglob("*.py"):
            module = ".".join(path.relative_to(base.parent).with_suffix("").parts)
            name = room(module.removesuffix(".__init__"))
            for kind, number in lines(path).items():
                count[name][kind] += number
    return count


def table(beside: Path | None = None) -> list[str]:
    """Return the lines of the table."""
    kinds = ("code", "docstring", "comment", "blank")
    count, other = sizes(ROOT), sizes(beside) if beside else {}
    for rooms in filter(None, (count, other)):
        parts = list(rooms.values())
        rooms["together"] = {k: sum(c[k] for c in parts) for k in kinds}
    out = [f"{'room':<16}" + "".join(f"{kind:>11}" for kind in (*kinds, "all"))]
    names = sorted((set(count) | set(other)) - {"together"})
    for name in (*names, "together"):
        cells = [count[name][kind] for kind in kinds]
        was = [sum(other[name].values()) if name in other else 0] if other else []
        cells = [*cells, sum(cells), *was]
        out.append(f"{name:<16}" + "".join(f"{n:>11,}" for n in cells))
    for folder in ("tests", "benchmarks"):
        size = sum(
            len(p.read_text(encoding="utf-8").splitlines())
            for p in (ROOT / folder).rglob("*.py")
        )
        out.append(f"{folder:<16}{'':>44}{size:>11,}")
    lost = islands()
    rows = [("public names of rooms", len(public()))]
    for question in ("minutes", "latency"):
        places, functions = way(question)
        rows.append((f"files from YAML to {question}", len(places)))
        rows.append((f"functions from YAML to {question}", len(functions)))
    rows += [
        ("circles of files", len(circles())),
        ("private imports across rooms", len(private_imports())),
        ("islands, definitions", len(lost)),
        ("islands, lines", sum(lost.values())),
        ("modules above 400 lines", len(long_modules())),
        ("lines that say Any", len(any_lines())),
        ("uses of names that stand for Any", uses_of_open_names()),
    ]
    return [*out, "", *(f"{name:<40}{number:>8,}" for name, number in rows)]


def main(arguments: list[str]) -> None:
    """Print the table, or what one of its rows counts."""
    lists = {
        "circles": lambda: [" ".join(group) for group in circles()],
        "private": private_imports,
        "islands": lambda: [f"{n:5} {name}" for name, n in islands().items()],
        "any": any_lines,
        "minutes": lambda: way("minutes")[1],
        "latency": lambda: way("latency")[1],
        "long": long_modules,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", choices=lists)
    parser.add_argument("--beside", type=Path, metavar="TREE")
    asked = parser.parse_args(arguments)
    print("\n".join(lists[asked.list]() if asked.list else table(asked.beside)))


if __name__ == "__main__":
    main(sys.argv[1:])
