"""Journeys on the page: how each fares, who hurts whom, all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hamodel import text
from hamodel.assessment import Assessment, Journeys, assess_journeys
from hamodel.cli._page import Paper
from hamodel.cli._said import chances
from hamodel.decision import Limit
from hamodel.units import MINUTE, MONTH, YEAR

if TYPE_CHECKING:
    from hamodel.specfile import Spec

_SLIGHT = 0.005  # min/yr that a table leaves out


def journeys_of(spec: Spec) -> Journeys | None:
    """Return the journeys of a system, if its file names any."""
    return assess_journeys(spec) if spec.journeys else None


def limits(spec: Spec) -> Iterator[Limit]:
    """Yield the objective of each journey as a requirement."""
    for name, journey in spec.journeys.items():
        if journey.objective is None:
            continue

        def value(found: Assessment, name: str = name) -> float:
            shop = assess_journeys(
                found.architecture,
                found.workload,
                journeys=spec.journeys,
                parts=spec.parts,
            )
            return 1 - float(shop[name].unavailability)

        label = f"availability of the journey {name}"
        yield Limit("journey", label, value, journey.objective, True, text.share, name)


def draw(out: Paper, shop: Journeys, causes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the journeys, the minutes that each part costs each, and the month."""
    rows = []
    for name, journey in shop.journeys.items():
        down, asks = sum(causes[name].values()), journey.objective
        kept = "" if asks is None else text.share(shop.probability_of_meeting(name))
        rows.append(
            (
                name,
                text.availability(down),
                text.number(down * YEAR / MINUTE),
                "" if asks is None else text.share(asks),
                kept,
            )
        )
    heads = ("", "long run", "min/yr", "objective", "chance in a month")
    out.table("Journeys", rows, heads)
    out.table("Minutes a year that a journey fails for", _blame(causes), ("", *causes))
    sentence = _together(shop)
    out.part(sentence)


def _blame(found: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return a row for each part or cause: what it costs each journey."""
    minutes = {
        name: {cause: share * YEAR / MINUTE for cause, share in causes.items()}
        for name, causes in found.items()
    }
    total: dict[str, float] = {}
    for causes in minutes.values():
        for cause, each in causes.items():
            total[cause] = total.get(cause, 0.0) + each
    return [
        (cause, *(_cell(causes.get(cause, 0.0)) for causes in minutes.values()))
        for cause in sorted(total, key=lambda c: -total[c])
        if any(causes.get(cause, 0.0) >= _SLIGHT for causes in minutes.values())
    ]


def _cell(minutes: float) -> str:
    return text.number(minutes) if minutes >= _SLIGHT else "·"


def _together(shop: Journeys) -> str:
    """Return the chance that all keep their objectives, beside a product's."""
    names = [n for n, journey in shop.journeys.items() if journey.objective is not None]
    if len(names) < 2:
        return ""
    missed = shop.chance_of_missing_any(MONTH)
    product = math.prod(shop.probability_of_meeting(n) for n in names)
    about = "" if missed.error * missed.probability < 0.005 else "About "
    kept = 1 - missed.probability
    said = f"{about}{chances(kept)} that all of them keep their objectives in a month"
    if abs(kept - product) < 0.005:
        return f"{said}."
    return (
        f"{said}: they share what fails, so that it is not the product of their "
        f"chances, {text.share(product)}."
    )
