"""Who has had a part in a call, and calls found by when they ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REACHED = ("answered", "joined", "private", "handed_over")


def upgrade() -> None:
    op.create_index(op.f("ix_calls_ended_at"), "calls", ["ended_at"])
    agents = op.create_table(
        "call_agents",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_agents_call_id_calls")),
        sa.PrimaryKeyConstraint("call_id", "agent_id", name=op.f("pk_call_agents")),
    )
    op.create_index(op.f("ix_call_agents_agent_id_call_id"), "call_agents", ["agent_id", "call_id"])
    assert agents is not None
    op.execute(sa.insert(agents).from_select(["call_id", "agent_id"], _parts()))


def _parts() -> sa.CompoundSelect[tuple[str, str]]:
    """From what was recorded so far; UNION drops what is there twice."""
    calls = sa.table("calls", sa.column("id", sa.String), sa.column("answered_by", sa.String))
    events = sa.table(
        "call_events", sa.column("call_id", sa.String), sa.column("kind", sa.String), sa.column("data", sa.JSON)
    )
    own = events.c.data["agent_id"].as_string()
    target, value = events.c.data[("target", "kind")].as_string(), events.c.data[("target", "value")].as_string()
    reached = events.c.data["step"].as_string().in_(REACHED)
    return sa.union(
        sa.select(calls.c.id, calls.c.answered_by).where(calls.c.answered_by.is_not(None)),
        sa.select(events.c.call_id, own).where(events.c.kind.in_(("CallAnswered", "CallPlaced")), own != ""),
        sa.select(events.c.call_id, value).where(
            events.c.kind == "TransferStepped", target == "agent", reached, value != ""
        ),
    )


def downgrade() -> None:
    op.drop_table("call_agents")
    op.drop_index(op.f("ix_calls_ended_at"), table_name="calls")
