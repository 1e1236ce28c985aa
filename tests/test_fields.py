"""Fields: each says once what it is, and everything else follows from that."""

import dataclasses
import inspect

import numpy as np
import pytest
import sympy
from numpydoc.docscrape import NumpyDocString

import hamodel as ha
from hamodel import fields
from hamodel.decision import Requirements
from hamodel.failover import MECHANISMS, Driver, Lease
from hamodel.fields import described
from hamodel.specfile import KINDS
from hamodel.units import DAY, HOUR
from hamodel.workload import Workload


def specs():
    """Return every specification that a file may hold, found from the tops."""
    found, ahead = set(), [*KINDS.values(), Workload, Requirements, Driver]
    ahead += MECHANISMS.values()
    while ahead:
        made = ahead.pop()
        if made not in found:
            found.add(made)
            ahead += [a.made for a in described(made).values() if a.made]
    return sorted(found, key=lambda made: made.__name__)


EVERY = specs()
DOCUMENTED = ("Parameters", "Attributes")


@pytest.mark.parametrize("made", EVERY, ids=lambda made: made.__name__)
def test_every_field_says_what_it_is(made):
    given = [f.name for f in dataclasses.fields(made) if f.init]
    assert list(described(made)) == given
    labels = [about.label for about in described(made).values()]
    assert len(set(labels)) == len(labels)
    for about in described(made).values():
        assert about.label == about.label.strip() != ""
        assert len(about.label) < 60
        assert about.unit in ("s", "1/s", "1")
        timed = about.kind in ("time", "mean time")
        assert (about.unit == "s") == timed


@pytest.mark.parametrize("made", EVERY, ids=lambda made: made.__name__)
def test_the_docstring_says_every_field_once(made):
    """Its own words where there are some, else what the definition says."""
    doc = NumpyDocString(inspect.getdoc(made))
    told = [(name, text) for part in DOCUMENTED for name, _, text in doc[part]]
    names = [name for entry, _ in told for name in entry.split(", ")]
    assert set(described(made)) <= set(names)
    assert len(set(names)) == len(names)
    assert all("".join(text).strip() for _, text in told)
    assert doc["Raises"]


def test_a_field_that_a_docstring_leaves_out_is_filled_in():
    """Another words it, and stays as it is, in the order of the fields."""

    @fields.specification
    class Planted:
        """One.

        Parameters
        ----------
        rate : float
            Its own words.

        Examples
        --------
        None.
        """

        time: float = fields.span("time that it takes")
        rate: float = fields.rate("how often", default=2)

    lines = inspect.getdoc(Planted).splitlines()
    assert lines[4:8] == [
        "time : float",
        "    Time that it takes, in s: > 0.",
        "rate : float",
        "    Its own words.",
    ]
    assert lines[-3:] == ["Examples", "--------", "None."]
    assert Planted(time="2 min").time == 120
    with pytest.raises(ValueError, match="time must be > 0"):
        Planted(time=0)


@pytest.mark.parametrize("made", EVERY, ids=lambda made: made.__name__)
def test_a_default_keeps_its_own_limits(made):
    for field in dataclasses.fields(made):
        if field.init and field.default is not dataclasses.MISSING:
            about = described(made)[field.name]
            assert about.read(field.name, field.default) is not None or about.optional


#: Unit and label of each field of the least specifications, written out here.
WRITTEN = {
    ("Node", "mttf"): ("mean time to failure", "s"),
    ("Node", "mttr"): ("time to repair", "s"),
    ("Workload", "reads"): ("reads", "1/s"),
    ("Workload", "read_time"): ("database's time for a read", "s"),
    ("Workload", "write_time"): ("database's time for a write", "s"),
    ("Failover", "coverage"): ("probability that the failover works", "1"),
    ("Requirements", "rto_p95"): ("longest recovery time, 95 %", "s"),
    ("Cache", "hit_ratio"): ("share of the reads answered", "1"),
}


def test_labels_and_units_are_those_meant():
    found = {
        (made.__name__, name): (about.label, about.unit)
        for made in EVERY
        for name, about in described(made).items()
    }
    assert {key: found[key] for key in WRITTEN} == WRITTEN


