"""Sweeps of an architecture: a million scenarios, and against asking one by one."""

import numpy as np

from benchmarks.harness import fastest, row, speedup
from hamodel import ActivePassive, Failover, Node, assess, sweep
from hamodel._fields import replaced
from hamodel.units import HOUR

PAIR = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(detection=10, promotion=20, coverage=0.99),
)


def grid(side: int):
    return {
        "promotion": np.linspace(0, 300, side),
        "database__mttf": np.geomspace(1e6, 1e8, side),
        "failover__coverage": np.linspace(0.9, 1, side),
    }


@row("1e6 scenarios of active-passive, writes' unavailability, s of CPU", at_most=5)
def million() -> float:
    def ask():
        return sweep(PAIR, quantities="write_unavailability", **grid(100))

    return fastest(ask, rounds=2)[0]


@row("729 scenarios of active-passive, against a loop over assess", at_least=20)
def one_by_one() -> float:
    names, values = zip(*grid(9).items(), strict=True)
    points = [
        dict(zip(names, map(float, point), strict=True))
        for point in np.stack(np.meshgrid(*values), axis=-1).reshape(-1, 3)
    ]

    def loop():
        return [assess(replaced(PAIR, p)).write.unavailability for p in points]

    def ours():
        return sweep(PAIR, quantities="write_unavailability", **grid(9))

    return speedup(loop, ours)
