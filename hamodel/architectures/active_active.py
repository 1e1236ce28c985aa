"""Active-active: every site serves, and clients of a lost site go to another.

The surprise is that zero downtime is not on offer.  A client whose site is lost waits
until somebody notices and leads it away, so a site loss costs its share of clients
just that; and what strikes all sites at once costs everybody.

Assumptions
- Sites are alike and independent; `everywhere` is what strikes all of them.  Two sites
  with databases that fail every 2000 h for 4 h, and 30 s to lead clients away, are down
  13 times as long if 5 % of the failures have a common cause.  The shape of repairs
  does not matter: shares of time of independent sites multiply.
- Any site can take any request, and the survivors can carry the load; `assess` tells
  where they cannot.
- Clients that were led away come back, at no cost, as soon as their site serves again;
  a database that returns has caught up.
- What strikes all databases at once is counted apart from what they do by themselves.
  That leaves out a share of the downtime no larger than the share of the time in which
  some database is down.
- Replication between sites is asynchronous, so no site waits for another.
- With "home site", keys are spread evenly over the sites, and a site that leads its
  clients away has its keys moved at the same time.
- A site may itself be a replicated primary: see `region`.
- Planned work goes from site to site, whatever else has failed.  The clients of a site
  are led away before its turn, which costs them nothing as long as another site serves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, duration, fields
from hamodel._quantity import mean_of, rate_of
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._common import alone, common_cause
from hamodel.architectures._copies import AtWork
from hamodel.architectures._diagram import (
    atleast,
    boxes,
    checked,
    drawn,
    path,
    quoted,
    servers,
)
from hamodel.architectures._events import Cause
from hamodel.architectures._front import (
    Data,
    Front,
    Seen,
    absorb,
    entrance,
    everywhere,
    home,
    kept_out,
    place,
    rolling,
    struck,
)
from hamodel.architectures._pair_behaviour import PairBehaviour
from hamodel.architectures._region import HERE, Region, Regional
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import LongRun, Model, Part, Verdict
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Behaviour,
    Waits,
    Work,
    entering,
    led_away,
    mixed,
    overtaken,
    popularity,
    redirected,
    stale_reads,
    with_way,
)
from hamodel.architectures.writes import Conflicts, Loss, LostWrites, Resolution
from hamodel.conflicts import concurrency_over_keys, mean_siblings
from hamodel.duration import Duration, constant, endless
from hamodel.failover import Failover
from hamodel.replication import Replication, Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hamodel._types import Quantity
    from hamodel.structure import Structure
    from hamodel.workload import Workload


@fields.specification
class ActiveActive(LongRun):
    """Sites that all read and write.

    Attributes
    ----------
    failover : Failover
        How clients of a lost site reach another: its detection, redirection and
        coverage.
    everywhere : Node or None
        What strikes everything at once; None: nothing does.
    maintenance : Maintenance or None
        Planned work; it goes from site to site, and what serves meanwhile has one
        site less.
    replication : Replication
        How writes reach the other sites; asynchronous, its delay on top of the way
        between them, which is the workload's.
    resolution : str
        What becomes of concurrent writes: "last write wins", "vector clocks", "crdt",
        or "home site", where each key is written at one site only, and its writes
        wait when that site is lost until its keys have been given another home, which
        takes as long as leading its clients away.
    clock_skew : float or array
        How far the clock of every second site is ahead, in s.
    common_cause : float, array or SymPy expression
        Share of the failures of a database that take all databases at once (the beta of
        the beta-factor model); by default 0, which is kind to every redundant system.
    region : Region or None
        The nodes of a site, if each site is itself a replicated primary: failover
        inside, and `failover` between the sites.  None: one database a site.

    Raises
    ------
    ValueError
        If a part is not of its kind, or a name of a site occurs twice.

    Examples
    --------
    >>> from hamodel.units import DAY, HOUR, MINUTE, YEAR
    >>> shop = ActiveActive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    ...     failover=Failover(detection=10, redirection=20),
    ... )
    >>> down = shop.model().downtime()["write"]
    >>> {cause: round(share * YEAR / MINUTE, 1) for cause, share in down.items()}
    {'failing over': 2.2, 'all sites down': 2.1}
    """

    database: Node = fields.spec(Node, "one database")
    failover: Failover = fields.spec(Failover, "failover")
    sites: tuple[str, ...] = fields.names("sites", default=("DC-1", "DC-2"))
    site: Site = fields.spec(Site, "each site", default_factory=Site)
    everywhere: Node | None = fields.strike(
        Node, "what strikes everything", default=None
    )
    replication: Replication = fields.spec(
        Replication, "replication", default_factory=Replication
    )
    resolution: str = fields.word(
        "resolution of conflicts",
        *map(str, Resolution),
        default=Resolution.LAST_WRITE.value,
    )
    clock_skew: Quantity = fields.time("difference of the clocks", default=0.01)
    maintenance: Maintenance | None = fields.spec(
        Maintenance, "planned work", default=None
    )
    common_cause: Quantity = fields.share(
        "failures that strike all databases", default=0.0
    )
    region: Region | None = fields.spec(Region, "nodes of each site", default=None)

    def __post_init__(self) -> None:
        fields.check(self)
        _check.one_of(("async",), replication=self.replication.mode)
        if not self.sites:
            raise ValueError("sites must be at least 1 name, got ()")
        if self.region is not None:
            self.region.primary(self.database, self.site)

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes: sites, servers, databases and so on.

        `operation` is "read" or "write"; they differ where a region's commits wait.

        Examples
        --------
        >>> shop = ActiveActive(
        ...     database=Node(mttf=7.2e6, mttr=14400),
        ...     failover=Failover(),
        ...     everywhere=Node(mttf=3e7, mttr=3600),
        ... )
        >>> shop.diagram().single_points_of_failure()
        ('everywhere',)
        """
        checked(operation)
        ways = [
            path(*servers(self.site, name), self._databases(name, operation))
            for name in self.sites
        ]
        return drawn(self, atleast(1, ways))

    def _databases(self, site: str, operation: str) -> str:
        """Return the path to the databases of one site."""
        if self.region is None:
            return quoted(f"{site} database")
        primary = self.region.primary(self.database, self.site)
        needed = primary.nodes_needed if operation == "write" else 1
        return atleast(needed, boxes(f"{site} database", self.region.nodes))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            *shared_by_all(self),
            instant_client(self),
            *fixed(
                "Sites are alike, and any of them can take any request.",
                "Clients that were led away come back at no cost as soon as their site "
                "serves again.",
                "A database that returns has caught up.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        A part for each site; `everywhere` if given; and for "home site" the part
        `home`, which tells where the key of a write has its home.
        """
        redirect = self.failover if len(self.sites) > 1 else None
        database = alone(self.database, self.common_cause)
        front = Front(site=self.site, redirect=redirect)
        data: Data | Regional = (
            Data(site=self.site, database=database, redirect=redirect)
            if self.region is None
            else Regional(
                primary=self.region.primary(database, self.site), redirect=redirect
            )
        )
        parts = [
            place(name, front.part(f"{name} servers"), data.part(f"{name} data"))
            for name in self.sites
        ]
        return Model(
            parts=(
                *self._homes,
                *rolling(self.maintenance, None, self.sites),
                *parts,
                *everywhere(self.everywhere),
                *self._common,
            ),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb,
            verdict=self.verdict,
        )

    @property
    def _common(self) -> tuple[Part, ...]:
        nodes = 1 if self.region is None else self.region.nodes
        return common_cause(
            self.database,
            self.common_cause,
            dict.fromkeys(self.sites, nodes),
            lambda up, _site, _operation: any(up.values()),
        )

    @property
    def _homes(self) -> tuple[Part, ...]:
        if self.resolution != Resolution.HOME_SITE or len(self.sites) == 1:
            return ()
        return (home(self.sites),)

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload."""
        return _Behaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell a client of a site the cause of the outage, or who serves."""
        stale = operation == "read" and len(self.sites) > 1
        here = seen.reads and seen.own != "moved" and not seen.everywhere
        if operation == "read" and here:
            return Verdict(through=site, at=site, stale=True)  # a standby answers
        found = struck(seen, entrance(seen, site), operation)
        if not found.cause:
            found = found._replace(stale=stale)
        if seen.worked_on and len(self.sites) == 1 and not seen.everywhere:
            return Verdict(Cause.PLANNED)
        if operation == "write" and not found.cause and seen.home:
            return found._replace(cause=kept_out(seen.home_clients))
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Behaviour(AtWork):
    """An `ActiveActive` under a workload."""

    spec: ActiveActive

    @property
    def databases(self) -> int:
        region = self.spec.region
        return len(self.spec.sites) * (1 if region is None else region.nodes)

    @cached_property
    def _inside(self) -> PairBehaviour | None:
        """What a site does inside, if it is a replicated primary."""
        spec = self.spec
        if spec.region is None:
            return None
        own = self.workload.writes / len(spec.sites)
        alone = replace(self.workload, writes=own, clients=None)
        primary = spec.region.primary(spec.database, spec.site)
        return PairBehaviour(spec=primary, workload=alone)

    @property
    def rto(self) -> Duration:
        led = redirected(self.spec.failover)
        inside = self._inside
        return led if inside is None else duration.minimum(inside.rto, led)

    @property
    def outage(self) -> Duration:
        led = led_away(self.spec.failover, self.spec.database.mttr)
        inside = self._inside
        return led if inside is None else duration.minimum(inside.outage, led)

    @cached_property
    def _origins(self) -> dict[str, Quantity]:
        """Share of the writes that are made at each site."""
        sites = self.spec.sites
        if self.spec.resolution == Resolution.HOME_SITE:
            return dict.fromkeys(sites, 1 / len(sites))
        return self._clients

    @cached_property
    def _way(self) -> Replication:
        """The replication with the way between two sites in its delays."""
        return with_way(self.spec.replication, self.workload.round_trip)

    def _sent(self, share: Quantity) -> Stream:
        """Return a site's share of the writes, until another has received them."""
        way = replace(self._way, apply=None)
        return way.stream(self.workload.writes * share)

    @cached_property
    def _lags(self) -> dict[tuple[str, str], Duration]:
        """Lag of the writes of one site at another.

        What a site sends are its own writes; what it replays are those of all others.
        """
        made: dict[tuple[Quantity, Quantity], Duration] = {}
        found = {}
        for here, there in permutations(self.spec.sites, 2):
            key = self._origins[here], self._origins[there]
            if np.ndim(key[0]) or key not in made:
                made[key] = self._lag(*key)
            found[here, there] = made[key]
        return found

    def _lag(self, sent: Quantity, own: Quantity) -> Duration:
        """Lag between sites that make these shares of the writes."""
        lag = self._sent(sent).lag
        if self._way.apply is None:
            return lag
        return lag + self._way.apply.time(self.workload.writes * (1 - own))

    @property
    def _behind(self) -> NDArray[np.bool_]:
        """Where writes are made faster than they can be sent, or replayed."""
        writes, stages = self.workload.writes, (self._way.send, self._way.apply)
        rates = [
            [writes * share for share in self._origins.values()],
            [writes * (1 - share) for share in self._origins.values()],
        ]
        found = [
            overtaken(stage.utilisation(rate))
            for stage, all_rates in zip(stages, rates, strict=True)
            if stage is not None
            for rate in all_rates
        ]
        return np.asarray(np.logical_or.reduce(np.broadcast_arrays(False, *found)))

    @property
    def lag(self) -> Duration:
        if len(self.spec.sites) == 1:
            return constant(0.0)
        weights = [self._origins[here] for here, _ in self._lags]
        return mixed(weights, list(self._lags.values()))

    @property
    def rpo(self) -> Duration:
        """Age of the oldest write of a lost site that no other site has."""
        if len(self.spec.sites) == 1:
            return constant(0.0)
        behind = self._behind
        if np.all(behind):
            return self.lag
        shares = dict.fromkeys(
            self._origins.values()
        )  # sites that are alike count once
        laws = {share: self._sent(share).exposure for share in shares}
        found = [laws[share] for share in self._origins.values()]
        law = mixed([1] * len(found), found)
        return endless(law, behind) if behind.any() else law

    @property
    def lost_writes(self) -> LostWrites:
        sites = self.spec.sites
        if len(sites) == 1:
            return LostWrites()
        each = sum(self._sent(x).missing for x in self._origins.values()) / len(sites)
        if self._behind.any():
            each = np.where(self._behind, np.inf, each)[()]

        def lost(mttf: Quantity) -> Loss:
            return Loss(events=len(sites) * rate_of(mttf), writes=each, kept=True)

        node, site = mean_of(self.spec.database.mttf), self.spec.site.mttf
        if self._inside is None:
            return LostWrites(by_failure={"database": lost(node), "site": lost(site)})
        inside = {
            name: replace(loss, events=len(sites) * loss.events)
            for name, loss in self._inside.lost_writes.by_failure.items()
        }
        return LostWrites(by_failure={**inside, "site": lost(site)})

    @cached_property
    def stale(self) -> Quantity:
        """P(the last write of a key was made elsewhere, and is on its way)."""
        writes, total = self.workload.writes, 0.0
        late: dict[int, Quantity] = {}  # by the law: sites that are alike share one
        for (here, there), lag in self._lags.items():
            if id(lag) not in late:
                late[id(lag)] = 1.0
                if not self._behind.any():
                    stream = Stream(writes=writes, delay=lag)
                    late[id(lag)] = stale_reads(stream, self.workload, writes)
            total += self._clients[there] * self._origins[here] * late[id(lag)]
        return total

    @cached_property
    def conflicts(self) -> Conflicts:
        spec, count = self.spec, len(self.spec.sites)
        if count == 1 or spec.resolution == Resolution.HOME_SITE:
            return Conflicts(resolution=spec.resolution if count > 1 else "")
        return self._clashes(spec.resolution)

    def _clashes(self, resolution: str) -> Conflicts:
        """Two writes clash if neither site shows the other's: within the whole lag."""
        sites = self.spec.sites
        rates = [self.workload.writes * share for share in self._origins.values()]
        if self._behind.any():
            return self._never_told(resolution)
        lags = [
            [
                0.0 if here == there else _plain(self._lags[here, there])
                for there in sites
            ]
            for here in sites
        ]
        means = [[mean_of(lag) for lag in row] for row in lags]
        keys = popularity(self.workload)
        found = concurrency_over_keys(keys, rates, lags)
        lost: Quantity = 0.0
        siblings: Quantity = 1.0
        kept = resolution == Resolution.VECTOR_CLOCKS
        if resolution == Resolution.LAST_WRITE:
            ahead = [self.spec.clock_skew * (i % 2) for i in range(len(rates))]
            lost = self.overwritten(rates, means, ahead)
        elif kept and all(np.all(rate > 0) for rate in rates):
            siblings = mean_siblings([rate * keys.head(1) for rate in rates], means)
        return Conflicts(
            resolution=resolution,
            pairs=found.pairs,
            share=found.share,
            lost=lost,
            siblings=siblings,
        )

    def _never_told(self, resolution: str) -> Conflicts:
        """Return what becomes of writes that sites hear of ever later."""
        wins = resolution == Resolution.LAST_WRITE
        kept = resolution == Resolution.VECTOR_CLOCKS
        return Conflicts(
            resolution=resolution,
            pairs=np.inf,
            share=1.0,
            lost=self.workload.writes if wins else 0.0,
            siblings=len(self.spec.sites) if kept else 1.0,
        )

    @property
    def transfers(self) -> Quantity:
        return self.workload.writes * (len(self.spec.sites) - 1)

    def work(self, known: Seen, at: str) -> Work:
        return self.work_of(entering(self._clients, at, at, known.serving))

    @property
    def _clients(self) -> dict[str, Quantity]:
        return self.workload.shares(self.spec.sites)

    def waits(self, operation: str, at: str) -> Waits:
        """Return the way to the home of a write's key, and the wait for standbys."""
        del at
        if operation == "read":
            return NO_WAIT
        count, here = len(self.spec.sites), constant(0.0)
        if self._inside is not None:
            here = self._inside.commit[HERE]
        if self.spec.resolution != Resolution.HOME_SITE or count == 1:
            return [(1.0, here)]
        there = self.workload.between_sites + here
        return [(1 / count, here), (1 - 1 / count, there)]

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        shares = self._clients
        left = [name for name in shares if name != site]
        share = max((shares[n] + shares[site] / len(left) for n in left), default=1.0)
        return share, self.work_of(share)


def _plain(lag: Duration) -> Quantity:
    """Return a lag that is always the same as a number."""
    return lag.mean if np.all(np.asarray(lag.var) == 0) else lag
