"""Commands that make a file, or tell what files may hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hamodel._types import Value
from hamodel.cli._main import main
from hamodel.cli._options import CHANGES, FILE, FILES, FORCE, JSON, VERSIONS
from hamodel.cli._page import finish, hand_over


@main.command()
@FILES
@VERSIONS
@click.option(
    "--extends",
    default="",
    metavar="PRESET",
    help="The preset to change, if the files do not tell which system it is.",
)
@click.option("--title", default="", help="What the system is called.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; by default it is printed.",
)
@FORCE
@JSON
def read(
    files: Sequence[str], versions: Sequence[str], as_json: bool, **told: Value
) -> None:
    """Turn the configuration files of a real system into a system's file.

    FILES are those of one system, such as patroni.yml and haproxy.cfg.  Each value
    keeps the place where it stood; what has no place in the models, what was assumed
    and which rules of the products are broken stands below, as comments.
    """
    from hamodel.cli import _read

    _read.show(files, versions, _read.Wanted(**told), as_json=as_json)


@main.command()
@click.argument("files", nargs=-1)
@click.option(
    "--during",
    metavar="A..B",
    help="When the log was kept, or for how long, such as 26mo.",
)
@click.option(
    "--nodes",
    multiple=True,
    metavar="PART=NODES",
    help="What was watched: database=2, or by name database=db-1,db-2.",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    metavar="NAME=PART",
    help="What the log calls a part; without PART it is left out.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=COLUMN",
    help="What a column of the log means, such as opened=start.",
)
@click.option(
    "--timezone", help="Time zone of times without one, such as Europe/Berlin."
)
@click.option(
    "--dates", help="'day first' or 'month first', where 3/2/2026 is ambiguous."
)
@click.option(
    "--unclosed",
    type=click.Choice(["censored", "left out"]),
    default="censored",
    show_default=True,
    help="How incidents without an end are counted.",
)
@click.option(
    "--count", type=int, help="Number of outages, if there is no log; with --total."
)
@click.option("--total", metavar="TIME", help="Their total duration, such as 1183min.")
@click.option("--extends", default="", help="What the printed file extends.")
@JSON
def calibrate(
    files: Sequence[str],
    extends: str,
    as_json: bool,
    **told: Value,  # as `Wanted` names them
) -> None:
    """Estimate parameters from logs and drills, as a file to extend.

    FILES are CSV: a log of incidents (exports of PagerDuty, Opsgenie, Statuspage and
    Jira are known) and, by its column `worked`, drills of failovers.  Files that end in
    .json are what a Prometheus answers to range queries of `up`, `probe_success` and a
    replication lag; --part JOB=PART says what a job watches.
    """
    from hamodel.cli import _calibrate, _files

    with _files.settled(files) as real:
        found = _calibrate.measured(real, _calibrate.Wanted(**told))
    _calibrate.show(found, extends, as_json=as_json)


@main.command()
@FILE
@CHANGES
@click.option(
    "--to",
    "form",
    type=click.Choice(("prism", "states", "blocks", "mermaid")),
    required=True,
    help="prism: the whole model with its rewards; states, blocks: a state graph and a "
    "block diagram for Graphviz; mermaid: sites and servers.",
)
@click.option(
    "--operation",
    type=click.Choice(("read", "write")),
    default="write",
    show_default=True,
    help="The operation whose blocks or paths are exported.",
)
@click.option(
    "--part", help="The part whose states are exported; by default the largest."
)
def export(
    file: str, changes: Sequence[str], form: str, operation: str, part: str | None
) -> None:
    """Export a system to the language of another tool."""
    from hamodel.cli import _export, _files

    spec = _files.opened(file, changes)
    hand_over(_export.exported(spec, form, operation, part).rstrip("\n"))


@main.command()
@click.argument("names", nargs=-1, metavar="[[show] NAME]")
@JSON
def presets(names: tuple[str, ...], as_json: bool) -> None:
    """List the presets, or show the numbers and laws of one and their sources."""
    from hamodel.cli import _looks

    shown = names[1:] if names[:1] == ("show",) else names
    if len(shown) > 1 or (names and not shown):
        raise ValueError(f"presets takes one name, got {' '.join(names)!r}")
    finish(_looks.one_preset(shown[0]) if shown else _looks.all_presets(), as_json)


@main.command()
@click.argument(
    "file", type=click.Path(dir_okay=False, path_type=Path), default=Path("system.yaml")
)
@click.option("--preset", metavar="NAME", help="Start from this preset.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def init(file: Path, preset: str | None, force: bool) -> None:
    """Write a commented starter file (system.yaml); - prints it."""
    from hamodel import specfile

    to_screen = str(file) == "-"
    if file.exists() and not force and not to_screen:
        raise ValueError(f"{file} is there already; --force overwrites it")
    if preset is None:
        text = specfile.starter()
    else:
        from hamodel.cli._files import starter_of

        text = starter_of(preset)
    if to_screen:
        hand_over(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    click.echo(f"{file} written; next: hamodel assess {file}")


@main.command()
@click.option(
    "--output", is_flag=True, help="The schema of what `hamodel assess --json` prints."
)
def schema(output: bool) -> None:
    """Print the JSON schema of system files, for editors."""
    from hamodel import specfile
    from hamodel.cli._page import as_text

    if output:
        from hamodel.cli._schema import of_assessment

        hand_over(as_text(of_assessment()))
    else:
        hand_over(as_text(specfile.schema()))
