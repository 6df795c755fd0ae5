"""What part a name plays: who complains of it, what it does, who asked for it, or that it only says where."""

from __future__ import annotations

import re

from asr.prefill.reading import Said, Talk
from asr.prefill.trades import MATTERS, OFFICE, SITE, TRADES

_OWN_NAME = re.compile(
    r"(?:我|我们|咱们?|俺们?)(?:是|这儿是|家是|店叫|公司叫|开的是?|的?店是|单位是|原先在|以前在)[^，。]{0,5}$"
)
_OWES = re.compile(
    r"(?:欠[钱款账薪]|拖欠|收[钱费款]|违约|排污|施工|开发|物业|商家|店家|承包|供暖|单位|老板|对方"
    r"|甲方|总包|责任|开发商|机构|厂家|主管)[^，。]{0,4}(?:是|叫)$"
)
_COMPLAINS = re.compile(
    r"(?:投诉|举报|反映|表扬|夸|感谢|曝光|告|建议|(?:要|想)(?:说|讲)(?:一下|一说|说|的是|讲))(?:一下|一个|一家|的是|个|你们|咱们|他们|那个|这个"
    r"|这家|那家|一回)*[^，。？！]{0,6}$"
)
_ACTS = re.compile(
    r"^(?:的人|那边|那个|这个|那头|的|他们|那家|也|就|又|还|老|天天|每天|一直|都|根本|上礼拜|昨天"
    r"|前台|现在|嘛，|呢，|后来|当时){0,3}"
    r"(?:说|不给|不让|不管|不认|不退|让|收|卖|欠|叫|拖|来过|派|把|拉|排|推|答应|乱|多收|扣|要求"
    r"|关门|倒闭|跑路|施工|换|停|没来|嘛|呗|拒绝|骗|坑|违规|要钱|要我|要收|摆|占|态度|服务|这么"
    r"|怎么|开套餐|给)"
)
_ITS_PEOPLE = re.compile(
    r"^的?(?:一个|那个|有个|值班的?|个|前台|窗口)?[^，。]{0,3}(?:医生|大夫|护士|司机|老师|经理|老板|民警|人员|教练|会计|主任|客服|员工|保安|科长)"
)
_DEALS = re.compile(
    r"^[^，。]{0,3}(?:买|办|订|交|充|吃|修|做|学|报|摔|伤|存|租|干活|打工|拍|看病|住院|消费|下单|订|装的|贷|签)"
)
_CLEFT = re.compile(r"(?:找|请|用|报|办|买|订|定|租|签|装|修|雇|约|住|吃|上|学)的(?:就)?是$")
"""家里装修找的是 one."""
_DONE_BY = re.compile(r"(?:让|被|叫|给|由)$")
_MOVED = re.compile(r"^[^，。]{0,3}(?:给|把)")
WHERE_AFTER = re.compile(
    r"^(?:的|那个|那边)?(?:[东南西北正后侧]门|[大校]?门口|门[前外]|对面|对过|斜对|旁|隔壁"
    r"|后[头面院墙边身]|前[面头]|跟前|附近|楼[下上]|[一二三四五六]楼|路口|站|那[儿里块]"
    r"|往[东西南北]|到|大门|停车场|宿舍|家属|[东西南北][边头面侧口角]|上车|下车|出来|院里"
    r"|那一?[段片]|工作|上班|退休|的?家属)"
)
_WHERE_BEFORE = re.compile(
    r"(?:从|到|在|过了|路过|经过|挨着|靠着|离|往|出了|住|和|去|跟|还有|进|回|上|有个)(?:个|那个|了)?$"
)
_BESIDE = re.compile(
    r"(?:挨着|挨|靠着|路过|经过|离|过了|紧邻|对着|过去就?是|旁边就?是|边上就?是|对面就?是|到|走到)(?:那个|了)?$"
)
MISTAKEN = re.compile(r"^(?:不是|不|吧|吗|么|哇)?[？?]")
ASKS_WHOM = re.compile(
    r"哪一?家|什么店|哪个店|店名|叫什么|什么名字|名称|名字|厂名|哪个(?:饭店|商场|超市|公司|厂|医院"
    r"|学校|工地|单位|楼盘|物业|机构|派出所|部门|营业厅|驾校|开发商)|哪所|哪一?[个家](?!小区|村"
    r"|菜?市场|公园|广场|位置|地方|路|街|口|站|门|县|区|镇|乡|方向|时间|楼|单元|市|科|院子|字)|叫啥|哪一路|几路|谁家"
    r"|是谁|哪个牌子|哪一?位|什么公司|什么单位|欠款单位|哪里的|(?:哪[里儿]?|什么地方)(?:买|办|订|做|报|租|学|派|开|修|装|申请|投)的"
)


