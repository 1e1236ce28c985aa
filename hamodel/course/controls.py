"""Controls: a slider paired with a number box, and a choice.

A slider of ipywidgets has no name that a screen reader could say, and the keyboard
moves a slider of floats to 13.999999999999998.  So every slider here runs over a grid
of round values, by number, and shares its value with a number box that carries the
label and takes any value in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
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
    """A slider over a grid of values, and a number box with the label.

    Attributes
    ----------
    label : str
        What it sets, with the unit: "Failover time (s)".
    grid : tuple of float
        The values at which the slider stops, increasing.
    start : float
        The value at first and after a reset.
    step : float
        How far the arrow keys move the number box.

    Raises
    ------
    ValueError
        If the grid does not increase or `start` is outside it.
    """

    label: str
    grid: tuple[float, ...]
    start: float
    step: float = 1
    slider: widgets.SelectionSlider = field(init=False)
    box: widgets.BoundedFloatText = field(init=False)
    widget: widgets.HBox = field(init=False)

    def __post_init__(self) -> None:
        if list(self.grid) != sorted(set(self.grid)) or len(self.grid) < 2:
            raise ValueError(f"grid must increase, got {self.grid}")
        self.check(self.start)
        self.slider = widgets.SelectionSlider(
            options=[(f"{v:,g}", k) for k, v in enumerate(self.grid)],
            index=self._nearest(self.start),
            readout=False,
            layout=widgets.Layout(width="150px"),
        )
        self.box = widgets.BoundedFloatText(
            value=self.start,
            min=self.low,
            max=self.high,
            step=self.step,
            description=self.label,
            style={"description_width": "165px"},
            layout=widgets.Layout(width="250px"),
        )
        self.widget = widgets.HBox(
            [self.box, self.slider], layout=widgets.Layout(width="410px")
        )
        self._linking = False
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
        """The value now."""
        return _plain(self.box.value)

    @value.setter
    def value(self, value: float) -> None:
        """Move the control."""
        self.check(value)
        self.box.value = value

    def values(self) -> tuple[float, ...]:
        """Return the values that a sweep of this control visits."""
        return self.grid

    def watch(self, changed: Callable[[object], None]) -> None:
        """Call a function when the value has changed, however it was changed."""
        self.box.observe(changed, names="value")

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

    def _nearest(self, value: float) -> int:
        return min(range(len(self.grid)), key=lambda k: abs(self.grid[k] - value))

    def _slid(self, change: dict[str, int]) -> None:
        if not self._linking:
            self.box.value = self.grid[change["new"]]

    def _typed(self, change: dict[str, float]) -> None:
        self._linking = True  # the slider follows; it must not round what was typed
        try:
            self.slider.index = self._nearest(change["new"])
        finally:
            self._linking = False


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
            style={"description_width": "165px"},
            layout=widgets.Layout(width="400px"),
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
