"""What `make` says to a machine that lacks something."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    not shutil.which("make"), reason="make is not installed"
)


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with what the environment is made from, and nothing else."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def script(folder, name, text):
    """Write a program into a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def make(folder, *arguments, path="/usr/bin:/bin"):
    """Run make with little else in reach."""
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_python(checkout):
    said = make(checkout, "lab", "PYTHON=python-that-is-not-there")
    assert said.returncode
    assert "hamodel needs Python 3.11 or newer" in said.stdout
    assert "apt install python3 python3-venv" in said.stdout


def test_an_old_python(checkout):
    old = script(
        checkout, "old", 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac'
    )
    said = make(checkout, "test", f"PYTHON={old}")
    assert said.returncode
    assert "hamodel needs Python 3.11 or newer" in said.stdout
    assert "is Python 3.9.2" in said.stdout


def test_a_python_without_venv(checkout):
    bare = script(
        checkout, "bare", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac'
    )
    said = make(checkout, "lab", f"PYTHON={bare}")
    assert said.returncode
    assert "no venv module" in said.stdout
    assert "apt install python3-venv" in said.stdout


def test_what_is_installed_is_not_installed_again(checkout):
    (checkout / ".venv").mkdir()
    stamp = checkout / ".venv" / ".installed"
    stamp.touch()
    assert "uv venv" not in make(checkout, "-n", "test").stdout
    newer = stamp.stat().st_mtime + 10
    os.utime(checkout / "requirements.lock", (newer, newer))
    assert "uv venv" in make(checkout, "-n", "test").stdout


def test_arguments_are_passed_on(checkout):
    said = make(checkout, "-n", "lab", "ARGS=--no-browser --port 8890")
    assert "--no-browser --port 8890 notebooks/00_start_here.ipynb" in said.stdout
