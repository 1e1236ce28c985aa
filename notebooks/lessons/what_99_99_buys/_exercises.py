"""The exercises of lesson 01; every reference is computed when it is asked for."""

from __future__ import annotations

from hamodel import architectures, assessment, catalogue
from hamodel.course.exercise import Exercise, Mistake, function, number
from hamodel.units import HOUR, MINUTE, MONTH, YEAR

# ---- 1. nines to minutes -----------------------------------------------------------


def _allowed(target: float, window: float) -> float:
    """Return the minutes that a target in percent allows."""
    return (1 - target / 100) * window / MINUTE


month_exercise = Exercise(
    form="a number of minutes",
    reference=lambda: _allowed(99.95, MONTH),
    same=number(),
    right="Contracts are held by the month: summer cannot spend what spring has saved.",
    hint="0.05 % of the minutes of a month, which is a twelfth of a year.",
    mistakes=(
        Mistake(
            name="a year",
            answer=lambda: _allowed(99.95, YEAR),
            hint="That is what a year allows. Asked is a month.",
        ),
        Mistake(
            name="percent as a fraction",
            answer=lambda: 0.05 * MONTH / MINUTE,
            hint="You took 5 % of the month. It is 0.05 %.",
        ),
        Mistake(
            name="seconds",
            answer=lambda: _allowed(99.95, MONTH) * 60,
            hint="These are seconds.",
        ),
    ),
)

# ---- 2. the repair that a target asks for ------------------------------------------


def _repair(target: float = 99.99, mttf: float = 2000) -> float:
    """Return the repair time in minutes that reaches a target."""
    down = 1 - target / 100
    return mttf * HOUR * down / (1 - down) / MINUTE


repair_exercise = Exercise(
    form="a number of minutes",
    reference=_repair,
    same=number(),
    right="Nobody gets up, finds the fault and mends a database in that time. This is "
    "why a second node, which is there already, is bought.",
    hint="Solve MTTR / (MTTF + MTTR) = 0.0001 for MTTR.",
    mistakes=(
        Mistake(
            name="hours",
            answer=lambda: _repair() / 60,
            hint="That is in hours. Give minutes.",
        ),
        Mistake(
            name="three nines",
            answer=lambda: _repair(99.9),
            hint="That makes three nines.",
        ),
        Mistake(
            name="the budget of a year",
            answer=lambda: _allowed(99.99, YEAR),
            hint="That is the budget of a year. At 2,000 h there are several failures "
            "in a year, and they share it.",
        ),
    ),
)

# ---- 3. when it is down ------------------------------------------------------------

_PEAK, _NIGHT = 20.0, 32.56  # minutes
_BUSY, _QUIET = 5.0, 0.1  # times the mean traffic


def _failed(busy: float = _BUSY, quiet: float = _QUIET) -> float:
    """Return the share of a year's requests that fail, in percent."""
    return 100 * (_PEAK * busy + _NIGHT * quiet) * MINUTE / YEAR


peak_exercise = Exercise(
    form="a number of percent",
    reference=_failed,
    same=number(),
    right="To its users the shop had less than four nines, with the same minutes.",
    hint="Each minute counts as many requests as come in it. The mean minute counts 1.",
    mistakes=(
        Mistake(
            name="minutes alone",
            answer=lambda: _failed(1, 1),
            hint="You counted minutes, all alike. Count requests.",
        ),
        Mistake(
            name="the peak alone",
            answer=lambda: _failed(quiet=0),
            hint="The night's requests failed too, few as they were.",
        ),
        Mistake(
            name="a fraction",
            answer=lambda: _failed() / 100,
            hint="That is a fraction. Give percent.",
        ),
        Mistake(
            name="what worked",
            answer=lambda: 100 - _failed(),
            hint="That is the share that worked. Asked is the one that failed.",
        ),
    ),
)

# ---- 4. planned work ---------------------------------------------------------------


