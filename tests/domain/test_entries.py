import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import (
    ACTIONS_OF_CATEGORY,
    FIELDS,
    AuditEntry,
    Category,
    Outcome,
    category_of,
    outcome_of,
)
from tests.support.strategies import entry


@given(st.integers(100, 599))
def test_every_http_status_has_the_outcome_of_its_first_digit(status_code):
    expected = ("info", "success", "redirect", "client_error", "server_error")
    assert outcome_of(status_code) == expected[status_code // 100 - 1]


def test_no_status_is_in_flight_and_zero_is_unanswered():
    assert outcome_of(None) is Outcome.IN_FLIGHT
    assert outcome_of(0) is Outcome.UNANSWERED


@given(st.integers().filter(lambda number: number != 0 and not 100 <= number <= 599))
def test_any_other_number_is_no_status(status_code):
    with pytest.raises(ValueError, match=str(status_code)):
        outcome_of(status_code)


@given(st.none() | st.just(0) | st.integers(100, 599))
def test_finished_is_what_has_been_answered(status_code):
    item = entry("a", status_code=status_code)
    assert item.finished == (item.outcome not in (Outcome.IN_FLIGHT, Outcome.UNANSWERED))


@pytest.mark.parametrize(
    ("action", "target_type", "category"),
    [
        ("create", "sandbox", Category.LIFECYCLE),
        ("create", "api_key", Category.ACCESS),
        ("delete", "api_key", Category.ACCESS),
        ("update", "api_key", Category.LIFECYCLE),
        ("create", None, Category.LIFECYCLE),
        ("login", None, Category.MEMBERS),
        ("revoke_ssh_access", "sandbox", Category.ACCESS),
        ("update_quota", "organization", Category.SYSTEM),
        ("toolbox_execute_command", "sandbox", Category.TOOLBOX),
        ("toolbox_of_tomorrow", "api_key", Category.TOOLBOX),
        ("toolbox", None, Category.OTHER),
        ("Create", "sandbox", Category.OTHER),
        ("", None, Category.OTHER),
    ],
)
def test_the_category_of_an_action(action, target_type, category):
    assert category_of(action, target_type) is category


def test_no_action_is_named_in_two_categories():
    named = [action for actions in ACTIONS_OF_CATEGORY.values() for action in actions]
    assert len(named) == len(set(named))


def test_the_16_fields_are_those_of_the_entry_in_order():
    assert [name for _, name in FIELDS] == list(AuditEntry.__dataclass_fields__)
    assert len(FIELDS) == 16


def test_an_actor_without_an_address_is_shown_by_its_id():
    assert entry("a", actor_id="runner", actor_email="").actor == "runner"
    assert entry("a", actor_id="u", actor_email="ann@example.org").actor == "ann@example.org"


@pytest.mark.parametrize(
    ("prefix", "suffix", "shown"),
    [
        (None, None, None),
        ("dtn_ab", "9f", "dtn_ab…9f"),
        ("dtn_ab", None, "dtn_ab…"),
        (None, "9f", "…9f"),
    ],
)
def test_an_api_key_is_shown_masked(prefix, suffix, shown):
    assert entry("a", actor_api_key_prefix=prefix, actor_api_key_suffix=suffix).api_key == shown


@pytest.mark.parametrize("value", [*Outcome, *Category])
def test_labels_are_in_sentence_case(value):
    assert value.label[0].isupper()
    assert value.label[1:] == value.label[1:].lower()
    assert "_" not in value.label
