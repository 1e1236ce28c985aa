"""How long a request takes in a situation: its way, its queues, what it waits for.

Assumptions: the app servers of a site share one queue, and so do the cores of a
database; the queues are in their steady state and independent.  Reads and writes wait
in one queue, whose service is a mixture of two exponential times (M/PH/c); each waits
like all and then takes its own.  Copies of a quorum all work on a request, and its
coordinator waits for the queues of as many as it needs; requests that two copies share
make both queues long at once, with the correlation of the work that comes to them.
Answers after the client's timeout are none, so latencies end there.

What app servers refuse (`Tier.waiting`) reaches no database; what they let through
counts as Poisson, though few places to wait make it smoother: the 95 and 99 % points of
a small database behind them were up to 10 % too long against requests played singly.
The worst is one core without a place before one core: 29 % too long at a load of the
database of 0.8, 32 % at 0.95 (GI/M/1).
Retries come as Poisson too: shares of requests that fail in all attempts were within
20 %, and up to that too low; those of single attempts within 10 %, rare ones 20 %.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from hamodel import _check, _html, text
from hamodel._types import Quantity
from hamodel.architectures import (
    Answers,
    Architecture,
    Behaviour,
    Model,
    Work,
    failed_apps,
)
from hamodel.architectures.behaviour import queued
from hamodel.duration import Duration, constant, exponential, mixture, stack, tabulated
from hamodel.queueing import MMc

_NONE = constant(0.0)
_RARE = 1e-9  # of the requests
_POINTS = (0.5, 0.95, 0.99)
_STEP = 1 / 2048  # of a probability, in a law that is cut off


class Loads(NamedTuple):
    """Share of its capacity that each tier uses; 1 or more is overload."""

    app: Quantity
    database: Quantity


class Way(NamedTuple):
    """What the latency of a request depends on."""

    operation: str
    at: str  # the site whose database does the work
    led_away: bool  # the client enters another site than its own
    forwarded: bool  # the database is at another site than the servers
    servers: int  # app servers that work
    loads: Loads
    work: Work  # of the database
    attempts: float = 1.0  # per request: how often loads and work count it

    def times(self, attempts: float) -> Way:
        """Return the way if each request is tried so many times."""
        return self._replace(
            loads=Loads(*(attempts * load for load in self.loads)),
            work=Work(*(attempts * rate for rate in self.work)),
            attempts=attempts * self.attempts,
        )


class Piece(NamedTuple):
    """Some of the requests of a way: a constant time and a random one."""

    share: float
    shift: float
    law: Duration


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """Latencies of an architecture under a workload, each made once."""

    architecture: Architecture
    behaviour: Behaviour
    model: Model
    made: dict[Way, list[Piece]] = field(default_factory=dict, repr=False)
    queues: dict[Hashable, Duration] = field(default_factory=dict, repr=False)
    calm: dict[Hashable, float] = field(default_factory=dict, repr=False)

    @cached_property
    def shares(self) -> dict[str, Quantity]:
        """Share of the requests from each site."""
        return self.behaviour.workload.shares(self.architecture.sites)

    def loads(self, share: Quantity, failed: int, work: Work) -> Loads:
        """Return the loads of a site that takes a share of all requests."""
        w, apps = self.behaviour.workload, self.architecture.site.apps
        busy = work.reads * w.read_time + work.writes * w.write_time
        database = busy / self.behaviour.cores
        if apps is None:
            return Loads(0.0, database)
        cores = (apps.servers - failed) * apps.node.cores
        return Loads(share * w.requests * w.app_time / cores, database)

    def refused(self, way: Way) -> Quantity:
        """Return the share of the requests that find the app servers' queue full."""
        return self._refused(way.loads, way.servers)

    def _refused(self, loads: Loads, servers: int) -> Quantity:
        w, apps = self.behaviour.workload, self.architecture.site.apps
        if apps is None or apps.waiting is None:
            return 0.0
        cores = servers * apps.node.cores
        time = np.where(np.asarray(w.app_time) == 0, 1.0, w.app_time)[()]  # no load
        arrival = loads.app * cores / time
        return MMc(arrival, time, cores, cores + apps.waiting).blocking

    def beyond(self, way: Way) -> Quantity:
        """Return 1 where a tier without a limit has more to do than it can, else 0."""
        if any(hasattr(load, "free_symbols") for load in way.loads):
            return 0.0  # a formula of the load itself is not asked for its limits
        apps = self.architecture.site.apps
        limited = apps is not None and apps.waiting is not None
        used = self.used(way.loads, way.servers)
        app, database = (np.asarray(load) for load in used)
        return ((app >= 1) & (not limited) | (database >= 1)).astype(float)[()]

    def used(self, loads: Loads, servers: int) -> Loads:
        """Return the loads behind app servers that keep what they refuse from it."""
        passed = 1 - self._refused(loads, servers)
        return loads._replace(database=loads.database * passed)

    def slow(self, way: Way, limit: float) -> float:
        """Return the probability that an attempt takes longer than a limit in s."""
        if limit == np.inf:
            return 0.0
        pieces = self.pieces(way)
        return sum(p.share * float(p.law.sf(limit - p.shift)) for p in pieces)

    def latency(self, weights: Mapping[Way, Quantity]) -> Duration:
        """Return the latency of requests that go these ways; loads must be below 1.

        Ways are mixed by their constant part, so that a few dozen situations cost
        little more than one; those of less than 1e-9 of the requests are left out.
        Weights may be arrays: laws are made once for all of them.
        """
        total = sum(weights.values())
        groups: dict[float, list[tuple[Quantity, Duration]]] = defaultdict(list)
        for way, weight in weights.items():
            for share, shift, law in self.pieces(way):
                part = share * weight
                part = np.where(part > _RARE * total, part, 0.0)[()]
                if np.any(part):
                    groups[shift].append((part, law))
        if np.ndim(total):
            if self.behaviour.workload.timeout < np.inf:
                return self._each(weights, np.shape(total))
            every = [(w, law + shift) for shift, g in groups.items() for w, law in g]
            return _mixed(every)
        laws = [_mixed(group) + shift for shift, group in groups.items()]
        shares = (sum(w for w, _ in group) for group in groups.values())
        law = _mixed(list(zip(shares, laws, strict=True)))
        return _in_time(law, self.behaviour.workload.timeout)

    def _each(
        self, weights: Mapping[Way, Quantity], shape: tuple[int, ...]
    ) -> Duration:
        """Return the latency for each element of arrays of weights."""
        rows = {way: np.broadcast_to(w, shape) for way, w in weights.items()}
        one = [
            self.latency({way: row[i] for way, row in rows.items()})
            for i in np.ndindex(shape)
        ]
        return stack(one, shape)

    def pieces(self, way: Way) -> list[Piece]:
        """Return the requests of a way by what they wait for."""
        if way not in self.made:
            self.made[way] = list(self._pieces(way))
        return self.made[way]

    @cached_property
    def levels(self) -> dict[int, Quantity]:
        """How many app servers of a site have failed while enough are left."""
        return failed_apps(self.architecture.site)

    def _pieces(self, way: Way) -> Iterator[Piece]:
        w = self.behaviour.workload
        led = [w.between_sites] if way.led_away else []
        shift, there = _parted([w.within_site, *led])
        there = there + self._app(way)
        for share, more, law in self._at_database(way):
            yield Piece(share, shift + more, there + law)

    def _app(self, way: Way) -> Duration:
        w, apps = self.behaviour.workload, self.architecture.site.apps
        if apps is None or w.app_time == 0:
            return _NONE
        cores = way.servers * apps.node.cores
        key = way.loads.app, w.app_time, cores, apps.waiting
        if key not in self.queues:
            self.queues[key] = _served(*key)
        return self.queues[key]

    def _at_database(self, way: Way) -> Iterator[Piece]:
        """Yield the times at the database, and at a cache before it."""
        w, site = self.behaviour.workload, self.architecture.site
        passed = 1 - self.refused(way)
        asked = Work(*(rate * passed for rate in way.work))
        wait = self._wait(asked)
        reading = way.operation == "read"
        own = _exponential(w.read_time if reading else w.write_time)
        cache = site.cache if reading else None
        hits = 0.0 if cache is None else cache.hit_ratio
        look = _NONE if cache is None else _exponential(cache.time)
        trip = self.behaviour.workload.between_sites if way.forwarded else _NONE
        if hits:
            yield Piece(hits, 0.0, look)
        for share, wait_for in self.behaviour.waits(way.operation, way.at):
            if isinstance(wait_for, Answers):
                shift, more = _parted([trip])
                law = more + wait_for.law(partial(self._busier, asked), own)
            else:
                shift, more = _parted([trip, wait_for])
                law = wait + own + more
            yield Piece((1 - hits) * share, shift, look + law)

    def _busier(self, work: Work, reads: float) -> Duration:
        """Return the wait of a database with so many times the reads.

        One that has more to do than it can counts as this: its own clients are told.
        """
        more, w = work._replace(reads=reads * work.reads), self.behaviour.workload
        busy = more.reads * w.read_time + more.writes * w.write_time
        return self._wait(more if busy < self.behaviour.cores else work)

    def _wait(self, work: Work) -> Duration:
        """Return the wait for a database's core: reads and writes form one queue."""
        if work not in self.queues:
            behaviour = self.behaviour
            self.queues[work] = queued(work, behaviour.workload, behaviour.cores)
        return self.queues[work]


