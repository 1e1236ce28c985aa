"""A commented file to begin with."""

STARTER = """\
# yaml-language-server: $schema=hamodel.schema.json
# The line above is for editors:  hamodel schema > hamodel.schema.json
# A system and what is asked of it.  Try:  hamodel assess THIS_FILE
# Times take units (30 s, 4 h, 200 d), rates too (900/s, 2/yr), shares % or a number.
title: Our orders database

# A preset fills in what is not said here; `hamodel explain THIS_FILE` shows from where.
extends: postgresql-patroni

# The site of each node.  A third node: [fra, fra, dub]; one name: all at one site.
sites: [fra, dub]

database:
  mttf: 6/yr # how often a node fails; a mean time such as 60 d does as well
  mttr: 3 h # until it is back and has caught up

failover:
  # Time from the failure to the decision, as a distribution or as a number.
  detection: uniform(20 s, 30 s)
  promotion: 2 s
  redirection: 3 s
  # How often a failover works.  Drills say so: 39 of 40 worked.
  coverage: {beta: {successes: 39, trials: 40}}
  manual: 30 min # until a person has finished one that did not

# What strikes both nodes at once: a bad deploy, a wrong configuration.
everywhere: {mttf: 2 years, mttr: 30 min}

# async, semi-sync or sync; the delay comes on top of the way between the sites.
replication: {mode: async, delay: 2 ms}

# Each site as a whole, and the servers in front of its database.
site:
  mttf: 10 years
  mttr: 4 h
  balancers: {node: {mttf: 300 d, mttr: 10 min}, servers: 2}
  apps: {node: {mttf: 100 d, mttr: 5 min}, servers: 3, needed: 2}

workload:
  reads: 900/s
  writes: 100/s
  clients: {fra: 70 %, dub: 30 %}
  round_trip: 20 ms
  app_time: 5 ms # of the servers in front, for a request

# What it must keep; `hamodel assess` ends with exit code 1 if it does not.
requirements:
  availability: 99.99 %
  rto_p95: 1 min
  rpo_p99: 1 s
  write_p99: 150 ms
"""


def starter() -> str:
    """Return the text of a commented file to begin with.

    Returns
    -------
    str
        YAML that `load` takes as it is.

    Examples
    --------
    >>> print(next(x for x in starter().splitlines() if x.startswith("title")))
    title: Our orders database
    """
    return STARTER
