import sys
import threading
import time
from fnmatch import fnmatchcase
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import FIELDS, Category, Outcome
from audit_core.domain.errors import FilterError
from audit_core.query.language.ast import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Contains,
    Equals,
    Exists,
    Field,
    InNetwork,
    Matches,
    MetadataEquals,
    MetadataExists,
    Not,
    any_of,
    depth,
    leaves,
)
from audit_core.query.language.diagnostics import QueryError, mark
from audit_core.query.language.fields import ENTRY_VOCABULARY
from audit_core.query.language.literals import _fits
from audit_core.query.limits import MAX_CHARACTERS, MAX_DEPTH, MAX_LEAVES
from tests.support.expression_strategies import (
    ALL_IDS,
    CREATE,
    ENTRIES,
    MANY,
    ONE,
    START,
    contains,
    day,
    equals,
    expressions,
    snippets,
    statuses,
    times,
)
from tests.support.in_utc import describe, parse, to_text
from tests.support.laws import law
from tests.support.plain_language import matches_expression

# what a text means


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", EVERYTHING),
        ("  \n ", EVERYTHING),
        ("*", EVERYTHING),
        ("*:*", EVERYTHING),
        ("-*", Not(part=EVERYTHING)),
        ("action:start", START),
        ("ACTION : start", START),
        ("action:(start OR create)", AnyOf(parts=(START, CREATE))),
        ("action:(start || create)", AnyOf(parts=(START, CREATE))),
        ("-action:(start OR create)", Not(part=AnyOf(parts=(START, CREATE)))),
        ("action:(-start)", Not(part=START)),
        ("action:-start", Not(part=START)),
        ("--action:start", START),
        ("!action:start", Not(part=START)),
        ("NOT (action:start)", Not(part=START)),
        ("+action:start", START),
        ("action:start action:start", START),
        ("a b OR c", AnyOf(parts=(AllOf(parts=(contains("a"), contains("b"))), contains("c")))),
        ("a AND b OR c", parse("a b OR c")),
        ("a && b || c", parse("a b OR c")),
        ("(a)&&(b)", parse("a b")),
        ("a OR b c", parse("a OR (b AND c)")),
        ("a (b c) d", parse("a b c d")),
        ('"no space left"', contains("no space left")),
        ("not found or and to", parse('"not" "found" "or" "and" "to"')),
        ("a TO b", parse('a "TO" b')),
        ("*timeout*", contains("timeout")),
        ("jane@acme.com", contains("jane@acme.com")),
        ("10.0.0.0/8", contains("10.0.0.0/8")),
        ('message:"disk full"', Contains(fields=(Field.ERROR_MESSAGE,), text="disk full")),
        ("error:full*", Contains(fields=(Field.ERROR_MESSAGE,), text="full")),
        ("agent:curl", Contains(fields=(Field.USER_AGENT,), text="curl")),
        ("user:jane@acme.com", equals("actor", "jane@acme.com")),
        ("actor:o'brien", equals("actor", "o'brien")),
        ("action:set-auto_stop", equals("action", "set-auto_stop")),
        ("target:10f249ad*", Matches(field=Field.TARGET_ID, pattern=("10f249ad", MANY))),
        ("target:a?**?b", Matches(field=Field.TARGET_ID, pattern=("a", ONE, ONE, MANY, "b"))),
        (r"target:a\*b", equals("target_id", "a*b")),
        ('target:"a*b"', equals("target_id", "a*b")),
        (r"target:a\:b\ c\\d", equals("target_id", "a:b c\\d")),
        ("target:a:b", equals("target_id", "a:b")),
        ("target:C:\\\\temp", equals("target_id", "C:\\temp")),
        ("target:/home/daytona", equals("target_id", "/home/daytona")),
        ('target:""', equals("target_id", "")),
        ("source:*", Exists(field=Field.SOURCE)),
        ("source:none", Not(part=Exists(field=Field.SOURCE))),
        ("source:NULL", Not(part=Exists(field=Field.SOURCE))),
        ("source:-", Not(part=Exists(field=Field.SOURCE))),
        ("source: - ", Not(part=Exists(field=Field.SOURCE))),
        ('source:"-"', equals("source", "-")),
        ('source:"none"', equals("source", "none")),
        ("source:(- OR cli)", any_of((parse("source:none"), equals("source", "cli")))),
        ("key:dtn_ab…9f", equals("api_key", "dtn_ab…9f")),
        ("key:dtn_ab...9f", equals("api_key", "dtn_ab…9f")),
        ("key:dtn_ab*9f", Matches(field=Field.API_KEY, pattern=("dtn_ab", MANY, "9f"))),
        ("outcome:success", equals("outcome", Outcome.SUCCESS)),
        ("outcome:In-Flight", equals("outcome", Outcome.IN_FLIGHT)),
        ('outcome:"client error"', equals("outcome", Outcome.CLIENT_ERROR)),
        ("outcome:failed", parse("outcome:(client_error OR server_error)")),
        ("outcome:Failure", parse("outcome:failed")),
        ("outcome:error", parse("outcome:failed")),
        ("outcome:*_error", parse("outcome:failed")),
        ("outcome:*", Exists(field=Field.OUTCOME)),
        ("category:Toolbox", equals("category", Category.TOOLBOX)),
        ("status:404", equals("status_code", 404)),
        ("status:0", equals("status_code", 0)),
        ("status:none", Not(part=Exists(field=Field.STATUS_CODE))),
        ("status:4xx", statuses(400, 499)),
        ("status:5XX", statuses(500, 599)),
        ("status:4*", statuses(400, 499)),
        ("status:4??", statuses(400, 499)),
        ("status:[400 TO 499]", statuses(400, 499)),
        ("status:{400 TO 499]", statuses(400, 499, include_low=False)),
        ("status:[400 TO 499}", statuses(400, 499, include_high=False)),
        ("status:[400 TO *]", statuses(400, None, include_high=False)),
        ("status:{* TO 499}", statuses(None, 499, include_low=False, include_high=False)),
        ("status:[* TO *]", Exists(field=Field.STATUS_CODE)),
        ("status:>=400", statuses(400, None, include_high=False)),
        ("status:> 400", statuses(400, None, include_low=False, include_high=False)),
        ("status:<400", statuses(None, 400, include_low=False, include_high=False)),
        ("status:<=400", statuses(None, 400, include_low=False)),
        ("status:(>=400 AND <500)", parse("status:>=400 status:<500")),
        ("time:2026-01-31", times(day(1, 31), day(2, 1))),
        ("time:>2026-01-31", times(day(2, 1), None)),
        ("time:>=2026-01-31", times(day(1, 31), None)),
        ("time:<2026-01-31", times(None, day(1, 31), include_low=False)),
        ("time:<=2026-01-31", times(None, day(2, 1), include_low=False)),
        ("time:[2026-01-01 TO 2026-01-31]", times(day(1, 1), day(2, 1))),
        ("time:{2026-01-01 TO 2026-01-31}", times(day(1, 2), day(1, 31))),
        ("time:2026-01-31T09:00:00Z", times(day(1, 31, 9), day(1, 31, 9), include_high=True)),
        ("time:>=2026-01-31T09:00:00+02:00", times(day(1, 31, 7), None)),
        ("time:[2026-01-31T09:00:00+02:00 TO *]", times(day(1, 31, 7), None)),
        ('time:>"2026-01-31 09:00Z"', times(day(1, 31, 9), None, include_low=False)),
        ("received:>=2026-01-31", times(day(1, 31), None, field=Field.RECEIVED_AT)),
        ("ip:10.0.0.1", equals("ip_address", "10.0.0.1")),
        ("ip:2001:DB8::1", equals("ip_address", "2001:DB8::1")),
        ("ip:::1", equals("ip_address", "::1")),
        ('ip:"unknown, 10.0.0.1"', equals("ip_address", "unknown, 10.0.0.1")),
        ("ip:10.0.*", Matches(field=Field.IP_ADDRESS, pattern=("10.0.", MANY))),
        (
            "ip:10.1.2.3/8",
            InNetwork(
                field=Field.IP_ADDRESS, network=ip_network("10.0.0.0/8"), written="10.1.2.3/8"
            ),
        ),
        ("ip:10.0.0.0/8", InNetwork(field=Field.IP_ADDRESS, network=ip_network("10.0.0.0/8"))),
        ("ip:fe80::1%eth0", Equals(field=Field.IP_ADDRESS, value="fe80::1%eth0")),
        (
            'ip:"10.0.0.1"',
            Equals(field=Field.IP_ADDRESS, value="10.0.0.1", verbatim=True),
        ),
        ('ip:"10.0.0"', Equals(field=Field.IP_ADDRESS, value="10.0.0")),
        (
            "ip:2001:db8::/32",
            InNetwork(field=Field.IP_ADDRESS, network=ip_network("2001:db8::/32")),
        ),
        ("ip:(::1 OR fd00::/8)", parse("ip:::1 OR ip:fd00::/8")),
        ("metadata:*", Exists(field=Field.METADATA)),
        ("metadata.body.snapshot:u", MetadataEquals(path=("body", "snapshot"), value="u")),
        ("Metadata.body.image:u:22.04", MetadataEquals(path=("body", "image"), value="u:22.04")),
        (
            r"metadata.body.labels.daytona\.io/a\ b:*",
            MetadataExists(path=("body", "labels", "daytona.io/a b")),
        ),
        ("metadata.a:none", Not(part=MetadataExists(path=("a",)))),
        ("metadata.a:(x* OR y)", parse("metadata.a:x* OR metadata.a:y")),
        ("metadata.cwd:/home", MetadataEquals(path=("cwd",), value="/home")),
    ],
)
def test_a_text_means(text, meant):
    assert parse(text) == meant


