"""Invitations and links for new passwords: what they open, once, and for whom they do not."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from audit_core.domain.access import Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import (
    Account,
    add_account,
    find_account,
    set_disabled,
    set_membership,
    set_operator,
)
from audit_core.identity.administration import change_member, disable_member, remove_member
from audit_core.identity.backoff import unlock_address
from audit_core.identity.invitations import (
    INVITATION_LIFETIME,
    accept_with_new_account,
    accept_with_own_account,
    invite,
    pending_invitations,
    withdraw_invitation,
)
from audit_core.identity.login import check_password
from audit_core.identity.password_links import (
    PASSWORD_LINK_LIFETIME,
    make_password_link,
    set_password_by_link,
)
from audit_core.state.database import State
from tests.support.ada import NOW, PASSWORD
from tests.support.house import A, B, House

NEW = "new@example.com"
NEW_PASSWORD = "velvet otter ladder sunrise"
ADDRESS = "192.0.2.66"


@pytest.fixture
def house(state: State) -> House:
    return House(state)


def invited(house: House, email: str = NEW, by: str = "boss", **given: object) -> str:
    with house.state.begin() as connection:
        _, code = invite(
            connection,
            house.by(by),
            **{"organization_id": A, "email": email, "role": Role.AUDITOR, **given},  # type: ignore[arg-type]
        )
    return code


def join(house: House, code: str, now: datetime = NOW, name: str = "New") -> Account | None:
    return accept_with_new_account(
        house.state,
        code=code,
        name=name,
        password=NEW_PASSWORD,
        address=ADDRESS,
        now=now,
        cost=4,
    )


def join_own(house: House, code: str, email: str, password: str = PASSWORD) -> Account | None:
    return accept_with_own_account(
        house.state,
        code=code,
        email=email,
        password=password,
        address=ADDRESS,
        now=NOW,
        cost=4,
    )


def signs_in(house: House, email: str, password: str) -> bool:
    found = check_password(
        house.state, email=email, password=password, address=None, now=NOW, cost=4
    )
    return found is not None


def joined(house: House, email: str) -> dict[str, Role]:
    with house.state.read() as connection:
        found = find_account(connection, email)
    house.ids["asked"] = found.id if found else "none"
    viewer = house.viewer(house.sign_in("asked")) if found else None
    return {one.organization_id: one.role for one in viewer.memberships} if viewer else {}


def test_an_invited_stranger_gets_an_account_with_what_the_invitation_says(house: House) -> None:
    end = NOW + timedelta(days=9)
    code = invited(
        house,
        " NEW@Example.com",
        grants={Permission.REVEAL: None, Permission.INGEST: end},
    )
    account = join(house, code)
    assert account is not None
    assert (account.email, account.name) == (NEW, "New")
    assert signs_in(house, NEW, NEW_PASSWORD)
    assert joined(house, NEW) == {A: Role.AUDITOR}
    house.ids["new"] = account.id
    member = house.member("new")
    assert member is not None
    assert member.grants == {Permission.REVEAL: None, Permission.INGEST: end}
    told = {event.verb: event for event in house.events()}
    assert (told["invitation.added"].actor, told["invitation.added"].organization_id) == (
        "boss@example.com",
        A,
    )
    accepted = told["invitation.accepted"]
    assert (accepted.actor, accepted.organization_id, accepted.address) == (NEW, A, ADDRESS)
    assert accepted.detail["invited_by"] == "boss@example.com"
    assert code not in repr(house.events())
    with house.state.read() as connection:
        assert pending_invitations(connection, A, NOW) == ()


def test_a_code_works_once_and_until_it_expires(house: House) -> None:
    code, late = invited(house), invited(house, "late@example.com")
    assert join(house, code, NOW + INVITATION_LIFETIME - timedelta(seconds=1)) is not None
    assert join(house, late, NOW + INVITATION_LIFETIME) is None
    assert join(house, code) is None
    assert join_own(house, code, NEW, NEW_PASSWORD) is None


def test_of_two_who_use_a_code_at_once_one_joins(house: House) -> None:
    code, ready = invited(house), threading.Barrier(2)
    found: list[Account | None] = []

    def use(name: str) -> None:
        ready.wait()
        found.append(join(house, code, name=name))

    threads = [threading.Thread(target=use, args=(name,)) for name in ("First", "Second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(account is not None for account in found) == [False, True]


def test_a_bad_name_or_password_leaves_the_invitation_as_it_was(house: House) -> None:
    code = invited(house)
    for name, password in (("", NEW_PASSWORD), ("New", "short"), ("New", "password1234")):
        with pytest.raises(AccountError):
            accept_with_new_account(
                house.state, code=code, name=name, password=password, address=ADDRESS, now=NOW
            )
    assert join(house, code) is not None


def test_an_account_that_exists_keeps_its_password_and_joins_by_it_alone(house: House) -> None:
    code = invited(house, "other@example.com")
    assert join(house, code) is None, "a link took over an account"
    assert signs_in(house, "other@example.com", PASSWORD)
    assert joined(house, "other@example.com") == {B: Role.ADMIN}
    assert join_own(house, code, "other@example.com", "wrong") is None
    assert join_own(house, code, "mem@example.com") is None, "somebody else took the invitation"
    assert joined(house, "mem@example.com") == {A: Role.MEMBER}
    assert join_own(house, code, "other@example.com") is not None
    assert joined(house, "other@example.com") == {A: Role.AUDITOR, B: Role.ADMIN}
    assert join_own(house, code, "other@example.com") is None


def test_who_is_barred_elsewhere_may_join_and_whom_the_operator_barred_may_not(
    house: House,
) -> None:
    code = invited(house, "aud2@example.com")
    with house.state.begin() as connection:
        added = add_account(
            connection,
            email="aud2@example.com",
            name="Aud",
            password=PASSWORD,
            now=NOW,
            cost=4,
        )
        set_membership(connection, account_id=added.id, organization_id=B, role=Role.AUDITOR)
        house.ids["aud2"] = added.id
        disable_member(connection, house.by("other"), organization_id=B, account_id=added.id)
        set_disabled(connection, account_id=added.id, disabled=True)
    assert join_own(house, code, "aud2@example.com") is None
    with house.state.begin() as connection:
        set_disabled(connection, account_id=added.id, disabled=False)
    assert join_own(house, code, "aud2@example.com") is not None
    assert joined(house, "aud2@example.com") == {A: Role.AUDITOR}


@pytest.mark.parametrize("who", ["aud", "mem", "other"])
def test_who_does_not_manage_access_there_invites_nobody(house: House, who: str) -> None:
    with pytest.raises(AccountError, match="You may not change"):
        invited(house, by=who)
    assert house.events() == []


def test_an_invitation_of_somebody_who_lost_the_right_is_over(house: House) -> None:
    code = invited(house, by="mate")
    house.do(change_member, "boss", "mate", role=Role.AUDITOR)
    with house.state.read() as connection:
        assert pending_invitations(connection, A, NOW) == ()
    assert join(house, code) is None
    house.do(change_member, "boss", "mate", role=Role.ADMIN)
    assert join(house, code) is not None


def test_a_withdrawn_or_repeated_invitation_is_over(house: House) -> None:
    first, second = invited(house), invited(house)
    assert join(house, first) is None
    with house.state.read() as connection:
        (link,) = pending_invitations(connection, A, NOW)
    for by, organization_id in (("other", B), ("mem", A), ("boss", A)):
        try:
            with house.state.begin() as connection:
                withdraw_invitation(
                    connection, house.by(by), organization_id=organization_id, link_id=link.id
                )
        except AccountError:
            assert by != "boss"
    assert join(house, second) is None
    assert [event.verb for event in house.events()].count("invitation.withdrawn") == 1


def test_who_is_a_member_or_gets_what_is_none_is_not_invited(house: House) -> None:
    with pytest.raises(AccountError, match="already"):
        invited(house, "MEM@example.com")
    with pytest.raises(AccountError, match="no e-mail address"):
        invited(house, "nobody")
    with pytest.raises(AccountError, match="cannot be granted"):
        invited(house, grants={Permission.MANAGE: None})
    with pytest.raises(AccountError, match="is past"):
        invited(house, grants={Permission.READ: NOW})


def test_guessing_codes_is_slowed_as_at_the_sign_in_and_on_record(house: House) -> None:
    code = invited(house)
    for _ in range(25):
        assert join(house, "guess") is None
    assert join(house, code) is None, "a guesser went on without a delay"
    with pytest.raises(AccountError, match="has 5 characters"):  # nobody else waits for it
        accept_with_new_account(
            house.state, code=code, name="N", password="short", address="198.51.100.1", now=NOW
        )
    refused = [event for event in house.events() if event.verb == "link.refused"]
    assert sum(event.count for event in refused) == 26
    assert {event.organization_id for event in refused} == {None}
    with house.state.begin() as connection:
        assert unlock_address(connection, ADDRESS) > 0
    assert join(house, code) is not None


def password_link(house: House, to: str = "mem", by: str = "boss") -> str:
    with house.state.begin() as connection:
        _, code = make_password_link(
            connection, house.by(by), organization_id=A, account_id=house.ids[to]
        )
    return code


def reset(house: House, code: str, now: datetime = NOW) -> Account | None:
    return set_password_by_link(
        house.state, code=code, password=NEW_PASSWORD, address=ADDRESS, now=now, cost=4
    )


def test_a_link_sets_a_new_password_once_and_ends_every_session(house: House) -> None:
    secret, code = house.sign_in("mem"), password_link(house)
    assert house.viewer(secret) is not None
    assert signs_in(house, "mem@example.com", PASSWORD)
    assert reset(house, code) is not None
    assert house.viewer(secret) is None
    assert not signs_in(house, "mem@example.com", PASSWORD)
    assert signs_in(house, "mem@example.com", NEW_PASSWORD)
    assert reset(house, code) is None
    assert reset(house, password_link(house), NOW + PASSWORD_LINK_LIFETIME) is None
    told = [event for event in house.events() if event.verb == "account.password_reset"]
    assert [(event.actor, event.organization_id) for event in told] == [("mem@example.com", A)]
    assert code not in repr(house.events())


def test_an_admin_gets_into_no_account_that_is_not_the_organizations_alone(house: House) -> None:
    """Else an admin of one organization could read another one as somebody who is in both."""
    with house.state.begin() as connection:
        set_operator(connection, account_id=house.ids["aud"], operator=True)
    said = set()
    for to in ("mate", "aud"):
        with pytest.raises(AccountError) as refused:
            password_link(house, to)
        said.add(str(refused.value).replace(f"{to}@example.com", "…"))
    assert len(said) == 1, "the sentence tells what else the account is"
    code = password_link(house)
    with house.state.begin() as connection:
        set_membership(connection, account_id=house.ids["mem"], organization_id=B, role=Role.MEMBER)
    assert reset(house, code) is None
    assert signs_in(house, "mem@example.com", PASSWORD)


def test_links_for_passwords_are_over_with_the_membership_and_with_the_admins_right(
    house: House,
) -> None:
    code = password_link(house, by="mate")
    house.do(change_member, "boss", "mate", role=Role.AUDITOR)
    assert reset(house, code) is None
    code = password_link(house)
    house.do(remove_member, "boss", "mem")
    assert reset(house, code) is None
    for who in ("aud", "other"):
        with pytest.raises(AccountError, match="You may not change"):
            password_link(house, "boss", by=who)
    with pytest.raises(AccountError, match="not in the organization"):
        password_link(house, "other")


def test_a_code_of_one_kind_opens_nothing_of_the_other(house: House) -> None:
    assert reset(house, invited(house)) is None
    assert join(house, password_link(house)) is None
