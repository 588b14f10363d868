from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select

from audit_core.domain.access import Scope
from audit_core.domain.message_template import template_of
from audit_core.domain.redaction import redact_text
from audit_core.domain.secret_shapes import MARK
from audit_core.explore.counts import CountReader
from audit_core.explore.message_patterns import SPANS
from audit_core.explore.reader import Reader
from audit_core.log.schema import entries
from audit_core.log.sql.message_template import template
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.predicate_sql import compile_predicate
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.in_utc import conjoin, parse
from tests.support.laws import law
from tests.support.plain_language import matches_expression
from tests.support.plain_reading import selected
from tests.support.strategies import NOW, entry, matching_filters, sample_entries, windows
from tests.support.template_strategies import messages

EVERYTHING = Scope.everything()
ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)
TEXTS = (
    "no space left on /dev/sda/1", "no space left on /dev/vda/7", 'Snapshot "a" not found',
    "Snapshot 'b' not found", "token=abcdefgh1 refused", "token=ijkl refused", "Bearer abc/de/fgh",
    "", "100% of 20", "a_b 1", "<id> is literal",
)  # fmt: skip
ENTRIES = [
    *sample_entries(400),
    *(
        entry(f"text-{number}", error_message=TEXTS[number % len(TEXTS)],
              organization_id=("org-alpha", "org-beta")[number % 2],
              created_at=NOW - timedelta(minutes=number))
        for number in range(150)
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    log.append(ENTRIES)
    return log


def shown(message, scope):
    return template_of(message if scope.secrets else redact_text(message))


@law(300)
@given(messages)
def test_engines_make_the_templates_that_python_makes(log, message):
    statement = select(template(literal(message)).label("template"))
    table = log.fetch(statement, EVERYTHING, max_rows=1).table
    assert table.column("template").to_pylist() == [template_of(message)]


@law(40)
@given(matching_filters(windows()), st.booleans())
def test_patterns_count_what_matches(log, entry_filter, secrets):
    scope = replace(ALPHA, secrets=secrets)
    time_range = entry_filter.window.time_range(NOW)
    groups = defaultdict(list)
    for item in selected(ENTRIES, entry_filter, scope, time_range):
        if item.error_message:
            groups[shown(item.error_message, scope)].append(item)
    found = Reader(log).patterns(Query(entry_filter, scope, time_range), NOW, 1000)
    assert found.messages == sum(map(len, groups.values()))
    assert not found.truncated
    assert [each.template for each in found.largest] == sorted(
        groups, key=lambda text: (-len(groups[text]), text)
    )
    for each in found.largest:
        group = groups[each.template]
        assert each.count == len(group) == sum(each.over_time)
        assert each.share == each.count / found.messages
        assert each.first == min(item.created_at for item in group)
        assert each.last == max(item.created_at for item in group)
        assert len(each.over_time) == SPANS
        said = {
            item.error_message if secrets else redact_text(item.error_message) for item in group
        }
        assert each.example in said


def test_the_counts_over_time_stand_in_their_parts(new_log):
    log = new_log()
    since = NOW - timedelta(hours=20)
    log.append(
        [
            entry("first", error_message="x", created_at=since),
            entry("second", error_message="x", created_at=since + timedelta(minutes=59)),
            entry("third", error_message="x", created_at=since + timedelta(hours=1)),
            entry("last", error_message="x", created_at=NOW),
            entry("ahead", error_message="x", created_at=NOW + timedelta(days=3)),
        ]
    )
    (found,) = (
        Reader(log)
        .patterns(Query(EntryFilter(), ALPHA, TimeRange(since=since, until=None)), NOW, 5)
        .largest
    )
    assert found.over_time == (2, 1, *[0] * 17, 2)


def test_only_the_commonest_are_given_and_that_there_are_more_is_told(log):
    found = Reader(log).patterns(Query(EntryFilter(), ALPHA, ALWAYS), NOW, 2)
    whole = Reader(log).patterns(Query(EntryFilter(), ALPHA, ALWAYS), NOW, 1000)
    assert found.truncated
    assert found.largest == whole.largest[:2]
    assert found.messages == whole.messages


def test_no_messages_make_no_patterns(log):
    entry_filter = EntryFilter(text="nothing like this")
    assert Reader(log).patterns(Query(entry_filter, ALPHA, ALWAYS), NOW, 5).largest == ()


@pytest.mark.parametrize("secrets", [True, False])
def test_a_pattern_can_be_kept_and_left_out(log, secrets):
    scope = replace(ALPHA, secrets=secrets)
    whole = Reader(log).patterns(Query(EntryFilter(), scope, ALWAYS), NOW, 1000)
    total = CountReader(Reader(log)).count(Query(EntryFilter(), scope, ALWAYS)).number
    for each in whole.largest:
        for exclude, count in ((False, each.count), (True, total - each.count)):
            query = conjoin("", "pattern", each.template, exclude=exclude)
            assert (
                CountReader(Reader(log))
                .count(Query(EntryFilter(query=query), scope, ALWAYS))
                .number
                == count
            )


def test_a_secret_is_not_shown_in_a_pattern_nor_guessed_by_one(log):
    whole = Reader(log).patterns(Query(EntryFilter(), ALPHA, ALWAYS), NOW, 1000)
    templates = {each.template for each in whole.largest}
    assert f"token={MARK} refused" in templates
    assert f"Bearer {MARK}" in templates
    text = repr(whole)
    assert "ijkl" not in text and "abc/de" not in text and "abcdefgh" not in text
    for guess in ("token=ijkl refused", "token=i*", "Bearer abc<path>"):
        query = f'pattern:"{guess}"' if "*" not in guess else f"pattern:{guess}"
        assert (
            CountReader(Reader(log)).count(Query(EntryFilter(query=query), ALPHA, ALWAYS)).number
            == 0
        )


@law(100)
@given(st.sampled_from(TEXTS), st.booleans(), st.booleans())
def test_asking_for_a_pattern_agrees_with_its_plain_reading(log, text, cut, secrets):
    scope = replace(EVERYTHING, secrets=secrets)
    entry_filter = shown(text, scope)
    source = (
        f"pattern:{entry_filter[:3]}*".replace(" ", "\\ ")
        if cut and entry_filter[:1].isalpha()
        else (conjoin("", "pattern", entry_filter, exclude=False))
    )
    expression = parse(source)
    statement = select(entries.c.id).where(compile_predicate(entries, expression, scope))
    found = log.fetch(statement, scope, max_rows=len(ENTRIES)).table.column("id").to_pylist()
    assert set(found) == {
        item.id
        for item in ENTRIES
        if matches_expression(item, expression, received_at=NOW, secrets=secrets)
    }
