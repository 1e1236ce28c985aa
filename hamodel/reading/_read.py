"""Files in, a system file out."""

from __future__ import annotations

import json
import os
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from hamodel import _check
from hamodel._fields import nested
from hamodel.reading._core import Draft, File, Format, Note, Stated
from hamodel.reading._texts import refuse_templates
from hamodel.reading.cassandra import CASSANDRA
from hamodel.reading.consul import CONSUL
from hamodel.reading.etcd import ETCD
from hamodel.reading.haproxy import HAPROXY
from hamodel.reading.kubernetes import KUBERNETES
from hamodel.reading.libpq import LIBPQ
from hamodel.reading.mysql import MYSQL
from hamodel.reading.patroni import PATRONI
from hamodel.reading.pgbouncer import PGBOUNCER
from hamodel.reading.redis import REDIS
from hamodel.reading.terraform import TERRAFORM
from hamodel.specfile import Spec, SpecError, presets, read

FORMATS = (
    *(TERRAFORM, ETCD, KUBERNETES, PATRONI, REDIS, CONSUL, MYSQL, CASSANDRA),
    *(HAPROXY, PGBOUNCER, LIBPQ),
)

#: What is made of the files, while it is read in its turn.
_AS_READ = Path("as read.yaml")
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What files of a real system say.

    Attributes
    ----------
    text : str
        The system file, with its notes as comments.
    spec : Spec
        The system, as `hamodel.load` would return it.
    used, assumed, homeless, unknown, warnings : tuple of Note
        Fields that the system is made of; defaults that stand for what is not said;
        fields that matter and have no place in the models; fields that are not known
        here; rules of the product that are broken.
    """

    text: str
    spec: Spec
    used: tuple[Note, ...]
    assumed: tuple[Note, ...]
    homeless: tuple[Note, ...]
    unknown: tuple[Note, ...]
    warnings: tuple[Note, ...]


def recognised(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is one of a product that is read here.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    bool
        False too if it cannot be read.
    """
    try:
        file = _file(Path(path), Path(path).name)
    except ValueError:
        return False
    return _format(file) is not None


def read_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    versions: Mapping[str, str] = _NONE,
    extends: str = "",
    title: str = "",
) -> Reading:
    r"""Read the files of a real system.

    Parameters
    ----------
    paths : sequence of str or path
        Configuration files of one system: of the database, of what leads to it.
    versions : mapping of str to str
        Versions of products, such as {"patroni": "2.1"}, for what they take where
        nothing is said.
    extends : str
        The preset that the system extends, where the files do not tell.
    title : str
        What the system is called; by default as its files.

    Raises
    ------
    ValueError
        Naming file, line and field: if a file cannot be read, is of no known kind, is
        a template, or holds what the product itself would refuse; or if the files are
        of two systems, or of none.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "patroni.yml"
    >>> size = file.write_text("scope: orders\nttl: 40\nloop_wait: 5\n")
    >>> found = read_files([file])
    >>> found.spec.architecture.failover.mechanisms["detection"].ttl
    40.0
    >>> found.used[0]
    Note(where='patroni.yml:2', name='ttl', said='')
    """
    files = _files([Path(path) for path in paths])
    groups = _grouped(files)
    _check_versions(versions, groups)
    draft = Draft(base=extends, title=title or ", ".join(file.name for file in files))
    if extends and extends not in presets():
        raise ValueError(f"--extends must be a preset, got {extends!r:.60}")
    every = [
        Stated(format=k, files=tuple(theirs), version=versions.get(k.name, k.version))
        for k, theirs in groups.items()
    ]
    for found in every:
        draft.sites = draft.sites or list(found.format.sites(found))
    for found in every:
        found.format.compose(found, draft)
    for found in every:
        _sort_out(found, draft)
    text = rendered(draft)
    return Reading(
        text=text,
        spec=_spec(text, draft),
        used=tuple(draft.used.values()),
        assumed=tuple(draft.assumed.values()),
        homeless=tuple(dict.fromkeys(draft.homeless)),
        unknown=tuple(draft.unknown),
        warnings=tuple(draft.warnings),
    )


