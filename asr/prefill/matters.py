"""What it is about: category, kind of appeal, department, urgency."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from asr.lexicon import Category, Lexicon
from asr.lexicon.pinyin import syllables, unlike
from asr.prefill.appeals import Acts, acts_of, likely, packaged_weights, said_for
from asr.prefill.keywords import Hit, is_emergency, keyword_hits
from asr.prefill.likeness import likeness_of
from asr.prefill.passages import passages_of
from asr.prefill.reading import Said, Talk, read
from asr.prefill.suggestions import Evidence, Suggestion
from asr.transcript import Turn

_A_MATTER, BEHIND_MATTER = 2.0, 2.0
"""Who complains of how it was handled has a matter still; in a call-back all the more."""
_CALLED_BACK = re.compile(r"回访")
LIKE = 1.0
"""What a log-odds of likeness is worth beside a keyword's weight."""
_MANY_WORDS, _MANY_ALARMS = 6.0, 12.0
"""Keywords of such a weight together count for seven tenths of it: a word said again and again proves little more."""
PASSED_ON = 4.0
"""What the operator's naming of a department is worth for its categories."""
NOT_ALIKE = -0.4
"""For categories that have no phrasings."""
LEAST_WORDS = 6
"""Fewer characters without a keyword are no matter yet."""
ENOUGH_WORDS = 80
"""With fewer the likeness counts less."""
PRAISED = 12.0
SUGGESTED = 4.0
URGENT = 3.0
"""How much more something that is happening now counts than what the call began with."""
PRAISE, REPEAT = "1404", "1403"
ABOUT_US = 0.7
"""Who calls again complains of us too, but the matter is still the matter."""
_PRAISED = re.compile(
    r"(?<!不)(?:我|就是|想|要|来)(?:想|要|来|是|给|打电话)*(?:表扬|感谢(?!你们)|送.{0,4}锦旗"
    r"|点赞|夸)"
    r"|我[^，。！？不]{0,3}表扬"
)
_ASKS_PRAISE = re.compile(r"(?:给|把|对|让|请|跟)[^，。！？不]{0,8}表扬|(?<!不)表扬(?:表扬|一下|一个|一位)")
_OVERLAPS: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "0107": (("乡镇政府", re.compile(r"村(?:里|东|西|口|委|民)|我们村|宅基|河滩|庄稼地")),),
    "0203": (
        ("通信运营商", re.compile(r"(?:电信|移动|联通|通信|光缆|弱电)[^。！？]{0,8}(?:井|盖|箱)")),
        ("公路部门", re.compile(r"国道|省道|县道|高速")),
    ),
    "0209": (
        ("城市管理部门", re.compile(r"人行道|便道|走人的|盲道|马路牙子")),
        ("公安交管部门", re.compile(r"车道|黄线|双黄|主路|路两边|路两侧|路口|公交(?:车)?(?:都)?(?:进|过|会)不")),
        ("市场监管部门", re.compile(r"(?:收费|要了|收了|多收)[^。！？]{0,14}(?:贵|乱|标价|公示|牌)")),
    ),
    "0802": (("税务部门", re.compile(r"(?:缴费|交费|扣款|多交|重复交|交错)[^。！？]{0,10}(?:退|错|扣)")),),
    "1204": (("发改能源部门", re.compile(r"煤改[电燃气]|清洁取暖|取暖补贴|壁挂炉")),),
}
"""Where departments overlap: words that point to one of them."""
_PASSES_ON = re.compile(
    r"(?:转(?!账|弯|车|让|出|入)(?:给|到|交|由|请)?|派(?:给|到)|交(?:给|由)|督促|协调(?!组))(?P<whom>[^，。！？]{2,16})"
)
_ANOTHER = re.compile(r"单独|另外|另[记登开行]|另一[件个]|也(?:会)?(?:通知|通报)")
_OFFICE = re.compile(r"(?:部门|企业|机构|机关|政府|服务中心|中心|局)$")
_A_DEPARTMENT = re.compile(r"部[门们没闷]|企业")
_NEAR, _NEARER, _FEW = 0.3, 0.15, 2
"""How unlike a department's name what was heard may be, a syllable, and how much more unlike all but few must be."""
_SHORT = {
    "城管": "城市管理部门", "交警": "公安交管部门", "交管": "公安交管部门", "园林": "园林绿化部门",
    "自来水公司": "供水企业", "电力": "供电企业", "热力": "供热企业", "市监": "市场监管部门",
    "交通运输": "交通运输部门", "应急部门": "应急管理部门", "公安督察": "公安机关督察部门", "劳动监察": "人社部门",
    "公积金": "住房公积金中心", "消防": "消防救援机构", "审批": "行政审批部门", "环保": "生态环境部门",
}  # fmt: skip
_GREETING = re.compile(r"政务服务便民热线|有什么可以帮|请问有什么|很高兴为您")
_DENIED = re.compile(r"(?:没有?|不是|并非|没怎么|也不|不会|别|不)(?:人|真的?|再)?(?:被)?$")
_PAST = re.compile(
    r"去年|前年|上个?月|上回|上次|以前|之前|前几天|前天|那年|早就|年前|上(?:个)?(?:礼拜|星期"
    r"|周)|昨天"
)
_SUPPOSED = re.compile(
    r"再不|万一|要是|如果|怕|容易|会不会|可能会|差点|跟.{0,6}(?:一样|似的)|恨不得|真想"
    r"|气得|担心|听说|抖音|网上|真的假的|几月份?$"
)
_NOW = re.compile(r"现在|突然|刚|今天|这会儿|正|还在|快")
_LIKE = re.compile(r"(?:跟|像|好像)[^，。]{0,10}(?:一样|似的)")
_ASKING = re.compile(r"想问|咨询|问一下|请问|多少钱|哪儿办|怎么办理|啥时候招")
_OFFERS_KINDS = re.compile(
    r"(?:投诉|举报|咨询|建议|求助|反映)[^，。]{0,6}还是|还是[^，。]{0,6}(?:投诉|举报|咨询|建议|求助)"
)
_CHOSEN = re.compile(r"^[^，。]{0,4}?(投诉|举报|咨询|建议|求助)")
"""An answer to 您是想了解标准还是要投诉."""
_PLAIN = 0.8
"""Of kinds that have such a share nearly all were right in talks never met, of those below six in ten."""
_PLACEHOLDERS = frozenset({"涉及单位", "相关单位", "属地政府", "权属单位"})


