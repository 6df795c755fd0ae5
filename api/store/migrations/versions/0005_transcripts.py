"""Where a transcript's words come from, and how complete it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("source", sa.String(length=16), server_default="live", nullable=False))
    op.create_table(
        "transcripts",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("voiced_s", sa.Double(), nullable=False),
        sa.Column("text_s", sa.Double(), nullable=False),
        sa.Column("reread_s", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_transcripts")),
    )
    op.create_index(op.f("ix_transcripts_state_due_at"), "transcripts", ["state", "due_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_transcripts_state_due_at"), table_name="transcripts")
    op.drop_table("transcripts")
    op.drop_column("segments", "source")
