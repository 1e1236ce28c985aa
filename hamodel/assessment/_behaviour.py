"""What an assessment asks of each kind of architecture, and the answers' shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from hamodel import _html
from hamodel.duration import constant
from hamodel.units import DAY, YEAR, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hamodel._types import Quantity
    from hamodel.architectures._front import Seen
    from hamodel.assessment._loads import Loads
    from hamodel.assessment._workload import Workload
    from hamodel.duration import Duration


@dataclass(frozen=True, kw_only=True, eq=False)
class Loss:
    """What one kind of failure takes from the survivors.

    Attributes
    ----------
    events : float, array or SymPy expression
        How often it happens, in 1/s.
    writes : float, array or SymPy expression
        Mean number of acknowledged writes that it takes.
    kept : bool
        Whether they come back with what failed: missing for a while, not lost.
    """

    events: Quantity
    writes: Quantity
    kept: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class LostWrites:
    """Acknowledged writes that failures take, by kind of failure.

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
        return sum(
            loss.events * loss.writes * YEAR
            for loss in self.by_failure.values()
            if not loss.kept
        )

    @property
    def missing_per_year(self) -> Quantity:
        """Mean number of writes in a year that are missing until a repair."""
        return sum(
            loss.events * loss.writes * YEAR
            for loss in self.by_failure.values()
            if loss.kept
        )

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                f"{loss.events * YEAR:.3g}",
                f"{loss.writes:.3g}",
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
    resolution : str
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
            ("pairs a day", f"{self.per_day:.4g}"),
            ("share of the writes", f"{self.share:.3g}"),
            ("lost a day", f"{self.lost_per_day:.4g}"),
        ]
        return _html.table(rows, caption="Conflicts")


#: Times that an operation may wait, each with its probability.
Waits: TypeAlias = "list[tuple[Quantity, Duration]]"

NO_WAIT: Waits = [(1.0, constant(0.0))]


class Behaviour(Protocol):
    """What is particular to a kind of architecture, under a workload."""

    @property
    def spec(self) -> Any:  # noqa: ANN401  any architecture
        """The architecture."""
        ...

    @property
    def workload(self) -> Workload:
        """The workload."""
        ...

    @property
    def databases(self) -> int:
        """How many database nodes there are."""
        ...

    @property
    def rto(self) -> Duration:
        """Time from the loss of a database until its clients are served elsewhere."""
        ...

    @property
    def outage(self) -> Duration:
        """The same over all failures, those included whose failover does not work."""
        ...

    @property
    def lag(self) -> Duration:
        """Time from a write's answer until the other copies show it."""
        ...

    @property
    def rpo(self) -> Duration:
        """Age of the oldest acknowledged write that the worst single failure takes."""
        ...

    @property
    def lost_writes(self) -> LostWrites:
        """Acknowledged writes that failures take."""
        ...

    @property
    def stale(self) -> Quantity:
        """Probability that a copy which may be behind lacks the key's last write."""
        ...

    @property
    def conflicts(self) -> Conflicts:
        """Writes that did not know of each other."""
        ...

    @property
    def transfers(self) -> Quantity:
        """Writes sent to other sites in 1/s."""
        ...

    def seen(self, known: Any) -> Seen:  # noqa: ANN401  what the model's absorb makes
        """Return what clients know of the sites."""
        ...

    def database_load(self, known: Any, at: str) -> Quantity:  # noqa: ANN401
        """Return the load of the databases at a site, as a share of capacity."""
        ...

    def waits(self, operation: str, at: str) -> Waits:
        """Return what an operation waits for beside its database's own work."""
        ...

    def loads_without(self, site: str) -> Loads:
        """Return the loads once a site is lost and its clients have moved."""
        ...


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


def shown(value: Quantity, write: Callable[[float], str] = text) -> str:
    """Write a number; tell the range of an array, and show a formula as it is."""
    if hasattr(value, "free_symbols"):
        return str(value)
    if np.ndim(value) == 0:
        return write(float(value))
    return f"{write(float(np.min(value)))} to {write(float(np.max(value)))}"
