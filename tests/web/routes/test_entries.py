import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from audit_core.domain.access import Permission
from audit_core.domain.entries import AuditEntry
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_batches
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.ingest.records.batches import FOREIGN
from audit_core.ingest.records.record import write_record
from audit_core.state.rejections import list_rejections
from audit_core.web.routes import entries
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
    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})
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


def test_a_compressed_body_is_refused(client: TestClient, bearer: dict[str, str]) -> None:
    body = gzip.compress(lines(entry(1)).encode())
    headers = bearer | {"content-encoding": "gzip"}
    assert client.post(PATH, content=body, headers=headers).status_code == 415
    unannounced = client.post(PATH, content=body, headers=bearer)
    assert unannounced.status_code == 200
    assert unannounced.json()["accepted"] == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"\n\n", b"[]", b"[", b"]", b"null", b"[1,2", b"\xff\xfe", b"{" * 5000, b"[" * 5000],
)
def test_no_body_whatever_makes_an_error_of_the_server(
    client: TestClient, bearer: dict[str, str], body: bytes
) -> None:
    answer = client.post(PATH, content=body, headers=bearer)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 0
    json.dumps(answer.json())


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


def test_reading_is_not_offered_here(client: TestClient) -> None:
    assert client.get(PATH).status_code == 404


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
