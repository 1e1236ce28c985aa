"""Lesson 11, quorums: who may decide while some cannot be reached.

The surprising part is an even number: a fourth node makes three of four needed, and is
one more that may fail, so a majority is there for less of the time.
"""

from hamodel import course as kit
from hamodel import duration, quorum
from hamodel.quorum import Quorum, older_than
from hamodel.units import MINUTE, MS, YEAR
from lessons.votes import (
    FIVE,
    FOUR,
    LAYOUTS,
    PLACES,
    SIZE,
    SPREAD,
    THREE,
    TWO,
    members,
    model,
    picture,
    sentence,
)


def minutes(nodes, down=0.01, needed=None):
    """Return the minutes of a year without a majority, or without so many nodes."""
    needed = quorum.majority(nodes) if needed is None else needed
    return quorum.unavailability(needed, [down] * nodes) * YEAR / MINUTE


# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return the minutes a year without a majority of four, and of two."""
    return {"four": minutes(4), "two": minutes(2)}


VIEWS = kit.views(
    """
    two are safer than one: You let two nodes stand in for each other: {g.two:,g}
      minutes. Both must agree, so either of them stops both: {t.two:,.0f}.
    one more is safer: You expected the fourth node to help: {g.four:g} minutes. It
      raises the majority to three, and two of four fail more easily than two of three:
      {t.four:.0f}.
    four is as good as three: You let the fourth change nothing. Four bear one loss, as
      three do, but there are six pairs that may fail together, not three.
    an even number is the worse: You said {g.four:,g} and {g.two:,g}; it is {t.four:.0f}
      and {t.two:,.0f}. A node that raises the majority does not help.
    """,
    (lambda g, _: g["two"] < 5000, {"four": 300, "two": 53}),
    (lambda g, _: g["four"] < 120, {"four": 10, "two": 10_000}),
    (lambda g, _: 120 <= g["four"] <= 200, {"four": 157, "two": 10_000}),
    (lambda *_: True, {"four": 300, "two": 10_000}),
)

# ---- the exercises -----------------------------------------------------------------

EXERCISES = (
    kit.exercise(
        """a number of nodes
        right: Two and four overlap in one of five at least. The writes pay: they bear
          one loss only.
        hint: Could all that a read asks be among those that a write left out?
        then: R + W must be more than N.
        one: A write leaves one node out. What if the read asks that one?
        a majority: That works, but fewer are enough.
        all: That meets every write, but so do fewer.
        """,
        lambda: 2,
        1,
        3,
        5,
        same=kit.number(1e-6),
    ),
    kit.exercise(
        """a number of minutes a year
        right: Five good nodes hardly ever lose three at once, as long as they fail
          alone.
        hint: How many of five must be down, and in how many ways can that be?
        then: `quorum.unavailability` takes how many are needed, and a list of five.
        one in five: That is when any of them is down. A majority is still there.
        two down: That is when two are down. Three are left, and three are enough.
        three: That is with three nodes.
        """,
        lambda: minutes(5, 0.002),
        lambda: minutes(5, 0.002, needed=5),
        lambda: minutes(5, 0.002, needed=4),
        lambda: minutes(3, 0.002),
    ),
    kit.exercise(
        """a number of milliseconds
        right: Waiting for all means waiting for the slowest, always.
        hint: First wait for the first of three, then of two, then of one.
        then: The first of k equal exponentials takes a k-th of a mean.
        a mean: That is one node. You wait for the slowest of three.
        the sum: That asks them one after the other.
        two of three: That is when two have answered.
        the fastest: That is the first of three.
        """,
        lambda: quorum.latency([duration.exponential(12 * MS)] * 3, 3).mean / MS,
        12,
        36,
        10,
        4,
    ),
    kit.exercise(
        """a probability
        right: Both nodes of the read must be among the three that the write left out.
        hint: Three of five do not have it. How likely are both of yours among them?
        then: Draw one node, then another out of those that are left.
        the same node twice: You may ask the same node twice. The second is one of four.
        one node: That is when you ask one node.
        """,
        lambda: older_than(Quorum(replicas=5, read=2, write=2)),
        (3 / 5) ** 2,
        3 / 5,
    ),
    kit.exercise(
        """a function of the number of nodes
        right: Two more nodes bear one more loss. A single one more bears nothing.
        hint: How many make a majority? The rest may be away.
        then: A majority is half, rounded down, and one more.
        half: Half of four is two. Are the other two a majority?
        the majority: That is how many must stay.
        all but one: One alone may not decide.
        """,
        lambda: lambda nodes: nodes - quorum.majority(nodes),
        lambda: lambda nodes: nodes // 2,
        lambda: lambda nodes: nodes // 2 + 1,
        lambda: lambda nodes: nodes - 1,
        same=kit.function([1], [2], [3], [4], [5], [6], [7]),
    ),
)


