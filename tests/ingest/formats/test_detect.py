"""The shape of a file is told by its content."""

from __future__ import annotations

import time

import pytest

from audit_core.ingest.formats.detect import HEAD, Shape, detect_shape


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        (b" \n", Shape.LINES),
        (b"\n [", Shape.ARRAY),
        (b'{"page": 1, "items" : [', Shape.PAGE),
        (b'{\n "page": {"id": 1},\n "items": [\n', Shape.PAGE),
        (b'{"id": "1", "items": [1]}', Shape.LINES),
        (b'{"metadata": {"items": []}}', Shape.LINES),
        (b'{"x": "items"}', Shape.LINES),
        (b'{"id": "1"}{"id": "2"}\n', Shape.OBJECTS),
        (b'{"data": {"items": [{"id": 1, "actorId": "u", "action": "start"}]}}', Shape.PAGE),
        (b"sep=;\r\nid;actorId\r\n", Shape.TABLE),
        (b'{\n "id": "1",\n "metadata": {}\n}', Shape.OBJECTS),
        (b'{"id": "1", "act\n{"id": "2"}', Shape.LINES),
        (b"id,actorId\n", Shape.TABLE),
        (b'"actor_id";"id"\n', Shape.TABLE),
    ],
)
def test_a_shape_is_told_by_its_beginning(head: bytes, shape: Shape) -> None:
    assert detect_shape(head, "f").shape is shape


@pytest.mark.parametrize(
    "piece", [b'\\"', b'"', b"{", b"\n", b'"a":', b'" ', b"[\n", b'"a" \n', b"\\"]
)
def test_no_beginning_takes_long(piece: bytes) -> None:
    started = time.perf_counter()
    detect_shape((b'{"' + piece * HEAD)[:HEAD], "f")
    detect_shape((b"{" + piece * HEAD)[:HEAD], "f")
    # Each of these takes milliseconds; compared each with each, the characters would take minutes.
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":', b'{"a":[', b'{"items":[{"a":'])
@pytest.mark.parametrize("head", [b"", b"[", b"[1,", b'{"items":[', b'{"id":1,"metadata":'])
def test_no_nesting_is_followed_further_than_it_matters(head: bytes, opening: bytes) -> None:
    assert detect_shape((head + opening * HEAD)[:HEAD], "f", whole=False)
