import threading

import pytest

from audit_core.explore.answer_cache import LASTS_S, OVERHEAD_BYTES, AnswerCache


def test_a_question_is_asked_once_and_each_caller_has_an_answer_of_its_own():
    cache, asked = AnswerCache(), []

    def ask():
        asked.append(1)
        return {"a": [1]}

    first = cache.get(("q", 1), ask)
    second = cache.get(("q", 1), ask)
    second["a"].append(2)
    assert cache.get(("q", 1), ask) == first == {"a": [1]}
    assert len(asked) == 1


def test_what_is_kept_never_takes_more_than_it_may():
    cache = AnswerCache(max_bytes=20 * OVERHEAD_BYTES)
    for head in range(500):
        cache.get(("page", head), lambda: b"x" * 500)
        cache.get("asked all the time", lambda: 1)
        assert cache.size <= cache.max_bytes
    assert not cache._asking
    assert cache.get("asked all the time", lambda: 2) == 1
    assert cache.get(("page", 499), lambda: b"") == b"x" * 500
    assert cache.get(("page", 0), lambda: b"anew") == b"anew"


def test_an_answer_that_is_larger_than_everything_is_given_and_not_kept():
    cache = AnswerCache(max_bytes=10)
    assert cache.get("q", lambda: "x" * 100) == "x" * 100
    assert cache.size == 0


def test_answers_grow_old():
    now = [0.0]
    cache = AnswerCache(clock=lambda: now[0])
    assert cache.get("q", lambda: 1) == 1
    now[0] = LASTS_S
    assert cache.get("q", lambda: 2) == 2


def test_an_error_is_not_kept():
    cache = AnswerCache()
    with pytest.raises(ZeroDivisionError):
        cache.get("q", lambda: 1 // 0)
    assert cache.get("q", lambda: 1) == 1
    assert not cache._asking


def test_those_who_ask_the_same_at_once_wait_for_one_answer():
    cache, asked, go = AnswerCache(), [], threading.Event()

    def ask():
        asked.append(1)
        go.wait(5)
        return 7

    found = []
    threads = [threading.Thread(target=lambda: found.append(cache.get("q", ask))) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert found == [7] * 4
    assert len(asked) == 1
