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
from typing import TYPE_CHECKING, NamedTuple

from hamodel.reading._core import Default, Entry, Field, File, Format, Found, flat
from hamodel.reading._texts import documents
from hamodel.reading._units import shown, time, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hamodel.reading._core import Sheet, Value
    from hamodel.specfile import Node

_NODES = "Kubernetes documentation: Nodes, 2024"
_PROBES = (
    "Kubernetes documentation: Configure Liveness, Readiness and Startup Probes, 2024"
)
_PODS = "Kubernetes documentation: Pod Lifecycle, 2024"
_SETS = "Kubernetes documentation: Deployments, 2024"
_START = 10.0  # s, assumed: an image that is there, a process that starts
_HALF = 0.5  # of the failures, assumed: the node's; the others are the container's
_POD = "spec.template.spec."
_MANAGER = "controllerManager.extraArgs."
_READY = "how soon a pod that hangs gets no requests; here it gets none at once"
_ROLLING = "how many pods an update takes at once; `maintenance` says how long it takes"
_SPREAD = "that pods do not share a node or a zone; here they fail independently"
_second = time(1)


def _probe(kind: str, name: str) -> str:
    return f"pod.{kind}Probe.{name}"


FIELDS = (
    Field(
        name="Deployment.replicas",
        to="site.apps.servers",
        read=whole(),
        defaults=(Default("1", _SETS),),
    ),
    Field(
        name="StatefulSet.replicas",
        to="database",
        read=whole(),
        defaults=(Default("1", _SETS),),
    ),
    Field(name="PodDisruptionBudget.minAvailable", to="site.apps.needed"),
    Field(name="PodDisruptionBudget.maxUnavailable", to="site.apps.needed"),
    Field(
        name="pod.tolerationSeconds",
        to="mttr of a pod",
        read=_second,
        defaults=(Default("300", "FO-064"),),
    ),
    Field(
        name="pod.terminationGracePeriodSeconds",
        to="mttr of a pod",
        read=_second,
        defaults=(Default("30", _PODS),),
    ),
    Field(
        name=_probe("liveness", "periodSeconds"),
        to="mttr of a pod",
        read=_second,
        defaults=(Default("10", _PROBES),),
    ),
    Field(
        name=_probe("liveness", "failureThreshold"),
        to="mttr of a pod",
        read=whole(1),
        defaults=(Default("3", _PROBES),),
    ),
    Field(
        name=_probe("liveness", "timeoutSeconds"),
        to="mttr of a pod",
        read=_second,
        defaults=(Default("1", _PROBES),),
    ),
    Field(
        name=_probe("readiness", "initialDelaySeconds"),
        to="mttr of a pod",
        read=_second,
        defaults=(Default("0", _PROBES),),
    ),
    Field(
        name=_probe("readiness", "periodSeconds"),
        to="mttr of a pod",
        read=_second,
        defaults=(Default("10", _PROBES),),
    ),
    Field(
        name=f"{_MANAGER}node-monitor-grace-period",
        to="mttr of a pod",
        read=_second,
        defaults=(
            Default("40s", "FO-063"),
            Default("50s", f"{_NODES}; fact FO-063", "1.32"),
        ),
    ),
    Field(
        name=f"{_MANAGER}node-monitor-period",
        to="mttr of a pod",
        read=_second,
        defaults=(Default("5s", "FO-113"),),
    ),
    Field(
        name="nodeStatusUpdateFrequency",
        to="mttr of a pod",
        read=_second,
        defaults=(Default("10s", "FO-066"),),
    ),
    Field(
        name=_probe("liveness", "initialDelaySeconds"),
        read=_second,
        why="how long a new container is not looked at",
    ),
    Field(name=_probe("readiness", "failureThreshold"), read=whole(1), why=_READY),
    Field(name=_probe("readiness", "timeoutSeconds"), read=_second, why=_READY),
    Field(name=_probe("readiness", "successThreshold"), read=whole(1), why=_READY),
    Field(name="topologySpreadConstraints", why=_SPREAD),
    Field(name="podAntiAffinity", why=_SPREAD),
    Field(name="Deployment.strategy.rollingUpdate.maxUnavailable", why=_ROLLING),
    Field(name="Deployment.strategy.rollingUpdate.maxSurge", why=_ROLLING),
    Field(name="Deployment.strategy.type", why=_ROLLING),
    Field(name="Deployment.minReadySeconds", read=_second, why=_ROLLING),
    Field(name="StatefulSet.podManagementPolicy", why="the order in which pods start"),
)
_SPREADS = re.compile(r"(?:affinity\.)?(topologySpreadConstraints|podAntiAffinity)")
_WORKLOADS = ("Deployment", "StatefulSet")
_CLUSTER = ("ClusterConfiguration", "KubeletConfiguration")


