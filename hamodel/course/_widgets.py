"""What the parts of a lesson share in how they show themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ipywidgets as widgets


def bundle(widget: widgets.Widget, html: str, plain: str) -> dict[str, Any]:
    """Return a widget with the two forms that a notebook can store.

    The live view wins in a running JupyterLab.  The builder strips it, and then the
    HTML shows; nbval compares HTML and plain text, whole.
    """
    live: dict[str, Any] = widget._repr_mimebundle_()
    return {**live, "text/html": html, "text/plain": plain}


def paragraph(html: str) -> str:
    """Return a paragraph of readable width."""
    return f'<p style="max-width: 720px; line-height: 1.45">{html}</p>'
