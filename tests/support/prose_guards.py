"""What the prose of a notebook must be like: its shape, its numbers and its links.

The guards work as those of `guards.py`: a notebook in, its complaints out.
"""

import re
from html import unescape
from urllib.parse import unquote

import nbformat

from tests.support.notebook_guards import code, prose

BLOCKS = (  # a lesson's headings, in this order
    "Question",
    "You will be able to",
    "Predict",
    "See",
    "Derive",
    "Check",
    "But I thought",
    "Key point",
    "Next",
)


def short_prose(notebook, limit=150):
    return [
        f"markdown cell {number} has {n} words (limit {limit})"
        for number, cell in prose(notebook)
        if (n := len(words(cell.source))) > limit
    ]


def short_code(notebook, limit=12):
    """Code is short; in the derivation at most 8 lines a cell."""
    faulty, block = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for _, title in headings(cell.source):
                block = title
        elif cell.cell_type == "code":
            lines = [x for x in cell.source.splitlines() if x.strip()]
            most = 8 if block.startswith("Derive") else limit
            if len(lines) > most:
                faulty.append(
                    f"a code cell has {len(lines)} lines (limit {most}): {lines[0]}"
                )
    return faulty


def few_words(notebook, limit=1400):
    """A lesson is read in its minutes; what is folded away is not counted."""
    seen = [
        re.sub(r"(?s)<details>.*?</details>", " ", c.source) for _, c in prose(notebook)
    ]
    count = sum(len(words(source)) for source in seen)
    return [f"{count} words (limit {limit})"] if count > limit else []


def few_prints(notebook, limit=2):
    """What is printed wraps on a phone: at most so many such cells in a row."""
    faulty, row = [], 0
    for number, cell in code(notebook):
        row = row + 1 if re.search(r"\bprint\(", cell.source) else 0
        if row > limit:
            faulty.append(f"code cell {number} is the {row}th in a row that prints")
    return faulty


#: Inversions and phrases that no native writer would use.
STILTED = re.compile(
    r"\bis to be (?:an?|the)\b|\b[Aa]lone it all\b|\b(?:Most|Few) of us\b|"
    r"\b[Ww]hoever\b|\bshall confirm\b|\bso it does for\b|\bhas no place here\b|"
    r"\blaid bare\b|\b(?:Down|Asked|Left out|Wanted|Missing|Meant|Counted|Needed) "
    r"(?:is|are|was|were)\b|(?:^|[.:;] )So (?:says?|is it)\b"
)


def stilted(text):
    """Return the phrases of a text that nobody would say aloud."""
    return [match[0] for match in STILTED.finditer(text)]


def said_aloud(notebook):
    """Return the phrases of the prose that nobody would say aloud."""
    return [
        f"markdown cell {number}: {phrase!r}"
        for number, cell in prose(notebook)
        for phrase in stilted(cell.source)
    ]


def blocks(notebook):
    """Return what a lesson lacks of its nine blocks, in order."""
    titles = [t for _, c in prose(notebook) for d, t in headings(c.source) if d == 2]
    plain = [re.sub(r"^\W+", "", t) for t in titles]
    faulty, place = [], 0
    for block in BLOCKS:
        found = [
            i
            for i in range(place, len(plain))
            if plain[i].lower().startswith(block.lower())
        ]
        if found:
            place = found[0] + 1
        else:
            faulty.append(f"no heading '## {block}' in its place among {titles}")
    return faulty


def shape(notebook):
    """Objectives, minutes, verdict and honesty of a lesson."""
    text = sections(notebook)
    faulty = []
    goals = re.findall(
        r"(?m)^\s*(?:[-*]|\d+\.)\s+\S", text.get("You will be able to", "")
    )
    if not 1 <= len(goals) <= 4:
        faulty.append(
            f"{len(goals)} objectives under 'You will be able to', not 1 to 4"
        )
    opening = "\n".join(c.source for _, c in prose(notebook)[:4])
    minutes = [
        int(m) for m in re.findall(r"(?<![\d.,])(\d+)\s*min(?:ute)?s?\b", opening)
    ]
    most = 90 if "· capstone ·" in opening else 45
    if not minutes or min(minutes) > most:
        faulty.append(f"the minutes (at most {most}) are not stated at the start")
    point = text.get("Key point", "").lower()
    if not re.search(r"\b(holds|holds if|does not hold)\b", point):
        faulty.append("the key point gives no verdict: holds, holds if, does not hold")
    everything = " ".join(c.source for _, c in prose(notebook)).lower()
    if "leaves out" not in everything:
        faulty.append("nothing says what this model leaves out")
    return faulty


