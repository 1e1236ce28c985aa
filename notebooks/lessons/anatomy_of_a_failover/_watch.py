"""The watchdog of lesson 05, and the failover behind it, as the controls set them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel import catalogue, duration
from hamodel.failover import (
    STAGES,
    Dns,
    Failover,
    Heartbeat,
    ProxyCheck,
    VirtualIp,
    vigilance,
)
from hamodel.units import HOUR, MINUTE, YEAR

if TYPE_CHECKING:
    from hamodel._types import FloatArray
    from hamodel.duration import Duration
    from hamodel.failover import Vigilance

MTTF = 2000 * HOUR  # the node of lesson 04
ROWS = 20  # failovers of a sample
TRIED = range(1, 16)  # numbers of misses
SAMPLES = ("1", "2", "3", "4", "5")
_CV = 0.5  # of the promotion: mostly quick, now and then twice as long
_RARE = 1e-8  # a weight that nobody sees


#: Time in s to make sure that the old primary writes no more: Patroni's safety margin.
FENCING = catalogue.fact("FO-005").in_base()
#: How the clients are led to the new primary, with times as published; the move of a
#: virtual address is assumed.
WAYS = {
    "a virtual address": VirtualIp(takeover=1.0),
    "a proxy that asks": ProxyCheck(
        interval=catalogue.fact("FO-073").in_base(),
        rise=round(catalogue.fact("FO-074").in_base("low")),
    ),
    "a DNS name": Dns(
        interval=catalogue.fact("FO-078").in_base(),
        ttl=catalogue.fact("FO-081").in_base(),
    ),
}
ADDRESS, PROXY, NAME = WAYS


def heartbeat(interval: float = 1, misses: float = 3, loss: float = 2) -> Heartbeat:
    """Return the watchdog.

    Parameters
    ----------
    interval : float
        Time from beat to beat, in s.
    misses : float
        Misses that count as a failure; rounded.
    loss : float
        Beats lost on the way, in percent.

    Returns
    -------
    Heartbeat
        The watchdog.

    Examples
    --------
    >>> round(heartbeat().false_alarm_rate * YEAR)
    247
    """
    return Heartbeat(interval=interval, misses=round(misses), loss=loss / 100)


def failover(
    *,
    interval: float = 1,
    misses: float = 3,
    loss: float = 2,
    promotion: float = 12,
    way: str = PROXY,
) -> Failover:
    """Return the failover of the shop: notice, fence, promote, lead the clients.

    Parameters
    ----------
    interval, misses, loss : float
        The watchdog, as `heartbeat` takes it.
    promotion : float
        Mean time of the promotion, in s.
    way : str
        How the clients are led: one of `WAYS`.

    Returns
    -------
    Failover
        Detection, fencing, promotion and redirection.

    Raises
    ------
    ValueError
        If a value is impossible or the way unknown.

    Examples
    --------
    >>> round(failover().outage, 1)
    22.5
    """
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}, got {way!r}")
    return Failover(
        detection=heartbeat(interval, misses, loss),
        fencing=FENCING,
        promotion=duration.lognormal(mean=promotion, cv=_CV),
        redirection=WAYS[way],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Watch:
    """A watchdog with its failover, and what the two cost.

    Attributes
    ----------
    beat : Heartbeat
        The watchdog.
    failover : Failover
        All four stages.
    seed : int
        Which sample of failovers is shown.
    """

    beat: Heartbeat
    failover: Failover
    seed: int

    @cached_property
    def rto(self) -> Duration:
        """Recovery time: the law of `failover.duration`, with one sum in place of many.

        The pieces of the detection differ by whole beats only, so the rest of the way
        is added once, and the sums are shifted.
        """
        laws = self.failover.by_stage
        rest = laws["fencing"] + laws["promotion"] + laws["redirection"]
        within_a_beat = duration.uniform(0, self.beat.interval) + rest
        pieces = [(w, low) for w, (low, _) in self.beat.pieces() if w > _RARE]
        whole = sum(w for w, _ in pieces)
        return duration.mixture(
            [w / whole for w, _ in pieces], [within_a_beat + low for _, low in pieces]
        )

    @cached_property
    def curve(self) -> Vigilance:
        """Downtime against the number of misses, all else as it is."""
        recovery = sum(self.failover.stages[stage] for stage in STAGES[1:])
        return vigilance(self.beat, mttf=MTTF, recovery=recovery, misses=TRIED)

    @property
    def mean(self) -> float:
        """Mean recovery time in s."""
        return float(self.failover.outage)

    @property
    def half(self) -> float:
        """Recovery time in s that half of the failovers take at most."""
        return self._quantiles[0]

    @property
    def late(self) -> float:
        """Recovery time in s that 95 of 100 failovers take at most."""
        return self._quantiles[1]

    @property
    def minutes(self) -> float:
        """Downtime in minutes a year of service."""
        return float(self.curve.minutes_per_year[self._place])

    @property
    def wasted(self) -> float:
        """The part of it that false alarms cause."""
        return float(self.curve.false[self._place] * YEAR / MINUTE)

    @property
    def false_alarms(self) -> float:
        """Failovers of a healthy primary, a year."""
        return float(self.curve.false_alarms[self._place] * YEAR)

    @property
    def best(self) -> tuple[int, float]:
        """The number of misses of least downtime, and that in minutes a year."""
        return self.curve.best, float(self.curve.minutes_per_year.min())

    @cached_property
    def drawn(self) -> FloatArray:
        """Return failovers at random: seconds, shape (ROWS, stages), quickest first."""
        rng = np.random.default_rng(self.seed)
        laws = self.failover.by_stage.values()
        lengths = np.stack([law.sample(ROWS, rng) for law in laws], axis=1)
        return lengths[np.argsort(lengths.sum(axis=1), kind="stable")]

    @cached_property
    def _quantiles(self) -> tuple[float, float]:
        half, late = self.rto.quantile([0.5, 0.95])
        return float(half), float(late)

    @property
    def _place(self) -> int:
        return TRIED.index(int(self.beat.misses))


def model(*, sample: str, **values: float | str) -> Watch:
    """Return what the explorer shows.

    Parameters
    ----------
    sample : str
        Which sample of failovers: one of `SAMPLES`.
    **values : float or str
        As `failover` takes them.

    Returns
    -------
    Watch
        The watchdog with its failover.

    Raises
    ------
    ValueError
        If there is no such sample, or a value is impossible.
    """
    if sample not in SAMPLES:
        raise ValueError(f"sample must be one of {', '.join(SAMPLES)}, got {sample!r}")
    watched = {k: float(values[k]) for k in ("interval", "misses", "loss")}
    whole = failover(
        **watched, promotion=float(values["promotion"]), way=str(values["way"])
    )
    return Watch(beat=heartbeat(**watched), failover=whole, seed=int(sample))
