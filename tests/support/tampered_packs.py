"""Ways to tamper with a pack, each with the verdict that it must get.

An outsider changes files; an insider holds the key and signs the changed manifest anew, so that
only what the checkpoint counts speaks against the pack.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from warnings import catch_warnings, simplefilter
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from audit_core.evidence.pack.statement import signed_text
from audit_core.integrity.checkpoint import parse_checkpoint, sign_checkpoint
from audit_core.integrity.installation_signer import installation_signer
from audit_core.integrity.merkle import range_proof
from audit_core.integrity.signed_note import Signer, parse_note
from tests.support.packs import (
    MINUTE,
    SIGNER,
    MadePack,
    checkpoint_of,
    made_pack,
    moment,
    subtrees,
)

STRANGER = installation_signer(b"stranger" * 8)
GOOD = made_pack(17, number=60, window=(12, 50), gone=False)
WHOLE = made_pack(18, number=40, condition={"all": []}, gone=False)
"""All of a log, from its first leaf on."""
Change = Callable[[bytes], bytes]


def contents(pack: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Mapping[str, bytes], *more: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive, catch_warnings():
        simplefilter("ignore")  # a name may be there twice: that is what is tried
        for name, data in (*files.items(), *more):
            archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)
    return target.getvalue()


def outsider(pack: bytes, **changes: Change | bytes | None) -> bytes:
    """With some files changed; names have `_` for `.`. None removes a file."""
    return zipped(_changed(contents(pack), changes))


def insider(pack: bytes, *, signer: Signer = SIGNER, **changes: Change | bytes | None) -> bytes:
    """The same, and the manifest goes along with it and is signed anew."""
    files = _changed(contents(pack), changes)
    manifest = json.loads(files.pop("manifest.json"))
    files.pop("manifest.sig")
    manifest["key"] = signer.key.text
    manifest["files"] = {
        name: {"bytes": len(data), "sha256": sha256(data).hexdigest()}
        for name, data in files.items()
    }
    written = json.dumps(manifest).encode()
    note = str(signer.sign(signed_text(written))).encode()
    return zipped({**files, "manifest.json": written, "manifest.sig": note})


def _changed(
    files: dict[str, bytes], changes: Mapping[str, Change | bytes | None]
) -> dict[str, bytes]:
    names = {name.replace(".", "_").replace("/", "_"): name for name in files}
    for key, change in changes.items():
        name = names.get(key, key.replace("_", ".", 1))
        if change is None:
            del files[name]
        else:
            files[name] = change(files[name]) if callable(change) else change
    return files


def lines(change: Callable[[list[bytes]], Any]) -> Change:
    """A change of the lines of a file, in place."""

    def changed(data: bytes) -> bytes:
        items = data.splitlines(keepends=True)
        change(items)
        return b"".join(items)

    return changed


def manifest(change: Callable[[dict[str, Any]], Any]) -> Change:
    """A change of JSON, in place."""

    def changed(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return json.dumps(value).encode()

    return changed


def leaf(place: int, change: Callable[[dict[str, Any]], Any]) -> Change:
    """A change of one leaf."""

    def changed(items: list[bytes]) -> None:
        value = json.loads(items[place])
        change(value)
        items[place] = json.dumps(value, ensure_ascii=False).encode() + b"\n"

    return lines(changed)


def place_of(made: MadePack, kind: str, number: int = 0) -> int:
    """The place in the run of the leaf of a kind, counted from the first such."""
    found = [place for place, (item, _) in enumerate(made.lines) if item.kind.value == kind]
    return found[number]


def entries_until(made: MadePack, place: int) -> int:
    return sum(line is not None for _, line in made.lines[:place])


ENTRY = place_of(GOOD, "entry", 3)
ENTRY_LINE = entries_until(GOOD, ENTRY)
LEFT_OUT = place_of(GOOD, "left_out", 1)


def swapped(items: list[bytes]) -> None:
    items[4], items[5] = items[5], items[4]


def set_to(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(target: dict[str, Any]) -> None:
        for name in path[:-1]:
            target = target[name]
        target[path[-1]] = value(target[path[-1]]) if callable(value) else value

    return change


def checkpoint(signer: Signer = SIGNER, **changes: Any) -> Change:
    def changed(data: bytes) -> bytes:
        found = parse_checkpoint(parse_note(data.decode()).text)
        return sign_checkpoint(replace(found, **changes), signer).encode()

    return changed


def without_entry(place: int) -> dict[str, Change]:
    """A leaf that the filter matched goes, and so does its entry."""
    return {
        "leaves_jsonl": lines(lambda items: items.pop(place)),
        "entries_jsonl": lines(lambda items: items.pop(entries_until(WHOLE, place))),
    }


def superseded(place: int, made: MadePack = WHOLE) -> dict[str, Change]:
    """An entry that is hidden as if it had been finished later."""
    hidden = made.lines[place][0].hash.hex()
    line = json.dumps({"kind": "superseded", "hash": hidden}).encode() + b"\n"
    return {
        "leaves_jsonl": lines(lambda items: items.__setitem__(place, line)),
        "entries_jsonl": lines(lambda items: items.pop(entries_until(made, place))),
        "manifest_json": manifest(_recounted(made, place)),
    }


def _recounted(made: MadePack, place: int) -> Callable[[dict[str, Any]], None]:
    shown = json.loads(made.lines[place][1] or "")

    def change(value: dict[str, Any]) -> None:
        counts = value["counts"]
        counts["entry"] -= 1
        counts["superseded"] += 1
        counts["days"][shown["createdAt"][:10]] -= 1
        counts["unfinished"] -= shown["statusCode"] is None

    return change


@dataclass(frozen=True, kw_only=True)
class Tampering:
    """One way, and what must be said of it: `code` is among the findings, or why it is refused;
    `states` are those of signature, integrity and completeness by their first letters."""

    name: str
    pack: Callable[[], bytes]
    code: str
    states: str
    key: Signer | None = SIGNER
    checkpoint: Callable[[], str] | None = None

    def __str__(self) -> str:
        return self.name


def _kept(hashes: Any, minutes: int = 0, **others: Any) -> Callable[[], str]:
    at = moment(0) or GOOD.asked.made_at
    return lambda: checkpoint_of(
        hashes,
        signed_at=GOOD.asked.made_at + timedelta(minutes=minutes) if minutes else at,
        **others,
    )


def _later_start() -> bytes:
    place = 5
    start = GOOD.proven.start + place
    size = len(GOOD.hashes)
    proof = range_proof(start, size, size, subtrees(GOOD.hashes))
    as_json = {
        "start": start,
        "stop": size,
        "size": size,
        "left": [held.hex() for held in proof.left],
        "right": [],
    }
    dropped = entries_until(GOOD, place)
    return insider(
        GOOD.file,
        proof_json=json.dumps(as_json).encode(),
        leaves_jsonl=lines(lambda items: items.__delitem__(slice(0, place))),
        entries_jsonl=lines(lambda items: items.__delitem__(slice(0, dropped))),
        manifest_json=manifest(set_to("run", "start", value=start)),
    )


def _cut() -> bytes:
    return GOOD.file[: len(GOOD.file) // 2]


def _flipped() -> bytes:
    damaged = bytearray(GOOD.file)
    damaged[200] ^= 1
    return bytes(damaged)


def _with_anchor() -> bytes:
    return insider(GOOD.file, **{"anchors/folder.txt": b"kept"})


def _half_a_word(data: bytes) -> bytes:
    return data.replace(b'"who"', b'"whp"', 1)


def _put_in(items: list[bytes]) -> None:
    value = json.loads(items[LEFT_OUT])
    items[LEFT_OUT] = json.dumps({**value, "kind": "entry"}).encode() + b"\n"


def _closed(items: list[bytes]) -> None:
    item = GOOD.lines[LEFT_OUT][0]
    line = {"kind": "closed", "hash": item.hash.hex(), "created_at": "0"}
    items[LEFT_OUT] = json.dumps(line).encode() + b"\n"


def _forged_root() -> bytes:
    return outsider(GOOD.file, checkpoint_txt=checkpoint(STRANGER, root=bytes(32)))


def gapped(number: int) -> bytes:
    """So many leaves whose entries' numbers lie far apart, and the last one twice."""
    shown = json.loads(contents(WHOLE.file)["leaves.jsonl"].split(b"\n")[0])
    closed = {"commitment": "0" * 64}
    items = []
    for place in range(number):
        plain = list(shown["plain"])
        plain[1:3] = str(place + 1), str(100_000 * min(place + 1, number - 1))
        items.append({"kind": "left_out", "plain": plain, "who": closed, "said": closed})
    written = b"".join(json.dumps(item).encode() + b"\n" for item in items)
    return insider(WHOLE.file, leaves_jsonl=written)


