"""Commands in a terminal: CPU of a process of their own, in units of loading NumPy."""

import os
import resource
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.harness import row
from hamodel.specfile import starter

_ROUNDS = 5
_MAIN = "import sys; from hamodel.cli import main; main(sys.argv[1:])"


@cache
def _folder() -> Path:
    """Return a folder with the starter file, and with room for compiled modules."""
    folder = Path(tempfile.mkdtemp())
    (folder / "system.yaml").write_text(starter(), encoding="utf-8")
    return folder


def _cpu(code: str, *arguments: str) -> float:
    """Return the least CPU in s that a process takes; its first run compiles."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    own = {"PYTHONPYCACHEPREFIX": str(_folder() / "compiled")}
    own["OPENBLAS_NUM_THREADS"] = "1"
    taken = []
    for _ in range(_ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=_folder(),
            env=kept | own,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime - before.ru_utime)
    return min(taken)


def _against_numpy(command: str) -> float:
    return _cpu(_MAIN, command, "system.yaml") / _cpu("import numpy")


@row("hamodel assess of the starter, in units of importing numpy", at_most=14)
def assessed() -> float:
    return _against_numpy("assess")


@row("hamodel spof of the starter, in units of importing numpy", at_most=5)
def weak() -> float:
    return _against_numpy("spof")


@row("hamodel explain of the starter, in units of importing numpy", at_most=5)
def explained() -> float:
    return _against_numpy("explain")
