"""Every control of every explorer is moved as far as it goes, with no browser.

Nothing shows in a browser when a callback raises: the picture just stays.  So each
notebook's cells are run here, in this process, and every explorer found among their
names is swept: right after the cell that makes it, and again after the last cell, when
later cells may have changed what it depends on.
"""

import functools
import itertools
import math
import re
import time
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from hamodel import assess, duration, markov, structure
from hamodel.architectures import ActivePassive, Node, SinglePrimary
from hamodel.course import Again, Boxes, Choice, Explorer, Sheet, Slider
from hamodel.decision import Requirements, complexity
from hamodel.failover import Failover, Heartbeat, vigilance
from hamodel.overload import Retries
from hamodel.replication import Replication, WriteStage
from hamodel.units import HOUR, MINUTE, YEAR
from tests.support.notebook_stage import NOTEBOOKS, agrees, sample, shown, staged
from tests.support.svg_pictures import NOT_A_NUMBER, collisions, faults, text_width

#: Sheets of 1,200 shapes and texts, of 2 ms on a quiet machine.  Lesson 14, whose four
#: acts are chains, takes up to 28; all others at most 18, which is 36 ms.
REDRAW = 40
COUNTER = itertools.count()
LONGEST = 330  # characters of a sentence: three lines, for which there is room


def positions(explorer):
    """Return settings to visit: every value of each control, all corners, a sample."""
    start = {name: control.start for name, control in explorer.controls.items()}
    along = [
        start | {name: value}
        for name, control in explorer.controls.items()
        for value in control.values()
    ]
    ends = [(c.values()[0], c.values()[-1]) for c in explorer.controls.values()]
    corners = [
        dict(zip(start, corner, strict=True)) for corner in itertools.product(*ends)
    ]
    return [*along, *corners, *sample(explorer)]


def complaints(explorer, setting):
    """Return what is wrong with what an explorer shows at a setting."""
    picture, sentence = shown(explorer, setting)
    found = faults(picture)
    if not re.search(r"\d", sentence) or not sentence.endswith("."):
        found.append(f"no sentence with a number: {sentence!r}")
    if NOT_A_NUMBER.search(sentence) or re.search(r"\de[-+]|np\.", sentence):
        found.append(f"a sentence with no readable number: {sentence!r}")
    if len(sentence) > LONGEST:
        found.append(f"a sentence of {len(sentence)} characters: {sentence!r}")
    if explorer.trouble:
        found.append(f"trouble: {explorer.trouble}")
    if explorer.values != setting:
        found.append(f"values {explorer.values}")
    direct = explorer.describe(setting, explorer.model(**setting))
    if sentence != direct:
        found.append(f"says {sentence!r}, the package {direct!r}")
    found += [f"texts on each other: {pair}" for pair in collisions(picture)]
    return [f"{setting}: {complaint}" for complaint in found]


def failover_maths(mttf, mttr, failover, coverage, rescue, **_):
    """Return the numbers of lesson 04's sentence, by the package called directly."""
    later = re.search(r"(\d+) min later", rescue)
    pair = ActivePassive(
        database=Node(mttf=mttf * HOUR, mttr=mttr * HOUR),
        failover=Failover(
            promotion=failover,
            coverage=coverage / 100,
            manual=int(later[1]) * MINUTE if later else None,
        ),
    )
    causes = pair.downtime_by_cause
    named = ("failing over", "failover did not work", "both nodes down")
    shares = [pair.unavailability, *(causes[name] for name in named)]
    return [share * YEAR / MINUTE for share in [*shares, mttr / (mttf + mttr)]]


def what_99_99_buys(mttf, mttr, target, window, **_):
    """Return the numbers of lesson 01's sentence, by the package called directly."""
    length = {"a year": YEAR, "a month": YEAR / 12, "a day": YEAR / 365}[window]
    node = Node(mttf=mttf * HOUR, mttr=mttr * HOUR)
    down = assess(SinglePrimary(database=node)).write.unavailability
    rates = np.array([[0, 1 / node.mttf], [1 / node.mttr, 0]])
    budget = (1 - target / 100) * length
    start = [1 - down, down]
    kept = markov.downtime_cdf(rates, start, [1], length, [budget])[0]
    none = (1 - down) * np.exp(-length / node.mttf)
    shares = [1 - down, none, kept]
    up, none, kept = (100 * share for share in shares)
    return [up, down * length / MINUTE, budget / MINUTE, none, kept]


