"""Lesson 07, what a crash takes: three modes, and who pays for waiting.

The surprising part is what waiting buys: nothing lost, and hardly a fresher read.
"""

from __future__ import annotations

import math
from dataclasses import replace

from hamodel import course as kit
from hamodel import text
from hamodel.course import number
from hamodel.replication import Replication
from hamodel.units import MINUTE, MS, YEAR
from lessons.copies import (
    AWAY,
    CONTROLS,
    FAR,
    NEAR,
    PLANS,
    REPLAY,
    SENDER,
    draw_writes,
    model,
    overload,
    replication,
)

# ---- the picture: three columns, four modes ----------------------------------------

COLUMNS = (  # two lines of heading, scale, what a bill says
    ("a commit waits", "ms", (0.01, 20_000), lambda bill: bill.wait / MS),
    ("reads that miss it", "%", (0.01, 100), lambda bill: 100 * bill.missed),
    ("a crash loses", "writes", (0.01, 100_000), lambda bill: bill.lost),
)
GHOSTS: dict[int, dict[str, int]] = {1: {"missed": 2}, 2: {"lost": 0}}


def picture(sheet, values, found, guess):  # noqa: ARG001
    for column, (heading, unit, ends, amount) in enumerate(COLUMNS):
        left = 142 + 170 * column
        scale = kit.Scale(*ends, left, left + 84, log=True)
        sheet.text((left, 20), heading, size=12, bold=True)
        sheet.text((left, 40), unit, size=12, colour="grey")
        for row, mode in enumerate(PLANS):
            y = 54 + 40 * row
            if not column:
                sheet.text((132, y + 17), mode, anchor="end", bold=True)
            sheet.line([(left, y - 2), (left, y + 26)], "grey", role="ground")
            told = sheet.known or (mode == "async" and column < 2)
            if told:
                _amount(sheet, scale, y, amount(found.bill(mode)))
            else:
                sheet.text((left + 8, y + 17), "?")
        for case, row in GHOSTS.get(column, {}).items():
            if case in guess:
                x, y = scale(max(guess[case], scale.low)), 54 + 40 * row
                sheet.line(
                    [(x, y - 5), (x, y + 29)], weight=2, dash="3 2", role="ground"
                )
    draw_writes(sheet, found, 222, "standby")


def _amount(sheet, scale, y, value):
    if math.isinf(value):
        sheet.rect((scale.start, y, scale.stop - scale.start, 24), "both nodes down")
        sheet.text((scale.stop + 6, y + 17), "no end", size=12)
        return
    end = scale(value) if value > scale.low else scale.start
    look = "failover did not work" if value > scale.low else "up"
    sheet.rect((scale.start, y, end - scale.start, 24), look, weight=0.8)
    sheet.text((end + 6, y + 17), text.short(value), size=12)


