"""Lesson 03 shows what the package computes, and what was worked out on paper."""

import csv
import itertools
import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import calibrate, catalogue, quorum, sweep
from hamodel.chain import k_of_n
from hamodel.units import HOUR, MINUTE, YEAR
from lessons import what_redundancy_cannot_buy as lesson
from lessons.what_redundancy_cannot_buy import MOST

PER_YEAR = YEAR / MINUTE
NUMBER, NEEDED = st.integers(1, MOST), st.integers(1, 4)
UP, SHARED = st.floats(90, 99.999), st.floats(0, 100)


@pytest.fixture(scope="module")
def explorer():
    return lesson.lesson.explore()


@pytest.fixture(autouse=True)
def _progress(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "progress.json"))


def by_hand(number, needed, down, shared):
    """Return the unavailability with exact fractions, over the numbers that are up."""
    down, shared = Fraction(down), Fraction(shared)
    if number < needed:
        return Fraction(1)
    if number == 1:
        return down
    together = shared * down
    alone = (down - together) / (1 - together) if together < 1 else Fraction(0)
    few = sum(
        math.comb(number, up) * (1 - alone) ** up * alone ** (number - up)
        for up in range(needed)
    )
    return together + (1 - together) * few


# ---- the model ---------------------------------------------------------------------


@given(NUMBER, NEEDED, UP, SHARED)
def test_the_model_is_what_paper_says(number, needed, up, shared):
    found = lesson.group(number, up, shared, needed)
    paper = by_hand(number, needed, found.down, found.shared)
    assert found.unavailability == pytest.approx(float(paper), rel=1e-9)
    alone = by_hand(number, needed, found.down, 0)
    assert found.naive == pytest.approx(float(alone), rel=1e-9)


@given(st.integers(2, MOST), NEEDED, UP, st.floats(0, 99))
def test_the_model_by_votes(number, needed, up, shared):
    """Replicas that fail alone are votes, and what takes all is in series with them."""
    found = lesson.group(number, up, shared, min(needed, number))
    together = found.floor
    alone = (found.down - together) / (1 - together)
    votes = quorum.unavailability(found.needed, [alone] * number)
    assert found.unavailability == pytest.approx(
        together + (1 - together) * votes, rel=1e-9
    )


@pytest.mark.parametrize(("number", "needed"), [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_failures_that_come_alone_by_a_chain(number, needed):
    chain = k_of_n(number, needed, fail=1 / (999 * HOUR), repair=1 / HOUR, crews=number)
    found = lesson.group(number, needed=needed)
    assert found.naive == pytest.approx(chain.unavailability, rel=1e-9)


@given(st.integers(2, 7), UP, SHARED)
def test_one_replica_more_never_hurts_nor_breaks_the_floor(number, up, shared):
    fewer, more = (lesson.group(n, up, shared) for n in (number, number + 1))
    assert fewer.unavailability * (1 + 1e-12) >= more.unavailability
    assert more.unavailability >= more.floor * (1 - 1e-12)


@given(UP, st.floats(0, 50))
def test_the_short_formula_is_nearly_exact(up, shared):
    """((1 - β) q)ⁿ + β q leaves out terms of the order β q³."""
    found = lesson.group(2, up, shared)
    q, beta = found.down, found.shared
    short = ((1 - beta) * q) ** 2 + beta * q
    assert found.unavailability - short >= -1e-15
    assert found.unavailability - short <= 1.3 * beta * q**3 + 1e-14


def test_the_formula_of_brooker_is_the_same_in_other_letters():
    """D (1 - (1 - A)^N), with 60 digits."""
    with mpmath.workdps(60):
        for number, shared in itertools.product((2, 3, 8), (0.1, 5, 37, 100)):
            found = lesson.group(number, shared=shared)
            q, beta = mpmath.mpf(found.down), mpmath.mpf(found.shared)
            works, up = 1 - beta * q, 1 - (1 - beta) * q / (1 - beta * q)
            paper = 1 - works * (1 - (1 - up) ** number)
            assert found.unavailability == pytest.approx(float(paper), rel=1e-12)


def test_fewer_than_are_needed_are_never_up():
    found = lesson.group(2, needed=3)
    assert (found.unavailability, found.naive, found.nines) == (1, 1, 0)
    assert not found.enough


def test_perfect_replicas():
    found = lesson.group(2, up=100)
    assert (found.unavailability, found.nines) == (0, math.inf)
    assert lesson.height(found.unavailability) == lesson.DOWN.start


# ---- the sentence ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({}, "With 2 replicas, of which 1 must work, the service is down 26.8 minutes"),
        ({}, "it would be 0.5 minutes, 6.0 nines; but no number of replicas brings"),
        (
            {"number": 1},
            "With 1 replica, of which 1 must work, the service is down 526",
        ),
        ({"number": 1}, "No number of replicas would bring it below 26.3."),
        ({"shared": 0}, "Nothing is shared, so every replica more brings it down."),
        ({"needed": 3}, "The service needs 3 replicas and has 2: it is down all the"),
    ],
)
def test_sentence_says_what_the_picture_shows(explorer, setting, words):
    explorer.reset()
    explorer.set(**{"number": 2} | setting)
    assert words in explorer.sentence


def test_storage_of_a_large_fleet_comes_from_the_catalogue(explorer):
    explorer.apply("Google's storage")
    share = catalogue.fact("FAIL-005").in_base()
    assert explorer.result.shared == pytest.approx(share)
    assert explorer.result.floor == pytest.approx(share * 1e-3)


# ---- prediction and exercises ------------------------------------------------------


