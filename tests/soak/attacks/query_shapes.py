"""Queries of every shape and size, each answered or refused with a sentence within the limit."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError, QueryTimeoutError
from audit_core.explore.autocomplete.completion import suggest
from audit_core.explore.autocomplete.suggestions import Listed, suggestions
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.log.reads.read_context import reading_in
from audit_core.log.store import AuditLog, Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate
from tests.contract.engines import ENGINES, started
from tests.soak.attack import Held, Scale

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
ENTRIES = {Scale.SMALL: 2_000, Scale.FULL: 20_000}
SHAPES = {Scale.SMALL: 33, Scale.FULL: 2_000}
LIMIT_S = 10.0
"""The time limit of a request here; on a busy machine most of it is waiting for a processor."""
GRACE = 1.5
"""How much longer than the limit a request may take until it is refused, not counting the time that
its thread waited for a processor."""
SCHEDULED = Path("/proc/thread-self/schedstat")

FIELDS = ("action", "type", "target", "source", "ip", "agent", "message", "actor", "email", "id")
PARAMS = ("actor", "action", "target_type", "target", "source", "ip")
WORDS = ("start", "error", "0x", "timeout", "sandbox", "a", "python", "no such", "é", "runner", "%")
NOISE = '()[]{}"\\/*?:<>=+-!&|^~ \t\n abcAND OR NOT TO none,é\u202e\ufffe'

Shape = Callable[[random.Random], dict[str, list[str]]]


def _query(text: str) -> dict[str, list[str]]:
    return {"window": ["all"], "query": [text]}


def _word(chance: random.Random) -> str:
    return f"{chance.choice(WORDS)}{chance.randrange(10 ** chance.randrange(1, 4))}".replace(
        " ", "_"
    )


def _words(chance: random.Random) -> dict[str, list[str]]:
    number, joint = chance.choice((1, 5, 40, 150, 200)), chance.choice((" OR ", " AND ", " "))
    wild = chance.choice(("{}", "*{}*", "-{}", '"{}"', "message:{}", "agent:{}", "-message:{}"))
    return _query(joint.join(wild.format(_word(chance)) for _ in range(number)))


def _values(chance: random.Random) -> dict[str, list[str]]:
    number, joint = chance.choice((5, 50, 120, 200)), chance.choice((" OR ", " AND ", " AND NOT "))
    form = chance.choice(("{}:{}", "{}:*{}*", "{}:{}*", "{}:?{}", "-{}:{}"))
    field = chance.choice((*FIELDS, None))
    return _query(
        joint.join(
            form.format(field or chance.choice(FIELDS), _word(chance)) for _ in range(number)
        )
    )


def _wildcards(chance: random.Random) -> dict[str, list[str]]:
    field = chance.choice((*FIELDS, "outcome", "category", "metadata.body.name", "pattern"))
    pieces = chance.choice(("*a", "*?", "?*a", "a*", "*e*r"))
    return _query(f"{field}:{pieces * chance.choice((1, 5, 10, 40, 300))}b")


def _veiled(chance: random.Random) -> dict[str, list[str]]:
    form = chance.choice(
        (
            "metadata.body.name:{}",
            "metadata.body.name:*{}*",
            "metadata.body.n{}:x",
            "metadata.body.n{}:*x*",
            "pattern:{}",
            "pattern:*{}*",
            "-pattern:{}",
            "-metadata.params.{}:*",
        )
    )
    number, joint = chance.choice((1, 5, 20, 50, 120)), chance.choice((" OR ", " AND "))
    return _query(joint.join(form.format(_word(chance)) for _ in range(number)))


def _nested(chance: random.Random) -> dict[str, list[str]]:
    depth = chance.choice((1, 10, 19, 30, 60, 400, 990))
    kind = chance.choice(("(", "NOT (", "a OR (", "-(", "!(", "a AND (b OR ", "action:("))
    text = kind * depth + "start" + ")" * (kind.count("(") * depth)
    return _query(chance.choice((text, text[: len(text) // 2], "NOT " * depth + "a", "-" * depth)))


def _groups(chance: random.Random) -> dict[str, list[str]]:
    groups = (
        "(" + " OR ".join(_word(chance) for _ in range(chance.randrange(1, 9))) + ")"
        for _ in range(chance.choice((2, 10, 25, 40)))
    )
    return _query(chance.choice((" AND ", " OR ", " AND NOT ")).join(groups))


def _lists(chance: random.Random) -> dict[str, list[str]]:
    number = chance.choice((1, 50, 200, 201, 3_000))
    params = chance.sample(PARAMS, chance.randrange(1, len(PARAMS) + 1))
    values = {name: [_word(chance) for _ in range(number)] for name in params}
    return {"window": ["all"], **values}


def _texts(chance: random.Random) -> dict[str, list[str]]:
    length = chance.choice((1, 100, 500, 501, 1_999, 2_001, 50_000))
    text = "".join(chance.choice(NOISE + "0123456789") for _ in range(length))
    return {"window": ["all"], chance.choice(("text", "query", "actor")): [text]}


def _noise(chance: random.Random) -> dict[str, list[str]]:
    tokens = [*NOISE, "status:[400 TO 499]", "ip:10.0.0.0/8", "time:>2026-01-01", "x:", "AND", "OR"]
    return _query("".join(chance.choice(tokens) for _ in range(chance.randrange(1, 300))))


def _unknown(chance: random.Random) -> dict[str, list[str]]:
    form = chance.choice(("{}:x", "status:{}", "time:{}", "ip:{}", "outcome:{}", "/({}+)+$/"))
    return _query(" ".join(form.format(_word(chance)) for _ in range(chance.choice((1, 30, 180)))))


def _ranges(chance: random.Random) -> dict[str, list[str]]:
    form = chance.choice(
        (
            "ip:10.{}.0.0/16",
            "ip:2001:db8:{}::/48",
            "status:>={}",
            "status:[100 TO {}]",
            "-ip:10.0.{}.0/24",
        )
    )
    numbers = (chance.randrange(100, 255) for _ in range(chance.choice((1, 30, 100))))
    return _query(chance.choice((" OR ", " AND ")).join(form.format(item) for item in numbers))


SHAPE_KINDS: tuple[Shape, ...] = (
    _words,
    _values,
    _wildcards,
    _veiled,
    _nested,
    _groups,
    _lists,
    _texts,
    _noise,
    _unknown,
    _ranges,
)


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """The same shapes on every engine; a small part on the embedded one only."""
    names = ENGINES if scale is Scale.FULL else ENGINES[:1]
    entries = [item.entry for item in simulate(entries=ENTRIES[scale], seed=7, until=UNTIL)]
    with started() as engines:
        for name in names:
            shapes = SHAPES[scale] if name == ENGINES[0] else SHAPES[scale] // 10
            log = open_log(engines.new_url(name), limits=Limits(query_timeout_s=LIMIT_S))
            try:
                log.append(entries)
                yield _attacked(name, log, shapes)
            finally:
                log.close()


def _attacked(name: str, log: AuditLog, shapes: int) -> Held:
    chance = random.Random(7)  # noqa: S311 - the same shapes each time
    became: Counter[str] = Counter()
    longest_s, longest = 0.0, ""
    for number in range(shapes):
        params = SHAPE_KINDS[number % len(SHAPE_KINDS)](chance)
        started_at, waited_s = time.monotonic(), _waited_s()
        became[_asked(log, params)] += 1
        took_s = time.monotonic() - started_at - (_waited_s() - waited_s)
        if took_s > longest_s:
            longest_s, longest = took_s, f"{params}"[:200]
        assert took_s < LIMIT_S * GRACE, f"{took_s:.1f} s on {name} for {params}"
        assert log.running_reads == 0, f"a statement is still running on {name} after {params}"
    return Held(
        f"every shape of a query is answered or refused in time on {name}",
        f"{', '.join(f'{number} {what}' for what, number in sorted(became.items()))}; "
        f"the longest took {longest_s:.1f} s of {LIMIT_S:g}: {longest}",
    )


def _waited_s() -> float:
    """How long this thread has waited for a processor that others used; 0 where Linux does not
    tell. DuckDB plans in it, which nothing can interrupt: beside other work that takes longer by
    what is no fault of the query's."""
    try:
        return int(SCHEDULED.read_text(encoding="ascii").split()[1]) / 1e9
    except OSError:
        return 0.0


