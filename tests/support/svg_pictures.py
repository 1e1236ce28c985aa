"""What is wrong with an SVG picture, found by reading it.

A picture is sound if it is well-formed, says its size, has no number that is not one,
and every text lies within its view box.  Text is measured with the font that Matplotlib
brings, which is wider than most fonts that a browser would take in its place.
"""

import itertools
import math
import re
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

NOT_A_NUMBER = re.compile(r"(?i)(?<![a-z])(nan|inf)(?![a-z])")
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
UNIT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
SLACK = 1.0  # px; a glyph's side bearing may stick out


def faults(svg):
    """Return what is wrong with a picture, one phrase each."""
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        return [f"a picture that is not well-formed: {error}"]
    if _tag(root) != "svg":
        return [f"a picture whose root is <{_tag(root)}>"]
    box = _floats(root.get("viewBox", ""))
    if len(box) != 4:
        return ["a picture without a view box"]
    found = [
        f"a picture with {match[0]} in it: {svg[match.start() - 40 : match.end() + 20]}"
        for match in NOT_A_NUMBER.finditer(svg)
    ][:1]
    tags = [_tag(element) for element in root.iter()]
    if len(tags) < 4:
        found.append("an empty picture")
    if not painted(root, box):
        found.append("a picture that does not paint its own background")
    foreign = sorted({"script", "foreignObject", "image"} & set(tags))
    return [*found, *(f"a picture with <{t}>" for t in foreign), *outside(svg, box)]


def painted(root, box):
    """Return whether the first shape fills the view box, in either theme's page."""
    shapes = [e for e in root.iter() if _tag(e) in {"rect", "path", "polygon"}]
    if not shapes or _style(shapes[0]).get("fill", "black") in {"none", "transparent"}:
        return False
    first = shapes[0]
    if _tag(first) == "rect":
        across = [_first(first, name) for name in ("x", "y", "width", "height")]
        return across == box
    place = _floats(first.get("d", "") or first.get("points", ""))
    xs, ys = place[::2], place[1::2]
    sides = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    return all(abs(a - b) <= SLACK for a, b in zip(sides, box, strict=True))


def outside(svg, box):
    """Return a phrase for each text that leaves the view box."""
    x, y, width, height = box
    return [
        f"a picture with text outside its view box: {text!r} at "
        f"x {left:.0f}..{right:.0f}, y {top:.0f}..{bottom:.0f} in {box}"
        for text, (left, top, right, bottom) in texts(svg)
        if min(left - x, top - y) < -SLACK
        or right > x + width + SLACK
        or bottom > y + height + SLACK
    ]


def texts(svg):
    """Return (text, (left, top, right, bottom)) of every text of a picture."""
    found = []
    _walk(ET.fromstring(svg), UNIT, {}, found)
    return found


def sound(picture):
    """Assert that nothing is wrong with a picture, and that no texts lie on others."""
    assert faults(picture) == []
    assert collisions(picture) == []
    assert len(picture) < 200_000


def collisions(svg, overlap=0.25):
    """Return the pairs of texts that cover more than a share of the smaller one."""
    found = []
    shown = [(t, b) for t, b in texts(svg) if t.strip()]
    for i, (first, a) in enumerate(shown):
        for second, b in shown[i + 1 :]:
            wide = min(a[2], b[2]) - max(a[0], b[0])
            high = min(a[3], b[3]) - max(a[1], b[1])
            smaller = min((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b))
            if wide > 0 and high > 0 and wide * high > overlap * smaller:
                found.append((first, second))
    return found


def _walk(element, matrix, style, found):
    style = {**style, **_style(element)}
    if style.get("display") == "none" or _tag(element) in {"defs", "title", "desc"}:
        return
    matrix = _multiply(matrix, _transform(element.get("transform", "")))
    if _tag(element) == "text":
        _text(element, matrix, style, found)
        return
    for child in element:
        _walk(child, matrix, style, found)


def _text(element, matrix, style, found):
    """Add the runs of a text: its own, or those of its placed tspans."""
    place = (_first(element, "x"), _first(element, "y") + _first(element, "dy"))
    runs = [child for child in element.iter() if _tag(child) == "tspan"]
    if any(run.get("x") or run.get("dy") for run in runs):
        y = place[1]
        for run in runs:
            y = (_first(run, "y") if run.get("y") else y) + _first(run, "dy")
            x = _first(run, "x") if run.get("x") else place[0]
            words = "".join(run.itertext())
            found.append((words, _box(words, (x, y), matrix, {**style, **_style(run)})))
    else:
        words = " ".join("".join(element.itertext()).split())
        found.append((words, _box(words, place, matrix, style)))


def _box(words, place, matrix, style):
    size = _size(style)
    width = text_width(words, size, "bold" in str(style.get("font-weight", "")))
    anchor = style.get("text-anchor", "start")
    left = place[0] - {"middle": width / 2, "end": width}.get(anchor, 0.0)
    middle = style.get("dominant-baseline") in {"middle", "central"}
    rise, fall = (0.5, 0.5) if middle else (0.76, 0.24)
    corners = [
        _apply(matrix, (x, y))
        for x in (left, left + width)
        for y in (place[1] - rise * size, place[1] + fall * size)
    ]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@lru_cache(maxsize=20_000)
