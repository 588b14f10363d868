"""`export` at the command line, against a real log and state."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.export import export
from audit_core.cli.ingest import ingest
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.domain.errors import AuditError, FilterError, LogLockedError, SourceError
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.state.access_log.record import AccessEvent, list_events
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.evidence.nasty_entries import NASTY, NOON, made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.conftest import make_client

ROOT = Path(__file__).parents[2]

application = typer.Typer()
application.command()(export)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/secret.key")


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    """Nasty entries of one organization, and one each of another and of none."""
    seeded = open_seeded(tmp_path)
    seeded.installation.log.append(
        [*NASTY, made(5, organization_id=BETA), made(6, metadata='{"token":"abc"}')]
    )
    yield seeded
    seeded.installation.close()


def run(*arguments: str) -> tuple[bytes, str]:
    """Standard output and standard error of the command, which must succeed."""
    result = CliRunner().invoke(application, arguments)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout_bytes, result.stderr


def events() -> list[AccessEvent]:
    installation = open_installation(read_settings(), utc_now)
    try:
        with installation.state.read() as connection:
            found = list_events(connection, organization_id=None, limit=10)
        return [event for event in found if event.verb.startswith("export.")]
    finally:
        installation.close()


def ids(path: str) -> list[str]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_file_is_byte_for_byte_that_of_the_app(seeded: Seeded, format: str) -> None:
    cookie = {"cookie": f"{SESSION_COOKIE}={seeded.sign_in('auditor@example.org')}"}
    path = (
        f"{EXPORT_PATH}?from=2026-05-04T12:00:01Z&to=2026-05-04T12:00:05Z&format={format}"
        "&for=machines"
    )
    answer = make_client(seeded.installation).get(path, headers=cookie)
    assert answer.status_code == 200
    seeded.installation.close()
    run(
        *("--output", "file", "--format", format, "--organization", ALPHA),
        *("--from", "2026-05-04T12:00:01Z", "--to", "2026-05-04T14:00:05+02:00"),
    )
    assert Path("file").read_bytes() == answer.content
    assert answer.content.count(b"entry-00000") == 3


def test_without_an_organization_the_file_has_all_of_them(seeded: Seeded) -> None:
    seeded.installation.close()
    _, said = run("--output", "all.csv")
    assert ids("all.csv") == [f"entry-00000{number}" for number in (3, 1, 2, 4, 5, 6)]
    file = Path("all.csv").read_bytes()
    assert said == (
        f"6 entries written to all.csv: CSV for machines, {len(file):,} bytes, "
        f"SHA-256 {hashlib.sha256(file).hexdigest()}\n"
    )
    assert "abc" not in Path("all.csv").read_text(encoding="utf-8")


def test_another_organization_gets_its_own_only(seeded: Seeded) -> None:
    seeded.installation.close()
    run("--output", "beta.csv", "--organization", BETA)
    assert ids("beta.csv") == ["entry-000005"]


def test_standard_output_holds_the_file_and_nothing_else(seeded: Seeded) -> None:
    seeded.installation.close()
    out, said = run("--output", "-", "--organization", ALPHA)
    run("--output", "alpha.csv", "--organization", ALPHA)
    assert out == Path("alpha.csv").read_bytes()
    assert said.startswith("4 entries written to standard output: CSV for machines")


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_is_exported_and_ingested_again_makes_the_same_entries(
    seeded: Seeded, format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.installation.log.append([made(7, error_message="-2", user_agent="'-2", source="")])
    seeded.installation.close()
    name = f"alpha.{format}"
    run("--output", name, "--format", format, "--organization", ALPHA)
    # Another state as well: this one knows how far the log had come.
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/other.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/other.sqlite")
    again = typer.Typer()
    again.command()(ingest)
    result = CliRunner().invoke(again, [name])
    assert (result.exit_code, "5 accepted" in result.stdout) == (0, True)
    run("--output", "again", "--format", format, "--organization", ALPHA)
    assert Path("again").read_bytes() == Path(name).read_bytes()


def test_for_spreadsheets_dates_are_dates_and_no_text_is_a_formula(seeded: Seeded) -> None:
    seeded.installation.close()
    run("--output", "alpha.csv", "--organization", ALPHA, "--for", "spreadsheets")
    text = Path("alpha.csv").read_bytes().decode("utf-8")
    assert text.startswith("\ufeffid,")
    assert ",'=cmd|" in text
    assert ",2026-05-04 12:00:01," in text


def test_a_packed_file_of_some_columns_in_another_zone(seeded: Seeded) -> None:
    seeded.installation.close()
    _, told = run(
        *("--output", "out.gz", "--format", "csv", "--columns", "createdAt,id"),
        *("--times", "Asia/Kolkata", "--delimiter", "semicolon", "--compression", "gzip"),
    )
    header, first, *_ = gzip.decompress(Path("out.gz").read_bytes()).decode().splitlines()
    assert header == "createdAt;id"
    assert "+05:30;" in first
    assert "CSV for machines, gzip, times in Asia/Kolkata" in told


def test_an_export_is_on_record_from_its_first_byte_on(seeded: Seeded) -> None:
    seeded.installation.close()
    run("--output", "alpha.jsonl", "--format", "jsonl", "--organization", ALPHA)
    finished, started = events()
    assert [started.verb, finished.verb] == ["export.started", "export.finished"]
    for event in (started, finished):
        assert (event.actor, event.organization_id) == (ACTOR, ALPHA)
        assert event.detail["format"] == "jsonl"
        assert event.detail["filter"] == {"from": ["-"]}
    assert finished.detail["entries"] == 4


@pytest.mark.parametrize("output", ["missing/file.csv", "taken", "file.csv/part.csv"])
def test_where_no_file_can_be_written_one_sentence_says_so_and_nothing_is_left(
    seeded: Seeded, output: str
) -> None:
    seeded.installation.close()
    Path("taken").mkdir()
    Path("file.csv").write_text("old")
    before = sorted(Path().rglob("*"))
    with pytest.raises(SourceError, match=f"{output} cannot be written") as raised:
        run("--output", output)
    assert "folder" in raised.value.hint
    assert sorted(Path().rglob("*")) == before
    assert Path("file.csv").read_text() == "old"
    assert [event.verb for event in events()] == ["export.broken", "export.started"]


def test_an_older_file_is_replaced_as_a_whole(seeded: Seeded) -> None:
    seeded.installation.close()
    Path("file.csv").write_text("old " * 10_000)
    run("--output", "file.csv", "--organization", BETA)
    assert ids("file.csv") == ["entry-000005"]
    assert not list(Path().glob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--from", "yesterday"), "yesterday"),
        (("--to", "2026-05-04T12:00:00"), "offset"),
        (("--from", "2026-05-05T00:00:00Z", "--to", "2026-05-04T00:00:00Z"), "before it begins"),
    ],
)
def test_a_window_that_cannot_be_read_is_one_sentence(
    arguments: tuple[str, ...], named: str
) -> None:
    with pytest.raises(FilterError, match=named):
        run("--output", "file.csv", *arguments)
    assert not list(Path().iterdir())


def test_a_log_in_use_is_told_with_its_holder(seeded: Seeded) -> None:
    with pytest.raises(LogLockedError, match="in use by process"):
        run("--output", "file.csv")
    assert not Path("file.csv").exists()


def test_a_reader_who_has_enough_ends_the_export_without_a_stack_trace(seeded: Seeded) -> None:
    entries = [made(number, created_at=NOON + timedelta(days=number)) for number in range(3_000)]
    seeded.installation.log.append(entries)
    seeded.installation.close()
    with subprocess.Popen(
        [sys.executable, "-m", "audit_core", "export", "--output", "-"],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode != 0
    assert "Traceback" not in said
    assert [event.verb for event in events()] == ["export.broken", "export.started"]


def test_days_in_a_query_are_those_of_the_zone(seeded: Seeded) -> None:
    seeded.installation.close()
    everything = ["--format", "jsonl", "--output", "-"]
    day = f"time:{NOON:%Y-%m-%d}"
    whole, _ = run(*everything, "--query", day)
    assert whole
    # Noon there is the next day on the clocks that are 14 hours ahead.
    assert run(*everything, "--query", day, "--zone", "Pacific/Kiritimati")[0] != whole
    next_day = f"time:{NOON + timedelta(days=1):%Y-%m-%d}"
    assert run(*everything, "--query", next_day, "--zone", "Pacific/Kiritimati")[0] == whole
    with pytest.raises(FilterError, match="zone 'Nowhere' is unknown"):
        run(*everything, "--zone", "Nowhere")
