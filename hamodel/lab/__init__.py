"""Real databases on this machine: failed for real, measured, held against predictions.

An experiment is one dataclass.  Its fields are the settings of the product; from them
alone comes the prediction, and with them the real programs are started, failed and
watched:

    >>> from hamodel import lab
    >>> watch = lab.RedisSentinel(down_after=1, fault="kill")
    >>> round(float(watch.prediction()["switch_s"].mean), 1)
    2.2
    >>> watch.record(n=8).compare()  # doctest: +SKIP

The surprise is what can be told beforehand: what waits for a timer comes out within
some percent, on a busy machine too; what the machine works through does not, and is
left out of the verdict where the machine was busy.

Everything runs on the loopback, on free ports, as an unprivileged user, in a folder of
its own; whatever was started is ended, after an interrupt and after a crash too.

Assumptions: one machine, so that clocks agree and the network is never lost but by the
relay or the signal of an experiment.  A kill on the loopback resets connections at
once, which makes a crash look friendlier than a lost host.  Needs Linux, and the extra
`lab`.
"""

from hamodel.lab._experiment import Agreements, Experiment, Recorded, opened, workplace
from hamodel.lab._packages import fetch, missing, plan
from hamodel.lab._processes import end_strays
from hamodel.lab._relay import Relay
from hamodel.lab.etcd import Etcd
from hamodel.lab.haproxy import Haproxy
from hamodel.lab.keepalived import Keepalived
from hamodel.lab.patroni import Patroni
from hamodel.lab.postgresql import Watchdog
from hamodel.lab.redis import Isolated
from hamodel.lab.sentinel import RedisSentinel
from hamodel.lab.stall import Stall

#: The experiments by name.
EXPERIMENTS: dict[str, type[Experiment]] = {
    kind.name: kind
    for kind in (
        *(Watchdog, RedisSentinel, Etcd, Patroni),
        *(Haproxy, Keepalived, Isolated, Stall),
    )
}

__all__ = [
    "EXPERIMENTS",
    "Agreements",
    "Etcd",
    "Experiment",
    "Haproxy",
    "Isolated",
    "Keepalived",
    "Patroni",
    "Recorded",
    "RedisSentinel",
    "Relay",
    "Stall",
    "Watchdog",
    "end_strays",
    "fetch",
    "missing",
    "opened",
    "plan",
    "workplace",
]
