"""A token opens what it names, while it is valid, and nothing else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import AccountError
from audit_core.identity.api_tokens import Token, add_token, find_token, list_tokens, revoke_token
from audit_core.state.database import State
from tests.support.ada import NOW, Ada
from tests.support.laws import law

INGEST = frozenset({Permission.INGEST.value})
DAY = timedelta(days=1)


def _add(
    state: State, expires_at: datetime | None = None, organization: str = "org-a"
) -> tuple[Token, str]:
    with state.begin() as connection:
        return add_token(
            connection,
            organization_id=organization,
            name="collector",
            verbs=INGEST,
            now=NOW,
            expires_at=expires_at,
        )


def _find(state: State, secret: str, at: datetime = NOW) -> Token | None:
    with state.begin() as connection:
        return find_token(connection, secret=secret, now=at)


def test_a_secret_finds_its_token(state: State, ada: Ada) -> None:
    added, secret = _add(state)
    assert re.fullmatch(r"sandtrail_[A-Za-z0-9_-]{43}", secret)
    assert _find(state, secret) == added
    assert added.verbs == INGEST
    assert added.id not in secret


def test_what_is_not_the_secret_finds_nothing(state: State, ada: Ada) -> None:
    added, secret = _add(state)
    for wrong in ("", secret[:-1], secret + "x", secret.lower(), added.id, "\ud800", "x" * 10_000):
        assert _find(state, wrong) is None


@law(
    25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    valid_for=st.timedeltas(timedelta(microseconds=1), 400 * DAY),
    age=st.timedeltas(timedelta(0), 500 * DAY),
)
def test_a_token_ends_exactly_at_its_expiry(
    state: State, ada: Ada, valid_for: timedelta, age: timedelta
) -> None:
    _, secret = _add(state, NOW + valid_for)
    assert _find(state, secret, NOW + valid_for) is None
    assert (_find(state, secret, NOW + age) is None) == (age >= valid_for)


def test_a_revoked_token_finds_nothing_from_then_on(state: State, ada: Ada) -> None:
    added, secret = _add(state)
    _, other = _add(state)
    with state.begin() as connection:
        revoke_token(connection, token_id=added.id, organization_id="org-a", now=NOW + DAY)
        revoke_token(connection, token_id=added.id, organization_id=None, now=NOW + 2 * DAY)
        listed = {one.id: one for one in list_tokens(connection, organization_id="org-a")}
    assert listed[added.id].revoked_at == NOW + DAY
    assert _find(state, secret, NOW + DAY) is None
    assert _find(state, other, NOW + DAY) is not None


def test_unknown_and_foreign_tokens_are_refused_alike(state: State, ada: Ada) -> None:
    added, secret = _add(state)
    sentences = set()
    with state.begin() as connection:
        for token_id in (added.id, "0" * 32):
            with pytest.raises(AccountError) as caught:
                revoke_token(connection, token_id=token_id, organization_id="org-b", now=NOW)
            sentences.add(str(caught.value).replace(token_id, "ID"))
    assert len(sentences) == 1
    assert _find(state, secret) is not None


def test_lists_hold_the_tokens_of_one_organization(state: State, ada: Ada) -> None:
    first, _ = _add(state)
    second, _ = _add(state, organization="org-b")
    with state.read() as connection:
        assert list_tokens(connection, organization_id="org-a") == (first,)
        assert list_tokens(connection, organization_id="org-z") == ()
        assert set(list_tokens(connection, organization_id=None)) == {first, second}


def test_the_last_use_is_noted_once_a_minute(state: State, ada: Ada) -> None:
    _, secret = _add(state)
    noted = []
    for seconds in (0, 30, 59, 60, 90, 121):
        _find(state, secret, NOW + timedelta(seconds=seconds))
        with state.read() as connection:
            (one,) = list_tokens(connection, organization_id=None)
        assert one.last_used_at is not None
        noted.append((one.last_used_at - NOW).total_seconds())
    assert noted == [0, 0, 0, 60, 60, 121]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"organization_id": "org-z"}, "no organization org-z"),
        ({"verbs": frozenset()}, "cannot be for nothing"),
        ({"verbs": {"fly"}}, "cannot be for fly"),
        ({"name": " "}, "name is empty"),
        ({"expires_at": NOW}, "which is past"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    state: State, ada: Ada, change: dict[str, object], problem: str
) -> None:
    asked = {
        "organization_id": "org-a",
        "name": "n",
        "verbs": INGEST,
        "now": NOW,
        "expires_at": None,
        **change,
    }
    with pytest.raises(AccountError, match=problem), state.begin() as connection:
        add_token(connection, **asked)  # type: ignore[arg-type]