def test_the_example_of_the_documentation_is_read_as_it_looks():
    text = (
        "actor:jane@acme.com action:(start OR create) -outcome:success status:[400 TO 499] "
        'target:10f249ad* "no space left" ip:10.0.0.0/8 metadata.body.snapshot:ubuntu'
    )
    assert parse(text) == AllOf(
        parts=(
            equals("actor", "jane@acme.com"),
            AnyOf(parts=(START, CREATE)),
            Not(part=equals("outcome", "success")),
            statuses(400, 499),
            Matches(field=Field.TARGET_ID, pattern=("10f249ad", MANY)),
            contains("no space left"),
            InNetwork(field=Field.IP_ADDRESS, network=ip_network("10.0.0.0/8")),
            MetadataEquals(path=("body", "snapshot"), value="ubuntu"),
        )
    )
    assert to_text(parse(text)) == text.replace("[400 TO 499]", "4xx")


@pytest.mark.parametrize(("written", "attribute"), FIELDS)
def test_every_field_answers_to_its_name_in_json_and_ours(written, attribute):
    words = [ENTRY_VOCABULARY.word_called(name) for name in (written, attribute)]
    assert [word and word.field for word in words] == [Field(attribute)] * 2


def test_every_field_has_one_word_and_every_name_one_field():
    field_names, all_names = ENTRY_VOCABULARY.field_names, ENTRY_VOCABULARY.all_names
    assert {word.field for word in ENTRY_VOCABULARY.words} == set(Field)
    assert len(field_names) == len(set(field_names)) == len(Field)
    assert len({name.replace("_", "") for name in all_names}) == len(all_names)


