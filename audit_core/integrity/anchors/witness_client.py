"""Hands checkpoints to a witness (c2sp.org/tlog-witness) and takes its cosignature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from audit_core.domain.errors import SettingsError
from audit_core.integrity.anchors.anchor import (
    AnchorKind,
    AnchorName,
    AnchorUnavailable,
    Submission,
    contradiction,
    name_anchor,
)
from audit_core.integrity.anchors.exchange import Answer, Exchange
from audit_core.integrity.cosignature import cosigned_at, parse_cosigner_key, with_cosignatures
from audit_core.integrity.signed_note import NoteError, VerifierKey
from audit_core.integrity.witness.add_checkpoint import PATH, SIZE_TYPE, write_request
from audit_core.runtime.outgoing.policy import OutgoingPolicy

CONTENT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnchor:
    """See `Anchor`."""

    name: AnchorName
    interval: timedelta
    exchange: Exchange
    key: VerifierKey

    def submit(self, submission: Submission) -> bytes:
        """The lines of the witness's cosignatures, verified by its key."""
        # A witness has at most what it was handed from here, unless the state was put back.
        known = min(submission.known_size, submission.size)
        answer = self._ask(submission, known)
        if answer.status == 409 and answer.content_type == SIZE_TYPE:
            size = _size(answer)
            if size is None:
                raise self.exchange.unavailable("It names a size that is none.")
            if size > submission.size:
                raise contradiction(
                    self.name, f"{size:,} writes where this log has {submission.size:,}"
                )
            answer = self._ask(submission, size)
        self._require_granted(answer, submission)
        try:
            lines = answer.body.decode()
            cosigned_at(with_cosignatures(submission.note, lines), self.key)
        except (NoteError, UnicodeDecodeError) as error:
            raise AnchorUnavailable(
                f"{self.exchange.host} gave no cosignature of {self.key.name}.",
                "Compare the key in SANDTRAIL_ANCHOR_WITNESSES with the one of the witness.",
            ) from error
        return answer.body

    def _ask(self, submission: Submission, old_size: int) -> Answer:
        proof: Sequence[bytes] = ()
        if 0 < old_size < submission.size:
            proof = submission.consistency(old_size)
        body = write_request(old_size, proof, submission.note)
        return self.exchange.post(body, CONTENT_TYPE)

    def _require_granted(self, answer: Answer, submission: Submission) -> None:
        """Raises for every status but 200."""
        if answer.status == 200:
            return
        if answer.status == 422 or (answer.status == 409 and answer.content_type != SIZE_TYPE):
            raise contradiction(
                self.name, f"other writes among the first {submission.size:,} than this log has"
            )
        if answer.status in (403, 404):
            raise AnchorUnavailable(
                f"{self.exchange.host} does not know this log ({answer.status}).",
                "Give its operator the log's key from Evidence → Integrity.",
            )
        raise self.exchange.unavailable(f"It answered {answer.status}.")


def witness_anchor(setting: str, interval: timedelta, policy: OutgoingPolicy) -> WitnessAnchor:
    """`setting` is the address, a space, and the key. Raises `SettingsError`."""
    url, _, key_text = setting.partition(" ")
    try:
        key = parse_cosigner_key(key_text.strip())
    except NoteError as error:
        raise SettingsError(
            f"A witness in SANDTRAIL_ANCHOR_WITNESSES cannot be used: {error}",
            "Write its address, a space, and its verifier key as it prints it at its start.",
        ) from error
    return WitnessAnchor(
        name=name_anchor(AnchorKind.WITNESS, key.text, key.name),
        interval=interval,
        exchange=Exchange(url.rstrip("/") + PATH, policy),
        key=key,
    )


def _size(answer: Answer) -> int | None:
    text = answer.body.decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() and len(text) < 20 else None
