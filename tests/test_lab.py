"""The laboratory: what is started is ended, what is recorded is kept, and three
databases fail for real as they were predicted to."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hamodel import duration, fields, lab, recordings
from hamodel.cli import main
from hamodel.lab import _packages
from hamodel.lab._clients import Writers
from hamodel.lab._experiment import Experiment
from hamodel.lab._processes import (
    LEDGER,
    Mark,
    Nursery,
    Struck,
    end_strays,
    is_alive,
    mark_of,
    strike,
)
from tests.support import processes

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
FAMILY = "import subprocess, sys, time; subprocess.Popen([{0!r}, '-c', {1!r}], "
FAMILY += "start_new_session=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def _as_oneself(monkeypatch):
    """Start helpers as whoever runs the tests: their Python may be root's own."""
    monkeypatch.setattr("hamodel.lab._processes.unprivileged", dict)


# ---- processes -----------------------------------------------------------------------


def test_a_nursery_ends_grandchildren_that_left_their_group(tmp_path):
    code = FAMILY.format(sys.executable, "import time; time.sleep(600)")
    with Nursery(tmp_path) as nursery:
        nursery.start("family", sys.executable, "-c", code)
        last = time.monotonic() + 10
        while len(nursery.tree("family")) < 2 and time.monotonic() < last:
            time.sleep(0.01)
        marks = nursery.tree("family")
        assert len(marks) == 2
    assert not any(map(is_alive, marks))
    assert not (tmp_path / LEDGER).exists()


def test_an_orphan_that_ended_is_not_taken_for_alive(tmp_path):
    """What Patroni asks of its PostgreSQL: is there a process of that number?"""
    code = (
        "import subprocess, sys, os, time\n"
        "code = 'import time; time.sleep(600)'\n"
        "words = [sys.executable, '-c', code]\n"
        "made = subprocess.Popen(words, start_new_session=True)\n"
        "print(made.pid, flush=True); time.sleep(0.5); os._exit(0)"
    )
    with Nursery(tmp_path) as nursery:
        nursery.start("family", sys.executable, "-c", code)
        last = time.monotonic() + 20
        while not nursery.log("family") and time.monotonic() < last:
            time.sleep(0.05)
        orphan = int(nursery.log("family"))
        while Path(f"/proc/{orphan}/stat").read_text().split()[3] != str(os.getpid()):
            assert time.monotonic() < last
            time.sleep(0.05)
        os.kill(orphan, signal.SIGKILL)
        while Path(f"/proc/{orphan}").exists():
            assert time.monotonic() < last
            time.sleep(0.01)


def test_a_stopped_process_is_ended_too(tmp_path):
    with Nursery(tmp_path) as nursery:
        mark = nursery.start("sleeper", *SLEEPER)
        strike([mark], "hang")
    assert not is_alive(mark)


def test_what_a_crash_leaves_is_ended_by_the_next_start(tmp_path):
    nursery = Nursery(tmp_path)
    nursery.__enter__()
    mark = nursery.start("sleeper", *SLEEPER)
    assert is_alive(mark)  # and nobody leaves the nursery
    assert end_strays(tmp_path) == 1
    assert not is_alive(mark)


def test_a_process_of_the_same_number_is_left_alone(tmp_path):
    other = subprocess.Popen(SLEEPER)
    try:
        real = mark_of(other.pid)
        wrong = Mark(real.pid, real.started - 1)
        (tmp_path / LEDGER).write_text(json.dumps(wrong) + "\n")
        assert end_strays(tmp_path) == 0
        assert is_alive(real)
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_was_started(tmp_path, sent):
    code = (
        "import signal, sys, time, tests.test_lab as t\n"
        "from pathlib import Path\n"
        # a shell that starts a job in its background has it ignore the first of them
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"here = Path({str(tmp_path)!r})\n"
        "import hamodel.lab._processes as p, hamodel.lab._experiment as e\n"
        "p.unprivileged = dict\n"
        "e.workplace = lambda: here / 'work'\n"
        "t.Nap(length=60).record(1, here)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=processes.ROOT,
        stderr=subprocess.DEVNULL,
        env=processes.environment(),
    )
    ledger = tmp_path / "work" / "nap-length=60" / LEDGER
    last = time.monotonic() + 60
    while not (ledger.exists() and ledger.read_text().endswith("\n")):
        assert time.monotonic() < last
        time.sleep(0.05)
    mark = Mark(*json.loads(ledger.read_text().splitlines()[0]))
    run.send_signal(sent)
    run.wait(timeout=30)
    assert not is_alive(mark)
    assert not ledger.exists()


