"""`python -m audit_core ingest FILE…`: files into the log, directly or through a running app."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated

import pyarrow as pa
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from audit_core.cli.parts.following import Stop
from audit_core.cli.parts.mapping_option import MappingName, mapping_choice
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import AuditError, SourceError
from audit_core.domain.rejections import Rejection
from audit_core.domain.terminal_text import printable
from audit_core.ingest.files import OpenedFile, is_live, open_file, read_batches
from audit_core.ingest.following import FLUSH_S, FollowedBatches, Interval
from audit_core.ingest.http_client import MAX_ENTRIES, RESTART_S, RemoteError, RemoteLog
from audit_core.ingest.mappings.recognize import Choice
from audit_core.ingest.pipeline import BATCH, IngestReport
from audit_core.ingest.pipeline import ingest as ingest_batches
from audit_core.ingest.records.batches import Batch
from audit_core.ingest.records.extra_fields import describe_extra
from audit_core.installation.opened import open_installation
from audit_core.log.merge import AppendReport
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings, read_settings
from audit_core.state.access_log.record import record
from audit_core.state.database import State, open_state
from audit_core.state.rejections import keep_rejections

SOME_REJECTED = 1
"""The exit code when a record was rejected or a file could not be read to its end."""
NOTHING_READ = 2
"""The exit code when not one of the files could be read."""
INTERRUPTED = 130
"""The exit code of a program stopped by Ctrl-C, as a shell expects it."""

TOLD_EVERY_S = 60.0
"""How often it is said what came through a pipe that is followed, after the first time."""
RECORDED_EVERY_S = 3_600.0
"""How often that is put on record: what comes in an hour is one loading of a file."""

MAX_ENGINE_MB = 416
"""What the embedded engine may use here: two batches on their way to it take twice as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where entries and rejections go."""

    append: Callable[[pa.Table], AppendReport]
    executor: Executor | None
    """Where `append` runs while the next batch is read; `None`: where it is called."""
    state: State
    clock: Callable[[], datetime]
    batch: int
    """How many entries are stored at once."""


@dataclass(slots=True)
class FileResult:
    """What became of one file so far."""

    name: str
    report: IngestReport = field(default_factory=IngestReport)
    problem: SourceError | None = None
    """Why it was not read to its end; `None` if it was."""
    emptiness: str = ""
    """What is said of a file without any record."""

    def note_emptiness(self, sentence: str) -> None:
        """There was no record at all."""
        self.emptiness = sentence


Files = Annotated[
    list[str],
    typer.Argument(
        help="JSON lines, JSON lists, saved API pages, CSV, console logs with AUDIT_ENTRY: lines "
        "or syslog, in UTF-8 or UTF-16; plain, gzip or zstd. "
        "- is the standard input; a pipe is followed until it ends.",
        show_default=False,
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        help="Send the entries through the app that runs at this address, such as "
        "http://localhost:8501.",
        show_default=False,
    ),
]
Token = Annotated[
    str | None,
    typer.Option(envvar="SANDTRAIL_TOKEN", help="The token for --server.", show_default=False),
]
Organization = Annotated[
    str | None,
    typer.Option(
        help="Accept only entries of this organization; others are rejected. Records of other "
        "systems that name none get this one.",
        show_default=False,
    ),
]


def ingest(
    files: Files,
    server: Server = None,
    token: Token = None,
    organization: Organization = None,
    mapping: MappingName = None,
) -> None:
    """Put the entries of files into the log; running it again is harmless.

    Exits with 0 when everything was stored or known, 1 when records were rejected or a file
    could not be read to its end, 2 when no file could be read at all.
    """
    results: list[FileResult] = []
    stop = Stop()
    followed = any(map(is_live, files))
    # What stands by now stays: the collector need not look through it again and again.
    gc.freeze()
    try:
        with (
            stop.on_signals() if followed else nullcontext(),
            open_target(read_settings(), server, token, stop if followed else None) as target,
        ):
            mappings = mapping_choice(mapping, organization, target.state)
            for result in _ingest_files(files, target, organization, mappings, stop):
                results.append(result)
    except AuditError as error:
        _print_results(results)
        if isinstance(error, RemoteError) or not _total(results).acknowledged:
            raise
        raise AuditError(
            f"{error.message} {_acknowledged(results)}",
            f"{error.hint} Then run the same command again: what is stored is recognized.",
        ) from error
    except KeyboardInterrupt:
        _print_results(results)
        say(f"Stopped. {_acknowledged(results)} Running the same command again is safe.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    _print_results(results)
    if all(result.problem and result.report == IngestReport() for result in results):
        raise typer.Exit(NOTHING_READ)
    if any(result.problem or result.report.rejected for result in results):
        raise typer.Exit(SOME_REJECTED)


@contextmanager
def open_target(
    settings: Settings, server: str | None, token: str | None, stop: Stop | None = None
) -> Iterator[Target]:
    """Open where entries go: the log itself, or the server; rejections go to the local state.

    With `stop`, a server that has answered before is waited for until that is requested. Raises
    what `open_installation` and `RemoteLog` raise.
    """
    if server is not None:
        remote = RemoteLog(
            server,
            token or "",
            sleep=stop.sleep if stop else time.sleep,
            notify=partial(say, err=True),
            patience_s=math.inf if stop else RESTART_S,
        )
        state = open_state(settings.state_url)
        try:
            yield Target(
                append=remote.append_table,
                # So that Ctrl-C ends a wait for the server.
                executor=None,
                state=state,
                clock=utc_now,
                batch=MAX_ENTRIES,
            )
        finally:
            state.close()
        return
    installation = open_installation(
        settings.with_memory(MAX_ENGINE_MB), utc_now, holder="python -m audit_core ingest"
    )
    try:
        with ThreadPoolExecutor(1, "ingest") as executor:
            yield Target(
                append=installation.log.append_table,
                executor=executor,
                state=installation.state,
                clock=utc_now,
                batch=BATCH,
            )
    finally:
        installation.close()


def _ingest_files(
    files: Sequence[str],
    target: Target,
    organization: str | None,
    mappings: Choice,
    stop: Stop,
) -> Iterator[FileResult]:
    """Do one file after the other. Each result is given at its beginning and kept up to date."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        for path in files:
            if stop():
                return
            result = FileResult(path)
            yield result
            try:
                with open_file(path) as opened:
                    task = bar.add_task(printable(opened.name), total=opened.size)
                    watched = _Watched(opened, bar, task)
                    loading = _Loading(opened, target, organization, mappings, result)
                    if opened.live:
                        loading.follow(watched, stop)
                    else:
                        loading.load(watched)
            except RemoteError:
                raise
            except SourceError as error:
                result.problem = error


