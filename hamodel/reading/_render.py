"""A sheet as the text of a system file."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hamodel.reading._core import Draft, Note

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


def rendered(sheet: Draft) -> str:
    """Return the YAML of a sheet, with what is to be said as comments."""
    lines = [f"title: {_scalar(sheet.title)}"]
    if sheet.base:
        lines.append(f"extends: {sheet.base}")
    tree: dict[str, object] = {}
    for path, leaf in sheet.leaves.items():
        inner = tree
        *owners, last = path.split(".")
        for name in owners:
            below = inner.setdefault(name, {})
            assert isinstance(below, dict)
            inner = below
        inner[last] = leaf
    lines += _mapping(tree, 0)
    for name, heading in _SAID:
        found = getattr(sheet, name)
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
        if not carried:
            yield f"{space}{_scalar(key)}: {_flow(value)}"
            continue
        yield f"{space}{_scalar(key)}:"
        yield f"{space}  value: {_flow(value)}"
        for word, said in carried.items():
            yield f"{space}  {word}: {_scalar(said)}"


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
