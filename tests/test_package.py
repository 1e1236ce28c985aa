"""The package as others get it: what it imports, ships, pins, says and gives away."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import hamodel
from tests.support import processes, prose_guards
from tests.support.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
HEAVY = (
    "IPython",
    "ipywidgets",
    "matplotlib",
    "networkx",
    "pandas",
    "scipy.optimize",
    "scipy.stats",
    "sympy",
    "xarray",
)
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGES.md", "VISION.md")


def python(*arguments, **options):
    """Run this interpreter; return what it printed."""
    done = processes.run(*arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked():
    """Return the files of the project: those in git, or of an unpacked archive."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        return [path for path in paths if path.is_file()]
    hidden = re.compile(r"/(\.|__pycache__|build|dist|test-output)")
    found = [p for p in ROOT.rglob("*") if p.is_file()]
    return [p for p in found if not hidden.search(f"/{p.relative_to(ROOT)}")]


# ---- imports -----------------------------------------------------------------------


def loaded_by(statement):
    """Return the modules that a fresh interpreter holds after a statement."""
    report = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(python("-c", f"{statement}\n{report}")))


def test_import_is_light():
    modules = loaded_by("import hamodel")
    assert "hamodel" in modules
    assert modules.isdisjoint(HEAVY)


def test_rooms_are_light():
    """The rooms that compute load nothing that draws, labels or proves either."""
    rooms = sorted(set(hamodel.__all__) - {"plots", "course"})
    modules = loaded_by(f"import hamodel\nfor r in {rooms}: getattr(hamodel, r)")
    assert "hamodel.chain" in modules
    assert sorted(modules & set(HEAVY)) == []


def test_heavy_imports_would_be_noticed():
    assert not loaded_by("import hamodel, scipy.stats").isdisjoint(HEAVY)


