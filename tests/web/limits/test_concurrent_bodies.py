from contextlib import ExitStack

import pytest

from audit_core.domain.errors import BusyError
from audit_core.identity.token_verbs import WRITE
from audit_core.web.errors import ErrorCode
from audit_core.web.limits import concurrent_bodies
from audit_core.web.limits.concurrent_bodies import PER_TOKEN, TOTAL, Bodies
from tests.support.error_shape import code_of
from tests.support.seeded import ALPHA, Seeded
from tests.web.conftest import TestClient


def test_a_token_has_so_many_requests_under_way_and_takes_nothing_from_others() -> None:
    bodies = Bodies()
    with ExitStack() as stack:
        for _ in range(PER_TOKEN):
            stack.enter_context(bodies.one("a"))
        with pytest.raises(BusyError) as refused, bodies.one("a"):
            pass
        assert refused.value.own
        with bodies.one("b"):
            pass
    with bodies.one("a"):
        pass


def test_all_together_have_a_bound_that_is_nobodys_fault() -> None:
    bodies = Bodies()
    with ExitStack() as stack:
        for number in range(TOTAL):
            stack.enter_context(bodies.one(f"token {number}"))
        with pytest.raises(BusyError) as refused, bodies.one("another"):
            pass
        assert not refused.value.own
    with bodies.one("another"):
        pass


@pytest.mark.parametrize(
    ("name", "code"),
    [("PER_TOKEN", ErrorCode.TOO_MANY_REQUESTS), ("TOTAL", ErrorCode.BUSY)],
)
def test_one_too_many_is_told_when_to_come_again_and_stores_nothing(
    client: TestClient, seeded: Seeded, monkeypatch: pytest.MonkeyPatch, name: str, code: ErrorCode
) -> None:
    monkeypatch.setattr(concurrent_bodies, name, 0)
    headers = {"authorization": f"Bearer {seeded.token(ALPHA, WRITE.name)}"}
    answer = client.post("/api/v1/entries", content=b"{}", headers=headers)
    assert code_of(answer) is code
    assert answer.headers["retry-after"] == "2"
    assert seeded.installation.log.head(None) == 0
    logs = client.post(
        "/api/otlp/v1/logs",
        content=b"{}",
        headers={**headers, "content-type": "application/json"},
    )
    assert (logs.status_code, logs.headers["retry-after"]) == (answer.status_code, "2")
