"""The elimination plan: a chain's graph turned into straight-line arithmetic.

The long-run probabilities of a Markov chain follow by folding its states, one after
another, into those that remain (Grassmann, Taksar and Heyman 1985).  Which products
and sums that takes depends on the graph alone, not on the rates.  So the folding is
done once on names, as a list of statements, written out as Python source and
compiled; the function then runs on whatever the rates are: floats, arrays, complex
steps, fractions, `mpmath` numbers or SymPy expressions.

The surprising part: since only `+`, `*` and `/` of non-negative numbers occur,
nothing can cancel.  A probability of 1e-40 comes out as exact as one of 0.5, and the
work is a few operations per edge, where a dense solve costs the cube of the states.

Reverse mode is the same list of statements read backwards.

Sources: W. K. Grassmann, M. I. Taksar and D. P. Heyman (1985), Regenerative Analysis
and Steady State Distributions for Markov Chains, Operations Research 33(5),
1107-1116; C. A. O'Cinneide (1993), Entrywise perturbation theory and error analysis
for Markov chains, Numerische Mathematik 65, 109-120; H. M. Markowitz (1957), The
Elimination Form of the Inverse, Management Science 3(3) (the order of elimination).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np

from hamodel._types import Quantity

Edges: TypeAlias = tuple[tuple[int, int], ...]

#: More statements than this are not worth compiling: other solvers take over.
LARGEST_PLAN = 30_000


@dataclass(frozen=True)
class _Statement:
    """`target = base + sum(a * b)`, or `target = base / over` when `over` is set."""

    target: str
    base: tuple[str, ...] = ()
    products: tuple[tuple[str, str], ...] = ()
    over: str = ""

    def source(self) -> str:
        if self.over:
            return f"{self.target} = {self.base[0]} / {self.over}"
        terms = [*self.base, *(f"{a} * {b}" for a, b in self.products)]
        return f"{self.target} = {' + '.join(terms)}"

    @property
    def operations(self) -> int:
        if self.over:
            return 1
        return len(self.base) + 2 * len(self.products) - 1


@dataclass(frozen=True, eq=False)
class Plan:
    """The compiled elimination of one graph.

    `stationary` takes the rates of `edges`, in that order, and returns the
    probability of each state.  `weights` returns them relative to the state `keep`,
    and a function that pulls derivatives with respect to the weights back to
    derivatives with respect to the rates.
    """

    states: int
    edges: Edges
    keep: int
    statements: tuple[_Statement, ...] = field(repr=False)

    @cached_property
    def operations(self) -> int:
        """How many additions, multiplications and divisions one solution takes."""
        return sum(s.operations for s in self.statements) + 2 * self.states - 1

    @cached_property
    def stationary(self) -> Callable[[Sequence[Quantity]], tuple[Quantity, ...]]:
        """The function from rates to probabilities."""
        weights = [self._weight(k) for k in range(self.states)]
        body = [self._unpack(), *(s.source() for s in self.statements)]
        body.append(f"scale = 1 / ({' + '.join(weights)})")
        shares = (f"{w} * scale, " if w != "1" else "scale, " for w in weights)
        body.append(f"return ({''.join(shares)})")
        return _compiled("stationary", "rates", body)

    @cached_property
    def weights(self) -> Callable[[Sequence[Quantity]], tuple[Quantity, Quantity]]:
        """The function from rates to weights and their pullback."""
        weights = [self._weight(k) for k in range(self.states)]
        body = [self._unpack(), *(s.source() for s in self.statements)]
        body.append("def pullback(seeds):")
        body += [f"    {line}" for line in self._backwards()]
        body.append(f"return ({''.join(f'{w}, ' for w in weights)}), pullback")
        return _compiled("weights", "rates", body)

    def solve(self, rates: Sequence[Quantity]) -> list[Quantity]:
        """Return the probability of each state, for numbers or flat arrays."""
        return in_blocks(self.stationary, rates, self.block)

    @cached_property
    def block(self) -> int:
        """How many scenarios at a time keep the temporaries in the cache."""
        return 4096 if self.operations < 150 else 2048

    def _weight(self, state: int) -> str:
        return "1" if state == self.keep else f"p{state}"

    def _unpack(self) -> str:
        names = "".join(f"r{e}, " for e in range(len(self.edges)))
        return f"{names}= rates" if names else "pass"

    def _backwards(self) -> list[str]:
        """Write the reverse sweep: each statement's derivative, last one first."""
        sweep = _Sweep()
        for k in range(self.states):
            if k != self.keep:
                sweep.lines.append(f"d_p{k} = seeds[{k}]")
                sweep.known.add(f"p{k}")
        for statement in reversed(self.statements):
            sweep.undo(statement)
        gradient = "".join(f"{sweep.of(f'r{e}')}, " for e in range(len(self.edges)))
        return [*sweep.lines, f"return ({gradient})"]


