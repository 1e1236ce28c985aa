"""Tables and balances say in a notebook what they say on paper."""

import pytest

from hamodel import course
from tests.support.svg_pictures import collisions, faults


def test_a_table_writes_numbers_at_the_right_and_words_at_the_left():
    shown = course.Table("box | hours", [("a < b", 4.37781), ("c", "0")])
    html = shown._repr_html_()
    assert repr(shown) == "box | hours\na < b | 4.38\nc | 0"
    assert html.count("text-align: right") == 3
    assert "a &lt; b" in html
    with pytest.raises(ValueError, match="a row must have 2 cells"):
        course.Table("box | hours", [("a",)])


def test_a_balance_is_drawn_row_by_row():
    shown = course.balance(up=("μ · down", "λ · up"), down=("λ · up", "μ · down"))
    assert faults(shown.svg) == collisions(shown.svg) == []
    assert shown.svg.count("μ · down") == 2
    assert repr(shown).startswith("Into up flows μ · down, out of it λ · up; into down")
