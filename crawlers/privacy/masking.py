"""What points at a person in a text: phone, identity, plate and card numbers, mail addresses, homes, @names.

Numbers are masked by their own structure (area codes, check digits), so that document numbers, dates, amounts and
counts stay as they are.
"""

from __future__ import annotations

import re

from crawlers.privacy.house_numbers import LABEL as HOUSE
from crawlers.privacy.house_numbers import house_numbers
from crawlers.privacy.named_accounts import NOBODY, NamedAccounts
from crawlers.privacy.names import LABEL as PERSON
from crawlers.privacy.names import person_names

_COUNTED = (
    r"(?!\d|\s?(?:[美欧日港韩]?元|万|亿|条|个|人(?![工员家])|次(?!日)|股|字节|吨|千瓦|度|平方|立方|公里|千米|公斤|公顷|亩"
    r"|英镑|卢布))"
)
# A part of a hexadecimal number is none: its letters stand before, or letters and digits behind.
_NO_HEX = r"(?<![\da-f][a-f])"
_NO_HEX_BEHIND = r"(?!\d*[a-f]+\d)"
_MOBILE = re.compile(
    rf"(?<![\d.]){_NO_HEX}"
    r"(?:[(（]\+?86[)）][-\s]?|(?:\+|00)?86[-\s]?)?1[3-9]\d"
    r"(?P<gap>[-—–.·_/,，\s\u200b-\u200d\u2060\ufeff]?)\d{4}"
    rf"(?P=gap)\d{{4}}{_COUNTED}{_NO_HEX_BEHIND}"
)
# Eleven digits in one are an amount, or the number of something else, where the word before them says so.
_NO_MOBILE = re.compile(
    r"(?:人口|编号|[表户]号|注册号|登记号|合同号|工单号?|订单号?|运单号?|流水号|案号|条码|代码|批号|大小|投资|规模|余额"
    r"|金额|粉丝|播放|阅读|浏览|[产市]值|总[量数值额]|点击[量数]|下载[量数])(?:数|量|共|约|为|是|达|达到|超过|近)?[\s:：]{0,2}$"
)
# 138 001 38000 and other groups: ways to write a number that is none else. Words that spell it are one, too.
_GROUPS = (
    r"\d[-\s]\d{3}[-\s]\d{5}", r"\d[-\s]\d{8}", r"\d\d[-\s]\d{4}[-\s]\d{3}", r"\d\d[-\s]\d{3}[-\s]\d{4}",
    r"\d{3}\s\d{6}", r"\d{4}\s\d{5}", r"\d(?:\s\d\d){4}", r"\d[-\s]\d{4}[-\s]\d{3}[-\s]\d",
)  # fmt: skip
_SPELT = "〇零一二三四五六七八九幺"
_MOBILE_ODD = re.compile(
    rf"(?<![\d.-]){_NO_HEX}1[3-9](?:{'|'.join(_GROUPS)}){_COUNTED}{_NO_HEX_BEHIND}"
    r"|(?<![\d.\s])1(?:\s[3-9])(?:\s\d){9}(?!\s?\d)"
    rf"|(?<![{_SPELT}])[一幺][三四五六七八九][{_SPELT}]{{9}}(?![{_SPELT}十百千万亿])"
)
_LANDLINE = re.compile(
    r"(?<![\d.-])(?:[(（]0(?:10|2\d|[3-9]\d{2})[)）][-\s]?|(?:(?:\+|00)86[-\s]?0?|0)(?:10|2\d|[3-9]\d{2})(?:\s?[-—－]{1,2}\s?|\s))"
    r"[2-9](?:\d{6,7}|\d{2,3}[-\s]\d{4})(?:[-转]\d{1,5})?(?![\d-])"
)
# Written without a separator it looks like any number, so the word before it must say that it is one.
_CALLED = re.compile(
    r"((?:电话|手机|联系方式|热线|座机|传真|致电|拨打|号码|[Tt][Ee][Ll])(?:号码|号)?(?:是|为)?[\s:：]{0,3})"
    r"(0(?:10|2\d|[3-9]\d{2})[2-9]\d{6,7}|[2-9]\d{6,7}|[2-9]\d{3}[-\s]\d{4})(?![\d-]|\s?次)"
)
_IDENTITY = re.compile(
    r"(?<!\d)[1-8]\d{5}(?:(?:18|19|20)\d{2})(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"
)
_IDENTITY_OLD = re.compile(r"(?<!\d)[1-8]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
_IDENTITY_SPACED = re.compile(
    r"(?<!\d)[1-8]\d{5}(?P<gap>[-\s])(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?P=gap)\d{3}[\dXx](?![\dA-Za-z])"
)
_IDENTITY_FOURS = re.compile(
    r"(?<!\d)[1-8]\d{3}(?P<gap>[-\s])\d{4}(?P=gap)\d{4}(?P=gap)\d{4}(?P=gap)\d[\dXx](?![\dA-Za-z])"
)
_IDENTITY_SAID = re.compile(r"((?:身份证|证件)(?:号码|号)?(?:是|为)?[\s:：]{0,3})\d{14,17}[\dXx]")
_MAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|[\u4e00-\u9fff]{1,20})\.[A-Za-z]{2,}"
)
# Ways to write an address past machines; only where it is one by its ending.
_MAIL_DISGUISED = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+(?:\s?[(（\[【](?:at|AT)[)）\]】]\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
    r"|\s(?:at|AT)\s[A-Za-z0-9-]+\s(?:dot|DOT)\s[A-Za-z]{2,}"
    r"|#(?:qq|163|126|139|189|gmail|sina|sohu|hotmail|outlook|foxmail|yeah)\.(?:com|cn|net))"
)
# A number at a messenger is as good as a telephone number; only the word before it tells.
_MESSENGER = re.compile(
    r"((?:QQ|qq|Qq|扣扣|微信|薇信|[Vv]信|加[Vv]|VX|vx|[Ww]e[Cc]hat|wx|WX|抖音|快手)(?:号码|号)?(?:是|为)?\s?[:：]?\s{0,2})"
    r"((?<=[号是为:：\s])(?:[1-9]\d{5,10}|[A-Za-z][\w-]{5,19})(?<![A-Za-z]{6})|(?<=[Qq扣])[1-9]\d{6,10})(?![\w])"
)
_AT_NAME = re.compile(r"[@＠](?P<name>[\w\-·]{1,30})")
_PAPERS = re.compile(
    r"((?:护照|通行证|港澳证|台胞证|居住证)(?:号码|号)?(?:是|为)?[\s:：]{0,3})([A-Za-z]{1,2}\d{7,9}|\d{8})(?![\dA-Za-z])"
)
_SERVICE_PAPERS = re.compile(
    r"((?:军官|士兵|警官|文职)证(?:号码|号)?(?:是|为)?[\s:：]{0,3})([\u4e00-\u9fff]{1,3}字第?\d{6,8}号?)"
)
# GA 36: a province, a letter without I and O, and five signs; six where the car is electric. The dot is often left out.
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使]\s?(?P<letter>[A-HJ-NP-Za-hj-np-z])[·•・.\s-]?"
    r"(?P<rest>[DFdf][A-HJ-NP-Za-hj-np-z\d]\d{4}|\d{5}[DFdf]|[A-HJ-NP-Za-hj-np-z\d]{5}"
    r"|[A-HJ-NP-Za-hj-np-z\d]{4}[挂学警港澳领])(?![A-Za-z\d]|标段|项目|地块|号文)"
)
_CARD = re.compile(
    r"(?<![\d.A-Za-z-])\d{4}(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{4}(?:(?P=gap)\d{1,3})?"
    r"(?![\d.A-Za-z-]|\s?[元万亿])"
)
_CARD_SAID = re.compile(
    r"((?:银行卡|储蓄卡|信用卡|社保卡|工资卡|卡号|银行账[号户]|银行帐[号户]|账号|帐号|账户|帐户)(?:号码|号)?(?:是|为)?[\s:：]{0,3})"
    r"(\d{4}(?:[ -]?\d{2,4}){2,4}\d?)(?![\d.A-Za-z]|\s?[元万亿])"
)
_OTHER_NUMBER = re.compile(r"(?:订单|运单|快递单?|单|工单|受理|流水|案件|批)(?:编)?号(?:码)?(?:是|为)?[\s:：]{0,3}$")
# Who issues cards in China: UnionPay, older series of the banks; and the foreign brands, whose cards have 16 digits.
_UNIONPAY = ("62", "81", "9558", "60", "68", "69")
_FOREIGN = ("4", "51", "52", "53", "54", "55", "35")

