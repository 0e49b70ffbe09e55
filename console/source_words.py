"""What crawls and channels wrote down of failures, in the language of who reads it: they write English."""

from __future__ import annotations

from alerts.notify.delivery_words import in_chinese as delivery_in_chinese
from console.translation import current
from crawlers.error_words import in_chinese
from crawlers.states import said


def crawl_error(error: str) -> str:
    """Why a source could not be had or read."""
    return in_chinese(error) if current.get() == "zh" else error


def delivery_error(error: str) -> str:
    """Why a message or a delivery did not arrive."""
    return delivery_in_chinese(error) if current.get() == "zh" else error


def blindness(reason: str) -> str:
    """Why a source says nothing of a time."""
    return said(reason) if current.get() == "zh" else reason
