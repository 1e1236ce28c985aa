"""A link of so many bytes a second, as a stage that every write passes."""

from __future__ import annotations

from dataclasses import dataclass

from hamodel import _check
from hamodel.duration import Duration, constant, gamma
from hamodel.replication._stage import WriteStage


@dataclass(frozen=True, kw_only=True, eq=False)
class Link:
    """A link between primary and standby that sends so many bytes a second.

    Parameters
    ----------
    bandwidth : float
        Bytes a second.
    size : float
        Mean bytes of log that a write makes.
    cv : float
        Coefficient of variation of the bytes of a write.
    overhead : float
        Further bytes that the protocol sends for each write.  Over PostgreSQL's
        replication protocol one commit at a time costs some 110 to 160 bytes.

    Raises
    ------
    ValueError
        If a value is negative, or `bandwidth` or `size` is zero.

    Examples
    --------
    Writes of 1500 bytes of log, 135 bytes of protocol each, over 150 kB/s:

    >>> link = Link(bandwidth=150e3, size=1500, cv=0.9, overhead=135)
    >>> round(link.stage.capacity, 1)
    91.7
    >>> from hamodel.replication import Stream
    >>> round(Stream(writes=83, delay=0.005, send=link.stage).mean_lag, 3)
    0.103
    """

    bandwidth: float
    size: float
    cv: float = 0.0
    overhead: float = 0.0

    def __post_init__(self) -> None:
        _check.positive(bandwidth=self.bandwidth, size=self.size)
        _check.non_negative(cv=self.cv, overhead=self.overhead)

    @property
    def service(self) -> Duration:
        """Time in s that a write occupies the link."""
        fixed = constant(self.overhead / self.bandwidth)
        mean = self.size / self.bandwidth
        return fixed + (gamma(mean=mean, cv=self.cv) if self.cv else constant(mean))

    @property
    def stage(self) -> WriteStage:
        """The link as the sender's stage of a `Stream` or of a `Replication`."""
        return WriteStage(service=self.service)
