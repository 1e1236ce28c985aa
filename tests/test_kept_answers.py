"""Answers that other tests found by second roads, kept to many digits.

A second road is dear, so it is walked for some numbers of some systems, at widths that
a simulation allows.  Here are all numbers of many systems, rich ones among them, as
they were when those roads agreed: whatever moves one of them is seen at once.  The
systems are those of the tests that have the roads.  A change that is meant is written
by `python -m tests.test_kept_answers`; the differences of the file say what it moved.
"""

import json
import re
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import hamodel as ha
from hamodel import catalogue, duration
from hamodel.assessment import MEASURES, WORKBOOK, Journey, OtherPart, assess_journeys
from hamodel.failover import MECHANISMS
from hamodel.fields import described
from hamodel.units import HOUR, MONTH, MS, YEAR
from tests import test_active_passive_nodes as nodes
from tests import test_fields_effect as fields
from tests import test_joint_chains as joints

FILE = Path(__file__).parent / "support" / "kept_answers.json"
LEVELS = (0.05, 0.5, 0.95, 0.999)
ALL = (
    *(f"rich {name}" for name in fields.BASES),
    *(f"{owner}.{field} {k}" for owner, field in fields.PAIRS for k in (0, 1)),
    *(f"joint {name}" for name in joints.SYSTEMS),
    *(f"nodes, {name}" for name in nodes.JOINT),
    *catalogue.systems(),
)
WAITING = (
    *("rich single", "rich split pair", "rich three", "rich regions", "rich pair"),
    *("joint quorum", "joint active", "nodes, three sites", "Majority.votes 1"),
    *("Replication.standbys 1", "spanner", "kafka", "postgresql-patroni"),
)
SHORT = (
    *("joint voters", "nodes, one room", "nodes, a lock store", "Majority.votes 1"),
    *("aurora", "etcd", "dynamodb-global-tables", "Leaderless.keys 1"),
)
PASSED = ("joint single", "joint room", "Majority.votes 1", "dynamodb-global-tables")
LOAD = ha.Workload(
    reads=900.0, writes=70.0, read_time=2 * MS, write_time=5 * MS, keys=1000
)


def skewed(spec):
    """Requests that come from the first site more often than from the others."""
    sites = spec.sites
    rest = (1 - 0.6) / max(len(sites) - 1, 1)
    shares = dict.fromkeys(sites, rest) | {sites[0]: 0.6 if sites[1:] else 1.0}
    return replace(LOAD, clients=shares)


@cache
def systems():
    """Each system by its name."""
    specs = (
        *fields.BASES.values(),
        *(spec for pair in fields.PAIRS.values() for spec in pair),
        *(row[0] for row in joints.SYSTEMS.values()),
        *(nodes.spec_of(nodes.NODE | nodes.SWIFT | p) for p in nodes.JOINT.values()),
        *(catalogue.system(key).architecture() for key in catalogue.systems()),
    )
    return dict(zip(ALL, specs, strict=True))


def law(time, levels=LEVELS):
    return [float(time.mean), *(float(time.quantile(p)) for p in levels)]


def down(operation):
    causes = operation.downtime_by_cause.items()
    return {
        "causes": {str(cause): float(share) for cause, share in causes},
        "sites": {name: float(share) for name, share in operation.by_site.items()},
        "stale": float(operation.stale),
    }


def availability(spec):
    """Downtime by cause and site, with clients who are not alike."""
    found = ha.assess(spec, skewed(spec))
    model = spec.model().downtime()
    return {
        "read": down(found.read),
        "write": down(found.write),
        "calm": {o: sum(map(float, model[o].values())) for o in model},
        "flipped": {k: float(a.write.unavailability) for k, a in found.flipped.items()},
        "weak": list(found.single_points_of_failure),
        "survives": str(found.survives_site_loss),
    }


def data(spec):
    """Recovery, losses, conflicts, loads and cost: what no queue is solved for."""
    found = ha.assess(spec, skewed(spec))
    return {
        "rto": law(found.rto),
        "kinds": {k: law(time) for k, time in found.rto_by_kind.items()},
        "outage": law(found.outage),
        "rpo": law(found.rpo),
        "lag": law(found.replication_lag),
        "lost": {
            kind: [float(loss.events), float(loss.writes), loss.kept]
            for kind, loss in found.lost_writes.by_failure.items()
        },
        "conflicts": [
            *map(float, (found.conflicts.pairs, found.conflicts.share)),
            *map(float, (found.conflicts.lost, found.conflicts.siblings)),
        ],
        "unread": float(found.stale_read_probability),
        "loads": {k: float(x) for k, x in found.utilisation.items()},
        "then": {k: float(x) for k, x in found.utilisation_after_site_loss.items()},
        "transfers": float(found.transfers),
        "cost": float(found.cost.total),
    }


def latency(spec):
    """How long answers take, by site, and every measure by its name."""
    found = ha.assess(spec, skewed(spec))
    sites = {" ".join(key): law(time) for key, time in found.latency.items()}
    return sites | {name: float(m.of(found)) for name, m in MEASURES.items()}


