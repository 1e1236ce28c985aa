"""Lesson 00, start here: self-test, key to the colours, practice, quiz, diagram.

The self-test computes one number of lesson 04, so it fails where any part is broken.
"""

import sys
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec

from hamodel import course as kit
from hamodel import plots, structure
from hamodel.units import DAY, HOUR, MINUTE, YEAR

#: The path of a request through the ticket shop; only what the diagram draws.
SHOP = "client > balancer > any(app1, app2, app3) > database"
_NEEDED = ("numpy", "scipy", "sympy", "matplotlib", "ipywidgets")


# ---- the self-test -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SelfTest:
    """What was looked at, whether it is well, and what to do if not."""

    lines: tuple[tuple[bool, str, str], ...]

    @property
    def passed(self) -> bool:
        return all(good for good, _, _ in self.lines)

    def __repr__(self) -> str:
        return "\n".join(
            f"{'✓' if good else '✗'} {what}" + ("" if good else f": {remedy}")
            for good, what, remedy in self.lines
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def self_test(needed=_NEEDED):
    """Look whether everything that the course needs is here, and say what to do if not.

    >>> self_test().passed
    True
    """
    again = "stop, run `make lab` in the folder of the course, and open this again"
    lines = [(sys.version_info >= (3, 11), "Python 3.11 or newer", again)]
    lines += [(find_spec(name) is not None, name, again) for name in needed]
    if all(good for good, _, _ in lines):
        minutes = _reference_minutes()
        wrong = f"it answers {minutes}; reinstall with `make lab`"
        lines.append((abs(minutes - 16.817) < 1e-3, "a model answers rightly", wrong))
    return SelfTest(tuple(lines))


def _reference_minutes():
    """Return a number that was worked out by hand too: the pair of lesson 04."""
    from hamodel.architectures import ActivePassive, Node
    from hamodel.failover import Failover

    pair = ActivePassive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=Failover(promotion=30, coverage=0.99),
    )
    return float(pair.minutes_per_year)


# ---- pictures ----------------------------------------------------------------------


def key():
    """Return the key to colours and patterns: a swatch for each meaning."""
    sheet = kit.Sheet(640, 100)
    for place, meaning in enumerate(plots.LOOKS):
        column, row = divmod(place, 3)
        x, y = 12 + 212 * column, 8 + 30 * row
        sheet.rect((x, y, 40, 20), meaning)
        sheet.text((x + 50, y + 15), meaning)
    listed = ", ".join(plots.LOOKS)
    return kit.Drawn(
        sheet.svg(),
        f"{len(plots.LOOKS)} swatches, each with a colour and a pattern of its "
        f"own: {listed}.",
    )


def shop():
    return structure.parse(SHOP)


def diagram():
    """Return the opening diagram, with no box marked: what is weak is for lesson 02."""
    alt = "The ticket shop: a client reaches a load balancer, which spreads requests "
    alt += "over 3 app servers; all of them use 1 primary database."
    return kit.diagram(shop(), alt, marked=False)


# ---- practice ----------------------------------------------------------------------


VIEWS = kit.views(
    """
    one nine too many: Those are the minutes of 99.99 %: one nine too many.
    close: Close. It is nearly nine hours, in one piece or in many.
    anything else: You said {g.minutes:,g} minutes; it is {t.minutes:,.0f}, nearly nine
      hours, in one piece or in many.
    """,
    (lambda g, t: kit.near(g["minutes"], t["minutes"] / 10), {"minutes": 52}),
    (lambda g, t: kit.near(g["minutes"], t["minutes"], 0.25), {"minutes": 500}),
    (lambda *_: True, {"minutes": 100}),
)


def prediction():
    """Return a prediction to practise on: minutes of downtime a year at 99.9 %."""
    return kit.Prediction(
        key="00 three nines",
        question="A service is up 99.9 % of the time. How long is it down in a year?",
        fields=kit.sliders(minutes=("Down (min a year)", tuple(range(0, 1001, 20)))),
        truth=lambda: {"minutes": 1e-3 * YEAR / MINUTE},
        views=VIEWS,
    )


