from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from telephony import facts
from telephony.ami import messages
from telephony.ami.gateway import Gateway
from telephony.ami.timings import Timings
from telephony.errors import ActionFailed, ActionUnanswered, ChannelMoves, InvalidValue, SwitchUnavailable
from telephony.events import FrameRejected, LinkChanged, LinkState
from telephony.ids import ChannelId
from telephony.orders import AddMember, AskForEcho, HangUpChannel, PauseMember, RedirectChannel, ReportAlive
from tests.fakes.ami import FakeSwitch, channel, event, listed_channel, listed_member
from tests.telephony.ami.recordings import recorded
from tests.telephony.ami.running import CALM, Running, connected

QUICK = Timings(
    connect_s=1,
    answer_s=0.3,
    boot_s=1,
    ping_every_s=0.1,
    ping_deadlines_s=(0.1, 0.1),
    resync_every_s=30,
    retry_first_s=0.02,
    retry_most_s=0.05,
    retry_rejected_s=30,
)
ADD = AddMember(queue="hotline", seat="8001", agent_id="8001", paused=True, reason="rest")  # type: ignore[arg-type]
CONTACT = {"URI": "", "ContactStatus": "Created", "AOR": "8001", "EndpointName": "8001"}
HANG_UP = HangUpChannel(channel="1795297515.0")  # type: ignore[arg-type]


def running(switch: FakeSwitch, timings: Timings = CALM, **options: Any) -> AbstractAsyncContextManager[Running]:
    return connected(switch.port, options.pop("secret", switch.secret), timings, **options)


# --- coming up -------------------------------------------------------------------------------------------------------


async def test_the_link_comes_up_with_a_snapshot_before_it_is_live() -> None:
    async with FakeSwitch() as switch:
        switch.lists["QueueStatus"] = [("QueueMember", listed_member("hotline", "PJSIP/8001", "8001", paused=True))]
        switch.lists["Status"] = [("Status", listed_channel("1.4", "PJSIP/trunk-00000001", call_id="1.4"))]
        switch.lists["DeviceStateList"] = [("DeviceStateChange", {"Device": "PJSIP/8001", "State": "NOT_INUSE"})]
        async with running(switch) as session:
            await session.until_state(LinkState.LIVE)
            kinds = [item.state if isinstance(item, LinkChanged) else type(item) for item in session.news]
            assert kinds == ["connecting", "logged_in", "syncing", facts.Snapshot, "live"]
            [snapshot] = [item for item in session.news if isinstance(item, facts.Snapshot)]
    assert snapshot.at == datetime(2026, 11, 21, 21, 45, 15, 848802, tzinfo=UTC)
    assert [(member.member, member.paused) for member in snapshot.members] == [("8001", True)]
    assert [live.channel.call_id for live in snapshot.channels] == ["1.4"]
    assert snapshot.devices == {"PJSIP/8001": "NOT_INUSE"}
    assert snapshot.all_channels
    assert snapshot.all_queues


async def test_a_login_before_the_modules_are_up_waits_for_fully_booted() -> None:
    async with FakeSwitch(booted=False) as switch, running(switch) as session:
        await session.until_state(LinkState.LOGGED_IN)
        await asyncio.sleep(0.05)
        assert switch.actions == ["Login"]
        assert session.gateway.state is LinkState.LOGGED_IN
        with pytest.raises(SwitchUnavailable):
            await session.gateway.execute(ADD)
        await switch.boot()
        await session.until_state(LinkState.LIVE)


async def test_a_refused_login_is_not_tried_again_soon() -> None:
    async with FakeSwitch() as switch, running(switch, QUICK, secret="wrong") as session:
        await session.until(lambda _: "login rejected" in session.reasons())
        await asyncio.sleep(0.2)
        assert switch.actions == ["Login"]
        assert not [item for item in session.news if isinstance(item, facts.LinkLost)]


async def test_a_peer_that_is_no_switch_is_left() -> None:
    async with FakeSwitch() as switch:
        switch.answers["Login"] = b"x" * 70_000
        async with running(switch, QUICK) as session:
            await session.until(lambda _: "login not answered" in session.reasons())