def _files(paths: Sequence[Path]) -> list[File]:
    if not paths:
        raise ValueError("there must be at least one file to read")
    names = [path.name for path in paths]
    return [
        _file(path, path.name if names.count(path.name) == 1 else str(path))
        for path in paths
    ]


def _file(path: Path, name: str) -> File:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as refused:
        why = refused.strerror or type(refused).__name__
        raise ValueError(f"{path} cannot be read: {why}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} must be UTF-8 text") from None
    if not text.strip():
        raise ValueError(f"{path} is empty")
    if "\0" in text:
        raise ValueError(f"{path} must be text, and holds a byte of zero")
    return File(name=name, path=path, text=text)


def _format(file: File) -> Format | None:
    return next((f for f in FORMATS if f.knows(file.path.name, file.text)), None)


def _grouped(files: Iterable[File]) -> dict[Format, list[File]]:
    """Return the files by their format, the system's first."""
    groups: dict[Format, list[File]] = {}
    for file in files:
        kind = _format(file)
        if kind is None:
            known = ", ".join(dict.fromkeys(f.product for f in FORMATS))
            if re.search(r"(?m)^(extends|architecture|structure)\s*:", file.text):
                raise ValueError(
                    f"{file.path} is a system's file already, and stands alone: assess "
                    "takes one, compare and decide several"
                )
            raise ValueError(
                f"{file.path} is none of the files that are read: {known}; nor a "
                "system's file, which has `extends` or `architecture`"
            )
        refuse_templates(file)
        parsed = replace(file, entries=tuple(kind.parse(file)))
        groups.setdefault(kind, []).append(parsed)
    systems = [kind for kind in groups if not kind.later]
    if len(systems) > 1:
        of = " and ".join(f"{groups[k][0].name} ({k.product})" for k in systems)
        raise ValueError(f"{of} are two systems; read them apart")
    return dict(sorted(groups.items(), key=lambda item: item[0].later))


def _check_versions(
    versions: Mapping[str, str], groups: Mapping[Format, object]
) -> None:
    known = [kind.name for kind in groups]
    for name, version in versions.items():
        if name not in known:
            listed, hint = ", ".join(known), _check.hint(name, known)
            raise ValueError(
                f"--assume must name one of {listed}, got {name!r:.40}{hint}"
            )
        if not re.fullmatch(r"\d+(\.\d+)*", version):
            raise ValueError(
                f"--assume {name} must be a version such as 3.2, got {version!r:.40}"
            )


def _sort_out(stated: Stated, draft: Draft) -> None:
    """Note what the system was not made of: of no place, or not known."""
    known = stated.format.by_name
    for file in stated.files:
        names = []
        for entry in file.entries:
            place = (file.where(entry), entry.name)
            if place in draft.used:
                continue
            field = known.get(entry.name)
            if field is not None:
                why = field.why or f"not used here: {field.to}"
                draft.homeless.append(Note(place[0], entry.name, why))
            else:
                names.append(f"{entry.name} ({entry.place or entry.line})")
                _guess(stated, draft, Note(place[0], entry.name))
        if names:
            draft.unknown.append(Note(file.name, "", ", ".join(dict.fromkeys(names))))


def _guess(stated: Stated, draft: Draft, unknown: Note) -> None:
    """Warn of a name that is a slip of the pen away from one that is known."""
    for name in stated.format.by_name:
        if _slip(name, unknown.name) and not any(stated.entries(name)):
            draft.warnings.append(
                unknown._replace(said=f"is not known; did you mean {name}?")
            )
            return


def _slip(one: str, other: str) -> bool:
    """Tell whether a letter is wrong, missing or too many, or two are swapped."""
    if min(len(one), len(other)) < 3 or abs(len(one) - len(other)) > 1:
        return False
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) == 1 or (len(one) == 2 and one == other[::-1])


