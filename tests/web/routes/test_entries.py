import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from audit_core.domain.access import Permission
from audit_core.domain.entries import AuditEntry
from audit_core.domain.rejections import Rejection
from audit_core.identity.api_tokens import list_tokens
from audit_core.ingest.files import read_batches
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.ingest.records.batches import FOREIGN
from audit_core.ingest.records.record import write_record
from audit_core.state.rejections import list_rejections
from audit_core.web.errors import ErrorCode
from audit_core.web.routes import entries
from tests.support.error_shape import code_of
from tests.support.laws import law
from tests.support.seeded import ALPHA, BETA, PEOPLE, Seeded, open_seeded
from tests.web.conftest import make_client

PATH = "/api/v1/entries"
INGEST = Permission.INGEST.value


def entry(number: int, organization_id: str | None = ALPHA, status: int | None = 200) -> AuditEntry:
    return AuditEntry(
        id=f"entry-{number}",
        actor_id="user-1",
        actor_email="ann@example.org",
        actor_api_key_prefix=None,
        actor_api_key_suffix=None,
        organization_id=organization_id,
        action="create",
        target_type="sandbox",
        target_id=f"box-{number}",
        status_code=status,
        error_message=None,
        ip_address=None,
        user_agent=None,
        source=None,
        metadata='{"a":1}',
        created_at=datetime(2026, 5, 4, 8, 0, tzinfo=UTC),
    )


def lines(*written: AuditEntry) -> str:
    return "\n".join(write_record(item) for item in written)


@pytest.fixture
def bearer(seeded: Seeded) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(ALPHA, INGEST)}"}


