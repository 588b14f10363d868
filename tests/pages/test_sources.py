from __future__ import annotations

import dataclasses
import gzip
import json
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from audit_core.cli.ingest import ingest
from audit_core.domain.access import Permission, Role, Scope
from audit_core.domain.entries import LATEST, AuditEntry
from audit_core.domain.rejections import Rejection
from audit_core.domain.secret_shapes import MARK
from audit_core.explore.reader import Reader
from audit_core.identity.accounts import set_membership
from audit_core.ingest.records.batches import FOREIGN
from audit_core.ingest.uploads import Quota, Uploads
from audit_core.log.merge import AppendReport
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import dated_ahead, not_ahead
from audit_core.state.database import State, open_state
from audit_core.state.rejections import keep_rejections, list_rejections
from audit_core.web.security.identity import viewer_of
from pages.parts.shell import cached, viewer
from pages.parts.sources import rejection_list
from pages.parts.sources.file_preview import size_text
from tests.pages.conftest import Open
from tests.support.laws import law
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.support.strategies import entry
from tests.web.conftest import make_client

PAGE = "admin/sources.py"


def record(entry_id: str, organization_id: str | None = ALPHA, **changes: Any) -> dict[str, Any]:
    return {
        "id": entry_id,
        "actorId": "u-1",
        "actorEmail": "ann@example.org",
        "organizationId": organization_id,
        "action": "create",
        "targetType": "sandbox",
        "targetId": "box-1",
        "statusCode": 200,
        "createdAt": "2026-05-04T08:00:00Z",
        **changes,
    }


def lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(item) + "\n" for item in records).encode()


def opened(app: AppTest, **files: bytes) -> AppTest:
    """The page with files chosen; `_` in a name stands for its last dot."""
    app.run()
    app.switch_page(PAGE).run()
    for name, content in files.items():
        choose(app, ".".join(name.rsplit("_", 1)), content)
    return app.run() if files else app


def choose(app: AppTest, name: str, content: bytes) -> str:
    """Choose a file, as the gate lets it through: onto disk, and its receipt into the widget."""
    uploads = cached.installation().uploads
    person = viewer_of(cached.installation(), viewer.session_secret())
    assert person is not None
    upload = uploads.begin(person.session_id, person.account_id, ("tab", secrets.token_hex(4)))
    uploads.write(upload, content)
    uploads.finish(upload)
    app.file_uploader[0].upload(name, json.dumps({"receipt": [upload.receipt]}).encode())
    return upload.receipt


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [item for item in app.main.button if item.label == label]
    return button.click().run()


def texts(app: AppTest) -> str:
    """All that the page shows as Markdown, where text from outside would be obeyed."""
    shown = [*app.main.markdown, *app.main.caption, *app.info, *app.warning, *app.error]
    return "\n".join(item.value for item in shown)


def stored(seeded: Seeded, entry_id: str, organization_id: str = ALPHA) -> AuditEntry | None:
    return Reader(seeded.installation.log).entry(entry_id, Scope(organization_id=organization_id))


def test_a_preview_shows_the_first_records_without_secrets_and_stores_nothing(
    open_app: Open, seeded: Seeded
) -> None:
    message = "password=hunter2-hunter2"
    content = lines(
        *(record(f"e-{number}", statusCode=500, errorMessage=message) for number in range(49)),
        record("bad", createdAt="yesterday", metadata={"password": "hunter2-hunter2"}),
        record("e-50"),
    )
    app = opened(open_app("admin@example.org"), entries_jsonl=content)
    assert not app.exception
    entries, rejected = (item.value for item in app.dataframe)
    assert len(entries) == 49
    assert entries.iloc[0].tolist() == [
        "2026-05-04 08:00:00",
        "ann@example.org",
        "create",
        "sandbox box-1",
        ["Server error · 500"],
        f"password={MARK}",
    ]
    assert rejected["place"].tolist() == ["entries.jsonl:50"]
    assert "yesterday" in rejected["reason"][0]
    assert "hunter2" not in rejected["raw"][0]
    assert "The first 50 records: 49 to store, 1 to reject." in texts(app)
    assert seeded.installation.log.head(ALPHA) == 0
    with seeded.installation.state.read() as connection:
        assert not list_rejections(connection, organization_id=None, limit=1)


