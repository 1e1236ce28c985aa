"""Exercises that answer back at once, and never stop a notebook.

An exercise begins as `answer = None`, and its check says so.  A wrong answer that many
people give has a name and its own hint; the check never shows the right one.  The
reference is computed by the package when the check runs, so it cannot go stale.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from hamodel.course import slips
from hamodel.course.comparisons import Answer, Compare, number

Verdict = Literal["unanswered", "right", "wrong", "unreadable", "kept"]

_MARKS = {
    "unanswered": ("…", "Not answered yet.", "#595959"),
    "right": ("✓", "Right.", "#00664a"),
    "wrong": ("✗", "Not yet.", "#a34700"),
    "unreadable": ("✗", "That cannot be read.", "#a34700"),
    "kept": ("✓", "Kept.", "#005b8f"),
}


@dataclass(frozen=True, eq=False)
class Feedback:
    """What a check says."""

    verdict: Verdict
    words: str

    def __repr__(self) -> str:
        mark, head, _ = _MARKS[self.verdict]
        return f"{mark} {head} {self.words}"

    def _repr_html_(self) -> str:
        mark, head, colour = _MARKS[self.verdict]
        return (
            f'<div role="status" style="border-left: 4px solid {colour}; '
            "padding: 4px 10px; background: #ffffff; color: #1a1a1a; "
            f'max-width: 720px"><b style="color: {colour}">{mark} {head}</b> '
            f"{escape(self.words)}</div>"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Mistake:
    """A wrong answer that has a reason, and the hint that meets the reason.

    Attributes
    ----------
    name : str
        The misconception.
    answer : callable
        Makes the wrong answer, from the package or by the wrong formula.
    hint : str
        What to look at; never the right answer.
    """

    name: str
    answer: Callable[[], Answer]
    hint: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """A question with a reference that the package computes.

    Attributes
    ----------
    form : str
        What an answer looks like: "a number of minutes a year".
    reference : callable
        Makes the right answer.
    same : callable
        `same(answer, other)` tells whether two answers agree; it may raise if the
        answer cannot be read.  See `comparisons`.
    right : str
        What to say to a right answer: why it is right.
    hint : str
        What to say to a wrong answer that is none of the known ones.
    mistakes : sequence of Mistake
        Known wrong answers.
    then : str
        What a second wrong answer is told in place of `hint`: a step further.

    Examples
    --------
    >>> half = Exercise(
    ...     form="a number",
    ...     reference=lambda: 0.5,
    ...     same=number(),
    ...     right="One in two.",
    ...     hint="Count the sides of a coin.",
    ...     mistakes=[Mistake(name="percent", answer=lambda: 50, hint="Not percent.")],
    ... )
    >>> half.check(None)
    … Not answered yet. Give a number.
    >>> half.check(50)
    ✗ Not yet. Not percent.
    >>> half.check(1 / 2)
    ✓ Right. One in two.
    """

    form: str
    reference: Callable[[], Answer]
    same: Compare
    right: str
    hint: str
    mistakes: Sequence[Mistake] = ()
    then: str = ""
    _wrong: list[object] = field(default_factory=list, init=False)

    def check(self, answer: object) -> Feedback:
        """Say how an answer does; this never raises, whatever the answer."""
        if answer is None:
            return Feedback("unanswered", f"Give {self.form}.")
        reference, slip = self.reference(), ""
        try:
            try:
                if self.same(answer, reference):
                    return Feedback("right", self.right)
            except slips.Slip as error:
                slip = str(error)
            for mistake in self.mistakes:
                with contextlib.suppress(slips.Slip):
                    if self.same(answer, mistake.answer()):
                        return Feedback("wrong", mistake.hint)
            slip = slip or self._slip(answer, reference)
        except Exception as error:  # a learner's answer may be anything
            reason = f"{type(error).__name__}: {error}" if str(error) else "No reason."
            words = f"Give {self.form}. Python says: {reason}"
            return Feedback("unreadable", words)
        self._wrong.append(answer)
        again = self.then if len(self._wrong) > 1 and self.then else self.hint
        return Feedback("wrong", slip or again)

    def _slip(self, answer: object, reference: object) -> str:
        """Name the usual slip that an answer shows, if it shows one."""
        numbers = getattr(self.same, "numbers", None)
        if numbers is not None:
            try:
                return slips.of_numbers(numbers(answer), numbers(reference))
            except slips.Slip as error:
                return str(error)
        return slips.of_sets(answer, reference) if _listed(reference) else ""


def exercise(
    words: str, right: object, *wrong: object, same: Compare | None = None
) -> Exercise:
    """Return an exercise from its table: a line for each thing that is said.

    Parameters
    ----------
    words : str
        First what an answer looks like; then lines `right: …`, `hint: …`, perhaps
        `then: …`, and one for each known mistake, `name: hint`.  What is indented goes
        on with the line before.
    right : callable or value
        The right answer, or what makes it.
    *wrong : callable or value
        The wrong answers, in the order of their lines.
    same : callable, optional
        As in `Exercise`; by default `number()`.

    Raises
    ------
    ValueError
        If a line is missing, or there are more or fewer mistakes than wrong answers.

    Examples
    --------
    >>> words = '''a number
    ...     right: One in two.
    ...     hint: Count the sides
    ...       of a coin.
    ...     percent: Not percent.'''
    >>> half = exercise(words, 0.5, 50)
    >>> half.check(50), half.check(0.011)
    (✗ Not yet. Not percent., ✗ Not yet. Count the sides of a coin.)
    """
    lines = re.sub(r"\n +", " ", inspect.cleandoc(words)).splitlines()
    said = dict(line.split(": ", 1) for line in lines[1:])
    missing = [name for name in ("right", "hint") if name not in said]
    if missing:
        raise ValueError(f"exercise {lines[0]!r} must say {missing[0]!r}")
    told = {name: said.pop(name, "") for name in ("right", "hint", "then")}
    if len(said) != len(wrong):
        listed = f"{len(said)} mistakes and {len(wrong)} wrong answers"
        raise ValueError(f"exercise {lines[0]!r} must pair them, got {listed}")
    return Exercise(
        form=lines[0],
        reference=right if callable(right) else _always(right),
        same=same or number(),
        mistakes=[
            Mistake(name=name, answer=w if callable(w) else _always(w), hint=hint)
            for (name, hint), w in zip(said.items(), wrong, strict=True)
        ],
        **told,
    )


def _always(value: Answer) -> Callable[[], Answer]:
    return lambda: value


def _listed(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))
