"""Alert settings that make no sense are refused when they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from minsheng.errors import WrongSettings
from minsheng.settings import load_settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[alert]\nwindows_hours = []", "windows_hours needs at least one window"),
        ("[alert]\nslow_day = 3", "did you mean slow_days?"),
        ('[[notify.channels]]\nname = "duty"', "needs either url or secret_url"),
        ('[[notify.channels]]\nname = "duty"\nurl = "a://"\nlevels = ["purple"]', "purple"),
    ],
)
def test_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "minsheng.toml").write_text(text, encoding="utf-8")
    with pytest.raises(WrongSettings) as error:
        load_settings(tmp_path, environ={})
    assert said in str(error.value)
