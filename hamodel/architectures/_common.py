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

import numpy as np

from hamodel import _check
from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity
from hamodel.architectures._events import Event
from hamodel.architectures._seen import COMMON
from hamodel.architectures._specs import Node
from hamodel.architectures.base import OPERATIONS, Part
from hamodel.duration import Duration, order_statistic
from hamodel.failover import Failover

#: How many databases of each site are down for a common cause; below 0: so many, and
#: the clients of the site were not led away.
Struck = tuple[int, ...]


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
    up, where they have to be: what that takes is short against a repair, but where it
    does not work they wait for a hand, or for their own site.
    """
    if _none(share):
        return ()
    mttf = rate_of(rate_of(database.mttf) * share)
    shock = _Shock(database, mttf, held, serves, redirect)
    start = (0,) * len(held)
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
        left, held = sum(map(abs, struck)), tuple(self.held.values())
        if not left:
            yield Event("common cause", self.mttf, held)
            return
        for site, count in enumerate(struck):
            if count:
                back = (*struck[:site], abs(count) - 1, *struck[site + 1 :])
                share = 1 if abs(count) == left else abs(count) / left
                for to, chance in self._led(back, first=left == sum(held)):
                    yield Event("next repair", self._next(left), to, share * chance)
            if count < 0 and (by_hand := self._by_hand) is not None:
                to = (*struck[:site], -count, *struck[site + 1 :])
                yield Event(f"led by hand {site}", by_hand, to)

    def _led(self, back: Struck, *, first: bool) -> list[tuple[Struck, Quantity]]:
        """Return whose clients are led away once the first is back, with chances."""
        ways: list[tuple[Struck, Quantity]] = [((), 1)]
        for count, held in zip(back, self.held.values(), strict=True):
            astray = self._astray if first and count == held else 0
            ways = [((*of, count), p * (1 - astray)) for of, p in ways] + (
                [] if _none(astray) else [((*of, -count), p * astray) for of, p in ways]
            )
        return ways

    @cached_property
    def _astray(self) -> Quantity:
        """The chance that clients still wait for a hand when the first is back."""
        if self.redirect is None:
            return 0
        astray, by_hand = 1 - self.redirect.coverage, self._by_hand
        if _none(astray) or by_hand is None:
            return astray
        first = self._next(sum(self.held.values()))
        if isinstance(first, Duration):
            return astray * first.lst(1 / np.maximum(by_hand, 1e-9))
        return astray * by_hand / (by_hand + first)

    @property
    def _by_hand(self) -> Quantity | None:
        """The mean time after which lost clients are led away after all."""
        redirect = self.redirect
        if redirect is None or (redirect.retry is None and redirect.manual is None):
            return None
        if redirect.retry is not None:
            return mean_of(redirect.retry) / redirect.coverage
        return mean_of(redirect.manual)

    def _next(self, left: int) -> Quantity:  # a number or a law
        """Return the time until one more is back, of so many whose repairs still run.

        Of the first it is the law, of others the mean.
        """
        mttr, count = self.database.mttr, sum(self.held.values())
        if not isinstance(mttr, Duration):
            return mttr / left
        first = order_statistic(mttr, count - left + 1, count)
        if left == count:
            return first
        return first.mean - order_statistic(mttr, count - left, count).mean

    def view(self, struck: Struck) -> frozenset[tuple[str, str]]:
        """Return which operations are not served to those who entered which site."""
        down = dict(zip(self.held, struck, strict=True))
        up = {site: count - abs(down[site]) for site, count in self.held.items()}
        return frozenset(
            (operation, site)
            for operation in OPERATIONS
            for site in self.held
            if any(struck) and (down[site] < 0 or not self.serves(up, site, operation))
        )


def _none(share: Quantity) -> bool:
    return np.ndim(share) == 0 and not _check.is_symbolic(share) and share == 0
