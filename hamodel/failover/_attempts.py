"""Attempts that are repeated until one works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel import fields
from hamodel.duration import Duration, mixture
from hamodel.failover._parts import as_duration

if TYPE_CHECKING:
    from hamodel._types import FloatArray

_RARE = 1e-9  # the probability of the attempts that are left out


@fields.specification
class Attempts:
    """Something that is tried again, some time later, until it works.

    Examples
    --------
    >>> from hamodel import duration
    >>> tries = Attempts(first=5, again=duration.uniform(6, 7), failed=0.1)
    >>> round(float(tries.duration.mean), 4)
    5.7222
    """

    first: Duration | float = fields.time("time of an attempt that works", law=True)
    again: Duration | float = fields.time("time between attempts", law=True)
    failed: float = fields.share("attempts that fail", below=True)

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