def _talk(turns: Sequence[Turn], lexicon: Lexicon) -> Talk:
    return read(passages_of(turns).turns, lexicon)


def rank_categories(turns: Sequence[Turn], lexicon: Lexicon) -> list[tuple[str, float]]:
    """All categories with any cue, best first, with shares that add up to 1."""
    return list(_ranked(_talk(turns, lexicon))[0])


def suggest_matter(talk: Talk) -> list[Suggestion]:
    ranked, evidence = _ranked(talk)
    if not ranked:
        return []
    code, confidence = ranked[0][0], _sure(ranked)
    category = talk.lexicon.category(code)
    assert category is not None
    because = evidence[code][:6]
    suggestions = [Suggestion(field="category_code", value=code, confidence=confidence, evidence=because)]
    department, sure, proof = _department(talk, ranked, category, confidence)
    suggestions.append(Suggestion(field="department", value=department, confidence=sure, evidence=proof or because))
    suggestions.append(_appeal_type(talk, category, because))
    suggestions.append(_urgency(talk, category, because))
    return suggestions


@lru_cache(maxsize=64)
def _ranked(talk: Talk) -> tuple[list[tuple[str, float]], dict[str, tuple[Evidence, ...]]]:
    """By keywords and by how alike the words are to how people put each matter. Shares are calibrated."""
    scores, evidence = _keyword_scores(talk)
    scores = {code: _damped(code, worth) for code, worth in scores.items()}
    if _praises(talk):
        scores[PRAISE] = scores.get(PRAISE, 0.0) + PRAISED
    if not talk.caller or (not scores and not _says_enough(talk)):
        return [], evidence
    alike = _alike(talk)
    logits = {code: scores.get(code, 0.0) + LIKE * odds for code, odds in alike.items()}
    logits |= {code: score + NOT_ALIKE for code, score in scores.items() if code not in alike}
    if not logits:
        return [], evidence
    called_back = _CALLED_BACK.search(talk.all[0].text) is not None
    if REPEAT in logits and (called_back or _bears_on_more(scores)):
        logits[REPEAT] -= BEHIND_MATTER * (1 + 2 * called_back)
    if PRAISE in logits and not _praises(talk) and _bears_on_more(scores):
        logits[PRAISE] -= SUGGESTED
    for code, worth in _passed_on_to(talk, scores).items():
        logits[code] = logits.get(code, min(logits.values())) + worth
    top = max(logits.values())
    raised = {code: math.exp(value - top) for code, value in logits.items()}
    total = sum(raised.values())
    ranked = sorted(((code, value / total) for code, value in raised.items()), key=lambda pair: (-pair[1], pair[0]))
    for code, _ in ranked[:1]:
        evidence.setdefault(code, _most_alike(talk, code))
    return ranked, evidence


