"""Handoffs, callbacks, supervision, skills; which hotline a call came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("status = 'open'")

RULE_TO = "危及人身、财产或公共安全的，一键转接，三方通话"
RULE_UNCLEAR = "职责不清的先行三方通话，仍不能确定的由首先接到的平台先行受理"
DIVERSION = (
    ("110", "to", "刑事、治安、道路交通警情", RULE_TO),
    ("110", "to", "群体性事件及其他违法犯罪线索", RULE_TO),
    ("110", "to", "轻生、走失、被困等需要民警到场的求助", RULE_TO),
    ("110", "to", "对公安机关及民警的投诉", "转警务投诉，登记回执号"),
    ("110", "from", "不涉及警情的政策咨询、投诉、举报、建议", "接听后建单，附对方摘要"),
    ("110", "from", "噪声、物业、市容等非警务纠纷", RULE_UNCLEAR),
    ("119", "to", "火灾、爆炸、燃气泄漏、人员被困", RULE_TO),
    ("119", "from", "消防通道占用、消防设施缺损的举报", "接听后建单，派消防救援机构"),
    ("120", "to", "急危重症、外伤、中毒等需要急救", RULE_TO),
    ("120", "from", "就医咨询、医疗服务投诉", "接听后建单，派卫生健康部门"),
    ("122", "to", "有人受伤或阻断交通的道路事故", RULE_TO),
    ("122", "from", "信号灯、标线、停车秩序的建议和投诉", "接听后建单，派交通管理部门"),
    ("12366", "to", "纳税申报、发票、退税、社保费缴纳的专业咨询", "转接到税务坐席，无人接听自动退回"),
    ("12366", "from", "税务以外的政务诉求", "接听后建单，附对方摘要"),
)
"""Defaults of this project, to be replaced by the city's own list: centre, direction, item, rule."""


