"""`python -m audit_core rejections`: what could not become an entry, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from audit_core.cli.parts.terminal import say
from audit_core.domain.terminal_text import printable
from audit_core.runtime.settings import read_settings
from audit_core.state.database import open_state
from audit_core.state.rejections import (
    KeptRejection,
    count_dropped,
    describe_dropped,
    list_rejections,
)


def rejections(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many at most.")] = 100,
    organization: Annotated[
        str | None,
        typer.Option(help="Only those of this organization.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
) -> None:
    """List rejected records, newest first: when, from where, the place, the reason, the record."""
    state = open_state(read_settings().state_url)
    try:
        with state.read() as connection:
            found = list_rejections(connection, organization_id=organization, limit=limit + 1)
            dropped = count_dropped(connection, organization_id=organization)
    finally:
        state.close()
    for rejection in found[:limit]:
        say(_as_json(rejection) if as_json else _as_text(rejection))
    if len(found) > limit:
        say(f"These are the newest {limit:,} of more; --limit shows more.", err=True)
    elif not found:
        say("Nothing was rejected.", err=True)
    if gone := describe_dropped(dropped):
        say(gone, err=True)


def _as_json(rejection: KeptRejection) -> str:
    return json.dumps(asdict(rejection) | {"at": rejection.at.isoformat()})


def _as_text(rejection: KeptRejection) -> str:
    return (
        f"{rejection.at:%Y-%m-%d %H:%M:%S} UTC  {printable(rejection.place)}\n"
        f"    {printable(rejection.reason)}\n"
        f"    {printable(rejection.raw)}\n"
    )