def _tended(takes: float = 30, each: float = MONTH) -> float:
    """Return the minutes a year of a node that is down for planned work as well."""
    shop = architectures.SinglePrimary(
        database=architectures.Node(mttf=40_000 * HOUR, mttr=4 * HOUR),
        maintenance=architectures.Maintenance(every=each, takes=takes * MINUTE),
    )
    return float(assessment.assess(shop).write.minutes_per_year)


def _untended() -> float:
    node = architectures.Node(mttf=40_000 * HOUR, mttr=4 * HOUR)
    return float(
        assessment.assess(
            architectures.SinglePrimary(database=node)
        ).write.minutes_per_year
    )


window_exercise = Exercise(
    form="a number of minutes a year",
    reference=_tended,
    same=number(),
    right="Three nines, of which the machine itself would have had four. A contract "
    "that leaves planned work out does not make it shorter.",
    hint="ha.SinglePrimary takes maintenance=ha.Maintenance(every=..., takes=...).",
    mistakes=(
        Mistake(
            name="planned work alone",
            answer=lambda: _tended() - _untended(),
            hint="That is the planned work alone. The node fails as well.",
        ),
        Mistake(
            name="failures alone",
            answer=_untended,
            hint="You left the planned work out. The users did not.",
        ),
        Mistake(
            name="once a year",
            answer=lambda: _tended(each=YEAR),
            hint="You counted one window in the year. There is one a month.",
        ),
    ),
)

# ---- 5. a real incident ------------------------------------------------------------


def _years(target: str = "SLA-010") -> float:
    """Return how many years of a target's budget an outage has used."""
    outage = catalogue.fact("INC-014").in_base()
    return outage / ((1 - catalogue.fact(target).in_base()) * YEAR)


incident_exercise = Exercise(
    form="a number of years",
    reference=_years,
    same=number(),
    right="Three hours, and more than three years of the budget are gone. A mean of "
    "four nines needs all those years to be without another such day.",
    hint="How long was the outage, and how much does 99.99 % allow in a year?",
    mistakes=(
        Mistake(
            name="five nines",
            answer=lambda: _years("SLA-009"),
            hint="That is with the commitment for global tables. Take SLA-010.",
        ),
        Mistake(
            name="months",
            answer=lambda: _years() * 12,
            hint="That is in months.",
        ),
        Mistake(
            name="upside down",
            answer=lambda: 1 / _years(),
            hint="Turn it over: the outage above, the year's budget below.",
        ),
    ),
)

# ---- 6. in code --------------------------------------------------------------------


def _chance(mttf: float, mttr: float) -> float:
    """Return the probability that a year keeps 99.99 %, for times in hours."""
    node = architectures.Node(mttf=mttf * HOUR, mttr=mttr * HOUR)
    shop = architectures.SinglePrimary(database=node)
    return assessment.assess(shop).probability_of_meeting(0.9999)


def _none(mttf: float, mttr: float) -> float:
    del mttr
    import math

    return math.exp(-YEAR / (mttf * HOUR))


code_exercise = Exercise(
    form="a function of MTTF and MTTR in hours",
    reference=lambda: _chance,
    same=function([40_000, 4], [2000, 0.2], [2000, 4], relative=0.01),
    right="Four nines in the mean, and now you know how often they are four in fact.",
    hint="ha.assess(...).probability_of_meeting(target) takes a year unless told else.",
    mistakes=(
        Mistake(
            name="years without an outage",
            answer=lambda: _none,
            hint="That is the share of years without any outage. A short one may keep "
            "the budget.",
        ),
        Mistake(
            name="a month",
            answer=lambda: (
                lambda mttf, mttr: assessment.assess(
                    architectures.SinglePrimary(
                        database=architectures.Node(mttf=mttf * HOUR, mttr=mttr * HOUR)
                    )
                ).probability_of_meeting(0.9999, MONTH)
            ),
            hint="That is for a month.",
        ),
        Mistake(
            name="the mean",
            answer=lambda: lambda mttf, mttr: float(mttr / (mttf + mttr) <= 1e-4),
            hint="You asked whether the mean keeps the budget. Ask how many years do.",
        ),
    ),
)
