"""The failover as an architecture sees it: four stages and a coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _check
from hamodel._quantity import hold

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.duration import Duration

_STAGES = ("detection", "fencing", "promotion", "redirection")


@dataclass(frozen=True, kw_only=True, eq=False)
class Failover:
    """Stages of a failover, and the probability that it works.

    Parameters
    ----------
    detection : float, array, SymPy expression or Duration
        Time in s from the failure to the decision to fail over.
    fencing : float, array, SymPy expression or Duration
        Time in s to make sure that the old primary writes no more.
    promotion : float, array, SymPy expression or Duration
        Time in s for the standby to become primary.
    redirection : float, array, SymPy expression or Duration
        Time in s until the clients reach the new primary.
    coverage : float, array or SymPy expression
        Probability that the failover works.
    manual : float, array, SymPy expression or None
        Mean time in s for a person to finish a failover that did not work, counted
        from the end of the failed attempt.  None: nobody does, and the service waits
        for a repair.

    Raises
    ------
    ValueError
        If a time is negative or infinite, or the coverage is outside [0, 1].

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
    >>> failover.stages
    {'detection': 10, 'fencing': 0, 'promotion': 15, 'redirection': 5}
    """

    detection: Quantity = 0
    fencing: Quantity = 0
    promotion: Quantity = 0
    redirection: Quantity = 0
    coverage: Quantity = 1
    manual: Quantity | None = None

    def __post_init__(self) -> None:
        hold(self, *_STAGES, "coverage", "manual")
        _check.non_negative(**self.stages)
        _check.probability(coverage=self.coverage)
        if self.manual is not None:
            _check.non_negative(manual=self.manual)

    @property
    def stages(self) -> dict[str, Quantity]:
        """Mean time of each stage in s, in their order."""
        return {name: _mean(getattr(self, name)) for name in _STAGES}

    @property
    def outage(self) -> Quantity:
        """Mean time in s from the failure until clients are served again."""
        return sum(self.stages.values())

    @property
    def duration(self) -> Duration:
        """The whole time as a distribution; plain numbers are constants."""
        from hamodel.duration import constant

        parts = [getattr(self, name) for name in _STAGES]
        total, *others = [p if _is_duration(p) else constant(float(p)) for p in parts]
        for part in others:
            total = total + part
        return total


def _mean(stage: Quantity) -> Quantity:
    return stage.mean if _is_duration(stage) else stage


def _is_duration(stage: object) -> bool:
    """Tell a distribution from a number, without loading the room that makes them."""
    return hasattr(stage, "quantile") and hasattr(stage, "sf")
