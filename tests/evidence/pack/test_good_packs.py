"""A good pack holds: no false alarm, whatever the log held and whatever was asked."""

from __future__ import annotations

import io
import json
from zipfile import ZipFile

import pytest

from audit_core.domain.entries import FIELDS
from audit_core.evidence.pack.verdicts import Part, Report, State
from audit_core.evidence.pack.verifier import verify
from tests.evidence.pack.good_packs import UNKNOWN, good
from tests.support.laws import examples
from tests.support.packs import made_pack


def states(report: Report) -> dict[str, str]:
    return {part.value: report[part].state.value for part in Part}


@pytest.mark.law
def test_no_good_pack_raises_an_alarm() -> None:
    for seed in range(examples(250)):
        made, asked = good(seed)
        report = verify(io.BytesIO(made.file), **asked)
        found = {part: report[part].findings for part in Part if report[part].findings}
        assert found == {}, seed
        assert not report.fails
        assert report[Part.SIGNATURE].state is State.HOLDS
        assert report[Part.INTEGRITY].state is State.HOLDS


def test_a_plain_filter_is_proven_and_one_by_text_partly() -> None:
    plain = verify(io.BytesIO(made_pack(1).file))
    assert states(plain) == {
        "signature": "unconfirmed",
        "integrity": "holds",
        "completeness": "holds",
        "filter": "holds",
        "counts": "holds",
        "time": "holds",
    }
    by_text = verify(io.BytesIO(made_pack(1, condition=UNKNOWN).file))
    assert by_text[Part.FILTER].state is State.PARTLY
    assert "text “boom”" in by_text[Part.FILTER].notes[0]


def test_the_same_pack_has_the_same_bytes() -> None:
    assert made_pack(3).file == made_pack(3).file
    with ZipFile(io.BytesIO(made_pack(3).file)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "entries.jsonl",
            "leaves.jsonl",
            "proof.json",
            "checkpoint.txt",
            "README.txt",
            "manifest.json",
            "manifest.sig",
        ]


def test_entries_have_the_names_of_an_entry_in_order() -> None:
    line = made_pack(1).lines[0][1] or "{}"
    assert list(json.loads(line)) == [name for name, _ in FIELDS]
