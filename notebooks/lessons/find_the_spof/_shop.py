"""The ticket shop in the units of the controls, and what its boxes cost it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _check, structure
from hamodel.units import HOUR, YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hamodel.structure import Structure

MOST = 5  # app servers in the diagram
APPS = tuple(f"app{k}" for k in range(1, MOST + 1))
#: What a tier is called, and the first of its boxes.
TIERS = {"balancer": "load balancer", "app1": "app server", "database": "database"}
#: What the bars can show.
CAUSED = "downtime that a box causes"
SAVED = "what one more would save"
DECIDES = "how often it alone decides"
BARS = (CAUSED, SAVED, DECIDES)


def path(servers: int = 3) -> Structure:
    """Return the path of a request through the shop.

    Parameters
    ----------
    servers : int
        App servers; one of them is enough.

    Returns
    -------
    Structure
        Client, load balancer, app servers, database.

    Raises
    ------
    ValueError
        If there are fewer than 1 or more than 5.

    Examples
    --------
    >>> path(3).single_points_of_failure()
    ('balancer', 'database')
    """
    _check.between(1, MOST, servers=servers)
    apps = ", ".join(APPS[:servers])
    return structure.parse(f"client > balancer > any({apps}) > database")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shop:
    """The shop, how often each box is down, and which of them are down now.

    Attributes
    ----------
    servers : int
        App servers.
    down : dict of str to float
        Share of time that each box is down.
    failed : frozenset of str
        Boxes that are down now.
    """

    servers: int
    down: dict[str, float]
    failed: frozenset[str] = frozenset()

    @property
    def structure(self) -> Structure:
        """What depends on what."""
        return path(self.servers)

    @property
    def works(self) -> bool:
        """Whether the shop serves now."""
        return self.structure.works(self.failed)

    @property
    def alone(self) -> tuple[str, ...]:
        """The boxes whose failure would stop the shop as it stands now."""
        if not self.works:
            return ()
        whole = self.structure
        left = (name for name in whole.components if name not in self.failed)
        return tuple(name for name in left if not whole.works(self.failed | {name}))

    @property
    def unavailability(self) -> float:
        """Share of time that the shop is down."""
        found = self.structure.unavailability(self.down)
        return float(found)

    @property
    def hours(self) -> float:
        """Hours a year that the shop is down."""
        return self.unavailability * YEAR / HOUR

    def shares(self, bars: str = CAUSED) -> dict[str, float]:
        """Return how much a box of each tier matters, between 0 and 1.

        Parameters
        ----------
        bars : str
            One of `BARS`: the share of the downtime that a perfect box would take
            away, the share that a second one would, or Birnbaum's importance.

        Returns
        -------
        dict of str to float
            By the first box of each tier.

        Raises
        ------
        ValueError
            If there is no such measure.
        """
        _check.one_of(BARS, bars=bars)
        if bars == SAVED:
            bought = {p.part: p.saved for p in self.structure.purchases(self.down)}
            whole = self.unavailability or 1.0  # no downtime, nothing to save
            return {name: bought[name] / whole for name in TIERS}
        measure = "criticality" if bars == CAUSED else "birnbaum"
        found = self.structure.importance(self.down).by(measure)
        return {name: float(found[name]) for name in TIERS}


def shop(
    servers: float = 3,
    balancer: float = 99.95,
    app: float = 99.9,
    database: float = 99.95,
    failed: Sequence[str] = (),
) -> Shop:
    """Return the lesson's shop, in the units of its controls.

    Parameters
    ----------
    servers : float
        App servers, rounded to a whole number.
    balancer, app, database : float
        How often each box is up, in percent.
    failed : sequence of str
        Boxes that are down now; those that the shop has not bought do not count.

    Returns
    -------
    Shop
        The shop.

    Raises
    ------
    ValueError
        If a value is impossible.

    Examples
    --------
    >>> for servers in (1, 3):
    ...     print(f"{servers}: {shop(servers).hours:.2f} h a year")
    1: 17.51 h a year
    3: 8.76 h a year
    """
    _check.between(0, 100, balancer=balancer, app=app, database=database)
    whole = path(round(servers))
    up = {"balancer": balancer, "database": database}
    down = {name: (100 - up.get(name, app)) / 100 for name in whole.components}
    return Shop(
        servers=round(servers),
        down=down,
        failed=frozenset(failed) & frozenset(whole.components),
    )
