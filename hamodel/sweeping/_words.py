"""What parameters are called and measured in, read from where they are documented."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any, NamedTuple

from hamodel._fields import value_at

_SECTION = re.compile(
    r"(?ms)^(?:Attributes|Parameters)\n-+\n(.*?)(?=^\w[\w ]*\n---|\Z)"
)
_FIELD = re.compile(r"(?m)^(\w[\w, ]*) : .*\n((?:[ \t]+.*\n?|\n(?=[ \t]))+)")
_UNIT = re.compile(r" in (1/s|s)\b")


class Words(NamedTuple):
    """What a parameter is, and its unit; 1 for a share or a number."""

    label: str
    unit: str


def words(spec: object, path: str) -> Words:
    """Return the words for a field by its path."""
    owner, _, last = path.rpartition(".")
    kind: Any = type(value_at(spec, owner) if owner else spec)
    if last == "mtbf":
        found = Words("mean time between failures", "s")
    else:
        found = _documented(kind).get(last, Words(last.replace("_", " "), "1"))
    whole = owner.replace(".node", "").replace(".", " ")
    return found._replace(label=f"{whole}: {found.label}") if whole else found


@cache
def _documented(kind: type) -> dict[str, Words]:
    """Read the fields of a specification from its documentation."""
    found = {}
    for section in _SECTION.findall(f"{inspect.getdoc(kind) or ''}\n"):
        for names, lines in _FIELD.findall(f"{section}\n"):
            for name in names.split(", "):
                read = _read(" ".join(lines.split()))
                a_value = read.label.startswith('"')  # the first of its choices
                found[name] = Words(name, "1") if a_value else read
    return found


def _read(text: str) -> Words:
    unit = _UNIT.search(text)
    text = re.split(r"[.,;:](?:\s|$)", text.replace("`", ""))[0]
    label = _UNIT.sub("", text).strip()
    return Words(label[:1].lower() + label[1:], unit[1] if unit else "1")
