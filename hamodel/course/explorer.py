"""An explorer: controls, a picture of the model's answer, and a sentence that says it.

What moves is a pure function of the package, so a test can call it, without a browser,
at every position of every control.  The surprising part is the picture: it is a string.
The same SVG is shown live, stored in the notebook for a reader who runs nothing, and
compared by nbval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as widgets

from hamodel.course._widgets import bundle, paragraph
from hamodel.course.boxes import CELL, Boxes
from hamodel.plots import image, svg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from hamodel.course.controls import Choice, Slider
    from hamodel.course.prediction import Prediction

    Values = Mapping[str, Any]


class Picture(Protocol):
    """A figure that is made once, and redrawn by changing its artists."""

    figure: Figure

    def update(self, values: Values, result: Any, guess: Values | None) -> None:  # noqa: ANN401
        """Show a result; draw the guess, if there is one, as a dashed ghost."""


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
    picture : Picture
        Draws a result.
    describe : callable
        `describe(values, result)` returns one or two sentences with the numbers; they
        stand under the picture and are its description.
    presets : mapping of str to mapping
        Named settings; what a preset leaves out returns to the start.
    prediction : Prediction, optional
        Its committed guess is drawn as a ghost.
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
    controls: Mapping[str, Slider | Choice | Boxes]
    model: Callable[..., Any]
    picture: Picture
    describe: Callable[[Values, Any], str]
    presets: Mapping[str, Values]
    prediction: Prediction | None = None
    result: Any = field(default=None, init=False)
    svg: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    trouble: str = field(default="", init=False)
    buttons: dict[str, widgets.Button] = field(init=False)
    box: widgets.VBox = field(init=False)

    def __post_init__(self) -> None:
        self._quiet = False
        self._picture, self._sentence, self._status = (
            widgets.HTML(layout=widgets.Layout(**size)) for size in _SIZES
        )
        width, height = self.picture.figure.get_size_inches() * 100
        self._picture.layout.height = f"{height + 8:.0f}px"
        self._picture.layout.min_width = f"{width:.0f}px"
        self.buttons = {name: self._button(name) for name in self.presets}
        self.buttons["Reset"] = self._button("Reset")
        self.box = self._layout()
        for preset in self.presets.values():
            for name, value in preset.items():
                self._control(name).check(value)
        self.reset()
        for control in self.controls.values():
            control.watch(self._moved)
        if self.prediction is not None:
            self.prediction.watch(lambda: self._moved(None))

    @property
    def values(self) -> dict[str, Any]:
        """The value of every control, in the unit of its label."""
        return {name: control.value for name, control in self.controls.items()}

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
        self.set(**{name: control.start for name, control in self.controls.items()})

    def apply(self, preset: str) -> None:
        """Set the controls as a preset says; "Reset" is one.

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
        self.set(**self._preset(preset))

    def redraw(self) -> None:
        """Compute the result, then the picture and the sentence."""
        values = self.values
        result = self.model(**values)
        guess = None if self.prediction is None else self.prediction.guess
        self.picture.update(values, result, guess)
        picture, sentence = svg(self.picture.figure), self.describe(values, result)
        self._picture.value = image(picture, sentence)
        self._sentence.value = paragraph(escape(sentence))
        self.result, self.svg, self.sentence = result, picture, sentence
        self._report("")

    def _control(self, name: str) -> Slider | Choice | Boxes:
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

    def _preset(self, name: str) -> dict[str, Any]:
        start = {key: control.start for key, control in self.controls.items()}
        return start | dict(self.presets.get(name, {}))

    def _button(self, name: str) -> widgets.Button:
        button = widgets.Button(
            description=name,
            tooltip=f"Set the controls: {name}",
            layout=widgets.Layout(width="auto"),
        )
        button.on_click(lambda _: self._pressed(name))
        return button

    def _layout(self) -> widgets.VBox:
        over = [c for c in self.controls.values() if isinstance(c, Boxes)]
        beside = [c.widget for c in self.controls.values() if c not in over]
        row = widgets.Layout(flex_flow="row wrap")
        return widgets.VBox(
            [
                widgets.HTML(f"<b>{escape(self.title)}</b>"),
                widgets.HBox(beside, layout=row),
                widgets.HBox(list(self.buttons.values()), layout=row),
                *(control.widget for control in over),
                self._under([button for control in over for button in control.over]),
                self._sentence,
                self._status,
            ]
        )

    def _under(self, buttons: list[widgets.Button]) -> widgets.Widget:
        """Return the picture, under the buttons that lie over it."""
        if not buttons:
            return self._picture
        self._picture.layout.grid_area = CELL
        self._picture.layout.margin = "0"
        one = widgets.Layout(grid_template_columns=self._picture.layout.min_width)
        return widgets.GridBox([self._picture, *buttons], layout=one)

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        settings = "; ".join(control.text for control in self.controls.values())
        shown = f"<i>Shown: {escape(settings)}. Run this cell to move it.</i>"
        html = (
            f"<p><b>{escape(self.title)}</b></p>{image(self.svg, self.sentence)}"
            f"{paragraph(escape(self.sentence))}"
            f"{paragraph(shown)}"
        )
        return bundle(self.box, html, self.sentence)


_SIZES = (
    {"overflow": "hidden"},
    {"min_height": "52px", "max_width": "740px"},
    {"min_height": "30px", "max_width": "740px"},
)