# ---- the relay and the clients -------------------------------------------------------


@contextmanager
def echo():
    """Serve an echo on a port of the loopback; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(peer,), daemon=True).start()

        def answer(peer):
            with peer:
                while piece := peer.recv(4096):
                    peer.sendall(piece)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def trip(port, size=1):
    """Return the time in s that some bytes take there and back."""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        began = time.monotonic()
        peer.sendall(b"x" * size)
        left = size
        while left:
            piece = peer.recv(4096)
            if not piece:  # closed, not reset: there is nothing to wait for
                raise ConnectionError("closed")
            left -= len(piece)
        return time.monotonic() - began


def test_a_relay_delays_each_way():
    with echo() as port, lab.Relay(port, delay=0.1) as link:
        trips = [trip(link.port) for _ in range(4)]
    assert min(trips) >= 0.2
    assert min(trips) < 0.4  # of four, that a busy machine holds up least


def test_a_relay_sends_at_its_rate():
    with echo() as port, lab.Relay(port, rate=50_000) as link:
        assert trip(link.port, 20_000) >= 0.4  # 0.4 s one way, and most of it again


def test_a_silent_relay_keeps_the_connection_and_says_nothing():
    with echo() as port, lab.Relay(port) as link:
        with socket.create_connection(("127.0.0.1", link.port), 5) as peer:
            peer.sendall(b"x")
            assert peer.recv(1) == b"x"
            link.silence()
            peer.sendall(b"x")
            peer.settimeout(0.3)
            with pytest.raises(TimeoutError):
                peer.recv(1)
        link.mend()
        assert trip(link.port) < 1


def test_a_cut_relay_refuses():
    with echo() as port, lab.Relay(port) as link:
        link.cut()
        with pytest.raises(OSError):  # noqa: PT011  reset or refused
            _ = trip(link.port) if link.port else None


def test_what_is_written_while_the_rest_is_read_is_not_lost():
    stored = set()

    def slowly():
        there = set(stored)
        time.sleep(0.1)
        return there

    with Writers(lambda: nullcontext(stored.add)) as writers:
        assert writers.started().lost(slowly) == 0
        assert writers.lost(set) > 20


def test_writers_count_what_was_acknowledged_and_when_they_were_served_again():
    down = threading.Event()

    @contextmanager
    def connect():
        def write(_):
            if down.is_set():
                raise ConnectionError

        yield write

    with Writers(connect, count=2) as writers:
        time.sleep(0.1)
        down.set()
        begun = time.monotonic()
        threading.Timer(0.3, down.clear).start()
        seen = writers.recovery(Struck(begun, begun + 0.01, 0.0), patience=5)
    assert 0.3 <= seen["rto_first_s"] <= seen["rto_all_s"] < 2
    assert seen["censored"] == 0
    assert seen["acked"] > 10


def test_a_recovery_that_does_not_come_is_censored():
    @contextmanager
    def connect():
        raise ConnectionError
        yield

    with Writers(connect, count=2) as writers:
        now = time.monotonic()
        seen = writers.recovery(Struck(now, now, 0.0), patience=0.2)
    assert seen["censored"] == 1
    assert np.isnan(seen["rto_first_s"])


# ---- records -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Nap(Experiment):
    """Something that sleeps for a while: t0 is when it falls asleep."""

    length: float = fields.span("length", default=0.02)

    name = "nap"
    programs = ()
    stages = {"nap_s": "timer"}  # noqa: RUF012
    seconds = 1.0

    def prediction(self):
        return {"nap_s": duration.uniform(self.length, 1.5 * self.length)}

    def versions(self, nursery):  # noqa: ARG002
        return {"bed": "1"}

    @contextmanager
    def bench(self, nursery):
        nursery.start("sleeper", *SLEEPER)
        yield self

    def fail(self):
        now = time.monotonic()
        return Struck(now, now, time.time())

    def observe(self, struck):
        time.sleep(self.length)
        return {"nap_s": time.monotonic() - struck.begun, "censored": 0}


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Have an experiment wait for nothing, and work below a folder of the test."""
    monkeypatch.setattr(
        "hamodel.lab._experiment.workplace", lambda: tmp_path / "workplace"
    )
    monkeypatch.setattr("hamodel.lab._experiment.SETTLE", 0.0)


