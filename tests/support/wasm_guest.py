"""Runs inside WebAssembly: plays a notebook and prints what it shows, as JSON."""

import json
import os
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output


def collected(shell):
    """Have the shell put what it would display into a list; return the list."""
    bundles = []
    hook = shell.displayhook
    hook.write_output_prompt = lambda: None
    hook.write_format_data = lambda data, _=None: bundles.append(data)
    return bundles


def play(path):
    """Run a notebook from top to bottom; return the text and bundles of each cell."""
    shell = InteractiveShell.instance()
    bundles = collected(shell)
    shown = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            bundles.clear()
            with capture_output(display=False) as caught:
                ran = shell.run_cell("".join(cell["source"]), store_history=True)
            ran.raise_error()
            shown.append({"stdout": caught.stdout.rstrip("\n"), "bundles": [*bundles]})
    return shown


def main(name):
    """Run one notebook in its folder and print what it showed."""
    path = Path(name)
    os.chdir(path.parent)
    sys.path.insert(0, str(path.parent))
    sys.stdout.write(json.dumps(play(path)))


if __name__ == "__main__":
    main(*sys.argv[1:])
