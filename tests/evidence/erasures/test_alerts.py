"""An erasure reaches what rules found of a person: findings, alerts, their records, the outbox."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select

from audit_core.detect.alerts.erasing import OwnValues, erased_group
from audit_core.detect.alerts.ledger import select_alerts
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.reading import read_rule
from audit_core.detect.ruleset.ruleset import ruleset_version
from audit_core.detect.watching.changes import group_digest
from audit_core.detect.watching.looking import look
from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures.sweeping import sweep
from audit_core.state.detections.tables import alert, alert_event, finding
from audit_core.state.tables import channel, notification, rule_mute
from tests.evidence.erasures.conftest import Office
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA
from tests.support.watching import start_watching

EVE = "Eve@Example.org"
REFUSALS, ADDRESSES = (
    next(rule for rule in shipped_rules() if rule.title == title)
    for title in ("Many refusals for one actor", "One API key from many addresses at once")
)

BY_ADDRESS = """
title: Refusals of one address
id: 4f0e7bde-9f31-4a7c-8f4b-0d9b3c0f7a11
description: Somebody tries.
level: low
correlation:
  type: event_count
  rules: [refused]
  group-by: [ipAddress]
  timespan: 1h
  condition: {gte: 1}
---
title: A refusal
name: refused
id: 5f0e7bde-9f31-4a7c-8f4b-0d9b3c0f7a12
logsource: {product: daytona, service: audit}
detection:
  selection: {statusCode: 403}
  condition: selection
