"""Writes that go to the home site of their key: the way out of conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hamodel import _check, duration
from hamodel.conflicts._sites import mean_of

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.duration import Duration


@dataclass(frozen=True, kw_only=True, eq=False)
class HomeSites:
    """Each key has one home site, and only that site writes it.

    No two sites ever write one key, so there is nothing to resolve.  The price: a write
    made elsewhere travels home and back, and while the home site is away its keys
    cannot be written.

    Attributes
    ----------
    locality : float, array or expression
        Share of writes that are made at the home site of their key.
    local : float or Duration
        Time of a write at home in s.
    round_trip : float or Duration
        Time to the home site and back in s.
    outage : float, array or expression
        Unavailability of a site.
    forwarding : float, array or expression
        Unavailability of the link that a forwarded write needs.

    Examples
    --------
    >>> homes = HomeSites(locality=0.8, local=0.001, round_trip=0.080)
    >>> round(homes.mean_latency, 4), round(homes.latency.quantile(0.99), 4)
    (0.017, 0.081)
    """

    locality: Quantity
    local: Any
    round_trip: Any
    outage: Quantity = 0.0
    forwarding: Quantity = 0.0

    def __post_init__(self) -> None:
        _check.probability(
            locality=self.locality, outage=self.outage, forwarding=self.forwarding
        )
        for name in ("local", "round_trip"):
            if not hasattr(getattr(self, name), "lst"):
                _check.non_negative(**{name: getattr(self, name)})

    @property
    def mean_latency(self) -> Quantity:
        """Mean time of a write in s."""
        away = (1 - self.locality) * mean_of(self.round_trip)
        return mean_of(self.local) + away

    @property
    def latency(self) -> Duration:
        """The time of a write, as a law: two humps, not a mean."""
        local, trip = (
            d if hasattr(d, "lst") else duration.constant(d)
            for d in (self.local, self.round_trip)
        )
        weights = [self.locality, 1 - self.locality]
        return duration.mixture(weights, [local, local + trip])

    @property
    def write_unavailability(self) -> Quantity:
        """Share of writes refused: their home is down, or the way to it.

        A writer whose own site is down is counted with its own site's outage, not
        here: the home site is that of the key.
        """
        away = (1 - self.locality) * self.forwarding
        return self.outage + (1 - self.outage) * away
