"""Who has stopped sending entries: sources that wait for somebody, and senders that are silent for
longer than they usually are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit_core.domain.silence import Arrivals, is_silent, read_arrivals, usual_silence
from audit_core.identity.api_tokens import Token, list_tokens
from audit_core.identity.token_verbs import WRITE
from audit_core.query.time.windows import length
from audit_core.sources.source import Progress, Source, sources_with_progress
from audit_core.sources.standing import ANSWERS_WITHIN, Standing, answered_at, standing_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleSender:
    """A source or a token by which entries came, and do not any more."""

    name: str
    organization_id: str | None
    """`None`: of a whole deployment, which concerns operators only."""
    stopped: bool
    """Whether it waits for somebody to act; else it is only silent."""
    since: datetime
    """When it stopped, or began to be silent for unusually long: aware."""
    reason: str
    """A sentence."""
    hint: str


def stale_senders(
    connection: Connection, organization_id: str | None, now: datetime
) -> list[StaleSender]:
    """Those of an organization; `None`: all of this installation, for the operator only."""
    sources = sources_with_progress(connection, organization_id)
    tokens = list_tokens(connection, organization_id=organization_id)
    return [
        *(found for one in sources for found in _of_source(*one, now)),
        *(found for token in tokens for found in _of_token(token, now)),
    ]


def _of_source(source: Source, progress: Progress, now: datetime) -> Iterator[StaleSender]:
    standing = standing_of(source, progress, now)
    since = answered_at(source, progress)
    if standing is Standing.STOPPED:
        reason, hint = progress.problem or "", progress.hint or ""
    elif standing is Standing.STALE:
        reason, hint = _silence_of_source(source, progress, now)
        since = _unusual_since(read_arrivals(progress.arrivals), now) or since + ANSWERS_WITHIN
    else:
        return
    yield StaleSender(
        name=source.name,
        organization_id=source.organization_id,
        stopped=standing is Standing.STOPPED,
        since=since,
        reason=reason,
        hint=hint,
    )


def _silence_of_source(source: Source, progress: Progress, now: datetime) -> tuple[str, str]:
    if progress.problem is not None:
        return progress.problem, progress.hint or ""
    arrivals = read_arrivals(progress.arrivals)
    if arrivals is not None and is_silent(arrivals, now):
        return (
            _silence(now - arrivals.last, usual_silence(arrivals)),
            "It answers, and has nothing new: check that Daytona still writes its audit log.",
        )
    return (
        f"It has not answered for {length(now - answered_at(source, progress))}.",
        "Nothing reads it: look at what the app wrote to its terminal.",
    )


def _of_token(token: Token, now: datetime) -> Iterator[StaleSender]:
    sends = token.may(WRITE) and token.is_valid(now)
    arrivals = token.arrivals
    if sends and arrivals is not None and is_silent(arrivals, now):
        yield StaleSender(
            name=token.name,
            organization_id=token.organization_id,
            stopped=False,
            since=_unusual_since(arrivals, now) or now,
            reason=_silence(now - arrivals.last, usual_silence(arrivals)),
            hint="Check the program that sends with this token. If it is not to send any more, "
            "revoke the token.",
        )


def _unusual_since(arrivals: Arrivals | None, now: datetime) -> datetime | None:
    """When a silence became unusual; `None`: it is not."""
    if arrivals is None or not is_silent(arrivals, now):
        return None
    usual = usual_silence(arrivals)
    return None if usual is None else arrivals.last + usual


def _silence(silent: timedelta, usual: timedelta | None) -> str:
    least = "" if usual is None else f"; up to {length(usual)} would be usual"
    return f"It has sent nothing for {length(silent)}{least}."
