"""Active-passive: a primary, a standby, and a failover between them.

The surprise is where the downtime sits.  A second node turns 1050 minutes a year into
17, and of those 17 only 2 are spent failing over: the rest are failovers that did not
work and second failures during a repair.

The plain reading has four states:

    both       the primary serves, the standby is ready
    switching  the primary has failed and the failover runs
    one        one node serves, the other is being repaired
    none       no node can serve

With one crew, equal nodes that fail at rate L and are repaired at rate M, coverage c
and failovers of mean length T, its unavailability is u / (1 + 2 L/M + u) with

    u = c L T + (1 - c) L/M + 2 (L/M)**2

which reads: failovers that work times seconds, failovers that do not times hours, and
second failures.

Assumptions
- Times are exponential and independent, but for what is given as a law.  Of a law of
  the stages only the mean matters for the long-run numbers; see `Failover`.  Of a
  repair the law matters while all nodes are down: after a common cause, or a failover
  that did not work, repairs begin anew, and after a second failure the first of them
  has run for a while.  With one crew "both nodes down" is (1 + c^2) / 2 times as long
  for repairs of the coefficient of variation c; with a crew for each node it is the
  same for all.  Elsewhere a repair counts by its mean, also what is left of it once
  another node is back: an error of about the repair's share of the time to a failure,
  times c^2 where that is more than 1, and of the chance that a failure takes both nodes
  in what second failures cost.  Of three nodes more is left out: constant repairs of
  4 h by one crew, at a failure each 100 h, have all three down 1.7 times too long.
  Independence weighs more: if 5 % of the failures strike both nodes, the downtime is
  4.1 times as long (`assumptions`).
- Standbys work on each write as long as the primary does, in one queue with the reads
  that they answer.
- A failover that does not work leaves no usable node, and the service waits for a
  repair, which runs from the failure on.  With `Failover.manual` a person makes the
  standby serve instead.
- A process that restarts in place goes on to do so from attempt to attempt, with
  `Failover.retry`; each attempt that works has its own detection, which the restart may
  end, and once it is detected the service waits for the standby.  When all attempts of
  `tries` have failed and nobody helps, it begins anew, as the candidate's does.  In a
  formula of the coverage it races each attempt anew.
- The repair of a failed primary begins when the service is back.  So the model does not
  hold for failovers slower than repairs: there it says, rightly for such an operation,
  that the standby makes things worse.
- While the failover runs nothing else happens, unless `Standby.takeover_mttf` says so.
  A second failure during 30 s is 480 times rarer than one during the 4 h that follow.
- The service stays where it is after a failover, and no failover happens without a
  failure, unless `failback`, a detector that loses beats or `stalls` say so.
- While the site is down the nodes neither fail nor are repaired.
- Nodes are as good as new when they are back: a repair includes the catching up.  What
  a standby has missed that is back first after all were lost is missing until the last
  primary is back, and lost for good in an unclean election only.

More nodes, more sites and more kinds of failure follow the same rules: they are written
down in `hamodel.architectures._replicated`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from hamodel import fields
from hamodel._types import Quantity
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    perfect_fencing,
    shared_by_all,
)
from hamodel.architectures._diagram import (
    atleast,
    checked,
    copies,
    drawn,
    entrances,
    quoted,
    servers,
)
from hamodel.architectures._events import Cause, is_never
from hamodel.architectures._pair_behaviour import PairBehaviour
from hamodel.architectures._pair_model import PairView, model_of, part_of, placed
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures._replicas import State
from hamodel.architectures.base import Model
from hamodel.architectures.behaviour import Behaviour
from hamodel.chain import Chain
from hamodel.structure import Structure
from hamodel.workload import Workload

#: Why a pair is down, in the order in which a budget shows it.
CAUSES = (
    Cause.FAILING_OVER,
    Cause.FAILOVER_FAILED,
    Cause.BOTH_NODES_DOWN,
    Cause.STANDBY_UNSEEN,
    Cause.SITE_DOWN,
)


class PairState(NamedTuple):
    """State of the pair: which nodes serve, and whether their site is up."""

    nodes: str  # both, unseen, switching, manual, one or none
    site: str = "up"


@fields.specification
class ActivePassive(PairSpec):
    """A primary and its standbys: two nodes or more, over some sites or in one.

    Attributes
    ----------
    database : Node
        The node that serves; the standbys are repaired as it is.
    failover : Failover
        Stages and coverage.
    standby : Standby
        How standbys fail and how soon that is found.
    site : Site
        Each site, with its load balancers and app servers.
    crews : int
        Repair crews: how many nodes are repaired at once, at most all of them.
    restore : float, array, SymPy expression or None
        Mean time in s until all nodes are back after all were lost, when they are
        restored together.  None: the crews repair them one by one.
    sites : tuple of str
        The site of each node: different names or the same; one name is a site that two
        nodes share.  What is kept are the different names.
    replicas : tuple of Replica
        The nodes one by one, where they differ by more than their site; then `sites`
        is theirs.
    failures : tuple of Failure
        Kinds of failure beside that of `database`, whose `mttf` may be `inf`.
    common_cause : float, array or SymPy expression
        Share of the failures of a node that take all nodes at once (the beta of the
        beta-factor model); by default 0, which is kind to every redundant system.
    failback : Failback or None
        How the service goes back to a node of higher priority once that stands by
        again: after `resync`, by a switchover.  None: it stays where it is.
    stalls : Stalls or None
        Pauses of a healthy primary; those that outlast the detection cause a failover,
        as do the beats that a `Heartbeat` loses.
    old_primary : OldPrimary or None
        What becomes of a primary that lives on after another was promoted; None: it is
        always stopped before.
    depends_on : tuple of Dependency
        What the service hangs on.
    everywhere : Node or None
        What strikes everything at once; None: nothing does.
    replication : Replication
        How writes reach the standbys; its delay comes on top of the way between the
        nodes, which is the workload's.  A mode that waits for standbys without end
        stops writes while there are too few; semi-synchronous writes stop for the
        timeout each time that one too many goes, and those of standbys in sync each
        time that any of them goes.
    maintenance : Maintenance or None
        Planned work: each time the nodes change roles, and writes stop for the
        promotion and the redirection; where commits wait for all standbys, also while
        each of these nodes in turn is worked on.  It is part of `model()`, not of
        `chain()`.

    Examples
    --------
    >>> from hamodel.architectures import Node
    >>> from hamodel.failover import Failover
    >>> from hamodel.replication import Replication
    >>> from hamodel.units import HOUR
    >>> node = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    >>> pair = ActivePassive(
    ...     database=node, failover=Failover(promotion=30, coverage=0.99)
    ... )
    >>> round(pair.minutes_per_year, 1)
    16.8
    >>> for cause, share in pair.downtime_by_cause.items():
    ...     print(f"{cause:22}{share * 525600:5.1f}")
    failing over            2.2
    failover did not work  10.5
    both nodes down         4.2
    standby failed unseen   0.0
    site down               0.0

    A third node, and commits that wait for one of the two standbys:

    >>> from dataclasses import replace
    >>> three = replace(
    ...     pair,
    ...     sites=("DC-1", "DC-1", "DC-2"),
    ...     replication=Replication(mode="quorum", standbys=2),
    ... )
    >>> round(three.downtime_by_cause["standby down"] * 525600, 1)
    12.5
    """

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, "read" or "write".

        They are sites, servers, all databases, what they hang on and `everywhere`.

        Examples
        --------
        >>> from hamodel.architectures import Node
        >>> from hamodel.failover import Failover
        >>> node = Node(mttf=7.2e6, mttr=14400)
        >>> pair = ActivePassive(database=node, failover=Failover(), sites=["DC-1"])
        >>> pair.diagram().single_points_of_failure()
        ('DC-1',)
        """
        needed = self.nodes_needed if checked(operation) == "write" else 1
        held = placed(self.nodes)
        nodes = [way for site, n in held.items() for way in copies(site, n, "database")]
        aside = self.read_only if operation == "read" else ()
        stops = [quoted(one.name) for one in self.stopping if one.name not in aside]
        ways: Iterable[str] = [entrances(self.site, self.sites)]
        if len(self.sites) == 1:
            ways = servers(self.site, *self.sites)
        return drawn(self, *ways, atleast(needed, nodes), *stops)

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        told = [
            "A failover that does not work, that is not tried again and that nobody "
            "finishes, leaves its candidate in need of a repair too.",
            "The repair of a failed primary begins when the service is back.",
            "While the failover runs nothing else happens, but for a process that "
            "restarts, unless `Standby.takeover_mttf` says so.",
        ]
        if not self.false_failovers:
            told.append("No failover happens without a failure.")
        if not self.failback:
            told.append("After a failover the service stays where it is.")
        fenced = [] if self.old_primary else [perfect_fencing(self)]
        return (*shared_by_all(self), *fenced, instant_client(self), *fixed(*told))

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        Parts are `pair` (all nodes and their sites), the servers of each site, and
        `everywhere`, `maintenance` and what all hangs on if given.
        """
        return model_of(self)

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload."""
        return PairBehaviour(spec=self, workload=workload)

    def chain(self) -> Chain:
        """Return the chain of the nodes alone, without servers and clients.

        Returns
        -------
        Chain
            Four states of a plain pair, and more as options ask.  States are
            `PairState`, of which `both`, `unseen` and `one` serve while the site is
            up, where that says all; with more nodes, with nodes that differ, with
            sites of their own that can fail, or if writes wait for a standby, they are
            those of the rules, and up means that writes are served; also where a law of
            repair counts from what took the nodes.
        """
        if self._wide:
            return part_of(self, watched=-1).chain(up=lambda view: not view.stopped)
        part = part_of(self, together=True)
        repaired = (self.database.mttr, *(kind.mttr for kind in self.failures))
        given = any(hasattr(mttr, "sample") for mttr in repaired)

        def moves(state: Hashable) -> Iterator[tuple[Hashable, Quantity]]:
            """Yield moves between states that the past does not tell apart."""
            for to, rate in part.moves(state):
                if isinstance(to, State) and not (given and to.phase == "lost"):
                    yield to._replace(cause=""), rate
                else:
                    yield to, rate

        def serves(state: State) -> bool:
            """Tell whether writes are served."""
            return state.phase == "serving" and state.clients[0] == "home"

        whole = Chain.explore(part.start, moves, up=serves)
        names: dict[Hashable, PairState] = {
            state: pair_state(state)
            for state in whole.states
            if isinstance(state, State)
        }
        if len(self.nodes) != 2 or len(set(names.values())) < len(names):
            return whole
        return Chain(
            rates={(names[a], names[b]): rate for (a, b), rate in whole.rates.items()},
            up=frozenset(
                names[state] for state in whole.states if state not in whole.down
            ),
            start=names[part.start],
        )

    @property
    def _wide(self) -> bool:
        """Whether it takes more than counts of nodes at one site: see `chain`."""
        apart = len(self.sites) > 1 and not is_never(self.site.mttf)
        alike = len({(n.promotable, n.priority) for n in self.nodes}) == 1
        return apart or not alike or self.replication.mode != "async"

    @property
    def _alone(self) -> bool:
        """Whether there is nothing beside the nodes at a site that stays."""
        tiers = self.site.balancers or self.site.apps
        besides = (tiers, self.everywhere, self.maintenance, self.stopping)
        return not (self._wide or any(besides))

    @property
    def unavailability(self) -> Quantity:
        """Long-run share of the writes that fail."""
        if self._alone:
            return self.chain().unavailability
        return sum(self.model().downtime()["write"].values())

    @property
    def downtime_by_cause(self) -> dict[str, Quantity]:
        """Unavailability of writes by cause; the causes add up to the whole."""
        budget: dict[str, Quantity] = dict.fromkeys(CAUSES, 0)
        if not self._alone:
            return budget | self.model().downtime()["write"]
        for view, probability in part_of(self, together=True).views().items():
            if isinstance(view, PairView) and view.stopped:
                budget[view.stopped] = budget.get(view.stopped, 0) + probability
        return budget


def pair_state(state: State) -> PairState:
    """Return the state of a pair under the names that lesson and books use."""
    ready, *gone = state.nodes[0]
    nodes = state.phase
    if state.phase == "serving":
        unseen = any(gone[len(gone) // 2 :])
        nodes = "both" if ready else "unseen" if unseen else "one"
    elif state.phase == "lost":
        nodes = "none"
    return PairState(nodes, "up" if state.clients[0] == "home" else "down")
