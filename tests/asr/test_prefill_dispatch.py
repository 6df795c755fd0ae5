"""What the operator says of where it goes and how fast tells what it is about and how urgent."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.lexicon.urgency import Urgency
from asr.understanding import ticket_of, understand
from tests.asr.talks import OWN_NUMBER, turns, value


def test_the_department_the_operator_passes_it_on_to_speaks_for_its_matters() -> None:
    told = "外墙保温的活儿我们干完了，工钱一分没见着。"
    passed = (told, "好的，我转人社部门。", "行。")
    assert value("category_code", *passed) == "0801"
    assert value("department", *passed) == "人社部门"
    other = ("路灯坏了，黑灯瞎火的。", "好的。另外孩子转学的事我单独登记一件，转教育部门。", "行。")
    assert value("category_code", *other) == "0203"


def test_who_suggests_something_suggests_it_for_a_matter() -> None:
    assert value("category_code", "我提个建议，三十路公交末班车能不能延到九点。") == "0501"


@pytest.mark.parametrize(
    ("told", "level"),
    [
        ("好的，我按紧急件转水务部门。", "紧急"),
        ("孩子小，我同时标成紧急。", "紧急"),
        ("好的，我转水务部门。", "一般"),
        ("电线的事我单独登记，按紧急件请供电公司去看。", "一般"),
        ("这个不属于紧急情况，我转水务部门。", "一般"),
    ],
)
def test_the_operator_says_how_urgent_it_is(told: str, level: str) -> None:
    assert value("urgency", "村里机井的泵烧了，浇不成地。", told, "行。") == level


def test_what_the_operator_sends_back_is_done_again() -> None:
    lines = turns("垃圾又堆满了。", "结果您打几分？", "一分。", "我给您退回重新办理，可以吗？", "可以。")
    lexicon = Lexicon.load()
    found = understand(lines, caller_number=OWN_NUMBER, lexicon=lexicon, urgency=Urgency.load())
    assert ticket_of(found, lines, caller_number=OWN_NUMBER, lexicon=lexicon)["disposition"] == "退回重办"
