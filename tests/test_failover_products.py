"""The mechanisms of products against the same rules played, clock by clock."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from hamodel import duration
from hamodel.failover import (
    MECHANISMS,
    STAGES,
    Attempts,
    ConsulElection,
    Dns,
    Driver,
    Election,
    Eviction,
    Failover,
    GroupChange,
    HealthCheckers,
    Heartbeat,
    NetTick,
    PgBouncer,
    PhiAccrual,
    Promotion,
    ProxyCheck,
    RaftElection,
    Sentinel,
    SequentialProbe,
    Session,
    SplitBrain,
    Switchover,
    VirtualIp,
    Vrrp,
    as_stage,
)

N = 20_000


def rng(seed=4):
    return np.random.default_rng(seed)


def agrees(law, drawn, within=0.012):
    """Hold the law of a time against draws of it, over the whole distribution."""
    points = law.sample(len(drawn), rng(99))
    assert ks_2samp(points, drawn).statistic < within + 1.6 * np.sqrt(2 / len(drawn))
    assert law.mean == pytest.approx(np.mean(drawn), rel=0.02)


# --- Redis Sentinel ---------------------------------------------------------------


class Timer:
    """A Sentinel's timer: 10 to 19 runs a second, in whole milliseconds."""

    def __init__(self, random, start):
        self.random, self.now = random, start
        for _ in range(15):  # forget where it began
            self.run()

    def run(self):
        self.now += 1000 // int(self.random.integers(10, 20))
        return self.now

    def after(self, moment):
        while self.run() <= moment:
            pass
        return self.now


def played_sentinel(random, *, down_after, sentinels, quorum, hang):
    """Play one failover; return its moments in s after the failure.

    INFO is taken as due when the quorum agrees, so draws in which it was asked for at
    another moment are left to the caller.
    """
    found = []
    for _ in range(sentinels):
        timer = Timer(random, -5000 - int(random.integers(1036)))
        if hang:
            ping = timer.now
            while ping <= 0:  # the last ping that is answered, and the next
                ping = timer.after(ping + min(1000, down_after))
        else:
            ping = timer.after(0)
        found.append((timer.after(ping + down_after), timer))
    found.sort(key=lambda pair: pair[0])
    timer = found[quorum - 1][1]
    # the others are asked in the run that finds the primary down, votes in the run
    # that has the quorum, and answers are counted at the next run
    agreed = timer.run() if quorum > 1 else timer.now
    elected = timer.run() if sentinels > 1 else agreed
    selected = timer.run()
    seen = timer.after(agreed + 1000)
    moments = (found[0][0], agreed, elected, selected, seen, timer.run())
    return np.array(moments) / 1000


@pytest.mark.parametrize("hang", [False, True])
@pytest.mark.parametrize(
    ("down_after", "sentinels", "quorum"),
    [(1, 3, 2), (2, 5, 3), (5, 3, 3), (0.3, 2, 2), (0.7, 3, 1), (3, 1, 1)],
)
def test_sentinel_played_clock_by_clock(down_after, sentinels, quorum, hang):
    random = rng(7)
    drawn = np.array(
        [
            played_sentinel(
                random,
                down_after=round(1000 * down_after),
                sentinels=sentinels,
                quorum=quorum,
                hang=hang,
            )
            for _ in range(500)
        ]
    )
    watch = Sentinel(
        down_after=down_after, sentinels=sentinels, quorum=quorum, hang=hang
    )
    laws = (
        watch.subjectively_down,
        watch.objectively_down,
        watch.elected,
        watch.selected,
    )
    for law, column in zip(laws, drawn.T, strict=False):
        agrees(law, column)
    # the latest fifth of a promotion comes from an INFO at the agreement
    for law, column in ((watch.promoted, drawn[:, 4]), (watch.duration, drawn[:, 5])):
        assert law.quantile(0.95) == pytest.approx(np.quantile(column, 0.95), rel=0.03)


def test_an_early_info_shows_the_promotion_sooner():
    """With 5 s half of the primaries' links were seen broken before the agreement."""
    quick, slow = Sentinel(down_after=5), Sentinel(down_after=5, hang=True)
    assert quick.promotion.mean < slow.promotion.mean - 0.1
    assert Sentinel(down_after=60).promotion.support[1] < 1.6


