"""What admins may do to members, who may not, and that an organization keeps an admin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit_core.domain.access import GRANTABLE, Membership, Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import (
    set_disabled,
    set_membership,
    set_operator,
)
from audit_core.identity.administration import (
    Administrator,
    change_member,
    disable_account,
    disable_member,
    enable_member,
    remove_member,
    sign_out_member,
)
from audit_core.identity.invitations import accept_with_new_account, invite
from audit_core.identity.login import check_password
from audit_core.identity.memberships import (
    end_membership,
    members,
    set_member_disabled,
)
from audit_core.identity.sessions import Viewer
from audit_core.state.database import State, open_state
from tests.contract.engines import Engines
from tests.support.ada import NOW, PASSWORD
from tests.support.house import A, B, House


@pytest.fixture
def house(state: State) -> House:
    return House(state)


def permissions(viewer: Viewer | None, organization_id: str = A) -> frozenset[Permission]:
    found: list[Membership] = [] if viewer is None else list(viewer.memberships)
    return next(
        (one.permissions for one in found if one.organization_id == organization_id), frozenset()
    )


DEEDS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "change": (change_member, {"role": Role.AUDITOR}),
    "remove": (remove_member, {}),
    "disable": (disable_member, {}),
    "enable": (enable_member, {}),
    "sign out": (sign_out_member, {}),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("who", ["aud", "mem", "other"])
def test_who_does_not_manage_access_there_changes_nothing(
    house: House, deed: str, who: str
) -> None:
    secret = house.sign_in("mem")
    before = house.member("mem")
    function, given = DEEDS[deed]
    with pytest.raises(AccountError, match="You may not change"):
        house.do(function, who, "mem", **given)
    assert house.member("mem") == before
    assert house.viewer(secret) is not None
    assert house.events() == []


LOSSES: dict[str, Callable[[House, Any], object]] = {
    "another role": lambda house, connection: set_membership(
        connection, account_id=house.ids["boss"], organization_id=A, role=Role.AUDITOR
    ),
    "withdrawn": lambda house, connection: end_membership(
        connection, account_id=house.ids["boss"], organization_id=A
    ),
    "barred": lambda house, connection: set_member_disabled(
        connection, account_id=house.ids["boss"], organization_id=A, disabled=True
    ),
    "disabled": lambda house, connection: set_disabled(
        connection, account_id=house.ids["boss"], disabled=True
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("deed", DEEDS)
def test_an_admin_who_lost_it_in_between_changes_nothing(
    house: House, deed: str, loss: str
) -> None:
    with house.state.begin() as connection:
        LOSSES[loss](house, connection)
    function, given = DEEDS[deed]
    with pytest.raises(AccountError, match="You may not change"):
        house.do(function, "boss", "mem", **given)


@pytest.mark.parametrize("deed", DEEDS)
def test_somebody_of_another_organization_is_told_like_nobody(house: House, deed: str) -> None:
    function, given = DEEDS[deed]
    house.ids["nobody"] = "0" * 32
    said = set()
    for whom in ("other", "nobody"):
        with pytest.raises(AccountError) as refused:
            house.do(function, "boss", whom, **given)
        said.add(str(refused.value))
    assert len(said) == 1
    assert house.member("other") is None


def test_every_permission_but_one_is_granted_ends_and_is_withdrawn(house: House) -> None:
    secret = house.sign_in("mem")
    end = NOW + timedelta(days=3)
    house.do(
        change_member,
        "boss",
        "mem",
        role=Role.MEMBER,
        grants={**dict.fromkeys(GRANTABLE), Permission.EXPORT: end},
    )
    assert permissions(house.viewer(secret)) == GRANTABLE
    assert permissions(house.viewer(secret, end - timedelta(seconds=1))) == GRANTABLE
    over = house.viewer(secret, end)
    assert permissions(over) == GRANTABLE - {Permission.EXPORT}
    member = house.member("mem")
    assert member is not None
    assert member.grants[Permission.EXPORT] == end
    assert member.grants[Permission.READ] is None
    (event,) = house.events()
    assert (event.verb, event.actor, event.organization_id, event.address) == (
        "membership.set",
        "boss@example.com",
        A,
        "192.0.2.7",
    )
    assert event.detail["ends"] == {"export:audit_logs": end.isoformat()}
    house.do(change_member, "boss", "mem", role=Role.MEMBER)
    assert permissions(house.viewer(secret)) == frozenset()
    with pytest.raises(AccountError, match="cannot be granted"):
        house.do(change_member, "boss", "mem", role=Role.MEMBER, grants={Permission.MANAGE: None})
    with pytest.raises(AccountError, match="is past"):
        house.do(
            change_member,
            "boss",
            "mem",
            role=Role.MEMBER,
            grants={Permission.READ: NOW},
        )


def test_a_disabled_member_is_out_at_the_next_look_and_stays_in_other_organizations(
    house: House,
) -> None:
    only_here, both = house.sign_in("aud"), house.sign_in("mate")
    elsewhere = house.viewer(both)
    for whom in ("aud", "mate"):
        house.do(disable_member, "boss", whom)
    assert house.viewer(only_here) is None
    assert house.sign_in("aud") is None
    for name, may in (("aud", False), ("mate", True)):
        found = check_password(
            house.state,
            email=f"{name}@example.com",
            password=PASSWORD,
            address=None,
            now=NOW,
            cost=4,
        )
        assert (found is not None) == may
    again = house.viewer(house.sign_in("mate"))
    assert elsewhere is not None
    assert again is not None
    assert [one.organization_id for one in again.memberships] == [B]
    house.do(enable_member, "boss", "aud")
    assert house.viewer(only_here) is None, "an old session came back to life"
    assert permissions(house.viewer(house.sign_in("aud"))) == house_permissions(Role.AUDITOR)


def house_permissions(role: Role) -> frozenset[Permission]:
    return Membership(organization_id=A, organization_name=A, role=role).permissions


def test_what_one_organization_does_stands_on_no_other_record(house: House) -> None:
    house.do(disable_member, "boss", "mate")
    house.do(enable_member, "boss", "mate")
    house.do(sign_out_member, "boss", "mate")
    house.do(remove_member, "boss", "mate")
    assert [(event.verb, event.organization_id) for event in house.events()] == [
        ("membership.disabled", A),
        ("membership.enabled", A),
        ("sessions.ended", A),
        ("membership.ended", A),
    ]


def test_signing_out_ends_every_session_and_no_membership(house: House) -> None:
    secrets = [house.sign_in("mem") for _ in range(3)]
    house.do(sign_out_member, "boss", "mem")
    assert [house.viewer(secret) for secret in secrets] == [None, None, None]
    assert house.sign_in("mem") is not None


def test_an_operator_barred_from_the_only_organization_still_signs_in(house: House) -> None:
    with house.state.begin() as connection:
        set_operator(connection, account_id=house.ids["aud"], operator=True)
    house.do(disable_member, "boss", "aud")
    viewer = house.viewer(house.sign_in("aud"))
    assert viewer is not None
    assert viewer.memberships == ()


@pytest.mark.parametrize("deed", ["change", "remove", "disable"])
def test_the_last_admin_stays(house: House, deed: str) -> None:
    function, given = DEEDS[deed]
    with house.state.begin() as connection:
        set_disabled(connection, account_id=house.ids["mate"], disabled=True)
    with pytest.raises(AccountError, match="without an admin"):
        house.do(function, "boss", "boss", **given)
    assert house.admins() == 1
    assert house.events() == []
    with house.state.begin() as connection:
        set_disabled(connection, account_id=house.ids["mate"], disabled=False)
    house.do(function, "boss", "boss", **given)
    assert house.admins() == 1


def test_the_operator_disables_a_last_admin_only_when_told_so(house: House) -> None:
    operator = Administrator(actor="command line", account_id=None, address=None, now=NOW)
    with house.state.begin() as connection:
        disable_account(connection, operator, account_id=house.ids["mate"])
    for even, left in ((False, 1), (True, 0)):
        try:
            with house.state.begin() as connection:
                disable_account(
                    connection, operator, account_id=house.ids["boss"], even_last_admin=even
                )
        except AccountError as refused:
            assert "without an admin" in str(refused)
        assert house.admins() == left
    with (
        house.state.begin() as connection,
        pytest.raises(AccountError, match="whoever runs this server"),
    ):
        disable_account(connection, house.by("boss"), account_id=house.ids["mem"])


@pytest.mark.parametrize("deed", ["change", "remove", "disable"])
def test_of_two_admins_who_put_each_other_out_at_once_one_stays(house: House, deed: str) -> None:
    function, given = DEEDS[deed]
    pairs = [("boss", "mate"), ("mate", "boss")]
    _, refused = _at_once([lambda pair=pair: house.do(function, *pair, **given) for pair in pairs])
    assert house.admins() == 1
    assert len(refused) == 1


def test_last_seen_is_when_somebody_did_something_in_this_organization(house: House) -> None:
    assert house.member("mate") is not None
    house.sign_in("mate")
    with house.state.read() as connection:
        seen = {
            organization_id: {
                one.name: one.last_seen_at for one in members(connection, organization_id, NOW)
            }
            for organization_id in (A, B)
        }
    assert seen[A]["mate"] == NOW
    assert seen[A]["boss"] is None
    assert seen[B]["mate"] is None, "one organization is told of another"


def test_processes_that_share_a_server_keep_an_admin_and_spend_a_link_once(
    engines: Engines,
) -> None:
    url = engines.new_url("postgresql")
    states = [open_state(url) for _ in range(2)]
    try:
        house = House(states[0])
        with states[0].begin() as connection:
            _, code = invite(
                connection,
                house.by("boss"),
                organization_id=A,
                email="new@example.com",
                role=Role.MEMBER,
            )
        joined, refused = _at_once(
            [
                lambda state=state: accept_with_new_account(
                    state,
                    code=code,
                    name="New",
                    password="velvet otter ladder sunrise",
                    address=None,
                    now=NOW,
                    cost=4,
                )
                for state in states
            ]
        )
        assert sorted(account is not None for account in joined) == [False, True]
        assert refused == []
        pairs = [("boss", "mate"), ("mate", "boss")]
        done, refused = _at_once(
            [
                lambda state=state, pair=pair: _put_out(house, state, *pair)
                for state, pair in zip(states, pairs, strict=True)
            ]
        )
        assert (len(done), len(refused)) == (1, 1)
        assert house.admins() == 1
    finally:
        for state in states:
            state.close()


def _put_out(house: House, state: State, who: str, whom: str) -> None:
    with state.begin() as connection:
        remove_member(connection, house.by(who), organization_id=A, account_id=house.ids[whom])


def _at_once(deeds: list[Callable[[], Any]]) -> tuple[list[Any], list[str]]:
    """What the deeds gave, and what those said that were refused."""
    ready = threading.Barrier(len(deeds))
    done: list[Any] = []
    refused: list[str] = []

    def do(deed: Callable[[], Any]) -> None:
        ready.wait()
        try:
            done.append(deed())
        except AccountError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return done, refused
