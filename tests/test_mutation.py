"""A small error in the failover model passes neither the tests nor the lesson.

Every number, operator and state of the failover's specification is changed, one at a
time, and at least 95 % of the changes must fail a unit test (`make mutants` does so for
the rooms whose tests take longer).  And every rate that the lesson uses is made
one per cent larger: nbval, with the changed package in place, must fail the stored
lesson each time.
"""

import concurrent.futures
import json
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
        "hamodel/architectures/active_passive.py",
        "self.unavailability * (YEAR / MINUTE)",
        "1.01 * self.unavailability * (YEAR / MINUTE)",
    ),
    (
        "hamodel/architectures/base.py",
        "return sum(mean_of(stage) for stage in self.of)",
        "return 1.01 * sum(mean_of(stage) for stage in self.of)",
    ),
)
ENOUGH = 0.95


def noticed_share(module, *tests):
    """Plant every small error in a module; return the share noticed, and the rest."""
    done = run("tests/support/mutants.py", module, *tests, PYTHONHASHSEED="0")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    report = json.loads(done.stdout)
    assert report["planted"] > 0
    return 1 - len(report["survivors"]) / report["planted"], report


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
            ["tests/test_active_passive_spec.py"],
        ),
    ],
)
def test_unit_tests_notice(module, tests):
    share, report = noticed_share(module, *tests)
    assert share >= ENOUGH, report


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
