"""Age of information: how old the newest thing is that a replica knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import _check
from hamodel.replication._stage import is_duration, number, plain

if TYPE_CHECKING:
    from hamodel._types import Quantity


def age_of_information(writes: Quantity, service: Quantity) -> Quantity:
    """Return the mean age of the newest update that a replica has applied.

    Parameters
    ----------
    writes : float, array or SymPy expression
        Updates per second, a Poisson stream.
    service : float, array, SymPy expression or Duration
        Time in s that the replica takes for one; a number is an exponential's mean.

    Returns
    -------
    float, ndarray or sympy.Expr
        Time in s; infinite without updates and from load 1 on.

    Raises
    ------
    ValueError
        If a field is out of range.

    Notes
    -----
    M/G/1 in order of arrival: E S + writes E S^2 / (2 (1 - load)) + (1 - load) /
    (writes S*(writes)), with S* the transform of the service time.  Source: Inoue,
    Masuyama, Takine and Tanaka (2019), A general formula for the stationary
    distribution of the age of information, IEEE Trans. Information Theory 65(12).
    For exponential and constant service it is that of Kaul, Yates and Gruteser (2012),
    Real-time status: how often should one update?, INFOCOM.

    The age has a least: too few updates are old, too many queue.

    Examples
    --------
    >>> age_of_information([0.1, 0.5, 0.9, 1.0], 1.0).round(4)
    array([11.0111,  3.5   , 10.2111,     inf])
    """
    _check.non_negative(writes=writes)
    if not is_duration(service):
        _check.positive(service=service)
    rate, (mean, second, seen) = number(writes), _service(number(writes), service)
    load = rate * mean
    if _check.is_symbolic(load):
        return mean + rate * second / (2 * (1 - load)) + (1 - load) / (rate * seen)
    rate, load = np.asarray(rate), np.asarray(load)
    with np.errstate(divide="ignore", invalid="ignore"):
        age = mean + rate * second / (2 * (1 - load)) + (1 - load) / (rate * seen)
    return plain(np.where((rate > 0) & (load < 1), age, np.inf))


def freshest_rate(service: Quantity) -> float:
    """Return the rate of updates at which a replica's knowledge is youngest.

    Parameters
    ----------
    service : float or Duration
        Time in s that the replica takes for one; a number is an exponential's mean.

    Returns
    -------
    float
        Updates per second.

    Raises
    ------
    ValueError
        If the service time is not positive and finite.

    Notes
    -----
    Kaul, Yates and Gruteser (2012), section IV: a load of 0.53 for exponential and
    of 0.63 for constant service (computed): neither the least delay nor the greatest
    throughput.

    Examples
    --------
    >>> round(freshest_rate(0.001), 3)
    531.01
    """
    from scipy.optimize import brentq

    mean = service.mean if is_duration(service) else service
    _check.positive(service=mean)
    unit = 1.0 / float(mean)

    def slope(load: float) -> float:
        step = 1e-30  # the age is analytic in the rate: a complex step has no error
        rate = complex(load * unit, step * unit)
        m, second, seen = _service(rate, service)
        rho = rate * m
        age = rate * second / (2 * (1 - rho)) + (1 - rho) / (rate * seen)
        return float(age.imag / step)

    return unit * float(brentq(slope, 1e-6, 1 - 1e-9, xtol=1e-15, rtol=1e-14))


def _service(rate: Any, service: Quantity) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Return mean, second moment, and transform at the rate."""
    if is_duration(service):
        return service.mean, service.moment(2), service.lst(rate)
    mean = number(service)
    return mean, 2 * mean**2, 1 / (1 + rate * mean)
