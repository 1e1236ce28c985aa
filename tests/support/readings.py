"""Configuration files that tests read, and a change that moves each of their fields.

`SETS` are the systems whose reading is kept; `MOVES` has, for each field of a format
that has a place, the files of a system and words of one of them before and after.
"""

from pathlib import Path

from click.testing import CliRunner

from hamodel.cli import main
from hamodel.facts import folder
from hamodel.reading import read_files

CONFIGS = folder() / "configs"

_PATRONI = ("patroni/patroni.yml", "patroni/haproxy.cfg", "patroni/pgbouncer.ini")
_PAIR = _PATRONI[:2]
_NODES = ("patroni/node-a.yml", "patroni/node-b.yml", "patroni/node-c.yml")
_UNEVEN = ("patroni/show-config-2.1.yml", "patroni/haproxy-uneven.cfg")
_DIRECT = ("patroni/show-config-2.1.yml", "patroni/app.env")
_REDIS = ("redis/sentinel.conf", "redis/redis-primary.conf")
_REDIS_NODES = (
    "redis/redis-primary.conf",
    "redis/redis-replica.conf",
    "redis/redis-replica-2.conf",
)
_ETCD = ("etcd/etcd.conf.yml",)
_CONSUL = ("consul/server.hcl",)
_API = ("kubernetes/api.yaml", "kubernetes/cluster.yaml")
_WORKER = ("kubernetes/worker.yaml", "kubernetes/budget.yaml")
_STATEFUL = ("kubernetes/postgres.yaml",)
_BOTH = ("kubernetes/postgres.yaml", "kubernetes/api.yaml")
_LIVE, _READY = "pod.livenessProbe.", "pod.readinessProbe."
_MANAGER = "controllerManager.extraArgs."
_GR, _GALERA = ("mysql/group.cnf",), ("mysql/galera.cnf",)
_SEMI = ("mysql/semisync.cnf",)
_CASSANDRA = (
    *("cassandra/cassandra.yaml", "cassandra/schema.cql"),
    "cassandra/status.txt",
)
_OLD = (
    *("cassandra/cassandra-3.11.yaml", "cassandra/simple.cql"),
    "cassandra/ring.txt",
)
_RDS, _AURORA = ("terraform/rds.json",), ("terraform/aurora-plan.json",)
_ROUTE53, _AZURE = ("terraform/route53.json",), ("terraform/traffic-manager.json",)
_CHECK, _PROFILE = "aws_route53_health_check.", "azurerm_traffic_manager_profile."
_COMMIT = "bootstrap.dcs.postgresql.parameters.synchronous_commit"
_WAL = "bootstrap.dcs.postgresql.parameters.wal_retrieve_retry_interval"

#: By name: the files, and the versions that are assumed.
SETS = {
    "patroni": (_PATRONI, {}),
    "patroni-nodes": (_NODES, {}),
    "patroni-2.1": (_UNEVEN, {"patroni": "2.1"}),
    "patroni-direct": (_DIRECT, {"patroni": "3.3"}),
    "redis": (_REDIS, {}),
    "redis-quick": (("redis/sentinel-3.conf",), {"redis": "3.0"}),
    "redis-nodes": (_REDIS_NODES, {}),
    "etcd": (_ETCD, {}),
    "etcd-3.4": (("etcd/etcd-3.4.env",), {"etcd": "3.4"}),
    "consul": (_CONSUL, {}),
    "kubernetes": (_API, {}),
    "kubernetes-worker": (("kubernetes/worker.yaml",), {"kubernetes": "1.32"}),
    "kubernetes-both": (_BOTH, {}),
    "group": (_GR, {}),
    "group-8.0.20": (("mysql/group-8.0.20.cnf",), {"mysql": "8.0.20"}),
    "galera": (_GALERA, {}),
    "semisync": (_SEMI, {}),
    "cassandra": (_CASSANDRA, {}),
    "cassandra-3.11": (_OLD, {"cassandra": "3.11"}),
    "rds": (_RDS, {}),
    "rds-alone": (("terraform/single.json",), {}),
    "aurora": (_AURORA, {}),
    "route53": (_ROUTE53, {}),
    "traffic-manager": (_AZURE, {}),
    "consul-default": (("consul/server.json",), {}),
}

