"""An explorer: controls, a picture of the model's answer, and a sentence that says it.

What moves is a pure function of the package, so a test can call it, without a browser,
at every position of every control.  The surprising part is the picture: it is a string.
The same SVG is shown live, stored in the notebook for a reader who runs nothing, and
compared by nbval.

An explorer that belongs to a prediction stays veiled until there is a guess: it shows
what is known, and its controls wait.  Then it moves to the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from typing import TYPE_CHECKING

from hamodel._types import Value
from hamodel.course._svg import image
from hamodel.course._widgets import Skin, bundle, paragraph, skin_of
from hamodel.course.drawing import Sheet

if TYPE_CHECKING:
    import ipywidgets as widgets

    from hamodel.course.controls import Control
    from hamodel.course.prediction import Prediction

Values = Mapping[str, Value]
Draw = Callable[[Sheet, Values, Value, Values], None]


@dataclass(kw_only=True, eq=False, repr=False)
class Explorer:
    """Controls, a picture and a sentence over one pure function.

    Attributes
    ----------
    title : str
        The question that the explorer answers.
    controls : mapping of str to Slider, Choice or Boxes
        At most four sliders; the keys are the parameters of `model`.
    model : callable
        `model(**values)` returns the result: a call into the package.
    picture : callable
        `picture(sheet, values, result, guess)` draws a result on a `Sheet`; the guess
        is empty until one is committed.  While `sheet.known` is false it must leave out
        what answers the question.
    describe : callable
        `describe(values, result)` returns one or two sentences with the numbers; they
        stand under the picture and are its description.
    presets : mapping of str to mapping
        Named settings; what a preset leaves out stays as it is.
    size : (float, float)
        Width and height of the picture in pixels; the page scales it.
    prediction : Prediction, optional
        Until its guess is committed the explorer is veiled; then the guess is drawn.
    before : str
        The sentence under the veiled picture.
    after : mapping
        Where the controls go when the veil is lifted.
    seconds : float
        How long the picture plays, if something in it moves; else 0.
    steps : int
        In how many steps it can be gone through.
    offers : mapping of str to (str, callable)
        By the name of `Boxes`: the control that decides which boxes can be pressed, and
        what its value offers.
    objectives : mapping of str to callable
        Small goals, as "99.99 % without touching the coverage"; each is ticked, and
        stays so, once `reached(values, result)` is true.
    reached : set of str
        The objectives that were reached so far.
    result : object
        What `model` returned for the values now.
    svg, sentence : str
        The picture and what it says.
    trouble : str
        Why the last move could not be shown; empty if all is well.

    Raises
    ------
    ValueError
        If a preset sets what is no control, or to a value that the control lacks.
    """

    title: str
    controls: Mapping[str, Control]
    model: Callable[..., Value]
    picture: Draw
    describe: Callable[[Values, Value], str]
    presets: Mapping[str, Values]
    size: tuple[float, float] = (640, 300)
    prediction: Prediction | None = None
    before: str = ""
    after: Values = field(default_factory=dict)
    seconds: float = 0
    steps: int = 8
    offers: Mapping[str, tuple[str, Callable[[Value], Iterable[str]]]] = field(
        default_factory=dict
    )
    objectives: Mapping[str, Callable[[Values, Value], bool]] = field(
        default_factory=dict
    )
    result: Value = field(default=None, init=False)
    svg: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    trouble: str = field(default="", init=False)
    reached: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._quiet, self._shown = False, False
        self._clock: float | None = 0.0
        self._since = 0.0
        for preset in (*self.presets.values(), self.after):
            for name, value in preset.items():
                self._control(name).check(value)
        for name, (decides, _) in self.offers.items():
            self.controls[decides].watch(partial(self._offer, name))
            self._offer(name)
        self.reset()
        for control in self.controls.values():
            control.watch(self._moved)
        if self.prediction is not None:
            self.prediction.watch(self._committed)
            if self.known:
                self.set(**self.after)

    @cached_property
    def skin(self) -> Skin:
        """What a notebook shows; it follows from then on."""
        return skin_of(self, "_panels")

    @property
    def buttons(self) -> dict[str, widgets.Button]:
        """A button for each preset, and Reset."""
        found: dict[str, widgets.Button] = self.skin.buttons
        return found

    @property
    def players(self) -> dict[str, widgets.Button]:
        """Play, pause and step, if something moves."""
        found: dict[str, widgets.Button] = self.skin.players
        return found

    @property
    def show_me(self) -> widgets.Button:
        """The button that lifts the veil without a guess."""
        return self.skin.show_me

    @property
    def box(self) -> widgets.VBox:
        """The outermost widget."""
        return self.skin.box

    @property
    def known(self) -> bool:
        """Whether the learner may see the answer: after a guess, or on request."""
        waits = self.before and self.prediction and self.prediction.guess is None
        return self._shown or not waits

    @property
    def values(self) -> dict[str, Value]:
        """The value of every control, in the unit of its label."""
        return {name: control.value for name, control in self.controls.items()}

    def open(self) -> None:
        """Lift the veil, and move to the answer."""
        self._shown = True
        self.set(**self.after)

    def set(self, **values: Value) -> None:
        """Move controls and redraw once.

        Raises
        ------
        ValueError
            If there is no such control, or it lacks the value.
        """
        for name, value in values.items():
            self._control(name).check(value)  # all of them, before anything moves
        self._quiet = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._quiet = False
        self.redraw()

    def reset(self) -> None:
        """Return every control to its start."""
        starts = {name: control.start for name, control in self.controls.items()}
        self._clock = 0.0
        self.set(**starts)

    def apply(self, preset: str) -> None:
        """Set the controls that a preset names; "Reset" sets all of them.

        Raises
        ------
        ValueError
            If there is no such preset.
        """
        if preset not in (*self.presets, "Reset"):
            listed = ", ".join((*self.presets, "Reset"))
            raise ValueError(f"preset must be one of {listed}, got {preset!r}")
        if preset == "Reset":
            self.reset()
        else:
            self.set(**self.presets[preset])

    def play(self) -> None:
        """Let what moves in the picture move."""
        self._clock, self._since = None, time.monotonic()
        self.redraw()

    def pause(self) -> None:
        """Hold the picture where it is."""
        if self._clock is None:
            self._clock = (time.monotonic() - self._since) % (self.seconds or 1)
        self.redraw()

    def step(self) -> None:
        """Hold the picture, and go one step on."""
        self.pause()
        each = self.seconds / self.steps
        self._clock = ((self._clock or 0.0) // each + 1) % self.steps * each
        self.redraw()

    def redraw(self) -> None:
        """Compute the result, then the picture and the sentence."""
        values, known = self.values, self.known
        result = self.model(**values)
        guess = None if self.prediction is None else self.prediction.guess
        sentence = self.describe(values, result) if known else self.before
        picture = self._drawn(values, result, guess or {})
        self.result, self.svg, self.sentence = result, picture, sentence
        for name, reached in self.objectives.items() if known else ():
            if reached(values, result):
                self.reached.add(name)
        for control in self.controls.values():
            control.enable(on=known)
        self._report("")

    def attempt(self, act: Callable[[], None]) -> None:
        """Do what a learner asked for; an exception would vanish unseen, so say it."""
        try:
            act()
        except Exception as error:  # whatever it is, the learner sees it
            self._report(f"{type(error).__name__}: {error}")

    @property
    def goals(self) -> str:
        """The objectives as a list, each with its tick or an empty ring."""
        if not self.objectives:
            return ""
        items = "<br>".join(
            f"{'✓' if name in self.reached else '○'} {escape(name)}"
            for name in self.objectives
        )
        return paragraph(
            f'<span role="status"><b>Can you reach it?</b><br>{items}</span>'
        )

    def drawn(self, guess: Values) -> str:
        """Return the picture as it is now, but with this guess."""
        return self._drawn(self.values, self.result, guess)

    def _drawn(self, values: Values, result: Value, guess: Values) -> str:
        sheet = Sheet(*self.size, known=self.known, clock=self._clock)
        if self.seconds:
            sheet.seconds = self.seconds
        self.picture(sheet, values, result, guess)
        return sheet.svg()

    def _committed(self) -> None:
        """Move to the answer when a guess was committed, or back when it was taken."""
        if self.prediction is None or self.prediction.guess is None:
            self._shown = False
            self.reset()
        else:
            self.set(**self.after)

    def _control(self, name: str) -> Control:
        if name not in self.controls:
            listed = ", ".join(self.controls)
            raise ValueError(f"control must be one of {listed}, got {name!r}")
        return self.controls[name]

    def _offer(self, name: str, _: object = None) -> None:
        decides, offered = self.offers[name]
        boxes: Value = self.controls[name]
        boxes.offer(offered(self.controls[decides].value))

    def _moved(self, _: object) -> None:
        if not self._quiet:
            self.attempt(self.redraw)

    def _report(self, trouble: str) -> None:
        self.trouble = trouble
        if "skin" in self.__dict__:  # it has been asked for
            self.skin.follow()

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        settings = "; ".join(control.text for control in self.controls.values())
        shown = f"<i>Shown: {escape(settings)}. Run this cell to move it.</i>"
        html = (
            f"<p><b>{escape(self.title)}</b></p>{image(self.svg, self.sentence)}"
            f"{paragraph(escape(self.sentence))}"
            f"{paragraph(shown)}{self.goals}"
        )
        return bundle(self, html, self.sentence)
