"""What the documents say of states is what the tables say."""

from __future__ import annotations

from tests.contract.states import PAGE, page


def test_the_diagrams_in_the_documents_are_those_of_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.contract.states"
