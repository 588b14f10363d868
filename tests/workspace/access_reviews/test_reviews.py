"""An access review from its start to its end: what is frozen, decided, revoked and signed off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit_core.domain.access import Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import set_membership
from audit_core.identity.administration import Administrator, change_member, remove_member
from audit_core.identity.api_tokens import list_tokens
from audit_core.identity.invitations import invite, pending_invitations
from audit_core.identity.memberships import find_member
from audit_core.state.review_tables import access_review_item
from audit_core.workspace.access_reviews import decisions
from audit_core.workspace.access_reviews.decisions import WENT_ALONG, decide_items
from audit_core.workspace.access_reviews.lines import Usage, Use, UsedKey
from audit_core.workspace.access_reviews.review import (
    Decision,
    Review,
    ReviewItem,
    SubjectKind,
    digest_of,
)
from audit_core.workspace.access_reviews.store import (
    discard_review,
    find_review,
    list_items,
    list_reviews,
    sign_off,
    start_review,
)
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded

ADMIN, BOTH, MEMBER = "admin@example.org", "both@example.org", "member@example.org"
AT = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
USAGE = Usage(
    deeds={
        ADMIN: {"token.added": Use(2, AT), "ingest": Use(5, AT)},
        MEMBER: {"export.finished": Use(3, AT), "sign_in.accepted": Use(4, AT)},
    },
    entries={MEMBER: Use(7, AT + timedelta(hours=1))},
    keys=[UsedKey(api_key="dtn_ab…9f", actor="x@example.org", use=Use(9, AT), failed=1)],
    head=42,
)


class Reviewing:
    """The reviews of one product, and what people do to them."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded

    def by(self, email: str = ADMIN) -> Administrator:
        return Administrator(
            actor=email,
            account_id=self.seeded.ids[email],
            address="127.0.0.1",
            now=self.seeded.clock(),
        )

    def start(self, email: str = ADMIN, organization_id: str = ALPHA) -> Review:
        with self.seeded.installation.state.begin() as connection:
            review_id = start_review(
                connection,
                self.by(email),
                organization_id=organization_id,
                period="2026 Q1",
                since=AT,
                until=AT + timedelta(days=90),
                zone="UTC",
                usage=USAGE,
            )
        return self.review(review_id)

    def review(self, review_id: str) -> Review:
        with self.seeded.installation.state.read() as connection:
            review = find_review(connection, ALPHA, review_id)
        assert review is not None
        return review

    def items(self, review: Review) -> tuple[ReviewItem, ...]:
        with self.seeded.installation.state.read() as connection:
            return list_items(connection, review)

    def item(self, review: Review, kind: SubjectKind, subject: str = "") -> ReviewItem:
        found = [
            one
            for one in self.items(review)
            if one.line.kind is kind and subject in one.line.subject
        ]
        assert len(found) == 1, found
        return found[0]

    def decide(
        self,
        review: Review,
        shown: tuple[ReviewItem, ...],
        decision: Decision = Decision.ATTESTED,
        note: str = "",
        email: str = ADMIN,
    ) -> tuple[ReviewItem, ...]:
        with self.seeded.installation.state.begin() as connection:
            return decide_items(
                connection,
                self.by(email),
                organization_id=review.organization_id,
                review_id=review.id,
                shown=shown,
                decision=decision,
                note=note,
            )

    def sign(self, review: Review, email: str = ADMIN) -> Review:
        with self.seeded.installation.state.begin() as connection:
            return sign_off(connection, self.by(email), organization_id=ALPHA, review_id=review.id)


@pytest.fixture
def reviewing(tmp_path: Path) -> Iterator[Reviewing]:
    seeded = open_seeded(tmp_path)
    reviewing = Reviewing(seeded)
    seeded.token(ALPHA, "write:audit_logs")
    seeded.token(BETA, "write:audit_logs")
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids[MEMBER],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.EXPORT: None, Permission.READ: None},
        )
        invite(
            connection,
            reviewing.by(),
            organization_id=ALPHA,
            email="new@example.org",
            role=Role.AUDITOR,
        )
    yield reviewing
    seeded.installation.close()


