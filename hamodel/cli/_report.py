"""What a gate reports of a system, whatever the format: checks, and figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Check:
    """A requirement and how it fares, or a mistake in a file."""

    name: str  # such as "rto_p95", and within a mapping by site "write_p99.fra"
    said: str  # all of it as a sentence
    met: bool  # whether it is kept
    # what is measured, what was found and how far it may go, as a person writes
    # it
    label: str = ""
    value: str = ""
    limit: str = ""
    # value and limit, in s or as plain numbers; empty for a mistake
    numbers: tuple[float, ...] = ()
    # where the file says it, from 1
    line: int = 1
    column: int = 1
    wrong: bool = False  # whether it is a mistake in the file: there is no answer then

    @property
    def kind(self) -> str:
        """What is measured, without the site."""
        site = self.name.partition(".")[2]
        return (
            self.label.removesuffix(site).removesuffix(" at ").strip()
            or "a mistake in a file"
        )

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED':7}{self.said}"


@dataclass(frozen=True)
class Figure:
    """One sample of a metric, in base units."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A small table of a summary: heads, and rows of words."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A system's checks and figures."""

    # what was assessed
    title: str
    file: str
    headline: str = ""  # the figures that matter most, in a line
    checks: tuple[Check, ...] = ()  # the requirements, or what is wrong with the file
    figures: tuple[Figure, ...] = ()  # what a time series is made of
    tables: tuple[Table, ...] = ()  # what a summary shows beside the checks
    chart: str = ""  # the system as Mermaid; empty where there is none

    @property
    def missed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.met)

    @property
    def verdict(self) -> str:
        """Whether all is kept, in a few words."""
        count, of = len(self.missed), len(self.checks)
        if any(check.wrong for check in self.checks):
            return f"{count} {'mistake' if count == 1 else 'mistakes'} in the file"
        if not of:
            return "nothing is required"
        noun = "requirement" if of == 1 else "requirements"
        if count:
            return f"{count} of {of} {noun} missed"
        return f"all {of} {noun} met" if of > 1 else "the requirement is met"


def judgements(checks: Iterable[Check]) -> Iterator[Figure]:
    """Yield whether each requirement is kept, its value and its limit."""
    said = {
        "met": "1 if a requirement is met.",
        "value": "What is measured, in seconds or as a plain number.",
        "limit": "How far it may go.",
    }
    for k, (what, words) in enumerate(said.items()):
        for check in checks:
            numbers = (float(check.met), *check.numbers)
            yield Figure(
                f"hamodel_requirement_{what}",
                words,
                numbers[k],
                {"requirement": check.name},
            )
