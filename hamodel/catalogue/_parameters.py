"""One parameter of a preset or a scenario, and what it stands on."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hamodel import _check
from hamodel.catalogue._facts import fact
from hamodel.duration import uniform
from hamodel.failover import Lease, ProxyCheck, RaftElection
from hamodel.units import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hamodel.duration import Duration


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One value of a preset or a scenario, and what it stands on.

    Attributes
    ----------
    name : str
        Such as "failover.detection".
    value : float, str, bool, tuple or dict
        In s, or a plain number; or what is no number, such as copies by site.
    facts : tuple of str
        Identifiers of the facts it comes from; empty if it is assumed.
    derived : str
        How it is computed from them; empty if it is the fact's own value.
    says : str
        Words of the fact that hold what is not its number.
    because : str
        Why it is assumed, or what is to be known of the choice.
    law : Duration or None
        The whole distribution of a stage, where the mechanism is known; `value` is
        its mean.
    """

    name: str
    value: Any
    facts: tuple[str, ...] = ()
    derived: str = ""
    says: str = ""
    because: str = ""
    law: Duration | None = None

    @property
    def source(self) -> str:
        """What the value stands on, in words."""
        if not self.facts:
            return f"assumed: {self.because}"
        how = f": {self.derived}" if self.derived else ""
        how += f": '{self.says}'" if self.says else ""
        return "; ".join(filter(None, (", ".join(self.facts) + how, self.because)))


def parameters(entries: Mapping[str, Mapping[str, Any]]) -> Iterable[Parameter]:
    """Yield the parameters of a file, with every pointer to a fact followed."""
    for name, entry in entries.items():
        value, because = given(entry["value"]), entry.get("because", "")
        if "assumed" in entry:
            yield Parameter(name=name, value=value, because=entry["assumed"])
        elif "says" in entry:
            yield _quoting(name, value, entry, because)
        elif "fact" in entry:
            yield _pointing(name, value, "x", {"x": entry["fact"]}, because)
        elif "derived" in entry:
            found = _pointing(name, value, entry["derived"], entry["where"], because)
            yield _with_law(found, entry)
        else:
            raise ValueError(f"{name} must have a fact, or say why it is assumed")


def given(value: Any) -> Any:  # noqa: ANN401
    """Return a value of a file: numbers in base units, everything else as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): given(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return tuple(given(inner) for inner in value)
    if isinstance(value, str) and not re.match(r"[-+.]?\d", value.strip()):
        return value
    return quantity(value)


_MECHANISMS: Mapping[str, Callable[..., Duration]] = MappingProxyType(
    {
        "lease": lambda ttl, loop: Lease(ttl=ttl, loop_wait=loop, tick=0).duration,
        "checks": lambda count, each: ProxyCheck(rise=count, interval=each).duration,
        "uniform": uniform,
        "within": lambda longest: uniform(0, longest),
        "election of three": lambda low, high, beat, trip: (
            RaftElection(low=low, high=high, heartbeat=beat, one_way=trip / 2).duration
        ),
    }
)


def _with_law(parameter: Parameter, entry: Mapping[str, Any]) -> Parameter:
    """Return a parameter with the law of its mechanism; its mean must be the value."""
    if "mechanism" not in entry:
        return parameter
    ((kind, words),) = entry["mechanism"].items()
    _check.one_of(_MECHANISMS, mechanism=kind)
    numbers = _numbers(entry["where"])
    law = _MECHANISMS[kind](*(numbers[word] for word in words))
    if abs(law.mean - parameter.value) > 1e-2 * parameter.value:
        raise ValueError(
            f"{parameter.name} must be {law.mean:g} as its {kind} says,"
            f" got {parameter.value:g}"
        )
    return replace(parameter, law=law)


def _numbers(where: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers that some words point to, such as "FO-074.low"."""
    numbers = {}
    for word, pointer in where.items():
        key, _, which = pointer.partition(".")
        numbers[word] = fact(key).in_base(which or "value")
    return numbers


def _pointing(
    name: str,
    value: Any,  # noqa: ANN401
    derived: str,
    where: Mapping[str, str],
    because: str,
) -> Parameter:
    """Return a parameter after checking that its facts really give its value."""
    found = evaluated(derived, _numbers(where))
    number = sum(value.values()) if isinstance(value, Mapping) else value
    if isinstance(number, (bool, str, tuple)):
        raise ValueError(f"{name} must say which words of its fact it stands on")
    if abs(found - number) > 5e-3 * abs(found):
        raise ValueError(f"{name} must be {found:g} as its facts say, got {number:g}")
    how = "" if derived == "x" else derived
    return Parameter(
        name=name,
        value=value,
        facts=tuple(where.values()),
        derived=how,
        because=because,
    )


def _quoting(
    name: str,
    value: Any,  # noqa: ANN401
    entry: Mapping[str, Any],
    because: str,
) -> Parameter:
    """Return a parameter after checking that its fact has the words it stands on."""
    said = fact(entry["fact"]).conditions
    if entry["says"] not in said:
        raise ValueError(f"{name} must quote {said!r}, got {entry['says']!r}")
    return Parameter(
        name=name,
        value=value,
        facts=(entry["fact"],),
        says=entry["says"],
        because=because,
    )


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

    Parameters
    ----------
    formula : str
        Such as "ttl - loop_wait / 2".
    numbers : mapping of str to float
        The names.

    Returns
    -------
    float
        The value.

    Raises
    ------
    ValueError
        If there is anything else in the formula, or a name without a number.

    Examples
    --------
    >>> evaluated("ttl - loop_wait / 2", {"ttl": 30.0, "loop_wait": 10.0})
    25.0
    """

    def value(node: ast.expr) -> float:
        match node:
            case ast.BinOp(left=a, op=op, right=b) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(a), value(b))
            case ast.Name(id=word) if word in numbers:
                return numbers[word]
            case ast.Constant(value=int() | float() as number):
                return float(number)
        raise ValueError(f"formula must be of names and + - * /, got {formula!r}")

    return value(ast.parse(formula, mode="eval").body)
