"""Patroni: PostgreSQL nodes that hold a lock in etcd, and clients behind HAProxy."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from hamodel import failover, fields
from hamodel.duration import uniform
from hamodel.lab import _packages, haproxy
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._faults import Struck, strike
from hamodel.lab._processes import Mark, Nursery, free_ports, until
from hamodel.lab._relay import Relay
from hamodel.lab.etcd import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hamodel.duration import Duration

_NEAR = 10**9  # numbers of the clients that are cut off together with a node
_CHECKS = (1.0, 3, 2)  # s between HAProxy's checks, those to mark down, and up


@dataclass(frozen=True, kw_only=True)
class Patroni(Experiment):
    """Patroni on three nodes: the leader's node is killed, stopped, frozen or cut off.

    t0 is the first signal.  `key_gone_s` is when the leader's key has left etcd,
    `key_new_s` when another holds it, `promoted_s` when the new leader takes writes;
    `rto_first_s` and `rto_all_s` when the first and the last writer, all of them behind
    HAProxy, was served for a write sent after t0; `lost` counts acknowledged writes
    that the new leader does not have.

    A node that is cut off keeps clients of its own: `stops_s` is its last acknowledged
    write, and `astray` counts those after t0 that the new leader does not have.

    Attributes
    ----------
    ttl, loop_wait, retry_timeout : float
        Patroni's settings in s.  Release 4 raises those that are too low.
    nodes : int
        PostgreSQL nodes.
    fault : str
        "kill" (Patroni and its PostgreSQL, SIGKILL), "postgres" (PostgreSQL only),
        "hang" (both, SIGSTOP), "frozen" (SIGSTOP of PostgreSQL only), "stop" (Patroni,
        SIGTERM) or "cut" (the node can neither reach etcd nor be reached).
    """

    ttl: float = field(default=30.0, metadata=fields.span("ttl"))
    loop_wait: float = field(default=10.0, metadata=fields.span("loop_wait"))
    retry_timeout: float = field(default=10.0, metadata=fields.span("retry_timeout"))
    nodes: int = field(default=3, metadata=fields.whole("PostgreSQL nodes", 2))

    name: ClassVar = "patroni"
    programs: ClassVar = ("postgres", "initdb", "pg_basebackup", "etcd", "haproxy")
    modules: ClassVar = ("psycopg", "patroni")
    faults: ClassVar = ("kill", "postgres", "hang", "frozen", "stop", "cut")
    stages: ClassVar = {"key_gone_s": "timer", "stops_s": "timer"}
    seconds: ClassVar = 60.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the lock's end, for a node that dies."""
        if self.fault in {"stop", "postgres"}:
            return {}
        lease = failover.Lease(
            ttl=self.ttl, loop_wait=self.loop_wait, retry_timeout=self.retry_timeout
        )
        laws = {"key_gone_s": lease.duration}
        if self.fault == "cut":
            # the next loop finds no etcd, retries, and stops its PostgreSQL
            _, loop_wait, retry_timeout = lease.effective
            laws["stops_s"] = uniform(0, loop_wait) + retry_timeout
        return laws

    @property
    def beat(self) -> float:
        """Time in s from loop to loop."""
        return self.loop_wait

    def versions(self, nursery: Nursery) -> dict[str, str]:
        """Return the versions of what takes part."""
        postgres = nursery.run(_packages.needed("postgres"), "--version").split()[2]
        etcd = nursery.run(_packages.needed("etcd"), "--version").split()[2]
        return {
            "postgresql": postgres,
            "patroni": metadata.version("patroni"),
            "etcd": etcd,
            "haproxy": haproxy.version(nursery),
        }

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start etcd, the nodes, HAProxy and the writers."""
        with contextlib.ExitStack() as stack:
            site = _Site(self, nursery)
            if self.fault == "cut":
                site.link(stack)
            site.start()
            writers = stack.enter_context(Writers(site.connect))
            until(
                iter(lambda: len(writers.acknowledged) > 20, None), "first writes", 60
            )
            near = None
            if self.fault == "cut":
                leader = site.names.index(site.leader())
                near = Writers(lambda: site.connect_to(leader), first=_NEAR)
                stack.enter_context(near)
            watch = stack.enter_context(_Watch(site))
            yield _Trial(self, nursery, site, writers, watch, near)


@dataclass
class _Trial:
    of: Patroni
    nursery: Nursery
    site: _Site
    writers: Writers
    watch: _Watch
    near: Writers | None = None

    def fail(self) -> Struck:
        old = self.site.leader()
        self.old = old
        marks = self.nursery.tree(old)
        servers = self.site.servers(old)
        if self.of.fault == "stop":
            return strike(marks, "stop")
        if signal := {"postgres": "kill", "frozen": "hang"}.get(self.of.fault):
            return strike(servers, signal)
        if self.of.fault == "cut":
            wall, begun = time.time(), time.monotonic()
            self.site.cut(old)
            return Struck(begun, time.monotonic(), wall)
        return strike([*servers, *marks], self.of.fault)

    def observe(self, struck: Struck) -> Row:
        seen = self.writers.recovery(struck, self.of.patience)
        row: Row = {"old": self.old, "new": self.site.leader()}
        row |= {
            f"{name}_s": at - struck.begun for name, at in self.watch.times().items()
        }
        row |= seen
        if not seen["censored"]:
            written = self.writers.acknowledged
            there = self.site.numbers()
            row["lost"] = sum(write.number not in there for write in written)
            if self.near:
                late = self.near.acknowledged
                row["stops_s"] = max(w.acknowledged for w in late) - struck.begun
                late = [w for w in late if w.acknowledged > struck.done]
                row["astray"] = sum(w.number not in there for w in late)
        return row


@dataclass
class _Watch:
    """Follows the leader's key in etcd, and asks whether its holder takes writes."""

    site: _Site
    _seen: list[tuple[float, str]] = field(default_factory=list)
    _promoted: float = float("nan")
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> _Watch:
        self._first = self.site.leader()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(timeout=30)

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

    def _follow(self) -> None:
        while not self._over.wait(0.02):
            with contextlib.suppress(OSError):
                who = self.site.leader()
                self._seen.append((time.monotonic(), who))
                fresh = who not in {"", self._first}
                if fresh and self._promoted != self._promoted and self.site.takes(who):
                    self._promoted = time.monotonic()


