"""What a sentence is about on the whole: ideas, weights, and how they are taught."""

from __future__ import annotations

import dataclasses
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from asr import gist as gists
from asr import meaning
from asr.gist import DANGER, HEADS, Gist, GistError, Ideas, ideas_of, neighbours, save, together
from asr.lexicon import Lexicon
from asr.teaching import of_talks, ordinary, teach

EXAMPLES = [
    {"text": "屋里着火了全是烟", "label": "positive", "expect": ["119"]},
    {"text": "楼上烧起来了快来人", "label": "positive", "expect": ["119"]},
    {"text": "我爸叫不醒了", "label": "positive", "expect": ["120"]},
    {"text": "个税怎么申报", "label": "positive", "expect": ["12366"]},
    {"text": "路灯不亮没人修", "label": "negative", "expect": []},
    {"text": "物业费太贵了", "label": "negative", "expect": []},
]


def test_an_idea_is_met_by_any_of_its_words_and_across_a_gap() -> None:
    ideas = ideas_of('{"fire": ["着火", "火苗"], "as if": ["跟…一样"]}')
    assert ideas.within("火苗窜上来了") == ["fire"]
    assert ideas.within("热得跟着火一样") == ["as if", "fire"]
    assert ideas.within("路灯不亮") == []


@pytest.mark.parametrize("broken", ["{", "[]", "{}", '{"fire": []}', '{"fire": [""]}', '{"fire": "着火"}'])
def test_ideas_that_are_not_lists_of_words_are_refused(broken: str) -> None:
    with pytest.raises(GistError):
        ideas_of(broken)


def test_an_ordinary_talk_teaches_what_its_caller_says_and_one_with_a_transfer_nothing() -> None:
    said = [["agent", "请问在什么位置？"], ["caller", "在学校门口那个垃圾池"], ["caller", "好的"]]
    plain = {"category_code": "0202", "urgency": "一般", "transfer_to": []}
    others = ({"transfer_to": ["110"]}, {"category_code": "9002"}, {"urgency": "紧急"})
    assert [one["text"] for one in of_talks([{"turns": said, "ticket": plain}])] == ["在学校门口那个垃圾池"]
    assert of_talks([{"turns": said, "ticket": plain | other} for other in others]) == []


def test_the_same_examples_teach_the_same_weights_and_danger_is_told_from_the_rest() -> None:
    one, other = teach(EXAMPLES), teach(EXAMPLES)
    assert np.array_equal(one.weights, other.weights)
    assert np.array_equal(one.meant, other.meant)
    fire, lamp = one.weigh("仓库着火了"), one.weigh("路灯坏了没人修")
    danger, line = HEADS.index(DANGER), HEADS.index("119")
    assert fire.whole[danger] > lamp.whole[danger]
    assert together(0.0, False, fire, "119") > together(0.0, False, lamp, "119")
    assert together(1.0, True, lamp, "119") > together(0.0, False, lamp, "119")
    assert fire.whole[line] == pytest.approx(fire.most[line])


def test_of_a_longer_telling_neighbouring_clauses_are_weighed_as_well() -> None:
    assert neighbours("着火了，快来") == []
    assert neighbours("你好，我问个事，哎着火了") == ["你好，我问个事", "我问个事，哎着火了"]
    packaged = Gist.load()
    weighed = packaged.weigh("我想问一下食堂涨价的事，原来六块现在八块，哎老张你咋了，他倒地上叫不醒了")
    assert (weighed.most >= weighed.whole).all()
    assert weighed.most[HEADS.index(DANGER)] > weighed.whole[HEADS.index(DANGER)]


def test_weights_are_written_as_arrays_and_others_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught = teach(EXAMPLES)
    place = tmp_path / "asr.lexicon" / "data"
    place.mkdir(parents=True)
    save(taught, place / gists.WEIGHTS_FILE)
    for name in (gists.IDEAS_FILE, meaning.FILE):
        (place / name).write_bytes((Path(gists.__file__).parent / "lexicon/data" / name).read_bytes())
    monkeypatch.setattr(resources, "files", lambda name: tmp_path / name)
    read = Gist.load.__wrapped__()
    assert np.allclose(read.weights, taught.weights, atol=1e-2)
    assert np.allclose(read.meant, taught.meant, atol=1e-5)
    bare = np.zeros((2, 2))
    np.savez(place / gists.WEIGHTS_FILE, format=np.int64(2), weights=bare, meant=bare, worth=bare, bias=np.zeros(2))
    with pytest.raises(GistError):
        Gist.load.__wrapped__()
    (place / gists.WEIGHTS_FILE).write_bytes(b"no weights")
    with pytest.raises(GistError):
        Gist.load.__wrapped__()


def test_the_packaged_ideas_and_weights_are_there() -> None:
    assert "child" in Ideas.load().within("孩子掉井里了")
    assert Gist.load().weights.shape == (len(HEADS), gists.BUCKETS)


def test_a_word_that_no_example_has_speaks_through_those_that_lie_close_to_it() -> None:
    taught = teach(EXAMPLES)
    bare = dataclasses.replace(taught, meant=np.zeros_like(taught.meant))
    line = HEADS.index("119")
    assert "焚烧" not in "".join(str(one["text"]) for one in EXAMPLES)
    near, far = (taught.weigh(text).whole[line] - bare.weigh(text).whole[line] for text in ("焚烧", "公园"))
    assert near > far


def test_ordinary_matters_teach_that_nobody_is_to_be_called() -> None:
    phrasings = Lexicon.load().phrasings
    taught = ordinary(Lexicon.load())
    texts = {str(one["text"]) for one in taught}
    assert len(taught) > 2000
    assert {(one["label"], tuple(one["expect"])) for one in taught} == {("negative", ())}
    assert texts.isdisjoint(phrasings["0405"])
    assert texts.issuperset(phrasings["0202"])
