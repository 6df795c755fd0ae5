"""Whom the operator speaks to: 柴女士, 请问是邢先生吗, 登记的是陶女士; heard by a person, or read from the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.prefill.genders import TITLES
from asr.prefill.naming import HAN, OTHERS, STOP_CHARS, TITLE, Claim, asks_own_name, surname_pattern
from asr.prefill.passages import OPENS_REVISIT
from asr.prefill.reading import CORRECTION, PAUSE, Said, Talk

_ASKING = r"(?:是吗|是吧|是不是|对吗|对吧|对不对|没错|吗|吧|么|本人|\?|？)"
_NOT_ME = re.compile(
    rf"^(?:{PAUSE}|哎|喂|嗯|啊|你好|您好)*(?:不是(?!.{{0,3}}解决)|打错|没这个人|我不是|他不在|她不在)"
    r"|我是(?:他|她)(?:的)?(?:儿子|女儿|闺女|爱人|老公|老婆|媳妇|家属|家里人|妈|爸|姐|妹|哥|弟)"
)
_GREETED = r"好的?|嗯|那|谢谢|抱歉|对不起|不好意思|明白|理解|收到|请问|行|可以"


def addressed(talk: Talk) -> Iterator[Claim]:
    """Each time the operator calls the caller by name and the caller lets it stand."""
    opening = [said for said in talk.all[:1] if opens_revisit(said)]
    for said in (*opening, *talk.agent):
        found = False
        for claim in (*_asked_for(talk, said), *_called(talk, said)):
            found = True
            yield claim
        if not found:
            yield from _by_surname_alone(talk, said)


def opens_revisit(said: Said) -> bool:
    """What the operator of a call back begins with is read among the caller's words: it tells what the matter was."""
    return said.by_caller and said.index == 0 and OPENS_REVISIT.search(said.text) is not None


_HANDS_OVER = re.compile("(?:12345|一二三四五|热线)转接")
"""What comes behind is told to another centre: of the caller only if the name was asked for."""


@lru_cache(maxsize=8)
def _patterns(lexicon: Lexicon) -> dict[str, re.Pattern[str]]:
    surname = surname_pattern(lexicon)
    name = rf"(?P<surname>{surname})(?P<given>{HAN}{{0,2}}?)"
    return {
        "vocative": re.compile(
            rf"(?:^|{PAUSE}|{_GREETED})(?P<surname>{surname})(?P<given>{HAN}{{0,2}}?)(?P<title>{TITLE})"
        ),
        "asked": re.compile(
            rf"(?:(?:请问|您|你)(?:好)?[，,]?(?:您|你)?(?:就)?是(?:不是)?(?:[^，。？！]{{0,16}}的)?|是(?=[^，。？！]{{1,8}}(?:吗|吧)))"
            rf"{name}(?:(?P<title>{TITLE})(?={PAUSE}|{_ASKING}|$)|(?=[，,]?(?:您|是您|{_ASKING}))"
            rf"|[，,]?(?P=surname)(?P<behind>{TITLE}))"
        ),
        "registered": re.compile(
            r"(?:登记|预留|留|写|显示|记录|查到|名下)(?:的|着)?(?:姓名|名字|联系人)?(?:是|为|叫|：|:)"
            rf"{name}(?:(?P<title>{TITLE})(?!的|家|那)|(?={PAUSE}|{_ASKING}|$))"
        ),
        "surname": re.compile(rf"您(?:是)?姓(?P<surname>{surname})(?={_ASKING}|[，,])"),
    }


def _called(talk: Talk, said: Said) -> Iterator[Claim]:
    """好的仝大娘, 邢女士是吧."""
    for match in _patterns(talk.lexicon)["vocative"].finditer(said.text):
        surname, given, title = match.group("surname", "given", "title")
        if (surname == "那" and title == "师傅") or surname + title == "阿姨":
            continue
        if title in ("总", "经理", "医生") or _renamed(talk, said, surname):
            continue
        if _HANDS_OVER.search(said.text, 0, match.start()) is not None and not any(
            asks_own_name(other.asked) for other in talk.caller
        ):
            continue
        after = said.text[match.end() : match.end() + 2]
        if (
            after[:1] in ("的", "家")
            or (after[:1] == "是" and after[1:2] not in "吧吗")
            or set(given) & set(STOP_CHARS)
        ):
            continue
        if (len(title) == 1 or title in ("老板", "会计")) and not re.match(rf"{PAUSE}|您|你|$", after):
            continue
        if _meets(talk, said, match.start("surname")):
            yield _claim(said, match, 0.78, title)


def _asked_for(talk: Talk, said: Said) -> Iterator[Claim]:
    """请问是李秀娥，李阿姨吗 and 登记的是陶女士: asked or told outright, so a name without a title counts too."""
    patterns = _patterns(talk.lexicon)
    if _denied(talk, said):
        return
    for key in ("asked", "registered"):
        for match in patterns[key].finditer(said.text):
            title = match.group("title") or match.groupdict().get("behind") or ""
            given = match.group("given")
            if (not title and not given) or set(given) & set(STOP_CHARS):
                continue
            roles = talk.lexicon.cues.roles
            name = match.group("surname") + given
            inside = any(hit.start < match.end() and match.start("surname") < hit.end for hit in said.reading.places)
            if not title and (inside or any(name.startswith(role) or role.startswith(name) for role in roles)):
                continue
            yield _claim(said, match, 0.84 if talk.agreed(said) or title else 0.7, title)
    for match in patterns["surname"].finditer(said.text):
        start, end = match.span("surname")
        yield Claim(match.group("surname"), match.group("surname"), 0.8, said, (said.evidence(start, end),))


def _claim(said: Said, match: re.Match[str], sure: float, title: str) -> Claim:
    surname, given = match.group("surname", "given")
    found = said.evidence(match.start("surname"), max(match.end("given"), match.end()))
    return Claim(surname + given, surname, sure, said, (found,), gender=TITLES.get(title, ""))


def _by_surname_alone(talk: Talk, said: Said) -> Iterator[Claim]:
    """贠大哥: a surname nobody listed, if the caller said that character after 姓."""
    for match in re.finditer(
        rf"(?:^|{PAUSE}|{_GREETED})(?P<surname>{HAN})(?P<title>{TITLE})(?={PAUSE}|您|你|$)", said.text
    ):
        surname = match.group("surname")
        if len(match.group("title")) > 1 and any(f"姓{surname}" in other.text for other in talk.caller):
            gender = TITLES[match.group("title")]
            yield Claim(surname, surname, 0.76, said, (said.evidence(match.start("surname"), match.end()),), gender)


def _meets(talk: Talk, said: Said, at: int) -> bool:
    """Not the police on the other line, not whom the talk is about."""
    before = said.text[max(0, at - 8) : at]
    return OTHERS.search(before) is None or re.search(r"[，,。]$", before) is not None


def _denied(talk: Talk, said: Said) -> bool:
    reply = next((other for other in talk.after(said) if other.by_caller), None)
    return reply is not None and (_NOT_ME.search(reply.text[:24]) is not None or "说错" in reply.text[:6])


def _renamed(talk: Talk, said: Said, surname: str) -> bool:
    """不姓王，我姓汪: the caller takes the operator's word back."""
    reply = next((other for other in talk.after(said) if other.by_caller), None)
    if reply is None:
        return False
    heard = reply.text[:14]
    wrong = CORRECTION.search(heard[:6]) is not None and re.search(rf"姓(?!{re.escape(surname)})", heard) is not None
    return wrong or re.search(rf"我?不姓|不是姓|我姓(?!{re.escape(surname)})", heard) is not None
