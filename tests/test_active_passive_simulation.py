"""Active-passive, the second road: a SimPy simulation with real stages.

The stages have the laws they have in practice (uniform, constant, lognormal), repairs
queue for crews, and nothing is read from the chain.
"""

from collections import Counter

import numpy as np
import pytest
import simpy

from hamodel.architectures import CAUSES, ActivePassive, Node, Standby
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE

SPEC = ActivePassive(
    database=Node(mttf=60 * HOUR, mttr=4 * HOUR),
    failover=Failover(
        detection=25 * MINUTE, promotion=10 * MINUTE, coverage=0.8, manual=1 * HOUR
    ),
    standby=Standby(mttf=90 * HOUR, probe=5 * HOUR),
)


class Simulation:
    """A pair of nodes, their crews, and a log of downtime by cause."""

    def __init__(self, spec, rng, manual=True):
        self.spec, self.rng, self.manual = spec, rng, manual
        self.env = simpy.Environment()
        self.crews = simpy.Resource(self.env, capacity=spec.crews)
        self.log = Counter()

    def exponential(self, mean):
        return self.env.timeout(self.rng.exponential(mean))

    def repaired(self):
        """One failed node: wait for a crew, then for the crew to finish."""
        with self.crews.request() as crew:
            yield crew
            yield self.exponential(self.spec.database.mttr)

    def down(self, cause, happening):
        began = self.env.now
        yield happening
        self.log[cause] += self.env.now - began

    def failover(self):
        """Detection is uniform, promotion is constant or, rarely, slow."""
        detection = self.rng.uniform(20 * MINUTE, 30 * MINUTE)
        slow = self.rng.random() < 0.1
        return detection + (55 * MINUTE if slow else 5 * MINUTE)

    def by_hand(self):
        sigma = np.sqrt(np.log(1 + 1.5**2))  # a coefficient of variation of 1.5
        mean = self.spec.failover.manual
        return self.rng.lognormal(np.log(mean) - sigma**2 / 2, sigma)

    def run(self):
        env, spec = self.env, self.spec
        while True:
            primary = self.exponential(spec.database.mttf)
            standby = self.exponential(spec.standby.mttf)
            yield primary | standby
            if not primary.processed:
                found = self.exponential(spec.standby.probe)
                yield primary | found
                if primary.processed:
                    yield from self.lost("standby failed unseen")
                    continue
            elif self.rng.random() < spec.failover.coverage:
                yield from self.down("failing over", env.timeout(self.failover()))
            elif self.manual:
                time = self.failover() + self.by_hand()
                yield from self.down("failover did not work", env.timeout(time))
            else:
                yield from self.lost("failover did not work")
                continue
            yield from self.one(env.process(self.repaired()))

    def one(self, repair):
        """One node serves while the other is repaired."""
        failure = self.exponential(self.spec.database.mttf)
        yield repair | failure
        if failure.processed and repair.is_alive:
            yield from self.lost("both nodes down", repair)

    def lost(self, cause, repair=None):
        """No node serves until the first of two repairs is done."""
        repairs = [repair or self.env.process(self.repaired())]
        repairs.append(self.env.process(self.repaired()))
        yield from self.down(cause, self.env.any_of(repairs))
        yield from self.one(next(r for r in repairs if r.is_alive))


def simulated(spec, *, manual=True, batches=20, hours=60_000):
    """Return means and standard errors of the unavailability by cause."""
    shares = []
    for seed in range(batches):
        one = Simulation(spec, np.random.default_rng([7, seed]), manual=manual)
        one.env.process(one.run())
        one.env.run(until=hours * HOUR)
        shares.append([one.log[c] / (hours * HOUR) for c in CAUSES])
    shares = np.array(shares)
    return shares.mean(axis=0), shares.std(axis=0, ddof=1) / np.sqrt(batches)


def without_manual(crews):
    failover = Failover(detection=25 * MINUTE, promotion=10 * MINUTE, coverage=0.8)
    return ActivePassive(
        database=SPEC.database, failover=failover, standby=SPEC.standby, crews=crews
    )


@pytest.mark.parametrize(
    ("spec", "manual"),
    [(SPEC, True), (without_manual(1), False), (without_manual(2), False)],
    ids=["manual", "repair, one crew", "repair, two crews"],
)
def test_simulation_agrees_cause_by_cause(spec, manual):
    """Within four standard errors, each of them under 5 % of what is measured."""
    mean, error = simulated(spec, manual=manual)
    expected = np.array(list(spec.downtime_by_cause.values()))
    assert expected[-1] == mean[-1] == 0
    assert np.all(np.abs(mean - expected)[:-1] < 4 * error[:-1])
    assert np.all(error[:-1] < 0.05 * expected[:-1])


def test_the_simulation_sees_a_wrong_model():
    """The same oracle refuses a coverage that is off by a fifth."""
    wrong = ActivePassive(
        database=SPEC.database,
        failover=Failover(detection=35 * MINUTE, coverage=0.96, manual=1 * HOUR),
        standby=SPEC.standby,
    )
    mean, error = simulated(SPEC)
    expected = np.array(list(wrong.downtime_by_cause.values()))
    assert np.any(np.abs(mean - expected) > 10 * error)
