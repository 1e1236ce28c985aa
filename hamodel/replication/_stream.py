"""Writes on their way to one replica: lag, staleness, exposure and age."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, _html, duration, fields, text
from hamodel._types import Quantity
from hamodel.duration import Duration
from hamodel.replication import _exposure, _stale
from hamodel.replication._stage import WriteStage, is_duration, number, plain


@fields.specification
class Stream:
    """Writes that one replica receives, over a sender, a network and a replay.

    Parameters
    ----------
    send : WriteStage, optional
        Queue of the sender or of a narrow link.  None: what is committed is sent.
    apply : WriteStage, optional
        Queue of the replay.  None: what arrives is visible.

    Notes
    -----
    Lag is the time from a commit until the replica shows it: send + delay + apply.
    With an exponential sender the three are independent (Burke's theorem).  With any
    other that is an approximation: played at loads of 0.5 to 0.9, the mean and the
    stale reads were 7 to 10 % too high with a constant one, and 13 % too low with one
    whose coefficient of variation is 2.  A delay that is a Duration is one draw
    for all writes under way, as on a path whose delay changes slowly: the stream
    stays in order.

    Examples
    --------
    A replica that applies 1000 writes/s, at two loads.  A tenth more load, ten times
    the lag; the mean says nothing of the 99th percentile:

    >>> replay = WriteStage(service=0.001)
    >>> stream = Stream(writes=[900, 990], apply=replay)
    >>> stream.mean_lag
    array([0.01, 0.1 ])
    >>> (stream.lag.quantile(0.99) / 0.001).round(1)
    array([ 46.1, 460.5])

    The same replica across an ocean, at 82.8 / 2 ms (fact RTT-010):

    >>> far = Stream(writes=900, delay=0.0414, apply=replay)
    >>> round(far.mean_lag, 4), round(far.exposure.mean, 4)
    (0.0514, 0.0403)
    """

    writes: Quantity = fields.rate("writes, a Poisson stream")
    delay: Quantity = fields.time("one-way network delay", law=True, default=0.0)
    send: WriteStage | None = fields.spec(WriteStage, "sending", default=None)
    apply: WriteStage | None = fields.spec(WriteStage, "replay", default=None)

    @property
    def utilisation(self) -> Quantity:
        """Load of the busiest stage; from 1 on the lag grows without end."""
        loads = [stage.utilisation(self.writes) for stage in self._stages]
        if not loads:
            return number(self.writes) * 0
        if any(_check.is_symbolic(load) for load in loads):
            import sympy

            return sympy.Max(*loads)
        return plain(np.maximum.reduce(np.broadcast_arrays(*loads)))

    @property
    def lag(self) -> Duration:
        """Time from commit to visibility; endless from load 1 on.

        `lag.sf(t)` is the chance that a read t after a write does not see it, and
        `lag.quantile(p)` the pause after which a fraction p of the reads is fresh.
        """
        if self._symbolic and self._stages:
            _ = self._spare  # or the reason why there is no formula
        total = as_duration(self.delay)
        for stage in self._stages:
            total = total + stage.time(self.writes)
        return total

    @property
    def mean_lag(self) -> Quantity:
        """Mean lag of a write in s; infinite from load 1 on."""
        total = self.delay.mean if is_duration(self.delay) else number(self.delay)
        for stage in self._stages:
            total = total + stage.mean_time(self.writes)
        return total

    def age_after(self, t: Quantity) -> Quantity:
        """Return how old the newest visible write is, t after the load became too much.

        Parameters
        ----------
        t : float or array
            Time in s for which the stage has had more to do than it can.

        Returns
        -------
        float or ndarray
            Age in s: what is shown then was committed at the share 1/load of t.

        Raises
        ------
        ValueError
            If the load is below 1, where the lag has a law (`lag`) and does not grow.

        Notes
        -----
        The backlog grows by load - 1 seconds of work a second.  Its fluctuations, of
        the order of the square root of t, are left out.

        Examples
        --------
        Ten minutes at 120 writes/s over a link that takes 100:

        >>> narrow = Stream(writes=120, send=WriteStage(service=0.01))
        >>> round(narrow.age_after(600), 6)
        100.0
        """
        _check.non_negative(t=t)
        load = self.utilisation
        if np.any(np.asarray(load) < 1):
            raise ValueError(
                "writes must make a load of at least 1, got "
                + text.number(np.min(load))
            )
        delay = self.delay.mean if is_duration(self.delay) else number(self.delay)
        return plain(delay + number(t) * (1 - 1 / load))

    @property
    def unapplied(self) -> Quantity:
        """Mean number of writes committed and not yet visible (Little's law)."""
        return number(self.writes) * self.mean_lag

    def stale_probability(
        self, key_writes: Quantity, known: ArrayLike | None = None
    ) -> Quantity:
        """Return the probability that a read at a random moment is stale.

        Parameters
        ----------
        key_writes : array_like or sympy.Expr
            Writes per second to the key that is read.
        known : array_like, optional
            For how long in s the replica has received a write when its client is
            answered, below 0 if it has not yet; several are equally likely.  None: the
            client is answered at the commit.

        Returns
        -------
        float, ndarray or sympy.Expr
            Probability that the replica lacks the key's last write of those whose
            client is answered; from load 1 on, 1 for a key that is written at all.

        Notes
        -----
        The last write is an exponential time old, so P(stale) = 1 - E exp(-k lag):
        one minus the transform of the lag at the key's write rate k.  In an M/M/1
        replay without delay, k / (k + mu - lambda).  Exact for replay in order of
        arrival, because a write's lag does not depend on what comes later.

        Examples
        --------
        >>> stream = Stream(writes=900, apply=WriteStage(service=0.001))
        >>> stream.stale_probability([0.001, 1.0, 100.0]).round(6)
        array([0.00001 , 0.009901, 0.5     ])

        Where the answer comes 20 ms after the replica has received the write:

        >>> round(stream.stale_probability(1.0, known=0.02), 6)
        0.00134
        """
        _check.non_negative(key_writes=key_writes)
        if self._symbolic or _check.is_symbolic(key_writes):
            return self._formula_stale(key_writes)
        k = np.asarray(key_writes, float)
        overloaded = np.any(np.asarray(self.utilisation) >= 1)
        if known is None and not overloaded:
            return _stale.missed(self.lag, k)
        if known is not None and not overloaded:
            left = duration.constant(0.0)
            if self.apply is not None:
                left = self.apply.time(self.writes)
            each = [_stale.unseen(left, float(t), k) for t in np.ravel(known)]
            return plain(np.mean(each, axis=0))
        if np.ndim(self.utilisation):
            raise ValueError(
                "writes must stay below the capacity for an array of them, got load "
                f"{np.max(self.utilisation):g}"
            )
        return plain(np.where(k > 0, 1.0, 0.0))

    @property
    def exposure(self) -> Duration:
        """Age of the oldest write that the replica lacks: what a crash loses.

        Zero with the probability that nothing is under way.  Received is safe: what
        waits for replay is not lost, so `apply` does not count.
        """
        return self._exposed(self.delay)

    def exposed(self, waited: Quantity) -> Duration:
        """Return the age of the oldest write that a crash loses where clients waited.

        Parameters
        ----------
        waited : float
            For how long in s clients wait for the replica at most, as the timeout of a
            semi-synchronous commit says: none is answered before, unless received.

        Examples
        --------
        >>> from hamodel import duration
        >>> far = Stream(writes=100, delay=duration.exponential(0.1))
        >>> [round(far.exposed(t).mean, 4) for t in (0, 0.1, 0.3)]
        [0.0909, 0.067, 0.0181]
        """
        return _exposure.later(self.exposure, waited)[0]

    @property
    def missing(self) -> Quantity:
        """Mean number of writes that the replica has not received."""
        total = self.delay.mean if is_duration(self.delay) else number(self.delay)
        if self.send is not None:
            total = total + self.send.mean_time(self.writes)
        return number(self.writes) * total

    def _exposed(self, delay: Quantity) -> Duration:
        if self.send is None:
            none = duration.constant(0.0)
            return _exposure.law_of(none, 1.0, self.writes, delay)
        clearing, empty = self.send.clearing(self.writes), self.send.empty(self.writes)
        return _exposure.law_of(clearing, empty, self.send.events(self.writes), delay)

    @property
    def _stages(self) -> list[WriteStage]:
        return [stage for stage in (self.send, self.apply) if stage is not None]

    @property
    def _only(self) -> WriteStage | None:
        """The one stage, if all else is a shift: then arrays and overload are free."""
        stages = self._stages
        return stages[0] if len(stages) == 1 and not is_duration(self.delay) else None

    @property
    def _symbolic(self) -> bool:
        fields = [self.writes, self.delay, *(s.service for s in self._stages)]
        return any(_check.is_symbolic(f) for f in fields)

    @property
    def _spare(self) -> Quantity:
        stage = self._only
        formula = stage is not None and stage.workers == 1 and stage.sizes is None
        if stage is None or not formula or is_duration(stage.service):
            raise ValueError(
                "a formula needs one stage with one worker, exponential service and "
                "a fixed delay"
            )
        return 1 / stage.service - self.writes

    def _formula_stale(self, k: Quantity) -> Quantity:
        import sympy

        spare = self._spare
        return 1 - sympy.exp(-k * self.delay) * spare / (spare + k)

    def _repr_html_(self) -> str:
        if self._symbolic or np.ndim(self.utilisation):
            return _html.table([("mean lag", self.mean_lag)], caption="Stream")
        rows = [
            ("utilisation", text.number(self.utilisation, 4)),
            ("mean lag", text.time(self.mean_lag)),
            ("99 % lag", text.time(float(self.lag.quantile(0.99)))),
            ("unapplied writes", text.number(self.unapplied, 4)),
        ]
        return _html.table(rows, caption="Stream")


def as_duration(value: Quantity) -> Duration:
    """Return a number as a constant."""
    return value if is_duration(value) else duration.constant(value)
