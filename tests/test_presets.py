"""Presets of every kind: built, assessed, run step by step, and extended by files."""

import json
import re
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from hamodel import catalogue, duration
from hamodel._fields import paths, replaced
from hamodel.assessment import MEASURES, assess
from hamodel.cli import main
from hamodel.failover import Failover
from hamodel.simulation import simulate
from hamodel.specfile import KINDS, SpecError, load, preset, read
from hamodel.units import HOUR
from hamodel.workload import Workload
from tests.support.elections import etcd_elections

EVERY = catalogue.systems()
KIND = {
    "oracle-data-guard": "active-passive",
    "mysql-group-replication": "majority",
    "cassandra": "leaderless",
    "dynamodb-global-tables": "active-active",
    "couchbase-xdcr": "active-active",
    "etcd": "majority",
    "cockroachdb": "majority",
    "spanner": "majority",
    "galera": "majority",
    "mongodb": "majority",
    "kafka": "active-passive",
    "consul": "majority",
    "aurora": "active-passive",
    "kubernetes-statefulset": "single-primary",
}


def test_kinds():
    assert {key: catalogue.system(key).kind for key in KIND} == KIND


@pytest.mark.parametrize("key", EVERY)
def test_a_preset_has_the_values_of_its_file(key):
    """Every parameter is found in the architecture, under the path of its name."""
    system = catalogue.system(key)
    architecture = system.architecture()
    assert type(architecture) is KINDS[system.kind]
    held = dict(paths(architecture))
    held |= {f"workload.{path}": x for path, x in paths(system.spec.workload)}
    for parameter in system.parameters:
        assert held[parameter.name] is not None
        assert held[parameter.name] == parameter.value


@pytest.mark.parametrize("key", EVERY)
def test_a_preset_is_assessed_in_full(key):
    system = catalogue.system(key)
    found = assess(system)
    assert found.workload == system.spec.workload
    for name, measure in MEASURES.items():
        value = measure.of(found)
        values = list(value.values()) if isinstance(value, dict) else value
        assert np.all(np.isfinite(np.asarray(values, float))), name
    alone = catalogue.system(key).kind == "single-primary"
    assert 1e-7 < found.write.unavailability < (1e-2 if alone else 1e-4)


def test_the_terminal_and_python_meet_a_preset_under_its_own_workload():
    """Under the default one, with slower requests, Redis is sixty times as busy."""
    key = "redis-sentinel"
    said = CliRunner().invoke(main, ["assess", key, "--json"])
    page = json.loads(said.output)
    found = assess(catalogue.system(key))
    assert page["utilisation"]["database"]["now"] == pytest.approx(
        float(found.utilisation["database"])
    )
    assert found.utilisation["database"] < 0.1
    plain = assess(catalogue.system(key).architecture())
    assert plain.utilisation["database"] > 0.5


def test_a_planted_error_is_seen_by_the_run():
    architecture = catalogue.system("mysql-orchestrator").architecture()
    truth = sum(architecture.model().downtime()["write"].values())
    wrong = replaced(architecture, {"database.mttf": 1000 * HOUR})
    run = simulate(wrong, None, 400, np.random.default_rng(7), apart=True)
    assert truth not in run.unavailability["write"]


