"""What a text asks for, by cue words: complaint, inquiry, suggestion, praise, report, help or nothing.

These are rules, not a learnt head: each cue that occurs adds its weight to a label, once, and the scores are the
softmax of the sums. They order the labels sensibly but are not calibrated, and they see neither irony beyond the usual
emoticons nor who speaks. A learnt head takes their place under the same name.
"""

from __future__ import annotations

import math
import re

import ahocorasick

from classifiers.model import REQUESTS, Text
from minsheng.records import Judgement

VERSION = "request-rules-1"

NOTHING = 1.2
"""What `none` starts with: a single weak cue does not outweigh it."""

TITLE_FACTOR = 1.5
"""Titles of messages say what is wanted: their cues count more."""

HEAD, TAIL = 600, 200
"""Characters read of a long text."""

_STRONG, _PLAIN, _WEAK = 3.0, 1.8, 0.8

CUES: dict[str, tuple[tuple[float, str], ...]] = {
    "complaint": (
        (_STRONG, "投诉 不作为 乱作为 乱收费 扰民 脏乱差 没人管 无人管 互相推诿 踢皮球 推来推去 霸王条款 强制消费 态度恶劣 太欺负人"),
        (
            _PLAIN,
            "推诿 推脱 敷衍 拖延 迟迟 至今没 至今未 一直没有解决 得不到解决 没有解决 不解决 不合理 不公平 太差 很差 差评 "
            "严重影响 无法忍受 忍无可忍 苦不堪言 臭气熏天 恶臭 噪音 噪声 坑洼 积水 堵塞 停水 停电 拖欠 不退款 拒不 欺骗 忽悠 "
            "形同虚设 形式主义 一刀切 白跑 跑了三趟 跑了好几趟 打不通 没人接 不予办理 百姓何辜 太坑 坑人 坑爹 折腾 "
            "凭什么 说好的 为民着想 受够了 不满意 不满 气愤 愤怒 无语 心寒 反映无果 反映多次 多次反映 何时是个头",
        ),
        (_WEAK, "反映 问题 影响 不便 难以 太慢 太贵 涨价 垃圾 混乱 乱停 失望 吐槽 呵呵 离谱 麻烦 不让 没有任何"),
    ),
    "inquiry": (
        (_STRONG, "请问 咨询 想问 问一下 问下 求解答 请解答 请告知 想了解 求问 有谁知道 谁知道"),
        (
            _PLAIN,
            "怎么办理 如何办理 怎么申请 如何申请 怎么报名 怎么交 怎么领 什么时候能 什么时候 何时 什么条件 需要什么 需要哪些 "
            "有没有政策 多少钱 多久 是否可以 能否享受 可以享受 算不算 有什么要求 哪里办 在哪办 去哪里 怎么算 如何计算 什么标准 "
            "能报销吗 可以吗 行吗 还能吗 是不是",
        ),
        (_WEAK, "吗? 呢? 是否 如何 怎么 哪些 哪个"),
    ),
    "suggestion": (
        (_STRONG, "建议 提议 提个意见 几点意见 建言 倡议"),
        (_PLAIN, "希望能 希望可以 希望政府 希望有关部门 希望相关部门 能不能增加 可否增设 应当增加 应该增加 最好能 不妨 增设 增开 改为"),
        (_WEAK, "希望 应该 应当 可否 能不能 最好"),
    ),
    "praise": (
        (_STRONG, "表扬 点赞 感谢信 好评 为民办实事 必须赞"),
        (_PLAIN, "感谢 谢谢 太好了 真好 真方便 太方便 很方便 方便多了 贴心 暖心 给力 满意 好政策 支持 受益 省心 高效 为你们 good"),
        (_WEAK, "[赞] [鼓掌] [心] [good] [给力] 👍 ❤ 👏 不错 开心 放心 方便"),
    ),
    "report": (
        (_STRONG, "举报 检举 实名反映 受贿 贪污 行贿 偷排 黑中介 黑作坊 套取资金 骗取补贴 骗补"),
        (_PLAIN, "违法 违规 非法 违章 违建 无证 偷税 漏税 私自 暗箱操作 弄虚作假 造假 徇私 以权谋私 克扣 诈骗 传销 请严查 严查 查处 请查"),
        (_WEAK, "冒用 假冒 伪劣 超标 挪用 私吞"),
    ),
    "help": (
        (_STRONG, "求助 救救 救命 帮帮 求帮忙 请求帮助 急求 求救"),
        (_PLAIN, "恳请 恳求 请求 走投无路 怎么办 无依无靠 没办法了 生活困难 帮忙 帮助解决 帮我 为我做主 求求 万分焦急 等米下锅 无力承担"),
        (_WEAK, "困难 急 盼 解决 帮助 求"),
    ),
    "none": (
        (_STRONG, "举报电话 投诉电话 咨询电话 监督电话 新闻发布会 记者从 本报讯 据悉 印发通知"),
        (_PLAIN, "转发微博 答记者问 政策解读 近日 日前 公告 公示 意见建议"),
    ),
}
"""Label → weight and cues, parted by spaces."""

_IRONY = ("[微笑]", "🙂", "呵呵", "[摊手]", "[费解]", "[白眼]", "[吐]", "[怒]", "真是谢谢", "可真是", "为民着想")
"""Where one of these stands, thanks are not thanks."""

_QUOTED = re.compile(r"《[^《》]{1,80}》")


class RequestRules:
    """The request head. `judge` reads one text."""

    version = VERSION

    def __init__(self) -> None:
        self._cues = ahocorasick.Automaton()
        meanings: dict[str, list[tuple[str, float]]] = {}
        for label, groups in CUES.items():
            for weight, cues in groups:
                for cue in cues.split():
                    meanings.setdefault(cue, []).append((label, weight))
        for cue, meaning in meanings.items():
            self._cues.add_word(cue, (cue, meaning))
        self._cues.make_automaton()

    def judge(self, text: Text) -> Judgement:
        """The request, with a score for every label; they sum to 1."""
        body = text.text if len(text.text) <= HEAD + TAIL else text.text[:HEAD] + "\n" + text.text[-TAIL:]
        weights = dict.fromkeys(REQUESTS, 0.0)
        weights["none"] = NOTHING
        seen: set[str] = set()
        for part, factor in ((text.title[:TAIL], TITLE_FACTOR), (body, 1.0)):
            for cue, meaning in self._found(part):
                if cue not in seen:
                    seen.add(cue)
                    for label, weight in meaning:
                        weights[label] += weight * factor
        if weights["praise"] and any(sign in body for sign in _IRONY):
            weights["complaint"] += weights["praise"]
            weights["praise"] = 0.0
        highest = max(weights.values())
        raised = {label: math.exp(weight - highest) for label, weight in weights.items()}
        total = sum(raised.values())
        scores = {label: value / total for label, value in raised.items()}
        return Judgement(label=max(scores, key=scores.__getitem__), scores=scores)

    def _found(self, part: str) -> list[tuple[str, list[tuple[str, float]]]]:
        """The cues of a text, without those in titles of documents: 《…投诉办法》 is no complaint."""
        if not part:
            return []
        readable = _QUOTED.sub(" ", part).replace("？", "?").encode("utf-8", "replace").decode("utf-8")
        return [found for (_, found) in self._cues.iter(readable)]
