"""M/G/1, M/G/c, batches: moments, exact chains, mpmath, simulation."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration, markov
from hamodel.queueing import MG1, BatchQueue, MGc, MMc, _inorder
from tests.support.queues import exact_mean_wait, interval, lindley, many_servers
from tests.support.reference import answer

loads = st.floats(0.01, 0.99)


def reference(name):
    case = answer("queueing", name)
    return case["params"], case["value"], case["rtol"]


def two_speeds(squared):
    """Balanced hyperexponential of mean 1: probability and the two rates."""
    p = 0.5 * (1 + np.sqrt((squared - 1) / (squared + 1)))
    return p, 2 * p, 2 * (1 - p)


def test_pollaczek_khinchine_reference():
    p, value, rtol = reference("pub-mg1-01")
    service = duration.hyperexponential(p["p"], [1 / r for r in p["rates"]])
    assert MG1(p["lam"], service).mean_response == pytest.approx(value, rel=rtol)


def test_takacs_reference():
    p, value, rtol = reference("pub-mg1-02")
    queue = MG1(p["lam"], duration.erlang(p["stages"], p["mean"]))
    assert queue.wait.var == pytest.approx(value, rel=max(rtol, 1e-10))


def test_phase_type_reference():
    p, value, rtol = reference("pub-mph1-01")
    queue = MG1(p["lam"], duration.phase_type(p["alpha"], p["T"]))
    assert queue.response.quantile(0.99) == pytest.approx(value, rel=rtol)
    assert queue.mean_response == pytest.approx(1.203448275862069, rel=1e-12)


def erlang_1909(load, t):
    """P(wait > t) in M/D/1 with unit service by the alternating sum, 120 digits."""
    with mpmath.workdps(120):
        load, t = mpmath.mpf(load), mpmath.mpf(t)
        terms = (
            (-load * (t - j)) ** j / mpmath.factorial(j) * mpmath.exp(load * (t - j))
            for j in range(int(t) + 1)
        )
        return float(1 - (1 - load) * sum(terms))


def test_constant_service_reference():
    p, value, rtol = reference("pub-md1-01")
    queue = MG1(p["lam"], duration.constant(p["D"]))
    assert queue.wait.sf(p["t"]) == pytest.approx(value, rel=rtol)


@pytest.mark.parametrize("load", [0.05, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 3.5, 12.25, 99.0])
def test_constant_service_equals_erlang_in_120_digits(load, t):
    exact = erlang_1909(load, t)
    assert MG1(load, duration.constant(1.0)).wait.sf(t) == pytest.approx(
        exact, rel=1e-13
    )


def test_constant_service_far_out_goes_on_as_one_exponential():
    sf = MG1(0.995, duration.constant(1.0)).wait.sf
    decay = float(mpmath.findroot(lambda x: 0.995 * mpmath.expm1(x) - x, 0.01))
    assert np.log(sf(1003.0) / sf(1403.0)) / 400 == pytest.approx(decay, rel=1e-10)
    assert sf(1000.25) == pytest.approx(sf(999.75) * np.exp(-0.5 * decay), rel=1e-6)


LAWS = [
    duration.constant(1.0),
    duration.erlang(3, 1.0),
    duration.hyperexponential([0.9, 0.1], [0.5, 5.5]),
    duration.lognormal(mean=1.0, cv=1.5),
    duration.uniform(0.2, 1.8),
    duration.constant(0.5) + duration.exponential(0.5),
    duration.mixture(
        [0.7, 0.3], [duration.constant(0.4), duration.lognormal(mean=2.4, cv=1.0)]
    ),
]


@pytest.mark.parametrize("service", LAWS, ids=lambda d: d.law.name)
def test_simulation_agrees(service):
    rng = np.random.default_rng(11)
    n, load = 300_000, 0.6
    work = service.sample(n, rng)
    waits = lindley(rng.exponential(1 / load, n), work)
    queue = MG1(load, service)
    for t in (0.01, 0.4, 1.3, 6.0):
        mean, width = interval(waits > t)
        assert abs(mean - queue.wait.sf(t)) < width
        mean, width = interval(waits + work > t)
        assert abs(mean - queue.response.sf(t)) <= width + 1e-9
    mean, width = interval(waits)
    assert abs(mean - queue.mean_wait) < width < 0.6


@pytest.mark.parametrize("service", LAWS, ids=lambda d: d.law.name)
def test_the_laws_agree_with_the_moments(service):
    queue = MG1(0.6, service)
    for law, mean in (
        (queue.wait, queue.mean_wait),
        (queue.response, queue.mean_response),
    ):
        assert law.mean == pytest.approx(mean, rel=1e-12)
        t = np.linspace(0, 100, 201)
        assert np.trapezoid(law.sf(t), t) == pytest.approx(mean, rel=0.1)
        assert law.moment(2) - law.mean**2 == pytest.approx(law.var, rel=1e-10)
    takacs = 0.6 * service.moment(3) / (3 * (1 - 0.6)) + queue.mean_wait**2
    assert queue.wait.var == pytest.approx(takacs, rel=1e-10)
    draws = queue.response.sample(40_000, np.random.default_rng(3))
    assert draws.mean() == pytest.approx(queue.mean_response, rel=0.05)
    t = queue.response.quantile(0.9)
    assert np.mean(draws > t) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("served", [False, True])
def test_inversion_agrees_with_the_phase_type_form(served):
    service = duration.hyperexponential([0.9, 0.1], [0.5, 4.0])
    make = _inorder.response if served else _inorder.wait
    exact = make(0.8, service)
    inverted = duration.Duration(_inorder.InOrder(0.8, service.law, served))
    t = np.array([0.1, 1.0, 10.0, 40.0])
    assert inverted.sf(t) == pytest.approx(exact.sf(t), rel=1e-8)
    assert inverted.sf(80.0) == pytest.approx(exact.sf(80.0), rel=1e-6)
    assert inverted.mean_excess(t) == pytest.approx(exact.mean_excess(t), rel=1e-6)
    assert inverted.quantile(0.999) == pytest.approx(exact.quantile(0.999), rel=1e-6)
    assert inverted.lst(0.7) == pytest.approx(exact.lst(0.7), rel=1e-12)
    for order in (1, 2, 3):
        assert inverted.moment(order) == pytest.approx(exact.moment(order), rel=1e-10)


@given(loads, st.floats(0.01, 100))
def test_exponential_service_is_the_plain_queue(load, mean):
    general, plain = (
        MG1(load / mean, duration.exponential(mean)),
        MMc(load / mean, mean),
    )
    assert general.mean_wait == pytest.approx(plain.mean_wait, rel=1e-12)
    assert general.wait.sf(mean) == pytest.approx(plain.wait.sf(mean), rel=1e-10)
    assert general.response.quantile(0.99) == pytest.approx(
        plain.response.quantile(0.99), rel=1e-10
    )


def test_responses_are_durations_that_add():
    queue = MG1(0.5, duration.lognormal(mean=1.0, cv=0.8))
    whole = queue.response + duration.constant(2.0)
    assert whole.quantile(0.99) == pytest.approx(
        queue.response.quantile(0.99) + 2, rel=1e-9
    )
    both = queue.response + duration.uniform(0, 1)
    assert both.mean == pytest.approx(queue.mean_response + 0.5, rel=1e-12)


def test_overload_and_sweeps():
    queue = MG1([0.0, 0.5, 1.0, 2.0], duration.erlang(2, 1.0))
    assert queue.mean_wait.tolist() == [0.0, pytest.approx(0.75), np.inf, np.inf]
    assert queue.response.sf(3.0)[2:].tolist() == [1.0, 1.0]
    assert queue.wait.quantile(0.9)[2:].tolist() == [np.inf, np.inf]
    one = MG1(0.5, duration.erlang(2, 1.0))
    alone = one.response.quantile(0.9)
    assert queue.response.quantile(0.9)[1] == pytest.approx(alone, rel=1e-15)
    over = MG1(2.0, duration.erlang(2, 1.0)).response + duration.exponential(1.0)
    assert (over.mean, over.var, over.sf(1e9), over.lst(0.1)) == (np.inf, np.inf, 1, 0)
    a = sympy.Symbol("a", positive=True)
    symbolic = MG1(a, duration.constant(1.0)).mean_wait
    assert sympy.simplify(symbolic - a / (2 * (1 - a))) == 0


@pytest.mark.parametrize("servers", [1, 2, 4, 8])
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("squared", [0.5, 2.0, 4.0])
def test_phases_on_many_servers_equal_their_chain(servers, load, squared):
    if squared < 1:
        service, start, rates = duration.erlang(2, 1.0), 1.0, (2.0, 0.0, 2.0)
    else:
        p, fast, slow = two_speeds(squared)
        service = duration.hyperexponential([p, 1 - p], [1 / fast, 1 / slow])
        start, rates = p, (0.0, fast, slow)
    most = servers + int(30 * max(squared, 1) / (1 - load)) + 30
    exact = exact_mean_wait(load * servers, start, rates, servers, most)
    queue = MGc(load * servers, service, servers)
    assert queue.mean_wait == pytest.approx(exact, rel=1e-9)
    # what the interpolation would say: within the error that it states
    other = MGc(load * servers, 0.999999 * service + 1e-6, servers)
    assert other.mean_wait == pytest.approx(exact, rel=1e-4 if servers == 1 else 0.05)


@pytest.mark.parametrize(("servers", "load"), [(48, 0.9), (64, 0.5)])
def test_many_cores_equal_their_chain(servers, load):
    """Differences of numbers that are nearly alike once said that nobody waits."""
    share, fast, slow = 0.9, 1.0, 0.5
    mean = share / fast + (1 - share) / slow
    service = duration.hyperexponential([share, 1 - share], [1 / fast, 1 / slow])
    arrival = load * servers / mean
    most = servers + int(25 / (1 - load))
    exact = exact_mean_wait(arrival, share, (0.0, fast, slow), servers, most)
    found = MGc(arrival, service, servers).wait.mean
    assert found == pytest.approx(exact, rel=1e-4 if load > 0.8 else 1e-9)


@pytest.mark.parametrize("servers", [4, 16, 64])
def test_what_is_rare_among_requests_changes_little(servers):
    """One write in a million, or in 1e12, or so few requests that nobody waits."""
    for load in (1e-9, 0.5, 0.9):
        for share in (1e-6, 1e-12):
            service = duration.hyperexponential([1 - share, share], [0.001, 0.002])
            arrival = load * servers / service.mean
            found = MGc(arrival, service, servers).wait.mean
            plain = MMc(arrival, service.mean, servers).wait.mean
            assert found == pytest.approx(plain, rel=1e-5 + 2 * share, abs=1e-290)


MEANS, SHARE, SERVERS = (1.0, 10.0), (0.9, 0.1), 3  # reads and writes


def departures(n, reads):
    """Yield (requests left, reads in service, rate), of n requests."""
    for kind, busy in enumerate((reads, min(n, SERVERS) - reads)):
        left = reads - (kind == 0)
        if busy and n <= SERVERS:
            yield n - 1, left, busy / MEANS[kind]
        elif busy:  # the next in line begins
            yield n - 1, left + 1, busy / MEANS[kind] * SHARE[0]
            yield n - 1, left, busy / MEANS[kind] * SHARE[1]


def arrivals(n, reads, rate):
    if n >= SERVERS:
        yield n + 1, reads, rate
    else:
        yield n + 1, reads + 1, rate * SHARE[0]
        yield n + 1, reads, rate * SHARE[1]


def matrix(spot, moves):
    """Rates between states; what leaves them goes to one more, the last."""
    rates = np.zeros((len(spot) + 1,) * 2)
    for state, i in spot.items():
        for n, reads, rate in moves(*state):
            rates[i, spot.get((n, reads), len(spot))] += rate
    return rates


def test_the_wait_behind_two_kinds_of_requests_equals_the_absorbing_chain():
    load, most = 0.7, 240
    arrival = load * SERVERS / np.dot(MEANS, SHARE)
    states = [(n, r) for n in range(most) for r in range(min(n, SERVERS) + 1)]
    spot = {state: i for i, state in enumerate(states)}
    whole = matrix(spot, lambda n, r: [*arrivals(n, r, arrival), *departures(n, r)])
    found = markov.steady_state(whole[:-1, :-1])
    # whoever finds n >= 3 waits until n - 2 of them are gone
    line = {state: i for i, state in enumerate(s for s in states if s[0] >= SERVERS)}
    start = np.append([found[spot[state]] for state in line], 0.0)
    times = np.array([0.5, 5.0, 20.0, 60.0])
    over = markov.transient(matrix(line, departures), start / start.sum(), times)
    service = duration.hyperexponential(SHARE, MEANS)
    wait = MGc(arrival, service, SERVERS).wait
    assert wait.sf(0.0) == pytest.approx(start.sum(), rel=1e-9)
    left = over[:, :-1].sum(axis=1)
    assert wait.sf(times) == pytest.approx(start.sum() * left, rel=1e-7)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.75), (4, 0.75), (8, 0.9)])
def test_reads_and_writes_of_unequal_times_played(servers, load):
    """2,000 queues side by side: one in 20 and in 100 waits longer than we say."""
    rng, (steps, queues, start) = np.random.default_rng(7), (10_000, 2000, 2000)
    service = duration.hyperexponential([0.9, 0.1], [0.001, 0.010])
    arrival = load * servers / service.mean
    law = MGc(arrival, service, servers).wait
    limits = law.upper_quantile([0.05, 0.01])
    free, over = np.zeros((queues, servers)), np.zeros((2, queues))
    for step in range(steps):
        free = np.maximum(free - rng.exponential(1 / arrival, (queues, 1)), 0)
        first = free.argmin(axis=1)[:, None]
        wait = np.take_along_axis(free, first, 1)[:, 0]
        over += (step >= start) * (wait > limits[:, None])
        work = service.sample(queues, rng)
        np.put_along_axis(free, first, (wait + work)[:, None], 1)
    shares = over / (steps - start)
    for share, late in zip(shares, (0.05, 0.01), strict=True):
        error = 4 * share.std() / queues**0.5
        assert abs(share.mean() - late) < error < 0.04 * late / (1 - load)
    plain = MMc(arrival, service.mean, servers).wait.quantile(0.99)
    assert law.quantile(0.99) > 1.8 * plain


@pytest.mark.parametrize(
    ("service", "servers", "load", "bound"),
    [
        (duration.constant(1.0), 2, 0.5, 0.2),
        (duration.uniform(0, 2), 4, 0.8, 0.2),
        (duration.lognormal(mean=1, cv=1.0), 8, 0.5, 0.2),
        (duration.lognormal(mean=1, cv=1.5), 8, 0.5, 0.3),
        (duration.lognormal(mean=1, cv=2.0), 2, 0.5, 0.3),
    ],
)
def test_many_servers_percentile_within_the_stated_error(service, servers, load, bound):
    rng, n = np.random.default_rng(1), 120_000
    gaps = rng.exponential(1 / (load * servers), n)
    waits = many_servers(gaps, service.sample(n, rng), servers)
    found = MGc(load * servers, service, servers).wait.quantile(0.99)
    assert found == pytest.approx(np.quantile(waits[5000:], 0.99), rel=bound)


def test_many_servers_limits():
    plain = MMc(3.0, 1.0, 4).mean_wait
    assert MGc(3.0, duration.exponential(1.0), 4).mean_wait == pytest.approx(plain)
    two = duration.hyperexponential([0.3, 0.7], [1.0, 1.0 + 1e-13])
    assert MGc(3.0, two, 4).mean_wait == pytest.approx(plain, rel=1e-9)
    queue = MGc([0.0, 3.0, 5.0], duration.constant(1.0), 4)
    assert queue.mean_wait[[0, 2]].tolist() == [0.0, np.inf]
    assert queue.wait.quantile(0.9)[2] == np.inf
    one = MGc(3.0, duration.constant(1.0), 4)
    assert one.response.mean == pytest.approx(one.mean_response, rel=1e-12)
    assert one.response.sf(1.5) == pytest.approx(one.wait.sf(0.5), rel=1e-12)
    assert MGc(5.0, duration.constant(1.0), 4).wait.mean == np.inf


def test_geometric_batches_have_an_exponential_response():
    q, arrival = 0.3, 0.1
    sizes = (1 - q) ** np.arange(120) * q
    queue = BatchQueue(arrival, 1.0, sizes / sizes.sum())
    t = np.array([0.1, 1.0, 5.0, 30.0])
    assert queue.response.sf(t) == pytest.approx(np.exp(-(q - arrival) * t), rel=1e-9)
    assert queue.mean_response == pytest.approx(1 / (q - arrival), rel=1e-12)


def test_batches_simulated():
    rng = np.random.default_rng(2)
    sizes = np.array([0.5, 0.0, 0.3, 0.2])
    n = 150_000
    size = rng.choice(4, n, p=sizes) + 1
    gaps = np.zeros(size.sum())
    gaps[np.cumsum(size) - size] = rng.exponential(1 / 0.3, n)
    work = rng.exponential(1.0, len(gaps))
    waits = lindley(gaps, work)
    queue = BatchQueue(0.3, 1.0, sizes)
    for value, samples in [
        (queue.mean_wait, waits),
        (queue.response.sf(5.0), waits + work > 5.0),
        (queue.mean_response, waits + work),
    ]:
        mean, width = interval(samples)
        assert abs(mean - value) < width < 0.3


@given(loads)
def test_batches_of_one_are_the_plain_queue(load):
    single = BatchQueue(load, 1.0, [1.0])
    assert single.mean_response == pytest.approx(
        MMc(load, 1.0).mean_response, rel=1e-12
    )
    assert single.response.mean == pytest.approx(single.mean_response, rel=1e-10)
    assert single.response.quantile(0.9) == pytest.approx(
        MMc(load, 1.0).response.quantile(0.9), rel=1e-10
    )


def test_batches_overload():
    queue = BatchQueue([0.1, 0.6], 1.0, [0.0, 1.0])
    assert queue.mean_response.tolist() == [pytest.approx(1.875), np.inf]
    assert queue.response.quantile(0.9)[1] == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MG1(-1, duration.constant(1.0)), "arrival must be >= 0"),
        (lambda: MG1(1, 2.0), "service must be a Duration, got 2.0"),
        (lambda: MG1(1, duration.constant(0.0)), "service must be > 0"),
        (lambda: MGc(1, duration.constant(1.0), 0), "servers must be > 0"),
        (lambda: MGc(1, 1.0, 2), "service must be a Duration"),
        (
            lambda: BatchQueue(1, 0.1, [0.5, 0.4]),
            "sizes must be a row that adds up to 1",
        ),
        (lambda: BatchQueue(1, 0.1, [1.5, -0.5]), r"sizes must be in \[0, 1\]"),
        (lambda: MG1(0.5, duration.constant(1.0)).wait.quantile(2), "p must be in"),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_notebook_tables():
    for queue in (
        MG1(0.5, duration.constant(1.0)),
        MGc(3, duration.constant(1.0), 4),
        BatchQueue(0.3, 1.0, [0.5, 0.5]),
    ):
        assert "mean response" in queue._repr_html_()


@pytest.mark.parametrize("load", [0.001, 0.05, 0.3, 0.9])
def test_far_tails_of_constant_service_fall_to_nothing_in_silence(load):
    """Two far points lie on one exponential until floats end; then comes 0."""
    queue = MG1(load, duration.constant(1.0))
    times = np.array([3.0, 30.0, 100.0, 300.0, 2000.0])
    tail = np.array([queue.response.sf(t) for t in times])
    assert np.all(np.diff(tail) <= 0)
    assert np.all(tail >= 0)
    steps = np.array([queue.response.sf(t) for t in (20.0, 21.0, 22.0)])
    if steps[2] > 1e-280:
        assert steps[2] / steps[1] == pytest.approx(steps[1] / steps[0], rel=1e-3)