def test_entries_are_in_the_log_when_the_answer_comes(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    body = lines(entry(1), entry(2, status=None))
    first = client.post(PATH, content=body, headers=bearer)
    assert first.status_code == 200
    assert first.json() == {"accepted": 2, "known": 0, "finished": 0, "rejected": []}
    assert seeded.installation.log.head(ALPHA) == 2
    again = client.post(PATH, content=lines(entry(1), entry(2)), headers=bearer)
    assert again.json() == {"accepted": 0, "known": 1, "finished": 1, "rejected": []}
    assert [event.actor for event in seeded.events("ingest")] == ["collector"] * 2


def test_what_arrives_is_noted_with_its_token_and_what_was_known_is_not(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    def noted() -> datetime | None:
        with seeded.installation.state.read() as connection:
            (token,) = list_tokens(connection, organization_id=ALPHA)
        return token.arrivals and token.arrivals.last

    assert noted() is None
    client.post(PATH, content=lines(entry(1)), headers=bearer)
    first = seeded.clock()
    assert noted() == first
    seeded.clock.pass_by(minutes=5)
    client.post(PATH, content=lines(entry(1)), headers=bearer)
    assert noted() == first
    client.post(PATH, content=lines(entry(2)), headers=bearer)
    assert noted() == seeded.clock()


def test_an_array_is_taken_as_well(client: TestClient, bearer: dict[str, str]) -> None:
    body = f" [{write_record(entry(1))},\n{write_record(entry(2))}]"
    assert client.post(PATH, content=body, headers=bearer).json()["accepted"] == 2


def test_bad_records_are_told_and_kept_and_stop_no_others(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    body = "\n".join([write_record(entry(1)), '{"id": NaN}', "", "{", write_record(entry(2))])
    answer = client.post(PATH, content=body, headers=bearer).json()
    assert answer["accepted"] == 2
    assert [item["place"] for item in answer["rejected"]] == ["line 2", "line 4"]
    assert all(item["reason"] for item in answer["rejected"])
    assert answer["rejected"][0]["raw"] == '{"id": NaN}'
    with seeded.installation.state.read() as connection:
        kept = list_rejections(connection, organization_id=ALPHA, limit=10)
    assert {item.place for item in kept} == {"line 2", "line 4"}
    assert {item.origin for item in kept} == {"http: collector"}


@pytest.mark.parametrize("organization_id", [BETA, None])
def test_a_token_writes_to_its_own_organization_only(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], organization_id: str | None
) -> None:
    answer = client.post(PATH, content=lines(entry(1, organization_id)), headers=bearer).json()
    assert answer["accepted"] == 0
    assert answer["rejected"][0]["reason"] == FOREIGN
    assert seeded.installation.log.head(None) == 0


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic abc", "Bearer \xe9"])
def test_no_valid_token_gets_401_without_detail_and_is_on_record(
    client: TestClient, seeded: Seeded, header: str | None
) -> None:
    headers = {"authorization": header.encode("latin-1")} if header else {}
    if not header or not header.startswith("Bearer "):
        headers["origin"] = b"http://testserver"
    answer = client.post(PATH, content=lines(entry(1)), headers=headers)
    assert code_of(answer) is ErrorCode.UNAUTHORIZED
    assert answer.json().keys() == {"error", "hint", "code"}
    assert answer.headers["www-authenticate"] == "Bearer"
    assert len(seeded.events("token.refused")) == 1
    assert seeded.installation.log.head(None) == 0


def test_guessing_does_not_fill_the_record(client: TestClient, seeded: Seeded) -> None:
    for _ in range(20):
        client.post(PATH, headers={"authorization": "Bearer wrong"})
    assert [event.count for event in seeded.events("token.refused")] == [20]
    seeded.clock.pass_by(seconds=61)
    client.post(PATH, headers={"authorization": "Bearer wrong"})
    assert len(seeded.events("token.refused")) == 2


def test_an_expired_token_is_no_token(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    seeded.clock.pass_by(days=2)
    assert client.post(PATH, headers=bearer).status_code == 401


def test_a_token_without_the_verb_is_told_which_is_missing(
    client: TestClient, seeded: Seeded
) -> None:
    headers = {"authorization": f"Bearer {seeded.token(ALPHA, Permission.READ.value)}"}
    answer = client.post(PATH, content=lines(entry(1)), headers=headers)
    assert (answer.status_code, answer.json()["permission"]) == (403, INGEST)


def test_a_token_is_refused_from_elsewhere_and_told_from_where(
    client: TestClient, seeded: Seeded
) -> None:
    headers = {"authorization": f"Bearer {seeded.token(ALPHA, INGEST, networks='192.0.2.0/24')}"}
    answer = client.post(PATH, content=lines(entry(1)), headers=headers)
    assert answer.status_code == 403
    assert "not accepted from the address testclient" in answer.json()["reason"]
    (event,) = seeded.events("token.refused")
    assert (event.actor, event.organization_id) == ("collector", ALPHA)
    assert seeded.installation.log.head(ALPHA) == 0


@pytest.mark.parametrize("email", PEOPLE)
def test_a_session_of_whatever_role_is_no_token(
    client: TestClient, seeded: Seeded, email: str
) -> None:
    if email.startswith("disabled"):
        return
    headers = {
        "origin": "http://testserver",
        "cookie": f"sandtrail_session={seeded.sign_in(email)}",
    }
    assert client.post(PATH, content=lines(entry(1)), headers=headers).status_code == 401


def test_lines_of_a_log_beside_its_entries_are_counted_and_may_not_be_too_many(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    line = f"LOG [AuditService] AUDIT_ENTRY: {write_record(entry(1))}\n"
    answer = client.post(PATH, content=f"Starting\n{line}AUDIT_ENTRY: {{\n", headers=bearer)
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["other_lines"]) == (200, 1, 1)
    assert [one["place"] for one in told["rejected"]] == ["line 3"]
    # None of these is an entry, which is no fault of whoever sends them.
    answer = client.post(PATH, content="<14>1 - h a - - - hello\n" * 3, headers=bearer)
    assert (answer.status_code, answer.json()["other_lines"]) == (200, 3)
    answer = client.post(PATH, content=line + "a b\n" * 100_001, headers=bearer)
    assert answer.status_code == 413
    assert "100,000 lines" in answer.json()["error"]
    assert seeded.installation.log.head(ALPHA) == 1


def test_too_many_bytes_are_refused_while_they_stream_in(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_BYTES", 1000)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100_000:
            sent += 100
            yield b"x" * 100

    assert client.post(PATH, content=endless(), headers=bearer).status_code == 413
    assert client.post(PATH, content=b"x" * 1001, headers=bearer).status_code == 413
    assert seeded.installation.log.head(None) == 0


@pytest.mark.parametrize("shape", ["lines", "array"])
def test_more_entries_than_allowed_store_nothing(
    client: TestClient,
    seeded: Seeded,
    bearer: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    shape: str,
) -> None:
    monkeypatch.setattr(entries, "MAX_ENTRIES", 3)
    written = [write_record(entry(number)) for number in range(4)]

    def body(records: list[str]) -> str:
        return "\n".join(records) if shape == "lines" else f"[{','.join(records)}]"

    assert client.post(PATH, content=body(written), headers=bearer).status_code == 413
    assert seeded.installation.log.head(None) == 0
    answer = client.post(PATH, content=body(written[:3]), headers=bearer)
    assert answer.json()["accepted"] == 3


TWO = [entry(1), entry(2)]
PAGE = {"total": 2, "items": [json.loads(write_record(item)) for item in TWO]}


def as_table(*written: AuditEntry) -> str:
    rows = [json.loads(write_record(item)) for item in written]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"metadata": json.dumps(row["metadata"])})
    return text.getvalue()


BODIES = {
    "lines": lines(*TWO).encode(),
    "pretty objects": "\n".join(json.dumps(item, indent=1) for item in PAGE["items"]).encode(),
    "a page": json.dumps(PAGE, indent=2).encode(),
    "data": json.dumps({"data": PAGE["items"], "total": 2}).encode(),
    "csv": as_table(*TWO).encode(),
    "utf-16": lines(*TWO).encode("utf-16"),
    "utf-16 without a mark": as_table(*TWO).encode("utf-16-le"),
    "gzip": gzip.compress(lines(*TWO).encode(), mtime=0),
    "zstd": zstandard.compress(json.dumps(PAGE).encode()),
    "zstd of csv in utf-16": zstandard.compress(as_table(*TWO).encode("utf-16")),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_is_read_as_a_file_is(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], what: str
) -> None:
    answer = client.post(PATH, content=BODIES[what], headers=bearer)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2), answer.text
    assert answer.json()["rejected"] == []
    encodings = ["gzip", "x-gzip"] if what == "gzip" else ["zstd"] if "zstd" in what else []
    for encoding in [*encodings, "identity"]:
        headers = bearer | {"content-encoding": encoding}
        again = client.post(PATH, content=BODIES[what], headers=headers)
        assert again.json()["known"] == 2
    assert seeded.installation.log.head(ALPHA) == 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-encoding": "br"}, b"x"),
        (
            {"content-encoding": "gzip, gzip"},
            gzip.compress(gzip.compress(lines(*TWO).encode(), mtime=0), mtime=0),
        ),
        ({}, gzip.compress(gzip.compress(lines(*TWO).encode(), mtime=0), mtime=0)),
        ({"content-type": "application/xml"}, b"<a/>"),
        ({"content-type": "image/png"}, b"\x89PNG"),
        ({"content-type": "multipart/form-data; boundary=b"}, b"--b\r\nContent-Disposition"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"entries=%5B%5D&a=b"),
        ({"content-type": "text/csv; charset=iso-8859-1"}, "id,actorId\n1,é".encode("latin-1")),
        ({}, b"PK\x03\x04 a workbook"),
        ({}, lines(*TWO).encode("utf-32")),
    ],
)
def test_a_type_or_an_encoding_that_is_not_read_is_415(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    answer = client.post(PATH, content=body, headers=bearer | headers)
    assert answer.status_code == 415, answer.text
    assert answer.json()["error"].endswith(".")
    assert answer.json()["hint"]
    (event,) = seeded.events("body.refused")
    assert (event.actor, event.detail["reason"]) == ("collector", answer.json()["error"])
    assert not seeded.events("ingest")


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "text/plain; charset=ISO-8859-1", "application/x-ndjson"],
)
def test_what_clients_say_of_a_body_unasked_does_no_harm(
    client: TestClient, bearer: dict[str, str], kind: str
) -> None:
    headers = bearer | {"content-type": kind}
    assert client.post(PATH, content=lines(*TWO), headers=headers).json()["accepted"] == 2


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "The body is empty."),
        (b"\n\n", "blank lines only"),
        (b"[]", "the list is empty"),
        (b'{"items": []}', 'the list under "items" is empty'),
        (b"id,actorId,action,createdAt\n", "no row below the header"),
        (b"[", "ends before the list is closed"),
        (b"]", "begins with ']'"),
        (b"null", "begins with 'null'"),
        (b"hello\nworld", "begins with 'hello'"),
        (b"\xff\xfe", "empty"),
        (gzip.compress(lines(*TWO).encode(), mtime=0)[:20], "ends too early"),
        (b'{"Records": [{"eventVersion": "1", "eventName": "a"}]}', "AWS CloudTrail"),
        (b'{"statusCode": 401, "message": "Unauthorized"}', "401 Unauthorized"),
        (b"<!doctype html><title>Sign in</title>", "HTML page"),
    ],
)
def test_a_body_without_any_record_is_400_with_what_was_found(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], body: bytes, found: str
) -> None:
    answer = client.post(PATH, content=body, headers=bearer)
    assert answer.status_code == 400
    assert found in answer.json()["error"]
    with seeded.installation.state.read() as connection:
        assert not list_rejections(connection, organization_id=ALPHA, limit=10)


