"""From logs and drills on the command line to a file that systems extend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from hamodel import calibration
from hamodel._types import Value
from hamodel.calibration import Calibration, calibrate, is_drills
from hamodel.cli._page import as_text, hand_over
from hamodel.fields import described
from hamodel.specfile import KINDS
from hamodel.units import quantity


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command was told beside the files."""

    during: str | None
    nodes: Sequence[str] = ()
    parts: Sequence[str] = ()
    columns: Sequence[str] = ()
    timezone: str | None = None
    dates: str | None = None
    unclosed: str = "censored"
    count: int | None = None
    total: str | None = None


def measured(files: Sequence[str], wanted: Wanted) -> Calibration:
    """Return what the files say; what is wrong in any of them is told in one go."""
    try:
        return _measured(files, wanted)
    except ValueError as mistake:
        raise ValueError(in_options(str(mistake))) from None


def _measured(files: Sequence[str], wanted: Wanted) -> Calibration:
    if wanted.count is not None or wanted.total is not None:
        if files or wanted.count is None or not (wanted.total and wanted.during):
            raise ValueError("--count needs --total and --during, and no file")
        return calibration.counted(wanted.count, wanted.total, wanted.during)
    if not files:
        raise ValueError("calibrate needs a file of incidents or of drills, got none")
    asked = [file for file in files if calibration.is_prometheus(file)]
    if asked:
        return _with_prometheus(asked, [f for f in files if f not in asked], wanted)
    drills = [file for file in files if is_drills(file)]
    logs = [file for file in files if file not in drills]
    for kind, found in (("drills", drills), ("incidents", logs)):
        if len(found) > 1:
            raise ValueError(f"there must be one file of {kind}, got {found}")
    given: dict[str, Value] = {"drills": drills[0]} if drills else {}
    if logs:
        given |= {"incidents": logs[0], **_of_log(wanted)}
    return calibrate(**given)


def _with_prometheus(
    asked: Sequence[str], others: Sequence[str], wanted: Wanted
) -> Calibration:
    """Return what range queries say, and drills beside them."""
    if any(not is_drills(file) for file in others):
        raise ValueError("outages must come from a log or from a Prometheus, got both")
    parts = _pairs(wanted.parts, "part") or None
    found = calibration.prometheus(*asked, parts=parts)
    if not others:
        return found
    more = measured(others, replace(wanted, parts=()))
    return calibration.joined((found, more))


def _of_log(wanted: Wanted) -> dict[str, Value]:
    if wanted.during is None:
        raise ValueError("--during must say how long the log was kept")
    ends = wanted.during.split("..")
    pair = (ends[0].strip(), ends[-1].strip())
    options: dict[str, Value] = {
        "during": pair if len(ends) == 2 else quantity(wanted.during, "time"),
        "timezone": wanted.timezone,
        "dates": wanted.dates,
        "unclosed": wanted.unclosed,
        "columns": _pairs(wanted.columns, "column"),
        "parts": _pairs(wanted.parts, "part"),
    }
    if wanted.nodes:
        told = _pairs(wanted.nodes, "nodes")
        options["nodes"] = {part: _nodes(part, said) for part, said in told.items()}
    return options


def _nodes(part: str, said: str | None) -> int | list[str]:
    """Return a number of nodes, or their names."""
    if said is None:
        raise ValueError(f"--nodes must be PART=NUMBER or PART=NAME,NAME, got {part}=")
    if said.isdigit():
        return int(said)
    return [name.strip() for name in said.split(",")]


def _pairs(words: Sequence[str], option: str) -> dict[str, str | None]:
    """Return {name: meaning} of NAME=MEANING; an empty meaning is none."""
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, meaning = word.rpartition("=")
        if not equals or not name.strip():
            raise ValueError(f"--{option} must be NAME=MEANING, got {word!r}")
        found[name.strip()] = meaning.strip() or None
    return found


_OPTION = re.compile(r"\b(timezone|dates|unclosed)=")


def in_options(words: str) -> str:
    """Return what the package says with the names that a terminal has for them."""
    words = words.replace("columns= names it", "--column COLUMN=start names it")
    words = words.replace("columns= says", "--column COLUMN=component says")
    words = words.replace("nodes= of one part says", "--nodes database=2 says")
    words = words.replace("nodes is not given", "--nodes is not given")
    return _OPTION.sub(r"--\1 ", words).replace("--timezone  ", "--timezone ")


def show(found: Calibration, extends: str, *, as_json: bool) -> None:
    """Print the file, or the parameters as data."""
    parts = {name for made in KINDS.values() for name in described(made)}
    for name in dict.fromkeys(path.partition(".")[0] for path in found.parameters):
        if name not in parts and name != "lag":
            said = f"no file has a part {name!r}: --part '{name}=database' says which"
            click.echo(f"! {said}", err=True)
    if not as_json:
        hand_over(in_options(calibration.to_yaml(found, extends)), nl=False)
        return
    parameters = {
        path: {
            "value": e.value,
            "low": e.low,
            "high": e.high,
            "unit": e.unit,
            "level": e.level,
            "how": e.how,
        }
        for path, e in found.parameters.items()
    }
    data = {
        "form": "hamodel/calibration/1",
        "parameters": parameters,
        "warnings": list(found.warnings),
    }
    hand_over(as_text(data))
