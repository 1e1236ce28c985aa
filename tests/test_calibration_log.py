"""Incident logs: what is read, what is refused, and what comes out."""

import math
from datetime import datetime

import numpy as np
import pytest

import hamodel as ha
from hamodel import calibration
from hamodel.units import DAY, HOUR, MINUTE, YEAR
from tests.support import incident_logs as logs
from tests.support.reference import FOLDER

INCIDENTS = FOLDER.parent / "incidents"
WATCHED = ("2024-01-01", "2026-03-01")


def row(start, lasted="2 h", **cells):
    return {"component": "database", "start": start, "duration": lasted} | cells


def calibrated(*rows, nodes=2, parts=None, during=WATCHED, **options):
    parts = parts or {"database": nodes}
    return calibration.incidents(rows, nodes=parts, during=during, draws=0, **options)


def test_the_example_is_what_it_is_said_to_be():
    pair, drills = INCIDENTS / "database_pair.csv", INCIDENTS / "drills.csv"
    assert pair.read_text(encoding="utf-8") == logs.as_csv(logs.incident_log())
    assert drills.read_text(encoding="utf-8") == logs.as_csv(logs.drill_log())
    found = ha.calibrate(
        incidents=pair,
        during=(logs.START, logs.END),
        nodes={"database": logs.NODES},
        drills=drills,
    )
    truth = {
        "database.mttf": logs.MTTF,
        "database.mttr": logs.MTTR,
        "everywhere.mttf": logs.EVERYWHERE,
        "failover.coverage": logs.COVERAGE,
        "failover.outage": logs.OUTAGE,
        "failover.manual": 60 + logs.MANUAL,
    }
    for path, value in truth.items():
        assert found[path].low < value < found[path].high, path
    alone = 2 / logs.MTTF
    several = 1 / logs.EVERYWHERE
    beta = 2 * several / (alone + 2 * several)
    assert found["database.beta"].low < beta < found["database.beta"].high


def test_the_example_goes_into_an_architecture():
    found = ha.calibrate(
        incidents=str(INCIDENTS / "database_pair.csv"),
        during=("2024-01-01T00:00Z", "2026-03-01T00:00Z"),
        nodes={"database": ("db-1", "db-2")},
        draws=0,
    )
    before = ha.ActivePassive(
        database=ha.Node(mttf=1e9, mttr=1.0), failover=ha.Failover(promotion=1)
    )
    after = found.apply(before)
    assert after.database.mttf == found["database.mttf"].value
    assert after.database.mttr == found["database.mttr"].value
    assert after.everywhere.mttf == found["everywhere.mttf"].value
    assert found.unused(before) == ("database.beta",)


def test_three_outages_in_26_months():
    found = calibrated(
        row("2024-03-02T10:00", "3 h"),
        row("2024-11-20T02:10", "5 h"),
        row("2025-09-05T17:30", "50 min"),
        nodes=1,
    )
    e = found["database.mttf"]
    up = (datetime(2026, 3, 1) - datetime(2024, 1, 1)).total_seconds() - 530 * MINUTE
    assert e.value == pytest.approx(up / 3)
    assert (e.low, e.high) == pytest.approx((2 * up / 17.5345, 2 * up / 1.23734), 1e-4)
    assert e.evidence == {"events": 3, "exposure": pytest.approx(up)}
    assert found["database.mttr"].value == pytest.approx(530 * MINUTE / 3)
    assert "a factor of 14.2; a factor of 2 needs about 35" in found.warnings[0]
    assert "database.beta" not in found.parameters


def test_a_part_without_an_incident_has_a_lower_end():
    found = calibrated(nodes=2, during=YEAR)
    e = found["database.mttf"]
    assert e.low == pytest.approx(2 * 2 * YEAR / 7.3778, rel=1e-4)
    assert e.high == math.inf
    assert e.text.endswith("(at least 198 d)")
    assert math.exp(-2 * YEAR / e.value) == pytest.approx(0.5)  # as likely as not
    assert "no outages in 2 yr: only a lower end" in found.warnings[0]
    assert any("no repair is over" in said for said in found.warnings)


def test_open_incidents_count_as_long_as_they_lasted():
    rows = [row(f"2024-0{k}-01", f"{k} h") for k in range(1, 6)]
    last = {"component": "database", "start": "2026-02-28T12:00", "end": ""}
    found = calibrated(*rows, last)
    assert found["database.mttr"].value == pytest.approx(27 * HOUR / 5)  # 15 + 12
    assert found["database.mttr"].n == 5
    assert found["database.mttf"].n == 6
    assert "1 still open" in found["database.mttr"].how
    same = calibrated(*rows, row("2026-02-28T12:00", "> 12 h"))
    assert same["database.mttr"] == found["database.mttr"]
    bare = [{"what": "database", "duration": f"{k} h"} for k in range(1, 6)]
    bare.append({"what": "database", "duration": ">12 h"})
    assert calibrated(*bare, during=YEAR)["database.mttr"].value == pytest.approx(
        27 * HOUR / 5
    )


