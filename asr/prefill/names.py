"""Who calls: full name or surname as said, put right by spelling talk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import sounds_like, syllables
from asr.prefill.genders import TITLES, Shown, suggest_gender
from asr.prefill.privacy import Privacy
from asr.prefill.questions import ASKS_NAME, ASKS_OTHER_NAME
from asr.prefill.reading import PAUSE, Said, Talk
from asr.prefill.spelling import by_spelling, by_word, spellings, surnames_by_sound, words_meant
from asr.prefill.suggestions import Evidence, Suggestion

_TITLE = "|".join(sorted(TITLES, key=len, reverse=True))
_ENDS = (
    "电话|手机|联系|住在|我的|我是|我住|我家|家住|号码|女士|先生|同志|就是|谢谢|今年|身份证"
    "|女的|男的|这个|那个|你们|您好|你好|不是|没有|然后|是的|就行|就可以|可以|来自|退休"
)
_STOP_CHARS = (
    "的了是我你您他她们在有不就也都吗呢吧啊呀嘛哈哦嗯呃这那哪什么个到给把被让说和跟与，,。、！？…；：之的地得打住"
)
_OTHERS = re.compile(
    r"(?:他|她|他们|人家|经理|户主|老板|老板娘|司机|负责人|领导|主任|书记|校长|老师|医生|大夫"
    r"|护士|教练|邻居|对方|店长|包工头|工头|房东|中介|有个|有一个|一个|那个|姑娘|小伙|保安"
    r"|小孩|孩子|儿子|女儿|闺女|老公|老婆|媳妇|爱人|我妈|我爸|母亲|父亲|老人|老太太|老头|村长"
    r"|队长|同事|朋友|病人|客服|销售|接待|窗口|民警|警察|经营人|法人|公司|女的|男的|户名|他家"
    r"|楼上|楼下|对门|隔壁)[^。！？]{0,5}$"
)
_OTHER_AFTER = re.compile(
    r"^的(?:那个|这个|一个)?(?:经理|老板|男|女|人|领导|大夫|医生|师傅|老师|主任|司机|业务|销售"
    r"|工作|警|邻居|住户|家|书记|局长|科长|小伙|姑娘|同志)"
)
_XING = re.compile(
    rf"(?:{PAUSE}|嗯|哦|啊|呃|哎)*(?:我|俺|免贵|[暗按安]"
    r"|你记)?(?:[幸兴性信醒行新讯欣辛](?!什么))(?P<heard>[\u4e00-\u9fff])"
)
_BY_OTHERS = re.compile(r"(?:管|把|给|喊|有人|人家|老|回回|都)(?:我)?(?:叫|喊|写)(?:我|成|作|做)?$")
"""有人管我叫佟姐: what others say is no name."""
_RETRACTED = re.compile(r"(?:不是|不叫|不姓|别写|没说)(?:我)?$")


@dataclass(frozen=True, slots=True)
class _Claim:
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


def suggest_caller(talk: Talk, privacy: Privacy) -> list[Suggestion]:
    claims = list(_claims(talk))
    addressed = list(_addressed(talk))
    claim = _settle(claims, addressed)
    suggestions = []
    if claim is not None and not privacy.withholds_identity:
        suggestions.append(
            Suggestion(field="caller_name", value=claim.name, confidence=round(claim.sure, 2), evidence=claim.evidence)
        )
    named = frozenset(each.said.index for each in addressed)
    gender = suggest_gender(talk, tuple(_shown(talk, claim, addressed)), named)
    return suggestions if gender is None else [*suggestions, gender]


def _shown(talk: Talk, claim: _Claim | None, addressed: list[_Claim]) -> Iterator[Shown]:
    """What titles say of the caller: claimed, said to be written down, heard from the operator."""
    if claim is not None and claim.gender and claim not in addressed:
        yield Shown(claim.gender, 0.93, claim.evidence[-1])
    for said in talk.caller:
        for titled in _titled(said):
            if titled.gender:
                yield Shown(titled.gender, 0.93, titled.evidence[-1])
    for address in addressed:
        if address.gender:
            yield Shown(address.gender, 0.9, address.evidence[-1])
        elif address.said.text[address.said.text.find(address.surname) + 1 :].startswith("师傅"):
            yield Shown("男", 0.55, address.evidence[-1])


def _claims(talk: Talk) -> Iterator[_Claim]:
    for said in talk.caller:
        spoken = list(_parts_said(said)) or [*_surname_said(said), *_full_said(said), *_titled(said)]
        spoken += list(_misheard(said)) or list(_bare_answer(said)) if not spoken else []
        for claim in spoken:
            yield _spelled_right(talk, claim)


@lru_cache(maxsize=8)
def _surname(lexicon: Lexicon) -> str:
    return "|".join(sorted(map(re.escape, lexicon.surnames), key=len, reverse=True))


@lru_cache(maxsize=8)
def _patterns(lexicon: Lexicon) -> dict[str, re.Pattern[str]]:
    surname = _surname(lexicon)
    return {
        "surname": re.compile(
            rf"(?P<self>我(?:是|叫)?|俺|咱|免贵|本人|敝|鄙人)?(?:免贵)?姓(?P<any>(?P<surname>{surname})"
            r"|[\u4e00-\u9fff])"
        ),
        "full": re.compile(
            r"(?:我(?:就)?叫(?:做)?|我的?(?:名字|姓名)(?:叫|是)?|俺叫|本人(?:叫)?|名字(?:是|叫)"
            r"|姓名(?:是)?|全名(?:是|叫)?|叫我|我全名(?:叫|是)?)(?:那个|呃|嗯"
            rf"|，)?(?P<surname>{surname})"
        ),
        "being": re.compile(rf"我是(?P<surname>{surname})"),
        "titled": re.compile(
            r"(?:叫我|写|是|登记|称呼|我|留|记"
            rf"|姓)?(?P<nick>[老小])?(?P<surname>{surname})(?P<given>[\u4e00-\u9fff]{{0,2}}?)(?P<title>{_TITLE})"
        ),
        "bare": re.compile(rf"^(?:{PAUSE}|嗯|哦|啊|呃|哎|我|就|那个|你就?写|你记|对)*(?P<surname>{surname})"),
        "vocative": re.compile(
            rf"(?:^|{PAUSE}|好的?|嗯|那"
            rf"|谢谢)(?P<surname>{surname})(?P<given>[\u4e00-\u9fff]{{0,2}}?)(?P<title>{_TITLE})"
        ),
        "nick": re.compile(
            rf"(?:叫我|我是|我就是|都叫我)(?P<nick>[老小])(?P<surname>{surname})(?=$|{PAUSE}|就|吧|啊|的)"
        ),
    }


def _surname_said(said: Said) -> Iterator[_Claim]:
    """我姓柴, 免贵姓党, 姓屈: with the whole name if it follows."""
    text = said.text
    for match in _patterns(said.reading.lexicon)["surname"].finditer(text):
        own = match.group("self") is not None
        if _about_another(said, match.start(), match.end(), own=own) or _RETRACTED.search(text[: match.start()]):
            continue
        asked = ASKS_NAME.search(said.asked) is not None and not ASKS_OTHER_NAME.search(said.asked)
        opening = not text[: match.start()].strip("，,。、…嗯啊哦呃哎 ")
        opening |= re.match(r"(?:没错|不错|对的?[，,])", text[match.end() :]) is not None
        if not own and not asked and not opening:
            continue
        surname = match.group("surname") or by_spelling(said, match.group("any"), match.end())
        surname = surname or by_word(said, match.group("any"), match.end())
        if surname is None:
            continue
        name, end = _whole_after(said, surname, match.end())
        evidence = [said.evidence(match.start("any"), match.end("any"))]
        if name != surname and end > match.end() + len(name):
            evidence.append(said.evidence(end - len(name), end))
        elif name != surname:
            evidence = [said.evidence(match.start("any"), end)]
        sure = 0.88 if own or asked else 0.72
        yield _Claim(name, surname, sure, said, tuple(evidence), corrected=said.reading.corrected_at(match.start()))


def _parts_said(said: Said) -> Iterator[_Claim]:
    """我是弓长张，张弛: the surname by its parts, the whole name in a clause of its own."""
    if not ASKS_NAME.search(said.asked) or ASKS_OTHER_NAME.search(said.asked):
        return
    for match in _parts(said.reading.lexicon).finditer(said.text):
        surname = said.reading.lexicon.cues.surname_parts[match.group("parts")]
        if match.group("after") != surname or said.text[: match.start()].endswith("不是"):
            continue
        name, end = _whole_after(said, surname, match.end())
        yield _Claim(name, surname, 0.88, said, (said.evidence(match.end() - 1, max(end, match.end())),))


@lru_cache(maxsize=8)
def _parts(lexicon: Lexicon) -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(lexicon.cues.surname_parts, key=len, reverse=True)))
    return re.compile(rf"(?:我是|我姓|^|(?<=，))(?P<parts>{words})的?(?P<after>[\u4e00-\u9fff])")


def _full_said(said: Said) -> Iterator[_Claim]:
    text = said.text
    asked = ASKS_NAME.search(said.asked) is not None
    for key, sure in (("full", 0.86), ("being", 0.8)):
        for match in _patterns(said.reading.lexicon)[key].finditer(text):
            surname, start = match.group("surname"), match.start("surname")
            if _RETRACTED.search(text[: match.start()]) or text[: match.start()].endswith(("管", "把", "喊")):
                continue
            if (
                _OTHERS.search(text[max(0, match.start() - 6) : match.start()])
                and key == "full"
                and not text[match.start() :].startswith(("我", "俺", "本人"))
            ):
                continue
            given, certain = _given(said, match.end())
            if not given or (key == "being" and not _plausible_being(said, start, surname + given, certain, asked)):
                continue
            end = match.end() + len(given)
            yield _Claim(
                surname + given, surname, sure - (0 if certain else 0.12), said, (said.evidence(start, end),),
                corrected=said.reading.corrected_at(match.start()),
            )  # fmt: skip


def _plausible_being(said: Said, start: int, name: str, certain: bool, asked: bool) -> bool:
    roles = said.reading.lexicon.cues.roles
    if not certain or any(name.startswith(role) or role.startswith(name) for role in roles):
        return False
    after = said.text[start + len(name) : start + len(name) + 2]
    inside = any(hit.start < start + len(name) and start < hit.end for hit in said.reading.places)
    return (
        not inside
        and not re.match(r"的|村|镇|县|路|街|小区|公司|厂|学校|这边|那边", after)
        and (asked or len(name) == 3 or after[:1] in ("，", "。", ""))
    )


def _titled(said: Said) -> Iterator[_Claim]:
    """叫我李女士就行, 就写郝女士吧, 我是张先生."""
    asked = ASKS_NAME.search(said.asked) is not None and not ASKS_OTHER_NAME.search(said.asked)
    for match in _patterns(said.reading.lexicon)["titled"].finditer(said.text):
        title = match.group("title")
        introduced = re.match(r"叫我|写|登记|称呼|我|留|记", match.group()) is not None
        if introduced and _BY_OTHERS.search(said.text[: match.start("surname")]):
            continue
        gendered = bool(TITLES[title])
        if not introduced and not (asked and gendered and not said.text[: match.start()].strip("，,。 嗯啊哦就")):
            continue
        if _OTHERS.search(said.text[max(0, match.start() - 6) : match.start()]) or (
            title in ("总", "经理", "医生", "老师") and not introduced
        ):
            continue
        start = match.start("surname")
        surname = match.group("surname")
        yield _Claim(
            surname + match.group("given"),
            surname,
            0.86,
            said,
            (said.evidence(start, match.end()),),
            gender=TITLES[title],
        )
    for match in _patterns(said.reading.lexicon)["nick"].finditer(said.text):
        surname = match.group("surname")
        name, end = _whole_after(said, surname, match.end())
        yield _Claim(name, surname, 0.8, said, (said.evidence(match.start("nick"), end),))


def _bare_answer(said: Said) -> Iterator[_Claim]:
    """贵姓？王，三横王。  怎么称呼？张丽华。"""
    if not ASKS_NAME.search(said.asked) or ASKS_OTHER_NAME.search(said.asked):
        return
    match = _patterns(said.reading.lexicon)["bare"].match(said.text)
    if match is None:
        return
    surname, end = match.group("surname"), match.end()
    rest = said.text[end:]
    if re.match(rf"$|{PAUSE}|.{{1,3}}的{re.escape(surname[-1])}|[女先]", rest) or any(
        rest.startswith(parts) for parts in said.reading.lexicon.cues.surname_parts
    ):
        name, stop = _whole_after(said, surname, end)
        yield _Claim(name, surname, 0.82, said, (said.evidence(match.start("surname"), max(end, stop)),))
        return
    given, certain = _given(said, end)
    roles = said.reading.lexicon.cues.roles
    if given and certain and surname + given not in roles and not said.refuses:
        yield _Claim(surname + given, surname, 0.8, said, (said.evidence(match.start("surname"), end + len(given)),))


def _addressed(talk: Talk) -> Iterator[_Claim]:
    """The operator says 柴女士 or 项师傅: heard by a person, so worth a lot."""
    for said in talk.agent:
        for match in _patterns(talk.lexicon)["vocative"].finditer(said.text):
            surname, given, title = match.group("surname", "given", "title")
            if surname == "那" and title == "师傅":
                continue
            if title in ("总", "经理", "医生") or _renamed(talk, said, surname):
                continue
            after = said.text[match.end() : match.end() + 2]
            if after[:1] in ("的", "家", "是") or (given and given[-1] in _STOP_CHARS):
                continue
            start = match.start("surname")
            yield _Claim(
                surname + given, surname, 0.78, said, (said.evidence(start, match.end()),), gender=TITLES[title]
            )


def _renamed(talk: Talk, said: Said, surname: str) -> bool:
    """不姓王，我姓汪: the caller takes the operator's word back."""
    reply = next((other for other in talk.after(said) if other.by_caller), None)
    return reply is not None and re.search(rf"我?不姓|不是姓|我姓(?!{re.escape(surname)})", reply.text[:14]) is not None


