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
        ("[alert]\nyellow = { score = 0.1, voices = 20 }", "a higher level may not take less than a lower one"),
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


def test_one_level_or_weight_can_be_changed_alone(tmp_path: Path) -> None:
    text = "[alert]\nblue = { voices = 6 }\n[alert.weights]\nvolume = 0.5\n"
    (tmp_path / "minsheng.toml").write_text(text, encoding="utf-8")
    alert = load_settings(tmp_path, environ={}).alert
    assert (alert.blue.voices, alert.blue.score, alert.yellow.voices) == (6, 0.4, 15)
    assert (alert.weights.volume, alert.weights.growth) == (0.5, 0.1)
