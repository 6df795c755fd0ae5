"""A part of the recording that is to hear nothing: nothing is told of it that the switch has not done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.commands import PauseRecording, ResumeRecording
from telephony.errors import Refused, TelephonyError
from telephony.events import LinkChanged, LinkState, RecordingPaused, RecordingResumed
from telephony.facts import LinkLost
from telephony.ids import AgentId
from telephony.orders import MuteRecording, Order, SetVariable
from tests.fakes.stories import Story
from tests.telephony.stage import Stage, member

ME = AgentId("8001")


class Recorded:
    """A talk and the switch's recording of it; ``does`` what is ordered, or refuses, or does not answer."""

    def __init__(self) -> None:
        self.stage, self.story = Stage(), Story()
        self.stage.go_live()
        self.stage.sign_in()
        self.stage.tell(
            [*self.story.arrive(), *self.story.join(), *self.story.ring("8001"), *self.story.answer(after_s=1.0)]
        )
        self.stage.take_orders()
        self.muted, self.mark = False, ""

    def pause(self, seconds: float = 20.0) -> None:
        self.stage.ask(PauseRecording(call_id=self.story.call_id, agent_id=ME, seconds=seconds))

    def resume(self) -> None:
        self.stage.ask(ResumeRecording(call_id=self.story.call_id, agent_id=ME))

    def orders(self) -> list[Order]:
        return [one for one in self.stage.take_orders() if isinstance(one, MuteRecording | SetVariable)]

    def does(self, *, how: str = "done") -> None:
        while orders := self.orders():
            self._do(orders, how)

    def _do(self, orders: list[Order], how: str) -> None:
        for order in orders:
            if how != "refused" and isinstance(order, MuteRecording):
                self.muted = order.muted
            elif how != "refused" and isinstance(order, SetVariable):
                self.mark = order.value
            if how == "done":
                self.stage.carried_out(order)
            else:
                self.stage.board.failed(order, unknown=how == "unanswered")

    def waits(self, seconds: float, *, how: str = "done") -> None:
        for _ in range(round(seconds / 0.25)):
            self.stage.wait(0.25)
            self.does(how=how)

    @property
    def shown(self) -> bool:
        return self.stage.call().recording_paused_until is not None

    @property
    def told(self) -> str:
        kinds = (RecordingPaused, RecordingResumed)
        return "".join(
            "P" if isinstance(one, RecordingPaused) else "R" for one in self.stage.events if isinstance(one, kinds)
        )


@pytest.fixture
def talk() -> Recorded:
    return Recorded()


def test_it_is_told_when_the_switch_has_done_it_and_goes_on_by_itself(talk: Recorded) -> None:
    talk.pause()
    assert (talk.told, talk.shown) == ("", False)
    mark, mute = talk.stage.orders
    assert isinstance(mark, SetVariable), "a restart of ours forgets neither"
    assert isinstance(mute, MuteRecording)
    talk.does()
    assert (talk.told, talk.shown, talk.muted) == ("P", True, True)
    talk.waits(19.0)
    assert talk.told == "P"
    talk.waits(1.5)
    assert (talk.told, talk.shown, talk.muted, talk.mark) == ("PR", False, False, "")
    assert [one.by_itself for one in talk.stage.of_kind(RecordingResumed)] == [True]


def test_who_says_so_hears_the_sound_go_on_earlier(talk: Recorded) -> None:
    talk.pause()
    talk.does()
    talk.resume()
    assert (talk.told, talk.shown) == ("P", False), "the citizen's words may be heard again"
    talk.does()
    assert (talk.told, talk.shown, talk.muted, talk.mark) == ("PR", False, False, "")
    assert [one.by_itself for one in talk.stage.of_kind(RecordingResumed)] == [False]
    talk.resume()
    assert talk.orders() == []


def test_a_refusal_is_never_shown_as_silence(talk: Recorded) -> None:
    talk.pause()
    talk.does(how="refused")
    talk.waits(30.0)
    assert (talk.told, talk.shown, talk.mark) == ("", False, "")
    asked = [one.muted for one in talk.stage.told_orders if isinstance(one, MuteRecording)]
    assert asked == [True], "asked once; the operator knows"


