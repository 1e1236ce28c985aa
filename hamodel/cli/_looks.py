"""One system, looked into: its weak points, where its numbers come from; presets."""

from __future__ import annotations

from collections.abc import Iterator

from hamodel import text
from hamodel.assessment import assess
from hamodel.cli._files import hint
from hamodel.cli._page import Page, Paper
from hamodel.duration import Duration
from hamodel.specfile import Spec, preset, presets
from hamodel.structure import Structure
from hamodel.units import MINUTE, YEAR


def weak_points(title: str, systems: dict[str, Structure]) -> Page:
    """Return what stops each operation, alone or in pairs."""
    found: dict[str, dict[str, list[str] | list[list[str]]]] = {}
    for operation, system in systems.items():
        cuts = system.minimal_cut_sets(max_order=2)
        found[operation] = {
            "alone": list(system.single_points_of_failure()),
            "in pairs": sorted(sorted(cut) for cut in cuts if len(cut) == 2),
        }

    def draw(out: Paper) -> None:
        for operation, weak in found.items():
            alone = [(str(name),) for name in weak["alone"]] or [("nothing",)]
            out.table(f"Stops {operation} alone", alone)
            pairs = [(" and ".join(pair),) for pair in weak["in pairs"]]
            out.table(f"Stops {operation} together", pairs or [("no pair",)])

    names = {name.removesuffix("s"): weak for name, weak in found.items()}
    return Page(
        data=lambda: {"form": "hamodel/weak-points/1", "title": title, **names},
        draw=draw,
    )


def of_system(spec: Spec) -> Page:
    """Return the weak points of a system, for writes and for reads."""
    diagrams = {f"{o}s": spec.architecture.diagram(o) for o in ("write", "read")}
    return weak_points(spec.title, diagrams)


def explanation(spec: Spec) -> Page:
    """Return where the numbers come from."""
    found = assess(spec)
    parts = {
        leaf.name: len(leaf.chain().states)
        for leaf in spec.architecture.model().leaves()
    }
    down = float(found.write.unavailability)
    assumed, flipped = [], found.flipped
    for assumption in found.assumptions:
        other = flipped.get(assumption.without)
        then = None if other is None else float(other.write.minutes_per_year)
        instead = None if other is None else assumption.without
        assumed.append((assumption.text, instead, then))

    over = ", ".join(spec.uncertain)
    at = f", a mean over what is uncertain ({over})," if over else ","

    def data() -> dict[str, object]:
        keys = ("text", "instead", "then_minutes_per_year")
        return {
            "form": "hamodel/explanation/1",
            "title": spec.title,
            "parameters": [
                {"path": path, "value": value, "from": source}
                for path, value, source in spec.parameters
            ],
            "states_of_parts": parts,
            "write_minutes_per_year": down * YEAR / MINUTE,
            "assumptions": [dict(zip(keys, entry, strict=True)) for entry in assumed],
        }

    def draw(out: Paper) -> None:
        heads = ("", "value", "from")
        out.table("Parameters", spec.parameters, heads, words=(0, 1, 2))
        rows = [(name, str(n)) for name, n in parts.items()]
        out.table("Parts that fail on their own", rows, ("", "states"))
        out.say(f"Writes are down {text.downtime(down)}{at} on these assumptions:")
        for entry, instead, then in assumed:
            out.say(f"- {entry}", indent=2, hang=2)
            if then is not None:
                said = f"Else: {instead} {text.number(then)} min/yr."
                out.say(said, indent=6, hang=2)

    return Page(data=data, draw=draw)


def one_preset(name: str) -> Page:
    """Return a preset, with what each of its numbers stands on."""
    if name not in presets():
        raise ValueError(f"there is no preset {name}{hint(name, presets())}")
    found = preset(name)
    keys = ("path", "value", "from")
    laws = list(_laws_of(found))

    def draw(out: Paper) -> None:
        out.head(found.title)
        out.say(found.summary)
        out.say()
        out.table("", found.parameters, ("", "value", "from"), words=(0, 1, 2))
        if laws:
            shown = [
                (path, text.time(median), text.time(late), law)
                for path, median, late, law in laws
            ]
            heads = ("", "p50", "p95", "which is")
            out.table("What follows from them", shown, heads, words=(0, 3))

    def data() -> dict[str, object]:
        rows = [dict(zip(keys, row, strict=True)) for row in found.parameters]
        return {
            "form": "hamodel/preset/1",
            "name": name,
            "title": found.title,
            "summary": found.summary,
            "architecture": type(found.architecture).__name__,
            "parameters": rows,
            "laws": [
                dict(zip(("path", "p50_s", "p95_s", "law"), row, strict=True))
                for row in laws
            ],
        }

    return Page(data=data, draw=draw)


def _laws_of(spec: Spec) -> Iterator[tuple[str, float, float, str]]:
    """Yield the laws of a preset: each stage, and the recovery by kind of failure."""
    failover = getattr(spec.architecture, "failover", None)
    found = {} if failover is None else dict(failover.by_stage)
    laws = {f"failover.{stage}": law for stage, law in found.items()}
    if isinstance(election := getattr(spec.architecture, "election", None), Duration):
        laws["election"] = election
    assessed = assess(spec.architecture, spec.workload)
    if failover is not None:
        if "election" not in laws:
            laws["new primary takes writes"] = failover.ready
        laws["recovery"] = assessed.rto
    for kind, law in assessed.rto_by_kind.items():
        laws[f"recovery from {kind!r}"] = law
    for path, law in laws.items():
        median, late = (float(law.quantile(share)) for share in (0.5, 0.95))
        if late > 0:
            yield path, median, late, law.law.name


def all_presets() -> Page:
    """Return the list of presets."""
    keys = ("name", "architecture", "title", "summary")
    rows = []
    for name in presets():
        one = preset(name)
        rows.append((name, type(one.architecture).__name__, one.title, one.summary))

    def draw(out: Paper) -> None:
        shown = [(name, kind, summary) for name, kind, _, summary in rows]
        out.table("Presets", shown, ("name", "architecture", ""), words=(0, 1, 2))
        out.say("hamodel presets show NAME shows one; hamodel assess NAME assesses it.")

    listed = [dict(zip(keys, row, strict=True)) for row in rows]
    return Page(
        data=lambda: {"form": "hamodel/presets/1", "presets": listed}, draw=draw
    )
