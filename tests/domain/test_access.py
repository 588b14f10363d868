"""Who may do what: every role, every permission, with and without grants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import (
    GRANTABLE,
    Allowed,
    Denied,
    Membership,
    Permission,
    Role,
    Scope,
    decide,
    readable,
)

READ, READ_OWN, EXPORT, REVEAL, INGEST, MANAGE, READ_RECORD = (
    Permission.READ,
    Permission.READ_OWN,
    Permission.EXPORT,
    Permission.REVEAL,
    Permission.INGEST,
    Permission.MANAGE,
    Permission.READ_RECORD,
)

# Written out, not computed: a change of what a role holds must be made twice.
ALLOWED = {
    (None, False): set(),
    (None, True): set(),
    (Role.MEMBER, False): set(),
    (Role.MEMBER, True): {READ, READ_OWN, EXPORT, REVEAL, INGEST, READ_RECORD},
    (Role.AUDITOR, False): {READ, READ_OWN, EXPORT, READ_RECORD},
    (Role.AUDITOR, True): {READ, READ_OWN, EXPORT, REVEAL, INGEST, READ_RECORD},
    (Role.ADMIN, False): {READ, READ_OWN, EXPORT, REVEAL, INGEST, MANAGE, READ_RECORD},
    (Role.ADMIN, True): {READ, READ_OWN, EXPORT, REVEAL, INGEST, MANAGE, READ_RECORD},
}

ADDED_BY_OWN_ACTIVITY = {
    None: set(),
    Role.MEMBER: {READ_OWN},
    Role.AUDITOR: set(),
    Role.ADMIN: set(),
}


def _membership(
    role: Role, grants: frozenset[Permission], *, own_activity: bool = False
) -> Membership:
    return Membership(
        organization_id="org-a",
        organization_name="Acme",
        role=role,
        grants=grants,
        own_activity=own_activity,
    )


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("own_activity", [False, True])
@pytest.mark.parametrize("granted", [False, True])
@pytest.mark.parametrize("role", [None, *Role])
def test_the_table_of_roles_and_permissions(
    role: Role | None, granted: bool, own_activity: bool, permission: Permission
) -> None:
    grants = GRANTABLE if granted else frozenset()
    membership = None if role is None else _membership(role, grants, own_activity=own_activity)
    decision = decide(membership, permission)
    allowed = ALLOWED[role, granted] | (ADDED_BY_OWN_ACTIVITY[role] if own_activity else set())
    assert decision.permission is permission
    assert isinstance(decision, Allowed) == (permission in allowed)


@pytest.mark.parametrize("ids", [(), ("user-1",), ("user-1", "user-2")])
@pytest.mark.parametrize("own_activity", [False, True])
@pytest.mark.parametrize("granted", [False, True])
@pytest.mark.parametrize("role", [None, *Role])
def test_who_may_not_read_all_reads_their_own_only_and_only_if_it_is_surely_theirs(
    role: Role | None, granted: bool, own_activity: bool, ids: tuple[str, ...]
) -> None:
    grants = GRANTABLE if granted else frozenset()
    membership = None if role is None else _membership(role, grants, own_activity=own_activity)
    found = readable(membership, ids)
    if role in (Role.AUDITOR, Role.ADMIN) or (role is Role.MEMBER and granted):
        assert found == Scope(organization_id="org-a")
    elif role is Role.MEMBER and own_activity and len(ids) == 1:
        assert found == Scope(organization_id="org-a", actor_id="user-1")
    else:
        assert isinstance(found, Denied)
        assert found.reason.endswith(".")


def test_a_scope_of_one_actor_widens_to_no_other() -> None:
    whole = Scope(organization_id="org-a")
    own = whole.of_actor("user-1")
    assert own == Scope(organization_id="org-a", actor_id="user-1")
    assert isinstance(own, Scope)
    assert own.of_actor("user-1") == own
    assert isinstance(own.of_actor("user-2"), Denied)
    assert isinstance(own.of_actor(""), Denied)


def test_the_table_names_every_role() -> None:
    assert {role for role, _ in ALLOWED} == {None, *Role}


def test_a_refusal_names_what_is_missing_and_where() -> None:
    decision = decide(_membership(Role.AUDITOR, frozenset()), MANAGE)
    assert isinstance(decision, Denied)
    for part in ("auditor", "Acme", "manage:access"):
        assert part in decision.reason


@given(
    role=st.sampled_from(Role),
    grants=st.frozensets(st.sampled_from(Permission)),
    permission=st.sampled_from(Permission),
)
def test_grants_add_only_what_can_be_granted(
    role: Role, grants: frozenset[Permission], permission: Permission
) -> None:
    without = isinstance(decide(_membership(role, frozenset()), permission), Allowed)
    with_grants = isinstance(decide(_membership(role, grants), permission), Allowed)
    granted = grants & GRANTABLE
    if Permission.READ in granted:
        # Whoever may read all may read what they did themselves.
        granted |= {Permission.READ_OWN}
    assert with_grants == (without or permission in granted)


def test_a_disabled_member_may_nothing_whatever_the_role_and_the_grants() -> None:
    for role in Role:
        barred = replace(_membership(role, GRANTABLE, own_activity=True), disabled=True)
        assert barred.permissions == frozenset()


def test_a_scope_without_an_organization_is_not_made_by_accident() -> None:
    with pytest.raises(ValueError, match="needs an organization"):
        Scope(organization_id="")
    assert Scope.everything().organization_id is None
    assert not Scope.everything().secrets
