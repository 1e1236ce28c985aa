"""Sloth: `version: prometheus/v1`, and the same within a PrometheusServiceLevel.

Source: sloth.dev, specification prometheus/v1 and default alert windows (2024): for 30
days, pages at 2 % of the budget in an hour and 5 % in six, tickets at 10 % in a day and
10 % in three, each with a window a twelfth as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel.assessment import BurnRate
from hamodel.objectives._common import Form, Objective, flag, name_of
from hamodel.specfile import TreeNode
from hamodel.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "prometheus/v1"
GROUP = "sloth.slok.dev/v1"
_PERIOD = 30 * DAY
_WINDOWS = {
    "page": ((14.4, HOUR, 5 * MINUTE), (6.0, 6 * HOUR, 30 * MINUTE)),
    "ticket": ((3.0, DAY, 2 * HOUR), (1.0, 3 * DAY, 6 * HOUR)),
}


def objectives(document: TreeNode, form: Form) -> Iterator[Objective]:
    """Yield the objectives of a document."""
    inner = document.get("spec")
    spec = document if inner is None else inner
    within = "" if inner is None else "spec."
    listed = form.items(form.inner(spec, "slos", within[:-1]), f"{within}slos")
    for place, one in enumerate(listed):
        where = f"{within}slos.{place}"
        node = form.inner(one, "objective", where)
        name = form.inner(one, "name", where)
        yield Objective(
            name=name_of(spec.get("service"), name),
            target=form.share(node, f"{where}.objective", 100.0),
            window=_PERIOD,
            alerts=tuple(_alerts(one.get("alerting") or TreeNode({}))),
            file=str(form.path),
            line=node.line,
            notes=("Sloth's default period of 30 d, and its default alert windows",),
        )


def _alerts(alerting: TreeNode) -> Iterator[BurnRate]:
    for severity, windows in _WINDOWS.items():
        own = alerting.get(f"{severity}_alert") or alerting.get(f"{severity}Alert")
        if own is not None and flag(own.get("disable")):
            continue
        for factor, long, short in windows:
            yield BurnRate(factor=factor, long=long, short=short, severity=severity)
