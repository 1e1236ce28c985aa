"""Chains: against loops of LU, batched LU, and other packages."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.harness import cost, fastest, row, speedup
from hamodel import Chain, markov


def pools(counts: tuple[int, ...], common: bool) -> tuple[tuple, ...]:
    """Return the graph of independent pools: edges (state, next, rate number)."""
    states = list(np.ndindex(*(c + 1 for c in counts)))
    edges = []
    for s in states:
        for k, count in enumerate(counts):
            if s[k] < count:
                edges.append((s, (*s[:k], s[k] + 1, *s[k + 1 :])))
            if s[k] > 0:
                edges.append((s, (*s[:k], s[k] - 1, *s[k + 1 :])))
    if common:
        edges.append((states[0], states[-1]))
    return tuple(edges)


@cache
def scenarios(counts: tuple[int, ...], size: int, common: bool = False):
    """Return random highly available rates: the chain's mapping and its matrices."""
    rng = np.random.default_rng(20261123)
    edges = pools(counts, common)
    states = sorted({s for e in edges for s in e})
    number = {s: k for k, s in enumerate(states)}
    rates, matrix = {}, np.zeros((size, len(states), len(states)))
    for a, b in edges:
        fails = sum(b) > sum(a)
        low, high = (-3, -1) if fails else (-0.3, 1.7)
        rates[a, b] = 10 ** rng.uniform(low, high, size)
        matrix[:, number[a], number[b]] = rates[a, b]
    return rates, matrix


def generator(rates: np.ndarray) -> np.ndarray:
    """Return the transposed generator with its last equation replaced by ones."""
    a = np.swapaxes(rates, -1, -2).copy()
    n = a.shape[-1]
    diagonal = np.arange(n)
    a[..., diagonal, diagonal] = -rates.sum(axis=-1)
    a[..., -1, :] = 1
    return a


def loop_of_solves(matrix: np.ndarray) -> None:
    """Solve one scenario after another."""
    right = np.zeros(matrix.shape[-1])
    right[-1] = 1
    for rates in matrix:
        np.linalg.solve(generator(rates), right)


def batched_solve(matrix: np.ndarray) -> np.ndarray:
    """Solve all scenarios in one call of LAPACK's wrapper."""
    right = np.zeros((matrix.shape[-1], 1))
    right[-1] = 1
    return np.linalg.solve(generator(matrix), right)


def sweep(counts: tuple[int, ...], size: int, common: bool = False):
    """Return our answer to the whole sweep, from the rates to the probabilities."""
    rates, _ = scenarios(counts, size, common)
    first = (0,) * len(counts)

    def ours() -> object:
        return Chain(rates, {first}, start=first).steady_state()

    return ours


