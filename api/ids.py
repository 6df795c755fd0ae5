"""The ids in the address of a request: what shape each has."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

CALL_ID = r"^[0-9]{1,12}\.[0-9]{1,10}$"
"""As the switch mints it."""
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

CallIdPath = Annotated[str, Path(pattern=CALL_ID, description="The call id, as the switch minted it.", alias="call_id")]
UuidPath = Annotated[str, Path(pattern=UUID, alias="id")]
AgentPath = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,16}$")]
