"""Whether the caller wants to stay unknown: to everybody (anonymous) or to those complained about (confidential)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from asr.prefill.questions import ASKS_ANONYMOUS, ASKS_CONFIDENTIAL, ASKS_NAME, ASKS_PHONE
from asr.prefill.reading import PAUSE, Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion


@dataclass(frozen=True, slots=True)
class Wish:
    """``wanted`` and what it was understood from."""

    wanted: bool
    confidence: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Privacy:
    confidential: Wish | None
    anonymous: Wish | None

    @property
    def withholds_identity(self) -> bool:
        return self.anonymous is not None and self.anonymous.wanted


_WAIVED = re.compile(
    r"(?:不用|不需要|不必|无需|没必要|用不着|不要|别|甭|不|没啥可)(?:给我|再)?(?:保密|匿名"
    r"|隐藏)|(?:不怕|没啥怕)(?:他们?|报复|知道|保密)?|公开就行|实名(?!制|认证)"
)
_SECRET = re.compile(
    r"保密|(?:能|会)[^，。！？]{0,5}(?:知道|查到)是(?:谁|我)|(?:别|不要|不能|不敢|不想|不希望|不愿意?|不可以|甭|千万别"
    r"|可别)[^，。！？]{0,10}?(?:知道|说|告诉|透露|泄露|提|露|暴露)[^，。！？]{0,8}?(?:是我"
    r"|是谁|谁反映|谁打|谁举报|谁投诉|是[^，。]{0,4}(?:举报|反映|打|投诉)的|我的(?:名字|姓名|电话|信息|身份)|我反映|我说的|我打的"
    r"|我举报|我投诉)"
    r"|(?:别|不要|不能|不想|不希望|千万别|可别|不敢)(?:给|让|叫|跟|和|对)?(?:他|她|他们|人家"
    r"|老板|单位|学校|公司|物业|邻居|商家|对方|村里|领导)[^，。！？]{0,4}(?:知道|看见我"
    r"|看到我)"
    r"|(?:知道|查到|看到|查出)[^，。！？]{0,4}(?:是谁|是我|谁)(?:打的|反映|举报|投诉"
    r"|说的)?[^，。！？]{0,3}(?:不|吗|吧|么)"
    r"|怕(?:他|她|他们|人家|被|他会|打击)?[^，。！？]{0,4}(?:报复|穿小鞋|找我麻烦|找麻烦|记恨)"
    r"|(?:打击)?报复我|给(?:我|孩子)穿小鞋"
    r"|(?:不要|别|不能)(?:把)?我的?(?:信息|名字|姓名|电话|身份)[^，。]{0,8}(?:给|告诉|透露"
    r"|泄露|说出去|传出去)|(?:别|不要|不能)透露|(?:别|不要)泄露"
    r"|保个密|(?:悄悄|偷偷|私下|暗地里?|暗中)(?:地|的)?(?:来|查|去|看|核实|调查)|(?:别|甭|不要|不能|可别)(?:声张|张扬|嚷嚷|走漏|露风声|惊动)"
    r"|(?:别|甭|不要|可别|千万别)(?:把)?我(?:给)?(?:供|说|捅|露|卖|报)出|是我(?:捅|告|说|报)(?:出去|的|上去)|替我(?:瞒|遮|兜)着"
)
_DECLINED = re.compile(
    rf"{PAUSE}*(?:嗯|哎|那|这个|我|就|呃)*{PAUSE}*(?:还是)?"
    r"(?:不说|不留|不想说|不方便|不用说|不用留|不必|算了|免了|别写|别记|别留|不便)"
)
"""An answer to the question for the name."""
_NAMELESS = re.compile(
    r"匿名|不记名|别记名|(?:不|别|不想|不愿意?|不方便|不能|能不能不|可以不|可不可以不|就不|先不|先别|也先别"
    r"|也别|不要|不用|不肯)(?:给我|给你们)?(?:留|说|写|登记?|报|透露|提供|告诉|记|填)(?:我的?"
    r"|个|下)?(?:姓名|名字|姓|名|称呼|是谁|我是谁|真名|身份)"
    r"|(?:姓名|名字|姓什么|姓啥|称呼)[^，。！？]{0,3}(?:就|也|先|我)?(?:不|别|免)(?:说|留|写"
    r"|登记|报|提|告诉|了|方便|想说|用)|(?:名字|姓名)就(?:免|算)了|不留名|(?<![\u4e00-\u9fff])姓(?:名|氏)?(?:我)?(?:就|也|先)*(?:别|不|免)(?:用)?(?:写|说|留|登记?|记|报|填)|(?:不想|不愿"
    r"|不方便)(?:透露|暴露)(?:身份|姓名|个人信息|名字)"
    r"|(?:名儿?|大名|名字|姓名)(?:我|咱)?(?:就|也|可)*(?:甭|别|免|不用|不必)(?:再)?(?:写|留|登|记|报|问|填|提|说)"
    r"|(?:甭|别|不要|不用)(?:打听|问)(?:我|俺)?(?:是谁|姓啥|姓什么|叫啥|叫什么|名字)"
    r"|(?:号码?|电话)[^，。！？]{0,4}(?:别|甭|不要)(?:存|记|登|显示)|当(?:没|不)(?:看见|看到|知道)(?:吧|我|就行)"
)
_NOT_NAMELESS = re.compile(
    r"(?:不用|不需要|不必|不是|没必要|用不着|甭)(?:给我)?(?:匿名)|实名(?!制|认证)|可以留(?:名"
    r"|姓名|名字)|留名(?:也)?(?:可以|行)"
)
_AGENT_SECRET = re.compile(
    r"(?:给您|为您|帮您|会|已|已经|按|勾选|选择|登记(?:为|成)|做|严格|对您的?.{0,6}"
    r"|您放心.{0,6})(?:勾选|登记|选择|进行|做|的信息|个人信息|严格|设置|标注)?保密(?!吗|的话)"
    r"|(?:不会|绝不|不)(?:让|叫|向|对|跟|给)[^，。！？]{1,8}(?:知道|透露|泄露|看到|提起)(?!吗)"
)
_AGENT_OFFER = re.compile(r"(?:可以|能)(?:要求|选择|申请)?(?:保密|匿名)")
_AGENT_NAMELESS = re.compile(
    r"(?:按|登记为|登记成|给您|帮您|选择|为您|已|以)匿名|匿名(?:登记|举报登记|反映登记|处理"
    r"|件)|不(?:登记|留|记录|记|存)(?:您的|您)?[^，。]{0,4}(?:姓名|名字)|(?:姓名|名字)(?:我)?(?:就)?不(?:写|登记|记录|录)"
)
_THIRD = re.compile(
    r"(?:他|她|他们|人家|医院|单位|公司|合同|协议)[^，。]{0,4}(?:保密|匿名)|保密(?:协议|费|局"
    r"|柜|工作)|匿名(?:信|电话|账号|短信|评论)"
)


_KIN = re.compile(
    r"(?:我|俺|您|您的)(?:爸|妈|父亲|母亲|爷爷|奶奶|姥姥|姥爷|老爷子|老太太|爹|娘)|找[^，。]{0,6}老人|老人家"
)
_OF_ONE = re.compile(r"(?:跟|和|对|告诉|让|给)(?:他|她)(?!们|家|那|单位|老板)")
"""别跟他说我打的 of one's own father is no fear of those complained about."""


