"""Time stamps of checkpoints (RFC 3161): an authority signs that it saw the note at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit_core.domain.errors import AuditError, SettingsError
from audit_core.integrity.anchors.anchor import AnchorKind, AnchorName, Submission, name_anchor
from audit_core.integrity.anchors.exchange import Exchange
from audit_core.runtime.outgoing.policy import OutgoingPolicy

QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"


class TimeStampInvalid(AuditError):
    """A time stamp is not one of this note, or not one of an authority that is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampAnchor:
    """See `Anchor`."""

    name: AnchorName
    interval: timedelta
    exchange: Exchange
    roots: tuple[x509.Certificate, ...]
    """What the authority's certificate has to lead to; empty: it is not looked at."""

    def submit(self, submission: Submission) -> bytes:
        """The authority's reply, whole. Raises `TimeStampInvalid` for one that proves nothing."""
        note = submission.note.encode()
        request = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self.exchange.post(request.as_bytes(), QUERY_TYPE)
        if answer.status != 200 or answer.content_type != REPLY_TYPE:
            raise self.exchange.unavailable(f"It answered {answer.status}, without a time stamp.")
        response = _decoded(answer.body)
        if response.tst_info.nonce != request.nonce:
            raise _invalid("It answers another request.")
        if self.roots:
            verify_time_stamp(answer.body, note, self.roots)
        else:
            _require_imprint(response, note)
        return answer.body


def time_stamp_anchor(
    url: str, interval: timedelta, policy: OutgoingPolicy, roots: tuple[x509.Certificate, ...]
) -> TimeStampAnchor:
    """Raises `SettingsError`."""
    exchange = Exchange(url, policy)
    name = name_anchor(AnchorKind.TIME_STAMP, url, exchange.host)
    return TimeStampAnchor(name=name, interval=interval, exchange=exchange, roots=roots)


def verify_time_stamp(reply: bytes, note: bytes, roots: Sequence[x509.Certificate]) -> datetime:
    """When an authority, whose certificate leads to one of `roots`, had seen the note: aware, UTC.

    Needs no network. The certificates have to be valid at that time, not now. Raises
    `TimeStampInvalid`.
    """
    response = _decoded(reply)
    _require_imprint(response, note)
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(response, note)
    except (VerificationError, ValueError) as error:
        raise _invalid("The authority that signed it is not one of those that are trusted.") from (
            error
        )
    return response.tst_info.gen_time.astimezone(UTC)


def claimed_time(reply: bytes, note: bytes) -> datetime:
    """When the reply says that its authority had seen the note: whoever signed that. Raises
    `TimeStampInvalid` if it is about something else."""
    response = _decoded(reply)
    _require_imprint(response, note)
    return response.tst_info.gen_time.astimezone(UTC)


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates (PEM) in a file. Raises `SettingsError`."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The root certificates of time stamps cannot be read from {path.name}.",
            "Give a file of certificates in PEM.",
        ) from error


def _decoded(reply: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(reply)
        status = PKIStatus(response.status)
        if status is PKIStatus.GRANTED:
            return response
    except ValueError as error:
        raise _invalid("It is no time stamp.") from error
    raise _invalid("The authority refused it.")


def _require_imprint(response: TimeStampResponse, note: bytes) -> None:
    if response.tst_info.message_imprint.message != hashlib.sha256(note).digest():
        raise _invalid("It is of another text than this checkpoint.")


def _invalid(what: str) -> TimeStampInvalid:
    return TimeStampInvalid(
        f"A time stamp proves nothing: {what}",
        "Check the authority, and the root certificates that are given.",
    )
