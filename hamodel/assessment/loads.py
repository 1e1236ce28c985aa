"""How full the tiers are, whether a site can be spared, and what it all costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _html, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import Quantity
    from hamodel.architectures import Loads


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


def plain(loads: Loads) -> dict[str, Quantity]:
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
