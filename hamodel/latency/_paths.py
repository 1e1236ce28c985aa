"""The way of one request: stages in sequence, in parallel, across sites; mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, _html, duration
from hamodel.duration import Duration
from hamodel.units import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hamodel._types import Quantity


def in_sequence(*stages: Duration, times: int = 1) -> Duration:
    """Return the time of stages one after another.

    Parameters
    ----------
    *stages : Duration
        The stages.
    times : int
        How often all of them are gone through: the calls of a chatty request.

    Returns
    -------
    Duration
        Their sum.

    Raises
    ------
    ValueError
        If there is no stage or times is no whole number above 0.

    Examples
    --------
    A page that makes eight queries of 0.5 ms to a database 80 ms away:

    >>> query = in_sequence(duration.constant(0.080), duration.constant(0.0005))
    >>> round(in_sequence(query, times=8).mean, 6)
    0.644
    """
    _check.whole(1, times=times)
    if not stages:
        raise ValueError("stages must be at least one duration, got none")
    _check.instance(Duration, **{f"stages[{i}]": s for i, s in enumerate(stages)})
    total = stages[0]
    for stage in stages[1:]:
        total = total + stage
    # by doubling, so that a thousand calls cost ten sums
    answer: Duration | None = None
    count = int(times)
    while count:
        if count % 2:
            answer = total if answer is None else answer + total
        count //= 2
        if count:
            total = total + total
    return total if answer is None else answer


def in_parallel(*stages: Duration) -> Duration:
    """Return the time until the slowest of independent stages is over.

    Parameters
    ----------
    *stages : Duration
        Stages that begin together.

    Returns
    -------
    Duration
        Their maximum.

    Raises
    ------
    ValueError
        If there is no stage.

    Examples
    --------
    >>> both = in_parallel(duration.exponential(1.0), duration.exponential(1.0))
    >>> round(both.mean, 6)
    1.5
    """
    if not stages:
        raise ValueError("stages must be at least one duration, got none")
    return stages[0] if len(stages) == 1 else duration.maximum(*stages)


def fan_out(one: Duration, servers: int, needed: int | None = None) -> Duration:
    """Return the time of a request that asks many servers at once.

    Parameters
    ----------
    one : Duration
        Response of one server.
    servers : int
        Servers asked.
    needed : int, optional
        Answers that suffice; all by default.

    Returns
    -------
    Duration
        Time until so many answers are there.

    Raises
    ------
    ValueError
        If a number is no whole number above 0, or needed exceeds servers.

    Notes
    -----
    Dean and Barroso (2013), The tail at scale, Comm. ACM 56(2), 74-80: with 100
    servers that take more than 1 s once in 100 times, 63 % of the requests do.

    Examples
    --------
    >>> leaf = duration.mixture(
    ...     [0.99, 0.01], [duration.constant(0.010), duration.constant(1.5)]
    ... )
    >>> round(fan_out(leaf, 100).sf(1.0), 4), round(fan_out(leaf, 100, 95).sf(1.0), 6)
    (0.634, 0.000535)
    """
    _check.whole(1, servers=servers)
    k = servers if needed is None else needed
    _check.whole(1, needed=k)
    if k > servers:
        raise ValueError(f"needed must be <= servers ({servers}), got {k}")
    return duration.order_statistic(one, k, servers)


def slow_share(share: Quantity, servers: Quantity) -> Quantity:
    """Probability that some of the servers that a request needs is slow.

    Parameters
    ----------
    share : array_like or sympy.Expr
        Probability that one server is slow.
    servers : array_like or sympy.Expr
        Servers that the request waits for.

    Returns
    -------
    float, ndarray or sympy.Expr
        1 - (1 - share)^servers, without cancellation.

    Raises
    ------
    ValueError
        If share is no probability or servers negative.

    Examples
    --------
    >>> round(slow_share(0.01, 100), 4)
    0.634
    """
    _check.probability(share=share)
    _check.non_negative(servers=servers)
    if _check.is_symbolic(share) or _check.is_symbolic(servers):
        return 1 - (1 - share) ** servers
    p, n = np.asarray(share, float), np.asarray(servers, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        answer = np.where(n > 0, -np.expm1(n * np.log1p(-p)), 0.0)
    return answer.item() if answer.ndim == 0 else answer


def hedged(one: Duration, after: float) -> Duration:
    """Return the time of a request that is sent again, elsewhere, if it lingers.

    Parameters
    ----------
    one : Duration
        Response of one replica; replicas are independent.
    after : float
        Time in s after which the second copy is sent.

    Returns
    -------
    Duration
        Time until the first answer.

    Raises
    ------
    ValueError
        If after is negative or not finite.

    Notes
    -----
    The extra load is the share that lingers, `one.sf(after)`.  Dean and Barroso (2013),
    The tail at scale, section on hedged requests.

    Examples
    --------
    >>> one = duration.mixture(
    ...     [0.99, 0.01], [duration.exponential(0.002), duration.exponential(0.5)]
    ... )
    >>> twice = hedged(one, after=0.010)
    >>> bool(twice.quantile(0.999) < 0.1 * one.quantile(0.999)), round(one.sf(0.010), 3)
    (True, 0.016)
    """
    _check.non_negative(after=after)
    return duration.minimum(one, one + float(after))


def forwarded(local: Duration, round_trip: Duration, calls: int = 1) -> Duration:
    """Return the time of a request that its site forwards to the primary's site.

    Parameters
    ----------
    local : Duration
        What the request takes where the data are.
    round_trip : Duration
        There and back between the sites.
    calls : int
        Cross-site calls, one after another.

    Returns
    -------
    Duration
        The local time, and a round trip for each call.

    Raises
    ------
    ValueError
        If calls is no whole number above 0.

    Examples
    --------
    Facebook's TAO: 16.3 ms at the master and 58.1 ms between the regions are the
    74.4 ms that a forwarded write was seen to take (facts LAT-023, RTT-102).

    >>> write = forwarded(duration.constant(0.0163), duration.constant(0.0581))
    >>> round(write.mean, 4)
    0.0744
    """
    return local + in_sequence(round_trip, times=calls)


def cross_site_commit(
    disk: Duration, round_trips: Sequence[Duration], needed: int | None = None
) -> Duration:
    """Return the time until enough sites, one's own included, hold a write.

    Parameters
    ----------
    disk : Duration
        Making it durable, at each site.
    round_trips : sequence of Duration
        There and back to each other site.
    needed : int, optional
        Sites that must hold it, the own one included; all by default.

    Returns
    -------
    Duration
        The needed-th fastest of the sites' answers.

    Raises
    ------
    ValueError
        If needed is not between 1 and the number of sites.

    Notes
    -----
    The own site counts like any other: a quorum may be faster without it.

    Examples
    --------
    A primary in Virginia, copies in Oregon and Ireland (facts RTT-011, RTT-017), 1 ms
    to the disk: all three, or two of three.

    >>> far = [duration.constant(0.0809), duration.constant(0.109)]
    >>> disk = duration.constant(0.001)
    >>> round(cross_site_commit(disk, far).mean, 4)
    0.11
    >>> round(cross_site_commit(disk, far, needed=2).mean, 4)
    0.0819
    """
    answers = [disk, *(trip + disk for trip in round_trips)]
    k = len(answers) if needed is None else needed
    _check.whole(1, needed=k)
    if k > len(answers):
        raise ValueError(f"needed must be <= {len(answers)} sites, got {k}")
    return answers[0] if len(answers) == 1 else duration.order_statistic(answers, k)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mix:
    """Kinds of requests (by operation, by site) and their shares of the traffic.

    Parameters
    ----------
    kinds : mapping of str to (float, Duration)
        Share and latency of each kind; shares are scaled to add up to 1.

    Raises
    ------
    ValueError
        If there is no kind, a share is negative or all are 0.

    Examples
    --------
    At the passive site: reads local in 1 ms, one request in five a write over 80 ms.

    >>> local = duration.constant(0.001)
    >>> write = forwarded(local, duration.constant(0.080))
    >>> users = Mix(kinds={"read": (0.8, local), "write": (0.2, write)})
    >>> round(users.mean, 6), users.quantile([0.5, 0.99]).round(6)
    (0.017, array([0.001, 0.081]))
    """

    kinds: Mapping[str, tuple[float, Duration]]

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("kinds must name at least one kind, got none")
        for name, (share, law) in self.kinds.items():
            _check.non_negative(**{f"share of {name}": share})
            _check.instance(Duration, **{f"latency of {name}": law})
        if not any(share for share, _ in self.kinds.values()):
            raise ValueError("shares must not all be 0")
        object.__setattr__(self, "kinds", dict(self.kinds))

    @property
    def shares(self) -> dict[str, float]:
        """Share of each kind; they add up to 1."""
        total = sum(share for share, _ in self.kinds.values())
        return {name: share / total for name, (share, _) in self.kinds.items()}

    @property
    def latency(self) -> Duration:
        """Latency of a request picked at random."""
        laws = [law for _, law in self.kinds.values()]
        if len(laws) == 1:
            return laws[0]
        return duration.mixture(list(self.shares.values()), laws)

    @property
    def mean(self) -> Quantity:
        """Mean latency in s."""
        return self.latency.mean

    def quantile(self, p: Quantity) -> Quantity:
        """Return the latency that a fraction p of all requests does not exceed.

        Parameters
        ----------
        p : array_like
            Fraction in [0, 1].

        Returns
        -------
        float or ndarray
            Time in s.
        """
        return self.latency.quantile(p)

    def slow_by(self, t: float) -> dict[str, float]:
        """Tell whose requests exceed a time: the share of each kind among the slow.

        Parameters
        ----------
        t : float
            Time in s.

        Returns
        -------
        dict of str to float
            Shares that add up to 1; all 0 if nothing is that slow.

        Examples
        --------
        >>> fast, slow = duration.exponential(0.001), duration.exponential(0.010)
        >>> users = Mix(kinds={"read": (0.9, fast), "write": (0.1, slow)})
        >>> round(users.slow_by(0.010)["write"], 3)
        0.999
        """
        _check.non_negative(t=t)
        over = {
            name: share * float(self.kinds[name][1].sf(t))
            for name, share in self.shares.items()
        }
        total = sum(over.values())
        return {name: value / total if total else 0.0 for name, value in over.items()}

    def _repr_html_(self) -> str:
        rows = []
        points = [0.5, 0.95, 0.99]
        whole = [("all", (1.0, self.latency))]
        for name, (share, law) in [*self.kinds.items(), *whole]:
            cells = [
                text(float(law.mean)),
                *(text(float(law.quantile(p))) for p in points),
            ]
            rows.append((name, f"{share:.3g}", *cells))
        header = ("kind", "share", "mean", "median", "95 %", "99 %")
        return _html.table(rows, header=header, caption="Latency")
