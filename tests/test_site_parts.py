"""The parts of the site builder, on explorers and notebooks made for it."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel.course import Choice, Explorer, Slider, lessons, site
from hamodel.course.boxes import Boxes
from hamodel.course.site import _film, _markdown


def notebook(folder, *cells, name="01_small.ipynb"):
    """Write a notebook: a string is Markdown, a string in a list is code."""
    made = nbformat.v4.new_notebook()
    for cell in cells:
        if isinstance(cell, list):
            made.cells.append(nbformat.v4.new_code_cell(cell[0]))
        else:
            made.cells.append(nbformat.v4.new_markdown_cell(cell))
    path = folder / name
    nbformat.write(made, path)
    return path


def small(folder, *cells):
    """Return the text of the page of a small notebook."""
    path = notebook(folder, "# Small", *cells)
    return site.build([path], folder / "site")[1].read_text(encoding="utf-8")


# ---- frames ------------------------------------------------------------------------


def explorer_of(**controls):
    """Return an explorer that draws nothing and says its values."""

    def blank(sheet, values, result, guess):  # noqa: ARG001
        sheet.text((10, 20), str(sorted(values.items())))

    return Explorer(
        title="Which?",
        controls=controls,
        model=lambda **values: values,
        picture=blank,
        describe=lambda values, _: f"It is {values}.",
        presets={},
    )


@given(
    grid=st.lists(st.integers(0, 1000), min_size=2, max_size=200, unique=True),
    start=st.integers(0, 1000),
    most=st.integers(3, 50),
)
def test_thinned_keeps_ends_and_start(grid, start, most):
    kept = _film.thinned(grid, [start], most)
    assert len(kept) <= most
    assert list(kept) == sorted(set(kept))
    assert {min(*grid, start), max(*grid, start), start} <= set(kept)
    assert set(kept) <= {*grid, start}


@given(st.lists(st.integers(0, 30), min_size=1))
def test_runs_can_be_read_back(numbers):
    runs = _film._runs(numbers).split(",")
    pairs = [(run.split("-")[0], run.split("-")[-1]) for run in runs]
    read = [n for a, b in pairs for n in range(int(a), int(b) + 1)]
    assert read == numbers


def test_a_film_holds_the_levers_together_and_leaves_the_explorer_at_its_start():
    slider = Slider(label="Wait (s)", grid=tuple(range(5)), start=2)
    choice = Choice(label="How", options=("a", "b"), start="b")
    explorer = explorer_of(wait=slider, how=choice)
    taken = _film.film(explorer)
    assert explorer.values == {"wait": 2, "how": "b"}
    assert len(taken.frames) == 5 * 2
    wait, how = taken.axes
    assert wait.texts == ("0 s", "1 s", "2 s", "3 s", "4 s")
    assert how.texts == ("a", "b")
    assert (wait.kind, how.kind) == ("range", "choice")
    explorer.set(wait=4, how="a")
    assert taken.svg(taken.at([4, 0])) == explorer.svg
    assert taken.frames[taken.at([4, 0])][1] == explorer.sentence


def test_what_is_no_lever_comes_as_a_setting_that_resets_nothing():
    explorer = explorer_of(
        wait=Slider(label="Wait (s)", grid=(0, 1, 2), start=0),
        loss=Slider(label="Loss (%)", grid=(0, 5), start=0),
        rare=Slider(label="Rare (h)", grid=(1, 2, 9), start=2),
    )
    explorer.presets = {
        "Both": {"wait": 2, "loss": 5},
        "Rare": {"rare": 9},
        "One": {"loss": 5},
    }
    assert _film.levers(explorer) == ("wait", "loss")
    taken = _film.film(explorer)
    assert taken.axes[2].values == ({}, {"rare": 1}, {"rare": 9})
    (rare,) = taken.axes[2].parts
    assert (rare.label, rare.texts) == ("Rare (h)", ("1 h", "2 h", "9 h"))
    rares = {"Rare": {2: (2, 2, 2)}}
    assert taken.presets == {"Both": {0: 2, 1: 1}, **rares, "One": {1: 1}}
    explorer.set(wait=1, loss=5, rare=1)
    assert taken.frames[taken.at([1, 1, 1])][1] == explorer.sentence


def test_scenes_that_are_too_many_are_those_of_presets_and_ends(monkeypatch):
    monkeypatch.setattr(_film, "MOST_SCENES", 5)
    grid = {"grid": (1, 2, 9), "start": 2}
    explorer = explorer_of(
        wait=Slider(label="Wait (s)", grid=(0, 1, 2), start=0),
        loss=Slider(label="Loss (%)", grid=(0, 5), start=0),
        rare=Slider(label="Rare (h)", **grid),
        far=Slider(label="Far (ms)", **grid),
    )
    explorer.presets = {
        "A": {"wait": 2, "loss": 5},
        "Rare": {"rare": 9},
        "Far": {"far": 9},
    }
    taken = _film.film(explorer)
    both = {"rare": 9, "far": 9}
    reached = ({}, {"rare": 9}, {"far": 9}, both)
    assert taken.axes[2].values == (*reached, {"rare": 1}, {"far": 1})
    assert taken.presets["Far"] == {2: (2, 3, 2, 3, -1, 2)}, "-1: no such scene"


def test_a_film_that_is_too_much_is_made_coarser(monkeypatch):
    explorer = explorer_of(
        a=Slider(label="A", grid=tuple(range(60)), start=3),
        b=Slider(label="B", grid=tuple(range(60)), start=0),
    )
    counts = [len(axis.values) for axis in _film.film(explorer).axes]
    monkeypatch.setattr(_film, "MOST_CHARACTERS", 60_000)
    coarse = [len(axis.values) for axis in _film.film(explorer).axes]
    assert np.prod(coarse) < np.prod(counts)
    monkeypatch.setattr(_film, "MOST_CHARACTERS", 600)
    with pytest.raises(ValueError, match="'Which\\?' must fit into 100,000 bytes"):
        _film.film(explorer)


@pytest.mark.parametrize(("count", "sets"), [(3, 8), (6, 64), (7, 1 + 7 + 21)])
def test_boxes_fail_in_every_way_or_by_one_and_two(count, sets):
    places = {f"b{k}": (10 * k, 0, 9, 9) for k in range(count)}
    taken = _film.film(
        explorer_of(down=Boxes(label="Failed", places=places, size=(100, 10)))
    )
    (axis,) = taken.axes
    assert len(set(axis.values)) == len(taken.table) == sets
    assert axis.values[axis.start] == ()


def test_a_box_that_is_not_there_has_no_button():
    boxes = Boxes(
        label="Failed", places=dict.fromkeys("abc", (0, 0, 9, 9)), size=(9, 9)
    )
    boxes.offer("ab")
    (axis,) = _film.film(explorer_of(down=boxes)).axes
    assert set(axis.places) == {"a", "b"}
    assert axis.values == ((), ("a",), ("b",), ("a", "b"))


def test_a_preset_between_the_stops_has_its_own_frame():
    explorer = explorer_of(wait=Slider(label="Wait (s)", grid=(0, 10), start=0))
    explorer.presets = {"Between": {"wait": 4}}
    taken = _film.film(explorer)
    assert taken.axes[0].values == (0, 4, 10)
    assert taken.frames[taken.at([taken.presets["Between"][0]])][2] == "Wait 4 s"


# ---- Markdown and formulas ---------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("a `$x$` b", "<code>$x$</code>"),
        ("it costs $5 or $6", "$5 or $6"),
        ("# A b", '<h1 id="A-b">A b</h1>'),
        ("<!-- secret -->", ""),
        ("| a |\n| --- |\n| b |", '<div class="wide"><table>'),
    ],
)
def test_markdown(source, html):
    made = _markdown.Markdown(str)(source)
    assert html in made
    assert "<math" not in made
    assert "secret" not in made


@pytest.mark.parametrize(
    "source", [r"so $\lambda$ is", r"$$\frac{1}{2}$$", "$$\na_1\n$$", "(1 - $c$)"]
)
def test_a_formula_in_prose_is_drawn(source):
    made = _markdown.Markdown(str)(source)
    assert made.count("<math") == made.count("</math>") == 1
    assert ('display="block"' in made) == ("$$" in source)
    assert "$" not in made


def test_a_formula_keeps_its_source_for_copying():
    assert 'alttext="a &lt; b"' in _markdown.mathml("a < b", block=False)


@pytest.mark.parametrize("formula", [r"\nosuchthing{x}", r"\frac{1", r"\left( x"])
def test_a_formula_that_cannot_be_drawn_is_refused(formula):
    with pytest.raises(ValueError, match="formula"):
        _markdown.mathml(formula, block=False)


def test_code_is_escaped():
    made = _markdown.code('x = "</pre><script>"')
    assert "<script>" not in made
    assert "&lt;script&gt;" in made


# ---- small notebooks ---------------------------------------------------------------


def test_outputs_come_in_their_order(tmp_path):
    text = small(tmp_path, ["print(1)\ndisplay('two')\nprint('<3>')\n'four'"])
    parts = [text.index(f"<pre>{each}</pre>") for each in ("1", "&#x27;two&#x27;")]
    parts += [text.index("<pre>&lt;3&gt;</pre>"), text.index("&#x27;four&#x27;</pre>")]
    assert parts == sorted(parts)


def test_symbols_become_formulas(tmp_path):
    text = small(tmp_path, ["import sympy\nsympy.Symbol('lambda') / 2"])
    assert 'alttext="\\frac{\\lambda}{2}"' in text
    assert "<mfrac>" in text


def test_a_sentence_cannot_close_its_script(tmp_path):
    source = (
        "from hamodel.course import Explorer, Slider\n"
        "from lessons.failover_maths import lesson\n"
        "shown = lesson.explore()\n"
        "shown.describe = lambda *_: '</script><b>'\n"
        "shown"
    )
    text = small(tmp_path, [source])
    assert "</script><b>" not in text


def test_files_that_are_linked_to_come_along(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "facts.csv").write_text("1")
    (tmp_path / "facts.csv").write_text("2")
    (tmp_path / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    text = small(tmp_path, "[a](a/facts.csv) [b](facts.csv#x) ![A dot](dot.svg)")
    folder = tmp_path / "site" / "files"
    assert (folder / "facts.csv").read_text() == "1"
    assert (folder / "facts-2.csv").read_text() == "2"
    assert 'href="files/facts-2.csv#x"' in text
    assert 'src="data:image/svg+xml,' in text


def test_markdown_that_is_linked_to_becomes_a_page(tmp_path):
    (tmp_path / "data").mkdir()
    read = tmp_path / "data" / "README.md"
    read.write_text("# Facts & more\n\n[itself](README.md) [all](all.csv)")
    (tmp_path / "data" / "all.csv").write_text("1")
    text = small(tmp_path, "[facts](data/README.md#more) [again](data/README.md)")
    assert text.count('href="data-readme.html') == 2
    page = (tmp_path / "site" / "data-readme.html").read_text(encoding="utf-8")
    assert "<title>Facts &amp; more" in page
    assert 'href="data-readme.html">itself' in page
    assert 'href="files/all.csv"' in page


def test_links_to_lessons_and_sources(tmp_path):
    other = notebook(tmp_path, "# Other", name="02_other.ipynb")
    first = notebook(
        tmp_path,
        "# First\n\n*25 minutes*",
        "[o](02_other.ipynb#Map) [s](https://example.org/a)",
    )
    index, page, *_ = site.build([first, other], tmp_path / "site")
    text = page.read_text(encoding="utf-8")
    assert 'href="02_other.html#Map"' in text
    assert 'href="https://example.org/a"' in text
    assert "Other →" in text
    assert "25 min" in index.read_text(encoding="utf-8")


def test_a_cell_that_raises_is_named(tmp_path):
    path = notebook(tmp_path, "# Bad", ["1"], ["1 / 0"])
    with pytest.raises(lessons.LessonError, match="code cell 2 raised ZeroDivision"):
        site.build([path], tmp_path / "site")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("[gone](gone.csv)", "link must lead to a file, got 'gone.csv'"),
        (r"so $\nosuchthing{x}$", "formula has a command"),
    ],
)
def test_a_cell_that_cannot_be_put_on_a_page_is_named(tmp_path, cell, problem):
    with pytest.raises(ValueError, match=rf"01_small.ipynb: {problem}"):
        small(tmp_path, cell)


def test_a_notebook_needs_a_title(tmp_path):
    path = notebook(tmp_path, "No title")
    with pytest.raises(ValueError, match="must begin with '# '"):
        site.build([path], tmp_path / "site")


def test_a_site_is_built_where_a_relative_path_says(tmp_path, monkeypatch, capsys):
    """Cells run in the folder of their notebook; the pages must not go there."""
    (tmp_path / "notebooks").mkdir()
    notebook(tmp_path / "notebooks", "# Small", ["print(6 * 7)"])
    monkeypatch.chdir(tmp_path)
    assert site.main(["notebooks", "--output", "made"]) == 0
    assert (tmp_path / "made" / "01_small.html").is_file()
    assert not (tmp_path / "notebooks" / "made").exists()
    assert "42" in (tmp_path / "made" / "01_small.html").read_text(encoding="utf-8")
    assert "01_small.html" in capsys.readouterr().out


def test_a_page_that_is_too_large_is_refused(tmp_path):
    source = "import random\nprint(random.Random(1).randbytes(200_000).hex())"
    with pytest.raises(ValueError, match=r"at most 150,000 bytes when compressed, got"):
        small(tmp_path, [source])


def test_the_learner_s_record_is_left_alone(tmp_path, monkeypatch):
    record = tmp_path / "mine.json"
    monkeypatch.setenv("HAMODEL_PROGRESS", str(record))
    source = "from lessons import start_here\nstart_here.prediction().commit()"
    small(tmp_path, [source])
    assert not record.exists()
    assert not (tmp_path / "my_course.json").exists()


def test_command(tmp_path):
    path = notebook(tmp_path, "# Small", ["1 + 1"])
    command = [sys.executable, "-m", "hamodel.course.site", "--output", tmp_path / "o"]
    done = subprocess.run([*command, path], capture_output=True, text=True, check=True)
    assert (tmp_path / "o" / "index.html").is_file()
    assert done.stdout.splitlines()[-1].startswith("Open file:///")
    bad = notebook(tmp_path, "# Bad", ["1 / 0"])
    done = subprocess.run([*command, bad], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "code cell 1 raised ZeroDivisionError" in done.stderr
