"""Times as they are said in a turn: which words belong together, what was taken back, and whose time it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from asr.prefill.questions import ASKS_TIME
from asr.prefill.reading import CORRECTION, Said
from asr.prefill.timewords import Day, Kind, TimeWord, time_words

ASKS_HOW_LONG = re.compile(r"多久|多长时间|多少天|几天了|几个月了|几年了")
_ASKS_DATE = re.compile(r"哪年|哪一年|哪[两几]?个?月|哪一?段时间|什么日子|几时|啥时间|多会儿|多早晚|几号")
ASKS_OTHER = re.compile(r"联系|方便|打给|回电|有空|上门|能(?:来|到|办|去|取)")
_ASKS_REGULAR = re.compile(r"一般|平时|通常|每天|都是什么时|时段|时间段|几点到几点")
_ASKS_SINCE = re.compile(r"从什么时候|从几月|从哪天|什么时候(?:就)?开始|啥时候(?:就)?开始|几号开始|哪天开始|多久了")
_ASKS_CONTACT = re.compile(r"电话|联系(?!单|过)|号码|座机|手机|回电|回复您|通知您|告诉您|方便|贵姓|称呼")
_DOUBT = re.compile(
    r"…|——|\.\.|[，,]不[，,]|不对|(?:哦|噢|哎|呃|啊)不|不是[，,。…]|错了|说错|记错|岔了|混了|口误|不止|等等|等一?下|等会儿?|想想|看看|翻一?下|翻翻|算算"
    r"|看一下|看一眼|查一下|改一下|更正"
)
_REPAIR = re.compile(rf"{CORRECTION.pattern}|[，,…]不[，,]")
_NOT = re.compile(r"(?<!是)(?:不是|不在|并非)(?:说)?(?:在)?$")
_COUNTED = re.compile(r"(?:[加算连]上|连|到)$")
_NEAR = re.compile(
    r"^(?:[，,、。…\s]|的|就是|吧|呃|嗯|就|大概|大约|差不多|都|是|从|在|那天|也就|往后|以后|起|开始|夜|哎|呢|嘛|事儿?|和|跟)*$"
)
_TO = re.compile(r"^[^！？0-9]{0,18}?(?<![想遇等看收得找感见接打听])[到至](?:了|快|第二天|次日|凌晨)*$|^[-~—]+$")
_THAT_DAY = re.compile(r"^[^。！？]{0,6}?(?:那天|具体|也?就是|应该是)[^。！？]{0,4}$")
_OPENS = re.compile(r"^[^，。！？；0-9]{0,5}(?:出|开|起|来|摆|放|亮|到)[^，。！？；]{0,3}，[^，。！？；]{0,3}$")
_CLOSES = re.compile(r"^(?:多|半|来钟|左右)?[^，。！？；]{0,4}(?:收|关|散|停|走|撤|灭|结束|完|歇|才)")
"""六点出摊，九点收。"""
_SAME_SENTENCE = re.compile(r"^[^。！？；…]{0,14}$")
_CONTACT = re.compile(
    r"^(?:[以之往]?[后前]|左右|的时候|再|都|给我|我|就|也|那?会儿)*[，,]?(?:再|别|甭|还不|要是不?|再不|不来)?"
    r"(?:打(?!桩|钻|人|的|了|过|幺|架|骂|砸|麻将|牌|铁|混凝土|[一二三四五六七八九十])|联系|来水|来电|来人|回电|找我|给我打|我才|接(?!送)|还不来|不来|(?:老|都|一直)?不?在家|有空"
    r"|没空|方便|上课|上班|下班|睡|来?测|(?<=后)来(?=[，。！])|上门|没人(?![影来管理接])|开会)(?!那|的?时候|高峰|路上)"
)
_WISHED = re.compile(
    r"能不能|希望|建议|要求|最好|至少|最少|(?:推|延|改|调|提前)[到成后]|[就也]行|要么|必须|应该|不能|不许|不让"
)
_ASKS_PROPOSAL = re.compile(
    r"(?:建议|希望|想|您看)[^，。？！]{0,8}(?:改|调|延|推|定|开|停|关|等)?[到成在]?(?:几点|什么时候|几号|多久)"
)
_ASKS_AGE = re.compile(r"(?:孕妇?|怀孕|宝宝|婴儿|孩子)[^，。？！]{0,4}(?:多少|几)[个]?(?:周|月|天)|(?:多少|几)周了?")
_DEADLINE = re.compile(
    r"^(?:[之以]?内|[之以]前(?:必须|要|得|给|回|办|解决|来|弄)|就?(?:截止|到期|过期|就得|该))|^[^，。]{0,3}(?:截止|到期)"
)
_PROMISED = re.compile(r"(?:预计|承诺|答应|等到?|要等|要是|不来|约定|约好|说好|尽量|赶在)$")
_REPORTED = re.compile(
    r"^[^，。！？]{0,6}?(?:(?<!没)打过(?!桥|架|仗|针)|反映|投诉过|登记过|登记的|报过|举报过|打了[一几两]?[回次个]|(?:给|跟)你们打|答复|回复|受理|给我回|回访|办结|打的[，。])"
)
_FIRST_REPORT = re.compile(r"(?:第一[回次]|头一?[回次]|首次|最早|最开始)[^，。！？]{0,4}$")
_TO_COME = re.compile(
    r"^[^，。！？]{0,3}?(?<!不)(?:要(?!求)|该(?!付)|准备|打算|就要|得去|即将)|^[^，。！？]{0,3}?能(?:不能)?(?:[过回]?去|[过回]?来|办|到)|^(?:再|就)?(?:过?去|过?来)(?:就?行|可以|成|吗|吧|[。？！]|$)"
)
_SENDS = re.compile(r"(?:让|叫|等|准备|打算|定在|安排)[^，。！？]{0,6}$")
_TIMETABLE = re.compile(
    r"^(?:多|左右)?(?:就|才|都)?(?:关门|开门|清场|闭馆|开馆|打烊|下班|上班|收车|发车|收工|锁门|歇业|关店|开业)(?!了[^，。]*(?:没|不))"
)
_ACUTE = re.compile(r"^(?:起来|一?睁眼|[^，。！？]{0,5}(?:出去|走|丢|撞|摔|倒)的(?:[，。！？]|$))")
_OF_GOODS = re.compile(r"(?:生产日期|出厂|保质期|有效期|签发|打印)[^，。！？]{0,6}$")
_OWN_ACT = re.compile(r"^(?:刚)?[在去到从坐买][^。！？天总老都]{0,20}[，了]")
_WITHOUT_MEDICINE = re.compile(r"(?:药|[压糖脂]要)[^，。]{0,2}[断停]了?[^，。]{0,5}$")
"""药都断了三天了: what has run out meanwhile."""
_GOES_THEN = re.compile(r"(?:直接|再|亲自|自己)去(?!了|的|过)")
"""我礼拜一直接去: a day to come."""
_OWN_LIFE = re.compile(
    r"(?:住|干活?|工作|上班|打工|结婚|怀孕|怀|退休|开店|做生意|去世|过世|走|埋|搬来|嫁|当|入住|认识|守寡|独居|念|教|用|骑|养)"
    r"(?:了|在?这儿?|那儿|在|到|着|过来|儿|都|也|有|快)*$"
)
_BIRTH = re.compile(r"^的?(?:生(?:的|人|日|下)|出生|过生日|过寿|满[零一二三四五六七八九十0-9]*周?岁)")
_STILL = re.compile(
    r"^(?:[早晚]上)?(?:我们?|他|她)?(?:还(?![没是在那不完清款钱贷了的])|才刚)|^[^，。！？]{0,6}?(?<!现在)还(?:挺?好|正常|能用|亮着|开着门)"
)
"""The last time that all was well."""
_ASIDE = re.compile(
    r"^[^，。！？]{0,10}?(?:退休|去世|过世|没了|入职|搭过桥|结的?婚|生的|出生|摔了|分的|搬|迁|改嫁|离的?婚|考过|有人|上过|刚洗|打来)"
)
_ERRAND = re.compile(
    r"^[^，。！？]{0,6}?(?:去(?:问|找|看病|办)|找(?:过|了|他|你)|打(?:了|过)?电话|问(?:过|了)|催(?:过|了)|来(?:了?个|过)人|来人|报(?:了|过)?警|报案)"
)
_TOLD_HOURS = re.compile(r"(?:写着|写的是?|公示|规定|营业|按.{0,4}时间|时刻表|末班|首班|站牌)[^。！？]{0,14}$")
_OWN_HABIT = re.compile(r"(?:我|俺|咱|他|她|我爸|我妈)们?$")
_SINCE_BEFORE = re.compile(r"(?:从|打|自打?|打从)(?:这个?|本|那个?)?$")
_SINCE_AFTER = re.compile(
    r"^(?:份|的时候|那天|那会儿|早上|早起|一早)?(?:起(?!来|床)|开始|以来|往后|之后就|以后就|就(?:没|不|停|这样|开始|漏|坏|断|黑|租|关|一直|涨|欠|成)|到现在|至今"
    r"|一直|到今天|换了|(?:那天)?起)"
)
_FROM_THEN = re.compile(r"^(?:就)?(?:起(?!来|床)|开始|以来)")
_ENDS = re.compile(r"(?<![想遇等看收得找感见接打听])到$|打[\u4e00-\u9fff]{1,4}打到$")
_UNTIL_NOW = re.compile(
    r"(?:[到至](?:现在|今天?|今儿|这会儿|如今|目前|眼下|当前|这都)|至今|一直到?这|到现在)|一直没|拖到现在|还没"
)
_STALLED = re.compile(
    r"^[^。！？]{0,24}?(?:(?:再|再也|就|然后就?|一直|后来就?)没(?:然后|下文|后文|动静|[音回]?信儿?|消息|回音|人管|人理|影|反应|结果|来过|见过)"
    r"|石沉大海|杳无音信|没了(?:下文|动静|音信))"
)
_TODAY_IS = re.compile(r"^(?:就?是|都)?(?:几号|(?:星期|礼拜|周)几|[二三]?十?[一二三四五六七八九十](?:[号日，。]|了))")
_PAST = re.compile(r"大?前年|去年|上上?[月周]|前天|昨天")
_HEARD = re.compile(r"^(?:才|头一[回次]|第一[回次]|是|就)*(?:听说|知道|给你们|打|才想起|来反映|想反映|第)")
_HOUR = r"[一二两三四五六七八九十零0-9]{1,3}点(?:半|[一二三四五六七八九十零刻分0-9]{1,3})?(?:多|来钟|钟|左右)?"
_HOUR_NEXT = re.compile(rf"^[，,、]?{_HOUR}")
_TO_HOUR = re.compile(rf"^[到至](?:早上|晚上|下午|中午|凌晨)?{_HOUR}")
_NOW_DENIED = re.compile(r"^(?:刚才|刚刚)?(?:又?进来|说|打|我说|你|您|看|听|问|登记|没叫)")


@dataclass(slots=True)
class Moment:
    """One statement of time, the words that belong together."""

    said: Said
    words: list[TimeWord] = field(default_factory=list)
    day: Day | None = None
    until: Day | None = None
    part: str = ""
    clocks: list[tuple[str, str]] = field(default_factory=list)
    """Part of the day and hour, as said."""
    ranged: bool = False
    before: list[list[tuple[str, str]]] = field(default_factory=list)
    """Stretches of the day said before the last: 早上六点到七点，晚上八点到十点."""
    often: str = ""
    streak: str = ""
    lasted: str = ""
    firm: bool = False
    """It has lasted that long and still does."""
    ends: bool = False
    """The hour is the end of it: 闹到后半夜两点."""
    from_part: str = ""
    """Of such an hour the part of the day it began in: 晚上开始，闹到两点."""
    now: str = ""
    since: bool = False
    until_now: bool = False
    acute: bool = False
    """This part of today."""
    stalled: bool = False
    """Nothing has moved since."""
    corrected: bool = False
    reported: bool = False
    first_report: bool = False
    echoed: bool = False
    """The operator said the same day or hour back."""
    named: bool = False
    """Called the time of the matter: 上周三的事儿."""
    doubt: float = 0.0

    @property
    def start(self) -> int:
        return self.words[0].start

    @property
    def end(self) -> int:
        return self.words[-1].end

    @property
    def exact(self) -> bool:
        return self.day is not None and self.day.exact

    @property
    def asked(self) -> bool:
        return asks_when(self.said.asked)

    @property
    def only_day(self) -> bool:
        return self.day is not None and not self.day.vague and not self.clocks and not self.often

    @property
    def only_hour(self) -> bool:
        return self.day is None and bool(self.clocks or self.part) and not (self.often or self.streak or self.now)


def asks_when(asked: str) -> bool:
    """Not when to call or to come, and not which number of a road."""
    return any(
        any(one.search(clause) for one in (ASKS_TIME, ASKS_HOW_LONG, _ASKS_DATE)) and not ASKS_OTHER.search(clause)
        for clause in re.split(r"[。！？，；]", _OF_A_ROAD.sub("", asked))
    )


_OF_A_ROAD = re.compile(r"(?<=[路街巷弄])几号|(?<=大道)几号")


# what is said together ------------------------------------------------------------------------------------------------
def moments_of(said: Said) -> Iterator[Moment]:
    text = said.text
    words = [word for word in _words(text, said.reading.protected) if not _elsewhere(said, word)]
    current: Moment | None = None
    future = -1
    for word in words:
        if word.kind is Kind.FUTURE:
            future = word.end
            continue
        if future >= 0 and word.start - future <= 6 and word.kind in (Kind.PART, Kind.CLOCK):
            future = word.end
            continue
        if current is not None and _joins(current, word, text[current.end : word.start]):
            _add(current, word, text[current.end : word.start])
            continue
        if current is not None:
            yield _judged(current, until=word.start)
        current = Moment(said=said)
        _add(current, word, "")
    if current is not None:
        yield _judged(current, until=len(text))


@lru_cache(maxsize=4096)
def _words(text: str, protected: tuple[tuple[int, int], ...]) -> tuple[TimeWord, ...]:
    return tuple(_standing(text, time_words(text, protected)))


def _standing(text: str, words: Sequence[TimeWord]) -> list[TimeWord]:
    """Without what the speaker took back; a day keeps what was said of its month and year before."""
    struck: list[TimeWord] = []
    for one, other in pairwise(words):
        if _rivals(one, other) and re.match(r"还是|要么|或者?是?|[，、]?要不就?是", text[one.end : other.start]):
            chosen = [word for word in words if word.start > other.start and _rivals(word, one)]
            struck += [word for word in (one, other) if chosen and not any(map(word.same, chosen))]
    for at, word in enumerate(words):
        before = text[max(0, word.start - 6) : word.start]
        daily = word.kind is Kind.OFTEN and word.value == "每天"
        if _NOT.search(before) and (daily or word.kind not in (Kind.PART, Kind.OFTEN)):
            struck.append(word)
            continue
        rivals = [other for other in words[at + 1 :] if _rivals(word, other) and other.start - word.end <= 48]
        for other in rivals:
            between = text[word.end : other.start]
            doubt = _DOUBT if _alike(word, other) else _REPAIR
            if doubt.search(between) and not word.same(other) and not _TO.match(between):
                struck.append(word)
    standing: list[TimeWord] = []
    earlier: Day | None = None
    for word in words:
        if word.day is not None:
            day = word.day.after(earlier) if earlier is not None else word.day
            earlier = day if not day.other or re.fullmatch("上上?[月周]", day.other) else earlier
            word = replace(word, day=day, value=day.text)
        if not any(word.same(other) for other in struck):
            standing.append(word)
    return standing


def _alike(word: TimeWord, other: TimeWord) -> bool:
    """A weekday said beside a date may be the same day."""
    if word.day is None or other.day is None:
        return True
    return bool(word.day.week) == bool(other.day.week) and bool(word.day.other) == bool(other.day.other)


def _rivals(word: TimeWord, other: TimeWord) -> bool:
    if word.day is not None and other.day is not None:
        return word.day.grain == other.day.grain != "other"
    return word.kind is other.kind and word.kind in (Kind.CLOCK, Kind.LASTED)


def _elsewhere(said: Said, word: TimeWord) -> bool:
    """A time at which to call, to come, to be ready: not of the matter."""
    text = said.text
    if word.kind is Kind.FUTURE:
        return False
    after, before = text[word.end :], text[max(0, word.start - 12) : word.start]
    if word.kind in (Kind.PART, Kind.CLOCK):
        after = _TO_HOUR.sub("", _HOUR_NEXT.sub("", after))
    today = word.day is not None and word.day.other == "当日"
    if word.kind is Kind.LASTED and "分钟" in word.value and not (ASKS_HOW_LONG.search(said.asked) and word.start < 10):
        return True
    if today and (_COUNTED.search(before) or _HEARD.match(after) or _TODAY_IS.match(after)):
        return True
    if word.kind is Kind.DAY and re.search(r"今(?:[天日]|儿个?|个儿?)(?:就?是|都)?$", before):
        return True
    due = _PROMISED.search(before) is not None and not (word.day is not None and _PAST.match(word.day.text))
    if _DEADLINE.match(after) or due or (word.kind is Kind.DAY and _BIRTH.match(after)):
        return True
    if word.kind is Kind.NOW and (_NOW_DENIED.match(after) or re.search(r"(?:以为|像|跟)$", before)):
        return True
    told = text[max(0, word.start - 22) : word.start]
    if word.kind in (Kind.PART, Kind.CLOCK, Kind.OFTEN) and _TOLD_HOURS.search(told):
        return True
    return word.kind is not Kind.LASTED and word.kind is not Kind.STREAK and _CONTACT.match(after) is not None


_BEFORE_MONTH = re.compile(r"[0-9]{1,2}月前")
"""九月以前: a month by its name, how it was till then."""


def _joins(current: Moment, word: TimeWord, gap: str) -> bool:
    last = current.words[-1]
    if word.kind is Kind.AGO and current.day is not None and _BEFORE_MONTH.match(word.value):
        return False
    if word.kind is Kind.DAY and current.day is not None and current.clocks and not _REPAIR.search(gap[-10:]):
        return False
    if _REPAIR.search(gap[-10:]) is not None or (len(gap) <= 8 and _NEAR.match(gap)):
        return True
    if word.kind in (Kind.CLOCK, Kind.PART) and (current.clocks or current.part) and _reaches(current, word, gap):
        return True
    if word.kind is Kind.DAY and last.kind is Kind.DAY and (_TO.match(gap) or _THAT_DAY.match(gap)):
        return True
    fits = word.kind in (Kind.CLOCK, Kind.PART) and not current.clocks and (current.day is not None or current.often)
    if word.kind is Kind.CLOCK and current.part and not current.clocks and len(gap) <= 8:
        fits = True
    return bool(fits) and _SAME_SENTENCE.match(gap) is not None


def _reaches(when: Moment, word: TimeWord, gap: str) -> bool:
    """From what was said last to this."""
    if _TO.match(gap):
        return True
    after = when.said.text[word.end :]
    if word.kind is Kind.PART:
        after = _HOUR_NEXT.sub("", after)
    return bool(when.clocks) and _OPENS.match(gap) is not None and _CLOSES.match(after) is not None


def _add(when: Moment, word: TimeWord, gap: str) -> None:
    corrected = _REPAIR.search(gap) is not None
    when.words.append(word)
    when.corrected = when.corrected or corrected
    if word.kind is Kind.DAY and word.day is not None:
        _add_day(when, word.day, gap, corrected=corrected)
    elif word.kind is Kind.PART:
        if when.ranged and not corrected:
            when.before, when.clocks, when.ranged = [*when.before, when.clocks], [], False
        if corrected or not (when.clocks or (when.part and not _NEAR.match(gap))):
            when.part = word.value
        elif _reaches(when, word, gap):
            when.clocks.append((word.value, ""))
    elif word.kind is Kind.CLOCK:
        ahead = when.words[-2] if len(when.words) > 1 else word
        if ahead.kind is Kind.PART and ahead.end == word.start and not when.clocks:
            when.part = ahead.value
        _add_hour(when, word.value, corrected=corrected, to=not gap or _reaches(when, word, gap))
    elif word.kind in (Kind.NOW, Kind.AGO):
        when.now = word.value
    elif word.kind is Kind.OFTEN:
        when.often = word.value if corrected or not when.often else when.often
    elif word.kind is Kind.STREAK:
        when.streak = word.value
    elif word.kind is Kind.LASTED:
        when.lasted = word.value
        after = when.said.text[word.end : word.end + 2]
        led = re.match(r"都|已经|有|快|得有", when.said.text[word.start :]) is not None
        when.firm = led or after.startswith("了") or re.match(r"都|没", after) is not None


def _add_day(when: Moment, day: Day, gap: str, *, corrected: bool) -> None:
    known = when.day
    if known is not None and known.month and day.month and not known.date and re.fullmatch("[和跟、]|还有", gap):
        when.day = Day(year=known.year, month=f"{known.month}、{day.month}")
        return
    ranges = _TO.match(gap) is not None or (day.grain == "month" and not gap)
    if known is not None and not (corrected or day.vague) and ranges and not (day.grain == "day" and known.week):
        when.until = day
        return
    if (
        known is not None
        and not corrected
        and {bool(known.week), bool(day.week)} == {True, False}
        and (known.date or day.date)
    ):
        dated, week = (known, day.week) if known.date else (day, known.week)
        when.day = replace(dated, week=week)
        return
    if known is not None and day.vague and not corrected:
        return
    if known is not None and not corrected and known.grain == "day" and day.grain == "other":
        return
    when.day, when.until = day, None


def _add_hour(when: Moment, said: str, *, corrected: bool, to: bool) -> None:
    if when.clocks and when.clocks[-1][1] == "":
        part = when.clocks.pop()[0]
        when.clocks = [*when.clocks[:1], (part, said)]
        when.ranged = True
    elif when.ranged and not corrected:
        return
    elif when.clocks and not corrected and to:
        when.clocks = [when.clocks[0], ("", said)]
        when.ranged = True
    else:
        when.clocks, when.ranged = [(when.part, said)], False


# whose time it is -----------------------------------------------------------------------------------------------------
def _judged(when: Moment, *, until: int) -> Moment:
    """``until``: where the next words of time are."""
    text, said = when.said.text, when.said
    when.clocks = [one for one in when.clocks if one[1]]
    if when.before and not when.clocks:
        when.clocks, when.ranged, when.before = when.before[-1], True, when.before[:-1]
    before, after = text[max(0, when.start - 22) : when.start], text[when.end :]
    when.since = when.day is not None and (
        _SINCE_BEFORE.search(before) is not None
        or _SINCE_AFTER.match(after) is not None
        or any(word.kind is Kind.DAY and _SINCE_BEFORE.search(text[: word.start]) for word in when.words)
        or _ASKS_SINCE.search(f"{said.asked}。{before}") is not None
    )
    if when.clocks and when.asked and _ASKS_REGULAR.search(said.asked) and when.day is None and not when.often:
        when.often = "每天"
    if when.clocks and not any(part for part, _ in when.clocks):
        parts = {word.value for word in _words(said.asked, ()) if word.kind is Kind.PART}
        when.clocks = [(parts.pop() if len(parts) == 1 else "", when.clocks[0][1]), *when.clocks[1:]]
    when.ends = bool(when.clocks) and not when.ranged and _ENDS.search(_ahead(when)) is not None
    if when.ends and len(when.words) > 1 and when.words[0].kind is Kind.PART and when.words[0].end < _first_hour(when):
        when.from_part = when.words[0].value
    if when.since and (when.clocks or when.part) and when.exact and not _SINCE_BEFORE.search(before):
        when.since = _FROM_THEN.match(after) is not None or _UNTIL_NOW.match(after) is not None
    own = re.search(r"(?:我|俺|咱)们?$", before) is not None and _OWN_ACT.match(after) is not None
    when.acute = when.only_hour and not when.clocks and (own or _ACUTE.match(after) is not None)
    when.named = re.match(r"的(?:这个?|这件)?(?:事|情况)", after) is not None
    when.until_now = _UNTIL_NOW.search(after[:60]) is not None
    if when.day is not None and not when.day.vague and not when.clocks and _STALLED.match(text[when.end : until]):
        when.since = when.until_now = when.stalled = True
    when.first_report = _FIRST_REPORT.search(before) is not None or re.match(r"[^，。]{0,3}首次", after) is not None
    when.reported = when.first_report or (_REPORTED.match(after) is not None and not when.asked)
    return _doubted(when, before, after)


def _doubted(when: Moment, before: str, after: str) -> Moment:
    """How much speaks against its being when the matter happened."""
    text, said = when.said.text, when.said
    clause = re.split(r"[，。！？；]", before)[-1]
    tail = re.split(r"[。！？；]", after)[0]
    if _WISHED.search(clause) or _WISHED.search(re.split(r"[，。！？；]", tail)[0]):
        when.doubt += 1.6 if when.day is None or when.day.week else 0.6
    if when.asked and _ASKS_PROPOSAL.search(said.asked):
        when.doubt += 1.6
    if when.lasted and _ASKS_AGE.search(said.asked):
        when.doubt += 1.6
    if _TO_COME.match(after) or (_SENDS.search(clause) and re.match(r"[^，。！？]*了", after) is None):
        when.doubt += 1.0
    if _STILL.match(after):
        when.doubt += 0.8
    if (_ASIDE.match(after) or _ERRAND.match(after)) and not when.asked:
        when.doubt += 0.6
    if _OF_GOODS.search(before):
        when.doubt += 0.8
    if when.lasted and len(when.words) == 1 and not when.asked and _OWN_LIFE.search(clause):
        when.doubt += 0.6
    if when.lasted and not when.asked and _WITHOUT_MEDICINE.search(text[: when.end]):
        when.doubt += 0.6
    if when.day is not None and when.day.week and not when.asked and _GOES_THEN.match(after):
        when.doubt += 1.0
    if when.now and not when.asked and text[when.end - 1] == "刚":
        when.doubt += 0.5
    hours = [word for word in when.words if word.kind is Kind.CLOCK]
    if when.only_hour and not when.asked and any(_TIMETABLE.match(text[word.end :]) for word in hours):
        when.doubt += 1.0
    if when.often and _OWN_HABIT.search(before):
        when.doubt += 0.6
    if said.asked and _ASKS_CONTACT.search(said.asked) and not when.asked and not (when.lasted or when.streak):
        when.doubt += 1.3 if when.only_hour else 0.9 if (when.day is not None and when.day.week) else 0.3
    return when


def _ahead(when: Moment) -> str:
    """What stands before the hour and the part of the day it is of."""
    start = _first_hour(when)
    return when.said.text[max(0, start - 8) : start]


def _first_hour(when: Moment) -> int:
    first = next((word for word in when.words if word.kind is Kind.CLOCK), when.words[0])
    parts = [word for word in when.words if word.kind is Kind.PART and word.end == first.start]
    return parts[0].start if parts else first.start
