"""Boxes of a picture that are buttons: pressing, resetting, naming, hiding."""

import pytest

from hamodel.course import Boxes, Choice, Explorer
from hamodel.course._skins import CELL

PLACES = {"a": (10, 20, 80, 30), "b": (110, 20, 80, 30), "c": (210.4, 20, 80, 30)}
SIZE = (300, 100)


def words(sheet, values, result, guess):  # noqa: ARG001
    """Draw a picture of one text."""
    sheet.text((10, 50), result)


@pytest.fixture
def boxes():
    return Boxes(label="Failed", places=PLACES, size=SIZE, start=("b",))


@pytest.fixture
def explorer(boxes):
    return Explorer(
        title="Which?",
        controls={"failed": boxes, "case": Choice(label="x", options="ab", start="a")},
        model=lambda failed, case: f"{case}: {len(failed)} failed",
        picture=words,
        size=SIZE,
        describe=lambda _, result: result,
        presets={"all": {"failed": ("a", "b", "c")}},
    )


def test_a_press_fails_and_a_second_mends(boxes):
    calls = []
    boxes.watch(calls.append)
    boxes.buttons["c"].click()
    assert boxes.value == ("b", "c"), "in the order of the places"
    boxes.buttons["b"].click()
    assert boxes.value == ("c",)
    assert len(calls) == 2
    boxes.value = ["c"]
    assert len(calls) == 2, "nothing has changed"


def test_buttons_say_what_has_become_of_their_box(boxes):
    assert boxes.buttons["b"].description == "b, failed"
    assert boxes.buttons["b"].tooltip == "Mend b"
    boxes.buttons["b"].click()
    assert boxes.buttons["b"].description == "b, works"
    assert boxes.buttons["b"].tooltip == "Fail b"
    assert "to fail it</b>, and again to mend it" in boxes.note
    assert boxes.text == "Failed: nothing"


def test_boxes_may_do_something_else_than_fail():
    words = {"acts": ("Write", "Erase"), "states": ("written", "empty")}
    call = "Press a dot to write there"
    boxes = Boxes(label="Writes", places=PLACES, size=SIZE, call=call, **words)
    assert boxes.note.startswith(
        "<b>Press a dot to write there</b>, and again to erase"
    )
    assert boxes.buttons["a"].description == "a, empty"
    boxes.buttons["a"].click()
    assert boxes.buttons["a"].description == "a, written"
    assert boxes.buttons["a"].tooltip == "Erase a"


def test_buttons_lie_where_the_boxes_are(boxes):
    layout = boxes.buttons["c"].layout
    assert layout.grid_area == CELL
    assert (layout.width, layout.height) == ("26.67%", "30.00%")
    assert layout.margin == "6.67% 0 0 70.13%", "shares of the width, as CSS has it"


def test_what_is_not_there_cannot_be_pressed(boxes):
    boxes.offer(["a", "c"])
    seen = {name: b.layout.visibility for name, b in boxes.buttons.items()}
    assert seen == {"a": "visible", "b": "hidden", "c": "visible"}


def test_sweep_visits_none_each_two_and_all(boxes):
    found = boxes.values()
    assert len(found) == len(set(found)) == 1 + 3 + 3 + 1
    assert found[0] == ()
    assert found[-1] == ("a", "b", "c")


def test_locked(boxes):
    boxes.enable(on=False)
    assert all(button.disabled for button in boxes.over)
    boxes.enable(on=True)
    assert not any(button.disabled for button in boxes.over)


@pytest.mark.parametrize(
    ("value", "words"),
    [(("d",), "Failed must be of a, b, c, got 'd'"), (("a", "a"), "name a box once")],
)
def test_bad_boxes_are_named(boxes, value, words):
    with pytest.raises(ValueError, match=words):
        boxes.value = value
    with pytest.raises(ValueError, match=words):
        Boxes(label="Failed", places=PLACES, size=SIZE, start=value)
    assert boxes.value == ("b",)


def test_explorer_follows_the_boxes(explorer, boxes):
    assert explorer.sentence == "a: 1 failed"
    boxes.buttons["a"].click()
    assert explorer.sentence == "a: 2 failed"
    explorer.apply("all")
    assert explorer.sentence == "a: 3 failed"
    explorer.reset()
    assert boxes.value == ("b",)
    assert "Failed: b" in explorer._repr_mimebundle_()["text/html"]


def test_buttons_share_one_cell_with_the_picture(explorer, boxes):
    (grid,) = [w for w in _all(explorer.box) if boxes.over[0] in _within(w)]
    picture, *buttons = grid.children
    assert tuple(buttons) == boxes.over, "after the picture, so that they lie on top"
    assert picture.layout.grid_area == CELL
    assert boxes.widget in _all(explorer.box)


def _all(widget):
    return [widget, *(each for child in _within(widget) for each in _all(child))]


def _within(widget):
    return getattr(widget, "children", ())
