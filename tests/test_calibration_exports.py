"""Logs as other tools write them, and what is left of logs once they are summed up."""

import json
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import hamodel as ha
from hamodel import calibration
from hamodel.cli import main
from hamodel.units import HOUR, MINUTE, MONTH, YEAR
from tests.support.processes import ROOT

INCIDENTS = ROOT / "data" / "incidents"
#: The same three outages of 2 h, 30 min and 1 h, as four tools export them.
PAGERDUTY = """\
id,incident_number,description,service_name,urgency,created_on,resolved_on,escalation
P1,1,disk full,Orders DB,high,2025-03-02T10:00:00Z,2025-03-02T12:00:00Z,DBA
P2,2,oom,Orders DB,high,2025-05-20T01:00:00Z,2025-05-20T01:30:00Z,DBA
P3,3,oom,Orders DB,high,2025-09-09T09:00:00Z,2025-09-09T10:00:00Z,DBA
"""
OPSGENIE = """\
Id;TinyId;Message;Impacted Services;CreatedAt;ClosedAt
a;1;disk full;Orders DB;1740909600;1740916800
b;2;oom;Orders DB;1747702800;1747704600
c;3;oom;Orders DB;1757408400000;1757412000000
"""
STATUSPAGE = """\
name,components,impact,created_at,started_at,resolved_at
a,Orders DB,major,"Mar 2, 2025 10:09","Mar 2, 2025 10:00","Mar 2, 2025 12:00 UTC"
b,Orders DB,major,"May 20, 2025 01:04","May 20, 2025 01:00","May 20, 2025 01:30 UTC"
c,Orders DB,minor,"Sep 9, 2025 09:01","Sep 9, 2025 09:00","Sep 9, 2025 10:00 UTC"
"""
JIRA = """\
Issue key,Summary,Component/s,Created,Resolved
OPS-1,disk full,Orders DB,02/Mar/25 10:00 AM,02/Mar/25 12:00 PM
OPS-2,oom,Orders DB,20/May/25 1:00 AM,20/May/25 1:30 AM
OPS-3,oom,Orders DB,09/Sep/25 9:00 AM,09/Sep/25 10:00 AM
"""
JIRA_OF_TWO = """\
Issue key,Components,Components,Labels,Labels,Created,Resolved
OPS-1,Orders DB,,a,b,02/Mar/25 10:00 AM,02/Mar/25 12:00 PM
OPS-2,,Orders DB,,,20/May/25 1:00 AM,20/May/25 1:30 AM
OPS-3,Orders DB,API,,c,09/Sep/25 9:00 AM,09/Sep/25 10:00 AM
"""
STATUS_DASHED = """\
Incident Name,Impact,Created At,Resolved At,Components
a,major,"Mar 02, 2025 - 10:00 UTC","Mar 02, 2025 - 12:00 UTC",Orders DB
b,major,"May 20, 2025 - 01:00 UTC","May 20, 2025 - 01:30 UTC",Orders DB
c,minor,"Sep 09, 2025 - 09:00 UTC","Sep 09, 2025 - 10:00 UTC",Orders DB
"""
PAGERDUTY_REPORT = """\
Incident ID,Number,Title,Status,Created On,Resolved On,Service,Time To Resolve (Seconds)
Q1,1,disk full,resolved,2025-03-02 05:00:00 -0500,2025-03-02 07:00:00 -0500,Orders DB,9
Q2,2,oom,resolved,2025-05-19 20:00:00 -0500,2025-05-19 20:30:00 -0500,Orders DB,9
Q3,3,oom,resolved,2025-09-09 04:00:00 -0500,2025-09-09 05:00:00 -0500,Orders DB,9
"""
DAY_FIRST = """\
component;start;end
Orders DB;2/3/2025 10:00;2/3/2025 12:00
Orders DB;20/5/2025 01:00;20/5/2025 01:30
Orders DB;9/9/2025 09:00;9/9/2025 10:00
"""
US = """\
component,start,end
Orders DB,3/2/2025 10:00 AM,3/2/2025 12:00 PM
Orders DB,5/20/2025 1:00 AM,5/20/2025 1:30 AM
Orders DB,9/9/2025 9:00 AM,9/9/2025 10:00 AM
"""
YEAR_2025 = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def found(log, **options):
    options = {"during": YEAR_2025, "nodes": {"database": ["Orders DB"]}, **options}
    return calibration.incidents(log, draws=0, timezone="UTC", **options)


