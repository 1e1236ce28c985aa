"""Discrete-event runs of the architectures: the second road to each number.

The same description is read once more: each event now takes a time drawn from its
whole distribution, not from an exponential of the same mean, and clocks run on when
the state changes.  So what the chain assumes about the shapes of times can be seen.

The surprise is how little the shapes matter in the long run: a share of time depends
on a repair or a failover through its mean alone, unless it races with something of
its own length.

Rare events.  Two ways of running are offered.  "together" runs all parts on one clock
and judges every moment, as the world does; a combination that occurs once in a million
years is then never seen.  "apart" runs each part alone and multiplies the measured
shares of time, which is exact for independent parts: the product of two estimates of
1e-4 is a good estimate of 1e-8.  Both give intervals from batches of the run.

Assumptions: a plain number is the mean of an exponential time where it says when
something fails or is repaired; a stage of a failover given as a number is constant.
Load is judged with all servers of a tier that serves; slow answers count as answers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from hamodel import _check, _html
from hamodel.architectures import OPERATIONS, Architecture, Group, Model, Part, Viewed
from hamodel.assessment import assess
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Iterator, Mapping

    from simpy import Environment, Event

    from hamodel._types import FloatArray
    from hamodel.workload import Workload

_BATCHES = 25  # of a run, for its intervals

_Batches: TypeAlias = "dict[str, dict[str, FloatArray]]"


class Estimate(NamedTuple):
    """A simulated value and the interval that holds the true one 19 times in 20."""

    value: float
    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, float | int) and self.low <= value <= self.high


class Outage(NamedTuple):
    """A time in which clients of a site could not do something."""

    start: float  # s since the start of the run
    length: float  # s
    site: str
    operation: str
    cause: str  # at its start


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """What a run has shown.

    Attributes
    ----------
    years : float
        Length of the run.
    downtime : mapping
        Unavailability by operation and cause, an `Estimate` each.
    unavailability : mapping
        Unavailability by operation.
    outages : tuple of Outage
        Every outage of a run together; empty for a run apart.
    """

    years: float
    downtime: Mapping[str, Mapping[str, Estimate]]
    unavailability: Mapping[str, Estimate]
    outages: tuple[Outage, ...] = field(default=(), repr=False)

    def _repr_html_(self) -> str:
        rows = [
            (operation, *(_minutes(x) for x in estimate))
            for operation, estimate in self.unavailability.items()
        ]
        return _html.table(
            rows,
            header=("minutes a year", "estimate", "from", "to"),
            caption=f"{self.years:g} simulated years",
        )


def simulate(
    architecture: Architecture,
    workload: Workload | None,
    years: float,
    rng: np.random.Generator,
    *,
    apart: bool = False,
) -> Simulation:
    """Run an architecture as discrete events.

    Parameters
    ----------
    architecture : Architecture
        Any of `hamodel.architectures`, with scalar parameters.
    workload : Workload or None
        What is asked of it: it weighs the sites, and sites that are left with more
        load than they can carry do not serve.  None: the default one.
    years : float
        How long to run, in years of 365 days.
    rng : numpy.random.Generator
        Source of randomness.
    apart : bool
        Whether to run the parts one by one and to multiply, for rare combinations.

    Returns
    -------
    Simulation
        Unavailability by operation and cause, with 95 % intervals.

    Raises
    ------
    ValueError
        If `years` is not above zero, or clients are at a site that does not serve.

    Examples
    --------
    >>> from hamodel.architectures import Node, SinglePrimary
    >>> shop = SinglePrimary(database=Node(mttf=1e6, mttr=1e4))
    >>> run = simulate(shop, None, 1000, np.random.default_rng(1))
    >>> 0.0099 in run.unavailability["write"]
    True
    """
    _check.positive(years=years)
    assessment = assess(architecture, workload)
    model = assessment.model_under_load
    asked = assessment.workload.shares(model.sites)
    shares = {site: share for site, share in asked.items() if share > 0}
    run = _apart if apart else _together
    batches, outages = run(model, years * YEAR, rng, shares)
    return Simulation(
        years=years,
        downtime={o: _estimates(batches[o]) for o in OPERATIONS},
        unavailability={o: _total(batches[o]) for o in OPERATIONS},
        outages=tuple(outages),
    )


class _Clock(NamedTuple):
    rings: float  # when
    after: Any  # the time that it measures


def _life(
    env: Environment, part: Part, rng: np.random.Generator
) -> Iterator[tuple[Event, Hashable]]:
    """Live through the events of a part: yield what to wait for, then the new state."""
    state = part.start
    known: dict[Hashable, dict[str, tuple[Any, list[Hashable], list[float]]]] = {}
    clocks: dict[str, _Clock] = {}
    while True:
        if state not in known:
            known[state] = _possible(part, state)
        events = known[state]
        running: dict[str, _Clock] = {}
        for name, (after, _, _) in events.items():
            clock = clocks.get(name)
            if clock is None or clock.after != after:
                clock = _Clock(env.now + _draw(after, rng), after)
            running[name] = clock
        if not running:
            return
        name = min(running, key=lambda n: running[n].rings)
        wait = running[name].rings - env.now
        if math.isinf(wait):
            return
        _, goals, shares = events[name]
        pick = 0 if len(goals) == 1 else int(rng.choice(len(goals), p=shares))
        yield env.timeout(max(wait, 0.0)), goals[pick]
        clocks = {n: c for n, c in running.items() if n != name}
        state = goals[pick]


def _possible(
    part: Part, state: Hashable
) -> dict[str, tuple[Any, list[Hashable], list[float]]]:
    """Return the clocks that run in a state, each with its outcomes and shares."""
    found: dict[str, tuple[Any, list[Hashable], list[float]]] = {}
    for event in part.events(state):
        if event.share == 0:
            continue
        _, goals, shares = found.setdefault(event.clock, (event.after, [], []))
        goals.append(event.to)
        shares.append(float(event.share))
    return found


def _draw(after: Any, rng: np.random.Generator) -> float:  # noqa: ANN401 - a number or a Duration
    if hasattr(after, "sample"):
        return float(after.sample(1, rng)[0])
    mean = float(after)
    return mean if mean in {0.0, math.inf} else float(rng.exponential(mean))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Measured:
    """A part whose share of time in each view has been measured."""

    name: str
    shares: Mapping[Hashable, FloatArray]

    def views(self) -> Mapping[Hashable, FloatArray]:
        return self.shares


def _apart(
    model: Model,
    length: float,
    rng: np.random.Generator,
    clients: Mapping[str, float],
) -> tuple[_Batches, list[Outage]]:
    """Run each part alone and multiply; batches by leaving one out at a time."""
    seen = {
        part.name: _Measured(name=part.name, shares=_jackknife(part, length, rng))
        for part in model.leaves()
    }
    parts = tuple(
        replace(part, parts=tuple(seen[leaf.name] for leaf in part.parts))
        if isinstance(part, Group)
        else seen[part.name]
        for part in model.parts
    )
    found = replace(model, parts=parts).downtime(clients)
    n = _BATCHES
    return {
        operation: {
            cause: n * value[0] - (n - 1) * value[1:] for cause, value in causes.items()
        }
        for operation, causes in found.items()
    }, []


def _jackknife(
    part: Part, length: float, rng: np.random.Generator
) -> dict[Hashable, FloatArray]:
    """Return the share of time of each view: of all batches, then without each."""
    n = _BATCHES
    found = {}
    for view, row in _view_shares(part, length, rng).items():
        total = row.sum()
        found[view] = np.concatenate([[total / n], (total - row) / (n - 1)])
    return found


def _view_shares(
    part: Part, length: float, rng: np.random.Generator
) -> dict[Hashable, FloatArray]:
    """Return the share of time of each view, in each batch."""
    import simpy

    env = simpy.Environment()
    span = length / _BATCHES
    found: dict[Hashable, FloatArray] = defaultdict(lambda: np.zeros(_BATCHES))

    def live() -> Generator[Event, None, None]:
        state, since = part.start, 0.0
        for wait, after in _life(env, part, rng):
            yield wait
            _spread(found[part.view(state)], since, min(env.now, length), span)
            state, since = after, env.now
        _spread(found[part.view(state)], since, length, span)

    env.process(live())
    env.run(until=length * (1 + 1e-9))
    for row in found.values():
        row /= span
    missing = 1 - sum(found.values())
    last = max(found, key=lambda view: float(found[view].sum()))
    found[last] = found[last] + missing
    return dict(found)


def _spread(row: FloatArray, start: float, end: float, span: float) -> None:
    """Add the time from `start` to `end` to the batches that it falls into."""
    first = min(int(start / span), len(row) - 1)
    last = min(int(end / span), len(row) - 1)
    if first == last:
        row[first] += end - start
        return
    row[first] += (first + 1) * span - start
    row[first + 1 : last] += span
    row[last] += end - last * span


def _together(
    model: Model,
    length: float,
    rng: np.random.Generator,
    clients: Mapping[str, float],
) -> tuple[_Batches, list[Outage]]:
    """Run all parts on one clock and judge every moment."""
    import simpy

    env = simpy.Environment()
    watch = _Watch(model, length, clients)

    def live(part: Part) -> Generator[Event, None, None]:
        watch.now(part, part.start, 0.0)
        for wait, after in _life(env, part, rng):
            yield wait
            if env.now < length:
                watch.now(part, after, env.now)

    for part in model.leaves():
        env.process(live(part))
    env.run(until=length)
    return watch.close()


class _Watch:
    """What clients find as the views of the parts change."""

    def __init__(
        self, model: Model, length: float, clients: Mapping[str, float]
    ) -> None:
        self.model, self.length, self.clients = model, length, clients
        self.span = length / _BATCHES
        self.views: dict[str, Hashable] = {}
        self.expected = len(model.leaves())
        self.down: dict[tuple[str, str], tuple[str, float, float, str]] = {}
        self.verdicts: dict[Hashable, dict[tuple[str, str], str]] = {}
        self.outages: list[Outage] = []
        self.rows: _Batches = {
            o: defaultdict(lambda: np.zeros(_BATCHES)) for o in OPERATIONS
        }

    def now(self, part: Part, state: Hashable, time: float) -> None:
        """Take note that a part has come into a state."""
        view = part.view(state)
        if self.views.get(part.name) == view:
            return
        self.views[part.name] = view
        if len(self.views) == self.expected:
            for who, cause in self._judged().items():
                self._note(who, cause, time)

    def _judged(self) -> dict[tuple[str, str], str]:
        key = tuple(self.views.items())
        if key not in self.verdicts:
            self.verdicts[key] = self._judge()
        return self.verdicts[key]

    def _judge(self) -> dict[tuple[str, str], str]:
        found = {}
        for site in self.clients:
            seen = self.model.nothing
            for part in self.model.parts:
                seen = self.model.absorb(seen, site, part.name, self._view(part))
            for operation in OPERATIONS:
                cause = self.model.verdict(seen, site, operation).cause
                found[site, operation] = cause
        return found

    def _view(self, part: Viewed) -> Hashable:
        if isinstance(part, Group):
            return part.combine(*(self.views[leaf.name] for leaf in part.parts))
        return self.views[part.name]

    def _note(self, who: tuple[str, str], cause: str, time: float) -> None:
        before = self.down.get(who)
        if before is not None:
            if before[0] == cause:
                return
            self._charge(who, before[0], before[1], time)
        if cause and before is not None:
            self.down[who] = cause, time, before[2], before[3]
        elif cause:
            self.down[who] = cause, time, time, cause
        elif before is not None:
            del self.down[who]
            site, operation = who
            self.outages.append(
                Outage(before[2], time - before[2], site, operation, before[3])
            )

    def _charge(
        self, who: tuple[str, str], cause: str, since: float, until: float
    ) -> None:
        site, operation = who
        row = np.zeros(_BATCHES)
        _spread(row, since, until, self.span)
        self.rows[operation][cause] += row * (self.clients[site] / self.span)

    def close(self) -> tuple[_Batches, list[Outage]]:
        """Charge what is still down at the end and hand over."""
        for who, (cause, since, _, _) in self.down.items():
            self._charge(who, cause, since, self.length)
        return self.rows, self.outages


def _estimates(causes: Mapping[str, FloatArray]) -> dict[str, Estimate]:
    return {cause: _estimate(row) for cause, row in causes.items()}


def _total(causes: Mapping[str, FloatArray]) -> Estimate:
    return _estimate(sum(causes.values(), np.zeros(_BATCHES)))


def _estimate(batches: FloatArray) -> Estimate:
    """Return the mean of the batches and its interval (Student's t)."""
    from scipy.special import stdtrit

    mean = float(batches.mean())
    error = float(batches.std(ddof=1)) / math.sqrt(_BATCHES)
    reach = float(stdtrit(_BATCHES - 1, 0.975)) * error
    return Estimate(mean, max(mean - reach, 0.0), mean + reach)


def _minutes(share: float) -> str:
    return f"{share * YEAR / MINUTE:,.3g}"
