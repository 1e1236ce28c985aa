"""How a queue shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamodel import _check, _html, text
from hamodel._types import Quantity


def html(queue: object, names: Sequence[str]) -> str:
    """Return a table of the named properties; times (`mean_...`) with their unit."""
    rows = [
        (name.replace("_", " "), _cell(name, getattr(queue, name))) for name in names
    ]
    return _html.table(rows, caption=type(queue).__name__)


def _cell(name: str, value: Quantity) -> str:
    if _check.is_symbolic(value):
        return str(value)
    values = np.asarray(value)
    time = name.endswith(("wait", "response", "time"))
    written = [
        text.time(float(v)) if time else text.number(float(v), 4)
        for v in ((values.min(), values.max()) if values.ndim else (values,))
    ]
    return " to ".join(dict.fromkeys(written))