def _parted(times: Sequence[Duration]) -> tuple[float, Duration]:
    """Return the sum of the constant times, and the law of the others."""
    shift, rest = 0.0, _NONE
    for time in times:
        if time.shape:
            _check.alone("latencies", **{"a way, or the wait of a commit": time})
        if time.support[0] == time.support[1]:  # a variance may need an integral
            shift += float(time.mean)
        else:
            rest = rest + time
    return shift, rest


def _mixed(parts: Sequence[tuple[Quantity, Duration]]) -> Duration:
    if len(parts) == 1:
        return parts[0][1]
    total = sum(weight for weight, _ in parts)
    return mixture([weight / total for weight, _ in parts], [law for _, law in parts])


def _in_time(law: Duration, limit: float) -> Duration:
    """Return the law of what takes no longer than a limit, after which all give up."""
    late = float(law.sf(limit))
    if not _RARE < late < 1 - _RARE:
        return law
    times = np.linspace(law.support[0], limit, 513)
    above = np.asarray(law.sf(times))
    while True:  # halve where it falls by much, of all or of what is left
        much = -np.diff(above) > np.minimum(_STEP, above[1:] / 50)
        much &= np.diff(times) > _RARE * limit  # a jump
        if not np.any(much):
            break
        more = (times[1:][much] + times[:-1][much]) / 2
        where = np.flatnonzero(much) + 1
        times = np.insert(times, where, more)
        above = np.insert(above, where, law.sf(more))
    return tabulated(times, np.clip((above - late) / (1 - late), 0.0, 1.0))


