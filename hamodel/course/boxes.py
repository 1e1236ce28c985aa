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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ipywidgets as widgets

from hamodel.course._widgets import paragraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: All that lies over a picture stands in the one cell of its grid.
CELL = "1 / 1 / 2 / 2"


@dataclass(kw_only=True, eq=False, repr=False)
class Boxes:
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
    buttons : dict of str to Button
        The buttons, made of the places.

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

    label: str
    places: Mapping[str, tuple[float, float, float, float]]
    size: tuple[float, float]
    start: tuple[str, ...] = ()
    call: str = "Press a box of the diagram to fail it"
    acts: tuple[str, str] = ("Fail", "Mend")
    states: tuple[str, str] = ("failed", "works")
    buttons: dict[str, widgets.Button] = field(init=False)
    widget: widgets.HTML = field(init=False)

    def __post_init__(self) -> None:
        self.check(self.start)
        self._watchers: list[Callable[[object], None]] = []
        self._failed = frozenset(self.start)
        self.buttons = {name: self._button(name) for name in self.places}
        self.widget = widgets.HTML(paragraph(self.note))
        self._call()

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
        return tuple(name for name in self.places if name in self._failed)

    @value.setter
    def value(self, value: Iterable[str]) -> None:
        """Fail these boxes and mend all others."""
        failed = tuple(value)
        self.check(failed)
        if frozenset(failed) != self._failed:
            self._failed = frozenset(failed)
            self._call()
            for changed in self._watchers:
                changed(None)

    def values(self) -> tuple[tuple[str, ...], ...]:
        """Return the values that a sweep visits: none, each, each two, and all."""
        few = [itertools.combinations(self.places, size) for size in range(3)]
        return (*itertools.chain(*few), tuple(self.places))

    def watch(self, changed: Callable[[object], None]) -> None:
        """Call a function when a box has failed or works again."""
        self._watchers.append(changed)

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        return f"{self.label}: {', '.join(self.value) or 'nothing'}"

    def enable(self, *, on: bool) -> None:
        """Let the learner press the boxes, or not."""
        for button in self.over:
            button.disabled = not on

    def offer(self, names: Iterable[str]) -> None:
        """Let these boxes be pressed; the others are not there now.

        Parameters
        ----------
        names : iterable of str
            The boxes that the picture shows.
        """
        there = frozenset(names)
        for name, button in self.buttons.items():
            button.layout.visibility = "visible" if name in there else "hidden"

    def check(self, value: tuple[str, ...]) -> None:
        """Raise a ValueError unless the control can take a value."""
        for name in value:
            if name not in self.places:
                listed = ", ".join(self.places)
                raise ValueError(f"{self.label} must be of {listed}, got {name!r}")
        if len(set(value)) < len(value):
            raise ValueError(f"{self.label} must name a box once, got {value!r}")

    def _button(self, name: str) -> widgets.Button:
        left, top, width, height = self.places[name]
        wide, high = self.size
        button = widgets.Button(
            style={"button_color": "transparent", "text_color": "transparent"},
            layout=widgets.Layout(
                grid_area=CELL,
                width=f"{100 * width / wide:.2f}%",
                height=f"{100 * height / high:.2f}%",
                margin=f"{100 * top / wide:.2f}% 0 0 {100 * left / wide:.2f}%",
                padding="0",
            ),
        )
        button.on_click(lambda _: self._pressed(name))
        return button

    def _pressed(self, name: str) -> None:
        self.value = tuple(self._failed ^ {name})

    def _call(self) -> None:
        """Give each button its name, and the state of its box with it."""
        for name, button in self.buttons.items():
            failed = name in self._failed
            button.description = f"{name}, {self.states[not failed]}"
            button.tooltip = f"{self.acts[failed]} {name}"
