"""Spec files: what they say is what is made, and every mistake is named in place."""

import math
import warnings
from dataclasses import MISSING, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamodel.architectures import ActivePassive, Majority
from hamodel.catalogue import system
from hamodel.decision import Requirements
from hamodel.duration import Duration
from hamodel.failover import MECHANISMS, STAGES
from hamodel.fields import described
from hamodel.specfile import KINDS, SpecError, load, starter
from hamodel.units import HOUR, MINUTE, YEAR
from hamodel.workload import Workload

SINGLE = "architecture: single-primary\ndatabase: {mttf: 200 d, mttr: 4 h}\n"
PAIR = "extends: postgresql-patroni\n"


@pytest.fixture
def read(tmp_path):
    """Return what a text describes."""

    def reader(text, name="system.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return load(file)

    return reader


def problems(read, text):
    """Return line, field and message of each mistake in a text."""
    with pytest.raises(SpecError) as caught:
        read(text)
    return [(p.line, p.field, p.message) for p in caught.value.problems]


# ---- what a file makes -------------------------------------------------------------


def test_the_starter_file_is_a_system(read):
    spec = read(starter())
    assert isinstance(spec.architecture, ActivePassive)
    assert spec.architecture.sites == ("fra", "dub")
    assert spec.architecture.database.mttf == pytest.approx(YEAR / 6)
    assert spec.architecture.failover.duration.support == pytest.approx((25.0, 35.0))
    assert spec.workload.shares(spec.architecture.sites)["fra"] == pytest.approx(0.7)
    assert spec.requirements.rto_p95 == MINUTE
    late, usual = (spec.architecture.replication.delay.quantile(p) for p in (0.99, 0.5))
    assert late > 20 * usual, "no bursts"
    assert list(spec.uncertain) == ["failover.coverage"]
    line = starter().splitlines()[spec.lines["failover.coverage"] - 1]
    assert "coverage" in line


def test_twenty_lines_and_no_preset(read):
    spec = read(
        """
title: Votes over three sites
architecture: majority
copies: {fra: 2, dub: 2, ams: 1}
witnesses: [ams]
election: {uniform: {low: 150 ms, high: 300 ms}}
local_reads: true
database: {mttf: 4/yr, mttr: 2 h, cores: 16, cost: 2.5}
failover: {detection: {heartbeat: {interval: 1 s, misses: 3}}, redirection: 5 s}
site:
  mttf: never
  apps: {node: {mttf: 100 d, mttr: 5 min}, servers: 3, needed: 2}
  cache: {hit_ratio: 80 %}
everywhere: null
"""
    )
    made = spec.architecture
    assert isinstance(made, Majority)
    assert (made.copies, made.witnesses) == ({"fra": 2, "dub": 2, "ams": 1}, ("ams",))
    assert float(made.election.mean) == pytest.approx(0.225)
    assert made.failover.mechanisms["detection"].misses == 3
    assert made.site.mttf == math.inf
    assert made.site.apps.needed == 2
    assert made.site.cache.hit_ratio == pytest.approx(0.8)
    assert made.everywhere is None
    assert made.database.cost == 2.5


def test_a_file_extends_a_preset_field_by_field(read):
    spec = read(PAIR + "failover: {coverage: 90 %}\nworkload: {writes: 5/s}\n")
    base = system("postgresql-patroni").architecture()
    assert spec.architecture.failover.coverage == 0.9
    assert float(spec.architecture.failover.outage) == float(base.failover.outage)
    assert spec.architecture.database.mttf == base.database.mttf
    assert spec.workload.reads == Workload().reads
    assert spec.requirements is None


def test_a_file_extends_another(read):
    read(PAIR + "title: Base\nrequirements: {availability: 99 %}\n", "base.yaml")
    spec = read("extends: base.yaml\nrequirements: {rto_p95: 1 min}\n")
    assert spec.title == "Base"
    assert spec.requirements.availability == 0.99
    assert spec.requirements.rto_p95 == MINUTE


def test_parameters_tell_where_they_come_from(read):
    spec = read(PAIR + "failover:\n  coverage: 90 %\n")
    rows = {path: (shown, source) for path, shown, source in spec.parameters}
    assert rows["failover.coverage"] == ("90 %", "system.yaml:3")
    assert rows["failover.detection.ttl"] == ("30 s", "postgresql-patroni, FO-001: ttl")
    assert rows["workload.app_time"][0] == "0 s"
    assert rows["workload.app_time"][1].startswith("postgresql-patroni, assumed: ")
    assert rows["workload.hop"] == ("500 µs", "default")
    assert rows["crews"] == ("1", "default")
    assert "failover.coverage" in spec._repr_html_()


def test_beliefs_and_laws_are_told_apart(read):
    spec = read(
        PAIR
        + """
database:
  mttf: {gamma: {events: 3, during: 26 months}}
  mttr: {belief: {uniform: {low: 1 h, high: 3 h}}}
failover:
  promotion: lognormal(mean=3 s, cv=0.8)
  fencing: {belief: {uniform: {low: 1 s, high: 5 s}}}
"""
    )
    assert set(spec.uncertain) == {"database.mttf", "database.mttr", "failover.fencing"}
    assert spec.architecture.failover.fencing == pytest.approx(3.0)
    assert float(spec.architecture.failover.by_stage["promotion"].mean) == 3.0
    assert spec.architecture.database.mttr == pytest.approx(2 * HOUR)
    assert (
        spec.uncertain["database.mttf"].quantile(0.5) == spec.architecture.database.mttf
    )


def test_a_time_without_a_unit_is_doubted_where_seconds_are_unlikely(tmp_path):
    file = tmp_path / "system.yaml"
    file.write_text(
        "architecture: active-passive\n"
        "database: {mttf: 5_000_000, mttr: 4}\n"
        "failover: {promotion: 30, detection: {heartbeat: {interval: 1000}}}\n"
        "workload: {round_trip: '80', read_time: 0.001}\n"
        "requirements: {rto_p95: 60, write_p99: 50}\n"
    )
    with pytest.warns(UserWarning, match="has no unit and counts as seconds") as told:
        spec = load(file)
    said = [str(one.message).split(": ")[1:] for one in told]
    assert [(field, words.split("else ")[1]) for field, words in said] == [
        ("database.mttr", "4 h or 4 d"),
        ("failover.detection.interval", "1000 ms or 1000 min"),
        ("workload.round_trip", "80 ms"),
        ("requirements.write_p99", "50 ms"),
    ]
    assert spec.architecture.database.mttr == 4


def test_a_starter_names_the_schema_first():
    first = starter().partition("\n")[0]
    assert first == "# yaml-language-server: $schema=hamodel.schema.json"


# ---- mistakes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("a: [1\n", 2, "", "expected ',' or ']'"),
        ("- 1\n", 1, "", "the file must hold fields such as title and architecture"),
        ("", 1, "", "the file must hold fields"),
        ("title: x\n", 1, "architecture", "is missing: one of single-primary"),
        (SINGLE + "title: x\ntitle: y\n", 4, "", "must be given once"),
        ("architecture: {majority: 1}\n", 1, "architecture", "{'majority': 1} is not"),
        ("architecture: activ-passive\n", 1, "architecture", "did you mean 'active-p"),
        ("extends: postgres-patroni\n", 1, "extends", "did you mean 'postgresql-p"),
        (PAIR + "architecture: majority\n", 2, "architecture", "must be active-pass"),
        ("architecture: single-primary\n", 1, "database", "is missing"),
        (SINGLE + "worklod: {}\n", 3, "worklod", "did you mean 'workload'?"),
        (SINGLE + "site:\n  mtf: 3 d\n", 4, "site.mtf", "did you mean 'mttf'?"),
        (SINGLE + "site: 3\n", 3, "site", "must hold fields, got 3"),
        (SINGLE + "<<: 3\n", 3, "", "<< must be followed by an alias of fields"),
        (
            PAIR + "workload: {keys: 1,000,000}\n",
            2,
            "",
            "within { } a comma separates fields: write numbers without it",
        ),
        (
            PAIR + "workload: {reads: {uniform: {low: 1,200/s, high: 2,000/s}}}\n",
            2,
            "workload.reads",
            "a comma separates fields: write 1200/s",
        ),
        (
            PAIR + "failover:\n  promotion: uniform(5, 10 min)\n",
            3,
            "failover.promotion",
            "5 has no unit and 10 min has: write 5 min",
        ),
        (
            PAIR + "failover:\n  promotion: lognormal(3 s, cv 2)\n",
            3,
            "failover.promotion",
            "lognormal got 'cv 2': write cv=2",
        ),
        (
            PAIR + "workload: {reads: 20k/s}\n",
            2,
            "workload.reads",
            "got '20k/s': write 20000/s",
        ),
        (SINGLE + "backup: -1 d\n", 3, "backup", "must be > 0 and finite, got -86400"),
        (SINGLE + "backup: 3 %\n", 3, "backup", "must be a time, such as 30 s"),
        (SINGLE + "backup:\n", 3, "backup", "must have a value, got nothing"),
        (PAIR + "sites: fra\n", 2, "sites", "must be a list of names, got 'fra'"),
        (PAIR + "sites: [a, '']\n", 2, "sites", "must be a sequence of names"),
        (PAIR + "crews: 1.5\n", 2, "crews", "must be a whole number, got 1.5"),
        (
            PAIR + "failover:\n  detection: uniform(20 s)\n",
            3,
            "failover.detection",
            "uniform must hold low, high: high is missing",
        ),
        (
            PAIR + 'failover: {detection: "uniformm(1 s, 2 s)"}\n',
            2,
            "failover.detection",
            "did you mean 'uniform'?",
        ),
        (
            PAIR + "failover: {detection: {lease: {ttl: 10 s, loop: 1 s}}}\n",
            2,
            "failover.detection.loop",
            "did you mean 'loop_wait'?",
        ),
        (
            PAIR + "failover: {detection: uniform(1 s, 2 s)}\n",
            2,
            "failover.detection",
            "in quotes within { }",
        ),
        (
            PAIR + "failover: {coverage: {beta: {successes: 3}}}\n",
            2,
            "failover.coverage",
            "beta must hold successes, trials: trials is missing",
        ),
        *(
            (
                PAIR + f"{name}: {{{of}uniform: {{low: 1, high: 3}}}}{end}\n",
                2,
                path,
                said,
            )
            for name, of, end, path in (
                ("crews", "", "", "crews"),
                ("workload", "timeout: {", "}", "workload.timeout"),
            )
            for said in ("must be one number: nothing carries a belief about it",)
        ),
        (
            PAIR + "replication: {mode: syncron}\n",
            2,
            "replication.mode",
            "did you mean 'sync'?",
        ),
        (
            PAIR + "workload: {clients: {fra: 50 %, ber: 50 %}}\n",
            2,
            "workload",
            "clients must be one of",
        ),
        (
            PAIR + "workload: {clients: {DC-1: 50 %}}\n",
            2,
            "workload.clients",
            "must add up to 1, got 0.5",
        ),
        (
            PAIR + "requirements: {availability: 99.9}\n",
            2,
            "requirements.availability",
            "did you mean 99.9 %?",
        ),
        (
            PAIR + "requirements: {write_p99: {x: 3 ms}}\n",
            2,
            "requirements",
            "write_p99 must be one of",
        ),
    ],
)
def test_mistakes_are_named_in_their_place(read, text, line, field, message):
    found = problems(read, text)
    assert any(
        (at, where) == (line, field) and message in said for at, where, said in found
    ), found


