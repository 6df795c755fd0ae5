"""One turn as the rules read it, and the talk around it: who asked what before, who agreed after."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from asr.lexicon import Lexicon
from asr.numerals import Numeral, digit_groups, numerals, with_digits
from asr.prefill.gazetteer import PlaceHit, find_places
from asr.prefill.suggestions import Evidence
from asr.prefill.terms import put_right
from asr.transcript import Speaker, Turn

PAUSE = r"[，,、。.！!？?；;：:…·\s]"
PAUSES = re.compile(f"{PAUSE}+")
CORRECTION = re.compile(
    r"不对|错了|说错|记错|更正|改一下|应该是|(?:哎|哦|噢|呃|啊)不是?(?=[，,。…]|$)|不是不是"
    r"|(?<!是)不是(?=[，,。…])|你写|重新说|纠正"
)
_YES = re.compile(rf"^{PAUSE}*(?:嗯+|对+|是的?|没错|好的?|可以|行|中|哎?对|成|要的?|需要|那?就这样|正确|是啊)")
_NO = re.compile(rf"^{PAUSE}*(?:哎|嗯|啊|那)?{PAUSE}*(?:不|没|别|甭|算了|错)")


@dataclass(frozen=True, eq=False)
class Reading:
    """``text`` is ``raw`` without the spaces some engines put between characters, well-known mishearings put right.

    Position ``i`` of ``text`` is position ``offsets[i]`` of ``raw``.
    """

    raw: str
    text: str
    offsets: tuple[int, ...]
    lexicon: Lexicon

    @cached_property
    def places(self) -> tuple[PlaceHit, ...]:
        return find_places(self.text, self.lexicon)

    @cached_property
    def protected(self) -> tuple[tuple[int, int], ...]:
        return tuple((hit.start, hit.end) for hit in self.places)

    @cached_property
    def numerals(self) -> tuple[Numeral, ...]:
        return numerals(self.text, self.protected)

    @cached_property
    def digit_groups(self) -> tuple[Numeral, ...]:
        return digit_groups(self.text)

    @cached_property
    def clauses(self) -> tuple[tuple[int, int], ...]:
        """Spans between pauses. A text without punctuation is one clause."""
        spans: list[tuple[int, int]] = []
        at = 0
        for pause in [*(match.span() for match in PAUSES.finditer(self.text)), (len(self.text), len(self.text))]:
            if pause[0] > at:
                spans.append((at, pause[0]))
            at = pause[1]
        return tuple(spans)

    def clause_at(self, position: int) -> tuple[int, int]:
        for start, end in self.clauses:
            if start <= position < end:
                return start, end
        return position, position

    def corrected_at(self, position: int, reach: int = 9) -> bool:
        """The speaker has just taken something back."""
        return CORRECTION.search(self.text[max(0, position - reach) : position]) is not None

    def shown(self, start: int, end: int) -> str:
        """The span with its numbers as digits."""
        shift = [(a - start, b - start) for a, b in self.protected if a >= start and b <= end]
        return with_digits(self.text[start:end], shift)


@dataclass(frozen=True, eq=False)
class Said:
    """A reading in its place in the talk."""

    turn: Turn
    reading: Reading
    index: int
    asked: str
    """What the operator said since the caller's last turn; empty for the operator's own turns."""

    @property
    def text(self) -> str:
        return self.reading.text

    @property
    def by_caller(self) -> bool:
        return self.turn.speaker is Speaker.CALLER

    @property
    def by_agent(self) -> bool:
        return self.turn.speaker is Speaker.AGENT

    def evidence(self, start: int, end: int) -> Evidence:
        offsets = self.reading.offsets
        return Evidence(seg=self.turn.seg, start=offsets[start], end=offsets[end - 1] + 1)

    @property
    def agrees(self) -> bool:
        return _YES.match(self.text) is not None and _NO.match(self.text) is None

    @property
    def refuses(self) -> bool:
        return _NO.match(self.text) is not None


@dataclass(frozen=True, eq=False)
class Talk:
    """Final turns in order, read. Turns of a partner centre are heard but fill no field."""

    all: tuple[Said, ...]
    lexicon: Lexicon

    @cached_property
    def caller(self) -> tuple[Said, ...]:
        return tuple(said for said in self.all if said.by_caller)

    @cached_property
    def agent(self) -> tuple[Said, ...]:
        return tuple(said for said in self.all if said.by_agent)

    def before(self, said: Said) -> Iterator[Said]:
        """Backwards from the turn before."""
        return iter(self.all[said.index - 1 :: -1] if said.index else ())

    def after(self, said: Said) -> Iterator[Said]:
        return iter(self.all[said.index + 1 :])

    def confirmed(self, said: Said) -> bool:
        """The caller did not object to what the operator said here."""
        reply = self.reply(said)
        return reply is None or not (reply.refuses or CORRECTION.search(reply.text[:12]))

    def agreed(self, said: Said) -> bool:
        """The caller answered the operator's words here with a yes and nothing against it."""
        reply = self.reply(said)
        return reply is not None and reply.agrees and CORRECTION.search(reply.text[:12]) is None

    def reply(self, said: Said) -> Said | None:
        """What the caller said next."""
        return next((other for other in self.after(said) if other.by_caller), None)


