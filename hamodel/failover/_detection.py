"""Who notices that the primary is gone: a watchdog, or a lock that expires."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.duration import Duration, constant, empirical, mixture, uniform
from hamodel.failover._parts import SAME


@fields.specification
class Heartbeat:
    """A watchdog that probes at a fixed rate and gives up after some misses.

    Notes
    -----
    The failure falls anywhere between two beats, so the k-th miss comes between k - 1
    and k intervals later: detection is uniform over one interval, however many misses
    are asked for.  If beats are lost, some misses may have been counted before; their
    number is geometric, cut at k - 1, for at k the watchdog would have acted.

    Examples
    --------
    >>> watchdog = Heartbeat(interval=1, misses=5)
    >>> watchdog.duration.support
    (4.0, 5.0)
    >>> hasty = Heartbeat(interval=1, misses=2, loss=0.02)
    >>> round(hasty.false_alarm_rate * 365 * 86400)  # a year
    12367
    """

    interval: Quantity = fields.span("time from beat to beat")
    misses: Quantity = fields.whole(
        "missed beats in a row that count as a failure", default=3
    )
    timeout: Quantity = fields.time("time after which a beat is missed", default=0)
    loss: Quantity = fields.share("beats lost while all is well", below=True, default=0)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until it is noticed."""
        if not np.any(self.loss):
            return uniform(*self._after(0))
        weights, ends = zip(*self.pieces(), strict=True)
        return mixture(list(weights), [uniform(*pair) for pair in ends])

    detection = SAME

    def _after(self, counted: int) -> tuple[Quantity, Quantity]:
        """Return the span of the time to notice, some misses counted already."""
        last = self.misses - counted
        low, high = (last - 1) * self.interval, last * self.interval
        return low + self.timeout, high + self.timeout

    def pieces(self) -> list[tuple[Quantity, tuple[Quantity, Quantity]]]:
        """Return the uniform pieces that the time to notice is mixed from.

        Returns
        -------
        list of tuple
            Weight, and least and greatest time in s; one piece for each number of
            misses that may have been counted before the failure.
        """
        weights = [self.loss ** float(counted) for counted in range(int(self.misses))]
        every = sum(weights)
        return [(w / every, self._after(j)) for j, w in enumerate(weights)]

    @property
    def false_alarm_rate(self) -> Quantity:
        """How often, in 1/s, lost beats alone look like a failure.

        The mean number of beats up to the first run of k losses is
        (1 - p^k) / ((1 - p) p^k) (Feller, An Introduction to Probability Theory and
        Its Applications, vol. 1, ch. XIII.7); to first order the rate is
        (1 - p) p^k / interval.
        """
        run = self.loss**self.misses
        return (1 - self.loss) * run / ((1 - run) * self.interval)


