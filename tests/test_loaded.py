"""What a file holds goes where an architecture goes."""

import numpy as np
import pytest

import hamodel as ha
from hamodel._fields import replaced
from hamodel.decision import alternatives, improvements
from hamodel.units import MONTH

COVERAGE = "failover.coverage"
PAIR = """\
title: Orders
extends: postgresql-patroni
workload: {reads: 300/s, writes: 50/s}
requirements: {availability: 99.9 %}
"""
MAJORITY = "title: Quorum\nextends: etcd\n"


@pytest.fixture
def files(tmp_path):
    for name, text in (("pair", PAIR), ("etcd", MAJORITY)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return ha.load(tmp_path / "pair.yaml"), ha.load(tmp_path / "etcd.yaml")


def test_an_assessment_of_a_file_is_that_of_what_it_holds(files):
    pair, _ = files
    found = ha.assess(pair)
    direct = ha.assess(pair.architecture, pair.workload)
    assert found.workload is pair.workload
    assert found.write.unavailability == direct.write.unavailability
    other = ha.Workload(reads=1, writes=1)
    assert ha.assess(pair, other).workload is other


def test_files_are_compared_under_the_workload_of_the_first(files):
    table = ha.compare(files)
    assert table.names == ("Orders", "Quorum")
    assert all(a.workload is files[0].workload for a in table.assessments)
    named = ha.compare({"a": files[1], "b": files[0]})
    assert named.names == ("a", "b")
    assert named.assessments[1].workload is files[1].workload


def test_files_are_decided_on_by_the_requirements_of_the_first(files):
    choice = ha.decide(files)
    direct = ha.decide(
        {f.title: f.architecture for f in files},
        files[0].workload,
        files[0].requirements,
    )
    assert (choice.winner, choice.reason) == (direct.winner, direct.reason)
    with pytest.raises(ValueError, match="requirements must be a Requirements"):
        ha.decide(files[::-1])


def test_files_are_simulated_swept_and_optimised(files):
    pair, _ = files
    run = ha.simulate(pair, years=20, rng=np.random.default_rng(1))
    assert set(run.unavailability) == {"read", "write"}
    swept = ha.sweep(pair, failover__promotion=["10 s", "1 min"])
    direct = ha.sweep(pair.architecture, pair.workload, failover__promotion=[10, 60])
    assert swept.write_unavailability.equals(direct.write_unavailability)
    best = ha.optimise(pair, None, pair.requirements, failover__coverage=[0.5, 0.999])
    assert best.best.choices == {"failover__coverage": 0.999}


def test_downtime_is_a_mean_over_what_is_believed_wherever_it_is_asked(tmp_path):
    """Of a coverage between 0.8 and 1: linear in it, so that its mean will do."""
    (tmp_path / "pair.yaml").write_text(
        PAIR.replace("99.9 %", "99 %")
        + "failover: {coverage: {triangular: {low: 80 %, mode: 98 %, high: 100 %}}}\n"
    )
    file = ha.load(tmp_path / "pair.yaml")

    def at(value, **others):
        there = replaced(file.architecture, {"failover.coverage": value, **others})
        return ha.assess(there, file.workload)

    mean = (0.8 + 0.98 + 1) / 3
    true, middle = at(mean).write.unavailability, at(file.uncertain[COVERAGE].median)
    assert true > 1.04 * middle.write.unavailability
    found = ha.assess(file)
    (compared,) = ha.compare([file]).assessments
    (decided,) = ha.decide([file]).assessments.values()
    best = ha.optimise(file, None, file.requirements, failover__manual=[1800]).best
    for one in (found.write, compared.write, decided.write, best):
        assert one.unavailability == pytest.approx(true, rel=1e-4)
    assert sum(found.downtime_by_cause.values()) == pytest.approx(true, rel=1e-4)
    gains = {gain.path: gain.saved for gain in improvements(found)}
    half = true - at(mean, **{"failover.manual": 900}).write.unavailability
    assert gains["failover.manual"] == pytest.approx(half, rel=1e-3)
    lasting = at(mean, **{"database.mttf": 2 * file.architecture.database.mttf})
    gain = true - lasting.write.unavailability
    assert gains["database.mttf"] == pytest.approx(gain, rel=1e-3)
    other = next(a for a in alternatives(found) if a.after == "sync")
    sync = true - at(mean, **{"replication.mode": "sync"}).write.unavailability
    assert other.saved == pytest.approx(sync, rel=1e-3)
    draws = file.uncertain[COVERAGE].quantile((np.arange(40) + 0.5) / 40)
    chance = np.mean([at(x).probability_of_meeting(0.9999, MONTH) for x in draws])
    assert found.probability_of_meeting(0.9999, MONTH) == pytest.approx(chance, 2e-3)
    load = ha.Workload(reads=1, writes=1)
    assert ha.assess(file, load).workload is load


def test_what_no_design_may_be_is_excluded_with_its_reason(files):
    pair, quorum = files
    slow = ha.replication.WriteStage(service=0.05)  # 20 writes/s, and 50 come
    behind = ha.ActivePassive(
        database=pair.architecture.database,
        failover=pair.architecture.failover,
        replication=ha.replication.Replication(apply=slow),
    )
    few = {"pair": pair.architecture, "behind": behind, "quorum": quorum.architecture}
    need = ha.Requirements(availability=0.9, rpo_p99=3600)
    choice = ha.decide(few, ha.Workload(reads=300, writes=50), need)
    assert set(choice.excluded) == {"behind"}
    said = [str(finding) for finding in choice.excluded["behind"]]
    assert said[0] == (
        "time until half of the writes are copied: endless, and 1 yr is allowed"
    )
    assert any("age of the oldest lost write, 99 %: endless" in one for one in said)
    assert "overloaded" not in repr(choice)
    full = ha.decide(few, ha.Workload(reads=50_000, writes=50), need)
    assert str(full.excluded["pair"][0]).startswith("load of the busiest part: ")
    assert full.winner is None
    assert "overloaded" in str(full.table)
