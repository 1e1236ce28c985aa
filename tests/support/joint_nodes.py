"""A primary and its standbys, node by node: the whole product space, solved exactly.

Every node has a name and a condition of its own; nothing is counted, lumped or taken
from the package.  The rules are those that its documentation states.  States are
tuples (phase, primary, conditions of the nodes, lost sites, note), the long-run shares
solve a plain linear system.
"""

import math
from collections import deque

import numpy as np


class Joint:
    """The joint chain of named nodes; `p` has the parameters in s."""

    def __init__(self, **p):
        self.p = {
            "crews": 1,
            "manual": None,
            "retry": None,
            "probe": 0.0,
            "site": None,  # (mttf, mttr)
            "mode": "async",
            "acks": 1,
            "timeout": 10.0,
            "priority": None,
            "failback": None,  # (resync, switchover)
            "beta": 0.0,
            "kinds": None,  # name: (mttf, mttr, in place)
            "unclean": False,  # who is out of sync may lead
            "follows": None,  # of each node: which other it follows, or None
            "restore": {},  # kind: time where no other node is left
            "store": None,  # (mttf, mttr) of a lock store without which none fails over
            **p,
        }
        self.sites = self.p["sites"]
        self.n = len(self.sites)
        self.kinds = self.p["kinds"] or {
            "host": (self.p["mttf"], self.p["mttr"], False)
        }
        self.above = self.p["follows"] or (None,) * self.n
        self.rank = self.p["priority"] or (0,) * self.n

    # ---- the space -----------------------------------------------------------------

    def start(self):
        first = max(range(self.n), key=lambda i: (self.rank[i], -i))
        return ("serving", first, ("ok",) * self.n, frozenset(), "", True)

    def best(self, nodes, but=(), a=None):
        """The candidates: ready, of the highest priority, nearest to `a`, who leads."""
        ready = [i for i, c in enumerate(nodes) if c == "ok" and i not in but]
        if a is not None:  # None: all were lost, and any is better than none
            ready = [i for i in ready if self.up_to_date(nodes, i, a)]
        above = self.above
        top = max(((self.rank[i], above[i] is None) for i in ready), default=None)
        ready = [i for i in ready if (self.rank[i], above[i] is None) == top]
        near = [i for i in ready if a is not None and self.sites[i] == self.sites[a]]
        return near or ready

    def up_to_date(self, nodes, i, a):
        above = self.above[i]
        return above in {None, a} or nodes[above] == "ok"

    def put(self, nodes, changes):
        return tuple(changes.get(i, c) for i, c in enumerate(nodes))

    def lost(self, state, nodes, why):
        """Nobody can take over: what was unseen is seen now."""
        if why is None:
            ready = any(c == "ok" for c in nodes)
            hidden = any(c.startswith("?") for c in nodes)
            every = "both nodes down" if self.n == 2 else "all nodes down"
            why = "standby failed unseen" if hidden else every
            why = "standby behind" if ready else why
        nodes = tuple(c.lstrip("?") for c in nodes)
        return ("lost", state[1], nodes, state[3], why, state[5])

    def begin(self, state, nodes, dark, kind):
        """The primary is gone; yield (state, probability)."""
        _, a, _, _, _, store = state
        here = (None, a, None, dark, None, store)
        if not self.best(nodes, a=a):
            yield self.lost(here, nodes, None), 1.0
            return
        if not store:
            yield ("waiting " + kind, a, nodes, dark, "store", False), 1.0
            return
        yield from self.attempt(a, nodes, dark, kind)

    def attempt(self, a, nodes, dark, kind):
        c = self.p["coverage"]
        racing = kind != "site" and self.kinds[kind][2]
        phase = "detecting " if racing else "switching "
        yield (phase + kind, a, nodes, dark, "failing over", True), c
        why = "failover did not work"
        if self.p["retry"] is not None:
            yield ("retrying " + kind, a, nodes, dark, why, True), 1 - c
        elif self.p["manual"] is not None:
            yield ("manual " + kind, a, nodes, dark, why, True), 1 - c
        else:
            spoilt = "host" if kind == "site" else kind
            cands = self.best(nodes, a=a)
            for i in cands:
                to = self.lost(
                    (0, a, 0, dark, 0, True), self.put(nodes, {i: spoilt}), why
                )
                yield to, (1 - c) / len(cands)

    def moves(self, state):
        """Yield (next state, rate)."""
        word, _, kind = state[0].partition(" ")
        yield from getattr(self, word)(state, kind)

    # ---- serving -------------------------------------------------------------------

    def serving(self, state, _):
        for name in self.kinds:
            yield from self.failures(state, name)
        yield from self.noticed(state)
        _, _, nodes, *_ = state
        for i, rate in self.repairs(nodes, None):
            yield self.with_nodes(state, {i: "ok"}), rate
        yield from self.site_moves(state)
        yield from self.way_back(state)
        yield from self.store_moves(state)

    def with_nodes(self, state, changes):
        return (*state[:2], self.put(state[2], changes), *state[3:])

    def failures(self, state, name):
        _, a, nodes, dark, _, _ = state
        mttf, beta = self.kinds[name][0], self.p["beta"]
        for to, share in self.begin(state, self.put(nodes, {a: name}), dark, name):
            yield to, share * (1 - beta) / mttf
        for i, c in enumerate(nodes):
            if c == "ok" and i != a:
                bad = ("?" if self.p["probe"] else "") + name
                to = self.gone(state, self.put(nodes, {i: bad}), dark)
                yield to, (1 - beta) / mttf
        if beta:
            struck = [i for i, c in enumerate(nodes) if c in {"ok", "?" + name}]
            down = self.put(nodes, dict.fromkeys(struck, name))
            yield self.lost(state, down, "common cause"), beta / mttf

    def noticed(self, state):
        for i, c in enumerate(state[2]):
            if c.startswith("?"):
                yield self.with_nodes(state, {i: c[1:]}), 1 / self.p["probe"]

    def way_back(self, state):
        _, a, nodes, dark, _, store = state
        if self.p["failback"]:
            best = self.best(nodes, but=(a,), a=a)
            if any(self.rank[i] > self.rank[a] for i in best):
                to = ("returning", a, nodes, dark, "failing back", store)
                yield to, 1 / self.p["failback"][0]

    def store_moves(self, state):
        if self.p["store"]:
            yield (*state[:5], not state[5]), 1 / self.p["store"][0 if state[5] else 1]

    def answering(self, nodes, a):
        """How many standbys answer commits: no cascaded one does."""
        pairs = enumerate(zip(nodes, self.above, strict=True))
        return sum(c == "ok" and over is None for i, (c, over) in pairs if i != a)

    def gone(self, state, nodes, dark):
        """A standby has gone: semi-synchronous writes wait if it was the last."""
        _, a, before, _, _, store = state
        had, has = self.answering(before, a), self.answering(nodes, a)
        short = self.p["mode"] == "semi-sync" and had >= self.p["acks"] > has
        waits = short or (self.p["mode"] == "in-sync" and had > has)
        return ("stalled" if waits else "serving", a, nodes, dark, "", store)

    def site_moves(self, state):
        _, a, nodes, dark, _, _ = state
        if not self.p["site"]:
            return
        mttf, mttr = self.p["site"]
        for site in sorted(set(self.sites)):
            held = [i for i in range(self.n) if self.sites[i] == site]
            if site in dark:
                back = self.put(nodes, dict.fromkeys(held, "ok"))
                yield ("serving", a, back, dark - {site}, "", state[5]), 1 / mttr
                continue
            left, now = self.put(nodes, dict.fromkeys(held, "dark")), dark | {site}
            if a in held:
                for to, share in self.begin(state, left, now, "site"):
                    yield to, share / mttf
            else:
                yield self.gone(state, left, now), 1 / mttf

    def stalled(self, state, _):
        yield ("serving", *state[1:]), 1 / self.p["timeout"]

    def repairs(self, nodes, last, first=None, lost=False):
        """Yield (node, rate): crews share their work evenly, `last` is the last."""
        alone = lost and "ok" not in nodes
        waiting = []
        for i, c in enumerate(nodes):
            bare = c.lstrip("?")
            if bare not in self.kinds:
                continue
            if self.kinds[bare][2]:
                yield i, 1 / self.kinds[bare][1]
            elif c == bare:
                waiting.append(i)
        crews = self.p["crews"]
        if last in waiting and len(waiting) > crews:
            waiting.remove(last)
        if first in waiting:
            yield first, 1 / self.mends(nodes[first], alone)
            waiting.remove(first)
            crews -= 1
        for i in waiting:
            yield i, min(1, crews / len(waiting)) / self.mends(nodes[i], alone)

    def mends(self, kind, alone):
        return self.p["restore"].get(kind if alone else "", self.kinds[kind][1])

    # ---- failing over --------------------------------------------------------------

    def promoted(self, nodes, dark, a, store=True):
        cands = self.best(nodes, a=a)
        for i in cands:
            yield ("serving", i, nodes, dark, "", store), 1 / len(cands)

    def after(self):
        return self.p["promotion"]

    def switching(self, state, kind):
        _, a, nodes, dark, _, _ = state
        racing = kind != "site" and self.kinds[kind][2]
        time = self.after() + (0 if racing else self.p["detection"])
        for to, share in self.promoted(nodes, dark, a):
            yield to, share / time

    def race(self, state, kind, stage, onward):
        """A restart (exponential) races a stage of constant length."""
        _, a, nodes, dark, _, _ = state
        mean = self.kinds[kind][1]
        won = 1 - math.exp(-stage / mean)
        lasts = mean * won
        back = ("serving", a, self.put(nodes, {a: "ok"}), dark, "", True)
        yield back, won / lasts
        for to, share in onward:
            yield to, (1 - won) * share / lasts

    def detecting(self, state, kind):
        onward = [(("switching " + kind, *state[1:]), 1.0)]
        yield from self.race(state, kind, self.p["detection"], onward)

    def retrying(self, state, kind):
        _, a, nodes, dark, _, _ = state
        onward = list(self.attempt(a, nodes, dark, kind))
        if kind != "site" and self.kinds[kind][2]:
            yield from self.race(state, kind, self.p["retry"], onward)
            return
        for to, share in onward:
            yield to, share / self.p["retry"]

    def manual(self, state, kind):
        _, a, nodes, dark, _, _ = state
        time = self.p["detection"] + self.after() + self.p["manual"]
        onward = list(self.promoted(nodes, dark, a))
        if kind != "site" and self.kinds[kind][2]:
            yield from self.race(state, kind, time, onward)
            return
        for to, share in onward:
            yield to, share / time

    def returning(self, state, _):
        _, a, nodes, dark, _, store = state
        for i in (cands := self.best(nodes, but=(a,), a=a)):
            to = ("serving", i, nodes, dark, "", store)
            yield to, 1 / len(cands) / self.p["failback"][1]

    def waiting(self, state, kind):
        _, a, nodes, dark, _, _ = state
        for to, share in self.attempt(a, nodes, dark, kind):
            yield to, share / self.p["store"][1]

    def lost_nodes(self, state, nodes, dark):
        cands = self.best(nodes)
        if not cands:
            yield ("lost", state[1], nodes, dark, *state[4:]), 1.0
        for i in cands:
            yield ("serving", i, nodes, dark, "", state[5]), 1 / len(cands)

    def lost_moves(self, state):
        _, a, nodes, dark, _, _ = state
        clean = self.p["mode"] == "in-sync" and not self.p["unclean"]
        if clean and state[4] not in {"common cause", "failover did not work"}:
            yield from self.clean_moves(state)
            return
        for site in sorted(dark):
            held = [i for i in range(self.n) if self.sites[i] == site]
            back = self.put(nodes, dict.fromkeys(held, "ok"))
            for to, share in self.lost_nodes(state, back, dark - {site}):
                yield to, share / self.p["site"][1]
        last = a if len(self.kinds) == 1 else None
        for i, rate in self.repairs(nodes, last, lost=True):
            for to, share in self.lost_nodes(state, self.put(nodes, {i: "ok"}), dark):
                yield to, share * rate
        yield from self.store_moves(state)

    def clean_moves(self, state):
        """Nobody but the last primary may serve; the crews mend it first."""
        _, a, nodes, dark, _, store = state
        for site in sorted(dark):
            held = [i for i in range(self.n) if self.sites[i] == site]
            back = self.put(nodes, dict.fromkeys(held, "ok"))
            serves = ("serving", a, back, dark - {site}, "", store)
            waits = ("lost", a, back, dark - {site}, *state[4:])
            yield (serves if a in held else waits), 1 / self.p["site"][1]
        for i, rate in self.repairs(nodes, None, first=a, lost=True):
            back = self.put(nodes, {i: "ok"})
            serves = ("serving", a, back, dark, "", store)
            yield (serves if i == a else ("lost", a, back, *state[3:])), rate
        yield from self.store_moves(state)

    # ---- the answer ----------------------------------------------------------------

    def downtime(self):
        """Share of time in which writes stop, by cause."""
        start = self.start()
        number, waiting, edges = {start: 0}, deque([start]), []
        while waiting:
            state = waiting.popleft()
            lost = state[0] == "lost"
            for to, rate in self.lost_moves(state) if lost else self.moves(state):
                if to not in number:
                    number[to] = len(number)
                    waiting.append(to)
                edges.append((number[state], number[to], rate))
        size = len(number)
        q = np.zeros((size, size))
        for i, j, rate in edges:
            q[i, j] += rate
            q[i, i] -= rate
        scale = np.abs(np.diag(q))
        a = np.vstack([(q / scale[:, None]).T, np.ones(size)])
        _, _, vt = np.linalg.svd(a[:-1])
        flow = np.abs(vt[-1]) / scale  # visits times mean lengths
        share = flow / flow.sum()
        found = {}
        for state, k in number.items():
            cause = self.cause(state)
            if cause:
                found[cause] = found.get(cause, 0.0) + share[k]
        return found, size

    def cause(self, state):
        phase, a, nodes, _, why, _ = state
        if why:
            return why
        if phase == "stalled":
            return "waiting for the standby"
        others = self.answering(nodes, a)
        needed = {
            "quorum": self.p["acks"],
            "in-sync": self.p["acks"],
            "sync": self.answering(("ok",) * self.n, a),
        }.get(self.p["mode"], 0)
        return "standby down" if others < needed else ""
