"""Phase-type laws: the time until a small Markov chain is absorbed.

They are closed under sums, mixtures, minima and maxima, and every number comes from
one table of powers P(d), P(2d), P(4d), ... of the transition matrix with its absorbing
state: non-negative matrices whose rows are scaled back to one after each squaring.
A time is a sum of such steps, and a quantile is found by binary descent through them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration._families import show

_MANY = 1000  # times whose answers are kept
_BLOCK = 4096  # quantiles that are looked for at a time
_TERMS = 20  # of the Poisson series over one step, where rate x step <= 1
_LOST = 1e-290  # a tail below this is zero


@dataclass(frozen=True, eq=False)
class PhaseType(integrals.Usual):
    """Absorption time of the chain with start `alpha` and sub-generator `T`."""

    alpha: FloatArray
    T: FloatArray
    closed = True

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> PhaseType:
        """Return the law of one element of a stack."""
        n = self.alpha.shape[-1]
        alpha = np.broadcast_to(self.alpha, (*shape, n))[index]
        return PhaseType(alpha, np.broadcast_to(self.T, (*shape, n, n))[index])

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.alpha.shape[:-1], self.T.shape[:-2])

    @property
    def name(self) -> str:
        return f"phase_type({self.alpha.shape[-1]} phases, mean={show(self.mean)})"

    @property
    def mean(self) -> Quantity:
        return _scalar(self.moment(1))

    @property
    def var(self) -> Quantity:
        # E (X - m)^2 = 2 m2 - m^2 is a sum of non-negative terms only for one phase;
        # with a stage-wise start the loss is at most that of cv^2 against 1.
        return _scalar(np.maximum(self.moment(2) - self.moment(1) ** 2, 0))

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return (0.0,) if np.any(self.alpha.sum(axis=-1) < 1 - 1e-12) else ()

    def moment(self, order: int) -> Quantity:
        v: Quantity = np.ones(self.alpha.shape[-1])[:, None]
        for k in range(1, order + 1):
            v = k * np.linalg.solve(-self.T, v)
        return _scalar((self.alpha[..., None, :] @ v)[..., 0, 0])

    @cached_property
    def first(self) -> FloatArray:
        """Where it is after the first events, (stack, events, phases + 1)."""
        return _powers(self).led(_start(self))[:, 0]

    def _rows(self, t: FloatArray) -> tuple[FloatArray, tuple[int, ...]]:
        """Bring times to shape (stack, times of each), and return their own shape."""
        shape = np.broadcast_shapes(np.shape(t), self.shape)
        count = math.prod(self.shape)
        return np.broadcast_to(t, shape).reshape(-1, count).T, shape

    def _ask(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        rows, shape = self._rows(np.asarray(t, float))
        if rows.size < _MANY:
            sf, cdf, rest = (x.T.reshape(shape) for x in _law_at(self, rows))
        else:
            found = _kept(*(_frozen(x) for x in (self.alpha, self.T, rows)))
            sf, cdf, rest = (np.array(x.T.reshape(shape)) for x in found)
        return sf, cdf, rest

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            return np.where(np.asarray(t) <= 0, 0.0, self.cdf(t))
        return self._ask(t)[1]

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            return np.where(np.asarray(t) <= 0, 1.0, self.sf(t))
        return self._ask(t)[0]

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        p, q = np.broadcast_arrays(p, q)
        (rows_p, shape), (rows_q, _) = self._rows(p), self._rows(q)
        found = [
            _descend(self, rows_p[:, k : k + _BLOCK], rows_q[:, k : k + _BLOCK])
            for k in range(0, rows_p.shape[1], _BLOCK)
        ]
        return np.concatenate([*found, rows_p[:, :0]], axis=1).T.reshape(shape)

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self._ask(t)[2] + np.maximum(-np.asarray(t), 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        if self.shape:
            out = np.empty(size)
            for index in np.ndindex(self.shape):
                rest = size[: len(size) - len(self.shape)]
                out[(..., *index)] = self.at(index, self.shape).sample(rest, rng)
            return out
        return _walk(self, size, rng)

    def lst(self, s: Quantity) -> Quantity:
        s = np.asarray(s)
        n = self.alpha.shape[-1]
        exit_rates = -self.T.sum(axis=-1)[..., None]
        matrix = s[..., None, None] * np.eye(n) - self.T
        inside = self.alpha[..., None, :] @ np.linalg.solve(
            matrix, exit_rates + 0 * matrix[..., :1]
        )
        return inside[..., 0, 0] + np.maximum(1 - self.alpha.sum(axis=-1), 0)


def _scalar(value: Quantity) -> Quantity:
    return float(value) if np.ndim(value) == 0 else value


def closed_matrix(law: PhaseType) -> FloatArray:
    """Return the rates (off the diagonal) with the absorbing state at the end."""
    n = law.alpha.shape[-1]
    q = np.zeros((*law.T.shape[:-2], n + 1, n + 1))
    q[..., :n, :n] = law.T * (1 - np.eye(n))
    q[..., :n, n] = np.maximum(-law.T.sum(axis=-1), 0)
    return q


class _Powers:
    """Transition matrices over d, 2d, 4d, ... of a stack, made when needed."""

    def __init__(self, T: FloatArray) -> None:
        n = T.shape[-1]
        rates = closed_matrix(PhaseType(np.ones(n) / n, T))
        out = rates.sum(axis=-1)
        pace = out.max(axis=-1)
        self.step = 1 / pace
        # uniformised chain: each event moves on, or stays where the state is slower
        self.jump = rates / pace[:, None, None]
        stay = np.maximum(1 - out / pace[:, None], 0)
        self.jump += stay[..., None] * np.eye(n + 1)
        first = _poisson(np.ones(1)) @ self.led(np.eye(n + 1) + 0 * self.jump)
        first = first[..., 0, :]
        self.tables = [first / first.sum(axis=-1, keepdims=True)]
        self.left = np.linalg.solve(-T, np.ones((n, 1)))[..., 0]

    def reach(self, steps: float, tail: float) -> None:
        """Double until that many steps are covered, or no more than the tail lives."""
        while len(self.tables) < 1000 and 2.0 ** len(self.tables) <= steps:
            last = self.tables[-1]
            if last[:, :-1, :-1].sum(axis=-1).max() <= max(tail, _LOST):
                break
            square = last @ last
            self.tables.append(square / square.sum(axis=-1, keepdims=True))

    def led(self, rows: FloatArray) -> FloatArray:
        """Return where row vectors are after each number of events, (..., terms, n)."""
        found = [rows]
        for _ in range(1, _TERMS):
            found.append(found[-1] @ self.jump)
        return np.stack(found, axis=-2)


def _poisson(x: FloatArray) -> FloatArray:
    """Return chances of 0, 1, ... events where `x` <= 1 are expected, (..., terms)."""
    more = x[..., None] / np.arange(1, _TERMS)
    return np.cumprod(np.concatenate([np.exp(-x)[..., None], more], axis=-1), axis=-1)


@lru_cache(maxsize=128)
def _powers_by_key(shape: tuple[int, ...], rates: bytes) -> _Powers:
    return _Powers(np.frombuffer(rates).reshape(shape))


def _powers(law: PhaseType) -> _Powers:
    n = law.alpha.shape[-1]
    T = np.broadcast_to(law.T, (*law.shape, n, n)).reshape(-1, n, n)
    if T.size > 100_000:
        return _Powers(T)
    return _powers_by_key(T.shape, np.ascontiguousarray(T).tobytes())


def _start(law: PhaseType) -> FloatArray:
    """Return the start, shape (stack, 1, phases + 1)."""
    n = law.alpha.shape[-1]
    alpha = np.broadcast_to(law.alpha, (*law.shape, n)).reshape(-1, 1, n)
    rest = np.maximum(1 - alpha.sum(axis=-1, keepdims=True), 0)
    return np.concatenate([alpha, rest], axis=-1)


def _law_at(law: PhaseType, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return sf, cdf and excess at times of shape (stack, each)."""
    powers = _powers(law)
    pace = np.maximum(t, 0) / powers.step[:, None]
    powers.reach(float(np.max(np.where(np.isfinite(pace), pace, 0), initial=0)), 0)
    late = ~(pace < 2.0 ** len(powers.tables))
    pace = np.where(late, 0, pace)
    whole = np.floor(pace)
    rows = _poisson(pace - whole) @ law.first
    for k, table in enumerate(powers.tables):
        bit = np.floor(whole / 2.0**k) % 2 == 1
        if bit.all():
            rows = rows @ table
        elif bit.any():
            rows = np.where(bit[..., None], rows @ table, rows)
    inside = np.where(late[..., None], 0.0, rows[..., :-1])
    sf = np.where(t < 0, 1, inside.sum(axis=-1))
    cdf = np.where(t < 0, 0, np.where(late, 1, rows[..., -1]))
    return sf, cdf, (inside * powers.left[:, None]).sum(axis=-1)


