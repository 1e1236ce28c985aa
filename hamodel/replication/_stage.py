"""A queue that every write passes, on the sender or on the standby."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from hamodel import _check, duration, fields, queueing
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration

Queue: TypeAlias = queueing.MMc | queueing.MG1 | queueing.MGc | queueing.BatchQueue


@fields.specification
class WriteStage:
    """One stage on the way of a write: sending it, or applying it.

    What is asked of it is asked at `writes`, the writes per second that come: a number,
    an array or, where there is a formula, a symbol.

    Parameters
    ----------
    service : float, array, SymPy expression or Duration
        Time in s that one write takes.  A number is the mean of an exponential time.
    workers : int
        Writes worked on at once.  More than one, in order, needs a number for
        `service`.
    sizes : array_like, shape (k,), optional
        Probabilities that writes come in batches (transactions, groups) of 1, 2, ...,
        k; they add up to 1.  Only with one worker and a number for `service`.
    in_order : bool
        Whether parallel workers make writes visible in the order of their commit, so
        that a write waits for all earlier ones.

    Raises
    ------
    ValueError
        If a field is out of range, or the combination has no model.

    Notes
    -----
    Writes arrive as a Poisson stream.  One worker: M/M/1, M/G/1 or, with batches,
    M^X/M/1.  Several without order: M/M/c or M/G/c.  Several that keep the order: a
    write that finds n < c others is visible when the last of n + 1 exponential times
    has passed, a sum of stages of rates (n + 1)/service, ..., 1/service, and one that
    finds more waits first; so the lag has a phase-type law.  The same stages give the
    time to finish all that is there at a random moment.

    Examples
    --------
    One worker of 1000 writes/s or four of 250/s, which cost nothing but the wait for
    the slowest of four:

    >>> one = WriteStage(service=0.001)
    >>> four = WriteStage(service=0.004, workers=4)
    >>> round(one.mean_time(900), 6), round(four.mean_time(900), 6)
    (0.01, 0.015995)
    >>> round(WriteStage(service=0.004, workers=4, in_order=False).mean_time(900), 6)
    0.011878
    """

    service: Quantity = fields.span("time for one write", law=True)
    workers: int = fields.whole("workers at once", default=1)
    sizes: Quantity = fields.share(
        "shares of batches by size", array=True, default=None
    )
    in_order: bool = fields.flag("writes stay in order", default=True)

    def __post_init__(self) -> None:
        fields.check(self)
        if np.ndim(self.workers):
            raise ValueError(f"workers must be one number, got {self.workers!r}")
        if self._ordered and is_duration(self.service):
            raise ValueError(
                "service must be a number (its mean) if parallel workers keep the "
                f"order, got {self.service!r}"
            )
        if self.sizes is not None:
            if np.ndim(self.sizes) != 1 or abs(np.sum(self.sizes) - 1) > 1e-9:
                raise ValueError(
                    f"sizes must be a list that adds up to 1, got {self.sizes!r}"
                )
            if self.workers > 1 or is_duration(self.service):
                raise ValueError(
                    "sizes must be None unless workers is 1 and service a number"
                )

    @property
    def mean_service(self) -> Quantity:
        """Mean time of one write in s."""
        return self.service.mean if is_duration(self.service) else self.service

    @property
    def capacity(self) -> Quantity:
        """Writes per second that it can keep up with."""
        return self.workers / self.mean_service

    def utilisation(self, writes: Quantity) -> Quantity:
        """Return the load; 1 or more means that the lag grows without end."""
        writes = number(writes)
        return writes * self.mean_service / self.workers

    def mean_time(self, writes: Quantity) -> Quantity:
        """Return the mean time in s until a write is done; inf from load 1 on."""
        if self._ordered:
            return self.time(writes).mean
        return self.queue(writes).mean_response

    def queue(self, writes: Quantity) -> Queue:
        """Return the queue behind it; parallel workers without their order."""
        _check.non_negative(writes=writes)
        if is_duration(self.service):
            if self.workers > 1:
                return queueing.MGc(writes, self.service, self.workers)
            return queueing.MG1(writes, self.service)
        if self.sizes is not None:
            size = float(self.sizes @ np.arange(1, len(self.sizes) + 1))
            return queueing.BatchQueue(number(writes) / size, self.service, self.sizes)
        return queueing.MMc(writes, self.service, self.workers)

    def time(self, writes: Quantity) -> Duration:
        """Return the law of the time until a write is done, endless from load 1 on."""
        plain_ = self.workers == 1 and self.sizes is None
        if self._ordered or (plain_ and not is_duration(self.service)):
            return self._stages(writes)
        law: Duration = self.queue(writes).response
        return law

    def _stages(self, writes: Quantity) -> Duration:
        """Return the law from its stages, endless from load 1 on."""
        _check.non_negative(writes=writes)
        load = self.utilisation(writes)
        if _check.is_symbolic(load):
            return duration.exponential(self.service / (1 - load))
        wall = np.asarray(load, float) >= 1
        if self.workers == 1:
            busy = np.where(wall, 0.0, load)
            return duration.endless(
                duration.exponential(self.service / (1 - busy)), wall
            )
        state = _States.of(np.where(wall, 0.0, writes), self.service, self.workers)
        law = state.stages(np.moveaxis(state.found, 0, -1), state.full)
        return duration.endless(law, wall)

    def clearing(self, writes: Quantity) -> Duration:
        """Return the law of the time to finish all that is there at a random moment.

        Raises
        ------
        hamodel.queueing.OverloadError
            If the load is 1 or more.

        Notes
        -----
        With one worker it is the wait of M/G/1: Poisson arrivals see what a random
        moment sees.
        """
        self._refuse_overload(writes)
        if is_duration(self.service):
            if self.workers > 1:
                raise ValueError(
                    "workers must be 1 to ask when a stage of general service is empty"
                    f", got {self.workers}"
                )
            return queueing.MG1(writes, self.service).wait
        if self.sizes is not None:
            queue = self.queue(writes)
            assert isinstance(queue, queueing.BatchQueue)
            return _batch_wait(queue)
        if self.workers == 1:
            rho = np.asarray(self.utilisation(writes), float)
            spare = (1 - rho) / np.asarray(self.service, float)
            return duration.phase_type(rho[..., None], -spare[..., None, None])
        state = _States.of(writes, self.service, self.workers)
        # n writes there: the last of n; as if one fewer had been found
        before = np.concatenate([state.found[1:], [state.full * (1 - state.load)]])
        return state.stages(np.moveaxis(before, 0, -1), state.full * state.load)

    def empty(self, writes: Quantity) -> Quantity:
        """Return the probability that nothing is there; 0 from load 1 on."""
        if self.workers == 1:
            return plain(np.maximum(1 - self._load(writes), 0.0))
        state = _States.of(writes, self.service, self.workers)
        return plain(np.where(state.load < 1, state.found[0], 0.0))

    def events(self, writes: Quantity) -> Quantity:
        """Return the rate in 1/s at which writes or batches of them arrive."""
        return writes if self.sizes is None else self.queue(writes).arrival

    @property
    def _ordered(self) -> bool:
        return self.workers > 1 and self.in_order

    def _load(self, writes: Quantity) -> FloatArray:
        return np.asarray(self.utilisation(writes), float)

    def _refuse_overload(self, writes: Quantity) -> None:
        _check.non_negative(writes=writes)
        worst = float(np.max(self._load(writes)))
        if worst >= 1:
            raise queueing.OverloadError(worst)


@dataclass(frozen=True, eq=False)
class _States:
    """M/M/c in its steady state: `found[n]` for n < c, `full` for the rest."""

    rate: FloatArray
    load: FloatArray
    found: FloatArray
    full: FloatArray
    arrival: FloatArray

    @classmethod
    def of(cls, writes: Quantity, service: Quantity, workers: int) -> _States:
        from scipy.special import gammaln

        fields = np.broadcast_arrays(np.asarray(writes, float), np.asarray(service))
        arrival, mean = (np.asarray(f, float) for f in fields)
        offered = arrival * mean
        load = offered / workers
        n = np.arange(workers + 1).reshape(-1, *(1,) * offered.ndim)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(n == 0, 0.0, n * np.log(offered)) - gammaln(n + 1)
            weight = np.exp(logs - logs.max(axis=0))
            weight[-1] = np.where(load < 1, weight[-1] / (1 - load), np.inf)
        weight = weight / weight.sum(axis=0) if np.all(load < 1) else weight
        return cls(1 / mean, load, weight[:-1], weight[-1], arrival)

    @property
    def workers(self) -> int:
        return len(self.found)

    def stages(self, start: FloatArray, full: FloatArray) -> Duration:
        """Return all of k + 1 services with probability `start[..., k]`.

        With probability `full` a wait for a free worker comes first.  Phases: that,
        then c, c - 1, ..., 1 services under way.
        """
        c = self.workers
        alpha = np.concatenate([full[..., None], start[..., ::-1]], axis=-1)
        speeds = np.arange(c, 0, -1) * self.rate[..., None]
        spare = (c * self.rate - self.arrival)[..., None]
        speeds = np.concatenate([spare, speeds], axis=-1)
        chain = np.eye(c + 1, k=1) - np.eye(c + 1)
        return duration.phase_type(alpha, speeds[..., None] * chain)


def _batch_wait(queue: queueing.BatchQueue) -> Duration:
    """Work found by a batch: the wait of M/PH/1 whose service is a whole batch."""
    n = len(queue.sizes)
    whole = duration.phase_type(
        queue.sizes, (np.eye(n, k=-1) - np.eye(n)) / float(queue.service)
    )
    return queueing.MG1(float(queue.arrival), whole).wait


def is_duration(value: object) -> bool:
    """Tell a law from a number."""
    return isinstance(value, duration.Duration)


def number(value: Quantity) -> Quantity:
    """Return a symbol as it is, a list as an array, a number as a float."""
    return value if _check.is_symbolic(value) else plain(np.asarray(value, float))


def plain(value: Quantity) -> Quantity:
    """Return a float for a single number."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array
