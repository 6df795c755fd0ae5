"""The message shapes are written down once, for the console's side to be checked against.

After a deliberate change: ``python -m tests.contract.test_hotline_v1`` writes the file anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from api.live.messages import json_schema

SCHEMA = Path(__file__).with_name("hotline_v1.schema.json")


def written() -> str:
    return json.dumps(json_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def test_the_written_schema_is_that_of_the_models() -> None:
    assert SCHEMA.read_text() == written()


if __name__ == "__main__":
    SCHEMA.write_text(written())