MOVES = {
    "patroni": {
        "bootstrap.dcs.ttl": (_PAIR, "ttl: 24", "ttl: 40"),
        "bootstrap.dcs.loop_wait": (_PAIR, "loop_wait: 6", "loop_wait: 2"),
        "bootstrap.dcs.retry_timeout": (_PAIR, "timeout: 8", "timeout: 11"),
        "bootstrap.dcs.synchronous_mode": (_PAIR, "mode: true", "mode: false"),
        "bootstrap.dcs.synchronous_mode_strict": (
            *(_NODES, "strict: true", "strict: false"),
        ),
        "bootstrap.dcs.synchronous_node_count": (
            *(_NODES, "node_count: 1", "node_count: 2"),
        ),
        _COMMIT: (_NODES, "commit: remote_apply", "commit: local"),
        _WAL: (_PAIR, "interval: 1s", "interval: 4s"),
        "bootstrap.dcs.failsafe_mode": (
            *(_PAIR, "synchronous_mode: true", "failsafe_mode: true"),
        ),
        "etcd3.hosts": (_PAIR, ",10.20.3.21:2379", ""),
        "name": (_NODES, "name: pg-c", "name: pg-b"),
        "tags.nofailover": (_NODES, "nofailover: true", "nofailover: false"),
        "tags.failover_priority": (
            *(_NODES, "failover_priority: 2", "failover_priority: 0"),
        ),
        "tags.nosync": (_NODES, "nosync: false", "nosync: true"),
        "tags.noloadbalance": (
            *(_NODES, "noloadbalance: false", "noloadbalance: true"),
        ),
    },
    "haproxy": {
        "server.inter": (_PAIR, "inter 3s", "inter 5s"),
        "server.rise": (_PAIR, "rise 2", "rise 4"),
        "server.fastinter": (_UNEVEN, "fastinter 500", "fastinter 2s"),
        "server.downinter": (_UNEVEN, "downinter 5s", "downinter 9s"),
        "server": (_PAIR, "    server pg-c", "    # server pg-c"),
    },
    "pgbouncer": {
        "pgbouncer.server_login_retry": (_PATRONI, "retry = 3", "retry = 15"),
        "pgbouncer.dns_max_ttl": (_PATRONI, "ttl = 5", "ttl = 60"),
        "host": (_PATRONI, "host=haproxy.internal", "host=10.0.0.7"),
    },
    "redis": {
        "sentinel.down-after-milliseconds": (_REDIS, "orders 3000", "orders 9000"),
        "sentinel.failover-timeout": (_REDIS, "orders 60000", "orders 180000"),
        "sentinel.quorum": (_REDIS, "6379 2\n", "6379 3\n"),
        "sentinel.known-sentinel": (
            *(
                _REDIS,
                "known-sentinel orders 10.30.3",
                "known-sentinels orders 10.30.3",
            ),
        ),
        "sentinel.known-replica": (
            *(_REDIS, "known-replica orders 10.30.3", "known-replicas orders 10.30.3"),
        ),
        "replicaof": (_REDIS_NODES, "no\nreplicaof", "no\n# replicaof"),
        "replica-priority": (_REDIS_NODES, "priority 50", "priority 0"),
    },
    "etcd": {
        "heartbeat-interval": (_ETCD, "interval: 150", "interval: 340"),
        "election-timeout": (_ETCD, "timeout: 1700", "timeout: 3000"),
        "initial-cluster": (_ETCD, ",etcd-5=https://10.40.2.12:2380", ""),
        "pre-vote": (_ETCD, "initial-cluster-state: new", "pre-vote: false"),
    },
    "consul": {
        "performance.raft_multiplier": (_CONSUL, "multiplier = 2", "multiplier = 1"),
        "bootstrap_expect": (_CONSUL, "expect = 5", "expect = 3"),
    },
    "kubernetes": {
        "Deployment": (_BOTH, "kind: Deployment", "kind: DaemonSet"),
        "StatefulSet": (_BOTH, "kind: StatefulSet", "kind: DaemonSet"),
        "Deployment.replicas": (_API, "replicas: 4", "replicas: 5"),
        "StatefulSet.replicas": (_STATEFUL, "replicas: 1", "replicas: 3"),
        "PodDisruptionBudget.minAvailable": (_API, "Available: 3", "Available: 2"),
        "PodDisruptionBudget.maxUnavailable": (
            *(_API, "minAvailable: 3", "maxUnavailable: 2"),
        ),
        "pod.tolerationSeconds": (_API, "Seconds: 60", "Seconds: 120"),
        "pod.terminationGracePeriodSeconds": (
            *(_API, "PeriodSeconds: 20", "PeriodSeconds: 90"),
        ),
        f"{_LIVE}periodSeconds": (
            *(
                _API,
                "periodSeconds: 5\n            failureThreshold: 4",
                "periodSeconds: 9\n            failureThreshold: 4",
            ),
        ),
        f"{_LIVE}failureThreshold": (_API, "Threshold: 4", "Threshold: 8"),
        f"{_LIVE}timeoutSeconds": (_API, "timeoutSeconds: 2", "timeoutSeconds: 4"),
        f"{_READY}initialDelaySeconds": (_API, "DelaySeconds: 3", "DelaySeconds: 30"),
        f"{_READY}periodSeconds": (
            *(
                _API,
                "periodSeconds: 5\n            failureThreshold: 2",
                "periodSeconds: 9\n            failureThreshold: 2",
            ),
        ),
        f"{_MANAGER}node-monitor-grace-period": (_API, "period: 24s", "period: 90s"),
        f"{_MANAGER}node-monitor-period": (_API, "period: 4s", "period: 20s"),
        "nodeStatusUpdateFrequency": (_API, "Frequency: 6s", "Frequency: 12s"),
    },
    "mysql": {
        "group_replication_member_expel_timeout": (_GR, "timeout = 3", "timeout = 60"),
        "group_replication_group_seeds": (_GR, ",db4:33061,db5:33061", ""),
        "group_replication_consistency": (_GR, "= BEFORE", "= EVENTUAL"),
        "evs.suspect_timeout": (_GALERA, "timeout=PT10S", "timeout=PT20S"),
        "evs.inactive_check_period": (_GALERA, "period=PT1S", "period=PT3S"),
        "evs.join_retrans_period": (
            *(_GALERA, "retrans_period=PT2S", "retrans_period=PT0.5S"),
        ),
        "wsrep_cluster_address": (_GALERA, ",10.60.1.12,10.60.2.12", ""),
        "wsrep_sync_wait": (_GALERA, "wait = 1", "wait = 0"),
        "rpl_semi_sync_source_enabled": (_SEMI, "enabled = 1", "enabled = 0"),
        "rpl_semi_sync_source_timeout": (_SEMI, "timeout = 2000", "timeout = 60000"),
        "rpl_semi_sync_source_wait_for_replica_count": (
            *(_SEMI, "count = 1", "count = 2"),
        ),
        "replica_net_timeout": (_SEMI, "net_timeout = 8", "net_timeout = 3600"),
    },
    "cassandra": {
        "write_request_timeout": (_CASSANDRA, "timeout: 1500ms", "timeout: 9s"),
        "replication": (_CASSANDRA, "'fra': '3'", "'fra': '2'"),
        "node": (_OLD, "10.0.0.3 ", "x"),
    },
    "terraform": {
        "aws_db_instance.multi_az": (_RDS, '"multi_az":true', '"multi_az":false'),
        "aws_rds_cluster.engine": (_AURORA, '"aurora-postgresql"', '"postgres"'),
        "aws_rds_cluster_instance.promotion_tier": (
            *(_AURORA, '"promotion_tier":15', '"promotion_tier":1'),
        ),
        f"{_CHECK}request_interval": (_ROUTE53, '_interval":10', '_interval":30'),
        f"{_CHECK}failure_threshold": (_ROUTE53, 'threshold":3', 'threshold":9'),
        f"{_CHECK}type": (_ROUTE53, '"HTTPS"', '"TCP"'),
        "aws_route53_record.ttl": (_ROUTE53, '"ttl":30', '"ttl":300'),
        f"{_PROFILE}monitor_config.interval_in_seconds": (
            *(_AZURE, 'interval_in_seconds":10', 'interval_in_seconds":30'),
        ),
        f"{_PROFILE}monitor_config.timeout_in_seconds": (
            *(_AZURE, 'timeout_in_seconds":5', 'timeout_in_seconds":9'),
        ),
        f"{_PROFILE}monitor_config.tolerated_number_of_failures": (
            *(_AZURE, 'of_failures":3', 'of_failures":0'),
        ),
        f"{_PROFILE}dns_config.ttl": (_AZURE, '"ttl":10', '"ttl":60'),
    },
    "libpq": {
        "host": (_DIRECT, "pg-a:5432,pg-b:5432", "proxy:5432"),
        "connect_timeout": (_DIRECT, "timeout=3", "timeout=9"),
        "target_session_attrs": (_DIRECT, "attrs=read-write", "attrs=any"),
    },
}
#: Sets without a secret.
OPEN = {"patroni-2.1", "redis-quick", "group-8.0.20"}
#: Fields that only a warning shows: they make a system that does not fail over.
WARNED = {("libpq", "target_session_attrs")}


def reading(name):
    """Return a kept set of files, read."""
    files, versions = SETS[name]
    return read_files([CONFIGS / file for file in files], versions=versions)


def copied(files, to, old="", new=""):
    """Copy files into a folder, words of them changed; return where they are."""
    found = []
    for file in files:
        path = to / Path(file).name
        words = (CONFIGS / file).read_text(encoding="utf-8")
        path.write_text(words.replace(old, new) if old else words, encoding="utf-8")
        found.append(path)
    return found


def run(*arguments):
    done = CliRunner().invoke(main, [str(x) for x in arguments], catch_exceptions=False)
    return done.stdout, done.stderr, done.exit_code
