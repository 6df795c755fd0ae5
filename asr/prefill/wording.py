"""Title, text and demand in the caller's own words, without greetings, numbers and names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.prefill.keywords import keyword_hits
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
_EMERGENCY_DEMAND = {"9001": "出警处置", "9002": "紧急救援", "9003": "紧急救治", "9004": "事故处置", "9005": "排除险情"}
_VERBS = {"咨询": "咨询", "求助": "求助", "投诉": "投诉", "举报": "举报", "建议": "建议", "表扬": "表扬"}


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
    found = (_description(clauses, known), _title(talk, clauses, known), _demand(talk, clauses, known))
    return [suggestion for suggestion in found if suggestion is not None]


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
        if len(words) < 3 or words in cues.small_talk or _AIMLESS.search(words):
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
        if len(text) + len(clause.words) > _LONGEST:
            break
        pause = "" if not used else "，" if used[-1].said is clause.said else "。"
        text += pause + clause.words
        used.append(clause)
    verb = _VERBS.get(known["appeal_type"].value if "appeal_type" in known else "", "反映")
    return Suggestion(
        field="description",
        value=f"来电人{verb}：{text}。",
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
    what = _matter(core, named) if core is not None and (core.weight > 0 or category is None) else ""
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
    if not chosen and core is not None and core.weight > 0 and kind == "咨询":
        words = _ASKED.sub("", _LEAD.sub("", core.words, count=1))
        return Suggestion(field="demand", value=f"了解{words}", confidence=0.6, evidence=(core.evidence,))
    code = known["category_code"].value if "category_code" in known else ""
    if code in _EMERGENCY_DEMAND or not chosen:
        value = _EMERGENCY_DEMAND.get(code) or _DEFAULT_DEMAND.get(kind)
        if value is None or core is None:
            return None
        return Suggestion(field="demand", value=value, confidence=0.52, evidence=(core.evidence,))
    chosen = [
        clause for clause in clauses if clause in chosen or (clause in wishes and not _NO_WISH.search(clause.words))
    ]
    chosen = chosen[:5]
    return Suggestion(
        field="demand",
        value="，".join(dict.fromkeys(_wish(clause.words) for clause in chosen))[:160],
        confidence=0.8 if answers else 0.64,
        evidence=_by_turn(clause.evidence for clause in chosen),
    )


_ASKED = re.compile(r"^(?:问(?:一下|问)?|咨询)?(?:那个|这个)?")


def _wish(words: str) -> str:
    """As a clerk notes it: without what only leads up to it or softens it."""
    short = _WISH_TRAIL.sub("", _WISH_LEAD.sub("", words))
    return short if len(short) >= 3 else words
