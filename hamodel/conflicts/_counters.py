"""Counters that merge by themselves, and one that keeps a balance above zero.

A merge that is associative, commutative and idempotent may arrive late, twice and in
any order (Shapiro, Preguiça, Baquero and Zawirski 2011, INRIA RR-7506).  No merge can
keep a rule that needs both sides at once: a balance above zero, a name given once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hamodel import _check


class InsufficientRightsError(ValueError):
    """A site may not spend more than it holds the rights for.

    Attributes
    ----------
    site : hashable
        Where it was asked.
    rights, amount : int
        What the site holds, and what was asked for.
    """

    def __init__(self, site: Hashable, rights: int, amount: int) -> None:
        self.site, self.rights, self.amount = site, rights, amount
        super().__init__(f"amount must be <= {rights} at site {site}, got {amount}")


def _kept(field_: str, counts: Mapping[Hashable, int]) -> Mapping[Hashable, int]:
    """Return checked counts, read-only; a count of 0 is as good as none."""
    _check.instance(Mapping, **{field_: counts})
    _check.whole(0, **{f"{field_}[{site!r}]": n for site, n in counts.items()})
    return MappingProxyType({site: int(n) for site, n in counts.items() if n})


def _larger(
    a: Mapping[Hashable, int], b: Mapping[Hashable, int]
) -> Mapping[Hashable, int]:
    """Return the larger count of each site."""
    return {s: max(a.get(s, 0), b.get(s, 0)) for s in {**a, **b}}


def _plus(
    counts: Mapping[Hashable, int], site: Hashable, amount: int
) -> Mapping[Hashable, int]:
    _check.whole(0, amount=amount)
    return {**counts, site: counts.get(site, 0) + amount}


@dataclass(frozen=True)
class GrowCounter:
    """A counter that only grows: each site counts for itself (G-counter).

    Attributes
    ----------
    counts : mapping of hashable to int
        What each site has added.

    Examples
    --------
    >>> left, right = GrowCounter().add("A", 3), GrowCounter().add("B", 4)
    >>> left.merge(right).merge(right).value
    7
    """

    counts: Mapping[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", _kept("counts", self.counts))

    def __hash__(self) -> int:
        return hash(frozenset(self.counts.items()))

    @property
    def value(self) -> int:
        """The sum over all sites."""
        return sum(self.counts.values())

    def add(self, site: Hashable, amount: int = 1) -> GrowCounter:
        """Return the counter after a site has added an amount.

        Parameters
        ----------
        site : hashable
            Who adds; no two writers may share a name.
        amount : int
            At least 0.

        Returns
        -------
        GrowCounter
            The new state.
        """
        return GrowCounter(_plus(self.counts, site, amount))

    def merge(self, other: GrowCounter) -> GrowCounter:
        """Return the state of one who knows both.

        Parameters
        ----------
        other : GrowCounter
            Another state.

        Returns
        -------
        GrowCounter
            The larger count of each site.
        """
        return GrowCounter(_larger(self.counts, other.counts))


@dataclass(frozen=True)
class Counter:
    """A counter that goes up and down: two that only grow (PN-counter).

    Every site may take what it sees, so the sum may fall below zero although no site
    ever saw it do so.

    Attributes
    ----------
    added, taken : GrowCounter
        Both sums by site.

    Examples
    --------
    >>> start = Counter().add("A", 1)
    >>> left, right = start.take("A", 1), start.take("B", 1)  # both see one left
    >>> left.merge(right).value
    -1
    """

    added: GrowCounter = field(default_factory=GrowCounter)
    taken: GrowCounter = field(default_factory=GrowCounter)

    @property
    def value(self) -> int:
        """What was added less what was taken."""
        return self.added.value - self.taken.value

    def add(self, site: Hashable, amount: int = 1) -> Counter:
        """Return the counter after a site has added an amount.

        Parameters
        ----------
        site : hashable
            Who adds.
        amount : int
            At least 0.

        Returns
        -------
        Counter
            The new state.
        """
        return Counter(self.added.add(site, amount), self.taken)

    def take(self, site: Hashable, amount: int = 1) -> Counter:
        """Return the counter after a site has taken an amount.

        Parameters
        ----------
        site : hashable
            Who takes.
        amount : int
            At least 0; not checked against the value.

        Returns
        -------
        Counter
            The new state.
        """
        return Counter(self.added, self.taken.add(site, amount))

    def merge(self, other: Counter) -> Counter:
        """Return the state of one who knows both.

        Parameters
        ----------
        other : Counter
            Another state.

        Returns
        -------
        Counter
            Both parts merged.
        """
        return Counter(self.added.merge(other.added), self.taken.merge(other.taken))


@dataclass(frozen=True)
class BoundedCounter:
    """A balance that stays at or above zero: each site spends only what it holds.

    The way out that needs no agreement at the time of the write: rights are split
    beforehand and moved when asked for (escrow; Balegas et al. 2015, SRDS).  The price
    is a refusal where the rights lie elsewhere.

    Attributes
    ----------
    received : mapping of (from, to) to int
        Rights created (from a site to itself) and moved.
    spent : GrowCounter
        Rights used up, by site.

    Examples
    --------
    >>> start = BoundedCounter().add("A", 5).move("A", "B", 2)
    >>> start.rights("A"), start.rights("B"), start.take("B", 2).value
    (3, 2, 3)
    >>> start.take("B", 3)
    Traceback (most recent call last):
    hamodel...InsufficientRightsError: amount must be <= 2 at site B, got 3
    """

    received: Mapping[Hashable, int] = field(default_factory=dict)
    spent: GrowCounter = field(default_factory=GrowCounter)

    def __post_init__(self) -> None:
        object.__setattr__(self, "received", _kept("received", self.received))

    def __hash__(self) -> int:
        return hash((frozenset(self.received.items()), self.spent))

    @property
    def value(self) -> int:
        """What is left over all sites."""
        made = sum(n for (a, b), n in self._moves() if a == b)
        return made - self.spent.value

    def _moves(self) -> list[tuple[tuple[Hashable, Hashable], int]]:
        return list(self.received.items())  # type: ignore[arg-type]

    def rights(self, site: Hashable) -> int:
        """Return what a site may spend.

        Parameters
        ----------
        site : hashable
            Whose rights.

        Returns
        -------
        int
            Created here or moved here, less what left or was spent.
        """
        got = sum(n for (_, b), n in self._moves() if b == site)
        gone = sum(n for (a, b), n in self._moves() if a == site != b)
        return got - gone - self.spent.counts.get(site, 0)

    def add(self, site: Hashable, amount: int = 1) -> BoundedCounter:
        """Return the balance after a site has paid an amount in.

        Parameters
        ----------
        site : hashable
            Who pays in, and holds the rights.
        amount : int
            At least 0.

        Returns
        -------
        BoundedCounter
            The new state.
        """
        return BoundedCounter(_plus(self.received, (site, site), amount), self.spent)

    def take(self, site: Hashable, amount: int = 1) -> BoundedCounter:
        """Return the balance after a site has spent an amount.

        Parameters
        ----------
        site : hashable
            Who spends.
        amount : int
            At least 0 and at most the site's rights.

        Returns
        -------
        BoundedCounter
            The new state.

        Raises
        ------
        InsufficientRightsError
            If the site holds fewer rights.
        """
        self._enough(site, amount)
        return BoundedCounter(self.received, self.spent.add(site, amount))

    def move(self, site: Hashable, to: Hashable, amount: int) -> BoundedCounter:
        """Return the balance after one site has given rights to another.

        Parameters
        ----------
        site, to : hashable
            Who gives and who gets; the giver makes the change.
        amount : int
            At least 0 and at most the giver's rights.

        Returns
        -------
        BoundedCounter
            The new state.

        Raises
        ------
        InsufficientRightsError
            If the giver holds fewer rights.
        """
        if site == to:
            raise ValueError(f"to must differ from the giver, got {to!r}")
        self._enough(site, amount)
        return BoundedCounter(_plus(self.received, (site, to), amount), self.spent)

    def _enough(self, site: Hashable, amount: int) -> None:
        if amount > self.rights(site):
            raise InsufficientRightsError(site, self.rights(site), amount)

    def merge(self, other: BoundedCounter) -> BoundedCounter:
        """Return the state of one who knows both.

        Parameters
        ----------
        other : BoundedCounter
            Another state.

        Returns
        -------
        BoundedCounter
            Both parts merged.
        """
        moves = _larger(self.received, other.received)
        return BoundedCounter(moves, self.spent.merge(other.spent))
