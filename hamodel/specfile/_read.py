"""From the nodes of a YAML file to specifications, all mistakes collected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hamodel import duration, uncertainty
from hamodel.catalogue._kinds import inner
from hamodel.failover import MECHANISMS
from hamodel.specfile._errors import Problem
from hamodel.specfile._fields import (
    LAWS,
    STAGES,
    is_optional,
    kind_of,
    required,
    settable,
)
from hamodel.units import quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from hamodel.duration import Duration
    from hamodel.uncertainty import Belief

#: Distributions and their parameters: a kind for each.
DISTRIBUTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "constant": {"value": "time"},
        "uniform": {"low": "time", "high": "time"},
        "exponential": {"mean": "time"},
        "erlang": {"k": "whole", "mean": "time"},
        "gamma": {"mean": "time", "cv": "number"},
        "lognormal": {"mean": "time", "cv": "number"},
        "weibull": {"scale": "time", "shape": "number"},
        "pareto": {"scale": "time", "alpha": "number"},
    }
)
#: What may be believed of a parameter; "same" stands for the field's own kind.
BELIEFS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gamma": {"events": "number", "during": "time"},
        "beta": {"successes": "number", "trials": "number"},
        "lognormal": {"mean": "same", "cv": "number"},
        "uniform": {"low": "same", "high": "same"},
        "triangular": {"low": "same", "mode": "same", "high": "same"},
        "pert": {"low": "same", "mode": "same", "high": "same"},
    }
)
_CALL = re.compile(r"\s*([a-z_ ]+)\((.*)\)\s*")


@dataclass(kw_only=True)
class Reader:
    """Reads nodes; keeps mistakes, lines and beliefs on the way."""

    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    beliefs: dict[str, Belief] = field(default_factory=dict)

    def wrong(self, node: Any, key: Any, path: str, message: str) -> None:  # noqa: ANN401
        """Note a mistake at a key of a node, or at the node."""
        line, column = place(node, key)
        self.problems.append(Problem(line, column, path, message))

    def spec(self, made: type, node: Any, path: str, base: Any = None) -> Any:  # noqa: ANN401
        """Return a specification of a mapping, on top of a base if there is one."""
        if not isinstance(node, Mapping):
            raise ValueError(f"must hold fields, got {node!r}")
        given, known = {}, settable(made)
        before = len(self.problems)
        for key in node:
            if key not in known:
                self.wrong(node, key, f"{path}{key}", unknown(key, known))
                continue
            value = self._entry(made, node, key, path, base)
            if value is not _WRONG:
                given[key] = value
        if base is None:
            self._missing(made, node, path)
        if len(self.problems) > before:
            return _WRONG
        return self._made(made, given, node, path, base)

    def _missing(self, made: type, node: Any, path: str) -> None:  # noqa: ANN401
        for name in required(made):
            if name not in node:
                said = f"is missing: a {made.__name__} needs it"
                self.wrong(node, None, f"{path}{name}", said)

    def _entry(self, made: type, node: Any, key: str, path: str, base: Any) -> Any:  # noqa: ANN401
        where = f"{path}{key}"
        self.lines[where] = place(node, key)[0]
        held = getattr(base, key, None)
        try:
            return self.value(made, key, node[key], where, held)
        except ValueError as mistake:
            self.wrong(node, key, where, str(mistake))
            return _WRONG

    def _made(self, made: type, given: Any, node: Any, path: str, base: Any) -> Any:  # noqa: ANN401
        try:
            return replace(base, **given) if base is not None else made(**given)
        except ValueError as mistake:
            said = str(mistake)
            name = re.split(r"[\s\[]", said, maxsplit=1)[0]
            where = f"{path}{name}" if name in given else path.rstrip(".")
            message = said.removeprefix(name).lstrip() if name in given else said
            self.wrong(node, name if name in given else None, where, message)
            return _WRONG

    def value(self, made: type, name: str, node: Any, path: str, held: Any) -> Any:  # noqa: ANN401
        """Return what a field holds, or raise what is wrong with it."""
        if node is None:
            if is_optional(made, name):
                return None
            raise ValueError("must have a value, got nothing")
        part = inner(made, name)
        if part is not None:
            base = held if isinstance(held, part) else None
            return self.spec(part, node, f"{path}.", base)
        kind = kind_of(made, name)
        if kind in _READ:
            return _READ[kind](node)
        return self._quantity(name, kind, node, path)

    def _quantity(self, name: str, kind: str, node: Any, path: str) -> Any:  # noqa: ANN401
        if isinstance(node, Mapping) and "belief" in node and len(node) == 1:
            return self._belief(kind, node["belief"], path)
        if name in LAWS:
            law = self._law(name, node, path)
            return quantity(node, kind) if law is None else law
        if isinstance(node, Mapping):
            return self._belief(kind, node, path)
        return quantity(node, kind)

    def _law(self, name: str, node: Any, path: str) -> Any:  # noqa: ANN401
        """Return a distribution, a mechanism or several values; None for a number."""
        if isinstance(node, Sequence) and not isinstance(node, str):
            return tuple(quantity(entry, "time") for entry in node)
        if isinstance(node, str):
            if "(" in node and ")" not in node:
                raise ValueError(f"must stand in quotes within {{ }}, got {node!r}")
            call = _CALL.fullmatch(node)
            return None if call is None else _called(call[1].strip(), call[2])
        if not isinstance(node, Mapping):
            return None
        word, inside = _single(node, "one distribution or mechanism")
        if name in STAGES and word in MECHANISMS:
            return self.spec(MECHANISMS[word], inside, f"{path}.{word}.")
        choices = [*DISTRIBUTIONS, *(MECHANISMS if name in STAGES else ())]
        if word not in DISTRIBUTIONS:
            raise ValueError(unknown(word, choices))
        return _distribution(word, inside)

    def _belief(self, kind: str, node: Any, path: str) -> float:  # noqa: ANN401
        """Keep what is believed of a parameter, and return its middle."""
        word, inside = _single(node, "one belief")
        if word not in BELIEFS:
            raise ValueError(unknown(word, list(BELIEFS)))
        kinds = {k: kind if v == "same" else v for k, v in BELIEFS[word].items()}
        make: Callable[..., Belief] = getattr(uncertainty, word)
        belief = make(**_parameters(word, inside, kinds))
        self.beliefs[path] = belief
        return float(belief.quantile(0.5))


_WRONG: Any = object()


def is_wrong(value: Any) -> bool:  # noqa: ANN401
    """Tell whether a value could not be read."""
    return value is _WRONG


def place(node: Any, key: Any = None) -> tuple[int, int]:  # noqa: ANN401
    """Return line and column, from 1, of a key of a node, or of the node."""
    marks = getattr(node, "lc", None)
    if marks is None:
        return 1, 1
    data = getattr(marks, "data", None) or {}
    if key is not None and key in data:
        return data[key][0] + 1, data[key][1] + 1
    return (marks.line or 0) + 1, (marks.col or 0) + 1


def unknown(word: object, known: Sequence[str]) -> str:
    """Return the message for a word that is none of the known ones."""
    near = difflib.get_close_matches(str(word), known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"is not known here; {hint}known are {', '.join(sorted(known))}"


def _single(node: Any, what: str) -> tuple[str, Any]:  # noqa: ANN401
    if not isinstance(node, Mapping) or len(node) != 1:
        raise ValueError(f"must be {what}, got {_plain(node)!r}")
    ((word, inside),) = node.items()
    return str(word), inside


def _plain(node: Any) -> Any:  # noqa: ANN401
    return dict(node) if isinstance(node, Mapping) else node


def _called(word: str, inside: str) -> Duration:
    """Return the distribution of a text such as uniform(20 s, 30 s)."""
    if word not in DISTRIBUTIONS:
        raise ValueError(unknown(word, list(DISTRIBUTIONS)))
    names = list(DISTRIBUTIONS[word])
    given: dict[str, str] = {}
    entries = [entry for entry in inside.split(",") if entry.strip()]
    if len(entries) > len(names):
        raise ValueError(f"{word} must have {len(names)} values, got {len(entries)}")
    for number, entry in enumerate(entries):
        name, equals, value = entry.partition("=")
        key = name.strip() if equals else names[number]
        given[key] = (value if equals else entry).strip()
    return _distribution(word, given)


def _distribution(word: str, inside: Any) -> Duration:  # noqa: ANN401
    make: Callable[..., Duration] = getattr(duration, word)
    return make(**_parameters(word, inside, DISTRIBUTIONS[word]))


def _parameters(word: str, inside: Any, kinds: Mapping[str, str]) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(inside, Mapping):
        if len(kinds) > 1:
            raise ValueError(f"{word} must hold {', '.join(kinds)}, got {inside!r}")
        inside = {next(iter(kinds)): inside}
    found: dict[str, Any] = {}
    for name, value in inside.items():
        if name not in kinds:
            raise ValueError(f"{name} {unknown(name, list(kinds))}")
        try:
            number = quantity(value, kinds[name])
        except ValueError as mistake:
            raise ValueError(f"{name} {mistake}") from None
        found[name] = int(number) if kinds[name] == "whole" else number
    for name in kinds:
        if name not in found:
            raise ValueError(f"{word} must hold {', '.join(kinds)}: {name} is missing")
    return found


def _word(node: Any) -> str:  # noqa: ANN401
    if isinstance(node, (Mapping, list, bool)):
        raise ValueError(f"must be a word, got {_plain(node)!r}")
    return str(node)


def _flag(node: Any) -> bool:  # noqa: ANN401
    if not isinstance(node, bool):
        raise ValueError(f"must be true or false, got {_plain(node)!r}")
    return node


def _names(node: Any) -> tuple[str, ...]:  # noqa: ANN401
    if isinstance(node, str) or not isinstance(node, Sequence):
        raise ValueError(f"must be a list of names, got {_plain(node)!r}")
    return tuple(str(name) for name in node)


def _shares(node: Any) -> list[float]:  # noqa: ANN401
    if isinstance(node, str) or not isinstance(node, Sequence):
        raise ValueError(f"must be a list of shares, got {_plain(node)!r}")
    return [quantity(entry, "share") for entry in node]


def _whole(node: Any) -> int:  # noqa: ANN401
    return int(quantity(node, "whole"))


def _by_name(kind: str) -> Callable[[Any], dict[str, Any]]:
    def read(node: Any) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(node, Mapping):
            raise ValueError(f"must name sites, got {node!r}")
        number = _whole if kind == "whole" else None
        return {
            str(k): number(v) if number else quantity(v, kind) for k, v in node.items()
        }

    return read


def _times(node: Any) -> Any:  # noqa: ANN401
    return (
        _by_name("time")(node) if isinstance(node, Mapping) else quantity(node, "time")
    )


_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "word": _word,
        "flag": _flag,
        "names": _names,
        "whole": _whole,
        "counts": _by_name("whole"),
        "shares": _by_name("share"),
        "list": _shares,
        "times": _times,
    }
)
