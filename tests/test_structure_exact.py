"""Every number again by enumeration in exact fractions, by cut sets, by simulation."""

import itertools
import time
from dataclasses import replace
from fractions import Fraction
from math import prod

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel.structure import StructureTooLargeError, parse
from hamodel.structure._bdd import dual
from hamodel.structure._shares import of_circuit, of_diagram

NAMES = "abcdef"


def texts(depth=3):
    """Paths over few names, so that parts are shared."""
    leaf = st.sampled_from(NAMES)

    def nest(inner):
        several = st.lists(inner, min_size=2, max_size=4)
        return st.one_of(
            several.map(lambda xs: "(" + " > ".join(xs) + ")"),
            several.map(lambda xs: f"any({', '.join(xs)})"),
            several.map(lambda xs: f"all({', '.join(xs)})"),
            st.tuples(several, st.integers(1, 4)).map(
                lambda pair: (
                    f"atleast({min(pair[1], len(pair[0]))}, {', '.join(pair[0])})"
                )
            ),
        )

    return st.recursive(leaf, nest, max_leaves=4 * depth)


chances = st.fixed_dictionaries(
    {n: st.fractions(0, 1, max_denominator=20) for n in NAMES}
)


def up_by_python(text, failed):
    """Evaluate a path with Python's own parser: the other reader."""
    # `>` chains as Python's comparison would, so it becomes a product first
    code = text.replace(">", "*").replace("any(", "most(1, ")
    code = code.replace("all(", "every(").replace("atleast(", "most(")
    words = {n: int(n not in failed) for n in NAMES}
    words["most"] = lambda k, *xs: int(sum(map(bool, xs)) >= k)
    words["every"] = lambda *xs: int(all(xs))
    return bool(eval(code, {"__builtins__": {}}, words))


def subsets(names):
    for size in range(len(names) + 1):
        yield from map(frozenset, itertools.combinations(names, size))


def weight(q, names, failed):
    return prod((q[n] if n in failed else 1 - q[n]) for n in names)


def enumerated(service, q, counts=None):
    """Sum the probability of every state in which the service is down."""
    names = service.components
    return sum(
        (
            weight(q, names, failed)
            for failed in subsets(names)
            if not service.works(failed) and (counts is None or counts(failed))
        ),
        Fraction(0),
    )


@given(texts(), chances)
def test_works_and_unavailability_by_enumeration(text, q):
    service = parse(text)
    names = service.components
    for failed in subsets(names):
        assert service.works(failed) == up_by_python(text, failed)
    assert service.unavailability(q) == enumerated(service, q)


@given(texts())
def test_minimal_sets_by_enumeration(text):
    service = parse(text)
    names = frozenset(service.components)
    down = [s for s in subsets(sorted(names)) if not service.works(s)]
    minimal = {s for s in down if not any(t < s for t in down)}
    cuts = service.minimal_cut_sets()
    assert len(cuts) == len(set(cuts))
    assert set(cuts) == minimal
    assert [len(c) for c in cuts] == sorted(len(c) for c in cuts)
    for order in (1, 2, 3):
        few = service.minimal_cut_sets(order)
        assert set(few) == {s for s in minimal if len(s) <= order}
    up = [s for s in subsets(sorted(names)) if service.works(names - s)]
    paths = {s for s in up if not any(t < s for t in up)}
    assert set(service.minimal_path_sets()) == paths
    alone = {name for s in minimal if len(s) == 1 for name in s}
    assert set(service.single_points_of_failure()) == alone


@given(texts(), chances)
def test_inclusion_exclusion_over_cut_sets(text, q):
    service = parse(text)
    cuts = service.minimal_cut_sets()
    if len(cuts) > 8:
        return
    total = Fraction(0)
    for size in range(1, len(cuts) + 1):
        for chosen in itertools.combinations(cuts, size):
            total -= (-1) ** size * prod(q[n] for n in frozenset().union(*chosen))
    assert service.unavailability(q) == total


@given(texts(), chances)
def test_importance_by_enumeration(text, q):
    q = {n: (x + 1) / 30 for n, x in q.items()}  # none zero, none one
    service = parse(text)
    table, total = service.importance(q), service.unavailability(q)
    cuts = service.minimal_cut_sets()
    for name in service.components:
        failed = service.unavailability(q | {name: Fraction(1)})
        works = service.unavailability(q | {name: Fraction(0)})
        row = table[name]
        assert row.birnbaum == failed - works
        assert row.criticality == (failed - works) * q[name] / total
        assert (
            row.diagnostic
            == enumerated(service, q, lambda s, name=name: name in s) / total
        )
        assert row.raw == failed / total
        assert row.rrw == (total / works if works else float("inf"))
        mine = [cut for cut in cuts if name in cut]
        held = enumerated(
            service, q, lambda s, mine=mine: any(cut <= s for cut in mine)
        )
        assert row.fussell_vesely == held / total


