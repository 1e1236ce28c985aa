"""What Patroni needs around it: etcd, its nodes, HAProxy, links that can be cut."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import sysconfig
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from hamodel.lab import _packages, haproxy
from hamodel.lab._clients import Write
from hamodel.lab._packages import Connection
from hamodel.lab._processes import Mark, Nursery, free_ports, mark_of, tree, until
from hamodel.lab._relay import Relay
from hamodel.lab.etcd import Cluster
from hamodel.lab.postgresql import INSERT, connected, numbers, unreached

if TYPE_CHECKING:
    from pathlib import Path

_CHECKS = (1.0, 3, 2)  # s between HAProxy's checks, those to mark down, and up


class Settings(Protocol):
    """Patroni's settings in s, and how many nodes it has."""

    @property
    def ttl(self) -> float:
        """Time until the lock expires."""
        ...

    @property
    def loop_wait(self) -> float:
        """Time between renewals."""
        ...

    @property
    def retry_timeout(self) -> float:
        """Time for which the store is retried."""
        ...

    @property
    def nodes(self) -> int:
        """How many there are."""
        ...


class Site:
    """etcd, Patroni's nodes and HAProxy on the loopback."""

    def __init__(self, of: Settings, nursery: Nursery) -> None:
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
                until(lambda: self.takes("n0"), "the first leader", 90)
        until(self._all_stream, "standbys that stream", 90, unreached())
        with self.session(self.names.index(self.leader())) as session:
            session.execute("create table w (n bigint primary key)")
        self._start_haproxy()

    def _settings(self, n: int, place: Path) -> dict[str, object]:
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

    def _all_stream(self) -> bool:
        # A base backup streams too, under a name of its own.
        asked = (
            "select count(*) from pg_stat_replication"
            " where state = 'streaming' and application_name ~ '^n[0-9]+$'"
        )
        with self.session(0) as session:
            found = session.execute(asked).fetchone()
        return bool(found == (self.of.nodes - 1,))

    def leader(self) -> str:
        """Return who holds the leader's key; empty if nobody does."""
        key = base64.b64encode(b"/service/shop/leader").decode()
        found = self.etcd.ask(0, "kv/range", {"key": key}).get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else ""

    def takes(self, name: str) -> bool:
        """Tell whether a node takes writes."""
        with (
            contextlib.suppress(*unreached()),
            self.session(self.names.index(name)) as session,
        ):
            recovers = session.execute("select pg_is_in_recovery()").fetchone()
            return bool(recovers == (False,))
        return False

    def servers(self, name: str) -> list[Mark]:
        """Return the PostgreSQL processes of a node, the postmaster first.

        Patroni starts it detached, so that it is no child of Patroni's.
        """
        place = self.nursery.folder / f"patroni-{name}" / "data" / "postmaster.pid"
        root = mark_of(int(place.read_text().splitlines()[0]))
        return tree(root) if root else []

    def session(self, which: int) -> Connection:
        """Return a connection to a node that commits every statement."""
        return connected(self.ports[which])

    def numbers(self) -> set[int]:
        """Return the numbers that the leader has."""
        return numbers(self.session(self.names.index(self.leader())))


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
def writing(port: int) -> Iterator[Write]:
    """Connect to a port; give the writing function."""
    with connected(port) as session:
        yield lambda number: session.execute(INSERT, (number,))
