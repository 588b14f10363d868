"""The command line, `sandtrail COMMAND` or `python -m audit_core COMMAND`: owns the streams and the
exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType
from typing import Annotated

import typer

from audit_core.cli.parts.commands import Commands
from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import AuditError
from audit_core.domain.terminal_text import make_logs_printable, printable
from audit_core.runtime.version import product_version

app = typer.Typer(
    name="sandtrail",
    cls=Commands,
    help="Sandtrail's command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        say(f"sandtrail {product_version()}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=_say_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Sandtrail's command line."""


UNUSABLE = 2
"""The exit code when a command could not do its work at all."""


def main() -> None:
    """Run one command; an `AuditError` is two lines on standard error and exit code 2."""
    # What is written, databases and exports alike, is for its owner only.
    os.umask(0o077)
    make_logs_printable()
    sys.excepthook = _print_traceback
    try:
        if all(argument.isprintable() for argument in sys.argv[1:]):
            app()
        else:
            sys.exit(_run_quietly())
    except AuditError as error:
        say(f"{printable(error.message)}\n{error.hint}", err=True)
        sys.exit(UNUSABLE)


def _print_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    say("".join(traceback.format_exception(kind, error, trace)), err=True)


def _run_quietly() -> int:
    """Run a command whose arguments hold what a terminal would act on; the exit code.

    Typer repeats arguments that it refuses as they are, so here it raises in place of printing.
    """
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.Abort:
        return UNUSABLE
    except Exception as error:
        refused = getattr(error, "format_message", None)
        if refused is None:
            raise
        say(f"{printable(refused())}\nSee: python -m audit_core --help", err=True)
        return UNUSABLE


if __name__ == "__main__":
    main()
