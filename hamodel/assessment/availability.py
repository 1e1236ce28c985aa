"""Reads and writes counted apart: when they fail, and for what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hamodel import _html, text
from hamodel._types import Quantity
from hamodel.architectures import OPERATIONS, Cause, Known, Model, Situations, Verdict
from hamodel.architectures.behaviour import entering
from hamodel.assessment.latency import Paths, Way
from hamodel.assessment.retries import Balance, attempt
from hamodel.overload import budgeted
from hamodel.units import MINUTE, YEAR


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """How reads, or writes, fare in the long run.

    Attributes
    ----------
    name : str
        "read" or "write".
    downtime_by_cause : mapping of str to float, array or SymPy expression
        Share of the requests that fail, by cause; the causes add up to the whole.
    by_site : mapping of str to float, array or SymPy expression
        Share of the requests of each site's clients that fail.
    stale : float, array or SymPy expression
        Share of the requests that are answered by a copy that may be behind.
    """

    name: str
    downtime_by_cause: Mapping[str, Quantity]
    by_site: Mapping[str, Quantity]
    stale: Quantity

    @property
    def unavailability(self) -> Quantity:
        """Share of the requests that fail."""
        return sum(self.downtime_by_cause.values())

    @property
    def availability(self) -> Quantity:
        """Share of the requests that are answered."""
        return 1 - self.unavailability

    @property
    def nines(self) -> Quantity:
        """The availability as a number of nines: 0.999 is 3."""
        down = self.unavailability
        if hasattr(down, "free_symbols"):
            import sympy

            return -sympy.log(down, 10)
        with np.errstate(divide="ignore"):
            # the causes of what is always down may add up to a hair above 1
            return np.maximum(0.0, -np.log10(np.asarray(down, float)))[()]

    @property
    def minutes_per_year(self) -> Quantity:
        """Expected downtime in minutes in a year of 365 days."""
        return self.unavailability * (YEAR / MINUTE)

    def __repr__(self) -> str:
        return (
            f"<{self.name}: {text.spread(self.minutes_per_year)} min/yr down, "
            f"{text.spread(self.nines)} nines>"
        )

    def _repr_html_(self) -> str:
        per_year = YEAR / MINUTE
        rows = [
            (cause, text.spread(share * per_year))
            for cause, share in self.downtime_by_cause.items()
        ]
        rows.append(("total", text.spread(self.minutes_per_year)))
        header = ("cause", "minutes a year")
        return _html.table(rows, header=header, caption=f"Downtime of {self.name}s")


class Found(NamedTuple):
    """A client of a site in a situation: how likely, and what it finds."""

    client: str
    known: Known
    weight: Quantity  # probability, times the site's share of the requests
    verdict: Verdict


def found(
    model: Model, situations: Situations, shares: Mapping[str, Quantity], operation: str
) -> Iterator[Found]:
    """Yield what the clients of all sites find."""
    for client, share in shares.items():
        for known, probability in situations[client].items():
            verdict = model.verdict(known, client, operation)
            yield Found(client, known, share * probability, verdict)


def ways(paths: Paths, case: Found, operation: str) -> Iterator[tuple[Way, Quantity]]:
    """Yield the ways of the requests that are served, each with its share of them.

    Retries are part of the load.
    """
    for way, chance in once(paths, case, operation):
        if paths.behaviour.workload.retries:
            yield way.times(_attempts(paths, case, way)), chance
        else:
            yield way, chance


def once(paths: Paths, case: Found, operation: str) -> Iterator[tuple[Way, Quantity]]:
    """Yield the ways of requests that are tried once."""
    behaviour = paths.behaviour
    verdict, site = case.verdict, paths.architecture.site
    serving = behaviour.serving(case.known)
    share = entering(paths.shares, verdict.through, case.client, serving)
    work = behaviour.work(case.known, verdict.at)
    for failed, chance in paths.levels.items():
        servers = 0 if site.apps is None else site.apps.servers - failed
        way = Way(
            operation=operation,
            at=verdict.at,
            led_away=verdict.through != case.client,
            forwarded=verdict.at != verdict.through,
            servers=servers,
            loads=paths.loads(share, failed, work),
            work=work,
        )
        yield way, chance


def balance_of(paths: Paths, case: Found, way: Way) -> Balance:
    """Return the attempts of the reads and writes that find what one way finds."""
    w, weights = paths.behaviour.workload, {}
    if any(map(np.ndim, (*way.loads, w.requests))):
        raise ValueError(
            "retries need single numbers, got arrays; "
            "ha.sweep takes them point by point"
        )
    for operation, rate in zip(OPERATIONS, (w.reads, w.writes), strict=True):
        verdict = paths.model.verdict(case.known, case.client, operation)
        if verdict.cause or not rate:
            continue
        for other, _ in once(paths, case._replace(verdict=verdict), operation):
            if other.servers == way.servers:
                weights[other] = float(rate)
    total = sum(weights.values())
    shares = {other: rate / total for other, rate in weights.items()}
    return Balance(paths=paths, weights=shares)


def _attempts(paths: Paths, case: Found, way: Way) -> float:
    """Return the attempts per request of a situation, each solved once."""
    balance = balance_of(paths, case, way)
    key = frozenset(balance.weights.items())
    if key not in paths.calm:
        paths.calm[key] = balance.calm
    return paths.calm[key]


def operation_of(
    paths: Paths, model: Model, situations: Situations, operation: str
) -> Operation:
    """Return how an operation fares over all situations and clients."""
    behaviour = paths.behaviour
    shares = behaviour.workload.shares(model.sites)
    causes: dict[str, Quantity] = defaultdict(int)
    sites: dict[str, Quantity] = dict.fromkeys(shares, 0)
    stale: Quantity = 0
    for case in found(model, situations, shares, operation):
        failed = dict(failing(paths, case, operation))
        for cause, part in failed.items():
            causes[cause] = causes[cause] + part
            sites[case.client] = sites[case.client] + part
        if case.verdict.stale:
            stale = stale + case.weight - sum(failed.values())
    for client, share in shares.items():
        sites[client] = sites[client] / share if np.all(share) else 0.0
    return Operation(
        name=operation, downtime_by_cause=dict(causes), by_site=sites, stale=stale
    )


def answered(
    paths: Paths, model: Model, situations: Situations, site: str, operation: str
) -> dict[Way, Quantity]:
    """Return the ways of the requests of a site that are answered, with weights."""
    weights: dict[Way, Quantity] = defaultdict(float)
    for case in found(model, situations, {site: 1.0}, operation):
        if case.verdict.cause:
            continue
        for way, chance in ways(paths, case, operation):
            if any(map(np.ndim, way.loads)):
                raise ValueError(
                    "latency needs single numbers for loads, got arrays; "
                    "ha.sweep takes them point by point"
                )
            if not paths.beyond(way):
                share = 1 - float(paths.refused(way))
                weights[way] = weights[way] + chance * case.weight * share
    return weights


def under_load(paths: Paths, model: Model) -> Model:
    """Return a model in which those who have more to do than they can do not serve."""

    def verdict(known: Known, client: str, operation: str) -> Verdict:
        """Judge as the model does, and count those beyond their capacity as down."""
        judged = model.verdict(known, client, operation)
        if judged.cause:
            return judged
        case = Found(client, known, 1.0, judged)
        tried = [way for way, _ in ways(paths, case, operation)]
        if not all(paths.beyond(way) for way in tried):
            return judged
        return judged._replace(cause=_stuck(paths, tried[0]))

    return replace(model, verdict=verdict)


def failing(
    paths: Paths, case: Found, operation: str
) -> Iterator[tuple[str, Quantity]]:
    """Yield the share of all requests that fail in a case, by cause."""
    if case.verdict.cause:
        yield case.verdict.cause, case.weight
        return
    shares: dict[str, Quantity] = defaultdict(float)
    for way, chance in ways(paths, case, operation):
        for why, part in _on_way(paths, way):
            shares[why] = shares[why] + chance * part
    for cause, share in shares.items():
        if np.any(share):
            yield cause, case.weight * share


def _stuck(paths: Paths, way: Way) -> Cause:
    """Return what keeps servers too busy: the requests, or their retries."""
    alone = paths.beyond(way.times(1 / way.attempts))
    return Cause.OVERLOAD if np.all(np.asarray(alone) == 1) else Cause.RETRIES


def _on_way(paths: Paths, way: Way) -> Iterator[tuple[Cause, Quantity]]:
    """Yield the share of the requests of a way that fail, by cause."""
    w = paths.behaviour.workload
    if w.retries or np.isfinite(w.timeout):
        yield from _tried(paths, way)
        return
    beyond, refused = paths.beyond(way), paths.refused(way)
    yield Cause.OVERLOAD, beyond
    yield Cause.FULL, (1 - beyond) * refused
    if np.isfinite(w.objective) and not beyond:
        yield Cause.SLOW, (1 - refused) * paths.slow(way, w.objective)


def _tried(paths: Paths, way: Way) -> Iterator[tuple[Cause, float]]:
    """Yield the same where clients give attempts up and try again."""
    w, one = paths.behaviour.workload, attempt(paths, way)
    lost = budgeted(min(one.fails, 1.0), w.retries, w.retry_budget)[1]
    each = lost / one.fails if one.fails else 0.0
    yield _stuck(paths, way), one.beyond * each
    yield Cause.FULL, one.refused * each
    late = one.late * each
    if w.objective < w.timeout and not one.beyond:
        given_up = paths.slow(way, w.timeout)
        slow = paths.slow(way, w.objective) - given_up
        late += (1 - lost) * slow / (1 - given_up)
    yield Cause.SLOW, late
