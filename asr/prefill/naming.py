"""What in the caller's words is the caller's name: said after 姓 or 叫, as a bare answer, whole after spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import sounds_like, syllables
from asr.prefill.genders import TITLES
from asr.prefill.given_names import usual_given_name
from asr.prefill.half_named import half_named
from asr.prefill.questions import ASKS_NAME, ASKS_OTHER_NAME
from asr.prefill.reading import PAUSE, Said
from asr.prefill.spelling import by_spelling, by_word, explained_behind, near, spelled_at, unlike_on_average
from asr.prefill.suggestions import Evidence

TITLE = "|".join(sorted(TITLES, key=len, reverse=True))
HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003347f]"
"""Names have characters that nothing else has (䶮, 𬭚)."""
STOP_CHARS = (
    "的了是我你您他她们在有不就也都吗呢吧啊呀嘛哈哦嗯呃这那哪什么个到给把被让说和跟与，,。、！？…；：之的地得打住"
)
_NEVER_GIVEN = set(STOP_CHARS) - set("有在就得与")
_ENDS = (
    "电话|手机|联系|住在|我的|我是|我住|我家|家住|号码|女士|先生|同志|就是|谢谢|今年|身份证"
    "|女的|男的|这个|那个|你们|您好|你好|不是|没有|没错|然后|是的|就行|就可以|可以|来自|退休"
)
_KIN = (
    "爸|妈|爹|娘|父亲|母亲|爷爷|奶奶|姥姥|姥爷|外公|外婆|叔|伯|婶|姨|舅|姑|哥|弟|姐|妹|嫂|姐夫|妹夫|外甥|侄女|侄子|侄儿"
    "|孩子|娃|儿子|女儿|闺女|儿媳|女婿|孙子|孙女|老公|老婆|媳妇|爱人|对象|丈夫|妻子|婆婆|公公|丈母娘|岳父|岳母|亲家"
)
_SOMEONE = (
    "他|她|人家|对方|那位|那个|这位|哪位|老人|老太太|老爷子|老头|病人|患者|伤者|小孩|学生|户主|房东|业主|住户|邻居|老板|经理"
    "|司机|师傅|负责人|领导|主任|书记|校长|院长|所长|科长|局长|村长|队长|组长|会计|老师|教授|医生|大夫|护士|教练|店长|包工头"
    "|工头|带班|中介|销售|客服|窗口|民警|警察|交警|网格员|工作人员|快递员|法人|店主|店|公司|厂|饭店|单位|机构|品牌|学校|医院"
    "|楼盘|小区|村|药|车|狗|导游|经营人|接待|保安|同事|朋友|同学|工友|徒弟|亲戚|当事人|受害人|开发商|物业"
)
OTHERS = re.compile(
    rf"(?<!我是)(?<!我是个)(?:他们|有个|有一个|一个|姑娘|小伙|老板娘|女的|男的|户名|他家|楼上|楼下|对门|隔壁|{_SOMEONE}|[我俺][^，。]{{0,2}}(?:{_KIN}))"
    r"[^。！？]{0,5}$"
)
_OTHER_AFTER = re.compile(
    r"^的(?:那个|这个|一个)?(?:经理|老板|男|女|人|领导|大夫|医生|师傅|老师|主任|司机|业务|销售"
    r"|工作|警|民警|交警|邻居|住户|家|书记|局长|科长|所长|小伙|姑娘|同志|教授|护士|窗口|包工头)"
)
_BY_OTHERS = re.compile(r"(?:管|把|给|喊|有人|人家|老|回回|都)(?:我)?(?:叫|喊|写)(?:我|成|作|做)?$")
"""有人管我叫佟姐: what others say is no name."""
_RETRACTED = re.compile(r"(?:不是|不叫|不姓|别写|没说)(?:我)?$")

_QUESTION = re.compile(
    r"贵姓|尊姓|大名|称呼|姓名|名字|全名|姓什么|姓啥|姓哪个|叫什么|叫啥|(?:您|你)(?:本人)?(?:是)?哪位|联系人"
)
_OF_OTHER = re.compile(rf"(?:{_SOMEONE}|(?:您|你|孩子)(?:的|家)?(?:大|二|三|小|老)?(?:{_KIN})|{_KIN})[^，。]{{0,8}}$")
_TO_CALLER = re.compile(r"您|你|贵姓|尊姓|称呼|留|登记|联系人|报一下|说一下|方便")
_YOURS = re.compile(r"[您你]贵姓")
"""Whoever was spoken of right before: 转公交公司您贵姓."""
_PERSONAL = re.compile(r"联系|电话|手机|号码|保密|登记|信息|回电|回访")
_SOUNDING_QUESTIONS = tuple(
    (syllables(words), loose)
    for words, loose in (
        ("贵姓", 0.0),
        ("怎么称呼", 0.3),
        ("您的姓名", 0.15),
        ("称呼您", 0.15),
        ("留姓名", 0.1),
        ("叫什么名字", 0.1),
    )
)
"""As they sound, and how unlike that they may be heard on average."""
_CALLED = syllables("称呼")
_OF_HIMSELF = re.compile(rf"(?:^|[，,。！？])(?:我|俺)(?!们|家|这|那|说|{_KIN})[^，,。！？]{{0,8}}[，,]$")
_OF_A_HOUSE = re.compile(
    r"[\u4e00-\u9fff]{0,4}?(?:厂|公司|店|[小中大]学|学校|医院|村|社区|小区|局|所|银行|集团|酒店|宾馆)"
)
_WHICH_CHARACTER = re.compile(r"哪个|哪两个|什么字|哪几个|怎么写|吗|吧|还是|对不对|是不是|\?|？")


@dataclass(frozen=True, slots=True)
class Claim:
    """``name`` begins with ``surname``; the same if only that was said."""

    name: str
    surname: str
    sure: float
    said: Said
    evidence: tuple[Evidence, ...]
    gender: str = ""
    corrected: bool = False

    @property
    def full(self) -> bool:
        return len(self.name) > len(self.surname)


def asks_own_name(asked: str) -> bool:
    """The operator asked for the caller's name, whomever else they asked about besides."""
    if _YOURS.search(asked):
        return True
    for clause in re.split(r"[，,。？！?!]", asked):
        for question in _QUESTION.finditer(clause):
            before = clause[: question.start()]
            if _TO_CALLER.search(clause) and not _OF_OTHER.search(before.replace("您本人", "您")):
                return True
    if ASKS_NAME.search(asked) is not None:
        return ASKS_OTHER_NAME.search(asked) is None
    return _asks_by_sound(asked)


