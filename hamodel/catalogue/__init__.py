"""Facts with their sources; presets of real products and scenarios built on them.

The surprise, for whoever collects such numbers, is how few there are.  Vendors say how
soon they detect a failure, seldom how often a failover does not work, which is what
counts most.  So every value of a preset or a scenario either points to facts by their
identifiers, or says `assumed` and why; nothing is merely there.

Assumptions: a fact holds under its stated conditions only, and a vendor's commitment
(`SLA-...`) is a promise about money, not a measurement.
"""

from hamodel.catalogue._scenarios import Scenario, scenario, scenarios
from hamodel.catalogue._systems import Parameter, System, system, systems
from hamodel.facts import CONFIDENCE, Fact, fact, facts, folder

__all__ = [
    "CONFIDENCE",
    "Fact",
    "Parameter",
    "Scenario",
    "System",
    "fact",
    "facts",
    "folder",
    "scenario",
    "scenarios",
    "system",
    "systems",
]
