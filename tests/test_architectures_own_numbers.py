"""What an architecture says of itself is what an assessment says of it."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import hamodel as ha
from hamodel.architectures import Cause, Maintenance
from hamodel.replication import Replication
from hamodel.units import DAY, HOUR, MINUTE, YEAR

OF_LOAD = {Cause.OVERLOAD, Cause.FULL, Cause.SLOW}
IDLE = ha.Workload(reads=0, writes=1e-9)

nodes = st.builds(
    ha.Node,
    mttf=st.floats(100 * HOUR, 5000 * HOUR),
    mttr=st.floats(5 * MINUTE, 20 * HOUR),
)
tiers = st.none() | st.builds(
    ha.Tier, node=nodes, servers=st.integers(1, 3), crews=st.none() | st.just(1)
)
sites = st.builds(
    ha.Site,
    mttf=st.sampled_from([float("inf"), 0.5 * YEAR, 5 * YEAR]),
    mttr=st.floats(HOUR, DAY),
    balancers=tiers,
    apps=tiers,
)
failovers = st.builds(
    ha.Failover,
    detection=st.floats(1, 60),
    promotion=st.floats(1, 60),
    redirection=st.floats(1, 60),
    coverage=st.floats(0.5, 1),
    manual=st.none() | st.floats(MINUTE, HOUR),
)
shared = {
    "database": nodes,
    "site": sites,
    "everywhere": st.none() | nodes,
    "maintenance": st.none()
    | st.builds(Maintenance, every=st.just(30 * DAY), takes=st.floats(60, 3600)),
}
copies = st.dictionaries(
    st.sampled_from(["DC-1", "DC-2", "DC-3"]), st.integers(1, 2), min_size=1
)
SPECS = {
    "SinglePrimary": st.builds(ha.SinglePrimary, **shared),
    "ActivePassive": st.builds(
        ha.ActivePassive,
        failover=failovers,
        sites=st.sampled_from([("DC-1",), ("DC-1", "DC-2"), ("A", "A", "B")]),
        crews=st.integers(1, 2),
        common_cause=st.sampled_from([0, 0.05]),
        replication=st.sampled_from(
            [Replication(), Replication(mode="sync"), Replication(mode="semi-sync")]
        ),
        standby=st.builds(ha.Standby, probe=st.sampled_from([0, HOUR])),
        **shared,
    ),
    "ActiveActive": st.builds(
        ha.ActiveActive,
        failover=failovers,
        sites=st.sampled_from([("DC-1",), ("DC-1", "DC-2"), ("A", "B", "C")]),
        resolution=st.sampled_from(["last write wins", "home site"]),
        **shared,
    ),
    "Majority": st.builds(
        ha.Majority,
        failover=failovers,
        copies=copies,
        election=st.floats(1, 30),
        local_reads=st.booleans(),
        **shared,
    ),
    "Leaderless": st.builds(
        ha.Leaderless,
        failover=failovers,
        copies=copies,
        read_quorum=st.just(1),
        write_quorum=st.just(1),
        **shared,
    ),
}


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_own_numbers_are_those_of_the_assessment(kind, data):
    spec = data.draw(SPECS[kind])
    found = ha.assess(spec, IDLE).write
    down = found.unavailability
    assert spec.unavailability == pytest.approx(down, rel=1e-12)
    assert spec.availability == pytest.approx(found.availability, rel=1e-12)
    assert spec.minutes_per_year == pytest.approx(found.minutes_per_year, rel=1e-12)
    own = {cause: share for cause, share in spec.downtime_by_cause.items() if share}
    causes = {c: s for c, s in found.downtime_by_cause.items() if s}
    assert own == pytest.approx(causes, rel=1e-12)


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(data=st.data(), load=st.floats(1, 20_000))
def test_a_workload_adds_the_causes_of_load_and_changes_no_other(kind, data, load):
    spec = data.draw(SPECS[kind])
    found = ha.assess(spec, ha.Workload(reads=load, writes=load / 9)).write
    causes = {
        c: s for c, s in found.downtime_by_cause.items() if s and c not in OF_LOAD
    }
    own = {cause: share for cause, share in spec.downtime_by_cause.items() if share}
    assert own == pytest.approx(causes, rel=1e-12)


@pytest.mark.parametrize("kind", SPECS)
def test_all_offer_the_same_short_cuts(kind):
    for name in ("unavailability", "availability", "minutes_per_year"):
        assert isinstance(getattr(getattr(ha, kind), name), property)


def test_the_plain_pair_still_says_what_the_lesson_derives():
    pair = ha.ActivePassive(
        database=ha.Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=ha.Failover(promotion=30, coverage=0.99),
    )
    assert round(pair.minutes_per_year, 1) == 16.8
    assert ha.assess(pair).write.minutes_per_year == pytest.approx(
        pair.minutes_per_year, rel=1e-9
    )
