"""Commands: they open a file, ask the package and hand the answer to a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hamodel import __version__
from hamodel.cli._ends import CODES, Commands, leave

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from hamodel._types import Value
    from hamodel.cli._page import Page

    Command = TypeVar("Command", bound=Callable[..., object])

_HELP = {"help_option_names": ["-h", "--help"]}
_SYSTEM = "a system's file, the name of a preset, or - for standard input"


@click.group(cls=Commands, context_settings=_HELP, epilog=CODES)
@click.version_option(__version__, prog_name="hamodel")
@click.option("--traceback", is_flag=True, help="Show where a fault happened.")
def main(traceback: bool) -> None:
    """Answer how available, how quick and how fresh a service will be.

    FILE is a system's YAML file, the name of a preset, or - for standard input.
    """


def _as_json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def _confidence(command: Command) -> Command:
    said = (
        "Where parameters are uncertain: count a requirement as met only if it is "
        "with this probability, such as 0.9."
    )
    between = click.FloatRange(0, 1, min_open=True, max_open=True)
    return click.option("--confidence", type=between, help=said)(command)


def _changes(command: Command) -> Command:
    said = "Change a field, as --set failover.coverage=99%; may be given again."
    return click.option(
        "--set", "changes", multiple=True, metavar="PATH=VALUE", help=said
    )(command)


def _versions(command: Command) -> Command:
    said = (
        "The version of a product whose files are read, such as patroni=2.1, for its "
        "defaults and rules; may be given again."
    )
    return click.option(
        "--assume", "versions", multiple=True, metavar="NAME=VERSION", help=said
    )(command)


def _over(command: Command) -> Command:
    said = (
        "Such as failover.promotion=10s..60s:6, database.mttf=100d,1yr or "
        "replication.mode=async,sync; give it again for a further dimension."
    )
    return click.option(
        "--over", multiple=True, required=True, metavar="PATH=VALUES", help=said
    )(command)


def _flips(command: Command) -> Command:
    said = "Search the nearest change of the choice."
    return click.option("--flips", is_flag=True, help=said)(command)


_FORMATS = ("text", "json", "markdown", "junit", "sarif", "prometheus")


@main.command()
@click.argument("files", nargs=-1, required=True)
@_changes
@_versions
@_confidence
@click.option("--against", metavar="FILE", help="Show what FILE's system would gain.")
@click.option(
    "--allow",
    metavar="CHANGE",
    help="With --against: the most downtime that may be added, such as '+5 min/yr'.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="What to print; text is the default.  The others are for CI.",
)
@_as_json
def assess(
    files: Sequence[str],
    form: str | None,
    as_json: bool,
    **told: Value,
) -> None:
    """Print one page on a system: what to expect and what to change.

    FILES are a system's file, or the configuration files of one, which are read as
    `hamodel read` does.
    """
    from hamodel.cli import _judge

    form = form or ("json" if as_json else "text")
    if as_json and form != "json":
        raise ValueError(f"--json and --format {form} are two formats; give one")
    leave(met=_judge.judge(files, form, _judge.Wanted(**told)))


@main.command()
@click.argument("files", nargs=-1, required=True)
@_versions
@_confidence
def check(
    files: Sequence[str], versions: Sequence[str], confidence: float | None
) -> None:
    """Hold several files to what they require: a line for each, as a linter prints."""
    from hamodel.cli import _judge

    leave(met=_judge.check(files, confidence, versions))


@main.command()
@click.argument("files", nargs=-1, required=True)
@_versions
@_as_json
def compare(files: Sequence[str], versions: Sequence[str], as_json: bool) -> None:
    """Print several systems side by side, under the workload of the first."""
    from hamodel.cli import _files, _several

    _finish(_several.comparison(_files.each(files, versions)), as_json)


@main.command()
@click.argument("files", nargs=-1, required=True)
@_versions
@_flips
@_as_json
def decide(
    files: Sequence[str], versions: Sequence[str], flips: bool, as_json: bool
) -> None:
    """Choose between systems by the requirements and the workload of the first.

    A single FILE may be a scenario: the name of one of the catalogue, or a file that
    lists `candidates`.
    """
    from hamodel.cli import _files, _several

    if len(files) == 1 and _is_scenario(files[0]):
        page = _several.scenario(files[0], flips=flips)
    else:
        page = _several.choice(_files.each(files, versions), flips=flips)
    _finish(page, as_json)


@main.command()
@click.argument("file")
@_over
@_as_json
def optimise(file: str, over: Sequence[str], as_json: bool) -> None:
    """Find the cheapest values of parameters that keep the requirements."""
    from hamodel.cli import _files, _several, _sweep

    spec = _files.opened(file)
    grids = {name: list(values) for name, values in _sweep.grids(spec, over).items()}
    _finish(_several.cheapest(spec, grids), as_json)


@main.command()
@click.argument("file")
@_changes
@click.option(
    "--years",
    type=click.FloatRange(0, 1e7, min_open=True),
    default=1000.0,
    show_default=True,
    help="Length of the run.",
)
@click.option("--seed", default=1, show_default=True, help="Of the random numbers.")
@click.option("--apart", is_flag=True, help="Parts one by one, for rare events.")
@_as_json
def simulate(
    file: str,
    changes: Sequence[str],
    years: float,
    seed: int,
    *,
    apart: bool,
    as_json: bool,
) -> None:
    """Play a system as discrete events, beside what is computed."""
    from hamodel.cli import _files, _several

    spec = _files.opened(file, changes)
    _finish(_several.played(spec, years, seed, apart=apart), as_json)


@main.command()
@click.argument("file")
@_changes
@_as_json
def spof(file: str, changes: Sequence[str], as_json: bool) -> None:
    """Print what stops the service alone, and which pairs do."""
    from hamodel.cli import _files

    if _files.holds(file, "structure"):
        from hamodel.cli import _structure

        _no_changes(changes)
        page = _structure.weak(file)
    else:
        from hamodel.cli import _looks

        page = _looks.of_system(_files.opened(file, changes))
    _finish(page, as_json)


@main.command()
@click.argument("files", nargs=-1, required=True)
@_changes
@_versions
@_as_json
def explain(
    files: Sequence[str],
    changes: Sequence[str],
    versions: Sequence[str],
    as_json: bool,
) -> None:
    """Print where the numbers come from: parameters, parts, assumptions.

    FILES are a system's file, or the configuration files of one.
    """
    from hamodel.cli import _files, _looks

    _finish(_looks.explanation(_files.opened(files, changes, versions)), as_json)


@main.command()
@click.argument("files", nargs=-1, required=True)
@_versions
@click.option(
    "--extends",
    default="",
    metavar="PRESET",
    help="The preset to change, where the files do not tell which system it is.",
)
@click.option("--title", default="", help="What the system is called.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the system's file; by default it is printed.",
)
@click.option("--force", is_flag=True, help="Overwrite the file of --out.")
@_as_json
def read(
    files: Sequence[str],
    versions: Sequence[str],
    as_json: bool,
    **told: Value,
) -> None:
    """Turn the configuration files of a real system into a system's file.

    FILES are those of one system, such as patroni.yml and haproxy.cfg.  Each value
    keeps the place where it stood; what has no place in the models, what was assumed
    and which rules of the products are broken stands below, as comments.
    """
    from hamodel.cli import _read

    _read.show(files, versions, _read.Wanted(**told), as_json=as_json)


@main.command()
@click.argument("system")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--measures",
    multiple=True,
    metavar="OBJECTIVE=WHAT",
    help="What an objective measures: read, write or a journey of the system.  Else a "
    "journey or `read` in its name, or writes.",
)
@_as_json
def slo(
    system: str, files: Sequence[str], measures: Sequence[str], as_json: bool
) -> None:
    """Hold a system to the objectives of OpenSLO, Sloth or Pyrra FILES.

    The chance to keep each over its window, its error budget by cause, and how often
    each burn-rate alert will fire.
    """
    from hamodel.cli import _files, _slo

    _finish(_slo.page(_files.opened(system), files, measures), as_json)


@main.command()
@click.argument("file")
@_over
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    default=("write_minutes_per_year",),
    show_default=True,
    help="What to compute; give it again for more.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite the file of --out.")
@_as_json
def sweep(
    file: str,
    over: Sequence[str],
    quantities: Sequence[str],
    out: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Compute quantities over ranges of parameters; --out writes .csv or .nc."""
    from hamodel.cli import _files, _sweep

    if out is not None:
        _sweep.check_out(out, force=force)
    table = _sweep.swept(_files.opened(file), over, quantities)
    if out is not None:
        _sweep.write(table, out)
        click.echo(f"{out} written: {_sweep.size(table)}")
    else:
        _finish(_sweep.page(table), as_json)


