"""What a field of a specification is, said once, where the field is defined.

A field's metadata tells its kind, its label, its limits and whether it may be left
open; a `specification` then reads `cores: int = whole("requests served at once",
default=8)`.  From there, and from nowhere else, come the checks of what is given
(`check`), the reader of files and the schema that editors use, the labels and units of
sweeps, what docstrings say of it, and the pages that explain where numbers come from.

The surprise is how much follows: because the kind is known, a string such as "60 d" is
as good as a number wherever a specification is made, in Python too.

Assumptions: a field holds one kind of thing; what several fields must keep together is
checked by their class.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

import numpy as np

from hamodel import _check, duration, text
from hamodel._docstring import entry, filled
from hamodel._quantity import mean_of
from hamodel._types import Value
from hamodel.units import KINDS, quantity

Spec = TypeVar("Spec")

KEY = "hamodel"  # of a field's metadata
_UNITS = {"time": "s", "mean time": "s", "rate": "1/s"}
#: How a value of a kind is written, other than as a plain number.
WRITERS: Mapping[str, Callable[..., str]] = {
    "time": text.time,
    "mean time": text.mean_time,
    "rate": text.rate,
    "share": text.share,
}


@dataclass(frozen=True, kw_only=True)
class About:
    """What a field is."""

    kind: str  # of `units.KINDS`, or flag, word, names, spec (one specification), specs
    label: str  # what it is called on an axis, in a few words
    least: float | None = None  # limits; None: there is none
    most: float | None = None
    above: bool = False  # whether `least` itself is too little
    below: bool = False  # whether `most` itself is too much
    endless: bool = False  # whether it may be infinite
    optional: bool = False  # whether it may be None, as a default of None says
    law: bool = False  # whether it may be a whole distribution of a time
    stage: bool = False  # whether a mechanism of a failover may stand for it
    by_site: bool = False  # whether it is, or may be, a mapping from names of sites
    single: bool = True  # whether it may be one number for all, not by site or a list
    several: bool = False  # whether it may be a list, one for each of something
    array: bool = False  # whether it is a list of numbers that make one
    choices: tuple[str, ...] = ()  # the words that it may be; empty: any
    made: type | None = None  # the specification that it holds
    empty: bool = False  # whether a word may be empty
    repeat: bool = False  # whether names may be the same
    idle: tuple[str, ...] = ()  # what changes nothing here within it: "node.cores"
    alone: bool = False  # whether it takes no array, as its type tells

    @property
    def unit(self) -> str:
        """Unit in which it is kept; 1 for a share or a number."""
        return _UNITS.get(self.kind, "1")

    @property
    def is_quantity(self) -> bool:
        """Whether it is a number with a unit."""
        return self.kind in KINDS

    @property
    def believed(self) -> bool:
        """Whether a belief about it is carried through all that it changes."""
        return not self.alone and self.kind != "whole"

    def write(self, value: object) -> str:
        """Return a value as a person writes it."""
        if isinstance(value, Mapping):
            return ", ".join(f"{k} {self.write(v)}" for k, v in value.items())
        if isinstance(value, tuple):
            return ", ".join(map(self.write, value))
        if value is None or isinstance(value, (bool, str)):
            return {None: "none", True: "yes", False: "no"}.get(value, str(value))  # type: ignore[arg-type]
        write = WRITERS.get(self.kind, text.number)
        if _is_law(value):
            return f"{write(float(mean_of(value)))} on average"
        return text.spread(value, write)

    def read(self, name: str, value: object) -> object:
        """Return a value as it is kept, or raise ValueError naming its field."""
        if value is None and self.optional:
            return None
        if self.is_quantity:
            return self._read_quantity(name, value)
        if self.kind in _READERS:
            return _READERS[self.kind](self, name, value)
        _check.instance(self.made or bool, **{name: value})  # a spec, or a flag
        return value

    def _read_quantity(self, name: str, value: object) -> object:
        if self.by_site and (isinstance(value, Mapping) or not self.single):
            _check.instance(Mapping, **{name: value})
            assert isinstance(value, Mapping)
            _check_sites(name, value)
            return {s: self._one(f"{name}[{s!r}]", x) for s, x in value.items()}
        if self.several and isinstance(value, (list, tuple)):
            return tuple(self._one(f"{name}[{i}]", x) for i, x in enumerate(value))
        return self._one(name, value)

    def _one(self, name: str, value: object) -> object:
        """Read a number, a list of them, or a law."""
        value = self._from_words(name, value)
        if isinstance(value, (list, tuple, np.ndarray)):
            value = np.array(value)
            value.setflags(write=False)
        if self.stage and hasattr(value, "duration"):
            return value  # a mechanism, which its owner turns into the law of a stage
        if not _is_law(value):
            self.check(name, value)
        elif not self.law:
            raise ValueError(f"{name} must be a number, got {value!r}")
        elif self.above:
            self.check(name, mean_of(value))
        return value

    def _from_words(self, name: str, value: object) -> object:
        if isinstance(value, Mapping) or not isinstance(value, (str, list, tuple)):
            return value
        try:
            if isinstance(value, str):
                return self.words(value)
            strings = any(isinstance(x, str) for x in value)
            return [self.words(x) for x in value] if strings else value
        except ValueError as refused:
            raise ValueError(f"{name} {refused}") from None

    def words(self, value: Value) -> Value:  # a number or a law
        """Return the number, or the law, that words mean."""
        if self.law and isinstance(value, str) and "(" in value:
            return duration.read(value)
        number = quantity(value, self.kind)
        return int(number) if self.kind == "whole" else number

    def check(self, name: str, value: object) -> None:
        """Raise ValueError unless a number keeps the limits."""
        low = -np.inf if self.least is None else self.least
        if self.kind == "whole":
            _check.whole(int(max(low, -1e9)), **{name: value})
            if self.most is not None:
                _check.between(low, self.most, **{name: value})
        elif self.below:
            _check.share_below_one(**{name: value})
        elif self.most is not None:
            _check.between(low, self.most, **{name: value})
        elif self.least is None:
            _check.finite(**{name: value})
        elif self.endless:
            _check.mean_time(**{name: value})
        else:
            (_check.positive if self.above else _check.non_negative)(**{name: value})


# ---- kinds of field ----------------------------------------------------------------


def _field(kind: str, label: str, **more: Value) -> Value:
    given = {k: more.pop(k) for k in ("default", "default_factory") if k in more}
    more.setdefault("optional", given.get("default", label) is None)
    return dataclasses.field(
        metadata={KEY: About(kind=kind, label=label, **more)}, **given
    )


def time(label: str, **more: Value) -> Value:
    """Describe a time of at least 0 s, and finite unless said otherwise.

    As all functions below it takes the label, further fields of `About`, and the
    default or its factory, and returns the field.
    """
    return _field("time", label, **{"least": 0.0} | more)


def span(label: str, **more: Value) -> Value:
    """Describe a time above 0 s."""
    return time(label, above=True, **more)


def mean_time(label: str, **more: Value) -> Value:
    """Describe a mean time to an event, which may never happen; a rate does as well."""
    return _field("mean time", label, least=0.0, above=True, endless=True, **more)


def rate(label: str, **more: Value) -> Value:
    """Describe a rate of at least 0/s."""
    return _field("rate", label, least=0.0, **more)


def share(label: str, **more: Value) -> Value:
    """Describe a share or a probability, in [0, 1]."""
    return _field("share", label, **{"least": 0.0, "most": 1.0} | more)


def number(label: str, **more: Value) -> Value:
    """Describe a plain number of at least 0."""
    return _field("number", label, **{"least": 0.0} | more)


def whole(label: str, least: int = 1, **more: Value) -> Value:
    """Describe a whole number, from 1 on unless said otherwise."""
    return _field("whole", label, least=least, **more)


def flag(label: str, **more: Value) -> Value:
    """Describe what is so or not so."""
    return _field("flag", label, **more)


def word(label: str, *choices: str, **more: Value) -> Value:
    """Describe a word, one of some choices if there are any."""
    return _field("word", label, choices=choices, **more)


def names(label: str, **more: Value) -> Value:
    """Describe several different names."""
    return _field("names", label, **more)


def spec(made: type, label: str, **more: Value) -> Value:
    """Describe a specification within a specification."""
    return _field("spec", label, made=made, **more)


def strike(made: type, label: str, **more: Value) -> Value:
    """Describe what strikes everything: it serves nobody, and nobody buys it."""
    return spec(made, label, optional=True, idle=("cores", "cost"), **more)


def redirects(made: type, label: str, **more: Value) -> Value:
    """Describe a failover that promotes nobody, and only leads clients elsewhere."""
    return spec(made, label, idle=("fencing", "promotion", "tries"), **more)


def specs(made: type, label: str, **more: Value) -> Value:
    """Describe several specifications of one class."""
    return _field("specs", label, made=made, **more)


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    eq_default=False,
    field_specifiers=(
        dataclasses.field,
        time,
        span,
        mean_time,
        rate,
        share,
        number,
        whole,
        flag,
        word,
        names,
        spec,
        strike,
        redirects,
        specs,
    ),
)
def specification(made: type[Spec]) -> type[Spec]:
    """Make a class a frozen dataclass whose fields are what their definitions say.

    Whatever makes one of it, its fields are read and checked first; a class that checks
    more has a `__post_init__` of its own, which begins with `check`.  The docstring
    says of a field only what its definition does not: the rest is filled in.
    """
    if not hasattr(made, "__post_init__"):
        made.__post_init__ = check  # type: ignore[attr-defined]
    return documented(dataclass(frozen=True, kw_only=True, eq=False)(made))


def documented(made: type[Spec]) -> type[Spec]:
    """Fill a dataclass' docstring with what the definitions of its fields say."""
    kinds = {field.name: field.type for field in dataclasses.fields(made)}  # type: ignore[arg-type]
    known = described(made).items()
    told = {name: entry(name, about, kinds[name]) for name, about in known}
    made.__doc__ = filled(inspect.getdoc(made) or "", told)
    return made


