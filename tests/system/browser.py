"""A real Chromium with a microphone that speaks, and the operator desk as a person uses it."""

from __future__ import annotations

import os
import shutil
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Playwright, expect, sync_playwright

from tests.fakes.spoken import Spoken
from tests.system.hotline import Account, Hotline

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
)
VIEWPORT = {"width": 1366, "height": 768}
ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("no Chromium: apt-get install chromium")


def microphone(place: Path, words: Spoken) -> Path:
    """A while of listening, the words, and a while again, as Chromium's fake microphone wants it."""
    path = place / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 16_000) + words.pcm + bytes(8 * 16_000))
    return path


class Windows:
    """Browsers that people use side by side, each with a profile of its own."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._open: list[BrowserContext] = []

    def open(self, url: str, *, profile: Path, microphone: Path | None = None, scripts: tuple[str, ...] = ()) -> Page:
        """One window on the console. ``microphone`` is a WAV file that is spoken again and again."""
        flags = [*FLAGS, *([f"--use-file-for-fake-audio-capture={microphone}"] if microphone else [])]
        context = self._playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=chromium(),
            headless=True,
            args=flags,
            ignore_default_args=["--mute-audio"],
            viewport=VIEWPORT,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        self._open.append(context)
        for script in ('localStorage.setItem("hotline.loopback", "1")', *scripts):
            context.add_init_script(script)
        page = context.new_page()
        page.goto(url)
        return page

    def close(self) -> None:
        for context in self._open:
            context.close()


@contextmanager
def windows() -> Iterator[Windows]:
    with sync_playwright() as playwright:
        made = Windows(playwright)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def console_page(url: str, *, microphone: Path | None = None, profile: Path) -> Iterator[Page]:
    """One window alone."""
    with windows() as made:
        yield made.open(url, profile=profile, microphone=microphone)


class Desk:
    """What an operator sees and does. Methods wait for what they are named after."""

    def __init__(self, page: Page, hotline: Hotline) -> None:
        self.page = page
        self.hotline = hotline
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"{message.text} {message.location.get('url', '')}")

    def __getitem__(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def sign_in(self, account: Account) -> None:
        self["username"].fill(account.username)
        self["password"].fill(account.password)
        self["sign-in"].click()
        expect(self["desk"].or_(self["supervisor-desk"])).to_be_visible(timeout=15_000)

    def start_shift(self) -> None:
        """签入: the microphone opens, the phone registers, the seat becomes ready."""
        self["shift-sign-in"].click()
        expect(self["link-phone"]).to_have_attribute("data-state", "ok", timeout=20_000)
        self.expect_status("ready")

    def expect_status(self, status: str, timeout_s: float = 10) -> None:
        expect(self["status"]).to_have_attribute("data-status", status, timeout=timeout_s * 1000)

    def turns(self, who: str, *, final: bool | None = None) -> Locator:
        which = "" if final is None else f'[data-final="{str(final).lower()}"]'
        return self.page.locator(f'[data-who="{who}"]{which}')

    def field(self, name: str) -> Locator:
        """The input element of a text field."""
        found = self[f"field-{name}"]
        inner = found.locator("input, textarea")
        return inner if inner.count() else found

    def counters(self) -> dict[str, Any]:
        counters: dict[str, Any] = self.page.evaluate("window.__hotline.counters()")
        return counters

    def marks(self) -> list[dict[str, Any]]:
        marks: list[dict[str, Any]] = self.page.evaluate("window.__hotline.marks")
        return marks

    def seen_turns(self) -> list[dict[str, Any]]:
        turns: list[dict[str, Any]] = self.page.evaluate("window.__hotline.turns")
        return turns

    def screenshot(self, name: str) -> None:
        """Kept beside the test when HOTLINE_ARTIFACTS is set, for people to look at."""
        if os.environ.get("HOTLINE_ARTIFACTS"):
            ARTIFACTS.mkdir(exist_ok=True)
            self.page.screenshot(path=str(ARTIFACTS / f"{name}.png"))


def wait_for(condition: Any, what: str, timeout_s: float = 15.0) -> Any:
    """The first true value of ``condition()``."""
    deadline = time.monotonic() + timeout_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)
