"""Attempts that are repeated until one works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hamodel import fields
from hamodel.duration import Duration, mixture
from hamodel.failover._parts import as_duration

if TYPE_CHECKING:
    from hamodel._types import FloatArray

_RARE = 1e-9  # the probability of the attempts that are left out


@dataclass(frozen=True, kw_only=True, eq=False)
class Attempts:
    """Something that is tried again, some time later, until it works.

    Parameters
    ----------
    first : float or Duration
        Time in s of an attempt that works.
    again : float or Duration
        Time in s from one attempt to the next.
    failed : float
        Probability that an attempt fails.

    Raises
    ------
    ValueError
        If a time is negative or the share is not in [0, 1).

    Examples
    --------
    >>> from hamodel import duration
    >>> tries = Attempts(first=5, again=duration.uniform(6, 7), failed=0.1)
    >>> round(float(tries.duration.mean), 4)
    5.7222
    """

    first: Duration | float = field(
        metadata=fields.time("time of an attempt that works", law=True)
    )
    again: Duration | float = field(
        metadata=fields.time("time between attempts", law=True)
    )
    failed: float = field(metadata=fields.share("attempts that fail", below=True))

    def __post_init__(self) -> None:
        fields.check(self)

    @property
    def duration(self) -> Duration:
        """Time in s until an attempt works: the first, and a geometric number more."""
        parts = [as_duration("first", self.first)]
        if not self.failed:
            return parts[0]
        again = as_duration("again", self.again)
        for _ in range(int(np.ceil(np.log(_RARE) / np.log(self.failed)))):
            parts.append(parts[-1] + again)
        weights: FloatArray = self.failed ** np.arange(len(parts), dtype=float)
        return mixture(list(weights / weights.sum()), parts)

    @property
    def detection(self) -> Duration:
        """The same time, as the decision that works."""
        return self.duration

    @property
    def promotion(self) -> Duration:
        """The same time, as the promotion that works."""
        return self.duration
