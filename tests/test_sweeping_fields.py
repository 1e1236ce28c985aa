"""Fields by their paths: what a name means, and what is made of a new value."""

import numpy as np
import pytest

from hamodel._fields import full_path, nearest, paths, replaced, value_at
from hamodel.architectures import ActivePassive, Node, Site, Tier
from hamodel.failover import Failover, Heartbeat
from hamodel.units import HOUR

NODE = Node(mttf=1000 * HOUR, mttr=4 * HOUR)
PAIR = ActivePassive(
    database=NODE,
    failover=Failover(detection=Heartbeat(interval=1), promotion=20),
    site=Site(apps=Tier(node=NODE, servers=3)),
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("failover__promotion", "failover.promotion"),
        ("failover.promotion", "failover.promotion"),
        ("promotion", "failover.promotion"),
        ("failover__misses", "failover.detection.misses"),
        ("crews", "crews"),  # the pair's own, though the app servers have them too
        ("apps__mttf", "site.apps.node.mttf"),
        ("database__mtbf", "database.mtbf"),
    ],
)
def test_levels_may_be_left_out_where_one_field_fits(name, path):
    assert full_path(PAIR, name) == path
    assert path in dict(paths(PAIR))


def test_a_name_that_fits_twice_or_never_is_refused():
    with pytest.raises(
        ValueError, match=r"mttf is ambiguous: .* database.mttf, .*site"
    ):
        full_path(PAIR, "mttf")
    with pytest.raises(
        ValueError, match=r"no parameter of ActivePassive; .*promotion'"
    ):
        full_path(PAIR, "failover__promotoin")
    with pytest.raises(ValueError, match=r"did you mean 'failover\.coverage'"):
        full_path(PAIR, "cover_age")
    with pytest.raises(ValueError, match="everywhere is None, which has no such part"):
        full_path(PAIR, "everywhere__mttf")
    assert nearest("zzzzzz", PAIR) == ""


def test_a_mechanism_outlives_what_is_made_of_it():
    longer = replaced(PAIR, {"failover__misses": 5})
    assert longer.failover.outage == pytest.approx(4.5 + 20)
    again = replaced(longer, {"failover__promotion": 10})
    assert again.failover.outage == pytest.approx(4.5 + 10)
    assert value_at(again, "failover.detection.misses") == 5
    plain = replaced(again, {"failover__detection": 3})
    assert plain.failover.outage == 13
    with pytest.raises(ValueError, match="no parameter"):
        replaced(plain, {"failover__misses": 5})


def test_time_between_failures_holds_a_repair():
    both = {"database__mttr": 2 * HOUR, "database__mtbf": 100 * HOUR}
    for values in (both, dict(reversed(both.items()))):
        node = replaced(PAIR, values).database
        assert (node.mttf, node.mttr) == (98 * HOUR, 2 * HOUR)
    assert value_at(PAIR, "database.mtbf") == 1004 * HOUR
    many = replaced(PAIR, {"database__mtbf": np.array([100, 200]) * HOUR}).database
    assert many.mttf.tolist() == [96 * HOUR, 196 * HOUR]
    with pytest.raises(ValueError, match=r"mtbf must be > mttr \(14400\), got 3600"):
        replaced(PAIR, {"database__mtbf": HOUR})


def test_fields_that_bound_each_other_change_together():
    tier = {"apps__servers": 2, "apps__needed": 2}
    assert replaced(PAIR, tier).site.apps.needed == 2
    both = {"apps__servers": 5, "apps__needed": 4}
    assert replaced(PAIR, both).site.apps.needed == 4
    with pytest.raises(ValueError, match=r"needed must be <= servers \(3\), got 4"):
        replaced(PAIR, {"apps__needed": 4})


def test_a_part_and_its_field_change_together():
    new = {"database": Node(mttf=10.0, mttr=1.0), "database__mttr": 2.0}
    node = replaced(PAIR, new).database
    assert (node.mttf, node.mttr) == (10.0, 2.0)
