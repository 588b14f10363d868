import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.explore.comparison import Pick
from tests.support.strategies import given_text, instants

picks = st.builds(Pick, entry_id=given_text, created_at=instants)


@given(picks)
def test_a_pick_comes_back_from_an_address(pick):
    assert Pick.from_param(pick.to_param()) == pick


@pytest.mark.parametrize(
    "text",
    ["", "x", "~x", "2026-01-01~x", "2026-01-01T00:00:00Z~", "2026-01-01T00:00:00Z~" + "x" * 600],
)
def test_what_is_no_pick_is_refused(text):
    with pytest.raises(ValueError, match=r"cannot be read|is not a time|lacks an offset"):
        Pick.from_param(text)
