"""Queues: against recursions, root finders, simulation."""

from __future__ import annotations

import math

import mpmath
import numpy as np
from scipy.optimize import brentq
from scipy.special import exprel

from benchmarks.harness import row, speedup
from hamodel import duration
from hamodel.queueing import MG1, MMc, erlang_b, erlang_c


def recursion(servers: int, offered: float) -> float:
    """Return Erlang C by the loop of the textbooks."""
    b = 1.0
    for k in range(1, servers + 1):
        b = offered * b / (k + offered * b)
    return servers * b / (servers - offered * (1 - b))


def loads(most: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random numbers of servers up to `most`, and offered loads below them."""
    rng = np.random.default_rng(20261123)
    servers = rng.integers(1, most + 1, size)
    return servers, servers * rng.uniform(0.3, 0.99, size)


@row("Erlang C, up to 10 000 servers, against the recursion in Python", at_least=1000)
def erlang_speed() -> float:
    servers, offered = loads(10_000, 20_000)
    part = list(zip(servers[:50].tolist(), offered[:50].tolist(), strict=True))
    return speedup(
        lambda: [recursion(c, a) for c, a in part],
        lambda: erlang_c(servers, offered),
        per=len(servers) / len(part),
    )


@row("Erlang C, error up to 100 000 servers, against 50 digits", at_most=1e-13)
def erlang_error() -> float:
    worst = 0.0
    with mpmath.workdps(50):
        for servers, load in ((2, 0.9), (100, 0.8), (1000, 0.95), (10**5, 0.999)):
            a, b = mpmath.mpf(servers * load), mpmath.mpf(1)
            for k in range(1, servers + 1):
                b = a * b / (k + a * b)
            exact = servers * b / (servers - a * (1 - b))
            found = erlang_c(servers, float(a))
            worst = max(worst, abs(float(found / exact - 1)))
    return worst


@row("Erlang B, against the recursion on arrays, up to 1000 servers")
def erlang_arrays() -> float:
    servers, offered = loads(1000, 20_000)

    def by_arrays() -> np.ndarray:
        b = np.ones(len(servers))
        for k in range(1, 1001):
            b = np.where(k <= servers, offered * b / (k + offered * b), b)
        return b

    return speedup(by_arrays, lambda: erlang_b(servers, offered), rounds=3)


def quantiles() -> tuple[list[tuple[float, ...]], object, float]:
    """Return 50 scenarios (Erlang C given), our answer to 20 000, and their ratio."""
    servers, offered = loads(100, 20_000)
    waits = erlang_c(servers, offered)
    part = list(
        zip(waits[:50].tolist(), (servers - offered)[:50].tolist(), strict=True)
    )
    ours = MMc(offered, 1.0, servers).response
    per = len(servers) / len(part)
    return part, lambda: ours.quantile(0.99), per


@row("M/M/c response quantiles, against brentq on the same tail", at_least=200)
def response_speed() -> float:
    part, ours, per = quantiles()

    def tail(t: float, waits: float, spare: float) -> float:
        slow = np.minimum(1.0, spare)
        late = np.exp(-slow * t) * (1 + slow * t * exprel(-np.abs(spare - 1) * t))
        return (1 - waits) * np.exp(-t) + waits * late - 0.01

    return speedup(
        lambda: [brentq(tail, 0.0, 1e4, args=q, xtol=1e-13) for q in part],
        ours,
        per=per,
    )


@row("the same, on the textbook's tail (not at equal rates) in math.exp")
def response_speed_textbook() -> float:
    part, ours, per = quantiles()

    def tail(t: float, waits: float, spare: float) -> float:
        late = (spare * math.exp(-t) - math.exp(-spare * t)) / (spare - 1)
        return (1 - waits) * math.exp(-t) + waits * late - 0.01

    return speedup(
        lambda: [brentq(tail, 0.0, 1e4, args=q, xtol=1e-13) for q in part],
        ours,
        per=per,
    )


@row("M/M/c response quantiles, residual, equal rates included", at_most=1e-12)
def response_residual() -> float:
    servers, offered = loads(100, 20_000)
    offered[:1000] = np.maximum(servers[:1000] - 1.0, 0.5)  # c - a = 1
    queue = MMc(offered, 1.0, servers)
    worst = 0.0
    for p in (0.5, 0.99, 1 - 1e-9):
        tail = queue.response.sf(queue.response.quantile(p))
        worst = max(worst, float(np.max(np.abs(tail / (1 - p) - 1))))
    return worst


@row("M/G/1 p99 with lognormal service, against simulating to 1 %")
def in_order_speed() -> float:
    service = duration.lognormal(mean=1.0, cv=1.5)
    rng = np.random.default_rng(20261123)
    size = 1_000_000

    def by_simulation() -> float:
        steps = service.sample(size, rng) - rng.exponential(1 / 0.8, size)
        path = np.concatenate([[0.0], np.cumsum(steps)])
        return float(np.quantile(path - np.minimum.accumulate(path), 0.99))

    return speedup(
        by_simulation, lambda: MG1(0.8, service).response.quantile(0.99), rounds=3
    )


def ciw_p99(until: float = 4000.0) -> float:
    """Simulate M/M/4 at 80 % load with Ciw and return the p99 of the response."""
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=3.2)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[4],
    )
    ciw.seed(20261123)
    run = ciw.Simulation(network)
    run.simulate_until_max_time(until)
    records = run.get_all_records(only=["service"])
    late = [r for r in records if r.arrival_date > until / 20]
    return float(np.quantile([r.waiting_time + r.service_time for r in late], 0.99))


@row("M/M/4 p99 of the response, against a Ciw run of 12 800 requests", peer="ciw")
def ciw_speed() -> float:
    queue = MMc(3.2, 1.0, 4)
    return speedup(ciw_p99, lambda: queue.response.quantile(0.99), rounds=2)


@row("the same: that Ciw run's relative difference from us", peer="ciw")
def ciw_difference() -> float:
    return abs(ciw_p99() / float(MMc(3.2, 1.0, 4).response.quantile(0.99)) - 1)
