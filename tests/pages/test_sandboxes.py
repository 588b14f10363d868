from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.message_template import template_of
from audit_core.starts.attempts_sql import StartOutcome
from audit_core.starts.failure_groups_sql import GroupKey
from audit_core.web.routes.bundles import BUNDLE_PATH
from audit_core.workspace.failure_triage import Verdict
from tests.pages.conftest import Open
from tests.pages.explore_page import entry
from tests.support.seeded import BETA, Seeded

HOSTILE = "![x](https://evil.example/x.png) <img src=x onerror=alert(1)>"
SANDBOXES = "activity/sandboxes.py"


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    body = json.dumps({"body": {"name": HOSTILE, "snapshot": "bad:1", "cpu": 2}})
    good = json.dumps({"body": {"name": "fine", "snapshot": "good:1", "cpu": 2}})
    failed: dict[str, Any] = {
        "action": "create",
        "target_id": None,
        "status_code": 400,
        "error_message": f"Sandbox failed to start: {HOSTILE}",
        "metadata": body,
    }
    entries = [
        *(entry(seeded, 100 + n, **failed) for n in range(6)),
        *(
            entry(seeded, 200 + n, action="create", target_id=f"ok-{n}", metadata=good)
            for n in range(9)
        ),
        entry(seeded, 50, action="start", target_id="silent"),
        entry(seeded, 48, action="recover", target_id="silent"),
        entry(seeded, 47, action="toolbox_execute_command", target_id="silent"),
        entry(seeded, 30, action="start", target_id="theirs", organization_id=BETA),
        entry(seeded, 29, action="recover", target_id="theirs", organization_id=BETA),
    ]
    seeded.installation.log.append(entries)
    return seeded


def sandboxes(app: AppTest, **params: str) -> AppTest:
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(SANDBOXES)
    app.run()
    assert not app.exception
    return app


def table(app: AppTest, number: int = 0) -> pd.DataFrame:
    found: pd.DataFrame = app.main.dataframe[number].value
    return found


def test_failed_and_suspected_starts_come_first(filled: Seeded, open_app: Open) -> None:
    app = sandboxes(open_app("auditor@example.org"))
    assert {item.label: item.value for item in app.main.metric} == {
        "Failed": "6",
        "Suspected failed": "1",
        "Started": "10",
        "Unknown": "0",
    }
    shown = table(app)
    assert len(shown) == 7
    assert shown["evidence"][0] == "200, then recover 2 min later, no use in between"
    assert "theirs" not in set(shown["sandbox"])


def test_a_group_shows_its_suspects_and_can_be_resolved(filled: Seeded, open_app: Open) -> None:
    app = sandboxes(open_app("auditor@example.org"), list="groups")
    groups = table(app)
    assert list(groups["count"]) == [6, 1]
    assert groups["state"][0] == ["New"]
    assert list(groups["outcome"]) == [["Failed"], ["Suspected failed"]]
    key = GroupKey(
        template=template_of(f"Sandbox failed to start: {HOSTILE}"),
        action="create",
        status_code=400,
        outcome=StartOutcome.FAILED,
    )
    app = sandboxes(app, group=key.fingerprint)
    suspects = table(app, 1)
    first = suspects.iloc[0]
    assert (first["trait"], first["value"], first["meaning"]) == (
        "Snapshot",
        "bad:1",
        "unlikely to be chance",
    )
    app.selectbox(key=f"failure_verdict_{key.fingerprint}").select(Verdict.RESOLVED)
    app.text_input(key=f"failure_note_{key.fingerprint}").input("fixed")
    next(item for item in app.button if item.label == "Save").click()
    app.run()
    assert not app.exception
    assert table(app)["state"][0] == ["Resolved"]
    (event,) = filled.events("failure_group.marked")
    assert event.detail["verdict"] == "resolved"


def test_retries_are_told(filled: Seeded, open_app: Open) -> None:
    app = sandboxes(open_app("auditor@example.org"), list="retries")
    shown = table(app)
    silent = shown[shown["sandbox"] == "silent"].iloc[0]
    assert (silent["failed"], silent["suspected"]) == (0, 1)
    assert "theirs" not in set(shown["sandbox"])


def test_the_list_of_sandboxes_leads_with_failures(filled: Seeded, open_app: Open) -> None:
    app = sandboxes(open_app("auditor@example.org"), list="targets")
    shown = table(app)
    first = shown.iloc[:2][["target", "failed", "suspected", "state"]].to_numpy().tolist()
    assert first == [[HOSTILE, 6, 0, "Never created"], ["silent", 0, 1, "Started"]]


def test_a_trace_shows_the_life_of_one_sandbox(filled: Seeded, open_app: Open) -> None:
    app = sandboxes(open_app("auditor@example.org"), sandbox="silent")
    assert {item.label: item.value for item in app.main.metric} == {
        "State": "Started",
        "Attempts to start": "2",
        "Failed": "0",
        "Suspected failed": "1",
        "Time to first success": "2 min",
    }
    (link,) = app.get("link_button")
    assert link.proto.url.startswith(f"{BUNDLE_PATH}?sandbox=silent&entry=")


@pytest.mark.parametrize("key", ["theirs", "nothing", HOSTILE[:3]])
def test_another_organizations_sandbox_is_not_there(
    filled: Seeded, open_app: Open, key: str
) -> None:
    app = sandboxes(open_app("auditor@example.org"), sandbox=key)
    assert [item.value for item in app.info] == [
        "Your organization's log has nothing about this sandbox:"
    ]
    assert not app.main.dataframe


def test_a_member_without_the_permission_sees_nothing(filled: Seeded, open_app: Open) -> None:
    app = sandboxes(open_app("member@example.org"), sandbox="silent")
    assert app.main.header[0].value == "You do not have access to this page"
    assert not app.main.dataframe


@pytest.mark.parametrize("chosen", ["starts", "groups", "retries", "targets"])
def test_log_text_is_read_as_markdown_nowhere(filled: Seeded, open_app: Open, chosen: str) -> None:
    app = sandboxes(open_app("auditor@example.org"), list=chosen)
    told = [*app.markdown, *app.caption, *app.header, *app.info, *app.success, *app.warning]
    assert not any("evil.example" in str(item.value) for item in told)
