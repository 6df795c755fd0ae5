"""Everything the switch knows, asked in one go, as one Snapshot: after each connect and on a timer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from telephony.ami import actions, messages
from telephony.ami.actions import Headers
from telephony.ami.frames import Frame
from telephony.errors import ActionFailed
from telephony.facts import LiveChannel, QueueEntry, QueueMember, Snapshot

_ZONE_STEP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a list, without the opening response and the closing event. ``whole``: as many as were sent."""

    items: Sequence[Frame]
    whole: bool


class Switch(Protocol):
    """What a snapshot needs of a link. Every method may raise a TelephonyError."""

    async def ask(self, headers: Headers) -> Frame: ...

    async def ask_list(self, headers: Headers) -> Listing: ...

    async def mark(self) -> datetime:
        """The server's time at a point of its stream before which everything has been read."""

    def booted_at(self) -> datetime:
        """A rough estimate (seconds) of when the switch started, in aware UTC."""


async def take_snapshot(switch: Switch) -> Snapshot:
    """The first mark gives the server's time before asking; the second lets all older events go ahead of the answer."""
    at = await switch.mark()
    core = await switch.ask(actions.core_status())
    channels = await switch.ask_list(actions.channel_status(messages.CALL_ID_VARIABLE, *messages.KEPT_VARIABLES))
    queues = await switch.ask_list(actions.queue_status())
    devices = await switch.ask_list(actions.device_states())
    await switch.mark()
    return Snapshot(
        at=at,
        started_at=started_at(core.headers, switch.booted_at()),
        channels=_channels(channels.items),
        members=_members(queues.items, at),
        entries=_entries(queues.items),
        devices=_devices(devices.items),
        all_channels=channels.whole,
        all_queues=queues.whole,
    )


def started_at(core: Mapping[str, str], estimate: datetime) -> datetime:
    """Exact start of the switch in UTC. It states its own local time without the zone: the estimate tells the zone.

    Raises ActionFailed where the answer cannot be read (a guess would look like a restart and end every call).
    """
    stated = f"{core.get('CoreStartupDate', '')} {core.get('CoreStartupTime', '')}"
    try:
        local = datetime.strptime(stated, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise ActionFailed("CoreStatus", "no start time") from None
    return local - round((local - estimate) / _ZONE_STEP) * _ZONE_STEP


def _channels(items: Sequence[Frame]) -> tuple[LiveChannel, ...]:
    return tuple(live for item in items if (live := messages.live_channel(item)) is not None)


def _members(items: Sequence[Frame], at: datetime) -> tuple[QueueMember, ...]:
    return tuple(messages.listed_member(item, at) for item in items if item.event == "QueueMember")


def _entries(items: Sequence[Frame]) -> tuple[QueueEntry, ...]:
    return tuple(messages.queue_entry(item) for item in items if item.event == "QueueEntry")


def _devices(items: Sequence[Frame]) -> dict[str, str]:
    return {
        item.headers["Device"]: item.headers["State"]
        for item in items
        if item.headers["Device"].startswith(messages.PHONE_PREFIX)
    }
