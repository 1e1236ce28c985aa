"""The static pages hold what the notebooks show, and nothing from outside."""

import gzip
import itertools
import json
import re
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest

import hamodel
from hamodel import catalogue, plots
from hamodel.course.site import _film, _pages
from hamodel.failover import Dns, Failover, Heartbeat
from tests.support import built_site
from tests.support.notebook_stage import NOTEBOOKS, ROOT, staged

VOID = {"meta", "img", "input", "br", "hr", "link", "source"}


class Page(HTMLParser):
    """The elements of a page, and the text of each."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self._open == [], f"{path.name}: an element is not closed"

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append({"tag": tag, "text": "", **dict(attributes)})

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data
        if not {"script", "style"} & {element["tag"] for element in self._open}:
            self.text += data

    def all(self, *tags):
        return [element for element in self.elements if element["tag"] in tags]


@cache
def read(name):
    """Return a page of the site, read once."""
    return Page(built_site.built()[name])


@cache
def names_in(path):
    """Return what can be linked to within a page."""
    return {element.get("id") for element in Page(path).elements}


@pytest.fixture(params=built_site.NAMES)
def page(request):
    return read(request.param)


# ---- every page --------------------------------------------------------------------


def test_nothing_is_loaded_from_outside(page):
    for element in page.elements:
        for name in ("src", "srcset", "poster", "data"):
            assert element.get(name, "data:").startswith("data:"), element
    assert [link["href"] for link in page.all("link")] == ["data:,"]  # no icon
    assert page.all("iframe", "object", "embed") == []
    for style in page.all("style"):
        assert "url(" not in style["text"]
        assert "@import" not in style["text"]
    (policy,) = (e["content"] for e in page.all("meta") if "http-equiv" in e)
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_every_picture_has_a_description(page):
    for image in page.all("img"):
        assert len(image["alt"]) > 20


def test_links_lead_somewhere(page):
    ids = {element.get("id") for element in page.elements}
    for link in page.all("a"):
        target, _, part = link["href"].partition("#")
        assert ".ipynb" not in target
        if target.startswith("http"):
            continue
        there = built_site.built()["index.html"].parent / unquote(target)
        assert not target or there.is_file(), link
        if part:
            found = names_in(there) if target else ids
            assert unquote(part) in found, link


def test_no_markdown_and_no_latex_is_left(page):
    assert "$" not in page.text
    assert "\\frac" not in page.text
    assert "<!--" not in page.source, "the comments of the tests are not shown"
    assert not re.search(r"(?m)^(#+|\||```)", page.text)


def test_no_sentence_is_of_a_lab(page):
    """What only a running notebook can do is said on a page in other words."""
    for words in (
        *("my_course.json", "Shift+Enter", "run the cell", "next cell", "cell below"),
        *("handles", "Run this cell", "Run All", "stays in the picture below"),
    ):
        assert words not in page.text, words
    there = {"Check", *(e["text"] for e in page.all("button", "label", "summary"))}
    for name in re.findall(r"[Pp]ress(?: a| the)? <em>([^<]+)</em>", page.source):
        assert any(name in text for text in there), name


def test_headings_go_down_one_by_one_and_ids_are_unique(page):
    levels = [int(e["tag"][1]) for e in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    ids = [element["id"] for element in page.elements if "id" in element]
    assert len(ids) == len(set(ids))


def test_what_is_moved_has_a_name(page):
    labelled = {element["for"] for element in page.all("label")}
    for element in page.all("input", "select"):
        assert element["id"] in labelled
    for element in page.all("button", "summary", "a"):
        assert element["text"].strip() or element.get("aria-label")


def test_pages_that_lessons_link_to_are_closed_too():
    for path in built_site.built()["index.html"].parent.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "default-src 'none'" in text
        assert not re.search(r"""src=["']?(?:http|//)|href=["']?//""", text), path


def test_a_first_visit_is_small():
    """A page is all that is fetched: less than 150 kB, compressed as servers do."""
    sizes = {
        name: len(gzip.compress(page.read_bytes(), 6))
        for name, page in built_site.built().items()
    }
    assert {n: size for n, size in sizes.items() if size >= 150_000} == {}
    assert sizes["index.html"] < 20_000


# ---- beside the lessons ------------------------------------------------------------


def test_the_landing_page_opens_with_a_live_answer():
    page = read("index.html")
    assert page.all("h1")[0]["text"].startswith("How long will a failover take")
    given = {e["id"]: float(e["value"]) for e in page.all("input") if "value" in e}
    found = whole(given).duration
    (said,) = (e["text"] for e in page.all("output"))
    late, worst = (found.quantile(p) for p in (0.95, 1.0))
    assert said.startswith(
        f"On average {found.mean:.0f} s; 95 in 100 within {late:.0f} s; "
        f"never more than {worst:.0f} s."
    )
    minutes = given["often"] * found.mean / 60
    assert f"are {minutes:.1f} minutes down" in said


def whole(given):
    """Return the failover of the landing page, by the package."""
    return Failover(
        detection=Heartbeat(interval=given["beat"], misses=int(given["misses"])),
        fencing=given["fence"],
        promotion=given["promote"],
        redirection=Dns(ttl=given["ttl"]),
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("failover-time", r"mean 52 s; half within 52 s, 95 % within 80 s"),
        ("what-do-i-lose", r"900 writes/s: +9\.0 on average"),
        ("is-99-99-enough", r"on average 16\.8 minutes a year"),
        ("three-nodes-or-two", r"two nodes +16\.8 minutes a year"),
    ],
)
def test_a_how_to_shows_what_its_code_says(name, said):
    page = read(f"howto-{name}.html")
    assert re.search(said, page.text)
    assert "What this leaves out" in page.text


