"""What readers share: what a file says, what a field means, what a system is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hamodel.facts import fact
from hamodel.specfile import TreeNode

if TYPE_CHECKING:
    from pathlib import Path

#: What a value is once it is read: a time in s, a number, a word, or so or not so.
Scalar = float | int | str | bool
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Z_]{2,}|%\([a-z_]+\)s|\{\{")


class Entry(NamedTuple):
    """One thing that a file says."""

    name: str  # as the product writes it, such as "bootstrap.dcs.ttl"
    raw: str
    line: int  # from 1
    place: str = ""  # in place of the line, where a file has no useful ones
    group: str = ""  # what it belongs to: a server, a document, a section


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that was given, and what it says."""

    name: str  # as it is called in messages
    path: Path
    text: str
    entries: tuple[Entry, ...] = ()

    def where(self, entry: Entry | int) -> str:
        """Return where something stands, such as "patroni.yml:14"."""
        if isinstance(entry, int):
            return f"{self.name}:{entry}"
        return f"{self.name}:{entry.place or entry.line}"


class Default(NamedTuple):
    """What a product takes where nothing is said, from a version on."""

    raw: str
    source: str  # the id of a fact, or title, year and address
    since: str = ""  # the first version; empty: all


@dataclass(frozen=True)
class Field:
    """A field of a product: where it goes, and what stands in for it.

    Attributes
    ----------
    name : str
        As the product writes it; other spellings after a bar.
    to : str
        Where it goes in a system file, or in words what is made of it; empty if it has
        no place.
    read : callable
        From what is written to its value; raises ValueError in words.
    defaults : (str, str) or tuple of Default
        What stands in for it and its source; or several by version, the oldest first.
    why : str
        What it does that the models have no place for.
    """

    name: str
    to: str = ""
    read: Callable[[str], Scalar] = str
    defaults: tuple[str, str] | tuple[Default, ...] = ()
    why: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Its spellings."""
        return tuple(self.name.split("|"))

    @property
    def by_version(self) -> tuple[Default, ...]:
        """Its defaults, the oldest first."""
        if self.defaults and isinstance(self.defaults[0], str):
            return (Default(*self.defaults),)
        return self.defaults

    def default(self, version: str) -> Default | None:
        """Return what a version takes where nothing is said."""
        fitting = [d for d in self.by_version if number(d.since) <= number(version)]
        return fitting[-1] if fitting else None


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value and where it comes from."""

    value: Scalar  # in base units
    name: str  # the field of the product
    where: str = ""  # file and line; empty if it is a default
    default: Default | None = None  # the default that it is
    product: str = ""  # the product and the version, for a default

    @property
    def seconds(self) -> float:
        """The value as a number."""
        return float(self.value)

    @property
    def count(self) -> int:
        """The value as a whole number."""
        return int(self.value)

    @property
    def origin(self) -> str:
        """File, line and field, as `from` says it; empty for a default."""
        return f"{self.where} {self.name}" if self.where else ""

    @property
    def carried(self) -> dict[str, str]:
        """What a system file says of it beside its value."""
        if self.default is None:
            return {"from": self.origin}
        said = f"default of {self.product}: {self.name}"
        source = self.default.source
        if _is_fact(source) and self._agrees(source):
            return {"fact": source, "because": said}
        return {"assumed": f"{said} ({cited(source)})"}

    def _agrees(self, pointer: str) -> bool:
        if isinstance(self.value, (str, bool)):
            return False
        return abs(fact(pointer).in_base("value") - self.value) < 1e-9


class Note(NamedTuple):
    """Something to be said of a place in a file."""

    where: str
    name: str
    said: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (f"{self.where} {self.name}".strip(), self.said)))


