"""Other processes, as the tests start them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOBODYS = ROOT / "test-output" / "missing" / "my_course.json"


def environment(**changes):
    """Return this process's variables: bytecode on (it halves imports), one thread."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    fixed = {"HAMODEL_PROGRESS": str(NOBODYS), "OMP_NUM_THREADS": "1"}
    return kept | fixed | changes


def run(*arguments, cwd=ROOT, **variables):
    """Run this interpreter; return the finished process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def nbval(*arguments, **variables):
    """Run strict nbval on notebooks; return the finished process."""
    quiet = ["-q", "--color=no", "-p", "no:cacheprovider"]
    strict = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=30"]
    # Another hash seed than the builder's: no output may hang on the order of sets.
    variables = {"PYTHONHASHSEED": "12345"} | variables
    return run("-m", "pytest", *quiet, *strict, *arguments, **variables)
