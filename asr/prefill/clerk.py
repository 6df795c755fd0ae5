"""A caller's clause as a clerk writes it down: in the third person, without what only leads up to it or trails off."""

from __future__ import annotations

import re

_KIN = {
    **dict.fromkeys(("爸", "爸爸", "爹", "父亲"), "父亲"),
    **dict.fromkeys(("妈", "妈妈", "娘", "母亲"), "母亲"),
    **dict.fromkeys(("老公", "男人", "丈夫"), "丈夫"),
    **dict.fromkeys(("老婆", "媳妇", "妻子"), "妻子"),
    **dict.fromkeys(("闺女", "姑娘", "女儿"), "女儿"),
    **dict.fromkeys(("儿子", "儿"), "儿子"),
    **dict.fromkeys(("孩子", "娃"), "孩子"),
    **{one: one for one in ("爱人", "爷爷", "奶奶", "姥姥", "姥爷", "婆婆", "公公", "孙子", "孙女", "朋友", "邻居")},
    **{one: one * 2 for one in "哥弟姐妹"},
}
_KIN_WORDS = "|".join(sorted(_KIN, key=len, reverse=True))
_OWN_KIN = re.compile(rf"(?:我|俺|咱)(?:们家?|家)?(?P<kin>{_KIN_WORDS})(?!们|的名字)")
_OWN_HOME = re.compile(r"(?:我们?|俺们?|咱们?)家(?!属)")
_OURS = re.compile(r"(?:我们|俺们|咱们|咱)(?:这儿|这边|这里|这)?(?:的)?")
_MYSELF = re.compile(r"我|俺")
_LOOSE = re.compile(r"(?:就是说?|那个|这个|反正|其实|然后|还有|再说了?|你说|你看|你想|你们?听)")
_LEAD = re.compile(r"^(?:那|就|也|都|还|又|而且|另外|关键是?|主要是?|说是?|现在呢|呃|嗯|哎)+(?=[\u4e00-\u9fff]{3})")
_TRAIL = re.compile(r"(?:呢|啊|吧|嘛|呀|哦|呗|啦|哩|嘞|了啊|了吧|来着)+$")
_PLAIN = (
    (re.compile(r"咋就?"), "怎么"),
    (re.compile(r"啥"), "什么"),
    (re.compile(r"压根"), "完全"),
    (re.compile(r"天天"), "每天"),
    (re.compile(r"老是"), "经常"),
    (re.compile(r"(?:个)?礼拜"), "周"),
    (re.compile(r"([今昨明])儿个?"), r"\1天"),
    (re.compile(r"黑夜"), "夜间"),
    (re.compile(r"拢共"), "共"),
    (re.compile(r"头一回"), "第一次"),
    (re.compile(r"(?<=[二三四五六七八九十几两\d])回"), "次"),
)


def written(words: str, *, first: bool) -> str:
    """``first``: the caller has not been named in the text yet; later he is 其."""
    text = _LOOSE.sub("", words) or words
    text = _TRAIL.sub("", _LEAD.sub("", text)) or words
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    text = _OWN_KIN.sub(lambda match: f"其{_KIN[match.group('kin')]}", text)
    text = _OWN_HOME.sub("其家", text)
    text = _OURS.sub("", text)
    return _MYSELF.sub("来电人" if not first else "其", text) if _MYSELF.search(text) else text
