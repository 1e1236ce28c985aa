"""Lesson 10, conflicts: two sites write one key, and neither has heard of the other.

The surprising part is that perfect clocks do not help: last write wins keeps one of two
rivals and throws an acknowledged write away, however well it knows which was later.
"""

from hamodel import course as kit
from hamodel.conflicts import concurrency, last_write_wins
from hamodel.course import slips
from hamodel.units import DAY, MS
from lessons.replicas import compare
from lessons.space_time import (
    COUNTER,
    LAST,
    ROWS,
    RULES,
    SLOTS,
    TIMES,
    VECTOR,
    model,
    picture,
    sentence,
)

# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return the percentage with a rival at 10/s, and the writes lost a day at 1/s."""
    found = model((), 40, 0, LAST)
    return {"busy": 100 * found.rivals(10), "lost": found.lost(1) * DAY}


VIEWS = kit.views(
    """
    perfect clocks lose nothing: You trusted the clocks: {g.lost:g} lost. They only tell
      which of two rivals came first; the rule throws that one away. {t.lost:,.0f} a
      day.
    milliseconds are short: You said {g.busy:g} %: 80 ms look like nothing. At ten
      writes a second they hold 0.8 rivals on average; {t.busy:.0f} % have some.
    a mean for a chance: You multiplied 10 by 0.08. That is how many rivals a write has
      on average; some have two or three, so fewer writes have any.
    one way only: You took the 40 ms after a write. The 40 ms before it count as well:
      news of that rival had not arrived.
    both rivals are lost: You counted every write that has a rival. Of two rivals one
      stays: half.
    a window and a coin: You said {g.busy:g} % and {g.lost:,g} a day; it is {t.busy:.0f}
      % and {t.lost:,.0f}. The window of 80 ms sets both, not the clocks.
    """,
    (lambda g, _: g["lost"] < 100, {"busy": 40, "lost": 0}),
    (lambda g, _: g["busy"] <= 15, {"busy": 5, "lost": 3000}),
    (lambda g, _: 76 <= g["busy"] <= 84, {"busy": 80, "lost": 3000}),
    (lambda g, _: 31 <= g["busy"] <= 35, {"busy": 33, "lost": 3000}),
    (lambda g, t: kit.near(g["lost"], 2 * t["lost"]), {"busy": 50, "lost": 13_000}),
    (lambda *_: True, {"busy": 50, "lost": 5000}),
)

# ---- the exercises -----------------------------------------------------------------

PAIRS = (((2, 1), (1, 1)), ((2, 1), (1, 2)), ((0, 3), (1, 3)), ((4, 0), (0, 4)))


def _relations(swap=0):
    return [compare(*(pair[::-1] if swap else pair)) for pair in PAIRS]


def _words(answer, other):
    given = [str(word).strip().lower() for word in answer]
    for word in given:
        if word not in ("before", "after", "equal", "concurrent"):
            raise slips.Slip(f"{word!r} is none of before, after, equal, concurrent.")
    return given == list(other)


def _skewed(delay=0.040, ahead=0.100):
    return last_write_wins([1, 1], delay, [0, ahead]).lost * DAY


CARTS = [
    ({("tea", 1)}, set(), {("tea", 1), ("tea", 2)}, set()),
    ({("tea", 1), ("jam", 1)}, {("tea", 1)}, {("tea", 1)}, set()),
    ({("tea", 1)}, {("tea", 1)}, {("tea", 1), ("tea", 2)}, set()),
    ({("jam", 1)}, set(), {("tea", 1)}, {("tea", 1)}),
]


def _carts(answer, other):
    """Compare two merges of carts by what they make of some carts."""
    if not callable(answer):
        raise TypeError(f"{answer!r} is not a function")
    for a, gone_a, b, gone_b in CARTS:
        states = [tuple(map(frozenset, s)) for s in ((a, gone_a), (b, gone_b))]
        try:
            given = answer(*states)
        except Exception as error:
            raise slips.Slip(f"Your function stops: {error}.") from error
        if given is None:
            raise slips.Slip("Your function returns nothing: is there a `return`?")
        if tuple(map(frozenset, given)) != tuple(map(frozenset, other(*states))):
            return False
    return True


def merge_carts(a, b):
    """Merge two carts, each the tags that were added and those that were removed."""
    return a[0] | b[0], a[1] | b[1]


