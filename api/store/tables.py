"""Every table. Columns that hold names, numbers, addresses or words of people are sealed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from api.store.sealing import SealedJson, SealedText


class Instant(TypeDecorator[datetime]):
    """An aware datetime, UTC in the database and UTC when it comes back. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key that SQLite still counts up by itself."""


class Base(DeclarativeBase):
    """Tables are joined in queries; no relationship is declared, so none can load behind a reader's back."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Instant}


_WHERE_OPEN: Any = {"sqlite_where": text("ended_at IS NULL"), "postgresql_where": text("ended_at IS NULL")}


# people ---------------------------------------------------------------------------------------------------------------
class User(Base):
    """Who may sign in. ``agent_id`` is the work number (工号) of those who take calls, ``seat`` their phone."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    agent_id: Mapped[str | None] = mapped_column(String(16), unique=True)
    seat: Mapped[str | None] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(256))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime]


class SignInSession(Base):
    """A signed-in browser. Only a hash of its token is kept."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(64))


class SignInAttempt(Base):
    """One try to sign in; failures of one account from one address lock it for a while."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "username", "address", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    succeeded: Mapped[bool]


class Shift(Base):
    """Who sat where, from when to when; ``ended_at`` is null while the person is signed in to the seat."""

    __tablename__ = "shifts"
    __table_args__ = (
        Index("uq_shifts_open_agent", "agent_id", unique=True, **_WHERE_OPEN),
        Index("uq_shifts_open_seat", "seat", unique=True, **_WHERE_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    agent_id: Mapped[str] = mapped_column(String(16))
    seat: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AuditRecord(Base):
    """Who did what to what, from where, with which result; each record is chained to the one before."""

    __tablename__ = "audit_log"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    user_id: Mapped[int | None]
    username: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(48))
    object_type: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(String(64))
    result: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """One row: the newest link of the chain. Locked while a record is added, so the chain never forks."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(String(64))


class IdempotencyKey(Base):
    """A POST that was made under a key of the client's choice, and its answer once there is one."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    media_type: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str | None] = mapped_column(SealedText("idempotency_keys.body"))


# calls ----------------------------------------------------------------------------------------------------------------
class CallRecord(Base):
    """One conversation, written behind the call from its events."""

    __tablename__ = "calls"
    __table_args__ = (Index(None, "phone_hash", "arrived_at"), Index(None, "outcome", "arrived_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    line: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str | None] = mapped_column(String(32))
    caller_number: Mapped[str | None] = mapped_column(SealedText("calls.caller_number"))
    caller_name: Mapped[str | None] = mapped_column(SealedText("calls.caller_name"))
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    arrived_at: Mapped[datetime] = mapped_column(index=True)
    queued_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    offers: Mapped[int] = mapped_column(default=0)
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(16), index=True)
    agent_left_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_by: Mapped[str | None] = mapped_column(String(16))
    outcome: Mapped[str | None] = mapped_column(String(16))
    wait_s: Mapped[float | None]
    talk_s: Mapped[float | None]
    direction: Mapped[str] = mapped_column(String(8), default="inbound", server_default="inbound")
    centre: Mapped[str | None] = mapped_column(String(16))
    """Code of the partner centre that sent the call; null for a citizen's own."""
    summary: Mapped[str | None] = mapped_column(SealedText("calls.summary"))
    """What that centre sent along."""


class CallAgent(Base):
    """An operator who has had a part in a call: answered it, placed it, was brought into it or took it over."""

    __tablename__ = "call_agents"
    __table_args__ = (Index(None, "agent_id", "call_id"),)

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(16), primary_key=True)


