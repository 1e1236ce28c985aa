"""What architectures are told: nodes, tiers of servers, sites, and what strikes all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from operator import mul

import numpy as np

from hamodel import _check, fields
from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity
from hamodel.units import HOUR, MS

_NEVER = 1e-30  # of the time: 3e-23 s a year
_RARE = 1e-17  # of a share: lost in the rounding of a float


@fields.specification
class Node:
    """A node that fails and is repaired.

    Attributes
    ----------
    mttf : float, array or SymPy expression
        Mean time to failure in s; `inf` for never.
    mttr : float, array, SymPy expression or Duration
        Time to repair in s: its mean, or its whole law.  A chain takes the mean;
        `simulate` draws from the law, and from an exponential one of a mean.
    cost : float, array or SymPy expression
        What it costs, in any unit that is the same for all nodes.
    """

    mttf: Quantity = fields.mean_time("mean time to failure")
    mttr: Quantity = fields.mean_time("time to repair", law=True)
    cores: int = fields.whole("requests served at once", default=8)
    cost: Quantity = fields.number("cost", default=1.0)


@fields.specification
class Tier:
    """Servers of one kind that hold no data: load balancers, or app servers.

    Attributes
    ----------
    crews : int or None
        How many are repaired at once; None: all of them.
    waiting : int or None
        How many requests may wait in its queue; further ones are refused.  None: as
        many as come.

    Raises
    ------
    ValueError
        If `needed` exceeds `servers`, or a number is not a positive whole number.
    """

    node: Node = fields.spec(Node, "one server")
    servers: int = fields.whole("servers", default=1)
    needed: int = fields.whole("servers that it takes to serve", default=1)
    crews: int | None = fields.whole("servers repaired at once", default=None)
    waiting: int | None = fields.whole("places in the queue", 0, default=None)

    def __post_init__(self) -> None:
        fields.check(self)
        if self.needed > self.servers:
            raise ValueError(
                f"needed must be <= servers ({self.servers}), got {self.needed}"
            )

    def serves(self, failed: int) -> bool:
        """Tell whether enough servers are left."""
        return self.servers - failed >= self.needed

    def failed(self) -> tuple[Quantity, ...]:
        """Return the long-run probability of each number of failed servers, from 0 on.

        A birth-death chain: each number is as likely as the one before it, times the
        rate of one more failure over that of one repair.
        """
        return _number_failed(self, self._down_over_up)

    @property
    def _down_over_up(self) -> Quantity:
        return mean_of(self.node.mttr) * rate_of(self.node.mttf)

    @cached_property
    def counted(self) -> int:
        """How many failed servers are told apart before clients; more never fail.

        Beyond it lies less than 1e-17 of the time in which too few are left; none are
        told apart if too few are left for less than 1e-30 of the time.
        """
        worst = self._down_over_up
        if _check.is_symbolic(worst):
            return self.servers
        law = np.array(_number_failed(self, float(np.max(np.real(worst)))))
        tails = np.cumsum(law[::-1])[::-1]
        least = self.servers - self.needed + 1
        if tails[least] < _NEVER:
            return 0
        beyond = np.flatnonzero(tails[least + 1 :] <= _RARE * tails[least])
        return least + int(beyond[0]) if len(beyond) else self.servers

    def changes(self, failed: int) -> Iterator[tuple[str, Quantity, int]]:
        """Yield what can happen: its name, its time in s and the new count.

        Servers are counted, not told apart, so of several only the mean time to
        repair matters; of one server it is the whole law, if that was given.
        """
        working = self.servers - failed
        if working:
            yield "fails", self.node.mttf / working, failed + 1
        if failed:
            crews = failed if self.crews is None else min(self.crews, failed)
            mttr = self.node.mttr
            repair = mttr if self.servers == 1 else mean_of(mttr) / crews
            yield "repaired", repair, failed - 1


def _number_failed(tier: Tier, ratio: Quantity) -> tuple[Quantity, ...]:
    """Return the law of the failed servers, given mean repair over mean life."""
    ratios = []
    for count in range(tier.servers):
        crews = count + 1 if tier.crews is None else min(tier.crews, count + 1)
        ratios.append(ratio * (tier.servers - count) / crews)
    if _check.is_symbolic(ratio):
        weights = list(accumulate(ratios, mul, initial=1))
        return tuple(weight / sum(weights) for weight in weights)
    with np.errstate(divide="ignore"):
        steps = np.log(np.stack(ratios))
    logs = np.cumsum(np.concatenate([np.zeros_like(steps[:1]), steps]), axis=0)
    weight = np.exp(logs - logs.real.max(axis=0))
    return tuple((weight / weight.sum(axis=0))[:, ...])


@fields.specification
class Maintenance:
    """Planned work: how often, and how long a node is out of service for it.

    Attributes
    ----------
    every : float, array or SymPy expression
        Time in s from the end of one piece of work to the beginning of the next.
    takes : float, array or SymPy expression
        How long it takes in s, where nothing else can serve meanwhile.

    Examples
    --------
    >>> from hamodel.units import DAY, MINUTE
    >>> patches = Maintenance(every=30 * DAY, takes=20 * MINUTE)
    >>> round(patches.takes / (patches.every + patches.takes), 6)
    0.000463
    """

    every: Quantity = fields.span("time between planned work")
    takes: Quantity = fields.span("length of planned work")


@fields.specification
class Cache:
    """A cache before a site's database: it saves work and fails without harm.

    It stands at the site where requests enter, as far from the app servers as a
    database there: a hit takes the hop within the site too, and no way to another
    site; a miss has looked first, and takes no second hop.  A look takes an exponential
    time.
    """

    hit_ratio: Quantity = fields.share("share of the reads answered")
    time: Quantity = fields.time("mean time of a look", default=0.5 * MS)


@fields.specification
class Site:
    """A site: what fails as a whole, and the servers before its database.

    Attributes
    ----------
    mttf : float, array or SymPy expression
        Mean time to failure of the whole site in s; `inf` for never.
    balancers, apps : Tier or None
        Load balancers and app servers; None: they never fail.
    """

    mttf: Quantity = fields.mean_time(
        "mean time to failure of the whole site", default=float("inf")
    )
    mttr: Quantity = fields.span(
        "time until the site is back", law=True, default=4 * HOUR
    )
    balancers: Tier | None = fields.spec(
        Tier, "load balancers", idle=("node.cores", "waiting"), default=None
    )
    apps: Tier | None = fields.spec(Tier, "app servers", default=None)
    cache: Cache | None = fields.spec(Cache, "cache", default=None)
