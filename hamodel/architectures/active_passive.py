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
- Times are exponential and independent.  Only the means matter for the long-run numbers
  of the stages themselves; see `Failover`.  With one crew the time of "both nodes down"
  depends on the shape of repairs too: measured for the pair above, constant ones halve
  it (12 % of all downtime), lognormal ones that vary twice as much make it 2.5 times as
  long (36 %).  Independence weighs more: if 5 % of the failures strike both nodes, the
  downtime is 4.1 times as long (`assumptions`).
- A failover that does not work leaves no usable node, and the service waits for a
  repair.  With `Failover.manual` a person makes the standby serve instead.
- The repair of a failed primary begins when the service is back.  So the model does not
  hold for failovers slower than repairs: there it says, rightly for such an operation,
  that the standby makes things worse.
- While the failover runs nothing else happens, unless `Standby.takeover_mttf` says so.
  A second failure during 30 s is 480 times rarer than one during the 4 h that follow.
- No failover happens without a failure, and failing back takes no downtime.
- While the site is down the nodes neither fail nor are repaired.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamodel import _check
from hamodel._quantity import hold, mean_of, rate_of
from hamodel.architectures._pair_behaviour import PairBehaviour
from hamodel.architectures._pair_diagram import assumptions_of, diagram_of
from hamodel.architectures._specs import Maintenance, Node, Site, names
from hamodel.architectures._two_sites import TwoSitePair, check_pair, model_of
from hamodel.architectures.base import Cause
from hamodel.chain import Chain
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel._types import Quantity
    from hamodel.architectures._assumptions import Assumption
    from hamodel.architectures.base import Model
    from hamodel.architectures.behaviour import Behaviour
    from hamodel.structure import Structure
    from hamodel.workload import Workload

#: Why the service is down, in the order in which a budget shows them.
CAUSES = (
    Cause.FAILING_OVER,
    Cause.FAILOVER_FAILED,
    Cause.BOTH_NODES_DOWN,
    Cause.STANDBY_UNSEEN,
    Cause.SITE_DOWN,
)

_ENTRANCE = {  # what the last state before `none` says of the cause
    "both": Cause.FAILOVER_FAILED,
    "one": Cause.BOTH_NODES_DOWN,
    "switching": Cause.BOTH_NODES_DOWN,
    "manual": Cause.BOTH_NODES_DOWN,
    "unseen": Cause.STANDBY_UNSEEN,
}


class PairState(NamedTuple):
    """State of the pair: which nodes serve, and whether their site is up."""

    nodes: str  # both, unseen, switching, manual, one or none
    site: str = "up"


@dataclass(frozen=True, kw_only=True, eq=False)
class Standby:
    """How the standby fails, and how soon that is known.

    Attributes
    ----------
    mttf : float, array, SymPy expression or None
        Mean time to failure in s while it stands by: `inf` for a cold one that does
        not age.  None: as the primary.
    probe : float, array or SymPy expression
        Mean time in s until a failure of the standby is found.  0: at once.
    takeover_mttf : float, array or SymPy expression
        Mean time to failure in s while it takes over; `inf` leaves that out.

    Raises
    ------
    ValueError
        If a mean time to failure is not above zero, or `probe` is negative.
    """

    mttf: Quantity | None = None
    probe: Quantity = 0
    takeover_mttf: Quantity = float("inf")

    def __post_init__(self) -> None:
        hold(self, "mttf", "probe", "takeover_mttf")
        if self.mttf is not None:
            _check.mean_time(mttf=self.mttf)
        _check.non_negative(probe=self.probe)
        _check.mean_time(takeover_mttf=self.takeover_mttf)