@pytest.mark.usefixtures("quick")
def test_a_record_is_resumed_and_nothing_is_overwritten(tmp_path):
    Nap().record(2, tmp_path)
    file = tmp_path / "nap.csv"
    before = file.read_text()
    with pytest.raises(FileExistsError, match=r"nap\.csv is there already"):
        Nap().record(2, tmp_path)
    whole = Nap().record(3, tmp_path, resume=True)
    assert file.read_text().startswith(before)
    assert [int(row["rep"]) for row in whole.rows] == [0, 1, 2]
    notes = json.loads(file.with_suffix(".json").read_text())
    assert notes["settings"] == {"fault": "kill", "length": 0.02}
    assert notes["versions"] == {"bed": "1"}
    read = lab.opened(file, {"nap": Nap})
    assert read.experiment == Nap()
    assert np.allclose(read.column("nap_s"), whole.column("nap_s"), rtol=1e-5)
    assert read.compare().agreements["nap_s"].count == 3


@pytest.mark.usefixtures("quick")
def test_a_repetition_that_fails_is_noted_with_its_reason(tmp_path, monkeypatch):
    def late(_self, _struck):
        raise TimeoutError("the bed took more than 1 s")

    monkeypatch.setattr(Nap, "observe", late)
    found = Nap().record(1, tmp_path)
    assert found.rows == ()
    assert found.discarded == ("0: the bed took more than 1 s",)
    assert "the bed" in (tmp_path / "nap.json").read_text()


def test_a_missing_program_names_the_command_that_brings_it(tmp_path, monkeypatch):
    monkeypatch.setattr(_packages, "find", lambda _: None)
    with pytest.raises(FileNotFoundError, match="hamodel lab fetch, or apt install"):
        lab.RedisSentinel().record(1, tmp_path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: lab.RedisSentinel(down_after=0), "down_after must be > 0"),
        (lambda: lab.RedisSentinel(quorum=4), "quorum must be in"),
        (lambda: lab.RedisSentinel(fault="fire"), "fault must be"),
        (lambda: lab.Etcd(members=2), "members must be"),
        (lambda: lab.Watchdog(misses=0), "misses must be"),
        (lambda: lab.Patroni(ttl=-1), "ttl must be"),
        (lambda: lab.Stall(watcher="owl"), "watcher must be one of 'sentinel'"),
        (lambda: lab.Haproxy(fault="kill"), "fault must be one of 'rise', 'fall'"),
        (lambda: lab.Keepalived(interval=0), "interval must be > 0"),
    ],
)
def test_impossible_settings_are_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_settings_move_the_prediction():
    assert lab.Watchdog(interval="2 s").prediction()["detect_s"].support == (4.0, 6.0)
    slow = lab.RedisSentinel(down_after=5).prediction()["switch_s"].mean
    assert slow > lab.RedisSentinel(down_after=1).prediction()["switch_s"].mean + 3.5
    hang = lab.RedisSentinel(fault="hang").prediction()["sdown_s"].mean
    assert hang > lab.RedisSentinel().prediction()["sdown_s"].mean
    assert lab.Etcd(election_timeout=2).prediction()["gap_min_s"].quantile(0.5) > 2
    assert lab.Patroni().prediction()["key_gone_s"].support == (20.0, 30.5)