def find_the_spof(servers, bars, failed, **up):
    """Return the numbers of lesson 02's sentence, by the package called directly."""
    apps = [f"app{k + 1}" for k in range(round(servers))]
    shop = structure.parse(f"balancer > any({', '.join(apps)}) > database")
    down = {name: 1 - up.get(name, up["app"]) / 100 for name in shop.components}
    total, left = shop.unavailability(down), [a for a in apps if a not in failed]
    first = [int(a[3:]) for a in apps if a in failed]
    if not {"balancer", "database"} & {*failed} and len(left) == 1:
        first.append(int(left[0][3:]))  # the one that would stop it alone
    slope = shop.importance(down).by("birnbaum")
    bought = {p.part: p.saved for p in shop.purchases(down)}
    tiers = ("balancer", "app1", "database")
    if "decides" in bars:
        return [*first, in_a_unit(total), *(100 * slope[name] for name in tiers)]
    saved = "save" in bars
    found = [bought[n] if saved else slope[n] * down[n] for n in tiers]
    return [*first, *map(in_a_unit, [total, *found])]


def in_a_unit(share):
    """Return a share of a year as the number that one would say."""
    seconds = share * YEAR
    units = (24 * HOUR, HOUR, MINUTE, 1, 1e-3)
    return next(seconds / u for u in units if seconds >= u * (1 - 1e-12) or u == 1e-3)


def what_redundancy_cannot_buy(number, up, shared, needed):
    """Return the numbers of lesson 03's sentence, by the package called directly."""
    n, k = round(number), round(needed)
    if n < k:
        return [k, n]
    service = structure.parse(f"atleast({k}, {', '.join('abcdefgh'[:n])})")
    down = dict.fromkeys(service.components, 1 - up / 100)
    alone = service.unavailability(down)
    common = {service.components: shared / 100} if n > 1 else None
    total = service.unavailability(down, common_cause=common)
    found = [n, k, total * YEAR / MINUTE, -np.log10(total)]
    if not shared:
        return found
    floor = (1 - up / 100) * shared / 100 * YEAR / MINUTE
    naive = [alone * YEAR / MINUTE, -np.log10(alone)] if n > 1 else []
    return [*found, *naive, floor]


def anatomy_of_a_failover(interval, misses, loss, promotion, way, **_):
    """Return the numbers of lesson 05's sentence, by the package called directly."""
    spans = {"a virtual address": (1, 1), "a proxy that asks": (2, 4)}
    low, high = spans.get(way, (0, 60))
    led = duration.uniform(low, high) if low < high else low
    beat = Heartbeat(interval=interval, misses=round(misses), loss=loss / 100)
    promoted = duration.lognormal(mean=promotion, cv=0.5)
    whole = Failover(detection=beat, fencing=5, promotion=promoted, redirection=led)
    half, late = whole.duration.quantile([0.5, 0.95])
    recovery = 5 + promotion + (low + high) / 2
    curve = vigilance(beat, mttf=2000 * HOUR, recovery=recovery, misses=range(1, 16))
    k = round(misses)
    minutes, false = (a[k - 1] for a in (curve.minutes_per_year, curve.false))
    first = [k, interval, whole.outage, half, 95, late, minutes, false * YEAR / MINUTE]
    alarms = beat.false_alarm_rate * YEAR
    return [*first, alarms, curve.best, curve.minutes_per_year.min()]


