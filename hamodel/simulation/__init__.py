"""Discrete-event runs of the architectures: the second road to each number.

The same description is read once more: each event now takes a time drawn from its
whole distribution, not from an exponential of the same mean, and clocks run on when
the state changes.  So what the chain assumes about the shapes of times can be seen.

The surprise is how little the shapes matter in the long run: a share of time depends
on a repair or a failover through its mean alone, unless it races with something of
its own length.

Rare events.  Two ways of running are offered.  "together" runs all parts on one clock
and judges every moment, as the world does; a combination that occurs once in a million
years is then never seen.  "apart" runs each part alone and multiplies the measured
shares of time, which is exact for independent parts: the product of two estimates of
1e-4 is a good estimate of 1e-8.

Intervals.  What fails comes in clusters: from the moment somebody is not served until
everybody is.  They begin at random, each has a cost, and the interval is that of a sum
of random weights over a Poisson number of clusters, which is exact for one weight and
holds where two clusters were seen, or none: then it is an upper bound, three times what
the longest of the times away would cost.

Source: Fay and Feuer (1997), Confidence intervals for directly standardized rates: a
method based on the gamma distribution, Statistics in Medicine 16, 791-801.

Assumptions: a plain number is the mean of an exponential time where it says when
something fails or is repaired; a stage of a failover given as a number is constant.
Load is judged with all servers of a tier that serves; slow answers count as answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel import _check, _html, text
from hamodel.architectures import OPERATIONS, Architecture
from hamodel.assessment import assess
from hamodel.simulation._apart import apart as run_apart
from hamodel.simulation._life import Outage
from hamodel.simulation._together import together as run_together
from hamodel.simulation._together import watched
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from hamodel._types import FloatArray
    from hamodel.architectures import Model
    from hamodel.simulation._life import Costs
    from hamodel.workload import Workload

__all__ = ["Incident", "Outage", "Simulated", "Simulation", "play", "simulate"]

_FEW = 5  # clusters of one cause from which on the longest of them is a guide


class Simulated(NamedTuple):
    """A simulated value and the interval that holds the true one 19 times in 20."""

    value: float
    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, float | int) and self.low <= value <= self.high


def estimates(costs: Costs, length: float) -> dict[str, Simulated]:
    """Return what each cause costs; "" is the whole, which may hold the unseen."""
    found = {}
    for cause, total in costs.total.items():
        row = np.array(costs.each.get(cause, ())) / length
        few = not cause or len(row) < _FEW
        unseen = costs.unseen / length if few else 1.5 * float(row.max())
        found[cause] = _estimate(total / length, row, unseen)
    return found


def _estimate(value: float, weights: FloatArray, unseen: float) -> Simulated:
    """Return a value that varies as a sum of random weights does, and its interval."""
    from scipy.special import gammaincinv

    def quantile(mean: float, square: float, p: float) -> float:
        return float(gammaincinv(mean**2 / square, p) * square / mean)

    square = float(weights @ weights)
    most = max(float(weights.max(initial=0.0)), unseen)
    if most == 0:
        return Simulated(value, value, value)  # nothing can fail
    low = quantile(value, square, 0.025) if value > 0 and square > 0 else 0.0
    high = quantile(value + most, square + most**2, 0.975)
    return Simulated(value, low, min(high, 1.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """What a run has shown.

    Attributes
    ----------
    years : float
        Length of the run.
    downtime : mapping
        Unavailability by operation and cause, a `Simulated` each, of what was seen.
    unavailability : mapping
        Unavailability by operation.
    outages : tuple of Outage
        Every outage of a run together; empty for a run apart.
    """

    years: float
    downtime: Mapping[str, Mapping[str, Simulated]]
    unavailability: Mapping[str, Simulated]
    outages: tuple[Outage, ...] = field(default=(), repr=False)

    def _repr_html_(self) -> str:
        rows = [
            (operation, *(_minutes(x) for x in estimate))
            for operation, estimate in self.unavailability.items()
        ]
        return _html.table(
            rows,
            header=("minutes a year", "estimate", "from", "to"),
            caption=f"{self.years:g} simulated years",
        )


def simulate(
    architecture: Architecture,
    workload: Workload | None = None,
    years: float = 1000.0,
    rng: np.random.Generator | int | None = None,
    *,
    apart: bool = False,
) -> Simulation:
    """Run an architecture as discrete events.

    Parameters
    ----------
    architecture : Architecture
        Any of `hamodel.architectures`, with scalar parameters.
    workload : Workload, optional
        What is asked of it: it weighs the sites, and sites that are left with more
        load than they can carry do not serve.  None: the default one.
    years : float
        How long to run, in years of 365 days.
    rng : numpy.random.Generator or int, optional
        Source of randomness, or the seed of one; by default a new one each time.
    apart : bool
        Whether to run the parts one by one and to multiply, for rare combinations.

    Returns
    -------
    Simulation
        Unavailability by operation and cause, with 95 % intervals.

    Raises
    ------
    ValueError
        If `years` is not above zero, or clients are at a site that does not serve.

    Examples
    --------
    >>> from hamodel.architectures import Node, SinglePrimary
    >>> shop = SinglePrimary(database=Node(mttf=1e6, mttr=1e4))
    >>> run = simulate(shop, years=1000, rng=1)
    >>> 0.0099 in run.unavailability["write"]
    True
    """
    _check.positive(years=years)
    assessment = assess(architecture, workload)
    model = assessment.model_under_load
    asked = assessment.workload.shares(model.sites)
    shares = {site: share for site, share in asked.items() if share > 0}
    run = run_apart if apart else run_together
    costs, outages = run(model, years * YEAR, np.random.default_rng(rng), shares)
    found = {o: estimates(costs[o], years * YEAR) for o in OPERATIONS}
    return Simulation(
        years=years,
        downtime={o: {c: e for c, e in found[o].items() if c} for o in OPERATIONS},
        unavailability={o: found[o][""] for o in OPERATIONS},
        outages=tuple(outages),
    )


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One run of a model from where its parts start, event by event.

    Attributes
    ----------
    down : mapping of str to mapping of str to float
        Seconds without service by operation and cause, weighed by the clients.
    moves : tuple of (float, str, hashable)
        When in s, which part, and the view that it has shown from then on.
    outages : tuple of Outage
        Every outage; one that goes on at the end is cut there.
    """

    down: Mapping[str, Mapping[str, float]]
    moves: tuple[tuple[float, str, Hashable], ...] = field(repr=False)
    outages: tuple[Outage, ...] = field(default=(), repr=False)