def _damped(code: str, worth: float) -> float:
    much = _MANY_ALARMS if is_emergency(code) else _MANY_WORDS
    return much * math.log1p(worth / much)


def _bears_on_more(scores: Mapping[str, float]) -> bool:
    """Who suggests something suggests it for some matter."""
    return any(score >= _A_MATTER for code, score in scores.items() if code not in (PRAISE, REPEAT))


def _passed_on_to(talk: Talk, scores: Mapping[str, float]) -> dict[str, float]:
    """What the operator said whom it goes to makes likelier: 转园林绿化部门修剪. Another ticket's is not heard."""
    named = {department for said in talk.agent if talk.confirmed(said) for department in _named(said)}
    found = {}
    for category in talk.lexicon.categories if named else ():
        anybody = category.department in _PLACEHOLDERS and scores.get(category.code, 0.0) >= _A_MATTER
        if category.department in named or anybody:
            found[category.code] = PASSED_ON / math.sqrt(len(named))
        elif named & {*category.co_departments}:
            found[category.code] = PASSED_ON / 3 / math.sqrt(len(named))
    return found


def _named(said: Said) -> list[str]:
    found = []
    for match in _PASSES_ON.finditer(said.text):
        start = max(said.text.rfind(stop, 0, match.start()) for stop in "。！？")
        if _ANOTHER.search(said.text[start + 1 : match.start()]):
            continue
        words = match.group("whom")
        read = [name for stem, name in _stems(said.reading.lexicon) if stem in words][:2]
        found += read or _named_by_sound(said.text[match.start() + 1 : match.end()], said.reading.lexicon)
    return found


@lru_cache(maxsize=1024)
def _named_by_sound(words: str, lexicon: Lexicon) -> list[str]:
    """交通营书部门 is 交通运输部门: what the words before 部门 sound like, two if as near (水务, 税务)."""
    end = _A_DEPARTMENT.search(words)
    sounds = syllables(words[: end.start()]) if end is not None else ()
    near: dict[str, float] = {}
    for stem, name in _stems(lexicon):
        said = sounds[-len(stem) :]
        if len(said) == len(stem):
            far = sum(unlike(one, other) for one, other in zip(said, syllables(stem), strict=True)) / len(stem)
            near[name] = min(far, near.get(name, 1.0))
    best = min(near.values(), default=1.0)
    found = [name for name, far in near.items() if far < best + _NEARER]
    return found if best <= _NEAR and len(found) <= _FEW else []


@lru_cache(maxsize=8)
def _stems(lexicon: Lexicon) -> tuple[tuple[str, str], ...]:
    """How departments are called for short, the longest first."""
    stems = {_OFFICE.sub("", name): name for name in lexicon.departments}
    stems = {stem: name for stem, name in stems.items() if len(stem) >= 2} | _SHORT
    return tuple(sorted(stems.items(), key=lambda pair: -len(pair[0])))


def _says_enough(talk: Talk) -> bool:
    return sum(len(said.text) for said in talk.caller) >= LEAST_WORDS


def _alike(talk: Talk) -> dict[str, float]:
    """Log-odds by category below the likeliest's; turns weigh by when they came and how long they are."""
    likeness = likeness_of(talk.lexicon)
    if likeness is None:
        return {}
    shares = [_share(said, number) * math.sqrt(len(said.text)) for number, said in enumerate(talk.caller)]
    odds = sum(share * likeness.of(said.text) for share, said in zip(shares, talk.caller, strict=True)) / sum(shares)
    worth = min(1.0, math.sqrt(sum(len(said.text) for said in talk.caller) / ENOUGH_WORDS))
    return dict(zip(likeness.codes, (worth * (odds - np.max(odds))).tolist(), strict=True))


def _most_alike(talk: Talk, code: str) -> tuple[Evidence, ...]:
    """The clause that speaks for ``code`` the most."""
    likeness = likeness_of(talk.lexicon)
    clauses = [(said, *span) for said in talk.caller for span in said.reading.clauses]
    if likeness is None or code not in likeness.codes or not clauses:
        return (talk.caller[0].evidence(0, len(talk.caller[0].text)),)
    row = likeness.codes.index(code)
    said, start, end = max(
        clauses, key=lambda clause: likeness.of(clause[0].text[clause[1] : clause[2]])[row] * (clause[2] - clause[1])
    )
    return (said.evidence(start, end),)


