"""What the acts of a talk weigh is learnt from dialogues, and the packaged weights are whole."""

from __future__ import annotations

from asr.lexicon import Lexicon
from asr.prefill.appeals import KINDS, Acts, likely, packaged_weights
from asr.teaching_appeals import Example, examples_of, teach

TALKS: list[Example] = [
    ("投诉", {"usual:投诉": 1.0, "blames": 2.0}),
    ("投诉", {"usual:求助": 1.0, "blames": 1.6}),
    ("求助", {"usual:求助": 1.0, "broken": 1.0}),
    ("求助", {"usual:投诉": 1.0, "broken": 1.6, "mend": 1.0}),
]


def test_an_act_that_goes_with_a_kind_comes_to_speak_for_it() -> None:
    weights = teach(TALKS)
    assert weights["投诉"]["blames"] > 0.3 > weights["求助"].get("blames", 0.0)
    shares = likely(Acts({"usual:求助": 1.0, "blames": 3.0}, {}), weights)
    assert max(shares, key=lambda kind: shares[kind]) == "投诉"
    assert teach(TALKS) == weights


def test_emergencies_teach_nothing() -> None:
    talk = {"turns": [["caller", "着火了，快来人。"]], "ticket": {"appeal_type": "求助", "category_code": "9002"}}
    leak = {"turns": [["caller", "顶上漏水。"]], "ticket": {"appeal_type": "求助", "category_code": "0102"}}
    found = examples_of([talk, leak], Lexicon.load())
    assert [kind for kind, _ in found] == ["求助"]
    assert found[0][1]["broken"] > 0


def test_the_packaged_weights_know_each_kind_and_its_usual_matter() -> None:
    weights = packaged_weights()
    assert tuple(weights) == KINDS
    assert all(weights[kind][f"calls:{kind}"] > 1 for kind in KINDS)
