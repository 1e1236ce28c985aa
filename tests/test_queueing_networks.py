"""Open networks: published answers, full chains, simulation."""

from pathlib import Path

import numpy as np
import pytest

from hamodel import markov
from hamodel.queueing import MMc, Network
from tests.support.queues import interval, lindley
from tests.support.reference import answer, cases


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
    assert np.argmax(network.utilisation) == 0


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
        assert abs(mean - line.response.sf(t)) < width < 0.05
    assert line.response.sf(line.response.quantile(0.99)) == pytest.approx(
        0.01, rel=1e-10
    )


def test_open_network_with_many_servers_and_sweeps():
    single = Network([3.0], [1.0], [[0.0]], servers=[4])
    queue = MMc(3.0, 1.0, 4)
    assert single.mean_response == pytest.approx(queue.mean_response, rel=1e-13)
    assert single.response.quantile(0.99) == pytest.approx(
        queue.response.quantile(0.99), rel=1e-10
    )
    sweep = Network([[1.0, 0.0], [2.5, 0.0]], [0.5, 0.5], [[0, 1], [0, 0]])
    assert sweep.mean_response.tolist() == [pytest.approx(2.0), np.inf]
    over = Network([2.5, 0.0], [0.5, 0.1], [[0, 1], [0, 0]])
    assert over.response.quantile(0.5) == np.inf
    assert over.response.sf(3.0) == 1
    unused = Network([1.0, 0.0], [0.5, 9.0], [[0, 0], [0, 0]])
    assert unused.mean_response == pytest.approx(1.0)
    assert unused.response.mean == pytest.approx(1.0)


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
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_notebook_tables():
    for queue in (jackson(),):
        assert queue._repr_html_().startswith("<table>")


def test_every_reference_case_is_used():
    """Each published or peer-computed answer is in some test of this room."""
    text = "".join(
        p.read_text(encoding="utf-8")
        for p in Path(__file__).parent.glob("test_queueing_*.py")
    )
    names = [case.values[0]["id"] for case in cases("queueing")]
    assert [n for n in names if n not in text] == []
