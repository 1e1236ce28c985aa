"""From what is said of a primary and its standbys to the rules that they follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hamodel import _check
from hamodel._check import is_symbolic
from hamodel._quantity import rate_of
from hamodel._types import Quantity, Value
from hamodel.architectures._events import NEVER, is_exponential, is_never
from hamodel.architectures._nodes import IN_PLACE, Failure, Replica
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures._replicas import (
    Alike,
    Handover,
    Holding,
    Kind,
    Nodes,
    Policy,
    Repair,
    WayBack,
)
from hamodel.architectures._replicated import Rules
from hamodel.failover import Failover, false_alarm_rate

_RARE = 1e-9  # a chance of further attempts that are not told apart
_MOST = 100  # attempts that are


def rules_of(
    spec: PairSpec,
    *,
    together: bool = False,
    watched: int | None = None,
    dormant: bool = False,
) -> Rules:
    """Return the rules of a specification; for the options see `part_of`.

    Kinds of failure that never occur make no states; `dormant` keeps them.
    """
    sites = ("",) if together else spec.sites
    kinds, repairs = _kinds(spec, dormant)
    standby, site, back = spec.standby, spec.site, spec.failback
    return Rules(
        nodes=Nodes(
            groups=_groups(spec, sites),
            sites=sites,
            laws=len(repairs),
            clean=spec.clean_election,
            watched=watched,
        ),
        kinds=kinds,
        repairs=repairs,
        failover=Handover.of(spec.failover),
        policy=_policy(spec),
        crews=spec.crews,
        restore=spec.restore,
        probe=standby.probe,
        takeover_mttf=standby.takeover_mttf,
        site_mttf=NEVER if together and len(spec.sites) > 1 else site.mttf,
        site_mttr=site.mttr,
        failback=None
        if back is None
        else WayBack(back.resync, back.switchover.duration),
        false_failovers=_false_failovers(spec),
        holds=next(
            (
                Holding(one.name, one.mttf, one.mttr)
                for one in spec.depends_on
                if one.effect == "no failover"
            ),
            None,
        ),
    )


def _groups(spec: PairSpec, sites: tuple[str, ...]) -> tuple[Alike, ...]:
    """Count the nodes that are alike."""
    grouped = _grouped(spec, sites, spec.nodes)
    place = {name: i for i, (*_, name) in enumerate(grouped) if name}
    return tuple(
        alike._replace(size=len(nodes), follows=place.get(follows, -1))
        for (alike, follows, _), nodes in grouped.items()
    )


def members_of(spec: PairSpec, nodes: tuple[Replica, ...]) -> list[list[Replica]]:
    """Return the nodes of each group of the rules, in their order."""
    return list(_grouped(spec, spec.sites, nodes).values())


def _grouped(
    spec: PairSpec, sites: tuple[str, ...], nodes: tuple[Replica, ...]
) -> dict[tuple[Alike, str, str], list[Replica]]:
    """Return the nodes by what they have alike, and by whom they follow."""
    found: dict[tuple[Alike, str, str], list[Replica]] = {}
    waits = spec.replication.mode != "async"
    followed = {node.follows for node in nodes} - {""}
    for node in nodes:
        site = sites.index(node.site) if len(sites) > 1 else 0
        sync, name = node.acknowledges, node.name if node.name in followed else ""
        rank = (sync or not waits, node.priority, not node.follows)
        reads = node.reads == "local"
        alike = Alike(site, 0, node.promotable, rank, sync, reads)
        key = alike, node.follows, name
        found.setdefault(key, []).append(node)
    return found


def _kinds(
    spec: PairSpec, dormant: bool
) -> tuple[tuple[Kind, ...], tuple[Repair, ...]]:
    """Return the kinds of failure of a node, and the different laws of repair."""
    database, failover, share = spec.database, spec.failover, spec.common_cause
    plain = Failure(mttf=database.mttf, mttr=database.mttr, name="node")
    given = [
        kind
        for kind in spec.failures
        if kind.kind != "everywhere" and (dormant or not is_never(kind.mttf))
    ]
    all_kinds = [plain, *given]
    if given and is_never(database.mttf) and spec.standby.mttf is None:
        all_kinds = given
    repairs: list[Repair] = []
    made: list[Kind] = []
    for one in all_kinds:
        in_place = one.kind in IN_PLACE
        if in_place and hasattr(one.mttr, "sample"):
            _check_race(one, failover)
        law = _place(repairs, Repair(one.mttr, not in_place, one.restore))
        standby = spec.standby.mttf if one is plain else None
        coverage = failover.coverage if one.coverage is None else one.coverage
        handled = (law, in_place, one.detection, coverage)
        mode = next(
            (k for k, other in enumerate(made) if _same(_handled(other), handled)),
            len(made),
        )
        found = Kind(
            name=one.name,
            kind=one.kind,
            primary=_apart(one.mttf, share),
            standby=_apart(one.mttf if standby is None else standby, share),
            common=_common(one.mttf, share),
            law=law,
            mode=mode,
            in_place=in_place,
            detection=one.detection,
            coverage=coverage,
            backup=one.backup,
            told=_told(one.mttr, coverage, failover) if in_place else 0,
        )
        made.append(found)
    if failover.manual is not None and len(repairs) > 1 and not spec.clean_election:
        made = [_unmarked(kind, failover.coverage) for kind in made]
    return tuple(made), tuple(repairs)


def _check_race(kind: Failure, failover: Failover) -> None:
    """Raise where a restart of a law races laws of arrays; numbers may be arrays."""
    named = "detection", "fencing", "promotion", "redirection", "manual"
    whole = {name: getattr(failover, name) for name in named}
    if kind.detection is not None:
        whole["detection"] = kind.detection
    times = whole | {"retry": failover.retry, "mttr": kind.mttr}
    laws = {name: time for name, time in times.items() if hasattr(time, "sample")}
    if failover.manual is not None and whole.keys() & laws.keys():
        laws |= whole  # they are added
    _check.alone("laws that race a restart in place of a law", **laws)


def _told(mttr: Quantity, coverage: Quantity, failover: Failover) -> int:
    """Return after how many attempts a restart is told apart from a new one.

    An exponential one never is; of others, until it has ended or an attempt has worked.
    In a formula of the coverage none are, so that it stays short.
    """
    gap = failover.retry
    if gap is None or not hasattr(mttr, "sample") or is_exponential(mttr):
        return 0
    most = _MOST if failover.tries is None else min(failover.tries, _MOST)
    if is_symbolic(coverage):
        return 0
    fails = 1 - np.min(coverage)
    least = gap.support[0] if hasattr(gap, "sample") else gap
    left, told = 1.0, 0
    while left > _RARE and told < most:
        told += 1
        left = fails**told * np.max(mttr.sf(told * np.min(least)))
    return told


def _unmarked(kind: Kind, coverage: Quantity) -> Kind:
    """Return a kind that is failed over as the loss of a site is, if it is so."""
    usual = not kind.in_place and kind.detection is None and kind.coverage is coverage
    return replace(kind, mode=-1) if usual else kind


def _handled(kind: Kind) -> tuple[object, ...]:
    return kind.law, kind.in_place, kind.detection, kind.coverage


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Tell whether fields are equal: numbers by value, arrays and laws if the same."""
    pairs = zip(one, other, strict=True)
    return all(a is b or (_plain(a) and _plain(b) and a == b) for a, b in pairs)


