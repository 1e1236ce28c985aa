"""OpenSLO: `apiVersion: openslo/v1`, kinds SLO, AlertPolicy and AlertCondition.

Source: github.com/OpenSLO/OpenSLO, README.md of v1, sections SLO, AlertPolicy and
AlertCondition (2022).  An alert condition looks at one window and waits `alertAfter`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from hamodel.assessment import BurnRate
from hamodel.objectives._common import Form, Objective, name_of
from hamodel.specfile import TreeNode
from hamodel.units import DAY

VERSION = "openslo/v1"


def objectives(documents: Sequence[TreeNode], form: Form) -> Iterator[Objective]:
    """Yield the objectives of some documents; alerts may be in others of them."""
    named = {
        (kind.raw, name.raw): document
        for document in documents
        if (kind := document.get("kind")) is not None
        and (name := (document.get("metadata") or TreeNode({})).get("name")) is not None
    }
    for document in documents:
        kind = document.get("kind")
        if kind is not None and kind.raw == "SLO":
            yield from _of(document, named, form)


def _of(
    document: TreeNode, named: dict[tuple[str, str], TreeNode], form: Form
) -> Iterator[Objective]:
    spec = form.inner(document, "spec", "")
    name = form.inner(form.inner(document, "metadata", ""), "name", "metadata")
    notes = []
    window, taken = _window(spec, form)
    notes += [taken] if taken else []
    method = spec.get("budgetingMethod")
    if method is not None and method.raw not in ("", "Occurrences"):
        notes.append(f"budgetingMethod {method.raw}: requests are counted, not slices")
    alerts = tuple(_alerts(spec, named, form))
    listed = form.items(form.inner(spec, "objectives", "spec"), "spec.objectives")
    for place, one in enumerate(listed):
        where = f"spec.objectives.{place}"
        percent = one.get("targetPercent")
        node = percent or form.inner(one, "target", where)
        key = "target" if percent is None else "targetPercent"
        target = form.share(node, f"{where}.{key}", 1.0 if percent is None else 100.0)
        own = one.get("displayName")
        whole = name_of(spec.get("service"), name)
        yield Objective(
            name=whole if len(listed) == 1 else f"{whole}/{own.raw if own else place}",
            target=target,
            window=window,
            alerts=alerts,
            file=str(form.path),
            line=node.line,
            notes=(*notes,),
        )


def _window(spec: TreeNode, form: Form) -> tuple[float, str]:
    node = spec.get("timeWindow")
    if node is None:
        return 30 * DAY, "no timeWindow: 30 d are taken"
    found = form.items(node, "spec.timeWindow")
    if not found:
        return 30 * DAY, ""
    where = "spec.timeWindow.0"
    length = form.span(form.inner(found[0], "duration", where), f"{where}.duration")
    rolling = found[0].get("isRolling")
    if rolling is not None and rolling.value is False:
        return length, "a calendar window: it begins anywhere here"
    return length, ""


def _alerts(
    spec: TreeNode, named: dict[tuple[str, str], TreeNode], form: Form
) -> Iterator[BurnRate]:
    for policy in _listed(spec, "alertPolicies", named, "AlertPolicy", form):
        within = policy.get("spec") or TreeNode({})
        for condition in _listed(within, "conditions", named, "AlertCondition", form):
            inner = form.inner(condition, "spec", "AlertCondition")
            yield _alert(inner, form)


def _alert(spec: TreeNode, form: Form) -> BurnRate:
    where = "AlertCondition.spec.condition"
    condition = form.inner(spec, "condition", "AlertCondition.spec")
    kind = condition.get("kind")
    if kind is not None and kind.raw.lower() != "burnrate":
        form.wrong(kind, f"{where}.kind", f"must be burnrate, got {kind.raw!r:.40}")
    node = form.inner(condition, "threshold", where)
    try:
        factor = float(node.raw)
    except ValueError:
        factor = 0.0
    if not 0 < factor < math.inf and node.value != {}:
        form.wrong(node, f"{where}.threshold", f"must be above 0, got {node.raw!r:.40}")
    length = form.inner(condition, "lookbackWindow", where)
    window = form.span(length, f"{where}.lookbackWindow")
    after = condition.get("alertAfter")
    severity = spec.get("severity")
    return BurnRate(
        factor=factor if 0 < factor < math.inf else 1.0,
        long=window,
        short=window,
        after=_wait(after, f"{where}.alertAfter", form),
        severity="" if severity is None else severity.raw,
    )


def _wait(node: TreeNode | None, where: str, form: Form) -> float:
    """Return how long an alert waits; 0m is no wait."""
    if node is None or re.fullmatch(r"0+[smhd]?", node.raw):
        return 0.0
    return form.span(node, where)


def _listed(
    spec: TreeNode,
    key: str,
    named: dict[tuple[str, str], TreeNode],
    kind: str,
    form: Form,
) -> Iterator[TreeNode]:
    """Yield what a list holds, or names: another document of the same file."""
    node = spec.get(key)
    for one in [] if node is None else form.items(node, key):
        word = "alertPolicyRef" if kind == "AlertPolicy" else "conditionRef"
        reference = one.get(word) or (one if one.raw else None)
        if reference is None:
            yield one
        elif (kind, reference.raw) in named:
            yield named[kind, reference.raw]
        else:
            said = f"names {reference.raw!r:.40}, and no {kind} of this file has it"
            form.wrong(reference, f"{key}.{word}", said)
