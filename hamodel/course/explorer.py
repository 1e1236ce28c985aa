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
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from hamodel.course._widgets import bundle, paragraph
from hamodel.course.boxes import CELL, Boxes
from hamodel.course.drawing import Sheet, image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hamodel.course.controls import Again, Choice, Slider
    from hamodel.course.prediction import Prediction

    Values = Mapping[str, Any]
    Draw = Callable[[Sheet, Values, Any, Values], None]


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
    wire : callable
        `wire(controls)` lets controls watch each other; called once.
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
    controls: Mapping[str, Slider | Choice | Boxes | Again]
    model: Callable[..., Any]
    picture: Draw
    describe: Callable[[Values, Any], str]
    presets: Mapping[str, Values]
    size: tuple[float, float] = (640, 300)
    prediction: Prediction | None = None
    before: str = ""
    after: Values = field(default_factory=dict)
    seconds: float = 0
    steps: int = 8
    wire: Callable[[Mapping[str, Any]], None] = lambda _: None
    objectives: Mapping[str, Callable[[Values, Any], bool]] = field(
        default_factory=dict
    )
    result: Any = field(default=None, init=False)
    svg: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    trouble: str = field(default="", init=False)
    buttons: dict[str, widgets.Button] = field(init=False)
    players: dict[str, widgets.Button] = field(init=False)
    box: widgets.VBox = field(init=False)

    def __post_init__(self) -> None:
        self._quiet, self._shown = False, False
        self._clock: float | None = 0.0
        self._since = 0.0
        self._picture, self._sentence, self._status, self._note = (
            widgets.HTML(layout=widgets.Layout(**size)) for size in _SIZES
        )
        self.reached: set[str] = set()
        self._goals = widgets.HTML()
        self.buttons = {name: self._button(name) for name in self.presets}
        self.buttons["Reset"] = self._button("Reset")
        self.show_me = widgets.Button(
            description="Show me", tooltip="Lift the veil without a guess"
        )
        self.show_me.on_click(lambda _: self.open())
        self.players = {n: _player(n, f) for n, f in self._playing().items()}
        self.box = self._layout()
        for preset in (*self.presets.values(), self.after):
            for name, value in preset.items():
                self._control(name).check(value)
        self.wire(self.controls)
        self.reset()
        for control in self.controls.values():
            control.watch(self._moved)
        if self.prediction is not None:
            self.prediction.watch(self._committed)
            if self.known:
                self.set(**self.after)

    @property
    def known(self) -> bool:
        """Whether the learner may see the answer: after a guess, or on request."""
        waits = self.before and self.prediction and self.prediction.guess is None
        return self._shown or not waits

    @property
    def values(self) -> dict[str, Any]:
        """The value of every control, in the unit of its label."""
        return {name: control.value for name, control in self.controls.items()}

    def open(self) -> None:
        """Lift the veil, and move to the answer."""
        self._shown = True
        self.set(**self.after)

    def set(self, **values: Any) -> None:  # noqa: ANN401  a control knows its type
        """Move controls and redraw once.

        Parameters
        ----------
        **values : float or str
            New values by control; the others stay.

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

        Parameters
        ----------
        preset : str
            Its name.

        Raises
        ------
        ValueError
            If there is no such preset.
        """
        if preset not in self.buttons:
            listed = ", ".join(self.buttons)
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
        self._picture.value = _DARK + image(picture, sentence)
        self._sentence.value = paragraph(escape(sentence))
        self.result, self.svg, self.sentence = result, picture, sentence
        self._tick(values, result)
        self._veil(known)
        self._report("")

    def _drawn(self, values: Values, result: Any, guess: Values) -> str:  # noqa: ANN401
        sheet = Sheet(*self.size, known=self.known, clock=self._clock)
        if self.seconds:
            sheet.seconds = self.seconds
        self.picture(sheet, values, result, guess)
        return sheet.svg()

    def _tick(self, values: Values, result: Any) -> None:  # noqa: ANN401
        """Tick the objectives that are reached, where the answer may be seen."""
        for name, reached in self.objectives.items() if self.known else ():
            if reached(values, result):
                self.reached.add(name)
        goals = self._listed()
        if self._goals.value != goals:
            self._goals.value = goals

    def _listed(self) -> str:
        """Return the objectives as a list, each with its tick or an empty ring."""
        if not self.objectives:
            return ""
        items = "<br>".join(
            f"{'✓' if name in self.reached else '○'} {escape(name)}"
            for name in self.objectives
        )
        return paragraph(
            f'<span role="status"><b>Can you reach it?</b><br>{items}</span>'
        )

    def _veil(self, known: bool) -> None:
        """Let the controls wait while the answer is not to be seen."""
        for control in self.controls.values():
            control.enable(on=known)
        for button in (*self.buttons.values(), *self.players.values()):
            button.disabled = not known
        self.show_me.layout.display = "none" if known else ""
        words = "" if known else "<b>Commit your guess above</b>, and this comes alive."
        if self._note.value != words:
            self._note.value = words

    def _committed(self) -> None:
        """Move to the answer when a guess was committed, or back when it was taken."""
        if self.prediction is None or self.prediction.guess is None:
            self._shown = False
            self.reset()
        else:
            self.set(**self.after)

    def _playing(self) -> dict[str, Callable[[], None]]:
        every = {"▶ Play": self.play, "❚❚ Pause": self.pause, "Step": self.step}
        return every if self.seconds else {}

    def _control(self, name: str) -> Slider | Choice | Boxes | Again:
        if name not in self.controls:
            listed = ", ".join(self.controls)
            raise ValueError(f"control must be one of {listed}, got {name!r}")
        return self.controls[name]

    def _moved(self, _: object) -> None:
        """Redraw after a learner's move; an exception here would vanish unseen."""
        if self._quiet:
            return
        try:
            self.redraw()
        except Exception as error:  # whatever it is, the learner sees it
            self._report(f"{type(error).__name__}: {error}")

    def _pressed(self, preset: str) -> None:
        try:
            self.apply(preset)
        except Exception as error:
            self._report(f"{type(error).__name__}: {error}")

    def _report(self, trouble: str) -> None:
        self.trouble = trouble
        if trouble:
            words = f"The picture still shows the last setting. {trouble}"
            self._status.value = f'<b role="alert">✗ {escape(words)}</b>'
        elif self._status.value:
            self._status.value = ""

    def _button(self, name: str) -> widgets.Button:
        button = widgets.Button(
            description=name,
            tooltip=f"Set the controls: {name}",
            layout=widgets.Layout(width="auto"),
        )
        button.on_click(lambda _: self._pressed(name))
        return button

    def _layout(self) -> widgets.VBox:
        """Lay picture and controls side by side where the page is wide enough."""
        over = [c for c in self.controls.values() if isinstance(c, Boxes)]
        beside = [c.widget for c in self.controls.values() if c not in over]
        row = widgets.Layout(flex_flow="row wrap")
        left = widgets.VBox(
            [
                self._under([button for control in over for button in control.over]),
                self._sentence,
                widgets.HBox([self._note, self.show_me], layout=row),
                *([widgets.HBox(list(self.players.values()))] if self.players else []),
                self._status,
            ],
            layout=widgets.Layout(flex="1 1 340px", max_width=f"{self.size[0]}px"),
        )
        right = widgets.VBox(
            [
                *(control.widget for control in over),
                *beside,
                widgets.HBox(list(self.buttons.values()), layout=row),
                *([self._goals] if self.objectives else []),
            ],
            layout=widgets.Layout(flex="0 1 300px"),
        )
        title = widgets.HTML(f"<b>{escape(self.title)}</b>")
        wrap = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        return widgets.VBox([title, widgets.HBox([left, right], layout=wrap)])

    def _under(self, buttons: list[widgets.Button]) -> widgets.Widget:
        """Return the picture, under the buttons that lie over it."""
        if not buttons:
            return self._picture
        self._picture.layout.grid_area = CELL
        one = widgets.Layout(grid_template_columns="100%")
        return widgets.GridBox([self._picture, *buttons], layout=one)

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        settings = "; ".join(control.text for control in self.controls.values())
        shown = f"<i>Shown: {escape(settings)}. Run this cell to move it.</i>"
        html = (
            f"<p><b>{escape(self.title)}</b></p>{image(self.svg, self.sentence)}"
            f"{paragraph(escape(self.sentence))}"
            f"{paragraph(shown)}{self._listed()}"
        )
        return bundle(self.box, html, self.sentence)


def _player(name: str, act: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=name, layout=widgets.Layout(width="auto"))
    button.on_click(lambda _: act())
    return button


_DARK = (
    '<style>[data-jp-theme-light="false"] .ha-sheet{color-scheme:dark}'
    '[data-jp-theme-light="true"] .ha-sheet{color-scheme:light}</style>'
)
_SIZES: tuple[dict[str, str], ...] = (
    {"overflow": "hidden", "width": "100%"},
    {"min_height": "44px", "max_width": "740px"},
    {"max_width": "740px"},
    {"max_width": "740px"},
)
