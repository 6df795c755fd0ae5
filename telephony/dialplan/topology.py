"""hotline.toml read and checked: lines, queues, seats, trunks, centres, rules. A mistake is told with its field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from telephony.orders import FRONT

# Every text of a topology ends up in a configuration file of Asterisk, where a line end, ';', ',' or '[' would say more
# than its author meant. So each has its own small alphabet.
Number = Annotated[str, Field(pattern=r"^[0-9]{2,20}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")]
Title = Annotated[str, Field(pattern=r"^[\w ()（）·-]{1,40}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


RESERVE = 90
"""Penalty of a queue's reserve."""
LINE_PRIORITIES = 100
"""The highest of a line; who stands before that was moved there."""


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


def _pattern(value: str) -> str:
    if not re.fullmatch(r"[0-9+*?|(){},^$\[\]-]*", value):
        raise ValueError("may hold digits and the signs of a regular expression only")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError("must be a regular expression") from error
    return value


def _not_the_browsers(networks: list[str]) -> list[str]:
    # pjsip looks at the address before the user name: a match on 127.0.0.1 would take a seat for the trunk
    if any(ip_address("127.0.0.1") in ip_network(network) for network in networks):
        raise ValueError("must not hold 127.0.0.1, from where browsers register")
    return networks


Allowed = Annotated[list[Annotated[str, AfterValidator(_network)]], Field(min_length=1)]
Networks = Annotated[Allowed, AfterValidator(_not_the_browsers)]
PhoneNumber = Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Transition(_Part):
    """A prompt that tells of a merger, from its first day to its last, both included; the switch looks at the date."""

    prompt: Name = "line-merged"
    first_day: date
    last_day: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("last_day must not be before first_day")
        return self


class Line(_Part):
    """A number that citizens dial.

    ``mode``: ``main`` is the hotline's own. ``merged`` (整体并入) was given up and goes where the hotline goes, after
    its transition prompt. ``parallel`` (双号并行) is kept and has a queue of its own. ``branch`` (分中心) keeps number
    and seats: its calls go to ``centre``, and into ``queue`` only where nobody answers there.
    """

    number: Number
    label: Title | Literal[""] = ""
    mode: Literal["main", "merged", "parallel", "branch"] = "main"
    queue: Name
    centre: Number | None = None
    prompts: list[Name] = ["greeting", "recording-notice"]
    transition: Transition | None = None
    priority: Annotated[int, Field(ge=0, le=LINE_PRIORITIES)] = 0

    @model_validator(mode="after")
    def _of_its_mode(self) -> Self:
        if (self.mode == "branch") != (self.centre is not None):
            raise ValueError("a branch needs its centre, and no other mode has one")
        if self.transition is not None and self.mode != "merged":
            raise ValueError("only a merged line has a transition")
        return self


class Overflow(_Part):
    """After so long the seats of another queue are rung as well."""

    queue: Name
    after_s: Annotated[int, Field(ge=5, le=3600)]


class Queue(_Part):
    """Its seats answer by their level in it, 1 before 9; after each overflow so do the seats of another queue."""

    name: Name
    label: Title | Literal[""] = ""
    strategy: Literal["rrmemory", "leastrecent", "fewestcalls", "random", "linear"] = "rrmemory"
    ring_s: Annotated[int, Field(ge=5, le=120)] = 15
    wrap_up_s: Annotated[int, Field(ge=0, le=600)] = 5
    service_level_s: Annotated[int, Field(ge=1, le=600)] = 15
    overflow: Annotated[list[Overflow], Field(max_length=7)] = []

    @model_validator(mode="after")
    def _later_and_later(self) -> Self:
        times = [step.after_s for step in self.overflow]
        if times != sorted(set(times)):
            raise ValueError("each overflow must come later than the one before")
        return self


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


class DeskPhone(_Part):
    """An ordinary SIP phone that is a seat: it registers with its number and secret, from these networks only.

    The secret is not written here: it is made on first use and kept with the others, see ``render.Secrets``.
    ``rtp_timeout_s``: a leg without any sound packet for so long is dead; silence suppression must be off in the phone.
    """

    seat: Number
    allow: Allowed
    transport: Literal["udp", "tcp"] = "udp"
    rtp_timeout_s: Annotated[int, Field(ge=5, le=3600)] = 30


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
    match: Networks
    rtp_timeout_s: Annotated[int, Field(ge=5, le=3600)] = 60
    tell_answer: bool = False
    """Send an UPDATE when a seat answers; the caller's own phone knows only that the switch did."""


class Route(_Peer):
    """One way to a centre's phone."""


