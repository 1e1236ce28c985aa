"""From an architecture and a workload to every answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _html, text
from hamodel._types import Quantity
from hamodel.architectures import (
    OPERATIONS,
    Architecture,
    Assumption,
    Behaviour,
    Conflicts,
    LostWrites,
    Model,
    Situations,
)
from hamodel.assessment import availability, loads, measures, retries
from hamodel.assessment._periods import Periods
from hamodel.assessment._prism import to_prism
from hamodel.assessment.latency import Latency, Paths
from hamodel.duration import Duration
from hamodel.workload import Workload

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Assessment(Periods):
    """All answers on an architecture under a workload; each is computed when asked.

    Attributes
    ----------
    architecture : Architecture
        What is run: one of `hamodel.architectures`, or one of your own.
    workload : Workload
        What is asked of it.
    """

    architecture: Architecture
    workload: Workload

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that serve clients."""
        return tuple(self.architecture.sites)

    # ---- availability --------------------------------------------------------------

    @cached_property
    def read(self) -> availability.Operation:
        """How reads fare: unavailability, causes, shares by site."""
        return availability.operation_of(
            self.paths, self._model, self.situations, "read"
        )

    @cached_property
    def write(self) -> availability.Operation:
        """How writes fare: unavailability, causes, shares by site."""
        return availability.operation_of(
            self.paths, self._model, self.situations, "write"
        )

    @property
    def downtime_by_cause(self) -> Mapping[str, Quantity]:
        """Unavailability of writes by cause; the causes add up to the whole."""
        return self.write.downtime_by_cause

    def within(self, objective: float) -> Assessment:
        """Return the assessment in which slow answers count as none.

        Parameters
        ----------
        objective : float
            Latency in s beyond which a request counts as failed ("too slow").
        """
        return replace(self, workload=replace(self.workload, objective=objective))

    # ---- recovery and data ---------------------------------------------------------

    @property
    def rto(self) -> Duration:
        """Recovery time after the loss of a database, if the first failover works.

        A process that is back before its failover is decided counts as well.
        """
        return self._behaviour.rto

    @property
    def rto_by_kind(self) -> Mapping[str, Duration]:
        """The same by kind of failure, where the architecture tells kinds apart."""
        found: Mapping[str, Duration] = getattr(self._behaviour, "rto_by_kind", {})
        return found

    @property
    def outage(self) -> Duration:
        """How long clients are away after the loss of a database, however it ends.

        It ends by a failover, by a further attempt or a hand where that does not work,
        or by a repair where nobody is led away before.  Of copies that answer for
        themselves it is the loss of their site.  A standby is ready: what strikes
        while another node is down counts in the downtime alone.
        """
        return self._behaviour.outage

    @property
    def rpo(self) -> Duration:
        """Age of the oldest acknowledged write that the worst single failure takes.

        Of copies that answer for themselves, where one answer is enough, its 90, 95 and
        99 % points were up to 8 % off a play of the messages at loads of 0.8 and 0.9;
        elsewhere within 5 %.
        """
        return self._behaviour.rpo

    @property
    def lost_writes(self) -> LostWrites:
        """Acknowledged writes that failures take, by kind of failure."""
        return self._behaviour.lost_writes

    @property
    def replication_lag(self) -> Duration:
        """Time from a write until the other copies show it.

        It counts from the commit at the primary, at the leader, or at the site that
        takes the write; where the client is answered later, since a commit waits for
        standbys, less is left then.  Of copies without a leader it counts from the
        answer, over the copies that this did not wait for.
        """
        return self._behaviour.lag

    @property
    def stale_read_probability(self) -> Quantity:
        """Share of the reads that are answered without their key's last write.

        That is the last of which the client had been answered: where a commit waits
        for standbys, they have received it, and lack it only until it is replayed.
        A replay takes no time unless `Replication.apply` says how long.  Where ways
        have laws as well, it is from draws of them, within 2 %.  Replays of several
        standbys count as independent: where a quorum waits for what is applied, a
        third too many were said at a load of the replay of 0.8.  Of copies without a
        leader a read's ways to them count by their means: where it asks two, over
        exponential round trips, a quarter too few were said.
        """
        served = self.read.stale
        if np.ndim(served) == 0 and served == 0:
            return 0.0
        return served * self._behaviour.stale

    @property
    def conflicts(self) -> Conflicts:
        """Writes to one key that did not know of each other."""
        return self._behaviour.conflicts

    # ---- load, latency, cost -------------------------------------------------------

    @cached_property
    def latency(self) -> Latency:
        """Latency of answered requests, as a law for each site and operation."""
        return Latency(sites=self.sites, law_of=self._latency)

    @property
    def utilisation(self) -> dict[str, Quantity]:
        """Share of its capacity that the busiest tier of each kind uses, all well."""
        ways = loads.usual(self.paths, self._model)
        return loads.busiest(self.paths.used(way.loads, way.servers) for way in ways)

    @property
    def utilisation_after_site_loss(self) -> dict[str, Quantity]:
        """The same once the worst site is lost and its clients have moved."""
        left = map(self._behaviour.work_without, self.sites)
        paths, apps = self.paths, self.architecture.site.apps
        servers = 0 if apps is None else apps.servers
        asked = (paths.loads(share, 0, work) for share, work in left)
        return loads.busiest(paths.used(load, servers) for load in asked)

    @property
    def is_overloaded(self) -> bool:
        """Whether nobody is answered at a site although all is well."""
        return any(
            bool(np.all(np.asarray(self.paths.beyond(way)) == 1))
            for way in loads.usual(self.paths, self._model)
        )

    @property
    def metastability(self) -> retries.Metastability:
        """Whether retries keep it down once an outage has made clients try again."""
        if not self.workload.retries:
            return retries.Metastability(
                calm=1.0, worst=1.0, failing=0.0, budget=np.inf
            )
        return retries.metastability(loads.usual_balances(self.paths, self._model))

    @property
    def headroom(self) -> Quantity:
        """Factor by which requests may grow until a tier saturates, all well."""
        return loads.headroom(self.utilisation)

    @property
    def headroom_after_site_loss(self) -> Quantity:
        """Factor by which requests may grow until the loss of a site saturates."""
        return loads.headroom(self.utilisation_after_site_loss)

    @property
    def survives_site_loss(self) -> loads.Survival:
        """Whether the loss of any one site is survived: is there a rest, and room."""
        full = bool(np.any(np.asarray(self.headroom_after_site_loss) <= 1))
        return loads.survival(self.architecture, full=full)

    @property
    def transfers(self) -> Quantity:
        """Writes in 1/s that are sent from one site to another."""
        return self._behaviour.transfers

    @property
    def cost(self) -> loads.Cost:
        """What it costs, in the unit of `Node.cost`."""
        return loads.cost_of(self.architecture, self._behaviour)

    # ---- structure and honesty -----------------------------------------------------

    @cached_property
    def single_points_of_failure(self) -> tuple[str, ...]:
        """Names of what stops writes alone, until it is repaired."""
        return tuple(self.architecture.diagram("write").single_points_of_failure())

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some can be given up (`flip`)."""
        return tuple(self.architecture.assumptions)

    @property
    def flipped(self) -> dict[str, Assessment]:
        """What holds instead of an assumption, and the assessment in which it does.

        Left out are assumptions that cannot be given up, and those on the shape of
        times, which show in `ha.simulate` only.
        """
        return {
            a.without: replace(self, architecture=a.flip())
            for a in self.assumptions
            if a.flip is not None and not a.simulated
        }

    @property
    def model_under_load(self) -> Model:
        """The architecture's model, in which overloaded sites do not serve."""
        return availability.under_load(self.paths, self._model)

    # ---- how it is done ------------------------------------------------------------

    @cached_property
    def _behaviour(self) -> Behaviour:
        return self.architecture.behaviour(self.workload)

    @cached_property
    def paths(self) -> Paths:
        """The ways that requests take."""
        return Paths(
            architecture=self.architecture, behaviour=self._behaviour, model=self._model
        )

    @cached_property
    def _model(self) -> Model:
        return self.architecture.model()

    @cached_property
    def situations(self) -> Situations:
        """What clients of each site can find, with long-run probabilities."""
        return self._model.situations()

    def _latency(self, site: str, operation: str) -> Duration:
        """Mix the ways of all situations in which clients of a site are answered."""
        weights = availability.answered(
            self.paths, self._model, self.situations, site, operation
        )
        if not weights:
            raise ValueError(
                f"latency has no answer at {site}: no {operation} is ever served, "
                f"the load is {text.number(max(self.utilisation.values()))}"
            )
        return self.paths.latency(weights)

    def to_prism(self) -> str:
        """Return the joint model of all parts as a model of PRISM and Storm.

        Returns
        -------
        str
            The text of a .prism file: a module for each part that fails on its own,
            and rewards "read" and "write", the share of the requests that fails.

        Raises
        ------
        ValueError
            If what the parts show combines in more than 50,000 ways.
        """
        return to_prism(self.paths, self._model, OPERATIONS)

    def to_dict(self) -> dict[str, object]:
        """Return all numbers as data that JSON can hold; times in s.

        Returns
        -------
        dict
            Measures by name with their units, downtime by cause, latency by site,
            single points of failure, and what becomes of it without a site and under
            retries.
        """
        return measures.as_data(self)

    def to_frame(self) -> DataFrame:
        """Return the measures as a table: value, unit and label of each.

        Returns
        -------
        pandas.DataFrame
            One row for each of `MEASURES`.
        """
        return measures.as_frame(self)

    def __repr__(self) -> str:
        kind = type(self.architecture).__name__
        return f"<Assessment of {kind}: {self.read!r}, {self.write!r}>"

    def _repr_html_(self) -> str:
        kind = type(self.architecture).__name__
        return _html.table(measures.shown(self), header=("", kind))