def text_width(words, size, bold):
    """Return how many pixels words are wide in the font of the pictures."""
    return _font(bold).getlength(words) * size / 100


@lru_cache
def _font(bold):
    import matplotlib as mpl
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts/ttf", name), 100)


def _style(element):
    """Return the properties of an element, whether attributes or in `style`."""
    names = ("display", "fill", "font", "font-size", "font-weight", "text-anchor")
    found = {k: element.get(k) for k in (*names, "dominant-baseline") if element.get(k)}
    for part in element.get("style", "").split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip()] = value.strip()
    if "font" in found:  # the shorthand: "bold 10px 'DejaVu Sans'"
        if match := re.search(rf"({NUMBER})(px|pt)", found["font"]):
            found.setdefault("font-size", match[0])
        if "bold" in found["font"]:
            found.setdefault("font-weight", "bold")
    return found


def _size(style):
    value = str(style.get("font-size", "16"))
    (number,) = _floats(value)[:1] or [16.0]
    return number * (4 / 3 if value.endswith("pt") else 1)


def _transform(text):
    """Return the matrix of a transform list."""
    matrix = UNIT
    for name, arguments in re.findall(r"(\w+)\s*\(([^)]*)\)", text):
        matrix = _multiply(matrix, _matrix(name, _floats(arguments)))
    return matrix


def _matrix(name, v):
    if name == "matrix":
        return tuple(v)
    if name == "translate":
        return (1, 0, 0, 1, v[0], v[1] if len(v) > 1 else 0)
    if name == "scale":
        return (v[0], 0, 0, v[1] if len(v) > 1 else v[0], 0, 0)
    if name == "rotate":
        c, s = math.cos(math.radians(v[0])), math.sin(math.radians(v[0]))
        x, y = v[1:3] if len(v) == 3 else (0, 0)
        return (c, s, -s, c, x - c * x + s * y, y - s * x - c * y)
    raise ValueError(f"transform must be one of the four known, got {name}")


def _multiply(m, n):
    a, b, c, d, e, f = m
    g, h, i, j, k, l = n  # noqa: E741  the six letters of the SVG standard
    return (
        a * g + c * h,
        b * g + d * h,
        a * i + c * j,
        b * i + d * j,
        a * k + c * l + e,
        b * k + d * l + f,
    )


def _apply(m, point):
    x, y = point
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def _first(element, name):
    return (_floats(element.get(name, "")) or [0.0])[0]


def _floats(text):
    return [float(n) for n in re.findall(NUMBER, text)]


def _tag(element):
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def over_shapes(svg):
    """Return (words, shape) where a line or an edge runs through words.

    Words may stand wholly within a filled shape; what is drawn as ground may lie
    anywhere, and so may what moves.
    """
    edges = []
    _edges(ET.fromstring(svg), UNIT, edges)
    found = []
    for words, (left, top, right, bottom) in texts(svg):
        inner = (left + 2, top + 3, right - 2, bottom - 3)
        found += [(words, tag) for tag, a, b in edges if _crosses(a, b, inner)]
    return found


def _edges(element, matrix, found):
    """Add the straight edges of every shape that is not ground and does not move."""
    tag = _tag(element)
    if tag in {"defs", "style"} or element.get("role") == "ground":
        return
    if tag == "g" and element.get("transform"):
        return
    for child in element:
        _edges(child, matrix, found)
    if tag == "path":
        place = _floats(element.get("d", ""))
        points = list(zip(place[::2], place[1::2], strict=True))
    elif tag == "rect":
        x, y, w, h = (_first(element, n) for n in ("x", "y", "width", "height"))
        points = [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)]
    elif tag == "circle":
        x, y, r = (_first(element, n) for n in ("cx", "cy", "r"))
        turns = [math.radians(30 * k) for k in range(13)]
        points = [(x + r * math.cos(t), y + r * math.sin(t)) for t in turns]
    else:
        return
    found += [(tag, a, b) for a, b in itertools.pairwise(points)]


def _crosses(a, b, box):
    """Return whether a segment passes through a box (Liang and Barsky)."""
    low, high = 0.0, 1.0
    for start, end, least, most in (
        (a[0], b[0], box[0], box[2]),
        (a[1], b[1], box[1], box[3]),
    ):
        step = end - start
        if step == 0:
            if not least <= start <= most:
                return False
            continue
        first, last = sorted(((least - start) / step, (most - start) / step))
        low, high = max(low, first), min(high, last)
    return low < high


def narrow(svg):
    """Return a picture with its words as large as a narrow column writes them."""
    sizes = dict(re.findall(r"\.(n\d+)\{font-size:([\d.]+)px\}", svg))
    return re.sub(
        r'font-size="[\d.]+"([^>]*class="(n\d+) )',
        lambda text: f'font-size="{sizes[text[2]]}"{text[1]}',
        svg,
    )
