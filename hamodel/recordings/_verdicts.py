"""A prediction beside what was measured, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hamodel import _html, text
from hamodel._types import FloatArray
from hamodel.duration import Duration
from hamodel.recordings._agreement import HEADER, Agreement, agreement


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Forecast:
    """The law of a measured time.

    Attributes
    ----------
    series : str
        Name of the recording.
    what : str
        What was measured.
    law : Duration
        The prediction.
    measured : ndarray
        Times in s.
    stands_on : str
        Where the prediction comes from.
    fails : str
        Why it is known not to hold; empty if it does.
    inferred : str
        What of it was inferred from the series itself, which is then no proof; empty
        for all the others.
    """

    series: str
    what: str
    law: Duration
    measured: FloatArray
    stands_on: str
    fails: str = ""
    inferred: str = ""

    def scaled(self, factor: float) -> Forecast:
        """Return the prediction with every time a factor longer."""
        return replace(self, law=self.law * factor)

    @property
    def agreement(self) -> Agreement:
        """How well it agrees with what was measured."""
        return agreement(self.law, self.measured)

    @property
    def holds(self) -> bool:
        """Whether the verdict is good in all its parts."""
        return self.agreement.holds

    @property
    def row(self) -> tuple[str, ...]:
        """The verdict in words."""
        return (self.series, self.what, *self.agreement.row)

    def __repr__(self) -> str:
        return f"<Forecast of {self.series}, {self.what}: {self.agreement!r}>"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Pairs:
    """Predicted numbers, one for each row of a recording.

    Attributes
    ----------
    series, what : str
        Name of the recording, and what was measured.
    predicted, measured : ndarray, shape (rows,)
        The numbers.
    errors_allowed : ndarray, shape (rows,)
        How far each may be off, of chance or by 10 %, whichever is more.
    stands_on, fails : str
        Where the prediction comes from; why it is known not to hold.
    """

    series: str
    what: str
    predicted: FloatArray
    measured: FloatArray
    errors_allowed: FloatArray
    stands_on: str
    fails: str = ""

    def scaled(self, factor: float) -> Pairs:
        """Return the prediction with every number a factor greater."""
        return replace(self, predicted=self.predicted * factor)

    @property
    def inside(self) -> float:
        """Share of the rows that are off by no more than is allowed."""
        off = np.abs(self.predicted - self.measured)
        return float(np.mean(off <= self.errors_allowed))

    @property
    def error(self) -> float:
        """Predicted over measured, less 1, over all rows together."""
        return float(self.predicted.sum() / self.measured.sum() - 1)

    @property
    def holds(self) -> bool:
        """Whether all together are within 10 %, and 85 of 100 rows."""
        return abs(self.error) <= 0.10 and self.inside >= 0.85

    @property
    def row(self) -> tuple[str, ...]:
        """The verdict in words."""
        total = f"{text.number(float(self.predicted.sum()))} for"
        total += (
            f" {text.number(float(self.measured.sum()))} ({text.change(self.error)})"
        )
        close = "yes" if abs(self.error) <= 0.10 else "no"
        rows = (
            f"{'yes' if self.inside >= 0.85 else 'no'} ({text.share(self.inside, 2)})"
        )
        count = str(len(self.measured))
        return (self.series, self.what, count, f"sum {total}", "", close, "", rows)

    def __repr__(self) -> str:
        return (
            f"<Pairs of {self.series}, {self.what}: {text.change(self.error)} in all,"
            f" {text.share(self.inside, 2)} of {len(self.measured)} rows inside>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Verdicts:
    """All predictions with their verdicts, as a page.

    Attributes
    ----------
    predictions : tuple of Forecast or Pairs
        What was held against what.
    """

    predictions: tuple[Forecast | Pairs, ...]

    @property
    def kept(self) -> tuple[int, int]:
        """How many hold in all their parts, of how many that infer nothing."""
        proofs = [p for p in self.predictions if not getattr(p, "inferred", "")]
        return sum(p.holds for p in proofs), len(proofs)

    def __repr__(self) -> str:
        rows = [_HEADER, *(p.row for p in self.predictions)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
        lines = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in rows
        ]
        held, asked = self.kept
        lines.append(f"{held} of {asked} hold in all their parts")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(*p.row, p.fails or p.stands_on) for p in self.predictions]
        return _html.table(rows, header=(*_HEADER, "stands on, or why not"))


_HEADER = ("recording", "what", *HEADER)