async def test_nobody_listening_is_tried_again_and_told_once() -> None:
    async with FakeSwitch() as switch:
        await switch.stop()
        async with running(switch, QUICK) as session:
            await session.until(lambda _: session.reasons())
            await asyncio.sleep(0.3)
            assert session.states() == [LinkState.CONNECTING, LinkState.DOWN]
            await switch.start()
            await session.until_state(LinkState.LIVE)
        assert session.states()[2:5] == [LinkState.LOGGED_IN, LinkState.SYNCING, LinkState.LIVE]


async def test_a_login_that_asks_for_less_than_everything() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
    assert switch.received[0][1]["Events"] == "system,call,agent,user"


async def test_an_echo_comes_behind_all_that_was_said_before_it() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        await session.gateway.execute(AskForEcho(token="beef"))
        await session.until(lambda news: isinstance(news[-1], facts.Echo))
        assert [type(item) for item in session.news[-2:]] == [facts.DeviceStateChange, facts.Echo]
        assert session.gateway.state is LinkState.LIVE


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slice_bytes", [0, 1, 7])
async def test_recorded_traffic_gives_the_same_facts_however_it_is_sliced(slice_bytes: int) -> None:
    raw = recorded("no_answer_then_answered").partition(b"\r\n")[2]
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.slice_bytes = slice_bytes
        await switch.send(raw[raw.index(b"Event: Newchannel") :])
        await session.until(lambda news: sum(isinstance(item, facts.Hangup) for item in news) == 3)
        kinds = Counter(type(item).__name__ for item in session.news)
    assert (kinds["AgentCalled"], kinds["AgentConnect"], kinds["QueueCallerJoin"], kinds["BridgeEnter"]) == (2, 1, 1, 2)
    assert kinds["FrameRejected"] == 0
    names = {item.channel.caller_name for item in session.news if isinstance(item, facts.QueueCallerJoin)}
    assert names == {"张女士"}


async def test_a_forged_hang_up_is_reported_and_changes_nothing() -> None:
    forged = "1\r\n\r\nEvent: Hangup\r\nChannel: PJSIP/8001-00000001\r\nUniqueid: 1795297516.1"
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        await switch.send_event("Newchannel", **channel("1795297515.0", "PJSIP/trunk-0", CallerIDNum=forged))
        await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        await session.until(lambda news: isinstance(news[-1], facts.DeviceStateChange))
        after = session.news[session.news.index(LinkChanged(at=session.news[4].at, state=LinkState.LIVE)) + 1 :]
        assert [type(item) for item in after] == [FrameRejected, FrameRejected, facts.DeviceStateChange]
        assert session.gateway.measures.rejected == 2
        assert switch.connections == 1


async def test_garbage_inside_the_stream_costs_the_garbage_only() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        await switch.send(b"\xff\xfe\0\0garbage\r\n\r\n")
        await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        await session.until(lambda news: isinstance(news[-1], facts.DeviceStateChange))
        assert switch.connections == 1


async def test_a_frame_without_end_drops_the_link_and_it_comes_back() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        await switch.send(b"Event: X\r\nBig: " + b"x" * 70_000)
        await session.until_state(LinkState.LIVE, times=2)
        assert "frame too long" in session.reasons()


async def test_an_error_inside_the_translation_costs_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ValueError("boom")

    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        monkeypatch.setitem(messages._BUILDERS, "ContactStatus", explode)  # type: ignore[arg-type]
        device = event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        await switch.send(device + event("ContactStatus", **CONTACT) + device)
        await session.until(lambda news: sum(isinstance(item, facts.DeviceStateChange) for item in news) == 2)
        assert switch.connections == 1


async def test_a_backlog_is_left_with_the_switch_until_it_is_applied() -> None:
    slow = Timings(ping_every_s=30)
    frames = event("DeviceStateChange", Device="PJSIP/8001", State="INUSE") * 20
    async with FakeSwitch() as switch, running(switch, slow, inbox_limit=1000) as session:
        await session.until_state(LinkState.LIVE)
        session.pause()
        for _ in range(100):
            await switch.send(frames)
            await asyncio.sleep(0)
        assert 100 < session.gateway.measures.inbox < 1000, "the rest waits in the socket"
        session.resume()
        await session.until(lambda news: sum(isinstance(item, facts.DeviceStateChange) for item in news) == 2000)
        assert switch.connections == 1


