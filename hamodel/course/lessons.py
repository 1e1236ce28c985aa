"""Execute the lessons and store what they show: `python -m hamodel.course.lessons`.

A stored notebook is evidence, so it must be the same file whenever the same code runs.
The surprising part is how much noise a plain execution leaves: process numbers in
warnings, split streams, random widget and cell ids, times, interpreter versions.
All of it is removed here; a second run then changes nothing, and `--check` can compare
files byte by byte.  That check is stronger than nbval's: it sees every output, the
order of fields and the metadata.

Assumptions: the pinned environment on the same platform (SVG is text, but its numbers
come from floating point), one kernel per notebook, and cells that finish in time.  A
widget's live view is dropped, since JupyterLab shows a blank in its place until the
cell runs; so whatever a cell shows must also have a `text/html` or `text/plain` form.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from hamodel.course.saving import clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 120  # seconds; far above any lesson's cell, so that only a hang trips it
CELL_METADATA = ("jupyter", "tags")  # what an author sets by hand; the rest is noise
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
KERNEL_ARGUMENTS = (
    "--log-level=ERROR",  # hush "running over TCP without encryption"
    # Warnings are errors, but only once the kernel is up, and not the kernel's own.
    "--IPKernelApp.exec_lines=import warnings; warnings.simplefilter('error'); "
    "warnings.filterwarnings('ignore', module='ipykernel'); del warnings",
)


class LessonError(ValueError):
    """A notebook that cannot be stored, because one of its cells is at fault.

    Parameters
    ----------
    path : Path
        The notebook.
    cell : int
        Which code cell, counted from 1 (nbval counts from 0).
    problem : str
        What is wrong with it.
    """

    def __init__(self, path: Path, cell: int, problem: str) -> None:
        super().__init__(f"{path}: code cell {cell} {problem}")
        self.path = path
        self.cell = cell


@dataclass(frozen=True, kw_only=True)
class Build:
    """A notebook as executed just now, and how long its code cells took."""

    path: Path
    text: str
    seconds: tuple[float, ...]

    @property
    def changed(self) -> bool:
        """Whether the stored file differs from this execution."""
        return self.path.read_bytes() != self.text.encode()

    def write(self) -> None:
        """Store the executed notebook in place."""
        self.path.write_bytes(self.text.encode())

    def difference(self, limit: int = 20) -> str:
        """Return the first lines that differ from the stored file, each cut short."""
        lines = difflib.unified_diff(
            self.path.read_text(encoding="utf-8").splitlines(),
            self.text.splitlines(),
            "stored",
            "executed",
            n=0,
            lineterm="",
        )
        cut = [line if len(line) <= 160 else line[:157] + "..." for line in lines]
        return "\n".join(cut[:limit])


def build(path: Path) -> Build:
    """Execute a notebook in a fresh kernel and return it as it is to be stored.

    Raises
    ------
    LessonError
        If a code cell is empty, raises, writes to stderr, outlasts the time limit,
        kills the kernel or shows nothing but a widget's view.
    """
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(_code(notebook), 1):
        if not cell.source.strip():
            raise LessonError(path, number, "is empty")
    seconds = _execute(notebook, path)
    tidy(notebook)
    for number, cell in enumerate(_code(notebook), 1):
        for output in cell.outputs:
            if problem := _problem(output):
                raise LessonError(path, number, problem)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    return Build(path=path, text=text, seconds=seconds)


def tidy(notebook: NotebookNode) -> None:
    """Remove from an executed notebook everything that varies between runs.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook, changed in place: fixed metadata and cell ids, no widget views,
        no execution times.
    """
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    notebook.nbformat_minor = 5
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02d}"
        kept = {k: v for k, v in cell.metadata.items() if k in CELL_METADATA and v}
        cell.metadata = nbformat.from_dict(kept)
        cell.pop("attachments", None)
    clean(notebook)


def lessons(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the notebooks that the paths name; those of a folder by name.

    Raises
    ------
    ValueError
        If a path does not exist, is no notebook, or a folder holds none.

    Examples
    --------
    >>> lessons([Path("nowhere.ipynb")])
    Traceback (most recent call last):
        ...
    ValueError: path must be a notebook or a folder of notebooks, got nowhere.ipynb
    """
    found: list[Path] = []
    for path in paths:
        within = sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
        if not within or not all(p.is_file() and p.suffix == ".ipynb" for p in within):
            message = f"path must be a notebook or a folder of notebooks, got {path}"
            raise ValueError(message)
        found += within
    return tuple(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the named lessons, or all of them, and report each on a line.

    Returns
    -------
    int
        The exit status: 1 if a cell is at fault or, with `--check`, a file differs.
    """
    parser = argparse.ArgumentParser(prog="python -m hamodel.course.lessons")
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("notebooks")])
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if a stored notebook differs from its execution",
    )
    options = parser.parse_args(arguments)
    try:
        paths = lessons(options.paths)
    except ValueError as error:
        parser.error(str(error))
    good = [_report(path, check=options.check) for path in paths]
    return 0 if all(good) else 1


def _report(path: Path, *, check: bool) -> bool:
    """Build one lesson, say how it went, and return whether all is well."""
    try:
        built = build(path)
    except LessonError as error:
        _say(str(error))
        return False
    changed = built.changed
    if changed and not check:
        built.write()
    verdict = "unchanged" if not changed else "DIFFERS" if check else "rewritten"
    slowest = max(built.seconds, default=0.0)
    _say(
        f"{path}: {verdict}; {len(built.seconds)} code cells in "
        f"{sum(built.seconds):.1f} s, the slowest in {slowest:.1f} s"
    )
    if changed and check:
        _say(built.difference())
    return not (changed and check)


def _execute(notebook: NotebookNode, path: Path) -> tuple[float, ...]:
    """Run the code cells in place and return the seconds of each."""
    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="hamodel-lesson-") as scratch:
        client = _client(notebook, path, clock, scratch)
        try:
            client.execute(cleanup_kc=True, env=_environment(scratch))
        except CellExecutionError as error:
            problem = f"raised {error.ename}: {error.evalue}\n{_last(error.traceback)}"
        except CellTimeoutError:
            problem = f"ran for more than {CELL_TIMEOUT} s"
        except DeadKernelError:
            problem = "killed the kernel"
        else:
            return tuple(clock.seconds)
    raise LessonError(path, clock.cells, problem)


def _client(
    notebook: NotebookNode, path: Path, clock: _Clock, scratch: str
) -> NotebookClient:
    """Return a client whose kernel is this interpreter, in the notebook's folder."""
    kernel = AsyncKernelManager(
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),  # nothing installed
        connection_file=f"{scratch}/kernel.json",
    )
    return NotebookClient(
        notebook,
        km=kernel,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        shutdown_kernel="immediate",
        extra_arguments=list(KERNEL_ARGUMENTS),
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_execute=clock.start,
        on_cell_executed=clock.stop,
    )


