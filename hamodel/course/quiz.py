"""A quiz of single-choice questions, in which every option has its own feedback."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from hamodel.course import progress
from hamodel.course._widgets import Skin, bundle, skin_of
from hamodel.course.exercise import Feedback

if TYPE_CHECKING:
    import ipywidgets as widgets


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


def recall(words: str) -> tuple[Question, ...]:
    r"""Return questions from a table, their options in alphabetical order.

    Parameters
    ----------
    words : str
        A line for each question, then `+ option: words` for the right answer and
        `- option: words` for others.  What is indented goes on with the line before.

    Examples
    --------
    >>> (one,) = recall("Is it?\n+ yes: It is.\n- no: Look again.")
    >>> one.right, list(one.options)
    ('yes', ['no', 'yes'])
    """
    lines = re.sub(r"\n +", " ", inspect.cleandoc(words)).splitlines()
    blocks: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith(("+ ", "- ")):
            blocks[-1][1].append(line)
        else:
            blocks.append((line, []))
    return tuple(_asked(text, options) for text, options in blocks)


def _asked(text: str, options: list[str]) -> Question:
    pairs = [line[2:].split(": ", 1) for line in sorted(options)]  # "+" is before "-"
    return Question(text=text, right=pairs[0][0], options=dict(sorted(pairs)))


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
    answers : list of str or None
        The options chosen so far.
    """

    title: str
    questions: Sequence[Question]
    key: str = ""
    answers: list[str | None] = field(init=False)

    def __post_init__(self) -> None:
        self.answers = [None] * len(self.questions)

    @cached_property
    def skin(self) -> Skin:
        """What a notebook shows; it follows from then on."""
        return skin_of(self, "_panels")

    @property
    def choices(self) -> tuple[widgets.RadioButtons, ...]:
        """The options of each question."""
        found: tuple[widgets.RadioButtons, ...] = self.skin.choices
        return found

    @property
    def feedback(self) -> tuple[widgets.HTML, ...]:
        """What is said to each choice."""
        found: tuple[widgets.HTML, ...] = self.skin.feedback
        return found

    @property
    def box(self) -> widgets.VBox:
        """The outermost widget."""
        return self.skin.box

    @property
    def score(self) -> str:
        """How many are right; empty if it is a matter of opinion."""
        pairs = zip(self.questions, self.answers, strict=True)
        hits = [q.right == answer for q, answer in pairs if q.right]
        return f"{sum(hits)} of {len(hits)} right." if hits else ""

    def answer(self, number: int, option: str) -> Feedback:
        """Choose an option of a question, counted from 1, as a click does.

        Raises
        ------
        ValueError
            If there is no such option.
        """
        said = self.questions[number - 1].feedback(option)
        if self.answers[number - 1] != option:
            self.answers[number - 1] = option
            if self.key:
                progress.record(self.key, self.answers)
            if "skin" in self.__dict__:  # it has been asked for
                self.skin.follow()
        return said

    def __repr__(self) -> str:
        given = sum(answer is not None for answer in self.answers)
        return f"{self.title}: {given} of {len(self.questions)} answered"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        items = "".join(
            f"<li>{escape(q.text)} <i>{escape(' / '.join(q.options))}</i></li>"
            for q in self.questions
        )
        html = (
            f"<p><b>{escape(self.title)}</b></p><ol>{items}</ol>"
            "<p><i>Run this cell to answer.</i></p>"
        )
        return bundle(self, html, repr(self))
