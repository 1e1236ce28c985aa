"""Objectives of other tools; how often burn-rate alerts fire, by hand and lived."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import hamodel as ha
from hamodel.assessment import WORKBOOK, BurnRate
from hamodel.assessment._calendar import Calendar
from hamodel.assessment.alerts import Costs
from hamodel.cli import main
from hamodel.facts import folder
from hamodel.objectives import read_objectives
from hamodel.simulation import simulate
from hamodel.specfile import SpecError
from hamodel.units import DAY, HOUR, MINUTE, YEAR

FILES = folder() / "objectives"
HALF_DAY = BurnRate(factor=3, long=DAY, short=2 * HOUR, severity="ticket")


# ---- files -------------------------------------------------------------------------


def test_openslo():
    (writes,) = read_objectives(FILES / "openslo.yaml")
    assert (writes.name, writes.target) == ("orders/writes", 0.9995)
    assert (writes.window, writes.line) == (28 * DAY, 54)
    fast, slow = writes.alerts  # one by its name, one in place
    assert (fast.factor, fast.long, fast.short) == (14.4, HOUR, HOUR)
    assert (fast.after, fast.severity) == (2 * MINUTE, "page")
    assert (slow.factor, slow.long, slow.after) == (1, 3 * DAY, HOUR)


def test_sloth():
    writes, reads = read_objectives(FILES / "sloth.yaml")
    assert (writes.name, writes.target, writes.window) == (
        "orders/writes",
        0.999,
        30 * DAY,
    )
    assert (reads.name, reads.target, reads.line) == ("orders/reads", 0.9995, 18)
    assert [a.factor for a in writes.alerts] == [14.4, 6, 3, 1]
    assert [a.severity for a in reads.alerts] == ["page", "page"]  # tickets are off
    for alert in writes.alerts:  # what share of the budget each burns, by its source
        burnt = alert.factor * alert.long / (30 * DAY)
        assert burnt == pytest.approx({14.4: 0.02, 6: 0.05}.get(alert.factor, 0.1))
        assert alert.short == alert.long / 12


def test_pyrra_whose_windows_grow_with_the_objective(tmp_path):
    (writes,) = read_objectives(FILES / "pyrra.yaml")
    assert (writes.target, writes.window) == (0.999, 28 * DAY)
    shown = [(a.factor, a.long, a.short, a.after) for a in writes.alerts]
    assert shown[0] == (14, HOUR, 5 * MINUTE, 2 * MINUTE)
    assert shown[3] == (1, 4 * DAY, 6 * HOUR, 3 * HOUR)
    text = (FILES / "pyrra.yaml").read_text().replace("4w", "8w")
    (tmp_path / "eight.yaml").write_text(text)
    (longer,) = read_objectives(tmp_path / "eight.yaml")
    assert [a.long for a in longer.alerts] == [2 * a.long for a in writes.alerts]
    off = text.replace("  window", "  alerting: {burnrates: false}\n  window")
    (tmp_path / "off.yaml").write_text(off)
    assert read_objectives(tmp_path / "off.yaml")[0].alerts == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("sloth", "99.95", "199", ":18:5: slos.1.objective: must be above 0"),
        ("sloth", "    objective: 99.9\n", "", ":6:5: slos.0.objective: is missing"),
        ("pyrra", "4w", "monthly", ":8:3: spec.window: must be a time such as 30d"),
        ("pyrra", "v1alpha1", "v2", ":1:1: apiVersion: must be openslo/v1 (OpenSLO)"),
        ("openslo", "target: 0.9995", "target: 99.95", ":54:7: spec.objectives.0"),
        ("openslo", "Ref: burns-fast", "Ref: burns", "no AlertCondition of this file"),
        ("openslo", "threshold: 14.4", "threshold: -1", ":17:5: AlertCondition.spec"),
        ("openslo", "threshold: 14.4", "threshold: .nan", ":17:5: AlertCondition.spec"),
        ("openslo", "28d", "0d", ":50:7: spec.timeWindow.0.duration: must be above 0"),
        ("openslo", ": 1h", ": 60", "condition.lookbackWindow: must be a time"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, file, old, new, said):
    text = (FILES / f"{file}.yaml").read_text()
    assert old in text
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SpecError) as refused:
        read_objectives(path)
    assert said in str(refused.value)


def test_a_quoted_threshold_no_wait_and_two_targets_without_names(tmp_path):
    text = (FILES / "openslo.yaml").read_text()
    path = tmp_path / "quoted.yaml"
    path.write_text(
        text.replace("threshold: 14.4", 'threshold: "14.4"')
        .replace("alertAfter: 2m", "alertAfter: 0m")
        .replace("- displayName: writes that work\n      target", "- target")
        .replace("target: 0.9995", "target: 0.9995\n    - target: 0.99")
    )
    first, second = read_objectives(path)
    assert (first.name, second.name) == ("orders/writes/0", "orders/writes/1")
    assert (first.target, second.target) == (0.9995, 0.99)
    assert (first.alerts[0].factor, first.alerts[0].after) == (14.4, 0.0)


def test_a_file_without_objectives_is_refused(tmp_path):
    path = tmp_path / "none.yaml"
    path.write_text("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\n")
    with pytest.raises(SpecError, match="states no objective"):
        read_objectives(path)


# ---- alerts ------------------------------------------------------------------------


def fired(starts, ends, alert, target):
    """Count how often an alert goes on in a history of whole outages.

    Between the moments at which an outage enters or leaves a window the downtime in
    each window is a line, so that every crossing is found.
    """
    moments = np.unique(
        np.concatenate(
            [at + w for at in (starts, ends) for w in (0, alert.short, alert.long)]
        )
    )
    at = np.concatenate([[0.0], np.stack([starts, ends], axis=1).ravel()])
    lengths = np.stack([np.zeros_like(starts), ends - starts], axis=1).ravel()
    down = np.cumsum(np.concatenate([[0.0], lengths]))
    first, last = np.zeros(len(moments) - 1), np.ones(len(moments) - 1)
    for window in (alert.long, alert.short):
        held = np.interp(moments, at, down) - np.interp(moments - window, at, down)
        more = held - alert.factor * (1 - target) * window
        before, after = more[:-1], more[1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = np.clip(before / (before - after), 0, 1)
        first = np.maximum(
            first, np.where(before >= 0, 0, np.where(after > 0, cross, 2))
        )
        last = np.minimum(
            last, np.where(after >= 0, 1, np.where(before > 0, cross, -1))
        )
    return int(((first > 0) & (first < last)).sum())


def test_seldom_outages_set_off_by_hand():
    """Each whole outage that lasts beyond the threshold sets it off, and none else."""
    mttf, mttr = 20_000 * HOUR, 300.0
    found = ha.assess(ha.SinglePrimary(database=ha.Node(mttf=mttf, mttr=mttr)))
    for alert in WORKBOOK:
        least = alert.factor * 1e-3 * alert.long
        assert alert.threshold(0.999) == pytest.approx(least)
        hand = math.exp(-least / mttr) / (mttf + mttr)
        assert found.alert_rate(alert, 0.999) == pytest.approx(hand, rel=5e-3)


@pytest.mark.parametrize("target", [0.999, 0.9995])
@pytest.mark.parametrize("alert", [*WORKBOOK, HALF_DAY])
def test_frequent_outages_as_they_are_lived(alert, target):
    """Within 2 %, where three days see one outage in three already, and 3.3 sigma."""
    mttf, mttr, count = 100 * HOUR, 120.0, 150_000
    rng = np.random.default_rng(5)
    down = rng.exponential(mttr, count)
    starts = np.cumsum(rng.exponential(mttf, count) + np.append(0.0, down[:-1]))
    found = ha.assess(ha.SinglePrimary(database=ha.Node(mttf=mttf, mttr=mttr)))
    times = fired(starts, starts + down, alert, target)
    length = starts[-1] + down[-1]
    rate = found.alert_rate(alert, target)
    assert abs(rate - times / length) < 3.3 * math.sqrt(times) / length + 0.02 * rate


def test_a_pair_as_it_is_lived():
    """Visits of several states and causes, within 4 % and 3.3 sigma."""
    pair = ha.ActivePassive(
        database=ha.Node(mttf=150 * HOUR, mttr=2 * HOUR),
        failover=ha.Failover(detection=20, promotion=20, coverage=0.8, manual=900),
        everywhere=ha.Node(mttf=600 * HOUR, mttr=600.0),
    )
    years = 40
    run = simulate(pair, years=years, rng=3)
    lived = sorted(
        (one.start, one.start + one.length)
        for one in run.outages
        if one.operation == "write" and one.site == pair.sites[0]
    )
    starts, ends = np.array(lived).T
    found = ha.assess(pair)
    for alert in WORKBOOK:
        times = fired(starts, ends, alert, 0.999)
        rate = found.alert_rate(alert, 0.999) * years * YEAR
        assert abs(rate - times) < 3.3 * math.sqrt(times) + 0.04 * rate


def test_a_wait_makes_an_alert_rarer_where_the_window_is_too_short_to_hold_it():
    found = ha.assess(ha.SinglePrimary(database=ha.Node(mttf=1e7, mttr=600.0)))
    plain = BurnRate(factor=10, long=HOUR, short=HOUR)  # 36 s of an hour
    kept = BurnRate(factor=10, long=HOUR, short=HOUR, after=HOUR / 2)
    late = BurnRate(factor=10, long=HOUR, short=HOUR, after=HOUR)
    assert found.alert_rate(kept, 0.999) == found.alert_rate(plain, 0.999)
    ratio = found.alert_rate(late, 0.999) / found.alert_rate(plain, 0.999)
    assert ratio == pytest.approx(math.exp(-36 / 600), rel=1e-2)  # 36 s more


def test_planned_work_costs_its_share_of_its_length():
    planned = Calendar(
        cycle=30 * DAY + 2 * HOUR,
        starts=np.zeros(1),
        lengths=np.array([2 * HOUR]),
        fails=np.array([0.25]),
        laws=(None,),
    )
    work = [(planned, 1)]  # 1800 s
    often = 1 / (30 * DAY + 2 * HOUR)
    assert Costs(work, burn=0.2).above(1200) == pytest.approx(often)
    assert Costs(work, burn=0.2).above(3000) == 0
    assert Costs(work, burn=0.3).above(1200) == 0


def test_a_budget_that_cannot_burn_so_fast_sets_off_nothing():
    found = ha.assess(ha.SinglePrimary(database=ha.Node(mttf=1e6, mttr=HOUR)))
    assert found.alert_rate(WORKBOOK[0], 0.9) == 0.0  # 1.44 of all requests
    assert found.alert_rate(WORKBOOK[0], 0.95) > 0.0  # 0.72 of them


def test_an_alert_below_what_always_fails_never_goes_off():
    slow = ha.Workload(reads=9, writes=9, objective=0.001)
    found = ha.assess(ha.SinglePrimary(database=ha.Node(mttf=1e9, mttr=60.0)), slow)
    assert float(found.write.unavailability) > 0.1
    assert found.alert_rate(WORKBOOK[2], 0.999) == math.inf


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"factor": 0}, "factor must be > 0"),
        ({"short": 7200.0}, "short must be at most long"),
        ({"after": -1}, "after must be >= 0"),
    ],
)
def test_an_alert_that_cannot_be_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        BurnRate(**{"factor": 2, "long": 3600.0, "short": 300.0, **fields})


# ---- the command -------------------------------------------------------------------


SYSTEM = """\
title: Orders
architecture: single-primary
database: {mttf: 60 d, mttr: 20 min}
parts: {card: {mttf: 30 d, mttr: 1 h}}
journeys: {pay: {path: write > card, objective: 99.9 %}}
"""


DOUBT = """\
title: A pair
architecture: active-passive
database: {mttf: 60 d, mttr: 4 h}
failover:
  detection: 10 s
  promotion: 20 s
  coverage: {beta: {successes: 9, trials: 10}}
  manual: 30 min
