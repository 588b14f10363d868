"""The command line: `python -m audit_core COMMAND`. Owns the streams and the exit codes."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from audit_core.command.access_record import access_record
from audit_core.command.accounts import account_app
from audit_core.command.copy import copy
from audit_core.command.demo import demo
from audit_core.command.export import export
from audit_core.command.ingest import ingest
from audit_core.command.prepare import prepare
from audit_core.command.rejections import rejections
from audit_core.command.tokens import token_app
from audit_core.errors import AuditError

app = typer.Typer(
    name="audit_core",
    help="Sandtrail's command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(ingest)
app.command()(rejections)
app.command()(export)
app.command()(access_record)
app.command()(copy)
app.command()(demo)
app.command()(prepare)
app.add_typer(account_app, name="account", help="People who sign in, and their roles.")
app.add_typer(token_app, name="token", help="API tokens for sending entries.")

UNUSABLE = 2
"""The exit code when a command could not do its work at all."""


def main() -> None:
    """Run one command; an `AuditError` is two lines on standard error and exit code 2."""
    # What is written, databases and exports alike, is for its owner only.
    os.umask(0o077)
    try:
        app()
    except AuditError as error:
        problem = Console(stderr=True, soft_wrap=True)
        problem.print(error.message, markup=False, highlight=False)
        problem.print(error.hint, markup=False, highlight=False)
        sys.exit(UNUSABLE)


if __name__ == "__main__":
    main()