def _misheard(said: Said) -> Iterator[_Claim]:
    """幸好 for 姓郝, asked for the name: the sound of 姓, then something that sounds like a surname."""
    match = _XING.match(said.text)
    if match is None or ASKS_OTHER_NAME.search(said.asked):
        return
    at = match.start("heard")
    heard = match.group("heard")
    if not ASKS_NAME.search(said.asked) and not (said.asked and by_word(said, heard, at)):
        return
    known = heard if heard in said.reading.lexicon.surnames else None
    surname = (
        by_spelling(said, heard, at + 1)
        or by_word(said, heard, at)
        or known
        or surnames_by_sound(said.reading.lexicon).get(syllables(heard))
    )
    if surname is not None:
        yield _Claim(surname, surname, 0.55, said, (said.evidence(at, at + 1),))


def _about_another(said: Said, start: int, end: int, *, own: bool) -> bool:
    if _OTHER_AFTER.match(said.text[end:]):
        return True
    if own:
        return False
    return (
        ASKS_OTHER_NAME.search(said.asked) is not None
        or _OTHERS.search(said.text[max(0, start - 8) : start]) is not None
    )


def _whole_after(said: Said, surname: str, at: int) -> tuple[str, int]:
    """我姓苗，苗雨彤 or 姓党共产党的党党玉梅 or 我姓王叫建国."""
    text = said.text
    alone = _clause_of_name(said, surname, at)
    if alone is not None:
        return text[alone[0] : alone[1]], alone[1]
    window = text[at : at + 24]
    repeated = [
        match
        for match in re.finditer(re.escape(surname), window)
        if match.start() == 0 or window[match.start() - 1] != "的"
    ]
    for match in repeated:
        given, certain = _given(said, at + match.end())
        follows = window[: match.start()]
        if (
            given
            and (certain or follows.endswith("叫"))
            and not re.search(r"(?:他|她|老板|经理|不是|。.{4,})", follows)
            and given[0] != "的"
        ):
            if window[match.end() : match.end() + 3].find("的") in (1, 2) and not certain:
                continue
            return surname + given, at + match.end() + len(given)
    called = re.match(rf"{PAUSE}?(?:我)?(?:名字)?叫", window)
    if called is not None:
        given, certain = _given(said, at + called.end())
        if given and certain and not given.startswith(surname):
            return surname + given, at + called.end() + len(given)
    direct, certain = _given(said, at)
    if direct and certain and not re.match(r"[，,。]", window):
        return surname + direct, at + len(direct)
    return surname, at