# which entries a text selects


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ALL_IDS),
        ("-*", []),
        ("action:start", ["start", "flight"]),
        ("action:Start", []),
        ("action:(start OR auto_stop) -status:none", ["start", "runner"]),
        ("action:*st*", ["start", "flight", "runner"]),
        ("action:?????", ["start", "flight"]),
        ("actor:runner", ["runner"]),
        ("actor:ann@example.org actor_id:user-1 action:start", ["start", "flight"]),
        ("email:none", ["runner"]),
        ("actor:ann@*", [name for name in ALL_IDS if name != "runner"]),
        ("category:access", ["key"]),
        ("category:toolbox", ["meta"]),
        ("type:none", ["flight"]),
        ("-target:sb-1", ["flight", "odd", "meta"]),
        ("target:a\\*b", ["odd"]),
        ("target:a*b", ["odd"]),
        ("outcome:failed", ["start", "meta"]),
        ("outcome:(in_flight OR unanswered)", ["flight", "silent"]),
        ("status:4xx", ["start"]),
        ("status:<200", ["silent"]),
        ("-status:>0", ["flight", "silent"]),
        ("status:none", ["flight"]),
        ('"no space LEFT"', ["start"]),
        ("device", ["start"]),
        ("straße OR curl", ["odd", "meta"]),
        ("message:left", ["start"]),
        ("message:none", [name for name in ALL_IDS if name != "start"]),
        ("source:none", [name for name in ALL_IDS if name not in ("silent", "odd")]),
        ('source:""', ["odd"]),
        ("ip:10.0.0.0/8", ["silent"]),
        ("ip:10.1.2.3", ["silent"]),
        ("ip:*10.1.2.3", ["silent", "odd"]),
        ("ip:2001:db8::/32", ["meta"]),
        ("ip:::/0", ["runner", "meta"]),
        ("-ip:0.0.0.0/0 ip:*", ["runner", "odd", "meta"]),
        ("key:9f", ["key"]),
        ("key:dtn_ab", ["key"]),
        ("key:dtn_ab…9f", ["key"]),
        ("key:dtn_ab...9f", ["key"]),
        ("key:dtn*f", ["key"]),
        ("key:*", ["key"]),
        ("time:<2026-11-01", ["meta"]),
        ("time:2026-11-20 id:plain", ["plain"]),
        ("metadata:*", ["meta"]),
        ("metadata.body.n:4", ["meta"]),
        ("metadata.body.n:4.0", []),
        ("metadata.body.f:1.50", ["meta"]),
        ("metadata.body.yes:true", ["meta"]),
        ("metadata.body.no:*", []),
        ("metadata.body.o:*", []),
        ("metadata.body.l:*", []),
        ("metadata.body.N:4", []),
        ('metadata.body.a\\.b:"c d"', ["meta"]),
        ("metadata.body.a\\.b:c*", ["meta"]),
        ("metadata.body.missing:none action:start", ["start", "flight"]),
    ],
)
def test_a_text_selects(text, ids):
    expression = parse(text)
    assert [item.id for item in ENTRIES if matches_expression(item, expression)] == ids


