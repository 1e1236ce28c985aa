"""The command line where it is badly treated: odd outputs, odd calls, odd widths."""

import json
import os
import re
import subprocess
import sys

import jsonschema
import pytest
from click.testing import CliRunner

import hamodel.cli._gate as page
from hamodel import assess
from hamodel.architectures import ActiveActive, Node, Region
from hamodel.catalogue import system
from hamodel.cli import main
from hamodel.cli._page import Paper
from hamodel.cli._said import failed, mended
from hamodel.facts import folder
from hamodel.failover import Failover
from hamodel.units import HOUR
from tests.support.processes import environment

PAIR = """\
title: Orders [bold] of the shop
extends: postgresql-patroni
failover: {coverage: {beta: {successes: 39, trials: 40}}}
workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
requirements: {availability: 99.9 %, rto_p95: 1 min, write_p99: {DC-1: 1 s}}
"""
SLA = """\
title: Shop
structure: client > web > any(sql, queue)
parts: {web: 99.95 %, sql: 99.99 %, queue: 99.9 %}
requirements: {availability: 99.9 %}
"""

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Stand in a folder with a system and a structure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "pair.yaml").write_text(PAIR)
    (tmp_path / "sla.yaml").write_text(SLA)
    return tmp_path


def run(*arguments, **options):
    """Call the command; return what it printed and its exit code."""
    done = CliRunner().invoke(main, list(arguments), **options)
    return done.output, done.exit_code


def data(*arguments):
    """Return the JSON that a command prints."""
    return json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)


def call(*arguments, **variables):
    """Call the command in a process of its own, as a shell does."""
    code = "from hamodel.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        env=environment(**variables),
    )


# ---- letters -----------------------------------------------------------------------

ABROAD = "title: Bestellungen Z\u00fcrich \u6771\u4eac\nextends: etcd\n"


@pytest.mark.parametrize(
    "command",
    [
        ["assess", "-", "--format", "markdown"],
        ["assess", "-", "--format", "junit"],
        ["assess", "-", "--json"],
        ["schema"],
    ],
)
def test_what_programs_take_up_is_utf_8_in_any_locale(command):
    code = "from hamodel.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        input=b"\xef\xbb\xbf" + ABROAD.encode(),
        capture_output=True,
        env=environment(PYTHONIOENCODING="cp1252"),
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode("utf-8")
    assert "\u00fcrich \u6771\u4eac" in shown or command == ["schema"]


def test_explanations_fit_their_width():
    page = CliRunner().invoke(main, ["explain", "pair.yaml"], env={"COLUMNS": "80"})
    assert max(map(len, page.stdout.splitlines())) <= 80


