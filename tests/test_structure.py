"""What the published cases and the classic diagram say, and how text is read."""

import sys
from fractions import Fraction
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from hamodel import structure
from hamodel.structure import (
    StructureSyntaxError,
    TooManySetsError,
    UnknownPartError,
    parse,
)
from hamodel.units import HOUR
from tests.support.reference import answer, cases

CLASSIC = "client > lb > any(app1, app2, app3) > db"
LESSON = {"lb": 5e-4, "db": 5e-4, "app1": 1e-3, "app2": 1e-3, "app3": 1e-3}

#: What works while the top event of each tree does not happen.
TREES = {
    "pub-ft-01": "any(Mains, Gen > Relay)",
    "pub-ft-02": "any(F > G > B > C, C > D > any(H, I))",
}
TREES["pub-ft-03"] = TREES["pub-ft-02"]


def reference_network(record):
    """Return the availability of a published network, from its paths or its trees."""
    given = record["params"]
    if "rows" in given:
        graph = nx.grid_2d_graph(given["rows"], given["cols"])
        ends = (0, 0), (given["rows"] - 1, given["cols"] - 1)
    else:
        graph, ends = nx.Graph(given["edges"]), (given.get("s"), given.get("t"))
    links = {frozenset(link): f"link{i}" for i, link in enumerate(graph.edges)}
    if ends[0] is None:  # all are connected by one of the spanning trees
        ways = [tree.edges for tree in nx.SpanningTreeIterator(graph)]
    else:
        ways = map(pairwise, nx.all_simple_paths(graph, *ends))
    each = (" > ".join(links[frozenset(link)] for link in way) for way in ways)
    found = parse(f"any({', '.join(each)})")
    down = 1 - Fraction(str(given["p"]))
    return 1 - found.unavailability(dict.fromkeys(found.components, down))


def braking(given):
    """Return the top event's probability of the published braking control."""
    tree = parse(
        "monitor > stuck > any(one, two) > any(one, stuck1) > any(two, stuck2)",
        where={"one": "electronics1 > power1", "two": "electronics2 > power2"},
    )
    hours = given["T"]
    rates = {
        "monitor": given["monitor"],
        "stuck": given["switch"],
        "electronics1": given["electronics"],
        "electronics2": given["electronics"],
        "power1": given["power"],
        "power2": given["power"],
    }
    chance = {name: -np.expm1(-rate * hours) for name, rate in rates.items()}
    stuck = -np.expm1(-given["switch"] * hours * given["mult"])
    return tree.unavailability(chance | {"stuck1": stuck, "stuck2": stuck})


def published(record):
    """Return our answer to a published case."""
    name, given = record["id"], record["params"]
    if name.startswith("pub-net"):
        return float(reference_network(record))
    if name == "pub-ft-04":
        return braking(given)
    if name == "pub-comp-01":
        pair = parse("any(a, b)")
        return 1 - pair.unavailability(dict.fromkeys("ab", 1 - given["a"]))
    tree = parse(TREES[name])
    if name == "pub-ft-03":
        return tree.importance(given["p"])[given["event"]].birnbaum
    return tree.unavailability(given["p"])


@pytest.mark.parametrize("record", cases("structure"))
def test_published_cases(record):
    assert published(record) == pytest.approx(record["value"], rel=record["rtol"])


def test_published_importance_and_cut_sets():
    # SCRAM 0.16.2 on the same tree, as recorded with pub-ft-03 and pub-ft-02
    given = answer("structure", "pub-ft-03")["params"]
    tree = parse(TREES["pub-ft-02"])
    row = tree.importance(given["p"])["D"]
    assert row.criticality == pytest.approx(0.2817724944, rel=1e-9)
    assert row.diagnostic == pytest.approx(0.6408862472, rel=1e-9)
    assert row.raw == pytest.approx(1.2817724944, rel=1e-9)
    assert row.rrw == pytest.approx(1.3923164906, rel=1e-9)
    cuts = {"".join(sorted(cut)) for cut in tree.minimal_cut_sets()}
    assert cuts == {"C", "DF", "DG", "BD", "FHI", "GHI", "BHI"}


