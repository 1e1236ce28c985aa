"""Configuration files of products: what is made of them, and what is said of the rest.

`python -m tests.test_reading` writes the kept readings anew; look at what changed.
"""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hamodel import load
from hamodel.assessment import MEASURES, assess
from hamodel.cli import main
from hamodel.duration import uniform
from hamodel.facts import fact, folder
from hamodel.failover import Eviction
from hamodel.reading import (
    FORMATS,
    Default,
    Entry,
    Field,
    Format,
    Note,
    read_files,
    recognised,
)
from tests.support.readings import MOVES, OPEN, SETS, WARNED

CONFIGS = folder() / "configs"
GOLDEN = Path(__file__).parent / "support" / "golden"
EVERY = sorted(path for path in CONFIGS.rglob("*") if path.is_file())
PLACED = [(f.name, x.names[0]) for f in FORMATS for x in f.fields if x.to]
SECRET = "s3cr3t"
#: Fields whose lines do not have their names.
UNNAMED = ("host", ".quorum", "replication", "node")


def reading(name):
    """Return a kept set of files, read."""
    files, versions = SETS[name]
    return read_files([CONFIGS / file for file in files], versions=versions)


def copied(files, to, old="", new=""):
    """Copy files into a folder, words of them changed; return where they are."""
    found = []
    for file in files:
        path = to / Path(file).name
        words = (CONFIGS / file).read_text(encoding="utf-8")
        path.write_text(words.replace(old, new) if old else words, encoding="utf-8")
        found.append(path)
    return found


def answers(spec):
    """Return what an assessment says, as numbers."""
    found = assess(spec.architecture, spec.workload)
    numbers = [len(spec.architecture.sites), float(found.cost.total)]
    numbers += [float(getattr(found, o).unavailability) for o in ("write", "read")]
    sites = spec.architecture.sites
    laws = [found.latency[site, o] for site in sites[:1] for o in ("write", "read")]
    if spec.kind == "leaderless":  # whose latencies take seconds
        laws = []
    for law in (found.rto, found.outage, *laws):
        numbers += [float(law.mean), float(law.var)]
    numbers += [float(MEASURES[m].of(found)) for m in ("lost_writes_per_year",)]
    return numbers


def run(*arguments):
    done = CliRunner().invoke(main, [str(x) for x in arguments], catch_exceptions=False)
    return done.stdout, done.stderr, done.exit_code


# ---- whole readings ----------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_a_reading_is_as_it_is_kept(name):
    kept = (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")
    assert reading(name).text == kept


@pytest.mark.filterwarnings("ignore:ttl should be")  # as the file of one set has it
@pytest.mark.parametrize("name", SETS)
def test_a_reading_is_a_system_file_that_loads_and_is_assessed(name, tmp_path):
    found, path = reading(name), tmp_path / "system.yaml"
    path.write_text(found.text, encoding="utf-8")
    assert answers(load(path)) == answers(found.spec)


@pytest.mark.parametrize("name", SETS)
def test_every_value_that_is_used_stands_where_it_is_said_to_stand(name):
    """Another road than the readers': the line is read as text."""
    files = {
        Path(f).name: (CONFIGS / f).read_text().splitlines() for f in SETS[name][0]
    }
    found = reading(name)
    assert found.used or found.assumed
    for note in found.used:
        file, _, place = note.where.partition(":")
        if place.isdigit() and not note.name.endswith(UNNAMED):
            last = re.sub("[-_]", "[-_]", re.split(r"[.\]]", note.name)[-1])
            assert re.search(last, files[file][int(place) - 1], re.I), note


@pytest.mark.parametrize("name", SETS)
def test_every_field_is_accounted_for(name):
    """Used, without a place, or not known: no entry of a file is passed over."""
    files, _ = SETS[name]
    found = reading(name)
    told = {(n.where, n.name) for n in (*found.used, *found.homeless)}
    unknown = " ".join(n.said for n in found.unknown)
    for path in (CONFIGS / file for file in files):
        text = path.read_text(encoding="utf-8")
        kind = next(f for f in FORMATS if f.knows(path.name, text))
        from hamodel.reading._core import File

        file = File(name=path.name, path=path, text=text)
        for entry in kind.parse(file):
            named = f"{entry.name} ({entry.place or entry.line})" in unknown
            assert named or (file.where(entry), entry.name) in told, entry


def test_explain_shows_file_and_line_beside_a_value():
    files = [CONFIGS / "patroni" / n for n in ("patroni.yml", "haproxy.cfg")]
    out, err, code = run("explain", *files, "--json")
    shown = {p["path"]: p["from"] for p in json.loads(out)["parameters"]}
    assert code == 0
    assert shown["failover.detection.ttl"].startswith("patroni.yml:19 ")
    assert shown["failover.redirection.rise"].startswith("haproxy.cfg:23 server.rise")
    assert "patroni.yml:53" in err


# ---- every field -------------------------------------------------------------------


def test_every_field_with_a_place_has_its_change():
    assert {(f, x) for f, moves in MOVES.items() for x in moves} == set(PLACED)


@pytest.mark.parametrize(("kind", "name"), PLACED)
def test_a_field_with_a_place_moves_an_answer(kind, name, tmp_path):
    files, old, new = MOVES[kind][name]
    words = "".join((CONFIGS / file).read_text() for file in files)
    assert old in words, "the change must be one"
    before = read_files(copied(files, tmp_path))
    after = read_files(copied(files, tmp_path, old, new))
    if (kind, name) in WARNED:
        assert len(after.warnings) > len(before.warnings)
    else:
        assert answers(before.spec) != answers(after.spec)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda f: f.name)
