"""An erasure that was confirmed is carried out, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit_core.detect.alerts.reading import alert_detail
from audit_core.detect.alerts.triage import comment_on
from audit_core.detect.ruleset.mutes import set_mute
from audit_core.detect.ruleset.own_rules import save_own_rule
from audit_core.detect.ruleset.ruleset import read_ruleset, ruleset_version
from audit_core.domain.alerts.level import Level
from audit_core.domain.rejections import Rejection
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import Stage
from audit_core.evidence.erasures.kept_texts import ERASED_TEXT
from audit_core.evidence.erasures.rewriting import rewrite
from audit_core.evidence.erasures.sweeping import sweep
from audit_core.evidence.holds.holds import HeldError
from audit_core.evidence.jobs import store as job_store
from audit_core.evidence.jobs.job import JobState
from audit_core.identity.administration import Administrator
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import ALL_TIME, Window
from audit_core.state.rejections import keep_rejections, list_rejections
from audit_core.workspace.legal_holds import lift_hold, set_hold
from tests.evidence.erasures.conftest import Office
from tests.evidence.jobs.conftest import Desk
from tests.evidence.nasty_entries import made
from tests.support.alerts import find, rule_of_level
from tests.support.seeded import ALPHA, BETA

EVE = "Eve@Example.org"
RULE = """title: Somebody is back
id: 11111111-1111-4111-8111-111111111111
description: After her leave.
level: low
logsource: {product: daytona, service: audit}
detection:
  selection:
    actorEmail: eve@example.org
  condition: selection
