"""Chains: against loops of LU, batched LU, and other packages."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.harness import cost, row, speedup
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