# ---- how it ends -------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("command", [["spof", "pair.yaml"], ["schema"]])
def test_a_full_disk_is_one_line(command):
    code = "from hamodel.cli import main; main()"
    with open("/dev/full", "w") as full:  # noqa: PTH123  a device
        done = subprocess.run(
            [sys.executable, "-c", code, *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    assert done.returncode == 2
    assert done.stderr == (
        "the answer cannot be read or written: No space left on device\n"
    )


def test_a_reader_that_had_enough_is_no_fault():
    code = "from hamodel.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "explain", "pair.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait() == 0
    running.stderr.close()


def test_a_fault_of_our_own_ends_with_3(monkeypatch):
    def broken(*_):
        raise KeyError("planted")

    monkeypatch.setattr(page, "page", broken)
    said, code = run("assess", "pair.yaml")
    assert code == 3
    assert "not by your fault: KeyError: 'planted'" in said
    assert "Traceback" not in said
    with pytest.raises(KeyError):
        run("--traceback", "assess", "pair.yaml", catch_exceptions=False)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_what_is_too_large_ends_with_2(monkeypatch, error):
    def greedy(*_):
        raise error

    monkeypatch.setattr(page, "page", greedy)
    said, code = run("assess", "pair.yaml")
    assert (code, said.count("\n")) == (2, 1)


def test_a_folder_that_is_missing_or_a_file_that_is_one(files):
    (files / "folder").mkdir()
    for arguments, said in (
        (["init", "none/x.yaml"], "No such file"),
        (["assess", "folder"], "folder is a folder"),
        (
            ["sweep", "pair.yaml", "--over", "crews=1,2", "--out", "none/x.csv"],
            "out must be in a folder that exists, got none",
        ),
    ):
        page_, code = run(*arguments)
        assert (code, said in page_) == (2, True), page_


def test_a_sweep_of_ten_thousand_million_points_says_the_memory():
    over = ["--over", "failover.promotion=1s..60s:10000000000"]
    said, code = run("sweep", "pair.yaml", *over)
    assert (code, "80 GB" in said) == (2, True)
    over = [
        *("--over", "failover.promotion=1s..60s:100000"),
        *("--over", "failover.coverage=0.9..0.99:100000"),
    ]
    said, code = run("sweep", "pair.yaml", *over)
    assert code == 2
    assert "100,000 x 100,000 = 10,000,000,000 points of 1 quantities, 80 GB" in said


# ---- what it looks like ------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_every_encoding_shows_a_bar(encoding):
    done = call("assess", "pair.yaml", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode(encoding)
    assert ("█" if encoding == "utf-8" else "####") in text
    assert "?" not in text
    assert "Traceback" not in done.stderr.decode()
    done = call("decide", "pair.yaml", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr.decode()


def test_what_is_piped_is_not_wrapped_and_not_bold():
    done = call("explain", "pair.yaml").stdout.decode()
    assert max(map(len, done.splitlines())) > 100
    assert "\x1b" not in done


@pytest.mark.parametrize("width", [40, 60, 100])
def test_columns_set_the_width_and_no_word_is_broken(width, monkeypatch):
    whole = run("assess", "pair.yaml")[0]
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = run("assess", "pair.yaml")[0]
    verdicts = [x for x in narrow.splitlines() if x.startswith(("  met", "  MISSED"))]
    assert verdicts == [
        x for x in whole.splitlines() if x.startswith(("  met", "  MISSED"))
    ]
    words = [sorted(page_.replace("█", "").split()) for page_ in (whole, narrow)]
    assert words[0] == words[1]
    wrapped = [x for x in narrow.splitlines() if " p50 " not in x and x[:2] != "  "]
    prose = [x for x in wrapped if x.startswith(("Writes, with", "Assumed", "Lag"))]
    assert prose
    assert all(len(x) <= width for x in prose)


def test_a_table_gives_way_in_its_words(capsys):
    rows = [("a long name of some words", "1,234"), ("short", "5")]
    Paper(20).table("", rows, ("", "number"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 20
    assert lines[1].split()[-1] == "1,234"
    assert "a long name" in lines[1]


def test_titles_are_shown_as_they_are():
    assert run("assess", "pair.yaml")[0].startswith("Orders [bold] of the shop  (Act")


def test_no_color(monkeypatch):
    assert "\x1b[1m" in run("spof", "pair.yaml", color=True)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("spof", "pair.yaml", color=True)[0]


# ---- other ways in -----------------------------------------------------------------


def test_a_field_is_set_on_the_command_line():
    changed = data("assess", "pair.yaml", "--set", "failover.coverage=99%")
    assert changed["uncertain"] == []
    plain = PAIR.replace("{beta: {successes: 39, trials: 40}}", "99 %")
    given, code = run("assess", "-", "--json", input=plain)
    assert code == 0
    assert json.loads(given)["measures"] == changed["measures"]
    several = ["--set", "sites=[fra, dub]", "--set", "requirements.write_p99=1s"]
    page_, _ = run("assess", "pair.yaml", *several, "--set", "workload.reads=800")
    assert "fra reads" in page_


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("failover.coverage=990%", "failover.coverage: must be"),
        ("failover.coveragee=99%", "failover.coveragee"),
        ("failover.coverage", "--set must be PATH=VALUE, got 'failover.coverage'"),
        ("=3", "--set must be PATH=VALUE"),
    ],
)
def test_a_wrong_change_is_named(change, message):
    page_, code = run("assess", "pair.yaml", "--set", change)
    assert code == 2
    assert message in page_
    assert "changes.yaml" not in page_


def test_standard_input():
    assert run("assess", "-", input=PAIR)[0] == run("assess", "pair.yaml")[0]
    page_, code = run("assess", "-", input=PAIR.replace("39", "x"))
    assert code == 2
    assert "standard input:3" in page_
    extended = "extends: pair.yaml\ntitle: Mine\n"
    assert run("assess", "-", input=extended)[0].startswith("Mine")


def test_presets_are_listed_shown_and_taken():
    from hamodel import catalogue

    listed = data("presets")["presets"]
    assert [one["name"] for one in listed] == list(catalogue.systems())
    assert all(one["summary"] for one in listed)
    shown = data("presets", "etcd")
    assert shown["architecture"] == "Majority"
    assert any("FAIL-" in row["from"] for row in shown["parameters"])
    assert {law["path"] for law in shown["laws"]} >= {"election", "recovery"}
    said = run("presets", "show", "postgresql-patroni")[0]
    assert "uniform(20 s, 30 s) + uniform(0 s, 500 ms)" in said
    assert "recovery from 'host lost'" in said
    assert "new primary takes writes" in said
    assert run("presets", "show")[1] == run("presets", "etcd", "kafka")[1] == 2
    assert run("assess", "etcd")[1] == 0
    page_, code = run("assess", "etdc")
    assert (code, "did you mean etcd?" in page_) == (2, True)


def test_a_starter_of_a_preset():
    from hamodel import catalogue

    for name in catalogue.systems():
        assert run("init", "--preset", name, f"{name}.yaml")[1] == 0
        page_, code = run("spof", f"{name}.yaml")
        assert code == 0, page_
    page_, code = run("init", "--preset", "etdc", "new.yaml")
    assert (code, "there is no preset etdc; did you mean etcd?" in page_) == (2, True)


def test_a_simulation_beside_the_computed():
    shown = data("simulate", "pair.yaml", "--years", "200", "--seed", "4")
    for row in shown["unavailability"].values():
        assert row["low"] <= row["value"] <= row["high"]
        assert row["low"] / 2 < row["computed"] < 2 * row["high"]
    page_, _ = run("simulate", "pair.yaml", "--years", "50")
    assert "50 years, seed 1" in page_


def test_the_command_takes_one_core_unless_told_otherwise(files):
    """Numpy is loaded after the number of its threads is said, or it does not count."""
    code = (
        "import os, sys, hamodel.cli; assert 'numpy' not in sys.modules\n"
        "try: hamodel.cli.main(['spof', 'pair.yaml'])\n"
        "except SystemExit: print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    for given, threads in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")):
        plain = {k: v for k, v in os.environ.items() if "THREADS" not in k}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=files,
            env=plain | given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split()[-1] == threads, done.stderr


def test_the_cheapest_configuration(files):
    over = ["--over", "failover.coverage=0.9,0.999", "--over", "failover.manual=1h,4h"]
    best = data("optimise", "pair.yaml", *over)["best"]["choices"]
    assert best == {"failover.coverage": "0.999", "failover.manual": "3600.0"}
    (files / "hard.yaml").write_text(PAIR.replace("99.9 %", "99.99999 %"))
    page_, code = run("optimise", "hard.yaml", *over)
    assert code == 1
    assert "None of 4 keeps all limits" in page_


def test_scenarios_by_name_and_by_file(files):
    shown = data("decide", "bank")
    from hamodel import catalogue

    assert shown["winner"] == catalogue.scenario("bank").decide().winner
    (files / "mine.yaml").write_text(
        "candidates: [pair.yaml, etcd]\n"
        "workload: {reads: 100/s, writes: 10/s}\n"
        "requirements: {lost_writes_per_year: 0}\n"
        "around: {everywhere: {mttf: 2 yr, mttr: 30 min}}\n"
    )
    shown = data("decide", "mine.yaml")
    assert shown["winner"] == "etcd, default settings"
    page_, code = run("decide", "mine.yaml")
    assert (code, "Orders [bold] of the shop misses writes lost" in page_) == (0, True)
    (files / "mine.yaml").write_text("candidates: [pair.yaml]\nweather: fine\n")
    page_, code = run("decide", "mine.yaml")
    assert (code, "mine.yaml:2:1: weather: is no field of a scenario" in page_) == (
        2,
        True,
    )


# ---- requirements ------------------------------------------------------------------


def test_confidence_decides_where_parameters_are_uncertain(files):
    (files / "tight.yaml").write_text(PAIR.replace("99.9 %", "99.995 %"))
    shown = data("assess", "tight.yaml")
    (verdict,) = [r for r in shown["requirements"] if r["name"] == "write_availability"]
    assert 0 < verdict["chance"] < 1
    page_, _ = run("assess", "tight.yaml")
    assert " that it is " in page_
    for more, met in ((-1e-3, True), (1e-3, False)):
        asked = str(min(verdict["chance"] + more, 0.9999))
        found = data("assess", "tight.yaml", "--confidence", asked)
        (row,) = [r for r in found["requirements"] if r["name"] == verdict["name"]]
        assert row["met"] is met


def test_a_failover_that_does_not_work_is_told_in_words(files):
    text = PAIR.replace("{beta: {successes: 39, trials: 40}}", "99 %")
    (files / "pair.yaml").write_text(
        text.replace("coverage", "manual: 30 min, coverage")
    )
    page_, _ = run("assess", "pair.yaml")
    assert "1 failover in 100 does not work; that takes" in page_


def test_an_outage_that_a_repair_ends_is_no_failover_that_did_not_work():
    """In Couchbase a node is back long before anybody is led to another cluster."""
    for name in ("postgresql-patroni", "dynamodb-global-tables"):  # 2 min, of 3 h
        assert mended(assess(system(name))) == ""
    page_, _ = run("assess", "couchbase-xdcr")
    rows = {line.split("  ")[0]: line for line in page_.splitlines()}
    assert "30.5 min" in rows["recovery (RTO), failovers that work"]
    assert "1.39 min" in rows["outage, however it ends"]
    assert "Most outages end before a failover would" in page_
    assert "does not work" not in page_


def test_stale_reads_without_a_stated_replay_are_said_to_lack_it():
    """Of the standby that a commit waits for; the reads of others are late anyway."""
    for name, is_said in (
        ("mysql-orchestrator", True),
        ("postgresql-patroni", False),  # asynchronous
        ("kafka", False),  # followers serve no reads
        ("etcd", False),
    ):
        page_, _ = run("assess", name)
        assert ("No time for the replay is stated" in page_) == is_said


def test_more_copies_are_told_with_the_quorums_that_rise_with_them():
    page_, _ = run("assess", "cassandra")
    assert "copies: 3 -> 5 copies, read_quorum 3, write_quorum 3" in page_


def test_a_region_is_down_for_long_where_neither_of_its_failovers_works():
    quick = Failover(detection=5, redirection=30, coverage=0.95)
    region = Region(failover=Failover(promotion=20, coverage=0.98))
    node = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    said = failed(assess(ActiveActive(database=node, failover=quick, region=region)))
    assert "1 failover in 50 inside a site does not work, nor 1 in 20 to" in said
    assert said.endswith("1 time in 1,000.")


def test_nothing_is_said_of_a_load_that_nobody_stated(files):
    (files / "bare.yaml").write_text("extends: postgresql-patroni\n")
    page_, _ = run("assess", "bare.yaml")
    assert "Latency and load: left out, for no workload is stated" in page_
    assert "Assumed, for not stated: reads 900/s, writes 100/s" in page_  # the losses
    assert "No rate is given for 'PostgreSQL dies'" in page_
    assert "lock store (no rate is given)" in page_
    assert "p99" in page_
    assert "Load of the busiest" not in page_
    page_, _ = run("assess", "pair.yaml")
    assert "Assumed, for not stated: read_time 1 ms, write_time 2 ms" in page_
    assert "database.cores 8." in page_


@pytest.mark.usefixtures("files")
def test_what_stale_reads_and_conflicts_hang_on_is_shown_where_nobody_stated_it():
    """With an exponent of 0.5 there are 2,000 times fewer conflicts."""
    both = "keys 1,000,000, exponent 0.99."
    assert f"Assumed, for not stated: {both}" in run("assess", "pair.yaml")[0]
    assert both in run("assess", "cassandra")[0]  # no stale reads, but conflicts
    assert "exponent" not in run("assess", "kafka")[0]  # neither
    said = ("--set", "workload.keys=1000000", "--set", "workload.exponent=0.99")
    assert "exponent" not in run("assess", "pair.yaml", *said)[0]
    assert (
        "database.cores"
        not in run("assess", "pair.yaml", "--set", "database.cores=8")[0]
    )


# ---- data --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", ["title=x", "workload.reads=1000000/s", "requirements=null"]
)
def test_the_data_keeps_its_schema(change):
    schema = json.loads(run("schema", "--output")[0])
    jsonschema.Draft202012Validator.check_schema(schema)
    shown = data("assess", "pair.yaml", "--set", change)
    jsonschema.validate(shown, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**shown, "form": "another"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**shown, "more": 1}, schema)


def test_the_data_has_what_the_page_has():
    shown = data("assess", "pair.yaml")
    assert shown["met"] is True
    assert {row["site"] for row in shown["latency_s"]} == {"DC-1", "DC-2"}
    (limit,) = [r for r in shown["requirements"] if r["name"] == "write_p99"]
    assert (limit["site"], limit["limit"]) == ("DC-1", 1.0)
    assert shown["availability"]["write"]["worst_year_in_10_min"] > 0
    assert len(shown["changes"]) == 3


# ---- structures --------------------------------------------------------------------


def test_a_structure_of_agreements():
    """Serial: 1 - 0.9995 * 0.9999; with a queue beside the database, by hand."""
    shown = data("assess", "sla.yaml")
    assert shown["unavailability"] == pytest.approx(0.00050009995, rel=1e-9)
    assert shown["single_points_of_failure"] == ["web"]
    page_, code = run("assess", "sla.yaml")
    assert code == 0
    assert "met    availability: 99.95 %, where 99.9 % is required" in page_
    assert data("spof", "sla.yaml")["service"] == {
        "alone": ["web"],
        "in pairs": [["queue", "sql"]],
    }


def test_a_structure_may_begin_with_the_mark_of_its_bytes(files):
    (files / "sla.yaml").write_text(SLA[SLA.index("structure") :], "utf-8-sig")
    assert run("spof", "sla.yaml")[1] == 0


def test_a_structure_that_misses(files):
    (files / "sla.yaml").write_text(
        SLA.replace("availability: 99.9 %", "availability: 99.99 %")
    )
    page_, code = run("assess", "sla.yaml")
    assert (code, "MISSED availability" in page_) == (1, True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("web: 99.95 %", "web: 99.95", "sla.yaml:3:9: parts.web: must be a share"),
        ("web: 99.95 %", "wbe: 99.95 %", "parts.web: must be given, and is not"),
        ("web: 99.95 %", "wbe: 99.95 %", "no part of the structure; did you mean web"),
        ("any(sql", "any(sql(", "sla.yaml:2"),
        ("title", "titlee", "sla.yaml:1:1: titlee: is no field; did you mean title"),
        ("availability: 99.9 %", "rto_p95: 1 s", "must be an availability alone"),
        ("99.95 %,", "{mttf: 3 h},", "must be an availability, or mttf and mttr"),
        ("title", "\0title", "sla.yaml:1:1: cannot be read as YAML: unacceptable"),
        ("parts:", "title: b\nparts:", "'title' must be given once, got it twice"),
        ("99.95 %,", "[1],", "parts.web: must be a share"),
    ],
)
def test_mistakes_in_a_structure(files, old, new, message):
    (files / "sla.yaml").write_text(SLA.replace(old, new))
    page_, code = run("assess", "sla.yaml")
    assert code == 2
    assert message in page_