@lru_cache(maxsize=4096)
def _asks_by_sound(asked: str) -> bool:
    """民贵性 and 在么称虎 for 您贵姓 and 怎么称呼, of nobody who was spoken of right before."""
    for clause in re.split(r"[，,。？！?!、]", asked):
        sounds = syllables(clause)
        if sounds[-2:] == _CALLED:
            return True
        for question, loose in _SOUNDING_QUESTIONS:
            for start in range(len(sounds) - len(question) + 1):
                heard = sounds[start : start + len(question)]
                if unlike_on_average(heard, question) <= loose and not _OF_OTHER.search(clause[:start]):
                    return True
    return False


def asks_another(asked: str) -> bool:
    """For the name of somebody or something else, and not for the caller's."""
    return not asks_own_name(asked) and _QUESTION.search(asked) is not None


@lru_cache(maxsize=8192)
def claims_of(said: Said, *, spelling: bool = False) -> tuple[Claim, ...]:
    """``spelling``: the turn before was the name, and the operator asked which character it is."""
    asked = asks_own_name(said.asked) or (spelling and _WHICH_CHARACTER.search(said.asked) is not None)
    told = [*_parts_said(said, asked), *_surname_said(said, asked), *_full_said(said, asked), *_titled(said, asked)]
    if not told:
        told = list(_misheard(said, asked)) or list(_bare_answer(said, asked))
    if not any(claim.full for claim in told) and (asked or told or re.search(r"我也?姓", said.text)):
        told += list(_spelled_whole(said, asked, told))
    return tuple(told)


@lru_cache(maxsize=8)
def surname_pattern(lexicon: Lexicon) -> str:
    return "|".join(sorted(map(re.escape, lexicon.surnames), key=len, reverse=True))


