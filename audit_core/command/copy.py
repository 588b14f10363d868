"""`python -m audit_core copy`: a log into another one, and the proof that they are the same."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import pyarrow as pa
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit_core.access import Scope
from audit_core.api.operator import DIGEST_PATH, HEADS_PATH, ROWS_PATH, proof
from audit_core.command.opened_state import ACTOR, writing
from audit_core.command.terminal import say
from audit_core.errors import LogLockedError, SourceError
from audit_core.keys import read_key
from audit_core.log.numbering import HEAD_NUMBERS, Head
from audit_core.log.schema import ARROW
from audit_core.log.store import AuditLog, Limits, open_log, utc_now
from audit_core.query.digests import day_of
from audit_core.settings import Settings, read_settings
from audit_core.state.access_record import record
from audit_core.terminal_text import printable
from audit_core.transfer import (
    Day,
    Digest,
    LocalOrigin,
    Origin,
    Report,
    Stretch,
    transfer,
)

LONGEST_READ_S = 3600.0
"""A digest reads the whole log: far more than a page may take."""

DIFFERENT = 1
"""The exit code when the logs differ in the end."""

MOST_SHOWN = 20
"""How many days that differ are listed."""


def copy(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="The log to read: its URL, or the address of the app that has it open, such as "
            "http://localhost:8501 (on this machine, with the same key file).",
        ),
    ],
    target: Annotated[
        str, typer.Option("--to", help="The URL of the log to write; made if it is missing.")
    ],
) -> None:
    """Copy a whole log to another engine or place; running it again copies what is missing.

    Every organization and day is compared by count and checksum in the end. Exits with 0 when
    both logs hold the same, 1 when they differ.
    """
    settings = read_settings()
    scope = Scope.everything()
    with _origin(source, settings, scope) as origin, closing(_opened(target, settings)) as log:
        report = _transfer(origin, log, scope)
    with writing() as connection:
        record(
            connection,
            at=utc_now(),
            verb="log.copied",
            actor=ACTOR,
            detail={
                "entries": report.entries,
                "copied": report.copied,
                "different_days": len(report.differences),
            },
        )
    _print(report)
    if report.differences:
        raise typer.Exit(DIFFERENT)


def _transfer(origin: Origin, log: AuditLog, scope: Scope) -> Report:
    console = Console(stderr=True)
    with Progress(
        TextColumn("Copying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None)
        return transfer(
            origin,
            log,
            scope,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _print(report: Report) -> None:
    say(
        f"{report.entries:,} entries on {report.days:,} days of an organization; "
        f"{report.copied:,} were copied now."
    )
    if not report.differences:
        say(
            "Both logs hold the same: counts and checksums agree for every organization and day.\n"
            "To move: stop the app, run this command once more, set SANDTRAIL_LOG_URL to the new "
            "log, start the app."
        )
        return
    say(f"{len(report.differences):,} days differ:", err=True)
    for difference in report.differences[:MOST_SHOWN]:
        organization, number = difference.day
        say(
            f"  {day_of(number)[0]:%Y-%m-%d} {printable(organization) or '(no organization)'}: "
            f"{difference.there:,} entries there, {difference.here:,} here",
            err=True,
        )
    if len(report.differences) > MOST_SHOWN:
        say(f"  and {len(report.differences) - MOST_SHOWN:,} more", err=True)
    say(
        "Entries that arrived meanwhile: run the command again. A day with more entries here: "
        "the new log was written by something else; begin with an empty one.",
        err=True,
    )


@contextmanager
def _origin(source: str, settings: Settings, scope: Scope) -> Iterator[Origin]:
    if source.startswith(("http://", "https://")):
        yield RunningApp(source, read_key(settings.key_file))
        return
    try:
        log = _opened(source, settings)
    except LogLockedError as error:
        raise LogLockedError(
            error.message,
            "If that is the Sandtrail app on this machine, read the log through it: "
            "--from http://localhost:8501",
        ) from error
    with closing(log):
        yield LocalOrigin(log=log, scope=scope)


def _opened(url: str, settings: Settings) -> AuditLog:
    return open_log(
        url,
        holder="python -m audit_core copy",
        limits=Limits(
            memory_limit_mb=settings.memory_limit_mb,
            free_space_floor_mb=settings.free_space_floor_mb,
            query_timeout_s=LONGEST_READ_S,
        ),
    )


class RunningApp:
    """The log of an app that runs on this machine, read by the operator's routes."""

    def __init__(self, address: str, key: bytes) -> None:
        wrong = SourceError(
            f"The address {address} names no app.", "Write it like http://localhost:8501."
        )
        try:
            parts = urlsplit(address)
            self._port = parts.port
        except ValueError as error:
            raise wrong from error
        if not parts.hostname or "@" in parts.netloc:
            raise wrong
        self._host = parts.hostname
        self._kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._key = key

    def digest(self) -> dict[Day, Digest]:
        """See `Origin.digest`."""
        with self._asked(DIGEST_PATH) as answer:
            days = json.loads(answer.read())["days"]
        return {
            (organization, day): Digest(count=count, first=first, second=second)
            for organization, day, count, first, second in days
        }

    def rows(self, stretch: Stretch) -> Iterator[pa.Table]:
        """See `Origin.rows`."""
        query = urlencode(
            {
                "organization": stretch.organization_id,
                "first": stretch.first,
                "last": stretch.last,
            }
        )
        with (
            self._asked(f"{ROWS_PATH}?{query}") as answer,
            self._translated(),
            pa.ipc.open_stream(answer) as stream,
        ):
            if stream.schema.names != ARROW.names:
                raise SourceError(
                    f"The app at {self._host} is of another version than this command.",
                    "Run both from the same version of Sandtrail.",
                )
            for batch in stream:
                yield pa.Table.from_batches([batch])

    def heads(self) -> dict[str, Head]:
        """See `Origin.heads`."""
        with self._asked(HEADS_PATH) as answer:
            rows = json.loads(answer.read())["heads"]
        return {
            row["organization_id"]: Head(**{name: row[name] for name in HEAD_NUMBERS})
            for row in rows
        }

    @contextmanager
    def _asked(self, path: str) -> Iterator[http.client.HTTPResponse]:
        connection = self._kind(self._host, self._port, timeout=LONGEST_READ_S)
        headers = {"Authorization": f"Bearer {proof(self._key, utc_now())}"}
        with closing(connection):
            with self._translated():
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise SourceError(
                    f"The app at {self._host} answered {answer.status}.",
                    "Check the address, that SANDTRAIL_KEY_FILE is the key file of that app, and "
                    "that both clocks agree."
                    if answer.status == http.client.UNAUTHORIZED
                    else "See the terminal of the app for the cause.",
                )
            yield answer

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, pa.ArrowInvalid) as error:
            raise SourceError(
                f"The app at {self._host} cannot be reached, or broke off.",
                "Check that it runs, then run the command again: what is copied stays.",
            ) from error
