"""Where the choice of lesson 13 turns, what money buys, and what is uncertain.

Each turn is one of the numbers that are kept of a design, so nothing is searched for.
"""

from typing import Any

import hamodel as ha
from hamodel import course as kit
from hamodel import plots, text
from hamodel.units import MINUTE, YEAR
from lessons.designs import (
    BUDGETS,
    DESIGNS,
    LEVELS,
    LOSSES,
    RECOVERIES,
    ROWS,
    SHOP,
    kept,
    model,
    workload,
)

# ---- where it turns, the front, and what is uncertain ------------------------------

BREAKS = {"downtime": "minutes", "trip": "turn", "growth": "room"}
OPTIONS: dict[str, Any] = {
    "budget": BUDGETS,
    "recovery": RECOVERIES,
    "loss": LOSSES,
    "consistency": LEVELS,
}


def turns(values):
    """Return the nearest value of each limit at which another design is chosen."""
    now, rows = model(**values), []
    for limit, field in BREAKS.items():
        for value, then in _crossed(values, limit, field, now):
            rows.append((limit, f"{values[limit]:g}", value, then))
    for limit, options in OPTIONS.items():
        for option in options:
            then = model(**values | {limit: option}).winner
            if then != now.winner:
                rows.append((limit, values[limit], option, then or "nobody"))
    return kit.Table(("limit", "now", "turns at", "then"), tuple(rows))


def choose_if(name, other):
    """Return the rows in which a design is better than another by a tenth or more."""
    table = kept(SHOP["trip"], SHOP["share"])
    mine, its = table[name], table[other]
    return [
        f"{row.name}: {row.cell(mine)} against {row.cell(its)}"
        for row in ROWS
        if row.value(mine) < row.value(its) - 0.1 * abs(row.value(its))
    ]


def _crossed(values, limit, field, now):
    """Yield the nearest breaks below and above at which the winner changes."""
    breaks = {getattr(k, field) for k in now.table.values()} - {float("inf")}
    for side in (-1, 1):
        ahead = (b for b in breaks if side * (b - values[limit]) >= 0)
        for edge in sorted(ahead, key=lambda b: side * b):
            beyond = edge * (1 + side * 1e-3)
            then = model(**values | {limit: beyond}, at=now.table).winner
            if then != now.winner:
                way = "above" if side > 0 else "below"
                yield f"{way} {edge:.3g}", then or "nobody"
                break


def decision(values=SHOP):
    """Return the package's own decision on the six, for the limits without a way."""
    lost, recovery = LOSSES[values["loss"]], RECOVERIES[values["recovery"]]
    asks = ha.Requirements(
        availability=1 - values["downtime"] * MINUTE / YEAR,
        read_availability=0.0,
        rto_p95=recovery,
        rpo_p99=lost,
        consistency=values["consistency"],
        growth=values["growth"],
        budget=BUDGETS[values["budget"]],
    )
    return ha.decide(DESIGNS, workload(values["trip"], values["share"]), asks)


def front_picture():
    """Draw what downtime costs: six designs, and who keeps the shop's limits."""
    sheet, found = kit.Sheet(640, 270), model(**SHOP)
    down = kit.Scale(10, 32, 222, 40)
    for mark in (10, 15, 20, 25, 30):
        sheet.line([(96, down(mark)), (620, down(mark))], "faint", role="ground")
        sheet.text((88, down(mark) + 4), f"{mark}", size=12, anchor="end")
    sheet.text((8, 20), "minutes a year", size=12, colour="grey")
    for name, k in found.table.items():
        x, y = 180 * k.nodes - 60, down(min(k.minutes, 32))
        keeps = not found.missed[name]
        sheet.circle((x, y), 7, "green" if keeps else "paper", weight=2)
        more = f", {text.short(k.minutes)}, off the scale" * (k.minutes > 32)
        sheet.text((x + 14, y + 4), name + more, size=12.5, bold=keeps)
    for nodes, x in ((1, 120), (2, 300), (3, 480)):
        sheet.text((x, 248), f"{nodes}", size=12, anchor="middle")
    sheet.text((300, 266), "nodes", size=12, anchor="middle", colour="grey")
    said = "; ".join(
        f"{n}: {k.nodes:g} nodes, {text.short(k.minutes)} minutes"
        for n, k in found.table.items()
    )
    kept_by = " and ".join(sorted(found.within))
    return kit.Drawn(sheet.svg(), f"{said}. The shop's limits are kept by {kept_by}.")


def tornado_picture(found):
    """Return which parameter moves an answer most."""
    sheet = kit.Sheet(640, 56 + 36 * len(found.bars))
    ends = [end for b in found.bars for end in (b.at_low, b.at_high)]
    x = kit.Scale(min(ends), max(ends), 240, 560)
    bottom = 8 + 36 * len(found.bars)
    marks = [(v, f"{v}") for v in range(0, 200, 10) if min(ends) < v < max(ends)]
    sheet.axis(x, bottom, f"{found.label} ({found.unit})", top=4, marks=marks)
    for row, bar in enumerate(found.bars):
        y = 10 + 36 * row
        name = bar.name.replace("__", " ").replace("_", " ")
        sheet.text((150, y + 16), name, size=12, anchor="end")
        for value, at, look in (
            (bar.low, bar.at_low, "blue"),
            (bar.high, bar.at_high, "orange"),
        ):
            left, right = sorted((x(at), x(found.middle)))
            sheet.rect((left, y, right - left, 24), look, shade=0.6)
            words, before = text.measure(value, bar.unit), at < found.middle
            place = (x(at) - 5 if before else x(at) + 5, y + 16)
            sheet.text(place, words, size=12, anchor="end" if before else "start")
    sheet.line([(x(found.middle), 4), (x(found.middle), bottom)], role="ground")
    return kit.Drawn(sheet.svg(), plots.tornado_text(found))