@pytest.mark.parametrize("key", EVERY)
def test_a_file_can_extend_a_preset(key, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(f"extends: {key}\ndatabase: {{mttr: 5 h}}\n", encoding="utf-8")
    mine = load(file)
    assert mine.architecture.database.mttr == 5 * HOUR
    usual = dict(paths(catalogue.system(key).architecture()))
    mine_values = dict(paths(mine.architecture))
    assert mine.workload.round_trip == catalogue.system(key).spec.workload.round_trip
    for parameter in catalogue.system(key).parameters:
        name = parameter.name
        value = usual.get(name, mine_values.get(name))
        if name != "database.mttr" and not hasattr(value, "mean"):
            assert mine_values.get(name) == value
    sources = {path: source for path, _, source in mine.parameters}
    assert sources["database.mttr"] == "mine.yaml:2"
    if "failover.detection" in {p.name for p in catalogue.system(key).parameters}:
        assert sources["failover.detection"].startswith(f"{key}, ")
    assert key in preset(key)._repr_html_() or preset(key).title


def test_the_election_of_etcd_has_the_law_of_its_timers():
    """Elections by the rules of etcd, less the age of a message, and a client."""
    law = catalogue.system("etcd").architecture().election
    rng = np.random.default_rng(3)
    drawn = etcd_elections(4000, rng, servers=2, nodes=3)
    times = drawn - rng.uniform(0, 0.01, 4000) + rng.uniform(0, 0.3, 4000)
    assert law.mean == pytest.approx(times.mean(), rel=0.015)
    for share in (0.1, 0.5, 0.75):
        assert law.quantile(share) == pytest.approx(np.quantile(times, share), rel=0.02)


def test_overrides_of_other_kinds():
    store = catalogue.system("cassandra")
    assert store.architecture(read_quorum=1).read_quorum == 1
    assert store.architecture(copies={"a": 5}).copies == {"a": 5}
    made = store.architecture(everywhere__mttf=1e7, everywhere__mttr=60)
    assert made.everywhere.mttr == 60
    slow = store.architecture(failover=Failover(detection=9), failover__coverage=0.5)
    assert (slow.failover.detection, slow.failover.coverage) == (9, 0.5)
    with pytest.raises(ValueError, match="did you mean 'read_quorum'"):
        store.architecture(read_quorun=1)
    with pytest.raises(ValueError, match="write_quorum must be <= 3 copies, got 4"):
        store.architecture(write_quorum=4)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "resolution: {value: crdt, fact: DEP-008, says: merges}",
            "resolution: must quote 'last writer wins .*', got 'merges'",
        ),
        (
            "resolution: {value: crdt, fact: DEP-003}",
            "resolution: must say which words of its fact",
        ),
        ("database: {mttr: {value: 4 h, fact: FAIL-017}}", "must be 10800 as its"),
        ("database: {mttr: {value: 4 h, fact: FAIL-0}}", "there is no fact 'FAIL-0'"),
        ("database: {cost: {derived: 2 * x}}", "there is no setting 'x'"),
        (
            "database: {cost: {value: 2, fact: DEP-003, assumed: because}}",
            "must have one of fact, derived, assumed",
        ),
    ],
)
def test_what_a_value_stands_on_is_followed(entry, message, tmp_path):
    text = f"extends: couchbase-xdcr\n{entry}\n"
    with pytest.raises(SpecError, match=message):
        read(tmp_path / "mine.yaml", text)


