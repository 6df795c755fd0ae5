"""A recorded sound as the answer to a request."""

from __future__ import annotations

from pathlib import Path

from fastapi.responses import FileResponse

from telephony.media.encoders import MEDIA_TYPES


def sound(path: Path, name: str) -> FileResponse:
    """Played where it is asked for, in pieces if they are, and kept by nobody on the way."""
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[path.suffix],
        filename=f"{name}{path.suffix}",
        content_disposition_type="inline",
        headers={"Cache-Control": "private, no-store"},
    )
