"""Ids of the legs that we originate: the call's own id, what the leg is for, and a number (pure).

A number is given once in a call, to whatever leg. It grows with the time: none comes again after a restart of ours.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from telephony.ids import CallId, ChannelId


class Purpose(StrEnum):
    TARGET = "t"
    """Somebody whom the operator brings in."""
    WAY_BACK = "r"
    """The operator, who comes back into a call in which others talk on."""
    SUPERVISOR = "s"


DIGITS = 9
"""Enough for the seconds of thirty years."""
MARK = rf"-[rst][0-9]{{1,{DIGITS}}}"
"""What an id of ours ends with."""
TARGET_MARK = rf"-t[0-9]{{1,{DIGITS}}}"
_LEG = re.compile(rf".+-([rst])([0-9]{{1,{DIGITS}}})", re.ASCII)


def leg_of(call_id: CallId, purpose: Purpose, serial: int) -> ChannelId:
    return ChannelId(f"{call_id}-{purpose}{serial}")


def purpose_of(leg: ChannelId) -> Purpose | None:
    """What a leg of ours is for; None for every other channel."""
    found = _LEG.fullmatch(leg) if "-" in leg else None
    return Purpose(found[1]) if found else None


def serial_of(leg: ChannelId) -> int:
    """The number of a leg of ours; 0 for every other channel."""
    found = _LEG.fullmatch(leg) if "-" in leg else None
    return int(found[2]) if found else 0


def is_target(leg: ChannelId) -> bool:
    return purpose_of(leg) is Purpose.TARGET


def is_way_back(leg: ChannelId) -> bool:
    return purpose_of(leg) is Purpose.WAY_BACK


def is_supervisors(leg: ChannelId) -> bool:
    return purpose_of(leg) is Purpose.SUPERVISOR


def next_serial(call_id: CallId, last: int, now: datetime) -> int:
    """The number after ``last``, and no smaller than the age of the call in seconds, as far as its id tells."""
    began = call_id.partition(".")[0]
    age_s = int(now.timestamp()) - int(began) if began.isdecimal() else 0
    return max(last + 1, age_s if age_s < 10**DIGITS else 0)