# what is wrong with a text


@pytest.mark.parametrize(
    ("text", "where", "says", "helps"),
    [
        ("(a", "(", "not closed", "Add a )"),
        ("a) b", ")", "closes nothing", "open one"),
        ("a () b", "()", "nothing between", "condition"),
        ('a "b c', '"', "not closed", "Close the text"),
        ('a say"hi', '"', "within a word", "whole value"),
        ("a 'b c'", "'", "Single quotation marks", "double"),
        ("a b\\", "\\", "escapes nothing", "two"),
        ("AND b", "AND", "nothing before AND", "before it"),
        ("a || ", "||", "nothing after ||", "after it"),
        ("a (OR b)", "OR", "nothing before OR", "before it"),
        ("a OR AND b", "OR", "nothing after OR", "after it"),
        ("a NOT", "NOT", "nothing after NOT", "after it"),
        ("a -", "-", "nothing after -", "after it"),
        ("a (!)", "!", "nothing after !", "after it"),
        ("action:", ":", "no value", "action:start"),
        ("action: AND b", ":", "no value", "action:start"),
        (":start", ":", "no name", "action:start"),
        (">=a :b", ":", "no name", "action:start"),
        ("action:start :b", ":", "no name", "quotation"),
        ("status:>=", ">=", "nothing after >=", "status:>=400"),
        ("status:>(400)", ">", "nothing after >", "status:>=400"),
        ("status:[]", "[]", "range is empty", "both ends"),
        ("status:[TO]", "[TO]", "range is empty", "both ends"),
        ("status:[400 TO", "[400 TO", "not complete", "both ends"),
        ("status:[400 499]", "[400 499]", "not complete", "both ends"),
        ("status:400]", "]", "closes no range", "backslash"),
        ("status:[499 TO 400]", "499 TO 400", "before it begins", "400 TO 499"),
        ("status:{400 TO 400}", "400 TO 400", "empty", "Include both ends"),
        ("status:{400 TO 401}", "400 TO 401", "empty", "Include both ends"),
        ("time:[2026-02-01 TO 2026-01-01]", "2026-02-01 TO 2026-01-01", "before", "2026-01-01 TO"),
        ("[1 TO 2]", "[1 TO 2]", "no field", "status:"),
        (">5", ">5", "no field", "status:"),
        ("action:[a TO b]", "a", "no order", "status, time"),
        ("metadata.a:>5", ">5", "no ranges", "wildcards"),
        ("metadata:x", "x", "by path", "metadata.body.snapshot"),
        ("metadata..a:x", "metadata..a", "empty name", "one dot"),
        (f"metadata.{'a.' * 10}a:x", f"metadata.{'a.' * 10}a", "11 names deep", "Shorten"),
        (f"metadata.{'a' * 101}:x", f"metadata.{'a' * 101}", "too long", "Shorten"),
        ("acton:start", "acton", "no field “acton”", "Did you mean action"),
        ("body.name:x", "body.name", "no field", "metadata.body.name"),
        ("http://x", "http", "no field", "quotation marks"),
        ("action:(a OR type:b)", "type", "another field", "Close the group"),
        ("outcome:sucess", "sucess", "no outcome", "Did you mean success"),
        ("outcome:none", "none", "no outcome", "in_flight"),
        ("category:toolbx", "toolbx", "no category", "Did you mean toolbox"),
        ("status:abc", "abc", "not a status code", "100 to 599"),
        ("status:99", "99", "not a status code", "100 to 599"),
        ("status:6xx", "6xx", "not a status code", "4xx"),
        ("status:-5", "5", "not a status code", "4xx"),
        ("status:[-5 TO 5]", "-5", "not a status code", "100"),
        ("status:4\u06604", "4\u06604", "not a status code", "100"),
        ("ip:10.0.0.300", "10.0.0.300", "not an IP address", "10.0.0.0/8"),
        ("ip:10.0.0.0/99", "10.0.0.0/99", "not an IP address", "10.0.0.0/8"),
        ("time:yesterday", "yesterday", "not a time", "2026-01-31"),
        ("time:2026-02-30", "2026-02-30", "not a time", "2026-01-31"),
        ("time:>=2026-01-31T09:00:00", "2026-01-31T09:00:00", "not a time", "offset"),
        ("time:1969-12-31", "1969-12-31", "outside", "1970"),
        ("time:>9999-12-31", "9999-12-31", "not a time", "2026"),
        ("a^2", "^2", "Weights", "quotation"),
        ("a^1.2.3", "^1.2.3", "Weights", "quotation"),
        ("a~", "~", "Similar", "wildcards"),
        ('"a b"~3', "~3", "Similar", "wildcards"),
        ("/a b/", "/a b/", "Regular expressions", "wildcards"),
        ("action:/sta.*/", "/sta.*/", "Regular expressions", "wildcards"),
        ("no*left", "no*left", "wildcard inside", "quotation"),
        ("why?", "why?", "wildcard inside", "quotation"),
        ('""', '""', "no text", "Write some"),
        ("a\x00b", "\x00", "not text", "Remove"),
        ("a\ud800b", "\ud800", "not text", "Remove"),
    ],
)
def test_a_problem_has_its_place_and_its_sentences(text, where, says, helps):
    with pytest.raises(QueryError) as caught:
        parse(text)
    (problem,) = caught.value.query_problems
    assert text[problem.start : problem.end] == where
    assert says in problem.message
    assert helps in problem.hint
    for sentence in (problem.message, problem.hint):
        assert sentence.endswith(".")


