"""Reads that miss a write: by pause, by key, and what sessions can be promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, _html
from hamodel.replication._integrate import along, nodes, single
from hamodel.replication._stage import is_duration, plain
from hamodel.units import text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration

_EXACT = 2000  # keys taken one by one; rarer ones in groups of one part in a thousand
_SMALL = 1e-5


def missed(lag: Duration, rate: Quantity) -> Quantity:
    """Return 1 - E exp(-rate lag), also where it is tiny: P(an event during the lag).

    Parameters
    ----------
    lag : Duration
        The lag.
    rate : array_like
        Events per second.

    Returns
    -------
    float or ndarray
        Probability, by the first two moments where rate times mean is below 1e-5.
    """
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


def zipf(keys: int, exponent: Quantity) -> FloatArray:
    """Return the popularity of keys by rank: proportional to rank^-exponent.

    Parameters
    ----------
    keys : int
        Number of keys.
    exponent : float
        0: all alike; about 1: typical of caches and key-value stores.

    Returns
    -------
    ndarray, shape (keys,)
        Probabilities, the greatest first.

    Raises
    ------
    ValueError
        If there is no key or the exponent is negative.

    Examples
    --------
    >>> zipf(4, 1.0).round(2)
    array([0.48, 0.24, 0.16, 0.12])
    """
    _check.whole(1, keys=keys)
    _check.non_negative(exponent=exponent)
    weight = np.arange(1, int(keys) + 1) ** -float(exponent)
    return np.asarray(weight / weight.sum())


def stale_by_popularity(
    lag: Duration, writes: float, popularity: ArrayLike, reads: ArrayLike | None = None
) -> float:
    """Return the probability that a read of a random key is stale.

    Parameters
    ----------
    lag : Duration
        Lag of a write.
    writes : float
        Writes per second to all keys together.
    popularity : array_like, shape (keys,)
        Share of the writes that goes to each key.
    reads : array_like, shape (keys,), optional
        Share of the reads; by default that of the writes.

    Returns
    -------
    float
        Probability over all reads.

    Raises
    ------
    ValueError
        If the shares do not add up to 1, or their shapes differ.

    Notes
    -----
    The sum over keys of (share of reads) x (1 - E exp(-(key's writes) lag)).  Keys
    beyond the first 2000 are taken in groups of neighbours, rates within a group
    replaced by their mean.

    Examples
    --------
    The more reads crowd on what is written most, the more of them are stale:

    >>> from hamodel import duration
    >>> lag = duration.exponential(0.01)
    >>> even, skewed = zipf(100_000, 0), zipf(100_000, 1.0)
    >>> [round(stale_by_popularity(lag, 900, p), 6) for p in (even, skewed)]
    [9e-05, 0.067857]
    """
    _check.non_negative(writes=writes)
    shares = _shares("popularity", popularity)
    asked = shares if reads is None else _shares("reads", reads)
    if shares.shape != asked.shape:
        raise ValueError(
            f"reads must have the shape of popularity {shares.shape}, got {asked.shape}"
        )
    order = np.argsort(-shares)
    shares, asked = shares[order], asked[order]
    starts = _groups(len(shares))
    size = np.diff(np.append(starts, len(shares)))
    rate = writes * np.add.reduceat(shares, starts) / size
    return float(np.add.reduceat(asked, starts) @ np.asarray(missed(lag, rate)))


def _groups(keys: int) -> NDArray[np.intp]:
    """Return the first rank of each group."""
    if keys <= _EXACT:
        return np.arange(keys)
    ratio = 1 + 1 / _EXACT
    far = _EXACT * ratio ** np.arange(int(np.log(keys / _EXACT) / np.log(ratio)) + 2)
    starts = np.unique(np.concatenate([np.arange(_EXACT), far.astype(int)]))
    return np.asarray(starts[starts < keys])


def _shares(name: str, values: ArrayLike) -> FloatArray:
    shares = np.asarray(values, float)
    _check.probability(**{name: shares})
    if shares.ndim != 1 or not len(shares) or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(
            f"{name} must be a row that adds up to 1, got {shares.sum():g}"
        )
    return shares


@dataclass(frozen=True, kw_only=True, eq=False)
class Session:
    """One client that writes, then reads from replicas.

    Parameters
    ----------
    lag : Duration
        Lag of each replica, independent of each other.
    pause : float, array or Duration
        Time in s from the client's write to its read.
    replicas : int
        Replicas that reads are spread over evenly.
    primary_share : float
        Share of the reads that the primary answers.
    sticky : bool
        Whether a client stays with one replica.
    moves : float
        With `sticky`: probability that two reads nevertheless meet different
        replicas, because one failed or was taken out in between.

    Raises
    ------
    ValueError
        If a field is out of range.

    Examples
    --------
    >>> from hamodel import duration
    >>> lag = duration.exponential(0.5)
    >>> spread = Session(lag=lag, pause=1.0, replicas=3)
    >>> sticky = Session(lag=lag, pause=1.0, replicas=3, sticky=True)

    Staying with one replica does nothing for one's own writes, but time does not run
    backwards any more:

    >>> round(spread.misses_own_write, 4), round(sticky.misses_own_write, 4)
    (0.1353, 0.1353)
    >>> back = [s.goes_back(key_writes=0.1, gap=0.2) for s in (spread, sticky)]
    >>> [round(b, 4) for b in back]
    [0.0111, 0.0]
    """

    lag: Duration
    pause: Quantity = 0.0
    replicas: int = 2
    primary_share: float = 0.0
    sticky: bool = False
    moves: float = 0.0

    def __post_init__(self) -> None:
        if not is_duration(self.lag):
            raise ValueError(f"lag must be a Duration, got {self.lag!r}")
        if not is_duration(self.pause):
            _check.non_negative(pause=self.pause)
        _check.whole(1, replicas=self.replicas)
        _check.probability(primary_share=self.primary_share, moves=self.moves)

    @property
    def misses_own_write(self) -> Quantity:
        """Probability that the read does not see the client's own write."""
        away = 1 - self.primary_share
        if is_duration(self.pause):
            return away * stale_after(self.lag, self.pause)
        return away * self.lag.sf(self.pause)

    @property
    def elsewhere(self) -> float:
        """Probability that two reads meet two different replicas."""
        if self.sticky:
            return self.moves
        return (1 - self.primary_share) ** 2 * (1 - 1 / self.replicas)

    def goes_back(self, *, key_writes: Quantity, gap: float) -> Quantity:
        """Return the probability that a second read is older than the first.

        Parameters
        ----------
        key_writes : float or array
            Writes per second to the key.
        gap : float
            Time in s between the two reads.

        Returns
        -------
        float or ndarray
            Probability that the read is not monotonic.

        Notes
        -----
        Writes that the first replica shows and the second still lacks are a thinned
        Poisson stream of mean k x integral of P(lag < a) P(lag > a + gap) da, with
        each write's lag taken as independent of its neighbours': right while the key
        is written less than once per lag.  A read of the primary followed by one of
        a replica goes back with P(stale) of the later moment and is counted too.
        """
        _check.non_negative(key_writes=key_writes, gap=gap)
        k = np.asarray(key_writes, float)
        across = -np.expm1(-k * _ahead(self.lag, gap))
        answer = self.elsewhere * across
        if not self.sticky:
            late = self.lag.sf(gap) * self.lag.mean_excess(gap)
            shown = -np.expm1(-k * late)
            answer = answer + self.primary_share * (1 - self.primary_share) * shown
        return plain(answer)

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
            ("hold", text(float(self.hold))),
            ("reads moved to the primary", f"{self.moved:.3g}"),
            ("reads that miss an own write", f"{self.misses:.3g}"),
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


def _ahead(lag: Duration, gap: float) -> float:
    """Integral of P(lag < a) P(lag > a + gap) over a."""
    law = lag.law
    ends = [*np.asarray(lag.upper_quantile([0.9, 0.5, 0.1])), *lag.support, *law.knots]
    at, weights = along(lag, gap, [gap + e for e in ends])
    return float(weights @ (lag.cdf(at - gap) * lag.sf(at)))