def test_every_public_name_is_there():
    for name in hamodel.__all__:
        assert getattr(hamodel, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = hamodel.missing


# ---- the wheel ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return a folder that holds the wheel, built as `pip` builds it and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_carries_the_data(wheel):
    names = {str(p.relative_to(wheel)) for p in wheel.rglob("*") if p.is_file()}
    assert "hamodel/py.typed" in names
    for path in tracked():
        name = path.relative_to(ROOT)
        if name.parts[0] == "data":
            assert f"hamodel/_data/{name.relative_to('data')}" in names
        elif name.parts[0] == "hamodel":
            assert str(name) in names
    about = f"hamodel-{hamodel.__version__}"
    tops = {name.split("/")[0] for name in names}
    assert tops == {"hamodel", f"{about}.data", f"{about}.dist-info"}
    config = f"{about}.data/data/etc/jupyter/jupyter_server_config.d/hamodel.json"
    assert config in names, "every Jupyter server of the environment saves cleanly"


def test_wheel_works_where_there_is_no_checkout(wheel, tmp_path):
    code = """
import hamodel as ha
print(ha.__file__)
print(len(ha.catalogue.facts()), len(ha.catalogue.systems()))
"""
    said = python("-c", code, cwd=tmp_path, PYTHONPATH=str(wheel)).split()
    assert Path(said[0]).is_relative_to(wheel)
    assert int(said[1]) == len(hamodel.catalogue.facts()) > 100
    assert int(said[2]) == len(hamodel.catalogue.systems()) >= 4


@pytest.mark.slow
def test_wheel_in_a_fresh_environment(wheel, tmp_path):
    """The installed command answers; the libraries are lent by this environment."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=os.name != "nt")
    inside = {"base": str(tmp_path / "env"), "platbase": str(tmp_path / "env")}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=inside))
    shutil.copytree(wheel, packages, dirs_exist_ok=True)
    lent = sysconfig.get_path("purelib")  # an editable hamodel in there stays unseen
    (packages / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")
    fresh = Path(sysconfig.get_path("scripts", "venv", vars=inside)) / "python"

    def answer(code):
        done = subprocess.run(
            [fresh, "-c", code], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert str(packages) in answer("import hamodel; print(hamodel.__file__)")
    start = "from hamodel.cli import main; main(standalone_mode=False, args="
    answer(f"{start}['init', 'my.yaml'])")
    assert "Availability" in answer(f"{start}['assess', 'my.yaml'])")


# ---- the source archive ------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Return a folder with the unpacked source archive, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("sdist")
    python("-m", "hatchling", "build", "-t", "sdist", "-d", str(folder))
    (built,) = folder.glob("*.tar.gz")
    with tarfile.open(built) as packed:
        packed.extractall(folder, filter="data")
    return folder / built.name.removesuffix(".tar.gz")


def test_archive_carries_all_that_the_suite_needs(archive):
    for path in tracked():
        assert (archive / path.relative_to(ROOT)).is_file(), path


@pytest.mark.slow
def test_tests_pass_from_the_archive(archive):
    """The quick ones here; all of them in the workflow of the project."""
    quick = ("test_package", "test_makefile", "test_readme", "test_catalogue")
    done = processes.run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"),
        *(
            "--deselect",
            "tests/test_package.py::test_archive_carries_all_that_the_suite_needs",
        ),
        *(f"tests/{name}.py" for name in quick),
        cwd=archive,
        PYTHONPATH=str(archive),
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    shown = python("-c", "import hamodel; print(hamodel.__file__)", cwd=archive)
    assert str(archive) in shown


# ---- extras ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "statement", "extra"),
    [
        ("matplotlib", "from hamodel import plots; plots.figure()", "course"),
        (
            "ipywidgets",
            "from hamodel.course import Slider; Slider(label='', grid=(0, 1)).widget",
            "course",
        ),
        (
            "SALib",
            "from hamodel.uncertainty._sobol import _salib; _salib('x')",
            "sobol",
        ),
    ],
)
def test_a_missing_extra_names_itself(package, statement, extra):
    missing = f"import sys; sys.modules[{package!r}] = None\n{statement}"
    done = processes.run("-c", missing)
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        f"ModuleNotFoundError: {last.split()[1]} is not installed: "
        f"pip install 'hamodel[{extra}]'"
    )
    assert package in last
    assert extra in PROJECT["optional-dependencies"]


def test_a_fault_of_our_own_is_no_missing_extra():
    code = """
from hamodel._extras import brought_by
with brought_by("course"):
    import hamodel.nowhere
"""
    assert "No module named 'hamodel.nowhere'" in processes.run("-c", code).stderr


# ---- one list of versions ----------------------------------------------------------


def direct():
    """Return {name: requirement} of all that `pyproject.toml` asks of everybody."""
    named = PROJECT["optional-dependencies"].items()
    extras = [extra for name, extra in named if name not in {"wasm", "lab", "lite"}]
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r for r in found}


def pins():
    """Return the requirements of the lock, one a line."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(x) for x in lines if x.strip() and not x.startswith("#")]


def test_lock_pins_everything_exactly():
    for pin in pins():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
        assert pin.url is None
    names = {canonicalize_name(pin.name) for pin in pins()}
    assert set(direct()) <= names


def test_lock_lies_within_the_ranges():
    ranges = direct()
    for pin in pins():
        if wanted := ranges.get(canonicalize_name(pin.name)):
            (version,) = (s.version for s in pin.specifier)
            assert wanted.specifier.contains(version), f"{wanted} excludes {pin}"


def test_no_upper_bounds():
    for requirement in direct().values():
        assert {s.operator for s in requirement.specifier} <= {">="}, requirement


def test_installed_is_pinned():
    """Stored outputs hold in the pinned environment; `make lab` installs it anew."""
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate():
            assert metadata.version(pin.name) in pin.specifier, pin


def test_conda_environment_names_the_same_packages():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    listed = re.findall(r"(?m)^ {6}- (.+)$", text)
    assert listed[0] == "--constraint requirements.lock"
    assert listed[-1] == "--editable ."
    names = [canonicalize_name(name) for name in listed[1:-1]]
    assert names == sorted(direct()), "pip's list must be pyproject's"


def test_the_conda_recipe_asks_for_the_same():
    text = (ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8")
    run = text.partition("  run:\n")[2].partition("tests:")[0]
    listed = re.findall(r"(?m)^    - (\S+) (>=\S+)$", run)
    wanted = [
        (r.name, str(r.specifier)) for r in map(Requirement, PROJECT["dependencies"])
    ]
    assert listed == [("python", PROJECT["requires-python"]), *wanted]
    assert f'version: "{PROJECT["version"]}"' in text


def test_the_container_installs_as_everybody_does():
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert "RUN make .venv/.installed" in text
    assert "WORKDIR /hamodel\n" in text
    # a user's folder may be the working one: the command is found from anywhere
    assert 'ENTRYPOINT ["/hamodel/.venv/bin/hamodel"]' in text
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv"} <= set(left_out), "an environment of another machine"


def test_no_address_in_a_lock():
    for path in tracked():
        if path.suffix == ".lock" or path.name in {"environment.yml", "uv.lock"}:
            text = path.read_text(encoding="utf-8")
            assert "://" not in text, path
            assert "index-url" not in text, path


def test_python_range_is_said_once():
    lowest = SpecifierSet(PROJECT["requires-python"])
    says = re.compile(r"Programming Language :: Python :: 3\.(\d+)$")
    minors = [int(m[1]) for c in PROJECT["classifiers"] if (m := says.match(c))]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert str(lowest) == f">=3.{minors[0]}"
    conda = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert f"- python >=3.{minors[0]},<3.{minors[-1] + 1}\n" in conda
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"(3, {minors[0]})" in make
    assert f"--python-version 3.{minors[0]}" in make
    assert f"Python 3.{minors[0]} or newer" in (ROOT / "README.md").read_text("utf-8")
    assert sys.version_info[:2] >= (3, minors[0])


def test_version_is_said_once():
    assert hamodel.__version__ == PROJECT["version"] == metadata.version("hamodel")
    assert hamodel.__version__ in (ROOT / "CHANGES.md").read_text(encoding="utf-8")
    cited = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == hamodel.__version__
    assert cited["license"] == PROJECT["license"]


# ---- what the pages say ------------------------------------------------------------


def fences(page, language):
    """Return the fenced code of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", text)


def targets():
    """Return the commands of the Makefile, those that `make help` lists."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^([a-z-]+):.*## ", text))


