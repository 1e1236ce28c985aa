"""Six designs made of the same nodes, and what is kept of each for lessons 13 and 14.

The surprising part is how few numbers it takes: a far write is a local one and a whole
number of round trips, and what the failures cost depends on no workload here.
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import hamodel as ha
from hamodel import text
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Majority,
    Node,
    Replica,
    SinglePrimary,
    Site,
)
from hamodel.decision import complexity
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import HOUR, MINUTE, MS, YEAR

# ---- six designs, made of the same nodes -------------------------------------------

NODE = Node(mttf=2000 * HOUR, mttr=4 * HOUR, cores=1)
PARTS: dict[str, Any] = {  # what all six share
    "database": NODE,
    "site": Site(mttf=5 * YEAR, mttr=4 * HOUR),
    "everywhere": Node(mttf=2.5 * YEAR, mttr=30 * MINUTE),
}
FAILOVER = Failover(
    detection=10, promotion=15, redirection=5, coverage=0.99, manual=30 * MINUTE
)
SITES = ("DC-1", "DC-2", "DC-3")
EACH = dict.fromkeys(SITES, 1)
FAR = tuple(Replica(site=site, reads="never") for site in SITES)
DESIGNS: dict[str, Any] = {
    "one primary": SinglePrimary(**PARTS),
    "pair": ActivePassive(failover=FAILOVER, **PARTS),
    "waiting pair": ActivePassive(
        failover=FAILOVER,
        replicas=FAR,
        replication=Replication(mode="quorum", standbys=2),
        **PARTS,
    ),
    "active-active": ActiveActive(failover=FAILOVER, **PARTS),
    "majority": Majority(failover=FAILOVER, copies=EACH, **PARTS),
    "leaderless": Leaderless(
        failover=FAILOVER, copies=EACH, read_quorum=1, write_quorum=1, **PARTS
    ),
}
ONE, PAIR, WAITING, ACTIVE, MAJORITY, LEADERLESS = DESIGNS
PATIENCE = 120  # ms: 99 in 100 writes, from the site where they take longest


@cache
def workload(trip=20, share="10 %"):
    """Return 1,000 requests a second on 10,000 keys; in ms, and one of `SHARES`."""
    writes = 10 * int(share.removesuffix(" %"))
    return ha.Workload(
        reads=1000 - writes,
        writes=writes,
        round_trip=trip * MS,
        app_time=0,
        read_time=0.4 * MS,
        write_time=0.8 * MS,
        keys=10_000,
    )


# ---- what is kept of each: requirements are judged against numbers ------------------


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The numbers of one design that the eight rows ask for."""

    minutes: float  # a year without writes
    room: float  # times today's load that is carried without one site
    stale: float  # share of the reads
    clashes: bool  # whether two writes may clash
    states: int  # to be in
    nodes: float
    local: float  # ms of the slowest hundredth of far writes, without crossings
    crossings: float  # round trips between sites in it
    recovery: float  # s, in 95 of 100 failures
    loss: float  # s, age of the oldest lost write
    lost: bool  # whether writes are, for good or until a repair
    taken: bool  # whether a failover leaves any behind
    trip: float  # ms

    @property
    def far(self):
        """Milliseconds within which 99 in 100 writes of the worst site are done."""
        return self.local + self.crossings * self.trip

    @property
    def turn(self):
        """The round trip in ms at which far writes use up the patience."""
        return (
            (PATIENCE - self.local) / self.crossings if self.crossings else float("inf")
        )


@lru_cache(maxsize=60)
def assessed(name, trip=20, share="10 %"):
    """Return what the package says of a design, and keeps of it."""
    return ha.assess(DESIGNS[name], workload(trip, share))


@cache
def slowest(name, trip, share):
    """Return the 99th percentile in ms of writes, at the site where it is worst."""
    found = assessed(name, trip, share)
    worst = 0.0
    for site in found.sites:
        law = found.latency[site, "write"]
        if float(law.sf(worst)) > 0.01 + 1e-12:  # most sites are as slow as the first
            worst = float(law.quantile(0.99))
    return worst / MS


