"""How recognised text is written down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.hanzi import normalise


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("你 好 我 要 投诉", "你好我要投诉"),
        ("您好,我要投訴,樓下有個飯店.", "您好，我要投诉，楼下有个饭店。"),
        ("一共3.5万,对吗?", "一共3.5万，对吗？"),
        ("愛妳好", "爱你好"),
        ("您別著急，著名的酒店還亮著燈", "您别着急，著名的酒店还亮着灯"),
        ("WiFi 坏 了", "WiFi坏了"),
        ("电话 138 0013 8000", "电话138 0013 8000"),
        ("好，，的。。", "好，的。"),
        ("，嗯", "嗯"),
        ("他说:好!", "他说：好！"),
        ("안녕 하세요.", "안녕 하세요."),
        ("  hello,  world ", "hello, world"),
        ("", ""),
    ],
)
def test_text_is_written_as_people_here_read_it(raw: str, text: str) -> None:
    assert normalise(raw) == text


@given(st.text(alphabet="你好樓飯 ,.?!，。3a\t"))
def test_normalising_again_changes_nothing(raw: str) -> None:
    assert normalise(normalise(raw)) == normalise(raw)


def test_a_recognisers_mark_for_an_unknown_word_is_no_text() -> None:
    assert normalise("你 [unk] 饭店 <UNK>") == "你饭店"
    assert normalise("[unk]") == ""
