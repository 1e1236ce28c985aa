"""What experiments share: settings in, one row a failure out, laws beside them."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import math
import os
import platform
import signal
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from hamodel import _check, fields
from hamodel._bars import bar
from hamodel._types import FloatArray, Json, Value
from hamodel.duration import Duration
from hamodel.lab import _packages
from hamodel.lab._processes import Nursery, Struck

if TYPE_CHECKING:
    from hamodel.recordings import Agreement, Outcomes

Row = dict[str, float | int | str]

BUSY = 1.0  # load average a core above which machine-bound stages are not judged
SETTLE = 1.0  # s from the first writes to the failure, at least


class Bench(Protocol):
    """A system that was set up, waiting for its failure."""

    def fail(self) -> Struck:
        """Cause the failure; return when."""
        ...

    def observe(self, struck: Struck) -> Row:
        """Wait for the recovery; return what was measured."""
        ...


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment: its settings are its fields.

    Attributes
    ----------
    programs, modules : tuple of str
        Programs that it starts, and modules of the extra `lab` that it imports.
    stages : mapping of str to str
        Columns that are predicted, each "timer" or "machine": a stage that waits for a
        timer, or one that takes what the machine takes.
    seconds : float
        About how long one failure takes with setting up and cleaning up.
    patience : float
        Longest time in s to wait for a recovery; later ones are censored.
    lacks : str
        What is missing here beside programs and modules, such as root.
    beat : float
        Longest time in s from one beat of its watchers to the next: a failure falls
        anywhere between two.
    """

    fault: str = fields.word("what is done to it", default="kill")

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    modules: ClassVar[tuple[str, ...]] = ()
    faults: ClassVar[tuple[str, ...]] = ("kill",)
    stages: ClassVar[Mapping[str, str]]
    seconds: ClassVar[float]
    patience: ClassVar[float] = 90.0

    def __post_init__(self) -> None:
        fields.check(self)
        _check.one_of(self.faults, fault=self.fault)

    @abstractmethod
    def prediction(self) -> dict[str, Duration]:
        """Return the law of each predicted column, from the settings alone."""

    @abstractmethod
    def bench(self, nursery: Nursery) -> contextlib.AbstractContextManager[Bench]:
        """Set the system up in a nursery; return it, ready to fail."""

    def versions(self, nursery: Nursery) -> dict[str, str]:
        """Return the versions of the programs."""
        return _packages.versions(self.programs, nursery.run)

    def chances(self, row: Row) -> dict[str, float]:  # noqa: ARG002
        """Return the predicted chance of what may or may not happen in a row."""
        return {}

    @property
    def lacks(self) -> str:
        """What is missing here beside programs and modules; empty if nothing."""
        return ""

    @property
    def beat(self) -> float:
        """Longest time in s from one beat of the watchers to the next."""
        return 1.0

    @property
    def settings(self) -> dict[str, object]:
        """The fields and their values, as JSON has them."""
        return {k: "inf" if v == math.inf else v for k, v in asdict(self).items()}

    def record(
        self,
        n: int = 8,
        out: Path | str = "recordings",
        *,
        rng: np.random.Generator | int = 1,
        resume: bool = False,
    ) -> Recorded:
        """Fail the real system n times.

        Parameters
        ----------
        n : int
            Failures to record.
        out : path
            Folder for the rows (CSV) and what is known of them (JSON).
        rng : numpy.random.Generator or int
            When each failure comes within the beat of the watchers, or its seed.
        resume : bool
            Whether to go on with what an earlier run left.

        Raises
        ------
        FileExistsError
            If there are rows already and `resume` is not set.
        FileNotFoundError
            If a program is missing, with the command that brings it.
        PermissionError
            If it needs what this user may not.
        """
        _check.whole(1, n=n)
        for program in self.programs:
            _packages.needed(program)
        if self.lacks:
            raise PermissionError(f"{self.name} needs {self.lacks}")
        with _ended_by_signals():
            return _record(self, n, Path(out), np.random.default_rng(rng), resume)

    @property
    def title(self) -> str:
        """The name with the settings that differ from the default."""
        given = [
            f"{f.name}={getattr(self, f.name):g}"
            if isinstance(getattr(self, f.name), float)
            else f"{f.name}={getattr(self, f.name)}"
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        ]
        return "-".join([self.name, *given])


@dataclass(frozen=True)
class Recorded:
    """Rows of an experiment, and what is known of them.

    Attributes
    ----------
    experiment : Experiment
        What was run.
    rows : tuple of dict
        One a failure; `censored` is 1 where the recovery was not waited for.
    discarded : tuple of str
        Repetitions that were left out, each with its reason.
    """

    experiment: Experiment
    rows: tuple[Row, ...]
    discarded: tuple[str, ...] = ()

    def column(self, name: str) -> FloatArray:
        """Return a column as numbers; what was not seen is nan."""
        return np.array([float(row.get(name, math.nan)) for row in self.rows])

    @property
    def busy(self) -> bool:
        """Whether the machine was too busy for its own stages to be judged."""
        return float(np.median(self.column("load1"))) > BUSY * (os.cpu_count() or 1)

    def compare(self) -> Agreements:
        """Hold the predictions against what was measured.

        Raises
        ------
        ValueError
            If no row was recorded.
        """
        from hamodel.recordings import agreement, outcomes

        _check.whole(1, rows=len(self.rows))
        told = [self.experiment.chances(row) for row in self.rows]
        judged: dict[str, Agreement | Outcomes] = {
            name: outcomes([each[name] for each in told], self.column(name))
            for name in told[0]
        }
        if not judged:
            judged |= {
                name: agreement(law, self.column(name))
                for name, law in self.experiment.prediction().items()
                if name in self.rows[0]  # older records lack what was added since
                and not (self.busy and self.experiment.stages[name] == "machine")
            }
        return Agreements(recorded=self, agreements=judged)


