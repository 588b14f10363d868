from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pandas
import pytest
from starlette.testclient import TestClient

from audit_core.domain.access import Permission, Role, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.evidence.download import FileKind, Format, Progress, stream
from audit_core.evidence.formats.csv_text import Audience
from audit_core.explore.export import tables
from audit_core.explore.reader import Reader
from audit_core.identity.accounts import set_disabled, set_membership
from audit_core.identity.sessions import choose_organization, find_viewer
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window, format_instant
from audit_core.web.errors import ErrorCode
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.evidence.nasty_entries import made
from tests.support.error_shape import code_of
from tests.support.seeded import ALPHA, BETA, Seeded
from tests.web.conftest import app_of
from tests.web.served import served, wait_for

EXPORTERS = ("admin@example.org", "auditor@example.org", "both@example.org")
MANY = 40
LONG = "long text " * 4_000


def as_person(seeded: Seeded, email: str) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(email)}"}


def path(**params: str | list[str]) -> str:
    return f"{EXPORT_PATH}?{urlencode({'window': 'all', 'format': 'jsonl'} | params, doseq=True)}"


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}{path()}"


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["id"] for line in answer.text.split("\n") if line]


@pytest.fixture
def stored(seeded: Seeded) -> list[AuditEntry]:
    """Entries of two organizations and of none; the newest ones shortly before now."""
    now = seeded.clock()
    entries = [
        made(
            number,
            organization_id=(ALPHA, BETA, None)[number % 3],
            status_code=500 if number % 2 else 200,
            created_at=now - timedelta(minutes=60 - number),
        )
        for number in range(30)
    ]
    seeded.installation.log.append(entries)
    return entries


def of(organization_id: str, entries: list[AuditEntry]) -> list[str]:
    return [entry.id for entry in entries if entry.organization_id == organization_id]


@pytest.mark.parametrize("email", EXPORTERS)
@pytest.mark.parametrize("format", [Format.CSV, Format.JSONL])
def test_who_may_export_gets_exactly_what_the_log_holds_of_the_organization(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry], email: str, format: Format
) -> None:
    answer = client.get(path(format=format.value), headers=as_person(seeded, email))
    assert answer.status_code == 200
    scope = Scope(organization_id=ALPHA)
    everything = EntryFilter(window=Window(preset="all"))
    query = Query(everything, scope, TimeRange(since=None, until=None))
    reader = Reader(seeded.installation.log)
    for audience in Audience:
        asked = path(**{"format": format.value, "for": audience.value})
        answer = client.get(asked, headers=as_person(seeded, email))
        pieces = stream(
            reader, query, FileKind(format=format, audience=audience), progress=Progress()
        )
        assert answer.content == b"".join(pieces)
    assert all(entry_id in answer.text for entry_id in of(ALPHA, stored))
    assert not any(entry_id in answer.text for entry_id in of(BETA, stored))


def test_typed_and_packed_files_hold_the_same_entries(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry]
) -> None:
    headers = as_person(seeded, EXPORTERS[0])
    columns = {"columns": "createdAt,id", "times": "Europe/Berlin"}
    table = client.get(path(format="parquet", **columns), headers=headers)
    assert table.headers["content-type"] == "application/vnd.apache.parquet"
    assert table.headers["content-disposition"].endswith('_times-europe-berlin.parquet"')
    assert pandas.read_parquet(io.BytesIO(table.content))["id"].tolist() == of(ALPHA, stored)
    book = client.get(path(format="xlsx", **columns), headers=headers)
    assert "spreadsheetml" in book.headers["content-type"]
    assert pandas.read_excel(io.BytesIO(book.content))["id"].tolist() == of(ALPHA, stored)
    lines = client.get(path(format="jsonl", compression="gzip"), headers=headers)
    assert lines.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in lines.headers
    found = gzip.decompress(lines.content).splitlines()
    assert [json.loads(line)["id"] for line in found] == of(ALPHA, stored)
    details = [event.detail for event in seeded.events("export.started")][::-1]
    assert [detail["format"] for detail in details] == ["parquet", "xlsx", "jsonl"]
    assert details[0]["times"] == "Europe/Berlin"
    assert details[2]["compression"] == "gzip"
    refused = client.get(path(format="xlsx", delimiter="tab"), headers=headers)
    assert (refused.status_code, "no delimiter" in refused.text) == (400, True)


def test_the_answer_is_a_file_that_nothing_keeps_or_sniffs(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry]
) -> None:
    answer = client.get(path(format="csv", window="1d"), headers=as_person(seeded, EXPORTERS[0]))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="audit-log_alpha-works_all_20260503T090000Z_20260504T090000Z'
        '_head-10_for-spreadsheets.csv"'
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]
    assert "content-length" not in answer.headers


