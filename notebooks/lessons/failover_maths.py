"""Lesson 04, failover maths: a faster failover, or a surer one.

With hours of repair behind it, one failover that fails outweighs 300 that work.
"""

import itertools

import numpy as np

from hamodel import catalogue, text
from hamodel import course as kit
from hamodel.architectures import ActivePassive, Node, PairState
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE, YEAR

# ---- the model ---------------------------------------------------------------------

RESCUE = {
    "wait for the repair": None,
    "a person, 30 min later": 30 * MINUTE,
    "a person, 5 min later": 5 * MINUTE,
}
NOBODY, HALF_AN_HOUR, _ = RESCUE
CAUSES = ("failing over", "failover did not work", "both nodes down")
STATES = ("both", "switching", "one", "none")  # the order of the matrix in the lesson


def pair(mttf=2000, mttr=4, failover=30, coverage=99, rescue=NOBODY):
    """Return the lesson's pair: hours, hours, seconds, percent, one of `RESCUE`."""
    stages = Failover(
        promotion=failover, coverage=coverage / 100, manual=RESCUE[rescue]
    )
    return ActivePassive(
        database=Node(mttf=mttf * HOUR, mttr=mttr * HOUR), failover=stages
    )


def single(mttf=2000, mttr=4):
    return mttr / (mttf + mttr) * YEAR / MINUTE


def causes(found):
    return [found.downtime_by_cause[cause] * YEAR / MINUTE for cause in CAUSES]


def generator(chain, states=STATES):
    """Return the generator matrix of a pair's chain, in 1/s or in symbols."""
    import sympy

    rates = {(a.nodes, b.nodes): rate for (a, b), rate in chain.rates.items()}
    rows = [[rates.get((a, b), 0) for b in states] for a in states]
    for k, row in enumerate(rows):
        row[k] = sympy.expand(-sum(row))
    return sympy.Matrix(rows)


# ---- the picture: five states, and the minutes of each cause -----------------------

