"""Diagrams and assumptions: what stops a service alone, and what is taken for granted.

The second road to a single point of failure is the model: a part whose views are all
but certainly those of its failure takes the service down.
"""

from dataclasses import replace

import numpy as np
import pytest

from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Assumption,
    Leaderless,
    Majority,
    Node,
    Region,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.architectures._assumptions import COMMON, KEPT, SPLIT
from hamodel.assessment import assess
from hamodel.duration import constant, exponential, lognormal
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.simulation import simulate
from hamodel.units import HOUR
from tests.test_architectures import FAILOVER, FULL, NODE, SITE, unavailability

NEVER = Node(mttf=float("inf"), mttr=HOUR)
#: Dead in all but one second of a million, and then without an end in sight.
DEAD = Node(mttf=1.0, mttr=1e6)
OPERATIONS = ("read", "write")

SHAPES = {
    **FULL,
    "one site": replace(FULL["passive"], sites=("DC-1",)),
    "strict": replace(FULL["passive"], replication=Replication(mode="sync")),
    "two sites": replace(FULL["majority"], copies={"DC-1": 2, "DC-2": 1}),
    "local reads": replace(
        FULL["majority"], copies={"DC-1": 2, "DC-2": 1}, local_reads=True
    ),
    "witness": replace(
        FULL["majority"],
        copies={"DC-1": 1, "DC-2": 1, "DC-3": 1},
        witnesses=("DC-2", "DC-3"),
    ),
    "three active": replace(FULL["active"], sites=("a", "b", "c")),
}


def single(architecture, operation="write"):
    if operation == "write":  # an assessment says those of writes
        return set(assess(architecture).single_points_of_failure)
    return set(architecture.diagram(operation).single_points_of_failure())


def test_the_classic_diagram_has_four():
    around = {"DC-1", "DC-1 load balancer", "DC-1 database", "everywhere"}
    for operation in OPERATIONS:
        assert single(FULL["single"], operation) == around


def test_two_sites_leave_what_strikes_both():
    for name in ("passive", "active", "majority"):
        assert single(FULL[name]) == {"everywhere"}
        assert single(replace(FULL[name], everywhere=None)) == set()


def test_one_site_around_two_nodes():
    pair = replace(FULL["passive"], sites=("DC-1",))
    assert single(pair) == {"DC-1", "DC-1 load balancer", "everywhere"}


def test_a_write_that_waits_for_the_standby_needs_both_sites():
    pair = replace(FULL["passive"], replication=Replication(mode="sync"))
    both = {"DC-1", "DC-2", "DC-1 database", "DC-2 database", "everywhere"}
    assert single(pair) == both
    assert single(pair, "read") == {"everywhere"}


def test_the_bigger_site_of_a_majority():
    assert single(SHAPES["two sites"]) == {"DC-1", "everywhere"}
    assert single(SHAPES["local reads"], "read") == {"everywhere"}


def test_a_witness_holds_a_vote_but_no_door():
    assert "DC-1" in single(SHAPES["witness"])
    assert "DC-2" not in single(SHAPES["witness"])


def test_k_of_n_servers():
    apps = Tier(node=NODE, servers=2, needed=2)
    spec = SinglePrimary(database=NODE, site=Site(apps=apps))
    assert {"DC-1 app server 1", "DC-1 app server 2"} <= single(spec)


def test_names_with_quotes_are_drawn():
    spec = SinglePrimary(database=NODE, name='the "old" one')
    assert "the 'old' one database" in single(spec)


@pytest.mark.parametrize("name", SHAPES)
def test_there_is_no_third_operation(name):
    with pytest.raises(ValueError, match="operation must be one of 'read', 'write'"):
        SHAPES[name].diagram("writing")


# ---- the model says the same -------------------------------------------------------