_REACHED = re.compile(r"(?:打|找|问|[交递报送](?:到|给)|申请是?在?)(?:过|了)?$")
BLAMED = re.compile(
    r"不(?![是好错知过光然了用少仅只一得太])[一-鿿]|没[人钱法用戏个拨给退]|让[^，。]{0,2}等|没办法|推|归|[让叫][我俺找]|自己|[钉封堵占锁断拆撵挖]|抽回"
    r"|等(?:着|通知|吧)|下文|扯皮|皮球|要[钱交]|交钱|质保|再[拆修办说]|不了了之|拖|另外|加价|天灾|升级|满了|没上|流程|说要|非要"
)
"""What somebody does whom one complains of."""
_TAKEN_UP = re.compile(
    r"[，。！？；](?:我?(?:去|打电话|问|找|跟)[^，。]{0,6}[，]?)?(?:可|但是?|结果|后来|现在|一问|倒好)*"
    r"(?:他们?|人家|他家|她|店[里家]|商家|厂[里家]|老板|前台|柜台|客服|那边|那头|对方|公司|学校|医院|矿上|院[里方]|机构|里头的人)"
    r"(?:的人|那边)?(?:又|也|就|还|都|只|老是?|光|倒|非|硬|根本|死活|一直|压根)*(?:不|没|说|让|推|拖|非|要|骗|扣|收|欠|拿|把|态度|嫌|关|跑)"
)
"""Spoken of in the next clause as they who refuse: ……，人家说概不退换."""
_ATTENDS = re.compile(r"(?:上|念|读|送到?)的?$")
_TELLS = re.compile(r"帮您|反映什么|什么问题|请讲|请说|您说|你说|您讲|什么情况|怎么回事|什么事|慢慢说")
_OF_FIRMS = ("0805", "1301", "1302", "1303")
"""Matters in which it is firms that call."""
_ASKS_DEBTOR = re.compile(r"欠(?:款|薪|钱|您|你)的?(?:是|单位|公司)|哪[家个](?:单位|部门|公司)(?:欠|拖|收|扣)")
_ASKS_OWN = re.compile(
    r"(?:您|你)(?:们)?(?:的)?(?:公司|单位|企业|店)[^，。？]{0,6}(?:叫|名)|(?:公司|企业)(?:叫什么|名称)[^。？]{0,6}您的?(?:姓名|贵姓)"
)
_ASKS_CALLER = re.compile(r"您?贵[姓性信幸兴]|怎么称呼")
"""What sounds like a firm is then likelier the caller's own name."""
_MATTER_OF = re.compile(r"(?:(?:反映|投诉|举报)的?[^，。答回]{0,12}|查到了，[^，。答回]{0,6})$")
"""The operator tells of an earlier call about whom."""
_FORMER = re.compile(r"(?:先前|以前|原先|原来|之前|早先|过去|从前)[^，。]{0,3}(?:叫|是|归)$")
_OWN = re.compile(
    r"(?:我们?|咱们?|俺们?)(?:家|这儿?|这边)?(?:就)?(?:是|开|做|经营)(?:了|着)?(?:个|一?家|一?间"
    r"|做)?[^，。？]{0,8}(?:店|行|超市|公司|企业|饭店|馆|厂|商户|门市|的|吧)(?=[，。]|$)"
)