def play(
    model: Model,
    seconds: float,
    rng: np.random.Generator | int | None = None,
    clients: Mapping[str, float] | None = None,
) -> Incident:
    """Run a model from where its parts start, such as a moment after something failed.

    Parameters
    ----------
    model : Model
        Parts with their events, and what they mean to clients.
    seconds : float
        How long to run.
    rng : numpy.random.Generator or int, optional
        Source of randomness, or the seed of one; by default a new one each time.
    clients : mapping of str to float, optional
        Share of the requests that come from each site; by default alike.

    Returns
    -------
    Incident
        What was down, and every move of every part.

    Raises
    ------
    ValueError
        If `seconds` is not above zero.

    Examples
    --------
    >>> from hamodel.architectures import Node, SinglePrimary
    >>> shop = SinglePrimary(database=Node(mttf=1e6, mttr=1e4))
    >>> sum(play(shop.model(), 100, rng=1).down["write"].values())
    0
    """
    _check.positive(seconds=seconds)
    shares = clients or dict.fromkeys(model.sites, 1 / len(model.sites))
    seen = watched(model, seconds, np.random.default_rng(rng), shares)
    down = {
        operation: {cause: sum(row) for cause, row in each.items() if cause}
        for operation, each in seen.costs.items()
    }
    cut = [
        Outage(start, seconds - start, site, operation, cause)
        for (site, operation), (_, _, start, cause) in seen.down.items()
    ]
    outages = (*seen.outages, *cut)
    return Incident(down=down, moves=tuple(seen.moves), outages=outages)


def _minutes(share: float) -> str:
    return text.number(share * YEAR / MINUTE)
