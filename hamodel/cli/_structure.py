"""A structure of parts whose availability is known, such as SLAs, written as YAML.

title: Shop
structure: client > web > any(sql, queue)
parts:
web: 99.95 %
sql: 99.99 %
queue: {mttf: 30 d, mttr: 1 h}
requirements: {availability: 99.9 %}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hamodel import _check, text
from hamodel.cli._files import hint, shown, text_of
from hamodel.cli._looks import weak_points
from hamodel.cli._page import JudgedPage, Page, Paper
from hamodel.cli._report import Check, Figure, Report, judgements
from hamodel.specfile import Problem, SpecError, TreeNode, parsed
from hamodel.structure import Structure, parse
from hamodel.units import MINUTE, MONTH, YEAR, quantity

if TYPE_CHECKING:
    from pathlib import Path

_FIELDS = ("title", "summary", "structure", "parts", "requirements")


@dataclass(frozen=True, kw_only=True, eq=False)
class Composed:
    """A structure, how often each part of it is down, and what it must keep."""

    title: str
    structure: Structure
    down: Mapping[str, float]
    target: float | None
    line: int = 1


def read(name: str) -> Composed:
    """Return the structure that a file describes; every mistake with its line."""
    reader = _Reader(shown(name), parsed(shown(name), text_of(name)))
    reader.known(reader.whole, _FIELDS, "is no field")
    shape = reader.structure()
    down = reader.parts(shape)
    target = reader.target()
    if reader.problems or shape is None:
        raise SpecError(reader.path, reader.problems)
    title = reader.whole.get("title")
    need = reader.whole.get("requirements")
    asked = None if need is None else need.get("availability")
    return Composed(
        title=str(title.raw if title and title.raw else reader.path.stem),
        structure=shape,
        down=down,
        target=target,
        line=1 if asked is None else asked.line,
    )


@dataclass
class _Reader:
    """A parsed file, and what has been found wrong with it."""

    path: Path
    whole: TreeNode
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, node: TreeNode | None, name: str, said: str) -> None:
        at = self.whole if node is None else node
        self.problems.append(Problem(at.line, at.column, name, said))

    def known(self, node: TreeNode, names: Sequence[str], said: str) -> None:
        """Note every key that is not among some names."""
        for key, inner in node.fields.items():
            if key not in names:
                self.wrong(inner, key, f"{said}{hint(key, names)}")

    def structure(self) -> Structure | None:
        node = self.whole.get("structure")
        try:
            return parse(node.raw if node is not None else "")
        except ValueError as mistake:
            self.wrong(node, "structure", str(mistake))
            return None

    def parts(self, shape: Structure | None) -> dict[str, float]:
        """Return the unavailability of every part that the structure names."""
        parts = self.whole.get("parts")
        if parts is None or not parts.fields:
            self.wrong(parts, "parts", "must give the availability of each part")
            return {}
        found = {}
        for part, inner in parts.fields.items():
            try:
                found[part] = _down(inner.plain())
            except ValueError as mistake:
                self.wrong(inner, f"parts.{part}", str(mistake))
        if shape is not None:
            self.known(parts, shape.components, "is no part of the structure")
            for part in shape.components:
                if part not in parts.fields:
                    self.wrong(parts, f"parts.{part}", "must be given, and is not")
        return found

    def target(self) -> float | None:
        """Return the availability that is required, if any is."""
        need = self.whole.get("requirements")
        if need is None:
            return None
        asked = need.get("availability")
        if asked is None or len(need.fields) != 1:
            said = "of a structure must be an availability alone"
            self.wrong(need, "requirements", said)
            return None
        try:
            target = quantity(asked.value, "share")
            _check.between(0, 1, availability=target)
        except ValueError as mistake:
            self.wrong(asked, "requirements.availability", str(mistake))
            return None
        return target


def _down(given: object) -> float:
    """Return the unavailability of an availability, or of mttf and mttr."""
    if isinstance(given, Mapping):
        if set(given) != {"mttf", "mttr"}:
            raise ValueError("must be an availability, or mttf and mttr")
        up, repair = (
            quantity(given["mttf"], "mean time"),
            quantity(given["mttr"], "time"),
        )
        _check.mean_time(mttf=up)
        _check.non_negative(mttr=repair)
        return repair / (up + repair) if repair else 0.0
    share = quantity(given, "share")
    _check.between(0, 1, availability=share)
    return 1 - share


def weak(name: str) -> Page:
    """Return the weak points of a structure."""
    found = read(name)
    return weak_points(found.title, {"service": found.structure})


def page(name: str) -> JudgedPage:
    """Return how available a structure is, and which of its parts matter."""
    of = read(name)
    down = float(of.structure.unavailability(of.down))
    matter = of.structure.importance(of.down)
    check = None if of.target is None else _judged(of, down)
    met = check is None or check.met
    parts = sorted(of.down, key=lambda part: -float(matter[part].criticality))

    def draw(out: Paper) -> None:
        out.head(f"{of.title}  (structure)")
        out.say()
        rows = [
            (
                "service",
                text.availability(down),
                text.number(down * YEAR / MINUTE),
                text.number(down * MONTH / MINUTE),
            )
        ]
        out.table("Availability", rows, ("", "long run", "min/yr", "min/month"))
        shown = [
            (
                part,
                text.availability(of.down[part]),
                text.share(float(matter[part].criticality)),
            )
            for part in parts
        ]
        heads = ("", "available", "of the downtime a perfect one saves")
        out.table("Parts", shown, heads)
        alone = ", ".join(of.structure.single_points_of_failure()) or "none"
        out.say(f"Single points of failure: {alone}")
        if check is not None:
            out.say()
            out.head("Requirements")
            out.line(f"  {check}")

    def data() -> dict[str, object]:
        return {
            "form": "hamodel/structure/1",
            "title": of.title,
            "unavailability": down,
            "minutes_per_year": down * YEAR / MINUTE,
            "met": None if of.target is None else met,
            "parts": {
                part: {
                    "unavailability": of.down[part],
                    "criticality": float(matter[part].criticality),
                    "birnbaum": float(matter[part].birnbaum),
                }
                for part in parts
            },
            "single_points_of_failure": list(of.structure.single_points_of_failure()),
        }

    def report() -> Report:
        figures = [
            Figure(
                "hamodel_unavailability_ratio",
                "Expected share of the time that it is down.",
                down,
            )
        ]
        checks = [] if check is None else [check]
        headline = f"Down **{text.downtime(down)}** ({text.availability(down)})"
        return Report(
            title=of.title,
            file=name,
            headline=headline,
            checks=(*checks,),
            figures=(*figures, *judgements(checks)),
        )

    return JudgedPage(data=data, draw=draw, met=met, report=report)


def _judged(of: Composed, down: float) -> Check:
    assert of.target is not None
    met = down <= 1 - of.target
    value, limit = text.availability(down), text.share(of.target)
    return Check(
        name="availability",
        label="availability",
        value=value,
        limit=f"≥ {limit}",
        said=f"availability: {value}, {'where' if met else 'and'} {limit} is required",
        met=met,
        numbers=(1 - down, of.target),
        line=of.line,
    )
