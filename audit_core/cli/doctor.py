"""`doctor`: what is wrong with this installation, and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from audit_core.cli.parts.origins import RunningApp
from audit_core.cli.parts.terminal import say
from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, LogLockedError
from audit_core.domain.terminal_text import printable
from audit_core.installation.anchors import examine_anchors
from audit_core.installation.doctor import Finding, Health, examine_installation, examine_settings
from audit_core.installation.erasures import examine_erasures
from audit_core.installation.integrity import examine_integrity
from audit_core.installation.legal_holds import examine_holds
from audit_core.installation.notifications import examine_channels
from audit_core.installation.opened import open_installation
from audit_core.installation.vanished import examine_vanished
from audit_core.installation.watching import examine_watching
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings, read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.sources.findings import examine_senders
from audit_core.web.addresses import DOCTOR_PATH

WRONG = 1
"""The exit code when something has failed; warnings leave it at 0."""

_SIGNS = {Health.OK: "ok     ", Health.WARNING: "warning", Health.FAILED: "FAILED "}


def doctor(
    full: Annotated[
        bool, typer.Option("--full", help="Compare what is kept with every entry.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON.")] = False,
    server: Annotated[
        str, typer.Option(help="The address of the app, asked if it has the log open alone.")
    ] = "http://localhost:8501",
) -> None:
    """Look at settings, files, databases, marks, counts, disk and clock; also while the app runs.

    Exits with 1 if something has failed.
    """
    findings = tuple(_findings(full=full, server=server))
    if as_json:
        say(json.dumps({"findings": [asdict(item) for item in findings]}, indent=2))
    else:
        _print(findings)
    if any(item.health is Health.FAILED for item in findings):
        raise typer.Exit(WRONG)


def _findings(*, full: bool, server: str) -> Iterator[Finding]:
    try:
        settings = read_settings()
    except AuditError as error:
        yield _failed("settings", error)
        return
    yield Finding(part="settings", health=Health.OK, message="Every variable can be read.")
    yield from examine_settings(settings)
    try:
        yield from _of_installation(settings, full=full, server=server)
    except AuditError as error:
        yield _failed("databases", error)


def _of_installation(settings: Settings, *, full: bool, server: str) -> Iterator[Finding]:
    try:
        installation = open_installation(settings, utc_now, holder="python -m audit_core doctor")
    except LogLockedError as error:
        yield Finding(part="app", health=Health.OK, message=error.message)
        yield from _of_app(settings, full=full, server=server)
        return
    with closing(installation):
        yield from examine_installation(installation, Scope.everything(), full=full)
        yield from examine_senders(installation)
        yield from examine_integrity(installation)
        yield from examine_vanished(installation)
        yield from examine_anchors(installation)
        yield from examine_holds(installation)
        yield from examine_channels(installation)
        yield from examine_erasures(installation)
        yield from examine_watching(installation)


def _of_app(settings: Settings, *, full: bool, server: str) -> Iterator[Finding]:
    app = RunningApp(server, read_key(settings.key_file))
    for item in app.asked_for_json(f"{DOCTOR_PATH}?full={int(full)}")["findings"]:
        yield Finding(
            part=item["part"],
            health=Health(item["health"]),
            message=item["message"],
            hint=item["hint"],
        )


def _failed(part: str, error: AuditError) -> Finding:
    return Finding(part=part, health=Health.FAILED, message=error.message, hint=error.hint)


def _print(findings: tuple[Finding, ...]) -> None:
    for item in findings:
        say(f"{_SIGNS[item.health]}  {item.part}: {printable(item.message)}")
        if item.hint:
            say(f"         {printable(item.hint)}")
