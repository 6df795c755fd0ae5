"""Every setting of the server: HOTLINE_* in the environment, and the places and ports that follow from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Asia/Shanghai") from error
    return name


KEEP_DAYS: Mapping[str, int] = {"call": 730, "emergency": 1825, "message": 730}
"""The project's own figures; what is not set otherwise stays."""


def _over_defaults(given: Mapping[str, int]) -> dict[str, int]:
    if given.keys() - KEEP_DAYS.keys():
        raise ValueError(f"must be days by kind: {', '.join(KEEP_DAYS)}")
    return {**KEEP_DAYS, **given}


def _bearer(key: SecretStr) -> SecretStr:
    if any(not "!" <= char <= "~" for char in key.get_secret_value()):
        raise ValueError("must be printable ASCII without blanks")
    return key


def _json(example: str) -> BeforeValidator:
    """Reads a setting that is JSON. Beside it ``NoDecode``, or pydantic reads it first and refuses it by no name."""

    def read(given: object) -> object:
        if not isinstance(given, str):
            return given
        try:
            said = json.loads(given)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, type(json.loads(example))):
            raise ValueError(f"must be JSON, such as {example}")
        return said

    return BeforeValidator(read)


Place = Annotated[Path, AfterValidator(_absolute)]

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


class Settings(BaseSettings):
    """Read once by the command line and handed on; nothing below keeps a global copy."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", frozen=True, extra="ignore", validate_default=True)

    home: Place = Field(
        default=Path("~/.local/state/hotline"),
        description="State directory: database, models, recordings, keys, rendered switch, logs.",
    )
    cache: Place = Field(
        default=Path("~/.cache/hotline"),
        description="What several copies may share: Asterisk root, prompts, downloaded models.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port_base: int = Field(default=12345, ge=1024, le=63_000, description="Shifts every port.")
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy address of the database; SQLite in the state directory when unset."
    )
    demo: bool = Field(default=False, description="Demo sign-ins and simulated citizens exist; shown on the console.")

    cookie_secure: bool = Field(default=False, description="Send the session cookie by https only.")
    allowed_origins: Annotated[tuple[str, ...], NoDecode, _json('["https://hotline.example"]')] = Field(
        default=(), description="Further origins whose pages may open the live stream; our own is always allowed."
    )
    session_idle_s: float = Field(
        default=1800, gt=0, description="A session unused for so long ends, but not in a call."
    )
    session_absolute_s: float = Field(default=43_200, gt=0, description="No session lives longer, but for a call.")
    sign_in_failures: int = Field(default=5, gt=0, description="Failures per account and address before the lock.")
    sign_in_window_s: float = Field(
        default=900, gt=0, description="How far back failures count, and how long it locks."
    )
    password_threads: int = Field(default=2, gt=0, description="Argon2 runs in so many threads and in no others.")

    ticket_prefix: str = Field(default="GD", pattern=r"^[A-Z]{1,4}$", description="First letters of a ticket number.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Asia/Shanghai", description="Days of ticket numbers and of the figures."
    )
    line: str = Field(default="12345", pattern=r"^[0-9]{3,12}$")
    queue: str = Field(default="hotline", pattern=r"^[a-z0-9_-]{1,32}$")
    wrap_up_s: float = Field(default=60, gt=0)
    more_time_s: float = Field(default=600, ge=0, description="By so much, all told, one wrap-up may be extended.")
    ring_s: float = Field(default=15, gt=0, description="How long one seat rings; the dialplan's figure.")
    supervision_shown: bool = Field(
        default=False, description="Operators see on their screens that, and by whom, they are supervised."
    )
    callback_due_s: float = Field(default=1800, gt=0, description="A missed caller is to be called back within this.")
    callback_lease_s: float = Field(
        default=300, ge=30, description="How long a callback stays with whoever took it and does not call."
    )
    callback_tries: int = Field(default=3, gt=0, description="A callback ends after so many calls without an answer.")
    centre_push: Annotated[
        dict[str, Annotated[str, Field(pattern=r"^https?://[^\s]+$")]],
        NoDecode,
        _json('{"110": "https://centre.example/in"}'),
    ] = Field(default_factory=dict, description="Address to which the summary of a handoff is sent, by centre (JSON).")
    centre_push_key: SecretStr | None = Field(
        default=None, description="Signs what is sent to centres: HMAC-SHA256 of the body in X-Hotline-Signature."
    )
    switch_host: str = Field(default="127.0.0.1", description="Where Asterisk's manager and HTTP interfaces are.")
    sip_ws_url: str | None = Field(
        default=None, description="Address of SIP over WebSocket as the browsers reach it; the switch's own when unset."
    )
    queue_log: Place | None = Field(
        default=None, description="The switch's queue_log, as this server sees it; in the state directory when unset."
    )
    tap_host: str = Field(default="127.0.0.1", description="Loopback address on which the switch brings live audio.")

    llm_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s]+$",
        description="OpenAI-compatible address of a language model, before /chat/completions; unset: none is asked.",
    )
    llm_model: str = Field(default="", max_length=128, description="Name of that model.")
    llm_key: Annotated[SecretStr, AfterValidator(_bearer)] | None = Field(
        default=None, description="Sent to it as a bearer token."
    )
    llm_allow_personal: bool = Field(
        default=False, description="Send names, numbers and addresses unmasked; only to a model of one's own."
    )
    speech_engine: Literal["auto", "vosk", "whisper", "vosk_server", "funasr", "none"] = Field(
        default="auto", description="Which engine turns speech to text; auto takes the first that can run here."
    )
    speech_servers: Annotated[tuple[str, ...], NoDecode, _json('["ws://10.0.0.5:2700"]')] = Field(
        default=(),
        description="Addresses (ws://host:port) for vosk_server and funasr; #8000 after one is a C++ server's rate.",
    )
    speech_isolated: bool = Field(
        default=True, description="The engine runs in a process of its own, which is replaced when it fails."
    )
    speech_memory_mib: int = Field(default=3072, ge=256, description="What that process may hold.")
    speech_streams: int | None = Field(
        default=None, gt=0, description="Legs recognised at a time; measured at start when unset."
    )
    speech_whisper_places: bool = Field(
        default=False,
        description="Whisper too is told the names of places. The base model makes more mistakes by it; measure first.",
    )
    speech_adapt: bool = Field(
        default=True,
        description="A small Vosk model is made to expect the hotline's talk, places and names; see talk.txt.",
    )
    speech_fallback: bool = Field(default=True, description="Another engine stands in while the first is down.")
    speech_model: Place | None = Field(default=None, description="One model folder, instead of looking for one.")
    speech_language: str = Field(
        default="zh",
        pattern=r"^[a-z]{2,3}$",
        description="What the callers speak; for zh a Vosk model that knows no Chinese words is refused.",
    )
    speech_download: bool = Field(default=True, description="Fetch the small Mandarin model when there is none.")
    recording_keep_days: Annotated[
        dict[str, Annotated[int, Field(gt=0, le=36_500)]],
        NoDecode,
        _json('{"emergency": 3650}'),
        AfterValidator(_over_defaults),
    ] = Field(
        default_factory=dict,
        description="How many days recordings are kept, by kind (call, emergency, message); a hold keeps one longer.",
    )
    recording_least_free: float = Field(
        default=0.1, ge=0, lt=1, description="Free part of the disk below which supervisors are warned."
    )
    max_request_bytes: int = Field(default=1 << 20, gt=0, description="A longer request body is refused.")
    log_json: bool = Field(default=False, description="JSON log lines without personal keys, as in production.")

    # places ---------------------------------------------------------------------------------------------------------
    @property
    def config_file(self) -> Path:
        """The switch's topology; the packaged default serves where this file is missing."""
        return self.home / "hotline.toml"

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def recordings_dir(self) -> Path:
        return self.home / "recordings"

    @property
    def spool_dir(self) -> Path:
        """What waits for the database while it is away."""
        return self.home / "spool"

    @property
    def keys_dir(self) -> Path:
        return self.home / "keys"

    @property
    def switch_dir(self) -> Path:
        return self.home / "switch"

    @property
    def log_dir(self) -> Path:
        return self.home / "log"

    @property
    def queue_log_file(self) -> Path:
        return self.queue_log or self.switch_dir / "log" / "queue_log"

    @property
    def switch_secrets(self) -> Path:
        """The two passwords between the server and the switch."""
        return self.keys_dir / "switch.json"

    @property
    def shared_models_dir(self) -> Path:
        return self.cache / "models"

    @property
    def asterisk_root(self) -> Path:
        return self.cache / "asterisk-root"

    # ports ----------------------------------------------------------------------------------------------------------
    @property
    def web_port(self) -> int:
        return self.port_base

    @property
    def asterisk_http_port(self) -> int:
        return self.port_base + 1

    @property
    def ami_port(self) -> int:
        return self.port_base + 2

    @property
    def sip_port(self) -> int:
        return self.port_base + 3

    @property
    def tap_port(self) -> int:
        return self.port_base + 4

    @property
    def citizens_port(self) -> int:
        return self.port_base + 10

    @property
    def centres_port(self) -> int:
        return self.port_base + 11

    @property
    def rtp_ports(self) -> range:
        return range(self.port_base + 1000, self.port_base + 1400)

    @property
    def sipp_ports(self) -> range:
        return range(self.port_base + 1400, self.port_base + 1600)

    @property
    def session_cookie(self) -> str:
        """Browsers keep cookies by host, not by port: two copies on one host must not share one."""
        return f"hotline_session_{self.port_base}"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.web_port}"

    # derived --------------------------------------------------------------------------------------------------------
    @property
    def sip_ws(self) -> str:
        return self.sip_ws_url or f"ws://{self.switch_host}:{self.asterisk_http_port}/ws"

    @property
    def ari_url(self) -> str:
        return f"http://{self.switch_host}:{self.asterisk_http_port}"

    @property
    def database(self) -> str:
        """The address with its asynchronous driver: ``postgresql://`` becomes ``postgresql+psycopg://``."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.home / 'hotline.db'}"
        url = make_url(self.database_url.get_secret_value())
        return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername)).render_as_string(hide_password=False)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