class Centre(_Part):
    """A partner hotline: how it is reached, and by which addresses its own calls to us are known.

    ``routes`` are tried in order; ``host`` and ``port`` beside them is the short form of a single route. ``key`` is the
    place on the operators' keyboard. A route without any sign of life for ``first_sign_s`` is given up, a ringing one
    after ``ring_s``. ``match`` names nobody else, ``accept`` the lines to which the centre may hand over citizens;
    ``rtp_timeout_s`` and ``tell_answer`` are as of a trunk.
    """

    code: Number
    name: Title
    key: Annotated[int, Field(ge=1, le=9)] | None = None
    rtp_timeout_s: Annotated[int, Field(ge=5, le=3600)] = 60
    ring_s: Annotated[int, Field(ge=5, le=120)] = 20
    first_sign_s: Annotated[int, Field(ge=1, le=30)] = 3
    routes: Annotated[list[Route], Field(min_length=1, max_length=9)]
    match: Networks | None = None
    accept: list[Number] = []
    tell_answer: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "routes" in given:
            return given
        peer = {name: given[name] for name in _Peer.model_fields if name in given}
        return {name: value for name, value in given.items() if name not in peer} | {"routes": [peer]}

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The switch's name of each route: ``110``, ``110-2`` ..."""
        return tuple(self.code if number == 1 else f"{self.code}-{number}" for number in range(1, len(self.routes) + 1))


class NamedNumber(_Part):
    """A department's phone, as operators see it."""

    name: Title
    number: PhoneNumber


class Numbers(_Part):
    """Which numbers may be dialled out: those named, and those that ``pattern`` matches from end to end."""

    trunk: Name
    pattern: Annotated[str, AfterValidator(_pattern)] = ""
    named: list[NamedNumber] = []
    ring_s: Annotated[int, Field(ge=5, le=120)] = 45

    def allows(self, number: str) -> bool:
        named = any(number == one.number for one in self.named)
        return named or bool(self.pattern and re.fullmatch(self.pattern, number, re.ASCII))


class Handover(_Part):
    """A citizen whom a centre hands over goes first, and after so long may be answered by the reserve as well."""

    reserve_after_s: Annotated[int, Field(ge=5, le=600)] = 10


class DutyPhone(_Part):
    number: PhoneNumber
    trunk: Name
    ring_s: Annotated[int, Field(ge=5, le=120)] = 25


class Priority(_Part):
    """Which callers stand in front by rule, below a lost talk and a centre's citizen (``figures``); 0 asks for nothing.

    ``repeat``: of a number that has called ``repeat_calls`` times within ``repeat_within_h`` hours before this call;
    with ``repeat_counts = "missed"`` only the calls count that nobody answered. ``elders``: of the numbers on the
    city's list.
    """

    repeat: Annotated[int, Field(ge=0, lt=FRONT)] = 200
    repeat_calls: Annotated[int, Field(ge=1, le=99)] = 2
    repeat_within_h: Annotated[int, Field(ge=1, le=720)] = 24
    repeat_counts: Literal["missed", "all"] = "missed"
    elders: Annotated[int, Field(ge=0, lt=FRONT)] = 300


class Surge(_Part):
    """When it is a surge: so many callers within ``window_s``, or so many waiting; 0 looks at nothing.

    It is over when both have stayed below ``ends_below`` of that for ``calm_s``. ``mode``: whether supervisors are
    only told, or every caller hears the announcement by itself; ``at_most_min`` ends an announcement in any case.
    """

    mode: Literal["off", "propose", "announce"] = "propose"
    arrivals: Annotated[int, Field(ge=0, le=100_000)] = 60
    window_s: Annotated[int, Field(ge=10, le=3600)] = 60
    waiting: Annotated[int, Field(ge=0, le=100_000)] = 20
    ends_below: Annotated[float, Field(gt=0, lt=1)] = 0.6
    calm_s: Annotated[int, Field(ge=1, le=3600)] = 120
    at_most_min: Annotated[int, Field(ge=1, le=1440)] = 60


class Fallback(_Part):
    """What the dialplan does alone when the server has given no sign of life for ``stale_after_s``."""

    stale_after_s: Annotated[int, Field(ge=6, le=600)] = 20
    answer_within_s: Annotated[int, Field(ge=1, le=3600)] = 45
    check_every_s: Annotated[int, Field(ge=1, le=3600)] = 60
    message_s: Annotated[int, Field(ge=0, le=600)] = 120
    duty: list[DutyPhone] = []


