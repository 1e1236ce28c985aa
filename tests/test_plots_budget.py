"""The downtime bar: lengths, words and fences."""

import pytest

from hamodel import plots
from hamodel.architectures import CAUSES, ActivePassive, Node
from hamodel.failover import Failover
from hamodel.plots.budget import draw_downtime_budget
from hamodel.units import HOUR

PAIR = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(promotion=30, coverage=0.99),
)


def drawn(budget=None, **fields):
    with plots.styled():
        ax = plots.figure(6, 3).subplots()
        bar = draw_downtime_budget(ax, budget or PAIR.downtime_by_cause, **fields)
    return ax, bar


def test_the_parts_lie_end_to_end():
    _, bar = drawn()
    assert tuple(bar.parts) == CAUSES
    end = 0.0
    for cause, share in PAIR.downtime_by_cause.items():
        part = bar.parts[cause]
        assert part.get_x() == pytest.approx(end)
        assert part.get_width() == pytest.approx(share * 525600)
        end += part.get_width()
    assert end == pytest.approx(PAIR.minutes_per_year)
    assert bar.whole.get_text() == "down 16.8 min a year"
    assert "failover did not work: 10.5 min" in bar.text


def test_other_numbers_take_the_same_artists():
    _, bar = drawn(most=20)
    before = dict(bar.parts)
    bar.show(dict.fromkeys(CAUSES, 2e-7))
    assert bar.parts == before
    assert bar.whole.get_text() == "down 0.5 min a year"
    assert bar.parts["site down"].get_x() == pytest.approx(4 * 2e-7 * 525600)


def test_each_cause_is_told_without_colour():
    _, bar = drawn()
    assert len({part.get_hatch() for part in bar.parts.values()}) == len(CAUSES)
    own = drawn(dict.fromkeys("abcdefg", 1e-6))[1].parts
    assert len({part.get_hatch() for part in own.values()}) == 7


def test_the_axis_holds_the_bar_or_stays_where_it_is_told():
    ax, bar = drawn()
    assert sum(p.get_width() for p in bar.parts.values()) < ax.get_xlim()[1]
    assert drawn(most=1100)[0].get_xlim() == (0, 1100)
    assert drawn({"failing over": 0.0})[0].get_xlim() == (0, 1)


def test_the_svg_is_stable():
    first, second = (plots.svg(drawn(most=20)[0].figure) for _ in range(2))
    assert first == second
    assert "failover did not work: 10.5 min" in first


def test_bad_input():
    with pytest.raises(ValueError, match="must name at least one cause"):
        draw_downtime_budget(plots.figure(1, 1).subplots(), {})
    with pytest.raises(ValueError, match="most must be > 0 and finite, got 0"):
        drawn(most=0)
    with pytest.raises(ValueError, match=r"budget\['x'\] must be in \[0, 1\], got 2"):
        drawn({"x": 2})
    with pytest.raises(ValueError, match=r"must have the causes .* got \['x'\]"):
        drawn()[1].show({"x": 0.1})
