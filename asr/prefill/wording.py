"""Title, text and demand in the caller's own words, without greetings, numbers and names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Category, Lexicon
from asr.prefill.clerk import written
from asr.prefill.keywords import EMERGENCY, keyword_hits
from asr.prefill.questions import ASKS_CONFIDENTIAL, ASKS_DEMAND, ASKS_NAME, ASKS_PHONE
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_LONGEST = 400
_TITLE_LENGTH = 36
_CORE_LENGTH = 18
_PRIVATE = ("contact_phone", "caller_name", "confidential", "anonymous")
_PERSONAL = re.compile(
    r"免贵|我姓|俺姓|^姓|我叫|贵姓|叫我|电话|手机号?|号码|就?这个号|保密|匿名|留名|记一下|你记|打这个|联系我|给我打|短信|接不了|回个?电话"
    r"|(?:上班|上课|白天|晚上).{0,4}(?:接|打)|[以之]后打|别打"
)
_AIMLESS = re.compile(
    r"^(?:我)?(?:也)?(?:不知道|不清楚|说不准|没看清|不认识)|听得见|喂+$|听不清|大点声|你(?:们)?听我说|怎么说呢"
)
_LEAD = re.compile(
    r"(?:问那个|问一下|我们家?|我家|俺家?|咱们?|我|那个|这个|这儿|的|在|就是|就|那|你们|他们|有个|有一?家|有|也|都|还|又|想|一下|了|呢|把|说|叫|是)+"
)
_TRAIL = re.compile(r"(?:呢|啊|吧|嘛|呀|的|着|么|哦|我|他|就|还|都|在|是)+$")
_QUESTION = re.compile(r"吗$|^(?:到底|凭什么|凭啥)|不$|咋办$")
_REPORTED = re.compile(
    r"^(?:他|她|人家|他们|物业|老板|单位|厂家|商家|住建局|她们)(?:们)?(?:还|又|也|就)?(?:说|让|最多|只|给)"
)
_NO_WISH = re.compile(
    r"^.{1,4}的[\u4e00-\u9fff](?:字|那边|旁|$)|耳朵旁|偏旁|千万别|还有啊|我就住|(?:他|她|那)(?:那)?人|谢谢|回个?话|我(?:也)?(?:咨询|问)了"
    r"|写大字|给我看|说要|太麻烦|满意|的事再说|听见|知道$|着急"
)
"""Said beside a wish and no part of it."""
_WISH_LEAD = re.compile(
    r"^(?:那|就|就是|我|我们|你们|先|最好|最起码|希望|想|要求|倒是|能不能|请|麻烦|得|应该|还有|另外|反正)+"
)
_WISH_TRAIL = re.compile(r"(?:呗|吧|啊|呢|嘛|呀|了呗|就行了?|就可以了?|行不行|行吗|好不好|可以吗)+$")
_DEFAULT_DEMAND = {
    "举报": "依法查处",
    "表扬": "予以表扬",
    "投诉": "核实并处理",
    "求助": "尽快帮助解决",
    "建议": "采纳建议",
}
_VERBS = {"咨询": "咨询", "举报": "举报", "建议": "建议", "表扬": "表扬"}
_ASIDE = re.compile(
    r"^(?:我)?(?:说|反映|问|举报|投诉)(?:个|一个|一下)?事儿?$|^(?:你|您)(?:先|们?听|说|看|帮|记|给我)|我跟(?:你|您)说|说句实话"
    r"|^.{0,4}[\u4e00-\u9fff]{1,3}的[\u4e00-\u9fff]$|偏旁|耳朵旁|字底下|走之底|那个音|字不好写|先记拼音|求求|快点|^(?:同志|喂)"
    r"|^(?:他|她)?(?:说得清|接不着)|打不通再打|响两声|能接$"
)
"""Said to the operator, and no part of the matter."""
_TAKEN_BACK = re.compile(r"^(?:哎|哦|呃|啊)?(?:不是|不对|错了|说错了|记错了)")
_RESTATED = re.compile(r"(?:^|[，。])(?:您)?(?:的)?(?:要求|诉求是|希望|想要|主要是想)(?P<words>[^，。？！]{4,30})")
"""The operator puts the demand in a clerk's words: …，要求23点以后停止外摆，对吗？"""
_NOT_A_MATTER = re.compile(
    r"[您我你请吗呢啥]|登记|转(?:给|到|派|交|接|[\u4e00-\u9fff]{2,4}部门)|核对|联系|工单|备注|受理|12345|回访|反映过"
)
_TOPICS = (
    (re.compile(r"(?:咋|怎么|怎样|如何)(?:个)?(?:办理?|弄|搞|操作|申请|走手续)?$"), "办理方式"),
    (
        re.compile(r"(?:要|需要|得)?(?:拿|带|准备|提供|交)?(?:些|点)?(?:啥|什么|哪些)(?:手续|材料|证件|证明|东西)?$"),
        "所需材料",
    ),
    (re.compile(r"(?:得|要)?(?:交|花)?多少钱?$"), "费用标准"),
    (re.compile(r"(?:去|到|上|在)?(?:哪儿|哪里|哪|什么地方)(?:办|领|交|登记|开|打|查)?$"), "办理地点"),
    (re.compile(r"(?:什么|啥)时候(?:能|可以)?[\u4e00-\u9fff]{0,3}$|几点.{0,2}$"), "时间"),
    (re.compile(r"(?:什么|啥)条件$"), "条件"),
    (re.compile(r"(?:能不能|可不可以|行不行|能|可以)(?P<verb>[\u4e00-\u9fff]{1,6}?)(?:吗|不|么)?$"), ""),
)
"""What a question asks for, as the subject of an answer."""


