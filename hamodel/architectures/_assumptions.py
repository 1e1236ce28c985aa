"""What an architecture assumes, and the same architecture without one assumption.

A number is as good as what it assumes.  Each assumption is said in one sentence; where
it can be given up, `flip()` returns an architecture in which it is, and the difference
of two assessments is what the assumption was worth.

The surprise is the order of their weight.  Take a pair of nodes that fail every 2000 h
and are repaired in 4 h by one crew, with failovers of 30 s and a coverage of 0.99.  The
shape of the repair times matters for second failures alone, since these wait for what
is left of a repair: they cost (1 + c^2) / 2 times as much where repairs have the
coefficient of variation c.  Constant repairs (c = 0) take 12 % off the downtime, those
of c = 2 add 36 %.  One failure in twenty that stops everything until it is repaired
makes it 4.1 times as long; a majority of three sites 9 times, two active sites 13
times: the better the copies, the more they owe to independence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hamodel import text
from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity, Value
from hamodel.architectures._specs import Node
from hamodel.duration import lognormal

#: Share of the failures of databases that have a common cause, once these are let in.
#: That is mild: 37 % of the failures of Google's storage nodes came in bursts (fact
#: FAIL-005).
COMMON = 0.05
#: How much longer clients keep a dead address, in s: a name's usual time to live.
KEPT = 60.0
#: Share of the failovers that leave two primaries behind, once that is let in.
SPLIT = 0.01
#: Coefficient of variation of repair times that are not exponential.
VARIATION = 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Assumption:
    """One thing that the numbers of an architecture assume.

    Attributes
    ----------
    text : str
        What is assumed.
    without : str
        What holds instead once it is given up; empty if it cannot be.
    flip : callable or None
        `flip()` returns the architecture without it; None if it cannot be given up.
    simulated : bool
        Whether the difference shows in `simulate` only, since a chain knows means.
    """

    text: str
    without: str = ""
    flip: Callable[[], Value] | None = None
    simulated: bool = False

    def __str__(self) -> str:
        return self.text


def fixed(*texts: str) -> tuple[Assumption, ...]:
    """Return assumptions that cannot be given up."""
    return tuple(Assumption(text=one) for one in texts)


def independence(spec: Value) -> Assumption:  # any architecture
    """Return the assumption that databases fail independently of each other."""

    def flip() -> Value:
        database = spec.database
        common = COMMON * rate_of(database.mttf)
        return replace(
            spec,
            database=replace(database, mttf=database.mttf / (1 - COMMON)),
            everywhere=_joined(spec.everywhere, common, database.mttr),
        )

    return Assumption(
        text="Databases, servers and sites fail independently of each other.",
        without=(
            f"{text.share(COMMON)} of the failures of a database strike everything."
        ),
        flip=flip,
    )


def exponential_repair(spec: Value) -> Assumption:
    """Return the assumption that repair times are exponential."""

    def flip() -> Value:
        site, database = spec.site, spec.database
        return replace(
            spec,
            database=replace(database, mttr=_lognormal(database.mttr)),
            site=replace(site, mttr=_lognormal(site.mttr)),
        )

    return Assumption(
        text="Times to failure and to repair are exponential.",
        without=(
            "Repairs of databases and sites are lognormal, of the same mean and "
            f"{VARIATION:g} times its standard deviation."
        ),
        flip=flip,
        simulated=True,
    )


def instant_client(spec: Value) -> Assumption:
    """Return the assumption that clients let go of a dead address at once."""

    def flip() -> Value:
        failover = spec.failover
        later = failover.redirection + KEPT
        return replace(spec, failover=replace(failover, redirection=later))

    return Assumption(
        text="Once redirected, every client lets go of the dead address at once.",
        without=f"Clients keep a dead address for {KEPT:g} s more.",
        flip=flip,
    )


def perfect_fencing(spec: Value) -> Assumption:
    """Return the assumption that a primary that was replaced writes no more."""

    def flip() -> Value:
        failover = spec.failover
        sound = failover.coverage * (1 - SPLIT)
        return replace(spec, failover=replace(failover, coverage=sound))

    return Assumption(
        text="A primary that has been replaced writes no more: fencing is perfect.",
        without=(
            f"{text.share(SPLIT)} of the failovers leave two primaries, and count as "
            "failovers that did not work."
        ),
        flip=flip,
    )


def shared_by_all(spec: Value) -> Iterator[Assumption]:
    """Yield the assumptions that every architecture makes."""
    yield independence(spec)
    yield exponential_repair(spec)


def _joined(outage: Node | None, rate: Quantity, mttr: Quantity) -> Node:
    """Return what strikes everything with one more cause."""
    if np.ndim(rate) == 0 and rate == 0:
        return outage or Node(mttf=rate_of(rate), mttr=mean_of(mttr))
    if outage is None:
        return Node(mttf=rate_of(rate), mttr=mean_of(mttr))
    before = rate_of(outage.mttf)
    total = before + rate
    lasts = (before * mean_of(outage.mttr) + rate * mean_of(mttr)) / total
    return Node(mttf=rate_of(total), mttr=lasts)


def _lognormal(time: Quantity) -> Quantity:
    """Return a law of the same mean that varies more; one that is given stays."""
    if hasattr(time, "sample") or np.any(np.isinf(time)):
        return time
    return lognormal(mean=time, cv=VARIATION)
