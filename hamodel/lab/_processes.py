"""Processes of an experiment: started apart, known for sure, and surely ended.

A process is known by its number and the moment it started, never by its name, so that
one of somebody else's which got the same number is left alone.  Everything started is
written to a ledger first: what a crash leaves behind is ended by the next `end_strays`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

LEDGER = "processes.jsonl"
_MOST = 60  # processes started and alive at once
_LEAST_DISK = 2e9  # bytes that must stay free
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of prctl(2): whoever loses its parent is ours
_ROUND = 0.1  # s between two looks for dead orphans


class Mark(NamedTuple):
    """A process: its number, and when it started in clock ticks since the boot."""

    pid: int
    started: int


def mark_of(pid: int) -> Mark | None:
    """Return the mark of a process, or None if there is none of that number."""
    found = _stat(pid)
    return Mark(pid, found[1]) if found else None


def is_alive(mark: Mark) -> bool:
    """Tell whether this very process still runs."""
    return mark_of(mark.pid) == mark


def tree(root: Mark) -> list[Mark]:
    """Return a process and all its descendants, itself first.

    By parent, not by process group: PostgreSQL's children leave the group.
    """
    children: dict[int, list[Mark]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _stat(int(entry.name))):
            parent, started = found
            children.setdefault(parent, []).append(Mark(int(entry.name), started))
    ordered = [root]
    for mark in ordered:
        ordered.extend(children.get(mark.pid, ()))
    return ordered


def send(marks: Sequence[Mark], sent: signal.Signals) -> None:
    """Send a signal to those processes that still run, in their order."""
    for mark in marks:
        if is_alive(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(mark.pid, sent)


def end(marks: Sequence[Mark], patience: float = 10.0) -> None:
    """Kill processes, stopped ones too, and wait until they are gone."""
    send(marks, signal.SIGCONT)
    send(marks, signal.SIGKILL)
    last = time.monotonic() + patience
    while any(map(is_alive, marks)) and time.monotonic() < last:
        for mark in marks:
            with contextlib.suppress(ChildProcessError, OSError):
                os.waitpid(mark.pid, os.WNOHANG)
        time.sleep(0.01)


def end_strays(folder: Path) -> int:
    """End what the ledgers below a folder name and still runs; return how many."""
    ended = 0
    for ledger in folder.glob(f"**/{LEDGER}"):
        marks = [Mark(*json.loads(line)) for line in ledger.read_text().splitlines()]
        alive = [m for root in marks if is_alive(root) for m in tree(root)]
        ended += len(alive)
        end(alive)
        ledger.unlink()
    return ended


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens on."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def unprivileged() -> dict[str, int]:
    """Return whom to run a database as, as arguments of `Popen`: never as root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


