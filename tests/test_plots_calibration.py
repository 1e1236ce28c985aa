"""The picture of a fit: its stairs, its band, its law and what it says."""

import numpy as np
import pytest

from hamodel import duration, plots
from hamodel.calibration import fit
from hamodel.plots.calibration import draw_fit

TIMES = [41, 38, 55, 47, 61, 39, 52, 44, 300.0, 33]


def drawn(result, **options):
    with plots.styled():
        ax = plots.figure(6, 4).subplots()
        return ax, draw_fit(ax, result, **options)


def test_the_curves_are_the_sample_and_the_law():
    found = fit(TIMES, name="failover", draws=19)
    ax, picture = drawn(found)
    x, y = picture.stairs.get_data()
    for time in (40.0, 50.0, 200.0):
        shown = y[np.searchsorted(x, time, side="right") - 1]
        assert shown == pytest.approx(np.mean(np.array(TIMES) <= time))
    x, y = picture.line.get_data()
    assert y == pytest.approx(found.law.cdf(x))
    assert ax.get_xlim()[1] > 300
    assert ax.get_xlabel() == "failover in minutes"


def test_the_band_is_that_of_massart():
    found = fit(TIMES, draws=0)
    _, picture = drawn(found)
    reach = np.sqrt(np.log(2 / 0.05) / (2 * len(TIMES)))
    at, share, low, high = found.observed
    assert high - share == pytest.approx(np.minimum(reach, 1 - share))
    assert share - low == pytest.approx(np.minimum(reach, share))
    corners = picture.band.get_paths()[0].vertices
    for k in (2, 5):
        assert np.any(np.isclose(corners, [at[k], high[k]]).all(axis=1))
        assert np.any(np.isclose(corners, [at[k], low[k]]).all(axis=1))


def test_the_band_holds_the_truth_as_often_as_it_says():
    rng, law, held = np.random.default_rng(1), duration.exponential(5.0), 0
    for _ in range(200):
        at, _, low, high = fit(law.sample(20, rng), draws=0).observed
        truth = law.cdf(at)
        before = np.concatenate([[0.0], low[:-1]])
        top = np.concatenate([[high[0] - 1 / 20], high[:-1]])
        held += bool(np.all((before <= truth) & (low <= truth) & (truth <= high)))
        assert top[0] >= 0
    assert held / 200 >= 0.93


def test_open_times_are_marked_on_the_stairs():
    found = fit(TIMES, still=[45.0, 400.0], draws=0)
    _, picture = drawn(found)
    x, y = picture.still.get_data()
    assert list(x) == [45, 400]
    at, share, _, _ = found.observed
    assert y[0] == pytest.approx(share[at <= 45][-1])
    assert y[1] == pytest.approx(share[-1])
    assert "2 still open" in picture.labels[0].get_text()
    assert "and 2 still open" in picture.text


def test_it_says_what_it_shows():
    _, picture = drawn(fit(TIMES, name="failover", draws=19))
    for part in (
        "10 measured times from 33 s to 5 min",
        "median",
        "95 % within",
        "p =",
    ):
        assert part in picture.text
    two = np.concatenate([np.linspace(9, 10, 40), np.linspace(99, 110, 40)])
    _, bad = drawn(fit(two, draws=19))
    assert bad.outside > 0.3
    assert "leaves the band at" in bad.text
    assert bad.caption.get_text().startswith("fits badly")
    assert bad.caption.get_weight() == "bold"


@pytest.mark.parametrize(
    ("scale", "unit"),
    [(1e-3, "milliseconds"), (1, "minutes"), (0.05, "seconds"), (4000, "days")],
)
def test_the_axis_has_the_unit_that_reads_best(scale, unit):
    ax, _ = drawn(fit(np.array(TIMES) * scale, draws=0))
    assert ax.get_xlabel().endswith(unit)
    labels = [float(t.get_text()) for t in ax.get_xticklabels()]
    assert 3 <= len(labels) <= 9
    assert labels == sorted(labels)


def test_the_words_stay_inside_and_off_the_curve():
    for shift in (0.0, 100.0):
        found = fit(shift + np.array(TIMES[:8]), draws=19)
        ax, picture = drawn(found)
        ax.figure.canvas.draw()
        page = ax.figure.bbox
        for words in (*picture.labels, picture.caption):
            box = words.get_window_extent()
            assert box.x0 >= page.x0
            assert box.x1 <= page.x1
            x, y = picture.line.get_data()
            points = ax.transData.transform(np.column_stack([x, y]))
            assert not np.any([box.contains(*point) for point in points])


def test_the_svg_is_stable():
    found = fit(TIMES, draws=0)
    first, second = (plots.svg(drawn(found)[0].figure) for _ in range(2))
    assert first == second


def test_bad_input():
    with pytest.raises(ValueError, match="most must be > 0 and finite, got 0"):
        drawn(fit(TIMES, draws=0), most=0)
    assert drawn(fit(TIMES, draws=0), most=90)[0].get_xlim()[1] == 90