@pytest.mark.parametrize(
    "text",
    [
        *(PAGERDUTY, PAGERDUTY_REPORT, OPSGENIE, STATUSPAGE, STATUS_DASHED),
        *(JIRA, JIRA_OF_TWO, DAY_FIRST, US),
    ],
)
def test_every_export_tells_the_same(tmp_path, text):
    file = tmp_path / "export.csv"
    file.write_text(text, encoding="utf-8")
    told = found(file)
    assert told["database.mttr"].value == pytest.approx(3.5 * HOUR / 3)
    assert told["database.mttf"].value == pytest.approx((YEAR - 3.5 * HOUR) / 3)
    assert told["database.mttf"].n == 3


def test_a_line_says_what_was_read_as_what(tmp_path):
    file = tmp_path / "export.csv"
    file.write_text(PAGERDUTY, encoding="utf-8")
    (said,) = [w for w in found(file).warnings if w.startswith("export.csv, line 1")]
    assert "service_name as component" in said
    assert "created_on as start" in said
    assert "left out id, incident_number, urgency, escalation" in said


def test_frames_are_rows():
    frame = pd.DataFrame(
        {
            "component": ["database", "database"],
            "start": pd.to_datetime(["2025-03-02 10:00", "2025-05-20 01:00"], utc=True),
            "end": pd.to_datetime(["2025-03-02 12:00", None], utc=True),
            "cause": ["disk", np.nan],
        }
    )
    told = found(frame, nodes={"database": 1}, unclosed="left out")
    assert told["database.mttr"].value == pytest.approx(2 * HOUR)


def test_dates_that_may_mean_two_days_are_refused_until_told():
    rows = [{"component": "database", "start": "3/2/2025 10:00", "duration": "1 h"}]
    with pytest.raises(ValueError, match="may be day or month first: dates="):
        found(rows, nodes={"database": 1})
    february = ("2025-02-01T00:00Z", "2025-02-28T00:00Z")
    told = found(rows, nodes={"database": 1}, dates="day first", during=february)
    assert told["database.mttf"].n == 1
    with pytest.raises(ValueError, match="must be within during"):
        found(rows, nodes={"database": 1}, dates="month first", during=february)
    with pytest.raises(ValueError, match="dates must be one of"):
        found(rows, dates="year first")


def test_a_time_zone_is_that_of_the_place():
    """10:00 in Berlin in summer is 08:00 UTC."""
    rows = [{"what": "database", "start": "2025-07-01 10:00", "duration": "1 h"}]
    narrow = ("2025-07-01T07:59Z", "2025-07-01T10:00Z")
    options = {"nodes": {"database": 1}, "during": narrow, "draws": 0}
    told = calibration.incidents(rows, timezone="Europe/Berlin", **options)
    assert told["database.mttf"].n == 1
    with pytest.raises(ValueError, match="must be within during"):
        calibration.incidents(rows, timezone="UTC", **options)
    with pytest.raises(ValueError, match="timezone must be such as Europe/Berlin"):
        calibration.incidents(rows, timezone="Europe/Bonn", **options)


def test_what_lasts_no_time_or_never_ends_is_told():
    rows = [
        {"what": "database", "start": "2025-03-02", "end": "2025-03-02"},
        {"what": "database", "start": "2025-04-02", "duration": "2 h"},
        {"what": "database", "start": "2025-12-01", "end": ""},
    ]
    told = found(rows, nodes={"database": 1})
    assert any("1 incidents of 0 s are left out (row 1)" in w for w in told.warnings)
    assert any("1 incidents were never closed (row 3)" in w for w in told.warnings)
    assert told["database.mttf"].n == 2
    out = found(rows, nodes={"database": 1}, unclosed="left out")
    assert any("that were never closed are left out (row 3)" in w for w in out.warnings)
    assert out["database.mttf"].n == 1
    assert out["database.mttr"].value == pytest.approx(2 * HOUR)
    assert told["database.mttr"].value > 10 * out["database.mttr"].value


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    rows = "2025-01-01,database,soon\nyesterday,database,2 h\n2025-01-01,,2 h\n"
    file = tmp_path / "log.csv"
    file.write_text(f"start,component,duration\n{rows}", encoding="utf-8")
    with pytest.raises(ValueError, match="must be a duration") as refused:
        found(file)
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "log.csv, line 2, column duration",
        "log.csv, line 3, column start",
        "log.csv, line 4, column component",
    ]


