"""Every table, by subject.

Citizens' names, numbers and addresses and what was said in a call are sealed. The text of a ticket is not: it is
searched for words.
"""

from api.store.tables.base import Base, BigId, Instant
from api.store.tables.callbacks import CallbackAttempt, CallbackCall, CallbackRecord
from api.store.tables.calls import CallAgent, CallEventRecord, CallRecord, OutboundCall, PriorityNumber
from api.store.tables.handoffs import DiversionItem, HandoffDay, HandoffRecord, HandoffStep
from api.store.tables.people import AgentLogRecord, Shift, SignInAttempt, SignInSession, User, UserSkill
from api.store.tables.progress import LogPosition, SpoolMark
from api.store.tables.recordings import LegalHold, RecordingRecord
from api.store.tables.requests import AuditHead, AuditRecord, IdempotencyKey
from api.store.tables.tickets import DraftRecord, TicketDay, TicketRecord
from api.store.tables.words import CueCard, Segment, TranscriptRecord

__all__ = [
    "AgentLogRecord",
    "AuditHead",
    "AuditRecord",
    "Base",
    "BigId",
    "CallAgent",
    "CallEventRecord",
    "CallRecord",
    "CallbackAttempt",
    "CallbackCall",
    "CallbackRecord",
    "CueCard",
    "DiversionItem",
    "DraftRecord",
    "HandoffDay",
    "HandoffRecord",
    "HandoffStep",
    "IdempotencyKey",
    "Instant",
    "LegalHold",
    "LogPosition",
    "OutboundCall",
    "PriorityNumber",
    "RecordingRecord",
    "Segment",
    "Shift",
    "SignInAttempt",
    "SignInSession",
    "SpoolMark",
    "TicketDay",
    "TicketRecord",
    "TranscriptRecord",
    "User",
    "UserSkill",
]
