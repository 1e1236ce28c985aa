"""What clients ask of a service: how much, from where, and how long a piece takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, _html, text
from hamodel._quantity import hold, mean_of
from hamodel.duration import Duration, constant
from hamodel.units import MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hamodel._types import Quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class Workload:
    """The requests of a service and what they take.

    Attributes
    ----------
    reads, writes : float or array
        Requests in 1/s, of all clients together.
    clients : mapping of str to float, or None
        Share of the requests that come from each site; None: alike.
    round_trip : float, array or Duration
        There and back between two sites, in s.
    hop : float or Duration
        There and back within a site, in s: from the app server to the database.
    app_time : float or array
        Mean time in s that a request keeps a core of an app server busy.
    read_time, write_time : float or array
        Mean time in s that a read, or a write, keeps a core of a database busy.
    objective : float
        Latency in s beyond which an answer counts as no answer; `inf`: none does.
    keys : int
        Number of different keys that are read and written.
    exponent : float
        Zipf exponent of their popularity; 0 makes them alike, YCSB takes 0.99 (fact
        WL-006).
    transfer_price : float or array
        Cost of sending one write a second to another site, in the unit of
        `Node.cost`.

    Raises
    ------
    ValueError
        If a field is beyond its limits, or there is no request at all.

    Examples
    --------
    >>> Workload(reads=900, writes=100).write_share
    0.1
    """

    reads: Quantity = 900.0
    writes: Quantity = 100.0
    clients: Mapping[str, Quantity] | None = None
    round_trip: Quantity = 80 * MS
    hop: Quantity = 0.5 * MS
    app_time: Quantity = 5 * MS
    read_time: Quantity = 1 * MS
    write_time: Quantity = 2 * MS
    objective: float = float("inf")
    keys: int = 1_000_000
    exponent: float = 0.99
    transfer_price: Quantity = 0.0

    def __post_init__(self) -> None:
        rates = ("reads", "writes", "app_time", "read_time", "write_time")
        hold(self, *rates, "transfer_price")
        _check.non_negative(
            **{name: getattr(self, name) for name in (*rates, "transfer_price")}
        )
        if not _check.is_symbolic(self.reads + self.writes) and np.any(
            np.asarray(self.reads) + np.asarray(self.writes) == 0
        ):
            raise ValueError("reads and writes must not both be 0, got 0 and 0")
        for name in ("round_trip", "hop"):
            if not isinstance(getattr(self, name), Duration):
                hold(self, name)
                _check.non_negative(**{name: getattr(self, name)})
        _check.mean_time(objective=self.objective)
        _check.whole(1, keys=self.keys)
        _check.non_negative(exponent=self.exponent)
        self._check_clients()

    def _check_clients(self) -> None:
        if self.clients is None:
            return
        _check.instance(Mapping, clients=self.clients)
        shares = dict(self.clients)
        _check.non_negative(**{f"clients[{k!r}]": v for k, v in shares.items()})
        if not shares or np.any(np.abs(sum(shares.values()) - 1) > 1e-6):
            total = sum(shares.values())
            raise ValueError(f"clients must add up to 1, got {total:g}")
        object.__setattr__(self, "clients", shares)

    @property
    def requests(self) -> Quantity:
        """Reads and writes in 1/s."""
        return self.reads + self.writes

    @property
    def write_share(self) -> Quantity:
        """Share of the requests that write."""
        return self.writes / self.requests

    @property
    def between_sites(self) -> Duration:
        """There and back between two sites, as a distribution."""
        return as_law(self.round_trip)

    @property
    def within_site(self) -> Duration:
        """There and back within a site, as a distribution."""
        return as_law(self.hop)

    def shares(self, sites: Sequence[str]) -> dict[str, Quantity]:
        """Return the share of the requests from each site.

        Parameters
        ----------
        sites : sequence of str
            Names of the sites that serve clients.

        Returns
        -------
        dict
            Share by site.

        Raises
        ------
        ValueError
            If `clients` names a site that does not serve.
        """
        if self.clients is None:
            return dict.fromkeys(sites, 1 / len(sites))
        for name in self.clients:
            _check.one_of(sites, clients=name)
        return {name: self.clients.get(name, 0.0) for name in sites}

    def _repr_html_(self) -> str:
        rows = [
            ("reads", f"{self.reads}/s"),
            ("writes", f"{self.writes}/s"),
            (
                "round trip between sites",
                text.spread(mean_of(self.round_trip), text.time),
            ),
        ]
        return _html.table(rows, caption="Workload")


def as_law(time: Quantity) -> Duration:
    """Return a time as a distribution: a number is constant."""
    return time if isinstance(time, Duration) else constant(time)