def test_all_mistakes_come_at_once(read):
    text = SINGLE.replace("200 d", "200 dd") + "backup: 3 %\nsites: [a]\n"
    found = problems(read, text)
    assert [line for line, _, _ in found] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("extends: etcd\nsites: [a, b, c]\n", "did you mean 'copies'?"),
        ("extends: postgresql-patroni\nnodes: [a, b]\n", "did you mean 'sites'?"),
        (
            "extends: postgresql-patroni\nfailover: {detection: {probes: {}}}\n",
            "did you mean 'sequential probe'?",
        ),
        (
            "extends: mysql-orchestrator\nfailover: {detection: {checkers: {}}}\n",
            "did you mean 'health checkers'?",
        ),
        (
            "extends: cassandra\nread_quorum: LOCAL_QUORUM\n",
            "got 'LOCAL_QUORUM': write how many copies that is, 2 for a quorum of 3, "
            "and read_from: local",
        ),
        ("extends: cassandra\nwrite_quorum: quorum\n", "2 for a quorum of 3"),
        ("extends: etcd\nrequirements: {availability: 0.9999 %}\n", "or 99.99 %?"),
        ("extends: etcd\ndatabase: {mttf:60 d, mttr: 1 h}\n", "mean 'mttf: 60 d'?"),
        ("extends: etcd\ndatabase: {mttr: 1 h}}\n", "there is a } too many"),
        ("extends: etcd\ndatabase: {mttr: \u2212 1 h}\n", "'\u2212' is no minus"),
        ("extends: etcd\ndatabase: {mttr: -1 h}\n", "got -3600 (-1 h)"),
        ("extends: etcd\nworkload: {reads: 20.000,5/s}\n", "write 20000.5/s"),
        (
            "extends: kafka\ndatabase: {mttr: uniform(1 h, 4 h)}\n",
            'write "uniform(1 h, 4 h)"',
        ),
    ],
)
def test_slips_of_hands_are_told_what_to_write(read, text, hint):
    with pytest.raises(SpecError) as caught:
        read(text)
    assert hint in str(caught.value)


