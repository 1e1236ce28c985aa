"""What a learner has committed, kept between lessons in one small file.

The first guess of each prediction and the choice of lesson 00 are shown again in the
last lesson.  The file is
`my_course.json` in the folder of the notebooks, or where the environment variable
`HAMODEL_PROGRESS` says.  Nothing is written before the learner presses a button, so
running a notebook from top to bottom writes nothing, and what a notebook stores never
depends on the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from hamodel._types import Json


def place() -> Path:
    """Return the path of the file."""
    return Path(os.environ.get("HAMODEL_PROGRESS", "my_course.json"))


def recall() -> dict[str, Json]:
    """Return all that is recorded, by key; nothing if the file is missing or spoilt."""
    try:
        found = json.loads(place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def record(key: str, committed: object) -> bool:
    """Keep what a learner has committed.

    Parameters
    ----------
    key : str
        Lesson and question; a second commitment replaces the first.
    committed : object
        Numbers and text, as JSON takes them.

    Returns
    -------
    bool
        Whether it could be written; a folder that is read-only is no reason to stop.
    """
    known = recall() | {key: committed}
    path = place()
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError:
        return False
    return True
