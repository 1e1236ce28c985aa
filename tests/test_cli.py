"""The command line: what it prints, what it writes, how it ends."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from hamodel import specfile, text
from hamodel.architectures import Node
from hamodel.assessment import MEASURES, assess
from hamodel.cli import main
from hamodel.specfile import load

PAIR = """\
title: Orders
extends: postgresql-patroni
failover: {coverage: 97 %}
workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
requirements: {availability: 99.9 %, rto_p95: 1 min}
"""
SINGLE = """\
title: One node
architecture: single-primary
database: {mttf: 200 d, mttr: 4 h}
"""


pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Stand in a folder with two systems."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pair.yaml").write_text(PAIR)
    (tmp_path / "one.yaml").write_text(SINGLE)
    return tmp_path


def run(*arguments):
    """Call the command; return what it printed and its exit code."""
    done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return done.output, done.exit_code


def data(*arguments):
    """Return the JSON that a command prints."""
    return json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)


def test_a_page_to_act_on():
    page, code = run("assess", "pair.yaml")
    assert code == 0
    for part in (
        "Orders  (ActivePassive)",
        "worst year in 10",
        "Downtime of writes by cause",
        "failover did not work",
        "recovery (RTO)",
        "lost for good",
        "replication lag",
        "DC-1 reads",
        "Single points of failure",
        "What buys most",
        "min/yr saved",
        "Built another way",
        "writes kept a year",
        "in 100 to keep 99.9 % in a month",
        "met    availability of writes",
    ):
        assert part in page, part


def test_the_page_says_what_the_package_says():
    found = assess(load("pair.yaml").architecture, load("pair.yaml").workload)
    shown = data("assess", "pair.yaml")
    for name, value in shown["measures"].items():
        assert value == pytest.approx(float(MEASURES[name].of(found))), name
    causes = shown["availability"]["write"]["downtime_by_cause"]
    assert sum(causes.values()) == pytest.approx(found.write.unavailability)
    page, _ = run("assess", "pair.yaml")
    assert f"{found.write.minutes_per_year:.3g}" in page


def test_the_page_says_what_a_common_cause_would_do():
    found = assess(load("pair.yaml"))
    database = found.architecture.database
    common = Node(mttf=database.mttf / 0.05, mttr=database.mttr)
    apart = replace(database, mttf=database.mttf / 0.95)
    shared = replace(found.architecture, database=apart, everywhere=common)
    then = assess(shared, found.workload).write.minutes_per_year
    page, _ = run("assess", "pair.yaml")
    assert f"Writes {text.number(then)} min/yr if 5 % of the failures" in page
    shown = data("assess", "pair.yaml")["availability"]["write"]
    assert shown["minutes_per_year_if_dependent"] == pytest.approx(then)
    assert then > 1.5 * found.write.minutes_per_year


def test_three_changes_the_greatest_first():
    saved = [
        c["minutes_saved_per_year"] for c in data("assess", "pair.yaml")["changes"]
    ]
    assert len(saved) == 3
    assert saved == sorted(saved, reverse=True)


def test_a_load_that_is_believed_and_tried_again_is_answered(files):
    """Retries take single numbers: it said no answer, for it got arrays."""
    load = "writes: {uniform: {low: 1000, high: 1300}}, timeout: 1 s, retries: 1"
    times = "read_time: 2 ms, write_time: 5 ms"
    text = PAIR.replace("writes: 100/s", f"{load}, {times}")
    (files / "pair.yaml").write_text(text)
    page, _ = run("assess", "pair.yaml")
    assert "no answer" not in page
    assert "with 90 % credibility" in page
    shown = data("assess", "pair.yaml")["availability"]["write"]
    low, high = shown["unavailability_interval"]
    assert 0 < low < shown["unavailability"] < high


def test_a_belief_makes_an_interval(files):
    text = PAIR.replace("97 %", "{beta: {successes: 39, trials: 40}}")
    (files / "pair.yaml").write_text(text)
    page, _ = run("assess", "pair.yaml")
    assert "with 90 % credibility" in page
    whole = data("assess", "pair.yaml")
    shown = whole["availability"]["write"]
    low, high = shown["unavailability_interval"]
    assert 0 < low < shown["unavailability"] < high
    beside = data("compare", "pair.yaml")
    assert beside["uncertain"] == ["failover.coverage"]
    (beside,) = beside["systems"].values()
    spec = load("pair.yaml")
    middle = assess(spec.architecture, spec.workload).write
    for measure in ("unavailability", "minutes_per_year"):
        mean = whole["measures"][f"write_{measure}"]
        assert shown[measure] == mean > 1.01 * getattr(middle, measure)
        assert beside[f"write_{measure}"] == pytest.approx(mean, rel=1e-12)
    told = data("explain", "pair.yaml")["write_minutes_per_year"]
    assert told == pytest.approx(shown["minutes_per_year"], rel=1e-12)
    nines = whole["measures"]["write_nines"]
    assert 10**-nines == pytest.approx(shown["unavailability"])
    by_cause = sum(shown["downtime_by_cause"].values())
    assert by_cause == pytest.approx(shown["unavailability"], rel=1e-9)
    assert "a mean over what is uncertain (failover.coverage)" in " ".join(
        run("explain", "pair.yaml")[0].split()
    )
    assert whole["uncertain"] == ["failover.coverage"]
    ends = []
    for p in (0.05, 0.95):
        coverage = float(spec.uncertain["failover.coverage"].quantile(1 - p))
        from hamodel._fields import replaced

        changed = replaced(spec.architecture, {"failover.coverage": coverage})
        ends.append(assess(changed, spec.workload).write.unavailability)
    assert [low, high] == pytest.approx(ends, rel=0.05)  # it falls with the coverage


def test_a_page_says_that_the_primary_moves_and_a_sweep_where_it_stands(files):
    """Writes of each site are near half of the time and away the other half."""
    text = PAIR.replace("97 %", "{beta: {successes: 39, trials: 40}}")
    (files / "pair.yaml").write_text(text)
    page, _ = run("assess", "pair.yaml")
    assert "The primary stays where the last failover took it" in page
    (files / "one.yaml").write_text("extends: pair.yaml\nsites: one\n")
    page, _ = run("assess", "one.yaml")
    assert "The primary stays" not in page
    over = ("sweep", "pair.yaml", "--over", "failover.promotion=1s,2s")
    assert "median of what is uncertain (failover.coverage)" in run(*over)[0]
    assert data(*over)["at_the_median"] == ["failover.coverage"]
    over = ("sweep", "pair.yaml", "--over", "failover.coverage=90%,99%")
    assert "median" not in run(*over)[0]
    page, _ = run("optimise", "pair.yaml", "--over", "failover.promotion=1s,2s")
    assert "Of 2 the cheapest is failover.promotion 1 s." in page


def test_a_missed_requirement_ends_with_1(files):
    (files / "pair.yaml").write_text(PAIR.replace("99.9 %", "99.9999 %"))
    page, code = run("assess", "pair.yaml")
    assert code == 1
    assert "MISSED availability of writes" in page
    assert data("assess", "pair.yaml")["requirements"][0]["met"] is False


def test_overload_is_an_answer(files):
    (files / "pair.yaml").write_text(PAIR.replace("900/s", "90000/s"))
    page, code = run("assess", "pair.yaml")
    assert code == 1
    assert "The load is beyond capacity" in page
    assert "it would fit" in page
    assert data("assess", "pair.yaml")["measures"]["read_p99"] == "inf"


def test_retries_that_keep_a_service_down_are_a_finding(tmp_path):
    file = tmp_path / "system.yaml"
    file.write_text(
        "architecture: single-primary\n"
        "database: {mttf: 2000 h, mttr: 4 h, cores: 1}\n"
        "workload: {reads: 50/s, writes: 0/s, read_time: 10 ms, timeout: 200 ms,\n"
        "  retries: 3}\n"
    )
    page, _ = run("assess", str(file))
    assert "After a push retries keep it down" in " ".join(page.split())
    file.write_text(file.read_text().replace("retries: 3}", "retries: 0}"))
    page, _ = run("assess", str(file))
    assert "retries keep it down" not in " ".join(page.split())


def test_systems_side_by_side():
    page, code = run("compare", "pair.yaml", "one.yaml")
    assert code == 0
    assert "Orders" in page
    assert "One node" in page
    assert "survives a site loss" in page
    shown = data("compare", "pair.yaml", "one.yaml")
    assert set(shown["systems"]) == {"Orders", "One node"}


def test_systems_side_by_side_share_the_sites_of_the_clients(files):
    words = PAIR.replace("97 %", "{beta: {successes: 39, trials: 40}}")
    words = words.replace("reads:", "clients: {DC-1: 60 %, DC-2: 40 %}, reads:")
    (files / "pair.yaml").write_text(words)
    (files / "far.yaml").write_text("extends: postgresql-patroni\nsites: [x, y]\n")
    page, code = run("compare", "pair.yaml", "far.yaml")
    assert code == 2
    assert "far.yaml: sites are x, y, and the clients of pair.yaml are at " in page
    page = " ".join(run("compare", "pair.yaml", "pair.yaml")[0].split())
    assert "Downtime is a mean over what is uncertain (failover.coverage)" in page
    assert "failover.coverage at the median" in run("simulate", "pair.yaml")[0]


def test_the_choice_and_its_reasons():
    page, code = run("decide", "pair.yaml", "one.yaml")
    assert code == 0
    assert "Orders alone keeps all limits" in page.replace("\n", " ")
    assert "One node misses recovery time of 95 % of the failures" in page
    shown = data("decide", "pair.yaml", "one.yaml")
    assert shown["winner"] == "Orders"
    assert len(shown["table"]) == 8
    page, code = run("decide", "one.yaml")
    assert code == 2
    assert "one.yaml: requirements must be given to decide" in page


def test_nobody_keeps_the_limits(files):
    (files / "one.yaml").write_text(SINGLE + "requirements: {rto_p95: 1 s}\n")
    page, code = run("decide", "one.yaml")
    assert code == 1
    assert "No candidate keeps all limits" in page


def test_flips_on_demand(files):
    other = SINGLE.replace("One", "Another").replace("mttr: 4 h", "mttr: 9 h")
    other += "requirements: {availability: 99 %}\n"
    (files / "two.yaml").write_text(other)
    shown = data("decide", "two.yaml", "one.yaml", "--flips")
    assert any("is chosen" in flip for flip in shown["flips"])


def test_weak_points():
    page, _ = run("spof", "one.yaml")
    assert "Stops writes alone" in page
    shown = data("spof", "one.yaml")["write"]["alone"]
    system = load("one.yaml").architecture.diagram("write")
    assert shown == list(system.single_points_of_failure())


def test_where_numbers_come_from():
    page, _ = run("explain", "pair.yaml")
    flat = " ".join(page.split())
    assert "pair.yaml:3" in flat
    assert "FO-001" in flat
    assert "on these assumptions" in flat
    assert "Else: 5 % of the failures of a database strike everything." in flat
    shown = data("explain", "pair.yaml")
    assert shown["states_of_parts"]["pair"] > 4
    assert any(a["then_minutes_per_year"] for a in shown["assumptions"])


SWEPT = ("sweep", "pair.yaml", "--over", "failover.promotion=10s..60s:6")


def test_a_sweep_is_the_packages_own():
    rows = data(*SWEPT, "--over", "failover.coverage=90 %,99 %")["rows"]
    assert len(rows) == 12
    from hamodel import sweep

    spec = load("pair.yaml")
    direct = sweep(
        spec.architecture,
        spec.workload,
        failover__promotion=[10, 20, 30, 40, 50, 60],
        failover__coverage=[0.9, 0.99],
        quantities=["write_minutes_per_year"],
    )
    shown = [row["write_minutes_per_year"] for row in rows]
    assert shown == pytest.approx(direct.write_minutes_per_year.values.ravel())


def test_a_sweep_of_words_and_files(files):
    page, code = run("sweep", "pair.yaml", "--over", "replication.mode=async,sync")
    assert code == 0
    assert "sync" in page
    page, code = run(*SWEPT, "--out", "found.csv")
    assert (code, "found.csv written: 6 failover.promotion" in page) == (0, True)
    assert (files / "found.csv").read_text().count("\n") == 7
    page, code = run(*SWEPT, "--out", "found.csv")
    assert code == 2
    assert "found.csv is there already; --force overwrites it" in page
    assert run(*SWEPT, "--out", "found.csv", "--force")[1] == 0
    assert run(*SWEPT, "--out", "found.nc")[1] == 0
    import xarray as xr

    with xr.open_dataset(files / "found.nc", engine="scipy") as found:
        assert found.sizes == {"failover__promotion": 6}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("failover.promotion", "over must be PATH=VALUES"),
        ("failover.promotion=1s..9s:1", "COUNT >= 2"),
        ("failover.promotion=a..b", "must be"),
        ("failover.promotoin=1s,2s", "did you mean"),
        ("failover.coverage=2", "did you mean 2 %?"),
    ],
)
def test_sweeps_that_cannot_be(over, message):
    page, code = run("sweep", "pair.yaml", "--over", over)
    assert code == 2
    assert message in page
    assert "Traceback" not in page


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("found.txt", "out must end in .csv or .nc, got found.txt"),
        ("none/found.csv", "out must be in a folder that exists, got none"),
    ],
)
def test_files_that_cannot_be_written(out, message):
    page, code = run(*SWEPT, "--out", out)
    assert code == 2
    assert message in page


def test_a_starter_file_and_never_over_another(files):
    page, code = run("init")
    assert code == 0
    assert "system.yaml written; next: hamodel assess system.yaml" in page
    assert (files / "system.yaml").read_text() == specfile.starter()
    assert run("assess", "system.yaml")[1] == 0
    (files / "system.yaml").write_text("mine")
    page, code = run("init")
    assert code == 2
    assert "system.yaml is there already; --force overwrites it" in page
    assert (files / "system.yaml").read_text() == "mine"
    assert run("init", "--force")[1] == 0
    page, code = run("init", "none/x.yaml")
    assert (code, "cannot be read or written: No such file" in page) == (2, True)


def test_the_schema_is_printed():
    page, code = run("schema")
    assert code == 0
    assert json.loads(page) == specfile.schema()


def test_mistakes_in_a_file_end_with_2_and_their_line(files):
    (files / "pair.yaml").write_text(PAIR.replace("97 %", "970 %"))
    for command in ("assess", "spof", "explain", "compare", "decide"):
        page, code = run(command, "pair.yaml")
        assert code == 2
        assert "pair.yaml:3" in page
        assert "failover.coverage: must be in [0, 1], got 9.7" in page
    page, code = run("assess", "none.yaml")
    assert (code, "there is no file none.yaml" in page) == (2, True)


@pytest.mark.parametrize("command", ["assess", "spof", "explain"])
def test_a_page_needs_no_labels_no_pictures_and_no_symbols(command, tmp_path):
    """Half a second, imports included, leaves no room for what is not used."""
    (tmp_path / "s.yaml").write_text(specfile.starter(), encoding="utf-8")
    code = (
        "import sys; from hamodel.cli import main\n"
        f"try: main(['{command}', 's.yaml'])\n"
        "except SystemExit: pass\n"
        "heavy = {'xarray', 'pandas', 'sympy', 'matplotlib', 'simpy', 'scipy',\n"
        "  'numpy.ma', 'numpy.random', 'hamodel.simulation', 'hamodel.plots'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_help_names_every_command():
    page, code = run("--help")
    assert code == 0
    commands = (
        "assess calibrate compare decide explain init optimise presets schema simulate "
        "spof sweep"
    )
    assert "2  a mistake in the call, in a file" in page
    for command in commands.split():
        assert command in page
        assert run(command, "--help")[1] == 0
    assert "hamodel, version" in run("--version")[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [("failover.promotion=0x10", 2), ("title=2024-01-01", 0), ("title=on", 0)],
)
def test_a_change_is_read_as_in_a_file(change, code):
    """And not as other dialects of YAML have it, where 0x10 is 16 and that a date."""
    assert run("assess", "pair.yaml", "--set", change)[1] == code
