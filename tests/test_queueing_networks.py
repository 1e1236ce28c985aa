"""Networks, repair, breakdowns, bursts, fluid: other algorithms and full chains."""

from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaincc

from hamodel import markov
from hamodel.queueing import (
    MAPM1,
    BreakdownQueue,
    ClosedNetwork,
    Fluid,
    MachineRepair,
    MMc,
    Network,
    OverloadError,
    _closed,
    catch_up_time,
)
from tests.support.queues import interval, lindley
from tests.support.reference import answer, cases

rates = st.floats(0.05, 20)


def reference(name):
    case = answer("queueing", name)
    return case["params"], case["value"], case["rtol"]


def jackson():
    p, _, _ = reference("pub-jackson-01")
    routing = np.zeros((4, 4))
    for origin, row in p["routing"].items():
        for goal, share in row.items():
            if goal != "out":
                routing[int(origin) - 1, int(goal) - 1] = share
    arrivals = [p["external"].get(str(k), 0.0) for k in range(1, 5)]
    return Network(arrivals, 1 / np.array(p["mu"]), routing)


def test_open_network_reference():
    _, value, rtol = reference("pub-jackson-01")
    network = jackson()
    assert network.mean_response == pytest.approx(value, rel=rtol)
    assert network.rates == pytest.approx([20, 10, 10, 4], rel=1e-13)
    numbers = [4, 3 / 7, 3 / 2, 1 / 4]
    assert network.stations.mean_number == pytest.approx(numbers, rel=1e-12)
    assert network.response.mean == pytest.approx(value, rel=1e-12)
    assert network.bottleneck == 0


def test_open_network_equals_its_chain():
    """Two stations with feedback, as one big chain of (n, m)."""
    top = 40
    arrival, one, two, back = 0.5, 0.6, 0.5, 0.3
    q = np.zeros((top, top, top, top))
    for n, m in np.ndindex(top, top):
        if n + 1 < top:
            q[n, m, n + 1, m] += arrival
        if n and m + 1 < top:
            q[n, m, n - 1, m + 1] += 1 / one
        if m:
            q[n, m, n, m - 1] += (1 - back) / two
            if n + 1 < top:
                q[n, m, n + 1, m - 1] += back / two
    p = markov.steady_state(q.reshape(top**2, top**2)).reshape(top, top)
    network = Network([arrival, 0], [one, two], [[0, 1], [back, 0]])
    number = (p * np.add.outer(np.arange(top), np.arange(top))).sum()
    assert network.mean_number == pytest.approx(number, rel=1e-6)
    assert network.mean_response == pytest.approx(number / arrival, rel=1e-6)


def test_stations_in_a_row_simulated():
    """Departures of M/M/1 are Poisson, and the sum of both responses is exact."""
    rng = np.random.default_rng(4)
    n = 200_000
    arrive = np.cumsum(rng.exponential(1.0, n))
    first, second = rng.exponential(0.6, n), rng.exponential(0.5, n)
    left = arrive + lindley(np.diff(arrive, prepend=0.0), first) + first
    gone = left + lindley(np.diff(left, prepend=0.0), second) + second
    line = Network([1, 0], [0.6, 0.5], [[0, 1], [0, 0]])
    for t in (1.0, 4.0, 9.0):
        mean, width = interval(gone - arrive > t)
        assert abs(mean - line.response_sf(t)) < width < 0.05
    assert line.response_sf(line.response_quantile(0.99)) == pytest.approx(
        0.01, rel=1e-10
    )


