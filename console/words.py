"""What the pages call things, in Chinese; `console.translation` turns it into other languages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.notices import channel_name
from alerts.tickets import Deadline, TicketLine
from console.translation import translate
from minsheng.clock import CHINA

LEVELS = {"red": "Ⅰ级 红色", "orange": "Ⅱ级 橙色", "yellow": "Ⅲ级 黄色", "blue": "Ⅳ级 蓝色", "none": "无风险"}
LEVEL_ORDER = ("red", "orange", "yellow", "blue")
LEVEL_ICONS = {
    "red": "octagon-alert",
    "orange": "triangle-alert",
    "yellow": "triangle-alert",
    "blue": "info",
    "none": "check",
}
SENTIMENTS = {"negative": "负面", "neutral": "中性", "positive": "正面"}
REQUESTS = {
    "complaint": "投诉", "inquiry": "咨询", "suggestion": "建议", "praise": "表扬", "report": "举报", "help": "求助",
    "none": "无诉求",
}  # fmt: skip
STANCES = {"against": "反对", "support": "支持", "question": "疑问", "neutral": "中立"}
HARMS = {"harm": "有人员伤亡", "none": "无"}
ADVERTS = {"advert": "广告推销", "none": "否"}
KINDS = {"news": "新闻", "post": "帖文", "message": "来信", "reply": "答复", "hot-search": "热搜"}
REASONS = {
    "number": "文号", "title": "标题", "alias": "别名", "fragment": "标题片段", "url": "链接", "parent": "随原帖",
    "weak": "部门和用词", "person": "人工",
}  # fmt: skip
FACETS: dict[str, str] = {
    "policy": "政策", "topic": "领域", "sentiment": "情感", "request": "诉求", "stance": "立场", "kind": "类型",
    "source": "信源", "region": "地区",
}  # fmt: skip
FILTERS: dict[str, str] = {**FACETS, "area": "地区范围", "event": "事件", "same": "同文"}
"""What a search can be narrowed by."""
CHANNELS = {
    "Terminal": "终端", "DingTalk": "钉钉", "Feishu": "飞书", "WeCom": "企业微信", "Webhook": "网址推送",
    "Gateway": "短信等网关", "AppriseUrl": "其他（Apprise）",
}  # fmt: skip
"""Class that carries a channel → what it is."""
HEADS: dict[str, str] = {
    "sentiment": "情感", "request": "诉求", "topic": "领域", "stance": "立场", "harm": "人身伤害",
    "advert": "广告",
}  # fmt: skip
"""What the model judges, and a person may put right at a page."""
LABELS: dict[str, Mapping[str, str]] = {
    "sentiment": SENTIMENTS,
    "request": REQUESTS,
    "stance": STANCES,
    "harm": HARMS,
    "advert": ADVERTS,
    "kind": KINDS,
}


channel = channel_name


def moment(at: datetime | None) -> str:
    """A time in China, to the minute; empty for None."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if at else ""


def short_moment(at: datetime | None) -> str:
    return at.astimezone(CHINA).strftime("%m-%d %H:%M") if at else ""


def next_deadline(ticket: TicketLine) -> Deadline | None:
    """What is due first of what is neither done nor only a warning; missed ones count until they are settled."""
    waiting = [one for one in ticket.deadlines if not one.is_warning and one.waiting]
    return min(waiting, key=lambda one: one.due_at, default=None) if ticket.closed_at is None else None


_UNITS = {"s": "秒", "m": "分钟", "h": "小时", "d": "天"}


def interval(text: str) -> str:
    """How often a source is asked, as settings write it (15m), as people say it."""
    number, unit = text[:-1], _UNITS.get(text[-1:], "")
    return f"{number} {translate(unit)}" if unit and number.isdecimal() else text


def places(regions: Sequence[str]) -> str:
    """Regions in a row, each by the longest of its spellings: 云江省望津市 where 望津市 stands beside it."""
    return "、".join(one for one in regions if not any(other != one and other.endswith(one) for other in regions))


_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Version", "Safari"))
"""What a browser's name for itself holds → what it is; the first counts, as most claim to be others, too."""
_SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser(agent: str) -> str:
    """A browser and its system, as people know them: Chrome 120，Windows; as it calls itself where it is none known."""
    names = (f"{name} {found[1]}" for key, name in _BROWSERS if (found := re.search(rf"{key}\w*/(\d+)", agent)))
    name = next(names, "")
    system = next((word for key, word in _SYSTEMS if key in agent), "")
    return "，".join(filter(None, (name, system))) if name else agent[:60]


def short_count(count: int) -> str:
    """A number for where there is little room: 86213, 12万."""
    return str(count) if count < 100_000 else f"{count // 10_000}万"


def span(left: timedelta) -> str:
    """How long until something is due, or since when it is overdue: 3小时12分, 超时25分."""
    minutes = abs(int(left.total_seconds())) // 60
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    pattern = "{days}天{hours}小时" if days else "{hours}小时{minutes}分" if hours else "{minutes}分"
    words = translate(pattern).format(days=days, hours=hours, minutes=minutes)
    return translate("超时{span}").format(span=words) if left < timedelta() else words


def within(minutes: int) -> str:
    """A plan's time as people say it: 20 分钟内, 24 小时内, 7 天内."""
    if minutes % 1440 == 0 and minutes > 1440:
        return f"{minutes // 1440} 天内"
    return f"{minutes // 60} 小时内" if minutes % 60 == 0 and minutes > 60 else f"{minutes} 分钟内"
