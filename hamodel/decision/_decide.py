"""Requirements and candidates in; the decision table, the choice and why, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hamodel import _check, _html, text
from hamodel._types import Value
from hamodel.assessment import MEASURES, Assessment, compare
from hamodel.decision._flips import Flip, flips_of
from hamodel.decision._requirements import Finding, Requirements, beyond
from hamodel.decision._rows import ROWS, Cell, cell, complexity
from hamodel.workload import Workload

#: What is better when it is smaller, for the front.
OBJECTIVES: Mapping[str, Callable[[Assessment], float]] = {
    "write_unavailability": lambda a: float(a.write.unavailability),
    "read_unavailability": lambda a: float(a.read.unavailability),
    "outage_p95": MEASURES["outage_p95"].of,
    "lost_writes": lambda a: float(
        a.lost_writes.per_year + a.lost_writes.missing_per_year
    ),
    "stale_read_probability": MEASURES["stale_read_probability"].of,
    "conflicts_per_day": MEASURES["conflicts_per_day"].of,
    "write_p99": MEASURES["write_p99"].of,
    "cost": MEASURES["cost"].of,
    "complexity": complexity,
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Decision:
    """The classic table, computed for these candidates and this workload.

    Attributes
    ----------
    requirements : Requirements
        The limits.
    assessments : mapping of str to Assessment
        The candidates by name.
    prefer : tuple of str
        Objectives that order what is left when all limits are kept, the first first.
    """

    requirements: Requirements
    assessments: Mapping[str, Assessment]
    prefer: tuple[str, ...]

    @cached_property
    def findings(self) -> dict[str, list[Finding]]:
        """How each candidate fares against each limit."""
        return {
            n: [*beyond(a), *self.requirements.judge(a)]
            for n, a in self.assessments.items()
        }

    @cached_property
    def table(self) -> dict[str, dict[str, Cell]]:
        """The eight rows: criterion, then candidate, then measure, verdict, reason."""
        return {
            row.criterion: {
                name: cell(row, assessment, self.findings[name])
                for name, assessment in self.assessments.items()
            }
            for row in ROWS
        }

    @cached_property
    def excluded(self) -> dict[str, tuple[Finding, ...]]:
        """Candidates that miss a limit, with the limits that they miss."""
        missed = {
            name: tuple(f for f in findings if not f.met)
            for name, findings in self.findings.items()
        }
        return {name: found for name, found in missed.items() if found}

    @cached_property
    def objectives(self) -> dict[str, dict[str, float]]:
        """What is compared beyond the limits, by candidate; less is better."""
        return {
            name: {key: float(of(a)) for key, of in OBJECTIVES.items()}
            for name, a in self.assessments.items()
            if name not in self.excluded
        }

    @cached_property
    def front(self) -> tuple[str, ...]:
        """Candidates within the limits that no other beats in everything."""
        values = self.objectives
        return tuple(
            name
            for name in values
            if not any(_beats(values[o], values[name]) for o in values if o != name)
        )

    @cached_property
    def ranking(self) -> tuple[str, ...]:
        """Candidates within the limits: those of the front first, then as preferred."""
        order = self.objectives

        def rank(name: str) -> tuple[float, ...]:
            return name not in self.front, *(order[name][key] for key in self.prefer)

        return tuple(sorted(order, key=rank))

    @cached_property
    def winner(self) -> str | None:
        """The most preferred within the limits; None if nobody keeps them all.

        Nobody beats it in everything, for nobody is better in what is preferred; only
        where that is equal does the front decide.
        """
        left = [n for n, a in self.assessments.items() if self._keeps(a)]
        for key in self.prefer:
            if len(left) <= 1:
                break
            values = {n: float(OBJECTIVES[key](self.assessments[n])) for n in left}
            least = min(values.values())
            left = [n for n in left if values[n] == least]
        if len(left) > 1:
            return next(n for n in self.ranking if n in left)
        return left[0] if left else None

    def _keeps(self, assessment: Assessment) -> bool:
        """Tell whether all limits are kept; the first that is not ends the question."""
        if beyond(assessment):
            return False
        limits = self.requirements.limits(assessment.sites)
        return all(limit.judge(assessment).met for limit in limits)

    @property
    def runner_up(self) -> str | None:
        """The next of the ranking, or else the one that misses its limits by least."""
        if len(self.ranking) > 1:
            return self.ranking[1]
        missed = sorted(
            self.excluded, key=lambda n: max(f.gap for f in self.excluded[n])
        )
        return missed[0] if missed else None

    def flips(self) -> tuple[Flip, ...]:
        """Return the nearest change of one parameter that alters the choice.

        Returns
        -------
        tuple of Flip
            The nearest by which the winner loses its place, and the nearest by which
            the runner-up takes it; fewer where no change up to a hundredfold does.

        Notes
        -----
        Every positive number of the architectures and of the workload is tried, one
        at a time, up and down, in all candidates that share it; the factor nearest to
        1 that changes the winner is narrowed down to 1 %.
        """
        return flips_of(self)

    def choose_if(self, name: str) -> tuple[str, ...]:
        """Return when to choose a candidate: the limits that only it can keep.

        Parameters
        ----------
        name : str
            One of the candidates.

        Returns
        -------
        tuple of str
            One sentence for each quantity in which it is the best.

        Raises
        ------
        ValueError
            If there is no such candidate.
        """
        _check.one_of(self.assessments, name=name)
        return _reasons(name, self.assessments)

    def changed(
        self, spec: Callable[[Value], Value], load: Callable[[Workload], Workload]
    ) -> Decision:
        """Return the decision with changed architectures and workload.

        Parameters
        ----------
        spec, load : callable
            Take an architecture, and the workload; return it as it is, or changed.

        Returns
        -------
        Decision
            With the same requirements and preference.
        """
        found = {}
        for name, old in self.assessments.items():
            architecture, workload = spec(old.architecture), load(old.workload)
            same = architecture is old.architecture and workload is old.workload
            if not same:
                old = replace(old, architecture=architecture, workload=workload)
            found[name] = old
        return replace(self, assessments=found)

    @property
    def reason(self) -> str:
        """Why the winner wins, in one sentence."""
        if self.winner is None:
            near = self.runner_up
            if near is None:
                return "There is no candidate."
            worst = max(self.excluded[near], key=lambda f: f.gap)
            return f"No candidate keeps all limits; {near} comes nearest: {worst}."
        if len(self.assessments) == 1:
            return f"{self.winner} keeps all limits."
        others = [n for n in self.assessments if n != self.winner]
        out = [n for n in others if n in self.excluded]
        if len(out) == len(others):
            return f"{self.winner} alone keeps all limits."
        kept = [n for n in others if n not in self.excluded]
        return (
            f"{self.winner} keeps all limits, and so does {' or '.join(kept)}; "
            f"{self._preferred(kept)}."
        )

    def _preferred(self, others: Sequence[str]) -> str:
        """Return in which objective the winner is before the others within limits."""
        values, first = self.objectives, str(self.winner)
        left = list(others)
        for key in self.prefer:
            mine = values[first][key]
            best = min(values[name][key] for name in left)
            left = [name for name in left if values[name][key] == mine]
            if not left:
                word = key.replace("_", " ")
                down = key.endswith("unavailability")
                write = text.downtime if down else text.number
                return f"it has the least {word} ({write(mine)} against {write(best)})"
        return "in all that is preferred they are equal"

    def __repr__(self) -> str:
        lines = [self.reason]
        for name, missed in self.excluded.items():
            lines += [f"  {name} misses {finding}" for finding in missed]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        names = list(self.assessments)
        rows = [
            (
                criterion,
                *(f"{_MARK[cells[n].verdict]} {cells[n].measure}" for n in names),
            )
            for criterion, cells in self.table.items()
        ]
        return _html.table(rows, header=("", *names), caption=self.reason)


_MARK = {"meets": "✓", "misses": "✗", "not required": "·"}


def _beats(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Tell whether one is nowhere worse than the other, and somewhere better."""
    return all(one[k] <= other[k] for k in one) and any(one[k] < other[k] for k in one)


