"""Each way to tamper with a pack gets its own verdict, and no other part is blamed for it."""

from __future__ import annotations

import io

import pytest

from audit_core.evidence.pack.verdicts import PackError, Part
from audit_core.evidence.pack.verifier import verify
from tests.support.packs import SIGNER
from tests.support.tampered_packs import GOOD, TAMPERINGS, WHOLE, Tampering

SHARED = (Part.SIGNATURE, Part.INTEGRITY, Part.COMPLETENESS)


def test_there_are_enough_ways() -> None:
    names = [item.name for item in TAMPERINGS]
    assert len(names) == len(set(names)) >= 40


def test_what_is_tampered_with_is_good_before() -> None:
    for made in (GOOD, WHOLE):
        report = verify(io.BytesIO(made.file), key=SIGNER.key)
        assert {report[part].state.value for part in Part} == {"holds"}
        assert made.proven.start > 0 or made is WHOLE


@pytest.mark.parametrize("way", TAMPERINGS, ids=str)
def test_it_is_found_and_named(way: Tampering) -> None:
    key = None if way.key is None else way.key.key
    checkpoint = None if way.checkpoint is None else way.checkpoint()
    try:
        report = verify(io.BytesIO(way.pack()), key=key, checkpoint=checkpoint)
    except PackError as error:
        assert (way.states, way.code) == ("refused", error.code), str(error)
        return
    codes = {finding.code for part in Part for finding in report[part].findings}
    states = "".join(report[part].state.value[0] for part in SHARED)
    assert (states, way.code in codes) == (way.states, True), codes
    assert report.fails