def test_open_network_with_many_servers_and_sweeps():
    single = Network([3.0], [1.0], [[0.0]], servers=[4])
    queue = MMc(3.0, 1.0, 4)
    assert single.mean_response == pytest.approx(queue.mean_response, rel=1e-13)
    assert single.response_quantile(0.99) == pytest.approx(
        queue.response_quantile(0.99), rel=1e-10
    )
    sweep = Network([[1.0, 0.0], [2.5, 0.0]], [0.5, 0.5], [[0, 1], [0, 0]])
    assert sweep.mean_response.tolist() == [pytest.approx(2.0), np.inf]
    over = Network([2.5, 0.0], [0.5, 0.1], [[0, 1], [0, 0]])
    assert over.response_quantile(0.5) == np.inf
    assert over.response_sf(3.0) == 1
    with pytest.raises(OverloadError, match="got 1\\.25"):
        _ = over.response
    unused = Network([1.0, 0.0], [0.5, 9.0], [[0, 0], [0, 0]])
    assert unused.mean_response == pytest.approx(1.0)
    assert unused.response.mean == pytest.approx(1.0)


def test_closed_network_reference():
    p, value, rtol = reference("pub-closed-01")
    network = ClosedNetwork(p["N"], p["demands"], p["Z"])
    assert network.throughput == pytest.approx(value, rel=rtol)
    assert network.mean_response == pytest.approx(0.7628829362148803, rel=rtol)


@given(
    st.integers(1, 40),
    st.lists(st.floats(0.01, 2), min_size=1, max_size=4),
    st.floats(0, 9),
)
def test_mean_values_equal_the_convolution(customers, demands, think):
    arrays = np.array(customers), np.array(demands), np.array(think)
    servers = np.ones(len(demands), int)
    rate, queue = _closed._mean_values(*arrays)
    other = _closed._convolved(*arrays, servers)
    assert other[0] == pytest.approx(rate, rel=1e-10)
    assert other[1] == pytest.approx(queue, rel=1e-9, abs=1e-12)


@given(st.integers(1, 30), st.integers(1, 8), rates, rates)
def test_closed_network_of_one_station_is_machine_repair(
    customers, servers, think, work
):
    network = ClosedNetwork(customers, [work], think, servers)
    shop = MachineRepair(customers, think, work, servers)
    assert network.throughput == pytest.approx(shop.throughput, rel=1e-10)
    assert network.queue[0] == pytest.approx(shop.mean_failed, rel=1e-9)
    assert network.utilisation[0] == pytest.approx(shop.utilisation, rel=1e-10)


def test_closed_network_bounds_and_sweep():
    network = ClosedNetwork([1, 5, 500], [0.1, 0.04, 0.07], 0.5)
    assert network.throughput[0] == pytest.approx(1 / 0.71, rel=1e-12)
    assert network.throughput[2] == pytest.approx(10.0, rel=1e-6)
    assert network.knee == pytest.approx(7.1)
    assert network.bottleneck == 0
    assert network.station_response.sum(-1) == pytest.approx(network.mean_response)
    with_think = network.queue.sum(-1) + network.throughput * 0.5
    assert with_think == pytest.approx([1, 5, 500], rel=1e-10)
    one = ClosedNetwork(5, [0.1, 0.04, 0.07], 0.5)
    assert network.throughput[1] == one.throughput


def test_machine_repair_reference():
    p, value, rtol = reference("pub-repairman-01")
    shop = MachineRepair(p["N"], 1 / p["lam"], 1 / p["mu"], p["c"])
    assert shop.mean_failed == pytest.approx(value, rel=rtol)


@given(st.integers(1, 12), st.integers(1, 14), rates, rates)
def test_machine_repair_equals_the_chain(units, crews, uptime, repair):
    q = np.zeros((units + 1, units + 1))
    for n in range(units):
        q[n, n + 1] = (units - n) / uptime
        q[n + 1, n] = min(n + 1, crews) / repair
    p = markov.steady_state(q)
    shop = MachineRepair(units, uptime, repair, crews)
    assert shop.failed_pmf == pytest.approx(p, rel=1e-12)
    assert shop.too_few(units) == pytest.approx(p[1:].sum(), rel=1e-12)


