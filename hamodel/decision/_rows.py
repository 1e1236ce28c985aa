"""The eight rows of the classic table, each as something that is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hamodel import text
from hamodel.assessment import Assessment
from hamodel.decision._requirements import Finding


class Row(NamedTuple):
    """A criterion of the classic table, what stands for it, and its limits."""

    criterion: str
    quantity: str
    measure: Callable[[Assessment], str]
    limits: tuple[str, ...]


class Cell(NamedTuple):
    """A row for one architecture: the measure, the verdict and the reason."""

    measure: str
    verdict: str  # "meets", "misses" or "not required"
    reason: str


def cell(row: Row, assessment: Assessment, findings: list[Finding]) -> Cell:
    """Judge one row for one architecture."""
    measure = row.measure(assessment)
    mine = [f for f in findings if not row.limits or f.limit.name in row.limits]
    if not mine:
        reason = f"{row.quantity}: {measure}; no limit is set"
        return Cell(measure, "not required", reason)
    missed = [f for f in mine if not f.met]
    worst = max(missed or mine, key=lambda f: f.gap)
    return Cell(measure, "misses" if missed else "meets", str(worst))


def complexity(assessment: Assessment) -> int:
    """Return how many situations its operators may find it in.

    Parameters
    ----------
    assessment : Assessment
        Of any architecture.

    Returns
    -------
    int
        States of all parts of its model, summed: what can be entered and must be
        left again.
    """
    model = assessment.architecture.model()
    return sum(len(leaf.chain().states) for leaf in model.leaves())


def _criticality(a: Assessment) -> str:
    return (
        f"{text.downtime(float(a.write.unavailability))} writes, "
        f"{text.downtime(float(a.read.unavailability))} reads"
    )


def _traffic(a: Assessment) -> str:
    room, after = float(a.headroom), float(a.headroom_after_site_loss)
    return (
        f"carries {text.number(room)}x the load, {text.number(after)}x without a site"
    )


def _consistency(a: Assessment) -> str:
    stale, clashes = float(a.stale_read_probability), float(a.conflicts.per_day)
    lost = float(a.lost_writes.per_year + a.lost_writes.missing_per_year)
    if stale == clashes == lost == 0:
        return "no stale read, no conflict, no lost write"
    return (
        f"{text.share(stale)} of reads stale, {_count(clashes)} conflicts a day, "
        f"{_count(lost)} writes a year lost or missing"
    )


def _count(number: float) -> str:
    if number == math.inf:
        return "endlessly many"
    return f"{number:,.0f}" if number >= 1000 else text.number(number)


def _complexity(a: Assessment) -> str:
    return f"{complexity(a)} states to be in"


def _resources(a: Assessment) -> str:
    now = float(np.max(list(a.utilisation.values())))
    after = float(np.max(list(a.utilisation_after_site_loss.values())))
    cost = float(a.cost.total)
    return (
        f"{text.share(now)} busy, {text.share(after)} without a site; "
        f"costs {text.number(cost)}"
    )


def _recovery(a: Assessment) -> str:
    median, late = (text.time(float(a.outage.quantile(p))) for p in (0.5, 0.99))
    return f"{median} median, {late} for 1 in 100"


def _synchronisation(a: Assessment) -> str:
    lag = text.time(float(a.replication_lag.quantile(0.99)))
    crossing = float(a.transfers)
    return f"lag {lag} (p99), {text.number(crossing)} writes/s between sites"


def _fit(a: Assessment) -> str:
    sites = len(a.sites)
    if a.is_overloaded:
        return f"{sites} site{'s' * (sites > 1)}, overloaded"
    writes = text.time(
        max(float(a.latency[s, "write"].quantile(0.99)) for s in a.sites)
    )
    return f"{sites} site{'s' * (sites > 1)}, writes within {writes} (p99)"


ROWS: tuple[Row, ...] = (
    Row(
        "System criticality",
        "downtime",
        _criticality,
        ("write_availability", "read_availability", "zero_planned_downtime"),
    ),
    Row("Traffic load", "room to grow", _traffic, ("growth", "survive_site_loss")),
    Row(
        "Consistency needs",
        "staleness, conflicts, losses",
        _consistency,
        (
            "stale_reads",
            "consistency",
            "lost_writes_per_year",
            "missing_writes_per_year",
        ),
    ),
    Row("Complexity", "states of the model", _complexity, ("complexity",)),
    Row("Resource utilisation", "load and cost", _resources, ("budget",)),
    Row("Use case examples", "fit to this workload", _fit, ()),
    Row("Recovery time objective (RTO)", "recovery time", _recovery, ("rto_p95",)),
    Row("Data synchronisation", "lag and traffic", _synchronisation, ("rpo_p99",)),
)
