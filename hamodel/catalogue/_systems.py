"""Presets of real products, each value with what it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hamodel import _check, text
from hamodel._fields import replaced
from hamodel._html import table
from hamodel.catalogue._facts import folder, look_up
from hamodel.catalogue._kinds import built, inner_at, kind, nested, settable, whole_at
from hamodel.catalogue._parameters import Parameter, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel.failover import Failover

_PLAIN = {
    *("coverage", "crews", "read_quorum", "write_quorum", "acknowledgements"),
    *("servers", "needed", "cores", "cost", "hit_ratio", "destroyed"),
    *("reads", "writes", "keys", "exponent", "transfer_price"),
    *("availability", "read_availability", "stale_reads", "growth", "budget"),
    "lost_writes_per_year",
}


@dataclass(frozen=True, kw_only=True)
class System:
    """A preset: a product as it is usually run.

    Attributes
    ----------
    key : str
        Name of the file, such as "postgresql-patroni".
    title, summary : str
        What it is.
    parameters : tuple of Parameter
        Its values.
    kind : str
        Which architecture it is, such as "active-passive" or "majority".
    """

    key: str
    title: str
    summary: str
    parameters: tuple[Parameter, ...]
    kind: str = "active-passive"

    def architecture(self, **overrides: Any) -> Any:  # noqa: ANN401
        """Return the architecture of the preset.

        Where the mechanism of a stage is known, the failover has its whole law, so its
        `duration` is the recovery time that the preset's timeouts imply.

        Parameters
        ----------
        **overrides : float, array, SymPy expression or other value
            Values in place of the preset's, named with two underscores for the dot.

        Returns
        -------
        SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
            As `kind` says.

        Raises
        ------
        ValueError
            If an override is not a parameter of the architecture, or not possible.

        Examples
        --------
        >>> preset = system("postgresql-patroni")
        >>> usual, quick = preset.architecture(), preset.architecture(
        ...     failover__detection=5.0
        ... )
        >>> usual.failover.outage - quick.failover.outage
        20.0
        >>> system("cassandra").architecture().write_quorum
        2
        """
        made = kind(self.kind)
        known = {path.replace(".", "__"): path for path in settable(made)}
        for name in overrides:
            _check.one_of(known, parameter=name)
        changes = {known[name]: value for name, value in overrides.items()}
        return changed(made, values_of(self), changes)

    def failover(self) -> Failover:
        """Return the failover of the preset with the distributions of its stages.

        Returns
        -------
        Failover
            Where the mechanism of a stage is known, its whole law; elsewhere the mean.

        Raises
        ------
        ValueError
            If nothing of its kind fails over.

        Examples
        --------
        >>> patroni = system("postgresql-patroni").failover()
        >>> patroni.duration.support
        (24.0, 36.0)
        """
        found = getattr(self.architecture(), "failover", None)
        if found is None:
            raise ValueError(f"kind must fail over, got {self.kind!r}")
        failover: Failover = found
        return failover

    def _repr_html_(self) -> str:
        rows = [(p.name, shown(p), p.source) for p in self.parameters]
        header = ("parameter", "value", "source")
        return table(rows, header=header, caption=f"{self.title}. {self.summary}")


def changed(made: type, values: Mapping[str, Any], overrides: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return an architecture of values by path, some of them overridden.

    A part that is given as a whole takes the place of all that it holds; what is given
    of such a part besides is changed in it.
    """
    wholes = [p for p in overrides if inner_at(made, p) is not None]
    beneath = {p for p in (*values, *overrides) if _within(p, wholes)}
    plain = {p: v for p, v in {**values, **overrides}.items() if p not in beneath}
    base = built(made, nested(plain))
    late = {p: overrides[p] for p in beneath if p in overrides}
    return replaced(base, late) if late else base


def values_of(preset: System) -> dict[str, Any]:
    """Return the values of a preset by path, with the laws of stages that have one."""
    made = kind(preset.kind)
    return {p.name: _best(p, made) for p in preset.parameters}


def _within(path: str, wholes: list[str]) -> bool:
    return any(path.startswith(f"{whole}.") for whole in wholes)


def _best(parameter: Parameter, made: type) -> Any:  # noqa: ANN401
    """Return the law of a stage of the failover where it is known, else the value."""
    stage = parameter.name.startswith("failover.") or parameter.name == "election"
    if stage and parameter.law is not None:
        return parameter.law
    return whole_at(made, parameter.name, parameter.value)


def shown(parameter: Parameter) -> str:
    """Return the value of a parameter as a person writes it."""
    value = parameter.value
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner:g}" for name, inner in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, (bool, str)):
        return str(value)
    plain = parameter.name.rpartition(".")[2] in _PLAIN
    return f"{value:g}" if plain else text.time(value)


def systems() -> tuple[str, ...]:
    """Return the names of the presets.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> "redis-sentinel" in systems()
    True
    """
    return tuple(sorted(path.stem for path in (folder() / "systems").glob("*.yaml")))


def system(name: str) -> System:
    """Return a preset by its name.

    Parameters
    ----------
    name : str
        One of `systems()`.

    Returns
    -------
    System
        The preset, with every pointer followed.

    Raises
    ------
    ValueError
        If there is none of that name; or, for a file of your own making, if a value
        neither points to a fact nor says why it is assumed.

    Examples
    --------
    >>> round(system("postgresql-patroni").architecture().minutes_per_year)
    6
    """
    return _system(look_up("system", name, {key: key for key in systems()}))


@cache
def _system(key: str) -> System:
    content = contents("systems", key)
    return System(
        key=key,
        title=content["title"],
        summary=content["summary"],
        parameters=tuple(parameters(content["parameters"])),
        kind=content.get("architecture", "active-passive"),
    )


def contents(kind_of_file: str, key: str) -> Any:  # noqa: ANN401
    """Return what a file of the catalogue holds."""
    from ruamel.yaml import YAML

    path = folder() / kind_of_file / f"{key}.yaml"
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
