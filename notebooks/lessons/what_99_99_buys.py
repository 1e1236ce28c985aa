"""Lesson 01, what 99.99 % buys: minutes, and what a year is like.

The surprising part is how little the mean says: of a thousand years with a mean of
52.6 minutes, eight hundred have no downtime at all.
"""

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
from scipy.special import gammainc, gammaln

from hamodel import architectures, assessment, catalogue, text
from hamodel import course as kit
from hamodel.chain import Chain
from hamodel.units import DAY, HOUR, MINUTE, MONTH, YEAR

# ---- the model ---------------------------------------------------------------------

WINDOWS = {"a year": YEAR, "a month": MONTH, "a day": DAY}  # s, where it is counted
SHOWN = 4  # windows of a sample
Outage = namedtuple("Outage", "start end")


def node(mttf=40_000, mttr=4, target=99.99, window="a year", sample=1):
    """Return a node in the units of its controls, and what its windows are like.

    Times are in s, `mean`, `budget` and `shown` in minutes; `none` and `within` are
    shares of the windows, and `cdf(minutes)` is the share with at most so much.
    """
    fail, repair, length = 1 / (mttf * HOUR), 1 / (mttr * HOUR), WINDOWS[window]

    def moves(state):
        yield ("down", fail) if state == "up" else ("up", repair)

    chain = Chain.explore("up", moves, up={"up"})
    down, budget = float(chain.unavailability), (1 - target / 100) * length / MINUTE

    def cdf(minutes):
        """Add over failures: Poisson that they come, gamma that they are mended."""
        x = np.asarray(minutes, float) * MINUTE
        came, done = (length - x) * fail, x * repair
        most = int(np.max(came) + 12 * np.sqrt(np.max(came)) + 12)
        n = np.arange(most + 1.0)[:, None]
        chance = np.exp(n * np.log(came) - came - gammaln(n + 1))
        repaired = np.ones((most + 2, len(x)))
        repaired[1:] = gammainc(np.arange(1.0, most + 2)[:, None], done)
        starts_up, starts_down = (
            (chance * part).sum(axis=0) for part in (repaired[:-1], repaired[1:])
        )
        return (1 - down) * starts_up + down * starts_down

    windows = played(mttf * HOUR, mttr * HOUR, length, sample)
    return SimpleNamespace(
        mttf=mttf,
        target=target,
        window=window,
        length=length,
        chain=chain,
        unavailability=down,
        mean=down * length / MINUTE,
        budget=budget,
        none=float((1 - down) * np.exp(-length * fail)),
        within=float(cdf([budget])[0]),
        cdf=cdf,
        windows=windows,
        shown=tuple(sum(o.end - o.start for o in found) / MINUTE for found in windows),
    )


