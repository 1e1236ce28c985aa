"""A group of replicas in the units of the controls, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf, log10
from typing import TYPE_CHECKING

from hamodel import _check, structure
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from hamodel.structure import Structure

MOST = 8  # replicas in the picture


@lru_cache
def replicas(number: int, needed: int = 1) -> Structure:
    """Return a service that some of a number of replicas keep up.

    Parameters
    ----------
    number : int
        Replicas, named r1, r2 and so on.
    needed : int
        How many of them the service needs.

    Returns
    -------
    Structure
        So many out of so many.

    Raises
    ------
    ValueError
        If `needed` is not in [1, number].

    Examples
    --------
    >>> for cut in replicas(3, needed=2).minimal_cut_sets():
    ...     print(sorted(cut))
    ['r1', 'r2']
    ['r1', 'r3']
    ['r2', 'r3']
    """
    _check.whole(1, number=number)
    _check.between(1, number, needed=needed)
    names = ", ".join(f"r{k}" for k in range(1, number + 1))
    return structure.parse(f"atleast({needed}, {names})")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Alike replicas, of which the service needs some, and whose failures are shared.

    Attributes
    ----------
    number, needed : int
        Replicas, and how many of them the service needs.
    down : float
        Share of time that a replica is down, for whatever cause.
    shared : float
        Share of the failures of a replica that take all of them: the β of the
        β-factor model.
    """

    number: int
    needed: int
    down: float
    shared: float

    def with_number(self, number: int) -> Group:
        """Return the same with another number of replicas."""
        return Group(
            number=number, needed=self.needed, down=self.down, shared=self.shared
        )

    @property
    def enough(self) -> bool:
        """Whether there are as many replicas as the service needs."""
        return self.number >= self.needed

    @property
    def unavailability(self) -> float:
        """Share of time that the service is down."""
        return self._down(self.shared)

    @property
    def naive(self) -> float:
        """What it would be if all failures came alone."""
        return self._down(0.0)

    @property
    def floor(self) -> float:
        """What is left however many replicas there are."""
        return self.shared * self.down

    @property
    def nines(self) -> float:
        """Minus the decimal logarithm of the unavailability."""
        return nines(self.unavailability)

    @property
    def minutes(self) -> float:
        """Minutes down in a year."""
        return self.unavailability * YEAR / MINUTE

    def _down(self, shared: float) -> float:
        if not self.enough:
            return 1.0
        service = replicas(self.number, self.needed)
        down = dict.fromkeys(service.components, self.down)
        common = {service.components: shared} if self.number > 1 and shared else None
        return float(service.unavailability(down, common_cause=common))


def nines(unavailability: float) -> float:
    """Return how many nines an unavailability leaves.

    Parameters
    ----------
    unavailability : float
        Share of time.

    Returns
    -------
    float
        Minus its decimal logarithm; infinite for 0.

    Examples
    --------
    >>> [round(nines(u), 1) for u in (1, 1e-3, 5e-5)]
    [0.0, 3.0, 4.3]
    """
    return abs(log10(unavailability)) if unavailability else inf


def group(
    number: float = 2, up: float = 99.9, shared: float = 5, needed: float = 1
) -> Group:
    """Return a group of replicas in the units of the controls.

    Parameters
    ----------
    number : float
        Replicas, a whole number.
    up : float
        Percent of the time that each is up.
    shared : float
        Percent of the failures of a replica that take all of them.
    needed : float
        How many of them the service needs.

    Returns
    -------
    Group
        The group; with fewer replicas than are needed it is never up.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> print(f"{group().unavailability:.3e}, naively {group().naive:.0e}")
    5.090e-05, naively 1e-06
    """
    _check.between(0, 100, up=up, shared=shared)
    _check.between(1, MOST, number=number, needed=needed)
    return Group(
        number=round(number),
        needed=round(needed),
        down=round(1 - up / 100, 12),  # 0.001, where 1 - 0.999 has a tail of digits
        shared=shared / 100,
    )
