"""How full the tiers are, whether a site can be spared, and what it all costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from hamodel import _html, text
from hamodel._types import Quantity
from hamodel.architectures import OPERATIONS, Architecture, Behaviour, Model
from hamodel.assessment._shares import known
from hamodel.assessment.availability import balance_of, found, once, ways
from hamodel.assessment.latency import Loads, Paths, Way
from hamodel.assessment.retries import Balance


@dataclass(frozen=True, kw_only=True, eq=False)
class Cost:
    """What an architecture costs, in the unit of `Node.cost`.

    Attributes
    ----------
    databases, servers, transfer : float or array
        Database nodes; load balancers and app servers; writes sent between sites.
    """

    databases: Quantity
    servers: Quantity
    transfer: Quantity

    @property
    def total(self) -> Quantity:
        """All of it."""
        return self.databases + self.servers + self.transfer

    def __float__(self) -> float:
        """Return the total."""
        return float(self.total)

    def _repr_html_(self) -> str:
        rows = [
            ("databases", text.spread(self.databases)),
            ("servers", text.spread(self.servers)),
            ("transfer", text.spread(self.transfer)),
            ("total", text.spread(self.total)),
        ]
        return _html.table(rows, caption="Cost, in units of a node")


def cost_of(architecture: Architecture, behaviour: Behaviour) -> Cost:
    """Return what an architecture costs under a workload."""
    site = architecture.site
    tiers = [t for t in (site.balancers, site.apps) if t is not None]
    servers = sum(tier.servers * tier.node.cost for tier in tiers)
    return Cost(
        databases=behaviour.database_cost,
        servers=len(architecture.sites) * servers,
        transfer=behaviour.transfers * behaviour.workload.transfer_price,
    )


def usual_balances(paths: Paths, model: Model) -> Iterator[Balance]:
    """Yield the attempts of the clients of each site when all is well."""
    for operation, client in product(OPERATIONS, model.sites):
        well = {client: {known(model, client): 1.0}}
        for case in found(model, well, {client: paths.shares[client]}, operation):
            way, _ = next(once(paths, case, operation))
            yield balance_of(paths, case, way)


def usual(paths: Paths, model: Model) -> Iterator[Way]:
    """Yield the ways of requests when all is well."""
    apps = paths.architecture.site.apps
    for operation, client in product(OPERATIONS, model.sites):
        well = {client: {known(model, client): 1.0}}
        for case in found(model, well, {client: paths.shares[client]}, operation):
            for way, _ in ways(paths, case, operation):
                if apps is None or way.servers == apps.servers:
                    yield way


def busiest(loads: Iterable[Loads]) -> dict[str, Quantity]:
    """Return the greatest load of each tier, single numbers as plain ones."""
    worst = Loads(0.0, 0.0)
    for load in loads:
        worst = Loads(*map(np.maximum, worst, load))
    return _plain(worst)


def _plain(loads: Loads) -> dict[str, Quantity]:
    """Return loads by tier, single numbers as plain ones."""
    return {
        tier: load if np.ndim(load) or hasattr(load, "free_symbols") else load.item()
        for tier, load in ((t, np.asarray(x)[()]) for t, x in loads._asdict().items())
    }


def headroom(loads: Mapping[str, Quantity]) -> Quantity:
    """Return the factor by which requests may grow until a tier saturates."""
    busiest: Quantity = np.maximum.reduce(
        np.broadcast_arrays(*map(np.asarray, loads.values()))
    )
    with np.errstate(divide="ignore"):
        return (1 / np.asarray(busiest, float))[()]


@dataclass(frozen=True)
class Survival:
    """Whether the loss of any one site is survived, for reads and for writes.

    Attributes
    ----------
    read, write : bool
        Whether clients are served again after their redirection.
    why : tuple of str
        Where not, the reasons.
    """

    read: bool
    write: bool
    why: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether reads and writes both survive."""
        return self.read and self.write

    def __str__(self) -> str:
        return "yes" if self else "no: " + "; ".join(self.why)


def survival(architecture: Architecture, *, full: bool) -> Survival:
    """Return whether any one site can be lost; `full`: the rest cannot carry all."""
    fatal = {}
    for operation in OPERATIONS:
        alone = set(architecture.diagram(operation).single_points_of_failure())
        fatal[operation] = [site for site in architecture.all_sites if site in alone]
    why = [
        f"{operation}s stop without {' or '.join(sites)}"
        for operation, sites in fatal.items()
        if sites
    ]
    if full:
        why.append("the rest cannot carry the load")
    return Survival(
        read=not (fatal["read"] or full),
        write=not (fatal["write"] or full),
        why=tuple(why),
    )
