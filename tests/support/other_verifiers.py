"""Verifiers of packs that share no code with ours, and what ours says in their form."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit_core.evidence.pack.verdicts import PackError
from audit_core.evidence.pack.verifier import verify
from audit_core.evidence.pack.verifier_page import FOLDER
from audit_core.integrity.signed_note import parse_key

ROOT = Path(__file__).parents[2]
NODE_REQUIRED = "SANDTRAIL_REQUIRE_TYPESCRIPT"
"""Where it is set, Node has to be there."""

GO_REQUIRED = "SANDTRAIL_REQUIRE_GO"
"""Where it is set, Go has to be there, with Debian's libraries."""
GO_PATH = Path("/usr/share/gocode")
GO_LIBRARIES = GO_PATH / "src" / "golang.org" / "x" / "mod" / "sumdb"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A pack, and what the reader got otherwise."""

    pack: bytes
    key: str | None = None
    checkpoint: str | None = None


def by_ours(question: Question) -> dict[str, Any]:
    key = None if question.key is None else parse_key(question.key)
    try:
        report = verify(io.BytesIO(question.pack), key=key, checkpoint=question.checkpoint)
    except PackError as error:
        return {"refused": {"code": error.code}}
    return report.as_json()


def by_javascript(questions: Sequence[Question], folder: Path) -> list[dict[str, Any]]:
    """What the script of the HTML page finds, by Node."""
    if shutil.which("node") is None:
        if os.environ.get(NODE_REQUIRED):
            pytest.fail("node is required here")
        pytest.skip("node is not installed")
    script = ROOT / "tests" / "evidence" / "pack" / "verify.cjs"
    return _asked(["node", str(script), str(FOLDER)], questions, folder)


def by_go(questions: Sequence[Question], folder: Path) -> list[dict[str, Any]]:
    """What Go's own libraries find of signature, integrity and completeness."""
    if shutil.which("go") is None or not GO_LIBRARIES.is_dir():
        if os.environ.get(GO_REQUIRED):
            pytest.fail("go with golang.org/x/mod is required here")
        pytest.skip("golang-go or golang-golang-x-mod-dev is not installed")
    program = folder / "verify"
    source = ROOT / "tests" / "evidence" / "pack" / "golang" / "main.go"
    environment = {
        "PATH": os.environ["PATH"],
        "GO111MODULE": "off",
        "GOPATH": str(GO_PATH),
        "GOCACHE": str(folder / "cache"),
    }
    built = subprocess.run(
        ["go", "build", "-o", str(program), str(source)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return _asked([str(program)], questions, folder)


def _asked(
    command: Sequence[str], questions: Sequence[Question], folder: Path
) -> list[dict[str, Any]]:
    lines = []
    for number, question in enumerate(questions):
        path = folder / f"{number}.zip"
        path.write_bytes(question.pack)
        asked = {"pack": str(path), "key": question.key, "checkpoint": question.checkpoint}
        lines.append(json.dumps(asked))
    done = subprocess.run(
        command, input="\n".join(lines), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def states(found: dict[str, Any], parts: Sequence[str]) -> Any:
    """The states of some parts, or that the pack was refused."""
    if "refused" in found:
        return "refused"
    return {part: found["verdicts"][part]["state"] for part in parts}


def codes(found: dict[str, Any]) -> Any:
    """Everything that was found, by name."""
    if "refused" in found:
        return found["refused"]["code"]
    return sorted(
        {item["code"] for verdict in found["verdicts"].values() for item in verdict["findings"]}
    )
