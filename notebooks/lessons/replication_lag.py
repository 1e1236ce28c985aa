"""Lesson 06, replication lag: how far a copy is behind, and which reads show it.

The model of the replica is in `copies`; lesson 07 has it too.
"""

from __future__ import annotations

import math

import numpy as np

from hamodel import course as kit
from hamodel import text
from hamodel.course import function, number
from hamodel.replication import CatchUp, Stream, WriteStage
from hamodel.units import MINUTE, MS
from lessons.copies import (
    CONTROLS,
    FAR,
    SENDER,
    draw_writes,
    model,
    overload,
    recorded,
    recorded_lag,
    stream,
)

# ---- the picture: writes on their way, and the reads that miss them ----------------

TIMES = kit.Scale(1, 60_000, 70, 610, log=True)
SHARES = kit.Scale(0, 100, 268, 140)
MARKS = [(10.0**k, f"{10.0**k:,g}") for k in range(5)]
GHOSTS = {"mean": "your mean", "tail": "your 99 in 100"}


def picture(sheet, values, found, guess):
    """Draw where the writes are, and the share of reads that miss one."""
    draw_writes(sheet, found, 26, "replica")
    sheet.text((70, 126), "reads that miss the write (%)", size=13, bold=True)
    sheet.axis(TIMES, 268, "ms after the commit", top=140, marks=MARKS)
    sheet.upright(SHARES, 70, 610, [(s, f"{s}") for s in (0, 50, 100)])
    times = np.geomspace(1, 60_000, 120)
    late, missed = np.full(120, 100.0), 100.0
    if not found.overloaded:
        late = 100 * found.missed("async", times * MS)
        missed = 100 * found.missed("async", found.pause)
    curve = [(TIMES(t), SHARES(s)) for t, s in zip(times, late, strict=True)]
    sheet.line(curve, "blue", weight=2.5)
    at = TIMES(max(values["pause"], 1)), SHARES(missed)
    sheet.circle(at, 6, "orange", weight=1.5)
    for case, words in GHOSTS.items():
        if case in guess:
            place, row = TIMES(guess[case]), {"mean": 138, "tail": 158}[case]
            sheet.line([(place, row + 6), (place, 268)], dash="4 3", role="ground")
            far = place > 400
            spot = (place - 6 if far else place + 6, row + 16)
            sheet.text(spot, words, size=12, anchor="end" if far else "start")