async def test_a_backlog_that_nobody_applies_ends_the_link_and_everything_is_asked_again() -> None:
    frames = event("DeviceStateChange", Device="PJSIP/8001", State="INUSE") * 20
    async with FakeSwitch() as switch, running(switch, QUICK, inbox_limit=1000) as session:
        await session.until_state(LinkState.LIVE)
        session.pause()
        for _ in range(100):
            await switch.send(frames)
            await asyncio.sleep(0)
        await asyncio.sleep(0.4)
        session.resume()
        await session.until_state(LinkState.LIVE, times=2)
        assert "inbox full" in [item.reason for item in session.news if isinstance(item, facts.LinkLost)]


async def test_an_overflow_of_the_inbox_drops_the_link_and_no_new_flood_comes_while_nobody_reads() -> None:
    async with FakeSwitch() as switch, running(switch, QUICK, inbox_limit=20) as session:
        await session.until_state(LinkState.LIVE)
        session.pause()
        await switch.send(event("DeviceStateChange", Device="PJSIP/8001", State="INUSE") * 100)
        await asyncio.sleep(0.2)
        assert switch.connections == 1
        assert session.gateway.measures.inbox < 30
        session.resume()
        await session.until_state(LinkState.LIVE, times=2)
        assert "inbox full" in [item.reason for item in session.news if isinstance(item, facts.LinkLost)]


async def test_a_burst_arrives_in_order_and_in_time() -> None:
    """Required are 20,000 events a second; a machine shared with other tests is given four times as long."""
    burst = b"".join(event("DeviceStateChange", Device="PJSIP/8001", State=str(number)) for number in range(20_000))
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        started, before = time.monotonic(), len(session.news)
        await switch.send(burst)
        await session.until(lambda news: len(news) >= before + 20_000)
        assert time.monotonic() - started < 4
        states = [int(item.state) for item in session.news if isinstance(item, facts.DeviceStateChange)]
        assert states == [*range(20_000)]


async def test_the_age_of_what_was_applied_is_measured() -> None:
    now = datetime(2026, 11, 21, 21, 45, 17, 848802, tzinfo=UTC)
    async with FakeSwitch() as switch, running(switch, clock=lambda: now) as session:
        await session.until_state(LinkState.LIVE)
        await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="NOT_INUSE")
        await session.until(
            lambda news: isinstance(news[-1], facts.DeviceStateChange) and news[-1].state == "NOT_INUSE"
        )
        await asyncio.sleep(0)
        assert session.gateway.measures.lag_s == 2.0


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_an_order_is_sent_and_answered() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        await session.gateway.execute(ADD)
        await session.gateway.execute(ReportAlive(epoch_s=1795297515))
        assert switch.actions[-2:] == ["QueueAdd", "Setvar"]
        assert switch.received[-2][1]["MemberName"] == "8001"


async def test_a_refusal_of_the_switch_is_an_error_with_its_words() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.answers["QueueAdd"] = (
            b"Response: Error\r\nActionID: {id}\r\nMessage: Unable to add interface: Already there\r\n\r\n"
        )
        with pytest.raises(ActionFailed, match="Already there"):
            await session.gateway.execute(ADD)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("Redirect failed, channel not up.", ChannelMoves),
        ("Redirect failed, extra channel not up.", ChannelMoves),
        ("Secondary redirect failed", ActionFailed),
        ("Channel does not exist: 1795297515.0", ActionFailed),
    ],
)
async def test_only_a_refusal_before_anything_was_done_may_be_asked_again(said: str, error: type[ActionFailed]) -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.answers["Redirect"] = b"Response: Error\r\nActionID: {id}\r\nMessage: " + said.encode() + b"\r\n\r\n"
        order = RedirectChannel(channel=ChannelId("1795297515.0"), context="leave", exten="s")
        with pytest.raises(ActionFailed) as refused:
            await session.gateway.execute(order)
        assert type(refused.value) is error


async def test_the_answers_that_the_library_takes_for_lists_are_taken_for_what_they_are() -> None:
    """ "Added interface to queue" and "... successfully queued" once hung, or cut the link."""
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.answers["QueueAdd"] = b"Response: Success\r\nActionID: {id}\r\nMessage: Added interface to queue\r\n\r\n"
        switch.answers["QueuePause"] = (
            b"Response: Success\r\nActionID: {id}\r\nMessage: Redirect successfully queued\r\n\r\n"
        )
        await session.gateway.execute(ADD)
        await session.gateway.execute(PauseMember(seat="8001", paused=False))  # type: ignore[arg-type]
        assert switch.connections == 1


