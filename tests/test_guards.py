"""Every guard of the notebooks passes a good one, and fails on a planted fault."""

import copy
from urllib.parse import quote

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from hamodel.course import lessons
from tests.support import notebook_guards as guards
from tests.support import prose_guards

ALL_GUARDS = (*guards.GUARDS, *prose_guards.GUARDS, *prose_guards.LESSON_GUARDS)

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40"><g>'
    '<rect width="100" height="40" fill="white"/>'
    '<text x="50" y="20" font-size="10" text-anchor="middle">{}</text></g></svg>'
)
ALT = "The service is down 16.8 minutes a year."


def picture(svg=None, alt=ALT):
    return f'<img alt="{alt}" src="{guards.PREFIX}{quote(svg or SVG.format("down"))}">'


PROSE = """# Failover maths

20 minutes.

## Question
Which lever is longer? It is 16.8 minutes a year at 1,050.

## You will be able to
- tell one from the other

## Predict

## See

## Derive

## Check

## But I thought…

## Key point
*holds if* the standby works. What this model leaves out: people.

## Next
[Home](#Failover-maths)"""


def good():
    """Return a notebook that every guard passes."""
    html = {"text/plain": "<Explorer>", "text/html": picture()}
    shown = new_output("execute_result", data=html, execution_count=2)
    notebook = new_notebook(
        cells=[
            new_markdown_cell(PROSE),
            new_code_cell(
                "import hamodel as ha\nprint(1050)",
                execution_count=1,
                outputs=[new_output("stream", name="stdout", text="1050\n")],
            ),
            new_code_cell("explorer", execution_count=2, outputs=[shown]),
        ]
    )
    lessons.tidy(notebook)
    return notebook


def source(text):
    def plant(notebook):
        notebook.cells[1].source = text

    return plant


def said(text):
    def plant(notebook):
        notebook.cells[0].source = PROSE + "\n\n" + text

    return plant


def without(text):
    def plant(notebook):
        assert text in PROSE
        notebook.cells[0].source = PROSE.replace(text, "")

    return plant


def html(text):
    def plant(notebook):
        notebook.cells[2].outputs[0].data["text/html"] = text

    return plant


def data(kind, value="x"):
    def plant(notebook):
        notebook.cells[2].outputs[0].data[kind] = value

    return plant


def metadata(part, **values):
    def plant(notebook):
        where = notebook if part is None else notebook.cells[part]
        where.metadata.update(values)

    return plant


def output(kind, **values):
    def plant(notebook):
        notebook.cells[1].outputs.append(new_output(kind, **values))

    return plant


def stripped(notebook):
    for _, cell in guards.code(notebook):
        cell.execution_count, cell.outputs = None, []


def field(position, name, value):
    def plant(notebook):
        notebook.cells[position][name] = value

    return plant


def result_numbered_9(notebook):
    notebook.cells[2].outputs[0].execution_count = 9


def output_with_metadata(notebook):
    notebook.cells[2].outputs[0].metadata["isolated"] = True


def printing(notebook):
    notebook.cells += [new_code_cell("print(1)") for _ in range(3)]


