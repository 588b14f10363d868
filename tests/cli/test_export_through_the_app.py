"""`export --server`: a running app makes the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner
from urllib3.exceptions import ProtocolError

from audit_core.cli.export import export
from audit_core.cli.parts import remote_export
from audit_core.cli.parts.remote_export import RemoteError, RemoteExport
from audit_core.domain.errors import AuditError, FilterError, SourceError
from audit_core.evidence.jobs.runner import RunningExports
from audit_core.identity.token_verbs import EXPORT, READ
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.conftest import app_of
from tests.web.served import served

application = typer.Typer()
application.command()(export)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path / "data")
    seeded.installation.log.append(
        [made(number, organization_id=(ALPHA, BETA)[number % 2]) for number in range(200)]
    )
    yield seeded
    seeded.installation.close()


@pytest.fixture
def server(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(remote_export, "LOOK_EVERY_S", 0.02)
    runner = RunningExports(seeded.installation.exports, shared_log=False, look_every_s=0.02)
    with served(app_of(seeded.installation)) as port:
        yield f"http://127.0.0.1:{port}/"
    runner.stop()


def run(*arguments: str, token: str | None = None) -> str:
    """Standard error of the command, which must succeed."""
    environment = {} if token is None else {"SANDTRAIL_TOKEN": token}
    result = CliRunner().invoke(application, arguments, env=environment)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stderr


def test_a_nightly_job_needs_neither_a_person_nor_the_log(
    seeded: Seeded, server: str, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    asked = ("--server", server, "--format", "jsonl", "--output", str(file), "--query", "create")
    said = run(*asked, token=seeded.token(ALPHA, EXPORT.name))
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert {entry["organizationId"] for entry in found} == {ALPHA}
    assert f"{len(found)} entries written" in said
    assert [event.actor for event in seeded.events("export.downloaded")] == ["collector"]
    with pytest.raises(RemoteError, match="export:audit_logs"):
        run(*asked, token=seeded.token(ALPHA, READ.name))
    with pytest.raises(RemoteError, match="no valid token"):
        run(*asked, token="sandtrail_unknown")
    with pytest.raises(FilterError, match="token says which"):
        run(*asked)


def test_a_transfer_that_breaks_off_goes_on_and_a_wrong_file_is_none(
    seeded: Seeded, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, starts = RemoteExport._pieces, list[int]()

    def broken(self: RemoteExport, made: dict[str, Any], start: int) -> Iterator[bytes]:
        starts.append(start)
        for piece in real(self, made, start):
            yield piece[: len(piece) // 2 + 1]
            raise ProtocolError("cut")

    monkeypatch.setattr(RemoteExport, "_pieces", broken)
    file, token = tmp_path / "log.csv", seeded.token(ALPHA, EXPORT.name)
    run("--server", server, "--output", str(file), token=token)
    assert len(starts) > 3
    whole = seeded.events("export.downloaded")[0].detail
    assert file.stat().st_size == whole["bytes"]

    def changed(self: RemoteExport, made: dict[str, Any], start: int) -> Iterator[bytes]:
        yield bytes(made["size"])

    monkeypatch.setattr(RemoteExport, "_pieces", changed)
    other = tmp_path / "other.csv"
    with pytest.raises(RemoteError, match="checksum"):
        run("--server", server, "--output", str(other), token=token)
    assert not other.exists()


@pytest.mark.parametrize("address", ["audit.example.org", "ftp://x/", "http://127.0.0.1:9/"])
def test_a_server_that_is_none_is_said(address: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="server"):
        run("--server", address, "--output", str(tmp_path / "x"), token="t")
