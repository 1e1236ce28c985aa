"""What every lesson's table must hold: a veil that hides, slips that are named, size.

A lesson is a table on the kit.  These tests go through the tables, not the prose.
"""

import re
import statistics
from html import unescape
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest

from hamodel.course import slips
from tests.support.notebook_stage import LESSONS, ROOT, staged
from tests.support.prose_guards import stilted
from tests.support.svg_pictures import collisions, faults, narrow, over_shapes, texts

MOST_LINES, MEDIAN_LINES = 470, 350
GUIDES = ("shop.py", "__init__.py")


def veiled(path):
    """Return the explorers of a lesson that wait for a guess."""
    played = staged(path)
    waiting = {n: e for n, e in played.explorers.items() if e.before}
    return played, waiting


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_nothing_answers_a_prediction_before_it_is_made(path):
    """No number of the answer is on the page up to and with the veiled picture."""
    played, waiting = veiled(path)
    answers = {
        written
        for prediction in played.predictions
        for value in prediction.truth().values()
        for written in written_as(value)
    }
    for name, explorer in waiting.items():
        assert played.veiled[name][0] is False
        assert not shown_before(path, explorer.title) & answers


def written_as(value):
    """Return how a number may be written: with two digits or more."""
    forms = {f"{value:.1f}", f"{value:.2f}", f"{value:,.0f}", f"{value:.3g}"}
    plain = {form: form.replace(".", "").replace(",", "") for form in forms}
    # Powers of ten stand at every axis, and a single digit anywhere.
    return {f for f, p in plain.items() if len(p) > 1 and p.strip("0") != "1"}


def shown_before(path, title):
    """Return the numbers that a reader sees down to the explorer of that title."""
    seen = ""
    for cell in nbformat.read(path, as_version=4).cells:
        seen += re.sub(r"(?s)<!--.*?-->|<details>.*?</details>", " ", cell.source)
        outputs = [o.get("data", {}) for o in cell.get("outputs", ())]
        html = unescape(unquote(" ".join(o.get("text/html", "") for o in outputs)))
        texts = re.findall(r"(?s)<text[^>]*>(.*?)</text>", html)
        alts = re.findall(r'alt="([^"]*)"', html)
        seen += " ".join([*texts, *alts, *(o.get("text/plain", "") for o in outputs)])
        if title in html:
            break
    return set(re.findall(r"(?<![\d.,])\d[\d,]*(?:\.\d+)?(?![\d])", seen))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_few_likely_wrong_answers_get_the_general_hint(path):
    """Units, factors, complement, rounding: at most one in five is not told why."""
    told = general = 0
    for exercise in staged(path).exercises:
        reference = exercise.reference()
        if not isinstance(reference, (int, float, np.floating)):
            continue
        likely = [reference * f for f in (60, 1 / 60, 24, 100, 1e-2, 1e3, 1e-3, 1.02)]
        likely += [1 - reference, 1 / reference, -reference, 2 * reference]
        for answer in likely:
            said = exercise.check(float(answer))
            general += said.words in (exercise.hint, exercise.then)
            told += said.verdict == "wrong"
    assert general <= told / 5


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_shape_lies_across_words(path):
    """Nor where words take their second size, in a column as narrow as a phone's."""
    _, waiting = veiled(path)
    texts_of_a_phone = []
    for explorer in waiting.values():
        explorer.reset()
        ends = [
            {name: value}
            for name, control in explorer.controls.items()
            for value in (control.values()[0], control.values()[-1])
        ]
        for setting in ends:
            explorer.reset()
            explorer.set(**setting)
            assert over_shapes(explorer.svg) == [], setting
            large = narrow(explorer.svg)
            assert over_shapes(large) == collisions(large) == faults(large) == []
            texts_of_a_phone += [
                (bottom - top) * 286 / explorer.size[0]
                for _, (_, top, _, bottom) in texts(large)
            ]
    # of 390 px, JupyterLab leaves 286 to a picture
    small = sum(high < 6.5 for high in texts_of_a_phone)
    assert small <= len(texts_of_a_phone) * (0.1 if path.stem < "08" else 0.4)


def test_a_lesson_is_one_short_file():
    files = [
        p for p in (ROOT / "notebooks" / "lessons").glob("*.py") if p.name not in GUIDES
    ]
    lines = {p.name: len(p.read_text().splitlines()) for p in files}
    assert {n: k for n, k in lines.items() if k > MOST_LINES} == {}
    assert lines["failover_maths.py"] <= MEDIAN_LINES
    assert statistics.median(lines.values()) <= MEDIAN_LINES


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_second_wrong_answer_is_told_a_step_further(path):
    for exercise in staged(path).exercises:
        assert exercise.then not in ("", exercise.hint)
        assert exercise.check(1e9).verdict in ("wrong", "unreadable")


def test_what_lessons_say_is_said_as_people_say_it():
    """In hints and sentences too; the prose of notebooks has its own guard."""
    for path in (ROOT / "notebooks" / "lessons").glob("*.py"):
        assert stilted(path.read_text(encoding="utf-8")) == [], path.name


# ---- the layer of slips ------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        ([60.0], [1.0], "Sixty times too large"),
        ([1.0], [1.0 * 3600], "3,600 times too small"),
        ([0.9, 0.8], [0.1, 0.2], "left of 1"),
        ([-3.0], [3.0], "sign"),
        ([0.5], [2.0], "Upside down"),
        ([1.02], [1.0], "rounded"),
        ([4.0, 6.0], [40.0, 60.0], "Ten times too small"),
    ],
)
def test_slips_are_named(answer, right, words):
    assert words in slips.of_numbers(answer, right)


def test_what_is_no_slip_gets_none():
    assert slips.of_numbers([17.0], [1.0]) == ""
    assert slips.of_numbers([float("nan")], [1.0]) == ""
    assert slips.of_sets(3, [1]) == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([{"a"}], "1 is missing"),
        ([{"a"}, {"b", "c"}, {"d"}], "1 is too many"),
        ([{"a"}, {"d"}], "1 is too many, and 1 is missing"),
        ([{"x"}], "None of these"),
    ],
)
def test_a_collection_is_told_what_it_lacks(answer, words):
    assert words in slips.of_sets(answer, [{"a"}, {"c", "b"}])


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        ([3.0], [1.0], "Three times too large"),
        ([2.302585], [1.0], "natural logarithms"),
        ([1e-5], [1.0], "100,000 times too small"),
        ([1, 3, 2], [1, 2, 3], "in another order"),
        ([1, 2, 7, 4], [1, 2, 3, 4], "3 of 4 come out right; the first that does not"),
    ],
)
def test_slips_of_several_numbers_are_named(answer, right, words):
    assert words in slips.of_numbers(answer, right)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((21, 9), "Write 21.9, with a point."),
        ("21,9 min", "without quotes: 21.9."),
        ("1,049", "without quotes: 1049."),
        ([21.9], "without brackets"),
        (abs, "call it"),
    ],
)
def test_a_number_in_another_form_is_told_how_to_write_it(answer, words):
    with pytest.raises(slips.Slip, match=words):
        slips.read(answer)