def test_storing_reports_what_became_of_each_file_and_puts_it_on_record(
    open_app: Open, seeded: Seeded
) -> None:
    first = lines(record("e-1"), record("e-2", statusCode=None), record("", action="stop"))
    second = gzip.compress(lines(record("e-1"), record("e-2"), record("e-3")))
    app = opened(open_app("admin@example.org"), one_jsonl=first, two_gz=second)
    press(app, "Store 2 files")
    assert not app.exception
    report, rejected = (item.value for item in app.dataframe)
    assert report.to_dict("split")["data"] == [
        ["one.jsonl", 2, 0, 0, 1, "Complete"],
        ["two.gz", 1, 1, 1, 0, "Complete"],
    ]
    assert "**2 files: 3 accepted, 1 already known, 1 finished, 1 rejected**" in texts(app)
    assert rejected["place"].tolist() == ["one.jsonl:3"]
    assert rejected["origin"].tolist() == ["upload: admin@example.org"]
    assert stored(seeded, "e-2").status_code == 200
    events = seeded.events("ingest")
    assert {(item.actor, item.organization_id, item.address) for item in events} == {
        ("admin@example.org", ALPHA, "127.0.0.1")
    }
    assert events[-1].detail == {
        "file": "one.jsonl",
        "bytes": len(first),
        "accepted": 2,
        "known": 0,
        "finished": 0,
        "rejected": 1,
        "ended": True,
    }


def test_after_storing_the_uploader_is_empty_and_the_report_can_be_put_away(
    open_app: Open,
) -> None:
    app = opened(open_app("admin@example.org"), one_jsonl=lines(record("e-1")))
    press(app, "Store 1 file")
    assert app.file_uploader[0].value == []
    assert len(app.dataframe) == 1
    press(app, "Close")
    assert not app.dataframe
    choose(app, "two.jsonl", lines(record("e-1")))
    app.run()
    press(app, "Store 1 file")
    assert "**1 file: 0 accepted, 1 already known, 0 finished, 0 rejected**" in texts(app)


def test_records_of_other_organizations_are_told_before_and_never_stored(
    open_app: Open, seeded: Seeded
) -> None:
    content = lines(record("mine"), record("theirs", BETA), record("nobodys", None))
    app = opened(open_app("admin@example.org"), mixed_jsonl=content)
    assert app.warning[0].value.startswith("2 records belong to another organization")
    press(app, "Store 1 file")
    assert stored(seeded, "mine") is not None
    assert stored(seeded, "theirs", BETA) is None
    assert seeded.events("ingest")[0].detail["rejected"] == 2


def test_a_file_of_another_organization_makes_one_ask_whether_it_is_the_right_one(
    open_app: Open,
) -> None:
    app = opened(open_app("admin@example.org"), theirs_jsonl=lines(record("theirs", BETA)))
    assert "Is the right organization selected?" in app.warning[0].value


