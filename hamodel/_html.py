"""Small HTML tables for results, so that a notebook shows them well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(
    rows: Iterable[Sequence[object]],
    *,
    header: Sequence[object] = (),
    caption: str = "",
) -> str:
    """Return an HTML table; the first cell of each row is its heading."""
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption>{escape(caption)}</caption>")
    if header:
        cells = "".join(f'<th scope="col">{escape(str(c))}</th>' for c in header)
        parts.append(f"<thead><tr>{cells}</tr></thead>")
    parts.append("<tbody>")
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(str(c))}</td>" for c in rest)
        head = f'<th scope="row">{escape(str(first))}</th>'
        parts.append(f"<tr>{head}{cells}</tr>")
    parts.append("</tbody></table>")
    return "".join(parts)
