"""What SQL has no common word for: one function each, spelled for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Text, false, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.domain.addresses import unicode_forms
from audit_core.log.sql.ip_spellings import IPV4_NUMBER, IPV6_DIGITS


class EpochMicroseconds(FunctionElement[int]):
    """Microseconds since 1970 of one time column, as an integer."""

    type = BigInteger()
    inherit_cache = True
    name = "epoch_microseconds"


class ContainsFolded(FunctionElement[bool]):
    """Whether the first text holds the second, whatever the case; wildcards mean themselves."""

    type = Boolean()
    inherit_cache = True
    name = "contains_folded"


class AddressKey(FunctionElement[str]):
    """What e-mail addresses are compared by: see `domain.addresses.address_key`."""

    type = Text()
    inherit_cache = True
    name = "address_key"


class HasAddress(FunctionElement[bool]):
    """Whether an e-mail address (the first argument, a column) has one of the keys that follow."""

    type = Boolean()
    inherit_cache = True
    name = "has_address"


class ContainsAnyFolded(FunctionElement[bool]):
    """Whether the text holds one of several, whatever the case.

    The arguments are the text, the others as one regular expression, and each as a pattern of LIKE.
    Most engines go through the text once for the expression; PostgreSQL's take twice as long as
    the patterns, one after the other.
    """

    type = Boolean()
    inherit_cache = True
    name = "contains_any_folded"


class Let(FunctionElement[Any]):
    """A condition in which a value that is costly to make has a name: it is made once.

    The arguments are the name, the value and the condition.
    """

    type = Boolean()
    inherit_cache = True
    name = "let"


class StartsWith(FunctionElement[bool]):
    """Whether the first text begins with the second."""

    type = Boolean()
    inherit_cache = True
    name = "starts_with"


class WholeQuotient(FunctionElement[int]):
    """The quotient of two integers from 0 up, without its fraction."""

    type = BigInteger()
    inherit_cache = True
    name = "floor_div"


class AsText(FunctionElement[str]):
    """A whole number as its decimal digits; NULL for NULL."""

    type = Text()
    inherit_cache = True
    name = "as_text"


class Fingerprint(FunctionElement[int]):
    """Eight hexadecimal digits of a text's MD5, from a place (from 1) on, as a whole number."""

    type = BigInteger()
    inherit_cache = True
    name = "fingerprint"


class Fits(FunctionElement[bool]):
    """Whether the whole text fits a pattern: `%` any text, `_` one character, a backslash before
    one of the three takes its meaning."""

    type = Boolean()
    inherit_cache = True
    name = "fits"


class Ipv4Number(FunctionElement[int]):
    """An IPv4 address, strictly written, as a number; NULL for any other text. Also as IPv6 writes
    it (`::ffff:192.0.2.1`)."""

    type = BigInteger()
    inherit_cache = True
    name = "ipv4_number"


class Ipv6Digits(FunctionElement[str]):
    """An IPv6 address as 32 hexadecimal digits in small letters; NULL for any other text, and for
    one that stands for an IPv4 address. A zone (`fe80::1` on `eth0`) is left out."""

    type = Text()
    inherit_cache = True
    name = "ipv6_digits"


class JsonText(FunctionElement[str]):
    """A text, number or truth value in a JSON object, as text, by the names on the way to it.

    NULL where there is none. The path is given as the engine wants it: see `json_text`.
    """

    type = Text()
    inherit_cache = True
    name = "json_text"


_PLAIN = str.maketrans({character: f"\\{character}" for character in ".^$*+?()[]{}|\\"})
"""What means something in a regular expression, as itself."""

PLAIN_IN_LIKE = str.maketrans({character: f"\\{character}" for character in "%_\\"})
"""What means something to LIKE, as itself."""

ONCE = "MATERIALIZED"
"""The prefix of a common table expression that is worked out once, however often it is used."""

# The statement cache keeps one text for all values of a statement: no value may be written into
# these, only what the arguments compile to.

