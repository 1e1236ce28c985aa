"""Phase-type laws: the time until a small Markov chain is absorbed.

They are closed under sums, mixtures, minima and maxima, and every number comes from
one table of powers P(d), P(2d), P(4d), ... of the transition matrix with its absorbing
state: non-negative matrices whose rows are scaled back to one after each squaring.
A time is a sum of such steps, and a quantile is found by binary descent through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel.duration._families import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hamodel._types import FloatArray, Quantity

    BoolArray = NDArray[np.bool_]

_TERMS = 24  # of the Poisson series over one step, where rate x step <= 1
_LOST = 1e-290  # a tail below this is zero


@dataclass(frozen=True, eq=False)
class PhaseType:
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
    def support(self) -> tuple[Quantity, Quantity]:
        return 0.0, np.inf

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return (0.0,) if np.any(self.alpha.sum(axis=-1) < 1 - 1e-12) else ()

    def moment(self, order: int) -> Quantity:
        v: Any = np.ones(self.alpha.shape[-1])[:, None]
        for k in range(1, order + 1):
            v = k * np.linalg.solve(-self.T, v)
        return _scalar((self.alpha[..., None, :] @ v)[..., 0, 0])

    def _each(self, t: FloatArray, what: str, *more: FloatArray) -> FloatArray:
        """Ask element by element of a stack; times are broadcast against it."""
        ask: Any = _law_at if what == "law" else _descend
        if not self.shape:
            return np.asarray(ask(self, np.asarray(t, float), *more))
        shape = np.broadcast_shapes(np.shape(t), self.shape)
        t = np.broadcast_to(t, shape)
        more = tuple(np.broadcast_to(m, shape) for m in more)
        out: FloatArray | None = None
        for index in np.ndindex(self.shape):
            place = (..., *index)
            answer = ask(
                self.at(index, self.shape), t[place], *(m[place] for m in more)
            )
            if out is None:
                out = np.empty((*answer.shape[: answer.ndim - t[place].ndim], *shape))
            out[place] = answer
        return np.zeros(shape) if out is None else out

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            return np.where(np.asarray(t) <= 0, 0.0, self.cdf(t))
        return np.asarray(self._each(t, "law")[1])

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            return np.where(np.asarray(t) <= 0, 1.0, self.sf(t))
        return np.asarray(self._each(t, "law")[0])

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        p, q = np.broadcast_arrays(p, q)
        return self._each(p, "quantile", q)

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self._each(t, "law")[2] + np.maximum(-np.asarray(t), 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        if self.shape:
            out = np.empty(size)
            for index in np.ndindex(self.shape):
                rest = size[: len(size) - len(self.shape)]
                out[(..., *index)] = self.at(index, self.shape).sample(rest, rng)
            return out
        return _walk(self, size, rng)

    def lst(self, s: Any) -> Any:  # noqa: ANN401
        s = np.asarray(s)
        n = self.alpha.shape[-1]
        exit_rates = -self.T.sum(axis=-1)[..., None]
        matrix = s[..., None, None] * np.eye(n) - self.T
        inside = self.alpha[..., None, :] @ np.linalg.solve(
            matrix, exit_rates + 0 * matrix[..., :1]
        )
        return inside[..., 0, 0] + np.maximum(1 - self.alpha.sum(axis=-1), 0)


def _scalar(value: Any) -> Any:  # noqa: ANN401
    return float(value) if np.ndim(value) == 0 else value


def closed_matrix(law: PhaseType) -> FloatArray:
    """Return the rates (off the diagonal) with the absorbing state at the end."""
    n = law.alpha.shape[-1]
    q = np.zeros((n + 1, n + 1))
    q[:n, :n] = law.T
    q[:n, n] = np.maximum(-law.T.sum(axis=-1), 0)
    np.fill_diagonal(q, 0)
    return q


class _Powers:
    """Transition matrices over d, 2d, 4d, ..., until nothing survives."""

    def __init__(self, law: PhaseType) -> None:
        rates = closed_matrix(law)
        out = rates.sum(axis=1)
        self.pace = float(out.max())
        self.step = 1 / self.pace
        # uniformised chain: each event moves on, or stays where the state is slower
        self.jump = rates / self.pace
        np.fill_diagonal(self.jump, 0)
        stay = (self.pace - out) / self.pace
        self.jump[np.diag_indices_from(self.jump)] = np.maximum(stay, 0)
        n = len(rates) - 1
        first = self.series(np.eye(n + 1), np.ones(n + 1))
        self.tables = [first / first.sum(axis=1, keepdims=True)]
        while (
            self.tables[-1][:n, :n].sum(axis=1).max() > _LOST and len(self.tables) < 200
        ):
            square = self.tables[-1] @ self.tables[-1]
            self.tables.append(square / square.sum(axis=1, keepdims=True))
        self.left = np.linalg.solve(-law.T, np.ones(n))

    def series(self, rows: FloatArray, x: FloatArray) -> FloatArray:
        """Move row vectors on by `x` mean events (x <= 1), one x per row."""
        total, term = rows.copy(), rows
        for k in range(1, _TERMS):
            term = term @ self.jump * (x[:, None] / k)
            total += term
        return np.asarray(total * np.exp(-x)[:, None])


@lru_cache(maxsize=128)
def _powers_by_key(description: tuple[bytes, bytes, int]) -> _Powers:
    alpha, T, n = description
    law = PhaseType(np.frombuffer(alpha), np.frombuffer(T).reshape(n, n))
    return _Powers(law)


def _powers(law: PhaseType) -> _Powers:
    n = law.alpha.shape[-1]
    return _powers_by_key((b"\0" * 8 * n, np.ascontiguousarray(law.T).tobytes(), n))


def _start(law: PhaseType, rows: int) -> FloatArray:
    start = np.append(law.alpha, max(1 - law.alpha.sum(), 0.0))
    return np.repeat(start[None], rows, axis=0)


def _law_at(law: PhaseType, t: FloatArray) -> FloatArray:
    """Return sf, cdf and excess at times of any shape, stacked."""
    powers = _powers(law)
    flat = np.maximum(t.ravel(), 0)
    late = ~(flat / powers.step < 2.0 ** len(powers.tables))
    whole = np.floor(np.where(late, 0, flat) / powers.step)
    rest = np.clip(np.where(late, 0, flat) / powers.step - whole, 0, 1)
    rows = powers.series(_start(law, len(flat)), rest)
    for k, table in enumerate(powers.tables):
        bit = np.floor(whole / 2.0**k) % 2 == 1
        if bit.any():
            rows[bit] = rows[bit] @ table
    inside = np.where(late[:, None], 0.0, rows[:, :-1])
    before = t.ravel() < 0
    sf = np.where(before, 1, inside.sum(axis=1))
    cdf = np.where(before, 0, np.where(late, 1, rows[:, -1]))
    return np.stack([sf, cdf, inside @ powers.left]).reshape(3, *t.shape)


def _descend(law: PhaseType, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return quantiles: the largest sum of steps that does not reach p, then Newton."""
    powers = _powers(law)
    low = p.ravel() < 0.5
    want_p, want_q = p.ravel(), q.ravel()
    rows = _start(law, len(want_p))
    done = rows[:, -1] >= want_p
    steps = np.zeros(len(want_p))
    for k in range(len(powers.tables) - 1, -1, -1):
        ahead = rows @ powers.tables[k]
        short = np.where(low, ahead[:, -1] < want_p, ahead[:, :-1].sum(axis=1) > want_q)
        rows = np.where(short[:, None], ahead, rows)
        steps += np.where(short, 2.0**k, 0)
    x = _inside(powers, rows, low, want_p, want_q)
    answer = np.where(done, 0.0, (steps + x) * powers.step)
    return np.where(want_q <= 0, np.inf, answer).reshape(p.shape)


def _inside(
    powers: _Powers, rows: FloatArray, low: BoolArray, p: FloatArray, q: FloatArray
) -> FloatArray:
    """Return the part of the last step, by Newton kept within bisection bounds."""
    least, most = np.zeros(len(p)), np.ones(len(p))
    x = np.full(len(p), 0.5)
    with np.errstate(all="ignore"):
        for _ in range(60):
            moved = powers.series(rows, x)
            flow = (moved @ powers.jump - moved)[:, -1]
            sf, cdf = moved[:, :-1].sum(axis=1), moved[:, -1]
            over = np.where(low, cdf - p, q - sf)
            least, most = np.where(over < 0, x, least), np.where(over >= 0, x, most)
            # log of the tail is nearly straight; of the head, the head itself
            move = np.where(low, over / flow, np.log(q / sf) * sf / flow)
            new = x - move
            new = np.where((new > least) & (new < most), new, (least + most) / 2)
            if np.all(np.abs(new - x) <= 4e-16 * (1 + x)):
                break
            x = new
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
    start = np.cumsum(_start(law, 1)[0])
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
