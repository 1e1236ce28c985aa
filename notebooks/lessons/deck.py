"""A design of one's own, and the deck of incident cards that it is played against.

What a card costs is nowhere written here: it says what fails, and the design's own
events do the rest.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import hamodel as ha
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Dependency,
    Majority,
    Node,
    Site,
    Tier,
)
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE, MS, YEAR

# ---- a design of one's own ---------------------------------------------------------

KINDS = ("pair", "active-active", "majority")
BUDGET = 14  # nodes


@dataclass(frozen=True, kw_only=True)
class Design:
    """What you may choose; `architecture()` is what becomes of it.

    A pair hangs on a lease store: without it the primary steps down, unless it is
    `fail_safe` and goes on, with no failover.
    """

    kind: str = "pair"
    apps: int = 3  # at each site
    balancers: int = 2
    coverage: float = 0.99  # failovers that work
    on_call: float = 30  # minutes until a person acts at night
    rollback: float = 30  # minutes until a change is taken back everywhere
    fail_safe: bool = False
    fenced: float = 0.0  # hand failovers after which the old primary writes no more

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind}")
        for name in ("on_call", "rollback"):
            if not 0 < getattr(self, name) < float("inf"):
                given = getattr(self, name)
                raise ValueError(f"{name} must be above 0 minutes, got {given}")

    @lru_cache(maxsize=64)  # noqa: B019  a design is a value, and there are few
    def architecture(self, on_call=None):
        """Return the architecture; `on_call`: minutes, if a person is up already."""
        person = (self.on_call if on_call is None else on_call) * MINUTE
        server = Node(mttf=1000 * HOUR, mttr=HOUR, cores=1)
        parts: dict[str, Any] = {
            "database": Node(mttf=2000 * HOUR, mttr=4 * HOUR, cores=1),
            "site": Site(
                mttf=5 * YEAR,
                mttr=4 * HOUR,
                balancers=Tier(node=server, servers=self.balancers),
                apps=Tier(node=server, servers=self.apps),
            ),
            "everywhere": Node(mttf=2.5 * YEAR, mttr=self.rollback * MINUTE),
            "failover": Failover(
                detection=10,
                promotion=15,
                redirection=5,
                coverage=self.coverage,
                manual=person,
            ),
        }
        if self.kind == "majority":
            return Majority(**parts)
        if self.kind == "active-active":
            return ActiveActive(**parts)
        store = Dependency(
            name="lease store",
            mttf=YEAR,
            mttr=HOUR,
            effect="no failover" if self.fail_safe else "stops",
        )
        return ActivePassive(depends_on=(store,), **parts)

    @property
    def nodes(self):
        """How many nodes it takes; at most `BUDGET` may be spent."""
        return float(ha.assess(self.architecture(), workload()).cost.total)

    @property
    def within(self):
        return self.nodes <= BUDGET


@lru_cache(maxsize=64)
def workload(load=1.0, trip=20.0):
    """Return 1,000 requests a second, times a load, with a round trip in ms."""
    return ha.Workload(
        reads=900 * load,
        writes=100 * load,
        round_trip=trip * MS,
        app_time=0.5 * MS,
        read_time=0.4 * MS,
        write_time=0.8 * MS,
        keys=10_000,
    )


# ---- the deck ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Card:
    """What happens: which parts are struck, and what else is unusual meanwhile."""

    name: str
    story: str
    hits: tuple[str, ...] = ()
    load: float = 1.0  # times the usual
    trip: float = 20.0  # ms between sites
    lasts: float = 0.0  # minutes of unusual load or round trip, on average
    alive: bool = False  # whether the old primary lives on, so that two may write
    awake: float = 5.0  # minutes until a hand can act; at night it is `on_call`


NIGHT = float("inf")

DECK = (
    Card(
        name="A host at 3 a.m.",
        story="The host of the first database dies. Everybody sleeps.",
        awake=NIGHT,
        hits=("primary", "leader"),
    ),
    Card(
        name="The quiet one",
        story="A database that nobody writes to dies at noon.",
        hits=("standby",),
    ),
    Card(
        name="A lost site on sale day",
        story="The first site loses power; 2.5 times the usual load is there.",
        hits=("site", "leader"),
        load=2.5,
        lasts=120,
    ),
    Card(
        name="A bad deploy",
        story="A change reaches every server of every site, and none answers.",
        hits=("all",),
    ),
    Card(
        name="A slow link",
        story="The link between the sites drops packets: 600 ms there and back.",
        trip=600,
        lasts=40,
        alive=True,
    ),
    Card(
        name="An ill lease store",
        story="The store that says who is primary answers nobody.",
        hits=("lease",),
        alive=True,
    ),
    Card(
        name="One balancer",
        story="A load balancer of the first site stops.",
        hits=("balancer",),
    ),
    Card(
        name="A rack of app servers",
        story="Two app servers of the first site share a rack, and the rack is dark.",
        hits=("app", "app"),
    ),
    Card(
        name="The sale opens",
        story="Nothing is broken. Two and a half times the usual load is at the door.",
        load=2.5,
        lasts=30,
    ),
    Card(
        name="The far site",
        story="The site that is not the first is cut off by a digger.",
        hits=("far site",),
    ),
    Card(
        name="Two hosts, one shelf",
        story="The hosts of two databases fail within a minute of each other.",
        hits=("standby", "primary", "leader"),
    ),
    Card(
        name="A host in the rush",
        story="The first database's host dies while twice the usual load is there.",
        hits=("primary", "leader"),
        load=2.0,
        lasts=60,
    ),
    Card(
        name="A site at 3 a.m.",
        story="The first site goes dark. Everybody sleeps.",
        awake=NIGHT,
        hits=("site", "leader"),
    ),
    Card(
        name="Both balancers",
        story="A certificate runs out: every balancer of the first site refuses.",
        hits=("balancer", "balancer"),
    ),
)


def deal(seed=7, n=10):
    """Return so many cards of the deck; the same seed deals the same."""
    rng = np.random.default_rng(seed)
    return tuple(DECK[k] for k in rng.permutation(len(DECK))[:n])


SEED = 44
HAND = deal(SEED)
