"""Man or woman, where the words show it: what callers say of themselves, and how they are addressed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from asr.prefill.questions import ASKS_NAME, ASKS_OTHER_NAME
from asr.prefill.reading import PAUSE, Talk
from asr.prefill.suggestions import Evidence, Suggestion
from asr.prefill.titles_heard import called

TITLES = {
    **dict.fromkeys(("女士", "小姐", "大姐", "阿姨", "大娘", "大妈", "奶奶", "大婶", "大嫂", "嫂子", "婶子"), "女"),
    **dict.fromkeys(("老太太", "妹子", "姐", "姨", "婶"), "女"),
    **dict.fromkeys(("先生", "大哥", "大爷", "叔叔", "爷爷", "大叔", "大伯", "伯伯", "老先生", "老爷子", "老哥"), "男"),
    **dict.fromkeys(("兄弟", "哥", "叔"), "男"),
    **dict.fromkeys(("师傅", "老师", "同学", "同志", "医生", "总", "经理", "老板", "会计"), ""),
}
"""How people are addressed, and whether that tells a man from a woman."""
_I_AM = r"(?:我|俺)(?:也)?(?:是|就是|这|这个|一个|是个|是一个|作为一个|作为)"
_OF_WHOM = r"(?:孩子|娃|学生|老人|老爷子|老太太|病人|患者|他们?|她)?(?:他|她|的|家)?"
_SELF_ENDS = r"(?=[，,。！？\s的啊呀嘛]|$|来|在|替|打|想|说|就|也)"
_WOMAN = re.compile(
    rf"{_I_AM}{_OF_WHOM}(?:亲)?(?:妈妈?|母亲|奶奶|姥姥|外婆|女儿|闺女|姑娘|媳妇|儿媳妇?|老婆|妻子|妹妹|姐姐?|侄女|孙女|外甥女|姑姑?|姨|嫂子){_SELF_ENDS}"
    r"|我(?:是|就是|是个|一个|这个|这|是一个|作为)?(?:弱)?(?:女的|女同志|女人家?|女孩子?|女生|孕妇|老太太|老太婆|老婆子|妇女|家庭妇女"
    r"|宝妈|单亲妈妈|全职妈妈|带娃的妈|当妈的|做母亲的|小姑娘|姑娘家)"
    r"|我(?:现在|都|刚|已经)?怀(?:着|了)?(?:孕|二胎|孩子)|我(?:刚)?(?:生|坐月子|做月子)(?:完)?(?:孩子|宝宝|了二胎)"
    r"|我(?:正)?(?:休|在休|在|歇)(?:着)?产假|我(?:现在)?(?:还)?(?:在)?(?:哺乳期|月子里|坐月子|挺着(?:个)?大肚子)"
)
_MAN = re.compile(
    rf"{_I_AM}{_OF_WHOM}(?:亲)?(?:爸爸?|父亲|爷爷|姥爷|外公|儿子|丈夫|老公|弟弟|哥哥|叔叔?|舅舅|女婿|孙子|侄子|侄儿|外甥|姐夫|妹夫){_SELF_ENDS}"
    r"|我(?:是|就是|是个|一个|这个|这|是一个|作为)?(?:男的|男同志|大老爷们儿?|老头(?:子|儿)?(?=[，,。！]|了|一个|$)|老汉|大男人|爷们儿?"
    r"|小伙子|糟老头|当爹的|当爸的|做父亲的|退伍兵|退伍军人|老兵|宝爸|光棍)|我当(?:过)?(?:兵|爹|爸)"
)
_WIFE = re.compile(r"[我俺](?:老婆|媳妇|妻子|婆娘|丈母娘|岳父|岳母|家那口子她)")
_HUSBAND = re.compile(r"[我俺](?:老公|丈夫|男人|当家的|家那口子他)")
_ALONE = (
    "大娘|大爷|大妈|大姐|大哥|阿姨|叔叔|女士|先生|小姐|奶奶|爷爷|大叔|大婶|大嫂|嫂子"
    "|老爷子|老太太|老先生|老哥|妹子|姑娘|小伙子|帅哥|美女"
)
_ADDRESSED = re.compile(
    rf"(?:^|{PAUSE}|好的?|嗯|那|谢谢|行|明白|理解)"
    rf"(?:(?P<title>{_ALONE})(?=您|你|，|,|。|！|？|好|别|慢|贵姓|怎么|请|放心|没事|$)"
    rf"|[\u4e00-\u9fff]{{1,2}}(?P<named>女士|先生|阿姨|大爷|大娘|大妈|大哥|大姐|叔叔|大叔|奶奶|爷爷)(?=[，,。您]|$))"
)
_OF_TITLE = {**TITLES, **dict.fromkeys(("姑娘", "美女"), "女"), **dict.fromkeys(("小伙子", "帅哥"), "男")}
_INTRODUCED = re.compile(
    r"(?:就写|就叫|叫我|称呼我|喊我|写上?|留个?|登记|记)(?:个|成|为)?[\u4e00-\u9fff]{0,2}(?P<title>女士|先生|大姐|大哥|大爷|阿姨)(?!的|那|家)"
)
_ANSWERED = re.compile(
    r"(?<!那个)(?<!的)[\u4e00-\u9fff](?P<title>女士|先生|大姐|大哥|大爷|阿姨)(?=(?:就|也)?(?:行|好|是|成|可以)?吧?(?:[，。！]|$))"
)
"""免贵…女士吧, asked for the name: the title is whole where the name is not."""

_HINTS = 0.4
"""Whose husband or wife is spoken of settles nothing by itself: offered, not filled."""


class Shown(NamedTuple):
    """``value`` 男 or 女, ``sure`` 0..1."""

    value: str
    sure: float
    evidence: Evidence


def suggest_gender(talk: Talk, by_name: Sequence[Shown], named: frozenset[int]) -> Suggestion | None:
    """``by_name``: what names and their titles show; ``named``: turns of the operator that count there already."""
    shown = [*_of_themselves(talk), *by_name, *_introduced(talk), *_addressed(talk, named)]
    if not shown:
        return None
    doubt = {"男": 1.0, "女": 1.0}
    for each in shown:
        doubt[each.value] *= 1 - each.sure
    value = "男" if doubt["男"] < doubt["女"] else "女"
    other = "女" if value == "男" else "男"
    confidence = (1 - doubt[value]) * doubt[other]
    evidence = tuple(dict.fromkeys(each.evidence for each in shown if each.value == value))
    return Suggestion(field="caller_gender", value=value, confidence=round(min(0.96, confidence), 2), evidence=evidence)


def _of_themselves(talk: Talk) -> Iterator[Shown]:
    """Each kind of words once: saying it again proves no more."""
    told: set[tuple[str, float]] = set()
    for said in talk.caller:
        for value, pattern, sure in (
            ("女", _WOMAN, 0.95),
            ("男", _MAN, 0.95),
            ("男", _WIFE, _HINTS),
            ("女", _HUSBAND, _HINTS),
        ):
            match = pattern.search(said.text)
            if match is not None and (value, sure) not in told:
                told.add((value, sure))
                yield Shown(value, sure, said.evidence(*match.span()))


def _introduced(talk: Talk) -> Iterator[Shown]:
    for said in talk.caller:
        match = _INTRODUCED.search(said.text)
        if match is None and ASKS_NAME.search(said.asked) and ASKS_OTHER_NAME.search(said.asked) is None:
            match = _ANSWERED.search(said.text)
        if match is not None:
            yield Shown(_OF_TITLE[match.group("title")], 0.9, said.evidence(*match.span("title")))


def _addressed(talk: Talk, named: frozenset[int]) -> Iterator[Shown]:
    for said in talk.agent:
        match = _ADDRESSED.search(said.text)
        if match is None:
            heard = next((call for call in called(said) if call.gender), None)
            if heard is not None and said.index not in named:
                yield Shown(heard.gender, 0.8, said.evidence(heard.start, heard.end))
            continue
        group = "title" if match.group("title") else "named"
        if group == "title" or said.index not in named:
            yield Shown(_OF_TITLE[match.group(group)], 0.85, said.evidence(*match.span(group)))