def replication_lag(writes, capacity, trip, pause, queue=None):
    """Return the numbers of lesson 06's sentence, by the package called directly."""
    del queue
    if writes >= capacity:
        grows = [60 * (1 - capacity / writes)] if writes > capacity else []
        return [writes, capacity, *grows]
    stage = WriteStage(service=1 / capacity)
    lag = Replication(delay=trip / 2000, apply=stage).stream(writes).lag
    missed = [pause, 100 * lag.sf(pause / 1000)]
    return [1000 * lag.mean, 99, 1000 * lag.quantile(0.99), *missed]


def what_a_crash_takes(writes, capacity, trip, pause, queue):
    """Return the numbers of lesson 07's sentence, by the package called directly."""
    if writes >= capacity:
        grows = [60 * (1 - capacity / writes)] if writes > capacity else []
        return [writes, capacity, *grows]
    place = "apply" if "replay" in queue else "send"
    stage = {place: WriteStage(service=1 / capacity)}
    way = trip / 2000
    modes = [
        Replication(delay=way, **stage, **mode)
        for mode in ({}, {"mode": "sync"}, {"mode": "sync", "wait_for": "applied"})
    ]
    lag = modes[0].stream(writes).lag
    late = lag.sf(pause / 1000 + 2 * way) if place == "apply" else 0  # less the wait
    waits = [1000 * mode.commit_delay(writes).mean for mode in modes[1:]]
    lost = modes[0].loss("network", writes=writes).writes.mean
    return [pause, 100 * lag.sf(pause / 1000), 100 * late, lost, *waits]


def latency_of_the_passive_side(trip, writes, calls, way):
    """Return the numbers of lesson 08's sentence: calls are gamma times, on paper."""
    share, k = writes / 100, round(calls)
    home = stats.gamma(k, loc=0.5 * k, scale=0.5)
    journey = trip * (1 if "once" in way else k)

    def late(t, far, p):
        return (1 - share) * home.sf(t) + share * home.sf(t - far) - (1 - p)

    def numbers(far):
        half, rare = (
            brentq(late, 0, far + 60 * k, args=(far, p + 1e-9)) for p in (0.5, 0.99)
        )
        return [k + share * far, half, rare]

    return [1, *numbers(0), 2, *numbers(journey)]


def conflicts(writes, delay, ahead, rule):
    """Return the numbers of lesson 10's sentence: pairs of writes, and exponentials."""
    made = [re.findall(r"\d+", name) for name in writes]
    made = [(int(site), int(at)) for site, at in made]

    def unseen(a, b):
        return b[1] < a[1] + (0 if a[0] == b[0] else delay)

    latest = [a for a in made if all(a is b or unseen(a, b) for b in made)]
    first = [len(made)]
    if rule == "vector clocks" and made:
        first.append(len(latest))
    elif made and rule != "last write wins":
        first.append(len(made))
    rivals = 1 - np.exp(-10 * 2 * delay / 1000)
    windows = [max(delay + way * ahead, 0) / 1000 for way in (1, -1)]
    lost = sum(1 - np.exp(-window) for window in windows) * 86400
    return [*first, 10, 100 * rivals, 1, lost]


@cache
@functools.cache
def six_designs(share):
    """Return the six of lesson 13, assessed 100 ms apart, and their far writes."""
    from lessons import designs

    near = {
        name: assess(design, designs.workload(100, share))
        for name, design in designs.DESIGNS.items()
    }
    slow = {
        name: 1000 * max(a.latency[s, "write"].quantile(0.99) for s in a.sites)
        for name, a in near.items()
    }
    return near, slow


