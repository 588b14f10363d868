"""What may be chosen of a file, in addresses, names and words."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from audit_core.evidence.file_kind import FileKind, Format
from audit_core.evidence.formats import csv_writer, json_lines_writer
from audit_core.evidence.formats.compression import Compression, packed
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.options import DELIMITERS, NAMES, FileOptions
from audit_core.log.schema import as_table
from audit_core.web.routes.attachment import read_kind
from tests.evidence.nasty_entries import NASTY
from tests.support.laws import law

OPTIONS = st.builds(
    FileOptions,
    columns=st.permutations(NAMES).flatmap(
        lambda names: st.integers(1, len(names)).map(lambda count: tuple(names[:count]))
    ),
    zone=st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata")),
    delimiter=st.sampled_from(sorted(DELIMITERS.values())),
)


@st.composite
def kinds(draw: st.DrawFn) -> FileKind:
    try:
        return FileKind(
            format=draw(st.sampled_from(Format)),
            audience=draw(st.sampled_from(Audience)),
            options=draw(OPTIONS),
            compression=draw(st.sampled_from(Compression)),
        )
    except ValueError:
        return FileKind(format=Format.JSONL)


@law(100)
@given(kinds())
def test_an_address_says_all_that_was_chosen(kind: FileKind) -> None:
    problems: list[str] = []
    params = kind.params()
    read = read_kind(params, problems)
    assert problems == []
    assert params == {}
    assert (read.format, read.options, read.compression) == (
        kind.format,
        kind.options,
        kind.compression,
    )
    if kind.format is Format.CSV:
        assert read == kind


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"columns": ["id,secret"]}, "There is no column 'secret'"),
        ({"columns": ["id,id"]}, "each of them once"),
        ({"times": ["Mars/Olympus"]}, "There is no time zone 'Mars/Olympus'."),
        ({"delimiter": ["pipe"]}, "The delimiter 'pipe' is none of comma, semicolon, tab."),
        ({"compression": ["rar"]}, "The compression 'rar' is not one of none, gzip, zstd."),
        ({"format": ["xlsx"], "compression": ["gzip"]}, "Excel is compressed as it is."),
        ({"format": ["jsonl"], "delimiter": ["tab"]}, "JSON lines has no delimiter."),
        ({"format": ["pdf"]}, "The format 'pdf' is not one of csv, jsonl, parquet, xlsx, pack."),
        ({"format": ["pack"], "times": ["Asia/Tokyo"]}, "A pack holds all columns"),
    ],
)
def test_what_cannot_be_had_is_said(params: dict[str, list[str]], sentence: str) -> None:
    problems: list[str] = []
    read_kind(params, problems)
    assert len(problems) == 1
    assert sentence in problems[0]


def test_the_name_and_the_words_say_which_file_it_is() -> None:
    machines = FileKind(
        format=Format.CSV,
        options=FileOptions(zone="Europe/Berlin", delimiter=";"),
        compression=Compression.GZIP,
    )
    assert str(machines) == "_times-europe-berlin_for-machines.csv.gz"
    assert machines.describe() == "CSV for machines, gzip, times in Europe/Berlin"
    assert machines.media_type == "application/gzip"
    assert machines.detail() == {
        "format": "csv",
        "for": "machines",
        "times": "Europe/Berlin",
        "delimiter": "semicolon",
        "compression": "gzip",
    }
    assert str(FileKind(format=Format.XLSX)) == ".xlsx"
    assert FileKind(format=Format.PARQUET).describe() == "Parquet"


@pytest.mark.parametrize("compression", Compression)
def test_a_packed_file_is_the_same_file(compression: Compression) -> None:
    pieces = [b"", b"one\n", b"two\n" * 100_000, b""]
    made = b"".join(packed(pieces, compression))
    unpacked = {
        Compression.NONE: lambda: made,
        Compression.GZIP: lambda: gzip.decompress(made),
        Compression.ZSTD: lambda: zstandard.ZstdDecompressor().decompressobj().decompress(made),
    }[compression]()
    assert unpacked == b"".join(pieces)
    assert made == b"".join(packed(pieces, compression))


def test_columns_delimiter_and_zone_of_csv_byte_for_byte() -> None:
    options = FileOptions(
        columns=("createdAt", "targetId", "source"), zone="Europe/Berlin", delimiter=";"
    )
    file = b"".join(csv_writer.write([as_table(NASTY)], Audience.MACHINES, options)).decode()
    assert file == (
        "createdAt;targetId;source\r\n"
        "2026-05-04T14:00:01+02:00;=cmd|' /C calc'!A0;\r\n"
        '2026-05-04T14:00:02+02:00;＝HYPERLINK(1);""\r\n'
        "2026-05-04T14:00:00.000001+02:00;;\r\n"
        '2026-05-04T14:00:04+02:00;"a;b\tc\'d\\e";a,b\r\n'
    )
    shown = b"".join(csv_writer.write([as_table(NASTY)], Audience.SPREADSHEETS, options)).decode()
    rows = list(
        csv.DictReader(io.StringIO(shown.removeprefix("\ufeff"), newline=""), delimiter=";")
    )
    assert rows[0] == {
        "createdAt": "2026-05-04 14:00:01",
        "targetId": "'=cmd|' /C calc'!A0",
        "source": "",
        "createdAtExact": "2026-05-04T14:00:01+02:00",
    }


def test_columns_and_zone_of_json_lines_byte_for_byte() -> None:
    options = FileOptions(columns=("createdAt", "metadata", "errorMessage"), zone="Asia/Kolkata")
    first, _, third, _ = b"".join(json_lines_writer.write([as_table(NASTY)], options)).splitlines()
    assert first.decode() == (
        '{"createdAt":"2026-05-04T17:30:01+05:30","metadata":null,'
        '"errorMessage":"Said \\"no\\",\\nthen left"}'
    )
    assert json.loads(third)["metadata"] == {
        "body": {"name": "Ä=1", "n": [1, 2.5, None, True]},
        "é": "",
    }
