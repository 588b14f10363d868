"""Where an audit entry stands in a line of a log. Pure: text in, text out.

Daytona with `AUDIT_CONSOLE_LOG_ENABLED` writes `AUDIT_ENTRY: {json}` through its logger: in
production one JSON object a line with the message under `msg` (pino), else colored text with a
time and a level in front and the logger's context behind (pino-pretty, Nest). Docker, Kubernetes,
journald and syslog put their own parts around it.

Whoever uses the platform can write text into its log. So the mark counts only where a message
begins: a line that has it anywhere else is no entry, and is told, not passed over.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from audit_core.ingest.records.strict_json import Undecodable, decode, shown

MARK = "AUDIT_ENTRY:"
"""What stands in front of an entry."""

MAX_DECORATION = 400
"""How many characters may stand in front of the mark."""

MAX_WRAPPERS = 3
"""How many objects of loggers may be around each other."""

_MESSAGES = ("msg", "message", "log", "MESSAGE", "textPayload")
"""The fields with the message in the JSON of pino, winston, Fluent Bit, journald, Google Cloud."""

_LOGGERS = tuple(
    frozenset(names.split())
    for names in (
        "log stream",
        "log time",
        "level msg",
        "level time",
        "level message",
        "MESSAGE __REALTIME_TIMESTAMP",
        "textPayload insertId",
    )
)
"""Names that stand together in the JSON of a logger."""

_STREAMS = ("stdout", "stderr")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_OCTETS = re.compile(r'"MESSAGE" ?: ?\[')
_KUBERNETES = re.compile(r"[0-9][0-9T:.,Z+-]{18,40} (stdout|stderr) ([FP]) ")
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_LEVEL = (
    r"(?:trace|debug|verbose|info|information|log|notice|warn|warning|err|error|fatal"
    r"|crit|critical)"
)
_DECORATION = re.compile(
    rf"""
    \s*+
    (?:<\d{{1,3}}>)?+
    (?:[\w.-]{{1,80}}[ ]*+\|[ ]*+)?+                                # a service of Docker Compose
    (?:
        (?:{_MONTH}[ ]++\d{{1,2}}[ ]\d\d:\d\d:\d\d|\d{{4}}-\d\d-\d\dT[\d:.,+Z-]{{8,30}}+)
        [ ][\w.:-]{{1,255}}+[ ][\w./@-]{{1,64}}+(?:\[\d{{1,10}}\])?+:\s*+  # host and program
    )?+
    (?:
        (?:
            \[[^\[\]\n]{{0,100}}\]
            | \([^()\n]{{0,100}}\)
            | [\d:.,/+TZ-]++
            | (?:{_DAY}|{_MONTH}|{_LEVEL}|am|pm|utc|gmt|stdout|stderr|f)\b
        )
        [\s:,|-]*+
    ){{0,20}}+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BEHIND = re.compile(
    r'\s*+(?:\+\d{1,9}ms|\{"context":"[^"\\\n]{0,200}"(?:,"[^{}\n]{0,1000})?\})\s*+\Z'
)
"""What loggers put behind a message: Nest the time since the last one, pino-pretty the context."""
_BEHIND_LENGTH = 1_300


class Piece(NamedTuple):
    """What a line of a container's log holds of a message."""

    text: str
    stream: str = ""
    """The stream in which the program wrote it; empty where no container runtime says so."""
    more: bool = False
    """Whether the message was too long for one line, and its next piece follows in the stream."""


class Misread(NamedTuple):
    """A line that was meant as an audit entry, or pretends to be one."""

    reason: str
    """A sentence."""


def is_logged(names: tuple[str, ...] | list[str]) -> bool:
    """Whether an object with these fields is a line of a log in JSON."""
    return any(of_it <= frozenset(names) for of_it in _LOGGERS)


def is_of_container(text: str) -> bool:
    """Whether a text begins as Kubernetes writes the lines of containers."""
    return _KUBERNETES.match(text) is not None


def piece_of(line: str) -> Piece | Misread:
    """What a line holds, without what Docker or Kubernetes put around it; else the line itself."""
    text = line.rstrip("\r\n")
    if match := _KUBERNETES.match(text):
        return Piece(text[match.end() :], match[1], match[2] == "P")
    if not text.startswith('{"log":'):
        return Piece(text)
    try:
        value = decode(text)
    except Undecodable as error:
        return Misread(error.reason) if MARK in text else Piece("")
    log, stream = value.get("log"), value.get("stream")
    if not isinstance(log, str) or stream not in _STREAMS:
        return Piece(text)
    return Piece(log.rstrip("\r\n"), stream, not log.endswith("\n"))


def message_of(text: str) -> str | Misread:
    """The message within the JSON of a logger; a text that is none is the message itself, and
    what has none is empty."""
    for _ in range(MAX_WRAPPERS):
        if not text.startswith("{") or not (MARK in text or _OCTETS.search(text)):
            return text
        try:
            value = decode(text)
        except Undecodable as error:
            return Misread(error.reason)
        texts = (_text_of(value.get(name)) for name in _MESSAGES)
        text = next((found for found in texts if found is not None), "").strip("\r\n")
    return text


def _text_of(value: object) -> str | None:
    """A text, also as the octets that journald writes where one is colored; `None` for another
    value."""
    if isinstance(value, list) and all(type(octet) is int and 0 <= octet < 256 for octet in value):
        return bytes(value).decode(errors="replace")
    return value if isinstance(value, str) else None


def find_record(message: str) -> str | Misread | None:
    """The JSON behind the mark; `None` for a message that is no audit entry.

    `Misread` for a mark with nothing behind it, and for one with an object behind it that does not
    stand where a message begins.
    """
    if MARK not in message:
        return None
    if "\x1b" in message:
        # No color can be part of JSON, where this character must be written as an escape.
        message = _COLOR.sub("", message)
    before, _, behind = message.partition(MARK)
    if len(before) <= MAX_DECORATION and _DECORATION.fullmatch(before):
        record = _without_context(behind.strip())
        return record or Misread(f"Nothing stands behind {MARK}")
    if behind.lstrip().startswith("{"):
        return Misread(
            f"{MARK} does not stand where a message of the log begins, but behind "
            f"{shown(before[-40:])}: text of somebody's could have been written there."
        )
    return None


def _without_context(record: str) -> str:
    """The record without what loggers put behind it, if that is all that follows."""
    for _ in range(2):
        start = max(0, len(record) - _BEHIND_LENGTH)
        match = _BEHIND.search(record, start)
        if match is None or not record[: match.start()].endswith("}"):
            return record
        record = record[: match.start()]
    return record
