"""The rows of the benchmark, and how they are timed.

To add a row, write a function in `benchmarks/bench_<room>.py`:

    from benchmarks.harness import row, speedup

    @row("quantile of a sum against brentq", at_least=5)
    def quantile():
        d = ...                                  # set up outside the clock
        return speedup(lambda: yardstick(d), lambda: ours(d))

The function returns one number.  `speedup(yardstick, ours)` is how many times as fast
as the yardstick we are; `cost(ours, base)` is how many times as dear as `base`; an
accuracy row returns an error.  `at_least=` or `at_most=` is the bar; a row without a
bar only shows its number.  `peer="stormpy"` marks a row that needs a package of
`benchmarks/peers.txt`: where it is not installed, the row says so and passes.

Both sides of a ratio run in one process, in turns, on the CPU clock, and the shortest
of several rounds counts: what another process takes from us then falls out.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).parent
_ROUNDS = 7
_SHORTEST = 0.01  # seconds of CPU that one timing takes at least


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: what is measured, how, and the bar."""

    room: str
    what: str
    measure: Callable[[], float]
    at_least: float | None
    at_most: float | None
    peer: str | None

    @property
    def bar(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"

    def meets(self, value: float) -> bool:
        """Tell whether a value clears the bar (a NaN never does)."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most


_rows: list[Row] = []


def row(
    what: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    peer: str | None = None,
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Register a function as a row of its room's table."""

    def register(measure: Callable[[], float]) -> Callable[[], float]:
        room = measure.__module__.rpartition("bench_")[2]
        _rows.append(
            Row(
                room=room,
                what=what,
                measure=measure,
                at_least=at_least,
                at_most=at_most,
                peer=peer,
            )
        )
        return measure

    return register


def fastest(*functions: Callable[[], object], rounds: int = _ROUNDS) -> list[float]:
    """Return the least CPU seconds of each function, timed in turns."""
    counts = [_repetitions(function) for function in functions]
    best = [float("inf")] * len(functions)
    gc.collect()
    for _ in range(rounds):
        for k, function in enumerate(functions):
            best[k] = min(best[k], _seconds(function, counts[k]) / counts[k])
    return best


def speedup(
    yardstick: Callable[[], object],
    ours: Callable[[], object],
    *,
    per: float = 1,
    rounds: int = _ROUNDS,
) -> float:
    """Return how many times as fast we are.

    If the yardstick does only a part of the work, `per` is our work in units of it.
    """
    theirs, mine = fastest(yardstick, ours, rounds=rounds)
    return per * theirs / mine


def cost(
    ours: Callable[[], object], base: Callable[[], object], *, rounds: int = _ROUNDS
) -> float:
    """Return how many times as long we take as the base."""
    mine, theirs = fastest(ours, base, rounds=rounds)
    return mine / theirs


def _seconds(function: Callable[[], object], count: int) -> float:
    before = time.process_time()
    for _ in range(count):
        function()
    return time.process_time() - before


def _repetitions(function: Callable[[], object]) -> int:
    count = 1
    while (taken := _seconds(function, count)) < _SHORTEST:
        count = max(2 * count, int(count * 1.2 * _SHORTEST / max(taken, 1e-9)))
        count = min(count, 1_000_000)
    return count


def main(rooms: Sequence[str]) -> int:
    """Measure, print, write; return the exit code."""
    for path in sorted(FOLDER.glob("bench_*.py")):
        if not rooms or path.stem.removeprefix("bench_") in rooms:
            importlib.import_module(f"benchmarks.{path.stem}")
    if not _rows:
        print(f"no rows for {', '.join(rooms)}")
        return 2
    lines = []
    missed = 0
    for entry in _rows:
        measured, verdict = _judge(entry)
        missed += verdict == "MISSED"
        print(
            f"{entry.room:10} {entry.what:64} {entry.bar:>9} {measured:>14} {verdict}"
        )
        cells = entry.room, entry.what, entry.bar, measured, verdict
        lines.append(f"| {' | '.join(cells)} |")
    if not rooms:
        _write(lines)
    print(f"{len(_rows)} rows, {missed} bars missed")
    return 1 if missed else 0


def _judge(entry: Row) -> tuple[str, str]:
    if entry.peer and importlib.util.find_spec(entry.peer) is None:
        return "", f"{entry.peer} is not installed"
    value = entry.measure()
    if not entry.bar:
        return f"{value:.2g}", "shown"
    return f"{value:.2g}", "met" if entry.meets(value) else "MISSED"


def _planted() -> list[str]:
    """Return the scores by room that `make mutants` found last."""
    page = FOLDER / "mutants.md"
    if not page.exists():
        return []
    scores = page.read_text(encoding="utf-8").partition("\nScore: ")[2]
    rows = f"Score: {scores}".partition("\n## ")[0].split("\n")
    intro = "Noticed by the tests, room by room; modules and survivors: `mutants.md`."
    whole = (row for row in rows if not row.startswith("| `"))
    return ["## Planted errors", "", intro, "", *whole]


def _write(lines: Sequence[str]) -> None:
    text = [
        "# Benchmarks",
        "",
        "Written by `make bench`.  Speeds are ratios of CPU time within one process,",
        "the shortest of interleaved rounds; accuracies are relative errors.  A row",
        "without a bar is a comparison, shown also where we lose.  To run the peers'",
        "rows: `pip install -r benchmarks/peers.txt`.",
        "",
        "| Room | What | Bar | Measured | Verdict |",
        "| --- | --- | --- | --- | --- |",
        *lines,
        "",
        *_planted(),
    ]
    (FOLDER / "results.md").write_text("\n".join(text), encoding="utf-8")
