"""Sandboxes with a second witness: what it tells, and what only one of the two tells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.state_changes import StateChange
from tests.pages.conftest import Open
from tests.pages.explore_page import entry
from tests.support.seeded import ALPHA, BETA, Seeded

SANDBOXES = "activity/sandboxes.py"
HOSTILE = "![x](https://evil.example/x.png) <img src=x>"


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    seeded.installation.log.append(
        [
            entry(seeded, 90, action="stop", target_id="box"),
            entry(seeded, 50, action="start", target_id="box"),
            entry(seeded, 48, action="recover", target_id="box"),
            entry(seeded, 1, action="start", target_id="other"),
        ]
    )
    return seeded


def change(
    seeded: Seeded, minutes: float, old: str, new: str, box: str = "box", organization: str = ALPHA
) -> StateChange:
    return StateChange(
        id=f"msg-{minutes}",
        organization_id=organization,
        event="sandbox.state.updated",
        target_type="sandbox",
        target_id=box,
        name=None,
        old_state=old,
        new_state=new,
        changed_at=seeded.clock() - timedelta(minutes=minutes),
    )


def tell(seeded: Seeded, *changes: StateChange) -> None:
    assert seeded.installation.log.state_changes.append(changes) == len(changes)


def page(app: AppTest, **params: str) -> AppTest:
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(SANDBOXES)
    app.run()
    assert not app.exception
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {item.label: item.value for item in app.main.metric}


def tables(app: AppTest) -> list[pd.DataFrame]:
    return [item.value for item in app.main.dataframe]


def test_a_start_that_a_webhook_tells_failed_is_no_longer_suspected(
    filled: Seeded, open_app: Open
) -> None:
    app = page(open_app("auditor@example.org"), sandbox="box")
    assert (metrics(app)["Failed"], metrics(app)["Suspected failed"]) == ("0", "1")
    assert "State changes" not in [item.value for item in app.header]
    # No entry comes with it, and yet the page knows of it.
    tell(filled, change(filled, 49, "starting", "error"))
    app.run()
    assert (metrics(app)["Failed"], metrics(app)["Suspected failed"]) == ("1", "0")
    assert "200, then error 1 min later, by webhook" in tables(app)[0]["evidence"].tolist()
    listed = page(open_app("auditor@example.org"))
    assert any("that is a fact" in str(item.value) for item in listed.text)
    assert (metrics(listed)["Failed"], metrics(listed)["Suspected failed"]) == ("1", "0")


def test_what_only_one_of_the_two_tells_is_listed(filled: Seeded, open_app: Open) -> None:
    tell(
        filled,
        change(filled, 100, "stopped", "started", "another"),
        change(filled, 49, "starting", "error"),
        change(filled, 47, "error", HOSTILE),
        change(filled, 46, "started", "archived"),
        change(filled, 2, "started", "stopped"),
        change(filled, 30, "started", "error", "box-of-others", BETA),
    )
    app = page(open_app("auditor@example.org"), sandbox="box")
    assert any(
        "1 state change without an audit entry, 1 audit entry without a state change" in item.value
        for item in app.caption
    )
    lone, every = next(
        (first, second)
        for first, second in zip(tables(app), tables(app)[1:], strict=False)
        if "only" in first
    )
    assert lone[["only", "what"]].to_numpy().tolist() == [
        ["webhook", "started → archived"],
        ["audit log", "stop"],
    ]
    assert every["entry"].tolist() == [
        "too early to say",
        "no audit entry",
        "recover, 1 min before",
        "start, 1 min before",
    ]
    told = [*app.markdown, *app.caption, *app.header]
    assert not any("evil.example" in str(item.value) for item in told)
