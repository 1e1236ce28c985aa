"""Which parameter buys most: derivatives of an answer by what the model is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hamodel._html import table
from hamodel._types import Quantity
from hamodel.chain._chain import Chain
from hamodel.chain._rates import brief

_STEP = 1e-20  # of the parameter: an imaginary step takes no difference


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Sensitivities:
    """An answer and its derivatives by parameter.

    Attributes
    ----------
    value : float or ndarray
        The answer itself.
    derivative : dict
        `{parameter: d answer / d parameter}`.
    elasticity : dict
        `{parameter: per cent of the answer per per cent of the parameter}`; the
        greatest first.  An answer of 0 has none and shows 0.
    """

    value: Quantity
    derivative: dict[str, Quantity]
    elasticity: dict[str, Quantity]

    def __repr__(self) -> str:
        width = max((len(name) for name in self.elasticity), default=0)
        rows = (f"  {n:{width}}  {brief(e):>9}" for n, e in self.elasticity.items())
        return "\n".join([f"answer {brief(self.value)}, elasticity by", *rows])

    def _repr_html_(self) -> str:
        rows = [
            (name, brief(e), brief(self.derivative[name]))
            for name, e in self.elasticity.items()
        ]
        return table(rows, header=("parameter", "elasticity", "derivative"))


def sensitivity_to(
    build: Callable[..., Chain],
    parameters: Mapping[str, Quantity],
    measure: Callable[[Chain], Quantity] | None = None,
) -> Sensitivities:
    """Differentiate an answer of a model by each of its parameters.

    Parameters
    ----------
    build : callable
        `build(**parameters)` returns the chain.  It may do arithmetic with the
        parameters but not compare them: each is in turn a complex number.
    parameters : mapping
        Names and values, numbers or arrays.
    measure : callable, optional
        `measure(chain)`, the answer; by default the unavailability.

    Notes
    -----
    A step along the imaginary axis: f(x + ih) = f(x) + ih f'(x) + O(h^2), so with
    h = 1e-20 the imaginary part is the derivative to the last digit, without a
    difference.  Source: W. Squire and G. Trapp (1998), Using complex variables to
    estimate derivatives of real functions, SIAM Review 40(1), 110-112.

    Examples
    --------
    >>> from hamodel.chain import k_of_n
    >>> def build(fail, repair):
    ...     return k_of_n(2, 1, fail=fail, repair=repair, crews=2)
    >>> sensitivity_to(build, {"fail": 1e-3, "repair": 1.0})
    answer 9.98e-07, elasticity by
      fail            2
      repair         -2
    """
    ask = measure or _unavailability
    value = ask(build(**parameters))
    slopes: dict[str, Quantity] = {}
    shares: dict[str, Quantity] = {}
    for name, x in parameters.items():
        size = np.where(np.equal(x, 0), 1.0, np.abs(x))[()]
        stepped = dict(parameters) | {name: x + 1j * _STEP * size}
        slopes[name] = np.imag(ask(build(**stepped))) / _STEP / size
        zero = np.equal(value, 0)
        shares[name] = np.where(zero, 0.0, slopes[name] * x / np.where(zero, 1, value))
        shares[name] = shares[name][()]
    order = sorted(shares, key=lambda name: -float(np.max(np.abs(shares[name]))))
    return Sensitivities(
        value=value,
        derivative={name: slopes[name] for name in order},
        elasticity={name: shares[name] for name in order},
    )


def _unavailability(chain: Chain) -> Quantity:
    return chain.unavailability
