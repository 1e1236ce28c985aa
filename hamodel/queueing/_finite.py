"""M/M/c with limited room, in closed form: M/M/c/K.

Above the servers the state probabilities are a finite geometric row of `m` places with
ratio rho.  Below saturation it is summed from its foot, above from its top, so that no
power overflows and rho = 1 is no special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hamodel import duration
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration, integrals
from hamodel.duration.law import Law
from hamodel.queueing import _numeric
from hamodel.queueing._erlang import erlang_b


class Load(NamedTuple):
    """Offered load in Erlang, servers, and the most requests in the system."""

    offered: Quantity
    servers: Quantity
    capacity: Quantity


class Room(NamedTuple):
    """Blocking, probability that one let in must wait, mean number waiting."""

    blocking: Quantity
    delayed: Quantity
    queue: Quantity


def room(load: Load) -> Room:
    """Solve the birth-death chain; a finite sum if a field is a symbol."""
    if _numeric.symbolic(*load):
        return _symbolic_room(load)
    a, c, m = _arrays(load)
    x = _log_ratio(a, c)
    block = np.asarray(erlang_b(c, a))
    high = x > 0
    y = -np.abs(x)
    # weights with the largest end of the row at 1: at c below saturation, else at K
    with np.errstate(divide="ignore", over="ignore"):
        below = np.where(high, np.exp(m * y), 1.0) / block  # states 0..c
    end = np.where(high, 1.0, np.exp(m * y))  # state K
    row = _geometric(y, m)  # the m states in which an arrival joins the queue
    waiting = np.where(high, row * np.exp(y), row)
    queue = np.where(high, row, row * np.exp(y))  # states c+1..K
    total = np.where(a > 0, below + queue, 1.0)
    depth = _mean_place(y, m + 1) * _geometric(y, m + 1)
    depth = np.where(high, m * _geometric(y, m + 1) - depth, depth)
    blocking = np.where(a > 0, end / total, 0.0)
    accepted = np.where(a > 0, total - end, 1.0)
    delayed = np.where((a > 0) & (accepted > 0), waiting / accepted, 0.0)
    answers = blocking, delayed, np.where(a > 0, depth / total, 0.0)
    return Room(*(_numeric.plain(v) for v in answers))


class Turns(NamedTuple):
    """Departures that a delayed request waits for, and how likely each number is.

    `delayed` is the probability of any wait, `weights` (..., k) add up to 1 over
    `places` 1..k, and all `servers` together complete `servers / service` per s.
    """

    delayed: Quantity
    places: FloatArray
    weights: FloatArray
    servers: Quantity
    service: Quantity


def turns(load: Load, service: Quantity) -> Turns:
    """Return what a request that was let in finds before it."""
    a, c, m = _arrays(load)
    places = np.arange(1.0, max(int(m.max(initial=0)), 1) + 1)
    x = _log_ratio(a, c)[..., None]
    room_ = m[..., None]
    open_ = places <= room_
    offset = np.where(open_, np.where(x > 0, room_ - places, places - 1), 0.0)
    weights = np.where(open_, np.exp(-np.abs(x) * offset), 0.0)
    total = weights.sum(axis=-1, keepdims=True)
    weights = weights / np.where(total > 0, total, 1.0)
    return Turns(room(load).delayed, places, weights, c, service)


def wait_sf(queue: Turns, t: FloatArray) -> FloatArray:
    """P(wait > t): an Erlang distribution for each number of departures."""
    from scipy.special import gammaincc

    passed = queue.servers / np.asarray(queue.service, float) * t
    late = gammaincc(queue.places, passed[..., None])
    late = np.sum(queue.weights * late, axis=-1)
    return np.asarray(np.asarray(queue.delayed) * late)


def response_sf(queue: Turns, t: FloatArray) -> FloatArray:
    """P(response > t): the wait for k departures and then a service.

    Erlang(k, c mu) + Exp(mu); its second term is a Poisson weight times the ratio A of
    an incomplete gamma function to its leading weight, which cannot overflow.
    """
    from scipy.special import gammaincc

    mean = np.asarray(queue.service, float)
    passed = (queue.servers / mean * t)[..., None]
    own = (np.asarray(queue.servers - 1) / mean * t)[..., None]
    k = queue.places
    served = _numeric.log_poisson(k, passed) + _numeric.log_gamma_ratio(k, own)
    late = np.sum(queue.weights * (gammaincc(k, passed) + np.exp(served)), axis=-1)
    delayed = np.asarray(queue.delayed)
    return np.asarray(delayed * late + (1 - delayed) * np.exp(-t / mean))


def wait(queue: Turns) -> Duration:
    """Return the wait, of phase type: departures to wait for, one by one."""
    if np.ndim(queue.delayed):
        return duration.Duration(Limited(queue, served=False))
    delayed = float(np.asarray(queue.delayed))
    n = len(queue.places)
    steps = np.eye(n, k=-1) - np.eye(n)
    rate = float(np.asarray(queue.servers)) / float(np.asarray(queue.service))
    return duration.phase_type(delayed * queue.weights, rate * steps)


def response(queue: Turns) -> Duration:
    """Return the wait and then a service."""
    if np.ndim(queue.delayed):
        return duration.Duration(Limited(queue, served=True))
    return wait(queue) + duration.exponential(float(np.asarray(queue.service)))


@dataclass(frozen=True, eq=False)
class Limited(integrals.Usual):
    """A stack of waits or responses: tails in closed form, all else from them."""

    queue: Turns
    served: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.queue.delayed)

    @property
    def name(self) -> str:
        return f"M/M/c/K {'response' if self.served else 'wait'}"

    @property
    def mean(self) -> Quantity:
        turn = np.asarray(self.queue.service) / np.asarray(self.queue.servers)
        places = np.sum(self.queue.weights * self.queue.places, axis=-1)
        own = self.served * np.asarray(self.queue.service)
        return np.asarray(self.queue.delayed) * places * turn + own

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return () if self.served else (0.0,)

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> Law:
        """Return the law of one element of a stack."""
        delayed, servers, service = (
            np.broadcast_to(np.asarray(x, float), shape)[index]
            for x in (self.queue.delayed, self.queue.servers, self.queue.service)
        )
        places = self.queue.places
        weights = np.broadcast_to(self.queue.weights, (*shape, len(places)))[index]
        one = Turns(delayed, places, weights, servers, service)
        return (response if self.served else wait)(one).law

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        found = (response_sf if self.served else wait_sf)(self.queue, np.maximum(t, 0))
        return np.where(t <= 0 if left else t < 0, 1.0, found)


def _arrays(load: Load) -> tuple[FloatArray, FloatArray, FloatArray]:
    a, c, k = np.broadcast_arrays(*(np.asarray(f, float) for f in load))
    return a, c, k - c


def _log_ratio(a: FloatArray, c: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.where(a > 0, np.log1p((a - c) / c), -700.0)


def _geometric(y: FloatArray, n: FloatArray) -> FloatArray:
    """1 + e^y + ... + e^((n-1) y) for y <= 0."""
    safe = np.where(y == 0, -1.0, y)
    return np.where(y == 0, n, np.expm1(n * safe) / np.expm1(safe))


def _mean_place(y: FloatArray, n: FloatArray) -> FloatArray:
    """Mean of 0..n-1 with weights e^(j y), y <= 0.

    n h(ny) - h(y) with h(z) = 1/(1 - e^-z) - 1/z: the poles cancel by hand.
    """
    safe = np.where(y == 0, -1.0, y)
    ends = n * np.exp(n * safe) / np.expm1(n * safe)
    direct = -np.exp(safe) / np.expm1(safe) + ends
    near = n * _smooth(n * y) - _smooth(y)
    return np.where(n * np.abs(y) < 1, near, direct)


def _smooth(z: FloatArray) -> FloatArray:
    """1/(1 - e^-z) - 1/z for |z| <= 1, by its Bernoulli series."""
    coefficients = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)
    more = (-691 / 1307674368000, 1 / 74724249600, -3617 / 10670622842880000)
    square = z * z
    total = np.zeros_like(z)
    for value in reversed(coefficients + more):
        total = total * square + value
    return 0.5 + z * total


def _symbolic_room(load: Load) -> Room:
    import sympy

    a, c, k = load.offered, int(load.servers), int(load.capacity)
    weights = [a**n / sympy.factorial(n) for n in range(c + 1)]
    weights += [weights[c] * (a / c) ** j for j in range(1, k - c + 1)]
    total = sum(weights)
    queue = sum((n - c) * weights[n] for n in range(c, k + 1))
    accepted = total - weights[k]
    answers = weights[k] / total, sum(weights[c:k]) / accepted, queue / total
    return Room(*(sympy.cancel(v) for v in answers))
