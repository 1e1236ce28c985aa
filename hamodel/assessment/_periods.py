"""The answers of an assessment on single periods, such as a month."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

from hamodel import _check
from hamodel.architectures import OPERATIONS, Model
from hamodel.assessment._shares import shares_by_operation
from hamodel.assessment.alerts import Burning, BurnRate
from hamodel.assessment.budget import Chance
from hamodel.assessment.latency import Paths
from hamodel.units import YEAR


class Periods(ABC):
    """What is asked about the downtime of one period."""

    @property
    @abstractmethod
    def paths(self) -> Paths:
        """The ways that requests take."""

    @property
    @abstractmethod
    def _model(self) -> Model:
        """What fails, and who is served when."""

    def probability_of_meeting(
        self, target: float, horizon: float = YEAR, operation: str = "write"
    ) -> float:
        """Return the probability that one period reaches an availability.

        It is the rest of `chance_of_missing`, which takes the same, keeps its digits
        and has an error.
        """
        return 1 - self.chance_of_missing(target, horizon, operation).probability

    def chance_of_missing(
        self, target: float, horizon: float = YEAR, operation: str = "write"
    ) -> Chance:
        """Return the probability that one period misses an availability.

        Parameters
        ----------
        target : float
            Availability, such as 0.9995.
        horizon : float
            Length of the period in s, such as a month or a year.
        operation : str
            "read" or "write".

        Returns
        -------
        Chance
            Probability that the share of failed requests is above 1 - target, and a
            bound of its relative error.

        Notes
        -----
        Downtime is weighted by the requests that it hits, and the period begins
        anywhere.  If all times are exponential and the joint chain of all parts has at
        most 24 different states it is taken as it is; otherwise visits of what fails
        alone or together begin at random and last as their laws say.

        Examples
        --------
        >>> from hamodel import Leaderless, Node, assess
        >>> from hamodel.units import HOUR, MONTH
        >>> store = Leaderless(
        ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR), write_quorum=2
        ... )
        >>> chance = assess(store).chance_of_missing(0.999, MONTH)
        >>> f"{chance.probability:.5f}, at most {chance.error:.0e} of it wrong"
        '0.00302, at most 1e-06 of it wrong'
        """
        _check.between(0, 1, target=target)
        _check.positive(horizon=horizon)
        return self._over(operation).downtime.miss(1 - target, horizon)

    def downtime_quantile(
        self, p: float, horizon: float = YEAR, operation: str = "write"
    ) -> float:
        """Return the downtime that a share p of all periods does not exceed.

        Parameters
        ----------
        p : float
            Share of the periods, in (0, 1).
        horizon : float
            Length of a period in s.
        operation : str
            "read" or "write".

        Returns
        -------
        float
            Downtime in s, weighted by the requests that it hits; 0 if so many periods
            see none.

        Notes
        -----
        The inverse of `probability_of_meeting`; the share of the periods that exceed it
        is 1 - p to about 1e-5 of itself.
        """
        _check.between(0, 1, p=p)
        _check.positive(horizon=horizon)
        return self._over(operation).downtime.quantile(p, horizon) * horizon

    def alert_rate(
        self, alert: BurnRate, target: float, operation: str = "write"
    ) -> float:
        """Return how often a burn-rate alert on an objective fires.

        Parameters
        ----------
        alert : BurnRate
            The alert.
        target : float
            Availability of the objective.
        operation : str
            "read" or "write".

        Returns
        -------
        float
            Rate in 1/s; endless if so much fails although all is well that it is
            always on.

        Notes
        -----
        How, and what it assumes: `hamodel.assessment.alerts`.
        """
        _check.between(0, 1, target=target)
        return self._over(operation).rate(alert, target)

    @cached_property
    def _burning(self) -> dict[str, Burning]:
        return {}

    def _over(self, operation: str) -> Burning:
        _check.one_of(OPERATIONS, operation=operation)
        if operation not in self._burning:
            found = shares_by_operation(self.paths, self._model, operation)
            fails = float(getattr(self, operation).unavailability)
            self._burning[operation] = Burning(fails, *found)
        return self._burning[operation]
