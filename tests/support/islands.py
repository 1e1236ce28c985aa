"""Public names of the tools that no model, assessment, command or lesson reaches.

Definitions are nodes, and a definition that mentions a name reaches every definition of
that name: too lenient rather than too strict.  The roots are the upper rooms, the
README and the notebooks with their lessons; tests and benchmarks reach nothing.
"""

import ast
import json
import re
from dataclasses import dataclass

#: Rooms whose names must be reached from above; all other code is a root.
TOOLS = (
    "chain",
    "conflicts",
    "duration",
    "markov",
    "overload",
    "queueing",
    "quorum",
    "replication",
    "structure",
)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.) (.*)$", re.MULTILINE)
_FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Definition:
    """A function, method, class or constant, and the names that it mentions."""

    name: str
    owner: str  # the class of a method
    file: str
    uses: frozenset[str]

    @property
    def label(self):
        room = self.file.split("/")[1]
        return ".".join(part for part in (room, self.owner, self.name) if part)


def mentioned(node):
    """Return the names in a piece of code; a string that is a name counts."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found |= {part.value} if part.value.isidentifier() else set()
    return found


def _named(statement):
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    goals = getattr(statement, "targets", [getattr(statement, "target", None)])
    return [goal.id for goal in goals if isinstance(goal, ast.Name)]


def _definitions(statement, file):
    for name in _named(statement):
        uses = mentioned(statement) - {name}
        if isinstance(statement, ast.ClassDef):
            methods = [
                part
                for part in statement.body
                if isinstance(part, ast.FunctionDef) and part.name[:2] != "__"
            ]
            rest = [part for part in statement.body if part not in methods]
            uses = set().union(*map(mentioned, [*rest, *statement.decorator_list]))
            uses = uses.union(*map(mentioned, statement.bases))
            for method in methods:
                inner = frozenset(mentioned(method) - {method.name})
                yield Definition(method.name, name, file, inner)
        yield Definition(name, "", file, frozenset(uses))


def _imported(statement):
    """Tell whether a statement only hands names on: an import, or a list of names."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    return any(
        name in ("__all__", "__getattr__", "_HOMES", "_ROOMS")
        for name in _named(statement)
    )


def unreached(root):
    """Return the labels of the public names that no road reaches, sorted."""
    roots, definitions = set(), []
    for path in sorted((root / "hamodel").rglob("*.py")):
        file = path.relative_to(root).as_posix()
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if _imported(statement):
                continue
            found = list(_definitions(statement, file))
            if file.split("/")[1] in TOOLS and found:
                definitions += found
            else:
                roots |= mentioned(statement)
    reached = _closure(roots | _outside(root), definitions)
    return sorted(
        {
            d.label
            for d in definitions
            if d not in reached and not d.name.startswith("_")
        }
    )


def _closure(names, definitions):
    reached, grown = set(), True
    while grown:
        alive = {(d.file, d.name) for d in reached if not d.owner}
        fresh = {
            d
            for d in definitions
            if d not in reached
            and d.name in names
            and (not d.owner or (d.file, d.owner) in alive)
        }
        reached |= fresh
        names = names.union(*(d.uses for d in fresh))
        grown = bool(fresh)
    return reached


def _outside(root):
    """Return the names in the notebooks, in their lessons and in README's code."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    code = _PROMPT.findall(readme) + _FENCE.findall(readme)
    names = set(re.findall(r"[A-Za-z_]\w*", "\n".join(code)))
    for path in (root / "notebooks").rglob("*.py"):
        names |= mentioned(ast.parse(path.read_text(encoding="utf-8")))
    for path in (root / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                names |= mentioned(ast.parse("".join(cell["source"])))
    return names
