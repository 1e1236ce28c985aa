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
    Sentinel,
    SequentialProbe,
    Session,
    Vrrp,
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
                ping = timer.after(ping + 1000)
        else:
            ping = timer.after(0)
        found.append((timer.after(ping + down_after), timer))
    found.sort(key=lambda pair: pair[0])
    timer = found[quorum - 1][1]
    agreed = timer.run()
    elected, selected = timer.run(), timer.run()
    seen = timer.after(agreed + 1000)
    moments = (found[0][0], agreed, elected, selected, seen, timer.run())
    return np.array(moments) / 1000


@pytest.mark.parametrize("hang", [False, True])
@pytest.mark.parametrize(
    ("down_after", "sentinels", "quorum"), [(1, 3, 2), (2, 5, 3), (5, 3, 3)]
)
def test_sentinel_played_clock_by_clock(down_after, sentinels, quorum, hang):
    random = rng(7)
    drawn = np.array(
        [
            played_sentinel(
                random,
                down_after=1000 * down_after,
                sentinels=sentinels,
                quorum=quorum,
                hang=hang,
            )
            for _ in range(800)
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
    low, high = SequentialProbe(pause=3, tries=100).duration.support
    assert 12_870 <= low < high <= 13_000
    low, high = SequentialProbe(pause=3, timeout=2, tries=100).duration.support
    assert 497 <= low < high <= 502


def test_sessions():
    last = rng().uniform(0, 2, N)
    phase = rng(5).uniform(0, 3, N)
    over = 2 * 9 - last
    seen = phase + np.ceil((over - phase) / 3) * 3
    agrees(Session(timeout=9, heartbeat=2, tick=3, multiple=2).duration, seen)


def test_vrrp():
    last = rng().uniform(0, 2, N)
    agrees(Vrrp(interval=2, priority=128).duration, 2 * 3.5 - last)


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
    akka = PhiAccrual(interval=1, deviation=0.2, pause=3)
    from scipy.stats import norm

    assert norm.sf((akka.silence - 4) / 0.2) == pytest.approx(1e-8, rel=1e-6)


def test_consul_counts_on_a_timer_that_nothing_resets():
    drawn = []
    random = rng(3)
    for _ in range(6000):
        stands = []
        for _ in range(2):
            now = random.uniform(-40, -38)  # the leader is gone from 0 on
            while now < 1:  # at 0 its last message is fresh, at 1 it is too old
                now += random.uniform(1, 2)
            stands.append(now)
        drawn.append(min(stands))
    agrees(ConsulElection(multiplier=1).duration, np.array(drawn))


def test_survivors_of_a_galera_group_stop_too():
    """Play the looks of two survivors, and what they tell each other."""
    drawn = []
    for phases in rng().uniform(0, 0.5, (N, 2)):
        looks = phases + np.ceil((5 - phases) / 0.5) * 0.5
        gather = looks.min()  # the first to suspect stops both
        drawn.append(gather + 1.0)  # the other's view is told when it is repeated
    agrees(GroupChange().duration, np.array(drawn))


def test_many_checkers_are_an_order_statistic():
    """Played: 16 clocks, unhealthy once at most 2 of 16 (18 %) still say healthy."""
    each = np.sort(rng().uniform(2 * 30, 3 * 30, (N, 16)), axis=1)
    agrees(HealthCheckers().duration, each[:, 13])
    plain = Heartbeat(interval=30, misses=3).duration
    assert HealthCheckers().duration.std < plain.std / 2


def test_reboot_or_eviction_whichever_is_first():
    """Asked of Kubernetes again and again; the numbers are of 400,000 draws."""
    pod = Eviction(monitor=0, start=20, reboot=duration.lognormal(mean=240, cv=0.5))
    assert pod.duration.mean == pytest.approx(224.64, rel=2e-3)
    assert pod.duration.quantile(0.5) == pytest.approx(214.72, rel=2e-3)
    assert pod.duration.quantile(0.95) == pytest.approx(356.49, rel=2e-3)
    assert pod.eviction_probability == pytest.approx(0.1442, abs=0.002)
    assert Eviction(reboot=5).duration.mean == pytest.approx(5)
    assert Eviction().eviction_probability == 1.0
    assert Eviction().duration.support == (330, 345)


def test_a_pooler_finds_the_new_server():
    random = rng()
    login, name = random.uniform(0, 15, N), random.uniform(0, 15, N)
    agrees(PgBouncer().duration, login + name)
    half = PgBouncer(reset=0.5, server_lifetime=600, dns_max_ttl=0)
    assert half.duration.mean == pytest.approx(0.5 * 7.5 + 0.5 * 300)


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
        (lambda: ConsulElection(failed=2), "failed must leave a majority of 3, got 2"),
        (lambda: Eviction(heartbeat=50), r"heartbeat must be in \[0, 40\], got 50"),
        (lambda: GroupChange(nodes=2), "nodes must be a whole number >= 3, got 2"),
        (lambda: HealthCheckers(healthy=1), r"healthy must be in \[0, 1\), got 1"),
        (lambda: PgBouncer(reset=2), r"reset must be in \[0, 1\], got 2"),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(ValueError, match=words):
        make()