def against_loop(counts: tuple[int, ...], size: int, common: bool = False) -> float:
    """Return the speedup over a Python loop, of which a twentieth is timed."""
    _, matrix = scenarios(counts, size, common)
    part = matrix[: size // 20]
    return speedup(
        lambda: loop_of_solves(part), sweep(counts, size, common), per=20, rounds=5
    )


@row("sweep, 3 states, against a loop over numpy.linalg.solve", at_least=300)
def loop_3() -> float:
    return against_loop((2,), 40_000)


@row("sweep, 8 states, against a loop over numpy.linalg.solve", at_least=30)
def loop_8() -> float:
    return against_loop((1, 1, 1), 40_000, common=True)


@row("sweep, 20 states, against a loop over numpy.linalg.solve", at_least=25)
def loop_20() -> float:
    return against_loop((9, 1), 20_000)


@row("sweep, 50 states, against a loop over numpy.linalg.solve", at_least=4)
def loop_50() -> float:
    return against_loop((9, 4), 4_000)


@row("sweep, 8 states, against batched numpy.linalg.solve", at_least=3)
def batched_8() -> float:
    _, matrix = scenarios((1, 1, 1), 40_000, common=True)
    return speedup(
        lambda: batched_solve(matrix), sweep((1, 1, 1), 40_000, common=True), rounds=5
    )


@row("sweep, 20 states, against batched numpy.linalg.solve", at_least=8)
def batched_20() -> float:
    _, matrix = scenarios((9, 1), 20_000)
    return speedup(lambda: batched_solve(matrix), sweep((9, 1), 20_000), rounds=5)


def gradient_cost(counts: tuple[int, ...], size: int, common: bool) -> float:
    """Return the cost of all derivatives in units of the probabilities."""
    rates, _ = scenarios(counts, size, common)
    first = (0,) * len(counts)
    return cost(
        lambda: Chain(rates, {first}, start=first).sensitivity(),
        lambda: Chain(rates, {first}, start=first).steady_state(),
        rounds=5,
    )


@row("gradient of all 25 rates, 8 states, in units of the solution", at_most=6)
def gradient_8() -> float:
    return gradient_cost((1, 1, 1), 40_000, common=True)


@row("gradient of all 56 rates, 20 states, in units of the solution", at_most=6)
def gradient_20() -> float:
    return gradient_cost((9, 1), 20_000, common=False)


@row("1e5 posterior draws, 8 states, against batched LU", at_least=8)
def draws() -> float:
    rates, matrix = scenarios((1, 1, 1), 100_000, common=True)
    first = (0, 0, 0)
    return speedup(
        lambda: batched_solve(matrix),
        lambda: Chain(rates, {first}, start=first).unavailability,
        rounds=5,
    )


@row("1000 states, one dense matrix, in units of LAPACK's LU", at_most=4)
def dense_1000() -> float:
    rates = np.random.default_rng(1).random((1000, 1000))
    right = np.zeros(1000)
    right[-1] = 1
    return cost(
        lambda: markov.steady_state(rates),
        lambda: np.linalg.solve(generator(rates), right),
        rounds=5,
    )


@row("one scenario, 8 states, against one numpy.linalg.solve")
def one_scenario() -> float:
    rates, matrix = scenarios((1, 1, 1), 40_000, common=True)
    one = {pair: float(values[0]) for pair, values in rates.items()}
    first = (0, 0, 0)
    return speedup(
        lambda: loop_of_solves(matrix[:1]),
        lambda: Chain(one, {first}, start=first).unavailability,
    )


@row("256 scenarios after a year, 8 states, against a loop over scipy.linalg.expm")
def after_a_year() -> float:
    from scipy.linalg import expm

    _, matrix = scenarios((1, 1, 1), 40_000, common=True)
    part = matrix[:256]
    start = np.eye(8)[0]

    def theirs() -> None:
        for rates in part:
            expm((rates - np.diag(rates.sum(axis=1))) * 8760.0)[0]

    return speedup(theirs, lambda: markov.transient(part, start, [8760.0]))


@row("distribution of a year's downtime at rates of 1/s, ms of CPU", at_most=50)
def downtime_of_a_year() -> float:
    rates = np.zeros((4, 4))
    rates[0, 1], rates[0, 2], rates[1, 2] = 1e-6, 1e-6, 1.0
    rates[2, 0], rates[2, 3], rates[3, 2] = 1e-2, 1e-6, 1e-2
    year = 365 * 86400.0
    (seconds,) = fastest(
        lambda: markov.downtime_cdf(rates, np.eye(4)[0], [1, 3], year, [3153.6])
    )
    return 1000 * seconds


@cache
def cluster(size: int):
    """Return the workstation cluster's rates, and where its quality is not premium.

    Haverkort, Hermanns and Katoen (SRDS 2000); a state is (left, right, left switch,
    right switch, backbone, repair unit).
    """
    from scipy.sparse import csr_array

    full = size, size, 1, 1, 1
    fail = 1 / 500, 1 / 500, 1 / 4000, 1 / 4000, 1 / 5000
    repair = 2.0, 2.0, 0.25, 0.25, 0.125

    def moves(state):
        *up, unit = state
        for k in range(5):
            if up[k]:
                yield (*up[:k], up[k] - 1, *up[k + 1 :], unit), fail[k] * up[k]
            if unit == 0 and up[k] < full[k]:
                yield (*up, k + 1), 10.0
        if unit:
            k = unit - 1
            yield (*up[:k], up[k] + 1, *up[k + 1 :], 0), repair[k]

    chain = Chain.explore((*full, 0), moves, up=lambda s: premium(s, size))
    number = {s: k for k, s in enumerate(chain.states)}
    pairs = [(number[a], number[b]) for a, b in chain.rates]
    rates = csr_array((list(chain.rates.values()), tuple(zip(*pairs, strict=True))))
    down = chain.down
    return rates, np.array([s in down for s in chain.states])


def premium(state, size: int) -> bool:
    """Tell whether enough workstations are connected."""
    left, right, left_switch, right_switch, backbone, _ = state
    together = left_switch and right_switch and backbone
    return bool(
        (left == size and left_switch)
        or (right == size and right_switch)
        or (left + right >= size and together)
    )


@row("cluster of 10 132 states, folded exactly, s of CPU", at_most=3)
def cluster_16() -> float:
    rates, _ = cluster(16)
    return fastest(lambda: markov.steady_state(rates), rounds=2)[0]


STORM = """
ctmc
const int N = {size};
module cluster
  l : [0..N] init N; r : [0..N] init N;
  ls : [0..1] init 1; rs : [0..1] init 1; bb : [0..1] init 1;
  u : [0..5] init 0;
  [] l>0 -> l/500 : (l'=l-1);
  [] r>0 -> r/500 : (r'=r-1);
  [] ls=1 -> 1/4000 : (ls'=0);
  [] rs=1 -> 1/4000 : (rs'=0);
  [] bb=1 -> 1/5000 : (bb'=0);
  [] u=0 & l<N -> 10 : (u'=1);
  [] u=0 & r<N -> 10 : (u'=2);
  [] u=0 & ls=0 -> 10 : (u'=3);
  [] u=0 & rs=0 -> 10 : (u'=4);
  [] u=0 & bb=0 -> 10 : (u'=5);
  [] u=1 -> 2 : (l'=l+1)&(u'=0);
  [] u=2 -> 2 : (r'=r+1)&(u'=0);
  [] u=3 -> 0.25 : (ls'=1)&(u'=0);
  [] u=4 -> 0.25 : (rs'=1)&(u'=0);
  [] u=5 -> 0.125 : (bb'=1)&(u'=0);
endmodule
label "bad" = !((l=N & ls=1) | (r=N & rs=1) | (l+r>=N & ls=1 & rs=1 & bb=1));
"""


@cache
def storm(size: int):
    """Return a function that asks Storm, as it is set, for the long-run bad share."""
    import stormpy

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cluster.prism"
        path.write_text(STORM.format(size=size), encoding="utf-8")
        program = stormpy.parse_prism_program(str(path), prism_compatibility=True)
    (formula,) = stormpy.parse_properties('LRA=? ["bad"]', program)
    model = stormpy.build_model(program, [formula])
    first = model.initial_states[0]
    return lambda: stormpy.model_checking(model, formula).get_value(first)


@row(
    "cluster of 151 060 states, in units of Storm's default", at_most=2, peer="stormpy"
)
def cluster_64() -> float:
    rates, _ = cluster(64)
    return cost(lambda: markov.steady_state(rates), storm(64), rounds=2)


@row("cluster of 10 132 states, in units of Storm", peer="stormpy")
def cluster_16_storm() -> float:
    rates, _ = cluster(16)
    return cost(lambda: markov.steady_state(rates), storm(16), rounds=2)


@row("cluster of 10 132 states, Storm's relative difference from us", peer="stormpy")
def cluster_16_difference() -> float:
    rates, bad = cluster(16)
    return abs(storm(16)() / markov.steady_state(rates)[bad].sum() - 1)


@row("sweep, 8 states, against a loop over quantecon's gth_solve", peer="quantecon")
def loop_of_gth() -> float:
    from quantecon.markov.gth_solve import gth_solve

    _, matrix = scenarios((1, 1, 1), 40_000, common=True)
    part = matrix[:2000] + np.eye(8)
    gth_solve(part[0])
    return speedup(
        lambda: [gth_solve(rates) for rates in part],
        sweep((1, 1, 1), 40_000, common=True),
        per=20,
        rounds=5,
    )
