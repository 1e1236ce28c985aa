"""An explorer as frames: every control through its range, one at a time.

Neighbouring frames differ in a few lines of their SVG.  So each line is kept once,
and a frame is a list of runs of their numbers: "0-57,312,59-80".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hamodel.course.explorer import Explorer

    Kind = Literal["range", "choice", "boxes"]

MOST = 41  # positions of a slider
MOST_SETS = 64  # sets of failed boxes: all of those of six boxes


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A control, and the frame at each of its positions."""

    name: str
    label: str
    kind: Kind
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    frames: tuple[int, ...]
    start: int
    places: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""  # how boxes are used


@dataclass(frozen=True, kw_only=True)
class Film:
    """The frames of an explorer; `start` shows it as it starts."""

    title: str
    size: tuple[int, int]
    axes: tuple[Axis, ...]
    presets: Mapping[str, tuple[int, tuple[int, ...]]]  # frame, position on each axis
    groups: tuple[str, ...]
    frames: tuple[tuple[str, str, str], ...]  # runs of groups, sentence, settings
    veil: int | None  # the frame before there is a guess
    after: tuple[int, tuple[int, ...]]  # what a guess leads to
    play: int | None  # the frame that moves

    @property
    def start(self) -> int:
        """The frame that is shown at first: the veiled one, if there is one."""
        return 0 if self.veil is None else self.veil

    def svg(self, number: int) -> str:
        """Return a frame's picture, put together again as a page does it."""
        runs = [run.split("-") for run in self.frames[number][0].split(",")]
        kept = (self.groups[int(run[0]) : int(run[-1]) + 1] for run in runs)
        return "\n".join(itertools.chain(*kept))


def film(explorer: Explorer) -> Film:
    """Take an explorer through its controls, and leave it as it starts.

    Parameters
    ----------
    explorer : Explorer
        The explorer; what it needs of a control is `label`, `start`, `value`,
        `values()` and `text`.

    Returns
    -------
    Film
        The frames.
    """
    camera = _Camera(explorer)
    veil = None if explorer.known else camera.frame()
    explorer.open()
    after = camera.take({})
    axes = tuple(camera.axis(name) for name in explorer.controls)
    presets = {
        name: (camera.take(preset), tuple(_position(axis, preset) for axis in axes))
        for name, preset in explorer.presets.items()
    }
    explorer.set(**camera.base)
    play = None
    if explorer.seconds:
        explorer.play()
        play = camera.frame()
    explorer.reset()
    return Film(
        title=explorer.title,
        size=(round(explorer.size[0]), round(explorer.size[1])),
        veil=veil,
        after=(after, tuple(axis.start for axis in axes)),
        play=play,
        axes=axes,
        presets=presets,
        groups=tuple(camera.groups),
        frames=tuple(camera.frames),
    )


class _Camera:
    """Takes frames of an explorer; a frame that it has is not taken twice."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.frames: list[tuple[str, str, str]] = []
        self.groups: dict[str, int] = {}
        self._taken: dict[str, int] = {}
        starts = {name: control.start for name, control in explorer.controls.items()}
        self.base: dict[str, Any] = starts | dict(explorer.after)

    def take(self, change: Mapping[str, Any]) -> int:
        """Return the frame of a setting; what it leaves out is as a guess leaves it."""
        explorer = self.explorer
        setting = self.base | dict(change)
        key = repr(setting)
        if key not in self._taken:
            explorer.set(**setting)
            self._taken[key] = self.frame()
        return self._taken[key]

    def frame(self) -> int:
        """Return the number of a new frame, of what the explorer shows now."""
        explorer = self.explorer
        texts = [control.text for control in explorer.controls.values()]
        numbers = [self._group(line) for line in explorer.svg.splitlines()]
        self.frames.append((_runs(numbers), explorer.sentence, "; ".join(texts)))
        return len(self.frames) - 1

    def axis(self, name: str) -> Axis:
        """Take a control through its range."""
        control: Any = self.explorer.controls[name]
        kind = _kind(control)
        self.explorer.set(**self.base)
        places = _offered(control) if kind == "boxes" else {}
        values = _positions(control, kind, tuple(places), self.base[name])
        texts, frames = [], []
        for value in values:
            frames.append(self.take({name: value}))
            control.value = value
            texts.append(_value_text(control))
        return Axis(
            name=name,
            label=control.label,
            kind=kind,
            values=values,
            texts=tuple(texts),
            frames=tuple(frames),
            start=values.index(self.base[name]),
            places=places,
            note=control.note if places else "",
        )

    def _group(self, group: str) -> int:
        return self.groups.setdefault(group, len(self.groups))


def _kind(control: Any) -> Kind:  # noqa: ANN401  whatever a lesson brings
    if hasattr(control, "places"):
        return "boxes"
    return "range" if hasattr(control, "grid") else "choice"


def _offered(boxes: Any) -> dict[str, Sequence[float]]:  # noqa: ANN401
    """Return the places of the boxes that the picture shows at the start."""
    return {name: at for name, at in boxes.places.items() if name in boxes.offered}


def _positions(  # a control, whatever a lesson brings
    control: Any,  # noqa: ANN401
    kind: Kind,
    boxes: Sequence[str],
    start: Any,  # noqa: ANN401
) -> tuple[Any, ...]:
    if kind == "range":
        return thinned(control.grid, start)
    if kind == "choice":
        return tuple(control.values())
    if 2 ** len(boxes) <= MOST_SETS:
        sizes = (itertools.combinations(boxes, k) for k in range(len(boxes) + 1))
        return tuple(itertools.chain(*sizes))
    there = frozenset(boxes)
    return tuple(value for value in control.values() if there.issuperset(value))


def thinned(grid: Sequence[float], start: float, most: int = MOST) -> tuple[float, ...]:
    """Return at most so many of a slider's values: both ends, the start, and between.

    Parameters
    ----------
    grid : sequence of float
        The values, increasing.
    start : float
        The value to keep, whether it is on the grid or not.
    most : int
        How many, at least three.

    Returns
    -------
    tuple of float
        The values kept, increasing.

    Examples
    --------
    >>> thinned(range(101), 7, most=5)
    (0, 7, 33, 67, 100)
    """
    values = sorted({*grid, start})
    if len(values) <= most:
        return tuple(values)
    last = len(values) - 1
    picked = {round(k * last / (most - 2)) for k in range(most - 1)}
    return tuple(values[k] for k in sorted(picked | {values.index(start)}))


def _value_text(control: Any) -> str:  # noqa: ANN401
    """Return the value with its unit: what a control says, less its name."""
    name = control.label.partition(" (")[0]
    text: str = control.text
    return text.removeprefix(name).lstrip(": ")


def _position(axis: Axis, setting: Mapping[str, Any]) -> int:
    """Return the position of an axis that comes nearest to a setting."""
    if axis.name not in setting:
        return axis.start
    value = setting[axis.name]
    if axis.kind != "range":
        return axis.values.index(value)
    gaps = [abs(each - value) for each in axis.values]
    return gaps.index(min(gaps))


def _runs(numbers: Iterable[int]) -> str:
    """Return numbers as runs.

    Examples
    --------
    >>> _runs([0, 1, 2, 7, 4, 5])
    '0-2,7,4-5'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in runs)
