"""Verifies a pack: needs the file and, better, the key; no network, no database, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from cryptography.x509 import Certificate

from audit_core.evidence.pack import layout
from audit_core.evidence.pack.anchors import check_anchors
from audit_core.evidence.pack.archive import Archive, open_archive
from audit_core.evidence.pack.claims import Claims, parse_manifest, parse_proof
from audit_core.evidence.pack.entry_lines import instant_text
from audit_core.evidence.pack.leaf_lines import Kind
from audit_core.evidence.pack.run import Run
from audit_core.evidence.pack.statement import signed_text
from audit_core.evidence.pack.verdicts import Part, Report, State, Verdict
from audit_core.integrity.anchors.verify import Trust
from audit_core.integrity.checkpoint import (
    Checkpoint,
    fingerprint,
    open_checkpoint,
    origin,
    parse_checkpoint,
)
from audit_core.integrity.leaf import PLAIN
from audit_core.integrity.merkle import ProofError, RangeProof, root_of_compact_range
from audit_core.integrity.signed_note import NoteError, VerifierKey, parse_note, verified_by

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOLERANCE = layout.CLOCK_TOLERANCE_S * 1_000_000
_RECEIVED = PLAIN.index("received_at")
_UNOPENABLE = (Kind.ERASED, Kind.PRUNED, Kind.ABSENT)


def verify(
    file: Path | IO[bytes],
    *,
    key: VerifierKey | None = None,
    checkpoint: str | None = None,
    witness_keys: Sequence[VerifierKey] = (),
    time_stamp_roots: Sequence[Certificate] = (),
) -> Report:
    """The verdicts on a pack.

    `key` is what the reader got otherwise than from the pack, `checkpoint` a signed note of this
    log that was kept elsewhere; the others are whom the reader believes among places outside.
    Raises `PackError` for a file that is no pack, or a damaged one.
    """
    with open_archive(file) as archive:
        manifest = archive.read(layout.MANIFEST)
        claims = parse_manifest(manifest)
        report = Report(key=claims.key.text, subject=dict(claims.as_written))
        head = _checkpoint(report, archive, claims)
        given = _given(report, claims, checkpoint)
        run = _walk(report, archive, claims, head, given)
        # After that, when the largest files have been read and measured.
        _check_signature(report, archive, claims, manifest, key)
        if head is not None:
            trust = Trust(
                log_keys=(claims.key,),
                witness_keys=tuple(witness_keys),
                roots=tuple(time_stamp_roots),
            )
            check_anchors(report[Part.TIME], archive, head, trust)
    if run is not None:
        _check_run(report, claims, run)
        _check_counts(report, claims, run)
    if head is not None:
        _check_time(report, claims, head, 0 if run is None else run.newest_received)
        _check_given(report, head, given, run)
    _settle(report, whole=run is not None and head is not None)
    return report


def _check_signature(
    report: Report, archive: Archive, claims: Claims, manifest: bytes, key: VerifierKey | None
) -> None:
    verdict = report[Part.SIGNATURE]
    try:
        note = parse_note(archive.read(layout.SIGNATURE).decode())
        if not verified_by(note, [claims.key]):
            verdict.fail("signature.unsigned", "The key that the pack names has not signed it.")
        elif note.text != signed_text(manifest):
            verdict.fail("signature.manifest", "Another manifest was signed than this one.")
    except (NoteError, UnicodeDecodeError):
        verdict.fail("signature.forged", "The signature does not hold.")
    _check_files(verdict, archive, claims)
    if key is None:
        verdict.soften(
            State.UNCONFIRMED,
            f"Signed by {claims.key.name}, which you have not confirmed: ask for the key by another"
            " way than this pack.",
        )
    elif key != claims.key:
        verdict.fail(
            "signature.key", f"The pack is signed by {claims.key.name}, not by the key you gave."
        )


def _check_files(verdict: Verdict, archive: Archive, claims: Claims) -> None:
    for name in archive.names():
        if name in (layout.MANIFEST, layout.SIGNATURE):
            continue
        if name not in claims.files:
            verdict.fail("signature.stranger", f"{name} was not signed with the pack.")
        elif archive.measured(name) != claims.files[name]:
            verdict.fail("signature.file", f"{name} is not the file that was signed.")
    for name in sorted(set(claims.files) - set(archive.names())):
        verdict.fail("signature.missing", f"{name} was signed with the pack and is missing.")


def _checkpoint(report: Report, archive: Archive, claims: Claims) -> Checkpoint | None:
    """The checkpoint, also where its signature does not hold; None if it cannot be read."""
    verdict = report[Part.INTEGRITY]
    try:
        text = archive.read(layout.CHECKPOINT).decode()
        found = parse_checkpoint(parse_note(text).text)
    except (NoteError, UnicodeDecodeError) as error:
        verdict.fail("integrity.checkpoint_unreadable", f"The checkpoint cannot be read: {error}")
        return None
    try:
        open_checkpoint(text, [claims.key])
    except NoteError:
        verdict.fail("integrity.checkpoint", "The checkpoint is not signed by the pack's key.")
    if found.origin != origin(fingerprint(claims.key.public_key), claims.organization_id):
        verdict.fail("integrity.origin", "The checkpoint is of another organization's log.")
    if found.size != claims.leaves:
        verdict.fail("integrity.head", "The checkpoint is not the one that the manifest names.")
    return found


def _given(report: Report, claims: Claims, note: str | None) -> Checkpoint | None:
    """The checkpoint that the reader kept; None if there is none, or none of this log."""
    if note is None:
        return None
    verdict = report[Part.COMPLETENESS]
    try:
        found, _ = open_checkpoint(note, [claims.key])
    except NoteError:
        verdict.fail(
            "completeness.given", "The checkpoint that you gave is not signed by the pack's key."
        )
        return None
    if found.origin != origin(fingerprint(claims.key.public_key), claims.organization_id):
        verdict.fail("completeness.given_origin", "The checkpoint you gave is of another log.")
        return None
    return found


def _walk(
    report: Report,
    archive: Archive,
    claims: Claims,
    head: Checkpoint | None,
    given: Checkpoint | None,
) -> Run | None:
    """The run, looked at whole; None where it cannot be read."""
    integrity, completeness = report[Part.INTEGRITY], report[Part.COMPLETENESS]
    try:
        start, stop, size, proof = parse_proof(archive.read(layout.PROOF))
    except (ValueError, TypeError, RecursionError) as error:
        integrity.fail("integrity.proof_unreadable", f"The proof cannot be read: {error}.")
        start, stop, size, proof = claims.start, claims.leaves, claims.leaves, RangeProof((), ())
    earlier = None if given is None else given.size
    run = Run(report, claims, start, proof, archive.lines(layout.ENTRIES), earlier)
    if not run.walk(archive.lines(layout.LEAVES)):
        return None
    if (run.leaves.stop, stop, start) != (stop, size, claims.start):
        completeness.fail(
            "completeness.length",
            f"The run has {run.leaves.stop - start:,} leaves from {start:,} on; it should go up "
            f"to {size:,}.",
        )
    if head is not None and size != head.size:
        completeness.fail(
            "completeness.head",
            f"The run goes up to {size:,} leaves; the checkpoint counts {head.size:,}.",
        )
    if head is not None:
        try:
            if root_of_compact_range(run.leaves, head.size, proof) != head.root:
                integrity.fail(
                    "integrity.root", "The leaves do not lead to the root that was signed."
                )
        except ProofError as error:
            integrity.fail("integrity.proof", str(error))
    return run


def _check_run(report: Report, claims: Claims, run: Run) -> None:
    verdict = report[Part.COMPLETENESS]
    run.numbers.finish(claims.entries_in_all)
    if run.leaves.start:
        received = None if run.border is None else int(run.border.plain[_RECEIVED] or 0)
        if claims.since is None or received is None or received >= claims.since:
            verdict.fail(
                "completeness.start",
                "Entries of the window may stand before the run: its first leaf was not received "
                "before the window began.",
            )
    superseded = run.kinds[Kind.SUPERSEDED.value]
    if superseded:
        verdict.notes.append(f"{superseded:,} leaves hold earlier versions of entries.")
    if gone := sum(run.kinds[kind.value] for kind in _UNOPENABLE):
        verdict.notes.append(
            f"{gone:,} leaves cannot be opened any more: erased, dropped by retention, or absent."
        )
    _check_filter(report, claims, run)


def _check_filter(report: Report, claims: Claims, run: Run) -> None:
    verdict = report[Part.FILTER]
    closed = run.kinds[Kind.CLOSED.value]
    asked = "; ".join(claims.unknown)
    if closed and not claims.unknown:
        verdict.fail(
            "filter.closed",
            f"{closed:,} leaves are closed, though what the filter asks stands in them openly.",
        )
    elif closed:
        verdict.soften(
            State.PARTLY,
            f"{closed:,} leaves are closed: whether they meet “{asked}” can be told only where "
            "they are opened one by one, on request (prove --leaf).",
        )
    elif claims.unknown:
        verdict.notes.append(f"That the entries meet “{asked}” is the log's word.")


def _check_counts(report: Report, claims: Claims, run: Run) -> None:
    verdict = report[Part.COUNTS]
    for name, claimed in claims.counts.items():
        found = run.kinds[name] + run.others[name]
        if found != claimed:
            verdict.fail(
                "counts.differ", f"The manifest counts {claimed:,} of {name}; there are {found:,}."
            )
    if dict(claims.days) != dict(run.days):
        verdict.fail("counts.days", "The manifest's counts by day are not those of the entries.")


def _check_time(report: Report, claims: Claims, head: Checkpoint, newest: int) -> None:
    verdict = report[Part.TIME]
    if head.signed_at is None:
        verdict.fail("time.unsigned", "The checkpoint does not say when it was signed.")
        return
    signed = (head.signed_at - _EPOCH) // timedelta(microseconds=1)
    if newest > signed + _TOLERANCE:
        verdict.fail(
            "time.received",
            f"A leaf was received at {instant_text(newest)}, after the checkpoint that counts it.",
        )
    if claims.made_at < signed - _TOLERANCE:
        verdict.fail("time.made", "The pack says it was made before its checkpoint was signed.")
    at = instant_text(signed)
    if claims.until is not None and claims.until > signed:
        verdict.soften(State.PARTLY, f"The window goes on after the checkpoint, signed at {at}.")
    else:
        verdict.notes.append(f"Complete up to the checkpoint, signed at {at}.")


def _check_given(
    report: Report, head: Checkpoint, given: Checkpoint | None, run: Run | None
) -> None:
    """Whether the pack's log goes on from the one that the reader knows of."""
    if given is None:
        return
    verdict = report[Part.COMPLETENESS]
    earlier = head.root if given.size == head.size else None if run is None else run.earlier_root
    if given.size > head.size:
        older = head.signed_at and given.signed_at and given.signed_at <= head.signed_at
        if older:
            verdict.fail(
                "completeness.rolled_back",
                f"The log had {given.size:,} leaves when you got the checkpoint, and {head.size:,} "
                "later: an older log was put back.",
            )
        else:
            verdict.soften(
                State.PARTLY, "The checkpoint that you gave is newer than the pack: not compared."
            )
    elif earlier is None:
        verdict.soften(
            State.PARTLY, "The checkpoint that you gave lies before the run: not compared."
        )
    elif earlier != given.root:
        verdict.fail(
            "completeness.rewritten",
            f"The first {given.size:,} leaves are not those of the checkpoint that you gave.",
        )


def _settle(report: Report, *, whole: bool) -> None:
    """Nothing follows from leaves that are not those of the tree."""
    if whole and report[Part.INTEGRITY].state is not State.FAILS:
        return
    for verdict in _resting_on_integrity(report):
        if verdict.state is not State.FAILS:
            verdict.soften(State.UNKNOWN, "It cannot be told while integrity fails.")


def _resting_on_integrity(report: Report) -> Iterator[Verdict]:
    for part in (Part.COMPLETENESS, Part.FILTER, Part.COUNTS, Part.TIME):
        yield report[part]
