"""The API reference: Sphinx and numpydoc over the docstrings, a page for each room.

`make site` builds it into site/api; nothing is fetched.  The pages are written here, as
rooms come and go: a room is listed if it has `__all__`, a name if it is in that list.
"""

import importlib
import inspect
import pkgutil
import textwrap
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx

import hamodel

project, author, copyright = "hamodel", "hamodel", "hamodel"
release = hamodel.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc"]
html_theme = "alabaster"
html_static_path = ["static"]  # its custom.css
html_theme_options = {"description": "how available, before it is built"}
html_show_sourcelink = html_copy_source = False
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
suppress_warnings = ["ref", "docutils", "autodoc", "app"]
exclude_patterns: list[str] = []


def rooms() -> list[ModuleType]:
    """Return the modules whose names a user may import, by the alphabet."""
    listed = [hamodel]
    for found in pkgutil.iter_modules(hamodel.__path__, "hamodel."):
        if not found.name.rpartition(".")[2].startswith("_"):
            module = importlib.import_module(found.name)
            if module.__name__ == "hamodel.units":  # its constants have no list
                module.__all__ = [n for n in vars(module) if n.isupper()] + ["quantity"]
            if getattr(module, "__all__", None):
                listed.append(module)
    return listed


def page(module: ModuleType) -> str:
    """Return the page of a room."""
    name = module.__name__
    title = f"{name}\n{'=' * len(name)}\n"
    listed = [f"{title}\n.. automodule:: {name}\n"]
    for each in sorted(module.__all__, key=str.lower):
        value = getattr(module, each)
        home = getattr(value, "__module__", name)
        if isinstance(value, ModuleType):
            listed.append(f"- :doc:`{value.__name__}`")
        elif module is hamodel and each != "Workload":  # it has no room but this
            listed.append(f"- :py:obj:`hamodel.{each} <{shown(each, home)}>`")
        elif inspect.isroutine(value) or inspect.isclass(value):
            kind = "class" if inspect.isclass(value) else "function"
            members = "   :members:\n" if kind == "class" else ""
            listed.append(f".. auto{kind}:: {name}.{each}\n{members}")
        else:
            listed.append(f".. py:data:: {each}\n\n   {told(value)}\n")
    return "\n".join(listed) + "\n"


def shown(name: str, home: str) -> str:
    """Return where a name of the package is described: in the room it comes from."""
    room = next(m for m in rooms()[1:] if home.startswith(m.__name__)
                and name in m.__all__)  # fmt: skip
    return f"{room.__name__}.{name}"


def told(value: object) -> str:
    """Return what a constant holds, in short."""
    words = textwrap.shorten(repr(value), 300, placeholder=" ...")
    return f"``{words}``"


def write(folder: Path) -> None:
    """Write a page for each room, and the list of them."""
    names = []
    for module in rooms():
        names.append(module.__name__)
        (folder / f"{module.__name__}.rst").write_text(page(module), encoding="utf-8")
    toc = "\n".join(f"   {name}" for name in names)
    text = (
        "API reference\n=============\n\n"
        "`The course <../index.html>`_. Times are seconds, rates per second.\n\n"
        f".. toctree::\n   :maxdepth: 2\n\n{toc}\n"
    )
    (folder / "index.rst").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Write the pages before Sphinx reads them."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir)))