def test_a_table_says_all_that_it_must(kind):
    """Each field has a place or a reason, and each default a source and a value."""
    for field in kind.fields:
        assert bool(field.to) != bool(field.why), field.name
        for default in field.defaults:
            assert isinstance(default, Default)
            field.read(default.raw)
            if re.fullmatch(r"[A-Z]+-\d+", default.source):
                assert fact(default.source).value is not None
            else:
                assert re.search(r"\b(19|20)\d\d\b", default.source), field.name
    assert len(kind.by_name) == sum(len(field.names) for field in kind.fields)


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.name)
def test_a_file_is_known_for_what_it_is(path):
    text = path.read_text(encoding="utf-8-sig")
    assert [f.name for f in FORMATS if f.knows(path.name, text)][:1]
    assert recognised(path)


# ---- secrets -----------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_secrets_are_never_repeated(name):
    files, versions = SETS[name]
    paths = [CONFIGS / file for file in files]
    words = "".join(path.read_text() for path in paths)
    found = read_files(paths, versions=versions)
    assert (SECRET in words) != (name in OPEN)
    assert SECRET not in found.text
    assert SECRET not in repr(found) + repr(found.spec) + repr(found.warnings)
    for command in (("read",), ("read", "--json"), ("explain", "--json")):
        out, err, _ = run(*command, *paths)
        assert SECRET not in out + err, command


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.name)
def test_secrets_are_not_in_messages_either(path, tmp_path):
    """A file is broken at every line in turn; no message repeats a secret."""
    lines = path.read_text(encoding="utf-8").splitlines()
    broken = tmp_path / path.name
    for place in range(0, len(lines), max(1, len(lines) // 12)):
        for junk in ("\t: [", "{{ s }}", "password s3cr3t"):
            words = [*lines[:place], junk, *lines[place:]]
            broken.write_text("\n".join(words), encoding="utf-8")
            out, err, code = run("read", broken, "--extends", "postgresql-patroni")
            assert code in (0, 2)
            assert SECRET not in out + err


# ---- files that are not as they should be ------------------------------------------

TTL = "scope: a\nbootstrap:\n  dcs:\n    ttl: {}\n"
REFUSED = {
    "empty": ("a.yml", "", "a.yml is empty"),
    "blank": ("a.yml", " \n\n", "a.yml is empty"),
    "wrong type": ("deploy.sh", "#!/bin/sh\nmake\n", "none of the files that are read"),
    "tabs": ("a.yml", "scope: a\nbootstrap:\n\tdcs: 1\n", "a.yml:3:1: "),
    "two documents": ("a.yml", "scope: a\n---\nttl: 1\nloop_wait: s\n", "a.yml:4: "),
    "Jinja": ("a.yml", TTL.format("{{ ttl }}"), "a.yml:4: is a template of Jinja"),
    "Helm": ("a.yml", "{{- if .x }}\n" + TTL.format(1), "a.yml:1: is a template"),
    "environment": (
        "a.yml",
        TTL.format("${TTL}"),
        "a.yml:4: bootstrap.dcs.ttl: must be",
    ),
    "no number": ("a.yml", TTL.format("soon"), "a.yml:4: bootstrap.dcs.ttl: must be a"),
    "negative": ("a.yml", TTL.format(-3), "a.yml:4: bootstrap.dcs.ttl: must be a time"),
    "zero": ("a.yml", TTL.format(0), "a.yml:4: bootstrap.dcs.ttl: ttl must be"),
    "binary": ("a.yml", "scope: a\0", "byte of zero"),
    "only a way": ("h.cfg", "listen a\n server a b:1 check\n", "give its file as well"),
    "no header": (
        "p.ini",
        "x = 1\n[pgbouncer]\n",
        "p.ini:1: must begin with a section",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_a_sentence(case, tmp_path):
    name, words, message = REFUSED[case]
    path = tmp_path / name
    path.write_text(words, encoding="utf-8")
    out, err, code = run("read", path)
    assert code == 2
    assert message in err
    assert not out
    assert len(err.splitlines()) == 1


def test_a_file_that_is_not_there_or_may_not_be_read(tmp_path):
    assert "cannot be read" in run("read", tmp_path / "no.yml")[1]
    assert "cannot be read" in run("read", tmp_path)[1]
    path = tmp_path / "latin.cfg"
    path.write_bytes("listen \xe9\n".encode("latin-1"))
    assert "must be UTF-8 text" in run("read", path)[1]


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(tmp_path):
    plain = reading("patroni")
    for file in SETS["patroni"][0]:
        words = (CONFIGS / file).read_text(encoding="utf-8")
        (tmp_path / Path(file).name).write_bytes(
            b"\xef\xbb\xbf" + words.replace("\n", "\r\n").encode()
        )
    again = read_files([tmp_path / Path(f).name for f in SETS["patroni"][0]])
    assert again.text == plain.text


def test_what_is_read_is_written_and_never_over_another(tmp_path):
    files, out = [CONFIGS / f for f in SETS["patroni"][0]], tmp_path / "system.yaml"
    assert "written; next: hamodel assess" in run("read", *files, "--out", out)[0]
    assert out.read_text() == reading("patroni").text
    assert run("read", *files, "--out", out)[2] == 2
    assert run("read", *files, "--out", out, "--force")[2] == 0
    page, _, code = run("assess", out)
    assert code == 0
    one_go = run("assess", *files)[0]
    assert page.replace(str(out), "") == one_go


def test_a_version_that_is_assumed_is_one_of_the_files():
    path = CONFIGS / "patroni" / "patroni.yml"
    assert "did you mean patroni" in run("read", path, "--assume", "patrni=2.1")[1]
    assert "must be a version" in run("read", path, "--assume", "patroni=new")[1]
    assert "NAME=VERSION" in run("read", path, "--assume", "patroni")[1]


def test_changes_and_requirements_go_with_files_of_a_product():
    path = CONFIGS / "patroni" / "patroni.yml"
    assert run("assess", path, "--set", "requirements.rto_p95=2 min")[2] == 0
    assert run("assess", path, "--set", "requirements.rto_p95=2 s")[2] == 1


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
    assert pooled.mean == pytest.approx(4.5 + 1.5 + 2.5)


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
    """Killed processes: 4.5 s at 3,000 ms, 1.5 s at 200 ms; a lost host is slower."""
    spec = reading(name).spec
    assert published < float(spec.architecture.failover.duration.mean)
    sentinel = spec.architecture.failover.mechanisms["detection"]
    killed = dataclasses.replace(sentinel, hang=False).duration.mean
    assert killed + 0.185 == pytest.approx(published, abs=0.2)


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
    """Suspicion, the first of four looks a second apart, and what is repeated."""
    election = reading("galera").spec.architecture.election
    assert election.mean == pytest.approx(10 + 1 / 5 + 2)


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


# ---- an eighth format, as CONTRIBUTING.md has it -----------------------------------


def _warden(text):
    """Return a format of a product that is made up."""

    def parse(file):
        for line, words in enumerate(file.text.splitlines(), 1):
            name, _, raw = words.partition(" ")
            yield Entry(name, raw, line)

    def compose(found, sheet):
        sheet.base = "postgresql-patroni"
        takeover = found["server.takeover"]
        if takeover.seconds < 1:
            raise found.refuse(takeover, "must be >= 1 s")
        sheet.put("failover.detection", f"{takeover.value:g} s", takeover)

    return Format(
        name="warden",
        product="Warden",
        version="5.1",
        fields=(
            Field(
                name="server.takeover|server.failover",
                to="failover.detection",
                read=lambda raw: float(raw) / 1000,
                defaults=(
                    Default("3000", "Manual of the product, 2020"),
                    Default("2000", "Manual of the product, 2024", "5.1"),
                ),
            ),
            Field(name="server.log", why="what it logs"),
        ),
        knows=lambda _, words: words.startswith(text),
        parse=parse,
        compose=compose,
    )


def test_a_format_is_a_table_and_three_functions(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "hamodel.reading._read.FORMATS", (_warden("# warden"), *FORMATS)
    )
    path = tmp_path / "warden.conf"
    path.write_text("# warden\nserver.failover 4000\nserver.log s3cr3t\nport 7\n")
    found = read_files([path])
    assert float(found.spec.architecture.failover.detection) == 4
    assert found.used == (Note("warden.conf:2", "server.failover"),)
    assert [str(n) for n in found.homeless] == [
        "warden.conf:3 server.log: what it logs"
    ]
    assert "port (4)" in found.unknown[0].said
    assert SECRET not in found.text
    path.write_text("# warden\n")
    for version, seconds in (("5.0", 3), ("5.1", 2), ("6.0", 2)):
        assumed = read_files([path], versions={"warden": version})
        assert float(assumed.spec.architecture.failover.detection) == seconds
        assert f"default of Warden {version}: server.takeover" in assumed.text
    path.write_text("# warden\nserver.takeover 10\n")
    with pytest.raises(
        ValueError, match=r"warden.conf:2: server.takeover: must be >= 1 s"
    ):
        read_files([path])


def _keep():
    for name in SETS:
        (GOLDEN / f"{name}.yaml").write_text(reading(name).text, encoding="utf-8")


if __name__ == "__main__":
    _keep()
