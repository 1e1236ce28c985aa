"""From a file of objectives, of any of the formats, to objectives."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from hamodel.assessment import BurnRate
from hamodel.objectives import _openslo
from hamodel.objectives._common import Form, Objective, flag, name_of
from hamodel.specfile import Problem, SpecError, TreeNode, parsed, text_of
from hamodel.units import DAY, HOUR, MINUTE

_FORMATS = "openslo/v1 (OpenSLO), prometheus/v1 (Sloth) or pyrra.dev/v1alpha1 (Pyrra)"


def read_objectives(path: str | os.PathLike[str]) -> tuple[Objective, ...]:
    """Return the objectives that a file states.

    Parameters
    ----------
    path : str or path
        A YAML file of OpenSLO, Sloth or Pyrra, of one document or several.

    Raises
    ------
    SpecError
        If the file is of none of them, or a field is missing or wrong: every mistake
        with its line.

    Examples
    --------
    >>> from hamodel.facts import folder
    >>> for one in read_objectives(folder() / "objectives" / "pyrra.yaml"):
    ...     print(one.name, one.target, len(one.alerts))
    orders-writes 0.999 4
    """
    form = Form(Path(path))
    documents = list(_documents(form.path))
    found: list[Objective] = []
    ours: list[TreeNode] = []  # OpenSLO's, which may name each other
    for document in documents:
        version = document.get("apiVersion") or document.get("version")
        word = "" if version is None else version.raw
        if word == _openslo.VERSION:
            ours.append(document)
        elif word in (_SLOTH, _SLOTH_GROUP):
            found += _of_sloth(document, form)
        elif word == _PYRRA:
            found += _of_pyrra(document, form)
        else:
            said = f"must be {_FORMATS}, got {word!r:.40}"
            form.wrong(version or document, "apiVersion", said)
    found += _openslo.objectives(ours, form)
    if form.problems:
        raise SpecError(form.path, form.problems)
    if not found:
        raise SpecError(form.path, [Problem(1, 1, "", "states no objective")])
    return tuple(found)


def _documents(path: Path) -> list[TreeNode]:
    """Return the documents of a file, their lines counted in the file."""
    found, before = [], 0
    for part in re.split(r"(?m)^---[^\n]*$", text_of(path)):
        if part.strip():
            found.append(parsed(path, "\n" * before + part))
        before += part.count("\n")
    return [document for document in found if document.fields]


# ---- Pyrra --------------------------------------------------------------------------


_PYRRA = "pyrra.dev/v1alpha1"
#: Severity, factor, windows and wait, of an objective over 28 days.
_PYRRA_ALERTS = (
    ("critical", 14.0, HOUR, 5 * MINUTE, 2 * MINUTE),
    ("critical", 7.0, 6 * HOUR, 30 * MINUTE, 15 * MINUTE),
    ("warning", 2.0, DAY, 2 * HOUR, HOUR),
    ("warning", 1.0, 4 * DAY, 6 * HOUR, 3 * HOUR),
)


def _of_pyrra(document: TreeNode, form: Form) -> Iterator[Objective]:
    """Yield the objective of a ServiceLevelObjective.

    Source: github.com/pyrra-dev/pyrra, slo/rules.go, function Windows (2024): four
    alerts whose windows grow with that of the objective, to whole minutes; of 28 days
    they are an hour, six, a day and four.
    """
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
        alerts=() if off else tuple(_pyrra_alerts(window)),
        file=str(form.path),
        line=node.line,
    )


def _pyrra_alerts(window: float) -> Iterator[BurnRate]:
    def grown(of: float) -> float:
        return max(1.0, round(of * window / (28 * DAY) / MINUTE)) * MINUTE

    for severity, factor, long, short, after in _PYRRA_ALERTS:
        yield BurnRate(
            factor=factor,
            long=grown(long),
            short=grown(short),
            after=grown(after),
            severity=severity,
        )


# ---- Sloth --------------------------------------------------------------------------


_SLOTH = "prometheus/v1"
_SLOTH_GROUP = "sloth.slok.dev/v1"
_PERIOD = 30 * DAY
_WINDOWS = {
    "page": ((14.4, HOUR, 5 * MINUTE), (6.0, 6 * HOUR, 30 * MINUTE)),
    "ticket": ((3.0, DAY, 2 * HOUR), (1.0, 3 * DAY, 6 * HOUR)),
}


def _of_sloth(document: TreeNode, form: Form) -> Iterator[Objective]:
    """Yield the objectives of a document, or of a PrometheusServiceLevel.

    Source: sloth.dev, specification prometheus/v1 and default alert windows (2024): for
    30 days, pages at 2 % of the budget in an hour and 5 % in six, tickets at 10 % in a
    day and 10 % in three, each with a window a twelfth as long.
    """
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
            alerts=tuple(_sloth_alerts(one.get("alerting") or TreeNode({}))),
            file=str(form.path),
            line=node.line,
            notes=("Sloth's default period of 30 d, and its default alert windows",),
        )


def _sloth_alerts(alerting: TreeNode) -> Iterator[BurnRate]:
    for severity, windows in _WINDOWS.items():
        own = alerting.get(f"{severity}_alert") or alerting.get(f"{severity}Alert")
        if own is not None and flag(own.get("disable")):
            continue
        for factor, long, short in windows:
            yield BurnRate(factor=factor, long=long, short=short, severity=severity)
