"""Markdown, code and formulas as HTML that needs nothing from outside.

Formulas become MathML, which browsers draw by themselves.  The surprising part is that
a command which the converter does not know passes through as text; so a backslash left
in its answer is taken for what it is, a formula that would be shown wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

if TYPE_CHECKING:
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

Link = Callable[[str], str]


class Markdown:
    """Turns the Markdown of one notebook into HTML.

    Parameters
    ----------
    link : callable
        `link(target)` returns where a link is to lead, or what a picture is to load.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._parser = MarkdownIt(
            "commonmark", {"highlight": lambda source, name, _: code(source, name)}
        ).enable(["table", "strikethrough"])
        self._parser.inline.ruler.before("escape", "formula", _formula)
        self._parser.add_render_rule("formula", _drawn)
        self._parser.add_render_rule("table_open", _table_open)
        self._parser.add_render_rule("table_close", _table_close)

    def __call__(self, source: str) -> str:
        """Return the HTML of a cell, without its comments."""
        source = _LAB.sub(lambda found: found[1].strip(), source)
        tokens = self._parser.parse(_COMMENT.sub("", source))
        for place, token in enumerate(tokens):
            if token.type == "heading_open":
                token.attrSet("id", anchor(tokens[place + 1].content))
            for child in token.children or ():
                self._lead(child)
        html = self._parser.renderer.render(tokens, self._parser.options, {})
        return str(html)

    def _lead(self, token: Token) -> None:
        for name in ("href", "src"):
            if target := token.attrGet(name):
                token.attrSet(name, self._link(str(target)))


def anchor(heading: str) -> str:
    """Return the id of a heading, as JupyterLab makes it.

    Examples
    --------
    >>> anchor("Key point")
    'Key-point'
    """
    return heading.replace(" ", "-")


def code(source: str, language: str = "python") -> str:
    """Return a block of code in colours."""
    lexer = PythonLexer() if language in {"python", "py"} else TextLexer()
    coloured = highlight(source, lexer, HtmlFormatter(nowrap=True)).rstrip()
    return f'<pre class="code"><code>{coloured}</code></pre>'


def mathml(formula: str, *, block: bool) -> str:
    r"""Return a LaTeX formula as MathML.

    Examples
    --------
    >>> "<mfrac>" in mathml(r"\frac{\lambda}{\mu}", block=False)
    True
    """
    if len(_OPENING.findall(formula)) != len(_CLOSING.findall(formula)):
        raise ValueError(f"formula must close its braces, got {formula!r}")
    try:
        html = str(convert(formula, display="block" if block else "inline"))
    except Exception as error:  # the converter has many
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"formula cannot be drawn: {formula!r} ({reason})") from error
    if "\\" in html:
        raise ValueError(f"formula has a command that cannot be drawn: {formula!r}")
    return html.replace("<math ", f'<math alttext="{escape(formula)}" ', 1)


def latex(text: str) -> str:
    """Return an output of type text/latex, as SymPy gives it, in a line of its own."""
    formula = text.strip().strip("$").strip().removeprefix("\\displaystyle")
    drawn = mathml(formula.strip(), block=True)
    return f'<div class="formula">{drawn}</div>'


def _formula(state: StateInline, silent: bool) -> bool:
    """Take `$...$` or `$$...$$` at the cursor, if it is a formula."""
    found = _DOLLARS.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content = found[1] or found[2]
        token.meta = {"block": found[1] is not None}
    state.pos = found.end()
    return True


def _drawn(
    _: RendererHTML,
    tokens: Sequence[Token],
    place: int,
    options: OptionsDict,  # noqa: ARG001
    env: EnvType,  # noqa: ARG001
) -> str:
    token = tokens[place]
    return mathml(token.content, block=bool(token.meta["block"]))


def _table_open(*_: object) -> str:
    return '<div class="wide"><table>\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"


_OPENING, _CLOSING = re.compile(r"(?<!\\){"), re.compile(r"(?<!\\)}")
# What only a lab can do, and what a page says in its place; a lab shows no comments.
_LAB = re.compile(r"(?s)<!--lab-->.*?<!--page:?(.*?)-->")
_COMMENT = re.compile(r"(?s)<!--.*?-->")
# A dollar with a space behind it, or before a digit at its end, is money.
_DOLLARS = re.compile(r"(?s)\$\$(.+?)\$\$|\$(?=\S)([^$\n]+?)(?<=\S)\$(?!\d)")