def with_condition(condition: Any) -> Change:
    return manifest(set_to("query", "condition", value=condition))


def _tangled() -> bytes:
    """A pattern that a regular expression takes years to try on an id."""
    place = place_of(WHOLE, "entry")
    change = leaf(place, lambda value: value["plain"].__setitem__(3, "a" * 5_000))
    condition = {"field": "id", "like": [0, *("a", 0) * 30, "b"]}
    return insider(WHOLE.file, leaves_jsonl=change, manifest_json=with_condition(condition))


WAY = Tampering
IN_MANIFEST = "manifest_json"

OUTSIDERS = (
    WAY(
        name="a word of an entry",
        pack=lambda: outsider(GOOD.file, entries_jsonl=lambda d: d.replace(b'"192.', b'"193.', 1)),
        code="integrity.entry",
        states="ffu",
    ),
    WAY(
        name="a byte of a leaf",
        pack=lambda: outsider(GOOD.file, leaves_jsonl=lambda d: d.replace(b'"id-', b'"ie-', 1)),
        code="integrity.root",
        states="ffu",
    ),
    WAY(name="a byte of the ZIP", pack=_flipped, code="pack.damaged", states="refused"),
    WAY(name="a cut file", pack=_cut, code="pack.zip", states="refused"),
    WAY(name="no ZIP", pack=lambda: b"PK but no pack", code="pack.zip", states="refused"),
    WAY(
        name="all of it signed by another key",
        pack=lambda: insider(
            GOOD.file,
            signer=STRANGER,
            checkpoint_txt=checkpoint(STRANGER, origin=_strange_origin()),
        ),
        code="signature.key",
        states="fhh",
    ),
    WAY(
        name="the manifest, without a signature",
        pack=lambda: outsider(
            GOOD.file, manifest_json=manifest(set_to("made_by", value="somebody else"))
        ),
        code="signature.manifest",
        states="fhh",
    ),
    WAY(
        name="no signature",
        pack=lambda: outsider(GOOD.file, manifest_sig=None),
        code="pack.missing",
        states="refused",
    ),
    WAY(
        name="the signature of another pack",
        pack=lambda: outsider(GOOD.file, manifest_sig=contents(WHOLE.file)["manifest.sig"]),
        code="signature.manifest",
        states="fhh",
    ),
    WAY(
        name="a changed signature",
        pack=lambda: outsider(
            GOOD.file, manifest_sig=lambda d: d.replace(b"sandtrail pack 1", b"sandtrail pack 2")
        ),
        code="signature.forged",
        states="fhh",
    ),
    WAY(
        name="a signature that is none",
        pack=lambda: outsider(GOOD.file, manifest_sig=b"signed, me\n"),
        code="signature.forged",
        states="fhh",
    ),
    WAY(
        name="another readme",
        pack=lambda: outsider(GOOD.file, README_txt=b"All is well.\n"),
        code="signature.file",
        states="fhh",
    ),
    WAY(
        name="a file more",
        pack=lambda: zipped(contents(GOOD.file), ("anchors/more.txt", b"more")),
        code="signature.stranger",
        states="fhh",
    ),
    WAY(
        name="a file less",
        pack=lambda: outsider(_with_anchor(), anchors_folder_txt=None),
        code="signature.missing",
        states="fhh",
    ),
    WAY(
        name="a name twice",
        pack=lambda: zipped(contents(GOOD.file), ("README.txt", b"another")),
        code="pack.twice",
        states="refused",
    ),
    WAY(
        name="a file that is no part of a pack",
        pack=lambda: zipped(contents(GOOD.file), ("../evil.sh", b"rm")),
        code="pack.stranger",
        states="refused",
    ),
    WAY(
        name="a bomb",
        pack=lambda: outsider(GOOD.file, leaves_jsonl=bytes(30_000_000)),
        code="pack.bomb",
        states="refused",
    ),
    WAY(
        name="a huge manifest",
        pack=lambda: outsider(GOOD.file, manifest_json=b" " * 2_000_001),
        code="pack.large",
        states="refused",
    ),
    WAY(
        name="a manifest that says a thing twice",
        pack=lambda: outsider(
            GOOD.file, manifest_json=lambda d: d.replace(b"{", b'{"version": 1,', 1)
        ),
        code="pack.manifest",
        states="refused",
    ),
    WAY(
        name="a manifest too deep to read",
        pack=lambda: outsider(
            GOOD.file,
            manifest_json=manifest(lambda v: v.update(deep=json.loads("[" * 300 + "]" * 300))),
        ),
        code="pack.manifest",
        states="refused",
    ),
    WAY(
        name="a version to come",
        pack=lambda: insider(GOOD.file, manifest_json=manifest(set_to("version", value=2))),
        code="pack.manifest",
        states="refused",
    ),
    WAY(
        name="a forged root",
        pack=_forged_root,
        code="integrity.checkpoint",
        states="ffu",
    ),
    WAY(
        name="no checkpoint in it",
        pack=lambda: outsider(GOOD.file, checkpoint_txt=b"none\n"),
        code="integrity.checkpoint_unreadable",
        states="ffu",
    ),
)


