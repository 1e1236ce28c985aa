"""A yardstick of this machine at this moment, for tests of what must stay quick."""

import time

import numpy as np


def yardstick():
    """Return the CPU time in s of much arithmetic on arrays, and of many small calls.

    It is about 10 ms on a quiet machine.  What slows the machine slows both alike, so
    a multiple of it says the same on a busy one.
    """
    row, small = np.exp(1j * np.linspace(0, 1, 100_000)), np.eye(12) + 0.1
    since = time.process_time()
    for _ in range(10):
        row = row * row + 1
        row = row / np.abs(row)
    for _ in range(300):
        np.linalg.solve(small, small[0])
    return time.process_time() - since


def cost(task, times=7):
    """Return the least of how many yardsticks a task takes, each measured beside it."""
    found = []
    for _ in range(times):
        since = time.process_time()
        task()
        took = time.process_time() - since
        found.append(took / yardstick())
    return min(found)
