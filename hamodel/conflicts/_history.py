"""A few writes followed through all sites: who knew what, who wins, what is lost."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from hamodel import _check, _html
from hamodel.conflicts._clocks import Siblings, VectorClock
from hamodel.conflicts._sites import delays_between, numbers_only
from hamodel.units import text

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEP = 1e-9  # s: a hybrid clock is at least so much later than what it has seen


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write of a history.

    Attributes
    ----------
    site : int
        Where it was made.
    time : float
        True time in s.
    stamp : float
        What the site's clock said, in s.
    clock : VectorClock
        What its author had seen, itself included.
    """

    site: int
    time: float
    stamp: float
    clock: VectorClock


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """What became of some writes to one key; writes are numbered in order of time.

    Attributes
    ----------
    writes : tuple of Write
        The writes.
    concurrent : tuple of (int, int)
        Pairs of which neither author knew the other's write.
    winner : int
        The value that last write wins leaves everywhere.
    lost : tuple of int
        Writes put out of the way by one that had not seen them, or refused.
    refused : tuple of int
        Of the lost, those that came after a value they had seen, by a slower clock.
    siblings : tuple of int
        Values that a register with vector clocks holds in the end.
    """

    writes: tuple[Write, ...]
    concurrent: tuple[tuple[int, int], ...]
    winner: int
    lost: tuple[int, ...]
    refused: tuple[int, ...]
    siblings: tuple[int, ...]

    def _fate(self, number: int) -> str:
        if number == self.winner:
            return "wins"
        if number in self.refused:
            return "refused"
        return "lost" if number in self.lost else "overwritten by one who had seen it"

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(number),
                str(write.site),
                text(write.time),
                str(write.clock)[11:],
                self._fate(number),
                "kept" if number in self.siblings else "",
            )
            for number, write in enumerate(self.writes)
        ]

    def _repr_html_(self) -> str:
        header = ["write", "site", "time", "clock", "last write wins", "as sibling"]
        return _html.table(self._rows(), header=header)

    def __repr__(self) -> str:
        return "\n".join("  ".join(row).rstrip() for row in self._rows())


def replay(
    writes: Iterable[tuple[int, float]],
    delays: Any,  # noqa: ANN401
    offsets: Sequence[float] | None = None,
    *,
    hybrid: bool = False,
) -> History:
    """Follow some writes to one key through all sites.

    Parameters
    ----------
    writes : iterable of (int, float)
        Site, from 0, and time in s of each write; every author has read what the site
        knows at the time.
    delays : float or square of them
        One-way delay from site i (row) to site j (column) in s; one value for all.
    offsets : sequence of float, optional
        How far each site's clock is ahead in s; it also fixes the number of sites,
        which otherwise follows from the delays or the writes.
    hybrid : bool
        Whether timestamps come from hybrid logical clocks.

    Returns
    -------
    History
        Clocks, concurrent pairs, the winner, the lost and the siblings.

    Raises
    ------
    ValueError
        If a number is out of range or a delay random.

    Notes
    -----
    Equal timestamps: the higher site number wins.

    Examples
    --------
    The second site's clock is 50 ms ahead.  The write at 30 ms comes later, to a site
    that has not heard of the first, and loses to it:

    >>> replay([(1, 0.0), (0, 0.030), (0, 0.100)], 0.040, [0, 0.050])
    0  1  0 s  (1: 1)  overwritten by one who had seen it
    1  0  30 ms  (0: 1)  lost
    2  0  100 ms  (0: 2, 1: 1)  wins  kept
    """
    given = sorted(writes, key=lambda w: (w[1], w[0]))
    if not given:
        raise ValueError("writes must hold 1 write or more, got none")
    sites = _number_of_sites(given, delays, offsets)
    for i, (site, time) in enumerate(given):
        _check.whole(0, **{f"site of write {i}": site})
        _check.finite(**{f"time of write {i}": time})
        if site >= sites:
            raise ValueError(f"site of write {i} must be < {sites}, got {site}")
    ahead = [0.0] * sites if offsets is None else list(offsets)
    _check.finite(**{f"offsets[{i}]": x for i, x in enumerate(ahead)})
    rows = numbers_only(delays_between(delays, sites))
    return _Replicas(rows, ahead, hybrid=hybrid).run(given)


def _number_of_sites(
    given: Sequence[tuple[int, float]],
    delays: Any,  # noqa: ANN401
    offsets: Sequence[float] | None,
) -> int:
    if offsets is not None:
        return len(offsets)
    if isinstance(delays, Sequence):
        return len(delays)
    return max(2, 1 + max(site for site, _ in given))


class _Replicas:
    """Sites that hold one key by last write wins, and by vector clocks beside it."""

    def __init__(
        self, delays: Sequence[Sequence[float]], ahead: Sequence[float], *, hybrid: bool
    ) -> None:
        self.delays, self.ahead, self.hybrid = delays, ahead, hybrid
        sites = range(len(ahead))
        self.held: list[tuple[float, int, int]] = [(-math.inf, -1, -1) for _ in sites]
        self.register = [Siblings[int]() for _ in sites]
        self.made: list[Write] = []
        self.lost: set[int] = set()
        self.refused: set[int] = set()

    def run(self, given: Sequence[tuple[int, float]]) -> History:
        """Play the writes and the news of them in order of time."""
        # a write comes after news that arrives at the same moment
        queue: list[tuple[float, int, int, int]] = [
            (time, 1, site, number) for number, (site, time) in enumerate(given)
        ]
        sent: dict[tuple[int, int], Siblings[int]] = {}
        heapq.heapify(queue)
        while queue:
            time, is_write, site, number = heapq.heappop(queue)
            if not is_write:
                self._hear(site, number, sent[number, site])
                continue
            self._write(site, time)
            for other in range(len(self.ahead)):
                if other != site:
                    sent[number, other] = self.register[site]
                    arrival = time + self.delays[site][other]
                    heapq.heappush(queue, (arrival, 0, other, number))
        return self._history()

    def _write(self, site: int, time: float) -> None:
        number = len(self.made)
        before = self.register[site]
        stamp = time + self.ahead[site]
        if self.hybrid:
            stamp = max(stamp, self.held[site][0] + _STEP)
        self.register[site] = before.write(site, number, before.clock)
        clock = self.register[site].clock
        self.made.append(Write(site=site, time=time, stamp=stamp, clock=clock))
        if (stamp, site) < self.held[site][:2]:
            self.lost.add(number)
            self.refused.add(number)
        else:
            self.held[site] = (stamp, site, number)

    def _hear(self, site: int, number: int, news: Siblings[int]) -> None:
        self.register[site] = self.register[site].merge(news)
        if number in self.refused:
            return  # it never became anybody's value
        write = self.made[number]
        (*_, loser), high = sorted([self.held[site], (write.stamp, write.site, number)])
        if loser >= 0 and not self.made[high[2]].clock.covers(self.made[loser].clock):
            self.lost.add(loser)
        self.held[site] = high

    def _history(self) -> History:
        pairs = combinations(range(len(self.made)), 2)
        whole = self.register[0]
        for other in self.register[1:]:
            whole = whole.merge(other)
        return History(
            writes=tuple(self.made),
            concurrent=tuple(
                (i, j)
                for i, j in pairs
                if self.made[i].clock.compare(self.made[j].clock) == "concurrent"
            ),
            winner=max(self.held)[2],
            lost=tuple(sorted(self.lost)),
            refused=tuple(sorted(self.refused)),
            siblings=tuple(sorted(whole.values)),
        )