def sound(architecture):
    """Return the architecture in which nothing fails and failovers work."""
    tiers = {
        kind: replace(getattr(architecture.site, kind), node=NEVER)
        for kind in ("balancers", "apps")
    }
    site = replace(architecture.site, mttf=float("inf"), **tiers)
    changes = {"database": NEVER, "everywhere": NEVER, "site": site}
    if hasattr(architecture, "failover"):
        changes["failover"] = Failover(detection=1e-9, redirection=1e-9)
    if hasattr(architecture, "election"):
        changes["election"] = 1e-9
    return replace(architecture, **changes)


def with_dead(architecture, kind):
    """Return a sound architecture in which all parts of one kind are all but dead."""
    plain = sound(architecture)
    if kind == "site":
        return replace(plain, site=replace(plain.site, mttf=1.0, mttr=1e6))
    if kind in {"database", "everywhere"}:
        return replace(plain, **{kind: DEAD})
    tier = replace(getattr(plain.site, kind), node=DEAD)
    return replace(plain, site=replace(plain.site, **{kind: tier}))


def dead_boxes(architecture, kind):
    """Return the boxes of a kind in the diagram."""
    words = {"balancers": "load balancer", "apps": "app server"}
    names = architecture.diagram("write").components
    if kind == "everywhere":
        return [kind]
    if kind == "site":
        return [n for n in names if n in getattr(architecture, "copies", ())] or list(
            architecture.sites
        )
    if kind == "database":
        return [n for n in names if " database" in n or " copy" in n]
    return [n for n in names if words[kind] in n]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kind", ["everywhere", "site", "database", "balancers"])
def test_all_of_a_kind_dead_is_down_in_model_and_diagram(name, kind):
    architecture = SHAPES[name]
    broken = with_dead(architecture, kind)
    for operation in OPERATIONS:
        works = architecture.diagram(operation).works(dead_boxes(architecture, kind))
        assert not works
        assert unavailability(broken, operation) > 0.99


def forced(model, name, views):
    """Return the model whose part of this name shows one view, for ever."""
    shown = type("Shown", (), {"name": name, "views": lambda _: {views: 1.0}})()
    parts = tuple(shown if part.name == name else part for part in model.parts)
    return replace(model, parts=parts)


def worst_view(part):
    """Return the view of a part in which its site is lost and clients were moved."""
    ranked = [v for v in part.views() if getattr(v, "clients", "") in {"moved", "lost"}]
    ranked = ranked or [v for v in part.views() if getattr(v, "cause", "")]
    return min(ranked, key=lambda v: getattr(v, "copies", 0))


