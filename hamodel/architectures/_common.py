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

import numpy as np

from hamodel import _check
from hamodel._quantity import rate_of
from hamodel._types import Quantity
from hamodel.architectures._events import Event
from hamodel.architectures._seen import COMMON
from hamodel.architectures._specs import Node
from hamodel.architectures.base import OPERATIONS, Part
from hamodel.duration import Duration, order_statistic

Struck = tuple[int, ...]  # how many databases of each site are down for a common cause


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
) -> tuple[Part, ...]:
    """Return the part that strikes all databases at once, if there is such a cause.

    `serves(up, site, operation)` tells whether those that are up serve clients who have
    entered a site.
    """
    if _none(share):
        return ()
    shock = _Shock(database, rate_of(rate_of(database.mttf) * share), held, serves)
    start = (0,) * len(held)
    return (Part(name=COMMON, start=start, events=shock.events, view=shock.view),)


@dataclass(frozen=True, eq=False)
class _Shock:
    """The rules of what strikes all databases at once."""

    database: Node
    mttf: Quantity
    held: Mapping[str, int]
    serves: Callable[[Mapping[str, int], str, str], bool]

    def events(self, struck: Struck) -> Iterator[Event]:
        left = sum(struck)
        if not left:
            yield Event("common cause", self.mttf, tuple(self.held.values()))
            return
        for site, count in enumerate(struck):
            if count:
                to = (*struck[:site], count - 1, *struck[site + 1 :])
                share = 1 if count == left else count / left
                yield Event("next repair", self._next(left), to, share)

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
        pairs = zip(self.held.items(), struck, strict=True)
        up = {site: count - down for (site, count), down in pairs}
        return frozenset(
            (operation, site)
            for operation in OPERATIONS
            for site in self.held
            if any(struck) and not self.serves(up, site, operation)
        )


def _none(share: Quantity) -> bool:
    return np.ndim(share) == 0 and not _check.is_symbolic(share) and share == 0
