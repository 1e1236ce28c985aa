"""Pictures of uncertainty: lengths, words and fences."""

import numpy as np
import pytest

from hamodel import plots
from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.plots.uncertainty import draw_intervals, draw_tornado
from hamodel.uncertainty import Bar, Tornado, beta, draws, gamma, tornado, uniform
from hamodel.units import HOUR, MONTH
from tests.support.svg_pictures import sound

PAIR = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(detection=10, promotion=20),
)
KNOWN = {
    "failover.promotion": uniform(10, 60),
    "database.mttf": gamma(events=3, during=26 * MONTH),
    "failover.coverage": beta(12, 12),
}
MINUTES = "write_minutes_per_year"
DRAWN = draws(PAIR, None, KNOWN, 300, np.random.default_rng(1), crews=[1, 2])


def axes():
    with plots.styled():
        ax = plots.figure(7.2, 3.2).subplots()
        ax.figure.subplots_adjust(left=0.22, right=0.9, bottom=0.18, top=0.9)
    return ax


def of(*bars, middle=5.0):
    made = [
        Bar(name=n, label=n, unit="1", low=0, high=1, at_low=a, at_high=b)
        for n, a, b in bars
    ]
    return Tornado(
        quantity="q",
        label="answer",
        unit="min",
        level=0.9,
        middle=middle,
        bars=tuple(made),
    )


def test_bars_reach_from_the_middle_to_the_ends():
    ax, found = axes(), tornado(PAIR, None, KNOWN)
    with plots.styled():
        drawn = draw_tornado(ax, found)
    for row, bar in enumerate(found.bars):
        for part, end in ((drawn.low[row], bar.at_low), (drawn.high[row], bar.at_high)):
            sides = sorted([part.get_x(), part.get_x() + part.get_width()])
            assert sides == pytest.approx(sorted([found.middle, end]))
            assert part.get_y() + part.get_height() / 2 == pytest.approx(row)
    first, last = ax.get_ylim()
    assert first > last  # the first row is on top
    assert drawn.low[0].get_hatch() != drawn.high[0].get_hatch()
    assert [t.get_text() for t in drawn.ends[-2:]] == ["12.5 s", "57.5 s"]
    assert f"{found.middle:.3g} min at all medians. failover coverage: " in drawn.text
    sound(plots.svg(ax.figure))


@pytest.mark.parametrize(
    "found",
    [
        of(("a", 1, 9), ("b", 4, 6)),
        of(("a", 4.0, 4.5)),  # both ends on one side
        of(("a", 5, 5)),  # moves nothing
        of(("a", 0.001, 500)),
        of(("a", -3, 8), ("b", 9, -2)),
    ],
)
def test_any_tornado_is_sound(found):
    ax = axes()
    with plots.styled():
        drawn = draw_tornado(ax, found)
    first, last = ax.get_xlim()
    for part in (*drawn.low, *drawn.high):
        assert first <= part.get_x() <= part.get_x() + part.get_width() <= last
    sound(plots.svg(ax.figure))


def test_intervals_are_those_of_the_draws():
    ax = axes()
    with plots.styled():
        drawn = draw_intervals(ax, DRAWN, quantity=MINUTES, level=0.8, target=60)
    ends = np.quantile(DRAWN[MINUTES], [0.1, 0.5, 0.9], axis=0)
    for row in (0, 1):
        assert drawn.spans[row].get_xdata() == pytest.approx(ends[[0, 2], row])
        assert drawn.medians[row].get_xdata() == pytest.approx(ends[[1], row])
    assert drawn.target.get_xdata()[0] == 60
    low, middle, high = ends[:, 0]
    assert f"1: {middle:.3g} min ({low:.3g} min to {high:.3g} min)." in drawn.text
    assert drawn.text.endswith("Target: 60 min.")
    sound(plots.svg(ax.figure))
    alone = draw_intervals(axes(), DRAWN.sel(crews=1), quantity=MINUTES)
    assert alone.target is None
    assert "a year, median and 90 % interval. " in alone.text


def test_pictures_that_cannot_be():
    with pytest.raises(ValueError, match="bars must be 1 to 12 to be read, got 13"):
        draw_tornado(axes(), of(*((f"b{k}", 1, 2) for k in range(13))))
    with pytest.raises(ValueError, match="answer must be finite, got inf"):
        draw_tornado(axes(), of(("a", 1, np.inf)))
    with pytest.raises(ValueError, match="quantity must be one of"):
        draw_intervals(axes(), DRAWN, quantity="minutes")
    with pytest.raises(
        ValueError, match="along draw and one dimension, got crews, cause"
    ):
        draw_intervals(axes(), DRAWN, quantity="write_downtime_by_cause")
    with pytest.raises(ValueError, match="must have the dimension 'draw'"):
        draw_intervals(axes(), DRAWN.isel(draw=0), quantity=MINUTES)
