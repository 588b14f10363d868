import pytest
from starlette.testclient import TestClient

from audit_core.web.routes.head import HEAD_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.pages.explore_page import entry
from tests.support.seeded import BETA, Seeded


def test_the_head_moves_with_the_own_organization_only(client: TestClient, seeded: Seeded) -> None:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in("auditor@example.org"))
    assert client.get(HEAD_PATH).json() == {"head": "0"}
    seeded.installation.log.append([entry(seeded, 1, organization_id=BETA)])
    assert client.get(HEAD_PATH).json() == {"head": "0"}
    seeded.installation.log.append([entry(seeded, 2)])
    answer = client.get(HEAD_PATH)
    assert answer.json() != {"head": "0"}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("email", "status"), [(None, 401), ("member@example.org", 403)])
def test_whoever_may_not_read_the_log_is_refused(
    client: TestClient, seeded: Seeded, email: str | None, status: int
) -> None:
    if email:
        client.cookies.set(SESSION_COOKIE, seeded.sign_in(email))
    assert client.get(HEAD_PATH).status_code == status
