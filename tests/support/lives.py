"""Nodes that fail and come back, told from the documentation: downtime by cause.

What is rare is played often and weighed: while anything is away failures come quicker
by a factor, and what follows counts by the ratio of the two likelihoods.  A cycle runs
from all well to all well; downtime per cycle over length per cycle is the long run.
"""

from collections import defaultdict

import numpy as np

from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Majority,
    SinglePrimary,
)

INF = float("inf")


class Life:
    """One system: what may fail, what runs, and who is served."""

    def __init__(self, spec, rng):
        self.spec, self.rng, self.now = spec, rng, 0.0
        self.timers, self.drawn, self.weight = {}, {}, 1.0

    def again(self):
        """Begin a cycle: all is well."""
        self.now, self.weight = 0.0, 1.0
        self.timers.clear()
        self.begin()

    def of(self, law):
        """One draw of a law; a thousand are made at once."""
        kept = self.drawn.setdefault(id(law), [])
        if not kept:
            kept += law.sample(1000, self.rng).tolist()
        return kept.pop()

    def draw(self, *stages):
        """Stages one after the other: a number is constant."""
        return sum(self.of(s) if hasattr(s, "sample") else float(s) for s in stages)

    def after(self, mean):
        """A time that is exponential unless it has a law."""
        return self.of(mean) if hasattr(mean, "sample") else self.rng.exponential(mean)

    def works(self, coverage):
        """Whether a failover works: one in three does not, and counts for less."""
        if self.rng.random() < 2 / 3 or coverage == 1:
            self.weight *= coverage / (2 / 3 if coverage < 1 else 1)
            return True
        self.weight *= (1 - coverage) * 3
        return False

    def start(self, name, wait):
        self.timers[name] = self.now + wait


class Pair(Life):
    """A primary and a standby, one crew."""

    def begin(self):
        self.nodes, self.cause = "both", ""
        standby = self.rng.integers(0, 2)  # nodes wander: each is it half of the time
        self.reads = self.spec.replicas[standby].reads if self.spec.replicas else ""

    def well(self):
        return self.nodes == "both"

    def failures(self):
        fail = 1 / self.spec.database.mttf
        beside = self.spec.standby.mttf
        standby = fail if beside is None else 1 / beside
        return {
            "both": {"primary": fail, "standby": standby},
            "unseen": {"primary": fail},
            "one": {"primary": fail},
        }.get(self.nodes, {})

    def attempt(self):
        """A failover that works, or one that is tried again until somebody helps."""
        failover = self.spec.failover
        stages = (
            failover.detection,
            failover.fencing,
            failover.promotion,
            failover.redirection,
        )
        self.nodes = "switching"
        if self.works(failover.coverage):
            self.cause = "failing over"
            self.start("takeover", self.draw(*stages))
            return
        self.cause = "failover did not work"
        most = INF if failover.tries is None else failover.tries
        if failover.retry is not None and self.tried < most:
            self.tried += 1
            self.start("retry", self.draw(failover.retry))
        elif failover.manual is None:
            self.nodes = "none"
            self.start("repair", self.after(self.spec.database.mttr))
        else:
            self.start("takeover", self.draw(*stages, failover.manual))

    def fails(self, name):
        if name == "standby":
            way = self.spec.replication
            self.nodes = "unseen"
            if way.mode == "semi-sync":
                self.nodes = "stalled"
                self.start("timeout", way.timeout)
            else:
                self.start("probe", self.after(self.spec.standby.probe))
        elif self.nodes == "both":
            self.tried = 0
            self.attempt()
        elif self.nodes == "unseen":
            self.timers.pop("probe")
            self.nodes, self.cause = "none", "standby failed unseen"
            self.start("repair", self.after(self.spec.database.mttr))
        else:  # the crew goes on with the node that failed first
            self.nodes, self.cause = "none", "both nodes down"

    def rings(self, name):
        if name == "retry":
            self.attempt()
        elif name == "timeout":
            self.nodes = "unseen"
            self.start("probe", self.after(self.spec.standby.probe))
        elif name == "repair" and self.nodes == "one":
            self.nodes = "both"
        else:
            self.nodes, self.cause = "one", ""
            self.start("repair", self.after(self.spec.database.mttr))

    def down(self):
        """Cause of an outage of reads and of writes, with its share."""
        unread = self.nodes == "none" or self.reads == "never"
        reads = self.cause if unread else ""
        writes = self.cause
        if self.nodes == "stalled":
            writes = "waiting for the standby"
        yield "read", reads, 1.0
        yield "write", writes, 1.0