def test_a_sweep_labels_its_axes_from_the_fields():
    node = ha.Node(mttf=60 * DAY, mttr=4 * HOUR)
    found = ha.sweep(
        ha.SinglePrimary(database=node),
        database__mttf=["60 d", "2/yr"],
        read_time=[1e-3, 2e-3],
    )
    assert (
        found["database__mttf"].attrs["long_name"] == "database: mean time to failure"
    )
    assert found["database__mttf"].values.tolist() == [60 * DAY, 182.5 * DAY]
    assert found["read_time"].attrs == {
        "long_name": "database's time for a read",
        "units": "s",
    }


def test_strings_are_as_good_as_numbers_in_python():
    node = ha.Node(mttf="60 d", mttr="lognormal(mean=3 h, cv=2)", cores="4")
    assert node.mttf == 60 * DAY
    assert node.mttr.mean == pytest.approx(3 * HOUR)
    assert node.cores == 4
    assert type(node.cores) is int
    assert ha.Node(mttf="2/yr", mttr="1h30m").mttr == 5400
    assert Workload(reads="900 rps", clients={"fra": "70 %", "dub": 0.3}).reads == 900
    assert Requirements(
        availability="99.95 %", write_p99={"fra": "9 ms"}
    ).write_p99 == pytest.approx({"fra": 0.009})
    assert Lease(ttl="60 s").ttl == 60
    assert ha.Node(mttf=["60 d", "90 d"], mttr=1).mttf.tolist() == [60 * DAY, 90 * DAY]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ha.Node(mttf="1,5 d", mttr=1), "mttf must be .* write 1.5 d"),
        (lambda: ha.Node(mttf=-1, mttr=1), r"mttf must be > 0 \(inf for nev"),
        (lambda: ha.Node(mttf=1, mttr=1, cores=1.5), "cores must be a whole num"),
        (lambda: Workload(reads="900 s"), "reads must be a rate, such as 900/s, got"),
        (lambda: Workload(reads=[1, -2]), "reads must be >= 0 and finite, got -2"),
        (lambda: Requirements(availability=99.9), r"must be in \[0, 1\], got 99.9"),
        (lambda: Requirements(availability="99.9"), r"did you mean 99.9 %\?"),
        (lambda: Requirements(consistency="strnog"), "did you mean 'strong'"),
        (lambda: ha.Tier(node=3), "node must be a Node, got 3"),
        (lambda: ha.Cache(hit_ratio=ha.duration.constant(1)), "hit_ratio must be a n"),
        (lambda: Workload(clients={}), "clients must name at least one site"),
        (lambda: Workload(clients={3: 1.0}), "clients must be by names of sites"),
        (lambda: ha.Maintenance(every=0, takes=1), "every must be > 0 and"),
    ],
)
def test_what_is_beyond_a_limit_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_three_readings_pass():
    x = sympy.Symbol("x", positive=True)
    assert ha.Node(mttf=x, mttr=1).mttf is x
    given = np.array([1.0, 2.0])
    kept = ha.Node(mttf=given, mttr=1).mttf
    given[0] = 7
    assert kept.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 3


def test_a_planted_limit_is_kept():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Planted:
        size: float = fields.number("size", most=3)

        def __post_init__(self):
            fields.check(self)

    assert Planted(size="2").size == 2
    with pytest.raises(ValueError, match=r"size must be in \[0, 3\], got 4"):
        Planted(size=4)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (99, "got 99; 99 % is written 0.99"),
        ([0.5, 1.5], "got 1.5 at index 1; 1.5 % is written 0.015"),
        (101, "got 101$"),
        (-1, "got -1$"),
    ],
)
def test_a_percentage_where_a_share_belongs_is_told_how_to_write_it(value, said):
    with pytest.raises(ValueError, match=rf"coverage must be in \[0, 1\], {said}"):
        ha.Failover(promotion=30, coverage=np.array(value))


def test_a_number_that_is_text_is_told_so():
    pair = ha.assess(ha.catalogue.system("etcd"))
    with pytest.raises(ValueError, match=r"got '1 month': a number, not text"):
        pair.probability_of_meeting(0.999, horizon="1 month")
