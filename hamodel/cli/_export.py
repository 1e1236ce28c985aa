"""A system for other tools: PRISM, Graphviz, Mermaid."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

from hamodel.architectures import Architecture, Part
from hamodel.assessment import assess
from hamodel.cli._files import hint
from hamodel.specfile import Spec

_TIERS = ("load balancer", "app server")


def exported(spec: Spec, form: str, operation: str, part: str | None) -> str:
    """Return a system in a format of `FORMATS`."""
    if part is not None and form != "states":
        raise ValueError("--part chooses a state graph: give --to states")
    if form == "states":
        return _part(spec.architecture, part).chain().to_dot()
    return FORMATS[form](spec, operation)


def _part(system: Architecture, name: str | None) -> Part:
    """Return a part by its name, or the one with the most states."""
    leaves = {leaf.name: leaf for leaf in system.model().leaves()}
    if name is None:
        return max(leaves.values(), key=lambda leaf: len(leaf.chain().states))
    if name not in leaves:
        known = ", ".join(leaves)
        raise ValueError(
            f"--part must be one of {known}, got {name!r:.60}{hint(name, list(leaves))}"
        )
    return leaves[name]


def mermaid(system: Architecture, operation: str = "write") -> str:
    """Return the sites, their servers and what joins them, as Mermaid."""
    return "\n".join(["flowchart TB", *_Topology(system, operation).lines()])


class _Topology:
    """Sites and what stands in them, each with a short identifier."""

    def __init__(self, system: Architecture, operation: str) -> None:
        self.system = system
        structure = system.diagram(operation)
        self.alone = set(structure.single_points_of_failure())
        self.ids: dict[str, str] = {}
        self.held: dict[str, list[str]] = {site: [] for site in system.all_sites}
        self.others = []
        for name in structure.drawn:
            site = self._site(name)
            if site is not None and name != site:
                self.held[site].append(name)
            elif site is None and name != "client":
                self.others.append(name)

    def _site(self, name: str) -> str | None:
        sites = [s for s in self.held if name == s or name.startswith(f"{s} ")]
        return max(sites, key=len, default=None)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the chart."""
        yield f"  {self._box('client', 'clients', 'round')}"
        for site, held in self.held.items():
            yield f'  subgraph {self._id(f"site {site}")}["{_plain(site)}"]'
            for name in held:
                shape = "round" if self._tier(name, site) else "store"
                yield f"    {self._box(name, name[len(site) + 1 :], shape)}"
            yield "  end"
        for name in self.others:
            yield f"  {self._box(name, name, 'box')}"
        yield from self._ways()
        yield from self._replication()
        heavy = [self._id(name) for name in self.ids if name in self.alone]
        heavy += [self._id(f"site {s}") for s in self.held if s in self.alone]
        if heavy:
            yield "  classDef alone stroke-width:4px"
            yield f"  class {','.join(dict.fromkeys(heavy))} alone"

    def _ways(self) -> Iterator[str]:
        """Yield the way of a request through each site that serves."""
        for site in self.system.sites:
            before = ["client"]
            for tier in (*_TIERS, ""):
                row = [n for n in self.held[site] if self._tier(n, site) == tier]
                if row:
                    yield f"  {self._all(before)} --> {self._all(row)}"
                    before = row

    def _replication(self) -> Iterator[str]:
        """Yield what runs between the stores of sites."""
        stores = [
            store
            for site, held in self.held.items()
            if (store := [n for n in held if not self._tier(n, site)])
        ]
        arrow = (
            "-. replication .->" if self.system.one_writer else "<-. replication .->"
        )
        for first, second in itertools.pairwise(stores):
            yield f"  {self._id(first[-1])} {arrow} {self._id(second[0])}"

    def _tier(self, name: str, site: str) -> str:
        rest = name[len(site) + 1 :]
        return next((tier for tier in _TIERS if rest.startswith(tier)), "")

    def _all(self, names: list[str]) -> str:
        return " & ".join(map(self._id, names))

    def _id(self, name: str) -> str:
        return self.ids.setdefault(name, f"n{len(self.ids)}")

    def _box(self, name: str, label: str, shape: str) -> str:
        ends = {"round": ("(", ")"), "store": ("[(", ")]"), "box": ("[", "]")}
        left, right = ends[shape]
        return f'{self._id(name)}{left}"{_plain(label)}"{right}'


def _plain(word: str) -> str:
    """Return a word that Mermaid shows as it is."""
    return re.sub(r"[\"<>&#]", lambda m: f"#{ord(m[0])};", " ".join(word.split()))


#: How a system is written, by the name of the format; a state graph is of one part.
FORMATS: dict[str, Callable[[Spec, str], str]] = {
    "prism": lambda spec, _: assess(spec.architecture, spec.workload).to_prism(),
    "blocks": lambda spec, operation: spec.architecture.diagram(operation).to_dot(),
    "mermaid": lambda spec, operation: mermaid(spec.architecture, operation),
}
