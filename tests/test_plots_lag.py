"""Pictures of lag, loss and the gate: positions, words and fences."""

import numpy as np
import pytest

from hamodel import duration, plots
from hamodel.plots.lag import draw_lag_cdf, draw_lag_gate, draw_loss
from hamodel.replication import LagGate, Replication, Stream, WriteStage
from hamodel.units import HOUR, YEAR
from tests.support.svg_pictures import sound

FAR = Replication(delay=0.0414, send=WriteStage(service=0.001))
GATE = LagGate(
    exposure=duration.exponential(0.5),
    limit=np.linspace(0, 3, 7),
    failures=4 / YEAR,
    failover=30.0,
    repair=4 * HOUR,
)


def axes():
    with plots.styled():
        return plots.figure(7.2, 3.6).subplots()


def test_lag():
    ax = axes()
    lag = Stream(writes=900, delay=0.02, apply=WriteStage(service=0.001)).lag
    drawn = draw_lag_cdf(ax, lag, goal=0.01)
    t, y = drawn.line.get_data()
    assert y == pytest.approx(lag.sf(t))
    assert drawn.mark.get_xdata()[0] == pytest.approx(0.02 + np.log(100) / 100)
    assert "all but 0.01 within 66.1 ms" in drawn.text
    sound(plots.svg(ax.figure))
    drawn.show(duration.exponential(0.002))
    assert "half of the writes visible within 1.39 ms" in drawn.text
    assert np.all(drawn.line.get_ydata() > 0)
    sound(plots.svg(ax.figure))
    draw_lag_cdf(axes(), duration.constant(0.0))


def test_loss():
    ax = axes()
    losses = [FAR.loss(kind, writes=900) for kind in ("process", "network", "site")]
    drawn = draw_loss(ax, losses)
    t, y = drawn.lines[1].get_data()
    assert y == pytest.approx(losses[1].time.sf(t))
    worst = 0.0414 + np.log(90) / 100
    assert f"network: 99 % lose at most {1000 * worst:.3g} ms" in drawn.text
    assert len({line.get_linestyle() for line in drawn.lines}) == 3
    sound(plots.svg(ax.figure))
    drawn.show(losses[::-1])
    assert drawn.labels[0].get_text().startswith("site")
    nothing = Replication(mode="sync").loss("site", writes=900)
    assert "at most 0 s" in draw_loss(axes(), [nothing]).text


def test_gate():
    ax = axes()
    drawn = draw_lag_gate(ax, GATE)
    lost, down = drawn.line.get_data()
    assert lost == pytest.approx(GATE.mean_loss)
    assert down * 60 == pytest.approx(GATE.downtime_per_year)
    assert "strictest: 16 h down a year and 0 s lost" in drawn.text
    assert drawn.ends[0].get_text() == " limit 0 s"
    sound(plots.svg(ax.figure))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: draw_lag_cdf(axes(), duration.constant(1), goal=0), "goal must be in"),
        (lambda: draw_lag_cdf(axes(), duration.constant(1), most=0), "most must be"),
        (lambda: draw_loss(axes(), []), "losses must be one to four"),
        (
            lambda: draw_loss(axes(), [FAR.loss("site", writes=1)], most=-1),
            "most must be",
        ),
        (
            lambda: draw_lag_gate(
                axes(),
                LagGate(
                    exposure=GATE.exposure, limit=1.0, failures=1, failover=1, repair=1
                ),
            ),
            "limit must be a rising row",
        ),
    ],
)
def test_pictures_that_cannot_be(call, words):
    with pytest.raises(ValueError, match=words):
        call()