@dataclass
class _Sweep:
    """The reverse sweep under construction: which adjoints are already started."""

    lines: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    fresh: int = 0

    def of(self, name: str) -> str:
        return f"d_{name}" if name in self.known else "0"

    def add(self, name: str, value: str, sign: str = "+") -> None:
        if name == "1":
            return
        if name in self.known:
            self.lines.append(f"d_{name} = d_{name} {sign} {value}")
        else:
            self.lines.append(f"d_{name} = {'' if sign == '+' else '-'}{value}")
            self.known.add(name)

    def undo(self, statement: _Statement) -> None:
        if statement.target not in self.known:
            return
        adjoint = f"d_{statement.target}"
        if statement.over:
            share = f"t{self.fresh}"
            self.fresh += 1
            self.lines.append(f"{share} = {adjoint} / {statement.over}")
            self.add(statement.base[0], share)
            self.add(statement.over, f"{share} * {statement.target}", "-")
            return
        for name in statement.base:
            self.add(name, adjoint)
        for a, b in statement.products:
            self.add(a, f"{adjoint} * {b}")
            self.add(b, f"{adjoint} * {a}")


@lru_cache(maxsize=1024)
def plan(states: int, edges: Edges, keep: int = 0) -> Plan | None:
    """Return the plan of an irreducible graph, or None if it would be too long.

    The state `keep` is eliminated last and gets weight 1; take one that is likely,
    for the weights of the others are relative to it.
    """
    statements = _eliminate(states, edges, keep)
    return None if statements is None else Plan(states, edges, keep, statements)


class _Graph:
    """A graph that loses its states one by one; edges hold the names of rates."""

    def __init__(self, states: int, edges: Edges) -> None:
        self.out: list[dict[int, str]] = [{} for _ in range(states)]
        self.into: list[set[int]] = [set() for _ in range(states)]
        for number, (i, j) in enumerate(edges):
            self.out[i][j] = f"r{number}"
            self.into[j].add(i)
        self.fresh = 0

    def cost(self, k: int) -> tuple[int, int]:
        """Markowitz' count of the products it takes to fold state `k`."""
        return len(self.into[k]) * len(self.out[k]), -k

    def fold(self, k: int) -> list[_Statement]:
        """Take state `k` out; its neighbours inherit its flow by share."""
        out = self.out[k]
        done: list[_Statement] = []
        total = next(iter(out.values()), "")
        if len(out) != 1:
            total = f"s{k}"
            done.append(_Statement(total, base=tuple(out.values())))
        for i in sorted(self.into[k]):
            inflow = self.out[i].pop(k)
            share = f"f{i}_{k}"
            done.append(_Statement(share, base=(inflow,), over=total))
            for j, rate in out.items():
                if j != i:
                    product = (share, rate) if len(out) > 1 else (inflow,)
                    done.append(self._merge(i, j, product))
        for j in out:
            self.into[j].discard(k)
        return done

    def _merge(self, i: int, j: int, product: tuple[str, ...]) -> _Statement:
        base = (self.out[i][j],) if j in self.out[i] else ()
        name = f"q{self.fresh}"
        self.fresh += 1
        self.out[i][j] = name
        self.into[j].add(i)
        if len(product) == 1:  # one way out: all that flows in flows on
            return _Statement(name, base=(*base, product[0]))
        return _Statement(name, base=base, products=((product[0], product[1]),))


def _eliminate(states: int, edges: Edges, keep: int) -> tuple[_Statement, ...] | None:
    graph = _Graph(states, edges)
    left = set(range(states)) - {keep}
    order: list[tuple[int, tuple[int, ...]]] = []
    statements: list[_Statement] = []
    while left:
        k = min(left, key=graph.cost)
        left.remove(k)
        order.append((k, tuple(sorted(graph.into[k]))))
        if len(statements) + graph.cost(k)[0] > LARGEST_PLAN:
            return None
        statements += graph.fold(k)
    for k, sources in reversed(order):
        base = tuple(f"f{i}_{k}" for i in sources if i == keep)
        rest = tuple((f"p{i}", f"f{i}_{k}") for i in sources if i != keep)
        statements.append(_Statement(f"p{k}", base=base, products=rest))
    return tuple(statements)


def _compiled(name: str, argument: str, body: Sequence[str]) -> Callable[..., Quantity]:
    source = "\n".join([f"def {name}({argument}):", *(f"    {b}" for b in body)])
    scope: dict[str, Quantity] = {}
    exec(compile(source, f"<plan: {name}>", "exec"), scope)
    function: Callable[..., Quantity] = scope[name]
    return function


def in_blocks(
    function: Callable[[Sequence[Quantity]], Sequence[Quantity]],
    rates: Sequence[Quantity],
    block: int,
) -> list[Quantity]:
    """Apply a function of rates to numbers, or to flat arrays block by block."""
    size = next((r.size for r in rates if isinstance(r, np.ndarray)), None)
    if size is None:
        return list(function(rates))
    if size <= block:
        return list(function(rates))
    rows: list[Quantity] = []
    for first in range(0, size, block):
        part = slice(first, first + block)
        values = function([r[part] if isinstance(r, np.ndarray) else r for r in rates])
        if not rows:
            rows = [np.empty(size, np.result_type(v)) for v in values]
        for row, value in zip(rows, values, strict=True):
            row[part] = value
    return rows