def the_decision_table(share, **asked):
    """Return the numbers of lesson 13's sentence, by the package called directly."""
    near, slow = six_designs(share)
    crossed = dict(zip(near, (0, 1, 2, 0, 2, 0), strict=True))
    need = Requirements(
        availability=1 - asked["downtime"] * MINUTE / YEAR,
        read_availability=0.0,
        rto_p95={"any": None, "1 min": 60, "20 s": 20, "5 s": 5}[asked["recovery"]],
        rpo_p99={"any": None, "1 s": 1, "nothing": 0}[asked["loss"]],
        consistency=asked["consistency"],
        growth=asked["growth"],
        budget=int(asked["budget"][0]),
    )
    fits = {n: all(f.met for f in need.judge(a)) for n, a in near.items()}

    def far(name, trip):
        return slow[name] + crossed[name] * (trip - 100)

    def within(trip):
        left = [n for n in near if fits[n] and far(n, trip) <= 120]
        return sorted(left, key=lambda n: (near[n].cost.total, complexity(near[n])))

    left = within(asked["trip"])
    if not left:
        six = [far(n, asked["trip"]) > 120 for n in near]
        return [6, max(sum(six), *_excluded(need, near))]
    first = near[left[0]]
    found = [first.cost.total, first.write.minutes_per_year, len(left), 6]
    ends = sorted(100 + (120 - slow[n]) / k for n, k in crossed.items() if k)
    turns = [e for e in ends if e > asked["trip"] and within(e + 0.1)[:1] != left[:1]]
    return found + turns[:1]


def _excluded(need, found):
    """Return how many designs each row of the table excludes."""
    rows = {}
    for name, assessment in found.items():
        for finding in need.judge(assessment):
            limit = finding.limit.name
            row = "data" if limit in DATA else limit
            rows.setdefault(row, set()).update(set() if finding.met else {name})
    return map(len, rows.values())


DATA = ("consistency", "stale_reads", "lost_writes_per_year")


def headroom(load, sites, servers, hits):
    """Return the numbers of lesson 09's sentence: Erlang's sums, added up on paper."""
    before, c = load / 100, round(servers)
    after = before + before / (round(sites) - 1) / (1 - hits / 100)

    def response(rho):
        a = c * rho
        steps = [a**k / math.factorial(k) for k in range(c + 1)]
        waits = steps[c] / (1 - rho) / (sum(steps[:c]) + steps[c] / (1 - rho))
        spare = c - a  # a wait is exponential, in units of a service time

        def late(t):  # of a service time alone, or of a wait and a service time
            if abs(spare - 1) < 1e-9:
                return math.exp(-t) * (1 + waits * t) - 0.01
            both = (spare * math.exp(-t) - math.exp(-spare * t)) / (spare - 1)
            return (1 - waits) * math.exp(-t) + waits * both - 0.01

        return [10 * (1 + waits / spare), 10 * brentq(late, 0, 10 + 10 / spare)]

    if after < 1:
        return [*response(before), 100 * after, *response(after)]
    grows = [(after - 1) * c * 100] if after > 1 else []
    return [*response(before), 100 * after, *grows]


def game_day(kind, coverage, on_call, act, card, sample):
    """Return the numbers of lesson 14's sentence, by the bills of the card."""
    from lessons import deck, grading, incident

    design = deck.Design(kind=kind, coverage=coverage / 100, on_call=on_call)
    drawn = deck.HAND[card - 1]
    tonight, _ = incident.played(design, drawn, act, seed=sample)
    mine = incident.expected(design, drawn, act)
    found = [tonight.write, mine.write, mine.away, mine.lost]
    if grading.right(design, drawn, act):
        return found
    least = incident.expected(design, drawn, grading.best(design, drawn))
    return [*found, least.write, least.away, least.lost]


def quorums_and_majorities(layout, gone, read, write, sample):
    """Return the numbers of lesson 11's sentence: binomial tails, and the draw."""
    sites = {"3 nodes, 3 sites": "abc", "2 nodes, 2 sites": "ab"}
    sites |= {"4 nodes, 2 sites": "aabb", "5 nodes, 2 sites": "aaabb"}
    nodes = sites.get(layout, "aabbc")
    n, names = len(nodes), ["a1", "a2", "a3", "b1", "b2", "c1"]
    drawn = np.random.default_rng(sample).integers(150, 300, 6)
    there = {f"{site}{nodes[:k].count(site) + 1}" for k, site in enumerate(nodes)}
    left = [
        t
        for name, t in zip(names, drawn, strict=True)
        if name in there and name not in gone and f"site {name[0]}" not in gone
    ]
    needed = n // 2 + 1
    first = [len(left), n, needed]
    if len(left) >= needed:
        rivals = sum(t < min(left) + 10 for t in left) - 1
        first += [min(left), len(left) - rivals]
    up = stats.binom(n, 0.99)
    minutes = [up.cdf(k - 1) * YEAR / MINUTE for k in (needed, read, write)]
    asked = [read, write] if max(read, write) <= n else [max(read, write), n]
    return [*first, *asked, 99, *minutes]


