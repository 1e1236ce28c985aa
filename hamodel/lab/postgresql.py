"""PostgreSQL: a primary, a standby, and a watchdog of ten lines."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from hamodel import failover, fields
from hamodel.duration import Duration
from hamodel.lab import _packages
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._packages import Connection
from hamodel.lab._processes import (
    Beside,
    Mark,
    Nursery,
    Struck,
    free_ports,
    strike,
    until,
)
from hamodel.lab._relay import Relay

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
wal_log_hints = on
shared_buffers = 32MB
max_wal_senders = 5
hot_standby = on
restart_after_crash = off
"""

INSERT = "insert into w values (%s)"
_ANSWER = 1.0  # s that a client waits for an answer


@fields.documented
@dataclass(frozen=True, kw_only=True)
class Watchdog(Experiment):
    """A PostgreSQL pair: the primary is killed, stopped or cut off.

    The watchdog connects every `interval`, and promotes the standby after `misses` of
    them in a row have failed.  t0 is the first signal: `detect_s` is when the watchdog
    decides, `promote_s` how long the standby then takes to accept writes, `rto_first_s`
    and `rto_all_s` when the first and the last writer was served for a write sent after
    t0, and `lost` counts the acknowledged writes that the new primary does not have.

    Attributes
    ----------
    fault : str
        "kill" (SIGKILL), "hang" (SIGSTOP), "stop" (SIGINT) or "cut" (the primary's
        link to the standby falls silent a second before it is killed).
    """

    interval: float = fields.span("from probe to probe", default=1.0)
    misses: int = fields.whole("failed probes in a row", default=3)
    sync: bool = fields.flag("commits wait for the standby", default=False)
    delay: float = fields.time("delay of the link one way", default=0.0)
    rate: float = fields.number(
        "bytes a second of the link",
        least=0.0,
        above=True,
        endless=True,
        default=float("inf"),
    )
    writers: int = fields.whole("clients that write", default=2)

    name: ClassVar = "watchdog"
    programs: ClassVar = ("postgres", "initdb", "pg_basebackup")
    modules: ClassVar = ("psycopg",)
    faults: ClassVar = ("kill", "hang", "stop", "cut")
    stages: ClassVar = {"detect_s": "timer"}
    seconds: ClassVar = 12.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the watchdog's decision."""
        hangs = self.fault == "hang"
        beat = failover.Heartbeat(
            interval=self.interval,
            misses=self.misses,
            timeout=self.interval / 2 if hangs else 0.0,
        )
        return {"detect_s": beat.duration}

    @property
    def beat(self) -> float:
        """Time in s from probe to probe."""
        return self.interval

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start the pair, the link between, the watchdog and the writers."""
        pair = Pair(nursery)
        pair.prepare()
        with Relay(pair.ports[0], delay=self.delay, rate=self.rate) as link:
            pair.start(link.port if self._linked else pair.ports[0], sync=self.sync)
            with (
                Guard(pair, self.interval, self.misses) as guard,
                Writers(pair.connect, count=self.writers) as writers,
            ):
                yield _Trial(self, nursery, pair, guard, writers.started(), link)

    @property
    def _linked(self) -> bool:
        return self.fault == "cut" or self.delay > 0 or self.rate < float("inf")


@dataclass
class _Trial:
    of: Watchdog
    nursery: Nursery
    pair: Pair
    guard: Guard
    writers: Writers
    link: Relay

    def victims(self) -> list[Mark]:
        """Return the processes of the primary."""
        return self.nursery.tree("primary")

    def fail(self) -> Struck:
        if self.of.fault == "cut":
            self.link.silence()
            time.sleep(1.0)
        how = {"cut": "kill", "stop": "fast"}.get(self.of.fault, self.of.fault)
        return strike(self.victims(), how)

    def observe(self, struck: Struck) -> Row:
        seen = self.writers.recovery(struck, self.of.patience)
        self.guard.wait()
        row: Row = {
            "detect_s": self.guard.decided - struck.begun,
            "promote_s": self.guard.promoted - self.guard.decided,
        }
        row |= seen
        if not seen["censored"]:
            row["lost"] = self.writers.lost(lambda: self.pair.numbers(1))
        return row


@dataclass
class Guard(Beside):
    """Probes the primary at a fixed rate, and promotes the standby when it is gone."""

    pair: Pair
    interval: float
    misses: int
    decided: float = float("nan")
    promoted: float = float("nan")

    def wait(self) -> None:
        """Wait until the promotion is over, once it has begun."""
        while self.decided == self.decided and self.promoted != self.promoted:  # nan
            time.sleep(0.01)

    def follow(self) -> None:
        """Probe at every beat."""
        missed, due = 0, time.monotonic()
        while not self.over.wait(max(0.0, due - time.monotonic())):
            due += self.interval
            missed = 0 if self.pair.answers(0, self.interval / 2) else missed + 1
            if missed >= self.misses:
                self.decided = time.monotonic()
                self.pair.promote()
                self.promoted = time.monotonic()
                return


class Pair:
    """A primary and its streaming standby on the loopback."""

    def __init__(self, nursery: Nursery) -> None:
        self.nursery = nursery
        self.ports = free_ports(2)
        self.programs = {p: _packages.needed(p) for p in Watchdog.programs}

    def prepare(self) -> None:
        """Give the primary a fresh data directory, made once and copied."""
        golden = self.nursery.folder / "golden"
        if not (golden / "PG_VERSION").exists():
            place = self.nursery.place("golden")
            initdb = self.programs["initdb"]
            self.nursery.run(
                initdb, "-D", place, "-A", "trust", "-U", "lab", "--no-sync"
            )
            with (place / "postgresql.conf").open("a") as file:
                file.write(_SETTINGS)
        primary = self.nursery.folder / "primary"
        shutil.rmtree(primary, ignore_errors=True)
        shutil.copytree(golden, primary)
        self.nursery.own(primary)
        primary.chmod(0o700)

    def start(self, upstream: int, *, sync: bool) -> None:
        """Start the primary, then a standby that reads from a port."""
        self._serve("primary", self.ports[0])
        with self.session(0, 5) as session:
            session.execute("create table w (n bigint primary key)")
        place = self.nursery.place("standby")
        backup = self.programs["pg_basebackup"]
        here = f"host=127.0.0.1 port={self.ports[0]} user=lab"
        self.nursery.run(backup, "-d", here, "-D", place, "-X", "stream", "--no-sync")
        link = f"host=127.0.0.1 port={upstream} user=lab application_name=standby"
        (place / "standby.signal").touch()
        with (place / "postgresql.auto.conf").open("a") as file:
            file.write(f"primary_conninfo = '{link}'\n")
        self.nursery.own(place)
        place.chmod(0o700)
        self._serve("standby", self.ports[1])
        if sync:
            with self.session(0, 5) as session:
                names = "alter system set synchronous_standby_names = 'standby'"
                session.execute(names)
                session.execute("select pg_reload_conf()")
        until(lambda: self._streams(sync=sync), "a standby that streams", 30)

    def _serve(self, name: str, port: int) -> None:
        data = self.nursery.folder / name
        self.nursery.start(name, self.programs["postgres"], "-D", data, "-p", str(port))
        which = 0 if name == "primary" else 1
        until(lambda: self._is_up(which), f"the start of the {name}", 30, unreached())

    def _is_up(self, which: int) -> bool:
        self.session(which, 2).close()
        return True

    def _streams(self, *, sync: bool) -> bool:
        asked = "select sync_state from pg_stat_replication where state = 'streaming'"
        with self.session(0, 5) as session:
            found = session.execute(asked).fetchall()
        return bool(found == ([("sync",)] if sync else [("async",)]))

    def session(self, which: int, patience: float) -> Connection:
        """Return a connection that commits every statement."""
        return connected(self.ports[which], connect_timeout=max(2, round(patience)))

    def answers(self, which: int, patience: float) -> bool:
        """Tell whether a server takes a connection and answers within a time.

        By the first packet of the protocol, since libpq knows whole seconds only.
        """
        cancel_ssl = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest: answered S or N
        try:
            with socket.create_connection(
                ("127.0.0.1", self.ports[which]), patience
            ) as asked:
                asked.settimeout(patience)
                asked.sendall(cancel_ssl)
                return asked.recv(1) in {b"S", b"N"}
        except OSError:
            return False

    def promote(self) -> None:
        """Promote the standby; return when it takes writes."""
        with self.session(1, 5) as session:
            session.execute("select pg_promote(true, 60)")

    @contextlib.contextmanager
    def connect(self) -> Iterator[Callable[[int], object]]:
        """Connect to whichever server takes writes; give the writing function."""
        writable = {"target_session_attrs": "read-write", "tcp_user_timeout": 1000}
        session = connected(*self.ports, **writable)

        def write(number: int) -> None:
            """Write, and hang up if no answer comes.

            A stopped server's kernel goes on acknowledging, so that no timeout of TCP
            helps, and libpq has none for an answer.
            """
            late = threading.Timer(_ANSWER, _hang_up, (session.fileno(),))
            late.start()
            try:
                session.execute(INSERT, (number,))
            finally:
                late.cancel()

        with session:
            yield write

    def numbers(self, which: int) -> set[int]:
        """Return the numbers that a server has."""
        return numbers(self.session(which, 10))


def connected(*ports: int, **more: object) -> Connection:
    """Connect to the first of some ports that will do; every statement commits."""
    import psycopg

    where = {"host": ",".join(["127.0.0.1"] * len(ports)), "user": "lab"}
    where |= {"port": ",".join(map(str, ports)), "dbname": "postgres"}
    return psycopg.connect(**where, autocommit=True, **{"connect_timeout": 2} | more)


def unreached() -> tuple[type[Exception], ...]:
    """Return what comes of a server that takes no connection."""
    import psycopg

    return (psycopg.OperationalError,)


def numbers(session: Connection) -> set[int]:
    """Return the numbers that were written, and end the session."""
    with session:
        return {n for (n,) in session.execute("select n from w")}


def _hang_up(descriptor: int) -> None:
    """Shut a connection down under whoever waits for an answer on it."""
    with contextlib.suppress(OSError):
        copy = socket.socket(fileno=os.dup(descriptor))
        copy.shutdown(socket.SHUT_RDWR)
        copy.close()
