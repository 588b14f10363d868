"""Commands that reach a log through the app that has it open: one app for all of them."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit_core.domain.errors import LogLockedError, SourceError
from tests.cli import test_backup as backups
from tests.cli import test_copy as copies
from tests.cli.test_doctor import examined, private
from tests.support.app_process import running


@dataclass(frozen=True)
class App:
    """The app, and the databases that it has open."""

    address: str
    settings: dict[str, str]
    folder: Path
    expected: object
    """The digest of its log."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    settings = backups.environment(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        backups.fill()
    expected = backups.digest(settings["SANDTRAIL_LOG_URL"])[0]
    with running(settings, folder / "app.log") as address:
        private(folder)
        yield App(address, settings, folder, expected)


@pytest.fixture
def app(started: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """The app, with its settings those of the command that is run."""
    monkeypatch.chdir(tmp_path)
    for name, value in started.settings.items():
        monkeypatch.setenv(name, value)
    return started


def test_the_doctor_asks_the_app(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_FREE_SPACE_FLOOR_MB", "1")
    assert examined("--server", app.address, "--full") == (0, {})
    code, wrong = examined("--server", "http://127.0.0.1:9")
    assert code == 1
    assert "cannot be reached" in wrong["databases"]["message"]


def test_a_log_that_is_open_elsewhere_is_copied_through_the_app(app: App, tmp_path: Path) -> None:
    target = copies.url(tmp_path, "new")
    with pytest.raises(LogLockedError) as caught:
        copies.run(app.settings["SANDTRAIL_LOG_URL"], target)
    assert "--from http://localhost:8501" in caught.value.hint
    out, _, code = copies.run(app.address, target)
    assert (code, "701 were copied now" in out) == (0, True)
    assert copies.held(target) == app.expected


def test_the_app_answers_only_who_has_its_key(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/other.key")
    with pytest.raises(SourceError, match="401") as caught:
        copies.run(app.address, copies.url(tmp_path, "new"))
    assert "SANDTRAIL_KEY_FILE" in caught.value.hint


def test_the_running_app_is_backed_up(app: App, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    with pytest.raises(LogLockedError, match="in use"):
        backups.run("backup", str(target))
    assert "701 entries" in backups.run("backup", str(target), "--from", app.address)
    backups.assert_sums(target)
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o600}
    shutil.copy(target / "log.duckdb", tmp_path / "copy.duckdb")
    assert backups.digest(f"duckdb:///{tmp_path}/copy.duckdb")[0] == app.expected
