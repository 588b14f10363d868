"""Saved views: what a person looked at, under a name, for themselves or for the organization.

Each function here is asked by a `Viewer` and answers as far as that one may see: their own views
and the shared ones of their organization. Another one's private view answers like one that does
not exist. What was done stands in the access record, in the same transaction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select

from audit_core.domain.access import Denied, Permission, decide
from audit_core.domain.errors import ViewError
from audit_core.identity.sessions import Viewer
from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.operator_text import plain_text
from audit_core.state.preferences import keep_preference, read_preference
from audit_core.state.secrets import new_id
from audit_core.state.tables import account, saved_view

LONGEST_VIEW_NAME = 100
"""In characters."""

MAX_VIEWS = 200
"""How many views one person may have in one organization."""

LONGEST_PARAMS = 20_000
"""How long the parameters of a view may be, written as JSON, in characters."""

MAX_SHARED = 500
"""How many shared views of others are listed."""

_ID = re.compile("[0-9a-f]{32}")

_DEFAULT = "default_view:"
"""Begins the name of the preference that holds a default; the organization's id ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A view under a name."""

    id: str
    """Random; 32 hexadecimal digits. Names the view, opens nothing."""
    organization_id: str
    account_id: str
    """The owner's."""
    owner: str
    """The owner's e-mail address."""
    name: str
    """One line of visible text, but of another person's choosing: never to be read as markup."""
    shared: bool
    """Whether all who may read the organization's log see it; else only the owner."""
    params: dict[str, list[str]]
    """The parameters of an address, as they were when it was saved: to be read anew."""
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedViews:
    """All that one person may open."""

    own: tuple[SavedView, ...]
    """By name, private and shared ones."""
    others: tuple[SavedView, ...]
    """Shared by others; by name."""
    truncated: bool
    """Whether there are more of `others` than these."""


def list_views(connection: Connection, viewer: Viewer) -> SavedViews:
    """The views that a person may open. Raises `ViewError` for who may not read the log."""
    _require_reader(viewer)
    own = saved_view.c.account_id == viewer.account_id
    mine = [_view_of(row) for row in connection.execute(_seen_by(viewer).where(own))]
    found = connection.execute(
        _seen_by(viewer).where(~own).order_by(saved_view.c.id).limit(MAX_SHARED + 1)
    ).all()
    return SavedViews(
        own=_by_name(mine),
        others=_by_name([_view_of(row) for row in found[:MAX_SHARED]]),
        truncated=len(found) > MAX_SHARED,
    )


def find_view(connection: Connection, viewer: Viewer, view_id: str) -> SavedView | None:
    """The view, if the person may open it; `None` alike for what is unknown and foreign."""
    _require_reader(viewer)
    if not _ID.fullmatch(view_id):
        # It came from an address: PostgreSQL would fail on some texts.
        return None
    row = connection.execute(_seen_by(viewer).where(saved_view.c.id == view_id)).one_or_none()
    return None if row is None else _view_of(row)


def may_change(viewer: Viewer, view: SavedView) -> bool:
    """Whether the person may rename, overwrite, share and delete the view."""
    if view.account_id == viewer.account_id:
        return True
    return view.shared and not isinstance(decide(viewer.membership, Permission.MANAGE), Denied)


def open_view(
    connection: Connection, viewer: Viewer, view_id: str, *, now: datetime, address: str | None
) -> SavedView:
    """The view, for use. Using another person's is recorded.

    Raises `ViewError`, alike for an unknown view and a foreign one.
    """
    found = _require_view(connection, viewer, view_id)
    if found.account_id != viewer.account_id:
        _record(connection, "view.used", viewer, found, now=now, address=address)
    return found


def add_view(
    connection: Connection,
    viewer: Viewer,
    *,
    name: str,
    shared: bool,
    params: Mapping[str, Sequence[str]],
    now: datetime,
    address: str | None,
) -> SavedView:
    """A new view of the person's own.

    Raises `AccountError` for a name that is empty, too long or not plain text, and `ViewError`
    for one that the person has given already, too many views, or parameters that are too long.
    """
    _require_reader(viewer)
    take_turns(connection)
    added = SavedView(
        id=new_id(),
        organization_id=viewer.organization_id or "",
        account_id=viewer.account_id,
        owner=viewer.email,
        name=plain_text("name", name, longest=LONGEST_VIEW_NAME),
        shared=shared,
        params=_storable(params),
        changed_at=now,
    )
    _require_free_name(connection, added)
    count = connection.execute(
        select(func.count()).select_from(saved_view).where(*_of_owner(added))
    ).scalar_one()
    if count >= MAX_VIEWS:
        raise ViewError(
            f"You have {count} views here, and {MAX_VIEWS} is the most.",
            "Delete one that you no longer need.",
        )
    connection.execute(
        saved_view.insert().values(
            id=added.id,
            organization_id=added.organization_id,
            account_id=added.account_id,
            **_changeable(added),
        )
    )
    _record(connection, "view.added", viewer, added, now=now, address=address)
    return added


