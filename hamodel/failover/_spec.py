"""The failover as an architecture sees it: four stages and a coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, fields, text
from hamodel._html import table
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.failover._client import Driver
from hamodel.failover._parts import STAGES, as_duration, as_stage, mean_of, total


class Span(NamedTuple):
    """One stage of one failover: when it begins and ends, in s after the failure."""

    stage: str
    begin: float
    end: float


@fields.specification
class Failover:
    """Stages of a failover, and the probability that it works.

    Parameters
    ----------
    detection : float, array, SymPy expression, Duration or mechanism
        Time in s from the failure to the decision to fail over; or a mechanism that
        detects, such as a `Heartbeat`, `Lease`, `Sentinel` or `Election`.
    promotion : float, array, SymPy expression, Duration or mechanism
        Time in s for the standby to become primary; or a `Promotion` or `Sentinel`.
    redirection : float, array, SymPy expression, Duration or mechanism
        Time in s until the clients reach the new primary; or a `VirtualIp`,
        `ProxyCheck`, `Dns` or `PgBouncer`.
    manual : float, array, SymPy expression, Duration or None
        Time in s for a person to finish a failover that did not work, counted from the
        end of the failed attempt.  None: nobody does, and the service waits for a
        repair.
    retry : float, array, SymPy expression, Duration or None
        Time in s from the begin of an attempt that did not work, once the failure is
        noticed, to that of the next, which works with the same probability.  None:
        there is only one.
    tries : int or None
        Attempts to promote at most after the first; then it is up to `manual`.  Clients
        of a lost site are led away without such a limit.  None: no limit.

    Attributes
    ----------
    mechanisms : mapping of str to mechanism
        The stages that were given as mechanisms, which are kept as distributions.

    Raises
    ------
    ValueError
        If a time is negative or infinite, a mechanism has no law of its stage, the
        coverage is outside [0, 1], attempts that go on until one works never do, or
        there is a time for a person, whom such attempts never need.

    Notes
    -----
    A chain sees only the mean of each stage and treats their sum as one exponential
    time.  In the long run that costs nothing: the share of time spent failing over is
    (failovers per second) x (mean outage), whatever the distribution.  It does cost
    where the distribution itself is asked for, such as the chance of recovering within
    30 s: an exponential with a mean of 30 s lasts over 90 s once in twenty times.  Ask
    `duration` for that.

    Examples
    --------
    >>> failover = Failover(detection=10, promotion=15, redirection=5, coverage=0.99)
    >>> failover.outage
    30
    >>> from hamodel.failover import Lease, ProxyCheck
    >>> patroni = Failover(
    ...     detection=Lease(ttl=30, loop_wait=10), promotion=2,
    ...     redirection=ProxyCheck(interval=1, rise=2),
    ... )
    >>> patroni.outage, round(float(patroni.within(30)), 3)
    (28.75, 0.625)
    """

    detection: Quantity = fields.time(
        "time from the failure to the decision to fail over",
        law=True,
        stage=True,
        default=0,
    )
    fencing: Quantity = fields.time(
        "time to make sure that the old primary writes no more",
        law=True,
        stage=True,
        default=0,
    )
    promotion: Quantity = fields.time(
        "time for the standby to become primary", law=True, stage=True, default=0
    )
    redirection: Quantity = fields.time(
        "time until the clients reach the new primary", law=True, stage=True, default=0
    )
    coverage: Quantity = fields.share("probability that the failover works", default=1)
    manual: Quantity | None = fields.time(
        "time of a failover by hand", law=True, default=None
    )
    retry: Quantity | None = fields.time(
        "time until the next attempt", law=True, default=None
    )
    tries: int | None = fields.whole("further attempts at most", default=None)
    mechanisms: Mapping[str, object] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        fields.check(self)
        given = {name: getattr(self, name) for name in STAGES}
        made = {k: v for k, v in given.items() if hasattr(v, "duration")}
        object.__setattr__(self, "mechanisms", made)
        for name in STAGES:
            object.__setattr__(self, name, as_stage(name, getattr(self, name)))
        if self.tries is not None and self.retry is None:
            raise ValueError(f"tries must be None without a retry, got {self.tries}")
        self.check_coverage("coverage", self.coverage)
        if self.is_endless and self.manual is not None:
            raise ValueError(
                "manual must be None unless attempts end (give tries beside retry), "
                f"got {self.manual}"
            )

    @property
    def is_endless(self) -> bool:
        """Whether attempts go on until one works, so that nobody need step in."""
        return self.retry is not None and self.tries is None

    def check_coverage(self, name: str, coverage: Quantity | None) -> None:
        """Raise unless some attempt works, where they go on until one does.

        Parameters
        ----------
        name : str
            What the message calls the coverage.
        coverage : float, array, SymPy expression or None
            Probability that an attempt works; None is not checked.

        Raises
        ------
        ValueError
            If it is 0, and there is a `retry` without `tries`.
        """
        never = coverage is not None and np.any(np.asarray(coverage) == 0)
        if self.is_endless and never:
            raise ValueError(
                f"{name} must be > 0 where attempts go on until one works (retry "
                "without tries), got 0"
            )

    @property
    def stages(self) -> Mapping[str, Quantity]:
        """Mean time of each stage in s, in their order."""
        return {name: mean_of(getattr(self, name)) for name in STAGES}

    @property
    def outage(self) -> Quantity:
        """Mean time in s from the failure until clients are served again."""
        return sum(self.stages.values())

    @property
    def by_stage(self) -> Mapping[str, Duration]:
        """Time of each stage as a distribution, in their order."""
        return {name: as_duration(name, getattr(self, name)) for name in STAGES}

    @property
    def duration(self) -> Duration:
        """The recovery time (RTO) as a distribution: the sum of the stages."""
        return total(list(self.by_stage.values()))

    @property
    def ready(self) -> Duration:
        """Time in s until the new primary takes writes: all stages but the last."""
        return total([d for name, d in self.by_stage.items() if name != "redirection"])

    def within(self, objective: ArrayLike) -> FloatArray:
        """Return the probability that a working failover is over in time.

        Parameters
        ----------
        objective : array_like
            Recovery time objective in s.

        Returns
        -------
        float or ndarray
            P(recovery time <= objective); times `coverage` for all failovers.
        """
        return self.duration.cdf(objective)

    def for_client(self, driver: Driver) -> Duration:
        """Return the time from the failure until a client with this driver is served.

        Parameters
        ----------
        driver : Driver
            How the client lets go of the old primary.
        """
        return driver.after(self.duration)

    def sample(self, rng: np.random.Generator) -> tuple[Span, ...]:
        """Draw one failover.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        tuple of Span
            The stages one after the other, those that take no time left out.

        Examples
        --------
        >>> Failover(detection=10, promotion=5).sample(np.random.default_rng(0))
        (Span(stage='detection', begin=0.0, end=10.0), Span(stage='promotion', ...))
        """
        spans, now = [], 0.0
        for name, stage in self.by_stage.items():
            length = float(stage.sample(1, rng)[0])
            if length > 0:
                spans.append(Span(name, now, now + length))
            now += length
        return tuple(spans)

    def _repr_html_(self) -> str:
        rows = [(name, _shown(mean)) for name, mean in self.stages.items()]
        rows += [("whole", _shown(self.outage)), ("coverage", str(self.coverage))]
        for name, label in (("retry", "next attempt"), ("manual", "by hand")):
            if getattr(self, name) is not None:
                rows.append((label, _shown(mean_of(getattr(self, name)))))
        return table(rows, header=("stage", "mean"))


def _shown(time: Quantity) -> str:
    """Write a time with its unit, an array or a symbol as it is."""
    plain = not _check.is_symbolic(time) and not getattr(time, "shape", ())
    return text.time(float(time)) if plain else str(time)
