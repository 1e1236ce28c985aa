"""Patroni: PostgreSQL nodes that hold a lock in etcd, and clients behind HAProxy."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from itertools import pairwise
from typing import ClassVar

from hamodel import failover, fields
from hamodel.duration import Duration, uniform
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._processes import Beside, Nursery, Struck, acted, strike, until
from hamodel.lab._site import Site, writing

_STARTS = "INFO: starting primary after failure"
_LINES = re.compile(
    r"(?m)^(\d+-\d+-\d+) ([\d:]+[.,]\d+) .*?"
    rf"({_STARTS}|database system is ready to accept connections)"
)
_NEAR = 10**9  # numbers of the clients that are cut off together with a node


@fields.documented
@dataclass(frozen=True, kw_only=True)
class Patroni(Experiment):
    """Patroni on three nodes: the leader's node is killed, stopped, frozen or cut off.

    t0 is the first signal.  `key_gone_s` is when the leader's key has left etcd,
    `key_new_s` when another holds it, `promoted_s` when the new leader takes writes;
    `rto_first_s` and `rto_all_s` when the first and the last writer, all of them behind
    HAProxy, was served for a write sent after t0; `lost` counts acknowledged writes
    that the new leader does not have.

    Where PostgreSQL alone dies, `noticed_s` is when Patroni starts it again and
    `started_s` when it is up; where Patroni is asked to stop, `gap_s` is the longest
    pause between two acknowledged writes.  A node that is cut off keeps clients of its
    own: `stops_s` is its last acknowledged write, and `astray` counts those after t0
    that the new leader does not have.

    Attributes
    ----------
    ttl, loop_wait, retry_timeout : float
        Patroni's settings in s.  Release 4 raises those that are too low.
    fault : str
        "kill" (Patroni and its PostgreSQL, SIGKILL), "postgres" (PostgreSQL only),
        "hang" (both, SIGSTOP), "frozen" (SIGSTOP of PostgreSQL only), "stop" (Patroni,
        SIGTERM) or "cut" (the node can neither reach etcd nor be reached).
    """

    ttl: float = fields.span("ttl", default=30.0)
    loop_wait: float = fields.span("loop_wait", default=10.0)
    retry_timeout: float = fields.span("retry_timeout", default=10.0)
    nodes: int = fields.whole("PostgreSQL nodes", 2, default=3)

    name: ClassVar = "patroni"
    programs: ClassVar = ("postgres", "initdb", "pg_basebackup", "etcd", "haproxy")
    modules: ClassVar = ("psycopg", "patroni")
    faults: ClassVar = ("kill", "postgres", "hang", "frozen", "stop", "cut")
    stages: ClassVar = {"key_gone_s": "timer", "stops_s": "timer", "noticed_s": "timer"}
    seconds: ClassVar = 60.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the lock's end, or of what is waited for in its place.

        A PostgreSQL that dies alone is started again at the next loop.
        """
        if self.fault == "postgres":
            return {"noticed_s": uniform(0, self.loop_wait)}
        lease = failover.Lease(
            ttl=self.ttl,
            loop_wait=self.loop_wait,
            retry_timeout=self.retry_timeout,
            stopped=self.fault == "stop",
        )
        laws = {"key_gone_s": lease.duration}
        if self.fault == "cut":
            # links fall silent, but still open: etcd as if it hung
            laws["stops_s"] = lease.demotion(stores=1, opens=True)
        return laws

    @property
    def beat(self) -> float:
        """Time in s from loop to loop."""
        return self.loop_wait

    def versions(self, nursery: Nursery) -> dict[str, str]:
        """Return the versions of what takes part."""
        return super().versions(nursery) | {"patroni": metadata.version("patroni")}

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start etcd, the nodes, HAProxy and the writers."""
        with contextlib.ExitStack() as stack:
            site = Site(self, nursery)
            if self.fault == "cut":
                site.link(stack)
            site.start()
            writers = stack.enter_context(Writers(lambda: writing(site.entrance)))
            writers.started(60)
            near = None
            if self.fault == "cut":
                port = site.ports[site.names.index(site.leader())]
                near = stack.enter_context(Writers(lambda: writing(port), first=_NEAR))
            watch = stack.enter_context(_Watch(site))
            yield _Trial(self, nursery, site, writers, watch, near)


@dataclass
class _Trial:
    of: Patroni
    nursery: Nursery
    site: Site
    writers: Writers
    watch: _Watch
    near: Writers | None = None

    def fail(self) -> Struck:
        old = self.old = self.site.leader()
        marks = self.nursery.tree(old)
        servers = self.site.servers(old)
        if self.of.fault == "stop":
            return strike(marks, "stop")
        if signal := {"postgres": "kill", "frozen": "hang"}.get(self.of.fault):
            return strike(servers, signal)
        if self.of.fault == "cut":
            return acted(lambda: self.site.cut(old))
        return strike([*servers, *marks], self.of.fault)

    def observe(self, struck: Struck) -> Row:
        if self.of.fault == "stop":
            until(lambda: self.watch.promoted, "another leader", 60)
            struck = struck._replace(done=time.monotonic())  # until then the old serves
        seen = self.writers.recovery(struck, self.of.patience)
        row: Row = {"old": self.old, "new": self.site.leader()}
        row |= {
            f"{name}_s": at - struck.begun for name, at in self.watch.times().items()
        }
        row |= seen
        if self.of.fault == "postgres":
            row |= self._restarted(struck.wall)
        if self.of.fault == "stop":
            row["gap_s"] = self._gap(struck.begun)
        if not seen["censored"]:
            row["lost"] = self.writers.lost(self.site.numbers)
            if self.near:
                late = self.near.acknowledged
                row["stops_s"] = max(w.acknowledged for w in late) - struck.begun
                late = [w for w in late if w.acknowledged > struck.done]
                there = self.site.numbers()
                row["astray"] = sum(w.number not in there for w in late)
        return row

    def _restarted(self, wall: float) -> Row:
        """Return when Patroni started its PostgreSQL again, and when that was up."""
        found: Row = {"noticed_s": float("nan"), "started_s": float("nan")}
        for day, clock, what in _LINES.findall(self.nursery.log(self.old)):
            moment = datetime.fromisoformat(f"{day}T{clock}").timestamp() - wall
            column = "noticed_s" if what == _STARTS else "started_s"
            if moment > 0 and found[column] != found[column]:  # nan
                found[column] = moment
        return found

    def _gap(self, begun: float) -> float:
        """Return the longest time between two acknowledged writes since then."""
        done = sorted(w.acknowledged for w in self.writers.acknowledged)
        near = [at for at in done if at > begun - 1.0]
        return max(b - a for a, b in pairwise(near))


@dataclass
class _Watch(Beside):
    """Follows the leader's key in etcd, and asks whether its holder takes writes."""

    site: Site
    _seen: list[tuple[float, str]] = field(default_factory=list)
    _promoted: float = float("nan")

    def __post_init__(self) -> None:
        self._first = self.site.leader()

    @property
    def promoted(self) -> bool:
        """Whether another node took writes."""
        return self._promoted == self._promoted  # not nan

    def times(self) -> dict[str, float]:
        """Return when the key was gone, taken, and its holder promoted (monotonic)."""
        gone = [at for at, who in self._seen if who != self._first]
        new = [at for at, who in self._seen if who not in {"", self._first}]
        nan = float("nan")
        return {
            "key_gone": gone[0] if gone else nan,
            "key_new": new[0] if new else nan,
            "promoted": self._promoted,
        }

    def follow(self) -> None:
        """Look every 20 ms."""
        while not self.over.wait(0.02):
            with contextlib.suppress(OSError):
                who = self.site.leader()
                self._seen.append((time.monotonic(), who))
                fresh = who not in {"", self._first}
                if fresh and self._promoted != self._promoted and self.site.takes(who):
                    self._promoted = time.monotonic()
