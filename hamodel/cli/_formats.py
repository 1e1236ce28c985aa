"""Answers in the formats of other tools: Markdown, JUnit, SARIF, Prometheus.

Sources: the job summary of GitHub Actions is GitHub-flavoured Markdown; JUnit as
Jenkins and GitLab read it (testsuites, testsuite, testcase, failure, error); SARIF
2.1.0 (OASIS 2020), sections 3.13 to 3.30; the text format of Prometheus 0.0.4.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from hamodel import __version__
from hamodel.cli._page import Paper, as_text

if TYPE_CHECKING:
    from hamodel.cli._report import Check, Figure, Report, Table

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(form: str, report: Report, draw: Callable[[Paper], None]) -> str:
    """Return an answer for another tool; Markdown has the whole page as well."""
    if form == "markdown":
        return _markdown(report, draw)
    return _BARE[form](report)


# ---- Markdown ----------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet(Paper):
    """Paper on which a page becomes Markdown."""

    out: io.StringIO | None = None

    def _put(self, text: str) -> None:
        assert self.out is not None
        self.out.write(f"{text}\n")

    def head(self, text: str) -> None:
        """Write a heading."""
        self._put(f"#### {_words(text)}\n")

    def say(self, text: str = "", indent: int = 0, hang: int = 0) -> None:
        """Write a paragraph; what is set in is an item of a list."""
        del hang
        if text:
            words = _words(text.removeprefix("- "))
            self._put(f"- {words}" if indent or text.startswith("- ") else f"{words}\n")
        else:
            self._put("")

    def line(self, text: str) -> None:
        """Write an item of a list."""
        self._put(f"- {_words(' '.join(text.split()))}")

    def table(
        self,
        title: str,
        rows: Iterable[Sequence[str]],
        heads: Sequence[str] = (),
        words: Collection[int] = (0,),
    ) -> None:
        """Write a table; its bars are left out, for letters have no width here."""
        listed = [[str(cell).strip("█") for cell in row] for row in rows]
        while listed and any(heads) and not (heads[-1] or any(r[-1] for r in listed)):
            heads, listed = heads[:-1], [row[:-1] for row in listed]
        if title:
            self.head(title)
        if listed:
            self._put(_table(heads, listed, words))
            self._put("")


def _words(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text)


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], words: Collection[int] = (0,)
) -> str:
    count = max(map(len, [heads, *rows]))
    lines = [_cells(heads, count)]
    lines.append(_cells([":--" if k in words else "--:" for k in range(count)], count))
    return "\n".join([*lines, *(_cells(map(_words, row), count) for row in rows)])


def _cells(row: Iterable[str], count: int) -> str:
    cells = list(row)
    return f"| {' | '.join(cells + [''] * (count - len(cells)))} |"


def _markdown(report: Report, draw: Callable[[Paper], None]) -> str:
    """Return a summary for a reviewer: the verdict, what is missed, and the rest."""
    whole = io.StringIO()
    mark = "❌" if report.missed else "✅"
    parts = [f"### {mark} {_words(report.title)}: {report.verdict}", report.headline]
    parts += [_judged(report)] if report.checks else []
    parts += [_shown(table) for table in report.tables]
    if report.chart:
        fold = "<details><summary>Sites and servers</summary>"
        parts.append(f"{fold}\n\n```mermaid\n{report.chart}\n```\n\n</details>")
    if not any(check.wrong for check in report.checks):
        draw(Sheet(None, whole))
        text = re.sub(r"\n{3,}", "\n\n", whole.getvalue()).strip()
        fold = f"<details><summary>The whole page on {_file(report)}</summary>"
        parts.append(f"{fold}\n\n{text}\n\n</details>")
    return "\n\n".join(filter(None, parts))


def _file(report: Report) -> str:
    return f"<code>{report.file.replace('&', '&amp;').replace('<', '&lt;')}</code>"


def _judged(report: Report) -> str:
    """Return the checks, the missed ones first."""
    if any(check.wrong for check in report.checks):
        return "\n".join(
            f"- `{report.file}:{c.line}:{c.column}` {_words(c.said)}"
            for c in report.checks
        )
    rows = [
        ("❌ missed" if not c.met else "✅ met", c.label, c.value, c.limit)
        for c in sorted(report.checks, key=lambda c: c.met)
    ]
    return _table(("", "requirement", "is", "limit"), rows, (0, 1))


def _shown(table: Table) -> str:
    heading = f"**{_words(table.title)}**"
    parts = [heading, _table(table.heads, table.rows), _words(table.note)]
    return "\n\n".join(filter(None, parts))


# ---- JUnit -------------------------------------------------------------------------


def _junit(report: Report) -> str:
    """Return a test case for each requirement."""
    wrong = [c for c in report.checks if c.wrong]
    counts = {
        "tests": str(len(report.checks)),
        "failures": str(len(report.missed) - len(wrong)),
        "errors": str(len(wrong)),
    }
    root = ElementTree.Element("testsuites", {"name": "hamodel", **counts})
    about = {"name": _xml(report.title), "skipped": "0", "time": "0", **counts}
    suite = ElementTree.SubElement(root, "testsuite", about)
    for check in report.checks:
        _case(suite, report, check)
    ElementTree.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}\n{ElementTree.tostring(root, encoding='unicode')}"


def _case(suite: ElementTree.Element, report: Report, check: Check) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        name=_xml(check.name),
        classname=_xml(
            re.sub(r"\.ya?ml$", "", report.file).strip("/").replace("/", ".")
        ),
        file=_xml(report.file),
        line=str(check.line),
        time="0",
    )
    if not check.met:
        kind = "error" if check.wrong else "failure"
        said = _xml(check.said)
        found = ElementTree.SubElement(case, kind, message=said, type=_xml(check.name))
        found.text = f"{_xml(report.file)}:{check.line}: {said}"


def _xml(text: str) -> str:
    """Return text without what XML cannot hold."""
    return _FORBIDDEN.sub("?", text)


# ---- SARIF -------------------------------------------------------------------------


def _sarif(report: Report) -> str:
    """Return a result for each requirement that is missed, at its line."""
    names = list(dict.fromkeys(_rule(check) for check in report.checks))
    labels = {_rule(check): check.kind for check in report.checks}
    rules = [{"id": name, "shortDescription": {"text": labels[name]}} for name in names]
    driver = {"name": "hamodel", "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"hamodel/{report.file.strip('/')}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(report, c, names.index(_rule(c))) for c in report.missed],
    }
    return as_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(check: Check) -> str:
    return "input" if check.wrong else check.name.partition(".")[0]


def _result(report: Report, check: Check, place: int) -> dict[str, object]:
    region = {"startLine": check.line, "startColumn": check.column}
    physical = {"artifactLocation": {"uri": _uri(report.file)}, "region": region}
    return {
        "ruleId": _rule(check),
        "ruleIndex": place,
        "level": "error",
        "message": {"text": check.said},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"hamodel/v1": f"{report.file}:{check.name}"},
    }


def _uri(file: str) -> str:
    from urllib.parse import quote

    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


# ---- Prometheus --------------------------------------------------------------------


def _prometheus(report: Report) -> str:
    """Return gauges in the text format, those of one name together."""
    wrong = [check for check in report.checks if check.wrong]
    if wrong:
        return f"# {report.file}: {report.verdict}"
    by_name: dict[str, list[Figure]] = {}
    for figure in report.figures:
        by_name.setdefault(figure.name, []).append(figure)
    lines = []
    for name, figures in by_name.items():
        lines.append(f"# HELP {name} {_escaped(figures[0].help, quotes=False)}")
        lines.append(f"# TYPE {name} gauge")
        lines += [_sample(report, figure) for figure in figures]
    return "\n".join(lines)


def _sample(report: Report, figure: Figure) -> str:
    labels = {"system": report.title, **figure.labels}
    inside = ",".join(f'{name}="{_escaped(said)}"' for name, said in labels.items())
    value = figure.value
    shown = ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else repr(value)
    return f"{figure.name}{{{inside}}} {shown}"


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text


_BARE: dict[str, Callable[[Report], str]] = {
    "junit": _junit,
    "sarif": _sarif,
    "prometheus": _prometheus,
}
