"""The boxes between the lessons: what calculators say, what we say, and by dice."""

import nbformat
import numpy as np
import pytest

from hamodel import structure
from hamodel.units import MINUTE, YEAR
from lessons.failover_maths import pair
from tests.support.notebook_stage import ROOT

BOXES = {
    "02_find_the_spof": "weights",
    "03_what_redundancy_cannot_buy": "X + (1 - Y)·Y",
    "04_failover_maths": "two boxes side by side",
}


@pytest.mark.parametrize(("stem", "title"), BOXES.items())
def test_the_box_is_there(stem, title):
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert f"<summary>What calculators get wrong: {title}</summary>" in text


def test_weights_hide_what_a_request_passes():
    rng, down = np.random.default_rng(1), np.array([0.05, 0.1, 0.05])  # coarser: dice
    boxes = rng.random((400_000, 3)) < down
    each = dict(zip("abc", down, strict=True))
    row = structure.parse("a > b > c").unavailability(each)
    assert boxes.any(axis=1).mean() == pytest.approx(row, rel=0.01)
    assert boxes.mean() == pytest.approx(down.mean(), rel=0.01)
    assert row > 2.5 * down.mean()


def test_one_letter_wrong():
    def wrong(x, y):
        return x + (1 - y) * y

    def right(x, y):
        one = structure.parse("any(x, y)")
        return 1 - one.unavailability({"x": 1 - x, "y": 1 - y})

    assert wrong(0.99, 0.99) == pytest.approx(right(0.99, 0.99))
    assert right(0.99, 0.999) == pytest.approx(right(0.999, 0.99))
    assert right(0.99, 0.999) == pytest.approx(0.99 + 0.01 * 0.999)
    assert wrong(0.999, 0.99) > 1
    assert wrong(0.99, 0.999) < right(0.99, 0.999)


def test_a_pair_is_the_diagram_only_if_all_is_perfect():
    """Two crews, an instant and certain failover: then, and only then, 2.1 minutes."""
    diagram = structure.parse("any(a, b)").unavailability(
        {"a": 4 / 2004, "b": 4 / 2004}
    )
    assert diagram * YEAR / MINUTE == pytest.approx(2.094, abs=1e-3)
    perfect = pair(failover=0, coverage=100).minutes_per_year
    assert perfect == pytest.approx(2 * 2.094, rel=0.01)  # one crew: twice that
    assert pair().minutes_per_year == pytest.approx(8 * 2.094, rel=0.01)
