"""`sandtrail watch`: looks at the log as it grows, and prints what rules find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from audit_core.cli.detect.rules import Paths, files_of
from audit_core.cli.parts.following import Stop
from audit_core.cli.parts.opened_state import opened_state
from audit_core.cli.parts.origins import opened_log
from audit_core.cli.parts.terminal import say
from audit_core.detect.rules.reading import read_rule_file
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.changes import EPOCH, HOUR, Changes, Found, Key
from audit_core.detect.watching.looking import start_watching
from audit_core.detect.watching.looking_together import look_at_all
from audit_core.domain.errors import AuditError
from audit_core.domain.terminal_text import printable
from audit_core.log.store import AuditLog, utc_now
from audit_core.query.time.windows import format_instant
from audit_core.runtime.settings import read_settings
from audit_core.state.database import State

PAUSE_S = 2.0


def watch(
    organization: Annotated[str, typer.Option(help="Whose log, by id.")],
    paths: Paths = None,
    from_beginning: Annotated[
        bool, typer.Option(help="For rules that did not watch yet: look at what is there, too.")
    ] = False,
    once: Annotated[
        bool,
        typer.Option(help="End once all that is there was looked at, as a nightly job does."),
    ] = False,
) -> None:
    """Look at the log as it grows, and print what rules find: one JSON object a line.

    A rule looks at each entry once, goes on where it was after a stop, and looks again where
    something arrives late or is finished: what was found and is not true any more is withdrawn. An
    embedded log is watched while the app does not run.
    """
    settings = read_settings()
    rules = [read_rule_file(path) for path in files_of(paths)]
    stop = Stop()
    with (
        opened_state() as state,
        closing(opened_log(settings.log_url, settings)) as log,
        stop.on_signals(),
    ):
        for rule in rules:
            revision = 0 if from_beginning else log.head(organization)
            start_watching(state, rule, organization, now=utc_now(), revision=revision)
        while not stop():
            behind = _look(log, state, rules, organization)
            if once and not behind:
                return
            if not behind:
                stop.wait(PAUSE_S)


def _look(log: AuditLog, state: State, rules: list[Rule], organization: str) -> bool:
    """One look of each rule; whether one of them is behind. A rule that fails says so, and the
    others go on."""
    behind = False
    for rule, seen in look_at_all(log, state, rules, organization, now=utc_now()):
        if isinstance(seen, AuditError):
            say(printable(f"{rule.title}: {seen.message} {seen.hint}"), err=True)
        elif seen is not None:
            behind = behind or seen.behind > 0
            for line in _lines(rule, seen.changed):
                say(line)
    return behind


def _lines(rule: Rule, changed: Changes) -> Iterator[str]:
    for event, found in (("raised", changed.raised), ("grown", changed.grown)):
        for key, value in sorted(found.items()):
            yield _line(rule, event, key, _told(value))
    for key in sorted(changed.withdrawn):
        yield _line(rule, "withdrawn", key, {})


def _line(rule: Rule, event: str, key: Key, found: Mapping[str, Any]) -> str:
    values, hour = key
    names = [group.name for group in rule.groups]
    told = {
        "event": event,
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
