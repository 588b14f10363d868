"""`verify`: the verdicts on a pack, without a network, a database or a setting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import SourceError
from audit_core.domain.terminal_text import printable
from audit_core.evidence.pack.layout import MAX_LINE_BYTES, MAX_SMALL_BYTES
from audit_core.evidence.pack.leaf_proof import is_proof, verify_proof
from audit_core.evidence.pack.verdicts import PackError, Part, Report, State
from audit_core.evidence.pack.verifier import verify as verify_pack
from audit_core.integrity.anchors.time_stamp import read_roots
from audit_core.integrity.cosignature import parse_cosigner_key
from audit_core.integrity.signed_note import NoteError, VerifierKey, parse_key

FAILED = 1
"""The exit code where a part fails; 2, as of every command, where the file is no pack."""

_WORDS = {
    State.HOLDS: "holds",
    State.UNCONFIRMED: "holds, by a key that is not confirmed",
    State.PARTLY: "holds as far as it is shown",
    State.UNKNOWN: "cannot be told",
    State.FAILS: "FAILS",
}


def verify(
    pack: Annotated[
        Path, typer.Argument(help="The pack, a ZIP, or the proof of one entry.", metavar="PACK")
    ],
    key: Annotated[
        str | None,
        typer.Option(
            help="The public key, got by another way than the pack; or a file that holds it."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint of the same log that was kept elsewhere."),
    ] = None,
    witness_key: Annotated[
        list[str] | None,
        typer.Option(help="The key of a witness that you believe; may be given several times."),
    ] = None,
    time_stamp_roots: Annotated[
        Path | None,
        typer.Option(help="Root certificates (PEM) of time-stamping authorities you believe."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Verify a pack: signature, integrity, completeness, filter, counts and time, each by itself.

    Exit code 0: nothing fails. 1: something does. 2: the file is no pack, or a damaged one.
    """
    trusted = None if key is None else _key(key)
    note = None if checkpoint is None else _text(checkpoint)
    try:
        if (proof := _proof(pack)) is not None:
            report = verify_proof(proof, key=trusted)
        else:
            report = verify_pack(
                pack,
                key=trusted,
                checkpoint=note,
                witness_keys=[_witness_key(text) for text in witness_key or ()],
                time_stamp_roots=() if time_stamp_roots is None else read_roots(time_stamp_roots),
            )
    except PackError as error:
        _refuse(pack, error, as_json)
    if as_json:
        say(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
    else:
        say("\n".join(_lines(report)))
    if report.fails:
        raise typer.Exit(FAILED)


def _refuse(pack: Path, error: PackError, as_json: bool) -> NoReturn:
    if as_json:
        refused = {"holds": False, "refused": {"code": error.code, "sentence": str(error)}}
        say(json.dumps(refused, ensure_ascii=False, indent=1))
        raise typer.Exit(2)
    raise SourceError(
        f"{pack} cannot be verified: {error}",
        "Get the pack once more; if it stays so, it was not made by Sandtrail, or was changed.",
    ) from error


def _proof(path: Path) -> bytes | None:
    """The proof of a single entry, if the file is one."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LINE_BYTES)
    except OSError as error:
        raise SourceError(
            f"The pack {path} cannot be opened: {error.strerror}.",
            "Check its name and whether you may read it.",
        ) from error
    return data if is_proof(data) else None


def _key(given: str) -> VerifierKey:
    text = given if "+" in given else _text(Path(given))
    try:
        return parse_key(text)
    except NoteError as error:
        raise SourceError(
            f"The key cannot be read: {error}",
            "Give the line that `log key` prints at the installation, or a file that holds it.",
        ) from error


def _witness_key(given: str) -> VerifierKey:
    try:
        return parse_cosigner_key(given)
    except NoteError as error:
        raise SourceError(
            f"The key of the witness cannot be read: {error}",
            "Give the line that the witness printed at its start.",
        ) from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SMALL_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The file {path} cannot be read.", "Check the name, and that it is a text."
        ) from error


def _lines(report: Report) -> Iterator[str]:
    for part in Part:
        verdict = report[part]
        yield f"{part.value.capitalize():14}{_WORDS[verdict.state]}"
        yield from (f"  - {printable(finding.sentence)}" for finding in verdict.findings)
        if verdict.more:
            yield f"  - and {verdict.more:,} more."
        yield from (f"  {printable(note)}" for note in verdict.notes)
    yield ""
    yield "The pack does NOT hold." if report.fails else "Nothing speaks against the pack."
