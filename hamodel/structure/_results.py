"""What a structure answers: importance of its parts, purchases, outages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from hamodel import _check, _html, text
from hamodel._types import Quantity
from hamodel.units import YEAR


@dataclass(frozen=True, kw_only=True, eq=False)
class Importance:
    """How much one part matters, by six measures.

    U is the unavailability of the service, q that of the part; U₁ and U₀ are the
    service's with the part failed and with it working.

    Attributes
    ----------
    birnbaum : float, array or expression
        ∂U/∂q = U₁ - U₀: the chance that the part alone makes the difference.
    criticality : float, array or expression
        Birnbaum × q / U: the share of downtime that a perfect part would take away.
    fussell_vesely : float, array or expression
        P(some minimal cut set with the part has failed | the service is down).
    diagnostic : float, array or expression
        P(the part has failed | the service is down) = q U₁ / U.
    raw : float, array or expression
        Risk achievement worth U₁ / U: how many times worse without the part.
    rrw : float, array or expression
        Risk reduction worth U / U₀: how many times better with a perfect part.
    """

    birnbaum: Quantity
    criticality: Quantity
    fussell_vesely: Quantity
    diagnostic: Quantity
    raw: Quantity
    rrw: Quantity


MEASURES = tuple(field.name for field in fields(Importance))


@dataclass(frozen=True, kw_only=True, eq=False)
class Importances:
    """The importance of every part: a mapping from name to `Importance`.

    Attributes
    ----------
    unavailability : float, array or expression
        That of the service.
    parts : mapping of str to Importance
        One row per part, in the order of the structure.
    """

    unavailability: Quantity
    parts: Mapping[str, Importance]

    def __getitem__(self, name: str) -> Importance:
        _check.one_of(self.parts, part=name)
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def by(self, measure: str) -> dict[str, Quantity]:
        """Return one measure for every part, in the order of the structure.

        Parameters
        ----------
        measure : str
            A field of `Importance`.

        Raises
        ------
        ValueError
            If there is no such measure.

        Examples
        --------
        >>> from hamodel import structure
        >>> both = structure.parse("lb > any(db1, db2)")
        >>> both.importance({"lb": 0.001, "db1": 0.01, "db2": 0.01}).by("birnbaum")
        {'lb': 0.9999, 'db1': 0.00999, 'db2': 0.00999}
        """
        _check.one_of(MEASURES, measure=measure)
        return {name: getattr(row, measure) for name, row in self.parts.items()}

    def _rows(self) -> list[list[str]]:
        return [
            [name, *(f"{_shown(getattr(row, m))}" for m in MEASURES)]
            for name, row in self.parts.items()
        ]

    def __repr__(self) -> str:
        wide = max(map(len, self.parts))
        lines = [f"{'part':{wide}}  " + "  ".join(f"{m:>14}" for m in MEASURES)]
        for name, *cells in self._rows():
            lines.append(f"{name:{wide}}  " + "  ".join(f"{c:>14}" for c in cells))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return _html.table(
            self._rows(),
            header=["part", *(m.replace("_", "-") for m in MEASURES)],
            caption=f"Importance; unavailability {_shown(self.unavailability)}",
        )


def _shown(value: Quantity) -> str:
    return text.number(value, 4) if isinstance(value, float) else str(value)


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """A second copy of one part, and what it brings.

    Attributes
    ----------
    part : str
        What is bought.
    price : float
        In the unit of the prices given; 1 each if none were.
    unavailability : float
        Of the service afterwards.
    saved : float
        Unavailability taken away.
    """

    part: str
    price: float
    unavailability: float
    saved: float

    def __repr__(self) -> str:
        return (
            f"Purchase(a second {self.part} for {self.price:g}: unavailability "
            f"{text.number(self.unavailability, 4)}, "
            f"{text.time(self.saved * YEAR)} a year less)"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Outages:
    """How often the service fails in the long run, and for how long.

    Attributes
    ----------
    unavailability : float, array or expression
        Long-run share of time that the service is down.
    frequency : float, array or expression
        Outages per second.
    mean_duration : float, array or expression
        Mean length of an outage in s.
    by_part : mapping of str to float, array or expression
        Outages per second that the failure of each part starts.
    """

    unavailability: Quantity
    frequency: Quantity
    mean_duration: Quantity
    by_part: Mapping[str, Quantity]