def test_start_and_end_of_a_download_are_on_record_with_what_was_asked(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry]
) -> None:
    asked = path(outcome="server_error", window="1d", text="box")
    found = ids(client.get(asked, headers=as_person(seeded, "auditor@example.org")))
    assert found == [entry.id for entry in stored if entry.organization_id == ALPHA][1::2]
    (started,), (finished,) = seeded.events("export.started"), seeded.events("export.finished")
    for event in (started, finished):
        assert (event.actor, event.organization_id) == ("auditor@example.org", ALPHA)
        assert event.address is not None
        assert event.detail["filter"] == {
            "window": ["1d"],
            "outcome": ["server_error"],
            "text": ["box"],
        }
        assert event.detail["format"] == "jsonl"
        assert event.detail["file"].startswith("audit-log_alpha-works_")
        assert event.detail["until"] == seeded.clock().isoformat()
    assert finished.detail["entries"] == len(found)
    assert not seeded.events("export.broken")


def test_the_record_says_how_many_how_big_and_the_checksum(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry]
) -> None:
    asked = path(format="csv")
    answer = client.get(asked, headers=as_person(seeded, EXPORTERS[0]))
    (started,), (finished,) = seeded.events("export.started"), seeded.events("export.finished")
    assert finished.detail["entries"] == len(of(ALPHA, stored))
    assert finished.detail["bytes"] == len(answer.content)
    assert finished.detail["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert finished.detail["for"] == "spreadsheets"
    assert finished.detail["download"] == started.detail["download"]


@pytest.mark.parametrize(
    ("params", "title"),
    [
        ({}, "all"),
        ({"actor": "ann@example.org", "outcome": "server_error"}, "user-ann-example-org-outcome-"),
        ({"view": "denied", "query": "status:(401 OR 403)"}, "denied-401-403_"),
        ({"view": "denied", "query": "status:401"}, "status-"),
        ({"view": "0" * 32, "text": "box"}, "text-box_"),
    ],
)
def test_the_file_is_called_after_the_view_else_after_the_filter(
    client: TestClient, seeded: Seeded, params: dict[str, str], title: str
) -> None:
    answer = client.get(path(**params), headers=as_person(seeded, EXPORTERS[0]))
    assert answer.status_code == 200
    assert f"audit-log_alpha-works_{title}" in answer.headers["content-disposition"]


def test_nothing_that_matches_makes_an_empty_file_with_a_header(
    client: TestClient, seeded: Seeded
) -> None:
    headers = as_person(seeded, EXPORTERS[0])
    assert client.get(path(), headers=headers).content == b""
    assert client.get(path(format="csv"), headers=headers).text.count("\r\n") == 1
    assert [event.detail["entries"] for event in seeded.events("export.finished")] == [0, 0]


def test_nobody_and_a_token_get_401(client: TestClient, seeded: Seeded) -> None:
    bearer = seeded.token(ALPHA, Permission.READ.value)
    for headers in (
        {},
        {"cookie": f"{SESSION_COOKIE}=unknown"},
        {"authorization": f"Bearer {bearer}"},
        {"x-sandtrail-account": seeded.ids["admin@example.org"]},
    ):
        answer = client.get(path(), headers=headers)
        assert code_of(answer) is ErrorCode.UNAUTHORIZED
    assert not seeded.events("export.started")


@pytest.mark.parametrize("granted", [False, True])
def test_a_member_gets_403_also_when_allowed_to_read(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry], granted: bool
) -> None:
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.READ: None} if granted else {},
        )
    answer = client.get(path(), headers=as_person(seeded, "member@example.org"))
    assert answer.status_code == 403
    assert answer.json()["permission"] == "export:audit_logs"
    (event,) = seeded.events("permission.refused")
    assert (event.actor, event.detail["permission"]) == ("member@example.org", "export:audit_logs")
    assert not seeded.events("export.started")


def test_who_is_in_no_organization_gets_403(client: TestClient, seeded: Seeded) -> None:
    answer = client.get(path(), headers=as_person(seeded, "nobody@example.org"))
    assert answer.status_code == 403


def test_losing_the_role_or_the_account_counts_at_the_next_request(
    client: TestClient, seeded: Seeded
) -> None:
    headers = as_person(seeded, "auditor@example.org")
    assert client.get(path(), headers=headers).status_code == 200
    account_id = seeded.ids["auditor@example.org"]
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=account_id,
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={},
        )
    assert client.get(path(), headers=headers).status_code == 403
    with seeded.installation.state.begin() as connection:
        set_disabled(connection, account_id=account_id, disabled=True)
    assert client.get(path(), headers=headers).status_code == 401


@pytest.mark.parametrize("organization", [BETA, "org-unknown", ""])
def test_another_organization_than_the_present_one_is_409_and_sends_nothing(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry], organization: str
) -> None:
    for email in ("admin@example.org", "both@example.org"):
        answer = client.get(path(organization=organization), headers=as_person(seeded, email))
        assert answer.status_code == 409
        assert "reload" in answer.json()["hint"]
        assert "box-" not in answer.text
    assert not seeded.events("export.started")


