"""Of all the times in a talk the one that is the matter's, as a ticket writes it."""

from __future__ import annotations

import pytest

from asr.prefill.heard_times import put_right
from asr.prefill.timewords import time_words
from tests.asr.talks import understood, value, words

WHEN = "是什么时候的事？"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("二零二三年六月签的", ["2023年6月"]),
        ("去年年底交的定金", ["去年年底"]),
        ("大前年腊月就说要修", ["大前年腊月"]),
        ("正月十六那天停的", ["正月16"]),
        ("五一放假期间", ["五一期间"]),
        ("重阳节以后就关了", ["重阳后"]),
        ("每周一三五收一次", ["每周一三五"]),
        ("半个来月了", ["约半个月"]),
        ("等了八来天了", ["约八天"]),
        ("过完五一就没来", ["五一后"]),
        ("大上个礼拜二", ["上上周二"]),
        ("入了冬就不热", ["入冬"]),
        ("前儿个送的", ["前天"]),
        ("大门跟前儿堆着", []),
        ("二一年交的房", ["2021年"]),
        ("停了三天三夜了", ["三天三夜"]),
        ("十几天了", ["十几天"]),
        ("每个月十号发", ["每月10日"]),
        ("周二、周四来", ["周二、周四"]),
        ("教师节前几天", ["教师节前"]),
        ("过了年我们搬的", ["春节后"]),
        ("搁那儿俩月没动", ["两个月"]),
        ("十来分钟以前", ["十来分钟前"]),
        ("这个月初六号线才通", ["本月初"]),
        ("五一路十六号院", []),
        ("说了三点意见", []),
        ("再来一点儿", []),
        ("一个半月了", ["一个半月"]),
        ("十一二点", ["十一二点"]),
        ("半个钟头以前", ["半个小时前"]),
        ("入伏装的", ["入伏"]),
        ("昨个后晌去的", ["昨天", "下午"]),
        ("夜隔儿刮倒的", ["昨天"]),
        ("前个月的账", []),
        ("零九年买的", ["2009年"]),
        ("二三年冬天报的", ["2023年冬天"]),
        ("一到礼拜六礼拜天就排", ["每周六周日"]),
        ("九月一号报到那天", ["9月1日"]),
        ("个把月了吧", ["约一个月"]),
        ("仨星期了快", ["三周"]),
        ("两三个月总有了", ["两三个月"]),
        ("十好几天了", ["十好几天"]),
        ("一个来礼拜了", ["约一周"]),
        ("一天没耽误", []),
        ("一个月没水了", ["一个月"]),
        ("七八月份", ["7-8月"]),
        ("初八贴的条", ["初八"]),
        ("孩子上初三", []),
        ("吃罢晌午饭走的", ["中午"]),
        ("一过中秋就没影了", ["中秋后"]),
    ],
)
def test_a_word_of_time_as_a_ticket_writes_it(said: str, written: list[str]) -> None:
    assert [word.day.text if word.day is not None else word.value for word in time_words(said)] == written


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("从三月份到现在一直没发工资。", "自3月至今"),
        ("路灯从上礼拜一就不亮了。", "自上周一起"),
        ("打去年入冬到现在暖气就没热过。", "自去年入冬至今"),
        ("今天早上八点到现在还没来水。", "自当日8:00至今"),
        ("七号那天停的水，到今天还没来。", "7日至今"),
        ("上个月十五号到这个月三号停了半个多月，投诉物业。", "上月15日至本月3日"),
        ("从去年四月干到今年二月，工钱没给。", "去年4月至今年2月"),
        ("十一月底到十二月初拉的货，运费没给。", "11月底至12月初"),
        ("暖气从一供暖就不热。", "自供暖起"),
        ("路灯一年零三个月没修了。", "已1年三个月"),
        ("昨天晚上打混凝土打到两点。", "昨晚至2:00"),
        ("昨晚吵到一点半。", "昨晚至1:30"),
    ],
)
def test_since_when_and_from_when_to_when(said: str, when: str) -> None:
    assert value("occur_time", "我要投诉。" + said) == when


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("广场舞每天早上五点半到六点半，晚上七点到九点，吵死了。", "每天5:30-6:30、19:00-21:00"),
        ("夜里十一点一直干到早上五点，天天如此。", "每天23:00-次日5:00"),
        ("晚上九点就开始放，放到十一点多，天天这样。", "每天21:00-23:00"),
        ("烧烤摊天天闹到后半夜两三点。", "每天至凌晨2-3时"),
        ("晚上十二点到三点，每天都打桩。", "每天0:00-3:00"),
        ("六点出摊，九点收。", "每天6:00-9:00"),
        ("下午四点半到五点半，冬天提前到四点。", "每天16:30-17:30"),
        ("每天下班那会儿，五点半六点多。", "每天5:30-6:00"),
        ("连着四个晚上都这样，昨天到凌晨两点。", "连续四晚，至凌晨2:00"),
        ("连续三天晚上有人烧塑料。", "连续三天晚上"),
    ],
)
def test_how_often_and_from_which_hour_to_which(said: str, when: str) -> None:
    assert value("occur_time", "我投诉扰民。", "一般什么时候？", said) == when


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("上礼拜一……礼拜一我还在上班呢，是礼拜二，礼拜二上午去的。", "上周二上午"),
        ("六月三号交的钱，等等我看看，不是三号，十三号。", "6月13日"),
        ("五点多吧，刚看的监控……五点二十，五点二十出的门，早上。", "5:20"),
        ("昨天……不是昨天，昨天我休息，前天，前天下午四点多。", "前天16时许"),
        ("九月一号——啊不，九月十一号那天晚上八点。", "9月11日20:00"),
        ("四月还是五月来着，五月，五月底。", "5月底"),
        ("今天是几号？十九，那就是十六号。", "16日"),
        ("今早，不，昨儿个傍黑。", "昨天傍晚"),
        ("四点十分的样子。", "当日16:10"),
    ],
)
def test_what_was_taken_back_is_not_when_it_was(said: str, when: str) -> None:
    assert (value("occur_time", "我投诉个事。", WHEN, said) or "").endswith(when)


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("就上个月，八号那天转的钱。", "上月8日"),
        ("上上礼拜的事了，礼拜六。", "上上周六"),
        ("傍黑儿就开始，闹到十点来钟。", "傍晚至22时许"),
        ("中午十一点到一点。", "11:00-13:00"),
        ("上个礼拜天上课那天，具体是十六号。", "16日（上周日）"),
        ("晚上八点以后，一直到十一二点。", "20:00-23-24时"),
    ],
)
def test_what_was_said_before_holds_for_what_comes_next(said: str, when: str) -> None:
    assert (value("occur_time", "我投诉个事。", WHEN, said) or "").removeprefix("每天") == when


