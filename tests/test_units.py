"""Numbers with units: what people write is read as they meant it, or refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel.units import DAY, HOUR, KINDS, MINUTE, MONTH, TIMES, YEAR, quantity


@pytest.mark.parametrize(
    ("words", "kind", "value"),
    [
        ("30 s", "time", 30.0),
        ("30s", "time", 30.0),
        ("1.5min", "time", 90.0),
        ("5 mins", "time", 300.0),
        ("250 µs", "time", 250e-6),
        ("1_000 d", "time", 1000 * DAY),
        ("1,500 s", "time", 1500.0),
        ("1,234,567.5 s", "time", 1234567.5),
        ("26 months", "time", 26 * YEAR / 12),
        ("2w", "time", 14 * DAY),
        ("1h30m", "time", 90 * MINUTE),
        ("1 h 30 min", "time", 90 * MINUTE),
        ("1d12h", "mean time", 1.5 * DAY),
        ("5m30s", "time", 330.0),
        ("30 Min", "time", 30 * MINUTE),
        ("never", "mean time", math.inf),
        ("inf", "mean time", math.inf),
        (".inf", "time", math.inf),
        (math.inf, "mean time", math.inf),
        ("never", "rate", 0.0),
        ("0/yr", "mean time", math.inf),
        ("2/yr", "mean time", YEAR / 2),
        ("2 failures per year", "mean time", YEAR / 2),
        ("2x/yr", "mean time", YEAR / 2),
        ("1 per day", "mean time", DAY),
        ("2/yr", "rate", 2 / YEAR),
        ("900/s", "rate", 900.0),
        ("900 req/s", "rate", 900.0),
        ("900 rps", "rate", 900.0),
        ("900qps", "rate", 900.0),
        ("60 queries/min", "rate", 1.0),
        ("1/ms", "rate", 1000.0),
        ("99.95 %", "share", 0.9995),
        ("99.95%", "share", 0.9995),
        ("5 percent", "share", 0.05),
        ("1e-3", "share", 1e-3),
        (1, "share", 1.0),
        (7, "time", 7.0),
        ("12", "whole", 12.0),
        ("1 mo", "time", MONTH),
    ],
)
def test_what_is_written_is_what_is_read(words, kind, value):
    assert quantity(words, kind) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ("1,5 s", "time", "got '1,5 s': write 1.5 s"),
        ("2,5 h", "time", "got '2,5 h': write 2.5 h"),
        ("0,5", "share", "write 0.5"),
        ("12,50,000", "number", "a comma separates three digits"),
        ("5m", "time", "for minutes write 5 min, for months mo"),
        ("5 m", "time", "for minutes write 5 min, for months mo"),
        ("3/m", "rate", "for minutes write 3/min, for months mo"),
        ("30s20h", "time", "units must go from great to small"),
        ("1h30", "time", "there is no unit"),
        ("30 %", "time", "must be a time, such as 30 s or 4 h, got '30 %'"),
        ("30 s", "share", "must be a share, such as 99.95 % or 0.9995, got '30 s'"),
        ("99.99", "share", "did you mean 99.99 %?"),
        (99.99, "share", "did you mean 99.99 %?"),
        ("30 s", "rate", "must be a rate, such as 900/s, got '30 s'"),
        ("900 rq/s", "rate", "there is no unit 'rq'; did you mean 'req'?"),
        ("2/yr", "time", "must be a time"),
        ("2 hors", "time", "there is no unit 'hors'; did you mean 'hours'?"),
        ("30 parsecs", "time", "there is no unit 'parsecs'"),
        ("soon", "time", "must be a time, such as 30 s or 4 h, got 'soon'"),
        ("", "time", "got ''"),
        (True, "time", "got True"),
        ("1.5", "whole", "must be a whole number, got '1.5'"),
        (math.inf, "whole", "must be a whole number, got inf"),
        ("inf", "share", "must be a share"),
        (math.nan, "time", "got nan"),
        ("nan", "time", "got 'nan'"),
        ("1e400", "time", "it is too great"),
        ("1e300 yr", "mean time", "it is too great"),
        ("1e-300 s", "mean time", "it is too small"),
        ("4 nines", "share", "got '4 nines': there is no unit 'nines'"),
        ("20k/s", "rate", "write 20000/s"),
        (10**400, "number", "a number of very many digits"),
        (None, "", "must be a number with a unit, such as 30 s, 99 % or 2/yr"),
        ([1, 2], "time", "got [1, 2]"),
    ],
)
def test_what_may_mean_something_else_is_refused(words, kind, message):
    with pytest.raises(ValueError, match="must be") as caught:
        quantity(words, kind)
    assert message in str(caught.value)


@given(st.floats(1e-6, 1e9), st.sampled_from(sorted(TIMES)))
def test_a_number_times_its_unit(value, unit):
    assert quantity(f"{value!r} {unit}", "time") == pytest.approx(
        value * TIMES[unit], rel=1e-12
    )


@given(st.integers(0, 10**12), st.sampled_from(["s", "h", "%", "/s"]))
def test_commas_between_thousands_change_nothing(number, unit):
    assert quantity(f"{number:,} {unit}") == quantity(f"{number} {unit}")


@given(st.integers(1, 99), st.integers(1, 59), st.integers(1, 59))
def test_parts_of_a_time_add_up(hours, minutes, seconds):
    whole = hours * HOUR + minutes * MINUTE + seconds
    assert quantity(f"{hours}h{minutes}m{seconds}s", "time") == whole


@given(st.text(max_size=400), st.sampled_from(["", *KINDS]))
def test_any_text_is_a_number_or_a_short_refusal(words, kind):
    try:
        found = quantity(words, kind)
    except ValueError as refused:
        assert len(str(refused)) < 300  # noqa: PT017
    else:
        assert not math.isnan(found)


def test_a_power_of_ten_takes_a_unit():
    assert quantity("1e3 s") == quantity("1E3s") == 1000.0
    assert quantity("1.5e-3 s") == 1.5e-3
    assert quantity("1d2h") == 26 * HOUR
