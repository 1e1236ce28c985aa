"""A file in, a system and what is asked of it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamodel import _html, text
from hamodel._fields import paths
from hamodel.catalogue import system, systems
from hamodel.catalogue._kinds import KINDS, name_of
from hamodel.decision import Requirements
from hamodel.duration import Duration
from hamodel.specfile._errors import Problem, SpecError
from hamodel.specfile._fields import kind_of, settable
from hamodel.specfile._read import Reader, is_wrong, place, unknown
from hamodel.workload import Workload

if TYPE_CHECKING:
    import os

    from hamodel.uncertainty import Belief

_HEAD = ("title", "summary", "extends", "architecture", "workload", "requirements")


@dataclass(frozen=True, kw_only=True, eq=False)
class Spec:
    """A system as a file describes it.

    Attributes
    ----------
    title, summary : str
        What it is.
    path : Path
        The file.
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        How it is run.
    workload : Workload
        What is asked of it.
    requirements : Requirements or None
        What it must keep.
    uncertain : mapping of str to Belief
        What is believed of parameters, by their paths; their medians are in the
        architecture.
    lines : mapping of str to int
        Line of the file, from 1, that sets a parameter.
    base : str
        What it extends; empty if nothing.
    """

    title: str
    summary: str
    path: Path
    architecture: Any
    workload: Workload
    requirements: Requirements | None
    uncertain: Mapping[str, Belief] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    base: str = ""

    @property
    def parameters(self) -> list[tuple[str, str, str]]:
        """Every number with what it is taken from: a line, the base or a default."""
        known = _sources(self.base)
        rows = []
        for path, value in paths(self.architecture):
            if _is_value(value):
                kind = _kind(self.architecture, path)
                source = self._source(path, known)
                rows.append((path, _shown(value, kind), source))
        return rows

    def _source(self, path: str, known: Mapping[str, str]) -> str:
        if path in self.lines:
            return f"{self.path.name}:{self.lines[path]}"
        return known.get(path, "default")

    def _repr_html_(self) -> str:
        header = ("parameter", "value", "from")
        return _html.table(self.parameters, header=header, caption=self.title)


def load(path: str | os.PathLike[str]) -> Spec:
    """Read a system from a YAML file.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Spec
        Architecture, workload, requirements, and where each number stands.

    Raises
    ------
    SpecError
        If the file cannot be read or describes no system: every mistake with its
        line, field, limit, value and the nearest right spelling.

    Notes
    -----
    `hamodel.specfile.starter()` is a commented example, `schema()` tells an editor
    what may stand where.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> file = folder / "orders.yaml"
    >>> written = file.write_text('''
    ... title: Orders
    ... extends: postgresql-patroni
    ... sites: [fra, dub]
    ... failover: {coverage: 97 %}
    ... workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
    ... requirements: {availability: 99.95 %, rto_p95: 1 min}
    ... ''')
    >>> orders = load(file)
    >>> orders.architecture.failover.coverage, orders.requirements
    (0.97, Requirements(availability 99.95 %, rto_p95 1 min))
    """
    return _load(Path(path), ())


def _load(path: Path, above: tuple[Path, ...]) -> Spec:
    content = _parsed(path)
    reader = Reader()
    if not isinstance(content, Mapping):
        said = "the file must hold fields such as title and architecture"
        raise SpecError(path, [Problem(1, 1, "", said)])
    base = _base(content, path, above)
    made = _kind_of_file(content, path, base)
    known = [*_HEAD, *settable(made)]
    for key in content:
        if key not in known:
            reader.wrong(content, key, str(key), unknown(key, known))
    architecture = _architecture(reader, made, content, base)
    load_before = Workload() if base is None else base.workload
    workload = _part(reader, Workload, content, "workload", load_before)
    need = _requirements(reader, content, base)
    if reader.problems:
        raise SpecError(path, reader.problems)
    spec = Spec(
        title=str(content.get("title", base.title if base else path.stem)),
        summary=str(content.get("summary", base.summary if base else "")),
        path=path,
        architecture=architecture,
        workload=workload,
        requirements=need,
        uncertain={**(base.uncertain if base else {}), **reader.beliefs},
        lines=reader.lines,
        base=str(content.get("extends", "")),
    )
    _check_sites(spec, content)
    return spec


def _parsed(path: Path) -> Any:  # noqa: ANN401
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        return YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as refused:
        said = f"cannot be read: {refused.strerror}"
        raise SpecError(path, [Problem(1, 1, "", said)]) from None
    except UnicodeDecodeError:
        raise SpecError(path, [Problem(1, 1, "", "must be UTF-8 text")]) from None
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = str(broken.problem or broken.context).strip()
        raise SpecError(path, [Problem(line, column, "", said)]) from None


def _base(content: Any, path: Path, above: tuple[Path, ...]) -> Spec | None:  # noqa: ANN401
    """Return what the file extends: a preset, or another file beside it."""
    if "extends" not in content:
        return None
    name = str(content["extends"])
    if name in systems():
        return preset(name)
    line, column = place(content, "extends")
    other = path.parent / name
    here = path.resolve()
    if other.suffix not in (".yaml", ".yml") or not other.exists():
        said = f"{name!r} {unknown(name, systems())}; or a file that is there"
        raise SpecError(path, [Problem(line, column, "extends", said)])
    if other.resolve() in (here, *above):
        said = f"{name!r} extends this file in turn"
        raise SpecError(path, [Problem(line, column, "extends", said)])
    return _load(other, (*above, here))


def preset(name: str) -> Spec:
    """Return a preset as if it had been a file.

    Parameters
    ----------
    name : str
        One of `hamodel.catalogue.systems()`.

    Returns
    -------
    Spec
        With the default workload and no requirements.
    """
    found = system(name)
    return Spec(
        title=found.title,
        summary=found.summary,
        path=Path(f"{name}.yaml"),
        architecture=found.architecture(),
        workload=Workload(),
        requirements=None,
        base=name,
    )


def _kind_of_file(content: Any, path: Path, base: Spec | None) -> type:  # noqa: ANN401
    if "architecture" not in content:
        if base is not None:
            return type(base.architecture)
        said = f"is missing: one of {', '.join(KINDS)}, or extends: a preset"
        raise SpecError(path, [Problem(*place(content), "architecture", said)])
    name = content["architecture"]
    line, column = place(content, "architecture")
    if name not in KINDS:
        said = f"{name!r} {unknown(name, list(KINDS))}"
        raise SpecError(path, [Problem(line, column, "architecture", said)])
    if base is not None and KINDS[name] is not type(base.architecture):
        said = f"must be {name_of(base.architecture)} as what it extends, got {name}"
        raise SpecError(path, [Problem(line, column, "architecture", said)])
    return KINDS[name]


def _architecture(reader: Reader, made: type, content: Any, base: Spec | None) -> Any:  # noqa: ANN401
    """Read the fields of the architecture that stand at the top of the file."""
    names = settable(made)
    own = _Fields(content, [key for key in content if key in names])
    return reader.spec(made, own, "", base.architecture if base else None)


class _Fields(Mapping[str, Any]):
    """Some of the fields of a node, with their places."""

    def __init__(self, node: Any, keys: list[str]) -> None:  # noqa: ANN401
        self._node, self._keys, self.lc = node, keys, node.lc

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401
        if key not in self._keys:
            raise KeyError(key)
        return self._node[key]

    def __iter__(self) -> Any:  # noqa: ANN401
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _part(reader: Reader, made: type, content: Any, key: str, base: Any) -> Any:  # noqa: ANN401
    """Read the workload or the requirements, on top of the base's."""
    if content.get(key) is None:
        return base
    try:
        found = reader.spec(made, content[key], f"{key}.", base)
    except ValueError as mistake:
        reader.wrong(content, key, key, str(mistake))
        return base
    return base if is_wrong(found) else found


