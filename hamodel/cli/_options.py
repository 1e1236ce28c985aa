"""Options and arguments that several commands have, each said once."""

from __future__ import annotations

import click

FILE = click.argument("file")
FILES = click.argument("files", nargs=-1, required=True)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
FLIPS = click.option(
    "--flips", is_flag=True, help="Search for the nearest change that flips the choice."
)
FORCE = click.option("--force", is_flag=True, help="Overwrite the file given by --out.")
CONFIDENCE = click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Where parameters are uncertain: count a requirement as met only if it is "
    "with this probability, such as 0.9.",
)
CHANGES = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a field, as --set failover.coverage=99%; may be given again.",
)
VERSIONS = click.option(
    "--assume",
    "versions",
    multiple=True,
    metavar="NAME=VERSION",
    help="The version of a product whose files are read, such as patroni=2.1, for its "
    "defaults and rules; may be given again.",
)
OVER = click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="PATH=VALUES",
    help="Such as failover.promotion=10s..60s:6, database.mttf=100d,1yr or "
    "replication.mode=async,sync; give it again for a further dimension.",
)