def _asked(log: AuditLog, params: dict[str, list[str]]) -> str:
    """What became of one page, its charts and its suggestions, within one request."""
    scope = Scope(organization_id=DEMO_ORGANIZATIONS[0][0])
    text = "".join(params.get("query", ()))[:2_000]
    for cursor in (len(text), len(text) // 2):
        suggestions(text, suggest(text, cursor), Listed())
    try:
        entry_filter = EntryFilter.from_params(params)
    except FilterError as error:
        assert error.problems
        assert all(problem.endswith((".", "?")) for problem in error.problems), error.problems
        assert error.hint
        return "refused"
    entry_filter.describe()
    assert EntryFilter.from_params(entry_filter.to_params()) == entry_filter
    reader, time_range = Reader(log), entry_filter.window.time_range(UNTIL)
    try:
        with reading_in(log.new_request(person="mallory")):
            reader.page(Query(entry_filter, scope, time_range), None, 100)
            reader.outcomes_over_time(Query(entry_filter, scope, time_range), UNTIL)
            reader.facets(Query(entry_filter, scope, time_range), 10)
            CountReader(reader).count_up_to(10_000, Query(entry_filter, scope, time_range))
            next(reader.export(Query(entry_filter, scope, time_range)), None)
    except QueryTimeoutError as error:
        assert error.message.endswith("seconds.")
        return "stopped at the limit"
    return "answered"
