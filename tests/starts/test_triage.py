from dataclasses import replace
from datetime import timedelta

import pytest

from audit_core.starts.attempts_sql import StartOutcome
from audit_core.starts.failure_groups_sql import FailureGroup, GroupKey
from audit_core.starts.triage import Standing, standing_of
from audit_core.workspace.failure_triage import FailureMark, Verdict
from tests.support.strategies import NOW

KEY = GroupKey(template="t", action="create", status_code=400, outcome=StartOutcome.FAILED)
GROUP = FailureGroup(
    key=KEY,
    example="t",
    count=2,
    first=NOW - timedelta(hours=2),
    last=NOW,
    sandboxes=1,
    actors=1,
    over_time=(1, 1),
)
HOUR = timedelta(hours=1)


def marked(verdict, at):
    return FailureMark(
        fingerprint=KEY.fingerprint, verdict=verdict, note="", marked_by="a", marked_at=at
    )


@pytest.mark.parametrize(
    ("before", "mark", "expected"),
    [
        (None, None, Standing.NEW),
        (NOW - 9 * HOUR, None, Standing.ONGOING),
        (None, marked(Verdict.OPEN, NOW), Standing.NEW),
        (None, marked(Verdict.RESOLVED, NOW + HOUR), Standing.RESOLVED),
        (None, marked(Verdict.RESOLVED, NOW - HOUR), Standing.REGRESSED),
        (NOW - 9 * HOUR, marked(Verdict.MUTED, NOW - HOUR), Standing.MUTED),
    ],
)
def test_a_group_stands_as_times_and_words_say(before, mark, expected):
    assert standing_of(GROUP, before, mark) is expected


def test_what_is_only_suspected_is_never_new():
    key = replace(KEY, template="", status_code=200, outcome=StartOutcome.SUSPECTED)
    assert standing_of(replace(GROUP, key=key), None, None) is Standing.ONGOING
