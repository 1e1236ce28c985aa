"""What is imported only when it is asked for, and what only an extra brings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module


def on_demand(
    package: str, homes: Mapping[str, str], rooms: Collection[str] = ()
) -> Callable[[str], object]:
    """Return the `__getattr__` of a package that imports its names when first asked.

    `homes` holds for each of its files the names that are defined there, with spaces
    between; `rooms` are packages within it.
    """
    home = {name: file for file, names in homes.items() for name in names.split()}

    def found(name: str) -> object:
        if name in rooms:
            return import_module(f"{package}.{name}")
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return found


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
