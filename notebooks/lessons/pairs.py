"""The pair of lesson 04, which other lessons take up: two nodes and a failover."""

from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE

RESCUE = {
    "wait for the repair": None,
    "a person, 30 min later": 30 * MINUTE,
    "a person, 5 min later": 5 * MINUTE,
}
NOBODY, HALF_AN_HOUR, _ = RESCUE


def pair(mttf=2000, mttr=4, failover=30, coverage=99, rescue=NOBODY):
    """Return the lesson's pair: hours, hours, seconds, percent, one of `RESCUE`."""
    plan = Failover(promotion=failover, coverage=coverage / 100, manual=RESCUE[rescue])
    node = Node(mttf=mttf * HOUR, mttr=mttr * HOUR)
    return ActivePassive(database=node, failover=plan)
