"""What a real Prometheus answered: outages, durations and lag, beside the truth."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

import hamodel as ha
from hamodel.calibration import prometheus
from hamodel.cli import main
from hamodel.facts import folder

FILES = folder() / "prometheus"
STEP = 2.0
BEGAN = 1_700_000_000


def truth():
    """Return the outages that really were, by instance."""
    found = {}
    with (FILES / "outages.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            moments = float(row["start"]), float(row["end"])
            found.setdefault(row["instance"], []).append(moments)
    return found


def answer(*series, kind="matrix", status="success"):
    """Return what `query_range` answers: (labels, times, values) each."""
    result = [
        {
            "metric": labels,
            "values": [[BEGAN + t, str(v)] for t, v in zip(at, what, strict=True)],
        }
        for labels, at, what in series
    ]
    return {"status": status, "data": {"resultType": kind, "result": result}}


@pytest.fixture
def asked(tmp_path):
    """Return a function that writes an answer and returns its file."""

    def write(*series, **more):
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(answer(*series, **more)))
        return path

    return write


def up(instance="a", job="db", metric="up"):
    return {"__name__": metric, "instance": instance, "job": job}


def test_the_outages_are_those_that_were():
    really = sorted(
        end - start for outages in truth().values() for start, end in outages
    )
    found = prometheus(FILES / "up.json", together=0.1, draws=0)
    seen = found.fits["database.mttr"].values
    # one of 2.3 s may hide between two scrapes; the record cuts at both its ends
    assert abs(len(seen) - len(really)) <= 2
    assert np.mean(seen) == pytest.approx(np.mean(really), abs=STEP / 2)
    quantiles = [0.25, 0.5, 0.75]
    assert np.quantile(seen, quantiles) == pytest.approx(
        np.quantile(really, quantiles), abs=1.5 * STEP
    )


def test_mean_times_hold_those_that_made_it():
    found = prometheus(FILES / "up.json", together=0.1, draws=0)
    mttf, mttr = found["database.mttf"], found["database.mttr"]
    assert mttf.low < 70 < mttf.high
    assert mttr.low < 14 < mttr.high


def test_lag_holds_the_law_that_made_it():
    found = prometheus(FILES / "lag.json")
    delay = found["replication.delay"]
    assert delay.low < np.exp(-4 + 0.8**2 / 2) < delay.high
    law = found.fits["replication.delay"]
    assert law.family == "lognormal"
    assert np.sqrt(law.law.var) / law.law.mean == pytest.approx(0.947, rel=0.1)
    half = found["lag.p50"]
    assert half.low < np.exp(-4) < half.high


def test_runs_of_noughts_by_hand(asked):
    times = np.arange(0, 1000, 10.0)
    values = np.ones(100, int)
    values[20:23] = 0  # 30 s
    values[97:] = 0  # still away
    found = prometheus(asked((up(), times, values)), draws=0)
    assert found["database.mttf"].n == 2
    fit = found.fits["database.mttr"]
    assert list(fit.values) == [30.0]
    assert len(fit.still) == 1


def test_time_without_any_sample_is_left_out(asked):
    times = np.concatenate([np.arange(0, 500, 10.0), np.arange(5000, 5500, 10.0)])
    values = np.ones(100, int)
    values[30:33] = 0
    found = prometheus(asked((up(), times, values)), draws=0)
    whole = prometheus(asked((up(), np.arange(0, 1000, 10.0), values)), draws=0)
    exposure = found["database.mttf"].evidence["exposure"]
    assert exposure == pytest.approx(whole["database.mttf"].evidence["exposure"])
    assert any("without any sample are left out" in said for said in found.warnings)


def test_jobs_are_parts_and_a_part_without_outage_counts(asked):
    times = np.arange(0, 1000, 10.0)
    values = np.ones(100, int)
    down = values.copy()
    down[50] = 0
    file = asked(
        (up("a", "postgres"), times, down),
        (up("b", "haproxy", "probe_success"), times, values),
        (up("c", "node"), times, down),
    )
    parts = {"postgres": "database", "haproxy": "balancers", "node": None}
    found = prometheus(file, parts=parts, draws=0)
    assert found["database.mttf"].n == 1
    assert found["site.balancers.node.mttf"].n == 0
    with pytest.raises(ValueError, match="parts must say what job 'postgres' watches"):
        prometheus(file, draws=0)
    with pytest.raises(ValueError, match="parts names job 'web'"):
        prometheus(file, parts={**parts, "web": None}, draws=0)


@pytest.mark.parametrize(
    ("series", "more", "said"),
    [
        ([], {}, "holds no series"),
        ([], {"kind": "vector"}, "whose resultType is matrix, got 'vector'"),
        ([], {"status": "error"}, "must be an answer with status success"),
        ([(up(), [0, 10, 20], [1, 2, 0])], {}, "result 0: up must be 0 or 1, got 2"),
        ([(up(), [0, 10], [1, "x"])], {}, "result 0: must have metric and values"),
        ([(up(), [0], [1])], {}, "must hold 2 samples or more"),
        ([(up(), [], [])], {}, "must hold samples, their times growing"),
        ([(up(), [0, 0], [1, 1])], {}, "must hold samples, their times growing"),
        (
            [(up(metric="lag_bytes"), [0, 10], [1, 2])],
            {},
            "or a lag whose name ends in _milliseconds",
        ),
        ([(up(metric="lag_s"), [0, 10], [1, -2])], {}, "a lag must be at least 0"),
    ],
)
def test_what_is_no_answer_is_refused(asked, series, more, said):
    with pytest.raises(ValueError, match=said):
        prometheus(asked(*series, **more), draws=0)


def test_the_command_writes_a_file_that_a_system_extends(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [str(FILES / "up.json"), str(FILES / "lag.json")]
    done = CliRunner().invoke(
        main, ["calibrate", *files, "--extends", "postgresql-patroni"]
    )
    assert done.exit_code == 0, done.output
    (tmp_path / "measured.yaml").write_text(done.stdout)
    spec = ha.load("measured.yaml")
    assert spec.architecture.replication.delay.mean == pytest.approx(0.0259, rel=0.01)
    assert "database.mttr" in spec.uncertain
    (tmp_path / "broken.json").write_text("{")
    done = CliRunner().invoke(main, ["calibrate", "broken.json"])
    assert done.exit_code == 2
    assert "broken.json:1: must be JSON" in done.stderr
