"""What citizens' telephones wrote down of their calls, beside what the records say of the same calls."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from api.store.engine import Store
from api.store.tables import CallbackCall, CallbackRecord, CallRecord

SLACK_S = 2.0
"""The switch's log states whole seconds, and a telephone says a moment later what the switch has done."""


@dataclass(kw_only=True, slots=True)
class Citizen:
    """One call from the far end: dialled, told who has answered, hung up."""

    number: str
    called_at: datetime
    told_at: datetime | None = None
    over_at: datetime | None = None


def written_down(log: str) -> list[Citizen]:
    """Lines ``step|number|date time epoch``, others are passed over."""
    found: dict[str, Citizen] = {}
    for line in log.splitlines():
        step, _, rest = line.strip().partition("|")
        number, _, at = rest.partition("|")
        if step not in ("called", "told", "over"):
            continue
        moment = datetime.fromtimestamp(float(at.split()[-1]), UTC)
        citizen = found.setdefault(number, Citizen(number=number, called_at=moment))
        if step == "told":
            citizen.told_at = citizen.told_at or moment
        elif step == "over":
            citizen.over_at = moment
    return list(found.values())


@dataclass(kw_only=True)
class Reckoning:
    """Numbers of citizens, by what is wrong with their records; all empty while each call has exactly one right one."""

    without_record: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    mistimed: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    """Who was answered stands there as missed, or the other way round."""
    strangers: int = 0
    """Records of nobody who called."""
    not_called_back: list[str] = field(default_factory=list)
    called_back_twice: list[str] = field(default_factory=list)
    called_back_in_vain: list[str] = field(default_factory=list)
    """They were answered."""

    @property
    def is_right(self) -> bool:
        return self == Reckoning()


@dataclass(kw_only=True, slots=True)
class Books:
    """All records of calls, and the callback items behind each call."""

    calls: Sequence[CallRecord]
    items: Mapping[str, int]
    """Of each number's hash, how many open items."""
    counted: Mapping[str, str]
    """Call -> the item that counts it."""


async def books(store: Store) -> Books:
    async with store.read() as session:
        calls = (await session.scalars(select(CallRecord))).all()
        items = await session.scalars(select(CallbackRecord.phone_hash))
        counted = await session.execute(select(CallbackCall.call_id, CallbackCall.callback_id))
        return Books(
            calls=calls,
            items=Counter(number for number in items if number is not None),
            counted=dict(counted.all()),
        )


def reckon(citizens: Iterable[Citizen], kept: Books, store: Store) -> Reckoning:
    """Compare both sides, call by call; citizens who have not hung up are left out."""
    result = Reckoning()
    by_number: defaultdict[str | None, list[CallRecord]] = defaultdict(list)
    for call in kept.calls:
        by_number[call.phone_hash].append(call)
    for citizen in citizens:
        phone_hash = store.keyring.phone_hash(citizen.number)
        records = by_number.pop(phone_hash, [])
        if citizen.over_at is None:
            continue
        if not records:
            result.without_record.append(citizen.number)
            continue
        if len(records) > 1:
            result.doubled.append(citizen.number)
        _compare(citizen, records[0], kept, kept.items.get(phone_hash or "", 0), result)
    result.strangers = sum(len(records) for records in by_number.values())
    return result


def _compare(citizen: Citizen, call: CallRecord, kept: Books, items: int, result: Reckoning) -> None:
    if wrong := _mistimed(citizen, call):
        result.mistimed.append(f"{citizen.number} {call.id}: {wrong}")
    answered = call.outcome == "answered"
    if answered is not (citizen.told_at is not None):
        result.misjudged.append(f"{citizen.number} {call.id}: {call.outcome}, told at {citizen.told_at}")
    if items > 1:
        result.called_back_twice.append(citizen.number)
    if answered and items:
        result.called_back_in_vain.append(citizen.number)
    if not answered and call.id not in kept.counted:
        result.not_called_back.append(citizen.number)


def _mistimed(citizen: Citizen, call: CallRecord) -> str:
    reached_at = datetime.fromtimestamp(int(call.id.partition(".")[0]), UTC)
    # on a busy machine the switch has the call a moment after it was dialled
    pairs = [
        ("arrived", max(citizen.called_at, reached_at), call.arrived_at),
        ("ended", citizen.over_at, call.ended_at),
    ]
    if citizen.told_at is not None and call.outcome == "answered":
        pairs.append(("answered", citizen.told_at, call.answered_at))
    off = {name: _apart(theirs, ours) for name, theirs, ours in pairs}
    if call.talk_s is not None and citizen.told_at is not None and citizen.over_at is not None:
        off["talk"] = call.talk_s - (citizen.over_at - citizen.told_at).total_seconds()
    wrong = (f"{name} {'missing' if by is None else f'{by:+.1f} s'}" for name, by in off.items() if _is_wrong(by))
    return ", ".join(wrong)


def _apart(theirs: datetime | None, ours: datetime | None) -> float | None:
    return (ours - theirs).total_seconds() if theirs is not None and ours is not None else None


def _is_wrong(by: float | None) -> bool:
    return by is None or abs(by) > SLACK_S