def played(mttf, mttr, length, sample):
    """Return the outages of some windows one after the other, played with a seed."""
    rng = np.random.default_rng(int(sample))
    found: list[list[Outage]] = [[] for _ in range(SHOWN)]
    now = rng.exponential(mttf)
    while now < SHOWN * length:
        back = now + rng.exponential(mttr)
        for k in range(int(now // length), SHOWN):
            begin = k * length
            if back <= begin:
                break
            found[k].append(Outage(max(now - begin, 0.0), min(back - begin, length)))
        now = back + rng.exponential(mttf)
    return found


# ---- the picture: some windows, and a thousand of them as dots ---------------------

SPAN = kit.Scale(0, 1, 20, 520)


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw the outages of a few windows, and a thousand windows as dots."""
    word = found.window.removeprefix("a ")
    sheet.text((20, 18), f"four {word}s, one after the other", size=13, bold=True)
    rows = zip(found.windows, found.shown, strict=True)
    for row, (outages, minutes) in enumerate(rows):
        y = 28 + 24 * row
        sheet.rect((20, y, 500, 17), "up", weight=0.5, role="ground")
        for left, right in merged(outages, found.length):
            box = (SPAN(left), y, max(SPAN(right) - SPAN(left), 2), 17)
            sheet.rect(box, "red", weight=0)
        told = f"{text.short(minutes)} min" if sheet.known else "?"
        sheet.text((632, y + 13), told, size=12, anchor="end")
    sheet.text((20, 148), f"a thousand {word}s, a dot each", size=13, bold=True)
    none, within = (round(1000 * share) for share in (found.none, found.within))
    counts = (none, within - none, 1000 - within) if sheet.known else (0, 0, 0)
    kit.dots(sheet, (24, 162), counts, 1000)
    if sheet.known:
        budget = text.short(found.budget)
        labels = ("no downtime at all", f"within {budget} min", f"over {budget} min")
        for row, (count, words) in enumerate(zip(counts, labels, strict=True)):
            y = 184 + 34 * row
            sheet.circle((392, y - 4), 6, ("paper", "up", "red")[row], weight=1)
            sheet.text((406, y), f"{count:,} {words}", size=13)
    else:
        sheet.text((392, 184), "allowed: see your guess", size=13)
    if guess:
        sheet.text((392, 300), f"you said {guess['none']:,g} of 1,000", size=12)
        sheet.text((392, 316), "have no downtime", size=12)


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


def sentence(values, found):  # noqa: ARG001
    word = found.window.removeprefix("a ")
    digits = max(0, -int(np.floor(np.log10(found.unavailability))) - 2)
    up = f"{100 * (1 - found.unavailability):.{digits}f}"
    return (
        f"Up {up} %: down {text.short(found.mean)} minutes {found.window} on average, "
        f"where {text.short(found.budget)} are allowed. "
        f"{100 * found.none:.1f} % of the {word}s have no downtime at all, "
        f"{100 * found.within:.1f} % keep the budget."
    )


# ---- the guess ---------------------------------------------------------------------


VIEWS = kit.views(
    """
    three nines: You said {g.minutes:g} minutes: those are the minutes of 99.9 %, one
      nine too few. 99.99 % leaves {t.minutes:.1f}.
    five nines: You said {g.minutes:g} minutes: those are the minutes of 99.999 %, one
      nine too many. 99.99 % leaves {t.minutes:.1f}.
    every year like the mean: You let nearly every year have its share: {g.none:,g} of
      1,000 without. It is {t.none:.0f}. A failure once in 40,000 hours comes once in
      five years.
    half and half: You saw that years differ, and left {g.none:,g} of 1,000 without any
      downtime. They differ more: {t.none:.0f} have nothing, and the rest have hours.
    hardly any bad year: You left {g.none:,g} of 1,000 without any downtime. It is
      fewer, {t.none:.0f}: once in five years the node does fail.
    few bad years: You know what a mean hides: {t.none:.0f} years of 1,000 have nothing,
      and the others have hours.
    """,
    (lambda g, _: kit.near(g["minutes"], 525), {"minutes": 525, "none": 0}),
    (lambda g, _: kit.near(g["minutes"], 5), {"minutes": 5, "none": 800}),
    (lambda g, _: g["none"] < 100, {"minutes": 53, "none": 0}),
    (lambda g, _: g["none"] < 700, {"minutes": 53, "none": 500}),
    (lambda g, _: g["none"] > 900, {"minutes": 53, "none": 950}),
    (lambda *_: True, {"minutes": 53, "none": 800}),
)

# ---- the exercises -----------------------------------------------------------------


def _allowed(target: float, window: float) -> float:
    return (1 - target / 100) * window / MINUTE


ask_month = kit.exercise(
    """a number of minutes
    right: Contracts are held by the month: summer cannot spend what spring has saved.
    hint: 0.05 % of the minutes of a month, which is a twelfth of a year.
    then: A month here has 43,800 minutes. How many of them are 0.05 %?
    a year: That is what a year allows. You want a month.
    a month of 30 days: You took 30 days. A twelfth of a year is a little longer.
    a month of 31 days: You took 31 days. A twelfth of a year is a little shorter.
    percent as a fraction: You took 5 % of the month. It is 0.05 %.
    seconds: These are seconds.
    time up: That is how long it is up. How long may it be down?
    """,
    lambda: _allowed(99.95, MONTH),
    lambda: _allowed(99.95, YEAR),
    lambda: _allowed(99.95, 30 * DAY),
    lambda: _allowed(99.95, 31 * DAY),
    lambda: 0.05 * MONTH / MINUTE,
    lambda: _allowed(99.95, MONTH) * 60,
    lambda: 0.9995 * MONTH / MINUTE,
)


def _repair(target: float = 99.99, mttf: float = 2000) -> float:
    down = 1 - target / 100
    return mttf * HOUR * down / (1 - down) / MINUTE


ask_repair = kit.exercise(
    """a number of minutes
    right: Nobody gets up, finds the fault and mends a database in that time. This is
      why a second node, which is there already, is bought.
    hint: Solve MTTR / (MTTF + MTTR) = 0.0001 for MTTR.
    then: MTTR is MTTF times U over 1 - U. Do it in hours first, then turn to minutes.
    hours: That is in hours. Give minutes.
    three nines: That makes three nines.
    the budget of a year: That is the budget of a year. At 2,000 h there are several
      failures in a year, and they share it.
    """,
    _repair,
    lambda: _repair() / 60,
    lambda: _repair(99.9),
    lambda: _allowed(99.99, YEAR),
)

_PEAK, _NIGHT = 20.0, 32.56  # minutes
_BUSY, _QUIET = 5.0, 0.1  # times the mean traffic


def _failed(busy: float = _BUSY, quiet: float = _QUIET) -> float:
    return 100 * (_PEAK * busy + _NIGHT * quiet) * MINUTE / YEAR


ask_peak = kit.exercise(
    """a number of percent
    right: To its users the shop had less than four nines, with the same minutes.
    hint: Each minute counts as many requests as come in it. The mean minute counts 1.
    then: Weigh 20 minutes by 5 and 32.56 by 0.1, add them, and divide by the minutes
      of a year.
    minutes alone: You counted minutes, all alike. Count requests.
    the peak alone: The night's requests failed too, few as they were.
    a fraction: That is a fraction. Give percent.
    what worked: That is the share that worked. You want the one that failed.
    minutes weighed: You have weighed the minutes well. Now divide by those of a year.
    """,
    _failed,
    lambda: _failed(1, 1),
    lambda: _failed(quiet=0),
    lambda: _failed() / 100,
    lambda: 100 - _failed(),
    lambda: _PEAK * _BUSY + _NIGHT * _QUIET,
)


def _one(mttf=40_000.0, mttr=4.0, **more):
    base = architectures.Node(mttf=mttf * HOUR, mttr=mttr * HOUR)
    return assessment.assess(architectures.SinglePrimary(database=base, **more))


def _tended(each=MONTH):
    """Return the minutes a year of a node that is down for planned work as well."""
    work = architectures.Maintenance(every=each, takes=30 * MINUTE)
    return float(_one(maintenance=work).write.minutes_per_year)


def _untended():
    return float(_one().write.minutes_per_year)


ask_window = kit.exercise(
    """a number of minutes a year
    right: Three nines, of which the machine itself would have had four. A contract
      that leaves planned work out does not make it shorter.
    hint: ha.SinglePrimary takes maintenance=ha.Maintenance(every=..., takes=...).
    then: Give the SinglePrimary its Maintenance, assess it with `ha.assess`, and read
      the minutes a year of its writes.
    planned work alone: That is the planned work alone. The node fails as well.
    failures alone: You left the planned work out. The users did not.
    once a year: You counted one window in the year. There is one a month.
    """,
    _tended,
    lambda: _tended() - _untended(),
    _untended,
    lambda: _tended(each=YEAR),
)


def _years(target: str = "SLA-010") -> float:
    outage = catalogue.fact("INC-014").in_base()
    return outage / ((1 - catalogue.fact(target).in_base()) * YEAR)


ask_incident = kit.exercise(
    """a number of years
    right: Three hours, and more than three years of the budget are gone. A mean of
      four nines needs all those years to be without another such day.
    hint: How long was the outage, and how much does 99.99 % allow in a year?
    then: Take both facts in the same unit. A year at 99.99 % has 52.56 minutes to
      spend.
    five nines: That is with the commitment for global tables. Take SLA-010.
    months: That is in months.
    upside down: Turn it over: the outage above, the year's budget below.
    """,
    _years,
    lambda: _years("SLA-009"),
    lambda: _years() * 12,
    lambda: 1 / _years(),
)

ask_code = kit.exercise(
    """a function of MTTF and MTTR in hours
    right: Four nines in the mean, and now you know how often they are four in fact.
    hint: ha.assess(...).probability_of_meeting(target) takes a year unless told else.
    then: In the function: a Node of the two times in seconds, a SinglePrimary, an
      assessment, a question.
    years without an outage: That is the share of years without any outage. A short
      one may keep the budget.
    a month: That is for a month.
    the mean: You asked whether the mean keeps the budget. Ask how many years do.
    """,
    lambda: lambda mttf, mttr: _one(mttf, mttr).probability_of_meeting(0.9999),
    lambda: lambda mttf, _: float(np.exp(-YEAR / (mttf * HOUR))),
    lambda: lambda mttf, mttr: _one(mttf, mttr).probability_of_meeting(0.9999, MONTH),
    lambda: lambda mttf, mttr: float(mttr / (mttf + mttr) <= 1e-4),
    same=kit.function([40_000, 4], [2000, 0.2], [2000, 4], relative=0.01),
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
    recall=kit.recall(
        """
        A node fails once in 2,000 hours on average. How often in a year?
        + about 4 times: A year has 8,760 hours. A rate is one over a mean time.
        - once in about 4 years: Upside down: a year is longer than that.
        Failures come at random, once in 1,000 hours. A node has run for 900. How long
          until it fails, on average?
        + 1,000 hours: At a constant rate the past is forgotten.
        - 100 hours: It does not age: at a constant rate the past is forgotten.
        """
    ),
    guess={
        "question": "A service is up 99.99 % of the time. How many minutes a year is "
        "it down, on average? And of a thousand such years, if it fails once in 40,000 "
        "hours: how many have no downtime at all?",
        "fields": kit.sliders(
            minutes=("Down on average (min)", MINUTES),
            none=("Years without, of 1,000", range(0, 1001, 50)),
        ),
        "truth": lambda: {"minutes": node().mean, "none": 1000 * node().none},
        "views": VIEWS,
    },
    see={
        "title": "What is a year like at 99.99 %?",
        "controls": {
            **kit.sliders(
                mttf=("Fails once in (h)", kit.decades(100, 1e5), 40_000),
                mttr=("Repair time (h)", kit.decades(0.02, 48), 4),
                target=("Target (%)", TARGETS, 99.99),
            ),
            "window": kit.Choice(
                label="Held to it", options=(*WINDOWS,), start="a year"
            ),
            "sample": kit.Again(label="New sample", most=30, start=6),
        },
        "model": node,
        "picture": picture,
        "size": (640, 345),
        "describe": sentence,
        "before": "Four years as they may come: red is down.",
        "presets": {
            "Often and short": {"mttf": 200, "mttr": 0.02},
            "MTTF doubled": {"mttf": 80_000},
            "MTTR halved": {"mttr": 2},
            "Held by the month": {"window": "a month"},
            "Two nines": {"mttf": 400, "target": 99},
        },
    },
    exercises=(ask_month, ask_repair, ask_peak, ask_window, ask_incident, ask_code),
    own=own,
)
