"""The exercises of lesson 04; every reference is computed when it is asked for."""

from __future__ import annotations

from typing import Any

from hamodel import catalogue
from hamodel.course.exercise import Exercise, Mistake, function, matrix, number
from hamodel.units import HOUR, MINUTE, YEAR
from lessons.failover_maths._pair import generator, pair, single
from lessons.failover_maths._picture import CAUSES


def _hourly(coverage: float = 99, standby: bool = True) -> list[list[float]]:
    """Return the generator in 1/h, as an exercise asks for it."""
    import numpy as np

    rates = np.array(generator(pair(coverage=coverage).chain()), float) * HOUR
    if not standby:
        rates[0, 2] = 0
        rates[0, 0] = -rates[0, 1:].sum()
    rows: list[list[float]] = rates.tolist()
    return rows


def _without_diagonal() -> list[list[float]]:
    rates = _hourly()
    for k, row in enumerate(rates):
        row[k] = 0.0
    return rates


def _transposed() -> list[list[float]]:
    return [list(column) for column in zip(*_hourly(), strict=True)]


matrix_exercise = Exercise(
    form="four rows of four rates per hour, in the order both, switching, one, none",
    reference=_hourly,
    same=matrix(),
    right="Each row adds up to zero: what leaves a state arrives in others.",
    hint="Take one row at a time: what ends this state, how often an hour, and where "
    "does it lead? The diagonal makes the row add up to zero.",
    mistakes=(
        Mistake(
            name="the diagonal is left out",
            answer=_without_diagonal,
            hint="The rates are right. On the diagonal stands what leaves the state, "
            "with a minus, so that each row adds up to zero.",
        ),
        Mistake(
            name="columns for rows",
            answer=_transposed,
            hint="A row says where a state leads, a column where it comes from.",
        ),
        Mistake(
            name="a standby cannot fail",
            answer=lambda: _hourly(standby=False),
            hint="Look at the first row: the standby fails too, as often as the "
            "primary, and nobody outside notices.",
        ),
        Mistake(
            name="coverage ignored",
            answer=lambda: _hourly(coverage=100),
            hint="You let every failover work. Split the primary's failures.",
        ),
    ),
)

_OTHER: dict[str, Any] = {"mttf": 1000, "mttr": 2, "failover": 60, "coverage": 98}

row_exercise = Exercise(
    form="a number of minutes a year",
    reference=lambda: pair(**_OTHER).minutes_per_year,
    same=number(),
    right="Broken failovers are the largest share here too.",
    hint="Three terms: working failovers, broken failovers, second failures.",
    mistakes=(
        Mistake(
            name="first order only",
            answer=lambda: _first_order(**_OTHER),
            hint="That is the first-order formula. It forgets the second failure "
            "during a repair, which is not small here.",
        ),
        Mistake(
            name="coverage ignored",
            answer=lambda: pair(**_OTHER | {"coverage": 100}).minutes_per_year,
            hint="You let every failover work.",
        ),
        Mistake(
            name="a share, not minutes",
            answer=lambda: pair(**_OTHER).unavailability,
            hint="That is the share of time. How many minutes has a year?",
        ),
        Mistake(
            name="one node",
            answer=lambda: single(1000, 2),
            hint="That is one node alone. The pair has a standby.",
        ),
    ),
)


def _first_order(mttf: float, mttr: float, failover: float, coverage: float) -> float:
    c = coverage / 100
    mean = c * failover + (1 - c) * mttr * HOUR
    return mean / (mttf * HOUR) * YEAR / MINUTE


def _break_even() -> float:
    """Return the coverage at which both kinds of failover cost the same, by search."""
    from scipy.optimize import brentq

    def gap(coverage: float) -> float:
        budget = pair(coverage=100 * coverage).downtime_by_cause
        return float(budget[CAUSES[0]] - budget[CAUSES[1]])

    return float(brentq(gap, 0.5, 1.0, xtol=1e-14))