@given(st.integers(1, 8), st.integers(1, 9), rates, rates)
def test_machine_repair_tails_fit_the_means(units, crews, uptime, repair):
    shop = MachineRepair(units, uptime, repair, crews)
    t = np.linspace(0, 60 * units * repair, 6001)
    area = np.trapezoid(shop.repair_sf(t), t)
    assert area == pytest.approx(shop.mean_response, rel=1e-3 * units)
    late = shop.repair_quantile(0.99)
    assert shop.repair_sf(late) == pytest.approx(0.01, rel=1e-9)
    wait = shop.wait_quantile(0.99)
    assert wait == 0 or shop.wait_sf(wait) == pytest.approx(0.01, rel=1e-9)


def test_machine_repair_in_symbols():
    u, r = sympy.symbols("u r", positive=True)
    shop = MachineRepair(2, u, r)
    number = MachineRepair(2, 3.0, 2.0)
    for name in ("mean_failed", "utilisation", "mean_wait", "throughput"):
        value = float(getattr(shop, name).subs({u: 3, r: 2}))
        assert value == pytest.approx(getattr(number, name), rel=1e-12)


def test_breakdown_reference():
    p, value, rtol = reference("pub-breakdown-01")
    queue = BreakdownQueue(p["lam"], 1 / p["mu"], 1 / p["xi"], 1 / p["eta"])
    assert queue.mean_number == pytest.approx(value, rel=rtol)


@given(st.floats(0.05, 0.9), st.floats(0.5, 500), st.floats(0.05, 50))
def test_breakdown_response_has_the_published_mean(load, uptime, repair):
    arrival = load * uptime / (uptime + repair)
    queue = BreakdownQueue(arrival, 1.0, uptime, repair)
    assert queue.utilisation == pytest.approx(load, rel=1e-12)
    assert queue.response.mean == pytest.approx(queue.mean_response, rel=1e-8)


def test_breakdown_response_equals_the_absorbing_chain():
    """Follow one request through (requests left before its end, server state)."""
    arrival, uptime, repair, top = 0.4, 8.0, 2.0, 120
    q = np.zeros((2 * top, 2 * top))  # 2 n + (1 if down)
    for n in range(top):
        q[2 * n, 2 * n + 1], q[2 * n + 1, 2 * n] = 1 / uptime, 1 / repair
        if n + 1 < top:
            q[2 * n, 2 * n + 2] = q[2 * n + 1, 2 * n + 3] = arrival
            q[2 * n + 2, 2 * n] = 1.0
    found = markov.steady_state(q)
    walk = np.zeros((2 * top + 2, 2 * top + 2))
    for n in range(1, top + 1):
        walk[2 * n, 2 * n + 1], walk[2 * n + 1, 2 * n] = 1 / uptime, 1 / repair
        walk[2 * n, 2 * n - 2] = 1.0
    walk[0] = walk[1] = 0.0
    start = np.concatenate([[0.0, 0.0], found])  # n found: n + 1 to go
    times = np.array([0.5, 3.0, 20.0])
    alive = markov.transient(walk, start, times)[:, 2:].sum(axis=1)
    queue = BreakdownQueue(arrival, 1.0, uptime, repair)
    assert queue.response_sf(times) == pytest.approx(alive, rel=1e-8)


def test_breakdown_limits():
    never = BreakdownQueue(0.5, 1.0, 1e12, 1.0)
    assert never.mean_response == pytest.approx(2.0, rel=1e-9)
    assert never.response_quantile(0.99) == pytest.approx(np.log(100) / 0.5, rel=1e-6)
    wall = BreakdownQueue([0.3, 0.95], 1.0, 50.0, 10.0)
    assert wall.mean_response[1] == wall.response_quantile(0.5)[1] == np.inf
    assert wall.response_sf(3.0)[1] == 1.0
    with pytest.raises(OverloadError):
        _ = wall.response
    a, s, u, r = sympy.symbols("a s u r", positive=True)
    value = BreakdownQueue(a, s, u, r).mean_response.subs({a: 0.5, s: 1, u: 100, r: 10})
    assert float(value) == pytest.approx(BreakdownQueue(0.5, 1, 100, 10).mean_response)