@main.command()
@click.argument("files", nargs=-1)
@click.option(
    "--during",
    metavar="A..B",
    help="From when to when the log was kept, or for how long, such as 26mo.",
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
@click.option("--timezone", help="Of times that say none, such as Europe/Berlin.")
@click.option(
    "--dates", help="'day first' or 'month first', where 3/2/2026 may be both."
)
@click.option(
    "--unclosed",
    type=click.Choice(["censored", "left out"]),
    default="censored",
    show_default=True,
    help="What incidents without an end count as.",
)
@click.option("--count", type=int, help="Outages, where there is no log; with --total.")
@click.option("--total", metavar="TIME", help="Their time together, such as 1183min.")
@click.option("--extends", default="", help="What the file that is printed extends.")
@_as_json
def calibrate(
    files: Sequence[str],
    extends: str,
    as_json: bool,
    **told: Value,  # as `Wanted` names them
) -> None:
    """Print the parameters that logs and drills tell, as a file to extend.

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
@click.argument("file")
@_changes
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
    help="Whose blocks, or whose way.",
)
@click.option("--part", help="Whose states; by default the part with the most.")
def export(
    file: str, changes: Sequence[str], form: str, operation: str, part: str | None
) -> None:
    """Write a system in the language of another tool."""
    from hamodel.cli import _export, _files

    spec = _files.opened(file, changes)
    click.echo(_export.exported(spec, form, operation, part).rstrip("\n"))


@main.command()
@click.argument("names", nargs=-1, metavar="[[show] NAME]")
@_as_json
def presets(names: tuple[str, ...], as_json: bool) -> None:
    """List the presets, or show the numbers and laws of one and their sources."""
    from hamodel.cli import _looks

    shown = names[1:] if names[:1] == ("show",) else names
    if len(shown) > 1 or (names and not shown):
        raise ValueError(f"presets takes one name, got {' '.join(names)!r}")
    _finish(_looks.one_preset(shown[0]) if shown else _looks.all_presets(), as_json)


@main.command()
@click.argument(
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("system.yaml"),
)
@click.option("--preset", metavar="NAME", help="Begin with this preset.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
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
        click.echo(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    click.echo(f"{file} written; next: hamodel assess {file}")


@main.command()
@click.option("--output", is_flag=True, help="Of what `hamodel assess --json` prints.")
def schema(output: bool) -> None:
    """Print the JSON schema of system files, for editors."""
    from hamodel import specfile
    from hamodel.cli._page import as_text

    if output:
        from hamodel.cli._schema import of_assessment

        click.echo(as_text(of_assessment()))
    else:
        click.echo(as_text(specfile.schema()))


def _is_scenario(name: str) -> bool:
    from hamodel import catalogue
    from hamodel.cli import _files

    known = not Path(name).exists() and name in catalogue.scenarios()
    return known or (not _files.is_piped(name) and _files.holds(name, "candidates"))


def _no_changes(changes: Sequence[str]) -> None:
    if changes:
        raise ValueError("--set changes systems; edit the file of a structure")


def _finish(page: Page, as_json: bool) -> None:
    page.show(as_json=as_json)
    leave(met=page.met)
