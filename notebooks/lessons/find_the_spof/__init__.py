"""Lesson 02, find the single point of failure: which box stops the shop, and how often.

Everything here calls `hamodel.structure`.  The surprising number is a tie: once three
app servers stand behind it, the load balancer that was bought to remove a single point
of failure costs the shop as much as the database does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import text
from hamodel.course.boxes import Boxes
from hamodel.course.controls import Choice, Slider
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction, View
from hamodel.units import YEAR
from lessons.find_the_spof._exercises import (
    EUROS,
    NOTES,
    SITES,
    chain_exercise,
    code_exercise,
    contract_exercise,
    cut_sets_exercise,
    hidden_exercise,
)
from lessons.find_the_spof._picture import (
    ShopPicture,
    draw_sites,
    hours,
    percent,
)
from lessons.find_the_spof._shop import (
    APPS,
    BARS,
    CAUSED,
    DECIDES,
    MOST,
    SAVED,
    Shop,
    path,
    shop,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BARS",
    "CAUSED",
    "DECIDES",
    "EUROS",
    "NOTES",
    "SAVED",
    "SITES",
    "Shop",
    "chain_exercise",
    "code_exercise",
    "contract_exercise",
    "cut_sets_exercise",
    "describe",
    "draw_sites",
    "explorer",
    "hidden_exercise",
    "model",
    "path",
    "prediction",
    "presets",
    "shop",
    "truth",
]

_GRID = (99, 99.5, 99.7, 99.8, 99.9, 99.95, 99.97, 99.98, 99.99, 99.995, 99.999)


def model(*, bars: str, **values: Any) -> Shop:
    """Return the shop of the controls; what the bars show is only for the eye.

    Parameters
    ----------
    bars : str
        One of `BARS`.
    **values : float or tuple of str
        As `shop` takes them.

    Returns
    -------
    Shop
        The shop.
    """
    if bars not in BARS:
        raise ValueError(f"bars must be one of {', '.join(BARS)}, got {bars!r}")
    return shop(**values)


def describe(values: Mapping[str, Any], result: Shop) -> str:
    """Say what the explorer shows.

    Parameters
    ----------
    values : mapping
        The controls' values.
    result : Shop
        The shop.

    Returns
    -------
    str
        What is the case now; what a year brings, by tier.
    """
    return f"{_now(result)} {_year(values['bars'], result)}"


def _now(shop: Shop) -> str:
    gone = {
        "balancer": "the load balancer",
        "app1": _gone(len(shop.failed.intersection(APPS)), shop.servers),
        "database": "the database",
    }
    failed = [
        words for tier, words in gone.items() if tier == "app1" or tier in shop.failed
    ]
    failed = [words for words in failed if words]
    subject = _listed(failed, "and") or "nothing"
    many = len(failed) > 1 or subject[0] in "2345"
    state = "up" if shop.works else "down"
    said = f"{subject} {'have' if many else 'has'} failed and the shop is {state}"
    said = said[0].upper() + said[1:]
    if not shop.alone:
        return f"{said}."
    last = "the last app server" if shop.servers > 1 else "the app server"
    threats = [
        last if name in APPS else gone[name]
        for name in ("balancer", *APPS, "database")
        if name in shop.alone
    ]
    return f"{said}; {_listed(threats, 'or')} alone would stop it."


def _gone(apps: int, servers: int) -> str:
    if servers == 1 and apps:
        return "the app server"
    return f"{apps} of {servers} app servers" if apps else ""


def _listed(words: list[str], last: str) -> str:
    *first, end = words or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def _year(bars: str, shop: Shop) -> str:
    lead = f"In a year it is down {hours(shop.hours)} h"
    shares = shop.shares(bars)
    if bars == DECIDES:
        one, app, other = (percent(share) for share in shares.values())
        return (
            f"{lead}. Alone it all depends on the load balancer {one} % of the time, "
            f"on an app server {app} %, on the database {other} %."
        )
    one, app, other = (hours(share * shop.hours) for share in shares.values())
    if bars == SAVED:
        return (
            f"{lead}; a second load balancer would save {one} of them, one more app "
            f"server {app}, a second database {other}."
        )
    return (
        f"{lead}: {one} for the load balancer, {app} for the app servers, {other} for "
        "the database."
    )


def presets() -> dict[str, dict[str, Any]]:
    """Return the named settings: what has failed, and what has been bought.

    Returns
    -------
    dict
        Values by preset.
    """
    return {
        "One app server": {"servers": 1},
        "Five app servers": {"servers": MOST},
        "Two app servers fail": {"failed": APPS[:2]},
        "The balancer fails": {"failed": ("balancer",)},
        "What would you buy?": {"bars": SAVED},
        "Better database": {"database": 99.99, "bars": SAVED},
    }


def explorer(prediction: Prediction | None = None) -> Explorer:
    """Return the explorer of the lesson.

    Parameters
    ----------
    prediction : Prediction, optional
        Its committed guess is drawn over the bars.

    Returns
    -------
    Explorer
        Opens where intuition is wrong: with three app servers, where the load balancer
        costs as much as the database.
    """
    picture = ShopPicture()
    servers = Slider(label="App servers", grid=tuple(range(1, MOST + 1)), start=3)
    failed = Boxes(label="Failed", places=picture.places, size=(720, 450))

    def offer(_: object) -> None:
        failed.offer(path(round(servers.value)).components)

    servers.watch(offer)
    offer(None)
    return Explorer(
        title="Which box stops the shop, and what does that cost in a year?",
        controls={
            "servers": servers,
            "app": Slider(label="Each app server up (%)", grid=_GRID, start=99.9),
            "balancer": Slider(label="Load balancer up (%)", grid=_GRID, start=99.95),
            "database": Slider(label="Database up (%)", grid=_GRID, start=99.95),
            "bars": Choice(label="The bars show", options=BARS, start=CAUSED),
            "failed": failed,
        },
        model=model,
        picture=picture,
        describe=describe,
        presets=presets(),
        prediction=prediction,
    )


def prediction() -> Prediction:
    """Return the lesson's prediction: whose the downtime is that is left.

    Returns
    -------
    Prediction
        Three shares in percent.
    """
    grid = tuple(range(0, 101, 5))
    labels = {
        "balancer": "Load balancer (%)",
        "app1": "App servers, all (%)",
        "database": "Database (%)",
    }
    return Prediction(
        key="02 weakest box",
        question=(
            f"With one app server the shop is down {hours(shop(1).hours)} hours a "
            "year, half of them for that server. It buys two more; one is enough. "
            "Whose is the downtime that is left? Share out 100 %."
        ),
        fields={name: Slider(label=label, grid=grid) for name, label in labels.items()},
        truth=truth,
        views=[View(name="any", when=lambda *_: True, says=_comment, example={})],
    )


def truth() -> dict[str, float]:
    """Return the answers to the prediction.

    Returns
    -------
    dict
        Percent of the downtime by tier, with three app servers.
    """
    return {name: 100 * share for name, share in shop().shares().items()}


def _comment(guess: Mapping[str, float], truth: Mapping[str, float]) -> str:
    gap = guess["database"] - guess["balancer"]
    if abs(gap) <= 10 and guess["app1"] <= 10 < guess["database"]:
        lead = "You saw the tie."
    elif gap > 10:
        lead = "Most of us point at the database, as the classic text does."
    else:
        lead = "The diagram hides it well."
    apps = text.time(truth["app1"] / 100 * shop().unavailability * YEAR, 1)
    half = hours(shop().hours / 2)
    return (
        f"{lead} Balancer and database each cost {half} hours a year; three "
        f"app servers together {apps}. Your guesses are the dashed lines in the "
        "explorer below."
    )