def test_the_message_begins_with_file_and_line(read, tmp_path):
    with pytest.raises(SpecError) as caught:
        read(SINGLE + "backup: soon\n")
    start = f"{tmp_path / 'system.yaml'}:3:1: backup: must be a time"
    assert str(caught.value).startswith(start)


def test_circles_and_lost_files_are_named(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(SpecError, match="extends this file in turn"):
        load(tmp_path / "a.yaml")
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="must be UTF-8 text"):
        load(tmp_path / "bytes.yaml")


# ---- every field of every specification --------------------------------------------

#: Where a specification of each kind stands in a file, and what must stand beside it.
PLACES = {made: f"architecture: {name}\n" for name, made in KINDS.items()}
PLACES |= {Workload: "workload", Requirements: "requirements"}
AHEAD = [(made, "", made) for made in (ActivePassive, *KINDS.values())]
ROOTS = {}  # the architecture in which a specification stands, if it is no pair
while AHEAD:
    owner, within, root = AHEAD.pop(0)
    for name, about in described(owner).items():
        if about.made and about.made not in PLACES:
            several = "[]" if about.kind == "specs" else ""
            PLACES[about.made] = f"{within}{name}{several}"
            AHEAD.append((about.made, f"{within}{name}{several}.", root))
            ROOTS[about.made] = root
