"""Pictures of a failover: positions, words and fences."""

import numpy as np
import pytest

from hamodel import duration, plots
from hamodel.failover import Failover, Heartbeat, Lease, ProxyCheck, Span, vigilance
from hamodel.plots.timeline import draw_rto_cdf, draw_timeline, draw_vigilance

MODEL = Failover(detection=Lease(), promotion=2, redirection=ProxyCheck(interval=1))


def axes():
    with plots.styled():
        return plots.figure(6, 3).subplots()


def test_timeline():
    spans = MODEL.sample(np.random.default_rng(4))
    drawn = draw_timeline(axes(), spans)
    for span in spans:
        bar = drawn.bars[span.stage]
        assert bar.get_x() == pytest.approx(span.begin)
        assert bar.get_x() + bar.get_width() == pytest.approx(span.end)
    assert drawn.bars["fencing"].get_width() == 0
    assert "fencing: 0 s" in drawn.text
    assert drawn.end.get_xdata()[0] == spans[-1].end
    hatches = {bar.get_hatch() for bar in drawn.bars.values()}
    assert len(hatches) == 4
    drawn.show([Span("promotion", 0.0, 3.0)])
    assert drawn.bars["detection"].get_width() == 0
    assert drawn.whole.get_text() == "served again after 3 s"


def test_curve():
    ax = axes()
    drawn = draw_rto_cdf(ax, MODEL.duration, objective=29, most=40)
    t, y = drawn.line.get_data()
    assert y == pytest.approx(MODEL.duration.cdf(t))
    assert ax.get_xlim() == (0, 40)
    share = 100 * float(MODEL.within(29))
    assert drawn.text.startswith(f"Recovery time: {share:.3g} % within 29 s; half")
    drawn.show(duration.constant(7))
    assert drawn.text == (
        "Recovery time: 100 % within 29 s; half within 7 s, 95 % within 7 s."
    )


def test_valley():
    beat = Heartbeat(interval=1, loss=0.02)
    curve = vigilance(beat, mttf=7.2e6, recovery=20, misses=range(2, 12))
    drawn = draw_vigilance(axes(), curve)
    x, y = drawn.line.get_data()
    assert x.tolist() == list(range(2, 12))
    assert y == pytest.approx(curve.minutes_per_year)
    assert drawn.real.get_ydata() + drawn.false.get_ydata() == pytest.approx(y)
    assert drawn.best.get_xdata() == [5]
    assert "best at 5 misses: 1.82 min a year; 4,124 min at 2" in drawn.text
    slow = vigilance(beat, mttf=7.2e6, recovery=600, misses=range(2, 12))
    drawn.show(slow)
    assert drawn.caption.get_text().startswith(f"best at {slow.best} misses")


def test_pictures_are_stable():
    for draw in (
        lambda ax: draw_timeline(ax, MODEL.sample(np.random.default_rng(4))),
        lambda ax: draw_rto_cdf(ax, MODEL.duration, objective=30),
        lambda ax: draw_vigilance(
            ax, vigilance(Heartbeat(interval=1, loss=0.1), mttf=1e6, recovery=9)
        ),
    ):
        pictures = []
        for _ in range(2):
            ax = axes()
            draw(ax)
            pictures.append(plots.svg(ax.figure))
        assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda ax: draw_timeline(ax, [], most=0), "most must be > 0"),
        (lambda ax: draw_timeline(ax, [Span("lunch", 0, 1)]), "stage must be one of"),
        (lambda ax: draw_rto_cdf(ax, MODEL.duration, objective=0), "objective must be"),
        (lambda ax: draw_rto_cdf(ax, MODEL.duration, most=-1), "most must be > 0"),
        (
            lambda ax: draw_vigilance(
                ax, vigilance(Heartbeat(interval=1), mttf=1, recovery=1), span=(2, 1)
            ),
            "span must be",
        ),
    ],
)
def test_bad_input(draw, words):
    with pytest.raises(ValueError, match=words):
        draw(axes())


def test_nothing_took_time():
    assert draw_timeline(axes(), []).whole.get_text() == "served again after 0 s"
