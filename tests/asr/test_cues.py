"""What the urgency ear hears, what it lets pass, and how a talk raises, lowers and clears it."""

from __future__ import annotations

import pytest

from asr.cues import Action, Cue, hear
from asr.gist import EMERGENCIES
from asr.lexicon import Lexicon
from asr.lexicon.phrases import PhraseError, Phrases
from asr.lexicon.urgency import Urgency, UrgencyError, parse
from asr.transcript import Speaker, Turn


def cues(*texts: str, agent: bool = False, final: bool = True) -> tuple[Cue, ...]:
    turns = [
        Turn(
            seg=seg,
            rev=1,
            speaker=Speaker.AGENT if agent else Speaker.CALLER,
            text=text,
            start_s=float(seg),
            end_s=seg + 1.0,
            final=final,
        )
        for seg, text in enumerate(texts)
    ]
    return hear(turns, Lexicon.load(), Urgency.load())


def lines(*texts: str) -> list[str]:
    return [cue.target for cue in cues(*texts) if cue.action not in (Action.NOTIFY, Action.SOFT_ALERT)]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("110", "有人踹我家门，拿着棍子，说要打死我"),
        ("110", "我奶奶走丢了，痴呆，到现在没找着"),
        ("110", "刚才有人冒充公检法，我把五万块钱转过去了"),
        ("119", "厨房一股煤气味，头都晕了"),
        ("119", "老人困在电梯里了，快来人"),
        ("119", "有个孩子掉到化粪池里了"),
        ("120", "我爱人没有呼吸了，叫不醒"),
        ("120", "娃让果冻卡住嗓子了，脸憋得发紫"),
        ("120", "他把一整瓶安眠药都吃了"),
        ("122", "两辆车追尾了，把路都堵死了"),
        ("122", "他撞了人就跑了，往北去了"),
        ("110", "我被一辆面包车跟了好几条街了，他还在后头"),
        ("119", "柴房烧着了，火往正房那边窜"),
        ("119", "吊篮断了一根绳，人悬在半空下不来"),
        ("120", "她糖尿病，这会儿浑身冒汗，眼前发黑"),
        ("122", "高速上有头牛，好几个车急刹"),
        ("122", "有辆车逆行，差点撞上我，还在往前开"),
    ],
)
def test_an_event_that_is_happening_is_heard(target: str, text: str) -> None:
    assert target in lines(text)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("119", "楼下招火了快点来"),
        ("120", "我媳妇洋水破了快点"),
        ("122", "前面两辆车追维了"),
        ("110", "家里进小投了人还在"),
        ("12329", "公鸡金怎么提取"),
    ],
)
def test_words_a_recogniser_misheard_are_known_by_their_sound(target: str, text: str) -> None:
    assert target in lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "不是着火，就是冒点水汽",
        "没困人，电梯就是老坏",
        "去年我们厂着过火，赔偿到现在没下来",
        "楼道堆满了，万一着火咋跑",
        "气得我心脏病都要犯了",
        "抖音上说化工厂爆炸了，真的假的",
        "我要投诉救护车乱收费",
        "请问消防员今年啥时候招",
        "我爸把降压药落到公交车上了，能找回来吗",
        "你好，我问一下孩子刚生下来，户口本上咋添",
        "手上划了个小口，贴上创可贴伤口就不流血了",
        "我们四个人点了六十块钱的外卖",
        "姓谢，写出来是感谢的谢",
        "雨一大，墙上的皮一片一片往下掉，老人不敢住",
        "我打过110，他们让我打你们",
        "120来得太慢了，我要投诉",
        "消防通道让车堵了",
        "交通事故认定书我不服",
        "腮帮子里划了个小口子，漱漱口就不流血了，不用上医院",
    ],
)
def test_what_is_denied_past_supposed_figurative_asked_or_complained_of_is_let_pass(text: str) -> None:
    assert not set(lines(text)) & set(EMERGENCIES)


@pytest.mark.parametrize("number", ["110", "幺幺零", "一一九", "120", "幺二二"])
def test_a_bare_number_is_never_a_cue(number: str) -> None:
    assert cues(f"我刚才打{number}了") == ()


