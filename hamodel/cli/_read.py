"""Configuration files of products, as a system's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from hamodel.cli._files import named, settled, versions_of
from hamodel.cli._page import as_text, hand_over
from hamodel.reading import Note, Reading, read_files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to become of the files."""

    # the preset that is changed, and what the system is called; empty: as the
    # files tell
    extends: str = ""
    title: str = ""
    out: Path | None = None  # where the system's file goes; None: to the terminal
    force: bool = False  # whether it may overwrite another


def show(
    files: Sequence[str], versions: Sequence[str], wanted: Wanted, *, as_json: bool
) -> None:
    """Read the files; print the system's file, or write it."""
    out = wanted.out
    if out is not None and out.exists() and not wanted.force:
        raise ValueError(f"{out} is there already; --force overwrites it")
    with settled(files, ".yaml") as real:
        reading = read_files(
            real,
            versions=versions_of(versions),
            extends=wanted.extends,
            title=wanted.title,
        )
    for note in reading.warnings:
        click.echo(f"! {named(str(note))}", err=True)
    reading = replace(reading, text=named(reading.text))
    if out is not None:
        out.write_text(reading.text, encoding="utf-8")
    if as_json:
        hand_over(as_text(_data(reading)))
    elif out is None:
        hand_over(reading.text, nl=False)
    else:
        click.echo(f"{out} written; next: hamodel assess {out}")


def _data(reading: Reading) -> dict[str, object]:
    """Return the system's file and its notes as data."""
    spec = reading.spec
    return {
        "form": "hamodel/reading/1",
        "title": spec.title,
        "extends": spec.base,
        "system": reading.text,
        "parameters": [
            {"path": path, "value": value, "from": source}
            for path, value, source in spec.parameters
        ],
        "used": _notes(reading.used),
        "without_place": _notes(reading.homeless),
        "assumed": _notes(reading.assumed),
        "unknown": _notes(reading.unknown),
        "warnings": _notes(reading.warnings),
    }


def _notes(notes: Sequence[Note]) -> list[dict[str, str]]:
    return [note._asdict() for note in notes]
