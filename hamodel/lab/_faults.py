"""Faults: what is done to the processes of a server."""

from __future__ import annotations

import math
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from hamodel.lab._processes import Mark, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def acted(act: Callable[[], object]) -> Struck:
    """Do something; return when."""
    wall, begun = time.time(), time.monotonic()
    act()
    return Struck(begun, time.monotonic(), wall)


def strike(marks: Sequence[Mark], fault: str) -> Struck:
    """Do it to a process and its descendants, the process itself first."""
    struck = marks[:1] if fault in {"stop", "fast"} else marks
    return acted(lambda: send(struck, SIGNALS[fault]))


def seen(
    happens: Callable[[], bool], column: str, struck: Struck, patience: float
) -> dict[str, float | int | str]:
    """Ask every 10 ms whether something has happened; return when, as a row."""
    while time.monotonic() < struck.begun + patience:
        if happens():
            return {column: time.monotonic() - struck.begun, "censored": 0}
        time.sleep(0.01)
    return {column: math.nan, "censored": 1}