@dataclass(kw_only=True)
class Draft:
    """A system file in the making, and what is to be said of it."""

    base: str = ""
    title: str = ""
    leaves: dict[str, tuple[object, dict[str, str]]] = field(default_factory=dict)
    used: dict[tuple[str, str], Note] = field(default_factory=dict)
    assumed: dict[tuple[str, str], Note] = field(default_factory=dict)
    homeless: list[Note] = field(default_factory=list)
    unknown: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    sites: list[Value] = field(default_factory=list)  # nodes, as other files list them

    def put(self, path: str, shown: object, *of: Value, because: str = "") -> None:
        """Write what the system file holds at a path, and what it is made of."""
        for value in of:
            self.take(value)
        carried = _merged([value.carried for value in of])
        if because and "fact" in carried:  # the value is no longer the fact's own
            pointed = cited(carried.pop("fact"))
            carried = {"assumed": f"{carried['because']} ({pointed})"}
        if because:
            carried["because"] = "; ".join(
                filter(None, (because, carried.get("because", "")))
            )
        self.leaves[path] = (shown, carried)

    def take(self, value: Value) -> None:
        """Note that a value is used, or that a default is assumed."""
        if value.default is None:
            note = Note(value.where, value.name)
            self.used[(value.where, value.name)] = note
            return
        said = f"{value.default.raw or 'none'}, {value.product}"
        said += f", {cited(value.default.source)}"
        self.assumed[(value.product, value.name)] = Note("", value.name, said)

    def assume(self, path: str, shown: object, because: str) -> None:
        """Write what no file says and no product fixes."""
        self.leaves[path] = (shown, {"assumed": because})

    def alike(self, stated: Stated, *names: str) -> None:
        """Take what files say of fields that are one for all; warn of another."""
        for name in names:
            taken = stated.given(name)
            for value in stated.all(name):
                if taken is None or value.value == taken.value:
                    self.take(value)
        self.differ(stated, *names)

    def differ(self, stated: Stated, *names: str) -> None:
        """Warn of values that are not the one that is taken."""
        for name in names:
            taken = stated.given(name)
            for value in stated.all(name):
                if taken is not None and value.value != taken.value:
                    self.warn(value, f"is not that of {taken.where}, which is taken")

    def warn(self, value: Value | None, said: str) -> None:
        """Note a rule that is broken."""
        where, name = (value.where, value.name) if value else ("", "")
        self.warnings.append(Note(where, name, said))