def _keyword_scores(talk: Talk) -> tuple[dict[str, float], dict[str, tuple[Evidence, ...]]]:
    scores: dict[str, float] = defaultdict(float)
    evidence: dict[str, list[tuple[float, Evidence]]] = defaultdict(list)
    counted: Counter[tuple[str, str]] = Counter()
    caller_turns = 0
    for said in talk.all:
        if said.by_agent and _GREETING.search(said.text):
            continue
        share = _share(said, caller_turns)
        caller_turns += said.by_caller
        for hit in keyword_hits(said.reading):
            if is_emergency(hit.code) and not _happening(said, hit):
                continue
            counted[hit.code, hit.word] += 1
            weight = hit.weight * share / counted[hit.code, hit.word]
            weight *= ABOUT_US if hit.code == REPEAT else 1.0
            weight *= URGENT if is_emergency(hit.code) and hit.strong and said.by_caller else 1.0
            scores[hit.code] += weight
            evidence[hit.code].append((weight, said.evidence(hit.start, hit.end)))
    proofs = {
        code: tuple(dict.fromkeys(item for _, item in sorted(rows, key=lambda row: -row[0])))
        for code, rows in evidence.items()
    }
    return scores, proofs


def _praises(talk: Talk) -> bool:
    begins = any(_PRAISED.search(said.text) for said in talk.caller[:2])
    return begins or any(_ASKS_PRAISE.search(said.text) for said in talk.caller)


def _share(said: Said, caller_turns: int) -> float:
    """The caller's first words say what the call is about; the operator's are heard with half an ear."""
    if said.by_caller:
        return 1.5 if caller_turns < 2 else 1.0 if caller_turns < 4 else 0.7
    return 0.3 if said.by_agent else 0.15


def _happening(said: Said, hit: Hit) -> bool:
    before = said.text[max(0, hit.start - 10) : hit.start]
    if _DENIED.search(before[-5:]) or _SUPPOSED.search(before) or _SUPPOSED.search(said.text[hit.end : hit.end + 3]):
        return False
    start, end = said.reading.clause_at(hit.start)
    clause, lead = said.text[start:end], said.text[max(0, start - 14) : end]
    past = _PAST.search(clause) or (_PAST.search(lead) and not _NOW.search(lead))
    return not (past or _LIKE.search(clause) or _ASKING.search(said.text[max(0, start - 6) : end]))


def _sure(ranked: list[tuple[str, float]]) -> float:
    first = ranked[0][1]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    return round(min(0.95, 0.35 + 0.35 * first + 0.35 * (first - second)), 2)


def _department(
    talk: Talk, ranked: list[tuple[str, float]], category: Category, confidence: float
) -> tuple[str, float, tuple[Evidence, ...]]:
    """The category's own; where several share it whom the place points to, and whom the caller speaks of.

    It is one of the departments that overlap; the others are shown beside it.
    """
    placed = _placed(talk, category)
    if placed is not None:
        return placed[0], min(confidence, 0.78), (placed[1],)
    if category.department not in _PLACEHOLDERS or not category.code.startswith("14"):
        return category.department, confidence, ()
    office = _office(talk)
    if office is not None:
        return office[0], min(confidence, 0.78), (office[1],)
    for code, _ in ranked[1:3]:
        other = talk.lexicon.category(code)
        if other is not None and other.department not in _PLACEHOLDERS:
            return other.department, min(confidence, 0.6), ()
    return category.department, min(confidence, 0.5), ()


def _placed(talk: Talk, category: Category) -> tuple[str, Evidence] | None:
    """道路违停 goes to the traffic police, a car on the pavement to 城管, the compound's to its managers."""
    for department, pattern in _OVERLAPS.get(category.code, ()):
        for said in talk.caller:
            match = pattern.search(said.text)
            if match is not None:
                return department, said.evidence(*match.span())
    return None


def _office(talk: Talk) -> tuple[str, Evidence] | None:
    scores: Counter[str] = Counter()
    proof: dict[str, Evidence] = {}
    for said in talk.caller:
        for word, department in talk.lexicon.cues.organisations.items():
            start = said.text.find(word)
            if start >= 0:
                scores[department] += len(word)
                proof.setdefault(department, said.evidence(start, start + len(word)))
    best = scores.most_common(1)
    return (best[0][0], proof[best[0][0]]) if best else None


