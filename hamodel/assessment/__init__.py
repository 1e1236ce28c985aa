"""Assessment: an architecture and a workload in, every answer out.

The surprising idea: there is nothing to add up by hand.  One description of what fails
and who is served when gives availability, recovery time, lost writes, lag, latency,
conflicts, load and cost; and what makes a design look good in one of them (a write that
waits for nobody) is what makes it look bad in another.

Availability of reads and of writes are counted apart, over the clients of all sites,
each weighted by its share of the requests.  A request fails while nobody can serve it,
while those who could are overloaded, when its attempts all take longer than clients
wait, and, if the workload has an objective, when its answer comes later than that.
Retries are part of the load (`hamodel.assessment.retries`); with them a latency is that
of one attempt.

Assumptions, beside those of the architecture: requests are a Poisson stream that does
not change with the hour; queues are in their steady state in each situation; clients
that are led away spread evenly over the sites that serve; a failure strikes no matter
how high the load is.  Left out: the backlog after an outage, cold caches, price lists.
"""

from hamodel.assessment._journey import Journey, OtherPart, journey_problems
from hamodel.assessment.alerts import WORKBOOK, BurnRate
from hamodel.assessment.availability import Operation
from hamodel.assessment.comparison import Comparison, compare
from hamodel.assessment.expected import Expected, assess
from hamodel.assessment.journeys import Journeys, assess_journeys
from hamodel.assessment.latency import Latency
from hamodel.assessment.loads import Cost, Survival
from hamodel.assessment.measures import MEASURES, Measure
from hamodel.assessment.results import Assessment
from hamodel.assessment.retries import Metastability

__all__ = [
    "MEASURES",
    "WORKBOOK",
    "Assessment",
    "BurnRate",
    "Comparison",
    "Cost",
    "Expected",
    "Journey",
    "Journeys",
    "Latency",
    "Measure",
    "Metastability",
    "Operation",
    "OtherPart",
    "Survival",
    "assess",
    "assess_journeys",
    "compare",
    "journey_problems",
]
