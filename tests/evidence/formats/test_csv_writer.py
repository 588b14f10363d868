import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.evidence.formats.csv_writer import neutralized, write
from audit_core.query.time.windows import format_instant
from tests.evidence.nasty_entries import FORMULAS, NASTY, made
from tests.evidence.written_entries import entries
from tests.support.laws import law

HEADER = (
    b"id,actorId,actorEmail,actorApiKeyPrefix,actorApiKeySuffix,organizationId,action,targetType,"
    b"targetId,statusCode,errorMessage,ipAddress,userAgent,source,metadata,createdAt\r\n"
)


def test_nasty_entries_are_written_byte_for_byte_like_this() -> None:
    expected = (
        HEADER
        + (
            "entry-000001,user-1,ann@example.org,,,org-alpha,create,sandbox,'=cmd|' /C calc'!A0,"
            '500,"Said ""no"",\nthen left",,,,,2026-05-04T12:00:01Z\r\n'
            "entry-000002,user-1,ann@example.org,,,org-alpha,create,sandbox,'＝HYPERLINK(1),0,"
            ",,'-1+2,,,2026-05-04T12:00:02Z\r\n"
            "entry-000003,'@runner,,,,,create,,,,Ünïcode \u2400 ☃ 🦀\u2028<script>,,,,"
            '"{""body"":{""name"":""Ä=1"",""n"":[1,2.5,null,true]},""é"":""""}",'
            "2026-05-04T12:00:00.000001Z\r\n"
            "entry-000004,user-1,ann@example.org,,,org-alpha,create,sandbox,a;b\tc'd\\e,200,"
            '"\'\rstart",::1,,"a,b",,2026-05-04T12:00:04Z\r\n'
        ).encode()
    )
    assert b"".join(write([list(NASTY)])) == expected


def test_how_entries_come_in_batches_leaves_no_trace() -> None:
    whole = b"".join(write([list(NASTY)]))
    assert b"".join(write([[], list(NASTY[:1]), [], list(NASTY[1:])])) == whole


def test_no_entries_make_a_file_with_a_header() -> None:
    assert b"".join(write([])) == HEADER


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_a_spreadsheet_would_run_begins_with_a_quote(formula: str) -> None:
    assert neutralized(formula) == f"'{formula}"
    for _, attribute in FIELDS:
        if attribute in ("status_code", "created_at"):
            continue
        file = b"".join(write([[made(1, **{attribute: formula})]])).decode()
        (row,) = csv.DictReader(io.StringIO(file, newline=""))
        assert f"'{formula}" in row.values()
        assert formula not in row.values()


_INVISIBLE = st.characters(categories=("Z", "Cc", "Cf", "M"))


@given(
    st.text(_INVISIBLE, max_size=4),
    st.sampled_from("=+-@＝＋－＠﹢﹣﹦﹫\u2212"),
    st.text(max_size=9),
)
def test_nothing_invisible_hides_what_begins_a_formula(
    before: str, operator: str, rest: str
) -> None:
    cell = before + operator + rest
    assert neutralized(cell) == f"'{cell}"


@given(st.text(max_size=20))
def test_a_neutralized_text_is_a_text_to_a_spreadsheet(text: str) -> None:
    once = neutralized(text)
    assert neutralized(once) == once
    assert once in (text, f"'{text}")


@pytest.mark.parametrize("text", ["", "a=1", " ", "'", "0", "{}", "<b>", "a\n=1"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert neutralized(text) == text


def _cells(entry: AuditEntry) -> list[str]:
    values = {attribute: getattr(entry, attribute) for _, attribute in FIELDS}
    values["created_at"] = format_instant(entry.created_at)
    return ["" if value is None else str(value) for value in values.values()]


def _plain(cell: str) -> str:
    """Without the quote that stands before a formula."""
    return cell[1:] if cell.startswith("'") and neutralized(cell[1:]) == cell else cell


@law(150)
@given(entries)
def test_a_reader_of_csv_gets_every_value_back(written: list[AuditEntry]) -> None:
    originals = [_cells(entry) for entry in written]
    # A text that has the quote already reads the same afterwards.
    assume(all(_plain(cell) == cell for cells in originals for cell in cells))
    file = b"".join(write([written])).decode()
    rows = list(csv.DictReader(io.StringIO(file, newline=""), strict=True))
    assert [list(row) for row in rows] == [[name for name, _ in FIELDS]] * len(written)
    assert [[_plain(cell) for cell in row.values()] for row in rows] == originals
