"""The catalogue: every pointer followed, every number of a preset accounted for."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from hamodel import catalogue, lab, recordings
from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.specfile._sources import evaluated
from hamodel.units import DAY, HOUR, YEAR

EVERY = catalogue.facts()
FILES = sorted((catalogue.folder() / "systems").glob("*.yaml"))
COLUMNS = [f.name for f in fields(catalogue.Fact)]
SECONDS = {"s": 1, "h": 3600, "ms": 1e-3, "minutes": 60, "hours": 3600, "percent": 0.01}


def wrapped(content, path=""):
    """Yield every value of a file that says what it stands on, with its path."""
    for key, entry in content.items():
        if isinstance(entry, dict) and entry.keys() & {"fact", "derived", "assumed"}:
            yield f"{path}{key}", entry
        elif isinstance(entry, dict):
            inner = entry.get("value", entry)
            if inner is not entry and isinstance(inner, dict):
                ((_, inner),) = inner.items()  # a law, or a mechanism
            yield from (
                wrapped(inner, f"{path}{key}.") if isinstance(inner, dict) else ()
            )


def entries():
    """Yield every number of every preset, as the file has it."""
    for path in FILES:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        for name, entry in wrapped(content):
            yield pytest.param(path.stem, name, entry, id=f"{path.stem}:{name}")


def plain(content):
    """Yield the paths of values of a preset that say nothing of where they are from."""
    for key, entry in content.items():
        if isinstance(entry, dict) and not entry.keys() & {
            "fact",
            "derived",
            "assumed",
        }:
            inner = entry.get("value", entry)
            if isinstance(inner, dict):
                yield from plain(inner)
            else:
                yield key
        elif isinstance(entry, list):
            for one in entry:
                yield from plain({key: one})
        elif not isinstance(entry, dict):
            yield key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_value_of_a_preset_is_merely_there(path):
    content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    words = {"title", "summary", "architecture", "extends", "name", "kind"}
    assert set(plain(content)) <= words


def test_the_file_keeps_its_columns():
    with (catalogue.folder() / "facts.csv").open(encoding="utf-8") as file:
        assert file.readline().strip().split(",") == COLUMNS


KINDS = sorted({f.id.split("-")[0] for f in EVERY})


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_is_usable_and_sourced(kind):
    for f in EVERY:
        if f.id.startswith(kind):
            usable_and_sourced(f)


def usable_and_sourced(f):
    assert re.fullmatch(r"[A-Z]+-\d{3}", f.id)
    assert f.system
    assert f.quantity
    assert f.unit
    assert f.source_title
    assert f.source_org
    assert 1980 <= f.year <= 2026
    assert f.confidence in catalogue.CONFIDENCE
    if f.unit == "text":
        assert f.value is None
        assert f.conditions
    else:
        known = [x for x in (f.low, f.value, f.high) if x is not None]
        assert known == sorted(known)
    if not f.url:
        assert f.confidence == "derived"
        named = re.findall(r"[A-Z]+-\d{3}", f.source_title)
        assert all(catalogue.fact(name) for name in named)
        assert named or f.source_title.startswith("Computed: ")
    else:
        assert f.url.startswith("http")


def test_identifiers_are_unique():
    with (catalogue.folder() / "facts.csv").open(encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert len(lines) - 1 == len(EVERY) > 500


def test_computed_facts_follow_from_their_rows():
    value = {f.id: f.value for f in EVERY}
    assert value["FAIL-080"] == pytest.approx(value["FAIL-079"] / 158, rel=0.01)
    share = value["FAIL-079"] / (9 * 26 * 730.5)
    assert value["FAIL-081"] == pytest.approx(100 * (1 - share), abs=0.01)
    assert value["FO-008"] == value["FO-001"] - value["FO-002"] / 2 + 2
    assert value["REC-002"] == pytest.approx(100 * 3 / 97, abs=0.05)
    fast = recordings.load("patroni_fast_async")
    took = fast.column("rto_s") - fast.column("key_gone_s")
    took = took[(took > 0) & (took < 1)]
    assert value["REC-001"] == pytest.approx(took.mean(), abs=5e-4)
    assert value["REC-004"] == pytest.approx(took.std() / took.mean(), abs=0.01)
    redis = recordings.load("redis_sentinel_1s_kill")
    client = redis.column("rto_first_s") - redis.column("switch_s")
    assert value["REC-007"] == pytest.approx(client.std() / client.mean(), abs=0.01)
    assert value["REC-003"] == pytest.approx(client.mean(), abs=5e-4)
    assert value["FO-065"] == value["FO-063"] + value["FO-064"]
    assert value["FO-075"] == value["FO-073"] * value["FO-074"]
    assert value["FO-077"] == 2 * value["FO-076"]
    assert value["FO-082"] == 3 * value["FO-078"] + value["FO-081"]
    assert value["FAIL-018"] == pytest.approx(
        100 * (1 - value["FAIL-016"] * 3.3 / 8766), abs=0.01
    )


def of_laboratory(name, *columns):
    file = catalogue.folder() / "recordings" / "lab" / f"{name}.csv"
    found = lab.opened(file, lab.EXPERIMENTS)
    return [found.column(column) for column in columns]


def test_stages_of_the_machine_follow_from_their_recordings():
    """What the machine adds to a stop, and how long a start takes, over all series."""
    value = {f.id: f.value for f in EVERY}
    stops = [
        recordings.load("patroni_default_graceful").column("rto_s") - 2.25,
        *(t - 2.25 for t in of_laboratory("patroni-fault=stop", "promoted_s")),
    ]
    old = "patroni-fault=stop-ttl=5-loop_wait=1-retry_timeout=3"
    stops += [t - 1.25 for t in of_laboratory(old, "promoted_s")]
    added = [each - value["REC-001"] for each in stops]
    late = next(f for f in EVERY if f.id == "REC-008")
    means = [each.mean() for each in added]
    assert late.value == pytest.approx(np.concatenate(added).mean(), abs=5e-3)
    assert (late.low, late.high) == pytest.approx((min(means), max(means)), abs=5e-3)
    starts = []
    for name in ("", "-ttl=20-loop_wait=6-retry_timeout=5"):
        when = of_laboratory(f"patroni-fault=postgres{name}", "noticed_s", "started_s")
        starts.append(when[1] - when[0])
    starts.append(recordings.load("patroni_fast_restarts").column("started_s") - 0.5)
    spread = sum(each.var() * len(each) for each in starts) - 8 / 12  # a loop of 1 s
    waited = recordings.load("patroni_default_pgonly").column("rto_s") - 5
    mean = np.concatenate([*starts, waited]).mean()
    assert value["REC-005"] == pytest.approx(mean, abs=5e-3)
    cv = np.sqrt(spread / (6 + 8 + 8 - 3)) / mean
    assert value["REC-006"] == pytest.approx(cv, abs=5e-3)


@pytest.mark.parametrize(("key", "name", "entry"), list(entries()))
def test_every_number_points_to_a_fact_or_is_assumed(key, name, entry):
    """Follow the pointer on a road of our own: the file, and units read here."""
    kinds = [k for k in ("fact", "derived", "assumed") if k in entry]
    assert len(kinds) == 1
    if name.startswith("settings."):
        held = catalogue.system(key).spec.settings[name.removeprefix("settings.")]
        fact, _, which = entry["fact"].partition(".")
        assert held == catalogue.fact(fact).in_base(which or "value")
        return
    known = [p for p in catalogue.system(key).parameters if name.startswith(p.name)]
    loaded = max(known, key=lambda p: len(p.name))
    if kinds == ["assumed"]:
        assert len(entry["assumed"]) > 15
        assert "assumed: " in loaded.source
        assert entry["assumed"] in loaded.source
        return
    if "says" in entry:
        assert entry["says"] in str(catalogue.fact(entry["fact"]).conditions)
        assert entry["fact"] in loaded.source
        assert entry["says"] in loaded.source
        return
    where = {"x": entry["fact"]} if "fact" in entry else entry.get("where", {})
    numbers = dict(catalogue.system(key).spec.settings)
    for word, pointer in where.items():
        key_, _, which = pointer.partition(".")
        found = catalogue.fact(key_)
        scale = {"per year": 1 / YEAR}.get(found.unit) or SECONDS.get(found.unit, 1)
        numbers[word] = getattr(found, which or "value") * scale
    expected = eval(entry.get("derived", "x"), {"__builtins__": {}}, numbers)
    held = read_here(entry["value"]) if "value" in entry else expected
    if loaded.name == name and isinstance(loaded.value, (int, float)):
        assert loaded.value == pytest.approx(expected, rel=5e-3)
    number = sum(held.values()) if isinstance(held, dict) else held
    assert number == pytest.approx(expected, rel=5e-3)
    for pointer in where.values():
        assert pointer in loaded.source


UNITS_HERE = {
    "ms": 1e-3,
    "s": 1,
    "min": 60,
    "h": 3600,
    "d": 86400,
    "days": 86400,
    "years": YEAR,
    "%": 0.01,
}


def read_here(value):
    """Read a number with its unit on a road of our own."""
    if not isinstance(value, str):
        return value
    number, _, unit = value.partition(" ")
    return float(number) * UNITS_HERE[unit]


PAIRS = [
    key for key in catalogue.systems() if catalogue.system(key).kind == "active-passive"
]


@pytest.mark.parametrize("key", PAIRS)
def test_every_preset_of_a_pair_makes_one(key):
    preset = catalogue.system(key)
    pair = preset.architecture()
    assert isinstance(pair, ActivePassive)
    assert 1 < pair.minutes_per_year < 100
    single = pair.database.mttr / (pair.database.mttf + pair.database.mttr)
    assert pair.unavailability < single / 4
    read = {p.name: p.value for p in preset.parameters}
    assert all(p.source for p in preset.parameters)
    assert pair.database.mttf == read["database.mttf"]
    assert pair.failover.coverage == read["failover.coverage"]
    shown = preset._repr_html_()
    assert all(p.name in shown for p in preset.parameters)


def test_a_preset_knows_the_law_of_its_failover():
    for key in catalogue.systems():
        preset = catalogue.system(key)
        if preset.kind == "single-primary":
            continue  # nothing fails over
        law, mean = preset.failover(), preset.architecture().failover
        assert law.outage == pytest.approx(mean.outage, rel=1e-9)
        assert (law.coverage, law.manual) == (mean.coverage, mean.manual)
    patroni = catalogue.system("postgresql-patroni").failover()
    assert patroni.by_stage["detection"].support == (20, 30.5)
    vendor = catalogue.system("managed-multi-zone").failover()
    assert vendor.duration.support == (60, 120)


def test_overrides():
    preset = catalogue.system("postgresql-patroni")
    grid = np.array([5.0, 25.0])
    swept = preset.architecture(failover__detection=grid, crews=2)
    assert swept.unavailability.shape == (2,)
    assert swept.crews == 2
    assert swept.database.mttr == 3 * HOUR
    other = preset.architecture(database=Node(mttf=DAY, mttr=HOUR), failover__manual=9)
    assert other.database.mttf == DAY
    assert other.failover.manual == 9
    whole = preset.architecture(failover=Failover(promotion=9), failover__coverage=0.5)
    assert whole.failover.outage == 9
    assert whole.failover.coverage == 0.5
    with pytest.raises(ValueError, match=r"did you mean 'failover\.detection'"):
        preset.architecture(failover__detektion=3)
    with pytest.raises(ValueError, match="coverage must be in"):
        preset.architecture(failover__coverage=3)


def test_misspelt_names():
    with pytest.raises(ValueError, match=r"no system 'patroni'.*'postgresql-patroni'"):
        catalogue.system("patroni")
    with pytest.raises(ValueError, match="no fact 'FO-01'; did you mean 'FO-"):
        catalogue.fact("FO-01")
    with pytest.raises(ValueError, match=r"there is no fact 'x'$"):
        catalogue.fact("x")
    with pytest.raises(ValueError, match="confidence must be one of"):
        catalogue.facts(confidence="sure")


def test_facts_by_words():
    found = catalogue.facts(system="patroni", confidence="read")
    assert found
    assert all("Patroni" in f.system and f.confidence == "read" for f in found)
    assert catalogue.facts(system="nobody's product") == ()


def test_numbers_in_base_units():
    assert catalogue.fact("FAIL-016").in_base() == pytest.approx(4.2 / YEAR)
    assert catalogue.fact("FO-076").in_base("high") == 300
    assert catalogue.fact("INC-009").in_base() == pytest.approx(0.025)
    with pytest.raises(ValueError, match="value of FAIL-003 must be a number"):
        catalogue.fact("FAIL-003").in_base()
    with pytest.raises(ValueError, match=r"value of FO-062 must.* no unit 'phi'"):
        catalogue.fact("FO-062").in_base()
    with pytest.raises(ValueError, match="which must be one of"):
        catalogue.fact("FO-062").in_base("middle")


def test_text_facts_say_what_they_say():
    said = str(catalogue.fact("DEP-008"))
    assert "last writer wins" in said
    assert "last writer wins" in catalogue.fact("DEP-008")._repr_html_()


@pytest.mark.parametrize("formula", ["a ** 2", "a.real", "f(a)", "a + 'x'"])
def test_formulas_that_are_refused(formula):
    with pytest.raises(ValueError, match="formula must be of names"):
        evaluated(formula, {"a": 1.0})


def test_the_catalogue_is_found_from_elsewhere(tmp_path):
    code = "from hamodel import catalogue; print(catalogue.fact('FO-001').value)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "30.0"
    assert Path(catalogue.folder()).is_dir()


def test_the_architecture_of_a_preset_has_the_recovery_time_of_its_timeouts():
    """Patroni: U(20, 30) and a look of etcd, a promotion, U(2, 4) for the proxy."""
    rng = np.random.default_rng(5)
    n = 400_000
    drawn = rng.uniform(20, 30, n) + rng.uniform(0, 0.5, n) + rng.uniform(2, 4, n)
    spread = np.sqrt(np.log(1 + 0.25**2))
    usual = rng.lognormal(np.log(0.384) - spread**2 / 2, spread, n)
    drawn += np.where(rng.random(n) < 3 / 97, 5.384, usual)
    recovery = catalogue.system("postgresql-patroni").architecture().failover.duration
    assert recovery.mean == pytest.approx(drawn.mean(), abs=0.02)
    for share in (0.05, 0.5, 0.95, 0.99):
        assert recovery.quantile(share) == pytest.approx(
            np.quantile(drawn, share), abs=0.08
        )
    steady = catalogue.system("postgresql-patroni").architecture(failover__detection=25)
    assert steady.failover.duration.support[0] == 27.0


def test_settings_of_a_preset_move_all_that_follows_from_them():
    preset = catalogue.system("postgresql-patroni")
    quick = preset.architecture(ttl=20, loop_wait=5, retry_timeout=5)
    assert quick.failover.by_stage["detection"].support == (15, 20.5)
    assert quick.standby.probe == 17.5
    watch = catalogue.system("redis-sentinel")
    usual, short = watch.architecture(), watch.architecture(down_after=5)
    assert usual.failover.outage - short.failover.outage == pytest.approx(25, abs=0.2)
    assert (usual.standby.probe, short.standby.probe) == (30, 5)
    assert watch.architecture(failover_timeout=60).failover.retry == 120
    for key, name, value, mean in (
        ("galera", "suspect_timeout", 30, 31.25),
        ("mongodb", "election_timeout", 5, 4.0),
        ("consul", "multiplier", 1, 1.98),
        ("etcd", "election_timeout", 2, 2.86),
    ):
        law = catalogue.system(key).architecture(**{name: value}).election
        assert law.mean == pytest.approx(mean, rel=0.05)
