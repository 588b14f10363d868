"""Packs of a real log: they hold, also while entries are finished, and say what they cannot."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry, Category, Outcome
from audit_core.evidence.download import FileLimit, Progress
from audit_core.evidence.pack.leaf_proof import verify_proof
from audit_core.evidence.pack.making.from_log import make_pack
from audit_core.evidence.pack.making.leaf_proof import prove_leaf
from audit_core.evidence.pack.making.left_out import left_out
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.evidence.pack.verdicts import PackError, Part, State
from audit_core.evidence.pack.verifier import verify
from audit_core.explore.reader import Reader
from audit_core.installation.opened import Installation
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from tests.evidence.nasty_entries import FORMULAS, NASTY, NOON, made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded

SECRET = "ghp_" + "a1B2c3D4e5" * 4
HELD = f'{{ "n": 1e2, "kind": "kept", "body": {{"token": "{SECRET}"}} }}'


def log_of_alpha() -> list[AuditEntry]:
    nasty = [replace(item, organization_id=ALPHA) for item in NASTY]
    texts = [
        made(100 + number, error_message=text, target_id=text, status_code=500)
        for number, text in enumerate(FORMULAS)
    ]
    mixed = [
        made(
            200 + number,
            action=("start", "create", "toolbox_exec", "login", "unheard_of")[number % 5],
            target_type=("sandbox", "api_key", None)[number % 3],
            status_code=(200, 404, 500, None, 0)[number % 5],
            source=("cli", None)[number % 2],
            actor_id=f"user-{number % 4}",
            metadata=None if number % 7 else HELD,
        )
        for number in range(60)
    ]
    return [*nasty, *texts, *mixed]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    opened = open_seeded(tmp_path_factory.mktemp("house"))
    log = log_of_alpha()
    for start in range(0, len(log), 20):
        opened.clock.now = NOON + timedelta(minutes=5 + start)
        others = [made(start, organization_id=BETA)]
        opened.installation.log.append([*log[start : start + 20], *others])
    yield opened
    opened.installation.close()


def query(secrets: bool = False, **asked: object) -> Query:
    scope = Scope(organization_id=ALPHA, secrets=secrets)
    window = asked.pop("window", Window(preset=None))
    entry_filter = EntryFilter(window=window, **asked)  # type: ignore[arg-type]
    return Query(entry_filter, scope, entry_filter.window.time_range(NOON + timedelta(days=1)))


def made_of(installation: Installation, asked: Query) -> bytes:
    pieces = make_pack(
        installation.log, installation.trees, asked, clock=installation.clock, made_by="a test"
    )
    return b"".join(pieces)


def entries_of(pack: bytes) -> list[dict[str, object]]:
    with ZipFile(io.BytesIO(pack)) as archive:
        return [
            json.loads(line) for line in archive.read("entries.jsonl").decode().split("\n")[:-1]
        ]


PLAIN = [
    {},
    {"outcomes": (Outcome.CLIENT_ERROR, Outcome.IN_FLIGHT)},
    {"categories": (Category.ACCESS, Category.OTHER)},
    {"categories": (Category.TOOLBOX, Category.MEMBERS, Category.LIFECYCLE)},
    {"sources": ("-", "a,b"), "status_codes": (0, 500)},
    {"query": "target:box-2?? -action:start status:>=400"},
    {"window": Window(preset=None, since=NOON + timedelta(seconds=210))},
]


@pytest.mark.parametrize("asked", PLAIN, ids=range(len(PLAIN)))
def test_what_a_filter_of_plain_fields_finds_is_proven(
    seeded: Seeded, asked: dict[str, object]
) -> None:
    installation = seeded.installation
    pack = made_of(installation, query(**asked))
    held = entries_of(pack)
    with ZipFile(io.BytesIO(pack)) as archive:
        leaves = archive.read("leaves.jsonl").count(b"\n")
    assert left_out(installation.log, query(**asked), len(held)) == leaves - len(held)
    report = verify(io.BytesIO(pack), key=installation.trees.sealing.signer.key)
    assert {part: report[part].state for part in Part} == dict.fromkeys(Part, State.HOLDS)
    tables = Reader(installation.log).export(query(**asked))
    found = [str(name) for table in tables for name in table.column("id").to_pylist()]
    assert sorted(found) == sorted(str(item["id"]) for item in entries_of(pack))


def test_a_text_is_searched_by_the_log_and_secrets_stay_closed(seeded: Seeded) -> None:
    installation = seeded.installation
    pack = made_of(installation, query(query="metadata.kind:kept"))
    report = verify(io.BytesIO(pack))
    assert report[Part.FILTER].state is State.PARTLY
    assert not report.fails
    assert SECRET.encode() not in pack
    with ZipFile(io.BytesIO(pack)) as archive:
        for name in archive.namelist():
            assert SECRET.encode() not in archive.read(name)
        counts = json.loads(archive.read("manifest.json"))["counts"]
    assert counts["entry"] == counts["redacted"] == 9
    revealed = made_of(installation, query(secrets=True, query="metadata.kind:kept"))
    assert SECRET in json.dumps(entries_of(revealed))
    assert not verify(io.BytesIO(revealed)).fails


def test_what_is_finished_meanwhile_is_in_it_as_it_was(tmp_path: Path) -> None:
    seeded = open_seeded(tmp_path)
    seeded.clock.now = NOON + timedelta(hours=1)
    installation = seeded.installation
    flying = [made(number, status_code=None) for number in range(5)]
    installation.log.append([*flying, *(made(number) for number in range(5, 10))])
    installation.log.append([replace(flying[1], status_code=201)])
    pieces = make_pack(
        installation.log, installation.trees, query(), clock=seeded.clock, made_by=None
    )
    installation.log.append([replace(item, status_code=200) for item in flying[2:]])
    seeded.clock.pass_by(seconds=1)
    installation.trees.sealed_now(ALPHA)
    pack = b"".join(pieces)
    report = verify(io.BytesIO(pack))
    assert not report.fails
    assert report[Part.FILTER].state is State.HOLDS
    found = {item["id"]: item["statusCode"] for item in entries_of(pack)}
    assert len(found) == 10
    assert found["entry-000001"] == 201
    assert found["entry-000003"] is None
    again = made_of(installation, query())
    assert not verify(io.BytesIO(again), checkpoint=_checkpoint(pack)).fails
    installation.close()


def _checkpoint(pack: bytes) -> str:
    with ZipFile(io.BytesIO(pack)) as archive:
        return archive.read("checkpoint.txt").decode()


def test_no_pack_is_made_of_what_cannot_be_proven(seeded: Seeded) -> None:
    installation = seeded.installation
    for scope in (
        Scope.everything(),
        Scope(organization_id=ALPHA, actor_id="user-1"),
        Scope(organization_id="org-empty"),
    ):
        with pytest.raises(PackProblem):
            made_of(installation, replace(query(), scope=scope))


def test_a_single_entry_is_proven_by_itself(seeded: Seeded) -> None:
    installation = seeded.installation
    trees, scope = installation.trees, Scope(organization_id=ALPHA)
    key = trees.sealing.signer.key
    for index in (0, 28, len(log_of_alpha()) - 1):
        text = prove_leaf(trees, scope, index)
        report = verify_proof(text.encode(), key=key)
        assert [report[part].state for part in (Part.SIGNATURE, Part.INTEGRITY)] == ["holds"] * 2
        assert SECRET not in text
    for changed, part, code in (
        (text.replace('"leaf": ', '"leaf": 1'), Part.INTEGRITY, "integrity.proof"),
        (text.replace("org-alpha", "org-alphb", 1), Part.INTEGRITY, "integrity.root"),
        (text.replace("time 2026", "time 2027"), Part.SIGNATURE, "signature.forged"),
    ):
        assert changed != text
        assert verify_proof(changed.encode())[part].findings[0].code == code
    with pytest.raises(PackError):
        verify_proof(text.replace('"path"', '"poth"').encode())
    with pytest.raises(PackProblem):
        prove_leaf(trees, scope, 10_000)


def test_it_is_an_export_like_any_other(seeded: Seeded) -> None:
    installation = seeded.installation
    progress = Progress()
    pack = b"".join(installation.packs.stream(query(), progress=progress, made_by="ann"))
    assert progress.entries == len(entries_of(pack)) == len(log_of_alpha())
    assert progress.size == len(pack)
    with pytest.raises(PackProblem):
        list(
            installation.packs.stream(
                query(), progress=Progress(), made_by=None, limit=FileLimit(entries=10)
            )
        )
