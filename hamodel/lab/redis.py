"""A Redis primary that refuses writes once its replica has been silent for long."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from hamodel import duration, fields
from hamodel.duration import Duration
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._processes import Nursery, Struck, acted, free_ports, until
from hamodel.lab._relay import Relay
from hamodel.lab.sentinel import errors, numbers, replicates, serve, written

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

    max_lag: int = fields.whole("min-replicas-max-lag", default=3)
    fault: str = fields.word("what is done to its link", default="cut")

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

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start a primary, a link, its replica, and writers at the primary."""
        primary, replica = free_ports(2)
        safe = ["--min-replicas-to-write", "1"]
        safe += ["--min-replicas-max-lag", str(self.max_lag)]
        with Relay(primary) as link:
            for port, follows in ((primary, None), (replica, link.port)):
                serve(nursery, port, follows, *safe)
                time.sleep(nursery.rng.uniform(0, 1))
            until(lambda: replicates(replica), "a replica that follows", 20, errors())
            with Writers(lambda: written(primary)) as writers:
                yield _Trial(self, link, replica, writers.started())


@dataclass
class _Trial:
    of: Isolated
    link: Relay
    replica: int
    writers: Writers

    def fail(self) -> Struck:
        return acted(self.link.silence)

    def observe(self, struck: Struck) -> Row:
        end = struck.begun + self.of.patience
        while (now := time.monotonic()) < end:
            last = max(write.acknowledged for write in self.writers.acknowledged)
            if now - last > _QUIET:
                break
            time.sleep(0.05)
        return {
            "stops_s": last - struck.begun,
            "acked": len(self.writers.acknowledged),
            "astray": self.writers.lost(lambda: numbers(self.replica)),
            "censored": int(now - last <= _QUIET),
        }