# ---- what is done with it ----------------------------------------------------------


_DESCRIBED: dict[type, dict[str, About]] = {}


def described(made: type) -> dict[str, About]:
    """Return what each field of a dataclass is, where the class describes it.

    Examples
    --------
    >>> from hamodel import Node
    >>> described(Node)["mttf"].label, described(Node)["mttf"].unit
    ('mean time to failure', 's')
    """
    if made not in _DESCRIBED:
        _DESCRIBED[made] = {
            f.name: dataclasses.replace(
                f.metadata[KEY], alone=f.type in {"float", "float | None"}
            )
            for f in dataclasses.fields(made)
            if f.init and KEY in f.metadata
        }
    return _DESCRIBED[made]


def required(made: type) -> list[str]:
    """Return the fields of a dataclass that have no default, in its order."""
    missing = dataclasses.MISSING
    return [
        f.name
        for f in dataclasses.fields(made)
        if f.init and f.default is missing and f.default_factory is missing
    ]


def check(spec: object) -> None:
    """Read, check and keep every field of a frozen dataclass as its definition says.

    To be called first in `__post_init__`: strings become numbers, lists read-only
    arrays or tuples; what is beyond a limit raises a ValueError that names the field,
    the limit and the value.
    """
    made = type(spec)
    for name, about in described(made).items():
        given = getattr(spec, name)
        kept = about.read(name, given)
        if about.alone:
            _check.alone(f"fields of {made.__name__}", **{name: kept})
        if kept is not given:
            object.__setattr__(spec, name, kept)
        tries = getattr(kept, "tries", None) if "tries" in about.idle else None
        if tries is not None:
            raise ValueError(
                f"{name}.tries must be None where clients are only led away, for there "
                f"it changes nothing, got {tries}"
            )