@pytest.mark.parametrize(
    "name", ["single", "active", "three active", "majority", "two sites", "leaderless"]
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lost_site_stops_the_service_where_the_diagram_says(name, operation):
    architecture = SHAPES[name]
    model = sound(architecture).model()
    for part in SHAPES[name].model().parts:
        if part.name in {"everywhere", "leader"}:
            continue
        lost = forced(model, part.name, worst_view(part))
        down = sum(lost.downtime()[operation].values())
        if part.name in single(architecture, operation):
            assert down == pytest.approx(1, abs=1e-6)
        else:
            assert down < 1e-6


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_everywhere_stops_everything(name, operation):
    model = forced(SHAPES[name].model(), "everywhere", "down")
    assert model.downtime()[operation] == pytest.approx({"everywhere": 1.0})


@pytest.mark.parametrize("name", ["active", "majority", "leaderless"])
def test_the_diagram_with_long_outages_is_the_model_without_failovers(name):
    """With instant, certain redirection the diagram's exact answer is the model's."""
    spec = replace(FULL[name], failover=Failover())
    if name == "majority":
        spec = replace(spec, election=1e-12)
    nodes = {
        "load balancer": SITE.balancers.node,
        "app server": SITE.apps.node,
        "database": NODE,
        "copy": NODE,
        "everywhere": spec.everywhere,
    }

    def down(box):
        node = next((n for k, n in nodes.items() if k in box), SITE)
        return node.mttr / (node.mttf + node.mttr)

    for operation in OPERATIONS:
        system = spec.diagram(operation)
        exact = system.unavailability({box: down(box) for box in system.components})
        # a site that is down keeps its database from failing: a part in a thousand
        assert unavailability(spec, operation) == pytest.approx(exact, rel=3e-3)


# ---- assumptions -------------------------------------------------------------------


def given_up(architecture, words):
    """Return the architecture without the assumption whose text has these words."""
    (found,) = [a for a in architecture.assumptions if words in a.text]
    assert found.without
    return found.flip()


@pytest.mark.parametrize("name", SHAPES)
def test_repairs_vary_by_what_the_sentence_says(name):
    words = "are exponential"
    (found,) = [a for a in SHAPES[name].assumptions if words in a.text]
    assert "2 times its standard deviation" in found.without
    before, after = SHAPES[name].site.mttr, found.flip().site.mttr
    assert (after.mean, after.std) == pytest.approx((before, 2 * before))
    law = exponential(before)
    given = replace(SHAPES[name], site=replace(SHAPES[name].site, mttr=law))
    (found,) = [a for a in given.assumptions if words in a.text]
    assert found.flip().site.mttr is law


@pytest.mark.parametrize("name", SHAPES)
def test_every_assumption_is_a_sentence(name):
    found = SHAPES[name].assumptions
    assert len({a.text for a in found}) == len(found) >= 3
    for assumption in found:
        assert isinstance(assumption, Assumption)
        assert str(assumption) == assumption.text
        assert assumption.text.endswith(".")
        assert (assumption.flip is None) == (assumption.without == "")


@pytest.mark.parametrize("name", ["passive", "active", "majority", "leaderless"])
@pytest.mark.parametrize("words", ["independently", "dead address"])
def test_giving_up_an_assumption_costs_something(name, words):
    assert unavailability(given_up(FULL[name], words)) > unavailability(FULL[name])


def test_common_causes_keep_the_failures_of_one_node():
    spec = replace(FULL["active"], everywhere=None)
    flipped = given_up(spec, "independently")
    assert flipped.everywhere.mttf == pytest.approx(NODE.mttf / COMMON)
    total = 1 / flipped.database.mttf + 1 / flipped.everywhere.mttf
    assert total == pytest.approx(1 / NODE.mttf)
    more = given_up(FULL["active"], "independently")
    before = 1 / FULL["active"].everywhere.mttf
    assert 1 / more.everywhere.mttf == pytest.approx(before + COMMON / NODE.mttf)


def test_a_database_that_never_fails_has_no_common_cause():
    spec = ActiveActive(database=NEVER, failover=FAILOVER)
    assert unavailability(given_up(spec, "independently")) == 0


def test_clients_that_hold_on_wait_longer():
    flipped = given_up(FULL["active"], "dead address")
    assert flipped.failover.redirection == FAILOVER.redirection + KEPT


def test_imperfect_fencing_lowers_the_coverage():
    flipped = given_up(FULL["passive"], "fencing")
    assert flipped.failover.coverage == FAILOVER.coverage * (1 - SPLIT)


def test_repair_laws_count_by_their_mean_but_where_all_nodes_are_down():
    """With one crew what is left of a repair is (1 + c^2) / 2 of its mean."""
    for name, plain in FULL.items():
        flipped = given_up(plain, "exponential")
        law = flipped.database.mttr
        assert law.mean == pytest.approx(NODE.mttr)
        within = 0.1 if name == "passive" else 1e-5
        assert unavailability(flipped) == pytest.approx(unavailability(plain), within)
    one = FULL["passive"].downtime_by_cause["both nodes down"]
    other = given_up(FULL["passive"], "exponential").downtime_by_cause[
        "both nodes down"
    ]
    assert other / one == pytest.approx((1 + float(law.cv) ** 2) / 2, rel=0.1)  # sites


def test_the_commits_of_a_region_need_more_of_its_nodes_than_reads_do():
    waits = Replication(mode="quorum", standbys=2, acknowledgements=1)
    region = Region(failover=FAILOVER, nodes=3, replication=waits)
    spec = replace(FULL["active"], region=region)
    shown = {of: {*spec.diagram(of).minimal_cut_sets()} for of in OPERATIONS}
    for of, down in (("read", 3), ("write", 2)):
        cuts = [c for c in shown[of] if all("database" in box for box in c)]
        assert {len(cut) for cut in cuts} == {2 * down}, of


def test_repair_laws_hardly_matter_in_the_long_run():
    """Two lognormal repairs: a share of time depends on the mean alone.

    Overlaps of two failures do not: but independent parts multiply, so the long run
    of two active sites does not see the law either.
    """
    plain = ActiveActive(
        database=Node(mttf=50 * HOUR, mttr=5 * HOUR), failover=FAILOVER
    )
    run = simulate(
        given_up(plain, "exponential"), None, 60, np.random.default_rng(3), apart=True
    )
    assert unavailability(plain) in run.unavailability["write"]


def test_a_dead_box_is_no_box_of_another_name():
    """The words by which the tests above find boxes stand for all of them."""
    store = Leaderless(database=NODE, copies={"a": 2}, site=SITE)
    kinds = ("site", "database", "balancers", "apps")
    found = {box for kind in kinds for box in dead_boxes(store, kind)}
    assert found == set(store.diagram("write").components)


def test_majority_needs_most():
    store = Majority(database=NODE, failover=FAILOVER, copies={"a": 5})
    cuts = store.diagram("write").minimal_cut_sets()
    assert sorted(len(c) for c in cuts)[:2] == [1, 3]


# ---- what they are worth: the numbers of the docstrings ----------------------------


def one_crew(law, mttf=NODE.mttf):
    """Return the downtime of a pair with instant, certain failovers, from renewals.

    Each time one node is left, its repair D races with the failure of the other: it
    loses with p = 1 - E exp(-L D), and then what is left of D is downtime.
    """
    fail = 1 / mttf
    drawn = law.quantile((np.arange(400_000) + 0.5) / 400_000)
    drawn = drawn * (law.mean / drawn.mean())
    lost = -np.expm1(-fail * drawn).mean()
    return (law.mean - lost / fail) / ((1 - lost) / (2 * fail) + law.mean)


@pytest.mark.parametrize("cv", [0.0, 1.0, 2.0])
def test_what_is_left_of_a_repair(cv):
    law = lognormal(mean=NODE.mttr, cv=cv) if cv else constant(NODE.mttr)
    pair = ActivePassive(database=replace(NODE, mttr=law), failover=Failover())
    assert pair.unavailability == pytest.approx(one_crew(law), rel=0.03)
    plain = replace(pair, database=NODE)
    found = one_crew(law) / plain.unavailability
    assert found == pytest.approx((1 + cv**2) / 2, rel=0.03)  # as the docstring says


@pytest.mark.parametrize("cv", [0.0, 1.5])
def test_a_run_with_one_crew_sees_what_is_left_of_a_repair(cv):
    mean = 4 * HOUR
    law = lognormal(mean=mean, cv=cv) if cv else constant(mean)
    node = Node(mttf=40 * HOUR, mttr=law)
    pair = ActivePassive(database=node, failover=Failover())
    run = simulate(pair, None, 60, np.random.default_rng(4))
    assert pair.unavailability in run.unavailability["write"]
    plain = replace(pair, database=replace(node, mttr=mean))
    assert plain.unavailability not in run.unavailability["write"]
    stated = 0.1 * max(1, cv**2)  # the repair's share of the time to a failure
    assert pair.unavailability == pytest.approx(one_crew(law, node.mttf), rel=stated)


@pytest.mark.parametrize(
    ("architecture", "times"),
    [
        (
            ActivePassive(
                database=NODE, failover=Failover(promotion=30, coverage=0.99)
            ),
            4.1,
        ),
        (
            ActiveActive(
                database=NODE, failover=Failover(detection=10, redirection=20)
            ),
            13,
        ),
        (Majority(database=NODE, failover=Failover(detection=10, redirection=5)), 9),
    ],
    ids=["passive", "active", "majority"],
)
def test_what_independence_is_worth(architecture, times):
    flipped = given_up(architecture, "independently")
    found = unavailability(flipped) / unavailability(architecture)
    assert found == pytest.approx(times, rel=0.02)