def test_the_classic_diagram_has_two_single_points():
    service = parse(CLASSIC)
    assert service.single_points_of_failure() == ("lb", "db")
    assert service.components == ("lb", "app1", "app2", "app3", "db")
    assert service.minimal_cut_sets() == (
        frozenset({"lb"}),
        frozenset({"db"}),
        frozenset({"app1", "app2", "app3"}),
    )
    assert len(service.minimal_path_sets()) == 3


def test_common_cause_keeps_each_part_as_it_was():
    three = parse("any(a, b, c)")
    down = {"a": Fraction(1, 10), "b": Fraction(1, 20), "c": Fraction(1, 5)}
    groups = {("a", "b"): Fraction(1, 4), ("b", "c"): Fraction(1, 2)}
    both = three.unavailability(down, common_cause=groups)
    assert both > three.unavailability(down)
    # a part whose group never fails with it has its own q in a series
    for name in "abc":
        only = dict.fromkeys("abc", Fraction(0)) | {name: down[name]}
        series = parse("a > b > c")
        assert series.unavailability(only, common_cause=groups) == down[name]


def test_common_cause_of_the_whole_group():
    pair = parse("any(a, b)")
    all_shared = pair.unavailability(
        {"a": 0.01, "b": 0.01}, common_cause={("a", "b"): 1}
    )
    assert all_shared == 0.01
    with pytest.raises(ValueError, match=r"beta of common cause of a, b must be in"):
        pair.unavailability({"a": 0.01, "b": 0.01}, common_cause={("a", "b"): 1.5})
    with pytest.raises(ValueError, match="2 parts or more"):
        pair.unavailability({"a": 0.01, "b": 0.01}, common_cause={("a",): 0.5})
    three, down = parse("any(a, b, c)"), dict.fromkeys("abc", 0.01)
    twice = {("a", "b"): 0.7, ("a", "c"): 0.7}
    with pytest.raises(ValueError, match="sum of betas of a must be in"):
        three.unavailability(down, common_cause=twice)


def test_client_is_perfect_unless_given():
    service = parse("client > db")
    assert service.unavailability({"db": 0.1}) == 0.1
    assert service.unavailability({"db": 0.1, "client": 0.5}) == pytest.approx(0.55)
    assert service.single_points_of_failure() == ("db",)
    assert not service.works({"client"})


def test_hidden_dependencies():
    feed = {"power feed": ["app1", "app2", "switch"], "switch": "db"}
    service = parse("client > lb > any(app1, app2) > db", shared=feed)
    points = service.single_points_of_failure()
    assert set(points) == {"lb", "db", "power feed", "switch"}
    users = ("app1", "app2", "switch")
    assert service.hidden == {"switch": ("db",), "power feed": users}
    drawn = parse(
        'client > lb > any(app1 > "power feed", app2 > "power feed")'
        ' > db > switch > "power feed"'
    )
    down = {name: (i + 1) / 50 for i, name in enumerate(service.components)}
    assert service.unavailability(down) == pytest.approx(
        drawn.unavailability(down), rel=1e-14
    )


def test_dependency_that_is_drawn_already():
    service = parse("any(app1, app2) > db", shared={"db": ["app1"]})
    assert service.hidden == {}
    assert (
        service.minimal_cut_sets() == parse("any(app1, app2) > db").minimal_cut_sets()
    )
    everything = parse("client > any(a, b)", shared={"dns": "client"})
    assert everything.single_points_of_failure() == ("dns",)


