"""M/M/c, limited room: against sums over states, simulation, brentq."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from hamodel import markov
from hamodel.queueing import MMc
from tests.support.queues import birth_death, interval, lindley
from tests.support.reference import answer

servers = st.integers(1, 60)
loads = st.floats(0.01, 0.99)


def states(queue, most=None):
    """State probabilities by the sums of the textbook, 40 digits."""
    arrival, service = mpmath.mpf(queue.arrival), mpmath.mpf(queue.service)
    return birth_death(
        lambda _: arrival, lambda n: min(n, queue.servers) / service, most
    )


def test_clinic_of_the_textbook():
    case = answer("queueing", "pub-mmc-01")["params"]
    queue = MMc(case["lam"], 1 / case["mu"], case["c"])
    assert queue.mean_wait == pytest.approx(4 / 27, rel=1e-13)
    assert queue.mean_queue == pytest.approx(8 / 9, rel=1e-13)


@given(servers, loads)
def test_means_equal_sums_over_states(c, load):
    queue = MMc(load * c, 1.0, c)
    p = states(queue)
    waiting = sum((n - c) * p[n] for n in range(c, len(p)))
    assert queue.mean_queue == pytest.approx(float(waiting), rel=1e-11)
    assert queue.wait_probability == pytest.approx(float(sum(p[c:])), rel=1e-12)
    number = float(sum(n * q for n, q in enumerate(p)))
    assert queue.mean_number == pytest.approx(number, rel=1e-11)


@pytest.mark.parametrize("load", [0.3, 0.9, 1 - 1e-6, 1.0, 1 + 1e-6, 1.5, 40.0])
@pytest.mark.parametrize(("c", "most"), [(1, 1), (1, 5), (4, 4), (4, 30), (20, 200)])
def test_limited_room_equals_sums_over_states(c, most, load):
    queue = MMc(load * c / 2.0, 2.0, c, capacity=most)
    p = states(queue, most)
    waiting = sum((n - c) * p[n] for n in range(c, most + 1))
    delayed = sum(p[c:most]) / (1 - p[most])
    assert queue.blocking == pytest.approx(float(p[most]), rel=1e-12)
    assert queue.mean_queue == pytest.approx(float(waiting), rel=1e-12, abs=1e-300)
    assert queue.wait_probability == pytest.approx(float(delayed), rel=1e-12)
    busy = float(sum(min(n, c) * q for n, q in enumerate(p))) / c
    assert queue.utilisation == pytest.approx(busy, rel=1e-12)


def test_limited_room_reference():
    case = answer("queueing", "pub-mmck-01")
    p = case["params"]
    queue = MMc(p["lam"], 1 / p["mu"], p["c"], capacity=p["K"])
    assert queue.blocking == pytest.approx(case["value"], rel=case["rtol"])


@pytest.mark.parametrize(
    "queue",
    [
        MMc(0.5, 1.0),
        MMc(3.0, 1.0, 4),  # spare capacity equals a service rate
        MMc(3.0 - 1e-9, 1.0, 4),
        MMc(28.0, 1.0, 30),
        MMc(1.8, 1.0, 2, capacity=9),
        MMc(6.0, 1.0, 4, capacity=12),
        MMc(5.0, 1.0, 5, capacity=5),
    ],
)
def test_tails_integrate_to_the_means(queue):
    wait, _ = quad(queue.wait.sf, 0, 400, limit=500)
    response, _ = quad(queue.response.sf, 0, 400, limit=500)
    assert wait == pytest.approx(queue.mean_wait, rel=1e-8, abs=1e-12)
    assert response == pytest.approx(queue.mean_response, rel=1e-8)


def test_limited_room_tail_equals_the_absorbing_chain():
    """Follow one request: places before it, then service (a chain of its own)."""
    queue = MMc(6.0, 1.0, 4, capacity=12)
    p = [float(x) for x in states(queue, 12)]
    found = np.array(p[:12]) / sum(p[:12])
    rates = np.zeros((10, 10))  # 0: gone, 1: in service, k + 1: k departures to wait
    rates[1, 0] = 1.0
    for k in range(1, 9):
        rates[k + 1, k] = 4.0
    start = np.concatenate([[0.0, found[:4].sum()], found[4:12]])
    times = np.array([0.1, 1.0, 3.0, 8.0])
    chain = 1 - markov.transient(rates, start, times)[:, 0]
    assert queue.response.sf(times) == pytest.approx(chain, rel=1e-11)


def test_simulation_agrees():
    rng = np.random.default_rng(7)
    n, load = 400_000, 0.7
    service = rng.exponential(1.0, n)
    waits = lindley(rng.exponential(1 / load, n), service)
    queue = MMc(load, 1.0)
    for t in (0.0, 2.0, 8.0):
        mean, width = interval(waits > t)
        assert abs(mean - queue.wait.sf(t)) < width
        mean, width = interval(waits + service > t + 0.1)
        assert abs(mean - queue.response.sf(t + 0.1)) < width
    mean, width = interval(waits)
    assert abs(mean - queue.mean_wait) < width < 0.2


@given(servers, loads, st.floats(1e-6, 1 - 1e-9))
def test_response_quantile_has_no_residual(c, load, p):
    queue = MMc(load * c, 1.0, c)
    t = queue.response.quantile(p)
    assert queue.response.sf(t) / (1 - p) == pytest.approx(1, rel=1e-12)


@given(st.integers(2, 60), st.floats(0, 1 - 1e-9))
def test_response_quantile_where_the_two_rates_are_equal(c, p):
    queue = MMc(float(c - 1), 1.0, c)
    t = queue.response.quantile(p)
    assert queue.response.sf(t) / (1 - p) == pytest.approx(1, rel=1e-12)


@given(
    st.integers(1, 8), st.integers(0, 30), st.floats(0.05, 5), st.floats(0.01, 0.9999)
)
def test_limited_room_quantiles_invert_the_tails(c, room, load, p):
    queue = MMc(load * c, 1.0, c, capacity=c + room)
    t = queue.response.quantile(p)
    assert queue.response.sf(t) == pytest.approx(1 - p, rel=1e-9)
    t = queue.wait.quantile(p)
    assert queue.wait.sf(t) == pytest.approx(1 - p, rel=1e-9) or (
        t == 0 and queue.wait_probability <= 1 - p
    )


def test_wait_quantile_reference():
    case = answer("queueing", "pub-mmc-03")
    p = case["params"]
    queue = MMc(p["lam"], 1 / p["mu"], p["c"])
    assert queue.wait.quantile(p["q"]) == pytest.approx(case["value"], rel=case["rtol"])


@given(loads, st.floats(1e-3, 1e3))
def test_the_unit_of_time_does_not_matter(load, unit):
    one = MMc(load * 3, 1.0, 3).response.quantile(0.99)
    assert MMc(load * 3 / unit, unit, 3).response.quantile(0.99) == pytest.approx(
        one * unit, rel=1e-12
    )


def test_stacked_equals_one_by_one():
    arrival, c = np.array([0.0, 0.5, 2.0, 9.0]), np.array([[1], [3]])
    stacked = MMc(arrival, 1.0, c)
    for i, j in np.ndindex(2, 4):
        one = MMc(float(arrival[j]), 1.0, int(c[i, 0]))
        for name in ("mean_wait", "mean_response", "throughput", "utilisation"):
            value = np.broadcast_to(getattr(stacked, name), (2, 4))[i, j]
            assert value == pytest.approx(getattr(one, name), rel=1e-14)
        value = stacked.response.quantile(0.9)[i, j]
        assert value == pytest.approx(one.response.quantile(0.9), rel=1e-13)
        assert stacked.wait.sf(0.7)[i, j] == pytest.approx(one.wait.sf(0.7), rel=1e-14)


def test_overload_is_an_answer():
    queue = MMc([0.9, 1.0, 1.5], 1.0)
    assert queue.mean_wait.tolist() == [pytest.approx(9.0), np.inf, np.inf]
    assert queue.mean_number[2] == queue.mean_queue[1] == np.inf
    assert queue.wait.quantile(0.5)[1:].tolist() == [np.inf, np.inf]
    assert queue.response.quantile([0.0, 0.5, 0.5]).tolist()[2] == np.inf
    assert queue.response.sf(5.0)[1:].tolist() == [1.0, 1.0]
    assert queue.throughput.tolist() == [0.9, 1.0, 1.0]


def test_no_load_and_extreme_fractions():
    idle = MMc(0.0, 2.0, 3)
    assert (idle.mean_wait, idle.wait_probability, idle.wait.quantile(0.99)) == (
        0,
        0,
        0,
    )
    assert idle.response.quantile(0.5) == pytest.approx(2 * np.log(2), rel=1e-15)
    assert MMc(0.0, 2.0, 1, capacity=3).mean_response == 2.0
    queue = MMc(0.5, 1.0)
    assert queue.response.quantile([0.0, 1.0]).tolist() == [0.0, np.inf]
    assert queue.wait.quantile([0.5, 1.0]).tolist() == [0.0, np.inf]


def test_symbols_give_the_formulas():
    a, s = sympy.symbols("lambda s", positive=True)
    assert sympy.simplify(MMc(a, s).mean_wait - a * s**2 / (1 - a * s)) == 0
    room = MMc(a, s, 1, capacity=2)
    assert (
        sympy.simplify(room.blocking - (a * s) ** 2 / (1 + a * s + (a * s) ** 2)) == 0
    )
    for queue in (MMc(a, s, 3), MMc(a, s, 2, capacity=6)):
        number = MMc(1.2, 0.8, queue.servers, queue.capacity)
        for name in ("mean_response", "wait_probability", "mean_queue", "utilisation"):
            value = getattr(queue, name).subs({a: 1.2, s: 0.8})
            assert float(value) == pytest.approx(getattr(number, name), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MMc(-1.0, 1.0), "arrival must be >= 0 and finite, got -1"),
        (lambda: MMc(1.0, 0.0), "service must be > 0 and finite, got 0"),
        (lambda: MMc(1.0, 1.0, 0), "servers must be > 0 and finite, got 0"),
        (
            lambda: MMc(1.0, 1.0, 2, capacity=1),
            r"capacity must be >= servers \(2\), got 1",
        ),
        (lambda: MMc(1.0, 1.0, 1.5, capacity=3), "servers must be a whole number"),
        (lambda: MMc(0.5, 1.0).wait.quantile(1.5), r"p must be in \[0, 1\], got 1.5"),
        (lambda: MMc(0.5, 1.0).response.quantile(-0.1), r"p must be in \[0, 1\]"),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_notebook_tables_name_their_numbers():
    assert "<td>222 ms</td>" in MMc(10, 0.4, 5)._repr_html_()
    assert "0.5 to 0.9" in MMc([0.5, 0.9], 1.0)._repr_html_()
    assert "lambda" in MMc(sympy.Symbol("lambda"), 1)._repr_html_()
