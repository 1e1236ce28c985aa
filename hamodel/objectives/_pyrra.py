"""Pyrra: `apiVersion: pyrra.dev/v1alpha1`, kind ServiceLevelObjective.

Source: github.com/pyrra-dev/pyrra, slo/rules.go, function Windows (2024): four alerts
whose windows grow with that of the objective, to whole minutes; of 28 days they are an
hour, six, a day and four.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel.assessment import BurnRate
from hamodel.objectives._common import Form, Objective, flag
from hamodel.specfile import TreeNode
from hamodel.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "pyrra.dev/v1alpha1"
#: Severity, factor, windows and wait, of an objective over 28 days.
_ALERTS = (
    ("critical", 14.0, HOUR, 5 * MINUTE, 2 * MINUTE),
    ("critical", 7.0, 6 * HOUR, 30 * MINUTE, 15 * MINUTE),
    ("warning", 2.0, DAY, 2 * HOUR, HOUR),
    ("warning", 1.0, 4 * DAY, 6 * HOUR, 3 * HOUR),
)


def objectives(document: TreeNode, form: Form) -> Iterator[Objective]:
    """Yield the objective of a document."""
    spec = form.inner(document, "spec", "")
    name = form.inner(form.inner(document, "metadata", ""), "name", "metadata")
    node = form.inner(spec, "target", "spec")
    window = form.span(form.inner(spec, "window", "spec"), "spec.window")
    alerting = spec.get("alerting") or TreeNode({})
    burnrates = alerting.get("burnrates")
    off = flag(alerting.get("disabled"))
    off = off or (burnrates is not None and burnrates.value is False)
    yield Objective(
        name=name.raw or "objective",
        target=form.share(node, "spec.target", 100.0),
        window=window,
        alerts=() if off else tuple(_alerts(window)),
        file=str(form.path),
        line=node.line,
    )


def _alerts(window: float) -> Iterator[BurnRate]:
    def grown(of: float) -> float:
        return max(1.0, round(of * window / (28 * DAY) / MINUTE)) * MINUTE

    for severity, factor, long, short, after in _ALERTS:
        yield BurnRate(
            factor=factor,
            long=grown(long),
            short=grown(short),
            after=grown(after),
            severity=severity,
        )