def test_all_problems_are_told_at_once_in_their_order():
    text = "categry:x ip:1.2.3 outcome:sucess status:[5 TO 4] time:now"
    with pytest.raises(QueryError) as caught:
        parse(text)
    marked = [text[position.start : position.end] for position in caught.value.query_problems]
    assert marked == ["categry", "1.2.3", "sucess", "5 TO 4", "now"]


def test_wrong_values_are_told_beside_a_wrong_order():
    text = "(status:abc OR ^2 categry:x"
    with pytest.raises(QueryError) as caught:
        parse(text)
    marked = [text[position.start : position.end] for position in caught.value.query_problems]
    assert marked == ["(", "abc", "^2", "categry"]


def test_a_query_error_is_a_filter_error_with_sentences():
    with pytest.raises(FilterError) as caught:
        parse("acton:start")
    assert caught.value.problems == ("There is no field “acton”.",)
    assert caught.value.hint


def test_of_many_problems_the_first_are_told_and_the_others_counted():
    with pytest.raises(QueryError) as caught:
        parse(" ".join(f"status:x{number}" for number in range(23)))
    assert [position.message for position in caught.value.query_problems[:2]] == [
        "“x0” is not a status code.",
        "“x1” is not a status code.",
    ]
    assert (len(caught.value.query_problems), caught.value.left_out) == (20, 3)
    assert caught.value.problems[-1] == "The text has 3 more problems."


