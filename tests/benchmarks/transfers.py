"""From the operator's click to the INVITE at the centre, on a real switch, beside a bare Originate over a plain socket.

``python -m tests.benchmarks.transfers [transfers]``. The click is the command at the server's own door: what browser
and HTTP add is measured elsewhere. The reference asks the same switch for the same leg with nothing of ours in between.
Both are taken in turns, with three conversations up.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from telephony.commands import CallTarget, DropTarget
from telephony.targets import TransferMode
from telephony.transfers import TransferState
from tests.system.parties import Conversation, Parties, centre, parties, plan, until
from tests.system.switch import starting

TRANSFERS = 50
TALKS = 3
ORIGINATE = (
    b"Action: Originate\r\nChannel: PJSIP/119\r\nContext: leave\r\nExten: s\r\nPriority: 1\r\nAsync: true\r\n\r\n"
)


async def clicked(talk: Conversation) -> float:
    """Milliseconds until the centre's phone has the INVITE, and the leg taken back again."""
    seen = len(talk.all_.at_centre("110", talk.number))
    began = time.monotonic()
    own = {"call_id": talk.call_id, "agent_id": talk.agent}
    await talk.all_.ask(CallTarget(**own, target=centre("110"), mode=TransferMode.THREE_WAY))
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    [*_, far] = talk.all_.at_centre("110", talk.number)[seen:]
    await talk.all_.ask(DropTarget(**own))
    await until(far.ended.is_set)
    return (far.invited_at - began) * 1000


class Bare:
    """A logged-in socket."""

    def __init__(self, all_: Parties) -> None:
        self.all_ = all_

    async def open(self) -> Bare:
        ports, secret = self.all_.switch.ports, self.all_.switch.secrets.ami
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", ports.ami)
        self._writer.write(f"Action: Login\r\nUsername: hotline\r\nSecret: {secret}\r\nEvents: off\r\n\r\n".encode())
        await self._reader.readuntil(b"Message: Authentication accepted\r\n\r\n")
        return self

    async def originate(self) -> float:
        first, _ = self.all_.far["119"]
        seen = len(first.talks)
        began = time.monotonic()
        self._writer.write(ORIGINATE)
        await self._writer.drain()
        await until(lambda: len(first.talks) > seen)
        [*_, far] = first.talks.values()
        await until(far.ended.is_set)
        return (far.invited_at - began) * 1000

    def close(self) -> None:
        self._writer.close()


async def measure(all_: Parties, transfers: int) -> tuple[list[float], list[float]]:
    talks = [await all_.talk() for _ in range(TALKS)]
    bare = await Bare(all_).open()
    ours, reference = [], []
    for number in range(transfers):
        ours.append(await clicked(talks[number % TALKS]))
        reference.append(await bare.originate())
    bare.close()
    for talk in talks:
        await all_.clear(talk)
    return ours, reference


def told(name: str, taken: list[float]) -> str:
    tail = quantiles(taken, n=100, method="inclusive")[98]
    return f"{name:28} p50 {median(taken):6.1f} ms   p99 {tail:6.1f} ms   longest {max(taken):6.1f} ms"


async def main(transfers: int) -> None:
    with tempfile.TemporaryDirectory() as place, starting(Path(place), plan()) as switch:
        async with parties(switch) as all_:
            ours, reference = await measure(all_, transfers)
    print(f"{transfers} transfers to 110")
    print(told("click to INVITE", ours))
    print(told("bare Originate to INVITE", reference))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else TRANSFERS))
