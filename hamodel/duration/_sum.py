"""Sums of independent laws on a lattice, by fast Fourier transform.

A part is put on the lattice k h so that its mean is kept exactly: each time is shared
between its two neighbours, and the masses are second differences of E max(X - t, 0).
Since no time is negative, the sum up to t needs the parts up to t only; a heavy tail
beyond the lattice does no harm.  The tail of the sum is built from tails,
S = S1 + A1 (S2 + A2 (S3 + ...)), whose terms are all positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import comb

import numpy as np

from hamodel._quadrature import unit
from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration.law import Law

_CELLS = 4096
_SPREAD = 8.0  # times this far apart may share a lattice
_KEPT = 96  # transforms of parts and lattices of sums kept for the next question
_LIKELY = 0.1  # all tails above it are bounded alike
_BLOCK = 512  # cells convolved at once, term by term
_FAR = 1e-9  # smaller tails are summed term by term: a transform rounds at 1e-16


@dataclass(frozen=True)
class _Named:
    """A law that equals every law of the same kind and parameters."""

    name: str
    law: Law = field(compare=False)


@dataclass(frozen=True, eq=False)
class Sum(integrals.Usual):
    """The sum of independent parts, none of them constant."""

    parts: tuple[Law, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(*self.parts)

    @property
    def name(self) -> str:
        return " + ".join(part.name for part in self.parts)

    @property
    def mean(self) -> Quantity:
        return sum(part.mean for part in self.parts)

    @property
    def var(self) -> Quantity:
        return sum(part.var for part in self.parts)

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        lows, highs = zip(*(part.support for part in self.parts), strict=True)
        return sum(lows), sum(highs)

    def moment(self, order: int) -> Quantity:
        moments: list[Quantity] = [1.0] + [0.0] * order
        for part in self.parts:
            own = [1.0] + [part.moment(k) for k in range(1, order + 1)]
            moments = [
                sum(comb(k, i) * moments[i] * own[k - i] for i in range(k + 1))
                for k in range(order + 1)
            ]
        return moments[order]

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return 1 - self.sf(t)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return self._each(_tail, np.asarray(t, float))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return self._each(_quantile, *np.broadcast_arrays(p, q))

    def _each(self, ask: Quantity, *args: FloatArray) -> FloatArray:
        if not self.shape:
            flat = ask(self.parts, *(a.ravel() for a in args))
            return np.asarray(flat.reshape(args[0].shape))
        shape = np.broadcast_shapes(args[0].shape, self.shape)
        args = tuple(np.broadcast_to(a, shape) for a in args)
        out = np.empty(shape)
        for index in np.ndindex(self.shape):
            parts = tuple(laws.element(p, index, self.shape) for p in self.parts)
            place = (..., *index)
            inner = [a[place] for a in args]
            answer = ask(parts, *(a.ravel() for a in inner))
            out[place] = answer.reshape(inner[0].shape)
        return out

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(sum(part.sample(size, rng) for part in self.parts))

    def lst(self, s: Quantity) -> Quantity:
        answer = 1.0
        for part in self.parts:
            answer = answer * part.lst(s)
        return answer


@dataclass(frozen=True, eq=False)
class _Lattice:
    """log P(S > t) at the middles of the cells, from two cells before zero on."""

    step: float
    log_tail: FloatArray

    @property
    def reach(self) -> float:
        return self.step * (len(self.log_tail) - 6)

    def tail(self, t: FloatArray) -> FloatArray:
        """Interpolate log P(S > t) by a cubic kept between its neighbours."""
        x = np.clip(t / self.step + 1.5, 0.0, len(self.log_tail) - 3.0)
        cell = np.clip(x.astype(int), 1, len(self.log_tail) - 3)
        y = [self.log_tail[cell + k] for k in (-1, 0, 1, 2)]
        return np.asarray(np.exp(_cubic(y, x - cell)))

    def time(self, q: FloatArray) -> FloatArray:
        """Return where the interpolated tail falls to q."""
        log_q = np.log(q)
        at = np.searchsorted(-self.log_tail, -log_q, "left")
        cell = np.clip(at - 1, 1, len(self.log_tail) - 3)
        y = [self.log_tail[cell + k] for k in (-1, 0, 1, 2)]
        low, high = np.zeros(len(q)), np.ones(len(q))
        for _ in range(48):
            middle = (low + high) / 2
            above = _cubic(y, middle) > log_q
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray(np.maximum((cell - 1.5 + high) * self.step, 0))


def _cubic(y: list[FloatArray], u: FloatArray) -> FloatArray:
    a, b, c, d = y
    value = (
        -u * (u - 1) * (u - 2) / 6 * a
        + (u + 1) * (u - 1) * (u - 2) / 2 * b
        - (u + 1) * u * (u - 2) / 2 * c
        + (u + 1) * u * (u - 1) / 6 * d
    )
    return np.asarray(np.clip(value, c, b))


def _tail(parts: tuple[Law, ...], t: FloatArray) -> FloatArray:
    out = np.where(t < 0, 1.0, 0.0)
    top = float(sum(part.support[1] for part in parts))
    inside = (t >= 0) & (t < top) & np.isfinite(t)
    least = _bounds(parts, np.array([_LIKELY]))
    for group, reach in _groups(np.where(inside, np.maximum(t, least), 0)):
        here = group & inside
        out[here] = _lattice(parts, reach).tail(t[here])
        far = here & (out < _FAR)
        if far.any():
            out[far] = _lattice(parts, reach, far=True).tail(t[far])
    return out


def _quantile(parts: tuple[Law, ...], p: FloatArray, q: FloatArray) -> FloatArray:
    low, high = (float(sum(part.support[k] for part in parts)) for k in (0, 1))
    inside = (p > 0) & (q > 0)
    out = np.where(q <= 0, high, low)
    bounds = np.zeros(len(q))
    bounds[inside] = _bounds(parts, q[inside])
    for group, reach in _groups(bounds):
        for far in (False, True):
            here = group & inside & ((q < _FAR) == far)
            if here.any():
                out[here] = _lattice(parts, reach, far=far).time(q[here])
    return np.clip(out, low, high)


def _bounds(parts: tuple[Law, ...], q: FloatArray) -> FloatArray:
    """Return times that the sum exceeds with probability at most q.

    If the sum is longer, some part is longer than its own tail point of q / parts.
    """
    levels, place = np.unique(np.minimum(q, _LIKELY), return_inverse=True)
    named, shares = [_named(part) for part in parts], (levels / len(parts)).tolist()
    found = [sum(_exceeded(part, share) for part in named) for share in shares]
    return np.asarray(found, float)[place]


@lru_cache(maxsize=_KEPT)
def _exceeded(part: _Named, q: float) -> float:
    """Return the time that a part exceeds with a probability, or a little more."""
    return float(integrals.nearly(part.law)(np.array(1 - q), np.array(q)))


def _named(part: Law) -> _Named:
    return _Named(repr(laws.key(part)), part)


def _groups(reach: FloatArray) -> list[tuple[Quantity, float]]:
    """Split questions into groups whose times are near enough for one lattice."""
    groups: list[tuple[Quantity, float]] = []
    open_ = reach > 0
    while open_.any():
        most = float(reach[open_].max())
        group = open_ & (reach >= most / _SPREAD)
        groups.append((group, most))
        open_ = open_ & ~group
    return groups


def _lattice(parts: tuple[Law, ...], reach: float, far: bool = False) -> _Lattice:
    # lengths are powers of two, so that a slider finds the other parts' transforms
    length = 2.0 ** np.ceil(np.log2(reach * (1 + 8 / _CELLS)))
    named = [_named(part) for part in parts]
    # one order, so that a + b finds what b + a has kept, to the last digit
    named.sort(key=lambda part: part.name)
    return _sharpened(tuple(named), float(length) / _CELLS, _CELLS, far)


@lru_cache(maxsize=_KEPT)
def _sharpened(
    parts: tuple[_Named, ...], step: float, cells: int, far: bool
) -> _Lattice:
    """Return the lattice of the sum, with the spread by the cells taken back.

    Sharing a mass between its neighbours adds a triangle of variance h^2 / 6; a cell's
    average stands for a spread of h^2 / 12.  So the value read at the middle of a cell
    is too large by (2 m - 1) / 24 second differences, up to h^4.
    """
    tail = (_convolved_far if far else _convolved)(parts, step, cells)
    padded = np.concatenate([[1.0, 1.0], np.clip(tail, 1e-300, 1)])
    padded = np.minimum.accumulate(padded)
    before, here, after = padded[:-2], padded[1:-1], padded[2:]
    change = (2 * len(parts) - 1) / 24 * (after - 2 * here + before)
    # where the law bends within a cell or two, leave it
    smooth = np.abs(change) < 0.25 * np.minimum(here - after, before - here)
    padded[1:-1] -= np.where(smooth, change, 0)
    return _Lattice(step, np.log(np.minimum.accumulate(padded)))


def _convolved(parts: tuple[_Named, ...], step: float, cells: int) -> FloatArray:
    total: Quantity = 0.0
    for part in reversed(parts):
        mass, tail = _transformed(part, step, cells)
        total = tail + mass * total
    return np.asarray(np.fft.irfft(total, 2 * cells)[:cells])


def _convolved_far(parts: tuple[_Named, ...], step: float, cells: int) -> FloatArray:
    """Do the same term by term: positive terms keep their relative accuracy."""
    *others, last = parts
    total = _shared_out(last.law, step, cells)[1]
    for part in reversed(others):
        mass, tail = _shared_out(part.law, step, cells)
        held = np.flatnonzero(mass)  # two cells of a constant, none before a shift
        if len(held):
            first, end = held[0], held[-1] + 1
            tail[first:] += _begun(mass[first:end], total[: cells - first])
        total = tail
    return total


def _begun(mass: FloatArray, total: FloatArray) -> FloatArray:
    """Return a convolution as far as `total` goes; half of the whole is beyond."""
    found, size = np.zeros(len(total)), len(total)
    for start in range(0, min(len(mass), size), _BLOCK):
        block = mass[start : start + _BLOCK]
        found[start:] += np.convolve(block, total[: size - start])[: size - start]
    return found


@lru_cache(maxsize=_KEPT)
def _transformed(part: _Named, step: float, cells: int) -> tuple[Quantity, Quantity]:
    mass, tail = _shared_out(part.law, step, cells)
    return np.fft.rfft(mass, 2 * cells), np.fft.rfft(tail, 2 * cells)


def _shared_out(part: Law, step: float, cells: int) -> tuple[FloatArray, FloatArray]:
    """Return a part's masses on the lattice and, for each point, the mass beyond.

    The mass beyond k h is the mean of P(X > t) over the cell from k h to (k + 1) h.
    """
    t: FloatArray = np.arange(cells + 1.0) * step
    points, weights = unit(4)
    nodes = t[:-1] + step * points[:, None]
    if part.closed and np.isfinite(part.mean):
        beyond = part.excess(t)
        # a difference of nearly equal numbers loses digits far out; there the
        # quadrature loses none, because there is nothing but a smooth tail
        tail = (beyond[:-1] - beyond[1:]) / step
        rare = np.searchsorted(-tail, -1e-6)
        tail[rare:] = weights @ part.sf(nodes[:, rare:])
    else:
        tail = _with_jumps(part, t, nodes, step)
    tail = np.minimum.accumulate(np.clip(tail, 0, 1))
    return -np.diff(tail, prepend=1.0), tail


def _with_jumps(part: Law, t: FloatArray, nodes: FloatArray, step: float) -> FloatArray:
    """Average a tail over cells, its jumps in their exact places."""
    sf = part.sf(nodes)
    jumps = np.zeros(len(t) - 1)
    for knot in part.knots:
        place = np.asarray(knot, float)
        mass = part.sf(place, True) - part.sf(place)
        sf = sf - mass * (nodes < place)
        jumps += mass * np.clip((place - t[:-1]) / step, 0, 1)
    return np.asarray(unit(4)[1] @ sf + jumps)