@lru_cache(maxsize=8)
def _patterns(lexicon: Lexicon) -> dict[str, re.Pattern[str]]:
    surname = surname_pattern(lexicon)
    return {
        "surname": re.compile(
            rf"(?P<self>我(?:是|叫|也|本人)?|俺也?|咱|免贵|本人|敝|鄙人)?(?:免贵|是)?复?姓(?:呢|是|[，,](?=.{{2,3}}[，,。]))?"
            rf"(?P<any>(?P<surname>{surname})|(?!名|氏|啥|什|这|那){HAN})"
        ),
        "full": re.compile(
            r"(?:我(?:就)?叫(?:做)?|我的?(?:大名|名字|姓名)(?:叫|是)?|俺叫|本人(?:叫)?|名字(?:是|叫)|大名(?:是|叫)?"
            r"|姓名(?:是)?|全名(?:是|叫)?|叫我|我全名(?:叫|是)?)(?:那个|呃|嗯"
            rf"|，)?(?P<surname>{surname})"
        ),
        "being": re.compile(rf"我是(?P<surname>{surname})"),
        "written": re.compile(rf"(?:就写|[你您]写|写上|就登|登记|就记|[你您]就?记)(?P<surname>{surname})"),
        "titled": re.compile(
            r"(?:叫我|喊我|写|是|登记|称呼|我|留|记"
            rf"|姓)?(?P<nick>[老小])?(?P<surname>{surname})(?P<given>{HAN}{{0,2}}?)(?P<title>{TITLE})"
        ),
        "bare": re.compile(rf"^(?:{PAUSE}|嗯|哦|啊|呃|哎|我|就|那个|你就?写|你记|对|是|复姓)*(?P<surname>{surname})"),
        "nick": re.compile(
            r"(?:叫我|喊我|我是|我就是|都叫我|就写|写|记|登记)(?P<nick>[老小])"
            rf"(?P<surname>{surname})(?=$|{PAUSE}|就|吧|啊|的)"
        ),
        "whole": re.compile(rf"(?P<surname>{surname})(?P<given>{HAN}{{1,2}})"),
    }


def _surname_said(said: Said, asked: bool) -> Iterator[Claim]:
    """我姓柴, 免贵姓党, 姓屈, 我复姓，令狐: with the whole name if it follows."""
    text = said.text
    for match in _patterns(said.reading.lexicon)["surname"].finditer(text):
        own = match.group("self") is not None
        if _about_another(said, match, own=own) or _RETRACTED.search(text[: match.start()]):
            continue
        opening = not text[: match.start()].strip("，,。、…嗯啊哦呃哎 ")
        opening |= re.match(r"(?:没错|不错|对的?[，,])", text[match.end() :]) is not None
        opening |= _told_unasked(said, match)
        if not own and not asked and not opening:
            continue
        surname, sure = _surname_meant(said, match)
        if surname is None:
            continue
        name, end = _whole_after(said, surname, match.end())
        if name in said.reading.lexicon.surname_words.get(surname, ()) and _explains_on(text[end:], surname):
            name = surname
        evidence = [said.evidence(match.start("any"), match.end("any"))]
        if name != surname and end > match.end() + len(name):
            evidence.append(said.evidence(end - len(name), end))
        elif name != surname:
            evidence = [said.evidence(match.start("any"), end)]
        sure = min(sure, 0.88 if own or asked else 0.72)
        yield Claim(name, surname, sure, said, tuple(evidence), corrected=said.reading.corrected_at(match.start()))


def _explains_on(rest: str, surname: str) -> bool:
    """姓祝，祝福 …, the 的祝 comes in another breath, or does not come: no name is said."""
    behind = re.match(rf"[，,]?{HAN}?的(?P<char>{HAN})", rest)
    return not rest or (behind is not None and near(behind.group("char"), surname))


def _told_unasked(said: Said, match: re.Match[str]) -> bool:
    """怎么联系您？…，姓耿，耿直的耿: asked for what else is his, or behind a word of himself (我一退休教师), with
    the word that explains it."""
    begins = match.start() in (start for start, _ in said.reading.clauses)
    own = _PERSONAL.search(said.asked) is not None or _OF_HIMSELF.search(said.text[: match.start()]) is not None
    return begins and own and spelled_at(said.text[match.end() :], match.group("any"))