def test_the_gallery_has_every_picture():
    page = read("docs-gallery.html")
    draws = [name for name in plots.__all__ if name.startswith("draw_")]
    assert [name for name in draws if f"plots.{name}" not in page.text] == []
    assert len(page.all("img")) == len(draws) + 1, "a sweep is drawn twice"


def test_every_fact_is_there_with_its_source():
    page = read("facts.html")
    rows = {e["id"]: e["text"] for e in page.all("tr") if "id" in e}
    assert len(rows) == len(catalogue.facts())
    assert all(catalogue.fact(k).source_title in text for k, text in rows.items())


def test_the_search_lists_the_sections():
    page = read("index.html")
    links = {e["href"]: e["text"] for e in page.all("a")}
    assert links["05_anatomy_of_a_failover.html#Key-point"] == "Key point"
    assert links["docs-gallery.html#States-and-rates"] == "States and rates"


@pytest.mark.slow
def test_the_reference_has_every_room(tmp_path):
    first = _pages.reference(ROOT / "docs" / "api", tmp_path)
    assert first == tmp_path / "api" / "index.html"
    style = (first.parent / "_static" / "custom.css").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in style, "not the empty one of the theme"
    for room, name in (("queueing", "erlang_c"), ("duration", "lognormal")):
        text = (first.parent / f"hamodel.{room}.html").read_text(encoding="utf-8")
        assert f'id="hamodel.{room}.{name}"' in text
        assert "Parameters" in text
        assert not re.search(r"""src=["'](?:https?:|//)""", text), "works offline"
    pages = [p.read_text(encoding="utf-8") for p in first.parent.glob("hamodel*.html")]
    told = set(re.findall(r'(?:id|href)="(?:[^"]*#)?(hamodel[.\w]*)"', "".join(pages)))
    told |= {page.stem for page in first.parent.glob("hamodel*.html")}
    for room in hamodel.__all__:
        module = getattr(hamodel, room)
        if isinstance(module, type(hamodel)):
            names = [f"{module.__name__}.{n}" for n in getattr(module, "__all__", ())]
        else:
            names = [f"hamodel.{room}"]
            if names[0] not in told:  # its room has it, and the page of all links there
                names = [n for n in told if n.endswith(f".{room}")][:1] or names
        assert set(names) <= told


def test_without_its_source_there_is_no_reference(tmp_path):
    assert _pages.reference(tmp_path, tmp_path) is None


# ---- what a notebook holds is on its page ------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_holds_all_of_its_notebook(path):
    page = read(f"{path.stem}.html")
    played = staged(path)
    kinds = [e.get("class") for e in page.elements]
    assert kinds.count("prediction") == len(played.predictions)
    assert kinds.count("explorer") >= len(played.explorers)
    assert kinds.count("exercise") == len(played.stubs)
    solutions = [e for e in page.all("summary") if e["text"] == "Solution"]
    assert len(solutions) == len(played.stubs)
    text = " ".join(page.text.split())
    formulas = 0
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                assert " ".join(output.text.split()) in text
            formulas += "text/latex" in output.get("data", {})
    assert len(page.all("math")) >= formulas
    for exercise in played.exercises:
        for mistake in exercise.mistakes:
            assert " ".join(mistake.hint.split()) in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_frame_is_what_the_explorer_shows(path):
    """The frames, unpacked as the page does it, against the explorer itself."""
    page = read(f"{path.stem}.html")
    films = [
        json.loads(e["text"])
        for e in page.all("script")
        if e.get("type") == "application/json"
    ]
    played = staged(path)
    played.reset()
    for explorer in played.explorers.values():
        (packed,) = (f for f in films if _is_of(f, explorer))
        axes, base = axes_of(explorer, packed), dict(explorer.after)
        if axes[-1].parts:
            holds_what_no_preset_names(explorer, axes, packed["presets"])
        explorer.reset()
        explorer.set(**base)
        start = explorer.values
        presets = zip(explorer.presets.values(), packed["presets"], strict=False)
        named = [
            (
                preset,
                [_put(kept.get(str(k), axis.start)) for k, axis in enumerate(axes)],
            )
            for preset, kept in presets
        ]
        joint = [(setting(axes, places), places) for places in some_places(axes)]
        for change, places in [*joint, *named]:
            explorer.set(**start | change)
            shown = _unpacked(packed, _at(axes, packed["table"], places))
            assert shown == (explorer.svg, explorer.sentence), change
        explorer.reset()


