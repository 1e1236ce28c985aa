"""A Redis primary that refuses writes once its replica has been silent for long."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from hamodel import duration, fields
from hamodel.lab import _packages
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._faults import Struck
from hamodel.lab._processes import Nursery, free_ports, until
from hamodel.lab._relay import Relay
from hamodel.lab.sentinel import connected, replicates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hamodel.duration import Duration

_QUIET = 2.5  # s without an acknowledgement after which writes count as refused


@dataclass(frozen=True, kw_only=True)
class Isolated(Experiment):
    """A Redis primary with min-replicas-to-write 1 is cut off from its replica.

    t0 is when the link falls silent: `stops_s` is the last write that the primary
    acknowledged, and `astray` counts those acknowledged after t0, which the replica
    does not have.

    Attributes
    ----------
    max_lag : int
        min-replicas-max-lag, in s.
    fault : str
        "cut".
    """

    max_lag: int = field(default=3, metadata=fields.whole("min-replicas-max-lag"))
    fault: str = field(default="cut", metadata=fields.word("what is done to its link"))

    name: ClassVar = "isolated"
    programs: ClassVar = ("redis-server",)
    modules: ClassVar = ("redis",)
    faults: ClassVar = ("cut",)
    stages: ClassVar = {"stops_s": "timer"}
    seconds: ClassVar = 12.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the last acknowledged write.

        A replica reports once a second, the primary notes whole seconds of its clock,
        and looks once a second (replicationCron in replication.c): three phases.
        """
        phase = duration.uniform(0, 1)
        return {"stops_s": phase + phase + phase + (self.max_lag - 1)}

    def versions(self, nursery: Nursery) -> dict[str, str]:
        """Return the version of Redis."""
        said = nursery.run(_packages.needed("redis-server"), "--version")
        return {"redis": said.split("v=")[1].split()[0]}

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start a primary, a link, its replica, and writers at the primary."""
        primary, replica = free_ports(2)
        redis = _packages.needed("redis-server")
        quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
        quiet += ["--repl-diskless-sync-delay", "0", "--min-replicas-to-write", "1"]
        quiet += ["--min-replicas-max-lag", str(self.max_lag)]
        with Relay(primary) as link:
            follows = ("--replicaof", f"127.0.0.1 {link.port}")
            for port, after in ((primary, ()), (replica, follows)):
                place = nursery.place(f"redis-{port}")
                words = ("--port", port, "--dir", place, *quiet, *after)
                nursery.start(f"redis-{port}", redis, *map(str, words))
                time.sleep(nursery.rng.uniform(0, 1))
            until(_streams(replica), "a replica that follows", 20)

            @contextlib.contextmanager
            def connect() -> Iterator[Callable[[int], object]]:
                with connected(primary) as server:
                    yield lambda number: server.set(f"w{number}", 1)

            with Writers(connect) as writers:
                until(
                    iter(lambda: len(writers.acknowledged) > 20, None),
                    "first writes",
                    20,
                )
                yield _Trial(self, link, replica, writers)


@dataclass
class _Trial:
    of: Isolated
    link: Relay
    replica: int
    writers: Writers

    def fail(self) -> Struck:
        wall, begun = time.time(), time.monotonic()
        self.link.silence()
        return Struck(begun, time.monotonic(), wall)

    def observe(self, struck: Struck) -> Row:
        end = struck.begun + self.of.patience
        while (now := time.monotonic()) < end:
            last = max(write.acknowledged for write in self.writers.acknowledged)
            if now - last > _QUIET:
                break
            time.sleep(0.05)
        written = self.writers.acknowledged
        with connected(self.replica) as server:
            pipe = server.pipeline()
            for write in written:
                pipe.exists(f"w{write.number}")
            astray = sum(not found for found in pipe.execute())
        return {
            "stops_s": last - struck.begun,
            "acked": len(written),
            "astray": astray,
            "censored": int(now - last <= _QUIET),
        }


def _streams(port: int) -> Iterator[bool]:
    from redis.exceptions import RedisError

    while True:
        try:
            yield replicates(port)
        except (RedisError, KeyError):
            yield False
