"""Public cases with right answers: each through YAML where people would write YAML.

The answers are in `data/cases`, with their sources and how they were derived, and on
another road than ours: by hand, by exact arithmetic, or by a simulation.
"""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

import hamodel as ha
from hamodel.assessment import assess
from hamodel.cli import main
from hamodel.facts import folder
from hamodel.overload import amplification
from hamodel.queueing import MMc, erlang_c
from hamodel.replication import CatchUp
from hamodel.specfile import read
from hamodel.units import DAY, HOUR, MONTH, YEAR

CASES = {
    path.stem: YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    for path in sorted((folder() / "cases").glob("*.yaml"))
}
PAIR = "extends: postgresql-patroni\n"


def right(case):
    """Return the answers of a case."""
    return CASES[case]["right"]


def failover(tmp_path, words):
    """Return the failover of a pair whose file says so."""
    return read(tmp_path / "system.yaml", f"{PAIR}failover: {words}\n").architecture


def test_every_case_is_tested_and_sourced():
    tested = {name.split("_")[1].upper() for name in globals() if name[:6] == "test_c"}
    assert set(CASES) == tested
    for case in CASES.values():
        assert case["source"]
        assert case["derived_by"]


STRUCTURES = {
    "serial_web_sql": "web > sql",
    "web_and_(sql_or_queue)": "web > any(sql, queue)",
    "tm_and_two_regions": "tm > any(all(web1, sql1), all(web2, sql2))",
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_c01_composite_sla(name, tmp_path):
    parts = {"web": "99.95 %", "sql": "99.99 %", "queue": "99.9 %", "tm": "99.99 %"}
    shape = STRUCTURES[name]
    named = {
        p: parts[p.rstrip("12")] for p in re_words(shape) if p.rstrip("12") in parts
    }
    file = tmp_path / "sla.yaml"
    lines = "".join(f"  {part}: {sla}\n" for part, sla in named.items())
    file.write_text(f"structure: {shape}\nparts:\n{lines}")
    done = CliRunner().invoke(main, ["assess", str(file), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["unavailability"]
    assert found == pytest.approx(right("C01")[name], rel=1e-9)


def re_words(shape):
    """Return the words of a structure."""
    return shape.translate(str.maketrans("(),>", "    ")).split()


def test_c02_pool_at_constant_load():
    for name, value in right("C02").items():
        servers, load = name[2:-1].split(",")
        found = (
            erlang_c(int(servers), float(load))
            if name[0] == "C"
            else MMc(int(servers) * float(load), 1.0, int(servers)).response.mean
        )
        assert found == pytest.approx(value, rel=1e-8), name  # ten digits are given


@pytest.mark.parametrize(
    ("timeout", "name"), [("127 s", "detection_s"), ("2 s", "with_connect_timeout_2_s")]
)
def test_c03_probes_that_follow_one_another(timeout, name, tmp_path):
    words = f"pause: 3 s, tries: 100, timeout: {timeout}"
    found = failover(tmp_path, f"{{detection: {{sequential probe: {{{words}}}}}}}")
    low, high = found.failover.by_stage["detection"].support
    assert right("C03")[name][0] <= low <= high <= right("C03")[name][1]


def test_c06_a_failover_that_is_tried_again(tmp_path):
    words = (
        'detection: 0 s, promotion: {attempts: {first: "uniform(4.2 s, 5.8 s)",'
        ' again: "uniform(6 s, 7 s)", failed: 10 %}}'
    )
    law = failover(tmp_path, f"{{{words}}}").failover.by_stage["promotion"]
    answers = right("C06")
    assert law.mean == pytest.approx(answers["mean_s"], rel=1e-4)
    assert law.sf(6) == pytest.approx(answers["p_retry"], rel=1e-6)
    for name, share in (("p92_s", 0.92), ("p95_s", 0.95), ("p99.5_s", 0.995)):
        assert law.quantile(share) == pytest.approx(answers[name], rel=1e-3)


def test_c08_reboot_or_eviction(tmp_path):
    reboot = "lognormal(mean=240 s, cv=0.5)"
    words = f'minimum: ["{reboot}", {{sum: ["uniform(30 s, 40 s)", 320 s]}}]'
    law = failover(tmp_path, f"{{detection: {{{words}}}}}").failover
    law = law.by_stage["detection"]
    answers = right("C08")
    assert law.mean == pytest.approx(answers["mean_s"], rel=2e-3)
    assert law.quantile(0.5) == pytest.approx(answers["p50_s"], rel=2e-3)
    assert law.quantile(0.95) == pytest.approx(answers["p95_s"], rel=2e-3)
    late = ha.duration.read(reboot).sf(np.linspace(350, 360, 101)).mean()
    assert late == pytest.approx(answers["p_evicted"], rel=5e-3)


def test_c10_eleven_nines():
    lose, rebuild = 0.0041 / YEAR, 1 / (6.5 * DAY)

    def moves(missing):
        if missing < 4:
            yield missing + 1, (20 - missing) * lose
        if 0 < missing < 4:
            yield missing - 1, missing * rebuild

    chain = ha.Chain.explore(0, moves, up={0, 1, 2, 3})
    found = YEAR / chain.mttf
    assert found == pytest.approx(right("C10")["exact_overlapping_rebuilds"], rel=5e-3)


def test_c12_retries_at_every_layer():
    attempts = amplification(1.0, 2)  # three attempts are two retries
    assert attempts**5 == pytest.approx(right("C12")["factor"])


def test_c15_a_count_and_a_total(tmp_path):
    outages, total = 19, (19 * HOUR + 43 * 60)
    up = f"{(YEAR - total) / outages!r} s"
    down = f"{total / outages!r} s"
    text = (
        "architecture: single-primary\n"
        f"database: {{mttf: {up}, mttr: {down}}}\nworkload: {{app_time: 0 s}}\n"
    )
    found = assess(read(tmp_path / "system.yaml", text).architecture)
    answers = right("C15")
    for name, target, horizon in (
        ("month_99.9", 0.999, MONTH),
        ("quarter_99.9", 0.999, 3 * MONTH),
        ("month_99.5", 0.995, MONTH),
    ):
        chance = found.probability_of_meeting(target, horizon)
        assert chance == pytest.approx(answers[name], abs=0.01), name
    assert np.exp(-outages / 12) == pytest.approx(answers["no_outage_month"], rel=1e-3)


def test_c17_health_check_and_name(tmp_path):
    dns = "{dns: {interval: 30 s, threshold: 3, ttl: 60 s}}"
    words = f"{{detection: {dns}, promotion: 0 s, fencing: 0 s, redirection: {dns}}}"
    found = failover(tmp_path, words).failover
    answers = right("C17")
    assert found.stages["detection"] == pytest.approx(answers["detection_mean_s"])
    assert found.stages["redirection"] == pytest.approx(answers["redirection_mean_s"])
    assert found.duration.mean == pytest.approx(answers["rto_mean_s"])


def test_c19_when_the_replica_has_caught_up():
    stopped = CatchUp(writes=1 / 3, service=1.0, outage=HOUR)
    assert stopped.mean == pytest.approx(right("C19")["mean_s"], rel=1e-9)