def _check_sites(name: str, value: Mapping[Value, Value]) -> None:
    if not value:
        raise ValueError(f"{name} must name at least one site, got none")
    if not all(isinstance(site, str) and site for site in value):
        raise ValueError(f"{name} must be by names of sites, got {list(value)!r}")


def _is_law(value: object) -> bool:
    return hasattr(value, "quantile")


def _read_word(about: About, name: str, value: object) -> object:
    if about.choices:
        _check.one_of(about.choices, **{name: value})
    elif not isinstance(value, str) or not (value or about.empty):
        raise ValueError(f"{name} must be a name, got {value!r}")
    return value


def _read_names(about: About, name: str, value: object) -> object:
    sort = "names" if about.repeat else "different names"
    refused = ValueError(f"{name} must be a sequence of {sort}, got {value!r}")
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise refused
    found = value if isinstance(value, tuple) else tuple(value)
    if not all(isinstance(one, str) and one for one in found):
        raise refused
    if len(set(found)) < len(found) and not about.repeat:
        raise refused
    return found


def _read_specs(about: About, name: str, value: object) -> object:
    assert about.made is not None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(
            f"{name} must be a sequence of {about.made.__name__}, got {value!r}"
        )
    found = tuple(value)
    for place, one in enumerate(found):
        _check.instance(about.made, **{f"{name}[{place}]": one})
    return found


_READERS: dict[str, Callable[[About, str, object], object]] = {
    "word": _read_word,
    "names": _read_names,
    "specs": _read_specs,
}