@pytest.mark.parametrize("body", [b"{}", b"[1,2", b'{"id": NaN}', b"{" * 5000, b"[" * 5000])
def test_records_of_which_none_is_accepted_are_422_with_the_report(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], body: bytes
) -> None:
    answer = client.post(PATH, content=body, headers=bearer)
    assert answer.status_code == 422
    assert answer.json()["accepted"] == 0
    assert answer.json()["rejected"]
    with seeded.installation.state.read() as connection:
        assert list_rejections(connection, organization_id=ALPHA, limit=10)


def test_what_is_known_already_is_no_failure(client: TestClient, bearer: dict[str, str]) -> None:
    body = lines(entry(1)) + "\n{}"
    for _ in range(2):
        assert client.post(PATH, content=body, headers=bearer).status_code == 200


def test_what_unpacks_to_more_than_is_taken_is_413(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    for pack in (gzip.compress, zstandard.compress):
        answer = client.post(PATH, content=pack(b" " * 11_000_000), headers=bearer)
        assert (answer.status_code, "decompressed" in answer.text) == (413, True)
    assert [event.count for event in seeded.events("size.refused")] == [2]


def test_a_full_disk_is_507_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    full = open_seeded(tmp_path / "full", free_space_floor_mb=10**9)
    try:
        headers = {"authorization": f"Bearer {full.token(ALPHA, INGEST)}"}
        answer = make_client(full.installation).post(PATH, content=lines(entry(1)), headers=headers)
    finally:
        full.installation.close()
    assert answer.status_code == 507
    assert "MB are free" in answer.json()["error"]
    assert answer.json()["hint"]


def test_changing_is_not_offered(client: TestClient, bearer: dict[str, str]) -> None:
    answer = client.put(PATH, headers=bearer)
    assert code_of(answer) is ErrorCode.METHOD_NOT_ALLOWED


bodies = st.lists(
    st.one_of(
        st.builds(
            lambda number, organization_id, status, day: write_record(
                replace(
                    entry(number, organization_id, status),
                    created_at=datetime(2026, 5, day, tzinfo=UTC),
                )
            ).encode(),
            st.integers(1, 4),
            st.sampled_from((ALPHA, ALPHA, BETA, None, "org-gone")),
            st.sampled_from((None, 0, 200)),
            st.integers(1, 2),
        ),
        st.sampled_from((b"{}", b"[]", b"", b"{", b"\xff", b'{"id": NaN}', b'{"id":"a","id":"b"}')),
        st.binary(max_size=5).map(lambda some: some.replace(b"\n", b"")),
    ),
    max_size=20,
).map(lambda written: b"\n".join([write_record(entry(0)).encode(), *written]))
"""They begin with an entry, by which a file is told to be JSON lines."""


@law(60)
@given(bodies)
def test_a_body_is_judged_as_the_same_file_is(one: Seeded, body: bytes) -> None:
    headers = {"authorization": f"Bearer {one.token(ALPHA, INGEST)}"}
    answer = make_client(one.installation).post(PATH, content=body, headers=headers).json()
    by_file: list[Rejection] = []
    report = ingest(
        read_batches(io.BytesIO(body), "f"),
        append=one.installation.log.append_table,
        keep=by_file.extend,
        organization_id=ALPHA,
    )
    assert [(item["place"], item["reason"], item["raw"]) for item in answer["rejected"]] == [
        (item.place.replace("f:", "line "), item.reason, item.raw) for item in by_file
    ]
    stored = answer["accepted"] + answer["known"] + answer["finished"]
    assert report == IngestReport(known=stored, rejected=len(by_file))
    assert not any(BETA in item.reason or "org-gone" in item.reason for item in by_file)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path_factory.mktemp("one"))
    yield seeded
    seeded.installation.close()
