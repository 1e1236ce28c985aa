"""A handful of writes followed by hand, and many against the definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.conflicts import last_write_wins, replay

writes = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 60).map(lambda k: k / 100 + 0.001)),
    min_size=1,
    max_size=8,
    unique_by=lambda w: w[1],
)


@given(writes, st.integers(-30, 30).map(lambda k: k / 100 + 0.0003), st.booleans())
def test_two_sites_against_the_definitions(given_, lead, hybrid):
    out, back = 0.0507, 0.1109
    delay = [[0, out], [back, 0]]
    found = replay(given_, delay, [0, lead], hybrid=hybrid)
    made = found.writes

    def knew(i, j):
        """Whether write j had seen write i."""
        wait = delay[made[i].site][made[j].site]
        return made[i].time + wait <= made[j].time and i != j

    n = range(len(made))
    rivals = {
        (i, j) for i in n for j in n if i < j and not knew(i, j) and not knew(j, i)
    }
    assert set(found.concurrent) == rivals
    assert set(found.siblings) == {i for i in n if not any(knew(i, j) for j in n)}
    key = [(w.stamp, w.site) for w in made]
    refused = {j for j in n if any(knew(i, j) and key[i] > key[j] for i in n)}
    beaten = {i for i in n for j in n if not knew(i, j) and key[j] > key[i]}
    assert set(found.refused) == refused
    assert set(found.lost) == {
        i
        for i in beaten
        if i in refused
        or any(j not in refused and key[j] > key[i] and not knew(i, j) for j in n)
    }
    assert found.winner == max(set(n) - refused, key=lambda i: key[i])
    if hybrid:
        assert not refused


def test_fifty_milliseconds_of_skew():
    # with true clocks the later of two rivals wins; with skew the earlier does
    rivals = [(1, 0.0), (0, 0.030)]
    fair = replay(rivals, 0.040)
    assert (fair.winner, fair.lost) == (1, (0,))
    skewed = replay(rivals, 0.040, [0, 0.050])
    assert (skewed.winner, skewed.lost) == (0, (1,))
    assert fair.concurrent == skewed.concurrent == ((0, 1),)
    assert fair.siblings == (0, 1)
    # 45 ms later the author has read the first value, and the change never happens
    silent = replay([(1, 0.0), (0, 0.045)], 0.040, [0, 0.050])
    assert silent.concurrent == ()
    assert silent.refused == silent.lost == (1,)
    hybrid = replay([(1, 0.0), (0, 0.045)], 0.040, [0, 0.050], hybrid=True)
    assert hybrid.lost == ()
    assert hybrid.winner == 1


def test_a_long_history_has_the_rates_of_the_formula():
    rng = np.random.default_rng(9)
    horizon, rates = 120.0, [6.0, 4.0]
    times = [
        (i, t) for i in (0, 1) for t in rng.uniform(0, horizon, int(rates[i] * horizon))
    ]
    found = replay(times, [[0, 0.03], [0.06, 0]], [0, 0.02])
    formula = last_write_wins(rates, [[0, 0.03], [0.06, 0]], [0, 0.02])
    expected = formula.lost * horizon
    assert len(found.lost) == pytest.approx(expected, abs=4 * expected**0.5)
    pairs = 24 * 0.09 * horizon
    assert len(found.concurrent) == pytest.approx(pairs, abs=5 * pairs**0.5)


def test_three_sites_and_what_it_shows():
    found = replay([(0, 0.0), (1, 0.001), (2, 0.002), (0, 0.5)], 0.04)
    assert found.concurrent == ((0, 1), (0, 2), (1, 2))
    assert found.siblings == (3,)
    assert found.lost == (0, 1)
    assert repr(found).splitlines()[3].endswith("wins  kept")
    assert "refused" not in found._repr_html_()
    tie = replay([(0, 0.0), (1, 0.0)], 0.04)
    assert (tie.winner, tie.lost) == (1, (0,))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: replay([], 0.1), "1 write or more"),
        (lambda: replay([(2, 0.0)], 0.1, [0, 0]), "site of write 0 must be < 2, got 2"),
        (lambda: replay([(-1, 0.0)], 0.1), "site of write 0 must be a whole number"),
        (lambda: replay([(0, math.inf)], 0.1), "time of write 0 must be finite"),
        (lambda: replay([(0, 0.0)], duration.exponential(1)), "must be a number, got"),
        (
            lambda: replay([(0, 0.0)], 0.1, [0, math.nan]),
            r"offsets\[1\] must be finite",
        ),
    ],
)
def test_errors(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
