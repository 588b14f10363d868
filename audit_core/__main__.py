"""The command line, `sandtrail COMMAND` or `python -m audit_core COMMAND`: owns the streams and the
exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType
from typing import Annotated

import typer

from audit_core.cli.access_record import access_record
from audit_core.cli.accounts import account_app
from audit_core.cli.backup import backup, restore
from audit_core.cli.copy import copy
from audit_core.cli.demo import demo
from audit_core.cli.detect.alerts import alert_app
from audit_core.cli.detect.channels import channel_app
from audit_core.cli.detect.organization_rules import rule_app
from audit_core.cli.detect.watch import watch
from audit_core.cli.doctor import doctor
from audit_core.cli.evidence.coverage import coverage
from audit_core.cli.evidence.erasures import erasure_app
from audit_core.cli.evidence.organizations import organization_app
from audit_core.cli.evidence.prove import prove
from audit_core.cli.evidence.report import report
from audit_core.cli.evidence.verify import verify
from audit_core.cli.evidence.witness import witness
from audit_core.cli.export import export
from audit_core.cli.import_daytona_db import import_daytona_db
from audit_core.cli.ingest import ingest
from audit_core.cli.log import log_app
from audit_core.cli.mappings import mapping_app
from audit_core.cli.parts.terminal import say
from audit_core.cli.prepare import prepare
from audit_core.cli.rejections import rejections
from audit_core.cli.sources import source_app
from audit_core.cli.tokens import token_app
from audit_core.domain.errors import AuditError
from audit_core.domain.terminal_text import make_logs_printable, printable
from audit_core.runtime.version import product_version

app = typer.Typer(
    name="sandtrail",
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


app.command()(ingest)
app.command()(import_daytona_db)
app.command()(rejections)
app.command()(export)
app.command()(coverage)
app.command()(report)
app.command()(verify)
app.command()(prove)
app.command()(access_record)
app.command()(copy)
app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.command()(demo)
app.command()(prepare)
app.command()(watch)
app.command()(witness)
app.add_typer(account_app, name="account", help="People who sign in, and their roles.")
app.add_typer(alert_app, name="alert", help="What rules found, until it is worked off.")
app.add_typer(erasure_app, name="erasure", help="People whose data is erased.")
app.add_typer(log_app, name="log", help="What the operator decides about the log.")
app.add_typer(mapping_app, name="mapping", help="How records of other systems are read.")
app.add_typer(
    organization_app, name="organization", help="What the operator settles for one organization."
)
app.add_typer(channel_app, name="channel", help="Where alerts are told.")
app.add_typer(rule_app, name="rule", help="Rules that say what somebody should be told of.")
app.add_typer(source_app, name="source", help="The systems that entries are pulled from.")
app.add_typer(token_app, name="token", help="API tokens for sending entries.")

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
