"""Sweeps on the command line: ranges read, tables shown, files written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel._types import Value
from hamodel.cli._page import Page, Paper
from hamodel.sweeping import Case, sweep
from hamodel.units import alike

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from hamodel.specfile import Spec

_ROWS = 60  # shown in the terminal
_KINDS = (".csv", ".nc")
_MOST = 10_000_000  # values along one dimension


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
    given = grids(spec, over)
    try:
        return sweep(
            spec.architecture, spec.workload, quantities=list(quantities), **given
        )
    except ValueError as refused:  # in the words that were typed
        typed = {name: name.replace("__", ".") for name in given}
        name, colon, said = str(refused).partition(":")
        raise ValueError(f"{typed.get(name, name)}{colon}{said}") from None


def grids(spec: Spec, over: Sequence[str]) -> dict[str, Value]:
    """Return the values of each parameter from what is written as PATH=VALUES."""
    question = Case(architecture=spec.architecture, workload=spec.workload)
    return dict(_range(question, words) for words in over)


def _range(question: Case, words: str) -> tuple[str, Sequence[object]]:
    path, found, values = words.partition("=")
    if not found or not path.strip() or not values.strip():
        raise ValueError(f"over must be PATH=VALUES, got {words!r}")
    whole = question.path(path.strip())

    def value(said: str) -> object:
        return question.value(whole, said.strip())

    return whole.replace(".", "__"), _values(words, values.strip(), value)


def _values(
    words: str, values: str, value: Callable[[str], object]
) -> Sequence[object]:
    """Return the numbers of FROM..TO:COUNT, or a list of values with commas."""
    if ".." not in values:
        try:
            alike(values.split(","))
        except ValueError as refused:
            point = ": a comma separates values, and a point the decimals"
            raise ValueError(f"{words!r:.60}: {refused}{point}") from None
        return [value(v) for v in values.split(",")]
    ends, _, count = values.partition(":")
    low, _, high = ends.partition("..")
    alike((low, high))
    number = int(count) if count.isdigit() else 0 if count else 11
    if number < 2:
        raise ValueError(f"over must be FROM..TO:COUNT, COUNT >= 2, got {words!r}")
    if number > _MOST:
        raise ValueError(
            f"over must ask for <= {_MOST:,} values, got {number:,}: one quantity of "
            f"them takes {text.number(8 * number / 1e9)} GB"
        )
    start, stop = value(low), value(high)
    if not isinstance(start, float) or not isinstance(stop, float):
        raise ValueError(f"over must have numbers for FROM and TO, got {words!r}")
    return list(np.linspace(start, stop, number))


def write(found: xr.Dataset, out: Path) -> None:
    """Write a sweep as CSV or NetCDF."""
    if out.suffix == ".nc":
        found.to_netcdf(out, engine="scipy")
    else:
        found.to_dataframe().to_csv(out)


def size(found: xr.Dataset) -> str:
    """Return the extent of a sweep in words."""
    return " x ".join(
        f"{n} {str(name).replace('__', '.')}" for name, n in found.sizes.items()
    )


def page(found: xr.Dataset, spec: Spec) -> Page:
    """Return a sweep as a table, its first rows if there are many, and as data."""
    varied = {str(name).replace("__", ".") for name in found.coords}
    middle = [name for name in spec.uncertain if name not in varied]
    frame = found.to_dataframe().reset_index()
    units = {
        str(name): str(found[name].attrs["units"])
        for name in frame.columns
        if found[name].attrs.get("units", "1") != "1"
    }

    def draw(out: Paper) -> None:
        heads = [str(name).replace("__", ".") for name in frame.columns]
        rows = [
            [_cell(x, units.get(str(n), "1")) for n, x in zip(frame, row, strict=True)]
            for row in frame.head(_ROWS).itertuples(index=False, name=None)
        ]
        out.table(size(found), rows, heads)
        if len(frame) > _ROWS:
            out.say(f"... {len(frame) - _ROWS:,} more; --out FILE.csv writes all")
        if middle:
            out.say(f"All at the median of what is uncertain ({', '.join(middle)}).")

    def data() -> dict[str, object]:
        rows = frame.to_dict(orient="records")
        return {
            "form": "hamodel/sweep/1",
            "units": units,
            "at_the_median": middle,
            "rows": rows,
        }

    return Page(data=data, draw=draw)


def _cell(value: object, unit: str) -> str:
    if isinstance(value, (float, int, np.number)) and not isinstance(value, bool):
        return text.measure(float(value), unit, digits=4)
    return str(value)
