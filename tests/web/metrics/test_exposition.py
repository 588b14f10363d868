"""What Prometheus reads: true figures, and nothing that tells one organization from another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from audit_core.identity.api_tokens import add_token
from audit_core.identity.token_verbs import METRICS, READ, WRITE
from audit_core.sources.source import add_source, hold, note_progress
from audit_core.web.app_routes import routes
from audit_core.web.error_response import EXCEPTION_HANDLERS
from audit_core.web.errors import ErrorCode
from audit_core.web.metrics.exposition import METRICS_PATH, Metrics
from audit_core.web.metrics.requests import MeasuredRequests
from audit_core.web.security.gate import Gate
from audit_core.web.security.identity import SESSION_COOKIE
from tests.docs.documents import document
from tests.support.error_shape import code_of
from tests.support.seeded import ALPHA, BETA, Seeded

ENTRY = {
    "id": "entry-of-secret-name",
    "actorId": "u",
    "actorEmail": "somebody@secret.example",
    "action": "start",
    "organizationId": ALPHA,
    "statusCode": 200,
    "createdAt": "2026-05-04T08:00:00Z",
}


@pytest.fixture
def client(seeded: Seeded) -> TestClient:
    def opened() -> object:
        return seeded.installation

    metrics = Metrics(opened)  # type: ignore[arg-type]
    metrics.connections = lambda: 3
    app = Starlette(
        routes=routes(opened, metrics),  # type: ignore[arg-type]
        middleware=[
            Middleware(MeasuredRequests, metrics=metrics.requests),
            Middleware(Gate, installation=opened),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    return TestClient(app, follow_redirects=False, base_url="http://testserver")


def installation_token(seeded: Seeded, *verbs: str) -> dict[str, str]:
    with seeded.installation.state.begin() as connection:
        _, secret = add_token(
            connection,
            organization_id=None,
            name="prometheus",
            verbs=verbs,
            now=seeded.clock(),
            expires_at=None,
        )
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def scrape(client: TestClient, seeded: Seeded) -> Callable[[], dict[str, float]]:
    headers = installation_token(seeded, METRICS.name)

    def ask() -> dict[str, float]:
        answer = client.get(METRICS_PATH, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return {
            ",".join((sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items())))): (
                sample.value
            )
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return ask


def test_it_takes_a_token_of_the_installation_for_metrics_and_no_other(
    client: TestClient, seeded: Seeded
) -> None:
    assert code_of(client.get(METRICS_PATH)) is ErrorCode.UNAUTHORIZED
    for verb in (READ.name, WRITE.name):
        own = {"authorization": f"Bearer {seeded.token(ALPHA, verb)}"}
        assert code_of(client.get(METRICS_PATH, headers=own)) is ErrorCode.FORBIDDEN
    reader = installation_token(seeded, READ.name)
    assert code_of(client.get(METRICS_PATH, headers=reader)) is ErrorCode.FORBIDDEN
    metrics = installation_token(seeded, METRICS.name)
    assert code_of(client.get("/api/admin/audit", headers=metrics)) is ErrorCode.FORBIDDEN
    client.cookies.set(SESSION_COOKIE, seeded.sign_in("admin@example.org"))
    assert code_of(client.get(METRICS_PATH)) is ErrorCode.UNAUTHORIZED


def test_requests_and_records_are_counted(
    client: TestClient, seeded: Seeded, scrape: Callable[[], dict[str, float]]
) -> None:
    before = scrape()
    writer = {"authorization": f"Bearer {seeded.token(ALPHA, WRITE.name)}"}
    body = f"{json.dumps(ENTRY)}\n{{}}\n"
    assert client.post("/api/v1/entries", content=body, headers=writer).status_code == 200
    client.get("/api/nothing/at/all")
    client.get("/_stcore/metrics")
    client.request("BREW", "/api/health", headers={"origin": "http://testserver"})
    after = scrape()

    def rose(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    request = "sandtrail_http_requests_total,method={},route={},status={}".format
    assert rose(request("POST", "/api/v1/entries", 200)) == 1
    assert rose(request("GET", "(unknown)", 404)) == 1
    assert rose(request("GET", "(pages)", 404)) == 1
    assert rose(request("other", "/api/health", 405)) == 1
    assert rose("sandtrail_http_request_seconds_count,route=/api/v1/entries") == 1
    assert rose("sandtrail_records_total,outcome=accepted") == 1
    assert rose("sandtrail_records_total,outcome=rejected") == 1
    assert rose("sandtrail_log_entries_total") == 1
    assert rose("sandtrail_append_wait_seconds_count") == 1
    assert 0 <= after["sandtrail_log_head_age_seconds"] < 60
    assert after["sandtrail_log_behind"] == 0
    assert after["sandtrail_connections"] == 3
    assert after["sandtrail_http_requests_under_way"] == 1


def test_sources_are_counted_by_kind_and_standing(
    seeded: Seeded, scrape: Callable[[], dict[str, float]]
) -> None:
    assert scrape()["sandtrail_source_lag_seconds,kind=daytona"] == 0
    with seeded.installation.state.begin() as connection:
        for organization, name in ((ALPHA, "secret one"), (BETA, "secret two")):
            added = add_source(
                connection,
                organization_id=organization,
                remote_organization_id=organization,
                name=name,
                url="https://secret.example/api",
                sealed_key="x",
                requests_per_minute=60,
                policy=None,
                actor="admin@example.org",
                now=seeded.clock(),
            )
        hold(connection, added.id, holder="h", now=seeded.clock())
        note_progress(
            connection,
            added.id,
            holder="h",
            accepted=5,
            problem="Gone.",
            hint="Wait.",
            stopped=True,
        )
    seeded.clock.pass_by(seconds=120)
    found = scrape()
    assert found["sandtrail_sources,kind=daytona,standing=stopped"] == 1
    assert found["sandtrail_sources,kind=daytona,standing=not_yet"] == 1
    assert found["sandtrail_source_lag_seconds,kind=daytona"] == timedelta(minutes=2).seconds
    assert found["sandtrail_source_records_total,kind=daytona,outcome=accepted"] == 5


def test_no_label_and_no_text_tells_whose_anything_is(
    client: TestClient, seeded: Seeded, scrape: Callable[[], dict[str, float]]
) -> None:
    writer = {"authorization": f"Bearer {seeded.token(ALPHA, WRITE.name)}"}
    client.post("/api/v1/entries", content=json.dumps(ENTRY), headers=writer)
    for path in (
        f"/api/{ALPHA}",
        f"/api/audit/organizations/{ALPHA}",
        f"/{ALPHA}",
        "/api/v1/x?a=secret",
    ):
        client.get(path, headers={"user-agent": "secret", "host": "testserver"})
    names = " ".join(scrape())
    for secret in (ALPHA, BETA, "secret", "example", "127.0.0.1", "testclient", "collector"):
        assert secret not in names
    labels = set(re.findall(r",(\w+)=", names))
    assert labels <= {"route", "method", "status", "outcome", "kind", "standing", "version", "le"}


def test_every_metric_is_in_the_documents(scrape: Callable[[], dict[str, float]]) -> None:
    scrape()
    kinds = re.compile(r"_(total|count|sum|bucket|created)$")
    names = {kinds.sub("", name.partition(",")[0]) for name in scrape()}
    own = {name for name in names if name.startswith("sandtrail_")}
    listed = re.findall(r"(?m)^\| `(sandtrail_\w+)`", document("docs/operations.md"))
    told = {name.removesuffix("_total") for name in listed}
    # Nothing may have come in yet.
    assert own - {"sandtrail_log_head_age_seconds"} == told - {"sandtrail_log_head_age_seconds"}
    assert "sandtrail_log_head_age_seconds" in told
