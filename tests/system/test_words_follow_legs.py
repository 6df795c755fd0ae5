"""Words follow the legs of a call, whoever comes, goes, waits or is cut off: nothing is lost, nothing is said twice.

On a real switch, with taps beside real legs. Everybody speaks a second and is quiet for one; the recogniser writes
whose leg it is and how many times it has spoken.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

from api.live.hub import Hub
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedStream
from asr.transcript import Speaker
from telephony.calls import CallPhase
from telephony.commands import BringTogether, GoPrivate, LeaveCall
from telephony.events import LinkState
from telephony.targets import Target, TargetKind
from telephony.transfers import TransferState
from tests.fakes.loudness import LevelDetector
from tests.fakes.rtp_sound import Sound
from tests.fakes.sip_phones import SipPhone, Talk
from tests.fakes.tcp_path import TcpPath
from tests.system.parties import Conversation, Parties, centre, parties, transfer, until
from tests.system.switch import RunningSwitch
from tests.system.words import Kept, read_along

pytestmark = pytest.mark.asterisk

REST_S = 1.0
EVERY_S = 1.0 + REST_S
SOON_S = 3.0


class Counting(ScriptedRecognizer):
    """Each leg has a letter, in the order in which they were first followed."""

    def __init__(self) -> None:
        super().__init__({})
        self.legs: list[str] = []

    def open(self, stream_id: str) -> ScriptedStream:
        self.legs.append(stream_id)
        letter = chr(ord("A") + len(self.legs) - 1)
        return ScriptedStream(self, [Line(start_s=0.0, end_s=1.0, text=f"{letter}{n}") for n in range(1, 100)])


@dataclass
class Room:
    """One conversation with its sound and its words."""

    all_: Parties
    talk: Conversation
    kept: Kept
    path: TcpPath
    engine: Counting
    hub: Hub
    sounds: AsyncExitStack

    async def speaks(self, phone: SipPhone, talk: Talk, tone_hz: float) -> None:
        sound = Sound(phone.host, phone.port + 500, tone_hz, rest_s=REST_S)
        await self.sounds.enter_async_context(sound)
        sound.speak_to(talk.media)

    def letter(self, role: str) -> str:
        """Of the latest leg in that role that is still there."""
        [channel] = [leg.channel for leg in self.talk.call.legs if leg.role == role and leg.ended_at is None][-1:]
        [place] = [n for n, stream in enumerate(self.engine.legs) if stream.endswith(f"/{channel}")]
        return chr(ord("A") + place)

    def letters(self, speaker: Speaker) -> list[str]:
        """Of that role's legs which have said anything, in the order of their first words."""
        return list(dict.fromkeys(turn.text[0] for _, turn in self.kept.turns if turn.speaker is speaker))

    def shown(self, speaker: Speaker, letter: str) -> bool:
        """Some word of that leg, final or not, is on the screens."""
        turns = self.hub.picture(self.talk.call_id).transcript
        return any(turn["who"] == speaker and turn["text"].startswith(letter) for turn in turns)

    async def first_words(self, speaker: Speaker, letter: str) -> float:
        """Seconds until they are shown."""
        return await until(lambda: self.shown(speaker, letter), 10)

    async def goes_on(self, *letters: str, turns: int = 2) -> None:
        """Each of these legs says so much more."""
        before = {letter: len(self.kept.of(letter)) for letter in letters}
        await self.talk.until(
            lambda: all(len(self.kept.of(letter)) >= before[letter] + turns for letter in letters), 20
        )

    def one_after_the_other(self, letter: str, *, longest_pause_s: float = 1.5 * EVERY_S) -> None:
        """Numbered without a gap or a repeat, and never longer without a word than between two sentences."""
        turns = self.kept.of(letter)
        assert [turn.text for turn in turns] == [f"{letter}{n}" for n in range(1, 1 + len(turns))]
        pauses = [after.start_s - before.end_s for before, after in pairwise(turns)]
        assert pauses, f"{letter} said only {turns}"
        assert min(pauses) > 0.0
        assert max(pauses) < longest_pause_s, f"something of {letter} is missing: {pauses}"