for word, mechanism in MECHANISMS.items():
    stage = next((s for s in STAGES if hasattr(mechanism, s)), "detection")
    PLACES[mechanism] = f"failover.{stage}.{word}"
FIELDS = [(spec, name) for spec in PLACES for name in described(spec)]
NONSENSE = {
    "time": ["5 %", "-3 s", "3 parsec", "[1, {}]"],
    "mean time": ["5 %", "-3 s", "0 s", "3 parsec"],
    "rate": ["5 s", "-3/s", "3/parsec"],
    "share": ["5 s", "130 %", "-1 %"],
    "number": ["5 s", "-3"],
    "whole": ["1.5", "-1", "5 s"],
    "flag": ["perhaps", "3"],
    "word": ["{a: 1}", "[x]"],
    "names": ["x", "{a: 1}"],
    "whole by site": ["3", "{a: 1.5}", "{a: -1}", "{}"],
    "share by site": ["3", "{DC-1: 3 s}"],
    "time, or by site": ["5 %", "-3 s", "{DC-1: 5 %}"],
    "share, several": ["[20 %]", "[5 s]"],
    "spec": ["3", "[1]"],
    "specs": ["3", "{a: 1}", "[3]", "[{}, 4]"],
}


def sort_of(about):
    """Return under which sort of nonsense a field comes."""
    if about.by_site:
        return f"{about.kind}{', or' if about.single else ''} by site"
    return f"{about.kind}, several" if about.array else about.kind


