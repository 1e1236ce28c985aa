"""Controls: a slider paired with a number box, a choice, and another sample.

A control is a value and the values that it can take; tests and pages need no more.  A
notebook shows its widget, which is made when it is first asked for.  Every slider runs
over a grid of round values, by number, since steps of a float would drift; its box
takes any value in between, and says in words why it refuses one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from hamodel._types import Value
from hamodel.course._widgets import Skin, skin_of

if TYPE_CHECKING:
    import ipywidgets as widgets

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
class Control:
    """What all controls share: a value that others watch, and a skin that follows it.

    Attributes
    ----------
    label : str
        What it sets, with the unit: "Failover time (s)".
    start : object
        The value at first and after a reset.
    enabled : bool
        Whether the learner can move it now.
    """

    label: str
    start: Value
    enabled: bool = field(default=True, init=False)
    _value: Value = field(default=None, init=False)
    _watchers: list[Callable[[object], None]] = field(default_factory=list, init=False)

    @cached_property
    def skin(self) -> Skin:
        """What a notebook shows; it follows from then on."""
        return skin_of(self, "_skins")

    @property
    def widget(self) -> widgets.Widget:
        """Its outermost widget."""
        return self.skin.widget

    @property
    def value(self) -> Value:
        """The value now."""
        return self._value

    @value.setter
    def value(self, value: Value) -> None:
        """Move the control."""
        self.check(value)
        self._take(value)

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        return f"{self.label}: {self.value}"

    def check(self, value: Value) -> None:
        """Raise a ValueError unless the control can take a value."""
        if value not in self.values():
            listed = ", ".join(map(str, self.values()))
            raise ValueError(f"{self.label} must be one of {listed}, got {value!r}")

    def values(self) -> tuple[Value, ...]:
        """Return the values that a sweep of this control visits."""
        raise NotImplementedError

    def watch(self, changed: Callable[[object], None]) -> None:
        """Call a function when the value has changed, however it was changed."""
        self._watchers.append(changed)

    def enable(self, *, on: bool) -> None:
        """Let the learner change the value, or not."""
        if on != self.enabled:
            self.enabled = on
            self._follow()

    def _take(self, value: Value) -> None:
        changed, self._value = value != self._value, value
        if changed:
            self._follow()
            for watcher in self._watchers:
                watcher(None)

    def _follow(self) -> None:
        if "skin" in self.__dict__:  # it has been asked for
            self.skin.follow()


@dataclass(kw_only=True, eq=False, repr=False)
class Slider(Control):
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

    grid: tuple[float, ...]
    start: float | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if list(self.grid) != sorted(set(self.grid)) or len(self.grid) < 2:
            raise ValueError(f"grid must increase, got {self.grid}")
        if self.start is not None:
            self.value = self.start

    @property
    def slider(self) -> widgets.SelectionSlider:
        """The slider itself."""
        return self.skin.slider

    @property
    def box(self) -> widgets.Text:
        """The box that takes a number."""
        return self.skin.box

    @property
    def note(self) -> widgets.HTML:
        """Says why what was typed is refused; empty if it is not."""
        return self.skin.note

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
        value: float = self._value
        return value

    @value.setter
    def value(self, value: float) -> None:
        """Move the control."""
        self.check(value)
        self._take(_plain(value))

    @property
    def empty(self) -> bool:
        """Whether it was never given a value."""
        return self._value is None

    @property
    def unit(self) -> str:
        """The unit of the label with a space before it, if there is one."""
        unit = self.label.partition(" (")[2].removesuffix(")")
        return f" {unit}" if unit else ""

    def values(self) -> tuple[float, ...]:
        """Return the values that a sweep of this control visits."""
        return self.grid

    @property
    def text(self) -> str:
        """Label and value, to be read."""
        return f"{self.label.partition(' (')[0]} {self.value:,g}{self.unit}"

    def check(self, value: float) -> None:
        """Raise a ValueError unless the control can take a value."""
        if not self.low <= value <= self.high:  # a NaN is refused too
            limits = f"[{self.low:g}, {self.high:g}]"
            raise ValueError(f"{self.label} must be in {limits}, got {value!r}")
        if self.whole and value != int(value):
            raise ValueError(f"{self.label} must be whole, got {value!r}")

    def nearest(self, value: float) -> int:
        """Return the position on the grid, from 0, that comes nearest to a value."""
        return min(range(len(self.grid)), key=lambda k: abs(self.grid[k] - value))

    def read(self, typed: str) -> float:
        """Return the number that was typed, or say how it is to be written.

        Raises
        ------
        ValueError
            If it is none that the control can take, in words for the learner.
        """
        if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", typed):
            typed = typed.replace(",", "")
        if re.fullmatch(r"-?\d+,\d+", typed):
            raise ValueError(f"Write {typed.replace(',', '.')}, with a point.")
        try:
            value = float(typed)
        except ValueError:
            raise ValueError(
                f"{typed!r} is no number: write it as 12 or 0.33."
            ) from None
        if not self.low <= value <= self.high:
            raise ValueError(f"It can be from {self.low:,g} to {self.high:,g}.")
        if self.whole and value != int(value):
            raise ValueError("Only a whole number makes sense here.")
        return value


@dataclass(kw_only=True, eq=False, repr=False)
class Choice(Control):
    """One of a few named options.

    Raises
    ------
    ValueError
        If `start` is not an option.
    """

    options: tuple[str, ...]
    start: str

    def __post_init__(self) -> None:
        self.value = self.start

    def values(self) -> tuple[str, ...]:
        """Return the values that a sweep of this control visits."""
        return self.options


@dataclass(kw_only=True, eq=False, repr=False)
class Again(Control):
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

    most: int
    start: int = 1

    def __post_init__(self) -> None:
        self.value = self.start

    def values(self) -> tuple[int, ...]:
        """Return the values that a sweep of this control visits."""
        return tuple(range(1, self.most + 1))

    def next(self) -> None:
        """Go to the sample after this one."""
        self.value = self.value % self.most + 1
