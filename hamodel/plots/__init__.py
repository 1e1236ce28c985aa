"""Pictures of results: one look, text that stays text, colour never alone.

The surprising part is what makes a picture quick enough to follow a slider.  A figure
is made once; on a move only the data of its artists change, and it is saved as SVG.
With fixed ticks and plain-text labels that takes 10 to 20 ms, where drawing anew takes
100 and a logarithmic axis with its own labels another 150.

Assumptions: Matplotlib is imported when the first figure is made, not before; nothing
here uses pyplot, so no figure is ever shared or left open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel._extras import on_demand
from hamodel.plots._style import (
    FAINT,
    GREY,
    INK,
    LOOKS,
    PALETTE,
    PAPER,
    Look,
    Shown,
    contrast,
    figure,
    image,
    show,
    styled,
    svg,
)

if TYPE_CHECKING:
    from hamodel.plots.budget import DowntimeBudget, draw_downtime_budget
    from hamodel.plots.calibration import FitPicture, draw_fit
    from hamodel.plots.choices import (
        DrawnDecision,
        DrawnFront,
        draw_decision,
        draw_front,
    )
    from hamodel.plots.comparison import ComparisonDots, draw_comparison
    from hamodel.plots.diagram import Drawing, diagram_text, draw_diagram, stopped_parts
    from hamodel.plots.lag import (
        GateCurve,
        LagCurve,
        LossCurves,
        draw_lag_cdf,
        draw_lag_gate,
        draw_loss,
    )
    from hamodel.plots.latency import LatencyCurves, draw_latency
    from hamodel.plots.measured import Measured, draw_measured, measured_text
    from hamodel.plots.states import StateGraph, draw_state_graph
    from hamodel.plots.sweeps import SweepLines, SweepMap, draw_sweep
    from hamodel.plots.timeline import (
        RtoCurve,
        Timeline,
        Valley,
        draw_rto_cdf,
        draw_timeline,
        draw_vigilance,
    )
    from hamodel.plots.topology import Topology, draw_topology
    from hamodel.plots.uncertainty import (
        DrawnIntervals,
        DrawnTornado,
        draw_intervals,
        draw_tornado,
        tornado_text,
    )

__all__ = [
    "FAINT",
    "GREY",
    "INK",
    "LOOKS",
    "PALETTE",
    "PAPER",
    "ComparisonDots",
    "DowntimeBudget",
    "Drawing",
    "DrawnDecision",
    "DrawnFront",
    "DrawnIntervals",
    "DrawnTornado",
    "FitPicture",
    "GateCurve",
    "LagCurve",
    "LatencyCurves",
    "Look",
    "LossCurves",
    "Measured",
    "RtoCurve",
    "Shown",
    "StateGraph",
    "SweepLines",
    "SweepMap",
    "Timeline",
    "Topology",
    "Valley",
    "contrast",
    "diagram_text",
    "draw_comparison",
    "draw_decision",
    "draw_diagram",
    "draw_downtime_budget",
    "draw_fit",
    "draw_front",
    "draw_intervals",
    "draw_lag_cdf",
    "draw_lag_gate",
    "draw_latency",
    "draw_loss",
    "draw_measured",
    "draw_rto_cdf",
    "draw_state_graph",
    "draw_sweep",
    "draw_timeline",
    "draw_topology",
    "draw_tornado",
    "draw_vigilance",
    "figure",
    "image",
    "measured_text",
    "show",
    "stopped_parts",
    "styled",
    "svg",
    "tornado_text",
]

# Each picture loads when it is first asked for: a lesson asks for few, or for none.
__getattr__ = on_demand(
    "hamodel.plots",
    {
        "budget": "DowntimeBudget draw_downtime_budget",
        "calibration": "FitPicture draw_fit",
        "choices": "DrawnDecision DrawnFront draw_decision draw_front",
        "comparison": "ComparisonDots draw_comparison",
        "diagram": "Drawing diagram_text draw_diagram stopped_parts",
        "lag": "GateCurve LagCurve LossCurves draw_lag_cdf draw_lag_gate draw_loss",
        "latency": "LatencyCurves draw_latency",
        "measured": "Measured draw_measured measured_text",
        "states": "StateGraph draw_state_graph",
        "sweeps": "SweepLines SweepMap draw_sweep",
        "timeline": "RtoCurve Timeline Valley draw_rto_cdf draw_timeline"
        " draw_vigilance",
        "topology": "Topology draw_topology",
        "uncertainty": "DrawnIntervals DrawnTornado draw_intervals draw_tornado"
        " tornado_text",
    },
)
