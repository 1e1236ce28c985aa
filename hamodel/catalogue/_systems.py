"""Presets of real products, each number with what it stands on."""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, fields, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hamodel import _check
from hamodel._html import table
from hamodel.architectures import ActivePassive, Node, Site, Standby
from hamodel.catalogue._facts import amount, fact, folder, look_up
from hamodel.duration import uniform
from hamodel.failover import Failover, Lease, ProxyCheck
from hamodel.units import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hamodel._types import Quantity
    from hamodel.duration import Duration

_PARTS: Mapping[str, type] = MappingProxyType(
    {"database": Node, "failover": Failover, "standby": Standby, "site": Site}
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One number of a preset and what it stands on.

    Attributes
    ----------
    name : str
        Such as "failover.detection".
    value : float
        In s, or a plain number.
    facts : tuple of str
        Identifiers of the facts it comes from; empty if it is assumed.
    derived : str
        How it is computed from them; empty if it is the fact's own value.
    because : str
        Why it is assumed, or what is to be known of the choice.
    law : Duration or None
        The whole distribution of a stage, where the mechanism is known; `value` is
        its mean.
    """

    name: str
    value: float
    facts: tuple[str, ...] = ()
    derived: str = ""
    because: str = ""
    law: Duration | None = None

    @property
    def source(self) -> str:
        """What the number stands on, in words."""
        if not self.facts:
            return f"assumed: {self.because}"
        how = f": {self.derived}" if self.derived else ""
        return "; ".join(filter(None, (", ".join(self.facts) + how, self.because)))


@dataclass(frozen=True, kw_only=True)
class System:
    """A preset: a product as it is usually run.

    Attributes
    ----------
    key : str
        Name of the file, such as "postgresql-patroni".
    title, summary : str
        What it is.
    parameters : tuple of Parameter
        Its numbers.
    """

    key: str
    title: str
    summary: str
    parameters: tuple[Parameter, ...]

    def architecture(self, **overrides: Quantity) -> ActivePassive:
        """Return the architecture of the preset.

        Where the mechanism of a stage is known, the failover has its whole law, so its
        `duration` is the recovery time that the preset's timeouts imply.

        Parameters
        ----------
        **overrides : float, array or SymPy expression
            Values in place of the preset's, named with two underscores for the dot.

        Returns
        -------
        ActivePassive
            The pair.

        Raises
        ------
        ValueError
            If an override is not a parameter of the architecture, or not possible.

        Examples
        --------
        >>> preset = system("postgresql-patroni")
        >>> usual, quick = preset.architecture(), preset.architecture(
        ...     failover__detection=5.0
        ... )
        >>> usual.failover.outage - quick.failover.outage
        20.0
        """
        values = {p.name.replace(".", "__"): _best(p) for p in self.parameters}
        known = [f"{part}__{f.name}" for part, s in _PARTS.items() for f in fields(s)]
        known += ["crews", "restore", *_PARTS]
        for name in overrides:
            _check.one_of(known, parameter=name)
        whole: dict[str, Any] = {
            n: v for n, v in (values | overrides).items() if "__" not in n
        }
        for part, specification in _PARTS.items():
            given = _inner(part, values | overrides)
            if part not in overrides:
                whole[part] = specification(**given)
            elif inner := _inner(part, overrides):
                whole[part] = replace(overrides[part], **inner)
        return ActivePassive(**whole)

    def failover(self) -> Failover:
        """Return the failover of the preset with the distributions of its stages.

        Returns
        -------
        Failover
            Where the mechanism of a stage is known, its whole law; elsewhere the mean.

        Examples
        --------
        >>> patroni = system("postgresql-patroni").failover()
        >>> patroni.duration.support
        (24.0, 36.0)
        """
        return self.architecture().failover

    def _repr_html_(self) -> str:
        rows = [(p.name, _shown(p), p.source) for p in self.parameters]
        header = ("parameter", "value", "source")
        return table(rows, header=header, caption=f"{self.title}. {self.summary}")


def _best(parameter: Parameter) -> Quantity:
    """Return the law of a stage of the failover where it is known, else the value."""
    stage = parameter.name.startswith("failover.")
    return parameter.law if stage and parameter.law is not None else parameter.value


def _inner(part: str, values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    start = f"{part}__"
    return {n.removeprefix(start): v for n, v in values.items() if n.startswith(start)}


def _shown(parameter: Parameter) -> str:
    plain = parameter.name.rpartition(".")[2] in {"coverage", "crews"}
    return f"{parameter.value:g}" if plain else text(parameter.value)


def systems() -> tuple[str, ...]:
    """Return the names of the presets.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> "redis-sentinel" in systems()
    True
    """
    return tuple(sorted(path.stem for path in (folder() / "systems").glob("*.yaml")))


def system(name: str) -> System:
    """Return a preset by its name.

    Parameters
    ----------
    name : str
        One of `systems()`.

    Returns
    -------
    System
        The preset, with every pointer followed.

    Raises
    ------
    ValueError
        If there is none of that name; or, for a file of your own making, if a number
        neither points to a fact nor says why it is assumed.

    Examples
    --------
    >>> round(system("postgresql-patroni").architecture().minutes_per_year)
    6
    """
    return _system(look_up("system", name, {key: key for key in systems()}))


@cache
def _system(key: str) -> System:
    from ruamel.yaml import YAML

    path = folder() / "systems" / f"{key}.yaml"
    content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return System(
        key=key,
        title=content["title"],
        summary=content["summary"],
        parameters=tuple(_parameters(content["parameters"])),
    )


def _parameters(entries: Mapping[str, Mapping[str, Any]]) -> Iterable[Parameter]:
    for name, entry in entries.items():
        value, because = amount(entry["value"]), entry.get("because", "")
        if "assumed" in entry:
            yield Parameter(name=name, value=value, because=entry["assumed"])
        elif "fact" in entry:
            which = {"x": entry["fact"]}
            yield _pointing(name, value, "x", which, because)
        elif "derived" in entry:
            found = _pointing(name, value, entry["derived"], entry["where"], because)
            yield _with_law(found, entry)
        else:
            raise ValueError(f"{name} must have a fact, or say why it is assumed")


_MECHANISMS: Mapping[str, Callable[..., Duration]] = MappingProxyType(
    {
        "lease": lambda ttl, loop: Lease(ttl=ttl, loop_wait=loop).duration,
        "checks": lambda count, each: ProxyCheck(rise=count, interval=each).duration,
        "uniform": uniform,
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
    if abs(law.mean - parameter.value) > 5e-3 * parameter.value:
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
    name: str, value: float, derived: str, where: Mapping[str, str], because: str
) -> Parameter:
    """Return a parameter after checking that its facts really give its value."""
    found = evaluated(derived, _numbers(where))
    if abs(found - value) > 5e-3 * abs(found):
        raise ValueError(f"{name} must be {found:g} as its facts say, got {value:g}")
    how = "" if derived == "x" else derived
    return Parameter(
        name=name,
        value=value,
        facts=tuple(where.values()),
        derived=how,
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
