"""Each product's files: published figures, what is refused, what is warned of."""

import dataclasses

import pytest

from hamodel.duration import uniform
from hamodel.facts import fact, folder
from hamodel.failover import Eviction
from hamodel.reading import read_files
from tests.support.readings import CONFIGS, SETS, copied, reading, run

# ---- Patroni, HAProxy, PgBouncer, libpq --------------------------------------------


def test_patroni_corrects_its_times_from_3_2_on(tmp_path):
    """Rule of patroni/config.py; before it ran with what it was given (FO-102)."""
    path = tmp_path / "p.yml"
    path.write_text("ttl: 30\nloop_wait: 10\nretry_timeout: 14\n")
    old = read_files([path], versions={"patroni": "3.1"})
    new = read_files([path], versions={"patroni": "3.2"})
    assert "p.yml:1 ttl: ttl should be >= loop_wait + 2 retry_timeout = 38" in str(
        new.warnings[0]
    )
    assert old.spec.settings["loop_wait"] == 10
    assert new.spec.settings["loop_wait"] == 30 - 2 * 14
    assert "Patroni 3.2 takes 2 s, not 10 s" in new.text


def test_the_recovery_is_that_of_the_timers_in_the_files():
    """By hand: U(ttl - loop_wait, ttl) + U(0, 0.5), and two checks, U(3, 6)."""
    spec = read_files([CONFIGS / "patroni" / n for n in ("patroni.yml", "haproxy.cfg")])
    stages = spec.spec.architecture.failover.by_stage
    assert stages["detection"].mean == pytest.approx(21 + 0.25)
    assert stages["redirection"].mean == pytest.approx(4.5)
    pooled = reading("patroni").spec.architecture.failover.by_stage["redirection"]
    assert pooled.mean == pytest.approx(
        4.5 + 3
    )  # a name is asked for at each 2nd login


def test_a_server_that_is_down_is_looked_at_at_another_pace():
    """Down every 5 s, then three more checks every 0.5 s."""
    found = reading("patroni-2.1")
    law = found.spec.architecture.failover.by_stage["redirection"]
    assert law.support == (1.5, 6.5)
    said = "\n".join(map(str, found.warnings))
    assert "fall = 2 is below rise = 4" in said
    assert "servers differ in inter" in said


def test_node_tags_make_the_replicas():
    nodes = reading("patroni-nodes").spec.architecture.replicas
    assert [n.site for n in nodes] == ["pg-a", "pg-b", "pg-c"]
    assert [n.promotable for n in nodes] == [True, True, False]
    assert [n.priority for n in nodes] == [2, 0, 0]


def test_two_systems_are_not_one():
    with pytest.raises(ValueError, match="is none of the files that are read"):
        read_files([CONFIGS / "patroni" / "patroni.yml", folder() / "facts.csv"])


# ---- Redis and Sentinel, etcd, Consul ----------------------------------------------


@pytest.mark.parametrize(("name", "published"), [("redis", 4.5), ("redis-quick", 1.5)])
def test_a_failover_of_sentinel_takes_what_was_published(name, published):
    """Killed processes: 4.5 s at 3,000 ms, 1.5 s at 200 ms; a hang is slower."""
    failover = reading(name).spec.architecture.failover
    assert failover.duration.mean == pytest.approx(published, abs=0.2)
    sentinel = failover.mechanisms["detection"]
    hangs = dataclasses.replace(sentinel, hang=True).duration.mean
    assert hangs > sentinel.duration.mean


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        (
            "s.conf",
            "sentinel monitor a h 1 4\n",
            "s.conf:1: sentinel.quorum: must be <=",
        ),
        (
            *("s.conf", "sentinel monitor a h 1 2\nsentinel monitor b h 1 2\n"),
            "s.conf:2: sentinel monitor: a system has one primary",
        ),
        (
            "e.yml",
            "election-timeout: 300\n",
            "e.yml:1: election-timeout: election-timeo",
        ),
        (
            "e.yml",
            "election-timeout: 60000\n",
            "e.yml:1: election-timeout: must be <= 50",
        ),
        ("e.yml", "heartbeat-interval: 0\n", "e.yml:1: heartbeat-interval: must be"),
        (
            "c.hcl",
            "bootstrap_expect = 3\nperformance {\n",
            "c.hcl:2: block performance",
        ),
        ("c.hcl", "raft_multiplier = 1\n}\n", "c.hcl:2: a brace ends"),
        (
            *("c.json", '{"performance": {"raft_multiplier": 12}}'),
            "c.json:1: performance.raft_multiplier: must be <= 10, got 12",
        ),
    ],
)
def test_what_a_product_would_refuse_is_refused(name, words, message, tmp_path):
    path = tmp_path / name
    path.write_text(words)
    _, err, code = run("read", path)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("redis-quick", "is below the second between two pings"),
        ("redis-quick", "fewer than half of 3 Sentinels"),
        ("etcd", "etcd takes 11 whole heartbeats of 150 ms: 1.65 s"),
        ("etcd-3.4", "without pre-vote"),
        ("consul-default", "raft_multiplier is 5; 1 is advised"),
    ],
)
def test_broken_rules_are_said(name, said):
    assert said in "\n".join(map(str, reading(name).warnings))


