"""`source webhook` makes, lists and removes endpoints, and shows a secret that it made once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.sources import source_app
from audit_core.domain.errors import AuditError
from audit_core.runtime.signing_key import read_key
from audit_core.runtime.webhook_signing import new_secret
from audit_core.sources.sealed_key import unseal
from audit_core.sources.webhooks.endpoint import endpoints_of
from audit_core.sources.webhooks.signature import key_of
from audit_core.state.access_log.record import list_events
from audit_core.state.database import State
from tests.support.new_state import new_state

ORGANIZATION = "org-a"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    file = tmp_path / "state.sqlite"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "secret.key"))
    opened = new_state(file)
    yield opened
    opened.close()


def webhook(*arguments: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(source_app, ["webhook", *arguments], input=given)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_a_secret_is_made_shown_once_and_kept_encrypted(state: State, tmp_path: Path) -> None:
    output = webhook("add", "--organization", f"{ORGANIZATION}:Alpha").output
    (secret,) = re.findall(r"whsec_\S+", output)
    with state.read() as connection:
        (kept,) = endpoints_of(connection, ORGANIZATION)
    assert f"/api/v1/webhooks/daytona/{kept.id}" in output
    assert unseal(kept.sealed_secret, read_key(tmp_path / "secret.key")) == secret
    assert key_of(secret)
    listed = webhook("list").output
    assert kept.id in listed and "never" in listed and secret not in listed
    assert secret.encode() not in (tmp_path / "state.sqlite").read_bytes()


def test_a_secret_that_daytona_made_is_read_and_not_repeated(state: State, tmp_path: Path) -> None:
    secret = new_secret()
    output = webhook(
        *("add", "--organization", ORGANIZATION, "--name", "Other", "--secret-stdin"),
        *("--daytona-organization", "org-there"),
        given=f"{secret}\n",
    ).output
    assert secret not in output
    with state.read() as connection:
        (kept,) = endpoints_of(connection, ORGANIZATION)
    assert kept.daytona_organization_id == "org-there"
    assert unseal(kept.sealed_secret, read_key(tmp_path / "secret.key")) == secret
    assert "org-there at Daytona" in webhook("list").output


def test_what_does_not_fit_is_said(state: State) -> None:
    with pytest.raises(AuditError, match="no secret of a webhook"):
        webhook("add", "--organization", ORGANIZATION, "--secret-stdin", given="password\n")
    webhook("add", "--organization", ORGANIZATION)
    with pytest.raises(AuditError, match="already a webhook"):
        webhook("add", "--organization", ORGANIZATION)
    with pytest.raises(AuditError, match="no webhook nothing"):
        webhook("remove", "nothing")


def test_each_deed_is_on_record(state: State) -> None:
    webhook("add", "--organization", ORGANIZATION)
    with state.read() as connection:
        (kept,) = endpoints_of(connection, ORGANIZATION)
    webhook("remove", kept.id)
    assert "There are no webhooks" in webhook("list").output
    with state.read() as connection:
        events = list_events(connection, organization_id=ORGANIZATION, limit=10)
    assert [event.verb for event in reversed(events)] == ["webhook.added", "webhook.removed"]
    assert {event.actor for event in events} == {ACTOR}
    assert not any("whsec_" in str(event.detail) for event in events)