def test_what_sounds_like_an_event_is_believed_in_its_scene() -> None:
    assert lines("前头两辆车坠尾堵得死死的") == ["122"]
    assert lines("坠尾") == []


def test_a_cause_is_told_before_what_came_of_it() -> None:
    assert lines("电梯掉下去一层卡住了，里头老太太说胸口疼") == ["119", "120"]
    assert lines("面包车撞树上了，里头的人满脸是血")[:2] == ["122", "120"]


def test_somebody_elses_suicide_is_passed_on_while_ones_own_keeps_the_line() -> None:
    assert cues("桥上有个姑娘翻到栏杆外头去了，要跳河")[0].action is Action.TRANSFER_NOW
    assert cues("我站在楼顶上，不想活了")[0].action is Action.KEEP_LINE


def test_an_own_suicide_stands_however_quiet_the_words_around_it_are() -> None:
    assert cues("你好我跟你说个什么我不打算活了")[0].action is Action.KEEP_LINE
    assert cues("你好我跟你说个什么我不打赞活了")[0].action is Action.KEEP_LINE


def test_a_suicide_keeps_the_line_and_anger_is_only_a_soft_alert() -> None:
    found = cues("我不想活了，我在楼顶上站着呢")
    assert (found[0].target, found[0].action) == ("110", Action.KEEP_LINE)
    assert [cue.action for cue in cues("气得我真想从你们这楼上跳下去")] == [Action.SOFT_ALERT]


def test_a_later_word_takes_an_event_back_and_a_later_event_raises_another() -> None:
    assert "119" in lines("楼道着火了，全是烟")
    assert lines("楼道着火了，全是烟", "我说错了，不是着火，是水汽") == []
    assert "120" in lines("我想问一下电费怎么交", "哎呀我妈晕倒了叫不醒")


def talk(*texts: str) -> tuple[Cue, ...]:
    """The caller, and between his turns the operator."""
    spoken = [one for text in texts for one in ((Speaker.CALLER, text), (Speaker.AGENT, "好的，您继续说。"))]
    turns = [
        Turn(seg=seg, rev=1, speaker=who, text=text, start_s=float(seg), end_s=seg + 1.0, final=True)
        for seg, (who, text) in enumerate(spoken)
    ]
    return hear(turns, Lexicon.load(), Urgency.load())


ORDINARY = ("你好，我们村这条路不好走", "在山底村往北那一段", "村里人都走这儿")
MAYBE = "我爸七十九了，在坡上滑了一跤，膝盖蹭破了"


def test_what_might_be_danger_is_believed_in_the_first_turns_and_doubted_later() -> None:
    scores = {cue.target: cue.score for cue in cues(MAYBE)}
    later = {cue.target: cue.score for cue in talk(*ORDINARY, MAYBE)}
    at_once = {cue.target: cue.score for cue in cues(*ORDINARY, MAYBE)}
    assert scores["120"] - later.get("120", 0.0) > 0.3
    assert at_once["120"] > later.get("120", 0.0), "what was said in one breath is still the first turn"
    assert "122" in [cue.target for cue in talk(*ORDINARY, "撞车了")]


def test_after_a_complaint_of_the_past_even_plain_words_are_doubted() -> None:
    assert "122" not in lines("我要投诉事故科，上礼拜天的事", "撞车了")


def test_what_was_seen_to_before_the_call_is_no_emergency() -> None:
    hurt = "我在商场滑倒了，胳膊骨折了"
    assert "120" in lines(hurt)
    for told in ("缝了三针，商场不管", "石膏都拆了，商场不管", "住了二十天院，花了四万"):
        assert not set(EMERGENCIES) & {cue.target for cue in talk(hurt, told)}, told
    again = ("我爸出院一个礼拜了", "他从床上摔下来了，头上全是血，叫不醒")
    assert "120" in [cue.target for cue in talk(*again)]