@dataclass(slots=True)
class _Loading:
    """One file on its way into the target."""

    opened: OpenedFile
    target: Target
    organization: str | None
    mappings: Choice
    result: FileResult

    def load(self, stream: _Watched) -> None:
        """Store all of it."""
        self._store(self._batches(stream))

    def follow(self, stream: _Watched, stop: Stop) -> None:
        """Store what comes within moments, until it ends or the command is told to stop."""
        followed = FollowedBatches(self._batches(stream, live=True), stop)
        told = Interval(TOLD_EVERY_S, time.monotonic, at_once=True)

        def note(report: IngestReport) -> None:
            if told():
                say(f"{printable(self.result.name)}: {_sentence(report)}")

        while not followed.ended:
            self._store(
                followed.until(Interval(RECORDED_EVERY_S, time.monotonic)),
                note=note,
                due=Interval(FLUSH_S, time.monotonic, at_once=True),
            )

    def _batches(self, stream: _Watched, *, live: bool = False) -> Iterator[Batch]:
        return read_batches(
            stream,
            self.opened.name,
            mappings=self.mappings,
            on_empty=self.result.note_emptiness,
            live=live,
        )

    def _store(
        self,
        batches: Iterator[Batch],
        *,
        note: Callable[[IngestReport], None] | None = None,
        due: Callable[[], bool] | None = None,
    ) -> None:
        before, stored = self.result.report, IngestReport()

        def take(report: IngestReport) -> None:
            nonlocal stored
            stored = report
            self.result.report = before + report
            if note:
                note(self.result.report)

        try:
            ingest_batches(
                batches,
                append=self.target.append,
                keep=self._keep,
                organization_id=self.organization,
                batch=self.target.batch,
                progress=take,
                # Of a pipe each append is reported before the next: it may be long until then.
                executor=None if due else self.target.executor,
                due=due,
            )
        finally:
            with self.target.state.begin() as connection:
                record(
                    connection,
                    at=self.target.clock(),
                    verb="ingest",
                    actor=ACTOR,
                    organization_id=self.organization,
                    detail={"file": self.opened.name, **stored.detail()},
                )

    def _keep(self, rejections: Sequence[Rejection]) -> None:
        with self.target.state.begin() as connection:
            keep_rejections(
                connection,
                rejections=rejections,
                organization_id=self.organization,
                origin=self.opened.name,
                now=self.target.clock(),
            )


class _Watched:
    """The stream of a file, which moves its progress bar."""

    def __init__(self, opened: OpenedFile, bar: Progress, task: TaskID) -> None:
        self._stream = opened.stream
        self._bar = bar
        self._task = task

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        piece = self._stream.read(size)
        self._bar.advance(self._task, len(piece))
        return piece


def _total(results: Sequence[FileResult]) -> IngestReport:
    return sum((result.report for result in results), IngestReport())


def _acknowledged(results: Sequence[FileResult]) -> str:
    return f"{_total(results).acknowledged:,} entries were acknowledged before that."


def _print_results(results: Sequence[FileResult]) -> None:
    """The report to standard output; what could not be read to standard error."""
    for result in results:
        say(f"{printable(result.name)}: {_sentence(result.report)}")
        report = result.report
        for sentence in describe_extra(
            report.kept_fields, report.lost_fields, report.other_lines, report.mapping
        ):
            say(f"  {printable(sentence)}")
        if result.emptiness:
            say(printable(result.emptiness), err=True)
        if result.problem:
            say(f"{printable(result.problem.message)}\n{result.problem.hint}", err=True)
    if len(results) > 1:
        say(f"Total: {_sentence(_total(results))}")
    if _total(results).rejected:
        say("See what was rejected, and why: python -m audit_core rejections", err=True)


def _sentence(report: IngestReport) -> str:
    return (
        f"{report.accepted:,} accepted, {report.known:,} already known, "
        f"{report.finished:,} finished, {report.rejected:,} rejected"
        + (f", of which {report.not_kept:,} were only counted" if report.not_kept else "")
    )