def test_it_freezes_who_has_access_and_what_was_used(reviewing: Reviewing) -> None:
    review = reviewing.start()
    items = reviewing.items(review)
    assert [item.number for item in items] == [*range(1, len(items) + 1)]
    assert (review.items, review.open_items, review.head) == (len(items), len(items), 42)
    kinds = [item.line.kind for item in items]
    assert kinds == sorted(kinds, key=list(SubjectKind).index)
    assert kinds.count(SubjectKind.TOKEN) == 1  # the other organization's is none of its business
    admin = reviewing.item(review, SubjectKind.MEMBER, ADMIN).line
    assert (admin.frozen["role"], admin.frozen["deeds"], admin.uses) == ("admin", 7, 7)
    assert admin.frozen["deedsAsAdmin"] == 2
    member = reviewing.item(review, SubjectKind.MEMBER, MEMBER).line
    assert (member.frozen["deeds"], member.frozen["entries"], member.uses) == (7, 7, 14)
    assert member.last_used_at == AT + timedelta(hours=1)
    used = {
        item.line.frozen["permission"]: item.line.uses
        for item in items
        if item.line.kind is SubjectKind.GRANT
    }
    assert used == {"export:audit_logs": 3, "read:audit_logs": None}
    with reviewing.seeded.installation.state.begin() as connection:
        change_member(
            connection,
            reviewing.by(),
            organization_id=ALPHA,
            account_id=reviewing.seeded.ids[MEMBER],
            role=Role.ADMIN,
        )
    assert reviewing.items(review) == items
    (event,) = reviewing.seeded.events("access_review.started")
    assert (event.organization_id, event.target) == (ALPHA, "2026 Q1")


def test_only_an_admin_of_the_organization_reviews_it(reviewing: Reviewing) -> None:
    for email, organization_id in (
        ("auditor@example.org", ALPHA),
        (MEMBER, ALPHA),
        (ADMIN, BETA),
        (BOTH, BETA),
    ):
        with pytest.raises(AccountError, match="may not change who has access"):
            reviewing.start(email, organization_id)
    review = reviewing.start()
    with pytest.raises(AccountError, match="may not change who has access"):
        reviewing.decide(review, reviewing.items(review), email=MEMBER)
    with reviewing.seeded.installation.state.read() as connection:
        assert find_review(connection, BETA, review.id) is None
        assert list_reviews(connection, BETA) == ()


def test_only_one_review_is_open_at_a_time(reviewing: Reviewing) -> None:
    review = reviewing.start()
    with pytest.raises(AccountError, match="open already"):
        reviewing.start(BOTH)
    with reviewing.seeded.installation.state.begin() as connection:
        discard_review(connection, reviewing.by(), organization_id=ALPHA, review_id=review.id)
    again = reviewing.start(BOTH)
    assert again.id != review.id
    (event,) = reviewing.seeded.events("access_review.discarded")
    assert event.detail["review"] == review.id


def test_revoking_does_it_with_all_that_goes_with_it(reviewing: Reviewing) -> None:
    review, seeded = reviewing.start(), reviewing.seeded
    grant = next(
        item
        for item in reviewing.items(review)
        if item.line.frozen.get("permission") == "export:audit_logs"
    )
    token = reviewing.item(review, SubjectKind.TOKEN)
    invitation = reviewing.item(review, SubjectKind.INVITATION)
    with pytest.raises(AccountError, match="note is empty"):
        reviewing.decide(review, (grant,), Decision.REVOKED)
    reviewing.decide(review, (grant, token, invitation), Decision.REVOKED, "not needed")
    with seeded.installation.state.read() as connection:
        member = find_member(
            connection, account_id=seeded.ids[MEMBER], organization_id=ALPHA, now=seeded.clock()
        )
        assert member is not None
        assert set(member.grants) == {Permission.READ}
        (kept,) = list_tokens(connection, organization_id=ALPHA)
        assert not kept.is_valid(seeded.clock())
        assert pending_invitations(connection, ALPHA, seeded.clock()) == ()
    assert len(seeded.events("token.revoked")) == 1
    assert len(seeded.events("invitation.withdrawn")) == 1
    person = reviewing.item(review, SubjectKind.MEMBER, MEMBER)
    reviewing.decide(review, (person,), Decision.REVOKED, "left the team")
    (ended,) = seeded.events("membership.ended")
    assert ended.detail["email"] == MEMBER
    decided = {
        item.line.frozen["permission"]: (item.decision, item.note)
        for item in reviewing.items(review)
        if item.line.kind is SubjectKind.GRANT
    }
    assert decided == {
        "export:audit_logs": (Decision.REVOKED, "not needed"),
        "read:audit_logs": (Decision.GONE, WENT_ALONG),
    }
    events = seeded.events("access_review.decided")
    assert {event.detail["decision"] for event in events} == {"revoked", "gone"}


def test_what_cannot_be_revoked_undoes_all_of_it(reviewing: Reviewing) -> None:
    review = reviewing.start()
    admins = tuple(
        item
        for item in reviewing.items(review)
        if item.line.frozen.get("role") == "admin" and item.line.kind is SubjectKind.MEMBER
    )
    assert len(admins) > 1
    with pytest.raises(AccountError, match="without an admin"):
        reviewing.decide(review, admins, Decision.REVOKED, "all of them")
    assert reviewing.review(review.id).open_items == review.items
    assert reviewing.seeded.events("membership.ended") == []
    assert reviewing.seeded.events("access_review.decided") == []


