"""What a stored notebook must be like; nbval alone would let all of this pass.

Each guard takes a notebook (as `nbformat` reads it) and returns its complaints, one
sentence each; an empty list is a pass.  `test_lessons.py` turns every guard on every
lesson and on a planted fault, so that each is known to be able to fail.
"""

import ast
import io
import re
import tokenize
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

from hamodel.course.lessons import CELL_METADATA, NOTEBOOK_METADATA
from hamodel.course.saving import WIDGET_VIEW
from tests.support.svg_pictures import faults

PREFIX = "data:image/svg+xml,"
SHOWN = {"text/plain", "text/html", "text/latex", "text/markdown"}
CAPTURING = {  # nbval does not emulate output capture, and errors vanish in it
    "Output",
    "clear_output",
    "interact",
    "interact_manual",
    "interactive",
    "interactive_output",
}
NETWORK = {
    "aiohttp",
    "ftplib",
    "http",
    "httpx",
    "micropip",
    "pip",
    "requests",
    "socket",
    "subprocess",
    "urllib",
    "urllib3",
}
DRAWING = {"bqplot", "ipympl", "matplotlib", "plotly", "pylab", "seaborn"}
SEEDED = {"Generator", "PCG64", "SeedSequence", "default_rng"}
MARKERS = re.compile(
    r"#\s*(NBVAL_SKIP|NBVAL_RAISES_EXCEPTION|PYTEST_VALIDATE_IGNORE_OUTPUT"
    r"|NBVAL_IGNORE_OUTPUT|NBVAL_CHECK_OUTPUT)\b"
)


def code(notebook):
    """Return the code cells with their numbers, counted from 1."""
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    return list(enumerate(cells, 1))


def prose(notebook):
    """Return the markdown cells with their numbers, counted from 1."""
    cells = [c for c in notebook.cells if c.cell_type == "markdown"]
    return list(enumerate(cells, 1))


def outputs(notebook):
    """Yield (code cell number, output)."""
    for number, cell in code(notebook):
        for output in cell.outputs:
            yield number, output


def trees(notebook):
    """Yield (code cell number, syntax tree) of the cells that parse."""
    for number, cell in code(notebook):
        try:
            yield number, ast.parse(cell.source)
        except SyntaxError:
            continue  # `plain_python` complains


def executed_in_order(notebook):
    counts = [cell.execution_count for _, cell in code(notebook)]
    wanted = list(range(1, len(counts) + 1))
    faulty = [] if counts == wanted else [f"execution counts are {counts}, not 1..N"]
    if not counts:
        faulty.append("there is no code cell")
    for number, output in outputs(notebook):
        count = output.get("execution_count", number)
        if count != number:
            faulty.append(f"code cell {number} stores a result numbered {count}")
    return faulty


def no_empty_cell(notebook):
    return [
        f"{cell.cell_type} cell at position {place} is empty"
        for place, cell in enumerate(notebook.cells, 1)
        if not cell.source.strip()
    ]


def no_error_no_stderr(notebook):
    faulty = []
    for number, output in outputs(notebook):
        if output.output_type == "error":
            faulty.append(f"code cell {number} stores an error: {output.ename}")
        if output.output_type == "stream" and output.name != "stdout":
            faulty.append(f"code cell {number} stores {output.name}: {output.text!r}")
    return faulty


def plain_python(notebook):
    """No magics, shell lines or help marks: they are no Python and hide installs."""
    faulty = []
    for number, cell in code(notebook):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            faulty.append(f"code cell {number} is not plain Python: {error}")
    return faulty


def no_capture(notebook):
    return [
        f"code cell {number} uses {name}"
        for number, tree in trees(notebook)
        for name in sorted(_names(tree) & CAPTURING)
    ]


def no_network(notebook):
    faulty = []
    for number, tree in trees(notebook):
        imported = sorted(_modules(tree) & NETWORK)
        faulty += [f"code cell {number} imports {name}" for name in imported]
        if {"system", "popen", "__import__", "import_module"} & _names(tree):
            faulty.append(f"code cell {number} starts a program or hides an import")
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and "://" in str(node.value):
                faulty.append(f"code cell {number} holds the address {node.value!r}")
    return faulty


def no_drawing_code(notebook):
    """Plotting is the package's work; a lesson shows models."""
    return [
        f"code cell {number} imports {name}"
        for number, tree in trees(notebook)
        for name in sorted(_modules(tree) & DRAWING)
    ]


def seeded(notebook):
    """Randomness only by `np.random.default_rng(seed)`: no global state."""
    faulty = []
    for number, tree in trees(notebook):
        if "random" in _modules(tree):
            faulty.append(f"code cell {number} imports random")
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr == "random"
                and node.attr not in SEEDED
            ):
                faulty.append(f"code cell {number} uses np.random.{node.attr}")
            if (
                isinstance(node, ast.Call)
                and "default_rng" in ast.unparse(node.func)
                and not (node.args or node.keywords)
            ):
                faulty.append(f"code cell {number} makes a generator without a seed")
    return faulty


def no_trailing_semicolon(notebook):
    """Under nbval a semicolon does not hush a value: write `_ = …`."""
    faulty = []
    for number, cell in code(notebook):
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(cell.source).readline))
        except (tokenize.TokenError, SyntaxError):
            continue  # `plain_python` complains
        ends = {tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER}
        for token, following in pairwise(tokens):
            if token.string == ";" and following.type in ends:
                faulty.append(f"code cell {number} has a trailing semicolon")
    return faulty


