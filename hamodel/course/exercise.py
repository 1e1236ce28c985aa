"""Exercises that answer back at once, and never stop a notebook.

An exercise begins as `answer = None`, and its check says so.  A wrong answer that many
people give has a name and its own hint; the check never shows the right one.  The
reference is computed by the package when the check runs, so it cannot go stale.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hamodel.course import slips

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
    mistakes : sequence of Mistake, or mapping of str to (callable or number, str)
        Known wrong answers; the table has what makes the answer, and the hint.
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
    reference: Callable[[], Any]
    same: Compare
    right: str
    hint: str
    mistakes: Sequence[Mistake] | Mapping[str, tuple[Any, str]] = ()
    then: str = ""
    _wrong: list[object] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.mistakes, Mapping):
            listed = [
                Mistake(name=n, answer=a if callable(a) else _always(a), hint=hint)
                for n, (a, hint) in self.mistakes.items()
            ]
            object.__setattr__(self, "mistakes", tuple(listed))

    @property
    def known(self) -> tuple[Mistake, ...]:
        """The known wrong answers."""
        return tuple(m for m in self.mistakes if isinstance(m, Mistake))

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
            return Feedback("unanswered", f"Give {self.form}.")
        reference, slip = self.reference(), ""
        try:
            try:
                if self.same(answer, reference):
                    return Feedback("right", self.right)
            except slips.Slip as error:
                slip = str(error)
            for mistake in self.known:
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
            return slips.of_numbers(numbers(answer), numbers(reference))
        return slips.of_sets(answer, reference) if _listed(reference) else ""


def exercise(
    words: str,
    right: object,
    *wrong: object,
    same: Compare | None = None,
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

    Returns
    -------
    Exercise
        The exercise.

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
        mistakes={n: (w, h) for (n, h), w in zip(said.items(), wrong, strict=True)},
        **told,
    )


def _always(value: Any) -> Callable[[], Any]:  # noqa: ANN401
    return lambda: value


def _listed(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))


def _comparing(
    same: Compare,
    numbers: Callable[[Any], Sequence[float]],
    within: float | None = None,
) -> Compare:
    """Let a comparison say which numbers an answer amounts to, for the slips.

    `within` is how far apart single numbers may be, for a page that checks by itself.
    """
    same.numbers = numbers  # type: ignore[attr-defined]
    same.within = within  # type: ignore[attr-defined]
    return same


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
        return math.isclose(slips.read(answer), float(other), rel_tol=relative)

    return _comparing(_same, lambda answer: [float(answer)], relative)


def matrix(relative: float = 0.01, rows: float | None = None) -> Compare:
    """Return a comparison of tables of numbers, entry by entry.

    Parameters
    ----------
    relative : float
        How far two entries that agree may be apart, in units of the larger; a zero
        must be a zero.
    rows : float, optional
        What each row must add up to; the first that does not is named.

    Returns
    -------
    callable
        `same(answer, other)`; it raises a `Slip` if the shapes differ.
    """

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        given, wanted = np.asarray(answer, float), np.asarray(other, float)
        if given.shape != wanted.shape:
            shape = f"Its shape is {given.shape}; it must be {wanted.shape}."
            raise slips.Slip(shape)
        near = bool(np.allclose(given, wanted, rtol=relative, atol=0))
        astray = _astray(given, rows)
        if astray and not (near and _astray(wanted, rows)):
            raise slips.Slip(astray)
        return near

    return _comparing(_same, lambda answer: np.asarray(answer, float).ravel().tolist())


def _astray(table: Any, rows: float | None) -> str:  # noqa: ANN401
    """Say which row of a table is the first that does not add up, if one must."""
    if rows is None:
        return ""
    for k, total in enumerate(table.sum(axis=1), 1):
        if abs(total - rows) > 1e-6 * np.abs(table).max():
            return f"Row {k} adds up to {total:.6g}; each row must add up to {rows:g}."
    return ""


def word(*options: str) -> Compare:
    """Return a comparison of words out of a list.

    Parameters
    ----------
    *options : str
        The words that may be chosen.

    Returns
    -------
    callable
        `same(answer, other)`; it raises a `Slip` if the answer is none of them.
    """

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        said = str(answer).strip().lower()
        if said not in options:
            raise slips.Slip(f"{answer!r} is none of {', '.join(options)}.")
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
        `same(answer, other)`; it raises if the answer is no function, and a `Slip` if
        the function fails.
    """
    near = number(relative)

    def _same(answer: Any, other: Any) -> bool:  # noqa: ANN401
        if not callable(answer):
            raise TypeError(f"{answer!r} is not a function")
        pairs = zip(_results(answer), arguments, strict=True)
        return all(near(result, other(*given)) for result, given in pairs)

    def _results(answer: Any) -> list[Any]:  # noqa: ANN401
        try:
            results = [answer(*given) for given in arguments]
        except Exception as error:
            raise slips.Slip(f"Your function stops: {error}.") from error
        if any(result is None for result in results):
            raise slips.Slip("Your function returns nothing: is there a `return`?")
        return results

    return _comparing(_same, lambda answer: [float(r) for r in _results(answer)])
