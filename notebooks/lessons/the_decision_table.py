"""Lesson 13, the decision table: eight rows, each an inequality, six designs.

The surprising part is how little of the choice is a matter of taste: limits exclude,
and each row turns at a number that can be said beforehand.
"""

from hamodel import course as kit
from hamodel import text
from lessons.classic_text import standing
from lessons.designs import (
    ACTIVE,
    BRIEFS,
    BUDGETS,
    DESIGNS,
    LEADERLESS,
    LEVELS,
    LOSSES,
    MAJORITY,
    ONE,
    PAIR,
    RECOVERIES,
    ROWS,
    SHARES,
    SHOP,
    WAITING,
    kept,
    laxness,
    model,
)

# ---- the picture: eight sieves, six designs that fall through ----------------------

HEADS = (
    ("one", "primary"),
    ("pair,", "async"),
    ("pair,", "waiting"),
    ("active-", "active"),
    ("", "majority"),
    ("leader-", "less"),
)
LEFT, WIDE, TOP, HIGH = 152, 81, 38, 31


def picture(sheet, values, found, guess):
    """Draw the rows with their limits, the cells, and each design's fall."""
    foot = TOP + HIGH * len(ROWS)
    missed, winner = found.missed, found.winner
    for k, row in enumerate(ROWS):
        y = TOP + HIGH * k
        lit = sheet.known and any(row in m for m in missed.values())
        sheet.line([(0, y), (640, y)], "faint", weight=0.8, role="ground")
        if lit:
            sheet.rect((0, y + 3, 5, HIGH - 6), "orange", weight=0)
        said = f"{row.name} · {row.lesson}"
        sheet.text((10, y + 13), said, size=12, bold=lit)
        sheet.text((10, y + 27), row.asks(values), size=11.5, colour="grey")
    sheet.line([(0, foot), (640, foot)], "faint", weight=0.8, role="ground")
    for c, (name, (first, second)) in enumerate(zip(DESIGNS, HEADS, strict=True)):
        x = LEFT + WIDE * c
        chosen = sheet.known and name == winner
        sheet.text((x, 15), first, size=12.5, bold=chosen)
        sheet.text((x, 31), second, size=12.5, bold=chosen)
        if chosen:
            box = (x - 6, 1, WIDE - 1, foot + 22)
            sheet.rect(box, stroke="green", weight=2.5, role="ground")
            sheet.text((x, foot + 17), "✓ chosen", size=12, bold=True)
        for k, row in enumerate(ROWS):
            _cell(sheet, (x, TOP + HIGH * k + 20), row, found.table[name], missed[name])
        if sheet.known:
            _fall(sheet, x + WIDE - 16, missed[name])
    if guess:
        words = f"you: {guess['rows']:g} rows stand; strong up to {guess['turns']:g} ms"
        sheet.text((10, foot + 40), words, size=12, colour="grey")


def _cell(sheet, at, row, numbers, missed):
    if not sheet.known:
        sheet.text(at, "?", size=12, colour="grey")
    elif row in missed:
        sheet.text(at, f"✗ {row.cell(numbers)}", size=11, colour="red", bold=True)
    else:
        sheet.text(at, row.cell(numbers), size=11.5)


def _fall(sheet, x, missed):
    stop = ROWS.index(missed[0]) if missed else len(ROWS)
    pace = 0.8 * sheet.seconds / (len(ROWS) + 1)
    keys = [(0, 0, 0, 1)]
    for k in range(stop + 1):
        keys.append(((k + 1) * pace, 0, 40 + HIGH * k, 1))
    keys.append((sheet.seconds, *keys[-1][1:]))
    with sheet.moving(keys):
        sheet.circle((x, 12), 5.5, "red" if missed else "green", weight=0.8)


