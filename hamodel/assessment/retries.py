"""Retries: what clients send again, and whether that keeps the service down.

An attempt fails when it is turned away or takes longer than clients wait.  Its retry is
one more attempt, which makes all others slower.  In a situation the attempts per
request are a fixed point: a number m such that, with m times the load, so many attempts
fail that clients make m of each request.  The surprise is that there may be two: the
calm one, from which answers are taken, and one in which nearly every attempt comes too
late and its retries keep it so.  A short outage is enough to get there, and more
capacity than the load asks for is not enough to get back.

Assumptions: those of `hamodel.overload`; reads and writes that find the same servers
share one fixed point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hamodel import text
from hamodel.assessment.latency import Paths, Way
from hamodel.overload import budgeted

_ROUNDS = 200
_STILL = 1e-10
_MOST = 0.5  # of the attempts: a state in which more fail is trouble


class Attempt(NamedTuple):
    """How an attempt may fail: with nobody able to serve, turned away, too late."""

    beyond: float
    refused: float
    late: float

    @property
    def fails(self) -> float:
        """Probability that it fails."""
        return self.beyond + self.refused + self.late


def attempt(paths: Paths, way: Way) -> Attempt:
    """Return how an attempt may fail on its way."""
    beyond = float(paths.beyond(way))
    if beyond:
        return Attempt(1.0, 0.0, 0.0)
    refused = float(paths.refused(way))
    late = paths.slow(way, paths.behaviour.workload.timeout)
    return Attempt(0.0, refused, (1 - refused) * late)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The attempts of one situation: what fails is tried again.

    `weights` are the ways of reads and writes, each with its share of the requests.
    """

    paths: Paths
    weights: Mapping[Way, float]

    def asked(self, attempts: float) -> float:
        """Return the attempts per request that follow from so many."""
        w = self.paths.behaviour.workload
        fails = self.fails(attempts)
        return budgeted(min(fails, 1.0), w.retries, w.retry_budget)[0]

    def fails(self, attempts: float) -> float:
        """Return the probability that an attempt fails, over reads and writes."""
        return sum(
            share * attempt(self.paths, way.times(attempts)).fails
            for way, share in self.weights.items()
        )

    @property
    def most(self) -> float:
        """The attempts per request when all fail."""
        w = self.paths.behaviour.workload
        return budgeted(1.0, w.retries, w.retry_budget)[0]

    @property
    def calm(self) -> float:
        """The least attempts per request that keep themselves up."""
        return self._settled(1.0)

    @property
    def worst(self) -> float:
        """The most attempts per request that keep themselves up."""
        return self._settled(self.most)

    def _settled(self, attempts: float) -> float:
        """Return where repeated asking leads: what is asked rises with the attempts."""
        for _ in range(_ROUNDS):
            before, attempts = attempts, self.asked(attempts)
            if abs(attempts - before) <= _STILL * attempts:
                break
        return attempts

    def tipping_point(self, calm: float, worst: float) -> float:
        """Return the attempts per request beyond which they rise by themselves."""
        low, high = calm, worst
        while high - low > 1e-6 * high:
            middle = (low + high) / 2
            if self.asked(middle) >= middle:
                high = middle
            else:
                low = middle
        return high


@dataclass(frozen=True, kw_only=True)
class Metastability:
    """Whether retries keep a service down that could carry its requests.

    Attributes
    ----------
    calm : float
        Attempts per request when all is well.
    worst : float
        Attempts per request in the state that a push, such as an outage, may leave.
    failing : float
        Share of the attempts that fail in that state.
    budget : float
        Retries per request below which that state does not exist; `inf` if there is
        none.

    Examples
    --------
    >>> str(Metastability(calm=1.0, worst=4.0, failing=0.99, budget=0.6))
    'after a push retries keep it down, unless a budget limits them to 0.6 per request'
    """

    calm: float
    worst: float
    failing: float
    budget: float

    def __bool__(self) -> bool:
        """Tell whether there is a state in which retries make most attempts fail."""
        return self.budget < np.inf

    def __str__(self) -> str:
        if not self:
            return "retries do not keep it down"
        if self.budget <= 0:
            return "retries keep it down, whatever happens"
        return (
            "after a push retries keep it down, unless a budget limits them to "
            f"{text.number(self.budget)} per request"
        )


def metastability(balances: Iterator[Balance]) -> Metastability:
    """Return the worst of several situations."""
    return max(map(_judged, balances), key=lambda m: (bool(m), -m.budget, m.worst))


def _judged(balance: Balance) -> Metastability:
    calm = balance.calm
    worst = max(balance.worst, calm)
    failing, budget = balance.fails(worst), np.inf
    if failing > _MOST > balance.fails(1.0):  # the requests alone are no trouble
        apart = worst > calm * (1 + 1e-3)
        budget = balance.tipping_point(calm, worst) - 1 if apart else 0.0
    return Metastability(
        calm=calm, worst=worst, failing=float(failing), budget=float(budget)
    )
