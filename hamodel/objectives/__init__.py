"""Objectives as other tools write them: OpenSLO, Sloth, Pyrra.

The surprising idea: an objective's file says all that a model needs to answer it before
there is a metric: the target, the window, and the alerts on how fast the error budget
burns.  What it measures is named by queries that only the running system can answer;
which operation or journey of the model stands for it is said when it is asked.

Assumption: what an indicator counts as bad is what the model counts as failed.
"""

from hamodel.objectives._common import Objective
from hamodel.objectives._read import read_objectives

__all__ = ["Objective", "read_objectives"]
