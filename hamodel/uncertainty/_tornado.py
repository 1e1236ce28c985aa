"""Which parameter matters: one after the other, and by exact slopes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hamodel import _check, _html, text
from hamodel._fields import value_at
from hamodel._types import Value
from hamodel.architectures.base import Architecture
from hamodel.assessment import MEASURES, Assessment, assess
from hamodel.chain import Sensitivities, sensitivity_to
from hamodel.sweeping import Case, answers
from hamodel.uncertainty._draws import believed, columns
from hamodel.workload import Workload

_CASE = "case"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What one parameter does to an answer, all others at their medians.

    Attributes
    ----------
    name, label, unit : str
        The parameter.
    low, high : float
        Its quantiles.
    at_low, at_high : float
        The answer there.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        """How far the answer moves; `inf` if to or from a limitless one."""
        ends = self.at_low, self.at_high
        return 0.0 if ends[0] == ends[1] else abs(ends[1] - ends[0])


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Tornado:
    """An answer, and how far each parameter moves it.

    Attributes
    ----------
    quantity, label, unit : str
        The answer.
    level : float
        Probability between the two quantiles of each parameter.
    middle : float
        The answer with all parameters at their medians.
    bars : tuple of Bar
        The parameters, that which matters most first.
    """

    quantity: str
    label: str
    unit: str
    level: float
    middle: float
    bars: tuple[Bar, ...]

    def __repr__(self) -> str:
        width = max(len(bar.name) for bar in self.bars)
        head = f"{self.label}: {text.number(self.middle, 4)} {self.unit}".rstrip()
        rows = (
            f"  {bar.name:{width}}  {text.number(bar.at_low, 4)} to "
            + text.number(bar.at_high, 4)
            for bar in self.bars
        )
        return "\n".join([f"{head}, and with the parameter low to high", *rows])

    def _repr_html_(self) -> str:
        rows = [
            (
                b.name,
                text.number(b.low, 4),
                text.number(b.high, 4),
                text.number(b.at_low, 4),
                text.number(b.at_high, 4),
            )
            for b in self.bars
        ]
        caption = f"{self.label}: {text.number(self.middle, 4)} {self.unit}".rstrip()
        header = ("parameter", "low", "high", "answer at low", "answer at high")
        return _html.table(rows, header=header, caption=caption)


def tornado(
    architecture: Architecture,
    workload: Workload | None,
    beliefs: Mapping[str, object],
    /,
    *,
    quantity: str = "write_minutes_per_year",
    level: float = 0.9,
) -> Tornado:
    """Move each parameter from its low to its high quantile, all others at the median.

    The parameter that moves the answer most comes first.

    Parameters
    ----------
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        What is run.
    workload : Workload or None
        What is asked of it.
    beliefs : mapping of str to Belief or Estimate
        By path.
    quantity : str
        A name out of `hamodel.assessment.MEASURES`.
    level : float
        Probability between the two quantiles.

    Raises
    ------
    ValueError
        If nothing is uncertain, or a name is unknown.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.uncertainty import beta, gamma, uniform
    >>> from hamodel.units import HOUR, MONTH
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR), failover=Failover()
    ... )
    >>> tornado(pair, None, {
    ...     "failover.promotion": uniform(10, 60),
    ...     "database.mttf": gamma(events=3, during=26 * MONTH),
    ...     "failover.coverage": beta(12, 12),
    ... })
    downtime of writes a year: 7.763 min, and with the parameter low to high
      failover__coverage   52.11 to 1.379
      database__mttf       18.44 to 2.548
      failover__promotion  7.224 to 8.301
    """
    _check.between(1e-9, 1 - 1e-9, level=level)
    _check.one_of(MEASURES, quantity=quantity)
    known = believed(beliefs)
    low, high = (1 - level) / 2, (1 + level) / 2
    cases = {}
    for place, (name, belief) in enumerate(known.items()):
        column = np.full(2 * len(known) + 1, belief.median)
        column[[2 * place, 2 * place + 1]] = belief.quantile([low, high])
        cases[name] = column
    grids = columns(cases, _CASE)
    grid, by_name = answers(architecture, workload, quantities=quantity, **grids)
    found, words = (
        by_name[quantity],
        {p.name: grid.question.words(p.path) for p in grid.parameters},
    )
    bars = [
        Bar(
            name=name,
            label=words[name][0],
            unit=words[name][1],
            low=float(column[2 * k]),
            high=float(column[2 * k + 1]),
            at_low=float(found[2 * k]),
            at_high=float(found[2 * k + 1]),
        )
        for k, (name, column) in enumerate(cases.items())
    ]
    return Tornado(
        quantity=quantity,
        label=MEASURES[quantity].label,
        unit=MEASURES[quantity].unit or "1",
        level=level,
        middle=float(found[-1]),
        bars=tuple(sorted(bars, key=lambda bar: -bar.width)),
    )


def elasticities(
    architecture: Architecture,
    workload: Workload | None,
    names: Iterable[str],
    /,
    *,
    quantity: str = "write_unavailability",
) -> Sensitivities:
    """Differentiate an answer by parameters, exactly.

    Parameters
    ----------
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        What is run.
    workload : Workload or None
        What is asked of it.
    names : iterable of str
        Paths of parameters that are plain numbers.
    quantity : str
        A name out of `hamodel.assessment.MEASURES` that takes arrays; percentiles
        have no exact derivative here.

    Returns
    -------
    Sensitivities
        The answer, its derivatives, and its elasticities: per cent of the answer per
        per cent of the parameter.  The greatest comes first.

    Raises
    ------
    ValueError
        If a name is unknown, a parameter is not a number above zero or none at all,
        or the answer cannot be differentiated by it.

    Notes
    -----
    By a step along the imaginary axis, so to the last digit and without a difference;
    see `hamodel.chain.sensitivity_to`.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.units import HOUR
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    ...     failover=Failover(promotion=30, coverage=0.99),
    ... )
    >>> elasticities(pair, None, ["promotion", "failover.coverage", "database.mttf"])
    answer 3.2e-05, elasticity by
      failover.coverage       -61.5
      database.mttf           -1.25
      failover.promotion      0.128
    """
    _check.one_of(MEASURES, quantity=quantity)
    load = Workload() if workload is None else workload
    question = Case(architecture=architecture, workload=load)
    values = {}
    for path in (question.path(name) for name in names):
        values[path] = _number(question, path)
    if not values:
        raise ValueError("names must name at least one parameter, got none")

    def build(**given: object) -> Assessment:
        at = question.at(given)
        return assess(at.architecture, at.workload)

    of = MEASURES[quantity].of
    as_chain: Value = build
    lost = np.exceptions.ComplexWarning  # a cut imaginary part would read as no slope
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", lost)
            return sensitivity_to(as_chain, values, of)
    except (TypeError, lost) as error:
        raise ValueError(
            f"quantity must have an exact derivative by {', '.join(values)}; that of"
            f" {quantity} has none: {error}"
        ) from error


def _number(question: Case, path: str) -> float:
    ours = path.startswith("workload.")
    spec = question.workload if ours else question.architecture
    value = value_at(spec, path.removeprefix("workload.") if ours else path)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{path} must be a number to be varied, got {value!r}")
    _check.finite(**{path: value})
    return float(value)
