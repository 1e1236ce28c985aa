"""The explorer of lesson 12: load in against load out, and a trace through a spike.

The trace is played attempt by attempt, with the cures where they act: a budget and a
breaker at the clients, a short queue and shedding at the service.

Assumptions: one server, exponential service in order of arrival; it works on attempts
whose clients have left; a late answer fails; a client asks again when it gives up, or
at once when it is turned away.
"""

import heapq
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hamodel import course as kit
from hamodel import text
from hamodel.overload import Retries
from hamodel.units import MS

# ---- the model ---------------------------------------------------------------------

CAPACITY, TIMEOUT = 1000, 20 * MS  # answers a second; a client's patience
SPIKE, BEGINS, CURED, HORIZON = 1500, 0.2, 0.6, 3.0  # new requests a second; s
BIN = 0.05  # s
NONE, EARLY, BUDGET, JITTER, BREAKER, SHORT, SHED = CURES = (
    "nothing",
    "a budget, from the start",
    "a budget, at 0.6 s",
    "jitter, at 0.6 s",
    "a breaker, at 0.6 s",
    "a short queue, at 0.6 s",
    "shedding, at 0.6 s",
)
SETS: dict[str, dict[str, Any]] = {
    EARLY: {"budget": 0.1},
    BUDGET: {"budget": 0.1},
    SHORT: {"capacity": 10},
    SHED: {"shed": 0.7},
}
PAUSE = 0.2  # s of jitter
SHEDS = 1.8  # s for which attempts are shed
OPEN, LOOK = 0.1, 50  # s a breaker stays open; the outcomes that it looks at


def service(load, retries, cure=NONE):
    """Return the service and its clients, at a load in percent of the capacity."""
    return Retries(
        arrival=load / 100 * CAPACITY,
        service=1 / CAPACITY,
        timeout=TIMEOUT,
        retries=round(retries),
        **SETS.get(cure, {}),
    )


@dataclass(frozen=True)
class Found:
    """The steady states, and a trace: attempts and answers in time, a second."""

    model: Retries
    states: tuple[object, ...]
    attempts: np.ndarray
    answers: np.ndarray

    @property
    def recovers(self):
        """Whether at the end nearly all that comes is served in time."""
        last = round(0.3 / BIN)
        return bool(self.answers[-last:].sum() > 0.7 * self.attempts[-last:].sum())


@lru_cache(maxsize=512)
def model(load, retries, spike, cure):
    """Return states and trace at a load in percent; the spike's length in ms."""
    made = service(load, retries, cure)
    attempts, answers = trace(load, round(retries), spike, cure)
    return Found(made, _states(made), attempts, answers)


def _states(made):
    """Return the steady states; the same service is solved once."""
    key = repr(made)
    if key not in _SOLVED:
        _SOLVED[key] = made.states
    return _SOLVED[key]


_SOLVED: dict[str, tuple[object, ...]] = {}


@lru_cache(maxsize=256)
def trace(load, retries, spike, cure, seed=12):
    """Play a spike and what follows; return attempts and answers in time, by bins."""
    rng = np.random.default_rng(seed)
    calm, total = load / 100 * CAPACITY, HORIZON
    ends = BEGINS + spike * MS
    rates = ((0, BEGINS, calm), (BEGINS, ends, SPIKE), (ends, total, calm))
    moments = [
        rng.uniform(start, stop, rng.poisson(rate * (stop - start)))
        for start, stop, rate in rates
    ]
    moments = np.sort(np.concatenate(moments)).tolist()
    sent, answered = _Played(retries, cure, rng).run(moments)
    bins = np.arange(0, HORIZON + BIN / 2, BIN)
    return (np.histogram(sent, bins)[0] / BIN, np.histogram(answered, bins)[0] / BIN)


