"""A small error in the failover model passes neither the tests nor the lesson.

Every number, operator and state of the failover's specification is changed, one at a
time, and at least 95 % of the changes must fail a unit test (`make mutants` does so for
the rooms whose tests take longer).  And every rate that the lesson uses is made
one per cent larger: nbval, with the changed package in place, must fail the stored
lesson each time.
"""

import ast
import concurrent.futures
import shutil

import pytest

from tests.support import mutants
from tests.support.processes import ROOT, nbval, run

LESSON = ROOT / "notebooks" / "04_failover_maths.ipynb"
RULES = "hamodel/architectures/_replicated.py"
FAILOVERS = "hamodel/architectures/_failing_over.py"
LARGER = (  # file, what stands there once, what is planted in its place
    (RULES, "clock, kind.primary)", "clock, 0.99 * kind.primary)"),
    (RULES, "sooner(kind.standby, nodes[0])", "sooner(0.99 * kind.standby, nodes[0])"),
    (
        FAILOVERS,
        "cause=Cause.FAILING_OVER), coverage",
        "cause=Cause.FAILING_OVER), 1.01 * coverage",
    ),
    (
        FAILOVERS,
        "yield to, (1 - coverage) * share",
        "yield to, 1.01 * (1 - coverage) * share",
    ),
    (RULES, "sooner(time, at_once), to", "sooner(1.01 * time, at_once), to"),
    (
        "hamodel/architectures/base.py",
        "self.unavailability * (YEAR / MINUTE)",
        "1.01 * self.unavailability * (YEAR / MINUTE)",
    ),
    (
        "hamodel/architectures/_events.py",
        "return sum(mean_of(stage) for stage in self.of)",
        "return 1.01 * sum(mean_of(stage) for stage in self.of)",
    ),
)
ENOUGH = 0.95
PAIR = "`hamodel.architectures.active_passive`, `ActivePassive"
SAME = {  # change nothing: any number below 0 is no site; more states, the same causes
    f"{PAIR}.chain`: 1 became 2",
    f"{PAIR}.downtime_by_cause`: True became False",
}


JUDGE = """
import sys
from pathlib import Path
from tests.planted import judged, measured
from tests.support.mutants import mutants

folder, module, most, *tests = sys.argv[1:]
reach = measured([Path(test).resolve() for test in tests], Path(folder))
noticed = judged(list(mutants(module))[: int(most)], reach)
print(len(noticed))
sys.exit(str([mutant.name for mutant in noticed if not noticed[mutant]]))
"""


def noticed_share(folder, module, tests, most=1000):
    """Plant small errors in a module; return the share noticed, and the rest."""
    done = run("-c", JUDGE, folder, module, most, *tests, PYTHONHASHSEED="0")
    survivors = ast.literal_eval(done.stderr.splitlines()[-1])
    tried = int(done.stdout.splitlines()[-1])
    assert tried > 8, done.stdout + done.stderr
    return 1 - len(survivors) / tried, survivors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "tests"),
    [
        (
            "hamodel.failover._spec",
            ["tests/test_failover_details.py", "tests/test_failover.py"],
        ),
        (
            "hamodel.architectures.active_passive",
            [
                "tests/test_active_passive_spec.py",
                "tests/test_active_passive.py",
                "tests/test_architectures_diagram.py",
            ],
        ),
    ],
)
def test_unit_tests_notice(module, tests, tmp_path):
    share, survivors = noticed_share(tmp_path, module, tests)
    assert share >= ENOUGH or SAME.issuperset(survivors), survivors


def lesson_with(folder, file="", old="", new=""):
    """Run strict nbval on the stored lesson, with a changed file in the package."""
    shutil.copytree(ROOT / "hamodel", folder / "hamodel")
    (folder / "data").symlink_to(ROOT / "data", target_is_directory=True)
    if file:
        source = (folder / file).read_text(encoding="utf-8")
        assert source.count(old) == 1, f"{file} has no longer one {old!r}: list another"
        (folder / file).write_text(source.replace(old, new), encoding="utf-8")
    return nbval("-x", LESSON, PYTHONPATH=str(folder))


@pytest.mark.slow
def test_stored_lesson_notices(tmp_path):
    sound = lesson_with(tmp_path / "sound")
    assert sound.returncode == 0, sound.stdout[-4000:]
    folders = [tmp_path / str(number) for number in range(len(LARGER))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lesson_with, folders, *zip(*LARGER, strict=True)))
    for (_, _, new), done in zip(LARGER, runs, strict=True):
        assert done.returncode == 1, f"{new} is not noticed"
        assert "Cell outputs differ" in done.stdout, done.stdout[-4000:]


# ---- the planting itself -----------------------------------------------------------

SMALL = '''
"""A model of 2 nodes."""


def down(a: int = 1):
    """Return 3."""
    match a:
        case "x" | "y":
            return 0
    if a is None or a == "x" and a < 4:
        raise ValueError(f"must be < {2 * a}")
    return 2 * min(a, 1)
'''


def test_every_kind_of_error_is_planted():
    done = [mutant.what for mutant in mutants.mutants("small", SMALL)]
    assert sorted(done) == sorted(
        [
            "1 became 2",
            "1 became 2",
            "0 became 1",
            "2 became 3",
            "4 became 5",
            "2 * min(a, 1) became 2 / min(a, 1)",
            "min became max",
            "a is None became a is not None",
            "a < 4 became a >= 4",
            "a == 'x' became a != 'x'",
            "a == 'x' and a < 4 became a == 'x' or a < 4",
            "a is None or (a == 'x' and a < 4) became "
            "a is None and (a == 'x' and a < 4)",
            "'x' became 'y'",
            "'x' became 'y'",
            "'y' became 'x'",
        ]
    )


@pytest.fixture
def kept():
    folder = ROOT / "test-output" / "planted"
    yield folder
    shutil.rmtree(folder)


def noticed_by(folder, value):
    """Plant errors in a small function, and see what one test of it notices."""
    folder.mkdir(parents=True)
    suite = folder / "test_rate.py"
    suite.write_text(
        "from hamodel._quantity import rate_of\n\n\n"
        f"def test_rate():\n    assert rate_of(2.0) == {value}\n"
    )
    return noticed_share(folder, "hamodel._quantity", [suite], most=9)


def test_what_is_noticed_and_what_is_not(kept):
    share, survivors = noticed_by(kept, 0.5)
    assert 0 < share < 1
    assert any("np.asarray" in survivor for survivor in survivors)  # of an array


def test_a_suite_that_fails_by_itself_is_no_evidence(kept):
    share, _ = noticed_by(kept, 0.6)
    assert share == 0
