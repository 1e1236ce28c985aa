"""Chain: a Markov chain with named states, some of them up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import cast

import numpy as np

from hamodel._elimination import Edges
from hamodel._html import table
from hamodel._types import Quantity, State
from hamodel.chain._export import to_dot, to_prism
from hamodel.chain._gradient import gradient
from hamodel.chain._over_time import OverTime
from hamodel.chain._pieces import NONE, ONE, Cut, Piece, cut
from hamodel.chain._rates import Rates, brief, is_zero, read

Moves = Callable[[State], Iterable[tuple[Hashable, Quantity]]]
Up = Collection[Hashable] | Callable[[State], object]

_SHOWN = 30  # states in the table of a notebook


@dataclass(frozen=True, eq=False, repr=False)
class Chain(OverTime):
    """A Markov chain with named states, some of which are up.

    Parameters
    ----------
    rates : mapping
        `{(state, next_state): rate}` in 1/s.  A rate is a number, an array (all
        arrays broadcast against each other) or a SymPy expression.
    up : collection or callable
        The states in which the service works, or a function that tells.
    start : hashable, optional
        The state at time 0; by default the first one named in `rates`.

    Raises
    ------
    ValueError
        If a rate is negative or not a number, or `start` is not a state.

    Notes
    -----
    The long run is that of a chain that starts in `start`.  If it can end in
    several sets of states that it never leaves, the answers weigh them by the
    probability of ending there.

    Examples
    --------
    >>> from hamodel.units import HOUR
    >>> rates = {("up", "down"): 1 / (1000 * HOUR), ("down", "up"): 1 / HOUR}
    >>> Chain(rates, {"up"}).unavailability
    0.000999000999...
    """

    rates: Mapping[tuple[Hashable, Hashable], Quantity]
    up: Up
    start: Hashable = None
    states: tuple[Hashable, ...] = field(init=False)
    _edges: Edges = field(init=False)
    _rates: Rates = field(init=False)
    _cut: Cut = field(init=False)
    _up_numbers: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        given = dict(self.rates)
        if not given and self.start is None:
            raise ValueError("rates must name at least one transition, got none")
        start = next(iter(given))[0] if self.start is None else self.start
        number = {start: 0}
        for pair in given:
            for state in pair:
                number.setdefault(state, len(number))
        if given and self.start is not None and not any(start in p for p in given):
            raise ValueError(f"start must be one of the states, got {start!r}")
        states = tuple(number)
        rates = read(given)
        edges = tuple((number[a], number[b]) for a, b in rates.given)
        up = _up_states(self.up, states)
        self._set(
            start=start,
            rates=MappingProxyType(rates.given),
            states=states,
            up=up,
            _edges=edges,
            _rates=rates,
            _cut=cut(len(states), edges, rates),
            _up_numbers=frozenset(k for k, s in enumerate(states) if s in up),
        )

    def _set(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @classmethod
    def explore(
        cls, start: Hashable, moves: Moves, *, up: Up, limit: int = 1_000_000
    ) -> Chain:
        """Find all states that can be reached from a start state, in that order.

        Parameters
        ----------
        start : hashable
            The state at time 0; a string, a tuple, a NamedTuple...
        moves : callable
            `moves(state)` yields pairs (next_state, rate), rates in 1/s.  Rates to
            the same state add up; a rate of 0 is no move, a move to the state
            itself none either.
        up : collection or callable
            The states in which the service works, or a function that tells.
        limit : int
            Largest number of states.

        Raises
        ------
        ValueError
            If a rate is negative or not a number, or there are too many states.

        Examples
        --------
        >>> def moves(working):
        ...     if working:
        ...         yield working - 1, working / 1000
        ...     if working < 2:
        ...         yield working + 1, 1 / 10
        >>> Chain.explore(2, moves, up=lambda working: working >= 1).unavailability
        0.000196...
        """
        rates: dict[tuple[Hashable, Hashable], Quantity] = {}
        seen = {start}
        waiting = deque([start])
        while waiting:
            state = waiting.popleft()
            for goal, rate in moves(state):
                if goal == state or is_zero(rate):
                    continue
                pair = state, goal
                rates[pair] = rates[pair] + rate if pair in rates else rate
                if goal not in seen:
                    seen.add(goal)
                    waiting.append(goal)
            if len(seen) > limit:
                raise ValueError(f"limit must be at least the states, > {limit} found")
        return cls(rates, up, start=start)

    @property
    def _up(self) -> frozenset[Hashable]:
        return cast("frozenset[Hashable]", self.up)

    def steady_state(self) -> dict[Hashable, Quantity]:
        """Return the long-run probability of each state.

        Returns
        -------
        dict
            `{state: probability}`: floats, arrays or SymPy expressions.

        Examples
        --------
        >>> Chain({("a", "b"): 1.0, ("b", "a"): 3.0}, {"a"}).steady_state()
        {'a': 0.75, 'b': 0.25}
        """
        places = {
            id(piece): {k: i for i, k in enumerate(piece.states)}
            for piece in self._cut.pieces
        }

        def probability(piece: Piece, k: int) -> Quantity:
            place = places[id(piece)].get(k)
            return 0.0 if place is None else piece.probabilities[place]

        return {
            state: self._cut.answer(partial(probability, k=k))
            for k, state in enumerate(self.states)
        }

    @property
    def unavailability(self) -> Quantity:
        """Long-run share of time in down states, summed over these, never 1 - A."""
        return self._mean(self._of(NONE, ONE))

    @property
    def availability(self) -> Quantity:
        """Long-run share of time in up states."""
        return self._mean(self._of(ONE, NONE))

    @property
    def failure_frequency(self) -> Quantity:
        """How often the service goes down in the long run, in 1/s."""
        return self._cut.answer(lambda piece: piece.flow(self._up_numbers))

    @property
    def mean_downtime(self) -> Quantity:
        """Mean length of an outage in s; 0 if there is none, inf if one never ends."""
        up, down = self._up_numbers, self._of(NONE, ONE)
        return self._cut.answer(lambda p: _per_event(p.mean(down), p.flow(up)))

    @property
    def mttf(self) -> Quantity:
        """Mean time from the start until the service is first down, in s."""
        return self.mean_time_to(self.down)

    def mean_time_to(self, targets: Collection[Hashable]) -> Quantity:
        """Return the mean time from the start until a target state is entered.

        Parameters
        ----------
        targets : collection of hashable
            States.

        Returns
        -------
        float, ndarray or SymPy expression
            Time in s; inf if the targets may never be reached.

        Examples
        --------
        >>> Chain({("a", "b"): 0.5, ("b", "a"): 1.0}, {"a"}).mean_time_to({"b"})
        2.0
        """
        goal = {k for k, state in enumerate(self.states) if state in targets}

        def answer(piece: Piece) -> Quantity:
            ends = frozenset(i for i, k in enumerate(piece.states) if k in goal)
            return piece.mean_time_to(ends)

        return self._cut.answer(answer)

    def reward(self, value: Callable[[State], Quantity]) -> Quantity:
        """Return the long-run mean of a quantity that each state has.

        Parameters
        ----------
        value : callable
            `value(state)`, a number.

        Returns
        -------
        float, ndarray or SymPy expression
            Sum of probability times value.

        Examples
        --------
        >>> pair = Chain({(2, 1): 0.2, (1, 2): 1.0, (1, 0): 0.1, (0, 1): 1.0}, {2, 1})
        >>> pair.reward(lambda working: working)  # mean number of working nodes
        1.8032...
        """
        values = [value(state) for state in self.states]
        if all(isinstance(v, int | float) for v in values):
            return self._mean([NONE if v == 0 else v for v in values])
        return sum(
            p * v for p, v in zip(self.steady_state().values(), values, strict=True)
        )

    def sensitivity(self) -> dict[tuple[Hashable, Hashable], Quantity]:
        """Return the derivative of the unavailability by every rate.

        Returns
        -------
        dict
            `{(state, next_state): d unavailability / d rate}`, in s.

        Raises
        ------
        ValueError
            If the chain is too large to be planned.

        Notes
        -----
        Exact to rounding: reverse mode, not finite differences.  Where a rate is 0
        it is the derivative from above.

        Examples
        --------
        >>> node = Chain({("up", "down"): 0.01, ("down", "up"): 1.0}, {"up"})
        >>> node.sensitivity()
        {('up', 'down'): 0.980296..., ('down', 'up'): -0.00980296...}
        """
        slopes = gradient(self._edges, self._rates.flat, self._up_numbers)
        whole = Cut((), self._rates.shape, self._cut.finish)
        return {
            pair: whole.shaped(slope)
            for pair, slope in zip(self.rates, slopes, strict=True)
        }

    def to_dot(self) -> str:
        r"""Return the states and moves as a graph that Graphviz draws.

        Returns
        -------
        str
            The text of a .dot file: states with their long-run probabilities, those
            that are up rounded and green, moves with their rates.

        Examples
        --------
        >>> print(Chain({("a", "b"): 1.0, ("b", "a"): 3.0}, {"a"}).to_dot())
        digraph chain {
          rankdir=LR;
          node [shape=box, style="filled"];
          0 [label="a\n75 %", fillcolor="#d9f0e3", style="rounded,filled"];
          1 [label="b\n25 %", fillcolor="#fbd9cf", style="filled"];
          0 -> 1 [label="1/s"];
          1 -> 0 [label="3/s"];
        }
        <BLANKLINE>
        """
        return to_dot(self.steady_state(), self.rates, self._up)

    def to_prism(self) -> str:
        """Return the chain as a model of the PRISM and Storm model checkers.

        Returns
        -------
        str
            The text of a `.prism` file with the labels "up" and "down"; SymPy
            symbols become its constants.  Ask PRISM for `S=? ["down"]`, and Storm,
            run with `--prismcompat`, for `LRA=? ["down"]`.

        Raises
        ------
        ValueError
            If the rates are arrays, or some state is left at once.

        Examples
        --------
        >>> model = Chain({("a", "b"): 1.0, ("b", "a"): 3.0}, {"a"}).to_prism()
        >>> print(model.splitlines()[5].strip(), model.splitlines()[10])
        [] s=0 -> 1.0 : (s'=1); label "up" = s=0;
        """
        if self._rates.odd:
            raise ValueError(
                "rates must be of ordinary size for PRISM, got instant ones"
            )
        return to_prism(self.states, self.rates, self._up)

    def __repr__(self) -> str:
        shape = "" if self._rates.shape is None else f", {self._rates.shape} scenarios"
        return (
            f"Chain of {len(self.states)} states ({len(self._up)} up) and"
            f" {len(self.rates)} transitions{shape}, from {self.start!r}"
        )

    def _repr_html_(self) -> str:
        shown = list(self.steady_state().items())[:_SHOWN]
        rows = [
            (state, "up" if state in self._up else "down", brief(p))
            for state, p in shown
        ]
        if len(self.states) > _SHOWN:
            rows.append(("...", "", f"{len(self.states) - _SHOWN} more"))
        header = "state", "service", "long-run probability"
        return table(rows, header=header, caption=repr(self))

    def _of(self, up: int, down: int) -> list[int]:
        """Return a number for each state, by whether it is up."""
        return [up if k in self._up_numbers else down for k in range(len(self.states))]

    def _mean(self, values: Sequence[Quantity]) -> Quantity:
        return self._cut.answer(lambda piece: piece.mean(values))


def _per_event(share: Quantity, frequency: Quantity) -> Quantity:
    """Return the time per event; 0 if there are none and no time either."""
    if isinstance(share, np.ndarray) or isinstance(frequency, np.ndarray):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(share == 0, 0.0, share / frequency)
    if share == 0:
        return 0.0
    return share / frequency if frequency else float("inf")


def _up_states(up: Up, states: tuple[Hashable, ...]) -> frozenset[Hashable]:
    if callable(up):
        return frozenset(s for s in states if up(s))
    if isinstance(up, str):
        raise ValueError(f"up must be a collection of states or a function, got {up!r}")
    return frozenset(s for s in states if s in up)