_SPELLINGS: dict[type[FunctionElement[Any]], dict[str, str]] = {
    EpochMicroseconds: {
        "duckdb": "epoch_us({0})",
        # In floating point, twice as fast as by exact numbers, and exact: counted from 2084,
        # seconds of the years 1970 to 2200 lie below 2^32, where they are known to a quarter
        # of a microsecond, and microseconds below 2^52, where they are known to half of one.
        "postgresql": (
            "(CAST(date_part('epoch', {0} - INTERVAL '1000000 hours') * 1000000 AS bigint)"
            " + 3600000000000000)"
        ),
        "clickhousedb": "toUnixTimestamp64Micro({0})",
    },
    ContainsFolded: {
        "duckdb": "contains(lower({0}), lower({1}))",
        # Case by Unicode's rules, whatever the locale of the database.
        "postgresql": (
            'strpos(lower({0} COLLATE "pg_c_utf8"), lower(CAST({1} AS text) COLLATE "pg_c_utf8"))'
            " > 0"
        ),
        "clickhousedb": "(position(lowerUTF8({0}), lowerUTF8({1})) > 0)",
    },
    AddressKey: {
        "duckdb": "nfc_normalize(lower({0}))",
        "postgresql": 'normalize(lower(CAST({0} AS text) COLLATE "pg_c_utf8"), NFC)',
        "clickhousedb": "normalizeUTF8NFC(lowerUTF8({0}))",
    },
    ContainsAnyFolded: {
        "duckdb": "regexp_matches(lower({0}), lower({1}))",
        "clickhousedb": "match(lowerUTF8({0}), lowerUTF8({1}))",
    },
    Let: {
        "duckdb": "list_transform([{1}], lambda {0}: {2})[1]",
        # Without the offset it would put the value in wherever the name stands.
        "postgresql": "(SELECT {2} FROM (SELECT {1} AS {0} OFFSET 0) AS named)",
        "clickhousedb": "arrayMap({0} -> {2}, [{1}])[1]",
    },
    StartsWith: {
        "duckdb": "starts_with({0}, {1})",
        "postgresql": "starts_with({0}, {1})",
        "clickhousedb": "startsWith({0}, {1})",
    },
    WholeQuotient: {
        "duckdb": "(({0}) // ({1}))",
        "postgresql": "(({0}) / ({1}))",
        "clickhousedb": "intDiv({0}, {1})",
    },
    Fits: {
        "duckdb": "({0} LIKE {1} ESCAPE '\\')",
        "postgresql": "({0} LIKE {1})",
        "clickhousedb": "({0} LIKE {1})",
    },
    Ipv4Number: IPV4_NUMBER,
    Ipv6Digits: IPV6_DIGITS,
    AsText: {
        "duckdb": "CAST({0} AS VARCHAR)",
        "postgresql": "CAST({0} AS text)",
        "clickhousedb": "toString({0})",
    },
    Fingerprint: {
        "duckdb": "CAST('0x' || substr(md5({0}), {1}, 8) AS BIGINT)",
        "postgresql": (
            "CAST(CAST('x' || substr(md5({0}), CAST({1} AS integer), 8) AS bit(32)) AS bigint)"
        ),
        "clickhousedb": (
            "toInt64(reinterpretAsUInt32(reverse(unhex(substring(hex(MD5({0})), {1}, 8)))))"
        ),
    },
}


@compiles(HasAddress)
def _has_address(element: HasAddress, compiler: SQLCompiler, **options: Any) -> str:
    column, *keys = element.clauses
    listed = ", ".join(compiler.process(key, **options) for key in keys)
    return f"({compiler.process(AddressKey(column), **options)} IN ({listed}))"


@compiles(HasAddress, "postgresql")
def _has_address_postgresql(element: HasAddress, compiler: SQLCompiler, **options: Any) -> str:
    """By its spellings, which are looked up once: see `postgresql.addresses`."""
    column, *keys = element.clauses
    listed = ", ".join(compiler.process(key, **options) for key in keys)
    spellings = f"SELECT actor_email FROM actor_address WHERE address_key IN ({listed})"  # noqa: S608
    return f"({compiler.process(column, **options)} = ANY(ARRAY({spellings})))"


@compiles(JsonText, "duckdb")
def _json_duckdb(element: JsonText, compiler: SQLCompiler, **options: Any) -> str:
    text, *names = (compiler.process(argument, **options) for argument in element.clauses)
    steps = " || ".join(f"'/' || replace(replace({name}, '~', '~0'), '/', '~1')" for name in names)
    return f"json_extract_string(json_value({text}, {steps}), '$')"


@compiles(JsonText, "postgresql")
def _json_postgresql(element: JsonText, compiler: SQLCompiler, **options: Any) -> str:
    text, *names = (compiler.process(argument, **options) for argument in element.clauses)
    path = f"ARRAY[{', '.join(f'CAST({name} AS text)' for name in names)}]"
    value = f"(CAST({text} AS json) #> {path})"
    return (
        f"CASE WHEN json_typeof{value} IN ('string', 'number', 'boolean') "
        f"THEN {value} #>> '{{}}' END"
    )


@compiles(JsonText, "clickhousedb")
def _json_clickhouse(element: JsonText, compiler: SQLCompiler, **options: Any) -> str:
    inside = ", ".join(compiler.process(argument, **options) for argument in element.clauses)
    return (
        f"multiIf(JSONType({inside}) = 'String', JSONExtractString({inside}), "
        f"JSONType({inside}) IN ('Int64', 'UInt64', 'Double', 'Bool'), JSONExtractRaw({inside}), "
        "NULL)"
    )


