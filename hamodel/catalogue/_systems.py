"""Presets of real products: system files whose values say what they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from hamodel._fields import replaced, value_at
from hamodel._html import table
from hamodel._types import Value
from hamodel.facts import folder, look_up
from hamodel.failover import Failover
from hamodel.fields import described
from hamodel.specfile import Source, Spec, TreeNode, made_of, presets, tree_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One value of a preset or a scenario, and what it stands on.

    Attributes
    ----------
    name : str
        Such as "failover.detection".
    value : object
        As the specification has it: in s, a plain number, a word, a distribution.
    source : str
        What the value stands on, in words.
    facts : tuple of str
        Identifiers of the facts it comes from; empty if it is assumed.
    """

    name: str
    value: Value
    source: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class System:
    """A preset: a product as it is usually run.

    Attributes
    ----------
    key : str
        Name of the file, such as "postgresql-patroni".
    tree : TreeNode
        What the file holds.
    path : Path
        The file.
    """

    key: str
    tree: TreeNode
    path: Path

    @cached_property
    def spec(self) -> Spec:
        """The system as its file describes it."""
        return made_of(self.tree, self.path)

    @property
    def title(self) -> str:
        """What it is called."""
        return self.spec.title

    @property
    def summary(self) -> str:
        """What it is, in a sentence."""
        return self.spec.summary

    @property
    def kind(self) -> str:
        """Which architecture it is, such as "active-passive" or "majority"."""
        return self.spec.kind

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its values, with what they stand on."""
        wholes = {"workload.": self.spec.workload, "": self.spec.architecture}
        return parameters_of(self.spec.sources, wholes)

    def architecture(self, **overrides: Value) -> Value:
        """Return the architecture of the preset.

        Where the mechanism of a stage is known, the failover has its whole law, so its
        `duration` is the recovery time that the preset's timeouts imply.

        Parameters
        ----------
        **overrides : float, str, array, SymPy expression or other value
            Values in place of the preset's, named with two underscores for the dot;
            outer levels may be left out where one fits.  A setting of the preset
            changes all that is derived of it.

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
        20.25
        >>> system("cassandra").architecture().write_quorum
        2
        """
        chosen = {
            n: float(v) if isinstance(v, int) else v
            for n, v in overrides.items()
            if n in self.spec.settings
        }
        spec = made_of(self.tree, self.path, chosen) if chosen else self.spec
        rest = {n: v for n, v in overrides.items() if n not in chosen}
        return replaced(spec.architecture, _with_new_parts(spec.architecture, rest))

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
        >>> patroni.by_stage["detection"].support
        (20.0, 30.5)
        """
        found = getattr(self.spec.architecture, "failover", None)
        if found is None:
            raise ValueError(f"kind must fail over, got {self.kind!r}")
        failover: Failover = found
        return failover

    def _repr_html_(self) -> str:
        rows = self.spec.parameters
        header = ("parameter", "value", "source")
        return table(rows, header=header, caption=f"{self.title}. {self.summary}")


def _with_new_parts(
    architecture: Value, overrides: Mapping[str, object]
) -> dict[str, Value]:
    """Return overrides in which what is set of a part that is not there makes it."""
    parts: dict[str, dict[str, Value]] = {}
    rest: dict[str, Value] = {}
    known = described(type(architecture))
    for name, value in overrides.items():
        part, _, inner = name.partition("__")
        missing = part in known and known[part].kind == "spec"
        if inner and missing and getattr(architecture, part) is None:
            parts.setdefault(part, {})[inner] = value
        else:
            rest[name] = value
    made = {part: (known[part].made or dict)(**given) for part, given in parts.items()}
    return rest | made


def parameters_of(
    sources: Mapping[str, Source], wholes: Mapping[str, object]
) -> tuple[Parameter, ...]:
    """Return the parameters whose sources are stated."""
    found = []
    for path, source in sources.items():
        if source.is_stated and not path.startswith("settings."):
            within = next(w for w in wholes if path.startswith(w))
            value = value_at(wholes[within], path.removeprefix(within))
            found.append(
                Parameter(
                    name=path, value=value, source=source.words, facts=source.facts
                )
            )
    return tuple(found)


def systems() -> tuple[str, ...]:
    """Return the names of the presets.

    Examples
    --------
    >>> "redis-sentinel" in systems()
    True
    """
    return presets()


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
        If there is none of that name, or its file has a mistake.

    Examples
    --------
    >>> round(system("postgresql-patroni").architecture().minutes_per_year, 1)
    5.4
    """
    return _system(look_up("system", name, {key: key for key in systems()}))


@cache
def _system(key: str) -> System:
    return System(key=key, tree=tree_of(key), path=folder() / "systems" / f"{key}.yaml")