def upgrade() -> None:
    op.create_table(
        "agent_log",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("seat", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=True),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_log")),
        sa.UniqueConstraint("agent_id", "event_key", name=op.f("uq_agent_log_agent_id_event_key")),
    )
    op.create_index(op.f("ix_agent_log_agent_id_at"), "agent_log", ["agent_id", "at"], unique=False)
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("phone_hash", sa.String(length=64), nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("line", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dialling", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(op.f("ix_callbacks_owner"), "callbacks", ["owner"], unique=False)
    op.create_index(op.f("ix_callbacks_status_due_at"), "callbacks", ["status", "due_at"], unique=False)
    op.create_index(
        "uq_callbacks_open_phone_hash",
        "callbacks",
        ["phone_hash"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "diversion_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diversion_items")),
    )
    op.create_index(op.f("ix_diversion_items_centre"), "diversion_items", ["centre"], unique=False)
    op.create_table(
        "handoff_days",
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_handoff_days")),
    )
    op.create_table(
        "handoffs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("transfer_id", sa.String(length=80), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("centre", sa.String(length=16), nullable=False),
        sa.Column("target_kind", sa.String(length=16), nullable=False),
        sa.Column("target_value", sa.LargeBinary(), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("settled", sa.String(length=16), nullable=True),
        sa.Column("first_receiver", sa.String(length=16), nullable=False),
        sa.Column("keep_line", sa.Boolean(), nullable=False),
        sa.Column("receipt", sa.String(length=64), nullable=True),
        sa.Column("summary", sa.LargeBinary(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("push_state", sa.String(length=16), nullable=False),
        sa.Column("push_tries", sa.Integer(), nullable=False),
        sa.Column("push_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("push_error", sa.String(length=48), nullable=True),
        sa.Column("summary_pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
        sa.UniqueConstraint("number", name=op.f("uq_handoffs_number")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_handoffs_transfer_id")),
    )
    op.create_index(op.f("ix_handoffs_agent_id_started_at"), "handoffs", ["agent_id", "started_at"], unique=False)
    op.create_index(op.f("ix_handoffs_call_id"), "handoffs", ["call_id"], unique=False)
    op.create_index(op.f("ix_handoffs_centre_started_at"), "handoffs", ["centre", "started_at"], unique=False)
    op.create_index(op.f("ix_handoffs_started_at"), "handoffs", ["started_at"], unique=False)
    op.create_index(op.f("ix_handoffs_state"), "handoffs", ["state"], unique=False)
    op.create_table(
        "callback_attempts",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("callback_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["callback_id"], ["callbacks.id"], name=op.f("fk_callback_attempts_callback_id_callbacks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_attempts")),
    )
    op.create_index(op.f("ix_callback_attempts_callback_id"), "callback_attempts", ["callback_id"], unique=False)
    op.create_index("uq_callback_attempts_call_id", "callback_attempts", ["call_id"], unique=True)
    op.create_table(
        "callback_calls",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("callback_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["callback_id"], ["callbacks.id"], name=op.f("fk_callback_calls_callback_id_callbacks")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_callback_calls")),
    )
    op.create_index(op.f("ix_callback_calls_callback_id"), "callback_calls", ["callback_id"], unique=False)
    op.create_table(
        "handoff_steps",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("handoff_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("route", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("leg", sa.String(length=64), nullable=True),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_handoff_steps_handoff_id_handoffs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff_steps")),
        sa.UniqueConstraint("handoff_id", "event_key", name=op.f("uq_handoff_steps_handoff_id_event_key")),
    )
    op.create_table(
        "outbound_calls",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_outbound_calls")),
    )
    op.create_index(op.f("ix_outbound_calls_kind_object_id"), "outbound_calls", ["kind", "object_id"], unique=False)
    op.create_table(
        "user_skills",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_skills_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "queue", name=op.f("pk_user_skills")),
    )
    op.add_column("calls", sa.Column("direction", sa.String(length=8), server_default="inbound", nullable=False))
    op.add_column("calls", sa.Column("centre", sa.String(length=16), nullable=True))
    op.add_column("calls", sa.Column("summary", sa.LargeBinary(), nullable=True))

    items = sa.table(
        "diversion_items",
        *(sa.column(name) for name in ("centre", "direction", "item", "rule", "note", "source", "active", "position")),
    )
    rows = [
        {"centre": centre, "direction": direction, "item": item, "rule": rule, "note": "", "source": "project_default"}
        | {"active": True, "position": position}
        for position, (centre, direction, item, rule) in enumerate(DIVERSION, 1)
    ]
    op.bulk_insert(items, rows)


def downgrade() -> None:
    op.drop_column("calls", "summary")
    op.drop_column("calls", "centre")
    op.drop_column("calls", "direction")
    op.drop_table("user_skills")
    op.drop_index(op.f("ix_outbound_calls_kind_object_id"), table_name="outbound_calls")
    op.drop_table("outbound_calls")
    op.drop_table("handoff_steps")
    op.drop_index(op.f("ix_callback_calls_callback_id"), table_name="callback_calls")
    op.drop_table("callback_calls")
    op.drop_index("uq_callback_attempts_call_id", table_name="callback_attempts")
    op.drop_index(op.f("ix_callback_attempts_callback_id"), table_name="callback_attempts")
    op.drop_table("callback_attempts")
    op.drop_index(op.f("ix_handoffs_state"), table_name="handoffs")
    op.drop_index(op.f("ix_handoffs_started_at"), table_name="handoffs")
    op.drop_index(op.f("ix_handoffs_centre_started_at"), table_name="handoffs")
    op.drop_index(op.f("ix_handoffs_call_id"), table_name="handoffs")
    op.drop_index(op.f("ix_handoffs_agent_id_started_at"), table_name="handoffs")
    op.drop_table("handoffs")
    op.drop_table("handoff_days")
    op.drop_index(op.f("ix_diversion_items_centre"), table_name="diversion_items")
    op.drop_table("diversion_items")
    op.drop_index("uq_callbacks_open_phone_hash", table_name="callbacks", sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_index(op.f("ix_callbacks_status_due_at"), table_name="callbacks")
    op.drop_index(op.f("ix_callbacks_owner"), table_name="callbacks")
    op.drop_table("callbacks")
    op.drop_index(op.f("ix_agent_log_agent_id_at"), table_name="agent_log")
    op.drop_table("agent_log")
