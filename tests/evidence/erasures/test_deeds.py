"""Who may ask for an erasure, confirm, refuse and withdraw it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from audit_core.domain.access import Role
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import AccountError
from audit_core.evidence.erasures import deeds, store
from audit_core.evidence.erasures.erasure import Erasure, Stage, digits_of, pseudonym_of
from audit_core.evidence.erasures.identities import Identities
from audit_core.identity.administration import Administrator, change_member
from audit_core.state.access_log.record import list_events
from audit_core.state.database import State
from tests.support.ada import NOW
from tests.support.house import A, B, House

IDENTITIES = Identities(b"k" * 32)
OPERATOR = Administrator(actor="command line (root)", account_id=None, address=None, now=NOW)


def person(*names: str, organization_id: str = A) -> Subject:
    return Subject(
        organization_id=organization_id,
        actor_ids=frozenset(name for name in names if "@" not in name),
        addresses=frozenset(name for name in names if "@" in name),
    )


EVE = person("u-eve", "eve@example.com", "Eve@Example.com")


@pytest.fixture
def house(state: State) -> House:
    return House(state)


def ask(house: House, by: Administrator, subject: Subject = EVE, reason: str = "Case 7") -> Erasure:
    with house.state.begin() as connection:
        return deeds.ask(connection, by, IDENTITIES, subject=subject, reason=reason)


def confirm(
    house: House, by: Administrator, asked: Erasure, typed: str = " EVE@example.com "
) -> Erasure:
    with house.state.begin() as connection:
        return deeds.confirm(
            connection,
            by,
            IDENTITIES,
            organization_id=asked.organization_id,
            erasure_id=asked.id,
            typed=typed,
        )


def refuse(house: House, by: Administrator, asked: Erasure, reason: str = "No") -> Erasure:
    with house.state.begin() as connection:
        return deeds.refuse(
            connection,
            by,
            organization_id=asked.organization_id,
            erasure_id=asked.id,
            reason=reason,
        )


def withdraw(house: House, by: Administrator, asked: Erasure) -> Erasure:
    with house.state.begin() as connection:
        return deeds.withdraw(
            connection, by, organization_id=asked.organization_id, erasure_id=asked.id
        )


def found(house: House, asked: Erasure) -> Erasure:
    with house.state.read() as connection:
        again = store.find_erasure(connection, asked.id, asked.organization_id)
    assert again is not None
    return again


def test_one_admin_asks_and_another_confirms_on_record_without_the_name(house: House) -> None:
    asked = ask(house, house.by("boss"))
    assert asked.stage is Stage.ASKED
    assert IDENTITIES.opened(asked.subject or "") == EVE
    confirmed = confirm(house, house.by("mate", NOW + timedelta(hours=1)), asked)
    assert (confirmed.stage, confirmed.confirmed_by) == (Stage.CONFIRMED, "mate@example.com")
    assert confirmed.confirmed_at == NOW + timedelta(hours=1)
    with house.state.read() as connection:
        events = list_events(connection, organization_id=A, limit=9)
    assert [(event.verb, event.actor) for event in events] == [
        ("erasure.confirmed", "mate@example.com"),
        ("erasure.asked", "boss@example.com"),
    ]
    assert {event.target for event in events} == {asked.pseudonym}
    assert "eve" not in str([event.detail for event in events]).casefold()


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("boss", "confirmed by another admin"),
        ("aud", "You may not change"),
        ("mem", "You may not change"),
        ("other", "You may not change"),
    ],
)
def test_nobody_else_confirms(house: House, who: str, why: str) -> None:
    asked = ask(house, house.by("boss"))
    with pytest.raises(AccountError, match=why):
        confirm(house, house.by(who), asked)
    assert found(house, asked) == asked


@pytest.mark.parametrize("who", ["aud", "mem", "other"])
def test_who_is_no_admin_may_do_nothing(house: House, who: str) -> None:
    asked = ask(house, house.by("boss"))
    acts: list[Callable[[], object]] = [
        lambda: ask(house, house.by(who), person("u-max")),
        lambda: refuse(house, house.by(who), asked),
        lambda: withdraw(house, house.by(who), asked),
    ]
    for act in acts:
        with pytest.raises(AccountError, match="You may not change"):
            act()
    assert found(house, asked) == asked


def test_an_admin_of_another_organization_does_not_find_it(house: House) -> None:
    asked = ask(house, house.by("boss"))
    with house.state.begin() as connection, pytest.raises(AccountError, match="no erasure"):
        deeds.confirm(
            connection,
            house.by("other"),
            IDENTITIES,
            organization_id=B,
            erasure_id=asked.id,
            typed="eve@example.com",
        )


def test_a_role_that_is_gone_meanwhile_confirms_nothing(house: House) -> None:
    asked = ask(house, house.by("boss"))
    with house.state.begin() as connection:
        change_member(
            connection,
            house.by("boss"),
            organization_id=A,
            account_id=house.ids["mate"],
            role=Role.AUDITOR,
        )
    with pytest.raises(AccountError, match="You may not change"):
        confirm(house, house.by("mate"), asked)


def test_nobody_confirms_their_own_erasure(house: House) -> None:
    asked = ask(house, house.by("boss"), person("u-mate", "Mate@example.com"))
    with pytest.raises(AccountError, match="your own data"):
        confirm(house, house.by("mate"), asked, "mate@example.com")


@pytest.mark.parametrize("typed", ["", " ", "eve", "eve@example.co", "U-EVE"])
def test_what_is_typed_has_to_be_a_name_of_the_person(house: House, typed: str) -> None:
    asked = ask(house, house.by("boss"))
    with pytest.raises(AccountError, match="What was typed"):
        confirm(house, house.by("mate"), asked, typed)
    assert confirm(house, house.by("mate"), asked, "u-eve").stage is Stage.CONFIRMED


def test_the_command_line_does_not_confirm_what_it_asked_for(house: House) -> None:
    asked = ask(house, OPERATOR)
    with pytest.raises(AccountError, match="confirmed by another admin"):
        confirm(house, OPERATOR, asked)
    with pytest.raises(AccountError, match="You asked for this"):
        refuse(house, OPERATOR, asked)
    confirm(house, house.by("mate"), asked)


def test_it_is_refused_with_a_reason_by_another_and_withdrawn_by_who_asked(house: House) -> None:
    asked = ask(house, house.by("boss"))
    with pytest.raises(AccountError, match="You asked for this"):
        refuse(house, house.by("boss"), asked)
    with pytest.raises(AccountError, match="no reason"):
        refuse(house, house.by("mate"), asked, "  ")
    with pytest.raises(AccountError, match="Somebody else"):
        withdraw(house, house.by("mate"), asked)
    refused = refuse(house, house.by("mate"), asked, "Needed for case 3")
    assert (refused.stage, refused.closing_reason) == (Stage.REFUSED, "Needed for case 3")
    withdrawn = withdraw(house, house.by("mate"), ask(house, house.by("mate")))
    for one in (refused, withdrawn):
        # Nothing of the person is kept of what did not happen.
        assert one.subject is None
        with house.state.read() as connection:
            assert store.digests_of(connection, one.id) == frozenset()
        with pytest.raises(AccountError, match="no erasure"):
            confirm(house, house.by("boss"), one)


def test_a_person_is_asked_for_once_by_any_name_until_it_is_over(house: House) -> None:
    asked = ask(house, house.by("boss"))
    with pytest.raises(AccountError, match="already asked"):
        ask(house, house.by("mate"), person("EVE@EXAMPLE.COM"))
    ask(house, house.by("other"), person("u-eve", organization_id=B))
    withdraw(house, house.by("boss"), asked)
    ask(house, house.by("mate"), person("EVE@EXAMPLE.COM"))


@pytest.mark.parametrize(
    ("subject", "reason", "why"),
    [
        (EVE, " ", "no reason"),
        (EVE, "x" * 2_001, "2,001 characters"),
        (person(pseudonym_of("0123456789abcdef" * 2)), "Case", "erased already"),
        (person(*map(str, range(1_001))), "Case", "1,001 ids"),
    ],
)
def test_what_cannot_be_asked_for(house: House, subject: Subject, reason: str, why: str) -> None:
    with pytest.raises(AccountError, match=why):
        ask(house, house.by("boss"), subject, reason)


def test_a_pseudonym_leads_to_its_erasure_in_its_organization_only(house: House) -> None:
    asked = ask(house, house.by("boss"))
    with house.state.read() as connection:
        assert store.erasure_of_pseudonym(connection, asked.pseudonym, A) == asked
        assert store.erasure_of_pseudonym(connection, asked.pseudonym, B) is None
        for other in (None, "", "u-eve", "erased:", "erased:%", asked.pseudonym + "0"):
            assert digits_of(other) is None
            assert store.erasure_of_pseudonym(connection, other, A) is None


def test_digests_are_alike_for_spellings_and_differ_between_kinds_and_organizations() -> None:
    ids, addresses = IDENTITIES.of_ids, IDENTITIES.of_addresses
    spellings = ["é@x.org", "É@X.ORG", "e\u0301@x.org"]
    assert len(set(addresses(A, spellings).values())) == 1
    assert ids(A, ["x"])["x"] != ids(B, ["x"])["x"]
    assert ids(A, ["x"])["x"] != addresses(A, ["x"])["x"]
    assert ids(A, ["X"])["X"] not in ids(A, ["x"]).values()
    assert Identities(b"o" * 32).of_ids(A, ["x"]) != ids(A, ["x"])
    assert len(IDENTITIES.digests(EVE)) == 2
