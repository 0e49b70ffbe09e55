"""Administrators see how the system stands and how it is set, and never a secret."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from console.state import HIDDEN, settings_of
from minsheng.errors import Unavailable
from minsheng.settings import ConsoleSettings, Secret, Settings, StoreSettings
from tests.console.world import ConsoleWorld


def test_settings_are_all_shown_but_for_secrets(tmp_path: Path) -> None:
    kept = tmp_path / "password"
    kept.write_text("correct horse", encoding="utf-8")
    settings = Settings(
        data_dir=tmp_path,
        console=ConsoleSettings(key=Secret(file=str(kept)), proxies=("10.0.0.1", "10.0.0.2")),
        store=StoreSettings(password=Secret(env="NOT_SET_ANYWHERE")),
    )
    shown = {(section, name): value for section, values in settings_of(settings) for name, value in values}
    assert shown["console", "key"] == shown["store", "password"] == HIDDEN
    assert shown["console", "proxies"] == "10.0.0.1、10.0.0.2" and shown["console", "run"] == "是"
    assert shown["", "data_dir"] == str(tmp_path)
    assert "correct horse" not in str(shown) and str(kept) not in str(shown) and "NOT_SET" not in str(shown)
    assert {section for section, _ in shown} - {""} == set(Settings.__struct_fields__) - {"data_dir"}


def test_the_page_says_what_can_not_be_reached(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("administrator")
    page = client.get("/admin/system")
    assert page.status_code == 200 and "SQLite" in page.text and "export_rows" in page.text
    away = Unavailable("index", "gone")
    with patch.object(type(shared_world.console.index), "statistics", side_effect=away):
        assert "连不上，请运维用 minsheng doctor" in client.get("/admin/system").text
    assert shared_world.client("auditor").get("/admin/system").status_code == 403
