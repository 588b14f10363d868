"""VOLUME by HTTP: an organization gets the same bytes whether others write or not."""

from __future__ import annotations

from pathlib import Path

from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.routes.head import HEAD_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.support.seeded import ALPHA, BETA, open_seeded
from tests.web.conftest import make_client
from tests.web.routes.test_entries import INGEST, PATH, entry, lines


def answers(folder: Path, *, others: int) -> list[bytes]:
    """What Alpha is answered to its own requests, while Beta posts `others` entries between any
    two of them."""
    seeded = open_seeded(folder)
    client = make_client(seeded.installation)
    given: list[bytes] = []
    tokens = {name: seeded.token(name, INGEST) for name in (ALPHA, BETA)}
    cookie = {"cookie": f"{SESSION_COOKIE}={seeded.sign_in('admin@example.org')}"}
    try:
        for number in range(6):
            for organization, count in ((BETA, others), (ALPHA, 3)):
                if not count:
                    continue
                first = 2 * number
                answer = client.post(
                    PATH,
                    content=lines(
                        *(
                            entry(item, organization, None if item == first + 2 else 200)
                            for item in range(first, first + count)
                        )
                    ),
                    headers={"authorization": f"Bearer {tokens[organization]}"},
                )
                assert answer.status_code == 200, answer.text
                if organization == ALPHA:
                    given.append(answer.content)
            exports = (f"{EXPORT_PATH}?window=all&format={form}" for form in ("jsonl", "csv"))
            for path in (HEAD_PATH, *exports):
                answer = client.get(path, headers=cookie)
                assert answer.status_code == 200, answer.text
                given.append(answer.content)
    finally:
        seeded.installation.close()
    return given


def test_no_answer_to_an_organization_depends_on_how_much_others_write(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("alone", "among")]
    for folder in folders:
        folder.mkdir()
    alone, among = (
        answers(folder, others=others) for folder, others in zip(folders, (0, 17), strict=True)
    )
    assert alone == among
    assert len(set(alone)) > 6
