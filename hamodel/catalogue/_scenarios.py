"""Scenarios: who runs what, what it must keep, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING

from hamodel import _check
from hamodel._fields import replaced
from hamodel._html import table
from hamodel._types import Value
from hamodel.architectures import Architecture, SinglePrimary
from hamodel.catalogue._systems import Parameter, System, parameters_of, system
from hamodel.decision import Decision, Requirements, decide
from hamodel.facts import folder, look_up
from hamodel.fields import described
from hamodel.specfile import (
    Reader,
    SpecError,
    TreeNode,
    extended,
    laid_over,
    made_of,
    presets,
    read_tree,
)
from hamodel.workload import Workload

if TYPE_CHECKING:
    from pathlib import Path

#: Where a further copy votes that no site of the clients can hold.
WITNESS = "witness"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A service: its sites, its load, its limits and its candidates.

    Attributes
    ----------
    key : str
        Name of the file, such as "bank".
    title, summary : str
        What it is.
    sites : tuple of str
        The two sites that serve clients.
    workload : Workload
        What is asked of it.
    requirements : Requirements
        What it must keep.
    parameters : tuple of Parameter
        Every value and what it stands on; those "around" are the same for all
        candidates, such as how a whole site fails.
    candidates : tuple of System
        What there is to choose from.
    classic : str
        The architecture that the classic text gives such a user.
    finding : str
        What comes out, and why it differs from that where it does.
    around : TreeNode
        What is the same for all candidates, as the file has it.
    """

    key: str
    title: str
    summary: str
    sites: tuple[str, ...]
    workload: Workload
    requirements: Requirements
    parameters: tuple[Parameter, ...]
    candidates: tuple[System, ...]
    classic: str
    finding: str
    around: TreeNode = field(repr=False)

    def architectures(self) -> dict[str, Architecture]:
        """Return the candidates as they would be run at the sites of the scenario.

        Returns
        -------
        dict
            Architecture by the name of the candidate.

        Notes
        -----
        A pair, or sites that are all active, stand at the two sites.  The copies of a
        majority are dealt out to both sites and a third place in turn; there they vote
        and serve no clients, for with two places alone the loss of one may be the loss
        of most.  A leaderless store has all its copies at each site, and any R or W of
        them answer, which is what a quorum within a site comes to.

        Examples
        --------
        >>> scenario("saas").architectures()["cockroachdb"].copies
        {'frankfurt': 2, 'virginia': 2, 'witness': 1}
        """
        return {
            found.key: replaced(
                made_of(
                    laid_over(extended(found.tree, found.path), self.around), found.path
                ).architecture,
                placed(found, self.sites),
            )
            for found in self.candidates
        }

    def decide(self, **changes: Value) -> Decision:
        """Return which candidate to choose, and the table that says why.

        Parameters
        ----------
        **changes : object
            Fields of `Requirements` in place of the scenario's.

        Returns
        -------
        Decision
            Over the candidates as `architectures` places them.

        Raises
        ------
        ValueError
            If a change is no field of the requirements, or beyond its limits.

        Examples
        --------
        >>> scenario("bank").decide().excluded.keys() <= {
        ...     found.key for found in scenario("bank").candidates
        ... }
        True
        """
        for name in changes:
            _check.one_of([f.name for f in fields(Requirements)], requirement=name)
        need = replace(self.requirements, **changes)
        return decide(self.architectures(), self.workload, need)

    def _repr_html_(self) -> str:
        rows = [(p.name, str(p.value), p.source) for p in self.parameters]
        rows.append(("candidates", ", ".join(c.key for c in self.candidates), ""))
        rows.append(("the classic text", self.classic, self.finding))
        header = ("parameter", "value", "source")
        return table(rows, header=header, caption=f"{self.title}. {self.summary}")


def placed(found: System, sites: Sequence[str]) -> dict[str, Value]:
    """Return what a candidate changes when it is run at some sites.

    Examples
    --------
    >>> placed(system("cassandra"), ("fra", "dub"))
    {'copies': {'fra': 3, 'dub': 3}}
    """
    if found.kind == "single-primary":
        return {"name": sites[0]}
    if found.kind in ("active-passive", "active-active"):
        nodes = getattr(found.architecture(), "replicas", ())
        if nodes:
            return {f"replicas.{i}.site": sites[i % 2] for i in range(len(nodes))}
        return {"sites": tuple(sites)}
    total = sum(found.architecture().copies.values())
    if found.kind == "leaderless":
        return {"copies": dict.fromkeys(sites, total)}
    dealt = dict.fromkeys([*sites, WITNESS], 0)
    for turn in range(total):
        dealt[list(dealt)[turn % len(dealt)]] += 1
    held = {name: count for name, count in dealt.items() if count}
    return {"copies": held, "witnesses": tuple({WITNESS} & held.keys())}


def scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios.

    Examples
    --------
    >>> scenarios()[:3]
    ('bank', 'cdn', 'code-hosting')
    """
    return tuple(sorted(path.stem for path in (folder() / "scenarios").glob("*.yaml")))


def scenario(name: str) -> Scenario:
    """Return a scenario by its name.

    Parameters
    ----------
    name : str
        One of `scenarios()`.

    Returns
    -------
    Scenario
        With every pointer to a fact followed.

    Raises
    ------
    ValueError
        If there is none of that name; or, for a file of your own making, if a value
        neither points to a fact nor says why it is assumed.

    Examples
    --------
    >>> scenario("streaming").requirements.availability
    0.9999
    """
    return _scenario(look_up("scenario", name, {key: key for key in scenarios()}))


@cache
def _scenario(key: str) -> Scenario:
    path = folder() / "scenarios" / f"{key}.yaml"
    tree = read_tree(path, key)
    reader = Reader(home=key, presets=frozenset({key, *presets()}))
    workload = reader.spec(Workload, tree.fields["workload"], "workload.")
    need = reader.spec(Requirements, tree.fields["requirements"], "requirements.")
    known = described(SinglePrimary)
    around = tree.get("around") or TreeNode({})
    same = {
        name: reader.field(known[name], node, f"around.{name}")
        for name, node in around.fields.items()
    }
    if reader.problems:
        raise SpecError(path, reader.problems)
    sites = tuple(node.raw for node in tree.fields["sites"].value)
    if len(sites) != 2:  # a pair has no more
        raise ValueError(f"sites must be two that serve clients, got {sites}")
    wholes = {f"around.{name}.": whole for name, whole in same.items()}
    wholes |= {"workload.": workload, "requirements.": need}
    return Scenario(
        key=key,
        title=tree.fields["title"].raw,
        summary=tree.fields["summary"].raw,
        sites=sites,
        workload=workload,
        requirements=need,
        parameters=parameters_of(reader.sources, wholes),
        candidates=tuple(
            _candidate(node, path) for node in tree.fields["candidates"].value
        ),
        classic=tree.fields["classic"].raw,
        finding=tree.fields["finding"].raw,
        around=around,
    )


def _candidate(node: TreeNode, path: Path) -> System:
    """Return a candidate: a preset by name, or a system of its own with a name."""
    if not node.fields:
        return system(node.raw)
    fields = dict(node.fields)
    name = fields.pop("name").raw
    return System(key=name, tree=node.with_fields(fields), path=path)
