"""Privacy at the door: what is masked or hashed before anything of a document is written anywhere.

Numbers are masked by their own structure (area codes, check digits), so that document numbers, dates, amounts and
counts stay as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from minsheng.errors import WrongSettings
from minsheng.settings import Settings

KEY_FILE = "keys/author.key"

_MOBILE = re.compile(
    r"(?<![\d.])(?:(?:\+|00)?86[-\s]?)?1[3-9]\d(?P<gap>[-\s]?)\d{4}(?P=gap)\d{4}(?!\d|\s?(?:元|万|亿|条|个|人次))"
)
_LANDLINE = re.compile(
    r"(?<![\d.-])(?:[(（]0(?:10|2\d|[3-9]\d{2})[)）]\s?|0(?:10|2\d|[3-9]\d{2})[-—－\s])[2-9]\d{6,7}(?:[-转]\d{1,5})?(?![\d-])"
)
# Written without a separator it looks like any number, so the word before it must say that it is one.
_CALLED = re.compile(
    r"((?:电话|手机|联系方式|热线|座机|传真|致电|拨打|号码|[Tt][Ee][Ll])(?:号码|号)?(?:是|为)?[\s:：]{0,3})"
    r"(0(?:10|2\d|[3-9]\d{2})[2-9]\d{6,7}|[2-9]\d{6,7})(?![\d-])"
)
_IDENTITY = re.compile(
    r"(?<!\d)[1-8]\d{5}(?:(?:18|19|20)\d{2})(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"
)
_IDENTITY_OLD = re.compile(r"(?<!\d)[1-8]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
_IDENTITY_SAID = re.compile(r"((?:身份证|证件)(?:号码|号)?(?:是|为)?[\s:：]{0,3})\d{14,17}[\dXx]")
_MAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_AT_NAME = re.compile(r"[@＠][\w\-·]{1,30}")

_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－Ｘ", "0123456789+-X")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# The first two digits of an identity number are a province; half of all accidental digit rows fail here.
_PROVINCES = frozenset(
    f"{region}{province}"
    for region, provinces in enumerate(("12345", "123", "1234567", "123456", "01234", "12345", "1", "123"), start=1)
    for province in provinces
)


def mask(text: str) -> str:
    """Replace phone and identity numbers and e-mail addresses.

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
    spans.extend((*m.span(), "[身份证号]") for m in _IDENTITY.finditer(plain) if _checks(m.group()))
    spans.extend((*m.span(), "[身份证号]") for m in _IDENTITY_OLD.finditer(plain) if m.group()[:2] in _PROVINCES)
    # A number that its owner calls an identity number is one, even mistyped.
    spans.extend((m.end(1), m.end(), "[身份证号]") for m in _IDENTITY_SAID.finditer(plain))
    find(_MOBILE, "[电话]")
    find(_LANDLINE, "[电话]")
    find(_CALLED, "[电话]", 2)
    return _replace(text, spans)


def mask_names(text: str) -> str:
    """Replace @names of accounts in posts.

    Examples
    --------
    >>> mask_names("转发@张三丰 ：支持")
    '转发@用户 ：支持'
    """
    return _AT_NAME.sub("@用户", text)


def _checks(number: str) -> bool:
    """The check digit and the province of an 18-digit identity number (GB 11643)."""
    if number[:2] not in _PROVINCES:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


def _replace(text: str, spans: list[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    reached = 0
    for start, end, label in sorted(spans):
        if start < reached:
            continue
        parts += (text[reached:start], label)
        reached = end
    return "".join((*parts, text[reached:])) if parts else text


class AuthorKeys:
    """Turns authors' names into keyed hashes: the same person at the same source stays one, and nobody can be named.

    Parameters
    ----------
    key:
        The secret; at least 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise WrongSettings("the author key is too short", "give crawl.author_key at least 16 bytes")
        self._key = key

    @classmethod
    def from_settings(cls, settings: Settings) -> AuthorKeys:
        """The key that the settings name; otherwise one that is made once and kept in the data folder."""
        if settings.crawl.author_key is not None:
            return cls(settings.crawl.author_key.reveal().encode())
        path = settings.path(KEY_FILE)
        return cls(_read_or_make(path))

    def __call__(self, source: str, name: str) -> str:
        """24 hexadecimal digits for the author `name` at `source`."""
        return hmac.new(self._key, f"{source}\n{name}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[
            :24
        ]


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name and linked, so that two processes that start together agree on one key.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise WrongSettings(f"the author key {path} can't be read: {error.strerror}") from error