class Nursery:
    """A folder and the processes that were started in it; leaving it ends them all.

    Parameters
    ----------
    folder : Path
        Where data and logs go; made if missing.
    variables : mapping of str to str, optional
        Environment variables to lay over one's own.
    rng : numpy.random.Generator, optional
        What is drawn at random here.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.folder = folder
        self.rng = rng or np.random.default_rng(1)
        self.roots: dict[str, Mark] = {}
        self._variables = dict(variables or {})
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        end_strays(self.folder)
        adopts = ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0) == 0
        self._buries = threading.Thread(target=self._bury, daemon=True)
        if adopts:
            self._buries.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end_all()
        self._over.set()
        if self._buries.is_alive():
            self._buries.join(timeout=10)

    def _bury(self) -> None:
        """Wait for orphans that have ended.

        Others take an orphan for alive until it has been waited for: Patroni does of a
        PostgreSQL that was killed.  Some machines' first process takes seconds.
        """
        while not self._over.wait(_ROUND):
            mine = {mark.pid for mark in list(self.roots.values())}
            for pid in _dead_orphans() - mine:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    def place(self, name: str) -> Path:
        """Return a fresh folder that the database's user may write to."""
        found = self.folder / name
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir(parents=True)
        self.own(found)
        return found

    def own(self, path: Path) -> None:
        """Give a file or a folder with all in it to the database's user."""
        if user := unprivileged():
            for each in (path, *path.rglob("*")):
                os.chown(each, user["user"], user["group"], follow_symlinks=False)

    def start(self, name: str, *words: str | Path, as_root: bool = False) -> Mark:
        """Start a program, unprivileged unless told; its output goes to NAME.log."""
        self._check_limits()
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | self._variables,
                start_new_session=True,
                **({} if as_root else unprivileged()),  # type: ignore[call-overload]
            )
        found = mark_of(process.pid)
        if found is None:
            raise RuntimeError(f"{words[0]} ended at once; see {name}.log")
        process.returncode = 0  # we wait for it ourselves, in `end`
        with (self.folder / LEDGER).open("a") as ledger:
            ledger.write(json.dumps(found) + "\n")
        self.roots[name] = found
        return found

    def run(self, *words: str | Path, patience: float = 120.0) -> str:
        """Run a program to its end as an unprivileged user; return what it printed."""
        done = subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=os.environ | self._variables,
            timeout=patience,
            check=False,
            **unprivileged(),  # type: ignore[call-overload]
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise RuntimeError(f"{words[0]}: {said[-1] if said else done.returncode}")
        return str(done.stdout or done.stderr)

    def log(self, name: str) -> str:
        """Return what a process has printed so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def tree(self, name: str) -> list[Mark]:
        """Return a started process with its descendants."""
        return tree(self.roots[name])

    def stop(self, name: str) -> None:
        """End a process and its descendants, and forget it."""
        end(self.tree(name))
        del self.roots[name]

    def end_all(self) -> None:
        """End everything that was started here."""
        end([mark for name in self.roots for mark in self.tree(name)])
        self.roots.clear()
        (self.folder / LEDGER).unlink(missing_ok=True)

    def _check_limits(self) -> None:
        if len(self.roots) >= _MOST:
            raise RuntimeError(f"processes must be < {_MOST} at once")
        free = shutil.disk_usage(self.folder).free
        if free < _LEAST_DISK:
            raise RuntimeError(
                f"free disk must be >= {_LEAST_DISK / 1e9:g} GB, got {free / 1e9:.1f}"
            )


def until(
    happens: Callable[[], object],
    what: str,
    patience: float,
    despite: tuple[type[Exception], ...] = (),
) -> None:
    """Wait until something is so, whatever errors come meanwhile, or raise."""
    last = time.monotonic() + patience
    while True:
        with contextlib.suppress(*despite):
            if happens():
                return
        if time.monotonic() > last:
            raise TimeoutError(f"{what} took more than {patience:g} s")
        time.sleep(0.02)


class Beside:
    """A thread that follows an experiment while its block runs."""

    def __enter__(self) -> Self:
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._thread.join(timeout=30)

    def follow(self) -> None:
        """Do the work, until `over` is set."""
        raise NotImplementedError


def _stat(pid: int) -> tuple[int, int] | None:
    """Return the parent of a process and when it started; None if it is no more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, parent, *rest = text.rpartition(")")[2].split()
    if state in {"Z", "X"}:  # ended, and not yet waited for
        return None
    return int(parent), int(rest[17])


def _dead_orphans() -> set[int]:
    """Return processes of other sessions that have come to us and ended."""
    found, me, session = set(), os.getpid(), os.getsid(0)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            if words[0] == "Z" and int(words[1]) == me and int(words[3]) != session:
                found.add(int(entry.name))
    return found


SIGNALS = {
    "kill": signal.SIGKILL,  # the process dies; its connections are reset
    "hang": signal.SIGSTOP,  # it falls silent; its connections stay
    "stop": signal.SIGTERM,  # it is asked to end, and does so in good order
    "fast": signal.SIGINT,  # the same of PostgreSQL, whose SIGTERM waits for clients
}


class Struck(NamedTuple):
    """When a fault began and when it was done, in s."""

    begun: float  # monotonic
    done: float  # monotonic
    wall: float  # the beginning by the calendar, as logs have it


def acted(act: Callable[[], object]) -> Struck:
    """Do something; return when."""
    wall, begun = time.time(), time.monotonic()
    act()
    return Struck(begun, time.monotonic(), wall)


def strike(marks: Sequence[Mark], fault: str) -> Struck:
    """Do it to a process and its descendants, the process itself first."""
    struck = marks[:1] if fault in {"stop", "fast"} else marks
    return acted(lambda: send(struck, SIGNALS[fault]))


def seen(
    happens: Callable[[], bool], column: str, struck: Struck, patience: float
) -> dict[str, float | int | str]:
    """Ask every 10 ms whether something has happened; return when, as a row."""
    while time.monotonic() < struck.begun + patience:
        if happens():
            return {column: time.monotonic() - struck.begun, "censored": 0}
        time.sleep(0.01)
    return {column: math.nan, "censored": 1}
