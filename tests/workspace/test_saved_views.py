"""Who sees, uses and changes which saved view; on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit_core.domain.access import GRANTABLE, Membership, Role
from audit_core.domain.errors import AccountError, ViewError
from audit_core.identity.accounts import add_account
from audit_core.identity.memberships import ensure_organization
from audit_core.identity.sessions import Viewer
from audit_core.state.access_log.record import AccessEvent, list_events
from audit_core.state.database import State, open_state
from audit_core.workspace.saved_views import (
    LONGEST_PARAMS,
    LONGEST_VIEW_NAME,
    MAX_VIEWS,
    SavedView,
    add_view,
    change_view,
    default_view,
    delete_view,
    find_view,
    list_views,
    may_change,
    open_view,
    set_default_view,
)
from tests.contract.engines import Engines
from tests.support.ada import NOW, PASSWORD

PARAMS = {"window": ["7d"], "actor": ["a", "ä\u202e\0"], "columns": ["time,user"]}
DEED = {"now": NOW, "address": "192.0.2.1"}
ROLES: dict[str, tuple[Role | None, bool]] = {
    "admin": (Role.ADMIN, False),
    "auditor": (Role.AUDITOR, False),
    "granted member": (Role.MEMBER, True),
    "member": (Role.MEMBER, False),
    "stranger": (None, False),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def state(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engines: Engines
) -> Iterator[State]:
    file: Path = tmp_path_factory.mktemp("state") / "state.sqlite"
    sqlite = request.param == "sqlite"
    opened = open_state(f"sqlite:///{file}" if sqlite else engines.new_url("postgresql"))
    with opened.begin() as connection:
        for organization_id in ("org-a", "org-b"):
            ensure_organization(connection, organization_id=organization_id)
    yield opened
    opened.close()


@pytest.fixture
def person(state: State, request: pytest.FixtureRequest) -> Callable[..., Viewer]:
    """`person("auditor")` is a new person with that role in org-a."""
    numbers = iter(range(100))

    def new(role: str = "auditor", organization_id: str = "org-a") -> Viewer:
        number = next(numbers)
        with state.begin() as connection:
            account = add_account(
                connection,
                email=f"{number}.{abs(hash(request.node.nodeid))}@example.org",
                name="Someone",
                password=PASSWORD,
                now=NOW,
                cost=4,
            )
        held, granted = ROLES[role]
        memberships = (
            ()
            if held is None
            else (
                Membership(
                    organization_id=organization_id,
                    organization_name=organization_id,
                    role=held,
                    grants=GRANTABLE if granted else frozenset(),
                ),
            )
        )
        return Viewer(
            account_id=account.id,
            email=account.email,
            name="Someone",
            session_id="0" * 32,
            last_seen_at=NOW,
            memberships=memberships,
            organization_id=organization_id if memberships else None,
        )

    return new


def add(state: State, viewer: Viewer, name: str = "Mine", **fields: Any) -> SavedView:
    with state.begin() as connection:
        given: dict[str, Any] = {"shared": False, "params": PARAMS, **DEED, **fields}
        return add_view(connection, viewer, name=name, **given)


def deeds(state: State, viewer: Viewer) -> list[AccessEvent]:
    """What the person is on record for, oldest first."""
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=10_000)
    return [event for event in events[::-1] if event.actor == viewer.email]


def test_a_view_is_found_as_it_was_saved(state: State, person: Callable[..., Viewer]) -> None:
    viewer = person()
    added = add(state, viewer, "  Über alles  ")
    assert re.fullmatch("[0-9a-f]{32}", added.id)
    assert (added.name, added.params, added.changed_at) == ("Über alles", PARAMS, NOW)
    with state.read() as connection:
        assert find_view(connection, viewer, added.id) == added
        assert list_views(connection, viewer).own == (added,)
        assert list_views(connection, viewer).truncated is False


DEEDS: dict[str, Callable[..., Any]] = {
    "find": lambda connection, viewer, view: find_view(connection, viewer, view.id),
    "list": lambda connection, viewer, view: (
        view
        in (
            *list_views(connection, viewer).own,
            *list_views(connection, viewer).others,
        )
    ),
    "open": lambda connection, viewer, view: open_view(connection, viewer, view.id, **DEED),
    "rename": lambda connection, viewer, view: change_view(
        connection, viewer, view.id, name="New", **DEED
    ),
    "share": lambda connection, viewer, view: change_view(
        connection, viewer, view.id, shared=not view.shared, **DEED
    ),
    "overwrite": lambda connection, viewer, view: change_view(
        connection, viewer, view.id, params={}, **DEED
    ),
    "delete": lambda connection, viewer, view: delete_view(connection, viewer, view.id, **DEED),
}
SEE, CHANGE = {"find", "list", "open"}, {"rename", "share", "overwrite", "delete"}

# Written out, not computed: who may do what with a view of another person.
WITH_SHARED = {
    "admin": SEE | CHANGE,
    "auditor": SEE,
    "granted member": SEE,
    "member": set(),
    "stranger": set(),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shared", [False, True], ids=["private", "shared"])
def test_the_table_of_roles_and_deeds_with_another_ones_view(
    state: State, person: Callable[..., Viewer], role: str, deed: str, shared: bool
) -> None:
    owner, other = person(), person(role)
    view = add(state, owner, shared=shared)
    allowed = shared and deed in WITH_SHARED[role]
    try:
        with state.begin() as connection:
            done = bool(DEEDS[deed](connection, other, view))
    except ViewError:
        done = False
    assert done == allowed
    with state.read() as connection:
        left = find_view(connection, owner, view.id)
    assert (left == view) == (not (done and deed in CHANGE))
    assert bool(deeds(state, other)) == (done and deed in CHANGE | {"open"})


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("role", ["admin", "auditor", "granted member"])
@pytest.mark.parametrize("shared", [False, True], ids=["private", "shared"])
def test_whoever_may_read_may_do_all_with_their_own(
    state: State, person: Callable[..., Viewer], role: str, deed: str, shared: bool
) -> None:
    owner = person(role)
    view = add(state, owner, shared=shared)
    assert may_change(owner, view)
    with state.begin() as connection:
        assert DEEDS[deed](connection, owner, view)


@pytest.mark.parametrize("role", ["member", "stranger"])
def test_whoever_may_not_read_saves_nothing(
    state: State, person: Callable[..., Viewer], role: str
) -> None:
    with pytest.raises(ViewError, match="read:audit_logs"):
        add(state, person(role))


@pytest.mark.parametrize("deed", sorted((SEE | CHANGE) - {"find", "list"}))
def test_foreign_and_unknown_views_answer_alike(
    state: State, person: Callable[..., Viewer], deed: str
) -> None:
    reader = person("admin")
    private = add(state, person())
    foreign = add(state, person("admin", "org-b"), shared=True)
    messages = set()
    for view_id in (private.id, foreign.id, "f" * 32, "", "x' OR 1=1", "a\0", private.id.upper()):
        view = SavedView(
            id=view_id,
            organization_id="org-a",
            account_id=reader.account_id,
            owner=reader.email,
            name="Guessed",
            shared=True,
            params={},
            changed_at=NOW,
        )
        with pytest.raises(ViewError) as caught, state.begin() as connection:
            DEEDS[deed](connection, reader, view)
        messages.add(caught.value.message.replace(f"{view_id!a}", "ID"))
        with state.read() as connection:
            assert find_view(connection, reader, view_id) is None
    assert messages == {"There is no view ID that you can open."}


def test_what_is_done_is_on_record(state: State, person: Callable[..., Viewer]) -> None:
    owner, reader = person(), person()
    view = add(state, owner, shared=True)
    with state.begin() as connection:
        open_view(connection, owner, view.id, **DEED)
        open_view(connection, reader, view.id, **DEED)
        change_view(connection, owner, view.id, name="Mine", **DEED)
        change_view(connection, owner, view.id, name="Other", shared=False, **DEED)
        change_view(connection, owner, view.id, params={}, **DEED)
        delete_view(connection, owner, view.id, **DEED)
    of_owner = deeds(state, owner)
    assert [event.verb for event in of_owner] == [
        *("view.added", "view.changed", "view.changed", "view.deleted")
    ]
    known = {"view": view.id, "owner": owner.email}
    assert of_owner[1].detail == known | {
        **{"name": "Other", "shared": False, "renamed": True, "sharing_changed": True}
    }
    assert of_owner[2].detail == known | {"name": "Other", "shared": False, "overwritten": True}
    (used,) = deeds(state, reader)
    assert (used.verb, used.organization_id, used.address) == ("view.used", "org-a", "192.0.2.1")
    told = str([event.detail for event in of_owner])
    # Not "7d" alone, which the random id of a view may hold.
    assert not any(part in told for part in ("window", "'7d'", "time,user", "ä"))


def test_a_refused_change_leaves_no_record_and_says_whose_it_is(
    state: State, person: Callable[..., Viewer]
) -> None:
    owner, reader = person(), person()
    view = add(state, owner, shared=True)
    assert not may_change(reader, view)
    refused = pytest.raises(ViewError, match=r"belongs to.*manage:access")
    with refused as caught, state.begin() as connection:
        delete_view(connection, reader, view.id, **DEED)
    assert owner.email in caught.value.message
    assert deeds(state, reader) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * (LONGEST_VIEW_NAME + 1), "a\u202eb", "a\nb"])
def test_a_name_is_one_line_of_visible_text(
    state: State, person: Callable[..., Viewer], name: str
) -> None:
    viewer = person()
    with pytest.raises(AccountError, match=r"name"):
        add(state, viewer, name)
    view = add(state, viewer)
    with pytest.raises(AccountError), state.begin() as connection:
        change_view(connection, viewer, view.id, name=name, **DEED)


def test_a_person_gives_a_name_once_and_others_may_give_it_too(
    state: State, person: Callable[..., Viewer]
) -> None:
    viewer, admin = person(), person("admin")
    add(state, viewer, "Straße", shared=True)
    with pytest.raises(ViewError, match="already a view “STRASSE”"):
        add(state, viewer, "STRASSE")
    add(state, admin, "Straße")
    second = add(state, viewer, "Second", shared=True)
    with pytest.raises(ViewError, match="already"), state.begin() as connection:
        change_view(connection, admin, second.id, name="straße", **DEED)
    with state.begin() as connection:
        change_view(connection, viewer, second.id, name="SECOND", **DEED)


def test_the_limits_are_told_with_their_values(
    state: State, person: Callable[..., Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = person()
    long = {"text": ["x" * LONGEST_PARAMS]}
    with pytest.raises(ViewError, match=r"20,0\d\d characters long.*at most 20,000"):
        add(state, viewer, params=long)
    with state.begin() as connection:
        for number in range(MAX_VIEWS):
            add_view(connection, viewer, name=str(number), shared=False, params={}, **DEED)
    with pytest.raises(ViewError, match="200 views here, and 200 is the most"):
        add(state, viewer, "One more")
    with state.read() as connection:
        assert len(list_views(connection, viewer).own) == MAX_VIEWS
    add(state, person(), "Others have their own limit")


def test_a_list_that_was_cut_says_so(
    state: State, person: Callable[..., Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit_core.workspace.saved_views.MAX_SHARED", 2)
    reader = person(organization_id="org-b")
    for number in range(3):
        add(state, person(organization_id="org-b"), str(number), shared=True)
    with state.read() as connection:
        found = list_views(connection, reader)
    assert len(found.others) == 2
    assert found.truncated


def test_a_default_is_a_persons_own_and_of_one_organization(
    state: State, person: Callable[..., Viewer]
) -> None:
    viewer, other = person(), person()
    elsewhere = Viewer(
        account_id=viewer.account_id,
        email=viewer.email,
        name="",
        session_id="",
        last_seen_at=NOW,
        memberships=viewer.memberships,
        organization_id="org-b",
    )
    with state.begin() as connection:
        assert default_view(connection, viewer) is None
        set_default_view(connection, viewer, "denied")
        assert default_view(connection, viewer) == "denied"
        assert default_view(connection, other) is None
        assert default_view(connection, elsewhere) is None
        set_default_view(connection, viewer, None)
        assert default_view(connection, viewer) is None


def test_every_refusal_is_for_people(state: State, person: Callable[..., Viewer]) -> None:
    viewer = person()
    with pytest.raises(ViewError) as caught, state.begin() as connection:
        open_view(connection, viewer, "e" * 32, **DEED)
    assert caught.value.hint
