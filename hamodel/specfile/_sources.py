"""What a value stands on: a fact, a formula of facts and settings, or an assumption."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hamodel._types import Value
from hamodel.facts import fact, look_up
from hamodel.specfile._tree import TreeNode

#: Beside `value`: what a value may carry.
CARRIED = frozenset(
    {"value", "from", "fact", "derived", "where", "says", "assumed", "because"}
)
_CLOSE = 5e-3  # how near a value must be to what its facts say


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a value comes from.

    Attributes
    ----------
    place : str
        The preset, or file and line.
    facts : tuple of str
        Identifiers of the facts that it comes from.
    derived : str
        How it is computed from them; empty if it is the fact's own value.
    says : str
        Words of the fact that hold what is not its number.
    assumed : str
        Why it is assumed; empty if it is not.
    because : str
        What is to be known of the choice.
    origin : str
        Where it was read before it stood here, such as "patroni.yml:14".
    """

    place: str
    facts: tuple[str, ...] = ()
    derived: str = ""
    says: str = ""
    assumed: str = ""
    because: str = ""
    origin: str = ""

    @property
    def is_stated(self) -> bool:
        """Whether it is said what the value stands on."""
        return bool(self.facts or self.derived or self.assumed)

    @property
    def words(self) -> str:
        """What the value stands on, without its place."""
        how = ", ".join(self.facts)
        how += f": {self.derived}" if self.derived else ""
        how += f": '{self.says}'" if self.says else ""
        said = f"assumed: {self.assumed}" if self.assumed else self.because
        return "; ".join(filter(None, (how.removeprefix(": "), said)))

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.origin or self.place, self.words)))


def is_wrapped(node: TreeNode) -> bool:
    """Tell whether a node is a value together with what it stands on."""
    keys = node.fields.keys()
    return keys <= CARRIED and bool(keys & {"value", "derived"})


def source_of(node: TreeNode, place: str) -> Source:
    """Return what a wrapped node says of its value."""
    said = {key: inner.plain() for key, inner in node.fields.items() if key != "value"}
    kinds = [key for key in ("fact", "derived", "assumed") if key in said]
    if len(kinds) > 1:
        raise ValueError(f"must have one of fact, derived, assumed; got {kinds}")
    for key in said.keys() - {"where"}:
        words = isinstance(said[key], (str, int, float)) and said[key] != ""
        if not words or isinstance(said[key], bool):
            raise ValueError(f"{key} must be words, got {said[key]!r:.60}")
    where = said.get("where", {})
    if not isinstance(where, Mapping):
        raise ValueError(f"where must name facts, got {where!r:.60}")
    pointers = [said["fact"]] if "fact" in said else list(where.values())
    return Source(
        place=place,
        facts=tuple(map(str, pointers)),
        derived=str(said.get("derived", "")),
        says=str(said.get("says", "")),
        assumed=str(said.get("assumed", "")),
        because=str(said.get("because", "")),
        origin=str(said.get("from", "")),
    )


def number_of(node: TreeNode, settings: Mapping[str, float]) -> float | None:
    """Return the number that the facts of a wrapped node give, or None."""
    if "fact" in node.fields:
        if "says" in node.fields:
            said, words = fact(node.fields["fact"].raw.strip()), node.fields["says"].raw
            if words not in said.conditions:
                raise ValueError(f"must quote {said.conditions!r}, got {words!r:.60}")
            return None
        return pointed(node.fields["fact"].raw)
    if "derived" not in node.fields:
        return None
    where = node.fields["where"].fields if "where" in node.fields else {}
    numbers = {name: pointed(inner.raw) for name, inner in where.items()}
    return evaluated(node.fields["derived"].raw, {**settings, **numbers})


def formulas(node: TreeNode) -> Iterator[str]:
    """Yield the formulas of a tree, as they are written."""
    inside = node.value if isinstance(node.value, list) else node.fields.values()
    for inner in inside:
        yield from formulas(inner)
    if "derived" in node.fields:
        yield node.fields["derived"].raw


def pointed(pointer: str) -> float:
    """Return the number that a pointer such as "FO-074.low" leads to."""
    key, _, which = pointer.strip().partition(".")
    return fact(key).in_base(which or "value")


def agreed(value: Value, number: float | None) -> Value:  # whatever a field holds
    """Return a value; raise ValueError unless it is what its facts, if any, say."""
    if number is None:
        return value
    held: Value = sum(value.values()) if isinstance(value, dict) else value
    held = getattr(held, "duration", held)  # of a mechanism
    held = getattr(held, "mean", held)
    if isinstance(held, bool) or not isinstance(held, (int, float)):
        raise ValueError("must say which words of its fact it stands on")
    if not abs(number - held) <= _CLOSE * abs(number):
        raise ValueError(f"must be {number:g} as its facts say, got {held:g}")
    return value


_OPERATORS: Mapping[type, Callable[[float, float], float]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
    }
)


def evaluated(formula: str, numbers: Mapping[str, float]) -> float:
    """Return the value of a formula of names, numbers and + - * /.

    Examples
    --------
    >>> evaluated("ttl - loop_wait / 2", {"ttl": 30.0, "loop_wait": 10.0})
    25.0
    """
    refused = ValueError(f"formula must be of names and + - * /, got {formula!r:.60}")

    def value(node: ast.expr) -> float:
        match node:
            case ast.BinOp(left=a, op=op, right=b) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(a), value(b))
            case ast.Name(id=word):
                return look_up("setting", word, numbers)
            case ast.Constant(value=int() | float() as number):
                return float(number)
        raise refused

    if len(formula) > 200:
        raise refused
    try:
        return value(ast.parse(formula.strip(), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, OverflowError, RecursionError):
        raise refused from None
