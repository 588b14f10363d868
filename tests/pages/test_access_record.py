from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Connection
from streamlit.testing.v1 import AppTest

from audit_core.evidence.access_log.record_filter import EXAMPLES, VOCABULARY
from audit_core.identity.accounts import set_operator
from audit_core.state.access_log.joining import MANY, MAX_ROWS
from audit_core.state.access_log.record import list_events, record
from audit_core.state.access_log.verbs import VERBS
from pages.parts.access_log import record_list
from pages.parts.access_log.record_list import detail_text
from tests.pages.conftest import Open
from tests.pages.explore_page import button, links, select_cell
from tests.support.seeded import ALPHA, BETA, Seeded

PAGE = "evidence/access_record.py"
ADMIN, AUDITOR, NOBODY = "admin@example.org", "auditor@example.org", "nobody@example.org"


def opened(app: AppTest, **params: str | list[str]) -> AppTest:
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def actors(app: AppTest) -> list[str]:
    return [str(actor) for actor in app.main.dataframe[0].value["user"]]


def count(app: AppTest) -> str:
    return str(app.main.markdown[0].value).strip("*")


def add(seeded: Seeded, number: int, organization_id: str | None, **fields: Any) -> None:
    """A deed `number` minutes ago."""
    with seeded.installation.state.begin() as connection:
        put(connection, seeded, number, organization_id, **fields)


def put(
    connection: Connection,
    seeded: Seeded,
    number: int,
    organization_id: str | None,
    **fields: Any,
) -> None:
    """The same, in a transaction that is under way."""
    given: dict[str, Any] = {
        "verb": "token.added",
        "actor": f"{organization_id}-{number}",
        "address": "192.0.2.7",
        "detail": {"name": f"token {number}"},
    }
    record(
        connection,
        at=seeded.clock() - timedelta(minutes=number),
        organization_id=organization_id,
        **(given | fields),
    )


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    """Sixty deeds in each organization and in none."""
    with seeded.installation.state.begin() as connection:
        for number in range(60):
            for organization_id in (ALPHA, BETA, None):
                put(connection, seeded, number, organization_id)
    return seeded


@pytest.mark.parametrize("email", [ADMIN, AUDITOR])
def test_the_newest_events_of_this_organization_are_shown_page_by_page(
    open_app: Open, filled: Seeded, email: str
) -> None:
    app = opened(open_app(email))
    assert actors(app) == [f"{ALPHA}-{number}" for number in range(25)]
    assert count(app) == "60 events"
    button(app, "Older").click().run()
    assert actors(app) == [f"{ALPHA}-{number}" for number in range(25, 50)]
    button(app, "Older").click().run()
    assert actors(app) == [f"{ALPHA}-{number}" for number in range(50, 60)]
    assert button(app, "Older").disabled
    button(app, "Newer").click().run()
    assert actors(app)[0] == f"{ALPHA}-25"


def test_what_comes_meanwhile_shifts_no_page(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app(ADMIN))
    button(app, "Older").click().run()
    for _ in range(30):
        add(filled, 0, ALPHA, actor="new")
    app.run()
    assert actors(app) == [f"{ALPHA}-{number}" for number in range(25, 50)]


def test_the_address_is_the_filter_and_the_query_box_writes_it(
    open_app: Open, filled: Seeded
) -> None:
    add(filled, 3, ALPHA, verb="permission.refused", actor="eve", detail={"permission": "x"})
    app = opened(open_app(ADMIN), outcome="refused")
    assert actors(app) == ["eve"]
    assert any("outcome refused" in item.value for item in app.main.text)
    button(app, "Clear filters").click().run()
    assert count(app) == "61 events"
    box = app.text_input(key="record_query")
    box.set_value("action:permission.* metadata.permission:x").run()
    assert actors(app) == ["eve"]
    assert app.query_params["query"] == "action:permission.* metadata.permission:x"
    app.text_input(key="record_query").set_value("status:404").run()
    assert any(item.value == "Query not applied" for item in app.main.warning)
    assert actors(app) == ["eve"]