def test_overlapping_incidents_of_one_node_are_one_outage():
    found = calibrated(
        row("2024-05-01T10:00", "4 h", node="a"),
        row("2024-05-01T12:00", "4 h", node="a"),
        row("2024-05-01T11:00", "1 h", node="a"),
        row("2024-06-01T11:00", "1 h", node="b"),
        nodes=("a", "b"),
    )
    assert found["database.mttf"].n == 2
    assert sorted(found.fits["database.mttr"].values) == [1 * HOUR, 6 * HOUR]
    assert any("2 overlapping incidents were merged" in w for w in found.warnings)


def test_overlap_without_a_node_is_another_node_where_there_is_one():
    rows = (row("2024-05-01T10:00", "4 h"), row("2024-05-01T12:00", "4 h"))
    assert calibrated(*rows, nodes=1)["database.mttf"].n == 1
    two = calibrated(*rows, nodes=2)
    assert two["database.mttf"].n == 2
    assert two["database.beta"].evidence["successes"] == 0  # begun two hours apart


def test_failures_that_begin_together_are_one_event():
    rows = [
        row("2024-05-01T10:00:00", "1 h", node="a"),
        row("2024-05-01T10:00:40", "2 h", node="b"),
        row("2024-07-01T10:00", "1 h", node="a; b"),
        *(row(f"2025-0{k}-01", node="a") for k in range(1, 7)),
    ]
    found = calibrated(*rows, nodes=("a", "b"))
    e = found["database.beta"]
    assert e.value == pytest.approx(4 / 10)  # NUREG/CR-5485: 2 n2 / (n1 + 2 n2)
    low, high = calibration.share_interval(2, 8)
    assert e.low == pytest.approx(2 * low / (1 + low))
    assert e.high == pytest.approx(2 * high / (1 + high))
    assert found["database.mttf"].n == 6
    assert found["everywhere.mttf"].n == 2
    assert found["everywhere.mttr"].value == pytest.approx(HOUR)  # the first one back
    apart = calibrated(*rows, nodes=("a", "b"), together=30)
    assert apart["database.beta"].evidence["successes"] == 1


def test_together_in_another_part_stays_in_its_mean_time():
    rows = [
        {"component": "apps", "start": "2024-05-01T10:00", "duration": "1 h"},
        {"component": "apps", "start": "2024-05-01T10:00", "duration": "1 h"},
    ]
    found = calibrated(*rows, parts={"apps": 3})
    assert found["site.apps.node.mttf"].n == 2
    assert found["site.apps.node.beta"].value == 1
    assert "everywhere.mttf" not in found.parameters


def test_failovers_in_the_log_tell_of_failovers():
    rows = [
        row("2024-05-01T10:00:00", "3 h"),
        row("2024-05-01T10:00:05", "40 s", kind="failover", covered="yes"),
        row("2024-08-01T10:00:00", "50 s", kind="failover"),
        row("2024-09-01T10:00:00", "20 min", kind="manual"),
        row("2024-10-01T10:00:00", "25 min", kind="failover", covered="no"),
    ]
    found = calibrated(*rows)
    assert found["database.mttf"].n == 4  # the first two rows are one failure
    assert found["database.mttr"].n == 1
    assert found["failover.coverage"].evidence == {"successes": 2, "trials": 4}
    assert found["failover.outage"].value == pytest.approx(45)
    assert found["failover.manual"].value == pytest.approx(1350)


def test_drills_that_flatter_are_told():
    rows = [row(f"2024-0{k}-01", "20 min", kind="manual") for k in range(1, 7)]
    found = ha.calibrate(
        incidents=rows,
        during=WATCHED,
        nodes={"database": 2},
        drills=[30.0] * 6,
        draws=0,
    )
    assert found["failover.coverage"].evidence == {"successes": 6, "trials": 12}
    said = next(w for w in found.warnings if "they differ" in w)
    assert "0 of 6 failovers in the log worked but 6 of 6 drills" in said
    assert "p = 0.0022" in said  # 2 / C(12, 6), Fisher's exact test


