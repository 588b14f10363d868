"""Packs that an adversary made to keep a verifier busy, or to have it fall: each ends with a report
or a refusal, in bounded memory. What three verifiers say of some is in `test_other_verifiers`."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.evidence.pack.layout import MAX_DIRECTORY_BYTES
from audit_core.evidence.pack.verdicts import PackError
from audit_core.evidence.pack.verifier import verify
from tests.evidence.pack.good_packs import good
from tests.support.laws import law
from tests.support.other_verifiers import Question, by_javascript, by_ours
from tests.support.packs import SIGNER
from tests.support.tampered_packs import contents, gapped, insider, with_condition, zipped

NASTY: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1.5,
        1e308,
        10**18,
        2**63,
        "",
        "-1",
        "٣",
        "1\n",
        "\0",
        "9" * 18,
        "x" * 999,
    ),
    *("\ud800", "\u202e\x1b[31m", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *([], {}, [[]], [None], {"unknown": "\ud83d"}, {"field": "id", "like": [0, "a", 0]}),
    *({"field": "status_code", "from": None}, {"field": "id", "in": ["\ud800"]}, {"any": []}),
)
FILES = ("manifest.json", "proof.json", "leaves.jsonl", "entries.jsonl", "checkpoint.txt")


def changed(value: Any, chance: random.Random) -> Any:
    """With another value at one place, of any depth."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places:
        return chance.choice(NASTY)
    holder, key = chance.choice(places)
    match chance.randrange(3):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(chance.choice(NASTY))
        case _:
            holder[key] = chance.choice(NASTY)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def hostile(data: bytes, name: str, chance: random.Random) -> bytes:
    """A file of a pack with something else in it."""
    if not name.startswith("checkpoint"):
        lines = [data] if name.endswith(".json") else data.splitlines() or [b"{}"]
        place = chance.randrange(len(lines))
        lines[place] = json.dumps(changed(json.loads(lines[place]), chance)).encode()
        return b"\n".join(lines) + b"\n"
    text = bytearray(data)
    place = chance.randrange(len(text))
    text[place : place + chance.randrange(2)] = chance.choice(
        (b"\n", b"\0", b"+", b"\xff", b"9" * 30)
    )
    return bytes(text)


@law(1_000)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(FILES))
def test_whatever_stands_anywhere_ends_with_a_report_or_a_refusal(seed: int, name: str) -> None:
    chance = random.Random(seed)  # noqa: S311
    made, asked = good(seed % 20)
    key = name.replace(".", "_")
    try:
        pack = insider(made.file, **{key: lambda data: hostile(data, name, chance)})
    except (TypeError, KeyError, AttributeError):
        return  # a manifest that cannot be signed
    try:
        report = verify(io.BytesIO(pack), **asked)
    except PackError as error:
        str(error).encode()
    else:
        json.dumps(report.as_json(), ensure_ascii=False).encode()


def test_half_of_a_character_in_what_a_finding_would_quote_is_refused(tmp_path: Path) -> None:
    made, _ = good(1)
    condition = with_condition({"unknown": "\ud83d"})
    question = Question(pack=insider(made.file, manifest_json=condition))
    for found in (by_ours(question), *by_javascript([question], tmp_path)):
        assert found["refused"]["code"] == "pack.manifest"


def test_gaps_between_numbers_take_no_memory() -> None:
    pack = gapped(3_000)
    tracemalloc.start()
    try:
        report = verify(io.BytesIO(pack), key=SIGNER.key)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.fails
    assert peak < 20_000_000


def test_a_directory_longer_than_that_of_any_pack_is_not_read() -> None:
    line = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, 7, *[0] * 6) + b"f%06d"
    number = MAX_DIRECTORY_BYTES // len(line) + 1
    directory = b"".join(line % item for item in range(number))
    sizes = (number, number, len(directory), 0)
    end = (
        struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, *sizes)
        + struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )
    with pytest.raises(PackError) as refused:
        verify(io.BytesIO(directory + end))
    assert refused.value.code == "pack.zip"


def test_a_device_without_an_end_is_no_pack() -> None:
    with pytest.raises(PackError) as refused:
        verify(Path("/dev/zero"))
    assert refused.value.code == "pack.zip"


def test_a_link_or_an_absolute_name_is_no_part_of_a_pack() -> None:
    files = contents(good(1)[0].file)
    for name in (
        "/etc/passwd",
        "anchors/../../evil",
        "anchors/",
        "..\\evil",
        "anchors/a\n.json",
        "",
    ):
        with pytest.raises(PackError) as refused:
            verify(io.BytesIO(zipped(files, (name, b"x"))))
        assert refused.value.code == "pack.stranger"
