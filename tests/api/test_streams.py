"""Sound of both legs to transcript and suggestions; taps that fail, a call that outlives us, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from api.leg_streams import CONNECT_S
from api.live.hub import Hub
from api.live.messages import SpeechState
from api.streams import Streams
from asr.coverage import Coverage
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedTalker
from asr.pool import LimitedRecognizer
from asr.prefill import Suggestion
from asr.recognizer import Recognizer, SpeechLevel
from asr.transcript import Speaker, Turn
from telephony.calls import Call, CallPhase, Leg, LegRole
from telephony.commands import Command, CommandOutcome, OutcomeKind, TapLeg
from telephony.errors import SwitchUnavailable, TelephonyError
from telephony.events import CallAnswered, CallEnded, CallOutcome, LinkChanged, LinkState
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName, TapId
from telephony.media.tap import Tap, TapServer
from tests.api.serving import eventually
from tests.fakes.audiosocket import AudioSocketClient
from tests.fakes.loudness import LevelDetector
from tests.fakes.virtual_time import in_virtual_time

CALL = CallId("1795297638.32")
CITIZEN, OPERATOR = ChannelId("1795297638.32"), ChannelId("1795297640.33")
BACK = ChannelId("1795297680.34")
SPEECH = [Line(start_s=0.0, end_s=0.6, text="我要反映一个问题", delay_s=0.01)]
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@dataclass
class Models:
    calls: dict[CallId, Call] = field(default_factory=dict)
    agents: dict[AgentId, Any] = field(default_factory=dict)
    waiting: dict[QueueName, tuple[CallId, ...]] = field(default_factory=dict)

    def answer(self, at: datetime) -> CallAnswered:
        legs = tuple(
            Leg(channel=channel, name=f"PJSIP/{role}-0001", role=role, started_at=at, answered_at=at)
            for channel, role in ((CITIZEN, LegRole.CITIZEN), (OPERATOR, LegRole.OPERATOR))
        )
        self.calls[CALL] = Call(
            id=CALL,
            phase=CallPhase.TALKING,
            caller_number="13800000000",
            caller_name="",
            line=LineNumber("12345"),
            arrived_at=at,
            legs=legs,
            answered_at=at,
        )
        return CallAnswered(
            at=at, call_id=CALL, agent_id=AgentId("8001"), citizen=CITIZEN, operator=OPERATOR, wait_s=1.0
        )

    def come_back(self, at: datetime) -> CallAnswered:
        """The operator, on a new leg."""
        call = self.calls[CALL]
        leg = Leg(channel=BACK, name="PJSIP/8001-0002", role=LegRole.OPERATOR, started_at=at, answered_at=at)
        self.calls[CALL] = replace(call, legs=(*call.legs, leg))
        return CallAnswered(
            at=at, call_id=CALL, agent_id=AgentId("8001"), citizen=CITIZEN, operator=BACK, wait_s=1.0, returned=True
        )

    def end_leg(self, channel: ChannelId, at: datetime) -> None:
        call = self.calls[CALL]
        legs = tuple(replace(leg, ended_at=at) if leg.channel == channel else leg for leg in call.legs)
        self.calls[CALL] = replace(call, legs=legs)

    def end(self, at: datetime) -> CallEnded:
        for channel in (CITIZEN, OPERATOR, BACK):
            self.end_leg(channel, at)
        self.calls[CALL] = replace(self.calls[CALL], phase=CallPhase.ENDED, ended_at=at)
        return CallEnded(at=at, call_id=CALL, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=1.0, talk_s=2.0)


@dataclass
class Kept:
    """``streams.Records`` in memory."""

    turns: list[Turn] = field(default_factory=list)
    before: tuple[Turn, ...] = ()
    merged: list[Sequence[Suggestion]] = field(default_factory=list)
    failures: int = 0
    accounts: list[Coverage] = field(default_factory=list)

    def keep(self, call_id: CallId, turn: Turn) -> None:
        self.turns.append(turn)

    async def restore(self, call_id: CallId) -> Sequence[Turn]:
        return self.before

    def covered(self, call_id: CallId, coverage: Coverage) -> None:
        self.accounts.append(coverage)

    async def merge(self, call_id: CallId, suggestions: Sequence[Suggestion]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        self.merged.append(suggestions)


async def read_aloud(turns: Sequence[Turn], caller_number: str) -> Sequence[Suggestion]:
    return [Suggestion(field="description", value="".join(turn.text for turn in turns), confidence=0.8)]


class SpyingSwitch:
    """Does with a TapLeg what Asterisk does: connects from each leg, says the id, and sends what the leg says."""

    def __init__(self, models: Models, server: TapServer) -> None:
        self.switchboard = models
        self.asked: list[TapLeg] = []
        self.failures: list[TelephonyError] = []
        self.deaf = 0
        """So many taps never come."""
        self.short = 0
        """So many taps break off after a few frames."""
        self._server = server
        self._legs: list[asyncio.Task[None]] = []
        self._hung_up = asyncio.Event()

    async def request(self, command: Command) -> CommandOutcome:
        assert isinstance(command, TapLeg)
        self.asked.append(command)
        if self.failures:
            raise self.failures.pop()
        if self.deaf:
            self.deaf -= 1
        else:
            self._legs.append(asyncio.create_task(self._leg(command.tap_id)))
        return CommandOutcome(kind=OutcomeKind.DONE)

    async def _leg(self, tap_id: TapId) -> None:
        async with AudioSocketClient(self._server.host, self._server.port) as leg:
            await leg.identify(tap_id)
            frames = [frame for frame, _ in ScriptedTalker(SPEECH).frames(until_s=0.6)]
            for frame in frames[:5] if self.short else frames:
                await leg.speak(frame)
                await asyncio.sleep(0.005)
            if self.short:
                self.short -= 1
                return
            await self._hung_up.wait()

    def hang_up(self) -> None:
        self._hung_up.set()

    async def close(self) -> None:
        self.hang_up()
        for leg in self._legs:
            leg.cancel()
        await asyncio.gather(*self._legs, return_exceptions=True)


@dataclass
class Stage:
    models: Models
    switch: SpyingSwitch
    hub: Hub
    kept: Kept
    streams: Streams
    engine: list[Recognizer]

    @property
    def transcript(self) -> tuple[dict[str, Any], ...]:
        return self.hub.picture(CALL).transcript

    def finals(self) -> list[tuple[str, str]]:
        return [(turn["who"], turn["text"]) for turn in self.transcript if turn["final"]]

    def answer(self, *, ago_s: float = 0.0) -> None:
        self.streams.handle(self.models.answer(datetime.now(UTC) - timedelta(seconds=ago_s)))

    def shown(self) -> SpeechState:
        return self.hub.picture(CALL).speech or SpeechState(state=SpeechLevel.DOWN)

    def end(self) -> None:
        self.switch.hang_up()
        self.streams.handle(self.models.end(datetime.now(UTC)))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    server, models, kept = TapServer(), Models(), Kept()
    await server.start()
    switch = SpyingSwitch(models, server)
    hub = Hub(board=models, clock=time.monotonic, wall=lambda: datetime.now(UTC), ring_s=15)
    engine: list[Recognizer] = [ScriptedRecognizer({"*": SPEECH})]
    streams = Streams(
        switch=switch,
        taps=server,
        tap_address=f"{server.host}:{server.port}",
        recognizer=lambda: engine[0] if engine else None,
        hub=hub,
        records=kept,
        suggest=read_aloud,
        detector=LevelDetector,
    )
    yield Stage(models, switch, hub, kept, streams, engine)
    await streams.close()
    await switch.close()
    await server.stop()
    left = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
    assert [name for name in left if not name.startswith("Task-")] == []


async def test_both_legs_are_heard_under_their_own_names_and_read(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    assert sorted(stage.finals()) == [("agent", "我要反映一个问题"), ("caller", "我要反映一个问题")]
    assert {command.channel for command in stage.switch.asked} == {CITIZEN, OPERATOR}
    assert {turn.speaker for turn in stage.kept.turns} == {Speaker.CALLER, Speaker.AGENT}
    await eventually(lambda: stage.kept.merged and len(stage.kept.merged[-1][0].value) == 16)
    assert stage.hub.picture(CALL).speech == SpeechState(state=SpeechLevel.OK, engine="scripted", complete=1.0)


async def test_a_call_that_was_heard_to_its_end_wants_no_recording(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    stage.end()
    await eventually(lambda: stage.kept.accounts, timeout_s=8)
    (account,) = stage.kept.accounts
    assert account.complete == 1.0
    assert account.text_s == pytest.approx(2 * 0.6, abs=0.4)
    assert not account.wants_recording


async def test_speech_that_no_engine_took_is_counted_and_shown(stage: Stage) -> None:
    stage.engine[0] = LimitedRecognizer(stage.engine[0], limit=1)
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 1)
    await eventually(lambda: (stage.hub.picture(CALL).speech or SpeechState(state=SpeechLevel.OK)).complete is not None)
    shown = stage.hub.picture(CALL).speech
    assert shown is not None
    assert (shown.state, shown.complete) in ((SpeechLevel.DOWN, 0.4), (SpeechLevel.DOWN, 0.5), (SpeechLevel.DOWN, 0.0))
    assert "no room" in shown.reason


async def test_a_call_taken_up_in_its_middle_wants_its_recording(stage: Stage) -> None:
    stage.answer(ago_s=60)
    await eventually(lambda: len(stage.finals()) == 2)
    stage.end()
    await eventually(lambda: stage.kept.accounts, timeout_s=8)
    assert stage.kept.accounts[0].wants_recording
    assert (stage.kept.accounts[0].complete or 0) < 0.05
    await eventually(lambda: stage.shown().recording == "pending")
    assert stage.shown().complete == 0.0


async def test_text_that_an_earlier_run_recorded_is_no_gap(stage: Stage) -> None:
    stage.kept.before = (Turn(seg=4, rev=3, speaker=Speaker.CALLER, text="你好", start_s=1.0, end_s=59.0, final=True),)
    stage.answer(ago_s=60)
    await eventually(lambda: len(stage.finals()) == 3)
    stage.end()
    await eventually(lambda: stage.kept.accounts, timeout_s=8)
    (account,) = stage.kept.accounts
    assert account.text_s == pytest.approx(58 + 2 * 0.6, abs=0.4)
    assert (account.complete, account.wants_recording) == (1.0, False)


async def test_a_server_that_stops_leaves_the_account_of_a_call_that_goes_on_to_the_next(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    await stage.streams.close()
    assert stage.kept.accounts == []


def unheard_call(*, engine: bool, taps: bool) -> tuple[Coverage, SpeechState | None]:
    """Two legs talk for a minute; what is told of them when the call is over."""

    async def story() -> tuple[Coverage, SpeechState | None]:
        loop = asyncio.get_running_loop()
        models, kept = Models(), Kept()
        event = models.answer(NOW)

        class NoTaps:
            def expect(self, ttl_s: float = 30.0) -> Tap:
                assert taps
                tap = Tap(TapId("00000000-0000-0000-0000-000000000000"), expires_at=loop.time() + ttl_s)
                loop.call_later(ttl_s, tap.close)
                return tap

        class Switch:
            switchboard = models

            async def request(self, command: Command) -> CommandOutcome:
                return CommandOutcome(kind=OutcomeKind.UNKNOWN)

        hub = Hub(board=models, clock=loop.time, wall=lambda: NOW, ring_s=15)
        streams = Streams(
            switch=Switch(),
            taps=NoTaps(),
            tap_address="127.0.0.1:1",
            recognizer=lambda: ScriptedRecognizer({}) if engine else None,
            hub=hub,
            records=kept,
            suggest=read_aloud,
            clock=loop.time,
            wall=lambda: NOW,
            detector=LevelDetector,
        )
        streams.handle(event)
        await asyncio.sleep(60)
        streams.handle(models.end(NOW))
        await asyncio.sleep(10)
        await streams.close()
        return kept.accounts[0], hub.picture(CALL).speech

    return in_virtual_time(story())


@pytest.mark.parametrize(("engine", "taps"), [(True, True), (False, False)], ids=["no tap came", "no engine"])
def test_a_call_that_nobody_listened_to_is_not_complete_and_wants_its_recording(engine: bool, taps: bool) -> None:
    account, shown = unheard_call(engine=engine, taps=taps)
    assert account.deaf_s == pytest.approx(2 * 60, abs=1)
    assert (account.complete, account.wants_recording) == (0.0, True)
    assert shown is not None
    assert (shown.complete, shown.recording) == (0.0, "pending")


async def test_a_call_with_a_centre_or_a_danger_keeps_its_text_before_others(stage: Stage) -> None:
    stage.answer()
    stream = f"{CALL}/{CITIZEN}"
    assert not stage.streams.is_urgent(stream)
    call = stage.models.calls[CALL]
    stage.models.calls[CALL] = replace(call, centre="110")
    assert stage.streams.is_urgent(stream)
    centre = Leg(channel=BACK, name="PJSIP/c110-1", role=LegRole.CENTRE, started_at=NOW, answered_at=NOW)
    stage.models.calls[CALL] = replace(call, legs=(*call.legs, centre))
    assert stage.streams.is_urgent(stream)
    stage.models.calls[CALL] = replace(call, legs=(*call.legs, replace(centre, ended_at=NOW)))
    assert not stage.streams.is_urgent(stream)
    assert not stage.streams.is_urgent("probe")


async def test_a_centre_that_joins_is_heard_as_well(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    call = stage.models.calls[CALL]
    at = datetime.now(UTC)
    centre = Leg(channel=BACK, name="PJSIP/c110-1", role=LegRole.CENTRE, started_at=at, answered_at=at)
    stage.models.calls[CALL] = replace(call, legs=(*call.legs, centre))
    asked_s = time.monotonic()
    stage.streams.look_everywhere()
    await eventually(lambda: len(stage.finals()) == 3)
    assert time.monotonic() - asked_s < 3.0
    assert "centre" in {who for who, _ in stage.finals()}


async def test_when_the_switch_is_back_a_tap_does_not_wait_for_its_next_try(stage: Stage) -> None:
    stage.switch.failures = [SwitchUnavailable("away") for _ in range(9)]
    stage.answer()
    await eventually(lambda: len(stage.switch.asked) >= 8, timeout_s=8)  # by now the pauses are seconds
    stage.switch.failures.clear()
    back_s = time.monotonic()
    stage.streams.handle(LinkChanged(at=datetime.now(UTC), state=LinkState.LIVE))
    await eventually(lambda: len(stage.switch.asked) == 10)
    assert time.monotonic() - back_s < 0.7


async def test_interim_text_is_shown_and_not_recorded(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: any(not turn["final"] for turn in stage.transcript))
    assert stage.kept.turns == []


async def test_when_the_call_ends_the_last_words_are_still_waited_for(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.transcript) == 2)
    stage.end()
    await eventually(lambda: stage.streams.open == 0, timeout_s=8)
    assert len(stage.finals()) == 2
    assert len(stage.kept.merged[-1][0].value) == 16


async def test_the_last_words_are_read_to_the_end_though_the_call_is_over(stage: Stage) -> None:
    async def slowly(turns: Sequence[Turn], caller_number: str) -> Sequence[Suggestion]:
        await asyncio.sleep(0.3 if len(turns) == 2 else 0)
        return await read_aloud(turns, caller_number)

    stage.streams.suggest = slowly
    stage.answer()
    await eventually(lambda: len(stage.transcript) == 2)
    stage.end()
    await eventually(lambda: stage.streams.open == 0, timeout_s=8)
    assert len(stage.kept.merged[-1][0].value) == 16


async def test_a_tap_that_breaks_off_is_asked_for_again_and_the_session_goes_on(stage: Stage) -> None:
    stage.switch.short = 2
    stage.answer()
    await eventually(lambda: len(stage.switch.asked) == 4)
    await eventually(lambda: len({who for who, _ in stage.finals()}) == 2)
    assert len({command.tap_id for command in stage.switch.asked}) == 4


async def test_a_refused_tap_is_asked_for_again(stage: Stage) -> None:
    stage.switch.failures = [SwitchUnavailable("syncing"), SwitchUnavailable("syncing")]
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    assert len(stage.switch.asked) == 4


async def test_only_the_leg_that_ended_is_left(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    stage.models.end_leg(OPERATOR, datetime.now(UTC))
    stage.streams.look_everywhere()
    await asyncio.sleep(0.1)
    assert stage.streams.open == 1
    assert len(stage.switch.asked) == 2


async def test_an_operator_who_is_back_on_a_new_leg_is_heard_again(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.finals()) == 2)
    stage.models.end_leg(OPERATOR, datetime.now(UTC))
    stage.streams.handle(stage.models.come_back(datetime.now(UTC)))
    await eventually(lambda: len(stage.finals()) == 3)
    assert [command.channel for command in stage.switch.asked[2:]] == [BACK]
    assert sorted(who for who, _ in stage.finals()) == ["agent", "agent", "caller"]
    assert len({turn["seg"] for turn in stage.transcript}) == 3


async def test_a_call_found_after_a_restart_is_followed_and_its_text_so_far_is_shown(stage: Stage) -> None:
    stage.kept.before = (Turn(seg=4, rev=3, speaker=Speaker.CALLER, text="你好", start_s=1.0, end_s=2.0, final=True),)
    stage.models.answer(datetime.now(UTC) - timedelta(seconds=60))
    stage.streams.handle(LinkChanged(at=datetime.now(UTC), state=LinkState.LIVE))
    await eventually(lambda: len(stage.finals()) == 3)
    first, *new = stage.transcript
    assert (first["seg"], first["text"]) == (4, "你好")
    assert [turn["seg"] for turn in new] == [5, 6]
    assert all(turn["t0"] > 59 for turn in new)


async def test_a_call_answered_a_moment_before_a_restart_is_restored_as_well(stage: Stage) -> None:
    stage.kept.before = (Turn(seg=4, rev=3, speaker=Speaker.CALLER, text="你好", start_s=0.1, end_s=0.5, final=True),)
    stage.models.answer(datetime.now(UTC) - timedelta(seconds=1))
    stage.models.calls[CALL] = replace(stage.models.calls[CALL], rebuilt=True)
    stage.streams.handle(LinkChanged(at=datetime.now(UTC), state=LinkState.LIVE))
    await eventually(lambda: len(stage.finals()) == 3)
    assert stage.transcript[0]["text"] == "你好"


async def test_records_that_are_away_delay_neither_the_taps_nor_the_text(stage: Stage) -> None:
    async def hangs(call_id: CallId) -> Sequence[Turn]:
        await asyncio.Event().wait()
        return ()

    stage.kept.failures = 1
    stage.kept.restore = hangs  # type: ignore[method-assign]
    stage.answer(ago_s=60)
    await eventually(lambda: len(stage.finals()) == 2, timeout_s=8)


async def test_text_that_cannot_be_restored_is_not_numbered_over(stage: Stage) -> None:
    async def away(call_id: CallId) -> Sequence[Turn]:
        raise OSError("the database is away")

    stage.kept.restore = away  # type: ignore[method-assign]
    stage.answer(ago_s=60)
    await eventually(lambda: len(stage.kept.turns) == 2)
    said_before = 60 / 0.5 * 2
    assert min(turn.seg for turn in stage.kept.turns) >= said_before


async def test_a_call_without_a_recogniser_still_gets_the_suggestions_of_its_number(stage: Stage) -> None:
    stage.engine.clear()
    stage.answer()
    await eventually(lambda: stage.kept.merged)
    assert stage.switch.asked == []
    assert stage.transcript == ()


async def test_a_recogniser_that_comes_late_takes_up_the_calls_that_are_under_way(stage: Stage) -> None:
    chosen = stage.engine.pop()
    stage.answer()
    await asyncio.sleep(0.05)
    stage.engine.append(chosen)
    stage.streams.look_everywhere()
    await eventually(lambda: len(stage.finals()) == 2)


async def test_a_draft_made_later_gets_what_was_understood_before(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: stage.kept.merged and len(stage.kept.merged[-1][0].value) == 16)
    count = len(stage.kept.merged)
    stage.streams.suggest_again(CALL)
    await eventually(lambda: len(stage.kept.merged) == count + 1)


async def test_a_server_that_stops_takes_down_what_has_been_said(stage: Stage) -> None:
    stage.answer()
    await eventually(lambda: len(stage.transcript) == 2)
    await stage.streams.close()
    assert len(stage.finals()) == 2
    assert len(stage.kept.turns) == 2
    stage.streams.look_everywhere()
    assert stage.streams.open == 0


async def test_a_call_that_only_waits_is_not_followed(stage: Stage) -> None:
    event = stage.models.answer(datetime.now(UTC))
    stage.models.calls[CALL] = replace(stage.models.calls[CALL], phase=CallPhase.QUEUED, answered_at=None)
    stage.streams.handle(event)
    assert stage.streams.open == 0


def test_taps_that_never_connect_are_retried_with_growing_pauses_and_said_so() -> None:
    async def story() -> tuple[list[float], SpeechState]:
        loop = asyncio.get_running_loop()
        models, asked = Models(), []
        models.answer(NOW)
        models.end_leg(OPERATOR, NOW)

        class DeafTaps:
            def expect(self, ttl_s: float = 30.0) -> Tap:
                assert ttl_s == CONNECT_S
                tap = Tap(TapId("00000000-0000-0000-0000-000000000000"), expires_at=loop.time() + ttl_s)
                loop.call_later(ttl_s, tap.close)
                return tap

        class DeafSwitch:
            switchboard = models

            async def request(self, command: Command) -> CommandOutcome:
                asked.append(loop.time())
                return CommandOutcome(kind=OutcomeKind.UNKNOWN)

        hub = Hub(board=models, clock=loop.time, wall=lambda: NOW, ring_s=15)
        streams = Streams(
            switch=DeafSwitch(),
            taps=DeafTaps(),
            tap_address="127.0.0.1:1",
            recognizer=lambda: ScriptedRecognizer({}),
            hub=hub,
            records=Kept(),
            suggest=read_aloud,
            clock=loop.time,
            wall=lambda: NOW,
            detector=LevelDetector,
        )
        streams.look_everywhere()
        await asyncio.sleep(30)
        shown = hub.picture(CALL).speech
        streams.handle(models.end(NOW))
        await asyncio.sleep(10)
        assert streams.open == 0
        with contextlib.suppress(asyncio.CancelledError):
            await streams.close()
        return asked, shown

    asked, shown = in_virtual_time(story())
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(asked)]
    assert gaps[:5] == [3.5, 4.0, 5.0, 6.0, 6.0]
    assert shown == SpeechState(state=SpeechLevel.DOWN, reason="no sound from the switch", engine="scripted")
