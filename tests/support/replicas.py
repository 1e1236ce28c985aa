"""Second roads for replication: writes followed one by one through a replica."""

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np
import simpy

from tests.support.queues import lindley

DATA = Path(__file__).parents[2] / "data"


@lru_cache(maxsize=1)
def facts():
    """The values of `data/facts.csv` by their id."""
    with (DATA / "facts.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["value"] for row in csv.DictReader(file)}


def fact(name):
    """One value of `data/facts.csv`, as a number."""
    return float(facts()[name])


def followed(rng, n, rate, *, send=None, delay=0.0, apply=None, workers=1):
    """Return commit times and the times when writes are received and seen.

    `send` and `apply` draw n service times; workers make writes visible in order.
    """
    commit = np.cumsum(rng.exponential(1 / rate, n))
    sent = served(commit, send(n)) if send else commit
    received = sent + delay
    if apply is None:
        return commit, received, received
    if workers == 1:
        return commit, received, served(received, apply(n))
    return commit, received, in_parallel(received, apply(n), workers)


def served(arrival, service):
    """Departures of one server in order."""
    gaps = np.diff(arrival, prepend=0.0)
    return arrival + lindley(gaps, service) + service


def in_parallel(arrival, service, workers):
    """Departures of several servers, each held back until all earlier are done."""
    free = np.zeros(workers)
    done = np.empty(len(arrival))
    for i, (now, work) in enumerate(zip(arrival, service, strict=True)):
        k = free.argmin()
        free[k] = done[i] = max(free[k], now) + work
    return np.maximum.accumulate(done)


def oldest_missing(commit, arrived, moments):
    """Age of the oldest write not there at each moment, and how many are missing."""
    written = np.searchsorted(commit, moments, side="right")
    there = np.searchsorted(arrived, moments, side="right")  # in order
    first = commit[np.minimum(there, len(commit) - 1)]
    age = np.where(written > there, moments - first, 0.0)
    return age, written - there


def replica_by_simpy(rng, rate, service, delay, until):
    """Lags, and the backlog at random moments, of a link and a replay in SimPy."""
    env = simpy.Environment()
    link = simpy.Resource(env, capacity=1)
    lags, missing, state = [], [], {"written": 0, "received": 0}

    def write():
        born = env.now
        state["written"] += 1
        with link.request() as turn:
            yield turn
            yield env.timeout(rng.exponential(service))
        yield env.timeout(delay)
        state["received"] += 1
        lags.append(env.now - born)

    def writers():
        while True:
            yield env.timeout(rng.exponential(1 / rate))
            env.process(write())

    def probe():
        while True:
            yield env.timeout(rng.exponential(20 / rate))
            missing.append(state["written"] - state["received"])

    env.process(writers())
    env.process(probe())
    env.run(until=until)
    return np.array(lags), np.array(missing)
