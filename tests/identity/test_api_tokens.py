"""A token opens what it names, while it is valid, and nothing else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from audit_core.domain.access import Membership, Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.api_tokens import (
    MAX_NETWORKS,
    Token,
    add_token,
    find_token,
    list_tokens,
    read_networks,
    revoke_token,
)
from audit_core.identity.token_verbs import READ, REVEAL, TOKEN_VERBS, require_can_give
from audit_core.state.database import State
from tests.support.ada import NOW, Ada
from tests.support.laws import law

INGEST = frozenset({Permission.INGEST.value})
DAY = timedelta(days=1)


def _add(
    state: State,
    expires_at: datetime | None = None,
    organization: str | None = "org-a",
    verbs: frozenset[str] = INGEST,
    networks: str = "",
) -> tuple[Token, str]:
    with state.begin() as connection:
        return add_token(
            connection,
            organization_id=organization,
            name="collector",
            verbs=verbs,
            now=NOW,
            expires_at=expires_at,
            networks=read_networks([networks]),
        )


def _find(
    state: State, secret: str, at: datetime = NOW, address: str | None = None
) -> Token | None:
    with state.begin() as connection:
        return find_token(connection, secret=secret, now=at, address=address)


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
        ({"verbs": {REVEAL.name}}, "has to be for read:audit_logs as well"),
        ({"organization_id": None}, "whole installation cannot be for write:audit_logs"),
        ({"organization_id": None, "verbs": {"fly"}}, "whole installation cannot be for fly"),
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


@pytest.mark.parametrize(
    ("networks", "accepted", "refused"),
    [
        ("", ("192.0.2.1", "2001:db8::1", "unknown", None), ()),
        ("192.0.2.1", ("192.0.2.1", "::ffff:192.0.2.1"), ("192.0.2.2", "2001:db8::1", None)),
        ("10.0.0.0/8, 2001:db8::/32", ("10.255.0.1", "2001:db8::9"), ("11.0.0.1", "2001:db9::1")),
        ("::ffff:10.0.0.0/104", ("10.1.2.3",), ("11.0.0.1", "::1")),
        ("fe80::/10", ("fe80::1%eth0",), ("unknown", "", "fe80::1%bad zone")),
    ],
)
def test_a_token_comes_from_its_networks_only(
    state: State,
    ada: Ada,
    networks: str,
    accepted: tuple[str | None, ...],
    refused: tuple[str | None, ...],
) -> None:
    _, secret = _add(state, networks=networks)
    for address in refused:
        found = _find(state, secret, address=address)
        assert found is not None
        assert not found.accepts(address)
        # A use that is refused is none.
        assert found.last_used_at is None
    for address in accepted:
        found = _find(state, secret, address=address)
        assert found is not None
        assert found.accepts(address)
    (listed,) = list_all(state)
    assert listed.networks == read_networks([networks])
    assert listed.last_used_at == NOW


def list_all(state: State) -> tuple[Token, ...]:
    with state.read() as connection:
        return list_tokens(connection, organization_id=None)


@pytest.mark.parametrize(
    ("written", "problem", "hint"),
    [
        ("10.0.0.1/8", "is no network", r"10\.0\.0\.0/8"),
        ("example.org", "is no network", "192"),
        ("10.0.0.0/33", "is no network", "192"),
        (",".join(f"10.0.{n}.1" for n in range(MAX_NETWORKS + 1)), "51 networks", "larger"),
    ],
)
def test_a_network_that_is_none_is_refused_with_a_hint(
    written: str, problem: str, hint: str
) -> None:
    with pytest.raises(AccountError, match=problem) as caught:
        read_networks([written])
    assert re.search(hint, caught.value.hint)


def test_a_token_of_the_installation_is_in_no_organizations_list(state: State, ada: Ada) -> None:
    added, secret = _add(state, organization=None, verbs=frozenset({READ.name}))
    assert _find(state, secret) == added
    assert added.organization_id is None
    with state.begin() as connection:
        assert list_tokens(connection, organization_id="org-a") == ()
        with pytest.raises(AccountError, match="no token"):
            revoke_token(connection, token_id=added.id, organization_id="org-a", now=NOW)


@pytest.mark.parametrize("role", Role)
def test_nobody_gives_a_token_what_they_may_not_do_themselves(role: Role) -> None:
    member = Membership(organization_id="org-a", organization_name="A", role=role)
    for verb in TOKEN_VERBS.values():
        if verb.permission in member.permissions:
            require_can_give(member, {verb.name})
        else:
            with pytest.raises(AccountError, match=f"cannot make a token for {verb.name}"):
                require_can_give(member, {verb.name})
    with pytest.raises(AccountError):
        require_can_give(None, {READ.name})
