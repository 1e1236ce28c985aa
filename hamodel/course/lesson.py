"""A lesson, declared: what it asks, shows, checks and keeps, in one table.

The module of a lesson makes one `Lesson` and its notebook calls it: `lesson.predict()`,
`lesson.explore(prediction)`, `lesson.check(1, answer_1)`.  All that lessons have in
common is done here once: fresh controls for each run of a cell, the veil, the score of
the shop at head and foot, questions that recall earlier lessons, and a page that keeps
the learner's own numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hamodel import text
from hamodel._types import Value
from hamodel.course import progress
from hamodel.course.controls import Slider
from hamodel.course.exercise import Exercise, Feedback
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction
from hamodel.course.quiz import Question, Quiz


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """What a notebook shows beside its prose.

    Attributes
    ----------
    number : str
        Two digits: "04".
    guess : mapping
        The arguments of its `Prediction`; `key` is made of the number.
    see : mapping
        The arguments of its `Explorer`, but for the prediction.
    exercises : sequence of Exercise
        Numbered from 1 in the notebook.
    recall : sequence of Question
        From earlier lessons; asked before anything else.
    own : callable, optional
        `own(numbers)` checks the learner's own numbers and returns what they amount to,
        or raises a ValueError that says what is wrong with them.

    Examples
    --------
    >>> from hamodel.course import number
    >>> half = Exercise(
    ...     form="a number", reference=lambda: 0.5, same=number(), right="Yes.", hint=""
    ... )
    >>> lesson = Lesson(number="99", guess={}, see={}, exercises=[half])
    >>> lesson.check(1, 0.5)
    ✓ Right. Yes.
    """

    number: str
    guess: Mapping[str, Value]
    see: Mapping[str, Value]
    exercises: Sequence[Exercise]
    recall: Sequence[Question] = ()
    own: Callable[..., Mapping[str, float]] | None = None

    def predict(self) -> Prediction:
        """Return the prediction, as new or as it was committed before."""
        made = {"key": f"{self.number} prediction", **self.guess}
        return Prediction(**made | {"fields": _fresh(made["fields"])})

    def explore(self, prediction: Prediction | None = None) -> Explorer:
        """Return the explorer; a prediction's guess lifts its veil, and is drawn."""
        made = {**self.see, "controls": _fresh(self.see["controls"])}
        return Explorer(**made, prediction=prediction)

    def check(self, which: int, answer: object) -> Feedback:
        """Say how an answer to an exercise, counted from 1, does."""
        return self.exercises[which - 1].check(answer)

    def remember(self) -> Quiz:
        """Return the questions from earlier lessons."""
        return Quiz(title="From earlier lessons", questions=self.recall)

    def mine(self, **numbers: float | None) -> Feedback:
        """Keep the learner's own numbers, and say what they amount to."""
        if self.own is None:
            raise ValueError(f"lesson {self.number} asks for no numbers")
        missing = [name for name, value in numbers.items() if value is None]
        if missing:
            return Feedback("unanswered", f"Give {', '.join(missing)}.")
        try:
            found = self.own(**numbers)
        except (TypeError, ValueError) as error:
            return Feedback("wrong", str(error))
        kept = progress.record(f"{self.number} own", {**numbers, **found})
        said = "; ".join(
            f"{name} {text.number(value, 4)}" for name, value in found.items()
        )
        note = "" if kept else " This folder is read-only, so nothing was written."
        return Feedback("kept", f"{said}.{note}")


def sliders(
    **rows: tuple[str, Sequence[float]] | tuple[str, Sequence[float], float],
) -> dict[str, Slider]:
    """Return sliders from a table: a row for each, of a label, its grid and a start.

    Parameters
    ----------
    **rows : (str, sequence of float) or (str, sequence of float, float)
        Without a start it begins empty, as a guess does; a grid that is a `range` takes
        whole numbers only.

    Examples
    --------
    >>> found = sliders(up=("Up (%)", (90, 99, 99.9), 99), nodes=("Nodes", range(1, 6)))
    >>> found["up"].value, found["nodes"].whole, found["nodes"].empty
    (99, True, True)
    """
    return {
        name: Slider(
            label=label,
            grid=tuple(grid),
            start=start[0] if start else None,
            whole=isinstance(grid, range),
        )
        for name, (label, grid, *start) in rows.items()
    }


def journey(
    rates: Mapping[tuple[Hashable, Hashable], float],
    start: Hashable,
    until: float,
    seed: int,
    most: int = 36,
) -> list[tuple[Value, float, float]]:
    """Return the stays of a Markov chain in its states, played with a seed.

    Parameters
    ----------
    rates : mapping of (state, state) to float
        How often it goes from one to the other, as `Chain.rates` has them.
    start : object
        The first state.
    until : float
        When the play ends, in the unit of one over the rates.
    seed : int
        Which play.
    most : int
        After how many stays it ends at the latest.

    Returns
    -------
    list of (object, float, float)
        The state, when it was entered and when it was left, for each stay.

    Examples
    --------
    >>> stays = journey({("up", "down"): 1, ("down", "up"): 60}, "up", 2, seed=1)
    >>> [(state, round(left, 2)) for state, _, left in stays]
    [('up', 1.07), ('down', 1.07), ('up', 1.44), ('down', 1.47), ('up', 2)]
    """
    rng, here, now = np.random.default_rng(seed), start, 0.0
    stays: list[tuple[Value, float, float]] = []
    while now < until and len(stays) < most:
        moves = {b: float(rate) for (a, b), rate in rates.items() if a == here}
        weights = np.array(list(moves.values()))
        left = min(now + rng.exponential(1 / weights.sum()), until)
        stays.append((here, now, left))
        here = list(moves)[rng.choice(len(moves), p=weights / weights.sum())]
        now = left
    return stays


def _fresh(controls: Mapping[str, Value]) -> dict[str, Value]:
    """Return controls like these, with widgets of their own."""
    return {name: replace(control) for name, control in controls.items()}