_CHOOSE = {
    **{
        f"{o}_minutes_per_year": (
            f"you cannot accept {{other}} minutes of lost {o}s a year",
            1,
        )
        for o in ("write", "read")
    },
    "outage_p95": ("clients cannot wait {other} s for a recovery", 1),
    "rpo_p99": ("losing the last {other} s of writes is too much", 1),
    "stale_read_probability": ("{other} % of stale reads is too much", 100),
    "conflicts_per_day": ("{other} conflicting pairs of writes a day are too many", 1),
    "write_p99": ("writes must not take {other} s at the worst site", 1),
    "utilisation_after_site_loss": ("the rest must stay below {other} % load", 100),
    "cost": ("you cannot pay for {other} nodes", 1),
}


def _reasons(name: str, assessments: Mapping[str, Assessment]) -> tuple[str, ...]:
    found = []
    others = [a for n, a in assessments.items() if n != name]
    for key, (sentence, scale) in _CHOOSE.items():
        mine = float(MEASURES[key].of(assessments[name]))
        best = min((float(MEASURES[key].of(a)) for a in others), default=mine)
        if mine < best * (1 - 1e-6):
            said = sentence.format(other=text.number(best * scale))
            found.append(f"{said} (here {text.number(mine * scale)})")
    return tuple(found)


def decide(
    candidates: Mapping[str, Value] | Sequence[Value],
    workload: Workload | None = None,
    requirements: Requirements | None = None,
    *,
    prefer: Sequence[str] = ("cost", "write_unavailability"),
) -> Decision:
    """Return which architecture to choose, and the table that says why.

    Parameters
    ----------
    candidates : sequence, or mapping of str to architecture
        What to choose from; a mapping gives the names.  What `hamodel.load` returns
        is named by its title.
    workload : Workload, optional
        What is asked of each; by default that of the first, if it was loaded.
    requirements : Requirements
        Limits that exclude; by default those of the first, if it was loaded.
    prefer : sequence of str
        Objectives by which those on the front are ordered, the first first: names of
        `OBJECTIVES`.

    Raises
    ------
    ValueError
        If there is no candidate or a preference is unknown.

    Notes
    -----
    There are no weights.  Limits exclude; of the rest the Pareto front remains, those
    that no other beats in everything; `prefer` orders it, and says so in the reason.
    `complexity`, the number of states, depends on how finely a model tells them apart:
    it chooses only where it is asked to.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node, SinglePrimary
    >>> node = Node(mttf=7.2e6, mttr=14400)
    >>> pair = ActivePassive(
    ...     database=node, failover=Failover(promotion=30, coverage=0.99)
    ... )
    >>> need = Requirements(availability=0.9999)
    >>> choice = decide([SinglePrimary(database=node), pair], None, need)
    >>> print(choice.reason)
    ActivePassive alone keeps all limits.
    """
    if requirements is None:
        listed = getattr(candidates, "values", lambda: candidates)()
        requirements = getattr(next(iter(listed), None), "requirements", None)
    _check.instance(Requirements, requirements=requirements)
    assert requirements is not None
    for key in prefer:
        _check.one_of(OBJECTIVES, prefer=key)
    compared = compare(candidates, workload)
    return Decision(
        requirements=requirements,
        assessments=dict(zip(compared.names, compared.assessments, strict=True)),
        prefer=tuple(prefer),
    )
