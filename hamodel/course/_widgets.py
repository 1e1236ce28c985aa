"""What the parts of a lesson share in how they show themselves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import ipywidgets as widgets

#: Widgets of one core, made where ipywidgets is: each kind has its own.
Skin: TypeAlias = Any


class Shown(Protocol):
    """What has an outermost widget, made when it is asked for."""

    @property
    def box(self) -> widgets.Widget:
        """The widget."""


def bundle(core: Shown, html: str, plain: str) -> dict[str, object]:
    """Return a widget with the two forms that a notebook can store.

    The live view wins in a running JupyterLab.  The builder strips it, and then the
    HTML shows; nbval compares HTML and plain text, whole.  Without ipywidgets there is
    nothing else.
    """
    try:
        live = core.box._repr_mimebundle_()
    except ModuleNotFoundError:
        live = {}
    return {**live, "text/html": html, "text/plain": plain}


def skin_of(core: object, where: str) -> Skin:
    """Return new widgets for a core: a `SliderSkin` for a `Slider`, and so on.

    By name and only when asked for: skins know their cores, and cores no widgets.
    """
    module = import_module(f"hamodel.course.{where}")
    return getattr(module, f"{type(core).__name__}Skin")(core)


def paragraph(html: str) -> str:
    """Return a paragraph of readable width."""
    return f'<p style="max-width: 720px; line-height: 1.45">{html}</p>'
