"""What kind of appeal a talk is: which acts of speech it holds, and what each of them weighs.

The weights lie in the lexicon's ``appeals.json``, one number for each act and kind, to be read and changed by hand;
``asr.teaching_appeals`` finds them from dialogues with their tickets.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from asr.prefill.privacy import privacy_of
from asr.prefill.reading import Talk
from asr.prefill.suggestions import Evidence

FILE = "appeals.json"
KINDS = ("咨询", "求助", "投诉", "举报", "建议", "表扬")
EARLY = 3
"""The caller's turns in which is said what kind of call it is."""

_I = r"(?:我|俺|咱|我们|想|要|来|得|先|实名|匿名|就|是|打电话|再|给你们|必须)"
_NOT = r"(?<!不是)(?<!不)(?<!没)(?<!没有)(?<!别)(?<!不想)(?<!不要)(?<!非)(?<!之前)(?<!上次)(?<!上回)"
_CALLS_IT = {
    "投诉": (
        rf"(?:^|{_I}|[，。！])*{_NOT}投诉(?!过|电话|的事|无门)|告(?:他|她|他们)(?!诉|知)|讨(?:个)?说法"
        rf"|反映.{{0,6}}乱收费"
    ),
    "举报": r"(?<!不是)(?<!不)举报(?!过)|检举|提供(?:个|一个|条)?线索|有(?:个|条)线索|揭发",
    "建议": (
        r"(?:提|有|给)(?:你们|个|一个|点|条|几点|您)*(?:建议|意见)(?!不|没)|建议(?:一下|你们|把|在|能|给|咱"
        r"|政府|增|设|公交)|(?:我|想)建议|提议"
    ),
    "表扬": r"(?<!不)(?:表扬|夸(?!张|大)|点赞|锦旗|感谢信|谢谢人家|感谢(?:一下|人家|他|她|那)|好人好事|拾金不昧)",
    "咨询": (
        r"咨询|(?:想|来|就|我|先)(?:再)?(?:问|打听|了解)(?:问|打听|一下|个|下|一|您|你)|请问|(?:问|打听)个(?:事"
        r"|政策|问题|执照|补贴)|问问(?=[^，。]{0,12}(?:怎|咋|能|要|哪|啥|什么|多|是不是|有没|行不))"
    ),
    "求助": r"求助|帮帮|帮(?:我|忙|个忙|俺|着)|求(?:你们|您|求)|想想?(?:个)?(?:办法|法儿|法子)|行行好|救(?:命|急|济)",
}
_DENIES = re.compile(r"(?:不|也不|又不|并不)(?:是|想|要|算)?(?:来)?(?:投诉|告状|告谁|告|举报|找茬|闹)(?!诉)")

