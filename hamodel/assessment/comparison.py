"""Several architectures under one workload, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _html
from hamodel._types import Quantity, Value
from hamodel.assessment.expected import LOAD, assessed, believed
from hamodel.assessment.measures import MEASURES, shown
from hamodel.assessment.results import Assessment
from hamodel.workload import Workload, unpacked

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Comparison:
    """A table with one column for each architecture.

    Attributes
    ----------
    names : tuple of str
        Heads of the columns.
    assessments : tuple of Assessment
        One for each column.
    """

    names: tuple[str, ...]
    assessments: tuple[Assessment, ...]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """What is shown: a heading, and a text for each architecture."""
        return shown(*self.assessments)

    def measures(self) -> dict[str, dict[str, Quantity]]:
        """Return every measure of every architecture, as numbers."""
        return {
            name: {m.name: m.of(a) for m in MEASURES.values()}
            for name, a in zip(self.names, self.assessments, strict=True)
        }

    def to_dict(self) -> dict[str, object]:
        """Return the assessments as data that JSON can hold, by name."""
        return {
            name: a.to_dict()
            for name, a in zip(self.names, self.assessments, strict=True)
        }

    def to_frame(self) -> DataFrame:
        """Return the measures as a table: a row for each, a column for each name."""
        from pandas import DataFrame

        return DataFrame(self.measures())

    def __repr__(self) -> str:
        table = [("", *self.names), *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        )

    def _repr_html_(self) -> str:
        return _html.table(self.rows, header=("", *self.names))


def compare(
    architectures: Mapping[str, Value] | Sequence[Value],
    workload: Workload | None = None,
) -> Comparison:
    r"""Return the assessments of several architectures, side by side.

    Parameters
    ----------
    architectures : sequence, or mapping of str to architecture
        What to compare; a mapping gives the names.  What `hamodel.load` returns is
        named by its title.
    workload : Workload, optional
        What is asked of each; by default that of the first, if it was loaded.

    Raises
    ------
    ValueError
        If there is nothing to compare.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node, SinglePrimary
    >>> from hamodel.units import HOUR
    >>> node = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    >>> table = compare([
    ...     SinglePrimary(database=node),
    ...     ActivePassive(database=node, failover=Failover(promotion=30)),
    ... ])
    >>> print("\n".join(repr(table).splitlines()[:3]))
                                    SinglePrimary      ActivePassive
    writes down, min/yr                     1,049               6.37
    reads down, min/yr                      1,049               4.19
    """
    if not isinstance(architectures, (list, tuple)):
        named = dict(getattr(architectures, "items", dict)())
    else:
        named = _named(architectures)
    if not named:
        raise ValueError(f"architectures must name at least one, got {architectures!r}")
    first = next(iter(named.values()))
    asked = {p: b for p, b in believed(first, workload).items() if p.startswith(LOAD)}
    _, workload = unpacked(first, workload)
    return Comparison(
        names=tuple(named),
        assessments=tuple(
            assessed(one, workload, {**believed(one, workload), **asked})
            for one in named.values()
        ),
    )


def _named(architectures: Sequence[Value]) -> dict[str, Value]:
    """Name architectures by title or kind, with numbers where one occurs twice."""
    kinds = [str(getattr(a, "title", type(a).__name__)) for a in architectures]
    names = []
    for i, kind in enumerate(kinds):
        number = kinds[: i + 1].count(kind)
        names.append(kind if kinds.count(kind) == 1 else f"{kind} {number}")
    return dict(zip(names, architectures, strict=True))
