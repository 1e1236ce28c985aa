"""The age of the oldest write that has not arrived: what a failure now would take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel._quadrature import edges_of
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration, constant, integrals, phase_type, tabulated
from hamodel.duration import law as laws
from hamodel.duration.law import Law
from hamodel.replication._integrate import nodes


@dataclass(frozen=True, eq=False)
class Exposure(integrals.Usual):
    """Age of the oldest write not yet at the far end of a queue and a delay.

    `clearing` is the time in which the queue would be empty, `empty` the probability
    that it is, `rate` the arrivals per second.  The delay takes the value `delays[i]`
    (on axis 0) with probability `weights[i]`.
    """

    clearing: Law
    empty: FloatArray
    rate: FloatArray
    delays: FloatArray
    weights: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        parts = (self.empty.shape, self.rate.shape, self.delays.shape[1:])
        return np.broadcast_shapes(self.clearing.shape, *parts)

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> Exposure:
        """Return the law of one element of a stack."""

        def pick(x: FloatArray) -> FloatArray:
            return np.asarray(np.broadcast_to(x, shape)[index])

        delays = np.broadcast_to(
            self._over(self.delays, len(shape)), (len(self.delays), *shape)
        )
        return Exposure(
            laws.element(self.clearing, index, shape) if shape else self.clearing,
            pick(self.empty),
            pick(self.rate),
            np.moveaxis(delays, 0, -1)[index],
            self.weights,
        )

    @property
    def name(self) -> str:
        return "exposure"

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        end = np.max(self.delays, axis=0) + self.clearing.support[1]
        return np.zeros(self.shape)[()], np.broadcast_to(end, self.shape)[()]

    @property
    def knots(self) -> tuple[Quantity, ...]:
        inner = tuple(k + d for k in self.clearing.knots for d in self.delays)
        return (0.0, *self.delays, *inner) if len(self.delays) == 1 else (0.0,)

    @property
    def mean(self) -> Quantity:
        return self.moment(1)

    @property
    def var(self) -> Quantity:
        return np.maximum(self.moment(2) - self.moment(1) ** 2, 0)

    def moment(self, order: int) -> Quantity:
        if order == 1:
            return self.excess(np.zeros(self.shape))
        if order > 2:
            return integrals.raw_moment(self, order)
        d = self._over(self.delays, len(self.shape))
        first, second = self.clearing.moment(1), self.clearing.moment(2)
        busy = (1 - self.empty) * d**2 + 2 * d * first + second
        return self._blend(busy + self.empty * _window(self.rate, d, 2))

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            return np.where(np.asarray(t) <= 0, 0.0, self.cdf(t))
        return np.asarray(1 - self.sf(t))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        t, d = self._spread(t)
        after = self.clearing.sf(np.maximum(t - d, 0))
        before = 1 - self.empty * np.exp(-self.rate * np.maximum(d - t, 0))
        answer = self._blend(np.where(t >= d, after, before))
        if left:
            return np.where(t <= 0, 1.0, answer)
        return np.where(t < 0, 1.0, answer)

    def excess(self, t: FloatArray) -> FloatArray:
        t, d = self._spread(t)
        rest = np.maximum(d - t, 0)
        after = self.clearing.excess(np.maximum(t - d, 0))
        idle = self.empty * _window(self.rate, rest, 1)
        answer = self._blend(after + (1 - self.empty) * rest + idle)
        return np.asarray(answer + np.maximum(-t, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        shape = self.shape
        clear = np.broadcast_to(self._clearings(size, rng), size)
        delays = np.broadcast_to(
            self._over(self.delays, len(shape)), (len(self.delays), *shape)
        )
        which = rng.choice(len(self.weights), size=size, p=self.weights)
        d = np.take_along_axis(delays, which.reshape(-1, *shape), 0).reshape(size)
        with np.errstate(divide="ignore"):
            last = rng.standard_exponential(size) / self.rate
        return np.asarray(np.where(clear > 0, d + clear, np.maximum(d - last, 0)))

    def _clearings(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        if self.clearing.shape == self.shape:
            return self.clearing.sample(size, rng)
        lead = size[: len(size) - len(self.shape)]
        drawn = self.clearing.sample((*lead, *self.clearing.shape), rng)
        gap = (1,) * (len(self.shape) - len(self.clearing.shape))
        return drawn.reshape(*lead, *gap, *self.clearing.shape)

    def _over(self, x: FloatArray, ndim: int) -> FloatArray:
        return x.reshape(len(x), *(1,) * (ndim - x.ndim + 1), *x.shape[1:])

    def _spread(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Broadcast times against the stack, and the delays in front of both."""
        shape = np.broadcast_shapes(np.shape(t), self.shape)
        return np.broadcast_to(t, shape), self._over(self.delays, len(shape))

    def _blend(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.tensordot(self.weights, values, axes=(0, 0)))


