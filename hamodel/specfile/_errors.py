"""What is wrong with a file: where, which field, which limit, which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Problem(NamedTuple):
    """One mistake in a file."""

    line: int  # from 1
    column: int  # from 1
    field: str  # such as "failover.coverage"; empty for the file as a whole
    message: str


class SpecError(ValueError):
    """A file that describes no system.

    Attributes
    ----------
    path : Path
        The file.
    problems : tuple of Problem
        All that was found, in the order of the lines.
    """

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(self._said, self.problems)))

    def _said(self, problem: Problem) -> str:
        where = f"{self.path}:{problem.line}:{problem.column}"
        field = f"{problem.field}: " if problem.field else ""
        return f"{where}: {field}{problem.message}"
