"""Cards of dangers heard in calls: how they follow the cues, who decides them, and that every fate is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.audit import verify_chain
from api.auth.permissions import Role
from api.cues import ledger
from api.cues.cards import TOUCHED, Card, CardState, decided, follow
from api.cues.ear import Ear, view
from api.cues.events import CueDecided
from api.live.parts import CueData
from api.store.engine import Store
from api.store.journaled import Codec
from api.store.tables import CallRecord, CueCard, User
from asr.cues import Action, Cue
from asr.transcript import Speaker, Turn
from telephony.events import CallEnded, CallOutcome
from telephony.ids import CallId
from tests.api.desk import START, Desk
from tests.api.serving import eventually

CALL = CallId("1.1")
FIRE = Cue(target="119", action=Action.TRANSFER_NOW, concern="fire", seg=1, start=0, end=3, text="着火了", score=1.2)
HURT = replace(FIRE, target="120", concern="unconscious", seg=3, text="叫不醒")
TAX = replace(FIRE, target="12366", action=Action.OFFER, concern="tax", text="退税")


def cards(*steps: Sequence[Cue], before: tuple[Card, ...] = ()) -> tuple[Card, ...]:
    for cues in steps:
        before = follow(before, cues, CALL, START)
    return before


def test_all_emergency_lines_share_a_card_and_a_service_line_has_its_own() -> None:
    found = cards([FIRE, HURT, TAX])
    assert [(card.targets, card.action) for card in found] == [
        (("119", "120"), Action.TRANSFER_NOW),
        (("12366",), Action.OFFER),
    ]


def test_a_later_event_raises_the_open_card_and_keeps_its_name() -> None:
    first, second = cards([FIRE]), cards([FIRE], [HURT, FIRE])
    assert second[0].id == first[0].id
    assert second[0].targets == ("120", "119")
    assert second[0].text == "叫不醒"


def test_what_the_caller_takes_back_clears_the_open_card() -> None:
    assert [card.state for card in cards([FIRE], [])] == [CardState.CLEARED]


def test_a_decided_card_stays_and_something_new_gets_a_card_of_its_own() -> None:
    opened = cards([FIRE])[0]
    dismissed = (decided(opened, CardState.DISMISSED, "去年的事"),)
    assert cards([FIRE], before=dismissed) == dismissed
    again = cards([replace(FIRE, seg=5)], before=dismissed)
    assert [card.state for card in again] == [CardState.DISMISSED, CardState.OPEN]
    acted = (decided(opened, CardState.ACTED, None),)
    assert cards([replace(FIRE, seg=5)], before=acted) == acted
    assert cards([FIRE, HURT], before=acted)[1].targets == ("120",)


def test_a_firm_that_should_hear_of_it_stands_on_the_card_and_alone_makes_none() -> None:
    firm = replace(FIRE, target="燃气企业", action=Action.NOTIFY)
    assert cards([firm]) == ()
    [card] = cards([FIRE, firm], [FIRE])
    assert (card.targets, view(card).notices) == (("119",), ["燃气企业"])


def test_what_is_said_in_anger_is_a_quiet_card_until_something_real_is_heard() -> None:
    angry = replace(FIRE, target="none", action=Action.SOFT_ALERT, concern="figurative")
    [card] = cards([angry])
    assert (view(card).action, view(card).targets, view(card).state) == ("soft_alert", [], "open")
    assert [each.state for each in cards([angry], [FIRE])] == [CardState.CLEARED, CardState.OPEN]
    dismissed = (decided(card, CardState.DISMISSED, None),)
    assert cards([angry], before=dismissed) == dismissed


def test_a_card_survives_in_the_spool_as_it_was() -> None:
    codec: Codec[Card] = Codec((Card,))
    [card] = cards([FIRE])
    assert codec.item(codec.text(card)) == card


def turn(text: str) -> Turn:
    return Turn(seg=1, rev=1, speaker=Speaker.CALLER, text=text, start_s=0, end_s=1, final=False)


class Screen:
    def __init__(self) -> None:
        self.shown: list[Sequence[CueData]] = []
        self.changed = asyncio.Event()

    def show(self, call_id: CallId, cues: Sequence[CueData]) -> None:
        self.shown.append(cues)
        self.changed.set()


async def test_the_ear_shows_a_card_from_a_partial_and_writes_it_behind(store: Store) -> None:
    screen = Screen()

    async def listen(turns: Sequence[Turn]) -> Sequence[Cue]:
        return [FIRE] if "着火" in turns[-1].text else []

    ear = Ear(store=store, listen=listen, show=screen.show, now=lambda: START)
    running = asyncio.create_task(ear.run())
    try:
        ear.heard(CALL, [turn("楼下着火了")])
        async with asyncio.timeout(5):
            await screen.changed.wait()
        assert [card.targets for card in screen.shown[0]] == [["119"]]
        assert await ear.drain(5.0)
        async with store.read() as session:
            assert [card.text for card in await ledger.cards_of(session, CALL)] == ["着火了"]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def a_card(desk: Desk) -> Card:
    card = cards([FIRE])[0]
    async with desk.shared.store.write() as session:
        await ledger.write(session, card)
    return card


async def test_a_party_dismisses_a_card_with_a_reason_and_it_counts_as_a_false_alarm(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    card = await a_card(desk)
    answer = await person.post(f"/calls/1.1/cues/{card.id}", {"action": "dismiss", "reason": "去年的事"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["reason"]) == ("dismissed", "去年的事")
    assert [event.card.state for event in desk.published if isinstance(event, CueDecided)] == [CardState.DISMISSED]
    again = await person.post(f"/calls/1.1/cues/{card.id}", {"action": "act"})
    assert again.status_code == 409
    async with desk.shared.store.write() as session:
        await ledger.write(session, replace(card, targets=("119", "120")))
    async with desk.shared.store.read() as session:
        assert (await ledger.cards_of(session, CALL))[0].targets == ("119",)
        assert (await verify_chain(session, desk.shared.store.keyring)).intact
        [fates] = await ledger.fates(session, START)
    assert (fates.shown, fates.dismissed, fates.reasons) == (1, 1, {"去年的事": 1})


async def test_who_dismisses_a_card_says_why(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    card = await a_card(desk)
    for reason in (None, "", "  "):
        answer = await person.post(f"/calls/1.1/cues/{card.id}", {"action": "dismiss", "reason": reason})
        assert (answer.status_code, "reason" in answer.text) == (422, True)
    async with desk.shared.store.read() as session:
        assert [card.state for card in await ledger.cards_of(session, CALL)] == [CardState.OPEN]


async def test_every_fate_is_counted(store: Store) -> None:
    fates = [
        *(CardState.ACTED, CardState.DISMISSED, CardState.DISMISSED, CardState.DISMISSED),
        *(CardState.CLEARED, CardState.OPEN, CardState.AFTERWARDS),
    ]
    reasons = {1: "past", 2: "past", 3: "misheard"}
    async with store.write() as session:
        for number, state in enumerate(fates):
            card = replace(cards([FIRE])[0], id=f"card-{number}", state=CardState.OPEN)
            await ledger.write(session, card if state in TOUCHED else replace(card, state=state))
            if state in TOUCHED:
                person = (await session.scalars(select(User.id))).first() or await a_user(session)
                await ledger.decide(session, CALL, card.id, state, reasons.get(number), person, START)
        await ledger.write(session, ledger.CallOver(call_id=CALL))
    async with store.read() as session:
        [one] = await ledger.fates(session, START)
    assert one == ledger.Fates(
        concern="fire",
        shown=6,
        acted=1,
        dismissed=3,
        reasons={"past": 2, "misheard": 1},
        cleared=1,
        ignored=1,
        afterwards=1,
    )


class Listener:
    """An ear's whole life over one call; ``over`` ends the call."""

    def __init__(self, store: Store) -> None:
        self.screen = Screen()
        self.over: set[CallId] = set()
        self.late: list[tuple[CallId, list[str]]] = []
        self.ear = Ear(
            store=store,
            listen=self._listen,
            show=self.screen.show,
            now=lambda: START,
            runs=lambda call_id: call_id not in self.over,
            late=lambda call_id, found: self.late.append((call_id, [card.text for card in found])),
        )

    @staticmethod
    async def _listen(turns: Sequence[Turn]) -> Sequence[Cue]:
        text = "".join(each.text for each in turns)
        return [FIRE] if "着火" in text else [TAX] if "退税" in text else []

    async def hear(self, text: str) -> None:
        shown = len(self.screen.shown)
        self.ear.heard(CALL, [turn(text)])
        await eventually(lambda: len(self.screen.shown) > shown)

    def end(self) -> None:
        self.over.add(CALL)
        self.ear.on_ended(
            CallEnded(at=START, call_id=CALL, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=1.0, talk_s=2.0)
        )

    async def written(self, store: Store) -> list[tuple[str, CardState]]:
        assert await self.ear.drain(5.0)
        async with store.read() as session:
            return [(card.concern, card.state) for card in await ledger.cards_of(session, CALL)]


