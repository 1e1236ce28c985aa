"""Models share what they have in common, and never each other's numbers."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import sympy
from scipy.stats import binom

from hamodel.architectures import (
    ActivePassive,
    Cause,
    Failure,
    Group,
    Node,
    Part,
    Site,
    Tier,
)
from hamodel.architectures._shape import _at_once, made
from hamodel.architectures._sums import plus
from hamodel.chain import k_of_n
from hamodel.failover import Failover
from hamodel.units import HOUR
from tests.support.yardstick import cost
from tests.test_architectures import FULL

SWEEP = Node(mttf=2000 * HOUR, mttr=np.linspace(1, 30, 100_000) * HOUR)


@pytest.mark.parametrize("name", FULL)
def test_a_full_architecture_takes_milliseconds(name):
    FULL[name].model().downtime()
    assert cost(lambda: FULL[name].model().downtime()) < 2


@pytest.mark.parametrize("name", ["passive", "active"])
def test_a_large_sweep_takes_less_than_a_second(name):
    swept = replace(FULL[name], database=SWEEP)
    assert cost(lambda: swept.model().downtime(), 2) < 100


@pytest.mark.parametrize("name", ["active", "majority"])
def test_equal_parts_are_solved_once(name, monkeypatch):
    solved = []
    chain = Part.chain

    def counted(part, *args, **keywords):
        solved.append(part.name)
        return chain(part, *args, **keywords)

    monkeypatch.setattr(Part, "chain", counted)
    model = FULL[name].model()
    model.downtime()
    model.situations()
    assert len(solved) < len(model.leaves())
    assert len(solved) == len({part.kind for part in model.leaves()})


ALL_KINDS = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(promotion=20, coverage=0.95, retry=60),
    sites=("a", "b", "c"),
    site=Site(mttf=8760 * HOUR, mttr=4 * HOUR),
    failures=(
        Failure(kind="process", mttf=1000 * HOUR, mttr=60),
        Failure(kind="network", mttf=1500 * HOUR, mttr=600),
        Failure(kind="hang", mttf=3000 * HOUR, mttr=HOUR, detection=60),
        Failure(kind="disk", mttf=9000 * HOUR, mttr=8 * HOUR),
        Failure(kind="everywhere", mttf=9000 * HOUR, mttr=HOUR),
    ),
    common_cause=0.02,
)


def explored(part):
    """The views of a part from its own rules and numbers, with no shape."""
    bare = replace(part, shaped=None)
    found = defaultdict(float)
    for state, share in bare.chain().steady_state().items():
        if np.any(share):  # not where it is left at once
            found[part.view(state)] += share
    return dict(found)


def test_all_kinds_take_as_long_as_a_blink():
    """Three nodes over three sites, with all kinds of failure: see the benchmarks."""
    ALL_KINDS.model().downtime()
    (pair, *_) = ALL_KINDS.model().parts
    assert len(pair.seen_from("a").shaped().shape.states) < 1200
    assert cost(lambda: ALL_KINDS.model().downtime(), 5) < 20


def refined(shape, rates):
    """The coarsest exact lumping: states of one view with the same ways to others."""
    ways = defaultdict(list)
    for (i, j), rate in zip(shape.moves, rates, strict=True):
        ways[i].append((j, rate))
    block, count = list(shape.views), 0
    while len(set(block)) > count:
        count, known = len(set(block)), {}
        flows = [defaultdict(float) for _ in block]
        for i, flow in enumerate(flows):
            for j, rate in ways[i]:
                if block[j] != block[i]:
                    flow[block[j]] += rate
        keys = [
            (b, frozenset((to, f"{rate:.9g}") for to, rate in flow.items()))
            for b, flow in zip(block, flows, strict=True)
        ]
        block = [known.setdefault(key, len(known)) for key in keys]
    return count


def test_states_are_nearly_as_few_as_they_can_be():
    """All kinds have 1,155 states, and no exact lumping has less than 1,053."""
    (pair, *_) = ALL_KINDS.model().parts
    shaped = pair.seen_from("a").shaped()
    assert refined(shaped.shape, shaped.rates) == 1053
    few = replace(ALL_KINDS, failures=ALL_KINDS.failures[:2], common_cause=0.0)
    (pair, *_) = few.model().parts
    shaped = pair.seen_from("a").shaped()
    assert refined(shaped.shape, shaped.rates) > 0.8 * len(shaped.shape.states)


def test_what_is_left_at_once_is_no_state():
    """Redirected at once or hardly later, found at once or hardly later: as good as."""
    quick = replace(ALL_KINDS, failover=replace(ALL_KINDS.failover, detection=1e-9))
    quick = replace(quick, failover=replace(quick.failover, redirection=1e-9))
    at_once, soon = (s.model().downtime()["write"] for s in (ALL_KINDS, quick))
    assert at_once == pytest.approx(soon, rel=1e-7)
    states = {len(s.model().parts[0].shaped().shape.states) for s in (ALL_KINDS, quick)}
    assert min(states) < 0.8 * max(states)


def test_states_that_are_known_are_not_explored_again():
    (pair, *_) = ALL_KINDS.model().parts
    ALL_KINDS.model().downtime()

    def anew():
        for site in ALL_KINDS.sites:
            replace(pair.seen_from(site), shaped=None).views()

    assert cost(lambda: ALL_KINDS.model().downtime(), 3) < cost(anew, 1) / 2


@pytest.mark.parametrize("site", ALL_KINDS.sites)
def test_sites_that_are_alike_are_each_seen_as_their_own_rules_say(site):
    (pair, *_) = ALL_KINDS.model().parts
    seen = pair.seen_from(site)
    assert seen.views() == pytest.approx(explored(seen), rel=1e-10)


def test_where_the_primary_begins_matters_if_it_never_moves():
    still = replace(
        ALL_KINDS,
        database=Node(mttf=np.inf, mttr=1.0),
        failures=(),
        site=Site(mttf=1e7),
    )
    never = replace(still, site=Site(mttf=np.array([1e7, np.inf])))
    (pair, *_) = never.model().parts
    for site in "abc":
        seen = pair.seen_from(site)
        shown = seen.views()
        for view, share in explored(seen).items():
            assert shown[view] == pytest.approx(share, rel=1e-10)


def test_a_shape_serves_numbers_arrays_and_symbols():
    pair = replace(ALL_KINDS, sites=("a",), failures=ALL_KINDS.failures[:1])
    swept = replace(pair, database=Node(mttf=np.array([1e6, 5e6, 1e7]), mttr=14400.0))
    for k, mttf in enumerate(swept.database.mttf):
        one = replace(pair, database=Node(mttf=float(mttf), mttr=14400.0))
        exact = explored(one.model().parts[0])
        assert one.model().parts[0].views() == pytest.approx(exact, rel=1e-11)
        many = {v: p[k] for v, p in swept.model().parts[0].views().items()}
        assert many == pytest.approx(exact, rel=1e-11)
    fail = sympy.Symbol("fail", positive=True)
    plain = replace(
        pair, failures=(), common_cause=0.0, failover=Failover(promotion=20)
    )
    named = replace(plain, database=Node(mttf=1 / fail, mttr=14400.0))
    one = replace(plain, database=Node(mttf=1e7, mttr=14400.0))
    formula = named.model().parts[0].views()
    for view, share in explored(one.model().parts[0]).items():
        value = float(formula[view].subs(fail, 1e-7))
        assert value == pytest.approx(share, rel=1e-8)


def test_many_scenarios_are_solved_in_blocks():
    mttf = np.geomspace(1e6, 1e8, 5001)
    swept = replace(ALL_KINDS, failures=(), database=Node(mttf=mttf, mttr=14400.0))
    shown = swept.model().downtime()["write"]
    for k in (0, 4095, 4096, 5000):
        node = Node(mttf=float(mttf[k]), mttr=14400.0)
        alone = replace(swept, database=node).model().downtime()["write"]
        assert {c: p[k] for c, p in shown.items()} == pytest.approx(alone, rel=1e-11)


def test_copies_of_different_number_are_different_parts():
    store = replace(FULL["leaderless"], copies={"a": 2, "b": 1, "c": 1}).model()
    kinds = {part.name: part.kind for part in store.parts}
    assert kinds["b"] == kinds["c"] != kinds["a"]


def test_a_state_is_left_at_once_where_two_shares_are_all():
    one, other = made("one"), made("other")
    for first, second in ((one, 1 - one), (1 - one, one)):
        moves = [("a", first * np.inf), ("b", second * np.inf)]
        assert _at_once(moves) == [("a", first), ("b", second)]
    assert _at_once([("a", one * np.inf), ("b", other * np.inf)]) == []


@pytest.mark.parametrize("name", FULL)
def test_a_plan_serves_numbers_that_differ(name):
    first = FULL[name].model().downtime()
    other = replace(FULL[name], database=Node(mttf=100 * HOUR, mttr=9 * HOUR))
    assert other.model().downtime()["write"] != first["write"]
    assert FULL[name].model().downtime() == first


@pytest.mark.parametrize("name", FULL)
def test_situations_are_the_callers_own(name):
    model = FULL[name].model()
    before = model.downtime()
    for seen in model.situations().values():
        seen.clear()
    assert model.downtime() == before


def test_sums_leave_their_terms_alone():
    swept = replace(FULL["active"], database=replace(SWEEP, mttr=np.array([1.0, 2.0])))
    model = swept.model()
    group = model.parts[0]
    assert isinstance(group, Group)
    (servers, data) = group.parts
    before = {view: np.copy(share) for view, share in data.views().items()}
    alone = Group(name="alone", parts=(data,), combine=lambda _: "one")
    shown = alone.views()
    assert shown["one"] == pytest.approx([1.0, 1.0])
    after = data.views()
    for view, share in before.items():
        assert np.array_equal(after[view], share)
    assert servers.views()


def test_a_sum_grows_to_the_shape_of_its_terms():
    column, row = np.ones((3, 1)), np.ones(4)
    assert plus(column, row).shape == (3, 4)
    assert plus(None, 2) == 2
    assert plus(2, row).tolist() == [3] * 4


@pytest.mark.parametrize("crews", [None, 1, 3])
def test_failed_servers_are_a_birth_death_chain(crews):
    tier = Tier(node=Node(mttf=50.0, mttr=7.0), servers=9, needed=6, crews=crews)
    exact = k_of_n(9, 6, fail=1 / 50, repair=1 / 7, crews=crews or 9).steady_state()
    assert tier.failed() == pytest.approx([exact[9 - n] for n in range(10)], rel=1e-12)
    if crews is None:
        p = 7 / 57
        assert tier.failed() == pytest.approx(binom.pmf(range(10), 9, p), rel=1e-12)
    swept = replace(tier, node=Node(mttf=np.array([50.0, 80.0]), mttr=7.0))
    assert [p[0] for p in swept.failed()] == pytest.approx(tier.failed(), rel=1e-12)
    f, r = sympy.symbols("f r", positive=True)
    formula = Tier(node=Node(mttf=1 / f, mttr=1 / r), servers=9, crews=crews).failed()
    values = [float(p.subs({f: 1 / 50, r: 1 / 7})) for p in formula]
    assert values == pytest.approx(tier.failed(), rel=1e-9)


def test_servers_too_many_to_fail_together_are_not_told_apart(monkeypatch):
    """What clients see is the same as with every number of failed servers a state."""
    node = Node(mttf=1000 * HOUR, mttr=2 * HOUR)
    few = Tier(node=node, servers=24, needed=21)
    site = Site(mttf=1e8, balancers=Tier(node=node, servers=2), apps=few)
    spec = replace(FULL["active"], site=site)
    found = spec.model().downtime()["write"]
    assert few.counted < 12
    monkeypatch.setattr(Tier, "counted", 24)
    whole = spec.model().downtime()["write"]
    assert found == pytest.approx(whole, rel=1e-12)
    assert found[Cause.FAILING_OVER] > 0


@pytest.mark.parametrize("needed", [1, 990])
def test_a_thousand_servers_take_no_longer_than_three(needed):
    rng = np.random.default_rng(1)
    belief = Node(mttf=rng.gamma(20, 50, 2000) * HOUR, mttr=2 * HOUR)

    def ask(servers, needed):
        apps = Tier(node=belief, servers=servers, needed=needed)
        site = Site(balancers=Tier(node=belief, servers=2), apps=apps)
        return replace(FULL["active"], site=site).model().downtime()

    few, many = cost(lambda: ask(3, 1), 3), cost(lambda: ask(1000, needed), 3)
    assert many < 4 * few + 2 if needed == 1 else many < 100
