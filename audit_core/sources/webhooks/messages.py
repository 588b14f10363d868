"""What Daytona's webhooks say: bytes to a state change, or why they are none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.state_changes import StateChange
from audit_core.ingest.records.record import NUL, NUL_SYMBOL
from audit_core.ingest.records.strict_json import Undecodable, decode, shown
from audit_core.ingest.records.timestamps import read_time

TARGETS = ("sandbox", "snapshot", "volume")
CREATED, STATE_UPDATED, REMOVED = "created", "state.updated", "removed"
REMOVED_STATE = "removed"
"""The state of a target that was removed: such a message names none."""
MAX_TEXT = 500
"""Characters of an id, a name or a state; far above those that Daytona makes."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose sender is known."""

    organization_id: str | None
    """The organization that it says it is about, by Daytona's id; `None` if it does not say."""
    content: StateChange | Ignored | Unreadable


@dataclass(frozen=True, slots=True)
class Ignored:
    """It is about nothing that is kept here, such as a message that a person had sent."""

    event: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It should be a state change and is none."""

    reason: str
    """A sentence."""


class _Wrong(ValueError):
    pass


def read_message(body: bytes, *, message_id: str, organization_id: str) -> Message:
    """What a message says. `organization_id` is ours, to which what it tells belongs.

    Daytona writes `event`, `timestamp`, `id`, `organizationId`, and, by event, `state` or
    `oldState` and `newState`, and the `name` of what is no sandbox; more fields do no harm.
    """
    try:
        decoded = decode(body.decode())
    except (UnicodeDecodeError, Undecodable) as error:
        reason = error.reason if isinstance(error, Undecodable) else "The body is no UTF-8."
        return Message(None, Unreadable(reason))
    if not isinstance(decoded, dict):
        return Message(None, Unreadable(f"The body is {shown(decoded)}, no JSON object."))
    said = decoded.get("organizationId")
    about = said if isinstance(said, str) else None
    try:
        return Message(about, _content(decoded, message_id, organization_id))
    except _Wrong as error:
        return Message(about, Unreadable(str(error)))


def _content(
    body: dict[str, object], message_id: str, organization_id: str
) -> StateChange | Ignored:
    event = _text(body, "event")
    target, _, what = event.partition(".")
    if target not in TARGETS or what not in (CREATED, STATE_UPDATED, REMOVED):
        return Ignored(event)
    named = body.get("name") is not None
    return StateChange(
        id=message_id,
        organization_id=organization_id,
        event=event,
        target_type=target,
        target_id=_text(body, "id"),
        name=_text(body, "name") if named else None,
        old_state=_text(body, "oldState") if what == STATE_UPDATED else None,
        new_state=REMOVED_STATE
        if what == REMOVED
        else _text(body, "state" if what == CREATED else "newState"),
        changed_at=_time(body),
    )


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _Wrong(f"{name} must be a text that is not empty, not {shown(value)}.")
    if len(value) > MAX_TEXT:
        raise _Wrong(f"{name} has {len(value):,} characters; {MAX_TEXT} are the most.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _Wrong(f"{name} holds half a character.")
    return value.replace(NUL, NUL_SYMBOL)


def _time(body: dict[str, object]) -> datetime:
    text = _text(body, "timestamp")
    try:
        return read_time(text)
    except ValueError as error:
        raise _Wrong(f"timestamp is {shown(text)}; {error}.") from None