# limits

CALLS_PER_CHARACTER = 500
"""More than twice what the dearest of the texts below takes, and a quarter of what 2,000 characters
would take if each were compared with each."""
HANGS_AFTER_S = 60.0


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        ")" * 10_000,
        "(" * 1000 + "a" + ")" * 999,
        "(" * 999 + "a" + ")" * 1000,
        "OR " * 666,
        "NOT " * 499 + "a",
        "-" * 1999 + "a",
        "-" * 1999,
        "!(" * 500 + "a" + ")" * 500,
        "a:" * 1000,
        "a:(" * 500 + "a" + ")" * 500,
        "a: " * 600,
        "a:b :c " + ":d " * 600,
        "action:-" * 250,
        '"' * 1999,
        "'" * 2000,
        "\\" * 1999,
        "/" * 2000,
        "/ " * 1000,
        "[" * 2000,
        "[* TO " * 300,
        "a " * 1000,
        "a OR " * 399 + "a",
        "<" * 2000,
        "~" * 2000,
        "^9" * 1000,
        "metadata." + "." * 1980 + ":x",
        "metadata." + "\\." * 900 + ":x",
        "outcome:" + "*e" * 900,
        "target:" + "*?" * 900 + "]",
    ],
)
def test_hostile_texts_cost_a_bounded_number_of_calls_for_each_character(text):
    parse("a")  # what only the first text costs
    began = time.monotonic()
    assert calls_in(lambda: refused_or_parsed(text)) <= CALLS_PER_CHARACTER * len(text)
    # No call is counted within a regular expression; one that backtracks for ever ends here.
    assert time.monotonic() - began < HANGS_AFTER_S


