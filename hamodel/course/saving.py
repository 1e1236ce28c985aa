"""What a learner saves is a notebook that opens again.

JupyterLab stores, for a widget, a view of a model that lives in the kernel.  Once that
kernel has gone, the view wins over the stored picture and shows an error in its place.
So a server that has this extension drops the view whenever a notebook is saved; what
the learner sees meanwhile stays live.  Interpreter version and times go too, so that a
notebook which was only opened is saved as the file that it was.

The wheel brings `etc/jupyter/jupyter_server_config.d/hamodel.json`, which turns the
extension on for every Jupyter server of the environment, however it is started.
"""

from __future__ import annotations

from hamodel._types import Json, Value

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def clean(notebook: Json) -> None:
    """Remove from a notebook what only its kernel of today can show.

    Parameters
    ----------
    notebook : dict
        The notebook as JSON (format 4), changed in place: no widget views, no widget
        states, no execution times, no version of the interpreter.

    Examples
    --------
    >>> view = {"text/plain": "a slider", WIDGET_VIEW: {"model_id": "1"}}
    >>> cell = {"outputs": [{"data": view}], "metadata": {"execution": {}}}
    >>> clean({"cells": [cell], "metadata": {}})
    >>> cell
    {'outputs': [{'data': {'text/plain': 'a slider'}}], 'metadata': {}}
    """
    metadata = notebook.get("metadata", {})
    metadata.pop("widgets", None)
    metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.get("cells", ()):
        for passing in ("execution", "trusted"):
            cell.get("metadata", {}).pop(passing, None)
        for output in cell.get("outputs", ()):
            for part in ("data", "metadata"):
                output.get(part, {}).pop(WIDGET_VIEW, None)


def before_save(model: Json, **_: object) -> None:
    """Clean what is about to be saved, if it is a notebook: a hook of Jupyter's."""
    if model.get("type") == "notebook" and model.get("content"):
        clean(model["content"])


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Value) -> None:
    server.contents_manager.register_pre_save_hook(before_save)
