"""The programs of an experiment: where they are, and how to get them without a trace.

`fetch` downloads packages of the distribution and unpacks them into a folder of the
user's; nothing is installed, no service starts, and no root is needed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

#: A connection of psycopg or redis-py, which are not installed everywhere.
Connection: TypeAlias = Any

#: Programs that experiments use, each with the Debian package that brings it.
PACKAGES = {
    "postgres": "postgresql-15",
    "initdb": "postgresql-15",
    "pg_basebackup": "postgresql-client-15",
    "redis-server": "redis-server",
    "etcd": "etcd-server",
    "haproxy": "haproxy",
    "keepalived": "keepalived",
    "ip": "iproute2",
}
_DOWNLOADED = {"redis-server": ("redis-server", "redis-tools")}  # what it takes


def cache() -> Path:
    """Return the folder that fetched programs are unpacked into.

    Of root it is one that others can read, since no database runs as root.
    """
    if not os.geteuid():
        return Path("/var/cache/hamodel/lab")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hamodel" / "lab"


def _places() -> list[Path]:
    """Return the folders in which programs are looked for, beside PATH."""
    found = []
    for root in (Path("/"), cache() / "root"):
        found += sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True)
        found += [root / "usr/bin", root / "usr/sbin"]
    return found


def find(program: str) -> Path | None:
    """Return where a program is, or None."""
    path = os.pathsep.join(map(str, _places()))
    found = shutil.which(program, path=path) or shutil.which(program)
    return Path(found) if found else None


def needed(program: str) -> Path:
    """Return where a program is."""
    if found := find(program):
        return found
    brings = f"hamodel lab fetch, or apt install {PACKAGES.get(program, program)}"
    raise FileNotFoundError(f"{program} is missing; to get it: {brings}")


def versions(programs: Iterable[str], run: Callable[..., str]) -> dict[str, str]:
    """Return the versions of servers, by the names of their products."""
    products = {"postgres": "postgresql", "redis-server": "redis"} | {
        name: name for name in ("etcd", "haproxy", "keepalived")
    }
    found = {}
    for program in programs:
        if program in products:
            said = run(needed(program), "-v" if program == "haproxy" else "--version")
            version = re.search(r"\d+\.\S+", said)
            found[products[program]] = version[0] if version else ""
    return found


def variables() -> dict[str, str]:
    """Return the environment variables by which fetched programs find their parts."""
    arch = f"{platform.machine()}-linux-gnu"
    roots = [cache() / "root" / "usr/lib" / arch, cache() / "root" / "lib" / arch]
    libraries = os.pathsep.join(str(root) for root in roots if root.is_dir())
    return {"LD_LIBRARY_PATH": libraries} if libraries else {}


def missing(programs: tuple[str, ...]) -> list[str]:
    """Return the packages that bring those programs which are not there."""
    return sorted({PACKAGES[p] for p in programs if p in PACKAGES and not find(p)})


def plan(packages: list[str]) -> list[str]:
    """Return packages with all that they need and that is not installed.

    Raises
    ------
    RuntimeError
        If there is no apt, or it does not know a package.
    """
    if not shutil.which("apt-get"):
        raise RuntimeError("fetch needs apt-get (Debian, Ubuntu)")
    wanted = [each for p in packages for each in _DOWNLOADED.get(p, (p,))]
    asked = ["apt-get", "--simulate", "--no-install-recommends", "install", *wanted]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"apt-get: {done.stderr.strip().splitlines()[-1]}")
    return re.findall(r"(?m)^Inst (\S+)", done.stdout)


def fetch(packages: list[str]) -> Path:
    """Download packages with what they need, and unpack them into the cache."""
    archives = cache() / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    root = cache() / "root"
    if names := plan(packages):
        quiet = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"]
        subprocess.run([*quiet, *names], cwd=archives, check=True)
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    return root
