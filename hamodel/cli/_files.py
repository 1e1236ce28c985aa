"""What a command is given: a file, a preset's name, or standard input, with changes."""

from __future__ import annotations

import difflib
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from hamodel._fields import nested
from hamodel.specfile import Problem, Spec, SpecError, load, parsed, preset, presets

INPUT = "-"
_SHOWN = Path("standard input")
#: Files that only this program sees, as people are told of them.
_CALLED = {
    "-set-.yaml": "--set",
    "-input-.yaml": str(_SHOWN),
    **{f"-pipe{k or ''}-.yaml": "a pipe" for k in range(9)},
    "-read-.yaml": "",
    "as read.yaml": "",
}
_MOST = 10_000_000  # letters of standard input or of a pipe


def opened(
    names: str | Sequence[str],
    changes: Sequence[str] = (),
    versions: Sequence[str] = (),
) -> Spec:
    """Return a system: that of a file, of a preset, or of standard input for "-".

    Configuration files of products are read as `hamodel read` does; several of them
    are one system.  `changes` are written PATH=VALUE, as a file would say them, and
    `versions` of products NAME=VERSION.
    """
    files = (names,) if isinstance(names, str) else tuple(names)
    name = files[0]
    if len(files) > 1 or _is_of_a_product(name):
        with settled(files, ".yaml") as real:
            return _as_read(real, changes, versions_of(versions), shown(name))
    if versions:
        said = "--assume is for the configuration files of a product, and"
        raise ValueError(f"{said} {shown(name)} is none")
    with _path(name) as given:
        if not changes:
            return _loaded(given, name)
        wanted = _nested(changes)
        _loaded(given, name)  # so that its own mistakes are told as its own
        return changed(given, wanted, str(shown(name)))


def each(names: Sequence[str], versions: Sequence[str]) -> list[Spec]:
    """Return several systems; versions go with those that are a product's files."""
    pairs = versions_by_file(names, versions)
    return [opened(name, versions=assumed) for name, assumed in pairs]


def versions_by_file(
    names: Sequence[str], versions: Sequence[str]
) -> list[tuple[str, Sequence[str]]]:
    """Return each file with the versions that it is read by."""
    of_products = [bool(versions) and _is_of_a_product(name) for name in names]
    if versions and not any(of_products):
        said = "--assume is for the configuration files of a product, and"
        raise ValueError(f"{said} none of {', '.join(map(str, map(shown, names)))} is")
    pairs = zip(names, of_products, strict=True)
    return [(name, versions if is_one else ()) for name, is_one in pairs]


def versions_of(given: Sequence[str]) -> dict[str, str]:
    """Return {NAME: VERSION} of NAME=VERSION."""
    found = {}
    for words in given:
        name, equals, version = words.partition("=")
        if not equals:
            raise ValueError(f"--assume must be NAME=VERSION, got {words!r:.60}")
        found[name.strip()] = version.strip()
    return found


def _is_of_a_product(name: str) -> bool:
    """Tell whether a file is no system's file, but one that can be made into one."""
    if not is_piped(name) and not Path(name).is_file():
        return False
    if any(holds(name, key) for key in ("extends", "architecture", "structure")):
        return False
    from hamodel.reading import recognised

    with settled([name], ".yaml") as (real,):
        return recognised(real)


def _as_read(
    files: Sequence[str],
    changes: Sequence[str],
    versions: Mapping[str, str],
    label: Path,
) -> Spec:
    """Return the system that configuration files describe; warnings go to stderr."""
    from hamodel.reading import read_files

    title = str(label) if str(label) != files[0] and len(files) == 1 else ""
    reading = read_files(files, versions=versions, title=title)
    for note in reading.warnings:
        click.echo(f"! {named(str(note))}", err=True)
    if not changes:
        return _called(replace(reading.spec, path=label))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "-read-.yaml"
        path.write_text(reading.text, encoding="utf-8")
        return changed(str(path), _nested(changes), str(label))


def changed(base: str, wanted: Mapping[str, object], label: str = "") -> Spec:
    """Return what extends a file or a preset and sets some fields anew."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "-set-.yaml"
        whole = str(Path(base).resolve()) if Path(base).is_file() else base
        path.write_text(json.dumps({"extends": whole, **wanted}), encoding="utf-8")
        try:
            return _called(replace(load(path), path=Path(label or base)))
        except SpecError as mistake:
            if mistake.path != path:
                raise
            said = "\n".join(_said(problem, base) for problem in mistake.problems)
            raise ValueError(said) from None


def _said(problem: Problem, base: str) -> str:
    """Return a mistake of a change, with the place of a value that is at odds."""
    words, _, within = problem.message.partition(" (in ")
    name = within.removesuffix(")")
    if name in _CALLED:
        place = _CALLED[name] or _origin(Path(base), problem.line)
    elif name and name == Path(base).name:
        place = f"{name}:{problem.line}"
    else:
        place = name
    return f"{problem.field}: {words}" + (f" (in {place})" if place else "")


def _origin(path: Path, line: int) -> str:
    """Return where a value of a file as read stood before: `from`, below its name."""
    lines = path.read_text(encoding="utf-8").splitlines()[line : line + 2]
    found = re.search(r'from: "?(\S+)', "\n".join(lines))
    return found[1] if found else ""


def _called(spec: Spec) -> Spec:
    """Return a system whose values do not name files that nobody has."""
    sources = {
        path: replace(source, place=named(source.place), origin=named(source.origin))
        for path, source in spec.sources.items()
    }
    return replace(spec, sources=sources)


def named(words: str) -> str:
    """Return words with files that nobody has as people are told of them."""
    for file, called in _CALLED.items():
        line = r"\1" if called in (str(_SHOWN), "a pipe") else ""
        words = re.sub(rf"{re.escape(file)}(:\d+)?", f"{called}{line}", words)
    return words


def text_of(name: str) -> str:
    """Return the text of a file, pipe or standard input; of a preset there is none."""
    if is_piped(name):
        return _piped(name)
    path = Path(name)
    try:
        return path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    except UnicodeDecodeError:
        return ""


def holds(name: str, key: str) -> bool:
    """Tell whether a file has a field at its top, such as `structure`."""
    return re.search(rf"(?m)^{key}\s*:", text_of(name)) is not None


def starter_of(name: str) -> str:
    """Return a short commented file that extends a preset."""
    if name not in presets():
        raise ValueError(f"there is no preset {name}{hint(name, presets())}")
    found = preset(name)
    sites = ", ".join(found.architecture.sites)
    return f"""\
