import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import add_account, set_password
from audit_core.identity.passwords import generate_password, hash_password
from audit_core.state.database import State
from tests.support.ada import NOW, Ada
from tests.support.laws import law


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Passw0rd!Passw0rd!",
        "qwertyuiop123",
        "iloveyouforever",
        "letmeinletmein",
        "123456789012",
        "abcdefghijkl",
        "aaaaaaaaaaaaaaaaaaaaaaaa" * 10,
        "administrator",
        "sandtrail2026",
        "unbelievable",
    ],
)
def test_a_common_password_is_refused_with_the_reason_and_without_the_password(
    password: str,
) -> None:
    with pytest.raises(AccountError, match="easy to guess") as caught:
        hash_password(password, cost=4)
    assert password not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "a long enough one", "k" + "ü" * 3 + "9-xQ!mw2Zr"]
)
def test_another_one_is_not(password: str) -> None:
    assert hash_password(password, cost=4)


@law(20)
@given(st.data())
def test_what_is_generated_is_never_refused(data: st.DataObject) -> None:
    assert hash_password(generate_password(), cost=4)


def test_what_is_known_of_the_person_makes_no_password(state: State, ada: Ada) -> None:
    name = "Wilhelmina Vanderbroek"
    guessable = "wilhelminavanderbroek"
    with state.begin() as connection:
        set_password(connection, account_id=ada.id, password=guessable, cost=4)
    with pytest.raises(AccountError, match="easy to guess"), state.begin() as connection:
        add_account(
            connection, email="w@example.com", name=name, password=guessable, now=NOW, cost=4
        )