def test_parts_by_the_words_of_the_log():
    rows = [
        {"service": "Orders", "start": "2025-03-02", "duration": "2 h"},
        {"service": "Web", "start": "2025-03-03", "duration": "9 h"},
    ]
    told = found(rows, nodes={"database": 2}, parts={"Orders": "database", "Web": None})
    assert told["database.mttr"].value == pytest.approx(2 * HOUR)
    assert any("incidents of Web are left out" in w for w in told.warnings)


def test_a_log_of_one_part_need_not_name_it():
    rows = [{"start": "2025-03-02", "duration": "2 h"}]
    assert found(rows, nodes={"database": 2})["database.mttf"].n == 1


# ---- counts ------------------------------------------------------------------------


def test_a_count_and_a_total_are_enough():
    """19 outages, 1,183 min in a year: chances by 200,000 simulated months.

    The simulation let the outages come at 19 a year; here they come while all is up.
    """
    told = calibration.counted(19, "1183 min", "1 yr")
    node = ha.Node(mttf=told["database.mttf"].value, mttr=told["database.mttr"].value)
    year = ha.assess(ha.SinglePrimary(database=node))
    assert year.probability_of_meeting(0.999, MONTH) == pytest.approx(0.415, abs=3e-3)
    assert year.probability_of_meeting(0.999, YEAR / 4) == pytest.approx(
        0.206, abs=3e-3
    )
    assert year.probability_of_meeting(0.995, MONTH) == pytest.approx(0.8665, abs=3e-3)
    assert year.probability_of_meeting(1.0, MONTH) == pytest.approx(0.2053, abs=3e-3)


def test_counts_are_what_the_same_outages_in_a_log_are():
    """Both roads: the interval of a mean from a sum is that of an exponential law."""
    lengths = np.random.default_rng(3).exponential(HOUR, 40)
    told = calibration.counted(40, float(lengths.sum()), YEAR)
    rows = [{"what": "database", "duration_s": str(x)} for x in lengths]
    log = calibration.incidents(rows, during=YEAR, nodes={"database": 1}, draws=0)
    for path in ("database.mttf", "database.mttr"):
        assert told[path].value == pytest.approx(log[path].value, rel=1e-6)
    assert told["database.mttf"].low == pytest.approx(log["database.mttf"].low)


def test_the_interval_of_a_total_covers_as_often_as_it_says():
    rng = np.random.default_rng(5)
    totals = rng.gamma(7, HOUR, 1500)
    inside = [
        calibration.counted(7, t, YEAR)["database.mttr"].low
        <= HOUR
        <= calibration.counted(7, t, YEAR)["database.mttr"].high
        for t in totals
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("count", "total", "during", "message"),
    [
        (0, HOUR, YEAR, "count must be"),
        (3, 0, YEAR, "total must be > 0"),
        (3, "2 yr", "1 yr", "total must be < during"),
        (3, "5 m", "1 yr", "min"),
    ],
)
def test_counts_that_cannot_be(count, total, during, message):
    with pytest.raises(ValueError, match=message):
        calibration.counted(count, total, during)


def test_a_histogram_is_a_law():
    """Counted from a known law, it gives that law back at every bound."""
    law = ha.duration.lognormal(mean=0.2, cv=1.0)
    bounds = (0.05, 0.1, 0.25, 0.5, 1.0)
    lines = [f'rpc_bucket{{job="a",le="{b}"}} {1e6 * law.cdf(b)}' for b in bounds]
    text = "\n".join([*lines, 'rpc_bucket{job="a",le="+Inf"} 1e6', "rpc_sum 2e5"])
    past = law.sf(1.0)
    rest = (0.2 - np.trapezoid(law.sf(np.linspace(0, 1, 9999)), dx=1 / 9998)) / past
    told = calibration.histogram(text, beyond=rest)
    for bound in bounds:
        assert told.cdf(bound) == pytest.approx(law.cdf(bound), abs=1e-9)
    assert told.mean == pytest.approx(0.2, rel=0.1)
    assert told.quantile(0.9) == pytest.approx(law.quantile(0.9), rel=0.1)
    assert calibration.histogram(text).sf(1.5) == pytest.approx(past * np.exp(-1))


