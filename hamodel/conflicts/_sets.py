"""Sets that merge by themselves.

The union of two sets forgets nothing, so a removal needs a memory of its own: of the
additions that it has seen, and of those only.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class GrowSet(Generic[T]):
    """A set that only grows; its merge is the union (G-set).

    Attributes
    ----------
    items : frozenset
        The members.
    """

    items: frozenset[T] = frozenset()

    def add(self, item: T) -> GrowSet[T]:
        """Return the set with one more item.

        Parameters
        ----------
        item : hashable
            The new member.

        Returns
        -------
        GrowSet
            The new state.
        """
        return GrowSet(self.items | {item})

    def merge(self, other: GrowSet[T]) -> GrowSet[T]:
        """Return the state of one who knows both.

        Parameters
        ----------
        other : GrowSet
            Another state.

        Returns
        -------
        GrowSet
            The union.
        """
        return GrowSet(self.items | other.items)


@dataclass(frozen=True)
class ObservedSet(Generic[T]):
    """A set in which an addition wins over a concurrent removal (OR-set).

    Each addition has a tag of its own; a removal takes away the tags that it has seen.

    Attributes
    ----------
    tags : frozenset of (item, site, number)
        Additions known here.
    gone : frozenset of (item, site, number)
        Additions known to be removed.

    Examples
    --------
    >>> cart = ObservedSet().add("A", "milk")
    >>> left, right = cart.remove("milk"), cart.add("B", "milk")
    >>> left.merge(right).items
    frozenset({'milk'})
    """

    tags: frozenset[tuple[T, Hashable, int]] = frozenset()
    gone: frozenset[tuple[T, Hashable, int]] = frozenset()

    @property
    def items(self) -> frozenset[T]:
        """The members: added, and not removed by one who had seen the addition."""
        return frozenset(item for item, *_ in self.tags - self.gone)

    def add(self, site: Hashable, item: T) -> ObservedSet[T]:
        """Return the set after a site has added an item.

        Parameters
        ----------
        site : hashable
            Who adds; no two writers may share a name.
        item : hashable
            The new member.

        Returns
        -------
        ObservedSet
            The new state.
        """
        mine = [number for _, where, number in self.tags if where == site]
        tag = (item, site, max(mine, default=0) + 1)
        return ObservedSet(self.tags | {tag}, self.gone)

    def remove(self, item: T) -> ObservedSet[T]:
        """Return the set without an item, as far as its additions are known here.

        Parameters
        ----------
        item : hashable
            The member that goes; nothing happens if it is none.

        Returns
        -------
        ObservedSet
            The new state.
        """
        seen = {tag for tag in self.tags if tag[0] == item}
        return ObservedSet(self.tags, self.gone | seen)

    def merge(self, other: ObservedSet[T]) -> ObservedSet[T]:
        """Return the state of one who knows both.

        Parameters
        ----------
        other : ObservedSet
            Another state.

        Returns
        -------
        ObservedSet
            Both unions.
        """
        return ObservedSet(self.tags | other.tags, self.gone | other.gone)
