"""One NewType for each kind of identifier that telephony hands around."""

from __future__ import annotations

from typing import NewType

CallId = NewType("CallId", str)
"""Our own id of one conversation: the Uniqueid of the first leg, minted in the dialplan, inherited by every leg."""

ChannelId = NewType("ChannelId", str)
"""Asterisk's ``Uniqueid`` of one channel, e.g. ``1795297638.32``. Unique across restarts; channel names are not."""

BridgeId = NewType("BridgeId", str)
"""Asterisk's ``BridgeUniqueid``."""

AgentId = NewType("AgentId", str)
"""The work number (工号) of a person who takes calls, e.g. ``8001``."""

SeatId = NewType("SeatId", str)
"""The pjsip endpoint of a phone, e.g. ``8001``. A person signs in *to* a seat; in a queue it is ``PJSIP/<seat>``."""

QueueName = NewType("QueueName", str)
"""A queue of ``queues.conf``, e.g. ``hotline``."""

LineNumber = NewType("LineNumber", str)
"""A number that citizens dial, e.g. ``12345``."""

TapId = NewType("TapId", str)
"""The UUID under which one leg's live audio is delivered to us."""
