"""Citizens whom a centre hands over, and what waiting callers leave behind."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.events import CallArrived, CallbackAsked, CallEnded, CallOutcome, MessageLeft
from telephony.facts import Fact, UserEvent
from telephony.handovers import LONGEST, summary_of
from tests.fakes.stories import Story
from tests.telephony.stage import Stage

SUMMARY = "泽州路路灯杆倾斜，非警务类"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def story() -> Story:
    return Story()


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def handed_over(story: Story, summary: str, centre: str = "110") -> list[Fact]:
    more = {"Centre": centre, "Summary": summary, "Number": story.number}
    return [
        replace(one, fields={**one.fields, **more}) if isinstance(one, UserEvent) else one for one in story.arrive()
    ]


@given(st.text(max_size=LONGEST))
def test_a_summary_comes_through_on_one_line(text: str) -> None:
    read = summary_of(encoded(text))
    assert (read is None) == (text == "")
    assert len((read or "").splitlines()) <= 1
    if text.isprintable():
        assert (read or "") == " ".join(text.split())


@pytest.mark.parametrize(
    "header", ["", "=", "a", "AAAAA", "++//", "gICA", "5rO9 ", "5rO9\r\n", "泽", "5rO9===", "A" * 900]
)
def test_a_malformed_summary_is_none(header: str) -> None:
    assert summary_of(header) is None


def test_a_summary_is_no_longer_than_it_may_be() -> None:
    assert summary_of(encoded("a" * 400)) == "a" * LONGEST


def test_the_arrival_says_which_centre_handed_the_citizen_over_and_what_it_wrote(stage: Stage, story: Story) -> None:
    stage.tell(handed_over(story, encoded(SUMMARY)))
    [arrived] = stage.of_kind(CallArrived)
    assert (arrived.centre, arrived.summary) == ("110", SUMMARY)
    assert (stage.call().centre, stage.call().summary) == ("110", SUMMARY)


def test_a_malformed_summary_is_counted_and_the_call_goes_on(stage: Stage, story: Story) -> None:
    stage.tell(handed_over(story, "gICA"))
    [arrived] = stage.of_kind(CallArrived)
    assert (arrived.centre, arrived.summary) == ("110", "")
    assert [one.machine for one in stage.unlisted] == ["handover"]


def test_headers_that_the_dialplan_did_not_take_are_counted(stage: Stage, story: Story) -> None:
    arriving = handed_over(story, "")
    said = [
        replace(one, fields={**one.fields, "Refused": "summary+number+else"}) if isinstance(one, UserEvent) else one
        for one in arriving
    ]
    stage.tell(said)
    assert [(one.machine, one.state) for one in stage.unlisted] == [("handover", "number"), ("handover", "summary")]


def test_without_a_centre_there_is_no_summary(stage: Stage, story: Story) -> None:
    stage.tell(handed_over(story, encoded(SUMMARY), centre=""))
    [arrived] = stage.of_kind(CallArrived)
    assert (arrived.centre, arrived.summary) == ("", "")


def test_a_waiting_caller_who_pressed_1_asks_once_to_be_called_back(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join())
    *_, end = story.caller_hangs_up()
    fields = {"Queue": "hotline", "Number": story.number}
    asked = UserEvent(at=end.at, name="HotlineCallback", fields=fields, channel=story.citizen)
    stage.tell([asked, asked, end])
    [event] = stage.of_kind(CallbackAsked)
    assert (event.call_id, event.queue, event.number) == (story.call_id, "hotline", story.number)
    [ended] = stage.of_kind(CallEnded)
    assert ended.outcome is CallOutcome.ABANDONED


def test_a_voice_message_is_told_once_also_when_it_is_heard_of_after_the_end(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join())
    *others, end = story.caller_hangs_up()
    fields = {"Line": "12345", "File": f"{story.call_id}-message"}
    message = UserEvent(at=end.at, name="HotlineMessageLeft", fields=fields, channel=story.citizen)
    stage.tell([*others, end, message, message])
    [event] = stage.of_kind(MessageLeft)
    assert (event.line, event.file) == ("12345", f"{story.call_id}-message")
