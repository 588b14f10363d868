"""Coverage: what is recorded, what was seen, and from there to the entries."""

from __future__ import annotations

from datetime import timedelta

from audit_core.evidence.coverage.reader import CoverageState
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.seeded import BETA, Seeded

PAGE = "evidence/coverage.py"


def test_an_auditor_sees_what_was_seen_in_the_window(open_app: Open, seeded: Seeded) -> None:
    at = seeded.clock() - timedelta(days=2)
    common = {"action": "start", "status_code": 200, "created_at": at}
    seeded.installation.log.append(
        [
            made(1, target_type="sandbox", **common),
            made(2, target_type="volume", **common, organization_id=BETA),
        ]
    )
    app = open_app("auditor@example.org").run()
    app.switch_page(PAGE).run()
    assert not app.exception and not app.error
    lines = {
        (row["target"], row["action"]): row for row in app.dataframe[0].value.to_dict("records")
    }
    assert lines["sandbox", "start"]["state"] == "Recorded and seen"
    assert lines["sandbox", "start"]["last_seen"] == "2026-05-02 09:00"
    assert ("volume", "start") not in lines
    assert app.metric[0].value.startswith("1 of ")
    app.query_params["window"] = "1d"
    app.run()
    assert app.metric[0].value.startswith("0 of ")
    app.session_state["coverage_states"] = [CoverageState.SEEN]
    app.run()
    assert [item.value for item in app.info] == ["Nothing is in this state."]


def test_a_member_is_refused(open_app: Open) -> None:
    app = open_app("member@example.org").run()
    app.switch_page(PAGE).run()
    assert not app.dataframe
    assert [item.value for item in app.header] == ["You do not have access to this page"]
