"""The side notebook on the maths: guarded as a lesson is, its pictures counted."""

import math
import re

import nbformat
import numpy as np
import pytest

from hamodel.course import lessons
from hamodel.units import HOUR, YEAR
from lessons import the_maths as maths
from tests.support import notebook_guards, prose_guards
from tests.support.notebook_stage import ALL, LESSONS, ROOT, cells, staged
from tests.support.svg_pictures import collisions, faults, over_shapes
from tests.test_answers import wrong_numbers

PATH = ROOT / "notebooks" / "the_maths_you_need.ipynb"
DRAWN = (maths.poisson, maths.exponential, maths.markov, maths.little)


@pytest.mark.parametrize("guard", [*notebook_guards.GUARDS, *prose_guards.GUARDS])
def test_guard(guard):
    assert guard(nbformat.read(PATH, as_version=4)) == []


def test_it_runs_to_what_is_stored():
    built = lessons.build(PATH)
    assert not built.changed, built.difference()
    assert wrong_numbers(cells(PATH), staged(PATH).names) == []


@pytest.mark.parametrize("draw", DRAWN, ids=lambda f: f.__name__)
def test_pictures_are_sound(draw):
    svg = draw().svg
    assert faults(svg) == collisions(svg) == over_shapes(svg) == []


def test_drawn_is_counted():
    counts = [len(times) for times in maths.years()]
    assert maths.poisson().svg.count("<circle") == sum(counts)
    come, gone = maths.visits()
    assert maths.little().svg.count("<rect") == len(come) + 1  # and the ground
    there = np.sum((come <= 6) & (gone > 6))
    assert f"{there} are there at second 6" in maths.little().alt
    grid = np.linspace(0, 12, 12_001)  # Little's law, in this very picture
    at_once = sum((come <= t) & (gone > t) for t in grid).sum() * 12 / len(grid)
    assert at_once == pytest.approx(np.sum(gone - come), rel=1e-3)


def test_numbers_that_are_said():
    mean = YEAR / (maths.MTTF * HOUR)
    assert mean == pytest.approx(4.38)
    assert math.exp(mean) == pytest.approx(80, rel=0.01)
    assert math.exp(4) == pytest.approx(55, rel=0.01)
    assert math.exp(-1) == pytest.approx(0.37, abs=0.005)
    many = [len(t) for seed in range(200) for t in maths.years(seed=seed)]
    assert np.mean(many) == pytest.approx(mean, abs=0.2)
    assert maths.queue().mean_number == pytest.approx(0.49 / 0.51)


def test_lessons_lead_here_where_they_first_use_a_word():
    targets = {
        found
        for path in LESSONS
        for found in re.findall(r"the_maths_you_need\.ipynb#(\w+)", path.read_text())
    }
    assert targets >= {"Poisson", "Exponential", "Markov", "Little"}
    assert PATH in ALL
