"""Faults: what is done to the processes of a server."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from hamodel.lab._processes import Mark, send

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNALS = {
    "kill": signal.SIGKILL,  # the process dies; its connections are reset
    "hang": signal.SIGSTOP,  # it falls silent; its connections stay
    "stop": signal.SIGTERM,  # it is asked to end, and does so in good order
    "fast": signal.SIGINT,  # the same of PostgreSQL, whose SIGTERM waits for clients
}


class Struck(NamedTuple):
    """When a fault began and when it was done, in s."""

    begun: float  # monotonic
    done: float  # monotonic
    wall: float  # the beginning by the calendar, as logs have it


def strike(marks: Sequence[Mark], fault: str) -> Struck:
    """Do it to a process and its descendants, the process itself first."""
    wall, begun = time.time(), time.monotonic()
    send(marks[:1] if fault in {"stop", "fast"} else marks, SIGNALS[fault])
    return Struck(begun, time.monotonic(), wall)