def when_recovery_makes_it_worse(load, retries, spike, cure):
    """Return the numbers of lesson 12's sentence, by a scan of the balance."""
    settings = {"a budget": {"budget": 0.1}, "a short queue": {"capacity": 10}}
    settings["shedding"] = {"shed": 0.7}
    model = Retries(
        arrival=10 * load,
        service=0.001,
        timeout=0.020,
        retries=round(retries),
        **settings.get(cure.split(",")[0], {}),
    )
    rates = np.linspace(0.5, 1 + retries, 20_001) * model.arrival
    excess = np.append(np.asarray(model.demand(rates)) - rates, -1.0)
    crossed = np.flatnonzero((excess[:-1] > 0) != (excess[1:] > 0))
    found = rates[crossed]
    stable = [rate / model.arrival for rate in found[::2]]
    return [10 * load, retries, *stable, *found[1::2][:1], spike, 3]


DIRECT = {
    ("01_what_99_99_buys", "explorer"): what_99_99_buys,
    ("02_find_the_spof", "explorer"): find_the_spof,
    ("03_what_redundancy_cannot_buy", "explorer"): what_redundancy_cannot_buy,
    ("04_failover_maths", "explorer"): failover_maths,
    ("05_anatomy_of_a_failover", "explorer"): anatomy_of_a_failover,
    ("06_replication_lag", "explorer"): replication_lag,
    ("07_what_a_crash_takes", "explorer"): what_a_crash_takes,
    ("08_latency_of_the_passive_side", "explorer"): latency_of_the_passive_side,
    ("09_headroom", "explorer"): headroom,
    ("10_conflicts", "explorer"): conflicts,
    ("11_quorums_and_majorities", "explorer"): quorums_and_majorities,
    ("12_when_recovery_makes_it_worse", "explorer"): when_recovery_makes_it_worse,
    ("13_the_decision_table", "explorer"): the_decision_table,
    ("14_game_day", "explorer"): game_day,
}


def misstated(sentence, wanted):
    """Return whether the numbers of a sentence are others than those wanted."""
    found = re.findall(r"(under )?(\d[\d,]*\.?\d*)", sentence)
    if len(found) != len(wanted):
        return True
    pairs = [(u, n.rstrip(".,"), w) for (u, n), w in zip(found, wanted, strict=True)]
    return not all(0 < w < float(n) if u else agrees(n, w) for u, n, w in pairs)


def size(picture):
    """Return what fixes the room that a picture takes."""
    (opening,) = re.findall(r"<svg[^>]*>", picture)
    return re.findall(r'(?:width|height|viewBox)="[^"]*"', opening)


def yardstick():
    """Return the CPU time of a sheet of 600 boxes, each with a number, in s."""
    since = time.process_time()
    sheet = Sheet(640, 300)
    with sheet.moving([(0, 0, 0, 1), (10, 0, 0, 1)]):  # whose words are not fitted
        for k in range(600):
            x, y = k % 60 * 10, k // 60 * 10
            sheet.rect((x, y, 9, 9), "up")
            sheet.text((x, y), f"{k:,.1f}")
    sheet.svg()
    return time.process_time() - since


def cost_of_a_redraw(explorer, n=50):
    """Return the 95th percentile of a redraw's CPU time, in sheets drawn beside it.

    Whatever slows the machine slows both alike, so it need not be tried again: what is
    cached the second time would count as quick.
    """
    settings = sample(explorer, n, seed=next(COUNTER))[-n:]
    for setting in settings[:5]:
        explorer.set(**setting)
    ratios = []
    for setting in settings[5:]:
        since = time.process_time()
        explorer.set(**setting)
        ratios.append((time.process_time() - since) / yardstick())
    return float(np.quantile(ratios, 0.95))