def test_how_long_it_lasts_and_since_when_belong_together() -> None:
    lines = ("欠我工钱。", "欠多久了？", "去年腊月干完的活儿，这都小一年了。")
    assert value("occur_time", *lines) == "自去年腊月起，已近一年"


def test_the_part_of_the_day_may_be_the_operators() -> None:
    lines = ("楼下太吵。", "一般晚上几点到几点？", "十点到一点吧。")
    assert value("occur_time", *lines) == "每天22:00-次日1:00"


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("我中午在东街那个面馆吃面，吃出个钢丝球丝来。", "当日中午"),
        ("我刚从政务大厅出来，窗口那人态度太差了。", "刚刚"),
        ("上个月我交的物业费，这个月又来收，说没交。", "上月"),
    ],
)
def test_what_the_caller_opens_with_is_when_it_was(said: str, when: str) -> None:
    assert value("occur_time", said) == when


def test_how_long_somebody_knocked_is_not_how_long_it_lasts() -> None:
    assert value("occur_time", "楼上漏水，我敲了半天没人应。") is None
    assert value("occur_time", "楼上漏水，停了半天了。") == "已半天"


def test_what_somebody_got_up_to_is_of_this_morning() -> None:
    assert value("occur_time", "小区停水没通知，早上起来一滴水没有。") == "当日早上"


def test_the_last_time_that_all_was_well_is_not_when_it_was() -> None:
    lines = ("车让人划了。昨天夜里停那儿还好好的，今早起来看就有一道子。",)
    assert value("occur_time", *lines) == "当日早上"


