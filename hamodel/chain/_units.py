"""Identical units and independent parts: small chains instead of large ones.

n identical units need n + 1 states, not 2**n: count those that work.  Independent
parts need no common chain at all for most questions: their probabilities multiply.
"""

from __future__ import annotations

from collections.abc import Iterator

from hamodel import _check
from hamodel._types import Quantity
from hamodel.chain._chain import Chain


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