@dataclass(frozen=True, slots=True)
class _Clause:
    """``words`` with digits, as shown; ``weight`` of the category's words in it."""

    said: Said
    start: int
    end: int
    words: str
    weight: float

    @property
    def evidence(self) -> Evidence:
        return self.said.evidence(self.start, self.end)


def suggest_wording(talk: Talk, known: Mapping[str, Suggestion]) -> list[Suggestion]:
    """``known`` are the other fields' suggestions by field."""
    clauses = [clause for said in talk.caller for clause in _clauses(said, known)]
    clauses = [clause for number, clause in enumerate(clauses) if not _retracted(clauses, number)]
    found = (_description(clauses, known), _title(talk, clauses, known), _demand(talk, clauses, known))
    return [suggestion for suggestion in found if suggestion is not None]


def _retracted(clauses: Sequence[_Clause], number: int) -> bool:
    """六点半，哎不是，七点: what is taken back in the next breath is not written down, nor the taking back."""
    clause = clauses[number]
    if len(clause.words) <= 6 and _TAKEN_BACK.search(clause.words):
        return True
    behind = clause.said.text[clause.end : clause.end + 8].lstrip("，,。.…、 ")
    return len(clause.words) <= 10 and _TAKEN_BACK.match(behind) is not None


def _clauses(said: Said, known: Mapping[str, Suggestion]) -> Iterator[_Clause]:
    """What a clerk would write down: no greeting, no name or number of the caller, nothing said about saying it."""
    reading, cues = said.reading, said.reading.lexicon.cues
    code = known["category_code"].value if "category_code" in known else ""
    private = [item for name in _PRIVATE if name in known for item in known[name].evidence if item.seg == said.turn.seg]
    asked_who = any(pattern.search(said.asked) for pattern in (ASKS_PHONE, ASKS_NAME, ASKS_CONFIDENTIAL))
    for first, end in reading.clauses:
        opening = _leading(reading.lexicon).match(reading.text, first, end)
        start = opening.end() if opening is not None else first
        words = reading.text[start:end]
        if len(words) < 3 or words in cues.small_talk or _AIMLESS.search(words) or _ASIDE.search(words):
            continue
        whole = said.evidence(start, end)
        touched = any(item.start < whole.end and whole.start < item.end for item in private)
        if touched or (_PERSONAL.search(words) and (asked_who or len(words) < 14)):
            continue
        if asked_who and re.fullmatch(r".{0,3}的.|[零〇一二三四五六七八九幺要两0-9]+", words):
            continue
        weight = sum(hit.weight for hit in keyword_hits(reading) if hit.code == code and start <= hit.start < end)
        yield _Clause(said, start, end, reading.shown(start, end), weight)


@lru_cache(maxsize=8)
def _leading(lexicon: Lexicon) -> re.Pattern[str]:
    words = sorted((*lexicon.cues.openings, *lexicon.cues.fillers), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, words))})+")


def _description(clauses: Sequence[_Clause], known: Mapping[str, Suggestion]) -> Suggestion | None:
    if not clauses:
        return None
    text, used = "", list[_Clause]()
    for clause in clauses:
        words = written(clause.words, first=not used)
        if len(text) + len(words) > _LONGEST:
            break
        if not words or words in text:
            continue
        pause = "" if not used else "，" if used[-1].said is clause.said else "。"
        text += pause + words
        used.append(clause)
    verb = _VERBS.get(known["appeal_type"].value if "appeal_type" in known else "", "反映")
    who = "匿名" if "anonymous" in known and known["anonymous"].value == "true" else "来电人"
    facts = [known[name].value for name, floor in (("address", 0.6), ("subject", 0.7)) if _shown(known, name, floor)]
    facts += [known["occur_time"].value] if _shown(known, "occur_time", 0.6) else []
    lead = "，".join(dict.fromkeys(fact for fact in facts if fact not in text))
    return Suggestion(
        field="description",
        value=f"{who}{verb}：{lead}{'。' if lead and text else ''}{text}。",
        confidence=0.8 if len(text) >= 12 else 0.55,
        evidence=_by_turn(clause.evidence for clause in used),
    )


