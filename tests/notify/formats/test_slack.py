"""Text of the log is text in Slack: no link, no mention, no markup comes of it."""

from __future__ import annotations

import html
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from audit_core.notify.content import Alerts, Message
from audit_core.notify.formats.slack import escaped, slack_request, slack_text
from audit_core.notify.notice import Notice
from tests.support.laws import law
from tests.support.notices import AT, a_notice, notices

PUBLIC = "https://audit.example.org"
JOINER = "\u2060"
HOSTILE = st.text(alphabet="<>&!@#|[](){}*_~`\\:/ .htpswx\n") | st.sampled_from(
    ("<!channel>", "@here now", "[a](https://evil.example)", "<https://evil.example|Sign in>")
)


@given(HOSTILE | st.text())
@law(500)
def test_what_is_escaped_is_read_as_it_was(text: str) -> None:
    shown = html.unescape(escaped(text).replace(JOINER, ""))
    assert shown == html.unescape(text.replace(JOINER, "")) or shown == text.replace(JOINER, "")
    assert not re.search(r"[<>]", escaped(text))


@given(HOSTILE)
@law(300)
def test_nothing_of_it_is_a_link_or_a_mention(text: str) -> None:
    found = escaped(text)
    assert "](" not in found
    assert not re.search(r"(?<!\w)@\w", found)
    assert not re.search(rf"(?<!{JOINER})https?://", found)


@given(st.lists(notices(), min_size=1, max_size=12))
@law(100)
def test_the_only_links_are_ours(told: list[Notice]) -> None:
    text = slack_text(Message(id="m", created_at=AT, content=Alerts(notices=tuple(told))), PUBLIC)
    links = re.findall(r"<([^>]*)>", text)
    own = {f"{PUBLIC}{notice.path}|Open the alert" for notice in told}
    assert set(links) <= own
    assert text.count("<") == len(links)


def test_a_storm_is_one_message_with_a_count() -> None:
    many = tuple(a_notice(number) for number in range(1, 501))
    told = Message(id="m", created_at=AT, content=Alerts(notices=many))
    request = slack_request(told, "https://hooks.example.org/T/B/x", PUBLIC)
    found = json.loads(request.body)
    assert found["text"].startswith("500 alerts, highest level high.")
    assert found["text"].endswith("and 490 more alerts.")
    assert (found["mrkdwn"], found["link_names"]) == (False, False)


def test_a_value_that_looks_like_our_address_is_no_link() -> None:
    for text in (f"{PUBLIC}/elsewhere|Click <here>", f"{PUBLIC}/x><!channel>"):
        told = Message(id="m", created_at=AT, content=Alerts(notices=(a_notice(sentence=text),)))
        links = re.findall(r"<([^>]*)>", slack_text(told, PUBLIC))
        assert links == [f"{PUBLIC}/alerts?alert={1:032x}|Open the alert"]
