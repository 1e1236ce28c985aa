"""The command line: a system as a YAML file in, answers on the terminal out.

    hamodel init [--preset NAME]     write a commented starter file
    hamodel presets [NAME]           what presets there are, what one stands on
    hamodel assess FILE              one page: downtime, recovery, losses, latency
    hamodel compare FILE FILE ...    several systems side by side
    hamodel decide FILE FILE ...     which of them keeps the requirements
    hamodel optimise FILE --over PATH=VALUES
    hamodel sweep FILE --over PATH=FROM..TO:COUNT
    hamodel simulate FILE            the same by discrete events
    hamodel calibrate LOG DRILLS     logs and drills as a file that systems extend
    hamodel spof FILE                what stops the service alone
    hamodel explain FILE             where the numbers come from
    hamodel lab ...                  fail real databases here, and compare
    hamodel schema                   the JSON schema of such files, for editors

FILE is a system's file, a preset's name, or - for standard input; `--set PATH=VALUE`
changes a field.

Exit codes: 0 for an answer, 1 if a requirement is missed, 2 for a mistake in the call,
in a file or in where the answer shall go, 3 for a fault of hamodel itself.
"""

from hamodel.cli import _lab, _making  # noqa: F401  they add their commands
from hamodel.cli._main import main

__all__ = ["main"]
