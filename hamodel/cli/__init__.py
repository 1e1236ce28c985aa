"""The command line: a system as a YAML file in, answers on the terminal out.

    hamodel init                     write a commented starter file
    hamodel assess FILE              one page: downtime, recovery, losses, latency
    hamodel compare FILE FILE ...    several systems side by side
    hamodel decide FILE FILE ...     which of them keeps the requirements
    hamodel sweep FILE --over PATH=FROM..TO:COUNT
    hamodel spof FILE                what stops the service alone
    hamodel explain FILE             where the numbers come from
    hamodel schema                   the JSON schema of such files, for editors

Exit codes: 0 for an answer, 1 if a requirement is missed, 2 for a mistake in the call
or in a file.
"""

from hamodel.cli._main import main

__all__ = ["main"]