practice_exercise = kit.exercise(
    """a number of minutes a day
    right: A minute and a half a day is all that three nines allow.
    hint: One thousandth of a day may be downtime. How many minutes has a day?
    hours: That is in hours.
    time up: That is how long the service is up.
    one per cent: Ten times too much: 99.9 % leaves a thousandth, not a hundredth.
    """,
    lambda: 1e-3 * DAY / MINUTE,
    lambda: 1e-3 * DAY / HOUR,
    lambda: (1 - 1e-3) * DAY / MINUTE,
    lambda: 1e-2 * DAY / MINUTE,
)


# ---- quizzes -----------------------------------------------------------------------


def first_purchase():
    """Return the opening question, whose answer lesson 13 shows again."""
    options = {
        "the load balancer": "Few choose it. Lesson 02 tells whether more should.",
        "the app server": "There are three already. Lesson 03 counts a fourth.",
        "the database": "The usual answer. Lesson 04 shows what comes with it.",
        "none of them yet": "Cautious. Lesson 01 shows what waiting costs.",
    }
    asked = "You have the money for one more box. Which would you buy a second one of?"
    return kit.Quiz(
        title="Before you know better",
        questions=[kit.Question(text=asked, right="", options=options)],
        key="00 first purchase",
    )


def quiz():
    return kit.Quiz(title="Six short questions", questions=_QUESTIONS)


_QUESTIONS = (
    kit.Question(
        text="Two machines fail independently; each is down 1 % of the time. How often "
        "are both down at once?",
        right="0.01 % of the time",
        options={
            "0.01 % of the time": "They multiply, if independent: 0.01 times 0.01.",
            "0.5 % of the time": "Averages do not help here. Multiply.",
            "2 % of the time": "That is, nearly, how often at least one is down.",
        },
    ),
    kit.Question(
        text="A request needs both of two boxes, each up 99 % of the time. How often "
        "does it succeed?",
        right="about 98 %",
        options={
            "99 %": "A chain is weaker than its links: either box may be down.",
            "about 98 %": "0.99 times 0.99 is 0.9801. For small numbers, add the gaps.",
            "99.99 %": "That would be so if either box were enough.",
        },
    ),
    kit.Question(
        text="A node fails once in 2,000 hours on average. How often in a year?",
        right="about 4 times",
        options={
            "once in about 4 years": "Upside down: a year has more hours than that.",
            "about 4 times": "A year has 8,760 hours. A rate is one over a mean time.",
            "it cannot be said": "Not when, true; but how often on average, yes.",
        },
    ),
    kit.Question(
        text="Failures come at random at a constant rate, once in 1,000 hours. A node "
        "has run for 900 hours. How long until it fails, on average?",
        right="1,000 hours",
        options={
            "100 hours": "It does not age: at a constant rate the past is forgotten.",
            "1,000 hours": "The exponential distribution has no memory.",
            "1,900 hours": "Having survived is no merit either; the past is forgotten.",
        },
    ),
    kit.Question(
        text="The 99th percentile of the response time is 200 ms. What does that say?",
        right="one request in a hundred takes longer",
        options={
            "the slowest take 200 ms": "The slowest one in a hundred take longer.",
            "they take 200 ms on average": "The mean may be far from a percentile.",
            "one request in a hundred takes longer": "And a page with a hundred "
            "requests meets one of these most of the time.",
        },
    ),
    kit.Question(
        text="In Python, with NumPy as np: what is 1 - np.array([0.9, 0.99])?",
        right="an array of 0.1 and 0.01",
        options={
            "an array of 0.1 and 0.01": "Arithmetic goes through arrays element by "
            "element, so one formula answers for a thousand settings.",
            "an error": "A number and an array do mix: it is applied to each element.",
            "-0.89": "Nothing is summed unless you ask for it.",
        },
    ),
)
