from datetime import UTC, datetime, timedelta

from audit_core.identity.accounts import ensure_organization
from audit_core.state.access_log.record import list_events
from audit_core.workspace.failure_triage import LONGEST_NOTE, Verdict, list_marks, mark_failures

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def mark(state, organization_id, verdict, note="", at=NOW):
    with state.begin() as connection:
        ensure_organization(connection, organization_id=organization_id, name=organization_id)
        mark_failures(
            connection,
            organization_id=organization_id,
            fingerprint="f1",
            verdict=verdict,
            note=note,
            by="ada@example.org",
            now=at,
        )


def test_the_last_word_counts_and_each_is_recorded(state):
    mark(state, "org-a", Verdict.RESOLVED, "fixed in 1.2")
    mark(state, "org-a", Verdict.MUTED, "x" * 3000, at=NOW + timedelta(hours=1))
    with state.read() as connection:
        found = list_marks(connection, organization_id="org-a")
        events = list_events(connection, organization_id="org-a", limit=10)
    assert found["f1"].verdict is Verdict.MUTED
    assert len(found["f1"].note) == LONGEST_NOTE
    assert found["f1"].marked_at == NOW + timedelta(hours=1)
    marked = [event for event in events if event.verb == "failure_group.marked"]
    assert [(event.detail["before"], event.detail["verdict"]) for event in marked] == [
        ("resolved", "muted"),
        ("open", "resolved"),
    ]


def test_an_organization_sees_its_own_words_only(state):
    mark(state, "org-a", Verdict.RESOLVED)
    with state.read() as connection:
        assert list_marks(connection, organization_id="org-b") == {}
