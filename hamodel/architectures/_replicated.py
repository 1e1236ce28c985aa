"""A primary and its standbys as one set of rules: what happens to them, state by state.

Nodes that are alike (same site, same attributes) are counted, not told apart.  A state
says which group the primary belongs to, what the service is doing, how many nodes of
each group are ready, down or unseen, and where the clients of each lost site are.  A
rule is a method that yields the events of one phase.  Five kinds of failure at three
nodes over three sites make 1,155 states, and no exact lumping has less than 1,053.

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
- In `lost` nodes are repaired and sites come back; no further one fails, and what had
  failed unseen is found at once.
- Where only nodes in sync may lead ("in-sync" without `unclean`) and the last of them
  was lost, it is repaired first, and the service waits for it.  After a common cause,
  and after a failover that did not work, several were in sync, and the first is enough.
- A node that follows another (a cascade) ranks behind those of its priority that follow
  the primary.  While what it follows is down, it is not promoted, unless all are lost
  and something comes back: who then chooses takes the best there is.
- A site that is lost takes its nodes with it; when it returns, they have caught up and
  whatever else was wrong with them is mended.  After all were lost its last primary
  serves again, if it was there, before its equals.
- In `lost` a repair of one law for all counts by that law: as begun with the outage
  after a common cause, where it was unseen, and of the two nodes that a failover takes
  that did not work; else what is left at a random moment.  What is left of the others
  once one is back counts as a new repair.  After a common cause of three nodes that
  leaves "all nodes down" up to 1.8 (Erlang) or 2.2 times (a coefficient of 3) too
  long, which is 1e-4 of all downtime there.
- With fewer crews than failed nodes their work is shared evenly; the last primary,
  while nobody serves, comes last, where there is one law of repair only.
- Candidates are the nodes that are ready and may be promoted: those first that commits
  wait for, then by priority, then those at the primary's site, which have most, then
  each as likely.
- A failover that does not work, that nobody finishes and that is not tried again,
  leaves its candidate in need of the same repair as the failed primary.
- The service stays where it is after a failover, unless `failback` is given.
- A restart in place of a law that remembers goes on from attempt to attempt: a hundred
  of them are told apart at most, and fewer where no more come in 1e-9 of all failures.
- Where two times race (a restart and the detection), the chain takes the exact
  probability and mean of the race for the laws that are given, not for exponential
  ones: a number is an exponential time for a restart and a constant for a stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity
from hamodel.architectures._events import (
    Cause,
    Event,
    Stages,
    first_of,
    is_never,
    sooner,
)
from hamodel.architectures._failing_over import Failovers
from hamodel.architectures._replicas import Policy, State, redirection
from hamodel.architectures._shape import Names


@dataclass(frozen=True, kw_only=True)
class Rules(Failovers):
    """The rules of a replicated primary."""

    policy: Policy
    crews: int
    restore: Quantity | None
    probe: Quantity
    site_mttf: Quantity
    site_mttr: Quantity
    false_failovers: Quantity  # 1/s

    def blocked(self, state: State) -> bool:
        """Tell whether writes wait without end for a standby."""
        least = min(self.policy.least, self.nodes.counted(state))
        return self.nodes.in_sync(state) < least

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
                names.within(repair, f"repair {k}", "mttr", "restore")
                for k, repair in enumerate(self.repairs)
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
        for clock, after, to in self._repaired(state):
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
        needed = self.policy.needed or had
        waits = had >= needed > has
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
        self,
        state: State,
        last: tuple[int, int] | None = None,
        crews: int | None = None,
    ) -> Iterator[tuple[str, Quantity, State]]:
        """Yield the repairs that go on; `last` (group, law) is the last to be begun."""
        laws = self.nodes.laws
        waiting: dict[tuple[int, int], int] = {}
        for i, nodes in enumerate(state.nodes):
            for law, (mttr, crew, _) in enumerate(self.repairs):
                down, unseen = nodes[1 + law], nodes[1 + laws + law]
                if crew:
                    waiting[i, law] = down
                    continue
                for slot, count in ((1 + law, down), (1 + laws + law, unseen)):
                    if count:
                        to = self.nodes.moved(state, i, (slot, -1), (0, 1))
                        yield f"restart of {i} ({slot})", sooner(mttr, count), to
        crews = self.crews if crews is None else crews
        for (i, law), at_once in _crewed(waiting, last, crews).items():
            to = self.nodes.moved(state, i, (1 + law, -1), (0, 1))
            what, time = self._restore(state, law)
            yield f"{what} of {i} ({law})", sooner(time, at_once), to

    def _restore(self, state: State, law: int) -> tuple[str, Quantity]:
        """Return how a node is mended: its data may have to come from a backup."""
        repair = self.repairs[law]
        alone = state.phase == "lost" and not any(n[0] for n in state.nodes)
        if alone and repair.restore is not None:
            return "restore", repair.restore
        return "repair", repair.mttr

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
        here = self.nodes.groups[state.primary].rank[:2]
        better = [
            i
            for i, _ in self.nodes.candidates(state)
            if self.nodes.groups[i].rank[:2] > here
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

    def _lost(self, state: State) -> Iterator[Event]:
        if self.nodes.waits_for_the_last(state):
            yield from self._last_returns(state)
        else:
            yield from self._first_returns(state)
        yield from self._held(state)

    def _last_returns(self, state: State) -> Iterator[Event]:
        """Yield how the last primary comes back, and others that wait for it."""
        here, kind = state.primary, self._kind(state)
        home, crews, others, slot = self.nodes.groups[here].site, self.crews, state, 0
        for site in range(len(self.nodes.sites)):
            if self.nodes.dark(state, site) and not self.nodes.shared:
                back = self.nodes.regain(state, site)
                to = self.nodes.serve(back, here) if site == home else back
                yield Event(f"site {site} back", self.site_mttr, to)
        if kind is not None:
            slot = 1 + kind.law
            others = self.nodes.moved(state, here, (slot, -1))
            back = self.nodes.moved(others, here, (0, 1))
            time = self._restore(state, kind.law)[1]
            yield Event("last primary back", time, self.nodes.serve(back, here))
            crews -= self.repairs[kind.law].crew
        for clock, after, to in self._repaired(others, None, crews):
            yield Event(clock, after, self.nodes.moved(to, here, (slot, bool(slot))))

    def _first_returns(self, state: State) -> Iterator[Event]:
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
        repaired = list(self._repaired(state, last))
        first = self._first_repair(state) if len(lost) < len(self.nodes.sites) else None
        total = sum(rate_of(mean_of(after)) for _, after, _ in repaired)
        for clock, after, to in repaired:
            if first is None:
                yield from self._resumed(clock, after, to)
                continue
            share = 1 if len(repaired) == 1 else rate_of(mean_of(after)) / total
            for event in self._resumed("first repair", first, to):
                yield event._replace(share=event.share * share)

    def _first_repair(self, state: State) -> Quantity | None:
        """Return the law of the first repair after all were lost, where it matters.

        Some repairs begin now, and some have run for a while.  Nothing is returned
        for exponential ones, and for those of different laws, which race by means.
        """
        laws, cause = self.nodes.laws, state.cause
        down = [sum(n[1 + k] for n in state.nodes) for k in range(laws)]
        many, law = sum(down), int(np.argmax(down))
        what, time = self._restore(state, law)
        again = any(n[0] for n in state.nodes) and cause != Cause.FAILOVER_FAILED
        if not many or down[law] < many or again or not hasattr(time, "sample"):
            return None
        begun = 2 if cause in {Cause.FAILOVER_FAILED, Cause.STANDBY_UNSEEN} else 1
        if what == "restore" or cause == Cause.COMMON:
            begun = many
        elif self.nodes.dark(state, self.nodes.groups[state.primary].site):
            begun = 0
        crews = self.crews if self.repairs[law].crew else many
        old = min(crews, max(0, many - begun))
        return first_of(time, min(begun, crews - old), old)

    def _resumed(self, clock: str, after: Quantity, state: State) -> Iterator[Event]:
        """Yield how the service comes back, if some node can serve."""
        found = self.nodes.candidates(state)
        if not found:
            yield Event(clock, after, state)
        for i, share in found:
            yield Event(clock, after, self.nodes.serve(state, i), share)


def _crewed(
    waiting: dict[tuple[int, int], int], last: tuple[int, int] | None, crews: int
) -> dict[tuple[int, int], Quantity]:
    """Return how many nodes of each sort are being repaired."""
    total = sum(waiting.values())
    if total > crews and last in waiting:
        total -= 1
        waiting = {key: n - (key == last) for key, n in waiting.items()}
    if total <= crews:
        return {key: n for key, n in waiting.items() if n}
    return {key: n * crews / total for key, n in waiting.items() if n and crews}
