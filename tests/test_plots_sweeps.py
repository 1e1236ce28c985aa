"""Pictures of sweeps: positions, numbers, words and fences."""

import numpy as np
import pytest
import xarray as xr

from hamodel import plots, sweep
from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.plots import _values
from hamodel.plots.sweeps import draw_sweep
from hamodel.units import DAY, HOUR, MINUTE, YEAR
from tests.support.svg_pictures import sound

PAIR = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(detection=10, promotion=20, coverage=0.99),
)
MINUTES = "write_minutes_per_year"
GRID = sweep(
    PAIR,
    promotion=np.linspace(0, 300, 31),
    coverage=[0.9, 0.95, 0.99, 1],
    quantities=MINUTES,
)


def axes():
    with plots.styled():
        ax = plots.figure(7.6, 4.0).subplots()
        ax.figure.subplots_adjust(left=0.16, right=0.86, bottom=0.16, top=0.9)
    return ax


def cells(drawn):
    return np.asarray(drawn.mesh.get_array())


def draws(count=100):
    rng = np.random.default_rng(1)
    mttf = xr.DataArray(rng.lognormal(np.log(7e6), 0.5, count), dims="draw")
    return sweep(
        PAIR,
        database__mttf=mttf,
        promotion=[0, 60, 300],
        crews=[1, 2],
        quantities=MINUTES,
    )


def test_a_small_map_writes_its_numbers():
    ax = axes()
    small = GRID.isel(promotion=[0, 3, 30])
    with plots.styled():
        drawn = draw_sweep(ax, small, x="promotion", y="coverage")
    assert cells(drawn).reshape(4, 3) == pytest.approx(small[MINUTES].values.T)
    written = [float(text.get_text().split()[0]) for text in drawn.numbers]
    assert written == pytest.approx(small[MINUTES].values.T.ravel(), rel=0.005)
    assert drawn.levels == ()
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0 s", "30 s", "5 min"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0.9", "0.95", "0.99", "1"]
    least, most = float(small[MINUTES].min()), float(small[MINUTES].max())
    assert (
        f"Least: {least:.3g} min at 0 s and 1. Most: {most:.3g} min at 5 min and"
        in (drawn.text)
    )
    sound(plots.svg(ax.figure))


def test_numbers_are_read_on_any_colour():
    drawn = draw_sweep(
        axes(), GRID.isel(promotion=[0, 30]), x="promotion", y="coverage"
    )
    for text, value in zip(drawn.numbers, drawn.mesh.get_array().ravel(), strict=True):
        from matplotlib.colors import to_hex

        fill = to_hex(drawn.mesh.cmap(drawn.mesh.norm(value)))
        assert plots.contrast(fill, text.get_color()) >= 4.5


def test_a_large_map_has_lines_of_equal_value():
    ax = axes()
    with plots.styled():
        drawn = draw_sweep(ax, GRID, x="promotion", y="coverage")
    assert drawn.numbers == ()
    assert drawn.levels == (5, 10, 20, 50, 100)
    sound(plots.svg(ax.figure))
    wide = sweep(
        PAIR,
        database__mttf=np.geomspace(1e5, 1e9, 50),
        database__mttr=np.geomspace(60, 1e6, 50),
        quantities="write_unavailability",
    )
    ax = axes()
    with plots.styled():
        drawn = draw_sweep(ax, wide, x="database__mttf", y="database__mttr")
    assert min(drawn.levels) < 1e-6 < 1e-3 <= max(drawn.levels)
    assert drawn.mesh.get_array().size <= 32 * 32
    sound(plots.svg(ax.figure))


def test_lines_have_names_and_do_not_cover_each_other():
    ax = axes()
    with plots.styled():
        drawn = draw_sweep(ax, GRID, x="promotion")
    for line, coverage in zip(drawn.lines, [0.9, 0.95, 0.99, 1], strict=True):
        x, y = line.get_data()
        assert x == pytest.approx(GRID.promotion.values)
        assert y == pytest.approx(GRID[MINUTES].sel(coverage=coverage).values)
    assert len({line.get_linestyle() for line in drawn.lines}) == 4
    assert [t.get_text().strip() for t in drawn.labels] == ["0.9", "0.95", "0.99", "1"]
    assert ax.get_ylim()[0] == 0
    sound(plots.svg(ax.figure))
    alone = draw_sweep(axes(), GRID.sel(coverage=0.99), x="promotion")
    assert alone.text.endswith("15.4 min at 0 s, 37 min at 5 min.")


