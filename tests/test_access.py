"""Who may do what: every role, every permission, with and without grants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.access import (
    GRANTABLE,
    Allowed,
    Denied,
    Membership,
    Permission,
    Role,
    Scope,
    decide,
)

READ, EXPORT, REVEAL, INGEST, MANAGE = (
    Permission.READ,
    Permission.EXPORT,
    Permission.REVEAL,
    Permission.INGEST,
    Permission.MANAGE,
)

# Written out, not computed: a change of what a role holds must be made twice.
ALLOWED = {
    (None, False): set(),
    (None, True): set(),
    (Role.MEMBER, False): set(),
    (Role.MEMBER, True): {READ},
    (Role.AUDITOR, False): {READ, EXPORT},
    (Role.AUDITOR, True): {READ, EXPORT},
    (Role.ADMIN, False): {READ, EXPORT, REVEAL, INGEST, MANAGE},
    (Role.ADMIN, True): {READ, EXPORT, REVEAL, INGEST, MANAGE},
}


def _membership(role: Role, grants: frozenset[Permission]) -> Membership:
    return Membership(organization_id="org-a", organization_name="Acme", role=role, grants=grants)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("granted", [False, True])
@pytest.mark.parametrize("role", [None, *Role])
def test_the_table_of_roles_and_permissions(
    role: Role | None, granted: bool, permission: Permission
) -> None:
    grants = GRANTABLE if granted else frozenset()
    decision = decide(None if role is None else _membership(role, grants), permission)
    assert decision.permission is permission
    assert isinstance(decision, Allowed) == (permission in ALLOWED[role, granted])


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
    assert with_grants == (without or permission in grants & GRANTABLE)


def test_a_scope_without_an_organization_is_not_made_by_accident() -> None:
    with pytest.raises(ValueError, match="needs an organization"):
        Scope(organization_id="")
    assert Scope.everything().organization_id is None
    assert not Scope.everything().secrets
