"""The list of erasures as a file, which is kept beside backups: whoever restores one that is older
than an erasure repeats it by the list. It names nobody who was erased, only digests of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, insert, select

from audit_core.domain.errors import SourceError
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.erasure import IN_FORCE, Erasure, Stage
from audit_core.identity.accounts import ensure_organization
from audit_core.query.time.windows import format_instant, parse_instant
from audit_core.state.erasures.tables import erasure

FORMAT = 1
_ID = re.compile("[0-9a-f]{32}")
_DIGEST = re.compile("[0-9a-f]{64}")
_TIMES = ("asked_at", "confirmed_at")
_TEXTS = ("organization", "reason", "asked_by", "confirmed_by")


def erasure_lines(connection: Connection, organization_id: str | None = None) -> Iterator[str]:
    """A line of JSON, without its end, for each erasure that was confirmed, those confirmed first
    coming first; `None`: of all organizations."""
    found = store.in_stages(connection, IN_FORCE, limit=None)
    for one in found:
        if organization_id in (None, one.organization_id):
            yield json.dumps(_written(connection, one), ensure_ascii=False)


def take_in(connection: Connection, lines: Iterable[str]) -> int:
    """Take in erasures that the state does not know; how many. Files may hold the people once more:
    they are to be repeated. Raises `SourceError` for a line that is none of `erasure_lines`, and
    names it; then nothing may be kept."""
    known = set(connection.execute(select(erasure.c.id)).scalars())
    added = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        values, digests = _read(line, number)
        if values["id"] in known:
            continue
        ensure_organization(connection, organization_id=values["organization_id"])
        connection.execute(insert(erasure).values(values))
        store.set_digests(connection, values["id"], digests)
        known.add(values["id"])
        added += 1
    return added


def _written(connection: Connection, one: Erasure) -> dict[str, Any]:
    times = {name: getattr(one, name) for name in _TIMES}
    return {
        "format": FORMAT,
        "id": one.id,
        "organization": one.organization_id,
        "reason": one.reason,
        "asked_by": one.asked_by,
        "confirmed_by": one.confirmed_by,
        **{name: format_instant(at) for name, at in times.items()},
        "digests": sorted(store.digests_of(connection, one.id)),
    }


def _read(line: str, number: int) -> tuple[dict[str, Any], list[str]]:
    try:
        item = json.loads(line)
        if item["format"] != FORMAT or not _ID.fullmatch(item["id"]):
            raise ValueError("another format")
        if not all(isinstance(item[name], str) for name in _TEXTS) or not item["organization"]:
            raise ValueError("a text is missing")
        digests = list(item["digests"])
        if not digests or not all(_DIGEST.fullmatch(one) for one in digests):
            raise ValueError("a digest is none")
        times = {name: parse_instant(item[name]) for name in _TIMES}
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"Line {number:,} of the list of erasures is no erasure.",
            "Give a file that `erasure list --output` has written.",
        ) from error
    values = {
        "id": item["id"],
        "organization_id": item["organization"],
        # Entries are looked through for the person, and files written anew.
        "stage": Stage.REWRITING.value,
        "erased_at": times["confirmed_at"],
        **{name: item[name] for name in _TEXTS if name != "organization"},
        **times,
    }
    return values, digests
