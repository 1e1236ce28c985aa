"""Details of the failover model that no result shows by itself."""

from dataclasses import replace

import numpy as np
import pytest

from hamodel.architectures import ActivePassive, Node, PairState, Site, Standby
from hamodel.duration import exponential
from hamodel.failover import MECHANISMS, STAGES, UNUSED, Failover, as_stage
from hamodel.fields import described
from hamodel.units import HOUR


def test_a_stage_that_is_not_named_takes_no_time():
    assert set(Failover().stages.values()) == {0}
    assert Failover().coverage == 1


def test_a_site_is_back_after_four_hours_unless_said_otherwise():
    assert Site().mttr == 4 * HOUR == 14_400


def test_a_standby_fails_while_it_takes_over_as_often_as_said():
    pair = ActivePassive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=Failover(promotion=30),
        standby=Standby(takeover_mttf=500),
    )
    rates = pair.chain().rates
    assert rates[PairState("switching"), PairState("none")] == 1 / 500


def test_a_short_stage_is_a_stage():
    spans = Failover(detection=0.25, promotion=0.5).sample(np.random.default_rng(1))
    assert [(s.stage, s.begin, s.end) for s in spans] == [
        ("detection", 0.0, 0.25),
        ("promotion", 0.25, 0.75),
    ]


def test_each_stage_is_drawn_once_and_in_order():
    first, second = exponential(5), exponential(7)
    failover = Failover(detection=first, promotion=second)
    spans = failover.sample(np.random.default_rng(2))
    rng = np.random.default_rng(2)
    drawn = [law.sample(1, rng)[0] for law in (first, second)]
    assert [s.end - s.begin for s in spans] == pytest.approx(drawn, rel=1e-12)


def test_attempts_are_counted_where_there_is_another():
    assert Failover(retry=5.0, tries=2).tries == 2
    with pytest.raises(ValueError, match="tries must be None without a retry"):
        Failover(tries=2)


@pytest.mark.parametrize("coverage", [0, [0.5, 0.0]])
def test_attempts_without_end_need_a_chance(coverage):
    with pytest.raises(ValueError, match="coverage must be > 0 where attempts go on"):
        Failover(coverage=coverage, retry=0)
    assert Failover(coverage=coverage).retry is None
    assert Failover(coverage=coverage, retry=0, tries=2).tries == 2
    Failover(coverage=0.5, retry=0).check_coverage("coverage", None)
    Failover(coverage=[0.5, 1.0], retry=0)


@pytest.mark.parametrize("made", [m for m in MECHANISMS.values() if m in UNUSED])
def test_what_changes_nothing_of_a_stage_is_known(made):
    """Each field is moved: it moves the law of a stage, or is listed as of no use."""
    values = {"version": 2, "ignoring": 0.2, "failed": 0.2, "healthy": 0.5}
    values |= {"timeout": 0.5, "hang": True, "quorum": 3, "sentinels": 5}
    values |= {"down_after": 1.0}  # a promotion is seen later where it is short
    base = made(**{n: 0.1 for n in ("ignoring", "failed") if n in described(made)})

    def law(mechanism, stage):
        given = as_stage(stage, mechanism)
        return [float(given.mean), *map(float, given.quantile([0.05, 0.5, 0.95]))]

    for stage in (one for one in STAGES if hasattr(made, one)):
        unused = set()
        for name in described(made):
            was = getattr(base, name)
            other = replace(base, **{name: values.get(name, was + 1)})
            unused |= {name} if law(other, stage) == law(base, stage) else set()
        assert unused == set(UNUSED[made].get(stage, ()))
