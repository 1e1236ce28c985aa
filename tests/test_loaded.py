"""What a file holds goes where an architecture goes."""

import numpy as np
import pytest

import hamodel as ha

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
        "time until half of the writes are copied: never, and 1 yr is allowed"
    )
    assert any("age of the oldest lost write, 99 %: never" in one for one in said)
    assert "overloaded" not in repr(choice)
    full = ha.decide(few, ha.Workload(reads=50_000, writes=50), need)
    assert str(full.excluded["pair"][0]).startswith("load of the busiest part: ")
    assert full.winner is None
    assert "overloaded" in str(full.table)