def sentence(values, found):
    pause = f"{values['pause']:,g}"
    if found.overloaded:
        return f"{overload(found)}, and every read misses."
    lag = found.stream.lag
    mean, tail = (text.short(float(t) / MS) for t in (lag.mean, lag.quantile(0.99)))
    missed = text.short(100 * float(found.missed("async", found.pause)))
    return (
        f"Mean lag {mean} ms, 99 % of the writes visible within {tail} ms. Of the "
        f"reads {pause} ms after a commit {missed} % miss it."
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    lag = stream(990).lag
    return {"mean": float(lag.mean) / MS, "tail": float(lag.quantile(0.99)) / MS}


VIEWS = kit.views(
    """
    a tenth more: You let the lag grow as the load does, to {g.mean:g} ms. It is
      {t.mean:.0f}: what counts is what is left over, and that has shrunk to a tenth.
    about twice: You felt that it gets worse than the load, {g.mean:g} ms. But so near
      its capacity a queue does not double: it is {t.mean:.0f}.
    the tail is like the mean: Your tail is close to your mean. Of an exponential lag
      one write in a hundred waits 4.6 times as long as the average.
    beyond the wall: You expected the wall itself. At 1,000 writes a second it would
      come; at 990 there are still ten a second to spare.
    the wall: You saw the wall: a tenth more load, ten times the lag.
    """,
    (lambda g, _: g["mean"] <= 14, {"mean": 11, "tail": 52}),
    (lambda g, _: g["mean"] <= 30, {"mean": 20, "tail": 100}),
    (lambda g, _: g["tail"] < 2 * g["mean"], {"mean": 100, "tail": 120}),
    (lambda g, _: g["mean"] > 400, {"mean": 1000, "tail": 5000}),
    (lambda *_: True, {"mean": 100, "tail": 460}),
)

# ---- the exercises -----------------------------------------------------------------

_REPLAY = WriteStage(service=MS)
_LOAD = 950.0  # of the first exercise


def _lag(writes: float) -> Stream:
    return Stream(writes=writes, apply=_REPLAY)


ask_tail = kit.exercise(
    """a number of milliseconds
    right: The tail is the mean times the logarithm of 100, at every load.
    hint: What is left over, μ - λ, is a rate. At which t has its exponential fallen
      to one in a hundred?
    then: At 950 of 1,000 writes a second 50 a second are left over. The mean is 1/50
      s.
    the mean: That is the mean. Half of the lesson is that it does not describe the
      lag.
    no queue: You took the time of one write. It also waits for those before it.
    the median: Half of the writes are visible by then. We want all but one in a
      hundred.
    seconds: That is in seconds.
    """,
    lambda: float(_lag(_LOAD).lag.quantile(0.99)) / MS,
    lambda: float(_lag(_LOAD).mean_lag) / MS,
    lambda: math.log(100) * _REPLAY.service / MS,
    lambda: float(_lag(_LOAD).lag.quantile(0.5)) / MS,
    lambda: float(_lag(_LOAD).lag.quantile(0.99)),
)


def _fresh(writes: float = 990, share: float = 0.999, trip: float = FAR) -> float:
    return float(stream(writes, trip=trip).lag.quantile(share)) / MS


ask_wait = kit.exercise(
    """a number of milliseconds
    right: Hardly any of it is the ocean; nearly all of it is the queue.
    hint: Two parts: the way there, which every write needs, and the queue, of which
      you want the time that all but one write in a thousand do not exceed.
    then: `lag.stream` takes writes and trip=; ask its lag for 0.999.
    the network forgotten: That is the queue alone. The write also has to get there.
    a whole round trip: A write goes one way. Nobody waits for the answer.
    99 %: That is for 99 in 100. One nine is missing.
    the load of yesterday: That is at 900 writes a second.
    """,
    _fresh,
    lambda: float(_lag(990).lag.quantile(0.999)) / MS,
    lambda: _fresh() + FAR / 2,
    lambda: _fresh(share=0.99),
    lambda: _fresh(writes=900),
)

_PAUSE = CatchUp(writes=900, service=MS, outage=10 * MINUTE)

ask_drain = kit.exercise(
    """a number of minutes
    right: Each minute without replication costs nine more minutes of stale reads.
    hint: How many writes wait when the link is back? And how many of them does the
      replica work off each second, while new ones come?
    then: 540,000 writes wait, and 100 a second more are applied than come.
    as long as the stop: That is how long the link was away.
    new writes forgotten: You stopped the shop while the replica caught up. New writes
      keep coming.
    the stop included: That counts from the beginning of the stop. We ask from its
      end.
    seconds: That is in seconds.
    """,
    lambda: _PAUSE.mean / MINUTE,
    lambda: _PAUSE.outage / MINUTE,
    lambda: _PAUSE.backlog * _PAUSE.service / MINUTE,
    lambda: _PAUSE.felt / MINUTE,
    lambda: _PAUSE.mean,
)


def _missed(writes: float, pause: float) -> float:
    return float(_lag(writes).lag.sf(pause))


ask_code = kit.exercise(
    """a function of writes per second and seconds since the write
    right: It takes arrays too: try np.linspace(0, 0.5) for the seconds.
    hint: A Stream with apply=WriteStage(service=0.001) knows the probability that its
      lag exceeds a time: its `lag` is a duration.
    then: Make the Stream inside of the function, and return the sf of its `lag`.
    fresh for stale: Those are the reads that do see the write.
    milliseconds: Every time in hamodel is in seconds already.
    the write's own time: The load does not reach the Stream.
    a random moment: That is for a read at a random moment. Here it comes exactly t
      after the write.
    """,
    lambda: _missed,
    lambda: lambda w, t: 1 - _missed(w, t),
    lambda: lambda w, t: _missed(w, t * MS),
    lambda: lambda _, t: _missed(0, t),
    lambda: lambda w, t: float(_lag(w).stale_probability(1 / t)),
    same=function([900, 0.05], [990, 0.1], [500, 0.001], [950, 0.02]),
)


def _predicted() -> float:
    measured = Stream(writes=50, delay=recorded_lag())
    return 100 * float(measured.stale_probability(recorded()[2].writes))


ask_real = kit.exercise(
    f"""a percentage
    right: The database returned {recorded()[2].stale} stale of {recorded()[2].reads}
      reads: {100 * recorded()[2].share:.1f} %.
    hint: A Stream whose delay is the measured lag knows the share of stale reads of a
      key: stale_probability.
    then: measured.stale_probability takes the writes a second of the key.
    a share: That is a share. How many in a hundred?
    writes times lag: That is how many writes come during one lag. Several of them may
      spoil the same read.
    fresh: Those are the fresh ones.
    """,
    _predicted,
    lambda: _predicted() / 100,
    lambda: 100 * recorded()[2].writes * recorded_lag().mean,
    lambda: 100 - _predicted(),
    same=number(0.01),
)


def own(lags):
    """Return mean and tail of lags in seconds, such as a column of a CSV file."""
    values = np.asarray(lags, float)
    if values.ndim != 1 or len(values) < 20 or not np.all(values >= 0):
        raise ValueError("give a list of at least 20 lags in seconds, none below 0")
    mean, tail = float(values.mean()), float(np.quantile(values, 0.99))
    return {"mean s": mean, "99 % within s": tail, "tail over mean": tail / mean}


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="06",
    recall=kit.recall(
        """
        Lesson 04: in a chain in the long run, what does each state's balance say?
        + it is entered as often as it is left: Out equals in, box by box.
        - all states are equally likely: Only if all their rates are alike.
        Lesson 05: do the 95th percentiles of two stages add up to that of both?
        + no, to more: The stages are seldom slow together.
        - yes: Means add. Percentiles do not.
        """
    ),
    guess={
        "question": "At 900 writes a second the replica lags by 10 ms on average, and "
        "99 in 100 writes are visible within 46 ms. It can apply 1,000 a second. Now "
        "990 come. How far does it fall behind?",
        "fields": kit.sliders(
            mean=("Mean lag (ms)", kit.decades(5, 5000)),
            tail=("99 in 100 within (ms)", kit.decades(20, 9000)),
        ),
        "truth": truth,
        "views": VIEWS,
        "rule": lambda guess: (
            "99 in 100 cannot all be sooner than the average."
            if guess["tail"] < guess["mean"]
            else ""
        ),
    },
    see={
        "title": "How far behind is the replica, and who sees it?",
        "controls": CONTROLS,
        "model": model,
        "picture": picture,
        "size": (640, 312),
        "describe": sentence,
        "before": "The replica at 900 writes a second, as you know it. What 990 do to "
        "it shows once you have guessed.",
        "after": {"writes": 990},
        "presets": {
            "900 writes/s": {"writes": 900},
            "990 writes/s": {"writes": 990},
            "Another region": {"trip": FAR},
            "Faster replica": {"capacity": 2000},
            "Too many writes": {"writes": 1050},
            "Queue in the sender": {"queue": SENDER},
        },
        "seconds": 6,
        "steps": 6,
    },
    exercises=(ask_tail, ask_wait, ask_drain, ask_code, ask_real),
    own=own,
)