PLACES = {  # centre of a box, its words, its look
    "both": ((75, 70), "both up", "up"),
    "switching": ((250, 32), "failing over", CAUSES[0]),
    "stuck": ((250, 108), "stuck", CAUSES[1]),
    "one": ((420, 70), "one up", "degraded"),
    "none": ((570, 70), "both down", CAUSES[2]),
}
ARROWS = (
    ("both", "switching", "c λ", (155, 42)),
    ("both", "stuck", "(1 - c) λ", (150, 108)),
    ("switching", "one", "1 / T", (345, 42)),
    ("stuck", "one", "repair", (348, 108)),
    ("one", "none", "λ", (498, 60)),
)
MINUTES = kit.Scale(0.01, 300_000, 170, 580, log=True)
GHOSTS = {"faster": "you: failover in 10 s", "surer": "you: 99.9 % work"}


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw where a year goes, and what is down of it."""
    spent = [minutes * MINUTE for minutes in causes(found)]
    share = found.chain().steady_state()
    times = dict(zip(("switching", "stuck", "none"), spent, strict=True))
    times |= {n: share.get(PairState(n), 0.0) * YEAR for n in ("both", "one")}
    told = {n: text.time(spell) if spell else "never" for n, spell in times.items()}
    boxes = {
        name: (*place, told[name] if sheet.known or name in ("both", "one") else "?")
        for name, place in PLACES.items()
    }
    kit.states(sheet, boxes, ARROWS)
    path = journey(found)
    spots = [(PLACES[name][0][0] - 46, PLACES[name][0][1] + 31) for name in path]
    leaves = {name: PLACES[name][2] for name in ("switching", "stuck", "none")}
    sheet.walk(spots, [leaves.get(name, "") for name in path])
    sheet.axis(MINUTES, 284, "minutes a year, to powers of ten", top=158)
    sheet.mark(MINUTES(1e-4 * YEAR / MINUTE), 158, 282, "99.99 %")
    amounts = causes(found) if sheet.known else [None] * 3
    total = ("all together", found.minutes_per_year, "ink")
    rows = [*zip(CAUSES, amounts, CAUSES, strict=True), total]
    rows += [(GHOSTS[case], guess[case], "guess") for case in GHOSTS if guess]
    sheet.bars(MINUTES, 162, rows, 20)


def journey(found, steps=9, seed=11):
    path = kit.journey(found.chain().rates, PairState("both"), steps, seed)
    names = [str(state.nodes) for state in path]
    for k, (before, here) in enumerate(itertools.pairwise(names), 1):
        if here == "manual" or (before, here) == ("both", "none"):
            names[k] = "stuck"
    return names


def sentence(values, found):
    over, failed, both = (text.short(minutes) for minutes in causes(found))
    alone = text.short(single(values["mttf"], values["mttr"]))
    return (
        f"Down {text.short(found.minutes_per_year)} minutes a year: about {over} "
        f"failing over, {failed} because a failover did not work, {both} with both "
        f"nodes down. One node alone would be down {alone}."
    )


# ---- the guess ---------------------------------------------------------------------

TODAY = pair().minutes_per_year


VIEWS = kit.views(
    """
    nothing helps: You left {g.faster:g} and {g.surer:g} of the 16.8 minutes: hardly
      anything helps, you say. A surer failover takes away more than half of them.
    all of it is failing over: You divided all the minutes by three. But only 2.2 of the
      16.8 are spent failing over; the rest does not care how fast you are.
    all of it is broken failovers: You left {g.surer:g} minutes to a surer failover. It
      is the longer lever, but it leaves {t.surer:.1f}: a second failure during a repair
      stays.
    one lever is like the other: You left {g.faster:g} and {g.surer:g}, as if the two
      were alike. Ask what one failure costs: thirty seconds nearly always, or four
      hours once in a hundred times.
    speed is the lever: You left {g.faster:g} of the 16.8 minutes to a faster failover;
      it leaves {t.faster:.1f}. A surer one leaves {t.surer:.1f}.
    being sure, a little: You saw which lever is longer. It is much longer: it leaves
      {t.surer:.1f} minutes, not {g.surer:g}.
    both are long: You saw that being sure helps more. But speed does less than you
      think: it leaves {t.faster:.1f} minutes, not {g.faster:g}.
    being sure is the lever: You saw which lever is longer, and how far it reaches. The
      picture has moved to it.
    """,
    (lambda g, _: min(g.values()) > 14, {"faster": 16, "surer": 16.5}),
    (lambda g, _: kit.near(g["faster"], TODAY / 3, 0.15), {"faster": 5.5, "surer": 8}),
    (lambda g, _: g["surer"] < 4.5, {"faster": 15, "surer": 1.7}),
    (lambda g, _: abs(g["faster"] - g["surer"]) < 1, {"faster": 10, "surer": 10}),
    (lambda g, _: g["faster"] < g["surer"], {"faster": 8, "surer": 12}),
    (lambda g, _: g["surer"] > 10, {"faster": 15, "surer": 12}),
    (lambda g, _: g["faster"] < 12, {"faster": 10, "surer": 7}),
    (lambda *_: True, {"faster": 15, "surer": 8}),
)


# ---- the exercises -----------------------------------------------------------------


def hourly(coverage=99, standby=True, diagonal=True):
    rates = np.array(generator(pair(coverage=coverage).chain()), float) * HOUR
    if not standby:
        rates[0, 2] = 0
    np.fill_diagonal(rates, 0)
    if diagonal:
        np.fill_diagonal(rates, -rates.sum(axis=1))
    return rates.tolist()


OTHER = {"mttf": 1000, "mttr": 2, "failover": 60, "coverage": 98}  # of exercise 2
FIRST = (0.98 * 60 + 0.02 * 2 * HOUR) / (1000 * HOUR) * YEAR / MINUTE
EVEN = 4 * HOUR / (4 * HOUR + 30)


EXERCISES = (
    kit.exercise(
        """four rows of four rates per hour, in the order both, switching, one, none
    right: Each row adds up to zero: what leaves a state arrives in others.
    hint: Take one row at a time: what ends this state, how often an hour, and where
      does it lead?
    then: The first row has three ways out: the primary fails and the failover works,
      it fails and does not, or the standby fails.
    the diagonal is left out: The rates are right. The diagonal holds what leaves a
      state, with a minus, so that each row adds up to zero.
    columns for rows: A row says where a state leads, a column where it comes from.
    a standby cannot fail: Look at the first row: the standby fails too, and as often.
    coverage ignored: You let every failover work. Split the primary's failures.
    """,
        hourly,
        lambda: hourly(diagonal=False),
        lambda: np.transpose(hourly()).tolist(),
        lambda: hourly(standby=False),
        lambda: hourly(coverage=100),
        same=kit.matrix(rows=0),
    ),
    kit.exercise(
        """a number of minutes a year
    right: Broken failovers are the largest share here too.
    hint: Three terms: working failovers, broken ones, second failures.
    then: `pair(...)` takes the four numbers in the units of the sliders.
    first order only: That is the short formula. It forgets the second failure during
      a repair, which is not small here.
    coverage ignored: You let every failover work.
    a share, not minutes: That is a share of time. How many minutes has a year?
    one node: That is one node alone.
    """,
        lambda: pair(**OTHER).minutes_per_year,
        FIRST,
        lambda: pair(**OTHER | {"coverage": 100}).minutes_per_year,
        lambda: pair(**OTHER).unavailability,
        lambda: single(1000, 2),
    ),
    kit.exercise(
        """a coverage between 0 and 1, with five digits
    right: Two broken failovers in a thousand already cost as much as all the seconds
      of the others.
    hint: Write down what a failover costs when it works and when it does not, each
      with its probability. Where are the two equal?
    then: c times 30 seconds on one side, 1 - c times 4 hours on the other.
    today's coverage: That is today's: the two bars are not equal.
    """,
        lambda: EVEN,
        0.99,
        same=kit.number(1e-5),
    ),
    kit.exercise(
        """a number of minutes a year
    right: No failover, however good, saves you from losing the second node too.
    hint: Set c = 1 and T = 0 in the exact formula. What is left of it?
    then: The pair of the first cell takes failover=0 and coverage=100.
    first order is exact: The short formula says so. What if the other node fails
      meanwhile?
    independent nodes: That multiplies two independent nodes, each with its own crew.
      Here one crew repairs both, one after the other.
    the failover is still 30 s: The failover is certain now, but not yet instant.
    one node: That is one node alone.
    """,
        lambda: pair(failover=0, coverage=100).minutes_per_year,
        0,
        (4 / 2004) ** 2 * YEAR / MINUTE,
        lambda: pair(coverage=100).minutes_per_year,
        single,
    ),
    kit.exercise(
        """a function of a failover's seconds and its coverage, a fraction
    right: It takes arrays too: try coverage=np.linspace(0.9, 1).
    hint: Build an ActivePassive and give its minutes_per_year.
    then: `pair` makes one: its coverage is a percentage, yours a fraction.
    seconds taken for minutes: Every time in hamodel is in seconds already.
    coverage ignored: The coverage does not reach the Failover.
    """,
        lambda: lambda s, c: pair(failover=s, coverage=100 * c).minutes_per_year,
        lambda: lambda s, c: pair(failover=60 * s, coverage=100 * c).minutes_per_year,
        lambda: lambda s, _: pair(failover=s, coverage=100).minutes_per_year,
        same=kit.function([30, 0.99], [5, 0.9], [120, 1.0], [1, 0.9995]),
    ),
)


def own(worked, rehearsals):
    """Return the coverage that rehearsals have shown, and what it is at least."""
    from scipy.stats import binomtest

    if not 0 <= worked <= rehearsals or rehearsals < 1:
        raise ValueError(f"{worked} of {rehearsals} cannot have worked")
    low = binomtest(worked, rehearsals).proportion_ci(0.95).low
    return {"coverage": worked / rehearsals, "at least": low}


# ---- the lesson --------------------------------------------------------------------


def product(key):
    found = catalogue.system(key).architecture()
    rescue = next(k for k, v in RESCUE.items() if v == found.failover.manual)
    return {
        "mttf": round(found.database.mttf / HOUR, 6),
        "mttr": round(found.database.mttr / HOUR, 6),
        "failover": round(float(found.failover.outage), 6),
        "coverage": round(float(found.failover.coverage) * 100, 6),
        "rescue": rescue,
    }


COVERAGE = (0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 100)
LEFT = tuple(k / 2 for k in range(35))
lesson = kit.Lesson(
    number="04",
    recall=kit.recall(
        """
        Lesson 01: a node fails once in 2,000 hours and takes 4 to repair. Is it up
          99.99 % of the time?
        + no, about 99.8 %: 4 hours in 2,004 are down: 1,049 minutes a year.
        - yes: MTTR over MTTF is 4 in 2,000: two in a thousand.
        Lesson 03: two replicas share 5 % of their failures. How much does a third help?
        + hardly: What they share has never heard of the third.
        - a lot: It helps against what fails alone, which is small already.
        """
    ),
    guess={
        "question": "The pair is down 16.8 minutes a year. Pull one lever at a time: "
        "what is left of them?",
        "fields": kit.sliders(
            faster=("Failover in 10 s (min)", LEFT), surer=("99.9 % work (min)", LEFT)
        ),
        "truth": lambda: {
            "faster": pair(failover=10).minutes_per_year,
            "surer": pair(coverage=99.9).minutes_per_year,
        },
        "views": VIEWS,
        "rule": lambda guess: (
            "an improvement cannot leave more than the 16.8 of today."
            if max(guess.values()) > TODAY + 0.05
            else ""
        ),
    },
    see={
        "title": "What is the pair down for, and which lever shortens it?",
        "controls": {
            **kit.sliders(
                mttf=("A node fails once in (h)", kit.decades(100, 1e5), 2000),
                mttr=("Repair time (h)", kit.decades(0.5, 48), 4),
                failover=("Failover time (s)", kit.decades(1, 600), 30),
                coverage=("Failovers that work (%)", COVERAGE, 99),
            ),
            "rescue": kit.Choice(
                label="When stuck", options=tuple(RESCUE), start=NOBODY
            ),
        },
        "model": pair,
        "picture": picture,
        "size": (640, 330),
        "describe": sentence,
        "before": "The pair as it is today: down 16.8 minutes a year.",
        "after": {"coverage": 99.9},
        "presets": {
            "Faster: 10 s": {"failover": 10},
            "Surer: 99.9 %": {"coverage": 99.9},
            "Perfect failover": {"failover": 1, "coverage": 100},
            "Person on call": {"rescue": HALF_AN_HOUR},
            "Patroni": product("postgresql-patroni"),
            "Managed, if async": product("managed-multi-zone"),
        },
        "seconds": 12,
        "steps": 10,
    },
    exercises=EXERCISES,
    own=own,
)