PLANTED = [
    (guards.executed_in_order, stripped),
    (guards.executed_in_order, field(2, "execution_count", 3)),
    (guards.executed_in_order, result_numbered_9),
    (guards.executed_in_order, field(1, "cell_type", "raw")),
    (guards.no_empty_cell, source(" \n")),
    (guards.no_empty_cell, field(0, "source", "")),
    (guards.no_error_no_stderr, output("error", ename="E", evalue="", traceback=[])),
    (guards.no_error_no_stderr, output("stream", name="stderr", text="warning")),
    (guards.plain_python, source("%matplotlib inline")),
    (guards.plain_python, source("!pip install numpy")),
    (guards.plain_python, source("hamodel?")),
    (guards.no_capture, source("from ipywidgets import interact")),
    (guards.no_capture, source("import ipywidgets as w\nw.interactive(f)")),
    (guards.no_capture, source("w.interactive_output(f, {})")),
    (guards.no_capture, source("from ipywidgets import interact as quiet")),
    (guards.no_capture, source("@interact_manual\ndef f(x): ...")),
    (guards.no_capture, source("if True:\n    with widgets.Output():\n        f()")),
    (guards.no_network, source("import urllib.request as u")),
    (guards.no_network, source("from subprocess import run")),
    (guards.no_network, source("import os\nos.system('pip install x')")),
    (guards.no_network, source("table = read('https://example.org/t.csv')")),
    (guards.no_network, source("importlib.import_module('x')")),
    (guards.no_drawing_code, source("from matplotlib import pyplot as plt")),
    (guards.seeded, source("import random")),
    (guards.seeded, source("np.random.seed(1)")),
    (guards.seeded, source("rng = np.random.default_rng()")),
    (guards.no_trailing_semicolon, source("f(1);")),
    (guards.no_trailing_semicolon, source("f(1);  # hush\ng(2)")),
    (guards.checked_by_nbval, metadata(1, tags=["nbval-skip"])),
    (guards.checked_by_nbval, metadata(1, tags=["raises-exception"])),
    (guards.checked_by_nbval, source("# NBVAL_SKIP\nf()")),
    (guards.no_noise, metadata(None, widgets={})),
    (guards.no_noise, metadata(1, execution={"iopub.status.busy": "2026"})),
    (guards.no_noise, metadata(1, jupyter={"source_hidden": True})),
    (guards.no_noise, field(1, "id", "f00dcafe")),
    (guards.no_noise, field(0, "attachments", {"a.png": {"image/png": "AA"}})),
    (guards.no_noise, output_with_metadata),
    (guards.no_stored_widget, data(guards.WIDGET_VIEW, {"model_id": "a"})),
    (guards.no_stored_widget, metadata(None, widgets={"a": 1})),
    (guards.pictures_as_images, data("image/png")),
    (guards.pictures_as_images, data("image/svg+xml", SVG)),
    (guards.pictures_as_images, html(SVG)),
    (guards.pictures_as_images, html(picture(alt=" "))),
    (guards.pictures_as_images, html(picture().replace("alt=", "title="))),
    (guards.pictures_as_images, html(picture(alt="picture"))),
    (
        guards.pictures_as_images,
        html(f'<img alt="{ALT}" src="data:image/png;base64,AA">'),
    ),
    (guards.pictures_as_images, html(f'<img alt="{ALT}" src="https://a.org/a.svg">')),
    (guards.pictures_as_images, html("<script>alert()</script>")),
    (guards.pictures_as_images, html(picture(SVG.format("nan")))),
    (guards.pictures_as_images, html(picture(SVG.format("a long text " * 9)))),
    (guards.pictures_as_images, html(picture("<svg>"))),
    (guards.pictures_as_images, html(picture(SVG.replace("white", "none")))),
    (guards.pictures_as_images, html(picture(SVG.replace('"40" fill', '"30" fill')))),
    (guards.pictures_described, said("![](figure.svg)")),
    (guards.pictures_described, said('<img src="figure.svg">')),
    (guards.something_to_see, html("<b>no picture</b>")),
    (prose_guards.short_prose, said("word " * 151)),
    (prose_guards.short_code, source("f()\n" * 13)),
    (prose_guards.few_words, said("word " * 1400)),
    (prose_guards.few_prints, printing),
    (prose_guards.said_aloud, said("Left out is the network.")),
    (prose_guards.said_aloud, said("Down are two. SymPy shall confirm it.")),
    (prose_guards.numbers_shown, said("It costs 17.3 minutes.")),
    (prose_guards.numbers_shown, said("It costs 3,141 minutes.")),
    (prose_guards.shape, without("- tell one from the other")),
    (prose_guards.shape, without("20 minutes.")),
    (prose_guards.shape, without("*holds if*")),
    (prose_guards.shape, without("leaves out")),
    *((prose_guards.blocks, without(f"## {block}")) for block in prose_guards.BLOCKS),
]


@pytest.mark.parametrize("guard", ALL_GUARDS, ids=lambda g: g.__name__)
def test_guard_passes_a_good_notebook(guard):
    assert guard(good()) == []
    assert guard in {planted for planted, _ in PLANTED}


@pytest.mark.parametrize(("guard", "plant"), PLANTED)
def test_guard_fails_on_a_planted_fault(guard, plant):
    notebook = copy.deepcopy(good())
    plant(notebook)
    assert guard(notebook)


def test_swapped_blocks_are_noticed():
    notebook = good()
    swapped = PROSE.replace("## See", "## X").replace("## Predict", "## See")
    notebook.cells[0].source = swapped.replace("## X", "## Predict")
    assert prose_guards.blocks(notebook)


def test_long_derivation_is_noticed():
    notebook = good()
    notebook.cells[0].source = PROSE.partition("## Check")[0]
    notebook.cells[1].source = "f()\n" * 9
    assert prose_guards.short_code(notebook)


@pytest.mark.parametrize("link", ["missing.md", "#nowhere", "glossary.md#no-such-word"])
def test_dead_link_is_noticed(tmp_path, link):
    (tmp_path / "glossary.md").write_text("# Words\n\n## Split brain\n")
    notebook = good()
    notebook.cells[0].source += f" [a](glossary.md#split-brain) [b]({link})"
    (complaint,) = prose_guards.links(notebook, tmp_path)
    assert link in complaint


def test_ignored_outputs_are_counted():
    notebook = good()
    notebook.cells[1].metadata["tags"] = ["nbval-ignore-output"]
    notebook.cells[2].source = "# NBVAL_IGNORE_OUTPUT\nexplorer"
    assert len(guards.ignored_outputs(notebook)) == 2
