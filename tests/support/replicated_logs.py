"""A cluster that keeps one log by Raft's rules, message by message, while nodes fail.

Written from Ongaro and Ousterhout (2014), figure 2, and from the documentation of
`Majority`: clients send writes to the leader, which sends them to the others and
answers once most of the votes have them.  What a node that crashes has sent and nobody
has received is gone.  While a leader lives its messages keep the others' timers from
firing, so that only its last ones are played.
"""

import heapq
import itertools
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Node:
    """What a node remembers, and what it does now."""

    site: int
    log: list = field(default_factory=list)  # (term, number of the write)
    shown: int = 0  # entries that it shows to readers
    term: int = 0
    vote: int | None = None
    votes: set = field(default_factory=set)
    role: str = "follower"
    up: bool = True
    lives: int = 0  # how often it began anew
    timer: int = 0
    match: dict = field(default_factory=dict)  # of a leader: what each other has


@dataclass
class Cluster:
    """The cluster and all that was seen of it."""

    sites: tuple  # the site of each node
    way: float  # s, of a message to another site; within one they take `beside`
    beside: float
    low: float  # s, least and greatest election timeout
    high: float
    heartbeat: float
    mttf: float
    mttr: float
    rng: np.random.Generator
    careful: bool = True  # whether voters compare logs

    def __post_init__(self):
        self.nodes = [Node(site) for site in self.sites]
        self.agenda, self.order, self.now = [], itertools.count(), 0.0
        self.leader, self.since, self.cause = None, 0.0, "failing over"
        self.lost_at = None  # when the leader crashed, while most others work
        self.down = {"failing over": 0.0, "no majority": 0.0}
        self.recoveries, self.answered, self.committed = [], {}, 0
        self.late, self.latency = [], []  # s, of copies after the answer; of writes
        self.unread = [0, 0]  # stale and all reads
        for i in range(len(self.nodes)):
            self.post(self.rng.exponential(self.mttf), self.crash, i)
            self.wind(i, 0.0)

    def post(self, after, what, *args):
        heapq.heappush(self.agenda, (self.now + after, next(self.order), what, args))

    def send(self, i, j, what, *args):
        """A message from i to j, which neither may begin anew meanwhile."""
        same = self.nodes[i].site == self.nodes[j].site
        lives = self.nodes[i].lives, self.nodes[j].lives
        after = self.beside if same else self.way
        self.post(after, self.arrive, i, j, lives, what, args)

    def arrive(self, i, j, lives, what, args):
        if (self.nodes[i].lives, self.nodes[j].lives) == lives and self.nodes[j].up:
            what(i, j, *args)

    def run(self, seconds, writes, reads):
        """Play, with so many writes and local reads in 1/s."""
        for rate, what in ((writes, self.ask), (reads, self.read)):
            for at in np.sort(
                self.rng.uniform(0, seconds, self.rng.poisson(rate * seconds))
            ):
                self.post(at, what)
        while self.agenda[0][0] < seconds:
            self.now, _, what, args = heapq.heappop(self.agenda)
            what(*args)
        return self

    # ---- who is up, and who leads --------------------------------------------------

    @property
    def most(self):
        return len(self.nodes) // 2 + 1

    def watch(self):
        """Count the time since anything changed."""
        if self.cause:
            self.down[self.cause] += self.now - self.since
        self.since = self.now
        enough = sum(node.up for node in self.nodes) >= self.most
        leads = self.leader is not None and self.nodes[self.leader].up
        self.cause = (
            "" if enough and leads else "failing over" if enough else "no majority"
        )
        if not enough:
            self.lost_at = None

    def crash(self, i):
        node = self.nodes[i]
        node.up, node.lives, node.timer = False, node.lives + 1, node.timer + 1
        if i == self.leader:
            self.lost_at = self.now
            self.retire()
        node.role = "follower"
        self.watch()
        if self.cause == "no majority" and self.leader is not None:
            self.post(self.low, self.give_up, self.leader, self.nodes[self.leader].term)
        self.post(self.rng.exponential(self.mttr), self.back, i)

    def retire(self):
        """The leader is gone: timers run from its last message."""
        gone, self.leader = self.leader, None
        last = self.now - self.rng.uniform(0, self.heartbeat)
        for j, node in enumerate(self.nodes):
            if node.up and j != gone:
                same = node.site == self.nodes[gone].site
                self.wind(j, last + (self.beside if same else self.way))

    def give_up(self, i, term):
        """A leader that has not heard from most for so long steps down."""
        if (
            self.leader == i
            and self.nodes[i].term == term
            and self.cause == "no majority"
        ):
            self.retire()
            self.nodes[i].role = "follower"
            self.wind(i, self.now)
            self.watch()

    def back(self, i):
        node = self.nodes[i]
        node.up, node.lives, node.votes = True, node.lives + 1, set()
        self.post(self.rng.exponential(self.mttf), self.crash, i)
        self.watch()
        if self.leader is None:
            self.wind(i, self.now)
        else:
            self.replicate(self.leader, i)

    def wind(self, i, since):
        node = self.nodes[i]
        node.timer += 1
        due = since + self.rng.uniform(self.low, self.high)
        self.post(max(due - self.now, 0.0), self.fire, i, node.timer)

    def fire(self, i, timer):
        node = self.nodes[i]
        if timer != node.timer or not node.up or self.leader is not None:
            return
        node.term, node.vote, node.votes, node.role = node.term + 1, i, {i}, "candidate"
        self.wind(i, self.now)
        last = node.log[-1][0] if node.log else 0
        for j in range(len(self.nodes)):
            if j != i:
                self.send(i, j, self.asked, node.term, (last, len(node.log)))

    def asked(self, i, j, term, log):
        """Node j is asked for its vote by node i."""
        node = self.nodes[j]
        self.learn(j, term)
        own = (node.log[-1][0] if node.log else 0, len(node.log))
        if (
            term == node.term
            and node.vote in (None, i)
            and (log >= own or not self.careful)
        ):
            node.vote = i
            self.wind(j, self.now)
            self.send(j, i, self.voted, term)

    def voted(self, j, i, term):
        node = self.nodes[i]
        if node.role == "candidate" and node.term == term:
            node.votes.add(j)
            if len(node.votes) >= self.most:
                self.lead(i)

    def learn(self, j, term):
        node = self.nodes[j]
        if term > node.term:
            node.term, node.vote, node.role = term, None, "follower"
            if self.leader == j:
                self.retire()

    def lead(self, i):
        node = self.nodes[i]
        node.role, self.leader = "leader", i
        node.match = {j: 0 for j in range(len(self.nodes)) if j != i}
        node.log.append((node.term, None))
        if self.lost_at is not None:
            self.recoveries.append(self.now - self.lost_at)
            self.lost_at = None
        self.watch()
        for j in node.match:
            self.replicate(i, j)

    # ---- what is written -----------------------------------------------------------

    def ask(self):
        """A client sends a write to the leader; its way there counts."""
        if self.leader is None:
            return
        near = self.rng.integers(len(set(self.sites))) == self.nodes[self.leader].site
        trip = 0.0 if near else self.way
        self.post(trip, self.write, self.leader, self.nodes[self.leader].lives, trip)

    def write(self, i, lives, trip):
        node = self.nodes[i]
        if i != self.leader or node.lives != lives:
            return
        node.log.append((node.term, (self.now, trip)))
        for j in node.match:
            self.replicate(i, j)

    def replicate(self, i, j):
        if self.nodes[j].up:
            self.send(
                i,
                j,
                self.append,
                self.nodes[i].term,
                len(self.nodes[i].log),
                self.committed,
            )

    def append(self, i, j, term, length, committed):
        node, leader = self.nodes[j], self.nodes[i]
        self.learn(j, term)
        if term < node.term or leader.role != "leader" or leader.term != term:
            return
        node.timer += 1  # it has heard of a leader
        alike = min(len(node.log), length)
        while alike and node.log[alike - 1] != leader.log[alike - 1]:
            alike -= 1
        if alike < length:
            node.log[alike:] = leader.log[alike:length]
        self.show(j, min(committed, length))
        self.send(j, i, self.acknowledged, term, length)

    def acknowledged(self, j, i, term, length):
        node = self.nodes[i]
        if i != self.leader or node.term != term:
            return
        node.match[j] = max(node.match[j], length)
        reached = sorted([len(node.log), *node.match.values()])[-self.most]
        if reached > self.committed and node.log[reached - 1][0] == term:
            for place in range(self.committed, reached):
                self.answered[place] = node.log[place]
                if node.log[place][1] is not None:
                    made, trip = node.log[place][1]
                    self.latency.append(self.now - made + 2 * trip)
            self.done_at = self.now
            self.committed = reached
            self.show(i, reached)
            self.tell(i, reached)

    def tell(self, i, reached):
        """The others hear at once of what is committed."""
        for j in self.nodes[i].match:
            self.send(i, j, self.told, reached, self.now)

    def told(self, leader, j, reached, since):
        del leader
        if len(self.nodes[j].log) >= reached:
            if reached > self.nodes[j].shown:
                self.late.append(self.now - since)
            self.show(j, reached)

    def show(self, j, reached):
        self.nodes[j].shown = max(self.nodes[j].shown, reached)

    def read(self):
        """A client reads the one key there is, at any copy of its site."""
        site = self.rng.integers(len(set(self.sites)))
        here = [k for k, s in enumerate(self.sites) if s == site]
        one = self.nodes[self.rng.choice(here)]
        if one.up and not self.cause:
            self.unread[0] += one.shown < self.committed
            self.unread[1] += 1

    def lost(self):
        """How many answered writes are not in the log that most of the nodes have."""
        log = max(
            (node.log for node in self.nodes), key=lambda log: (log[-1], len(log))
        )
        return sum(
            entry != log[place]
            for place, entry in self.answered.items()
            if place < len(log)
        )
