"""Random times as people write them: `uniform(20 s, 30 s)`, or nested mappings."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from hamodel._types import Json, Value
from hamodel.duration import _buckets, _join, _make
from hamodel.duration._duration import Duration
from hamodel.units import alike, quantity

#: Families by name, and the kind of each of their parameters.
FAMILIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
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
_MAKERS: Mapping[str, Callable[..., Duration]] = {
    "constant": _make.constant,
    "uniform": _make.uniform,
    "exponential": _make.exponential,
    "erlang": _make.erlang,
    "gamma": _make.gamma,
    "lognormal": _make.lognormal,
    "weibull": _make.weibull,
    "pareto": _make.pareto,
}
#: What is made of other times, and of recorded ones.
JOINED = ("sum", "minimum", "maximum", "mixture", "samples", "histogram")
_DEEPEST = 20


def read(
    words: object,
    *,
    folder: Path | None = None,
    other: Callable[[str, object], Duration] | None = None,
    depth: int = 0,
) -> Duration:
    """Read a random time.

    Parameters
    ----------
    words : str, float or mapping
        A number with its unit, which is constant; a call such as "uniform(20 s, 30 s)";
        or a mapping with one word: a family with its parameters; `sum`, `minimum` or
        `maximum` with a list of times; `mixture` with a list of {share, time};
        `samples` with a list of times or the name of a CSV file of one column;
        `histogram` with the name of a CSV file of three: from, to, count; or of what
        a Prometheus exporter shows, the buckets of one metric.
    folder : Path or None
        Where these files are.
    other : callable or None
        What further words mean: from a word and what is under it to a Duration.
    depth : int
        How deep the time stands in another.

    Raises
    ------
    ValueError
        If a word is unknown (the nearest is named), or a parameter is missing or no
        quantity of its kind.

    Examples
    --------
    >>> read("uniform(20 s, 30 s)").support
    (20.0, 30.0)
    >>> read({"sum": ["10 s", {"exponential": {"mean": "5 s"}}]}).mean
    15.0
    """
    if depth > _DEEPEST:
        raise ValueError(f"must not be nested more than {_DEEPEST} deep")

    def again(inner: object) -> Duration:
        return read(inner, folder=folder, other=other, depth=depth + 1)

    if isinstance(words, str) and "(" in words:
        word, inside = _call(words)
    elif isinstance(words, Mapping):
        word, inside = _single(words)
    else:
        return _make.constant(quantity(words, "time"))
    if word in FAMILIES:
        return _family(word, inside)
    if word in _RECORDED:
        return _RECORDED[word](inside, folder)
    if word in JOINED:
        return _JOINS[word](inside, again)
    return (other or unknown)(word, inside)


def unknown(word: str, _: object = None) -> Duration:
    """Raise ValueError: a word is no law of a time; the nearest is named."""
    known = [*FAMILIES, *JOINED]
    near = difflib.get_close_matches(word, known, n=1)
    near = near or [name for name in known if len(word) > 2 and name.startswith(word)]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{word:.60} is no law of a time{hint}")


def _single(words: Mapping[object, object]) -> tuple[str, object]:
    if len(words) != 1:
        listed = ", ".join(map(str, words)) or "none"
        raise ValueError(f"must be one law of a time, got {len(words)}: {listed[:60]}")
    ((word, inside),) = words.items()
    return str(word), inside


def _call(words: str) -> tuple[str, object]:
    """Return the word of a call, and its arguments as they would stand in a file."""
    word, _, rest = words.strip().partition("(")
    word, rest = word.strip(), rest.strip()
    if not rest.endswith(")"):
        raise ValueError(f"must end with ), in quotes within {{ }}, got {words!r}")
    entries = list(_split(rest[:-1]))
    if word not in FAMILIES:
        return word, entries
    names, given = list(FAMILIES[word]), {}
    if len(entries) > len(names):
        raise ValueError(f"{word} must have {len(names)} values, got {len(entries)}")
    for place, entry in enumerate(entries):
        name, equals, value = entry.partition("=")
        named, _, rest = entry.strip().partition(" ")
        if not equals and named in names:
            raise ValueError(f"{word} got {entry.strip()!r}: write {named}={rest}")
        given[name.strip() if equals else names[place]] = value if equals else entry
    return word, given


def _split(inside: str) -> Iterable[str]:
    """Yield what stands between commas that are in no further parentheses."""
    depth, entry = 0, ""
    for letter in inside:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            yield entry
            entry = ""
        else:
            entry += letter
    if entry.strip():
        yield entry


def parameters(word: str, inside: object, kinds: Mapping[str, str]) -> dict[str, Value]:
    """Return what a word holds, each value read as its kind.

    Raises
    ------
    ValueError
        If one is unknown, missing, or no quantity of its kind.
    """
    if not isinstance(inside, Mapping):
        if len(kinds) > 1:
            raise ValueError(f"{word} must hold {', '.join(kinds)}, got {inside!r:.60}")
        inside = {next(iter(kinds)): inside}
    found: dict[str, Value] = {}
    for name, value in inside.items():
        if name not in kinds:
            known = ", ".join(kinds)
            raise ValueError(f"{word} has no {str(name)!r:.60}; it holds {known}")
        try:
            read = quantity(value, kinds[name])
        except ValueError as refused:
            raise ValueError(f"{name} {refused}") from None
        found[name] = int(read) if kinds[name] == "whole" else read
    for name in kinds:
        if name not in found:
            raise ValueError(f"{word} must hold {', '.join(kinds)}: {name} is missing")
    alike([v for name, v in inside.items() if kinds[name] not in ("number", "whole")])
    return found


def _family(word: str, inside: object) -> Duration:
    return _MAKERS[word](**parameters(word, inside, FAMILIES[word]))


def _several(word: str, inside: object) -> Sequence[object]:
    listed = isinstance(inside, Sequence) and not isinstance(inside, str)
    if not listed or not inside:
        raise ValueError(f"{word} must hold a list of times, got {inside!r:.60}")
    assert isinstance(inside, Sequence)
    return inside


def _sum(inside: object, again: Callable[[object], Duration]) -> Duration:
    first, *others = map(again, _several("sum", inside))
    for part in others:
        first = first + part
    return first


def _mixture(inside: object, again: Callable[[object], Duration]) -> Duration:
    shares, parts = [], []
    for entry in _several("mixture", inside):
        if not isinstance(entry, Mapping) or set(entry) != {"share", "time"}:
            raise ValueError(f"mixture must hold share and time, got {entry!r:.60}")
        shares.append(quantity(entry["share"], "share"))
        parts.append(again(entry["time"]))
    return _join.mixture(shares, parts)


def _samples(inside: object, folder: Path | None) -> Duration:
    if not isinstance(inside, str):
        return _make.empirical(
            [quantity(x, "time") for x in _several("samples", inside)]
        )
    return _make.empirical(list(chain(*_table("samples", inside, folder, ("time",)))))


def _histogram(inside: object, folder: Path | None) -> Duration:
    """Return the law of a histogram: within a bin any time is as likely."""
    path = (folder or Path()) / str(inside)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if _buckets.is_exposed(text):
        try:
            return _buckets.histogram(text)
        except ValueError as refused:
            raise ValueError(f"{path.name}: {refused}") from None
    kinds = ("time", "time", "number")
    bins = [row for row in _table("histogram", inside, folder, kinds) if row[2] > 0]
    counts = [count for _, _, count in bins]
    parts = [_make.uniform(low, high) for low, high, _ in bins]
    return _join.mixture([count / sum(counts) for count in counts], parts)


def _table(
    word: str, inside: object, folder: Path | None, kinds: tuple[str, ...]
) -> Iterable[tuple[float, ...]]:
    """Yield the rows of a CSV file, each value read as its kind, without a head."""
    path = (folder or Path()) / str(inside)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ValueError(f"{word} must be a CSV file, got {inside!r:.60}") from None
    head = bool(rows) and not any(letter.isdigit() for letter in "".join(rows[0]))
    if not rows[head:]:
        raise ValueError(f"{path.name}: must have at least 1 row, got 0")
    for line, row in enumerate(rows[head:], 1 + head):
        if len(row) != len(kinds):
            must = (
                f"must have {len(kinds)} columns"
                if kinds[1:]
                else "must have one column"
            )
            raise ValueError(f"{path.name}:{line}: {must}, got {len(row)}")
        try:
            yield tuple(map(quantity, row, kinds))
        except ValueError as refused:
            raise ValueError(f"{path.name}:{line}: {refused}") from None


_RECORDED: Mapping[str, Callable[[object, Path | None], Duration]] = MappingProxyType(
    {"samples": _samples, "histogram": _histogram}
)
_JOINS: Mapping[str, Callable[[Json, Callable[[object], Duration]], Duration]] = (
    MappingProxyType(
        {
            "sum": _sum,
            "minimum": lambda inside, again: _join.minimum(
                *map(again, _several("minimum", inside))
            ),
            "maximum": lambda inside, again: _join.maximum(
                *map(again, _several("maximum", inside))
            ),
            "mixture": _mixture,
        }
    )
)
