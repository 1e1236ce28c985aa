"""What depends on how often each key is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel.conflicts import Zipf

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.assessment._workload import Workload
    from hamodel.replication import Stream


def popularity(workload: Workload) -> Zipf:
    """Return how requests spread over keys."""
    return Zipf(keys=workload.keys, exponent=workload.exponent)


def stale_reads(stream: Stream, workload: Workload, writes: Quantity) -> Quantity:
    """Return the probability that a read lacks its key's last write.

    Reads and writes prefer the same keys; `writes` is the rate in 1/s of those that
    the copy hears of late.
    """
    if np.ndim(writes) or np.ndim(stream.mean_lag):
        raise ValueError(
            "stale_read_probability needs a single rate and lag, got arrays; "
            "ha.sweep takes them point by point"
        )

    def missed(share: FloatArray) -> Quantity:
        return stream.stale_probability(share * writes)

    return popularity(workload).mean(missed)
