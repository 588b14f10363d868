"""Reads of alerts, against plain Python over all of them."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from audit_core.detect.alerts.alert_filter import NOBODY, AlertFilter
from audit_core.detect.alerts.reading import (
    alert_detail,
    alert_numbered,
    alert_revision,
    alert_rules,
    alerts_naming,
    alerts_since,
    list_alerts,
    open_by_level,
)
from audit_core.detect.alerts.rule_figures import figures_of, rule_figures
from audit_core.detect.alerts.triage import assign, change_state
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import FilterError
from audit_core.identity.administration import Administrator
from tests.support.ada import NOW
from tests.support.alerts import NOON, find, rule_of_level, withdraw
from tests.support.laws import law
from tests.support.new_state import new_state

RULES = [rule_of_level(level) for level in (Level.HIGH, Level.MEDIUM)]
ACTORS = ("ann", "Bob Böhm", "ÉVE%_", "")
OPERATOR = Administrator(actor="command line", account_id=None, address=None, now=NOW)

deeds = st.lists(
    st.tuples(
        st.sampled_from(["find", "find", "find", "state", "withdraw", "assign"]),
        st.sampled_from(["org-a", "org-b"]),
        st.integers(0, 1),
        st.sampled_from(ACTORS),
        st.integers(0, 90),
        st.sampled_from([*AlertState]),
        st.sampled_from([*Resolution]),
    ),
    max_size=14,
)
instants = st.integers(-2, 92).map(lambda hour: NOON + timedelta(hours=hour))
filters = st.builds(
    AlertFilter,
    states=st.lists(st.sampled_from([*AlertState]), max_size=2, unique=True).map(tuple),
    levels=st.lists(st.sampled_from([*Level]), max_size=3, unique=True).map(tuple),
    rule_ids=st.lists(st.sampled_from([one.id for one in RULES]), max_size=1).map(tuple),
    assignees=st.lists(st.sampled_from([NOBODY, "f" * 32]), max_size=1).map(tuple),
    text=st.sampled_from(["", "", "bÖH", "éve%", "#2", "1", RULES[0].title[:5].upper()]),
    since=st.none() | instants,
    until=st.none() | instants,
)


def carried_out(connection, done):
    """What becomes of the alerts, and each as it is in the end."""
    known = {}
    for number, (deed, organization, rule, actor, hour, to, resolution) in enumerate(done):
        now = NOW + timedelta(minutes=number)
        own = [one for one in known.values() if one.organization_id == organization]
        if deed == "find":
            at = NOON + timedelta(hours=hour)
            changed = [
                find(
                    connection, organization, RULES[rule], [actor], at=at, count=number + 1, now=now
                )
            ]
        elif not own:
            continue
        elif deed == "withdraw":
            one = own[number % len(own)]
            if one.withdrawn_at is not None:
                continue
            # Of a group all that stands is withdrawn, which may be several alerts.
            group = [
                each
                for each in own
                if (each.rule_id, each.group) == (one.rule_id, one.group)
                and each.withdrawn_at is None
            ]
            if len(group) > 1:
                continue
            rule_of = next(each for each in RULES if each.id == one.rule_id)
            changed = [withdraw(connection, one, rule_of, now=now)]
        elif deed == "state":
            changed = change_state(
                connection,
                replace(OPERATOR, now=now),
                organization_id=organization,
                seen=own[: 1 + number % 2],
                state=to,
                resolution=resolution if to is AlertState.CLOSED else None,
            ).changed
        else:
            changed = assign(
                connection,
                replace(OPERATOR, now=now),
                organization_id=organization,
                seen=own[:1],
                account_id=None,
            ).changed
        known |= {one.id: one for one in changed}
    return [one for one in known.values() if one.organization_id == "org-a"]


def order(one):
    if one.is_open:
        return (0, -one.level.rank, one.raised_at, 0.0, one.number)
    return (1, 0, NOW, -one.closed_at.timestamp(), one.number)


@law(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=deeds, asked=filters, limit=st.integers(1, 4), since=st.integers(0, 9))
def test_reads_give_what_plain_python_gives(tmp_path_factory, done, asked, limit, since):
    state = new_state(tmp_path_factory.mktemp("state") / "state.sqlite")
    try:
        with state.begin() as connection:
            own = carried_out(connection, done)
        with state.read() as connection:
            matching = sorted(filter(asked.matches, own), key=order)
            paged = []
            for offset in range(0, len(matching) + 1, limit):
                page = list_alerts(connection, "org-a", asked, limit=limit, offset=offset)
                assert page.truncated == (offset + limit < len(matching))
                paged += page.items
            assert paged == matching
            open_ones = Counter(one.level for one in own if one.is_open)
            assert open_by_level(connection, "org-a") == open_ones
            polled, at = [], since
            while (seen := alerts_since(connection, "org-a", asked, since=at, limit=limit)).more:
                polled += seen.alerts
                at = seen.revision
            assert [*polled, *seen.alerts] == sorted(
                (one for one in own if one.revision > since and asked.matches(one)),
                key=lambda one: one.revision,
            )
            assert seen.revision == max(alert_revision(connection, "org-a"), since)
            assert set(alert_rules(connection, "org-a")) == {one.rule_id for one in own}
            for one in own:
                detail = alert_detail(connection, "org-a", one.id)
                assert detail.alert == alert_numbered(connection, "org-a", one.number) == one
                assert alert_detail(connection, "org-b", one.id) is None
                standing = [part for part in detail.findings.items if part.withdrawn_at is None]
                assert sum(part.count for part in standing) == one.count
                assert detail.before == tuple(
                    sorted(
                        (
                            each
                            for each in own
                            if (each.rule_id, each.group) == (one.rule_id, one.group)
                            and each.number < one.number
                        ),
                        key=lambda each: -each.number,
                    )
                )
            for actor in ACTORS:
                named = [one for one in own if one.group == {"actorId": actor}]
                standing = [one for one in named if one.withdrawn_at is None]
                found = alerts_naming(connection, "org-a", actor, limit=limit)
                assert list(found.items) == sorted(standing, key=order)[:limit]
                assert found.truncated == (len(standing) > limit)
            assert rule_figures(connection, "org-a", since=NOON) == {
                rule.id: figures_of(one for one in own if one.rule_id == rule.id)
                for rule in RULES
                if any(one.rule_id == rule.id for one in own)
            }
    finally:
        state.close()


@law(200)
@given(asked=filters)
def test_a_filter_is_its_parameters(asked):
    assert AlertFilter.from_params(asked.to_params()) == asked


def test_an_address_that_cannot_be_read_says_why():
    for params in (
        {"state": ["shut"]},
        {"level": ["worst"]},
        {"from": ["x"]},
        {"text": ["a", "b"]},
    ):
        try:
            AlertFilter.from_params(params)
        except FilterError as error:
            assert next(iter(params)) in error.problems[0]
        else:
            raise AssertionError(params)


def test_figures_count_what_persons_said_of_alerts_that_stand(state, ada):
    with state.begin() as connection:
        raised = [find(connection, "org-a", RULES[0], [str(n)]) for n in range(6)]
        verdicts = [
            Resolution.FALSE_POSITIVE,
            Resolution.TRUE_POSITIVE,
            Resolution.BENIGN,
            Resolution.DUPLICATE,
        ]
        for hours, (one, verdict) in enumerate(zip(raised, verdicts, strict=False), 1):
            change_state(
                connection,
                replace(OPERATOR, now=NOON + timedelta(hours=hours)),
                organization_id="org-a",
                seen=[one],
                state=AlertState.CLOSED,
                resolution=verdict,
            )
        withdraw(connection, raised[4], RULES[0])
        (figures,) = rule_figures(connection, "org-a", since=NOON).values()
    assert (figures.alerts, figures.open, figures.judged) == (5, 1, 3)
    assert figures.false_share == 1 / 3
    assert (figures.median_open, figures.p90_open) == (timedelta(hours=2), timedelta(hours=4))
    nothing = figures_of([])
    assert (nothing.alerts, nothing.false_share, nothing.median_open) == (0, None, None)
