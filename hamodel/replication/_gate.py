"""The lag gate: promote what we have, or wait for what we lack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel import _check, _html, duration, text
from hamodel._quadrature import panels
from hamodel._quantity import hold
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.replication._integrate import single
from hamodel.replication._stage import is_duration, plain
from hamodel.units import YEAR


def with_outages(
    usual: Duration, *, rate: float, length: Duration, load: float = 0.0
) -> Duration:
    """Return a lag at a random moment of the long run, outages of the link included.

    Parameters
    ----------
    usual : Duration
        Lag, or exposure, while the link is up and the replica up to date.
    rate : float
        Outages per second.
    length : Duration
        Length of an outage.
    load : float
        Load of the stage that catches up afterwards, below 1.

    Returns
    -------
    Duration
        Mostly the usual one; with the probability of an outage or of catching up
        after it, the time that is missing then.

    Raises
    ------
    ValueError
        If outages and catching up would take all the time.

    Notes
    -----
    An outage of length T makes the lag exceed x for max(T - x, 0) / (1 - load): it
    rises with the clock and falls in a straight line.  So the missing time has the
    residual law of T, on a share rate x E T / (1 - load) of all time.

    Examples
    --------
    Ten outages a year of half an hour change the mean little and the tail wholly:

    >>> from hamodel import duration
    >>> from hamodel.units import MINUTE, YEAR
    >>> usual = duration.exponential(0.01)
    >>> real = with_outages(usual, rate=10 / YEAR, load=0.9,
    ...                     length=duration.exponential(30 * MINUTE))
    >>> round(usual.quantile(0.999), 3), round(real.quantile(0.999), 1)
    (0.069, 3135.3)
    """
    _check.non_negative(rate=rate)
    _check.between(0, 1, load=load)
    if not is_duration(length):
        raise ValueError(f"length must be a Duration, got {length!r}")
    busy = rate * length.mean
    if not busy < 1 - load:
        raise ValueError(
            f"rate x mean length must be < 1 - load ({1 - load:g}), got {busy:g}"
        )
    share = busy / (1 - load)
    if share == 0:
        return usual
    return duration.mixture([1 - share, share], [usual, length.residual()])


@dataclass(frozen=True, kw_only=True, eq=False)
class LagGate:
    """A failover that refuses to promote a standby that lags by more than a limit.

    Parameters
    ----------
    exposure : Duration
        Age of the oldest write that the standby lacks, at a random moment.
    limit : float or array
        Lag in s up to which the standby is promoted.
    failures : float
        Failures of the primary per second.
    failover : float
        Mean outage in s if the standby is promoted.
    repair : float
        Mean outage in s if it is not: until the primary is back, nothing lost.
    poll : float
        Interval in s at which the primary's position becomes known.  The gate
        compares with the last known one, so it misses up to that much.

    Notes
    -----
    With X the exposure and P uniform on (0, poll), the standby is promoted if X - P
    is at most the limit.  As the limit rises, the outage falls and the loss rises:
    one curve, and no point of it is free.  Patroni documents both the gate
    (`maximum_lag_on_failover`, fact FO-006) and the position that is up to
    `loop_wait` old (10 s, fact FO-002).

    Examples
    --------
    >>> from hamodel import duration
    >>> from hamodel.units import HOUR, YEAR
    >>> usual = duration.exponential(0.5)
    >>> lag = with_outages(usual, rate=12 / YEAR, length=duration.exponential(HOUR))
    >>> gate = LagGate(exposure=lag, limit=np.array([0.5, 3.0, 60.0, 86400.0]),
    ...                failures=4 / YEAR, failover=30.0, repair=4 * HOUR)
    >>> gate.refusal.round(6)
    array([0.368745, 0.003844, 0.001347, 0.      ])
    >>> (gate.downtime_per_year / 60).round(2)
    array([355.26,   5.68,   3.29,   2.  ])
    >>> gate.mean_loss.round(3)
    array([0.132, 0.491, 0.5  , 5.431])
    """

    exposure: Duration
    limit: Quantity
    failures: float
    failover: float
    repair: float
    poll: float = 0.0

    def __post_init__(self) -> None:
        if not is_duration(self.exposure):
            raise ValueError(f"exposure must be a Duration, got {self.exposure!r}")
        single(self.exposure)
        hold(self, "limit")
        _check.non_negative(
            limit=self.limit,
            failures=self.failures,
            failover=self.failover,
            repair=self.repair,
            poll=self.poll,
        )

    @property
    def refusal(self) -> Quantity:
        """Probability that the standby is not promoted."""
        return self._mean_over_polls(self.exposure.sf)

    @property
    def mean_loss(self) -> Quantity:
        """Mean age in s of what is lost, per failure (0 where nobody is promoted)."""
        return self._mean_over_polls(self._lost_up_to)

    @property
    def worst_loss(self) -> Quantity:
        """The most that can be lost, in s."""
        return plain(np.asarray(self.limit, float) + self.poll)

    @property
    def outage(self) -> Quantity:
        """Mean outage in s per failure of the primary."""
        refused = np.asarray(self.refusal)
        return plain(self.failover * (1 - refused) + self.repair * refused)

    @property
    def unavailability(self) -> Quantity:
        """Share of time out of service because of failures of the primary."""
        return plain(self.failures * np.asarray(self.outage))

    @property
    def downtime_per_year(self) -> Quantity:
        """Mean time out of service in s a year."""
        return self.unavailability * YEAR

    def _lost_up_to(self, most: FloatArray) -> FloatArray:
        """E[X; X <= most]: the mean less what lies beyond."""
        law = self.exposure
        above = np.asarray(law.sf(most))
        beyond = above * (most + np.asarray(law.mean_excess(most)))
        return np.asarray(np.maximum(law.mean - beyond, 0.0))

    def _mean_over_polls(self, f: object) -> Quantity:
        limit = np.asarray(self.limit, float)
        if self.poll == 0:
            return plain(f(limit))  # type: ignore[operator]
        t, weight = panels(np.stack([limit, limit + self.poll]), 32)
        values = np.asarray(f(t))  # type: ignore[operator]
        return plain((values * weight).sum(axis=0) / self.poll)

    def _repr_html_(self) -> str:
        if np.ndim(self.limit):
            return _html.table([("limits", np.size(self.limit))], caption="LagGate")
        rows = [
            ("refused", text.number(self.refusal)),
            ("mean loss per failure", text.time(float(self.mean_loss))),
            ("worst loss", text.time(float(self.worst_loss))),
            ("downtime", f"{text.time(float(self.downtime_per_year))} a year"),
        ]
        return _html.table(rows, caption="LagGate")