def test_new_experiments_predict_from_their_settings():
    def support(experiment, column):
        return experiment.prediction()[column].support

    assert support(lab.Haproxy(interval=2, rise=3), "seen_s") == (4.0, 6.0)
    assert support(lab.Haproxy(fault="fall", fall=4), "seen_s") == (3.0, 4.0)
    assert support(lab.Isolated(max_lag=5), "stops_s") == (4.0, 7.0)
    assert support(lab.Keepalived(priority=192), "taken_s") == (2.25, 3.25)
    cut = lab.Patroni(ttl=20, loop_wait=5, retry_timeout=5, fault="cut")
    assert cut.prediction()["stops_s"].support[1] == pytest.approx(10.0)
    assert support(lab.Patroni(fault="postgres"), "noticed_s") == (0.0, 10.0)
    assert support(lab.Patroni(fault="stop"), "key_gone_s") == (2.0, 2.5)
    assert lab.Patroni(loop_wait=2).beat == 2  # a failure falls anywhere in a loop
    paused = lab.Stall(watcher="watchdog")
    law = paused.prediction()["stall_s"]
    assert paused.chances({"stall_s": 3.0})["failed_over"] == law.cdf(3.0)


def test_without_root_keepalived_is_refused_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(_packages, "find", lambda program: Path("/bin") / program)
    with pytest.raises(PermissionError, match="keepalived needs root, for network"):
        lab.Keepalived().record(1, tmp_path)


# ---- what was recorded --------------------------------------------------------------

KINDS = lab.EXPERIMENTS
SHIPPED = sorted((processes.ROOT / "data" / "recordings" / "lab").glob("*.csv"))
TAIL = (
    "one election in ten takes a second round, so that with some twenty the 95th"
    " percentile falls on one side of a gap in the law or on the other"
)
STEPS = "the law has steps of 0.31 s, the clients' patience, and a step is 10 ms longer"
FIRST = "all of 12 came before the law's 82nd or 87th percentile: once in 11 or 5 runs"
LOOP = "six or eight points of a law as wide as a loop"
ORPHAN = (
    "recorded before the laboratory waited for orphans itself: Patroni took the killed"
    " PostgreSQL for alive for 1 s to 2 s"
)
LATE = "the machine added 0.19 s, a tenth of so short a law, at a load of 20"
OLD = "patroni-fault=stop-ttl=5-loop_wait=1-retry_timeout=3"
CUT = "patroni-fault=cut-ttl=20-loop_wait=5-retry_timeout=5"
AGAIN = "patroni-fault=postgres-ttl=20-loop_wait=6-retry_timeout=5"
APART = {  # where a quantile is further off than 10 %, and why
    ("etcd-election_timeout=0.5-heartbeat=0.05", "gap_min_s"): TAIL,
    ("etcd-election_timeout=0.6", "leader_s"): TAIL,
    ("etcd-election_timeout=0.8-heartbeat=0.08", "gap_min_s"): STEPS,
    ("etcd-election_timeout=2-heartbeat=0.2", "gap_min_s"): TAIL,
    ("etcd-election_timeout=2.5-heartbeat=0.25", "leader_s"): TAIL,
    ("etcd-election_timeout=2.5-heartbeat=0.25", "gap_min_s"): TAIL,
    ("patroni-fault=postgres", "noticed_s"): ORPHAN,
    (AGAIN, "noticed_s"): LOOP,
    (CUT, "stops_s"): LOOP,
    (OLD, "key_gone_s"): LATE,
    ("sentinel-fault=hang-down_after=0.5", "sdown_s"): FIRST,
    ("sentinel-fault=hang", "sdown_s"): FIRST,
}


@pytest.mark.filterwarnings("ignore:ttl should be")  # of an older Patroni
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_was_recorded_is_as_it_was_predicted(file):
    """The laws are of the commit before the run; nothing was fitted to these rows."""
    found = lab.opened(file, lab.EXPERIMENTS)
    assert found.experiment.title == file.stem
    assert len(found.rows) >= 5
    agreements = found.compare().agreements
    assert agreements
    for name, agreement in agreements.items():
        if isinstance(agreement, recordings.Outcomes):
            assert agreement.holds, agreement
        else:
            apart = (file.stem, name) in APART
            assert agreement.quantiles_agree != apart, agreement


def test_pauses_are_taken_for_failures_as_often_as_predicted():
    """Over all three watchers; watchers a quarter slower are told apart."""
    stalls = [lab.opened(f, lab.EXPERIMENTS) for f in SHIPPED if "stall" in f.stem]
    assert len(stalls) == 3

    def judged(factor):
        chances, happened = [], []
        for found in stalls:
            law = found.experiment.prediction()["stall_s"] * factor
            chances += list(law.cdf(found.column("stall_s")))
            happened += list(found.column("failed_over"))
        return recordings.outcomes(chances, happened)

    assert judged(1.0).holds
    assert not judged(1.15).holds
    assert not judged(0.85).holds


