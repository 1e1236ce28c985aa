"""An answer of a command: data for `--json`, and something to write on paper."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hamodel.cli._ends import leave
from hamodel.cli._paper import Paper, paper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hamodel.cli._report import Report


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer, twice; `met` tells whether all requirements are kept."""

    data: Callable[[], Mapping[str, object]]
    draw: Callable[[Paper], None]
    met: bool = True

    def show(self, *, as_json: bool) -> None:
        """Print the answer, as data or as a page."""
        if as_json:
            click.echo(as_text(self.data()))
        else:
            self.draw(paper())


@dataclass(frozen=True, kw_only=True)
class JudgedPage(Page):
    """An answer with something to judge; `report` is what other tools are told."""

    report: Callable[[], Report]


def as_text(data: object) -> str:
    """Return data as JSON; endless numbers are the word inf, for JSON has none."""
    return json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def finish(page: Page, as_json: bool) -> None:
    """Print an answer, and end as the exit codes say."""
    page.show(as_json=as_json)
    leave(met=page.met)
