"""Lesson 04, failover maths: a faster failover, or a surer one.

Everything here calls `hamodel.architectures.ActivePassive`.  The surprising number is
the answer: with hours of repair behind it, a failover that does not work outweighs
three hundred that do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import catalogue, text
from hamodel.course.controls import Choice, Slider, decades
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction, View
from hamodel.units import HOUR, MINUTE, YEAR
from lessons.failover_maths._exercises import (
    break_even_exercise,
    code_exercise,
    matrix_exercise,
    product_exercise,
    remainder_exercise,
    row_exercise,
)
from lessons.failover_maths._map import draw
from lessons.failover_maths._pair import (
    FIVE_MINUTES,
    HALF_AN_HOUR,
    NOBODY,
    RESCUE,
    STATES,
    generator,
    pair,
    single,
)
from lessons.failover_maths._picture import CAUSES, SCALES, PairPicture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel.architectures import ActivePassive

__all__ = [
    "FIVE_MINUTES",
    "HALF_AN_HOUR",
    "NOBODY",
    "RESCUE",
    "STATES",
    "break_even_exercise",
    "code_exercise",
    "describe",
    "draw",
    "explorer",
    "generator",
    "matrix_exercise",
    "model",
    "pair",
    "prediction",
    "presets",
    "product_exercise",
    "remainder_exercise",
    "row_exercise",
    "single",
    "truth",
]


def model(*, scale: str, **values: Any) -> ActivePassive:  # noqa: ANN401  as `pair`
    """Return the pair of the controls; the scale of the bar is only for the eye.

    Parameters
    ----------
    scale : str
        One of `SCALES`.
    **values : float or str
        As `pair` takes them.

    Returns
    -------
    ActivePassive
        The pair.
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    return pair(**values)


def describe(values: Mapping[str, Any], result: ActivePassive) -> str:
    """Say what the explorer shows.

    Parameters
    ----------
    values : mapping
        The controls' values.
    result : ActivePassive
        The pair.

    Returns
    -------
    str
        Total, causes, and one node alone.
    """
    total = result.minutes_per_year
    budget = result.downtime_by_cause
    over, failed, both = (text.short(budget[c] * YEAR / MINUTE) for c in CAUSES)
    alone = text.short(single(values["mttf"], values["mttr"]))
    return (
        f"Down {text.short(total)} minutes a year: about {over} failing over, {failed} "
        f"because a failover did not work, {both} with both nodes down. One node alone "
        f"would be down {alone}."
    )


def presets() -> dict[str, dict[str, Any]]:
    """Return the named settings: the two levers, and two products as usually run.

    Returns
    -------
    dict
        Values by preset; the products' come from the catalogue.
    """
    return {
        "Faster: 10 s": {"failover": 10},
        "Surer: 99.9 %": {"coverage": 99.9},
        "Perfect failover": {"failover": 1, "coverage": 100},
        "Person on call": {"rescue": HALF_AN_HOUR},
        "Patroni": _product("postgresql-patroni"),
        "Managed database": _product("managed-multi-zone"),
    }


def _product(key: str) -> dict[str, Any]:
    found = catalogue.system(key).architecture()
    rescue = next(k for k, v in RESCUE.items() if v == found.failover.manual)
    return {
        "mttf": round(found.database.mttf / HOUR, 6),
        "mttr": round(found.database.mttr / HOUR, 6),
        "failover": round(found.failover.outage, 6),
        "coverage": round(found.failover.coverage * 100, 6),
        "rescue": rescue,
    }


def explorer(prediction: Prediction | None = None) -> Explorer:
    """Return the explorer of the lesson.

    Parameters
    ----------
    prediction : Prediction, optional
        Its committed guess is drawn over the bar.

    Returns
    -------
    Explorer
        Opens where intuition is wrong: failovers that take 30 s, of which 99 in 100
        work.
    """
    coverage = (0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 100)
    labels = {
        "mttf": ("A node fails once in (h)", decades(100, 100_000), 2000),
        "mttr": ("Repair time (h)", decades(0.5, 48), 4),
        "failover": ("Failover time (s)", decades(1, 600), 30),
        "coverage": ("Failovers that work (%)", coverage, 99),
    }
    sliders = {
        name: Slider(label=label, grid=grid, start=start)
        for name, (label, grid, start) in labels.items()
    }
    rescue = Choice(label="If a failover fails", options=tuple(RESCUE), start=NOBODY)
    scale = Choice(
        label="Scale of the bar", options=tuple(SCALES), start=next(iter(SCALES))
    )
    return Explorer(
        title="What is the pair down for, and which lever shortens it?",
        controls={**sliders, "rescue": rescue, "scale": scale},
        model=model,
        picture=PairPicture(),
        describe=describe,
        presets=presets(),
        prediction=prediction,
    )


def prediction() -> Prediction:
    """Return the lesson's prediction: downtime after pulling either lever.

    Returns
    -------
    Prediction
        Two numbers of minutes a year.
    """
    grid = tuple(k / 2 if k % 2 else k // 2 for k in range(41))
    return Prediction(
        key="04 failover",
        question=(
            f"The pair is down {text.short(pair().minutes_per_year)} minutes a year. "
            "Pull one lever at a time: what is left of them?"
        ),
        fields={
            "faster": Slider(label="Failover in 10 s (min)", grid=grid),
            "surer": Slider(label="99.9 % work (min)", grid=grid),
        },
        truth=truth,
        views=[View(name="any", when=lambda *_: True, says=_comment, example={})],
    )


def truth() -> dict[str, float]:
    """Return the answers to the prediction.

    Returns
    -------
    dict
        Minutes a year with a failover of 10 s, and with 99.9 % that work.
    """
    return {
        "faster": pair(failover=10).minutes_per_year,
        "surer": pair(coverage=99.9).minutes_per_year,
    }


def _comment(guess: Mapping[str, float], truth: Mapping[str, float]) -> str:
    saw = guess["surer"] < guess["faster"]
    start = pair().minutes_per_year
    ratio = (start - truth["surer"]) / (start - truth["faster"])
    lead = "You saw which lever is longer." if saw else "Most of us bet on speed."
    return (
        f"{lead} The surer failover saves {ratio:.0f} times as much as the faster one. "
        "Your guesses are the dashed lines in the explorer below."
    )
