"""Everything that runs in a system test of the console: the switch, the server, people's windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.auth.permissions import Role
from tests.fakes.spoken import Spoken
from tests.system.browser import Desk, Windows, console_page, microphone, windows
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
    speech is recognised by Vosk; without, neither. Whatever asks before a page is left is told to leave it."""
    settings = {"speech_engine": "vosk" if words else "none"} | settings
    hotline = Hotline(home, switch.ports, **settings)
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


@dataclass
class House:
    """One switch and one server for many people, whose windows come and go."""

    switch: RunningSwitch
    hotline: Hotline
    accounts: Mapping[str, Account]
    windows: Windows
    words: Spoken | None = None

    def api(self, username: str) -> AbstractContextManager[httpx.Client]:
        return self.hotline.client(self.accounts[username])

    def desk(self, username: str, *, profile: str = "", scripts: tuple[str, ...] = ()) -> Desk:
        """A window in which this person has signed in. Whatever asks before a page is left is told to leave it."""
        home = self.hotline.settings.home
        sound = microphone(home, self.words) if self.words else None
        page = self.windows.open(
            self.hotline.url, profile=home / f"chromium-{profile or username}", microphone=sound, scripts=scripts
        )
        page.on("dialog", lambda dialog: dialog.accept())
        desk = Desk(page, self.hotline)
        desk.sign_in(self.accounts[username])
        return desk


@contextmanager
def open_house(
    switch: RunningSwitch, people: Mapping[str, Role], *, words: Spoken | None = None, **settings: object
) -> Iterator[House]:
    """``people``: work numbers, which are their seats and user names too. Supervisors take calls as well.

    ``words`` as in ``signed_in``.
    """
    hotline = Hotline(switch.asterisk.home.parent, switch.ports, speech_engine="vosk" if words else "none", **settings)
    accounts = {
        name: hotline.account(name, role, seat=name, queues=(hotline.settings.queue,)) for name, role in people.items()
    }
    with hotline, windows() as opened:
        hotline.wait_until_live(speech=words is not None)
        yield House(switch=switch, hotline=hotline, accounts=accounts, windows=opened, words=words)
