"""docs/states.md from the transition tables. ``python -m tests.contract.states`` writes it; a test compares."""

from __future__ import annotations

from pathlib import Path

from api.tickets import lifecycle
from telephony import agents, calls, stages, supervision
from telephony.tables import diagram

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

SECTIONS = (
    ("A call", "telephony/phases.py", diagram(calls.TRANSITIONS, start=calls.CallPhase.ARRIVED)),
    ("An operator", "telephony/duties.py", diagram(agents.TRANSITIONS, start=agents.AgentStatus.SIGNED_OUT)),
    ("A transfer", "telephony/stages.py", diagram(stages.TRANSITIONS, start=stages.TransferState.DIALLING)),
    (
        "A supervision",
        "telephony/supervision.py",
        diagram(supervision.TRANSITIONS, start=supervision.SupervisionState.DIALLING),
    ),
    ("A ticket", "api/tickets/lifecycle.py", diagram(lifecycle.TRANSITIONS, start=lifecycle.State.DRAFT)),
)


def page() -> str:
    parts = ["# States", "Drawn from the `TRANSITIONS` tables in the code by `python -m tests.contract.states`."]
    for title, place, drawing in SECTIONS:
        parts += [f"## {title}", f"`{place}`", f"```mermaid\n{drawing.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