def _surname_meant(said: Said, match: re.Match[str]) -> tuple[str | None, float]:
    """What was heard after 姓, where it is one; else the surname it is explained as; else it may be a rare one."""
    heard, end = match.group("any"), match.end()
    meant = match.group("surname") or by_spelling(said, heard, end) or by_word(said, heard, end)
    if meant is not None:
        return meant, 0.95
    explained = explained_behind(said.text[end:], heard)
    alone = re.match(rf"$|{PAUSE}|吧|啊", said.text[end:]) is not None
    if not explained and (heard in STOP_CHARS or not alone):
        return None, 0.0
    return heard, 0.85 if explained else 0.55


def _parts_said(said: Said, asked: bool) -> Iterator[Claim]:
    """我是弓长张，张弛: the surname by its parts, the whole name in a clause of its own."""
    if not asked:
        return
    for match in _parts(said.reading.lexicon).finditer(said.text):
        surname = said.reading.lexicon.cues.surname_parts[match.group("parts")]
        if match.group("after") != surname or said.text[: match.start()].endswith(("不是", "不")):
            continue
        name, end = _whole_after(said, surname, match.end())
        found = said.evidence(match.end() - 1, max(end, match.end()))
        yield Claim(name, surname, 0.88, said, (found,), corrected=said.text.startswith(("不", "哎不", "没有")))


@lru_cache(maxsize=8)
def _parts(lexicon: Lexicon) -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(lexicon.cues.surname_parts, key=len, reverse=True)))
    return re.compile(rf"(?:我是|我姓|姓|是|免贵|^|(?<=[，。、…]))(?P<parts>{words})(?:的|那个)?(?P<after>{HAN})")


def _full_said(said: Said, asked: bool) -> Iterator[Claim]:
    text = said.text
    for key, sure in (("full", 0.86), ("being", 0.8), ("written", 0.8)):
        if key == "written" and not asked:
            continue
        for match in _patterns(said.reading.lexicon)[key].finditer(text):
            surname, start = match.group("surname"), match.start("surname")
            if _RETRACTED.search(text[: match.start()]) or text[: match.start()].endswith(("管", "把", "喊")):
                continue
            own = text[match.start() :].startswith(("我", "俺", "本人"))
            if OTHERS.search(text[max(0, match.start() - 8) : match.start()]) and key == "full" and not own:
                continue
            given, certain = _given(said, match.end())
            if not given or (key != "full" and not _plausible_being(said, start, surname + given, certain, asked)):
                continue
            end = match.end() + len(given)
            yield Claim(
                surname + given, surname, sure - (0 if certain else 0.12), said, (said.evidence(start, end),),
                corrected=said.reading.corrected_at(match.start()),
            )  # fmt: skip


def _plausible_being(said: Said, start: int, name: str, certain: bool, asked: bool) -> bool:
    roles = said.reading.lexicon.cues.roles
    if not certain or any(name.startswith(role) or role.startswith(name) for role in roles):
        return False
    if _OF_A_HOUSE.match(said.text, start + len(name)):
        return False
    after = said.text[start + len(name) : start + len(name) + 2]
    inside = any(hit.start < start + len(name) and start < hit.end for hit in said.reading.places)
    return (
        not inside
        and not re.match(r"的|村|镇|县|路|街|小区|公司|厂|学校|这边|那边", after)
        and (asked or len(name) == 3 or after[:1] in ("，", "。", ""))
    )


def _titled(said: Said, asked: bool) -> Iterator[Claim]:
    """叫我李女士就行, 就写郝女士吧, 我是张先生."""
    for match in _patterns(said.reading.lexicon)["titled"].finditer(said.text):
        title = match.group("title")
        introduced = re.match(r"叫我|喊我|写|登记|称呼|我|留|记", match.group()) is not None
        if set(match.group("given")) & set(STOP_CHARS):
            continue
        if introduced and _BY_OTHERS.search(said.text[: match.start("surname")]):
            continue
        gendered = bool(TITLES[title]) and len(title) > 1
        if not introduced and not (asked and gendered and not said.text[: match.start()].strip("，,。 嗯啊哦就")):
            continue
        if OTHERS.search(said.text[max(0, match.start() - 6) : match.start()]) or (
            (title in ("总", "经理", "医生", "老师", "会计", "老板") or len(title) == 1)
            and re.match(r"叫我|喊我|写|登记|称呼|记", match.group()) is None
        ):
            continue
        start, surname = match.start("surname"), match.group("surname")
        found = said.evidence(start, match.end())
        yield Claim(surname + match.group("given"), surname, 0.86, said, (found,), gender=TITLES[title])
    for match in _patterns(said.reading.lexicon)["nick"].finditer(said.text):
        surname = match.group("surname")
        name, end = _whole_after(said, surname, match.end())
        yield Claim(name, surname, 0.8, said, (said.evidence(match.start("nick"), end),))


