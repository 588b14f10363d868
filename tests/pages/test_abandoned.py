from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages.parts.shell import abandoned


@pytest.fixture
def requests(monkeypatch):
    found = ScriptRequests()
    context = SimpleNamespace(script_requests=found)
    monkeypatch.setattr(abandoned, "get_script_run_ctx", lambda: context)
    return found


def test_a_run_goes_on_until_its_tab_is_closed(requests):
    check = abandoned.check_of_this_run()
    assert not check()
    requests.request_stop()
    assert check()


def test_a_newer_run_of_the_tab_ends_what_takes_long(requests, monkeypatch):
    check = abandoned.check_of_this_run()
    requests.request_rerun(RerunData())
    assert not check()
    monkeypatch.setattr(abandoned, "GRACE_S", 0)
    assert check()
    requests.on_scriptrunner_yield()
    assert not check()


def test_outside_of_a_run_nothing_is_abandoned(monkeypatch):
    monkeypatch.setattr(abandoned, "get_script_run_ctx", lambda: None)
    assert not abandoned.check_of_this_run()()
