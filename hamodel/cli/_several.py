"""Several systems: side by side, one chosen, the cheapest, and one played through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hamodel import text
from hamodel._types import Json
from hamodel.assessment import assess, compare
from hamodel.cli import _said
from hamodel.cli._answers import measures
from hamodel.cli._files import hint, text_of
from hamodel.cli._page import Page, Paper
from hamodel.decision import Decision, Optimum, Requirements, Tried, decide, optimise
from hamodel.specfile import Problem, Spec, SpecError, parsed

_SCENARIO = ("title", "summary", "candidates", "workload", "requirements", "around")
_MARKS = {"meets": "✓", "misses": "✗", "not required": "·"}


def named(specs: Sequence[Spec]) -> dict[str, Spec]:
    """Name systems by their titles, with the file where two are alike.

    The clients of the first must find their sites in each of them.
    """
    first = specs[0]
    here = first.workload.clients or {}
    for spec in specs[1:]:
        if not set(here) <= set(spec.architecture.sites):
            sites = ", ".join(spec.architecture.sites)
            raise ValueError(
                f"{spec.path.name}: sites are {sites}, and the clients of "
                f"{first.path.name} are at {', '.join(here)}: "
                "give it these, in a file that extends it"
            )
    titles = [spec.title for spec in specs]
    return {
        spec.title if titles.count(spec.title) == 1 else str(spec.path): spec
        for spec in specs
    }


def _uncertain(specs: Sequence[Spec]) -> list[str]:
    """Return which parameters are uncertain."""
    return list(dict.fromkeys(name for spec in specs for name in spec.uncertain))


def _over(specs: Sequence[Spec]) -> str:
    """Return what the numbers say where something is uncertain."""
    names = ", ".join(_uncertain(specs))
    return (
        f"Downtime is a mean over what is uncertain ({names}), all else takes its "
        "median."
        if names
        else ""
    )


def comparison(specs: Sequence[Spec]) -> Page:
    """Return several systems side by side."""
    found = compare(named(specs))

    def draw(out: Paper) -> None:
        out.table("Under the workload of the first", found.rows, ("", *found.names))
        if _uncertain(specs):
            out.say(_over(specs))

    def data() -> dict[str, object]:
        pairs = zip(found.names, found.assessments, strict=True)
        return {
            "form": "hamodel/comparison/2",
            "uncertain": _uncertain(specs),
            "systems": {name: measures(a)["measures"] for name, a in pairs},
            "units": measures(found.assessments[0])["units"],
        }

    return Page(data=data, draw=draw)


def choice(specs: Sequence[Spec], *, flips: bool) -> Page:
    """Return the decision between systems by the requirements of the first."""
    need = specs[0].requirements
    if need is None:
        raise ValueError(f"{specs[0].path}: requirements must be given to decide")
    return _chosen(specs, need, flips=flips)


def _chosen(specs: Sequence[Spec], need: Requirements, *, flips: bool) -> Page:
    found = decide(named(specs), None, need)
    return decision(found, flips=flips, note=_over(specs))


def decision(found: Decision, *, flips: bool, note: str = "") -> Page:
    """Return the decision table, the choice and, if asked for, what would flip it."""
    turns = found.flips() if flips else ()
    data = {
        "form": "hamodel/decision/1",
        "winner": found.winner,
        "runner_up": found.runner_up,
        "reason": found.reason,
        "front": list(found.front),
        "excluded": {n: [str(f) for f in fs] for n, fs in found.excluded.items()},
        "table": {
            row: {n: c._asdict() for n, c in cells.items()}
            for row, cells in found.table.items()
        },
        "flips": [str(turn) for turn in turns],
        "note": note,
    }

    def draw(out: Paper) -> None:
        names = list(found.assessments)
        rows = [
            (row, *(f"{_MARKS[cells[n].verdict]} {cells[n].measure}" for n in names))
            for row, cells in found.table.items()
        ]
        columns = range(len(names) + 1)
        out.table("Decision table", rows, ("", *names), words=columns)
        out.say(found.reason)
        for name, missed in found.excluded.items():
            for finding in missed:
                out.line(f"  {name} misses {finding}")
        for turn in turns:
            out.say(f"flips at {turn}", indent=2, hang=2)
        if note:
            out.say()
            out.say(note)

    return Page(data=lambda: data, draw=draw, met=found.winner is not None)


def cheapest(spec: Spec, grids: Mapping[str, Sequence[object]]) -> Page:
    """Return the cheapest configuration that keeps the requirements of a file."""
    if spec.requirements is None:
        raise ValueError(f"{spec.path}: requirements must be given to optimise")
    found = optimise(spec, None, spec.requirements, **grids)

    def chosen(one: Tried) -> dict[str, str]:
        """Return each parameter with its value, in its unit."""
        named = {k.replace("__", "."): v for k, v in one.choices.items()}
        return {k: _said.value(spec.architecture, k, v) for k, v in named.items()}

    def row(one: Tried) -> dict[str, object]:
        return {
            "choices": {k.replace("__", "."): str(v) for k, v in one.choices.items()},
            "cost": one.cost,
            "write_unavailability": one.unavailability,
            "misses": str(one.missed) if one.missed else None,
        }

    def words(one: Tried) -> str:
        return ", ".join(f"{k} {v}" for k, v in chosen(one).items())

    def draw(out: Paper) -> None:
        rows = [
            (words(one), text.number(one.cost), text.downtime(one.unavailability))
            for one in found.front
        ]
        if rows:
            heads = ("", "cost", "writes down")
            out.table("Within the limits, the cheapest first", rows, heads)
        out.say(_sentence(found, words))
        if note := _over([spec]):
            out.say(note)

    return Page(
        data=lambda: {
            "form": "hamodel/optimum/1",
            "best": row(found.best) if found.best else None,
            "nearest": row(found.nearest) if found.nearest else None,
            "front": [row(one) for one in found.front],
            "tried": len(found.tried),
        },
        draw=draw,
        met=found.best is not None,
    )


def _sentence(found: Optimum, words: Callable[[Tried], str]) -> str:
    """Return which configuration is the best, or comes nearest."""
    if found.best is not None:
        return f"Of {len(found.tried)} the cheapest is {words(found.best)}."
    near = found.nearest
    said = f": {words(near)} comes nearest and misses {near.missed}" if near else ""
    return f"None of {len(found.tried)} keeps all limits{said}."


def played(spec: Spec, years: float, seed: int, *, apart: bool) -> Page:
    """Return what a simulation shows, beside what is computed."""
    import numpy as np

    from hamodel.simulation import simulate
    from hamodel.units import MINUTE, YEAR

    rng = np.random.default_rng(seed)
    run = simulate(spec.architecture, spec.workload, years, rng, apart=apart)
    computed = assess(spec.architecture, spec.workload)

    def draw(out: Paper) -> None:
        rows = []
        for operation, seen in run.unavailability.items():
            held = float(getattr(computed, operation).unavailability)
            numbers = (*seen[:3], held)
            rows.append(
                (f"{operation}s", *(text.number(x * YEAR / MINUTE) for x in numbers))
            )
        heads = ("minutes a year", "simulated", "from", "to", "computed")
        middle = "".join(f", {name} at the median" for name in spec.uncertain)
        title = f"{text.number(years)} years, seed {seed}{middle}"
        out.table(title, rows, heads)

    def data() -> dict[str, object]:
        return {
            "form": "hamodel/simulation/1",
            "years": years,
            "seed": seed,
            "unavailability": {
                operation: {
                    "value": seen[0],
                    "low": seen[1],
                    "high": seen[2],
                    "computed": float(getattr(computed, operation).unavailability),
                }
                for operation, seen in run.unavailability.items()
            },
        }

    return Page(data=data, draw=draw)


def scenario(name: str, *, flips: bool) -> Page:
    """Return the decision of a scenario: one of the catalogue, or a file's.

    A file has `candidates`, a list of presets and files, and beside it `workload`,
    `requirements` and `around`: what is the same for all candidates.
    """
    from hamodel import catalogue

    if not Path(name).is_file():
        known = catalogue.scenario(name)
        return decision(known.decide(), flips=flips, note=known.finding)
    asked, specs = _candidates(Path(name))
    need = asked.requirements
    if need is None:
        raise ValueError(f"{name}: requirements must be given to decide")
    load = {p: b for p, b in asked.uncertain.items() if p.startswith("workload.")}
    first, *others = [replace(spec, workload=asked.workload) for spec in specs]
    own = {p: b for p, b in first.uncertain.items() if not p.startswith("workload.")}
    first = replace(first, uncertain={**own, **load})
    return _chosen([first, *others], need, flips=flips)


def _candidates(path: Path) -> tuple[Spec, list[Spec]]:
    """Return what a scenario file asks, and the systems that it chooses from."""
    from hamodel.cli._files import changed
    from hamodel.specfile import presets

    content = _content(path)
    names = content.get("candidates")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError(f"{path}: candidates must be a list of presets or files")
    around = content.get("around") or {}
    asked = {k: content[k] for k in ("workload", "requirements") if content.get(k)}
    specs = []
    try:
        for name in names:
            base = name if name in presets() else str(path.parent / name)
            specs.append(changed(base, around, name))
        return changed(presets()[0], asked, str(path)), specs
    except ValueError as mistake:
        raise ValueError(f"{path}: {mistake}") from None


def _content(path: Path) -> Json:
    """Return the fields of a scenario file."""
    whole = parsed(path, text_of(str(path)))
    for key, node in whole.fields.items():
        if key not in _SCENARIO:
            said = f"is no field of a scenario{hint(key, _SCENARIO)}"
            raise SpecError(path, [Problem(node.line, node.column, key, said)])
    return dict(whole.plain() or {})
