"""Chains for tests: hard sets, published models, and an oracle with many digits."""

from collections import deque

import mpmath
import numpy as np

from hamodel.chain import INSTANT


def pools(counts):
    """Edges (state, next, fails) of independent pools of identical units."""
    for state in np.ndindex(*(c + 1 for c in counts)):
        for k, count in enumerate(counts):
            if state[k] < count:
                yield state, (*state[:k], state[k] + 1, *state[k + 1 :]), True
            if state[k] > 0:
                yield state, (*state[:k], state[k] - 1, *state[k + 1 :]), False


def stiff(counts, rng, fail=(-9, -4), repair=(-1, 4)):
    """A highly available system whose rarest state is unthinkably rare."""
    states = list(np.ndindex(*(c + 1 for c in counts)))
    number = {s: k for k, s in enumerate(states)}
    rates = np.zeros((len(states), len(states)))
    for a, b, fails in pools(counts):
        rates[number[a], number[b]] = 10 ** rng.uniform(*(fail if fails else repair))
    return rates


def dense_random(n, rng):
    rates = 10 ** rng.uniform(-9, 4, (n, n))
    np.fill_diagonal(rates, 0)
    return rates


def nearly_decomposable(n, rng, across=(-9, -6)):
    """Two groups that flap inside and hardly ever meet."""
    rates = 10 ** rng.uniform(0, 4, (n, n))
    half = n // 2
    rates[:half, half:] = 10 ** rng.uniform(*across, (half, n - half))
    rates[half:, :half] = 10 ** rng.uniform(*across, (n - half, half))
    np.fill_diagonal(rates, 0)
    return rates


def generator(rates):
    q = np.array(rates, dtype=float)
    np.fill_diagonal(q, 0)
    np.fill_diagonal(q, -q.sum(axis=1))
    return q


def ones_row_solve(rates):
    """The textbook's solution: one balance equation replaced by the sum."""
    a = generator(rates).T.copy()
    a[-1] = 1
    right = np.zeros(len(a))
    right[-1] = 1
    return np.linalg.solve(a, right)


def exact(rates, digits=60):
    """Long-run probabilities by LU with far more digits than the rarest state needs."""
    n = len(rates)
    with mpmath.workdps(digits):
        a = mpmath.matrix(n, n)
        for i in range(n):
            for j in range(n):
                if i != j:
                    a[j, i] = mpmath.mpf(float(rates[i, j]))
        for i in range(n):
            a[i, i] = -sum(a[j, i] for j in range(n) if j != i)
        for i in range(n):
            a[0, i] = 1
        right = mpmath.matrix(n, 1)
        right[0] = 1
        return list(mpmath.lu_solve(a, right))


def worst(found, wanted):
    """Return the largest relative error of a component."""
    with mpmath.workdps(30):
        pairs = zip(found, wanted, strict=True)
        return float(max(abs(mpmath.mpf(float(f)) / w - 1) for f, w in pairs))


def matrix_of(start, moves):
    """Explore, independently of Chain: the states and the dense rates."""
    number = {start: 0}
    arrows = []
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        for goal, rate in moves(state):
            if goal not in number:
                number[goal] = len(number)
                waiting.append(goal)
            arrows.append((number[state], number[goal], rate))
    rates = np.zeros((len(number), len(number)))
    for i, j, rate in arrows:
        if i != j:
            rates[i, j] += rate
    return list(number), rates


def cluster(size):
    """The workstation cluster of Haverkort, Hermanns and Katoen (SRDS 2000), 1/h.

    A state is (left, right, left switch, right switch, backbone, repair unit).
    """
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

    return (*full, 0), moves


def quality(level):
    """Whether enough workstations of the cluster are connected."""

    def holds(state):
        left, right, left_switch, right_switch, backbone, _ = state
        together = left_switch and right_switch and backbone
        return bool(
            (left >= level and left_switch)
            or (right >= level and right_switch)
            or (left + right >= level and together)
        )

    return holds


