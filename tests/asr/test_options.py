"""What comes into question besides the suggested category and department."""

from __future__ import annotations

from asr.lexicon import Lexicon
from asr.lexicon.urgency import Urgency
from asr.options import MOST_CATEGORIES, categories, departments, with_options
from asr.prefill import Option, Suggestion
from asr.transcript import Speaker, Turn
from asr.understanding import understand

LEXICON = Lexicon.load()
FUMES, NOISE = "0401", "0402"


def suggested(field: str, value: str, confidence: float) -> Suggestion:
    return Suggestion(field=field, value=value, confidence=confidence)


def said(*texts: str) -> list[Turn]:
    return [
        Turn(
            seg=number,
            rev=1,
            speaker=Speaker.CALLER,
            text=text,
            start_s=float(number),
            end_s=number + 1.0,
            final=True,
        )
        for number, text in enumerate(texts)
    ]


def test_the_suggested_category_stands_first_and_the_next_ones_divide_what_is_left() -> None:
    ranked = [(FUMES, 0.5), (NOISE, 0.3), ("0202", 0.1), ("0101", 0.1)]
    (found,) = with_options([suggested("category_code", FUMES, 0.6)], ranked, LEXICON)
    assert found.options == (
        Option(value=FUMES, confidence=0.6),
        Option(value=NOISE, confidence=0.3),
        Option(value="0202", confidence=0.1),
    )


def test_an_emergency_that_is_not_happening_is_no_choice() -> None:
    assert categories(FUMES, [("9002", 0.6), (FUMES, 0.3), (NOISE, 0.1)], never={"9002"}) == [FUMES, NOISE]


def test_a_department_without_another_beside_it_is_no_choice() -> None:
    alone = next(one for one in LEXICON.categories if not one.co_departments)
    assert departments(alone, alone.department) == [alone.department]
    found = with_options(
        [suggested("category_code", alone.code, 0.9), suggested("department", alone.department, 0.9)],
        [(alone.code, 1.0)],
        LEXICON,
    )
    assert [one.options for one in found] == [(), ()]


def test_departments_that_overlap_are_shown_beside_the_proposed_one() -> None:
    found = {
        one.field: one
        for one in understand(
            said("我要投诉楼下饭店的油烟，天天呛得不行，窗户都不敢开。", "他家没装油烟净化器。"),
            caller_number="",
            lexicon=LEXICON,
            urgency=Urgency.load(),
        ).suggestions
    }
    category = LEXICON.category(found["category_code"].value)
    assert category is not None
    assert category.code == FUMES
    options = {one.value: one.confidence for one in found["department"].options}
    assert set(options) == {category.department, *category.co_departments}
    assert next(iter(options)) == found["department"].value
    assert options[found["department"].value] == found["department"].confidence
    assert sum(options.values()) <= 1.02
    chosen = [one.value for one in found["category_code"].options]
    assert chosen[0] == FUMES
    assert len(chosen) <= MOST_CATEGORIES
