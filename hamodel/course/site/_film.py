"""An explorer as frames: its two main levers together, under each of a few settings.

All that a page can show is a grid: every position of one lever with every position of
the other, under each scene: a setting of all other controls.  Where few are enough the
scenes are all with all; else those that presets make one after the other, and the ends
of each control.  A page offers what has a scene, so no control ever resets another.
Neighbouring frames differ
in a few lines of their SVG; each line is kept once, and a frame is a list of runs of
their numbers: "0-57,312,59-80".
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt, prod
from typing import Literal

from hamodel._types import Value
from hamodel.course.boxes import Boxes
from hamodel.course.controls import Again, Choice, Control, Slider
from hamodel.course.explorer import Explorer
from hamodel.course.site._ghost import Ghosts

Kind = Literal["range", "choice", "boxes", "scenes"]
Move = int | tuple[int, ...]  # a position; of scenes one for each before, -1: none
Setting = Mapping[str, Value]
Frame = tuple[str, str, str, int]  # runs of groups, sentence, settings, ghost or -1

MOST = (400, 250, 150)  # frames of an explorer, about: the first that is small enough
MOST_CHARACTERS = 2_200_000  # of them
MOST_BYTES = 100_000  # of them, compressed: what is left of a page that loads at once
MOST_SETS = 64  # sets of failed boxes: all of those of six boxes
FEWEST = 5  # positions of a slider
MOST_SCENES = 18  # settings of the controls that are no levers, all with all


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A control of the page with its positions, or what several controls make."""

    name: str
    label: str
    kind: Kind
    values: tuple[Value, ...]
    texts: tuple[str, ...]
    start: int
    places: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""  # how boxes are used
    parts: tuple[Axis, ...] = ()  # of scenes: the controls, the usual value first


@dataclass(frozen=True, kw_only=True)
class Film:
    """The frames of an explorer; `start` shows it as it starts."""

    title: str
    size: tuple[int, int]
    axes: tuple[Axis, ...]
    table: tuple[int, ...]  # the frame at every position, that of the last axis fastest
    presets: Mapping[str, Mapping[int, Move]]  # axis: position, for what it names
    groups: tuple[str, ...]
    frames: tuple[Frame, ...]
    ghosts: tuple[list[Value], ...]  # the lines that a guess adds
    veil: int | None  # the frame before there is a guess
    play: int | None  # the frame that moves

    @property
    def after(self) -> int:
        """The frame that a guess leads to."""
        return self.at([axis.start for axis in self.axes])

    @property
    def start(self) -> int:
        """The frame that is shown at first: the veiled one, if there is one."""
        return self.after if self.veil is None else self.veil

    def at(self, places: Iterable[int]) -> int:
        """Return the frame at a position of every axis."""
        number = 0
        for axis, place in zip(self.axes, places, strict=True):
            number = number * len(axis.values) + place
        return self.table[number]

    def svg(self, number: int) -> str:
        """Return a frame's picture, put together again as a page does it."""
        runs = [run.split("-") for run in self.frames[number][0].split(",")]
        kept = (self.groups[int(run[0]) : int(run[-1]) + 1] for run in runs)
        return "\n".join(itertools.chain(*kept))


def film(explorer: Explorer) -> Film:
    """Take an explorer through its settings, and leave it as it starts."""
    veiled = None if explorer.known else (explorer.svg, explorer.sentence)
    for most in MOST:
        explorer.reset()
        camera = _Camera(explorer)
        veil = None if veiled is None else camera.frame(veiled)
        explorer.open()
        axes = camera.axes(most)
        table = camera.table(axes)
        if table and camera.size <= MOST_BYTES:
            break
    else:
        listed = f"{MOST_BYTES:,} bytes in {MOST[-1]} frames"
        raise ValueError(f"{explorer.title!r} must fit into {listed}")
    presets = {n: camera.moves(axes, p) for n, p in explorer.presets.items()}
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
        play=play,
        axes=axes,
        table=table,
        presets=presets,
        groups=tuple(camera.groups),
        frames=tuple(camera.frames),
        ghosts=tuple(camera.ghosts.lines),
    )


