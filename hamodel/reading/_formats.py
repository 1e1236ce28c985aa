"""All formats; the first that knows a file reads it."""

from __future__ import annotations

from hamodel.reading.cassandra import CASSANDRA
from hamodel.reading.consul import CONSUL
from hamodel.reading.etcd import ETCD
from hamodel.reading.haproxy import HAPROXY
from hamodel.reading.kubernetes import KUBERNETES
from hamodel.reading.libpq import LIBPQ
from hamodel.reading.mysql import MYSQL
from hamodel.reading.patroni import PATRONI
from hamodel.reading.pgbouncer import PGBOUNCER
from hamodel.reading.redis import REDIS
from hamodel.reading.terraform import TERRAFORM

FORMATS = (
    *(TERRAFORM, ETCD, KUBERNETES, PATRONI, REDIS, CONSUL, MYSQL, CASSANDRA),
    *(HAPROXY, PGBOUNCER, LIBPQ),
)
