"""Many laws as one: a stack of any laws, and laws that are endless here and there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from hamodel._types import FloatArray, Quantity
from hamodel.duration.law import Law, element


@dataclass(frozen=True, eq=False)
class Stack:
    """Laws side by side, in an array of the given shape; each is asked by itself."""

    laws: tuple[Law, ...]
    shape: tuple[int, ...]

    @property
    def closed(self) -> bool:
        return all(law.closed for law in self.laws)

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> Law:
        """Return the law of one element of a stack that is broadcast to a shape."""
        numbers = np.arange(prod(self.shape)).reshape(self.shape)
        return self.laws[int(np.broadcast_to(numbers, shape)[index])]

    @property
    def name(self) -> str:
        return f"stack of {len(self.laws)}"

    def _shaped(self, values: list[Quantity]) -> FloatArray:
        return np.array(values, float).reshape(self.shape)

    @property
    def mean(self) -> Quantity:
        return self._shaped([law.mean for law in self.laws])

    @property
    def var(self) -> Quantity:
        return self._shaped([law.var for law in self.laws])

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        low, high = zip(*(law.support for law in self.laws), strict=True)
        return self._shaped(list(low)), self._shaped(list(high))

    @property
    def knots(self) -> tuple[Quantity, ...]:
        rows = [law.knots for law in self.laws]
        most = max(map(len, rows))
        return tuple(
            self._shaped([row[i] if i < len(row) else np.inf for row in rows])
            for i in range(most)
        )

    def moment(self, order: int) -> Quantity:
        return self._shaped([law.moment(order) for law in self.laws])

    def _ask(self, ask: Callable[..., Quantity], *given: FloatArray) -> Quantity:
        shape = np.broadcast_shapes(self.shape, *(np.shape(x) for x in given))
        rows = [np.broadcast_to(x, shape) for x in given]
        kind = np.result_type(float, *given)
        answer = np.empty(shape, kind)
        for law, index in zip(self.laws, np.ndindex(self.shape), strict=True):
            place = (..., *index)
            answer[place] = ask(law, *(row[place] for row in rows))
        return answer

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.asarray(self._ask(lambda law, x: law.cdf(x, left), t))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.asarray(self._ask(lambda law, x: law.sf(x, left), t))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self._ask(lambda law, x, y: law.quantile(x, y), p, q))

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self._ask(lambda law, x: law.excess(x), t))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        blank = np.zeros(size)
        return np.asarray(self._ask(lambda law, x: law.sample(x.shape, rng), blank))

    def lst(self, s: Quantity) -> Quantity:
        return self._ask(lambda law, x: law.lst(x), np.asarray(s))


@dataclass(frozen=True, eq=False)
class Endless:
    """The law where `never` is false; where it is true, a time that is never over."""

    law: Law
    never: Quantity  # bool, or an array of them

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> Endless:
        """Return the law of one element of a stack."""
        one = element(self.law, index, shape) if self.law.shape else self.law
        return Endless(one, bool(np.broadcast_to(self.never, shape)[index]))

    @property
    def closed(self) -> bool:
        return self.law.closed

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.law.shape, np.shape(self.never))

    @property
    def name(self) -> str:
        return "never" if np.all(self.never) else f"{self.law.name}, or never"

    def _or(self, never: float, value: Quantity) -> Quantity:
        return np.where(self.never, never, value)[()]

    @property
    def mean(self) -> Quantity:
        return self._or(np.inf, self.law.mean)

    @property
    def var(self) -> Quantity:
        return self._or(np.inf, self.law.var)

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        low, high = self.law.support
        return self._or(np.inf, low), self._or(np.inf, high)

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return self.law.knots

    def moment(self, order: int) -> Quantity:
        return self._or(np.inf, self.law.moment(order))

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.asarray(self._or(0.0, self.law.cdf(t, left)))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.asarray(self._or(1.0, self.law.sf(t, left)))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        found = np.where(p > 0, self._or(np.inf, self.law.quantile(p, q)), 0.0)
        return np.where(self.never, found, self.law.quantile(p, q))

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self._or(np.inf, self.law.excess(t)))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(self._or(np.inf, self.law.sample(size, rng)))

    def lst(self, s: Quantity) -> Quantity:
        return self._or(0.0, self.law.lst(s))
