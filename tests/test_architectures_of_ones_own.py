"""An architecture written outside the package goes wherever the five go."""
# ruff: noqa: ARG001, ARG002  the protocols name arguments that a mirror does not need

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.figure import Figure

import hamodel as ha
from hamodel import plots
from hamodel.architectures import (
    Assumption,
    Conflicts,
    Event,
    LostWrites,
    Model,
    Part,
    Verdict,
    Work,
)
from hamodel.duration import Duration, constant, exponential
from hamodel.structure import Structure, parse
from hamodel.units import HOUR, MINUTE, YEAR


class Known(NamedTuple):
    """What a client of the mirror knows."""

    disks: int = 0
    power: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Mirror:
    """Two disks in one box on one power supply: no copy is ever behind."""

    disk_mttf: float = 1000 * HOUR
    mttr: float = 10 * HOUR
    power_mttf: float = 5 * YEAR
    cost_of_a_disk: float = 1.0

    sites = ("box",)
    all_sites = ("box",)
    site = ha.Site()
    one_writer = True
    assumptions = (Assumption(text="Disks fail independently of each other."),)

    def diagram(self, operation: str = "write") -> Structure:
        return parse('client > power > any("box disk 1", "box disk 2")')

    def _disks(self, failed: int):
        if failed < 2:
            yield Event("fails", self.disk_mttf / (2 - failed), failed + 1)
        if failed:
            yield Event("rebuilt", self.mttr, failed - 1)

    def _power(self, state: str):
        up = state == "on"
        after = self.power_mttf if up else 30 * MINUTE
        yield Event("power", after, "off" if up else "on")

    def model(self) -> Model:
        def absorb(known: Known, site: str, name: str, view: object) -> Known:
            if name == "power":
                return known._replace(power=view == "on")
            return known._replace(disks=2 - view)

        def verdict(known: Known, site: str, operation: str) -> Verdict:
            if not known.power:
                return Verdict("power cut")
            return Verdict(through=site, at=site) if known.disks else Verdict("no disk")

        return Model(
            parts=(
                Part(name="disks", start=0, events=self._disks, view=int),
                Part(name="power", start="on", events=self._power, view=str),
            ),
            sites=self.sites,
            nothing=Known(),
            absorb=absorb,
            verdict=verdict,
        )

    def behaviour(self, workload: ha.Workload) -> MirrorAtWork:
        return MirrorAtWork(spec=self, workload=workload)


@dataclass(frozen=True, kw_only=True, eq=False)
class MirrorAtWork:
    """The mirror under a workload."""

    spec: Mirror
    workload: ha.Workload
    cores = 4
    lag = rpo = constant(0.0)
    lost_writes = LostWrites()
    conflicts = Conflicts()
    stale = transfers = 0.0

    @property
    def database_cost(self) -> float:
        return 2 * self.spec.cost_of_a_disk

    @property
    def rto(self) -> Duration:
        return exponential(self.spec.mttr)

    @property
    def outage(self) -> Duration:
        return self.rto

    def serving(self, known: Known) -> int:
        return 1

    def work(self, known: Known, at: str) -> Work:
        return Work(self.workload.reads / known.disks, self.workload.writes)

    def waits(self, operation: str, at: str):
        return [(1.0, constant(0.0))]

    def work_without(self, site: str) -> tuple[float, Work]:
        return 1.0, self.work(Known(disks=2), site)


MIRROR = Mirror()
LOAD = ha.Workload(reads=900, writes=100)


def by_hand(spec: Mirror) -> float:
    """Two disks as a birth-death chain, and a power supply, by pencil."""
    fail, mend = 1 / spec.disk_mttf, 1 / spec.mttr
    weights = [1, 2 * fail / mend, 2 * fail**2 / mend**2]  # one disk is rebuilt at once
    disks = weights[2] / sum(weights)
    power = 1800 / (1800 + spec.power_mttf)
    return power + (1 - power) * disks


def test_it_is_assessed():
    found = ha.assess(MIRROR, LOAD)
    assert found.write.unavailability == pytest.approx(by_hand(MIRROR), rel=1e-12)
    assert set(found.write.downtime_by_cause) == {"power cut", "no disk"}
    assert found.cost.total == 2
    assert found.single_points_of_failure == ("power",)
    assert found.utilisation["database"] == pytest.approx((450 * 1e-3 + 0.2) / 4)
    assert 0.001 < found.latency["box", "read"].quantile(0.5) < 0.01
    assert 0.9 < found.probability_of_meeting(0.999) < 1
    assert "power cut" in found.write._repr_html_()


def test_its_sites_may_be_overloaded():
    down = ha.assess(MIRROR, ha.Workload(reads=5000, writes=100)).write
    assert down.downtime_by_cause["overload"] > 0  # one disk cannot carry all reads


def test_it_is_compared_and_drawn():
    table = ha.compare([MIRROR, replace(MIRROR, mttr=HOUR)], LOAD)
    assert table.names == ("Mirror 1", "Mirror 2")
    assert table.measures()["Mirror 1"]["cost"] == 2
    plots.draw_comparison(Figure().subplots(), table)
    drawn = plots.draw_topology(Figure().subplots(), MIRROR, ["box disk 1"])
    assert drawn.states["box disk 1"] == "failed"
    assert drawn.states["box disk 2"] == "works"


def test_it_is_simulated():
    run = ha.simulate(MIRROR, LOAD, 4000, np.random.default_rng(1))
    assert by_hand(MIRROR) in run.unavailability["write"]


def test_it_is_swept():
    hours = [1 * HOUR, 10 * HOUR]
    found = ha.sweep(MIRROR, LOAD, mttr=hours)
    expected = [by_hand(replace(MIRROR, mttr=h)) for h in hours]
    assert found.write_unavailability.values == pytest.approx(expected, rel=1e-12)


def test_it_is_decided_on_and_optimised():
    quick = replace(MIRROR, mttr=HOUR)
    limits = ha.Requirements(availability=1 - 40 / 525_600)  # 109 and 7 minutes
    both = {"slow": MIRROR, "quick": quick}
    decision = ha.decide(candidates=both, workload=LOAD, requirements=limits)
    assert decision.ranking == ("quick",)
    assert set(decision.excluded) == {"slow"}
    front = ha.optimise(MIRROR, LOAD, limits, mttr=[HOUR, 10 * HOUR])
    assert front.best.choices["mttr"] == HOUR


def test_what_follows_no_protocol_is_refused_by_name():
    with pytest.raises(ValueError, match=r"must be an Architecture.*got 'pair'"):
        ha.assess("pair")
