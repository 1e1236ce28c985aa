"""Answers at their edges: arrays, symbols, failed servers, and what tables show."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy

from hamodel import duration, text
from hamodel._fields import replaced
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Node,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.assessment import MEASURES, WORKBOOK, assess, compare
from hamodel.assessment.availability import Operation
from hamodel.assessment.expected import assessed
from hamodel.assessment.measures import shown
from hamodel.assessment.retries import Metastability
from hamodel.units import HOUR
from hamodel.workload import Workload
from tests.test_architectures import FAILOVER, NODE, SITE

PAIR = ActivePassive(database=NODE, failover=FAILOVER, site=SITE)
LOAD = Workload(reads=900, writes=100, round_trip=0.08)
FAST = Node(mttf=math.inf, mttr=1.0, cores=100_000)


def queued(offered, cores, waiting):
    """Share refused, and mean stay in services, of M/M/c with a few places, by sums."""
    weights = [1.0]
    for n in range(1, cores + waiting + 1):
        weights.append(weights[-1] * offered / min(n, cores))
    refused = weights[-1] / sum(weights)
    inside = sum(n * w for n, w in enumerate(weights)) / sum(weights)
    return refused, inside / (offered * (1 - refused))


def test_the_servers_that_are_left_refuse_more_and_answer_fewer():
    """Two servers of a core each, of which one has failed for a third of the time."""
    tier = Tier(
        node=Node(mttf=400.0, mttr=100.0, cores=1), servers=2, needed=1, waiting=2
    )
    shop = SinglePrimary(database=FAST, site=Site(apps=tier))
    asked = Workload(reads=120, writes=0, app_time=0.01, hop=0, read_time=1e-9)
    found = assess(shop, asked)
    both, one = queued(1.2, 2, 2), queued(1.2, 1, 2)
    served = np.array([0.8**2, 2 * 0.8 * 0.2])  # both work, or one
    refused, stays = np.transpose([both, one])
    assert found.read.downtime_by_cause["queue full"] == pytest.approx(served @ refused)
    answered = served * (1 - refused)
    mean = answered @ stays / answered.sum() * 0.01
    assert found.latency["DC-1", "read"].mean == pytest.approx(mean, rel=1e-4)


def test_a_site_that_is_too_busy_at_times_still_serves():
    """With one of two servers the load is 1.2: an overload then, none of the site."""
    tier = Tier(node=Node(mttf=400.0, mttr=100.0, cores=1), servers=2, needed=1)
    shop = SinglePrimary(database=FAST, site=Site(apps=tier))
    for reads, down in ((120, False), (240, True)):
        found = assess(shop, Workload(reads=reads, writes=0, app_time=0.01))
        known = next(iter(found.situations["DC-1"]))
        verdict = found.model_under_load.verdict(known, "DC-1", "read")
        assert bool(verdict.cause) == down


def test_of_arrays_any_may_be_too_full_and_all_must_be_overloaded():
    found = assess(PAIR, replace(LOAD, reads=np.array([100.0, 1e6])))
    assert not found.survives_site_loss
    assert not found.is_overloaded
    assert assess(PAIR, replace(LOAD, reads=np.array([1e6, 2e6]))).is_overloaded
    assert assess(PAIR, replace(LOAD, reads=np.array([1.0, 2.0]))).survives_site_loss


@pytest.mark.parametrize("field", ["app_time", "read_time", "writes"])
def test_retries_refuse_arrays_of_any_load(field):
    asked = replace(LOAD, timeout=1.0, retries=1, **{field: np.array([1e-3, 2e-3])})
    with pytest.raises(ValueError, match="retries need single numbers, got arrays"):
        assert assess(PAIR, asked).read.unavailability is None


def test_without_retries_nothing_is_tried_again():
    found = assess(PAIR, LOAD).metastability
    assert found == Metastability(calm=1.0, worst=1.0, failing=0.0, budget=math.inf)


def test_nines_are_a_logarithm_and_never_negative():
    half = Operation(name="read", downtime_by_cause={"a": 0.5}, by_site={}, stale=0)
    assert half.nines == pytest.approx(math.log10(2))
    always = replace(half, downtime_by_cause={"a": 0.4, "b": 0.6 + 1e-12})
    assert always.nines == 0
    x = sympy.Symbol("x", positive=True)
    formula = replace(half, downtime_by_cause={"a": x}).nines
    assert float(formula.subs(x, 0.001)) == pytest.approx(3)


def test_what_a_table_shows_of_each():
    found = assess(PAIR, LOAD)
    rows = {row[0]: row[1:] for row in compare([PAIR, PAIR], LOAD).rows}
    for heading, law in (
        ("recovery time, p50 / p99", found.rto),
        ("replication lag, p50 / p99", found.replication_lag),
    ):
        shown = " / ".join(text.time(float(law.quantile(p))) for p in (0.5, 0.99))
        assert rows[heading] == (shown, shown)
    assert rows["survives a site loss"][0] == "yes"


def test_the_worst_site_is_told():
    """Nine of ten clients are at one of two active sites, and queue there."""
    load = Workload(reads=900, writes=1, clients={"DC-1": 0.1, "DC-2": 0.9})
    busy = ActiveActive(database=replace(NODE, cores=1), failover=FAILOVER)
    found = assess(busy, load)
    least, most = (found.latency[s, "read"].quantile(0.99) for s in found.sites)
    assert most > 1.1 * least
    assert MEASURES["read_p99"].of(found) == most
    assert dict(shown(found))["read p99, worst site"] == text.time(float(most))


def test_alerts_of_the_workbook_by_what_sets_them_off():
    """Shares of a budget of 30 days: 2 % in an hour, 5 % in six, 10 % in three days."""
    month = 30 * 24 * HOUR
    burnt = [alert.threshold(0.999) / (0.001 * month) for alert in WORKBOOK]
    assert burnt == pytest.approx([0.02, 0.05, 0.1])
    assert [alert.long / alert.short for alert in WORKBOOK] == [12, 12, 12]
    assert [alert.after for alert in WORKBOOK] == [0, 0, 0]
    assert [alert.severity for alert in WORKBOOK] == ["page", "page", "ticket"]


def test_what_is_believed_where_parameters_are_arrays_or_laws():
    """An array is moved row by row; in place of a law the draws are as they are."""
    one = SinglePrimary(database=Node(mttf=100 * HOUR, mttr=5 * HOUR))
    belief = duration.uniform(4 * HOUR, 6 * HOUR)
    found = assessed(one, None, {"database.mttr": belief})

    def mean(factor):
        repair = factor * belief.quantile((np.arange(2000) + 0.5) / 2000)
        return np.mean(repair / (100 * HOUR + repair))

    rows = 5 * HOUR * np.array([[1.0], [3.0]])
    for mttr, exact in (
        (rows, [mean(1), mean(3)]),
        (duration.constant(7 * HOUR), mean(1)),
    ):
        moved = replace(found, architecture=replaced(one, {"database.mttr": mttr}))
        assert moved.write.unavailability == pytest.approx(exact, rel=1e-6)
