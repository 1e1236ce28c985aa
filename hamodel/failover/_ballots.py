"""Many elections at once, event by event: the one engine behind both kinds of Raft."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hamodel.duration import Duration
from hamodel.failover._parts import as_duration

Array: TypeAlias = NDArray[Any]

_NEVER = np.inf


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the servers that are left know and do."""

    logs: tuple[int, ...]  # length of the log of each server that is left
    majority: int  # votes that win
    low: float  # least and greatest timeout in s
    high: float
    # time in s to whose multiples each server's timeouts are counted; 0 for none
    tick: float = 0.0
    # whether a server that has heard its leader within `low` ignores other candidates
    # (etcd's check-quorum)
    lease: bool = False
    # whether a server asks if it could win before it begins a new term
    pre_vote: bool = False
    one_way: Duration | float  # time in s of a message
    # longest time in s between the leader's last message and its failure
    contact: float = 0.0


@dataclass
class Ballots:
    """The state of many elections; one row for each that is not decided yet.

    An event is a timer that fires, a request that arrives, or an answer that does: the
    columns of `when`, s + s^2 + s^2 of them.
    """

    rules: Rules
    rng: np.random.Generator
    count: int
    state: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, s = self.count, len(self.rules.logs)
        kinds = {
            "term": np.zeros((n, s), int),
            "vote": np.full((n, s), -1),
            "votes": np.zeros((n, s), int),
            "against": np.zeros((n, s), int),
            "led": np.ones((n, s), bool),
            "running": np.zeros((n, s), bool),
            "asking": np.zeros((n, s), bool),
            "when": np.full((n, s + 2 * s * s), _NEVER),
            "said": np.zeros((n, 2 * s * s), int),
            "yes": np.zeros((n, s * s), bool),
            "pre": np.zeros((n, 2 * s * s), bool),
            "phase": self.rng.uniform(0, 1, (n, s)) * self.rules.tick,
        }
        kinds["free"] = np.zeros((n, s))
        self.state = kinds
        rows = np.arange(n)
        heard = -self.rng.uniform(0, 1, n) * self.rules.contact
        heard += as_duration("one_way", self.rules.one_way).mean  # all hear it at once
        for i in range(s):
            kinds["free"][:, i] = self._at(rows, i, heard, np.full(n, self.rules.low))
            self._wind(rows, np.full(n, i), heard)

    def first_calls(self) -> Array:
        """Return when, in s after the failure, the first server calls for votes."""
        calls: Array = self.state["when"][:, : len(self.rules.logs)].min(axis=1)
        return calls

    def play(self) -> Array:
        """Return the times in s from the failure until each election is decided."""
        over = np.full(self.count, _NEVER)
        left = np.arange(self.count)
        while len(left):
            decided, now = self._step()
            over[left[decided]] = now[decided]
            self.state["when"][decided] = _NEVER
            open_ = over[left] == _NEVER
            if 8 * np.count_nonzero(open_) < 7 * len(left):  # a copy pays only then
                left = left[open_]
                self.state = {k: v[open_] for k, v in self.state.items()}
        return over

    def _step(self) -> tuple[Array, Array]:
        """Let the next event of every election happen; tell which are decided now."""
        when, s = self.state["when"], len(self.rules.logs)
        column = np.argmin(when, axis=1)
        now = when[np.arange(len(when)), column]
        decided, kind = [], np.digitize(column, [s, s + s * s])
        kind[now == _NEVER] = -1
        for each, happens in enumerate((self._fires, self._asked, self._answered)):
            rows = np.flatnonzero(kind == each)
            if len(rows):
                decided.append(happens(rows, column[rows], now[rows]))
        return np.concatenate(decided), now

    def _at(self, rows: Array, i: Array | int, since: Array, wait: Array) -> Array:
        """Return when a wait is over: with ticks, at the last of as many ticks."""
        tick = self.rules.tick
        if not tick:
            return since + wait
        phase = self.state["phase"][rows, i]
        passed = np.floor((since - phase) / tick + 1e-6)  # a tick at `since` is over
        first = phase + (passed + 1) * tick
        due: Array = first + (np.round(wait / tick) - 1) * tick
        return due

    def _delay(self, count: int) -> Array:
        law: Duration = as_duration("one_way", self.rules.one_way)
        return law.sample(count, self.rng)

    def _wind(self, rows: Array, i: Array, now: Array) -> None:
        rules = self.rules
        wait: Array = self.rng.uniform(rules.low, rules.high, len(rows))
        if rules.tick:
            least, most = round(rules.low / rules.tick), round(rules.high / rules.tick)
            wait = rules.tick * self.rng.integers(least, most, len(rows))
        self.state["when"][rows, i] = self._at(rows, i, now, wait)

    def _fires(self, rows: Array, i: Array, now: Array) -> Array:
        self.state["led"][rows, i] = False
        self._wind(rows, i, now)
        if self.rules.pre_vote:
            self.state["running"][rows, i] = False
            self._ask(rows, i, now, pre=True)
        else:
            self._campaign(rows, i, now)
        return rows[:0]

    def _campaign(self, rows: Array, i: Array, now: Array) -> None:
        s = self.state
        s["term"][rows, i] += 1
        s["vote"][rows, i] = i
        s["running"][rows, i] = True
        self._ask(rows, i, now, pre=False)

    def _ask(self, rows: Array, i: Array, now: Array, *, pre: bool) -> None:
        s, n = self.state, len(self.rules.logs)
        s["votes"][rows, i], s["against"][rows, i] = 1, 0
        s["asking"][rows, i] = pre
        for j in range(n):
            other = np.flatnonzero(i != j)
            edge = i[other] * n + j
            when = now[other] + self._delay(len(other))
            s["when"][rows[other], n + edge] = when
            s["said"][rows[other], edge] = s["term"][rows[other], i[other]] + pre
            s["pre"][rows[other], edge] = pre

    def _asked(self, rows: Array, column: Array, now: Array) -> Array:
        s, n = self.state, len(self.rules.logs)
        edge = column - n
        i, j = edge // n, edge % n
        s["when"][rows, column] = _NEVER
        term, pre = s["said"][rows, edge], s["pre"][rows, edge]
        if self.rules.lease:
            held = s["led"][rows, j] & (now < s["free"][rows, j])
            kept = ~(held & (term > s["term"][rows, j])) & (term >= s["term"][rows, j])
            rows, i, j, term, pre, now = (x[kept] for x in (rows, i, j, term, pre, now))
        self._learn(rows[~pre], j[~pre], term[~pre], now[~pre])
        same = term == s["term"][rows, j]
        free = (s["vote"][rows, j] == -1) | (s["vote"][rows, j] == i)
        logs = np.array(self.rules.logs)
        yes = np.where(pre, term > s["term"][rows, j], same & free)
        yes &= logs[i] >= logs[j]
        given = yes & ~pre
        s["vote"][rows[given], j[given]] = i[given]
        self._wind(rows[given], j[given], now[given])
        back = i * n + j
        delay = self._delay(len(rows))
        s["when"][rows, n + n * n + back] = now + delay
        s["said"][rows, n * n + back] = np.where(yes, term, s["term"][rows, j])
        s["pre"][rows, n * n + back] = pre
        s["yes"][rows, back] = yes
        return rows[:0]

    def _learn(self, rows: Array, j: Array, term: Array, now: Array) -> None:
        """Let servers that hear of a later term follow it, without a vote yet."""
        s = self.state
        later = term > s["term"][rows, j]
        rows, j, term, now = rows[later], j[later], term[later], now[later]
        s["term"][rows, j], s["vote"][rows, j] = term, -1
        s["running"][rows, j] = s["led"][rows, j] = s["asking"][rows, j] = False
        if self.rules.tick:  # etcd draws a new timeout with every term
            self._wind(rows, j, now)

    def _answered(self, rows: Array, column: Array, now: Array) -> Array:
        s, n = self.state, len(self.rules.logs)
        back = column - n - n * n
        i = back // n
        s["when"][rows, column] = _NEVER
        term, yes = s["said"][rows, n * n + back], s["yes"][rows, back]
        pre = s["pre"][rows, n * n + back]
        self._learn(rows[~pre], i[~pre], term[~pre], now[~pre])
        due = s["term"][rows, i] + pre
        live = (term == due) & np.where(
            pre, s["asking"][rows, i], s["running"][rows, i]
        )
        s["votes"][rows, i] += live & yes
        won = live & yes & (s["votes"][rows, i] >= self.rules.majority)
        start = won & pre
        if start.any():
            self._wind(rows[start], i[start], now[start])
            self._campaign(rows[start], i[start], now[start])
        s["against"][rows, i] += live & ~yes & ~pre
        lost = live & (s["against"][rows, i] >= self.rules.majority)
        if self.rules.tick and lost.any():
            s["running"][rows[lost], i[lost]] = False
            self._wind(rows[lost], i[lost], now[lost])
        elected: Array = rows[won & ~pre]
        return elected
