"""hamodel: availability, recovery time, lag and latency of architectures.

Markov-chain and queueing models that answer, before anything is built, how available
a service will be, how long a failover takes, what it can lose and how slow it gets.
Every time is in seconds.  Names load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hamodel import (
        architectures,
        assessment,
        calibration,
        catalogue,
        chain,
        conflicts,
        decision,
        duration,
        failover,
        lab,
        markov,
        objectives,
        overload,
        plots,
        queueing,
        quorum,
        recordings,
        replication,
        specfile,
        structure,
        sweeping,
        uncertainty,
        units,
    )
    from hamodel.architectures import (
        ActiveActive,
        ActivePassive,
        Architecture,
        Cache,
        Leaderless,
        Maintenance,
        Majority,
        Node,
        SinglePrimary,
        Site,
        Standby,
        Tier,
    )
    from hamodel.assessment import Assessment, assess, compare
    from hamodel.calibration import calibrate
    from hamodel.chain import Chain
    from hamodel.decision import Decision, Requirements, decide, optimise
    from hamodel.failover import Failover
    from hamodel.simulation import simulate
    from hamodel.specfile import load
    from hamodel.sweeping import sweep
    from hamodel.workload import Workload

__version__ = "0.1.0"

_HOME = {  # public name: the room that holds it
    "ActiveActive": "hamodel.architectures",
    "ActivePassive": "hamodel.architectures",
    "Architecture": "hamodel.architectures",
    "Assessment": "hamodel.assessment",
    "Cache": "hamodel.architectures",
    "Chain": "hamodel.chain",
    "Decision": "hamodel.decision",
    "Failover": "hamodel.failover",
    "Leaderless": "hamodel.architectures",
    "Maintenance": "hamodel.architectures",
    "Majority": "hamodel.architectures",
    "Node": "hamodel.architectures",
    "Requirements": "hamodel.decision",
    "SinglePrimary": "hamodel.architectures",
    "Site": "hamodel.architectures",
    "Standby": "hamodel.architectures",
    "Tier": "hamodel.architectures",
    "Workload": "hamodel.workload",
    "assess": "hamodel.assessment",
    "calibrate": "hamodel.calibration",
    "compare": "hamodel.assessment",
    "decide": "hamodel.decision",
    "load": "hamodel.specfile",
    "optimise": "hamodel.decision",
    "simulate": "hamodel.simulation",
    "sweep": "hamodel.sweeping",
}
_ROOMS = {
    "architectures",
    "assessment",
    "calibration",
    "catalogue",
    "chain",
    "conflicts",
    "decision",
    "duration",
    "failover",
    "lab",
    "markov",
    "objectives",
    "overload",
    "plots",
    "queueing",
    "quorum",
    "recordings",
    "replication",
    "specfile",
    "structure",
    "sweeping",
    "uncertainty",
    "units",
}

__all__ = [
    "ActiveActive",
    "ActivePassive",
    "Architecture",
    "Assessment",
    "Cache",
    "Chain",
    "Decision",
    "Failover",
    "Leaderless",
    "Maintenance",
    "Majority",
    "Node",
    "Requirements",
    "SinglePrimary",
    "Site",
    "Standby",
    "Tier",
    "Workload",
    "architectures",
    "assess",
    "assessment",
    "calibrate",
    "calibration",
    "catalogue",
    "chain",
    "compare",
    "conflicts",
    "decide",
    "decision",
    "duration",
    "failover",
    "lab",
    "load",
    "markov",
    "objectives",
    "optimise",
    "overload",
    "plots",
    "queueing",
    "quorum",
    "recordings",
    "replication",
    "simulate",
    "specfile",
    "structure",
    "sweep",
    "sweeping",
    "uncertainty",
    "units",
]


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f"hamodel.{name}")
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'hamodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
