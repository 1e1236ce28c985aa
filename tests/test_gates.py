"""The gates that guard the text of the code: style, types, rooms, docstrings, spelling.

Each gate is first shown a planted fault, so that a gate which checks nothing (a wrong
folder, a setting that switches it off) is noticed.
"""

import shutil

import pytest

from tests.support import processes
from tests.support.processes import ROOT

CODE = ("hamodel", "tests", "benchmarks", "notebooks", "conftest.py")
PROSE = ("hamodel", "tests", "benchmarks", "data", "notebooks")
WORDS = ("README.md", "CHANGES.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml")


def run(tool, *arguments, cwd=ROOT):
    """Run a tool of this environment; return the finished process."""
    # import-linter runs only by its script: its modules, run by name, do nothing.
    lint = "from importlinter.cli import lint_imports_command as run; run()"
    start = ["-c", lint] if tool == "lint-imports" else ["-m", tool]
    return processes.run(*start, *arguments, cwd=cwd)


def passes(done):
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]


def there(names):
    """Return those of some names that exist; the first must."""
    assert (ROOT / names[0]).exists()
    return [name for name in names if (ROOT / name).exists()]


def public():
    """Return the modules whose docstrings the public reads."""
    found = sorted((ROOT / "hamodel").rglob("*.py"))
    names = [str(path.relative_to(ROOT)) for path in found]
    assert "hamodel/units.py" in names
    return names


@pytest.fixture
def house(tmp_path):
    """Return a small copy of the package, with the project's settings."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("hamodel", "notebooks/lessons"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def test_ruff_check():
    passes(run("ruff", "check", *there(CODE)))


def test_ruff_format():
    passes(run("ruff", "format", "--check", *there(CODE)))


def test_mypy():
    done = run("mypy")
    passes(done)
    lessons = [*(ROOT / "notebooks" / "lessons").rglob("*.py")]
    assert f"in {len(public()) + len(lessons)} source files" in done.stdout


def test_lint_imports():
    done = run("lint-imports", "--no-cache", "--no-logo")
    passes(done)
    assert "0 broken" in done.stdout


def test_numpydoc():
    passes(run("numpydoc", "lint", *public()))


def test_codespell():
    passes(
        run("codespell_lib", *there(PROSE), *[w for w in WORDS if (ROOT / w).exists()])
    )


def test_ruff_sees_a_planted_fault(house):
    bad = house / "hamodel" / "units.py"
    bad.write_text(bad.read_text() + "\n\ndef f(x):\n    print( x )\n")
    found = run("ruff", "check", "hamodel", cwd=house)
    assert found.returncode == 1
    for rule in ("ANN001", "D103", "T201"):
        assert rule in found.stdout
    assert run("ruff", "format", "--check", "hamodel", cwd=house).returncode == 1


def test_mypy_sees_a_planted_fault(house):
    bad = house / "hamodel" / "_planted.py"
    bad.write_text('def one() -> int:\n    """Return one."""\n    return "1"\n')
    done = run("mypy", "hamodel/_planted.py", "--follow-imports=silent", cwd=house)
    assert "return-value" in done.stdout


def test_lint_imports_sees_a_planted_fault(house):
    bad = house / "hamodel" / "units.py"
    bad.write_text(bad.read_text() + "\nfrom hamodel import chain\n")
    done = run("lint-imports", "--no-cache", "--no-logo", cwd=house)
    assert done.returncode == 1
    assert "units is not allowed to import hamodel.chain" in done.stdout


def test_lint_imports_sees_a_room_without_a_floor(house):
    (house / "hamodel" / "attic.py").touch()
    done = run("lint-imports", "--no-cache", "--no-logo", cwd=house)
    assert done.returncode == 1
    assert "attic" in done.stdout


def test_numpydoc_sees_a_planted_fault(house):
    bad = house / "hamodel" / "units.py"
    text = '''

def planted(one: int, two: int) -> int:
    """Return one.

    Parameters
    ----------
    one : int
        The one.
    three : int
        Not there.
    """
    return one + two
'''
    bad.write_text(bad.read_text() + text)
    done = run("numpydoc", "lint", "hamodel/units.py", cwd=house)
    assert done.returncode == 1
    assert "PR02 Unknown parameters" in done.stdout + done.stderr


def test_codespell_sees_a_planted_fault(house):
    bad = house / "hamodel" / "units.py"
    bad.write_text(bad.read_text() + "\n# an avail" + "ible service\n")
    assert run("codespell_lib", "hamodel", cwd=house).returncode != 0