def test_paid_back_is_not_still_so_and_goods_have_dates_of_their_own() -> None:
    assert value("occur_time", "抵押没撤。", "贷款哪天还清的？", "九月三十号还完的，银行说十五天出手续。") == "9月30日"
    assert value("occur_time", "店家卖过期面包，生产日期是九月一号，我十月二十买的。") == "10月20日"


def test_what_was_promised_for_a_day_gone_by_is_overdue_since() -> None:
    assert value("occur_time", "房子说好去年十月交，楼还没封顶，投诉开发商。") == "去年10月至今"


def test_the_day_and_the_hour_may_come_one_after_the_other() -> None:
    lines = ("昨天晚上坐的出租车，绕路。", "大概几点上的车？", "十点四十吧。")
    assert value("occur_time", *lines) == "昨晚22:40"


def test_an_hour_of_what_has_just_been_is_of_today() -> None:
    assert value("occur_time", "我爸走丢了。", "什么时候不见的？", "早上七点多，在公园门口。") == "当日7时许"


def test_what_the_operator_asked_whether_it_was_so_counts() -> None:
    assert value("occur_time", "楼上漏水，淹了我家。", "是昨天夜里漏的吗？", "对，墙都泡了。") == "昨晚"


@pytest.mark.parametrize(
    "lines",
    [
        ("我提个建议，末班车能不能推到九点半，礼拜一到礼拜五就行。",),
        ("路灯不亮。", "什么时间联系您方便？", "中午十二点到一点靠得住。"),
        ("路灯不亮。", "您有什么要求？", "三天之内给我修好。"),
        ("你们几点下班？我下午三点半能过去不？",),
        ("工地吵。", "您方便什么时候接电话？", "晚上八点以后吧，白天我在车间。"),
        ("垃圾没人清，门上写着早六点到晚十点。",),
        ("路灯不亮。", "好的，给您登记了。", "我让我老公礼拜天过去，下礼拜一再打。"),
        ("周末办不办身份证？", "周六上午办公。", "行，那我周六上午十点去。"),
        ("我想咨询一下，下个月孩子要上学，户口怎么迁？",),
    ],
)
def test_wishes_rules_and_plans_are_not_when_it_was(lines: tuple[str, ...]) -> None:
    assert value("occur_time", *lines) is None


def test_who_calls_again_and_names_no_other_time_reported_it_first_then() -> None:
    lines = ("垃圾池还是没挪。", "您第几次反映了？", "第三次，头一回五月六号打的，加上今天三回。")
    assert value("occur_time", *lines) == "自5月6日首次反映至今"


def test_who_names_nothing_but_his_earlier_ticket_reported_it_on_its_day() -> None:
    lines = ("我那个单子根本没人来就办结了。", "请报一下工单编号。", "ZA，二零二五，零六幺二，零一三三。")
    assert value("occur_time", *lines) == "自6月12日首次反映至今"


def test_a_question_with_a_grievance_behind_it_has_its_time() -> None:
    lines = ("我替我爸问个事，补贴咋停了。", "从什么时候停的？", "七月份就没来。")
    assert value("occur_time", *lines) == "自7月起"


def test_what_is_called_the_time_of_the_matter_is_it() -> None:
    lines = ("我想问问工伤咋办？", "是刚刚受的伤吗？", "不是刚才，上个月二十六号的事儿。")
    assert value("occur_time", *lines) == "上月26日"


def test_what_is_told_after_the_question_of_time_is_likely_of_something_else() -> None:
    lines = ("楼道灯不亮。", "从什么时候开始的？", "有阵子了。", "您经常走那里？", "天天走，昨儿摔了一跤。")
    assert value("occur_time", *lines) is None


def test_of_several_steps_it_is_since_the_one_after_which_nothing_came() -> None:
    lines = ("补贴没发。", "什么时候申请的？", "四月申请的，六月初审核也过了，后来就没下文了。")
    assert value("occur_time", *lines) == "自6月初至今"


def test_what_the_operator_told_first_is_not_said_back() -> None:
    lines = ("想给娃办证。", "大厅周六上午也开，九点到十一点。", "周六也开？那我周六去。")
    assert value("occur_time", *lines) is None