def test_columns_may_have_other_names():
    rows = [{"what": "db-1", "opened": "2024-05-01", "duration_min": "90", "url": "x"}]
    found = calibration.incidents(
        rows,
        during=WATCHED,
        nodes={"database": ("db-1", "db-2")},
        columns={"opened": "start", "url": None},
        draws=0,
    )
    assert found["database.mttr"].value == 90 * MINUTE


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("90", 90), ("1.5 h", 5400), ("2d", 172800), ("0:45:00", 2700), ("1:30", 5400)],
)
def test_durations_are_read(cell, seconds):
    assert calibrated(row("2024-05-01", cell))["database.mttr"].value == seconds


def test_without_nodes_only_what_is_named_counts():
    rows = [row("2024-05-01", node="a"), row("2024-06-01", node="b")]
    found = calibration.incidents(rows, during=WATCHED, draws=0)
    assert found["database.mttf"].n == 2
    assert any("2 of database" in w and "too short" in w for w in found.warnings)
    with pytest.raises(ValueError, match="log must hold an incident"):
        calibration.incidents([], during=YEAR)


HEAD = "start,end,component,node,kind,covered,duration\n"
GOOD = "2024-05-01T10:00,2024-05-01T12:00,database,,,,\n"
BAD = [
    (
        "2024-05-01T10:00,2024-05-01T09:00,database,,,,",
        r"log.csv, line 3, column end: must be after start \(2024-05-01T10:00\), "
        r"got '2024-05-01T09:00'",
    ),
    ("yesterday,,database,,,,", "line 3, column start: must be a time such as .* got"),
    (
        "2024-05-01T10:00Z,2024-05-01T12:00Z,database,,,,",
        r"column start: must be a time without a time zone, as the first \(2024-",
    ),
    ("2024-05-01,,databank,,,,2 h", "line 3, column component: .* mean 'database'"),
    ("2024-05-01,,,,,,2 h", "line 3, column component: must name what failed, got ''"),
    ("2024-05-01,,database,,failovr,,2 h", "column kind: .* mean 'failover'.*'failo"),
    ("2024-05-01,,database,,,maybe,2 h", "column covered: must be one of yes, true"),
    (
        "2024-05-01,,database,,,,soon",
        "column duration: must be a duration above 0.*'so",
    ),
    ("2024-05-01,,database,,,,-2 h", "column duration: must be a duration above 0"),
    ("2024-05-01,,database,,,,5 m", "column duration: must be a duration above 0"),
    ("2024-05-01,,database,,,,1:75", "column duration: must be a duration above 0"),
    ("2024-05-01,2024-05-02,database,,,,2 h", "column duration: must be empty, since"),
    (",,database,,,,", "column start: must be given, or a duration, got ''"),
    ("2023-12-31,,database,,,,2 h", "column start: must be within during.* 1 d before"),
    ("2026-03-02,,database,,,,2 h", "column start: must be within during.* 1 d after"),
    ("2024-05-01,,database,a;b;c,,,2 h", "column node: must name at most 2 of"),
    ("2024-05-01,,database,,,,2 h,more", r"line 3: must have 7 cells, got also \['mor"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_errors_name_file_line_column_value_and_limit(tmp_path, line, message):
    file = tmp_path / "log.csv"
    file.write_text(HEAD + GOOD + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        calibration.incidents(file, during=WATCHED, nodes={"database": 2}, draws=0)


def test_headers_are_checked(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("begin,end,component\n", encoding="utf-8")
    with pytest.raises(ValueError, match="left out begin; there must be a column of s"):
        calibration.incidents(file, during=YEAR)
    file.write_text("starts,end,component\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 1: .* got 'starts'; did you .*None"):
        calibration.incidents(file, during=YEAR)
    file.write_text("what,component\n", encoding="utf-8")
    with pytest.raises(ValueError, match="column component must be there once"):
        calibration.incidents(file, during=YEAR)
    file.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: must name the columns"):
        calibration.incidents(file, during=YEAR)
    with pytest.raises(ValueError, match=r"there is no file none\.csv"):
        calibration.incidents("none.csv", during=YEAR)
    with pytest.raises(ValueError, match="row 1: must be a mapping, got 3"):
        calibration.incidents([3], during=YEAR)


def test_the_watch_is_checked():
    late = {"component": "database", "start": "2024-05-01", "end": ""}
    with pytest.raises(ValueError, match="row 1, column end: must be given, since dur"):
        calibrated(late, during=YEAR)
    with pytest.raises(ValueError, match="during must end after it starts"):
        calibrated(during=("2024-01-02", "2024-01-01"))
    with pytest.raises(ValueError, match="during must be a length in s or a pair"):
        calibrated(during="2024")
    with pytest.raises(ValueError, match="during must be > 0 and finite, got -1"):
        calibrated(during=-1)
    with pytest.raises(ValueError, match="during must be a time such as"):
        calibrated(during=("spring", "autumn"))
    with pytest.raises(ValueError, match="must be a time without a time zone"):
        calibrated(row("2024-05-01"), during=("2024-01-01T00:00Z", "2025-01-01T00:00Z"))
    with pytest.raises(ValueError, match=r"nodes\['database'\] must be more than 1"):
        calibrated({"what": "database", "duration": "300 d"}, nodes=1, during=200 * DAY)
    with pytest.raises(ValueError, match=r"nodes\['database'\] must be a whole number"):
        calibrated(nodes=0)
    with pytest.raises(ValueError, match=r"nodes\['database'\] must be different"):
        calibrated(nodes=("a", "a"))
    with pytest.raises(ValueError, match=r"column node: must be one of a, b, got 'c'"):
        calibrated(row("2024-05-01", node="c"), nodes=("a", "b"))


def test_drills_and_samples_are_read_from_files(tmp_path):
    file = tmp_path / "drills.csv"
    file.write_text("duration_min,worked\n1,yes\n2,yes\n,no\n", encoding="utf-8")
    found = calibration.drills(file, draws=0)
    assert found["failover.coverage"].value == pytest.approx(2 / 3)
    assert found["failover.outage"].value == pytest.approx(90)
    with pytest.raises(ValueError, match="worked must come from the file"):
        calibration.drills(file, [True])
    file.write_text("duration_s,wored\n1,yes\n", encoding="utf-8")
    with pytest.raises(ValueError, match="did you mean 'worked'"):
        calibration.drills(file)
    file = tmp_path / "lag.csv"
    file.write_text("lag_ms,other\n5,1\n\n7,2\n", encoding="utf-8")
    read = calibration.samples(file, "lag_ms")
    assert read.tolist() == pytest.approx([0.005, 0.007])
    with pytest.raises(ValueError, match=r"column must be given: lag\.csv has lag_ms"):
        calibration.samples(file)
    file.write_text("lag_s\n5\n-7\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3, column lag_s: must be a number"):
        calibration.samples(file)
    with pytest.raises(ValueError, match="path must be a file"):
        calibration.samples(tmp_path / "none.csv")


def test_drills_are_checked():
    with pytest.raises(ValueError, match="durations must hold at least 1 drill"):
        calibration.drills([])
    with pytest.raises(ValueError, match=r"worked must be as long as durations \(2\)"):
        calibration.drills([1, 2], [True])
    with pytest.raises(ValueError, match=r"worked\[1\] must be a bool"):
        calibration.drills([1, 2], [True, "maybe"])
    with pytest.raises(ValueError, match="durations must be > 0 and finite, got 0"):
        calibration.drills([1, 0])
    with pytest.raises(ValueError, match="did you mean 'promotion'"):
        calibration.drills([1, 2], stage="promotions")


def test_recorded_lag_is_read_and_told_plainly():
    """PostgreSQL with a set delay of 100 ms: its median, and no queue of its kind."""
    recorded = FOLDER.parent / "recordings" / "postgresql_lag.csv"
    delay = calibration.samples(recorded, "apply_delay_s")
    lag = calibration.samples(recorded, "lag_s")[delay == 0.1]
    found = ha.calibrate(lag=lag, writes=52.5)
    assert found["lag.p50"].low - 0.001 < 0.1 < found["lag.p50"].high + 0.001
    assert found.fits["lag"].bad
    assert any("fits badly" in said for said in found.warnings)


def test_a_mean_time_is_held_by_its_interval_as_often_as_it_says():
    """Simulated logs of two nodes for two years, each of some 24 failures."""
    rng = np.random.default_rng(20)
    mttf, mttr, length = 60 * DAY, 10 * HOUR, 2 * YEAR
    held = np.zeros(2)
    runs = 400
    for _ in range(runs):
        rows = []
        for node in ("a", "b"):
            now = rng.exponential(mttf)
            while now < length:
                lasted = max(rng.exponential(mttr), 1.0)
                rows.append(
                    {"what": "database", "node": node, "duration": f"{lasted:.3f}"}
                )
                now += lasted + rng.exponential(mttf)
        found = calibration.incidents(
            rows, during=length, nodes={"database": ("a", "b")}, draws=0
        )
        for k, truth in enumerate((mttf, mttr)):
            e = found[("database.mttf", "database.mttr")[k]]
            held[k] += e.low <= truth <= e.high
    assert 0.93 <= held[0] / runs <= 0.975
    assert 0.93 <= held[1] / runs <= 0.985  # the law was chosen too