class CallEventRecord(Base):
    """One event of a call, in order, without the caller's number and name. ``event_key`` makes a replay harmless."""

    __tablename__ = "call_events"
    __table_args__ = (UniqueConstraint("call_id", "event_key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    event_key: Mapped[str] = mapped_column(String(64))


class Segment(Base):
    """A final turn of the transcript. No foreign key: the words may be written before the call's first event is."""

    __tablename__ = "segments"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seg: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rev: Mapped[int]
    speaker: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(SealedText("segments.text"))
    start_s: Mapped[float]
    end_s: Mapped[float]
    recorded_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(16), default="live", server_default="live")
    """``live``, or ``recording`` for what was not heard while it was said."""


class TranscriptRecord(Base):
    """How much of a call's speech has become text, and what is still to be read from its recording.

    Written when the call is over; no foreign key, for the reason above.
    """

    __tablename__ = "transcripts"
    __table_args__ = (Index(None, "state", "due_at"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    """``complete``, ``pending``, ``reread``, ``no_recording``, ``unreadable`` or ``failed``."""
    voiced_s: Mapped[float]
    text_s: Mapped[float]
    reread_s: Mapped[float] = mapped_column(default=0.0)
    """Of speech that became text from the recording."""
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CueCard(Base):
    """A danger heard in a call and what became of it. Written behind the call, so without a foreign key to it."""

    __tablename__ = "cue_cards"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    targets: Mapped[list[str]] = mapped_column(JSON)
    action: Mapped[str] = mapped_column(String(16))
    concern: Mapped[str] = mapped_column(String(48))
    seg: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    text: Mapped[str] = mapped_column(SealedText("cue_cards.text"))
    at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(SealedText("cue_cards.reason"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]


# tickets --------------------------------------------------------------------------------------------------------------
class DraftRecord(Base):
    """The ticket being written during one call. ``fields`` holds values, suggestions and evidence together."""

    __tablename__ = "drafts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), unique=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    version: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]] = mapped_column(SealedJson("drafts.fields"))
    caller_number: Mapped[str | None] = mapped_column(SealedText("drafts.caller_number"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TicketRecord(Base):
    """A ticket (工单). ``version`` grows with every change."""

    __tablename__ = "tickets"
    __table_args__ = (Index(None, "phone_hash", "created_at"), Index(None, "caller_hash", "created_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(24), index=True)
    disposition: Mapped[str] = mapped_column(String(24))
    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id"), unique=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]
    summary: Mapped[str] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(String(200))
    appeal_type: Mapped[str | None] = mapped_column(String(8))
    category_code: Mapped[str | None] = mapped_column(String(8))
    address: Mapped[str | None] = mapped_column(SealedText("tickets.address"))
    district: Mapped[str | None] = mapped_column(String(64))
    town: Mapped[str | None] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(Text)
    demand: Mapped[str | None] = mapped_column(Text)
    caller_name: Mapped[str | None] = mapped_column(SealedText("tickets.caller_name"))
    caller_gender: Mapped[str | None] = mapped_column(String(8))
    contact_phone: Mapped[str | None] = mapped_column(SealedText("tickets.contact_phone"))
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    caller_hash: Mapped[str | None] = mapped_column(String(64))
    occur_time: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(120))
    urgency: Mapped[str | None] = mapped_column(String(8))
    department: Mapped[str | None] = mapped_column(String(64))
    confidential: Mapped[bool] = mapped_column(default=False)
    anonymous: Mapped[bool] = mapped_column(default=False)
    contact_note: Mapped[str | None] = mapped_column(SealedText("tickets.contact_note"))
    reply_required: Mapped[bool | None]
    amount_yuan: Mapped[int | None]
    people_count: Mapped[int | None]
    is_repeat: Mapped[bool | None]
    repeat_count: Mapped[int | None]
    previous_ticket_no: Mapped[str | None] = mapped_column(String(24))


class TicketDay(Base):
    """The last number given out on one local day; raised in the transaction that makes the ticket."""

    __tablename__ = "ticket_days"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]


# handing over ---------------------------------------------------------------------------------------------------------
class HandoffRecord(Base):
    """A way of a call to somebody else, from the key that was pressed to its outcome. ``version`` grows with each edit.

    ``outcome`` is what the switch saw, ``settled`` what people agreed on.
    """

    __tablename__ = "handoffs"
    __table_args__ = (Index(None, "centre", "started_at"), Index(None, "agent_id", "started_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    transfer_id: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    centre: Mapped[str] = mapped_column(String(16), default="")
    """Code of the centre; empty for operators, queues and numbers."""
    target_kind: Mapped[str] = mapped_column(String(16))
    target_value: Mapped[str] = mapped_column(SealedText("handoffs.target_value"))
    mode: Mapped[str] = mapped_column(String(16))
    agent_id: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(16))
    settled: Mapped[str | None] = mapped_column(String(16))
    first_receiver: Mapped[str] = mapped_column(String(16))
    """The hotline or centre that the citizen called first: it keeps the matter while nobody has taken it over."""
    keep_line: Mapped[bool] = mapped_column(default=False)
    receipt: Mapped[str | None] = mapped_column(String(64))
    summary: Mapped[str | None] = mapped_column(SealedText("handoffs.summary"))
    note: Mapped[str | None] = mapped_column(SealedText("handoffs.note"))
    push_state: Mapped[str] = mapped_column(String(16))
    push_tries: Mapped[int] = mapped_column(default=0)
    push_due_at: Mapped[datetime | None]
    """When the summary is sent, or sent again; null: nothing to send."""
    push_error: Mapped[str | None] = mapped_column(String(48))
    summary_pushed_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    version: Mapped[int]


class HandoffStep(Base):
    """One row of the ledger. ``event_key`` makes a replay harmless."""

    __tablename__ = "handoff_steps"
    __table_args__ = (UniqueConstraint("handoff_id", "event_key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    handoff_id: Mapped[str] = mapped_column(ForeignKey("handoffs.id"))
    at: Mapped[datetime]
    step: Mapped[str] = mapped_column(String(16))
    route: Mapped[int]
    reason: Mapped[str | None] = mapped_column(String(16))
    leg: Mapped[str | None] = mapped_column(String(64))
    event_key: Mapped[str] = mapped_column(String(64))


class HandoffDay(Base):
    """The last handoff number given out on one local day."""

    __tablename__ = "handoff_days"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]


class DiversionItem(Base):
    """双向分流清单: which matters go from this hotline to a centre (``to``), and which come from it (``from``)."""

    __tablename__ = "diversion_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    centre: Mapped[str] = mapped_column(String(16), index=True)
    direction: Mapped[str] = mapped_column(String(8))
    item: Mapped[str] = mapped_column(String(200))
    rule: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(400), default="")
    source: Mapped[str] = mapped_column(String(32))
    """``project_default`` until the city's own list replaces it."""
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)


# calling back ---------------------------------------------------------------------------------------------------------
_WHERE_UNDONE: Any = {"sqlite_where": text("status = 'open'"), "postgresql_where": text("status = 'open'")}


class CallbackRecord(Base):
    """A citizen to be called back: one open item for each number, however often that number was missed.

    Whoever holds the lease (``owner`` until ``leased_until``) may dial, and nobody else; ``dialling`` is the call that
    has been placed for it and not ended yet.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("uq_callbacks_open_phone_hash", "phone_hash", unique=True, **_WHERE_UNDONE),
        Index(None, "status", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    """Null where the number was withheld: such an item is never joined."""
    number: Mapped[str | None] = mapped_column(SealedText("callbacks.number"))
    line: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(16))
    calls: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    due_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(16), index=True)
    leased_until: Mapped[datetime | None]
    dialling: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str | None] = mapped_column(String(16))
    closed_at: Mapped[datetime | None]
    version: Mapped[int]


class CallbackCall(Base):
    """The missed calls behind an item, each counted once; the one that answered it by itself is here as well."""

    __tablename__ = "callback_calls"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    callback_id: Mapped[str] = mapped_column(ForeignKey("callbacks.id"), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]


class CallbackAttempt(Base):
    """One call placed for an item, or one result that an operator wrote down. ``result`` null: it goes on."""

    __tablename__ = "callback_attempts"
    __table_args__ = (Index("uq_callback_attempts_call_id", "call_id", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    callback_id: Mapped[str] = mapped_column(ForeignKey("callbacks.id"), index=True)
    at: Mapped[datetime]
    agent_id: Mapped[str] = mapped_column(String(16))
    call_id: Mapped[str | None] = mapped_column(String(64))
    result: Mapped[str | None] = mapped_column(String(16))
    ended_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(SealedText("callback_attempts.note"))


class OutboundCall(Base):
    """What a placed call is about, written before anybody's phone rings; callbacks keep their own attempts."""

    __tablename__ = "outbound_calls"
    __table_args__ = (Index(None, "kind", "object_id"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[str] = mapped_column(String(64))
    agent_id: Mapped[str] = mapped_column(String(16))
    placed_at: Mapped[datetime]


# people at their seats ------------------------------------------------------------------------------------------------
class AgentLogRecord(Base):
    """One change of what an operator was doing: the shift log. ``event_key`` makes a replay harmless."""

    __tablename__ = "agent_log"
    __table_args__ = (UniqueConstraint("agent_id", "event_key"), Index(None, "agent_id", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    agent_id: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    """``signed_in``, ``status`` or ``signed_out``."""
    seat: Mapped[str | None] = mapped_column(String(16))
    status: Mapped[str | None] = mapped_column(String(16))
    reasons: Mapped[list[str]] = mapped_column(JSON)
    call_id: Mapped[str | None] = mapped_column(String(64))
    event_key: Mapped[str] = mapped_column(String(64))


class PriorityNumber(Base):
    """A number whose calls stand in front: the city's list of elders. ``expires_on`` is the last day it counts."""

    __tablename__ = "priority_numbers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    phone_hash: Mapped[str] = mapped_column(String(64), unique=True)
    number: Mapped[str] = mapped_column(SealedText("priority_numbers.number"))
    note: Mapped[str] = mapped_column(SealedText("priority_numbers.note"))
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]
    expires_on: Mapped[date | None]


class UserSkill(Base):
    """Which waiting lines a person serves; of two free operators the one with the lower ``level`` is rung first."""

    __tablename__ = "user_skills"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    queue: Mapped[str] = mapped_column(String(32), primary_key=True)
    level: Mapped[int] = mapped_column(default=1)


# recordings and what waits --------------------------------------------------------------------------------------------
class RecordingRecord(Base):
    """What became of one call's recording. No foreign key: it may be known before the call's first event is written."""

    __tablename__ = "recordings"
    __table_args__ = (Index(None, "state", "due_at"), Index(None, "state", "erase_at"))

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16))
    ended_at: Mapped[datetime]
    talk_s: Mapped[float | None]
    """How long the recording must be, as far as that is known."""
    length_s: Mapped[float | None]
    incomplete: Mapped[bool] = mapped_column(default=False)
    media_type: Mapped[str | None] = mapped_column(String(32))
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    made_at: Mapped[datetime | None]
    erase_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class LegalHold(Base):
    """Keeps a call's recording from being erased until it is lifted."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index(
            "uq_legal_holds_open_call",
            "call_id",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    reason: Mapped[str] = mapped_column(SealedText("legal_holds.reason"))
    set_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    set_at: Mapped[datetime]
    lift_reason: Mapped[str | None] = mapped_column(SealedText("legal_holds.lift_reason"))
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    lifted_at: Mapped[datetime | None]


class SpoolMark(Base):
    """How far the items of one run of one writer have been committed; moved in each item's own transaction."""

    __tablename__ = "spool_marks"

    writer: Mapped[str] = mapped_column(String(32), primary_key=True)
    run: Mapped[str] = mapped_column(String(24), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


class LogPosition(Base):
    """How far a log has been read, and when: the switch's own (``file_id`` tells a rotated file from the one after
    it), or the audit log."""

    __tablename__ = "log_positions"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    file_id: Mapped[str] = mapped_column(String(64))
    place: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
