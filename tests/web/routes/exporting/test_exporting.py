"""Exports over HTTP: have one made, see how far it is, take the file, by persons and programs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient

from audit_core.domain.access import Permission, Role
from audit_core.evidence.jobs import making as making_module
from audit_core.evidence.jobs.runner import RunningExports
from audit_core.identity.accounts import set_membership
from audit_core.web.errors import ErrorCode
from audit_core.web.routes.exports import EXPORT_PATH
from tests.evidence.nasty_entries import made
from tests.support.error_shape import code_of
from tests.support.seeded import ALPHA, BETA, Seeded
from tests.web.conftest import app_of
from tests.web.served import wait_for

EXPORTS = "/api/v1/exports"
EXPORT = Permission.EXPORT.value
SECRET = "token=sk-ant-api03-abcdefghijklmnopqrstuvwxyz"


def as_person(seeded: Seeded, email: str = "auditor@example.org") -> dict[str, str]:
    cookie = f"sandtrail_session={seeded.sign_in(email)}"
    return {"cookie": cookie, "origin": "http://testserver"}


def as_program(seeded: Seeded, *verbs: str, organization_id: str = ALPHA) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(organization_id, *(verbs or (EXPORT,)))}"}


@pytest.fixture
def runner(seeded: Seeded) -> Iterator[RunningExports]:
    runner = RunningExports(seeded.installation.exports, shared_log=False, look_every_s=0.02)
    yield runner
    runner.stop()


@pytest.fixture(autouse=True)
def stored(seeded: Seeded) -> None:
    seeded.installation.log.append(
        [
            made(number, organization_id=(ALPHA, BETA)[number % 2], error_message=SECRET)
            for number in range(20)
        ]
    )


def create(client: TestClient, headers: dict[str, str], **params: str) -> dict[str, Any]:
    answer = client.post(
        EXPORTS, headers=headers, params={"window": "all", "format": "jsonl"} | params
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{EXPORTS}/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


def ended(client: TestClient, headers: dict[str, str], export_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_over() -> bool:
        answer = client.get(f"{EXPORTS}/{export_id}", headers=headers)
        assert answer.status_code == 200, answer.text
        found.update(answer.json())
        return found["state"] not in ("waiting", "running", "interrupted")

    wait_for(is_over)
    return found


@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize("caller", ["person", "program"])
def test_what_was_asked_for_is_made_kept_and_handed_out(
    client: TestClient, seeded: Seeded, caller: str
) -> None:
    headers = as_person(seeded) if caller == "person" else as_program(seeded)
    created = create(client, headers, query="action:create")
    assert created["state"] == "waiting"
    done = ended(client, headers, created["id"])
    assert (done["state"], done["entries"], done["expected"]) == ("done", 10, 10)
    answer = client.get(f"{EXPORTS}/{created['id']}/file", headers=headers)
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 10
    assert "sk-ant" not in answer.text
    assert hashlib.sha256(answer.content).hexdigest() == done["sha256"]
    assert len(answer.content) == done["size"] == int(answer.headers["content-length"])
    assert answer.headers["content-disposition"] == f'attachment; filename="{done["file"]}"'
    direct = client.get(
        "/api/v1/export",
        headers=as_person(seeded),
        params={"window": "all", "format": "jsonl", "query": "action:create"},
    )
    assert direct.content == answer.content
    file = seeded.installation.exports.files.path(created["id"])
    assert file.stat().st_mode & 0o777 == 0o600
    listed = client.get(EXPORTS, headers=headers).json()
    assert [one["id"] for one in listed["exports"]] == [created["id"]]
    who = "auditor@example.org" if caller == "person" else "collector"
    for verb in ("requested", "made", "downloaded"):
        (event,) = seeded.events(f"export.{verb}")
        assert (event.actor, event.organization_id) == (who, ALPHA)
        assert event.detail["export"] == created["id"]
        assert event.detail["filter"]["query"] == ["action:create"]


@pytest.mark.usefixtures("runner")
def test_a_transfer_that_broke_off_goes_on_where_it_was(client: TestClient, seeded: Seeded) -> None:
    headers = as_program(seeded)
    export_id = create(client, headers)["id"]
    ended(client, headers, export_id)
    path = f"{EXPORTS}/{export_id}/file"
    whole = client.get(path, headers=headers)
    size, etag = len(whole.content), whole.headers["etag"]

    def part(asked: str, **more: str) -> Any:
        return client.get(path, headers={**headers, "range": asked, **more})

    for asked, start, stop in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=5-{size * 2}", 5, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        answer = part(asked, **{"if-range": etag})
        assert answer.status_code == 206, asked
        assert answer.content == whole.content[start:stop]
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        assert int(answer.headers["content-length"]) == stop - start
    assert part("bytes=10-", **{"if-range": '"another"'}).content == whole.content
    for unreadable in ("bytes=9-2", "bytes=0-1,4-5", "lines=1-2", "bytes=x"):
        assert part(unreadable).content == whole.content
    for beyond in (f"bytes={size}-", "bytes=-0"):
        answer = part(beyond)
        assert code_of(answer) is ErrorCode.RANGE_NOT_SATISFIABLE
        assert answer.headers["content-range"] == f"bytes */{size}"
    before = len(seeded.events("export.downloaded"))
    head = client.head(path, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == size
    assert client.get(path, headers={**headers, "if-none-match": etag}).status_code == 304
    assert len(seeded.events("export.downloaded")) == before


@pytest.mark.usefixtures("runner")
def test_no_file_is_compressed_on_its_way(seeded: Seeded) -> None:
    """It would have no length, and the `ETag` of other bytes, to which a browser adds plain ones
    when it goes on."""
    app = app_of(seeded.installation)
    app.user_middleware.append(Middleware(GZipMiddleware))  # as Streamlit does, behind the gate
    client = TestClient(app)
    headers = as_program(seeded) | {"accept-encoding": "gzip, br"}
    export_id = create(client, headers)["id"]
    size = ended(client, headers, export_id)["size"]
    whole = client.get(f"{EXPORTS}/{export_id}/file", headers=headers)
    assert int(whole.headers["content-length"]) == len(whole.content) == size > 1_000
    streamed = client.get(f"{EXPORT_PATH}?window=all&format=jsonl", headers=as_person(seeded))
    assert len(streamed.content) == size
    assert not {"content-encoding", "vary"} & {*whole.headers, *streamed.headers}


@pytest.mark.usefixtures("runner")
def test_who_is_asked_at_each_download(client: TestClient, seeded: Seeded) -> None:
    auditor = as_person(seeded)
    export_id = create(client, auditor)["id"]
    ended(client, auditor, export_id)
    file = f"{EXPORTS}/{export_id}/file"
    assert client.get(file, headers=auditor).status_code == 200
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["auditor@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={},
        )
    for path in (EXPORTS, f"{EXPORTS}/{export_id}", file):
        assert client.get(path, headers=auditor).status_code == 403
        assert client.get(path).status_code == 401
        assert client.get(path, headers=as_program(seeded, "read:audit_logs")).status_code == 403


@pytest.mark.usefixtures("runner")
def test_one_of_another_organization_and_an_unknown_one_answer_alike(
    client: TestClient, seeded: Seeded
) -> None:
    headers = as_program(seeded)
    export_id = create(client, headers)["id"]
    ended(client, headers, export_id)
    stranger = as_program(seeded, organization_id=BETA)
    assert client.get(EXPORTS, headers=stranger).json() == {"exports": [], "more": False}
    for method, end in (("GET", ""), ("GET", "/file"), ("POST", "/cancel"), ("DELETE", "")):
        foreign = client.request(method, f"{EXPORTS}/{export_id}{end}", headers=stranger)
        unknown = client.request(method, f"{EXPORTS}/{'0' * 32}{end}", headers=stranger)
        odd = client.request(method, f"{EXPORTS}/..%00{end}", headers=stranger)
        assert foreign.status_code == unknown.status_code == odd.status_code == 404
        assert foreign.content == unknown.content == odd.content
    assert client.get(f"{EXPORTS}/{export_id}/file", headers=headers).status_code == 200


@pytest.mark.usefixtures("runner")
def test_secrets_stand_in_a_file_only_for_those_who_may_see_them(
    client: TestClient, seeded: Seeded
) -> None:
    asked = {"window": "all", "format": "jsonl", "secrets": "1"}
    auditor, admin = as_person(seeded), as_person(seeded, "admin@example.org")
    refused = client.post(EXPORTS, headers=auditor, params=asked)
    assert code_of(refused) is ErrorCode.FORBIDDEN
    assert refused.json()["permission"] == "reveal:secrets"
    export_id = create(client, admin, secrets="1")["id"]
    ended(client, admin, export_id)
    assert "sk-ant" in client.get(f"{EXPORTS}/{export_id}/file", headers=admin).text
    refused = client.get(f"{EXPORTS}/{export_id}/file", headers=auditor)
    assert (refused.status_code, refused.json()["permission"]) == (403, "reveal:secrets")
    assert "sk-ant" not in refused.text
    assert len(seeded.events("permission.refused")) == 2


@pytest.mark.usefixtures("runner")
def test_a_nightly_job_takes_only_what_came_since(client: TestClient, seeded: Seeded) -> None:
    headers = as_program(seeded)
    first = ended(client, headers, create(client, headers)["id"])
    assert (first["head"], first["in_flight"], first["changes"]) == (10, 0, None)
    seeded.clock.pass_by(minutes=1)
    seeded.installation.log.append([made(100, created_at=seeded.clock())])
    path = f"{EXPORTS}/{first['id']}/repeat"
    answer = client.post(path, headers=headers, params={"since": "1"})
    assert answer.status_code == 202
    second = ended(client, headers, answer.json()["id"])
    assert (second["since"], second["entries"], second["head"]) == (first["id"], 1, 11)
    assert (second["changes"]["new"], second["changes"]["vanished"]) == (1, 0)
    file = client.get(f"{EXPORTS}/{second['id']}/file", headers=headers)
    assert "entry-000100" in file.text
    assert len(file.text.splitlines()) == 1
    whole = ended(client, headers, client.post(path, headers=headers).json()["id"])
    assert (whole["since"], whole["entries"]) == (None, 11)
    assert client.post(path, headers=headers, params={"sinse": "1"}).status_code == 400
    foreign = as_program(seeded, organization_id=BETA)
    assert client.post(path, headers=foreign).status_code == 404


def test_cancelled_deleted_and_expired_ones_have_no_file(
    client: TestClient, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = as_program(seeded)
    waiting, kept, removed = (create(client, headers)["id"] for _ in range(3))
    answer = client.post(f"{EXPORTS}/{waiting}/cancel", headers=headers)
    assert answer.json()["state"] == "cancelled"
    assert code_of(client.post(f"{EXPORTS}/{waiting}/cancel", headers=headers)) is (
        ErrorCode.INVALID_REQUEST
    )
    monkeypatch.setattr("audit_core.evidence.jobs.runner.SWEEP_EVERY_S", 0.0)
    runner = RunningExports(seeded.installation.exports, shared_log=False, look_every_s=0.02)
    try:
        for export_id in (kept, removed):
            assert ended(client, headers, export_id)["state"] == "done"
        assert client.delete(f"{EXPORTS}/{removed}", headers=headers).status_code == 204
        assert client.get(f"{EXPORTS}/{removed}", headers=headers).status_code == 404
        seeded.clock.pass_by(hours=24)
        wait_for(
            lambda: (
                client.get(f"{EXPORTS}/{kept}", headers=as_program(seeded)).json()["state"]
                == "expired"
            )
        )
    finally:
        runner.stop()
    headers = as_program(seeded)
    for export_id in (waiting, kept):
        gone = client.get(f"{EXPORTS}/{export_id}/file", headers=headers)
        assert code_of(gone) is ErrorCode.NOT_FOUND
    assert not list(seeded.installation.exports.files.folder.iterdir())
    assert len(seeded.events("export.cancelled")) == 1
    assert len(seeded.events("export.deleted")) == 1
    (expired,) = seeded.events("export.expired")
    assert expired.detail["export"] == kept


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"format": "doc"}, "doc"),
        ({"hours": "0"}, "hours"),
        ({"secrets": "yes"}, "secrets"),
        ({"window": "9d"}, "9d"),
        ({"organisation": ALPHA}, "organisation"),
        ({"query": "action:("}, "parenthesis"),
    ],
)
def test_a_request_that_cannot_be_read_says_what_is_wrong(
    client: TestClient, seeded: Seeded, params: dict[str, str], named: str
) -> None:
    answer = client.post(EXPORTS, headers=as_program(seeded), params={"window": "all"} | params)
    assert code_of(answer) is ErrorCode.INVALID_REQUEST
    assert named in answer.json()["error"]
    assert not seeded.events("export.requested")


def test_too_many_in_line_are_refused_and_a_foreign_page_cannot_ask(
    client: TestClient, seeded: Seeded
) -> None:
    headers = as_program(seeded)
    for _ in range(10):
        create(client, headers)
    answer = client.post(EXPORTS, headers=headers, params={"window": "all"})
    assert code_of(answer) is ErrorCode.TOO_MANY_REQUESTS
    assert answer.headers["retry-after"]
    forged = as_person(seeded) | {"origin": "https://elsewhere.example"}
    assert client.post(EXPORTS, headers=forged).status_code == 403
    other = client.post(EXPORTS, headers=as_person(seeded), params={"organization": BETA})
    assert code_of(other) is ErrorCode.OTHER_ORGANIZATION


def test_the_program_is_told_why_an_export_waits_and_why_it_failed(
    client: TestClient, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making_module, "stream", _broken)
    headers = as_program(seeded)
    export_id = create(client, headers)["id"]
    runner = RunningExports(seeded.installation.exports, shared_log=False, look_every_s=0.02)
    try:
        failed = ended(client, headers, export_id)
    finally:
        runner.stop()
    assert failed["state"] == "failed"
    assert failed["problem"] == "Something went wrong on the server."
    assert failed["hint"]
    (event,) = seeded.events("export.failed")
    assert event.outcome == "broken"
    assert not list(seeded.installation.exports.files.folder.iterdir())


def _broken(*_: object, **__: object) -> Iterator[bytes]:
    yield b"{"
    raise RuntimeError("a fault of ours")