class _Camera:
    """Takes frames of an explorer; what looks and says the same is kept once."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.ghosts = Ghosts(explorer)
        self.frames: list[Frame] = []
        self.groups: dict[str, int] = {}
        self.characters = 0
        self._known: dict[Frame, int] = {}
        starts = {name: control.start for name, control in explorer.controls.items()}
        self.base: dict[str, Value] = starts | dict(explorer.after)

    def frame(self, veiled: tuple[str, str] | None = None) -> int:
        """Return the number of the frame that the explorer shows now, or showed."""
        explorer = self.explorer
        picture, sentence = veiled or (explorer.svg, explorer.sentence)
        texts = [control.text for control in explorer.controls.values()]
        numbers = []
        for line in picture.splitlines():
            if line not in self.groups:
                self.groups[line] = len(self.groups)
                self.characters += len(line)
            numbers.append(self.groups[line])
        ghost = -1 if veiled else self.ghosts.here()
        frame = (_runs(numbers), sentence, "; ".join(texts), ghost)
        if frame not in self._known:
            self._known[frame] = len(self.frames)
            self.characters += sum(map(len, frame[:3]))
            self.frames.append(frame)
        return self._known[frame]

    @property
    def size(self) -> int:
        """Bytes of all that is kept, compressed."""
        return len(zlib.compress(repr((list(self.groups), self.frames)).encode()))

    def axes(self, most: int) -> tuple[Axis, ...]:
        """Return the levers, and last the settings of all else, if there are others."""
        names = levers(self.explorer)
        rest = [name for name in self.explorer.controls if name not in names]
        scenes = self._scenes(rest)
        budget = most // len(scenes)
        found = []
        for left, name in zip(range(len(names), 0, -1), names, strict=True):
            room = budget if left == 1 else isqrt(2 * budget)
            axis = self._axis(name, max(room, FEWEST))
            budget //= len(axis.values)
            found.append(axis)
        parts = tuple(self._part(name, scenes) for name in rest)
        scene = Axis(
            name="",
            label="",
            kind="scenes",
            values=scenes,
            texts=tuple(str(number) for number, _ in enumerate(scenes)),
            start=0,
            parts=tuple(part for part in parts if len(part.values) > 1),
        )
        return (*found, *([scene] if len(scenes) > 1 else []))

    def table(self, axes: Sequence[Axis]) -> tuple[int, ...]:
        """Take the frame at every position; nothing if that becomes too much."""
        frames: list[int] = []
        for values in itertools.product(*(axis.values for axis in axes)):
            setting = dict(self.base)
            for axis, value in zip(axes, values, strict=True):
                setting |= {axis.name: value} if axis.name else value
            self.explorer.set(**setting)
            frames.append(self.frame())
            if self.characters > MOST_CHARACTERS and len(axes) > 1:
                return ()
        return tuple(frames)

    def _axis(self, name: str, most: int) -> Axis:
        control = self.explorer.controls[name]
        base = self.base[name]
        values, texts = self._positions(name, control, most), []
        for value in values:
            control.value = value
            texts.append(_value_text(control))
        control.value = base
        boxes = isinstance(control, Boxes)
        return Axis(
            name=name,
            label=control.label,
            kind=_kind(control),
            values=values,
            texts=tuple(texts),
            start=values.index(base),
            places=_offered(control) if isinstance(control, Boxes) else {},
            note=control.note if boxes and isinstance(control, Boxes) else "",
        )

    def _positions(self, name: str, control: Control, most: int) -> tuple[Value, ...]:
        if isinstance(control, Slider):
            named = [p[name] for p in self.explorer.presets.values() if name in p]
            return thinned(control.grid, (self.base[name], *named), most)
        if not isinstance(control, Boxes):
            return control.values()[:most]
        boxes = tuple(_offered(control))
        if 2 ** len(boxes) <= MOST_SETS:
            sizes = (itertools.combinations(boxes, k) for k in range(len(boxes) + 1))
            return tuple(itertools.chain(*sizes))
        base, few = frozenset(self.base[name]), [(), *((box,) for box in boxes)]
        pressed = [*few, *itertools.combinations(boxes, 2)]  # from what is pressed now
        sets = dict.fromkeys(base.symmetric_difference(each) for each in pressed)
        return tuple(tuple(n for n in control.places if n in each) for each in sets)

    def _scenes(self, rest: Sequence[str]) -> tuple[Setting, ...]:
        """Return the settings of the controls that are no levers, the usual one first.

        A setting says what differs from the usual.
        """
        presets, base = self.explorer.presets.values(), self.base
        named = [{n: v for n, v in p.items() if n in rest} for p in presets]
        few = {n: (base[n], *_ends(self.explorer.controls[n])) for n in rest}
        for name, values in few.items():
            also = (p[name] for p in named if name in p)
            few[name] = tuple(dict.fromkeys((*values, *also)))
        if prod(map(len, few.values())) <= MOST_SCENES:
            grid = itertools.product(*few.values())
            return tuple(self.changed(dict(zip(rest, at, strict=True))) for at in grid)
        ends = [self.changed({name: v}) for name in rest for v in few[name]]
        reached = self._closed([{}], named)
        alone = [*reached, *(end for end in ends if end not in reached)]
        found = self._closed(alone, named)
        listed = found if len(found) <= MOST_SCENES else alone
        return tuple(s for k, s in enumerate(listed) if s not in listed[:k])

    def _closed(
        self, scenes: Iterable[Setting], named: Iterable[Setting]
    ) -> list[Setting]:
        """Return settings, and all that presets make of them one after the other."""
        found, named = list(scenes), list(named)
        for scene in found:  # it grows meanwhile
            for preset in named:
                made = self.changed({**scene, **preset})
                if made not in found:
                    found.append(made)
        return found

    def changed(self, setting: Setting) -> Setting:
        """Return what of a setting differs from the usual."""
        return {name: v for name, v in setting.items() if v != self.base[name]}

    def _part(self, name: str, scenes: Sequence[Setting]) -> Axis:
        """Return one of the controls that make the scenes."""
        control, usual = self.explorer.controls[name], self.base[name]
        values = tuple(dict.fromkeys(scene.get(name, usual) for scene in scenes))
        if isinstance(control, Slider):
            values = tuple(sorted(values))
        texts = []
        for value in values:
            control.value = value
            texts.append(_value_text(control))
        control.value = usual
        return Axis(
            name=name,
            label=control.label,
            kind="choice",
            values=values,
            texts=tuple(texts),
            start=values.index(usual),
        )

    def moves(self, axes: Sequence[Axis], preset: Setting) -> dict[int, Move]:
        """Return where a preset puts the axes that it names."""
        found: dict[int, Move] = {}
        for number, axis in enumerate(axes):
            if axis.name in preset:
                found[number] = axis.values.index(preset[axis.name])
            names = {part.name for part in axis.parts}
            if named := {n: v for n, v in preset.items() if n in names}:
                made = [self.changed({**scene, **named}) for scene in axis.values]
                found[number] = tuple(
                    axis.values.index(scene) if scene in axis.values else -1
                    for scene in made
                )
        return found


def levers(explorer: Explorer) -> tuple[str, ...]:
    """Return the controls that a page moves together: at most two.

    They are boxes that are pressed and the sliders that most presets name, as the
    presets of a lesson show what it is about.
    """
    presets = [set(preset) for preset in (*explorer.presets.values(), explorer.after)]

    def weight(name: str) -> tuple[int, int]:
        control = explorer.controls[name]
        kind = 2 if isinstance(control, Boxes) else isinstance(control, Slider)
        return -kind, -sum(name in preset for preset in presets)

    chosen = sorted(explorer.controls, key=weight)[:2]
    return tuple(name for name in explorer.controls if name in chosen)


def _kind(control: Control) -> Kind:
    if isinstance(control, Boxes):
        return "boxes"
    return "range" if isinstance(control, Slider) else "choice"


def _ends(control: Control) -> tuple[Value, ...]:
    """Return what a page shows of a control that is no lever."""
    if isinstance(control, Slider):
        return (control.low, control.high)
    if isinstance(control, (Choice, Again)):
        return control.values()[:4]
    return ()


def _offered(boxes: Boxes) -> dict[str, Sequence[float]]:
    """Return the places of the boxes that the picture shows at the start."""
    return {name: at for name, at in boxes.places.items() if name in boxes.offered}


def thinned(
    grid: Sequence[float], keep: Iterable[float], most: int = 41
) -> tuple[float, ...]:
    """Return some of a slider's values: both ends, those to keep, and between.

    Examples
    --------
    >>> thinned(range(101), [7], most=5)
    (0, 7, 33, 67, 100)
    """
    kept = sorted({*keep})
    values = sorted({*grid, *kept})
    if len(values) <= most:
        return tuple(values)
    last, room = len(values) - 1, max(most - len(kept), (most + 1) // 2)
    picked = {values[round(k * last / (room - 1))] for k in range(room)}
    return tuple(sorted(picked.union(kept)))


def _value_text(control: Control) -> str:
    """Return the value with its unit: what a control says, less its name."""
    name = control.label.partition(" (")[0]
    return control.text.removeprefix(name).lstrip(": ")


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