@dataclass(frozen=True, kw_only=True)
class Agreements:
    """Predicted against measured, column by column.

    Attributes
    ----------
    recorded : Recorded
        What was measured.
    agreements : mapping of str to Agreement or Outcomes
        The verdict of each predicted column.
    """

    recorded: Recorded
    agreements: Mapping[str, Agreement | Outcomes]

    @property
    def holds(self) -> bool:
        """Whether every prediction holds."""
        return all(found.holds for found in self.agreements.values())

    @property
    def table(self) -> list[tuple[str, ...]]:
        """A row for each predicted column, as `recordings.HEADER` heads them."""
        return [(name, *found.row) for name, found in self.agreements.items()]

    def __repr__(self) -> str:
        said = [f"{name}: {found!r}" for name, found in self.agreements.items()]
        return "\n".join([self.recorded.experiment.title, *said])


def opened(file: Path | str, kinds: Mapping[str, type[Experiment]]) -> Recorded:
    """Read what an experiment has written.

    Parameters
    ----------
    file : path
        The CSV of the rows; the JSON lies beside it.
    kinds : mapping of str to type
        The experiments by name.

    Raises
    ------
    ValueError
        If the notes name no experiment that is known.
    """
    file = Path(file)
    notes = json.loads(file.with_suffix(".json").read_text())
    _check.one_of(kinds, experiment=notes["experiment"])
    settings: dict[str, Value] = {
        k: math.inf if v == "inf" else v for k, v in notes["settings"].items()
    }
    experiment = kinds[notes["experiment"]](**settings)
    rows, discarded = _kept(file, file.with_suffix(".json"))
    return Recorded(experiment, tuple(rows), tuple(discarded))


def workplace() -> Path:
    """Return the folder where experiments of this user run."""
    found = Path(tempfile.gettempdir()) / f"hamodel-lab-{os.getuid()}"
    found.mkdir(mode=0o755, exist_ok=True)
    return found


def _record(
    experiment: Experiment, n: int, out: Path, rng: np.random.Generator, resume: bool
) -> Recorded:
    out.mkdir(parents=True, exist_ok=True)
    rows_file = out / f"{experiment.title}.csv"
    notes_file = rows_file.with_suffix(".json")
    rows, discarded = _kept(rows_file, notes_file) if resume else ([], [])
    if rows_file.exists() and not resume:
        raise FileExistsError(f"{rows_file} is there already; resume, or name another")
    work = workplace() / experiment.title
    notes: Json = {
        "experiment": experiment.name,
        "settings": experiment.settings,
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "definition": " ".join((experiment.__doc__ or "").split()),
    }
    for repetition in _counted(n, len(rows), experiment):
        phase = float(rng.uniform(0, experiment.beat))
        with Nursery(work, _packages.variables(), rng) as nursery:
            notes["versions"] = experiment.versions(nursery)
            try:
                row = _failure(experiment, nursery, phase)
            except (TimeoutError, RuntimeError, OSError) as error:
                discarded.append(f"{repetition}: {error}")
            else:
                rows.append({"rep": repetition, **row})
                _append(rows_file, rows[-1])
        when = datetime.now(UTC).isoformat(timespec="seconds")
        notes |= {"recorded": when, "discarded": discarded, "rows": len(rows)}
        notes_file.write_text(json.dumps(notes, indent=1) + "\n")
    return Recorded(experiment, tuple(rows), tuple(discarded))


def _failure(experiment: Experiment, nursery: Nursery, phase: float) -> Row:
    with experiment.bench(nursery) as bench:
        time.sleep(SETTLE + phase)  # anywhere within the beats of the watchers
        load = os.getloadavg()[0]
        row: Row = {"phase_s": round(phase, 6), **bench.observe(bench.fail())}
        return row | {"load1": round(load, 2)}


def _counted(n: int, done: int, experiment: Experiment) -> Iterator[int]:
    """Count the repetitions that are left, with the time they may take."""
    yield from bar(
        range(done, n), initial=done, total=n, desc=experiment.title, disable=None
    )


def _append(file: Path, row: Row) -> None:
    new = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, row)
        if new:
            writer.writeheader()
        writer.writerow(
            {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
        )
        stream.flush()
        os.fsync(stream.fileno())


def _kept(rows_file: Path, notes_file: Path) -> tuple[list[Row], list[str]]:
    if not rows_file.exists():
        return [], []
    with rows_file.open(newline="") as stream:
        rows: list[Row] = [dict(row) for row in csv.DictReader(stream)]
    notes = json.loads(notes_file.read_text()) if notes_file.exists() else {}
    return rows, list(notes.get("discarded", []))


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that what was started is ended."""

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: its owner's business
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