def test_make_has_the_promised_commands():
    assert {"lab", "test", "lessons", "bench", "help"} <= targets()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_help_lists_every_command():
    said = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"(?m)^ *make ([a-z-]+)", said.stdout)) == targets()


def test_makefile_names_files_that_exist():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = re.sub(r"(?m)#.*$", "", text)
    for name in re.findall(
        r"(?<![\w./$)-])([\w/]+\.(?:py|lock|ipynb|toml))\b", recipes
    ):
        assert (ROOT / name).exists(), f"Makefile names {name}"


def test_ci_runs_the_same_suite():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "make test" in text
    assert "HAMODEL_REQUIRE_BROWSER=1" in text
    assert "HAMODEL_REQUIRE_WASM=1" in text
    assert "HAMODEL_REQUIRE_LAB=1" in text
    assert "set -euo pipefail" in text


def test_workflow_runs_ci_on_the_oldest_and_the_newest_python():
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    suite = YAML(typ="safe").load(text)["jobs"]["suite"]
    says = "Programming Language :: Python :: 3."
    minors = [c for c in PROJECT["classifiers"] if c.startswith(says)]
    ends = [minors[0].rpartition(" ")[2], minors[-1].rpartition(" ")[2]]
    assert suite["strategy"]["matrix"]["python"] == ends
    assert any(step.get("run") == ".ci/run" for step in suite["steps"])


def test_hooks_before_a_commit_are_the_gates():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (group,) = YAML(typ="safe").load(text)["repos"]
    assert group["repo"] == "local", "no hook comes from the network"
    gates = (ROOT / "tests" / "test_gates.py").read_text(encoding="utf-8")
    for hook in group["hooks"]:
        tool = hook["entry"].removeprefix(".venv/bin/").removeprefix("python -m ")
        assert f'"{tool.split()[0]}"' in gates, hook


def test_vision_is_five_lines():
    text = (ROOT / "VISION.md").read_text(encoding="utf-8")
    assert len(re.findall(r"(?m)^\d\. ", text)) == 5


@pytest.mark.parametrize("page", PAGES)
def test_page_names_commands_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, flags=re.MULTILINE))
    assert named <= targets() | {"sure"}


@pytest.mark.parametrize("page", PAGES)
def test_page_names_files_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    prose = re.sub(r"(?ms)^```.*?^```", "", text)
    for name in re.findall(
        r"`([\w./-]+/[\w.-]*|[\w-]+\.(?:py|yml|toml|lock|md))`", prose
    ):
        here = [ROOT / name, ROOT / "hamodel" / name]
        made = name.startswith(".venv/")
        assert made or any(path.exists() for path in here), f"{page} names {name}"


@pytest.mark.parametrize("page", PAGES)
def test_page_links_resolve(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        file = ROOT / (name or page)
        assert file.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in prose_guards.anchors(file), f"{page} links to {target}"


def test_readme_code_runs_and_says_what_it_shows():
    """An expression with a comment that starts with a number has that value."""
    shown, names = 0, {}
    for block in fences("README.md", "python"):
        lines = block.splitlines()
        for statement in ast.parse(block).body:
            source = ast.unparse(statement)
            comment = re.search(r"#\s*([\d,]+\.?\d*)", lines[statement.end_lineno - 1])
            if isinstance(statement, ast.Expr) and comment:
                text = comment[1].replace(",", "")
                digits = len(text.partition(".")[2])
                assert f"{eval(source, names):.{digits}f}" == text, source
                shown += 1
            else:
                exec(source, names)
    assert shown >= 1, "the README shows a number in five lines"


# ---- what must not be given away ---------------------------------------------------

PRIVATE = re.compile(
    r"/(?:work|root|opt)/\w"  # folders of one machine
    r"|/home/\w|/Users/\w|[A-Z]:\\Users"
    r"|/tmp\b/\w+"
    r"|file:///\w"
    r"|--?(?:extra-)?index-url|find-links"
    r"|\b(?:design|style|course|jupyter|algorithms)\.md\b"  # notes that do not ship
    r"|\bissue #?\d"
)


def test_no_machine_path_is_committed():
    checked = 0
    for path in tracked():
        if path == Path(__file__).resolve() or path.suffix in {".png", ".svg"}:
            continue
        text = path.read_text(encoding="utf-8")
        where = [
            text[max(0, m.start() - 40) : m.end() + 20] for m in PRIVATE.finditer(text)
        ]
        assert where == [], f"{path.relative_to(ROOT)} gives away {where}"
        checked += 1
    assert checked > 30


@pytest.mark.parametrize(
    "text",
    ["see /home/ann/x", "/tmp" + "/run1/a.csv", "C:\\Users\\ann", "as issue 4 asks"],
)
def test_machine_path_would_be_noticed(text):
    assert PRIVATE.search(text)
