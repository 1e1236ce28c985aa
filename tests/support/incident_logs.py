"""Made-up incident logs of a pair of database nodes whose true parameters are known."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np

DAY, HOUR = 86400.0, 3600.0
SEED = 26
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2026, 3, 1, tzinfo=UTC)
#: The truth behind `data/incidents/`.
MTTF, MTTR, REPAIR_CV = 60 * DAY, 3 * HOUR, 1.2
EVERYWHERE, COVERAGE, OUTAGE, OUTAGE_CV, MANUAL = 300 * DAY, 0.9, 45.0, 0.4, 1200.0
NODES = ("db-1", "db-2")


def lognormal(rng, mean, cv, size=None):
    spread = np.sqrt(np.log1p(cv * cv))
    return rng.lognormal(np.log(mean) - spread**2 / 2, spread, size)


def stamp(seconds):
    return (START + timedelta(seconds=round(float(seconds)))).isoformat()


def incident_log(seed=SEED):
    """Return the rows of a log: failures of either node, of both, and failovers."""
    rng = np.random.default_rng(seed)
    length = (END - START).total_seconds()
    rows = []
    for node in NODES:
        now = rng.exponential(MTTF)
        while now < length:
            repair = lognormal(rng, MTTR, REPAIR_CV)
            rows.append(row(now, repair, node, "", "disk or process", length))
            if node == "db-1":
                rows.append(failover(rng, now, node))
            now += repair + rng.exponential(MTTF)
    now = rng.exponential(EVERYWHERE)
    while now < length:
        for node in NODES:
            later = now + rng.uniform(0, 20)
            repair = lognormal(rng, MTTR, REPAIR_CV)
            rows.append(row(later, repair, node, "", "bad configuration", length))
        now += rng.exponential(EVERYWHERE)
    return sorted(rows, key=lambda r: r["start"])


def row(now, lasted, node, kind, cause, length):
    end = stamp(now + lasted) if now + lasted < length else ""
    return {
        "start": stamp(now),
        "end": end,
        "component": "database",
        "node": node,
        "kind": kind,
        "covered": "",
        "cause": cause,
    }


def failover(rng, now, node):
    works = rng.random() < COVERAGE
    if works:
        lasted = lognormal(rng, OUTAGE, OUTAGE_CV)
    else:
        lasted = 60 + rng.exponential(MANUAL)
    kind = "failover" if works else "manual"
    found = row(now, lasted, node, kind, "primary lost", np.inf)
    return found | {"covered": "yes" if works else "no"}


def drill_log(seed=SEED):
    rng = np.random.default_rng(seed + 1)
    worked = rng.random(24) < COVERAGE
    quick = lognormal(rng, OUTAGE, OUTAGE_CV, 24)
    slow = 60 + rng.exponential(MANUAL, 24)
    return [
        {"duration_s": f"{q if w else s:.1f}", "worked": "yes" if w else "no"}
        for w, q, s in zip(worked, quick, slow, strict=True)
    ]


def as_csv(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