@cache
def crossings(name):
    """Return how many round trips a far write takes: a round trip more or less."""
    return round((slowest(name, 40, "10 %") - slowest(name, 20, "10 %")) / 20, 3)


@cache
def local(name, share):
    """Return what is left of a far write if sites were next to each other, in ms."""
    return slowest(name, 20, share) - 20 * crossings(name)


@cache
def lasting(name):
    """Return what no workload here changes: minutes, recovery, states, nodes."""
    found = assessed(name)
    return {
        "minutes": float(found.write.minutes_per_year),
        "recovery": float(found.outage.quantile(0.95)),
        "states": complexity(found),
        "nodes": float(found.cost.total),
    }


@cache
def room(name, share):
    """Return the times of today's load carried without a site; no trip changes it."""
    return float(assessed(name, share=share).headroom_after_site_loss)


@cache
def kinds(name):
    """Return whether writes may clash, reads then be old, and writes be lost.

    And whether they are by failovers, not only once all nodes were lost.
    """
    found = assessed(name)
    lost = {n for n, x in found.lost_writes.by_failure.items() if x.per_year}
    clash = bool(found.conflicts.per_day)
    old = not clash and bool(found.stale_read_probability)
    return clash, old, bool(lost), bool(lost - {"all nodes lost"})


@lru_cache(maxsize=2000)
def kept(trip, share):
    """Return the numbers of every design at a round trip and a share of writes."""
    table = {}
    for name in DESIGNS:
        found = assessed(name, trip, share)
        clash, old, lost, taken = kinds(name)
        table[name] = Kept(
            **lasting(name),
            room=room(name, share),
            stale=float(found.stale_read_probability) if old else 0.0,
            clashes=clash,
            local=local(name, share),
            crossings=crossings(name),
            loss=float(found.rpo.quantile(0.99)),
            lost=lost,
            taken=taken,
            trip=trip,
        )
    return table


# ---- eight rows --------------------------------------------------------------------

ANY = "any"
RECOVERIES = {ANY: None, "1 min": 60, "20 s": 20, "5 s": 5}
LOSSES = {ANY: None, "1 s": 1, "nothing": 0}
LEVELS = {"eventual": 2, "no conflicts": 1, "strong": 0}
BUDGETS = {"1 node": 1, "2 nodes": 2, "3 nodes": 3}
SHARES = ("1 %", "10 %", "30 %", "60 %")


def laxness(k):
    """Return what readers must put up with: 0 nothing, 1 old answers, 2 conflicts."""
    return 2 if k.clashes else 1 if k.stale or k.lost else 0


@dataclass(frozen=True)
class Row:
    """A row of the classic table: what it measures, its limit, where it was shown."""

    name: str
    lesson: str
    value: Any  # of a Kept; less is better
    limit: Any  # of the requirements, in the same unit; None: there is none
    cell: Any  # how a Kept is written
    asks: Any  # how the limit is written


def data(k):
    """Write what readers of a design must put up with."""
    if k.clashes:
        return "clashes"
    if k.stale < 1e-4:
        return "rarely old" if k.stale else "strong"
    return f"{text.short(100 * k.stale)} % old"


