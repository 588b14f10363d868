"""`sandtrail alert …`: what rules found, listed, shown and closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.terminal import say, utc_minute
from audit_core.detect.alerts.alert import Alert, AlertEvent, sentence_of
from audit_core.detect.alerts.alert_filter import OPEN_STATES, AlertFilter
from audit_core.detect.alerts.reading import alert_detail, alert_numbered, list_alerts
from audit_core.detect.alerts.triage import change_state
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AlertError
from audit_core.domain.redaction import redact_text
from audit_core.domain.terminal_text import printable
from audit_core.identity.administration import Administrator
from audit_core.log.store import utc_now

alert_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

LISTED = 200
"""How many alerts are listed if nothing else is said."""

Organization = Annotated[str, typer.Option(help="Whose alert, by the organization's id.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The alert's number, as listed.")]


@alert_app.command("list")
def list_(
    organization: Annotated[str, typer.Option(help="Whose alerts, by id.")],
    everything: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    level: Annotated[
        list[Level] | None, typer.Option(help="Of this level only; may be given several times.")
    ] = None,
    text: Annotated[
        str, typer.Option(help="With this in the rule's title or a value of the group.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = LISTED,
) -> None:
    """List alerts, open ones first, by level and by how long they wait."""
    asked = AlertFilter(
        states=() if everything else OPEN_STATES, levels=tuple(level or ()), text=text
    )
    with reading() as connection:
        found = list_alerts(connection, organization, asked, limit=limit)
    for one in found.items:
        say(_line(one))
    if not found.items:
        say("There are none.")
    if found.truncated:
        say(f"These are the first {limit:,}; see more of them by --limit.", err=True)


@alert_app.command("show")
def show(number: Number, organization: Organization) -> None:
    """Show an alert, and everything that happened to it."""
    with reading() as connection:
        one = _alert(alert_numbered(connection, organization, number), number)
        found = alert_detail(connection, organization, one.id)
    say(_line(one))
    for event in found.events if found else ():
        say(_event(event))


@alert_app.command("close")
def close(
    numbers: Annotated[
        list[int], typer.Argument(metavar="NUMBER...", help="The alerts' numbers, as listed.")
    ],
    organization: Organization,
    resolution: Annotated[Resolution, typer.Option(help="What came of them.")],
    comment: Annotated[str, typer.Option(help="Why; it stands in their history.")] = "",
) -> None:
    """Close alerts, on record."""
    by = Administrator(actor=ACTOR, account_id=None, address=None, now=utc_now())
    with writing() as connection:
        seen = [
            _alert(alert_numbered(connection, organization, number), number)
            for number in dict.fromkeys(numbers)
        ]
        done = change_state(
            connection,
            by,
            organization_id=organization,
            seen=seen,
            state=AlertState.CLOSED,
            resolution=resolution,
            comment=comment,
        )
    for one in done.changed:
        say(f"Closed #{one.number}.")
    for one in done.stale:
        say(f"#{one.number} was withdrawn: there is nothing to close.")


def _alert(found: Alert | None, number: int) -> Alert:
    if found is None:
        raise AlertError(
            f"The organization has no alert {number}.",
            "See which there are: sandtrail alert list --organization ID --all.",
        )
    return found


def _line(one: Alert) -> str:
    state = "withdrawn" if one.withdrawn_at else (one.resolution or one.state).label.lower()
    return _printed(
        (
            f"#{one.number}",
            utc_minute(one.last_at),
            f"{one.level.value:<13}",
            f"{state:<14}",
            sentence_of(one),
        )
    )


def _event(event: AlertEvent) -> str:
    told = " · ".join(
        f"{name}: {value}" for name, value in event.detail.items() if value is not None
    )
    return _printed((f"  {utc_minute(event.at)}", event.kind.value, event.actor or "rule", told))


def _printed(parts: Iterable[str]) -> str:
    """One line, without secrets, that no terminal obeys."""
    return printable(redact_text("  ".join(parts)).replace("\n", " "))