class _Played:
    """A queue, and clients that ask again."""

    def __init__(self, retries, cure, rng):
        self.retries, self.cure = retries, cure
        self.counts, self.turns = cure in (EARLY, BUDGET), cure in (SHORT, SHED)
        self.draws = iter(rng.exponential(1 / CAPACITY, 40_000).tolist())
        chances = 80_000 if cure in (JITTER, SHED) else 0  # nobody else draws lots
        self.chances = iter(rng.random(chances).tolist())
        self.events, self.order = [], 0
        self.free, self.tokens, self.open_until = 0.0, 10.0, 0.0
        self.leaving: deque[float] = deque()
        self.seen: deque[bool] = deque(maxlen=LOOK)
        self.sent, self.answered = [], []

    def push(self, moment, attempt, outcome=None):
        """Note an attempt to come, or with an outcome, the end of one."""
        self.order += 1
        heapq.heappush(self.events, (moment, self.order, attempt, outcome))

    def run(self, moments):
        """Play requests to the horizon; return when attempts were sent and answered."""
        events, pop = self.events, heapq.heappop
        ask, told = self._ask, self._told
        for moment in (*moments, HORIZON):
            while events and events[0][0] < moment:
                now, _, attempt, outcome = pop(events)
                if outcome is None:
                    ask(now, attempt)
                else:
                    told(now, attempt, outcome)
            if moment < HORIZON:
                ask(moment, 0)
        return self.sent, self.answered

    def _acts(self, cure, now):
        return self.cure == cure and now >= CURED

    def _ask(self, now, attempt):
        if self.counts and not attempt:
            self.tokens = min(self.tokens + 0.1, 10.0)
        if now < self.open_until:
            return  # the breaker is open: nothing is sent, nothing is asked again
        self.sent.append(now)
        if self.turns and self._turned_away(now):
            self.push(now, attempt, False)
            return
        free = self.free
        self.free = free = (free if free > now else now) + next(self.draws)
        self.leaving.append(free)
        if free - now <= TIMEOUT:
            self.push(free, attempt, True)
        else:
            self.push(now + TIMEOUT, attempt, False)

    def _turned_away(self, now):
        while self.leaving and self.leaving[0] <= now:
            self.leaving.popleft()
        if self._acts(SHED, now) and now < CURED + SHEDS:
            return next(self.chances) < SETS[SHED]["shed"]
        return self._acts(SHORT, now) and len(self.leaving) >= SETS[SHORT]["capacity"]

    def _told(self, now, attempt, good):
        """Let a client hear of its attempt, and ask again if it may."""
        self.seen.append(good)
        if good:
            self.answered.append(now)
            return
        if self.cure == BREAKER:
            self._look(now)
        if attempt == self.retries or (self.counts and not self._pays(now)):
            return
        pause = PAUSE * next(self.chances) if self._acts(JITTER, now) else 0.0
        self.push(now + pause, attempt + 1)

    def _look(self, now):
        """Open the breaker if most of the last attempts failed."""
        if now >= CURED and sum(self.seen) < LOOK / 2 <= len(self.seen):
            self.open_until = now + OPEN
            self.seen.clear()

    def _pays(self, now):
        """Tell whether a retry is within the budget, and take it off."""
        if self.cure == BUDGET and now < CURED:
            return True
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def pool(requests, speeds, panic=0.0):
    """Return how many nodes a balancer uses, round by round of its health checks.

    Parameters
    ----------
    requests : float
        Requests a second, spread evenly over the nodes in use.
    speeds : sequence of float
        What each node can answer a second; a node with more to do fails its check.
    panic : float
        Share of healthy nodes below which the balancer uses all of them again.
    """
    used, rounds = list(speeds), [len(speeds)]
    while used:
        each = requests / len(used)
        healthy = [speed for speed in used if speed >= each]
        if len(healthy) == len(used):
            return rounds
        if len(healthy) < panic * len(speeds):
            return [*rounds, len(speeds)]
        used = healthy
        rounds.append(len(used))
    return rounds


# ---- the picture: what comes out of a load, and what came of a spike ---------------

INS = kit.Scale(100, 12_000, 58, 262, log=True)
OUTS = kit.Scale(100, 12_000, 230, 26, log=True)
TIMES = kit.Scale(0, HORIZON, 340, 622)
MARKS = [(100, "100"), (1000, "1,000"), (10_000, "10,000")]
GRID = np.geomspace(100, 12_000, 80)
SIZE = (640, 300)


