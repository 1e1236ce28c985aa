"""Sites and servers: what stands where, and what follows from a failure."""

import pytest
from matplotlib.colors import to_hex

from hamodel import plots
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Majority,
    Node,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.failover import Failover
from tests.support import svg_pictures

NODE = Node(mttf=7.2e6, mttr=14400)
SITE = Site(
    balancers=Tier(node=NODE, servers=2), apps=Tier(node=NODE, servers=3, needed=2)
)
FIELDS = {"database": NODE, "site": SITE}
LONG = "A very long name of a site somewhere"
ALL = {
    "single": SinglePrimary(**FIELDS, everywhere=NODE),
    "pair": ActivePassive(**FIELDS, failover=Failover()),
    "one site": ActivePassive(database=NODE, failover=Failover(), sites=["DC-1"]),
    "active": ActiveActive(**FIELDS, failover=Failover(), sites=["a", "b", LONG]),
    "majority": Majority(
        **FIELDS, failover=Failover(), copies={"a": 2, "b": 2, "c": 1}, witnesses=("c",)
    ),
    "leaderless": Leaderless(**FIELDS, copies={"a": 2, "b": 1}),
}


def drawn(spec, failed=(), **fields):
    with plots.styled():
        ax = plots.figure().add_subplot()
        return ax, plots.draw_topology(ax, spec, failed, **fields)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("operation", ["read", "write"])
def test_every_part_is_drawn_inside_its_site(name, operation):
    spec = ALL[name]
    ax, shown = drawn(spec, operation=operation)
    assert set(shown.boxes) == set(spec.diagram(operation).drawn) - {"client"}
    for site in getattr(spec, "copies", spec.sites):
        x, right = shown.boxes[site].get_x(), shown.boxes[site].get_width()
        for part, box in shown.boxes.items():
            if part.startswith(f"{site} "):
                assert x < box.get_x()
                assert box.get_x() + box.get_width() < x + right
    alone = set(spec.diagram(operation).single_points_of_failure())
    assert {n for n, b in shown.boxes.items() if b.get_linewidth() > 2} == alone
    picture = plots.svg(ax.figure)
    assert svg_pictures.faults(picture) == []
    assert svg_pictures.collisions(picture) == []


def test_a_lost_site_stops_what_it_holds_and_the_other_serves():
    ax, shown = drawn(ALL["pair"], ["DC-1"])
    assert shown.states["DC-1"] == "failed"
    held = [s for part, s in shown.states.items() if part.startswith("DC-1 ")]
    assert held == ["stopped"] * 6
    looks = {
        (to_hex(b.get_facecolor()), b.get_hatch())
        for n, b in shown.boxes.items()
        if n in {"DC-1", "DC-2", "DC-1 database"}
    }
    assert len({c for c, _ in looks}) == len({h for _, h in looks}) == 3
    assert shown.arrows["DC-1 database", "DC-2 database"].get_linestyle() == ":"
    assert shown.arrows["client", "DC-2 load balancer 1"].get_linestyle() == "-"
    assert shown.text.startswith("ActivePassive, writes. Service up; failed: DC-1.")
    assert "service up" in plots.svg(ax.figure)


def test_a_tier_below_what_it_needs_carries_nothing():
    way = ("DC-1 app server 3", "DC-1 database")
    one = drawn(ALL["single"], ["DC-1 app server 1"])[1]
    assert one.arrows[way].get_linestyle() == "-"
    ax, two = drawn(ALL["single"], ["DC-1 app server 1", "DC-1 app server 2"])
    assert (
        two.arrows["DC-1 load balancer 2", "DC-1 app server 1"].get_linestyle() == ":"
    )
    assert "service down" in plots.svg(ax.figure)


def test_only_writes_to_a_pair_are_forwarded():
    way = ("DC-2", "DC-1 database")
    assert drawn(ALL["pair"])[1].arrows[way].get_linestyle() == "-"
    assert way not in drawn(ALL["pair"], operation="read")[1].arrows
    turned = drawn(ALL["pair"], ["DC-1 database"])[1].arrows
    assert turned["DC-1", "DC-2 database"].get_linestyle() == "-"


def test_sites_replicate_past_one_that_failed():
    arrows = drawn(ALL["active"], ["b database"])[1].arrows
    assert arrows["a database", "b database"].get_linestyle() == ":"
    assert arrows["a database", f"{LONG} database"].get_linestyle() == "-"


def test_bad_input():
    with pytest.raises(ValueError, match="nowhere"):
        drawn(ALL["pair"], ["nowhere"])
    with pytest.raises(ValueError, match="operation must be"):
        drawn(ALL["pair"], operation="delete")
    many = ActiveActive(database=NODE, failover=Failover(), sites=list("abcdefg"))
    with pytest.raises(ValueError, match="sites must be <= 6 to be drawn, got 7"):
        drawn(many)