def test_the_organization_is_that_of_the_session_row(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry]
) -> None:
    secret = seeded.sign_in("both@example.org")
    headers = {"cookie": f"{SESSION_COOKIE}={secret}"}
    assert ids(client.get(path(organization=ALPHA), headers=headers)) == of(ALPHA, stored)
    with seeded.installation.state.begin() as connection:
        viewer = find_viewer(connection, secret=secret, now=seeded.clock())
        assert viewer is not None
        choose_organization(connection, session_id=viewer.session_id, organization_id=BETA)
    assert client.get(path(organization=ALPHA), headers=headers).status_code == 409
    for asked in (path(), path(organization=BETA)):
        assert ids(client.get(asked, headers=headers)) == of(BETA, stored)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"format": "pdf"}, "pdf"),
        ({"columns": "id,age"}, "age"),
        ({"format": ""}, "csv, jsonl"),
        ({"for": "people"}, "spreadsheets, machines"),
        ({"as_of": "yesterday"}, "yesterday"),
        ({"as_of": "2026-05-04T09:00:00"}, "offset"),
        ({"window": "9d"}, "9d"),
        ({"status": "abc"}, "abc"),
        ({"outcome": "bad"}, "bad"),
        ({"organisation": ALPHA}, "organisation"),
        ({"zone": "Mars/Phobos"}, "Mars/Phobos"),
        ({"from": "2026-05-04T09:00:00Z"}, "window"),
        ({"actor": ""}, "actor"),
        ({"text": "x" * 501}, "501"),
    ],
)
def test_a_request_that_cannot_be_read_is_400_and_says_what_is_wrong(
    client: TestClient, seeded: Seeded, params: dict[str, str], named: str
) -> None:
    answer = client.get(path(**params), headers=as_person(seeded, EXPORTERS[0]))
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert answer.json()["hint"]
    assert not seeded.events("export.started")


def test_other_methods_are_refused(client: TestClient, seeded: Seeded) -> None:
    headers = as_person(seeded, EXPORTERS[0]) | {"origin": "http://testserver"}
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, path(), headers=headers).status_code in (403, 404, 405)
    assert not seeded.events("export.started")


def test_a_relative_window_counts_from_the_moment_that_the_page_showed(
    client: TestClient, seeded: Seeded, stored: list[AuditEntry]
) -> None:
    headers = as_person(seeded, EXPORTERS[0])
    shown = seeded.clock()
    seeded.clock.pass_by(minutes=45)
    # An hour before now all but two of the entries are too old; when the page was drawn none was.
    assert len(ids(client.get(path(window="1h"), headers=headers))) < len(of(ALPHA, stored))
    asked = path(window="1h", as_of=format_instant(shown))
    assert ids(client.get(asked, headers=headers)) == of(ALPHA, stored)
    ahead = path(window="1h", as_of=format_instant(seeded.clock() + timedelta(days=400)))
    assert ids(client.get(ahead, headers=headers)) == ids(
        client.get(path(window="1h"), headers=headers)
    )


@pytest.fixture
def long_file(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download of many steps, larger than what a connection holds on its way."""
    monkeypatch.setattr(tables, "STEP", 1)
    seeded.installation.log.append([made(number, error_message=LONG) for number in range(MANY)])


@pytest.mark.usefixtures("long_file")
def test_a_reader_who_goes_away_midway_is_on_record(seeded: Seeded) -> None:
    with served(app_of(seeded.installation)) as port:
        cookie = as_person(seeded, EXPORTERS[0])["cookie"]
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            request = f"GET {path()} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n"
            connection.sendall(request.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        wait_for(lambda: seeded.events("export.broken"))
    (event,) = seeded.events("export.broken")
    assert event.detail["entries"] < MANY
    assert not seeded.events("export.finished")
    assert len(seeded.events("export.started")) == 1


@pytest.mark.usefixtures("long_file")
def test_an_error_midway_breaks_the_transfer_and_is_never_a_shorter_file(seeded: Seeded) -> None:
    with served(app_of(seeded.installation)) as port:
        with (
            httpx.stream("GET", address(port), headers=as_person(seeded, EXPORTERS[0])) as answer,
            pytest.raises(httpx.RemoteProtocolError),
        ):
            assert answer.status_code == 200
            pieces = answer.iter_raw(chunk_size=1000)
            next(pieces)
            seeded.installation.log.close()
            for _ in pieces:
                pass
        wait_for(lambda: seeded.events("export.broken"))
    (event,) = seeded.events("export.broken")
    assert event.detail["entries"] < MANY


@pytest.mark.usefixtures("long_file")
def test_the_first_bytes_come_before_the_last_are_read(seeded: Seeded) -> None:
    with served(app_of(seeded.installation)) as port:
        with httpx.stream("GET", address(port), headers=as_person(seeded, EXPORTERS[0])) as answer:
            pieces = answer.iter_raw(chunk_size=1000)
            next(pieces)
            assert not seeded.events("export.finished")
            assert sum(map(len, pieces)) > MANY * len(LONG) - 1000
        wait_for(lambda: seeded.events("export.finished"))


def test_asking_for_headers_only_reads_nothing_and_is_no_export(seeded: Seeded) -> None:
    with served(app_of(seeded.installation)) as port:
        answer = httpx.head(address(port), headers=as_person(seeded, EXPORTERS[0]))
    assert answer.status_code == 405
    assert not seeded.events("export.started")
