"""The shape of a part: its states and moves, found once for all numbers.

Which states there are depends on what is said (three nodes, two kinds of failure, a
person who helps), not on the numbers.  So the rules are run once on terms, which stand
for numbers and remember what is done with them; the numbers of each specification are
put in afterwards.  Numbers that decide what can happen at all (a time of 0 or without
end, a share of 0 or 1) belong to the shape.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np

from hamodel._check import is_symbolic
from hamodel._graph import closed_classes, successors
from hamodel._quantity import mean_of, rate_of
from hamodel._types import FloatArray, Quantity, State
from hamodel.chain import Chain
from hamodel.markov import long_run

Spec = TypeVar("Spec")

#: A number, a law, or a term that stands for one.
Number: TypeAlias = Any

#: So many scenarios at a time keep the long-run shares of all states small.
_BLOCK = 4096

#: Larger rates are left to `Chain`, which knows what is left at once.
_LARGEST = 1e150

#: Numbers that decide what can happen.
_DECISIVE = (0, 1, float("inf"))


class Term:
    """A number to come, or what is done with some."""

    __slots__ = ("of", "operation")
    ndim = 0  # to arithmetic on arrays it is one number

    def __init__(self, operation: Callable[..., Number] | str, *of: object) -> None:
        self.operation, self.of = operation, of

    def __repr__(self) -> str:
        if isinstance(self.operation, str):
            return self.operation
        return f"{self.operation.__name__}{self.of}"

    def __mul__(self, other: object) -> Number:
        if not isinstance(other, Term) and other in {0, 1}:
            return self if other else 0
        return made(operator.mul, self, other)

    def __rmul__(self, other: object) -> Number:
        return self * other

    def __add__(self, other: object) -> Number:
        if not isinstance(other, Term) and other == 0:
            return self
        return made(operator.add, self, other)

    def __radd__(self, other: object) -> Number:
        return self + other

    def __rsub__(self, other: object) -> Number:
        return made(operator.sub, other, self)

    def __truediv__(self, other: object) -> Number:
        return made(operator.truediv, self, other)

    def __rtruediv__(self, other: object) -> Number:
        return made(rate_of, self) * other

    @property
    def mean(self) -> Number:
        """The mean of what may be a law."""
        return made(mean_of, self)


class Law(Term):
    """A time to come whose law may matter."""

    __slots__ = ()
    sample = None  # what tells a law from a number


#: All terms by what they say, so that equal ones are one.
_MADE: dict[tuple[object, ...], Term] = {}


def made(
    operation: Callable[..., Number] | str, *of: object, law: bool = False
) -> Number:
    """Return the term of an operation on terms and numbers."""
    key = (operation, law, *(id(x) if isinstance(x, Term) else x for x in of))
    if key not in _MADE:
        _MADE[key] = (Law if law else Term)(operation, *of)
    return _MADE[key]


def is_term(*values: object) -> bool:
    """Tell whether some of the values are terms."""
    return any(isinstance(value, Term) for value in values)


@dataclass(eq=False)
class Names:
    """Gives numbers names, and keeps which number has which."""

    numbers: dict[str, Number] = field(default_factory=dict)

    def of(self, name: str, value: Number) -> Number:
        """Return the term that stands for a value, or what decides by itself."""
        if value is None:
            return None
        law = hasattr(value, "sample")
        mean = value.mean if law else value
        if np.ndim(mean) == 0 and not is_symbolic(mean):
            decisive = next((x for x in _DECISIVE if mean == x), None)
            if decisive is not None and not (law and decisive):
                return decisive
        self.numbers[name] = value
        return made(name, law=law)

    def within(self, spec: Spec, prefix: str, *fields: str) -> Spec:
        """Return what is said with terms for some of its fields."""
        named = {f: self.of(f"{prefix}.{f}", getattr(spec, f)) for f in fields}
        if isinstance(spec, tuple):
            return spec._replace(**named)  # type: ignore[attr-defined,no-any-return]
        return replace(spec, **named)  # type: ignore[type-var]


@dataclass(frozen=True, eq=False)
class Shape:
    """All states that rules lead to from a start, what they show, and the moves."""

    # the states, the first of them the start, and what each of them shows
    states: tuple[State, ...]
    views: tuple[Hashable, ...]
    # from which state to which, by number, and the term of the rate in 1/s
    moves: Mapping[tuple[int, int], Number]

    @classmethod
    def explore(
        cls,
        start: Hashable,
        moves: Callable[[State], Iterable[tuple[Hashable, Number]]],
        view: Callable[[State], Hashable],
    ) -> Shape:
        """Find all states that can be reached from a start.

        A state that is left at once is no state of its own: its ways lead on.
        """
        number, waiting = {start: 0}, [start]
        found: dict[tuple[int, int], Number] = {}
        known: dict[Hashable, list[tuple[Hashable, Number]]] = {}

        def ways(state: Hashable) -> list[tuple[Hashable, Number]]:
            if state not in known:
                swift = _at_once(list(moves(state)))
                led = [(to, p * q) for via, p in swift for to, q in ways(via)]
                known[state] = led or [(state, 1)]
            return known[state]

        for state in waiting:
            for via, rate in moves(state):
                for goal, share in ways(via):
                    if goal == state or (not is_term(rate) and rate == 0):
                        continue
                    if goal not in number:
                        number[goal] = len(number)
                        waiting.append(goal)
                    pair, flow = (number[state], number[goal]), rate * share
                    found[pair] = found[pair] + flow if pair in found else flow
        return cls(tuple(number), tuple(map(view, number)), found)

    def rates(self, numbers: Mapping[str, Number]) -> list[Number]:
        """Return the rate of each move, for some numbers."""
        known: dict[int, Number] = {}
        for term, places in self._steps:
            if isinstance(term.operation, str):
                known[id(term)] = numbers[term.operation]
            else:
                of = [known[id(x)] if known_ else x for x, known_ in places]
                known[id(term)] = term.operation(*of)
        return [
            _plain(known[id(rate)]) if isinstance(rate, Term) else rate
            for rate in self.moves.values()
        ]

    @cached_property
    def _steps(self) -> list[tuple[Term, list[tuple[object, bool]]]]:
        """All terms, each after what it is made of."""
        seen: dict[int, Term] = {}

        def visit(term: object) -> None:
            if isinstance(term, Term) and id(term) not in seen:
                for part in term.of:
                    visit(part)
                seen[id(term)] = term

        for rate in self.moves.values():
            visit(rate)
        return [
            (term, [(x, isinstance(x, Term)) for x in term.of])
            for term in seen.values()
        ]

    def shown(self, rates: Sequence[Number]) -> dict[Hashable, Quantity]:
        """Return the long-run probability of each view, for rates of the moves."""
        arrays = [r for r in rates if isinstance(r, np.ndarray) and r.ndim]
        shape = np.broadcast_shapes(*{a.shape for a in arrays})
        size = int(np.prod(shape))
        if size <= _BLOCK:
            return self._shown(rates)
        flat = {id(a): np.broadcast_to(a, shape).reshape(-1) for a in arrays}
        found: dict[Hashable, FloatArray] = {
            view: np.empty(size) for view in self.views
        }
        for low in range(0, size, _BLOCK):
            here = slice(low, low + _BLOCK)
            cut = {key: a[here] for key, a in flat.items()}
            some = self._shown([cut.get(id(rate), rate) for rate in rates])
            for view, share in some.items():
                found[view][here] = share
        return {view: share.reshape(shape) for view, share in found.items()}

    def _shown(self, rates: Sequence[Number]) -> dict[Hashable, Quantity]:
        found: dict[Hashable, Quantity] = defaultdict(int)
        for k, share in self.probabilities(rates):
            found[self.views[k]] = found[self.views[k]] + share
        return dict(found)

    def probabilities(self, rates: Sequence[Number]) -> Iterable[tuple[int, Quantity]]:
        """Return the long-run probability of each state, by its number."""
        if not rates:
            return [(0, 1.0)]  # nothing ever happens
        plain = all(type(rate) is float for rate in rates)
        if plain and self.connects(rates):
            return enumerate(long_run(len(self.states), tuple(self.moves), rates))
        chain = Chain(dict(zip(self.moves, rates, strict=True)), frozenset(), start=0)
        shares = chain.steady_state()
        return ((k, shares[k]) for k in range(len(self.states)) if k in shares)

    def connects(self, rates: Sequence[Number]) -> bool:
        """Tell whether each state leads to each other at these rates."""
        if not self._whole or not rates:
            return self._whole
        if all(type(rate) is float for rate in rates):
            return bool(min(rates) > 0 and max(rates) < _LARGEST)
        if any(is_symbolic(rate) for rate in rates):
            return False
        return all(
            bool(np.all((np.real(r) > 0) & (np.abs(r) < _LARGEST))) for r in rates
        )

    @cached_property
    def _whole(self) -> bool:
        """Whether each state leads to each other."""
        count = len(self.states)
        return len(closed_classes(successors(count, self.moves))[0]) == count


def _at_once(moves: list[tuple[Hashable, Number]]) -> list[tuple[Hashable, Number]]:
    """Return where a state leads that is left at once, with shares; else nothing.

    One event is meant, with one outcome or with two of complementary shares; who has
    more of them leaves the rest to `Chain`.
    """
    found = []
    for goal, rate in moves:
        share, much = 1, rate
        if is_term(rate) and rate.operation is operator.mul:
            share, much = rate.of
        if not is_term(much) and much >= _LARGEST:
            found.append((goal, share))
    if len(found) == 2:
        (_, one), (_, other) = found
        return found if is_term(one, other) and _rest(one, other) else []
    return found if len(found) == 1 and found[0][1] == 1 else []


def _rest(one: Number, other: Number) -> bool:
    """Tell whether two shares add up to 1; terms that say the same are the same."""
    return (1 - one) is other or (1 - other) is one


def _plain(rate: Quantity) -> Quantity:
    """Return a single number of NumPy's as one of Python's."""
    return float(rate) if isinstance(rate, np.floating) else rate


@dataclass(frozen=True, eq=False)
class Shaped:
    """A shape with the numbers of one specification."""

    shape: Shape
    numbers: Mapping[str, Number]

    @cached_property
    def rates(self) -> list[Number]:
        """Rate of each move in 1/s."""
        return self.shape.rates(self.numbers)

    @cached_property
    def shares(self) -> dict[Hashable, Quantity]:
        """Long-run probability of each view."""
        return self.shape.shown(self.rates)

    @cached_property
    def probabilities(self) -> list[tuple[int, Quantity]]:
        """Long-run probability of each state, by its number."""
        return list(self.shape.probabilities(self.rates))

    @cached_property
    def connected(self) -> bool:
        """Whether each state leads to each other."""
        return self.shape.connects(self.rates)

    def views(self) -> dict[Hashable, Quantity]:
        """Return the long-run probability of each view."""
        return dict(self.shares)

    def chain(self, up: Callable[[State], object]) -> Chain:
        """Return the chain of the states; `up` judges a view."""
        shape, after = self.shape, defaultdict(list)
        for (i, j), rate in zip(shape.moves, self.rates, strict=True):
            after[shape.states[i]].append((shape.states[j], rate))
        serving = dict(zip(shape.states, map(up, shape.views), strict=True))
        start = shape.states[0]
        return Chain.explore(start, after.__getitem__, up=serving.__getitem__)