def test_dependencies_added_one_after_the_other():
    steps = parse("any(a, b) > c").share({"c": ["a"]}).share({"dns": ["c"]})
    steps = steps.share({"a": ["b"]})
    at_once = parse("any(a, b) > c", shared={"a": ["b"], "c": ["a"], "dns": ["c"]})
    assert steps.minimal_cut_sets() == at_once.minimal_cut_sets()
    assert set(steps.hidden) == {"dns"}
    names = steps.components
    down = {name: (i + 1) / 10 for i, name in enumerate(names)}
    found = steps.importance(down).by("fussell_vesely")
    assert found == pytest.approx(at_once.importance(down).by("fussell_vesely"))


def test_best_purchase_within_a_budget():
    service = parse(CLASSIC)
    prices = {"lb": 20, "db": 90, "app1": 5}
    best, *rest = service.purchases(LESSON, prices=prices, budget=50)
    assert best.part == "lb"
    assert [p.part for p in rest] == ["app1"]
    pair = parse("client > any(lb, lb2) > any(app1, app2, app3) > db")
    expected = pair.unavailability(LESSON | {"lb2": LESSON["lb"]})
    assert best.unavailability == pytest.approx(expected, rel=1e-14)
    now = service.unavailability(LESSON)
    assert best.saved == pytest.approx(now - expected, rel=1e-9)
    assert service.purchases(LESSON, budget=0.5) == ()
    with pytest.raises(ValueError, match="unavailability of lb must be a number, got"):
        service.purchases(LESSON | {"lb": np.array([0.1, 0.2])})
    with pytest.raises(UnknownPartError, match="did you mean 'db'"):
        service.purchases(LESSON, prices={"dbb": 1})


def test_outages_of_a_pair():
    # two parallel units: frequency 2 q² µ, so outages last half a repair
    up, repair = 1000 * HOUR, 5 * HOUR
    pair = parse("any(a, b)")
    found = pair.outages(mttf={"a": up, "b": up}, mttr={"a": repair, "b": repair})
    q = repair / (up + repair)
    assert found.unavailability == pytest.approx(q**2, rel=1e-14)
    assert found.frequency == pytest.approx(2 * q**2 / repair, rel=1e-14)
    assert found.mean_duration == pytest.approx(repair / 2, rel=1e-14)
    assert found.by_part["a"] == found.by_part["b"]
    never = pair.outages(
        mttf={"a": up, "b": float("inf")}, mttr={"a": repair, "b": repair}
    )
    assert never.unavailability == never.frequency == never.mean_duration == 0
    with pytest.raises(ValueError, match="mttr must give b"):
        pair.outages(mttf={"a": up, "b": up}, mttr={"a": repair})
    with pytest.raises(ValueError, match="mttf of a must be > 0"):
        pair.outages(mttf={"a": 0, "b": up}, mttr={"a": repair, "b": repair})


