"""M/G/c: several servers; exact for phase-type service, else with a stated error.

Servers are alike, so a state is how many of them are busy in each phase.  From c
requests on the levels form a geometric row whose ratio is a matrix R (Neuts 1981).  Let
D0 be the moves of c busy servers in which none is done, and D1 those in which one is
done and takes the next request.  Then P(W > t) = p exp((D0 + R D1) t) 1, where p is
what an arrival that must wait finds.  Turned round in time this is a phase-type law,
whose rates are sums of positive terms; it is left at the rate at which the last free
server is taken.  Source: Asmussen and O'Cinneide (1998), Representations for
matrix-geometric and matrix-exponential steady-state distributions with applications to
many-server queues, Stochastic Models 14(1-2), 369-387.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.queueing import _phases, _report
from hamodel.queueing._mmc import MMc

MOST = 100  # ways to be busy; the effort grows like the third to fourth power
_ROUNDED, _NOTHING = 1e-10, 1e-290  # of a whole, and of 1


class Service(NamedTuple):
    """A service time by its phases."""

    start: FloatArray  # probability to begin in each phase
    moves: FloatArray  # rates between phases, 0 on the diagonal
    leave: FloatArray  # rates of being done


def ways(phases: int, servers: int) -> int:
    """Count the ways in which so many servers are busy."""
    return comb(servers + phases - 1, servers)


def wait(
    arrival: float, start: FloatArray, rates: FloatArray, servers: int
) -> tuple[FloatArray, FloatArray]:
    """Return the phase-type form of the wait; its start lacks P(no wait)."""
    service = Service(
        start, rates * (1 - np.eye(len(start))), np.maximum(-rates.sum(axis=1), 0.0)
    )
    local, done = _inside(service, servers), _down(service, servers)
    swap = done @ _up(service, servers - 1)  # one is done, the next begins
    up = arrival * np.eye(len(local))
    ratio = arrival * np.linalg.inv(_drain(up, local, swap))
    top = _stay(local + ratio @ swap, done.sum(axis=1))
    entry, levels = _lower(arrival, service, servers, top)
    held = np.linalg.solve((np.eye(len(up)) - ratio).T, levels[-1])  # from c on
    total = sum(level.sum() for level in levels[:-1]) + held.sum()
    # the same moves turned round in time, but for ways so rare that rounding made them
    some = held > max(_ROUNDED * held.sum(), _NOTHING)
    here, moves = held[some], (local + ratio @ swap)[np.ix_(some, some)].T
    turned = moves * here / here[:, None] * (1 - np.eye(len(here)))
    left = turned.sum(axis=1) + np.maximum(entry[some], 0.0) / here
    return here / total, turned - np.diag(left)


def _lower(
    arrival: float, service: Service, servers: int, top: FloatArray
) -> tuple[FloatArray, list[FloatArray]]:
    """Return the flow into level c, and levels 0 to c in proportion to their chance.

    From above, each level in turn becomes a matrix times the one below it.
    """
    ratios, block = [], top
    for level in range(servers, 0, -1):
        up = arrival * _up(service, level - 1)
        ratios.append(up @ np.linalg.inv(block))
        local, done = _inside(service, level - 1), _down(service, level - 1)
        block = _stay(local + ratios[-1] @ _down(service, level), done.sum(axis=1))
    levels = [np.ones(1)]
    for ratio in reversed(ratios):
        levels.append(levels[-1] @ ratio)
    return levels[-2] @ (arrival * _up(service, servers - 1)), levels


def _drain(up: FloatArray, local: FloatArray, down: FloatArray) -> FloatArray:
    """-(A1 + A0 G), with G the state on first reaching one level down.

    Logarithmic reduction: each round doubles the heights that excursions may reach
    (Latouche and Ramaswami 1993, J. Appl. Prob. 30, 650-674).
    """
    stay = _stay(local, (up + down).sum(axis=1))
    high, low = np.linalg.solve(stay, up), np.linalg.solve(stay, down)
    first, path = low, high
    for _ in range(64):
        twice = np.stack([high @ high, low @ low])
        again = _stay(high @ low + low @ high, twice.sum(axis=(0, 2)))
        high, low = np.linalg.solve(again, twice)
        step = path @ low
        first = first + step
        path = path @ high
        if np.max(step) <= 1e-17:  # squared in each round: nothing is left
            break
    return _stay(local + up @ first, down.sum(axis=1))


def _stay(moves: FloatArray, away: FloatArray) -> FloatArray:
    """Return rates with what leaves on the diagonal: no difference loses its digits.

    `away` is what goes elsewhere (Grassmann, Taksar and Heyman 1985, Operations
    Research 33, 1107-1116).
    """
    among = moves * (1 - np.eye(len(moves)))
    return np.asarray(np.diag(among.sum(axis=1) + away) - among)


# ---- the moves of so many busy servers --------------------------------------------


def _inside(service: Service, busy: int) -> FloatArray:
    """Rates at which a server goes from phase to phase."""
    return _filled(_changes(len(service.start), busy, "move"), service.moves)


def _down(service: Service, busy: int) -> FloatArray:
    """Rates at which a server is done, and nobody takes its place."""
    return _filled(_changes(len(service.start), busy, "leave"), service.leave)


def _up(service: Service, busy: int) -> FloatArray:
    """Probabilities of the phase in which one more server begins."""
    return _filled(_changes(len(service.start), busy, "begin"), service.start)


class _Changes(NamedTuple):
    """All moves of a kind: from which state to which, by how many, in what phases."""

    shape: tuple[int, int]
    states: tuple[NDArray[np.intp], NDArray[np.intp]]
    number: FloatArray
    phases: tuple[NDArray[np.intp], ...]


def _filled(changes: _Changes, rates: FloatArray) -> FloatArray:
    found = np.zeros(changes.shape)
    np.add.at(found, changes.states, changes.number * rates[changes.phases])
    return found


@lru_cache(maxsize=512)
def _changes(phases: int, busy: int, kind: str) -> _Changes:
    """List the moves of so many busy servers, once for each shape."""
    here = _states(phases, busy)
    there = _states(phases, max(busy + (kind == "begin") - (kind == "leave"), 0))
    rows: list[tuple[int, ...]] = []
    for state, place in here.items():
        for i in range(phases):
            if kind == "begin":
                rows.append((place, there[_with(state, i, 1)], 1, i))
            elif state[i] and kind == "leave":
                rows.append((place, there[_with(state, i, -1)], state[i], i))
            elif state[i]:
                rest = _with(state, i, -1)
                rows += [
                    (place, there[_with(rest, j, 1)], state[i], i, j)
                    for j in range(phases)
                    if j != i
                ]
    width = 4 + (kind == "move")
    columns = np.array(rows, dtype=np.intp).reshape(len(rows), width).T
    return _Changes(
        (len(here), len(there)),
        (columns[0], columns[1]),
        columns[2].astype(float),
        tuple(columns[3:]),
    )


@lru_cache(maxsize=512)
def _states(phases: int, busy: int) -> dict[tuple[int, ...], int]:
    """Return a number for each way in which so many servers are busy."""
    chosen = combinations_with_replacement(range(phases), busy)
    counts = (tuple(map(choice.count, range(phases))) for choice in chosen)
    return {state: place for place, state in enumerate(counts)}


def _with(state: tuple[int, ...], phase: int, more: int) -> tuple[int, ...]:
    return (*state[:phase], state[phase] + more, *state[phase + 1 :])


@dataclass(frozen=True, eq=False)
class MGc:
    """Poisson arrivals, c servers, service times of any distribution, in order.

    Exact for service of phase type, such as reads and writes of unequal exponential
    times, on so many servers that there are at most 100 ways to be busy: 99 servers
    with two kinds of requests, 12 with three.  For other service no closed form is
    known.  The mean wait lies between those of exponential and of constant service,
    weighted by the squared coefficient of variation; the delay probability is that of
    M/M/c, and a wait that is not zero is taken as exponential.

    Parameters
    ----------
    arrival : array_like
        Arrival rate in 1/s.
    service : Duration
        Service time.
    servers : array_like
        Number of servers.

    Raises
    ------
    ValueError
        If a field is out of range or service no duration.

    Notes
    -----
    Beyond phase-type service the mean is exact for one server.  Held against exact
    chains (cv 0.7 to 2, 2 to 8 servers, load 50 to 95 %) it is within 5 %.  The 99th
    percentile of the wait, against 600 000 simulated requests of constant, uniform and
    lognormal service on the same servers and loads, is within 20 % up to cv 1 and
    within 30 % up to cv 2, where it is more often too low than too high.  Heavier tails
    may err by much more: two moments do not determine the wait (Gupta, Harchol-Balter,
    Dai and Zwart 2010, Queueing Systems 64).
    Kimura (1986), J. Appl. Prob. 23, 688-696, equation for M/G/s, with the M/D/s of
    Cosmetatos (1975), Operational Research Quarterly 26, 615-620.

    Examples
    --------
    >>> from hamodel import duration
    >>> steady = MGc(arrival=9, service=duration.constant(1.0), servers=10)
    >>> round(steady.mean_wait, 3), round(MMc(9, 1.0, 10).mean_wait, 3)
    (0.346, 0.669)
    """

    arrival: Quantity
    service: Duration
    servers: Quantity

    def __post_init__(self) -> None:
        hold(self, "arrival", "servers")
        _check.non_negative(arrival=self.arrival)
        _check.positive(servers=self.servers)
        _check.instance(Duration, service=self.service)
        _check.positive(service=self.service.mean)

    @property
    def utilisation(self) -> Quantity:
        """Load per server; 1 or more means overload."""
        return self._markov.utilisation

    @property
    def wait_probability(self) -> Quantity:
        """Probability of having to wait; that of M/M/c where there is no exact form."""
        return self.wait.sf(0.0)

    @property
    def mean_wait(self) -> Quantity:
        """Mean time in the queue, in s."""
        return self.wait.mean

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure, in s."""
        return self.mean_wait + self.service.mean

    @property
    def wait(self) -> Duration:
        """Time in the queue; endless in overload."""
        fields = [self.arrival, self.servers]
        return _phases.each(self._wait, fields, self.utilisation)

    @property
    def response(self) -> Duration:
        """Time from arrival to departure; endless in overload."""
        fields = [self.arrival, self.servers]
        return _phases.each(self._response, fields, self.utilisation)

    def _repr_html_(self) -> str:
        names = ["utilisation", "wait_probability", "mean_wait", "mean_response"]
        return _report.html(self, names)

    @property
    def _markov(self) -> MMc:
        return MMc(self.arrival, self.service.mean, self.servers)

    def _factor(self, load: float, servers: float) -> float:
        """Mean wait over that of exponential service."""
        spread = float(self.service.cv) ** 2
        steady = _steady_factor(load, servers)
        return (1 + spread) / (2 * spread + (1 - spread) / steady)

    def _wait(self, arrival: float, servers: float) -> Duration:
        phases = self.service.phases
        if arrival and phases is not None and _exact(phases[0], servers):
            start, rates = wait(arrival, *phases, int(servers))
            if not len(start):
                return duration.constant(0.0)
            return duration.phase_type(start, rates)
        queue = MMc(arrival, self.service.mean, servers)
        late = float(queue.wait_probability)
        if late == 0:
            return duration.constant(0.0)
        mean = float(queue.mean_wait) * self._factor(queue.utilisation, servers) / late
        return duration.phase_type([late], [[-1 / mean]])

    def _response(self, arrival: float, servers: float) -> Duration:
        return self._wait(arrival, servers) + self.service


def _exact(start: FloatArray, servers: float) -> bool:
    """Tell whether there is an exact form; one phase is M/M/c, exact by itself."""
    some = len(start) > 1 and servers % 1 == 0 and start.sum() > 1 - 1e-12
    return some and ways(len(start), int(servers)) <= MOST


def _steady_factor(load: float, servers: float) -> float:
    """Mean wait of M/D/c over that of M/M/c (Cosmetatos), within its light-load limit.

    It grows as the load falls, where its limit is c/(c + 1).
    """
    gain = (1 - load) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2)
    limit = (servers - 1) / (servers + 1)
    return 1 / 2 + min(max(gain / (16 * servers * load), 0.0), max(limit, 0.0)) / 2