def open_popover(app: AppTest, key: str) -> AppTest:
    """Run again as after a click of the browser on a button that opens something."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.get_by_key(key).proto.popover.id
    state.bool_value = True
    return app._run(states)


@pytest.mark.parametrize("part", ["organization", "installation"])
def test_values_are_offered_and_chosen(open_app: Open, filled: Seeded, part: str) -> None:
    add(filled, 3, ALPHA, verb="permission.refused", actor="eve", address=None, detail={})
    with filled.installation.state.begin() as connection:
        set_operator(connection, account_id=filled.ids[ADMIN], operator=True)
    app = opened(open_app(ADMIN), part=part)
    open_popover(app, "record_popover")
    assert not app.exception
    assert not app.error
    offered = {item.label: item.options for item in app.multiselect}
    own = {"organization": f"{ALPHA}-7", "installation": "None-7"}
    assert own[part] in offered["User"]
    assert ("eve" in offered["User"]) == (part == "organization")
    assert offered["Outcome"] == ["Done", "Refused", "Broken"]
    assert "sign_in.refused" in offered["Action"]
    app.multiselect(key="record_actors").select(own[part]).run()
    assert actors(app) == [own[part]]
    assert app.query_params["actor"] == own[part]


def test_an_example_is_taken_into_the_query(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app(ADMIN))
    open_popover(app, "record_help")
    assert not app.error
    assert [len(item.value) for item in app.dataframe[:3]] == [
        len(EXAMPLES),
        len(VOCABULARY.words),
        len(VERBS),
    ]


def test_a_window_and_its_zone_are_chosen(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app(ADMIN), window="15m", zone="Asia/Tokyo")
    assert count(app) == "16 events"
    app.selectbox(key="filter_window").select("fixed").run()
    # To the minute: the end that is shown is the next full one.
    assert count(app) == "15 events"
    assert "from" in app.query_params
    assert app.query_params["zone"] == "Asia/Tokyo"


@pytest.mark.parametrize("params", [{"at": "x"}, {"query": "a:b"}])
def test_an_address_that_cannot_be_read_is_told_with_a_way_out(
    open_app: Open, filled: Seeded, params: dict[str, str]
) -> None:
    app = opened(open_app(ADMIN), **params)
    assert "is not valid" in app.error[0].value
    button(app, "Reset filters").click().run()
    assert count(app) == "60 events"


def test_an_event_opens_from_its_row_and_its_link_and_from_no_other_organization(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(open_app(ADMIN))
    select_cell(app, 2)
    with filled.installation.state.read() as connection:
        own = list_events(connection, organization_id=ALPHA, limit=60)
        (foreign, *_) = list_events(connection, organization_id=BETA, limit=1)
    event = next(item for item in own if item.actor == f"{ALPHA}-2")
    assert app.query_params["event"] == event.uid
    assert any("Added an API token." in item.value for item in app.text)
    assert not any("nothing" in item.value for item in app.info)
    for uid in (foreign.uid, "x"):
        other = opened(open_app(ADMIN), event=uid)
        assert [item.value for item in other.info] == ["There is no event with this id here:"]


def test_downloads_carry_the_filter_the_part_and_the_organization(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(open_app(ADMIN), outcome="refused", window="1h")
    (csv, lines) = links(app).values()
    asked = parse_qs(urlsplit(csv).query)
    assert urlsplit(csv).path == "/api/v1/access-record"
    assert {name: values[0] for name, values in asked.items() if name != "as_of"} == {
        "window": "1h",
        "outcome": "refused",
        "format": "csv",
        "part": "organization",
        "organization": ALPHA,
    }
    assert parse_qs(urlsplit(lines).query)["format"] == ["jsonl"]


def test_an_operator_chooses_between_the_organization_and_the_installation(
    open_app: Open, filled: Seeded
) -> None:
    with filled.installation.state.begin() as connection:
        for email in (ADMIN, NOBODY):
            set_operator(connection, account_id=filled.ids[email], operator=True)
    app = opened(open_app(ADMIN))
    assert actors(app)[0] == f"{ALPHA}-0"
    app.segmented_control(key="record_part").set_value("installation").run()
    assert app.query_params["part"] == "installation"
    assert actors(app)[0] == "None-0"
    alone = opened(open_app(NOBODY))
    assert actors(alone)[0] == "None-0"
    with filled.installation.state.begin() as connection:
        set_operator(connection, account_id=filled.ids[NOBODY], operator=False)
    alone.run()
    assert [item.value for item in alone.header] == ["You do not have access to this page"]


def test_who_is_no_operator_sees_the_organization_whatever_the_address_says(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(open_app(AUDITOR), part="installation")
    assert actors(app)[0] == f"{ALPHA}-0"
    assert "record_part" not in [item.key for item in app.segmented_control]


def test_joined_attempts_say_how_many_they_were(open_app: Open, seeded: Seeded) -> None:
    for number in range(MAX_ROWS + 10):
        for _ in range(2):
            add(
                seeded,
                5,
                None,
                verb="sign_in.refused",
                actor=ADMIN,
                address=f"10.0.0.{number}",
                detail={"reason": "wrong password"},
            )
    app = opened(open_app(ADMIN), rows="100")
    table = app.main.dataframe[0].value
    assert count(app) == "61 events, standing for 140"
    assert sorted(set(table["times"])) == ["2 times", "20 times, 10 networks"]
    (rest,) = table[table["user"] == MANY].index
    assert table["ip"][rest] == "–"


def test_a_count_stops_and_goes_on_when_asked(
    open_app: Open, filled: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_list, "MAX_COUNTED", 50)
    app = opened(open_app(ADMIN))
    assert count(app) == "50+ events"
    button(app, "Count exactly").click().run()
    assert count(app) == "60 events"


def test_nothing_found_says_what_to_do(open_app: Open, filled: Seeded) -> None:
    add(filled, 60 * 24 * 30, ALPHA, verb="ingest", actor="old")
    app = opened(open_app(ADMIN), actor="old")
    assert "No events match." in [item.value for item in app.info]
    button(app, "All time").click().run()
    assert actors(app) == ["old"]


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ({}, ""),
        ({"file": "a.jsonl", "accepted": 1234}, "file: a.jsonl · accepted: 1,234"),
        ({"verbs": ["a", "b"], "ended": True, "of": None}, "verbs: a, b · ended: yes · of: –"),
        ({"filter": {"actor": ["ann"]}}, "filter: (actor: ann)"),
    ],
)
def test_a_detail_is_written_in_one_line(detail: dict[str, object], text: str) -> None:
    assert detail_text(detail) == text
