"""Redis Sentinel: several watchers that agree, elect one of them and promote."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hamodel import _check, fields
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration, empirical, mixture, uniform
from hamodel.failover._parts import SAME, as_duration

_RARE = 1e-9  # the probability of the attempts that are left out


@fields.specification
class Attempts:
    """Something that is tried again, some time later, until it works.

    Examples
    --------
    >>> from hamodel import duration
    >>> tries = Attempts(first=5, again=duration.uniform(6, 7), failed=0.1)
    >>> round(float(tries.duration.mean), 4)
    5.7222
    """

    first: Duration | float = fields.time("time of an attempt that works", law=True)
    again: Duration | float = fields.time("time between attempts", law=True)
    failed: float = fields.share("attempts that fail", below=True)

    @property
    def duration(self) -> Duration:
        """Time in s until an attempt works: the first, and a geometric number more."""
        parts = [as_duration("first", self.first)]
        if not self.failed:
            return parts[0]
        again = as_duration("again", self.again)
        for _ in range(int(np.ceil(np.log(_RARE) / np.log(self.failed)))):
            parts.append(parts[-1] + again)
        weights: FloatArray = self.failed ** np.arange(len(parts), dtype=float)
        return mixture(list(weights / weights.sum()), parts)

    detection = SAME

    promotion = SAME


_PING = 1000  # ms from ping to ping, or `down_after` if that is shorter
_SOON = 1000  # ms from one INFO to the next in a failover
_INFO = 10000  # ms from one INFO to the next while all is well
_DESYNC = 1.0  # s: the widest random delay of an attempt

_POINTS = 4096  # equally probable points that stand for a law


@dataclass(frozen=True, eq=False)
class Lattice:
    """Probabilities of whole milliseconds from `start` on, as Redis counts its clocks.

    Sums are convolutions, and nothing is rounded before the end.
    """

    start: int
    weights: FloatArray

    def __add__(self, other: Lattice) -> Lattice:
        from scipy.signal import fftconvolve

        both = np.clip(fftconvolve(self.weights, other.weights), 0, None)
        return Lattice(self.start + other.start, both / both.sum())

    def order(self, k: int, n: int) -> Lattice:
        """Return the law of the k-th of n independent times."""
        from scipy.special import betainc

        reached = betainc(k, n - k + 1, np.minimum(np.cumsum(self.weights), 1.0))
        return Lattice(self.start, np.diff(reached, prepend=0.0))

    def residual(self) -> Lattice:
        """Return the time to the next event, from a random moment on."""
        beyond = 1 - np.cumsum(np.concatenate([np.zeros(self.start), self.weights]))
        left = np.clip(beyond, 0, None)
        return Lattice(0, left / left.sum())

    def first_beyond(self, limit: int) -> Lattice:
        """Return the first event later than a limit, if there was one at time zero."""
        from scipy.signal import lfilter

        steps = np.concatenate([np.zeros(self.start), self.weights])
        unit = np.zeros(limit + 1)
        unit[0] = 1.0
        events = lfilter([1.0], np.concatenate([[1.0], -steps[1:]]), unit)
        after = np.convolve(events, steps)[limit + 1 :]
        return Lattice(limit + 1, after / after.sum())

    @property
    def duration(self) -> Duration:
        """The law in s, by points of equal probability."""
        shares = (np.arange(_POINTS) + 0.5) / _POINTS
        found = np.searchsorted(np.cumsum(self.weights), shares)
        return empirical((self.start + found) / 1e3)


def mixed(weights: tuple[float, ...], parts: tuple[Lattice, ...]) -> Lattice:
    """Return a mixture."""
    start = min(part.start for part in parts)
    end = max(part.start + len(part.weights) for part in parts)
    total = np.zeros(end - start)
    for weight, part in zip(weights, parts, strict=True):
        at = part.start - start
        total[at : at + len(part.weights)] += weight * part.weights
    return Lattice(start, total)


@fields.specification
class Sentinel:
    """Redis Sentinel: from the failure to the new primary's address.

    Parameters
    ----------
    down_after : float
        Time in s without a valid answer after which a Sentinel takes the primary for
        down (down-after-milliseconds).
    failover_timeout : Quantity
        Time in s whose double passes before a failed attempt is repeated.
    hang : bool
        Whether the primary falls silent (a hang, a lost host, a cut network), in place
        of a process that dies and whose connections are reset.

    Raises
    ------
    ValueError
        If a time is not above zero, `quorum` is not in 1 to `sentinels`, or the share
        is not in [0, 1).

    Notes
    -----
    All waiting is for timers, as Sentinel 7.0's source (sentinel.c) has them.  The
    timer of a Sentinel runs 10 to 19 times a second, drawn anew each time.  A closed
    connection is opened again at its next run, with a ping that nobody answers; a
    silent primary leaves the next of its pings, one a second (or one in `down_after`,
    if that is shorter), without an answer.  When that ping is older than `down_after`,
    the Sentinel finds the primary down and asks the others; the last of the quorum
    counts their answers one run later, and a quorum of one needs none.  One run each is
    then needed to be elected, to choose the replica, and to tell it (a Sentinel alone
    elects itself in the run in which it finds the primary down); that it obeyed
    is seen in its next INFO, which is asked for once a second, and the new address is
    announced one run later.  INFO is asked for every 10 s while all is well, so it may
    have become more frequent at another moment than at the agreement: if one is asked
    for between the failure and the agreement, and shows the broken link.

    Left out: messages that take longer than a run of the timer, and votes that split.

    Examples
    --------
    >>> watch = Sentinel(down_after=1)
    >>> [round(float(d.mean), 2) for d in (watch.detection, watch.promotion)]
    [1.14, 1.07]
    >>> round(float(Sentinel(down_after=1, hang=True).detection.mean), 2)
    1.63
    """

    down_after: float = fields.span("silence that counts as down", default=30.0)
    sentinels: int = fields.whole("sentinels", default=3)
    quorum: int = fields.whole("sentinels that must agree", default=2)
    failover_timeout: Quantity = fields.span("failover timeout", default=180.0)
    failed: float = fields.share(
        "failovers that fail at first", below=True, default=0.0
    )
    hang: bool = fields.flag("the primary hangs", default=False)

    def __post_init__(self) -> None:
        fields.check(self)
        _check.between(1, self.sentinels, quorum=self.quorum)

    @property
    def _key(self) -> tuple[int, int, int, bool]:
        return round(1e3 * self.down_after), self.sentinels, self.quorum, self.hang

    @property
    def subjectively_down(self) -> Duration:
        """Time in s until the first Sentinel finds the primary down."""
        return _law("subjectively down", *self._key)

    @property
    def objectively_down(self) -> Duration:
        """Time in s until the quorum agrees, and the first attempt begins."""
        return _law("objectively down", *self._key)

    @property
    def elected(self) -> Duration:
        """Time in s until a Sentinel leads the first attempt."""
        return _law("elected", *self._key)

    @property
    def selected(self) -> Duration:
        """Time in s until the replica to promote is chosen."""
        return _law("selected", *self._key)

    @property
    def promoted(self) -> Duration:
        """Time in s until a Sentinel sees that the replica is the primary."""
        return _law("promoted", *self._key)

    @property
    def detection(self) -> Duration:
        """Time in s until the quorum agrees, for the attempt that works."""
        again = uniform(0, _DESYNC) + 2 * self.failover_timeout
        return Attempts(
            first=self.objectively_down, again=again, failed=self.failed
        ).duration

    @property
    def promotion(self) -> Duration:
        """Time in s from that agreement until the new address is announced."""
        return _law("promotion", *self._key)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the new address is announced."""
        if not self.failed:
            return _law("switch", *self._key)
        return self.detection + self.promotion


