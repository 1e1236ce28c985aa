"""Configuration files of products: what is made of them, and what is said of the rest.

`python -m tests.test_reading` writes the kept readings anew; look at what changed.
"""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hamodel import load
from hamodel.assessment import MEASURES, assess
from hamodel.cli import main
from hamodel.facts import fact
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
from tests.support.readings import (
    CONFIGS,
    MOVES,
    OPEN,
    SETS,
    WARNED,
    copied,
    reading,
    run,
)

GOLDEN = Path(__file__).parent / "support" / "golden"
EVERY = sorted(path for path in CONFIGS.rglob("*") if path.is_file())
PLACED = [(f.name, x.names[0]) for f in FORMATS for x in f.fields if x.to]
SECRET = "s3cr3t"
#: Fields whose lines do not have their names.
UNNAMED = ("host", ".quorum", "replication", "node")


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


# ---- whole readings ----------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_a_reading_is_as_it_is_kept(name):
    kept = (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")
    assert reading(name).text == kept


@pytest.mark.filterwarnings("ignore:.*ttl should be")  # as the file of one set has it
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
        for default in field.by_version:
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
    assert "did you mean 'patroni'" in run("read", path, "--assume", "patrni=2.1")[1]
    assert "must be a version" in run("read", path, "--assume", "patroni=new")[1]
    assert "NAME=VERSION" in run("read", path, "--assume", "patroni")[1]


def test_changes_and_requirements_go_with_files_of_a_product():
    path = CONFIGS / "patroni" / "patroni.yml"
    assert run("assess", path, "--set", "requirements.rto_p95=2 min")[2] == 0
    assert run("assess", path, "--set", "requirements.rto_p95=2 s")[2] == 1


def test_a_version_may_be_assumed_wherever_files_are_read():
    path = CONFIGS / "etcd" / "etcd.conf.yml"  # pre-vote is on from 3.5 on
    for command in ("assess", "explain"):
        pages = {run(command, path, "--assume", f"etcd={v}") for v in ("3.4", "3.5")}
        assert len(pages) == 2
        assert "NAME=VERSION" in run(command, path, "--assume", "etcd")[1]
        _, err, code = run(command, "etcd", "--assume", "etcd=3.4")
        assert code == 2
        assert "configuration files of a product, and etcd is none" in err


def test_pages_and_messages_name_no_file_that_nobody_has(tmp_path):
    path = CONFIGS / "patroni" / "patroni.yml"
    changes = ("--set", "database.mttr=1h")
    for more in ((), changes):
        page = run("explain", path, *more)[0]
        assert "as read" not in page
        assert "changes.yaml" not in page
        assert re.search(r"replication.timeout .* assumed: a loop", page)
    assert re.search(r"database.mttr +1 h +--set\n", page)
    needs = ("--set", "requirements.rto_p95=1s", "--format", "sarif")
    told = json.loads(run("assess", path, *needs)[0])["runs"][0]["results"][0]
    place = told["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("patroni.yml")
    nodes = [CONFIGS / "patroni" / f"node-{x}.yml" for x in "abc"]
    wrong = ("replication.standbys=1", "sites=[a, b]", "replicas=null")
    sets = [word for change in wrong for word in ("--set", change)]
    err = run("assess", *nodes, *sets)[1]
    assert "as read" not in err
    path = tmp_path / "two.yml"
    words = (CONFIGS / "patroni" / "patroni.yml").read_text()
    wanted = "synchronous_mode: true\n    synchronous_node_count: 2"
    path.write_text(words.replace("synchronous_mode: true", wanted))
    cfg = CONFIGS / "patroni" / "haproxy.cfg"
    err = run("assess", path, cfg, *sets[:4])[1]
    line = path.read_text().splitlines().index("    synchronous_node_count: 2") + 1
    assert f"must be <= standbys (1), got 2 (in two.yml:{line})" in err


def test_files_that_extend_each_other_are_named_where_they_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("extends: b.yaml\n")
    Path("b.yaml").write_text("title: b\nextends: a.yaml\n")
    done = CliRunner().invoke(main, ["assess", "-"], input="extends: a.yaml\n")
    for err in (run("assess", "a.yaml")[1], done.stderr):
        assert re.search(r"\bb.yaml:2:1: extends: 'a.yaml' extends", err)


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
