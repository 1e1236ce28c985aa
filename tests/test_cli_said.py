"""Sentences of the page: each is said where it is so, by what moves and by hand."""

from dataclasses import replace
from math import exp, log

import pytest

from hamodel import assess
from hamodel.architectures import ActiveActive, Node
from hamodel.cli._said import (
    assumed_lag,
    assumed_load,
    assumed_times,
    backed_up,
    failed,
    findings,
    mended,
    replayed,
    roaming,
)
from hamodel.duration import uniform
from hamodel.failover import Failover
from hamodel.specfile import load
from hamodel.units import HOUR

NODE = "database: {mttf: 90 d, mttr: 4 h}\n"
PROMOTED = "failover: {detection: 10 s, promotion: 5 s}\n"
LED = "failover: {detection: 10 s, redirection: 5 s}\n"
APPS = "site: {apps: {node: {mttf: 30 d, mttr: 5 min}, servers: 2}}\n"
OWN = {  # systems of which nobody states a workload
    "one": "architecture: single-primary\n",
    "pair": f"architecture: active-passive\n{PROMOTED}",
    "in a room": f"architecture: active-passive\nsites: [a]\n{PROMOTED}",
    "served": f"architecture: active-passive\n{PROMOTED}{APPS}",
    "sites": f"architecture: active-active\n{LED}",
    "homes": f"architecture: active-active\nresolution: home site\n{LED}",
    "voters": f"architecture: majority\ncopies: {{a: 1, b: 1, c: 1}}\n{LED}",
    "local": "architecture: majority\nlocal_reads: true\n"
    f"copies: {{a: 1, b: 1, c: 1}}\n{LED}",
    "witness": "architecture: majority\nlocal_reads: true\nwitnesses: [b]\n"
    f"copies: {{a: 2, b: 1}}\n{LED}",
    "store": "architecture: leaderless\n",
}
OTHER = {"keys": 3_000_000, "exponent": 0.5, "write_time": 4e-3}  # else twice the usual


@pytest.fixture
def spec_of(tmp_path):
    """Make a specification of the words of a file."""

    def made(words):
        file = tmp_path / "own.yaml"
        file.write_text(words)
        return load(file)

    return made


def another(spec, name):
    """The specification with another value of what nobody states."""
    if name == "database.cores":
        node = replace(spec.architecture.database, cores=4)
        return replace(spec.architecture, database=node), spec.workload
    value = OTHER.get(name, 2 * getattr(spec.workload, name))
    return spec.architecture, replace(spec.workload, **{name: value})


def at_risk(found):
    """What stands above the sentence: losses, stale reads and conflicts."""
    lost = found.lost_writes
    return [
        float(number)
        for number in (
            lost.per_year,
            lost.missing_per_year,
            found.stale_read_probability,
            found.conflicts.per_day,
        )
    ]


def waited(found):
    """The mean of each latency that is shown."""
    return [float(law.mean) for _, law in found.latency.items()]


@pytest.mark.parametrize("name", OWN)
def test_what_moves_the_writes_at_risk_is_named_beside_them(name, spec_of):
    """By 2 %; keys, their popularity and the work are named just where they do."""
    spec = spec_of(OWN[name] + NODE)
    found = assess(spec)
    said = assumed_load(spec, found)
    for number in ("reads", "writes", "round_trip", "hop", *OTHER):
        other = assess(*another(spec, number))
        moved = at_risk(other) != pytest.approx(at_risk(found), rel=0.02)
        named = f"{number} " in said
        assert named if moved else not named or number not in OTHER, number
    far = len(spec.architecture.all_sites) > 1
    assert ("round_trip" in said, "hop" in said) == (far, not far)


@pytest.mark.parametrize("name", ["pair", "in a room", "served", "voters"])
def test_what_moves_a_latency_is_named_beside_it(name, spec_of):
    spec = spec_of(OWN[name] + NODE)
    said, found = assumed_times(spec), assess(spec)
    for number in ("app_time", "read_time", "write_time", "hop", "round_trip"):
        other = assess(*another(spec, number))
        moved = waited(other) != pytest.approx(waited(found), rel=1e-3)
        assert (f"{number} " in said) == moved, number
    assert "database.cores 8" in said
    fewer = assess(*another(spec, "database.cores")).utilisation
    assert fewer["database"] == pytest.approx(2 * found.utilisation["database"])


def test_what_is_stated_is_not_said_to_be_assumed(spec_of):
    """Neither what a file says, be it what is usual, nor what Python was told."""
    words = OWN["pair"] + NODE
    usual = spec_of(words)
    for number, value in (("keys", "1000000"), ("exponent", "0.99")):
        spec = spec_of(f"{words}workload: {{{number}: {value}}}\n")
        assert f"{number} " not in assumed_load(spec, assess(spec))
        told = replace(usual, workload=another(usual, number)[1])
        assert f"{number} " not in assumed_load(told, assess(told))
    spec = spec_of(f"{words}workload: {{reads: 900/s, hop: 0.5 ms}}\n")
    said = assumed_load(spec, assess(spec)) + assumed_times(spec)
    assert not any(f"{n} 9" in said for n in ("reads", "writes"))
    assert "hop" not in said
    assert "read_time 1 ms" in said
    for name, way in (("pair", "round_trip"), ("in a room", "hop")):
        spec = spec_of(f"{OWN[name]}{NODE}workload: {{{way}: 30 ms}}\n")
        assert "writes 100/s, keys" in assumed_load(spec, assess(spec))
    cores = spec_of(words.replace("mttr: 4 h", "mttr: 4 h, cores: 8"))
    assert "cores" not in assumed_times(cores)


