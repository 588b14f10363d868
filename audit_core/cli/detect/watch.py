"""`sandtrail watch`: all rules look at the log as it grows; prints what they find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from audit_core.cli.parts.following import Stop
from audit_core.cli.parts.opened_state import opened_state
from audit_core.cli.parts.origins import opened_log
from audit_core.cli.parts.terminal import say
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.changes import EPOCH, HOUR, Changes, Found, Key
from audit_core.detect.watching.looking import Look
from audit_core.detect.watching.watcher import LOOK_EVERY_S, Watching
from audit_core.domain.errors import AuditError, SettingsError
from audit_core.domain.terminal_text import printable
from audit_core.log.engines.registry import engine_for
from audit_core.log.store import utc_now
from audit_core.query.time.windows import format_instant
from audit_core.runtime.settings import read_settings
from audit_core.sources.watching.feeds import rule_feeds

ANOTHER = "Another process watches this log."
APP_WATCHES = (
    "The log is a file that one process owns: the app watches it while it runs.",
    "While the app does not run, look once: sandtrail watch --once",
)


def watch(
    from_beginning: Annotated[
        bool, typer.Option(help="For rules that did not watch yet: look at what is there, too.")
    ] = False,
    once: Annotated[
        bool, typer.Option(help="End once all that is there was looked at, as a nightly job does.")
    ] = False,
) -> None:
    """Let all rules that are on watch all organizations, and print what they find: one JSON object
    a line.

    The app does the same by itself. Of several processes on one log one does the work, and another
    takes it over when that one is gone. A rule looks at each entry once, goes on where it was after
    a stop, and looks again where something arrives late or is finished: what was found and is not
    true any more is withdrawn. An embedded log is watched by the app; --once does so in between.
    """
    settings = read_settings()
    if not once and not engine_for(settings.log_url).shared:
        raise SettingsError(*APP_WATCHES)
    stop = Stop()
    with (
        opened_state() as state,
        closing(opened_log(settings.log_url, settings)) as log,
        stop.on_signals(),
    ):
        watching = Watching(
            log=log,
            state=state,
            clock=utc_now,
            from_beginning=from_beginning,
            feeds=rule_feeds(),
            report=_report,
            stopped=stop,
        )
        try:
            _watch(watching, stop, once=once)
        finally:
            watching.let_go()


def _watch(watching: Watching, stop: Stop, *, once: bool) -> None:
    waits = failed = False
    while not stop():
        try:
            looked = watching.look()
        except AuditError as error:
            if once:
                raise
            if not failed:
                say(printable(f"{error.message} {error.hint}"), err=True)
            failed = True
            stop.wait(LOOK_EVERY_S)
            continue
        failed = False
        if once and not looked.behind:
            if not looked.held:
                say(ANOTHER, err=True)
            return
        if not looked.held and not waits:
            say(f"{ANOTHER} This one goes on when it is gone.", err=True)
        waits = not looked.held
        stop.wait(looked.pause_s if looked.behind else max(looked.pause_s, LOOK_EVERY_S))


def _report(organization_id: str, rule: Rule, seen: Look) -> None:
    for line in _lines(organization_id, rule, seen.changed):
        say(line)


def _lines(organization_id: str, rule: Rule, changed: Changes) -> Iterator[str]:
    for event, found in (("raised", changed.raised), ("grown", changed.grown)):
        for key, value in sorted(found.items()):
            yield _line(organization_id, rule, event, key, _told(value))
    for key in sorted(changed.withdrawn):
        yield _line(organization_id, rule, "withdrawn", key, {})


def _line(organization_id: str, rule: Rule, event: str, key: Key, found: Mapping[str, Any]) -> str:
    values, hour = key
    names = [group.name for group in rule.groups]
    told = {
        "event": event,
        "organization": organization_id,
        "rule": rule.id,
        "title": rule.title,
        "level": rule.level.value,
        "group": dict(zip(names, values, strict=True)),
        "hour": format_instant(EPOCH + hour * HOUR),
        **found,
    }
    # Escapes beyond ASCII: log text is hostile to terminals.
    return json.dumps(told)


def _told(found: Found) -> dict[str, Any]:
    return {
        "entries": found.count,
        "first": format_instant(found.first_at),
        "last": format_instant(found.last_at),
    }