def _frozen(values: FloatArray) -> tuple[tuple[int, ...], bytes]:
    return values.shape, np.ascontiguousarray(values, float).tobytes()


@lru_cache(maxsize=16)
def _kept(
    *given: tuple[tuple[int, ...], bytes],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return `_law_at`: copies of one database ask for one lattice again and again."""
    alpha, T, t = (np.frombuffer(data).reshape(shape) for shape, data in given)
    return _law_at(PhaseType(alpha, T), t)


def _descend(law: PhaseType, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return quantiles: the largest sum of steps that does not reach p, then Newton."""
    powers = _powers(law)
    powers.reach(np.inf, float(np.min(np.where(q > 0, q, 1), initial=1)) / 2)
    low = p < 0.5
    rows = np.repeat(_start(law), p.shape[1], axis=1)
    done = rows[..., -1] >= p
    steps = np.zeros(p.shape)
    for k in range(len(powers.tables) - 1, -1, -1):
        ahead = rows @ powers.tables[k]
        tail = ahead[..., :-1].sum(axis=-1)
        short = np.where(low, ahead[..., -1] < p, tail > q)
        rows = np.where(short[..., None], ahead, rows)
        steps += np.where(short, 2.0**k, 0)
    x = _inside(powers, rows, p, q)
    answer = np.where(done, 0.0, (steps + x) * powers.step[:, None])
    return np.where(q <= 0, np.inf, answer)


def _inside(
    powers: _Powers, rows: FloatArray, p: FloatArray, q: FloatArray
) -> FloatArray:
    """Return the part of the last step, by Newton kept within bisection bounds."""
    low = p < 0.5
    least, most = np.zeros(p.shape), np.ones(p.shape)
    x = np.full(p.shape, 0.5)
    led = powers.led(rows)
    with np.errstate(all="ignore"):
        for _ in range(60):
            moved = (_poisson(x)[..., None, :] @ led)[..., 0, :]
            flow = (moved[..., :-1] @ powers.jump[:, :-1, -1:])[..., 0]
            sf, cdf = moved[..., :-1].sum(axis=-1), moved[..., -1]
            over = np.where(low, cdf - p, q - sf)
            least, most = np.where(over < 0, x, least), np.where(over >= 0, x, most)
            # the log of the tail is nearly straight; of the head, the head itself
            new = x - np.where(low, over / flow, np.log(q / sf) * sf / flow)
            newton = (new >= least) & (new <= most)  # at a bound it has arrived
            new = np.where(newton, new, (least + most) / 2)
            moves, x = np.abs(new - x), new
            # Newton doubles the digits: one more round would change nothing; halving
            # the bounds does not, so a small step of that kind proves nothing
            if np.all((newton & (moves <= 1e-8)) | (most - least <= 1e-15)):
                break
    return x


def _walk(
    law: PhaseType, size: tuple[int, ...], rng: np.random.Generator
) -> FloatArray:
    """Sample by playing the chain for all draws at once."""
    rates = closed_matrix(law)
    n = len(rates) - 1
    out = rates.sum(axis=1)
    leave = np.cumsum(rates[:n] / out[:n, None], axis=1)
    count = int(np.prod(size))
    start = np.cumsum(_start(law)[0, 0])
    state = np.minimum(
        np.searchsorted(start / start[-1], rng.random(count), "right"), n
    )
    total = np.zeros(count)
    moving = np.flatnonzero(state < n)
    while len(moving):
        here = state[moving]
        total[moving] += rng.exponential(size=len(moving)) / out[here]
        after = (rng.random(len(moving))[:, None] >= leave[here]).sum(axis=1)
        state[moving] = np.minimum(after, n)
        moving = moving[state[moving] < n]
    return total.reshape(size)


def chained(first: PhaseType, second: PhaseType) -> PhaseType:
    """Return the law of the sum: the first chain's exits start the second."""
    a, s, b, t = first.alpha, first.T, second.alpha, second.T
    n, m = a.shape[-1], b.shape[-1]
    shape = np.broadcast_shapes(first.shape, second.shape)
    T = np.zeros((*shape, n + m, n + m))
    T[..., :n, :n], T[..., n:, n:] = s, t
    leave = np.maximum(-s.sum(axis=-1), 0)
    T[..., :n, n:] = leave[..., :, None] * b[..., None, :]
    alpha = np.zeros((*shape, n + m))
    alpha[..., :n] = a
    alpha[..., n:] = np.maximum(1 - a.sum(axis=-1), 0)[..., None] * b
    return PhaseType(alpha, T)


def mixed(weights: Sequence[Quantity], parts: Sequence[PhaseType]) -> PhaseType:
    """Return the law of the mixture: the start chooses the part."""
    shape = np.broadcast_shapes(
        *(p.shape for p in parts), *(np.shape(w) for w in weights)
    )
    sizes = [p.alpha.shape[-1] for p in parts]
    alpha, T = (
        np.zeros((*shape, sum(sizes))),
        np.zeros((*shape, sum(sizes), sum(sizes))),
    )
    at = 0
    for weight, part, n in zip(weights, parts, sizes, strict=True):
        alpha[..., at : at + n] = np.asarray(weight)[..., None] * part.alpha
        T[..., at : at + n, at : at + n] = part.T
        at += n
    return PhaseType(alpha, T)
