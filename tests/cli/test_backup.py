"""`backup` and `restore`: on every engine, cut off, damaged, and into what is not empty."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from audit_core.cli.backup import backup, restore
from audit_core.cli.log import log_app
from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError
from audit_core.identity.accounts import add_account
from audit_core.identity.memberships import ensure_organization
from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.installation.backup import BackupError
from audit_core.installation.high_water_marks import StateMarks
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import open_log
from audit_core.runtime.settings import read_settings
from audit_core.state.database import open_state
from audit_core.state.import_checkpoints import read_import, save_import
from audit_core.state.rejections import keep_rejections
from audit_core.state.tables import metadata
from audit_core.transfer.transfer import digest_of
from tests.support.strategies import NOW, entry, sample_entries

EVERYTHING = Scope.everything()
ENTRIES = [*sample_entries(700), entry("open", status_code=None)]

application = typer.Typer()
application.command()(backup)
application.command()(restore)
application.add_typer(log_app, name="log")


def run(*words: str) -> str:
    result = CliRunner().invoke(application, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def environment(folder: Path, log_url: str | None = None, state_url: str | None = None):
    return {
        "SANDTRAIL_LOG_URL": log_url or f"duckdb:///{folder}/log.duckdb",
        "SANDTRAIL_STATE_URL": state_url or f"sqlite:///{folder}/state.sqlite",
        "SANDTRAIL_KEY_FILE": f"{folder}/secret.key",
        "SANDTRAIL_DEMO": "0",
    }


@pytest.fixture
def use(monkeypatch):
    def put(settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    return put


def keep_checkpoint(installation: Installation) -> None:
    """Of something that was read into the log."""
    with installation.state.begin() as connection:
        save_import(connection, "digest", "far", NOW)


def has_checkpoint(installation: Installation) -> bool:
    with installation.state.read() as connection:
        return read_import(connection, "digest") is not None


def fill() -> None:
    """Entries, an account with a session, and a rejection."""
    installation = open_installation(read_settings(), lambda: NOW)
    with closing(installation):
        installation.log.append(ENTRIES)
        with installation.state.begin() as connection:
            ensure_organization(connection, organization_id="org-alpha", name="Alpha")
            added = add_account(
                connection, email="ann@example.org", name="Ann", password="long-enough-password",
                now=NOW, cost=4,
            )  # fmt: skip
            code = issue_code(connection, account_id=added.id, now=NOW)

            redeem_code(
                connection, code=code, now=NOW, lifetime=timedelta(hours=1), address=None,
                user_agent=None,
            )  # fmt: skip
            keep_rejections(
                connection, rejections=[], organization_id="org-alpha", origin="x", now=NOW
            )


def digest(url: str):
    with closing(open_log(url)) as log:
        return digest_of(log, EVERYTHING), log.heads()


def rows(url: str):
    with closing(open_state(url)) as state, state.read() as connection:
        return {
            table.name: connection.execute(select(table)).fetchall()
            for table in metadata.sorted_tables
        }


def assert_sums(folder: Path) -> None:
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def places(engine, engines, folder):
    folder.mkdir()
    if engine == "postgresql":
        address = engines.new_url(engine)
        return environment(folder, address, address)
    return environment(folder, engines.new_url(engine))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("duckdb", "postgresql"),
        ("postgresql", "clickhouse"),
        ("clickhouse", "duckdb"),
        ("postgresql", "postgresql"),
    ],
)
def test_a_backup_goes_back_into_any_engine(source, target, engines, tmp_path, use):
    origin = places(source, engines, tmp_path / "origin")
    use(origin)
    fill()
    assert "701 entries" in run("backup", str(tmp_path / "backup"))
    names = {path.name for path in (tmp_path / "backup").iterdir()}
    assert names == {"log.duckdb", "state.sqlite", "secret.key", "manifest.json", "SHA256SUMS"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backup").iterdir()}
    assert modes == {0o600}
    assert_sums(tmp_path / "backup")

    place = places(target, engines, tmp_path / "target")
    use(place)
    assert "is restored" in run("restore", str(tmp_path / "backup"))
    assert_sums(tmp_path / "backup")
    assert digest(place["SANDTRAIL_LOG_URL"]) == digest(origin["SANDTRAIL_LOG_URL"])
    before, after = (rows(item["SANDTRAIL_STATE_URL"]) for item in (origin, place))
    assert before["session"]
    assert after["session"] == []
    same = set(before) - {"session", "sign_in_code", "health_check", "log_mark", "access_event"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    key = Path(place["SANDTRAIL_KEY_FILE"])
    assert key.read_bytes() == Path(origin["SANDTRAIL_KEY_FILE"]).read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    with closing(open_installation(read_settings(), lambda: NOW)) as installation:
        assert installation.log.loss is None
        assert dict(StateMarks(installation.state).read()) == installation.log.heads()
        report = installation.log.append(
            [*ENTRIES[:5], entry("open", status_code=200), entry("new")]
        )
        assert (report.known, report.finished, report.accepted) == (5, 1, 1)


def test_the_lost_log_alone_is_restored(tmp_path, use):
    use(environment(tmp_path))
    fill()
    run("backup", str(tmp_path / "backup"))
    with closing(open_installation(read_settings(), lambda: NOW)) as installation:
        installation.log.append([entry("later")])
        keep_checkpoint(installation)
    for path in tmp_path.glob("log.duckdb*"):
        path.unlink()
    with pytest.raises(BackupError, match="state holds accounts"):
        run("restore", str(tmp_path / "backup"))
    said = run("restore", str(tmp_path / "backup"), "--only", "log")
    assert "1 more entries were accepted" in said
    with closing(open_installation(read_settings(), lambda: NOW)) as installation:
        assert not has_checkpoint(installation)
        keep_checkpoint(installation)
    with closing(open_installation(read_settings(), lambda: NOW)) as installation:
        assert installation.log.loss is not None
        assert installation.log.loss.entries == 1
    run("log", "accept-loss", "--yes")
    with closing(open_installation(read_settings(), lambda: NOW)) as installation:
        assert not has_checkpoint(installation)
        assert installation.log.append([entry("later")]).accepted == 1


def test_a_backup_that_was_cut_off_goes_on_and_is_never_taken_for_a_whole_one(tmp_path, use):
    use(environment(tmp_path))
    fill()
    target = tmp_path / "backup"
    run("backup", str(target))
    shutil.move(target, tmp_path / "backup.partial")
    (tmp_path / "backup.partial" / "SHA256SUMS").unlink()
    use(environment(tmp_path / "new"))
    with pytest.raises(BackupError, match="no whole backup"):
        run("restore", str(tmp_path / "backup.partial"))
    use(environment(tmp_path))
    run("backup", str(target))
    assert not (tmp_path / "backup.partial").exists()
    with pytest.raises(BackupError, match="is there already"):
        run("backup", str(target))


@pytest.fixture(scope="module")
def whole_backup(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        fill()
        run("backup", str(folder / "backup"))
    return folder / "backup"


@pytest.mark.parametrize("name", ["log.duckdb", "state.sqlite", "secret.key", "manifest.json"])
def test_a_damaged_backup_changes_nothing(name, whole_backup, tmp_path, use):
    shutil.copytree(whole_backup, tmp_path / "backup")
    file = tmp_path / "backup" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    use(environment(tmp_path / "new"))
    with pytest.raises(BackupError, match=f"damaged: {name}"):
        run("restore", str(tmp_path / "backup"))
    assert not (tmp_path / "new").exists()


def test_nothing_is_restored_over_something(tmp_path, use):
    use(environment(tmp_path))
    fill()
    run("backup", str(tmp_path / "backup"))
    with pytest.raises(BackupError, match="state holds accounts"):
        run("restore", str(tmp_path / "backup"))
    with pytest.raises(BackupError, match="log holds entries"):
        run("restore", str(tmp_path / "backup"), "--only", "log")
    use({**environment(tmp_path / "new"), "SANDTRAIL_KEY_FILE": f"{tmp_path}/other.key"})
    (tmp_path / "other.key").write_bytes(os.urandom(32))
    with pytest.raises(AuditError, match="another key"):
        run("restore", str(tmp_path / "backup"))