"""


@pytest.fixture
def system(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "orders.yaml").write_text(SYSTEM)
    return tmp_path


def run(*arguments):
    done = CliRunner().invoke(main, ["slo", *arguments], catch_exceptions=False)
    return done.stdout, done.stderr, done.exit_code


@pytest.mark.usefixtures("system")
def test_the_page_and_its_data_agree_with_the_package():
    file = str(FILES / "sloth.yaml")
    out, _, code = run("orders.yaml", file)
    assert code == 0
    for part in ("chance to keep", "Error budget by cause", "fires a year", "51.8 s"):
        assert part in out
    assert max(map(len, out.splitlines())) <= 80
    data = json.loads(run("orders.yaml", file, "--json")[0])
    found = ha.assess(ha.load("orders.yaml"))
    for one, operation in zip(data["objectives"], ("write", "read"), strict=True):
        assert one["measures"] == operation
        chance = found.probability_of_meeting(one["target"], 30 * DAY, operation)
        assert one["chance"] == pytest.approx(chance)
        down = float(getattr(found, operation).unavailability)
        assert one["budget_used"] == pytest.approx(down / (1 - one["target"]))
        assert sum(one["budget_used_by_cause"].values()) == pytest.approx(
            one["budget_used"]
        )
        for alert in one["alerts"]:
            same = BurnRate(
                factor=alert["factor"], long=alert["long_s"], short=alert["short_s"]
            )
            rate = found.alert_rate(same, one["target"], operation) * YEAR
            assert alert["fires_per_year"] == pytest.approx(rate)


@pytest.mark.usefixtures("system")
def test_an_objective_may_measure_a_journey_and_a_missed_one_ends_with_1():
    file = str(FILES / "sloth.yaml")
    told = ("--measures", "orders/writes=pay", "--json")
    out, _, code = run("orders.yaml", file, *told)
    pay = json.loads(out)["objectives"][0]
    assert pay["measures"] == "pay"
    assert code == 1  # an hour a month of cards: more than the budget
    assert pay["budget_used"] > 1
    assert (
        max(pay["budget_used_by_cause"], key=pay["budget_used_by_cause"].get) == "card"
    )
    _, err, code = run("orders.yaml", file, "--measures", "orders/write=pay")
    assert code == 2
    assert "did you mean orders/writes?" in err
    _, err, code = run("orders.yaml", file, "--measures", "orders/writes=paid")
    assert code == 2
    assert "must be one of read, write, pay, got 'paid'" in err


def test_what_is_believed_is_averaged_over(system):
    """The mean by Gauss's rule is that over 40 parts of the belief, not the median."""
    (system / "doubt.yaml").write_text(DOUBT)
    file = str(FILES / "sloth.yaml")
    data = json.loads(run("doubt.yaml", file, "--json")[0])
    loaded = ha.load("doubt.yaml")
    belief = loaded.uncertain["failover.coverage"]
    spec = loaded.architecture
    made = [
        ha.assess(
            replace(
                spec,
                failover=replace(spec.failover, coverage=float(belief.quantile(p))),
            ),
            loaded.workload,
        )
        for p in (np.arange(40) + 0.5) / 40
    ]
    one = data["objectives"][0]
    chances = [a.probability_of_meeting(one["target"], 30 * DAY, "write") for a in made]
    mean, middle = float(np.mean(chances)), float(np.median(chances))
    assert abs(one["chance"] - mean) < 0.2 * abs(middle - mean)
    assert abs(mean - middle) > 1e-4
    alert = one["alerts"][0]
    page = BurnRate(
        factor=alert["factor"], long=alert["long_s"], short=alert["short_s"]
    )
    rates = [a.alert_rate(page, one["target"], "write") * YEAR for a in made[::2]]
    assert alert["fires_per_year"] == pytest.approx(np.mean(rates), rel=0.25)


@pytest.mark.parametrize("length", [50.0, 51.0, 53.0])
def test_failovers_of_one_length_set_it_off_or_not(length):
    """A page of 51.84 s: one failover in 50 does not work, and lasts longer."""
    pair = ha.ActivePassive(
        database=ha.Node(mttf=20_000 * HOUR, mttr=1.0),
        failover=ha.Failover(promotion=length, coverage=0.98, manual=600),
    )
    rate = ha.assess(pair).alert_rate(WORKBOOK[0], 0.999)
    share = 1.0 if length > WORKBOOK[0].threshold(0.999) else 0.02
    assert rate == pytest.approx(share / (20_000 * HOUR), rel=0.02)
