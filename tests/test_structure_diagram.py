"""What the drawn request path shows."""

import pytest
from matplotlib.figure import Figure

from hamodel.plots import contrast, diagram_text, draw_diagram, stopped_parts
from hamodel.plots.diagram import _LOOKS, layout_of
from hamodel.structure import parse

CLASSIC = "client > lb > any(app1, app2, app3) > db"
HIDDEN = {"dns": ["lb"], "power feed": ["app1", "dns"]}


def drawn(structure, failed=()):
    figure = Figure(figsize=(8, 4))
    drawing = draw_diagram(figure.add_subplot(), structure, failed)
    figure.canvas.draw()
    return drawing


def look(drawing, name):
    patch = drawing.boxes[name][0]
    for state, wanted in _LOOKS.items():
        if patch.get_hatch() in (wanted.hatch, wanted.hatch or None):
            return state
    return "unknown"


def test_both_single_points_have_a_heavy_frame():
    drawing = drawn(parse(CLASSIC))
    heavy = {n for n, (p, *_) in drawing.boxes.items() if p.get_linewidth() > 2}
    assert heavy == {"lb", "db"}
    assert set(drawing.boxes) == {"client", "lb", "app1", "app2", "app3", "db"}


def test_marking_changes_artists_and_adds_none():
    drawing = drawn(parse(CLASSIC))
    ax = drawing.status.axes
    before = len(ax.get_children())
    assert drawing.status.get_text() == "service up"
    drawing.mark({"app1", "app2"})
    assert look(drawing, "app1") == "failed"
    assert look(drawing, "app3") == "works"
    assert drawing.status.get_text() == "service up"
    drawing.mark({"db"})
    assert look(drawing, "app1") == "works"
    assert drawing.status.get_text() == "service down"
    assert len(ax.get_children()) == before
    with pytest.raises(ValueError, match="did you mean 'db'"):
        drawing.mark({"dbb"})


def test_wires_after_a_failure_are_dotted():
    drawing = drawn(parse("a > any(b, c) > d"))
    solid = {line.get_linestyle() for line in drawing.wires}
    assert solid == {"-"}
    drawing.mark({"b"})
    dotted = [w for w in drawing.wires if w.get_linestyle() == ":"]
    assert len(dotted) == 1  # what leaves b
    drawing.mark({"a"})
    dotted = [w for w in drawing.wires if w.get_linestyle() == ":"]
    assert len(dotted) == 7  # all but the one that leads to a


def test_hidden_dependencies_stand_below_and_stop_others():
    service = parse(CLASSIC, shared=HIDDEN)
    assert stopped_parts(service, frozenset({"power feed"})) == {"dns", "lb", "app1"}
    assert stopped_parts(service, frozenset({"dns"})) == {"lb"}
    drawing = drawn(service, {"power feed"})
    assert look(drawing, "power feed") == "failed"
    assert look(drawing, "lb") == look(drawing, "dns") == "stopped"
    low = min(p.get_y() for n in ("lb", "app3", "db") for p in drawing.boxes[n])
    for name in ("dns", "power feed"):
        patch = drawing.boxes[name][0]
        assert patch.get_y() + patch.get_height() < low
        assert patch.get_linestyle() == "--"


@pytest.mark.parametrize(
    "structure",
    [
        parse(CLASSIC, shared=HIDDEN),
        parse("any(a > b, atleast(2, c, d, e > any(f, g))) > h"),
    ],
)
def test_boxes_do_not_overlap_and_stay_in_view(structure):
    drawing = drawn(structure)
    spots = [p.get_bbox() for patches in drawing.boxes.values() for p in patches]
    for i, one in enumerate(spots):
        for other in spots[i + 1 :]:
            assert not one.overlaps(other)
    ax = drawing.status.axes
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    for box in spots:
        assert left <= box.x0 < box.x1 <= right
        assert bottom <= box.y0 < box.y1 <= top
    assert set(drawing.boxes) >= set(structure.components)


def test_counts_are_labels():
    labels = layout_of(parse("atleast(2, a, b, c)")).labels
    assert [text for _, text in labels] == ["2 of 3"]


def test_a_shared_part_has_a_box_in_every_place():
    drawing = drawn(parse("any(a > c, b > c)"), {"c"})
    assert len(drawing.boxes["c"]) == 2
    assert drawing.status.get_text() == "service down"


def test_too_much_to_draw():
    names = ", ".join(f"a{i}" for i in range(400))
    with pytest.raises(ValueError, match="<= 300 blocks"):
        drawn(parse(f"any({names})"))


def test_text_says_what_the_picture_shows():
    service = parse(CLASSIC, shared=HIDDEN)
    assert diagram_text(service, {"power feed"}) == (
        "Service down; failed: power feed; stopped for want of it: app1, dns, lb. "
        "Single points of failure: lb, db, dns, power feed."
    )
    assert diagram_text(parse("any(a, b)")).endswith("failure: none.")


def test_states_differ_without_colour():
    hatches = [wanted.hatch for wanted in _LOOKS.values()]
    assert len(set(hatches)) == len(hatches)
    assert contrast("#1a1a1a", "#ffffff") > 7
