"""Names by which people say who they are: behind 联系人：, 我叫, and under a letter. Titles (王女士, 李某) stay.

Names in running text are left: who is spoken of can't be told from who speaks, and officials are named for their
office.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LABEL = "[姓名]"

_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜戚谢邹喻苏潘葛范彭郎鲁韦马苗方俞任袁柳鲍史唐费廉薛雷贺倪汤滕殷罗毕"
    "郝邬安常乐于傅皮卞齐康伍余元顾孟黄穆萧尹姚邵汪祁毛禹狄米贝戴宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季强贾路江童颜郭梅盛林钟徐邱骆高夏"
    "蔡田樊胡凌霍虞万柯卢莫房解应宗丁宣邓郁单杭洪包左石崔吉龚程邢裴陆荣翁曲段侯宁仇甘厉祖武符刘景詹龙叶司黎白赖卓蔺池乔闻党翟谭申"
    "冉桑桂牛边燕冀尚温庄晏柴阎习向古易廖耿文欧师关聂肖涂岳代邸"
)
_NAME = (
    rf"(?P<name>[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}|(?:欧阳|上官|司马|诸葛|皇甫|尉迟|司徒|夏侯)[\u4e00-\u9fff]{{1,2}})"
)
_END = r"(?=[\s，,。；;、！!（(\[\d）)]|$)"
_SAID = re.compile(
    r"(?:(?:投诉|反映|举报|申请|来信|留言|诉求|咨询|求助|联系|写信|来电|信访|报修)人(?:姓名)?|姓\s?名|户主|业主姓名|署名)"
    rf"(?:是|为)?\s?[:：]\s?{_NAME}{_END}|(?:我叫|我的名字[是叫])\s?{_NAME.replace('<name>', '<called>')}{_END}"
)
# 我是 and 本人 stand before many things; what follows a name there tells that it is one.
_INTRODUCED = re.compile(
    rf"(?:本人|我是)\s?{_NAME}(?=\s?[，,（(]\s?(?:男|女|[汉回苗藏壮满]族|土家族|身份证|现年|今年|年龄|性别|出生|\d{{4}}年\d{{1,2}}月|家住|现住|住址|"
    r"电话|手机|联系电话|系[\u4e00-\u9fff]|是一名|现龄))"
)
_SIGNED = re.compile(
    r"(?:此致\s*[!！。，,]?\s*敬礼|盼复|望(?:尽快|早日)?(?:答复|回复|解决|处理)|谢谢|感谢)[!！。.~～]*\s*[\n\r ]\s*"
    rf"(?:(?:投诉|反映|申请)人\s?)?{_NAME}\s*(?:\d{{4}}\s?[年./-]\s?\d{{1,2}}\s?[月./-]\s?\d{{1,2}}\s?日?|\[?\d{{11}}\]?)?\s*$"
)
_HINT = re.compile(r"人(?:姓名)?(?:是|为)?\s?[:：]|姓\s?名|户主|署名|我叫|我是|本人|名字|敬礼|盼复|望|谢")
# What looks like a name and is a title, an office, or a place.
_NO_NAME = re.compile(
    r"(?:先生|女士|小姐|老师|同学|经理|党员|会员|职员|房主|房东|房客|主任|局长|书记|师傅|同志|医生|大爷|大妈|阿姨|某某?|某[甲乙丙丁]"
    r"|[区县市局厅委办处科所站部院校司室队会镇乡村街组店厂])$"
)


def person_names(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each name that somebody gives as a person's own."""
    if not _HINT.search(text):
        return
    for match in _SAID.finditer(text):
        group = "name" if match["name"] else "called"
        if not _NO_NAME.search(match[group]):
            yield match.span(group)
    for match in _INTRODUCED.finditer(text):
        if not _NO_NAME.search(match["name"]):
            yield match.span("name")
    if (signed := _SIGNED.search(text, max(0, len(text) - 80))) and not _NO_NAME.search(signed["name"]):
        yield signed.span("name")