def test_stages_of_a_sentinel_come_in_their_order_and_add_up():
    watch = Sentinel(down_after=2)
    means = [
        watch.subjectively_down.mean,
        watch.objectively_down.mean,
        watch.elected.mean,
        watch.selected.mean,
        watch.promoted.mean,
        watch.duration.mean,
    ]
    assert means == sorted(means)
    both = watch.detection.mean + watch.promotion.mean
    assert both == pytest.approx(watch.duration.mean, rel=1e-3)
    whole = Failover(detection=watch, promotion=watch)
    assert whole.outage == pytest.approx(watch.duration.mean, rel=1e-3)


def test_a_failed_attempt_is_repeated_after_twice_the_timeout():
    once = Sentinel(down_after=4)
    watch = Sentinel(down_after=4, failover_timeout=3, failed=0.1)
    assert watch.duration.mean - once.duration.mean == pytest.approx(6.5 / 9, rel=0.01)


def test_attempts_are_a_geometric_number():
    random = rng(1)
    extra = random.geometric(0.7, N) - 1
    drawn = 5 + np.array([random.uniform(6, 7, k).sum() for k in extra])
    tries = Attempts(first=5, again=duration.uniform(6, 7), failed=0.3)
    assert tries.duration.mean == pytest.approx(5 + 6.5 * 0.3 / 0.7, rel=1e-6)
    agrees(tries.duration, drawn)
    assert Attempts(first=5, again=6, failed=0).duration.mean == 5


# --- silence ----------------------------------------------------------------------


def test_probes_that_follow_each_other():
    """Each is started `pause` after the last has ended; the failure falls anywhere."""
    drawn = []
    for crash in rng().uniform(100, 200, N):
        begin = 5.0 * np.ceil(crash / 5.0)  # those before took no time
        drawn.append(begin + 3 * 20.0 + 2 * 5.0 - crash)
    agrees(SequentialProbe(pause=5, timeout=20, tries=3).duration, np.array(drawn))


def test_attempts_to_connect_without_a_limit():
    """repmgr, 100 attempts, one every 3 s: the log shows 130 s from one to the next."""
    before = SequentialProbe(pause=3, timeout=127, tries=100)  # Linux 6.5 takes 131 s
    low, high = before.duration.support
    assert 12_870 <= low < high <= 13_000
    low, high = SequentialProbe(pause=3, timeout=2, tries=100).duration.support
    assert 497 <= low < high <= 502


def test_sessions():
    last = rng().uniform(0, 2, N)
    phase = rng(5).uniform(0, 3, N)
    over = 2 * 9 - last
    seen = phase + np.ceil((over - phase) / 3) * 3
    agrees(Session(timeout=9, heartbeat=2, tick=3, multiple=2).duration, seen)


@pytest.mark.parametrize(
    ("interval", "priority", "version"), [(2, 128, 2), (2, 128, 3), (5, 40, 2)]
)
def test_vrrp(interval, priority, version):
    """The backup's timer is wound anew by each advertisement that still comes."""
    skew = (256 - priority) / 256 * (1 if version == 2 else interval)
    fails = rng().uniform(10, 10 + interval, N)
    last = interval * np.floor(fails / interval)
    router = Vrrp(interval=interval, priority=priority, version=version)
    agrees(router.duration, last + 3 * interval + skew - fails)
    stopped = Vrrp(interval=interval, priority=priority, version=version, stopped=True)
    assert stopped.duration.mean == pytest.approx(skew)  # a last one, of priority 0


def test_net_tick_counts_quarters():
    drawn = []
    for write, look in rng().uniform(0, 1, (N, 2)):
        # data come at write, write + 1, ...; looks at look, look + 1, ...; the peer
        # dies at 10, and at the fifth look since the last data it is given up
        data = np.floor(10 - write) + write
        first = np.ceil(data - look) + look
        drawn.append(first + 4 - 10)
    agrees(NetTick(ticktime=4).duration, np.array(drawn))


def test_phi_accrual():
    silence = 8 * np.log(10) * 2
    phase, last = rng().uniform(0, 1, (2, N))
    drawn = np.ceil(silence - 2 * last - phase) + phase
    agrees(PhiAccrual(interval=2).duration, drawn)