class _Clock:
    """Count the code cells as they run, and time them."""

    def __init__(self) -> None:
        self.cells = 0
        self.seconds: list[float] = []
        self._since = 0.0

    def start(self, **_: object) -> None:
        self.cells += 1
        self._since = perf_counter()

    def stop(self, **_: object) -> None:
        self.seconds.append(perf_counter() - self._since)


def _environment(scratch: str) -> dict[str, str]:
    """Return the kernel's environment: nothing personal, one thread, fixed hashes."""
    environment = dict(os.environ)
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS", "PYTHONSTARTUP"):
        environment.pop(name, None)
    return environment | {
        "HAMODEL_PROGRESS": f"{scratch}/my_course.json",
        "IPYTHONDIR": scratch,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }


def _problem(output: NotebookNode) -> str:
    """Return why an output may not be stored, or nothing."""
    if output.output_type == "error":  # a cell tagged `raises-exception`
        return f"raised {output.ename}: {output.evalue}"
    if output.output_type == "stream" and output.name == "stderr":
        return f"wrote to stderr: {output.text.strip()}"
    if output.output_type != "stream" and not output.data:
        return "shows only a widget; give it a text/html or text/plain form"
    return ""


def _last(traceback: str) -> str:
    """Return the end of a traceback without its colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", traceback)
    return "\n".join(plain.strip().splitlines()[-30:])


def _code(notebook: NotebookNode) -> Iterator[NotebookNode]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
