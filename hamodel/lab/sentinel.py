"""Redis with Sentinel: a primary, two replicas, and those who watch it."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from hamodel import _check, failover, fields
from hamodel._types import Value
from hamodel.duration import Duration
from hamodel.lab import _packages
from hamodel.lab._clients import Write, Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._packages import Connection
from hamodel.lab._processes import Mark, Nursery, Struck, free_ports, strike, until

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_EVENTS = {
    "+sdown master": "sdown_s",
    "+odown master": "odown_s",
    "+elected-leader master": "elected_s",
    "+selected-slave slave": "selected_s",
    "+promoted-slave slave": "promoted_s",
    "+switch-master": "switch_s",
}
_PING = 1.0  # s from one ping of a Sentinel to the next
_ANSWER = 0.2  # s that a client waits for an answer
_LINE = re.compile(r"\d+:X (\d+ \w+ \d+ [\d:.]+) # (\+[\w-]+(?: master| slave)?)")


@fields.documented
@dataclass(frozen=True, kw_only=True)
class RedisSentinel(Experiment):
    """Redis and Sentinel: the primary is killed or stopped, and a replica promoted.

    t0 is the first signal.  `sdown_s` to `switch_s` are the first such lines in the
    logs of the Sentinels; `rto_first_s` and `rto_all_s` are when the first and the last
    client was served for a write sent after t0; `lost` are acknowledged writes that the
    new primary does not have.

    Attributes
    ----------
    down_after : float
        down-after-milliseconds, in s.
    fault : str
        "kill" (SIGKILL) or "hang" (SIGSTOP).
    """

    down_after: float = fields.span("down-after", default=1.0)
    sentinels: int = fields.whole("Sentinels", default=3)
    quorum: int = fields.whole("Sentinels that must agree", default=2)

    name: ClassVar = "sentinel"
    programs: ClassVar = ("redis-server",)
    modules: ClassVar = ("redis",)
    faults: ClassVar = ("kill", "hang")
    stages: ClassVar = {
        "sdown_s": "timer",
        "odown_s": "timer",
        "promoted_s": "timer",
        "switch_s": "timer",
    }
    seconds: ClassVar = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check.between(1, self.sentinels, quorum=self.quorum)

    def prediction(self) -> dict[str, Duration]:
        """Return the laws of the stages, from the settings and Sentinel's timers."""
        watch = failover.Sentinel(
            down_after=self.down_after,
            sentinels=self.sentinels,
            quorum=self.quorum,
            hang=self.fault == "hang",
        )
        return {
            "sdown_s": watch.subjectively_down,
            "odown_s": watch.objectively_down,
            "promoted_s": watch.promoted,
            "switch_s": watch.duration,
        }

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start three servers and the Sentinels, and writers that ask them."""
        system = _System(self, nursery)
        system.start()
        with Writers(system.connect) as writers:
            system.writers = writers.started()
            yield system


class _System:
    def __init__(self, of: RedisSentinel, nursery: Nursery) -> None:
        self.of, self.nursery = of, nursery
        self.servers = free_ports(3)
        self.watchers = free_ports(of.sentinels)
        self.writers: Writers

    def start(self) -> None:
        redis = _packages.needed("redis-server")
        primary = self.servers[0]
        for port in self.servers:
            serve(self.nursery, port, None if port == primary else primary)
        for port in self.watchers:
            place = self.nursery.place(f"sentinel-{port}")
            file = place / "sentinel.conf"
            limit = round(self.of.down_after * 1e3)
            file.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {place}\n"
                f"sentinel monitor shop 127.0.0.1 {primary} {self.of.quorum}\n"
                f"sentinel down-after-milliseconds shop {limit}\n"
            )
            self.nursery.own(place)
            # Sentinels that start together ping together, for minutes on end
            time.sleep(self.nursery.rng.uniform(0, _PING))
            self.nursery.start(f"sentinel-{port}", redis, file, "--sentinel")
        until(self._all_know_all, "Sentinels that know each other", 40, errors())

    def _all_know_all(self) -> bool:
        follow = all(map(replicates, self.servers[1:]))
        return follow and all(map(self._knows, self.watchers))

    def _knows(self, watcher: int) -> bool:
        """Tell whether a Sentinel knows both replicas and all other Sentinels."""
        with connected(watcher) as asked:
            said: Mapping[object, Value] = asked.sentinel_master("shop")
        known = {k.decode() if isinstance(k, bytes) else k: v for k, v in said.items()}
        others = int(known["num-other-sentinels"])
        return int(known["num-slaves"]) == 2 and others == self.of.sentinels - 1

    def primary(self) -> int:
        """Ask the Sentinels where the primary is."""
        for port in self.watchers:
            with connected(port) as asked:
                if found := asked.sentinel_get_master_addr_by_name("shop"):
                    return int(found[1])
        raise ConnectionError("no Sentinel answers")

    def connect(self) -> AbstractContextManager[Write]:
        """Connect to the primary that Sentinel names; give the writing function."""
        return written(self.primary(), role="master")

    def victims(self) -> list[Mark]:
        """Return the processes of the primary."""
        return self.nursery.tree(f"redis-{self.servers[0]}")

    def fail(self) -> Struck:
        return strike(self.victims(), self.of.fault)

    def observe(self, struck: Struck) -> Row:
        served = self.writers.recovery(struck, self.of.patience)
        time.sleep(0.3)  # until every Sentinel has written its log
        row = self.stages(struck.wall) | served
        return row if row["censored"] else row | {"lost": self._lost()}

    def _lost(self) -> int:
        primary = self.primary()
        return self.writers.lost(lambda: numbers(primary))

    def stages(self, wall: float) -> Row:
        """Return the first time of each event over the logs of all Sentinels."""
        first: Row = {}
        for port in self.watchers:
            for at, what in _LINE.findall(self.nursery.log(f"sentinel-{port}")):
                if column := _EVENTS.get(what.strip()):
                    moment = datetime.strptime(at, "%d %b %Y %H:%M:%S.%f").timestamp()
                    seen = float(first.get(column, float("inf")))
                    if moment >= wall - 0.01:  # logs have milliseconds
                        first[column] = min(seen, moment - wall)
        return {column: first.get(column, float("nan")) for column in _EVENTS.values()}


def serve(nursery: Nursery, port: int, follows: int | None, *more: str) -> None:
    """Start a Redis server, which follows that of another port if one is given."""
    words = ["--port", str(port), "--dir", str(nursery.place(f"redis-{port}"))]
    words += ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", *more]
    words += ["--repl-diskless-sync-delay", "0"]
    words += [] if follows is None else ["--replicaof", f"127.0.0.1 {follows}"]
    nursery.start(f"redis-{port}", _packages.needed("redis-server"), *words)


@contextlib.contextmanager
def written(port: int, role: str = "") -> Iterator[Write]:
    """Connect to a server, in a role if one is given; give the writing function."""
    with connected(port) as server:
        if role and server.info("replication")["role"] != role:
            raise ConnectionError("not yet the primary")
        yield lambda number: server.set(f"w{number}", 1)


def numbers(port: int) -> set[int]:
    """Return the numbers n of the keys wn that a server has."""
    with connected(port) as server:
        return {int(key[1:]) for key in server.scan_iter("w*", count=10_000)}


def errors() -> tuple[type[Exception], ...]:
    """Return what may come of asking a server that is not ready."""
    from redis.exceptions import RedisError

    return RedisError, KeyError


def connected(port: int) -> Connection:
    """Return a connection that waits 0.2 s for an answer and tries nothing again."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis(
        port=port,
        socket_timeout=_ANSWER,
        socket_connect_timeout=_ANSWER,
        retry=Retry(NoBackoff(), 0),
    )


def replicates(port: int) -> bool:
    """Tell whether a replica has its primary's data and follows it."""
    with connected(port) as server:
        return bool(server.info("replication")["master_link_status"] == "up")
