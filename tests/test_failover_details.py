"""Details of the failover model that no result shows by itself."""

import numpy as np
import pytest

from hamodel.architectures import ActivePassive, Node, PairState, Site, Standby
from hamodel.duration import exponential
from hamodel.failover import Failover
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
