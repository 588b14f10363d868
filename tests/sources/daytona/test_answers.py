"""One item that cannot be read costs itself only, and a page without any is read in one go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit_core.domain.rejections import RAW_LIMIT
from audit_core.ingest.records.located import MAX_RECORD
from audit_core.sources.daytona import answers
from audit_core.sources.daytona.answers import Page, read_page
from audit_core.sources.problems import AnswerUnreadable
from tests.support.daytona_model import row_item


def item(number: int, **fields: Any) -> str:
    return json.dumps(
        row_item(number, 200) | {"createdAt": "2026-05-04T08:00:00.123Z"} | fields,
        ensure_ascii=False,
    )


def page(*items: str) -> bytes:
    return f'{{"items": [{",".join(items)}], "total": {len(items)}}}'.encode()


def read(page: Page) -> tuple[list[str], list[str]]:
    """The ids of the entries, and where what is none was found."""
    ids = [name for batch in page.batches for name in batch.table.column("id").to_pylist()]
    places = [one.place for batch in page.batches for one in batch.rejections]
    return ids, places


WRONG = {
    "not a number": item(1)[:-1] + ', "metadata": {"a": NaN}}',
    "a name twice": item(1)[:-1] + ', "id": "again"}',
    "a number too large": item(1)[:-1] + ', "metadata": {"a": 99999999999999999999}}',
    "no object": "7",
    "a wrong status": item(1, statusCode="fine"),
    "too long": item(1, userAgent="x" * MAX_RECORD),
    "half a character": item(1)[:-1] + ', "userAgent": "\\ud800"}',
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_item_that_is_no_entry_costs_itself_only(wrong: str) -> None:
    found = read_page(page(item(0), WRONG[wrong], item(2)), "page 1")
    assert read(found) == (["id-0", "id-2"], ["page 1:item 2"])
    assert (found.total, len(found.identities), len(found.contents)) == (3, 3, 3)
    (rejection,) = (one for batch in found.batches for one in batch.rejections)
    assert rejection.reason and len(rejection.raw) <= RAW_LIMIT + 100


def test_a_page_is_parsed_once_unless_an_item_is_not_strict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def twice(*_: object) -> None:
        raise AssertionError("parsed twice")

    monkeypatch.setattr(answers, "DocumentReader", twice)
    monkeypatch.setattr(answers, "_lenient", twice)
    found = read_page(page(item(0, actorId="Büro"), item(1, statusCode="fine")), "page 1")
    assert read(found) == (["id-0"], ["page 1:item 2"])
    assert read(read_page(b'{"items": [], "total": 0}', "page 1")) == ([], [])


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b'{"items": []}', page(item(0))[:-9]])
def test_what_is_no_page_is_none(body: bytes) -> None:
    with pytest.raises(AnswerUnreadable):
        read_page(body, "page 1")