"""


def entries(office: Office) -> None:
    before = office.seeded.clock() - timedelta(days=3)
    common = {"organization_id": ALPHA, "created_at": before}
    office.store(
        made(1, **common, actor_id="u-eve", actor_email=EVE, metadata='{"pet":"cat"}'),
        made(2, **common, actor_id="", actor_email="eve@example.org", ip_address="192.0.2.9"),
        made(3, **common, metadata='{"invited":"eve@example.org"}'),
        made(4, **common, target_type="user", target_id="u-eve"),
        made(5, **common, metadata='{"invited":"steve@example.org"}'),
        made(6, organization_id=BETA, created_at=before, actor_id="u-eve", actor_email=EVE),
    )


def test_all_that_shows_the_person_is_gone_and_who_did_what_stays(office: Office) -> None:
    entries(office)
    erasure = office.erased("u-eve", EVE)
    assert (erasure.stage, erasure.entries, erasure.mentions) == (Stage.REWRITING, 2, 2)
    assert erasure.subject is None
    text = office.text_of_log().replace("steve", "")
    assert "eve@" not in text.casefold()
    assert "u-eve" not in text and "cat" not in text and "192.0.2.9" not in text
    assert text.count(erasure.pseudonym) == 3
    assert "ann@example.org" in text
    # What another organization has is its own.
    found = office.tools.log.erasing.subject_of(BETA, actor_id="u-eve")
    assert found is not None and found.entries == 1
    (event,) = office.seeded.events("erasure.erased")
    # What is not reached is on record with it.
    assert "backups, and archives" in str(event.detail.pop("outside"))
    assert event.detail == {"erasure": erasure.pseudonym, "entries": 2, "mentions": 2}


def test_a_hold_that_was_set_in_between_stops_it_with_its_sentence(office: Office) -> None:
    entries(office)
    erasure = office.confirmed("u-eve", EVE)
    everything = EntryFilter(window=Window(preset=ALL_TIME))
    by = office.by("admin@example.org")
    with office.tools.state.begin() as connection:
        hold = set_hold(
            connection,
            by,
            organization_id=ALPHA,
            params=everything.to_params(),
            sentence="all",
            reason="Case 3",
        )
    with pytest.raises(HeldError):
        carry_out(office.tools, erasure)
    stopped = office.now(erasure)
    assert stopped.stage is Stage.CONFIRMED
    assert stopped.problem is not None and "A legal hold of" in stopped.problem
    assert "u-eve" in office.text_of_log()
    with office.tools.state.begin() as connection:
        lift_hold(
            connection, by, organization_id=ALPHA, hold_id=hold.id, sentence="all", reason="Closed"
        )
    assert carry_out(office.tools, stopped)
    assert office.now(erasure).problem is None


def test_rejected_records_lose_what_names_the_person(office: Office) -> None:
    def keep(organization_id: str | None, raw: str, origin: str = "a.jsonl") -> None:
        with office.tools.state.begin() as connection:
            keep_rejections(
                connection,
                rejections=[Rejection(place="line 1", reason="no id", raw=raw)],
                organization_id=organization_id,
                origin=origin,
                now=office.seeded.clock(),
            )

    keep(ALPHA, '{"actorEmail":"EVE@example.org"}')
    keep(ALPHA, '{"actorEmail":"steve@example.org"}', origin="u-eve.jsonl")
    keep(BETA, '{"actorEmail":"eve@example.org"}')
    erasure = office.erased("u-eve", EVE)
    assert erasure.rejections == 2
    with office.tools.state.read() as connection:
        kept = list_rejections(connection, organization_id=None, limit=9)
    assert [(one.origin, one.raw) for one in kept] == [
        ("a.jsonl", '{"actorEmail":"eve@example.org"}'),
        (ERASED_TEXT, '{"actorEmail":"steve@example.org"}'),
        ("a.jsonl", ERASED_TEXT),
    ]


def test_exports_made_before_go_and_one_that_is_being_made_ends(office: Office) -> None:
    entries(office)
    desk = Desk(office.seeded, office.seeded.installation.exports)
    desk.ask(actor="u-eve")
    done, _ = desk.make()
    desk.ask()
    making = desk.begun()
    waiting = desk.ask()
    erasure = office.confirmed("u-eve", EVE)
    # One is being made that may hold the person: it is told to end first.
    assert not carry_out(office.tools, erasure)
    assert office.now(erasure).stage is Stage.ERASING
    making.run()
    assert desk.now(making.job).state is JobState.CANCELLED
    assert carry_out(office.tools, office.now(erasure))
    files = desk.workshop.files
    assert not files.path(done.id).exists() and not files.path(making.job.id).exists()
    assert office.now(erasure).exports == 1
    assert len(office.seeded.events("export.deleted")) == 1
    # One that had not begun is made of what is there now.
    made_after, text = desk.make()
    assert made_after.id == waiting.id
    assert "u-eve" not in text and erasure.pseudonym in text


def test_rules_and_mutes_name_the_pseudonym_and_can_still_be_read(office: Office) -> None:
    entries(office)
    by = office.by("admin@example.org")
    with office.tools.state.begin() as connection:
        rule = save_own_rule(connection, by, organization_id=ALPHA, text=RULE)
        set_mute(
            connection,
            by,
            organization_id=ALPHA,
            filter="filter: {selection: {actorEmail: eve@example.org}, condition: not selection}",
            reason="eve@example.org is on leave",
            ends_at=by.now + timedelta(days=1),
        )
        version = ruleset_version(connection, ALPHA)
    erasure = office.erased("u-eve", EVE)
    with office.tools.state.read() as connection:
        own = read_ruleset(connection, ALPHA)
        assert ruleset_version(connection, ALPHA) > version
    assert own.unreadable == ()
    kept = own.find(rule.id)
    assert kept is not None
    told = f"{kept.rule.text} {own.mutes[0].filter} {own.mutes[0].reason}"
    assert "eve@" not in told.casefold()
    assert told.count(erasure.pseudonym) == 3


def test_saved_filters_name_the_pseudonym(office: Office) -> None:
    entries(office)
    desk = Desk(office.seeded, office.seeded.installation.exports)
    job = desk.ask(actor="u-eve", query=f'actor:"{EVE}" OR actor:u-eve')
    erasure = office.erased("u-eve", EVE)
    assert erasure.filters == 1
    params = desk.now(job).what["filter"]
    assert params["actor"] == [erasure.pseudonym]
    assert "eve" not in str(params)
    assert desk.now(job).request.query(ALPHA).entry_filter.actors == (erasure.pseudonym,)


@pytest.mark.parametrize(
    "text",
    ["u-eve", "NOT u-eve", 'actor:"EVE@example.org"', "actor:(u-eve OR bob)", '"said u-eve (x)"'],
)
def test_a_query_that_names_the_person_stays_one(office: Office, text: str) -> None:
    desk = Desk(office.seeded, office.seeded.installation.exports)
    job = desk.ask(query=text)
    erasure = office.erased("u-eve", EVE)
    (query,) = desk.now(job).what["filter"]["query"]
    assert erasure.pseudonym in query and "eve" not in query.casefold()
    assert desk.now(job).request.entry_filter.query == query


def test_what_comes_later_is_erased_as_well_and_what_is_new_stays(office: Office) -> None:
    entries(office)
    erasure = office.erased("u-eve", EVE)
    assert sweep(office.tools).entries == 0
    before = office.seeded.clock() - timedelta(hours=1)
    after = office.seeded.clock() + timedelta(hours=1)
    late = {"organization_id": ALPHA, "created_at": before}
    office.store(
        made(11, **late, actor_id="u-eve", actor_email=EVE),
        made(12, **late, actor_id="", actor_email="EVE@example.org"),
        made(13, organization_id=ALPHA, created_at=after, actor_id="u-eve", actor_email=EVE),
    )
    again = sweep(office.tools)
    assert (again.people, again.entries) == (1, 2)
    assert sweep(office.tools).entries == 0
    assert office.text_of_log().count("u-eve") == 1
    assert office.text_of_log().count(erasure.pseudonym) == 5
    assert office.now(erasure).late == 2


def test_it_is_done_when_no_old_byte_is_left(office: Office) -> None:
    nothing = office.erased("u-nobody")
    assert rewrite(office.tools) == 1
    assert office.now(nothing).stage is Stage.DONE
    entries(office)
    erasure = office.erased("u-eve", EVE)
    assert rewrite(office.tools) == 0
    assert office.now(erasure).stage is Stage.REWRITING


def test_what_was_erased_since_an_export_has_not_vanished(office: Office) -> None:
    entries(office)
    desk = Desk(office.seeded, office.seeded.installation.exports)
    desk.ask(query="metadata.pet:cat")
    desk.ask(query="metadata.invited:*@example.org")
    first, _ = desk.make()
    second, _ = desk.make()
    # Their files have expired before, so that they stay on the list.
    office.seeded.clock.pass_by(hours=25)
    with office.tools.state.begin() as connection:
        job_store.expire(connection, now=office.seeded.clock())
    office.erased("u-eve", EVE)
    for job, gone in ((first, 1), (second, 1)):
        desk.since(desk.now(job))
        made_since, _ = desk.make()
        changes = made_since.changes
        assert changes is not None
        assert (changes["erased"], changes["vanished"]) == (gone, 0)
    assert not office.seeded.events("export.vanished")


def test_alerts_name_the_pseudonym_and_stay_those_of_the_same_entries(office: Office) -> None:
    entries(office)
    rule = rule_of_level(Level.HIGH)
    state, now = office.seeded.installation.state, office.seeded.clock()
    by = Administrator(actor="ann@example.org", account_id=None, address=None, now=now)
    with state.begin() as connection:
        one = find(connection, ALPHA, rule, ["u-eve"], at=now)
        other = find(connection, BETA, rule, ["u-eve"], at=now)
        bystander = find(connection, ALPHA, rule, ["u-evelyn"], at=now)
        comment_on(
            connection, by, organization_id=ALPHA, alert_ids=[one.id], comment=f"Asked {EVE} why."
        )
    erasure = office.erased("u-eve", EVE)
    with state.begin() as connection:
        found = alert_detail(connection, ALPHA, one.id)
        assert found is not None
        assert found.alert.group == {"actorId": erasure.pseudonym}
        assert found.events[-1].detail == {"comment": f"Asked {erasure.pseudonym} why."}
        # The same finding under the pseudonym is part of the same alert.
        assert find(connection, ALPHA, rule, [erasure.pseudonym], at=now, count=2).id == one.id
        for kept in (other, bystander):
            same = alert_detail(connection, kept.organization_id, kept.id)
            assert same is not None and same.alert == kept
