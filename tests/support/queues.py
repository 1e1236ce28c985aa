"""Second roads for queues: Lindley's recursion, sums over states, M/PH/c exactly."""

import mpmath
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve


def lindley(interarrival, service):
    """Waits of the requests of one server, in order, all at once."""
    steps = service[:-1] - interarrival[1:]
    path = np.concatenate([[0.0], np.cumsum(steps)])
    return path - np.minimum.accumulate(path)


def interval(samples, batches=40):
    """Mean and half-width (four deviations) of correlated samples."""
    parts = np.array_split(np.asarray(samples, float), batches)
    means = np.array([p.mean() for p in parts])
    return means.mean(), 4 * means.std(ddof=1) / np.sqrt(batches)


def many_servers(interarrival, service, servers):
    """Waits with several servers (Kiefer and Wolfowitz), one request at a time."""
    free = np.zeros(servers)
    waits = np.empty(len(service))
    now = 0.0
    for i, (gap, work) in enumerate(zip(interarrival, service, strict=True)):
        now += gap
        k = free.argmin()
        waits[i] = max(free[k] - now, 0.0)
        free[k] = max(free[k], now) + work
    return waits


def birth_death(birth, death, most=None, digits=40):
    """State probabilities from rates of one step up and down, in mpmath."""
    with mpmath.workdps(digits):
        weights, n, top = [mpmath.mpf(1)], 0, mpmath.mpf(1)
        while n != most:
            n += 1
            weights.append(weights[-1] * birth(n - 1) / death(n))
            top = max(top, weights[-1])
            if most is None and weights[-1] < mpmath.mpf(10) ** -25 * top:
                break
        total = sum(weights)
        return [w / total for w in weights]


def exact_mean_wait(arrival, start, rates, servers, most):  # noqa: C901
    """Mean wait in M/PH/c with two phases, by its chain, truncated at `most` requests.

    State: requests in the system, busy servers in phase 0.  `start` is the chance to
    begin in phase 0; `rates` are (0 to 1, 0 out, 1 out) in 1/s.
    """
    number, states = {}, []
    for n in range(most + 1):
        for j in range(min(n, servers) + 1):
            number[n, j] = len(states)
            states.append((n, j))
    cells = []

    def move(a, b, rate):
        if rate > 0:
            cells.append((number[b], number[a], rate))
            cells.append((number[a], number[a], -rate))

    across, out0, out1 = rates
    for n, j in states:
        other = min(n, servers) - j
        if n < most:
            if n < servers:
                move((n, j), (n + 1, j + 1), arrival * start)
                move((n, j), (n + 1, j), arrival * (1 - start))
            else:
                move((n, j), (n + 1, j), arrival)
        if j:
            move((n, j), (n, j - 1), j * across)
        for busy, out, left in ((j, out0, j - 1), (other, out1, j)):
            if busy and n > servers:  # the next in line begins
                move((n, j), (n - 1, left + 1), busy * out * start)
                move((n, j), (n - 1, left), busy * out * (1 - start))
            elif busy:
                move((n, j), (n - 1, left), busy * out)
    rows, columns, values = zip(*cells, strict=True)
    size = len(states)
    matrix = sp.coo_matrix((values, (rows, columns)), (size, size)).tocsr()
    # fix the probability of the empty system, solve for the rest
    p = np.append(
        1.0, spsolve(matrix[1:, 1:].tocsc(), -matrix[1:, 0].toarray().ravel())
    )
    p /= p.sum()
    waiting = np.array([max(n - servers, 0) for n, _ in states])
    return float(waiting @ p) / arrival
