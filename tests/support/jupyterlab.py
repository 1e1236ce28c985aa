"""JupyterLab in headless Chromium, as a learner would use it, for the browser tests.

The server serves a copy of the notebooks on a free port with a random token, keeps its
settings in a folder of its own and is the head of its own process group, so that
nothing of it outlives the test and nothing of the user's is touched.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import TimeoutError as NotInTime

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "test-output"
PATIENCE = 180  # seconds; a loaded machine needs ten times the quiet one's five
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium():
    """Return the browser's path, or None where there is none."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


@contextlib.contextmanager
def server(folder):
    """Serve copies of the notebooks; yield their folder, the address and its token."""
    notebooks, home = folder / "notebooks", folder / "home"
    notebooks.mkdir(parents=True)
    _settings(home / "settings")
    config = home / "config" / "jupyter_server_config.d"
    config.mkdir(parents=True)  # as the wheel installs it
    shutil.copy(ROOT / "hamodel" / "course" / "server.json", config / "hamodel.json")
    port, token = _free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": notebooks,
        "IdentityProvider.token": token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": "None",
        "LabApp.extension_manager": "readonly",
    }
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            cwd=notebooks,
            env=_environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/api", process, folder)
            yield notebooks, f"http://127.0.0.1:{port}", token
        finally:
            _stop(process)


def end_kernels(address, token):
    """Stop every kernel."""
    headers = {"Authorization": f"token {token}"}
    listing = urllib.request.Request(f"{address}/api/sessions", headers=headers)
    with urllib.request.urlopen(listing, timeout=PATIENCE) as answer:
        sessions = json.load(answer)
    for session in sessions:
        place = f"{address}/api/sessions/{session['id']}"
        stop = urllib.request.Request(place, headers=headers, method="DELETE")
        urllib.request.urlopen(stop, timeout=PATIENCE).close()


def renew(folder, address, token):
    """Stop every kernel, and put every notebook back as it is stored."""
    end_kernels(address, token)
    ignored = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", folder, ignore=ignored, dirs_exist_ok=True)


def open_notebook(page, served, name, *, kernel=True):
    """Open a notebook and wait until it shows, and its kernel is ready."""
    _, address, token = served
    page.goto(f"{address}/lab/tree/{name}?token={token}&reset", timeout=PATIENCE * 1000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE * 1000)
    if kernel:
        ready(page)


def ready(page):
    """Wait until the status bar says that the kernel is connected and idle."""
    # The circle in the toolbar says so too early, and a Run is then silently dropped.
    page.wait_for_function(_IDLE, timeout=PATIENCE * 1000)


def run_all(page):
    """Run all cells by the menu, and wait until every output is a new one."""
    page.evaluate(_MARK)
    for patience in (10, 20, 40, PATIENCE):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        try:
            page.wait_for_function(_STARTED, timeout=patience * 1000)
        except NotInTime:
            continue  # dropped: the kernel was not connected after all
        page.wait_for_function(_DONE, timeout=PATIENCE * 1000)
        ready(page)
        return
    raise RuntimeError("JupyterLab ran no cell, though its menu was used four times")


def prompts(page):
    """Return what stands before each code cell, such as "[3]:"."""
    return page.locator(_CELLS + " .jp-InputPrompt").all_inner_texts()


def errors(page):
    """Return the texts of the error outputs and of stderr that the page shows."""
    return page.locator(
        '.jp-Notebook [data-mime-type="application/vnd.jupyter.error"],'
        '.jp-Notebook [data-mime-type="application/vnd.jupyter.stderr"]'
    ).all_text_contents()


_IDLE = (
    "() => /\\|\\s*Idle/.test(document.querySelector('#jp-main-statusbar')?.innerText)"
)
_CELLS = ".jp-Notebook .jp-CodeCell"
_OUTPUTS = ".jp-Notebook .jp-OutputArea-child"
_MARK = f"document.querySelectorAll('{_OUTPUTS}').forEach(e => e.dataset.stale = '1')"
_SEEN = f"""
  const prompts = [...document.querySelectorAll('{_CELLS} .jp-InputPrompt')];
  const busy = prompts.some(e => e.innerText.includes('*'));
  const outputs = [...document.querySelectorAll('{_OUTPUTS}')];
  const stale = outputs.filter(e => e.dataset.stale).length;
"""
_STARTED = f"() => {{ {_SEEN} return busy || stale < outputs.length; }}"
_DONE = f"() => {{ {_SEEN} return !busy && stale === 0 && outputs.length > 0; }}"


def _settings(folder):
    """Render every cell at once (by default those out of sight wait), and no news."""
    chosen = {
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {
            "checkForUpdates": False,
            "fetchNews": "false",
        },
    }
    for name, values in chosen.items():
        place = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(values))


def _environment(home):
    """Return variables that keep the server out of the user's folders."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    private = {
        "HAMODEL_PROGRESS": home / "my_course.json",
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
    }
    return kept | {name: str(path) for name, path in private.items()}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(address, process, folder):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    log = (folder / "server.log").read_text()
    raise RuntimeError(f"JupyterLab did not start:\n{log[-4000:]}")


def _stop(process):
    """Stop the server and its kernels: they share its process group."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
            return