def _bare_answer(said: Said, asked: bool) -> Iterator[Claim]:
    """贵姓？王，三横王。  怎么称呼？张丽华。"""
    match = _patterns(said.reading.lexicon)["bare"].match(said.text) if asked else None
    if match is None:
        return
    surname, end = match.group("surname"), match.end()
    if surname == "那" and re.match(r"[行好就我个可么边里你还]", said.text[end:]):
        return
    rest = said.text[end:]
    if re.match(rf"$|{PAUSE}|.{{1,3}}(?:的|那个){re.escape(surname[-1])}|[女先]", rest) or any(
        rest.startswith(parts) for parts in said.reading.lexicon.cues.surname_parts
    ):
        name, stop = _whole_after(said, surname, end)
        yield Claim(name, surname, 0.82, said, (said.evidence(match.start("surname"), max(end, stop)),))
        return
    given, certain = _given(said, end)
    roles = said.reading.lexicon.cues.roles
    if given and certain and surname + given not in roles and not said.refuses:
        yield Claim(surname + given, surname, 0.8, said, (said.evidence(match.start("surname"), end + len(given)),))


def _spelled_whole(said: Said, asked: bool, told: list[Claim]) -> Iterator[Claim]:
    """我也姓这个，夏侯敏，敏捷的敏: a clause that is nothing but a name, one of its characters explained behind it."""
    for start, end in said.reading.clauses:
        match = _patterns(said.reading.lexicon)["whole"].fullmatch(said.text, start, end)
        if match is None or set(match.group("given")) & _NEVER_GIVEN or re.match(TITLE, match.group("given")):
            continue
        before = said.text[:start].rstrip("，,、…")
        introduced = asked or re.search(r"我也?(?:复)?姓[^。！？]*$", before) is not None
        surname = match.group("surname")
        same = any(claim.surname == surname for claim in told)
        spelled = spelled_at(said.text[end:], *match.group("given")) or (
            asked and (spelled_at(said.text[:start], surname) or _named_behind(said.text[end:], surname))
        )
        named_other = re.search(r"(?:他|她|叫)$", before) is not None
        if (introduced or same) and not named_other and spelled:
            yield Claim(match.group(), surname, 0.84, said, (said.evidence(start, end),))
            return


def _named_behind(text: str, surname: str) -> bool:
    """…孙子，沙航，沙子的沙: right behind the clause."""
    return re.match(rf"[，,、。](?:是)?{HAN}{{1,3}}的{re.escape(surname)}", text) is not None and spelled_at(
        text, surname
    )


def _misheard(said: Said, asked: bool) -> Iterator[Claim]:
    for found in half_named(said, asked=asked, of_another=asks_another(said.asked)):
        yield Claim(found.surname, found.surname, found.sure, said, (said.evidence(found.start, found.end),))


def _about_another(said: Said, match: re.Match[str], *, own: bool) -> bool:
    if _OTHER_AFTER.match(said.text[match.end() :]):
        return True
    if own or re.search(r"[我俺](?:就)?是[^。！？]{0,14}$", said.text[: match.start()]):
        return False
    return asks_another(said.asked) or OTHERS.search(said.text[max(0, match.start() - 8) : match.start()]) is not None


