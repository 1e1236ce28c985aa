"""Lesson 05, anatomy of a failover: where the seconds go, and what haste costs.

Everything here calls `hamodel.failover`.  The surprising number is the answer: a
watchdog that is three seconds quicker costs two thousand times the downtime, because
a false alarm is a failover too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hamodel import text
from hamodel.course import sweep_map
from hamodel.course.controls import Choice, Slider, decades
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction, View
from lessons.anatomy_of_a_failover._exercises import (
    best_exercise,
    code_exercise,
    name_exercise,
    product_exercise,
    split_exercise,
    tail_exercise,
)
from lessons.anatomy_of_a_failover._picture import GUESSED, WatchPicture
from lessons.anatomy_of_a_failover._watch import (
    ADDRESS,
    FENCING,
    MTTF,
    NAME,
    PROXY,
    SAMPLES,
    TRIED,
    WAYS,
    Watch,
    failover,
    heartbeat,
    model,
)
from lessons.failover_maths import HALF_AN_HOUR, pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from hamodel import plots
    from hamodel.architectures import ActivePassive

__all__ = [
    "ADDRESS",
    "FENCING",
    "GUESSED",
    "MTTF",
    "NAME",
    "PROXY",
    "SAMPLES",
    "TRIED",
    "WAYS",
    "Watch",
    "best_exercise",
    "code_exercise",
    "describe",
    "draw",
    "explorer",
    "failover",
    "heartbeat",
    "minutes",
    "model",
    "name_exercise",
    "prediction",
    "presets",
    "product_exercise",
    "shop",
    "split_exercise",
    "tail_exercise",
    "truth",
]

_NAMES = {
    "failover__detection": "mean time to notice",
    "failover__coverage": "share of failovers that work",
}
_QUANTITIES = {
    "outage_p95": "time in which 95 of 100 outages end",
    "outage_p99": "time in which 99 of 100 outages end",
}
_START: dict[str, Any] = {
    "interval": 1,
    "loss": 2,
    "promotion": 12,
    "way": PROXY,
    "sample": SAMPLES[0],
}


def minutes(misses: int, **values: Any) -> float:
    """Return the downtime for a number of misses, all else as at the start.

    Parameters
    ----------
    misses : int
        Misses that count as a failure.
    **values : float or str
        Other controls, as `model` takes them.

    Returns
    -------
    float
        Minutes a year.

    Examples
    --------
    >>> [round(minutes(k), 1) for k in (15, 5, 2)]
    [2.5, 1.8, 4123.9]
    """
    return model(misses=misses, **_START | values).minutes


def shop() -> ActivePassive:
    """Return the pair of lesson 04 with this lesson's failover, to sweep.

    Returns
    -------
    ActivePassive
        Five misses; 99 in 100 failovers work, and a person finishes the others after
        half an hour.
    """
    usual: ActivePassive = pair(rescue=HALF_AN_HOUR)
    watched = failover(misses=5)
    kept = {"coverage": usual.failover.coverage, "manual": usual.failover.manual}
    return replace(usual, failover=replace(watched, **kept))


def draw(found: xr.Dataset, quantity: str) -> plots.Shown:
    """Draw a sweep over detection and coverage as a map, with short names.

    Parameters
    ----------
    found : xarray.Dataset
        What `hamodel.sweep` returned for two parameters.
    quantity : str
        Which of its measures.

    Returns
    -------
    Shown
        The map, with what it says in words and numbers.

    Raises
    ------
    ValueError
        If there is no such measure, or the sweep has not two parameters.
    """
    named = found.copy()
    for name, said in _NAMES.items():
        if name in named.coords:
            named[name].attrs["long_name"] = said
    named[quantity].attrs["long_name"] = _QUANTITIES.get(
        quantity, named[quantity].attrs["long_name"]
    )
    return sweep_map(named, quantity)


def describe(values: Mapping[str, Any], result: Watch) -> str:  # noqa: ARG001
    """Say what the explorer shows.

    Parameters
    ----------
    values : mapping
        The controls' values.
    result : Watch
        The watchdog.

    Returns
    -------
    str
        Recovery time, downtime, and the best number of misses.
    """
    beat, (best, least) = result.beat, result.best
    return (
        f"{int(beat.misses)} missed beats of {beat.interval:g} s: served again after "
        f"{result.mean:.1f} s on average, half within {result.half:.1f} s, 95 % "
        f"within {result.late:.1f} s. Down {text.short(result.minutes)} minutes a "
        f"year, {text.short(result.wasted)} of them by "
        f"{text.short(result.false_alarms)} false alarms. The best number of misses is "
        f"{best}, with {text.short(least)}."
    )


def presets() -> dict[str, dict[str, Any]]:
    """Return the named settings.

    Returns
    -------
    dict
        Values by preset.
    """
    return {
        "2 misses": {"misses": 2},
        "5 misses": {"misses": 5},
        "5 beats a second": {"interval": 0.2},
        "Bad network": {"loss": 10},
        "No beat lost": {"loss": 0},
        "DNS": {"misses": 5, "way": NAME},
    }


def explorer(prediction: Prediction | None = None) -> Explorer:
    """Return the explorer of the lesson.

    Parameters
    ----------
    prediction : Prediction, optional
        Its committed guess is drawn over the valley.

    Returns
    -------
    Explorer
        Opens where intuition is wrong: three misses, as everybody sets it.
    """
    interval = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)
    loss = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 4, 5, 7, 10)
    sliders = {
        "interval": Slider(
            label="A beat every (s)", grid=interval, start=_START["interval"]
        ),
        "misses": Slider(label="Misses (beats)", grid=tuple(TRIED), start=3),
        "loss": Slider(label="Beats lost (%)", grid=loss, start=_START["loss"]),
        "promotion": Slider(
            label="Promotion (s)", grid=decades(1, 50), start=_START["promotion"]
        ),
    }
    way = Choice(label="Clients come by", options=tuple(WAYS), start=PROXY)
    sample = Choice(label="Sample of failovers", options=SAMPLES, start=SAMPLES[0])
    return Explorer(
        title="Where do the seconds go, and when is a watchdog too quick?",
        controls={**sliders, "way": way, "sample": sample},
        model=model,
        picture=WatchPicture(),
        describe=describe,
        presets=presets(),
        prediction=prediction,
    )


def prediction() -> Prediction:
    """Return the lesson's prediction: a line through four points.

    Returns
    -------
    Prediction
        Minutes a year at four numbers of misses.
    """
    usual = minutes(15)
    fields = {
        str(misses): Slider(
            label=f"{misses} misses (min)",
            grid=decades(0.5, 10_000),
        )
        for misses in GUESSED
    }
    return Prediction(
        key="05 watchdog",
        question=(
            "The primary sends a beat a second; 2 in 100 are lost. Once the watchdog "
            "gives up, a failover takes 20 s. It gives up after 15 misses in a row, "
            f"and failovers cost the shop {text.short(usual)} minutes a year. Draw the "
            "line as it becomes quicker: how many minutes at 10, 5, 3 and 2 misses?"
        ),
        fields=fields,
        truth=truth,
        views=[View(name="any", when=lambda *_: True, says=_comment, example={})],
    )


def truth() -> dict[str, float]:
    """Return the answers to the prediction.

    Returns
    -------
    dict
        Minutes a year by number of misses.
    """
    return {str(misses): minutes(misses) for misses in GUESSED}


def _comment(guess: Mapping[str, float], truth: Mapping[str, float]) -> str:
    least = min(guess, key=lambda misses: guess[misses])
    turned = guess["2"] > guess["3"] and int(least) > 2
    lead = "Your line turns upward." if turned else "Most of us draw a line that falls."
    ratio = truth["2"] / truth["5"]
    return (
        f"{lead} The truth is a valley: two misses cost {ratio:,.0f} times as much as "
        "five, because a false alarm is a failover too. Your line is dashed in the "
        "explorer below."
    )