def _strange_origin() -> str:
    found = parse_checkpoint(parse_note(GOOD.proven.checkpoint).text).origin
    return found.replace(SIGNER.name, STRANGER.name)


INSIDERS = (
    WAY(
        name="numbers that lie far apart, and one twice",
        pack=lambda: gapped(50),
        code="counts.twice",
        states="hff",
    ),
    WAY(name="a pattern that takes years", pack=_tangled, code="filter.put_in", states="hfu"),
    WAY(
        name="hashes that are no list",
        pack=lambda: insider(WHOLE.file, proof_json=manifest(set_to("left", value={}))),
        code="integrity.proof_unreadable",
        states="hfu",
    ),
    WAY(
        name="an entry that says another thing than its leaf",
        pack=lambda: insider(GOOD.file, entries_jsonl=lambda d: d.replace(b'"192.', b'"193.', 1)),
        code="integrity.entry",
        states="hfu",
    ),
    WAY(
        name="an entry and its leaf",
        pack=lambda: insider(
            GOOD.file,
            entries_jsonl=lambda d: d.replace(b'"192.', b'"193.', 1),
            leaves_jsonl=lambda d: d.replace(b'"192.', b'"193.', 1),
        ),
        code="integrity.root",
        states="hfu",
    ),
    WAY(
        name="a number of the metadata, spelled otherwise",
        pack=lambda: insider(
            WHOLE.file, entries_jsonl=lambda d: d.replace(b'"n":1e2', b'"n":100', 1)
        ),
        code="integrity.entry",
        states="hfu",
    ),
    WAY(
        name="the first entry is gone",
        pack=lambda: insider(WHOLE.file, **without_entry(place_of(WHOLE, "entry"))),
        code="completeness.length",
        states="hff",
    ),
    WAY(
        name="an entry in the middle is gone",
        pack=lambda: insider(WHOLE.file, **without_entry(place_of(WHOLE, "entry", 9))),
        code="completeness.length",
        states="hff",
    ),
    WAY(
        name="the last entry is gone",
        pack=lambda: insider(WHOLE.file, **without_entry(len(WHOLE.lines) - 1)),
        code="completeness.length",
        states="hff",
    ),
    WAY(
        name="two leaves are swapped",
        pack=lambda: insider(GOOD.file, leaves_jsonl=lines(swapped)),
        code="integrity.root",
        states="hff",
    ),
    WAY(
        name="a leaf is there twice",
        pack=lambda: insider(
            GOOD.file, leaves_jsonl=lines(lambda i: i.insert(LEFT_OUT, i[LEFT_OUT]))
        ),
        code="counts.twice",
        states="hff",
    ),
    WAY(
        name="another actor",
        pack=lambda: insider(
            GOOD.file,
            leaves_jsonl=leaf(ENTRY, lambda v: v["who"]["values"].__setitem__(0, "somebody else")),
        ),
        code="integrity.root",
        states="hfu",
    ),
    WAY(
        name="another salt",
        pack=lambda: insider(
            GOOD.file, leaves_jsonl=leaf(ENTRY, set_to("who", "salt", value="0" * 64))
        ),
        code="integrity.root",
        states="hfu",
    ),
    WAY(
        name="another commitment",
        pack=lambda: insider(
            GOOD.file, leaves_jsonl=leaf(LEFT_OUT, set_to("said", "commitment", value="0" * 64))
        ),
        code="integrity.root",
        states="hfu",
    ),
    WAY(
        name="a leaf that is no JSON",
        pack=lambda: insider(GOOD.file, leaves_jsonl=lines(lambda i: i.__setitem__(3, b"{\n"))),
        code="integrity.leaf_unreadable",
        states="hfu",
    ),
    WAY(
        name="half of a character",
        pack=lambda: insider(
            GOOD.file, leaves_jsonl=lambda d: d.replace(b'"id-', b'"\\ud83did-', 1)
        ),
        code="integrity.leaf_unreadable",
        states="hfu",
    ),
    WAY(
        name="half of a character in the manifest",
        pack=lambda: insider(
            GOOD.file, manifest_json=manifest(set_to("organization", value="\ud83d"))
        ),
        code="pack.manifest",
        states="refused",
    ),
    WAY(
        name="a leaf with another member",
        pack=lambda: insider(GOOD.file, leaves_jsonl=_half_a_word),
        code="integrity.leaf_unreadable",
        states="hfu",
    ),
    WAY(
        name="an entry more",
        pack=lambda: insider(GOOD.file, entries_jsonl=lines(lambda i: i.append(i[-1]))),
        code="integrity.entry_extra",
        states="hfu",
    ),
    WAY(
        name="an entry less",
        pack=lambda: insider(GOOD.file, entries_jsonl=lines(lambda i: i.pop())),
        code="integrity.entry_missing",
        states="hfu",
    ),
    WAY(
        name="an entry that is none",
        pack=lambda: insider(GOOD.file, entries_jsonl=lines(lambda i: i.__setitem__(0, b"[]\n"))),
        code="integrity.entry_unreadable",
        states="hfu",
    ),
    WAY(
        name="an entry left out",
        pack=lambda: insider(
            GOOD.file,
            leaves_jsonl=leaf(ENTRY, set_to("kind", value="left_out")),
            entries_jsonl=lines(lambda i: i.pop(ENTRY_LINE)),
        ),
        code="filter.left_out",
        states="hhh",
    ),
    WAY(
        name="an entry put in",
        pack=lambda: insider(GOOD.file, leaves_jsonl=lines(_put_in)),
        code="filter.put_in",
        states="hfu",
    ),
    WAY(
        name="a leaf closed without a reason",
        pack=lambda: insider(GOOD.file, leaves_jsonl=lines(_closed)),
        code="filter.closed",
        states="hhh",
    ),
    WAY(
        name="an entry hidden as superseded",
        pack=lambda: insider(WHOLE.file, **superseded(place_of(WHOLE, "entry", 5))),
        code="completeness.hidden",
        states="hhf",
    ),
    WAY(
        name="the newest entry hidden as superseded",
        pack=lambda: insider(WHOLE.file, **superseded(len(WHOLE.lines) - 1)),
        code="completeness.hidden",
        states="hhf",
    ),
    WAY(
        name="fewer entries in all than there are",
        pack=lambda: insider(
            WHOLE.file, manifest_json=manifest(set_to("head", "entries", value=lambda n: n - 1))
        ),
        code="completeness.entries",
        states="hhf",
    ),
    WAY(
        name="a narrower window",
        pack=lambda: insider(
            GOOD.file,
            manifest_json=manifest(
                lambda v: v["query"]["condition"]["all"][0].update(to=str(_middle()))
            ),
        ),
        code="filter.put_in",
        states="hhh",
    ),
    WAY(
        name="a wider window",
        pack=lambda: insider(
            GOOD.file,
            manifest_json=manifest(lambda v: v["query"]["condition"]["all"][0].pop("from")),
        ),
        code="filter.left_out",
        states="hhh",
    ),
    WAY(
        name="a window that begins before the run",
        pack=lambda: insider(
            GOOD.file,
            manifest_json=manifest(set_to("query", "since", value="2026-01-01T00:00:00Z")),
        ),
        code="completeness.start",
        states="hhf",
    ),
    WAY(
        name="another filter",
        pack=lambda: insider(
            GOOD.file,
            manifest_json=manifest(
                set_to("query", "condition", value={"field": "action", "in": ["create"]})
            ),
        ),
        code="filter.put_in",
        states="hhh",
    ),
    WAY(
        name="a filter that nobody can evaluate",
        pack=lambda: insider(
            GOOD.file,
            manifest_json=manifest(set_to("query", "condition", value={"run": "rm"})),
        ),
        code="pack.manifest",
        states="refused",
    ),
    WAY(
        name="another organization",
        pack=lambda: insider(
            GOOD.file, manifest_json=manifest(set_to("organization", value="another"))
        ),
        code="integrity.organization",
        states="hfu",
    ),
    WAY(
        name="a proof cut short",
        pack=lambda: insider(GOOD.file, proof_json=manifest(lambda v: v["left"].pop())),
        code="integrity.proof",
        states="hfu",
    ),
    WAY(
        name="a proof made longer",
        pack=lambda: insider(GOOD.file, proof_json=manifest(lambda v: v["right"].append("0" * 64))),
        code="integrity.proof",
        states="hfu",
    ),
    WAY(
        name="another hash in the proof",
        pack=lambda: insider(
            GOOD.file, proof_json=manifest(lambda v: v["left"].__setitem__(0, "0" * 64))
        ),
        code="integrity.root",
        states="hfu",
    ),
    WAY(
        name="a hash in capitals",
        pack=lambda: insider(
            GOOD.file, proof_json=manifest(lambda v: v["left"].append(v["left"].pop().upper()))
        ),
        code="integrity.proof_unreadable",
        states="hfu",
    ),
    WAY(
        name="a proof that is none",
        pack=lambda: insider(GOOD.file, proof_json=b"[]"),
        code="integrity.proof_unreadable",
        states="hfu",
    ),
    WAY(
        name="another count",
        pack=lambda: insider(
            GOOD.file, manifest_json=manifest(set_to("counts", "entry", value=lambda n: n + 1))
        ),
        code="counts.differ",
        states="hhh",
    ),
    WAY(
        name="another count of a day",
        pack=lambda: insider(
            GOOD.file, manifest_json=manifest(set_to("counts", "days", value={"2026-01-02": 9}))
        ),
        code="counts.days",
        states="hhh",
    ),
    WAY(
        name="the checkpoint of an older log",
        pack=lambda: insider(
            GOOD.file,
            checkpoint_txt=checkpoint_of(GOOD.hashes[:50], signed_at=GOOD.asked.made_at).encode(),
        ),
        code="completeness.head",
        states="hff",
    ),
    WAY(
        name="a run that begins too late",
        pack=_later_start,
        code="completeness.start",
        states="hhf",
    ),
    WAY(
        name="an antedated checkpoint",
        pack=lambda: insider(
            GOOD.file,
            checkpoint_txt=checkpoint(signed_at=GOOD.asked.made_at - timedelta(minutes=30)),
        ),
        code="time.received",
        states="hhh",
    ),
    WAY(
        name="a checkpoint without a time",
        pack=lambda: insider(GOOD.file, checkpoint_txt=checkpoint(signed_at=None)),
        code="time.unsigned",
        states="hhh",
    ),
    WAY(
        name="an antedated pack",
        pack=lambda: insider(
            GOOD.file, manifest_json=manifest(set_to("made_at", value="2025-12-31T00:00:00Z"))
        ),
        code="time.made",
        states="hhh",
    ),
    WAY(
        name="an older log put back",
        pack=lambda: GOOD.file,
        code="completeness.rolled_back",
        states="hhf",
        checkpoint=_kept([*GOOD.hashes, bytes(32)], minutes=-3),
    ),
    WAY(
        name="another past than the one that was kept",
        pack=lambda: GOOD.file,
        code="completeness.rewritten",
        states="hhf",
        checkpoint=_kept([*GOOD.hashes[:40], bytes(32)]),
    ),
    WAY(
        name="two logs of one length",
        pack=lambda: GOOD.file,
        code="completeness.rewritten",
        states="hhf",
        checkpoint=_kept([*GOOD.hashes[:-1], bytes(32)]),
    ),
    WAY(
        name="a kept checkpoint of another organization",
        pack=lambda: GOOD.file,
        code="completeness.given_origin",
        states="hhf",
        checkpoint=_kept(GOOD.hashes, organization_id="another"),
    ),
    WAY(
        name="a kept checkpoint by another key",
        pack=lambda: GOOD.file,
        code="completeness.given",
        states="hhf",
        checkpoint=_kept(GOOD.hashes, signer=STRANGER),
    ),
    WAY(
        name="a good pack and another key",
        pack=lambda: GOOD.file,
        code="signature.key",
        states="fhh",
        key=STRANGER,
    ),
)


def _middle() -> int:
    return int(GOOD.asked.condition["all"][0]["from"]) + 19 * MINUTE


TAMPERINGS = (*OUTSIDERS, *INSIDERS)
