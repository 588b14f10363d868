"""The support bundle: complete, and safe whatever the log holds."""

import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit_core.starts.attempts_sql import SilentRule, StartOutcome
from audit_core.starts.failure_groups_sql import FailureGroup, GroupKey
from audit_core.starts.support_bundle import Similar, fenced, support_bundle
from audit_core.starts.traces.trace import TraceRow, trace_of
from tests.support.strategies import NOW, entry

MESSAGE = (
    "Sandbox failed to start: no space left on device\n```\n# not a heading\npassword=hunter22"
)


def trace_with(message=MESSAGE):
    body = '{"body":{"name":"amber","snapshot":"snap:1","cpu":2,"target":"eu"}}'
    rows = [
        entry("e-1", action="create", metadata=body, created_at=NOW - timedelta(hours=2)),
        entry("e-2", action="stop", created_at=NOW - timedelta(hours=1)),
        entry("e-3", action="start", status_code=400, error_message="State change in progress"),
        entry(
            "e-4",
            action="start",
            status_code=400,
            error_message=message,
            source="cli",
            user_agent="daytona-cli/1.0",
            created_at=NOW,
        ),
    ]
    told = [TraceRow(seq=seq, entry=item, by_name=False) for seq, item in enumerate(rows)]
    return trace_of("sb-1", "amber", told, SilentRule(), truncated=False)


MADE = {"rule": SilentRule(), "made_at": NOW}
SIMILAR = Similar(
    group=FailureGroup(
        key=GroupKey(template="t", action="start", status_code=400, outcome=StartOutcome.FAILED),
        example="t",
        count=7,
        first=NOW,
        last=NOW,
        sandboxes=3,
        actors=2,
        over_time=(7,),
    ),
    since=NOW - timedelta(days=7),
)


def test_it_tells_all_that_support_asks_for():
    trace = trace_with()
    text = support_bundle(trace.attempts[-1], trace, SIMILAR, **MADE)
    for told in (
        *("e-4", "e-3", "sb-1", "daytona-cli/1.0", "snap:1", "cpu: 2", "target: eu"),
        *("no space left on device", "State change in progress", "failures: 7", "answered 400"),
    ):
        assert told in text
    assert "hunter22" not in text


@given(st.text(max_size=300))
def test_nothing_in_a_text_ends_its_block(text):
    first, *inside, last = fenced(text).split("\n")
    fence = first.removesuffix("text")
    assert last == fence
    assert re.fullmatch("`{3,}", fence)
    assert not any(line.strip().startswith(fence) for line in inside)


@given(st.text(max_size=200))
def test_outside_of_blocks_stands_nothing_of_the_log(text):
    trace = trace_with(text)
    blocks = re.compile(r"^(`{3,})text\n.*?\n\1$", re.MULTILINE | re.DOTALL)
    frame = blocks.sub("", support_bundle(trace.attempts[-1], trace, SIMILAR, **MADE))
    other = trace_with("other")
    assert frame == blocks.sub("", support_bundle(other.attempts[-1], other, SIMILAR, **MADE))


def test_what_is_only_suspected_is_told_as_such_with_the_rule():
    rows = [
        entry("e-1", action="start", created_at=NOW - timedelta(minutes=4)),
        entry("e-2", action="recover", created_at=NOW - timedelta(minutes=2)),
    ]
    told = [TraceRow(seq=seq, entry=item, by_name=False) for seq, item in enumerate(rows)]
    trace = trace_of("sb-1", None, told, SilentRule(), truncated=False)
    text = support_bundle(trace.attempts[0], trace, None, **MADE)
    assert text.startswith("# A sandbox that seems not to have started\n")
    assert "200, then recover 2 min later, no use in between" in text
    assert "within 8 min" in text
