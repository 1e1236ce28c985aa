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
    # the site of each server, if they differ: then messages within one take `within`,
    # and so many of them are lost, each as likely, of which one was the leader
    sites: tuple[int, ...] = ()
    within: float = 0.0
    failed: int = 0


@dataclass
class Ballots:
    """The state of many elections; one row for each that is not decided yet.

    An event is a timer that fires, a request that reaches a group of servers, or their
    answers that come back: the columns of `when`, s + sg + sg of them.  A group is a
    site; where messages take random times, each server is one.
    """

    rules: Rules
    rng: np.random.Generator
    count: int
    state: dict[str, Array] = field(default_factory=dict)
    won_first: int = 0  # elections that the first vote decided

    def __post_init__(self) -> None:
        n, s = self.count, len(self.rules.logs)
        random = hasattr(self.rules.one_way, "sample")
        self.way = as_duration("one_way", self.rules.one_way)
        at = np.arange(s) if random else np.array(self.rules.sites or (0,) * s)
        self.at, self.groups = at, int(at.max()) + 1
        held = [np.flatnonzero(at == g) for g in range(self.groups)]
        most = max(map(len, held))
        self.members = np.array([[*x, *[-1] * (most - len(x))] for x in held])
        kinds = {
            "term": np.zeros((n, s), int),
            "vote": np.full((n, s), -1),
            "votes": np.zeros((n, s), int),
            "against": np.zeros((n, s), int),
            "led": np.ones((n, s), bool),
            "running": np.zeros((n, s), bool),
            "asking": np.zeros((n, s), bool),
            "when": np.full((n, s + 2 * s * self.groups), _NEVER),
            "asked": np.zeros((n, s * self.groups), int),
            "pre": np.zeros((n, s * self.groups), bool),
            "said": np.full((n, s * s), -1),
            "yes": np.zeros((n, s * s), bool),
            "phase": self.rng.uniform(0, 1, (n, s)) * self.rules.tick,
            "lost": np.zeros((n, s), bool),
        }
        kinds["free"] = np.zeros((n, s))
        self.state = kinds
        self._begin()

    def _begin(self) -> None:
        """Let the last message of the leader arrive."""
        rules, kinds, rows = self.rules, self.state, np.arange(self.count)
        heard = -self.rng.uniform(0, 1, self.count) * rules.contact
        leader = None
        if rules.sites:
            gone = np.argsort(self.rng.uniform(0, 1, kinds["lost"].shape), axis=1)
            leader = self.at[gone[:, 0]]
            kinds["lost"][rows[:, None], gone[:, : rules.failed]] = True
        for i in range(len(rules.logs)):
            beside = 0 if leader is None else leader == self.at[i]
            then = heard + np.where(beside, rules.within, self.way.mean)
            kinds["free"][:, i] = self._at(rows, i, then, np.full(len(rows), rules.low))
            self._wind(rows, np.full(len(rows), i), then)
        kinds["when"][:, : len(rules.logs)][kinds["lost"]] = _NEVER

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
        decided = []
        kind = np.digitize(column, [s, s + s * self.groups])
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

    def _delay(self, i: Array, group: Array | int) -> Array:
        """Return the times of messages between servers and groups."""
        taken: Array = self.way.sample(len(i), self.rng)
        if not self.rules.sites:
            return taken
        return np.where(self.at[i] == group, self.rules.within, taken)

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
        for g, members in enumerate(self.members):
            others = (members >= 0) & (members != i[:, None])
            some = np.flatnonzero(others.any(axis=1))
            way = i[some] * self.groups + g
            when = now[some] + self._delay(i[some], g)
            s["when"][rows[some], n + way] = when
            s["asked"][rows[some], way] = s["term"][rows[some], i[some]] + pre
            s["pre"][rows[some], way] = pre

    def _asked(self, rows: Array, column: Array, now: Array) -> Array:
        s, n = self.state, len(self.rules.logs)
        way = column - n
        i, group = way // self.groups, way % self.groups
        s["when"][rows, column] = _NEVER
        whom = self.members[group]
        able = (whom >= 0) & (whom != i[:, None])
        if self.rules.failed:
            able &= ~s["lost"][rows[:, None], whom]
        event, place = np.nonzero(able)
        j = whom[event, place]
        s["said"][rows[event], i[event] * n + j] = -1  # no answer yet
        term, pre = s["asked"][rows, way], s["pre"][rows, way]
        rows, i, term, pre, now, way, group = (
            x[event] for x in (rows, i, term, pre, now, way, group)
        )
        if self.rules.lease:
            held = s["led"][rows, j] & (now < s["free"][rows, j])
            kept = ~(held & (term > s["term"][rows, j])) & (term >= s["term"][rows, j])
            rows, i, j, term, pre, now, way, group = (
                x[kept] for x in (rows, i, j, term, pre, now, way, group)
            )
        self._learn(rows[~pre], j[~pre], term[~pre], now[~pre])
        same = term == s["term"][rows, j]
        free = (s["vote"][rows, j] == -1) | (s["vote"][rows, j] == i)
        logs = np.array(self.rules.logs)
        yes = np.where(pre, term > s["term"][rows, j], same & free)
        yes &= logs[i] >= logs[j]
        given = yes & ~pre
        s["vote"][rows[given], j[given]] = i[given]
        self._wind(rows[given], j[given], now[given])
        s["when"][rows, n + n * self.groups + way] = now + self._delay(i, group)
        s["said"][rows, i * n + j] = np.where(yes, term, s["term"][rows, j])
        s["yes"][rows, i * n + j] = yes
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
        way = column - n - n * self.groups
        i, whom = way // self.groups, self.members[way % self.groups]
        s["when"][rows, column] = _NEVER
        edge = i[:, None] * n + whom
        term = np.where(whom >= 0, s["said"][rows[:, None], edge], -1)
        yes, pre = s["yes"][rows[:, None], edge], s["pre"][rows, way]
        due = s["term"][rows, i] + pre
        asks = np.where(pre, s["asking"][rows, i], s["running"][rows, i])
        live = (term == due[:, None]) & asks[:, None]
        more = (live & yes).sum(axis=1)
        s["votes"][rows, i] += more
        won = (more > 0) & (s["votes"][rows, i] >= self.rules.majority)
        start = won & pre
        if start.any():
            self._wind(rows[start], i[start], now[start])
            self._campaign(rows[start], i[start], now[start])
        less = np.where(pre, 0, (live & ~yes).sum(axis=1))
        s["against"][rows, i] += less
        lost = (less > 0) & (s["against"][rows, i] >= self.rules.majority)
        if self.rules.tick and lost.any():
            s["running"][rows[lost], i[lost]] = False
            self._wind(rows[lost], i[lost], now[lost])
        told = ~won & ~pre
        self._learn(rows[told], i[told], term[told].max(axis=1), now[told])
        elected = won & ~pre
        self.won_first += int((s["term"][rows, i][elected] == 1).sum())
        return np.asarray(rows[elected])
