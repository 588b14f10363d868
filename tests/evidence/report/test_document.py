"""A report: what stands in it, that nothing of the log acts in it, and its fingerprint."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit_core.domain.access import Permission, Role, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.evidence.report.content import (
    MAX_LISTED,
    Origin,
    Report,
    ReportReader,
    open_access,
)
from audit_core.evidence.report.document import render
from audit_core.evidence.report.frame import Document
from audit_core.explore.presentation.metrics import metrics_of
from audit_core.explore.reader import Reader
from audit_core.identity.accounts import set_membership
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from tests.browser.prepared import HOSTILE
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded

_ELEMENTS = """
    html head meta title style body main header section footer h1 h2 h3 p dl dt dd div span ul li
    svg rect table thead tbody tr th td code strong
"""
_ATTRIBUTES = """
    lang charset http-equiv content name class role aria-label aria-hidden viewbox title colspan
    preserveaspectratio x y width height fill
"""
PLAIN_ELEMENTS = frozenset(_ELEMENTS.split())
SAFE_ATTRIBUTES = frozenset(_ATTRIBUTES.split())
TURNED = "\u202egnp.exe\u2066"
MAX_BYTES = 1_000_000


class Read(HTMLParser):
    """What a browser would make of the file."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.comments = 0
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1


def hostile(number: int, text: str, seeded: Seeded, **fields: object) -> AuditEntry:
    texts = {
        name: text
        for name in ("actor_id", "actor_email", "action", "target_type", "target_id", "source")
    }
    values = {
        **texts,
        "status_code": 500,
        "error_message": text,
        "metadata": None,
        "created_at": seeded.clock() - timedelta(minutes=number),
    }
    return made(number, **{**values, **fields})


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


def report_of(
    seeded: Seeded, entry_filter: EntryFilter | None = None, organization: str = "Alpha Works"
) -> Report:
    entry_filter, now = entry_filter or EntryFilter(), seeded.clock()
    query = Query(entry_filter, Scope(organization_id=ALPHA), entry_filter.window.time_range(now))
    with seeded.installation.state.read() as connection:
        access = open_access(connection, ALPHA, now)
    origin = Origin(organization=organization, made_by="a@b", made_at=now, version="1")
    return ReportReader(Reader(seeded.installation.log)).report(query, now, origin, access)


def test_nothing_of_the_log_acts_in_it_and_all_of_it_can_be_read(seeded: Seeded) -> None:
    texts = [*HOSTILE, '"><svg onload=alert(1)>', "</main>\n<main>\n", TURNED, "{{ 7 * 7 }}"]
    seeded.installation.log.append(
        [
            *(hostile(number, text, seeded) for number, text in enumerate(texts)),
            *(
                hostile(
                    50 + number,
                    text,
                    seeded,
                    action="update_access",
                    metadata='{"body":{"role":"<script>x</script>","token":"s3cret-value"}}',
                )
                for number, text in enumerate(texts)
            ),
        ]
    )
    document = render(
        report_of(seeded, EntryFilter(text="</style><script>"), organization="<b>Alpha</b>")
    )
    assert "</style><script>" in Read(document.content).text
    document = render(report_of(seeded, organization="<b>Alpha</b>"))
    read = Read(document.content)
    assert read.elements <= PLAIN_ELEMENTS
    assert read.attributes <= SAFE_ATTRIBUTES
    assert read.comments == 0
    for text in HOSTILE:
        assert text in read.text
    assert "<b>Alpha</b>: audit log report" in read.text
    assert "{{ 7 * 7 }}" in read.text
    assert "\\u202egnp.exe\\u2066" in read.text
    assert "s3cret-value" not in read.text
    assert '"role":"<script>x</script>"' in read.text
    policy = re.search(rb'Content-Security-Policy" content="([^"]*)"', document.content)
    assert policy is not None
    assert policy[1].startswith(b"default-src 'none'; style-src 'sha256-")
    assert b"unsafe" not in policy[1]


def test_it_says_what_overview_says_and_who_has_access(seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.EXPORT: seeded.clock() + timedelta(days=3)},
        )
    now = seeded.clock()
    common = {"action": "start", "target_type": "sandbox", "metadata": None}
    seeded.installation.log.append(
        [
            made(1, created_at=now, status_code=200, **common),
            made(2, created_at=now, status_code=503, error_message="No runners", **common),
            made(3, created_at=now, organization_id=BETA, action="not-ours"),
        ]
    )
    report = report_of(seeded)
    text = Read(render(report).content).text
    for metric in metrics_of(report.summary, report.before):
        assert f"{metric.label}{metric.value or '–'}" in text
    assert "1 of 2 entries were answered with 4xx or 5xx" in text
    assert "No runners" in text
    assert "export:audit_logs until 2026-05-07 09:00" in text
    assert "not-ours" not in text
    assert "last 7 days (UTC)" in text
    assert "Left out" in Read(render(replace(report, access=None)).content).text


def test_the_fingerprint_is_computed_by_what_everybody_has(seeded: Seeded, tmp_path: Path) -> None:
    seeded.installation.log.append([hostile(1, "</main>\n</main>", seeded)])
    document = render(report_of(seeded))
    file = tmp_path / "report.html"

    def computed() -> str:
        # As the report itself says it.
        command = r"sed -n '/^<main>$/,/^<\/main>$/p' report.html | sha256sum"
        found = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return found.stdout.split()[0]

    file.write_bytes(document.content)
    assert r"sed -n '/^<main>$/,/^<\/main>$/p' FILE | sha256sum" in Read(document.content).text
    assert computed() == document.fingerprint
    assert document.fingerprint in document.content.decode()
    file.write_bytes(document.content.replace(b"Entries", b"Entrles", 1))
    assert computed() != document.fingerprint


def test_the_same_content_has_the_same_fingerprint(seeded: Seeded) -> None:
    def again() -> Document:
        return render(report_of(seeded))

    assert again() == again()


def test_its_size_is_bounded_and_what_is_left_out_is_said(seeded: Seeded) -> None:
    long = {"error_message": "é<" * 5_000, "metadata": f'{{"x":"{"&" * 5_000}"}}'}
    seeded.installation.log.append(
        [
            hostile(
                number,
                f"{number}{'<&' * 200}",
                seeded,
                created_at=seeded.clock() - timedelta(seconds=number),
                action="update_access",
                **long,
            )
            for number in range(MAX_LISTED + 5)
        ]
    )
    document = render(report_of(seeded))
    text = Read(document.content).text
    assert text.count(f"The newest {MAX_LISTED} of {MAX_LISTED + 5}") == 2
    assert len(document.content) < MAX_BYTES


def test_without_entries_it_says_so(seeded: Seeded) -> None:
    text = Read(render(report_of(seeded)).content).text
    assert "No entries match." in text
    assert "0 of 0 entries" in text
