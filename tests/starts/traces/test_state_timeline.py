"""The states that a trace shows against the simulator, where the true ones are known."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from audit_core.simulator import simulate_with_truth
from audit_core.simulator.activity.sandboxes import SandboxState
from audit_core.starts.attempts_sql import SilentRule, StartOutcome
from audit_core.starts.traces.state_timeline import BandState, state_at
from audit_core.starts.traces.trace import TraceRow, trace_of

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
UNSURE = (BandState.UNKNOWN, BandState.CREATING)
TRUTH_OF = {BandState.SUSPECTED: SandboxState.FAILED}
"""What a claim means in truth, where it is not called alike."""


@pytest.fixture(scope="module", params=[7, 23])
def simulated(request):
    """The traces by id, the truth, and the ids of what failed in silence."""
    arrivals, truth = simulate_with_truth(entries=20_000, seed=request.param, until=UNTIL)
    entries = {arrival.entry.id: arrival.entry for arrival in arrivals}
    lives = defaultdict(list)
    for seq, entry in enumerate(sorted(entries.values(), key=lambda item: item.created_at)):
        if entry.target_type == "sandbox" and entry.target_id in truth.histories:
            lives[entry.target_id].append(TraceRow(seq=seq, entry=entry, by_name=False))
    traces = {
        sandbox: trace_of(sandbox, None, rows, SilentRule(), truncated=False)
        for sandbox, rows in lives.items()
    }
    return traces, truth


def test_what_a_band_claims_is_true(simulated):
    traces, truth = simulated
    silent = set(truth.silent_failures)
    verdicts = Counter()
    for sandbox, trace in traces.items():
        misjudged = any(
            (item.outcome is StartOutcome.SUSPECTED) != (item.entry.id in silent)
            for item in trace.attempts
        )
        for change in truth.histories[sandbox]:
            claimed = state_at(trace.bands, change.at)
            if change.entry_id is None or claimed in UNSURE:
                continue
            right = (
                claimed is None
                if change.state is SandboxState.DELETED
                else claimed is not None
                and TRUTH_OF.get(claimed, claimed).value == change.state.value
            )
            # A fork makes its copy without an entry about the copy.
            forked = claimed is None and change.state is SandboxState.STARTED
            verdicts[right, misjudged or forked] += 1
    assert verdicts[True, False] > 1500
    assert verdicts[False, False] == 0
    assert verdicts[False, True] < verdicts[True, False] / 50


def test_bands_follow_each_other_without_a_gap_or_an_overlap(simulated):
    traces, _ = simulated
    for trace in traces.values():
        for one, other in zip(trace.bands, trace.bands[1:], strict=False):
            assert one.until is not None
            assert one.since < one.until <= other.since
            assert one.state is not other.state or one.until < other.since


def test_the_last_configuration_is_what_was_last_set(simulated):
    traces, _ = simulated
    for trace in traces.values():
        last = {}
        for change in trace.changes:
            assert change.old == last.get(change.setting)
            assert change.new != change.old
            last[change.setting] = change.new
