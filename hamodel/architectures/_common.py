"""Failures with a common cause, in architectures whose copies fail apart otherwise.

Of the failures of a database a share (the beta of the beta-factor model) strikes all
databases at once.  These are repaired side by side, each in its own time, and what is
asked for is served again when enough are back: how long that takes on average follows
from the law of repair, as order statistics.  Which of them is back next is any.

Assumption: databases that are down for a common cause, and those that are down for
their own, are counted apart.  What that leaves out is a share of the downtime that is
no larger than the share of the time in which some database is down by itself.

Source: K. N. Fleming (1975), A reliability model for common mode failures in redundant
safety systems, General Atomic GA-A13284 (the beta factor).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from hamodel import _check
from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity
from hamodel.architectures._events import (
    Event,
    Nth,
    added,
)
from hamodel.architectures._first import (
    race,
)
from hamodel.architectures._seen import COMMON
from hamodel.architectures._specs import Node
from hamodel.architectures.base import OPERATIONS, Part
from hamodel.duration import Duration, exponential, order_statistic
from hamodel.failover import Failover

#: How many databases of each site are down for a common cause, and why the clients of
#: the site were not led away: "waiting" or "stuck"; empty if they were, or need not be.
Struck = tuple[tuple[int, str], ...]
_TINY = 1e-9  # s, or a chance: where nothing is left of it


def alone(database: Node, share: Quantity) -> Node:
    """Return a database with the failures alone that strike no other."""
    if _none(share):
        return database
    return replace(database, mttf=rate_of(rate_of(database.mttf) * (1 - share)))


def common_cause(
    database: Node,
    share: Quantity,
    held: Mapping[str, int],
    serves: Callable[[Mapping[str, int], str, str], bool],
    redirect: Failover | None = None,
) -> tuple[Part, ...]:
    """Return the part that strikes all databases at once, if there is such a cause.

    `serves(up, site, operation)` tells whether those that are up serve clients who have
    entered a site.  `redirect` is how clients are led away from a site that has none
    up, where they have to be; where its time or that of a repair is a symbol, it counts
    as short.
    """
    if _none(share):
        return ()
    mttf = rate_of(rate_of(database.mttf) * share)
    shock = _Shock(database, mttf, held, serves, redirect)
    start = ((0, ""),) * len(held)
    return (Part(name=COMMON, start=start, events=shock.events, view=shock.view),)


@dataclass(frozen=True, eq=False)
class _Shock:
    """The rules of what strikes all databases at once."""

    database: Node
    mttf: Quantity
    held: Mapping[str, int]
    serves: Callable[[Mapping[str, int], str, str], bool]
    redirect: Failover | None

    def events(self, struck: Struck) -> Iterator[Event]:
        left, held = sum(count for count, _ in struck), tuple(self.held.values())
        if not left:
            all_down = tuple((count, "") for count in held)
            yield Event("common cause", self.mttf, all_down)
            return
        for site, (count, clients) in enumerate(struck):
            if count:
                back = _at(struck, site, (count - 1, ""))
                share = 1 if count == left else count / left
                for to, chance in self._led(back, first=left == sum(held)):
                    yield Event(
                        "next repair", self._after[left - 1], to, share * chance
                    )
            yield from self._redirected(struck, site, clients)

    def _redirected(self, struck: Struck, site: int, clients: str) -> Iterator[Event]:
        """Yield how the clients of a site are led away after all."""
        count, clock = struck[site][0], f"redirection {site}"
        led, stuck = (_at(struck, site, (count, where)) for where in ("", "stuck"))
        if clients == "waiting" and self.redirect is not None:
            works = self.redirect.coverage
            yield Event(clock, self._late[1], led, works)
            yield Event(clock, self._late[1], stuck, 1 - works)
        elif clients == "stuck" and self._by_hand is not None:
            yield Event(f"led by hand {site}", self._by_hand, led)

    def _led(self, back: Struck, *, first: bool) -> list[tuple[Struck, Quantity]]:
        """Return where all clients are once the first is back, with chances."""
        ways: list[tuple[Struck, Quantity]] = [((), 1)]
        for site, held in zip(back, self.held.values(), strict=True):
            all_down = first and site[0] == held
            where = self._astray if all_down else {site[1]: 1}
            ways = [
                ((*of, (site[0], clients)), p * chance)
                for of, p in ways
                for clients, chance in where.items()
            ]
        return ways

    @cached_property
    def _astray(self) -> dict[str, Quantity]:
        """Where clients of a site that is down are when the first is back: chances."""
        if self.redirect is None:
            return {"": 1}
        late, by_hand = self._late[0], self._by_hand
        stuck = (1 - self.redirect.coverage) * (1 - late)
        if by_hand is not None:
            first = self._first
            if isinstance(first, Duration):
                stuck = stuck * first.lst(1 / np.maximum(by_hand, _TINY))
            else:
                stuck = stuck * by_hand / (by_hand + first)
        found = {"": 1 - late - stuck, "waiting": late, "stuck": stuck}
        return {where: chance for where, chance in found.items() if not _none(chance)}

    @cached_property
    def _late(self) -> tuple[Quantity, Quantity]:
        """The chance that a redirection is not over by then, and what is left in s."""
        assert self.redirect is not None
        stages = added((self.redirect.detection, self.redirect.redirection))
        mean, first = mean_of(stages), self._first
        if _none(mean) or any(map(_check.is_symbolic, (mean, first))):
            return 0, _TINY  # of symbols the formula would be endless
        late, soonest = race(first, stages)
        left = mean - soonest
        return late, np.maximum(left / np.maximum(late, _TINY), _TINY)

    @property
    def _first(self) -> Quantity:  # a number or a law
        first = self._after[-1]
        return first.of[0] if isinstance(first, Nth) else first

    @property
    def _by_hand(self) -> Quantity | None:
        """The mean time after which lost clients are led away after all."""
        redirect = self.redirect
        if redirect is None or (redirect.retry is None and redirect.manual is None):
            return None
        if redirect.retry is not None:
            return mean_of(redirect.retry) / redirect.coverage
        return mean_of(redirect.manual)

    @cached_property
    def _after(self) -> list[Quantity]:  # numbers, or laws
        """The time until one more is back, of one whose repair still runs, of two..."""
        mttr, count = self.database.mttr, sum(self.held.values())
        if not isinstance(mttr, Duration):
            return [mttr / left for left in range(1, count + 1)]
        ends = [order_statistic(mttr, k, count) for k in range(1, count + 1)]
        spans = [b.mean - a.mean for a, b in pairwise(ends)]
        between = [
            Nth((exponential(span),), law=mttr, nth=k, count=count)
            if np.all(span > 0)
            else span
            for k, span in enumerate(spans, 2)
        ]
        return [*between[::-1], Nth((ends[0],), law=mttr, nth=1, count=count)]

    def view(self, struck: Struck) -> frozenset[tuple[str, str]]:
        """Return which operations are not served to those who entered which site."""
        down = dict(zip(self.held, struck, strict=True))
        up = {site: count - down[site][0] for site, count in self.held.items()}
        return frozenset(
            (operation, site)
            for operation in OPERATIONS
            for site in self.held
            if any(count for count, _ in struck)
            and (down[site][1] or not self.serves(up, site, operation))
        )


def _at(struck: Struck, site: int, found: tuple[int, str]) -> Struck:
    return (*struck[:site], found, *struck[site + 1 :])


def _none(share: Quantity) -> bool:
    return np.ndim(share) == 0 and not _check.is_symbolic(share) and share == 0
