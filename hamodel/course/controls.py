"""Controls: a slider paired with a number box, and a choice.

A slider of ipywidgets has no name that a screen reader could say, and the keyboard
moves a slider of floats to 13.999999999999998.  So every slider here runs over a grid
of round values, by number, and shares its value with a box that carries the label,
takes any value in between, and says in words why it refuses one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as widgets

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = (1, 1.5, 2, 3, 4, 5, 7)


def decades(low: float, high: float) -> tuple[float, ...]:
    """Return round numbers for a slider that spans powers of ten.

    Parameters
    ----------
    low, high : float
        Ends, both above zero and part of the grid.

    Returns
    -------
    tuple of float
        Seven numbers a decade, whole ones as int.

    Raises
    ------
    ValueError
        If `low` is not above zero or `high` not above `low`.

    Examples
    --------
    >>> decades(0.5, 12)
    (0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10, 12)
    """
    if not 0 < low < high:
        raise ValueError(f"low must be in (0, {high:g}), got {low:g}")
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    numbers = {
        float(f"{step}e{power}") for power in range(first, last + 1) for step in _STEPS
    }
    inner = {n for n in numbers if low < n < high}
    return tuple(_plain(n) for n in sorted(inner | {low, high}))


def _plain(number: float) -> float:
    return int(number) if number == int(number) else float(number)


@dataclass(kw_only=True, eq=False, repr=False)
class Slider:
    """A slider over a grid of values, and a box with the label that takes any number.

    Attributes
    ----------
    label : str
        What it sets, with the unit: "Failover time (s)".
    grid : tuple of float
        The values at which the slider stops, increasing.
    start : float, optional
        The value at first and after a reset; without one it begins empty, as a guess.
    whole : bool
        Whether only whole numbers make sense.
    note : HTML
        Says why what was typed is refused; empty if it is not.

    Raises
    ------
    ValueError
        If the grid does not increase or `start` is outside it.

    Examples
    --------
    >>> slider = Slider(label="Coverage (%)", grid=(0, 50, 100), start=50)
    >>> slider.box.value = "50,5"
    >>> slider.value, slider.note.value.partition(">")[2]
    (50, 'Write 50.5, with a point.</span>')
    """

    label: str
    grid: tuple[float, ...]
    start: float | None = None
    whole: bool = False
    slider: widgets.SelectionSlider = field(init=False)
    box: widgets.Text = field(init=False)
    note: widgets.HTML = field(init=False)
    widget: widgets.VBox = field(init=False)

    def __post_init__(self) -> None:
        if list(self.grid) != sorted(set(self.grid)) or len(self.grid) < 2:
            raise ValueError(f"grid must increase, got {self.grid}")
        self._value: float | None = None
        self._watchers: list[Callable[[object], None]] = []
        self.slider = widgets.SelectionSlider(
            options=[(f"{v:,g}", k) for k, v in enumerate(self.grid)],
            readout=False,
            layout=widgets.Layout(width="96%", margin="0"),
        )
        self.box = widgets.Text(
            placeholder="your guess",
            description=self.label,
            continuous_update=False,
            style={"description_width": "190px"},
            layout=widgets.Layout(width="96%"),
        )
        self.note = widgets.HTML()
        self.widget = widgets.VBox(
            [self.box, self.slider, self.note], layout=widgets.Layout(width="290px")
        )
        self._linking = False
        if self.start is not None:
            self.value = self.start
        self.slider.observe(self._slid, names="index")
        self.box.observe(self._typed, names="value")

    @property
    def low(self) -> float:
        """The smallest value."""
        return self.grid[0]

    @property
    def high(self) -> float:
        """The largest value."""
        return self.grid[-1]

    @property
    def value(self) -> float:
        """The value now; a ValueError if there is none yet."""
        if self._value is None:
            raise ValueError(f"{self.label} has no value yet")
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        """Move the control."""
        self.check(value)
        self._take(value)

    @property
    def empty(self) -> bool:
        """Whether it was never given a value."""
        return self._value is None

    def values(self) -> tuple[float, ...]:
        """Return the values that a sweep of this control visits."""
        return self.grid

    def watch(self, changed: Callable[[object], None]) -> None:
        """Call a function when the value has changed, however it was changed."""
        self._watchers.append(changed)

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        name, _, unit = self.label.partition(" (")
        return f"{name} {self.value:,g} {unit.removesuffix(')')}".rstrip()

    def enable(self, *, on: bool) -> None:
        """Let the learner change the value, or not."""
        self.slider.disabled = self.box.disabled = not on

    def check(self, value: float) -> None:
        """Raise a ValueError unless the control can take a value."""
        if not self.low <= value <= self.high:  # a NaN is refused too
            limits = f"[{self.low:g}, {self.high:g}]"
            raise ValueError(f"{self.label} must be in {limits}, got {value!r}")
        if self.whole and value != int(value):
            raise ValueError(f"{self.label} must be whole, got {value!r}")

    def _nearest(self, value: float) -> int:
        return min(range(len(self.grid)), key=lambda k: abs(self.grid[k] - value))

    def _take(self, value: float) -> None:
        """Take a value; slider and box follow, and neither rounds it."""
        changed, self._value = value != self._value, _plain(value)
        self._linking = True
        try:
            self.slider.index = self._nearest(value)
            self.box.value = f"{self._value:,.10g}"
            self.note.value = ""
        finally:
            self._linking = False
        for watcher in self._watchers if changed else ():
            watcher(None)

    def _slid(self, change: dict[str, int]) -> None:
        if not self._linking:
            self._take(self.grid[change["new"]])

    def _typed(self, change: dict[str, str]) -> None:
        if self._linking:
            return
        try:
            self._take(self._read(change["new"].strip()))
        except ValueError as error:
            self.note.value = f'<span role="alert">{escape(str(error))}</span>'

    def _read(self, text: str) -> float:
        """Return the number that was typed, or say how it is to be written."""
        if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
            text = text.replace(",", "")
        if re.fullmatch(r"-?\d+,\d+", text):
            raise ValueError(f"Write {text.replace(',', '.')}, with a point.")
        try:
            value = float(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is no number: write it as 12 or 0.33."
            ) from None
        if not self.low <= value <= self.high:
            raise ValueError(f"It can be from {self.low:,g} to {self.high:,g}.")
        if self.whole and value != int(value):
            raise ValueError("Only a whole number makes sense here.")
        return value


@dataclass(kw_only=True, eq=False, repr=False)
class Choice:
    """One of a few named options.

    Attributes
    ----------
    label : str
        What it sets.
    options : tuple of str
        The options.
    start : str
        The option at first and after a reset.

    Raises
    ------
    ValueError
        If `start` is not an option.
    """

    label: str
    options: tuple[str, ...]
    start: str
    widget: widgets.Dropdown = field(init=False)

    def __post_init__(self) -> None:
        self.check(self.start)
        self.widget = widgets.Dropdown(
            options=self.options,
            value=self.start,
            description=self.label,
            style={"description_width": "110px"},
            layout=widgets.Layout(width="280px"),
        )

    @property
    def value(self) -> str:
        """The option now."""
        return str(self.widget.value)

    @value.setter
    def value(self, value: str) -> None:
        """Move the control."""
        self.check(value)
        self.widget.value = value

    def values(self) -> tuple[str, ...]:
        """Return the values that a sweep of this control visits."""
        return self.options

    def watch(self, changed: Callable[[object], None]) -> None:
        """Call a function when the value has changed."""
        self.widget.observe(changed, names="value")

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        return f"{self.label}: {self.value}"

    def enable(self, *, on: bool) -> None:
        """Let the learner change the value, or not."""
        self.widget.disabled = not on

    def check(self, value: str) -> None:
        """Raise a ValueError unless the control can take a value."""
        if value not in self.options:
            listed = ", ".join(self.options)
            raise ValueError(f"{self.label} must be one of {listed}, got {value!r}")


@dataclass(kw_only=True, eq=False, repr=False)
class Again:
    """A button that plays another sample, one after the other.

    Attributes
    ----------
    label : str
        What the button says: "New sample".
    most : int
        How many samples there are; after the last the first comes again.
    start : int
        The sample at first and after a reset.

    Raises
    ------
    ValueError
        If `start` is none of the samples.

    Examples
    --------
    >>> again = Again(label="New sample", most=3, start=3)
    >>> again.widget.click()
    >>> again.value
    1
    """

    label: str
    most: int
    start: int = 1
    widget: widgets.Button = field(init=False)

    def __post_init__(self) -> None:
        self.check(self.start)
        self._value = self.start
        self._watchers: list[Callable[[object], None]] = []
        self.widget = widgets.Button(
            description=self.label, icon="refresh", layout=widgets.Layout(width="auto")
        )
        self.widget.on_click(lambda _: self._next())

    @property
    def value(self) -> int:
        """The number of the sample now."""
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        """Go to a sample."""
        self.check(value)
        changed, self._value = value != self._value, value
        for watcher in self._watchers if changed else ():
            watcher(None)

    def values(self) -> tuple[int, ...]:
        """Return the values that a sweep of this control visits."""
        return tuple(range(1, self.most + 1))

    def watch(self, changed: Callable[[object], None]) -> None:
        """Call a function when the value has changed."""
        self._watchers.append(changed)

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        return f"{self.label}: {self.value}"

    def enable(self, *, on: bool) -> None:
        """Let the learner press the button, or not."""
        self.widget.disabled = not on

    def check(self, value: int) -> None:
        """Raise a ValueError unless the control can take a value."""
        if value not in self.values():
            raise ValueError(f"{self.label} must be in 1..{self.most}, got {value!r}")

    def _next(self) -> None:
        self.value = self.value % self.most + 1
