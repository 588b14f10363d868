"""Uploads through the gate, in front of a stand-in for Streamlit's route."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from audit_core.domain.access import Role
from audit_core.identity.accounts import set_membership
from audit_core.ingest.uploads import MEGABYTE, Quota, UploadRefusedError
from audit_core.web.security.gate import Gate
from audit_core.web.security.identity import SESSION_COOKIE, viewer_of
from audit_core.web.security.upload_gate import read_receipt
from tests.support.seeded import ALPHA, Seeded

OWN = {"origin": "http://testserver"}
PATH = "/_stcore/upload_file/tab/file-1"


class Pages:
    """Streamlit's end, and the browser in front of the gate."""

    def __init__(self, seeded: Seeded) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.status = 204
        self.seeded = seeded
        app = Starlette(
            routes=[Route(PATH, self._put, methods=["PUT", "DELETE"])],
            middleware=[Middleware(Gate, installation=lambda: seeded.installation)],
        )
        self.client = TestClient(app, base_url="http://testserver")

    async def _put(self, request: Request) -> Response:
        if request.method == "PUT":
            async with request.form() as form:
                (file,) = form.values()
                assert isinstance(file, UploadFile)
                self.got.append((file.filename or "", file.content_type or "", await file.read()))
        return Response(status_code=self.status)

    def sign_in(self, email: str) -> str:
        """The id of a new session of this person."""
        secret = self.seeded.sign_in(email)
        self.client.cookies.clear()
        self.client.cookies.set(SESSION_COOKIE, secret)
        viewer = viewer_of(self.seeded.installation, secret)
        assert viewer is not None
        return viewer.session_id

    def put(self, content: bytes, path: str = PATH, **more: Any) -> int:
        files = {"a.csv": ("a – b.csv", content, "text/csv")}
        return self.client.put(path, files=files, headers=OWN, **more).status_code


@pytest.fixture
def pages(seeded: Seeded) -> Iterator[Pages]:
    pages = Pages(seeded)
    yield pages


def stored(seeded: Seeded) -> list[Path]:
    folder = seeded.installation.settings.key_file.parent / "uploads"
    return [path for path in folder.glob("*/*") if path.name != ".lock"]


def test_a_file_lies_on_disk_and_streamlit_gets_its_name_and_a_receipt(
    pages: Pages, seeded: Seeded
) -> None:
    session = pages.sign_in("admin@example.org")
    seeded.installation.uploads.admit("tab", session)
    content = bytes(range(256)) * 20_000 + b"\r\n--x\r\n"
    assert pages.put(content) == 204
    ((name, kind, receipt),) = pages.got
    assert (name, kind) == ("a – b.csv", "text/csv")
    assert len(receipt) < 100
    file = seeded.installation.uploads.find(read_receipt(receipt), session, name)
    with file.open() as stream:
        assert stream.read() == content


def test_a_file_that_is_removed_in_the_page_is_removed_from_disk(
    pages: Pages, seeded: Seeded
) -> None:
    seeded.installation.uploads.admit("tab", pages.sign_in("admin@example.org"))
    pages.put(b"first")
    pages.put(b"second")
    assert [path.read_bytes() for path in stored(seeded)] == [b"second"]
    assert pages.client.delete(PATH, headers=OWN).status_code == 204
    assert stored(seeded) == []


def test_it_takes_the_permission_at_that_moment(pages: Pages, seeded: Seeded) -> None:
    session = pages.sign_in("admin@example.org")
    seeded.installation.uploads.admit("tab", session)
    assert pages.put(b"x") == 204
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["admin@example.org"],
            organization_id=ALPHA,
            role=Role.AUDITOR,
        )
    assert pages.put(b"x") == 403
    assert len(stored(seeded)) == 1
    assert pages.client.delete(PATH, headers=OWN).status_code == 403
    pages.client.cookies.clear()
    assert pages.put(b"x") == 401
    assert len(pages.got) == len(stored(seeded)) == 1
    assert len(seeded.events("permission.refused")) >= 1


@pytest.mark.parametrize("path", [PATH, "/_stcore/upload_file/other/f", f"{PATH}/more"])
def test_a_tab_of_somebody_else_and_one_without_uploader_take_nothing(
    pages: Pages, seeded: Seeded, path: str
) -> None:
    session = pages.sign_in("admin@example.org")
    pages.sign_in("both@example.org")
    seeded.installation.uploads.admit("tab", session)
    assert pages.put(b"x", path) == 404
    assert pages.got == stored(seeded) == []


def test_what_was_not_taken_reaches_the_page_as_a_sentence(pages: Pages, seeded: Seeded) -> None:
    session = pages.sign_in("admin@example.org")
    uploads = seeded.installation.uploads
    uploads.admit("tab", session)
    uploads.quota = Quota(of_person=3 * MEGABYTE, free_floor=0)
    assert pages.put(bytes(5 * MEGABYTE)) == 204
    with pytest.raises(UploadRefusedError, match="together at most 3 MB"):
        read_receipt(pages.got[0][2])
    assert stored(seeded) == []


def test_a_request_that_is_larger_than_a_file_may_be_is_refused(
    pages: Pages, seeded: Seeded
) -> None:
    uploads = seeded.installation.uploads
    uploads.admit("tab", pages.sign_in("admin@example.org"))
    uploads.quota = Quota(of_file=MEGABYTE, free_floor=0)
    assert pages.put(bytes(2 * MEGABYTE)) == 413
    unannounced = pages.client.put(
        PATH,
        content=iter([b"--x\r\n\r\n", *[bytes(MEGABYTE)] * 3]),
        headers={**OWN, "content-type": "multipart/form-data; boundary=x"},
    )
    assert unannounced.status_code == 400
    assert pages.got == stored(seeded) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", b"a,b"),
        ("multipart/form-data", b"a,b"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"a,b"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\nfile"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\n1\r\n--x\r\n\r\n2\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: " + b"b" * 9_000 + b"\r\n\r\n\r\n--x--"),
    ],
)
def test_what_is_no_form_with_one_file_is_refused_and_leaves_nothing(
    pages: Pages, seeded: Seeded, kind: str, body: bytes
) -> None:
    seeded.installation.uploads.admit("tab", pages.sign_in("admin@example.org"))
    answer = pages.client.put(PATH, content=body, headers={**OWN, "content-type": kind})
    assert answer.status_code == 400
    assert pages.got == stored(seeded) == []


def test_what_streamlit_refuses_is_not_kept(pages: Pages, seeded: Seeded) -> None:
    seeded.installation.uploads.admit("tab", pages.sign_in("admin@example.org"))
    pages.status = 403
    assert pages.put(b"x") == 403
    assert stored(seeded) == []


def test_the_widget_knows_how_large_a_file_may_be() -> None:
    config = tomllib.loads((Path(__file__).parents[3] / ".streamlit/config.toml").read_text())
    assert config["server"]["maxUploadSize"] * MEGABYTE == Quota().of_file
