"""Sixty short documents of an invented place, written for tests: what they hold is known to the letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from minsheng.records import (
    Assessed,
    Document,
    Duplicate,
    Engagement,
    EventRef,
    Grouped,
    Kind,
    PolicyLink,
    document_id,
    scores_of,
)

START = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)
"""The first document's time; each later one is seven hours younger, so the sixty reach from October into November."""

STEP = timedelta(hours=7)

# Title, text. The place in the list is the native id.
TEXTS: list[tuple[str, str]] = [
    ("关于调整门诊医保报销比例的通知", "云岭市医保局印发云医保发〔2026〕12号文件，门诊报销比例提高到百分之七十。"),
    ("", "医保报销太慢了，等了三个月还没到账，打电话也没人接。"),
    ("", "今天去医院，医保，报销窗口排队两小时。"),
    ("", "感谢医保局，报销很快就到账了👍"),
    ("门诊报销政策问答", "问：异地就医怎么备案？答：可在手机上办理，云医保发[2026]12号第三条有规定。"),
    ("", "A市的医保能在B市用吗？求解答"),
    ("", "税收优惠到底什么时候落实，小微企业撑不住了"),
    ("关于支持小微企业发展的若干措施", "云岭府办发（2026）8号：对小微企业减半征收所得税。"),
    ("", "交税的时候积极，退税的时候没影了[微笑]"),
    ("", "难！开店半年，房租水电税，样样涨"),
    ("公积金贷款额度上调", "双缴存职工家庭最高可贷一百万元。"),
    ("", "公积金 提取 材料太多，跑了四趟"),
    ("", "请问公积金异地贷款的条件是什么"),
    ("", "住房公积金管理中心的工作人员态度很好，点赞👍👍"),
    ("云岭市义务教育阶段招生工作方案", "坚持免试就近入学，划片结果六月公布。"),
    ("", "学区又改了？孩子明年上学怎么办，愤怒😡"),
    ("", "课后服务收费每月三百元，是自愿还是强制？"),
    ("", "建议学校食堂公开招标，家长委员会参与监督"),
    ("双减之后", "作业少了，孩子睡得早了，支持双减。"),
    ("", "双减减了个寂寞，培训班改头换面叫“托管”"),
    ("居民供暖价格听证会公告", "供暖价格拟由每平方米24元调整为27.5元，现公开征求意见。"),
    ("", "暖气涨价不热，家里才15度，投诉无门"),
    ("", "供暖 价格 听证 我参加了，大家都反对"),
    ("", "暖气终于热了，师傅辛苦"),
    ("", "3号楼一单元暖气不热，32号楼也不热"),
    ("公交票价优惠规定", "六十五岁以上老人免费乘坐公交。"),
    ("", "102路公交半小时一班，上班天天迟到"),
    ("", "公交卡在地铁上不能用，希望一卡通"),
    ("", "地铁3号线什么时候开通"),
    ("", "新开的公交线路方便了，谢谢"),
    ("关于烟花爆竹禁放区域的通告", "主城区全域禁放，违者依法处理。"),
    ("", "过年不让放烟花，年味都没了"),
    ("", "支持禁放烟花，空气好多了"),
    ("", "昨晚又有人放炮，打12345没有回应"),
    ("", "12345热线回访很及时，问题解决了"),
    ("云岭市人才引进办法", "博士安家补贴三十万元，硕士十万元。"),
    ("", "人才补贴申请了一年没有发，Talent policy is a joke"),
    ("", "有黑中介冒充人才办收费代办，大家小心"),
    ("", "请问本科生有没有租房补贴"),
    ("", "The new TALENT policy looks good，希望落实"),
    ("老旧小区改造计划公示", "今年改造小区四十二个，加装电梯一百部。"),
    ("", "加装电梯一楼不同意，社区能不能调解"),
    ("", "小区改造挖断了水管，停水两天"),
    ("", "老旧小区改造后焕然一新😊"),
    ("", "停车费涨到一小时八块，抢钱吗"),
    ("道路停车收费标准", "首小时4元，其后每小时2元，新能源汽车减半。"),
    ("", "停车收费员不给发票，金额￥20"),
    ("污水处理厂扩建环评公示", "扩建规模为每日5万吨，公示期10个工作日。"),
    ("", "河水发黑发臭，举报过三次，环保局说在查"),
    ("", "夜里化工厂偷排，𠮷祥村的人都闻到了"),
    ("", "环境比前几年好多了，河里有鱼了"),
    ("拆迁补偿安置方案", "补偿标准按面积计算，可选货币或房屋。"),
    ("", "拆迁补偿不公开，强拆！强拆！"),
    ("", "村里征地款到账了，干部一户一户讲政策"),
    ("", "征地 补偿 标准 在哪里能查到"),
    ("食品安全专项检查结果", "抽检1200批次，合格率百分之九十八。"),
    ("", "外卖吃出虫子，商家不理，求曝光！！！"),
    ("", "幼儿园食堂的菜是臭的，家长们都在群里说"),
    ("", "二〇二六年的检查只是走过场"),
    ("", "转发：门诊医保报销比例提高到百分之七十"),
]