@pytest.mark.parametrize(("threshold", "deviation", "pause"), [(8, 0.2, 3), (3, 1, 0)])
def test_phi_of_akka_grows_until_its_threshold(threshold, deviation, pause):
    """The function of PhiAccrualFailureDetector.scala, asked every millisecond."""
    akka = PhiAccrual(
        threshold=threshold, interval=1, deviation=deviation, pause=pause, check=0
    )
    silent = np.arange(1, 20_000) / 1000
    y = (silent - (1 + pause)) / deviation
    e = np.exp(-y * (1.5976 + 0.070566 * y * y))
    late = silent > 1 + pause
    with np.errstate(divide="ignore"):
        phi = -np.log10(np.where(late, e / (1 + e), 1 - 1 / (1 + e)))
    reached = silent[np.argmax(phi > threshold)]
    assert akka.duration.support == pytest.approx((reached - 1, reached), abs=2e-3)


def played_consul(random, servers, majority, pre_vote):
    """Play HashiCorp's rules server by server; messages take no time."""
    wakes, terms, leaderless = [], [0] * servers, [False] * servers
    fresh = []  # until when the old leader's last message counts
    for _ in range(servers):
        beat = -20.0
        while (later := beat + random.uniform(0.1, 0.2)) < 0:
            beat = later
        fresh.append(beat + 1)
        now = -20.0
        while now < fresh[-1]:
            now += random.uniform(1, 2)
        wakes.append(now)
    while True:
        one = int(np.argmin(wakes))
        now = wakes[one]
        leaderless[one] = True
        asked = [i for i in range(servers) if i != one and leaderless[i]]
        wakes[one] = now + random.uniform(1, 2)
        if pre_vote and len(asked) + 1 < majority:
            continue  # refused by those that have a leader: no new term
        terms[one] += 1
        yes = [i for i in asked if terms[i] < terms[one]]
        if len(yes) + 1 >= majority:
            return now
        for i in yes:
            terms[i], wakes[i] = terms[one], now + random.uniform(1, 2)
        terms[one] = max([terms[one], *(terms[i] for i in asked)])