def test_files_of_a_product_come_through_a_pipe_too():
    words = (folder() / "configs/patroni/patroni.yml").read_text()
    page_, code = run("explain", "-", input=words)
    assert code == 0
    assert re.search("24 s +standard input:19 bootstrap.dcs.ttl", page_)
    assert "-input-" not in page_
    assert "! standard input:53 tags.failover_priority" in page_


@pytest.mark.filterwarnings("default")
def test_a_doubtful_setting_is_told_in_a_line_at_its_place():
    page_, code = run("spof", "pair.yaml", "--set", "failover.detection.ttl=20 s")
    assert code == 0
    (line,) = (x for x in page_.splitlines() if x.startswith("!"))
    assert line.startswith("! --set: failover.detection: ttl should be >= loop_wait")


def test_a_limit_missed_by_a_hair_shows_the_hair(files):
    slow = "{promotion: constant(99.003 s), detection: 20 s, redirection: 1 s}"
    (files / "hair.yaml").write_text(
        "title: x\narchitecture: active-passive\ndatabase: {mttf: 1/yr, mttr: 1 h}\n"
        f"failover: {slow}\nrequirements: {{rto_p95: 2 min}}\n"
    )
    page_, code = run("assess", "hair.yaml")
    assert code == 1, page_
    assert "failures: 2.00005 min, and 2 min is allowed" in page_