def _window(rate: FloatArray, length: FloatArray, order: int) -> FloatArray:
    """Moment of max(length - E, 0) for an exponential E: age of a window's first."""
    from scipy.special import exprel

    x = rate * length
    few = exprel(-x)  # (1 - exp(-x)) / x
    if order == 1:
        share = np.where(x < 1e-3, x / 2 - x**2 / 6 + x**3 / 24, 1 - few)
        return np.asarray(length * share)
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = 1 - 2 * (1 - few) / x
    share = np.where(x < 1e-2, x / 3 - x**2 / 12 + x**3 / 60 - x**4 / 360, exact)
    return np.asarray(length**2 * share)


def law_of(
    clearing: Duration, empty: Quantity, rate: Quantity, delay: Quantity
) -> Duration:
    """Return the exposure behind a queue and a delay (a number, array or law)."""
    if isinstance(delay, Duration):
        delays, weights = nodes(delay)
    else:
        delays, weights = np.asarray(delay, float)[None], np.ones(1)
    fields = (np.asarray(empty, float), np.asarray(rate, float))
    return Duration(Exposure(clearing.law, *fields, delays, weights))


_LEVELS = np.concatenate(  # of a tail, between which it is straight
    [np.linspace(1, 0.1, 181), 0.1 * 10 ** (-np.arange(1, 161) / 16)]
)
_NEVER = 1e-12  # a chance that counts as none
_CLOSE = 1e-9  # of a time: beside it


def later(time: Duration, least: Quantity) -> tuple[Duration, Duration]:
    """Return a time where it is more than `least`, else 0; and how much more it is."""
    if not np.any(least):
        return time, time
    if np.all(time.sf(least) < _NEVER):
        return constant(0.0), constant(0.0)
    if np.ndim(least) or time.shape:
        raise ValueError(
            "timeout must be longer than any write is on its way where settings are "
            "arrays; ha.sweep takes them point by point"
        )
    chance = float(time.sf(least))
    t = time.quantile(1 - chance * _LEVELS[1:])
    more = edges_of([t, t * (1 - _CLOSE)]) - least  # it may jump
    more = more[more > _CLOSE * least]
    tail = np.minimum.accumulate([chance, *time.sf(least + more)])
    return (
        tabulated([0.0, least, *(least + more)], [chance, *tail]),
        tabulated([0.0, *more], tail),
    )


def behind(lag: Duration, rate: float) -> tuple[Duration, float]:
    """Return the clearing time behind a lag of phase type, and P(nothing is there).

    The last write is an exponential time A old, and its lag does not depend on what
    came later; so at a random moment the time to clear is max(lag - A, 0).  Of a
    phase-type lag that is the same chain, started where it stands after A.
    """
    phases = lag.phases
    if phases is None:
        raise ValueError(
            "send and apply must be exponential, batches or of phase type to be asked "
            "for their joint exposure"
        )
    alpha, T = phases
    start = rate * np.linalg.solve(rate * np.eye(len(alpha)) - T.T, alpha)
    cleared = phase_type(np.minimum(start, 1.0), T)
    return cleared, float(lag.lst(rate))
