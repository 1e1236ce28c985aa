"""Majority: copies that elect a leader and commit what most of them have (Raft, Paxos).

The surprise is that the sites must be counted, not the nodes.  Over two sites the
bigger one holds the majority, and losing it stops everything, so a pair of sites is no
better than its bigger half; a third site with a single small node is what changes that.

Assumptions
- Copies fail independently, with exponential times; three that fail every 2000 h for
  4 h are without a majority or a leader 8 times as long if 5 % of the failures strike
  all, and are repaired side by side (`common_cause`), 9 times if nothing serves until
  one repair is done (`assumptions`).  How a site's repair races the way out:
  see `active_active`.
- What strikes all databases at once is counted apart from what they do by themselves.
  That leaves out a share of the downtime no larger than the share of the time in which
  some database is down.
- A copy is back when it has caught up.  A site that is lost takes its copies with it,
  which go on failing and being repaired meanwhile.
- The leader is as likely to be on any copy that works and votes, always; one that
  stays where it was elected is the same where sites hold as many copies each, and costs
  1 % fewer elections over two copies and one, 13 % fewer where one copy has half of the
  votes, without which nothing serves.  Losing it costs one election, whose
  length does not depend on what else is down, and so does a majority that comes back.
  How often that is comes from one chain of sites, copies and elections.
- Where the leader is lost with its site, the election and the way of that site's
  clients to another begin together, so these wait for the longer of the two.  A way
  that did not work, and a repair of the site, are taken to outlast the election: where
  sites are mended as quickly as leaders are elected, "failing over" is up to a tenth
  too short, and 0.3 % where their repair takes thirty times as long.
- The clients of a lost site are led to another as `failover` says.
- Planned work takes copies out, one at a time, whatever else has failed.
- All copies work on a write.  The leader does its own work first and then waits for the
  way to the others and back, not for their work.
- Reads go through the leader, unless `local_reads`: then any copy of the client's site
  answers, the leader as often as the others, perhaps behind; if none there works, one
  of another site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._common import alone, common_cause
from hamodel.architectures._copies import CopiesAtWork, answered_by, sites_and_copies
from hamodel.architectures._diagram import checked, drawn, entrances, quorum
from hamodel.architectures._events import Cause
from hamodel.architectures._front import everywhere, rolling
from hamodel.architectures._seen import (
    Seen,
    absorb,
    absorb_by_site,
    entrance,
    struck,
    undisturbed,
)
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures._voters import Leader
from hamodel.architectures.base import LongRun, Model, Verdict
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Answers,
    Asked,
    Behaviour,
    Waits,
    mixed,
    stale_reads,
)
from hamodel.duration import Duration, constant
from hamodel.failover import (
    ConsulElection,
    Election,
    Failover,
    RaftElection,
    as_stage,
)
from hamodel.quorum import majority
from hamodel.replication import Stream
from hamodel.structure import Structure
from hamodel.workload import Workload, as_law


def _default_copies() -> Mapping[str, int]:
    return {"DC-1": 1, "DC-2": 1, "DC-3": 1}


_ELECTIONS = (Election, RaftElection, ConsulElection)


@fields.specification
class Majority(LongRun):
    """Copies over sites that serve while most of them are in touch.

    Attributes
    ----------
    election : float, array, SymPy expression or Duration
        Time in s from the loss of the leader until another one serves; a mechanism may
        be told the copies by site, and how long messages take between sites and within.
    votes : mapping or None
        How many votes each copy at a site has; None: one each.  Copies without a vote
        answer reads, if `local_reads`, and are never leaders.
    witnesses : tuple of str
        Sites whose copies vote but serve no clients.
    common_cause : float, array or SymPy expression
        Share of the failures of a database that take all databases at once (the beta of
        the beta-factor model); by default 0, which is kind to every redundant system.
    maintenance : Maintenance or None
        Planned work; it goes from node to node, each out for as long as it takes, and
        the leader steps down once in each round, which costs an election.

    Raises
    ------
    ValueError
        If a number of copies is not a whole number, a witness is not a site, or no
        site is left to serve clients.
    """

    database: Node = fields.spec(Node, "one database")
    failover: Failover = fields.redirects(Failover, "failover")
    election: Quantity | Duration = fields.time(
        "time to elect a leader", law=True, stage=True, default=2.0
    )
    copies: Mapping[str, int] = fields.whole(
        "copies by site", by_site=True, single=False, default_factory=_default_copies
    )
    votes: Mapping[str, int] | None = fields.whole(
        "votes of a copy", 0, by_site=True, single=False, default=None
    )
    witnesses: tuple[str, ...] = fields.names("sites that only vote", default=())
    site: Site = fields.spec(Site, "each site", default_factory=Site)
    everywhere: Node | None = fields.strike(
        Node, "what strikes everything", default=None
    )
    common_cause: Quantity = fields.share(
        "failures that strike all databases", default=0.0
    )
    local_reads: bool = fields.flag("reads from any copy", default=False)
    maintenance: Maintenance | None = fields.spec(
        Maintenance, "planned work", default=None
    )

    mechanisms: Mapping[str, object] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        fields.check(self)
        if isinstance(self.failover.mechanisms.get("detection"), _ELECTIONS):
            raise ValueError(
                "failover must not detect by an election: it leads clients away from a "
                "lost site; how a leader is elected stands in `election`"
            )
        placed = getattr(self.election, "copies", None)
        if placed is not None and dict(placed) != dict(self.copies):
            raise ValueError(
                f"election.copies must be {dict(self.copies)}, the copies of the sites,"
                f" got {dict(placed)}"
            )
        law = as_stage("election", self.election)
        made = {} if law is self.election else {"election": self.election}
        object.__setattr__(self, "mechanisms", made)
        object.__setattr__(self, "election", law)
        for name in self.witnesses:
            _check.one_of(self.copies, witnesses=name)
        if self.votes is not None and set(self.votes) != set(self.copies):
            raise ValueError(
                f"votes must name the sites {list(self.copies)}, got {list(self.votes)}"
            )
        if not any(self.voters.values()):
            raise ValueError("votes must leave a copy that votes, got none")
        if not self.sites:
            raise ValueError("witnesses must leave a site that serves, got all of them")

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that serve clients."""
        return tuple(name for name in self.copies if name not in self.witnesses)

    @property
    def majority(self) -> int:
        """How many votes it takes."""
        weight = self.weight
        return majority(sum(weight[name] * n for name, n in self.copies.items()))

    @property
    def weight(self) -> Mapping[str, int]:
        """Votes of each copy, by site."""
        return dict.fromkeys(self.copies, 1) if self.votes is None else self.votes

    @property
    def voters(self) -> dict[str, int]:
        """How many copies with a vote each site holds."""
        return {name: n if self.weight[name] else 0 for name, n in self.copies.items()}

    @property
    def all_sites(self) -> tuple[str, ...]:
        """Names of all sites, those included that serve no clients."""
        return tuple(self.copies)

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, "read" or "write".

        They are sites, servers, copies and `everywhere`.

        Examples
        --------
        >>> from hamodel.failover import Failover
        >>> node = Node(mttf=7.2e6, mttr=14400)
        >>> two = Majority(
        ...     database=node, failover=Failover(), copies={"DC-1": 2, "DC-2": 1}
        ... )
        >>> two.diagram().single_points_of_failure()
        ('DC-1',)
        """
        local = checked(operation) == "read" and self.local_reads
        enter = entrances(self.site, self.sites)
        if local:
            return drawn(self, enter, quorum(self.copies, 1))
        return drawn(self, enter, quorum(self.copies, self.majority, self.weight))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            *shared_by_all(self),
            instant_client(self),
            *fixed(
                "The leader is as likely to be on any copy that works.",
                "An election takes as long whatever else is down.",
                "A copy that was repaired has caught up.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        For each site the part of its name (site and servers) and `... copies`;
        `leader`; and `everywhere` if given.
        """
        apart = replace(self, database=alone(self.database, self.common_cause))
        parts = sites_and_copies(apart, self.sites)
        return Model(
            parts=(
                *rolling(self.maintenance, self.copies, self.all_sites, self.election),
                *parts,
                Leader(spec=self).part(),
                *everywhere(self.everywhere),
                *common_cause(
                    self.database, self.common_cause, self.copies, self._served
                ),
            ),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb if self.votes is None else absorb_by_site,
            verdict=self.verdict,
        )

    def _served(self, up: Mapping[str, int], site: str, operation: str) -> bool:
        """Tell whether the copies that are up serve clients, wherever they are."""
        del site
        if operation == "read" and self.local_reads:
            return any(up.values())
        return sum(self.weight[name] * n for name, n in up.items()) >= self.majority

    def leaderless(self, seen: Seen) -> bool:
        """Tell whether there is no majority that could have a leader."""
        if seen.everywhere:
            return False
        return self._cast(seen) < self.majority or bool(seen.struck)

    def able(self, seen: Seen) -> int:
        """Return how many copies that are known to work could lead."""
        if self.votes is None:
            return seen.copies
        return sum(count for name, count in seen.by_site if self.votes[name])

    def _cast(self, seen: Seen) -> int:
        if self.votes is None:
            return seen.copies
        return sum(self.votes[name] * count for name, count in seen.by_site)

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload."""
        return _Behaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell a client of a site the cause of the outage, or who serves."""
        found = struck(seen, entrance(seen, site), operation)
        if found.cause:
            return found
        if operation == "read" and self.local_reads and seen.copies:
            return found._replace(stale=True)
        if self._cast(seen) < self.majority:
            return Verdict(Cause.NO_MAJORITY)
        served = found if seen.leads else Verdict(Cause.FAILING_OVER)
        return undisturbed(seen, served)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Behaviour(CopiesAtWork):
    """A `Majority` under a workload."""

    spec: Majority

    @property
    def rto(self) -> Duration:
        return as_law(self.spec.election)

    @property
    def senders(self) -> dict[str, float]:
        """Probability that the leader is at a site."""
        voters = self.spec.voters
        return {name: count / sum(voters.values()) for name, count in voters.items()}

    @property
    def lag(self) -> Duration:
        """Half a round trip from the leader, which may be beside a copy or not."""
        others, w = self.databases - 1, self.workload
        if not others:
            return constant(0.0)
        copies = self.spec.copies
        pairs = sum(p * (copies[name] - 1) for name, p in self.senders.items())
        ways = [0.5 * w.within_site, 0.5 * w.between_sites]
        return mixed([pairs / others, 1 - pairs / others], ways)

    @cached_property
    def stale(self) -> Quantity:
        """P(a copy of the client's site, any of them, lacks a key's last write)."""
        w, total = self.workload, 0.0
        near, far = (
            stale_reads(Stream(writes=w.writes, delay=0.5 * way), w, w.writes)
            for way in (w.within_site, w.between_sites)
        )
        for at, share in w.shares(self.spec.sites).items():
            led = self.senders[at]
            beside = led * (1 - 1 / self.spec.copies[at])  # but not the leader itself
            total += share * (beside * near + (1 - led) * far)
        return total

    def reads_at(
        self, at: str, shares: Mapping[str, Quantity], copies: Mapping[str, int]
    ) -> Quantity:
        """Return the leader's share of the reads: it takes all that need order."""
        return shares.get(at, 0.0) / copies[at] if self.spec.local_reads else 1.0

    def waits(self, operation: str, at: str) -> Waits:
        """Return the way to the leader, and its wait for the rest of a majority."""
        copies, w = self.spec.copies, self.workload
        if operation == "read" and self.spec.local_reads:
            return NO_WAIT
        found: Waits = []
        for leader, chance in self.senders.items():
            if not chance:
                continue
            there = constant(0.0) if leader == at else w.between_sites
            needed = 1 if operation == "read" else self.spec.majority
            law = there + answered_by(copies, leader, needed, w, self.spec.weight)
            reads = self.times_the_reads(leader, at)
            asked = Answers(groups=(((Asked(law, reads),), 1),))
            found.append((chance, law if reads == 1 else asked))
        return found
