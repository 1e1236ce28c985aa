"""HAProxy and its checks: when a server is used, and when it no longer is."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from hamodel import failover, fields
from hamodel.duration import Duration
from hamodel.lab import _packages
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._processes import Nursery, Struck, acted, free_ports, seen, until

_ANSWER = 0.5  # s that a client waits for an answer


@fields.documented
@dataclass(frozen=True, kw_only=True)
class Haproxy(Experiment):
    """HAProxy before a server that begins, or ceases, to say that it is the primary.

    t0 is when the server changes its answer; `seen_s` is when a client that asks every
    10 ms is first led to it, or first turned away.

    Attributes
    ----------
    fault : str
        "rise" (it becomes the primary) or "fall" (it is the primary no more).
    """

    interval: float = fields.span("from check to check", default=1.0)
    rise: int = fields.whole("checks in a row that must succeed", default=2)
    fall: int = fields.whole("checks in a row that must fail", default=3)
    fault: str = fields.word("what its server does", default="rise")

    name: ClassVar = "haproxy"
    programs: ClassVar = ("haproxy",)
    faults: ClassVar = ("rise", "fall")
    stages: ClassVar = {"seen_s": "timer"}
    seconds: ClassVar = 8.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of HAProxy's decision."""
        check = failover.ProxyCheck(
            interval=self.interval, rise=self.rise, fall=self.fall
        )
        rises = self.fault == "rise"
        return {"seen_s": check.duration if rises else check.marks_down}

    @property
    def beat(self) -> float:
        """Time in s from check to check."""
        return self.interval

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Start a server, HAProxy before it, and wait until it is used, or not."""
        with _Server(primary=self.fault == "fall") as server:
            entrance = free_ports(1)[0]
            every = f"{self.interval * 1e3:.0f}ms"
            line = f"check inter {every} rise {self.rise} fall {self.fall}"
            start(nursery, entrance, [f"server one 127.0.0.1:{server.port} {line}"])
            trial = _Trial(self, server, entrance)
            until(trial.is_seen, "the first checks", 10 + self.fall * self.interval)
            yield trial


@dataclass
class _Trial:
    of: Haproxy
    server: _Server
    entrance: int

    def is_seen(self) -> bool:
        """Tell whether clients are led as the server says."""
        return _served(self.entrance) == self.server.primary

    def fail(self) -> Struck:
        return acted(self.server.turn)

    def observe(self, struck: Struck) -> Row:
        return seen(self.is_seen, "seen_s", struck, self.of.patience)


class _Server:
    """A server of the loopback; whether it is the primary can be changed."""

    def __init__(self, *, primary: bool) -> None:
        self.primary = primary
        outer = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_check = self.path == "/primary"
                self.send_response(200 if outer.primary or not is_check else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.port = int(self._server.server_address[1])

    def turn(self) -> None:
        self.primary = not self.primary

    def __enter__(self) -> _Server:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def start(nursery: Nursery, entrance: int, servers: list[str]) -> None:
    """Start HAProxy before the servers that answer 200 to `GET /primary`."""
    place = nursery.place("haproxy")
    file = place / "haproxy.cfg"
    lines = "".join(f"  {server}\n" for server in servers)
    file.write_text(
        "defaults\n  mode tcp\n  timeout connect 1s\n"
        "  timeout client 30m\n  timeout server 30m\n"
        f"listen shop\n  bind 127.0.0.1:{entrance}\n"
        "  option httpchk GET /primary\n  http-check expect status 200\n"
        f"  default-server on-marked-down shutdown-sessions\n{lines}"
    )
    nursery.own(place)
    nursery.start("haproxy", _packages.needed("haproxy"), "-f", file, "-db")


def _served(port: int) -> bool:
    """Tell whether a server answers behind a port."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER)
    try:
        asked.request("GET", "/")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