@fields.specification
class SequentialProbe:
    """A watchdog whose probes follow each other: each waits until the last has failed.

    Parameters
    ----------
    timeout : float, array or SymPy expression
        Time in s that a probe takes to fail; 131 s where nothing limits it, for that
        long Linux repeats a connection request.

    Raises
    ------
    ValueError
        If a time is negative, both are zero, or `tries` is no whole number from 1 on.

    Notes
    -----
    A probe that succeeds takes no time, so the failure falls anywhere in a pause; then
    come `tries` probes of `timeout` each with a pause between any two.

    Examples
    --------
    The 100 attempts, one every 3 s, of a watchdog that does not limit a connection:

    >>> SequentialProbe(pause=3, tries=100).duration.support
    (13397.0, 13400.0)
    >>> SequentialProbe(pause=3, timeout=2, tries=100).duration.support
    (497.0, 500.0)
    """

    pause: Quantity = fields.span("pause between probes")
    timeout: Quantity = fields.time("longest time of a probe", default=131)
    tries: Quantity = fields.whole("failed probes that count as a failure", default=3)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until it is noticed."""
        last = self.tries * (self.timeout + self.pause)
        return uniform(last - self.pause, last)

    detection = SAME


@fields.specification
class Lease:
    """A leader's lock that expires unless renewed, as Patroni holds it.

    Parameters
    ----------
    retry_timeout : float, array or SymPy expression
        Time in s for which a leader retries a store that does not answer, before it
        steps down.
    tick : float, array or SymPy expression
        Time in s from one look of the store for expired locks to the next: 0.5 s in
        etcd.
    watch : bool
        Whether the others are told when the lock expires; if not, they look once in
        every `loop_wait`.
    version : float or None
        Release of Patroni whose rules are applied, such as 4.1; None for none.
    stopped : bool
        Whether the leader is asked to stop and gives its lock up, in place of one that
        falls silent.

    Raises
    ------
    ValueError
        If a time is not above zero, or `loop_wait` is above `ttl`.

    Warns
    -----
    UserWarning
        If a leader could lose its lock while it still retries, since `ttl` is below
        loop_wait + 2 retry_timeout.  From release 3.2 on Patroni adjusts the settings
        (`effective` has them), and they are used; before, it ran with them.

    Notes
    -----
    The last renewal was anywhere up to `loop_wait` before the failure, so the lock
    expires uniformly between ttl - loop_wait and ttl, and the store sees it at its next
    look.  etcd looks every 0.5 s (lessor.go of etcd 3.4).  Defaults and the rule are
    those of Patroni's documentation (facts FO-001 to FO-003); the least values that it
    enforces are ttl 20 s, loop_wait 1 s, retry_timeout 3 s.

    A leader that is asked to stop waits for its REST API, which looks every 0.5 s, then
    looks every second whether PostgreSQL is down, and gives the standbys one second
    more, except before 3.2.1 (known by settings that later releases adjust).

    Examples
    --------
    >>> Lease().duration.support, Lease(stopped=True).duration.support
    ((20.0, 30.5), (2.0, 2.5))
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     Lease(ttl=5, loop_wait=1, retry_timeout=3, version=4.1).effective
    (20, 1, 3)
    """

    ttl: Quantity = fields.span("time until the lock expires", default=30)
    loop_wait: Quantity = fields.span("time between renewals", default=10)
    retry_timeout: Quantity = fields.span(
        "time for which the store is retried", default=10
    )
    tick: Quantity = fields.time("tick of the store", default=0.5)
    watch: bool = fields.flag("others are told of an expiry", default=True)
    version: float | None = fields.number(
        "version of the product", above=True, default=None
    )
    stopped: bool = fields.flag("the leader is asked to stop", default=False)

    def __post_init__(self) -> None:
        fields.check(self)
        short = self.ttl - self.loop_wait
        if not _check.is_symbolic(short) and np.any(short < 0):
            raise ValueError(
                f"loop_wait must be <= ttl = {self.ttl}, got {self.loop_wait}"
            )
        least = self.loop_wait + 2 * self.retry_timeout
        if not _check.is_symbolic(self.ttl - least) and np.any(self.ttl < least):
            self._warn(least)

    def _warn(self, least: Quantity) -> None:
        said = "this release runs with it, and its leader may lose the lock in a retry"
        if self._adjusts:
            said = f"Patroni takes (ttl, loop_wait, retry_timeout) = {self.effective}"
        rule = f">= loop_wait + 2 * retry_timeout = {least}"
        warnings.warn(f"ttl should be {rule}, got {self.ttl}: {said}", stacklevel=4)

    @property
    def _adjusts(self) -> bool:
        return self.version is not None and self.version >= _ADJUSTS_FROM

    @property
    def effective(self) -> tuple[Quantity, Quantity, Quantity]:
        """The `ttl`, `loop_wait`, `retry_timeout` in s that the release runs with."""
        return self._adjusted if self._adjusts else self._given

    @property
    def _given(self) -> tuple[Quantity, Quantity, Quantity]:
        return self.ttl, self.loop_wait, self.retry_timeout

    @property
    def _adjusted(self) -> tuple[Quantity, Quantity, Quantity]:
        given = self._given
        if any(map(_check.is_symbolic, given)):
            return given
        pairs = zip(given, _LEAST, strict=True)
        ttl, wait, retry = (np.maximum(value, least) for value, least in pairs)
        most = (ttl - _LEAST[1]) // 2  # what is left for a retry beside the least loop
        wait = np.maximum(_LEAST[1], np.minimum(wait, ttl - 2 * retry))
        found = (ttl, wait, np.minimum(retry, most))
        return tuple(x.item() if np.ndim(x) == 0 else x for x in found)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the others know that the lock is free."""
        if self.stopped:
            return uniform(0, _API_LOOKS) + constant(_LOOKS + self._last_second)
        ttl, loop_wait, _ = self.effective
        found = uniform(ttl - loop_wait, ttl)
        if _check.is_symbolic(self.tick) or np.any(self.tick):
            found = found + uniform(0, self.tick)
        return found if self.watch else found + uniform(0, loop_wait)

    detection = SAME

    def demotion(self, stores: int = 3, *, opens: bool = False) -> Duration:
        """Return the time until a leader that is cut off from the store gives up.

        Parameters
        ----------
        stores : int
            Addresses of the store that it tries.
        opens : bool
            Whether connections to them still open, as those to a store that hangs.

        Returns
        -------
        Duration
            Time in s from the cut: its next loop, and what its tries take there.

        Notes
        -----
        Rules of Patroni 4.1 with etcd's API 3 (dcs/etcd.py).  `retry_timeout` is shared
        among the stores, at least 1 s for each; a lone one is tried three times, two of
        them are tried twice.  A pause of up to 0.9 s, then 1 s and more, is between two
        rounds, and with less than a second left it gives up.
        """
        _check.whole(1, stores=stores)
        _, loop_wait, retry_timeout = map(float, self.effective)
        tries = _tries(retry_timeout, stores, opens)
        return uniform(0, loop_wait) + tries

    @property
    def _last_second(self) -> Quantity:
        """Time in s that a release gives the standbys before it lets the lock go."""
        if self.version is not None:
            return _LAST * self._adjusts
        pairs = zip(self._given, self._adjusted, strict=True)
        same = np.all([np.equal(a, b) for a, b in pairs], axis=0)
        return np.where(same, _LAST, 0.0)[()]