# ---- every notebook ----------------------------------------------------------------


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def stage(request):
    return staged(request.param)


@pytest.fixture(scope="module")
def swept(stage):
    """Return what each explorer said at each position, and what was wrong there."""
    stage.reset()
    return [
        (name, setting, complaints(explorer, setting), explorer.sentence, explorer.svg)
        for name, explorer in stage.explorers.items()
        for setting in positions(explorer)
    ]


@pytest.fixture(autouse=True)
def _fresh(request):
    if "stage" in request.fixturenames:
        request.getfixturevalue("stage").reset()


def test_every_control_everywhere(stage, swept):
    assert [wrong for _, _, found, *_ in swept for wrong in found] == []
    sizes = {(name, *size(picture)) for name, *_, picture in swept}
    assert len(sizes) == len(stage.explorers), "a picture keeps its size"
    assert all(len(found) == 4 for found in sizes)


def test_sentence_is_what_the_package_says(stage, swept):
    for name, setting, _, sentence, _ in swept:
        direct = DIRECT.get((stage.path.stem, name))
        assert direct, f"say in DIRECT how the package is called for {name}"
        wanted = direct(**setting)
        assert not misstated(sentence, wanted), f"{sentence} is {wanted}"


def test_nothing_depends_on_later_cells(stage):
    for name, explorer in stage.explorers.items():
        again = [shown(explorer, setting) for setting in sample(explorer)]
        assert again == stage.first[name], name


def test_reset_returns_to_the_start(stage):
    for explorer in stage.explorers.values():
        explorer.reset()
        before = explorer.svg, explorer.sentence
        for setting in sample(explorer, 3):
            explorer.set(**setting)
        explorer.buttons["Reset"].click()
        assert (explorer.svg, explorer.sentence) == before


def test_presets_are_named_and_do_what_they_say(stage):
    for explorer in stage.explorers.values():
        assert len(explorer.presets) >= 3
        said = set()
        for name, preset in explorer.presets.items():
            explorer.reset()
            explorer.buttons[name].click()
            assert dict(preset).items() <= explorer.values.items()
            said.add((explorer.sentence, explorer.svg))
        assert len(said) == len(explorer.presets), "two presets show the same"


def test_objectives_are_not_given_away(stage):
    for explorer in stage.explorers.values():
        start = {name: control.start for name, control in explorer.controls.items()}
        for setting in (start, start | dict(explorer.after)):
            found = explorer.model(**setting)
            won = [n for n, f in explorer.objectives.items() if f(setting, found)]
            assert won == [], setting


def moved(explorer, name):
    """Return the pictures that a control brings, moved as the learner's hand does."""
    control, pictures = explorer.controls[name], {explorer.svg}
    if isinstance(control, Slider):
        last = len(control.grid) - 1
        for index in (0, last):
            control.slider.index = index
            assert explorer.values[name] == control.grid[index]
            pictures.add(explorer.svg)
        control.box.value = f"{control.grid[last // 2]:,.10g}"
    elif isinstance(control, Boxes):
        for box, button in control.buttons.items():
            before = box in explorer.values[name]
            button.click()
            pictures.add(explorer.svg)
            assert (box in explorer.values[name]) != before
    elif isinstance(control, Again):
        control.widget.click()
    else:
        for option in control.options:
            control.widget.value = option
            pictures.add(explorer.svg)
    return pictures | {explorer.svg}


def test_widgets_move_the_picture(stage):
    """The slider, the number box, the choice, the boxes: each changes what is drawn."""
    for explorer in stage.explorers.values():
        assert sum(isinstance(c, Slider) for c in explorer.controls.values()) <= 4
        for name in explorer.controls:
            explorer.reset()
            pictures = moved(explorer, name)
            assert explorer.trouble == ""
            assert len(pictures) > 1, f"{name} does not change the picture"


def test_labels_say_the_unit(stage):
    for explorer in stage.explorers.values():
        for control in explorer.controls.values():
            if isinstance(control, Slider) and control.high > 10:
                assert re.search(r"\(.+\)|%", control.label), control.label


