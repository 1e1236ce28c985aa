"""Independent chains together, and their states that are alike taken as one.

Sites that are alike make states that are alike: what matters is how many are down, not
which.  Partition refinement finds the coarsest such blocks by itself.

Source: Buchholz (1994), Exact and ordinary lumpability in finite Markov chains, Journal
of Applied Probability 31(1), 59-75.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from hamodel._types import FloatArray, Sparse
from hamodel.assessment._visits import Process

_FEW = 128  # states whose rates are kept as they are


def product_chain(processes: Sequence[Process]) -> tuple[Sparse, FloatArray]:
    """Return the rates of independent chains together and their law.

    Rates of many states are sparse; of few they are not, for SciPy loads slowly.
    """
    if math.prod(len(p.views) for p in processes) <= _FEW:
        return dense(processes)
    from scipy.sparse import csr_array, eye_array, kron

    rates: Sparse = csr_array((1, 1))
    law: FloatArray = np.ones(1)
    for p in processes:
        n, m = rates.shape[0], len(p.views)
        rates = csr_array(
            kron(rates, eye_array(m)) + kron(eye_array(n), csr_array(p.moves.pace))
        )
        law = np.asarray(np.kron(law, p.law))
    return rates, law


def dense(processes: Sequence[Process]) -> tuple[FloatArray, FloatArray]:
    rates, law = np.zeros((1, 1)), np.ones(1)
    for p in processes:
        here, there = np.eye(len(p.views)), np.eye(len(rates))
        rates = np.asarray(np.kron(rates, here) + np.kron(there, p.moves.pace))
        law = np.asarray(np.kron(law, p.law))
    return rates, law


def lumped(rates: Sparse, fails: FloatArray, most: int) -> NDArray[np.intp] | None:
    """Return the coarsest blocks of states that are alike, or None if they are many."""
    blocks = np.unique(rounded(fails), return_inverse=True)[1].ravel()
    while True:
        count = int(blocks.max()) + 1
        if count > most:
            return None
        into = np.asarray(rates @ members(blocks))
        into[np.arange(len(blocks)), blocks] = 0.0
        signs = np.column_stack([blocks, rounded(into)])
        finer = np.unique(signs, axis=0, return_inverse=True)[1].ravel()
        if finer.max() == blocks.max():
            return finer
        blocks = finer


def rounded(x: FloatArray) -> FloatArray:
    """Return numbers with some ten digits each."""
    mantissa, exponent = np.frexp(x)
    rounded: FloatArray = np.ldexp(np.round(mantissa, 10), exponent)
    return rounded


def members(blocks: Sparse) -> FloatArray:
    """Return 1 where a state belongs to a block, (states, blocks)."""
    found: FloatArray = np.eye(int(blocks.max()) + 1)[blocks]
    return found


def numbered(views: Sequence[Hashable], process: Process) -> list[int]:
    """Return the number of the view of each state."""
    index = {view: k for k, view in enumerate(views)}
    return [index[view] for view in process.views]
