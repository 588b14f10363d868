"""No session outlives its end, whatever ended it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from audit_core.domain.access import Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import end_membership, set_disabled, set_membership, set_password
from audit_core.identity.sessions import (
    CODE_LIFETIME,
    choose_organization,
    end_session,
    end_sessions_of,
    find_viewer,
    issue_code,
    redeem_code,
)
from audit_core.state.database import State
from audit_core.state.tables import session, sign_in_code
from tests.support.ada import LIFETIME, NOW, PASSWORD, Ada
from tests.support.laws import law

OneStep = Callable[[Connection, Ada, str], None]


def _redeem(state: State, code: str, seconds: float = 0) -> str | None:
    with state.begin() as connection:
        return redeem_code(
            connection,
            code=code,
            now=NOW + timedelta(seconds=seconds),
            lifetime=LIFETIME,
            address=None,
            user_agent=None,
        )


def _code(ada: Ada) -> str:
    with ada.state.begin() as connection:
        return issue_code(connection, account_id=ada.id, now=NOW)


def test_a_session_says_who_is_asking(state: State, ada: Ada) -> None:
    secret = ada.sign_in()
    with state.read() as connection:
        viewer = find_viewer(connection, secret=secret, now=NOW)
    assert viewer is not None
    assert (viewer.account_id, viewer.email, viewer.name) == (ada.id, ada.email, "Ada")
    assert viewer.organization_id == "org-a"
    assert viewer.membership is not None
    assert viewer.membership.role is Role.AUDITOR
    assert viewer.session_id != secret
    assert len(secret) == 43


def test_a_code_works_once(state: State, ada: Ada) -> None:
    code = _code(ada)
    assert _redeem(state, code) is not None
    assert _redeem(state, code) is None


def test_of_many_redeemers_of_one_code_one_gets_a_session(state: State, ada: Ada) -> None:
    code = _code(ada)
    got: list[str | None] = []
    redeemers = [
        threading.Thread(target=lambda: got.append(_redeem(state, code))) for _ in range(6)
    ]
    for redeemer in redeemers:
        redeemer.start()
    for redeemer in redeemers:
        redeemer.join()
    assert len(got) == 6
    assert len([secret for secret in got if secret is not None]) == 1


@pytest.mark.parametrize(
    ("seconds", "works"), [(0, True), (29.999999, True), (30, False), (3600, False)]
)
def test_a_code_works_for_30_seconds(state: State, ada: Ada, seconds: float, works: bool) -> None:
    code = _code(ada)
    assert timedelta(seconds=30) == CODE_LIFETIME
    assert (_redeem(state, code, seconds) is not None) == works


def test_neither_a_guess_nor_what_is_stored_is_a_code_or_a_secret(state: State, ada: Ada) -> None:
    _code(ada)
    ada.sign_in()
    with state.read() as connection:
        stored_code = connection.execute(select(sign_in_code.c.code_hash)).scalar_one()
        stored_secret = connection.execute(select(session.c.secret_hash)).scalar_one()
        session_id = connection.execute(select(session.c.id)).scalar_one()
        for guess in (stored_secret, session_id, "", "\ud800", "x" * 10_000):
            assert find_viewer(connection, secret=guess, now=NOW) is None
    for guess in (stored_code, "", "\ud800"):
        assert _redeem(state, guess) is None


@law(
    25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    lifetime=st.timedeltas(timedelta(microseconds=1), timedelta(days=30)),
    age=st.timedeltas(timedelta(0), timedelta(days=60)),
)
def test_a_session_ends_exactly_with_its_lifetime(
    ada: Ada, lifetime: timedelta, age: timedelta
) -> None:
    secret = ada.sign_in(lifetime=lifetime)
    with ada.state.read() as connection:
        assert find_viewer(connection, secret=secret, now=NOW + lifetime) is None
        assert (find_viewer(connection, secret=secret, now=NOW + age) is None) == (age >= lifetime)


ENDS: dict[str, OneStep] = {
    "sign-out": lambda connection, ada, session_id: end_session(connection, session_id=session_id),
    "end of all": lambda connection, ada, _: end_sessions_of(connection, ada.id),
    "disabling": lambda connection, ada, _: set_disabled(
        connection, account_id=ada.id, disabled=True
    ),
    "password reset": lambda connection, ada, _: set_password(
        connection, account_id=ada.id, password=PASSWORD, cost=4
    ),
}


@pytest.mark.parametrize("ending", ENDS)
def test_a_session_ends_at_once_with(state: State, ada: Ada, ending: str) -> None:
    secret = ada.sign_in()
    other = ada.sign_in()
    code = _code(ada)
    with state.read() as connection:
        viewer = find_viewer(connection, secret=secret, now=NOW)
    assert viewer is not None
    with state.begin() as connection:
        ENDS[ending](connection, ada, viewer.session_id)
    with state.read() as connection:
        assert find_viewer(connection, secret=secret, now=NOW) is None
        left = find_viewer(connection, secret=other, now=NOW)
    assert (left is not None) == (ending == "sign-out")
    assert (_redeem(state, code) is not None) == (ending == "sign-out")
    with state.begin() as connection:
        set_disabled(connection, account_id=ada.id, disabled=False)
        assert find_viewer(connection, secret=secret, now=NOW) is None, "it came back"


def test_a_disabled_account_has_no_viewer_even_if_a_session_were_left(
    state: State, ada: Ada
) -> None:
    with state.begin() as connection:
        set_disabled(connection, account_id=ada.id, disabled=True)
    assert _redeem(state, _code(ada)) is None


def test_a_change_of_role_takes_effect_at_the_next_look_up(state: State, ada: Ada) -> None:
    secret = ada.sign_in()
    with state.begin() as connection:
        set_membership(
            connection,
            account_id=ada.id,
            organization_id="org-a",
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
    with state.read() as connection:
        viewer = find_viewer(connection, secret=secret, now=NOW)
    assert viewer is not None
    assert viewer.membership is not None
    assert viewer.membership.role is Role.MEMBER
    assert viewer.membership.grants == {Permission.READ}


def test_the_chosen_organization_stays_and_only_for_its_session(state: State, ada: Ada) -> None:
    secret, other = ada.sign_in(), ada.sign_in()
    with state.begin() as connection:
        set_membership(connection, account_id=ada.id, organization_id="org-b", role=Role.MEMBER)
        before = find_viewer(connection, secret=secret, now=NOW)
        assert before is not None
        assert [one.organization_name for one in before.memberships] == ["Acme", "Bolt"]
        choose_organization(connection, session_id=before.session_id, organization_id="org-b")
        after = find_viewer(connection, secret=secret, now=NOW)
        elsewhere = find_viewer(connection, secret=other, now=NOW)
    assert after is not None
    assert elsewhere is not None
    assert (after.organization_id, elsewhere.organization_id) == ("org-b", "org-a")


def test_a_foreign_organization_cannot_be_chosen(state: State, ada: Ada) -> None:
    secret = ada.sign_in()
    with state.begin() as connection:
        viewer = find_viewer(connection, secret=secret, now=NOW)
        assert viewer is not None
        for organization_id in ("org-b", "org-z", ""):
            with pytest.raises(AccountError, match="not a member"):
                choose_organization(
                    connection, session_id=viewer.session_id, organization_id=organization_id
                )
        with pytest.raises(AccountError, match="not a member"):
            choose_organization(connection, session_id="x", organization_id="org-a")
        assert find_viewer(connection, secret=secret, now=NOW) == viewer


def test_leaving_the_chosen_organization_shows_nothing_of_it(state: State, ada: Ada) -> None:
    secret = ada.sign_in()
    with state.begin() as connection:
        end_membership(connection, account_id=ada.id, organization_id="org-a")
        viewer = find_viewer(connection, secret=secret, now=NOW)
    assert viewer is not None
    assert (viewer.organization_id, viewer.membership, viewer.memberships) == (None, None, ())


def test_expired_rows_are_removed_by_later_sign_ins(state: State, ada: Ada) -> None:
    ada.sign_in()
    _code(ada)
    ada.sign_in(at=NOW + LIFETIME)
    with state.read() as connection:
        assert connection.execute(select(func.count()).select_from(session)).scalar() == 1
        assert connection.execute(select(func.count()).select_from(sign_in_code)).scalar() == 0


def test_the_next_session_opens_in_the_organization_chosen_last(state: State, ada: Ada) -> None:
    secrets = [ada.sign_in()]
    with state.read() as connection:
        before = find_viewer(connection, secret=secrets[0], now=NOW)
    assert before is not None
    with state.begin() as connection:
        set_membership(connection, account_id=ada.id, organization_id="org-b", role=Role.MEMBER)
        choose_organization(connection, session_id=before.session_id, organization_id="org-b")
    secrets.append(ada.sign_in())
    with state.read() as connection:
        after = find_viewer(connection, secret=secrets[1], now=NOW)
    assert after is not None
    assert after.organization_id == "org-b"
    with state.begin() as connection:
        end_membership(connection, account_id=ada.id, organization_id="org-b")
    secrets.append(ada.sign_in())
    with state.read() as connection:
        left = find_viewer(connection, secret=secrets[2], now=NOW)
    assert left is not None
    assert left.organization_id == "org-a"
