"""What messages about a file say: what was meant, where, and in the words of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from hamodel.failover import MECHANISMS
from hamodel.fields import About
from hamodel.specfile._tree import TreeNode

#: What fields are called elsewhere.
_OTHERWISE = {"sites": "copies", "nodes": "sites", "probes": "sequential probe"}
#: Shares that are near 1.
HIGH = ("availability", "read_availability", "write_availability", "coverage")
#: Consistency levels, which are numbers here.
_LEVELS = ("ONE", "TWO", "THREE", "QUORUM", "ALL")


def check_meant(about: About, raw: str, path: str) -> None:
    """Raise where a value is of another kind in products, or a share of a percent."""
    name = path.rpartition(".")[2]
    if about.kind == "whole" and raw.upper().rpartition("_")[2] in _LEVELS:
        scope = "read_from" if path.startswith("read") else "write_to"
        also = f", and {scope}: local" if raw.upper().startswith("LOCAL_") else ""
        raise ValueError(
            f"must be a whole number, got {raw!r:.40}: write how many copies that is, "
            f"2 for a quorum of 3{also}"
        )
    near = re.fullmatch(r"(0?\.[5-9][0-9]*) *%", raw)
    if name in HIGH and near:
        raise ValueError(
            f"must be a share, got {raw!r:.40}: did you mean {near[1]}, or "
            f"{100 * float(near[1]):.10g} %?"
        )


def blamed(node: TreeNode, path: str, said: str) -> tuple[TreeNode, str, str]:
    """Return which node a refusal begins to name, its path, and the rest of it."""
    named, _, rest = said.partition(" ")
    at = node
    within: list[str] = []
    for word in re.findall(r"[\w-]+", named):
        inner = at.value if isinstance(at.value, list) else at.fields
        below = at.get(word)
        if isinstance(at.value, list) and word.isdigit() and int(word) < len(inner):
            below = at.value[int(word)]
        at, within = below or at, [*within, word]
        if below is None and len(within) == 1:
            return node, path.rstrip("."), said
    return at, f"{path}{'.'.join(within)}", rest


def called(made: type, path: str) -> str:
    """Return what a person calls a specification that lacks a field."""
    names = [name for name in path.split(".") if name]
    mechanism = next((word for word, one in MECHANISMS.items() if one is made), "")
    if mechanism or not names:
        return mechanism or "this architecture"
    return f"each of {names[-2]}" if names[-1].isdigit() else names[-1]


def after_comma(node: TreeNode, key: str) -> str:
    """Return the message for a field that stands after a comma of a number, if any."""
    inner = node.fields[key]
    if not key[:1].isdigit() or inner.value is not None:
        return ""
    before, after = _before(node, inner), key
    if "(" in before:
        meant = f'"{before[-30:]}, {after[:30]}"'
        return f"is no field; within {{ }} a comma separates fields: write {meant}"
    thousands = re.match(r"[0-9]{3}(?![0-9])", after) is not None
    whole = before if thousands else before.replace(".", "")  # 20.000,5
    meant = f"{whole[-20:]}{'' if thousands else '.'}{after[:20]}"
    return f"is no field; within {{ }} a comma separates fields: write {meant}"


def unknown(word: object, known: Sequence[str]) -> str:
    """Return the message for a word that is none of the known ones."""
    near = _near(str(word)[:60], known)
    hint = f"did you mean {near!r}? " if near else ""
    return f"is not known here; {hint}known are {', '.join(sorted(known))}"


def _near(word: str, known: Sequence[str]) -> str:
    """Return what a word may mean: another name of it, one spelt or composed alike."""
    if _OTHERWISE.get(word) in known:
        return _OTHERWISE[word]
    head, colon, rest = word.partition(":")
    if colon and head in known:  # a space was left out
        return f"{head}: {rest or 'a value'}"
    if near := difflib.get_close_matches(word, known, n=1):
        return near[0]
    stems = {part.rstrip("s") for part in re.split(r"[\s_-]", word)}
    alike = (k for k in known if stems & {part.rstrip("s") for part in k.split()})
    return next(alike, "")


def brief(node: TreeNode) -> str:
    shown = repr(node.plain() if node.size < 20 else node.raw or "a long value")
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _before(node: TreeNode, inner: TreeNode) -> str:
    """Return the value that stands just before another in the same file."""
    place = (inner.line, inner.column)
    here = [one for one in node.fields.values() if one.file == inner.file]
    before = [one for one in here if (one.line, one.column) < place]
    nearest = max(before, key=lambda one: (one.line, one.column), default=inner)
    return nearest.raw