def test_beta_by_counting_the_lines_of_the_log():
    """Nodes that fail within a minute of each other fail together."""
    with lesson.log().open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["kind"]]
    starts = [np.datetime64(row["start"][:19]) for row in rows]
    near = [
        any(
            abs(starts[i] - starts[j]) <= np.timedelta64(60, "s")
            for j in range(len(rows))
            if rows[i]["node"] != rows[j]["node"]
        )
        for i in range(len(rows))
    ]
    counted = sum(near) / len(rows)
    assert lesson.ask_beta.reference() == pytest.approx(counted)
    shared = [row for row in rows if row["cause"] == "bad configuration"]
    assert len(shared) == sum(near)


def test_wrong_answers_are_what_people_count():
    """Counted in the log: events of both nodes, of one, and rows with failovers."""
    text = lesson.log().read_text(encoding="utf-8").splitlines()[1:]
    failures = [line for line in text if ",failover," not in line]
    shared = sum("bad configuration" in line for line in failures)
    events = len(failures) - shared // 2
    counted = {
        "events, not failures": shared / 2 / events,
        "every row is a failure": shared / len(text),
        "an event above, failures below": shared / 2 / len(failures),
    }
    found = {m.name: m.answer() for m in lesson.ask_beta.mistakes}
    for name, share in counted.items():
        assert found[name] == pytest.approx(share)
    hints = {lesson.ask_beta.check(share).words for share in counted.values()}
    assert len(hints) == 3
    useless = {m.name: m.answer() for m in lesson.ask_gain.mistakes}
    assert useless["the first useless one"] == 5
    assert useless["percentage points"] == 2


def test_where_one_more_gains_less_than_one_percent_on_paper():
    paper = [float(by_hand(n, 1, 0.05, 0.02)) for n in range(1, 8)]
    gains = [1 - b / a for a, b in itertools.pairwise(paper)]
    assert [g < 0.01 for g in gains] == [False] * 3 + [True] * 3
    assert lesson.ask_gain.reference() == 4


def test_places_by_the_short_formula():
    """β q + ((1 - β) q)² = u, solved as a quadratic."""
    q = 1e-3
    for found, u in zip(lesson.ask_places.reference(), (5e-4, 1e-4), strict=True):
        a, b, c = q * q, q - 2 * q * q, q * q - u
        root = (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a)
        assert found == pytest.approx(root, rel=1e-2), "nearly"


def test_two_of_three_on_paper():
    share = float(by_hand(3, 2, 1e-3, 0.05))
    assert lesson.ask_two_of_three.reference() == pytest.approx(share * PER_YEAR)
    ratio = by_hand(3, 2, 1e-3, 0) / by_hand(3, 1, 1e-3, 0)
    assert float(ratio) == pytest.approx(3000, rel=0.01)


def test_code_reference_takes_two():
    found = lesson.ask_code.reference()(5, 0.05)
    assert found == pytest.approx(float(by_hand(5, 2, 1e-3, 0.05)) * PER_YEAR)


# ---- the sweep ---------------------------------------------------------------------


def test_sites_are_replicas_with_a_shared_cause():
    """The same numbers by an architecture: sites apart, and what strikes all."""
    for number in (1, 2, 3):
        found = sweep(
            lesson.sites(),
            sites=[("A", "B", "C")[:number]],
            everywhere__mttf=[20_000 * HOUR],
            quantities=["write_minutes_per_year"],
        )
        strikes = 1 / 20_001
        paper = strikes + (1 - strikes) * 1e-3**number
        got = found.write_minutes_per_year.item()
        assert got == pytest.approx(paper * PER_YEAR, rel=1e-3)


def points(svg, weight):
    """Return the places of the one line of a picture that has this weight."""
    lines = re.findall(rf'<path d="M([^"Z]+)" [^>]*stroke-width="{weight}"', svg)
    return np.array(lines[0].split(), float).reshape(-1, 2)


def test_the_curve_is_what_paper_says(explorer):
    explorer.reset()
    for shared in (1, 5):
        explorer.set(number=2, shared=shared)
        curve = points(explorer.svg, "2.5")
        found = explorer.result
        down = [by_hand(n, 1, found.down, found.shared) for n in range(1, MOST + 1)]
        wanted = [lesson.height(float(u)) for u in down]
        np.testing.assert_allclose(curve[:, 1], wanted, atol=0.06)


def test_the_band_is_the_log_s_interval():
    found = calibrate(incidents=lesson.log(), during=lesson.KEPT, nodes=lesson.NODES)[
        "database.beta"
    ]
    assert (round(found.low, 2), round(found.high, 2)) == lesson.BETA


def test_what_to_try_is_what_happens(explorer):
    explorer.reset()
    explorer.apply("Two replicas")
    two = explorer.result
    explorer.apply("Eight replicas")
    assert two.minutes - explorer.result.minutes < 0.6
    explorer.reset()
    floors = set()
    for number in (2, 5):
        explorer.set(number=number)
        floors.add(explorer.result.floor)
    assert len(floors) == 1
    explorer.set(shared=1)
    assert explorer.result.floor == pytest.approx(floors.pop() / 5)
    explorer.reset()
    low = []
    for preset in ("Half as much shared", "Better replicas"):
        explorer.reset()
        explorer.apply(preset)
        low.append(explorer.result.floor)
    assert max(low) < two.floor
    explorer.reset()
    explorer.apply("Two of three")
    assert explorer.result.floor == two.floor
    assert explorer.result.minutes > lesson.group(3).minutes + 1


def test_own_beta_is_the_package_s_counting():
    events = calibrate(incidents=lesson.log(), during=lesson.KEPT, nodes=lesson.NODES)[
        "database.beta"
    ].evidence
    together, every = round(events["successes"]), round(events["trials"])
    found = lesson.own(every - together, together)
    assert found["beta"] == pytest.approx(lesson.ask_beta.reference())
    assert found["at least"] < found["beta"] < found["at most"]