def written(spec, name, value):
    """Return a file in which one field of one specification has a value."""
    place = PLACES[spec]
    if place.endswith("\n"):
        need = "failover: {detection: 3 s}\n" if "failover" in described(spec) else ""
        others = "database: {mttf: 200 d, mttr: 4 h}\n" if name != "database" else ""
        need = "" if name == "failover" else need
        return f"{place}{others}{need}{name}: {value}\n"
    beside = {
        f.name: SAMPLES[f.name]
        for f in fields(spec)
        if f.init
        and f.default is MISSING
        and f.default_factory is MISSING
        and f.name != name
    }
    inside = ", ".join(f"{k}: {v}" for k, v in {**beside, name: value}.items())
    text = f"{{{inside}}}"
    *outer, last = place.split(".")
    for word in [last, *reversed(outer)]:
        text = f"[{text}]" if word.endswith("[]") else text
        text = f"{{{word.removesuffix('[]')}: {text}}}"
    root = ROOTS.get(spec, ActivePassive)
    if root is not ActivePassive:
        head = f"{PLACES[root]}database: {{mttf: 200 d, mttr: 4 h}}\n"
        return f"{head}{text[1:-1]}\n"
    return f"{PAIR}{text[1:-1]}\n"


SAMPLES = {
    "mttf": "200 d",
    "mttr": "4 h",
    "node": "{mttf: 200 d, mttr: 4 h}",
    "every": "30 d",
    "takes": "10 min",
    "hit_ratio": "50 %",
    "service": "1 ms",
    **dict.fromkeys(("interval", "pause", "first", "again", "usual"), "1 s"),
    **dict.fromkeys(("takeover", "timeout", "heartbeat"), "1 s"),
    **dict.fromkeys(("resync", "length"), "1 s"),
    "failed": "1 %",
    "name": "other",
    "failover": "{}",
    "site": "fra",
    "rate": "1/d",
    "switchover": "{promotion: 1 s}",
}


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_nonsense_is_named_at_every_field(tmp_path_factory, data):
    spec, name = data.draw(st.sampled_from(FIELDS))
    value = data.draw(st.sampled_from(NONSENSE[sort_of(described(spec)[name])]))
    file = tmp_path_factory.mktemp("nonsense") / "system.yaml"
    file.write_text(written(spec, name, value))
    with pytest.raises(SpecError) as caught:
        load(file)
    text = str(caught.value)
    assert str(file) in text
    assert name in text
    assert "Traceback" not in text
    assert all(problem.line >= 1 for problem in caught.value.problems)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_misspelt_field_is_named_with_its_neighbour(tmp_path_factory, data):
    spec, name = data.draw(st.sampled_from([f for f in FIELDS if len(f[1]) > 5]))
    wrong = name[:-2] + name[-1] + name[-2] + "x"
    file = tmp_path_factory.mktemp("misspelt") / "system.yaml"
    file.write_text(written(spec, wrong, "3"))
    with pytest.raises(SpecError, match="is not known here") as caught:
        load(file)
    assert f"did you mean {name!r}?" in str(caught.value)


def test_every_field_has_a_kind_and_every_kind_is_tried():
    kinds = {sort_of(described(spec)[name]) for spec, name in FIELDS}
    assert kinds <= set(NONSENSE)
    reached = set(PLACES)
    for spec, name in FIELDS:
        assert described(spec)[name].made in (None, *reached)


