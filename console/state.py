"""How the system stands and how it is set, for its administrators; what is secret is never read for it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from console.parts import Console
from minsheng import __version__
from minsheng.errors import MinshengError
from minsheng.settings import Secret, Settings

HIDDEN = "（已设置，不显示）"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the system: `well` False where it can't be reached now."""

    name: str
    words: str
    well: bool = True


def parts_of(console: Console) -> list[Part]:
    """What works, and how much it holds."""
    found = [
        Part(
            name="程序", words=f"Minsheng {__version__}，Python {platform.python_version()}，{os.cpu_count()} 个处理器"
        )
    ]
    try:
        found.append(Part(name="存储", words=console.store.check()))
    except MinshengError:
        found.append(Part(name="存储", words="连不上，请运维用 minsheng doctor 查看原因。", well=False))
    try:
        told = console.index.statistics()
    except MinshengError:
        found.append(Part(name="索引", words="连不上，请运维用 minsheng doctor 查看原因。", well=False))
        return found
    size = int(told["bytes"]) / 1_000_000
    words = f"{told['engine']}，{told['documents']} 篇，{size:.1f} MB，{told['where']}"
    found.append(Part(name="索引", words=words))
    if "to rebuild" in told:
        found.append(Part(name="索引", words="分析方式已更新，请运维运行 minsheng index rebuild。", well=False))
    return found


def settings_of(settings: Settings) -> list[tuple[str, list[tuple[str, str]]]]:
    """Section → its settings, in the order of the settings' reference; a secret only says whether there is one."""
    sections: list[tuple[str, list[tuple[str, str]]]] = []
    single: list[tuple[str, str]] = []
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, msgspec.Struct) and not isinstance(value, Secret):
            sections.append((name, list(_flat(value, ""))))
        else:
            single.append((name, _shown(value)))
    return [("", single), *sections]


def _flat(section: msgspec.Struct, prefix: str) -> Iterator[tuple[str, str]]:
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, msgspec.Struct) and not isinstance(value, Secret):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _shown(value)


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "—"
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, str | int | float | date | Path):
        return str(value)
    if isinstance(value, dict):
        return "；".join(f"{name} = {_shown(one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        return "、".join(map(_shown, value))
    if isinstance(value, msgspec.Struct):
        return "，".join(f"{name} {_shown(getattr(value, name))}" for name in value.__struct_fields__)
    return str(value)
