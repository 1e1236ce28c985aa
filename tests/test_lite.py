"""The lab that runs in a browser: what is staged, and the tree that is built.

JupyterLite is not in the lock; `make .venv/.lite` brings it, and CI requires it.
"""

import functools
import importlib.util
import json
import os
import tempfile
import zipfile
from pathlib import Path

import nbformat
import pytest

from hamodel.course import lite
from tests.support.notebook_stage import ALL, ROOT

FOLDER = tempfile.TemporaryDirectory(prefix="hamodel-lite-")


@functools.cache
def built():
    """Return the folder of the lab, built once."""
    if importlib.util.find_spec("jupyterlite_core") is None:
        if os.environ.get("HAMODEL_REQUIRE_LITE"):
            pytest.fail("JupyterLite is required: make .venv/.lite")
        pytest.skip("JupyterLite is not installed: make .venv/.lite")
    return lite.build(ROOT / "notebooks", Path(FOLDER.name) / "lab").parents[1]


def read(*parts):
    return json.loads(built().joinpath(*parts).read_text(encoding="utf-8"))


def test_notebooks_are_staged_as_they_are_but_for_a_first_cell(tmp_path):
    copies = lite.stage(ROOT / "notebooks", tmp_path / "contents")
    assert [copy.name for copy in copies] == [path.name for path in ALL]
    for copy, path in zip(copies, ALL, strict=True):
        new, old = (nbformat.read(p, as_version=4).cells for p in (copy, path))
        if any(cell.cell_type == "code" for cell in old):
            assert new.pop(1).source == lite.INSTALL
        assert new == old
    assert (tmp_path / "contents" / "lessons" / "shop.py").is_file()
    assert not list((tmp_path / "contents").rglob("__pycache__"))


def test_a_folder_without_pyodide_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"PYODIDE must hold pyodide\.mjs, got"):
        lite.build(ROOT / "notebooks", tmp_path / "lab", pyodide=tmp_path)
    assert lite.main(["--pyodide", str(tmp_path)]) == 1


def test_the_index_of_wheels_holds_hamodel_and_what_is_pure():
    index = read("pypi", "all.json")
    names = {name.replace("-", "_").replace(".", "_").lower() for name in index}
    wanted = {name.replace("-", "_").replace(".", "_") for name in lite.PURE}
    assert wanted | {"hamodel"} <= names
    for releases in (package["releases"] for package in index.values()):
        for file in (file for files in releases.values() for file in files):
            assert (built() / "pypi" / file["filename"]).is_file()
    (wheel,) = built().glob("pypi/hamodel-*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    assert "hamodel/course/_skins.py" in inside
    assert "hamodel/_data/facts.csv" in inside


def test_the_kernel_looks_into_that_index_first():
    settings = read("jupyter-lite.json")["jupyter-config-data"]["litePluginSettings"]
    urls = settings["@jupyterlite/pyodide-kernel-extension:kernel"]["pipliteUrls"]
    assert urls[0].startswith("./pypi/all.json")


def test_the_lab_holds_the_course_and_its_widgets():
    listed = {each["path"] for each in read("api", "contents", "all.json")["content"]}
    assert {path.name for path in ALL} <= listed
    assert (built() / "files" / "lessons" / "shop.py").is_file()
    manager = built() / "extensions" / "@jupyter-widgets" / "jupyterlab-manager"
    assert (manager / "package.json").is_file()


def test_pages_are_published_with_the_lab():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-m hamodel.course.lite" in rules
    assert "$(if $(PYODIDE),--pyodide $(PYODIDE))" in rules
    flow = ROOT.joinpath(".github", "workflows", "pages.yml").read_text("utf-8")
    assert "make lite site" in flow
    assert "actions/deploy-pages" in flow
