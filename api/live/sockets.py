"""The WebSocket underneath: uvicorn's, with a way to drop a stalled connection and a farewell when it stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.live.consoles import PeerGone
from api.live.feeds import encode
from api.live.messages import Bye, CloseCode

ABORT = "hotline.abort"
"""The scope extension under which the application finds the way to drop the connection."""

_FAREWELL = encode(Bye(code=CloseCode.DRAINING, retry=(0, 3000)).model_dump(mode="json")).encode()


class DroppableProtocol(WebSocketsSansIOProtocol):
    """For ``uvicorn.Config(ws=...)``. A writer that waits for a stalled reader cannot be ended through ASGI."""

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = dict(self.scope.get("extensions") or {})
        extensions[ABORT] = {"abort": self.transport.abort}
        self.scope["extensions"] = extensions
        await super().run_asgi()

    def shutdown(self) -> None:
        """The server stops: tell the console to come back in a moment, instead of a bare 1012."""
        if self.handshake_complete and not self.close_sent and not self.disconnected:
            self.conn.send_text(_FAREWELL)
            self.conn.send_close(CloseCode.DRAINING)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.queue.put_nowait({"type": "websocket.disconnect", "code": int(CloseCode.DRAINING)})
            self.close_sent = True
        super().shutdown()


class SocketPeer:
    """A ``consoles.Peer`` over Starlette's WebSocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        extension = (websocket.scope.get("extensions") or {}).get(ABORT)
        task = asyncio.current_task()
        assert task is not None
        self._abort: Callable[[], object] = extension["abort"] if extension else task.cancel

    async def receive(self) -> str:
        try:
            message = await self._websocket.receive()
        except (WebSocketDisconnect, RuntimeError) as error:
            raise PeerGone from error
        if message["type"] != "websocket.receive":
            raise PeerGone
        text = message.get("text")
        return text if text is not None else ""

    async def send(self, text: str) -> None:
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise PeerGone from error

    async def close(self, code: int) -> None:
        if self._websocket.application_state is WebSocketState.DISCONNECTED:
            return
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            await self._websocket.close(code)

    def abort(self) -> None:
        """Where the server gives no way to its transport, the task that serves the socket ends instead."""
        self._abort()
