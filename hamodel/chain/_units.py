"""Identical units and independent parts: small chains instead of large ones.

n identical units need n + 1 states, not 2**n: count those that work.  Independent
parts need no common chain at all for most questions: their probabilities multiply.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as cartesian
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import _check
from hamodel.chain._chain import Chain
from hamodel.chain._rates import INSTANT

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from hamodel._types import Quantity


def after(mean: Quantity, share: Quantity = 1.0) -> Quantity:
    """Return the rate of a way out that is taken after a mean time, with a share.

    Parameters
    ----------
    mean : float, ndarray or SymPy expression
        Mean time in s until the state is left; 0 for at once.
    share : float, ndarray or SymPy expression
        Probability to leave this way.

    Returns
    -------
    float, ndarray or SymPy expression
        `share / mean`, and for a mean of 0 the same share of :data:`INSTANT`.

    Raises
    ------
    ValueError
        If the mean is negative or the share is no probability.

    Examples
    --------
    >>> after(20.0, 0.9), after(0.0, 0.9) == 0.9 * INSTANT
    (0.045, True)
    """
    _check.between(0, float("inf"), mean=mean)
    _check.probability(share=share)
    if _check.is_symbolic(mean) or _check.is_symbolic(share):
        return share / mean if mean != 0 else share * int(INSTANT)
    if np.ndim(mean) == 0:
        return share / mean if mean else share * INSTANT
    mean = np.asarray(mean)
    return share * np.where(mean == 0, INSTANT, 1 / np.where(mean == 0, 1, mean))


def k_of_n(
    n: int, k: int, *, fail: Quantity, repair: Quantity, crews: int = 1
) -> Chain:
    """Return the chain of n identical units of which k must work.

    Parameters
    ----------
    n, k : int
        Units, and how many of them the service needs.
    fail : float, ndarray or SymPy expression
        Failure rate of each working unit in 1/s, also while the service is down.
    repair : float, ndarray or SymPy expression
        Rate in 1/s at which a crew repairs a unit.
    crews : int
        Repair crews; each works on one unit.

    Returns
    -------
    Chain
        Its states are the numbers of working units, from n down to 0.

    Raises
    ------
    ValueError
        If a number is not whole, or k is not in [1, n].

    Examples
    --------
    >>> k_of_n(5, 3, fail=0.0005, repair=0.125, crews=2).unavailability
    9.44799609...e-07
    """
    _check.whole(1, n=n, k=k, crews=crews)
    _check.between(1, n, k=k)

    def moves(working: int) -> Iterator[tuple[int, Quantity]]:
        if working > 0:
            yield working - 1, working * fail
        if working < n:
            yield working + 1, min(crews, n - working) * repair

    return Chain.explore(n, moves, up=lambda working: working >= k)


@dataclass(frozen=True, eq=False)
class Product:
    """Independent chains side by side, up while enough of them are.

    Parameters
    ----------
    chains : tuple of Chain
        The parts; no failure, repair crew or cause is shared between them.
    needed : int, optional
        How many of them must be up; by default all.

    Raises
    ------
    ValueError
        If there is no chain, or `needed` is not in [1, number of chains].

    Notes
    -----
    All but the time to the first failure follows from each part alone: with u_i its
    unavailability and f_i its failure frequency, the whole goes down when a part
    goes down while exactly `needed` are up.

    Examples
    --------
    >>> node = k_of_n(1, 1, fail=1 / 1000, repair=1.0)
    >>> pair = Product((node, node), needed=1)
    >>> pair.unavailability
    9.98002...e-07
    >>> round(pair.mttf)
    501500
    """

    chains: tuple[Chain, ...]
    needed: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "chains", tuple(self.chains))
        if not self.chains:
            raise ValueError("chains must name at least one chain, got none")
        needed = len(self.chains) if self.needed is None else self.needed
        _check.whole(1, needed=needed)
        _check.between(1, len(self.chains), needed=needed)
        object.__setattr__(self, "needed", needed)

    @property
    def unavailability(self) -> Quantity:
        """Long-run probability that too few parts are up, summed, never 1 - A."""
        return sum(_number_up(self.chains)[: self._needed])

    @property
    def availability(self) -> Quantity:
        """Long-run probability that enough parts are up."""
        return sum(_number_up(self.chains)[self._needed :])

    @property
    def failure_frequency(self) -> Quantity:
        """How often the whole goes down in the long run, in 1/s."""
        others = [self.chains[:i] + self.chains[i + 1 :] for i in range(self._parts)]
        return sum(
            chain.failure_frequency * _number_up(rest)[self._needed - 1]
            for chain, rest in zip(self.chains, others, strict=True)
        )

    @property
    def mean_downtime(self) -> Quantity:
        """Mean length of an outage of the whole, in s."""
        return self.unavailability / self.failure_frequency

    @property
    def mttf(self) -> Quantity:
        """Mean time until the whole is first down, in s.

        This question needs the common chain, which is built.
        """
        return self.chain().mttf

    def chain(self) -> Chain:
        """Return the common chain; its states are tuples of the parts' states."""
        arrows: dict[Hashable, list[tuple[Hashable, Quantity]]] = {}
        for part, chain in enumerate(self.chains):
            for (a, b), rate in chain.rates.items():
                arrows.setdefault((part, a), []).append((b, rate))

        def moves(state: Any) -> Iterator[tuple[Hashable, Quantity]]:  # noqa: ANN401
            for part, own in enumerate(state):
                for goal, rate in arrows.get((part, own), ()):
                    yield (*state[:part], goal, *state[part + 1 :]), rate

        start = tuple(chain.start for chain in self.chains)
        return Chain.explore(start, moves, up=self._is_up)

    def steady_state(self) -> dict[Hashable, Quantity]:
        """Return the long-run probability of each tuple of states."""
        parts = [chain.steady_state() for chain in self.chains]
        result: dict[Hashable, Quantity] = {}
        for state in cartesian(*parts):
            p: Quantity = 1
            for part, own in zip(parts, state, strict=True):
                p = p * part[own]
            result[state] = p
        return result

    @property
    def _parts(self) -> int:
        return len(self.chains)

    @property
    def _needed(self) -> int:
        return self._parts if self.needed is None else self.needed

    def _is_up(self, state: Any) -> bool:  # noqa: ANN401
        pairs = zip(state, self.chains, strict=True)
        return sum(own not in chain.down for own, chain in pairs) >= self._needed


def _number_up(chains: tuple[Chain, ...]) -> list[Quantity]:
    """Return the probabilities that 0, 1, ... of the chains are up."""
    found: list[Quantity] = [1]
    for chain in chains:
        up, down = chain.availability, chain.unavailability
        longer = [p * down for p in found] + [0]
        for number, p in enumerate(found):
            longer[number + 1] = longer[number + 1] + p * up
        found = longer
    return found