def test_hours_a_house_keeps_are_not_when_it_was() -> None:
    assert value("occur_time", "我提个建议，游泳馆晚上七点就闭馆，能不能开到九点？") is None


def test_who_stands_there_now_speaks_of_now() -> None:
    assert value("occur_time", "我这会儿就在大厅窗口，二号就交了材料，还不给办。") == "当前"


def test_evidence_is_the_words_that_stand() -> None:
    lines = ("我投诉个事。", WHEN, "十月二号……不是，十月四号下午。")
    found = understood(*lines)["occur_time"]
    assert words(found, *lines) == ["十月四号", "下午"]
    assert found.confidence >= 0.75


def test_how_long_the_caller_has_lived_somewhere_is_not_how_long_it_lasts() -> None:
    assert value("occur_time", "我在这个小区住了十一年了，楼道从来没人扫。") is None


def test_when_somebody_was_born_is_not_when_it_was() -> None:
    assert value("occur_time", "我问一下小学报名，孩子是九月五号生的，今年能上一年级不？") is None


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        (("末班车太早。", "您建议改到几点？", "最好九点。"), None),
        (("我老婆要生了！", "孕妇多少周了？", "三十八周，头一个。"), None),
        (("孩子初一新生，九月一号报到那天让买校服。",), "9月1日"),
        (("夜里有味儿。", "什么时候开始的？", "从八月份开始的，八月以前没闻着过。"), "自8月起"),
    ],
)
def test_what_is_proposed_how_far_gone_and_which_form_are_no_time(lines: tuple[str, ...], when: str | None) -> None:
    assert value("occur_time", *lines) == when


@pytest.mark.parametrize(
    ("asked", "said", "time"),
    [
        ("什么时候的事？", "就做天晚上休点，酒点半吧。", "昨晚21:30"),
        ("您在哪一站下的车，大概几点？", "左二个下午，4点来中。", "昨天16时许"),
        ("是哪天的事情？", "这里拜二上午。", "本周二上午"),
        ("多长时间了？", "断了三天冷，没人管。", "已三天"),
        ("多长时间了？", "得有二十分钟勒。", "已20分钟"),
        ("一般市集点到集点？", "晚上11点半到0程3点。", "23:30-次日3:00"),
        ("从什么时候停的？", "8夜底老师就走了，等到现在。", "8月底至今"),
        ("什么时候的事？", "新天中午点的外卖。", "当日中午"),
        ("一般几点到几点？", "每天晚上6.到8.半。", "18:00-20:30"),
        ("一般几点到几点？", "早上5.8到8.，天天这样。", "5:30-8:00"),
        ("一般施工到几点？", "昨天到0全3点，吵得睡不着。", "凌晨3"),
        ("多长时间了？", "得有一个来越能，没人管。", "一个月"),
        ("多长时间了？", "泵烧了，有时来天轮，没人管。", "约10天"),
        ("几点出去的？", "6.10分，6.10分从东门出去的。", "6:10"),
    ],
)
def test_words_of_time_are_known_by_their_sound(asked: str, said: str, time: str) -> None:
    found = value("occur_time", "我反映一个事，你们管不管。", asked, said) or ""
    assert time in found


@pytest.mark.parametrize(
    "said",
    [
        "做点小生意，起来就干活。",
        "甜甜的，日子美天天乐。",
        "他业务半页都不看。",
        "坐二路车来的。",
        "新天地门口停不下。",
        "有时来有时不来。",
    ],
)
def test_other_words_of_such_a_sound_are_no_time(said: str) -> None:
    assert put_right(said) == said


@pytest.mark.parametrize(
    "lines",
    [
        ("她生活困难，高血压药都断了三天了，没人管。", "好的，您慢慢讲。"),
        ("问一下户口怎么上。", "需要回电吗？", "不用，我礼拜一直接去派出所。"),
        ("问一下津贴怎么领。", "在哪里上班？", "在市里上班，礼拜天才能回去。"),
        ("我老婆要生了。", "在哪里？", "五号楼，不对，15号，第二单元。"),
    ],
)
def test_what_ran_out_what_is_to_come_and_a_house_are_no_time(lines: tuple[str, ...]) -> None:
    assert value("occur_time", *lines) is None