@given(texts(), texts(), chances)
def test_blocks_and_the_whole_diagram_agree(left, right, q):
    # the second text gets names of its own: a block that stands nowhere else
    other = "".join(c.upper() if c in NAMES and not w else c for c, w in _marked(right))
    service = parse(f"any({left}, ({left} > {other}))")
    both = q | {n.upper(): x for n, x in q.items()}
    blocks = of_circuit(service.circuit, both)
    whole = of_diagram(service.diagram, both)
    for name in service.components:
        assert blocks.get(name, 0) == whole[name]


@pytest.mark.parametrize("needed", [1, 2, 3, 4, 5])
def test_blocks_that_need_some_of_many(needed):
    service = parse(f"any(x, atleast({needed}, a, b, c > d, e, f)) > y > x")
    q = {name: Fraction(i + 1, 12) for i, name in enumerate(service.components)}
    table, total = service.importance(q), service.unavailability(q)
    cuts = service.minimal_cut_sets()
    for name in service.components:
        mine = [cut for cut in cuts if name in cut]
        held = enumerated(service, q, lambda s, mine=mine: any(c <= s for c in mine))
        assert table[name].fussell_vesely == held / total


def _marked(text):
    """Pair each character with whether it belongs to a word of the language."""
    marks = [False] * len(text)
    for word in ("any(", "all(", "atleast("):
        start = text.find(word)
        while start >= 0:
            marks[start : start + len(word)] = [True] * len(word)
            start = text.find(word, start + 1)
    return zip(text, marks, strict=True)


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), texts(), chances)
def test_shared_dependency_by_conditioning(users, text, q):
    service = parse(text)
    users = [name for name in users if name in service.components]
    if not users:
        return
    hidden = service.share({"dns": users})
    down = q | dict.fromkeys(users, Fraction(1))
    loss = Fraction(3, 7)
    by_hand = loss * service.unavailability(down) + (1 - loss) * service.unavailability(
        q
    )
    assert hidden.unavailability(q | {"dns": loss}) == by_hand
    table = hidden.importance({n: (x + 1) / 30 for n, x in q.items()} | {"dns": loss})
    moved = {n: (x + 1) / 30 for n, x in q.items()} | {"dns": loss}
    mine = [cut for cut in hidden.minimal_cut_sets() if "dns" in cut]
    held = enumerated(hidden, moved, lambda s, mine=mine: any(cut <= s for cut in mine))
    total = hidden.unavailability(moved)
    assert table["dns"].fussell_vesely == held / total


@given(texts(), chances)
def test_cut_sets_say_all(text, q):
    service = parse(text)
    cuts = (f"any({', '.join(sorted(cut))})" for cut in service.minimal_cut_sets())
    assert parse(" > ".join(cuts)).unavailability(q) == service.unavailability(q)
    assert dual(dual(service.diagram)).low == service.diagram.low


@pytest.mark.parametrize("exponent", [3, 8, 20, 60])
def test_small_numbers_keep_their_digits(exponent):
    # two replicas per site, two sites, a shared feed: nothing of size 1 is subtracted
    service = parse(
        "any(app1 > db1, app2 > db2) > atleast(2, c1, c2, c3)",
        shared={"feed": ["app1", "c1"], "other": ["db2", "c2", "c3"]},
    )
    exact = {
        name: Fraction(i + 1, 10**exponent) for i, name in enumerate(service.components)
    }
    rounded = {name: float(value) for name, value in exact.items()}
    exact = {name: Fraction(value) for name, value in rounded.items()}
    found = service.unavailability(rounded)
    assert found == pytest.approx(float(service.unavailability(exact)), rel=1e-14)
    table, truth = service.importance(rounded), service.importance(exact)
    for measure in ("birnbaum", "criticality", "fussell_vesely", "raw", "rrw"):
        for name, value in truth.by(measure).items():
            expected = float(value)
            assert table.by(measure)[name] == pytest.approx(expected, rel=1e-13)


