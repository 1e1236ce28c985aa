"""Architectures: each is described by its states and the rates between them.

An architecture is a specification.  It makes a `Chain`, and everything that it reports
is read from that chain, as a number, a sweep or a formula.
"""

from hamodel.architectures.active_passive import (
    CAUSES,
    ActivePassive,
    Node,
    PairState,
    Site,
    Standby,
)

__all__ = ["CAUSES", "ActivePassive", "Node", "PairState", "Site", "Standby"]
