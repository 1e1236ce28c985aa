"""A small error in the failover model passes neither the tests nor the lesson.

Every number, operator and state of the model is changed, one at a time.  At least 95 %
of the changes must fail a unit test; and those of the model's rates must also change
what the stored lesson shows, seen by nbval with the changed package in place.
"""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mutants
import pytest

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "notebooks" / "04_failover_maths.ipynb"
MODEL = "hamodel/architectures/active_passive.py"
RATES = ("_node_moves", "_primary_fails", "_return", "_standby_fails")
ENOUGH = 0.95


def environment(**changes):
    """Return variables for a child: bytecode on, one thread, fixed hashes."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"} | changes


def noticed_share(module, *tests):
    """Plant every small error in a module; return the share noticed, and the rest."""
    done = subprocess.run(
        [sys.executable, "tests/mutants.py", module, *tests],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    report = json.loads(done.stdout)
    assert report["planted"] > 0
    return 1 - len(report["survivors"]) / report["planted"], report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("hamodel.architectures.active_passive", ["tests/test_active_passive.py"]),
        (
            "hamodel.failover._spec",
            ["tests/test_failover.py", "tests/test_active_passive.py"],
        ),
    ],
)
def test_unit_tests_notice(module, tests):
    share, report = noticed_share(module, *tests)
    assert share >= ENOUGH, report


def lesson_with(folder, source):
    """Run strict nbval on the stored lesson, with a changed model in the package."""
    shutil.copytree(ROOT / "hamodel", folder / "hamodel")
    (folder / "data").symlink_to(ROOT / "data", target_is_directory=True)
    if source is not None:
        (folder / MODEL).write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--color=no"]
    strict = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=30"]
    return subprocess.run(
        [*command, *strict, "-p", "no:cacheprovider", str(LESSON)],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )


def planted_in_rates():
    """Return the mutants of the functions that make the model's rates."""
    text = (ROOT / MODEL).read_text(encoding="utf-8")
    lines = mutants.within(text, RATES)
    found = [m for m in mutants.mutants(text) if m[0] in lines]
    assert len(found) >= 8
    return found


@pytest.mark.slow
def test_stored_lesson_notices(tmp_path):
    found = [(0, "nothing", None), *planted_in_rates()]
    folders = [tmp_path / str(number) for number in range(len(found))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sources = [source for _, _, source in found]
        runs = list(pool.map(lesson_with, folders, sources))
    assert runs[0].returncode == 0, runs[0].stdout[-4000:]
    passed = [m[:2] for m, run in zip(found, runs, strict=True) if run.returncode == 0]
    survivors = [m for m in passed if m != (0, "nothing")]
    assert len(survivors) <= (1 - ENOUGH) * (len(found) - 1), survivors
    failures = [r.stdout for r in runs if r.returncode]
    assert all("Notebook cell execution failed" in said for said in failures)


# ---- the planting itself -----------------------------------------------------------

SMALL = '''
"""A model of 2 nodes."""


def down(a: int = 1):
    """Return 3."""
    if a is None or a == "x":
        return 2 * a + 1
    return "no"
'''


def test_every_kind_of_error_is_planted():
    done = [what for _, what, _ in mutants.mutants(SMALL, words=("x", "y"))]
    assert sorted(done) == sorted(
        [
            "1 became 2",
            "1 became 2",
            "2 became 3",
            "2 * a became 2 / a",
            "2 * a + 1 became 2 * a - 1",
            "a is None became a is not None",
            "a == 'x' became a != 'x'",
            "a is None or a == 'x' became a is None and a == 'x'",
            "'x' became 'y'",
        ]
    )
    sources = [source for _, _, source in mutants.mutants(SMALL)]
    assert len(set(sources)) == len(sources)


def test_a_suite_that_notices_nothing_is_found_out(tmp_path):
    lax = tmp_path / "test_lax.py"
    lax.write_text("import hamodel.units\n\n\ndef test_nothing():\n    pass\n")
    share, report = noticed_share("hamodel.units", str(lax))
    assert share == 0
    assert report["planted"] > 5


def test_a_suite_that_fails_by_itself_is_no_evidence(tmp_path):
    broken = tmp_path / "test_broken.py"
    broken.write_text(
        "import hamodel.units\n\n\ndef test_nothing():\n    assert False\n"
    )
    with pytest.raises(AssertionError, match="fail without a planted error"):
        noticed_share("hamodel.units", str(broken))
