"""Commands: they open a file, ask the package and hand the answer to a page."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from pathlib import Path

import click

from hamodel import __version__
from hamodel._types import Value
from hamodel.cli._ends import CODES, Commands, leave
from hamodel.cli._options import (
    CHANGES,
    CONFIDENCE,
    FILE,
    FILES,
    FLIPS,
    FORCE,
    JSON,
    OVER,
    VERSIONS,
)
from hamodel.cli._page import finish

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(cls=Commands, context_settings=_HELP, epilog=CODES)
@click.version_option(__version__, prog_name="hamodel")
@click.option("--traceback", is_flag=True, help="Show where a fault happened.")
def main(traceback: bool) -> None:
    """Predict how available, how fast and how fresh a service will be.

    FILE is a system's YAML file, the name of a preset, or - for standard input.
    """
    del traceback  # whoever leaves reads it
    # matrices here are small: a second thread waits, and burns a core while it does
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # looking for garbage in cycles, at every 700 new things, takes a tenth of a command
    gc.set_threshold(100_000, 50, 100)


_FORMATS = ("text", "json", "markdown", "junit", "sarif", "prometheus")


@main.command()
@FILES
@CHANGES
@VERSIONS
@CONFIDENCE
@click.option(
    "--against",
    metavar="FILE",
    help="Compare with the system in FILE, before the change.",
)
@click.option(
    "--allow",
    metavar="CHANGE",
    help="With --against: the most downtime that may be added, such as '+5 min/yr'.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="The output format, text by default; the others are for CI.",
)
@JSON
def assess(
    files: Sequence[str], form: str | None, as_json: bool, **told: Value
) -> None:
    """Print one page on a system: what to expect and what to change.

    FILES are a system's file, or the configuration files of one, which are read as
    `hamodel read` does.
    """
    from hamodel.cli import _gate

    form = form or ("json" if as_json else "text")
    if as_json and form != "json":
        raise ValueError(f"--json and --format {form} are two formats; give one")
    leave(met=_gate.judge(files, form, _gate.Wanted(**told)))


@main.command()
@FILES
@VERSIONS
@CONFIDENCE
def check(
    files: Sequence[str], versions: Sequence[str], confidence: float | None
) -> None:
    """Check files against their requirements, one line each, as a linter does."""
    from hamodel.cli import _gate

    leave(met=_gate.check(files, confidence, versions))


@main.command()
@FILES
@VERSIONS
@JSON
def compare(files: Sequence[str], versions: Sequence[str], as_json: bool) -> None:
    """Print several systems side by side, under the workload of the first."""
    from hamodel.cli import _files, _several

    finish(_several.comparison(_files.each(files, versions)), as_json)


@main.command()
@FILES
@VERSIONS
@FLIPS
@JSON
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
    finish(page, as_json)


@main.command()
@FILE
@OVER
@JSON
def optimise(file: str, over: Sequence[str], as_json: bool) -> None:
    """Find the cheapest values of parameters that keep the requirements."""
    from hamodel.cli import _files, _several, _sweep

    spec = _files.opened(file)
    grids = {name: list(values) for name, values in _sweep.grids(spec, over).items()}
    finish(_several.cheapest(spec, grids), as_json)


@main.command()
@FILE
@CHANGES
@click.option(
    "--years",
    type=click.FloatRange(0, 1e7, min_open=True),
    default=1000.0,
    show_default=True,
    help="Years to simulate.",
)
@click.option(
    "--seed", default=1, show_default=True, help="Seed of the random numbers."
)
@click.option(
    "--apart", is_flag=True, help="Simulate the parts one by one, for rare events."
)
@JSON
def simulate(
    file: str,
    changes: Sequence[str],
    years: float,
    seed: int,
    *,
    apart: bool,
    as_json: bool,
) -> None:
    """Simulate a system by discrete events, beside the computed values."""
    from hamodel.cli import _files, _several

    spec = _files.opened(file, changes)
    finish(_several.played(spec, years, seed, apart=apart), as_json)


@main.command()
@FILE
@CHANGES
@JSON
def spof(file: str, changes: Sequence[str], as_json: bool) -> None:
    """Print the single points of failure, and the pairs that stop the service."""
    from hamodel.cli import _files

    if _files.holds(file, "structure"):
        from hamodel.cli import _structure

        if changes:
            raise ValueError("--set changes systems; edit the file of a structure")
        page = _structure.weak(file)
    else:
        from hamodel.cli import _looks

        page = _looks.of_system(_files.opened(file, changes))
    finish(page, as_json)


@main.command()
@FILES
@CHANGES
@VERSIONS
@JSON
def explain(
    files: Sequence[str], changes: Sequence[str], versions: Sequence[str], as_json: bool
) -> None:
    """Print where the numbers come from: parameters, parts, assumptions.

    FILES are a system's file, or the configuration files of one.
    """
    from hamodel.cli import _files, _looks

    finish(_looks.explanation(_files.opened(files, changes, versions)), as_json)


@main.command()
@click.argument("system")
@FILES
@click.option(
    "--measures",
    multiple=True,
    metavar="OBJECTIVE=WHAT",
    help="What an objective measures: read, write or a journey of the system.  Else a "
    "journey or `read` in its name, or writes.",
)
@JSON
def slo(
    system: str, files: Sequence[str], measures: Sequence[str], as_json: bool
) -> None:
    """Check a system against the objectives in OpenSLO, Sloth or Pyrra FILES.

    The chance to keep each over its window, its error budget by cause, and how often
    each burn-rate alert will fire.
    """
    from hamodel.cli import _files, _slo

    finish(_slo.page(_files.opened(system), files, measures), as_json)


@main.command()
@FILE
@OVER
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    default=("write_minutes_per_year",),
    show_default=True,
    help="What to compute; may be repeated.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path))
@FORCE
@JSON
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
    spec = _files.opened(file)
    table = _sweep.swept(spec, over, quantities)
    if out is not None:
        _sweep.write(table, out)
        click.echo(f"{out} written: {_sweep.size(table)}")
    else:
        finish(_sweep.page(table, spec), as_json)


def _is_scenario(name: str) -> bool:
    from hamodel import catalogue
    from hamodel.cli import _files

    known = not Path(name).exists() and name in catalogue.scenarios()
    return known or (not _files.is_piped(name) and _files.holds(name, "candidates"))
