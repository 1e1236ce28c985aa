"""The decision table and the front: marks, places and words."""

import pytest

from hamodel import Requirements, decide, optimise, plots
from hamodel.decision import classic_case
from tests.support import svg_pictures

CASE = classic_case()
SPECS = {
    "one primary": CASE.single.architecture,
    "active-passive": CASE.passive.architecture,
    "active-active, over two sites": CASE.active.architecture,
}
CHOICES = {"failover__coverage": [0.5, 0.9, 0.999], "database__cost": [1.0, 3.0]}


def axes():
    return plots.figure(8.4, 5.0).add_axes((0.12, 0.12, 0.86, 0.8))


@pytest.mark.parametrize("limit", [0.9999, 0.9999999])
def test_the_table_marks_what_the_decision_says(limit):
    found = decide(SPECS, None, Requirements(availability=limit, rto_p95=60))
    with plots.styled():
        ax = plots.figure(9.0, 5.4).add_axes((0.01, 0.01, 0.98, 0.98))
        drawn = plots.draw_decision(ax, found)
    signs = {"meets": "✓", "misses": "✗", "not required": "·"}
    for (criterion, name), sign in drawn.marks.items():
        assert sign == signs[found.table[criterion][name].verdict]
    assert len(drawn.marks) == 8 * 3
    frames = [p for p in ax.patches if p.get_linewidth() > 1]
    assert len(frames) == (found.winner is not None)
    assert found.reason in drawn.text
    picture = plots.svg(ax.figure)
    assert svg_pictures.faults(picture) == []
    assert svg_pictures.collisions(picture) == []


def test_the_front_is_the_optimum_s():
    need = Requirements(availability=0.9999)
    found = optimise(CASE.passive.architecture, None, need, **CHOICES)
    with plots.styled():
        ax = axes()
        drawn = plots.draw_front(ax, found)
    assert drawn.count == 6
    assert drawn.kept == sum(t.feasible for t in found.tried)
    shown = list(drawn.points.values())
    assert [cost for cost, _ in shown] == [t.cost for t in found.front]
    downs = [t.unavailability * 525_600 for t in found.front]
    assert [down for _, down in shown] == pytest.approx(downs)
    assert f"{drawn.kept} of 6 keep all limits" in drawn.text
    assert svg_pictures.faults(plots.svg(ax.figure)) == []


def test_candidates_are_points_too():
    found = decide(SPECS, None, Requirements(availability=0.9999))
    with plots.styled():
        drawn = plots.draw_front(axes(), found)
    assert set(drawn.points) == {*SPECS} - {"one primary"}
    a = found.assessments["active-passive"]
    assert drawn.points["active-passive"] == pytest.approx(
        (a.cost.total, a.write.minutes_per_year)
    )


def test_nothing_within_the_limits_is_still_a_picture():
    found = optimise(CASE.passive.architecture, None, Requirements(budget=1), **CHOICES)
    with plots.styled():
        drawn = plots.draw_front(axes(), found)
    assert drawn.points == {}
    assert "0 of 6 keep all limits" in drawn.text


def test_bad_input():
    with pytest.raises(ValueError, match="decision must be a Decision"):
        plots.draw_decision(axes(), 3)
    with pytest.raises(ValueError, match="outcome must be a Optimum or Decision"):
        plots.draw_front(axes(), 3)
    many = decide([CASE.single.architecture] * 6, None, Requirements())
    with pytest.raises(ValueError, match="decision must have <= 5 candidates, got 6"):
        plots.draw_decision(axes(), many)
