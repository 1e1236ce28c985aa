"""One node and a window of time: how long it is down, in the mean and in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel import _check
from hamodel.chain import Chain
from hamodel.units import DAY, HOUR, MINUTE, MONTH, YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel._types import FloatArray

#: Windows in which downtime is counted, in s.
WINDOWS = {"a year": YEAR, "a month": MONTH, "a day": DAY}
#: How many windows a sample shows.
SHOWN = 10


class Outage(NamedTuple):
    """A time in which the node is down, in s since the window began."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node that fails and is repaired, held to a target over a window.

    Attributes
    ----------
    mttf, mttr : float
        Mean time to failure and to repair in hours.
    target : float
        Availability in percent that is asked for.
    window : str
        One of `WINDOWS`.
    sample : int
        Number of the sample of windows.
    """

    mttf: float
    mttr: float
    target: float
    window: str
    sample: int

    def __post_init__(self) -> None:
        _check.positive(mttf=self.mttf, mttr=self.mttr)
        _check.between(0, 100, target=self.target)
        _check.one_of(WINDOWS, window=self.window)

    @property
    def length(self) -> float:
        """Length of the window in s."""
        return WINDOWS[self.window]

    @property
    def chain(self) -> Chain:
        """The node as a Markov chain of two states."""
        fail, repair = 1 / (self.mttf * HOUR), 1 / (self.mttr * HOUR)

        def moves(state: str) -> Iterator[tuple[str, float]]:
            yield ("down", fail) if state == "up" else ("up", repair)

        return Chain.explore("up", moves, up={"up"})

    @cached_property
    def unavailability(self) -> float:
        """Long-run share of time in which it is down."""
        return float(self.chain.unavailability)

    @property
    def mean(self) -> float:
        """Mean downtime in a window, in minutes."""
        return self.unavailability * self.length / MINUTE

    @property
    def budget(self) -> float:
        """Downtime that the target allows in a window, in minutes."""
        return (1 - self.target / 100) * self.length / MINUTE

    @property
    def none(self) -> float:
        """Share of the windows without any downtime."""
        up = 1 - self.unavailability
        return float(up * np.exp(-self.length / (self.mttf * HOUR)))

    @property
    def within(self) -> float:
        """Share of the windows that keep the budget."""
        return float(self.cdf(np.array([self.budget]))[0])

    def cdf(self, minutes: FloatArray) -> FloatArray:
        """Return the share of the windows with at most so much downtime.

        Parameters
        ----------
        minutes : ndarray
            Downtimes, at least 0 and below the window.

        Returns
        -------
        ndarray
            Shares.

        Notes
        -----
        Downtime stays within x if the failures that come in the other T - x of the
        time are repaired within x: a Poisson number of exponential repairs.  Takács
        (1957), On certain sojourn time problems, Acta Math. Acad. Sci. Hungar. 8.  A
        window may begin at any moment, in a repair too.
        """
        from scipy.special import gammainc, gammaln

        x = np.asarray(minutes, float) * MINUTE
        came = (self.length - x) / (self.mttf * HOUR)
        done = x / (self.mttr * HOUR)
        most = int(np.max(came) + 12 * np.sqrt(np.max(came)) + 12)
        n = np.arange(most + 1.0)[:, None]
        chance = np.exp(n * np.log(came) - came - gammaln(n + 1))
        repaired = np.ones((most + 2, len(x)))
        repaired[1:] = gammainc(np.arange(1.0, most + 2)[:, None], done)
        up = (chance * repaired[:-1]).sum(axis=0)
        down = (chance * repaired[1:]).sum(axis=0)
        answer: FloatArray = (1 - self.unavailability) * up + self.unavailability * down
        return answer

    @cached_property
    def windows(self) -> tuple[tuple[Outage, ...], ...]:
        """The outages of some windows one after the other, played with a seed."""
        rng = np.random.default_rng(int(self.sample))
        end = SHOWN * self.length
        found: list[list[Outage]] = [[] for _ in range(SHOWN)]
        now = rng.exponential(self.mttf * HOUR)
        while now < end:
            back = now + rng.exponential(self.mttr * HOUR)
            for k in range(int(now // self.length), SHOWN):
                begin = k * self.length
                if back <= begin:
                    break
                start = max(now - begin, 0.0)
                found[k].append(Outage(start, min(back - begin, self.length)))
            now = back + rng.exponential(self.mttf * HOUR)
        return tuple(tuple(outages) for outages in found)

    @property
    def shown(self) -> tuple[float, ...]:
        """Downtime of each window of the sample, in minutes."""
        return tuple(
            sum(o.end - o.start for o in outages) / MINUTE for outages in self.windows
        )


def node(
    mttf: float = 40_000,
    mttr: float = 4,
    target: float = 99.99,
    window: str = "a year",
    sample: float = 1,
) -> Node:
    """Return the lesson's node, in the units of its controls.

    Parameters
    ----------
    mttf, mttr : float
        Mean time to failure and to repair in hours.
    target : float
        Availability in percent that is asked for.
    window : str
        One of `WINDOWS`.
    sample : float
        Number of the sample of windows.

    Returns
    -------
    Node
        The node.

    Raises
    ------
    ValueError
        If a time is not above 0, the target no percentage or the window unknown.
    """
    return Node(mttf=mttf, mttr=mttr, target=target, window=window, sample=int(sample))
