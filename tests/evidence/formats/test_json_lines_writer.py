import io
import json

from hypothesis import given

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.evidence.formats.json_lines_writer import write
from audit_core.ingest.files import read_records
from audit_core.ingest.records.located import LocatedEntry
from audit_core.log.schema import as_table
from tests.evidence.nasty_entries import NASTY, made
from tests.evidence.written_entries import entries
from tests.support.laws import law


def test_nasty_entries_are_written_byte_for_byte_like_this() -> None:
    user = '"actorId":"user-1","actorEmail":"ann@example.org",'
    no_key = '"actorApiKeyPrefix":null,"actorApiKeySuffix":null,'
    box = '"organizationId":"org-alpha","action":"create","targetType":"sandbox",'
    expected = (
        f'{{"id":"entry-000001",{user}{no_key}{box}"targetId":"=cmd|\' /C calc\'!A0",'
        '"statusCode":500,"errorMessage":"Said \\"no\\",\\nthen left","ipAddress":null,'
        '"userAgent":null,"source":null,"metadata":null,"createdAt":"2026-05-04T12:00:01Z"}\n'
        f'{{"id":"entry-000002",{user}{no_key}{box}"targetId":"＝HYPERLINK(1)",'
        '"statusCode":0,"errorMessage":null,"ipAddress":null,'
        '"userAgent":"-1+2","source":"","metadata":null,"createdAt":"2026-05-04T12:00:02Z"}\n'
        f'{{"id":"entry-000003","actorId":"@runner","actorEmail":"",{no_key}'
        '"organizationId":null,"action":"create","targetType":null,"targetId":null,'
        '"statusCode":null,"errorMessage":"Ünïcode \u2400 ☃ 🦀\u2028<script>","ipAddress":null,'
        '"userAgent":null,"source":null,'
        '"metadata":{"body":{"name":"Ä=1","n":[1,2.5,null,true]},"é":""},'
        '"createdAt":"2026-05-04T12:00:00.000001Z"}\n'
        f'{{"id":"entry-000004",{user}{no_key}{box}"targetId":"a;b\\tc\'d\\\\e",'
        '"statusCode":200,"errorMessage":"\\rstart","ipAddress":"::1",'
        '"userAgent":null,"source":"a,b","metadata":null,"createdAt":"2026-05-04T12:00:04Z"}\n'
    ).encode()
    assert b"".join(write([as_table(NASTY)])) == expected


def test_each_line_has_the_sixteen_names_in_order() -> None:
    (line,) = b"".join(write([as_table([made(1)])])).splitlines()
    assert list(json.loads(line)) == [name for name, _ in FIELDS]


def test_no_entries_make_an_empty_file() -> None:
    assert b"".join(write([])) == b""


@law(150)
@given(entries)
def test_reading_a_file_back_gives_the_same_entries(written: list[AuditEntry]) -> None:
    file = io.BytesIO(b"".join(write([as_table(written)])))
    readings = list(read_records(file, "export.jsonl"))
    assert [item.entry for item in readings if isinstance(item, LocatedEntry)] == written
    assert len(readings) == len(written)