_ACTS = {
    "blames": (
        r"凭(?:什么|啥)|没人管|管不管|不管(?!用|是|怎|你)|没人(?:理|搭理|问)|踢皮球|推来推去|你推我|互相推|推诿"
        r"|推脱|敷衍|糊弄|应付|太过分|不像话|欺负|哄人|蒙人|忽悠|骗|坑(?:人|我|老)|黑心|缺德|不要脸|耍赖|赖账"
        r"|抵赖|说话不算|言而无信|太气人|气人|气死|不讲理|霸道|嚣张|恶劣|阴阳怪气|爱搭不理|甩脸|骂人|骂我|撵我"
        r"|什么玩意|像什么话|抢钱|明抢|不认账|干啥吃的"
    ),
    "refused": (
        r"(?<!能)(?<!可)不给(?!看|你|够|力|自己)|不退|不让(?!人|他|着)|拒绝|不肯|不开(?:票|门|发票)|不发|不赔"
        r"|不修|不来|拖(?:着|到|了|欠)|一直拖|拖拖|欠(?:我|了|着|费|薪|的|款|账)|没(?:给|退|赔|发|到账|结)"
        r"|一分(?:钱)?(?:没|不)|不签|不接|躲|删了|拉黑|不见人|跑路"
    ),
    "overcharged": (
        r"乱收|多收|收费|加价|涨价|扣(?:了|我|钱|押金)|押金|退(?:钱|款|费|给我|押金|一赔)|赔(?:钱|偿|我)|一口价"
        r"|不打表|白条|收据|发票|宰|强制|捆绑|霸王"
    ),
    "disturbs": (
        r"吵(?:死|得|人|醒)|噪音|噪声|扰民|呛|臭|熏|睡不(?:着|好|成)|震|油烟|味儿?(?:大|冲|呛|难)|灰|尘"
        r"|天天(?:如此|这样|响)|占(?:着|了|道|用|满)|堵(?:着|住|死|了门)|乱停|乱扔|乱倒|不拴|撒"
    ),
    "demands": (
        r"说法|道歉|赔偿|处罚|罚(?!款标准)|整改|追究|查处|取缔|严惩|曝光|公开|公示|交代|解释|必须|赶紧管|管管"
        r"|管一管|退给|还给"
    ),
    "needs": (
        r"没办法|怎么办(?:呀|啊|呢)?|咋办(?:呀|啊|呢)?|困难|发愁|愁(?:死|人)|着急|急死|求|走不动|腿不好"
        r"|行动不便|瘫|残疾|低保|孤寡|一个人(?:住|在家|，)|老(?:汉|人|太太|头|伴)|没人照|没(?:饭|水|电|钱|地方)"
        r"|没得|找不(?:到|着)|丢了|落(?:在|车)|走丢|走失|失联|联系不上|断(?:药|了水|电)|跑了[^，。]{0,3}趟"
        r"|办不(?:了|成|下来)|卡(?:在|住)|停(?:了|发)|没(?:来|收到|打钱|领)|不给办|对不上|写错|登错|错(?:了|字)"
    ),
    "broken": (
        r"坏(?:了|的|掉|着)|漏(?:水|雨|了|下|得)|裂|塌|堵(?:了|住)|不亮|不热|不通|掉(?:下|了|皮|砖|瓷|土)"
        r"|断(?:了|裂)|返(?:水|味)|冒(?:水|污|出来)|没(?:水|电|气|网|信号|火)|停(?:水|电|气|暖)|歪|倒(?:了|在)"
        r"|陷|坑|积水|淹|发黄|浑"
    ),
    "mend": (
        r"修(?:一修|一下|好|修|上|补)|给(?:修|换|弄|装|填|清|疏通|解决|办|安|想|续|补)|换(?:个|一个|新)|派(?:个"
        r"|人|车)|来(?:人|个人|看看|修)|填上|疏通|清(?:一清|理|走)|弄(?:好|一下|走|上)|剪(?:一剪|剪|了)|恢复"
        r"|补(?:上|发|办|一个)|续上|安(?:排|上|一个)|协调|解决|帮"
    ),
    "breaks_law": (
        r"非法|违法|违规|违章|无证|没(?:证|有证|执照|手续|资质|照)|偷(?:排|倒|采|着|税|工)|私自|私搭|假(?:药|酒"
        r"|烟|货|种|证|冒|的)|过期|造假|作弊|贪|吃回扣|冒领|套取|超载|超员|酒驾|赌|黄(?:赌|色)|传销|非法集资"
        r"|集资|洗钱|逃税|漏税|盗(?:采|伐|砍)|乱(?:采|砍|挖)|烧秸秆|焚烧|偷拍|毒|黑(?:作坊|诊所|网吧|车|工厂"
        r"|窝点|加油)|三无|地沟|虚假|伪造|涂改|囤|烟花|危险品|违建|加盖|举报"
    ),
    "hidden_place": (
        r"半夜|后半夜|偷偷|趁(?:晚上|黑|没人|夜)|白天(?:不|大门|关|没)|大铁门|没(?:牌子|挂牌|招牌)|挂(?:的|着"
        r"|个)牌|车牌|(?:好像|可能|估计)是|你们(?:去|来)(?:查|看|就)|突击|去查|查一查|查查|查他|暗访|抓"
    ),
    "asks": (
        r"(?:怎么|咋|咋个|如何)(?:个)?(?:办(?!呀|啊|呢|，|。)|弄|交|领|算|报|提|取|申请|转|批|查|走)|(?:要|需要"
        r"|带|拿|准备)(?:些|点)?(?:啥|什么|哪些)(?:材料|手续|东西|证)?|(?:能不能|可不可以|能|可以|行不行|用不用"
        r"|要不要|算不算|是不是|有没有|给不给|管不管用|碍不碍|影响)[^，。！？]{0,14}(?:吗|不|么|？)|(?:多少"
        r"|几)(?:钱|天|年|岁|户|个|分|点|号|平)[^，。]{0,8}？|(?:哪儿|哪里|哪个部门|啥时候|什么时候|多久"
        r"|多长时间)[^，。]{0,8}？|(?:啥|什么)(?:条件|政策|标准|规定|意思|流程|手续)|(?:还是|按)[^，。]{0,10}？"
    ),
    "understood": (
        r"(?:明白|清楚|知道|懂)了|(?:讲|说)得(?:挺|很|真)?(?:明白|清楚)|这(?:下|个)我(?:懂|明白)|那我(?:去|明"
        r"|回|让|先)|自己(?:去|搜|查|办)|谢谢你?啊?，?(?:再见|拜拜)|问明白|心里有(?:数|底)"
    ),
    "proposes": (
        r"能不能(?:把|给|在|再|多|也|延|推|设|装|开|加|改|增|安|搞|让|考虑)|(?:希望|最好|要是)(?:能|把|在"
        r"|给)?[^，。]{0,10}(?:增|加|设|装|延|改|推|开通|多|错开|安)|(?:应该|可以)(?:设|装|加|延|改|增|多|搞"
        r"|弄个)|不着急|更好|方便(?:大家|老百姓|群众|乘客)|考虑|采纳|优化|提前|推迟|推到|延(?:伸|长|到|后)|末班"
        r"|加(?:一)?班|斑马线|红绿灯|划线|调(?:一)?调"
    ),
    "praises": (
        r"表扬|夸(?!张|大)|锦旗|感谢|谢谢(?:他|她|人家|那|你们那)|好人|热心|特别(?:好|负责|耐心)|真(?:好|不错"
        r"|负责|感动|暖)|太(?:好|负责|感人)|不要(?:钱|东西|我的)|死活不(?:要|收)|跑得比|不收|背(?:到|着|下)"
        r"|记(?:一)?功|嘉奖|奖金|点赞|辛苦"
    ),
    "tried": (
        r"(?:找|问|打|跑|去|说|反映|催|跟.{1,6}说)(?:过|了)[^，。]{0,8}(?:回|次|趟|遍|说|都|没|，)|(?:物业|公司"
        r"|单位|他们|人家|社区|村里|村委会|厂里|学校|前台|客服|老板|窗口|供水公司|镇上|局里|银行|医院|站里"
        r"|队里)(?:的|就|又|还|只|都|那边)?(?:说|答应|回|让|推|讲|答复)"
    ),
    "promised": r"说好|答应|承诺|合同|协议|约定|原先|本来(?:说)?|保证|当初",
    "again": (
        r"(?:第[二三四五六]|好几|[两三四五六])[回次遍]|又(?:来|打|满|开始|这样|是)|上(?:次|回|个月)(?:打|反映"
        r"|投诉|说|那)|反映过|投诉过|不满意|没(?:下文|信儿|动静|影)|再没|还(?:是|没|那)"
    ),
    "for_other": (
        r"替(?:我|俺)?[^，。]{1,5}(?:打|问|说|反映|申请|办)|给我(?:爸|妈|爷|奶|叔|伯|姨|舅|大伯|婆"
        r"|公)[^，。]{0,6}打|我(?:爸|妈|爷爷|奶奶|叔|大伯|公公|婆婆|舅|姨|儿子|闺女|女儿|孩子|老伴|爱人|岳父"
        r"|媳妇|老公)"
    ),
    "firm": (
        r"公司|物业|开发商|店|老板|商家|超市|饭店|酒店|民宿|驾校|健身|培训|机构|中介|房东|银行|医院|大夫|医生"
        r"|学校|老师|幼儿园|司机|窗口|工作人员|村委|镇政府|派出所|民警|网格员|主任|矿|厂|工地|包工头|邻居|隔壁"
        r"|楼上|人家"
    ),
    "angry": r"！|到底|都多少|多少(?:遍|回|次)|什么时候是个头|受不了|疯了|屁|破|他妈|狗屁|糊弄|活该",
    "hurt": r"(?:摔|碰|磕|砸|咬|撞|烫|扎)(?:伤|了|破|着|倒)|骨折|住院|缝|流血|中毒|拉肚子|晕|死了",
    "danger_now": (
        r"快(?:点|来|派)|着火|冒烟|救命|现在(?:正|就)|走丢|走失|不见了|晕倒|昏|喷|泄漏|掉(?:进|井)|困(?:在|住)"
        r"|叫不(?:醒|应)|打起来|拿刀|电线断|大出血"
    ),
}
_AGENT_ACTS = {
    "told_complaint": r"投诉(?!吗|还是)|不满意|退回(?:重|给)?|重新办理|督促|核查|警务督察|整改",
    "told_report": r"举报(?!吗|还是)|线索|查处|突击|执法|匿名|现场检查",
    "told_advice": r"(?:您|的|是)建议|建议是|研究|采纳|的建议",
    "told_praise": r"表扬|转达|感动|谢谢您(?:的)?(?:认可|肯定)",
    "told_help": (
        r"帮您(?!登记|记|查一|确认)|尽快(?:派|安排|修|维修|上门|处理|给您)|协调|抢修|上门|送水|联系家|转接|接通"
        r"|给您(?:想|问|查)"
    ),
    "told_answer": (
        r"(?:可以|需要|要|应|凭|带|到|按|拿)[^，。？]{0,20}(?:办理|申请|缴|领取|申领|身份证|户口|材料|窗口|登录"
        r"|公众号|小程序|备案|审批|条件|规定|标准|比例|政策|年满|周岁)|不用|不影响|规定|政策"
    ),
    "asked_answer": (
        r"(?:还)?(?:需要|要)(?:再)?(?:转|给您(?:登记|转))[^，。？]{0,12}(?:回电|回话|吗)|那就不给您派单"
        r"|就不(?:登记|派单)"
    ),
    "passes_on": r"(?:转接|接通|转到|接到|帮您转)[^，。？]{0,6}(?:1|幺|一)[二2三3][三3]|热线|专线",
    "registers": (
        r"登记|转(?!账|弯|车|接|让|出|入|到那|发)[^，。？]{0,12}(?:部门|局|公司|中心|政府|企业|机构|街道|镇"
        r"|机关|交警|城管|住建|人社|卫健|民政)|派单|工单|记录|备注|核实|按紧急件|退回"
    ),
}


