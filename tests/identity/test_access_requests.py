"""Who may ask for access, who may answer, and what an answer changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit_core.domain.access import Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.access_requests import (
    ASK_AGAIN_AFTER,
    LONGEST_REASON,
    answer_request,
    ask_for_access,
    open_requests,
    request_of,
)
from audit_core.identity.administration import change_member, disable_member, remove_member
from audit_core.identity.memberships import set_membership
from audit_core.state.database import State
from tests.support.ada import NOW
from tests.support.house import A, B, House

READ, EXPORT = Permission.READ, Permission.EXPORT


@pytest.fixture
def house(state: State) -> House:
    return House(state)


def ask(
    house: House,
    who: str = "mem",
    permission: Permission = READ,
    reason: str = "The outage of Monday",
    after: timedelta = timedelta(0),
) -> None:
    viewer = house.viewer(house.sign_in(who))
    assert viewer is not None
    with house.state.begin() as connection:
        ask_for_access(
            connection,
            viewer,
            permission=permission,
            reason=reason,
            address="192.0.2.9",
            now=NOW + after,
        )


def answer(house: House, by: str = "boss", *, granted: bool, **given: object) -> None:
    with house.state.begin() as connection:
        answer_request(
            connection,
            house.by(by),
            **{  # type: ignore[arg-type]
                "organization_id": A,
                "account_id": house.ids["mem"],
                "permission": READ,
                "granted": granted,
                **given,
            },
        )


def waiting(house: House, organization_id: str = A) -> list[tuple[str, Permission, str]]:
    with house.state.read() as connection:
        found = open_requests(connection, organization_id)
    return [(one.email, one.permission, one.reason) for one in found]


def test_a_granted_request_adds_the_permission_and_keeps_the_others(house: House) -> None:
    house.do(change_member, "boss", "mem", role=Role.MEMBER, grants={EXPORT: None})
    ask(house)
    assert waiting(house) == [("mem@example.com", READ, "The outage of Monday")]
    assert waiting(house, B) == []
    end = NOW + timedelta(days=2)
    answer(house, granted=True, ends_at=end)
    member = house.member("mem")
    assert member is not None
    assert member.grants == {READ: end, EXPORT: None}
    assert waiting(house) == []
    verbs = ["access_request.added", "membership.set", "access_request.granted"]
    assert [event.verb for event in house.events()][1:] == verbs
    assert {event.organization_id for event in house.events()} == {A}
    with pytest.raises(AccountError, match="answered already"):
        answer(house, granted=False)


def test_a_declined_request_changes_nothing_and_may_be_repeated_after_a_day(house: House) -> None:
    ask(house)
    with pytest.raises(AccountError, match="asked for read:audit_logs already"):
        ask(house)
    answer(house, granted=False)
    member = house.member("mem")
    assert member is not None
    assert member.grants == {}
    with pytest.raises(AccountError, match="declined less than a day ago"):
        ask(house, after=ASK_AGAIN_AFTER - timedelta(seconds=1))
    ask(house, after=ASK_AGAIN_AFTER)
    with house.state.read() as connection:
        known = request_of(
            connection, account_id=house.ids["mem"], organization_id=A, permission=READ
        )
    assert known is not None
    assert known.answered_at is None


@pytest.mark.parametrize(
    ("who", "permission", "reason", "told"),
    [
        ("mem", READ, "  ", "reason is empty"),
        ("mem", READ, "x" * (LONGEST_REASON + 1), "characters"),
        ("mem", Permission.MANAGE, "please", "cannot be asked for"),
        ("aud", READ, "please", "already"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_a_sentence(
    house: House, who: str, permission: Permission, reason: str, told: str
) -> None:
    with pytest.raises(AccountError, match=told):
        ask(house, who, permission, reason)
    assert waiting(house) == []


@pytest.mark.parametrize("who", ["aud", "mem", "other"])
def test_who_does_not_manage_access_there_answers_nothing(house: House, who: str) -> None:
    ask(house)
    for granted in (True, False):
        with pytest.raises(AccountError, match="You may not change"):
            answer(house, who, granted=granted)
    assert len(waiting(house)) == 1
    with pytest.raises(AccountError, match="answered already"):
        answer(house, "other", granted=True, organization_id=B)


def test_an_end_that_is_past_leaves_the_request_open(house: House) -> None:
    ask(house)
    with pytest.raises(AccountError, match="is past"):
        answer(house, granted=True, ends_at=NOW)
    assert len(waiting(house)) == 1


@pytest.mark.parametrize("deed", [disable_member, remove_member])
def test_who_is_gone_waits_for_nothing(house: House, deed: object) -> None:
    ask(house)
    house.do(deed, "boss", "mem")  # type: ignore[arg-type]
    assert waiting(house) == []


def test_who_comes_back_has_asked_for_nothing(house: House) -> None:
    ask(house)
    house.do(remove_member, "boss", "mem")
    with house.state.begin() as connection:
        set_membership(connection, account_id=house.ids["mem"], organization_id=A, role=Role.MEMBER)
    assert waiting(house) == []
    ask(house)
