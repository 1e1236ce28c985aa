"""The structure itself: what a user holds and asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hamodel import _html
from hamodel._types import Quantity
from hamodel.structure import _answers, _probability
from hamodel.structure._circuit import to_dot
from hamodel.structure._results import Importances, Outages, Purchase
from hamodel.structure._values import known, plain


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Structure(_answers.Whole):
    """What a request needs: which failures the service survives, and which not.

    Made by `parse`.

    Attributes
    ----------
    draw : callable
        Returns the exact decision diagram; asked when a question needs it.
    drawn : tuple of str
        The parts that the text shows, the client included.
    circuit : tuple of Leaf and Gate
        The structure as written.
    needs : tuple of (str, tuple of str)
        Shared dependencies and what needs them, as they were added.
    """

    def works(self, failed: Iterable[str] = ()) -> bool:
        """Tell whether the service works with these parts failed.

        Parameters
        ----------
        failed : iterable of str
            Names of the failed parts; all others work.

        Raises
        ------
        UnknownPartError
            If there is no part of a name.

        Examples
        --------
        >>> from hamodel import structure
        >>> structure.parse("lb > any(app1, app2) > db").works({"app1"})
        True
        """
        gone = frozenset((failed,) if isinstance(failed, str) else failed)
        for name in gone:
            known("failed", name, (*self.drawn, *self.hidden))
        return _answers.works(self, gone)

    def single_points_of_failure(self) -> tuple[str, ...]:
        """Return the parts whose failure alone brings the service down.

        Examples
        --------
        >>> from hamodel import structure
        >>> service = structure.parse("client > lb > any(app1, app2, app3) > db")
        >>> service.single_points_of_failure()
        ('lb', 'db')
        """
        alone = {name for cut in self.minimal_cut_sets(1) for name in cut}
        return tuple(name for name in self.components if name in alone)

    def to_dot(self) -> str:
        """Return the block diagram as text that Graphviz draws.

        Single points of failure have a heavy frame; a part that stands in several
        places is drawn in each.

        Examples
        --------
        >>> from hamodel.structure import parse
        >>> print(parse("lb > any(a, b)").to_dot().count("->"))
        7
        """
        alone = frozenset(self.single_points_of_failure())
        return to_dot(self.circuit, alone)

    def minimal_cut_sets(
        self, max_order: int | None = None
    ) -> tuple[frozenset[str], ...]:
        """Return the smallest sets of parts whose failure brings the service down.

        Parameters
        ----------
        max_order : int, optional
            Largest number of parts in a set; all sets if not given.

        Returns
        -------
        tuple of frozenset of str
            The sets, small ones first, then in the order of `components`.

        Raises
        ------
        TooManySetsError
            If there are more than 200 000.

        Notes
        -----
        Source: Rauzy (1993), Reliability Engineering & System Safety 40, 203-211.

        Examples
        --------
        >>> from hamodel import structure
        >>> for cut in structure.parse("lb > any(app1, app2) > db").minimal_cut_sets():
        ...     print(sorted(cut))
        ['lb']
        ['db']
        ['app1', 'app2']
        """
        return _answers.cut_sets(self, max_order)

    def minimal_path_sets(
        self, max_order: int | None = None
    ) -> tuple[frozenset[str], ...]:
        """Return the smallest sets of parts that keep the service up on their own.

        They are asked for, and come, as `minimal_cut_sets` do.

        Examples
        --------
        >>> from hamodel import structure
        >>> service = structure.parse("lb > any(app1, app2) > db")
        >>> for path in service.minimal_path_sets():
        ...     print(sorted(path))
        ['app1', 'db', 'lb']
        ['app2', 'db', 'lb']
        """
        return _answers.path_sets(self, max_order)

    def unavailability(
        self,
        unavailabilities: Mapping[str, Quantity],
        *,
        common_cause: Mapping[tuple[str, ...], Quantity] | None = None,
    ) -> Quantity:
        """Return the probability that the service is down.

        Parameters
        ----------
        unavailabilities : mapping of str to float, array or expression
            Probability that each part is down, independently of the others.  `client`
            counts as perfect unless given; names of other structures are ignored.
        common_cause : mapping of tuple of str to float, array or expression, optional
            Groups of parts and the share β of the failures of each that takes the whole
            group at once.

        Returns
        -------
        float, array or expression
            Unavailability; arrays broadcast.

        Raises
        ------
        ValueError
            If a part has no unavailability (it is named), or one is outside [0, 1].

        Notes
        -----
        Exact, shared parts included (a StructureTooLargeError where no diagram fits:
        then ask for `bounds`); summed over the failing paths of the decision
        diagram, so small numbers keep their digits.  β-factor model: a group fails as
        one with βq, and each member by itself just so often that its q stays what it
        was.  If members differ, q is the smallest of them.

        Examples
        --------
        >>> from hamodel import structure
        >>> service = structure.parse("client > lb > any(app1, app2, app3) > db")
        >>> down = {"lb": 5e-4, "app1": 1e-3, "app2": 1e-3, "app3": 1e-3, "db": 5e-4}
        >>> print(f"{service.unavailability(down):.6e}")
        9.997510e-04

        Two replicas of 99.9 % with 5 % shared failures have four nines, not six:

        >>> pair = structure.parse("any(a, b)")
        >>> down = {"a": 1e-3, "b": 1e-3}
        >>> print(f"{pair.unavailability(down, common_cause={('a', 'b'): 0.05}):.4e}")
        5.0903e-05
        """
        whole, q = _answers.numbers(self, unavailabilities, common_cause)
        return plain(_probability.down(whole.diagram, q)[-1])

    def bounds(
        self, unavailabilities: Mapping[str, float], *, max_order: int = 3
    ) -> tuple[float, float]:
        """Return two numbers between which the unavailability lies.

        For structures so tangled that no decision diagram fits: cut sets of few parts
        need none.

        Parameters
        ----------
        unavailabilities : mapping of str to float
            Probability that each part is down, as for `unavailability`.
        max_order : int
            Most parts of the cut sets that are listed; more bring the bounds together.

        Raises
        ------
        TooManySetsError
            If there are more than 200 000 such cut sets.

        Notes
        -----
        Below: the cut sets less their overlaps (Bonferroni); above: the cut sets as if
        independent (Esary and Proschan 1963, J. Am. Stat. Assoc. 58, 329-338), plus
        the chance that more than `max_order` parts have failed.

        Examples
        --------
        >>> from hamodel import structure
        >>> ring = structure.parse("all(any(a, b), any(b, c), any(c, d), any(d, a))")
        >>> down = dict.fromkeys("abcd", 0.01)
        >>> low, high = ring.bounds(down)
        >>> low <= ring.unavailability(down) <= high, f"{low:.3e} {high:.3e}"
        (True, '3.960e-04 4.000e-04')
        """
        return _answers.bounds(self, unavailabilities, max_order)

    def importance(
        self,
        unavailabilities: Mapping[str, Quantity],
        *,
        common_cause: Mapping[tuple[str, ...], Quantity] | None = None,
    ) -> Importances:
        """Return how much every part matters, by six measures.

        Parameters
        ----------
        unavailabilities : mapping of str to float, array or expression
            Probability that each part is down, as for `unavailability`.
        common_cause : mapping of tuple of str to float, array or expression, optional
            Groups and their β; each group becomes a row of its own.

        Notes
        -----
        Definitions: Rausand and Høyland, System Reliability Theory (2004), chapter 5.
        Some tools print the diagnostic importance as Fussell-Vesely; here both are
        given.  Ratios to an unavailability of 0 are 0 (criticality, Fussell-Vesely,
        diagnostic), and 1 or inf (worths).

        Examples
        --------
        >>> from hamodel import structure
        >>> down = {"lb": 5e-4, "app1": 1e-3, "app2": 1e-3, "db": 5e-4}
        >>> service = structure.parse("client > lb > any(app1, app2) > db")
        >>> table = service.importance(down)
        >>> round(table["lb"].criticality, 4), round(table["app1"].criticality, 4)
        (0.4994, 0.001)
        """
        whole, q = _answers.numbers(self, unavailabilities, common_cause)
        return _answers.importances(whole, q)

    def purchases(
        self,
        unavailabilities: Mapping[str, float],
        *,
        prices: Mapping[str, float] | None = None,
        budget: float = float("inf"),
        common_cause: Mapping[tuple[str, ...], float] | None = None,
    ) -> tuple[Purchase, ...]:
        """Return what a second copy of each part would bring, the best first.

        Parameters
        ----------
        unavailabilities : mapping of str to float
            Probability that each part is down.
        prices : mapping of str to float, optional
            Price of a copy; a part without one is not for sale.  1 each if not given.
        budget : float
            Dearer copies are left out.
        common_cause : mapping of tuple of str to float, optional
            Groups and their β; a copy joins the groups of its part.

        Returns
        -------
        tuple of Purchase
            All that the budget allows; the cheaper first where two bring the same.

        Raises
        ------
        ValueError
            If a price names no part, or a number is out of range.

        Notes
        -----
        A copy fails independently of its part: q becomes q², and the service's
        unavailability q² U₁ + (1 - q²) U₀.

        Examples
        --------
        >>> from hamodel import structure
        >>> down = {"lb": 5e-4, "app1": 1e-3, "app2": 1e-3, "db": 5e-4}
        >>> service = structure.parse("client > lb > any(app1, app2) > db")
        >>> service.purchases(down, prices={"lb": 20, "db": 90, "app1": 10}, budget=50)
        (Purchase(a second lb for 20: unavailability 0.0005012, 4.38 h a year less),
         Purchase(a second app1 for 10: unavailability 0.0009998, 31.5 s a year less))
        """
        whole, q = _answers.numbers(self, unavailabilities, common_cause)
        cost = dict.fromkeys(self.components, 1.0) if prices is None else prices
        return _answers.purchases(whole, q, cost, budget)

    def outages(
        self, *, mttf: Mapping[str, Quantity], mttr: Mapping[str, Quantity]
    ) -> Outages:
        """Return how often the service fails and for how long.

        Parameters
        ----------
        mttf, mttr : mapping of str to float, array or expression
            Mean time to failure and to repair of each part, in s.

        Returns
        -------
        Outages
            Unavailability, frequency in 1/s, mean duration in s, share of each part.

        Raises
        ------
        ValueError
            If a part has no time, or one is not above zero.

        Notes
        -----
        Parts fail and are repaired independently; the distributions do not matter.
        Frequency = Σ Birnbaum × 1/(MTTF + MTTR): Rausand and Høyland (2004), 9.6.

        Examples
        --------
        >>> from hamodel import structure
        >>> from hamodel.units import HOUR, YEAR
        >>> pair = structure.parse("any(a, b)")
        >>> up, down = dict.fromkeys("ab", 1000 * HOUR), dict.fromkeys("ab", HOUR)
        >>> found = pair.outages(mttf=up, mttr=down)
        >>> round(found.frequency * YEAR, 4), round(found.mean_duration / HOUR, 4)
        (0.0175, 0.5)
        """
        return _answers.outages(self, mttf, mttr)

    def share(self, shared: Mapping[str, Iterable[str]]) -> Structure:
        """Return the structure with dependencies that nobody had drawn.

        Parameters
        ----------
        shared : mapping of str to iterable of str
            A dependency (a power feed, DNS, a configuration push) and the parts that
            stop working without it.  A dependency may need another.

        Raises
        ------
        ValueError
            If a dependent is unknown, or dependencies lead back to themselves.

        Examples
        --------
        >>> from hamodel import structure
        >>> twins = structure.parse("any(app1, app2)")
        >>> twins.share({"dns": ["app1", "app2"]}).single_points_of_failure()
        ('dns',)
        """
        return _answers.shared(self, shared)

    def __repr__(self) -> str:
        points = ", ".join(self.single_points_of_failure()) or "none"
        count = len(self.components)
        return f"Structure({count} parts, single points of failure: {points})"

    def _repr_html_(self) -> str:
        alone, hidden = self.single_points_of_failure(), self.hidden
        rows = [
            (name, "yes" if name in alone else "", ", ".join(hidden.get(name, ())))
            for name in self.components
        ]
        return _html.table(rows, header=["part", "single point", "needed by"])