@lru_cache(maxsize=1)
def _patterns() -> tuple[dict[str, re.Pattern[str]], dict[str, re.Pattern[str]], dict[str, re.Pattern[str]]]:
    compiled = ({name: re.compile(words) for name, words in one.items()} for one in (_CALLS_IT, _ACTS, _AGENT_ACTS))
    calls, acts, agent = compiled
    return calls, acts, agent


@dataclass(frozen=True, eq=False)
class Acts:
    """How much of each act there is, and the words of those that the caller did."""

    strength: Mapping[str, float]
    words: Mapping[str, tuple[Evidence, ...]]


@lru_cache(maxsize=4096)
def _counted(text: str, by_caller: bool) -> tuple[tuple[str, int, int, int], ...]:
    """Each act with how often it is done in the turn and where first."""
    calls, acts, agent = _patterns()
    found = []
    named = (("calls:" + kind, pattern) for kind, pattern in calls.items())
    for name, pattern in (*named, *acts.items()) if by_caller else agent.items():
        spans = [match.span() for match in pattern.finditer(text)]
        if spans:
            found.append((name, len(spans), *spans[0]))
    return tuple(found)


def acts_of(talk: Talk, shares: Mapping[str, float], *, revisit: bool = False) -> Acts:
    """``shares``: how likely the kinds are by the matter alone."""
    strength: dict[str, float] = {f"usual:{kind}": share for kind, share in shares.items()}
    words: dict[str, list[Evidence]] = {}
    number = 0
    for said in talk.all:
        if said.by_agent and said.index == 0:
            continue
        if said.by_caller:
            number += 1
        for name, count, start, end in _counted(said.text, said.by_caller) if said.by_caller or said.by_agent else ():
            if name.startswith("calls:") and number > EARLY:
                name = "later:" + name[6:]
            strength[name] = strength.get(name, 0.0) + count
            if said.by_caller:
                words.setdefault(name, []).append(said.evidence(start, end))
        if said.by_caller and number <= EARLY and _DENIES.search(said.text):
            strength["denies"] = 1.0
            for name in ("calls:投诉", "calls:举报"):
                strength[name] = strength.get(name, 0.0) - 1.0
    strength = {
        name: value if name.startswith("usual:") else math.log2(1 + max(0.0, value)) for name, value in strength.items()
    }
    for kind in KINDS:
        for name in (f"calls:{kind}", f"later:{kind}"):
            if name in strength:
                strength[name] = min(1.0, strength[name])
    strength |= _manner(talk)
    strength["revisit"] = float(revisit)
    for kind, listed in talk.lexicon.cues.appeal_types.items():
        strength[f"words:{kind}"] = _share_of(talk, listed)
    strength["registers_nothing"] = float("registers" not in strength)
    privacy = privacy_of(talk)
    for name, wish in (("stays_nameless", privacy.anonymous), ("stays_unknown", privacy.confidential)):
        strength[name] = float(wish is not None and wish.wanted)
    return Acts(strength, {name: tuple(rows) for name, rows in words.items()})


