"""The menu of a download, and the page that lists all of them."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.state.access_log.record import record
from audit_core.web.routes.access_record import ACCESS_RECORD_PATH
from audit_core.web.routes.evidence.coverage import COVERAGE_PATH
from audit_core.web.routes.evidence.report import REPORT_PATH
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from pages.parts.evidence.download_menu import size_text
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.pages.explore_page import explore, links
from tests.support.seeded import ALPHA, Seeded
from tests.web.conftest import TestClient, make_client

ADMIN, AUDITOR = "admin@example.org", "auditor@example.org"


@pytest.fixture
def client(seeded: Seeded) -> TestClient:
    now = seeded.clock()
    seeded.installation.log.append(
        [made(number, created_at=now - timedelta(minutes=number)) for number in range(5)]
    )
    return make_client(seeded.installation)


def download(client: TestClient, seeded: Seeded, email: str, path: str) -> bytes:
    headers = {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(email)}"}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content


def opened_menu(app: AppTest) -> AppTest:
    """Run again as after a click of the browser on the button of the menu."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.get_by_key("explore_download").proto.popover.id
    state.bool_value = True
    return app._run(states)


def listed(app: AppTest) -> list[dict[str, Any]]:
    (table,) = app.dataframe
    return table.value.to_dict("records")  # type: ignore[no-any-return]


def test_the_menu_says_whom_csv_is_for(open_app: Open, client: TestClient) -> None:
    app = explore(open_app(AUDITOR))
    choice = app.segmented_control(key="explore_audience")
    assert choice.value == "spreadsheets"
    assert "for" not in parse_qs(urlsplit(links(app)["CSV"]).query)
    choice.set_value("machines").run()
    assert parse_qs(urlsplit(links(app)["CSV"]).query)["for"] == ["machines"]
    for name, format in (("JSON lines", "jsonl"), ("Parquet", "parquet"), ("Excel", "xlsx")):
        asked = parse_qs(urlsplit(links(app)[name]).query)
        assert (asked["format"], "for" in asked) == ([format], False)


def test_after_a_download_the_menu_says_how_many_how_large_and_the_checksum(
    open_app: Open, client: TestClient, seeded: Seeded
) -> None:
    file = download(client, seeded, AUDITOR, f"{EXPORT_PATH}?window=all")
    download(client, seeded, ADMIN, f"{EXPORT_PATH}?window=1h")
    app = opened_menu(explore(open_app(AUDITOR)))
    (said,) = [item.value for item in app.text if item.value.startswith("Complete: ")]
    assert said == f"Complete: 5 entries, {size_text(len(file))}, SHA-256:"
    (line,) = [item.value for item in app.code if "audit-log_" in item.value]
    checksum, name = line.split("  ")
    assert checksum == hashlib.sha256(file).hexdigest()
    assert name.startswith("audit-log_alpha-works_all_")
    assert name.endswith("_head-5_for-spreadsheets.csv")
    seeded.clock.pass_by(hours=2)
    later = opened_menu(explore(open_app(AUDITOR)))
    assert not [item for item in later.text if item.value.startswith("Complete: ")]


def test_an_auditor_sees_the_downloads_of_all(
    open_app: Open, client: TestClient, seeded: Seeded
) -> None:
    file = download(client, seeded, AUDITOR, f"{EXPORT_PATH}?window=all&format=jsonl")
    seeded.clock.pass_by(seconds=1)
    download(client, seeded, ADMIN, f"{ACCESS_RECORD_PATH}?window=all&for=machines")
    app = open_app(AUDITOR).run()
    app.switch_page("evidence/downloads.py").run()
    record, entries = listed(app)
    assert (entries["actor"], record["actor"]) == (AUDITOR, ADMIN)
    assert (entries["kind"], record["kind"]) == (
        "Entries, JSON lines",
        "Access record, CSV for machines",
    )
    assert (entries["state"], entries["rows"]) == ("Complete", 5)
    assert entries["size"] == size_text(len(file))
    assert entries["sha256"] == hashlib.sha256(file).hexdigest()
    assert entries["file"].startswith("audit-log_alpha-works_all_")


def test_files_that_are_made_at_once_are_listed_too(
    open_app: Open, client: TestClient, seeded: Seeded
) -> None:
    report = download(client, seeded, AUDITOR, f"{REPORT_PATH}?window=all")
    seeded.clock.pass_by(seconds=1)
    download(client, seeded, AUDITOR, f"{COVERAGE_PATH}?window=all&for=machines")
    app = open_app(AUDITOR).run()
    app.switch_page("evidence/downloads.py").run()
    coverage, made_report = listed(app)
    assert (made_report["kind"], made_report["rows"]) == ("Report, HTML", 5)
    assert made_report["sha256"] == hashlib.sha256(report).hexdigest()
    assert coverage["kind"] == "Coverage, CSV for machines"
    assert {made_report["state"], coverage["state"]} == {"Complete"}


def test_another_organization_sees_none_of_them(
    open_app: Open, client: TestClient, seeded: Seeded
) -> None:
    with seeded.installation.state.begin() as connection:
        record(
            connection,
            at=seeded.clock(),
            verb="export.finished",
            actor="other@example.org",
            organization_id=f"not-{ALPHA}",
            detail={"entries": 1},
        )
    app = open_app(AUDITOR).run()
    app.switch_page("evidence/downloads.py").run()
    assert [item.value for item in app.info] == ["Nothing was downloaded yet."]


def test_what_is_selected_stays_though_others_come(
    open_app: Open, client: TestClient, seeded: Seeded
) -> None:
    file = download(client, seeded, AUDITOR, f"{EXPORT_PATH}?window=all&format=jsonl")
    app = open_app(AUDITOR).run()
    app.switch_page("evidence/downloads.py").run()
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.dataframe[0].proto.id
    state.string_value = json.dumps({"selection": {"rows": [0], "columns": [], "cells": []}})
    seeded.clock.pass_by(seconds=1)
    download(client, seeded, ADMIN, f"{EXPORT_PATH}?window=1h")
    for _ in range(2):
        app._run(states)
        assert len(listed(app)) == 2
        (line,) = [item.value for item in app.code]
        assert line.startswith(hashlib.sha256(file).hexdigest())
        states = app._tree.get_widget_states()
