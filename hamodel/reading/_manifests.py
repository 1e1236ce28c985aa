"""What Kubernetes manifests say: the table of their fields, object by object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from hamodel.reading._core import Default, Entry, Field, File, flat
from hamodel.reading._texts import documents
from hamodel.reading._units import time, whole
from hamodel.specfile import TreeNode

_NODES = "Kubernetes documentation: Nodes, 2024"
_PROBES = (
    "Kubernetes documentation: Configure Liveness, Readiness and Startup Probes, 2024"
)
_PODS = "Kubernetes documentation: Pod Lifecycle, 2024"
_SETS = "Kubernetes documentation: Deployments, 2024"
_POD = "spec.template.spec."
MANAGER = "controllerManager.extraArgs."
_READY = "how soon a pod that hangs gets no requests; here it gets none at once"
_ROLLING = "how many pods an update takes at once; `maintenance` says how long it takes"
_SPREAD = "that pods do not share a node or a zone; here they fail independently"
_second, _count = time(1), whole()


def probe(kind: str, name: str) -> str:
    return f"pod.{kind}Probe.{name}"


FIELDS = (
    Field("Deployment", "site.apps"),
    Field("StatefulSet", "database"),
    Field("Deployment.replicas", "site.apps.servers", whole(), ("1", _SETS)),
    Field("StatefulSet.replicas", "database", whole(), ("1", _SETS)),
    Field("PodDisruptionBudget.minAvailable", "site.apps.needed"),
    Field("PodDisruptionBudget.maxUnavailable", "site.apps.needed"),
    Field("pod.tolerationSeconds", "mttr of a pod", _count, ("300", "FO-064")),
    Field("pod.terminationGracePeriodSeconds", "mttr of a pod", _count, ("30", _PODS)),
    Field(
        probe("liveness", "periodSeconds"), "mttr of a pod", whole(1), ("10", _PROBES)
    ),
    Field(
        probe("liveness", "failureThreshold"), "mttr of a pod", whole(1), ("3", _PROBES)
    ),
    Field(
        probe("liveness", "timeoutSeconds"), "mttr of a pod", whole(1), ("1", _PROBES)
    ),
    Field(
        probe("readiness", "initialDelaySeconds"),
        "mttr of a pod",
        _count,
        ("0", _PROBES),
    ),
    Field(
        probe("readiness", "periodSeconds"), "mttr of a pod", whole(1), ("10", _PROBES)
    ),
    Field(
        f"{MANAGER}node-monitor-grace-period",
        "mttr of a pod",
        _second,
        (Default("40s", "FO-063"), Default("50s", f"{_NODES}; fact FO-063", "1.32")),
    ),
    Field(f"{MANAGER}node-monitor-period", "mttr of a pod", _second, ("5s", "FO-113")),
    Field("nodeStatusUpdateFrequency", "mttr of a pod", _second, ("10s", "FO-066")),
    Field(
        probe("liveness", "initialDelaySeconds"),
        read=_second,
        why="how long a new container is not looked at",
    ),
    Field(probe("readiness", "failureThreshold"), read=whole(1), why=_READY),
    Field(probe("readiness", "timeoutSeconds"), read=_second, why=_READY),
    Field(probe("readiness", "successThreshold"), read=whole(1), why=_READY),
    Field("topologySpreadConstraints", why=_SPREAD),
    Field("podAntiAffinity", why=_SPREAD),
    Field("Deployment.strategy.rollingUpdate.maxUnavailable", why=_ROLLING),
    Field("Deployment.strategy.rollingUpdate.maxSurge", why=_ROLLING),
    Field("Deployment.strategy.type", why=_ROLLING),
    Field("Deployment.minReadySeconds", read=_second, why=_ROLLING),
    Field(
        "HorizontalPodAutoscaler.minReplicas",
        read=whole(),
        why="how many pods there are when there is little load",
    ),
    Field(
        "HorizontalPodAutoscaler.maxReplicas",
        read=whole(1),
        why="how many pods there are when there is much load",
    ),
    Field("StatefulSet.podManagementPolicy", why="the order in which pods start"),
)
_SPREADS = re.compile(r"(?:affinity\.)?(topologySpreadConstraints|podAntiAffinity)")
WORKLOADS = ("Deployment", "StatefulSet")
BUDGET, SCALER = "PodDisruptionBudget", "HorizontalPodAutoscaler"
SELECTOR = f"{BUDGET}.selector.matchLabels."
CLUSTER = ("ClusterConfiguration", "KubeletConfiguration")


def knows(_: str, text: str) -> bool:
    """Tell whether a text holds manifests."""
    return all(
        re.search(rf"(?m)^{key}\s*:\s*\S", text) for key in ("apiVersion", "kind")
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield what matters of each document; of others, such as Secrets, their kind."""
    for node in _objects(documents(file)):
        kind = _word(node, "kind")
        group = f"{kind} {_word(node, 'metadata', 'name') or node.line}"
        if kind in WORKLOADS:
            yield Entry(kind, "", node.fields["kind"].line, group=group)
            yield from _workload(node, kind, group)
        elif kind in (BUDGET, SCALER):
            for entry in flat(node):
                name = entry.name.removeprefix("spec.")
                yield entry._replace(name=f"{kind}.{name}", group=group)
        elif kind in CLUSTER:
            for entry in flat(node):
                yield entry._replace(group=kind)
        else:
            yield Entry(kind or "document", "", node.line, group=group)


def _objects(nodes: Iterable[TreeNode]) -> Iterator[TreeNode]:
    """Yield objects, those of a List one by one, as `kubectl get -o yaml` prints."""
    for node in nodes:
        items = node.get("items")
        if items is not None and isinstance(items.value, list):
            yield from _objects(items.value)
        else:
            yield node


def _word(node: TreeNode, *keys: str) -> str:
    inner: TreeNode | None = node
    for key in keys:
        inner = inner.get(key) if inner is not None and inner.fields else None
    return inner.raw if inner is not None else ""


def _workload(node: TreeNode, kind: str, group: str) -> Iterator[Entry]:
    """Yield what a Deployment or a StatefulSet says of itself and of its pods."""
    tolerated: dict[str, dict[str, Entry]] = {}
    for entry in flat(node):
        name = entry.name
        if not name.startswith(_POD):
            yield entry._replace(name=name.replace("spec", kind, 1), group=group)
            continue
        name = name.removeprefix(_POD)
        toleration = re.match(r"tolerations\[(\d+)\]\.(\w+)", name)
        spread = _SPREADS.match(name)
        if toleration:
            tolerated.setdefault(toleration[1], {})[toleration[2]] = entry
        elif spread:
            yield entry._replace(name=spread[1], group=group)
        else:
            yield entry._replace(
                name="pod." + name.removeprefix("containers[0]."), group=group
            )
    for told in sorted(tolerated.values(), key=_of_others):
        key, seconds = told.get("key"), told.get("tolerationSeconds")
        lost = key is None or re.search(r"(not-ready|unreachable)$", key.raw)
        if seconds is not None and lost:
            yield seconds._replace(name="pod.tolerationSeconds", group=group)


def _of_others(told: Mapping[str, Entry]) -> bool:
    """Tell whether a toleration is of a taint that no lost node has at the end."""
    return "key" in told and not told["key"].raw.endswith("unreachable")