def bursty():
    p, value, rtol = reference("pub-map-01")
    return MAPM1(p["D0"], p["D1"], 1 / p["mu"]), value, rtol


def test_bursts_reference():
    queue, value, rtol = bursty()
    assert queue.mean_number == pytest.approx(value, rel=rtol)
    assert queue.mean_response == pytest.approx(3.1904924417598606, rel=1e-12)
    same = MAPM1.bursts(quiet=0.1, busy=1.0, to_busy=25.0, to_quiet=50.0, service=0.8)
    assert same.mean_number == pytest.approx(value, rel=rtol)


def test_bursts_equal_the_truncated_chain():
    queue, _, _ = bursty()
    top, mu = 250, 1.25
    q = np.zeros((2 * top, 2 * top))
    for n in range(top):
        q[2 * n, 2 * n + 1], q[2 * n + 1, 2 * n] = 0.02, 0.04
        if n + 1 < top:
            q[2 * n, 2 * n + 2], q[2 * n + 1, 2 * n + 3] = 1.0, 0.1
            q[2 * n + 2, 2 * n] = q[2 * n + 3, 2 * n + 1] = mu
    p = markov.steady_state(q).reshape(top, 2)
    assert p.sum(axis=1) @ np.arange(top) == pytest.approx(queue.mean_number, rel=1e-9)
    seen = p @ np.array([1.0, 0.1])
    seen /= seen.sum()
    assert queue.wait_probability == pytest.approx(1 - seen[0], rel=1e-9)
    for t in (0.5, 4.0, 15.0):
        late = seen @ gammaincc(np.arange(1, top + 1), mu * t)
        assert queue.response_sf(t) == pytest.approx(late, rel=1e-8)
        late = seen[1:] @ gammaincc(np.arange(1, top), mu * t)
        assert queue.wait.sf(t) == pytest.approx(late, rel=1e-8)
    assert queue.wait.mean == pytest.approx(queue.mean_wait, rel=1e-10)
    assert queue.wait.sf(queue.wait_quantile(0.99)) == pytest.approx(0.01, rel=1e-10)


def test_even_bursts_are_the_plain_queue_and_overload():
    even = MAPM1.bursts(quiet=1.0, busy=1.0, to_busy=5.0, to_quiet=3.0, service=0.5)
    plain = MMc(1.0, 0.5)
    assert even.mean_response == pytest.approx(plain.mean_response, rel=1e-12)
    assert even.wait_quantile(0.99) == pytest.approx(
        plain.wait_quantile(0.99), rel=1e-10
    )
    wall = MAPM1.bursts(quiet=1.0, busy=4.0, to_busy=1.0, to_quiet=1.0, service=0.5)
    assert wall.utilisation == pytest.approx(1.25)
    assert wall.mean_number == wall.mean_wait == wall.response_quantile(0.5) == np.inf
    assert wall.wait_quantile(0.5) == np.inf
    assert wall.response_sf(2.0) == wall.wait_probability == 1
    with pytest.raises(OverloadError, match="got 1\\.25"):
        _ = wall.wait


def test_fluid_equals_small_steps():
    queue = Fluid([0, 10, 20, 50], [1, 5, 1, 0], [3, 0, 3, 1], initial=30.0)
    step, level, total = 1e-3, 30.0, 0.0
    for k in range(60_000):
        t = k * step
        piece = np.searchsorted(queue.times, t + 1e-9, side="right") - 1
        level = max(level + (queue.arrival[piece] - queue.capacity[piece]) * step, 0.0)
        total += level * step
        if k % 7000 == 0:
            assert queue.backlog(t + step) == pytest.approx(level, abs=1e-6)
    assert queue.waiting_time == pytest.approx(total, rel=1e-3)
    assert (queue.peak, queue.empty_at) == (60.0, 50.0)


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0, 1000))
def test_catch_up_equals_the_fluid(arrival, capacity, outage):
    time = catch_up_time(arrival, capacity, outage)
    queue = Fluid([0, outage + 1e-9], [arrival] * 2, [0, capacity])
    if capacity > arrival:
        assert queue.empty_at - outage == pytest.approx(time, rel=1e-6, abs=1e-5)
    elif outage > 0:
        assert time == queue.empty_at == np.inf


