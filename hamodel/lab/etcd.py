"""Members of etcd that elect a leader, and clients that write to each."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar
from urllib.error import URLError
from urllib.request import Request, urlopen

from hamodel import failover, fields
from hamodel._types import Json
from hamodel.duration import Duration
from hamodel.lab import _packages
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._processes import Mark, Nursery, Struck, free_ports, strike, until

_PAUSE = 0.02  # s from a writer's answer to its next write
_ANSWER = 0.3  # s that a client waits for an answer before it sends again
_AGAIN = _ANSWER + 0.0125  # s from try to try: 10 ms of `Writers`, 2.5 to connect


@fields.documented
@dataclass(frozen=True, kw_only=True)
class Etcd(Experiment):
    """A cluster of etcd: the leader is killed or stopped; another is elected.

    t0 is the first signal.  Each of the other members has a writer of its own, which
    sends again after 0.3 s without an answer; `leader_s` is when one of them names
    another leader, asked every 10 ms; `gap_min_s` and `gap_max_s` are from t0
    until the first and the last of them was served for a write sent after t0.

    Attributes
    ----------
    fault : str
        "kill" (SIGKILL) or "hang" (SIGSTOP).
    """

    election_timeout: float = fields.span("election timeout", default=1.0)
    heartbeat: float = fields.span("heartbeat", default=0.1)
    members: int = fields.whole("members", 3, default=3)

    name: ClassVar = "etcd"
    programs: ClassVar = ("etcd",)
    faults: ClassVar = ("kill", "hang")
    stages: ClassVar = {"leader_s": "timer", "gap_min_s": "timer"}
    seconds: ClassVar = 8.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the gap, from the settings and the rules of etcd."""
        rules = self.election
        return {"leader_s": rules.elected, "gap_min_s": rules.duration}

    @property
    def election(self) -> failover.Election:
        """The rules of etcd, for a leader whose members hear of every write."""
        return failover.Election(
            election_timeout=self.election_timeout,
            heartbeat=self.heartbeat,
            nodes=self.members,
            contact=_PAUSE,
            retry=_AGAIN,
            paced=True,
            clients=self.members - 1,
        )

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start the members, and a writer at each that is not the leader."""
        cluster = Cluster(nursery, self.members, self.election_timeout, self.heartbeat)
        cluster.start()
        leader = cluster.leader()
        others = [n for n in range(self.members) if n != leader]
        turns = iter(others * 1000)
        assigned: dict[int, int] = {}

        @contextlib.contextmanager
        def connect() -> Iterator[Callable[[int], object]]:
            """Give each thread a member of its own."""
            me = threading.get_ident()
            member = assigned.setdefault(me, next(turns))
            yield lambda number: cluster.put(member, f"w{number}", "1")

        with Writers(connect, count=len(others), pause=_PAUSE) as writers:
            known = cluster.status(leader)["leader"]
            yield _Leader(self, nursery, cluster, leader, writers.started(), known)


@dataclass
class _Leader:
    of: Etcd
    nursery: Nursery
    cluster: Cluster
    leader: int
    writers: Writers
    known: str  # the leader's name among members

    @property
    def others(self) -> list[int]:
        """The members that are left."""
        return [n for n in range(self.of.members) if n != self.leader]

    def victims(self) -> list[Mark]:
        """Return the processes of the leader."""
        return self.nursery.tree(f"etcd-{self.leader}")

    def fail(self) -> Struck:
        return strike(self.victims(), self.of.fault)

    def observe(self, struck: Struck) -> Row:
        with ThreadPoolExecutor(1) as threads:
            elected = threads.submit(self._elected, struck.begun + self.of.patience)
            seen = self.writers.recovery(struck, self.of.patience)
            row: Row = {"leader_s": elected.result() - struck.begun}
        row |= {"gap_min_s": seen["rto_first_s"], "gap_max_s": seen["rto_all_s"]}
        row |= {"acked": seen["acked"], "censored": seen["censored"]}
        if not seen["censored"]:
            other = self.others[0]
            row["lost"] = self.writers.lost(lambda: self.cluster.numbers(other))
        return row

    def _elected(self, last: float) -> float:
        """Return when a member that is left first names another leader."""
        while time.monotonic() < last:
            for n in self.others:
                with contextlib.suppress(OSError):
                    now = self.cluster.status(n).get("leader", "0")
                    if now not in {"0", self.known}:
                        return time.monotonic()
            time.sleep(0.01)
        return math.nan


class Cluster:
    """Members of an etcd cluster on the loopback, spoken to by the JSON gateway."""

    def __init__(
        self,
        nursery: Nursery,
        members: int = 3,
        election_timeout: float = 1.0,
        heartbeat: float = 0.1,
    ) -> None:
        self.nursery = nursery
        ports = free_ports(2 * members)
        self.clients, self.peers = ports[:members], ports[members:]
        self._times = (election_timeout, heartbeat)

    def start(self) -> None:
        """Start all members and wait until they have a leader."""
        all_peers = ",".join(
            f"m{n}=http://127.0.0.1:{port}" for n, port in enumerate(self.peers)
        )
        timeout, heartbeat = self._times
        for n, (client, peer) in enumerate(zip(self.clients, self.peers, strict=True)):
            here, there = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
            options = {
                "name": f"m{n}",
                "data-dir": self.nursery.place(f"etcd-{n}"),
                "listen-client-urls": here,
                "advertise-client-urls": here,
                "listen-peer-urls": there,
                "initial-advertise-peer-urls": there,
                "initial-cluster": all_peers,
                "heartbeat-interval": round(heartbeat * 1e3),
                "election-timeout": round(timeout * 1e3),
                "unsafe-no-fsync": "true",
                "log-level": "warn",
            }
            words = [f"--{name}={value}" for name, value in options.items()]
            self.nursery.start(f"etcd-{n}", _packages.needed("etcd"), *words)
        until(self._all_led, "an etcd with a leader", 30)

    def _all_led(self) -> bool:
        leaders = set()
        for n in range(len(self.clients)):
            with contextlib.suppress(OSError, KeyError, ValueError):
                leaders.add(self.status(n)["leader"])
        return len(leaders) == 1 and "0" not in leaders

    def status(self, member: int) -> Json:
        """Return what a member says of itself and of the leader."""
        return self.ask(member, "maintenance/status", {})

    def leader(self) -> int:
        """Return the number of the leader."""
        told = [self.status(n) for n in range(len(self.clients))]
        ids = [each["header"]["member_id"] for each in told]
        return ids.index(told[0]["leader"])

    def term(self) -> int:
        """Return the greatest term that a member knows."""
        return max(int(self.status(n)["raftTerm"]) for n in range(len(self.clients)))

    def put(self, member: int, key: str, value: str) -> None:
        """Write a key by a member; return when it is committed."""
        self.ask(member, "kv/put", {"key": _coded(key), "value": _coded(value)})

    def numbers(self, member: int) -> set[int]:
        """Return the numbers n of the keys wn that a member has."""
        asked = {"key": _coded("w"), "range_end": _coded("x"), "keys_only": True}
        found = self.ask(member, "kv/range", asked, patience=10.0).get("kvs", [])
        return {int(base64.b64decode(each["key"])[1:]) for each in found}

    def ask(
        self, member: int, what: str, words: object, patience: float = _ANSWER
    ) -> Json:
        """Send a request to a member of the cluster; return the answer."""
        address = f"http://127.0.0.1:{self.clients[member]}/v3/{what}"
        request = Request(address, json.dumps(words).encode())
        try:
            with urlopen(request, timeout=patience) as answer:
                return json.load(answer)
        except URLError as error:
            raise ConnectionError(str(error)) from error


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