def test_where_all_are_well_only_plain_words_are_believed() -> None:
    burning = ("我们楼道着火了", "人没事，火还在烧，三楼窗户往外冒")
    assert "119" in [cue.target for cue in talk(*burning)]
    crossed = ("村口的石桥塌了个窟窿", "没掉下去，我过的时候右边轮子蹭了一下", "拿砖头挡着呢")
    assert "122" not in [cue.target for cue in talk(*crossed)]


def test_sought_in_vain_is_still_missing() -> None:
    assert "110" in [cue.target for cue in talk("我爸走丢了，不知道该打哪个", "村里，我弟找遍了没有")]


def test_an_interruption_is_believed_at_once_whatever_was_asked_before() -> None:
    before = ("你好，我想问一下种地补贴的事", "在山底村，卡也没换过", "就我家没有")
    assert "119" in [cue.target for cue in talk(*before, "哎哎，坏了坏了！灶台着起来了！")]


@pytest.mark.parametrize("text", ["有事打我，别打家里的", "你打我手机就行"])
def test_to_be_called_is_not_to_be_hit(text: str) -> None:
    assert "110" not in lines(text)
    assert "110" in lines("他喝了酒正打我呢，快来人")


def test_partial_words_are_heard_and_the_operators_are_not() -> None:
    assert cues("我家着火了", final=False)
    assert cues("我马上给您转119，您家着火了是吗", agent=True) == ()


def test_danger_to_people_comes_before_the_crash_and_firms_are_told_as_well() -> None:
    found = lines("车翻到沟里了，我媳妇满头是血叫不醒")
    assert found.index("120") < found.index("122")
    assert "燃气企业" in [cue.target for cue in cues("煤气罐嘶嘶漏气，关不上") if cue.action is Action.NOTIFY]


def test_dizzy_is_not_unconscious_and_a_burnt_motor_hurts_nobody() -> None:
    assert lines("楼道里全是煤气味，呛得我头都晕了") == ["119"]
    assert "120" in lines("我妈突然晕了，叫不醒")
    assert lines("变压器跟前那眼井，电机烧了，快二十天了") == []


def test_what_is_told_of_a_standing_emergency_calls_for_no_other_line() -> None:
    said = ["着火了，三楼阳台冒火", "快点，门我开着了，在楼下等你们"]
    turns = [
        Turn(seg=n, rev=1, speaker=Speaker.CALLER, text=t, start_s=n, end_s=n + 1, final=True)
        for n, t in enumerate(said)
    ]
    found = [cue.target for cue in hear(turns, Lexicon.load(), Urgency.load())]
    assert found == ["119"]


def test_a_service_line_is_only_offered_and_not_for_a_place_named_after_it() -> None:
    [cue] = cues("个税汇算的退税一直没到账")
    assert (cue.target, cue.action) == ("12366", Action.OFFER)
    assert lines("税务局旁边那个路灯不亮") == []
    assert lines("公积金中心门口路挖了没人填") == []


def test_the_evidence_is_in_the_callers_own_words() -> None:
    text = "喂 你 好 我 家 着 火 了"
    [cue] = [cue for cue in cues(text) if cue.target == "119"]
    assert text[cue.start : cue.end] == cue.text
    assert "着 火" in cue.text


def test_a_phrase_knows_alternatives_gaps_and_what_is_forbidden() -> None:
    phrases = Phrases(["(困|卡)在…电梯", "抢(?!购)"])
    assert [text for text in ("卡在三楼电梯", "困在那个电梯", "抢购") if any(phrases.read(text))] == [
        "卡在三楼电梯",
        "困在那个电梯",
    ]
    assert [found.sounds for found in Phrases(["着火"]).heard("招货了")] == [2]
    assert not list(Phrases(["(?<!头)晕了"]).heard("头晕了")), "what must not stand before is seen, not heard"
    for broken in ("(a", "a)", "?"):
        with pytest.raises(PhraseError):
            Phrases([broken])


def test_a_file_that_is_wrong_says_where() -> None:
    with pytest.raises(UrgencyError) as caught:
        parse("{}")
    assert caught.value.entry == "file"
