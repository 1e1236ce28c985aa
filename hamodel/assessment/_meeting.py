"""The probability that one month, or one year, stays within its downtime budget.

Over a period each part of an architecture is a Markov reward process: while it is in a
state, a share r of the requests fails.  The transform of the downtime D of one part,

    E exp(-s D) = p exp((Q - s diag(r)) T) 1,

is a matrix exponential, those of independent parts multiply, and the product is turned
into P(D <= x) by the Euler algorithm.  A part that is nearly always in a few states W,
in which all is well, is seen as those only, and a visit to the others as a cost C that
takes no time: with the rates Q split accordingly, the exponent is

    (Q_WW + Q_WB (s diag(r_B) - Q_BB)^-1 Q_BW) T P(W),

one small matrix instead of a large and stiff one; what that leaves out is of the order
of the share of time of the visits.  What parts do together (both sites lost) joins as
one more part, with the right mean, and outages as long as two independent states last
together.

Source: Abate and Whitt (2006), A unified framework for numerically inverting Laplace
transforms, INFORMS Journal on Computing 18(4), section 5.
"""

from __future__ import annotations

import math
from itertools import combinations
from math import comb, log, pi
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamodel.architectures import Group, Part
from hamodel.assessment._operations import Found, failing
from hamodel.chain import INSTANT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hamodel._types import FloatArray, Quantity
    from hamodel.architectures import Model
    from hamodel.assessment._paths import Paths
    from hamodel.chain import Chain

_TERMS = 8  # of the Euler algorithm: about 5 digits
_SELDOM = 0.006  # share of time away from the usual states that counts as seldom
_FEW = 4  # usual states
_NEVER = 1e-13  # share of time of a state that is left out
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


def rewards_of(
    paths: Paths, model: Model, operation: str, whole: Quantity
) -> list[Reward]:
    """Return the parts that fail requests, and what they do together."""
    if np.ndim(whole) or hasattr(whole, "free_symbols"):
        raise ValueError(
            "the downtime of one period needs single numbers, got arrays or symbols; "
            "ha.sweep takes arrays point by point"
        )
    alone = [_reward(paths, model, leaf, operation) for leaf in model.leaves()]
    rewards = [r for r in alone if r.mean > 0]
    return rewards + _together(alone, float(whole) - sum(r.mean for r in rewards))


def within(rewards: list[Reward], budget: float, horizon: float) -> float:
    """Return P(share of failed requests <= budget) over a period from anywhere."""
    if budget <= 0:
        return float(np.prod([_never(r, horizon) for r in rewards]))
    if budget >= 1 or not rewards:
        return 1.0
    return _inverted(rewards, budget, horizon)


def quantile(rewards: list[Reward], p: float, horizon: float) -> float:
    """Return the share of failed requests that a period exceeds with 1 - p."""
    if within(rewards, 0.0, horizon) >= p:
        return 0.0
    from scipy.optimize import brentq

    def over(exponent: float) -> float:
        return within(rewards, 10**exponent, horizon) - p

    high = min(math.log10(sum(r.mean for r in rewards)), 0.0)
    while over(high) < 0 and high < 0:
        high = min(high + 1, 0.0)
    low = high - 1
    while over(low) > 0:
        high, low = low, low - 1
    return float(10 ** brentq(over, low, high, xtol=1e-5))


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
    kept = [i for i, s in enumerate(states) if float(law[s]) > _NEVER]
    states, rates = [states[i] for i in kept], rates[np.ix_(kept, kept)]
    np.fill_diagonal(rates, 0.0)
    np.fill_diagonal(rates, -rates.sum(axis=1))
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

    well = _well(reward)
    if well is not None:
        costly = np.asarray(reward.fails > 0, float)
        fatal = reward._replace(fails=costly)
        return float(_stream(fatal, well, np.array([1e300 + 0j]), horizon)[0].real)
    up = reward.fails == 0
    inside = expm(reward.rates[np.ix_(up, up)] * horizon)
    return float(reward.law[up] @ inside.sum(axis=1))


def _inverted(rewards: list[Reward], budget: float, horizon: float) -> float:
    """Return P(D <= budget x horizon) from the product of the parts' transforms."""
    nodes, weights = _euler()
    s = nodes / budget  # of the downtime as a share of the horizon
    values = np.ones(len(s), complex)
    for reward in rewards:
        well = _well(reward)
        if well is None:
            values = values * _transform(reward, s, horizon)
        else:
            values = values * _stream(reward, well, s / horizon, horizon)
    answer = float((weights * (values / s).real).sum() / budget)
    return min(max(answer, 0.0), 1.0)


def _transform(reward: Reward, s: Any, horizon: float) -> Any:  # noqa: ANN401
    from scipy.linalg import expm

    killed = reward.rates * horizon - s[:, None, None] * np.diag(reward.fails)
    return np.einsum("i,kij->k", reward.law, expm(killed))


def _well(reward: Reward) -> NDArray[np.bool_] | None:
    """Return the few states that a part is nearly always in, if it is so."""
    order = np.argsort(-reward.law)
    for count in range(1, min(_FEW, len(order) - 1) + 1):
        chosen = order[:count]
        if reward.fails[chosen].any():
            return None
        if 1 - reward.law[chosen].sum() < _SELDOM:
            return np.isin(np.arange(len(order)), chosen)
    return None


def _stream(reward: Reward, well: NDArray[np.bool_], s: Any, horizon: float) -> Any:  # noqa: ANN401
    """Return the transform of the downtime, visits elsewhere taking no time."""
    from scipy.linalg import expm

    away = ~well
    leave, back = reward.rates[np.ix_(well, away)], reward.rates[np.ix_(away, well)]
    stay = s[:, None, None] * np.diag(reward.fails[away])
    visit = np.linalg.solve(
        stay - reward.rates[np.ix_(away, away)],
        np.broadcast_to(back, (len(s), *back.shape)),
    )
    share = reward.law[well].sum()
    moves = (reward.rates[np.ix_(well, well)] + leave @ visit) * (horizon * share)
    return np.einsum("i,kij->k", reward.law[well] / share, expm(moves))


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
