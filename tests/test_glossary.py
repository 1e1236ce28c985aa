"""The glossary has every word that is linked, and every sign that a formula uses."""

import dataclasses
import importlib
import pkgutil
import re

import nbformat
import pytest

import hamodel
from tests.support.notebook_stage import NOTEBOOKS, ROOT

GLOSSARY = ROOT / "notebooks" / "glossary.ipynb"
TEXT = "\n".join(c.source for c in nbformat.read(GLOSSARY, as_version=4).cells)
GREEK = {"lambda": "λ", "mu": "μ", "rho": "\u03c1", "beta": "β", "partial": "∂"}
PLAIN = re.compile(r"\\(?:text|mathrm|operatorname)\{[^}]*\}|_\{?[\w ]+\}?|\\[a-z]+")


def rows():
    """Return the cells of every row of the tables of signs."""
    signs = TEXT[TEXT.index("## Signs") : TEXT.index("### Writing")]
    found = [line.strip("|").split("|") for line in signs.splitlines() if "|" in line]
    cells = [[cell.strip() for cell in row] for row in found]
    return [row for row in cells if row[0] != "sign" and set(row[0]) != {"-"}]


def letters(formula):
    """Return the letters of a formula: Greek by name, Latin ones alone."""
    found = {GREEK[n] for n in re.findall(r"\\([a-z]+)", formula) if n in GREEK} - {"∂"}
    plain = PLAIN.sub(" ", formula)
    return found | set(re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", plain))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_sign_of_a_formula_is_explained(path):
    known = set(re.findall(r"[^\W\d_]", " ".join(row[0] for row in rows())))
    known |= set("ePEURWN")  # e to a power, P of an event, and what is under Writing
    text = "\n".join(
        re.sub(r"(?s)<!--.*?-->|```.*?```", " ", cell.source)
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    formulas = re.findall(r"(?s)\$\$(.+?)\$\$|\$([^$\n]+)\$", text)
    used = set().union(*(letters(a or b) for a, b in formulas), set())
    assert used <= known, sorted(used - known)


def test_letters_are_found():
    formula = r"P(\text{RPO} > t) = \rho\, e^{-(\mu-\lambda)\,t} + p_{both} / T"
    assert letters(formula) == {"\u03c1", "μ", "λ", "t", "e", "P", "p", "T"}


def names():
    """Return every public name, and every field of a specification, of the package."""
    found = set()
    for module in pkgutil.walk_packages(hamodel.__path__, "hamodel."):
        parts = module.name.split(".")
        if any(part.startswith("_") for part in parts) or parts[1] in {"course", "cli"}:
            continue
        made = vars(importlib.import_module(module.name))
        for name, thing in made.items():
            found.add(name)
            if isinstance(thing, type):
                found |= set(dir(thing))
                if dataclasses.is_dataclass(thing):
                    found |= {f.name for f in dataclasses.fields(thing)}
    return found


def test_what_is_said_of_the_package_is_there():
    said = {n for row in rows() for n in re.findall(r"`(\w+)`", row[4])}
    assert len(said) > 20
    assert said <= names(), sorted(said - names())


def test_signs_and_words_stand_once_and_in_order():
    words = re.findall(r"(?m)^### (.+)$", TEXT[: TEXT.index("## Signs")])
    assert words == sorted(words, key=str.lower)
    assert len(set(words)) == len(words)


def test_every_lesson_with_a_formula_links_its_signs():
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        if re.search(r"\$\$", text) and path.stem[:2] < "11":
            assert "glossary.ipynb#Signs" in text, path.name