def _plain(value: object) -> bool:
    return isinstance(value, int | float) or hasattr(value, "free_symbols")


def _place(known: list[Repair], law: Repair) -> int:
    """Return the number of a law of repair, a new one if need be."""
    for k, other in enumerate(known):
        if _same(other, law):
            return k
    known.append(law)
    return len(known) - 1


def _zero(share: Quantity) -> bool:
    return np.ndim(share) == 0 and not hasattr(share, "free_symbols") and share == 0


def _apart(mttf: Quantity, share: Quantity) -> Quantity:
    """Return the mean time to a failure of one node alone."""
    return mttf if _zero(share) else rate_of(rate_of(mttf) * (1 - share))


def _common(mttf: Quantity, share: Quantity) -> Quantity:
    """Return the mean time to a failure that all nodes share."""
    return NEVER if _zero(share) else rate_of(rate_of(mttf) * share)


def _policy(spec: PairSpec) -> Policy:
    """Return what commits wait for."""
    replication = spec.replication
    count = int(replication.acknowledgements)
    match replication.mode:
        case "async":
            return Policy()
        case "semi-sync":
            return Policy(timeout=replication.timeout, needed=count)
        case "sync":
            return Policy(least=len(spec.nodes))
        case "quorum":
            return Policy(least=count)
        case "in-sync":
            return Policy(least=count, timeout=replication.timeout)
        case _:
            raise ValueError(f"replication.mode is unknown, got {replication.mode!r}")


def _false_failovers(spec: PairSpec) -> Quantity:
    """Return how often in 1/s a healthy primary is failed over."""
    detector: Value = spec.failover.mechanisms.get("detection", spec.failover.detection)
    if spec.stalls is None and not hasattr(detector, "false_alarm_rate"):
        return 0.0
    return false_alarm_rate(detector, spec.stalls)