def _manner(talk: Talk) -> dict[str, float]:
    caller = talk.caller
    if not caller:
        return {}
    questions = sum("？" in said.text for said in caller[1:])
    opens = caller[0].text + (caller[1].text if len(caller) > 1 and len(caller[0].text) < 12 else "")
    return {
        "questions": questions / max(1, len(caller) - 1),
        "opens_asking": float("？" in opens or "吗" in opens),
        "long": math.log2(1 + sum(len(said.text) for said in caller)) / 10,
    }


def _share_of(talk: Talk, listed: Sequence[str]) -> float:
    """How many of the listed words the caller says, early ones counting double."""
    found = 0.0
    for number, said in enumerate(talk.caller):
        found += (2.0 if number < EARLY else 1.0) * sum(word in said.text for word in listed)
    return math.log2(1 + found)


Weights = Mapping[str, Mapping[str, float]]
"""By kind, then by act; ``bias`` is what a kind has beforehand."""


@lru_cache(maxsize=1)
def packaged_weights() -> Weights:
    text = (resources.files("asr.lexicon") / "data" / FILE).read_text(encoding="utf-8")
    return {kind: {name: float(value) for name, value in row.items()} for kind, row in json.loads(text).items()}


def likely(acts: Acts, weights: Weights) -> dict[str, float]:
    """Shares of the kinds that add up to 1."""
    sums = {
        kind: row.get("bias", 0.0) + sum(row.get(name, 0.0) * value for name, value in acts.strength.items())
        for kind, row in weights.items()
    }
    top = max(sums.values())
    raised = {kind: math.exp(value - top) for kind, value in sums.items()}
    total = sum(raised.values())
    return {kind: value / total for kind, value in raised.items()}


def said_for(acts: Acts, kind: str, weights: Weights) -> tuple[Evidence, ...]:
    """The words that speak for ``kind`` the most."""
    row = weights[kind]
    worth = sorted(((row.get(name, 0.0) * acts.strength[name], name) for name in acts.words), key=lambda pair: -pair[0])
    return tuple(item for value, name in worth if value > 0 for item in acts.words[name][:2])[:4]