WAITS = "mode: semi-sync, timeout: 1 s, delay: 2 ms"


@pytest.mark.parametrize(
    ("said", "beside", "is_said"),
    [
        (WAITS, "", True),
        (f"{WAITS}, flush: 1 ms", "", True),
        ("mode: sync", "", True),
        (f"{WAITS}, apply: {{service: 1 ms}}", "", False),  # it says how long
        (f"{WAITS}, wait_for: applied", "", False),  # who answers shows it by then
        ("mode: async, delay: 2 ms", "", False),  # what is on its way is late anyway
        (
            WAITS,
            "replicas: [{site: DC-1, reads: never}, {site: DC-2, reads: never}]\n",
            False,
        ),  # no read is stale
    ],
)
def test_a_replay_is_missed_where_it_would_make_reads_stale(
    said, beside, is_said, spec_of
):
    words = f"{OWN['pair']}{NODE}{beside}replication: {{{said}}}\n"
    assert bool(replayed(assess(spec_of(words)))) == is_said


@pytest.mark.parametrize("mttr", [100.0, 125.0, 135.0, 300.0, HOUR])
def test_most_outages_end_first_where_more_than_half_do(mttr):
    """A repair of an exponential law outlasts 90 s with exp(-90 / mttr)."""
    node = Node(mttf=2000 * HOUR, mttr=mttr)
    led = Failover(detection=60, redirection=30)
    found = assess(ActiveActive(database=node, failover=led))
    assert bool(mended(found)) == (1 - exp(-90 / mttr) > 0.5) == (mttr < 90 / log(2))


@pytest.mark.parametrize("mttr", [20.0, 60.0, 110.0, 160.0, 250.0])
def test_most_outages_are_never_said_to_end_first_where_fewer_than_half_do(mttr):
    """The chance over a detection of 10 to 170 s, by its integral."""
    node = Node(mttf=2000 * HOUR, mttr=mttr)
    led = Failover(detection=uniform(10, 170), redirection=30)
    found = assess(ActiveActive(database=node, failover=led))
    first = 1 - mttr / 160 * (exp(-40 / mttr) - exp(-200 / mttr))
    assert first > 0.5 or not mended(found)
    assert bool(mended(found)) == (mttr * log(2) < 10 + 0.05 * 160 + 30)


def test_how_many_failures_destroy_the_data(spec_of):
    for said, words in (("none", ""), ("2 %", "destroyed: 2 %\n")):
        found = assess(spec_of(OWN["one"] + NODE + words))
        assert f"of the failures {said} (destroyed)." in backed_up(found)
    assert backed_up(assess(spec_of(OWN["pair"] + NODE))) == ""


HOME = "replicas: [{site: DC-1, priority: 1}, {site: DC-2}]\n"


@pytest.mark.parametrize(
    ("name", "more", "moves"),
    [
        ("pair", "", True),
        (
            "pair",
            f"{HOME}failback: {{resync: 1 h, switchover: {{drain: 10 s}}}}\n",
            False,
        ),
        ("pair", "workload: {round_trip: 0 s}\n", False),
        ("in a room", "", False),
        ("sites", "", False),  # each takes writes
        ("voters", "", False),
    ],
)
def test_a_primary_that_moves_is_told_of(name, more, moves, spec_of):
    assert bool(roaming(spec_of(OWN[name] + NODE + more))) == moves


def test_what_a_failed_failover_takes(spec_of):
    """Its stages, then a person: 15 s and half an hour; voters elect all the same."""
    words = OWN["pair"].replace("{detection", "{manual: 30 min, detection")
    words = words.replace("5 s}", "5 s, coverage: 95 %}")
    found = assess(spec_of(words + NODE))
    assert "1 failover in 20 does not work; that takes 30.2 min" in failed(found)
    led = LED.replace("}", ", coverage: 95 %}")
    assert failed(assess(spec_of(OWN["voters"].replace(LED, led) + NODE))) == ""


@pytest.mark.parametrize(
    ("mode", "is_said"), [("async", 1), ("semi-sync", 1), ("sync", 0)]
)
def test_a_constant_delay_is_said_where_writes_may_be_lost(mode, is_said, spec_of):
    words = f"{OWN['pair']}{NODE}replication: {{mode: {mode}, delay: 2 ms"
    assert bool(assumed_lag(spec_of(f"{words}}}\n"))) == is_said
    law = words.replace("2 ms", "exponential(2 ms)")
    assert not assumed_lag(spec_of(f"{law}}}\n"))


def test_copies_that_do_not_keep_up_are_told_of_the_narrowest_stage(spec_of):
    stages = "send: {service: 20 ms}, apply: {service: 2 ms}"
    words = f"replication: {{mode: async, {stages}}}\nworkload: {{writes: 90/s}}\n"
    said = " ".join(findings(assess(spec_of(OWN["pair"] + NODE + words))))
    assert "they keep up with less than 50/s" in said