def owns(talk: Talk) -> int:
    """The turn in which the caller speaks of an own business; -1 if none."""
    for said in talk.caller[:3]:
        if _OWN.search(said.text) and re.search(r"(?:我们|咱们?|俺们).{0,4}(?:是|做|开)|我(?:是)?开", said.text):
            return said.index
    return -1


def spelt_out(after: str, name: str) -> bool:
    """丰登，丰收的丰: only names are spelled."""
    return any(match.group("char") in name for match in _SPELLING.finditer(after[:40]))


_SPELLING = re.compile(r"[一-鿿]{1,4}[的那](?:个)?(?P<char>[一-鿿])(?=[，。、]|那个|$)")


def sent_there(text: str, name: str) -> bool:
    """你们转到住建局: an office this very line sent it to is not complained of, though it sent it back."""
    return re.search(rf"你们[^，。！？]{{0,4}}[转派交][到给了]+{re.escape(name)}", text) is not None


def fits_code(name: str, code: str) -> bool:
    """Such as this one are answerable for such a matter."""
    return any(word.search(name) is not None and code.startswith(codes) for word, codes in MATTERS)


def part_of(talk: Talk, said: Said, start: int, end: int, code: str, own: int) -> float:
    """What the sentence, the question before and the answer after say for or against the name."""
    text, name = said.text, said.text[start:end]
    before, after = text[max(0, start - 14) : start], text[end : end + 12]
    sentence = re.split(r"[。！？]", before)[-1]
    clause = re.split(r"[，。！？]", before)[-1]
    site = SITE.search(name) is not None
    office = OFFICE.search(name) is not None
    weight = -0.5 * sent_there(text, name)
    complains = _COMPLAINS.search(sentence) is not None
    debtor = start < 24 and (own < 0 or site or office) and _ASKS_DEBTOR.search(said.asked) is not None
    owes = _OWES.search(clause) is not None or debtor
    weight += 0.6 * complains + 0.7 * owes + 0.3 * (complains and after.startswith(("的事", "这个事")))
    acts = _ACTS.match(after) is not None
    weight += 0.35 * (acts or _ITS_PEOPLE.match(after) is not None)
    dealt = _DEALS.match(after) is not None and re.search(r"[在从到去上跟找]", clause) is not None
    weight += 0.35 * (dealt or _CLEFT.search(clause) is not None)
    weight += 0.35 * (_ATTENDS.search(clause) is not None and site and fits_code(name, code))
    weight += 0.5 * (_DONE_BY.search(clause) is not None and _MOVED.match(after) is not None)
    weight += 0.2 * (office and (_REACHED.search(clause) is not None or after.startswith("电话")))
    asked = ASKS_WHOM.search(said.asked) is not None
    weight += (0.45 if start < 24 else 0.15) * asked
    weight += _echo(talk, said, name)
    fits = fits_code(name, code)
    weight += 0.3 * (
        acts and (site or office) and BLAMED.search(re.split(r"[。！？]", text[end : end + 40])[0]) is not None
    )
    weight += 0.55 * fits if fits else 0.3 * (not site and not office and code.startswith(TRADES))
    weight += 0.3 * _asked_after(talk, name) + 0.25 * spelt_out(text[end:], name)
    weight += 0.15 * (site and any(hit.start == start for hit in said.reading.places))
    weight += 0.1 * (said.index <= 3) - 0.01 * said.index
    weight += 0.4 * (said.by_agent and _MATTER_OF.search(text[max(0, start - 40) : start]) is not None)
    opens = re.fullmatch(r"(?:就是|就|是|那个|嗯|呃|哦|，)*", text[:start]) is not None
    weight += 0.2 * (opens and fits and _TELLS.search(said.asked) is not None)
    if not office and code.startswith(_OF_FIRMS) and not complains and not owes:
        weight -= 0.6
    if _ASKS_OWN.search(said.asked):
        weight -= 0.8
    if said.by_caller and _ASKS_CALLER.search(said.asked) and not (complains or owes or office):
        weight -= 0.5
    where = WHERE_AFTER.match(after) is not None
    taken_up = _TAKEN_UP.search(text[end : end + 50]) is not None and not where
    weight += 0.35 * taken_up
    if where:
        weight -= 0.9 if site or re.match("的?(?:家属|宿舍|隔壁|对面|对过|斜对|旁)", after) else 0.35
    if _BESIDE.search(clause):
        weight -= 0.7
    if _WHERE_BEFORE.search(clause) and (site or office):
        weight -= 0.1 if fits and not where else 0.3
    if site and not (fits or complains or owes or asked or acts):
        weight -= 0.3
    if _OWN_NAME.search(clause) or (
        own >= 0 and own <= said.index <= own + 2 and not (owes or complains or office or (site and fits))
    ):
        weight -= 2.0
    return weight + _by_wording(clause, before, after)


