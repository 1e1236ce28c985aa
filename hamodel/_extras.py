"""Packages that only an extra brings, named when they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def brought_by(extra: str) -> Iterator[None]:
    """Say which extra brings a package that an import within does not find."""
    try:
        yield
    except ModuleNotFoundError as missing:
        name = missing.name or ""
        if not name or name.partition(".")[0] == "hamodel":
            raise
        raise ModuleNotFoundError(
            f"{name} is not installed: pip install 'hamodel[{extra}]'", name=name
        ) from missing
