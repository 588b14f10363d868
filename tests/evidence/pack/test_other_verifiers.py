"""Verifiers that share no code agree on every pack, good or tampered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit_core.evidence.pack.verdicts import Part
from tests.evidence.pack.good_packs import good
from tests.support.other_verifiers import Question, by_go, by_javascript, by_ours, codes, states
from tests.support.packs import SIGNER
from tests.support.tampered_packs import TAMPERINGS

GOOD_PACKS = 15


@pytest.fixture(scope="module")
def questions() -> dict[str, Question]:
    asked = {
        way.name: Question(
            pack=way.pack(),
            key=None if way.key is None else way.key.key.text,
            checkpoint=None if way.checkpoint is None else way.checkpoint(),
        )
        for way in TAMPERINGS
    }
    for seed in range(GOOD_PACKS):
        made, options = good(seed)
        asked[f"good {seed}"] = Question(
            pack=made.file, key=SIGNER.key.text, checkpoint=options.get("checkpoint")
        )
    return asked


def test_the_page_says_what_ours_says(questions: dict[str, Question], tmp_path: Path) -> None:
    found = by_javascript(list(questions.values()), tmp_path)
    assert len(found) == len(questions)
    differing = {
        name: (ours, theirs)
        for (name, question), other in zip(questions.items(), found, strict=True)
        for mine in [by_ours(question)]
        if (ours := (states(mine, list(Part)), codes(mine)))
        != (theirs := (states(other, list(Part)), codes(other)))
    }
    assert differing == {}


def test_the_libraries_of_go_say_what_ours_says(
    questions: dict[str, Question], tmp_path: Path
) -> None:
    shared = [Part.SIGNATURE, Part.INTEGRITY, Part.COMPLETENESS]
    found = by_go(list(questions.values()), tmp_path)
    assert len(found) == len(questions)
    differing = {
        name: (ours, theirs)
        for (name, question), other in zip(questions.items(), found, strict=True)
        if (ours := states(by_ours(question), shared)) != (theirs := states(other, shared))
    }
    assert differing == {}