_CITIES = ("北京", "南京", "东京", "天津", "云贵")  # 北京HU7976 is a flight
_YEAR = re.compile(r"[A-Za-z](?:19|20)\d{2}(?!\d)")
_SIGNS = re.compile(
    r"\d{2}|[〇零一二三四五六七八九幺]{11}|\d \d|"
    r"[微Ww][信xX]|[一二三四五六七八九十]单元|[\d一二三四五六七八九十][号栋幢座单门]|[号栋幢座室]\d"
)

# All of ASCII has a twin of full width, and a space; each is one character, so that places stay the same.
_FULL_WIDTH = {code + 0xFEE0: code for code in range(0x21, 0x7F) if chr(code) not in "()!,:;?"} | {0x3000: 0x20}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# The first two digits of an identity number are a province; half of all accidental digit rows fail here.
_PROVINCES = frozenset(
    f"{region}{province}"
    for region, provinces in enumerate(("12345", "123", "1234567", "123456", "01234", "12345", "1", "123"), start=1)
    for province in provinces
)


def mask(text: str) -> str:
    """Replace phone, identity, plate and bank card numbers, e-mail addresses, house numbers, and names that are signed.

    Examples
    --------
    >>> mask("请致电13800138000，文号川办发〔2023〕12号，共1234567元")
    '请致电[电话]，文号川办发〔2023〕12号，共1234567元'
    """
    if not text:
        return text
    # Full-width digits are masked too: the search runs on a copy of the same length, the text keeps its own characters.
    plain = text.translate(_FULL_WIDTH)
    spans: list[tuple[int, int, str]] = []

    def find(pattern: re.Pattern[str], label: str, group: int = 0) -> None:
        spans.extend((*match.span(group), label) for match in pattern.finditer(plain))

    find(_MAIL, "[邮箱]")
    find(_MAIL_DISGUISED, "[邮箱]")
    spans.extend((start, end, PERSON) for start, end in person_names(plain))
    if not _SIGNS.search(plain):
        return _replace(text, spans)
    spans.extend((*m.span(), "[身份证号]") for m in _IDENTITY.finditer(plain) if _checks(m.group()))
    for spaced in (_IDENTITY_SPACED, _IDENTITY_FOURS):
        spans.extend((*m.span(), "[身份证号]") for m in spaced.finditer(plain) if _checks(re.sub(r"[-\s]", "", m[0])))
    spans.extend((*m.span(), "[身份证号]") for m in _IDENTITY_OLD.finditer(plain) if m.group()[:2] in _PROVINCES)
    # A number that its owner calls an identity number is one, even mistyped.
    spans.extend((m.end(1), m.end(), "[身份证号]") for m in _IDENTITY_SAID.finditer(plain))
    spans.extend(
        (*m.span(), "[电话]")
        for m in _MOBILE.finditer(plain)
        if m["gap"] or not _NO_MOBILE.search(plain, max(0, m.start() - 16), m.start())
    )
    find(_MOBILE_ODD, "[电话]")
    find(_LANDLINE, "[电话]")
    find(_CALLED, "[电话]", 2)
    find(_PAPERS, "[证件号]", 2)
    find(_SERVICE_PAPERS, "[证件号]", 2)
    find(_MESSENGER, "[账号]", 2)
    spans.extend((*m.span(), "[车牌号]") for m in _PLATE.finditer(plain) if _is_plate(m))
    spans.extend((*m.span(), "[银行卡号]") for m in _CARD.finditer(plain) if _is_card(m, plain))
    spans.extend((*m.span(2), "[银行卡号]") for m in _CARD_SAID.finditer(plain) if sum(map(str.isdigit, m[2])) >= 12)
    spans.extend((start, end, HOUSE) for start, end in house_numbers(plain))
    return _replace(text, spans)


