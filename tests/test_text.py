"""Numbers as they are written: digits that tell something, never 5.26e+05."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import text
from hamodel.units import HOUR, MINUTE, YEAR, quantity

EXPONENT = re.compile(r"\d[eE][-+]?\d")
WRITERS = (text.number, text.time, text.share, text.rate, text.downtime, text.short)


@given(st.floats(0, 1e30), st.sampled_from(WRITERS))
def test_nothing_is_written_with_an_exponent(value, write):
    assert not EXPONENT.search(write(value))


@given(st.floats(1e-6, 1e12))
def test_a_written_time_reads_back_to_its_digits(seconds):
    assert quantity(text.time(seconds), "time") == pytest.approx(seconds, rel=6e-3)


@given(st.floats(1e-4, 1e12))
def test_a_written_number_reads_back_to_its_digits(value):
    assert quantity(text.number(value), "number") == pytest.approx(value, rel=6e-3)


@given(st.floats(1e-5, 1 - 1e-5))
def test_a_written_share_reads_back_to_its_digits(share):
    read = quantity(text.share(share), "share")
    near = min(share, 1 - share)
    assert read == pytest.approx(share, abs=6e-3 * near)


@given(st.floats(1 / YEAR, 1e9))
def test_a_written_rate_reads_back_to_its_digits(rate):
    assert quantity(text.rate(rate), "rate") == pytest.approx(rate, rel=6e-3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9996, "60 s"),
        (90 * MINUTE, "1.5 h"),
        (36 * HOUR, "1.5 d"),
        (123 * YEAR, "123 yr"),
        (math.inf, "endless"),
    ],
)
def test_times(seconds, words):
    assert text.time(seconds) == words


def test_a_page_promises_six_nines_at_most():
    assert text.availability(7.6e-10) == "above 99.9999 %"
    assert text.availability(1e-6) == "99.9999 %"
    assert text.availability(3e-6) == "99.9997 %"
    assert text.share(2.22e-16) == "under 0.0001 %"
    assert text.downtime(5.26e-12) == "under 0.01 min/yr"
    assert text.number(525600.4) == "525,600"


def test_arrays_and_formulas():
    import sympy

    x = sympy.Symbol("x")
    assert text.spread(x) == "x"
    assert text.spread(np.array([0.1, 0.5]), text.share) == "10 % to 50 %"
