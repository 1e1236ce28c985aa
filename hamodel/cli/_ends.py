"""How a command ends: the exit codes, and one line instead of a traceback.

0: an answer, and every requirement is kept.  1: a requirement is missed.  2: the call,
a file or the place of the output is wrong.  3: a fault of hamodel's own.
"""

from __future__ import annotations

import io
import os
import sys
import warnings

import click

CODES = """\b
Exit codes:
  0  an answer, and every requirement is kept
  1  a requirement is missed
  2  a mistake in the call, in a file or in where the answer shall go
  3  a fault of hamodel itself
"""
_LONGEST = 2000  # letters of a message


class Commands(click.Group):
    """Commands whose mistakes end in one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and end as the exit codes say."""
        # matrices are small here: threads of the algebra would wait for each other
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if sys.stdout is None:  # closed by the shell
            click.echo("the answer cannot be written: there is no output", err=True)
            ctx.exit(2)
        _hold(sys.stdout)
        try:
            try:
                with warnings.catch_warnings():
                    warnings.showwarning = _told
                    done: object = super().invoke(ctx)
            except click.exceptions.Exit:
                _flush()
                raise
            _flush()
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except BrokenPipeError:  # whoever read had enough
            _mute()
            ctx.exit(0)
        except Exception as mistake:  # every end has its code
            _end(ctx, mistake)
        return done


def _end(ctx: click.Context, mistake: Exception) -> None:
    """Say in a line what was wrong, and whose fault it is; never return."""
    ours = False
    if isinstance(mistake, OSError):
        where = mistake.filename or "the answer"
        _mute()
        said = f"{where} cannot be read or written: {mistake.strerror or mistake}"
    elif isinstance(mistake, MemoryError):
        said = "there is not enough memory for this; ask for less at a time"
    elif isinstance(mistake, RecursionError):
        said = "this is nested too deep to be read"
    elif isinstance(mistake, (ValueError, ModuleNotFoundError)):
        said = str(mistake)
    else:
        ours = True
        said = (
            f"hamodel failed, and not by your fault: {type(mistake).__name__}: "
            f"{mistake}\nPlease report it; --traceback shows where it happened."
        )
    if ctx.params.get("traceback"):
        raise mistake
    click.echo(said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ...", err=True)
    ctx.exit(3 if ours else 2)


def _told(message: Warning | str, *_: object, **__: object) -> None:
    """Say a warning in a line, without the place in this package's code."""
    from hamodel.cli._files import named

    click.echo(f"! {named(str(message))}", err=True)


def _hold(output: object) -> None:
    """Let an output that cannot hold a letter show a question mark for it."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="replace")


def _flush() -> None:
    """Write what is still held back, so that a full disk shows now and not at exit."""
    sys.stdout.flush()


def _mute() -> None:
    """Let nothing more be written to an output that takes nothing."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no real file, as in a test
        return


def leave(*, met: bool) -> None:
    """End with 1 if a requirement is missed."""
    if not met:
        click.get_current_context().exit(1)
