"""`erasure` and `restore --erasures`: asked and confirmed by two, listed, and repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.domain.access import Role
from audit_core.evidence.erasures import deeds, store
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.identity.accounts import add_account, set_membership
from audit_core.identity.administration import Administrator
from audit_core.identity.memberships import ensure_organization
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from tests.support.ada import PASSWORD
from tests.support.command_line import run_here
from tests.support.strategies import entry

ORGANIZATION = "org-alpha"
EVE = "Eve@example.org"


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use(tmp_path, monkeypatch)
    with closing(opened()) as installation:
        made = utc_now() - timedelta(days=2)
        installation.log.append(
            [
                entry("a", actor_id="u-eve", actor_email=EVE, created_at=made),
                entry("b", metadata=f'{{"to":"{EVE}"}}', created_at=made),
                entry("c", created_at=made),
            ]
        )
        with installation.state.begin() as connection:
            ensure_organization(connection, organization_id=ORGANIZATION, name="Alpha")
    yield


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SANDTRAIL_LOG_URL": f"duckdb:///{folder}/log.duckdb",
        "SANDTRAIL_STATE_URL": f"sqlite:///{folder}/state.sqlite",
        "SANDTRAIL_KEY_FILE": f"{folder}/secret.key",
        "SANDTRAIL_DEMO": "0",
    }.items():
        monkeypatch.setenv(name, value)


def opened() -> Installation:
    return open_installation(read_settings(), utc_now)


def run(*words: str, code: int = 0) -> str:
    done = run_here(*words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def erasures() -> list[Erasure]:
    with (
        closing(open_state(read_settings().state_url)) as state,
        state.read() as connection,
    ):
        return store.list_erasures(connection, None, limit=9)


def ask() -> Erasure:
    words = ("--organization", ORGANIZATION, "--reason", "Case 7", "--yes")
    said = run("erasure", "ask", "eve@EXAMPLE.org", *words)
    assert "u-eve" in said and "1 entry of the person" in said and "1 entry of others" in said
    (asked,) = [one for one in erasures() if one.stage is Stage.ASKED]
    return asked


def confirmed_by_admin(asked: Erasure) -> None:
    """And carried out, as the app does."""
    with closing(opened()) as installation:
        with installation.state.begin() as connection:
            account = add_account(
                connection, email="a@x.org", name="A", password=PASSWORD, now=utc_now(), cost=4
            )
            set_membership(
                connection, account_id=account.id, organization_id=ORGANIZATION, role=Role.ADMIN
            )
            confirmed = deeds.confirm(
                connection,
                Administrator(actor="a@x.org", account_id=account.id, address=None, now=utc_now()),
                installation.erasures.identities,
                organization_id=ORGANIZATION,
                erasure_id=asked.id,
                typed="u-eve",
            )
        assert carry_out(installation.erasures, confirmed)


def texts() -> str:
    with closing(opened()) as installation:
        return str(installation.log.writes.between(ORGANIZATION, after=0, until=10**9).to_pylist())


def test_what_is_asked_for_here_is_not_confirmed_here(tmp_path: Path) -> None:
    asked = ask()
    assert "To be confirmed" in run("erasure", "list")
    said = run("erasure", "confirm", asked.id, "--name", "u-eve", code=2)
    assert "An admin confirms it on Evidence → Erasure" in said
    run("erasure", "withdraw", asked.id)
    assert "Withdrawn" in run("erasure", "list", "--organization", ORGANIZATION)
    assert "There is no erasure" in run("erasure", "refuse", "0" * 32, "--reason", "x", code=2)


def test_the_list_names_nobody_and_repeats_erasures_that_a_backup_is_older_than(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", str(tmp_path / "backup"))
    confirmed_by_admin(ask())
    listed = tmp_path / "erasures.jsonl"
    run("erasure", "list", "--output", str(listed))
    assert "eve" not in listed.read_text().casefold()
    (line,) = map(json.loads, listed.read_text().splitlines())
    assert (line["organization"], line["confirmed_by"]) == (ORGANIZATION, "a@x.org")

    use(tmp_path / "new", monkeypatch)
    said = run("restore", str(tmp_path / "backup"), "--erasures", str(listed))
    assert "The erasures of 1 person were repeated: 2 entries." in said
    assert "eve" not in texts().casefold()
    (again,) = erasures()
    assert (again.id, again.late) == (line["id"], 2)
    # The log's file was written anew with it.
    assert again.stage is Stage.DONE


def test_the_states_own_erasures_are_repeated_in_a_log_that_is_restored_alone(
    tmp_path: Path,
) -> None:
    run("backup", str(tmp_path / "backup"))
    confirmed_by_admin(ask())
    for path in tmp_path.glob("log.duckdb*"):
        path.unlink()
    said = run("restore", str(tmp_path / "backup"), "--only", "log")
    assert "The erasures of 1 person were repeated: 2 entries." in said
    assert "eve" not in texts().casefold()


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"format":2}', '{"format":1,"id":"x","organization":"o"}']
)
def test_a_list_of_something_else_is_refused(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", str(tmp_path / "backup"))
    (tmp_path / "list").write_text(f"\n{line}\n")
    use(tmp_path / "new", monkeypatch)
    said = run("restore", str(tmp_path / "backup"), "--erasures", str(tmp_path / "list"), code=2)
    assert "Line 2 of the list of erasures is no erasure." in said


def test_writing_the_list_is_on_record(tmp_path: Path) -> None:
    run("erasure", "list", "--output", str(tmp_path / "list"))
    with (
        closing(open_state(read_settings().state_url)) as state,
        state.read() as connection,
    ):
        (event,) = list_events(connection, organization_id=None, limit=1)
    assert (event.verb, event.detail["erasures"]) == ("erasure.listed", 0)
