"""Lesson 01, what 99.99 % buys: a mean, and what years are really like.

Everything here calls `hamodel.chain` or is checked against it.  The surprising number
is a share of years: a node that is up 99.99 % of the time, because it fails once in
forty thousand hours, has no downtime at all in four years of five, and far more than
it may in nearly all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import text
from hamodel.course.controls import Choice, Slider, decades
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction, View
from lessons.what_99_99_buys._exercises import (
    code_exercise,
    incident_exercise,
    month_exercise,
    peak_exercise,
    repair_exercise,
    window_exercise,
)
from lessons.what_99_99_buys._node import WINDOWS, Node, node
from lessons.what_99_99_buys._picture import YearsPicture, up

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "WINDOWS",
    "Node",
    "code_exercise",
    "describe",
    "explorer",
    "incident_exercise",
    "month_exercise",
    "node",
    "peak_exercise",
    "prediction",
    "presets",
    "repair_exercise",
    "truth",
    "window_exercise",
]

_TARGETS = (99, 99.5, 99.9, 99.95, 99.99, 99.995, 99.999)
_MINUTES = (*range(101), *range(110, 601, 10))


def describe(values: Mapping[str, Any], result: Node) -> str:  # noqa: ARG001
    """Say what the explorer shows.

    Parameters
    ----------
    values : mapping
        The controls' values.
    result : Node
        The node.

    Returns
    -------
    str
        Mean, budget, the windows without downtime and those within the budget.
    """
    word = result.window.removeprefix("a ")
    return (
        f"Up {up(result)} %: down {text.short(result.mean)} minutes {result.window} on "
        f"average, where {text.short(result.budget)} are allowed. "
        f"{100 * result.none:.1f} % of the {word}s have no downtime at all, "
        f"{100 * result.within:.1f} % keep the budget."
    )


def presets() -> dict[str, dict[str, Any]]:
    """Return the named settings: the same nines in other pieces, and two levers.

    Returns
    -------
    dict
        Values by preset.
    """
    return {
        "Often and short": {"mttf": 200, "mttr": 0.02},
        "MTTF doubled": {"mttf": 80_000},
        "MTTR halved": {"mttr": 2},
        "Held by the month": {"window": "a month"},
        "Two nines": {"mttf": 400, "target": 99},
    }


def explorer(prediction: Prediction | None = None) -> Explorer:
    """Return the explorer of the lesson.

    Parameters
    ----------
    prediction : Prediction, optional
        Its committed minutes are drawn over the curve.

    Returns
    -------
    Explorer
        Opens where intuition is wrong: 99.99 %, in rare and long outages.
    """
    return Explorer(
        title="What is a year like at 99.99 %?",
        controls={
            "mttf": Slider(
                label="Fails once in (h)",
                grid=decades(100, 100_000),
                start=40_000,
            ),
            "mttr": Slider(label="Repair time (h)", grid=decades(0.02, 48), start=4),
            "target": Slider(label="Target (%)", grid=_TARGETS, start=99.99),
            "sample": Slider(
                label="New sample (no.)", grid=tuple(range(1, 31)), start=1
            ),
            "window": Choice(
                label="Held to it over", options=tuple(WINDOWS), start="a year"
            ),
        },
        model=node,
        picture=YearsPicture(),
        describe=describe,
        presets=presets(),
        prediction=prediction,
    )


def prediction() -> Prediction:
    """Return the lesson's prediction: minutes at 99.99 %, and after either lever.

    Returns
    -------
    Prediction
        Three numbers of minutes a year.
    """
    return Prediction(
        key="01 nines",
        question=(
            "A service is up 99.99 % of the time. How many minutes a year is it down, "
            "on average? And how many are left if it fails half as often, or if it is "
            "repaired twice as fast?"
        ),
        fields={
            "minutes": Slider(label="At 99.99 % (min)", grid=_MINUTES),
            "seldom": Slider(label="Half as often (min)", grid=_MINUTES),
            "quick": Slider(label="Twice as fast (min)", grid=_MINUTES),
        },
        truth=truth,
        views=[View(name="any", when=lambda *_: True, says=_comment, example={})],
    )


def truth() -> dict[str, float]:
    """Return the answers to the prediction.

    Returns
    -------
    dict
        Minutes a year: as it is, with MTTF doubled, with MTTR halved.
    """
    return {
        "minutes": node().mean,
        "seldom": node(mttf=80_000).mean,
        "quick": node(mttr=2).mean,
    }


def _comment(guess: Mapping[str, float], truth: Mapping[str, float]) -> str:
    near = abs(guess["minutes"] - truth["minutes"]) <= 10
    lead = "You know your nines." if near else "Few of us have this number ready."
    same = guess["seldom"] == guess["quick"]
    levers = (
        "You saw that the two levers are one"
        if same
        else "The two levers leave the same to a hair"
    )
    return (
        f"{lead} {levers}: {text.short(truth['seldom'])} minutes either way. But is a "
        "year like that? Your first guess is the dashed line below."
    )