@pytest.fixture
async def listener(store: Store) -> AsyncIterator[Listener]:
    made = Listener(store)
    running = asyncio.create_task(made.ear.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_card_nobody_touched_is_ignored_when_the_call_ends_and_a_decided_one_keeps_its_fate(
    store: Store, listener: Listener
) -> None:
    await listener.hear("我要退税")
    [offer] = await ledger_cards(store, listener)
    listener.ear.on_decided(CueDecided(card=decided(offer, CardState.ACTED, None)))
    async with store.write() as session:
        await ledger.decide(session, CALL, offer.id, CardState.ACTED, None, await a_user(session), START)
    await listener.hear("家里着火了")
    listener.end()
    assert sorted(await listener.written(store)) == [("fire", CardState.IGNORED), ("tax", CardState.ACTED)]
    assert sorted(card.state for card in listener.screen.shown[-1]) == ["acted", "ignored"]
    assert listener.late == []


async def test_a_danger_found_when_the_call_is_over_is_marked_and_told_once(store: Store, listener: Listener) -> None:
    listener.end()
    await listener.hear("楼下着火了")
    assert await listener.written(store) == [("fire", CardState.AFTERWARDS)]
    assert listener.late == [(CALL, ["着火了"])]
    listener.ear.heard(CALL, [turn("楼下着火了，着火了")])
    listener.ear.heard(CallId("1.2"), [turn("楼下着火了")])
    await eventually(lambda: len(listener.screen.shown) == 2)
    assert len(listener.late) == 1


async def test_a_danger_found_again_in_the_recording_is_no_news(store: Store, listener: Listener) -> None:
    await listener.hear("楼下着火了")
    listener.end()
    listener.ear.heard(CALL, [turn("楼下着火了，请快一点")])
    listener.ear.heard(CallId("1.2"), [turn("楼下着火了")])
    await eventually(lambda: len(listener.screen.shown) == 3)
    assert await listener.written(store) == [("fire", CardState.IGNORED)]
    assert listener.late == []


async def test_cards_left_open_by_an_earlier_run_are_closed_with_their_calls(store: Store) -> None:
    async with store.write() as session:
        for call_id, ended_at in (("1.1", START), ("1.2", None)):
            session.add(CallRecord(id=call_id, line="12345", arrived_at=START, answered_at=START, ended_at=ended_at))
            await ledger.write(session, replace(cards([FIRE])[0], id=f"card of {call_id}", call_id=call_id))
    ear = Ear(store=store, listen=Listener._listen, show=Screen().show, now=lambda: START)
    await ear.tidy()
    async with store.read() as session:
        states = {row.call_id: row.state for row in await session.scalars(select(CueCard))}
    assert states == {"1.1": "ignored", "1.2": "open"}


async def a_user(session: AsyncSession) -> int:
    user = User(
        username="a", display_name="A", role="operator", password_hash="", created_at=START, password_changed_at=START
    )
    session.add(user)
    await session.flush()
    return user.id


async def ledger_cards(store: Store, listener: Listener) -> tuple[Card, ...]:
    assert await listener.ear.drain(5.0)
    async with store.read() as session:
        return await ledger.cards_of(session, CALL)


async def test_only_a_party_or_a_supervisor_decides_a_card(desk: Desk) -> None:
    other, supervisor = await desk.person("8002"), await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking("1.1", "8001")
    card = await a_card(desk)
    path = f"/calls/1.1/cues/{card.id}"
    assert (await other.post(path, {"action": "act"})).status_code == 403
    assert (await supervisor.post(path, {"action": "act"})).status_code == 200
    assert (await supervisor.post("/calls/1.2/cues/" + card.id, {"action": "act"})).status_code == 404
    assert [row["acted"] for row in (await supervisor.get("/cues/fates")).json()] == [1]
    assert (await other.get("/cues/fates")).status_code == 403
