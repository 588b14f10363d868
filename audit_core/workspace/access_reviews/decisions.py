"""Deciding about the lines of a review: attesting, and taking away by what the pages use too."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from audit_core.domain.access import Permission
from audit_core.domain.errors import AccountError
from audit_core.identity.administration import (
    Administrator,
    change_member,
    record_by,
    remove_member,
    revoke_organization_token,
)
from audit_core.identity.api_tokens import token_by_id
from audit_core.identity.invitations import pending_invitations, withdraw_invitation
from audit_core.identity.memberships import Member, find_member
from audit_core.state.operator_text import plain_text
from audit_core.state.review_tables import access_review_item
from audit_core.workspace.access_reviews.review import (
    LONGEST_NOTE,
    Decision,
    Line,
    Review,
    ReviewItem,
    SubjectKind,
)
from audit_core.workspace.access_reviews.store import list_items, require_open

MAX_DECIDED = 500
"""How many lines are decided at once: meanwhile nobody else changes anything in the state."""

WENT_ALONG = "Went with the membership."
"""The note of a grant whose member was removed by the same review."""

_FINAL = (Decision.REVOKED, Decision.GONE)
"""What is no longer there cannot be decided about again."""


def decide_items(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    review_id: str,
    shown: Collection[ReviewItem],
    decision: Decision,
    note: str,
) -> tuple[ReviewItem, ...]:
    """Decide about lines as they were shown, all of them or none; the lines as they are then.

    Revoking takes the access away, with all that goes with that. A line whose access is no longer
    there, or is another one than was frozen, becomes `Decision.GONE`; revoking somebody whose role
    has changed removes them all the same.

    Raises `AccountError` where `by` may not, for more than `MAX_DECIDED` lines, for a review that
    is signed off, without a note where something is taken away, for what a line cannot become, for
    a line that somebody has decided meanwhile, and where no admin would be left.
    """
    if len(shown) > MAX_DECIDED:
        raise AccountError(
            f"{len(shown):,} lines are selected; at most {MAX_DECIDED:,} are decided at once.",
            "Decide about one kind after the other, or select fewer.",
        )
    review = require_open(connection, by, organization_id, review_id)
    plain = _note(note, decision)
    present = {item.number: item for item in list_items(connection, review)}
    decided = []
    for item in sorted(shown, key=lambda one: (_is_own(one.line, by), one.number)):
        now = present.get(item.number)
        if now is None:
            raise AccountError("This line is not in the review.", "Reload the page.")
        _require_unchanged(item, now)
        _require_possible(now, decision)
        decided.append(_decide(connection, by, review, now, decision, plain))
    return tuple(decided)


def _is_own(line: Line, by: Administrator) -> bool:
    """Whether it is the membership of who decides: without it they may do nothing more."""
    return line.kind is SubjectKind.MEMBER and line.subject_id == by.account_id


def _note(note: str, decision: Decision) -> str:
    if decision is Decision.ATTESTED and not note.strip():
        return ""
    return plain_text("note", note, longest=LONGEST_NOTE)


def _require_unchanged(shown: ReviewItem, present: ReviewItem) -> None:
    if (shown.decision, shown.decided_at) != (present.decision, present.decided_at):
        raise AccountError(
            f"{present.decided_by} has decided about {present.line.subject} meanwhile.",
            "Look at the line again, and decide anew if you still want to.",
        )


def _require_possible(item: ReviewItem, decision: Decision) -> None:
    if item.decision in _FINAL:
        raise AccountError(
            f"{item.line.subject} is no longer there, so nothing can be decided about it.",
            "Leave this line as it is.",
        )
    of_platform = item.line.kind is SubjectKind.KEY
    if of_platform and decision is Decision.REVOKED:
        raise AccountError(
            f"The API key {item.line.subject} is one of the platform, which alone can revoke it.",
            "Revoke it there, and say so by “To be revoked on the platform”.",
        )
    if decision is Decision.REPORTED and not of_platform:
        raise AccountError(
            f"{item.line.subject} is no API key of the platform.", "Attest or revoke it."
        )


def _decide(
    connection: Connection,
    by: Administrator,
    review: Review,
    item: ReviewItem,
    decision: Decision,
    note: str,
) -> ReviewItem:
    line = item.line
    if decision is Decision.REVOKED:
        if not _revoke(connection, by, review.organization_id, line):
            decision = Decision.GONE
    elif not _is_there(connection, review.organization_id, line, by.now):
        decision = Decision.GONE
    _keep(connection, by, review, item, decision, note)
    if decision is Decision.REVOKED and line.kind is SubjectKind.MEMBER:
        for other in list_items(connection, review, subject_id=line.subject_id):
            if other.line.kind is SubjectKind.GRANT and other.decision not in _FINAL:
                _keep(connection, by, review, other, Decision.GONE, WENT_ALONG)
    return ReviewItem(
        number=item.number,
        line=line,
        decision=decision,
        note=note,
        decided_by=by.actor,
        decided_at=by.now,
    )


def _keep(
    connection: Connection,
    by: Administrator,
    review: Review,
    item: ReviewItem,
    decision: Decision,
    note: str,
) -> None:
    """Write a decision down, and put it on record."""
    column = access_review_item.c
    connection.execute(
        access_review_item.update()
        .where(column.review_id == review.id, column.number == item.number)
        .values(decision=decision.value, note=note, decided_by=by.actor, decided_at=by.now)
    )
    record_by(
        connection,
        by,
        "access_review.decided",
        organization_id=review.organization_id,
        detail={
            "review": review.id,
            "period": review.period,
            "line": item.number,
            "kind": item.line.kind.value,
            "subject": item.line.subject,
            "before": None if item.decision is None else item.decision.value,
            "decision": decision.value,
            "note": note,
        },
    )


def _is_there(connection: Connection, organization_id: str, line: Line, now: datetime) -> bool:
    """Whether the access is still what was frozen."""
    if line.kind is SubjectKind.KEY:
        return True  # Only the platform knows.
    if line.kind is SubjectKind.TOKEN:
        token = token_by_id(connection, line.subject_id or "", organization_id=organization_id)
        return token is not None and token.is_valid(now)
    if line.kind is SubjectKind.INVITATION:
        links = pending_invitations(connection, organization_id, now)
        return any(link.id == line.subject_id for link in links)
    member = _member(connection, organization_id, line, now)
    if member is None:
        return False
    if line.kind is SubjectKind.MEMBER:
        return member.role.value == str(line.frozen["role"])
    return Permission(line.frozen["permission"]) in member.grants


def _revoke(connection: Connection, by: Administrator, organization_id: str, line: Line) -> bool:
    """Take the access away; False if it was no longer there."""
    if line.kind is SubjectKind.MEMBER:
        if _member(connection, organization_id, line, by.now) is None:
            return False
        remove_member(
            connection, by, organization_id=organization_id, account_id=line.subject_id or ""
        )
        return True
    if not _is_there(connection, organization_id, line, by.now):
        return False
    if line.kind is SubjectKind.TOKEN:
        revoke_organization_token(
            connection, by, organization_id=organization_id, token_id=line.subject_id or ""
        )
    elif line.kind is SubjectKind.INVITATION:
        withdraw_invitation(
            connection, by, organization_id=organization_id, link_id=line.subject_id or ""
        )
    else:
        _withdraw_grant(connection, by, organization_id, line)
    return True


def _withdraw_grant(
    connection: Connection, by: Administrator, organization_id: str, line: Line
) -> None:
    member = _member(connection, organization_id, line, by.now)
    assert member is not None  # noqa: S101 - it was there in this transaction
    withdrawn = Permission(line.frozen["permission"])
    change_member(
        connection,
        by,
        organization_id=organization_id,
        account_id=member.account_id,
        role=member.role,
        grants={name: end for name, end in member.grants.items() if name is not withdrawn},
    )


def _member(
    connection: Connection, organization_id: str, line: Line, now: datetime
) -> Member | None:
    return find_member(
        connection, account_id=line.subject_id or "", organization_id=organization_id, now=now
    )
