import json
from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.explore.autocomplete.completion import examples
from tests.pages.conftest import Open
from tests.pages.explore_page import (
    button,
    count,
    entry,
    entry_list,
    explore,
    named,
    targets,
)
from tests.support.seeded import Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def app(open_app: Open, seeded: Seeded) -> AppTest:
    seeded.installation.log.append(
        [
            entry(seeded, 1, status_code=404, error_message="token = hunter2 was refused"),
            entry(seeded, 2, metadata='{"body":{"name":"web","password":"hunter2"}}'),
            entry(seeded, 3, action="delete", actor_email="bob@example.org"),
        ]
    )
    return explore(open_app(AUDITOR))


def ask(app: AppTest, text: str) -> AppTest:
    app.text_input(key="filter_query").set_value(text).run()
    assert not app.exception
    return app


def test_a_query_narrows_the_rows_beside_the_filters_and_stands_in_the_address(
    app: AppTest,
) -> None:
    ask(app, "action:(delete OR create) -actor:ann@example.org")
    assert targets(app) == ["box-3"]
    assert app.query_params["query"] == "action:(delete OR create) -actor:ann@example.org"
    app.query_params["outcome"] = "client_error"
    app.run()
    assert count(app) == "0 entries"


def test_what_cannot_be_understood_is_marked_and_changes_nothing(app: AppTest) -> None:
    ask(app, "action:delete status:abc")
    assert [warning.value for warning in app.warning] == ["Query not applied"]
    (marked,) = (code.value for code in app.main.code)
    text, carets = marked.split("\n")
    assert text == "action:delete status:abc"
    assert text[carets.index("^") :] == "abc"
    assert app.text_input(key="filter_query").value == "action:delete status:abc"
    assert len(targets(app)) == 3
    assert "query" not in app.query_params
    ask(app, "action:delete")
    assert not app.warning
    assert targets(app) == ["box-3"]


def test_a_query_in_the_address_that_cannot_be_understood_is_marked(
    open_app: Open, seeded: Seeded
) -> None:
    app = explore(open_app(AUDITOR), query="status:[400 TO")
    assert app.error[0].value == "The address of this page is not valid."
    assert any("status:[400 TO" in code.value for code in app.main.code)
    button(app, "Reset filters").click().run()
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("text", ["metadata.body.password:hunter2", "-metadata.body.password:h*"])
def test_nobody_asks_for_a_secret(app: AppTest, open_app: Open, text: str) -> None:
    ask(app, text)
    assert any("are secret" in shown.value for shown in app.main.text)
    assert len(targets(app)) == 3
    linked = explore(open_app(AUDITOR), query=text)
    assert linked.error[0].value == "The address of this page is not valid."
    assert entry_list(linked) is None


@pytest.mark.parametrize("text", ["hunter2", "message:hunter2", "hunter"])
def test_a_secret_in_a_message_cannot_be_guessed(app: AppTest, text: str) -> None:
    ask(app, text)
    assert count(app) == "0 entries"
    ask(app, "refused")
    assert targets(app) == ["box-1"]


def open_help(app: AppTest) -> AppTest:
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.get_by_key("filter_help").proto.popover.id
    state.bool_value = True
    return app._run(states)


def test_every_example_of_the_help_is_applied_by_a_click(app: AppTest) -> None:
    for number, example in enumerate(examples()):
        open_help(app)
        states = app._tree.get_widget_states()
        state = states.widgets.add()
        state.id = named(app, "filter_examples").proto.id
        state.string_value = json.dumps({"selection": {"cells": [[number, "Query"]]}})
        app._run(states)
        assert not app.exception
        assert not app.warning
        assert app.query_params["query"] == example.text


def test_a_condition_is_chosen_from_fields_and_values_that_exist(app: AppTest) -> None:
    open_help(app)
    app.selectbox(key="condition_field").set_value("actor").run()
    values = app.selectbox(key="condition_value_actor")
    assert values.options == ["ann@example.org", "bob@example.org", "(none)"]
    values.set_value("bob@example.org").run()
    button(app, "Exclude").click().run()
    assert not app.exception
    assert app.query_params["query"] == "-actor:bob@example.org"
    app.selectbox(key="condition_field").set_value("outcome").run()
    app.selectbox(key="condition_value_outcome").set_value("failed").run()
    button(app, "Keep only").click().run()
    assert app.query_params["query"] == (
        "-actor:bob@example.org outcome:(client_error OR server_error)"
    )
    assert any("**1 entry**" in item.value for item in app.main.markdown)


def test_a_value_is_asked_for_or_left_out() -> None:
    def script() -> None:
        import streamlit as st

        from pages.parts.filters import filter_bar

        filter_bar.ask_for("action", "start", exclude=True)
        filter_bar.ask_for("metadata.body.name", "a b")
        filter_bar.ask_for("source", None)
        st.text(st.query_params["query"])
        filter_bar.ask_for("action", "start")
        st.text(st.query_params["query"])

    app = AppTest.from_function(script).run()
    assert not app.exception
    before, after = (text.value for text in app.text)
    assert before == '-action:start metadata.body.name:"a b" source:none'
    assert after == 'metadata.body.name:"a b" source:none action:start'