EXERCISES = (
    kit.exercise(
        """a list of four words, each before, after, equal or concurrent
        right: Two of the pairs are rivals: each has seen what the other has not.
        hint: Is one clock at least as large in both places? It has seen the other.
        then: Write seen or not seen for each place. Both ways not seen: concurrent.
        the sums: You added the counts up. A sum forgets who wrote; compare place by
          place.
        the other way round: You said how the second stands to the first.
        """,
        _relations,
        ["after", "equal", "before", "equal"],
        lambda: _relations(swap=1),
        same=_words,
    ),
    kit.exercise(
        """a number of writes a day
        right: DC-2 loses nothing, DC-1 all the more. Its users read a value, change it,
          and the change never happened.
        hint: For how long after a write at DC-1 does a write at DC-2 beat it? And for
          how long before it?
        then: A write at DC-2 beats one of DC-1 if it came up to 100 ms before it, or up
          to 40 ms after.
        perfect clocks: That is with right clocks.
        only what is not read: You stopped at the 40 ms that news needs. With so fast a
          clock even an author who has read the rival loses to it.
        a mean: That is the mean number of rivals; two rivals lose a write only once.
        both sites: You let DC-2 lose as well. Its clock is ahead: can DC-1 beat it?
        """,
        _skewed,
        lambda: _skewed(ahead=0),
        lambda: _skewed(ahead=0.040),
        lambda: 0.14 * DAY,
        lambda: 2 * _skewed(),
    ),
    kit.exercise(
        """a function of two carts, each a pair of sets, that returns a pair
        right: Both unions: associative, commutative and idempotent, since unions are. A
          tag that nobody had seen cannot have been removed.
        hint: What each cart knows must survive: additions and removals.
        then: The additions of both, and the removals of both: what joins two sets?
        removals of one side: What the second cart has removed comes back.
        only what both removed: A removal that only one side knows of is forgotten.
        removed at once: Right for now, but a tag once known must stay known: otherwise
          merging a cart with itself changes it.
        """,
        lambda: merge_carts,
        lambda: lambda a, b: (a[0] | b[0], a[1]),
        lambda: lambda a, b: (a[0] | b[0], a[1] & b[1]),
        lambda: lambda a, b: ((a[0] | b[0]) - a[1] - b[1], a[1] | b[1]),
        same=_carts,
    ),
    kit.exercise(
        """a number of seats
        right: Each site sees ten left and sells ten. The merge is perfect, and so is
          the overselling.
        hint: What does each site see while it is cut off?
        then: Add up what all three sell before they hear of each other.
        the counter refuses: Who would refuse? Each site knows of its own sales only.
        only too many: That is how many too many. How many in all?
        """,
        lambda: 30,
        10,
        20,
        same=kit.number(1e-6),
    ),
    kit.exercise(
        """a share between 0 and 1
        right: A key should live where its writers are. Nothing can conflict then.
        hint: A write at home takes 1 ms, any other 81. What is their mean?
        then: Write the mean with a share p at home, and solve it for p.
        the local time forgotten: A write from afar takes its 80 ms *and* the 1 ms at
          home.
        the far ones: That is the share made elsewhere.
        """,
        lambda: 1 - (10 - 1) / 80,
        1 - 10 / 80,
        (10 - 1) / 80,
        same=kit.number(2e-3),
    ),
)


def own(writes, round_trip):
    """Return how often the hottest key clashes: writes a second and site, and ms."""
    if writes <= 0 or round_trip <= 0:
        raise ValueError("writes a second and the round trip must be above 0")
    delay = round_trip / 2 * MS
    share = concurrency([writes, writes], delay).share
    lost = last_write_wins([writes, writes], delay).lost
    return {"% with a rival": 100 * share, "lost a day": lost * DAY}


# ---- the lesson --------------------------------------------------------------------

RIVALS = ("DC-1 at 60 ms", "DC-2 at 90 ms")
PLACES = {
    name: (TIMES(at) - 22, ROWS[site] - 22, 44, 44)
    for name, (site, at) in SLOTS.items()
}
SIZE = (640, 340)
lesson = kit.Lesson(
    number="10",
    recall=kit.recall(
        """
        Lesson 07: a commit that waits for the standby takes 82.8 ms there and back. How
          often a second can one row change?
        + 12 times: One update begins when the one before is committed.
        - as often as you like: Other rows may; this one waits for its turn.
        Lesson 05: two nodes both take writes as primary. What is that called?
        + split brain: And here it is the plan.
        - a switchover: That is a planned failover, with one primary at a time.
        """
    ),
    guess={
        "question": "Both sites write one key, ten times a second each, and news takes "
        "40 ms from one to the other. How many of 100 writes have a rival, a write of "
        "the other site that knew nothing of it, nor it of that? And at one write a "
        "second each, with perfect clocks: how many acknowledged writes does last "
        "write wins throw away in a day?",
        "fields": kit.sliders(
            busy=("Have a rival at 10/s (%)", tuple(range(101))),
            lost=("Lost a day at 1/s (writes)", (0, *kit.decades(1, 200_000))),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "Which write wins, and what becomes of the others?",
        "controls": {
            "writes": kit.Boxes(
                label="Writes",
                places=PLACES,
                size=SIZE,
                start=RIVALS,
                call="Press a ring on a line to write there",
                acts=("Write", "Erase"),
                states=("written", "empty"),
            ),
            **kit.sliders(
                delay=(
                    "News takes (ms)",
                    (1, 5, 10, 20, 30, 40, 50, 60, 80, 100, 120, 150),
                    40,
                ),
                ahead=("DC-2's clock is ahead (ms)", tuple(range(-150, 151, 10)), 0),
            ),
            "rule": kit.Choice(label="Rule", options=RULES, start=LAST),
        },
        "model": model,
        "picture": picture,
        "size": SIZE,
        "describe": sentence,
        "before": "Two writes, and news of each on its way to the other site. What "
        "becomes of them, and how often it happens, shows once you have guessed.",
        "presets": {
            "Two rivals": {"writes": RIVALS},
            "B has read A": {"writes": ("DC-1 at 0 ms", "DC-2 at 90 ms")},
            "DC-2 50 ms behind": {"ahead": -50},
            "DC-2 100 ms behind": {"ahead": -100},
            "All six": {"writes": tuple(SLOTS)},
            "Vector clocks": {"rule": VECTOR},
            "Counter": {"rule": COUNTER},
        },
        "objectives": {
            "the later of two writes is lost": lambda v, f: (
                v["rule"] == LAST and len(f.history.writes) == 2 and 1 in f.history.lost
            ),
            "all six are kept by last write wins": lambda v, f: (
                v["rule"] == LAST and len(f.history.writes) == 6 and not f.history.lost
            ),
        },
        "seconds": 8,
        "steps": 10,
    },
    exercises=EXERCISES,
    own=own,
)
