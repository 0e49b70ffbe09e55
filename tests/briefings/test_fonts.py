"""Which fonts are there, and what fontconfig takes for those of the standard that are not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from matplotlib import font_manager

from briefings import fonts
from tests.servers import leave_out

ALIASES = Path(__file__).parents[2] / "deploy/fontconfig/45-gb9704.conf"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    fonts.installed_fonts.cache_clear()
    yield
    fonts.installed_fonts.cache_clear()


def faces(*names: str) -> SimpleNamespace:
    return SimpleNamespace(ttflist=[SimpleNamespace(name=name) for name in names])


@pytest.mark.parametrize(
    ("there", "with_serifs"),
    [
        (("SimHei", "Microsoft YaHei", "DejaVu Serif"), ()),
        (("SimHei", "SimSun", "NSimSun"), ("NSimSun", "SimSun")),
        (("FangSong", "KaiTi", "WenQuanYi Zen Hei"), ("FangSong", "KaiTi")),
        (("Noto Serif CJK JP", "Noto Serif CJK SC", "Noto Sans CJK SC"), ("Noto Serif CJK SC", "Noto Serif CJK JP")),
        (("AR PL UMing CN", "AR PL SungtiL GB", "Source Han Serif SC"),
         ("AR PL SungtiL GB", "AR PL UMing CN", "Source Han Serif SC")),
    ],
)  # fmt: skip
def test_faces_with_serifs_are_told_by_their_names(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], with_serifs: tuple[str, ...]
) -> None:
    monkeypatch.setattr(font_manager, "fontManager", faces(*there))
    assert fonts.serif_fonts() == with_serifs


def test_a_font_that_was_installed_since_matplotlib_first_looked_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = faces("DejaVu Sans")
    monkeypatch.setattr(font_manager, "fontManager", known)
    monkeypatch.setattr(mpl, "get_cachedir", lambda: str(tmp_path))

    class Made(font_manager.FontManager):
        def __init__(self) -> None:
            self.ttflist = [font_manager.FontEntry(name="SimSun")]

    monkeypatch.setattr(font_manager, "FontManager", Made)
    assert "SimSun" in fonts.installed_fonts()
    assert [font.name for font in known.ttflist] == ["SimSun"]
    (kept,) = tmp_path.iterdir()
    assert "SimSun" in kept.read_text()


@pytest.mark.parametrize("name", ["仿宋", "仿宋_GB2312", "FangSong", "方正小标宋简体", "楷体", "宋体"])
def test_the_shipped_aliases_take_a_face_with_serifs(tmp_path: Path, name: str) -> None:
    if shutil.which("fc-match") is None or not fonts.serif_fonts():
        leave_out("fontconfig, or a Chinese font with serifs, is not installed")
    file = tmp_path / "fonts.conf"
    file.write_text(f"<fontconfig><include>/etc/fonts/fonts.conf</include><include>{ALIASES}</include></fontconfig>")

    def taken(pattern: str) -> str:
        command = ["fc-match", "-f", "%{family}", pattern]
        environment = {**os.environ, "FONTCONFIG_FILE": str(file)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert any(one in taken(f"{name}:lang=zh-cn") for one in fonts.serif_fonts())
    assert not any(one in taken("黑体:lang=zh-cn") for one in fonts.serif_fonts())
