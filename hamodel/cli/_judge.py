"""Files held to what they require, one in full or several in a line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hamodel.cli import _files, _gate
from hamodel.specfile import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hamodel.cli._page import JudgedPage
    from hamodel.cli._paper import Paper
    from hamodel.cli._report import Report


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a system is judged."""

    changes: Sequence[str] = ()  # fields that are changed, as PATH=VALUE
    # versions of products whose files are read, as NAME=VERSION
    versions: Sequence[str] = ()
    confidence: float | None = None  # how sure it must be that a requirement is kept
    against: str | None = None  # the file before a change
    allow: str | None = None  # the most downtime that the change may add


def judge(files: Sequence[str], form: str, wanted: Wanted) -> bool:
    """Print the answer on a system in a format, and return whether all is kept."""
    plain = form in ("text", "json")
    try:
        page = _page(files, wanted)
    except SpecError as mistake:
        if not plain:
            click.echo(_written(form, _gate.mistaken(mistake), lambda _: None))
        raise
    if plain:
        page.show(as_json=form == "json")
    else:
        click.echo(_written(form, page.report(), page.draw))
    return page.met


def _written(form: str, report: Report, draw: Callable[[Paper], None]) -> str:
    from hamodel.cli import _formats

    return _formats.written(form, report, draw)


def _page(files: Sequence[str], wanted: Wanted) -> JudgedPage:
    if len(files) > 1 or not _files.holds(files[0], "structure"):
        spec = _files.opened(files, wanted.changes, wanted.versions)
        before = None if wanted.against is None else _files.opened(wanted.against)
        return _gate.page(spec, wanted.confidence, before, wanted.allow)
    if wanted.changes:
        raise ValueError("--set changes systems; edit the file of a structure")
    if wanted.versions:
        raise ValueError("--assume is for the configuration files of a product")
    if wanted.against or wanted.allow:
        raise ValueError("--against is for systems, and this is a structure")
    from hamodel.cli import _structure

    return _structure.page(files[0])


def check(
    files: Sequence[str], confidence: float | None = None, versions: Sequence[str] = ()
) -> bool:
    """Print a line for each requirement that a file misses, and one for each file.

    Every file is looked at; the mistakes of all come at the end.
    """
    met, mistakes = True, []
    for file, assumed in _files.versions_by_file(files, versions):
        wanted = Wanted(confidence=confidence, versions=assumed)
        try:
            report = _page((file,), wanted).report()
        except ValueError as mistake:
            mistakes.append(str(mistake))
            continue
        for missed in report.missed:
            click.echo(f"{report.file}:{missed.line}: {missed.said}")
        click.echo(f"{report.file}: {report.verdict}")
        met = met and not report.missed
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return met
