"""Facts with their sources; presets of real products and scenarios built on them.

The surprise, for whoever collects such numbers, is how few there are.  Vendors say how
soon they detect a failure, seldom how often a failover does not work, which is what
counts most.  So every value of a preset or a scenario either points to facts by their
identifiers, or says `assumed` and why; nothing is merely there.

Assumptions: a fact holds under its stated conditions only, and a vendor's commitment
(`SLA-...`) is a promise about money, not a measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel._extras import on_demand
from hamodel.facts import CONFIDENCE, Fact, fact, facts, folder

if TYPE_CHECKING:
    from hamodel.catalogue._scenarios import Scenario, scenario, scenarios
    from hamodel.catalogue._systems import Parameter, System, system, systems

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

# A fact is a row of a table; only a preset needs the reader of system files.
__getattr__ = on_demand(
    "hamodel.catalogue",
    {
        "_systems": "Parameter System system systems",
        "_scenarios": "Scenario scenario scenarios",
    },
)
