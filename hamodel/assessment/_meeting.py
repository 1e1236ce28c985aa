"""The probability that one month, or one year, stays within its downtime budget.

Over a period each part of an architecture is a Markov reward process: while it is in a
state, a share r of the requests fails.  The transform of the downtime D of one part,

    E exp(-s D) = p exp((Q - s diag(r)) T) 1,

is a matrix exponential, those of independent parts multiply, and the product is turned
into P(D <= x) by the Euler algorithm.  What parts do together (both sites lost) joins
as one more part, with the right mean, and outages as long as two independent states
last together.

Source: Abate and Whitt (2006), A unified framework for numerically inverting Laplace
transforms, INFORMS Journal on Computing 18(4), section 5.
"""

from __future__ import annotations

from itertools import combinations
from math import comb, log, pi
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamodel.architectures._model import Group, Part
from hamodel.assessment._operations import Found, failing
from hamodel.chain import INSTANT

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.architectures._model import Model
    from hamodel.assessment._paths import Paths
    from hamodel.chain import Chain

_TERMS = 12  # of the Euler algorithm: about 7 digits
_AT_ONCE = 1e-50 * INSTANT  # rates from here on take no time


class Reward(NamedTuple):
    """A part on its own: its moves, its long-run law, what fails in each state."""

    rates: FloatArray  # (n, n), rows sum to 0
    law: FloatArray  # (n,)
    fails: FloatArray  # (n,) share of the requests
    hurt: FloatArray  # (n,) 1 where clients notice anything, alone or not

    @property
    def mean(self) -> float:
        """Long-run share of the requests that fail."""
        return float(self.law @ self.fails)

    @property
    def share(self) -> float:
        """Long-run share of time in which clients notice something."""
        return float(self.law @ self.hurt)

    @property
    def frequency(self) -> float:
        """How often that begins, in 1/s."""
        well = 1 - self.hurt
        return float((self.law * well) @ self.rates @ self.hurt)


def meeting(
    paths: Paths,
    model: Model,
    operation: str,
    target: float,
    horizon: float,
    whole: Quantity,
) -> float:
    """Return P(share of failed requests <= 1 - target) over a period from anywhere."""
    if np.ndim(whole) or hasattr(whole, "free_symbols"):
        raise ValueError(
            "probability_of_meeting needs single numbers, got arrays or symbols; "
            "ha.sweep takes arrays point by point"
        )
    alone = [_reward(paths, model, leaf, operation) for leaf in model.leaves()]
    rewards = [r for r in alone if r.mean > 0]
    rewards += _together(alone, float(whole) - sum(r.mean for r in rewards))
    budget = 1 - target
    if budget <= 0:
        return float(np.prod([_never(r, horizon) for r in rewards]))
    if budget >= 1 or not rewards:
        return 1.0
    return _inverted(rewards, budget, horizon)


def known(
    model: Model,
    client: str,
    leaf: Part | None = None,
    state: Any = None,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Return what a client knows when all is well but, perhaps, one part."""
    seen = model.nothing
    for part in model.parts:
        seen = model.absorb(seen, client, part.name, _view(part, leaf, state))
    return seen


def _view(part: Any, leaf: Part | None, state: Any) -> Any:  # noqa: ANN401
    if isinstance(part, Group):
        return part.combine(*(_view(p, leaf, state) for p in part.parts))
    return part.view(state if part is leaf else part.start)


def _reward(paths: Paths, model: Model, leaf: Part, operation: str) -> Reward:
    chain = leaf.chain()
    states, rates = _lasting(chain)
    law = chain.steady_state()
    well = leaf.view(leaf.start)
    shares = paths.behaviour.workload.shares(model.sites)
    fails = np.zeros(len(states))
    for i, state in enumerate(states):
        for client, share in shares.items():
            seen = known(model, client, leaf, state)
            verdict = model.verdict(seen, client, operation)
            case = Found(client, seen, share, verdict)
            fails[i] += sum(part for _, part in failing(paths, case, operation))
    hurt = np.array([float(leaf.view(state) != well) for state in states])
    return Reward(rates, np.array([float(law[s]) for s in states]), fails, hurt)


def _lasting(chain: Chain) -> tuple[list[Any], FloatArray]:
    """Return the states that last and their generator; others are passed through."""
    states = list(chain.states)
    index = {state: i for i, state in enumerate(states)}
    rates = np.zeros((len(states), len(states)))
    for (state, after), rate in chain.rates.items():
        rates[index[state], index[after]] += min(float(rate), INSTANT)
    for k in reversed(range(len(states))):
        leaving = np.where(rates[k] > _AT_ONCE, rates[k], 0.0)
        if leaving.any():
            share = leaving / leaving.sum()
            rates += np.outer(rates[:, k], share)
            rates = np.delete(np.delete(rates, k, 0), k, 1)
            del states[k]
    np.fill_diagonal(rates, 0.0)
    return states, rates - np.diag(rates.sum(axis=1))


def _together(alone: list[Reward], rest: float) -> list[Reward]:
    """Return the part that stands for what several parts do together."""
    both = often = 0.0
    for one, other in combinations(alone, 2):
        both += one.share * other.share
        often += one.share * other.frequency + other.share * one.frequency
    if rest <= 1e-15 or often == 0:
        return []
    back = often / both  # 1 / mean length of an overlap
    down = rest / (1 - rest) * back
    rates = np.array([[-down, down], [back, -back]])
    ends = np.array([0.0, 1.0])
    return [Reward(rates, np.array([1 - rest, rest]), ends, ends)]


def _never(reward: Reward, horizon: float) -> float:
    """Return the probability of no downtime at all."""
    from scipy.linalg import expm

    up = reward.fails == 0
    inside = expm(reward.rates[np.ix_(up, up)] * horizon)
    return float(reward.law[up] @ inside.sum(axis=1))


def _inverted(rewards: list[Reward], budget: float, horizon: float) -> float:
    """Return P(D <= budget x horizon) from the product of the parts' transforms."""
    nodes, weights = _euler()
    s = nodes / budget  # of the downtime as a share of the horizon
    values = np.ones(len(s), complex)
    for reward in rewards:
        values = values * _transform(reward, s, horizon)
    answer = float((weights * (values / s).real).sum() / budget)
    return min(max(answer, 0.0), 1.0)


def _transform(reward: Reward, s: Any, horizon: float) -> Any:  # noqa: ANN401
    from scipy.linalg import expm

    killed = reward.rates * horizon - s[:, None, None] * np.diag(reward.fails)
    return np.einsum("i,kij->k", reward.law, expm(killed))


def _euler() -> tuple[Any, FloatArray]:
    m = _TERMS
    k = np.arange(2 * m + 1)
    xi = np.ones(2 * m + 1)
    xi[0] = 0.5
    xi[2 * m] = 2.0**-m
    for j in range(1, m):
        xi[2 * m - j] = xi[2 * m - j + 1] + 2.0**-m * comb(m, j)
    nodes = m * log(10) / 3 + 1j * pi * k
    return nodes, 10 ** (m / 3) * (-1.0) ** k * xi