def test_draws_make_bands():
    ax, found = axes(), draws()
    with plots.styled():
        drawn = draw_sweep(ax, found, x="promotion", level=0.8)
    low, middle, high = np.quantile(
        found[MINUTES].sel(crews=1), [0.1, 0.5, 0.9], axis=0
    )
    assert drawn.lines[0].get_ydata() == pytest.approx(middle)
    band = drawn.bands[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((low.min(), high.max()))
    assert "median and 80 % of the draws" in drawn.text
    assert (
        f"1: {middle[0]:.3g} min ({low[0]:.3g} min to {high[0]:.3g} min)" in drawn.text
    )
    sound(plots.svg(ax.figure))
    drawn = draw_sweep(axes(), found, x="promotion", y="crews")
    expected = found[MINUTES].median("draw").values.T
    assert cells(drawn).reshape(2, 3) == pytest.approx(expected)


def test_choices_stand_side_by_side():
    found = sweep(
        PAIR, replication__mode=["async", "sync"], crews=[1, 2], quantities=MINUTES
    )
    ax = axes()
    with plots.styled():
        drawn = draw_sweep(ax, found, x="replication__mode")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["async", "sync"]
    assert drawn.lines[0].get_xdata().tolist() == [0, 1]
    sound(plots.svg(ax.figure))


def test_values_without_limit_are_said():
    found = GRID.isel(promotion=[0, 1]).copy(deep=True)
    found[MINUTES][0, 0] = np.inf
    ax = axes()
    with plots.styled():
        drawn = draw_sweep(ax, found, x="promotion", y="coverage")
    assert drawn.numbers[0].get_text() == "∞"
    assert "Most: without limit at 0 s and 0.9" in drawn.text
    sound(plots.svg(ax.figure))
    ax = axes()
    with plots.styled():
        draw_sweep(ax, found, x="promotion")
    sound(plots.svg(ax.figure))
    alike = found * 0 + 3.0
    alike[MINUTES].attrs = found[MINUTES].attrs
    draw_sweep(axes(), alike.fillna(3.0), x="promotion", y="coverage")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.000123, "1", "0.000123"),
        (1e-5, "1", "10⁻⁵"),
        (3.03e-8, "1", "3.03·10⁻⁸"),
        (12345, "min", "12,345 min"),
        (0, "1", "0"),
        (12.5, "1/yr", "12.5/yr"),
        (90, "s", "1.5 min"),
        (np.inf, "1", "without limit"),
        ("async", "1", "async"),
        (True, "1", "True"),
    ],
)
def test_values_in_words(value, unit, words):
    assert _values.worded(value, unit) == words


def test_ticks_are_round():
    assert _values.steps(4, 130) == [5, 10, 20, 50, 100]
    assert _values.steps(0, 100) == [0, 20, 40, 60, 80, 100]
    assert _values.steps(3, 3) == [3]
    assert len(_values.steps(1e-12, 1)) <= 6
    assert _values.time_steps(0, 5 * MINUTE) == [k * MINUTE for k in range(6)]
    ticks = _values.time_steps(DAY, 30 * YEAR)
    assert ticks == [DAY, 7 * DAY, 30 * DAY, YEAR, 10 * YEAR]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"x": "promotoin"},
            "x must be one of 'promotion', 'coverage', got 'promotoin'",
        ),
        ({"x": "promotion", "y": "promotion"}, "y must be one of 'coverage'"),
        ({"x": "promotion", "quantity": "nines"}, "quantity must be one of"),
        ({"x": "promotion", "level": 2}, r"level must be in \[0, 1\], got 2"),
        (
            {"x": "coverage"},
            "promotion must have at most 4 values to be drawn as lines",
        ),
    ],
)
def test_pictures_that_cannot_be(wrong, words):
    with pytest.raises(ValueError, match=words):
        draw_sweep(axes(), GRID, **wrong)


def test_dimensions_left_over_are_named():
    found = sweep(
        PAIR, promotion=[1, 2], coverage=[0.9, 1], crews=[1, 2], quantities=MINUTES
    )
    for wanted in ({"x": "promotion", "y": "coverage"}, {"x": "promotion"}):
        with pytest.raises(
            ValueError, match=r"got also .*crews: choose with dataset.sel"
        ):
            draw_sweep(axes(), found, **wanted)
    draw_sweep(axes(), found.isel(crews=[0]), x="promotion", y="coverage")