def change_view(
    connection: Connection,
    viewer: Viewer,
    view_id: str,
    *,
    name: str | None = None,
    shared: bool | None = None,
    params: Mapping[str, Sequence[str]] | None = None,
    now: datetime,
    address: str | None,
) -> SavedView:
    """The view with what is given in place of what it was; `None` leaves it.

    Raises as `add_view` does, and `ViewError` for a view that the person cannot see or may not
    change.
    """
    take_turns(connection)
    before = _require_changeable(connection, viewer, view_id)
    after = replace(
        before,
        name=before.name if name is None else plain_text("name", name, longest=LONGEST_VIEW_NAME),
        shared=before.shared if shared is None else shared,
        params=before.params if params is None else _storable(params),
    )
    if after == before:
        return before
    after = replace(after, changed_at=now)
    _require_free_name(connection, after)
    connection.execute(
        saved_view.update().where(saved_view.c.id == after.id).values(**_changeable(after))
    )
    changes = {
        word: True
        for word, changed in (
            ("renamed", after.name != before.name),
            ("sharing_changed", after.shared != before.shared),
            ("overwritten", after.params != before.params),
        )
        if changed
    }
    _record(connection, "view.changed", viewer, after, now=now, address=address, **changes)
    return after


def delete_view(
    connection: Connection, viewer: Viewer, view_id: str, *, now: datetime, address: str | None
) -> SavedView:
    """Delete the view; as it was.

    Raises `ViewError` for a view that the person cannot see or may not delete.
    """
    found = _require_changeable(connection, viewer, view_id)
    connection.execute(saved_view.delete().where(saved_view.c.id == found.id))
    _record(connection, "view.deleted", viewer, found, now=now, address=address)
    return found


def default_view(connection: Connection, viewer: Viewer) -> str | None:
    """The id that the person opens by default in this organization; `None` without one.

    Whether there still is such a view is not known here.
    """
    name = _DEFAULT + (viewer.organization_id or "")
    return read_preference(connection, account_id=viewer.account_id, name=name) or None


def set_default_view(connection: Connection, viewer: Viewer, view_id: str | None) -> None:
    """Open this view by default from now on; `None`: none."""
    name = _DEFAULT + (viewer.organization_id or "")
    keep_preference(connection, account_id=viewer.account_id, name=name, value=view_id or "")


def _require_reader(viewer: Viewer) -> None:
    decision = decide(viewer.membership, Permission.READ)
    if isinstance(decision, Denied):
        raise ViewError(decision.reason, "Ask an admin of the organization for it.")


def _require_view(connection: Connection, viewer: Viewer, view_id: str) -> SavedView:
    found = find_view(connection, viewer, view_id)
    if found is None:
        raise ViewError(
            f"There is no view {view_id[:40]!a} that you can open.",
            "It was deleted, or is no longer shared; choose another one.",
        )
    return found


def _require_changeable(connection: Connection, viewer: Viewer, view_id: str) -> SavedView:
    found = _require_view(connection, viewer, view_id)
    if not may_change(viewer, found):
        raise ViewError(
            f"The view “{found.name}” belongs to {found.owner}; only they, and those who have "
            f"the permission {Permission.MANAGE.value}, may change it.",
            "Save a view of your own instead.",
        )
    return found


def _require_free_name(connection: Connection, changed: SavedView) -> None:
    """Raises `ViewError` when the owner has another view of that name, whatever its case."""
    names = connection.execute(
        select(saved_view.c.name).where(*_of_owner(changed), saved_view.c.id != changed.id)
    ).scalars()
    if changed.name.casefold() in (name.casefold() for name in names):
        raise ViewError(
            f"There is already a view “{changed.name}” of {changed.owner}.",
            "Choose another name, or overwrite that view.",
        )


def _storable(params: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found = {name: list(values) for name, values in params.items()}
    if (length := len(json.dumps(found))) > LONGEST_PARAMS:
        raise ViewError(
            f"The filter is {length:,} characters long; a view holds at most {LONGEST_PARAMS:,}.",
            "Ask for fewer values.",
        )
    return found


def _of_owner(view: SavedView) -> tuple[Any, ...]:
    return (
        saved_view.c.organization_id == view.organization_id,
        saved_view.c.account_id == view.account_id,
    )


def _seen_by(viewer: Viewer) -> Select[*tuple[Any, ...]]:
    return (
        select(saved_view, account.c.email.label("owner"))
        .join_from(saved_view, account)
        .where(
            saved_view.c.organization_id == viewer.organization_id,
            or_(saved_view.c.account_id == viewer.account_id, saved_view.c.shared),
        )
    )


def _view_of(row: Row[*tuple[Any, ...]]) -> SavedView:
    return SavedView(**row._mapping)


def _by_name(views: list[SavedView]) -> tuple[SavedView, ...]:
    # Sorted here and not by the database, whose collation depends on the engine.
    return tuple(sorted(views, key=lambda view: (view.name.casefold(), view.owner, view.id)))


def _changeable(view: SavedView) -> dict[str, Any]:
    return {
        "name": view.name,
        "shared": view.shared,
        "params": view.params,
        "changed_at": view.changed_at,
    }


def _record(
    connection: Connection,
    verb: str,
    viewer: Viewer,
    view: SavedView,
    *,
    now: datetime,
    address: str | None,
    **more: bool,
) -> None:
    # The parameters are left out: a value that someone looked for may itself be a secret.
    record(
        connection,
        at=now,
        verb=verb,
        actor=viewer.email,
        organization_id=view.organization_id,
        address=address,
        detail={"view": view.id, "name": view.name, "owner": view.owner, "shared": view.shared}
        | more,
    )
