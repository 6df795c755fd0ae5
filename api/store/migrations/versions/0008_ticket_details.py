"""What a ticket says besides the matter: money, people, how to reach the caller, what came before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("contact_note", sa.LargeBinary(), nullable=True),
        sa.Column("reply_required", sa.Boolean(), nullable=True),
        sa.Column("amount_yuan", sa.Integer(), nullable=True),
        sa.Column("people_count", sa.Integer(), nullable=True),
        sa.Column("is_repeat", sa.Boolean(), nullable=True),
        sa.Column("repeat_count", sa.Integer(), nullable=True),
        sa.Column("previous_ticket_no", sa.String(length=24), nullable=True),
    ):
        op.add_column("tickets", column)


def downgrade() -> None:
    for name in (
        "previous_ticket_no",
        "repeat_count",
        "is_repeat",
        "people_count",
        "amount_yuan",
        "reply_required",
        "contact_note",
    ):
        op.drop_column("tickets", name)
