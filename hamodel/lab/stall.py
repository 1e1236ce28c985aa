"""A healthy primary that pauses, and watchers that may take it for dead."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from hamodel import _check, fields
from hamodel._types import Value
from hamodel.duration import Duration
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._processes import Mark, Nursery, Struck, send, strike
from hamodel.lab.etcd import Etcd
from hamodel.lab.postgresql import Watchdog
from hamodel.lab.sentinel import RedisSentinel

_WATCHERS: dict[str, type[Experiment]] = {
    kind.name: kind for kind in (RedisSentinel, Watchdog, Etcd)
}
_AFTER = 2.0  # s after the pause until what it led to is looked at


@dataclass(frozen=True, kw_only=True)
class Stall(Experiment):
    """A primary is stopped for a while and goes on, and may be taken for dead.

    Every pause is of another length `stall_s`, anywhere in the law of the watcher's
    decision about a hang; `failed_over` is 1 where the watcher has acted on it: the
    watchdog promoted, the Sentinels began a failover, a member of etcd stood for
    election.

    Attributes
    ----------
    watcher : str
        "sentinel", "watchdog" or "etcd", each with its defaults.
    fault : str
        "hang" (SIGSTOP, and SIGCONT after the pause).
    """

    watcher: str = fields.word("who watches", default="sentinel")
    fault: str = fields.word("what is done to it", default="hang")

    name: ClassVar = "stall"
    programs: ClassVar = ("postgres", "initdb", "pg_basebackup", "redis-server", "etcd")
    modules: ClassVar = ("psycopg", "redis")
    faults: ClassVar = ("hang",)
    stages: ClassVar = {"stall_s": "timer"}
    seconds: ClassVar = 12.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check.one_of(_WATCHERS, watcher=self.watcher)

    @property
    def inner(self) -> Experiment:
        """The experiment whose primary pauses."""
        return _WATCHERS[self.watcher](fault="hang")

    @property
    def beat(self) -> float:
        """Longest time in s from one beat of the watcher to the next."""
        return self.inner.beat

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the decision, which a pause must outlast."""
        inner = self.inner
        if isinstance(inner, Etcd):
            return {"stall_s": inner.election.stands}
        return {"stall_s": inner.prediction()[_DECISION[self.watcher]]}

    def chances(self, row: Row) -> dict[str, float]:
        """Return the chance that a pause was taken for a failure."""
        law = self.prediction()["stall_s"]
        return {"failed_over": float(law.cdf(float(row["stall_s"])))}

    def versions(self, nursery: Nursery) -> dict[str, str]:
        """Return the versions of the programs."""
        return self.inner.versions(nursery)

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Set up the system that the watcher watches."""
        law = self.prediction()["stall_s"]
        length = float(law.quantile(nursery.rng.uniform(0.01, 0.99)))
        with self.inner.bench(nursery) as bench:
            yield _Trial(self, bench, length)


@dataclass
class _Trial:
    of: Stall
    bench: Value  # of the watcher: each kind has its own
    length: float

    def fail(self) -> Struck:
        marks: list[Mark] = self.bench.victims()
        self.before = self._known()
        struck = strike(marks, "hang")
        time.sleep(max(0.0, struck.begun + self.length - time.monotonic()))
        send(marks, signal.SIGCONT)
        self.paused = time.monotonic() - struck.begun
        return struck

    def observe(self, struck: Struck) -> Row:
        time.sleep(_AFTER)
        acted = self._acted(struck)
        return {"stall_s": self.paused, "failed_over": int(acted), "censored": 0}

    def _known(self) -> int:
        return self.bench.cluster.term() if self.of.watcher == "etcd" else 0

    def _acted(self, struck: Struck) -> bool:
        if self.of.watcher == "etcd":
            return bool(self.bench.cluster.term() > self.before)
        if self.of.watcher == "watchdog":
            self.bench.guard.wait()
            return bool(self.bench.guard.decided == self.bench.guard.decided)
        begun = self.bench.stages(struck.wall)["odown_s"]
        return bool(begun == begun)  # nan: no quorum ever agreed


_DECISION = {"sentinel": "odown_s", "watchdog": "detect_s"}
