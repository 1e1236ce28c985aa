"""Docstrings of specifications: what the definitions of the fields say is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hamodel._types import Value


def filled(doc: str, told: Mapping[str, str]) -> str:
    """Return a docstring with an entry for each field, its own where it has one."""
    head, *parts = re.split(r"(?m)^(\w+)\n-+\n", doc)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    name = "Parameters"
    if name not in sections and "Attributes" in sections:
        name = "Attributes"
    own: dict[str, str] = {}
    for entry in re.split(r"(?m)^(?=\S)", sections.pop(name, "")):
        names, _, _ = entry.partition(" : ")
        own |= dict.fromkeys(names.split(", "), entry.rstrip())
    entries = dict.fromkeys((dict(told) | own).values())
    found = {name: "\n".join(filter(None, entries))}
    found |= {"Raises": "ValueError\n    If a field is beyond its limits."} | sections
    texts = [f"{title}\n{'-' * len(title)}\n{text}" for title, text in found.items()]
    return "\n\n".join(text.rstrip() for text in (head, *texts)) + "\n"


def entry(name: str, about: Value, kind: object) -> str:  # of `fields.About`
    """Return what a docstring says of a field of some name and type."""
    words = re.sub(
        r"tuple\[(\w+), \.\.\.\]", r"tuple of \1", getattr(kind, "__name__", str(kind))
    )
    words = words.replace("Quantity", "float, array or SymPy expression")
    may = {"Duration": about.law, "mechanism": about.stage, "None": about.optional}
    parts = [one for one in words.split(" | ") if one not in may]
    types = " or ".join([*parts, *(one for one in may if may[one])])
    limits = [repr(word) for word in about.choices]
    if about.least is not None:
        limits.append(f"{'>' if about.above else '>='} {about.least:g}")
    if about.most is not None:
        limits.append(f"{'<' if about.below else '<='} {about.most:g}")
    text = about.label.capitalize() + f", in {about.unit}" * (about.unit != "1")
    text += ": " * bool(limits) + ", ".join(limits)
    return f"{name} : {types}\n    {text}."
