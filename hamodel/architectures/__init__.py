"""Architectures: each is described by its parts, their states and their events.

An architecture is a specification.  It makes a `Model`, and everything that is said of
it is read from that, as a number, a sweep or a formula.
"""

from hamodel.architectures._assumptions import Assumption
from hamodel.architectures._events import Cause, Event
from hamodel.architectures._front import failed_apps
from hamodel.architectures._nodes import (
    Dependency,
    Failure,
    OldPrimary,
    Replica,
    Standby,
)
from hamodel.architectures._region import Region
from hamodel.architectures._seen import HOME
from hamodel.architectures._specs import Cache, Maintenance, Node, Site, Tier
from hamodel.architectures.active_active import ActiveActive
from hamodel.architectures.active_passive import CAUSES, ActivePassive, PairState
from hamodel.architectures.base import (
    OPERATIONS,
    Along,
    Architecture,
    Group,
    Model,
    Part,
    Situations,
    Verdict,
    Viewed,
)
from hamodel.architectures.behaviour import Answers, Behaviour, Known, Work
from hamodel.architectures.leaderless import Leaderless
from hamodel.architectures.majority import Majority
from hamodel.architectures.single_primary import SinglePrimary
from hamodel.architectures.writes import Conflicts, Loss, LostWrites, Resolution

__all__ = [
    "CAUSES",
    "HOME",
    "OPERATIONS",
    "ActiveActive",
    "ActivePassive",
    "Along",
    "Answers",
    "Architecture",
    "Assumption",
    "Behaviour",
    "Cache",
    "Cause",
    "Conflicts",
    "Dependency",
    "Event",
    "Failure",
    "Group",
    "Known",
    "Leaderless",
    "Loss",
    "LostWrites",
    "Maintenance",
    "Majority",
    "Model",
    "Node",
    "OldPrimary",
    "PairState",
    "Part",
    "Region",
    "Replica",
    "Resolution",
    "SinglePrimary",
    "Site",
    "Situations",
    "Standby",
    "Tier",
    "Verdict",
    "Viewed",
    "Work",
    "failed_apps",
]
