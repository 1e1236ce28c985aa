"""What every law of a duration answers, and how its quantiles are searched."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from hamodel._types import FloatArray, Quantity


class Law(Protocol):
    """A law on [0, inf): arrays in, arrays out, parameters and times broadcast.

    `left` asks for the limit from the left, P(X < t) and P(X >= t), which differs
    where the law jumps.  `knots` are the times at which it may jump or bend.
    `closed` tells that `excess` is a formula, quick on many times.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stack of laws; () for one."""
        ...

    @property
    def mean(self) -> Quantity:
        """Mean in s."""
        ...

    @property
    def var(self) -> Quantity:
        """Variance in s^2."""
        ...

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        """Least and greatest possible time in s."""
        ...

    @property
    def knots(self) -> tuple[Quantity, ...]:
        """Times in s at which it may jump or bend."""
        ...

    @property
    def name(self) -> str:
        """What it is called in a repr."""
        ...

    @property
    def closed(self) -> bool:
        """Whether `excess` is a formula."""
        ...

    def moment(self, order: int) -> Quantity:
        """Return the raw moment of that order, from 1 on."""
        ...

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        """Return P(X <= t), or P(X < t)."""
        ...

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        """Return P(X > t), or P(X >= t)."""
        ...

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        """Return the least t with P(X <= t) >= p; q is 1 - p, without its rounding."""
        ...

    def excess(self, t: FloatArray) -> FloatArray:
        """Return E max(X - t, 0)."""
        ...

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Return independent draws of that shape, the stack last."""
        ...

    def lst(self, s: Quantity) -> Quantity:
        """Return E exp(-s X)."""
        ...


L = TypeVar("L")

_EVEN = np.linspace(0, 1, 17)  # steps of a search
_CLOSE = np.outer(np.exp2(np.linspace(-3.4, -27.2, 8)), [-1, 1])  # before, behind


def key(value: Quantity) -> Quantity:
    """Return a hashable description: equal laws have equal keys."""
    if is_dataclass(value):
        parts = (key(getattr(value, f.name)) for f in fields(value))
        return (type(value).__name__, *parts)
    if isinstance(value, tuple):
        return tuple(key(v) for v in value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.tobytes())
    return value


def element(law: L, index: tuple[int, ...], shape: tuple[int, ...]) -> L:
    """Return the law of one element of a stack."""
    if is_dataclass(law) and hasattr(law, "at"):
        return law.at(index, shape)  # type: ignore[no-any-return, unused-ignore]
    changes = {f.name: _pick(getattr(law, f.name), index, shape) for f in fields(law)}  # type: ignore[arg-type]
    return replace(law, **changes)  # type: ignore[type-var]


def _pick(value: Quantity, index: tuple[int, ...], shape: tuple[int, ...]) -> Quantity:
    if isinstance(value, np.ndarray):
        return float(np.broadcast_to(value, shape)[index])
    if isinstance(value, tuple):
        return tuple(_pick(v, index, shape) for v in value)
    return element(value, index, shape) if is_dataclass(value) else value


def stack_shape(*values: Quantity) -> tuple[int, ...]:
    """Return the common shape of parameters and parts."""
    shapes = [v.shape if hasattr(v, "sf") else np.shape(v) for v in values]
    return np.broadcast_shapes(*shapes)


class Reached(Protocol):
    """What a search of quantiles asks of a law."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stack of laws; () for one."""
        ...

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        """Least and greatest possible time in s."""
        ...

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return P(X <= t)."""
        ...

    def sf(self, t: FloatArray) -> FloatArray:
        """Return P(X > t)."""
        ...


def search(
    law: Reached,
    p: FloatArray,
    q: FloatArray,
    low: FloatArray | float = 0.0,
    high: FloatArray | float = np.inf,
    *,
    near: float = 2e-16,
) -> FloatArray:
    """Return the least t in [low, high] with P(X <= t) >= p; jumps do no harm.

    Each round asks for several times at once: first for the power of two, then for
    the time itself, until it is as near as is asked for.  Each round looks in even
    steps, for what jumps, and close to where a straight line meets p.
    """
    p, q = np.broadcast_arrays(p, q)
    shape = np.broadcast_shapes(p.shape, law.shape)
    least, most = (np.broadcast_to(np.asarray(x, float), shape) for x in law.support)
    # few questions leave room for more times at once
    even, close = (_EVEN, _CLOSE) if p.size <= 32 else (_EVEN[::4], _CLOSE[1::4])
    with np.errstate(all="ignore"):
        ends = np.log2(np.stack(np.broadcast_arrays(low, high, least)[:2]))
        start, stop = (np.broadcast_to(np.clip(e, -1000, 1000), shape) for e in ends)
        steps = column(np.linspace(0, 1, even.size + close.size), start)
        while np.any(stop - start > 2):
            start, stop, _ = _section(law, p, q, (start, stop, steps), exponents=True)
        start, stop = np.exp2(start), np.exp2(stop) * (1 + 1e-12)
        for _ in range(1 + round(54 / math.log2(even.size - 1))):
            if np.all(stop - start <= np.maximum(near * stop, np.spacing(start))):
                break
            start, stop, meets = _section(law, p, q, (start, stop, steps))
            beside = np.clip(meets + column(close.ravel(), start), 0, 1)
            apart = np.broadcast_to(column(even, start), (even.size, *shape))
            steps = np.sort(np.concatenate([apart, beside]), axis=0)
        zero = _gap(law, p, q, np.zeros(shape)) >= 0
    answer = np.where(zero, 0.0, np.clip(stop, least, most))
    return np.where(q <= 0, most, np.where(p <= 0, least, answer))


def _gap(law: Reached, p: FloatArray, q: FloatArray, t: FloatArray) -> FloatArray:
    """Return how far above p the law is, from the nearer end; 0 where it is reached."""
    # 1 - p is rounded: at a jump the tail may miss it by that much
    rest = q + np.where(q > 1e-4, 2.3e-16, 0.0)
    if np.all(p >= 0.5):
        return np.asarray(rest - law.sf(t))
    return np.where(p < 0.5, law.cdf(t) - p, rest - law.sf(t))


def _section(
    law: Reached,
    p: FloatArray,
    q: FloatArray,
    ends: tuple[FloatArray, FloatArray, FloatArray],
    *,
    exponents: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the section in which p is reached, and at which share of its length."""
    low, high, steps = ends
    points = low + (high - low) * steps
    points[-1] = high
    gaps = _gap(law, p, q, np.exp2(points) if exponents else points)
    there = gaps >= 0
    there[-1] = True
    first = np.maximum(np.argmax(there, axis=0), 1)[None]
    (start, before), (stop, after) = (
        [np.take_along_axis(x, place, 0)[0] for x in (points, gaps)]
        for place in (first - 1, first)
    )
    meets = np.nan_to_num(before / (before - after), nan=0.5)
    return start, stop, np.clip(meets, 0, 1)


def column(values: FloatArray, law: Law | FloatArray) -> FloatArray:
    """Return values along a first axis before those of a law."""
    return values.reshape(-1, *(1,) * len(law.shape))
