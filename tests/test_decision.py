"""Decisions: limits, verdicts, the front, flips, claims and the cheapest design."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamodel import catalogue, text
from hamodel._fields import replaced
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Majority,
    SinglePrimary,
    Tier,
)
from hamodel.assessment import MEASURES, assess
from hamodel.decision import (
    OBJECTIVES,
    Requirements,
    alternatives,
    classic_case,
    classic_claims,
    decide,
    improvements,
    optimise,
)
from hamodel.failover import Failover
from hamodel.fields import WRITERS
from hamodel.units import HOUR, MINUTE, YEAR
from tests.test_architectures import NODE

FAILOVER = Failover(detection=10, promotion=15, redirection=5, coverage=0.99)
SINGLE = SinglePrimary(database=NODE)
PAIR = ActivePassive(database=NODE, failover=FAILOVER)
ACTIVE = ActiveActive(database=NODE, failover=FAILOVER)
ALL = {"one": SINGLE, "pair": PAIR, "active": ACTIVE}


# ---- limits ------------------------------------------------------------------------

CASES = [
    ({"availability": 0.9999}, {"one"}),
    ({"availability": 0.999999}, {"one", "pair", "active"}),
    ({"rto_p95": 20}, {"one", "pair"}),
    ({"rpo_p99": 1.0}, {"one"}),
    ({"consistency": "no conflicts"}, {"active"}),
    ({"consistency": "strong"}, {"pair", "active"}),
    ({"stale_reads": 0.0}, {"pair", "active"}),
    ({"write_p99": 0.05}, {"pair"}),
    ({"survive_site_loss": True}, {"one"}),
    ({"growth": 50.0}, {"one", "pair", "active"}),
    ({"budget": 1.5}, {"pair", "active"}),
    ({"lost_writes_per_year": 1e-3}, {"pair"}),  # with active ones they come back
    ({}, set()),
]


@pytest.mark.parametrize(("limits", "out"), CASES)
def test_a_limit_excludes_whom_its_measure_excludes(limits, out):
    found = decide(ALL, None, Requirements(**limits))
    assert set(found.excluded) == out
    assert (found.winner is None) == (len(out) == 3)
    if found.winner:
        assert found.winner not in found.excluded
        assert found.winner == found.ranking[0]


def test_findings_are_the_assessment_itself():
    need = Requirements(availability=0.999, rto_p95=60, write_p99=0.2, budget=9)
    a = assess(PAIR)
    values = {f.limit.name: f.value for f in need.judge(a)}
    assert values["write_availability"] == a.write.availability
    assert values["rto_p95"] == float(a.outage.quantile(0.95))
    assert values["budget"] == a.cost.total
    one_name = Requirements(lost_writes_per_year=1.0).judge(assess(ACTIVE))[0].value
    assert one_name == MEASURES["lost_writes_per_year"].of(assess(ACTIVE)) == 0
    strong = Requirements(consistency="strong").judge(assess(ACTIVE))
    (missing,) = (f for f in strong if f.limit.name == "missing_writes_per_year")
    assert missing.value == assess(ACTIVE).lost_writes.missing_per_year > 0
    assert values["write_p99"] == float(a.latency["DC-2", "write"].quantile(0.99))


def test_a_site_of_its_own_has_a_limit_of_its_own():
    far = Requirements(write_p99={"DC-1": 10.0, "DC-2": 0.01})
    found = far.judge(assess(PAIR))
    assert [f.met for f in found] == [True, False]
    assert "at DC-2" in str(found[1])
    with pytest.raises(ValueError, match="write_p99 must be one of 'DC-1', 'DC-2'"):
        Requirements(write_p99={"DC-3": 1.0}).judge(assess(PAIR))


def test_gaps_say_how_far():
    (missed,) = [
        f
        for f in Requirements(availability=0.999).judge(assess(SINGLE))
        if f.limit.name == "write_availability"
    ]
    down = NODE.mttr / (NODE.mttf + NODE.mttr)
    assert missed.gap == pytest.approx(down / 1e-3)


# ---- table, front, choice ----------------------------------------------------------


def test_the_table_has_eight_rows_with_verdicts():
    found = decide(ALL, None, Requirements(availability=0.9999, budget=100))
    assert len(found.table) == 8
    cells = found.table["System criticality"]
    assert cells["one"].verdict == "misses"
    assert "is required" in cells["one"].reason
    assert cells["pair"].verdict == "meets"
    assert found.table["Consistency needs"]["pair"].verdict == "not required"
    assert {c.verdict for row in found.table.values() for c in row.values()} == {
        "meets",
        "misses",
        "not required",
    }
    assert found.reason in found._repr_html_()


def test_the_front_is_what_nobody_beats_in_everything():
    worse = replace(PAIR, database=replace(NODE, cost=2.0))
    found = decide({**ALL, "worse": worse}, None, Requirements())
    values = found.objectives
    for name, other in itertools.permutations(values, 2):
        beaten = all(values[other][k] <= values[name][k] for k in OBJECTIVES)
        if beaten and values[other] != values[name]:
            assert name not in found.front
    assert "worse" not in found.front
    assert found.ranking[-1] == "worse"


def test_a_preference_orders_in_the_open():
    need = Requirements(availability=0.999)
    cheap = decide({"pair": PAIR, "active": ACTIVE}, None, need)
    quick = decide(
        {"pair": PAIR, "active": ACTIVE}, None, need, prefer=["write_unavailability"]
    )
    downs = {n: assess(a).write.unavailability for n, a in ALL.items() if n != "one"}
    assert quick.winner == min(downs, key=downs.__getitem__)
    assert quick.winner in quick.reason
    assert cheap.winner is not None
    with pytest.raises(ValueError, match="prefer must be one of"):
        decide(ALL, None, need, prefer=["beauty"])


def test_the_reason_names_the_objective_that_decides():
    dear = replace(PAIR, database=replace(NODE, cost=5.0))
    found = decide(
        {"pair": PAIR, "active": ACTIVE, "dear": dear},
        None,
        Requirements(availability=0.999),
        prefer=["cost", "write_unavailability"],
    )
    downs = {n: float(assess(ALL[n]).write.unavailability) for n in ("pair", "active")}
    first, second = sorted(downs, key=downs.__getitem__)
    assert found.winner == first
    assert "least write unavailability" in found.reason
    least = f"{text.downtime(downs[first])} against {text.downtime(downs[second])}"
    assert least in found.reason


def test_nobody_and_the_nearest():
    found = decide(ALL, None, Requirements(availability=0.999999))
    assert found.winner is None
    assert found.reason.startswith("No candidate keeps all limits; ")
    assert found.runner_up in ("pair", "active")


def test_choose_if_names_what_only_this_one_keeps():
    found = decide(ALL, None, Requirements())
    said = " ".join(found.choose_if("one"))
    assert "you cannot pay for" in said
    assert "clients cannot wait" in " ".join(found.choose_if("active"))
    with pytest.raises(ValueError, match="name must be one of"):
        found.choose_if("two")


@pytest.mark.slow
def test_a_flip_flips_and_less_does_not():
    need = Requirements(availability=0.9999)
    found = decide({"pair": PAIR, "active": ACTIVE}, None, need, prefer=["complexity"])
    flips = found.flips()
    assert flips
    nearest = flips[0]
    write = WRITERS.get(nearest.kind, text.number)
    assert f": {write(nearest.value, 4)} -> {write(nearest.flipped, 4)} (" in str(
        nearest
    )
    assert nearest.winner != found.winner

    def chosen(value):
        from hamodel._fields import full_path, replaced

        def put(spec):
            try:
                full_path(spec, nearest.path)
            except ValueError:
                return spec
            return replaced(spec, {nearest.path: value})

        changed = {n: put(a) for n, a in {"pair": PAIR, "active": ACTIVE}.items()}
        return decide(changed, None, need, prefer=["complexity"]).winner

    assert chosen(nearest.flipped) == nearest.winner
    short = nearest.value + (nearest.flipped - nearest.value) * 0.97
    assert chosen(short) == found.winner


# ---- claims ------------------------------------------------------------------------


def test_claims_are_judged_by_the_models():
    case = classic_case()
    claims = {c.claim: c for c in classic_claims(case)}
    assert len(claims) == 18
    assert claims["Active-active ensures zero downtime"].verdict == "does not hold"
    assert case.active.write.unavailability > 0
    four = claims["99.99 % or more needs active-active"]
    assert (four.verdict == "does not hold") == (
        case.passive.write.availability >= 0.9999
    )
    assert all(
        c.verdict in ("holds", "holds if", "does not hold") for c in claims.values()
    )
    numbers = [c for c in claims.values() if any(x.isdigit() for x in c.because)]
    assert len(numbers) >= 16


def test_a_slow_failover_turns_a_verdict():
    """The same claims on a pair that fails over in twenty minutes."""
    case = classic_case()
    slow = replace(
        case.passive.architecture,
        failover=replace(
            case.passive.architecture.failover, promotion=1200, coverage=1
        ),
    )
    worse = case._replace(passive=assess(slow, case.passive.workload))
    claims = {c.claim: c.verdict for c in classic_claims(worse)}
    assert claims["The delay of a failover is the disadvantage of active-passive"] == (
        "holds"
    )
    assert claims["99.99 % or more needs active-active"] == "holds"


# ---- optimise and improve ----------------------------------------------------------

CHOICES = {
    "failover__detection": [5, 30, 300],
    "failover__coverage": [0.9, 0.99, 0.999],
    "replication__mode": ["async", "sync"],
}


def test_the_optimum_is_the_best_of_all_by_hand():
    need = Requirements(availability=0.99, rpo_p99=0.001)
    found = optimise(PAIR, None, need, **CHOICES)
    assert len(found.tried) == 18
    by_hand = []
    for detection, coverage, mode in itertools.product(*CHOICES.values()):
        spec = replace(
            PAIR,
            failover=replace(FAILOVER, detection=detection, coverage=coverage),
            replication=replace(PAIR.replication, mode=mode),
        )
        a = assess(spec)
        if all(f.met for f in need.judge(a)):
            by_hand.append((a.cost.total, a.write.unavailability, detection, mode))
    best = min(by_hand)
    assert found.best.cost == best[0]
    assert found.best.unavailability == pytest.approx(best[1])
    assert found.best.choices["replication__mode"] == best[3]
    downs = [t.unavailability for t in found.front]
    assert downs == sorted(downs, reverse=True)
    assert found.assessment.write.unavailability == found.best.unavailability


def test_several_architectures_are_searched_together():
    found = optimise(
        {"pair": PAIR, "votes": Majority(database=NODE, failover=FAILOVER)},
        None,
        Requirements(availability=0.9999),
        failover__detection=[5, 10],
        election=[1.0, 5.0],
    )
    assert len(found.tried) == 2 + 4
    assert found.best.choices["architecture"] == "pair"


def test_an_optimum_that_is_not_says_what_is_nearest():
    found = optimise(PAIR, None, Requirements(budget=1), failover__detection=[5, 10])
    assert found.best is None
    assert "none of 2 keeps all limits; nearest" in repr(found)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"failover__detektion": [1]}, "failover__detektion is no parameter"),
        ({"failover__detection": []}, "failover__detection must hold at least one"),
        ({"failover__coverage": [2.0]}, r"coverage must be in \[0, 1\], got 2"),
        (
            {"failover__detection": range(200), "database__mttr": range(1, 200)},
            "choices must make <= 20000 configurations, got 39800",
        ),
    ],
)
def test_impossible_choices_are_named(choices, message):
    with pytest.raises(ValueError, match=message):
        optimise(PAIR, None, Requirements(), **choices)


def test_what_buys_most_is_what_saves_most():
    a = assess(PAIR)
    changes = improvements(a)
    saved = {c.path: c.saved for c in changes}
    better = replace(PAIR, failover=replace(FAILOVER, coverage=0.995))
    exact = a.write.unavailability - assess(better).write.unavailability
    assert saved["failover.coverage"] == pytest.approx(exact)
    assert list(saved.values()) == sorted(saved.values(), reverse=True)
    lone = replace(SINGLE, site=replace(SINGLE.site, balancers=Tier(node=NODE)))
    spare = {c.path: c for c in improvements(assess(lone))}
    assert spare["site.balancers"].after.servers == 2
    assert spare["site.balancers"].minutes == pytest.approx(
        NODE.mttr / NODE.mttf * YEAR / MINUTE, rel=0.02
    )


@pytest.mark.parametrize("key", ["postgresql-patroni", "consul", "galera"])
def test_each_change_saves_what_it_saves_alone(key):
    a = assess(catalogue.system(key).architecture())
    changes = improvements(a)
    assert changes
    for change in changes:
        alone = assess(replaced(a.architecture, {change.path: change.after}))
        saved = a.write.unavailability - alone.write.unavailability
        assert change.saved == pytest.approx(float(saved), rel=1e-9)


def test_a_flip_turns_no_count_by_a_few_per_cent():
    ring = Leaderless(database=NODE, copies={"a": 5}, read_quorum=1, write_quorum=1)
    found = decide({"ring": ring}, None, Requirements(availability=0.9)).flips()
    assert all("quorum" not in flip.path for flip in found)


# ---- words and bad input -----------------------------------------------------------


SHARES = ("availability", "read_availability", "stale_reads")
TIMES = ("rto_p95", "rpo_p99", "lost_writes_per_year", "budget")
ABOVE = ("read_p99", "write_p99", "growth")


@settings(max_examples=60)
@given(st.data())
def test_requirements_beyond_their_limits_are_named(data):
    name = data.draw(st.sampled_from(SHARES + TIMES + ABOVE))
    low = st.floats(max_value=-1e-6) | st.just(math.nan)
    value = data.draw(low | st.just(math.inf) if name not in SHARES else low)
    limit = {
        **dict.fromkeys(SHARES, r"in \[0, 1\]"),
        **dict.fromkeys(TIMES, ">= 0 and finite"),
        **dict.fromkeys(ABOVE, "> 0 and finite"),
    }[name]
    with pytest.raises(ValueError, match=rf"^{name} must be {limit}, got "):
        Requirements(**{name: value})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Requirements(consistency="storng"), "did you mean 'strong'"),
        (lambda: Requirements(survive_site_loss="yes"), "survive_site_loss must be a"),
        (lambda: Requirements(write_p99={"a": -1}), r"write_p99\['a'\] must be > 0"),
        (
            lambda: decide([], None, Requirements()),
            "architectures must name at least one",
        ),
        (lambda: decide(ALL, None, 3), "requirements must be a Requirements, got 3"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_planned_work_counts_against_zero_planned_downtime():
    from hamodel.architectures import Maintenance

    tended = replace(SINGLE, maintenance=Maintenance(every=YEAR / 12, takes=HOUR))
    need = Requirements(zero_planned_downtime=True)
    found = decide({"tended": tended, "not": SINGLE}, None, need)
    assert set(found.excluded) == {"tended"}
    (finding,) = found.excluded["tended"]
    assert finding.value == pytest.approx(12 * HOUR, rel=0.01)


def test_every_objective_is_a_measure_or_a_count():
    for name, of in OBJECTIVES.items():
        value = float(of(assess(PAIR)))
        assert value >= 0, name
        if name in MEASURES:
            assert value == float(MEASURES[name].of(assess(PAIR)))


@pytest.mark.parametrize(("scope", "read", "write"), [("any", 4, 3), ("each", 2, 2)])
def test_more_copies_are_tried_with_quorums_that_still_meet(scope, read, write):
    """Three copies a site become four, or five where each site has its own quorum."""
    store = Leaderless(
        database=NODE,
        copies={"a": 3, "b": 3},
        read_quorum=read,
        write_quorum=write,
        read_from=scope,
        write_to=scope,
    )
    (more,) = (a for a in alternatives(assess(store)) if a.path == "copies")
    grown = 4 if scope == "any" else 5
    assert more.after == {"a": grown, "b": grown}
    assert more.beside == {"read_quorum": read + 1, "write_quorum": write + 1}
    then = replace(store, copies=more.after, **more.beside)
    assert not then.may_miss
    assert more.saved == store.unavailability - then.unavailability


def test_copies_that_never_met_and_voters_grow_by_what_is_worth_it():
    """One more that answers anyone; of voters two, for one only raises the majority."""
    store = Leaderless(database=NODE, read_quorum=1, write_quorum=1)
    (more,) = (a for a in alternatives(assess(store)) if a.path == "copies")
    assert (more.after, more.beside) == ({"DC-1": 4}, {})
    sites = {"a": 1, "b": 1, "c": 1}
    quick = Failover(detection=1, promotion=1, coverage=1.0)
    voters = Majority(database=NODE, failover=quick, copies=sites)
    (more,) = (a for a in alternatives(assess(voters)) if a.path == "copies")
    assert more.after == {"a": 2, "b": 2, "c": 1}
    grown = replace(voters, copies=more.after)
    assert more.saved == voters.unavailability - grown.unavailability > 0
