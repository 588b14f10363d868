import csv
import io
from pathlib import Path

import pandas
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.domain.errors import SourceError
from audit_core.evidence.formats.csv_text import Audience, neutralized
from audit_core.evidence.formats.csv_writer import write
from audit_core.ingest.files import read_records
from audit_core.ingest.records.located import LocatedEntry
from audit_core.log.schema import as_table
from audit_core.query.time.windows import format_instant
from tests.evidence.nasty_entries import FORMULAS, NASTY, made
from tests.evidence.written_entries import entries
from tests.support.laws import law

HEADER = (
    b"id,actorId,actorEmail,actorApiKeyPrefix,actorApiKeySuffix,organizationId,action,targetType,"
    b"targetId,statusCode,errorMessage,ipAddress,userAgent,source,metadata,createdAt"
)
SPREADSHEETS, MACHINES = Audience.SPREADSHEETS, Audience.MACHINES


def written(entries: list[AuditEntry], audience: Audience) -> bytes:
    return b"".join(write([as_table(entries)], audience))


def read_back(file: bytes) -> list[AuditEntry]:
    """What `ingest` makes of a file."""
    readings = list(read_records(io.BytesIO(file), "f"))
    found = [reading.entry for reading in readings if isinstance(reading, LocatedEntry)]
    assert len(found) == len(readings), readings
    return found


def test_nasty_entries_are_written_for_spreadsheets_byte_for_byte_like_this() -> None:
    expected = (
        b"\xef\xbb\xbf"
        + HEADER
        + (
            ",createdAtExact\r\n"
            "entry-000001,user-1,ann@example.org,,,org-alpha,create,sandbox,'=cmd|' /C calc'!A0,"
            '500,"Said ""no"",\nthen left",,,,,2026-05-04 12:00:01,2026-05-04T12:00:01Z\r\n'
            "entry-000002,user-1,ann@example.org,,,org-alpha,create,sandbox,'＝HYPERLINK(1),0,"
            ",,'-1+2,,,2026-05-04 12:00:02,2026-05-04T12:00:02Z\r\n"
            "entry-000003,'@runner,,,,,create,,,,Ünïcode \u2400 ☃ 🦀\u2028<script>,,,,"
            '"{""body"":{""name"":""Ä=1"",""n"":[1,2.5,null,true]},""é"":""""}",'
            "2026-05-04 12:00:00,2026-05-04T12:00:00.000001Z\r\n"
            "entry-000004,user-1,ann@example.org,,,org-alpha,create,sandbox,a;b\tc'd\\e,200,"
            '"\'\rstart",::1,,"a,b",,2026-05-04 12:00:04,2026-05-04T12:00:04Z\r\n'
        ).encode()
    )
    assert written(list(NASTY), SPREADSHEETS) == expected


def test_nasty_entries_are_written_for_machines_byte_for_byte_like_this() -> None:
    expected = (
        HEADER
        + (
            "\r\nentry-000001,user-1,ann@example.org,,,org-alpha,create,sandbox,"
            '=cmd|\' /C calc\'!A0,500,"Said ""no"",\nthen left",,,,,2026-05-04T12:00:01Z\r\n'
            "entry-000002,user-1,ann@example.org,,,org-alpha,create,sandbox,＝HYPERLINK(1),0,"
            ',,-1+2,"",,2026-05-04T12:00:02Z\r\n'
            'entry-000003,@runner,"",,,,create,,,,Ünïcode \u2400 ☃ 🦀\u2028<script>,,,,'
            '"{""body"":{""name"":""Ä=1"",""n"":[1,2.5,null,true]},""é"":""""}",'
            "2026-05-04T12:00:00.000001Z\r\n"
            "entry-000004,user-1,ann@example.org,,,org-alpha,create,sandbox,a;b\tc'd\\e,200,"
            '"\rstart",::1,,"a,b",,2026-05-04T12:00:04Z\r\n'
        ).encode()
    )
    assert written(list(NASTY), MACHINES) == expected


