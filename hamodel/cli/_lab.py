"""Commands that fail a real database here and hold it against the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hamodel._types import Value
from hamodel.cli._main import main

if TYPE_CHECKING:
    from hamodel.lab import Experiment

_OUT = click.Path(file_okay=False, path_type=Path)


@main.group()
def lab() -> None:
    """Fail real databases on this machine, and compare with the predictions."""


@lab.command("list")
def listed() -> None:
    """List the experiments with their settings."""
    from dataclasses import fields

    from hamodel.lab import EXPERIMENTS

    for name, kind in EXPERIMENTS.items():
        title = (kind.__doc__ or "").splitlines()[0]
        click.echo(f"{name:10} {title}  about {kind.seconds:.0f} s a failure")
        given = ", ".join(f"{f.name}={f.default}" for f in fields(kind))
        click.echo(f"{'':10} {given}; faults: {', '.join(kind.faults)}")


@lab.command()
def check() -> None:
    """Show which experiments can run here, and what the others lack."""
    from importlib.util import find_spec

    from hamodel.lab import EXPERIMENTS, missing

    for name, kind in EXPERIMENTS.items():
        lacks = missing(kind.programs)
        lacks += [f"{m} (pip)" for m in kind.modules if not find_spec(m)]
        lacks += [kind().lacks] if kind().lacks else []
        click.echo(f"{name:10} {'lacks ' + ', '.join(lacks) if lacks else 'ready'}")
    click.echo("hamodel lab fetch brings programs; pip install 'hamodel[lab]' the rest")


@lab.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def fetch(*, yes: bool) -> None:
    """Download the programs into a private folder; nothing is installed."""
    from hamodel import lab as room

    wanted = room.missing(
        tuple(p for kind in room.EXPERIMENTS.values() for p in kind.programs)
    )
    if not wanted:
        click.echo("everything is there")
        return
    click.echo(f"to download: {', '.join(room.plan(wanted))}")
    if yes or click.confirm("Go on?"):
        click.echo(f"unpacked into {room.fetch(wanted)}")


@lab.command()
@click.argument("name")
@click.option("--n", default=8, show_default=True, help="Failures to record.")
@click.option("--out", type=_OUT, default=Path("recordings"), show_default=True)
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE")
@click.option("--seed", default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Continue an earlier recording.")
def run(
    name: str, n: int, out: Path, changes: Sequence[str], seed: int, *, resume: bool
) -> None:
    """Fail the real system, write a row for each failure, and compare."""
    from hamodel.lab import EXPERIMENTS

    if name not in EXPERIMENTS:
        raise click.BadParameter(f"one of {', '.join(EXPERIMENTS)}, got {name}")
    experiment = _made(EXPERIMENTS[name], changes)
    recorded = experiment.record(n, out, rng=seed, resume=resume)
    for reason in recorded.discarded:
        click.echo(f"discarded {reason}")
    click.echo(repr(recorded.compare()))


@lab.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
def compare(folder: Path) -> None:
    """Compare the recordings in a folder with the predictions."""
    from hamodel.lab import EXPERIMENTS, opened

    for file in sorted(folder.glob("*.csv")):
        click.echo(repr(opened(file, EXPERIMENTS).compare()))


@lab.command()
def clean() -> None:
    """End processes left over by a crash, and remove the working folder."""
    import shutil

    from hamodel.lab import end_strays, workplace

    click.echo(f"{end_strays(workplace())} processes ended")
    shutil.rmtree(workplace(), ignore_errors=True)


def _made(kind: type[Experiment], changes: Sequence[str]) -> Experiment:
    """Return an experiment with the settings of FIELD=VALUE words."""
    settings: dict[str, Value] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or name not in kind.__dataclass_fields__:
            known = ", ".join(kind.__dataclass_fields__)
            raise click.BadParameter(f"FIELD=VALUE with one of {known}, got {change}")
        settings[name] = _plain(value)
    return kind(**settings)


def _plain(value: str) -> object:
    """Return yes and no as flags and digits as a number; other words as they are."""
    known = {"yes": True, "true": True, "no": False, "false": False}
    if value.lower() in known:
        return known[value.lower()]
    return int(value) if value.isdigit() else value
