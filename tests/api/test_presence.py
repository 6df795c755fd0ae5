"""A window that is gone for good takes its operator out of the line; one that is loaded again does not."""

from __future__ import annotations

import pytest

from api.shifts.presence import GRACE_S, Presence
from telephony.agents import Agent
from telephony.commands import Command, CommandOutcome, OutcomeKind, ReportDevice, WorkplacePart
from telephony.errors import SwitchUnavailable
from telephony.events import AgentStatus, PauseReason
from telephony.ids import AgentId
from tests.telephony.stage import Stage

ME = AgentId("8001")


class Watch:
    """Presence over a real switchboard, with a hand-turned clock."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.stage.go_live()
        self.stage.sign_in()
        self.now = 100.0
        self.away = False
        self.asked: list[Command] = []
        self.presence = Presence(agents=lambda: self.stage.board.agents, request=self._request, clock=lambda: self.now)

    @property
    def me(self) -> Agent:
        return self.stage.agent()

    async def after(self, seconds: float) -> None:
        self.now += seconds
        await self.presence.look()

    async def _request(self, command: Command) -> CommandOutcome:
        if self.away:
            raise SwitchUnavailable("down")
        self.asked.append(command)
        self.stage.ask(command)
        return CommandOutcome(kind=OutcomeKind.DONE)


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def test_a_closed_window_is_noticed_within_ten_seconds(watch: Watch) -> None:
    watch.presence.handle(ME, there=True)
    watch.presence.handle(ME, there=False)
    await watch.after(GRACE_S + 0.1)
    assert GRACE_S < 9
    assert (watch.me.status, watch.me.reasons) == (AgentStatus.PAUSED, {PauseReason.DEVICE_LOST})
    watch.presence.handle(ME, there=True)
    await watch.after(0.5)
    assert watch.me.status is AgentStatus.READY
    assert [type(one) for one in watch.asked] == [ReportDevice, ReportDevice]


async def test_a_window_that_is_loaded_again_is_not_missed(watch: Watch) -> None:
    watch.presence.handle(ME, there=True)
    watch.presence.handle(ME, there=False)
    await watch.after(GRACE_S - 0.1)
    watch.presence.handle(ME, there=True)
    await watch.after(GRACE_S)
    assert (watch.me.status, watch.asked) == (AgentStatus.READY, [])


async def test_who_never_had_a_window_is_not_watched(watch: Watch) -> None:
    await watch.after(60)
    assert (watch.me.status, watch.asked) == (AgentStatus.READY, [])


async def test_what_could_not_be_said_is_said_later(watch: Watch) -> None:
    watch.presence.handle(ME, there=True)
    watch.presence.handle(ME, there=False)
    watch.away = True
    await watch.after(GRACE_S + 1)
    assert watch.me.status is AgentStatus.READY
    watch.away = False
    await watch.after(1)
    assert watch.me.broken == {WorkplacePart.CONSOLE}


async def test_a_microphone_that_is_missing_stays_so_when_the_window_is_back(watch: Watch) -> None:
    watch.presence.handle(ME, there=True)
    watch.stage.ask(ReportDevice(agent_id=ME, works=False))
    watch.presence.handle(ME, there=False)
    await watch.after(GRACE_S + 1)
    watch.presence.handle(ME, there=True)
    await watch.after(1)
    assert watch.me.reasons == {PauseReason.DEVICE_LOST}
    watch.stage.ask(ReportDevice(agent_id=ME, works=True))
    assert watch.me.status is AgentStatus.READY
