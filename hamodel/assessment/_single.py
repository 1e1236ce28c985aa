"""One database: nothing to fail over to, nothing to lag behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hamodel._quantity import mean_of, rate_of
from hamodel.assessment._behaviour import NO_WAIT, Conflicts, Loss, LostWrites, Waits
from hamodel.assessment._loads import Loads, app_load, reads_left
from hamodel.assessment._workload import as_law
from hamodel.duration import Duration, constant, exponential, uniform

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.architectures import SinglePrimary
    from hamodel.architectures._front import Seen
    from hamodel.assessment._workload import Workload


@dataclass(frozen=True, kw_only=True, eq=False)
class Single:
    """A `SinglePrimary` under a workload."""

    spec: SinglePrimary
    workload: Workload

    @property
    def databases(self) -> int:
        return 1

    @property
    def rto(self) -> Duration:
        return repair(self.spec.database.mttr)

    @property
    def outage(self) -> Duration:
        return self.rto

    @property
    def lag(self) -> Duration:
        return constant(0.0)

    @property
    def rpo(self) -> Duration:
        """Age of the last backup, if the data are lost."""
        return uniform(0.0, self.spec.backup)

    @property
    def lost_writes(self) -> LostWrites:
        writes = self.workload.writes * self.spec.backup / 2
        events = rate_of(self.spec.database.mttf) * self.spec.destroyed
        return LostWrites(
            by_failure={"database destroyed": Loss(events=events, writes=writes)}
        )

    @property
    def stale(self) -> Quantity:
        return 0.0

    @property
    def conflicts(self) -> Conflicts:
        return Conflicts()

    @property
    def transfers(self) -> Quantity:
        return 0.0

    def seen(self, known: Seen) -> Seen:
        return known

    def database_load(self, known: Any, at: str) -> Quantity:  # noqa: ANN401
        del known, at
        w = self.workload
        work = reads_left(self.spec.site, w) * w.read_time + w.writes * w.write_time
        return work / self.spec.database.cores

    def waits(self, operation: str, at: str) -> Waits:
        del operation, at
        return NO_WAIT

    def loads_without(self, site: str) -> Loads:
        del site
        return Loads(
            app_load(self.spec.site, self.workload, 1.0, 0),
            self.database_load(None, ""),
        )


def repair(mttr: Quantity) -> Duration:
    """Return a repair time as a law: exponential, unless it is given as one."""
    return as_law(mttr) if isinstance(mttr, Duration) else exponential(mean_of(mttr))
