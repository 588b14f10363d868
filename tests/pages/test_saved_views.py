"""Views of Explore: saved, opened, shared, changed; each by whoever may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Permission, Role
from audit_core.explore.view_params import READY_VIEWS
from audit_core.identity.memberships import end_membership, set_membership
from audit_core.identity.sessions import find_viewer
from audit_core.state.organization_settings import keep_setting
from audit_core.workspace.saved_views import (
    SavedView,
    SavedViews,
    add_view,
    default_view,
    delete_view,
    list_views,
    set_default_view,
)
from pages.parts.tables.shown_marks import name_of
from tests.pages.conftest import Open
from tests.pages.explore_page import entry, explore, named, table, targets
from tests.support.seeded import ALPHA, BETA, Seeded

AUDITOR, ADMIN, BOTH = "auditor@example.org", "admin@example.org", "both@example.org"
HOSTILE = "**x** [y](https://evil.example) <b> :red[z] $a$"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    seeded.installation.log.append(
        [
            entry(seeded, 1),
            entry(seeded, 2, status_code=403),
            entry(seeded, 3, action="delete"),
            entry(seeded, 4, status_code=500, actor_api_key_prefix="dtn_"),
            entry(seeded, 5, action="update_role", target_type="organization_user"),
        ]
    )
    return seeded


def person(seeded: Seeded, email: str) -> Any:
    secret = seeded.sign_in(email)
    with seeded.installation.state.begin() as connection:
        return find_viewer(connection, secret=secret, now=seeded.clock())


def saved(seeded: Seeded, email: str = AUDITOR, name: str = "Mine", **fields: Any) -> SavedView:
    given: dict[str, Any] = {"shared": False, "params": {"window": ["7d"], "action": ["delete"]}}
    viewer = person(seeded, email)
    with seeded.installation.state.begin() as connection:
        return add_view(
            connection,
            viewer,
            name=name,
            now=seeded.clock(),
            address=None,
            **{**given, **fields},
        )


def views(seeded: Seeded, email: str = AUDITOR) -> SavedViews:
    viewer = person(seeded, email)
    with seeded.installation.state.read() as connection:
        return list_views(connection, viewer)


def prefer(seeded: Seeded, view_id: str, email: str = AUDITOR) -> None:
    viewer = person(seeded, email)
    with seeded.installation.state.begin() as connection:
        set_default_view(connection, viewer, view_id)


def listed(app: AppTest) -> AppTest:
    """Run again with the list of views open."""
    app.session_state["views_popover"] = True
    app.run()
    assert not app.exception
    return app


def names(app: AppTest, group: str) -> list[str]:
    return list(named(app, f"views_{group}").value["name"])


def click(app: AppTest, group: str, row: int) -> AppTest:
    states = app._tree.get_widget_states()
    widget = states.widgets.add()
    widget.id = named(app, f"views_{group}").proto.id
    widget.string_value = json.dumps({"selection": {"cells": [[row, "name"]]}})
    app._run(states)
    assert not app.exception
    return app


def texts(app: AppTest) -> list[str]:
    return [str(item.value) for item in app.main.text]


def keys(app: AppTest) -> set[str]:
    return {item.key for item in app.button if item.key}


def save_as(app: AppTest, name: str, *, shared: bool = False, preferred: bool = False) -> AppTest:
    app.button(key="views_save_as").click().run()
    (dialog,) = app.get("dialog")
    dialog.text_input[0].set_value(name)
    if shared:
        dialog.radio[0].set_value(dialog.radio[0].options[1])
    if preferred:
        dialog.checkbox[0].check()
    (button,) = [item for item in app.button if item.label == "Save view"]
    button.click().run()
    assert not app.exception
    return app


def manage(app: AppTest) -> AppTest:
    listed(app)
    app.button(key="views_manage").click().run()
    assert not app.exception
    return app


def test_ready_made_views_open_by_one_click(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR))
    found = {}
    for row, key in enumerate(READY_VIEWS):
        click(listed(app), "ready", row)
        assert app.query_params["view"] == key
        assert READY_VIEWS[key].name in texts(app)
        assert "views_save" not in keys(app)
        # What lies in the last month depends on the day.
        if key != "access_changes_last_month":
            found[key] = targets(app)
    assert found == {
        "failed_starts": ["box-2", "box-4"],
        "access_changes": ["organization_user box-5"],
        "denied": ["box-2"],
        "api_keys": ["box-4"],
        "deletions": ["box-3"],
    }


def test_what_is_shown_is_saved_whole_under_a_name(open_app: Open, filled: Seeded) -> None:
    app = explore(
        open_app(AUDITOR),
        action="delete",
        window="1d",
        columns="user,target",
        rows="50",
        stack="actor",
    )
    save_as(app, HOSTILE)
    (view,) = views(filled).own
    assert (view.name, view.shared) == (HOSTILE, False)
    assert view.params == {
        "window": ["1d"],
        "action": ["delete"],
        "columns": ["user,target"],
        "density": ["normal"],
        "rows": ["50"],
        "stack": ["actor"],
    }
    assert app.query_params["view"] == view.id
    assert HOSTILE in texts(app)
    assert not app.get("dialog")
    assert [event.verb for event in filled.events("view.added")] == ["view.added"]


def test_names_stand_in_no_label_and_no_markdown(open_app: Open, filled: Seeded) -> None:
    view = saved(filled, ADMIN, HOSTILE, shared=True)
    saved(filled, AUDITOR, HOSTILE)
    app = manage(listed(click(listed(explore(open_app(AUDITOR))), "others", 0)))
    assert app.query_params["view"] == view.id
    labelled = (*app.button, *app.get("popover"), *app.get("dialog"))
    labels = [str(getattr(item, "label", "")) for item in labelled]
    markdown = [item.value for item in (*app.markdown, *app.caption, *app.info, *app.warning)]
    assert not [text for text in (*labels, *markdown) if "evil" in text]


def test_a_wrong_name_is_refused_with_a_sentence_and_nothing_is_lost(
    open_app: Open, filled: Seeded
) -> None:
    saved(filled)
    app = save_as(explore(open_app(AUDITOR)), "mine")
    assert "already a view" in app.error[0].proto.title.replace("\\", "")
    assert app.get("dialog")
    assert len(views(filled).own) == 1


def test_a_shared_view_opens_for_another_with_its_columns_and_is_on_record(
    open_app: Open, filled: Seeded
) -> None:
    params = {"window": ["all"], "action": ["delete"], "columns": ["target,id"]}
    view = saved(filled, ADMIN, "Gone", shared=True, params=params)
    private = saved(filled, ADMIN, "Private")
    app = listed(explore(open_app(AUDITOR)))
    assert names(app, "others") == ["Gone"]
    assert list(named(app, "views_others").value["by"]) == [ADMIN]
    click(app, "others", 0)
    assert tuple(table(app).columns) == ("target", "id")
    assert targets(app) == ["box-3"]
    (event,) = filled.events("view.used")
    assert (event.actor, event.organization_id, event.address) == (AUDITOR, ALPHA, "127.0.0.1")
    assert (event.detail["view"], event.detail["owner"]) == (view.id, ADMIN)
    app.run()
    assert len(filled.events("view.used")) == 1
    assert private.id not in str(app.query_params)
    assert "views_save" not in keys(app)


def test_a_link_to_anothers_view_is_on_record_once_a_session(
    open_app: Open, filled: Seeded
) -> None:
    view = saved(filled, ADMIN, "Gone", shared=True)
    app = explore(open_app(AUDITOR), view=view.id, window="1d", action="delete")
    assert "Gone" in texts(app)
    assert app.query_params["window"] == "1d"
    app.run()
    assert [event.actor for event in filled.events("view.used")] == [AUDITOR]


def test_a_view_alone_in_an_address_is_opened(open_app: Open, filled: Seeded) -> None:
    view = saved(filled)
    app = explore(open_app(AUDITOR), view=view.id)
    assert app.query_params == {"window": "7d", "action": "delete", "view": view.id}
    assert targets(app) == ["box-3"]
    assert filled.events("view.used") == []


def test_a_foreign_view_answers_like_one_that_is_unknown(open_app: Open, filled: Seeded) -> None:
    private = saved(filled, ADMIN)
    with filled.installation.state.begin() as connection:
        set_membership(
            connection, account_id=filled.ids[BOTH], organization_id=BETA, role=Role.ADMIN
        )
    answers = set()
    for view_id in (private.id, "f" * 32, "<b>", "a\0"):
        app = explore(open_app(AUDITOR), view=view_id)
        assert "view" not in app.query_params
        answers.add("|".join(texts(app)).replace(f"{view_id!a}", "ID"))
        linked = explore(open_app(AUDITOR), view=view_id, window="all")
        assert "view" not in linked.query_params
        assert "Mine" not in texts(linked)
        assert len(table(linked)) == 5
    (answer,) = answers
    assert "There is no view ID that you can open." in answer
    assert filled.events("view.used") == []


def test_a_change_is_seen_and_saved_into_the_view(open_app: Open, filled: Seeded) -> None:
    view = saved(filled)
    app = explore(open_app(AUDITOR), view=view.id)
    assert "views_save" not in keys(app)
    app.query_params["action"] = "start"
    app.run()
    assert any("Changed" in str(item.value) for item in app.main.markdown)
    app.button(key="views_save").click().run()
    assert not app.exception
    (after,) = views(filled).own
    assert after.params["action"] == ["start"]
    assert after.params["columns"]
    assert "views_save" not in keys(app)
    assert filled.events("view.changed")[0].detail["overwritten"] is True


def test_a_view_can_be_left_without_losing_what_is_shown(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), view=saved(filled).id)
    app.button(key="views_leave").click().run()
    assert app.query_params == {"window": "7d", "action": "delete"}
    assert targets(app) == ["box-3"]


@pytest.mark.parametrize(("email", "may"), [(ADMIN, True), (AUDITOR, False)])
def test_only_the_owner_or_an_admin_may_change_a_shared_view(
    open_app: Open, filled: Seeded, email: str, may: bool
) -> None:
    view = saved(filled, BOTH, "Theirs", shared=True)
    app = explore(open_app(email), view=view.id, window="all")
    assert ("views_save" in keys(app)) == may
    assert app.button(key="views_save_as")
    manage(app)
    assert ("views_managed" in {item.key for item in app.selectbox}) == may


def test_a_member_who_was_granted_to_read_may_share(open_app: Open, filled: Seeded) -> None:
    with filled.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=filled.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
    save_as(explore(open_app("member@example.org")), "All", shared=True)
    assert [view.name for view in views(filled).others] == ["All"]


def test_a_view_is_renamed_shared_and_deleted_in_the_dialog(open_app: Open, filled: Seeded) -> None:
    view = saved(filled)
    app = manage(explore(open_app(AUDITOR), view=view.id))
    app.text_input(key=f"view_name_{view.id}").set_value("Renamed")
    sharing = app.radio(key=f"view_sharing_{view.id}")
    sharing.set_value(sharing.options[1])
    (save,) = [item for item in app.button if item.label == "Save"]
    save.click().run()
    assert not app.exception
    (after,) = views(filled).own
    assert (after.name, after.shared, after.params) == ("Renamed", True, view.params)
    assert "Renamed" in texts(app)
    manage(app)
    (delete,) = [item for item in app.button if item.label == "Delete view"]
    delete.click().run()
    assert len(views(filled).own) == 1
    app.button(key="view_delete_yes").click().run()
    assert not app.exception
    assert views(filled).own == ()
    assert "view" not in app.query_params
    assert targets(app) == ["box-3"]


def test_a_view_that_can_no_longer_be_read_says_why_and_can_be_deleted(
    open_app: Open, filled: Seeded
) -> None:
    saved(filled, name="Old", params={"colour": ["red"], "columns": ["gone"]})
    app = listed(explore(open_app(AUDITOR)))
    (shows,) = named(app, "views_own").value["shows"]
    assert shows.startswith("Cannot be opened: The parameter 'colour' is unknown")
    click(app, "own", 0)
    assert "The view “Old” cannot be opened." in texts(app)
    assert any("'gone' is not one of" in text for text in texts(app))
    assert len(table(app)) == 5
    manage(app)
    assert app.warning[0].value == "This view can no longer be opened."
    (delete,) = [item for item in app.button if item.label == "Delete view"]
    delete.click().run()
    app.button(key="view_delete_yes").click().run()
    assert views(filled).own == ()


def test_the_default_view_opens_where_the_address_asks_for_nothing(
    open_app: Open, filled: Seeded
) -> None:
    view = saved(filled)
    app = manage(explore(open_app(AUDITOR)))
    app.selectbox(key="views_default").set_value(view.id)
    app.run()
    assert not app.exception
    viewer = person(filled, AUDITOR)
    with filled.installation.state.read() as connection:
        assert default_view(connection, viewer) == view.id
    again = explore(open_app(AUDITOR))
    assert again.query_params["view"] == view.id
    assert targets(again) == ["box-3"]
    asking = explore(open_app(AUDITOR), window="1d")
    assert asking.query_params == {"window": "1d"}
    assert "view" not in explore(open_app(ADMIN)).query_params


def test_a_new_view_can_be_the_default_at_once(open_app: Open, filled: Seeded) -> None:
    save_as(explore(open_app(AUDITOR), action="delete"), "Gone", preferred=True)
    assert targets(explore(open_app(AUDITOR))) == ["box-3"]


def test_a_ready_made_view_may_be_the_default(open_app: Open, filled: Seeded) -> None:
    prefer(filled, "denied")
    assert targets(explore(open_app(AUDITOR))) == ["box-2"]


def test_a_ready_made_view_is_written_in_the_zone_that_is_shown(
    open_app: Open, filled: Seeded
) -> None:
    app = listed(explore(open_app(AUDITOR), zone="Europe/Berlin", window="all", stack="actor"))
    assert "Europe/Berlin" in named(app, "views_ready").value["shows"][0]
    click(app, "ready", 2)
    assert app.query_params["zone"] == "Europe/Berlin"
    assert "stack" not in app.query_params
    app.query_params["zone"] = "Asia/Tokyo"
    app.run()
    assert not any("Changed" in str(item.value) for item in app.main.markdown)
    with filled.installation.state.begin() as connection:
        keep_setting(connection, organization_id=ALPHA, name="zone", value="Asia/Tokyo")
    st.cache_data.clear()
    prefer(filled, "denied")
    assert explore(open_app(AUDITOR)).query_params["zone"] == "Asia/Tokyo"


def test_a_filter_of_another_page_goes_on_and_the_default_waits(
    open_app: Open, filled: Seeded
) -> None:
    prefer(filled, "denied")
    app = open_app(AUDITOR)
    app.query_params["action"] = "delete"
    app.run()
    app.query_params.clear()
    app.switch_page("activity/explore.py").run()
    assert not app.exception
    assert "view" not in app.query_params
    assert targets(app) == ["box-3"]


def test_a_default_that_is_gone_is_told_and_everything_is_shown(
    open_app: Open, filled: Seeded
) -> None:
    view = saved(filled)
    prefer(filled, view.id)
    viewer = person(filled, AUDITOR)
    with filled.installation.state.begin() as connection:
        delete_view(connection, viewer, view.id, now=filled.clock(), address=None)
    app = explore(open_app(AUDITOR))
    assert any("that you can open" in text for text in texts(app))
    assert len(table(app)) == 5


def test_views_of_another_organization_are_neither_listed_nor_opened(
    open_app: Open, filled: Seeded
) -> None:
    view = saved(filled, ADMIN, "Alpha's", shared=True)
    with filled.installation.state.begin() as connection:
        end_membership(connection, account_id=filled.ids[BOTH], organization_id=ALPHA)
    app = listed(explore(open_app(BOTH)))
    assert {name_of(item.key or "") for item in app.main.dataframe} & {
        "views_own",
        "views_others",
    } == set()
    assert "Alpha's" not in str(manage(app).selectbox(key="views_default").options)
    linked = explore(open_app(BOTH), view=view.id)
    assert "view" not in linked.query_params
    assert "Alpha's" not in texts(linked)
