"""HAProxy: `haproxy.cfg`, of which the servers that hold the primary matter.

The primary's servers are those of the section whose check asks for the primary, else
of the only section that has servers.  Every other server is down there for as long as
it is a standby, so a new primary is looked at every `downinter`, and once it answers
every `fastinter`; both are `inter` unless said otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hamodel.reading._core import Draft, Entry, Field, File, Format, Stated, Value
from hamodel.reading._texts import words
from hamodel.reading._units import shown, time, whole

_MANUAL = "HAProxy Configuration Manual, 5.2 Server and default-server options, 2026"
_SECTIONS = ("listen", "backend", "frontend", "defaults", "global")
_PRIMARY = re.compile(r"/(primary|master|leader|read-write|rw)\b|\s/(\s|$)|pgsql")
_OPTIONS = ("inter", "fastinter", "downinter", "rise", "fall")
_PATH = "failover.redirection"
_ms = time(1e-3, "us", "ms", "s", "m", "h", "d")

FIELDS = (
    Field("server.inter", "failover.redirection", _ms, ("2s", "FO-073")),
    Field("server.fastinter", "failover.redirection", _ms),
    Field("server.downinter", "failover.redirection", _ms),
    Field(
        "server.rise",
        "failover.redirection",
        whole(1),
        ("2", f"{_MANUAL}; fact FO-074"),
    ),
    Field(
        "server.fall",
        read=whole(1),
        defaults=("3", "FO-074"),
        why="how soon the lost primary is marked down; the database decides itself, "
        "before or after, and clients wait for the new one to be marked up",
    ),
    Field("server", "sites"),
    Field(
        "server.on-marked-down",
        why="whether connections to a lost primary are cut; here they all are",
    ),
    Field("option.httpchk", why="tells which servers hold the primary"),
    Field("timeout.check", read=_ms, why="a check that succeeds does not wait"),
    Field("timeout.connect", read=_ms, why="a client's wait for one server"),
    Field("timeout.client", read=_ms, why="an idle connection's life"),
    Field("timeout.server", read=_ms, why="a query's longest silence"),
    Field("retries", read=whole(), why="attempts to connect to one server"),
    Field("maxconn", read=whole(), why="connections at most; load is in workload"),
    Field("option.redispatch", why="whether a retry may go to another server"),
)


def knows(name: str, text: str) -> bool:
    """Tell whether a text is of HAProxy."""
    sections = set(re.findall(r"(?m)^[ \t]*(\w+)\b", text))
    heads = re.search(r"(?m)^(listen|backend)[ \t]+\S+[ \t]*(#.*)?\r?$", text)
    return bool(heads and "server" in sections) or (
        name.startswith("haproxy") and bool({"defaults", "global"} & sections)
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield what the sections say; the options of each server one by one."""
    lines = [(line, found) for line, found in words(file)]
    chosen = _chosen(lines)
    usual: dict[str, tuple[str, int]] = {}
    section = ""
    for line, found in lines:
        if found[0] in _SECTIONS:
            section = found[1] if len(found) > 1 else found[0]
            usual = {} if found[0] != "defaults" else usual
            continue
        if found[0] in ("server", "default-server"):
            if section == chosen or found[0] == "default-server":
                yield from _server(line, found, usual, section == chosen)
            else:
                yield Entry(f"{section}.server", found[1], line, group=section)
        elif found[0] == "timeout" and len(found) > 2:
            yield Entry(f"timeout.{found[1]}", found[2], line, group=section)
        elif found[0] == "option" and len(found) > 1:
            yield Entry(f"option.{found[1]}", " ".join(found[2:]), line, group=section)
        else:
            yield Entry(found[0], " ".join(found[1:]), line, group=section)


def _chosen(lines: Sequence[tuple[int, list[str]]]) -> str:
    """Return the section whose servers hold the primary."""
    servers: dict[str, bool] = {}
    section, asks = "", False
    for _, found in lines:
        if found[0] in _SECTIONS:
            section, asks = (found[1] if len(found) > 1 else found[0]), False
        elif found[0] in ("option", "http-check") and len(found) > 1:
            asks = asks or bool(_PRIMARY.search(" ".join(found[1:]) + " "))
        if found[0] == "server":
            servers[section] = servers.get(section, False) or asks
    primary = [name for name, wanted in servers.items() if wanted]
    return next(iter(primary or servers), "")


def _server(
    line: int, found: list[str], usual: dict[str, tuple[str, int]], chosen: bool
) -> Iterator[Entry]:
    """Yield a server's name and options, with those of `default-server`."""
    given: dict[str, tuple[str, int]] = {}
    at = 3 if found[0] == "server" else 1
    for key, value in zip(found[at:], [*found[at + 1 :], ""], strict=False):
        if key in (*_OPTIONS, "on-marked-down"):
            given[key] = (value, line)
    if found[0] == "default-server":
        usual.update(given)
        return
    if chosen:
        yield Entry("server", found[1], line, group=found[1])
        for key, (value, place) in {**usual, **given}.items():
            yield Entry(f"server.{key}", value, place, group=found[1])


def sites(stated: Stated) -> list[Value]:
    """Return the servers that may hold the primary."""
    return stated.all("server")


def compose(stated: Stated, draft: Draft) -> None:
    """Write how soon HAProxy sends clients to a new primary."""
    servers = stated.all("server")
    for value in servers:
        draft.take(value)
    if not servers:
        raise ValueError(f"{stated.files[0].name} must hold servers, got none")
    inter, rise = _slowest(stated, draft, "inter"), _slowest(stated, draft, "rise")
    fast, down = (
        _slowest(stated, draft, name) if stated.given(f"server.{name}") else None
        for name in ("fastinter", "downinter")
    )
    fall = stated["server.fall"]
    if fall.count < rise.count:
        given = fall if fall.where else rise
        said = f"fall = {fall.count} is below rise = {rise.count}"
        draft.warn(given, f"{said}: a server goes down sooner than it comes back")
    if stated.given("server.on-marked-down") is None:
        said = "without on-marked-down shutdown-sessions old connections stay"
        draft.warn(servers[0], f"{said} on a primary that was demoted")
    of = [value for value in (inter, rise, fast, down) if value is not None]
    if fast is None and down is None:
        draft.put(f"{_PATH}.proxy check.interval", shown(inter.seconds), inter)
        draft.put(f"{_PATH}.proxy check.rise", rise.count, rise)
        return
    last = (rise.count - 1) * (fast or inter).seconds
    most = last + (down or inter).seconds
    because = "down servers every downinter, then rise - 1 checks every fastinter"
    law = f"uniform({shown(last)}, {shown(most)})"
    draft.put(_PATH, law, *of, because=because)


def _slowest(stated: Stated, draft: Draft, option: str) -> Value:
    """Return the largest value of an option over all servers."""
    name = f"server.{option}"
    given = stated.all(name)
    if not given:
        return stated[name]
    slowest = max(given, key=lambda value: value.seconds)
    if len({value.value for value in given}) > 1:
        draft.warn(slowest, f"servers differ in {option}; the largest is taken")
    for value in given:
        draft.take(value)
    return slowest


HAPROXY = Format(
    "haproxy", "HAProxy", "3.0", FIELDS, knows, parse, compose, later=True, sites=sites
)