@pytest.mark.parametrize(
    ("buckets", "beyond", "message"),
    [
        ({0.1: 5}, None, r"bound in s and \+Inf"),
        ({0.1: 5, "+Inf": 3}, None, "must be cumulative counts"),
        ({0.1: 50, "+Inf": 100}, -1.0, "beyond must be > 0"),
        ("nothing", None, "got 0 without both"),
        ('a_bucket{le="1"} 3\nb_bucket{le="+Inf"} 3', None, "of one metric, got a, b"),
    ],
)
def test_histograms_that_cannot_be(buckets, beyond, message):
    with pytest.raises(ValueError, match=message):
        calibration.histogram(buckets, beyond)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"component,start,duration\nZ\xfcrich,2025-03-02,2 h\n",
            r"line 2: must be UTF-8",
        ),
        (b'component,start,duration\nDB,2025-03-02,"1,5 h"\n', r"\(write 1.5 h\), got"),
        (b"start,end\n2025-03-02,2025-03-03\n", "--nodes database=2 says it of all"),
        (b"component,start,start,end\nDB,,,\n", "start must be there once, got it"),
    ],
)
def test_logs_that_are_refused_say_how_to_mend_them(tmp_path, content, message):
    file = tmp_path / "log.csv"
    file.write_bytes(content)
    during = ("--during", "2025-01-01..2026-01-01")
    done = CliRunner().invoke(main, ["calibrate", str(file), *during])
    assert done.exit_code == 2
    assert re.search(message, done.stderr)