def test_fluid_delay_is_the_way_to_the_same_work():
    queue = Fluid([0, 10], [5, 5], [0, 10])
    assert queue.delay([0.0, 5.0, 10.0, 20.0, 30.0]).tolist() == [10, 7.5, 5, 0, 0]
    assert Fluid([0], [1], [0]).delay(3.0) == np.inf
    assert Fluid([0], [2], [1]).peak == Fluid([0], [2], [1]).waiting_time == np.inf
    assert Fluid([0], [1], [2]).empty_at == Fluid([0], [1], [2]).waiting_time == 0
    a, c, d = sympy.symbols("a c d", positive=True)
    assert sympy.simplify(catch_up_time(a, c, d) - a * d / (c - a)) == 0
    assert catch_up_time(0.0, 0.0, 5.0) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Network([1, 0], [1, 1], [[0, 1], [1, 0]]), "routing must lead out"),
        (lambda: Network([1, 0], [1, 1], [[0, 1], [0.7, 0.7]]), "row 1 exceeds it"),
        (
            lambda: Network([1], [1, 1], [[0, 1], [0, 0]]),
            "arrivals must have 2 stations",
        ),
        (lambda: Network([1], [1], [0.5]), "routing must be square"),
        (lambda: Network([1], [-1], [[0.5]]), "service must be > 0"),
        (lambda: Network([0.0], [1], [[0.5]]).visits, "arrivals must be > 0 at some"),
        (lambda: Network([[1.0]], [1], [[0.5]]).response, "without leading axes"),
        (lambda: ClosedNetwork(0, [1.0]), "customers must be a whole number >= 1"),
        (lambda: ClosedNetwork(2, 1.0), "demands must be a sequence"),
        (lambda: ClosedNetwork(2, [1.0, -1.0]), "demands must be > 0"),
        (lambda: MachineRepair(2, 1.0, 1.0, 0), "crews must be a whole number >= 1"),
        (
            lambda: MachineRepair(2, 1.0, 1.0).too_few(3),
            r"needed must be <= units \(2\)",
        ),
        (lambda: BreakdownQueue(1, 1, 0, 1), "uptime must be > 0"),
        (lambda: MAPM1([[0, 1]], [[1, 0]], 1.0), "d0 and d1 must be square and alike"),
        (lambda: MAPM1([[0, -1], [1, 0]], np.eye(2), 1.0), "d0 must be >= 0"),
        (lambda: Fluid([1], [1], [1]), "times must rise from 0"),
        (lambda: Fluid([0, 0], [1, 1], [1, 1]), "times must rise from 0"),
        (lambda: Fluid([0, 1], [1], [1, 2]), "must be rows of one length"),
        (lambda: catch_up_time(-1, 1, 1), "arrival must be >= 0"),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_notebook_tables():
    for queue in (
        jackson(),
        ClosedNetwork(3, [1.0, 2.0]),
        MachineRepair(3, 5.0, 1.0),
        BreakdownQueue(0.5, 1.0, 100.0, 10.0),
        bursty()[0],
        Fluid([0], [1], [2], initial=5.0),
    ):
        assert queue._repr_html_().startswith("<table>")


def test_every_reference_case_is_used():
    """Each published or peer-computed answer is in some test of this room."""
    text = "".join(
        p.read_text(encoding="utf-8")
        for p in Path(__file__).parent.glob("test_queueing_*.py")
    )
    names = [case.values[0]["id"] for case in cases("queueing")]
    assert [n for n in names if n not in text] == []
