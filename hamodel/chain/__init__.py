"""Markov chains with named states: one model, read as number, sweep or formula.

A model is a start state and its moves.  :meth:`Chain.explore` follows them until no
new state appears, and then every question is answered from the same graph: long-run
probabilities, unavailability, mean time to failure, how often and how long it fails.

The surprising idea: the model does not know what its rates are.  Give it floats and
it answers with a float; give it arrays and it answers for a million scenarios; give
it SymPy symbols and it answers with the formula.

Assumptions: every sojourn is exponential (give a stage of another shape several
states), rates are constant in time, and the next move depends on the present state
only.
"""

from hamodel.chain._chain import Chain
from hamodel.chain._parameters import Sensitivities, sensitivity_to
from hamodel.chain._pieces import ImmediateLoopError
from hamodel.chain._rates import INSTANT
from hamodel.chain._units import k_of_n

__all__ = [
    "INSTANT",
    "Chain",
    "ImmediateLoopError",
    "Sensitivities",
    "k_of_n",
    "sensitivity_to",
]