def test_settings_move_what_is_derived_of_them(tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(
        """
architecture: active-passive
settings: {ttl: {value: 30 s, fact: FO-001}, loop: 10 s, half: {derived: loop / 2}}
database: {mttf: 60 d, mttr: 4 h}
failover:
  detection: {lease: {ttl: {derived: ttl}, loop_wait: {derived: loop}, tick: 0 s}}
  promotion: {derived: 2 * half}
"""
    )
    found = load(base)
    assert found.architecture.failover.by_stage["detection"].support == (20, 30)
    assert found.architecture.failover.promotion == 10
    (tmp_path / "mine.yaml").write_text(
        "extends: base.yaml\nsettings: {ttl: 60 s, loop: 20 s}\n"
    )
    mine = load(tmp_path / "mine.yaml")
    assert mine.architecture.failover.by_stage["detection"].support == (40, 60)
    assert mine.architecture.failover.promotion == 20


def test_a_setting_that_stands_in_no_formula_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("extends: postgresql-patroni\nsettings: {tll: 20 s}\n")
    words = r"settings.tll: is not in any formula; did you mean 'ttl'\?"
    with pytest.raises(SpecError, match=words):
        load(file)
    # also one of the preset whose formulas are all written over
    text = "extends: etcd\nsettings: {heartbeat: 200 ms}\nelection: 3 s\n"
    with pytest.raises(SpecError, match=r"settings.heartbeat: is not in any formula"):
        read(file, text)


EVERY_SETTING = [(k, s) for k in EVERY for s in catalogue.system(k).spec.settings]


@pytest.mark.parametrize(("key", "setting"), EVERY_SETTING)
def test_every_setting_of_a_preset_moves_what_is_derived_of_it(key, setting):
    """Each value whose formula names the setting, and each law with it."""
    system = catalogue.system(key)
    usual, value = system.architecture(), system.spec.settings[setting]
    with warnings.catch_warnings():  # of a Patroni that could lose its lock in a retry
        warnings.simplefilter("ignore")
        other = system.architecture(**{setting: value * 2})

    def numbers(architecture):
        held = {p: getattr(v, "mean", v) for p, v in paths(architecture)}
        return {p: v for p, v in held.items() if isinstance(v, (int, float))}

    before, after = numbers(usual), numbers(other)
    moved = {path for path in before if before[path] != after[path]}
    sources = {path: source for path, _, source in system.spec.parameters}
    told = {p for p, said in sources.items() if re.search(rf"\b{setting}\b", said)}
    assert moved
    assert told & before.keys() <= moved


def test_a_preset_has_a_law_for_each_kind_of_failure():
    """The lock is given up, expires, or stays; connections are reset, or silent."""
    patroni = assess(catalogue.system("postgresql-patroni")).rto_by_kind
    usual = catalogue.system("postgresql-patroni").failover()
    for name in ("host lost", "host or PostgreSQL hangs"):
        assert patroni[name].mean == pytest.approx(usual.duration.mean + 2, abs=1e-6)
    later = usual.promotion.mean + usual.redirection.mean
    stopped = patroni["stopped in good order"]
    assert stopped.mean == pytest.approx(0.25 + 2 + 0.41 + later, abs=1e-6)
    assert patroni["PostgreSQL dies"].mean == pytest.approx(5 + 5.79, rel=0.01)
    short = catalogue.system("postgresql-patroni").architecture(loop_wait=2)
    dies = assess(short).rto_by_kind["PostgreSQL dies"]
    assert dies.mean == pytest.approx(1 + 5.79, rel=0.01)
    with pytest.warns(UserWarning, match="ttl should be"):  # only a release before 3.2
        old = catalogue.system("postgresql-patroni").architecture(
            ttl=5, loop_wait=1, retry_timeout=3, check_interval=1
        )
    older = assess(old).rto_by_kind["stopped in good order"]
    assert older.mean == pytest.approx(stopped.mean - 1 - 1.5, abs=1e-6)
    redis = assess(catalogue.system("redis-sentinel"))
    hang = redis.rto_by_kind["hang"].mean - redis.rto.mean
    assert hang == pytest.approx(0.5, abs=0.1)  # the phase of pings, one a second


def test_kinds_of_failure_count_once_they_have_a_rate(tmp_path):
    usual = assess(catalogue.system("postgresql-patroni"))
    assert usual.rto.mean == pytest.approx(usual.architecture.failover.duration.mean)
    found = []
    for n, words in enumerate(
        (
            "{PostgreSQL dies: {mttf: 30 d}}",
            "[{name: PostgreSQL dies, kind: process, mttf: 30 d}]",
        )
    ):
        file = tmp_path / f"{n}.yaml"
        file.write_text(f"extends: postgresql-patroni\nfailures: {words}\n")
        spec = load(file)
        assert len(spec.architecture.failures) == 5
        found.append(assess(spec.architecture, spec.workload).rto.mean)
    assert found[0] == found[1] < 0.6 * usual.rto.mean
    file.write_text("extends: postgresql-patroni\nfailures: {disk: {mttf: 1 d}}\n")
    with pytest.raises(SpecError, match="failures: must be a list"):
        load(file)
    file.write_text("extends: postgresql-patroni\nfailures: []\n")
    assert load(file).architecture.failures == ()


def test_a_warning_of_a_setting_is_said_once(tmp_path):
    """Though the settings stand in the laws of four kinds of failure."""
    file = tmp_path / "mine.yaml"
    file.write_text("extends: postgresql-patroni\nsettings: {loop_wait: 20 s}\n")
    with pytest.warns(UserWarning, match="ttl should be") as heard:
        load(file)
    assert len(heard) == 1


def test_the_election_of_mongodb_has_the_law_of_its_timers():
    """Two members, each with its own last heartbeat and its own random part."""
    law = catalogue.system("mongodb").architecture().election
    last, extra = np.random.default_rng(3).uniform(0, 1, (2, 20_000, 2))
    drawn = (10 - 2 * last + 1.5 * extra).min(axis=1)
    assert law.quantile([0.05, 0.5, 0.95]) == pytest.approx(
        np.quantile(drawn, [0.05, 0.5, 0.95]), rel=0.01
    )


def test_kafka_elects_from_the_in_sync_set():
    """Each cause of its downtime is a sum that is written out here."""
    kafka = catalogue.system("kafka")
    made = assess(kafka)
    node, failover = made.architecture.database, made.architecture.failover
    lost = 3 / node.mttf  # brokers lost a second, one in three of them the leader
    rho = node.mttr / node.mttf
    whole = {
        "failing over": lost / 3 * 0.999 * (8 + 0.1 + 0.5),
        "failover did not work": lost / 3 * 0.001 * (8 + 0.1 + 0.5 + 30 * 60),
        "all nodes down": 3 * rho**3,  # one in sync is left, fails, and is waited for
        "waiting for the standby": lost * 2 / 3 * 8,
        "standby down": 3 * rho**2,
    }
    assert failover.outage == pytest.approx(8.6)
    found = {str(cause): x for cause, x in made.write.downtime_by_cause.items() if x}
    assert found.keys() == whole.keys()
    for cause, share in whole.items():
        assert found[cause] == pytest.approx(share, rel=0.01), cause
    spared = {"waiting for the standby", "standby down"}
    read = sum(share for cause, share in whole.items() if cause not in spared)
    assert made.read.unavailability == pytest.approx(read, rel=0.01)
    assert made.lost_writes.by_failure["database"].writes == 0
    later = kafka.architecture(session_timeout=18, heartbeat=4, backoff_max=2)
    assert later.failover.outage == pytest.approx(16 + 0.1 + 1)
    assert later.replication.timeout == 16


def test_a_copied_preset_with_another_number_works(tmp_path):
    for key in EVERY:
        text = (catalogue.folder() / "systems" / f"{key}.yaml").read_text("utf-8")
        copy = tmp_path / f"{key}.yaml"
        copy.write_text(text)
        usual = assess(catalogue.system(key).architecture(), Workload())
        same = assess(load(copy).architecture, Workload())
        assert same.write.unavailability == usual.write.unavailability
    copy.write_text(text.replace("mttr: {value: 3 h, fact: FAIL-017}", "mttr: 5 h"))
    assert load(copy).architecture.database.mttr == 5 * HOUR


def test_times_compose_and_mechanisms_keep_their_other_settings(tmp_path):
    (tmp_path / "drills.csv").write_text("seconds\n20 s\n30\n40 s\n")
    bins = tmp_path / "bins.csv"
    bins.write_text("from,to,count\n0 s,1 s,3\n1 s,3 s,1\n3 s,9 s,0\n")
    found = read(
        tmp_path / "mine.yaml",
        """
extends: postgresql-patroni
failover:
  detection: {lease: {ttl: 60 s}}
  fencing: {sum: [1 s, "uniform(1 s, 3 s)"]}
  promotion: {sum: [{samples: drills.csv}, {histogram: bins.csv}]}
  redirection:
    maximum: [{proxy check: {interval: 2 s}}, {minimum: [9 s, "exponential(5 s)"]}]
""",
    ).architecture.failover
    assert found.by_stage["detection"].support == (50, 60.5)  # loop_wait of the preset
    assert found.by_stage["fencing"].mean == 3
    assert found.by_stage["promotion"].mean == pytest.approx(30 + (3 * 0.5 + 2) / 4)
    assert duration.read({"histogram": "bins.csv"}, folder=tmp_path).cdf(1) == 0.75
    bins.write_text("0 s,1 s,3\n1 s,3 s\n")
    with pytest.raises(ValueError, match=r"bins.csv:2: must have 3 columns, got 2"):
        duration.read({"histogram": "bins.csv"}, folder=tmp_path)
    assert found.by_stage["redirection"].support[1] == 9
