"""How engines read IP addresses in a text, which is `{0}`: as `domain.ip_addresses` does.

A zone is left out, and an IPv6 address that stands for an IPv4 address is that one. No text is
refused: what is no address is NULL. Percent signs are spelled `chr(37)`, since drivers read them.
"""

from __future__ import annotations

_PART = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_PART}[.]{_PART}[.]{_PART}[.]{_PART}"

_MAPPED = "00000000000000000000ffff"
"""What an IPv6 address begins with that stands for an IPv4 address: `::ffff:192.0.2.1`."""

_DUCKDB_GROUPS = (
    "list_transform([split_part({0}, chr(37), 1)], lambda t: "
    f"CASE WHEN regexp_full_match(t, '[0-9A-Fa-f:]*:{_IPV4}') THEN "
    "regexp_extract(t, '.*:') || list_transform([string_split(regexp_extract(t, '[^:]*$'), '.')], "
    "lambda q: to_hex(CAST(q[1] AS BIGINT) * 256 + CAST(q[2] AS BIGINT)) || ':' || "
    "to_hex(CAST(q[3] AS BIGINT) * 256 + CAST(q[4] AS BIGINT)))[1] ELSE t END)[1]"
)
"""An address without its zone, the last two groups in hexadecimal digits too."""

_DUCKDB_DIGITS = (
    f"list_transform([{_DUCKDB_GROUPS}], lambda e: "
    "CASE WHEN regexp_full_match(e, '(::|[0-9A-Fa-f]{{1,4}}:)([0-9A-Fa-f]{{1,4}}:|:)*"
    "([0-9A-Fa-f]{{1,4}})?') AND NOT contains(e, ':::') "
    "AND (NOT suffix(e, ':') OR suffix(e, '::')) THEN "
    "list_transform([array_to_string(list_transform(list_concat("
    "list_filter(string_split(split_part(e, '::', 1), ':'), lambda g: g <> ''), "
    "CASE WHEN contains(e, '::') THEN list_resize(CAST([] AS VARCHAR[]), "
    "greatest(8 - len(list_filter(string_split(e, ':'), lambda g: g <> '')), 0), '0') "
    "ELSE [] END, "
    "list_filter(string_split(split_part(e, '::', 2), ':'), lambda g: g <> '')), "
    "lambda g: lpad(lower(g), 4, '0')), '')], "
    "lambda h: CASE WHEN length(h) = 32 THEN h END)[1] END)[1]"
)
"""Its 32 digits, whatever it stands for; NULL for what is none."""

_POSTGRESQL_ADDRESS = "split_part({0}, chr(37), 1)"
_POSTGRESQL_VALID = (
    f"strpos({{0}}, '/') = 0 AND pg_input_is_valid({_POSTGRESQL_ADDRESS}, 'inet') "
    # It also takes `::ffff:1.2.3`.
    f"AND (strpos({_POSTGRESQL_ADDRESS}, '.') = 0 OR {_POSTGRESQL_ADDRESS} ~ ':{_IPV4}$')"
)
_POSTGRESQL_DIGITS = f"encode(substr(inet_send(CAST({_POSTGRESQL_ADDRESS} AS inet)), 5), 'hex')"
_CLICKHOUSE_DIGITS = "lower(hex(IPv6StringToNumOrNull(substringIndex({0}, char(37), 1))))"
_CLICKHOUSE_VALID = "position({0}, ':') > 0 AND position({0}, ':::') = 0"
"""What it takes else: `1:::2`."""

IPV4_NUMBER = {
    "duckdb": (
        f"CASE WHEN regexp_full_match({{0}}, '{_IPV4}') THEN "
        "CAST(split_part({0}, '.', 1) AS BIGINT) * 16777216 + "
        "CAST(split_part({0}, '.', 2) AS BIGINT) * 65536 + "
        "CAST(split_part({0}, '.', 3) AS BIGINT) * 256 + "
        "CAST(split_part({0}, '.', 4) AS BIGINT) "
        "WHEN contains(lower({0}), 'ffff:') THEN "
        f"list_transform([{_DUCKDB_DIGITS}], lambda d: CASE WHEN starts_with(d, '{_MAPPED}') "
        "THEN CAST('0x' || substr(d, 25) AS BIGINT) END)[1] END"
    ),
    "postgresql": (
        f"CASE WHEN {{0}} ~ '^{_IPV4}$' THEN CAST({{0}} AS inet) - CAST('0.0.0.0' AS inet) "
        f"WHEN strpos(lower({{0}}), 'ffff:') > 0 AND {_POSTGRESQL_VALID} THEN "
        f"CASE WHEN starts_with({_POSTGRESQL_DIGITS}, '{_MAPPED}') THEN "
        f"CAST(CAST('x' || substr({_POSTGRESQL_DIGITS}, 25) AS bit(32)) AS bigint) END END"
    ),
    "clickhousedb": (
        f"multiIf(match({{0}}, '^{_IPV4}$'), toInt64(IPv4StringToNumOrNull({{0}})), "
        f"{_CLICKHOUSE_VALID} AND startsWith({_CLICKHOUSE_DIGITS}, '{_MAPPED}'), "
        "toInt64(reinterpretAsUInt32(reverse(unhex("
        f"substring(ifNull({_CLICKHOUSE_DIGITS}, ''), 25))))), NULL)"
    ),
}
"""See `functions.Ipv4Number`."""

IPV6_DIGITS = {
    "duckdb": (
        "CASE WHEN contains({0}, ':') THEN "
        f"list_transform([{_DUCKDB_DIGITS}], lambda d: "
        f"CASE WHEN NOT starts_with(d, '{_MAPPED}') THEN d END)[1] END"
    ),
    "postgresql": (
        f"CASE WHEN strpos({{0}}, ':') > 0 AND {_POSTGRESQL_VALID} THEN "
        f"CASE WHEN NOT starts_with({_POSTGRESQL_DIGITS}, '{_MAPPED}') "
        f"THEN {_POSTGRESQL_DIGITS} END END"
    ),
    "clickhousedb": (
        f"if({_CLICKHOUSE_VALID} AND NOT startsWith({_CLICKHOUSE_DIGITS}, '{_MAPPED}'), "
        f"{_CLICKHOUSE_DIGITS}, NULL)"
    ),
}
"""See `functions.Ipv6Digits`."""