def spell(function: type[FunctionElement[Any]], engine: str, spelling: str) -> None:
    """Say how an engine, named by its dialect, writes a function; `{0}` is its first argument."""

    @compiles(function, engine)
    def _(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
        return spelling.format(
            *(
                # A value that is compiled is also given, and one too many is refused.
                compiler.process(argument, **options) if f"{{{place}}}" in spelling else ""
                for place, argument in enumerate(element.clauses)
            )
        )


for _function, _by_engine in _SPELLINGS.items():
    for _engine, _spelling in _by_engine.items():
        spell(_function, _engine, _spelling)


@compiles(ContainsAnyFolded, "postgresql")
def _contains_any_folded_postgresql(
    element: ContainsAnyFolded, compiler: SQLCompiler, **options: Any
) -> str:
    text, _, *patterns = element.clauses
    folded, *listed = (
        f'lower(CAST({compiler.process(one, **options)} AS text) COLLATE "pg_c_utf8")'
        for one in (text, *patterns)
    )
    return f"({folded} LIKE ANY (ARRAY[{', '.join(listed)}]))"


def epoch_microseconds(instant: ColumnElement[Any]) -> ColumnElement[int]:
    """Microseconds since 1970 of a time."""
    return EpochMicroseconds(instant)


def contains_folded(text: ColumnElement[Any], part: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `text` holds `part`, whatever the case; NULL where `text` is NULL."""
    return ContainsFolded(text, part)


def address_key(address: ColumnElement[Any]) -> ColumnElement[str]:
    """What an e-mail address is compared by; NULL for NULL."""
    return AddressKey(address)


def key_of_address(address: str) -> ColumnElement[str]:
    """The same of a given one. By the engine's own rules of case beyond ASCII, as of a column."""
    return literal(address.lower()) if address.isascii() else AddressKey(literal(address))


def has_address(column: ColumnElement[Any], addresses: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column holds one of some e-mail addresses, whatever the case and form of either.
    An empty text is no address."""
    keys = [key_of_address(address) for address in addresses if address]
    return HasAddress(column, *keys) if keys else false()


def contains_any_folded(text: ColumnElement[Any], parts: Sequence[str]) -> ColumnElement[bool]:
    """Whether `text` holds one of the parts, whatever the case, and composed or decomposed as a
    whole; NULL where `text` is NULL."""
    parts = unicode_forms(parts)
    if len(parts) == 1:
        return contains_folded(text, literal(parts[0]))
    expression = "|".join(part.translate(_PLAIN) for part in parts)
    patterns = (literal(f"%{part.translate(PLAIN_IN_LIKE)}%") for part in parts)
    return ContainsAnyFolded(text, literal(expression), *patterns)


def let(name: str, value: ColumnElement[Any], condition: ColumnElement[Any]) -> ColumnElement[Any]:
    """`condition`, in which `literal_column(name)` stands for `value`. The name is part of the
    statement's text: a constant of the program's."""
    return Let(literal_column(name), value, condition)


def starts_with(text: ColumnElement[Any], part: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `text` begins with `part`; NULL where `text` is NULL."""
    return StartsWith(text, part)


def floor_div(number: ColumnElement[int], by: ColumnElement[int]) -> ColumnElement[int]:
    """How often `by` goes into `number`; both from 0 up, `by` not 0."""
    return WholeQuotient(number, by)


def hour_number(instant: ColumnElement[Any]) -> ColumnElement[int]:
    """In which hour of UTC, counted from 1970, a time lies."""
    return floor_div(epoch_microseconds(instant), literal(3_600_000_000, BigInteger))


def as_text(number: ColumnElement[Any]) -> ColumnElement[str]:
    """The decimal digits of a whole number; NULL for NULL."""
    return AsText(number)


def fingerprint(text: ColumnElement[str], place: ColumnElement[int]) -> ColumnElement[int]:
    """Thirty-two bits of a text's MD5: the eight hexadecimal digits from `place` (from 1) on."""
    return Fingerprint(text, place)


def like(text: ColumnElement[Any], pattern: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the whole of `text` fits the pattern; see `Fits`. NULL where `text` is NULL."""
    return Fits(text, pattern)


def ipv4_number(text: ColumnElement[Any]) -> ColumnElement[int]:
    """An IPv4 address as a number; NULL for any other text."""
    return Ipv4Number(text)


def ipv6_digits(text: ColumnElement[Any]) -> ColumnElement[str]:
    """An IPv6 address as 32 hexadecimal digits; NULL for any other text."""
    return Ipv6Digits(text)


def json_text(text: ColumnElement[Any], path: Iterable[str]) -> ColumnElement[str]:
    """The scalar at a path of names in a JSON object, as text; NULL where there is none."""
    return JsonText(text, *(literal(name) for name in path))
