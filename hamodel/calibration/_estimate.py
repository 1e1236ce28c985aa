"""What a calibration finds: parameters with intervals, and how to put them in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from hamodel import _check, text
from hamodel._fields import full_path, paths, replaced
from hamodel._html import table
from hamodel._types import FloatArray, Value
from hamodel.architectures import Node
from hamodel.calibration._fit import Fit
from hamodel.failover import Failover
from hamodel.replication import WriteStage

Spec = TypeVar("Spec")
UNITS = ("s", "1")
_STAGES = ("detection", "fencing", "promotion", "redirection")
_SERVICE = "replication.apply.service"
#: Fields that take a whole distribution, where only its mean would lose something.
_WITH_LAW = (*(f"failover.{stage}" for stage in _STAGES), "round_trip", "hop")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A parameter with its interval.

    Attributes
    ----------
    value, low, high : float
        The number and the ends of its interval; `high` may be `inf`.
    n : float
        How many observations it stands on.
    unit : {"s", "1"}
        Seconds, or a plain number.
    how : str
        What it was computed from, in words.
    level : float
        Confidence of the interval.
    evidence : mapping of str to float
        Plain numbers from which its uncertainty can be drawn: `events` and `exposure`
        in s for a mean time between events; `successes` and `trials` for a
        probability; for other times the `mean` in s and the `cv` of the parameter
        itself, which is not known for certain.
    """

    value: float
    low: float
    high: float
    n: float
    unit: str
    how: str
    level: float = 0.95
    evidence: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check.one_of(UNITS, unit=self.unit)
        _check.mean_time(**{"high - low + 1": self.high - self.low + 1})
        object.__setattr__(self, "evidence", MappingProxyType(dict(self.evidence)))

    @property
    def text(self) -> str:
        """The number and its interval in words."""
        return f"{self._word(self.value)} ({self.interval})"

    @property
    def interval(self) -> str:
        """The interval in words."""
        if self.high == float("inf"):
            return f"at least {self._word(self.low)}"
        return f"{self._word(self.low)} to {self._word(self.high)}"

    def _word(self, number: float) -> str:
        return text.time(number) if self.unit == "s" else text.number(number, 4)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Calibration:
    """Parameters that were read from observations.

    Attributes
    ----------
    parameters : mapping of str to Estimate
        By path, such as "database.mttf".
    fits : mapping of str to Fit
        The laws behind them, by path.
    warnings : sequence of str
        Where the data are too few, or a law fits badly, and what that takes.
    """

    parameters: Mapping[str, Estimate] = field(default_factory=dict)
    fits: Mapping[str, Fit] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("parameters", "fits"):
            frozen = MappingProxyType(dict(getattr(self, name)))
            object.__setattr__(self, name, frozen)
        object.__setattr__(self, "warnings", tuple(self.warnings))

    def __getitem__(self, path: str) -> Estimate:
        _check.one_of(self.parameters, path=path)
        return self.parameters[path]

    def apply(self, spec: Spec) -> Spec:
        """Return an architecture, or a workload, with the estimates put in.

        Parameters
        ----------
        spec : dataclass
            Such as `ActivePassive`.

        Returns
        -------
        dataclass
            The same with other numbers.  A stage of the failover, and a round trip,
            become the whole fitted law.  What the spec has no field for is left out;
            see `unused`.

        Raises
        ------
        ValueError
            If no estimate has a field, or one is beyond the field's limits.

        Notes
        -----
        `failover.outage` is the time of a whole failover, which does not tell its
        stages apart: all of it becomes `detection`, and the other stages become 0.
        `everywhere` and the stage `replication.apply` are made if there is none.

        Examples
        --------
        >>> import hamodel as ha
        >>> from hamodel.units import DAY, HOUR
        >>> node = ha.Node(mttf=2000 * HOUR, mttr=4 * HOUR)
        >>> pair = ha.ActivePassive(database=node, failover=ha.Failover(promotion=30))
        >>> drills = ha.calibration.drills([41, 38, 55, 47, 61])
        >>> round(drills.apply(pair).failover.coverage, 3)
        0.871
        """
        values = self._values(spec)
        if not values:
            listed = ", ".join(self.parameters)
            kind = type(spec).__name__
            raise ValueError(f"{kind} must have a field for one of {listed}, got none")
        return replaced(spec, values)

    def unused(self, spec: object) -> tuple[str, ...]:
        """Return the parameters that a spec has no field for."""
        used = self._used(spec)
        return tuple(path for path in self.parameters if path not in used)

    def _used(self, spec: object) -> frozenset[str]:
        known = dict(paths(spec))
        used = {path for path in self.parameters if _has(spec, path)}
        if isinstance(known.get("failover"), Failover):
            used |= {"failover.outage"} & set(self.parameters)
        if "apply" in dict(_fields_of(known.get("replication"))):
            used |= {_SERVICE} & set(self.parameters)
        if "everywhere" in known and "everywhere.mttr" in self.parameters:
            used |= {"everywhere.mttf", "everywhere.mttr"} & set(self.parameters)
        return frozenset(used)

    def _values(self, spec: object) -> dict[str, Value]:
        used = self._used(spec)
        values: dict[str, Value] = {}
        if {"everywhere.mttf", "everywhere.mttr"} <= used:
            values["everywhere"] = Node(
                mttf=self["everywhere.mttf"].value, mttr=self["everywhere.mttr"].value
            )
        if _SERVICE in used and not _has(spec, _SERVICE):
            values["replication.apply"] = WriteStage(service=self[_SERVICE].value)
        if "failover.outage" in used:
            values |= dict.fromkeys((f"failover.{stage}" for stage in _STAGES), 0.0)
            values["failover.detection"] = self.fits["failover.outage"].law
        for path in self.parameters:
            if path not in used or path == "failover.outage":
                continue
            if path.rpartition(".")[0] in values:  # made just now
                continue
            lawful = path in _WITH_LAW and path in self.fits
            values[path] = self.fits[path].law if lawful else self[path].value
        return values

    def draws(self, path: str, count: int, rng: np.random.Generator) -> FloatArray:
        """Return values that a parameter may have, given what was seen.

        Parameters
        ----------
        path : str
            Which parameter.
        count : int
            How many values.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (count,)
            From Jeffreys' posterior for counts; else lognormal, with the ends of the
            interval as its percentiles.

        Raises
        ------
        ValueError
            If there is no such parameter.

        Notes
        -----
        Source: Gelman and others (2013), Bayesian Data Analysis, section 2.8.
        """
        _check.whole(1, count=count)
        _check.instance(np.random.Generator, rng=rng)
        seen = self[path].evidence
        if "events" in seen:
            rate = rng.gamma(seen["events"] + 0.5, 1 / seen["exposure"], count)
            return 1 / rate
        if "trials" in seen:
            misses = seen["trials"] - seen["successes"]
            return rng.beta(seen["successes"] + 0.5, misses + 0.5, count)
        spread = np.sqrt(np.log1p(seen["cv"] ** 2))
        drawn = rng.lognormal(-spread * spread / 2, spread, count)
        return np.asarray(seen["mean"] * drawn)

    def __repr__(self) -> str:
        lines = [f"{path}: {e.text}; {e.how}" for path, e in self.parameters.items()]
        lines += [fit.text for fit in self.fits.values()]
        lines += [f"warning: {said}" for said in self.warnings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (path, e._word(e.value), e.interval, e.how)
            for path, e in self.parameters.items()
        ]
        parts = [table(rows, header=("parameter", "value", "interval", "from"))]
        fits = [
            (path, f.family, text.number(f.cv, 2), f.verdict)
            for path, f in self.fits.items()
        ]
        if fits:
            parts.append(table(fits, header=("law of", "is", "cv", "fit")))
        if self.warnings:
            parts.append(
                table([(said,) for said in self.warnings], header=("warning",))
            )
        return "".join(parts)


def joined(parts: Iterable[Calibration]) -> Calibration:
    """Return several calibrations as one; of one parameter the last counts."""
    parameters: dict[str, Estimate] = {}
    fits: dict[str, Fit] = {}
    warnings: list[str] = []
    for part in parts:
        parameters |= part.parameters
        fits |= part.fits
        warnings += [said for said in part.warnings if said not in warnings]
    return Calibration(parameters=parameters, fits=fits, warnings=warnings)


def _fields_of(spec: object) -> Iterator[tuple[str, Value]]:
    return paths(spec) if is_dataclass(spec) else iter(())


def _has(spec: object, path: str) -> bool:
    try:
        return full_path(spec, path) is not None
    except ValueError:
        return False