def calls_in(function):
    """How many calls of Python and of C `function` takes: work, whatever else the machine does."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    profiler = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(profiler)
    return calls


def test_no_text_is_too_deep_for_a_thread_that_is_already_deep():
    inner = "(-" * 30 + "a" + ")" * 30

    def deep(levels):
        if levels:
            return deep(levels - 1)
        return parse(inner)

    with pytest.raises(QueryError, match="nested"):
        parse("(-" * 31 + "a" + ")" * 31)
    assert deep(sys.getrecursionlimit() // 2) == contains("a")


def test_limits_are_what_they_say():
    assert parse("a" * MAX_CHARACTERS) == contains("a" * MAX_CHARACTERS)
    with pytest.raises(QueryError, match="2001 characters"):
        parse("a" * (MAX_CHARACTERS + 1))
    names = [f"a{number}" for number in range(MAX_LEAVES)]
    assert sum(1 for _ in leaves(parse(" ".join(names)))) == MAX_LEAVES
    with pytest.raises(QueryError, match="201 conditions"):
        parse(" ".join([*names, "b"]))
    with pytest.raises(QueryError, match="conditions"):
        parse(" OR ".join(f"(outcome:f* {name})" for name in names[:67]))


def test_the_depth_of_what_is_meant_is_limited():
    def nested(levels):
        text = "a0"
        for level in range(1, levels + 1):
            text = f"({text}{(' OR ', ' ')[level % 2]}a{level})"
        return text

    assert depth(parse(nested(MAX_DEPTH))) == MAX_DEPTH
    with pytest.raises(QueryError, match="nested"):
        parse(nested(MAX_DEPTH + 1))


def test_many_threads_may_parse_at_once():
    texts = [
        f"action:(a{number} OR b) -status:[40{number} TO 499] x{number}" for number in range(8)
    ]
    meant = [parse(text) for text in texts]
    wrong = []

    def work(number):
        for _ in range(60):
            if parse(texts[number]) != meant[number]:
                wrong.append(number)
            try:
                parse(f"((({texts[number]}")
                wrong.append(number)
            except QueryError:
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# laws


def refused_or_parsed(text):
    try:
        return parse(text)
    except QueryError as error:
        assert error.query_problems
        for position in error.query_problems:
            assert 0 <= position.start <= position.end <= len(text)
            assert position.hint.strip()
            assert mark(text, position).count("\n") == 1
        starts = [position.start for position in error.query_problems]
        assert starts == sorted(starts)
        return None


@law(400)
@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_with_its_places(text):
    refused_or_parsed(text)


@law(1000)
@given(st.lists(snippets, max_size=14).map("".join))
def test_any_jumble_is_parsed_or_refused_with_its_places(text):
    found = refused_or_parsed(text)
    if found is not None:
        assert parse(to_text(found)) == found
        assert describe(found)


@law(400)
@given(expressions, st.data())
def test_a_damaged_text_is_parsed_or_refused_with_its_places(expression, data):
    text = to_text(expression)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    refused_or_parsed(text[:start] + data.draw(snippets) + text[end:])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("target:" + "*a" * 21, "21 wildcards; at most 20"),
        ("outcome:" + "*e" * 30, "30 wildcards; at most 20"),
        (" OR ".join(f"metadata.a:{n}" for n in range(51)), "51 conditions on metadata"),
        (" ".join(f"metadata.a{n}:x" for n in range(11)), "11 paths into the metadata"),
        (" OR ".join(f"pattern:a{n}" for n in range(21)), "21 conditions on message patterns"),
        ("(-" * 31 + "a" + ")" * 31, "62 deep; at most 60"),
        ("(" * 400 + "a" + ")" * 400, "400 deep; at most 60"),
    ],
)
def test_what_is_too_much_is_refused_with_the_number_and_the_limit(text, told):
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert told in str(caught.value)
    assert caught.value.hint.endswith(".")


@given(st.text("*?af", max_size=12), st.text("af", max_size=8))
def test_words_fit_wildcards_as_they_do_in_a_shell(pattern, word):
    assert _fits(pattern, word) == fnmatchcase(word, pattern)
