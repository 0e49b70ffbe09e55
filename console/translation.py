"""The interface's other languages: gettext catalogues with Chinese as the language of the messages."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locale"
LANGUAGES = {"zh": "中文", "en": "English"}
HTML_LANGUAGE = {"zh": "zh-CN", "en": "en"}

current: ContextVar[str] = ContextVar("language", default="zh")
"""The language of the request that is being answered."""


@cache
def catalogue(language: str) -> dict[str, str]:
    """Chinese → the other language; empty for Chinese itself."""
    path = LOCALES / f"{language}.po"
    if language == "zh" or not path.exists():
        return {}
    with path.open("rb") as file:
        read = read_po(file, locale=language)
    return {str(message.id): str(message.string) for message in read if message.id and message.string}


def translate(text: str) -> str:
    """The text in the request's language; as it is where the catalogue lacks it."""
    return catalogue(current.get()).get(text, text)
