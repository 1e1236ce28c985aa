"""How long a primary is gone, and how often a standby is promoted in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from hamodel import _check, duration
from hamodel._quadrature import edges_of
from hamodel._quantity import rate_of
from hamodel._types import Quantity
from hamodel.architectures._events import (
    added,
    stage_law,
)
from hamodel.architectures._first import (
    First,
)
from hamodel.architectures._pair_rules import rules_of
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures._replicas import Kind
from hamodel.architectures._replicated import Rules
from hamodel.architectures.behaviour import either, repair
from hamodel.duration import Duration, constant

#: Something that happens, with its probability, and when.
Part: TypeAlias = tuple[Quantity, Duration]

_LEVELS = (np.arange(2048) + 0.5) / 2048  # of a race, for its law
_RESTARTS = "rto and outage of a process that may be back first"
_LATER = "fencing", "promotion", "redirection"  # the stages after the detection
_RARE = 1e-9  # a chance of further attempts that is left out of a law


@dataclass(frozen=True, kw_only=True, eq=False)
class Recovery:
    """The way out of each kind of failure of a primary."""

    spec: PairSpec

    @cached_property
    def rules(self) -> Rules:
        """What can happen, and how often."""
        return rules_of(self.spec)

    @property
    def rto(self) -> Duration:
        return self._mixed([(rate, self._works(k)) for k, rate in self.kinds()])

    @property
    def rto_by_kind(self) -> dict[str, Duration]:
        """The recovery from each kind of failure that has a name of its own."""
        named = {kind.name for kind in self.spec.failures}
        rules = rules_of(self.spec, dormant=True)
        found = {kind.name: self._works(kind, rules) for kind in rules.kinds}
        return {name: law for name, law in found.items() if name in named}

    @property
    def outage(self) -> Duration:
        return self._mixed([(rate, self._whole(k)) for k, rate in self.kinds()])

    def kinds(self) -> Iterator[tuple[Kind, Quantity]]:
        """Yield the kinds of failure and how often in 1/s they strike the primary."""
        for kind in self.rules.kinds:
            yield kind, rate_of(kind.primary)

    def _mixed(self, laws: list[tuple[Quantity, Duration]]) -> Duration:
        """Return the law of a time that depends on the kind of failure."""
        different = [laws[0]]
        for rate, law in laws[1:]:
            if np.any(np.asarray(rate) != 0):
                different.append((rate, law))
        total = sum(rate for rate, _ in different)
        if len(different) == 1 or np.all(np.asarray(total) == 0):
            return different[0][1]
        shares = [rate / total for rate, _ in different]
        mixed: Duration = duration.mixture(shares, [law for _, law in different])
        return mixed

    def _detection(self, kind: Kind) -> Quantity:  # a number or a law
        usual = self.spec.failover.detection
        return usual if kind.detection is None else kind.detection

    def _works(self, kind: Kind, rules: Rules | None = None) -> Duration:
        """Return the recovery from one kind of failure if the failover works."""
        rules = self.rules if rules is None else rules
        failover = self.spec.failover
        if kind.detection is None and not kind.in_place:
            return failover.duration
        stages = failover.by_stage
        given = self._detection(kind)
        detection = stage_law(given)
        later = stages["fencing"] + stages["promotion"] + stages["redirection"]
        if not kind.in_place:
            return detection + later
        mttr = rules.repairs[kind.law].mttr
        _check.alone(_RESTARTS, detection=given, mttr=mttr)
        back, won = repair(mttr), First(repair=mttr, stage=given).won
        over = _earlier(detection, back) + later
        return either(won, _earlier(back, detection), over)

    def _whole(self, kind: Kind) -> Duration:
        """Return the recovery from one kind of failure, whether it works or not."""
        if kind.in_place:
            return self._raced(kind)
        failover, works = self.spec.failover, self._works(kind)
        chance, parts = kind.coverage, [(kind.coverage, works)]
        left = 1 - chance
        law = works
        if failover.retry is not None:
            most = failover.tries or 10_000
            gap = stage_law(failover.retry)
            while most and np.any(np.asarray(left) > _RARE):
                law, most = law + gap, most - 1
                parts.append((left * chance, law))
                left = left * (1 - chance)
        parts.append((left, self._by_hand(kind, law)))
        return self._mixed([part for part in parts if np.any(np.asarray(part[0]) > 0)])

    def _by_hand(self, kind: Kind, law: Duration) -> Duration:
        """Return the recovery once no attempt has worked."""
        manual = self.spec.failover.manual
        if manual is not None:
            return law + repair(manual)
        return self._repaired(kind)

    def _repaired(self, kind: Kind) -> Duration:
        """Return the time until a node is mended after a failover took a second one."""
        mttr = self.rules.repairs[kind.law].mttr
        if self.spec.restore is not None and len(self.spec.nodes) == 2:
            return repair(self.spec.restore)
        at_once = 2 if kind.in_place else min(self.spec.crews, 2)
        if at_once == 1:
            return repair(mttr)
        return duration.order_statistic(repair(mttr), 1, at_once)

    def _raced(self, kind: Kind) -> Duration:
        """Return the same of a process, which may be back before any stage ends."""
        failover, given = self.rules.failover, self._detection(kind)
        mttr, gap = self.rules.repairs[kind.law].mttr, failover.retry
        _check.alone(_RESTARTS, detection=given, mttr=mttr, retry=gap)
        stages, most = self.spec.failover.by_stage, failover.tries
        back, later = repair(mttr), [stages[name] for name in _LATER]
        begun, left, parts = constant(0.0), 1.0, []
        last = 0 if gap is None else 10_000 if most is None else most
        for tried in range(last + 1):
            works = left * kind.coverage
            ended, (share, over) = self._staged(kind, (works, begun), given, tried)
            parts += [ended, (share, sum(later, _earlier(over, back)))]
            left = left * (1 - kind.coverage)
            if tried == last or not np.any(np.asarray(left) > _RARE):
                break
            ended, (left, begun) = self._staged(kind, (left, begun), gap, tried)
            parts.append(ended)
        if failover.manual is None:
            parts.append((left, _earlier(begun, back) + self._repaired(kind)))
        else:
            by_hand = {name: getattr(failover, name) for name in (*_LATER, "manual")}
            _check.alone(_RESTARTS, **by_hand)
            whole = self._by_hand_after(kind)
            ended, (share, over) = self._staged(kind, (left, begun), whole, tried)
            parts += [ended, (share, _earlier(over, back))]
        return self._mixed([part for part in parts if np.any(np.asarray(part[0]) > 0)])

    def _staged(
        self, kind: Kind, before: Part, stage: Quantity, tried: int
    ) -> tuple[Part, Part]:
        """Return how a stage ends that begins after some attempts.

        A restart ends it, at a time of some law, or it is over, at its own time.
        """
        left, begun = before
        stays = self._still_gone(kind, stage, tried)
        over = begun + _tabled(stage_law(stage))
        back = repair(self.rules.repairs[kind.law].mttr)
        return (left * (1 - stays), _between(back, begun, over)), (left * stays, over)

    def chance(self, coverage: Quantity) -> Quantity:
        """Return the probability that a standby is promoted at last."""
        failover = self.spec.failover
        if failover.manual is not None:
            return 1.0
        if failover.retry is None:
            return coverage
        if failover.tries is None:
            return 1.0
        return 1 - (1 - coverage) ** (failover.tries + 1)

    def promoted(self, kind: Kind) -> Quantity:
        """Return the probability that a failure ends with a standby promoted.

        A process that restarts in place may be back first: while the failover is
        decided, before the next attempt, and while a person finishes it.
        """
        failover = self.rules.failover
        if not kind.in_place:
            return self.chance(kind.coverage)
        given = self._detection(kind)
        gap, tries, works, fails = failover.retry, 0, kind.coverage, 1 - kind.coverage
        if gap is not None:
            tries = kind.told if failover.tries is None else failover.tries
        left, found = 1.0, 0.0
        for tried in range(tries):
            found = found + left * works * self._still_gone(kind, given, tried)
            left = left * fails * self._still_gone(kind, gap, tried)
        last = left * works * self._still_gone(kind, given, tries)
        if gap is not None and failover.tries is None:
            return found + last / (1 - fails * self._still_gone(kind, gap, tries))
        if failover.manual is not None:
            by_hand = self._by_hand_after(kind)
            last = last + left * fails * self._still_gone(kind, by_hand, tries)
        return found + last

    def _by_hand_after(self, kind: Kind) -> Quantity:
        """Return how long it takes a person, with all stages."""
        failover = self.rules.failover
        given = self._detection(kind)
        later = failover.fencing, failover.promotion, failover.redirection
        return added((given, *later, failover.manual))

    def _still_gone(self, kind: Kind, stage: Quantity, tried: int) -> Quantity:
        """Return the probability that a restart outlasts a stage, after attempts."""
        return 1 - self.rules.first(kind, stage, tried).won


def _tabled(law: Duration) -> Duration:
    """Return a law of which many sums are quick: those of phases are not."""
    if law.phases is None or law.var == 0:
        return law
    ends = law.upper_quantile(np.geomspace(0.01, _RARE, 512))
    times = edges_of(np.concatenate([[0.0], law.quantile(_LEVELS), ends]))
    return duration.tabulated(times, law.sf(times))


def _earlier(one: Duration, other: Duration) -> Duration:
    """Return the law of a time, given that it ends before another."""
    if one.var == 0 or _LEVELS[-1] <= other.sf(one.quantile(_LEVELS[-1])):
        return one
    return _between(one, constant(0.0), other)


def _between(one: Duration, begin: Duration, end: Duration) -> Duration:
    """Return the law of a time, given that it ends within a stage that others bound."""
    if one.var == 0:
        return one
    times = edges_of([law.quantile(_LEVELS) for law in (one, begin, end)])
    within = np.linspace(begin.quantile(_LEVELS[0]), end.quantile(_LEVELS[-1]), 1024)
    times = np.array(sorted({0.0, *times.tolist(), *within.tolist()}))
    middle = (times[1:] + times[:-1]) / 2
    mass = np.diff(one.cdf(times)) * np.maximum(end.sf(middle) - begin.sf(middle), 0)
    before = np.concatenate([[0.0], np.cumsum(mass)])
    if not before[-1]:
        return one
    return duration.tabulated(times, np.clip(1 - before / before[-1], 0, 1))
