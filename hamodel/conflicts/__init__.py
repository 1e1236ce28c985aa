"""Two sites write one key at the same time: how often, and what becomes of it.

Sites that accept writes and tell each other later can write one key within each other's
window: neither has heard of the other's write.  The surprising idea: the rule `last
write wins` does not keep the last write.  It keeps one of the rivals and throws away
the others, all of them acknowledged; and with a clock that is ahead it throws away even
a write whose author had read the winner.  Vector clocks tell that writes are rivals and
keep them as siblings; they do not decide.

Assumptions: writes are Poisson at each site and know nothing of each other; delays
between sites are fixed, or independent random times where the text says so; no message
is lost for ever; every site holds every key.
"""

from hamodel.conflicts._certification import certification_aborts, total_order_latency
from hamodel.conflicts._concurrency import (
    Concurrency,
    Zipf,
    concurrency,
    concurrency_over_keys,
)
from hamodel.conflicts._last_write import LastWriteWins, last_write_wins
from hamodel.conflicts._siblings import mean_siblings

__all__ = [
    "Concurrency",
    "LastWriteWins",
    "Zipf",
    "certification_aborts",
    "concurrency",
    "concurrency_over_keys",
    "last_write_wins",
    "mean_siblings",
    "total_order_latency",
]