_SENTIMENTS = {"👍": "positive", "谢": "positive", "支持": "positive", "好": "positive", "热了": "positive"}
_POLICIES = {
    "医保": "outpatient",
    "报销": "outpatient",
    "公积金": "housing-fund",
    "双减": "after-school",
    "供暖": "heating",
    "暖气": "heating",
    "人才": "talent",
    "小微": "relief",
}


def grouped(
    number: int,
    text: str = "",
    *,
    title: str = "",
    at: datetime = START,
    source: str = "forum",
    kind: Kind = "post",
    sentiment: str = "negative",
    topic: str = "社会",
    request: str = "complaint",
    stance: str | None = None,
    policies: tuple[str, ...] = (),
    event: str = "event-0",
    region: str | None = None,
    revision: int = 1,
    opinion: int = 1,
    **more: Any,
) -> Grouped:
    """A record as it comes out of grouping."""
    document = Document(
        id=document_id(source, str(number)),
        source=source,
        kind=kind,
        published_at=at,
        fetched_at=at + timedelta(minutes=1),
        title=title,
        text=text,
        native_id=str(number),
        region=region,
        revision=revision,
        author_key="0f3a",
        engagement=Engagement(likes=number),
        **more,
    )
    return Grouped(
        assessed=Assessed(
            document=document,
            sentiment=scores_of(sentiment, {"neutral": 0.1} if sentiment != "neutral" else {}),
            emotion=scores_of("neutral"),
            topic=scores_of(topic),
            request=scores_of(request),
            stance=scores_of(stance) if stance else None,
            policies=tuple(PolicyLink(policy_id=policy, reason="alias", confidence=0.8) for policy in policies),
            models={"sentiment": "test"},
            opinion=opinion,
            assessed_at=at + timedelta(minutes=2),
        ),
        duplicate=Duplicate(group=document.id),
        event=EventRef(id=event),
    )


def corpus() -> list[Grouped]:
    """The sixty documents, oldest first."""
    return [_record(number, title, text) for number, (title, text) in enumerate(TEXTS)]


def _record(number: int, title: str, text: str) -> Grouped:
    whole = title + text
    return grouped(
        number,
        text,
        title=title,
        at=START + number * STEP,
        source="gov" if title else "forum",
        kind="news" if title else ("post", "message", "reply")[number % 3],  # type: ignore[arg-type]
        sentiment=next((label for sign, label in _SENTIMENTS.items() if sign in whole), "negative")
        if not title
        else "neutral",
        topic=("社会", "医疗", "教育")[number % 3],
        request="inquiry" if "？" in whole or "请问" in whole else "complaint",
        stance=("against", "support", "question")[number % 3] if any(sign in whole for sign in _POLICIES) else None,
        policies=tuple(sorted({policy for sign, policy in _POLICIES.items() if sign in whole})),
        event=f"event-{number // 10}",
        region=("城东区", "城西区", None)[number % 3],
    )


def numbers(records: list[Grouped]) -> list[int]:
    """Native ids: short names for records in tests."""
    return [int(record.document.native_id or -1) for record in records]