def likeliest_appeal(turns: Sequence[Turn], lexicon: Lexicon) -> str | None:
    """The kind of appeal, whatever emergency it sounds like."""
    shares = _kinds(_talk(turns, lexicon))[0]
    return max(shares, key=lambda kind: shares[kind]) if shares else None


def told_urgency(turns: Sequence[Turn], lexicon: Lexicon) -> str | None:
    """How urgent the operator called it."""
    told = _told_urgent(_talk(turns, lexicon))
    return told.value if told is not None else None


def acts_within(talk: Talk) -> Acts:
    """What is done in the talk, the kinds beforehand as likely as its matters make them."""
    usual: dict[str, float] = defaultdict(float)
    for code, share in _ranked(talk)[0]:
        category = talk.lexicon.category(code)
        if category is not None and not is_emergency(code):
            usual[category.appeal_type] += share
    total = sum(usual.values()) or 1.0
    called_back = bool(talk.all) and _CALLED_BACK.search(talk.all[0].text) is not None
    return acts_of(talk, {kind: share / total for kind, share in usual.items()}, revisit=called_back)


@lru_cache(maxsize=64)
def _kinds(talk: Talk) -> tuple[dict[str, float], Acts]:
    acts = acts_within(talk)
    return likely(acts, packaged_weights()), acts


def _appeal_type(talk: Talk, category: Category, because: tuple[Evidence, ...]) -> Suggestion:
    if is_emergency(category.code):
        return Suggestion(field="appeal_type", value="求助", confidence=0.85, evidence=because[:2])
    shares, acts = _kinds(talk)
    best = max(shares, key=lambda kind: shares[kind])
    share = shares[best]
    confidence = round(0.4 + 0.3 * share if share < _PLAIN else min(0.94, 0.76 + 0.9 * (share - _PLAIN)), 2)
    for said in talk.caller:
        chosen = _CHOSEN.match(said.text) if _OFFERS_KINDS.search(said.asked) else None
        if chosen is not None:
            best, confidence = chosen.group(1), 0.9
    proof = said_for(acts, best, packaged_weights())
    return Suggestion(field="appeal_type", value=best, confidence=confidence, evidence=proof or because[:2])


def _urgency(talk: Talk, category: Category, because: tuple[Evidence, ...]) -> Suggestion:
    if is_emergency(category.code):
        level = "紧急" if category.code in ("9004", "9005") else "特急"
        return Suggestion(field="urgency", value=level, confidence=0.85, evidence=because[:3])
    told = _told_urgent(talk)
    if told is not None:
        return told
    hits: dict[str, list[Evidence]] = defaultdict(list)
    for said in talk.caller:
        for level, words in talk.lexicon.cues.urgency.items():
            for word in words:
                start = said.text.find(word)
                if start >= 0 and _happening(said, Hit("", word, 0.0, start, start + len(word), False)):
                    hits[level].append(said.evidence(start, start + len(word)))
    if len(hits["特急"]) >= 2:
        return Suggestion(field="urgency", value="紧急", confidence=0.6, evidence=tuple(hits["特急"][:4]))
    raised = hits["特急"] + hits["紧急"]
    if len(hits["紧急"]) + 2 * len(hits["特急"]) >= 2:
        return Suggestion(field="urgency", value="紧急", confidence=0.62, evidence=tuple(raised[:4]))
    return Suggestion(field="urgency", value="一般", confidence=0.8 if not raised else 0.76, evidence=because[:1])


_SPEEDS = re.compile(
    r"(?:按|标成|标为|记为|登记为?|列为|定为|算|属于|作为|备注|不满意件、)[^，。？]{0,4}?(?P<level>紧急|加急|特急)"
    r"|(?P<kind>紧急|加急|特急)(?:件|工单|办理|处理|情况|诉求|登记|转|派)|(?P<fast>加急)请"
)
_NOT_URGENT = re.compile(r"(?:不|非|没)[^，。]{0,3}$")


def _told_urgent(talk: Talk) -> Suggestion | None:
    """The operator said how fast it goes out: 按紧急件转. What is for another ticket does not count."""
    found = None
    for said in talk.agent:
        for match in _SPEEDS.finditer(said.text):
            start = max(said.text.rfind(stop, 0, match.start()) for stop in "。！？")
            lead = said.text[start + 1 : match.start()]
            if "？" in said.text[match.end() : match.end() + 8] or _ANOTHER.search(lead) or _NOT_URGENT.search(lead):
                continue
            level = "特急" if "特急" in match.group() else "紧急"
            found = Suggestion(field="urgency", value=level, confidence=0.9, evidence=(said.evidence(*match.span()),))
    return found
