"""What people do with their own account: a new password, and the sessions they have open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from audit_core.domain.errors import AccountError
from audit_core.identity import password_lanes
from audit_core.identity.accounts import store_password_hash
from audit_core.identity.backoff import (
    count_failure,
    own_password_counter,
    refused_until,
    take_back,
)
from audit_core.identity.known_devices import forget_devices
from audit_core.identity.passwords import BCRYPT_COST, hash_password, is_password
from audit_core.identity.sessions import Viewer, end_session, end_sessions_of
from audit_core.state.access_log.record import record
from audit_core.state.database import State, take_turns
from audit_core.state.tables import account, session


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """A browser in which somebody is signed in."""

    id: str
    """Names the session; it does not open it."""
    device: str
    """Browser and system as the browser says, such as ``Firefox on Linux``."""
    address: str | None
    """Where the sign-in came from."""
    created_at: datetime
    last_seen_at: datetime
    is_this: bool
    """Whether the viewer looks at it from this one."""


def change_own_password(
    state: State,
    viewer: Viewer,
    *,
    present: str,
    new: str,
    address: str | None,
    now: datetime,
    cost: int = BCRYPT_COST,
) -> None:
    """Replace the viewer's password, and end their other sessions.

    Raises `AccountError` when `present` is not the present one, after several failures for a while
    also when it is, and for a new one that will not do. Blocks.
    """
    counters = (own_password_counter(viewer.email),)
    with state.begin() as connection:
        take_turns(connection)
        if refused_until(connection, counters, now) is not None:
            raise _wrong_password()
        count_failure(connection, counters, now)
        stored = _stored_hash(connection, viewer)
    # Between transactions, so that nobody waits for bcrypt to write.
    with password_lanes.KNOWN.turn() as checked:
        right = checked and is_password(present, stored)
    with state.begin() as connection:
        if right or not checked:
            take_back(connection, counters, now)
        if not right:
            _record(connection, viewer, "password_change.refused", address, now)
    if not right:
        raise _wrong_password()
    if new == present:
        raise AccountError("This is your present password.", "Choose another one.")
    password_hash = hash_password(new, cost=cost, known=(viewer.email, viewer.name))
    with state.begin() as connection:
        take_turns(connection)
        if _stored_hash(connection, viewer) != stored:
            raise _wrong_password()
        store_password_hash(connection, account_id=viewer.account_id, password_hash=password_hash)
        end_sessions_of(connection, viewer.account_id, but=viewer.session_id)
        forget_devices(connection, viewer.account_id)
        _record(connection, viewer, "account.password_changed", address, now)


def own_sessions(
    connection: Connection, viewer: Viewer, *, now: datetime, idle: timedelta | None
) -> tuple[OwnSession, ...]:
    """The sessions in which the viewer is signed in, the one used last first. `idle` is for how
    long an unused one stays open; `None`: however long."""
    seen = func.coalesce(session.c.last_seen_at, session.c.created_at)
    statement = select(session, seen.label("seen")).where(
        session.c.account_id == viewer.account_id, session.c.expires_at > now
    )
    if idle is not None:
        statement = statement.where(seen > now - idle)
    found = connection.execute(statement.order_by(seen.desc(), session.c.id))
    return tuple(
        OwnSession(
            id=row.id,
            device=device_of(row.user_agent),
            address=row.address,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at or row.created_at,
            is_this=row.id == viewer.session_id,
        )
        for row in found
    )


def end_own_session(
    connection: Connection,
    viewer: Viewer,
    *,
    session_id: str,
    address: str | None,
    now: datetime,
) -> None:
    """Sign out of another browser. Raises `AccountError`, alike for a session that has ended and
    one of somebody else."""
    found = connection.execute(
        select(session.c.id).where(
            session.c.id == session_id, session.c.account_id == viewer.account_id
        )
    ).one_or_none()
    if found is None:
        raise AccountError("This session has ended already.", "Reload the page.")
    end_session(connection, session_id=session_id)
    _record(connection, viewer, "own_sessions.ended", address, now, sessions=1)


def end_other_sessions(
    connection: Connection, viewer: Viewer, *, address: str | None, now: datetime
) -> int:
    """Sign out of every browser but this one; how many those were."""
    ended = end_sessions_of(connection, viewer.account_id, but=viewer.session_id)
    _record(connection, viewer, "own_sessions.ended", address, now, sessions=ended)
    return ended


_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/|\bOpera\b")),
    ("Firefox", re.compile(r"\bFirefox/|\bFxiOS/")),
    ("Chrome", re.compile(r"Chrom(?:e|ium)/|\bCriOS/")),
    ("Safari", re.compile(r"\bSafari/")),
)
_SYSTEMS = (
    ("Android", re.compile(r"\bAndroid\b")),
    ("iOS", re.compile(r"\b(?:iPhone|iPad|iPod)\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac ?OS ?X?\b|\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)


def device_of(user_agent: str | None) -> str:
    """Browser and system that a User-Agent header names; a claim of the browser, no proof."""
    text = user_agent or ""
    browser = next((name for name, shape in _BROWSERS if shape.search(text)), None)
    system = next((name for name, shape in _SYSTEMS if shape.search(text)), None)
    if browser is None:
        return f"Unknown browser on {system}" if system else "Unknown browser"
    return f"{browser} on {system}" if system else browser


def _stored_hash(connection: Connection, viewer: Viewer) -> str:
    found: str = connection.execute(
        select(account.c.password_hash).where(account.c.id == viewer.account_id)
    ).scalar_one()
    return found


def _wrong_password() -> AccountError:
    return AccountError(
        "That is not your present password.",
        "Try again; after several failures, wait a few minutes first.",
    )


def _record(
    connection: Connection,
    viewer: Viewer,
    verb: str,
    address: str | None,
    now: datetime,
    **detail: Any,
) -> None:
    record(connection, at=now, verb=verb, actor=viewer.email, address=address, detail=detail)
