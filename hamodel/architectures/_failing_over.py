"""The rules by which a standby takes over: each phase from the loss to the service.

A rule is a method that yields the events of one phase; which phases there are, and what
is assumed, stands in `hamodel.architectures._replicated`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hamodel._types import Quantity
from hamodel.architectures._events import (
    NEVER,
    Cause,
    Event,
    Stages,
    added,
    first_of,
    is_never,
)
from hamodel.architectures._first import (
    First,
)
from hamodel.architectures._replicas import (
    Handover,
    Holding,
    Kind,
    Nodes,
    Repair,
    State,
    WayBack,
)


@dataclass(frozen=True, kw_only=True)
class Failovers:
    """The rules while the primary is gone, or changes."""

    nodes: Nodes
    kinds: tuple[Kind, ...]
    repairs: tuple[Repair, ...]
    failover: Handover
    takeover_mttf: Quantity = NEVER
    failback: WayBack | None = None
    holds: Holding | None = None  # a dependency without which no failover begins

    def _fail_over(self, state: State, clock: str, after: Quantity) -> Iterator[Event]:
        """Yield what follows the loss of the primary, which the state already shows."""
        if not self.nodes.candidates(state):
            yield Event(clock, after, self.nodes.exhausted(state))
        elif self.holds is not None and state.held:
            held = state._replace(phase="waiting", cause=self.holds.name)
            yield Event(clock, after, held)
        else:
            for to, share in self._attempts(state):
                yield Event(clock, after, to, share)

    def _attempts(self, state: State) -> Iterator[tuple[State, Quantity]]:
        """Yield the outcomes of one attempt, each with its probability."""
        kind = self._kind(state)
        coverage = self.failover.coverage if kind is None else kind.coverage
        in_place = kind is not None and kind.in_place
        site, failed = self._dark_home(state), state
        phase = "detecting" if in_place else "switching"
        if site is not None:
            state, phase = self.nodes.sent(state, site, "waiting"), "leading"
            failed = self.nodes.sent(failed, site, "stuck")
        yield state._replace(phase=phase, cause=Cause.FAILING_OVER), coverage
        for to, share in self._astray(failed):
            yield to, (1 - coverage) * share

    def _dark_home(self, state: State) -> int | None:
        """Return the site that was lost with the primary while its clients wait."""
        site = self.nodes.groups[state.primary].site
        waits = not self.nodes.shared and state.clients[site] in {"waiting", "stuck"}
        return site if waits else None

    def _astray(self, state: State) -> Iterator[tuple[State, Quantity]]:
        """Yield where a failover that did not work leads."""
        failed = state._replace(cause=Cause.FAILOVER_FAILED)
        kind = self._kind(state)
        told = 0 if kind is None else kind.told
        if self.failover.retry is not None:
            most = self.failover.tries
            if most is None or state.tries < most:
                counted = most is not None or state.tries <= told > 0
                tries = state.tries + counted
                yield failed._replace(phase="retrying", tries=tries), 1
                return
        if self.failover.manual is not None:
            tries = state.tries if told else 0
            yield failed._replace(phase="manual", tries=tries), 1
            return
        law = 0 if kind is None else kind.law
        for i, share in self.nodes.candidates(failed):
            spoilt = self.nodes.moved(failed, i, (0, -1), (1 + law, 1))
            yield self.nodes.give_up(spoilt, Cause.FAILOVER_FAILED), share

    def _kind(self, state: State) -> Kind | None:
        return None if state.mode < 0 else self.kinds[state.mode]

    def _detection(self, state: State) -> Quantity:  # a number or a law
        kind = self._kind(state)
        given = None if kind is None else kind.detection
        return self.failover.detection if given is None else given

    def _later(self) -> tuple[Quantity, ...]:
        """Return the stages that follow the detection."""
        failover = self.failover
        return failover.fencing, failover.promotion, failover.redirection

    def _detecting(self, state: State) -> Iterator[Event]:
        to = state._replace(phase="switching")
        yield from self._raced(state, self._detection(state), to)

    def _raced(self, state: State, stage: Quantity, to: State) -> Iterator[Event]:
        """Yield how a process that restarts in place races a stage."""
        kind = self.kinds[state.mode]
        gaps = state.tries - (state.phase == "retrying")
        first = self.first(kind, stage, gaps)
        again = self.nodes.moved(state, state.primary, (1 + kind.law, -1), (0, 1))
        back = self.nodes.serve(again, state.primary)
        yield Event("restart or failover", first, back, first.won)
        yield Event("restart or failover", first, to, 1 - first.won)

    def first(self, kind: Kind, stage: Quantity, gaps: int) -> First:
        """Return the race of a restart with a stage after some attempts."""
        gaps, retry = min(gaps, kind.told), self.failover.retry
        passed = added((retry,) * gaps) if gaps else 0
        repair = self.repairs[kind.law].mttr
        return First(repair=repair, stage=stage, passed=passed)

    def _switching(self, state: State) -> Iterator[Event]:
        kind = self._kind(state)
        if kind is not None and kind.in_place:  # its detection is over
            yield from self._takeover(state, self._later())
        else:
            stages = (self._detection(state), *self._later())
            yield from self._takeover(state, stages)

    def _leading(self, state: State) -> Iterator[Event]:
        """Yield how one detection leads the clients of a lost site and the service."""
        stages = (self._detection(state), self.failover.redirection)
        site = self.nodes.groups[state.primary].site
        led = self.nodes.sent(state, site, "moved")._replace(phase="promoting")
        yield Event("clients led away", Stages(stages), led)
        for i, share in self.nodes.candidates(state):
            yield from self._lost_on_the_way(state, i, share)

    def _promoting(self, state: State) -> Iterator[Event]:
        failover = self.failover
        yield from self._takeover(state, (failover.fencing, failover.promotion))

    def _demoting(self, state: State) -> Iterator[Event]:
        for i, share in self.nodes.candidates(state):
            to = self.nodes.moved(self.nodes.serve(state, i), state.primary, (0, 1))
            yield Event("takeover", Stages(self._later()), to, share)

    def _returning(self, state: State) -> Iterator[Event]:
        if self.failback is None:
            return
        after = Stages((self.failback.change,))
        for i, share in self.nodes.candidates(state):
            to = self.nodes.moved(self.nodes.serve(state, i), state.primary, (0, 1))
            yield Event("switchover", after, to, share)

    def _retrying(self, state: State) -> Iterator[Event]:
        retry = self.failover.retry
        kind = self._kind(state)
        if kind is None or not kind.in_place:
            for to, share in self._attempts(state):
                yield Event("next attempt", Stages((retry,)), to, share)
            return
        for to, share in self._attempts(state):
            for event in self._raced(state, retry, to):
                yield event._replace(share=event.share * share)

    def _manual(self, state: State) -> Iterator[Event]:
        stages = (self._detection(state), *self._later(), self.failover.manual)
        kind = self._kind(state)
        if kind is None or not kind.in_place:
            yield from self._takeover(state, stages)
            return
        whole = added(stages)
        for i, share in self.nodes.candidates(state):
            for event in self._raced(state, whole, self.nodes.serve(state, i)):
                yield event._replace(share=event.share * share)

    def _takeover(self, state: State, stages: tuple[Quantity, ...]) -> Iterator[Event]:
        """Yield how the best candidate becomes primary, or fails on the way."""
        for i, share in self.nodes.candidates(state):
            to = self.nodes.serve(state, i)
            site = self._dark_home(state)
            if site is not None:  # who made the standby serve leads the clients there
                to = self.nodes.sent(to, site, "moved")
            yield Event("takeover", Stages(stages), to, share)
            yield from self._lost_on_the_way(state, i, share)

    def _lost_on_the_way(
        self, state: State, i: int, share: Quantity
    ) -> Iterator[Event]:
        """Yield how a candidate fails while it takes over."""
        if is_never(self.takeover_mttf):
            return
        fewer = self.nodes.moved(state, i, (0, -1), (1, 1))
        left = self.nodes.candidates(fewer)
        to = fewer if left else self.nodes.exhausted(fewer)
        yield Event("takeover lost", self.takeover_mttf, to, share)

    def _waiting(self, state: State) -> Iterator[Event]:
        if self.holds is None:
            return
        again, left = state._replace(held=False), self.holds.mttr
        if hasattr(left, "sample"):  # it has been away for a while
            left = first_of(left, 0, 1)
        for to, share in self._attempts(again):
            yield Event(f"{self.holds.name} back", left, to, share)
