"""Architectures side by side: places, marks and words."""

import pytest

from hamodel import compare, plots
from hamodel.architectures import ActiveActive, ActivePassive, Node, SinglePrimary
from hamodel.assessment import MEASURES
from hamodel.failover import Failover
from hamodel.plots.comparison import _places
from hamodel.workload import Workload
from tests.support import svg_pictures

NODE = Node(mttf=7.2e6, mttr=14400)
SPECS = {
    "one with an extraordinarily long name": SinglePrimary(database=NODE),
    "pair": ActivePassive(database=NODE, failover=Failover(promotion=30)),
    "active": ActiveActive(database=NODE, failover=Failover()),
}


def drawn(table, **fields):
    with plots.styled():
        ax = plots.figure().add_subplot()
        return ax, plots.draw_comparison(ax, table, **fields)


@pytest.mark.parametrize("reads", [900, 1e6])
def test_the_least_is_leftmost_and_square(reads):
    table = compare(SPECS, Workload(reads=reads))
    ax, shown = drawn(table)
    for measure, values in shown.values.items():
        dots = [shown.dots[name, measure] for name in SPECS]
        at = [dot.get_xdata()[0] for dot in dots]
        order = sorted(range(3), key=values.__getitem__)
        assert at[order[0]] <= at[order[1]] + 1e-9 <= at[order[2]] + 2e-9
        if values[order[0]] < float("inf"):
            assert dots[order[0]].get_marker() == "s"
        else:
            assert {dot.get_marker() for dot in dots} == {"X"}
    picture = plots.svg(ax.figure)
    assert svg_pictures.faults(picture) == []
    assert svg_pictures.collisions(picture) == []


def test_numbers_are_those_of_the_assessments():
    table = compare(SPECS)
    _, shown = drawn(table, measures=["cost", "rto_p95"])
    for measure, values in shown.values.items():
        of = MEASURES[measure].of
        assert values == tuple(float(of(a)) for a in table.assessments)
    assert "active" in shown.text


def test_places_are_logarithms_with_ends_for_zero_and_for_ever():
    assert _places((1, 10, 100)) == pytest.approx([0, 0.5, 1])
    assert _places((0, 1, float("inf"), 10)) == pytest.approx([0, 0.1, 1, 0.9])
    assert _places((7, 7)) == [0, 0]
    assert _places((0, 0)) == [0, 0]


def test_bad_input():
    with pytest.raises(ValueError, match="measures must name at least one"):
        drawn(compare(SPECS), measures=[])
    with pytest.raises(ValueError, match="measure must be"):
        drawn(compare(SPECS), measures=["speed"])
