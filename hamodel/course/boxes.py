"""A control that lies over a picture: its boxes are buttons, and a press fails one.

The picture draws the boxes, with hatch and frame; an invisible button lies over each,
so that a click, or Tab and Space, goes to the box itself.  The surprising part is that
this needs no code in the browser: one cell of a grid holds picture and buttons, and
margins put each button in its place.

Assumptions: places are in pixels of the picture as designed, and turn into shares of
it, so that they stay over their boxes however it is scaled.  What a button is called
says what has become of its box, for a screen reader.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hamodel.course.controls import Control

if TYPE_CHECKING:
    import ipywidgets as widgets


@dataclass(kw_only=True, eq=False, repr=False)
class Boxes(Control):
    """Boxes of a picture that fail when pressed, and work again when pressed again.

    Attributes
    ----------
    label : str
        What the boxes that were pressed are: "Failed".
    places : mapping of str to (float, float, float, float)
        Left, top, width and height of each box, in pixels of the picture.
    size : (float, float)
        Width and height of the picture; the buttons scale with it.
    start : tuple of str
        The boxes that have failed at first and after a reset.
    call : str
        What a press does, as a request.
    acts, states : (str, str)
        The verbs of a press and of a second one; what a box is called after each.
    offered : frozenset of str
        The boxes that the picture shows now, and that can be pressed.

    Raises
    ------
    ValueError
        If `start` names a box that is none, or names one twice.

    Examples
    --------
    >>> boxes = Boxes(label="Failed", places={"a": (0, 0, 80, 30)}, size=(90, 40))
    >>> boxes.buttons["a"].click()
    >>> boxes.text, boxes.buttons["a"].description
    ('Failed: a', 'a, failed')
    """

    places: Mapping[str, tuple[float, float, float, float]]
    size: tuple[float, float]
    start: tuple[str, ...] = ()
    call: str = "Press a box of the diagram to fail it"
    acts: tuple[str, str] = ("Fail", "Mend")
    states: tuple[str, str] = ("failed", "works")
    offered: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.offered = frozenset(self.places)
        self.value = self.start

    @property
    def buttons(self) -> dict[str, widgets.Button]:
        """The button over each box."""
        found: dict[str, widgets.Button] = self.skin.buttons
        return found

    @property
    def note(self) -> str:
        """How it is used, as HTML."""
        return (
            f"<b>{self.call}</b>, and again to {self.acts[1].lower()} it: click it, or "
            "go to it with Tab and press Space."
        )

    @property
    def over(self) -> tuple[widgets.Button, ...]:
        """What lies over the picture."""
        return tuple(self.buttons.values())

    @property
    def value(self) -> tuple[str, ...]:
        """The boxes that have failed, in the order of their places."""
        return tuple(name for name in self.places if name in self._value)

    @value.setter
    def value(self, value: Iterable[str]) -> None:
        """Fail these boxes and mend all others."""
        failed = tuple(value)
        self.check(failed)
        self._take(frozenset(failed))

    def press(self, name: str) -> None:
        """Fail a box, or mend it."""
        self.value = tuple(self._value ^ {name})

    def values(self) -> tuple[tuple[str, ...], ...]:
        """Return the values that a sweep visits: none, each, each two, and all."""
        few = [itertools.combinations(self.places, size) for size in range(3)]
        return (*itertools.chain(*few), tuple(self.places))

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        return f"{self.label}: {', '.join(self.value) or 'nothing'}"

    def offer(self, names: Iterable[str]) -> None:
        """Let these boxes be pressed; the others are not there now."""
        self.offered = frozenset(names)
        self._follow()

    def check(self, value: tuple[str, ...]) -> None:
        """Raise a ValueError unless these are boxes, each named once."""
        for name in value:
            if name not in self.places:
                listed = ", ".join(self.places)
                raise ValueError(f"{self.label} must be of {listed}, got {name!r}")
        if len(set(value)) < len(value):
            raise ValueError(f"{self.label} must name a box once, got {value!r}")
