"""Answers with parts: what it costs, how long requests take, how full tiers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, _html, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hamodel._types import Quantity
    from hamodel.architectures import Loads
    from hamodel.assessment._assessment import Assessment
    from hamodel.duration import Duration


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Latency:
    """Latency of the requests that are answered, by site and operation.

    Ask for `latency["DC-1", "read"]`; a law is made when it is first asked for.
    """

    of: Assessment

    def __getitem__(self, key: tuple[str, str]) -> Duration:
        """Return the law of the latency for clients of a site."""
        site, operation = key
        _check.one_of(self.of.sites, site=site)
        _check.one_of(("read", "write"), operation=operation)
        made: dict[tuple[str, str], Duration] = self.of._latencies
        if key not in made:
            made[key] = self.of._latency(site, operation)
        return made[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over sites and operations."""
        for site in self.of.sites:
            yield site, "read"
            yield site, "write"

    def __len__(self) -> int:
        """Return the number of laws."""
        return 2 * len(self.of.sites)

    def items(self) -> Iterator[tuple[tuple[str, str], Duration]]:
        """Iterate over keys and laws."""
        return ((key, self[key]) for key in self)

    def _repr_html_(self) -> str:
        rows = [
            (
                f"{site}, {operation}",
                *(text.time(float(law.quantile(p))) for p in _POINTS),
            )
            for (site, operation), law in self.items()
        ]
        header = ("clients", *(f"{100 * p:g} %" for p in _POINTS))
        return _html.table(rows, header=header, caption="Latency")


_POINTS = (0.5, 0.95, 0.99)


def plain(loads: Loads) -> dict[str, Quantity]:
    """Return loads by tier, single numbers as plain ones."""
    return {
        tier: load if np.ndim(load) or hasattr(load, "free_symbols") else load.item()
        for tier, load in ((t, np.asarray(x)[()]) for t, x in loads._asdict().items())
    }


def room(loads: Mapping[str, Quantity]) -> Quantity:
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
