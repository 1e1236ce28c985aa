"""Errors of meaning that a colleague could make: a factor, a site, one too many.

Each stands once in its file.  `make mutants` plants each and names the test that fails.
"""

SLIPS = (  # module, what stands there, what is planted in its place
    # a majority of an even number, overlap of quorums, up for down
    ("quorum._availability", "int(votes) // 2 + 1", "(int(votes) + 1) // 2"),
    (
        "quorum._availability",
        "self.read + self.write > self.replicas",
        "self.read + self.write >= self.replicas",
    ),
    (
        "quorum._latency",
        "(1 - q) ** up * q ** (n - up)",
        "q ** up * (1 - q) ** (n - up)",
    ),
    # the other site's writes, the median for the mean, clocks the wrong way round
    ("conflicts._concurrency", "rows[i][j].lst(rates[j])", "rows[i][j].lst(rates[i])"),
    (
        "conflicts._concurrency",
        "pairs = pairs + rates[i] * rates[j] * mean_of(rows[j][i])",
        "pairs = pairs + rates[i] * rates[j] * getattr(rows[j][i], 'quantile', "
        "lambda p: rows[j][i])(0.5)",
    ),
    ("conflicts._last_write", "other - mine for other", "mine - other for other"),
    # one worker for all, all standbys for those needed
    (
        "replication._stage",
        "writes * self.mean_service / self.workers",
        "writes * self.mean_service",
    ),
    (
        "replication._protection",
        "self.exactly(self.needed) * self.needed / self.mttf",
        "self.exactly(self.needed) * self.count / self.mttf",
    ),
    # a beat too many, the lock's life counted from the wrong end, no pause
    (
        "failover._detection",
        "last = self.misses - counted",
        "last = self.misses + 1 - counted",
    ),
    (
        "failover._detection",
        "uniform(ttl - loop_wait, ttl)",
        "uniform(ttl, ttl + loop_wait)",
    ),
    (
        "failover._detection",
        "self.tries * (self.timeout + self.pause)",
        "self.tries * self.timeout + self.pause",
    ),
    # one way for two, failed servers that still work, read time for write time
    (
        "assessment.latency",
        "[w.between_sites] if way.led_away else []",
        "[w.between_sites] if way.forwarded else []",
    ),
    ("assessment.latency", "(apps.servers - failed) * apps", "apps.servers * apps"),
    (
        "assessment.latency",
        "w.read_time if reading else w.write_time",
        "w.write_time if reading else w.read_time",
    ),
    ("assessment.latency", "(1 - hits) * share", "share"),
    # the load at the wrong site, servers of one site
    (
        "assessment.availability",
        "verdict.through, case.client, serving",
        "verdict.at, case.client, serving",
    ),
    ("assessment.loads", "len(architecture.sites) * servers", "servers"),
    # one vote too many, reads for writes, near for far, groups for nodes
    (
        "architectures.majority",
        "for name, n in up.items()) >= self.majority",
        "for name, n in up.items()) > self.majority",
    ),
    (
        "architectures.leaderless",
        "return self.write_quorum, self.write_to",
        "return self.read_quorum, self.write_to",
    ),
    (
        "architectures._copies",
        "near if name == at else far",
        "far if name == at else near",
    ),
    (
        "architectures._copies",
        "Work(reads, self.workload.writes)",
        "Work(self.workload.writes, reads)",
    ),
    ("architectures._replicas", "1 if n == total else n / total", "1 / len(among)"),
    (
        "architectures._failing_over",
        "yield to, (1 - coverage) * share",
        "yield to, coverage * share",
    ),
)