def _served(load: float, service: float, cores: int, waiting: int | None) -> Duration:
    """Return the response time of servers that take requests of one kind."""
    room = None if waiting is None else cores + waiting
    return MMc(load * cores / service, service, cores, room).response


def _exponential(mean: Quantity) -> Duration:
    _check.alone("latencies", **{"the time of a look, or of the work": mean})
    return exponential(mean) if mean else _NONE


@dataclass(frozen=True, kw_only=True, eq=False)
class Latency:
    """Latency of the requests that are answered, by site and operation.

    Ask for `latency["DC-1", "read"]`; a law is made when it is first asked for.
    """

    sites: tuple[str, ...]
    law_of: Callable[[str, str], Duration] = field(repr=False)
    made: dict[tuple[str, str], Duration] = field(default_factory=dict, repr=False)

    def __getitem__(self, key: tuple[str, str]) -> Duration:
        """Return the law of the latency for clients of a site."""
        site, operation = key
        _check.one_of(self.sites, site=site)
        _check.one_of(("read", "write"), operation=operation)
        if key not in self.made:
            self.made[key] = self.law_of(site, operation)
        return self.made[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over sites and operations."""
        for site in self.sites:
            yield site, "read"
            yield site, "write"

    def __len__(self) -> int:
        """Return the number of laws."""
        return 2 * len(self.sites)

    def items(self) -> Iterator[tuple[tuple[str, str], Duration]]:
        """Iterate over keys and laws."""
        return ((key, self[key]) for key in self)

    def _repr_html_(self) -> str:
        rows = [
            (
                f"{site}, {operation}",
                *(text.time(float(law.quantile(p))) for p in _POINTS),
            )
            for (site, operation), law in self.items()
        ]
        header = ("clients", *(f"{100 * p:g} %" for p in _POINTS))
        return _html.table(rows, header=header, caption="Latency")