def _merged(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what a value made of several carries: the files first, else a default."""
    found: dict[str, str] = {}
    for key in ("from", "fact", "assumed", "because"):
        words = [part[key] for part in parts if key in part]
        if words:
            found[key] = "; ".join(dict.fromkeys(words))
    if "from" in found or len(parts) > 1:  # one fact does not carry a sum of several
        pointed = found.pop("fact", "")
        told = [found.pop("assumed", ""), found.pop("because", "")]
        told.append(f"with {pointed}" if pointed else "")
        said = "; ".join(filter(None, told))
        if said:
            found["because" if "from" in found else "assumed"] = said
    return found


@dataclass(frozen=True)
class Format:
    """A kind of file of a product: how it is known, read, and put to use.

    Attributes
    ----------
    name : str
        As `--assume NAME=VERSION` calls it.
    product : str
        As people call it.
    version : str
        The version that is assumed.
    fields : tuple of Field
        What is understood of it.
    knows : callable
        Whether a file is of this kind, by its name and text.
    parse : callable
        From a file to its entries.
    compose : callable
        From what was found to a system file.
    later : bool
        Whether it adds to the system of another format, and cannot stand alone.
    last : bool
        Whether the last of several values in a file holds, as the product has it.
    sites : callable
        Names of the nodes that its files list, with the places; none if they do not.
    """

    name: str
    product: str
    version: str
    fields: tuple[Field, ...]
    knows: Callable[[str, str], bool]
    parse: Callable[[File], Iterable[Entry]]
    compose: Callable[[Stated, Draft], None]
    later: bool = False
    last: bool = False
    sites: Callable[[Stated], Sequence[Value]] = lambda _: ()

    @property
    def by_name(self) -> Mapping[str, Field]:
        """Fields by their spellings."""
        named = {name: field for field in self.fields for name in field.names}
        return MappingProxyType(named)


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the files of one format say, or what the product takes instead."""

    format: Format
    files: tuple[File, ...]
    version: str

    @property
    def product(self) -> str:
        """The product and the version that is assumed."""
        return f"{self.format.product} {self.version}"

    def only(self, wanted: Callable[[Entry], bool]) -> Stated:
        """Return what some of the entries say."""
        files = (
            replace(f, entries=tuple(filter(wanted, f.entries))) for f in self.files
        )
        return replace(self, files=tuple(files))

    def apart(self) -> Iterator[Stated]:
        """Yield what each file says by itself."""
        return (replace(self, files=(file,)) for file in self.files)

    @property
    def names(self) -> set[str]:
        """Fields of which the files say something."""
        return {entry.name for file in self.files for entry in file.entries}

    def entries(self, name: str) -> Iterator[tuple[File, Entry]]:
        """Yield all that the files say of a field, in their order."""
        names = self.format.by_name[name].names
        for file in self.files:
            for entry in file.entries:
                if entry.name in names:
                    yield file, entry

    def all(self, name: str) -> list[Value]:
        """Return every value that the files give a field."""
        return [self.read(file, entry) for file, entry in self.entries(name)]

    def given(self, name: str) -> Value | None:
        """Return what the files say of a field; None if nothing."""
        for file in self.files:
            own = [x for x in file.entries if x.name in self.format.by_name[name].names]
            if own:
                return self.read(file, own[-1 if self.format.last else 0])
        return None

    def __getitem__(self, name: str) -> Value:
        """Return what the files say of a field, or its default."""
        return self.given(name) or self.default(name)

    def default(self, name: str) -> Value:
        """Return the default of a field."""
        known = self.format.by_name[name]
        taken = known.default(self.version)
        if taken is None:
            raise ValueError(f"{name} is missing, and {self.product} has no default")
        return Value(
            value=known.read(taken.raw),
            name=known.names[0],
            default=taken,
            product=self.product,
        )

    def read(self, file: File, entry: Entry) -> Value:
        """Return the value of an entry, or raise ValueError naming its place."""
        known = self.format.by_name[entry.name]
        where = file.where(entry)
        held = _PLACEHOLDER.search(entry.raw)
        if held:
            said = "must be a value, got a placeholder; fill it in, then read the file"
            raise ValueError(f"{where}: {entry.name}: {said}")
        try:
            value = known.read(entry.raw)
        except ValueError as refused:
            raise ValueError(f"{where}: {entry.name}: {refused}") from None
        return Value(value=value, name=entry.name, where=where)

    def refuse(self, value: Value, said: str) -> ValueError:
        """Return the error that a value is impossible."""
        place = value.where or f"default of {self.product}"
        return ValueError(f"{place}: {value.name}: {said}")


def flat(node: TreeNode, within: str = "") -> Iterator[Entry]:
    """Yield the scalars of a tree by their paths, such as `a.b[0].c`."""
    if isinstance(node.value, dict):
        for key, inner in node.fields.items():
            yield from flat(inner, f"{within}.{key}" if within else key)
    elif isinstance(node.value, list):
        for place, inner in enumerate(node.value):
            yield from flat(inner, f"{within}[{place}]")
    else:
        yield Entry(within, node.raw, node.line)


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare.

    Examples
    --------
    >>> number("8.0.21") > number("8.0.3"), number("")
    (True, ())
    """
    return tuple(int(part) for part in re.findall(r"\d+", version))


def cited(source: str) -> str:
    """Return a source in words: of a fact its title and year."""
    if not _is_fact(source):
        return source
    known = fact(source)
    return f"{source}, {known.source_title}, {known.year}"


def _is_fact(source: str) -> bool:
    return re.fullmatch(r"[A-Z]+-\d+", source) is not None