def test_labels_and_options_are_not_cut_off(stage):
    """A label has 0.68 of its box, an option what its name and the arrow leave."""
    for predicted in stage.predictions:
        assert [c.label for c in predicted.fields.values() if _cut(c.label, 189)] == []
    for explorer in stage.explorers.values():
        for control in explorer.controls.values():
            if isinstance(control, Slider):
                assert not _cut(control.label, 189)
            elif isinstance(control, Choice):
                assert not _cut(control.label, 82)
                assert [word for word in control.options if _cut(word, 160)] == []


def _cut(words, width):
    return text_width(words, 13, bold=False) > width


def test_redraw_is_quick(stage):
    for name, explorer in stage.explorers.items():
        cost = cost_of_a_redraw(explorer)
        assert cost <= REDRAW, f"{name} takes {cost:.1f} sheets"


# ---- each check fails on a planted fault -------------------------------------------


class Bar:
    """A picture of one text whose place and words can be spoilt."""

    def __init__(self, words=str, x=0.5, y=0.5):
        self.words, self.at = words, (200 * x, 100 * (1 - y))

    def __call__(self, sheet, values, result, guess):  # noqa: ARG002
        sheet.text(self.at, str(self.words(result)), anchor="middle")
        sheet.text((20, 90), "axis")


def said(values, result):
    return f"At {values['rate']:g} a second it is {result:g}."


def planted(**changes):
    """Return a sound explorer, with some part spoilt."""
    parts = {
        "title": "How many?",
        "controls": {"rate": Slider(label="Rate (1/s)", grid=(1, 2, 3), start=2)},
        "model": lambda rate: 2 * rate,
        "picture": Bar(),
        "size": (200, 100),
        "describe": said,
        "presets": {"low": {"rate": 1}},
    }
    return Explorer(**(parts | changes))


def everywhere(explorer):
    return [c for setting in positions(explorer) for c in complaints(explorer, setting)]


def test_sound_explorer_passes():
    assert everywhere(planted()) == []


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("with nan in it", {"picture": Bar(lambda _: float("nan"))}),
        ("outside its view box", {"picture": Bar(lambda _: "wide " * 20)}),
        ("outside its view box", {"picture": Bar(x=1.0)}),
        ("texts on each other", {"picture": Bar(x=0.2, y=0.1)}),
        ("no sentence", {"describe": lambda *_: "It is much."}),
        ("no sentence", {"describe": lambda *_: "It is 3"}),
        ("readable", {"describe": lambda _, result: f"It is {result / 1e9}."}),
        ("readable", {"describe": lambda *_: "It is 3 or inf."}),
        ("characters", {"describe": lambda *_: "It is 3. " * 40 + "."}),
        ("the package", {"model": lambda rate: rate + next(COUNTER)}),
    ],
)
def test_planted_fault_is_noticed(fault, changes):
    found = everywhere(planted(**changes))
    assert found
    assert all(fault in complaint for complaint in found)


def test_only_one_bad_corner_is_enough():
    explorer = planted(picture=Bar(lambda r: "wide " * 20 if r == 6 else "ok"))
    found = everywhere(explorer)
    assert found
    assert all(complaint.startswith("{'rate': 3}") for complaint in found)


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("Down 16.8 minutes, 1,049 alone.", False),
        ("Down 16.9 minutes, 1,049 alone.", True),
        ("Down 16.8 minutes, 1,050 alone and 3.", True),
        ("Down under 0.01 minutes, 1,049 alone.", True),
    ],
)
def test_misstated_number_is_noticed(sentence, wrong):
    assert misstated(sentence, [16.82, 1049.1]) is wrong


def test_slow_redraw_is_noticed():
    def slow(rate):
        until = time.process_time() + 0.6
        while time.process_time() < until:
            pass
        return rate

    assert cost_of_a_redraw(planted(model=slow), 6) > REDRAW
    assert cost_of_a_redraw(planted()) < REDRAW / 10
