"""Lesson 06, replication lag: how far a copy is behind, and which reads show it.

The surprising number is ten: a tenth more load makes the lag ten times as long, since
not the load sets it but what the replica has to spare.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import catalogue, duration, text
from hamodel import course as kit
from hamodel.architectures import ActivePassive, Node
from hamodel.course import function, number
from hamodel.failover import Failover
from hamodel.replication import CatchUp, Replication, Stream, WriteStage
from hamodel.units import HOUR, MINUTE, MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration

# ---- the model ---------------------------------------------------------------------

#: Where the writes queue up.
QUEUES = ("in the replay, at the replica", "in the sender, at the primary")
REPLAY, SENDER = QUEUES
#: The three modes, and the third once more with a longer wait.
PLANS: Mapping[str, Mapping[str, Any]] = {
    "async": {"mode": "async"},
    "semi-sync": {"mode": "semi-sync"},
    "sync": {"mode": "sync"},
    "sync, applied": {"mode": "sync", "wait_for": "applied"},
}
CAPACITY = 1000.0  # writes per second that the lesson's replica applies
NEAR = 0.5  # round trip in ms within a zone; the mean of fact RTT-001 is 0.52
FAR: Any = catalogue.fact("RTT-010").value  # ms, Virginia and Oregon
AWAY = {"mttf": 1000 * HOUR, "mttr": 4 * HOUR}  # a standby, in s


def replication(
    plan: str = "async",
    *,
    capacity: float = CAPACITY,
    trip: float = NEAR,
    queue: str = REPLAY,
) -> Replication:
    """Return the lesson's replication, in the units of its controls."""
    for name, known, given in (("plan", PLANS, plan), ("queue", QUEUES, queue)):
        if given not in known:
            raise ValueError(f"{name} must be one of {'; '.join(known)}, got {given!r}")
    stage = WriteStage(service=1 / capacity)
    place: dict[str, Any] = {"apply" if queue == REPLAY else "send": stage}
    return Replication(delay=trip * MS / 2, **PLANS[plan], **place)


def stream(writes: Quantity, **where: Any) -> Stream:
    """Return the writes on their way to the replica."""
    return replication(**where).stream(writes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bill:
    """What one mode costs and what it leaves, with a replica that is up."""

    wait: float
    missed: float
    lost: float
    stopped: float
    unprotected: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Copy:
    """A replica under load, and the bill of every mode."""

    writes: float
    capacity: float
    trip: float
    pause: float
    queue: str

    @property
    def stream(self) -> Stream:
        return self.plan("async").stream(self.writes)

    @property
    def overloaded(self) -> bool:
        return self.writes >= self.capacity

    @property
    def growth(self) -> float:
        """Seconds by which an operator sees the lag grow in a second of overload.

        What has been replayed is the time of the last replayed commit, as PostgreSQL's
        `now() - pg_last_xact_replay_timestamp()` has it.
        """
        return max(1 - self.capacity / self.writes, 0.0)

    def plan(self, name: str) -> Replication:
        """Return the replication of a mode: one of `PLANS`."""
        return replication(
            name, capacity=self.capacity, trip=self.trip / MS, queue=self.queue
        )

    def missed(self, name: str, pause: FloatArray | float) -> Quantity:
        """Return the share of reads that miss a write `pause` after its commit."""
        if name == "async":
            found = self.stream.lag.sf(pause)
        elif name == "sync, applied":
            found = 0.0 * pause
        elif self.queue == REPLAY:
            replay = Stream(writes=self.writes, apply=self.plan(name).apply)
            found = replay.lag.sf(pause + self.trip / 2)
        elif name == "sync":
            found = 0.0 * pause
        else:
            found = self.stream.lag.sf(pause + self.plan(name).timeout)
        return found

    def bill(self, name: str) -> Bill:
        """Return the bill of a mode: one of `PLANS`."""
        plan = self.plan(name)
        stopped, unprotected = absence(name)
        return Bill(
            wait=self._wait(plan),
            missed=float(self.missed(name, self.pause)),
            lost=self._lost(plan),
            stopped=stopped,
            unprotected=unprotected,
        )

    def _wait(self, plan: Replication) -> float:
        passed = plan.send is not None or plan.wait_for == "applied"
        if not plan.needed or not (passed and self.overloaded):
            return float(plan.commit_delay(self.writes).mean)
        return float(plan.timeout) if plan.mode == "semi-sync" else math.inf

    def _lost(self, plan: Replication) -> float:
        if plan.mode == "sync":
            return 0.0
        if plan.mode == "async":
            return float(self.stream.missing)
        if plan.send is None:  # received long before the timeout
            return 0.0
        if self.overloaded:
            return math.inf
        # Little's law for writes that were acknowledged at the timeout, unreceived
        lag = self.stream.lag
        late = lag.sf(plan.timeout)
        return float(self.writes * late * lag.mean_excess(plan.timeout)) if late else 0


@cache
def absence(name: str) -> tuple[float, float]:
    """Return what it costs that the standby is away now and then."""
    plan = replication(name)
    price = plan.protection(**AWAY)
    if plan.needed:
        return float(price.blocked), float(price.unprotected)
    return 0.0, AWAY["mttr"] / (AWAY["mttf"] + AWAY["mttr"])


def model(*, writes, capacity, pause, trip=NEAR, queue=REPLAY):
    return Copy(
        writes=writes, capacity=capacity, trip=trip * MS, pause=pause * MS, queue=queue
    )


def shop() -> ActivePassive:
    """Return the pair of lesson 04 in two sites, with the replica of this lesson."""
    return ActivePassive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=Failover(promotion=30, coverage=0.99),
        replication=Replication(apply=WriteStage(service=1 / CAPACITY)),
    )


