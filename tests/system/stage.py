"""Everything that runs in a system test of the console: the switch, the server, an operator's window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.auth.permissions import Role
from tests.fakes.spoken import Spoken
from tests.system.browser import Desk, console_page, microphone
from tests.system.hotline import Account, Hotline
from tests.system.switch import RunningSwitch

CITIZEN = "15433061709"


@dataclass
class Stage:
    switch: RunningSwitch
    hotline: Hotline
    operator: Account
    supervisor: Account
    desk: Desk

    def api(self, account: Account) -> AbstractContextManager[httpx.Client]:
        return self.hotline.client(account)


@contextmanager
def signed_in(switch: RunningSwitch, home: Path, *, words: Spoken | None = None, **settings: object) -> Iterator[Stage]:
    """An operator at seat 8001 who has signed in, not to the seat yet. With ``words`` the microphone speaks them and
    speech is recognised; without, neither. Whatever asks before a page is left is told to leave it."""
    hotline = Hotline(home, switch.ports, speech_engine="whisper" if words else "none", **settings)
    operator = hotline.account("8001", Role.OPERATOR, seat="8001")
    supervisor = hotline.account("9001", Role.SUPERVISOR)
    sound = microphone(home, words) if words else None
    with hotline:
        hotline.wait_until_live(speech=words is not None)
        with console_page(hotline.url, microphone=sound, profile=home / "chromium") as page:
            page.on("dialog", lambda dialog: dialog.accept())
            desk = Desk(page, hotline)
            desk.sign_in(operator)
            yield Stage(switch=switch, hotline=hotline, operator=operator, supervisor=supervisor, desk=desk)