def knows(_: str, text: str) -> bool:
    """Tell whether a text holds manifests."""
    return all(
        re.search(rf"(?m)^{key}\s*:\s*\S", text) for key in ("apiVersion", "kind")
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield what matters of each document; of others, such as Secrets, their kind."""
    for node in documents(file):
        kind = _word(node, "kind")
        if kind in _WORKLOADS:
            yield from _workload(node, kind)
        elif kind == "PodDisruptionBudget" or kind in _CLUSTER:
            for entry in flat(node):
                name = entry.name.removeprefix("spec.")
                own = kind not in _CLUSTER
                yield entry._replace(name=f"{kind}.{name}" if own else name, group=kind)
        else:
            yield Entry(kind or "document", "", node.line, group=kind)


def _word(node: Node, key: str) -> str:
    inner = node.get(key)
    return inner.raw if inner else ""


def _workload(node: Node, kind: str) -> Iterator[Entry]:
    """Yield what a Deployment or a StatefulSet says of itself and of its pods."""
    tolerated: dict[str, dict[str, Entry]] = {}
    for entry in flat(node):
        name = entry.name
        if not name.startswith(_POD):
            yield entry._replace(name=name.replace("spec", kind, 1), group=kind)
            continue
        name = name.removeprefix(_POD)
        toleration = re.match(r"tolerations\[(\d+)\]\.(\w+)", name)
        spread = _SPREADS.match(name)
        if toleration:
            tolerated.setdefault(toleration[1], {})[toleration[2]] = entry
        elif spread:
            yield entry._replace(name=spread[1], group=kind)
        else:
            yield entry._replace(
                name="pod." + name.removeprefix("containers[0]."), group=kind
            )
    for told in tolerated.values():
        key, seconds = told.get("key"), told.get("tolerationSeconds")
        lost = key is None or re.search(r"(not-ready|unreachable)$", key.raw)
        if seconds is not None and lost:
            yield seconds._replace(name="pod.tolerationSeconds", group=kind)


class _Law(NamedTuple):
    """A time in the making: its parts, and the values that they are of."""

    parts: list[object]
    of: list[Value]


def compose(found: Found, sheet: Sheet) -> None:
    """Write the tier of a Deployment, the database of a StatefulSet, or both."""
    kinds = [e.group for f in found.files for e in f.entries if e.group in _WORKLOADS]
    if not kinds:
        name = found.files[0].name
        raise ValueError(f"{name} must hold a Deployment or a StatefulSet, got neither")
    _check_spread(found, sheet)
    if "StatefulSet" in kinds:
        _stateful(found, sheet)
    else:
        _stateless(sheet)
    if "Deployment" in kinds:
        _tier(found, sheet)


def _part(found: Found, kind: str) -> Found:
    """Return what is said by documents of a kind, or of the cluster."""
    files = []
    for file in found.files:
        kept = tuple(e for e in file.entries if e.group in (kind, *_CLUSTER))
        files.append(File(name=file.name, path=file.path, text=file.text, entries=kept))
    return Found(format=found.format, files=tuple(files), version=found.version)


def _start(pod: Found) -> _Law:
    """Return how long a container takes to be ready."""
    delay = pod[_probe("readiness", "initialDelaySeconds")]
    period = pod[_probe("readiness", "periodSeconds")]
    parts: list[object] = [shown(_START + delay.seconds)]
    if period.value:
        parts.append(f"uniform(0 s, {shown(period.seconds)})")
    return _Law(parts, [delay, period])


def _restart(pod: Found, sheet: Sheet) -> _Law:
    """Return how long a container that fails is away."""
    start = _start(pod)
    probed = any(
        e.name.startswith("pod.livenessProbe") for f in pod.files for e in f.entries
    )
    if not probed:
        sheet.warn(None, "without a livenessProbe a container that hangs stays so")
        return start
    period = pod[_probe("liveness", "periodSeconds")]
    misses = pod[_probe("liveness", "failureThreshold")]
    limit = pod[_probe("liveness", "timeoutSeconds")]
    grace = pod["pod.terminationGracePeriodSeconds"]
    if limit.seconds > period.seconds:
        sheet.warn(limit, f"is above the period of {shown(period.seconds)}")
    most = misses.count * period.seconds
    noticed = f"uniform({shown(most - period.seconds)}, {shown(most)})"
    stopped = shown(limit.seconds + grace.seconds)
    return _Law(
        [noticed, stopped, *start.parts], [period, misses, limit, grace, *start.of]
    )


def _moved(pod: Found) -> _Law:
    """Return how long a pod whose node is lost is away."""
    grace = pod[f"{_MANAGER}node-monitor-grace-period"]
    look = pod[f"{_MANAGER}node-monitor-period"]
    beat, stays = pod["nodeStatusUpdateFrequency"], pod["pod.tolerationSeconds"]
    if beat.seconds >= grace.seconds:
        said = f"must be < node-monitor-grace-period = {shown(grace.seconds)}"
        raise pod.refuse(beat if beat.where else grace, said)
    start = _start(pod)
    silent = f"uniform({shown(grace.seconds - beat.seconds)}, {shown(grace.seconds)})"
    parts = [silent, f"uniform(0 s, {shown(look.seconds)})", shown(stays.seconds)]
    return _Law([*parts, *start.parts], [grace, look, beat, stays, *start.of])


def _either(
    sheet: Sheet, path: str, node: object, pod: _Law, of: Sequence[Value]
) -> None:
    """Write a time to repair: half of the failures the node's, half the container's."""
    law = {
        "mixture": [
            {"share": _HALF, "time": node},
            {"share": 1 - _HALF, "time": {"sum": pod.parts}},
        ]
    }
    because = "half of the failures assumed to be the node's, half the container's"
    sheet.put(path, law, *of, because=f"{because}; {shown(_START)} to start")


def _stateful(found: Found, sheet: Sheet) -> None:
    sheet.base = sheet.base or "kubernetes-statefulset"
    pod = _part(found, "StatefulSet")
    count = pod["StatefulSet.replicas"]
    restart = _restart(pod, sheet)
    stays = pod.given("pod.tolerationSeconds")
    if stays is not None:
        said = "a pod of a StatefulSet is not moved, however short it tolerates"
        sheet.warn(stays, f"{said} a lost node; a person must delete it")
    if count.count > 1:
        said = (
            f"{count.value} pods replicate by themselves; read the product's own file"
        )
        sheet.warn(count, f"{said}: here they are one primary")
        sheet.take(count)
        sheet.put("database.cost", count.count, count)
    else:
        sheet.take(count)
    _either(sheet, "database.mttr", "3 h", restart, restart.of)


def _stateless(sheet: Sheet) -> None:
    sheet.leaves["architecture"] = ("single-primary", {})
    never = "the manifests tell of no database, and none fails here"
    sheet.assume("database.mttf", "never", never)


def _tier(found: Found, sheet: Sheet) -> None:
    pod = _part(found, "Deployment")
    count = pod["Deployment.replicas"]
    if not count.count:
        raise pod.refuse(count, "must be >= 1 for a service, got 0")
    moved, restart = _moved(pod), _restart(pod, sheet)
    of = [*dict.fromkeys((*moved.of, *restart.of))]
    paths = ["site.apps.node.mttr"]
    if "database.mttf" in sheet.leaves:  # recovery is that of a pod
        paths.append("database.mttr")
    for path in paths:
        _either(sheet, path, {"sum": moved.parts}, restart, of)
    sheet.leaves["site.apps.node.mttf"] = (
        "2086 h",
        {"assumed": "restarts of a server from all causes, FAIL-016"},
    )
    sheet.put("site.apps.servers", count.count, count)
    _budget(found, sheet, count)


def _budget(found: Found, sheet: Sheet, count: Value) -> None:
    """Write how many pods it takes: as the disruption budget says, else one."""
    least = found.given("PodDisruptionBudget.minAvailable")
    most = found.given("PodDisruptionBudget.maxUnavailable")
    value = least or most
    if value is None:
        sheet.assume("site.apps.needed", 1, "one pod is enough to serve")
        if count.count > 1:
            said = "without a PodDisruptionBudget a drain may take all pods at once"
            sheet.warn(None, said)
        return
    pods = _pods(found, value, count.count)
    needed = pods if least else count.count - pods
    if needed >= count.count:
        said = f"of {count.count} pods none may go: no node with one can be drained"
        sheet.warn(value, said)
    because = "so many must serve, as the budget has it"
    needed = min(max(needed, 1), count.count)
    sheet.put("site.apps.needed", needed, value, because=because)


def _pods(found: Found, value: Value, count: int) -> int:
    """Return a number of pods, or a share of them rounded up."""
    raw = str(value.value).strip()
    if re.fullmatch(r"\d+%", raw):
        return math.ceil(int(raw[:-1]) * count / 100)
    if re.fullmatch(r"\d+", raw):
        return int(raw)
    raise found.refuse(value, f"must be a number or a share of pods, got {raw!r:.20}")


def _check_spread(found: Found, sheet: Sheet) -> None:
    names = {e.name for f in found.files for e in f.entries}
    counts = found.all("Deployment.replicas")
    several = [count for count in counts if count.count > 1]
    if several and not names & {"topologySpreadConstraints", "podAntiAffinity"}:
        said = "without topologySpreadConstraints or podAntiAffinity pods may share a"
        sheet.warn(several[0], f"{said} node, and fail together")


KUBERNETES = Format(
    name="kubernetes",
    product="Kubernetes",
    version="1.31",
    fields=FIELDS,
    knows=knows,
    parse=parse,
    compose=compose,
)