def test_a_part_that_no_file_has_is_named(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(PAGERDUTY)
    during = ("--during", "2025-01-01T00:00Z..2026-01-01T00:00Z")
    done = CliRunner().invoke(main, ["calibrate", str(file), *during])
    assert (
        "! no file has a part 'Orders DB': --part 'Orders DB=database'" in done.stderr
    )


SHOWN = """\
# TYPE wait_milliseconds histogram
wait_milliseconds_bucket{job="a",le="100"} 50
wait_milliseconds_bucket{job="a",le="500"} 90
wait_milliseconds_bucket{job="a",le="+Inf"} 100
wait_milliseconds_bucket{job="b",le="100"} 0
wait_milliseconds_bucket{job="b",le="500"} 10
wait_milliseconds_bucket{job="b",le="+Inf"} 10
"""


def test_a_file_takes_the_buckets_that_an_exporter_shows(tmp_path):
    """Series add up, milliseconds are milliseconds; as a log it is refused by name."""
    file = tmp_path / "metrics.txt"
    file.write_text(SHOWN)
    law = ha.duration.read({"histogram": "metrics.txt"}, folder=tmp_path)
    assert (law.cdf(0.1), law.cdf(0.5)) == (pytest.approx(50 / 110), 100 / 110)
    assert law.mean == pytest.approx((50 * 0.05 + 50 * 0.3 + 10 * 0.9) / 110)
    with pytest.raises(ValueError, match="holds no outage: ask Prometheus for"):
        calibration.is_drills(file)
    file.write_text("extends: etcd\n")
    with pytest.raises(ValueError, match="is a system's file; calibrate reads logs"):
        calibration.is_drills(file)


# ---- the file that is extended -----------------------------------------------------

WATCHED = ("--during", "2024-01-01T00:00Z..2026-03-01T00:00Z")
NODES = ("--nodes", "database=db-1,db-2")


def run(*arguments):
    done = CliRunner().invoke(main, ["calibrate", *map(str, arguments)])
    return done.output, done.exit_code


def test_a_measured_file_is_extended(tmp_path):
    files = (INCIDENTS / "database_pair.csv", INCIDENTS / "drills.csv")
    text, code = run(*files, *WATCHED, *NODES)
    assert code == 0
    (tmp_path / "measured.yaml").write_text(text, encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: measured.yaml\narchitecture: active-passive\n")
    spec = ha.load(mine)
    direct = ha.calibrate(
        incidents=files[0],
        drills=files[1],
        during=("2024-01-01T00:00Z", "2026-03-01T00:00Z"),
        nodes={"database": ("db-1", "db-2")},
    )
    assert set(spec.uncertain) >= {"database.mttf", "failover.coverage"}
    rng = np.random.default_rng(2)
    for path, belief in spec.uncertain.items():
        drawn = direct.draws(path, 20_000, rng)
        assert belief.quantile(0.5) == pytest.approx(np.median(drawn), rel=0.05), path
    outage = float(spec.architecture.failover.outage)
    assert outage == pytest.approx(direct["failover.outage"].value, rel=0.02)
    sources = {path: source for path, _, source in spec.parameters}
    assert "measured.yaml:" in sources["database.mttf"]
    assert "22 outages of one node alone" in sources["database.mttf"]


def test_the_command_takes_what_the_function_takes(tmp_path):
    log = tmp_path / "jira.csv"
    log.write_text(JIRA, encoding="utf-8")
    during = ("--during", "2025-01-01T00:00Z..2026-01-01T00:00Z", "--timezone", "UTC")
    text, code = run(
        log, *during, "--nodes", "database=1", "--part", "Orders DB=database"
    )
    assert code == 0
    assert "Component/s as component, Created as start" in text
    text, _ = run(
        log, *during, "--nodes", "database=1", "--part", "Orders DB=database", "--json"
    )
    shown = json.loads(text)["parameters"]["database.mttr"]
    assert shown["value"] == pytest.approx(3.5 * HOUR / 3)
    count = ("--count", "19", "--total", "1183min", "--during", "1yr")
    text, _ = run(*count, "--json")
    shown = json.loads(text)["parameters"]["database.mttr"]
    assert shown["value"] == pytest.approx(1183 * MINUTE / 19)
    text, _ = run(
        "--count", "19", "--total", "1183min", "--during", "1yr", "--extends", "etcd"
    )
    assert "extends: etcd" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "needs a file of incidents or of drills"),
        (("none.csv",), "there is no file none.csv"),
        (("log.csv",), "--during must say how long"),
        (("log.csv", "log.csv", "--during", "1yr"), "must be one file of incidents"),
        (("log.csv", "--during", "1yr", "--nodes", "2"), "must be NAME=MEANING"),
        (("--count", "3"), "--count needs --total and --during"),
    ],
)
def test_calls_that_cannot_be(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("component,duration\ndatabase,2 h\n")
    text, code = run(*arguments)
    assert (code, message in text) == (2, True), text


@pytest.mark.parametrize(
    "text", [PAGERDUTY, OPSGENIE, JIRA, DAY_FIRST, US], ids=lambda text: text[:12]
)
def test_dates_of_the_terminal_fit_logs_with_and_without_time_zones(tmp_path, text):
    """A day is a day: nobody types a time zone behind it."""
    file = tmp_path / "export.csv"
    file.write_text(text, encoding="utf-8")
    told = ("--during", "2025-01-01..2026-01-01", "--nodes", "database=Orders DB")
    done = CliRunner().invoke(main, ["calibrate", str(file), *told, "--json"])
    assert done.exit_code == 0, done.output
    mttf = json.loads(done.stdout)["parameters"]["database.mttf"]["value"]
    assert mttf == pytest.approx((YEAR - 3.5 * HOUR) / 3)


def test_a_log_by_hand_says_part_and_gets_plain_seconds(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(
        "part;opened;resolved\n"
        "database;01.03.2024 10:00;01.03.2024 10:30\n"
        "app;02.03.2024 10:00;02.03.2024 10:10\n"
    )
    told = ("calibrate", str(file), "--during", "1yr", "--part", "app=")
    done = CliRunner().invoke(main, told)
    assert done.exit_code == 0, done.output
    assert "read part as component" in done.output
    assert "events: 1" in done.output
    assert "during: 31534200 s" in done.output


def test_a_terminal_is_told_of_its_own_options(tmp_path):
    file = tmp_path / "log.csv"
    for text, said in (
        ("component,start,end\ndb,1/3/2025,2/3/2025\n", "--dates 'day first' or"),
        ("when,what\n1,2\n", "(--column COLUMN=start names it)"),
    ):
        file.write_text(text)
        told = ["calibrate", str(file), "--during", "1 yr"]
        done = CliRunner().invoke(main, told)
        assert done.exit_code == 2
        assert said in done.output
