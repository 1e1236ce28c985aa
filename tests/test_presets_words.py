"""Each word of a preset's title and summary is what its fields say."""

import re

import pytest

from hamodel import catalogue
from hamodel.architectures import Majority
from hamodel.units import MS

EVERY = catalogue.systems()
NUMBERS = {"two": 2, "three": 3, "five": 5}
OWN = ("round_trip", "app_time", "read_time", "write_time")


def words(key):
    """Return title and summary of a preset in small letters."""
    found = catalogue.system(key)
    return f"{found.title}. {found.summary}".lower()


@pytest.mark.parametrize("key", EVERY)
def test_a_preset_states_its_own_way_and_its_own_times(key):
    sources = catalogue.system(key).spec.sources
    for name in OWN:
        assert sources[f"workload.{name}"].is_stated, name
    assert sources["database.cores"].is_stated


@pytest.mark.parametrize("key", EVERY)
def test_zones_are_near_and_regions_are_far(key):
    load = catalogue.system(key).spec.workload
    said = words(key)
    if "zone" in said:
        assert load.round_trip <= 2 * MS
    if re.search(r"\b(regions|usa|clusters that send)\b", said) and "zone" not in said:
        assert load.round_trip >= 20 * MS


@pytest.mark.parametrize("key", EVERY)
def test_modes_of_replication_are_those_named(key):
    said = words(key)
    made = catalogue.system(key).architecture()
    if not hasattr(made, "replication"):
        return
    mode = made.replication.mode
    if "semi-synchronous" in said or "maximum availability" in said:
        assert mode == "semi-sync"
    elif least := re.search(r"(two|three) are in sync", said):
        assert mode == "in-sync"
        assert made.replication.acknowledgements == NUMBERS[least[1]] - 1
    elif re.search(r"\bsynchronous", said):
        assert mode in ("sync", "semi-sync", "quorum")
    else:
        assert mode == "async"


@pytest.mark.parametrize("key", EVERY)
def test_a_standby_that_serves_nothing_reads_nothing(key):
    made = catalogue.system(key).architecture()
    nodes = getattr(made, "replicas", ())
    if re.search(r"serves? nothing", words(key)):
        assert {node.reads for node in nodes} == {"never"}
    else:
        assert all(node.reads == "local" for node in nodes)


@pytest.mark.parametrize("key", EVERY)
def test_numbers_of_copies_members_and_sites_are_those_named(key):
    made = catalogue.system(key).architecture()
    said = words(key)
    for word, thing in re.findall(
        r"\b(two|three|five) "
        r"(copies|members|replicas|brokers|servers|clusters|regions|zones)\b",
        said,
    ):
        sites = made.copies if hasattr(made, "copies") else made.sites
        count = len(sites)
        if thing in ("copies", "members", "replicas") and hasattr(made, "copies"):
            count = sum(made.copies.values())
        assert count == NUMBERS[word], (word, thing)


@pytest.mark.parametrize("key", EVERY)
def test_who_agrees_and_who_wins_is_said(key):
    made = catalogue.system(key).architecture()
    said = words(key)
    if re.search(r"\b(raft|paxos)\b", said):
        assert isinstance(made, Majority)
    if "quorum reads and writes" in said:
        assert made.read_quorum + made.write_quorum > sum(made.copies.values())
    if "last writer wins" in said:
        assert made.resolution == "last write wins"
    if "haproxy" in said:
        assert type(made.failover.mechanisms["redirection"]).__name__ == "ProxyCheck"


def test_a_planted_contradiction_is_seen(monkeypatch):
    key = "managed-multi-zone"
    patched = words(key).replace("two zones", "three zones")
    monkeypatch.setitem(globals(), "words", lambda _: patched)
    with pytest.raises(AssertionError):
        test_numbers_of_copies_members_and_sites_are_those_named(key)