# ---- what was measured -------------------------------------------------------------

_DELAY = 0.1  # s that the standby was told to wait before it applied


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One key of the recording."""

    writes: float
    reads: int
    stale: int

    @property
    def share(self) -> float:
        return self.stale / self.reads


@cache
def recorded() -> tuple[Asked, ...]:
    """Return what reads of the standby showed, key by key."""
    return tuple(
        Asked(
            writes=row["writes_per_s"], reads=int(row["reads"]), stale=int(row["stale"])
        )
        for row in _rows("stale")
    )


@cache
def recorded_lags() -> FloatArray:
    """Return the measured lags of writes."""
    lags = np.array([row["lag_s"] for row in _rows("lag")])
    lags.setflags(write=False)
    return lags


def recorded_lag() -> Duration:
    """Return the measured lags as a law."""
    return duration.empirical(recorded_lags())


def _rows(name: str) -> list[dict[str, float]]:
    path = catalogue.folder() / "recordings" / f"postgresql_{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [row for row in rows if row["apply_delay_s"] == _DELAY]


# ---- the picture: writes on their way, and the reads that miss them ----------------

TIMES = kit.Scale(1, 60_000, 70, 610, log=True)
SHARES = kit.Scale(0, 100, 268, 140)
MARKS = [(10.0**k, f"{10.0**k:,g}") for k in range(5)]
GHOSTS = {"mean": "your mean", "tail": "your 99 in 100"}


def waiting(found):
    if found.overloaded:
        return math.inf
    return found.writes * float(found.stream.lag.mean) - found.writes * found.trip / 2


def picture(sheet, values, found, guess):
    """Draw the queue of the replica, and the share of reads that miss a write."""
    for x, words in ((20, "primary"), (500, "replica")):
        sheet.rect((x, 26, 120, 44), "paper")
        sheet.text((x + 60, 53), words, anchor="middle", bold=True)
    sheet.arrow((142, 48), (300, 48))
    count = waiting(found)
    shown = round(min(40, count))
    for k in range(shown):
        at = (486 - 14 * (k // 4), 28 + 13 * (k % 4))
        sheet.circle(at, 5, "orange", weight=0.8)
    many = "ever more" if math.isinf(count) else f"{text.short(count)}, on average"
    sheet.text((490, 92), f"waiting to be applied: {many}", size=12, anchor="end")
    _on_the_way(sheet, 340 if shown else 480)
    sheet.text((70, 124), "reads that miss the write (%)", size=13, bold=True)
    sheet.axis(TIMES, 268, "ms after the commit", top=140, marks=MARKS)
    sheet.upright(SHARES, 70, 610, [(s, f"{s}") for s in (0, 50, 100)])
    times = np.geomspace(1, 60_000, 120)
    late = np.full(120, 100.0)
    if not found.overloaded:
        late = 100 * found.missed("async", times * MS)
    curve = [(TIMES(t), SHARES(s)) for t, s in zip(times, late, strict=True)]
    sheet.line(curve, "blue", weight=2.5)
    pause = max(values["pause"], 1)
    missed: Any = 100.0
    if not found.overloaded:
        missed = 100 * found.missed("async", found.pause)
    sheet.circle((TIMES(pause), SHARES(missed)), 6, "orange", weight=1.5)
    for case, words in GHOSTS.items():
        if case in guess:
            place, row = TIMES(guess[case]), {"mean": 138, "tail": 158}[case]
            sheet.line([(place, row + 6), (place, 268)], dash="4 3", role="ground")
            far = place > 400
            spot = (place - 6 if far else place + 6, row + 16)
            sheet.text(spot, words, size=12, anchor="end" if far else "start")


def _on_the_way(sheet, goal):
    for k in range(6):
        start = sheet.seconds * k / 6
        keys = [(0, 0, 0, 0), (start, 0, 0, 0), (start + 0.05, 0, 0, 1)]
        keys += [(start + 1.2, goal - 150, 0, 1), (start + 1.3, goal - 150, 0, 0)]
        keys.append((sheet.seconds, goal - 150, 0, 0))
        with sheet.moving(keys):
            sheet.circle((150, 48), 5, "orange", weight=0.8)


def sentence(values, found):
    pause = f"{values['pause']:,g}"
    if found.overloaded:
        return (
            f"{values['writes']:,g} writes a second for a capacity of "
            f"{values['capacity']:,g}: the lag has no steady state. An operator sees "
            f"it grow by {text.short(60 * found.growth)} s a minute, and every read "
            "misses."
        )
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


tail_exercise = kit.exercise(
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


wait_exercise = kit.exercise(
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

drain_exercise = kit.exercise(
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


code_exercise = kit.exercise(
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


real_exercise = kit.exercise(
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

WRITES = (*range(100, 900, 100), 850, 900, 930, 950, 970, 980, 990, 995, 999)
WRITES = (*WRITES, 1000, 1050, 1200)
CAPACITIES = (500, 800, 1000, 1100, 1200, 1500, 2000, 3000, 4000)
CONTROLS = {
    "writes": kit.Slider(label="Writes (1/s)", grid=WRITES, start=900),
    "capacity": kit.Slider(label="Capacity (1/s)", grid=CAPACITIES, start=1000),
    "trip": kit.Slider(
        label="Round trip (ms)", grid=(0, *kit.decades(0.1, 300)), start=NEAR
    ),
    "pause": kit.Slider(
        label="Read after (ms)", grid=(0, *kit.decades(1, 5000)), start=100
    ),
}
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
        "fields": {
            "mean": kit.Slider(label="Mean lag (ms)", grid=kit.decades(5, 5000)),
            "tail": kit.Slider(
                label="99 in 100 within (ms)", grid=kit.decades(20, 9000)
            ),
        },
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
        },
        "seconds": 6,
        "steps": 6,
    },
    exercises=(
        tail_exercise,
        wait_exercise,
        drain_exercise,
        code_exercise,
        real_exercise,
    ),
    own=own,
)