def test_a_leader_that_is_cut_off_stops_before_its_lock_ends():
    cut = lab.opened(next(f for f in SHIPPED if "fault=cut-ttl" in f.stem), KINDS)
    assert np.all(cut.column("stops_s") < cut.column("key_gone_s") - 9)
    assert np.all(cut.column("astray") > 1000)  # acknowledged meanwhile, and gone


@pytest.mark.filterwarnings("ignore:ttl should be")  # of an older Patroni
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_a_law_15_percent_off_is_seen(file, factor):
    """By every column that agrees; pauses are asked together, above."""
    found = lab.opened(file, lab.EXPERIMENTS)
    for name, law in found.experiment.prediction().items():
        if name in found.rows[0] and (file.stem, name) not in APART:
            agreed = recordings.agreement(factor * law, found.column(name))
            assert "stall" in file.stem or not agreed.quantiles_agree, name


# ---- the command ---------------------------------------------------------------------


def command(*words):
    return CliRunner().invoke(main, ["lab", *words])


def test_the_command_lists_and_checks():
    said = command("list")
    assert said.exit_code == 0
    assert all(name in said.output for name in lab.EXPERIMENTS)
    assert command("check").exit_code == 0


def test_the_command_refuses_what_it_does_not_know(tmp_path):
    said = command("run", "fire", "--out", str(tmp_path))
    assert said.exit_code == 2
    assert "watchdog" in said.output
    said = command("run", "sentinel", "--set", "down=1", "--out", str(tmp_path))
    assert said.exit_code == 2
    assert "down_after" in said.output


# ---- real databases ------------------------------------------------------------------


@pytest.fixture
def ready(monkeypatch):
    """Run as experiments do; skip where programs are missing, or fail if required."""
    monkeypatch.undo()
    kinds = (lab.Watchdog, lab.RedisSentinel, lab.Etcd)
    lacks = lab.missing(tuple(p for kind in kinds for p in kind.programs))
    if lacks and os.environ.get("HAMODEL_REQUIRE_LAB") == "1":
        pytest.fail(f"HAMODEL_REQUIRE_LAB=1, but these are missing: {lacks}")
    if lacks:
        pytest.skip(f"{', '.join(lacks)} missing; `hamodel lab fetch` brings them")
    for module in ("psycopg", "redis"):
        pytest.importorskip(module, reason="pip install 'hamodel[lab]' brings it")


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("kind", [lab.Watchdog, lab.RedisSentinel, lab.Etcd])
@pytest.mark.usefixtures("ready")
def test_a_real_database_recovers_within_its_prediction(tmp_path, kind):
    """All but one of five within the law's outer thousandths, the median in its core.

    The median of five is beyond the law's outer 3 % once in two thousand runs.  A
    machine that stalls keeps a Sentinel's last ping from being answered before the
    failure, or delays what comes after: one row may stray, and the slack of the others
    grows with the load.  Redis answers a client a moment before it sends the write on:
    of each client the last write may be lost.
    """
    experiment = kind(sync=True) if kind is lab.Watchdog else kind()
    found = experiment.record(5, tmp_path)
    assert len(found.rows) >= 4, found.discarded
    assert np.sum(found.column("censored")) <= 1
    most = Writers.count if kind is lab.RedisSentinel else 0
    assert np.nanmax(found.column("lost")) <= most
    load = max(1.0, float(np.median(found.column("load1"))) / (os.cpu_count() or 1))
    for name, law in experiment.prediction().items():
        seen, said = found.column(name), (name, found.column(name), load)
        low, high = law.quantile([0.001, 0.999])
        astray = (seen < low - 0.05 * load) | ~(seen <= high + 0.5 * load)
        assert np.sum(astray) <= 1, (*said, low, high)
        low, high = law.quantile([0.03, 0.97])
        median = np.nanmedian(seen)
        assert low - 0.05 * load <= median <= high + 0.25 * load, (*said, low, high)
