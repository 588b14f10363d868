"""`ingest` and `rejections` at the command line, against a real log and state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.ingest import ingest
from audit_core.cli.rejections import rejections
from audit_core.domain.errors import AuditError, LogLockedError, SourceError
from audit_core.domain.terminal_text import printable
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings

application = typer.Typer()
application.command()(ingest)
application.command()(rejections)

GOOD = {"id": "1", "actorId": "user", "action": "start", "createdAt": "2025-07-31T08:15:27Z"}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/data/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/data/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/data/secret.key")
    monkeypatch.delenv("SANDTRAIL_TOKEN", raising=False)


def write(name: str, *changes: dict[str, object]) -> str:
    Path(name).write_text("\n".join(json.dumps(GOOD | change) for change in changes))
    return name


def run(*arguments: str, stdin: bytes | None = None, code: int) -> tuple[str, str]:
    result = CliRunner().invoke(application, arguments, input=stdin)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_good_files_are_stored_and_running_again_is_harmless() -> None:
    one = write("a.jsonl", {"id": "1", "statusCode": 200}, {"id": "2"})
    two = write("b.json", {"id": "2", "statusCode": 500})
    out, err = run("ingest", one, two, code=0)
    assert out.splitlines() == [
        "a.jsonl: 2 accepted, 0 already known, 0 finished, 0 rejected",
        "b.json: 0 accepted, 0 already known, 1 finished, 0 rejected",
        "Total: 2 accepted, 0 already known, 1 finished, 0 rejected",
    ]
    assert err == ""
    out, _ = run("ingest", one, two, code=0)
    assert out.endswith("Total: 0 accepted, 3 already known, 0 finished, 0 rejected\n")


def test_bad_records_are_kept_and_listed_newest_first() -> None:
    write("a.jsonl", {"id": ""}, {"id": "1"}, {"id": "2", "userAgent": 7})
    out, err = run("ingest", "a.jsonl", code=1)
    assert out == "a.jsonl: 1 accepted, 0 already known, 0 finished, 2 rejected\n"
    assert "rejections" in err
    out, err = run("rejections", code=0)
    assert out.index("a.jsonl:3") < out.index("a.jsonl:1")
    assert "userAgent is 7; it must be a text." in out
    assert err == ""
    out, err = run("rejections", "--limit", "1", "--json", code=0)
    assert json.loads(out)["place"] == "a.jsonl:3"
    assert "newest 1 of more" in err


def test_rejections_that_are_no_longer_kept_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit_core.state.rejections.MAX_OF_ORGANIZATION", 2)
    write("a.jsonl", *({"id": ""} for _ in range(5)))
    assert "5 rejected" in run("ingest", "a.jsonl", code=1)[0]
    out, err = run("rejections", "--json", code=0)
    assert [json.loads(line)["place"] for line in out.splitlines()] == ["a.jsonl:5", "a.jsonl:4"]
    assert err.startswith("3 older ones are no longer kept: of each organization the newest 2 are")
    assert "no longer kept" not in run("rejections", "--organization", "other", code=0)[1]


def test_a_file_that_cannot_be_read_does_not_stop_the_others() -> None:
    Path("c.zip").write_bytes(b"PK\x03\x04")
    write("b.jsonl", {})
    out, err = run("ingest", "none.jsonl", "c.zip", "b.jsonl", code=1)
    assert "b.jsonl: 1 accepted" in out
    assert "none.jsonl cannot be opened" in err
    assert "zip archive" in err
    run("ingest", "none.jsonl", code=2)


def test_a_file_without_records_is_named() -> None:
    Path("a.jsonl").write_bytes(b"")
    Path("b.json").write_text('{"data": [], "total": 0}')
    Path("c.csv").write_text("id,actorId,action,createdAt\n")
    _, err = run("ingest", "a.jsonl", "b.json", "c.csv", code=0)
    assert err.splitlines() == [
        "a.jsonl is empty.",
        'b.json holds no records: the list under "data" is empty.',
        "c.csv holds no records: there is no row below the header.",
    ]


def test_a_file_of_another_system_is_one_sentence_and_keeps_no_rejections() -> None:
    event = {"eventVersion": "1.08", "eventName": "GetCallerIdentity", "eventID": "x"}
    Path("trail.json").write_text(json.dumps({"Records": [event] * 3}))
    out, err = run("ingest", "trail.json", code=2)
    assert out == "trail.json: 0 accepted, 0 already known, 0 finished, 0 rejected\n"
    assert 'trail.json holds a list under "Records"' in err
    assert "AWS CloudTrail" in err
    assert "Nothing was rejected" in run("rejections", code=0)[1]


def test_standard_input_is_read() -> None:
    out, _ = run("ingest", "-", stdin=json.dumps([GOOD]).encode(), code=0)
    assert out == "-: 1 accepted, 0 already known, 0 finished, 0 rejected\n"


def test_only_the_chosen_organization_is_accepted() -> None:
    write("a.jsonl", {"organizationId": "mine"}, {"id": "2", "organizationId": "theirs"})
    out, _ = run("ingest", "--organization", "mine", "a.jsonl", code=1)
    assert "1 accepted" in out
    assert "a.jsonl:2" in run("rejections", "--organization", "mine", code=0)[0]
    assert "Nothing was rejected" in run("rejections", "--organization", "x", code=0)[1]


def test_a_log_in_use_names_the_way_through_the_app() -> None:
    installation = open_installation(read_settings(), utc_now)
    try:
        with pytest.raises(LogLockedError, match="--server URL"):
            run("ingest", write("a.jsonl", {}), code=2)
    finally:
        installation.close()


def test_a_server_that_is_not_there_or_lacks_a_token_is_a_sentence() -> None:
    name = write("a.jsonl", {})
    with pytest.raises(SourceError, match="token"):
        run("ingest", "--server", "http://127.0.0.1:9", name, code=2)
    with pytest.raises(SourceError, match="0 entries were acknowledged"):
        run("ingest", "--server", "http://127.0.0.1:9", "--token", "t", name, code=2)


def test_what_a_terminal_would_act_on_is_written_out() -> None:
    assert printable("a\x1b[2J\n\u202eé") == "a\\x1b[2J\\n\\u202eé"


def test_ctrl_c_says_what_was_acknowledged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        """The second file: the user presses Ctrl-C while it is read."""

        def fileno(self) -> int:
            raise OSError

        def read(self, size: int, /) -> bytes:
            raise KeyboardInterrupt

    write("a.jsonl", {"id": "1"}, {"id": "2"})
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": Interrupted()})())
    with pytest.raises(typer.Exit) as caught:
        ingest(["a.jsonl", "-"])
    assert caught.value.exit_code == 130
    assert "2 entries were acknowledged" in capsys.readouterr().err