def _spec(text: str, draft: Draft) -> Spec:
    """Return the system of a text; its mistakes are told where the files have them."""
    if not draft.base and "architecture" not in draft.leaves:
        raise ValueError(
            "these files tell the way to a database, and not which one; give its file "
            "as well, or a preset with --extends"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the draft has them, with their places
            spec = read(_AS_READ, text)
        own = _AS_READ.stem  # lines in a file that nobody has
        sources = {
            k: replace(x, place="") if x.place.startswith(own) else x
            for k, x in spec.sources.items()
        }
        return replace(spec, sources=sources)
    except SpecError as mistake:
        told = [_told(p.field, p.message, draft) for p in mistake.problems]
        raise ValueError("\n".join(dict.fromkeys(told))) from None


def _told(field: str, message: str, draft: Draft) -> str:
    """Return a mistake of the system file as one of the files it was read from."""
    for path, (_, carried) in draft.leaves.items():
        if path.endswith(field) or field.startswith(path):
            where, _, name = carried.get("from", "").partition(" ")
            if where:
                return f"{where}: {name}: {message} ({field})"
    places = [c["from"] for _, c in draft.leaves.values() if "from" in c]
    return f"{field}: {message} (from {'; '.join(places[:4])})"


# ---- the system file ----------------------------------------------------------------


_PLAIN = re.compile(
    r"[A-Za-z0-9_./](?:[A-Za-z0-9_./()+*%@-]|:(?=[0-9A-Za-z])| (?=[A-Za-z0-9_./(]))*"
)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "~"})
_SAID = (
    ("warnings", "Warnings"),
    ("used", "Used"),
    ("homeless", "Without a place in the model"),
    ("assumed", "Assumed, for not stated"),
    ("unknown", "Not known to this reader, and kept out"),
)


def rendered(draft: Draft) -> str:
    """Return the YAML of a draft, with what is to be said as comments."""
    lines = [f"title: {_scalar(draft.title)}"]
    if draft.base:
        lines.append(f"extends: {draft.base}")
    lines += _mapping(nested(draft.leaves), 0)
    for name, heading in _SAID:
        found = getattr(draft, name)
        notes = found.values() if isinstance(found, dict) else found
        lines += _comment(heading, notes)
    return "\n".join(lines) + "\n"


def _mapping(tree: Mapping[str, object], depth: int) -> Iterator[str]:
    space = "  " * depth
    for key, inner in tree.items():
        if isinstance(inner, dict):
            yield f"{space}{_scalar(key)}:"
            yield from _mapping(inner, depth + 1)
            continue
        assert isinstance(inner, tuple)
        value, carried = inner
        if isinstance(value, list) and not carried and _explained(value):
            yield f"{space}{_scalar(key)}:"
            for item in value:
                first, *others = _mapping(item, depth + 2)
                yield f"{space}  - {first.strip()}"
                yield from others
            continue
        if not carried:
            yield f"{space}{_scalar(key)}: {_flow(value)}"
            continue
        yield f"{space}{_scalar(key)}:"
        yield f"{space}  value: {_flow(value)}"
        for word, said in carried.items():
            yield f"{space}  {word}: {_scalar(said)}"


def _explained(items: list[object]) -> bool:
    """Tell whether the values of each item carry where they come from."""
    return all(
        isinstance(item, dict) and all(isinstance(x, tuple) for x in item.values())
        for item in items
    )


def _flow(value: object) -> str:
    if isinstance(value, dict):
        inner = (f"{_scalar(key)}: {_flow(x)}" for key, x in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return _scalar(value)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return str(value)
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)


def _comment(heading: str, notes: Iterable[Note]) -> Iterator[str]:
    listed = list(dict.fromkeys(map(str, notes)))
    if listed:
        yield ""
        yield f"# {heading}:"
    for said in listed:
        yield from textwrap.wrap(
            said,
            88,
            initial_indent="# - ",
            subsequent_indent="#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
