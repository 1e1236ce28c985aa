"""The bar that shows how far a long computation has come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hamodel._types import Value

if TYPE_CHECKING:
    from tqdm import tqdm


def bar(of: Iterable[Value] | None = None, **settings: Value) -> tqdm[Value]:
    """Return a bar of tqdm that needs no thread beside it, as a browser has none."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0

    return Bar(of, **settings)
