"""Names of anybody a talk speaks of: told, asked for, spelled, behind 姓, 叫 and 是, before a title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from api.understanding.hidden_numbers import Found
from asr.lexicon import Lexicon
from asr.prefill.addressing import addressed
from asr.prefill.counterparts import counterparts
from asr.prefill.genders import TITLES
from asr.prefill.named import Kind
from asr.prefill.naming import HAN, STOP_CHARS, asks_another, asks_own_name, claims_of
from asr.prefill.reading import PAUSE, Said, Talk

_JOBS = (
    "主任|书记|支书|科长|局长|处长|所长|站长|院长|校长|园长|队长|组长|村长|镇长|乡长|区长|市长|县长|班长|店长|厂长|股长"
    "|董事长|主管|大夫|护士|教授|教练|警官|民警|辅警|交警|律师|法官|导游|顾问|助理|秘书|干事|网格员|代表|保安"
)
_KIN = "某某|姐夫|大哥|大嫂|二哥|三哥|婆婆|老太|老汉|老伴|同志|姑娘|小姐|家媳妇|家儿子|家闺女"
_TITLES = "|".join(
    sorted(
        {*(title for title in TITLES if len(title) > 1), *_JOBS.split("|"), *_KIN.split("|")},
        key=lambda title: (-len(title), title),
    )
)
_SHORT_TITLES = "总工哥姐叔姨婶嫂爷奶伯某氏"
_GIVEN = rf"(?:(?![{re.escape(STOP_CHARS)}]){HAN})"
_NO_SURNAME = "区学孩伙事人年板师店路门大太头子朋时车院妹弟哥姐伴婆公妈爸乡家房楼旧早是的和来年买总红"
"""Behind 老 or 小 these make a word."""
_ROLES = (
    "经理|老板娘?|主任|书记|村长|队长|科长|所长|校长|园长|老师|教练|大夫|医生|护士|司机|师傅|邻居|房东|中介|会计"
    "|包工头|工头|户主|法人|负责人|楼上|楼下|对门|隔壁"
)
_COMMON = 260
"""So many surnames are enough where nothing else speaks for a name."""
_VERBS = "和管应时常平向空来解查成位关包全连别安温路金于方白高史万任边强单景时车房"
_SIDES = "东西南北第百左右公太单长"
"""Double surnames that begin so are words as well."""
_NUMERALS = "零〇一二两三四五六七八九十幺"
_DOES = "天天|老是|每天|经常|昨|今|前天|说|把|打|骂|他|她|不|也|都|就|在|欠|跟|和|给|没|又|还"
_LONGEST = 6
"""Characters of a clause that may be a name and a little more."""
_SOON = 8
"""Into an answer that a name which nothing closes may begin."""
_NO_PERSON = re.compile(
    r"班主任|支书|区(?:书记|主任|长)|家(?:长|属|老|姑娘)|车(?:主任|老板)|单位|户主|店(?:老板|经理)|总(?:经理|会计)|公司|校长|门诊|和|国家|东西|高速|应该|时候|平时|左右|方便|安全|明白|阴天"
)
_NO_WORD = re.compile(r"电|话|号码|女士|先生|司机|麻烦|解决|国家|银行|谢谢|保密|管管|什么|怎么")
"""Hidden beside a name, and not wherever else it is said."""
_GLYPHS = re.compile(
    r"偏旁|字[旁头底]|[草竹宝走提竖立单双三两反病厂广国][字之手刀心人点耳口]?[头盖旁水底框耳]|耳[朵刀]|走之|单人|双人|上[头面边]|下[头面边]|底下"
    r"|左[边面]|右[边面]|中间|一个字|[一两三]个[字口木人日土]|[多少][一两三]?[横竖点撇捺]|的字|个字|什么字|这个字|那个字|加个|念"
)
_SPELLED = re.compile(
    r"[\u4e00-\u9fff]{0,3}(?P<c>[\u4e00-\u9fff])[\u4e00-\u9fff]{0,3}(?:的(?:那个|这个)?|那个|这个)(?P=c)"
)
_SPELLED_ON = re.compile(rf"(?P<c>{HAN}){HAN}{{0,3}}(?:的|那个)(?P=c){HAN}{{1,3}}")
"""…共产党的党党玉梅: what follows in one breath is the name."""
_WRITTEN = re.compile(rf"(?P<c>{HAN})(?:字|是[^，。]{{0,6}}[字旁头底])[^，。！？]*")
"""翟字就是……, 雯是雨字头: how a character of a name is written."""
_LIKE_SPELLED = re.compile(r"[\u4e00-\u9fff]{1,4}的(?:那个|这个)?[\u4e00-\u9fff](?=[，。、！？…]|字|$)")
_LEAD = re.compile(
    r"(?:嗯|哦|啊|呃|哎|对|我|他|她|你|您|就|也|都|是|叫|名字|大名|全名|本人|免贵|写|记|那个|老人|户名|复姓|说|好像|登记的?|好的?|那)*"
)


@dataclass(frozen=True, slots=True)
class Names:
    """``found``: where; ``words``: whole names and given names, hidden wherever else they are said."""

    found: tuple[Found, ...]
    words: frozenset[str]


@lru_cache(maxsize=4)
def _patterns(lexicon: Lexicon) -> dict[str, re.Pattern[str]]:
    longer = sorted((name for name in lexicon.surnames if len(name) > 1), key=len, reverse=True)
    surname = rf"(?:{'|'.join(longer)}|[{''.join(name for name in lexicon.surnames if len(name) == 1)}])"
    short = "".join(name for name in lexicon.surnames if len(name) == 1 and name not in _NO_SURNAME)
    common = "".join(name for name in list(lexicon.surnames)[:_COMMON] if len(name) == 1 and name not in _VERBS)
    double = "|".join(name for name in lexicon.surnames if len(name) == 2 and name[0] not in _SIDES)
    whole = rf"(?P<name>{surname}{_GIVEN}{{1,2}})"
    edge = rf"(?={PAUSE}|$|[{re.escape(STOP_CHARS)}{_NUMERALS}\d]|今年|本人|电话|手机|[女男]|{_TITLES})"
    return {
        "surnamed": re.compile(
            rf"(?<!百)姓(?:呢|是|[，,])?(?P<name>(?:{surname}|(?![名氏啥什这那的啊吗呢哪]){HAN}){_GIVEN}{{0,2}})"
            rf"(?:[，,]?(?:名|单名)?叫(?P<given>{_GIVEN}{{1,2}}))?"
        ),
        "self": re.compile(
            r"(?:我叫|俺叫|名字(?:就)?(?:是|叫)|姓名(?:是|叫|[：:])?|大名(?:是|叫)?|全名(?:是|叫)?|名叫|户名(?:是|叫)?"
            r"|联系人(?:是|叫|[：:])|本人叫?|自称(?:是|叫)?|署名(?:是)?|叫做|叫作)(?:呢|呃|嗯|那个|[，,])?"
            rf"(?:(?P<any>{_GIVEN}{{2,5}}(?:·{HAN}+)*){edge}|{whole})"
        ),
        "called": re.compile(rf"(?:叫|[是找跟给归问喊向与和对有])(?:个|那个|一个)?{whole}{edge}"),
        "run_on": re.compile(rf"(?:叫|登记的是)(?P<name>{surname}{_GIVEN}{{2}})"),
        "role": re.compile(rf"(?:{_ROLES})(?:叫|是)?(?P<name>(?:[{common}]|{double}){_GIVEN}{{1,2}})"),
        "double": re.compile(rf"(?P<name>(?:{double}){_GIVEN}{{1,2}})"),
        "alone": re.compile(rf"[{common}]{_GIVEN}{{2}}(?:(?={_DOES})|$)"),
        "answer": re.compile(rf"{surname}{_GIVEN}{{0,2}}"),
        "titled": re.compile(rf"{surname}{_GIVEN}{{0,2}}?(?={_TITLES})"),
        "short": re.compile(rf"[{short}](?=[{_SHORT_TITLES}](?:{PAUSE}|$|您|你|的|说|他|她|给|在|就|也|和|跟|家))"),
        "nick": re.compile(rf"[老小阿][{short}](?![师板时区孩伙])"),
    }


def names_in(talk: Talk) -> Names:
    found: list[Found] = []
    words: set[str] = set()
    told: dict[int, str] = {}
    beside: dict[int, str] = {}
    for said in talk.all:
        introduced, spoken_of = list(_introduced(said)), list(_spoken_of(said))
        found += introduced + spoken_of
        words |= {said.text[start:end] for _, start, end in introduced + spoken_of}
        told[said.index] = "".join(said.text[start:end] for _, start, end in introduced)
        beside[said.index] = "".join(said.text[start:end] for _, start, end in spoken_of if end - start > 1)
        words |= {given for _, start, end in introduced if (given := _given(said.text[start:end]))}
    for claim in (*(c for said in talk.caller for c in claims_of(said, spelling=True)), *addressed(talk)):
        told[claim.said.index] += claim.name
        words |= {claim.name, _given(claim.name)} if claim.full else set()
    for named in counterparts(talk, ""):
        if named.kind in (Kind.PERSON, Kind.KIN):
            found.append((named.said, named.start, named.end))
            name = named.said.text[named.start : named.end]
            words |= {name, _given(name)}
            beside[named.said.index] = beside.get(named.said.index, "") + name
    for said in talk.all:
        near = "".join(told.get(index, "") for index in (said.index - 1, said.index, said.index + 1))
        found += ((said, at, at + 1) for at, char in enumerate(said.text) if char in near)
        found += ((said, *match.span()) for match in _WRITTEN.finditer(said.text) if match["c"] in beside[said.index])
        found += _spelling(said, named=bool(near or beside[said.index]) or _asks(said))
    return Names(tuple(found), frozenset(word for word in words if len(word) > 1 and not _NO_WORD.search(word)))


def _given(name: str) -> str:
    """What is left of a whole name when it is said without the surname, if that is two characters."""
    return name[-2:] if len(name) in (3, 4) else ""


def _asks(said: Said) -> bool:
    return asks_own_name(said.asked) or asks_another(said.asked)


def _introduced(said: Said) -> Iterator[Found]:
    """A name after 姓, 叫 and their like, and in the answer to who."""
    patterns = _patterns(said.reading.lexicon)
    for match in patterns["surnamed"].finditer(said.text):
        yield said, *match.span("name")
        if match["given"]:
            yield said, *match.span("given")
    for match in patterns["self"].finditer(said.text):
        yield said, *match.span("any" if match["any"] else "name")
    if not re.search(PAUSE, said.text):
        for match in patterns["run_on"].finditer(said.text):
            yield said, *match.span("name")
    if not _asks(said):
        return
    for start, end in said.reading.clauses[:5]:
        lead = _LEAD.match(said.text, start, end)
        start = lead.end() if lead is not None else start
        name = patterns["answer"].match(said.text, start, end)
        if name is not None and (end - start <= _LONGEST or start < _SOON):
            yield said, *name.span()


def _spoken_of(said: Said) -> Iterator[Found]:
    """A name by what stands beside it, or by being all of a clause or who does something in it."""
    patterns = _patterns(said.reading.lexicon)
    roles = said.reading.lexicon.cues.roles
    for key in ("called", "role", "double"):
        for match in patterns[key].finditer(said.text):
            if match["name"] not in roles and not _NO_PERSON.match(match["name"]):
                yield said, *match.span("name")
    for key in ("titled", "short", "nick"):
        for match in patterns[key].finditer(said.text):
            if not _NO_PERSON.match(said.text, match.start()):
                yield said, *match.span()
    for start, end in said.reading.clauses:
        alone = patterns["alone"].match(said.text, start, end)
        if alone is not None and not _NO_PERSON.match(said.text, start):
            yield said, *alone.span()


def _spelling(said: Said, *, named: bool) -> Iterator[Found]:
    """柴火的柴 anywhere; beside a name also 弓长张, and what a character is put together of."""
    for match in _SPELLED.finditer(said.text):
        yield said, *match.span()
    if not named:
        return
    for match in (*_LIKE_SPELLED.finditer(said.text), *_SPELLED_ON.finditer(said.text)):
        yield said, *match.span()
    for parts in said.reading.lexicon.cues.surname_parts:
        for match in re.finditer(re.escape(parts), said.text):
            yield said, *match.span()
    for start, end in said.reading.clauses:
        if _GLYPHS.search(said.text, start, end):
            yield said, start, end