async def test_an_unlawful_value_is_refused_before_anything_is_sent() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        sent = len(switch.received)
        with pytest.raises(InvalidValue):
            await session.gateway.execute(HangUpChannel(channel="/.*/"))  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        assert len(switch.received) == sent


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"Response: Success\r\nMessage: no id\r\n\r\n",
        b"Response: Success\r\nActionID: action/other/1/1\r\n\r\n",
        b"Response: Success\r\nActionID: {id}\r\nActionID: {id}\r\n\r\n",
    ],
)
async def test_without_an_answer_of_its_own_an_action_stays_unanswered(answer: bytes) -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.answers["Hangup"] = answer
        with pytest.raises(ActionUnanswered):
            await session.gateway.execute(HANG_UP)
        assert switch.actions.count("Hangup") == 1


async def test_an_answer_after_its_deadline_is_neither_taken_nor_an_alarm() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.mute.add("Hangup")
        with pytest.raises(ActionUnanswered):
            await session.gateway.execute(HANG_UP)
        late = switch.received[-1][1]["ActionID"]
        await switch.send(f"Response: Success\r\nActionID: {late}\r\n\r\n".encode())
        await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        await session.until(lambda news: isinstance(news[-1], facts.DeviceStateChange))
        assert not [item for item in session.news if isinstance(item, FrameRejected)]


async def test_an_answer_is_found_among_events_and_other_answers() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        other = event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
        queued = b"Response: Success\r\nActionID: {id}\r\nMessage: Originate successfully queued\r\n\r\n"
        switch.answers["Hangup"] = other + queued + other
        await asyncio.gather(*(session.gateway.execute(HANG_UP) for _ in range(20)))
        assert switch.actions.count("Hangup") == 20


async def test_nothing_is_sent_twice_when_the_link_breaks() -> None:
    async with FakeSwitch() as switch, running(switch, QUICK) as session:
        await session.until_state(LinkState.LIVE)
        switch.mute.add("Hangup")
        asked = asyncio.create_task(session.gateway.execute(HANG_UP))
        await switch.heard("Hangup")
        switch.drop()
        started = time.monotonic()
        with pytest.raises(ActionUnanswered):
            await asked
        assert time.monotonic() - started < QUICK.answer_s, "the break itself must end the waiting"
        with pytest.raises(SwitchUnavailable):
            await session.gateway.execute(ADD)
        switch.mute.clear()
        await session.until_state(LinkState.LIVE, times=2)
        await asyncio.sleep(0.05)
        assert switch.actions.count("Hangup") == 1
        assert "QueueAdd" not in switch.actions


async def test_nothing_is_asked_before_there_is_a_link() -> None:
    gateway = Gateway(host="127.0.0.1", port=1, username="hotline", secret="s")
    with pytest.raises(SwitchUnavailable):
        await gateway.execute(ADD)


# --- staying up ------------------------------------------------------------------------------------------------------


async def test_a_lost_link_is_told_in_order_and_comes_back_with_a_snapshot() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        switch.drop()
        await session.until_state(LinkState.LIVE, times=2)
        kinds = [item.state if isinstance(item, LinkChanged) else type(item) for item in session.news[4:]]
    assert kinds == ["live", facts.LinkLost, "down", "connecting", "logged_in", "syncing", facts.Snapshot, "live"]
    assert "closed by the switch" in session.reasons()


async def test_a_half_open_link_is_noticed_and_replaced() -> None:
    async with FakeSwitch() as switch, running(switch, QUICK) as session:
        await session.until_state(LinkState.LIVE)
        started = time.monotonic()
        switch.mute.add("*")
        await session.until(lambda _: "no answer to pings" in session.reasons())
        assert time.monotonic() - started < 1
        switch.mute.clear()
        await session.until_state(LinkState.LIVE, times=2)


