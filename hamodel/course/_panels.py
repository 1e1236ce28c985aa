"""The widgets of explorer, prediction and quiz: thin skins that follow pure cores.

Each core holds its state and computes what is shown; its panel is made when a notebook
shows it, passes on what is pressed, and copies what has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from hamodel._extras import brought_by
from hamodel.course._skins import CELL
from hamodel.course._svg import image
from hamodel.course._widgets import paragraph
from hamodel.course.boxes import Boxes

with brought_by("course"):
    import ipywidgets as widgets

if TYPE_CHECKING:
    from hamodel.course.explorer import Explorer
    from hamodel.course.prediction import Prediction
    from hamodel.course.quiz import Question, Quiz

_DARK = (
    '<style>[data-jp-theme-light="false"] .ha-sheet{color-scheme:dark}'
    '[data-jp-theme-light="true"] .ha-sheet{color-scheme:light}</style>'
)
#: On a phone the picture stays in sight while what is below it moves.  It sticks to the
#: notebook only if nothing between the two scrolls by itself.
_STAYS = (
    "<style>@media (max-width:600px){.ha-explorer,.ha-explorer .widget-box,"
    ".jp-OutputArea:has(.ha-explorer),.jp-OutputArea-child:has(.ha-explorer),"
    ".jp-OutputArea-output:has(.ha-explorer)"
    "{overflow:visible!important}.ha-explorer .ha-side{display:contents}"
    ".ha-explorer .ha-side>*{max-width:100%}.ha-explorer .ha-stays{position:sticky;"
    "top:0;z-index:3;flex:0 0 100%;overflow:hidden;"
    "background:var(--jp-layout-color0,#fff)}}</style>"
)
_SIZES: tuple[dict[str, str], ...] = (
    {"overflow": "hidden", "width": "100%"},
    {"min_height": "44px", "max_width": "740px"},
    {"max_width": "740px"},
    {"max_width": "740px"},
    {},
)


class ExplorerSkin:
    """Picture and controls side by side where the page is wide enough."""

    def __init__(self, core: Explorer) -> None:
        self._core = core
        self.picture, self.sentence, self.status, self.note, self.goals = (
            widgets.HTML(layout=widgets.Layout(**size)) for size in _SIZES
        )
        self.buttons = {
            name: _button(name, partial(self._press, name), f"Set the controls: {name}")
            for name in (*core.presets, "Reset")
        }
        self.show_me = widgets.Button(
            description="Show me", tooltip="Lift the veil without a guess"
        )
        self.show_me.on_click(lambda _: core.open())
        moves = {"▶ Play": core.play, "❚❚ Pause": core.pause, "Step": core.step}
        self.players = {
            name: _button(name, act) for name, act in moves.items() if core.seconds
        }
        self.box = self._layout()
        self.follow()

    def follow(self) -> None:
        """Copy what the core shows now."""
        core = self._core
        for button in (*self.buttons.values(), *self.players.values()):
            button.disabled = not core.known
        self.show_me.layout.display = "none" if core.known else ""
        words = (
            "<b>Commit your guess above</b>, and this comes alive."
            if core.before and not core.known
            else ""
        )
        trouble = ""
        if core.trouble:
            said = f"The picture still shows the last setting. {core.trouble}"
            trouble = f'<b role="alert">✗ {escape(said)}</b>'
        else:
            self.picture.value = _DARK + image(core.svg, core.sentence)
            self.sentence.value = paragraph(escape(core.sentence))
        self.note.value, self.status.value = words, trouble
        self.goals.value = core.goals

    def _press(self, name: str) -> None:
        self._core.attempt(lambda: self._core.apply(name))

    def _layout(self) -> widgets.VBox:
        core = self._core
        over = [c for c in core.controls.values() if isinstance(c, Boxes)]
        beside = [c.widget for c in core.controls.values() if not isinstance(c, Boxes)]
        row = widgets.Layout(flex_flow="row wrap")
        shown = self._under([button for control in over for button in control.over])
        shown.add_class("ha-stays")
        left = widgets.VBox(
            [
                shown,
                self.sentence,
                widgets.HBox([self.note, self.show_me], layout=row),
                *([widgets.HBox(list(self.players.values()))] if self.players else []),
                self.status,
            ],
            layout=widgets.Layout(flex="1 1 340px", max_width=f"{core.size[0]}px"),
        )
        right = widgets.VBox(
            [
                *(control.widget for control in over),
                *beside,
                widgets.HBox(list(self.buttons.values()), layout=row),
                *([self.goals] if core.objectives else []),
            ],
            layout=widgets.Layout(flex="0 1 300px"),
        )
        title = widgets.HTML(f"{_STAYS}<b>{escape(core.title)}</b>")
        wrap = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        for side in (left, right):
            side.add_class("ha-side")
        whole = widgets.VBox([title, widgets.HBox([left, right], layout=wrap)])
        return whole.add_class("ha-explorer")

    def _under(self, buttons: list[widgets.Button]) -> widgets.Widget:
        """Return the picture, under the buttons that lie over it."""
        if not buttons:
            return self.picture
        self.picture.layout.grid_area = CELL
        one = widgets.Layout(grid_template_columns="100%")
        return widgets.GridBox([self.picture, *buttons], layout=one)


class PredictionSkin:
    """The question, a control for each number, and what is said to the guess."""

    def __init__(self, core: Prediction) -> None:
        self._core = core
        self.commit = widgets.Button(
            description="Commit my prediction", button_style="primary"
        )
        self.again = widgets.Button(description="Start over")
        for button, act in ((self.commit, core.commit), (self.again, core.clear)):
            button.layout = widgets.Layout(width="190px", flex="0 0 auto")
            button.on_click(lambda _, act=act: act())
        self.feedback = widgets.HTML(layout=widgets.Layout(min_height="60px"))
        self.bar = widgets.HTML(layout=widgets.Layout(min_height="60px"))
        self.line = widgets.HTML(layout=widgets.Layout(grid_area=CELL, width="100%"))
        self.box = widgets.VBox(
            [
                widgets.HTML(paragraph(escape(core.question))),
                *self._asked(),
                *([self.bar] if core.total else []),
                widgets.HBox(
                    [self.commit, self.again],
                    layout=widgets.Layout(flex_flow="row wrap"),
                ),
                self.feedback,
            ]
        )
        self.follow()

    def _asked(self) -> list[widgets.Widget]:
        """Return the controls, or the axes with their handles and a box for each."""
        line, fields = self._core.line, self._core.fields
        if line is None:
            return [control.widget for control in fields.values()]
        wide, high = line.size
        over = [
            control.skin.upright(
                100 * line.across[name] / wide,
                100 * line.high / wide,
                100 * (line.low - line.high) / high,
            )
            for name, control in fields.items()
        ]
        for control in fields.values():
            control.watch(lambda _: self._draw())
        self._draw()
        one = widgets.Layout(grid_template_columns="100%", max_width=f"{wide}px")
        boxes = [control.widget for control in fields.values()]
        row = widgets.Layout(flex_flow="row wrap")
        return [
            widgets.GridBox([self.line, *over], layout=one),
            widgets.HBox(boxes, layout=row),
        ]

    def _draw(self) -> None:
        if self._core.line is not None:
            self.line.value = _DARK + self._core.line.picture(self._core.fields)

    def follow(self) -> None:
        """Copy what the core says, and lock what cannot be moved now."""
        committed = self._core.guess is not None
        self.commit.disabled, self.again.disabled = committed, not committed
        self.bar.value = self._core.bar
        self.feedback.value = (
            f'<div role="status" style="line-height: 1.5">{self._core.says}</div>'
        )


class QuizSkin:
    """Questions one below the other, with what is said to each choice."""

    def __init__(self, core: Quiz) -> None:
        self._core = core
        self.choices = tuple(map(_radio, core.questions))
        height = widgets.Layout(min_height="36px")
        self.feedback = tuple(widgets.HTML(layout=height) for _ in core.questions)
        self.score = widgets.HTML()
        parts: list[widgets.Widget] = [widgets.HTML(f"<b>{escape(core.title)}</b>")]
        many = len(core.questions) > 1
        for k, question in enumerate(core.questions):
            text = f"{k + 1}. {question.text}" if many else question.text
            asked = widgets.HTML(paragraph(escape(text)))
            parts += [asked, self.choices[k], self.feedback[k]]
            self.choices[k].observe(
                lambda change, k=k: core.answer(k + 1, change["new"]), names="value"
            )
        self.box = widgets.VBox([*parts, self.score])
        self.follow()

    def follow(self) -> None:
        """Show the options chosen, what is said to them, and the score."""
        core = self._core
        for k, (question, option) in enumerate(
            zip(core.questions, core.answers, strict=True)
        ):
            if option is not None:
                self.choices[k].value = option
                self.feedback[k].value = question.feedback(option)._repr_html_()
        self.score.value = f"<b>{core.score}</b>" if core.score else ""


def _radio(question: Question) -> widgets.RadioButtons:
    return widgets.RadioButtons(
        options=list(question.options),
        value=None,
        layout=widgets.Layout(width="auto", max_width="720px"),
    )


def _button(name: str, act: Callable[[], None], tooltip: str = "") -> widgets.Button:
    button = widgets.Button(
        description=name, tooltip=tooltip, layout=widgets.Layout(width="auto")
    )
    button.on_click(lambda _: act())
    return button