def read(turns: Sequence[Turn], lexicon: Lexicon) -> Talk:
    """Of the same turns the same talk: the ticket and what else comes into question are both asked of it."""
    spoken = [turn for turn in turns if turn.final and turn.text.strip()]
    spoken.sort(key=lambda turn: (turn.start_s, turn.seg))
    return _talk(tuple(spoken), lexicon)


@lru_cache(maxsize=64)
def _talk(spoken: tuple[Turn, ...], lexicon: Lexicon) -> Talk:
    readings = [reading_of(turn.text, lexicon) for turn in spoken]
    saids: list[Said] = []
    for number, (turn, reading) in enumerate(zip(spoken, readings, strict=True)):
        if reading.text:
            saids.append(_said(turn, len(saids), _asked(spoken, readings, number), lexicon))
    return Talk(all=tuple(saids), lexicon=lexicon)


@lru_cache(maxsize=8192)
def _said(turn: Turn, index: int, asked: str, lexicon: Lexicon) -> Said:
    """The same one as the talk grows, so that what depends on it alone is worked out once."""
    return Said(turn=turn, reading=reading_of(turn.text, lexicon), index=index, asked=asked)


@lru_cache(maxsize=4096)
def reading_of(raw: str, lexicon: Lexicon) -> Reading:
    kept: list[tuple[str, int]] = []
    for offset, char in enumerate(raw):
        if char.isspace():
            if kept and _latin(kept[-1][0]) and _latin(raw[offset + 1 : offset + 2]):
                kept.append((" ", offset))
            continue
        plain = unicodedata.normalize("NFKC", char) if char not in "…，。！？；：" else char
        kept.append((plain if len(plain) == 1 else char, offset))
    text = _put_right("".join(char for char, _ in kept), lexicon)
    return Reading(raw=raw, text=text, offsets=tuple(offset for _, offset in kept), lexicon=lexicon)


def _put_right(text: str, lexicon: Lexicon) -> str:
    """Well-known mishearings and terms known by their sound, each replaced by something of its own length."""
    for pattern, meant in _mishearings(lexicon):
        text = pattern.sub(meant, text)
    return put_right(text, lexicon)


_OF_DOORS = (
    (re.compile(r"(?<=[栋楼座])底(?:上(?=[，。！？]|$|由|油)|伤|尚)"), "底商"),
    (re.compile(r"(?<=[一二三四五六])七(?=[，,]?[一二三四五六七八九十0-9]{1,2}号楼)"), "期"),
    (re.compile(r"(?<=从|到)向口"), "巷口"),
    (re.compile(r"(?<=单元)[腰要邀妖](?=[零〇0-9一二三四五六七八九])"), "幺"),
)
"""Heard beside words of doors: 三栋底上, 丹河湾二七五号楼, 一单元腰零二."""
_NO_MINUTES = r"\d|元|块|万|千|百|倍|%|度|米|公[里斤分]|毫|升|斤"
_OF_CLOCKS = (
    (re.compile(rf"(?<=[早晚午夜晨上]\d)[.:](?=[0-5]\d(?!{_NO_MINUTES}))"), "点"),
    (re.compile(rf"(?<=[早晚午夜晨上]\d\d)[.:](?=[0-5]\d(?!{_NO_MINUTES}))"), "点"),
    (re.compile(r"(?<=点[0-5]\d)时"), "分"),
)
"""今天早上7.20: a recogniser writes a time of day as a number; what it hears as 时 behind the minutes is no hour."""


@lru_cache(maxsize=8)
def _mishearings(lexicon: Lexicon) -> tuple[tuple[re.Pattern[str], str], ...]:
    cues = lexicon.cues
    after_number = [
        (re.compile(rf"(?<=[零一二两三四五六七八九十百0-9])(?:{'|'.join(map(re.escape, heard))})"), meant)
        for meant, heard in cues.address_terms.items()
        if heard
    ]
    anywhere = [(re.compile("|".join(map(re.escape, heard))), meant) for meant, heard in cues.misheard.items() if heard]
    return (*anywhere, *after_number, *_OF_DOORS, *_OF_CLOCKS)


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _asked(turns: Sequence[Turn], readings: Sequence[Reading], index: int) -> str:
    if turns[index].speaker is not Speaker.CALLER:
        return ""
    heard: list[str] = []
    for back in range(index - 1, -1, -1):
        if turns[back].speaker is Speaker.AGENT:
            heard.append(readings[back].text)
        elif heard or index - back > 2:
            break
    return "，".join(reversed(heard))


def reworded(talk: Talk, mend: Callable[[str], str]) -> Talk:
    """The talk with the words that were misheard put right, of the same length, in every turn and in what was asked."""
    said = tuple(_reworded(one, mend) for one in talk.all)
    same = all(one is other for one, other in zip(said, talk.all, strict=True))
    return talk if same else replace(talk, all=said)


@lru_cache(maxsize=16384)
def _reworded(said: Said, mend: Callable[[str], str]) -> Said:
    text, asked = mend(said.text), mend(said.asked)
    reading = said.reading if text == said.text else replace(said.reading, text=text)
    return said if reading is said.reading and asked == said.asked else replace(said, reading=reading, asked=asked)


def substituted(text: str, meant: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """With what was heard written as it was meant, one rule after the other."""
    for pattern, words in meant:
        text = pattern.sub(words, text)
    return text