class _Site:
    """etcd, Patroni's nodes and HAProxy on the loopback."""

    def __init__(self, of: Patroni, nursery: Nursery) -> None:
        self.of, self.nursery = of, nursery
        ports = free_ports(2 * of.nodes + 1)
        self.ports, self.apis = ports[: of.nodes], ports[of.nodes : -1]
        self.entrance = ports[-1]
        self.names = [f"n{n}" for n in range(of.nodes)]
        self.etcd = Cluster(nursery, members=1)
        # where others reach a node: its PostgreSQL, its REST API; and it etcd
        self.doors = list(zip(self.ports, self.apis, strict=True))
        self.stores = self.etcd.clients * of.nodes
        self.links: list[list[Relay]] = []

    def link(self, stack: contextlib.ExitStack) -> None:
        """Lead all ways to a node, and its way to etcd, over links that can be cut."""
        for ends in zip(self.ports, self.apis, self.stores, strict=True):
            self.links.append([stack.enter_context(Relay(port)) for port in ends])
        self.doors = [(data.port, api.port) for data, api, _ in self.links]
        self.stores = [store.port for _, _, store in self.links]

    def cut(self, name: str) -> None:
        """Let all links of a node fall silent."""
        for link in self.links[self.names.index(name)]:
            link.silence()

    def start(self) -> None:
        self._patroni = _patroni(self.nursery)
        self.etcd.start()
        for n, name in enumerate(self.names):
            place = self.nursery.place(f"patroni-{name}")
            file = place / "patroni.yml"
            file.write_text(json.dumps(self._settings(n, place), indent=1))
            self.nursery.own(place)
            self.nursery.start(name, *self._patroni, file)
            if n == 0:
                until(iter(lambda: self.takes("n0"), None), "the first leader", 90)
        until(self._all_stream(), "standbys that stream", 90)
        with self.session(self.names.index(self.leader())) as session:
            session.execute("create table w (n bigint primary key)")
        self._start_haproxy()

    def _settings(self, n: int, place: Any) -> dict[str, Any]:  # noqa: ANN401  a path
        local = "127.0.0.1"
        replication = {"username": "lab", "password": "x"}
        return {
            "scope": "shop",
            "name": self.names[n],
            "restapi": {
                "listen": f"{local}:{self.apis[n]}",
                "connect_address": f"{local}:{self.doors[n][1]}",
            },
            "etcd3": {"hosts": [f"{local}:{self.stores[n]}"], "use_proxies": True},
            "bootstrap": {
                "dcs": {
                    "ttl": round(self.of.ttl),
                    "loop_wait": round(self.of.loop_wait),
                    "retry_timeout": round(self.of.retry_timeout),
                    "maximum_lag_on_failover": 1048576,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {"wal_log_hints": "on", "shared_buffers": "32MB"},
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"username": "lab"}, "no-sync"],
            },
            "postgresql": {
                "listen": f"{local}:{self.ports[n]}",
                "connect_address": f"{local}:{self.doors[n][0]}",
                "data_dir": str(place / "data"),
                "bin_dir": str(_packages.needed("initdb").parent),
                "pgpass": str(place / "pgpass"),
                "authentication": {
                    "superuser": replication,
                    "replication": replication,
                    "rewind": replication,
                },
                "parameters": {"unix_socket_directories": ""},
                "pg_hba": [
                    f"host all all {local}/32 trust",
                    f"host replication all {local}/32 trust",
                ],
            },
        }

    def _start_haproxy(self) -> None:
        every, fall, rise = _CHECKS
        check = f"inter {every * 1e3:.0f}ms fall {fall} rise {rise}"
        servers = [
            f"server {name} 127.0.0.1:{port} check port {api} {check}"
            for name, (port, api) in zip(self.names, self.doors, strict=True)
        ]
        haproxy.start(self.nursery, self.entrance, servers)

    def _all_stream(self) -> Iterator[bool]:
        import psycopg

        # A base backup streams too, under a name of its own.
        asked = (
            "select count(*) from pg_stat_replication"
            " where state = 'streaming' and application_name ~ '^n[0-9]+$'"
        )
        while True:
            try:
                with self.session(0) as session:
                    found = session.execute(asked).fetchone()
                yield found == (self.of.nodes - 1,)
            except psycopg.OperationalError:
                yield False

    def leader(self) -> str:
        """Return who holds the leader's key; empty if nobody does."""
        key = base64.b64encode(b"/service/shop/leader").decode()
        found = self.etcd.ask(0, "kv/range", {"key": key}).get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else ""

    def takes(self, name: str) -> bool:
        """Tell whether a node takes writes."""
        import psycopg

        try:
            with self.session(self.names.index(name)) as session:
                recovers = session.execute("select pg_is_in_recovery()").fetchone()
            return bool(recovers == (False,))
        except psycopg.OperationalError:
            return False

    def servers(self, name: str) -> list[Mark]:
        """Return the PostgreSQL processes of a node, the postmaster first.

        Patroni starts it detached, so that it is no child of Patroni's.
        """
        from hamodel.lab._processes import mark_of, tree

        place = self.nursery.folder / f"patroni-{name}" / "data" / "postmaster.pid"
        root = mark_of(int(place.read_text().splitlines()[0]))
        return tree(root) if root else []

    def session(self, which: int) -> Any:  # noqa: ANN401  psycopg's connection
        """Return a connection to a node that commits every statement."""
        return _connected(self.ports[which])

    @contextlib.contextmanager
    def connect(self) -> Iterator[Callable[[int], object]]:
        """Connect through HAProxy; give the writing function."""
        with _writing(self.entrance) as write:
            yield write

    @contextlib.contextmanager
    def connect_to(self, which: int) -> Iterator[Callable[[int], object]]:
        """Connect to a node itself; give the writing function."""
        with _writing(self.ports[which]) as write:
            yield write

    def numbers(self) -> set[int]:
        """Return the numbers that the leader has."""
        with self.session(self.names.index(self.leader())) as session:
            return {n for (n,) in session.execute("select n from w")}


def _patroni(nursery: Nursery) -> tuple[str, ...]:
    """Return how to start Patroni with a Python that the database's user may run.

    One's own may lie in root's home; then it is the distribution's, of the same
    version, with one's own packages.
    """
    packages = sysconfig.get_path("purelib")
    entry = (
        f"import sys; sys.path.append({packages!r}); "
        "from patroni.__main__ import main; main()"
    )
    mine = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, mine):
        with contextlib.suppress(OSError, RuntimeError):
            nursery.run(python, "-c", f"open({packages + '/patroni/__init__.py'!r})")
            return python, "-c", entry
    raise FileNotFoundError(
        f"Patroni runs as a user who may read neither {sys.executable} nor {packages};"
        " to get one that all may read: apt install python3, and a .venv outside of"
        " root's home"
    )


@contextlib.contextmanager
def _writing(port: int) -> Iterator[Callable[[int], object]]:
    insert = "insert into w values (%s)"
    with _connected(port) as session:
        yield lambda number: session.execute(insert, (number,))


def _connected(port: int) -> Any:  # noqa: ANN401  psycopg's connection
    import psycopg

    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user="lab",
        dbname="postgres",
        connect_timeout=2,
        autocommit=True,
    )
