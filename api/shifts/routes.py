"""``/shift``: sign in to the seat, sign out, ready or paused, back into a call, more time to wrap up."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Require
from api.auth.idempotency import CommandRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, documented
from api.live.messages import AgentData
from api.live.views import agent_data
from api.shifts import service
from api.shifts.service import Phones, agent_of
from telephony.agents import CHOSEN
from telephony.commands import ExtendWrapUp, FinishWrapUp, OutcomeKind, Pause, Ready, RecoverCall, ReportDevice
from telephony.events import PauseReason
from telephony.targets import SeatKind

router = APIRouter(prefix="/shift", tags=["shift"], route_class=CommandRoute)


def phones(request: Request) -> Phones:
    return cast(Phones, request.state.phones)


Me = Annotated[SignedIn, Depends(Require(Action.SHIFT))]
MeInACall = Annotated[SignedIn, Depends(Require(Action.CALL_RECOVER))]
Common = Annotated[Shared, Depends(shared)]
Ways = Annotated[Phones, Depends(phones)]


class SipView(BaseModel):
    """What the browser's phone registers with. The password is good for this shift only."""

    uri: str
    ws_url: str
    password: str
    realm: str


class SeatWanted(BaseModel):
    """Without ``seat``: where one sits already, else one's own."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seat": "8101"}]})

    seat: str | None = Field(default=None, pattern=r"^[0-9]{2,20}$")


class SeatView(BaseModel):
    """``taken_by`` is the work number of whoever sits there now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"seat": "8101", "kind": "desk_phone", "own": False, "taken_by": None}]}
    )

    seat: str
    kind: SeatKind
    own: bool
    taken_by: str | None


class ShiftView(BaseModel):
    """``agent`` is null until the switch has taken the sign-in, ``sip`` at a desk phone, which registers by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agent_id": "8001",
                    "seat": "8001",
                    "seat_kind": "softphone",
                    "sip": {
                        "uri": "sip:8001@127.0.0.1",
                        "ws_url": "ws://127.0.0.1:12346/ws",
                        "password": "made for this shift",
                        "realm": "asterisk",
                    },
                    "agent": None,
                }
            ]
        }
    )

    agent_id: str
    seat: str
    seat_kind: SeatKind
    sip: SipView | None
    agent: AgentData | None


class StatusWanted(BaseModel):
    """``reason`` goes with paused. In a call it is kept as the status afterwards."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "paused", "reason": "meal"}]})

    status: Literal["ready", "paused"]
    reason: PauseReason | None = None


class MoreTime(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seconds": 60}]})

    seconds: float = Field(gt=0, le=600)


class DeviceState(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"works": False}]})

    works: bool


class AgentAnswer(BaseModel):
    """``outcome`` unknown: sent and not answered in time; the live stream will show what became of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "outcome": "done",
                    "agent": {
                        "id": "8001",
                        "display_name": "座席8001",
                        "seat": "8001",
                        "seat_kind": "softphone",
                        "status": "paused",
                        "reasons": ["meal"],
                        "since": 1795297638000,
                        "call_id": None,
                        "next_reason": None,
                        "wrap_up_until": None,
                    },
                }
            ]
        }
    )

    outcome: OutcomeKind
    agent: AgentData | None


@router.get("/seats", responses=documented(401, 403))
async def list_seats(me: Me, common: Common) -> list[SeatView]:
    """Where I may sign in: my own seat, and the desk phones."""
    return [
        SeatView(seat=one.seat, kind=one.kind, own=one.seat == me.seat, taken_by=taken_by)
        for one, taken_by in service.seats_for(common, me)
    ]


@router.post("/sign-in", responses=documented(401, 403, 409, 422, 502, 503))
async def sign_in(
    me: Me, common: Common, ways: Ways, response: Response, wanted: SeatWanted | None = None
) -> ShiftView:
    """Sign in to one's seat, or to a desk phone. Again after a reload: a new SIP password, nothing else changes."""
    own = service.seat_of(common, me, wanted.seat if wanted else None)
    password = await service.begin(common, ways, me, own)
    response.headers["Cache-Control"] = "no-store"
    sip = None
    if password is not None:
        sip = SipView(uri=f"sip:{own.seat}@{ways.domain}", ws_url=ways.ws_url, password=password, realm=ways.realm)
    return ShiftView(agent_id=own.agent_id, seat=own.seat, seat_kind=own.kind, sip=sip, agent=_agent(common, me))


@router.post("/sign-out", status_code=204, responses=documented(401, 403, 409, 502, 503))
async def sign_out(me: Me, common: Common, ways: Ways) -> None:
    """End the shift; refused in a call."""
    await service.end(common, ways, me)


@router.post("/status", responses=documented(401, 403, 404, 409, 422, 502, 503))
async def set_status(me: Me, common: Common, wanted: StatusWanted) -> AgentAnswer:
    """Ready for calls, or paused for a reason. In a call or wrap-up a pause waits; ready ends a wrap-up."""
    own = agent_of(me)
    if wanted.status == "ready":
        if wanted.reason is not None:
            raise InvalidField("reason", "left out with ready")
        outcome = await service.ask(common, me, "shift.ready", Ready(agent_id=own))
    elif wanted.reason not in CHOSEN:
        raise InvalidField("reason", f"one of {', '.join(sorted(CHOSEN))}")
    else:
        assert wanted.reason is not None
        outcome = await service.ask(common, me, "shift.pause", Pause(agent_id=own, reason=wanted.reason))
    return AgentAnswer(outcome=outcome.kind, agent=_agent(common, me))


@router.post("/device", responses=documented(401, 403, 404, 409, 422, 502, 503))
async def report_device(me: Me, common: Common, state: DeviceState) -> AgentAnswer:
    """What the page found of its microphone: without one nobody is sent a call."""
    command = ReportDevice(agent_id=agent_of(me), works=state.works)
    outcome = await service.ask(common, me, "shift.device", command)
    return AgentAnswer(outcome=outcome.kind, agent=_agent(common, me))


@router.post("/recover", responses=documented(401, 403, 404, 409, 502, 503))
async def recover(me: MeInACall, common: Common) -> AgentAnswer:
    """After a reload in mid-call: the switch rings this seat for the citizen who is still on the line."""
    outcome = await service.ask(common, me, "shift.recover", RecoverCall(agent_id=agent_of(me)))
    return AgentAnswer(outcome=outcome.kind, agent=_agent(common, me))


@router.post("/wrap-up/extend", responses=documented(401, 403, 404, 409, 422, 502, 503))
async def extend_wrap_up(me: Me, common: Common, more: MoreTime) -> AgentAnswer:
    """More time before the wrap-up limit."""
    own = agent_of(me)
    command = ExtendWrapUp(agent_id=own, seconds=more.seconds)
    outcome = await service.ask(common, me, "shift.extend_wrap_up", command)
    return AgentAnswer(outcome=outcome.kind, agent=_agent(common, me))


@router.post("/wrap-up/finish", responses=documented(401, 403, 404, 409, 502, 503))
async def finish_wrap_up(me: Me, common: Common) -> AgentAnswer:
    """Done with this call: paused if that was chosen meanwhile, else ready."""
    outcome = await service.ask(common, me, "shift.finish_wrap_up", FinishWrapUp(agent_id=agent_of(me)))
    return AgentAnswer(outcome=outcome.kind, agent=_agent(common, me))


def _agent(common: Shared, me: SignedIn) -> AgentData | None:
    agent = common.switch.switchboard.agents.get(agent_of(me))
    return None if agent is None else agent_data(agent, me.display_name)