def test_a_strict_count_that_patroni_lowers_is_warned_of(tmp_path):
    files = copied(SETS["patroni-nodes"][0], tmp_path, "node_count: 1", "node_count: 2")
    said = "is lowered to the standbys that stream"
    assert said in "\n".join(map(str, read_files(files).warnings))
    assert said not in "\n".join(map(str, reading("patroni-nodes").warnings))


def test_an_election_below_ten_round_trips_is_warned_of(tmp_path):
    path = tmp_path / "e.yml"
    path.write_text("heartbeat-interval: 1\nelection-timeout: 8\n")
    assert "is below 10 round trips" in str(read_files([path]).warnings[0])


def test_consul_as_delivered_elects_five_times_slower():
    """The multiplier of 5 (FO-111), against the 1 that is advised."""
    given = reading("consul-default").spec.architecture
    quick = dataclasses.replace(given.mechanisms["election"], multiplier=1)
    assert given.mechanisms["election"].multiplier == 5
    assert given.election.mean == pytest.approx(5 * quick.duration.mean)


# ---- Kubernetes --------------------------------------------------------------------


def test_the_pod_of_a_dead_node_is_back_after_340_s_and_its_start(tmp_path):
    """40 s of grace and 300 s of tolerance (FO-065), then 10 to 20 s of start.

    The law of the file beside the mechanism `Eviction`, which has the same timers.
    """
    path = tmp_path / "one.yaml"
    path.write_text((CONFIGS / "kubernetes" / "worker.yaml").read_text())
    law = read_files([path]).spec.architecture.site.apps.node.mttr
    moved = Eviction(start=uniform(10, 20)).duration
    assert moved.mean == pytest.approx(300 + 35 + 2.5 + 15)
    assert Eviction(monitor=0).duration.support[1] == fact("FO-065").in_base() == 340
    assert law.support[1] == pytest.approx(340 + 5 + 20)
    assert law.mean == pytest.approx((moved.mean + 15) / 2)
    late = read_files([path], versions={"kubernetes": "1.32"})
    assert late.spec.architecture.site.apps.node.mttr.support[1] == pytest.approx(375)


def test_the_pod_of_a_statefulset_waits_for_its_node(tmp_path):
    """Half of the failures 3 h; the others U(50, 60) + 5 + 30 + 10 + U(0, 10)."""
    path = tmp_path / "db.yaml"
    words = (CONFIGS / "kubernetes" / "postgres.yaml").read_text()
    path.write_text(words)
    law = read_files([path]).spec.architecture.database.mttr
    assert law.mean == pytest.approx((3 * 3600 + 55 + 5 + 30 + 10 + 5) / 2)
    short = "    spec:\n      tolerations:\n        - {tolerationSeconds: 5}\n"
    path.write_text(words.replace("    spec:\n      c", f"{short}      c"))
    again = read_files([path])
    assert again.spec.architecture.database.mttr.mean == pytest.approx(law.mean)
    assert "is not moved" in str(again.warnings[0])


def test_budgets_and_spreads_that_do_not_hold_are_said(tmp_path):
    files = [CONFIGS / "kubernetes" / n for n in ("worker.yaml", "budget.yaml")]
    said = " ".join(map(str, read_files(files).warnings))
    assert "no node with one can be drained" in said
    assert "without a livenessProbe" in said
    path = copied(
        ["kubernetes/worker.yaml"], tmp_path, "spec:\n  t", "spec:\n  replicas: 3\n  t"
    )
    said = " ".join(map(str, read_files(path).warnings))
    assert "may share a node" in said
    assert "without a PodDisruptionBudget" in said


# ---- MySQL, Galera, Cassandra ------------------------------------------------------


