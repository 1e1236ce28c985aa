"""Decision: requirements and candidates in, the choice and what would change it, out.

The surprising idea: most of the choice is not a matter of taste.  A limit excludes, and
what is excluded by a limit needs no weight; of the rest, whatever another candidate
beats in everything needs none either.  What then remains is short, and a stated
preference orders it in the open.  The nearest change that would alter the choice says
how far it can be trusted.

Assumptions: those of the assessments; candidates are judged at one set of parameters
each (for intervals see `hamodel.uncertainty`); complexity is counted as the states that
a design can be found in, which says nothing of how hard one state is to leave.
"""

from hamodel.decision._claims import Case, Claim, classic_case, classic_claims
from hamodel.decision._decide import OBJECTIVES, Decision, decide
from hamodel.decision._flips import Flip
from hamodel.decision._improve import (
    Alternative,
    Improvement,
    alternatives,
    improvements,
)
from hamodel.decision._optimise import Optimum, Tried, optimise
from hamodel.decision._requirements import CONSISTENCIES, Finding, Limit, Requirements
from hamodel.decision._rows import ROWS, Cell, Row, complexity

__all__ = [
    "CONSISTENCIES",
    "OBJECTIVES",
    "ROWS",
    "Alternative",
    "Case",
    "Cell",
    "Claim",
    "Decision",
    "Finding",
    "Flip",
    "Improvement",
    "Limit",
    "Optimum",
    "Requirements",
    "Row",
    "Tried",
    "alternatives",
    "classic_case",
    "classic_claims",
    "complexity",
    "decide",
    "improvements",
    "optimise",
]
