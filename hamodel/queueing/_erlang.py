"""Erlang's two formulas, and what they are inverted for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hamodel import _check
from hamodel._types import FloatArray, Quantity
from hamodel.queueing import _numeric

_FEW = 64  # servers that are taken one after the other


def erlang_b(servers: Quantity, offered: Quantity) -> Quantity:
    """Probability that a loss system with Poisson arrivals turns a request away.

    Parameters
    ----------
    servers : array_like
        Number of servers, at least 0; need not be whole unless `offered` is a symbol.
    offered : array_like or sympy.Expr
        Offered load in Erlang: arrival rate times mean service time.

    Returns
    -------
    float, ndarray or sympy.Expr
        Blocking probability, of the broadcast shape of the two.  Below 1e-308 it is
        0; `log_erlang_b` still answers there.

    Raises
    ------
    ValueError
        If servers or offered is negative or not finite.

    Notes
    -----
    The service time may have any distribution of the same mean.  The Poisson weight
    of `servers` over the Poisson distribution function, both O(1) in the number of
    servers; the weight after Loader (2000).

    Examples
    --------
    >>> round(erlang_b(10, 8), 6)
    0.121661
    >>> erlang_b([1, 2, 3], 1.0)
    array([0.5   , 0.2   , 0.0625])
    """
    if _numeric.symbolic(servers, offered):
        return _symbolic_b(servers, offered)
    _check.non_negative(servers=servers, offered=offered)
    return _numeric.plain(_b(servers, offered))


def erlang_c(servers: Quantity, offered: Quantity) -> Quantity:
    """Probability that a request has to wait in M/M/c.

    Parameters
    ----------
    servers : array_like
        Number of servers, above 0; need not be whole unless `offered` is a symbol.
    offered : array_like or sympy.Expr
        Offered load in Erlang: arrival rate times mean service time.

    Returns
    -------
    float, ndarray or sympy.Expr
        Probability of waiting; 1 from `offered = servers` on.  A formula in a symbol
        holds below that point only.

    Raises
    ------
    ValueError
        If servers is not above 0, or offered is negative or not finite.

    Notes
    -----
    C = cB / ((c - a) + aB): in this form the spare capacity c - a enters once and no
    digit is lost near saturation.  Cooper (1981), Introduction to Queueing Theory,
    equation 3.4.12 in another arrangement.

    Examples
    --------
    >>> round(erlang_c(100, 90), 6)
    0.21694
    >>> erlang_c(1, [0.25, 0.5, 1.5])
    array([0.25, 0.5 , 1.  ])
    """
    _check.positive(servers=servers)
    if _numeric.symbolic(servers, offered):
        import sympy

        b = _symbolic_b(servers, offered)
        return sympy.cancel(servers * b / (servers - offered * (1 - b)))
    _check.non_negative(offered=offered)
    b = _b(servers, offered)
    c, a = np.asarray(servers, float), np.asarray(offered, float)
    waits = c * b / (np.maximum(c - a, 0.0) + a * b + (b == 0))
    return _numeric.plain(np.where(a >= c, 1.0, waits))


def _b(servers: Quantity, offered: Quantity) -> FloatArray:
    count = np.asarray(servers, float)
    if np.all((count <= _FEW) & (count == np.floor(count))):
        return _recursive_b(count, np.asarray(offered, float))
    c, a, below, deep = _poisson_below(servers, offered)
    answer = np.exp(_numeric.log_poisson(c, a)) / below
    if np.any(deep):
        answer = np.array(answer)
        answer[deep] = np.exp(_log_b_deep(c[deep], a[deep]))
    return np.asarray(answer)


def _recursive_b(servers: FloatArray, offered: FloatArray) -> FloatArray:
    """Return B(c) = a B(c-1) / (c + a B(c-1)) from B(0) = 1: no SciPy to load."""
    c, a = np.broadcast_arrays(servers, offered)
    found = np.ones(c.shape)
    for k in range(1, int(c.max(initial=0)) + 1):
        busy = a * found
        found = np.where(k <= c, busy / (k + busy), found)
    return found


def _poisson_below(
    servers: Quantity, offered: Quantity
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return the fields, P(Poisson(offered) <= servers), and where not to use it.

    Above capacity the continued fraction is better, far above it the only way: the
    weight and the sum underflow together.
    """
    from scipy.special import gammaincc

    c, a = np.broadcast_arrays(np.asarray(servers, float), np.asarray(offered, float))
    gap = (a - c) ** 2
    deep = (a > c) & (gap > 9 * (c + 1))
    # Chernoff: a count that large has probability below exp(-gap/(2 c)), e^-40 here
    below = np.ones(c.shape)
    near = ~(deep | (a < c) & (gap > 80 * c))
    below[near] = gammaincc(c[near] + 1, a[near])
    return c, a, below, deep


def _log_b_deep(c: FloatArray, a: FloatArray) -> FloatArray:
    """Log B from the continued fraction of the upper incomplete gamma function.

    B = 1/F with F = a / (a - c + 1/(...)); Lentz's method on the even part
    (Abramowitz and Stegun 6.5.31), which converges at once when a is far above c.
    """
    b = a - c
    big = 1 / np.where(b == 0, 1e-300, b)
    lead, value = np.full(a.shape, 1e300), big
    for k in range(1, 10_000):
        numerator = -k * (k - c - 1)
        b = b + 2
        big = 1 / (numerator * big + b)
        lead = b + numerator / lead
        change = lead * big
        value = value * change
        if np.all(np.abs(change - 1) < 1e-16):
            break
    return -np.log(a * value)


def _symbolic_b(servers: Quantity, offered: Quantity) -> Quantity:
    import sympy

    _check.whole(0, servers=servers)
    if _numeric.symbolic(servers) and sympy.sympify(servers).free_symbols:
        raise ValueError(f"servers must be a whole number >= 0, got {servers}")
    _check.non_negative(offered=offered)
    total = sum(
        sympy.Rational(sympy.factorial(servers), sympy.factorial(servers - k))
        * offered ** (servers - k)
        for k in range(int(servers) + 1)
    )
    return sympy.cancel(offered ** int(servers) / total)
