"""What the state keeps that names a person: rejected records, and filters that were saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, update

from audit_core.detect.ruleset.deeds import count_change
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import FilterError
from audit_core.query.entry_filter import EntryFilter
from audit_core.state.erasures.mentions import may_mention
from audit_core.state.export_tables import export, export_schedule
from audit_core.state.tables import failure_mark, own_rule, rejection, rule_mute, saved_view

ERASED_TEXT = "(erased)"
"""What stands in place of a text that named the person."""

AT_ONCE = 1_000

QUERY = "query"
"""The parameter of an address that holds a query text."""

_REJECTION_TEXTS = ("origin", "place", "reason", "raw")
_FILTERS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (saved_view, ("name", "params")),
    (export_schedule, ("name", "what")),
    (export, ("title", "what", "file")),
    (failure_mark, ("note",)),
    (own_rule, ("text",)),
    (rule_mute, ("filter", "reason")),
)
"""What people keep that may name somebody, and in which columns."""

_RULES = (own_rule, rule_mute)
"""What who watches the log has to read anew."""


def erase_rejections(connection: Connection, subject: Subject) -> int:
    """Take the texts out of the organization's rejected records that name the person; how many
    records. That they were rejected, when, and how many stays."""
    columns = [rejection.c[name] for name in _REJECTION_TEXTS]
    statement = select(rejection.c.id, *columns).where(
        rejection.c.organization_id == subject.organization_id,
        may_mention(columns, subject.spellings),
    )
    erased = after = 0
    while True:
        page = statement.where(rejection.c.id > after).order_by(rejection.c.id).limit(AT_ONCE)
        rows = connection.execute(page).all()
        if not rows:
            return erased
        after = rows[-1].id
        changes = [
            {
                "row_id": row.id,
                **{
                    name: ERASED_TEXT if subject.mentioned_in(text) else text
                    for name, text in zip(_REJECTION_TEXTS, row[1:], strict=True)
                },
            }
            for row in rows
            if any(map(subject.mentioned_in, row[1:]))
        ]
        erased += len(changes)
        if changes:
            connection.execute(
                update(rejection)
                .where(rejection.c.id == bindparam("row_id"))
                .values({name: bindparam(name) for name in _REJECTION_TEXTS}),
                changes,
            )


def replace_in_filters(connection: Connection, subject: Subject, pseudonym: str) -> int:
    """Let saved views, schedules, exports, notes on failures, rules and mutes name the pseudonym in
    place of the person, which entries do from now on as well; in how many of them that was so."""
    changed = 0
    for table, names in _FILTERS:
        keys = list(table.primary_key.columns)
        columns = [table.c[name] for name in names]
        statement = select(*keys, *columns).where(
            table.c.organization_id == subject.organization_id
        )
        for row in connection.execute(statement).mappings().all():
            new = {name: _replaced(row[name], subject, pseudonym) for name in names}
            if any(new[name] != row[name] for name in names):
                own = [key == row[key.name] for key in keys]
                connection.execute(update(table).where(*own).values(new))
                changed += 1
                if table in _RULES:
                    count_change(connection, subject.organization_id)
    return changed


def _replaced(value: Any, subject: Subject, pseudonym: str) -> Any:
    """A text, or lists and objects of texts, with the pseudonym where they name the person."""
    if isinstance(value, str):
        return subject.replaced_in(value, pseudonym)
    again: Callable[[Any], Any] = lambda item: _replaced(item, subject, pseudonym)  # noqa: E731
    if isinstance(value, list):
        return [again(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _replaced_queries(item, subject, pseudonym) if name == QUERY else again(item)
            for name, item in value.items()
        }
    return value


def _replaced_queries(texts: Any, subject: Subject, pseudonym: str) -> list[str]:
    """As `_replaced`, for texts in the query language, which stay such: a word that stands alone
    may not hold a colon."""
    replaced: list[str] = []
    for text in texts:
        ways = (pseudonym, f'"{pseudonym}"')
        found = [subject.replaced_in(text, way) for way in ways]
        readable = [one for one in found if _is_readable(one)]
        replaced.append(text if text == found[0] else next(iter(readable), ways[1]))
    return replaced


def _is_readable(text: str) -> bool:
    """Whether a query can be read."""
    try:
        EntryFilter.from_params({QUERY: [text]})
    except FilterError:
        return False
    return True
