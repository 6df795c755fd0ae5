"""The link to the switch is cut, or dies without a word, while a centre rings: who answers meanwhile is not hung up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from telephony.events import LinkState
from telephony.transfers import TransferState
from tests.fakes.sip_phones import silent
from tests.fakes.tcp_path import TcpPath
from tests.system.parties import FIRST_SIGN_S, Parties, centre, centres, in_one_bridge, parties, transfer, until
from tests.system.switch import RunningSwitch, built_prompts, switch_source

pytestmark = pytest.mark.asterisk

__all__ = ["built_prompts", "centres", "switch_source"]

DEAF_S = FIRST_SIGN_S + 2.0


@pytest.fixture
async def path(centres: RunningSwitch) -> AsyncIterator[TcpPath]:
    with TcpPath(centres.ports.ami) as path:
        yield path


@pytest.fixture
async def everybody(centres: RunningSwitch, path: TcpPath) -> AsyncIterator[Parties]:
    async with parties(centres, ami_port=path.port) as made:
        yield made


@pytest.mark.parametrize("how", ["cut", "swallow"])
async def test_a_centre_that_answers_unheard_stays_in_the_call(everybody: Parties, path: TcpPath, how: str) -> None:
    talk = await everybody.talk()
    everybody.will["first", talk.number] = silent
    await transfer(talk, centre("110"))
    await talk.until(lambda: everybody.at_centre("110", talk.number))
    getattr(path, how)()
    await asyncio.sleep(DEAF_S)
    [far] = everybody.at_centre("110", talk.number)
    far.answer()
    await asyncio.sleep(0.5)
    path.mend()
    await until(lambda: everybody.process.runner.link is not LinkState.LIVE, 30)
    await until(lambda: everybody.process.runner.link is LinkState.LIVE, 30)
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    await asyncio.sleep(DEAF_S)
    assert (talk.transfer.state, talk.transfer.route) == (TransferState.JOINED, 1)
    assert in_one_bridge(talk, "centre")
    assert in_one_bridge(talk, "operator")
    assert talk.served
    assert not far.ended.is_set()
    assert everybody.at_centre("110", talk.number, way=2) == [], "nobody else was called"
    await everybody.clear(talk)


@pytest.mark.parametrize("how", ["cut", "swallow"])
async def test_a_way_that_stays_silent_is_given_up_once_we_hear_again(
    everybody: Parties, path: TcpPath, how: str
) -> None:
    talk = await everybody.talk()
    everybody.will["first", talk.number] = silent
    await transfer(talk, centre("110"))
    await talk.until(lambda: everybody.at_centre("110", talk.number))
    getattr(path, how)()
    await asyncio.sleep(DEAF_S)
    assert talk.transfer.route == 1
    path.mend()
    await talk.until(lambda: talk.transfer.route == 2, 30)
    await talk.until(lambda: everybody.at_centre("110", talk.number, way=2))
    assert talk.steps[1] in (("route_failed", "silent"), ("route_failed", "unavailable")), "the switch may be earlier"
    assert talk.served
    await everybody.clear(talk)
