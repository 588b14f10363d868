"""`python -m audit_core rejections`: what could not become an entry, and why."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import Connection

from audit_core.settings import read_settings
from audit_core.state.database import open_state
from audit_core.state.rejections import KeptRejection, list_rejections

PAGE = 5_000
"""How many rejections are read at a time."""


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
            found, more = _newest(connection, organization, limit)
    finally:
        state.close()
    for rejection in reversed(found):
        typer.echo(_as_json(rejection) if as_json else _as_text(rejection))
    if more:
        typer.echo(f"These are the newest {limit:,} of more; --limit shows more.", err=True)
    elif not found:
        typer.echo("Nothing was rejected.", err=True)


def _newest(
    connection: Connection, organization: str | None, limit: int
) -> tuple[deque[KeptRejection], bool]:
    """The last `limit` rejections in the order of keeping, and whether there are older ones."""
    found: deque[KeptRejection] = deque(maxlen=limit)
    seen = 0
    # The state lists in the order of keeping only, so the way to the newest leads over all.
    while page := list_rejections(
        connection,
        organization_id=organization,
        limit=PAGE,
        after_id=found[-1].id if found else 0,
    ):
        found.extend(page)
        seen += len(page)
    return found, seen > limit


def _as_json(rejection: KeptRejection) -> str:
    return json.dumps(asdict(rejection) | {"at": rejection.at.isoformat()})


def _as_text(rejection: KeptRejection) -> str:
    return (
        f"{rejection.at:%Y-%m-%d %H:%M:%S} UTC  {printable(rejection.place)}\n"
        f"    {printable(rejection.reason)}\n"
        f"    {printable(rejection.raw)}\n"
    )


def printable(text: str) -> str:
    """The text on one line, without what a terminal would act on: control marks written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