class InSync(Life):
    """A leader that waits for its followers in sync, each of which serves no reads.

    Every node has its own crew.  A follower that fails holds writes up until it is
    dropped; below the least number in sync they stop; the last in sync is waited for.
    """

    def begin(self):
        self.ready = len(self.spec.replicas) - 1
        self.phase, self.cause = "serving", ""

    def well(self):
        return self.phase == "serving" and self.ready == len(self.spec.replicas) - 1

    def failures(self):
        if self.phase != "serving":
            return {}
        fail = 1 / self.spec.database.mttf
        found = {"leader": fail, "follower": self.ready * fail}
        return {name: rate for name, rate in found.items() if rate}

    def mend(self, name):
        self.start((name, self.now), self.after(self.spec.database.mttr))

    def fails(self, name):
        failover = self.spec.failover
        if name == "follower":
            self.ready -= 1
            self.mend(name)
            self.phase = "stalled"
            self.start("dropped", self.draw(self.spec.replication.timeout))
            return
        if not self.ready:
            self.phase, self.cause = "lost", "all nodes down"
            self.mend("last")
            return
        stages = [failover.detection, failover.promotion, failover.redirection]
        self.phase, self.cause = "switching", "failing over"
        if not self.works(failover.coverage):
            self.cause = "failover did not work"
            stages.append(failover.manual)
        self.start("elected", self.draw(*stages))

    def rings(self, name):
        if name == "dropped":
            self.phase = "serving"
        elif name == "elected":
            self.phase, self.cause = "serving", ""
            self.ready -= 1
            self.mend("old leader")
        elif name[0] == "last":
            self.phase, self.cause = "serving", ""
        else:
            self.ready += 1

    def down(self):
        writes = self.cause
        if self.phase == "stalled":
            writes = "waiting for the standby"
        if not writes and self.ready < self.spec.replication.acknowledgements:
            writes = "standby down"
        yield "read", self.cause, 1.0
        yield "write", writes, 1.0


class Sites(Life):
    """Sites that all serve; the clients of a lost one are led to another."""

    def begin(self):
        self.clients = dict.fromkeys(self.spec.sites, "home")

    def well(self):
        return all(where == "home" for where in self.clients.values())

    def failures(self):
        return {
            site: 1 / self.spec.database.mttf
            for site, where in self.clients.items()
            if where == "home"
        }

    def fails(self, name):
        failover = self.spec.failover
        self.clients[name] = "failing over"
        wait = self.draw(failover.detection, failover.redirection)
        self.start(("led", name), wait)
        self.start(("repaired", name), self.after(self.spec.database.mttr))

    def rings(self, name):
        what, site = name
        if what == "repaired":
            self.timers.pop(("led", site), None)
            self.clients[site] = "home"
            return
        failover = self.spec.failover
        first = self.clients[site] == "failing over"
        if first and not self.works(failover.coverage):
            self.clients[site] = "failover did not work"
            if failover.manual is not None:
                self.start(("led", site), self.after(failover.manual))
        else:
            self.clients[site] = "moved"

    def down(self):
        left = any(where == "home" for where in self.clients.values())
        for where in self.clients.values():
            cause = where if where not in {"home", "moved"} else ""
            if where == "moved" and not left:
                cause = "all sites down"
            yield "read", cause, 1 / len(self.clients)
            yield "write", cause, 1 / len(self.clients)


class Copies(Life):
    """Copies of which some must answer; a leader, if there is one, sits on a copy."""

    def begin(self):
        self.total = sum(self.spec.copies.values())
        self.working = set(range(self.total))
        self.led = isinstance(self.spec, Majority)
        self.leader = 0

    def well(self):
        return len(self.working) == self.total and self.leader is not None

    def failures(self):
        return dict.fromkeys(self.working, 1 / self.spec.database.mttf)

    def fails(self, name):
        self.working.remove(name)
        self.start(name, self.after(self.spec.database.mttr))
        if self.led and name == self.leader:
            self.leader = None
        self._elect()

    def rings(self, name):
        if name == "election":
            self.leader = self.rng.choice(sorted(self.working))
        else:
            self.working.add(name)
            self._elect()

    def _elect(self):
        """An election runs while there is no leader but a majority to elect one."""
        if not self.led or self.leader is not None:
            return
        if len(self.working) <= self.total / 2:
            self.timers.pop("election", None)
        elif "election" not in self.timers:
            self.start("election", self.after(self.spec.election))

    def down(self):
        for operation in ("read", "write"):
            yield operation, self._cause(operation), 1.0

    def _cause(self, operation):
        count, spec = len(self.working), self.spec
        if not self.led:
            needed = spec.read_quorum if operation == "read" else spec.write_quorum
            return "no quorum" if count < needed else ""
        if operation == "read" and spec.local_reads and count:
            return ""
        if count <= self.total / 2:
            return "no majority"
        return "failing over" if self.leader is None else ""