def mask_names(text: str, named: NamedAccounts = NOBODY) -> str:
    """Replace @names of accounts, but of those in `named`.

    Examples
    --------
    >>> mask_names("转发@张三丰 ：支持")
    '转发@用户 ：支持'
    >>> mask_names("问@云江发布", NamedAccounts(["云江发布"]))
    '问@云江发布'
    """
    return _AT_NAME.sub(lambda match: match[0] if match["name"] in named else "@用户", text)


def _checks(number: str) -> bool:
    """The check digit and the province of an 18-digit identity number (GB 11643)."""
    if number[:2] not in _PROVINCES:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


def _is_plate(match: re.Match[str]) -> bool:
    """Digits must be among the signs; and small letters are a plate's only where nearly all the rest are digits."""
    digits = sum(map(str.isdigit, match["rest"]))
    plain = match["letter"].isupper() and match["rest"].upper() == match["rest"]
    before = match.string[match.start() - 1 : match.start() + 1] if match.start() else ""
    return digits >= (1 if plain else 4) and not _YEAR.match(match["rest"]) and before not in _CITIES


def _is_card(match: re.Match[str], text: str) -> bool:
    """A known issuer and the check digit (Luhn, ISO/IEC 7812); and no number that is called something else."""
    digits = re.sub(r"\D", "", match[0])
    issuers = (*_UNIONPAY, *_FOREIGN) if len(digits) == 16 else _UNIONPAY
    if not digits.startswith(issuers) or _OTHER_NUMBER.search(text, max(0, match.start() - 12), match.start()):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _replace(text: str, spans: list[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    reached = 0
    for start, end, label in sorted(spans):
        if start < reached:
            continue
        parts += (text[reached:start], label)
        reached = end
    return "".join((*parts, text[reached:])) if parts else text