@pytest.mark.parametrize("audience", Audience)
def test_how_entries_come_in_batches_leaves_no_trace(audience: Audience) -> None:
    whole = written(list(NASTY), audience)
    batches: list[list[AuditEntry]] = [[], list(NASTY[:1]), [], list(NASTY[1:])]
    assert b"".join(write([as_table(batch) for batch in batches], audience)) == whole


def test_no_entries_make_a_file_with_a_header() -> None:
    assert b"".join(write([], MACHINES)) == HEADER + b"\r\n"
    assert written([], SPREADSHEETS) == b"\xef\xbb\xbf" + HEADER + b",createdAtExact\r\n"


@law(400)
@given(entries)
def test_what_is_written_for_machines_is_read_as_the_same_entries(
    originals: list[AuditEntry],
) -> None:
    file = written(originals, MACHINES)
    assert read_back(file) == originals
    assert written(read_back(file), MACHINES) == file
    # Joined with itself it is the same entries twice.
    assert read_back(file + file) == originals * 2


AWKWARD = ("-2", "'-2", "=1", "'=1", "''", "NULL", "null", "\\N", "\ufeff", "", " ", '"', "a\r\nb")


@pytest.mark.parametrize("text", AWKWARD)
def test_an_awkward_text_keeps_what_it_had_and_gains_nothing(text: str) -> None:
    made_of_it = [made(1, target_id=text, error_message=text, user_agent=text, source=None)]
    if text.strip():
        made_of_it.append(made(2, id=text, actor_id=text, action=text))
    assert read_back(written(made_of_it, MACHINES)) == made_of_it


def test_a_case_of_a_real_user_comes_back_as_it_was() -> None:
    case = Path(__file__).parents[2] / "support" / "data" / "cases" / "csv-roundtrip.jsonl"
    originals = read_back(case.read_bytes())
    (entry,) = originals
    assert (entry.target_id, entry.error_message, entry.user_agent) == ("=1+1", "-2", "'=1")
    assert read_back(written(originals, MACHINES)) == originals


def test_a_table_for_spreadsheets_is_not_taken_for_the_entries_themselves() -> None:
    with pytest.raises(SourceError, match="made for spreadsheets") as caught:
        read_back(written(list(NASTY), SPREADSHEETS))
    assert "for machines" in caught.value.hint


@law(100)
@given(entries)
def test_pandas_reads_dates_and_texts_from_a_table_for_spreadsheets(
    originals: list[AuditEntry],
) -> None:
    file = io.BytesIO(written(originals, SPREADSHEETS))
    table = pandas.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    times = pandas.to_datetime(table["createdAt"], format="%Y-%m-%d %H:%M:%S").tolist()
    assert times == [entry.created_at.replace(microsecond=0, tzinfo=None) for entry in originals]
    exact = pandas.to_datetime(table["createdAtExact"], format="ISO8601").tolist()
    assert exact == [entry.created_at for entry in originals]


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_a_spreadsheet_would_run_begins_with_a_quote(formula: str) -> None:
    assert neutralized(formula) == f"'{formula}"
    for _, attribute in FIELDS:
        if attribute in ("status_code", "created_at"):
            continue
        file = written([made(1, **{attribute: formula})], SPREADSHEETS).decode("utf-8-sig")
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
def test_a_reader_of_a_table_for_spreadsheets_gets_every_value_back(
    found: list[AuditEntry],
) -> None:
    originals = [_cells(entry) for entry in found]
    # A text that has the quote already reads the same afterwards.
    assume(all(_plain(cell) == cell for cells in originals for cell in cells))
    file = written(found, SPREADSHEETS).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file, newline=""), strict=True))
    names = [name for name, _ in FIELDS]
    assert [list(row) for row in rows] == [[*names, "createdAtExact"]] * len(found)
    for row in rows:
        assert row["createdAt"] == row["createdAtExact"][:19].replace("T", " ")
        row["createdAt"] = row.pop("createdAtExact")
    assert [[_plain(cell) for cell in row.values()] for row in rows] == originals