@lru_cache(maxsize=64)
def _law(
    stage: str, down_after: int, sentinels: int, quorum: int, hang: bool
) -> Duration:
    tick = _tick()
    down = _first_ping(tick, down_after, hang) + tick.first_beyond(down_after)
    agreed = down.order(quorum, sentinels)
    if quorum > 1:  # the others' answers are counted at the next run
        agreed = agreed + tick
    votes = int(sentinels > 1)
    runs = {"objectively down": 0, "elected": votes, "selected": votes + 1}
    if stage == "subjectively down":
        return down.order(1, sentinels).duration
    if stage in runs:
        for _ in range(runs[stage]):
            agreed = agreed + tick
        return agreed.duration
    seen = _seen(tick, votes, _regular(agreed, hang))
    laws = {
        "promoted": lambda: agreed + seen,
        "promotion": lambda: seen + tick,
        "switch": lambda: agreed + seen + tick,
    }
    return laws[stage]().duration


def _tick() -> Lattice:
    """Return the time between two runs of the timer, in whole ms."""
    lengths = [1000 // hertz for hertz in range(10, 20)]
    weights = np.bincount(lengths)[min(lengths) :] / len(lengths)
    return Lattice(min(lengths), weights)


def _first_ping(tick: Lattice, down_after: int, hang: bool) -> Lattice:
    """Return the time from the failure to the first ping without an answer."""
    if not hang:
        return tick.residual()
    return tick.first_beyond(min(_PING, down_after)).residual()


def _regular(agreed: Lattice, hang: bool) -> float:
    """Return how often an INFO that sets the later ones' rhythm came before."""
    if hang:  # only one of the last second matters: the next is due a second later
        return _SOON / _INFO
    mean = agreed.start + float(np.arange(len(agreed.weights)) @ agreed.weights)
    return min(1.0, mean / _INFO)


def _seen(tick: Lattice, votes: int, regular: float) -> Lattice:
    """Return the time from the agreement until the promotion is seen in an INFO."""
    told = tick + tick
    if votes:
        told = told + tick
    at_random = told + tick.first_beyond(_SOON).residual()
    return mixed((regular, 1 - regular), (at_random, tick.first_beyond(_SOON)))
