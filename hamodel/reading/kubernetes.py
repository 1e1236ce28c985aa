"""Kubernetes manifests: a Deployment, a StatefulSet, and what guards them.

A pod is lost with its node, or its container hangs.  In the first case the node is not
ready after its grace period, the pod stays for as long as it tolerates that, and a new
one starts elsewhere: 40 + 300 s and the start.  A pod of a StatefulSet is not moved,
for it may still run: it waits for its node.  In the second case the liveness probe has
it restarted where it is.  Which of the two how often is nowhere written: half and half
is assumed, and said.

The pods of a Deployment are a tier of servers before a database that never fails, for
the manifests do not tell of one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from hamodel.reading._core import Draft, Format, Stated, Value
from hamodel.reading._manifests import (
    BUDGET,
    CLUSTER,
    FIELDS,
    MANAGER,
    SCALER,
    SELECTOR,
    WORKLOADS,
    knows,
    parse,
    probe,
)
from hamodel.reading._units import shown

_START = 10.0  # s, assumed: an image that is there, a process that starts
_HALF = 0.5  # of the failures, assumed: the node's; the others are the container's


class _Law(NamedTuple):
    """A time in the making: its parts, and the values that they are of."""

    parts: list[object]
    of: list[Value]


def compose(stated: Stated, draft: Draft) -> None:
    """Write the tier of a Deployment, the database of a StatefulSet, or both."""
    server, store = (_first(stated, draft, kind) for kind in WORKLOADS)
    if store is not None:
        _stateful(store, draft)
    elif server is not None:
        draft.leaves["architecture"] = ("single-primary", {})
        never = "the manifests tell of no database, and none fails here"
        draft.assume("database.mttf", "never", never)
    else:
        name = stated.files[0].name
        raise ValueError(f"{name} must hold a Deployment or a StatefulSet, got neither")
    if server is not None:
        _check_spread(server, draft)
        _tier(server, draft)
        _budget(_budget_of(stated, server), draft, server["Deployment.replicas"])
    for value in stated.all(f"{SCALER}.minReplicas"):
        draft.warn(value, "how many pods run is not fixed; `replicas` is taken")


def _first(stated: Stated, draft: Draft, kind: str) -> Stated | None:
    """Return what is said of the first workload of a kind; warn of every other."""
    places = {e.group: (f, e) for f, e in stated.entries(kind)}
    if not places:
        return None
    first, *others = places
    for other in others:
        file, entry = places[other]
        told = Value(value=other, name=other, where=file.where(entry))
        draft.warn(told, f"is left out, for {first} is read; read it by itself")
    own = _part(stated, first)
    said, *again = own.all(kind)
    if again:
        raise stated.refuse(again[0], f"{first} is at {said.where} too; leave one")
    draft.take(said)
    return own


def _part(stated: Stated, *groups: str) -> Stated:
    """Return what is said by objects, or of the cluster."""
    return stated.only(lambda entry: entry.group in (*groups, *CLUSTER))


def _budget_of(stated: Stated, server: Stated) -> Stated:
    """Return what the budgets say whose selector is of a workload's pods."""
    labels = _labels(server, "Deployment.template.metadata.labels.")
    groups = {e.group for f in stated.files for e in f.entries}
    return _part(
        stated,
        *(
            group
            for group in groups
            if group.startswith(f"{BUDGET} ")
            and _labels(_part(stated, group), SELECTOR).items() <= labels.items()
        ),
    )


def _labels(stated: Stated, begins: str) -> dict[str, str]:
    entries = [e for f in stated.files for e in f.entries if e.name.startswith(begins)]
    return {e.name.removeprefix(begins): e.raw for e in entries}


def _start(pod: Stated) -> _Law:
    """Return how long a container takes to be ready."""
    delay = pod[probe("readiness", "initialDelaySeconds")]
    period = pod[probe("readiness", "periodSeconds")]
    looked_at = f"uniform(0 s, {shown(period.seconds)})"
    return _Law([shown(_START + delay.seconds), looked_at], [delay, period])


def _restart(pod: Stated, draft: Draft) -> _Law:
    """Return how long a container that fails is away."""
    start = _start(pod)
    if not any(name.startswith("pod.livenessProbe") for name in pod.names):
        draft.warn(None, "without a livenessProbe a container that hangs stays so")
        return start
    period = pod[probe("liveness", "periodSeconds")]
    misses = pod[probe("liveness", "failureThreshold")]
    limit = pod[probe("liveness", "timeoutSeconds")]
    grace = pod["pod.terminationGracePeriodSeconds"]
    if limit.seconds > period.seconds:
        draft.warn(limit, f"is above the period of {shown(period.seconds)}")
    most = misses.count * period.seconds
    noticed = f"uniform({shown(most - period.seconds)}, {shown(most)})"
    stopped = shown(limit.seconds + grace.seconds)
    return _Law(
        [noticed, stopped, *start.parts], [period, misses, limit, grace, *start.of]
    )


