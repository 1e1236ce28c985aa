"""Reading a structure from text, with errors that point at the column.

A path says what must work: `>` chains what a request passes, `any`, `all` and `atleast`
take lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from hamodel import _check
from hamodel.structure._circuit import Circuit, Gate, Leaf, names
from hamodel.structure._errors import StructureSyntaxError

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<quoted>"[^"\n]+")
      | (?P<name>[^\W\d](?:[\w.:/-]*\w)?)
      | (?P<number>\d+)
      | (?P<mark>[>(),])""",
    re.VERBOSE,
)
_CALLS = ("any", "all", "atleast")


@dataclass(frozen=True)
class _Token:
    kind: str  # name, number, mark or end
    text: str
    column: int


@dataclass
class _Frame:
    """An open bracket: what it will become, and what it holds so far."""

    call: str  # any, all, atleast, or "" for plain brackets
    column: int
    needed: int = 0
    done: list[int] = field(default_factory=list)  # arguments before the last comma
    items: list[int] = field(default_factory=list)  # what the argument chains


def circuit(text: str, *, where: Mapping[str, str]) -> Circuit:
    """Return the circuit that a text describes; `where` names parts of it."""
    texts: dict[str | None, str] = {None: text}
    texts.update(where)
    parsed = {key: _Reader(value).read() for key, value in texts.items()}
    uses = {key: [n for n in names(c) if n in where] for key, c in parsed.items()}
    try:
        order = list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        loop = " > ".join(map(str, error.args[1]))
        raise ValueError(f"where must not lead back to itself, got {loop}") from None
    reached = {name for used in uses.values() for name in used}
    for name in where:
        if name not in reached:
            hint = _check.hint(name, names(parsed[None]))
            raise ValueError(f"where names {name!r}, which nothing uses{hint}")
    return _assembled(parsed, order)


def _assembled(
    parsed: Mapping[str | None, Circuit], order: list[str | None]
) -> Circuit:
    """Return one circuit out of many, each named one written once."""
    flat: list[Leaf | Gate] = []
    top: dict[str | None, int] = {}
    for key in order:
        moved: list[int] = []
        for node in parsed[key]:
            if isinstance(node, Leaf) and node.name in top:
                moved.append(top[node.name])
                continue
            if isinstance(node, Gate):
                node = Gate(node.needed, tuple(moved[i] for i in node.inputs))
            flat.append(node)
            moved.append(len(flat) - 1)
        top[key] = moved[-1]
    return tuple(flat[: top[None] + 1])


class _Reader:
    """Reads one text; brackets are kept on a list, so depth is no matter."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ValueError(f"text must be a string, got {text!r}")
        self.text = text
        self.nodes: list[Leaf | Gate] = []
        self.frames = [_Frame("", 1)]

    def read(self) -> Circuit:
        """Return the circuit of the text."""
        tokens = list(self._tokens())
        expect_item, i = True, 0
        while tokens[i].kind != "end":
            if expect_item:
                i, expect_item = self._item(tokens, i)
            else:
                i, expect_item = i + 1, self._between(tokens[i])
        end = tokens[-1]
        if expect_item:
            raise self._error("a part is missing at the end of the text", end)
        if len(self.frames) > 1:
            at = _Token("mark", "(", self.frames[-1].column)
            raise self._error("'(' is never closed", at)
        self._close_argument()
        return tuple(self.nodes)  # what closes last is made last: the whole

    def _tokens(self) -> Iterator[_Token]:
        place = 0
        while place < len(self.text):
            found = _TOKEN.match(self.text, place)
            if found is None:
                bad = _Token("mark", self.text[place], place + 1)
                raise self._error(f"{bad.text!r} has no meaning here", bad)
            kind, text = str(found.lastgroup), found.group()
            if kind != "space":
                text = text[1:-1] if kind == "quoted" else text
                yield _Token(kind, text, place + 1)
            place = found.end()
        yield _Token("end", "", len(self.text) + 1)

    def _item(self, tokens: list[_Token], i: int) -> tuple[int, bool]:
        """Read a part or an opening; return the next place and what it expects."""
        token, following = tokens[i], tokens[i + 1]
        if token.kind == "quoted" or (token.kind == "name" and following.text != "("):
            if token.kind == "name" and token.text in _CALLS:
                raise self._error(f"{token.text!r} needs '(' and a list", following)
            if token.text.lower() == "not":
                raise self._error("'not' is no part: failures may only add up", token)
            self.nodes.append(Leaf(token.text))
            self.frames[-1].items.append(len(self.nodes) - 1)
            return i + 1, False
        if token.kind == "name":
            return self._call(tokens, i), True
        if token.text == "(":
            self.frames.append(_Frame("", token.column))
            return i + 1, True
        raise self._error(f"a part is expected, found {token.text!r}", token)

    def _call(self, tokens: list[_Token], i: int) -> int:
        """Open `any(`, `all(` or `atleast(k,`; return the place after it."""
        token = tokens[i]
        if token.text not in _CALLS:
            known = ", ".join(map(repr, _CALLS))
            reason = f"{token.text!r} is not one of {known}"
            raise self._error(reason + _check.hint(token.text, _CALLS), token)
        frame = _Frame(token.text, tokens[i + 1].column)
        self.frames.append(frame)
        if token.text != "atleast":
            return i + 2
        number = tokens[i + 2]
        if number.kind != "number":
            reason = f"'atleast' needs a whole number first, found {number.text!r}"
            raise self._error(reason, number)
        comma = tokens[i + 3]
        if comma.text != ",":
            raise self._error(f"',' is expected, found {comma.text!r}", comma)
        frame.needed = int(number.text)
        return i + 4

    def _between(self, token: _Token) -> bool:
        """Read what follows a part; return whether another part must come."""
        frame = self.frames[-1]
        if token.text == ">":
            return True
        if token.text == "," and frame.call:
            self._close_argument()
            return True
        if token.text == ")" and len(self.frames) > 1:
            self._close()
            return False
        wanted = "'>' or ')'" if len(self.frames) > 1 else "'>' or the end"
        shown = token.text if token.kind != "mark" else repr(token.text)
        raise self._error(f"{wanted} is expected, found {shown}", token)

    def _close_argument(self) -> None:
        """Turn the items of the argument into one node."""
        frame = self.frames[-1]
        frame.done.append(self._gate(len(frame.items), frame.items))
        frame.items = []

    def _close(self) -> None:
        self._close_argument()
        frame = self.frames.pop()
        count = len(frame.done)
        needed = {"": count, "all": count, "any": 1, "atleast": frame.needed}[
            frame.call
        ]
        if not 1 <= needed <= count:
            at = _Token("mark", "(", frame.column)
            reason = f"'atleast' must ask for 1 to {count} of its {count} parts"
            raise self._error(f"{reason}, got {needed}", at)
        self.frames[-1].items.append(self._gate(needed, frame.done))

    def _gate(self, needed: int, inputs: list[int]) -> int:
        """Return a gate; of one input, that input."""
        if len(inputs) == 1:
            return inputs[0]
        self.nodes.append(Gate(needed, tuple(inputs)))
        return len(self.nodes) - 1

    def _error(self, reason: str, token: _Token) -> StructureSyntaxError:
        return StructureSyntaxError(reason, self.text, token.column, token.text)
