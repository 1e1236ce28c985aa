"""How lessons write numbers: short, and never as 1e-05."""

from __future__ import annotations


def minutes(value: float) -> str:
    """Write a number of minutes with the digits that a reader can use.

    Parameters
    ----------
    value : float
        Minutes, at least 0.

    Returns
    -------
    str
        The number without unit.

    Examples
    --------
    >>> [minutes(m) for m in (1049.1, 16.82, 0.72, 0.0123, 1e-5, 0)]
    ['1,049', '16.8', '0.7', '0.01', 'under 0.01', '0']
    """
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 0.095:
        return f"{value:.1f}"
    if value >= 0.005:
        return f"{value:.2f}"
    return "under 0.01" if value else "0"
