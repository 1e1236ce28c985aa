"""The lesson's pair in the units of its controls, and its generator matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE, YEAR

if TYPE_CHECKING:
    import sympy

    from hamodel.chain import Chain

#: What happens to a failover that did not work, and after how long.
RESCUE = {
    "wait for the repair": None,
    "a person, 30 min later": 30 * MINUTE,
    "a person, 5 min later": 5 * MINUTE,
}
NOBODY, HALF_AN_HOUR, FIVE_MINUTES = RESCUE
STATES = ("both", "switching", "one", "none")  # the order of the matrix in the lesson


def pair(
    mttf: float = 2000,
    mttr: float = 4,
    failover: float = 30,
    coverage: float = 99,
    rescue: str = NOBODY,
) -> ActivePassive:
    """Return the lesson's database pair, in the units of its controls.

    Parameters
    ----------
    mttf, mttr : float
        Mean time to failure and to repair of a node, in hours.
    failover : float
        Mean time of a failover, in s.
    coverage : float
        Failovers that work, in percent.
    rescue : str
        Who finishes a failover that did not work: one of `RESCUE`.

    Returns
    -------
    ActivePassive
        The pair.

    Raises
    ------
    ValueError
        If a value is impossible.

    Examples
    --------
    >>> round(pair(coverage=99.9).minutes_per_year, 1)
    7.4
    """
    return ActivePassive(
        database=Node(mttf=mttf * HOUR, mttr=mttr * HOUR),
        failover=Failover(
            promotion=failover, coverage=coverage / 100, manual=RESCUE[rescue]
        ),
    )


def single(mttf: float = 2000, mttr: float = 4) -> float:
    """Return the downtime of one node alone.

    Parameters
    ----------
    mttf, mttr : float
        Mean time to failure and to repair, in hours.

    Returns
    -------
    float
        Minutes a year.

    Examples
    --------
    >>> round(single())
    1049
    """
    return mttr / (mttf + mttr) * YEAR / MINUTE


def generator(chain: Chain, states: tuple[str, ...] = STATES) -> sympy.Matrix:
    """Return the generator matrix of a pair's chain.

    Parameters
    ----------
    chain : Chain
        From `ActivePassive.chain`.
    states : tuple of str
        Order of the rows and columns.

    Returns
    -------
    sympy.Matrix
        Rates in 1/s, or as symbols; rows add up to 0.
    """
    import sympy

    moves: Any = chain.rates.items()
    rates = {(a.nodes, b.nodes): rate for (a, b), rate in moves}
    rows = [[rates.get((a, b), 0) for b in states] for a in states]
    for k, row in enumerate(rows):
        row[k] = sympy.expand(-sum(row))
    return sympy.Matrix(rows)
