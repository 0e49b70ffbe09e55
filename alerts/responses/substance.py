"""How concrete a reply is: what was found and done, what will be done by when, on what grounds, and whom to ask."""

from __future__ import annotations

import re

import msgspec

LONGEST = 20_000
"""Characters read of a reply."""

_SENTENCE = re.compile(r"(?<=[。！？!?；;\n])")
_SIGNATURE = re.compile(
    r"[\d〇一二三四五六七八九十Ｏo]{4}\s*[年\-./]\s*[\d一二三四五六七八九十]{1,3}\s*[月\-./]\s*[\d一二三四五六七八九十]{1,3}\s*日?\s*$"
)
_OPENING = re.compile(
    r"^.{0,40}?(?:您好|你好)[！!，,：:。]?|(?:您的)?(?:来信|留言|问题|咨询)?(?:已|己)?收悉[，,。！]?|现(?:将.{0,20})?(?:就.{0,20})?(?:答复|回复|回应)如下[：:]?"
)
_CLOSING = re.compile(
    r"感谢您?你?(?:对|的|一如).*$|谢谢(?:您|你|！|。|$).*$|特此回复.*$|欢迎(?:您|你).{0,30}监督.*$|祝(?:您|你).*$"
)

SIGNS: dict[str, tuple[float, re.Pattern[str]]] = {
    "found": (
        0.5,
        re.compile(
            r"经(?:现场|实地|调查|核实|核查|查|了解|查实|研究|咨询|比对|检测|监测|沟通|调解|协调)|据查|据了解|属实|"
            r"(?:现场|实地)(?:踏勘|勘查|勘察|查勘|检查|核查|查看|监测|调查|办公|督导|暗访)|查明|查实|未发现|确实|确有|确存在|鉴定"
        ),
    ),
    "done": (
        0.7,
        re.compile(
            r"已(?:经|于|在|将|由|向|与|对|把|被|全部|按|就|联合|派|同意|启动)?[^，。；]{0,24}?(?:整改|修复|完成|退还|安装|更换|清理|拆除|"
            r"处罚|查处|取缔|开通|发放|到位|落实|解决|调整|关闭|关停|停止|恢复|处理|纳入|列入|约谈|责令|要求|督促|协调|协商|受理|开展|组织|"
            r"下发|出台|提交|实现|投入|开工|施工|立案|移交|批复|同意|聘用|执法|安排|缓解|编制)"
            r"|责令|约谈|立案|停业整|达成一致|表示满意|非常满意|(?:进行|开展|组织|召开|采取|收缴|拆除|关闭|排除|完成|修建|退还)了"
        ),
    ),
    "planned": (
        0.6,
        re.compile(
            r"(?:预计|计划|拟|将|争取|力争|确保|估计).{0,16}?(?:\d{1,4}\s*年|\d{1,2}\s*月|\d+\s*(?:日|天|个工作日)|年底|月底|季度|春节|"
            r"国庆|今年|明年|春季|秋季)"
            r"|(?:\d{1,2}月|\d{4}年|年底|今年|明年|节后).{0,10}(?:前|内|启动|完成|动工|开工|开通|竣工|施工|开业|开园)|马上施工"
        ),
    ),
    "intended": (
        0.35,
        re.compile(
            r"下一步|下阶段|今后|将(?:会|对|在|于|按|继续|组织|安排|加大|加强|进一步|联合|把|设置|增设|再次|持续|上门|督促|由)|正在|正按|准备|"
            r"争取|待.{2,20}后|增设|设置|改造"
        ),
    ),
    "grounds": (
        0.6,
        re.compile(
            r"根据|依据|按照|依照|第[一二三四五六七八九十百\d]+条|《[^》]{4,60}》|〔\d{4}〕|规定|不符合|符合|适用|条件"
        ),
    ),
    "reason": (
        0.5,
        re.compile(
            r"由于|因(?:为|此|.{2,20}(?:原因|影响))|原因|鉴于|主要是|为了|属于|受.{2,15}影响|不足|故(?:不|目前|无)"
        ),
    ),
    "figures": (
        0.5,
        re.compile(
            r"\d+(?:\.\d+)?\s*(?:元|万元|%|％|公里|米|平方米|㎡|m2|亩|辆|台|户|人|家|处|条|个|次|分钟|小时|天|日|吨|路|db|分贝|岁|周岁|床|层|栋"
            r"|年|月|点|号线)",
            re.IGNORECASE,
        ),
    ),
    "contact": (0.4, re.compile(r"电话|热线|联系人|\d{3,4}[-—－]\d{7,8}|12\d{3}|地址|窗口|\[电话\]")),
}
"""Signs of substance: name → (what a sentence with it is worth, 0 to 1; pattern)."""

EMPTY = re.compile(
    r"(?:已|己)(?:将.{0,20})?(?:转|交)(?:给|至|交|由|办|请|市|区|县)|交(?:办|由)|转(?:交|送|办)|将?及时(?:反馈|回复)|"
    r"(?:向|报)(?:上级|有关|相关).{0,12}(?:反映|汇报|上报|反馈)|如实上报|耐心等待|敬请(?:谅解|理解)|请(?:予)?(?:支持|理解|谅解)|"
    r"(?:认真|积极|充分|予以|加以)(?:研究|考虑|处理)|考虑您的|(?:重要|决策)(?:的)?参考|不能(?:明确)?答复|多提.{0,6}意见|积极处理"
)
"""What puts off: passed on, to be considered, please be patient."""
_PLAIN = 0.25
"""What a sentence without any sign is worth: it may still say the thing in plain words."""
_PUT_OFF = 0.3


_SHORTEST = 6
_UNIT = re.compile(r"[^，,、；：]{0,30}(?:局|委|办|办公室|政府|大队|中心|街道|小组|专案组|公司)")
"""A signature."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of a reply's body, what makes it concrete, and how much it is worth from 0 to 1."""

    text: str
    signs: tuple[str, ...]
    weight: float


def body_of(reply: str) -> str:
    """The reply without greeting, receipt, thanks, signature and date."""
    text = re.sub(r"[ \t\u3000\xa0]+", "", reply[:LONGEST]).strip()
    text = _SIGNATURE.sub("", text)
    pieces = (_CLOSING.sub("", _OPENING.sub("", line)).strip() for line in _SENTENCE.split(text))
    return "".join(piece for piece in pieces if piece)


def statements(reply: str) -> list[Statement]:
    """The sentences of a reply's body with their signs of substance."""
    found = []
    for sentence in _SENTENCE.split(body_of(reply)):
        text = sentence.strip()
        if len(text) < _SHORTEST or _UNIT.fullmatch(text):
            continue
        signs = tuple(name for name, (_, pattern) in SIGNS.items() if pattern.search(text))
        missing = 1.0 - _PLAIN
        for name in signs:
            missing *= 1.0 - SIGNS[name][0]
        weight = (1.0 - missing) * (_PUT_OFF if EMPTY.search(text) else 1.0)
        found.append(Statement(text=text, signs=signs, weight=round(weight, 3)))
    return found
