"""Every port of one copy of the hotline, as distances from one base, so that copies run side by side."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BASE = 12345
LAST_OFFSET = 1599


@dataclass(frozen=True, slots=True)
class Ports:
    """``base`` is HOTLINE_PORT_BASE. RTP and media ranges are inclusive."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65535 - LAST_OFFSET:
            raise ValueError(f"the port base must lie in 1024..{65535 - LAST_OFFSET}")

    @property
    def web(self) -> int:
        return self.base

    @property
    def http(self) -> int:
        """Asterisk's HTTP server: SIP over WebSocket under /ws, ARI under /ari."""
        return self.base + 1

    @property
    def ami(self) -> int:
        return self.base + 2

    @property
    def sip(self) -> int:
        return self.base + 3

    @property
    def taps(self) -> int:
        """Our AudioSocket server."""
        return self.base + 4

    @property
    def citizens(self) -> int:
        """The simulated trunk's own SIP port, where citizens are called."""
        return self.base + 10

    @property
    def centres(self) -> int:
        """The simulated centres' SIP port, the same on each of their addresses."""
        return self.base + 11

    @property
    def callers(self) -> int:
        """The SIP port from which simulated citizens, and centres, call."""
        return self.base + 12

    @property
    def rtp(self) -> tuple[int, int]:
        """Asterisk's own media."""
        return self.base + 1000, self.base + 1399

    @property
    def far_media(self) -> tuple[int, int]:
        """Media of simulated citizens and centres."""
        return self.base + 1400, self.base + 1599
