"""Scenarios: every value has its source, and the choice is what the file says it is."""

from collections import Counter
from functools import cache

import pytest
from ruamel.yaml import YAML

from hamodel import catalogue
from hamodel.decision import OBJECTIVES

EVERY = catalogue.scenarios()
#: What comes out, and whether the classic text says so of such a user.
CHOSEN = {
    "bank": ("oracle-data-guard", True),
    "code-hosting": ("mysql-orchestrator", True),
    "on-premises": ("postgresql-patroni", True),
    "streaming": ("cassandra", True),
    "ride-hailing": ("postgresql-patroni", False),
    "web-shop": ("postgresql-patroni", False),
    "cdn": ("redis-sentinel", False),
    "saas": ("postgresql-patroni", False),
}


def file_of(key):
    path = catalogue.folder() / "scenarios" / f"{key}.yaml"
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@cache
def decided(key):
    """Return the decision of a scenario as its file asks for it, made once."""
    return catalogue.scenario(key).decide()


def test_scenarios_that_must_be_there():
    assert set(EVERY) == set(CHOSEN)


@pytest.mark.parametrize("key", EVERY)
def test_every_value_points_to_a_fact_or_is_assumed(key):
    content = file_of(key)
    entries = {
        f"{part}.{name}": entry
        for part in ("workload", "requirements")
        for name, entry in content[part].items()
    }
    for part, fields in content["around"].items():
        entries |= {f"around.{part}.{name}": entry for name, entry in fields.items()}
    found = catalogue.scenario(key)
    assert {p.name for p in found.parameters} == set(entries)
    for parameter in found.parameters:
        entry = entries[parameter.name]
        assert len({"fact", "derived", "assumed"} & entry.keys()) == 1
        if "assumed" in entry:
            assert len(entry["assumed"]) > 10
        for pointer in parameter.facts:
            assert catalogue.fact(pointer.partition(".")[0])
        assert parameter.source in found._repr_html_().replace("&#x27;", "'")


@pytest.mark.parametrize("key", EVERY)
def test_workload_and_requirements_have_the_values(key):
    found = catalogue.scenario(key)
    for parameter in found.parameters:
        part, _, name = parameter.name.partition(".")
        if part != "around":
            assert getattr(getattr(found, part), name) == parameter.value
    assert found.workload.shares(found.sites)


@pytest.mark.parametrize("key", EVERY)
def test_candidates_stand_at_the_sites(key):
    found = catalogue.scenario(key)
    mttf = {p.name: p.value for p in found.parameters}["around.site.mttf"]
    for candidate in found.candidates:
        placed = found.architectures()[candidate.key]
        assert placed.site.mttf == mttf
        assert placed.everywhere is not None
        if candidate.kind == "single-primary":
            assert placed.sites == found.sites[:1]
            continue
        assert tuple(placed.sites) == found.sites
        before = getattr(candidate.architecture(), "copies", None)
        if candidate.kind == "majority":
            assert sum(placed.copies.values()) == sum(before.values())
            assert max(placed.copies.values()) < placed.majority
        if candidate.kind == "leaderless":
            total = sum(before.values())
            assert Counter(placed.copies.values()) == {total: len(found.sites)}


@pytest.mark.parametrize("key", EVERY)
def test_the_choice_is_what_the_file_says(key):
    found = catalogue.scenario(key)
    decision = decided(key)
    winner, agrees = CHOSEN[key]
    assert decision.winner == winner
    assert winner in found.finding
    kinds = {c.key: c.kind for c in found.candidates}
    pair = kinds[winner] == "active-passive"
    assert (pair == (found.classic == "active-passive")) is agrees
    assert found.finding.startswith("It agrees" if agrees else "It differs")
    kept = [n for n in decision.assessments if n not in decision.excluded]
    cost = {n: OBJECTIVES["cost"](decision.assessments[n]) for n in kept}
    assert cost[winner] == min(cost.values())


def test_what_the_findings_say_of_other_limits():
    bank = catalogue.scenario("bank")
    assert bank.decide(consistency="strong").winner == "cockroachdb"
    assert "oracle-maximum-protection" in decided("bank").excluded
    shop = catalogue.scenario("web-shop").decide(write_p99=0.1)
    assert set(shop.assessments) - set(shop.excluded) == {
        "cassandra",
        "dynamodb-global-tables",
    }
    settings = catalogue.scenario("cdn").decide(write_p99=0.1)
    assert settings.winner in {"cassandra", "couchbase-xdcr", "dynamodb-global-tables"}
    films = catalogue.scenario("streaming")
    easy = films.decide(write_p99=None, zero_planned_downtime=False)
    assert easy.winner == "postgresql-patroni"
    cost = {n: OBJECTIVES["cost"](a) for n, a in easy.assessments.items()}
    assert cost["postgresql-patroni"] == pytest.approx(cost["cassandra"] / 3)
    cars = catalogue.scenario("ride-hailing")
    near = decided("ride-hailing")
    missed = {n: {f.limit.name for f in found} for n, found in near.excluded.items()}
    assert missed == {"cockroachdb": {"write_p99"}, "couchbase-xdcr": {"rto_p95"}}
    cost = {n: OBJECTIVES["cost"](a) for n, a in near.assessments.items()}
    assert cost["postgresql-patroni"] == pytest.approx(cost["cassandra"] / 3)
    quick = cars.decide(write_p99=0.09)
    assert quick.winner == "cassandra"
    assert {f.limit.name for f in quick.excluded["postgresql-patroni"]} == {"write_p99"}
    records = catalogue.scenario("saas")
    found = decided("saas").assessments
    costs = {n: OBJECTIVES["cost"](a) for n, a in found.items()}
    assert costs["managed-multi-zone"] == costs["postgresql-patroni"]
    pair, managed = (found[n] for n in ("postgresql-patroni", "managed-multi-zone"))
    more = managed.write.minutes_per_year - pair.write.minutes_per_year
    assert more == pytest.approx(5, abs=0.5)
    assert pair.lost_writes.per_year == pytest.approx(18.7, abs=0.5)
    assert records.decide(lost_writes_per_year=0).winner == "managed-multi-zone"
    rooms = decided("on-premises").excluded
    assert {f.limit.name for f in rooms["mysql-group-replication"]} == {"budget"}


@pytest.mark.parametrize("key", EVERY)
def test_no_choice_hangs_on_how_many_states_a_chain_has(key):
    decision = decided(key)
    assert "complexity" not in decision.prefer
    assert "complexity" not in decision.reason


def test_misspelt_names():
    with pytest.raises(ValueError, match=r"no scenario 'banc'.*'bank'"):
        catalogue.scenario("banc")
    with pytest.raises(ValueError, match="did you mean 'write_p99'"):
        catalogue.scenario("bank").decide(write_p9=1)
    with pytest.raises(ValueError, match="write_p99 must be > 0"):
        catalogue.scenario("bank").decide(write_p99=-1)
