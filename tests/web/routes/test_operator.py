"""What the operator's routes answer, and to whom."""

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.log.schema import from_arrow
from audit_core.transfer.transfer import digest_of
from audit_core.web.addresses import DIGEST_PATH, ROWS_PATH
from audit_core.web.security.operator_proof import VALID_FOR, proof, proves
from tests.support.seeded import ALPHA
from tests.support.strategies import NOW, sample_entries

KEY, OTHER = b"k" * 32, b"o" * 32


@given(st.integers(-300, 300), st.sampled_from((KEY, OTHER)))
def test_a_proof_holds_for_its_key_and_a_short_time(seconds, key):
    later = NOW + timedelta(seconds=seconds)
    valid = key == KEY and abs(seconds) <= VALID_FOR.total_seconds()
    assert proves(proof(key, NOW), KEY, later) == valid


@given(st.text() | st.none())
def test_no_other_text_is_a_proof(text):
    assert not proves(text, KEY, NOW)


def asked(client, seeded, path, key=None, **params):
    token = proof(key or seeded.installation.key, seeded.clock())
    return client.get(path, params=params, headers={"Authorization": f"Bearer {token}"})


def test_the_digest_is_that_of_the_log(client, seeded):
    seeded.installation.log.append(sample_entries(200))
    days = asked(client, seeded, DIGEST_PATH).json()["days"]
    expected = digest_of(seeded.installation.log, Scope.everything())
    assert {(organization, day): rest for organization, day, *rest in days} == {
        day: [each.count, each.first, each.second] for day, each in expected.items()
    }
    (event,) = seeded.events("log.transferred")
    assert event.detail == {"entries": 200}


def test_the_rows_of_a_day_come_whole(client, seeded):
    entries = sample_entries(300)
    seeded.installation.log.append(entries)
    found = []
    for organization, day in digest_of(seeded.installation.log, Scope.everything()):
        answer = asked(client, seeded, ROWS_PATH, organization=organization, first=day, last=day)
        with pa.ipc.open_stream(answer.content) as stream:
            found += from_arrow(stream.read_all())
    assert sorted(found, key=lambda item: item.id) == sorted(entries, key=lambda item: item.id)


@pytest.mark.parametrize("path", [DIGEST_PATH, ROWS_PATH])
def test_nobody_else_is_answered(client, seeded, path):
    seeded.installation.log.append(sample_entries(20))
    params = {"organization": ALPHA, "first": 20_000, "last": 20_000}
    client.cookies.set("sandtrail_session", seeded.sign_in("admin@example.org"))
    assert client.get(path, params=params).status_code == 401
    client.cookies.clear()
    token = seeded.token(ALPHA, "write:audit_logs")
    for secret in (token, "x", proof(OTHER, seeded.clock())):
        headers = {"Authorization": f"Bearer {secret}"}
        assert client.get(path, params=params, headers=headers).status_code == 401
    assert seeded.events("token.refused")
    assert not seeded.events("log.transferred")


@pytest.mark.parametrize("day", ["", "-1", "x", "1234567", "\u0661"])
def test_a_day_that_is_none_is_refused(client, seeded, day):
    for first, last in ((day, 1), (1, day)):
        params = {"organization": ALPHA, "first": first, "last": last}
        assert asked(client, seeded, ROWS_PATH, **params).status_code == 400