def checked_by_nbval(notebook):
    """No cell is skipped or expected to raise; ignored ones are counted elsewhere."""
    faulty = []
    for number, cell in code(notebook):
        tags = set(cell.metadata.get("tags", ())) & {
            "nbval-skip",
            "nbval-raises-exception",
            "raises-exception",
        }
        marks = {m for m in MARKERS.findall(cell.source) if "IGNORE" not in m}
        faulty += [f"code cell {number} is marked {m}" for m in sorted(tags | marks)]
    return faulty


def ignored_outputs(notebook):
    """Return a line per cell whose output nbval is told to ignore."""
    return [
        f"code cell {number} ignores its output"
        for number, cell in code(notebook)
        if "nbval-ignore-output" in cell.metadata.get("tags", ())
        or any("IGNORE" in mark for mark in MARKERS.findall(cell.source))
    ]


def no_noise(notebook):
    faulty = []
    if dict(notebook.metadata) != NOTEBOOK_METADATA:
        faulty.append("the notebook's metadata is not what the builder stores")
    for place, cell in enumerate(notebook.cells, 1):
        if extra := sorted(set(cell.metadata) - set(CELL_METADATA)):
            faulty.append(f"cell {place} has metadata {extra}")
        if cell.get("id") != f"cell-{place:02d}":
            faulty.append(f"cell {place} has the id {cell.get('id')!r}")
        if cell.get("attachments"):
            faulty.append(f"cell {place} has attachments")
        if cell.metadata.get("jupyter"):
            faulty.append(f"cell {place} hides its source or outputs")
    return faulty + [
        f"code cell {number} has an output with metadata"
        for number, output in outputs(notebook)
        if output.get("metadata")
    ]


def no_stored_widget(notebook):
    """A stored widget view shows a blank until the cell is run."""
    faulty = [
        f"code cell {number} stores a widget view"
        for number, output in outputs(notebook)
        if WIDGET_VIEW in output.get("data", {})
    ]
    if "widgets" in notebook.metadata:
        faulty.append("the metadata holds widget states")
    return faulty


def pictures_as_images(notebook):
    """Every stored picture is an `<img>` with a description and SVG in it."""
    faulty = []
    for number, output in outputs(notebook):
        for kind in sorted(set(output.get("data", {})) - SHOWN - {WIDGET_VIEW}):
            faulty.append(f"code cell {number} stores {kind}")
        for name, attributes in elements(output.get("data", {}).get("text/html", "")):
            complaint = _element(name, attributes)
            if complaint:
                faulty.append(f"code cell {number} stores {complaint}")
    return faulty


def pictures_described(notebook):
    """Every picture in the prose has a description; nothing in it runs."""
    faulty = []
    for number, cell in prose(notebook):
        for name, attributes in elements(cell.source):
            if name in {"script", "iframe", "style"}:
                faulty.append(f"markdown cell {number} has <{name}>")
            if name == "img" and not attributes.get("alt", "").strip():
                faulty.append(f"markdown cell {number} has a picture without alt")
        for alt in re.findall(r"!\[([^\]]*)\]\(", cell.source):
            if not alt.strip():
                faulty.append(f"markdown cell {number} has a picture without alt")
    return faulty


def something_to_see(notebook):
    """A notebook shows at least one picture before anything is run."""
    shown = [
        name
        for _, output in outputs(notebook)
        for name, _ in elements(output.get("data", {}).get("text/html", ""))
    ]
    return [] if "img" in shown else ["no code cell stores a picture"]


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {k: v or "" for k, v in attrs}))


def elements(html):
    """Return the (name, attributes) of every element of some HTML."""
    parser = _Elements()
    parser.feed(html)
    return parser.found


def images(notebook):
    """Yield (code cell number, alt, svg) of every stored picture."""
    for number, output in outputs(notebook):
        for name, attributes in elements(output.get("data", {}).get("text/html", "")):
            if name == "img" and attributes.get("src", "").startswith(PREFIX):
                svg = unquote(attributes["src"].removeprefix(PREFIX))
                yield number, attributes.get("alt", ""), svg


def _element(name, attributes):
    """Return what is wrong with an element of stored HTML, or nothing."""
    if name in {"svg", "script", "iframe", "object", "embed", "canvas", "video"}:
        return f"a raw <{name}>"
    goes = [attributes.get("src", ""), attributes.get("href", "")]
    if any(re.match(r"\w*:?//", to) for to in goes) or "url(" in attributes.get(
        "style", ""
    ):
        return f"<{name}> that points elsewhere"
    if name != "img":
        return ""
    alt, source = attributes.get("alt", "").strip(), attributes.get("src", "")
    if len(alt) < 20:
        return f"a picture whose alt says too little: {alt!r}"
    if not source.startswith(PREFIX):
        return f"a picture that is no SVG: {source[:40]!r}"
    return "; ".join(faults(unquote(source.removeprefix(PREFIX))))


def _names(tree):
    """Return every name, attribute and imported name of a syntax tree."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found |= {*node.name.split("."), node.asname or node.name}
    return found


def _modules(tree):
    """Return the top names of the modules that a tree imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


GUARDS = (
    executed_in_order,
    no_empty_cell,
    no_error_no_stderr,
    plain_python,
    no_capture,
    no_network,
    no_drawing_code,
    seeded,
    no_trailing_semicolon,
    checked_by_nbval,
    no_noise,
    no_stored_widget,
    pictures_as_images,
    pictures_described,
    something_to_see,
)
