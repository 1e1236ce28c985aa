"""An objective, and how the fields of its file are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hamodel.assessment import BurnRate
from hamodel.specfile import Problem, TreeNode
from hamodel.units import DAY, HOUR, MINUTE, MONTH, MS, SECOND, YEAR

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {
    "ms": MS,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
    "M": MONTH,
    "Q": 3 * MONTH,
    "Y": YEAR,
    "y": YEAR,
}
_SPAN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdwMQYy]))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdwMQYy])")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """An availability to keep over a window, and the alerts on its error budget.

    Attributes
    ----------
    name : str
        What it is called, with its service if that is known.
    target : float
        Availability, such as 0.999.
    window : float
        Length of its window in s.
    alerts : tuple of BurnRate
        Alerts on how fast the budget burns.
    file : str
        The file that states it.
    line : int
        Line of the target, from 1.
    notes : tuple of str
        What the file does not say, and what is taken instead.
    """

    name: str
    target: float
    window: float
    alerts: tuple[BurnRate, ...]
    file: str
    line: int
    notes: tuple[str, ...] = ()


@dataclass
class Form:
    """A file that is read, and what has been found wrong with it."""

    path: Path
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, node: TreeNode, where: str, said: str) -> None:
        """Note a mistake."""
        self.problems.append(Problem(node.line, node.column, where, said))

    def inner(self, node: TreeNode, key: str, where: str) -> TreeNode:
        """Return the node of a key that must be there; an empty one if it is not."""
        found = node.get(key)
        if found is None:
            self.wrong(node, f"{where}.{key}".lstrip("."), "is missing")
            return TreeNode({}, node.line, node.column, node.file)
        return found

    def items(self, node: TreeNode, where: str) -> list[TreeNode]:
        """Return the nodes of a list."""
        if not isinstance(node.value, list):
            if node.value != {}:  # else it is missing, and that was said
                self.wrong(node, where, "must be a list")
            return []
        return list(node.value)

    def share(self, node: TreeNode, where: str, whole: float) -> float:
        """Return a target as a share, of numbers that go up to 1 or to 100."""
        try:
            found = round(float(str(node.value)) / whole, 12)
        except ValueError:
            found = -1.0
        if not 0 < found < 1:
            if node.value != {}:
                limit = f"must be above 0 and below {whole:g}, got {node.raw!r:.40}"
                self.wrong(node, where, limit)
            return 0.5
        return found

    def span(self, node: TreeNode, where: str) -> float:
        """Return a time such as 30d or 1h30m in s; m are minutes."""
        if not _SPAN.fullmatch(node.raw):
            if node.value != {}:
                said = f"must be a time such as 30d, 1h or 5m, got {node.raw!r:.40}"
                self.wrong(node, where, said)
            return DAY
        found = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(node.raw))
        if found == 0:
            self.wrong(node, where, f"must be above 0, got {node.raw!r:.40}")
            return DAY
        return found


def flag(node: TreeNode | None) -> bool:
    """Return whether a switch is on; one that is not there is off."""
    return node is not None and node.value is True


def name_of(service: TreeNode | None, name: TreeNode) -> str:
    """Return what an objective is called."""
    own = name.raw or "objective"
    return f"{service.raw}/{own}" if service is not None and service.raw else own
