from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit_core.log.merge import decide
from tests.support.arriving import plainly_stored, sequences
from tests.support.strategies import NOW


@given(sequences)
def test_the_decision_agrees_with_a_plain_reading(sequence):
    decision = decide(sequence, {})
    report = decision.report(0, len(sequence))
    stored, counts = plainly_stored(sequence)
    assert decision.insertions == stored
    assert (report.accepted, report.known, report.finished, len(report.refused)) == counts
    assert sum(counts) == len(sequence)


@given(sequences, st.sampled_from((NOW, NOW - timedelta(minutes=30), NOW - timedelta(days=1))))
def test_what_lies_before_the_time_of_keeping_is_refused_with_both_times(sequence, earliest):
    decision = decide(sequence, {}, earliest=earliest)
    kept = [item for item in sequence if item.created_at >= earliest]
    assert decision.insertions == plainly_stored(kept)[0]
    refused = dict(decision.report(0, len(sequence)).refused)
    for index, item in enumerate(sequence):
        if item.created_at < earliest:
            assert item.created_at.isoformat() in refused[index]
            assert earliest.isoformat() in refused[index]