BROKEN = {
    "empty": (b" \n", "is empty"),
    "utf32": ("[{}]".encode("utf-32"), "text in UTF\\-32"),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "an image"),
    "other": (
        b'{"Records": [{"eventVersion": "1", "eventName": "a"}]}',
        "AWS CloudTrail",
    ),
    "zip": (b"PK\x03\x04" + bytes(100), "a zip archive"),
    "columns": (b"id,actorId,action\n1,2,3\n", "lacks the column createdAt"),
    "bomb": (gzip.compress(b'{"id":"' + b"a" * 20_000_000, mtime=0), "200 times its size"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_cannot_be_read_is_told_in_a_sentence_and_leaves_the_others_alone(
    open_app: Open, seeded: Seeded, kind: str
) -> None:
    content, sentence = BROKEN[kind]
    app = opened(open_app("admin@example.org"), a_json=content, good_jsonl=lines(record("e-1")))
    assert not app.exception
    told = [item.value + (item.proto.title or "") for item in (*app.error, *app.info)]
    assert len(told) == 1
    assert sentence in told[0]
    press(app, "Store 1 file")
    assert stored(seeded, "e-1") is not None


def test_a_bomb_behind_good_records_stops_its_file_and_not_the_next(
    open_app: Open, seeded: Seeded
) -> None:
    head = lines(*(record(f"e-{number}") for number in range(60)))
    bomb = gzip.compress(head + b'{"id":"' + b"a" * 30_000_000)
    app = opened(open_app("admin@example.org"), a_gz=bomb, b_jsonl=lines(record("after")))
    press(app, "Store 2 files")
    assert not app.exception
    (error,) = app.error
    assert "200 times its size" in error.proto.title
    assert app.dataframe[0].value["end"].tolist() == ["Stopped", "Complete"]
    assert stored(seeded, "e-59") is not None
    assert stored(seeded, "after") is not None
    assert [item.detail["ended"] for item in seeded.events("ingest")] == [True, False]
    assert "Storing a file again is safe" in texts(app)


def test_a_cut_compressed_file_stores_what_it_held_and_keeps_a_rejection_that_says_so(
    open_app: Open, seeded: Seeded
) -> None:
    whole = gzip.compress(lines(*(record(f"e-{number}") for number in range(2_000))))
    app = opened(open_app("admin@example.org"), cut_gz=whole[: len(whole) // 2])
    press(app, "Store 1 file")
    assert not app.exception
    assert stored(seeded, "e-0") is not None
    assert "ends too early" in app.dataframe[1].value["reason"][0]


def test_a_full_disk_is_told_once_and_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_app: Open
) -> None:
    (tmp_path / "full").mkdir()
    full = open_seeded(tmp_path / "full", free_space_floor_mb=10**9)
    try:
        app = open_app()
        waiting = Uploads(tmp_path / "waiting", full.clock, Quota(free_floor=0))
        secret = full.sign_in("admin@example.org")
        monkeypatch.setattr(viewer, "session_secret", lambda: secret)
        installation = dataclasses.replace(full.installation, uploads=waiting)
        monkeypatch.setattr(cached, "installation", lambda: installation)
        opened(app, a_jsonl=lines(record("e-1")), b_jsonl=lines(record("e-2")))
        press(app, "Store 2 files")
        assert not app.exception
        assert len(app.error) == 1
        assert "are free on the disk" in app.error[0].proto.title
        assert app.dataframe[0].value["end"].tolist() == ["Stopped", "Stopped"]
        assert full.installation.log.head(ALPHA) == 0
    finally:
        waiting.close()
        full.installation.close()


def test_a_role_taken_away_while_storing_stops_it_before_the_next_file(
    open_app: Open, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Demoting:
        """The real log, during whose append the role is taken away."""

        def __getattr__(self, name: str) -> Any:
            return getattr(seeded.installation.log, name)

        def append_table(self, arriving: pa.Table) -> AppendReport:
            report = seeded.installation.log.append_table(arriving)
            with seeded.installation.state.begin() as connection:
                set_membership(
                    connection,
                    account_id=seeded.ids["admin@example.org"],
                    organization_id=ALPHA,
                    role=Role.MEMBER,
                )
            return report

    installation = dataclasses.replace(seeded.installation, log=Demoting())  # type: ignore[arg-type]
    app = opened(
        open_app("admin@example.org"),
        a_jsonl=lines(record("e-1")),
        b_jsonl=lines(record("e-2")),
        c_jsonl=lines(record("e-3")),
    )
    monkeypatch.setattr(cached, "installation", lambda: installation)
    press(app, "Store 3 files")
    assert not app.exception
    assert stored(seeded, "e-1") is not None
    assert stored(seeded, "e-2") is None
    assert "You do not have access to this page" in [item.value for item in app.header]
    assert len(seeded.events("ingest")) == 1
    assert len(seeded.events("permission.refused")) == 1
    results = app.session_state["stored_files"]
    assert [item.state for item in results] == ["Complete", "Stopped", "Not started"]


def test_a_file_that_was_not_taken_or_is_gone_or_anothers_is_told_and_leaves_others_alone(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app("both@example.org"))
    theirs = choose(app, "x.jsonl", lines(record("theirs")))
    app = opened(open_app("admin@example.org"))
    choose(app, "good.jsonl", lines(record("e-1")))
    app.file_uploader[0].upload("theirs.jsonl", json.dumps({"receipt": [theirs]}).encode())
    refused = json.dumps({"refused": ["The *disk* is full.", "Tell somebody."]}).encode()
    app.file_uploader[0].upload("large.jsonl", refused)
    old = choose(app, "old.jsonl", lines(record("old")))
    seeded.installation.uploads.discard(old)
    app.run()
    assert not app.exception
    assert [item.proto.title.replace("\\", "") for item in app.error] == [
        "This file is not there any more.",
        "The *disk* is full.",
        "This file is not there any more.",
    ]
    press(app, "Store 1 file")
    assert stored(seeded, "e-1") is not None
    assert stored(seeded, "theirs") is None


def test_a_record_is_refused_with_one_sentence_by_file_by_upload_and_by_http(
    open_app: Open, seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = lines(
        record("e-1"),
        record("e-1", createdAt="2026-05-04T08:00:01Z"),
        record("e-2", BETA),
        record("e-3", None),
        record("e-4", "org-gone", metadata={"unheard": 1}),
        record("", statusCode=7),
    )
    content += b'{"id": NaN}\n[]\n\xff\n'

    token = seeded.token(ALPHA, Permission.INGEST.value)
    client = make_client(seeded.installation)
    answer = client.post(
        "/api/v1/entries", content=content, headers={"authorization": f"Bearer {token}"}
    )
    by_http = {int(item["place"][5:]): item["reason"] for item in answer.json()["rejected"]}

    app = opened(open_app("admin@example.org"), one_jsonl=content)
    press(app, "Store 1 file")
    by_upload = dict(kept_reasons(seeded.installation.state, "upload: admin@example.org"))

    (tmp_path / "one.jsonl").write_bytes(content)
    by_hand = tmp_path / "by-hand"
    by_hand.mkdir()
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{by_hand}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{by_hand}/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{by_hand}/secret.key")
    command = typer.Typer()
    command.command()(ingest)
    arguments = [str(tmp_path / "one.jsonl"), "--organization", ALPHA]
    assert CliRunner().invoke(command, arguments).exit_code == 1
    state = open_state(f"sqlite:///{by_hand}/state.sqlite")
    by_file = dict(kept_reasons(state, "one.jsonl"))
    state.close()

    assert by_file == by_upload == by_http
    assert sorted(by_file) == list(range(2, 10))
    assert {by_file[line] for line in (3, 4, 5)} == {FOREIGN}
    assert not any(item in reason for reason in by_file.values() for item in (BETA, "org-gone"))
    assert all(reason.endswith(".") for reason in by_file.values())


def kept_reasons(state: State, origin: str) -> list[tuple[int, str]]:
    """The line and the reason of each rejection of one file."""
    with state.read() as connection:
        kept = list_rejections(connection, organization_id=ALPHA, limit=100)
    return [(int(item.place.split(":")[1]), item.reason) for item in kept if item.origin == origin]


def test_what_was_stored_is_not_kept_as_a_file(open_app: Open, seeded: Seeded) -> None:
    app = opened(
        open_app("admin@example.org"), one_jsonl=lines(record("e-1")), two_csv=b"of no use"
    )
    folder = seeded.installation.settings.key_file.parent / "uploads"
    assert len([path for path in folder.glob("*/*") if path.name != ".lock"]) == 2
    press(app, "Store 1 file")
    assert [path.name for path in folder.glob("*/*")] == [".lock"]


def test_a_hostile_file_name_is_never_read_as_markdown(open_app: Open, seeded: Seeded) -> None:
    name = "![x](https://evil.example/a.png) <b>.jsonl"
    app = opened(open_app("admin@example.org"))
    choose(app, name, lines(record("e-1"), record("e-2", BETA)))
    choose(app, f"2{name}", b"nothing of use")
    app.run()
    assert f"{name} · " in app.main.text[0].value
    assert "![x](" not in texts(app)
    assert all("![x](" not in item.proto.title for item in app.error)
    press(app, "Store 1 file")
    assert not app.exception
    assert "![x](" not in texts(app)
    assert seeded.events("ingest")[0].detail["file"] == name


def test_the_list_of_rejections_is_of_this_organization_newest_first_and_leads_to_older_ones(
    open_app: Open, seeded: Seeded
) -> None:
    with seeded.installation.state.begin() as connection:
        for organization_id in (ALPHA, BETA, None):
            keep_rejections(
                connection,
                rejections=(
                    Rejection(place=f"{organization_id}:{number}", reason="Why.", raw="{}")
                    for number in range(250)
                ),
                organization_id=organization_id,
                origin="test",
                now=seeded.clock(),
            )
    app = opened(open_app("admin@example.org"))
    expected = [f"{ALPHA}:{number}" for number in range(249, -1, -1)]
    assert app.dataframe[0].value["place"].tolist() == expected[:200]
    assert "The newest 200; there are more." in texts(app)
    press(app, "Older")
    assert app.dataframe[0].value["place"].tolist() == expected[200:]
    assert "50 older ones, and no more." in texts(app)
    press(app, "Newest")
    assert app.dataframe[0].value["place"].tolist() == expected[:200]


def test_rejections_that_are_no_longer_kept_are_told(
    open_app: Open, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit_core.state.rejections.MAX_OF_ORGANIZATION", 5)
    with seeded.installation.state.begin() as connection:
        for organization_id, number in ((ALPHA, 6), (BETA, 9)):
            keep_rejections(
                connection,
                rejections=(Rejection(place=f"{n}", reason="Why.", raw="") for n in range(number)),
                organization_id=organization_id,
                origin="test",
                now=seeded.clock(),
            )
    app = opened(open_app("admin@example.org"))
    assert app.dataframe[0].value["place"].tolist() == ["5", "4", "3", "2", "1"]
    assert "1 older one is no longer kept: of each organization the newest 5 are." in texts(app)


def test_the_other_ways_in_name_the_address_of_this_app(open_app: Open) -> None:
    app = open_app("admin@example.org")
    app.context = {"url": "https://audit.example.org:8443/sources?x=1"}
    opened(app)
    command, request, pipe, exporter = (item.value for item in app.code[-4:])
    assert "ingest \\\n  --server https://audit.example.org:8443 \\\n" in command
    assert "--server https://audit.example.org:8443 \\\n" in pipe
    assert '="https://audit.example.org:8443/api/otlp/v1/logs"' in exporter
    assert request.endswith("https://audit.example.org:8443/api/v1/entries")


SECRET = "s3cret-s3cret"


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"id": "", "metadata": {"env": {"KEY": SECRET}}}),
        '1,create,"{""body"":{""password"":""' + SECRET + '""}}",x',
        '1,create,"{""env"":{""KEY"":""' + SECRET + '""}}"',
        '1,create,"{""password"":""' + SECRET + '"" is cut',
        '{"id": "1", "token": "' + SECRET + '", "cut',
    ],
)
def test_a_rejected_record_is_shown_without_its_secrets(raw: str) -> None:
    shown = rejection_list.redact_record(raw)
    assert SECRET not in shown
    assert MARK in shown


@law(200)
@given(st.text() | st.text(alphabet='{}[]",:a1\\').map(lambda text: text * 3))
def test_any_text_can_stand_in_a_rejected_record(raw: str) -> None:
    assert isinstance(rejection_list.redact_record(raw), str)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_400, "1.4 kB"), (20_000_000, "20.0 MB")],
)
def test_a_size_is_written_in_the_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text


def test_entries_dated_ahead_are_counted_and_led_to(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app("admin@example.org"))
    assert "No entry is dated more than 24 hours ahead" in texts(app)
    soon, far = (seeded.clock() + timedelta(hours=hours) for hours in (23, 100))
    seeded.installation.log.append(
        [
            entry(name, organization_id=organization, created_at=at)
            for name, organization, at in (
                *(("soon", ALPHA, soon), ("far", ALPHA, far)),
                ("last", ALPHA, LATEST - timedelta(seconds=1)),
                ("other", BETA, far),
            )
        ]
    )
    app.run()
    assert not app.exception
    assert "2 entries are dated more than 24 hours ahead" in texts(app)
    assert "2199-12-31 23:59:59 UTC" in texts(app)
    reader, now = Reader(seeded.installation.log), seeded.clock()
    for window, ids in (
        (dated_ahead(now, "UTC"), {"far", "last"}),
        (not_ahead(now, "UTC"), {"soon"}),
    ):
        query = Query(
            EntryFilter(window=window), Scope(organization_id=ALPHA), window.time_range(now)
        )
        assert {row.entry.id for row in reader.page(query, None, 10).rows} == ids