def tandem(capacity):
    """Two queues in a row; a state is (first queue, phase, second queue)."""

    def moves(state):
        first, phase, second = state
        if first < capacity:
            yield (first + 1, phase, second), 4.0 * capacity
        if first and phase == 1:
            yield (first, 2, second), 0.2
        if first and second < capacity:
            yield (first - 1, 1, second + 1), 1.8 if phase == 1 else 2.0
        if second:
            yield (first, phase, second - 1), 4.0

    return (0, 1, 0), moves


def polling(stations):
    """A cyclic server; a state is (station, serving, which stations are full)."""

    def moves(state):
        at, serving, full = state
        for k in range(stations):
            if not full[k]:
                yield (at, serving, (*full[:k], True, *full[k + 1 :])), 1 / stations
        following = (at + 1) % stations
        if serving:
            emptied = (*full[:at], False, *full[at + 1 :])
            yield (following, False, emptied), 1.0
        elif full[at]:
            yield (at, True, full), 200.0
        else:
            yield (following, False, full), 200.0

    return (0, False, (False,) * stations), moves


def embedded(most):
    """Muppala's embedded control system, rates in 1/s.

    A state is (sensors, input, actuators, output, main, skipped, comp, reqi, reqo).
    """
    day = 86400.0

    def moves(state):
        s, i, a, o, m, *_ = state
        if s > 1:
            yield (s - 1, *state[1:]), s / (30 * day)
        if a > 0:
            yield (s, i, a - 1, *state[3:]), a / (60 * day)
        if m:
            yield (s, i, a, o, 0, *state[5:]), 1 / (365 * day)
        yield from _input(state, day)
        yield from _output(state, day)
        yield _cycle(state, most), 1 / 60

    return (3, 2, 2, 2, 1, 0, True, True, False), moves


def _input(state, day):
    s, i, a, o, m, n, comp, _, reqo = state
    rest = state[2:]
    if s >= 2 and i > 0:
        yield (s, 0, *rest), 1 / (365 * day)
    if s >= 2 and i == 2:
        yield (s, 1, *rest), 1 / day
    if s >= 2 and i == 1:
        asked = not (o == 2 and a >= 1) and (reqo or m)
        ready = comp or (m and not reqo)
        yield (s, 2, a, o, m, n, bool(ready), True, bool(asked)), 1 / 30


def _output(state, day):
    s, i, a, o, m, n, comp, reqi, _ = state
    before, rest = state[:3], state[4:]
    if a >= 1 and o > 0:
        yield (*before, 0, *rest), 1 / (365 * day)
    if a >= 1 and o == 2:
        yield (*before, 1, *rest), 1 / day
    if a >= 1 and o == 1:
        ready = comp or (reqi and m)
        asked = (i == 2 and s >= 2) or (reqi and not m)
        yield (s, i, a, 2, m, n, bool(ready), bool(asked), False), 1 / 30


def _cycle(state, most):
    s, i, a, o, m, n, comp, reqi, reqo = state
    in_works, out_works = i == 2 and s >= 2, o == 2 and a >= 1
    return (
        *(s, i, a, o, m),
        0 if comp else min(n + 1, most + 1),
        bool(reqi and not reqo and m),
        bool(in_works or (reqi and (reqo or not m))),
        bool((not out_works) and (reqo or (reqi and m))),
    )


def embedded_down(most):
    """What failed first, or "" while the system works."""

    def cause(state):
        s, i, a, o, m, n, *_ = state
        if i == 2 and s < 2:
            return "sensors"
        if n == most + 1:
            return "io"
        if o == 2 and a < 1:
            return "actuators"
        return "" if m else "main"

    return cause


def after(mean):
    """Return the rate of a way out that is taken after a mean time, which may be 0."""
    if np.ndim(mean) == 0:
        return 1 / mean if mean != 0 else INSTANT
    return np.where(mean == 0, INSTANT, 1 / np.where(mean == 0, 1, mean))