class Topology(_Part):
    lines: Annotated[list[Line], Field(min_length=1)]
    queues: Annotated[list[Queue], Field(min_length=1)]
    seats: Seats
    desk_phones: list[DeskPhone] = []
    trunks: Annotated[list[Trunk], Field(min_length=1)]
    centres: list[Centre] = []
    handover: Handover = Handover()
    numbers: Numbers | None = None
    priority: Priority = Priority()
    surge: Surge = Surge()
    fallback: Fallback = Fallback()

    @model_validator(mode="after")
    def _names_are_used_once(self) -> Self:
        endpoints = [trunk.name for trunk in self.trunks]
        endpoints += [endpoint for centre in self.centres for endpoint in centre.endpoints]
        _refuse_repeats("lines", [line.number for line in self.lines])
        _refuse_repeats("centres", [centre.code for centre in self.centres])
        _refuse_repeats("queues", [queue.name for queue in self.queues])
        _refuse_repeats("trunks, centres and seats", [*endpoints, *self.seat_numbers])
        _refuse_repeats("centres: key", [str(centre.key) for centre in self.centres if centre.key])
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        queues = {queue.name for queue in self.queues}
        trunks = {trunk.name for trunk in self.trunks}
        codes = {centre.code for centre in self.centres}
        lines = {line.number for line in self.lines if line.mode != "branch"}
        for line in self.lines:
            _refuse_unknown(f"lines: {line.number} names the unknown queue", [line.queue], queues)
            _refuse_unknown(f"lines: {line.number} names the unknown centre", [line.centre or ""], codes | {""})
        for queue in self.queues:
            others = queues - {queue.name}
            _refuse_unknown(
                f"queues: {queue.name} names the unknown queue", [one.queue for one in queue.overflow], others
            )
        for centre in self.centres:
            _refuse_unknown(f"centres: {centre.code} accepts the unknown line", centre.accept, lines)
        _refuse_unknown("fallback.duty: unknown is the trunk", [phone.trunk for phone in self.fallback.duty], trunks)
        _refuse_unknown("numbers: unknown is the trunk", [self.numbers.trunk] if self.numbers else [], trunks)
        return self

    @model_validator(mode="after")
    def _each_caller_is_one_peer(self) -> Self:
        """An address that names two peers would let one of them call as the other."""
        peers = [(trunk.name, trunk.match) for trunk in self.trunks]
        peers += [(centre.code, centre.match or []) for centre in self.centres]
        peers += [("desk_phones", network) for network in self._desk_networks()]
        for (one, its), (other, others) in combinations(peers, 2):
            if one != other and any(
                ip_network(a).overlaps(ip_network(b)) for a in its for b in others if _same_family(a, b)
            ):
                raise ValueError(f"{one} and {other} match the same address")
        return self

    @model_validator(mode="after")
    def _centres_have_their_own_way(self) -> Self:
        free = [centre.code for centre in self.centres if self.numbers and self.numbers.allows(centre.code)]
        if free:
            raise ValueError(f"numbers: {', '.join(free)} is reached by its own routes only")
        return self

    @property
    def desk_seats(self) -> tuple[str, ...]:
        return tuple(phone.seat for phone in self.desk_phones)

    @property
    def seat_numbers(self) -> tuple[str, ...]:
        """Browsers' seats, then desk phones."""
        return (*self.seats.numbers, *self.desk_seats)

    @property
    def handed_lines(self) -> frozenset[str]:
        """Lines to which any centre may hand over."""
        return frozenset(number for centre in self.centres for number in centre.accept)

    def centre(self, code: str) -> Centre:
        return next(centre for centre in self.centres if centre.code == code)

    def _desk_networks(self) -> list[list[str]]:
        return [phone.allow for phone in self.desk_phones]

    def penalties(self, levels: Mapping[str, int], *, reserve: bool = False) -> dict[str, int]:
        """The queues that somebody with these levels (1..9, by queue) is a member of, and with which penalty.

        Beside the own queues these are the queues that overflow into them. ``reserve``: only for citizens whom a centre
        hands over, and when our server is silent. Lower is rung first; see ``[reach]`` in extensions.conf.
        """
        own = {queue.name: levels[queue.name] for queue in self.queues if queue.name in levels}
        if reserve:
            return dict.fromkeys(own, RESERVE)
        helped = {
            queue.name: 10 * number + levels[step.queue]
            for queue in self.queues
            for number, step in reversed(list(enumerate(queue.overflow, start=1)))
            if step.queue in levels and queue.name not in own
        }
        return own | helped


def _same_family(one: str, other: str) -> bool:
    return ip_network(one).version == ip_network(other).version


def _refuse_unknown(what: str, names: list[str], known: set[str]) -> None:
    unknown = sorted(set(names) - known)
    if unknown:
        raise ValueError(f"{what} {', '.join(unknown)}")


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
