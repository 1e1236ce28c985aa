"""Clocks, registers, counters and sets: their laws, and what they cannot keep."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel.conflicts import (
    BoundedCounter,
    Counter,
    GrowCounter,
    GrowSet,
    InsufficientRightsError,
    ObservedSet,
    Siblings,
    VectorClock,
)

SITES = "ABC"
steps = st.lists(
    st.tuples(
        st.sampled_from(["change", "undo", "send"]),
        st.sampled_from(SITES),
        st.sampled_from(SITES),
        st.integers(0, 3),
    ),
    max_size=14,
)


def change_counter(state, kind, site, amount):
    return state.add(site, amount) if kind == "change" else state.take(site, amount)


def change_grow(state, kind, site, amount):
    return state.add(site, amount + (kind == "undo"))


def change_bounded(state, kind, site, amount):
    if kind == "change":
        return state.add(site, amount)
    other = SITES[(SITES.index(site) + 1) % 3]
    give = min(amount, state.rights(site))
    return state.take(site, give) if amount % 2 else state.move(site, other, give)


def change_set(state, kind, site, amount):
    return state.add(site, amount) if kind == "change" else state.remove(amount)


def change_union(state, kind, site, amount):
    return state.add((kind, site, amount))


def change_siblings(state, kind, site, amount):
    context = state.clock if kind == "change" else None
    return state.write(site, amount, context)


KINDS = [
    pytest.param(GrowCounter(), change_grow, id="grow counter"),
    pytest.param(Counter(), change_counter, id="counter"),
    pytest.param(BoundedCounter(), change_bounded, id="bounded counter"),
    pytest.param(GrowSet(), change_union, id="grow set"),
    pytest.param(ObservedSet(), change_set, id="observed set"),
    pytest.param(Siblings(), change_siblings, id="siblings"),
]


def run(empty, change, history):
    """Return the state of each site after changes and sent states."""
    states = dict.fromkeys(SITES, empty)
    for kind, site, other, amount in history:
        if kind == "send":
            states[other] = states[other].merge(states[site])
        else:
            states[site] = change(states[site], kind, site, amount)
    return [states[s] for s in SITES]


@pytest.mark.parametrize(("empty", "change"), KINDS)
@given(history=steps)
def test_merge_laws(empty, change, history):
    a, b, c = run(empty, change, history)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    assert a.merge(a) == a
    assert a.merge(empty) == a
    assert len({a.merge(b), b.merge(a)}) == 1


@pytest.mark.parametrize(("empty", "change"), KINDS)
@given(history=steps, amount=st.integers(0, 3), site=st.sampled_from(SITES))
def test_changes_only_grow_the_state(empty, change, history, amount, site):
    # what makes late and repeated messages harmless: the old state adds nothing
    old = run(empty, change, history)[SITES.index(site)]
    for kind in ("change", "undo"):
        new = change(old, kind, site, amount)
        assert new.merge(old) == new


@pytest.mark.parametrize(("empty", "change"), KINDS)
@given(history=steps)
def test_all_orders_of_delivery_end_alike(empty, change, history):
    states = run(empty, change, history)
    ends = set()
    for order in itertools.permutations(states):
        whole = empty
        for state in (*order, order[0]):  # the first message comes twice
            whole = whole.merge(state)
        ends.add(whole)
    assert len(ends) == 1


@given(history=steps)
def test_counters_count_what_was_done(history):
    changes = [step for step in history if step[0] != "send"]
    states = run(Counter(), change_counter, history)
    whole = states[0].merge(states[1]).merge(states[2])
    added = sum(n for kind, _, _, n in changes if kind == "change")
    taken = sum(n for kind, _, _, n in changes if kind == "undo")
    assert whole.value == added - taken


@given(history=steps)
def test_bounded_counter_never_falls_below_zero(history):
    states = run(BoundedCounter(), change_bounded, history)
    for site, state in zip(SITES, states, strict=True):
        assert state.rights(site) >= 0
    whole = states[0].merge(states[1]).merge(states[2])
    assert whole.value >= 0
    assert whole.value == sum(whole.rights(site) for site in SITES)


def test_a_plain_counter_cannot_keep_a_balance():
    start = Counter().add("A", 1)
    left, right = start.take("A"), start.take("B")
    assert left.value == right.value == 0  # each site saw enough
    assert left.merge(right).value == -1


def test_a_set_cannot_keep_a_name_unique():
    # both sites check that the name is free; the merge holds two owners
    left = ObservedSet().add("A", ("ann", "user 1"))
    right = ObservedSet().add("B", ("ann", "user 2"))
    owners = [owner for name, owner in left.merge(right).items if name == "ann"]
    assert sorted(owners) == ["user 1", "user 2"]


def test_bounded_counter_refuses_and_says_why():
    start = BoundedCounter().add("A", 2)
    with pytest.raises(
        InsufficientRightsError, match="<= 0 at site B, got 1"
    ) as caught:
        start.take("B")
    assert (caught.value.site, caught.value.rights, caught.value.amount) == ("B", 0, 1)
    with pytest.raises(InsufficientRightsError):
        start.move("A", "B", 3)
    with pytest.raises(ValueError, match="must differ from the giver"):
        start.move("A", "A", 1)


@given(history=steps, item=st.integers(0, 3), site=st.sampled_from(SITES))
def test_a_set_does_as_it_is_told(history, item, site):
    state = run(ObservedSet(), change_set, history)[SITES.index(site)]
    assert item not in state.remove(item).items
    assert state.remove(item).items == state.items - {item}
    assert state.add(site, item).items == state.items | {item}
    assert item in state.remove(item).add(site, item).items


def test_addition_wins_over_a_concurrent_removal_only():
    cart = ObservedSet().add("A", "milk")
    gone = cart.remove("milk")
    assert cart.merge(gone).items == frozenset()
    assert gone.add("B", "milk").merge(gone).items == {"milk"}
    assert gone.remove("bread") == gone


@given(st.lists(st.dictionaries(st.sampled_from(SITES), st.integers(0, 3)), min_size=3))
def test_vector_clocks_are_a_partial_order(maps):
    a, b, c = map(VectorClock, maps[:3])
    opposite = {"before": "after", "after": "before"}
    found = a.compare(b)
    assert b.compare(a) == opposite.get(found, found)
    assert (found == "equal") == (a == b)
    if a.compare(b) == b.compare(c) == "before":
        assert a.compare(c) == "before"
    both = a.merge(b)
    assert both.covers(a)
    assert both.covers(b)
    # the least such: anything that covers both covers their merge
    if c.covers(a) and c.covers(b):
        assert c.covers(both)
    assert a.tick("A").compare(a) == "after"
    assert a.tick("A").compare(a.tick("B")) == "concurrent"


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"A": 1, "B": 1}, {"A": 1, "B": 1}, "equal"),
        ({"A": 1}, {"A": 1, "B": 1}, "before"),
        ({"A": 2, "B": 1}, {"A": 1, "B": 1}, "after"),
        ({"A": 2, "B": 1}, {"A": 1, "B": 2}, "concurrent"),
        ({"A": 0}, {}, "equal"),
    ],
)
def test_four_pairs_of_the_lesson(left, right, expected):
    assert VectorClock(left).compare(VectorClock(right)) == expected


def test_clocks_follow_causality():
    # the clock says `before` exactly when the event is in the other's past
    pasts = {}
    clocks = {}
    here = {s: (VectorClock(), frozenset()) for s in SITES}
    script = ["A", "B", "A>B", "B", "C", "B>C", "C", "A", "C>A", "A"]
    for number, step in enumerate(script):
        if ">" in step:
            source, target = step.split(">")
            (one, past), (two, other) = here[source], here[target]
            here[target] = (one.merge(two), past | other)
            continue
        clock, past = here[step]
        clock, past = clock.tick(step), past | {number}
        clocks[number], pasts[number] = clock, past
        here[step] = (clock, past)
    for i, j in itertools.permutations(clocks, 2):
        assert (clocks[i].compare(clocks[j]) == "before") == (i in pasts[j])


def test_blind_writes_pile_up_and_reading_first_does_not():
    blind = careful = Siblings()
    for number in range(5):
        blind = blind.write("A", number)
        careful = careful.write("A", number, careful.clock)
    assert sorted(blind.values) == [0, 1, 2, 3, 4]
    assert careful.values == (4,)
    # two blind writes at one site are siblings elsewhere too: neither saw the other
    assert len(Siblings().merge(blind).values) == 5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VectorClock({"A": -1}), "counts of A must be a whole number >= 0"),
        (lambda: VectorClock([1]), "counts must be a Mapping"),
        (lambda: GrowCounter({"A": 0.5}), "must be a whole number >= 0, got 0.5"),
        (lambda: GrowCounter().add("A", -1), "amount must be a whole number >= 0"),
        (lambda: Counter().take("A", -1), "amount must be a whole number >= 0"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