@given(texts(), st.data())
def test_any_kind_of_number(text, data):
    service = parse(text)
    grid = {
        n: np.array(data.draw(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3)))
        for n in NAMES
    }
    found = np.broadcast_to(service.unavailability(grid), 3)
    table = service.importance(grid)
    for i in range(3):
        point = {n: float(v[i]) for n, v in grid.items()}
        assert found[i] == pytest.approx(service.unavailability(point), rel=1e-14)
        one = service.importance(point)
        for measure in ("birnbaum", "fussell_vesely", "rrw"):
            for name, value in one.by(measure).items():
                many = np.broadcast_to(table.by(measure)[name], 3)
                assert many[i] == pytest.approx(value, rel=1e-12, abs=1e-300)
    exact = {n: mpmath.mpf(float(v[0])) for n, v in grid.items()}
    assert found[0] == pytest.approx(float(service.unavailability(exact)), rel=1e-12)


def test_formula_of_the_classic_diagram():
    q, r = sympy.symbols("q r", positive=True)
    service = parse("client > lb > any(app1, app2) > db")
    parts = {"lb": r, "db": r, "app1": q, "app2": q}
    found = service.unavailability(parts)
    assert sympy.expand(found - (1 - (1 - r) ** 2 * (1 - q**2))) == 0
    table = service.importance(parts)
    assert sympy.expand(table["app1"].birnbaum - (1 - r) ** 2 * q) == 0
    assert sympy.simplify(table["lb"].raw * found) == 1
    beta = sympy.Symbol("beta", positive=True)
    pair = parse("any(a, b)").unavailability(
        {"a": q, "b": q}, common_cause={("a", "b"): beta}
    )
    shared = beta * q
    alone = (q - shared) / (1 - shared)
    assert sympy.simplify(pair - (shared + (1 - shared) * alone**2)) == 0
    first_order = sympy.series(pair, q, 0, 2).removeO()
    assert sympy.simplify(first_order - beta * q) == 0


def test_derivative_is_the_birnbaum_importance():
    service = parse("atleast(2, a, b, c > d) > any(a, d)")
    point = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    table = service.importance(point)
    for name, value in point.items():
        step = point | {name: value + 1e-30j}
        slope = service.unavailability(step).imag / 1e-30
        assert table[name].birnbaum == pytest.approx(slope, rel=1e-14)


def test_nothing_fails():
    table = parse("any(a, b) > c").importance({"a": 0.0, "b": 0.5, "c": 0})
    assert table.unavailability == 0
    assert table["c"].raw == float("inf")
    assert table["a"].criticality == table["a"].fussell_vesely == 0
    assert table["b"].raw == table["b"].rrw == 1


def test_simulation():
    service = parse(
        "client > any(lb1, lb2) > atleast(2, app1, app2, app3) > any(db1, db2)",
        shared={"feed": ["db1", "app1", "lb1"]},
    )
    rng = np.random.default_rng(20260611)
    q = {n: 0.05 + 0.03 * i for i, n in enumerate(service.components)}
    groups = {("db1", "db2"): 0.3}
    n = 40_000
    # common cause by hand: one event for the pair, the rest for each alone
    together = 0.3 * min(q["db1"], q["db2"])
    shared = rng.random(n) < together
    state = {}
    for name, chance in q.items():
        alone = chance
        if name in ("db1", "db2"):
            alone = (chance - together) / (1 - together)
        state[name] = rng.random(n) < alone
        if name in ("db1", "db2"):
            state[name] |= shared
    rows = np.array(list(state.values())).T
    patterns, counts = np.unique(rows, axis=0, return_counts=True)
    down = sum(
        int(count)
        for row, count in zip(patterns, counts, strict=True)
        if not service.works({m for m, f in zip(state, row, strict=True) if f})
    )
    expected = service.unavailability(q, common_cause=groups)
    error = (expected * (1 - expected) / n) ** 0.5
    assert abs(down / n - expected) < 4 * error
    plain = service.unavailability(q)
    assert abs(down / n - plain) > 4 * error  # the run does see the common cause


def test_two_hundred_parts():
    pairs = " > ".join(f"any(a{i}, b{i})" for i in range(100))
    users = [f"a{i}" for i in range(100)]
    service = parse(pairs, shared={"dns": users, "feed": users[::2]})
    q = dict.fromkeys(service.components, 1e-4)
    found = service.unavailability(q)
    # by hand, over the two shared parts: 100 independent pairs in each case
    cases = []
    for dns, feed in itertools.product((0, 1), repeat=2):
        odd = np.log1p(-(1e-4 if dns else 1e-8))
        even = np.log1p(-(1e-4 if dns or feed else 1e-8))
        share = (1e-4 if dns else 1 - 1e-4) * (1e-4 if feed else 1 - 1e-4)
        cases.append(share * -np.expm1(50 * odd + 50 * even))
    assert found == pytest.approx(sum(cases), rel=1e-12)
    assert len(service.diagram) < 1000
    table = service.importance(q)
    assert max(table.by("birnbaum"), key=table.by("birnbaum").get) == "dns"
    # half of 200 identical servers: the binomial tail
    from scipy.special import bdtrc

    names = [f"c{i}" for i in range(200)]
    pool = parse(f"atleast(100, {', '.join(names)})")
    share = pool.unavailability(dict.fromkeys(names, 0.3))
    assert share == pytest.approx(bdtrc(100, 200, 0.3), rel=1e-10)


