"""Exercises that answer back at once, and never stop a notebook.

An exercise begins as `answer = None`, and its check says so.  A wrong answer that many
people give has a name and its own hint; the check never shows the right one.  The
reference is computed by the package when the check runs, so it cannot go stale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Compare = Callable[[Any, Any], bool]
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
    answer: Callable[[], Any]
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
        answer cannot be read.  See `number`, `matrix`, `word` and `function`.
    right : str
        What to say to a right answer: why it is right.
    hint : str
        What to say to a wrong answer that is none of the known ones.
    mistakes : sequence of Mistake
        Known wrong answers.

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
    … Not answered yet. Your answer is to be a number.
    >>> half.check(50)
    ✗ Not yet. Not percent.
    >>> half.check(1 / 2)
    ✓ Right. One in two.
    """

    form: str
    reference: Callable[[], Any]
    same: Compare
    right: str
    hint: str
    mistakes: Sequence[Mistake] = ()

    def check(self, answer: object) -> Feedback:
        """Say how an answer does; this never raises, whatever the answer.

        Parameters
        ----------
        answer : object
            The answer; None if there is none yet.

        Returns
        -------
        Feedback
            The verdict and a hint.
        """
        if answer is None:
            return Feedback("unanswered", f"Your answer is to be {self.form}.")
        reference = self.reference()
        try:
            if self.same(answer, reference):
                return Feedback("right", self.right)
            for mistake in self.mistakes:
                if self.same(answer, mistake.answer()):
                    return Feedback("wrong", mistake.hint)
        except Exception as error:  # a learner's answer may be anything
            reason = f"{type(error).__name__}: {error}" if str(error) else "No reason."
            words = f"Your answer is to be {self.form}. Python says: {reason}"
            return Feedback("unreadable", words)
        return Feedback("wrong", self.hint)


def number(relative: float = 0.01) -> Compare:
    """Return a comparison of numbers.

    Parameters
    ----------
    relative : float
        How far two answers that agree may be apart.

    Returns
    -------
    callable
        `same(answer, other)`.
    """

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        if isinstance(answer, (bool, str)):
            raise TypeError(f"{answer!r} is not a number")
        return math.isclose(float(answer), float(other), rel_tol=relative)

    return _same


def matrix(relative: float = 0.01) -> Compare:
    """Return a comparison of tables of numbers, entry by entry.

    Parameters
    ----------
    relative : float
        How far two entries that agree may be apart, in units of the larger; a zero
        must be a zero.

    Returns
    -------
    callable
        `same(answer, other)`; it raises if the shapes differ.
    """

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        given, wanted = np.asarray(answer, float), np.asarray(other, float)
        if given.shape != wanted.shape:
            raise ValueError(f"its shape is {given.shape}, not {wanted.shape}")
        return bool(np.allclose(given, wanted, rtol=relative, atol=0))

    return _same


def word(*options: str) -> Compare:
    """Return a comparison of words out of a list.

    Parameters
    ----------
    *options : str
        The words that may be chosen.

    Returns
    -------
    callable
        `same(answer, other)`; it raises if the answer is none of them.
    """

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        said = str(answer).strip().lower()
        if said not in options:
            raise ValueError(f"{answer!r} is none of {', '.join(options)}")
        return bool(said == other)

    return _same


def function(*arguments: Sequence[float], relative: float = 1e-3) -> Compare:
    """Return a comparison of functions, by what they return.

    Parameters
    ----------
    *arguments : sequence of float
        Arguments to try, one sequence for each call.
    relative : float
        How far two results that agree may be apart.

    Returns
    -------
    callable
        `same(answer, other)`; it raises if the answer is no function or fails.
    """
    near = number(relative)

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        if not callable(answer):
            raise TypeError(f"{answer!r} is not a function")
        results = [answer(*given) for given in arguments]
        if any(result is None for result in results):
            raise ValueError("the function returns nothing")
        pairs = zip(results, arguments, strict=True)
        return all(near(result, other(*given)) for result, given in pairs)

    return _same