def _moved(pod: Stated) -> _Law:
    """Return how long a pod whose node is lost is away."""
    grace = pod[f"{MANAGER}node-monitor-grace-period"]
    look = pod[f"{MANAGER}node-monitor-period"]
    beat, stays = pod["nodeStatusUpdateFrequency"], pod["pod.tolerationSeconds"]
    if beat.seconds >= grace.seconds:
        said = f"must be < node-monitor-grace-period = {shown(grace.seconds)}"
        raise pod.refuse(beat if beat.where else grace, said)
    start = _start(pod)
    silent = f"uniform({shown(grace.seconds - beat.seconds)}, {shown(grace.seconds)})"
    parts = [silent, f"uniform(0 s, {shown(look.seconds)})", shown(stays.seconds)]
    return _Law([*parts, *start.parts], [grace, look, beat, stays, *start.of])


def _either(
    draft: Draft, path: str, node: object, pod: _Law, of: Sequence[Value]
) -> None:
    """Write a time to repair: half of the failures the node's, half the container's."""
    law = {
        "mixture": [
            {"share": _HALF, "time": node},
            {"share": 1 - _HALF, "time": {"sum": pod.parts}},
        ]
    }
    because = "half of the failures assumed to be the node's, half the container's"
    draft.put(path, law, *of, because=f"{because}; {shown(_START)} to start")


def _stateful(pod: Stated, draft: Draft) -> None:
    draft.base = draft.base or "kubernetes-statefulset"
    count = pod["StatefulSet.replicas"]
    restart = _restart(pod, draft)
    stays = pod.given("pod.tolerationSeconds")
    if stays is not None:
        said = "a pod of a StatefulSet is not moved, however short it tolerates"
        draft.warn(stays, f"{said} a lost node; a person must delete it")
    if count.count > 1:
        said = (
            f"{count.value} pods replicate by themselves; read the product's own file"
        )
        draft.warn(count, f"{said}: here they are one primary")
        draft.take(count)
        draft.put("database.cost", count.count, count)
    else:
        draft.take(count)
    _either(draft, "database.mttr", "3 h", restart, restart.of)


def _tier(pod: Stated, draft: Draft) -> None:
    count = pod["Deployment.replicas"]
    if not count.count:
        raise pod.refuse(count, "must be >= 1 for a service, got 0")
    moved, restart = _moved(pod), _restart(pod, draft)
    of = [*dict.fromkeys((*moved.of, *restart.of))]
    paths = ["site.apps.node.mttr"]
    if "database.mttf" in draft.leaves:  # recovery is that of a pod
        paths.append("database.mttr")
    for path in paths:
        _either(draft, path, {"sum": moved.parts}, restart, of)
    draft.leaves["site.apps.node.mttf"] = (
        "2086 h",
        {"assumed": "restarts of a server from all causes, FAIL-016"},
    )
    draft.put("site.apps.servers", count.count, count)


def _budget(stated: Stated, draft: Draft, count: Value) -> None:
    """Write how many pods it takes: as the disruption budget says, else one."""
    least = stated.given("PodDisruptionBudget.minAvailable")
    most = stated.given("PodDisruptionBudget.maxUnavailable")
    value = least or most
    if value is None:
        draft.assume("site.apps.needed", 1, "one pod is enough to serve")
        if count.count > 1:
            said = "without a PodDisruptionBudget a drain may take all pods at once"
            draft.warn(None, said)
        return
    pods = _pods(stated, value, count.count)
    needed = pods if least else count.count - pods
    if needed >= count.count:
        said = f"of {count.count} pods none may go: no node with one can be drained"
        draft.warn(value, said)
    because = "so many must serve, as the budget has it"
    needed = min(max(needed, 1), count.count)
    draft.put("site.apps.needed", needed, value, because=because)


def _pods(stated: Stated, value: Value, count: int) -> int:
    """Return a number of pods, or a share of them rounded up."""
    raw = str(value.value).strip()
    if re.fullmatch(r"\d+%", raw):
        return math.ceil(int(raw[:-1]) * count / 100)
    if re.fullmatch(r"\d+", raw):
        return int(raw)
    raise stated.refuse(value, f"must be a number or a share of pods, got {raw!r:.20}")


def _check_spread(stated: Stated, draft: Draft) -> None:
    counts = stated.all("Deployment.replicas")
    several = [count for count in counts if count.count > 1]
    if several and not stated.names & {"topologySpreadConstraints", "podAntiAffinity"}:
        said = "without topologySpreadConstraints or podAntiAffinity pods may share a"
        draft.warn(several[0], f"{said} node, and fail together")


KUBERNETES = Format("kubernetes", "Kubernetes", "1.31", FIELDS, knows, parse, compose)
