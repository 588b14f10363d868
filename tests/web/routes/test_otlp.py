"""OTLP over HTTP: what is stored, what is answered, and which refusals a sender repeats."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import pytest
import zstandard
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from starlette.testclient import TestClient

from audit_core.domain.access import Permission
from audit_core.domain.errors import AuditError, BusyError, LogBehindError, StoreUnavailableError
from audit_core.state.rejections import list_rejections
from audit_core.web.routes.otlp import OTLP_PATH
from tests.ingest.formats.test_log_lines import CODER
from tests.ingest.otlp.test_log_records import ENTRY, in_json, record, request
from tests.support.laws import law
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.conftest import app_of, make_client
from tests.web.served import served

INGEST = Permission.INGEST.value
PROTOBUF = "application/x-protobuf"
LOGIN = {"user.id": "u", "event.name": "login"}


@pytest.fixture
def bearer(seeded: Seeded) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(ALPHA, INGEST)}", "content-type": PROTOBUF}


def sent(*records: object) -> bytes:
    return request(*records).SerializeToString()  # type: ignore[arg-type]


def test_entries_are_in_the_log_when_the_answer_comes(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    body = sent(record("x", LOGIN), record({**ENTRY, "organizationId": ALPHA}))
    for packed, encoding in (
        (body, "identity"),
        (gzip.compress(body), "gzip"),
        (zstandard.compress(body), "zstd"),
    ):
        headers = {**bearer, "content-encoding": encoding}
        answer = client.post(OTLP_PATH, content=packed, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == PROTOBUF
        assert seeded.installation.log.head(ALPHA) == 2
    answer = client.post(
        OTLP_PATH,
        json=in_json(ExportLogsServiceRequest.FromString(body)),
        headers={**bearer, "content-type": "application/json; charset=utf-8"},
    )
    assert (answer.status_code, answer.json()) == (200, {})
    assert seeded.installation.log.head(ALPHA) == 2
    assert [event.actor for event in seeded.events("ingest")] == ["collector"] * 4


def test_what_is_not_stored_is_a_partial_success(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    body = sent(
        record("x", LOGIN),
        record("started"),
        record("AUDIT_ENTRY: {}"),
        record({**ENTRY, "organizationId": BETA}),
    )
    answer = client.post(OTLP_PATH, content=body, headers=bearer)
    partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_log_records) == (200, 3)
    assert "record 3: " in partial.error_message
    assert "record 4: The record does not belong" in partial.error_message
    assert "1 log records are no audit entries" in partial.error_message
    with seeded.installation.state.read() as connection:
        kept = list_rejections(connection, organization_id=ALPHA, limit=10)
    assert sorted(one.place for one in kept) == ["record 3", "record 4"]
    headers = {**bearer, "content-type": "application/json"}
    answer = client.post(OTLP_PATH, json=in_json(request(record("started"))), headers=headers)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert client.post(OTLP_PATH, content=b"", headers=bearer).status_code == 200


def test_a_body_of_another_system_is_read_by_its_mapping(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    body = sent(record(CODER, {"a": 1}), record(json.dumps(CODER)), record("x", LOGIN))
    answer = client.post(OTLP_PATH, content=body, headers=bearer)
    # The second one is the first once more, by its id.
    assert (answer.status_code, answer.content) == (200, b"")
    assert seeded.installation.log.head(ALPHA) == 2
    (event,) = seeded.events("ingest")
    assert (event.detail["mapping"], event.detail["known"]) == ("coder", 1)


def large_resource() -> bytes:
    """A few records that would each keep two megabytes of their resource."""
    resource = {f"a{number}": "x" * 60_000 for number in range(40)}
    records = [record("x", LOGIN, time_unix_nano=number + 1) for number in range(30)]
    return request(*records, resource=resource).SerializeToString()


def test_refusals_are_a_status_in_the_encoding_of_the_request(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    body = sent(record("x", LOGIN))
    reader = {**bearer, "authorization": f"Bearer {seeded.token(ALPHA, Permission.READ.value)}"}
    many = sent(*([record("x")] * 10_001))
    for status, content, headers in (
        (401, body, {**bearer, "authorization": "Bearer none"}),
        (401, body, {"content-type": PROTOBUF}),
        (401, body, {"content-type": PROTOBUF, "origin": "https://evil.example"}),
        (403, body, reader),
        (400, b"\x0a\xff", bearer),
        (400, gzip.compress(body)[:-9], {**bearer, "content-encoding": "gzip"}),
        (413, b"x" * 10_000_001, bearer),
        (413, gzip.compress(b"\0" * 10_000_001), {**bearer, "content-encoding": "gzip"}),
        (413, many, bearer),
        (413, sent(record([0] * 500_001)), bearer),
        (413, large_resource(), bearer),
        (415, body, {**bearer, "content-encoding": "br"}),
    ):
        answer = client.post(OTLP_PATH, content=content, headers=headers)
        assert answer.status_code == status
        told = Status.FromString(answer.content)
        assert told.code
        assert told.message
        assert "retry-after" not in answer.headers
        assert seeded.installation.log.head(ALPHA) == 0
    answer = client.post(OTLP_PATH, content=body, headers={**bearer, "content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, 3)
    answer = client.post(
        OTLP_PATH,
        content=b'{"resourceLogs": 1}',
        headers={**bearer, "content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert {event.verb for event in seeded.events("size.refused")} == {"size.refused"}
    assert seeded.events("token.refused")
    assert seeded.events("body.refused")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (StoreUnavailableError("The log is away.", "Wait."), 503, "10"),
        (LogBehindError("The log is behind.", "Wait."), 503, "10"),
        (BusyError("Too much.", "Wait.", retry_after_s=7), 503, "7"),
        (BusyError("Too much.", "Wait.", retry_after_s=7, own=True), 429, "7"),
        (AuditError("Wrongly set up.", "Mend it."), 500, None),
    ],
)
def test_what_passes_by_itself_is_to_be_sent_again(
    error: AuditError, status: int, retry_after: str | None
) -> None:
    answer = make_client(error).post(
        OTLP_PATH, content=b"", headers={"authorization": "Bearer x", "content-type": PROTOBUF}
    )
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
    assert error.message in Status.FromString(answer.content).message


def test_a_full_disk_is_to_be_sent_again(tmp_path: Path) -> None:
    seeded = open_seeded(tmp_path, free_space_floor_mb=10**9)
    headers = {"authorization": f"Bearer {seeded.token(ALPHA, INGEST)}", "content-type": PROTOBUF}
    with make_client(seeded.installation) as client:
        answer = client.post(OTLP_PATH, content=sent(record("x", LOGIN)), headers=headers)
    seeded.installation.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


WHOLE = sent(record({"a": [1, {"b": 2.5}], "action": "x"}, LOGIN, trace_id=b"\1" * 16))


@law(300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=40)
    | st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 6), st.binary(max_size=6)).map(
        lambda cut: WHOLE[: cut[0]] + cut[2] + WHOLE[cut[0] + cut[1] :]
    ),
    st.booleans(),
)
@example(b"\x0a\x00" * 200_000, False)
@example(b"\x0a\x02\x12\x00" * 100_000, False)
@example(b'{"resourceLogs":[' + b"{}," * 600_000 + b"{}]}", True)
@example(b'{"resourceLogs":' * 5_000, True)
@example(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"zz"}]}]}]}', True)
@example(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"-1"}]}]}]}', True)
@example(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"\\ud800"}]}]}]}', True)
@example(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[null]}]}]}', True)
@example(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"flags":1e99}]}]}]}', True)
def test_no_bytes_are_a_fault_of_ours(
    client: TestClient, bearer: dict[str, str], body: bytes, in_text: bool
) -> None:
    kind = "application/json" if in_text else PROTOBUF
    answer = client.post(OTLP_PATH, content=body, headers={**bearer, "content-type": kind})
    assert answer.status_code in (200, 400, 413)
    if answer.status_code != 200 and not in_text:
        assert Status.FromString(answer.content).message


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_official_exporter_delivers_unchanged(
    seeded: Seeded,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    compression: Compression,
) -> None:
    with served(app_of(seeded.installation)) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}/api/otlp")
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{seeded.token(ALPHA, INGEST)}"
        )
        provider = LoggerProvider()
        exporter = OTLPLogExporter(compression=compression)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        logger = provider.get_logger("tests")
        with caplog.at_level(logging.WARNING):
            for number in range(20):
                logger.emit(
                    event_name="login",
                    timestamp=1_753_949_727_000_000_000 + number,
                    body="somebody signed in",
                    attributes={"user.id": f"user-{number}", "http.response.status_code": 200},
                )
            logger.emit(body=json.dumps({**ENTRY, "organizationId": ALPHA}))
            provider.force_flush()
            provider.shutdown()
    assert seeded.installation.log.head(ALPHA) == 21
    assert caplog.records == []
