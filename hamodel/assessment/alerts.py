"""How often a burn-rate alert will fire, from the design alone.

An objective of 99.9 % leaves an error budget; burning it a thousand times too fast is
what an outage does.  A burn-rate alert fires once the budget has burnt so many
times too fast over a long window, and over a short one too, so that it ends soon after
the outage.  With a factor f, a target 1 - e and a window w that is f e w of downtime
within the window: 52 s in an hour for the pages of a 99.9 %, which no quick failover
reaches.

What fails comes as visits (`hamodel.assessment.budget`), each at a cost C of downtime.
A visit sets the alert off if what it finds of downtime in the windows, p in the short
one and p + q in both, is made up to both thresholds l and s by its own:

    rate = E over p, q of N(max(l - p - q, s - p)),   N(x) visits a second with C > x,

where the alert is not on already.  N is inverted from the transform of the cost of a
visit, p and q have the laws of the downtime of a period.

Assumptions: beside those of the budget, that a visit finds the windows as the long run
leaves them; that within it nothing leaves the windows; and that what fails a share of
the requests too small to burn that fast sets off nothing.  Left out: how often rules
are evaluated, and noise of few requests.

Source of the alerts: Beyer et al. (2018), The Site Reliability Workbook, chapter 5,
section 6, Multiwindow, Multi-Burn-Rate Alerts, table 5-8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from hamodel import _check
from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Atom, Stream
from hamodel.assessment._calendar import Calendar
from hamodel.assessment._inversion import tail
from hamodel.assessment._kinds import Visits
from hamodel.assessment._shares import Shares
from hamodel.assessment._streams import downtime_by, visits_by
from hamodel.assessment._visits import Process
from hamodel.assessment.budget import Downtime
from hamodel.units import YEAR

_NONE = 1e-6  # share that stands for none
_LEVELS = np.geomspace(0.01, 1e6, 129)  # costs at which visits are counted, in s
_STEPS = 18  # levels of what a window holds already
_SELDOM = 1e-7  # visits in a window or in a year, below which they are left out
_NEGLIGIBLE, _ALONE = 1e-3, 0.1  # visits in a window: none, or one at most
_MOST = 104  # blocks of an inversion


@dataclass(frozen=True, kw_only=True)
class BurnRate:
    """An alert on how fast an error budget burns.

    Attributes
    ----------
    factor : float
        How many times faster than the budget allows.
    long, short : float
        Windows in s in which it has burnt so fast, both; equal for one window.
    after : float
        How long in s it must last until it is told.
    severity : str
        Such as "page" or "ticket".

    Raises
    ------
    ValueError
        If a window or the factor is not above zero, or the short window the longer.

    Examples
    --------
    >>> page = BurnRate(factor=14.4, long=3600, short=300, severity="page")
    >>> round(page.threshold(0.999), 1)  # seconds of downtime that set it off
    51.8
    """

    factor: float
    long: float
    short: float
    after: float = 0.0
    severity: str = ""

    def __post_init__(self) -> None:
        _check.positive(factor=self.factor, long=self.long, short=self.short)
        _check.non_negative(after=self.after)
        if self.short > self.long:
            raise ValueError(
                f"short must be at most long ({self.long:g} s), got {self.short:g}"
            )

    def threshold(self, target: float) -> float:
        """Return the downtime in s within the long window that sets it off.

        Parameters
        ----------
        target : float
            Availability of the objective.

        Returns
        -------
        float
            It is also how long a whole outage lasts until then, all well before.
        """
        return self.factor * (1 - target) * self.long


#: The alerts that the workbook recommends for a window of 30 days.
WORKBOOK = (
    BurnRate(factor=14.4, long=3600.0, short=300.0, severity="page"),
    BurnRate(factor=6.0, long=6 * 3600.0, short=1800.0, severity="page"),
    BurnRate(factor=1.0, long=72 * 3600.0, short=6 * 3600.0, severity="ticket"),
)


@dataclass(frozen=True, eq=False)
class Burning:
    """What burns the error budget of an operation: its downtime, and its visits."""

    fails: float  # share of the requests in the long run
    shares: Shares
    processes: list[Process]
    made: dict[tuple[bool, ...], Costs] = field(default_factory=dict)

    @cached_property
    def downtime(self) -> Downtime:
        """The law of the downtime of a period; what its mean is off is in its error."""
        found = downtime_by(self.shares, self.processes)
        fails = self.fails - found.base
        mean = sum(count * stream.mean for stream, count in found.streams)
        off = abs(mean / fails - 1) if fails > 0 else 0.0
        return replace(found, error=found.error + off)

    @cached_property
    def visits(self) -> list[tuple[Stream, int]]:
        """What adds to it, as visits alone."""
        return visits_by(self.shares, self.processes)

    def rate(self, alert: BurnRate, target: float) -> float:
        """Return how often an alert fires, in 1/s; endless if it never goes off."""
        burn = alert.factor * (1 - target) - self.downtime.base
        if burn <= 0:
            return math.inf
        long, short = burn * alert.long, burn * alert.short
        more = max(0.0, alert.after - (alert.short - short))
        costs = self._costs(burn)
        total = 0.0
        for p, chance in self._held(alert.short, short):
            for q, other in self._held(alert.long - alert.short, long):
                if p >= short and p + q >= long:
                    continue
                lacks = max(long - p - q, short - p)
                total += chance * other * costs.above(lacks + more)
        return total

    def _costs(self, burn: float) -> Costs:
        """Return the costs of what burns faster than so."""
        key = tuple(
            bool(fast) for stream, _ in self.visits for fast in _fails(stream) > burn
        )
        if key not in self.made:
            self.made[key] = Costs(self.visits, burn)
        return self.made[key]

    def _held(self, window: float, top: float) -> Iterator[tuple[float, float]]:
        """Yield levels of downtime that a window holds already, with their chances."""
        come = sum(n * stream.never(window) for stream, n in self.visits)
        if not window or come < _NEGLIGIBLE:
            yield 0.0, 1.0
            return
        levels = np.append(0.0, np.geomspace(1e-2 * top, top, _STEPS))
        beyond = self._beyond(levels, window, come)
        yield 0.0, 1 - beyond[0]
        for k in range(_STEPS):
            middle = (levels[k] + levels[k + 1]) / 2
            yield float(middle), max(beyond[k] - beyond[k + 1], 0.0)
        yield top, beyond[-1]

    def _beyond(self, levels: FloatArray, window: float, come: float) -> list[float]:
        """Return the chances that a window holds more than each level.

        Where visits hardly ever come in twos it is the chance of one that costs more.
        """
        if come < _ALONE:
            above = self._costs(0.0).above
            return [float(-np.expm1(-window * above(float(x)))) for x in levels]
        law = self.downtime.often(_SELDOM, window)
        return [law.miss(law.base + x / window, window)[0] for x in levels]


@dataclass(frozen=True, eq=False)
class Costs:
    """How often visits cost more than so much, of those that burn fast enough."""

    visits: list[tuple[Stream, int]]
    burn: float

    @cached_property
    def _parts(self) -> list[tuple[int, Visits, tuple[Atom, ...]]]:
        """Return what comes at random, not too seldom, and what of it is constant."""
        found = []
        for stream, count in self.visits:
            if isinstance(stream, Calendar) or count * stream.never(YEAR) < _SELDOM:
                continue
            assert isinstance(stream, Visits)
            fails = np.where(stream.fails > self.burn, stream.fails, _NONE)
            if np.any(fails > _NONE):
                visits = replace(stream, fails=fails)
                found.append((count, visits, visits.each_second()))
        return found

    @cached_property
    def _steps(self) -> list[tuple[float, float]]:
        """Return the costs of visits of constant times, and how often they come."""
        return [
            (atom.cost, count * float(atom.smooth(np.zeros(1))[0]))
            for count, _, atoms in self._parts
            for atom in atoms
        ]

    @cached_property
    def _found(self) -> FloatArray:
        """Return how often others cost more than each level."""
        found = np.zeros(len(_LEVELS))
        for count, visits, atoms in self._parts:
            for k, x in enumerate(_LEVELS):
                often = count * _smoothly(visits, atoms, float(x))
                found[k] += often
                if often * YEAR < _SELDOM:
                    break
        return np.minimum.accumulate(np.maximum(found, 0.0))

    def above(self, x: float) -> float:
        """Return how often, in 1/s, a visit costs more than x seconds."""
        at = np.log(max(x, _LEVELS[0]))
        found = float(np.interp(at, np.log(_LEVELS), self._found, right=0.0))
        found += sum(often for cost, often in self._steps if cost > x)
        for stream, count in self.visits:
            if isinstance(stream, Calendar):
                found += count * stream.above(x, self.burn)
        return found


def _smoothly(visits: Visits, atoms: tuple[Atom, ...], x: float) -> float:
    """Return how often visits cost more than x, but for those of constant times."""

    def transform(s: Numbers) -> Numbers:
        found = visits.killed_per_second(s[:, None] * visits.fails)
        for atom in atoms:
            found = found - (atom.smooth(np.zeros(1)) - atom.smooth(s))
        return np.asarray(found / s)[None]

    return float(tail(transform, x, _MOST, block=1)[0][0])


def _fails(stream: Stream) -> FloatArray:
    return np.atleast_1d(np.asarray(stream.fails, float))
