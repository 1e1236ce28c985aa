"""What becomes of acknowledged writes: failures take some, and some clash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce

import numpy as np

from hamodel import _check, _html, text
from hamodel._types import Quantity
from hamodel.units import DAY, YEAR


class Resolution(StrEnum):
    """What can become of concurrent writes."""

    LAST_WRITE = "last write wins"
    VECTOR_CLOCKS = "vector clocks"
    CRDT = "crdt"
    HOME_SITE = "home site"  # there are none: each key is written at one site only


@dataclass(frozen=True, kw_only=True, eq=False)
class Loss:
    """What one kind of failure takes from the survivors.

    Attributes
    ----------
    events : float, array or SymPy expression
        How often it happens, in 1/s of all time: failures that find a standby ready,
        or copies that work.
    writes : float, array or SymPy expression
        Mean number of acknowledged writes that it takes; infinite if copies fall ever
        further behind.
    kept : bool
        Whether they come back with what failed: missing for a while, not lost.
    """

    events: Quantity
    writes: Quantity
    kept: bool = False

    @property
    def per_year(self) -> Quantity:
        """Mean number of writes that it takes in a year; 0 if it never happens."""
        if _check.is_symbolic(self.events) or _check.is_symbolic(self.writes):
            return self.events * self.writes * YEAR
        with np.errstate(invalid="ignore"):
            taken = np.multiply(self.events, self.writes) * YEAR
        return np.where(np.asarray(self.events) == 0, 0.0, taken)[()]


@dataclass(frozen=True, kw_only=True, eq=False)
class LostWrites:
    """Acknowledged writes that failures take, by kind of failure.

    Means only, which bursts of writes leave as they are; how the number spreads with
    them is asked of `replication.Replication.loss`, by its `dispersion`.

    Attributes
    ----------
    by_failure : mapping of str to Loss
        What each kind of failure takes.
    """

    by_failure: Mapping[str, Loss] = field(default_factory=dict)

    @property
    def per_failure(self) -> Quantity:
        """Mean number of writes that the worst kind of failure takes."""
        found = [loss.writes for loss in self.by_failure.values()]
        return reduce(np.maximum, found) if found else 0.0

    @property
    def per_year(self) -> Quantity:
        """Mean number of writes lost for good in a year."""
        return sum(loss.per_year for loss in self.by_failure.values() if not loss.kept)

    @property
    def missing_per_year(self) -> Quantity:
        """Mean number of writes in a year that are missing until a repair."""
        return sum(loss.per_year for loss in self.by_failure.values() if loss.kept)

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                text.spread(loss.events * YEAR),
                text.spread(loss.writes),
                "until repaired" if loss.kept else "for good",
            )
            for name, loss in self.by_failure.items()
        ]
        header = ("failure", "a year", "writes each", "missing")
        return _html.table(rows, header=header, caption="Lost writes")


@dataclass(frozen=True, kw_only=True, eq=False)
class Conflicts:
    """Writes to one key that did not know of each other, and what becomes of them.

    Attributes
    ----------
    resolution : Resolution or str
        How they are resolved; empty where there can be none.
    pairs : float or array
        Concurrent pairs of writes in 1/s.
    share : float or array
        Probability that a write has a concurrent rival.
    lost : float or array
        Acknowledged writes in 1/s that the resolution throws away.
    siblings : float or array
        Mean number of versions that a read of the most popular key finds.
    """

    resolution: str = ""
    pairs: Quantity = 0.0
    share: Quantity = 0.0
    lost: Quantity = 0.0
    siblings: Quantity = 1.0

    @property
    def per_day(self) -> Quantity:
        """Concurrent pairs of writes in a day."""
        return self.pairs * DAY

    @property
    def lost_per_day(self) -> Quantity:
        """Acknowledged writes thrown away in a day."""
        return self.lost * DAY

    def _repr_html_(self) -> str:
        rows = [
            ("resolution", self.resolution or "no conflicts"),
            ("pairs a day", text.spread(self.per_day)),
            ("share of the writes", text.spread(self.share, text.share)),
            ("lost a day", text.spread(self.lost_per_day)),
        ]
        return _html.table(rows, caption="Conflicts")
