"""Erasures in words, for pages, the command line and files."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.domain.addresses import address_key
from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.evidence.erasures.preview import Preview
from audit_core.explore.presentation import text
from audit_core.query.time.windows import written

OUTSIDE = (
    "the access record, which tells who used Sandtrail",
    "the person's account, which is removed on Admin → Access",
    "legal holds and access reviews that name the person",
    "rejected records that belong to no organization",
    "backups, and archives of a database server's write-ahead log",
    "files that were downloaded, or handed to the folder of exports",
    "the systems that entries come from",
)
"""What an erasure does not reach, each without a full stop."""


def names_of(subject: Subject) -> list[str]:
    """All that a person is called: addresses first, one spelling of each, then ids."""
    addresses = {address_key(one): one for one in sorted(subject.addresses)}
    ids = sorted(one for one in subject.actor_ids if not subject.has_address(one))
    return [*(addresses[key] for key in sorted(addresses)), *ids]


def erased_in_words(erasure: Erasure, zone: str) -> str | None:
    """What stands at an entry that has the pseudonym: who erased it, and when; `None` for an
    erasure that has not begun."""
    if erasure.confirmed_at is None:
        return None
    at = written(erasure.erased_at or erasure.confirmed_at, zone, "minutes")
    return (
        f"Erased on {at} ({zone}): asked by {erasure.asked_by}, confirmed by "
        f"{erasure.confirmed_by}. That the entry was there, when, and what was done stays."
    )


def preview_in_words(preview: Preview, zone: str) -> str:
    """How much is about to be erased: a sentence or two."""
    own = f"{text.entries(preview.entries)} of the person"
    if preview.first_at is not None and preview.last_at is not None:
        first, last = (written(at, zone, "minutes") for at in (preview.first_at, preview.last_at))
        own += f", from {first} to {last} ({zone})" if first != last else f", of {first} ({zone})"
    others = f"{text.entries(preview.mentions)} of others that name them"
    return f"{own}; {others}. {_exports(preview.exports)}"


def counts_in_words(erasure: Erasure) -> str:
    """What was erased so far, without a full stop."""
    return ", ".join(_counts(erasure)) or "Nothing of the person was found"


def what_is_left(erasure: Erasure, *, embedded: bool) -> str:
    """What has yet to happen, in words. `embedded`: the log is a file that this server owns."""
    if erasure.problem is not None:
        return f"{erasure.problem} It goes on by itself once nothing is in the way."
    match erasure.stage:
        case Stage.ASKED:
            return "Another admin has to confirm it."
        case Stage.CONFIRMED:
            return "It begins in a moment."
        case Stage.ERASING:
            return "The data is being erased."
        case Stage.REWRITING if embedded:
            return (
                "Nothing shows the data any more. Old bytes of it stay in the log's file until the "
                "server is started anew, or, while it is stopped, `sandtrail log rewrite` is run."
            )
        case Stage.REWRITING:
            return (
                "Nothing shows the data any more. Old bytes of it stay in the database's files "
                "until those are written anew, which goes on by itself."
            )
        case Stage.DONE:
            return "Nothing of it is left in the log, the state and the kept exports."
        case Stage.WITHDRAWN | Stage.REFUSED:
            return "Nothing was erased."


def _counts(erasure: Erasure) -> Iterator[str]:
    if erasure.entries:
        yield f"{text.entries(erasure.entries)} of the person"
    if erasure.mentions:
        yield f"{text.entries(erasure.mentions)} of others that named them"
    if erasure.late:
        yield f"{text.entries(erasure.late)} that came later"
    for number, one, many in (
        (erasure.exports, "export deleted", "exports deleted"),
        (erasure.rejections, "rejected record", "rejected records"),
        (erasure.filters, "saved filter", "saved filters"),
    ):
        if number:
            yield f"{number:,} {one if number == 1 else many}"


def _exports(number: int) -> str:
    if not number:
        return "No exports are kept that could hold them."
    kept = "The one kept export" if number == 1 else f"All {number:,} kept exports"
    return f"{kept} of the organization {'is' if number == 1 else 'are'} deleted with it."
