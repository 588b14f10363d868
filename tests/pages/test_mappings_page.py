"""Records of other systems on the pages: proposed, stored, shown; and mappings written there."""

from __future__ import annotations

import pytest
import streamlit as st

from audit_core.workspace.mappings import saved_mappings
from tests.pages.conftest import Open
from tests.pages.test_sources import opened, press, texts
from tests.support.mapped import SAMPLES
from tests.support.seeded import ALPHA, BETA, Seeded

OWN = """\
title: Gate
detect: gate_id
fields: {id: gate_id, createdAt: at, action: verb, actorId: who}
"""
RECORD = b'{"gate_id": "1", "at": "2026-05-04T08:00:00Z", "verb": "open", "who": "ann"}\n'


def names(seeded: Seeded, organization_id: str = ALPHA) -> list[str]:
    with seeded.installation.state.read() as connection:
        return [saved.name for saved in saved_mappings(connection, organization_id)]


def test_a_file_of_another_system_is_proposed_a_mapping_and_stored_by_it(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app("admin@example.org"), okta_json=SAMPLES["okta"].read_bytes())
    assert not app.exception
    assert app.selectbox(key=app.main.selectbox[0].key).value == "okta"
    assert "Recognized by its content." in texts(app)
    assert app.dataframe[0].value["action"].tolist()[0] == "user.session.start"
    assert seeded.installation.log.head(ALPHA) == 0
    press(app, "Store 1 file")
    assert not app.exception
    assert app.dataframe[0].value["accepted"].tolist() == [4]
    assert any("Read by the mapping okta: " in item.value for item in app.text)
    assert seeded.installation.log.head(ALPHA) == 4
    assert seeded.events("ingest")[0].detail["mapping"] == "okta"
    again = opened(open_app("admin@example.org"), okta_json=SAMPLES["okta"].read_bytes())
    press(again, "Store 1 file")
    assert again.dataframe[0].value["known"].tolist() == [4]


def test_a_proposal_can_be_declined(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app("admin@example.org"), okta_json=SAMPLES["okta"].read_bytes())
    app.main.selectbox[0].set_value("none").run()
    assert "Okta's system log" in (app.error[0].proto.title or "")
    assert not [button for button in app.main.button if button.label.startswith("Store")]
    app.main.selectbox[0].set_value("github").run()
    assert "All 4 records: 0 to store, 4 to reject." in texts(app)


def test_a_mapping_is_written_tested_saved_and_recognizes(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app("admin@example.org"), gate_jsonl=RECORD)
    app.session_state["mapping_editor"] = True
    app.run()
    (sample,) = [area for area in app.text_area if area.label.startswith("Samples")]
    assert '"gate_id":"1"' in sample.value.replace(" ", "")
    (text,) = [area for area in app.text_area if area.label == "Mapping"]
    text.set_value("title: [").run()
    assert "mapping, line 1" in app.error[-1].proto.title
    (text,) = [area for area in app.text_area if area.label == "Mapping"]
    text.set_value(OWN)
    (name,) = [field for field in app.text_input if field.label == "Name of the mapping"]
    name.set_value("gate")
    press(app, "Test mapping")
    shown = [frame.value for frame in app.dataframe if "action" in frame.value]
    assert shown[-1]["action"].tolist() == ["open"]
    assert names(seeded) == []
    press(app, "Save mapping")
    assert not app.exception
    assert (names(seeded), names(seeded, BETA)) == (["gate"], [])
    assert seeded.events("mapping.saved")[0].actor == "admin@example.org"
    fresh = opened(open_app("admin@example.org"), gate_jsonl=RECORD)
    assert fresh.main.selectbox[0].value == "gate"
    press(fresh, "Delete this mapping")
    assert names(seeded) == []


def test_a_shipped_name_is_refused_on_the_page(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app("admin@example.org"))
    app.session_state["mapping_editor"] = True
    app.run()
    (name,) = [field for field in app.text_input if field.label == "Name of the mapping"]
    name.set_value("okta")
    press(app, "Save mapping")
    assert "is shipped" in app.error[-1].proto.title
    assert names(seeded) == []


@pytest.mark.parametrize(("name", "without"), [("github", True), ("e2b", False)])
def test_a_log_without_sandboxes_says_so(
    open_app: Open, seeded: Seeded, name: str, without: bool
) -> None:
    st.cache_data.clear()
    app = opened(open_app("admin@example.org"), **{f"{name}_json": SAMPLES[name].read_bytes()})
    press(app, "Store 1 file")
    page = open_app("admin@example.org")
    page.run()
    page.switch_page("activity/sandboxes.py").run()
    assert not page.exception
    assert any("is about a sandbox" in item.value for item in page.info) is without
    st.cache_data.clear()
