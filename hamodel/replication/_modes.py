"""Asynchronous, semi-synchronous, synchronous, quorum: how many and how long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamodel import _check, _html, duration, fields, text
from hamodel._types import Quantity
from hamodel.duration import Duration
from hamodel.replication import _exposure
from hamodel.replication._loss import LossByFailure, LostCount
from hamodel.replication._protection import Protection, Standbys
from hamodel.replication._stage import WriteStage, is_duration
from hamodel.replication._stream import Stream, as_duration

MODES = ("async", "semi-sync", "sync", "quorum", "in-sync")
FAILURES = ("process", "network", "site")
#: What no commit asks for in a mode.
_UNUSED = {
    "async": ("acknowledgements", "timeout", "wait_for", "flush", "unclean"),
    "semi-sync": ("unclean",),
    "sync": ("acknowledgements", "timeout", "unclean"),
    "quorum": ("timeout", "unclean"),
}


@fields.specification
class Replication:
    """How writes reach the standbys, and what a commit waits for.

    Parameters
    ----------
    mode : str
        "async": a commit waits for nobody.  "semi-sync": for `acknowledgements`
        standbys, but no longer than `timeout`; then on without them.  "sync": for all
        standbys, for ever.  "quorum": for `acknowledgements` of them, for ever.
        "in-sync": for all that are in sync; one that has been silent for `timeout` is
        dropped from them, and writes stop while fewer than `acknowledgements` are left.
    delay : float, array, SymPy expression, Duration, or sequence of these
        One-way network delay in s; a sequence gives one for each standby.
    standbys : int, optional
        Number of standbys; by default 1, or the length of `delay`.
    acknowledgements : int
        Standbys that a semi-synchronous or quorum commit waits for; the least number
        in sync.
    timeout : float, array or SymPy expression
        Longest wait in s of a semi-synchronous commit, or for a standby in sync.
    wait_for : str
        What a standby acknowledges: that the write is "received" or "applied".
    unclean : bool
        Of "in-sync": whether the first node that is back after all were lost serves,
        without what it had missed; else the service waits for the last primary.
    flush : float, array, SymPy expression or Duration
        Time in s in which a standby makes a write durable before it acknowledges; that
        of the primary is within the work on a write.
    send, apply : WriteStage, optional
        Queue of the sender or of a narrow link, and of the replay.

    Notes
    -----
    A mode is two numbers: how many acknowledgements, and how long to wait for them.
    The default timeout is MySQL's (fact FO-035).  What a timeout lets go before a
    standby has received it is lost in a crash.

    Examples
    --------
    Across the continent, 82.8 ms there and back (fact RTT-010), or within a zone and
    then across it:

    >>> async_, sync = (Replication(mode=m, delay=0.0414) for m in ("async", "sync"))
    >>> async_.commit_delay().mean, sync.commit_delay().mean
    (0.0, 0.0828)
    >>> both = Replication(mode="quorum", delay=(0.0005, 0.0414))
    >>> both.commit_delay().mean, round(both.dependent_writes())
    (0.001, 1000)
    """

    mode: str = fields.word("replication mode", *MODES, default="async")
    delay: Quantity | tuple[Quantity, ...] = fields.time(
        "one-way delay", law=True, several=True, default=0.0
    )
    standbys: int | None = fields.whole("standbys", default=None)
    acknowledgements: int = fields.whole(
        "acknowledgements that a commit waits for", default=1
    )
    timeout: Quantity = fields.time("longest wait of a commit", default=10.0)
    wait_for: str = fields.word(
        "what is acknowledged", "received", "applied", default="received"
    )
    unclean: bool = fields.flag("a node out of sync may become primary", default=False)
    flush: Quantity = fields.time("time to make a write durable", law=True, default=0.0)
    send: WriteStage | None = fields.spec(WriteStage, "sending", default=None)
    apply: WriteStage | None = fields.spec(WriteStage, "replay", default=None)

    def __post_init__(self) -> None:
        fields.check(self)
        if self.unclean and self.mode != "in-sync":
            raise ValueError(
                f"unclean must be False unless mode is in-sync, got True in {self.mode}"
            )
        count = len(self.delay) if isinstance(self.delay, tuple) else self.standbys or 1
        if self.standbys not in (None, count):
            raise ValueError(
                f"standbys must be the number of delays ({count}), got {self.standbys}"
            )
        object.__setattr__(self, "standbys", int(count))
        if self.acknowledgements > count:
            raise ValueError(
                f"acknowledgements must be <= standbys ({count}), got "
                f"{self.acknowledgements}"
            )

    @property
    def unused(self) -> dict[str, str]:
        """Fields that change nothing in this mode, and why."""
        why = f"where the mode is {self.mode}"
        return dict.fromkeys(_UNUSED.get(self.mode, ()), why)

    @property
    def count(self) -> int:
        """Number of standbys."""
        return int(self.standbys or 1)

    @property
    def needed(self) -> int:
        """Acknowledgements that a commit waits for."""
        if self.mode == "async":
            return 0
        everyone = self.mode in {"sync", "in-sync"}
        return self.count if everyone else int(self.acknowledgements)

    @property
    def delays(self) -> tuple[Quantity, ...]:
        """One-way delay to each standby in s."""
        if isinstance(self.delay, tuple):
            return self.delay
        return (self.delay,) * self.count

    def stream(self, writes: Quantity, standby: int = 0) -> Stream:
        """Return the writes on their way to one standby.

        Parameters
        ----------
        writes : float, array or SymPy expression
            Writes per second.
        standby : int
            Which one, from 0.
        """
        delay = self.delays[standby]
        return Stream(writes=writes, delay=delay, send=self.send, apply=self.apply)

    def acknowledgement(self, writes: Quantity = 0.0, standby: int = 0) -> Duration:
        """Return the time until the answer of one standby is back.

        Parameters
        ----------
        writes : float or array
            Writes per second; counts only if there is a queue to pass.
        standby : int
            Which one, from 0.

        Returns
        -------
        Duration
            Sending, there, flush (and replay if `wait_for` is "applied"), back.
        """
        there = as_duration(self.delays[standby])
        total = there + there + as_duration(self.flush)
        if self.send is not None:
            total = total + self.send.time(writes)
        if self.wait_for == "applied" and self.apply is not None:
            total = total + self.apply.time(writes)
        return total

    def commit_delay(
        self, writes: Quantity = 0.0, ways: Sequence[Duration] = ()
    ) -> Duration:
        """Return what replication adds to the latency of a commit.

        Parameters
        ----------
        writes : float or array
            Writes per second; counts only if there is a queue to pass.
        ways : sequence of Duration
            Time in s to each standby and back, on top of the delay of each direction.

        Returns
        -------
        Duration
            Time until enough standbys have answered, or until the timeout.
        """
        wait = self._answered(writes, ways)
        if self.mode == "semi-sync" and np.any(wait.support[1] > np.min(self.timeout)):
            return duration.minimum(wait, duration.constant(self.timeout))
        return wait

    def dependent_writes(self, writes: Quantity = 0.0) -> Quantity:
        """Return how many writes a second can follow each other on one row.

        One over the mean commit delay at `writes` a second to the whole database: each
        write holds its lock that long.
        """
        wait = self.commit_delay(writes).mean
        with np.errstate(divide="ignore"):
            return (np.float64(1) / np.asarray(wait, float))[()]

    def protection(self, *, mttf: Quantity, mttr: Quantity) -> Protection:
        """Return what failing standbys cost: blocked and unprotected commits.

        Parameters
        ----------
        mttf : float, array or SymPy expression
            Mean time in s between a standby's repair and its next failure.
        mttr : float, array or SymPy expression
            Mean time in s until it is back.

        Notes
        -----
        An asynchronous system never waits: all is zero.  Standbys fail independently,
        with exponential times.  A strictly synchronous commit is blocked while fewer
        than needed are up; a semi-synchronous one for the timeout each time that one
        too many goes, and is then unprotected until enough are back (the time to catch
        up comes on top).  With standbys in sync, each that goes stops all commits until
        it is dropped or back.

        Examples
        --------
        One standby that fails every 1000 hours for 4: strict waiting costs 35 hours a
        year, a timeout of 10 s a minute and a half, but for the 35 hours nothing
        protects:

        >>> from hamodel.units import HOUR, MINUTE, YEAR
        >>> for mode in ("sync", "semi-sync"):
        ...     pair = Replication(mode=mode)
        ...     price = pair.protection(mttf=1000 * HOUR, mttr=4 * HOUR)
        ...     hours = price.unprotected * YEAR / HOUR
        ...     print(round(price.blocked * YEAR / MINUTE, 2), round(hours, 2))
        2094.02 0.0
        1.45 34.88
        """
        if self.mode == "async":
            return Protection(blocked=0.0, unprotected=0.0, stalls=0.0, stall=0.0)
        needed = int(self.acknowledgements) if self.mode == "in-sync" else self.needed
        parts = Standbys(count=self.count, needed=needed, mttf=mttf, mttr=mttr)
        if self.mode == "in-sync":
            return parts.dropped_after(self.timeout)
        return parts.protection(self.timeout if self.mode == "semi-sync" else None)

    def loss(
        self,
        failure: str,
        *,
        writes: float,
        keeps: str = "received",
        dispersion: float = 1.0,
    ) -> LossByFailure:
        """Return what a failure of the primary takes while the standbys keep up.

        Parameters
        ----------
        failure : str
            "process": the primary's process is killed; what it has sent arrives.
            "network": the primary and its link go; what is under way is lost too.
            "site": the primary's site goes; like "network", and if the standby keeps
            only what it has applied, all of the lag.
        writes : float
            Writes per second.
        keeps : str
            What a promoted standby has: all it "received" or only what it "applied".
        dispersion : float
            Variance over mean of the number of writes in a while: 1 for writes that
            come independently, more where they come in bursts.

        Returns
        -------
        LossByFailure
            In time and in writes; zero for modes that wait, without a timeout.

        Raises
        ------
        ValueError
            If a name is unknown or the stages have no joint law.
        hamodel.queueing.OverloadError
            If the load of a stage is 1 or more.

        Notes
        -----
        The best of several standbys is promoted: that with the least delay.  A slow
        link is a `send` stage of high load: its loss is the age of its backlog.  Only
        writes that were acknowledged to a client count as lost.

        Examples
        --------
        A link good for 1000 writes/s and 41.4 ms long, at 900 writes/s:

        >>> link = WriteStage(service=0.001)
        >>> far = Replication(delay=0.0414, send=link)
        >>> for failure in FAILURES:
        ...     print(far.loss(failure, writes=900))
        <Loss by process: with probability 0.9, mean 9 ms, 9 writes>
        <Loss by network: with probability 1, mean 50.3 ms, 46.3 writes>
        <Loss by site: with probability 1, mean 50.3 ms, 46.3 writes>
        """
        _check.one_of(FAILURES, failure=failure)
        _check.one_of(("received", "applied"), keeps=keeps)
        _check.non_negative(writes=writes)
        if self.needed and self.mode != "semi-sync":
            none = duration.constant(0.0)
            count = LostCount(rate=writes, lag=none)
            return LossByFailure(failure=failure, time=none, writes=count)
        apply = self.apply if failure == "site" and keeps == "applied" else None
        delay = 0.0 if failure == "process" else self._nearest
        path = Stream(writes=writes, delay=delay, send=self.send, apply=apply)
        if self.send is not None and self.send.sizes is not None:
            raise ValueError("send.sizes must be None: writes are counted one by one")
        least = float(self.timeout) if self.needed else 0.0
        age = _exposure.later(_exposed(path), least)[0]
        lag = _exposure.later(path.lag, least)[1]
        lost = LostCount(rate=float(writes), lag=lag, dispersion=dispersion)
        return LossByFailure(failure=failure, time=age, writes=lost)

    def loss_without_standby(
        self, *, writes: float, gone: Duration, dispersion: float = 1.0
    ) -> LossByFailure:
        """Return what the primary's failure takes while no standby hears it.

        Parameters
        ----------
        writes : float
            Writes per second.
        gone : Duration
            For how long no standby has received anything; for an exponential repair
            time, at a random moment of it, that repair time again.
        dispersion : float
            Variance over mean of the number of writes in a while, as for `loss`.

        Returns
        -------
        LossByFailure
            All writes since then, if the mode went on without a standby; in the modes
            that block, none: they acknowledged none.

        Examples
        --------
        Semi-synchronous replication loses nothing, or hours:

        >>> from hamodel import duration
        >>> from hamodel.units import HOUR
        >>> alone = Replication(mode="semi-sync").loss_without_standby(
        ...     writes=900, gone=duration.exponential(4 * HOUR))
        >>> alone.time.mean / HOUR, alone.writes.mean
        (4.0, 12960000.0)
        """
        if not is_duration(gone):
            raise ValueError(f"gone must be a Duration, got {gone!r}")
        blocks = self.mode in ("sync", "quorum", "in-sync")
        time = duration.constant(0.0) if blocks else gone
        lost = LostCount(rate=float(writes), lag=time, dispersion=dispersion)
        return LossByFailure(failure="site", time=time, writes=lost)

    @property
    def _nearest(self) -> Quantity:
        return min(self.delays, key=lambda d: np.mean(d.mean if is_duration(d) else d))

    def _answered(self, writes: Quantity, ways: Sequence[Duration]) -> Duration:
        """Time until the needed standbys have answered, however long it takes."""
        if not self.needed:
            return duration.constant(0.0)
        if isinstance(self.delay, tuple) or len(set(ways)) > 1:
            answers = [self.acknowledgement(writes, i) for i in range(self.count)]
            trips = ways or [duration.constant(0.0)] * self.count
            pairs = zip(answers, trips, strict=True)
            return duration.order_statistic([a + way for a, way in pairs], self.needed)
        answer = sum(ways[:1], self.acknowledgement(writes))
        if self.count == 1:
            return answer
        return duration.order_statistic(answer, self.needed, self.count)

    def _repr_html_(self) -> str:
        rows = [("acknowledgements", f"{self.needed} of {self.count}")]
        if self.mode in {"semi-sync", "in-sync"}:
            rows.append(("timeout", str(self.timeout)))
        for i, delay in enumerate(self.delays):
            shown = delay.mean if is_duration(delay) else delay
            plain = np.ndim(shown) == 0 and not _check.is_symbolic(shown)
            rows.append(
                (f"delay to standby {i}", text.time(shown) if plain else str(shown))
            )
        return _html.table(rows, caption=f"Replication, {self.mode}")


def _exposed(path: Stream) -> Duration:
    """Age of the oldest write that has not passed send, delay and apply."""
    if path.apply is None:
        return path.exposure
    if path.send is None:  # a fixed delay before a queue is as good as one behind it
        turned = Stream(writes=path.writes, delay=path.delay, send=path.apply)
        return turned.exposure
    stages = path.send.time(path.writes) + path.apply.time(path.writes)
    clearing, empty = _exposure.behind(stages, float(path.writes))
    return _exposure.law_of(clearing, empty, path.writes, path.delay)