@pytest.mark.parametrize(
    ("text", "column", "token", "words"),
    [
        ("a > any(b, c", 8, "(", "never closed"),
        ("a >> b", 4, ">", "a part is expected, found '>'"),
        ("a > anny(b, c)", 5, "anny", "did you mean 'any'"),
        ("a > any", 8, "", r"'any' needs '\('"),
        ("", 1, "", "missing at the end"),
        ("a >", 4, "", "missing at the end"),
        ("a b", 3, "b", "is expected, found b"),
        ("atleast(x, a)", 9, "x", "whole number"),
        ("atleast(2)", 10, ")", "',' is expected"),
        ("atleast(4, a, b)", 8, "(", "1 to 2 of its 2 parts, got 4"),
        ("atleast(0, a, b)", 8, "(", "got 0"),
        ("a -> b", 3, "-", "no meaning"),
        ("any(a,)", 7, ")", "a part is expected"),
        ("a, b", 2, ",", "the end is expected"),
        ("(a, b)", 3, ",", "is expected"),
        ("a)", 2, ")", "is expected"),
        ("a >\nb c", 7, "c", "is expected"),
    ],
)
def test_syntax_errors_point_at_the_column(text, column, token, words):
    with pytest.raises(StructureSyntaxError, match=words) as caught:
        parse(text)
    assert (caught.value.column, caught.value.token) == (column, token)
    message, line, mark = str(caught.value).splitlines()
    assert message.startswith(f"column {column}: ")
    assert line.strip() in text
    if token:
        assert line[mark.index("^") :].startswith(token)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda s: s.unavailability({"lb": 0.1}), "must give app1, app2, app3, db"),
        (lambda s: s.unavailability(LESSON | {"lb": 1.2}), "lb must be in .0, 1., got"),
        (lambda s: s.unavailability(LESSON | {"lb": "x"}), "lb must be in"),
        (lambda s: s.unavailability([1]), "must be a Mapping"),
        (lambda s: s.works({"ap1"}), "no part 'ap1'.*did you mean 'app1'"),
        (lambda s: s.share({"dns": ["dc"]}), "no part 'dc'"),
        (lambda s: s.share({"dns": []}), "what needs 'dns'"),
        (lambda s: s.share({"x": ["y"], "y": ["x"]}), "in a circle"),
        (lambda s: s.minimal_cut_sets(0), "max_order must be a whole number >= 1"),
        (lambda s: s.importance(LESSON)["dbb"], "did you mean 'db'"),
        (lambda s: s.importance(LESSON).by("birnbam"), "did you mean 'birnbaum'"),
        (lambda _: parse("a", where={"b": "c"}), "nothing uses"),
        (lambda _: parse("a", where={"a": "b", "b": "a"}), "lead back to itself"),
        (lambda _: parse(7), "must be a string"),
    ],
)
def test_errors_name_the_culprit(ask, words):
    with pytest.raises(ValueError, match=words):
        ask(parse(CLASSIC))


def test_misspelt_name_in_the_mapping():
    with pytest.raises(ValueError, match="is it given as 'dbb'"):
        parse("lb > db").unavailability({"lb": 0.1, "dbb": 0.1})


def test_names_with_marks_and_quotes():
    service = parse('AP.S-1 > "power feed" > eu-west/db:5432')
    assert service.components == ("AP.S-1", "power feed", "eu-west/db:5432")


def test_too_many_sets_are_counted_not_listed():
    chains = ", ".join(
        "(" + " > ".join(f"x{i}_{j}" for j in range(20)) + ")" for i in range(6)
    )
    service = parse(f"any({chains})")
    with pytest.raises(TooManySetsError, match="give max_order") as caught:
        service.minimal_cut_sets()
    assert caught.value.count == 20**6
    assert service.minimal_cut_sets(5) == ()
    assert len(service.minimal_path_sets()) == 6


def test_depth_is_no_matter():
    text = "x0"
    for i in range(1, 4 * sys.getrecursionlimit()):
        text = f"any(y{i}, z{i} > {text})" if i % 2 else f"({text})"
    service = parse(text)
    down = dict.fromkeys(service.components, 0.25)
    assert 0 < service.unavailability(down) < 1
    assert service.single_points_of_failure() == ()
    long = parse(" > ".join(f"p{i}" for i in range(10_000)))
    found = long.unavailability(dict.fromkeys(long.components, 1e-9))
    assert found == pytest.approx(-np.expm1(10_000 * np.log1p(-1e-9)), rel=1e-12)
    assert len(long.single_points_of_failure()) == 10_000


def test_representations():
    service = parse(CLASSIC)
    assert repr(service) == "Structure(5 parts, single points of failure: lb, db)"
    assert "single point" in service._repr_html_()
    table = service.importance(LESSON)
    assert "birnbaum" in repr(table)
    assert "fussell-vesely" in table._repr_html_()
    assert list(table) == list(service.components)
    assert len(table) == 5
    assert "h a year less" in repr(service.purchases(LESSON)[0])
    assert set(structure.__all__) <= set(dir(structure))