@lru_cache(maxsize=64)
def _tries(limit: float, stores: int, opens: bool) -> Duration:
    """Return how long a store that does not answer is tried, played."""
    rng = np.random.default_rng(_SEED)
    return empirical([_tried(limit, stores, opens, rng) for _ in range(_PLAYED)])


def _tried(limit: float, stores: int, opens: bool, rng: np.random.Generator) -> float:
    left, delay, fresh = limit, 0.1, opens
    asked, each, repeats = _shared(limit, stores)
    while asked:
        # a request over an open connection waits for its answer and is not repeated;
        # one to connect takes half as long, at least 1 s, and is
        connects = min(each, max(1.0, each / 2)) * repeats
        left -= asked * each if opens else (asked - (not fresh)) * connects
        left -= 0 if opens or fresh else each
        fresh = True
        pause = delay + rng.integers(0, 81) / 100
        asked, each, repeats = _shared(left - pause, stores)
        if asked:
            left, delay = left - pause, min(2 * delay, 1.0)
    return limit - left


def _shared(left: float, stores: int) -> tuple[int, float, int]:
    """Return how many stores are asked in what is left, how long each, how often."""
    for asked in range(stores, 0, -1):
        each = left / asked
        if each >= 1:
            most = 4 - min(stores, 3)  # where some are left out, each has less than 2 s
            times = max(n for n in range(1, most + 1) if each / n >= 1)
            return asked, each / times, times
    return 0, 0.0, 0


_PLAYED, _SEED = 2048, 20150801  # plays behind a law, and where they begin

#: Least `ttl`, `loop_wait` and `retry_timeout` that Patroni allows, in s.
_LEAST = (20, 1, 3)
_ADJUSTS_FROM = 3.2
#: In s: how often a stopping Patroni looks at its REST API and at PostgreSQL, and more.
_API_LOOKS, _LOOKS, _LAST = 0.5, 1.0, 1.0