def _clause_of_name(said: Said, surname: str, at: int) -> tuple[int, int] | None:
    """…，是录音的录加个走之底，逯海峰: a clause that is nothing but a name of that surname."""
    for start, end in said.reading.clauses:
        words = said.text[start:end]
        given = words.removeprefix(surname)
        fits = (
            start >= at and given != words and len(given) in (1, 2) and "\u4e00" <= min(given) <= max(given) <= "\u9fff"
        )
        if fits and not set(given) & set(_STOP_CHARS) and not re.match(_TITLE, given):
            return start, end
    return None


def _given(said: Said, at: int) -> tuple[str, bool]:
    """One or two characters of a given name and whether something shows that it ends there."""
    rest = said.text[at : at + 8]
    for length in (2, 1):
        name, after = rest[:length], rest[length:]
        if len(name) < length or any(char in _STOP_CHARS or not "\u4e00" <= char <= "\u9fff" for char in name):
            continue
        if re.match(rf"(?:{_ENDS})", rest[max(0, length - 1) :]) and length == 2:
            continue
        if re.match(rf"(?:{_ENDS})", rest) or re.match(_TITLE, rest):
            return "", False
        own = said.text[at - 1] if at else ""
        if length == 2 and rest[1] == own and re.match(rf".{own}.{{1,2}}的{own}", rest):
            continue
        if length == 1 and re.match(rf".{own}.{{1,2}}的{own}", rest):
            return name, True
        if not after or re.match(rf"{PAUSE}|{_ENDS}|[吧啊呀嘛哈我就]", after):
            return name, True
        if length == 2 and re.match(r".{1,3}的", after):
            return name, True
    two = rest[:2]
    return (
        (two, False)
        if len(two) == 2 and not any(char in _STOP_CHARS or not "\u4e00" <= char <= "\u9fff" for char in two)
        else ("", False)
    )


