"""Sweeps on the command line: ranges read, tables shown, files written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel.cli._pages import console, table
from hamodel.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr

    from hamodel.specfile import Spec

_ROWS = 60  # shown in the terminal
_KINDS = (".csv", ".nc")


def check_out(out: Path, *, force: bool) -> None:
    """Raise unless the file may be written."""
    if out.suffix not in _KINDS:
        raise ValueError(f"out must end in {' or '.join(_KINDS)}, got {out.name}")
    if out.exists() and not force:
        raise ValueError(f"{out} is there already; --force overwrites it")
    if not out.parent.is_dir():
        raise ValueError(f"out must be in a folder that exists, got {out.parent}")


def swept(spec: Spec, over: Sequence[str], quantities: Sequence[str]) -> xr.Dataset:
    """Return the sweep of a system over ranges written as PATH=VALUES."""
    grids: dict[str, Any] = dict(_range(text) for text in over)
    return sweep(spec.architecture, spec.workload, quantities=list(quantities), **grids)


def _range(text: str) -> tuple[str, list[Any]]:
    path, found, values = text.partition("=")
    if not found or not path or not values:
        raise ValueError(f"over must be PATH=VALUES, got {text!r}")
    return path.strip().replace(".", "__"), _values(text, values.strip())


def _values(text: str, values: str) -> list[Any]:
    """Return the numbers of FROM..TO:COUNT, or a list of values with commas."""
    if ".." not in values:
        return [_value(v) for v in values.split(",")]
    ends, _, count = values.partition(":")
    low, _, high = ends.partition("..")
    number = int(count) if count.isdigit() else 0 if count else 11
    if number < 2:
        raise ValueError(f"over must be FROM..TO:COUNT, COUNT >= 2, got {text!r}")
    start, stop = _value(low), _value(high)
    if isinstance(start, str) or isinstance(stop, str):
        raise ValueError(f"over must have numbers for FROM and TO, got {text!r}")
    return list(np.linspace(start, stop, number))


def _value(text: str) -> float | str:
    """Return a number in s or 1/s, or the word itself."""
    from hamodel.units import quantity

    try:
        return float(quantity(text.strip()))
    except ValueError:
        return text.strip()


def write(found: xr.Dataset, out: Path) -> None:
    """Write a sweep as CSV or NetCDF."""
    if out.suffix == ".nc":
        found.to_netcdf(out, engine="scipy")
    else:
        found.to_dataframe().to_csv(out)


def size(found: xr.Dataset) -> str:
    """Return the extent of a sweep in words."""
    return " x ".join(f"{n} {name}" for name, n in found.sizes.items())


def as_json(found: xr.Dataset) -> str:
    """Return a sweep as JSON."""
    return str(found.to_dataframe().reset_index().to_json(orient="records", indent=2))


def show(found: xr.Dataset) -> None:
    """Print a sweep as a table, its first rows if there are many."""
    frame = found.to_dataframe().reset_index()
    heads = [_head(found, str(name)) for name in frame.columns]
    rows = [tuple(_cell(x) for x in row) for row in frame.head(_ROWS).to_numpy()]
    out = console()
    table(out, size(found), rows, *heads)
    if len(frame) > _ROWS:
        out.print(f"... {len(frame) - _ROWS} more; --out FILE.csv writes all")


def _head(found: xr.Dataset, name: str) -> str:
    unit = found[name].attrs.get("units", "")
    return f"{name} [{unit}]" if unit not in ("", "1") else name


def _cell(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, (float, np.floating)) else str(value)
