"""hamodel: availability, recovery time, lag and latency of architectures.

Markov-chain and queueing models that answer, before anything is built, how available
a service will be, how long a failover takes, what it can lose and how slow it gets.
Every time is in seconds.  Names load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel._extras import on_demand

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


_HOMES = {
    "architectures": "ActiveActive ActivePassive Architecture Cache Leaderless "
    "Maintenance Majority Node SinglePrimary Site Standby Tier",
    "assessment": "Assessment assess compare",
    "calibration": "calibrate",
    "chain": "Chain",
    "decision": "Decision Requirements decide optimise",
    "failover": "Failover",
    "simulation": "simulate",
    "specfile": "load",
    "sweeping": "sweep",
    "workload": "Workload",
}
_ROOMS = frozenset(__all__).difference(*map(str.split, _HOMES.values()))
__getattr__ = on_demand("hamodel", _HOMES, _ROOMS)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