@dataclass(frozen=True, kw_only=True, eq=False)
class ActivePassive:
    """A primary and a standby, over two sites or in one.

    Attributes
    ----------
    database : Node
        The node that serves; the standby is repaired as it is.
    failover : Failover
        Stages and coverage.
    standby : Standby
        How the standby fails and how soon that is found.
    site : Site
        Each site, with its load balancers and app servers.
    crews : int
        Repair crews, 1 or 2: how many nodes are repaired at once.
    restore : float, array, SymPy expression or None
        Mean time in s until both nodes are back after both were lost, when they are
        restored together.  None: the crews repair them one by one.
    sites : tuple of str
        Names of two sites, one node in each; or of one that both nodes share.
    everywhere : Node or None
        What strikes everything at once; None: nothing does.
    replication : Replication
        How writes reach the standby; its delay comes on top of the way between the
        nodes, which is the workload's.  A mode that waits for the standby without end
        stops writes while there is none; semi-synchronous writes stop for the timeout
        each time it goes.
    maintenance : Maintenance or None
        Planned work: each time the nodes change roles, and writes stop for the
        promotion and the redirection.  It is part of `model()`, not of `chain()`.

    Raises
    ------
    ValueError
        If `crews` is not 1 or 2, `restore` is not above zero, `sites` is not one name
        or two different ones, or the replication has more than one standby.

    Examples
    --------
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
    """

    database: Node
    failover: Failover
    standby: Standby = field(default_factory=Standby)
    site: Site = field(default_factory=Site)
    crews: int = 1
    restore: Quantity | None = None
    sites: tuple[str, ...] = ("DC-1", "DC-2")
    everywhere: Node | None = None
    replication: Replication = field(default_factory=Replication)
    maintenance: Maintenance | None = None

    def __post_init__(self) -> None:
        _check.instance(Node, database=self.database)
        _check.instance(Failover, failover=self.failover)
        _check.instance(Standby, standby=self.standby)
        _check.instance(Site, site=self.site)
        _check.instance(Replication, replication=self.replication)
        check_pair(self)
        _check.whole(1, crews=self.crews)
        _check.between(1, 2, crews=self.crews)
        hold(self, "restore")
        if self.restore is not None:
            _check.positive(restore=self.restore)
        if self.everywhere is not None:
            _check.instance(Node, everywhere=self.everywhere)
        object.__setattr__(self, "sites", names(sites=self.sites))
        if not 1 <= len(self.sites) <= 2:
            raise ValueError(f"sites must be 1 or 2 different names, got {self.sites}")

    @property
    def all_sites(self) -> tuple[str, ...]:
        """Names of all sites, those included that serve no clients."""
        return self.sites

    @property
    def one_writer(self) -> bool:
        """Whether one site takes all writes and sends them on to the others."""
        return True

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, as a structure.

        Parameters
        ----------
        operation : str
            "read" or "write".

        Returns
        -------
        Structure
            Of the sites, their servers, both databases and `everywhere`.

        Examples
        --------
        >>> node = Node(mttf=7.2e6, mttr=14400)
        >>> pair = ActivePassive(database=node, failover=Failover(), sites=["DC-1"])
        >>> pair.diagram().single_points_of_failure()
        ('DC-1',)
        """
        return diagram_of(self, operation)

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return assumptions_of(self)

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        Returns
        -------
        Model
            Parts are `pair` (both nodes and their sites), the servers of each site,
            and `everywhere` if given.
        """
        return model_of(self)

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload.

        Parameters
        ----------
        workload : Workload
            What is asked of it.

        Returns
        -------
        Behaviour
            Its recovery, data, loads and waits.
        """
        return PairBehaviour(spec=self, workload=workload)

    def chain(self) -> Chain:
        """Return the chain of the pair alone, without servers and clients.

        Returns
        -------
        Chain
            Four states, and more as options ask.  States are `PairState`, of which
            `both`, `unseen` and `one` serve while the site is up; if each node has a
            site of its own that can fail, or writes wait for the standby, they are
            `TwoSiteState`, and up means that writes are served.
        """
        if self._wide:
            part = TwoSitePair(of=self).part("pair")
            return part.chain(up=lambda view: not view.stopped)
        return Chain.explore(PairState("both"), self.moves, up=_serves)

    @property
    def _of_means(self) -> ActivePassive:
        """The same pair with the mean of a repair time for its law."""
        node = self.database
        if node.mttr is mean_of(node.mttr):
            return self
        return replace(self, database=replace(node, mttr=mean_of(node.mttr)))

    @property
    def _wide(self) -> bool:
        """Whether it takes more than the four states: see `chain`."""
        mttf = self.site.mttf
        apart = len(self.sites) == 2 and not (np.ndim(mttf) == 0 and mttf == np.inf)
        return apart or self.replication.mode != "async"

    def moves(self, state: PairState) -> Iterator[tuple[PairState, Quantity]]:
        """Yield the states that follow one state, each with its rate in 1/s.

        Parameters
        ----------
        state : PairState
            A state of the pair.

        Yields
        ------
        tuple of PairState and rate
            A rate of 0 is no move, a rate of `inf` takes no time.
        """
        if state.site == "down":
            yield state._replace(site="up"), 1 / mean_of(self.site.mttr)
            return
        for nodes, rate in self._of_means._node_moves(state.nodes):
            yield PairState(nodes), rate
        yield state._replace(site="down"), 1 / self.site.mttf

    def _node_moves(self, nodes: str) -> list[tuple[str, Quantity]]:
        fail, lost = 1 / self.database.mttf, 1 / self.standby.takeover_mttf
        match nodes:
            case "both":
                return [*self._primary_fails(fail), self._standby_fails()]
            case "unseen":
                return [("one", rate_of(self.standby.probe)), ("none", fail)]
            case "switching":
                return [("one", rate_of(self.failover.outage)), ("none", lost)]
            case "manual":
                return [("one", rate_of(self._manual)), ("none", lost)]
            case "one":
                return [("both", 1 / self.database.mttr), ("none", fail)]
            case _:
                return [self._return]

    def _primary_fails(self, fail: Quantity) -> list[tuple[str, Quantity]]:
        coverage = self.failover.coverage
        astray = "none" if self.failover.manual is None else "manual"
        return [("switching", coverage * fail), (astray, (1 - coverage) * fail)]

    def _standby_fails(self) -> tuple[str, Quantity]:
        mttf = self.database.mttf if self.standby.mttf is None else self.standby.mttf
        probe = self.standby.probe
        found_at_once = np.ndim(probe) == 0 and probe == 0
        return "one" if found_at_once else "unseen", 1 / mttf

    @property
    def _manual(self) -> Quantity:
        """Mean time in s of a failover that did not work and that a person finished."""
        return self.failover.outage + self.failover.manual

    @property
    def _return(self) -> tuple[str, Quantity]:
        """The way out of `none`: both restored together, or one node repaired."""
        if self.restore is None:
            return "one", self.crews / self.database.mttr
        return "both", 1 / self.restore

    @property
    def unavailability(self) -> Quantity:
        """Long-run share of time in which the service is down."""
        return self.chain().unavailability

    @property
    def availability(self) -> Quantity:
        """Long-run share of time in which the service is up."""
        return self.chain().availability

    @property
    def minutes_per_year(self) -> Quantity:
        """Expected downtime in minutes in a year of 365 days."""
        return self.unavailability * (YEAR / MINUTE)

    @property
    def downtime_by_cause(self) -> dict[str, Quantity]:
        """Unavailability by cause; the causes add up to the whole."""
        budget: dict[str, Quantity] = dict.fromkeys(CAUSES, 0)
        if self._wide:
            part = TwoSitePair(of=self).part("pair")
            views: dict[Any, Quantity] = {**part.views()}
            for view, probability in views.items():
                if view.stopped:
                    budget[view.stopped] = budget.get(view.stopped, 0) + probability
            return budget
        chain = self.chain()
        share: dict[Any, Quantity] = {**chain.steady_state()}
        for state, probability in share.items():
            if state.site == "down":
                budget[Cause.SITE_DOWN] += probability
            elif state.nodes == "switching":
                budget[Cause.FAILING_OVER] += probability
            elif state.nodes == "manual":
                budget[Cause.FAILOVER_FAILED] += probability
        self._of_means._charge_none(chain, share, budget)
        return budget

    def _charge_none(
        self, chain: Chain, share: dict[Any, Quantity], budget: dict[str, Quantity]
    ) -> None:
        """Charge the time without any node to what led there.

        The mean length of a visit does not depend on its cause, so the share of each
        is the rate at which it leads there times that length: exact, and never a
        difference.
        """
        wait = 1 / self._return[1]
        none = PairState("none")
        for state, probability in share.items():
            rate = chain.rates.get((state, none))
            if rate is not None and state.site == "up":
                budget[_ENTRANCE[state.nodes]] += probability * rate * wait


def _serves(state: PairState) -> bool:
    return state.site == "up" and state.nodes in {"both", "unseen", "one"}