def test_laws_reach_the_architecture(read):
    for text in ('"gamma(mean=3 s, cv=0.5)"', "{weibull: {scale: 3 s, shape: 2}}"):
        spec = read(PAIR + f"failover: {{promotion: {text}}}\n")
        assert isinstance(spec.architecture.failover.promotion, Duration)


def test_a_value_says_where_it_was_read_before(tmp_path):
    """A setting's origin is shown beside all that is derived of it."""
    path = tmp_path / "read.yaml"
    path.write_text(
        "extends: postgresql-patroni\n"
        "settings: {ttl: {value: 40 s, from: 'patroni.yml:14'}}\n"
        "failover: {coverage: {value: 98 %, from: drills.md:3, because: 49 of 50}}\n"
    )
    spec = load(path)
    shown = {name: source for name, _, source in spec.parameters}
    assert shown["failover.detection.ttl"] == "patroni.yml:14, ttl"
    assert "patroni.yml:14" in shown["standby.probe"]
    assert shown["failover.coverage"] == "drills.md:3, 49 of 50"
    assert spec.sources["settings.ttl"].origin == "patroni.yml:14"


def test_a_field_of_a_mechanism_is_changed_without_naming_it(tmp_path):
    """As `explain` and sweeps name it: election.heartbeat, and not a law anew."""
    file = tmp_path / "here.yaml"
    file.write_text("extends: etcd\nelection: {heartbeat: 50 ms}\n")
    election = load(file).architecture.mechanisms["election"]
    assert election.heartbeat == 0.05
    assert election.election_timeout == 1.0  # the preset's, as ever
    file.write_text(
        "extends: etcd\nfailover: {detection: {heartbeat: {interval: 1 s}}}\n"
    )
    detection = load(file).architecture.failover.mechanisms["detection"]
    assert (type(detection).__name__, detection.interval) == ("Heartbeat", 1.0)


def test_what_is_no_system_s_file_is_extended_by_none(tmp_path):
    (tmp_path / "patroni.yml").write_text("scope: orders\nttl: 40\n")
    file = tmp_path / "here.yaml"
    file.write_text("title: x\nextends: patroni.yml\n")
    with pytest.raises(SpecError, match=r"here.yaml:2:1: .*hamodel read patroni.yml"):
        load(file)


def test_a_comma_within_a_number_is_told_from_one_between_fields(tmp_path):
    file = tmp_path / "here.yaml"
    for written, meant in (("5,000/s", "5000/s"), ("2,5/s", "2.5/s")):
        file.write_text(f"extends: etcd\nworkload: {{reads: {written}}}\n")
        with pytest.raises(SpecError, match=rf"write {meant}$"):
            load(file)


def test_an_election_stands_where_it_counts(tmp_path):
    """Clients of a majority do not elect: the value would change nothing."""
    file = tmp_path / "here.yaml"
    law = "{detection: {election: {election_timeout: 5 s}}}"
    file.write_text(f"extends: etcd\nfailover: {law}\n")
    with pytest.raises(SpecError, match=r"here.yaml:2:1: .*stands in `election`"):
        load(file)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("everywhere", "{mttf: 1 yr, mttr: 1 h, cores: 4}"),
        ("site", "{balancers: {node: {mttf: 1 yr, mttr: 1 h, cores: 4}}}"),
    ],
)
def test_what_changes_nothing_is_refused_and_not_explained(tmp_path, field, value):
    file = tmp_path / "here.yaml"
    file.write_text(f"extends: postgresql-patroni\n{field}: {value}\n")
    with pytest.raises(SpecError, match=r"cores: changes nothing here: leave it out"):
        load(file)
    file.write_text(file.read_text().replace(", cores: 4", ""))
    paths = [path for path, _, _ in load(file).parameters if path.startswith(field)]
    assert any(path.endswith("mttf") for path in paths)
    assert not any(path.endswith("cores") for path in paths)


