"""Which share of its capacity each tier uses, in every situation.

When sites are lost their clients go to the others, evenly; which of several other sites
are lost is not known to a client, so their shares of the traffic are averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import Quantity
    from hamodel.architectures import Site
    from hamodel.assessment._workload import Workload


class Loads(NamedTuple):
    """Share of its capacity that each tier uses; 1 or more is overload."""

    app: Quantity
    database: Quantity


def entering(
    shares: Mapping[str, Quantity], through: str, client: str, serving: int
) -> Quantity:
    """Return the share of all requests that enters a site.

    `client` is the site of a client that enters `through`; `serving` is how many sites
    serve.
    """
    away = client != through
    own, led = shares[through], shares[client] if away else 0.0
    others = len(shares) - 1 - away
    lost = len(shares) - serving - away  # of the others
    gone = (1 - own - led) * lost / others if others else 0.0
    return own + (led + gone) / max(serving, 1)


def app_load(site: Site, workload: Workload, share: Quantity, failed: int) -> Quantity:
    """Return the load of a site's app servers, or 0 if it has no tier of them."""
    if site.apps is None:
        return 0.0
    cores = (site.apps.servers - failed) * site.apps.node.cores
    return share * workload.requests * workload.app_time / cores


def reads_left(site: Site, workload: Workload) -> Quantity:
    """Return the reads in 1/s that reach the databases: those a cache leaves."""
    if site.cache is None:
        return workload.reads
    return workload.reads * (1 - site.cache.hit_ratio)
