"""A quiz of single-choice questions, in which every option has its own feedback."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from hamodel.course import progress
from hamodel.course._widgets import bundle, paragraph
from hamodel.course.exercise import Feedback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """A question with a few answers to choose from.

    Attributes
    ----------
    text : str
        The question.
    right : str
        The right option; empty if it is a matter of opinion.
    options : mapping of str to str
        `{option: what to say when it is chosen}`, in the order shown.

    Raises
    ------
    ValueError
        If the right option is not among them.
    """

    text: str
    right: str
    options: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.right and self.right not in self.options:
            listed = ", ".join(self.options)
            raise ValueError(f"right must be one of {listed}, got {self.right!r}")

    def feedback(self, option: str | None) -> Feedback:
        """Return what to say to an option.

        Parameters
        ----------
        option : str or None
            The option chosen, if any.

        Returns
        -------
        Feedback
            Right or wrong, with the option's own words.

        Raises
        ------
        ValueError
            If there is no such option.
        """
        if option is None:
            return Feedback("unanswered", "Choose one.")
        if option not in self.options:
            listed = ", ".join(self.options)
            raise ValueError(f"option must be one of {listed}, got {option!r}")
        if not self.right:
            return Feedback("kept", self.options[option])
        right = option == self.right
        return Feedback("right" if right else "wrong", self.options[option])


def ask(text: str, right: tuple[str, str], *wrong: tuple[str, str]) -> Question:
    """Return a question, its options in alphabetical order.

    Parameters
    ----------
    text : str
        The question.
    right, *wrong : (str, str)
        An option and what to say to it.

    Returns
    -------
    Question
        The question.

    Examples
    --------
    >>> list(ask("Is it?", ("yes", "It is."), ("no", "Look again.")).options)
    ['no', 'yes']
    """
    return Question(text=text, right=right[0], options=dict(sorted([right, *wrong])))


@dataclass(kw_only=True, eq=False, repr=False)
class Quiz:
    """Questions one below the other, each answering back at once.

    Attributes
    ----------
    title : str
        What the quiz is about.
    questions : sequence of Question
        The questions.
    key : str
        Names the quiz in the record of what was committed; empty: not recorded.
    """

    title: str
    questions: Sequence[Question]
    key: str = ""
    choices: tuple[widgets.RadioButtons, ...] = field(init=False)
    feedback: tuple[widgets.HTML, ...] = field(init=False)
    score: widgets.HTML = field(init=False)
    box: widgets.VBox = field(init=False)

    def __post_init__(self) -> None:
        self.choices = tuple(map(_radio, self.questions))
        height = widgets.Layout(min_height="36px")
        self.feedback = tuple(widgets.HTML(layout=height) for _ in self.questions)
        self.score = widgets.HTML()
        parts: list[Any] = [widgets.HTML(f"<b>{escape(self.title)}</b>")]
        for k, question in enumerate(self.questions):
            text = (
                f"{k + 1}. {question.text}"
                if len(self.questions) > 1
                else question.text
            )
            parts += [
                widgets.HTML(paragraph(escape(text))),
                self.choices[k],
                self.feedback[k],
            ]
            self.choices[k].observe(lambda _, k=k: self._chosen(k), names="value")
        self.box = widgets.VBox([*parts, self.score])
        self._count()

    @property
    def answers(self) -> tuple[str | None, ...]:
        """The options chosen so far."""
        return tuple(choice.value for choice in self.choices)

    def answer(self, number: int, option: str) -> Feedback:
        """Choose an option, as a click does.

        Parameters
        ----------
        number : int
            The question, counted from 1.
        option : str
            The option.

        Returns
        -------
        Feedback
            What the quiz says to it.

        Raises
        ------
        ValueError
            If there is no such option.
        """
        said = self.questions[number - 1].feedback(option)
        self.choices[number - 1].value = option
        return said

    def _chosen(self, k: int) -> None:
        said = self.questions[k].feedback(self.choices[k].value)
        self.feedback[k].value = said._repr_html_()
        self._count()
        if self.key:
            progress.record(self.key, list(self.answers))

    def _count(self) -> None:
        pairs = zip(self.questions, self.answers, strict=True)
        hits = [
            question.right == answer for question, answer in pairs if question.right
        ]
        if hits:
            self.score.value = f"<b>{sum(hits)} of {len(hits)} right.</b>"

    def __repr__(self) -> str:
        given = sum(answer is not None for answer in self.answers)
        return f"{self.title}: {given} of {len(self.questions)} answered"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        items = "".join(
            f"<li>{escape(q.text)} <i>{escape(' / '.join(q.options))}</i></li>"
            for q in self.questions
        )
        html = (
            f"<p><b>{escape(self.title)}</b></p><ol>{items}</ol>"
            "<p><i>Run this cell to answer.</i></p>"
        )
        return bundle(self.box, html, repr(self))


def _radio(question: Question) -> widgets.RadioButtons:
    return widgets.RadioButtons(
        options=list(question.options),
        value=None,
        layout=widgets.Layout(width="auto", max_width="720px"),
    )