def sentence(values, found):
    if found.overloaded:
        more = (
            "Sync loses nothing, and its readers miss everything."
            if found.queue == REPLAY
            else "Sync commits no longer return; async loses more and more."
        )
        return f"{overload(found)}. {more}"
    unwaited, waited, applied = (
        found.bill(name) for name in ("async", "sync", "sync, applied")
    )
    late = [text.short(100 * bill.missed) for bill in (unwaited, waited)]
    waits = [text.short(bill.wait / MS) for bill in (waited, applied)]
    return (
        f"Of the reads {values['pause']:,g} ms after a commit {late[0]} % miss it if "
        f"async, {late[1]} % if sync. Async, a crash loses {text.short(unwaited.lost)} "
        f"writes; sync, none, and each commit waits {waits[0]} ms, or {waits[1]} ms "
        "until applied."
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    near = model(writes=990, capacity=1000, pause=100)
    far = model(writes=990, capacity=1000, pause=100, trip=FAR)
    return {"missed": 100 * near.bill("sync").missed, "lost": far.bill("async").lost}


VIEWS = kit.views(
    """
    sync is fresh: You expected waiting to make reads fresh: {g.missed:g} %. It is
      {t.missed:.1f} %. Committed says received, not visible.
    async loses next to nothing: You trusted the milliseconds: {g.lost:g} writes. At 990
      a second, with 41 ms on the way, {t.lost:.0f} are always under way.
    a round trip for a one-way journey: You took the whole round trip. A write is safe
      once it has arrived; only the answer needs the way back.
    waiting is for the crash: You said {g.missed:g} % and {g.lost:g} writes; it is
      {t.missed:.1f} % and {t.lost:.0f}. Waiting is for the crash, not for the reader.
    """,
    (lambda g, _: g["missed"] <= 10, {"missed": 0, "lost": 40}),
    (lambda g, _: g["lost"] <= 5, {"missed": 36, "lost": 1}),
    (lambda g, t: kit.near(g["lost"], 2 * t["lost"]), {"missed": 36, "lost": 82}),
    (lambda *_: True, {"missed": 36, "lost": 40}),
)

# ---- the exercises -----------------------------------------------------------------


def _stalls(plan: str) -> float:
    return float(replication(plan).protection(**AWAY).blocked) * YEAR / MINUTE


ask_price = kit.exercise(
    """a number of minutes a year
    right: Little time, and the price is hidden elsewhere: for the rest of each
      absence there is one copy only.
    hint: How often a year does the standby go? For how long do commits then stand
      still?
    then: It goes once in 1,004 hours, and each time commits stand still for the
      timeout.
    strict: That is how long the standby is away. Strict sync stands still all that
      time; semi-sync gives up waiting.
    once: That is one stall. How many are there in a year?
    seconds: That is in seconds.
    """,
    lambda: _stalls("semi-sync"),
    lambda: _stalls("sync"),
    lambda: replication("semi-sync").timeout / MINUTE,
    lambda: _stalls("semi-sync") * MINUTE,
)


def _late(writes: float, trip: float, share: float) -> float:
    loss = replication("async", trip=trip, queue=SENDER).loss("process", writes=writes)
    return float(loss.time.quantile(share)) / MS


ask_rpo = kit.exercise(
    """a number of milliseconds
    right: The RPO of the contract was the mean. One crash in a hundred takes more.
    hint: Where the queue stands in the sender, a crash takes the whole queue: look at
      `loss(...).time`.
    then: `lag.replication` takes queue=; of its loss for "process" at 990 writes ask
      the time for 0.99.
    the mean: That is the mean of all crashes.
    yesterday's load: That is at 900 writes a second.
    the median: Half of the crashes take less. Which age is exceeded by one in a
      hundred?
    """,
    lambda: _late(990, NEAR, 0.99),
    lambda: (
        float(replication("async", queue=SENDER).loss("process", writes=990).time.mean)
        / MS
    ),
    lambda: _late(900, NEAR, 0.99),
    lambda: _late(990, NEAR, 0.5),
)

ask_row = kit.exercise(
    """a number of updates a second
    right: A counter that everybody changes, such as seats left, is a hot row. Across
      regions it is the first thing that sync breaks.
    hint: The next update of the row begins when the one before is committed.
    then: A commit takes a round trip, 82.8 ms. How many fit into a second, one after
      the other?
    one way: The commit also waits for the answer.
    the capacity: Other rows may change meanwhile. This one waits.
    next door: That is with the standby next door.
    """,
    lambda: float(replication("sync", trip=FAR).dependent_writes()),
    lambda: 2 * float(replication("sync", trip=FAR).dependent_writes()),
    990,
    lambda: float(replication("sync", trip=NEAR).dependent_writes()),
)


def _stopped(standbys: int) -> float:
    either = Replication(mode="quorum", standbys=standbys, delay=FAR * MS / 2)
    return float(either.protection(**AWAY).blocked) * YEAR / MINUTE


ask_two = kit.exercise(
    """a number of minutes a year
    right: Thirty-five hours become eight minutes: with two, either is enough, and
      both must be away to stop a commit.
    hint: Commits stop while both are away at once: a share of time, squared.
    then: One standby is away 4 hours in 1,004. Square that share, and take a year of
      it.
    one standby: That is with one standby.
    either stops it: You let either of the two stop the commits. One answer is enough.
    """,
    lambda: _stopped(2),
    lambda: _stopped(1),
    lambda: 2 * _stopped(1),
    same=number(0.02),
)


def own(writes, lag):
    """Return how many writes a crash takes, from writes a second and lag."""
    if writes <= 0 or lag < 0:
        raise ValueError("writes a second must be above 0, and the lag not below it")
    return {"writes lost": writes * lag}


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="07",
    recall=kit.recall(
        """
        Lesson 06: 900 of 1,000 writes a second become 990. What becomes of the lag?
        + ten times: What is left over shrinks from 100 a second to 10.
        - a tenth more: Not the load sets it, but the headroom.
        Lesson 04: what does a standby that nobody looks at do?
        + it may be dead: And then the failover does not work.
        - it waits safely: Its failures go unseen until somebody looks.
        """
    ),
    guess={
        "question": "990 writes a second. With the standby next door, 36.9 in 100 "
        "reads that come 100 ms after the commit miss it, if nobody waits. How many "
        "miss it if commits wait for the standby? And from another region, 82.8 ms "
        "there and back: how many writes does a crash take if nobody waits?",
        "fields": kit.sliders(
            missed=("Miss it with sync (%)", tuple(range(0, 101, 2))),
            lost=("Lost in a crash (writes)", (0, *kit.decades(1, 2000))),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "What does waiting for the standby cost, and what does it buy?",
        "controls": {**CONTROLS, "writes": replace(CONTROLS["writes"], start=990)},
        "model": model,
        "picture": picture,
        "size": (640, 302),
        "describe": sentence,
        "before": "With async a commit waits for nobody. What the others buy for their "
        "waiting shows once you have guessed.",
        "after": {"trip": FAR},
        "presets": {
            "900 writes/s": {"writes": 900},
            "Next door": {"trip": NEAR},
            "Another region": {"trip": FAR},
            "Queue in the sender": {"queue": SENDER},
            "Too many writes": {"writes": 1050},
        },
        "seconds": 8,
        "steps": 8,
    },
    exercises=(ask_price, ask_rpo, ask_row, ask_two),
    own=own,
)
