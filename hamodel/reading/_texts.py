"""Files as lists of what they say: YAML, JSON, INI, lines of words."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator

from hamodel.reading._core import Entry, File, flat
from hamodel.specfile import TreeNode, read_tree

_TEMPLATE = re.compile(r"""^(?:[^#'"\n]|'[^'\n]*'|"[^"\n]*")*?(\{\{|\{%)""")
_COMMENTS = ("#", ";", "//")


def refuse_templates(file: File) -> None:
    """Raise ValueError if a file is still to be filled in by a tool."""
    for line, words in enumerate(file.text.splitlines(), 1):
        if words.lstrip().startswith(_COMMENTS):
            continue
        if _TEMPLATE.match(words):
            said = "is a template of Jinja, Helm or their like; render it, then read it"
            raise ValueError(f"{file.where(line)}: {said}")


def documents(file: File) -> list[TreeNode]:
    """Return the YAML documents of a file, each value with its line."""
    found = []
    lines = file.text.replace("\r\n", "\n").split("\n")
    begins = [0, *(n for n, words in enumerate(lines) if re.match(r"---(\s|$)", words))]
    for first, last in zip(begins, [*begins[1:], len(lines)], strict=True):
        part = [re.sub(r"^(---|\.\.\.)(\s|$)", r"\2", x) for x in lines[first:last]]
        if any(words.strip() and not words.lstrip().startswith("#") for words in part):
            words = "\n" * first + "\n".join(part)
            found.append(read_tree(file.path, file.name, words))
    return found


def yaml(file: File) -> Iterator[Entry]:
    """Yield the entries of a YAML file of one document."""
    for node in documents(file):
        yield from flat(node)


def json(file: File) -> Iterator[Entry]:
    """Yield the entries of a JSON file: YAML without its tabs."""
    yield from flat(read_tree(file.path, file.name, file.text.replace("\t", " ")))


def ini(file: File) -> Iterator[Entry]:
    """Yield the entries of an INI file: "section.key", underscores for dashes."""
    lines = file.text.splitlines()
    kept = ["" if words.lstrip().startswith("!") else words.strip() for words in lines]
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, allow_no_value=True, delimiters=("=",)
    )
    parser.optionxform = lambda option: option.strip().replace("-", "_").lower()  # type: ignore[method-assign,assignment]
    try:
        parser.read_string("\n".join(kept))
    except configparser.MissingSectionHeaderError as broken:
        said = "must begin with a section such as [mysqld]"
        raise ValueError(f"{file.where(broken.lineno)}: {said}") from None
    except configparser.ParsingError as broken:
        line = broken.errors[0][0] if broken.errors else 1
        raise ValueError(f"{file.where(line)}: must be name = value") from None
    section = ""
    for line, words in enumerate(kept, 1):
        head = re.match(r"\[([^\]]+)\]", words)
        if head:
            section = head[1]
        elif words and not words.startswith(_COMMENTS) and section:
            name, _, raw = words.partition("=")
            name = parser.optionxform(name).split(" ")[0]
            raw = re.split(r"\s[#;]", raw, maxsplit=1)[0].strip().strip("\"'")
            yield Entry(f"{section}.{name}", raw, line, group=section)


def words(file: File) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each line that has some, comments left out."""
    for line, text in enumerate(file.text.splitlines(), 1):
        found = text.split()
        if found and not found[0].startswith("#"):
            comment = next((n for n, w in enumerate(found) if w.startswith("#")), None)
            yield line, found[:comment]
