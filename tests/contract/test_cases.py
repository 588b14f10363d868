"""Inputs of people on which something once failed, and the right answers, on every engine."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.log.schema import entries, from_arrow
from audit_core.people.actors import ActorReader
from audit_core.people.actors_sql import ActorList
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from tests.support.cases import case_entries
from tests.support.plain_language import matches_expression
from tests.support.strategies import NOW


@pytest.fixture(scope="module")
def cases(new_log):
    """A log of all cases; each has the organization of its name."""
    return new_log()


def stored(log, name):
    scope = Scope(organization_id=name)
    return from_arrow(
        log.fetch(
            select(entries)
            .where(entries.c.organization_id == name)
            .order_by(entries.c.created_at, entries.c.id),
            scope,
            max_rows=1000,
        ).table
    )


def test_an_api_page_after_the_database_is_known(cases):
    name = "precision"
    fine, cut = (case_entries(f"precision-{kind}", name) for kind in ("db-us", "api-ms"))
    assert cases.append(fine).accepted == len(fine)
    assert cases.append(cut).known == len(cut) > 4
    assert stored(cases, name) == sorted(fine, key=lambda item: item.created_at)


@pytest.mark.parametrize("first", ("inflight", "finished"))
def test_an_entry_in_flight_is_finished_in_the_other_precision(cases, first):
    name = f"precision-{first}"
    (in_flight,), (finished,) = (
        case_entries(f"precision-{kind}", name) for kind in ("inflight", "finished")
    )
    order = [in_flight, finished] if first == "inflight" else [finished, in_flight]
    reports = [cases.append([item]) for item in order]
    assert not any(report.refused for report in reports)
    assert stored(cases, name) == [finished]


def asked(log, name, **filters):
    """The ids that a filter finds, in order."""
    scope = Scope(organization_id=name)
    query = Query(EntryFilter(**filters), scope, TimeRange(since=None, until=None))
    page = Reader(log).page(query, None, 100)
    chart = Reader(log).outcomes_over_time(query, NOW)
    assert chart.total == len(page.rows)
    return [row.entry.id[-1] for row in page.rows][::-1]


ADDRESSES = [
    *(("email-case", text, "12") for text in ("Bob@Acme.example", "bob@acme.example")),
    *(("email-case", text, "12") for text in ("BOB@ACME.EXAMPLE", "bob@*", "B?b@Acme.example")),
    *(("email-case", text, "3") for text in ("Robert@acme.example", "ROBERT*")),
    *(("email-case", text, "123") for text in ("u-bob", "*@ACME.example")),
    ("email-case", "U-Bob", ""),
    *(("nfc-nfd", text, "12") for text in ("zo\u00e9@acme.example", "ZOE\u0301@acme.example")),
    ("nfc-nfd", "zo\u00c9@*", "12"),
    ("nfc-nfd", "zoe@acme.example", ""),
]


@pytest.mark.parametrize("name", ("email-case", "nfc-nfd"))
def test_an_address_is_found_whatever_its_case_and_form(cases, name):
    cases.append(case_entries(name, name))
    everything = [item.id[-1] for item in case_entries(name, name)]
    for of, text, expected in ADDRESSES:
        if of != name:
            continue
        for field in ("actor", "email")[: 1 if "u-bob" in text.lower() else 2]:
            assert asked(cases, name, query=f"{field}:{text}") == [*expected], (field, text)
            others = [id for id in everything if id not in expected]
            assert asked(cases, name, query=f"-{field}:{text}") == others, (field, text)
        if "*" not in text and "?" not in text:
            assert asked(cases, name, actors=(text,)) == [*expected], text
    assert [item.actor_email for item in stored(cases, name)] == [
        item.actor_email for item in case_entries(name, name)
    ], "what is stored stays as it came"


def test_an_address_counts_once_whatever_its_case_and_form(cases):
    for name, expected in (
        ("email-case-2", {("bob@acme.example", 2), ("robert@acme.example", 1)}),
        ("nfc-nfd-2", {("zo\u00e9@acme.example", 2)}),
    ):
        cases.append(case_entries(name[:-2], name))
        scope = Scope(organization_id=name)
        window = Window(preset="all")
        query = Query(EntryFilter(window=window), scope, window.time_range(NOW))
        reader = Reader(cases)
        (facet,) = (item for item in reader.facets(query, 10) if item.param == "actor")
        assert {(item.value, item.count) for item in facet.values} == expected
        listed = reader.listed("actor", query, 10)
        assert {(item.value, item.count) for item in listed.values} == expected
        shares = reader.actors(query, 10)
        assert {(item.name, item.count) for item in shares.items} == expected
        assert reader.summary(query).users == len(expected)
        stacked = CountReader(reader).stacked_over_time("actor", query, NOW)
        assert {
            (stacked.values[place], count) for place, count in stacked.totals().items()
        } == expected


def test_a_person_is_known_by_the_address_whatever_its_form(cases):
    name = "nfc-nfd-3"
    cases.append(
        [
            replace(item, actor_id=f"user-{number}")
            for number, item in enumerate(case_entries("nfc-nfd", name))
        ]
    )
    scope = Scope(organization_id=name)
    reader = ActorReader(Reader(cases))
    assert reader.own_actor_ids("zo\u00e9@acme.example", scope) == {"user-0", "user-1"}
    query = Query(EntryFilter(), scope, TimeRange(since=None, until=None))
    for search in ("ZO\u00c9@", "zoe\u0301"):
        assert reader.actors(query, NOW, ActorList(search=search), 10).total == 2
    assert (
        asked(cases, name, text="caf\u00e9") == asked(cases, name, query="CAFE\u0301") == ["1", "2"]
    )


NETWORKS = [
    *((text, "12") for text in ("192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201")),
    *((text, "12") for text in ("192.0.2.0/24", "::ffff:192.0.2.0/120", "0:0:0:0:0:ffff:0:0/96")),
    *((text, "3") for text in ("fe80::1", "fe80::1%eth0", "FE80:0::1%lo", "fe80::/10", "::/0")),
    *((text, "") for text in ("192.0.2.2", "fe80::2", "192.0.2.128/25", "::ffff:192.0.3.0/120")),
]


def test_an_address_of_ipv4_is_found_in_either_spelling(cases):
    name = "ipv4-mapped"
    cases.append(case_entries(name, name))
    for text, expected in NETWORKS:
        others = [id for id in "123" if id not in expected]
        assert asked(cases, name, query=f"ip:{text}") == [*expected], text
        assert asked(cases, name, query=f"-ip:{text}") == others, text
        assert asked(cases, name, query=f"ip:({text} OR 10.0.0.0/8 OR 10.1.0.0/16)") == [
            *expected
        ], text
        if "/" not in text:
            assert asked(cases, name, ip_addresses=(text,)) == [*expected], text
        assert f"{text} " in f"{EntryFilter(query=f'ip:{text}').describe().split(',')[0]} "
    for text, expected in (("192.0.2.1", "2"), ("::ffff:192.0.2.1", "1"), ("fe80::1", "")):
        assert asked(cases, name, query=f'ip:"{text}"') == [*expected], "exactly that text"
    scope = Scope(organization_id=name)
    query = Query(EntryFilter(), scope, TimeRange(since=None, until=None))
    expected = {("192.0.2.1", 2), ("fe80::1", 1)}
    (facet,) = (item for item in Reader(cases).facets(query, 10) if item.param == "ip")
    assert {(item.value, item.count) for item in facet.values} == expected
    stacked = CountReader(Reader(cases)).stacked_over_time("ip", query, NOW)
    by_place = stacked.totals()
    assert {(stacked.values[place], count) for place, count in by_place.items()} == expected
    listed = Reader(cases).listed("ip", query, 10)
    assert {(item.value, item.count) for item in listed.values} == expected


ODD_ADDRESSES = [
    *("1.2.3.4", "01.2.3.4", "1.2.3", "1.2.3.4.5", "256.1.1.1", " 1.2.3.4", "1.2.3.4%eth0", ""),
    *("::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:1.2.3.4", "::1.2.3.4", "::ffff:1.2.3"),
    *("::", "::1", "1::", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8::1%en0.1", "2001:db8:1"),
    *("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1", "1:", "12345::", "1::2::3"),
    *("1:::2", "g::1", "ffff:", "::ffff:256.1.1.1", "fe80::1/64", "no address", "%", ":"),
]


def test_every_engine_reads_addresses_as_python_does(cases):
    name = "addresses"
    first = case_entries("ipv4-mapped", name)[0]
    cases.append(
        [
            replace(first, id=f"{number}", ip_address=text)
            for number, text in enumerate(ODD_ADDRESSES)
        ]
    )
    scope = Scope(organization_id=name)
    everything = [*map(str, range(len(ODD_ADDRESSES)))]
    for text in ("0.0.0.0/0", "::/0", "1.2.3.4/32", "2001:db8::1", "::ffff:1.2.3.4", "::1.2.3.4"):
        entry_filter = EntryFilter(query=f"ip:{text}")
        query = Query(entry_filter, scope, TimeRange(since=None, until=None))
        found = {row.entry.id for row in Reader(cases).page(query, None, 100).rows}
        assert {ODD_ADDRESSES[int(id)] for id in found} == {
            ODD_ADDRESSES[int(id)]
            for id in everything
            if matches_expression(
                replace(first, ip_address=ODD_ADDRESSES[int(id)]), entry_filter.expression
            )
        }, text


DAYS = [
    ("Europe/Berlin", "time:2026-10-25", "01"),
    ("UTC", "time:2026-10-25", "12"),
    ("Asia/Tokyo", "time:2026-10-25", "01"),
    ("America/New_York", "time:2026-10-25", "12"),
    ("Europe/Berlin", "-time:2026-10-25", "2"),
    ("Europe/Berlin", "time:>=2026-10-26", "2"),
    ("Europe/Berlin", "time:>2026-10-25", "2"),
    ("Europe/Berlin", "time:<2026-10-25", ""),
    ("UTC", "time:<2026-10-25", "0"),
    ("Europe/Berlin", "time:[2026-10-24 TO 2026-10-25]", "01"),
]


def test_a_day_is_that_of_the_zone_and_as_long_as_there(cases):
    name = "day-in-zone"
    cases.append(case_entries(name, name))
    for zone, text, expected in DAYS:
        window = Window(preset="all", zone=zone)
        assert asked(cases, name, window=window, query=text) == [*expected], (zone, text)