def privacy_of(talk: Talk) -> Privacy:
    anonymous = _latest(talk, _caller_nameless, _agent_nameless)
    confidential = _latest(talk, _caller_secret, _agent_secret)
    if anonymous is not None and anonymous.wanted and not (confidential is not None and confidential.wanted):
        confidential = anonymous
    return Privacy(confidential, anonymous)


def suggest_privacy(privacy: Privacy) -> list[Suggestion]:
    wishes = (("confidential", privacy.confidential), ("anonymous", privacy.anonymous))
    return [
        Suggestion(
            field=name, value="true" if wish.wanted else "false", confidence=wish.confidence, evidence=wish.evidence
        )
        for name, wish in wishes
        if wish is not None
    ]


def _latest(
    talk: Talk, of_caller: Callable[[Said], Wish | None], of_agent: Callable[[Talk, Said], Wish | None]
) -> Wish | None:
    """The last wish that was heard; a weaker repetition of it changes nothing."""
    latest: Wish | None = None
    for said in talk.all:
        wish = of_caller(said) if said.by_caller else of_agent(talk, said) if said.by_agent else None
        if wish is None:
            continue
        repeated = latest is not None and latest.wanted and wish.wanted
        if latest is None or not repeated or wish.confidence >= latest.confidence:
            latest = wish
    return latest


def _caller_secret(said: Said) -> Wish | None:
    waived = _WAIVED.search(said.text)
    if waived is not None:
        return Wish(False, 0.93, (said.evidence(*waived.span()),))
    if ASKS_CONFIDENTIAL.search(said.asked):
        if said.refuses:
            return Wish(False, 0.93, (said.evidence(0, min(len(said.text), 4)),))
        if said.agrees or re.match(r"^(?:那当然|当然|最好|麻烦|肯定|必须|还是)", said.text):
            return Wish(True, 0.95, (said.evidence(0, min(len(said.text), 4)),))
    secret = _SECRET.search(said.text)
    if secret is not None and _KIN.search(said.asked + said.text) and _OF_ONE.search(secret.group()):
        return None
    if secret is None or _THIRD.search(said.text[max(0, secret.start() - 6) : secret.end() + 2]):
        return None
    return Wish(True, 0.92, (said.evidence(*secret.span()),))


def _agent_secret(talk: Talk, said: Said) -> Wish | None:
    match = _AGENT_SECRET.search(said.text)
    if match is None or ASKS_CONFIDENTIAL.search(said.text) or not talk.confirmed(said):
        return None
    return Wish(True, 0.9, (said.evidence(*match.span()),))


def _caller_nameless(said: Said) -> Wish | None:
    declined = _DECLINED.match(said.text)
    if declined is not None and ASKS_NAME.search(said.asked) and not ASKS_PHONE.search(said.asked):
        return Wish(True, 0.85, (said.evidence(*declined.span()),))
    waived = _NOT_NAMELESS.search(said.text)
    if waived is not None:
        return Wish(False, 0.92, (said.evidence(*waived.span()),))
    if ASKS_ANONYMOUS.search(said.asked) and "匿名" in said.asked:
        if said.refuses:
            return Wish(False, 0.9, (said.evidence(0, min(len(said.text), 4)),))
        if said.agrees:
            return Wish(True, 0.93, (said.evidence(0, min(len(said.text), 4)),))
    match = _NAMELESS.search(said.text)
    if match is None or _THIRD.search(said.text[max(0, match.start() - 6) : match.end() + 3]):
        return None
    return Wish(True, 0.93, (said.evidence(*match.span()),))


def _agent_nameless(talk: Talk, said: Said) -> Wish | None:
    match = _AGENT_NAMELESS.search(said.text)
    if match is None or ASKS_ANONYMOUS.search(said.text) or _AGENT_OFFER.search(said.text) or not talk.confirmed(said):
        return None
    return Wish(True, 0.93, (said.evidence(*match.span()),))
