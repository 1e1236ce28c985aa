"""The picture of a chain: area in proportion, and every state named."""

from math import pi

import numpy as np
import pytest
import sympy

from hamodel import Chain
from hamodel.chain import k_of_n
from hamodel.plots import draw_state_graph, figure, styled, svg


def pair(fail, repair, stuck=0.0):
    rates = {
        ("both", "one"): 2 * fail,
        ("one", "both"): repair,
        ("one", "none"): fail,
        ("none", "one"): repair,
        ("both", "stuck"): stuck,
        ("stuck", "one"): repair / 10 if stuck else 0.0,
    }
    return Chain(
        {p: r for p, r in rates.items() if np.any(r != 0)},
        {"both", "one"},
        start="both",
    )


def drawn(chain, **options):
    picture = figure(6, 3)
    with styled():
        axes = picture.add_subplot()
    return picture, draw_state_graph(axes, chain, **options)


def test_areas_are_probabilities():
    chain = pair(0.2, 1.0, 0.1)
    _, graph = drawn(chain)
    areas = {s: pi * disc.get_radius() ** 2 for s, disc in graph.discs.items()}
    whole = sum(areas.values())
    for state, p in chain.steady_state().items():
        assert areas[state] / whole == pytest.approx(p)


def test_a_rare_state_has_a_ring_and_its_number():
    picture, graph = drawn(pair(1e-6, 1.0))
    assert graph.rings["none"].get_visible()
    assert not graph.rings["both"].get_visible()
    assert "2.0e-12" in graph.names["none"].get_text()
    text = svg(picture)
    for word in ("both", "one", "none", "100 %"):
        assert word in text
    assert svg(picture) == text


def test_discs_do_not_overlap():
    _, graph = drawn(k_of_n(6, 3, fail=1.0, repair=1.0))
    places = list(graph.places.values())
    gaps = [
        np.hypot(a[0] - b[0], a[1] - b[1])
        for k, a in enumerate(places)
        for b in places[k + 1 :]
    ]
    assert min(gaps) > 2 * 0.62


def test_update_changes_what_is_there_and_says_it():
    _, graph = drawn(pair(0.2, 1.0, 0.1))
    before = graph.discs["both"].get_radius()
    said = graph.update(pair(0.01, 1.0))
    assert graph.discs["both"].get_radius() > before
    assert graph.discs["stuck"].get_radius() == 0
    assert not graph.arrows["both", "stuck"].get_visible()
    assert said.startswith("3 states; both: 98 % of the time")
    assert "none (down)" in said


def test_names_and_places_can_be_given():
    places = {2: (0, 0), 1: (3, 0), 0: (6, 0)}
    chain = k_of_n(2, 1, fail=0.1, repair=1.0)
    _, graph = drawn(chain, label=lambda s: f"{s} up", places=places)
    assert graph.places == places
    assert graph.names[1].get_text().startswith("1 up")
    with pytest.raises(ValueError, match="places must hold every state, lacking 0"):
        drawn(chain, places={2: (0, 0), 1: (3, 0)})


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="at most 60 states, got 71"):
        drawn(k_of_n(70, 1, fail=1.0, repair=1.0))
    with pytest.raises(ValueError, match="not arrays or symbols"):
        drawn(pair(np.array([0.1, 0.2]), 1.0))
    with pytest.raises(ValueError, match="not arrays or symbols"):
        drawn(pair(sympy.Symbol("f", positive=True), 1))
    _, graph = drawn(pair(0.2, 1.0))
    with pytest.raises(ValueError, match="must have the states drawn"):
        graph.update(pair(0.2, 1.0, 0.1))


def test_many_states_are_told_in_brief():
    _, graph = drawn(k_of_n(12, 6, fail=1.0, repair=1.0))
    assert "and 7 rarer ones" in graph.update(k_of_n(12, 6, fail=1.0, repair=1.0))


def test_a_state_that_is_never_reached_has_its_place():
    chain = Chain({("a", "b"): 1.0, ("b", "a"): 1.0, ("c", "a"): 1.0}, {"a"})
    _, graph = drawn(chain)
    assert graph.places["c"][0] > graph.places["b"][0]
    assert "0 %" in graph.names["c"].get_text()
