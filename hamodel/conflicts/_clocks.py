"""Vector clocks: who has seen what, and the siblings that nobody has merged yet."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from hamodel import _check
from hamodel.conflicts._sites import delays_between, numbers_only, plain, rates_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hamodel._types import Quantity

T = TypeVar("T")


@dataclass(frozen=True)
class VectorClock:
    """How many writes of each site a version has seen.

    Attributes
    ----------
    counts : mapping of hashable to int
        Writes seen, by site; a missing site counts 0.

    Examples
    --------
    >>> here = VectorClock({"A": 2, "B": 1})
    >>> here.compare(VectorClock({"A": 1, "B": 1}))
    'after'
    >>> here.compare(VectorClock({"A": 1, "B": 2}))
    'concurrent'
    """

    counts: Mapping[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check.instance(Mapping, counts=self.counts)
        _check.whole(0, **{f"counts of {s}": n for s, n in self.counts.items()})
        kept = {site: int(n) for site, n in self.counts.items() if n}
        object.__setattr__(self, "counts", MappingProxyType(kept))

    def __hash__(self) -> int:
        return hash(frozenset(self.counts.items()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{site}: {n}" for site, n in self.counts.items())
        return f"VectorClock({inside})"

    def tick(self, site: Hashable) -> VectorClock:
        """Return the clock after one more write at a site.

        Parameters
        ----------
        site : hashable
            Where the write is made.

        Returns
        -------
        VectorClock
            A clock after this one.
        """
        return VectorClock({**self.counts, site: self.counts.get(site, 0) + 1})

    def merge(self, other: VectorClock) -> VectorClock:
        """Return the clock of one who has seen both.

        Parameters
        ----------
        other : VectorClock
            Another clock.

        Returns
        -------
        VectorClock
            The larger count of each site.
        """
        sites = {**self.counts, **other.counts}
        larger = {s: max(self.counts.get(s, 0), other.counts.get(s, 0)) for s in sites}
        return VectorClock(larger)

    def covers(self, other: VectorClock) -> bool:
        """Tell whether this clock has seen all that the other has.

        Parameters
        ----------
        other : VectorClock
            Another clock.

        Returns
        -------
        bool
            True if no count of the other is larger.
        """
        return all(self.counts.get(s, 0) >= n for s, n in other.counts.items())

    def compare(self, other: VectorClock) -> str:
        """Return how this clock stands to another: a partial order.

        Parameters
        ----------
        other : VectorClock
            Another clock.

        Returns
        -------
        str
            "equal", "before", "after" or "concurrent".
        """
        mine, theirs = self.covers(other), other.covers(self)
        if mine and theirs:
            return "equal"
        if mine:
            return "after"
        return "before" if theirs else "concurrent"


@dataclass(frozen=True)
class Siblings(Generic[T]):
    """A register that keeps all concurrent versions until somebody merges them.

    It detects conflicts and does not resolve them: a write with the clock of what was
    read replaces that; a write without it becomes one more sibling.  Each version has
    the number of its write at its site, so that two blind writes at one site are told
    apart (Preguiça et al. 2012, dotted version vectors).

    Attributes
    ----------
    versions : frozenset of (site, number, value)
        Versions that no known write has replaced.
    clock : VectorClock
        All writes known here: the context of a read.

    Examples
    --------
    >>> empty = Siblings()
    >>> left, right = empty.write("A", "milk"), empty.write("B", "bread")
    >>> both = left.merge(right)
    >>> sorted(both.values)
    ['bread', 'milk']
    >>> both.write("A", "milk and bread", context=both.clock).values
    ('milk and bread',)
    """

    versions: frozenset[tuple[Hashable, int, T]] = frozenset()
    clock: VectorClock = VectorClock()

    @property
    def values(self) -> tuple[T, ...]:
        """The values held, in no particular order."""
        return tuple(value for *_, value in self.versions)

    def write(
        self, site: Hashable, value: T, context: VectorClock | None = None
    ) -> Siblings[T]:
        """Return the register after a write at a site.

        Parameters
        ----------
        site : hashable
            Where the write is made.
        value : object
            What is written; it must be hashable.
        context : VectorClock, optional
            Clock of what the writer had read; a blind write has none.

        Returns
        -------
        Siblings
            Without the versions that the writer had seen.
        """
        seen = VectorClock() if context is None else context
        clock = self.clock.merge(seen).tick(site)
        kept = {v for v in self.versions if v[1] > seen.counts.get(v[0], 0)}
        return Siblings(frozenset({*kept, (site, clock.counts[site], value)}), clock)

    def merge(self, other: Siblings[T]) -> Siblings[T]:
        """Return what a site holds that knows both registers.

        Parameters
        ----------
        other : Siblings
            The register of another site.

        Returns
        -------
        Siblings
            The versions of each that the other has not seen, or holds too.
        """
        mine = {v for v in self.versions if v[1] > other.clock.counts.get(v[0], 0)}
        theirs = {v for v in other.versions if v[1] > self.clock.counts.get(v[0], 0)}
        both = self.versions & other.versions
        return Siblings(both | mine | theirs, self.clock.merge(other.clock))


def mean_siblings(
    rates: Sequence[Quantity],
    delays: Any,  # noqa: ANN401
    at: int = 0,
) -> Quantity:
    """Return how many siblings of a key a site holds on average.

    Parameters
    ----------
    rates : sequence of float or array
        Writes to the key per second at each site (Poisson), above 0; each writer reads
        first and replaces what it has read.
    delays : float or square of them
        One-way delay from site i (row) to site j (column) in s; no detour may be
        shorter than the direct way.
    at : int
        Number of the site that looks, from 0.

    Returns
    -------
    float or ndarray
        Mean number of versions held; 1 without conflicts, at most the number of sites.

    Raises
    ------
    ValueError
        If a number is out of range or a detour is shorter.

    Notes
    -----
    Only the last write that has arrived from each site can be a sibling, and it is one
    unless the last of another site had seen it.  Looking back from now these last
    writes are independent exponentials, so that P(sibling) is an integral of a product
    of exponentials with corners.  For two sites and a round trip D:
    1 + λ_j / (λ_i + λ_j) (1 - exp(-λ_i D)).

    Examples
    --------
    >>> round(mean_siblings([10, 10], 0.040), 4)
    1.2753
    """
    rates = rates_of(rates)
    _check.positive(**{f"rates[{i}]": rate for i, rate in enumerate(rates)})
    rows = numbers_only(delays_between(delays, len(rates)))
    _check.whole(0, at=at)
    if at >= len(rates):
        raise ValueError(f"at must be < {len(rates)}, the number of sites, got {at}")
    _no_shortcut(rows)
    total: Quantity = 0
    for j in range(len(rates)):
        corners = [
            (rows[k][at] + rows[j][k] - rows[j][at], rates[k])
            for k in range(len(rates))
            if k != j
        ]
        total = total + _survives(rates[j], corners)
    return plain(total)


def _no_shortcut(rows: Sequence[Sequence[Quantity]]) -> None:
    n = range(len(rows))
    for i in n:
        for k in n:
            for j in n:
                detour = np.asarray(rows[i][k] + rows[k][j], float)
                if np.any(detour < np.asarray(rows[i][j], float) * (1 - 1e-12)):
                    raise ValueError(
                        f"delays[{i}][{j}] must be <= the detour by {k}, got "
                        f"{rows[i][j]} > {rows[i][k]} + {rows[k][j]}"
                    )


def _survives(rate: Quantity, corners: Sequence[tuple[Quantity, Quantity]]) -> Quantity:
    """Return the integral of λ e^(-λx) Π e^(-λ_k (x - c_k)⁺) over x > 0."""
    shape = np.broadcast_shapes(*(np.shape(c) for c, _ in corners))
    places = np.array(
        [np.broadcast_to(np.asarray(c, float), shape) for c, _ in corners]
    )
    speeds = np.array(
        [np.broadcast_to(np.asarray(r, float), shape) for _, r in corners]
    )
    order = np.argsort(places, axis=0)
    places = np.maximum(np.take_along_axis(places, order, axis=0), 0.0)
    speeds = np.take_along_axis(speeds, order, axis=0)
    slope = np.broadcast_to(np.asarray(rate, float), shape).copy()
    height = np.ones(shape)
    start = np.zeros(shape)
    total = np.zeros(shape)
    for place, speed in zip(places, speeds, strict=True):
        step = place - start
        total = total + height * rate * -np.expm1(-slope * step) / slope
        height = height * np.exp(-slope * step)
        start, slope = place, slope + speed
    return total + height * rate / slope