def test_a_closed_output_is_said_in_a_line():
    code = "import sys; sys.stdout = None; from hamodel.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "spof", "pair.yaml"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 2
    assert done.stderr == "the answer cannot be written: there is no output\n"


def test_bars_fit_a_narrow_page():
    page_, _ = run("assess", "pair.yaml", env={"COLUMNS": "40"})
    bars = [line for line in page_.splitlines() if "█" in line]
    assert bars
    assert max(map(len, bars)) <= 40
    full, _ = run("assess", "pair.yaml", env={"COLUMNS": "100"})
    assert max(line.count("█") for line in full.splitlines()) == 24


def test_presets_are_called_by_their_names():
    assert run("check", "etcd")[0] == "etcd: nothing is required\n"
    page_, code = run("presets", "redis-sentinal")
    assert (code, page_) == (
        2,
        "there is no preset redis-sentinal; did you mean redis-sentinel?\n",
    )


def test_versions_go_with_every_command_that_reads_files_of_products():
    file = str(folder() / "configs/patroni/patroni.yml")
    for command in (["check"], ["compare", "etcd"]):
        _, code = run(*command, file, "--assume", "patroni=2.1")
        assert code == 0
    page_, code = run("compare", "etcd", "--assume", "patroni=2.1")
    assert code == 2
    assert "none of etcd is" in page_


def test_of_one_database_the_page_says_when_a_backup_is_all_there_is():
    """Half a day looked like what each failure takes; without replicas none lags."""
    page_, _ = run("assess", "kubernetes-statefulset")
    assert "destroys the data" in page_
    assert "of the failures none (destroyed)." in " ".join(page_.split())
    assert "replication lag" not in page_
    page_, _ = run("assess", "kubernetes-statefulset", "--set", "destroyed=2%")
    assert "of the failures 2 % (destroyed)." in " ".join(page_.split())
