"""From a file of objectives, of any of the formats, to objectives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hamodel.objectives import _openslo, _pyrra, _sloth
from hamodel.objectives._common import Form, Objective
from hamodel.specfile import Problem, SpecError, TreeNode, parsed, text_of

if TYPE_CHECKING:
    import os

_FORMATS = "openslo/v1 (OpenSLO), prometheus/v1 (Sloth) or pyrra.dev/v1alpha1 (Pyrra)"


def read_objectives(path: str | os.PathLike[str]) -> tuple[Objective, ...]:
    """Return the objectives that a file states.

    Parameters
    ----------
    path : str or path
        A YAML file of OpenSLO, Sloth or Pyrra, of one document or several.

    Raises
    ------
    SpecError
        If the file is of none of them, or a field is missing or wrong: every mistake
        with its line.

    Examples
    --------
    >>> from hamodel.facts import folder
    >>> for one in read_objectives(folder() / "objectives" / "pyrra.yaml"):
    ...     print(one.name, one.target, len(one.alerts))
    orders-writes 0.999 4
    """
    form = Form(Path(path))
    documents = list(_documents(form.path))
    found: list[Objective] = []
    ours: list[TreeNode] = []  # OpenSLO's, which may name each other
    for document in documents:
        version = document.get("apiVersion") or document.get("version")
        word = "" if version is None else version.raw
        if word == _openslo.VERSION:
            ours.append(document)
        elif word in (_sloth.VERSION, _sloth.GROUP):
            found += _sloth.objectives(document, form)
        elif word == _pyrra.GROUP:
            found += _pyrra.objectives(document, form)
        else:
            said = f"must be {_FORMATS}, got {word!r:.40}"
            form.wrong(version or document, "apiVersion", said)
    own = [
        d for d in documents if (v := d.get("apiVersion")) and v.raw == _openslo.VERSION
    ]
    found += _openslo.objectives(own, form)
    if form.problems:
        raise SpecError(form.path, form.problems)
    if not found:
        raise SpecError(form.path, [Problem(1, 1, "", "states no objective")])
    return tuple(found)


def _documents(path: Path) -> list[TreeNode]:
    """Return the documents of a file, their lines counted in the file."""
    found, before = [], 0
    for part in re.split(r"(?m)^---[^\n]*$", text_of(path)):
        if part.strip():
            found.append(parsed(path, "\n" * before + part))
        before += part.count("\n")
    return [document for document in found if document.fields]
