"""A primary and its standbys as one set of rules: what happens to them, state by state.

Nodes that are alike (same site, same attributes) are counted, not told apart.  A state
says which group the primary belongs to, what the service is doing, how many nodes of
each group are ready, down or unseen, and where the clients of each lost site are.  A
rule is a method that yields the events of one phase:

    serving    nodes fail and are repaired, sites are lost and come back, the service
               returns to its preferred place, a healthy primary is taken for dead
    stalled    writes wait for a standby that has just gone, until the timeout
    detecting  a failed process may be back before the failover is decided
    switching  the failover runs; the best candidate becomes primary
    leading    the primary's site is lost: one detection, which works for both or for
               neither, leads its clients away and starts the failover
    promoting  they have been led away; the best candidate becomes primary
    demoting   the same, with the old primary alive: nothing had failed
    returning  the service goes back to its preferred primary
    retrying   the failover did not work and is tried again after a time
    manual     it did not work, and a person finishes it
    waiting    it cannot begin, since what it hangs on is down
    lost       no failover can help: the first repair brings the service back

Assumptions
- Only in `serving` and `lost` does time pass for the nodes: in the other phases, which
  are short, no node fails or is repaired and no site is lost or comes back, but for
  `Standby.takeover_mttf`, a process that restarts, and clients that are led away.
- In `lost` nodes are repaired and sites come back; no further one fails.
- A site that is lost takes its nodes with it; when it returns, they have caught up and
  whatever else was wrong with them is mended.
- With fewer crews than failed nodes their work is shared evenly; the last primary,
  while nobody serves, comes last, where there is one law of repair only.
- Candidates are the nodes that are ready and may be promoted: those first that commits
  wait for, then by priority, then each as likely.
- A failover that does not work, that nobody finishes and that is not tried again,
  leaves its candidate in need of the same repair as the failed primary.
- The service stays where it is after a failover, unless `failback` is given.
- Where two times race (a restart and the detection), the chain takes the exact
  probability and mean of the race for the laws that are given, not for exponential
  ones: a number is an exponential time for a restart and a constant for a stage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel._quantity import rate_of
from hamodel.architectures._replicas import (
    NEVER,
    First,
    Handover,
    Holding,
    Kind,
    Nodes,
    Policy,
    State,
    WayBack,
    added,
    is_never,
    redirection,
    sooner,
)
from hamodel.architectures.base import Cause, Event, Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hamodel._types import Quantity
    from hamodel.architectures._shape import Names


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a replicated primary."""

    nodes: Nodes
    kinds: tuple[Kind, ...]
    repairs: tuple[tuple[Any, bool], ...]  # each law of repair; whether it needs a crew
    failover: Handover
    policy: Policy
    crews: int = 1
    restore: Quantity | None = None
    probe: Quantity = 0
    takeover_mttf: Quantity = NEVER
    site_mttf: Quantity = NEVER
    site_mttr: Any = 1.0
    failback: WayBack | None = None
    false_failovers: Quantity = 0.0  # 1/s
    holds: Holding | None = None  # a dependency without which no failover begins

    def blocked(self, state: State) -> bool:
        """Tell whether writes wait without end for a standby."""
        return self.nodes.in_sync(state) < self._of(self.policy.least, state)

    def _of(self, number: int, state: State) -> int:
        """Return a number of standbys; -1 means all that commits wait for."""
        return self.nodes.counted(state) if number < 0 else number

    def named(self, names: Names) -> Rules:
        """Return the same rules with terms for the numbers: see `Shape`."""
        times = "restore", "probe", "takeover_mttf", "site_mttf", "site_mttr"
        own = names.within(self, "rules", *times, "false_failovers")
        back, holds, handover = self.failback, self.holds, self.failover
        fields = "primary", "standby", "common", "detection", "coverage", "backup"
        return replace(
            own,
            kinds=tuple(
                names.within(kind, f"kind {k}", *fields)
                for k, kind in enumerate(self.kinds)
            ),
            repairs=tuple(
                (names.of(f"repair {k}", mttr), crew)
                for k, (mttr, crew) in enumerate(self.repairs)
            ),
            failover=names.within(handover, "failover", *handover._fields[:-1]),
            policy=names.within(self.policy, "policy", "timeout"),
            failback=back and names.within(back, "failback", *back._fields),
            holds=holds and names.within(holds, "holds", "mttf", "mttr"),
        )

    # ---- the rules -----------------------------------------------------------------

    def events(self, state: State) -> Iterator[Event]:
        """Yield what can happen."""
        if self.nodes.shared and self.nodes.dark(state, 0):
            yield Event("site back", self.site_mttr, self.nodes.sent(state, 0, "home"))
            return
        rule: Callable[[State], Iterator[Event]] = getattr(self, f"_{state.phase}")
        yield from rule(state)
        if self.nodes.shared:
            yield Event("site lost", self.site_mttf, self.nodes.sent(state, 0, "lost"))
            return
        for site in range(len(self.nodes.sites)):
            shared = state.phase in {"leading", "retrying"}
            if not (shared and site == self._dark_home(state)):
                yield from redirection(self.nodes, self.failover, state, site)

    def _serving(self, state: State) -> Iterator[Event]:
        for mode in range(len(self.kinds)):
            yield from self._primary_fails(state, mode)
            yield from self._standby_fails(state, mode)
            yield from self._all_fail(state, mode)
        yield from self._probes(state)
        for clock, after, to in self._repaired(state, None):
            yield Event(clock, after, to)
        yield from self._sites(state)
        yield from self._false_failover(state)
        yield from self._failback(state)
        yield from self._held(state)

    def _primary_fails(self, state: State, mode: int) -> Iterator[Event]:
        kind = self.kinds[mode]
        down = self.nodes.moved(state, state.primary, (1 + kind.law, 1))
        clock = f"primary fails ({kind.name})"
        yield from self._fail_over(down._replace(mode=kind.mode), clock, kind.primary)

    def _standby_fails(self, state: State, mode: int) -> Iterator[Event]:
        kind = self.kinds[mode]
        seen = np.ndim(self.probe) == 0 and self.probe == 0
        slot = 1 + kind.law + (0 if seen else self.nodes.laws)
        for i, nodes in enumerate(state.nodes):
            if nodes[0]:
                to = self.nodes.moved(state, i, (0, -1), (slot, 1))
                clock = f"standby of {i} fails ({kind.name})"
                after = sooner(kind.standby, nodes[0])
                yield Event(clock, after, self._without(state, to))

    def _all_fail(self, state: State, mode: int) -> Iterator[Event]:
        kind = self.kinds[mode]
        if is_never(kind.common):
            return
        rest = tuple(0 for _ in state.nodes[0])
        nodes = []
        for group, counts in zip(self.nodes.groups, state.nodes, strict=True):
            lit = not self.nodes.dark(state, group.site)
            down = list(counts if lit else rest)
            here = lit and group is self.nodes.groups[state.primary]
            unseen = counts[1 + self.nodes.laws + kind.law]
            down[1 + kind.law] += counts[0] + here + unseen
            down[0], down[1 + self.nodes.laws + kind.law] = 0, 0
            nodes.append(tuple(down))
        struck = state._replace(nodes=tuple(nodes), mode=kind.mode)
        to = self.nodes.give_up(struck, Cause.COMMON)
        yield Event(f"common cause ({kind.name})", kind.common, to)

    def _without(self, before: State, after: State) -> State:
        """Return the state after a standby has gone: perhaps writes wait first."""
        if self.policy.timeout is None:
            return after
        had, has = self.nodes.in_sync(before), self.nodes.in_sync(after)
        needed = self._of(self.policy.needed, before)
        waits = had > has if self.policy.each else had >= needed > has
        return after._replace(phase="stalled") if waits else after

    def _stalled(self, state: State) -> Iterator[Event]:
        to = state._replace(phase="serving")
        yield Event("timeout", Stages((self.policy.timeout,)), to)

    def _probes(self, state: State) -> Iterator[Event]:
        laws = self.nodes.laws
        for i, nodes in enumerate(state.nodes):
            for law in range(laws):
                if count := nodes[1 + laws + law]:
                    to = self.nodes.moved(state, i, (1 + laws + law, -1), (1 + law, 1))
                    clock = f"probe of {i} ({law})"
                    yield Event(clock, sooner(self.probe, count), to)

    def _repaired(
        self, state: State, last: tuple[int, int] | None
    ) -> Iterator[tuple[str, Any, State]]:
        """Yield the repairs that go on; `last` (group, law) is the last to be begun."""
        laws = self.nodes.laws
        waiting: dict[tuple[int, int], int] = {}
        for i, nodes in enumerate(state.nodes):
            for law, (mttr, crew) in enumerate(self.repairs):
                down, unseen = nodes[1 + law], nodes[1 + laws + law]
                if crew:
                    waiting[i, law] = down
                    continue
                for slot, count in ((1 + law, down), (1 + laws + law, unseen)):
                    if count:
                        to = self.nodes.moved(state, i, (slot, -1), (0, 1))
                        yield f"restart of {i} ({slot})", sooner(mttr, count), to
        for (i, law), at_once in self._crewed(waiting, last).items():
            to = self.nodes.moved(state, i, (1 + law, -1), (0, 1))
            mttr = self.repairs[law][0]
            yield f"repair of {i} ({law})", sooner(mttr, at_once), to

    def _crewed(
        self, waiting: dict[tuple[int, int], int], last: tuple[int, int] | None
    ) -> dict[tuple[int, int], Any]:
        """Return how many nodes of each sort are being repaired."""
        total = sum(waiting.values())
        if total > self.crews and last in waiting:
            total -= 1
            waiting = {key: n - (key == last) for key, n in waiting.items()}
        if total <= self.crews:
            return {key: n for key, n in waiting.items() if n}
        return {key: n * self.crews / total for key, n in waiting.items() if n}

    def _sites(self, state: State) -> Iterator[Event]:
        if self.nodes.shared or is_never(self.site_mttf):
            return
        home = self.nodes.groups[state.primary].site
        for site in range(len(self.nodes.sites)):
            if self.nodes.dark(state, site):
                clock, to = f"site {site} back", self.nodes.regain(state, site)
                yield Event(clock, self.site_mttr, to)
                continue
            lost = self.nodes.lose(state, site)
            clock = f"site {site} lost"
            if site == home:
                yield from self._fail_over(lost, clock, self.site_mttf)
            else:
                to = self._without(state, lost)
                yield Event(clock, self.site_mttf, to)

    def _false_failover(self, state: State) -> Iterator[Event]:
        rate = self.false_failovers
        if np.ndim(rate) == 0 and rate == 0:
            return
        if self.nodes.candidates(state) and not state.held:
            to = state._replace(phase="demoting", cause=Cause.FALSE_FAILOVER)
            yield Event("false failover", rate_of(rate), to)

    def _failback(self, state: State) -> Iterator[Event]:
        if self.failback is None:
            return
        here = self.nodes.groups[state.primary].rank
        better = [
            i
            for i, _ in self.nodes.candidates(state)
            if self.nodes.groups[i].rank > here
        ]
        if better:
            to = state._replace(phase="returning", cause=Cause.FAILING_BACK)
            yield Event("failback", Stages((self.failback.resync,)), to)

    def _held(self, state: State) -> Iterator[Event]:
        if self.holds is None:
            return
        if state.held:
            back = state._replace(held=False)
            yield Event(f"{self.holds.name} back", self.holds.mttr, back)
        else:
            gone = state._replace(held=True)
            yield Event(f"{self.holds.name} fails", self.holds.mttf, gone)

    # ---- failovers -----------------------------------------------------------------

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
        if self.failover.retry is not None:
            most = self.failover.tries
            if most is None or state.tries < most:
                tries = 0 if most is None else state.tries + 1
                yield failed._replace(phase="retrying", tries=tries), 1
                return
        if self.failover.manual is not None:
            yield failed._replace(phase="manual", tries=0), 1
            return
        law = max(0, 0 if state.mode < 0 else self.kinds[state.mode].law)
        for i, share in self.nodes.candidates(failed):
            spoilt = self.nodes.moved(failed, i, (0, -1), (1 + law, 1))
            yield self.nodes.give_up(spoilt, Cause.FAILOVER_FAILED), share

    def _kind(self, state: State) -> Kind | None:
        return None if state.mode < 0 else self.kinds[state.mode]

    def _detection(self, state: State) -> Any:  # noqa: ANN401  a number or a law
        kind = self._kind(state)
        given = None if kind is None else kind.detection
        return self.failover.detection if given is None else given

    def _later(self) -> tuple[Any, ...]:
        """Return the stages that follow the detection."""
        failover = self.failover
        return failover.fencing, failover.promotion, failover.redirection

    def _detecting(self, state: State) -> Iterator[Event]:
        to = state._replace(phase="switching")
        yield from self._raced(state, self._detection(state), to)

    def _raced(self, state: State, stage: Any, to: State) -> Iterator[Event]:  # noqa: ANN401
        """Yield how a process that restarts in place races a stage."""
        kind = self.kinds[state.mode]
        first = First(repair=self.repairs[kind.law][0], stage=stage)
        again = self.nodes.moved(state, state.primary, (1 + kind.law, -1), (0, 1))
        back = self.nodes.serve(again, state.primary)
        yield Event("restart or failover", first, back, first.won)
        yield Event("restart or failover", first, to, 1 - first.won)

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

    def _takeover(self, state: State, stages: tuple[Any, ...]) -> Iterator[Event]:
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
        again = state._replace(held=False)
        for to, share in self._attempts(again):
            yield Event(f"{self.holds.name} back", self.holds.mttr, to, share)

    def _lost(self, state: State) -> Iterator[Event]:
        lost = [k for k in range(len(self.nodes.sites)) if self.nodes.dark(state, k)]
        if not self.nodes.shared:
            for site in lost:
                back = self.nodes.regain(state, site)
                yield from self._resumed(f"site {site} back", self.site_mttr, back)
        idle = not any(nodes[0] for nodes in state.nodes)
        if self.restore is not None and idle and (self.nodes.shared or not lost):
            yield Event("restored", self.restore, self.nodes.all_ready(state))
            return
        kind = self._kind(state)
        last = (state.primary, 0) if kind is not None else None
        for clock, after, to in self._repaired(state, last):
            yield from self._resumed(clock, after, to)
        yield from self._held(state)

    def _resumed(self, clock: str, after: Any, state: State) -> Iterator[Event]:  # noqa: ANN401
        """Yield how the service comes back, if some node can serve."""
        found = self.nodes.candidates(state)
        if not found:
            yield Event(clock, after, state)
        for i, share in found:
            yield Event(clock, after, self.nodes.serve(state, i), share)
