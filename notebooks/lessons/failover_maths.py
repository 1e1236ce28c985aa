"""Lesson 04, failover maths: a faster failover, or a surer one.

With hours of repair behind it, one failover that fails outweighs 300 that work.
"""

import itertools

import numpy as np

from hamodel import catalogue, text
from hamodel import course as kit
from hamodel.architectures import PairState
from hamodel.units import HOUR, MINUTE, YEAR
from lessons.pairs import HALF_AN_HOUR, NOBODY, RESCUE, pair

# ---- the model ---------------------------------------------------------------------

CAUSES = ("failing over", "failover did not work", "both nodes down")
STATES = ("both", "switching", "one", "none")  # the order of the matrix in the lesson


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
    ("both", "switching", "c λ", (148, 38)),
    ("both", "stuck", "(1 - c) λ", (142, 114)),
    ("switching", "one", "1 / T", (352, 38)),
    ("stuck", "one", "repair", (346, 114)),
    ("one", "none", "λ", (498, 60)),
)
DOWN = ("switching", "stuck", "none")
MINUTES = kit.Scale(0.01, 300_000, 170, 580, log=True)
CALENDAR = kit.Scale(0, YEAR, 384, 620)
GHOSTS = {"faster": "you: failover in 10 s", "surer": "you: 99.9 % work"}


def picture(sheet, values, found, guess):
    """Draw where a year goes, and what is down of it."""
    share = found.chain().steady_state()
    spent = {n: share.get(PairState(n), 0.0) * YEAR / MINUTE for n in ("both", "one")}
    spent |= zip(DOWN, causes(found), strict=True)
    boxes = {}
    for name, place in PLACES.items():
        told = text.time(spent[name] * MINUTE) if spent[name] else "never"
        boxes[name] = (*place, told if sheet.known or name not in DOWN else "?")
    kit.states(sheet, boxes, ARROWS)
    sheet.axis(MINUTES, 300, "minutes a year, to powers of ten", top=164)
    sheet.mark(MINUTES(1e-4 * YEAR / MINUTE), 164, 298, "99.99 %")
    bars = spent if sheet.known else {}
    rows = [(PLACES[name][1], bars.get(name), PLACES[name][2]) for name in DOWN]
    rows += [("all together", found.minutes_per_year, "ink")]
    rows += [(GHOSTS[case], guess[case], "guess") for case in GHOSTS if guess]
    sheet.bars(MINUTES, 167, rows, 22)
    if sheet.known:
        _year(sheet, played(found, values["year"]))


def _year(sheet, stays):
    """Send a token through a year, and pile up the time that it is down."""
    spots = [(PLACES[name][0][0] - 46, PLACES[name][0][1] + 31) for name, *_ in stays]
    sheet.text((384, 123), "grey: one year, played", size=12)
    sheet.rect((384, 130, CALENDAR(stays[-1][2]) - 384, 10), "up", role="ground")
    piled = [0.0] * 4
    for (name, begin, left), at in zip(stays, sheet.walk(spots), strict=True):
        x, minutes = CALENDAR(begin), (left - begin) / MINUTE
        with sheet.since(at):
            if name != "both":
                box = (x, 130, max(CALENDAR(left) - x, 2), 10)
                sheet.rect(box, PLACES[name][2], weight=0)
            for row in (DOWN.index(name), 3) if name in DOWN else ():
                start, end = MINUTES(piled[row]), MINUTES(piled[row] + minutes)
                box = (start, 176 + 22 * row, end - start, 8)
                sheet.rect(box, "grey", role="ground")
                piled[row] += minutes


def played(found, year):
    """Return the stays of a year: the box, when it is entered and when it is left."""
    stays = kit.journey(found.chain().rates, PairState("both"), YEAR, year)
    names = ["both", *(str(state.nodes) for state, *_ in stays)]
    return [
        ("stuck" if here == "manual" or (was, here) == ("both", "none") else here, *at)
        for (was, here), (_, *at) in zip(itertools.pairwise(names), stays, strict=True)
    ]


def sentence(values, found):
    alone = single(values["mttf"], values["mttr"])
    minutes = map(text.short, (found.minutes_per_year, *causes(found), alone))
    return (
        "Down {} minutes a year: about {} failing over, {} because a failover did not "
        "work, {} with both nodes down. One node alone would be down {}."
    ).format(*minutes)


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
    rates[0, 2] *= standby
    np.fill_diagonal(rates, 0)
    np.fill_diagonal(rates, -diagonal * rates.sum(axis=1))
    return rates.tolist()


OTHER = {"mttf": 1000, "mttr": 2, "failover": 60, "coverage": 98}  # of exercise 2
FIRST = (0.98 * 60 + 0.02 * 2 * HOUR) / (1000 * HOUR) * YEAR / MINUTE
EVEN = 4 * HOUR / (4 * HOUR + 30)

EXERCISES = (
    kit.exercise(
        """four rows of four rates per hour, in the order both, switching, one, none
    right: Each row adds up to zero: what leaves a state arrives in others.
    hint: Row by row: what ends this state, how often an hour, and where does it lead?
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
    """,
        lambda: pair(**OTHER).minutes_per_year,
        FIRST,
        lambda: pair(**OTHER | {"coverage": 100}).minutes_per_year,
        lambda: pair(**OTHER).unavailability,
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
    first order is exact: The short formula says so. What if the other node fails too?
    independent nodes: That is a crew for each node. Here one crew repairs both in turn.
    the failover is still 30 s: The failover is certain now, but not yet instant.
    """,
        lambda: pair(failover=0, coverage=100).minutes_per_year,
        0,
        (4 / 2004) ** 2 * YEAR / MINUTE,
        lambda: pair(coverage=100).minutes_per_year,
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
    if not 0 <= worked <= rehearsals or rehearsals < 1:
        raise ValueError(f"{worked} of {rehearsals} cannot have worked")
    from hamodel.calibration import share_interval

    low, _ = share_interval(worked, rehearsals)
    return {"coverage": worked / rehearsals, "at least": low}


def product(key):
    found = catalogue.system(key).architecture()
    node, takeover = found.database, found.failover
    hours = {"mttf": round(node.mttf / HOUR, 6), "mttr": round(node.mttr / HOUR, 6)}
    return hours | {
        "failover": round(float(takeover.outage), 6),
        "coverage": round(float(takeover.coverage) * 100, 6),
        "rescue": next(k for k, v in RESCUE.items() if v == takeover.manual),
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
            "year": kit.Again(label="Another year", most=30, start=4),
        },
        "model": lambda year, **values: pair(**values),  # noqa: ARG005
        "picture": picture,
        "size": (640, 346),
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
        "seconds": 16,
        "steps": 16,
    },
    exercises=EXERCISES,
    own=own,
)
