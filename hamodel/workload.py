"""What clients ask of a service: how much, from where, and how long a piece takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from hamodel import _check, _html, fields, text
from hamodel._quantity import mean_of
from hamodel._types import Quantity, Value
from hamodel.duration import Duration, constant
from hamodel.units import MS


@fields.specification
class Workload:
    """The requests of a service and what they take.

    Attributes
    ----------
    reads, writes : float or array
        Requests in 1/s, of all clients together.
    clients : mapping of str to float, or None
        Share of the requests that come from each site; None: alike.
    round_trip : float or Duration
        There and back between two sites, in s; each message and its answer draw one
        as a whole, and what goes one way takes half of it.
    hop : float or Duration
        There and back within a site, in s: from the app server to the database; a
        request that is sent on to another site takes a round trip beside it.
    read_time, write_time : float or array
        Mean time in s, of an exponential law, that one keeps a core of a database busy.
    app_time : float or array
        Mean time in s, of an exponential law, that a request keeps a core of an app
        server busy; nothing where a site has no app servers.
    objective : float
        Latency in s beyond which an answer counts as no answer; `inf`: none does.
    timeout : float
        Time in s after which a client gives an attempt up; the server does not notice
        and does the work all the same.
    retries : int
        Attempts after the first one, when an attempt is given up or turned away; they
        come some time later (back-off with jitter), and all alike.
    retry_budget : float or None
        Most retries per request, over all clients; None: no limit.
    exponent : Quantity
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

    reads: Quantity = fields.rate("reads", default=900.0)
    writes: Quantity = fields.rate("writes", default=100.0)
    clients: Mapping[str, Quantity] | None = fields.share(
        "share of the clients by site", by_site=True, single=False, default=None
    )
    round_trip: Quantity = fields.time(
        "round trip between sites", law=True, default=80 * MS
    )
    hop: Quantity = fields.time("round trip within a site", law=True, default=0.5 * MS)
    app_time: Quantity = fields.time("app server's time for a request", default=5 * MS)
    read_time: Quantity = fields.time("database's time for a read", default=1 * MS)
    write_time: Quantity = fields.time("database's time for a write", default=2 * MS)
    objective: float = fields.mean_time(
        "longest time that a client waits", default=float("inf")
    )
    timeout: float = fields.mean_time(
        "time until an attempt is given up", default=float("inf")
    )
    retries: int = fields.whole("retries of a request", least=0, default=0)
    retry_budget: float | None = fields.number("most retries per request", default=None)
    keys: int = fields.whole("keys", default=1_000_000)
    exponent: Quantity = fields.number("Zipf exponent of the keys", default=0.99)
    transfer_price: Quantity = fields.number("price of sending writes", default=0.0)

    def __post_init__(self) -> None:
        fields.check(self)
        if not _check.is_symbolic(self.reads + self.writes) and np.any(
            np.asarray(self.reads) + np.asarray(self.writes) == 0
        ):
            raise ValueError("reads and writes must not both be 0, got 0 and 0")
        if self.retry_budget is not None and self.retries == 0:
            raise ValueError(
                "retries must be >= 1 where there is a retry_budget, got 0 and "
                f"{self.retry_budget:g}"
            )
        if self.clients is not None:
            total = np.asarray(sum(self.clients.values()))
            off = np.abs(total - 1) > 1e-6
            if np.any(off):
                raise ValueError(f"clients must add up to 1, got {total[off][0]:g}")

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


class Loaded(Protocol):
    """What a file holds: an architecture and what is asked of it."""

    @property
    def title(self) -> str:
        """What the system is called."""
        ...

    @property
    def architecture(self) -> Value:  # it stands below the architectures
        """How it is run."""
        ...

    @property
    def workload(self) -> Workload:
        """What is asked of it."""
        ...


class Preset(Protocol):
    """A product as it is usually run, with the workload that suits it."""

    @property
    def spec(self) -> Loaded:
        """What its file holds."""
        ...


def unpacked(given: Value, workload: Workload | None) -> tuple[Value, Workload | None]:
    """Return an architecture and a workload from an architecture or what holds one.

    Parameters
    ----------
    given : Architecture or Spec
        An architecture, what `ha.load` returns, or a preset.
    workload : Workload or None
        The one that counts; None: that of the file.

    Returns
    -------
    architecture, workload
        The workload is None if none is known.
    """
    given = getattr(given, "spec", given)
    held = getattr(given, "architecture", None)
    if held is None or not hasattr(given, "workload"):
        return given, workload
    return held, given.workload if workload is None else workload
