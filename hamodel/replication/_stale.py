"""Reads that miss a write: by pause, by key, and what sessions can be promised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel import _check, _html, text
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.replication._integrate import along, nodes, single
from hamodel.replication._stage import is_duration, plain

_SMALL = 1e-5


def missed(lag: Duration, rate: Quantity) -> Quantity:
    """Return P(an event during the lag), 1 - E exp(-rate lag), also where tiny."""
    rate = np.asarray(rate, float)
    first, second = np.asarray(lag.mean), np.asarray(lag.moment(2))
    small = rate * first < _SMALL
    with np.errstate(invalid="ignore"):
        series = rate * (first - rate * second / 2)
    usable = small & np.isfinite(series)
    if np.all(usable):
        return plain(series)
    answer = 1 - np.asarray(lag.lst(np.where(usable, 1.0 / np.max(first), rate)))
    return plain(np.where(usable, series, np.maximum(answer, 0.0)))


def unseen(apply: Duration, known: float, rate: Quantity) -> Quantity:
    """Return P(an event in what is left of the replay when a client is answered).

    The replica has had the write for `known` seconds then; below 0 it is yet to come.
    """
    rate = np.asarray(rate, float)
    coming = max(-known, 0.0)
    had = min(max(known, 0.0), float(apply.upper_quantile(1e-18)))
    at, weights = along(apply, had)
    tail = weights * np.asarray(apply.sf(at))
    left = rate * (np.exp(-np.multiply.outer(rate, at - had)) @ tail)
    return plain(-np.expm1(-rate * coming) + np.exp(-rate * coming) * left)


def stale_after(lag: Duration, pause: Duration) -> float:
    """Return the probability that a read after a random pause misses the write.

    Parameters
    ----------
    lag : Duration
        Lag of the write.
    pause : Duration
        Time from the write to the read.

    Returns
    -------
    float
        P(lag > pause).

    Notes
    -----
    The integral of P(lag > t) over the law of the pause, by 12-point Gauss rules
    between its quantiles and the jumps and bends of both laws.

    Examples
    --------
    A user looks at what she wrote after 3 s in the mean; the replica lags by 1 s
    (fact FO-007):

    >>> from hamodel import duration
    >>> lag, pause = duration.exponential(1.0), duration.exponential(3.0)
    >>> round(stale_after(lag, pause), 4)
    0.25
    """
    single(lag)
    at, weights = nodes(pause, [*lag.support, *lag.law.knots])
    return float(weights @ np.asarray(lag.sf(at)))


@dataclass(frozen=True, kw_only=True, eq=False)
class ClientSession:
    """One client that writes, then reads from replicas.

    Parameters
    ----------
    lag : Duration
        Lag of each replica, independent of each other.
    pause : float, array or Duration
        Time in s from the client's write to its read.
    primary_share : float
        Share of the reads that the primary answers.

    Examples
    --------
    >>> from hamodel import duration
    >>> lag = duration.exponential(0.5)
    >>> round(ClientSession(lag=lag, pause=1.0).misses_own_write, 4)
    0.1353
    """

    lag: Duration
    pause: Quantity = 0.0
    primary_share: float = 0.0

    def __post_init__(self) -> None:
        if not is_duration(self.lag):
            raise ValueError(f"lag must be a Duration, got {self.lag!r}")
        if not is_duration(self.pause):
            _check.non_negative(pause=self.pause)
        _check.probability(primary_share=self.primary_share)

    @property
    def misses_own_write(self) -> Quantity:
        """Probability that the read does not see the client's own write."""
        away = 1 - self.primary_share
        if is_duration(self.pause):
            return away * stale_after(self.lag, self.pause)
        return away * self.lag.sf(self.pause)

    def pinning(self, *, hold: Quantity, writes: Quantity) -> Pinning:
        """Return what reading from the primary for a while after a write buys.

        Parameters
        ----------
        hold : float or array
            Time in s for which the client reads from the primary after a write.
        writes : float or array
            Writes per second of this client, a Poisson stream.

        Returns
        -------
        Pinning
            Load moved to the primary, and the misses that remain.
        """
        _check.non_negative(hold=hold, writes=writes)
        w, span = np.asarray(writes, float), np.asarray(hold, float)
        return Pinning(
            hold=hold,
            moved=plain(-np.expm1(-w * span)),
            misses=_missed_beyond(self.lag, w, span),
        )

    def waiting(self, p: Quantity | None = None) -> Quantity:
        """Return the wait of a read that waits until the replica has caught up.

        Parameters
        ----------
        p : array_like, optional
            Fractions in [0, 1]; without it, the mean.

        Returns
        -------
        float or ndarray
            Extra time in s: the lag less the pause that has already passed.

        Notes
        -----
        The client carries the position (LSN, GTID) of its last write and the replica
        answers when it has applied it: read-your-writes without the primary.
        """
        if is_duration(self.pause):
            at, weights = nodes(self.pause)
            if p is not None:
                raise ValueError("p must be None if pause is a Duration")
            return float(weights @ (self.lag.sf(at) * self.lag.mean_excess(at)))
        if p is None:
            return self.lag.sf(self.pause) * self.lag.mean_excess(self.pause)
        _check.probability(p=p)
        return plain(np.maximum(self.lag.quantile(p) - np.asarray(self.pause), 0.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Pinning:
    """Reads pinned to the primary for `hold` seconds after a write.

    Attributes
    ----------
    hold : float or array
        Length of the pin in s.
    moved : float or array
        Share of the client's reads that the primary has to answer.
    misses : float or array
        Probability that a random read of what one wrote last, at a replica or not,
        still misses it.
    """

    hold: Quantity
    moved: Quantity
    misses: Quantity

    def _repr_html_(self) -> str:
        if np.ndim(self.moved):
            return _html.table([("holds", np.size(self.hold))], caption="Pinning")
        rows = [
            ("hold", text.time(float(self.hold))),
            ("reads moved to the primary", text.number(self.moved)),
            ("reads that miss an own write", text.number(self.misses)),
        ]
        return _html.table(rows, caption="Pinning")


def _missed_beyond(lag: Duration, rate: FloatArray, hold: FloatArray) -> Quantity:
    """P(the last write is older than `hold` and still not visible)."""
    rates, holds = np.broadcast_arrays(rate, hold)
    answer = np.empty(rates.shape)
    for index in np.ndindex(rates.shape):
        w = rates[index]
        at, weights = along(lag, float(holds[index]))
        answer[index] = weights @ (w * np.exp(-w * at) * lag.sf(at))
    return plain(answer)
