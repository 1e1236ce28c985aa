"""A predicted law and what was measured: a curve, and steps that fall onto it.

Both are read at the same height: the share of the failures that were over by then.
Half of the steps should lie below the middle of the curve; the band is where 95 of 100
should lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hamodel import text
from hamodel.plots._style import INK, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from hamodel.duration import Duration

_SHARES = np.linspace(0.0005, 0.9995, 400)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Measured:
    """A drawn prediction with its measurements.

    Attributes
    ----------
    law, points : Line2D
        The curve, and the measured times.
    text : str
        What the picture says.
    """

    law: Line2D
    points: Line2D
    text: str


def draw_measured(ax: Axes, law: Duration, times: ArrayLike) -> Measured:
    """Draw a predicted law, and the times that were measured.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    law : Duration
        The prediction.
    times : array_like
        Measured times in s; nan where none was measured.

    Raises
    ------
    ValueError
        If there is no measured time, or one is negative.

    Examples
    --------
    >>> from hamodel import duration
    >>> from hamodel.plots import figure
    >>> drawn = draw_measured(
    ...     figure().subplots(), duration.uniform(2, 3), [2.1, 2.4, 2.8]
    ... )
    >>> print(drawn.text)
    Predicted: half within 2.5 s, 95 % within 2.95 s. Measured, 3 times: 2.4 s and ...
    """
    given = np.asarray(times, float).ravel()
    seen = np.sort(given[~np.isnan(given)])
    low, high = law.quantile([0.025, 0.975])
    ax.axvspan(float(low), float(high), color=PALETTE["sky blue"], alpha=0.25, lw=0)
    line = ax.plot(law.quantile(_SHARES), _SHARES, color=PALETTE["blue"], lw=2)[0]
    shares = (np.arange(len(seen)) + 0.5) / len(seen)
    points = ax.plot(seen, shares, "o", ms=3.5, color=INK)[0]
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_xlabel("seconds after the failure", parse_math=False)
    return Measured(law=line, points=points, text=measured_text(law, times))


def measured_text(law: Duration, times: ArrayLike) -> str:
    """Say in words what such a picture shows.

    Parameters
    ----------
    law : Duration
        The prediction.
    times : array_like
        Measured times in s; nan where none was measured.
    """
    from hamodel.recordings import agreement

    found = agreement(law, times)
    half, most = (text.time(float(t)) for t in found.predicted)
    was, worst = (text.time(float(t)) for t in found.measured)
    count = np.count_nonzero(~np.isnan(np.asarray(times, float)))
    return (
        f"Predicted: half within {half}, 95 % within {most}. Measured, {count}"
        f" times: {was} and {worst}; {text.share(found.inside)} of them lie where"
        " 95 % should."
    )