def _by_turn(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """One span per turn, from its first to its last word used."""
    spans: dict[int, Evidence] = {}
    for item in evidence:
        first = spans.get(item.seg, item)
        spans[item.seg] = Evidence(seg=item.seg, start=min(first.start, item.start), end=max(first.end, item.end))
    return tuple(spans.values())


def _title(talk: Talk, clauses: Sequence[_Clause], known: Mapping[str, Suggestion]) -> Suggestion | None:
    """Place, whom it is about, what is the matter: that in the caller's words where they are short and to the point."""
    category = talk.lexicon.category(known["category_code"].value) if "category_code" in known else None
    core = _core(clauses)
    if category is None and core is None:
        return None
    kind = known["appeal_type"].value if "appeal_type" in known else ""
    named = [known[name] for name, floor in (("address", 0.6), ("subject", 0.7)) if _shown(known, name, floor)]
    head = ""
    for suggestion in named:
        head += suggestion.value if suggestion.value not in head else ""
    what = _asked_for(core) if core is not None and kind == "咨询" else _restated_matter(talk, known, named)
    if not what and core is not None and (core.weight > 0 or category is None):
        what = written(_matter(core, named), first=True)
    if not what and category is not None and kind != "表扬":
        what = category.level2 if kind in ("咨询", "建议") else f"{category.level2}问题"
    if not what and not head and core is not None:
        what = core.words[:_CORE_LENGTH]
    value = f"{_PREFIX.get(kind, '')}{head[: _TITLE_LENGTH - len(what)]}{what}{_ending(kind, what)}"[:_TITLE_LENGTH]
    evidence = [item for suggestion in named for item in suggestion.evidence[:1]]
    evidence += [core.evidence] if core is not None else list(known["category_code"].evidence[:2])
    sure = category is not None and known["category_code"].confidence >= 0.6
    return Suggestion(
        field="title", value=value, confidence=0.78 if sure else 0.6, evidence=tuple(dict.fromkeys(evidence))
    )


def _restated_matter(talk: Talk, known: Mapping[str, Suggestion], named: Sequence[Suggestion]) -> str:
    """What the operator called it, unless the caller objected: 夜间猜拳喧哗."""
    code = known["category_code"].value if "category_code" in known else ""
    best, most = "", 0.0
    for said in talk.agent:
        if not talk.confirmed(said):
            continue
        for start, end in said.reading.clauses:
            words = said.reading.shown(start, end)
            for suggestion in named:
                words = words.replace(suggestion.value, "")
            words = re.sub(r"^(?:好的?|的|那|就是)+", "", words)
            weight = sum(
                hit.weight for hit in keyword_hits(said.reading) if hit.code == code and start <= hit.start < end
            )
            asked = said.text[end : end + 1] in "？?" and said.text[end : end + 1] != ""
            if weight > most and 4 <= len(words) <= _CORE_LENGTH and not asked and not _NOT_A_MATTER.search(words):
                best, most = words, weight
    return best


def _asked_for(core: _Clause) -> str:
    """异地就医备案咋办: 异地就医备案办理方式."""
    words = _QUESTION_TAIL.sub("", _ASKED.sub("", _LEAD.sub("", core.words, count=1)))
    for pattern, topic in _TOPICS:
        match = pattern.search(words)
        if match is not None and len(words[: match.start()]) >= 2:
            verb = match.groupdict().get("verb") or ""
            words = written(words[: match.start()], first=True) + (f"能否{verb}" if verb else topic)
            break
    return words if 4 <= len(words) <= _CORE_LENGTH + 6 else ""


_QUESTION_TAIL = re.compile(r"(?:呢|啊|呀|了|来着|来|吧)+$")


def _core(clauses: Sequence[_Clause]) -> _Clause | None:
    """The clause with most of the category's words; of equal ones that of a title's length, then the first."""

    def rank(clause: _Clause) -> tuple[float, int, int]:
        return clause.weight, -abs(len(clause.words) - 12), -clause.said.index

    return max(clauses, key=rank, default=None)


_PREFIX = {"表扬": "表扬"}
_ENDINGS = {"咨询": "咨询", "建议": "的建议"}


def _ending(kind: str, what: str) -> str:
    ending = _ENDINGS.get(kind, "")
    return "" if ending[-2:] in what[-4:] else ending


def _shown(known: Mapping[str, Suggestion], name: str, floor: float) -> bool:
    return name in known and known[name].confidence >= floor


def _matter(core: _Clause, named: Sequence[Suggestion]) -> str:
    """The clause without the place and the name that the title has already; empty if what is left says too little."""
    seg, offsets = core.said.turn.seg, core.said.reading.offsets
    cuts = [
        (max(core.start, bisect_left(offsets, item.start)), min(core.end, bisect_left(offsets, item.end)))
        for suggestion in named
        for item in suggestion.evidence
        if item.seg == seg
    ]
    pieces, at = [], core.start
    for start, end in sorted(cut for cut in cuts if cut[0] < cut[1]):
        pieces.append((at, start))
        at = max(at, end)
    pieces.append((at, core.end))
    start, end = max(pieces, key=lambda piece: piece[1] - piece[0])
    words = _TRAIL.sub("", core.said.reading.shown(start, end))
    lead = _LEAD.match(words)
    words = words[lead.end() :] if lead is not None else words
    hits = any(hit.start < end and start < hit.end for hit in keyword_hits(core.said.reading))
    if len(words) > _CORE_LENGTH and hits:
        words = _around_keyword(core, start, end)
    return words if 4 <= len(words) <= _CORE_LENGTH and hits else ""


def _around_keyword(core: _Clause, start: int, end: int) -> str:
    """Of a long clause the stretch with the matter in it."""
    reading = core.said.reading
    hit = max((hit for hit in keyword_hits(reading) if hit.start < end and start < hit.end), key=lambda hit: hit.weight)
    first = max(start, min(hit.start, end - _CORE_LENGTH))
    return _TRAIL.sub("", reading.shown(first, min(end, first + _CORE_LENGTH)))[:_CORE_LENGTH]


def _demand(talk: Talk, clauses: Sequence[_Clause], known: Mapping[str, Suggestion]) -> Suggestion | None:
    """What the caller answered when asked for it; else what was wished for on the way."""
    fit = [clause for clause in clauses if not _QUESTION.search(clause.words) and not _REPORTED.search(clause.words)]
    answers = [clause for clause in fit if ASKS_DEMAND.search(clause.said.asked)]
    wishes = [clause for clause in fit if any(word in clause.words for word in talk.lexicon.cues.demand)]
    chosen = [clause for clause in answers or wishes if not _NO_WISH.search(clause.words)]
    core = _core(clauses)
    kind = known["appeal_type"].value if "appeal_type" in known else ""
    category = talk.lexicon.category(known["category_code"].value) if "category_code" in known else None
    if core is not None and kind == "咨询":
        words = _asked_for(core) or (f"{category.level2}有关政策和办理方式" if category is not None else core.words)
        return Suggestion(field="demand", value=f"了解{words}", confidence=0.6, evidence=(core.evidence,))
    restated = _restated_demand(talk)
    if restated is not None:
        return restated
    if (category is not None and category.code.startswith(EMERGENCY)) or not chosen:
        value = _DEFAULT_DEMAND.get(kind)
        if category is not None and category.demand and kind not in ("举报", "表扬", "建议"):
            value = category.demand
        if value is None or core is None:
            return None
        return Suggestion(field="demand", value=value, confidence=0.52, evidence=(core.evidence,))
    chosen = [
        clause for clause in clauses if clause in chosen or (clause in wishes and not _NO_WISH.search(clause.words))
    ]
    chosen = chosen[:5]
    return Suggestion(
        field="demand",
        value=_with_remedy("，".join(dict.fromkeys(_wish(clause.words) for clause in chosen))[:160], category, kind),
        confidence=0.8 if answers else 0.64,
        evidence=_by_turn(clause.evidence for clause in chosen),
    )


def _restated_demand(talk: Talk) -> Suggestion | None:
    for said in reversed(talk.agent):
        match = _RESTATED.search(said.text) if talk.agreed(said) else None
        if match is not None and not re.search(r"您|怎么|什么", match.group("words")):
            words = said.reading.shown(*match.span("words"))
            return Suggestion(
                field="demand", value=words, confidence=0.76, evidence=(said.evidence(*match.span("words")),)
            )
    return None


def _with_remedy(wishes: str, category: Category | None, kind: str) -> str:
    """A short wish (管管吧) is completed by what a clerk asks for in such matters."""
    if len(wishes) >= _SHORT_WISH or category is None or kind in ("表扬", "建议") or not category.demand:
        return wishes
    return f"{wishes}；{category.demand}"


_SHORT_WISH = 12
_ASKED = re.compile(r"^(?:问(?:一下|问)?|咨询)?(?:那个|这个)?")


def _wish(words: str) -> str:
    """As a clerk notes it: without what only leads up to it or softens it."""
    short = _WISH_TRAIL.sub("", _WISH_LEAD.sub("", words))
    return written(short if len(short) >= 3 else words, first=True)