def _put(place):
    """Return where a preset puts an axis at first: scenes have one for each before."""
    return place[0] if isinstance(place, list) else place


def holds_what_no_preset_names(explorer, axes, presets):
    """From every scene, by the values themselves; where there is no scene, none."""
    scenes = axes[-1]
    usual = {part.name: part.values[part.start] for part in scenes.parts}
    for (name, preset), moves in zip(explorer.presets.items(), presets, strict=False):
        named = {k: v for k, v in preset.items() if k in usual}
        told = moves.get(str(len(axes) - 1), range(len(scenes.values)))
        for before, after in zip(scenes.values, told, strict=True):
            wanted = usual | before | named
            if after >= 0:
                assert usual | scenes.values[after] == wanted, name
            else:
                assert before != {}, "from the start each preset leads somewhere"
                assert wanted not in [usual | scene for scene in scenes.values]


def axes_of(explorer, packed):
    """Return the axes that a page has, with their values."""
    counts = [len(axis["texts"]) for axis in packed["axes"]]
    for most in _film.MOST:
        explorer.open()
        axes = _film._Camera(explorer).axes(most)
        if [len(axis.values) for axis in axes] == counts:
            return axes
    raise AssertionError(counts)


def some_places(axes):
    """Return ends and start of each axis, all with all: joint, not one by one."""
    some = [sorted({0, axis.start, len(axis.values) - 1}) for axis in axes]
    return list(itertools.product(*some))


def setting(axes, places):
    """Return what the controls are set to at a position of every axis."""
    found = {}
    for axis, place in zip(axes, places, strict=True):
        value = axis.values[place]
        found |= {axis.name: value} if axis.name else value
    return found


def _is_of(packed, explorer):
    explorer.reset()
    explorer.set(**explorer.after)
    number = 0
    for axis in packed["axes"]:
        number = number * len(axis["texts"]) + axis["start"]
    shown = _unpacked(packed, packed["table"][number])
    return shown == (explorer.svg, explorer.sentence)


def _at(axes, table, places):
    """Return the frame at a position of every axis, in our own reading of the table."""
    number = 0
    for axis, place in zip(axes, places, strict=True):
        number = number * len(axis.values) + place
    return table[number]


def _unpacked(packed, number):
    """Return a frame's picture and sentence, in our own reading of the runs."""
    runs, sentence, *_ = packed["frames"][number]
    numbers = []
    for run in runs.split(","):
        first, _, last = run.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return "\n".join(packed["groups"][n] for n in numbers), sentence


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_said_to_a_guess_is_what_the_notebook_says(path):
    """Our own reading of the page's table, at guesses all over the scales."""
    page, rng = read(f"{path.stem}.html"), np.random.default_rng(2)
    scripts = [e["text"] for e in page.all("script") if "views" in e.get("type", "")]
    predictions = staged(path).predictions
    for text, prediction in zip(scripts, predictions, strict=True):
        table = json.loads(text)
        truth = {k: float(v) for k, v in prediction.truth().items()}
        shape = tuple(map(len, table["grids"]))
        for at in rng.integers(0, shape, size=(60, len(shape))):
            guess = [grid[k] for grid, k in zip(table["grids"], at, strict=True)]
            told = table["said"][table["at"][np.ravel_multi_index(at, shape)]]
            named = dict(zip(prediction.fields, guess, strict=True))
            if prediction.total and sum(guess) != prediction.total:
                wanted = f"That cannot be: together they are {prediction.total:g}."
            elif wrong := prediction.rule(named):
                wanted = f"That cannot be: {wrong}"
            else:
                wanted = prediction.comment(named, truth)
            assert told == wanted, named


def test_the_index_lists_the_map():
    text = " ".join(read("index.html").text.split())
    for path in NOTEBOOKS:
        first = nbformat.read(path, as_version=4).cells[0].source
        assert first.splitlines()[0].removeprefix("# ") in text
    assert re.search(r"13 · [\w ,]+ ?40 min", text)


def test_make_has_the_target():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(
        r"(?m)^site: .*## .*network.*\n\t.*-m hamodel\.course\.site", rules
    )