ROWS = (
    Row(
        "criticality",
        "04",
        lambda k: k.minutes,
        lambda v: v["downtime"],
        lambda k: f"{text.short(k.minutes)} min",
        lambda v: f"{v['downtime']:,g} min a year",
    ),
    Row(
        "traffic",
        "09",
        lambda k: -k.room,
        lambda v: -v["growth"],
        lambda k: f"{k.room:.2f} times",
        lambda v: f"load times {v['growth']:g}",
    ),
    Row(
        "consistency",
        "07, 10",
        laxness,
        lambda v: LEVELS[v["consistency"]],
        data,
        lambda v: v["consistency"],
    ),
    Row(
        "complexity",
        "04",
        lambda k: k.states,
        lambda _: None,
        lambda k: f"{k.states} states",
        lambda _: "no limit",
    ),
    Row(
        "utilisation",
        "09",
        lambda k: k.nodes,
        lambda v: BUDGETS[v["budget"]],
        lambda k: f"{k.nodes:g} node{'s' * (k.nodes > 1)}",
        lambda v: v["budget"],
    ),
    Row(
        "use case",
        "08",
        lambda k: k.far,
        lambda _: PATIENCE,
        lambda k: f"{text.short(k.far)} ms",
        lambda _: f"{PATIENCE} ms to write",
    ),
    Row(
        "RTO",
        "05",
        lambda k: k.recovery,
        lambda v: RECOVERIES[v["recovery"]],
        lambda k: text.time(k.recovery, 2),
        lambda v: v["recovery"],
    ),
    Row(
        "synchronisation",
        "07",
        lambda k: k.loss or 1e-9 * (k.taken > 0),  # little is not nothing
        lambda v: LOSSES[v["loss"]],
        lambda k: (
            text.time(k.loss, 2) if k.loss else "hardly" if k.taken else "nothing"
        ),
        lambda v: f"RPO {v['loss']}",
    ),
)


@dataclass(frozen=True)
class Choice:
    """The table at one setting: who misses what, and who is chosen."""

    values: dict[str, Any]
    table: dict[str, Kept]

    @property
    def missed(self):
        return {n: [r for r in ROWS if self._misses(r, n)] for n in self.table}

    def _misses(self, row, name):
        limit = row.limit(self.values)
        return limit is not None and row.value(self.table[name]) > limit * (
            1 + 1e-9 * (limit > 0) - 1e-9 * (limit < 0)
        )

    @property
    def within(self):
        """Designs that keep every limit: the cheapest first, then that down least."""
        left = [n for n, missed in self.missed.items() if not missed]
        return sorted(left, key=lambda n: self._order(self.table[n]))

    @staticmethod
    def _order(k):
        return k.nodes, k.minutes

    @property
    def winner(self):
        return next(iter(self.within), None)

    @property
    def strictest(self):
        """The row that excludes most designs, and how many."""
        counts = {r: sum(r in m for m in self.missed.values()) for r in ROWS}
        return max(counts.items(), key=lambda pair: pair[1])

    @property
    def turn(self):
        """The next round trip in ms at which another is chosen, and who; or None."""
        ends = sorted(k.turn for k in self.table.values())
        for end in (e for e in ends if self.values["trip"] < e < 1e4):
            beyond = model(**self.values | {"trip": end + 0.1}, at=self.table)
            if beyond.winner != self.winner:
                return end, beyond.winner
        return None


def model(*, at=None, **values):
    """Return the table for requirements; `at`: numbers to go on with."""
    if at is None:
        table = kept(values["trip"], values["share"])
    else:
        table = {n: replace(k, trip=values["trip"]) for n, k in at.items()}
    return Choice(values, table)


# ---- what is asked for ---------------------------------------------------------------

SHOP: dict[str, Any] = {  # `share` is a fact, the rest are limits
    "downtime": 52.6,
    "trip": 20,
    "growth": 1,
    "budget": "3 nodes",
    "recovery": "1 min",
    "loss": "1 s",
    "consistency": "no conflicts",
    "share": "10 %",
}
BRIEFS: dict[str, Any] = {
    "Bank ledger": {
        **SHOP,
        "trip": 2,
        "growth": 1.2,
        "loss": "nothing",
        "consistency": "strong",
        "share": "30 %",
    },
    "Social feed": {
        **SHOP,
        "downtime": 525.6,
        "trip": 150,
        "growth": 3,
        "consistency": "eventual",
        "share": "1 %",
    },
    "Cart": {
        **SHOP,
        "trip": 80,
        "recovery": "20 s",
        "consistency": "eventual",
        "share": "60 %",
    },
}
