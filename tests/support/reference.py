"""Published and peer-computed answers, as parameters for tests."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "data" / "reference"


def cases(room: str) -> list:
    """Return the records of `data/reference/<room>.json`, one parameter each."""
    records = json.loads((FOLDER / f"{room}.json").read_text(encoding="utf-8"))
    return [pytest.param(r, id=r["id"]) for r in records]


def answer(room: str, name: str) -> dict:
    """Return one record by its id."""
    records = json.loads((FOLDER / f"{room}.json").read_text(encoding="utf-8"))
    return next(r for r in records if r["id"] == name)
