"""What a spike leaves behind: the same service as a fluid, over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, _html

if TYPE_CHECKING:
    from hamodel._types import FloatArray
    from hamodel.overload._retries import Retries

_STEPS = 40  # per timeout


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeTrace:
    """What a spike did, over time.

    Parameters
    ----------
    times : ndarray, shape (k,)
        Moments in s since the spike began.
    offered : ndarray, shape (k,)
        Attempts in 1/s.
    backlog : ndarray, shape (k,)
        Attempts in the system.
    goodput : ndarray, shape (k,)
        Attempts in 1/s, by arrival, whose answer will come in time.
    """

    times: FloatArray
    offered: FloatArray
    backlog: FloatArray
    goodput: FloatArray

    @property
    def recovers(self) -> bool:
        """Whether the backlog is gone by the end."""
        return bool(self.backlog[-1] <= 0.01 * max(self.backlog.max(), 1e-12))

    @property
    def recovery_time(self) -> float:
        """Time in s from which on nothing waits; infinite if not by the end."""
        if not self.recovers:
            return float("inf")
        busy = np.flatnonzero(self.backlog > 0.01 * self.backlog.max())
        return float(self.times[busy[-1] + 1]) if len(busy) else 0.0

    def _repr_html_(self) -> str:
        rows = [
            ("recovers", "yes" if self.recovers else "no"),
            ("peak backlog", f"{self.backlog.max():.4g}"),
            ("attempts/s at the end", f"{self.offered[-1]:.4g}"),
        ]
        return _html.table(rows, caption="After a spike")


def after_spike(
    model: Retries,
    *,
    spike: float,
    length: float,
    horizon: float,
    backoff: float = 0.0,
    jitter: float = 0.0,
) -> SpikeTrace:
    """Follow a service through a spike of new requests, and after it.

    Parameters
    ----------
    model : Retries
        The service and its clients.
    spike : float
        New requests in 1/s on top of `model.arrival`, from time 0 on.
    length : float
        How long the spike lasts, in s.
    horizon : float
        How long to look, in s.
    backoff : float
        Least pause in s between a failure and the next attempt.
    jitter : float
        Width in s of the random part of that pause.

    Returns
    -------
    SpikeTrace
        Offered load, backlog and goodput over time.

    Raises
    ------
    ValueError
        If a field is negative or horizon not above 0.

    Notes
    -----
    A fluid: rates are deterministic, an attempt that meets a wait w is late with the
    probability that its own service exceeds timeout - w.  A late attempt is repeated
    when its client gives up, one that was turned away at once, both after the pause.
    Backoff and jitter delay retries but do not reduce them: they shift the wall, a
    budget removes it.

    Examples
    --------
    Half load, a spike to 150 % for as long as fifty services or two hundred:

    >>> from hamodel.overload import Retries
    >>> model = Retries(arrival=500.0, service=0.001, timeout=0.020)
    >>> short = after_spike(model, spike=1000.0, length=0.03, horizon=2.0)
    >>> long = after_spike(model, spike=1000.0, length=0.2, horizon=2.0)
    >>> short.recovers, long.recovers, round(float(long.offered[-1]))
    (True, False, 2000)
    """
    _check.non_negative(spike=spike, length=length, backoff=backoff, jitter=jitter)
    _check.positive(horizon=horizon)
    fluid = _Fluid(model, backoff, jitter)
    count = int(np.ceil(horizon / fluid.step))
    rows = np.empty((count, 3))
    for k in range(count):
        fresh = model.arrival + (spike if k * fluid.step < length else 0.0)
        rows[k] = fluid.advance(k, fresh)
    times = np.asarray(np.arange(count) * fluid.step, float)
    return SpikeTrace(
        times=times, offered=rows[:, 0], backlog=rows[:, 1], goodput=rows[:, 2]
    )


class _Fluid:
    """Waiting work and the retries to come, in steps of a fraction of the timeout."""

    def __init__(self, model: Retries, backoff: float, jitter: float) -> None:
        self.model = model
        self.step = model.timeout / _STEPS
        self.pace = model.servers / model.service
        self.waiting = 0.0
        first = max(round(backoff / self.step), 1)
        self.pauses = first + np.arange(round(jitter / self.step) + 1)
        span = int(self.pauses[-1]) + _STEPS + 2
        # attempts per second to come: row by number of the attempt, ring by moment
        self.coming = np.zeros((model.retries + 1, span))

    def advance(self, k: int, fresh: float) -> tuple[float, float, float]:
        """Take one step; return offered rate, backlog, goodput."""
        model, slot = self.model, k % self.coming.shape[1]
        now = self.coming[:, slot].copy()
        self.coming[:, slot] = 0.0
        wanted = now.sum()
        if model.budget is not None and wanted > model.budget * fresh:
            now *= model.budget * fresh / wanted
        now[0] += fresh
        late = float(np.exp(-max(model.timeout - self.wait, 0.0) / model.service))
        refused = self._enter(float(now.sum()))
        again = now[:-1]
        self._repeat(k, again * (1 - refused) * late, _STEPS)
        self._repeat(k, again * refused, 0)
        offered = float(now.sum())
        return offered, self.waiting, offered * (1 - refused) * (1 - late)

    @property
    def wait(self) -> float:
        return self.waiting / self.pace

    def _enter(self, offered: float) -> float:
        """Let work in and do some; return the share that was turned away."""
        model = self.model
        inward = offered * (1 - model.shed)
        level = self.waiting + (inward - self.pace) * self.step
        over = 0.0
        if model.capacity is not None:
            over = max(level - (model.capacity - model.servers), 0.0)
        self.waiting = max(level - over, 0.0)
        turned = min(over / self.step, inward)
        return (offered * model.shed + turned) / offered if offered else 0.0

    def _repeat(self, k: int, rates: FloatArray, delay: int) -> None:
        span = self.coming.shape[1]
        slots = (k + delay + self.pauses) % span
        self.coming[1:, slots] += rates[:, None] / len(slots)