def test_without_an_answer_it_is_asked_for_until_there_is_one(talk: Recorded) -> None:
    talk.pause()
    talk.does(how="unanswered")
    talk.waits(3.0, how="unanswered")
    assert (talk.told, talk.shown) == ("", False)
    talk.waits(1.5)
    assert (talk.told, talk.shown, talk.muted) == ("P", True, True)


@pytest.mark.parametrize("how", ["refused", "unanswered"])
def test_the_sound_is_asked_for_until_it_is_back(talk: Recorded, how: str) -> None:
    talk.pause()
    talk.does()
    talk.resume()
    talk.does(how=how)
    assert (talk.told, talk.shown) == ("P", False)
    talk.waits(5.0, how=how)
    talk.waits(1.5)
    assert (talk.told, talk.shown, talk.muted, talk.mark) == ("PR", False, False, "")


def test_a_silence_of_which_nobody_knew_whether_it_began_ends_all_the_same(talk: Recorded) -> None:
    talk.pause(seconds=5.0)
    talk.waits(4.0, how="unanswered")
    assert talk.muted
    talk.waits(2.5)
    assert (talk.told, talk.muted, talk.mark) == ("", False, "")


def test_more_time_is_told_at_once(talk: Recorded) -> None:
    talk.pause(seconds=10.0)
    talk.does()
    talk.waits(8.0)
    talk.pause(seconds=10.0)
    assert talk.told == "PP"
    talk.waits(9.0)
    assert talk.muted
    talk.waits(1.5)
    assert talk.told == "PPR"


def test_one_that_is_asked_for_while_the_sound_comes_back_is_a_new_one(talk: Recorded) -> None:
    talk.pause()
    talk.does()
    talk.resume()
    talk.pause()
    talk.does()
    assert (talk.told, talk.shown, talk.muted) == ("PP", True, True)
    talk.waits(21.0)
    assert (talk.told, talk.muted) == ("PPR", False)


def test_while_the_link_is_down_nothing_is_asked(talk: Recorded) -> None:
    talk.pause(seconds=5.0)
    talk.does()
    at = talk.stage.now
    talk.stage.tell([LinkLost(at=at, reason="away"), LinkChanged(at=at, state=LinkState.DOWN)])
    talk.stage.wait(30.0)
    assert talk.orders() == []
    assert talk.shown, "the recording is still silent"
    talk.stage.go_live(member("8001", talk.stage.now, status=2), channels=talk.story.listed(talk.stage.now))
    talk.waits(0.5)
    assert (talk.told, talk.muted) == ("PR", False)


def test_one_that_is_too_long_is_refused(talk: Recorded) -> None:
    with pytest.raises(Refused):
        talk.pause(seconds=121.0)
    assert talk.orders() == []


def test_a_restart_of_ours_makes_sure_of_it_and_ends_it(talk: Recorded) -> None:
    talk.pause()
    talk.does()
    at = talk.stage.now
    citizen, operator = talk.story.listed(at)
    citizen = replace(citizen, variables={"HOTLINE_SILENT_UNTIL": talk.mark})
    talk.stage = Stage()
    talk.stage.now = at
    talk.stage.go_live(member("8001", at, status=2), channels=[citizen, operator])
    talk.stage.take_orders()
    assert not talk.shown
    talk.waits(0.5)
    assert (talk.told, talk.shown, talk.muted) == ("", True, True), "it was told before"
    talk.waits(22.0)
    assert (talk.told, talk.shown, talk.muted, talk.mark) == ("R", False, False, "")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pause", "short", "resume", "time", "much time"]),
            st.sampled_from(["done", "refused", "unanswered"]),
        ),
        max_size=10,
    )
)
def test_whatever_the_switch_answers_what_is_shown_is_so_and_the_sound_comes_back(acts: list[tuple[str, str]]) -> None:
    talk = Recorded()
    for act, how in acts:
        try:
            match act:
                case "pause":
                    talk.pause()
                case "short":
                    talk.pause(seconds=3.0)
                case "resume":
                    talk.resume()
                case "time":
                    talk.stage.wait(1.0)
                case _:
                    talk.waits(15.0, how=how)
        except TelephonyError:
            pass
        talk.does(how=how)
        assert talk.muted or not talk.shown
    talk.waits(25.0)
    assert (talk.muted, talk.shown, talk.mark) == (False, False, "")
    assert talk.told == "" or talk.told.endswith("R")
