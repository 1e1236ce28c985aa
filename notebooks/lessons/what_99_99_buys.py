"""Lesson 01, what 99.99 % buys: minutes, and what a year is like.

The surprising part is how little the mean says: of a thousand years with a mean of
52.6 minutes, eight hundred have no downtime at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel import architectures, assessment, catalogue, text
from hamodel import course as kit
from hamodel.chain import Chain
from hamodel.course import Exercise, function, number
from hamodel.units import DAY, HOUR, MINUTE, MONTH, YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel._types import FloatArray

# ---- the model ---------------------------------------------------------------------

#: Windows in which downtime is counted, in s.
WINDOWS = {"a year": YEAR, "a month": MONTH, "a day": DAY}
#: How many windows a sample shows.
SHOWN = 4


class Outage(NamedTuple):
    """A time in which the node is down, in s since the window began."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node that fails and is repaired, held to a target over a window."""

    mttf: float
    mttr: float
    target: float
    window: str
    sample: int

    @property
    def length(self) -> float:
        """Length of the window in s."""
        return WINDOWS[self.window]

    @property
    def chain(self) -> Chain:
        """The node as a Markov chain of two states."""
        fail, repair = 1 / (self.mttf * HOUR), 1 / (self.mttr * HOUR)

        def moves(state: str) -> Iterator[tuple[str, float]]:
            yield ("down", fail) if state == "up" else ("up", repair)

        return Chain.explore("up", moves, up={"up"})

    @cached_property
    def unavailability(self) -> float:
        """Long-run share of time in which it is down."""
        return float(self.chain.unavailability)

    @property
    def mean(self) -> float:
        """Mean downtime in a window, in minutes."""
        return self.unavailability * self.length / MINUTE

    @property
    def budget(self) -> float:
        """Downtime that the target allows in a window, in minutes."""
        return (1 - self.target / 100) * self.length / MINUTE

    @property
    def none(self) -> float:
        """Share of the windows without any downtime."""
        up = 1 - self.unavailability
        return float(up * np.exp(-self.length / (self.mttf * HOUR)))

    @property
    def within(self) -> float:
        """Share of the windows that keep the budget."""
        return float(self.cdf(np.array([self.budget]))[0])

    def cdf(self, minutes: FloatArray) -> FloatArray:
        """Return the share of the windows with at most so much downtime."""
        from scipy.special import gammainc, gammaln

        x = np.asarray(minutes, float) * MINUTE
        came = (self.length - x) / (self.mttf * HOUR)
        done = x / (self.mttr * HOUR)
        most = int(np.max(came) + 12 * np.sqrt(np.max(came)) + 12)
        n = np.arange(most + 1.0)[:, None]
        chance = np.exp(n * np.log(came) - came - gammaln(n + 1))
        repaired = np.ones((most + 2, len(x)))
        repaired[1:] = gammainc(np.arange(1.0, most + 2)[:, None], done)
        up = (chance * repaired[:-1]).sum(axis=0)
        down = (chance * repaired[1:]).sum(axis=0)
        answer: FloatArray = (1 - self.unavailability) * up + self.unavailability * down
        return answer

    @cached_property
    def windows(self) -> tuple[tuple[Outage, ...], ...]:
        """The outages of some windows one after the other, played with a seed."""
        rng = np.random.default_rng(int(self.sample))
        end = SHOWN * self.length
        found: list[list[Outage]] = [[] for _ in range(SHOWN)]
        now = rng.exponential(self.mttf * HOUR)
        while now < end:
            back = now + rng.exponential(self.mttr * HOUR)
            for k in range(int(now // self.length), SHOWN):
                begin = k * self.length
                if back <= begin:
                    break
                start = max(now - begin, 0.0)
                found[k].append(Outage(start, min(back - begin, self.length)))
            now = back + rng.exponential(self.mttf * HOUR)
        return tuple(tuple(outages) for outages in found)

    @property
    def shown(self) -> tuple[float, ...]:
        """Downtime of each window of the sample, in minutes."""
        return tuple(
            sum(o.end - o.start for o in outages) / MINUTE for outages in self.windows
        )


def node(
    mttf: float = 40_000,
    mttr: float = 4,
    target: float = 99.99,
    window: str = "a year",
    sample: float = 1,
) -> Node:
    """Return the lesson's node, in the units of its controls."""
    return Node(mttf=mttf, mttr=mttr, target=target, window=window, sample=int(sample))


# ---- the picture: some windows, and a thousand of them as dots ---------------------

SPAN = kit.Scale(0, 1, 20, 520)
DOTS = (40, 25)


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw the outages of a few windows, and a thousand windows as dots."""
    word = found.window.removeprefix("a ")
    sheet.text((20, 18), f"four {word}s, one after the other", size=13, bold=True)
    for row, (outages, minutes) in enumerate(
        zip(found.windows, found.shown, strict=True)
    ):
        y = 28 + 24 * row
        sheet.rect((20, y, 500, 17), "up", weight=0.5, role="ground")
        for left, right in merged(outages, found.length):
            box = (SPAN(left), y, max(SPAN(right) - SPAN(left), 2), 17)
            sheet.rect(box, "red", weight=0)
        told = f"{text.short(minutes)} min" if sheet.known else "?"
        sheet.text((632, y + 13), told, size=12, anchor="end")
    sheet.text((20, 148), f"a thousand {word}s, a dot each", size=13, bold=True)
    none, within = (round(1000 * share) for share in (found.none, found.within))
    counts = (none, within - none, 1000 - within) if sheet.known else (0, 0, 1000)
    _dots(sheet, counts)
    budget = text.short(found.budget)
    if sheet.known:
        labels = ("no downtime at all", f"within {budget} min", f"over {budget} min")
        for row, (count, words) in enumerate(zip(counts, labels, strict=True)):
            y = 184 + 34 * row
            sheet.circle((392, y - 4), 6, FILLS[row], weight=1)
            sheet.text((406, y), f"{count:,} {words}", size=13)
    else:
        sheet.text((392, 184), "allowed: see your guess", size=13)
    if guess:
        sheet.text((392, 300), f"you said {guess['none']:,g} of 1,000", size=12)
        sheet.text((392, 316), "have no downtime", size=12)


FILLS = ("paper", "up", "red")


def _dots(sheet, counts):
    """Draw the dots: nothing, within, over; each colour has its own shape too."""
    kinds = np.repeat(range(3), counts)
    for k, kind in enumerate(kinds):
        x, y = 24 + 8.9 * (k % DOTS[0]), 162 + 7 * (k // DOTS[0])
        if kind == 2:
            fill = "red" if sheet.known else "faint"
            sheet.rect((x - 3, y - 3, 6, 5), fill, weight=0)
        elif kind == 1:
            sheet.circle((x, y - 0.5), 3, "green", weight=0)
        else:
            sheet.circle((x, y - 0.5), 1.6, "grey", weight=0)


def merged(outages, length):
    """Return the outages as shares of the window; those less than a pixel apart join.

    All of them are in it: what is drawn covers what is counted.
    """
    joined: list[list[float]] = []
    for outage in outages:
        left, right = outage.start / length, outage.end / length
        if joined and left - joined[-1][1] < 1 / 500:
            joined[-1][1] = right
        else:
            joined.append([left, right])
    return joined


def up(found):
    """Write how often it is up in percent, with as many digits as it has nines."""
    down = found.unavailability
    digits = max(0, -int(np.floor(np.log10(down))) - 2)
    return f"{100 * (1 - down):.{digits}f}"


def sentence(values, found):  # noqa: ARG001
    """Say what the explorer shows."""
    word = found.window.removeprefix("a ")
    return (
        f"Up {up(found)} %: down {text.short(found.mean)} minutes {found.window} on "
        f"average, where {text.short(found.budget)} are allowed. "
        f"{100 * found.none:.1f} % of the {word}s have no downtime at all, "
        f"{100 * found.within:.1f} % keep the budget."
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return the minutes at 99.99 %, and the years of 1,000 without any downtime."""
    return {"minutes": node().mean, "none": 1000 * node().none}


VIEWS = (
    kit.View(
        name="three nines",
        when=lambda g, t: kit.near(g["minutes"], 10 * t["minutes"]),
        says="Those are the minutes of 99.9 %: one nine is missing.",
        example={"minutes": 525, "none": 100},
    ),
    kit.View(
        name="every year like the mean",
        when=lambda g, _: g["none"] < 100,
        says=lambda g, t: (
            f"You let nearly every year have its share: {g['none']:,g} of 1,000 "
            f"without. It is {t['none']:.0f}. A failure once in 40,000 hours comes "
            "once in five years."
        ),
        example={"minutes": 53, "none": 0},
    ),
    kit.View(
        name="half and half",
        when=lambda g, _: g["none"] < 600,
        says=lambda _, t: (
            f"You saw that years differ; they differ more: {t['none']:.0f} of 1,000 "
            "have nothing, and the rest have hours."
        ),
        example={"minutes": 53, "none": 500},
    ),
    kit.View(
        name="few bad years",
        when=lambda *_: True,
        says="You know what a mean hides: most years have nothing, a few have hours.",
        example={"minutes": 53, "none": 800},
    ),
)

# ---- the exercises -----------------------------------------------------------------

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
    mistakes={
        "a year": (
            lambda: _allowed(99.95, YEAR),
            "That is what a year allows. You want a month.",
        ),
        "percent as a fraction": (
            lambda: 0.05 * MONTH / MINUTE,
            "You took 5 % of the month. It is 0.05 %.",
        ),
        "seconds": (
            lambda: _allowed(99.95, MONTH) * 60,
            "These are seconds.",
        ),
    },
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
    mistakes={
        "hours": (
            lambda: _repair() / 60,
            "That is in hours. Give minutes.",
        ),
        "three nines": (
            lambda: _repair(99.9),
            "That makes three nines.",
        ),
        "the budget of a year": (
            lambda: _allowed(99.99, YEAR),
            "That is the budget of a year. At 2,000 h there are several failures "
            "in a year, and they share it.",
        ),
    },
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
    mistakes={
        "minutes alone": (
            lambda: _failed(1, 1),
            "You counted minutes, all alike. Count requests.",
        ),
        "the peak alone": (
            lambda: _failed(quiet=0),
            "The night's requests failed too, few as they were.",
        ),
        "a fraction": (
            lambda: _failed() / 100,
            "That is a fraction. Give percent.",
        ),
        "what worked": (
            lambda: 100 - _failed(),
            "That is the share that worked. You want the one that failed.",
        ),
    },
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
    mistakes={
        "planned work alone": (
            lambda: _tended() - _untended(),
            "That is the planned work alone. The node fails as well.",
        ),
        "failures alone": (
            _untended,
            "You left the planned work out. The users did not.",
        ),
        "once a year": (
            lambda: _tended(each=YEAR),
            "You counted one window in the year. There is one a month.",
        ),
    },
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
    mistakes={
        "five nines": (
            lambda: _years("SLA-009"),
            "That is with the commitment for global tables. Take SLA-010.",
        ),
        "months": (
            lambda: _years() * 12,
            "That is in months.",
        ),
        "upside down": (
            lambda: 1 / _years(),
            "Turn it over: the outage above, the year's budget below.",
        ),
    },
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
    mistakes={
        "years without an outage": (
            lambda: _none,
            "That is the share of years without any outage. A short one may keep "
            "the budget.",
        ),
        "a month": (
            lambda: (
                lambda mttf, mttr: assessment.assess(
                    architectures.SinglePrimary(
                        database=architectures.Node(mttf=mttf * HOUR, mttr=mttr * HOUR)
                    )
                ).probability_of_meeting(0.9999, MONTH)
            ),
            "That is for a month.",
        ),
        "the mean": (
            lambda: lambda mttf, mttr: float(mttr / (mttf + mttr) <= 1e-4),
            "You asked whether the mean keeps the budget. Ask how many years do.",
        ),
    },
)


def own(outages, days):
    """Return the availability of an export: how many minutes each outage took."""
    minutes = np.asarray(outages, float)
    if minutes.ndim != 1 or not len(minutes) or minutes.min() < 0 or days <= 0:
        raise ValueError("give the minutes of each outage, and how many days it was")
    down = float(minutes.sum()) * MINUTE / (days * DAY)
    return {
        "minutes a year": down * YEAR / MINUTE,
        "MTTF h": days * 24 / len(minutes),
        "MTTR h": float(minutes.mean()) / 60,
    }


# ---- the lesson --------------------------------------------------------------------

TARGETS = (90, 95, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 99.995, 99.999)
MINUTES = (1, 2, 5, *range(10, 101, 5), 120, 150, 200, 300, 400, 500, 525, 600, 1000)
lesson = kit.Lesson(
    number="01",
    recall=(
        kit.ask(
            "A node fails once in 2,000 hours on average. How often in a year?",
            (
                "about 4 times",
                "A year has 8,760 hours. A rate is one over a mean time.",
            ),
            ("once in about 4 years", "Upside down: a year is longer than that."),
        ),
        kit.ask(
            "Failures come at random, once in 1,000 hours. A node has run for 900. How "
            "long until it fails, on average?",
            ("1,000 hours", "At a constant rate the past is forgotten."),
            ("100 hours", "It does not age: at a constant rate the past is forgotten."),
        ),
    ),
    guess={
        "question": "A service is up 99.99 % of the time. How many minutes a year is "
        "it down, on average? And of a thousand such years, if it fails once in 40,000 "
        "hours: how many have no downtime at all?",
        "fields": {
            "minutes": kit.Slider(label="Down on average (min)", grid=MINUTES),
            "none": kit.Slider(
                label="Years without, of 1,000",
                grid=tuple(range(0, 1001, 50)),
                whole=True,
            ),
        },
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "What is a year like at 99.99 %?",
        "controls": {
            "mttf": kit.Slider(
                label="Fails once in (h)", grid=kit.decades(100, 1e5), start=40_000
            ),
            "mttr": kit.Slider(
                label="Repair time (h)", grid=kit.decades(0.02, 48), start=4
            ),
            "target": kit.Slider(label="Target (%)", grid=TARGETS, start=99.99),
            "window": kit.Choice(
                label="Held to it", options=tuple(WINDOWS), start="a year"
            ),
            "sample": kit.Again(label="New sample", most=30, start=6),
        },
        "model": node,
        "picture": picture,
        "size": (640, 345),
        "describe": sentence,
        "before": "Four years, played with a seed: red is down. How long it was, and "
        "how usual such years are, shows once you have guessed.",
        "presets": {
            "Often and short": {"mttf": 200, "mttr": 0.02},
            "MTTF doubled": {"mttf": 80_000},
            "MTTR halved": {"mttr": 2},
            "Held by the month": {"window": "a month"},
            "Two nines": {"mttf": 400, "target": 99},
        },
    },
    exercises=(
        month_exercise,
        repair_exercise,
        peak_exercise,
        window_exercise,
        incident_exercise,
        code_exercise,
    ),
    own=own,
)
