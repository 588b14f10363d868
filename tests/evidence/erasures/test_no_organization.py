"""Sign-ins and other entries of no organization go with the last erasure of a person, and no
organization learns from it of another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from audit_core.domain.access import Role
from audit_core.evidence.erasures import carrying_out, store
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.evidence.erasures.exchange import erasure_lines, take_in
from audit_core.evidence.erasures.sweeping import sweep
from audit_core.evidence.erasures.words import OUTSIDE
from audit_core.integrity.actor_keys import digest
from audit_core.state.access_log.record import list_events
from audit_core.state.erasures.tables import erasure as erasure_table
from audit_core.state.tables import membership
from audit_core.state.tree.actor_keys import sealed_keys
from tests.evidence.erasures.conftest import Office
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA

EVE = {"actor_id": "u-eve", "actor_email": "Eve@Example.org"}
NAMES = ("u-eve", "Eve@Example.org")


def signs_in(office: Office, *numbers: int, hours: float = -72) -> None:
    """Entries of no organization, made that long from now."""
    at = office.seeded.clock() + timedelta(hours=hours)
    office.store(
        *(
            made(
                number,
                **EVE,
                organization_id=None,
                action="login",
                target_id="u-eve",
                ip_address="192.0.2.9",
                created_at=at,
            )
            for number in numbers
        ),
        made(99, organization_id=None, actor_id="u-steve", actor_email="steve@example.org"),
    )


def works(office: Office, number: int, organization_id: str = ALPHA) -> None:
    before = office.seeded.clock() - timedelta(days=3)
    office.store(made(number, **EVE, organization_id=organization_id, created_at=before))


def is_named(office: Office) -> bool:
    text = office.text_of_log("").casefold().replace("steve", "")
    assert ("eve" in text) is ("192.0.2.9" in text)
    return "eve" in text


def counted(office: Office) -> list[int]:
    """What the operator reads of entries of no organization, the last one first."""
    events = office.seeded.events("erasure.no_organization")
    assert {one.organization_id for one in events} <= {None}
    return [one.detail["entries"] for one in events]


def shown(office: Office, found: Erasure) -> object:
    """All that the admins of its organization see of an erasure, but for its id and times."""
    with office.tools.state.read() as connection:
        events = list_events(connection, organization_id=found.organization_id, limit=99)
    told = [(one.verb, {**one.detail, "erasure": ""}) for one in events if "erasure" in one.verb]
    row = replace(office.now(found), id="", asked_at=found.asked_at, confirmed_at=None)
    return told, replace(row, started_at=None, erased_at=None, done_at=None)


def test_sign_ins_go_with_the_only_organization_of_a_person(office: Office) -> None:
    works(office, 1)
    signs_in(office, 2, 3)
    signs_in(office, 4, hours=1)
    office.seeded.installation.trees.sealed_now("")
    found = office.erased(*NAMES)
    text = office.text_of_log("")
    # What was made after the confirmation is new.
    assert text.count(found.pseudonym) == 4 and text.count("Eve@Example.org") == 1
    assert "steve@example.org" in text
    assert counted(office) == [2]
    assert (found.entries, found.mentions, found.late) == (1, 0, 0)
    with office.tools.state.read() as connection:
        assert sealed_keys(connection, "", [digest("u-eve")]) == {}
    assert sweep(office.tools, all_of_none=True).entries == 0
    trees = office.seeded.installation.trees
    trees.sealed_now("")
    result = trees.verify("", earliest=None, progress=lambda checked, to_check: None)
    assert result.findings == ()


def test_they_stay_while_another_organization_has_the_person_and_go_with_the_last(
    office: Office,
) -> None:
    works(office, 1)
    works(office, 2, BETA)
    signs_in(office, 3)
    first = office.erased(*NAMES)
    assert sweep(office.tools, all_of_none=True).entries == 0
    assert is_named(office) and counted(office) == []
    before = shown(office, first)
    with office.tools.state.begin() as connection:
        beta = membership.c.organization_id == BETA
        connection.execute(update(membership).where(beta).values(role=Role.ADMIN.value))
    last = office.erased(*NAMES, organization_id=BETA)
    assert not is_named(office) and counted(office) == [1]
    assert last.pseudonym in office.text_of_log("")
    sweep(office.tools, all_of_none=True)
    assert shown(office, first) == before


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_organization_sees_the_same_whether_they_go_or_stay(
    office: Office, elsewhere: bool
) -> None:
    works(office, 1)
    signs_in(office, 2)
    if elsewhere:
        works(office, 3, BETA)
    found = office.erased(*NAMES)
    signs_in(office, 4, hours=-1)
    sweep(office.tools)
    assert is_named(office) is elsewhere
    told, row = shown(office, found)
    assert told == [
        ("erasure.erased", {"erasure": "", "entries": 1, "outside": list(OUTSIDE)}),
        ("erasure.confirmed", {"erasure": ""}),
        ("erasure.asked", {"erasure": "", "reason": "Case 7"}),
    ]
    assert (row.entries, row.mentions, row.late, row.problem) == (1, 0, 0, None)


def test_nobody_erases_a_stranger_who_was_never_in_the_organization(office: Office) -> None:
    signs_in(office, 1)
    office.erased(*NAMES)
    sweep(office.tools, all_of_none=True)
    assert is_named(office)


def test_sign_ins_that_come_later_are_found_by_the_sweep(office: Office) -> None:
    works(office, 1)
    office.erased(*NAMES)
    sweep(office.tools)
    signs_in(office, 2, 3)
    again = sweep(office.tools)
    assert (again.people, again.entries) == (1, 2)
    assert not is_named(office) and counted(office) == [2]
    assert sweep(office.tools).entries == 0


def test_what_stayed_for_another_organization_goes_once_that_has_nothing(office: Office) -> None:
    works(office, 1)
    works(office, 2, BETA)
    signs_in(office, 3)
    office.erased(*NAMES)
    # As retention, or an erasure by other names, leaves it.
    found = office.tools.log.erasing.subject_of(BETA, actor_id="u-eve")
    assert found is not None
    office.tools.log.erasing.erase(found.subject, pseudonym="erased:" + 16 * "0")
    assert sweep(office.tools).entries == 0 and is_named(office)
    assert sweep(office.tools, all_of_none=True).entries == 1
    assert not is_named(office)


def test_a_stop_in_between_is_made_good(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    works(office, 1)
    signs_in(office, 2)
    confirmed = office.confirmed(*NAMES)

    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(carrying_out, "erase_of_no_organization", stop)
        with pytest.raises(KeyboardInterrupt):
            carry_out(office.tools, confirmed)
    assert is_named(office)
    assert office.now(confirmed).stage is Stage.ERASING
    assert carry_out(office.tools, office.now(confirmed))
    assert not is_named(office)


def test_a_restore_repeats_it_by_the_list_of_erasures(office: Office) -> None:
    works(office, 1)
    confirmed = office.confirmed(*NAMES)
    with office.tools.state.begin() as connection:
        lines = list(erasure_lines(connection))
        # As in a backup that was made before anybody asked.
        connection.execute(erasure_table.delete())
    signs_in(office, 2)
    with office.tools.state.begin() as connection:
        assert take_in(connection, lines) == 1
    assert sweep(office.tools, from_beginning=True).entries == 2
    assert not is_named(office)
    with office.tools.state.read() as connection:
        assert store.find_anywhere(connection, confirmed.id) is not None