@asynccontextmanager
async def followed(all_: Parties, path: TcpPath) -> AsyncIterator[Room]:
    """A citizen and an operator talk, and what they say is being read."""
    kept, engine = Kept(), Counting()
    async with read_along(all_, engine, kept, detector=LevelDetector) as hub, AsyncExitStack() as sounds:
        talk = await all_.talk()
        room = Room(all_, talk, kept, path, engine, hub, sounds)
        await room.speaks(all_.citizens, talk.citizen, 500)
        await room.speaks(all_.desks[talk.agent], talk.operator, 700)
        yield room
        await all_.clear(talk)


@pytest.fixture
async def room(centres: RunningSwitch) -> AsyncIterator[Room]:
    with TcpPath(centres.ports.ami) as path:
        async with parties(centres, ami_port=path.port) as all_, followed(all_, path) as room:
            await until(lambda: room.letters(Speaker.CALLER) and room.letters(Speaker.AGENT))
            yield room


async def test_the_centre_and_the_next_operator_are_heard_as_soon_as_they_speak(room: Room) -> None:
    all_, talk = room.all_, room.talk
    citizen, operator = room.letter("citizen"), room.letter("operator")
    own = {"call_id": talk.call_id, "agent_id": talk.agent}

    await transfer(talk, centre("110"))
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    [far] = all_.at_centre("110", talk.number)
    await room.speaks(all_.far["110"][0], far, 900)
    await talk.until(lambda: len(room.engine.legs) == 3)
    police = room.letter("centre")
    assert await room.first_words(Speaker.CENTRE, police) < SOON_S
    await room.goes_on(citizen, operator, police)

    far.hang_up()
    await talk.until(lambda: talk.transfer.state is TransferState.ENDED)
    other = await all_.seat()
    await transfer(talk, Target(kind=TargetKind.AGENT, value=other))
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    [phone] = [one for one in all_.desks[other].talks.values() if not one.ended.is_set()]
    await room.speaks(all_.desks[other], phone, 1100)
    await all_.ask(LeaveCall(**own))
    await talk.until(lambda: talk.call.answered_by == other)
    came_s = time.monotonic()
    await talk.until(lambda: len(room.engine.legs) == 4)
    second = room.letter("operator")
    await room.first_words(Speaker.AGENT, second)
    assert time.monotonic() - came_s < SOON_S
    await room.goes_on(citizen, second)

    talk.citizen.hang_up()
    await talk.until(lambda: room.kept.accounts)
    await all_.leave(other)
    for letter in (citizen, operator, police, second):
        room.one_after_the_other(letter)
    assert room.letters(Speaker.AGENT) == [operator, second]
    assert room.letters(Speaker.CENTRE) == [police]
    [account] = room.kept.accounts
    assert account.unheard_s < 1.0


async def test_hold_a_private_word_and_a_lost_link_to_the_switch_lose_and_double_nothing(room: Room) -> None:
    all_, talk = room.all_, room.talk
    citizen, operator = room.letter("citizen"), room.letter("operator")
    own = {"call_id": talk.call_id, "agent_id": talk.agent}
    await room.goes_on(citizen, operator)

    talk.operator.hold(True)
    await talk.until(lambda: talk.call.phase is CallPhase.HELD)
    await room.goes_on(citizen, turns=1)
    talk.operator.hold(False)
    await talk.until(lambda: talk.call.phase is CallPhase.TALKING)
    await room.goes_on(citizen, operator)

    room.path.cut()
    await until(lambda: all_.process.runner.link is not LinkState.LIVE)
    await room.goes_on(citizen, operator, turns=1)
    room.path.mend()
    await until(lambda: all_.process.runner.link is LinkState.LIVE)
    await room.goes_on(citizen, operator)

    await transfer(talk, centre("110"))
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    await all_.ask(GoPrivate(**own))
    await talk.until(lambda: talk.transfer.state is TransferState.PRIVATE)
    await room.goes_on(operator)
    await all_.ask(BringTogether(**own))
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    await room.goes_on(citizen, operator)

    talk.citizen.hang_up()
    talk.operator.hang_up()
    await talk.until(lambda: room.kept.accounts)
    room.one_after_the_other(operator, longest_pause_s=8.0)
    room.one_after_the_other(citizen, longest_pause_s=12.0)
    assert len(room.engine.legs) == 3, "one stream for each leg, however often its tap was asked for"
