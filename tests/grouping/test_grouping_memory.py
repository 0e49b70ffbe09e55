"""Where grouping puts documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from grouping.memory import Memory, title_of
from grouping.vectors import own_words, vectorise
from minsheng.records import Assessed, Document, PolicyLink, document_id, scores_of

START = datetime(2026, 3, 1, 8, tzinfo=UTC)

COMPLAINT = (
    "桂花苑小区旁边的沥青拌合站又开工了，从晚上十点轰鸣到凌晨四点，窗户关严了还是一股焦油味，"
    "老人孩子咳嗽了一个星期，打了两次热线都说在协调，请问到底什么时候能停？"
)
RETOLD = "投诉桂花苑旁边的沥青拌合站，半夜还在生产，噪音大，气味呛人，孩子睡不着觉，希望尽快停产整改。"
OTHER = "想咨询一下灵活就业人员今年的养老保险缴费基数是多少，在手机上可以直接缴吗？需要带什么材料去窗口？"


def assessed(
    text: str, *, title: str = "", minutes: float = 0, key: str | None = None, policy: str | None = None,
    parent: str | None = None, confidence: float = 0.95,
) -> Assessed:  # fmt: skip
    at = START + timedelta(minutes=minutes)
    document = Document(
        id=document_id("test", key or f"{title}{text}{minutes}"), source="test", kind="post", title=title, text=text,
        published_at=at, fetched_at=at, parent_id=parent,
    )  # fmt: skip
    links = (PolicyLink(policy_id=policy, reason="alias", confidence=confidence),) if policy else ()
    judgement = scores_of("neutral")
    return Assessed(
        document=document, sentiment=judgement, emotion=judgement, topic=judgement, request=judgement,
        policies=links, assessed_at=at,
    )  # fmt: skip


def memory(**bounds: int) -> Memory:
    return Memory(timedelta(days=30), **bounds)


def test_the_same_text_again_is_an_exact_duplicate_in_the_same_event() -> None:
    groups = memory()
    first = groups.place(assessed(COMPLAINT)).member
    again = groups.place(assessed(COMPLAINT + " ！", minutes=5)).member
    assert (again.kind, again.duplicate_group, again.event) == ("exact", first.document, first.event)


def test_a_repost_that_adds_nothing_is_a_duplicate_and_one_that_speaks_is_not() -> None:
    groups = memory()
    first = groups.place(assessed(COMPLAINT)).member
    silent = groups.place(assessed(f"转发微博 //@住户甲: {COMPLAINT}", minutes=3)).member
    assert silent.duplicate_group == first.document
    speaking = groups.place(
        assessed(f"我家也在那边，夜里根本没法开窗，谁来管管 //@住户甲: {COMPLAINT}", minutes=4, parent=first.document)
    ).member
    assert speaking.kind == "first"
    assert speaking.event == first.event


def test_a_press_copy_with_another_headline_and_byline_is_a_near_duplicate() -> None:
    body = (
        "云江省人力资源和社会保障厅今日通报，今年一季度全省城镇新增就业十二万三千人，完成年度目标的百分之二十六。"
        "其中高校毕业生就业四万一千人，就业困难人员就业八千六百人。下一步将继续实施稳岗返还和一次性扩岗补助，"
        "组织专场招聘三百余场，推动公共就业服务向基层延伸。"
    )
    groups = memory()
    first = groups.place(assessed(body, title="一季度全省新增就业超十二万人")).member
    copy = groups.place(
        assessed(f"本报讯（记者 江晓）{body}（责任编辑：文可）", title="我省就业开局良好 一季度新增逾12万", minutes=60)
    ).member
    assert (copy.kind, copy.duplicate_group) == ("near", first.document)


def test_the_same_matter_in_other_words_joins_the_event_and_another_matter_does_not() -> None:
    groups = memory()
    first = groups.place(assessed(COMPLAINT)).member
    retold = groups.place(assessed(RETOLD, minutes=600)).member
    other = groups.place(assessed(OTHER, minutes=700)).member
    assert (retold.kind, retold.event) == ("first", first.event)
    assert other.event != first.event


def test_an_event_is_not_joined_after_its_window() -> None:
    groups = memory()
    first = groups.place(assessed(COMPLAINT)).member
    late = groups.place(assessed(COMPLAINT, minutes=60 * 24 * 45)).member
    assert late.event != first.event


def test_different_policies_keep_alike_texts_apart_and_the_same_policy_brings_them_together() -> None:
    about = "这次的{}通知发下来以后窗口的人自己都说不清楚怎么办，跑了三趟还没办成"
    apart = memory()
    first = apart.place(assessed(about.format("公积金提取"), policy="housing-fund")).member
    second = apart.place(assessed("窗口的人说不清楚怎么报销，跑了三趟", policy="insurance", minutes=2)).member
    assert first.event != second.event
    together = memory()
    first = together.place(assessed("阶梯水价一涨，老人家一个月多交四十块，太离谱", policy="water")).member
    second = together.place(
        assessed("水费这个月被重复扣了两次，阶梯水价到底怎么算的", policy="water", minutes=9)
    ).member
    assert first.event == second.event


def test_an_ambiguous_link_counts_for_nothing() -> None:
    groups = memory()
    first = groups.place(
        assessed("阶梯水价一涨，老人家一个月多交四十块，太离谱", policy="water", confidence=0.4)
    ).member
    assert first.policies == ()


def test_a_document_that_comes_again_stays_where_it_is() -> None:
    groups = memory()
    document = assessed(COMPLAINT, key="native-1")
    first = groups.place(document)
    groups.place(assessed(RETOLD, minutes=1))
    again = groups.place(document)
    assert first.new and not again.new
    assert again.member == first.member._replace(vector=None, body="")
    assert groups.events[first.member.event].documents == 2


def test_odd_texts_are_placed() -> None:
    groups = memory()
    for index, text in enumerate(["", "  ", "👍👍👍", "\ud800", "好", "a" * 100_000, "，。！", "𠮷野家" * 50]):
        assert groups.place(assessed(text, minutes=index, key=str(index))).new
    assert vectorise("", "").bins.size == 0


def test_short_equal_texts_are_two_people() -> None:
    groups = memory()
    first = groups.place(assessed("支持！", key="1")).member
    second = groups.place(assessed("支持！", key="2")).member
    assert second.duplicate_group != first.duplicate_group


def test_what_is_remembered_is_bounded() -> None:
    groups = memory(max_texts=50, max_documents=80)
    for index in range(400):
        groups.place(assessed(f"第{index}号路口的红绿灯坏了{index * 7919}天没人修", key=str(index), minutes=index))
    assert len(groups._leader) <= 50
    assert len(groups._known) <= 80
    assert sum(event.kept for event in groups.events.values()) == len(groups._leader)


def test_an_event_goes_on_whose_only_text_is_forgotten_as_another_joins_it() -> None:
    groups = memory(max_texts=2)
    first = groups.place(assessed(COMPLAINT)).member
    groups.place(assessed(OTHER, minutes=1))
    joined = groups.place(assessed(RETOLD, minutes=2)).member
    assert joined.event == first.event
    event = groups.events[first.event]
    assert (event.documents, event.kept) == (2, 1)
    assert groups.place(assessed(RETOLD + "到现在还在生产", minutes=3)).member.event == first.event


def test_own_words() -> None:
    assert own_words("说得对//@甲:原来如此//@乙:起因") == "说得对"
    assert own_words("//@甲:原来如此").endswith("原来如此")
    assert own_words("求扩散！//@甲: 今晚八点停水") == own_words("//@甲: 今晚八点停水")
    assert own_words("转发了也没人管 //@甲: 今晚八点停水") == "转发了也没人管"
    assert own_words("[怒]@某某 看这里 https://example.org/a") == "看这里"


def test_an_event_is_named_by_title_or_first_sentence() -> None:
    assert title_of(assessed("今天又停水了。已经是这个月第三次，谁来解释一下？").document) == "今天又停水了"
    assert title_of(assessed("正文", title="关于停水的投诉").document) == "关于停水的投诉"
    assert title_of(assessed("//@用户:公积金能直接提取了 //沾沾喜气[心]").document) == "公积金能直接提取了"
    assert len(title_of(assessed("长" * 500).document)) == 60


def test_a_growing_event_is_named_after_its_most_typical_text() -> None:
    groups = memory()
    odd = groups.place(assessed("桂花苑拌合站又来了，笑死。", key="odd")).member
    texts = [
        "桂花苑旁边的沥青拌合站半夜还在生产，噪音大。",
        "投诉桂花苑旁边的沥青拌合站，半夜生产噪音大，气味呛人。",
        "桂花苑旁边沥青拌合站半夜生产，噪音和气味扰民，何时停产？",
    ]
    for number, text in enumerate(texts):
        assert groups.place(assessed(text, key=str(number), minutes=number + 1)).member.event == odd.event
    assert groups.events[odd.event].title.startswith(("桂花苑旁边", "投诉桂花苑旁边"))