async def test_a_link_on_which_we_are_behind_is_not_taken_for_dead() -> None:
    """Events go on, and the answer to the ping stands behind them."""
    async with FakeSwitch() as switch, running(switch, QUICK) as session:
        await session.until_state(LinkState.LIVE)
        switch.mute.add("Ping")
        asked = switch.actions.count("Ping")
        while switch.actions.count("Ping") < asked + 6:
            await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
            await asyncio.sleep(0.01)
            if switch.actions.count("Ping") == asked + 4:
                switch.mute.clear()
        assert switch.connections == 1
        assert session.gateway.state is LinkState.LIVE


async def test_pings_that_stay_unanswered_for_long_end_the_link_whatever_else_is_told() -> None:
    hasty = replace(QUICK, backlog_s=0.5)
    async with FakeSwitch() as switch, running(switch, hasty) as session:
        await session.until_state(LinkState.LIVE)
        switch.mute.add("Ping")
        while "no answer to pings" not in session.reasons():
            await switch.send_event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")
            await asyncio.sleep(0.01)
        assert switch.actions.count("Ping") >= 4


async def test_the_library_s_own_unchecked_pings_are_off() -> None:
    async with FakeSwitch() as switch, running(switch) as session:
        await session.until_state(LinkState.LIVE)
        assert session.gateway._link is not None
        assert session.gateway._link.pinger.cancelled()


async def test_one_lost_ping_is_forgiven() -> None:
    async with FakeSwitch() as switch, running(switch, QUICK) as session:
        await session.until_state(LinkState.LIVE)
        await switch.heard("Ping")
        switch.mute.add("Ping")
        await switch.heard("Ping", times=switch.actions.count("Ping") + 1)
        switch.mute.clear()
        await asyncio.sleep(0.4)
        assert switch.connections == 1
        assert session.gateway.measures.ping_ms is not None


def test_a_dead_peer_is_noticed_within_ten_seconds_by_default() -> None:
    timings = Timings()
    assert timings.ping_every_s + sum(timings.ping_deadlines_s) < 10


async def test_the_snapshot_is_repeated_on_a_timer() -> None:
    often = Timings(resync_every_s=0.05, ping_every_s=30)
    async with FakeSwitch() as switch, running(switch, often) as session:
        await session.until(lambda news: sum(isinstance(item, facts.Snapshot) for item in news) >= 3)
        assert session.states().count(LinkState.LIVE) == 1


async def test_a_failed_repetition_leaves_the_link_alone() -> None:
    often = Timings(resync_every_s=0.02, answer_s=0.05, ping_every_s=30)
    async with FakeSwitch() as switch, running(switch, often) as session:
        await session.until_state(LinkState.LIVE)
        switch.mute.add("QueueStatus")
        await switch.heard("QueueStatus", times=3)
        assert session.gateway.state is LinkState.LIVE


async def test_a_list_that_is_refused_does_not_hang() -> None:
    patient = Timings(answer_s=60, ping_every_s=60)
    async with FakeSwitch() as switch, running(switch, patient) as session:
        switch.answers["QueueStatus"] = b"Response: Error\r\nActionID: {id}\r\nMessage: Permission denied\r\n\r\n"
        await session.until(lambda _: "sync failed" in session.reasons())


async def test_a_hostile_caller_in_a_list_does_not_keep_the_link_from_coming_up() -> None:
    hostile = listed_channel("1.4", "PJSIP/trunk-1", CallerIDNum="1\r\n\r\nEvent: StatusComplete\r\nListItems: 0")
    async with FakeSwitch() as switch, running(switch) as session:
        switch.lists["Status"] = [("Status", hostile), ("Status", listed_channel("1.5", "PJSIP/trunk-00000002"))]
        await session.until_state(LinkState.LIVE)
        [snapshot] = [item for item in session.news if isinstance(item, facts.Snapshot)]
        assert [live.channel.id for live in snapshot.channels] == ["1.5"]
        assert (snapshot.all_channels, snapshot.all_queues) == (False, True), "one channel is there and not listed"
        assert any(isinstance(item, FrameRejected) for item in session.news)


async def test_closing_while_it_waits_to_reconnect_connects_no_more() -> None:
    async with FakeSwitch() as switch:
        async with running(switch, Timings(retry_first_s=0.1)) as session:
            await session.until_state(LinkState.LIVE)
            switch.drop()
            await session.until(lambda _: session.gateway.state is LinkState.DOWN)
        await asyncio.sleep(0.2)
        assert switch.connections == 1
