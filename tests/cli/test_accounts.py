"""`account` and `token` do what they say, print secrets once, and record it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from audit_core.cli.accounts import account_app
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.tokens import token_app
from audit_core.domain.access import Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import find_account, memberships
from audit_core.identity.api_tokens import Token, find_token
from audit_core.identity.backoff import account_counter, address_counter, count_failure
from audit_core.identity.invitations import accept_with_new_account
from audit_core.identity.login import check_password
from audit_core.state.access_log.record import AccessEvent, list_events
from audit_core.state.database import State
from tests.support.new_state import new_state

ADD = ("add", "--email", "Ada@example.com", "--name", "Ada [b]L[/b]")
IN_ACME = ("--organization", "org-a:Acme", "--role", "auditor")

Run = Callable[..., Result]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """Open while the commands run, as the app is."""
    file = tmp_path / "state.sqlite"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{file}")
    opened = new_state(file)
    yield opened
    opened.close()


@pytest.fixture
def account(state: State) -> Run:
    return _runner(account_app)


@pytest.fixture
def token(state: State) -> Run:
    return _runner(token_app)


def _runner(app: typer.Typer) -> Run:
    def run(*arguments: str, given: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=given)
        if isinstance(result.exception, AccountError):
            raise result.exception
        return result

    return run


def _events(state: State) -> list[AccessEvent]:
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=100)
    return [event for event in reversed(events) if event.actor == ACTOR]


def _can_sign_in(state: State, password: str, address: str | None = None) -> bool:
    found = check_password(
        state,
        email="ada@example.com",
        password=password,
        address=address,
        now=datetime.now(UTC),
    )
    return found is not None


def _shown(output: str) -> str:
    (secret,) = re.findall(r"\(shown once\): (\S+)", output)
    return str(secret)


def _fail_often(state: State, address: str | None = None) -> None:
    """Count as many failures as bring the longest delay, at an account or from an address."""
    now = datetime.now(UTC)
    counter = address_counter(address) if address else account_counter("ada@example.com")
    with state.begin() as connection:
        for _ in range(40):
            count_failure(connection, (counter,), now)


@pytest.mark.parametrize("way", ["unlock", "enable", "reset-password"])
def test_delays_that_guesses_have_brought_are_lifted(state: State, account: Run, way: str) -> None:
    password = "a long enough one"
    account(*ADD, *IN_ACME, "--password-stdin", given=f"{password}\n")
    _fail_often(state)
    assert not _can_sign_in(state, password)
    result = account(
        way,
        *("--email", "ada@example.com"),
        *(["--password-stdin"] if way == "reset-password" else []),
        given=f"{password}\n",
    )
    assert result.exit_code == 0
    _fail_often(state)
    assert _can_sign_in(state, password), "guessing that goes on shut it again"
    verb = {"unlock": "account.unlocked", "enable": "account.enabled"}
    assert _events(state)[-1].verb == verb.get(way, "account.password_reset")


def test_delays_of_an_address_are_lifted(state: State, account: Run) -> None:
    password = "a long enough one"
    account(*ADD, *IN_ACME, "--password-stdin", given=f"{password}\n")
    _fail_often(state, "2001:db8::1")
    assert not _can_sign_in(state, password, "2001:db8::2")
    result = account("unlock", "--address", "2001:db8::3")
    assert "Lifted the delays of 2001:db8::3" in result.stdout
    assert _can_sign_in(state, password, "2001:db8::2")
    assert _events(state)[-1].verb == "address.unlocked"


@pytest.mark.parametrize(
    "arguments",
    [(), ("--email", "a@b", "--address", "10.0.0.1"), ("--address", "x"), ("--email", "no@b")],
)
def test_unlocking_needs_one_person_or_one_address(
    state: State, account: Run, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(AccountError):
        account("unlock", *arguments)
    assert _events(state) == []


def test_an_added_person_signs_in_with_the_password_that_was_shown(
    state: State, account: Run
) -> None:
    result = account(*ADD, *IN_ACME, "--grant", "read:audit_logs")
    assert result.exit_code == 0
    assert "org-a is new here" in result.stderr
    assert _can_sign_in(state, _shown(result.stdout))
    with state.read() as connection:
        found = find_account(connection, "ada@example.com")
        assert found is not None
        (joined,) = memberships(connection, found.id, datetime.now(UTC))
    assert (joined.organization_name, joined.role, joined.grants) == (
        "Acme",
        Role.AUDITOR,
        {Permission.READ},
    )
    assert [event.verb for event in _events(state)] == ["account.added", "membership.set"]
    assert _events(state)[1].organization_id == "org-a"
    assert _shown(result.stdout) not in repr(_events(state))


def test_a_password_from_the_input_is_not_shown(state: State, account: Run) -> None:
    result = account(*ADD, *IN_ACME, "--password-stdin", given="a long enough one\r\nrest")
    assert "long enough" not in result.output
    assert _can_sign_in(state, "a long enough one")


def test_a_refused_command_changes_and_records_nothing(state: State, account: Run) -> None:
    with pytest.raises(AccountError, match="has 5 characters"):
        account(*ADD, *IN_ACME, "--password-stdin", given="short\n")
    with pytest.raises(AccountError, match="cannot be granted"):
        account(*ADD, *IN_ACME, "--grant", "manage:access")
    with state.read() as connection:
        assert find_account(connection, "ada@example.com") is None
    assert _events(state) == []


def test_people_are_listed_with_what_they_are(account: Run) -> None:
    account(*ADD, *IN_ACME)
    account("grant", "--email", "ada@example.com", "--organization", "b2", "--role", "admin")
    with pytest.raises(AccountError, match="without an admin"):
        account("disable", "--email", "ada@example.com")
    account("disable", "--email", "ada@example.com", "--even-last-admin")
    listed = account("list").stdout
    for part in ("ada@example.com", "Ada [b]L[/b]", "auditor in Acme (org-a)", "admin in b2"):
        assert part in listed
    assert listed.count("disabled") == 1


def test_granting_without_a_role_keeps_it(state: State, account: Run) -> None:
    account(*ADD, *IN_ACME)
    to_acme = ("grant", "--email", "ada@example.com", "--organization", "org-a")
    result = account(*to_acme, "--grant", "read:audit_logs")
    assert "is now auditor + read:audit_logs in Acme (org-a)" in result.stdout
    assert "is now auditor in Acme" in account(*to_acme).stdout
    assert _events(state)[-2].detail == {
        "email": "ada@example.com",
        "role": "auditor",
        "grants": ["read:audit_logs"],
    }


def test_an_invited_person_joins_by_the_link_that_was_printed(state: State, account: Run) -> None:
    result = account("invite", "--email", "Ada@example.com", *IN_ACME)
    code = _shown(result.stdout).partition("#code=")[2]
    joined = accept_with_new_account(
        state,
        code=code,
        name="Ada",
        password="a long enough one",
        address=None,
        now=datetime.now(UTC),
    )
    assert joined is not None
    assert joined.email == "ada@example.com"
    assert [event.verb for event in _events(state)] == ["invitation.added"]
    assert code not in repr(_events(state))


def test_a_permission_is_granted_until_a_day(state: State, account: Run) -> None:
    account(*ADD, *IN_ACME)
    to_acme = ("grant", "--email", "ada@example.com", "--organization", "org-a")
    account(*to_acme, "--grant", "reveal:secrets", "--until", "2199-01-31")
    assert _events(state)[-1].detail["ends"] == {"reveal:secrets": "2199-01-31T00:00:00+00:00"}
    with pytest.raises(AccountError, match="is past"):
        account(*to_acme, "--grant", "reveal:secrets", "--until", "2020-01-31")


def test_a_person_is_disabled_in_one_organization_alone(state: State, account: Run) -> None:
    password = _shown(account(*ADD, *IN_ACME).stdout)
    there = ("--email", "ada@example.com", "--organization", "org-a")
    account("disable", *there)
    assert "disabled" in account("list").stdout
    assert not _can_sign_in(state, password)
    account("enable", *there)
    assert _can_sign_in(state, password)


def test_withdrawing_takes_a_person_out(state: State, account: Run) -> None:
    account(*ADD, *IN_ACME)
    out = ("withdraw", "--email", "ada@example.com", "--organization", "org-a")
    assert account(*out).exit_code == 0
    with pytest.raises(AccountError, match="not in the organization"):
        account(*out)
    assert [event.verb for event in _events(state)][2:] == ["membership.ended"]


def test_disabling_enabling_and_resetting_decide_who_signs_in(state: State, account: Run) -> None:
    first = _shown(account(*ADD, *IN_ACME).stdout)
    account("disable", "--email", "ADA@example.com")
    assert not _can_sign_in(state, first)
    account("enable", "--email", "ada@example.com")
    assert _can_sign_in(state, first)
    second = _shown(account("reset-password", "--email", "ada@example.com").stdout)
    assert not _can_sign_in(state, first)
    assert _can_sign_in(state, second)
    assert [event.verb for event in _events(state)][2:] == [
        "account.disabled",
        "account.enabled",
        "account.password_reset",
    ]


def test_an_operator_is_made_and_unmade_on_record(state: State, account: Run) -> None:
    account(*ADD, *IN_ACME)
    for command, listed in (("grant-operator", 1), ("withdraw-operator", 0)):
        assert account(command, "--email", "ada@example.com").exit_code == 0
        assert account("list").stdout.count("operator") == listed
    assert [(event.verb, event.organization_id) for event in _events(state)][2:] == [
        ("operator.granted", None),
        ("operator.withdrawn", None),
    ]


@pytest.mark.parametrize("command", ["grant", "disable", "enable", "reset-password", "withdraw"])
def test_an_unknown_person_is_named(account: Run, command: str) -> None:
    organization = ("--organization", "o") if command in ("grant", "withdraw") else ()
    with pytest.raises(AccountError, match=r"no account for eve@example\.com"):
        account(command, "--email", "eve@example.com", *organization)


def test_a_token_works_until_it_is_revoked(state: State, token: Run) -> None:
    added = token("add", "--organization", "org-a", "--name", "collector", "--expires-days", "3")
    secret = _shown(added.stdout)

    def found(days: float = 0) -> Token | None:
        with state.begin() as connection:
            now = datetime.now(UTC) + timedelta(days=days)
            return find_token(connection, secret=secret, now=now)

    valid = found()
    assert valid is not None
    assert (valid.organization_id, valid.verbs) == ("org-a", {"write:audit_logs"})
    assert found(days=2.9) is not None
    assert found(days=3.1) is None
    assert valid.id in token("list").stdout
    assert secret not in token("list").output
    assert valid.id not in token("list", "--organization", "org-b").stdout
    assert token("revoke", valid.id).exit_code == 0
    assert found() is None
    assert "revoked" in token("list").stdout
    assert [event.verb for event in _events(state)] == ["token.added", "token.revoked"]
    assert secret not in repr(_events(state))


def test_a_token_says_what_it_may_and_from_where(state: State, token: Run) -> None:
    may = ("--may", "read:audit_logs", "--may", "reveal:secrets")
    added = token(
        "add", "--organization", "org-a", "--name", "reader", *may, "--from", "10.0.0.0/8"
    )
    with state.begin() as connection:
        found = find_token(connection, secret=_shown(added.stdout), now=datetime.now(UTC))
    assert found is not None
    assert found.verbs == {"read:audit_logs", "reveal:secrets"}
    assert found.accepts("10.9.8.7")
    assert not found.accepts("192.0.2.1")
    listed = token("list").stdout
    for shown in (found.id, "reader", "read:audit_logs", "reveal:secrets", "from 10.0.0.0/8"):
        assert shown in listed
    (event,) = _events(state)
    assert event.detail["from"] == ["10.0.0.0/8"]


def test_a_token_of_the_whole_installation_only_reads(state: State, token: Run) -> None:
    whole = ("add", "--installation", "--name", "mirror")
    added = token(*whole, "--may", "read:audit_logs")
    assert "for the whole installation" in added.stdout
    (event,) = _events(state)
    assert event.organization_id is None
    for wrong in (whole, (*whole, "--organization", "org-a"), ("add", "--name", "n")):
        with pytest.raises(AccountError):
            token(*wrong)
    assert len(_events(state)) == 1


def test_an_unknown_token_is_named(token: Run) -> None:
    with pytest.raises(AccountError, match="no token f00"):
        token("revoke", "f00")