# yaml-language-server: $schema=hamodel.schema.json
# The line above is for editors:  hamodel schema > hamodel.schema.json
# {found.title}: {" ".join(found.summary.split())}
# `hamodel presets {name}` shows every number and what it stands on.
title: {json.dumps(found.title)}
extends: {name}

# What is different at your place; a field that is left out is the preset's.
# database: {{mttf: 6/yr, mttr: 3 h}}
# failover: {{coverage: 99 %}}

# Clients come from these sites: {sites}
workload:
  reads: 900/s
  writes: 100/s

# What it must keep; `hamodel assess` ends with exit code 1 if it does not.
requirements:
  availability: 99.9 %
"""


def hint(word: str, known: Sequence[str]) -> str:
    """Return the nearest of some words, to end a message with."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _loaded(given: str, name: str) -> Spec:
    if is_piped(name):
        return _called(replace(load(given), path=shown(name)))
    return load(given) if Path(given).is_file() else _preset(given)


def _preset(name: str) -> Spec:
    """Return a preset, called by its name and not by where it is installed."""
    return replace(preset(name), path=Path(name))


@contextmanager
def _path(name: str) -> Iterator[str]:
    """Yield the path of a file, or the name of a preset."""
    if is_piped(name):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / ("-input-.yaml" if name == INPUT else "-pipe-.yaml")
            path.write_text(_at_home(_piped(name)), encoding="utf-8")
            try:
                yield str(path)
            except SpecError as mistake:
                if mistake.path != path:
                    raise
                raise SpecError(shown(name), list(mistake.problems)) from None
    elif Path(name).is_file() or name in presets():
        yield name
    elif Path(name).is_dir():
        raise ValueError(f"{name} is a folder; name the files in it")
    else:
        said = f"there is no file {name}, and no preset of that name"
        raise ValueError(f"{said}{hint(name, presets())}")


def is_piped(name: str) -> bool:
    """Tell whether a name is standard input or a pipe, such as a shell's <(…)."""
    return name == INPUT or Path(name).is_fifo()


def shown(name: str) -> Path:
    """Return what messages call a file."""
    return _SHOWN if name == INPUT else Path(name)


def _piped(name: str) -> str:
    """Return what a pipe holds: it is read once, and kept as long as a command runs."""
    context = click.get_current_context(silent=True)
    kept = {} if context is None else context.meta.setdefault(__name__, {})
    if name not in kept:
        kept[name] = _drained(name)
    return str(kept[name])


def _drained(name: str) -> str:
    try:
        if name == INPUT:
            if sys.stdin is None:  # closed by the shell
                raise ValueError("standard input is closed")
            given: bytes = sys.stdin.buffer.read(4 * _MOST)
            found = given.decode("utf-8-sig")
        else:
            with Path(name).open(encoding="utf-8-sig") as pipe:
                found = pipe.read(_MOST + 1)
    except UnicodeDecodeError:
        raise ValueError(f"{shown(name)} must be UTF-8 text") from None
    if len(found) > _MOST:
        raise ValueError(f"{shown(name)} must be <= {_MOST} letters")
    return found


@contextmanager
def settled(names: Sequence[str], suffix: str = "") -> Iterator[list[str]]:
    """Yield files that can be read again and again: what is piped becomes one.

    Its name ends as `suffix` says; by default in .json or .csv, by what it holds.
    """
    with tempfile.TemporaryDirectory() as folder:
        found, called = [], {}
        for k, name in enumerate(names):
            path = name
            if is_piped(name):
                held = _piped(name)
                json_ = held.lstrip()[:1] in ("{", "[")
                end = suffix or (".json" if json_ else ".csv")
                word = "-input-" if name == INPUT else f"-pipe{k or ''}-"
                path = str(Path(folder) / f"{word}{end}")
                Path(path).write_text(held, encoding="utf-8")
                called[path] = str(shown(name))
            found.append(path)
        try:
            yield found
        except ValueError as mistake:
            said = str(mistake)
            for path, word in called.items():
                said = said.replace(path, word)
            raise ValueError(said) from None


def _at_home(content: str) -> str:
    """Let a relative file that is extended be one of this folder."""

    def whole(match: re.Match[str]) -> str:
        return f"{match[1]}{Path(match[2]).resolve()}"

    return re.sub(r"(?m)^(extends\s*:\s*)(\S+\.ya?ml)", whole, content)


def _nested(changes: Sequence[str]) -> dict[str, object]:
    """Return {field: {field: value}} of PATH=VALUE."""
    found: dict[str, object] = {}
    for change in changes:
        path, equals, value = change.partition("=")
        path = path.strip().replace("__", ".")
        if not equals or not all(path.split(".")) or not value.strip():
            raise ValueError(f"--set must be PATH=VALUE, got {change!r}")
        try:
            found[path] = parsed(Path("--set"), value).plain()
        except SpecError:
            found[path] = value.strip()
    try:
        return nested(found)
    except ValueError as refused:
        raise ValueError(f"--set {refused}") from None