def picture(sheet, values, found, guess):
    """Draw load in against load out, and the trace beside it."""
    sheet.axis(INS, 230, "attempts a second that come", top=26, marks=MARKS)
    sheet.upright(OUTS, 58, 262, MARKS)
    sheet.text((58, 16), "attempts that follow", size=12)
    ends = [(INS(100), OUTS(100)), (INS(12_000), OUTS(12_000))]
    sheet.line(ends, "grey", weight=1, dash="2 3", role="ground")
    if sheet.known:
        follow = np.asarray(found.model.demand(GRID))
        points = [(INS(x), OUTS(y)) for x, y in zip(GRID, follow, strict=True)]
        sheet.line(points, "blue", weight=2.5, role="ground")
        for state in found.states:
            at = (INS(state.offered), OUTS(state.offered))
            colour = "green" if state.stable else "paper"
            sheet.circle(at, 6, colour, weight=2, role="ground")
    _trace(sheet, values, found, guess)
    keys = (("green", "stable"), ("paper", "tips"))
    for row, (colour, words) in enumerate(keys):
        sheet.circle((66 + 90 * row, 287), 5, colour, weight=2)
        sheet.text((76 + 90 * row, 291), words, size=12)
    for row, (colour, words) in enumerate(
        (("orange", "attempts"), ("green", "in time"))
    ):
        x = 344 + 100 * row
        sheet.line([(x, 287), (x + 20, 287)], colour, weight=3)
        sheet.text((x + 26, 291), words, size=12)


def _trace(sheet, values, found, guess):
    marks = [(k, f"{k}") for k in range(4)]
    sheet.axis(TIMES, 230, "seconds", top=26, marks=marks)
    sheet.upright(OUTS, 340, 622, [(100, "≤ 100"), *MARKS[1:]])
    sheet.text((400, 16), "attempts and answers, a second", size=12)
    stop = BEGINS + values["spike"] * MS
    left, right = TIMES(BEGINS), TIMES(stop)
    sheet.line([(left, 20), (right, 20)], "red", weight=4, role="ground")
    shown = found.attempts.size if sheet.known else round(BEGINS / BIN)
    for rates, colour in ((found.attempts, "orange"), (found.answers, "green")):
        points = [
            (TIMES((k + 0.5) * BIN), OUTS(rate)) for k, rate in enumerate(rates[:shown])
        ]
        sheet.line(points, colour, weight=2.5, role="ground")
    if guess:
        y = OUTS(guess["attempts"])
        sheet.line([(TIMES(1.5), y), (622, y)], weight=2.5, dash="4 3", role="ground")
    if values["cure"] not in (NONE, EARLY) and sheet.known:
        x = TIMES(CURED)
        sheet.line([(x, 26), (x, 230)], "blue", dash="4 3", role="ground")
    _dot(sheet, found)


def _dot(sheet, found):
    """Let a dot climb the diagonal as the trace goes by."""
    start, keys = (INS(100), OUTS(100)), []
    for k, rate in enumerate(found.attempts):
        at = INS(max(rate, 100)) - start[0], OUTS(max(rate, 100)) - start[1]
        keys.append((k * sheet.seconds / found.attempts.size, *at, 1))
    with sheet.moving([*keys, (sheet.seconds, *keys[-1][1:])]):
        sheet.circle(start, 5, "orange")
    wide = TIMES.stop - TIMES.start
    with sheet.moving([(0, 0, 0, 1), (sheet.seconds, wide, 0, 1)]):
        sheet.line([(TIMES.start, 26), (TIMES.start, 230)], "ink", role="ground")


def sentence(values, found):
    stable = [s.amplification for s in found.states if s.stable]
    at = " and at ".join(text.short(each) for each in stable)
    tips = [s.offered for s in found.states if not s.stable]
    beyond = (
        f"; beyond {text.short(tips[0])} a second retries carry it up" if tips else ""
    )
    fate = "it is back" if found.recovers else "it is still in trouble"
    return (
        f"{found.model.arrival:,.0f} new requests a second, "
        f"{found.model.retries} retries: stable at {at} attempts a request{beyond}. "
        f"After a spike of {values['spike']:g} ms, with {values['cure'].split(',')[0]} "
        f"against it, {fate} at {HORIZON:g} s."
    )
