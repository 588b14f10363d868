"""Reviews in the state: begun, read, signed off, discarded.

Each function that changes something runs in the caller's write transaction, which must be undone
when it raises, and looks first whether who asks may still do it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from audit_core.domain.errors import AccountError
from audit_core.identity.administration import Administrator, record_by, require_admin
from audit_core.identity.api_tokens import list_tokens
from audit_core.identity.invitations import pending_invitations
from audit_core.identity.memberships import members
from audit_core.state.review_tables import access_review, access_review_item
from audit_core.state.secrets import new_id
from audit_core.workspace.access_reviews.lines import Usage, lines_of
from audit_core.workspace.access_reviews.review import (
    MAX_ITEMS,
    Decision,
    Line,
    Review,
    ReviewItem,
    SubjectKind,
    digest_of,
)

MAX_LISTED = 200
"""How many reviews are listed."""

_R, _I = access_review.c, access_review_item.c


def start_review(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    period: str,
    since: datetime,
    until: datetime,
    zone: str,
    usage: Usage,
) -> str:
    """Freeze who has access now, with what was used in a period; the id of the review.

    Raises `AccountError` where `by` may not, while another review is open, and for more than
    `MAX_ITEMS` lines.
    """
    require_admin(connection, by, organization_id)
    if any(not review.signed for review in list_reviews(connection, organization_id)):
        raise AccountError(
            "A review of this organization is open already.",
            "Sign it off or discard it, and begin another one then.",
        )
    lines = _frozen(connection, by, organization_id, usage)
    review_id = new_id()
    connection.execute(
        access_review.insert().values(
            id=review_id,
            organization_id=organization_id,
            period=period,
            since=since,
            until=until,
            zone=zone,
            head=usage.head,
            keys_left_out=usage.keys_left_out,
            started_by=by.actor,
            started_at=by.now,
        )
    )
    connection.execute(
        access_review_item.insert(),
        [_row(review_id, number, line) for number, line in enumerate(lines, start=1)],
    )
    detail = {"review": review_id, "period": period, "lines": len(lines)}
    record_by(
        connection, by, "access_review.started", organization_id=organization_id, detail=detail
    )
    return review_id


def _frozen(
    connection: Connection, by: Administrator, organization_id: str, usage: Usage
) -> list[Line]:
    """The lines of who has access now. Raises `AccountError` for too many."""
    tokens = list_tokens(connection, organization_id=organization_id)
    lines = lines_of(
        members(connection, organization_id, by.now),
        [token for token in tokens if token.is_valid(by.now)],
        pending_invitations(connection, organization_id, by.now),
        usage,
    )
    if len(lines) > MAX_ITEMS:
        raise AccountError(
            f"There are {len(lines):,} accesses; a review holds at most {MAX_ITEMS:,}.",
            "Remove what nobody needs on Admin → Access first.",
        )
    return lines


def sign_off(
    connection: Connection, by: Administrator, *, organization_id: str, review_id: str
) -> Review:
    """Let nothing of a review be changed any more; what it was signed as is on record.

    Raises `AccountError` where `by` may not, for a review that is not there or signed off, and
    while lines are open.
    """
    review = require_open(connection, by, organization_id, review_id)
    if review.open_items:
        raise AccountError(
            f"{review.open_items:,} of {review.items:,} lines are still open.",
            "Attest or revoke each of them, and sign off then.",
        )
    digest = digest_of(review, list_items(connection, review))
    signed = replace(review, signed_by=by.actor, signed_at=by.now, sha256=digest)
    connection.execute(
        access_review.update()
        .where(_R.id == review.id, _R.signed_at.is_(None))
        .values(signed_by=signed.signed_by, signed_at=signed.signed_at, sha256=digest)
    )
    detail = {
        "review": review.id,
        "period": review.period,
        "lines": review.items,
        "sha256": digest,
        **_counts(connection, review),
    }
    record_by(
        connection, by, "access_review.signed", organization_id=organization_id, detail=detail
    )
    return signed


def discard_review(
    connection: Connection, by: Administrator, *, organization_id: str, review_id: str
) -> None:
    """Drop a review that is not signed off; what was revoked stays revoked. Raises as `sign_off`
    does, but not for open lines."""
    review = require_open(connection, by, organization_id, review_id)
    connection.execute(access_review_item.delete().where(_I.review_id == review.id))
    connection.execute(access_review.delete().where(_R.id == review.id))
    detail = {"review": review.id, "period": review.period, "lines": review.items}
    detail |= _counts(connection, review)
    record_by(
        connection, by, "access_review.discarded", organization_id=organization_id, detail=detail
    )


def require_open(
    connection: Connection, by: Administrator, organization_id: str, review_id: str
) -> Review:
    """A review that may still be changed, once whoever changes one now is done.

    Raises `AccountError`, alike for a review that is not there and one of another organization.
    """
    require_admin(connection, by, organization_id)
    review = find_review(connection, organization_id, review_id)
    if review is None:
        raise AccountError("There is no such review.", "Go back to the list of reviews.")
    if review.signed:
        raise AccountError(
            f"The review of {review.period} was signed off by {review.signed_by}.",
            "It cannot be changed any more. Begin another one.",
        )
    return review


def list_reviews(connection: Connection, organization_id: str) -> tuple[Review, ...]:
    """The reviews of an organization, newest first; at most `MAX_LISTED`."""
    statement = (
        _REVIEWS.where(_R.organization_id == organization_id)
        .order_by(_R.started_at.desc(), _R.id)
        .limit(MAX_LISTED)
    )
    return tuple(_review_of(row) for row in connection.execute(statement))


def find_review(connection: Connection, organization_id: str, review_id: str) -> Review | None:
    """One of an organization's reviews; `None` for any other id."""
    statement = _REVIEWS.where(_R.organization_id == organization_id, _R.id == review_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _review_of(row)


def list_items(
    connection: Connection, review: Review, *, subject_id: str | None = None
) -> tuple[ReviewItem, ...]:
    """The lines of a review, in their order; `subject_id`: those of one account, token or link."""
    statement = select(access_review_item).where(_I.review_id == review.id).order_by(_I.number)
    if subject_id is not None:
        statement = statement.where(_I.subject_id == subject_id)
    return tuple(_item_of(row) for row in connection.execute(statement))


def _counts(connection: Connection, review: Review) -> dict[str, int]:
    statement = (
        select(_I.decision, func.count().label("lines"))
        .where(_I.review_id == review.id, _I.decision.is_not(None))
        .group_by(_I.decision)
    )
    return {row.decision: row.lines for row in connection.execute(statement)}


_OPEN = (
    select(func.count())
    .where(_I.review_id == _R.id, _I.decision.is_(None))
    .scalar_subquery()
    .label("open_items")
)
_ALL = select(func.count()).where(_I.review_id == _R.id).scalar_subquery().label("items")
_REVIEWS = select(access_review, _ALL, _OPEN)


def _review_of(row: Row[*tuple[Any, ...]]) -> Review:
    return Review(**row._mapping)


def _row(review_id: str, number: int, line: Line) -> dict[str, Any]:
    return {
        "review_id": review_id,
        "number": number,
        "kind": line.kind.value,
        "subject": line.subject,
        "subject_id": line.subject_id,
        "frozen": dict(line.frozen),
        "uses": line.uses,
        "last_used_at": line.last_used_at,
        "note": "",
    }


def _item_of(row: Row[*tuple[Any, ...]]) -> ReviewItem:
    return ReviewItem(
        number=row.number,
        line=Line(
            kind=SubjectKind(row.kind),
            subject=row.subject,
            subject_id=row.subject_id,
            frozen=row.frozen,
            uses=row.uses,
            last_used_at=row.last_used_at,
        ),
        decision=None if row.decision is None else Decision(row.decision),
        note=row.note,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
