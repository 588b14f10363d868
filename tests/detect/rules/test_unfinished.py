"""Nothing that may have counted before it was finished is overlooked."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.rules.unfinished import may_have_held
from tests.support.detections import conditions, entries_of
from tests.support.laws import law
from tests.support.plain_detection import meets

ENTRIES = entries_of(5, 60)


@law(2000)
@given(
    condition=conditions,
    entry=st.sampled_from(ENTRIES),
    status=st.sampled_from((None, 0)),
    message=st.sampled_from((None, "Denied", "x")),
)
def test_what_was_true_before_an_entry_was_finished_may_have_been(
    condition, entry, status, message
):
    earlier = replace(entry, status_code=status, error_message=message)
    if meets(earlier, condition):
        assert meets(entry, may_have_held(condition))
