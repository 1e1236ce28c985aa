"""Latency by site and operation, with the tail given as much room as the rest.

The surprise of a latency curve is where it matters: half of it lies in the last
percent.  So the share that is answered runs in nines (90, 99, 99.9 %), and times on a
logarithmic axis.  Sites whose laws are the same share a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel._types import Quantity
from hamodel.plots._style import FAINT, INK, PALETTE, PLAIN, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from hamodel.duration import Duration

_COLOURS = ("blue", "vermilion", "green", "purple", "orange", "black")
_LONGEST = 26  # letters of a name in the picture
_DASHES = ("-", "--", "-.", ":")
_SHARES = (0.0, 0.5, 0.9, 0.99, 0.999)
_FEW = np.concatenate((np.linspace(0.01, 0.89, 30), 1 - np.logspace(-1, -3, 30)))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LatencyCurves:
    """Drawn latencies.

    Attributes
    ----------
    lines : mapping of str to Line2D
        Nines of the answered share, against time, by what they are of; a law of which
        some never end has no line.
    marks : mapping of str to Line2D
        Its percentiles.
    sentences : tuple of str
        One for each law.
    """

    lines: Mapping[str, Line2D]
    marks: Mapping[str, Line2D]
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        return f"Latency. {'; '.join(self.sentences)}."


def draw_latency(
    ax: Axes,
    latency: Quantity,  # an Assessment, or a mapping
    *,
    points: tuple[float, ...] = (0.5, 0.95, 0.99),
) -> LatencyCurves:
    """Draw the latency of each site and operation, and its percentiles.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    latency : Assessment or mapping of str or tuple of str to Duration
        What is drawn, such as an assessment or its `.latency`.
    points : tuple of float
        Percentiles to mark, in (0, 1).

    Raises
    ------
    ValueError
        If there is no law, or a point is not in (0, 1).

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.duration import exponential
    >>> drawn = draw_latency(Figure().subplots(), {"read": exponential(0.01)})
    >>> print(drawn.text)
    Latency. read: 50 % 6.93 ms, 95 % 30 ms, 99 % 46.1 ms.
    """
    for p in points:
        _check.between(0, 1, point=p)
        if p in (0, 1):
            raise ValueError(f"point must be in (0, 1), got {p}")
    laws = _merged(getattr(latency, "latency", latency), points)
    if not laws:
        raise ValueError("latency must hold at least one law, got none")
    _axes(ax, laws, len(laws))
    lines, marks, sentences = {}, {}, []
    for k, (name, law) in enumerate(laws.items()):
        times = np.array([float(law.quantile(p)) if law else np.inf for p in points])
        colour = PALETTE[_COLOURS[k % len(_COLOURS)]]
        look: Style = {"color": colour, "linestyle": _DASHES[k % len(_DASHES)]}
        said = _percentiles(times, points)
        height = 3.35 + 0.36 * (len(laws) - 1 - k)
        across = ax.get_yaxis_transform()
        ax.plot([0.0, 0.06], [height, height], transform=across, lw=2, **look)
        ax.text(
            0.08,
            height,
            f"{_short(name)}: {said}",
            transform=across,
            va="center",
            **_PLAIN,
        )
        sentences.append(f"{name}: {said}")
        if law is not None and np.isfinite(times).all():
            curve = np.array([float(law.quantile(p)) for p in _FEW])
            (lines[name],) = ax.plot(curve, _nines(_FEW), linewidth=1.8, **look)
            (marks[name],) = ax.plot(times, _nines(points), "o", color=colour, ms=5)
    return LatencyCurves(lines=lines, marks=marks, sentences=tuple(sentences))


_PLAIN: Style = {**PLAIN, "color": INK}


def _nines(shares: Quantity) -> Quantity:  # one share, or an array
    return -np.log10(1 - np.asarray(shares, dtype=float))


def _percentiles(times: Quantity, points: tuple[float, ...]) -> str:
    if not np.isfinite(times).all():
        return "overload, no answer in time"
    pairs = zip(points, times, strict=True)
    return ", ".join(
        f"{text.number(100 * p, 4)} % {text.time(float(t))}" for p, t in pairs
    )


def _merged(latency: Quantity, points: tuple[float, ...]) -> dict[str, Duration | None]:
    """Name the laws; those with the same percentiles become one."""
    found: dict[Quantity, tuple[list[str], Quantity]] = {}
    for key in latency:
        try:
            law = latency[key]
        except ValueError:  # overload: there is nobody whose answer could be timed
            law = None
        times = [float(law.quantile(p)) for p in points] if law else []
        site, operation = ("", key) if isinstance(key, str) else key
        same = (operation, *(f"{t:.9g}" for t in times))
        found.setdefault(same, ([], law))[0].append(site)
    return {
        f"{', '.join(sites)} {same[0]}".strip(): law
        for same, (sites, law) in found.items()
    }


def _short(name: str) -> str:
    """Return a name that leaves room for its percentiles."""
    if len(name) <= _LONGEST:
        return name
    sites, _, operation = name.rpartition(" ")
    kept = sites[: _LONGEST - len(operation) - 4]
    return f"{kept}... {operation}"


def _axes(ax: Axes, laws: Mapping[str, Duration | None], rows: int) -> None:
    """Set fixed, plain ticks on both axes."""
    ends = [
        float(law.quantile(p)) for law in laws.values() if law for p in (0.01, 0.999)
    ]
    shown = [t for t in ends if np.isfinite(t) and t > 0] or [1e-3, 1.0]
    low, high = int(np.floor(np.log10(min(shown)))), int(np.ceil(np.log10(max(shown))))
    low = max(low, high - 6, -7)
    ax.set_xscale("log")
    ax.set_xlim(10.0**low, 10.0 ** max(high, low + 1))
    decades = [10.0**k for k in range(low, max(high, low + 1) + 1)]
    ax.set_xticks(decades, [text.time(t) for t in decades], parse_math=False)
    ax.set_xticks([], minor=True)
    ax.set_ylim(0, 3.5 + 0.36 * rows)
    labels = [f"{text.number(100 * p, 4)} %" for p in _SHARES]
    ax.set_yticks(_nines(_SHARES), labels, parse_math=False)
    for nines in _nines(_SHARES)[1:]:
        ax.axhline(nines, color=FAINT, linewidth=0.6, zorder=0)
    ax.set_xlabel("time to the answer", parse_math=False)
    ax.set_ylabel("share answered", parse_math=False)