def _spelled_right(talk: Talk, claim: _Claim) -> _Claim:
    """施工的施, 晴天的晴, 木子李: the explained character replaces one that only sounds like it."""
    name = list(claim.name)
    explained = False
    for said in talk.caller:
        if claim.said.index <= said.index <= claim.said.index + 4:
            for position, meant in _corrections(said, name):
                name[position] = meant
                explained = True
    return replace(
        claim,
        name="".join(name),
        surname="".join(name[: len(claim.surname)]),
        sure=min(0.95, claim.sure + 0.05 * explained),
    )


def _corrections(said: Said, name: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Which characters of the name this turn explains, and as what."""
    for word, char in spellings(said.text):
        meant = char if char in word else next((other for other in word if sounds_like(other, char)), char)
        for position, own in enumerate(name):
            surnames = said.reading.lexicon.surnames
            if (
                sounds_like(own, meant)
                and (char == own or meant in word)
                and (position or meant in surnames or own not in surnames)
            ):
                yield position, meant
    first = said.text.find("".join(name))
    for meant in words_meant(said, first + len(name)) if first >= 0 else ():
        for position, own in enumerate(name):
            if (position or own not in said.reading.lexicon.surnames) and sounds_like(own, meant):
                yield position, meant
    for parts, meant in said.reading.lexicon.cues.surname_parts.items():
        start = said.text.find(parts)
        denied = "不是" in said.text[max(0, start - 2) : max(0, start)]
        if start >= 0 and not denied and sounds_like(name[0], meant):
            yield 0, meant


def _settle(claims: list[_Claim], addressed: list[_Claim]) -> _Claim | None:
    best: _Claim | None = None
    for claim in claims:
        if best is None or claim.corrected:
            best = claim
        elif claim.surname == best.surname:
            best = claim if claim.full and not best.full else best
        elif claim.sure > best.sure + 0.03:
            best = claim
    if best is None or (addressed and best.sure < 0.6 and syllables(best.surname) != syllables(addressed[0].surname)):
        return addressed[0] if addressed else None
    for claim in addressed:
        if claim.surname == best.surname:
            return replace(best, sure=min(0.97, best.sure + 0.07), evidence=(*best.evidence, *claim.evidence))
    if addressed and all(syllables(claim.surname) != syllables(best.surname) for claim in addressed):
        return replace(best, sure=max(0.4, best.sure - 0.2))
    return best