def _by_wording(clause: str, before: str, after: str) -> float:
    """What it was, is called now, or is no longer, whoever it is."""
    weight = 0.0
    if _FORMER.search(clause):
        weight -= 1.2
    if re.search(r"(?:换成?了?|改成|改名叫?|改叫|现在叫|现在是)$", clause):
        weight += 0.4
    if re.search(r"(?:隔壁|旁边|对面|别的|人家)[^，。]{0,3}$", clause):
        weight -= 0.4
    if MISTAKEN.match(after) or (re.search(r"^[^，。]{0,2}(?:是|你好，是)[^，。]{0,2}$", before) and "？" in after[:3]):
        weight -= 2.0
    if re.search(r"(?:原先|以前|原来|早先|曾经|退休|上班|打工)[^，。]{0,4}$", clause) or re.match(
        r"退休|上班|干活|打工|工作", after
    ):
        weight -= 0.8
    return weight


_ASKED_AFTER = re.compile(
    r"(?P<party>医院|学校|驾校|商家|店家|店里|商场|厂里|厂家|单位|企业|公司|物业|煤?矿|酒店|机构"
    r"|馆里|派出所|村里|镇里|开发商|银行|老板|对方|营业厅)(?:那边|方面)?(?:是|现在|当时"
    r"|给您)?(?:怎么|有没有|什么意[见思]|没有说|答复|给过|采取|的答复|是什么|承认|态度|认|给的)"
)
_PARTIES = {
    "医院": r"院|诊所",
    "学校": r"学|校|园$",
    "驾校": r"驾校",
    "物业": r"物业",
    "派出所": r"派出所",
    "煤矿": r"矿|煤",
    "矿": r"矿|煤",
    "酒店": r"酒店|宾馆|民宿|小院|客栈|山庄",
    "村里": r"村委",
    "镇里": r"政府",
    "营业厅": r"营业厅",
    "银行": r"银行|信用社",
}


def _asked_after(talk: Talk, name: str) -> bool:
    """The operator asks what the other side says: 商家怎么说的？"""
    return any(
        re.search(_PARTIES.get(match.group("party"), "."), name) is not None
        for said in talk.agent
        for match in _ASKED_AFTER.finditer(said.text)
    )


def _echo(talk: Talk, said: Said, name: str) -> float:
    """The operator says it back; what only is passed on to does not count."""
    worth = 0.0
    for other in talk.after(said):
        if not other.by_agent or name not in other.text:
            continue
        at = other.text.find(name)
        lead = other.text[max(0, at - 8) : at]
        if re.search(r"(?:转|请|通知|联系|派|督促|协调|打过|拨打)[^，。]{0,4}$", lead) and not talk.agreed(other):
            worth = max(worth, 0.05)
        else:
            worth = max(worth, 0.35 if at == 0 or other.text[at - 1] in "，。、的" else 0.25)
    if any(name in other.text for other in talk.agent if other.index < said.index):
        worth = max(worth, 0.15)
    return worth
