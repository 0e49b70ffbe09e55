"""Where somebody lives: street numbers after a road, and units and rooms after a building.

A building alone stays: a broken lift in building 6 is a matter, and its building does not say who lives there. So does
the number of a public place (人民路33号市政务中心), and a day of the month that looks like a number (人民路15号起停水).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LABEL = "[门牌号]"

_DIGITS = r"(?:\d{1,5}|[一二三四五六七八九十百零〇两]{2,5})"
# Looked for by the number, and then backwards: numbers are rarer than characters that a road may begin with.
_NUMBER = re.compile(
    rf"(?<!\d)(?:{_DIGITS}弄(?:{_DIGITS}支弄)?\s?)?附?{_DIGITS}(?:[-—－之]\d{{1,4}})?号(?:附\d{{1,3}}号|之\d{{1,3}})?"
    r"(?:\s?(?:\d{1,2}楼)?\d{2,4}(?:室|房))?"
    r"(?!线|地铁|轻轨|轨道|高铁|城铁|公交|专线|支线|环线|(?:出入|出|入|检票|安检)口|文|令|公告|文件|通知|院线|车|机|公里|桩|站|桥|隧道|标段|地块|楼|栋|井|墩|路)"
)
_ROAD = re.compile(
    r"[\u4e00-\u9fff](?:大道|大街|[东南西北中]?[一二三四五六七八九十]+段|[一二三四五六]环|路|街|巷|胡同|弄|村|屯|寨|"
    r"(?:[\d一二三四五六七八九十]+|村民小)组)(?:[东南西北中]段|[东南西北]侧)?\s?$"
)
# Words that end like a road and are none; after them a number is a day, a line or a page.
_NO_ROAD = re.compile(
    r"(?:公路|铁路|道路|线路|网路|马路|一路|半路|思路|出路|电路|水路|修路|堵路|让路|走路|迷路|赶路|带路|问路|销路|套路|"
    r"同路|上路|开路|后路|通路|航路|陆路|高速路|这条路|那条路|条路|段路|的路|在路|逛街|上街|扫街|步行街|本村|我村|全村|农村|"
    r"乡村|该村|各村|进村|驻村|新农村|个村|的村|这个组|专案组)\s?$"
)
_DAY_AFTER = re.compile(
    r"\s?(?:起|开始|至|到|前|后|以前|之前|之后|以后|上午|下午|晚|夜|凌晨|早|中午|当天|当晚|那天|这天|停|恢复|通|开|完|要|"
    r"将|就|才|又|还|已|和\d|、\d|[-~—－～至到]|[(（]?(?:周|星期|今|明|昨))"
)
# What stands behind the number of a public place; homes of its staff are none.
_PLACES = (
    "中心|局|厅|委员会|政府|大厅|法院|检察院|医院|学校|大学|学院|中学|小学|幼儿园|派出所|街道办|居委会|村委会|社区服务|图书馆|"
    "博物馆|文化馆|体育馆|银行|公司|大厦|酒店|宾馆|超市|商场|广场|车站|邮局|服务站|办事处|窗口|市场"
)
_PUBLIC = re.compile(rf"[\s(（,，]?(?!.{{0,14}}(?:家属|宿舍|小区|公寓|花园|家园))[\u4e00-\u9fff]{{0,14}}?(?:{_PLACES})")
# A shop or a works at a street number, or in a room of a building with flats, is a matter and no home. What lies beside
# one, or below it, may be.
_BUSINESS = (
    r"(?:的)?(?:[\u4e00-\u9fffA-Za-z]{0,12}?(?:商铺|门面|店面|铺面|门店|门市|底商|饭店|餐馆|餐厅|酒楼|茶楼|网吧|药店|商店|商城|集团|工厂|"
    r"培训(?:点|班|机构|学校)|早教|加油站|充电站|揽投部|营业部|营业厅|写字楼|办公楼|工业园|产业园|创业园|工地|项目部|仓库|会所))"
)
_BUSINESS_AT = re.compile(rf"\s?(?!.{{0,6}}(?:楼下|楼上|隔壁|旁边|对面|附近|门口|门前|周边)){_BUSINESS}")
_SHOP_IN_ROOM = re.compile(r"\s?号?(?:的)?(?:商铺|门面|店面|铺面|门店|门市|底商)")
_OFFICE_BEFORE = re.compile(
    r"(?:政务|行政|服务中心|办公|政府|大厦|局|厅|委|法院|医院|学校|大学|学院|校区|院区|机关|窗口)[^，。；、,;]{0,12}$"
)

# In brackets behind the name of a public place stands its address: 明月小学（灰埠路24号）.
_PUBLIC_BEFORE = re.compile(
    rf"(?:{_PLACES})(?:(?!家属|宿舍|小区|公寓|花园|家园|员工)[\u4e00-\u9fffA-Za-z\d]){{0,8}}\s?[(（](?:地址|位于|原址|现址)?\s?[:：]?[^()（）。；;]{{0,24}}$"
)
_BRACKET_ENDS = re.compile(r"[^()（）。；;]{0,16}[)）]")
# Where somebody says that it is a home, a number behind the name of a place is one, too: 我家住在县府坪23号.
_HOME = re.compile(
    r"(?:(?:我家|家)(?:老|祖)?(?:屋|房子?|宅)?|家住|居?住在|住址|户籍地址|祖屋|老屋|祖宅|私房|居民点)(?:就)?(?:位于|在|于|是|为)?\s?[:：]?"
    r"[^，。；！？,;!?\s()（）]{0,20}?[坪坡冲湾塘坝岭岗沟坳庄屯寨堡集镇乡村社点口头里园苑](?P<number>\d{1,4}号)"
    r"(?!线|地铁|轻轨|轨道|公交|[楼栋幢座]|文|令|院线|车|桥|门)"
)

# 一座 counts bridges and power stations.
_BUILDING = r"(?:(?:[A-Za-z]?\d{1,4}|[A-Za-z])(?:号楼|栋|幢|座|#楼?)|[一二三四五六七八九十]{1,3}(?:号楼|栋|幢))"
_COUNTED = r"(?!\d|\s?(?:[户人万元米平家个套㎡年月日天位名余多条次点分台部辆度吨层级%％²]|平方|单元|[mM][2²]))"
_ROOM = re.compile(
    rf"(?P<building>{_BUILDING})\s?[-—－,，]?\s?(?P<room>"
    r"(?:\d{1,2}|[一二三四五六七八九十甲乙丙丁])(?:单元|门)\s?[-—－,，]?\s?(?:\d{1,2}(?:楼|层)\s?)?(?:\d{2,4}(?:号?(?:室|房|户))?|\d{1,4}号)"
    r"(?!\d|\s?[人万元米平家个套年月日天])"
    r"|(?:\d{1,2}(?:楼|层)\s?)?\d{2,4}(?:号?(?:室|房)|号(?!楼|院))"
    r"|\d{1,2}[-—－]\d{3,4}(?:号?(?:室|房|户))?(?!\d)"
    rf"|[1-9]\d{{2,3}}(?:[/、][1-9]\d{{2,3}})*{_COUNTED}(?!-|栋|幢|座))"
)
_UNIT_ROOM = re.compile(
    r"(?<![\d])(?P<room>(?:\d{1,2}|[一二三四五六七八九十])单元\s?[-—－]?\s?\d{2,4}(?:号?(?:室|房|户)|号)?)(?!\d|\s?[人万元米平家个套年月日天])"
)
# 12-3-1502: after the name of an estate, or with its room said.
_DASHED = re.compile(r"(?<![\d\-—－])\d{1,3}[-—－]\d{1,2}[-—－]\d{3,4}(?P<said>号?(?:室|房|户))?(?!\d)")
# A room by itself, where it is somebody's: 404房业主, 在411房, 501住户. Hundreds of households are a count.
_LONE_ROOM = re.compile(
    r"(?<![\d第年约近共超余过及约达于.\-—－/])(?P<room>[1-9]\d{2,3}(?:室|房|号房)(?![\u4e00-\u9fff]{0,3}?(?:文件|补|产|价|屋|地产|贷|源|租|管|间|型|车|会议))"
    r"|[1-9]\d?0[1-9](?=住户|业主|室友))"
)
# Floors and rooms in words: 二单元三楼, 三单元五零二室.
_WORDED = re.compile(
    r"(?P<room>[一二三四五六七八九十\d]{1,2}单元\s?[一二三四五六七八九十零〇\d]{1,5}(?:号?(?:室|房|户)|楼|层)(?!的?(?:业主|居民)?大?会)"
    r"|[一二三四五六七八九十]{1,2}单元[一二三四五六七八九][一二三四五六七八九十零〇]{2,3}(?![一二三四五六七八九十零〇百千万人户元米平个]))"
)
_ESTATES = ("小区", "花园", "家园", "公寓", "新村", "苑", "府", "庭", "居", "园", "城")
_HINT = re.compile(r"[号栋幢座#室房单]|住户|业主|\d[-—－]\d")


def house_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each number that says where somebody lives.

    Parameters
    ----------
    text:
        With half-width digits.
    """
    if not _HINT.search(text):
        return
    for match in _NUMBER.finditer(text):
        if _is_address(match, text):
            yield match.span()
    for match in _HOME.finditer(text):
        digits = int(match["number"][:-1])
        if digits > 31 or not _DAY_AFTER.match(text, match.end()):
            yield match.span("number")
    for match in _ROOM.finditer(text):
        if not (_is_office(match, text) or _SHOP_IN_ROOM.match(text, match.end())):
            yield match.span("room")
    for match in _UNIT_ROOM.finditer(text):
        yield match.span("room")
    for match in _LONE_ROOM.finditer(text):
        if not (_is_office(match, text) or _SHOP_IN_ROOM.match(text, match.end())):
            yield match.span("room")
    for match in _WORDED.finditer(text):
        yield match.span("room")
    for match in _DASHED.finditer(text):
        if match["said"] or text[max(0, match.start() - 3) : match.start()].rstrip().endswith(_ESTATES):
            yield match.span()


def _is_office(match: re.Match[str], text: str) -> bool:
    """Whether a room is one of an office, or of another public place."""
    return _OFFICE_BEFORE.search(text, max(0, match.start() - 24), match.start()) is not None


def _is_address(match: re.Match[str], text: str) -> bool:
    start, end = match.span()
    before = max(0, start - 16)
    if not _ROAD.search(text, before, start) or _NO_ROAD.search(text, before, start):
        return False
    digits = re.fullmatch(r"(\d{1,2})号", match[0])
    if digits and 1 <= int(digits[1]) <= 31 and _DAY_AFTER.match(text, end):
        return False
    if _PUBLIC_BEFORE.search(text, max(0, start - 48), start) and _BRACKET_ENDS.match(text, end):
        return False
    return not (_PUBLIC.match(text, end) or _BUSINESS_AT.match(text, end))
