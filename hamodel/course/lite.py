"""The course in a browser that runs Python itself: `make lite`, by JupyterLite.

The lab is static files: JupyterLab, a Python for WebAssembly (Pyodide, with numpy,
scipy, matplotlib, sympy, networkx and xarray), and an index of wheels: hamodel and what
is pure Python.  The notebooks are those of the course; only their copies in the lab
begin with a cell that installs hamodel from that index.

Pyodide itself is fetched from its network address when somebody opens the lab, or comes
from a folder: `make lite PYODIDE=/path/to/pyodide`.

Assumptions: the extra `lite` is installed, and pip, which fetches the wheels in `PURE`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import nbformat

from hamodel.course.lessons import lessons
from hamodel.course.saving import WIDGET_VIEW

#: Wheels beside hamodel's own: pure Python that Pyodide does not bring in any version.
PURE = (
    "simpy",
    "ipywidgets",
    "jupyterlab-widgets",
    "comm",
    "tqdm",
    "click",
    "ruamel.yaml",
)
INSTALL = """%pip install -q hamodel ipywidgets matplotlib
import logging

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # it has no cache yet"""
_LEFT_OUT = shutil.ignore_patterns("*.ipynb", "__pycache__", "my_course.json*", ".*")


def stage(notebooks: Path, folder: Path) -> tuple[Path, ...]:
    """Copy the course, each notebook with a first cell that installs hamodel.

    Parameters
    ----------
    notebooks : Path
        The folder of the notebooks.
    folder : Path
        Where to copy them; it must not exist.
    """
    shutil.copytree(notebooks, folder, ignore=_LEFT_OUT)
    copies = []
    for path in lessons([notebooks]):
        notebook = nbformat.read(path, as_version=4)
        if any(cell.cell_type == "code" for cell in notebook.cells):
            cell = nbformat.v4.new_code_cell(INSTALL, id="install")
            notebook.cells.insert(1, cell)
        copies.append(folder / path.name)
        nbformat.write(notebook, copies[-1])
    return tuple(copies)


def wheels(root: Path, folder: Path) -> tuple[Path, ...]:
    """Build hamodel's wheel, and fetch those that it needs in a browser.

    Parameters
    ----------
    root : Path
        The folder of `pyproject.toml`.
    folder : Path
        Where the wheels go.
    """
    _run("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), within=root)
    fetch = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    _run(*fetch, "-d", str(folder), "-c", "requirements.lock", *PURE, within=root)
    return tuple(sorted(folder.glob("*-none-any.whl")))


def build(notebooks: Path, output: Path, pyodide: Path | None = None) -> Path:
    """Write the lab.

    Parameters
    ----------
    notebooks : Path
        The folder of the notebooks, beside which `pyproject.toml` stands.
    output : Path
        The folder to write to.
    pyodide : Path, optional
        A folder that holds Pyodide's distribution; without one the lab fetches it.

    Returns
    -------
    Path
        The first page.

    Raises
    ------
    ValueError
        If `pyodide` holds no `pyodide.mjs`.
    """
    if pyodide is not None and not (pyodide / "pyodide.mjs").is_file():
        raise ValueError(f"PYODIDE must hold pyodide.mjs, got {pyodide}")
    root, output = notebooks.resolve().parent, output.resolve()
    with tempfile.TemporaryDirectory(prefix="hamodel-lite-") as made:
        folder = Path(made)
        stage(notebooks, folder / "contents")
        (folder / "wheels").mkdir()
        if pyodide is not None:
            shutil.copytree(pyodide, folder / "static" / "pyodide")
        given = [f"--piplite-wheels={each}" for each in wheels(root, folder / "wheels")]
        _run(
            *("-m", "jupyterlite_core", "build", "--apps", "lab", "--no-sourcemaps"),
            *("--contents", "contents", "--output-dir", str(output), *given),
            within=folder,
        )
    _clean_what_is_saved(output)
    _name_the_icon(output)
    return output / "lab" / "index.html"


def _clean_what_is_saved(output: Path) -> None:
    """Give the lab, as a plugin, what `hamodel.course.saving` is to a server."""
    folder, name = Path("extensions", "hamodel-saving"), "remoteEntry.js"
    plugin = files("hamodel.course").joinpath("saving.js").read_text(encoding="utf-8")
    (output / folder).mkdir()
    text = plugin.replace("WIDGET_VIEW", WIDGET_VIEW)
    (output / folder / name).write_text(text, encoding="utf-8")
    place = output / "jupyter-lite.json"
    settings = json.loads(place.read_text(encoding="utf-8"))
    settings["jupyter-config-data"]["federated_extensions"].append(
        {"name": "hamodel-saving", "load": name, "extension": "./extension"}
    )
    place.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _name_the_icon(output: Path) -> None:
    """Say in each page where its icon is; else a browser asks the root for one."""
    icon = output / "lab" / "favicon.ico"
    for page in output.rglob("index.html"):
        place = Path(os.path.relpath(icon, page.parent)).as_posix()
        text = page.read_text(encoding="utf-8")
        link = f'<head>\n    <link rel="icon" href="{place}">'
        page.write_text(text.replace("<head>", link, 1), encoding="utf-8")


def _run(*arguments: str, within: Path) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=within,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"{' '.join(arguments[:4])} failed:\n{said}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the lab and say where it is.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments; those of the process by default.

    Returns
    -------
    int
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m hamodel.course.lite")
    parser.add_argument("--notebooks", type=Path, default=Path("notebooks"))
    parser.add_argument("--output", type=Path, default=Path("site/lab"))
    parser.add_argument("--pyodide", type=Path, help="a folder with its distribution")
    options = parser.parse_args(arguments)
    try:
        page = build(options.notebooks, options.output, options.pyodide)
    except (RuntimeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    served = f"python -m http.server -d {options.output}"
    sys.stdout.write(f"{page}\nIt must be served: {served}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
