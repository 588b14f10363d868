"""What could not become an entry is kept short, and says that it was cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.rejections import RAW_LIMIT, Rejection, cut_raw


@given(raw=st.text(max_size=60), times=st.integers(1, 100))
def test_a_record_is_kept_whole_or_says_how_long_it_was(raw: str, times: int) -> None:
    whole = raw * times
    kept = Rejection(place="a.csv:1", reason="r", raw=whole).raw
    if len(whole) <= RAW_LIMIT:
        assert kept == whole
    else:
        assert kept == f"{whole[:RAW_LIMIT]}… (cut, {len(whole):,} characters)"
    assert cut_raw(kept) == kept


def test_a_record_cannot_pass_for_one_that_was_cut() -> None:
    forged = "x" * RAW_LIMIT + "… (cut, 5 characters)" + "y" * 5000
    assert len(cut_raw(forged)) < RAW_LIMIT + 40