def numbers_shown(notebook):
    """Every number of note in the prose occurs in a cell's code, output or table.

    A number of note has a decimal point or is at least 1,000, and is neither a year
    nor part of a link or of code.  A table is a comment that begins with `numbers`;
    `test_answers.py` evaluates it.
    """
    evidence = set()
    for _, cell in prose(notebook):
        for table in re.findall(r"(?s)<!-- numbers\n(.*?)-->", cell.source):
            evidence |= _numbers(table)
    for _, cell in code(notebook):
        evidence |= _numbers(cell.source)
        for output in cell.outputs:
            for shown in [output.get("text", ""), *output.get("data", {}).values()]:
                evidence |= _numbers(unescape(unquote(str(shown))))
    faulty = []
    for number, cell in prose(notebook):
        text = re.sub(r"(?s)<!--.*?-->|```.*?```", " ", cell.source)
        text = re.sub(r"\]\([^)]*\)|`[^`]*`|<[^>]+>|\$[^$]*\$", " ", text)
        wanted = {
            n for n in _numbers(text) if "." in n or (float(n) >= 1000 and not _year(n))
        }
        missing = sorted(wanted - evidence)
        faulty += [f"markdown cell {number}: no cell shows {n}" for n in missing]
    return faulty


def links(notebook, folder):
    """Return the relative links of the prose that lead nowhere."""
    faulty = []
    for number, cell in prose(notebook):
        for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", cell.source):
            if re.match(r"[a-z]+:", target):
                continue  # another site's; a lesson does not depend on it
            name, _, anchor = target.partition("#")
            file = (folder / unquote(name)).resolve() if name else None
            if file is not None and not file.exists():
                faulty.append(f"markdown cell {number}: {target} does not exist")
            elif anchor and unquote(anchor) not in anchors(file, notebook):
                faulty.append(f"markdown cell {number}: {target} has no such heading")
    return faulty


def definitions(folder):
    """Return {anchor: first sentence} of the words of the glossary."""
    cells = nbformat.read(folder / "glossary.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells)
    found = re.findall(r"(?m)^### (.+)\n\n([^.\n]+\.)", text)
    return {
        word.strip().replace(" ", "-"): re.sub(r"[*`\"()]", "", said)
        for word, said in found
        if "$" not in said
    }


def hovers(notebook, folder):
    """Return the links to a word whose meaning does not show on hover."""
    known, faulty = definitions(folder), []
    for number, cell in prose(notebook):
        for word, title in re.findall(
            r"\(glossary\.ipynb#([^)\s]+)([^)]*)\)", cell.source
        ):
            if word in known and title != f' "{known[word]}"':
                faulty.append(
                    f"markdown cell {number}: {word} must say {known[word]!r}"
                )
    return faulty


def headings(markdown):
    """Return the (depth, title) of every heading outside fenced code."""
    text = re.sub(r"(?ms)^```.*?^```", "", markdown)
    return [
        (len(marks), title.strip())
        for marks, title in re.findall(r"(?m)^(#{1,6})\s+(.+?)\s*#*\s*$", text)
    ]


def sections(notebook):
    """Return {block: the markdown under its heading}."""
    found, block = {}, ""
    for _, cell in prose(notebook):
        for line in cell.source.splitlines():
            for depth, title in headings(line):
                if depth == 2:
                    plain = re.sub(r"^\W+", "", title)
                    block = next((b for b in BLOCKS if plain.startswith(b)), title)
            found[block] = found.get(block, "") + line + "\n"
    return found


def words(markdown):
    """Return the words a reader sees: no code, tags, link targets or formulas."""
    text = re.sub(r"(?s)```.*?```|<!--.*?-->|\$\$.*?\$\$", " ", markdown)
    text = re.sub(r"<[^>]+>|\]\([^)]*\)", " ", text)
    return re.findall(r"[\w$%][^\s]*", text)


def _numbers(text):
    """Return the numbers of a text, without thousands commas."""
    found = re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\d])", text)
    return {n.replace(",", "") for n in found}


def _year(number):
    return "." not in number and 1900 <= float(number) <= 2100


def anchors(file, notebook=None):
    """Return the anchors of a markdown file or a notebook."""
    if file is None:
        titles = [t for _, c in prose(notebook) for _, t in headings(c.source)]
    elif file.suffix == ".ipynb":
        other = nbformat.read(file, as_version=4)
        titles = [t for _, c in prose(other) for _, t in headings(c.source)]
    else:
        text = file.read_text(encoding="utf-8")
        github = [re.sub(r"[^\w\- ]", "", t.lower()) for _, t in headings(text)]
        named = re.findall(r'<a (?:id|name)="([^"]+)"', text)
        return {g.replace(" ", "-") for g in github} | set(named)
    return {t.replace(" ", "-") for t in titles}


GUARDS = (short_prose, short_code, numbers_shown, said_aloud)
LESSON_GUARDS = (blocks, shape, few_words, few_prints)