def periods(spec):
    """What a minute, a month and a year bring, and how often alerts fire."""
    found, answer = ha.assess(spec, skewed(spec)), {}
    for operation in ("read", "write"):
        share = float(getattr(found, operation).unavailability)
        for name, horizon in (("minute", 60.0), ("month", MONTH), ("year", YEAR)):
            for much in (0.05, 2.0):
                target = 1 - min(much * share, 0.5)
                chance = found.chance_of_missing(target, horizon, operation)
                answer[f"{operation}, {much} in a {name}"] = [*map(float, chance)]
        answer[f"{operation}, most"] = [
            found.downtime_quantile(p, horizon, operation)
            for p, horizon in ((0.9, MONTH), (0.999, YEAR))
        ]
        answer[f"{operation}, alerts"] = [
            found.alert_rate(alert, target, operation)
            for alert in WORKBOOK
            for target in (0.99, 0.9995)
        ]
    numbers = map(float, re.findall(r"\d+\.\d*(?:e[-+]\d+)?", found.to_prism()))
    return answer | {"prism": np.cumsum([*numbers])[-1]}


ROAD = {  # parts beside a system, and journeys through both
    "parts": {
        "identity": OtherPart(mttf=700 * HOUR, mttr=0.3 * HOUR),
        "card": OtherPart(mttf=300 * HOUR, mttr=duration.uniform(600, 1800)),
        "invoice": OtherPart(mttf=100 * HOUR, mttr=2 * HOUR),
    },
    "journeys": {
        "log in": Journey(path="identity > read", objective=0.999),
        "look": Journey(path="read", objective=0.9995),
        "pay": Journey(path="write > any(card, invoice)", objective=0.998),
        "order": Journey(path="identity > any(read, card) > write", objective=0.997),
    },
}


def journeys(spec):
    """How journeys fare, one by one and together."""
    found = assess_journeys(spec, skewed(spec), **ROAD)
    answer = {}
    for name, fare in found.by_name.items():
        chance = [*map(float, found.chance_of_missing(name))]
        alert = found.alert_rate(name, WORKBOOK[1], 0.999)
        answer[name] = down(fare) | {"chance": chance, "alert": alert}
    return answer | {"any": [*map(float, found.chance_of_missing_any())]}


def mechanism(word):
    """All that a mechanism of a failover says, as it is and with each setting moved."""
    made = MECHANISMS[word]
    answer = {"": fields.readings(made(**fields.NEEDED.get(word, {})))}
    for field, about in {} if word == "sentinel" else described(made).items():
        usual = made(**fields.needed(word, field))
        for k, other in enumerate(fields.moved(getattr(usual, field), about)):
            try:
                moved = replace(usual, **{field: other})
                answer[f"{field} {k}"] = fields.readings(moved)
            except ValueError:
                continue
    return answer


#: What is kept: how it is found, of which, and how closely it is compared.
KEPT = {
    "availability": (availability, ALL, 1e-7),
    "data": (data, ALL, 1e-6),
    "latency": (latency, WAITING, 1e-5),
    "periods": (periods, SHORT, 1e-4),
    "journeys": (journeys, PASSED, 1e-3),
    "mechanism": (mechanism, MECHANISMS, 1e-7),
}


def made(reading, name):
    find = KEPT[reading][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return find(name if reading == "mechanism" else systems()[name])


def leaves(answer, path=()):
    """Yield each number or word, with the way to it."""
    if isinstance(answer, dict | list):
        inner = answer.items() if isinstance(answer, dict) else enumerate(answer)
        for key, value in inner:
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, answer


@cache
def kept():
    return json.loads(FILE.read_text(encoding="utf-8"))


CASES = [(reading, name) for reading, row in KEPT.items() for name in row[1]]


@pytest.mark.parametrize(("reading", "name"), CASES)
def test_an_answer_is_the_one_that_is_kept(reading, name):
    found = dict(leaves(made(reading, name)))
    before = dict(leaves(kept()[reading][name]))
    assert found.keys() == before.keys()
    rel = KEPT[reading][2]
    moved = {
        key: (value, before[key])
        for key, value in found.items()
        if value != before[key] and not _near(value, before[key], rel)
    }
    assert not moved


def _near(value, before, rel):
    numbers = isinstance(before, float) and isinstance(value, int | float)
    return numbers and value == pytest.approx(before, rel=rel, abs=1e-13)


def test_all_that_is_kept_is_found():
    """The plant: what is compared is there, and another number would not pass."""
    assert {r: [*names] for r, names in kept().items()} == {
        r: [*row[1]] for r, row in KEPT.items()
    }
    assert not _near(1.00001, 1.0, 1e-7)
    assert sum(1 for _ in leaves(kept())) > 5000


def write():
    """Write what is kept anew."""

    def short(answer):
        if isinstance(answer, dict):
            return {key: short(value) for key, value in answer.items()}
        if isinstance(answer, list):
            return [short(value) for value in answer]
        return float(f"{answer:.9g}") if isinstance(answer, float) else answer

    lines = []
    for reading, (_, names, _) in KEPT.items():
        rows = (f'"{n}": {json.dumps(short(made(reading, n)))}' for n in names)
        lines.append(f'"{reading}": {{\n' + ",\n".join(rows) + "\n}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