def test_mistakes_of_yaml_are_told_as_hands_make_them(tmp_path):
    file = tmp_path / "here.yaml"
    for text, said in (
        ("title:Our\nextends: etcd\n", "needs a space after its colon"),
        ("extends: etcd\n\tworkload: {}\n", "indent by spaces"),
        ("extends: etcd\nworkload: {reads: 3\ntitle: x\n", "a { is not closed"),
        ('title: "Our\n', "a quote is not closed"),
    ):
        file.write_text(text)
        with pytest.raises(SpecError) as caught:
            load(file)
        assert said in str(caught.value)
        assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PAIR + "failover: {detection: {sequential probe: {}}}\n",
            ": failover.detection.pause: is missing (pause between probes): sequential "
            "probe needs it",
        ),
        ("architecture: majority\n", ": database: is missing (one database): this"),
        (PAIR + "database: {mttf: 1,5 d, mttr: 3 h}\n", "fields: write 1.5 d"),
        (PAIR + "reads: 900/s\n", "reads: is a field of workload: indent it below"),
        ("Extends: etcd\n", "extends: a preset; write extends for Extends"),
        ("extends: nofile.yaml\n", "the file nofile.yaml is not there, beside"),
        (
            PAIR + "failures: [{mttf: 9 d}]\n",
            ".mttr: is missing (time until it is over): each of failures",
        ),
        (
            "extends: mysql-orchestrator\nreplication: {standbys: 2}\n",
            ": replication.standbys: must be",
        ),
        (PAIR + "failover: {fencing: {sum: [{lease: {}}, 1 s]}}\n", "law of fencing"),
        ("extends: etcd\nelection: {dns: {}}\n", "law of election, got Dns"),
        ("extends: etcd\nfailover: {promotion: 3 s}\n", "promotion: changes nothing"),
        (
            PAIR + "failover: {manual: 3 min, retry: 9 s}\n",
            "failover.manual: must be None unless attempts end (give tries beside",
        ),
        (
            PAIR + "failures: [{kind: process, mttf: 9 d, mttr: 1 s, "
            "detection: {promotion: {usual: 3 s}}}]\n",
            ".detection: must be a time or have a law of detection",
        ),
    ],
)
def test_mistakes_are_told_in_the_words_that_were_typed(read, text, message):
    with pytest.raises(SpecError) as caught:
        read(text)
    assert message in str(caught.value)


def test_a_time_by_hand_that_is_extended_gives_way_to_endless_attempts(read):
    """A preset's `manual` would change nothing beside them, and a line says so."""
    more = "extends: postgresql-patroni\nfailover: {retry: 30 s}\n"
    with pytest.warns(UserWarning, match="manual: that of postgresql-patroni is left"):
        given = read(more)
    assert given.architecture.failover.manual is None
    kept = read(more.replace("30 s", "30 s, tries: 2"))
    assert kept.architecture.failover.manual == 1800


def test_a_file_that_is_not_utf_8_says_where(tmp_path):
    file = tmp_path / "system.yaml"
    file.write_bytes("extends: etcd\ntitle: r\xe9sum\xe9\n".encode("latin-1"))
    with pytest.raises(SpecError, match=r":2:9: must be UTF-8 .* byte 0xe9"):
        load(file)


def test_what_changes_nothing_in_a_mode_is_told_and_not_explained(read):
    with pytest.warns(UserWarning, match="replication.timeout: changes nothing where"):
        given = read(PAIR + "replication: {timeout: 3 s}\n")
    told = {path for path, _, _ in given.parameters}
    assert "replication.mode" in told
    assert not told & {"replication.timeout", "replication.flush"}


def test_fields_that_a_stage_has_no_use_for_are_told_and_not_explained(read):
    """Where one mechanism stands for both stages, each field counts for one of them."""
    asks = "{dns: {interval: 5 s, ttl: 20 s}}"
    with pytest.warns(UserWarning, match="redirection.interval: changes nothing of a"):
        given = read(PAIR + f"failover: {{redirection: {asks}}}\n")
    told = {path for path, _, _ in given.parameters}
    assert "failover.redirection.ttl" in told
    assert "failover.redirection.interval" not in told
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(PAIR + f"failover: {{detection: {asks}, redirection: {asks}}}\n")