def sentence(values, found):  # noqa: ARG001
    row, excluded = found.strictest
    if found.winner is None:
        return (
            f"None of 6 designs keeps every limit. The strictest row is {row.name}: it "
            f"excludes {excluded}."
        )
    k, turn = found.table[found.winner], found.turn
    more = (
        f" From a round trip of {turn[0]:.1f} ms on it is {turn[1] or 'nobody'}."
        if turn
        else ""
    )
    left = len(found.within)
    return (
        f"Chosen: {found.winner}, {k.nodes:g} node{'s' * (k.nodes > 1)}, down "
        f"{text.short(k.minutes)} minutes a year; {left} of 6 keep{'s' * (left == 1)} "
        f"every limit.{more}"
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return how many rows stand, and the ms up to which a design is strong."""
    strong = [k.turn for k in kept(20, "10 %").values() if not laxness(k)]
    return {"rows": standing(), "turns": max(t for t in strong if t < float("inf"))}


VIEWS = kit.views(
    """
    the table stands: You trusted {g.rows:g} rows. {t.rows:g} stand as they are written;
      the others want a condition, or fail.
    the table is worth nothing: You threw all of it away. {t.rows:g} rows stand, and
      most of the others do once a condition is added.
    one crossing: You let a strong write cross once. It goes to the one who decides, and
      he asks another before he answers: twice. So {t.turns:.1f} ms is the end.
    three crossings: You counted a third crossing. There and back to the one who
      decides, there and back to another copy: two round trips.
    conditions decide: You said {g.rows:g} rows and {g.turns:g} ms; it is {t.rows:g} and
      {t.turns:.1f}. The table has moved there: play it.
    """,
    (lambda g, _: g["rows"] >= 7, {"rows": 8, "turns": 50}),
    (lambda g, _: g["rows"] == 0, {"rows": 0, "turns": 50}),
    (lambda g, _: g["turns"] >= 100, {"rows": 3, "turns": 120}),
    (lambda g, t: kit.near(g["turns"], t["turns"] * 2 / 3), {"rows": 3, "turns": 38}),
    (lambda *_: True, {"rows": 3, "turns": 50}),
)

# ---- the exercises -----------------------------------------------------------------

WHY = {  # what is wrong with a design where it is wrong
    ONE: "One node is down for 18 hours a year, and its recovery is a repair.",
    PAIR: "Look at its rows again: which of them has a cross at this brief?",
    WAITING: "It costs three nodes. Is there another that is as strict, and down less?",
    ACTIVE: "Two nodes that both write: may two writes clash here, and can the "
    "survivor carry what is asked?",
    MAJORITY: "It keeps more than this brief asks for. What does that cost, and where?",
    LEADERLESS: "Three copies, any of which takes a write. Does this brief need the "
    "third, and may writes clash?",
}


def brief(name, chosen, said):
    """Return the exercise of a brief; a test holds who is chosen against the table."""
    wrong = [design for design in WHY if design != chosen]
    hints = "\n".join(f"{design}: {WHY[design]}" for design in wrong)
    return kit.exercise(
        f"one of {', '.join(DESIGNS)}\n{said}\nthen: Press the preset of the brief and "
        f"read the crosses, column by column.\n{hints}",
        lambda: model(**BRIEFS[name]).winner,
        *wrong,
        same=kit.word(*DESIGNS),
    )


def far_end(level):
    """Return the round trip in ms up to which the cart keeps its limits at a level."""
    lax = LEVELS[level]
    table = kept(80, BRIEFS["Cart"]["share"])
    left = [k for n, k in table.items() if laxness(k) <= lax and n != ONE]
    return max(k.turn for k in left)


def front(budget):
    return min(k.minutes for k in kept(20, "10 %").values() if k.nodes <= budget)


def dearest(budget):
    return max(
        (k.nodes, k.minutes) for k in kept(20, "10 %").values() if k.nodes <= budget
    )[1]


def exactly(budget):
    found = [k.minutes for k in kept(20, "10 %").values() if k.nodes == budget]
    return min(found, default=front(1))


EXERCISES = (
    brief(
        "Bank ledger",
        MAJORITY,
        "right: Nothing lost, nothing stale, no conflict, whatever fails. The waiting "
        "pair comes near.\n"
        "hint: Begin with the row that excludes most.",
    ),
    brief(
        "Social feed",
        LEADERLESS,
        "right: A far reader must not wait, and the load trebles: reads have to spread "
        "over more than one survivor.\n"
        "hint: 150 ms a crossing: which designs write without any? Then look at the "
        "load.",
    ),
    brief(
        "Cart",
        ACTIVE,
        "right: It writes at home, recovers soon enough, and costs two nodes.\n"
        "hint: More than half of the requests write, from 80 ms away. Who may not "
        "cross twice, and who recovers in time?",
    ),
    kit.exercise(
        """a number of milliseconds
        right: One crossing, and what is left of 120 ms for the queue at the primary.
        hint: Which design writes without conflicts and crosses once?
        then: `kept(80, '60 %')['pair']` knows `local` and `crossings`.
        nothing but the way: The write also has to be done: what does that take in a
          hundredth of the cases?
        strong: That is where nothing *strong* is left. Here reads may be behind.
        the usual share of writes: That is at 10 % of writes. The cart writes more, and
          waits longer.
        """,
        lambda: far_end("no conflicts"),
        120,
        lambda: far_end("strong"),
        lambda: kept(80, "10 %")[PAIR].turn,
    ),
    kit.exercise(
        """a function of a number of nodes
        right: A front in one line: what money can buy, and no weights.
        hint: Of the designs that cost at most so much, take the fewest minutes.
        then: `kept(20, '10 %')` has a row for each, with `nodes` and `minutes`.
        the dearest: The dearest that fits need not be the best.
        no budget: The budget does not reach the choice.
        exactly the budget: You asked for designs that cost exactly so much. A budget is
          a limit.
        """,
        lambda: front,
        lambda: dearest,
        lambda: lambda _: front(9),
        lambda: exactly,
        same=kit.function([1], [2], [3], [2.5]),
    ),
)


def own(minutes, nodes, trip):
    """Return what the table chooses for one's own limits, and its minutes a year."""
    if minutes <= 0 or nodes < 1 or trip <= 0:
        raise ValueError("minutes and round trip must be above 0, and nodes at least 1")
    buys = list(BUDGETS)[min(int(nodes), len(BUDGETS)) - 1]
    asks = {**SHOP, "downtime": minutes, "budget": buys, "trip": trip}
    found = model(**asks)
    if found.winner is None:
        row, excluded = found.strictest
        raise ValueError(f"no design keeps that: {row.name} excludes {excluded} of 6")
    return {f"{found.winner}, minutes a year": found.table[found.winner].minutes}


# ---- the lesson --------------------------------------------------------------------

DOWNTIMES = (5, 10, 13, 15, 18, 20, 25, 30, 40, 52.6, 100, 200, 525.6, 1000, 2000)
lesson = kit.Lesson(
    number="13",
    recall=kit.recall(
        """
        Lesson 04: what makes a pair of databases reach four nines?
        + failovers that work: Being sure beats being fast.
        - two sites that write: Nobody needs a second writer for that.
        Lesson 07: what does a commit buy that waits for the standby?
        + a crash loses nothing: And readers are hardly any fresher.
        - fresh reads: Received is not visible.
        """
    ),
    guess={
        "question": "The classic table has eight rows. How many of them stand as they "
        "are written, with no condition added? And let 99 in 100 writes be done within "
        "120 ms, wherever they come from: up to which round trip between the sites "
        "can a design be strong, that is, lose nothing, show nothing old and have no "
        "conflict?",
        "fields": kit.sliders(
            rows=("Rows that stand (of 8)", range(9)),
            turns=("Strong up to (ms)", (*range(1, 10), *range(10, 201, 2))),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "Which design is left, and which row decides?",
        "controls": {
            **kit.sliders(
                downtime=("Downtime (min a year)", DOWNTIMES, SHOP["downtime"]),
                trip=("Round trip (ms)", kit.decades(1, 300), SHOP["trip"]),
                growth=(
                    "Load grows to (times)",
                    (1, 1.2, 1.5, 1.7, 2, 2.5, 3, 4),
                    SHOP["growth"],
                ),
            ),
            "budget": kit.Choice(
                label="Budget", options=tuple(BUDGETS), start=SHOP["budget"]
            ),
            "recovery": kit.Choice(
                label="RTO", options=tuple(RECOVERIES), start=SHOP["recovery"]
            ),
            "loss": kit.Choice(label="RPO", options=tuple(LOSSES), start=SHOP["loss"]),
            "consistency": kit.Choice(
                label="Consistency", options=tuple(LEVELS), start=SHOP["consistency"]
            ),
            "share": kit.Choice(label="Writes", options=SHARES, start=SHOP["share"]),
        },
        "model": model,
        "picture": picture,
        "size": (640, 334),
        "describe": sentence,
        "before": "Eight rows, six designs, and what the shop asks for. The numbers in "
        "the cells, and who is left, show once you have guessed.",
        "after": {"consistency": "strong", "loss": "nothing"},
        "presets": {**BRIEFS, "Farther": {"trip": 70}, "Five nines": {"downtime": 5}},
        "objectives": {
            "one primary wins": lambda _, c: c.winner == ONE,
            "leaderless wins": lambda _, c: c.winner == LEADERLESS,
        },
        "seconds": 10,
        "steps": 10,
    },
    exercises=EXERCISES,
    own=own,
)