break_even_exercise = Exercise(
    form="a coverage between 0 and 1, with five digits",
    reference=_break_even,
    same=number(1e-5),
    right="Below it, speed is the shorter lever. Two broken failovers in a thousand "
    "already cost as much as all the seconds of the others.",
    hint="Write both costs of a failover, the seconds when it works and the repair "
    "when it does not, each with its probability. Where are they equal?",
    mistakes=(
        Mistake(
            name="the complement",
            answer=lambda: 1 - _break_even(),
            hint="That is the share of failovers that do not work.",
        ),
        Mistake(
            name="percent",
            answer=lambda: 100 * _break_even(),
            hint="Give it as a fraction, not in percent.",
        ),
        Mistake(
            name="today's coverage",
            answer=lambda: 0.99,
            hint="That is today's. Look at the bar: the two causes are far from equal.",
        ),
    ),
)

remainder_exercise = Exercise(
    form="a number of minutes a year",
    reference=lambda: pair(failover=0, coverage=100).minutes_per_year,
    same=number(),
    right="No failover, however good, saves you from losing the second node too.",
    hint="Set c = 1 and T = 0 in the exact formula. What is left of it?",
    mistakes=(
        Mistake(
            name="first order is exact",
            answer=lambda: 0,
            hint="So says the first order. What if the other node fails during the "
            "repair?",
        ),
        Mistake(
            name="independent nodes",
            answer=lambda: (4 / 2004) ** 2 * YEAR / MINUTE,
            hint="That multiplies two independent nodes, as if each had its own crew. "
            "Here one crew repairs both, one after the other.",
        ),
        Mistake(
            name="the failover is still 30 s",
            answer=lambda: pair(coverage=100).minutes_per_year,
            hint="The failover is certain now, but not yet instant.",
        ),
    ),
)


def _minutes(seconds: float, coverage: float) -> float:
    return float(pair(failover=seconds, coverage=100 * coverage).minutes_per_year)


code_exercise = Exercise(
    form="a function of a failover's seconds and its coverage, a fraction",
    reference=lambda: _minutes,
    same=function([30, 0.99], [5, 0.9], [120, 1.0], [1, 0.9995]),
    right="The function takes arrays too: try coverage=np.linspace(0.9, 1).",
    hint="Build the pair with mttf=2000 * HOUR and mttr=4 * HOUR, and give its "
    "minutes_per_year.",
    mistakes=(
        Mistake(
            name="a share, not minutes",
            answer=lambda: lambda s, c: _minutes(s, c) * MINUTE / YEAR,
            hint="It gives the unavailability. The pair also has minutes_per_year.",
        ),
        Mistake(
            name="seconds taken for minutes",
            answer=lambda: lambda s, c: _minutes(s * MINUTE, c),
            hint="Every time in hamodel is in seconds already.",
        ),
        Mistake(
            name="coverage ignored",
            answer=lambda: lambda s, _: _minutes(s, 1.0),
            hint="The coverage does not reach the Failover.",
        ),
    ),
)


def _product(**changes: float) -> float:
    """Return minutes a year of PostgreSQL with Patroni, some numbers changed."""
    made = catalogue.system("postgresql-patroni").architecture(**changes)
    return float(made.minutes_per_year)


def _half_the_broken() -> float:
    """Return what is saved when half as many failovers go wrong."""
    usual = catalogue.system("postgresql-patroni").architecture()
    better = 1 - (1 - usual.failover.coverage) / 2
    return _product() - _product(failover__coverage=better)


product_exercise = Exercise(
    form="a number of minutes a year",
    reference=_half_the_broken,
    same=number(),
    right="With a person on call a broken failover costs half an hour, not three, so "
    "coverage is the shorter lever here: it saves little more than a tenth.",
    hint="Two architectures of one preset: as it is, and with another coverage.",
    mistakes=(
        Mistake(
            name="what is left",
            answer=lambda: _product() - _half_the_broken(),
            hint="That is what is left. How much is saved?",
        ),
        Mistake(
            name="half the coverage",
            answer=lambda: _product(failover__coverage=0.495) - _product(),
            hint="You halved the failovers that work. Halve those that do not: 1 - c.",
        ),
        Mistake(
            name="half the time",
            answer=lambda: _product() - _product(failover__detection=12.5),
            hint="You made the detection quicker. The question is about coverage.",
        ),
    ),
)