def test_who_left_or_changed_meanwhile_is_no_longer_there(reviewing: Reviewing) -> None:
    review, seeded = reviewing.start(), reviewing.seeded
    with seeded.installation.state.begin() as connection:
        remove_member(
            connection, reviewing.by(), organization_id=ALPHA, account_id=seeded.ids[MEMBER]
        )
        change_member(
            connection,
            reviewing.by(),
            organization_id=ALPHA,
            account_id=seeded.ids["auditor@example.org"],
            role=Role.MEMBER,
        )
    left = reviewing.item(review, SubjectKind.MEMBER, MEMBER)
    changed = reviewing.item(review, SubjectKind.MEMBER, "auditor")
    found = reviewing.decide(review, (left, changed))
    assert [item.decision for item in found] == [Decision.GONE, Decision.GONE]
    now = reviewing.item(review, SubjectKind.MEMBER, MEMBER)
    with pytest.raises(AccountError, match="no longer there"):
        reviewing.decide(review, (now,), Decision.REVOKED, "again")


def test_of_two_admins_the_second_sees_that_the_first_decided(reviewing: Reviewing) -> None:
    review = reviewing.start()
    shown = reviewing.item(review, SubjectKind.TOKEN)
    reviewing.decide(review, (shown,))
    with pytest.raises(AccountError, match=f"{ADMIN} has decided about collector"):
        reviewing.decide(review, (shown,), Decision.REVOKED, "unused", email=BOTH)
    # Having looked again, somebody may still change it.
    reviewing.seeded.clock.pass_by(seconds=1)
    again = reviewing.item(review, SubjectKind.TOKEN)
    reviewing.decide(review, (again,), Decision.REVOKED, "unused", email=BOTH)
    assert reviewing.item(review, SubjectKind.TOKEN).decided_by == BOTH


def test_only_so_many_lines_are_decided_at_once(
    reviewing: Reviewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = reviewing.start()
    monkeypatch.setattr(decisions, "MAX_DECIDED", 2)
    items = reviewing.items(review)
    with pytest.raises(AccountError, match=f"{len(items)} lines are selected; at most 2"):
        reviewing.decide(review, items)
    assert len(reviewing.decide(review, items[:2])) == 2


def test_a_key_of_the_platform_can_only_be_reported(reviewing: Reviewing) -> None:
    review = reviewing.start()
    key, token = (reviewing.item(review, kind) for kind in (SubjectKind.KEY, SubjectKind.TOKEN))
    with pytest.raises(AccountError, match="platform, which alone can revoke"):
        reviewing.decide(review, (key,), Decision.REVOKED, "leaked")
    with pytest.raises(AccountError, match="no API key of the platform"):
        reviewing.decide(review, (token,), Decision.REPORTED, "leaked")
    (reported,) = reviewing.decide(review, (key,), Decision.REPORTED, "leaked")
    assert reported.decision is Decision.REPORTED


def test_it_is_signed_off_when_all_is_decided_and_never_changes_again(
    reviewing: Reviewing,
) -> None:
    review, seeded = reviewing.start(), reviewing.seeded
    first, *rest = reviewing.items(review)
    reviewing.decide(review, (first,))
    with pytest.raises(AccountError, match=f"{len(rest)} of {review.items} lines are still open"):
        reviewing.sign(review)
    reviewing.decide(review, tuple(rest))
    signed = reviewing.sign(review, BOTH)
    assert reviewing.review(review.id).sha256 == signed.sha256
    items = reviewing.items(review)
    assert digest_of(reviewing.review(review.id), items) == signed.sha256
    assert next(item for item in items if item.line.subject == ADMIN).decided_by_subject
    (event,) = seeded.events("access_review.signed")
    assert event.detail["sha256"] == signed.sha256
    assert (event.actor, event.detail["attested"]) == (BOTH, review.items)
    for change in (
        lambda: reviewing.decide(review, items),
        lambda: reviewing.sign(review),
        lambda: _discard(reviewing, review),
    ):
        with pytest.raises(AccountError, match=f"signed off by {BOTH}"):
            change()
    with seeded.installation.state.begin() as connection:
        connection.execute(access_review_item.update().values(note="forged"))
    assert digest_of(signed, reviewing.items(review)) != signed.sha256
    reviewing.start()  # the next one may begin


def _discard(reviewing: Reviewing, review: Review) -> None:
    with reviewing.seeded.installation.state.begin() as connection:
        discard_review(connection, reviewing.by(), organization_id=ALPHA, review_id=review.id)
