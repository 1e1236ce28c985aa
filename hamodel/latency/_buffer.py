"""A queue in front: the client goes on at once, the work is done when there is time.

It turns the downtime of the workers into delay, and an outage of a minute at 90 % load
into ten minutes of stale results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _check
from hamodel.duration import Duration
from hamodel.latency._service import Stage
from hamodel.queueing import Fluid

if TYPE_CHECKING:
    from hamodel.queueing import MMc


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkQueue:
    """Requests that are accepted into a queue and worked off by a stateless tier.

    Parameters
    ----------
    arrival : float
        Requests in 1/s.
    accept : Duration
        Time until the queue holds a request, and the client may go.
    workers : Stage
        The tier that works it off.

    Raises
    ------
    ValueError
        If a field is out of range.

    Examples
    --------
    >>> from hamodel import duration
    >>> mail = WorkQueue(
    ...     arrival=90.0,
    ...     accept=duration.constant(0.0016),
    ...     workers=Stage(name="worker", service=0.1, servers=10),
    ... )
    >>> round(mail.done.mean, 3), mail.after_outage(60.0).empty_at
    (0.168, 600.0)
    """

    arrival: float
    accept: Duration
    workers: Stage

    def __post_init__(self) -> None:
        _check.non_negative(arrival=self.arrival)
        _check.instance(Duration, accept=self.accept)
        _check.instance(Stage, workers=self.workers)

    @property
    def queue(self) -> MMc:
        """The workers as a queue."""
        return self.workers.queue(self.arrival)

    @property
    def done(self) -> Duration:
        """Time until the work is done; an OverloadError if it never is."""
        return self.accept + self.queue.response

    def after_outage(self, length: float) -> Fluid:
        """Return the backlog when all workers stand still for a time.

        Parameters
        ----------
        length : float
            Length of the outage in s, above 0.

        Returns
        -------
        Fluid
            What waits, from the begin of the outage on.
        """
        _check.positive(length=length)
        stage = self.workers
        pace = stage.servers / (stage.service * stage.visits)
        return Fluid([0.0, length], [self.arrival] * 2, [0.0, pace])