def test_group_replication_expels_as_its_release_does(tmp_path):
    """5 + 5 s since 8.0.21 (FO-034), 5 + 0 s before, 5 + 3 s as the file has it."""
    assert float(reading("group").spec.architecture.election) == 5 + 3
    assert float(reading("group-8.0.20").spec.architecture.election) == 5 + 0
    path = tmp_path / "my.cnf"
    path.write_text("[mysqld]\ngroup-replication-consistency = EVENTUAL\n")
    spec = read_files([path]).spec
    assert float(spec.architecture.election) == fact("FO-034").in_base() == 10


def test_galera_goes_on_after_its_timers():
    """Suspicion, a look a second, and what is repeated."""
    election = reading("galera").spec.architecture.election
    assert election.mean == pytest.approx(10 + 1 / 2 + 2)


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        (
            *(
                "g.cnf",
                '[mysqld]\nwsrep_provider_options="evs.suspect_timeout=PT20S"\n',
            ),
            "g.cnf:2: evs.suspect_timeout: must be <= evs.inactive_timeout = 15 s",
        ),
        (
            *("g.cnf", '[mysqld]\nwsrep_provider_options="evs.suspect_timeout=5"\n'),
            "g.cnf:2: evs.suspect_timeout: must be a period such as PT5S, got '5'",
        ),
        ("m.cnf", "[mysqld]\nport=3306\n", "m.cnf must set Group Replication"),
        (
            *("k.cql", "CREATE KEYSPACE a WITH replication = {'class': 'x', 'b': 'c'}"),
            "k.cql:1: replication: must be a whole number >= 1, got 'c'",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(name, words, message, tmp_path):
    path = tmp_path / name
    path.write_text(words)
    _, err, code = run("read", path)
    assert code == 2
    assert message in err


def test_more_copies_than_nodes_are_as_many_as_nodes(tmp_path):
    files = copied(SETS["cassandra-3.11"][0], tmp_path, "10.0.0.3 ", "x")
    found = read_files(files)
    assert dict(found.spec.architecture.copies) == {"zone-1": 1, "zone-2": 1}
    said = " ".join(map(str, found.warnings))
    assert "is above the 2 nodes that there are" in said
    assert "a quorum of 2 is all of them" in said


def test_several_data_centres_have_quorums_of_their_own():
    spec = reading("cassandra").spec.architecture
    assert dict(spec.copies) == {"fra": 3, "dub": 3}
    assert (spec.read_quorum, spec.write_quorum, spec.read_from) == (2, 2, "local")


# ---- Terraform ---------------------------------------------------------------------


def test_an_instance_without_a_tier_has_the_first_one(tmp_path):
    """As Terraform's provider has it; the API's own default is 1."""
    files = copied(SETS["aurora"][0], tmp_path, '"promotion_tier":15', '"x":15')
    replicas = read_files(files).spec.architecture.replicas
    assert [r.priority for r in replicas] == [15, 14, 15]


def test_a_traffic_manager_needs_70_s_at_most():
    """(10 + 5 s of a probe) x (3 + 1 failures) + 10 s of the name, as documented."""
    failover = reading("traffic-manager").spec.architecture.failover
    assert failover.duration.support[1] == pytest.approx((10 + 5) * (3 + 1) + 10) == 70


def test_route_53_waits_until_18_percent_of_its_checkers_are_left():
    """FO-079; all checks by hand: the 14th of 16 clocks, 2 to 3 intervals and 6 s."""
    failover = reading("route53").spec.architecture.failover
    checkers = failover.mechanisms["detection"]
    assert checkers.healthy == fact("FO-079").in_base() == 0.18
    left = int(0.18 * 16)
    assert failover.by_stage["detection"].mean == pytest.approx(
        20 + 10 * (16 - left) / 17 + 6, rel=1e-6
    )
    assert "must be below the interval of 10 s" in str(reading("route53").warnings)


def test_databases_of_the_vendor_are_what_the_plan_has():
    assert reading("rds").spec.base == "managed-multi-zone"
    assert reading("rds-alone").spec.kind == "single-primary"
    nodes = reading("aurora").spec.architecture.replicas
    assert [n.priority for n in nodes] == [15, 14, 0]


def test_a_plan_that_is_cut_off_or_has_nothing_is_refused(tmp_path):
    path = tmp_path / "p.json"
    words = (CONFIGS / "terraform" / "rds.json").read_text()
    path.write_text(words[:-20])
    assert "p.json must be JSON of" in run("read", path)[1]
    path.write_text('{"format_version":"1.0","values":{}}')
    assert "p.json must hold a database" in run("read", path)[1]
