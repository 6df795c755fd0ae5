"""hotline.toml read and checked: lines, queues, seats, trunks, centres, fallback. A mistake is told with its field."""

from __future__ import annotations

import tomllib
from importlib import resources
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

# Every text of a topology ends up in a configuration file of Asterisk, where a line end, ';', ',' or '[' would say more
# than its author meant. So each has its own small alphabet.
Number = Annotated[str, Field(pattern=r"^[0-9]{2,20}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")]
Title = Annotated[str, Field(pattern=r"^[\w ()（）·-]{1,40}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class TopologyError(ValueError):
    """hotline.toml cannot be used. ``problems`` are pairs of field (``queues[0].ring_s``) and rule."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {rule}" for field, rule in problems))
        self.problems = problems


def _network(value: str) -> str:
    try:
        ip_network(value, strict=True)
    except ValueError as error:
        raise ValueError("must be an IP address or network") from error
    return value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Line(_Part):
    """A number that citizens dial."""

    number: Number
    queue: Name
    prompts: list[Name] = ["greeting", "recording-notice"]
    priority: Annotated[int, Field(ge=0, le=100)] = 0


class Queue(_Part):
    name: Name
    strategy: Literal["rrmemory", "leastrecent", "fewestcalls", "random", "linear"] = "rrmemory"
    ring_s: Annotated[int, Field(ge=5, le=120)] = 15
    wrap_up_s: Annotated[int, Field(ge=0, le=600)] = 5
    service_level_s: Annotated[int, Field(ge=1, le=600)] = 15


class Seats(_Part):
    """Browser phones, one endpoint for each number from ``first`` to ``last``."""

    first: Annotated[int, Field(ge=1000, le=999999)]
    last: Annotated[int, Field(ge=1000, le=999999)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= self.last - self.first < 1000:
            raise ValueError("last must not be before first, and there are at most 1000 seats")
        return self

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(self.first, self.last + 1))


class _Peer(_Part):
    host: Host
    port: Port | None = None
    port_offset: Annotated[int, Field(ge=0, le=1599)] | None = None

    @model_validator(mode="after")
    def _one_port(self) -> Self:
        if (self.port is None) == (self.port_offset is None):
            raise ValueError("give either port or port_offset")
        return self

    def port_from(self, base: int) -> int:
        return self.port if self.port is not None else base + (self.port_offset or 0)


class Trunk(_Peer):
    """Where citizens' calls come from. Calls are recognised by address, so ``match`` must name nobody else."""

    name: Name
    match: Annotated[list[Annotated[str, AfterValidator(_network)]], Field(min_length=1)]
    rtp_timeout_s: Annotated[int, Field(ge=5, le=3600)] = 60
    tell_answer: bool = False
    """Send an UPDATE when a seat answers; the caller's own phone knows only that the switch did."""

    @model_validator(mode="after")
    def _not_the_browsers(self) -> Self:
        # pjsip looks at the address before the user name: a match on 127.0.0.1 would take a seat for the trunk
        if any(ip_address("127.0.0.1") in ip_network(network) for network in self.match):
            raise ValueError("match must not hold 127.0.0.1, from where browsers register")
        return self


class Centre(_Peer):
    """A partner hotline. Only its phone is known here; what may be sent to it is not the switch's business."""

    code: Number
    name: Title


class DutyPhone(_Part):
    number: Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$")]
    trunk: Name
    ring_s: Annotated[int, Field(ge=5, le=120)] = 25


class Fallback(_Part):
    """What the dialplan does alone when the server has given no sign of life for ``stale_after_s``."""

    stale_after_s: Annotated[int, Field(ge=6, le=600)] = 20
    answer_within_s: Annotated[int, Field(ge=1, le=3600)] = 45
    check_every_s: Annotated[int, Field(ge=1, le=3600)] = 120
    message_s: Annotated[int, Field(ge=0, le=600)] = 120
    duty: list[DutyPhone] = []


class Topology(_Part):
    lines: Annotated[list[Line], Field(min_length=1)]
    queues: Annotated[list[Queue], Field(min_length=1)]
    seats: Seats
    trunks: Annotated[list[Trunk], Field(min_length=1)]
    centres: list[Centre] = []
    fallback: Fallback = Fallback()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        queues = [queue.name for queue in self.queues]
        trunks = [trunk.name for trunk in self.trunks]
        endpoints = [*trunks, *(centre.code for centre in self.centres), *self.seats.numbers]
        _refuse_repeats("lines", [line.number for line in self.lines])
        _refuse_repeats("queues", queues)
        _refuse_repeats("trunks, centres and seats", endpoints)
        for line in self.lines:
            if line.queue not in queues:
                raise ValueError(f"lines: {line.number} names the unknown queue {line.queue}")
        for phone in self.fallback.duty:
            if phone.trunk not in trunks:
                raise ValueError(f"fallback.duty: the trunk {phone.trunk} is unknown")
        return self


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{what}: {', '.join(repeated)} stands twice")


def parse(text: str) -> Topology:
    """Raises TopologyError."""
    try:
        return Topology.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise TopologyError([("hotline.toml", str(error))]) from error
    except ValidationError as error:
        raise TopologyError([(_field(problem["loc"]), problem["msg"]) for problem in error.errors()]) from error


def default_text() -> str:
    return resources.files(__package__).joinpath("hotline.toml").read_text(encoding="utf-8")


def load(home: Path) -> Topology:
    """``home/hotline.toml``, or the packaged default where there is none. Raises TopologyError."""
    own = home / "hotline.toml"
    return parse(own.read_text(encoding="utf-8") if own.exists() else default_text())


def _field(loc: tuple[int | str, ...]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "hotline.toml"
