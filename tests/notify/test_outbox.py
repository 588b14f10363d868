"""What is to be told is kept with what it tells, and only where somebody is to be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from sqlalchemy import insert, select, update

from audit_core.identity.accounts import ensure_organization
from audit_core.notify.notice import Notice
from audit_core.notify.outbox import enqueue
from audit_core.state.database import State
from audit_core.state.tables import channel, notification, notification_route
from tests.support.laws import law
from tests.support.new_state import new_state
from tests.support.notices import AT, a_notice, notices


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = new_state(tmp_path / "state.sqlite")
    with opened.begin() as connection:
        for organization_id in ("org-a", "org-b"):
            ensure_organization(connection, organization_id=organization_id, name=organization_id)
    yield opened
    opened.close()


def add(state: State, channel_id: str, organization_id: str = "org-a") -> None:
    """A channel, as a row."""
    with state.begin() as connection:
        connection.execute(
            insert(channel).values(
                id=channel_id,
                organization_id=organization_id,
                kind="webhook",
                name=channel_id,
                destination="https://example.org/in",
                sealed="",
                group_minutes=1,
                paused=False,
                created_at=AT,
                created_by="ada@example.com",
            )
        )


def kept(state: State) -> list[tuple[str, Notice]]:
    """For which channel each notice waits, in their order."""
    with state.read() as connection:
        rows = connection.execute(select(notification).order_by(notification.c.id)).all()
    return [(row.channel_id, Notice.from_json(row.notice)) for row in rows]


@given(notices())
@law(200)
def test_a_notice_is_read_as_it_was_kept(notice: Notice) -> None:
    assert Notice.from_json(notice.as_json()) == notice


def test_each_channel_of_the_organization_is_told_and_no_other_one(state: State) -> None:
    add(state, "one")
    add(state, "two")
    add(state, "other", "org-b")
    with state.begin() as connection:
        assert enqueue(connection, "org-a", [a_notice(1), a_notice(2)], AT) == 4
    assert kept(state) == [
        (channel_id, a_notice(number)) for number in (1, 2) for channel_id in ("one", "two")
    ]


def test_without_channels_nothing_is_kept(state: State) -> None:
    add(state, "other", "org-b")
    with state.begin() as connection:
        assert enqueue(connection, "org-a", [a_notice()], AT) == 0
    assert kept(state) == []


def test_what_is_undone_is_not_told(state: State) -> None:
    add(state, "one")
    with pytest.raises(ZeroDivisionError), state.begin() as connection:
        enqueue(connection, "org-a", [a_notice()], AT)
        _ = 1 / 0
    assert kept(state) == []


def test_a_channel_with_routes_is_told_what_they_take_and_a_disabled_one_nothing(
    state: State,
) -> None:
    add(state, "one")
    add(state, "ended")
    with state.begin() as connection:
        connection.execute(
            insert(notification_route).values(
                id="r", channel_id="one", level="high", rule_ids=["rule-a"], target_types=[]
            )
        )
        connection.execute(update(channel).where(channel.c.id == "ended").values(disabled_at=AT))
        told = [a_notice(1, rule_id="rule-b"), a_notice(2, rule_id="rule-a")]
        enqueue(connection, "org-a", told, AT)
    assert [notice.number for _, notice in kept(state)] == [2]


def test_no_secret_leaves_the_house(state: State) -> None:
    add(state, "one")
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "a1B2c3"
    with state.begin() as connection:
        leaking = a_notice(sentence=f"Ran git clone {secret}", group={"command": secret})
        enqueue(connection, "org-a", [leaking], AT)
    assert secret not in repr(kept(state))