"""


def refused(office: Office, first: int, *, minutes: int = 0, actor_id: str = "u-eve") -> None:
    """Refusals of Eve, who uses a key from several addresses."""
    at = office.seeded.clock() - timedelta(days=2) + timedelta(minutes=minutes)
    office.store(
        *(
            made(
                number,
                organization_id=ALPHA,
                created_at=at + timedelta(seconds=number),
                actor_id=actor_id,
                actor_email=EVE,
                actor_api_key_prefix="dtn_eve",
                actor_api_key_suffix="9f",
                ip_address=f"198.51.{number}.7",
                status_code=403,
            )
            for number in range(first, first + 25)
        )
    )


def looked(office: Office) -> None:
    for rule in (REFUSALS, ADDRESSES):
        seen = look(office.tools.log, office.tools.state, rule, ALPHA, now=office.seeded.clock())
        assert seen is not None and not seen.behind


def begun(office: Office) -> None:
    now = office.seeded.clock()
    for rule in (REFUSALS, ADDRESSES):
        start_watching(office.tools.state, rule, ALPHA, now=now, revision=0)
    with office.tools.state.begin() as connection:
        connection.execute(
            insert(channel).values(
                id="c" * 32,
                organization_id=ALPHA,
                kind="webhook",
                name="c",
                destination="https://example.org/in",
                sealed="",
                group_minutes=1,
                paused=False,
                created_at=now,
                created_by="ada@example.com",
            )
        )
    refused(office, 0)
    looked(office)


def state_text(office: Office) -> str:
    """All that is kept of alerts, as a text."""
    with office.tools.state.read() as connection:
        rows = [
            tuple(row)
            for table in (finding, alert, alert_event, notification, rule_mute)
            for row in connection.execute(select(table))
        ]
    return str(rows)


def test_all_that_is_kept_of_alerts_names_the_pseudonym(office: Office) -> None:
    begun(office)
    now = office.seeded.clock()
    with office.tools.state.begin() as connection:
        (of_eve, of_key) = sorted(
            select_alerts(connection, ALPHA), key=lambda one: one.rule_id != REFUSALS.id
        )
        connection.execute(
            insert(alert_event).values(
                alert_id=of_eve.id,
                organization_id=ALPHA,
                at=now,
                kind="commented",
                actor="admin@example.org",
                detail={"comment": "I asked eve@example.org"},
            )
        )
        connection.execute(
            insert(rule_mute).values(
                id="m" * 32,
                organization_id=ALPHA,
                filter="filter: {selection: {actorId: u-eve}, condition: not selection}",
                reason="Eve@Example.org tests",
                begins_at=now,
                ends_at=now + timedelta(days=1),
                set_by="a",
                set_at=now,
            )
        )
    before = state_text(office)
    assert all(name in before.casefold() for name in ("u-eve", "eve@example.org", "dtn_eve"))
    erasure = office.erased("u-eve", EVE)
    after = state_text(office).casefold()
    assert not any(name in after for name in ("u-eve", "eve@example.org", "dtn_eve"))
    with office.tools.state.read() as connection:
        alerts = {one.id: one for one in select_alerts(connection, ALPHA)}
        assert ruleset_version(connection, ALPHA) == 1
    assert alerts[of_eve.id].group == {"actorId": erasure.pseudonym}
    assert alerts[of_eve.id].revision > of_key.revision
    assert set(alerts[of_key.id].group.values()) == {erasure.pseudonym}
    assert alerts[of_eve.id].count == of_eve.count


def test_an_address_goes_that_was_the_person_s_alone(office: Office) -> None:
    """And one that others used too stays: it says nothing of the person any more."""
    now = office.seeded.clock()
    rule = read_rule(BY_ADDRESS, "by-address.yaml")
    start_watching(office.tools.state, rule, ALPHA, now=now, revision=0)
    at = now - timedelta(days=2)
    office.store(
        *(
            made(
                number,
                organization_id=ALPHA,
                created_at=at + timedelta(seconds=number),
                actor_id=actor,
                actor_email="",
                ip_address=address,
                status_code=403,
            )
            for number, (actor, address) in enumerate(
                [("u-eve", "198.51.100.1"), ("u-eve", "198.51.100.2"), ("u-bob", "198.51.100.2")]
            )
        )
    )
    look(office.tools.log, office.tools.state, rule, ALPHA, now=now)
    assert "198.51.100.1" in state_text(office)
    erasure = office.erased("u-eve", EVE)
    assert "198.51.100.1" not in state_text(office)
    with office.tools.state.read() as connection:
        groups = [one.group["ipAddress"] for one in select_alerts(connection, ALPHA)]
    assert sorted(groups) == sorted(["198.51.100.2", erasure.pseudonym])


def test_what_is_found_later_joins_what_was_found_before(office: Office) -> None:
    begun(office)
    erasure = office.erased("u-eve", EVE)
    # What arrives late is found under the old name first, and belongs to the same hour.
    refused(office, 30)
    looked(office)
    sweep(office.tools)
    assert "u-eve" not in state_text(office)
    # What is looked at anew after it is the same group.
    refused(office, 60, actor_id=erasure.pseudonym)
    looked(office)
    with office.tools.state.read() as connection:
        column = finding.c
        rows = connection.execute(
            select(finding).where(column.rule_id == REFUSALS.id, column.withdrawn_at.is_(None))
        ).all()
    assert {row.group for row in rows} == {group_digest((erasure.pseudonym,))}
    assert sum(row.count for row in rows) == 75 - 19


def test_what_stands_beside_the_person_goes_and_others_stay() -> None:
    eve = Subject(organization_id=ALPHA, actor_ids=frozenset({"u-eve"}), addresses=frozenset({EVE}))
    of = ("actorId", "ipAddress", "targetId")
    own = OwnValues(keys={("dtn", "9f")}, by_field={"ipAddress": {"192.0.2.9"}})

    def erased(*values: str, names: tuple[str, ...] = of) -> list[str]:
        return erased_group(names, values, eve, "erased:1", own)

    assert erased("u-eve", "192.0.2.1", "sb-1") == ["erased:1", "erased:1", "sb-1"]
    assert erased("u-eve2", "192.0.2.1", "sb-1") == ["u-eve2", "192.0.2.1", "sb-1"]
    keys = ("actorApiKeyPrefix", "actorApiKeySuffix")
    assert erased("dtn", "9f", names=keys) == ["erased:1", "erased:1"]
    assert erased("dtn", "9a", names=keys) == ["dtn", "9a"]
    assert erased("192.0.2.9", "sb-1", names=("ipAddress", "targetId")) == ["erased:1", "sb-1"]
    assert erased("192.0.2.9", "sb-1", names=("targetId", "ipAddress")) == ["192.0.2.9", "sb-1"]
    assert erased_group(None, ["steve@example.org"], eve, "x") == ["steve@example.org"]
    assert erased_group(None, ["EVE@example.org", "b"], eve, "x") == ["x", "b"]