def test_variable_order_rescues_pairs_written_apart():
    # asked in the order of the text, the pairs would cost 2**20 questions
    first = ", ".join(f"x{i}" for i in range(20))
    rest = " > ".join(f"any(x{i}, y{i})" for i in range(20))
    service = parse(f"any({first}) > {rest}")
    assert len(service.diagram) < 500
    found = service.unavailability(dict.fromkeys(service.components, 0.1))
    # every pair up, less the case in which that is so with no x at all
    assert found == pytest.approx(1 - (0.99**20 - 0.09**20), rel=1e-12)
    columns = " > ".join(f"any(r{i}, s{i}, t{i})" for i in range(12))
    rows = ", ".join(
        "(" + " > ".join(f"{c}{i}" for i in range(12)) + ")" for c in "rst"
    )
    grid = parse(f"any({rows}) > {columns}")
    assert grid.works(["r3", "s4"])
    assert len(grid.diagram) < 2000


def test_too_tangled_is_refused():
    from hamodel.structure._bdd import Builder
    from hamodel.structure._errors import StructureTooLargeError

    builder = Builder([f"x{i}" for i in range(20)], limit=100)
    with pytest.raises(StructureTooLargeError, match="100 nodes, but 20 parts"):
        builder.at_least(10, [builder.part(name) for name in builder.order])


def test_structure_is_frozen():
    service = parse("a > b")
    with pytest.raises(AttributeError):
        service.needs = ()
    assert replace(service, needs=()).components == ("a", "b")


def ring(nodes, tokens, seed=1):
    """Keys of a ring, three copies of each on the next nodes, two needed."""
    rng = np.random.default_rng(seed)
    owners = rng.permutation(np.repeat(np.arange(nodes), tokens))
    held = set()
    for start in range(len(owners)):
        walk = dict.fromkeys(np.roll(owners, -start).tolist())
        held.add(tuple(sorted(list(walk)[:3])))
    text = ", ".join(f"atleast(2, n{a}, n{b}, n{c})" for a, b, c in sorted(held))
    return parse(f"all({text})"), held


def test_a_ring_with_many_tokens_is_asked_without_a_diagram(monkeypatch):
    began = time.process_time()
    service, held = ring(60, 8)
    pairs = service.minimal_cut_sets(2)
    assert time.process_time() - began < 2.0
    expected = {frozenset(p) for h in held for p in itertools.combinations(h, 2)}
    assert {frozenset(int(n[1:]) for n in cut) for cut in pairs} == expected
    assert service.single_points_of_failure() == ()
    assert service.works({"n0"})
    assert not service.works(pairs[0])
    assert "60 parts" in repr(service)
    q = dict.fromkeys(service.components, 1e-3)
    low, high = service.bounds(q, max_order=2)
    rng = np.random.default_rng(2)
    failed = rng.random((40_000, 60)) < 1e-2
    low_, high_ = service.bounds(dict.fromkeys(service.components, 1e-2), max_order=2)
    triples = np.array(sorted(held))
    down = (failed[:, triples].sum(axis=2) >= 2).any(axis=1).mean()
    assert low_ - 0.006 < down < high_ + 0.006
    assert 0 < low < high < 1.2 * low
    monkeypatch.setattr("hamodel.structure._circuit._LIMITS", (1000,))
    with pytest.raises(StructureTooLargeError, match="ask for `bounds`"):
        service.unavailability(q)


@given(texts(), chances, st.integers(1, 4))
def test_small_sets_and_bounds_agree_with_the_diagram(text, q, order):
    service = parse(text)
    service = service.share({"feed": service.components[:1]})
    q = q | {"feed": Fraction(1, 30)}
    whole = service.minimal_cut_sets()
    assert service.minimal_cut_sets(order) == tuple(c for c in whole if len(c) <= order)
    paths = service.minimal_path_sets()
    small = tuple(p for p in paths if len(p) <= order)
    assert service.minimal_path_sets(order) == small
    exact = float(service.unavailability(q))
    low, high = service.bounds({n: float(x) for n, x in q.items()}, max_order=order)
    assert low <= exact * (1 + 1e-9) + 1e-15
    assert exact <= high * (1 + 1e-9) + 1e-15
    assert service.works() == (frozenset() not in whole)
