"""What a failover leaves behind, and how one is done on purpose."""

from __future__ import annotations

from hamodel import fields
from hamodel._types import Quantity
from hamodel.duration import Duration
from hamodel.failover._parts import as_duration, total


@fields.specification
class SplitBrain:
    """Two primaries at once: failovers of a primary that lives and is not fenced.

    Parameters
    ----------
    false_failovers : float, array or SymPy expression
        Failovers of a primary that is alive, in 1/s: false alarms and partitions.

    Notes
    -----
    Every write that the old primary confirms after the promotion is lost or must be
    merged by hand.  Split brains arrive as a thinned Poisson stream.

    Examples
    --------
    >>> from hamodel.units import YEAR
    >>> split = SplitBrain(
    ...     false_failovers=2 / YEAR, fencing=0.95, write_rate=200, astray=0.3,
    ...     mean_length=600,
    ... )
    >>> round(split.rate * YEAR, 3), split.writes_lost
    (0.1, 36000.0)
    """

    false_failovers: Quantity = fields.rate("false failovers")
    fencing: Quantity = fields.share("false failovers that are fenced")
    write_rate: Quantity = fields.rate("writes")
    astray: Quantity = fields.share(
        "clients that stay with the old primary", default=1.0
    )
    mean_length: Quantity = fields.time("mean length of a split", default=600.0)

    @property
    def rate(self) -> Quantity:
        """Split brains in 1/s."""
        return self.false_failovers * (1 - self.fencing)

    @property
    def writes_lost(self) -> Quantity:
        """Mean number of writes that one split brain loses or leaves to merge."""
        return self.write_rate * self.astray * self.mean_length

    @property
    def loss_rate(self) -> Quantity:
        """Writes lost in 1/s, over all time."""
        return self.rate * self.writes_lost


@fields.specification
class Switchover:
    """A planned change of the primary: nothing to detect, nothing to fence.

    Parameters
    ----------
    drain : float or Duration
        Time in s from the last accepted write until none is under way.

    Notes
    -----
    Writes stop before the standby catches up, so none is lost.

    Examples
    --------
    >>> Switchover(drain=1, catch_up=0.5, promotion=2, redirection=1).duration.mean
    4.5
    """

    drain: Duration | float = fields.time("time to drain requests", law=True, default=0)
    catch_up: Duration | float = fields.time("time to catch up", law=True, default=0)
    promotion: Duration | float = fields.time(
        "time of the promotion", law=True, default=0
    )
    redirection: Duration | float = fields.time(
        "time to lead clients over", law=True, default=0
    )

    @property
    def duration(self) -> Duration:
        """Time in s in which no write is accepted."""
        names = ("drain", "catch_up", "promotion", "redirection")
        return total([as_duration(name, getattr(self, name)) for name in names])


@fields.specification
class Failback:
    """The way back after a failover: the old primary copies, then takes over again.

    Parameters
    ----------
    resync : float or Duration
        Time in s until the old primary holds the data again; the service runs on one
        node meanwhile.

    Examples
    --------
    >>> back = Failback(resync=3600, switchover=Switchover(promotion=5))
    >>> back.switchover.duration.mean
    5.0
    """

    resync: Duration | float = fields.time("time to copy the data back", law=True)
    switchover: Switchover = fields.spec(Switchover, "switchover")