@pytest.mark.parametrize("pre_vote", [True, False])
@pytest.mark.parametrize(("nodes", "failed"), [(3, 1), (5, 1), (5, 2)])
def test_consul_waits_until_a_majority_misses_its_leader(nodes, failed, pre_vote):
    random = rng(3)
    drawn = [
        played_consul(random, nodes - failed, nodes // 2 + 1, pre_vote)
        for _ in range(2000)
    ]
    law = ConsulElection(multiplier=2, nodes=nodes, failed=failed, pre_vote=pre_vote)
    agrees(law.duration, 2 * np.array(drawn))


@pytest.mark.parametrize(
    ("suspect", "check", "repeat", "contact"),
    [(5, 0.5, 1, 0), (1, 0.2, 0.3, 0), (5, 0.5, 1, 1), (2, 1, 0.5, 0.4)],
)
def test_survivors_of_a_galera_group_stop_too(suspect, check, repeat, contact):
    """Play two survivors' looks and what they tell each other, as evs_proto.cpp does.

    The looks of both began at the last change of the group; the second is some
    milliseconds behind, and a message takes one.
    """
    drawn = []
    for begin, last in rng().uniform(0, 1, (4000, 2)) * (check, contact):
        looks = [begin - 10 * check, begin - 10 * check + 0.004]
        silent = -last + suspect
        for i in (0, 1):
            while looks[i] < silent:
                looks[i] += check
        stop = min(looks)  # the first to suspect sends what it knows
        heard = stop + 0.001
        # the other stops as well, winds its timers anew, and looks once more
        suspects = heard + check * np.ceil((silent - heard) / check + 1e-9)
        suspects = max(suspects, heard + check)
        tells = heard + repeat * np.ceil((suspects - heard) / repeat - 1e-9)
        drawn.append(tells)
    law = GroupChange(
        suspect_timeout=suspect, check=check, join_retrans=repeat, contact=contact
    )
    agrees(law.duration, np.array(drawn), within=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_clocks_at_other_settings(seed):
    """Settings drawn anew; each mechanism by its own clocks."""
    random = rng(seed)
    beat, tick, quarter, look = random.uniform(0.5, 4, 4)
    times, misses = random.uniform(5, 30), int(random.integers(1, 6))
    fails = random.uniform(1000, 2000, N)
    ticks, asks, sees = random.uniform(0, 1, (3, N)) * [[tick], [look], [look]]
    last = beat * np.floor(fails / beat)  # the last sign of life
    seen = tick * np.ceil((last + times - ticks) / tick) + ticks
    session = Session(timeout=times, heartbeat=beat, tick=tick)
    agrees(session.duration, seen - fails)

    data = quarter * np.floor(fails / quarter)  # a peer of Erlang writes and looks
    phase = random.uniform(0, quarter, N)
    counted = quarter * np.ceil((data - phase) / quarter) + phase
    agrees(NetTick(ticktime=4 * quarter).duration, counted + 4 * quarter - fails)

    silence = times * np.log(10) * beat
    asked = look * np.ceil((last + silence - asks) / look) + asks
    phi = PhiAccrual(threshold=times, interval=beat, check=look)
    agrees(phi.duration, asked - fails)

    first = beat * np.ceil(fails / beat)
    probe = SequentialProbe(pause=beat, timeout=tick, tries=misses)
    agrees(probe.duration, first + misses * tick + (misses - 1) * beat - fails)
    steady = Heartbeat(interval=beat, misses=misses, timeout=tick)
    agrees(steady.duration, first + (misses - 1) * beat + tick - fails)

    looks = (
        look * np.ceil((last - sees) / look) + sees
    )  # a node's controller sees the last word
    late = looks + look * np.ceil(times / look)
    node = Eviction(grace=times, heartbeat=beat, monitor=look)
    agrees(node.not_ready, late - fails)

    checkers, kept = int(random.integers(3, 20)), float(random.uniform(0, 0.5))
    starts = random.uniform(0, beat, (N, checkers))
    ends = np.sort(starts + (misses - 1) * beat, axis=1)
    healthy = checkers - np.arange(1, checkers + 1)  # left after so many have failed
    needed = int(np.argmax(healthy <= kept * checkers))
    many = HealthCheckers(
        interval=beat, threshold=misses, checkers=checkers, healthy=kept
    )
    agrees(many.duration, ends[:, needed])


def test_many_checkers_are_an_order_statistic():
    """Played: 16 clocks, unhealthy once at most 2 of 16 (18 %) still say healthy."""
    each = np.sort(rng().uniform(2 * 30, 3 * 30, (N, 16)), axis=1)
    agrees(HealthCheckers().duration, each[:, 13])
    plain = Heartbeat(interval=30, misses=3).duration
    assert HealthCheckers().duration.std < plain.std / 2
    assert HealthCheckers(ttl=20).redirection.support == (0, 20)
    # with a quarter of 8 left it is unhealthy: the sixth of 8 that are uniform
    quarter = HealthCheckers(checkers=8, healthy=0.25)
    assert quarter.duration.mean == pytest.approx(60 + 30 * 6 / 9)


def test_reboot_or_eviction_whichever_is_first():
    """Asked of Kubernetes again and again; the numbers are of 400,000 draws."""
    pod = Eviction(monitor=0, start=20, reboot=duration.lognormal(mean=240, cv=0.5))
    assert pod.duration.mean == pytest.approx(224.64, rel=2e-3)
    assert pod.duration.quantile(0.5) == pytest.approx(214.72, rel=2e-3)
    assert pod.duration.quantile(0.95) == pytest.approx(356.49, rel=2e-3)
    assert Eviction(reboot=5).duration.mean == pytest.approx(5)
    assert Eviction().duration.support == (330, 345)


@pytest.mark.parametrize(("retry", "ttl"), [(15, 15), (15, 40), (5, 0), (20, 7)])
def test_a_pooler_finds_the_new_server(retry, ttl):
    """Logins one after the other, the name asked for anew where it is too old."""
    drawn = []
    for change in rng().uniform(1000, 2000, 4000):
        now, asked, there = 0.0, -np.inf, False
        while not there:
            now += retry + 1e-6
            if asked + ttl < now:
                asked = now
            there = asked >= change if ttl else now >= change
        drawn.append(now - change)
    law = PgBouncer(server_login_retry=retry, dns_max_ttl=ttl).duration
    agrees(law, np.array(drawn))


def test_a_pooler_keeps_what_still_answers_and_what_is_silent():
    half = PgBouncer(reset=0.5, answers=0.5, server_lifetime=600)
    assert half.duration.mean == pytest.approx(0.5 * 7.5 + 0.5 * 300)
    deaf = PgBouncer(reset=0, tcp_user_timeout=10)
    # at 64 to 511 jiffies of 4 ms a timer of Linux may be late by 64
    assert deaf.duration.support == pytest.approx((10.4, 10.4 + 64 * 0.004))
    assert PgBouncer(reset=0).duration.mean == pytest.approx(924.6)


@pytest.mark.parametrize(
    ("interval", "fall", "timeout"), [(2, 3, 0), (2, 3, 2), (1, 2, 0.4)]
)
def test_a_proxy_counts_its_interval_from_the_end_of_a_check(interval, fall, timeout):
    drawn = []
    for fails in rng().uniform(50, 50 + interval, 4000):
        now, missed = 0.0, 0
        while missed < fall:
            now += interval
            if now > fails:
                now, missed = now + timeout, missed + 1
        drawn.append(now - fails)
    check = ProxyCheck(interval=interval, fall=fall, timeout=timeout)
    agrees(check.marks_down, np.array(drawn))


# --- stages -----------------------------------------------------------------------


def test_a_name_server_as_detection_is_its_health_check():
    """Route 53 with a failover record: three checks of 30 s, then a minute's TTL."""
    name = Dns(interval=30, threshold=3, ttl=60)
    both = Failover(detection=name, redirection=name)
    assert both.by_stage["detection"].support == (60, 90)
    assert [float(m) for m in both.stages.values()] == [75, 0, 0, 30]
    assert both.outage == 105


def test_a_proxy_as_detection_counts_failures_and_not_successes():
    check = ProxyCheck(interval=3, rise=2, fall=3)
    assert Failover(detection=check).outage == 7.5
    assert Failover(redirection=check).outage == 4.5


@pytest.mark.parametrize(
    ("stage", "mechanism", "words"),
    [
        ("detection", Promotion(usual=2), "which has one of promotion"),
        ("promotion", Heartbeat(interval=1), "which has one of detection"),
        ("fencing", Dns(), "Dns, which has one of detection and redirection"),
    ],
)
def test_a_mechanism_without_a_law_of_the_stage_is_refused(stage, mechanism, words):
    with pytest.raises(ValueError, match=words):
        Failover(**{stage: mechanism})


def test_none_is_elected_by_what_leads_clients_or_notices_nothing():
    for mechanism in (Promotion(usual=2), Dns()):
        with pytest.raises(ValueError, match="election must be a time or have a law"):
            as_stage("election", mechanism)
    assert as_stage("election", Session(timeout=9, heartbeat=2)).mean == 8


def test_a_mechanism_of_a_users_own_needs_a_duration_only():
    class Own:
        duration = duration.constant(7)

    assert Failover(fencing=Own()).outage == 7


NEEDED = {
    "attempts": {"first": 1, "again": 2, "failed": 0.5},
    "heartbeat": {"interval": 1},
    "promotion": {"usual": 1},
    "sequential probe": {"pause": 1},
    "session": {"timeout": 9, "heartbeat": 3},
    "virtual ip": {"takeover": 1},
}


DEFAULTS = {  # as the products' own pages list them
    Eviction: {"grace": 40, "heartbeat": 10, "monitor": 5, "toleration": 300},
    GroupChange: {"suspect_timeout": 5, "check": 0.5, "join_retrans": 1},
    HealthCheckers: {"interval": 30, "threshold": 3, "healthy": 0.18, "ttl": 60},
    Dns: {"ttl": 60},
    Driver: {"connect_timeout": 2, "dead_first": 0.5, "syn_timeout": 131},
    Heartbeat: {"misses": 3},
    NetTick: {"ticktime": 60},
    Promotion: {"lag": 0, "slow": 0},
    RaftElection: {"low": 0.15, "high": 0.3, "nodes": 3},
    SequentialProbe: {"tries": 3},
    SplitBrain: {"mean_length": 600},
    Switchover: {"drain": 0, "promotion": 0, "redirection": 0},
    VirtualIp: {"cache": 60},
    Session: {"tick": 0, "multiple": 1},
    PgBouncer: {"server_login_retry": 15, "dns_max_ttl": 15, "server_lifetime": 3600},
    PhiAccrual: {"threshold": 8, "interval": 1, "check": 1},
    ProxyCheck: {"interval": 2, "rise": 2, "fall": 3},
    Sentinel: {"down_after": 30, "failover_timeout": 180},
    Vrrp: {"interval": 1, "priority": 100, "version": 2},
}


MADE = {
    Driver: {"tcp_user_timeout": 30},
    Heartbeat: NEEDED["heartbeat"],
    Promotion: NEEDED["promotion"],
    SequentialProbe: NEEDED["sequential probe"],
    Session: NEEDED["session"],
    SplitBrain: {"false_failovers": 1, "fencing": 0.9, "write_rate": 1},
    VirtualIp: NEEDED["virtual ip"],
}


def test_defaults_are_those_of_the_products():
    for kind, said in DEFAULTS.items():
        made = kind(**MADE.get(kind, {}))
        assert {name: getattr(made, name) for name in said} == said, kind


@pytest.mark.parametrize("threshold", [0.5, 1, 3, 8])
def test_akka_suspects_where_its_curve_has_fallen_to_the_threshold(threshold):
    member = PhiAccrual(threshold=threshold, deviation=0.2, interval=2, pause=3)
    y = (member.silence - 5) / 0.2
    falls = 1 / (1 + np.exp(y * (1.5976 + 0.070566 * y * y)))
    assert falls == pytest.approx(10.0**-threshold, rel=1e-9)


@pytest.mark.parametrize(
    ("limit", "late"), [(0.65, 0.004), (0.657, 0.032), (4.84, 0.032), (4.85, 0.256)]
)
def test_a_user_timeout_ends_late_by_a_step_of_the_timer_wheel(limit, late):
    """The last wait has at most 63 jiffies, or 511, or more."""
    driver = Driver(tcp_user_timeout=limit)
    some = Driver(tcp_user_timeout=limit, reset=0.3).noticed
    assert some.mean == pytest.approx(0.7 * driver.noticed.mean)
    first, last = driver.noticed.support
    assert (first, last - first) == pytest.approx((limit + 0.4, late))


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_stands_for_a_stage(name):
    made = MECHANISMS[name](**NEEDED.get(name, {}))
    stages = [stage for stage in STAGES if hasattr(made, stage)]
    assert stages
    for stage in stages:
        assert getattr(made, stage).mean > 0
        assert Failover(**{stage: made}).outage > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sentinel(down_after=0), "down_after must be > 0"),
        (lambda: Sentinel(quorum=4), r"quorum must be in \[1, 3\], got 4"),
        (lambda: Sentinel(failed=1), r"failed must be in \[0, 1\), got 1"),
        (lambda: Attempts(first=-1, again=0, failed=0), "first must be >= 0"),
        (lambda: SequentialProbe(pause=0), "pause must be > 0"),
        (lambda: Session(timeout=1, heartbeat=2), r"heartbeat must be in \[0, 1\]"),
        (lambda: Vrrp(priority=255), r"priority must be in \[1, 254\], got 255"),
        (lambda: NetTick(ticktime=0), "ticktime must be > 0"),
        (lambda: PhiAccrual(deviation=0), "deviation must be > 0"),
        (lambda: Election(clients=3), r"clients must be in \[1, 2\], got 3"),
        (lambda: ConsulElection(failed=2), "majority of 2 of 3, got 2"),
        (lambda: ConsulElection(nodes=4, failed=2), "majority of 3 of 4, got 2"),
        (lambda: Eviction(heartbeat=50), r"heartbeat must be in \[0, 40\], got 50"),
        (lambda: HealthCheckers(healthy=1), r"healthy must be in \[0, 1\), got 1"),
        (lambda: PgBouncer(reset=2), r"reset must be in \[0, 1\], got 2"),
        (lambda: PgBouncer(answers=0.1), r"reset_and_answers must be in \[0, 1\]"),
        (lambda: Vrrp(version=4), r"version must be in \[2, 3\], got 4"),
        (lambda: GroupChange(contact=6), r"contact must be in \[0, 5\], got 6"),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(ValueError, match=words):
        make()
