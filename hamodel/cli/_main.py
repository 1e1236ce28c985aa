"""Commands: they load a file, ask the package and hand the answer to a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hamodel import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hamodel.specfile import Spec

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Group(click.Group):
    """Commands whose mistakes end in one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except ValueError as mistake:
            click.echo(str(mistake), err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hamodel")
def main() -> None:
    """Answer how available, how quick and how fresh a service will be."""


def _as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@main.command()
@click.argument("file", type=_FILE)
@_as_json
def assess(file: Path, as_json: bool) -> None:
    """Print one page on a system: what to expect and what to change."""
    from hamodel.cli import _pages

    spec = _load(file)
    page = _pages.assessment(spec)
    _show(page.json if as_json else page.print, as_json)
    _leave(met=page.met)


@main.command()
@click.argument("files", type=_FILE, nargs=-1, required=True)
@_as_json
def compare(files: Sequence[Path], as_json: bool) -> None:
    """Print several systems side by side, under the workload of the first."""
    from hamodel.cli import _pages

    page = _pages.comparison([_load(f) for f in files])
    _show(page.json if as_json else page.print, as_json)


@main.command()
@click.argument("files", type=_FILE, nargs=-1, required=True)
@click.option("--flips", is_flag=True, help="Search the nearest change of the choice.")
@_as_json
def decide(files: Sequence[Path], flips: bool, as_json: bool) -> None:
    """Choose between systems by the requirements and the workload of the first."""
    from hamodel.cli import _pages

    page = _pages.decision([_load(f) for f in files], flips=flips)
    _show(page.json if as_json else page.print, as_json)
    _leave(met=page.met)


@main.command()
@click.argument("file", type=_FILE)
@_as_json
def spof(file: Path, as_json: bool) -> None:
    """Print what stops the service alone, and which pairs do."""
    from hamodel.cli import _pages

    page = _pages.weak_points(_load(file))
    _show(page.json if as_json else page.print, as_json)


@main.command()
@click.argument("file", type=_FILE)
@_as_json
def explain(file: Path, as_json: bool) -> None:
    """Print where the numbers come from: parameters, parts, assumptions."""
    from hamodel.cli import _pages

    page = _pages.explanation(_load(file))
    _show(page.json if as_json else page.print, as_json)


@main.command()
@click.argument("file", type=_FILE)
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="PATH=VALUES",
    help="Such as failover.promotion=10s..60s:6, database.mttf=100d,1yr or "
    "replication.mode=async,sync; give it again for a further dimension.",
)
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
    file: Path,
    over: Sequence[str],
    quantities: Sequence[str],
    out: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Compute quantities over ranges of parameters; --out writes .csv or .nc."""
    import hamodel.cli._sweep as _sweep

    if out is not None:
        _sweep.check_out(out, force=force)
    table = _sweep.swept(_load(file), over, quantities)
    if out is not None:
        _sweep.write(table, out)
        click.echo(f"{out} written: {_sweep.size(table)}")
    elif as_json:
        click.echo(_sweep.as_json(table))
    else:
        _sweep.show(table)


@main.command()
@click.argument(
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("system.yaml"),
)
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def init(file: Path, force: bool) -> None:
    """Write a commented starter file (system.yaml)."""
    from hamodel import specfile

    if file.exists() and not force:
        raise ValueError(f"{file} is there already; --force overwrites it")
    try:
        file.write_text(specfile.starter(), encoding="utf-8")
    except OSError as refused:
        raise ValueError(f"{file} cannot be written: {refused.strerror}") from None
    click.echo(f"{file} written; next: hamodel assess {file}")


@main.command()
def schema() -> None:
    """Print the JSON schema of system files, for editors."""
    from hamodel import specfile

    click.echo(json.dumps(specfile.schema(), indent=1, ensure_ascii=False))


def _load(file: Path) -> Spec:
    from hamodel import specfile

    return specfile.load(file)


def _show(make: Callable[[], Any], as_json: bool) -> None:
    made = make()
    if as_json:
        click.echo(json.dumps(made, indent=2, ensure_ascii=False))


def _leave(*, met: bool) -> None:
    if not met:
        click.get_current_context().exit(1)
