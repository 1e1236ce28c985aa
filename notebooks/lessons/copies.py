"""A replica under load, for lessons 06 and 07: its lag, and the bill of every mode.

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
from hamodel.failover import Failover
from hamodel.replication import Replication, Stream, WriteStage
from hamodel.units import HOUR, MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration

# ---- the model ---------------------------------------------------------------------

#: Where the writes queue up.
QUEUES = ("replica: replay", "primary: sender")
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
    def waiting(self) -> float:
        """How many writes wait in the queue, on average."""
        if self.overloaded:
            return math.inf
        return self.writes * (float(self.stream.lag.mean) - self.trip / 2)

    @property
    def growth(self) -> float:
        """Seconds by which an operator sees the lag grow in a second of overload.

        What has been replayed is the time of the last replayed commit, as PostgreSQL's
        `now() - pg_last_xact_replay_timestamp()` has it.
        """
        return max(1 - self.capacity / self.writes, 0.0)

    def plan(self, name: str) -> Replication:
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


def overload(found: Copy) -> str:
    """Say how the lag grows where the writes fill the capacity or more."""
    grows = (
        f"An operator sees it grow by {text.short(60 * found.growth)} s a minute"
        if found.growth
        else "It grows without end, ever more slowly"
    )
    return (
        f"{found.writes:,g} writes a second for a capacity of {found.capacity:,g}: the "
        f"lag has no steady state. {grows}"
    )


# ---- the picture of both lessons: writes in sender, link and replay ------------------

CRASH = 0.6  # of a play
PLACES = {"sender": 154, "replay": 486}  # px: where the head of each queue stands


def draw_writes(sheet: kit.Sheet, found: Copy, top: float, copy: str) -> None:
    """Draw where the writes are; a crash of the primary takes what is red."""
    for x, words in ((20, "primary"), (500, copy)):
        sheet.rect((x, top, 120, 44), "paper")
        sheet.text((x + 60, top + 27), words, anchor="middle", bold=True)
    count, at_home = found.waiting, found.queue == SENDER
    shown, columns = round(min(40, count)), math.ceil(min(40, count) / 4)
    start = PLACES["sender"] + (14 * columns if at_home else 0)
    stop = PLACES["replay"] - (0 if at_home else 14 * columns)
    sheet.arrow((start - 6, top + 22), (stop - 4, top + 22))
    head, way = (PLACES["sender"], 1) if at_home else (PLACES["replay"], -1)
    queued = [
        (head + way * 14 * (k // 4), top + 2 + 13 * (k % 4)) for k in range(shown)
    ]
    under_way = round(min(40, found.writes * found.trip / 2))
    step = (stop - start - 14) / 20
    flying = [
        (start + 4 + step * (k // 2 + 0.5), top + 16 + 12 * (k % 2))
        for k in range(under_way)
    ]
    end, crash = sheet.seconds, CRASH * sheet.seconds
    gone = [(0, 0, 0, 1), (crash, 0, 0, 1), (crash + 0.6, 0, 0, 0), (end, 0, 0, 0)]
    drains = [(0, 0, 0, 1), (crash, 0, 0, 1), (end - 0.3, 30, 0, 0), (end, 30, 0, 0)]
    for spots, taken in ((flying, True), (queued, at_home)):
        with sheet.moving(gone if taken else drains):
            for spot in spots:
                sheet.circle(spot, 5, "red" if taken else "green", weight=0.8)
    _on_the_way(sheet, (start - 4, top + 22), stop - start - 6, crash)
    many = "ever more" if math.isinf(count) else f"{text.short(count)} on average"
    words = f"to be {'sent' if at_home else 'applied'}: {many}"
    sheet.text((620, top + 68), words, size=12, anchor="end")
    sheet.text((20, top + 68), "red: a crash takes it", size=12, colour="red")
    with sheet.since(crash):
        for slope in (16, -16):
            ends = [(64, top + 22 - slope), (96, top + 22 + slope)]
            sheet.line(ends, "red", weight=4)


def _on_the_way(
    sheet: kit.Sheet, start: tuple[float, float], far: float, crash: float
) -> None:
    """Let writes set out one after the other, until the crash."""
    for k in range(5):
        begin = crash * k / 5
        keys = [(0.0, 0.0, 0.0, 0.0), (begin, 0, 0, 0), (begin + 0.05, 0, 0, 1)]
        keys += [(begin + 0.6, far, 0, 1), (begin + 0.65, far, 0, 0)]
        with sheet.moving([*keys, (sheet.seconds, far, 0, 0)]):
            sheet.circle(start, 5, "red", weight=0.8, role="ground")


# ---- what was measured -------------------------------------------------------------

_DELAY = 0.1  # s that the standby was told to wait before it applied


@dataclass(frozen=True, kw_only=True)
class Asked:
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
    lags = np.array([row["lag_s"] for row in _rows("lag")])
    lags.setflags(write=False)
    return lags


def recorded_lag() -> Duration:
    return duration.empirical(recorded_lags())


def _rows(name: str) -> list[dict[str, float]]:
    path = catalogue.folder() / "recordings" / f"postgresql_{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [row for row in rows if row["apply_delay_s"] == _DELAY]


# ---- the controls of both lessons ---------------------------------------------------

WRITES = (*range(100, 900, 100), 850, 900, 930, 950, 970, 980, 990, 995, 999)
WRITES = (*WRITES, 1000, 1050, 1200)
CAPACITIES = (500, 800, 1000, 1100, 1200, 1500, 2000, 3000, 4000)
CONTROLS = {
    **kit.sliders(
        writes=("Writes (1/s)", WRITES, 900),
        capacity=("Capacity (1/s)", CAPACITIES, 1000),
        trip=("Round trip (ms)", (0, *kit.decades(0.1, 300)), NEAR),
        pause=("Read after (ms)", (0, *kit.decades(1, 5000)), 100),
    ),
    "queue": kit.Choice(label="Queue", options=QUEUES, start=REPLAY),
}
