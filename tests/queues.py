"""Second roads for queues: simulation by Lindley's recursion, sums over states."""

import mpmath
import numpy as np


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
