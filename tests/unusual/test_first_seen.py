from datetime import UTC, datetime, timedelta

import pytest

from audit_core.unusual.first_seen import KNOWN_FOR, MIN_ENTRIES, History

AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("history", "tells"),
    [
        (History(), False),
        (History(MIN_ENTRIES, AT - KNOWN_FOR), True),
        (History(MIN_ENTRIES - 1, AT - KNOWN_FOR), False),
        (History(10**6, AT - KNOWN_FOR + timedelta(hours=1)), False),
    ],
)
def test_of_who_is_hardly_known_nothing_is_new(history, tells):
    assert history.tells(AT) is tells
