"""Clients that write numbered records and note what was acknowledged, and when."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from hamodel.lab._processes import Struck, until

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Write = Callable[[int], object]


class Sent(NamedTuple):
    """A write: its number, when it was sent, and when it was acknowledged."""

    number: int
    sent: float  # monotonic, s
    acknowledged: float  # monotonic, s; nan if never


@dataclass
class Writers:
    """Threads that write one record after the other, each over a connection of its own.

    Parameters
    ----------
    connect : callable
        A context that gives a function which writes a number and returns when it is
        acknowledged; anything may raise, whereupon the thread connects anew.
    count : int
        How many threads.
    pause : float
        Time in s from one write to the next.
    first : int
        Number of the first record.
    """

    connect: Callable[[], AbstractContextManager[Write]]
    count: int = 2
    pause: float = 0.005
    first: int = 0
    _numbers: itertools.count[int] = field(init=False)
    _written: list[list[Sent]] = field(default_factory=list, init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(self.first)

    def __enter__(self) -> Self:
        for _ in range(self.count):
            written: list[Sent] = []
            thread = threading.Thread(target=self._work, args=(written,), daemon=True)
            self._written.append(written)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=30)

    @property
    def acknowledged(self) -> list[Sent]:
        """The writes that were acknowledged so far."""
        return [w for part in self._written for w in list(part)]

    def started(self, patience: float = 20.0) -> Self:
        """Wait for the first writes."""
        until(lambda: len(self.acknowledged) > 20, "first writes", patience)
        return self

    def lost(self, read: Callable[[], set[int]]) -> int:
        """Return how many writes acknowledged until now are not among those read."""
        written = self.acknowledged  # first: what is written meanwhile may not be there
        there = read()
        return sum(write.number not in there for write in written)

    def served(self, since: float) -> list[float]:
        """Return when each thread was first served for a write sent since, in order."""
        firsts = []
        for part in self._written:
            later = [w.acknowledged for w in list(part) if w.sent >= since]
            firsts += [min(later)] if later else []
        return sorted(firsts)

    def recovery(self, struck: Struck, patience: float) -> dict[str, float | int]:
        """Wait until every thread is served again; return when, and what was written.

        A recovery that takes longer than `patience` is censored.
        """
        last = struck.begun + patience
        while len(self.served(struck.done)) < self.count and time.monotonic() < last:
            time.sleep(0.01)
        served = [at - struck.begun for at in self.served(struck.done)]
        whole = len(served) == self.count
        return {
            "rto_first_s": served[0] if served else float("nan"),
            "rto_all_s": served[-1] if whole else float("nan"),
            "acked": len(self.acknowledged),
            "censored": int(not whole),
        }

    def _work(self, written: list[Sent]) -> None:
        with contextlib.ExitStack() as stack:
            write: Write | None = None
            while not self._over.is_set():
                number, sent = next(self._numbers), time.monotonic()
                try:
                    write = write or stack.enter_context(self.connect())
                    write(number)
                except Exception:  # a client survives whatever its server does
                    write = None
                    with contextlib.suppress(Exception):
                        stack.close()
                    time.sleep(0.01)
                    continue
                written.append(Sent(number, sent, time.monotonic()))
                time.sleep(self.pause)
