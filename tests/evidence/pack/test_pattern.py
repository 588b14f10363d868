"""Patterns mean what a regular expression of the same parts means, and never go on for years."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.evidence.pack.pattern import MAX_CHARACTERS, pattern
from tests.support.laws import law

PIECES = st.lists(st.one_of(st.sampled_from([0, 1]), st.text("ab.\n😀", max_size=3)), max_size=7)


@law(500)
@given(pieces=PIECES, text=st.text("ab.\n😀", max_size=8))
def test_it_fits_what_a_regular_expression_fits(pieces: list[str | int], text: str) -> None:
    parts = [re.escape(x) if isinstance(x, str) else "." if x else ".*" for x in pieces]
    expected = re.fullmatch("".join(parts), text, re.DOTALL) is not None
    assert pattern(pieces)(text) is expected


def test_many_wildcards_end_in_a_long_text() -> None:
    fits = pattern([0, *("a", 0) * 500, "b"])
    assert not fits("a" * 60_000)
    assert fits("a" * 60_000 + "b")


@pytest.mark.parametrize("pieces", [[2], [True], [None], [[]], ["a" * MAX_CHARACTERS, 0]], ids=str)
def test_what_is_no_pattern_is_refused(pieces: list[object]) -> None:
    with pytest.raises(ValueError, match="a pattern "):
        pattern(pieces)
