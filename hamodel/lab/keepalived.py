"""Two machines that share an address by keepalived, in network namespaces."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from hamodel import failover, fields
from hamodel.duration import Duration
from hamodel.lab import _packages
from hamodel.lab._experiment import Bench, Experiment, Row
from hamodel.lab._processes import Nursery, Struck, acted, seen, strike, until

_ADDRESS = "10.77.0.100"
_MASTER = 200  # priority of the one that holds the address at first


@fields.documented
@dataclass(frozen=True, kw_only=True)
class Keepalived(Experiment):
    """Two machines with keepalived: the one with the address is killed or cut off.

    Each machine is a network namespace, and a switch in a third one joins them.  t0 is
    the signal, or when the switch forgets a port, which neither machine can see;
    `taken_s` is when the other has the address.

    Attributes
    ----------
    interval : float
        advert_int in s, a whole number.
    fault : str
        "kill" (SIGKILL of keepalived) or "cut" (of the network between).
    """

    interval: float = fields.span("between advertisements", default=1.0)
    priority: int = fields.whole("priority of the backup", default=100)

    name: ClassVar = "keepalived"
    programs: ClassVar = ("keepalived", "ip")
    faults: ClassVar = ("kill", "cut")
    stages: ClassVar = {"taken_s": "timer"}
    seconds: ClassVar = 12.0

    def prediction(self) -> dict[str, Duration]:
        """Return the law of the takeover (RFC 5798)."""
        router = failover.Vrrp(interval=self.interval, priority=self.priority)
        return {"taken_s": router.duration}

    @property
    def beat(self) -> float:
        """Time in s between two advertisements."""
        return self.interval

    @property
    def lacks(self) -> str:
        """What is missing here beside programs; empty if nothing."""
        tried = ["unshare", "-n", "true"]
        if os.geteuid() or not shutil.which("unshare"):
            return "root, for network namespaces and VRRP"
        done = subprocess.run(tried, capture_output=True, check=False)
        return "network namespaces" if done.returncode else ""

    @contextlib.contextmanager
    def bench(self, nursery: Nursery) -> Iterator[Bench]:
        """Join two namespaces by a switch, and start keepalived in each."""
        names = [f"hamodel-{os.getpid()}-{n}" for n in range(3)]
        with _switch(names):
            for n, priority in enumerate((_MASTER, self.priority)):
                self._start(nursery, n, names[n], priority)
            until(lambda: _holds(names[0]), "a master", 20)
            time.sleep(3 * self.interval)
            if _holds(names[1]):
                raise RuntimeError("both hold the address: the switch does not switch")
            yield _Trial(self, nursery, names)

    def _start(self, nursery: Nursery, n: int, name: str, priority: int) -> None:
        place = nursery.place(f"keepalived-{n}")
        file = place / "keepalived.conf"
        file.write_text(
            "global_defs {\n  vrrp_garp_master_delay 0\n}\n"
            "vrrp_instance shop {\n"
            f"  state BACKUP\n  interface eth{n}\n  virtual_router_id 77\n"
            f"  priority {priority}\n  advert_int {self.interval:g}\n"
            f"  virtual_ipaddress {{\n    {_ADDRESS}/24\n  }}\n}}\n"
        )
        words = ["--dont-fork", "--log-console", "--vrrp", "--use-file", str(file)]
        words += ["--pid", f"{place}/k.pid", "--vrrp_pid", f"{place}/v.pid"]
        keepalived = ("netns", "exec", name, str(_packages.needed("keepalived")))
        ip = _packages.needed("ip")
        nursery.start(f"keepalived-{n}", ip, *keepalived, *words, as_root=True)


@dataclass
class _Trial:
    of: Keepalived
    nursery: Nursery
    names: list[str]

    def fail(self) -> Struck:
        if self.of.fault == "kill":  # the parent last: its death makes the child resign
            return strike(self.nursery.tree("keepalived-0")[::-1], "kill")
        away = ("-n", self.names[2], "link", "set", "port0", "nomaster")
        return acted(lambda: _ip(*away))

    def observe(self, struck: Struck) -> Row:
        return seen(lambda: _holds(self.names[1]), "taken_s", struck, self.of.patience)


@contextlib.contextmanager
def _switch(names: list[str]) -> Iterator[None]:
    """Make two namespaces, and a third that joins them; they go when the block ends."""
    try:
        for name in names:
            _ip("netns", "add", name)
        hub = names[2]
        _ip("-n", hub, "link", "add", "hub", "type", "bridge")
        _ip("-n", hub, "link", "set", "hub", "up")
        for n, name in enumerate(names[:2]):
            near, port = f"eth{n}", f"port{n}"
            pair = ("type", "veth", "peer", "name", port, "netns", hub)
            _ip("-n", name, "link", "add", near, *pair)
            _ip("-n", hub, "link", "set", port, "master", "hub", "up")
            _ip("-n", name, "addr", "add", f"10.77.0.{n + 1}/24", "dev", near)
            for link in ("lo", near):
                _ip("-n", name, "link", "set", link, "up")
        yield
    finally:
        for name in names:
            with contextlib.suppress(RuntimeError):
                _ip("netns", "del", name)


def _holds(name: str) -> bool:
    return _ADDRESS in _ip("-n", name, "-4", "-o", "addr", "show")


def _ip(*words: str) -> str:
    done = subprocess.run(
        [_packages.needed("ip"), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