def _whole_after(said: Said, surname: str, at: int) -> tuple[str, int]:
    """我姓苗，苗雨彤 or 姓党共产党的党党玉梅 or 我姓王叫建国 or 复姓令狐，单名一个嘉."""
    text = said.text
    alone = _clause_of_name(said, surname, at)
    if alone is not None:
        return text[alone[0] : alone[1]], alone[1]
    single = re.compile(rf"[^。]{{0,16}}?单名(?:是|叫)?(?:一?个)?(?:单字)?(?P<given>{HAN})(?:字|{PAUSE}|$)").match(
        text, at
    )
    if single is not None:
        return surname + single.group("given"), single.end("given")
    window = text[at : at + 24]
    repeated = [
        match
        for match in re.finditer(re.escape(surname), window)
        if match.start() == 0 or window[match.start() - 1] not in "的个"
    ]
    for match in repeated:
        given, certain = _given(said, at + match.end())
        follows = window[: match.start()]
        if (
            given
            and (certain or follows.endswith("叫") or usual_given_name(said.reading.lexicon, given) is not None)
            and not re.search(r"(?:他|她|老板|经理|不是|写成|当成|。.{4,})", follows)
            and given[0] != "的"
        ):
            if window[match.end() : match.end() + 3].find("的") in (1, 2) and not certain:
                continue
            return surname + given, at + match.end() + len(given)
    called = re.match(rf"{PAUSE}?(?:我)?(?:名字|名)?(?:叫|是)", window)
    if called is not None:
        given, certain = _given(said, at + called.end())
        if given and certain and not given.startswith(surname):
            return surname + given, at + called.end() + len(given)
    apart = re.compile(rf"[，,](?P<given>{HAN}{{2}})(?={PAUSE}|$)").match(text, at)
    if apart is not None and apart["given"] in said.reading.lexicon.given_names:
        return surname + apart["given"], apart.end()
    direct, certain = _given(said, at)
    if direct and certain and not re.match(r"[，,。]", window):
        return surname + direct, at + len(direct)
    return surname, at


def _clause_of_name(said: Said, surname: str, at: int) -> tuple[int, int] | None:
    """…，是录音的录加个走之底，逯海峰: a clause that is nothing but a name of that surname, it may be after 叫."""
    for start, end in said.reading.clauses:
        called = re.match(r"(?:我|俺)?(?:就)?(?:大名|全名|名字)?(?:叫|是)?", said.text[start:end])
        start += called.end() if called is not None else 0
        words = said.text[start:end]
        given = words.removeprefix(surname)
        fits = start >= at and given != words and re.fullmatch(f"{HAN}{{1,2}}", given) is not None
        if fits and not set(given) & _NEVER_GIVEN and not re.match(TITLE, given) and given != surname:
            return start, end
    return None


def _given(said: Said, at: int) -> tuple[str, bool]:
    """One or two characters of a given name and whether something shows that it ends there."""
    rest = said.text[at : at + 8]
    own = said.text[at - 1] if at else ""
    if re.match(rf"{HAN}{{1,3}}?(?:的那个|那个|这个|的){re.escape(own)}", rest) and not re.match(
        rf".{own}.{{1,2}}的{own}", rest
    ):
        return "", False  # 岳飞那个岳: the word the surname is explained with
    for length in (2, 1):
        name, after = rest[:length], rest[length:]
        if re.match(r"可(?:不|念|别)|就是|这个|那个|念", rest[length - 1 :]) or (length == 2 and name[:1] == own):
            continue
        whole = re.match(rf"{PAUSE}|$", after) is not None
        stops = _NEVER_GIVEN if whole else set(STOP_CHARS)
        if len(name) < length or set(name) & stops or not _is_han(name):
            continue
        if re.match(rf"(?:{_ENDS})", rest[max(0, length - 1) :]) and length == 2:
            continue
        if re.match(rf"(?:{_ENDS})", rest) or re.match(TITLE, rest):
            return "", False
        if length == 2 and rest[1] == own and re.match(rf".{own}.{{1,2}}的{own}", rest):
            continue
        if length == 1 and re.match(rf".{own}.{{1,2}}的{own}", rest):
            return name, True
        if not after or re.match(rf"{PAUSE}|{_ENDS}|[吧啊呀嘛哈我就]", after):
            return name, True
        explained = re.match(r".{2,3}?的(?P<char>.)", after) if length == 1 and own else None
        if explained is not None and any(sounds_like(explained["char"], char) for char in (own, name)):
            return name, True
        if length == 2 and re.match(r".{2,3}的", after):
            return name, True
    two = rest[:2]
    return (two, False) if len(two) == 2 and _is_han(two) and not set(two) & set(STOP_CHARS) else ("", False)


def _is_han(text: str) -> bool:
    return re.fullmatch(f"{HAN}+", text) is not None