def own(nodes, down_minutes):
    """Return the minutes a year without a majority, as it is and with one more."""
    if nodes != int(nodes) or nodes < 1:
        raise ValueError("nodes must be a whole number, at least 1")
    share = down_minutes / (YEAR / MINUTE)
    if not 0 < share < 1:
        raise ValueError("one node's minutes a year must be above 0 and below 525,600")
    now, more = (minutes(int(nodes) + extra, share) for extra in (0, 1))
    return {"minutes a year": now, "with one more": more}


# ---- the lesson --------------------------------------------------------------------


def there(layout):
    """Return the sites and nodes of a layout: only these can be pressed."""
    return [*(f"site {s}" for s in "abc"[: len(LAYOUTS[layout])]), *members(layout)]


lesson = kit.Lesson(
    number="11",
    recall=kit.recall(
        """
        Lesson 10: which rule does no merge of two copies keep?
        + a balance above zero: It needs both sites at the time of the write.
        - the sum of all sales: A counter that merges keeps it.
        Lesson 05: why is the old primary fenced before another is promoted?
        + it may still write: Then there would be two, each sure of itself.
        - to repair it: The repair can wait; two primaries cannot.
        """
    ),
    guess={
        "question": "Each node is up 99 % of the time. One alone is down 5,256 minutes "
        "a year. Of three, two must agree, and there are too few for 157 minutes. Now "
        "four, of which three must agree. And two, of which both must: for how many "
        "minutes a year are too few there?",
        "fields": kit.sliders(
            four=("Three of four (min/yr)", kit.decades(1, 20_000)),
            two=("Both of two (min/yr)", kit.decades(1, 20_000)),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "Who may decide, and for how long can nobody?",
        "controls": {
            "gone": kit.Boxes(
                label="Away",
                places=PLACES,
                size=SIZE,
                call="Press a node, or the name of a site, to take it away",
                acts=("Take away", "Return"),
                states=("away", "there"),
            ),
            "layout": kit.Choice(label="Layout", options=tuple(LAYOUTS), start=THREE),
            **kit.sliders(
                read=("A read asks (nodes)", range(1, 6), 2),
                write=("A write waits for (nodes)", range(1, 6), 2),
            ),
            "sample": kit.Again(label="New election", most=12),
        },
        "model": model,
        "picture": picture,
        "size": SIZE,
        "describe": sentence,
        "before": "Three nodes at three sites. Take the layout apart once you have "
        "guessed; below, the bars will say for how long too few are there.",
        "after": {"layout": FOUR},
        "presets": {
            "Three": {"layout": THREE},
            "Two": {"layout": TWO},
            "Four": {"layout": FOUR},
            "Five, two sites": {"layout": FIVE},
            "Five, three sites": {"layout": SPREAD},
            "Lose site a": {"gone": ("site a",)},
            "R = W = 1": {"read": 1, "write": 1},
        },
        "objectives": {
            "a leader although a site is away": lambda _, f: (
                f.majority <= len(f.left) < len(f.nodes)
                and len({n[0] for n in f.left}) < len({n[0] for n in f.nodes})
            ),
            "a split vote": lambda _, f: len(f.left) >= f.majority > f.votes,
        },
        "seconds": 8,
        "steps": 10,
        "offers": {"gone": ("layout", there)},
    },
    exercises=EXERCISES,
    own=own,
)
