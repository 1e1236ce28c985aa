"""Active-active sites that are replicated primaries: every answer beside downtime."""

import numpy as np
import pytest

import hamodel as ha
from hamodel import duration
from hamodel._quantity import mean_of
from hamodel.architectures import Region
from hamodel.architectures._first import (
    Both,
    Left,
)
from hamodel.architectures._pair_rules import rules_of
from hamodel.architectures._region import Regional, _less
from hamodel.units import DAY, HOUR, YEAR


def test_a_race_and_what_it_leaves_have_the_laws_that_are_drawn():
    inside, away = duration.lognormal(mean=60, cv=0.5), duration.uniform(60, 90)
    race = Both(one=inside, other=away)
    for time in (race, Left(race=race)):
        drawn = time.sample(200_000, np.random.default_rng(5))
        assert float(mean_of(time)) == pytest.approx(drawn.mean(), rel=0.01)
        assert time.var == pytest.approx(drawn.var(), rel=0.08)
        levels = np.array([0.1, 0.5, 0.9])
        assert time.quantile(levels) == pytest.approx(
            np.quantile(drawn, levels), rel=0.03, abs=0.3
        )


def test_a_region_has_every_answer_of_an_assessment():
    sites = ha.ActiveActive(
        database=ha.Node(mttf=60 * DAY, mttr=3 * HOUR),
        failover=ha.Failover(detection=75, redirection=30, coverage=0.99),
        region=Region(failover=ha.Failover(promotion=27, coverage=0.98, manual=1200)),
    )
    found = ha.assess(sites, ha.Workload(reads=90, writes=10))
    chances = [found.probability_of_meeting(t, horizon=YEAR) for t in (0.9999, 0.99999)]
    assert 1 > chances[0] > chances[1] > 0
    assert found.downtime_quantile(0.5) > 0
    assert found.to_dict()["measures"]


def test_what_comes_back_from_a_backup_the_other_sites_have():
    """Of a disk they lack what is under way, and a standby what is on its way to it."""
    disk = ha.architectures.Failure(
        kind="disk", mttf=200 * DAY, mttr=8 * HOUR, backup=DAY
    )
    sites = ha.ActiveActive(
        database=ha.Node(mttf=60 * DAY, mttr=3 * HOUR),
        failover=ha.Failover(redirection=30),
        region=Region(
            failover=ha.Failover(promotion=27, coverage=0.9), failures=(disk,)
        ),
    )
    load = ha.Workload(reads=900, writes=100, round_trip=0.08, hop=0.001)
    lost = ha.assess(sites, load).lost_writes.by_failure
    assert lost["disk, from backup"].writes == pytest.approx(100 / 2 * 0.04)
    assert lost["disk"].writes == pytest.approx(100 / 2 * 0.0005)
    alone = ha.assess(sites.region.primary(sites.database, sites.site), load)
    day = alone.lost_writes.by_failure["disk, from backup"]
    assert day.writes == pytest.approx(100 * DAY / 2)


def test_what_is_left_of_a_time_is_never_negative():
    assert [_less(10.0, 4.0), _less(4.0, 10.0)] == [6.0, 0.0]
    anew = duration.exponential(5.0)
    assert _less(anew, 4.0) is anew


@pytest.mark.parametrize(
    ("inside", "outside", "crews"),
    [
        ({"promotion": 30, "coverage": 0.9}, {"redirection": 60, "coverage": 0.9}, 1),
        ({"promotion": 30, "coverage": 0.8}, {"redirection": 60, "coverage": 0.7}, 2),
        (
            {"promotion": 120, "coverage": 0.8},
            {"redirection": 60, "coverage": 0.8, "manual": 900},
            1,
        ),
    ],
)
def test_an_outage_ends_inside_or_at_another_site(inside, outside, crews):
    """Both ways drawn; where neither works, the first of the nodes that is mended."""
    mttr, count, rng = 4 * HOUR, 1_000_000, np.random.default_rng(4)
    mended = rng.exponential(mttr / crews, count)
    works = rng.random(count) < inside["coverage"]
    led = outside["redirection"] + np.zeros(count)
    late = rng.random(count) >= outside["coverage"]
    led[late] += rng.exponential(outside.get("manual", np.inf), late.sum())
    drawn = np.minimum(np.where(works, inside["promotion"], mended), led)
    sites = ha.ActiveActive(
        database=ha.Node(mttf=2000 * HOUR, mttr=mttr),
        failover=ha.Failover(**outside),
        region=Region(failover=ha.Failover(**inside), crews=crews),
    )
    said = ha.assess(sites).outage
    assert said.mean == pytest.approx(drawn.mean(), rel=0.02)
    for p in (0.5, 0.95, 0.995):
        assert said.quantile(p) == pytest.approx(np.quantile(drawn, p), rel=0.05)


@pytest.mark.parametrize("mttf", [60 * DAY, float("inf")])
@pytest.mark.parametrize("own", [None, 12.0])
def test_clients_are_led_away_from_a_site_when_what_is_left_of_that_time_is_over(
    mttf, own
):
    """A restart races the detection inside; once that is over, so much less is left."""
    crash = ha.architectures.Failure(
        kind="process", mttf=10 * DAY, mttr=600.0, detection=own
    )
    sites = ha.ActiveActive(
        database=ha.Node(mttf=mttf, mttr=3 * HOUR),
        failover=ha.Failover(detection=75, redirection=30),
        region=Region(
            failover=ha.Failover(detection=20, promotion=27), failures=(crash,)
        ),
    )
    primary = sites.region.primary(sites.database, sites.site)
    inside = Regional(primary=primary, redirect=sites.failover)
    rules = rules_of(primary, watched=-1)
    found = {}
    for phase in ("detecting", "switching"):
        for mode, kind in enumerate(rules.kinds):
            state = rules.nodes.start._replace(phase=phase, mode=mode)
            found[phase, kind.in_place] = inside._leading(state)
        lost = rules.nodes.start._replace(phase=phase, mode=-1)
        assert inside._leading(lost) == 105
    gone = 20 if own is None else own
    wanted = {("detecting", True): 105, ("switching", True): 105 - gone}
    if mttf < float("inf"):
        wanted |= {("detecting", False): 105, ("switching", False): 105}
    assert found == wanted