def _requirements(
    reader: Reader,
    content: Any,  # noqa: ANN401
    base: Spec | None,
) -> Requirements | None:
    held = base.requirements if base else None
    if content.get("requirements") is None:
        return held
    start = held if held is not None else Requirements()
    found: Requirements = _part(reader, Requirements, content, "requirements", start)
    return found


def _check_sites(spec: Spec, content: Any) -> None:  # noqa: ANN401
    """Raise if clients or latencies are given for a site that does not serve."""
    sites = tuple(spec.architecture.sites)
    for key, check in (
        ("workload", lambda: spec.workload.shares(sites)),
        ("requirements", lambda: spec.requirements and spec.requirements.limits(sites)),
    ):
        try:
            check()
        except ValueError as mistake:
            line, column = place(content, key)
            raise SpecError(
                spec.path, [Problem(line, column, key, str(mistake))]
            ) from None


def _sources(base: str) -> dict[str, str]:
    if base not in systems():
        return {}
    return {p.name: f"{base}, {p.source}" for p in system(base).parameters}


def _is_value(value: object) -> bool:
    if isinstance(value, bool):
        return True
    return isinstance(value, (int, float, str, tuple, Duration, dict))


def _kind(spec: Any, path: str) -> str:  # noqa: ANN401
    *outer, last = path.split(".")
    for name in outer:
        spec = getattr(spec, name)
    return kind_of(type(spec), last)


def _shown(value: Any, kind: str) -> str:  # noqa: ANN401
    if isinstance(value, Duration):
        return f"{text.time(float(value.mean))} on average"
    if isinstance(value, (bool, str, tuple, dict)):
        return ", ".join(value) if isinstance(value, tuple) else str(value)
    if kind in ("time", "mean time"):
        return text.time(float(value))
    return f"{value:g}" + ("/s" if kind == "rate" else "")
