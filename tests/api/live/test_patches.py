"""The difference between two states, applied by the reader, gives the second state."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.live.patches import apply, diff

keys = st.sampled_from(["call", "draft", "phase", "n"])
leaves = st.none() | st.booleans() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
states = st.dictionaries(keys, leaves | st.dictionaries(keys, leaves | st.dictionaries(keys, leaves)))


def seg(number: int, rev: int = 1, text: str = "您好") -> dict[str, Any]:
    return {"seg": number, "rev": rev, "text": text}


@given(old=states, new=states)
def test_the_patch_leads_from_any_state_to_any_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    ops = diff(old, new)
    assert apply(old, ops) == new
    assert (ops == []) == (old == new)


def test_only_the_changed_leaf_is_sent() -> None:
    old = {"call": {"phase": "offered", "caller": {"number": "138****0000"}}, "draft": None}
    new = {"call": {"phase": "talking", "caller": {"number": "138****0000"}}, "draft": None}
    assert diff(old, new) == [["set", "call/phase", "talking"]]


def test_a_gone_key_is_deleted() -> None:
    assert diff({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}) == [["del", "a/c"]]


def test_only_new_and_changed_turns_of_a_transcript_are_sent() -> None:
    old = {"transcript": (seg(1), seg(2))}
    new = {"transcript": (seg(1), seg(2, rev=2, text="您好，请讲"), seg(3))}
    ops = diff(old, new)
    assert ops == [["app", "transcript", seg(2, rev=2, text="您好，请讲")], ["app", "transcript", seg(3)]]
    assert apply(old, ops) == {"transcript": [seg(1), seg(2, rev=2, text="您好，请讲"), seg(3)]}


def test_an_older_revision_does_not_replace_a_newer_one() -> None:
    assert apply({"transcript": [seg(1, rev=5)]}, [["app", "transcript", seg(1, rev=4)]]) == {
        "transcript": [seg(1, rev=5)]
    }


def test_evidence_is_replaced_as_a_whole_though_it_names_turns() -> None:
    old = {"evidence": [{"seg": 1, "start": 0, "end": 2}]}
    new = {"evidence": [{"seg": 1, "start": 0, "end": 2}, {"seg": 1, "start": 4, "end": 6}]}
    assert diff(old, new) == [["set", "evidence", new["evidence"]]]


def test_the_inputs_are_left_alone() -> None:
    old = {"call": {"phase": "offered"}}
    apply(old, [["set", "call/phase", "talking"]])
    assert old == {"call": {"phase": "offered"}}
