"""All formats; the first that knows a file reads it."""

from __future__ import annotations

from hamodel.reading.haproxy import HAPROXY
from hamodel.reading.libpq import LIBPQ
from hamodel.reading.patroni import PATRONI
from hamodel.reading.pgbouncer import PGBOUNCER

FORMATS = (PATRONI, HAPROXY, PGBOUNCER, LIBPQ)