class Alone(Life):
    """One database, which is down until it is repaired."""

    def begin(self):
        self.up = True

    def well(self):
        return self.up

    def failures(self):
        return {"database": 1 / self.spec.database.mttf} if self.up else {}

    def fails(self, name):
        self.up = False
        self.start(name, self.after(self.spec.database.mttr))

    def rings(self, name):
        self.up = name == "database"

    def down(self):
        for operation in ("read", "write"):
            yield operation, "" if self.up else "database down", 1.0


KINDS = {
    SinglePrimary: Alone,
    ActivePassive: Pair,
    ActiveActive: Sites,
    Majority: Copies,
    Leaderless: Copies,
}


def steps(life, factor):
    """Yield how long each step of a cycle from all well takes, and that weighed."""
    life.again()
    failures = life.failures()
    total = sum(failures.values())
    names = list(failures)
    pick = life.rng.choice(len(names), p=np.array(list(failures.values())) / total)
    # the time in which all is well is known on average
    stay = 1 / total if factor > 1 else life.rng.exponential(1 / total)
    yield stay, stay
    life.fails(names[pick])
    while not life.well():
        failures = life.failures()
        total = sum(failures.values())
        failing = (
            life.now + life.rng.exponential(1 / (factor * total)) if total else INF
        )
        timer = min(life.timers, key=life.timers.get) if life.timers else None
        until = min(failing, life.timers.get(timer, INF))
        stay = until - life.now
        # the weight grows while the quicker failures have not come
        faster = (factor - 1) * total
        grown = np.expm1(faster * stay)
        yield stay, life.weight * (grown / faster if faster else stay)
        life.weight *= 1 + grown
        life.now = until
        if failing <= life.timers.get(timer, INF):
            life.weight /= factor
            names = list(failures)
            odds = np.array(list(failures.values())) / total
            life.fails(names[life.rng.choice(len(names), p=odds)])
        else:
            life.timers.pop(timer)
            life.rings(timer)


def cycle(life, factor):
    """Play one cycle from all well; return its costs and its length, weighed."""
    costs, length = defaultdict(float), 0.0
    for _, over in steps(life, factor):
        for operation, cause, share in life.down():
            if cause:
                costs[operation, cause] += share * over
        length += over
    return costs, length


def lived(spec, cycles, rng):
    """Live as it is: the moments of a life, and the downtime of writes until each."""
    life = _life(spec, rng)
    life.works = lambda coverage: rng.random() < coverage
    at, down = [0.0], [0.0]
    for _ in range(cycles):
        for stay, _ in steps(life, 1.0):
            share = sum(s for o, cause, s in life.down() if cause and o == "write")
            at.append(at[-1] + stay)
            down.append(down[-1] + share * stay)
    return np.array(at), np.array(down)


def _life(spec, rng):
    waits = getattr(spec, "replication", None)
    in_sync = waits is not None and waits.mode == "in-sync"
    return (InSync if in_sync else KINDS[type(spec)])(spec, rng)


def downtime(spec, cycles, rng, enough=None, batches=10):
    """Return the unavailability by operation and cause: an array over batches.

    So many cycles at most; a tenth of them, if what they show is `enough`.
    """
    life = _life(spec, rng)
    away = float(getattr(spec.database.mttr, "mean", spec.database.mttr))
    alive = spec.database.mttf
    factor = max(1.0, 0.3 * alive / away)
    sums = defaultdict(lambda: np.zeros(batches))
    lengths = np.zeros(batches)
    for i in range(cycles):
        if enough and i and i % (cycles // 10) == 0:
            found = defaultdict(lambda: np.zeros(batches))
            found |= {key: row / lengths for key, row in sums.items()}
            if enough(found):
                return found
        costs, length = cycle(life, factor)
        lengths[i % batches] += length
        for key, cost in costs.items():
            sums[key][i % batches] += cost
    return {key: row / lengths for key, row in sums.items()}
