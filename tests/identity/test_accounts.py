"""Accounts, memberships and passwords are kept as promised."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Membership, Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import (
    add_account,
    end_membership,
    ensure_organization,
    find_account,
    generate_password,
    list_accounts,
    memberships,
    organizations,
    set_disabled,
    set_membership,
    set_password,
)
from audit_core.identity.passwords import hash_password, is_password, nobodys_hash
from audit_core.state.database import State
from tests.support.ada import NOW, PASSWORD, Ada
from tests.support.laws import law


@pytest.mark.parametrize("written", ["ada@example.com", " ADA@Example.COM\n", "Ada@EXAMPLE.com"])
def test_an_address_is_found_however_it_is_written(state: State, ada: Ada, written: str) -> None:
    with state.read() as connection:
        assert find_account(connection, written) == ada.account


def test_an_unknown_address_has_no_account(state: State, ada: Ada) -> None:
    with state.read() as connection:
        assert find_account(connection, "ada@example.org") is None
        assert find_account(connection, "\ud800\0") is None


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("ADA@example.com ", "already an account for ada@example.com"),
        ("ada", "is no e-mail address"),
        ("@example.com", "is no e-mail address"),
        ("ada@", "is no e-mail address"),
        ("  ", "is empty"),
        ("a\x1b[31m@example.com", "cannot be shown"),
        ("a" * 250 + "@example.com", "has 262 characters"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(
    state: State, ada: Ada, email: str, problem: str
) -> None:
    with pytest.raises(AccountError, match=problem), state.begin() as connection:
        add_account(connection, email=email, name="B", password=PASSWORD, now=NOW, cost=4)
    with state.read() as connection:
        assert list_accounts(connection) == (ada.account,)


def test_a_short_password_is_refused_by_its_length_and_not_told(state: State, ada: Ada) -> None:
    with pytest.raises(AccountError, match="has 11 characters") as caught, state.begin() as opened:
        set_password(opened, account_id=ada.id, password="hunter2hunt", cost=4)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_account_cannot_be_changed(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        with pytest.raises(AccountError, match="no account nobody"):
            set_disabled(connection, account_id="nobody", disabled=True)
        with pytest.raises(AccountError, match="no account nobody"):
            set_password(connection, account_id="nobody", password=PASSWORD, cost=4)
        with pytest.raises(AccountError, match="no account nobody"):
            set_membership(
                connection, account_id="nobody", organization_id="org-a", role=Role.ADMIN
            )


def test_a_membership_is_replaced_not_added_to(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        set_membership(
            connection,
            account_id=ada.id,
            organization_id="org-a",
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
        assert memberships(connection, ada.id, NOW) == (
            Membership(
                organization_id="org-a",
                organization_name="Acme",
                role=Role.MEMBER,
                grants=frozenset({Permission.READ}),
            ),
        )
        end_membership(connection, account_id=ada.id, organization_id="org-a")
        assert memberships(connection, ada.id, NOW) == ()
        with pytest.raises(AccountError, match="not in the organization org-a"):
            end_membership(connection, account_id=ada.id, organization_id="org-a")


def test_only_what_can_be_granted_is_granted(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        with pytest.raises(AccountError, match="manage:access cannot be granted"):
            set_membership(
                connection,
                account_id=ada.id,
                organization_id="org-a",
                role=Role.MEMBER,
                grants={Permission.MANAGE: None},
            )
        assert memberships(connection, ada.id, NOW)[0].role is Role.AUDITOR


def test_an_unknown_organization_has_no_members(state: State, ada: Ada) -> None:
    with pytest.raises(AccountError, match="no organization org-z"), state.begin() as connection:
        set_membership(connection, account_id=ada.id, organization_id="org-z", role=Role.ADMIN)


def test_an_organization_keeps_its_name_until_another_is_given(state: State) -> None:
    with state.begin() as connection:
        assert ensure_organization(connection, organization_id="x1")
        assert organizations(connection) == (("x1", "x1"),)
        assert not ensure_organization(connection, organization_id="x1", name="Zed")
        assert not ensure_organization(connection, organization_id="x1")
        ensure_organization(connection, organization_id="x2", name="alpha")
        assert organizations(connection) == (("x2", "alpha"), ("x1", "Zed"))
        with pytest.raises(AccountError, match="id is empty"):
            ensure_organization(connection, organization_id=" ")


@law(40)
@given(text=st.text(max_size=120), other=st.text(max_size=120))
def test_a_hash_knows_its_password_and_no_other(text: str, other: str) -> None:
    password = f"k3fh-9mwq-xw2c {text}"  # The beginning makes any of them hard to guess.
    kept = hash_password(password, cost=4)
    assert password not in kept
    assert is_password(password, kept)
    assert not is_password(password + "x", kept)
    assert not is_password(other, nobodys_hash(cost=4))


def test_every_character_of_a_long_password_counts() -> None:
    # bcrypt itself looks at 72 bytes.
    beginning = "k3fh-9mwq-xw2c" + "é" * 100
    kept = hash_password(f"{beginning}a", cost=4)
    assert is_password(f"{beginning}a", kept)
    assert not is_password(f"{beginning}b", kept)


def test_the_same_letters_typed_as_other_code_points_are_the_same_password() -> None:
    assert is_password("cafe\u0301 au lait", hash_password("caf\u00e9 au lait", cost=4))


def test_generated_passwords_are_typeable_acceptable_and_different() -> None:
    made = {generate_password() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}", one) for one in made)
