"""Lesson 03, what redundancy cannot buy: the floor under every number of replicas.

Everything here calls `hamodel.structure` with common causes.  The surprising number is
a factor of fifty: let one failure in twenty strike both of two replicas, and six nines
are four and a little.  A third replica, or a tenth, changes nothing that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import catalogue, text
from hamodel.architectures import ActiveActive, Node
from hamodel.course.controls import Slider
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction, View
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE, YEAR
from lessons.what_redundancy_cannot_buy._exercises import (
    KEPT,
    NODES,
    beta_exercise,
    code_exercise,
    gain_exercise,
    log,
    places_exercise,
    two_of_three_exercise,
)
from lessons.what_redundancy_cannot_buy._group import (
    MOST,
    Group,
    group,
    nines,
    replicas,
)
from lessons.what_redundancy_cannot_buy._picture import FloorPicture, draw

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KEPT",
    "NODES",
    "Group",
    "beta_exercise",
    "code_exercise",
    "describe",
    "draw",
    "explorer",
    "gain_exercise",
    "group",
    "log",
    "nines",
    "places_exercise",
    "prediction",
    "presets",
    "replicas",
    "sites",
    "truth",
    "two_of_three_exercise",
]

_UP = (90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99, 99.995, 99.999)
_SHARED = (0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def describe(values: Mapping[str, Any], result: Group) -> str:  # noqa: ARG001
    """Say what the explorer shows.

    Parameters
    ----------
    values : mapping
        The controls' values.
    result : Group
        The replicas.

    Returns
    -------
    str
        Downtime and nines, what they would be without sharing, and the floor.
    """
    n, k = result.number, result.needed
    if not result.enough:
        return (
            f"The service needs {k} replicas and has {n}: it is down all the time, "
            "shared failures or not."
        )
    have = f"With {n} replica{'s' if n > 1 else ''}, of which {k} must work,"
    said = (
        f"{have} the service is down {text.short(result.minutes)} minutes a year: "
        f"{result.nines:.1f} nines."
    )
    if not result.shared:
        return f"{said} Nothing is shared, so every replica more brings it down."
    floor = text.short(result.floor * YEAR / MINUTE)
    if n == 1:
        return f"{said} No number of replicas would bring it below {floor}."
    naive = text.short(result.naive * YEAR / MINUTE)
    return (
        f"{said} If failures came alone it would be {naive} minutes, "
        f"{nines(result.naive):.1f} nines; but no number of replicas brings it below "
        f"{floor}."
    )


def presets() -> dict[str, dict[str, Any]]:
    """Return the named settings: copies, better copies, and less in common.

    Returns
    -------
    dict
        Values by preset; the storage nodes' come from the catalogue.
    """
    bursts = catalogue.fact("FAIL-005").value
    return {
        "Nothing shared": {"shared": 0},
        "Eight replicas": {"number": MOST},
        "Half as much shared": {"shared": 2.5},
        "Better replicas": {"up": 99.99},
        "Two of three": {"number": 3, "needed": 2},
        "Google's storage": {"number": 3, "shared": bursts},
    }


def explorer(prediction: Prediction | None = None) -> Explorer:
    """Return the explorer of the lesson.

    Parameters
    ----------
    prediction : Prediction, optional
        Its committed guess is drawn over the curves.

    Returns
    -------
    Explorer
        Opens where intuition is wrong: two replicas that share one failure in twenty.
    """
    counts = tuple(range(1, MOST + 1))
    return Explorer(
        title="How far down does one more replica bring the downtime?",
        controls={
            "number": Slider(label="Replicas", grid=counts, start=2),
            "up": Slider(label="Each is up (%)", grid=_UP, start=99.9),
            "shared": Slider(label="Failures shared (%)", grid=_SHARED, start=5),
            "needed": Slider(label="Must work", grid=counts[:4], start=1),
        },
        model=group,
        picture=FloorPicture(),
        describe=describe,
        presets=presets(),
        prediction=prediction,
    )


def prediction() -> Prediction:
    """Return the lesson's prediction: the nines of two and of three replicas.

    Returns
    -------
    Prediction
        Two numbers of nines.
    """
    grid = tuple(k / 2 if k % 2 else k // 2 for k in range(2, 21))
    return Prediction(
        key="03 shared failures",
        question=(
            "One replica is up 99.9 % of the time: three nines. Of its failures, 5 % "
            "strike all replicas at once, the others come alone. How many nines have "
            "two replicas, of which one is enough? And three?"
        ),
        fields={
            "two": Slider(label="Two replicas (nines)", grid=grid),
            "three": Slider(label="Three replicas (nines)", grid=grid),
        },
        truth=truth,
        views=[View(name="any", when=lambda *_: True, says=_comment, example={})],
    )


def truth() -> dict[str, float]:
    """Return the answers to the prediction.

    Returns
    -------
    dict
        Nines of two and of three replicas.
    """
    return {"two": group(2).nines, "three": group(3).nines}


def _comment(guess: Mapping[str, float], truth: Mapping[str, float]) -> str:
    two, three = group(2), group(3)
    if max(abs(guess[name] - truth[name]) for name in truth) <= 0.5:
        lead = "You saw the floor."
    elif guess["two"] >= 5:
        lead = "Most of us multiply, and find six nines and nine."
    else:
        lead = "You were careful, and rightly."
    ratio = two.unavailability / two.naive
    return (
        f"{lead} Two replicas are down {text.short(two.minutes)} minutes a year, "
        f"{ratio:.0f} times what the product says; three are down "
        f"{text.short(three.minutes)}. Your guesses are the dashed lines below."
    )


def sites(failover: float = 0) -> ActiveActive:
    """Return the shop at several sites at once, to be swept.

    Parameters
    ----------
    failover : float
        Time in s until the clients of a lost site are led to another.

    Returns
    -------
    ActiveActive
        Each site is up 99.9 % of the time; what strikes all of them comes once in
        20,000 hours, which is one failure in twenty.
    """
    return ActiveActive(
        database=Node(mttf=999 * HOUR, mttr=HOUR),
        failover=Failover(detection=failover),
        everywhere=Node(mttf=20_000 * HOUR, mttr=HOUR),
    )
